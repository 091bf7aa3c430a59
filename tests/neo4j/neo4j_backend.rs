//! The Neo4j backend on real servers, with another driver as the witness.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support::witness;

use graphferry::backend::Once;
use graphferry::backend::{self, Access, Location, Source, Target};
use graphferry::model::schema::with;
use graphferry::model::temporal::{DateTime, Duration};
use graphferry::model::{Block, Class, Consistency, Kind, Map, Point, Trigger, Value};
use graphferry::model::{Constraint, ConstraintKind, Entity, Index, IndexKind, SchemaObject};
use graphferry::{Error, ErrorKind};
use std::collections::BTreeMap;
use witness::{Witness, variable};

const SOURCE: &str = "GRAPHFERRY_TEST_NEO4J";
const TARGET: &str = "GRAPHFERRY_TEST_NEO4J_TARGET";

fn location(name: &str) -> Location {
    Location::parse(&variable(name)).unwrap().unwrap()
}

fn access() -> Access {
    Access::basic("neo4j", variable("GRAPHFERRY_TEST_PASSWORD"))
}

fn source(name: &str) -> Box<dyn Source> {
    backend::open_source(&location(name), &access()).unwrap()
}

fn target() -> Box<dyn Target> {
    backend::open_target(&location(TARGET), &access()).unwrap()
}

fn scan(name: &str, class: Class) -> Vec<Block> {
    let mut source = source(name);
    let mut view = source.snapshot(None).unwrap();
    let mut blocks = Vec::new();
    view.scan(class, &mut |block| {
        blocks.push(block);
        Ok(())
    })
    .unwrap();
    assert_eq!(view.finish().unwrap(), Some(false));
    blocks
}

/// Every node's or relationship's properties by id.
fn properties(blocks: &[Block]) -> BTreeMap<i64, Map> {
    let mut found = BTreeMap::new();
    for block in blocks {
        for item in block.items() {
            let Value::Map(map) = Value::read(&mut block.cursor(item)).unwrap() else { panic!() };
            assert!(found.insert(item.id, map).is_none(), "{} came twice", item.id);
        }
    }
    found
}

fn batch(class: Class, kind: Kind, items: &[(i64, i64, Map)]) -> Block {
    let mut block = Block::new(class);
    let kind = block.add_kind(kind);
    for (number, (start, end, map)) in items.iter().enumerate() {
        graphferry::model::value::put_map(block.buffer(), map);
        block.push(number as i64, *start, *end, kind, 0);
    }
    block
}

