//! What `--dry-run` and `verify` print: whole texts, since people read them before they say yes. And that a plan changes nothing.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use std::path::Path;
use std::process::Stdio;
use support::neo4j::{Neo4j, TURN};
use support::tool::{command, run};

const SMALL: &str = r#"{"node":1,"labels":["Person"],"properties":{"name":"Ada","map":{"a":1}}}
{"node":2,"labels":["Place"],"properties":{}}
{"relationship":1,"type":"LIVES_IN","start":1,"end":2,"properties":{}}
{"schema":{"index":{"name":"i","kind":"range","on":"node","labels":["Person"],"properties":["name"]}}}
{"schema":{"constraint":{"name":"c","kind":"existence","on":"node","label":"Person","properties":["name"]}}}
"#;

fn small() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("small.jsonl"), SMALL).unwrap();
    run(folder.path(), ["restore", "small.jsonl", "small.db"]).expect(0);
    folder
}

/// What is in a folder, but for what SQLite puts beside a store that is read.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !["small.db-wal", "small.db-shm"].contains(&&**name));
    names.sort();
    names
}

#[test]
fn plans_are_these_words_and_change_no_file() {
    let folder = small();
    let folder = folder.path();
    let store = std::fs::read(folder.join("small.db")).unwrap();
    let before = names(folder);
    for (words, code, expected) in [
        (
            vec!["restore", "small.jsonl", "new.db"],
            0,
            "mode        restoring
source      jsonl
target      the embedded store, which holds 0 nodes and 0 relationships
create      2 nodes, 1 relationships
batches     of 10000 items on 1 sessions, in the order of the dump
create      node range index \"i\" on Person(name)
create      node existence constraint \"c\" on Person(name)
",
        ),
        (
            vec!["restore", "small.jsonl", "small.db", "--mode", "merging"],
            0,
            "mode        merging
source      jsonl
target      the embedded store, which holds 2 nodes and 1 relationships
create      2 nodes, 1 relationships
batches     of 10000 items on 1 sessions, in the order of the dump
key         none: every node is new
keep        node range index \"i\" on Person(name)
keep        node existence constraint \"c\" on Person(name)
",
        ),
        (
            vec!["copy", "small.db", "new.db", "--section", "data"],
            0,
            "mode        restoring
source      sqlite 1
target      the embedded store, which holds 0 nodes and 0 relationships
create      what the stream holds: it can be read only once
batches     of 10000 items on 1 sessions, in the order of the dump
",
        ),
        (
            vec!["dump", "small.db", "-o", "new.jsonl"],
            0,
            "source      sqlite 1 small.db
consistency snapshot
format      JSONL
write       about 2 nodes, 1 relationships
write       node range index \"i\" on Person(name)
write       node existence constraint \"c\" on Person(name)
",
        ),
        (
            vec!["convert", "small.jsonl", "new.cypherl", "--dialect", "neo4j"],
            4,
            "source      jsonl
consistency none
format      a Cypher dump for Neo4j
write       2 nodes, 1 relationships
write       node range index \"i\" on Person(name)
write       node existence constraint \"c\" on Person(name)
loss        1 values of type map (refused: --allow-loss=value)
",
        ),
    ] {
        let planned = run(folder, words.iter().chain(&["--dry-run"])).expect(code);
        assert_eq!(planned.text(), expected, "{words:?}");
        assert_eq!(names(folder), before, "{words:?} left a file");
    }
    assert!(std::fs::read(folder.join("small.db")).unwrap() == store, "the store is as it was");
}

#[test]
fn a_plan_for_a_server_tells_every_loss_and_changes_nothing() {
    let (_turn, target, folder) = (TURN.lock(), Neo4j::target(), small());
    target.wipe();
    let before = target.witness();
    let version: String = target.rows(neo4rs::query("CALL dbms.components() YIELD versions RETURN versions[0] AS v"))
        [0]
    .get("v")
    .unwrap();
    let expected = format!(
        "mode        restoring
source      jsonl
target      Neo4j {version} community, which holds 0 nodes and 0 relationships
create      2 nodes, 1 relationships
batches     of 500 items on 3 sessions, relationships sorted by start node
create      node range index \"i\" on Person(name)
loss        1 node existence constraint \"c\" on Person(name) (refused: --allow-loss=constraint)
loss        1 values of type map (allowed: --allow-loss=value)
"
    );
    let words = ["restore", "small.jsonl", &target.url, "--allow-loss", "value", "--jobs", "3", "--batch-size", "500"];
    let planned = run(folder.path(), words.iter().chain(&["--dry-run"])).expect(4);
    assert_eq!(planned.text(), expected);
    let copied = run(folder.path(), ["copy", "small.db", &target.url, "--dry-run"]).expect(4);
    assert!(copied.text().contains("loss        1 node existence constraint"), "{}", copied.text());
    before.assert_same(&target.witness());
}

