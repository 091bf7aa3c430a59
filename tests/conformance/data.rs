//! What goes in comes out, equal in value and type.

use crate::backend::{Backend, one, survives};
use crate::support::arbitrary::{self, HOSTILE};
use crate::support::{Graph, Limits, graph};
use graphferry::model::packstream::VectorType;
use graphferry::model::{Map, Schema, Value};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestRunner};

pub fn an_empty_graph(backend: &dyn Backend) {
    survives(backend, &Graph::default());
    let facts = backend.target().facts().unwrap();
    assert_eq!((facts.nodes, facts.relationships), (0, 0));
    assert_eq!(facts.schema, Schema::default());
}

fn with_values(values: impl IntoIterator<Item = Value>) -> Graph {
    let nodes = (1..).zip(values).map(|(id, value)| (id, vec!["V".to_owned()], one("value", value)));
    Graph { nodes: nodes.collect(), ..Graph::default() }
}

pub fn every_type_of_value(backend: &dyn Backend) {
    let limits = backend.limits();
    let mut values = extremes(limits);
    let mut runner = runner(1);
    let drawn = arbitrary::value(limits);
    values.extend((0..2000).map(|_| drawn.new_tree(&mut runner).unwrap().current()));
    if limits.nested {
        values.extend((0..20).map(|_| Value::Float(arbitrary::nan().new_tree(&mut runner).unwrap().current())));
    }
    let mut types: Vec<_> = values.iter().map(std::mem::discriminant).collect();
    types.sort_by_key(|kind| format!("{kind:?}"));
    types.dedup();
    // Seventeen sorts of values that are no container without null, list, map and structure among them.
    let wanted = 12
        + [limits.bytes, limits.nested, limits.time, limits.vectors, limits.enums, limits.structures]
            .map(usize::from)
            .iter()
            .sum::<usize>();
    assert_eq!(types.len(), wanted, "every type that {limits:?} allows was drawn");
    survives(backend, &with_values(values));
}

/// Values that are worth a try on every run.
fn extremes(limits: Limits) -> Vec<Value> {
    let mut values = vec![
        Value::Boolean(true),
        Value::Integer(i64::MIN),
        Value::Integer(i64::MAX),
        Value::Integer(1),
        Value::Float(1.0),
        Value::Float(-0.0),
        Value::Float(0.0),
        Value::Float(f64::NAN),
        Value::Float(f64::INFINITY),
        Value::Float(f64::MIN_POSITIVE / 4.0),
        Value::List(vec![]),
        Value::List(vec![Value::Float(1.0), Value::Float(2.5)]),
        // The same wall clock twice: only the offset tells the first half past two from the second.
        Value::ZonedDateTime { seconds: 1_729_989_000, nanoseconds: 1000, zone: "Europe/Stockholm".into() },
        Value::ZonedDateTime { seconds: 1_729_992_600, nanoseconds: 1000, zone: "Europe/Stockholm".into() },
    ];
    values.extend(HOSTILE.iter().map(|text| Value::String((*text).to_owned())));
    if limits.bytes {
        values.extend([Value::Bytes(vec![]), Value::Bytes((0..=255).collect())]);
    }
    if limits.vectors {
        values.extend(VectorType::ALL.map(|kind| Value::Vector(kind, vec![0x7F; kind.width() * 3])));
    }
    if limits.structures {
        values.push(Value::Structure(0x01, vec![Value::Null, Value::Integer(1), Value::from("x")]));
    }
    if limits.nested {
        let dollar = Map::from_iter([("$date".to_owned(), Value::from("2024-01-01"))]);
        values.extend([Value::Map(Map::new()), Value::Map(dollar)]);
        let deep = (0..200).fold(Value::Null, |inner, _| Value::List(vec![inner]));
        values.push(deep);
    }
    values
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(7), ..Config::default() })
}

pub fn arbitrary_graphs(backend: &dyn Backend) {
    let limits = Limits { schema: false, ..backend.limits() };
    runner(backend.cases())
        .run(&graph::graph(limits), |graph| {
            backend.wipe();
            survives(backend, &graph);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}

pub fn hostile_names(backend: &dyn Backend) {
    let odd = backend.limits().odd_names;
    let names: Vec<_> = HOSTILE.iter().filter(|name| odd || !(name.is_empty() || name.contains('\0'))).collect();
    let mut graph = Graph::default();
    for (id, name) in (1..).zip(&names) {
        let text = (**name).to_owned();
        graph.nodes.push((id, vec![text.clone()], one(name, text.as_str())));
        graph.relationships.push((id, id, 1, text.clone(), one(name, id)));
    }
    survives(backend, &graph);
}

pub fn nodes_without_labels(backend: &dyn Backend) {
    let mut graph = Graph::default();
    graph.nodes.push((1, vec![], one("n", 1)));
    graph.nodes.push((2, vec![], Map::new()));
    graph.nodes.push((3, vec!["A".into()], Map::new()));
    graph.nodes.push((4, vec!["A".into(), "B".into(), "C".into()], one("n", 4)));
    graph.relationships.push((1, 1, 2, "R".into(), Map::new()));
    survives(backend, &graph);
}

pub fn parallel_relationships_and_loops(backend: &dyn Backend) {
    let mut graph = with_values([Value::Integer(1), Value::Integer(2)]);
    for (id, (start, end)) in (1..).zip([(1, 2), (1, 2), (2, 1), (1, 1), (1, 1), (2, 2)]) {
        // Twins that differ in nothing, and twins that differ in one property.
        graph.relationships.push((id, start, end, "R".into(), Map::new()));
        graph.relationships.push((id + 100, start, end, "R".into(), Map::new()));
        graph.relationships.push((id + 200, start, end, "R".into(), one("n", id)));
    }
    survives(backend, &graph);
}

/// A backend that does not keep the order must still keep the properties.
pub fn the_order_of_properties(backend: &dyn Backend) {
    let keys = ["z", "a", "m", "Z", "0", "9", "10", "é", "b", "aa"];
    let forth: Map = keys.iter().map(|key| ((*key).to_owned(), Value::from(*key))).collect();
    let back: Map = keys.iter().rev().map(|key| ((*key).to_owned(), Value::from(*key))).collect();
    let mut graph = Graph::default();
    graph.nodes.push((1, vec!["B".into(), "A".into()], forth.clone()));
    graph.nodes.push((2, vec!["A".into(), "B".into()], back.clone()));
    graph.relationships.push((1, 1, 2, "R".into(), back));
    graph.relationships.push((2, 2, 1, "R".into(), forth));
    survives(backend, &graph);
}

/// One item that is larger than a block, between small ones.
pub fn a_large_value(backend: &dyn Backend) {
    let text: String = "0123456789abcdé\"\\\n".chars().cycle().take(3_000_000).collect();
    let numbers = (0..50_000).map(Value::Integer).collect();
    survives(backend, &with_values([Value::Integer(1), Value::String(text), Value::List(numbers), Value::Integer(2)]));
}
