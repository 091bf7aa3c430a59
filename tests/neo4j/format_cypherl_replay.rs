//! A dump in Neo4j's dialect, replayed by the real cypher-shell in a locale that knows no Unicode: every value, label, type and key arrives,
//! and nothing that they try becomes a statement.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use graphferry::backend::{self, Access, Location};
use graphferry::cypher::Dialect;
use graphferry::format::cypherl::{self, Helper, Options};
use graphferry::format::{Encoder, Wrote};
use graphferry::model::schema::with;
use graphferry::model::{Class, Header, Map, Schema, Value};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::collections::BTreeSet;
use support::graph::{Node, Relationship, graph};
use support::neo4j::{Neo4j, TURN};
use support::{Graph, Limits, Same};

/// The key under which every item has its place in the graph, since a server gives ids of its own.
const PLACE: &str = "place in the graph";

/// Many random graphs as one, with ids of their own and places.
fn random(count: usize) -> Graph {
    let mut runner = TestRunner::deterministic();
    let strategy = graph(Limits { schema: false, ..Limits::NEO4J });
    let mut all = Graph::default();
    for _ in 0..count {
        let drawn = strategy.new_tree(&mut runner).unwrap().current();
        let first = all.nodes.len() as i64;
        let place_of = |id: i64| first + drawn.nodes.iter().position(|node| node.0 == id).unwrap() as i64;
        let relationships =
            drawn.relationships.iter().map(|it| (place_of(it.1), place_of(it.2), it.3.clone(), it.4.clone()));
        for (start, end, name, properties) in relationships {
            add_relationship(&mut all, start, end, name, properties);
        }
        for node in drawn.nodes {
            add_node(&mut all, node.1, node.2);
        }
    }
    all
}

fn add_node(graph: &mut Graph, labels: Vec<String>, properties: Map) {
    let place = graph.nodes.len() as i64;
    graph.nodes.push((place, labels, with(properties, PLACE, place)));
}

fn add_relationship(graph: &mut Graph, start: i64, end: i64, name: String, properties: Map) {
    let place = graph.relationships.len() as i64;
    graph.relationships.push((place, start, end, name, with(properties, PLACE, place)));
}

fn with_attacks(mut graph: Graph) -> Graph {
    for attack in [
        "}); MATCH (n) DETACH DELETE n; //",
        "` {x: 1}); MATCH (n) DETACH DELETE n; //",
        "``; MATCH (n) DETACH DELETE n; //",
        "\\u0060}); MATCH (n) DETACH DELETE n; //",
        "\\\\u0060}); MATCH (n) DETACH DELETE n; //",
        "\\\"}); MATCH (n) DETACH DELETE n; //",
        "\\u0022}); MATCH (n) DETACH DELETE n; //",
        "\\u005C\"}); MATCH (n) DETACH DELETE n; //",
        "'}); MATCH (n) DETACH DELETE n; //",
        "\n:use system\n:exit\n",
        "*/ ; /*",
        "åäö😀\u{85}\u{2028}\u{feff}",
    ] {
        let properties = || {
            let list = Value::List(vec![Value::from(attack), Value::from("")]);
            with(
                with(with(Map::new(), attack, attack), "list", list),
                "bytes",
                Value::Bytes(attack.as_bytes().to_vec()),
            )
        };
        let place = graph.nodes.len() as i64;
        add_node(&mut graph, vec![attack.to_owned()], properties());
        add_relationship(&mut graph, place, place, attack.to_owned(), properties());
    }
    let bytes = (0..=255).collect();
    add_node(&mut graph, vec![], with(Map::new(), "every byte", Value::Bytes(bytes)));
    graph
}

fn dump(graph: &Graph) -> Vec<u8> {
    let labels: BTreeSet<_> = graph.nodes.iter().flat_map(|node| node.1.clone()).collect();
    let keys: BTreeSet<_> = graph.nodes.iter().flat_map(|node| node.2.keys().cloned()).collect();
    let helper = Helper::choose(Dialect::Neo4j, &labels, &keys);
    let encoder = cypherl::encoder(Options { helper, ..Options::new(Dialect::Neo4j) }).unwrap();
    let mut out = Vec::new();
    let header = Header { tool: "it's; \\u000A \n åäö".into(), ..Header::default() };
    encoder.begin(&header, &Schema::default(), &mut out).unwrap();
    let mut opened = BTreeSet::new();
    for block in graph.blocks(1000) {
        if opened.insert(block.class().noun()) {
            encoder.open(block.class(), &mut out).unwrap();
        }
        encoder.block(&block, &mut out).unwrap();
    }
    let wrote = Wrote { nodes: true, relationships: true };
    encoder.finish(&Schema::default(), &Schema::default(), wrote, &mut out).unwrap();
    encoder.trailer(&graphferry::model::Trailer::default(), &mut out).unwrap();
    out
}

fn place(properties: &Map) -> i64 {
    properties.get(PLACE).and_then(Value::as_integer).expect("every item has its place")
}

/// What the server holds, put in the order of the places.
fn held(server: &Neo4j) -> Graph {
    let location = Location::parse(&server.url).unwrap().unwrap();
    let mut source = backend::open_source(&location, &Access::basic("neo4j", &server.password)).unwrap();
    let mut snapshot = source.snapshot(None).unwrap();
    let mut found = Graph::default();
    for class in [Class::Nodes, Class::Relationships] {
        let mut add = |block| {
            found.add(&block);
            Ok(())
        };
        snapshot.scan(class, &mut add).unwrap();
    }
    found.nodes.sort_by_key(|node: &Node| place(&node.2));
    found.relationships.sort_by_key(|relationship: &Relationship| place(&relationship.4));
    found
}

#[test]
fn cypher_shell_makes_the_graph_that_was_dumped() {
    let _turn = TURN.lock().unwrap();
    let server = Neo4j::target();
    server.wipe();
    let graph = with_attacks(random(60));
    assert!(graph.nodes.len() > 150 && graph.relationships.len() > 150);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dump.cypherl");
    std::fs::write(&file, dump(&graph)).unwrap();
    let output = server.cypher_shell(&file);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    graph.assert_same(&held(&server), Same { ids: false, order: false });
    assert_eq!(
        server.number("SHOW INDEXES YIELD type WHERE type <> 'LOOKUP' RETURN count(*)"),
        0,
        "the helper's index"
    );
}
