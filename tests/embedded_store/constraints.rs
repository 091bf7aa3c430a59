//! What the constraints hold, in the words in which they say it.

use crate::support::{Limits, graph};
use crate::{fresh, map, nodes, put, relationships, sqlite3};
use graphferry::ErrorKind;
use graphferry::backend::Once;
use graphferry::backend::sqlite::{open_source, open_target};
use graphferry::model::{Block, Class, Constraint, ConstraintKind, Entity, Kind, Map, SchemaObject, Value, packstream};
use proptest::prelude::*;

fn constraint(name: &str, kind: ConstraintKind, on: Entity, label: &str, properties: &[&str]) -> SchemaObject {
    let properties = properties.iter().map(|name| (*name).to_owned()).collect();
    let (name, label) = (Some(name.to_owned()), label.to_owned());
    SchemaObject::Constraint(Constraint { name, kind, on, label, properties, provider: None, config: Map::new() })
}

/// Uniqueness on nodes with the label P.
pub fn unique(name: &str, properties: &[&str]) -> SchemaObject {
    constraint(name, ConstraintKind::Unique, Entity::Node, "P", properties)
}

/// Applies the constraint before the data, and after it: the outcome is the same, and so are the words.
fn outcome(object: &SchemaObject, items: &[Map]) -> Option<String> {
    let mut said = Vec::new();
    for before in [true, false] {
        let (_folder, path) = fresh();
        let mut target = open_target(&path).unwrap();
        let mut result = if before { target.apply(object) } else { Ok(()) };
        let SchemaObject::Constraint(constraint) = object else { unreachable!() };
        let on_nodes = constraint.on == Entity::Node;
        let loops = put(&*target, &nodes(&[], [map([])])).unwrap()[0];
        for item in items {
            let mut session = target.session().unwrap();
            result = result.and_then(|()| match on_nodes {
                true => session.nodes(&nodes(&["X", "P"], [item.clone()]), None, &mut Vec::new()),
                false => session
                    .relationships(&relationships("P", [(loops, loops, item.clone())]), Once::Always, None)
                    .map(drop),
            });
        }
        if !before {
            result = result.and_then(|()| target.apply(object));
        }
        said.push(result.err().map(|error| {
            assert_eq!(error.kind(), ErrorKind::Server, "{error:?}");
            error.report()
        }));
    }
    assert_eq!(said[0], said[1], "before and after the data");
    said.swap_remove(0)
}