fn map(entries: &[(&str, Value)]) -> Map {
    entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

/// Values with the Cypher that makes them and the text that the server makes of them. Bytes have no Cypher and no text.
fn values() -> Vec<(&'static str, Value, &'static str)> {
    let zoned = |seconds| Value::ZonedDateTime { seconds, nanoseconds: 5, zone: "Europe/Stockholm".to_owned() };
    let point = |srid, z| Value::Point(Point { srid, x: 1.5, y: -0.0, z });
    vec![
        ("-9223372036854775808", Value::Integer(i64::MIN), "-9223372036854775808"),
        ("1.0", Value::Float(1.0), "1.0"),
        ("-0.0", Value::Float(-0.0), "-0.0"),
        ("4.9e-324", Value::Float(5e-324), "4.9E-324"),
        ("true", true.into(), "true"),
        ("'a\\n`\\u0000\\uD83D\\uDE00'", "a\n`\0😀".into(), "a\n`\0😀"),
        (
            "datetime({epochSeconds:1729988100, nanosecond:5, timezone:'Europe/Stockholm'})",
            zoned(1_729_988_100),
            "2024-10-27T02:15:00.000000005+02:00[Europe/Stockholm]",
        ),
        (
            "datetime({epochSeconds:1729991700, nanosecond:5, timezone:'Europe/Stockholm'})",
            zoned(1_729_991_700),
            "2024-10-27T02:15:00.000000005+01:00[Europe/Stockholm]",
        ),
        (
            "datetime('1969-12-31T23:59:59.5-05:00')",
            Value::DateTime(DateTime { seconds: 17_999, nanoseconds: 500_000_000, offset: -18_000 }),
            "1969-12-31T23:59:59.5-05:00",
        ),
        (
            "duration({months:14, days:-1, seconds:-1, nanoseconds:1})",
            Value::Duration(Duration { months: 14, days: -1, seconds: -1, nanoseconds: 1 }),
            "P1Y2M-1DT-0.999999999S",
        ),
        ("point({x:1.5, y:-0.0})", point(7203, None), "point({x: 1.5, y: -0.0, crs: 'cartesian'})"),
        (
            "point({longitude:1.5, latitude:-0.0, height:2})",
            point(4979, Some(2.0)),
            "point({x: 1.5, y: -0.0, z: 2.0, crs: 'wgs-84-3d'})",
        ),
        ("[1, 2]", Value::List(vec![1.into(), 2.into()]), "[1, 2]"),
        ("[]", Value::List(vec![]), "[]"),
        ("['', 'b']", Value::List(vec!["".into(), "b".into()]), "['', 'b']"),
    ]
}

#[test]
fn a_scan_reads_what_another_driver_wrote() {
    let witness = Witness::of_empty_target();
    for (number, (cypher, ..)) in values().iter().enumerate() {
        witness.run(&format!("CREATE (:`A``b`:B {{number: {number}, v: {cypher}}})"));
    }
    witness.run("CREATE (n)-[:`T ``x` {w: 1.5}]->(n)");
    let ids = witness.integers("MATCH (n) WHERE n.number IS NOT NULL RETURN id(n) AS x ORDER BY n.number");
    let blocks = scan(TARGET, Class::Nodes);
    let found = properties(&blocks);
    assert_eq!(found.len(), values().len() + 1);
    for ((cypher, value, _), id) in values().iter().zip(ids) {
        assert_eq!(found[&id]["v"], *value, "{cypher}");
    }
    let mut kinds: Vec<Vec<String>> = Vec::new();
    for kind in blocks.iter().flat_map(Block::kinds) {
        let mut labels: Vec<String> = kind.names().iter().map(ToString::to_string).collect();
        labels.sort();
        kinds.push(labels);
    }
    kinds.sort();
    assert_eq!(kinds, [vec![], vec!["A`b".to_owned(), "B".to_owned()]]);
    let blocks = scan(TARGET, Class::Relationships);
    let [item] = blocks[0].items() else { panic!("one relationship, one block") };
    let loner = witness.integers("MATCH (n) WHERE n.number IS NULL RETURN id(n) AS x")[0];
    assert_eq!((item.start, item.end), (loner, loner));
    assert_eq!(blocks[0].kind(item).relationship_type(), "T `x");
    assert_eq!(properties(&blocks)[&item.id], map(&[("w", 1.5.into())]));
}

#[test]
fn another_driver_reads_what_a_session_wrote() {
    let witness = Witness::of_empty_target();
    let mut session = target().session().unwrap();
    let mut maps: Vec<_> = values().into_iter().map(|(_, value, _)| (0, 0, map(&[("v", value)]))).collect();
    maps.push((0, 0, map(&[("v", Value::Bytes(vec![0, 1, 255]))])));
    let mut ids = Vec::new();
    session.nodes(&batch(Class::Nodes, Kind::labels(["A`b", "\\u0041"]), &maps), None, &mut ids).unwrap();
    for ((cypher, _, text), id) in values().iter().zip(&ids) {
        // There is no toString for lists: their equality and type must do.
        let written = witness.strings(&format!(
            "MATCH (n:`A``b`:`\\u005Cu0041`) WHERE id(n) = {id} \
             RETURN CASE WHEN n.v = {cypher} AND valueType(n.v) = valueType({cypher}) THEN coalesce(toStringOrNull(n.v), 'same') \
             ELSE 'other: ' + valueType(n.v) END AS x"
        ));
        let is_text = !text.starts_with('[');
        assert_eq!(written, [if is_text { *text } else { "same" }], "{cypher}");
    }
    let last = ids.last().unwrap();
    assert_eq!(witness.integers(&format!("MATCH (n) WHERE id(n) = {last} UNWIND n.v AS x RETURN x")), [0, 1, -1]);
    let again = properties(&scan(TARGET, Class::Nodes));
    for (id, (_, _, map)) in ids.iter().zip(&maps) {
        assert_eq!(again[id], *map);
    }
}

#[test]
fn ids_come_back_in_the_order_of_the_batch() {
    let witness = Witness::of_empty_target();
    let mut session = target().session().unwrap();
    // Holes for the server to fill, so that ids do not simply rise.
    witness.run("UNWIND range(1, 5000) AS i CREATE ({old: i})");
    witness.run("MATCH (n) WHERE n.old % 3 = 0 DELETE n");
    let mut ids = Vec::new();
    for round in 0..2 {
        let maps: Vec<_> = (0..4000).map(|number| (0, 0, map(&[("i", (round * 4000 + number).into())]))).collect();
        session.nodes(&batch(Class::Nodes, Kind::labels(["N"]), &maps), None, &mut ids).unwrap();
    }
    assert_eq!(witness.integers("MATCH (n:N) RETURN id(n) AS x ORDER BY n.i"), ids);
}

#[test]
fn relationships_are_all_there_or_none() {
    let witness = Witness::of_empty_target();
    let mut session = target().session().unwrap();
    let mut ids = Vec::new();
    let none: [&str; 0] = [];
    let nodes = batch(Class::Nodes, Kind::labels(none), &vec![(0, 0, Map::new()); 10]);
    session.nodes(&nodes, None, &mut ids).unwrap();
    let ends: Vec<_> = (0..30).map(|at| (ids[at % 10], ids[at % 7], map(&[("at", (at as i64).into())]))).collect();
    assert_eq!(
        session
            .relationships(&batch(Class::Relationships, Kind::relationship("T`"), &ends), Once::Always, None)
            .unwrap(),
        30
    );
    let written = witness.integers("MATCH (a)-[r:`T```]->(b) RETURN id(a) * 1000000 + id(b) AS x ORDER BY r.at");
    assert_eq!(written, ends.iter().map(|(start, end, _)| start * 1_000_000 + end).collect::<Vec<_>>());

    let missing = [(ids[0], ids[1], Map::new()), (ids[0], 99_999_999, Map::new())];
    let error = session
        .relationships(&batch(Class::Relationships, Kind::relationship("X"), &missing), Once::Always, None)
        .unwrap_err();
    assert_eq!(error.to_string(), "1 of 2 relationships have an end that is not there");
    assert_eq!(witness.integers("MATCH ()-[r:X]->() RETURN count(r) AS x"), [0]);
}

#[test]
fn a_refused_batch_leaves_nothing_and_the_session_goes_on() {
    let witness = Witness::of_empty_target();
    witness.run("CREATE CONSTRAINT u FOR (n:U) REQUIRE n.k IS UNIQUE");
    let mut session = target().session().unwrap();
    let mut ids = vec![42];
    let twice = [(0, 0, map(&[("k", 1.into())])), (0, 0, map(&[("k", 2.into())])), (0, 0, map(&[("k", 1.into())]))];
    let error = session.nodes(&batch(Class::Nodes, Kind::labels(["U"]), &twice), None, &mut ids).unwrap_err();
    assert_eq!(error.server_code(), Some("Neo.ClientError.Schema.ConstraintValidationFailed"));
    assert_eq!((error.kind(), ids.len()), (ErrorKind::Server, 1));
    assert_eq!(witness.integers("MATCH (n) RETURN count(n) AS x"), [0]);
    session.nodes(&batch(Class::Nodes, Kind::labels(["U"]), &twice[..2]), None, &mut ids).unwrap();
    assert_eq!(witness.integers("MATCH (n) RETURN count(n) AS x"), [2]);
    let error = session.statement("RETURN 1 +").unwrap_err();
    assert_eq!(error.server_code(), Some("Neo.ClientError.Statement.SyntaxError"));
    session.statement("CREATE (:Made {by: 'statement'})").unwrap();
    assert_eq!(witness.strings("MATCH (n:Made) RETURN n.by AS x"), ["statement"]);
}

#[test]
fn values_that_community_refuses_are_refused_by_the_server_too() {
    let _witness = Witness::of_empty_target();
    let mut session = target().session().unwrap();
    let facts = target().facts().unwrap();
    let list = |value| Value::List(vec![value]);
    for (name, value) in [
        ("map", Value::Map(Map::new())),
        ("list of list", list(list(1.into()))),
        ("list of map", list(Value::Map(Map::new()))),
        ("list of null", list(Value::Null)),
        ("list of bytes", list(Value::Bytes(vec![1]))),
    ] {
        assert!(facts.capability.refused_values.contains(&name.to_owned()), "{name}");
        let one = batch(Class::Nodes, Kind::labels(["A"]), &[(0, 0, map(&[("v", value)]))]);
        let error = session.nodes(&one, None, &mut Vec::new()).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Server, "{name}: {error}");
    }
}

