//! Ctrl-C in the middle of a restore: it stops soon, the exit code says so, and the report is true of the target.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::hand::folder;
use support::neo4j::{Neo4j, TURN};
use support::tool::{Run, command, finish};

/// Restores, and interrupts as soon as `begun` sees that something was written.
fn interrupted(folder: &Path, target: &str, begun: impl Fn() -> bool) -> Run {
    let mut restoring = command(folder);
    restoring.args(["restore", "graph.jsonl", target, "--batch-size", "500", "--jobs", "1", "--json"]);
    let child = restoring.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let since = Instant::now();
    while !begun() {
        assert!(since.elapsed() < Duration::from_secs(60), "nothing was ever written");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    finish(&restoring, output).expect(130)
}

/// The nodes and relationships that the report claims, and the last event.
fn told(run: &Run) -> (i64, i64) {
    // What is printed on the signal is for people; everything else is JSON.
    let events: Vec<serde_json::Value> =
        run.stderr.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["exit"]), (&"error".into(), &130.into()), "{}", run.stderr);
    let report = events.iter().find(|event| event["event"] == "report").expect("a report");
    let written = |what: &str| report["report"][what]["written"].as_i64().unwrap();
    assert_eq!(report["report"]["in_doubt"], 0, "{}", run.stderr);
    (written("nodes"), written("relationships"))
}

#[test]
fn a_restore_into_a_server_stops_and_tells_what_is_in() {
    let (_turn, target, folder) = (TURN.lock(), Neo4j::target(), folder(40_000, 80_000));
    target.wipe();
    let count = || target.number("MATCH (n) RETURN count(n)");
    let run = interrupted(folder.path(), &target.url, || count() > 0);
    let (nodes, relationships) = told(&run);
    assert!(0 < nodes && nodes + relationships < 120_000, "it was interrupted on the way: {nodes}, {relationships}");
    assert_eq!((nodes, relationships), (count(), target.number("MATCH ()-[r]->() RETURN count(r)")));
    target.wipe();
}

#[test]
fn a_restore_into_a_store_stops_and_tells_what_is_in() {
    let folder = folder(150_000, 300_000);
    let count = |table: &str| -> Option<i64> {
        let store = folder.path().join("new.db");
        // The shell is a witness that is not our code; it waits for the writer where it must.
        let sql = format!("SELECT count(*) FROM {table}");
        let output = Command::new("sqlite3").args(["-readonly", "-cmd", ".timeout 5000"]).arg(store).arg(sql).output();
        String::from_utf8(output.expect("sqlite3 is installed").stdout).unwrap().trim().parse().ok()
    };
    let run = interrupted(folder.path(), "new.db", || count("nodes").is_some_and(|count| count > 0));
    let (nodes, relationships) = told(&run);
    assert!(0 < nodes && nodes + relationships < 450_000, "it was interrupted on the way: {nodes}, {relationships}");
    assert_eq!((Some(nodes), Some(relationships)), (count("nodes"), count("relationships")));
}
