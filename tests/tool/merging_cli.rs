//! Merges on the command line: the plan, the schema of both sides, undo, and the files that a merge leaves.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use rusqlite::Connection;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::tool::{command, run};

const UNIQUE: &str =
    r#"{"schema":{"constraint":{"name":"one","kind":"unique","on":"node","label":"Person","properties":["email"]}}}"#;
const BY_N: &str =
    r#"{"schema":{"index":{"name":"by_n","kind":"range","on":"node","labels":["Person"],"properties":["n"]}}}"#;

/// So many people in a chain.
fn people(from: usize, to: usize) -> String {
    let mut text = String::new();
    for id in from..to {
        let _ = writeln!(text, r#"{{"node":{id},"labels":["Person"],"properties":{{"email":"{id}@x","n":{id}}}}}"#);
    }
    for id in from..to - 1 {
        let _ = writeln!(text, r#"{{"relationship":{id},"type":"KNOWS","start":{id},"end":{}}}"#, id + 1);
    }
    text
}

/// A folder with the store `t.db` of people 0 to 9, and the dump `more.jsonl` of people 5 to 29.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "t.jsonl", &format!("{}{UNIQUE}\n", people(0, 10)));
    write(folder.path(), "more.jsonl", &format!("{}{UNIQUE}\n{BY_N}\n", people(5, 30)));
    run(folder.path(), ["restore", "t.jsonl", "t.db"]).expect(0);
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

fn rows(folder: &Path, sql: &str) -> Vec<String> {
    let store = Connection::open(folder.join("t.db")).unwrap();
    store.busy_timeout(Duration::from_secs(10)).unwrap();
    let mut statement = store.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Everything in the store, ids included, and every table and index.
fn content(folder: &Path) -> Vec<String> {
    [
        "SELECT id || labels || properties FROM all_nodes ORDER BY id",
        "SELECT id || ' ' || start_node || type || end_node || properties FROM all_relationships ORDER BY id",
        "SELECT type || ' ' || name FROM sqlite_schema ORDER BY 1",
    ]
    .into_iter()
    .flat_map(|sql| rows(folder, sql))
    .collect()
}

/// The one run of the store.
fn the_run(folder: &Path) -> (String, String) {
    let listed = run(folder, ["runs", "t.db", "--json"]).expect(0).text();
    let line: serde_json::Value = serde_json::from_str(listed.lines().next().expect("a run is listed")).unwrap();
    (line["run"].as_str().unwrap().to_owned(), line["state"].as_str().unwrap().to_owned())
}

#[test]
fn a_plan_says_all_that_was_asked_for() {
    let folder = folder();
    let folder = folder.path();
    let before = content(folder);
    let words = "merge more.jsonl t.db --dry-run --key Person=email --on-conflict overwrite --relationships once-with-properties
                 --undoable --rewrite-id Person.n --rewrite-id KNOWS.w --jobs 3 --batch-size 7 --schedule sorted --id-map ids.csv
                 --quarantine bad.jsonl --max-errors 2 --throttle 50";
    let plan = run(folder, words.split_whitespace()).expect(0).text();
    let expected = r#"mode        merging
source      jsonl
target      the embedded store, which holds 10 nodes and 9 relationships
create      25 nodes, 24 relationships
batches     of 7 items on 3 sessions, relationships sorted by start node
key         Person=email: nodes that are there are overwritten
rewrite     Person.n
rewrite     KNOWS.w
once        relationships with the same start, type, end and properties
ledger      kept, with what nodes were before: undo takes the run back
found       5 nodes are there already, 0 lack their key
create      node range index "by_n" on Person(n)
keep        node unique constraint "one" on Person(email)
"#;
    assert_eq!(plan, expected);
    assert_eq!(content(folder), before);
    assert!(!folder.join("ids.csv").exists() && !folder.join("bad.jsonl").exists());
}

#[test]
fn schemas_are_reconciled_before_anything_is_written() {
    let folder = folder();
    let folder = folder.path();
    let before = content(folder);
    let other = |from: &str, to: &str| format!("{}{}\n", people(50, 52), UNIQUE.replace(from, to));
    for (dump, message) in [
        (
            other(r#"["email"]"#, r#"["n"]"#),
            "the schema contradicts the target's: node unique constraint \"one\" on Person(n)",
        ),
        // Another constraint that the target's own nodes break together with the dump's.
        (other("one", "two").replace("50@x", "3@x"), "the merge would break constraints"),
        (other("one", "two").replace("51@x", "50@x"), "the merge would break constraints"),
    ] {
        write(folder, "other.jsonl", &dump);
        let told = run(folder, ["merge", "other.jsonl", "t.db"]).expect(4);
        assert!(told.stderr.contains(message) && told.stderr.contains("nothing was written"), "{}", told.stderr);
        assert_eq!(content(folder), before, "{message}");
    }
    let merged =
        run(folder, ["merge", "more.jsonl", "t.db", "--key", "constraints", "--on-conflict", "skip"]).expect(0);
    assert!(merged.stderr.contains("1 schema objects (1 were there)"), "{}", merged.stderr);
}

#[test]
fn every_conflict_is_an_event_of_its_own() {
    let folder = folder();
    let told = run(folder.path(), ["merge", "more.jsonl", "t.db", "--key", "Person=email", "--json"]).expect(4);
    let events: Vec<serde_json::Value> = told.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let conflicts: Vec<_> = events.iter().filter(|event| event["event"] == "conflict").collect();
    let nodes: Vec<_> = conflicts.iter().map(|event| event["node"].as_i64().unwrap()).collect();
    assert_eq!(nodes, [5, 6, 7, 8, 9]);
    let expected = serde_json::json!({
        "event": "conflict", "line": 1, "node": 5, "relationship": null,
        "message": "node 5 (Person.email = \"5@x\") is node 6 of the target",
    });
    assert_eq!(conflicts[0], &expected);
    assert_eq!(events.last().unwrap()["event"], "error");
}

#[test]
fn undo_takes_the_schema_back_and_leaves_nodes_that_others_joined_to() {
    for force in [false, true] {
        let folder = folder();
        let folder = folder.path();
        let before = content(folder);
        let merge = ["merge", "more.jsonl", "t.db", "--key", "Person=email", "--on-conflict", "fill", "--undoable"];
        run(folder, merge).expect(0);
        let name = the_run(folder).0;
        let store = Connection::open(folder.join("t.db")).unwrap();
        let joined = "INSERT INTO relationships (start_node, end_node, type, properties)
                      SELECT (SELECT id FROM nodes WHERE properties LIKE '%\"20@x\"%'), 1, type, '{}' FROM relationships LIMIT 1";
        assert_eq!(store.execute(joined, []).unwrap(), 1);
        drop(store);
        let words = ["undo", &name, "t.db", "--force"];
        let undone = run(folder, &words[..if force { 4 } else { 3 }]).expect(if force { 0 } else { 3 });
        assert!(undone.stderr.contains("1 schema objects removed"), "{}", undone.stderr);
        let left = content(folder);
        if force {
            assert_eq!(left, before);
            continue;
        }
        assert!(
            undone.stderr.contains("1 items left: they were changed since, or have other relationships now"),
            "{}",
            undone.stderr
        );
        let more: Vec<_> = left.iter().filter(|line| !before.contains(line)).collect();
        assert_eq!(more.len(), 2, "the node and what leads to it: {more:?}");
        assert!(more[0].contains("20@x"), "{more:?}");
    }
}

#[test]
fn an_undo_is_killed_and_called_again() {
    let folder = folder();
    let folder = folder.path();
    write(folder, "more.jsonl", &format!("{}{BY_N}\n", people(5, 1500)));
    let before = content(folder);
    let mut halves = 0;
    for round in 0..40 {
        let merge =
            ["merge", "more.jsonl", "t.db", "--key", "Person=email", "--on-conflict", "overwrite", "--undoable"];
        run(folder, merge.into_iter().chain(["--batch-size", "5"])).expect(0);
        let whole = content(folder).len();
        let name = the_run(folder).0;
        let mut undoing = command(folder);
        let mut undoing = undoing.args(["undo", &name, "t.db", "--quiet"]).stderr(Stdio::null()).spawn().unwrap();
        // Whenever some of it is gone.
        let since = Instant::now();
        while undoing.try_wait().unwrap().is_none() && since.elapsed() < Duration::from_secs(60) {
            let left = rows(
                folder,
                "SELECT CAST((SELECT count(*) FROM nodes) + (SELECT count(*) FROM relationships) AS TEXT)",
            );
            if left[0].parse::<usize>().unwrap() + 30 * (round + 1) < whole {
                break;
            }
        }
        undoing.kill().unwrap();
        undoing.wait().unwrap();
        let left = content(folder).len();
        let listed = run(folder, ["runs", "t.db"]).expect(0).text();
        if !listed.is_empty() {
            assert_eq!(the_run(folder).1, "undoing");
            let resume = run(folder, ["merge", "more.jsonl", "t.db", "--resume", &name]).expect(4);
            assert!(resume.stderr.contains("undo"), "{}", resume.stderr);
            run(folder, ["undo", &name, "t.db"]).expect(0);
            halves += usize::from(before.len() + 100 < left && left < whole - 20);
        }
        assert_eq!(content(folder), before, "round {round}, killed with {left} of {whole} lines left");
        if halves >= 3 {
            return;
        }
    }
    panic!("only {halves} kills came in the middle of an undo");
}

#[test]
fn the_id_map_tells_where_each_node_went_and_is_written_only_in_the_end() {
    let folder = folder();
    let folder = folder.path();
    let merge = ["merge", "more.jsonl", "t.db", "--key", "Person=email", "--id-map", "ids.csv"];
    run(folder, merge).expect(4);
    assert!(!folder.join("ids.csv").exists(), "nothing was written, so nothing went anywhere");
    run(folder, merge.into_iter().chain(["--on-conflict", "skip"])).expect(0);
    let text = std::fs::read_to_string(folder.join("ids.csv")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("old,new"));
    let pairs: Vec<(&str, &str)> = lines.map(|line| line.split_once(',').unwrap()).collect();
    assert_eq!(pairs.len(), 25);
    for (old, new) in pairs {
        let properties = rows(folder, &format!("SELECT properties FROM nodes WHERE id = {new}"));
        assert!(properties[0].contains(&format!("\"{old}@x\"")), "{old} is not {properties:?}");
    }
    let again = run(folder, merge.into_iter().chain(["--on-conflict", "skip"])).expect(4);
    assert!(again.stderr.contains("ids.csv"), "{}", again.stderr);
}

#[test]
fn a_throttled_merge_takes_its_time() {
    let folder = folder();
    let folder = folder.path();
    write(folder, "more.jsonl", &people(100, 201));
    let since = Instant::now();
    run(folder, ["merge", "more.jsonl", "t.db", "--throttle", "67", "--batch-size", "20"]).expect(0);
    // 201 items, of which a second's worth may go at once; a loaded machine only makes it longer.
    assert!(since.elapsed() >= Duration::from_millis(1800), "{:?}", since.elapsed());
}

/// Enums come before the data where they are known before them, and after them from a stream; never not at all.
#[test]
fn enums_come_along_from_a_file_and_from_a_stream() {
    let folder = folder();
    let folder = folder.path();
    let enumeration = r#"{"schema":{"other":{"kind":"enum","name":"Status","details":{"values":["Good"]}}}}"#;
    let dump = format!("{}{enumeration}\n", people(0, 3));
    write(folder, "enum.jsonl", &dump);
    run(folder, ["restore", "enum.jsonl", "file.db"]).expect(0);
    let (code, told) = support::hand::pipe(folder, &["restore", "-", "stream.db"], dump.as_bytes());
    assert_eq!(code, 0, "{told}");
    for store in ["file.db", "stream.db"] {
        run(folder, ["verify", "enum.jsonl", store]).expect(0);
        let dumped = run(folder, ["dump", store, "--format", "jsonl"]).expect(0).text();
        assert_eq!(dumped.matches("\"name\":\"Status\"").count(), 1, "{store}: {dumped}");
    }
}