#[test]
fn large_values_pass_in_both_directions() {
    let witness = Witness::of_empty_target();
    let mut session = target().session().unwrap();
    let long = "å".repeat(1_500_000);
    let maps = [
        (0, 0, map(&[("v", long.as_str().into())])),
        (0, 0, map(&[("v", Value::Bytes(vec![7; 200_000]))])),
        (0, 0, map(&[("v", Value::List((0..100_000).map(Value::from).collect()))])),
    ];
    let mut ids = Vec::new();
    session.nodes(&batch(Class::Nodes, Kind::labels(["L"]), &maps), None, &mut ids).unwrap();
    assert_eq!(witness.integers("MATCH (n:L) RETURN size(n.v) AS x ORDER BY id(n)"), [1_500_000, 200_000, 100_000]);
    let again = properties(&scan(TARGET, Class::Nodes));
    for (id, (_, _, map)) in ids.iter().zip(&maps) {
        assert!(again[id] == *map);
    }
}

fn index(name: &str, kind: IndexKind, on: Entity, labels: &[&str], properties: &[&str]) -> SchemaObject {
    let text = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    let (labels, properties) = (text(labels), text(properties));
    let (provider, config) = (None, Map::new());
    SchemaObject::Index(Index { name: Some(name.to_owned()), kind, on, labels, properties, provider, config })
}

