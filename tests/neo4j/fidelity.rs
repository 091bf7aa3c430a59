//! The acceptance that matters most: a graph made to break tools goes through every way that we have, on real servers, and comes back equal in
//! every value, type, name, relationship, index and constraint, as read by something that is not our code.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use std::path::Path;
use support::neo4j::{Neo4j, TURN, Witness};
use support::tool::run;

/// Builds the graph, gives it to `carry`, and compares what arrived.
fn carried(carry: impl FnOnce(&Path, &Neo4j, &Neo4j)) {
    let _turn = TURN.lock();
    let (source, target) = (Neo4j::source(), Neo4j::target());
    source.build_torture();
    target.wipe();
    let before = source.witness();
    assert_sane(&before);
    let folder = tempfile::tempdir().unwrap();
    carry(folder.path(), &source, &target);
    target.run("CALL db.awaitIndexes(120)");
    before.assert_same(&target.witness());
    let verified = run(folder.path(), ["verify", &source.url, &target.url]).expect(0);
    assert!(
        verified.text().starts_with("equal: 106 nodes, 37 relationships, 18 schema objects"),
        "{}",
        verified.text()
    );
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
fn hugegraph() -> String {
    let url = std::env::var("GRAPHFERRY_TEST_HUGEGRAPH");
    let url = url
        .expect("this test needs GRAPHFERRY_TEST_HUGEGRAPH=hugegraph://127.0.0.1:PORT: scripts/hugegraph starts one");
    let rest = url.replacen("hugegraph://", "http://", 1);
    let clear = format!("{rest}/graphs/gc/clear?confirm_message=I%27m+sure+to+delete+all+data");
    let cleared = std::process::Command::new("curl").args(["-sfX", "DELETE", &clear]).status().unwrap();
    assert!(cleared.success(), "{clear}");
    format!("{url}/gc")
}

#[test]
fn neo4j_to_hugegraph_to_neo4j() {
    let graph = hugegraph();
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
    let graph = hugegraph();
    carried(|folder, source, target| {
        run(folder, ["dump", &source.url, "-o", "backup", "--format", "hugegraph", "--reversible"]).expect(0);
        run(folder, ["restore", "backup", &graph]).expect(0);
        run(folder, ["dump", &graph, "-o", "graph.jsonl"]).expect(0);
        run(folder, ["restore", "graph.jsonl", &target.url]).expect(0);
    });
}
