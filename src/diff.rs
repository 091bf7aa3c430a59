//! `diff`: which nodes and relationships two graphs do not have in common, and which of them are the same with other values.
//!
//! Who is who is told in one of three ways ([`By`]). By id: what has the same id is the same. By key: nodes with the same label and the same value of a
//! property are; relationships are, that lead between the same nodes and have the same type. By content: what says the same is the same, so that nothing
//! is changed, only there or not. Several alike are paired as often as they occur.
//!
//! Each graph is read once, and of each item 48 bytes are kept: hashes, not values. What differs is then sought in a second reading, so many
//! items as are to be told, for their values. Hashes have 128 bits: nothing that differs is taken for equal but by a collision of BLAKE3.

mod identity;
mod look;
mod pair;
mod tell;

use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::model::{Class, Schema, SchemaObject};
use crate::observe::Watch;
pub use identity::Key;
pub use look::Graph;
use pair::{Pairs, pairs};
use serde::Serialize;
use std::collections::BTreeMap;
pub use tell::{Change, Item, Sort, Teller, Told};

/// How it is told who is who.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// By their ids.
    Id,
    /// Nodes by a property of a label; those without such a key by content.
    Key(Vec<Key>),
    /// By what they say.
    Content,
}

impl By {
    /// `id`, `key` or `content`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Key(_) => "key",
            Self::Content => "content",
        }
    }
}

/// How many were added, removed and changed on the way from A to B.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// In B alone.
    pub added: u64,
    /// In A alone.
    pub removed: u64,
    /// In both, with other values.
    pub changed: u64,
    /// In both, equal.
    pub same: u64,
}

/// What the comparison has found.
#[derive(Debug, Default, Serialize)]
pub struct Difference {
    /// How it was told who is who.
    pub by: &'static str,
    /// All nodes.
    pub nodes: Counts,
    /// All relationships.
    pub relationships: Counts,
    /// Nodes by their labels, where some differ. A changed node counts under the labels that it has in B.
    pub labels: BTreeMap<String, Counts>,
    /// Relationships by their type, where some differ.
    pub types: BTreeMap<String, Counts>,
    /// Schema objects of A alone.
    pub schema_removed: Vec<SchemaObject>,
    /// Schema objects of B alone.
    pub schema_added: Vec<SchemaObject>,
    /// What is to be told of each class, with its ids.
    #[serde(skip)]
    pairs: [Pairs; 2],
}

impl Difference {
    /// Whether the graphs are equal as far as this way of comparing sees.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        let none = |counts: &Counts| counts.added + counts.removed + counts.changed == 0;
        none(&self.nodes) && none(&self.relationships) && self.schema_added.is_empty() && self.schema_removed.is_empty()
    }

    /// How many differences of nodes and relationships are kept for telling.
    #[must_use]
    pub fn told(&self) -> u64 {
        self.pairs.iter().map(|pairs| pairs.len() as u64).sum()
    }
}

/// Reads a graph for comparing.
///
/// # Errors
/// The feed fails or is damaged, a node id comes twice, or an end does not exist.
pub fn read(feed: &mut dyn Feed, keys: &[Key], watch: Watch<'_>) -> Result<Graph> {
    look::read(feed, keys, watch)
}

/// Whether ids mean the same in both graphs: at least half of the nodes of the smaller one have one in the other with the same id that says the same.
#[must_use]
pub fn ids_agree(a: &Graph, b: &Graph) -> bool {
    let smaller = a.nodes.len().min(b.nodes.len());
    let says = |at: usize| b.nodes.get(at).map(|node| node.content);
    let agree = a.nodes.iter().filter(|node| b.place(node.id).and_then(says) == Some(node.content)).count();
    smaller > 0 && agree * 2 >= smaller
}

/// Compares two graphs that were read with the same keys. At most `limit` differences a class are kept for telling.
///
/// # Errors
/// A graph holds statements outside the known shapes, or nodes are told by a key that several of them share.
pub fn compare(a: Graph, b: Graph, by: &By, limit: usize) -> Result<Difference> {
    for (name, side) in [("first", &a), ("second", &b)] {
        if side.statements > 0 {
            return Err(Error::refused(format!(
                "the {name} dump has {} statements of unknown shape: what graph they make cannot be told without running them",
                side.statements
            )));
        }
    }
    let (schema_removed, schema_added) = schema(&a.schema, &b.schema);
    let mut difference = Difference { by: by.word(), schema_removed, schema_added, ..Difference::default() };
    let (a, b) = (a.identified(by), b.identified(by));
    for class in [Class::Nodes, Class::Relationships] {
        let (mut total, mut kinds) = (Counts::default(), BTreeMap::new());
        let [left, right] = [&a, &b].map(|side| side.records(class));
        let found = pairs(left, right, limit, &mut |counts, kind| {
            total.add(counts);
            let (side, kind) = match kind {
                pair::Side::A(kind) => (&a, kind),
                pair::Side::B(kind) => (&b, kind),
            };
            let counted: &mut Counts = kinds.entry(side.kind(class, kind)).or_default();
            counted.add(counts);
        });
        kinds.retain(|_, counts: &mut Counts| counts.added + counts.removed + counts.changed > 0);
        match class {
            Class::Nodes => (difference.nodes, difference.labels) = (total, kinds),
            Class::Relationships => (difference.relationships, difference.types) = (total, kinds),
        }
        if let Some(slot) = difference.pairs.get_mut(class as usize) {
            *slot = found;
        }
    }
    Ok(difference)
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.added += other.added;
        self.removed += other.removed;
        self.changed += other.changed;
        self.same += other.same;
    }
}

/// The objects that only one side has, but for lookup indexes that only one side speaks of.
fn schema(a: &Schema, b: &Schema) -> (Vec<SchemaObject>, Vec<SchemaObject>) {
    let lookups_count = [a, b].iter().all(|side| side.objects.iter().any(SchemaObject::is_lookup));
    let alone = |from: &Schema, to: &Schema| {
        let counts = |object: &&SchemaObject| lookups_count || !object.is_lookup();
        let there = |object: &SchemaObject| to.objects.iter().any(|other| object == other || object.is_same_as(other));
        from.objects.iter().filter(counts).filter(|object| !there(object)).cloned().collect()
    };
    (alone(a, b), alone(b, a))
}