#[test]
fn the_schema_is_read_removed_and_made_again() {
    let witness = Witness::of_empty_target();
    for statement in [
        "CREATE RANGE INDEX `a``1` FOR (n:`L ``x`) ON (n.`p ``q`, n.q)",
        "CREATE TEXT INDEX b FOR ()-[r:R]-() ON (r.t)",
        "CREATE POINT INDEX c FOR (n:L) ON (n.p)",
        "CREATE FULLTEXT INDEX d FOR (n:L|M) ON EACH [n.p, n.q] OPTIONS {indexConfig: {`fulltext.analyzer`: 'english'}}",
        "CREATE VECTOR INDEX e FOR (n:L) ON (n.v) OPTIONS {indexConfig: {`vector.dimensions`: 3}}",
        "CREATE CONSTRAINT f FOR (n:L) REQUIRE (n.k, n.l) IS UNIQUE",
        "CREATE CONSTRAINT g FOR ()-[r:R]-() REQUIRE r.k IS UNIQUE",
    ] {
        witness.run(statement);
    }
    let mut target = target();
    target.settle().unwrap();
    let facts = target.facts().unwrap();
    let told: Vec<String> = facts.schema.objects.iter().map(SchemaObject::describe).collect();
    assert_eq!(
        told,
        [
            "node range index \"a`1\" on L `x(p `q, q)",
            "relationship text index \"b\" on R(t)",
            "node point index \"c\" on L(p)",
            "node fulltext index \"d\" on L|M(p, q)",
            "node vector index \"e\" on L(v)",
            "node unique constraint \"f\" on L(k, l)",
            "relationship unique constraint \"g\" on R(k)",
        ]
    );
    let SchemaObject::Index(fulltext) = &facts.schema.objects[3] else { panic!() };
    assert_eq!(fulltext.config["fulltext.analyzer"], "english".into());
    assert_eq!(fulltext.config["fulltext.eventually_consistent"], false.into());
    let SchemaObject::Index(vector) = &facts.schema.objects[4] else { panic!() };
    assert_eq!(vector.config["vector.dimensions"], 3.into());
    assert!(vector.provider.as_deref().unwrap().starts_with("vector-"));
    let mut kinds: Vec<String> = facts.defaults.objects.iter().map(SchemaObject::sort_of).collect();
    // Their names, and so their order, are the server version's.
    kinds.sort();
    assert_eq!(kinds, ["node lookup index", "relationship lookup index"]);
    for object in &facts.schema.objects {
        target.remove(object).unwrap();
    }
    let show = "SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name AS x";
    assert_eq!(witness.strings(show), [""; 0]);

    // Made again, and the same once more; a name that is taken is an error.
    let remade = index("a`1", IndexKind::Range, Entity::Node, &["L `x"], &["p `q", "q"]);
    target.apply(&remade).unwrap();
    target.settle().unwrap();
    assert!(target.facts().unwrap().schema.objects[0].is_same_as(&remade));
    let other = index("a`1", IndexKind::Range, Entity::Node, &["Other"], &["p"]);
    let error = target.apply(&other).unwrap_err();
    assert_eq!(error.server_code(), Some("Neo.ClientError.Schema.IndexWithNameAlreadyExists"));
}

