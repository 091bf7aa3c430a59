//! A calendar version of Neo4j beside 5.26: graphs move up, and stay what they are. Needs a server that `scripts/test` starts where there is a
//! JDK of 21 or newer; says so where there is none.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

use crate::support;

use graphferry::model::packstream::{self, VectorType};
use graphferry::model::{Map, Value};
use graphferry::wire::{Auth, Connection, Endpoint, Mode, Query, Tls};
use std::collections::BTreeMap;
use support::neo4j::{Neo4j, TURN};
use support::tool::run;

fn calendar() -> Option<Neo4j> {
    let calendar = Neo4j::calendar();
    if calendar.is_none() {
        eprintln!("GRAPHFERRY_TEST_NEO4J_CALENDAR is not set: there is no JDK of 21 or newer");
    }
    calendar
}

/// The names of indexes and constraints, but for the lookup indexes, whose default names are each version's own.
fn names(server: &Neo4j) -> Vec<String> {
    let mut names = Vec::new();
    for statement in
        ["SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name", "SHOW CONSTRAINTS YIELD name RETURN name"]
    {
        names.extend(server.rows(neo4rs::query(statement)).iter().map(|row| row.get::<String>("name").unwrap()));
    }
    names.sort();
    names
}

/// Each index with what it is about and its settings, as the server tells them.
fn indexes(server: &Neo4j) -> BTreeMap<String, (String, BTreeMap<String, serde_json::Value>)> {
    let statement = "SHOW INDEXES YIELD name, type, entityType, labelsOrTypes, properties, owningConstraint, options \
         WHERE type <> 'LOOKUP' RETURN name, options.indexConfig AS config, \
         [type, entityType, toStringOrNull(owningConstraint)] + labelsOrTypes + properties AS about";
    let rows = server.rows(neo4rs::query(statement));
    rows.iter()
        .map(|row| {
            let about: Vec<Option<String>> = row.get("about").unwrap();
            (row.get("name").unwrap(), (format!("{about:?}"), row.get("config").unwrap()))
        })
        .collect()
}

#[test]
fn settings_of_indexes_move_up() {
    let Some(calendar) = calendar() else { return };
    let (_turn, source, folder) = (TURN.lock(), Neo4j::source(), tempfile::tempdir().unwrap());
    source.build_torture();
    calendar.wipe();
    run(folder.path(), ["copy", &source.url, &calendar.url]).expect(0);
    let (before, after) = (indexes(&source), indexes(&calendar));
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    let (mut compared, mut quantized) = (0, 0);
    for (name, (about, settings)) in &before {
        let (about_after, settings_after) = &after[name];
        assert_eq!(about, about_after, "{name}");
        for (key, value) in settings {
            if key == "vector.quantization.enabled" {
                // A calendar version tells the same thing as a type.
                let kind = settings_after["vector.quantization.type"].as_str().unwrap();
                assert_eq!(value.as_bool().unwrap(), kind != "NONE", "{name}: {value} became {kind}");
                quantized += 1;
            } else {
                assert_eq!(Some(value), settings_after.get(key), "{name}: {key}");
                compared += 1;
            }
        }
    }
    assert_eq!((compared, quantized), (20, 2), "every setting of the torture graph's indexes was compared");
}

#[test]
fn what_version_5_cannot_hold_is_refused_before_the_first_write() {
    let Some(calendar) = calendar() else { return };
    let (_turn, target, folder) = (TURN.lock(), Neo4j::target(), tempfile::tempdir().unwrap());
    calendar.wipe();
    calendar.run("CREATE (:V {e: [1.0, 2.0, 3.0]})");
    calendar.run("CREATE VECTOR INDEX v FOR (n:V) ON (n.e) OPTIONS {indexConfig: {`vector.dimensions`: 3}}");
    calendar.run("CREATE INDEX r FOR (n:V) ON (n.e)");
    target.wipe();
    let before = target.witness();
    run(folder.path(), ["dump", &calendar.url, "-o", "g.jsonl"]).expect(0);
    for way in [["restore", "g.jsonl"], ["copy", &calendar.url]] {
        let refused = run(folder.path(), [way[0], way[1], &target.url]).expect(4);
        for word in ["node vector index \"v\" on V(e), which has the setting vector.", "--allow-loss=index"] {
            assert!(refused.stderr.contains(word), "{word}: {}", refused.stderr);
        }
        before.assert_same(&target.witness());
    }
    let lossy = run(folder.path(), ["restore", "g.jsonl", &target.url, "--allow-loss", "index"]).expect(0);
    assert!(lossy.stderr.contains("lost, as allowed: 1 node vector index \"v\""), "{}", lossy.stderr);
    assert_eq!(indexes(&target).keys().collect::<Vec<_>>(), ["r"]);
    assert_eq!(target.witness().nodes, calendar.witness().nodes);
}

#[test]
fn a_graph_moves_from_5_to_a_calendar_version() {
    let Some(calendar) = calendar() else { return };
    let (_turn, source, folder) = (TURN.lock(), Neo4j::source(), tempfile::tempdir().unwrap());
    source.build_torture();
    let before = source.witness();
    run(folder.path(), ["dump", &source.url, "-o", "five.jsonl"]).expect(0);
    for way in [vec!["restore", "five.jsonl", &calendar.url], vec!["copy", &source.url, &calendar.url]] {
        calendar.wipe();
        run(folder.path(), &way).expect(0);
        let after = calendar.witness();
        assert_eq!((&before.nodes, &before.relationships), (&after.nodes, &after.relationships), "{way:?}");
        assert_eq!(names(&source), names(&calendar), "{way:?}");
    }
}

