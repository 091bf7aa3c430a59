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

/// The form for `LOAD CSV` goes through the real statement, run by cypher-shell.
#[test]
fn the_torture_graph_goes_through_load_csv() {
    let _turn = TURN.lock();
    let (source, target) = (Neo4j::source(), Neo4j::target());
    source.build_torture();
    target.wipe();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let form = ["--format", "csv", "--csv-for", "neo4j", "--csv-prefix", "file:///csv8-"];
    let words = [&["dump", &source.url, "-o", "csv"][..], &form].concat();
    let refused = run(folder, &words).expect(4);
    assert!(refused.stderr.contains("bytes"), "{}", refused.stderr);
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0, "nothing is left of a dump that failed");
    let dumped = run(folder, [&words[..], &["--allow-loss", "value"]].concat()).expect(0);
    assert!(dumped.stderr.contains("2 values: bytes"), "{}", dumped.stderr);

    // A row that is missing is noticed by the statements themselves.
    let load = |damaged: bool| {
        let import = target.import_folder();
        let mut copied = Vec::new();
        for file in std::fs::read_dir(folder.join("csv")).unwrap() {
            let file = file.unwrap();
            let name = file.file_name().into_string().unwrap();
            let mut text = std::fs::read_to_string(file.path()).unwrap();
            if damaged && name.starts_with("relationships-0001") {
                text.truncate(text.trim_end().rfind('\n').unwrap() + 1);
            }
            copied.push(import.join(format!("csv8-{name}")));
            std::fs::write(copied.last().unwrap(), text).unwrap();
        }
        let output = target.cypher_shell(&folder.join("csv").join("load.cypher"));
        copied.iter().for_each(|path| std::fs::remove_file(path).unwrap());
        output
    };
    let output = load(true);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && told.contains("/ by zero"), "{told}");
    target.wipe();
    let output = load(false);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    // What was lost is taken away from the source as well: the rest has to be the same in everything, empty strings and lists included.
    source.run("MATCH (n:T) WHERE n.key STARTS WITH 'bytes' REMOVE n.val");
    target.run("CALL db.awaitIndexes(120)");
    source.witness().assert_same(&target.witness());
    run(folder, ["verify", "csv", &source.url]).expect(0);
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