#[test]
fn a_constraint_that_the_data_breaks_names_its_code() {
    let witness = Witness::of_empty_target();
    witness.run("CREATE (:D {k: 1}), (:D {k: 1})");
    let (provider, config) = (None, Map::new());
    let unique = SchemaObject::Constraint(Constraint {
        name: Some("u".to_owned()),
        kind: ConstraintKind::Unique,
        on: Entity::Node,
        label: "D".to_owned(),
        properties: vec!["k".to_owned()],
        provider,
        config,
    });
    let error = target().apply(&unique).unwrap_err();
    assert_eq!(error.server_code(), Some("Neo.DatabaseError.Schema.ConstraintCreationFailed"));
}

#[test]
fn triggers_of_apoc_come_and_go() {
    let witness = Witness::of_empty_target();
    let mut target = target();
    let installed =
        witness.integers("SHOW PROCEDURES YIELD name WHERE name = 'apoc.trigger.show' RETURN count(*) AS x");
    let told = target.facts().unwrap().capability.triggers;
    assert_eq!(told, ["apoc"][..installed[0] as usize]);
    if told.is_empty() {
        return;
    }
    let trigger = |name: &str, paused| {
        SchemaObject::Trigger(Trigger {
            name: name.to_owned(),
            statement: "UNWIND $createdNodes AS n // a `comment`\nSET n.seen = $word".to_owned(),
            system: "apoc".to_owned(),
            selector: with(Map::new(), "phase", "before"),
            params: with(Map::new(), "word", "it's \\ \"here\""),
            paused,
        })
    };
    let both = [trigger("t 1", true), trigger("t`2", true)];
    for object in &both {
        target.apply(object).unwrap();
    }
    let mut source = source(TARGET);
    let seen = source.snapshot(None).unwrap().schema().unwrap();
    for object in &both {
        target.remove(object).unwrap();
    }
    let triggers: Vec<_> = seen.objects.into_iter().filter(|o| matches!(o, SchemaObject::Trigger(_))).collect();
    assert_eq!(triggers, both);
    let left = source.snapshot(None).unwrap().schema().unwrap();
    assert!(!left.objects.iter().any(|o| matches!(o, SchemaObject::Trigger(_))));
}

#[test]
fn names_counts_and_facts() {
    let witness = Witness::of_empty_target();
    witness.run("CREATE (:Aa {pp: 1})-[:Rr {qq: 2}]->(:Bb)");
    let mut source = source(TARGET);
    assert_eq!((source.origin().product.as_str(), source.origin().database.as_str()), ("neo4j", "neo4j"));
    let mut view = source.snapshot(Some(Consistency::ReadCommitted)).unwrap();
    assert_eq!(view.consistency(), Consistency::ReadCommitted);
    let names = view.names().unwrap();
    assert!(["Aa", "Bb", "Rr"].iter().all(|name| names.labels.contains(*name)), "{names:?}");
    assert!(["pp", "qq"].iter().all(|name| names.properties.contains(*name)), "{names:?}");
    assert_eq!(view.estimate().unwrap(), Some((2, 1)));
    drop(view);
    let facts = target().facts().unwrap();
    assert_eq!((facts.nodes, facts.relationships), (2, 1));
    assert!(facts.capability.system.starts_with("Neo4j "), "{}", facts.capability.system);
}

#[test]
fn a_change_under_the_view_is_told() {
    let witness = Witness::of_empty_target();
    let mut source = source(TARGET);
    let mut view = source.snapshot(None).unwrap();
    view.estimate().unwrap();
    assert_eq!(view.finish().unwrap(), Some(false));
    drop(view);
    let mut view = source.snapshot(None).unwrap();
    witness.run("CREATE (:Late)");
    assert_eq!(view.finish().unwrap(), Some(true));
    assert_eq!(view.estimate().unwrap_err().to_string(), "the view of the database is closed");
    drop(view);
    let error = source.snapshot(Some(Consistency::Snapshot)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.advice().is_some());
}

