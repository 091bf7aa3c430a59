//! Runs of a merge as a user meets them: refused, cut off, resumed, quarantined, undone, forgotten.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use rusqlite::Connection;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::tool::{Run, command, run};

fn people(from: usize, to: usize) -> String {
    let mut text = String::new();
    for id in from..to {
        let _ = writeln!(text, r#"{{"node":{id},"labels":["Person"],"properties":{{"email":"{id}@x","n":{id}}}}}"#);
    }
    for id in from..to - 1 {
        let _ = writeln!(
            text,
            r#"{{"relationship":{id},"type":"KNOWS","start":{id},"end":{},"properties":{{"w":{id}}}}}"#,
            id + 1
        );
    }
    text
}

const UNIQUE: &str =
    r#"{"schema":{"constraint":{"name":"one","kind":"unique","on":"node","label":"Person","properties":["email"]}}}"#;

/// A folder with the store `t.db` of 10 people and the dump `more.jsonl` of people 5 to 300.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.jsonl"), format!("{}{UNIQUE}\n", people(0, 10))).unwrap();
    std::fs::write(folder.path().join("more.jsonl"), people(5, 300)).unwrap();
    run(folder.path(), ["restore", "t.jsonl", "t.db"]).expect(0);
    folder
}

fn number(folder: &Path, store: &str, sql: &str) -> i64 {
    Connection::open(folder.join(store)).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// What the store holds, with ends told by their emails instead of ids.
fn content(folder: &Path, store: &str) -> Vec<String> {
    let connection = Connection::open(folder.join(store)).unwrap();
    let mut lines = Vec::new();
    for sql in [
        "SELECT labels || properties FROM all_nodes",
        "SELECT type || a.properties || b.properties || r.properties FROM all_relationships AS r
         JOIN nodes AS a ON a.id = start_node JOIN nodes AS b ON b.id = end_node",
    ] {
        let mut statement = connection.prepare(sql).unwrap();
        lines.extend(statement.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap));
    }
    lines.sort();
    lines
}

fn the_run(folder: &Path) -> String {
    let listed = run(folder, ["runs", "t.db", "--json"]).expect(0).text();
    let line: serde_json::Value = serde_json::from_str(listed.lines().next().expect("a run is listed")).unwrap();
    line["run"].as_str().unwrap().to_owned()
}