#[test]
fn what_is_unique() {
    let one = |value: Value| map([("k", value)]);
    let long = "0123456789".repeat(20);
    for (items, expected) in [
        (vec![one(1.into()), one(2.into())], None),
        (vec![one(1.into()), one(1.into())], Some("1")),
        // Type and bits count.
        (vec![one(1.into()), one(1.0.into()), one("1".into()), one(true.into())], None),
        (vec![one(0.0.into()), one((-0.0).into())], None),
        // NaN equals nothing.
        (vec![one(f64::NAN.into()), one(f64::NAN.into())], None),
        (vec![one("a\"b".into()), one("a\"b".into())], Some(r#""a\"b""#)),
        (vec![one(Value::Bytes(vec![1])), one(Value::Bytes(vec![1]))], Some(r#"{"$bytes":"AQ=="}"#)),
        (vec![one(Value::List(vec![1.into()])), one(1.into())], None),
        // What is not there is outside the constraint.
        (vec![map([]), map([])], None),
        (vec![one(long.as_str().into()), one((long.clone() + "x").as_str().into())], None),
    ] {
        let wanted = expected
            .map(|value| format!("the node unique constraint \"u\" on P(k) is violated: node 2 has {value} already"));
        assert_eq!(outcome(&unique("u", &["k"]), &items), wanted, "{items:?}");
    }
    let said = outcome(&unique("u", &["k"]), &[one(long.as_str().into()), one(long.as_str().into())]).unwrap();
    assert!(said.ends_with("0123456789012345678… already"), "{said}");
}

#[test]
fn several_properties_together() {
    let two = |a: i64, b: i64| map([("b", b.into()), ("a", a.into())]);
    let object = unique("u", &["a", "b"]);
    assert_eq!(
        outcome(&object, &[two(1, 2), two(2, 1), two(1, 1), map([("a", 1.into())]), map([("a", 1.into())])]),
        None
    );
    assert_eq!(
        outcome(&object, &[two(1, 2), two(1, 2)]).as_deref(),
        Some("the node unique constraint \"u\" on P(a, b) is violated: node 2 has 1, 2 already")
    );
}

#[test]
fn keys_and_existence() {
    let key = constraint("k", ConstraintKind::Key, Entity::Node, "P", &["a", "b"]);
    let both = map([("a", 1.into()), ("b", 2.into())]);
    assert_eq!(outcome(&key, std::slice::from_ref(&both)), None);
    assert_eq!(
        outcome(&key, &[both.clone(), both]).as_deref(),
        Some("the node key constraint \"k\" on P(a, b) is violated: node 2 has 1, 2 already")
    );
    assert_eq!(
        outcome(&key, &[map([("a", 1.into())])]).as_deref(),
        Some("the node key constraint \"k\" on P(a, b) is violated: a node has no property \"b\"")
    );
    let there = constraint("e", ConstraintKind::Existence, Entity::Relationship, "P", &["a"]);
    assert_eq!(outcome(&there, &[map([("a", 1.into())]), map([("a", 1.into())])]), None);
    assert_eq!(
        outcome(&there, &[map([("b", 1.into())])]).as_deref(),
        Some("the relationship existence constraint \"e\" on P(a) is violated: a relationship has no property \"a\"")
    );
    let typed = constraint("t", ConstraintKind::PropertyType("STRING".into()), Entity::Node, "P", &["a"]);
    assert_eq!(outcome(&typed, &[map([("a", 1.into())])]), None, "carried, not enforced");
}

#[test]
fn relationships_of_another_type_do_not_count() {
    let (_folder, path) = fresh();
    let mut target = open_target(&path).unwrap();
    target.apply(&constraint("r", ConstraintKind::Unique, Entity::Relationship, "P", &["k"])).unwrap();
    let ids = put(&*target, &nodes(&["P"], [map([("k", 1.into())]), map([("k", 1.into())])])).unwrap();
    let mut session = target.session().unwrap();
    let link = |name| relationships(name, [(ids[0], ids[1], map([("k", 1.into())]))]);
    assert_eq!(session.relationships(&link("P"), Once::Always, None).unwrap(), 1);
    assert_eq!(session.relationships(&link("Q"), Once::Always, None).unwrap(), 1);
    assert_eq!(session.relationships(&link("Q"), Once::Always, None).unwrap(), 1);
    assert_eq!(
        session.relationships(&link("P"), Once::Always, None).unwrap_err().report(),
        "the relationship unique constraint \"r\" on P(k) is violated: relationship 1 has 1 already"
    );
}

/// A uniqueness constraint that goes takes its memory with it.
#[test]
fn nothing_is_left_of_a_removed_constraint() {
    let (_folder, path) = fresh();
    let mut target = open_target(&path).unwrap();
    put(&*target, &nodes(&["P"], (0..100).map(|n: i64| map([("k", n.into())])))).unwrap();
    target.apply(&unique("u", &["k"])).unwrap();
    assert_eq!(sqlite3(&path, "SELECT count(*), count(DISTINCT item) FROM unique_keys"), "100|100");
    target.remove(&unique("u", &["k"])).unwrap();
    assert_eq!(sqlite3(&path, "SELECT count(*) FROM unique_keys; SELECT count(*) FROM schema_objects"), "0\n0");
    assert_eq!(
        target.remove(&unique("u", &["k"])).unwrap_err().report(),
        "there is no node unique constraint \"u\" on P(k)"
    );
    target.apply(&unique("u", &["k"])).unwrap();
    assert_eq!(
        target.apply(&unique("u", &["other"])).unwrap_err().report(),
        "the node unique constraint \"u\" on P(other) cannot be made: its name is taken by the node unique constraint \"u\" on P(k)"
    );
    assert_eq!(
        target.apply(&unique("u", &["k"])).unwrap_err().report(),
        "the node unique constraint \"u\" on P(k) exists already"
    );
}

/// What could never be read again is not written: nothing of its batch is.
#[test]
fn what_has_no_text_is_refused() {
    let twice = |out: &mut Vec<u8>| {
        packstream::put_map(out, 2);
        for _ in 0..2 {
            packstream::put_string(out, "a");
            packstream::put_integer(out, 1);
        }
    };
    let deep_twice = |out: &mut Vec<u8>| {
        packstream::put_map(out, 1);
        packstream::put_string(out, "outer");
        packstream::put_list(out, 2);
        packstream::put_integer(out, 1);
        twice(out);
    };
    let late = |out: &mut Vec<u8>| {
        let time = graphferry::model::temporal::LocalTime { nanoseconds: 86_400_000_000_000 };
        graphferry::model::value::put_map(out, &map([("clock", Value::LocalTime(time))]));
    };
    let null = |out: &mut Vec<u8>| graphferry::model::value::put_map(out, &map([("a", Value::Null)]));
    let many = |out: &mut Vec<u8>| {
        packstream::put_map(out, 20);
        for n in 0..20 {
            packstream::put_string(out, &format!("k{}", n % 19));
            packstream::put_integer(out, n);
        }
    };
    for (write, expected) in [
        (&twice as &dyn Fn(&mut Vec<u8>), "the properties cannot be stored: the key \"a\" comes twice in one object"),
        (&deep_twice, "the properties cannot be stored: the key \"a\" comes twice in one object"),
        (&many, "the properties cannot be stored: the key \"k0\" comes twice in one object"),
        (&null, "the properties cannot be stored: the property \"a\" is null"),
        (
            &late,
            "the property \"clock\" cannot be stored: 86400000000000 nanoseconds after midnight are not a time of day",
        ),
    ] {
        let (_folder, path) = fresh();
        let target = open_target(&path).unwrap();
        let mut block = Block::new(Class::Nodes);
        let kind = block.add_kind(Kind::labels(["A"]));
        packstream::put_map(block.buffer(), 0);
        block.push(1, 0, 0, kind, 0);
        write(block.buffer());
        block.push(2, 0, 0, kind, 0);
        assert_eq!(put(&*target, &block).unwrap_err().report(), expected);
        assert_eq!(sqlite3(&path, "SELECT count(*) FROM nodes; SELECT count(*) FROM label_sets"), "0\n0");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every object comes back as it was, to the last option, in the order in which it was made.
    #[test]
    fn arbitrary_schemas(graph in graph::graph(Limits::ALL)) {
        let (_folder, path) = fresh();
        let mut target = open_target(&path).unwrap();
        let mut taken = Vec::new();
        for object in &graph.schema.objects {
            if target.apply(object).is_ok() {
                taken.push(object.clone());
            }
        }
        prop_assert!(graph.schema.objects.is_empty() || !taken.is_empty());
        prop_assert_eq!(&target.facts().unwrap().schema.objects, &taken);
        let mut source = open_source(&path).unwrap();
        prop_assert_eq!(&source.snapshot(None).unwrap().schema().unwrap().objects, &taken);
    }
}
