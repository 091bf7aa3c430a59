//! Pairs of graphs that have much in common: few labels, few keys, few values of them, the same ids, parallel
//! relationships.

use crate::model::{Key, OnConflict, Relationships, Wishes, is_lawful};
use crate::support::graph::Node;
use crate::support::{Graph, Limits, arbitrary};
use graphferry::model::temporal::Date;
use graphferry::model::{Constraint, ConstraintKind, Entity, Map, Schema, SchemaObject, Value};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use std::collections::BTreeSet;

/// A target, a dump, and what is asked for.
#[derive(Clone, Debug)]
pub struct Pair {
    pub target: Graph,
    pub dump: Graph,
    pub wishes: Wishes,
    /// Options that must not change the result.
    pub pace: Vec<&'static str>,
}

/// Any pair.
pub fn pair() -> BoxedStrategy<Pair> {
    let twins = vec(weighted(0.4, any::<Index>()), 8);
    (graph(1..7), graph(0..8), twins, schema(), schema(), any::<bool>(), wishes(), pace())
        .prop_map(|(target, mut dump, twins, target_schema, dump_schema, names, wishes, pace)| {
            for (node, twin) in dump.nodes.iter_mut().zip(twins) {
                if let Some(twin) = twin {
                    resemble(node, &target.nodes[twin.index(target.nodes.len())]);
                }
            }
            let target = lawful(target, named(target_schema, "t"));
            // Half of the dumps give the names of the target to their constraints, which may mean something else.
            let dump_schema = named(dump_schema, if names { "t" } else { "d" });
            Pair { target, dump: Graph { schema: dump_schema, ..dump }, wishes, pace }
        })
        .boxed()
}

/// Batches of one item, where each order shows, and more than one session.
fn pace() -> BoxedStrategy<Vec<&'static str>> {
    let batches =
        vec![vec![], vec!["--batch-size", "1"], vec!["--batch-size", "2"], vec!["--batch-size", "1", "--jobs", "3"]];
    select(batches).boxed()
}

/// Gives a node the labels and some keys of another one.
fn resemble(node: &mut Node, other: &Node) {
    node.1.clone_from(&other.1);
    for name in ["k", "k2"] {
        if let Some(value) = other.2.get(name) {
            let mut value = value.clone();
            // Equal in another form where its own value is no number.
            if let (Value::Integer(number), Some(Value::String(_))) = (&value, node.2.get(name)) {
                value = Value::Float(*number as f64);
            }
            // A node with a key of its own keeps the second one: keys may lead to different nodes.
            if name == "k" || !node.2.contains_key(name) {
                node.2.insert(name.to_owned(), value);
            }
        }
    }
}

/// What is asked for.
pub fn wishes() -> BoxedStrategy<Wishes> {
    use OnConflict::{Duplicate, Error, Fill, Overwrite, Skip};
    let key = prop_oneof![
        4 => Just(of("A", &["k"])),
        2 => Just(of("B", &["k"])),
        2 => Just(of("A", &["k2"])),
        1 => Just(of("B", &["k2"])),
        2 => Just(of("A", &["k", "k2"])),
        1 => Just(of("B", &["k2", "k"])),
        3 => Just(Key::Constraints),
    ];
    let keys = prop_oneof![1 => Just(0_usize), 6 => Just(1), 2 => Just(2), 1 => Just(3)];
    let policy = select(vec![Error, Skip, Overwrite, Overwrite, Fill, Fill, Duplicate]);
    let relationships = select(vec![Relationships::Always, Relationships::Once, Relationships::OnceWithProperties]);
    let rewrite = subsequence(vec![("A", "r"), ("B", "r"), ("R", "r")], 0..4);
    let rewrite = prop_oneof![Just(Vec::new()), rewrite];
    (keys.prop_flat_map(move |count| vec(key.clone(), count)), policy, relationships, rewrite)
        .prop_map(|(keys, on_conflict, relationships, rewrite)| {
            let rewrite = rewrite.into_iter().map(|(kind, name)| (kind.to_owned(), name.to_owned())).collect();
            Wishes { keys, on_conflict, relationships, rewrite }
        })
        .boxed()
}

/// `--key label=names`.
pub fn of(label: &str, names: &[&str]) -> Key {
    Key::Of(label.to_owned(), names.iter().map(|name| (*name).to_owned()).collect())
}

/// Values of keys: most of them differ, some are equal in another form, some equal nothing, some nearly equal.
fn key_value() -> BoxedStrategy<Value> {
    let list = |values: Vec<Value>| Value::List(values);
    let mut all: Vec<_> = (1..9).map(|number| Value::Integer(number * 100)).collect();
    all.extend([1, 2].map(Value::Integer));
    all.extend([1.0, 2.0, 0.0, -0.0, f64::NAN, 2.5].map(Value::Float));
    all.extend(["a", "b", "1"].map(Value::from));
    all.extend([19_782, 19_783].map(|days| Value::Date(Date { days })));
    all.push(list(vec![1.into(), 2.into()]));
    all.push(list(vec![1.into(), 2.0.into()]));
    all.push(list(vec![1.0.into(), list(vec![])]));
    all.push(list(vec![f64::NAN.into()]));
    all.push(Value::Integer(9_007_199_254_740_993));
    all.push(Value::Float(9_007_199_254_740_992.0));
    all.push(Value::Integer(i64::MAX));
    all.push(Value::Float(9_223_372_036_854_775_808.0));
    all.push(Value::Boolean(true));
    all.push(Value::Bytes(vec![97]));
    let few = vec![1.into(), 1.0.into(), 2.into(), 3.into(), 4.into(), "a".into()];
    prop_oneof![2 => select(few), 1 => select(all)].boxed()
}

