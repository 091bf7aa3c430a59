//! The acceptance that matters most: a graph made to break tools goes through every way that we have, on real servers, and comes back equal in
//! every value, type, name, relationship, index and constraint, as read by something that is not our code.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use std::path::Path;
use support::neo4j::{Neo4j, TURN, Witness};
use support::tool::run;

/// Builds the graph, gives it to `carry`, and compares what arrived.
fn carried(carry: impl FnOnce(&Path, &Neo4j, &Neo4j)) {
    let build = |source: &Neo4j| {
        source.build_torture();
        assert_sane(&source.witness());
    };
    graph_carried(build, "equal: 106 nodes, 37 relationships, 18 schema objects", carry);
}

/// The same of any graph, of which `verify` is to say something.
fn graph_carried(build: impl FnOnce(&Neo4j), said: &str, carry: impl FnOnce(&Path, &Neo4j, &Neo4j)) {
    let _turn = TURN.lock();
    let (source, target) = (Neo4j::source(), Neo4j::target());
    build(&source);
    target.wipe();
    let before = source.witness();
    let folder = tempfile::tempdir().unwrap();
    carry(folder.path(), &source, &target);
    target.run("CALL db.awaitIndexes(120)");
    before.assert_same(&target.witness());
    let verified = run(folder.path(), ["verify", &source.url, &target.url]).expect(0);
    assert!(verified.text().starts_with(said), "{}", verified.text());
}

/// The witness itself sees what it should: types, and bytes beside lists of integers.
fn assert_sane(witness: &Witness) {
    assert_eq!((witness.nodes.len(), witness.relationships.len()), (106, 37));
    let all = witness.nodes.concat();
    for expected in
        ["-9223372036854775808", "POINT NOT NULL", "[0, 1, 254, 255]", "+02:00[Europe/Stockholm]", "\"-0.0\""]
    {
        assert!(all.contains(expected), "{expected} is not in {all}");
    }
}

#[test]
fn neo4j_to_jsonl_to_neo4j() {
    carried(|folder, source, target| {
        run(folder, ["dump", &source.url, "-o", "graph.jsonl"]).expect(0);
        run(folder, ["restore", "graph.jsonl", &target.url]).expect(0);
        run(folder, ["verify", "graph.jsonl", &target.url]).expect(0);
    });
}

