//! What a dump promises is what its source can promise: asked for, stamped, watched, and never weaker in silence.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;
use support::hand::folder;
use support::neo4j::{Neo4j, TURN};
use support::proxy::{self, Way};
use support::tool::{Run, command, finish, run};

/// Dumps to a pipe that is read slowly: after the first bytes `meanwhile` happens, then the rest is read.
fn interrupted_dump(folder: &Path, arguments: &[&str], meanwhile: impl FnOnce()) -> Run {
    let mut dumping = command(folder);
    dumping.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = dumping.spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut read = vec![0; 1000];
    stdout.read_exact(&mut read).unwrap();
    meanwhile();
    stdout.read_to_end(&mut read).unwrap();
    let mut output = child.wait_with_output().unwrap();
    output.stdout = read;
    finish(&dumping, output)
}

fn last_line(run: &Run) -> serde_json::Value {
    serde_json::from_str(run.text().lines().last().unwrap()).unwrap()
}

#[test]
fn neo4j_promises_read_committed_and_no_more() {
    let (_turn, source, folder) = (TURN.lock(), Neo4j::source(), tempfile::tempdir().unwrap());
    source.wipe();
    source.run("CREATE (:A)");
    let dumped = run(folder.path(), ["dump", &source.url, "--format", "jsonl", "--consistency", "strict"]).expect(0);
    assert!(dumped.text().lines().next().unwrap().contains(r#""consistency":"read-committed""#), "{}", dumped.text());
    assert_eq!(last_line(&dumped)["trailer"]["source_changed"], false);
    let refused = run(folder.path(), ["dump", &source.url, "--consistency", "snapshot", "-o", "x.jsonl"]).expect(4);
    assert!(refused.stderr.contains("read-committed"), "{}", refused.stderr);
    assert!(!folder.path().join("x.jsonl").exists());
    for weaker in ["read-committed", "none", "best"] {
        run(folder.path(), ["dump", &source.url, "--consistency", weaker]).expect(0);
    }
}

#[test]
fn a_store_that_changes_meanwhile_is_noticed() {
    let (_turn, source, folder) = (TURN.lock(), Neo4j::source(), tempfile::tempdir().unwrap());
    source.wipe();
    source.run("UNWIND range(1, 100000) AS i CREATE (:N {i: i, text: 'a text that makes the dump longer ' + i})");
    for (consistency, code) in [("best", 0), ("strict", 3)] {
        let words = ["dump", &source.url, "--format", "jsonl", "--consistency", consistency];
        let changed = interrupted_dump(folder.path(), &words, || source.run("CREATE (:Late)")).expect(code);
        assert!(changed.stderr.contains("the database changed while it was dumped"), "{}", changed.stderr);
        assert_eq!(last_line(&changed)["trailer"]["source_changed"], true);
        let quiet = interrupted_dump(folder.path(), &words, || source.run("MATCH (n:Late) RETURN n")).expect(0);
        assert!(!quiet.stderr.contains("changed"), "{}", quiet.stderr);
        assert_eq!(last_line(&quiet)["trailer"]["source_changed"], false);
    }
}

/// The file is whole and stays, whatever the exit code: who asked for a strict dump may still want it.
#[test]
fn a_strict_dump_of_a_changing_store_keeps_its_file() {
    let (_turn, source, folder) = (TURN.lock(), Neo4j::source(), tempfile::tempdir().unwrap());
    source.wipe();
    source.run("UNWIND range(1, 100000) AS i CREATE (:N {i: i, text: 'a text that makes the dump longer ' + i})");
    for (consistency, code) in [("best", 0), ("strict", 3)] {
        let line = proxy::start(&source.url, Way::Down, u64::MAX);
        let mut dumping = command(folder.path());
        dumping.args(["dump", &line.url, "-o", "out.jsonl", "--force", "--consistency", consistency]);
        let child = dumping.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let signal = |name: &str| {
            assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
        };
        // The dump stands still in the middle while somebody else commits.
        while line.carried.load(Ordering::SeqCst) < 500_000 {
            std::thread::sleep(Duration::from_millis(1));
        }
        signal("-STOP");
        source.run("CREATE (:Late)");
        signal("-CONT");
        let output = child.wait_with_output().unwrap();
        let dumped = finish(&dumping, output).expect(code);
        assert!(dumped.stderr.contains("warning: the database changed while it was dumped"), "{}", dumped.stderr);
        let text = std::fs::read_to_string(folder.path().join("out.jsonl")).unwrap();
        let trailer: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(trailer["trailer"]["source_changed"], true);
        // A whole dump: it restores, and says what it is worth.
        let restored = run(folder.path(), ["restore", "out.jsonl", &format!("{consistency}.db")]).expect(0);
        assert!(restored.stderr.contains("restored 10000"), "{}", restored.stderr);
        source.run("MATCH (n:Late) DELETE n");
    }
}

#[test]
fn the_embedded_store_promises_a_snapshot_and_keeps_it() {
    let folder = folder(50_000, 0);
    let words = ["dump", "store.db", "--format", "jsonl", "--consistency", "snapshot"];
    let dumped = interrupted_dump(folder.path(), &words, || {
        std::fs::write(folder.path().join("more.jsonl"), "{\"node\":1,\"labels\":[\"Late\"],\"properties\":{}}\n")
            .unwrap();
        run(folder.path(), ["restore", "more.jsonl", "store.db", "--mode", "merging"]).expect(0);
    });
    let dumped = dumped.expect(0);
    assert!(dumped.text().lines().next().unwrap().contains(r#""consistency":"snapshot""#));
    assert!(!dumped.text().contains("Late"), "what was committed later is not in the snapshot");
    assert!(run(folder.path(), words).expect(0).text().contains("Late"));
}
