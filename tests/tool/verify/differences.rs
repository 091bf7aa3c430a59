//! `diff` tells what was done to a graph: the edits are made here, by hand.

use super::support::tool::run;
use serde_json::{Value, json};
use std::path::Path;

const A: [&str; 9] = [
    r#"{"node":1,"labels":["P"],"properties":{"mail":"a@x","n":1}}"#,
    r#"{"node":2,"labels":["P"],"properties":{"mail":"b@x","n":2}}"#,
    r#"{"node":3,"labels":["P"],"properties":{"mail":"c@x"}}"#,
    r#"{"node":4,"labels":["Q"],"properties":{}}"#,
    r#"{"node":5,"labels":["Q"],"properties":{}}"#,
    r#"{"relationship":1,"type":"R","start":1,"end":2,"properties":{"w":1}}"#,
    r#"{"relationship":2,"type":"R","start":2,"end":3,"properties":{}}"#,
    r#"{"relationship":3,"type":"S","start":3,"end":4,"properties":{}}"#,
    r#"{"schema":{"index":{"name":"i","kind":"range","on":"node","labels":["P"],"properties":["n"]}}}"#,
];

/// B: `n` of node 1 is a float, node 3 is gone and what led to it, a node is new, `w` of relationship 1 is 2, the index has another property.
const B: [&str; 7] = [
    r#"{"node":1,"labels":["P"],"properties":{"mail":"a@x","n":1.0}}"#,
    r#"{"node":2,"labels":["P"],"properties":{"n":2,"mail":"b@x"}}"#,
    r#"{"node":4,"labels":["Q"],"properties":{}}"#,
    r#"{"node":5,"labels":["Q"],"properties":{}}"#,
    r#"{"node":6,"labels":["P","Z"],"properties":{"mail":"d@x"}}"#,
    r#"{"relationship":1,"type":"R","start":1,"end":2,"properties":{"w":2}}"#,
    r#"{"schema":{"index":{"name":"i","kind":"range","on":"node","labels":["P"],"properties":["m"]}}}"#,
];

/// The lines of `diff`, and the last one.
fn diff(folder: &Path, more: &[&str], code: i32) -> (Vec<Value>, Value) {
    let words: Vec<&str> = ["diff", "a.jsonl", "b.jsonl", "--json"].iter().chain(more).copied().collect();
    let told = run(folder, words).expect(code).text();
    let mut lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.pop().unwrap();
    (lines, last)
}

fn folder(a: &[&str], b: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.jsonl"), a.join("\n")).unwrap();
    std::fs::write(folder.path().join("b.jsonl"), b.join("\n")).unwrap();
    folder
}

fn counts(added: u64, removed: u64, changed: u64, same: u64) -> Value {
    json!({ "added": added, "removed": removed, "changed": changed, "same": same })
}

fn one<'a>(lines: &'a [Value], change: &str, class: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["change"] == change && line["class"] == class).collect()
}

#[test]
fn by_id_and_by_key_edits_are_changes() {
    let folder = folder(&A, &B);
    // By id is what is chosen: three of the nodes of B say what A says under the same id.
    for more in [&[][..], &["--by", "id"], &["--key", "P=mail"]] {
        let (lines, last) = diff(folder.path(), more, 7);
        let summary = &last["summary"];
        assert_eq!(summary["by"], if more.contains(&"--key") { "key" } else { "id" }, "{more:?}");
        assert_eq!(summary["nodes"], counts(1, 1, 1, 3), "{more:?}: {summary}");
        assert_eq!(summary["relationships"], counts(0, 2, 1, 0), "{more:?}: {summary}");
        assert_eq!(summary["labels"], json!({ ":P": counts(0, 1, 1, 1), ":P:Z": counts(1, 0, 0, 0) }));
        assert_eq!(summary["types"], json!({ "R": counts(0, 1, 1, 0), "S": counts(0, 1, 0, 0) }));
        let changed = one(&lines, "changed", "node");
        assert_eq!(changed[0]["a"]["properties"]["n"].to_string(), "1");
        assert_eq!(changed[0]["b"]["properties"]["n"].to_string(), "1.0");
        assert_eq!(one(&lines, "added", "node")[0]["b"]["labels"], json!(["P", "Z"]));
        assert_eq!(one(&lines, "removed", "node")[0]["a"]["properties"], json!({ "mail": "c@x" }));
        let changed = one(&lines, "changed", "relationship");
        assert_eq!(
            (&changed[0]["a"]["properties"], &changed[0]["b"]["properties"]),
            (&json!({"w":1}), &json!({"w":2}))
        );
        assert_eq!((one(&lines, "added", "schema").len(), one(&lines, "removed", "schema").len()), (1, 1));
    }
}