#[test]
fn neo4j_to_cypherl_to_cypher_shell_to_neo4j() {
    carried(|folder, source, target| {
        run(folder, ["dump", &source.url, "-o", "graph.cypherl", "--dialect", "neo4j"]).expect(0);
        let output = target.cypher_shell(&folder.join("graph.cypherl"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    });
}

#[test]
fn neo4j_to_cypherl_to_neo4j() {
    carried(|folder, source, target| {
        run(folder, ["dump", &source.url, "-o", "graph.cypherl.zst", "--dialect", "neo4j"]).expect(0);
        run(folder, ["verify", "graph.cypherl.zst", &source.url]).expect(0);
        run(folder, ["restore", "graph.cypherl.zst", &target.url]).expect(0);
    });
}

#[test]
fn neo4j_to_sqlite_to_neo4j() {
    carried(|folder, source, target| {
        run(folder, ["copy", &source.url, "store.db"]).expect(0);
        run(folder, ["verify", "store.db", &source.url]).expect(0);
        run(folder, ["copy", "store.db", &target.url]).expect(0);
    });
}

#[test]
fn neo4j_to_neo4j() {
    carried(|folder, source, target| {
        run(folder, ["copy", &source.url, &target.url]).expect(0);
    });
}

/// A graph of HugeGraph that is empty. GRAPHFERRY_TEST_HUGEGRAPH names a server of scripts/hugegraph.
fn hugegraph() -> (String, std::fs::File) {
    let alone = support::tool::hugegraph_alone();
    let url = std::env::var("GRAPHFERRY_TEST_HUGEGRAPH");
    let url = url
        .expect("this test needs GRAPHFERRY_TEST_HUGEGRAPH=hugegraph://127.0.0.1:PORT: scripts/hugegraph starts one");
    let rest = url.replacen("hugegraph://", "http://", 1);
    let clear = format!("{rest}/graphs/gc/clear?confirm_message=I%27m+sure+to+delete+all+data");
    let cleared = std::process::Command::new("curl").args(["-sfX", "DELETE", &clear]).status().unwrap();
    assert!(cleared.success(), "{clear}");
    (format!("{url}/gc"), alone)
}

#[test]
fn neo4j_to_hugegraph_to_neo4j() {
    let (graph, _alone) = hugegraph();
    carried(|folder, source, target| {
        // Without leave everything that HugeGraph cannot hold is named, and nothing is written.
        let refused = run(folder, ["copy", &source.url, &graph]).expect(4);
        assert!(refused.stderr.contains("--reversible"), "{}", refused.stderr);
        run(folder, ["copy", &source.url, &graph, "--reversible"]).expect(0);
        run(folder, ["verify", &source.url, &graph]).expect(0);
        run(folder, ["copy", &graph, &target.url]).expect(0);
    });
}

#[test]
fn neo4j_to_a_backup_of_hugegraph_to_neo4j() {
    let (graph, _alone) = hugegraph();
    carried(|folder, source, target| {
        run(folder, ["dump", &source.url, "-o", "backup", "--format", "hugegraph", "--reversible"]).expect(0);
        run(folder, ["restore", "backup", &graph]).expect(0);
        run(folder, ["dump", &graph, "-o", "graph.jsonl"]).expect(0);
        run(folder, ["restore", "graph.jsonl", &target.url]).expect(0);
    });
}

/// A graph like Neo4j's example of people and films: small, with a constraint, lists, and relationships of several types between the same two nodes.
const FILMS: &str = "
UNWIND [['The Matrix', 1999, 'Welcome to the Real World'], ['The Matrix Reloaded', 2003, null], ['Cloud Atlas', 2012, 'Everything is connected'],
        ['Cast Away', 2000, null], ['The Da Vinci Code', 2006, 'Break The Codes'], ['That Thing You Do', 1996, null]] AS film
CREATE (:Movie {title: film[0], released: film[1], tagline: film[2]})
WITH count(*) AS films
UNWIND [['Keanu Reeves', 1964], ['Carrie-Anne Moss', 1967], ['Hugo Weaving', 1960], ['Lana Wachowski', 1965], ['Tom Hanks', 1956],
        ['Halle Berry', 1966], ['Robert Zemeckis', 1951], ['Dan Brown', null], ['A reviewer', null], ['Another reviewer', null]] AS person
CREATE (:Person {name: person[0], born: person[1]})
WITH count(*) AS people
UNWIND [['Keanu Reeves', ['Neo'], 'The Matrix'], ['Keanu Reeves', ['Neo'], 'The Matrix Reloaded'], ['Carrie-Anne Moss', ['Trinity'], 'The Matrix'],
        ['Carrie-Anne Moss', ['Trinity'], 'The Matrix Reloaded'], ['Hugo Weaving', ['Agent Smith'], 'The Matrix'],
        ['Hugo Weaving', ['Bill Smoke', 'Haskell Moore', 'Nurse Noakes'], 'Cloud Atlas'], ['Tom Hanks', ['Zachry', 'Isaac Sachs'], 'Cloud Atlas'],
        ['Halle Berry', ['Luisa Rey', 'Jocasta Ayrs'], 'Cloud Atlas'], ['Tom Hanks', ['Chuck Noland'], 'Cast Away'],
        ['Tom Hanks', ['Robert Langdon'], 'The Da Vinci Code'], ['Tom Hanks', ['Mr. White'], 'That Thing You Do']] AS part
MATCH (p:Person {name: part[0]}), (m:Movie {title: part[2]}) CREATE (p)-[:ACTED_IN {roles: part[1]}]->(m)
WITH count(*) AS parts
MATCH (lana:Person {name: 'Lana Wachowski'}), (tom:Person {name: 'Tom Hanks'}), (bob:Person {name: 'Robert Zemeckis'}), (dan:Person {name: 'Dan Brown'}),
      (one:Person {name: 'A reviewer'}), (two:Person {name: 'Another reviewer'}), (matrix:Movie {title: 'The Matrix'}), (atlas:Movie {title: 'Cloud Atlas'}),
      (away:Movie {title: 'Cast Away'}), (code:Movie {title: 'The Da Vinci Code'}), (thing:Movie {title: 'That Thing You Do'})
CREATE (lana)-[:DIRECTED]->(matrix), (lana)-[:WROTE]->(matrix), (lana)-[:DIRECTED]->(atlas), (tom)-[:DIRECTED]->(thing), (bob)-[:DIRECTED]->(away),
       (bob)-[:PRODUCED]->(away), (dan)-[:WROTE]->(code), (one)-[:FOLLOWS]->(two), (two)-[:FOLLOWS]->(one),
       (one)-[:REVIEWED {summary: 'An amazing journey', rating: 95}]->(atlas), (two)-[:REVIEWED {summary: 'A solid romp', rating: 68}]->(code),
       (two)-[:REVIEWED {summary: 'Again: dark, but compelling', rating: 64}]->(code)";

#[test]
fn films_go_from_neo4j_to_hugegraph_and_back() {
    let (graph, _alone) = hugegraph();
    let build = |source: &Neo4j| {
        source.wipe();
        source.run(FILMS);
        source.run("CREATE CONSTRAINT title FOR (m:Movie) REQUIRE m.title IS UNIQUE");
        source.run("CREATE INDEX born FOR (p:Person) ON (p.born)");
        source.run("CALL db.awaitIndexes(120)");
    };
    graph_carried(build, "equal: 16 nodes, 23 relationships", |folder, source, target| {
        // What is lost without --reversible is named, and not one node is there.
        run(folder, ["copy", &source.url, &graph]).expect(4);
        run(folder, ["copy", &source.url, &graph, "--reversible"]).expect(0);
        // In between it is what somebody who knows HugeGraph expects: vertices by their label, edges by theirs.
        let shown = run(folder, ["inspect", &graph]).expect(0).text();
        assert!(["Movie", "Person", "ACTED_IN", "REVIEWED"].iter().all(|name| shown.contains(name)), "{shown}");
        run(folder, ["copy", &graph, &target.url]).expect(0);
    });
}
