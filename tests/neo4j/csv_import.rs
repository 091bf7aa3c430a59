//! CSV goes through the real neo4j-admin into a server of its own, and what that server holds is what was dumped, as read by something that is
//! not our code.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use std::path::Path;
use std::process::Command;
use support::neo4j::{Neo4j, TURN, root};
use support::tool::run;

/// A server that neo4j-admin has filled; it is stopped in the end.
struct Imported(Neo4j);

const NAME: &str = "test-import";

impl Imported {
    fn from(folder: &Path) -> Self {
        let port = std::env::var("GRAPHFERRY_TEST_IMPORT_PORT").expect("run scripts/test, which sets the port");
        let output = Command::new(root().join("scripts/neo4j"))
            .args(["start", NAME, &port, "--heap", "400m", "--import"])
            .arg(folder)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self(Neo4j::at(&format!("bolt://127.0.0.1:{port}")))
    }
}

impl Drop for Imported {
    fn drop(&mut self) {
        let _ = Command::new(root().join("scripts/neo4j")).args(["stop", NAME]).status();
    }
}

/// What headers cannot hold of the torture graph: an empty list and empty bytes.
const LOST: &str = "values: empty bytes";

#[test]
fn the_torture_graph_goes_through_neo4j_admin() {
    let _turn = TURN.lock();
    let source = Neo4j::source();
    source.build_torture();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();

    // Without leave nothing is written, and the value is named.
    let refused = run(folder, ["dump", &source.url, "-o", "csv", "--format", "csv"]).expect(4);
    assert!(refused.stderr.contains("\"val\""), "{}", refused.stderr);
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0, "nothing is left of a dump that failed");

    let dumped = run(folder, ["dump", &source.url, "-o", "csv", "--format", "csv", "--allow-loss", "value"]).expect(0);
    assert!(dumped.stderr.contains(LOST), "{}", dumped.stderr);

    // What was lost is taken away from the source as well: the rest has to be the same in everything.
    source.run("MATCH (n:T) WHERE n.key IN ['l_empty', 'bytes_empty'] REMOVE n.val");
    let before = source.witness();
    let imported = Imported::from(&folder.join("csv"));
    let output = imported.0.cypher_shell(&folder.join("csv/schema.cypher"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    imported.0.run("CALL db.awaitIndexes(120)");
    before.assert_same(&imported.0.witness());

    // And our own reader finds the same in the folder.
    run(folder, ["verify", "csv", &source.url]).expect(0);
    run(folder, ["verify", "csv", &imported.0.url]).expect(0);
}