#[test]
fn a_consumer_that_gives_up_ends_the_scan_and_not_the_connection() {
    let witness = Witness::of_empty_target();
    witness.run("UNWIND range(1, 120000) AS i CREATE ({i: i})");
    let mut source = source(TARGET);
    let mut view = source.snapshot(None).unwrap();
    let error = view.scan(Class::Nodes, &mut |_| Err(Error::failed("full"))).unwrap_err();
    assert_eq!(error.to_string(), "full");
    drop(view);
    let mut view = source.snapshot(None).unwrap();
    let mut items = 0;
    let mut blocks = 0;
    view.scan(Class::Nodes, &mut |block| {
        // A consumer that is slower than the server: nothing is lost and nothing fails.
        std::thread::sleep(std::time::Duration::from_millis(5));
        items += block.len();
        blocks += 1;
        Ok(())
    })
    .unwrap();
    assert_eq!((items, blocks), (120_000, 15));
}

#[test]
fn everything_on_the_source_arrives_on_the_target_as_it_was() {
    let _witness = Witness::of_empty_target();
    let maker = Witness::new(SOURCE);
    maker.run("CREATE (:`Ferry test` {v: 1.0})-[:`FERRY` {w: [date('-0044-03-15')]}]->(:`Ferry test`)");
    let (nodes, relationships) = (scan(SOURCE, Class::Nodes), scan(SOURCE, Class::Relationships));
    maker.run("MATCH (n:`Ferry test`) DETACH DELETE n");
    let mut session = target().session().unwrap();
    let mut ids = BTreeMap::new();
    for block in &nodes {
        for (at, item) in block.items().iter().enumerate() {
            let mut made = Vec::new();
            session.nodes(&block.slice(at..at + 1), None, &mut made).unwrap();
            ids.insert(item.id, made[0]);
        }
    }
    for block in &relationships {
        for (at, item) in block.items().iter().enumerate() {
            let mut one = block.slice(at..at + 1);
            for end in one.items_mut() {
                (end.start, end.end) = (ids[&item.start], ids[&item.end]);
            }
            assert_eq!(session.relationships(&one, Once::Always, None).unwrap(), 1);
        }
    }
    let (before, after) = (properties(&nodes), properties(&scan(TARGET, Class::Nodes)));
    assert!(before.len() >= 2);
    assert_eq!(before.len(), after.len());
    for (id, map) in &before {
        assert_eq!(after[&ids[id]], *map);
    }
    let sorted = |blocks: &[Block]| {
        // The server keeps properties in an order of its own.
        let canonical = |block: &Block, item| {
            let Value::Map(mut map) = Value::read(&mut block.cursor(item)).unwrap() else { panic!("no map") };
            map.sort_keys();
            Value::Map(map).to_packstream()
        };
        let mut maps: Vec<Vec<u8>> =
            blocks.iter().flat_map(|b| b.items().iter().map(move |item| canonical(b, item))).collect();
        maps.sort();
        maps
    };
    assert_eq!(sorted(&relationships), sorted(&scan(TARGET, Class::Relationships)));
}

#[test]
fn tls_with_and_without_trust() {
    let with = |suffix: &str| {
        Location::parse(&variable(SOURCE).replacen("bolt://", &format!("bolt+{suffix}://"), 1)).unwrap().unwrap()
    };
    let counted = |location: &Location, access: &Access| {
        let mut source = backend::open_source(location, access)?;
        let mut view = source.snapshot(None)?;
        view.scan(Class::Nodes, &mut |_| Ok(()))
    };
    counted(&with("ssc"), &access()).unwrap();
    counted(&with("s"), &Access { ca_file: Some(variable("GRAPHFERRY_TEST_CA").into()), ..access() }).unwrap();
    let error = counted(&with("s"), &access()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().ends_with("is not trusted"), "{error:?}");
    assert!(error.advice().unwrap().contains("+ssc"));
    for (file, expected) in [
        ("/nonexistent.pem", "/nonexistent.pem cannot be read as a file of certificates"),
        ("Cargo.toml", "Cargo.toml has no certificate"),
    ] {
        let error = counted(&with("s"), &Access { ca_file: Some(file.into()), ..access() }).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn access_is_denied_with_a_hint() {
    let error = backend::open_source(&location(SOURCE), &Access::basic("neo4j", "not-the-word")).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!(error.server_code(), Some("Neo.ClientError.Security.Unauthorized"));
    assert!(!format!("{error:?}").contains("not-the-word"));
    let nowhere = Location::parse(&format!("{}/nowhere", variable(SOURCE))).unwrap().unwrap();
    let error = backend::open_source(&nowhere, &access()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!(error.server_code(), Some("Neo.ClientError.Database.DatabaseNotFound"));
}
