//! The Neo4j torture graph in Memgraph's dialect: what Memgraph's types can hold comes back to a real Neo4j unchanged; everything else is refused, and with
//! leave to lose it, left out and counted by name.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use neo4rs::query;
use std::collections::BTreeMap;
use support::neo4j::{Neo4j, TURN};
use support::tool::run;

/// Labels or type, key, type and text of every property, as the server tells them, and how often.
type Properties = BTreeMap<[String; 4], i64>;

fn properties(server: &Neo4j) -> Properties {
    const TEXT: &str = "CASE WHEN valueType(x[k]) STARTS WITH 'LIST' \
         THEN reduce(s = toString(size(x[k])), v IN x[k] | s + '\u{1}' + toString(v)) ELSE toString(x[k]) END";
    let mut all = Properties::new();
    for (pattern, name) in [("(x)", "labels(x)"), ("()-[x]->()", "[type(x)]")] {
        let text = format!(
            "MATCH {pattern} UNWIND keys(x) AS k RETURN {name} AS names, k, valueType(x[k]) AS type, {TEXT} AS text"
        );
        for row in server.rows(query(&text)) {
            let mut names: Vec<String> = row.get("names").unwrap();
            names.sort();
            let text = |key: &str| row.get::<String>(key).unwrap();
            *all.entry([format!("{names:?}"), text("k"), text("type"), text("text")]).or_default() += 1;
        }
    }
    all
}

/// Nodes by their labels, relationships by their types and the labels at their ends.
fn shape(server: &Neo4j) -> Vec<String> {
    let mut all = Vec::new();
    for text in [
        "MATCH (x) WITH apoc.coll.sort(labels(x)) AS l, count(*) AS n RETURN apoc.convert.toJson([l, n]) AS text",
        "MATCH (a)-[x]->(b) WITH apoc.coll.sort(labels(a)) AS a, type(x) AS t, apoc.coll.sort(labels(b)) AS b, count(*) AS n \
         RETURN apoc.convert.toJson([a, t, b, n]) AS text",
    ] {
        all.extend(server.rows(query(text)).iter().map(|row| row.get::<String>("text").unwrap()));
    }
    all.sort();
    all
}

/// Indexes and constraints without the names that Memgraph has none of.
fn schema(server: &Neo4j) -> Vec<String> {
    let columns = "type, entityType, labelsOrTypes, properties";
    let mut all = Vec::new();
    for what in ["INDEXES", "CONSTRAINTS"] {
        let text = format!(
            "SHOW {what} YIELD {columns} \
             RETURN apoc.convert.toJson([type, entityType, apoc.coll.sort(coalesce(labelsOrTypes, [])), properties]) AS text"
        );
        all.extend(
            server.rows(query(&text)).iter().map(|row| format!("{what} {}", row.get::<String>("text").unwrap())),
        );
    }
    all.sort();
    all
}

#[test]
fn neo4j_to_memgraphs_dialect_to_neo4j() {
    let _turn = TURN.lock();
    let (source, target) = (Neo4j::source(), Neo4j::target());
    source.build_torture();
    target.wipe();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let dump = ["dump", &source.url, "-o", "graph.cypherl", "--dialect", "memgraph"];
    let refused = run(path, dump).expect(4);
    assert!(refused.stderr.contains("cannot hold"), "{}", refused.stderr);
    let kinds = ["value", "index", "constraint"].into_iter().flat_map(|kind| ["--allow-loss", kind]);
    let lossy = run(path, dump.into_iter().chain(kinds)).expect(0);
    run(path, ["restore", "graph.cypherl", &target.url]).expect(0);
    let (before, after) = (properties(&source), properties(&target));
    for (property, count) in &after {
        assert!(before.get(property).is_some_and(|known| known >= count), "new: {property:?}");
    }
    let mut lost = Vec::new();
    for (property @ [_, _, kind, text], count) in &before {
        let left = after.get(property).copied().unwrap_or_default();
        lost.extend((left..*count).map(|_| format!("{} {text}", kind.replace(" NOT NULL", "")).replace('\u{1}', ",")));
    }
    lost.sort();
    let expected = [
        "DATE +999999999-12-31",
        "DATE -0044-03-15",
        "DURATION P-1M",
        "DURATION P1M-1DT59M59.999999999S",
        "DURATION P1Y2M25DT5H6M7.000000008S",
        "DURATION PT-0.000000001S",
        "DURATION PT2562047788015215H16M40S",
        // Bytes, as the server shows them in text.
        "LIST<INTEGER> 0",
        "LIST<INTEGER> 4,0,1,-2,-1",
        "LIST<ZONED TIME> 1,01:02:03+01:00",
        "LOCAL DATETIME 2024-02-29T23:59:59.123456789",
        "LOCAL TIME 23:59:59.999999999",
        "ZONED DATETIME 2024-02-29T23:59:59.123456789+01:00",
        "ZONED TIME 12:00:00-18:00",
        "ZONED TIME 12:00:00Z",
        "ZONED TIME 12:34:56.000000001+05:30",
    ];
    assert_eq!(lost, expected);
    // Each of them was told.
    for told in [
        "3 values of type time",
        "1 values of type list of time",
        "2 values of type bytes",
        "1 values: Memgraph cannot hold the year -44",
        "1 values: Memgraph cannot hold the year 999999999",
        "4 values: Memgraph cannot hold nanoseconds",
        "3 values: Memgraph cannot hold months in a duration",
        "1 values: Memgraph cannot hold a duration so long",
    ] {
        assert!(lossy.stderr.contains(&format!("lost, as allowed: {told}")), "{told}: {}", lossy.stderr);
    }
    assert_eq!(shape(&source), shape(&target));
    let (before, after) = (schema(&source), schema(&target));
    // The lookup indexes of the empty target stayed.
    let missing: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
    let expected = [
        "CONSTRAINTS [\"RELATIONSHIP_UNIQUENESS\",\"RELATIONSHIP\",[\"KNOWS\"],[\"rid\",\"note\"]]",
        "CONSTRAINTS [\"RELATIONSHIP_UNIQUENESS\",\"RELATIONSHIP\",[\"KNOWS\"],[\"rid\"]]",
        "INDEXES [\"FULLTEXT\",\"NODE\",[\"A\",\"Label With Space\",\"Person\"],[\"bio\",\"name\",\"prop key\"]]",
        "INDEXES [\"FULLTEXT\",\"RELATIONSHIP\",[\"KNOWS\",\"P\"],[\"note\"]]",
        // Those of the two constraints.
        "INDEXES [\"RANGE\",\"RELATIONSHIP\",[\"KNOWS\"],[\"rid\",\"note\"]]",
        "INDEXES [\"RANGE\",\"RELATIONSHIP\",[\"KNOWS\"],[\"rid\"]]",
        "INDEXES [\"VECTOR\",\"NODE\",[\"Person\"],[\"emb\"]]",
        "INDEXES [\"VECTOR\",\"RELATIONSHIP\",[\"KNOWS\"],[\"emb\"]]",
    ];
    assert!(after.iter().all(|line| before.contains(line)), "{after:#?}");
    assert_eq!(missing, expected);
    for told in ["\"i_ft\"", "\"i_rft\"", "\"i_vec\"", "\"i_rvec\"", "\"c_reluniq\"", "\"c_reluniq2\""] {
        assert!(lossy.stderr.contains(told), "{told}: {}", lossy.stderr);
    }
}
