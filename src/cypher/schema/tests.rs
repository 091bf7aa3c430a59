#![allow(clippy::unwrap_used)]
use super::*;
use crate::model::schema::{OtherObject, with};
use crate::model::{Constraint, ConstraintKind, Entity, Index, IndexKind, Map, Trigger, Value};

fn index(name: &str, kind: IndexKind, on: Entity, labels: &[&str], properties: &[&str], config: Map) -> SchemaObject {
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    SchemaObject::Index(Index {
        name: (!name.is_empty()).then(|| name.to_owned()),
        kind,
        on,
        labels: own(labels),
        properties: own(properties),
        provider: None,
        config,
    })
}

fn constraint(name: &str, kind: ConstraintKind, on: Entity, label: &str, properties: &[&str]) -> SchemaObject {
    SchemaObject::Constraint(Constraint {
        name: (!name.is_empty()).then(|| name.to_owned()),
        kind,
        on,
        label: label.to_owned(),
        properties: properties.iter().map(|name| (*name).to_owned()).collect(),
        provider: None,
        config: Map::new(),
    })
}

fn texts(dialect: Dialect, object: &SchemaObject) -> Vec<String> {
    match create(dialect, object).and_then(|mut all| {
        all.extend(drop(dialect, object)?);
        Ok(all)
    }) {
        Ok(all) => all,
        Err(error) => {
            assert_eq!(error.kind(), crate::ErrorKind::Refused);
            vec![format!("! {}", error.message())]
        }
    }
}

const NODE: Entity = Entity::Node;
const RELATIONSHIP: Entity = Entity::Relationship;

#[test]
fn neo4j_statements() {
    use ConstraintKind::{Existence, Key, PropertyType, Unique};
    use IndexKind::{Fulltext, Label, Lookup, Point, Range, Text, Vector};
    let config = with(Map::new(), "vector.dimensions", 3_i64);
    let analyzer = with(with(Map::new(), "fulltext.analyzer", "it's"), "fulltext.eventually_consistent", true);
    let corner = Value::List(vec![Value::from(-1.0), Value::from(0.5)]);
    for (object, expected) in [
        (
            index("i", Range, NODE, &["L"], &["a", "b`c"], Map::new()),
            "CREATE RANGE INDEX `i` FOR (n:`L`) ON (n.`a`, n.`b``c`)",
        ),
        (
            index("a\\u0060", Text, RELATIONSHIP, &["T"], &["p"], Map::new()),
            "CREATE TEXT INDEX `a\\u005Cu0060` FOR ()-[r:`T`]-() ON (r.`p`)",
        ),
        (
            index("p", Point, NODE, &["L"], &["p"], with(Map::new(), "spatial.cartesian.min", corner)),
            "CREATE POINT INDEX `p` FOR (n:`L`) ON (n.`p`) OPTIONS {indexConfig: {`spatial.cartesian.min`: [-1.0, 0.5]}}",
        ),
        (
            index("f", Fulltext, NODE, &["A", "B"], &["p", "q"], analyzer.clone()),
            "CREATE FULLTEXT INDEX `f` FOR (n:`A`|`B`) ON EACH [n.`p`, n.`q`] OPTIONS {indexConfig: {`fulltext.analyzer`: \"it's\", `fulltext.eventually_consistent`: true}}",
        ),
        (
            index("v", Vector, NODE, &["L"], &["p"], config),
            "CREATE VECTOR INDEX `v` FOR (n:`L`) ON (n.`p`) OPTIONS {indexConfig: {`vector.dimensions`: 3}}",
        ),
        (index("l", Lookup, NODE, &[], &[], Map::new()), "CREATE LOOKUP INDEX `l` FOR (n) ON EACH labels(n)"),
        (
            index("l", Lookup, RELATIONSHIP, &[], &[], Map::new()),
            "CREATE LOOKUP INDEX `l` FOR ()-[r]-() ON EACH type(r)",
        ),
        (
            constraint("c", Unique, NODE, "L", &["a", "b"]),
            "CREATE CONSTRAINT `c` FOR (n:`L`) REQUIRE (n.`a`, n.`b`) IS UNIQUE",
        ),
        (
            constraint("c", Existence, RELATIONSHIP, "T", &["a"]),
            "CREATE CONSTRAINT `c` FOR ()-[r:`T`]-() REQUIRE (r.`a`) IS NOT NULL",
        ),
        (
            constraint("c", Key, RELATIONSHIP, "T", &["a"]),
            "CREATE CONSTRAINT `c` FOR ()-[r:`T`]-() REQUIRE (r.`a`) IS RELATIONSHIP KEY",
        ),
        (constraint("c", Key, NODE, "L", &["a"]), "CREATE CONSTRAINT `c` FOR (n:`L`) REQUIRE (n.`a`) IS NODE KEY"),
        (
            constraint("c", PropertyType("LIST<INTEGER NOT NULL>".into()), NODE, "L", &["a"]),
            "CREATE CONSTRAINT `c` FOR (n:`L`) REQUIRE (n.`a`) IS :: LIST<INTEGER NOT NULL>",
        ),
        (
            constraint("c", PropertyType("STRING; MATCH (n) DETACH DELETE n".into()), NODE, "L", &["a"]),
            "! Neo4j has no node property-type constraint \"c\" on L(a): \"STRING; MATCH (n) DETACH DELETE n\" is no type",
        ),
        (index("", Label, NODE, &["L"], &[], Map::new()), "! Neo4j has no node label index on L()"),
        (
            index("r", Range, NODE, &["L"], &["p"], with(Map::new(), "order", "DESC")),
            "! Neo4j has no node range index \"r\" on L(p): such an index has no configuration",
        ),
        (
            index("", Range, NODE, &["L"], &["p"], Map::new()),
            "! Neo4j has no node range index on L(p): it is dropped by its name, and this one has none",
        ),
    ] {
        assert_eq!(texts(Dialect::Neo4j, &object)[0], expected);
    }
    assert_eq!(texts(Dialect::Neo4j, &index("a`b", Range, NODE, &["L"], &["p"], Map::new()))[1], "DROP INDEX `a``b`");
    assert_eq!(texts(Dialect::Neo4j, &constraint("c", Unique, NODE, "L", &["p"]))[1], "DROP CONSTRAINT `c`");
}

