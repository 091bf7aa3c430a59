//! Small graphs for property tests: to blocks, from blocks, and how two differ.

use super::arbitrary::{Limits, integer, name, properties, text};
use graphferry::model::schema::OtherObject;
use graphferry::model::value::put_map;
use graphferry::model::{
    Block, Class, Constraint, ConstraintKind, Entity, Index, IndexKind, Kind, Map, Schema, SchemaObject, Trigger, Value,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index as Pick, select};
use std::collections::{HashMap, HashSet};

/// A node: id, labels, properties.
pub type Node = (i64, Vec<String>, Map);

/// A relationship: id, start, end, type, properties.
pub type Relationship = (i64, i64, i64, String, Map);

/// A graph in memory.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// The nodes, in order.
    pub nodes: Vec<Node>,
    /// The relationships, in order.
    pub relationships: Vec<Relationship>,
    /// The schema.
    pub schema: Schema,
}

/// What two graphs must have in common to be the same, beside everything else.
#[derive(Clone, Copy, Debug)]
pub struct Same {
    /// The ids' values. Where false, the nth node of one is the nth of the other.
    pub ids: bool,
    /// The order of items (where ids count), of labels and of properties.
    pub order: bool,
}

impl Same {
    /// Nothing is ignored.
    pub const ALL: Self = Self { ids: true, order: true };
}

impl Graph {
    /// All nodes in blocks of at most `size`, then all relationships. Lines are not set.
    pub fn blocks(&self, size: usize) -> Vec<Block> {
        let nodes = self.nodes.chunks(size).map(|nodes| {
            let mut block = Block::new(Class::Nodes);
            for (id, labels, properties) in nodes {
                put_map(block.buffer(), properties);
                let kind = block.intern(&Kind::labels(labels));
                block.push(*id, 0, 0, kind, 0);
            }
            block
        });
        let relationships = self.relationships.chunks(size).map(|relationships| {
            let mut block = Block::new(Class::Relationships);
            for (id, start, end, name, properties) in relationships {
                put_map(block.buffer(), properties);
                let kind = block.intern(&Kind::relationship(name));
                block.push(*id, *start, *end, kind, 0);
            }
            block
        });
        nodes.chain(relationships).collect()
    }

    /// Adds a block's items.
    pub fn add(&mut self, block: &Block) {
        for item in block.items() {
            let mut cursor = block.cursor(item);
            let Value::Map(properties) = Value::read(&mut cursor).unwrap() else { panic!("properties are no map") };
            assert!(cursor.is_at_end(), "bytes after the properties of {item:?}");
            let names = block.kind(item).names().iter().map(|name| name.to_string());
            match block.class() {
                Class::Nodes => self.nodes.push((item.id, names.collect(), properties)),
                Class::Relationships => {
                    let names: Vec<_> = names.collect();
                    assert_eq!(names.len(), 1, "a relationship has one type");
                    self.relationships.push((item.id, item.start, item.end, names[0].clone(), properties));
                }
            }
        }
    }

    /// The graph in these blocks.
    pub fn from_blocks<'a>(blocks: impl IntoIterator<Item = &'a Block>) -> Self {
        let mut graph = Self::default();
        blocks.into_iter().for_each(|block| graph.add(block));
        graph
    }

    /// Every item in words, in the form in which equal graphs are equal.
    fn facts(&self, same: Same) -> (Vec<String>, Vec<String>) {
        let renumbered: HashMap<i64, i64> = self.nodes.iter().map(|node| node.0).zip(0..).collect();
        let node_id = |id: i64| if same.ids { id } else { renumbered.get(&id).copied().unwrap_or(i64::MIN) };
        let words = |properties: &Map| {
            let mut properties = properties.clone();
            if !same.order {
                properties.sort_unstable_keys();
            }
            let mut bytes = Vec::new();
            put_map(&mut bytes, &properties);
            // The bytes decide (NaN, -0.0, order); the words are for the reader of the failure.
            format!("{properties:?} as {bytes:02x?}")
        };
        let mut nodes: Vec<_> = self.nodes.iter().collect();
        let mut relationships: Vec<_> = self.relationships.iter().collect();
        if same.ids && !same.order {
            nodes.sort_by_key(|node| node.0);
            relationships.sort_by_key(|relationship| relationship.0);
        }
        let nodes = nodes.into_iter().map(|(id, labels, properties)| {
            let mut labels = labels.clone();
            if !same.order {
                labels.sort();
            }
            format!("node {} {labels:?} {}", node_id(*id), words(properties))
        });
        let relationships = relationships.into_iter().map(|(id, start, end, name, properties)| {
            let id = if same.ids { *id } else { 0 };
            format!("relationship {id} {} -{name:?}-> {} {}", node_id(*start), node_id(*end), words(properties))
        });
        (nodes.collect(), relationships.collect())
    }

    /// Fails with the first difference in nodes, relationships or schema.
    #[track_caller]
    pub fn assert_same(&self, other: &Self, same: Same) {
        let (mine, theirs) = (self.facts(same), other.facts(same));
        for (mine, theirs) in mine.0.iter().zip(&theirs.0).chain(mine.1.iter().zip(&theirs.1)) {
            assert_eq!(mine, theirs);
        }
        assert_eq!(mine.0.len(), theirs.0.len(), "number of nodes");
        assert_eq!(mine.1.len(), theirs.1.len(), "number of relationships");
        assert_eq!(self.schema, other.schema);
    }
}

