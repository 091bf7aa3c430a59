//! A calendar version of Neo4j beside 5.26: graphs move up, and stay what they are. Needs a server that `scripts/test` starts where there is a
//! JDK of 21 or newer; says so where there is none.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod support;

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