#[test]
fn by_content_nothing_is_changed() {
    let folder = folder(&A, &B);
    let (lines, last) = diff(folder.path(), &["--by", "content"], 7);
    assert_eq!(last["summary"]["nodes"], counts(2, 2, 0, 3));
    // The start of the relationship says something else now, so that it is another one.
    assert_eq!(last["summary"]["relationships"], counts(1, 3, 0, 0));
    assert_eq!(lines.len(), 10);
    let text = run(folder.path(), ["diff", "a.jsonl", "b.jsonl"]).expect(7).text();
    for part in [
        "~ node 1 :P\n    ~ n: 1 -> 1.0\n",
        "- node 3 :P {\"mail\":\"c@x\"}\n",
        "+ node 6 :P:Z {\"mail\":\"d@x\"}\n",
        "~ relationship 1 R 1->2\n    ~ w: 1 -> 2\n",
        "different, compared by id; nodes: 1 added, 1 removed, 1 changed, 3 the same",
        "schema: 1 added, 1 removed",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    // `verify` says of the same graphs which labels and types differ.
    let text = run(folder.path(), ["verify", "a.jsonl", "b.jsonl"]).expect(7).text();
    for part in ["nodes :P: A 3, B 2", "nodes :P:Z: A 0, B 1", "relationships of type R: A 2, B 1"] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert!(!text.contains(":Q"), "{text}");
    let few = run(folder.path(), ["diff", "a.jsonl", "b.jsonl", "--limit", "1"]).expect(7).text();
    assert!(few.contains("4 more are not told here"), "{few}");
}

#[test]
fn other_ids_are_no_difference_unless_they_are_to_be() {
    let other: Vec<String> = A
        .iter()
        .map(|line| {
            (1..=5).fold((*line).to_owned(), |text, id| {
                ["node", "start", "end"].iter().fold(text, |text, key| {
                    text.replace(&format!("\"{key}\":{id},"), &format!("\"{key}\":{},", 1000 + id * 7))
                })
            })
        })
        .collect();
    let other: Vec<&str> = other.iter().map(String::as_str).collect();
    let folder = folder(&A, &other);
    let (lines, last) = diff(folder.path(), &[], 0);
    assert_eq!((lines.len(), &last["summary"]["by"], &last["equal"]), (0, &json!("content"), &json!(true)));
    diff(folder.path(), &["--key", "P=mail"], 0);
    let (_, last) = diff(folder.path(), &["--by", "id"], 7);
    assert_eq!(last["summary"]["nodes"], counts(5, 5, 0, 0));
    // What occurs more often in A is told as often as that.
    let twice: Vec<&str> = A.iter().copied().filter(|line| !line.starts_with("{\"node\":5")).collect();
    std::fs::write(folder.path().join("b.jsonl"), twice.join("\n")).unwrap();
    let (_, last) = diff(folder.path(), &["--by", "content"], 7);
    assert_eq!(last["summary"]["nodes"], counts(0, 1, 0, 4));
    // A database is as good as a file; stdin is counted and not told.
    run(folder.path(), ["restore", "a.jsonl", "a.db"]).expect(0);
    run(folder.path(), ["diff", "a.jsonl", "a.db", "--by", "content"]).expect(0);
    run(folder.path(), ["diff", "a.jsonl", "b.jsonl", "--by", "key"]).expect(2);
}