fn object(limits: Limits) -> BoxedStrategy<SchemaObject> {
    let on = || select(vec![Entity::Node, Entity::Relationship]);
    let names = || vec(name(limits), 1..4);
    let kind =
        select(vec![IndexKind::Range, IndexKind::Text, IndexKind::Point, IndexKind::Fulltext, IndexKind::Vector]);
    let index = (proptest::option::of(name(limits)), kind, on(), names(), names(), properties(limits)).prop_map(
        |(name, kind, on, labels, properties, config)| {
            let provider = name.as_ref().map(|_| "range-1.0".to_owned());
            SchemaObject::Index(Index { name, kind, on, labels, properties, provider, config })
        },
    );
    let kind = prop_oneof![
        Just(ConstraintKind::Unique),
        Just(ConstraintKind::Existence),
        Just(ConstraintKind::Key),
        text().prop_map(ConstraintKind::PropertyType)
    ];
    let constraint = (proptest::option::of(name(limits)), kind, on(), name(limits), names(), properties(limits))
        .prop_map(|(name, kind, on, label, properties, config)| {
            SchemaObject::Constraint(Constraint { name, kind, on, label, properties, provider: None, config })
        });
    let trigger = (name(limits), text(), properties(limits), properties(limits), any::<bool>()).prop_map(
        |(name, statement, selector, params, paused)| {
            SchemaObject::Trigger(Trigger { name, statement, system: "apoc".into(), selector, params, paused })
        },
    );
    let other = (name(limits), properties(limits))
        .prop_map(|(name, details)| SchemaObject::Other(OtherObject { kind: "enum".into(), name, details }));
    prop_oneof![index, constraint, trigger, other].boxed()
}

/// A small graph: ids are any integers, ends are nodes that are there, loops and parallel relationships occur. Without
/// [`Limits::schema`] the schema is empty.
pub fn graph(limits: Limits) -> BoxedStrategy<Graph> {
    let labels = vec(name(limits), 0..3).prop_map(|mut labels| {
        let mut seen = HashSet::new();
        labels.retain(|label| seen.insert(label.clone()));
        labels
    });
    let node = (integer(), labels, properties(limits));
    let relationship = (integer(), any::<Pick>(), any::<Pick>(), name(limits), properties(limits));
    let objects = vec(object(limits), if limits.schema { 0..3 } else { 0..1 });
    (vec(node, 0..8), vec(relationship, 0..8), objects)
        .prop_map(|(mut nodes, relationships, objects)| {
            let mut seen = HashSet::new();
            nodes.retain(|node| seen.insert(node.0));
            let mut seen = HashSet::new();
            let end = |pick: Pick| nodes[pick.index(nodes.len())].0;
            let relationships = relationships
                .into_iter()
                .filter(|relationship| !nodes.is_empty() && seen.insert(relationship.0))
                .map(|(id, start, end_pick, name, properties)| (id, end(start), end(end_pick), name, properties))
                .collect();
            Graph { relationships, nodes, schema: Schema { objects } }
        })
        .boxed()
}