/// Begins a slow merge and kills it when some of it is in.
fn cut(folder: &Path) {
    let options = ["--key", "Person=email", "--on-conflict", "fill", "--batch-size", "5", "--throttle", "100"];
    let mut child = command(folder)
        .args(["merge", "more.jsonl", "t.db", "--quiet"])
        .args(options)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while number(folder, "t.db", "SELECT count(*) FROM nodes") < 60 {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing was written");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

fn refused(run: Run, words: &str) {
    assert!(run.stderr.contains(words), "{words}\n{}", run.stderr);
}

#[test]
fn a_run_that_was_cut_off_is_resumed_and_nothing_else_is_let_in() {
    let folder = folder();
    let folder = folder.path();
    std::fs::copy(folder.join("t.db"), folder.join("whole.db")).unwrap();
    run(folder, ["merge", "more.jsonl", "whole.db", "--key", "Person=email", "--on-conflict", "fill"]).expect(0);
    cut(folder);
    let name = the_run(folder);
    refused(run(folder, ["merge", "more.jsonl", "t.db"]).expect(4), "the target has a run that did not finish");
    refused(run(folder, ["merge", "t.jsonl", "t.db", "--resume", &name]).expect(4), "the run began with another dump");
    let filtered = ["merge", "more.jsonl", "t.db", "--resume", &name, "--exclude-type", "KNOWS"];
    refused(run(folder, filtered).expect(4), "the run began with another dump");
    refused(run(folder, ["merge", "more.jsonl", "t.db", "--resume", "x"]).expect(4), "the target has no run x");
    run(folder, ["merge", "more.jsonl", "t.db", "--resume", &name, "--batch-size", "7"]).expect(0);
    assert_eq!(content(folder, "t.db"), content(folder, "whole.db"));
    assert_eq!(run(folder, ["runs", "t.db"]).expect(0).text(), "", "the ledger is gone");
    assert_eq!(number(folder, "t.db", "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'ledger%'"), 0);
}

#[test]
fn a_run_that_was_cut_off_is_undone_or_forgotten() {
    let folder = folder();
    let folder = folder.path();
    let before = content(folder, "t.db");
    cut(folder);
    // It filled nodes and did not keep what they were.
    let name = the_run(folder);
    let held = content(folder, "t.db");
    refused(run(folder, ["undo", &name, "t.db"]).expect(4), "did not keep what they were");
    assert_eq!(content(folder, "t.db"), held);
    run(folder, ["runs", "t.db", "--forget", &name]).expect(0);
    assert_eq!(content(folder, "t.db"), held);
    assert_ne!(held, before);
    refused(run(folder, ["undo", &name, "t.db"]).expect(4), "the target has no run");
}

#[test]
fn undo_leaves_what_somebody_changed_since() {
    let folder = folder();
    let folder = folder.path();
    let before = content(folder, "t.db");
    let merge = ["merge", "more.jsonl", "t.db", "--key", "Person=email", "--on-conflict", "overwrite", "--undoable"];
    run(folder, merge).expect(0);
    let name = the_run(folder);
    let sql = r#"UPDATE nodes SET properties = '{"email":"100@x","n":-1}' WHERE properties LIKE '{"email":"100@x"%'"#;
    assert_eq!(Connection::open(folder.join("t.db")).unwrap().execute(sql, []).unwrap(), 1);
    let undone = run(folder, ["undo", &name, "t.db"]).expect(3);
    assert!(undone.stderr.contains("1 items left"), "{}", undone.stderr);
    let mut expected = before;
    expected.push(r#"["Person"]{"email":"100@x","n":-1}"#.to_owned());
    expected.sort();
    assert_eq!(content(folder, "t.db"), expected);
}

#[test]
fn what_the_target_refuses_goes_to_quarantine_and_comes_back_mended() {
    let folder = folder();
    let folder = folder.path();
    // The new id of one is the number of the other, which is no id and stays: nobody can know before.
    let rule =
        r#"{"schema":{"constraint":{"name":"r","kind":"unique","on":"relationship","label":"R","properties":["to"]}}}"#;
    std::fs::write(folder.join("rule.jsonl"), format!("{}{rule}\n", people(1, 2))).unwrap();
    run(folder, ["restore", "rule.jsonl", "w.db"]).expect(0);
    let relationship = |id: usize, to: usize| {
        format!("{{\"relationship\":{id},\"type\":\"R\",\"start\":7,\"end\":8,\"properties\":{{\"to\":{to}}}}}\n")
    };
    let nodes = people(7, 9).lines().take(2).map(|line| format!("{line}\n")).collect::<String>();
    std::fs::write(folder.join("w.jsonl"), nodes + &relationship(1, 7) + &relationship(2, 2) + &relationship(3, 9))
        .unwrap();
    let merge = ["merge", "w.jsonl", "w.db", "--rewrite-id", "R.to", "--quarantine", "bad.jsonl"];
    let stopped = run(folder, merge.into_iter().chain(["--max-errors", "0"])).expect(1);
    assert!(stopped.stderr.contains("more than --max-errors allows"), "{}", stopped.stderr);
    let listed = run(folder, ["runs", "w.db"]).expect(0).text();
    run(folder, ["undo", listed.split(' ').next().unwrap(), "w.db"]).expect(0);
    std::fs::remove_file(folder.join("bad.jsonl")).unwrap();
    let merged = run(folder, merge).expect(3);
    assert!(merged.stderr.contains("1 relationships refused by the target"), "{}", merged.stderr);
    let bad = std::fs::read_to_string(folder.join("bad.jsonl")).unwrap();
    assert!(bad.contains("\"reason\":\"the relationship unique constraint"), "{bad}");
    assert_eq!(number(folder, "w.db", "SELECT count(*) FROM relationships"), 2);
    std::fs::write(folder.join("bad.jsonl"), bad.replace("\"to\":2", "\"to\":20")).unwrap();
    refused(run(folder, ["restore", "bad.jsonl", "new.db"]).expect(4), "this dump is a quarantine");
    run(folder, ["merge", "bad.jsonl", "w.db"]).expect(0);
    let there = "SELECT count(*) FROM relationships WHERE start_node = 2 AND end_node = 3";
    assert_eq!(number(folder, "w.db", there), 3);
}

#[test]
fn a_plan_changes_nothing_and_mistakes_are_told() {
    let folder = folder();
    let folder = folder.path();
    let store = std::fs::read(folder.join("t.db")).unwrap();
    let plan = ["merge", "more.jsonl", "t.db", "--dry-run", "--key", "constraints", "--on-conflict", "skip"];
    let text = run(folder, plan).expect(0).text();
    assert!(text.contains("key         Person=email: nodes that are there are left as they are\n"), "{text}");
    assert!(text.contains("found       5 nodes are there already, 0 lack their key\n"), "{text}");
    let told = run(folder, ["merge", "more.jsonl", "t.db", "--key", "Person=email"]).expect(4);
    assert_eq!(told.stderr.lines().filter(|line| line.starts_with("conflict: line ")).count(), 5, "{}", told.stderr);
    assert!(std::fs::read(folder.join("t.db")).unwrap() == store, "the store is as it was");
    for (words, message) in [
        (vec!["--key", "Person"], "\"Person\" is not a key"),
        (vec!["--max-errors", "3"], "--quarantine"),
        (vec!["--key", "Person=boss", "--rewrite-id", "Person.boss"], "is part of a key and cannot be rewritten"),
    ] {
        let run = run(folder, ["merge", "more.jsonl", "t.db"].into_iter().chain(words)).expect(2);
        assert!(run.stderr.contains(message), "{message}\n{}", run.stderr);
    }
}

#[test]
fn a_merge_comes_from_stdin_and_from_another_store() {
    let folder = folder();
    let folder = folder.path();
    run(folder, ["restore", "more.jsonl", "more.db"]).expect(0);
    for store in ["a.db", "b.db"] {
        std::fs::copy(folder.join("t.db"), folder.join(store)).unwrap();
    }
    let words = ["--key", "Person=email", "--on-conflict", "fill"];
    run(folder, ["copy", "more.db", "a.db", "--mode", "merging"].into_iter().chain(words)).expect(0);
    let dump = std::fs::read(folder.join("more.jsonl")).unwrap();
    let arguments: Vec<&str> = ["merge", "-", "b.db"].into_iter().chain(words).collect();
    let (code, stderr) = support::hand::pipe(folder, &arguments, &dump);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(content(folder, "a.db"), content(folder, "b.db"));
    assert_eq!(number(folder, "a.db", "SELECT count(*) FROM nodes"), 300);
    assert_eq!(number(folder, "a.db", "SELECT count(*) FROM relationships"), 9 + 294);
}