/// Ids as values, and what only looks like them.
fn reference() -> BoxedStrategy<Value> {
    let one = || (0_i64..20).prop_map(Value::Integer);
    prop_oneof![
        4 => one(),
        3 => vec(one(), 0..4).prop_map(Value::List),
        1 => Just(Value::Float(1.0)),
        1 => Just(Value::from("1")),
        1 => Just(Value::List(vec![Value::Integer(1), Value::from("1")])),
    ]
    .boxed()
}

fn properties(of_node: bool) -> BoxedStrategy<Map> {
    let other = || {
        let small = select(vec![Value::Integer(1), Value::Float(1.0), Value::from("x")]);
        weighted(0.5, prop_oneof![2 => small, 1 => arbitrary::value(Limits::ALL)])
    };
    let key = |chance: f64| weighted(if of_node { chance } else { chance / 4.0 }, key_value());
    (key(0.8), key(0.4), other(), other(), weighted(0.5, reference()))
        .prop_map(|(k, k2, p, q, r)| {
            let all = [("k", k), ("p", p), ("k2", k2), ("r", r), ("q", q)];
            all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
        })
        .boxed()
}

/// A graph without schema.
pub fn graph(nodes: std::ops::Range<usize>) -> BoxedStrategy<Graph> {
    let labels =
        select(vec![vec!["A"], vec!["A"], vec!["A"], vec!["B"], vec!["B"], vec!["A", "B"], vec!["B", "A"], vec![]]);
    // Mostly the ids that a store gives.
    let id = || prop_oneof![20 => 0_i64..16, 1 => select(vec![-1, 1 << 40, i64::MIN, i64::MAX])];
    let node = (id(), labels, properties(true));
    let name = select(vec!["R", "R", "R", "S", "A"]);
    // Few properties, or no two relationships would ever be the same.
    let of_relationship = prop_oneof![1 => Just(Map::new()), 1 => properties(false)];
    let relationship = (any::<Index>(), any::<Index>(), name, of_relationship);
    (vec(node, nodes), vec(relationship, 0..8))
        .prop_map(|(nodes, relationships)| {
            let mut graph = Graph::default();
            let mut seen = BTreeSet::new();
            for (id, labels, properties) in nodes {
                if seen.insert(id) {
                    graph.nodes.push((id, labels.into_iter().map(str::to_owned).collect(), properties));
                }
            }
            for (start, end, name, properties) in relationships {
                if graph.nodes.is_empty() {
                    continue;
                }
                let end_of = |index: Index| graph.nodes[index.index(graph.nodes.len())].0;
                let id = graph.relationships.len() as i64;
                let relationship = (id, end_of(start), end_of(end), name.to_owned(), properties);
                graph.relationships.push(relationship);
            }
            graph
        })
        .boxed()
}

/// A constraint without a name.
pub fn rule(on: Entity, kind: ConstraintKind, label: &str, properties: &[&str]) -> Constraint {
    let properties = properties.iter().map(|name| (*name).to_owned()).collect();
    Constraint { name: None, kind, on, label: label.to_owned(), properties, provider: None, config: Map::new() }
}

/// Sometimes constraints, all different.
fn schema() -> BoxedStrategy<Vec<Constraint>> {
    use ConstraintKind::{Existence, Key, Unique};
    use Entity::{Node, Relationship};
    let all = vec![
        rule(Node, Unique, "A", &["k"]),
        rule(Node, Unique, "B", &["k2"]),
        rule(Node, Unique, "A", &["k", "k2"]),
        rule(Node, Key, "A", &["k"]),
        rule(Node, Key, "B", &["k"]),
        rule(Node, Existence, "A", &["k"]),
        rule(Node, Existence, "B", &["p"]),
        rule(Relationship, Unique, "R", &["k"]),
        rule(Relationship, Existence, "S", &["k"]),
    ];
    prop_oneof![2 => Just(Vec::new()), 1 => subsequence(all, 1..4).prop_shuffle()].boxed()
}

fn named(constraints: Vec<Constraint>, prefix: &str) -> Schema {
    let named = constraints.into_iter().enumerate().map(|(at, constraint)| {
        SchemaObject::Constraint(Constraint { name: Some(format!("{prefix}{at}")), ..constraint })
    });
    Schema { objects: named.collect() }
}

/// The graph with those of the constraints that it keeps.
fn lawful(graph: Graph, schema: Schema) -> Graph {
    let keeps =
        |object: &SchemaObject| is_lawful(&Graph { schema: Schema { objects: vec![object.clone()] }, ..graph.clone() });
    let objects = schema.objects.iter().filter(|object| keeps(object)).cloned().collect();
    Graph { schema: Schema { objects }, ..graph }
}
