//! What `--json` says, decoded by structs that know every field and no other: a field that comes, goes or changes its type breaks this test
//! before it breaks a user's script. docs/exit-codes.md names them all.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::Path;
use support::tool::run;

#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
#[allow(dead_code)]
enum Event<R> {
    Step { what: String, total: Option<u64> },
    Progress { nodes: u64, relationships: u64 },
    Warning { message: String },
    Report { report: R },
    Error { exit: u8, message: String, code: Option<String>, file: Option<String>, line: Option<u64> },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Loss {
    kind: String,
    what: String,
    count: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Tally {
    nodes: u64,
    relationships: u64,
    labels: BTreeMap<String, u64>,
    unlabelled: u64,
    types: BTreeMap<String, u64>,
    schema: BTreeMap<String, u64>,
    values: BTreeMap<String, u64>,
    statements: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Dumped {
    tally: Tally,
    bytes: u64,
    stored: u64,
    dangling: u64,
    consistency: String,
    source_changed: Option<bool>,
    losses: Vec<Loss>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Moved {
    read: u64,
    written: u64,
    updated: u64,
    kept: u64,
    rejected: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Restored {
    nodes: Moved,
    relationships: Moved,
    keyless: u64,
    references_rewritten: u64,
    references_unknown: u64,
    schema_created: u64,
    schema_skipped: u64,
    schema_failed: Vec<String>,
    statements: u64,
    retries: u64,
    in_doubt: u64,
    missing: u64,
    losses: Vec<Loss>,
    dangling: u64,
    warnings: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    what: String,
    a: String,
    b: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Comparison {
    nodes: (u64, u64),
    relationships: (u64, u64),
    digests: (String, String),
    schema: (usize, usize),
    differences: Vec<Difference>,
}

const SMALL: &str = r#"{"node":1,"labels":["Person"],"properties":{"name":"Ada","map":{"a":1}}}
{"node":2,"labels":["Place"],"properties":{}}
{"node":3,"labels":[],"properties":{}}
{"relationship":1,"type":"LIVES_IN","start":1,"end":2,"properties":{"since":1}}
{"relationship":2,"type":"KNOWS","start":3,"end":1,"properties":{}}
{"schema":{"index":{"name":"i","kind":"range","on":"node","labels":["Person"],"properties":["name"]}}}
"#;

fn small() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("small.jsonl"), SMALL).unwrap();
    folder
}

/// Every line of stderr is an event; gives the report, which comes last.
fn report<R: DeserializeOwned>(folder: &Path, words: &[&str]) -> R {
    let run = run(folder, words.iter().chain(&["--json"])).expect(0);
    let decode = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    let mut events: Vec<Event<R>> = run.stderr.lines().map(decode).collect();
    let Some(Event::Report { report }) = events.pop() else { panic!("no report: {}", run.stderr) };
    report
}

#[test]
fn reports_have_these_fields() {
    let folder = small();
    let folder = folder.path();
    let restored: Restored = report(folder, &["restore", "small.jsonl", "small.db"]);
    assert_eq!((restored.nodes.read, restored.nodes.written), (3, 3));
    assert_eq!((restored.relationships.read, restored.relationships.written), (2, 2));
    assert_eq!((restored.schema_created, restored.schema_skipped, restored.missing), (1, 0, 0));
    assert_eq!(restored.warnings.len(), 2, "made by hand, without header and trailer: {restored:?}");
    let merged: Restored = report(folder, &["restore", "small.jsonl", "small.db", "--mode", "merging"]);
    assert_eq!((merged.schema_created, merged.schema_skipped), (0, 1));
    let filter = ["--exclude-label", "Place", "--dangling", "skip"];
    let copied: Restored = report(folder, &[&["copy", "small.db", "part.db"][..], &filter].concat());
    assert_eq!((copied.nodes.written, copied.relationships.written, copied.dangling), (4, 2, 2));
    let part: Restored = report(folder, &[&["restore", "small.jsonl", "p.db"][..], &filter].concat());
    assert_eq!((part.nodes.written, part.relationships.written, part.dangling), (2, 1, 1));

    let dumped: Dumped = report(folder, &["dump", "part.db", "-o", "d.jsonl.zst"]);
    assert_eq!((dumped.tally.nodes, dumped.tally.relationships, dumped.tally.unlabelled), (4, 2, 2));
    assert_eq!((dumped.tally.labels["Person"], dumped.tally.types["KNOWS"]), (2, 2));
    assert_eq!(dumped.tally.values["map"], 2);
    assert_eq!((&*dumped.consistency, dumped.source_changed), ("snapshot", Some(false)));
    let size = std::fs::metadata(folder.join("d.jsonl.zst")).unwrap().len();
    assert_eq!(dumped.stored, size, "the bytes that are in the file");
    assert_ne!(dumped.bytes, size);
    let words = ["convert", "small.jsonl", "c.cypherl", "--dialect", "neo4j", "--allow-loss", "value"];
    let converted: Dumped = report(folder, &words);
    let [loss] = &converted.losses[..] else { panic!("{converted:?}") };
    assert_eq!((&*loss.kind, &*loss.what, loss.count), ("value", "values of type map", 1));
}

#[test]
fn errors_tell_their_place_and_exit_code() {
    let folder = small();
    std::fs::write(folder.path().join("broken.jsonl"), SMALL.replace("\"start\":3", "\"start\":9")).unwrap();
    let run = run(folder.path(), ["restore", "broken.jsonl", "new.db", "--json"]).expect(5);
    let last: Event<Restored> = serde_json::from_str(run.stderr.lines().last().unwrap()).unwrap();
    let Event::Error { exit, message, code, file, line } = last else { panic!("{}", run.stderr) };
    assert_eq!((exit, code, file.as_deref(), line), (5, None, Some("broken.jsonl"), Some(5)));
    assert!(message.contains("starts at node 9"), "{message}");
}

/// `verify` says what differs in a word that a script can look for.
#[test]
fn verify_names_what_differs() {
    let folder = small();
    let folder = folder.path();
    let twins = concat!(
        "{\"node\":1,\"labels\":[\"N\"],\"properties\":{}}\n{\"node\":2,\"labels\":[\"N\"],\"properties\":{}}\n",
        "{\"relationship\":1,\"type\":\"T\",\"start\":1,\"end\":2,\"properties\":{}}\n",
        "{\"relationship\":2,\"type\":\"T\",\"start\":1,\"end\":2,\"properties\":{}}\n"
    );
    let crossed = twins.replace(
        "\"relationship\":2,\"type\":\"T\",\"start\":1,\"end\":2",
        "\"relationship\":2,\"type\":\"T\",\"start\":2,\"end\":1",
    );
    for (a, b, expected) in [
        (
            SMALL,
            SMALL.replace("Ada", "Bob"),
            vec!["nodes :Person", "relationships of type KNOWS", "relationships of type LIVES_IN"],
        ),
        (SMALL, SMALL.replace("\"since\":1", "\"since\":1.0"), vec!["relationships of type LIVES_IN"]),
        (
            SMALL,
            SMALL.replace("\"labels\":[],\"", "\"labels\":[\"X\"],\""),
            vec!["nodes without label", "nodes :X", "relationships of type KNOWS"],
        ),
        (
            SMALL,
            SMALL.replace("\"range\"", "\"text\""),
            vec!["node range index \"i\" on Person(name)", "node text index \"i\" on Person(name)"],
        ),
        (twins, crossed, vec!["wiring"]),
    ] {
        std::fs::write(folder.join("a.jsonl"), a).unwrap();
        std::fs::write(folder.join("b.jsonl"), &b).unwrap();
        assert_ne!(a, b);
        let people = run(folder, ["verify", "a.jsonl", "b.jsonl"]).expect(7);
        let places = if expected.len() == 1 { "1 place".to_owned() } else { format!("{} places", expected.len()) };
        assert_eq!(people.text().lines().next(), Some(&*format!("different in {places}")), "{}", people.text());
        for what in &expected {
            assert!(people.text().contains(&format!("\n  {what}: A ")), "{what}: {}", people.text());
        }
        let programs = run(folder, ["verify", "a.jsonl", "b.jsonl", "--json"]).expect(7);
        let comparison: Comparison = serde_json::from_slice(&programs.stdout).unwrap();
        let what: Vec<_> = comparison.differences.iter().map(|difference| &*difference.what).collect();
        assert_eq!(
            {
                let mut what = what.clone();
                what.sort_unstable();
                what
            },
            {
                let mut expected = expected.clone();
                expected.sort_unstable();
                expected
            }
        );
        assert!(comparison.differences.iter().all(|difference| difference.a != difference.b), "{comparison:?}");
        assert_eq!(comparison.nodes.0, comparison.nodes.1);
        assert_eq!(comparison.relationships.0, comparison.relationships.1);
        assert_eq!(comparison.schema.0, comparison.schema.1);
    }
    let same = run(folder, ["verify", "a.jsonl", "a.jsonl", "--json"]).expect(0);
    let same: Comparison = serde_json::from_slice(&same.stdout).unwrap();
    assert!(same.differences.is_empty() && same.digests.0 == same.digests.1, "{same:?}");
}

/// Quiet is nothing but errors and what was asked for on stdout.
#[test]
fn quiet_verbs_say_nothing() {
    let folder = small();
    for words in [
        vec!["restore", "small.jsonl", "small.db"],
        vec!["dump", "small.db", "-o", "d.jsonl"],
        vec!["copy", "small.db", "copy.db"],
        vec!["convert", "d.jsonl", "d.cypherl"],
    ] {
        let quiet = run(folder.path(), words.iter().chain(&["--quiet"])).expect(0);
        assert!(quiet.stderr.is_empty() && quiet.stdout.is_empty(), "{words:?}: {}", quiet.stderr);
    }
    let error = run(folder.path(), ["restore", "small.jsonl", "small.db", "--quiet"]).expect(4);
    assert!(error.stderr.starts_with("graphferry: the target is not empty"), "{}", error.stderr);
}

/// The page names every field that the structs above know.
#[test]
fn every_field_is_documented() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/exit-codes.md")).unwrap();
    let source = include_str!("events.rs");
    let fields = source.lines().take_while(|line| !line.starts_with("const SMALL"));
    let fields = fields.filter_map(|line| line.strip_prefix("    ")?.split_once(": ").map(|(name, _)| name.trim()));
    let mut seen = 0;
    for field in fields.filter(|field| field.chars().all(|c| c.is_ascii_lowercase() || c == '_')) {
        seen += 1;
        assert!(page.contains(&format!("`{field}`")), "docs/exit-codes.md does not name `{field}`");
    }
    assert!(seen > 30, "{seen} fields were found");
}