#[test]
fn a_calendar_version_comes_back_whole() {
    let Some(calendar) = calendar() else { return };
    let (_turn, folder) = (TURN.lock(), tempfile::tempdir().unwrap());
    calendar.build_torture();
    let before = calendar.witness();
    run(folder.path(), ["dump", &calendar.url, "-o", "g.jsonl"]).expect(0);
    run(folder.path(), ["dump", &calendar.url, "-o", "g.cypherl"]).expect(0);
    run(folder.path(), ["copy", &calendar.url, "g.db"]).expect(0);
    for way in [["restore", "g.jsonl"], ["restore", "g.cypherl"], ["copy", "g.db"]] {
        calendar.wipe();
        run(folder.path(), [way[0], way[1], &calendar.url]).expect(0);
        before.assert_same(&calendar.witness());
        run(folder.path(), ["verify", "g.jsonl", &calendar.url]).expect(0);
    }
}

/// Without APOC nothing in Cypher's text makes bytes, so this graph has none.
#[test]
fn cypher_shell_replays_a_dump_of_a_calendar_version() {
    let Some(calendar) = calendar() else { return };
    let (_turn, folder) = (TURN.lock(), tempfile::tempdir().unwrap());
    calendar.build_torture();
    calendar.run("MATCH (n:T) WHERE n.key STARTS WITH 'bytes' DELETE n");
    let before = calendar.witness();
    run(folder.path(), ["dump", &calendar.url, "-o", "g.cypherl"]).expect(0);
    calendar.wipe();
    let output = calendar.cypher_shell(&folder.path().join("g.cypherl"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    before.assert_same(&calendar.witness());
}

fn connect(url: &str, password: &str) -> Connection {
    let (host, port) = url.trim_start_matches("bolt://").rsplit_once(':').unwrap();
    let endpoint = Endpoint { host: host.to_owned(), port: port.parse().unwrap(), tls: Tls::Off };
    Connection::connect(&endpoint, Auth::Basic { user: "neo4j", password }).unwrap()
}

/// The community edition stores no vectors, so that only the wire can show that we read them as the server means them.
#[test]
fn vectors_come_and_go_over_our_wire() {
    let Some(calendar) = calendar() else { return };
    let _turn = TURN.lock();
    let mut connection = connect(&calendar.url, &calendar.password);
    assert_eq!(connection.version().to_string(), "6.0");
    for (literal, kind, bytes) in [
        ("vector([1.0, -2.5], 2, FLOAT32)", VectorType::F32, [1.0_f32, -2.5].map(f32::to_be_bytes).concat()),
        ("vector([1.0, -2.5], 2, FLOAT64)", VectorType::F64, [1.0_f64, -2.5].map(f64::to_be_bytes).concat()),
        ("vector([1, -2], 2, INTEGER8)", VectorType::I8, vec![0x01, 0xFE]),
        ("vector([1, -2], 2, INTEGER16)", VectorType::I16, vec![0x00, 0x01, 0xFF, 0xFE]),
        ("vector([1, -2], 2, INTEGER32)", VectorType::I32, [1_i32, -2].map(i32::to_be_bytes).concat()),
        ("vector([1, -2], 2, INTEGER64)", VectorType::I64, [1_i64, -2].map(i64::to_be_bytes).concat()),
    ] {
        let expected = Value::Vector(kind, bytes);
        let text = format!(
            "CYPHER 25 RETURN {literal} AS v, $v = {literal} AS same, valueType($v) = valueType({literal}) AS kin"
        );
        let mut parameters = Vec::new();
        packstream::put_map(&mut parameters, 1);
        packstream::put_string(&mut parameters, "v");
        expected.put(&mut parameters);
        let rows = connection.table(&Query::alone(&text, Mode::Read, None).with(&parameters)).unwrap();
        // What we send is, to the server itself, the vector that it would have made.
        assert_eq!(rows[0]["v"], expected, "{literal}");
        assert_eq!((&rows[0]["same"], &rows[0]["kin"]), (&Value::Boolean(true), &Value::Boolean(true)), "{literal}");
    }
}

/// Bolt 6.0 has no UUID: the server sends a placeholder with the name, by which a dump refuses it.
#[test]
fn a_uuid_comes_as_a_placeholder_with_its_name() {
    let Some(calendar) = calendar() else { return };
    let _turn = TURN.lock();
    let mut connection = connect(&calendar.url, &calendar.password);
    let text = "CYPHER 25 RETURN uuid('123e4567-e89b-12d3-a456-426614174000') AS u";
    let rows = connection.table(&Query::alone(text, Mode::Read, None)).unwrap();
    let placeholder = vec!["UUID".into(), 6.into(), 1.into(), Value::Map(Map::new())];
    assert_eq!(rows[0]["u"], Value::Structure(0x3F, placeholder));
    // The connection goes on.
    assert_eq!(connection.table(&Query::alone("RETURN 1 AS x", Mode::Read, None)).unwrap()[0]["x"], 1.into());
}