#[test]
fn apoc_triggers() {
    let trigger = SchemaObject::Trigger(Trigger {
        name: "t\"1".into(),
        statement: "RETURN 'x' // c\n;".into(),
        system: "apoc".into(),
        selector: with(Map::new(), "phase", "after"),
        params: with(Map::new(), "x", 1_i64),
        paused: true,
    });
    assert_eq!(
        texts(Dialect::Neo4j, &trigger),
        [
            "CALL apoc.trigger.install(\"neo4j\", \"t\\\"1\", \"RETURN 'x' // c\\n;\", {`phase`: \"after\"}, {params: {`x`: 1}})",
            "CALL apoc.trigger.stop(\"neo4j\", \"t\\\"1\")",
            "CALL apoc.trigger.drop(\"neo4j\", \"t\\\"1\")",
        ]
    );
    assert!(runs_on_system(Dialect::Neo4j, &trigger));
    assert_eq!(texts(Dialect::Memgraph, &trigger), ["! Memgraph has no apoc trigger \"t\\\"1\""]);
}

#[test]
fn memgraph_statements() {
    use ConstraintKind::{Existence, Key, PropertyType, Unique};
    use IndexKind::{Fulltext, Label, Point, Range, Text, Vector};
    let vector = with(with(Map::new(), "dimension", 2_i64), "metric", "l2sq");
    let vector = with(with(vector, "capacity", 10_i64), "scalar_kind", "f32");
    let path = |steps: &[&str]| Value::List(steps.iter().map(|step| Value::from(*step)).collect());
    let paths = with(Map::new(), "paths", Value::List(vec![path(&["a b", "c"]), path(&["d"])]));
    let settings = "WITH CONFIG { \"dimension\": 2, \"metric\": \"l2sq\", \"capacity\": 10, \"scalar_kind\": \"f32\" }";
    for (object, expected) in [
        (index("", Label, NODE, &["L`"], &[], Map::new()), "CREATE INDEX ON :`L```".to_owned()),
        (index("", Label, RELATIONSHIP, &["T"], &[], Map::new()), "CREATE EDGE INDEX ON :`T`".into()),
        (index("named", Range, NODE, &["L"], &["a", "b"], Map::new()), "CREATE INDEX ON :`L`(`a`, `b`)".into()),
        (
            index("", Range, NODE, &["L"], &["a"], with(Map::new(), "order", "DESC")),
            "CREATE INDEX ON :`L`(`a`) WITH CONFIG {\"order\": \"DESC\"}".into(),
        ),
        (index("", Range, NODE, &["L"], &["a b.c", "d"], paths), "CREATE INDEX ON :`L`(`a b`.`c`, `d`)".into()),
        (index("", Range, RELATIONSHIP, &["T"], &["a"], Map::new()), "CREATE EDGE INDEX ON :`T`(`a`)".into()),
        (index("", Range, RELATIONSHIP, &[], &["a"], Map::new()), "CREATE GLOBAL EDGE INDEX ON :(`a`)".into()),
        (index("t", Text, NODE, &["L"], &[], Map::new()), "CREATE TEXT INDEX `t` ON :`L`".into()),
        (
            index("t", Text, RELATIONSHIP, &["T"], &["a", "b"], Map::new()),
            "CREATE TEXT EDGE INDEX `t` ON :`T`(`a`, `b`)".into(),
        ),
        (index("", Point, NODE, &["L"], &["p"], Map::new()), "CREATE POINT INDEX ON :`L`(`p`)".into()),
        (
            index("v", Vector, NODE, &["L"], &["p"], vector.clone()),
            format!("CREATE VECTOR INDEX `v` ON :`L`(`p`) {settings}"),
        ),
        (index("v", Vector, NODE, &[], &["p"], vector.clone()), format!("CREATE VECTOR INDEX `v` ON (`p`) {settings}")),
        (
            index("v", Vector, RELATIONSHIP, &["A", "B"], &["p"], vector.clone()),
            format!("CREATE VECTOR EDGE INDEX `v` ON :`A`|`B`(`p`) {settings}"),
        ),
        (
            index("v", Vector, NODE, &["A", "B"], &["p"], with(vector, "labels", "all")),
            format!("CREATE VECTOR INDEX `v` ON :`A`&`B`(`p`) {settings}"),
        ),
        (constraint("", Existence, NODE, "L", &["p"]), "CREATE CONSTRAINT ON (u:`L`) ASSERT EXISTS (u.`p`)".into()),
        (
            constraint("", Unique, NODE, "L", &["a", "b"]),
            "CREATE CONSTRAINT ON (u:`L`) ASSERT u.`a`, u.`b` IS UNIQUE".into(),
        ),
        (
            constraint("", PropertyType("LOCAL DATE TIME".into()), NODE, "L", &["p"]),
            "CREATE CONSTRAINT ON (u:`L`) ASSERT u.`p` IS TYPED LOCALDATETIME".into(),
        ),
        (
            constraint("", PropertyType("LIST<STRING NOT NULL>".into()), NODE, "L", &["p"]),
            "! Memgraph has no node property-type constraint on L(p): \"LIST<STRING NOT NULL>\" is no type".into(),
        ),
        (constraint("", Key, NODE, "L", &["p"]), "! Memgraph has no node key constraint on L(p)".into()),
        (
            index("f", Fulltext, NODE, &["L"], &["p"], Map::new()),
            "! Memgraph has no node fulltext index \"f\" on L(p)".into(),
        ),
        (
            index("v", Vector, NODE, &["L"], &["p"], Map::new()),
            "! Memgraph has no node vector index \"v\" on L(p): it needs a dimension and a capacity".into(),
        ),
    ] {
        assert_eq!(texts(Dialect::Memgraph, &object)[0], expected);
    }
}