/// A graph whose names steer terminals and pass for lines of ours.
const STEERING: &str = concat!(
    r#"{"node":1,"labels":["A\u001b[31m\nequal: 0 nodes\u202e"],"properties":{"k\u001b":"v\u001b"}}"#,
    "\n",
    r#"{"relationship":1,"type":"T\u0007\r","start":1,"end":1,"properties":{}}"#,
    "\n",
    r#"{"schema":{"constraint":{"name":"c\u001b[1m","kind":"unique","on":"node","label":"A\u001b[31m\nequal: 0 nodes\u202e","properties":["k\u001b"]}}}"#,
    "\n"
);

#[test]
fn names_are_printed_so_that_they_steer_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("e.jsonl"), STEERING).unwrap();
    std::fs::write(folder.join("none.jsonl"), "{\"node\":1,\"labels\":[],\"properties\":{}}\n").unwrap();
    run(folder, ["restore", "e.jsonl", "e.db"]).expect(0);
    let plan = run(folder, ["restore", "e.jsonl", "new.db", "--dry-run"]).expect(0);
    let dump = run(folder, ["dump", "e.db", "--dry-run"]).expect(0);
    let different = run(folder, ["verify", "e.db", "none.jsonl"]).expect(7);
    // The constraint stops the second node of that name: an error that tells of names and of a value.
    let violated = run(folder, ["restore", "e.jsonl", "e.db", "--mode", "merging"]);
    assert_ne!(violated.code, 0);
    let dangling = run(folder, ["dump", "e.db", "--exclude-label", "A\u{1b}[31m\nequal: 0 nodes\u{202e}"]).expect(4);
    for (shown, expected) in [
        (
            plan.text(),
            r#"create      node unique constraint "c\u{1b}[1m" on "A\u{1b}[31m\nequal: 0 nodes\u{202e}"("k\u{1b}")"#,
        ),
        (
            dump.text(),
            r#"write       node unique constraint "c\u{1b}[1m" on "A\u{1b}[31m\nequal: 0 nodes\u{202e}"("k\u{1b}")"#,
        ),
        (different.text(), r#"  nodes :"A\u{1b}[31m\nequal: 0 nodes\u{202e}": A 1, B 0"#),
        (different.text(), r#"  relationships of type "T\u{7}\r": A 1, B 0"#),
        (violated.stderr, r#"on "A\u{1b}[31m\nequal: 0 nodes\u{202e}"("k\u{1b}")"#),
        (dangling.stderr, r#"of type "T\u{7}\r" has an end that was filtered out"#),
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
        assert!(!shown.lines().any(|line| line.starts_with("equal")), "a name passes for a line of ours: {shown}");
        let steers = |c: char| c != '\n' && c.is_control() || c == '\u{202e}';
        assert!(!shown.contains(steers), "{shown:?}");
    }
}

#[test]
fn a_reader_that_went_away_still_gets_the_exit_code() {
    let folder = small();
    std::fs::write(folder.path().join("other.jsonl"), "{\"node\":1,\"labels\":[],\"properties\":{}}\n").unwrap();
    for (words, code) in [
        (["verify", "small.db", "other.jsonl", "--quiet"], 7),
        (["verify", "small.db", "small.jsonl", "--json"], 0),
        (["restore", "small.jsonl", "small.db", "--dry-run"], 4),
        (["dump", "small.db", "--dry-run", "--quiet"], 0),
    ] {
        // The reading end is closed before the command has begun.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut closed = command(folder.path());
        let output = closed.args(words).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {error}");
        assert!(!error.contains("panicked"), "{words:?}: {error}");
    }
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut filling = command(folder.path());
    let output =
        filling.args(["verify", "small.db", "small.jsonl"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("writing to stdout failed"), "{error}");
}