#[test]
fn memgraph_triggers_and_the_rest() {
    let selector = with(with(with(Map::new(), "event", "--> CREATE"), "phase", "AFTER COMMIT"), "security", "INVOKER");
    let trigger = |selector: &Map| {
        let (name, statement) = ("weird trigger".to_owned(), "RETURN 1".to_owned());
        let (system, params) = ("memgraph".to_owned(), Map::new());
        SchemaObject::Trigger(Trigger { name, statement, system, selector: selector.clone(), params, paused: false })
    };
    let other = |kind: &str, name: &str, details: Map| {
        SchemaObject::Other(OtherObject { kind: kind.into(), name: name.into(), details })
    };
    let values = Value::List(["Good", "a b", "t`k"].map(Value::from).to_vec());
    let text = with(Map::new(), "text", "it's");
    for (object, expected) in [
        (
            trigger(&selector),
            "CREATE TRIGGER `weird trigger` SECURITY INVOKER ON --> CREATE AFTER COMMIT EXECUTE RETURN 1",
        ),
        (
            trigger(&with(Map::new(), "phase", "BEFORE COMMIT")),
            "CREATE TRIGGER `weird trigger` BEFORE COMMIT EXECUTE RETURN 1",
        ),
        (
            trigger(&with(Map::new(), "phase", "x; DROP GRAPH")),
            "! Memgraph has no memgraph trigger \"weird trigger\": \"x; DROP GRAPH\" is no phase",
        ),
        (
            trigger(&with(selector, "event", "NEVER")),
            "! Memgraph has no memgraph trigger \"weird trigger\": \"NEVER\" is no event",
        ),
        (
            other("ttl", "ttl", with(with(Map::new(), "every", "1000s"), "at", "12:00:00")),
            "ENABLE TTL EVERY \"1000s\" AT \"12:00:00\"",
        ),
        (
            other("description", "LABEL :`a``b` :`c`", text.clone()),
            "! Memgraph has no description \"LABEL :`a``b` :`c`\": there is no statement that drops it",
        ),
        (
            other("description", "DATABASE `x` \"y\"; DROP GRAPH", text.clone()),
            "! Memgraph has no description \"DATABASE `x` \\\"y\\\"; DROP GRAPH\": what it is on is not understood",
        ),
        (other("role", "admin", Map::new()), "! Memgraph has no role \"admin\""),
    ] {
        assert_eq!(texts(Dialect::Memgraph, &object)[0], expected);
    }
    let object = other("description", "LABEL :`a``b` :`c`", text);
    assert_eq!(create(Dialect::Memgraph, &object).unwrap(), ["SET DESCRIPTION ON LABEL :`a``b` :`c` \"it\\'s\""]);
    let object = other("enum", "My Enum", with(Map::new(), "values", values));
    assert_eq!(create(Dialect::Memgraph, &object).unwrap(), ["CREATE ENUM `My Enum` VALUES { Good, `a b`, `t``k` }"]);
}
