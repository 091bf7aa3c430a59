//! Memgraph as a source, against what Memgraph 3.6.2 was recorded to say.
//!
//! No Memgraph runs here: [`support::replay`] answers with recorded rows, and refuses every statement that is not among them. The two scans of the
//! torture graph were not recorded; their rows are put together from the recorded wire form of each value by tests/witness/memgraph_torture.py,
//! which also proves those forms against the records and says what a dump has to hold.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use graphferry::model::Value;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
use support::replay::{CLIENT, Fault, Heard, Replay, Script, TRANSIENT, records};
use support::tool::run;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Runs a witness with a text as its input, and gives its lines.
fn witness(script: &str, arguments: &[&str], input: Option<&Path>) -> Vec<String> {
    let mut command = Command::new("python3");
    command.arg(format!("{ROOT}/tests/witness/{script}")).args(arguments);
    command.stdin(input.map_or_else(Stdio::null, |path| std::fs::File::open(path).unwrap().into()));
    let output = command.output().expect("python3 is needed: it is the witness");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The facts of a dump in JSONL, by a reader that is not ours.
fn facts(dump: &Path) -> Vec<String> {
    witness("read_jsonl.py", &[], Some(dump))
}

fn of_kind(facts: &[String], heads: &[&str]) -> Vec<String> {
    facts.iter().filter(|fact| heads.iter().any(|head| fact.starts_with(head))).cloned().collect()
}

/// Dumps a server as JSONL and gives the facts of the dump, and what was printed.
fn dumped(server: &Replay, more: &[&str]) -> (Vec<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    let url = server.url();
    let done = run(folder.path(), [&["dump", &url, "-o", "out.jsonl", "--format", "jsonl"], more].concat()).expect(0);
    (facts(&folder.path().join("out.jsonl")), done.stderr)
}

#[test]
fn the_rows_are_those_that_the_witness_puts_together() {
    let path = format!("{ROOT}/fixtures/memgraph-3.6.2");
    assert_eq!(
        witness("memgraph_torture.py", &["prove", &format!("{path}/records.jsonl")], None),
        ["38 wire forms agree"]
    );
    for bolt in ["4", "5"] {
        let kept = std::fs::read_to_string(format!("{path}/rows-bolt-{bolt}.jsonl")).unwrap();
        let made = witness("memgraph_torture.py", &["wire", bolt], None);
        assert_eq!(made, kept.lines().collect::<Vec<_>>());
    }
}

#[test]
fn every_value_of_the_torture_graph_has_its_type() {
    let expected = witness("memgraph_torture.py", &["facts"], None);
    assert_eq!(expected.len(), 17 + 5);
    for (bolt, minors, chop) in
        [(5, &[2][..], true), (5, &[2], false), (4, &[1, 3], true), (4, &[1], true), (4, &[0], true)]
    {
        let mut script = Script::torture(bolt);
        script.versions.retain(|(_, minor)| minors.contains(minor));
        script.chop = chop;
        let server = script.start();
        let (found, told) = dumped(&server, &[]);
        assert_eq!(of_kind(&found, &["node", "relationship"]), expected, "Bolt {bolt}");
        assert!(told.contains("17 nodes, 5 relationships") && told.contains("consistency snapshot"), "{told}");
        assert!(found.iter().any(|fact| fact.starts_with("header") && fact.contains("\"snapshot\"")));
    }
}

/// What is asked, beside what was recorded word by word. All have shapes that the records have: `MATCH (n:EX) RETURN count(n)`,
/// `MATCH (n) WHERE n.v IS NOT NULL …`; the two scans were measured on 3.6.2.
const SHAPES: [&str; 8] = [
    "MATCH (n) RETURN n",
    "MATCH ()-[r]->() RETURN r",
    "MATCH (n:`__mg_vertex__`) RETURN count(n)",
    "MATCH (n:`__mg_vertex__2__`) RETURN count(n)",
    "MATCH (n:`__graphferry_node__`) RETURN count(n)",
    "MATCH (n) WHERE n.`__mg_id__` IS NOT NULL RETURN count(n)",
    "MATCH (n) WHERE n.`__mg_id__2__` IS NOT NULL RETURN count(n)",
    "MATCH (n) WHERE n.`__graphferry_id__` IS NOT NULL RETURN count(n)",
];

#[test]
fn only_what_was_recorded_is_asked() {
    let recorded: BTreeSet<String> =
        records().iter().filter_map(|record| record["query"].as_str().map(str::to_owned)).collect();
    let server = Script::torture(5).start();
    dumped(&server, &[]);
    let heard = server.heard();
    for Heard { tag, text, extra, inside } in &heard {
        assert!([0x01, 0x6A, 0x10, 0x3F, 0x11, 0x12, 0x02].contains(tag), "message {tag:#X}");
        match tag {
            0x10 => {
                assert!(recorded.contains(text) || SHAPES.contains(&text.as_str()), "{text}");
                // SHOW is refused inside a transaction, and a scan must not be outside it.
                assert_eq!(*inside, !text.starts_with("SHOW "), "{text}");
                let limit = extra.get("tx_timeout");
                assert_eq!(limit, inside.then_some(&Value::Integer(0)), "{text}: {extra:?}");
                assert_eq!(extra.get("mode"), None);
            }
            0x11 => {
                let expected = [("mode", "r".into()), ("db", "memgraph".into()), ("tx_timeout", Value::Integer(0))];
                let expected: graphferry::model::Map =
                    expected.map(|(key, value)| (key.to_owned(), value)).into_iter().collect();
                assert_eq!(extra, &expected);
            }
            _ => {}
        }
    }
    let asked: Vec<&str> = heard.iter().filter(|heard| heard.tag == 0x10).map(|heard| heard.text.as_str()).collect();
    assert_eq!(asked.iter().filter(|text| **text == "DUMP DATABASE").count(), 1);
    assert_eq!(asked.iter().filter(|text| **text == "SHOW INDEX INFO").count(), 2, "before and after");
    // The manifest, 5.8 to 5.0, 4.4 to 4.0, 4.1: recorded ranges of this form were honoured.
    for offer in server.offers() {
        assert_eq!(offer[4..], [0, 0, 1, 0xFF, 0, 8, 8, 5, 0, 4, 4, 4, 0, 0, 1, 4]);
    }
}

fn converted(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("own.cypherl"), text).unwrap();
    run(folder.path(), ["convert", "own.cypherl", "out.jsonl"]).expect(0);
    facts(&folder.path().join("out.jsonl"))
}

/// A fact of an item as its head and its properties.
fn parts(fact: &str) -> (String, BTreeMap<String, String>) {
    let mut depth = 0;
    let words = fact.split(|c| {
        depth += i32::from(matches!(c, '[' | '{')) - i32::from(matches!(c, ']' | '}'));
        c == ' ' && depth == 0
    });
    let (properties, head): (Vec<&str>, Vec<&str>) = words.partition(|word| word.contains('='));
    let pair = |word: &str| word.split_once('=').map(|(key, value)| (unhex(key), value.to_owned())).unwrap();
    (head.join(" "), properties.into_iter().map(pair).collect())
}

fn unhex(text: &str) -> String {
    let bytes = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap());
    String::from_utf8(bytes.collect()).unwrap()
}

/// The items by their heads. Memgraph's own dump has no ids of relationships: these are told by their place in it.
fn items(facts: &[String]) -> Vec<(String, BTreeMap<String, String>)> {
    let facts = of_kind(facts, &["node", "relationship"]);
    let without_id = |(head, properties): (String, BTreeMap<String, String>)| match head.strip_prefix("relationship ") {
        Some(rest) => (format!("relationship {}", rest.split_once(' ').unwrap().1), properties),
        None => (head, properties),
    };
    facts.iter().map(|fact| without_id(parts(fact))).collect()
}

#[test]
fn memgraphs_own_dump_gives_the_same_graph_but_for_what_memgraph_loses() {
    let ours = dumped(&Script::torture(5).start(), &[]).0;
    let own = std::fs::read_to_string(format!("{ROOT}/fixtures/memgraph-3.6.2/dump.cypherl")).unwrap();
    let theirs = converted(&own);

    let mut lost = Vec::new();
    let (our_items, their_items) = (items(&ours), items(&theirs));
    assert_eq!(our_items.len(), their_items.len());
    for ((head, properties), (their_head, their_properties)) in our_items.iter().zip(&their_items) {
        assert_eq!(head, their_head);
        assert_eq!(properties.keys().collect::<Vec<_>>(), their_properties.keys().collect::<Vec<_>>());
        for (key, value) in properties {
            if *value != their_properties[key] {
                let head = head.split(" [").next().unwrap();
                lost.push(format!("{head} {key}: {value} became {}", their_properties[key]));
            }
        }
    }
    // A float without a fraction is dumped as an integer. (`f1` of node 1 too, but a constraint in the same dump says what it is.)
    let expected = [
        "node 1 f15: float:430c6bf526340000 became integer:1000000000000000",
        "node 1 f16: float:4341c37937e08000 became integer:10000000000000000",
        "node 4 floats: list:[float:3ff0000000000000 float:4004000000000000] became list:[integer:1 float:4004000000000000]",
        "node 13 vec: list:[float:3ff0000000000000 float:3fe0000000000000] became list:[integer:1 float:3fe0000000000000]",
        "node 14 vec: list:[float:3fd5555555555555 float:4000000000000000] became list:[float:3fd5555555555555 integer:2]",
        "relationship 13 13 53454c46204c4f4f50 w: float:3ff0000000000000 became integer:1",
    ];
    assert_eq!(lost, expected);

    let (our_schema, their_schema) = (of_kind(&ours, &["schema"]), of_kind(&theirs, &["schema"]));
    let only = |a: &[String], b: &[String]| a.iter().filter(|fact| !b.contains(fact)).cloned().collect::<Vec<_>>();
    // Text indexes on edges are not dumped before 3.11; the lines of a trigger are folded into one, which a comment then ends.
    assert_eq!(
        only(&our_schema, &their_schema),
        [
            r#"schema index {"kind": "text", "labels": ["KNOWS"], "name": "knowsNote", "on": "relationship", "properties": ["note"]}"#,
            r#"schema index {"kind": "text", "labels": ["KNOWS"], "name": "knowsText", "on": "relationship", "properties": []}"#,
            r#"schema trigger {"name": "t_edelete", "selector": {"event": "--> DELETE", "phase": "AFTER COMMIT"}, "statement": "MATCH (n)\nWHERE n.x = 1 // trailing comment\nRETURN n", "system": "memgraph"}"#,
        ]
    );
    assert_eq!(
        only(&their_schema, &our_schema),
        [
            r#"schema trigger {"name": "t_edelete", "selector": {"event": "--> DELETE", "phase": "AFTER COMMIT"}, "statement": "MATCH (n) WHERE n.x = 1 // trailing comment RETURN n", "system": "memgraph"}"#
        ]
    );
    assert_eq!(our_schema.len(), 3 + 19 + 17 + 11);
}

#[test]
fn a_dump_and_its_source_are_equal() {
    let folder = tempfile::tempdir().unwrap();
    let server = Script::torture(5).start();
    for name in ["a.jsonl", "a.cypherl"] {
        run(folder.path(), ["dump", &server.url(), "-o", name]).expect(0);
        // Exit code 0 says that they are equal.
        run(folder.path(), ["verify", &server.url(), name]).expect(0);
    }
}

/// Dumps a server that this goes wrong with; nothing is left behind.
fn failed(server: &Replay, code: i32, more: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let url = server.url();
    let done = run(folder.path(), [&["dump", &url, "-o", "out.jsonl"], more].concat()).expect(code);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something is left behind");
    done.stderr.replace(&server.peer(), "PEER")
}

#[test]
fn a_scan_that_ends_badly_is_told_and_leaves_nothing() {
    let timeout = "Transaction was asked to abort because of transaction timeout.";
    let killed = "Transaction was asked to abort by another user.";
    let deleted = "Returning a deleted object as a result.";
    for (rows, fault, code, expected) in [
        (
            3,
            Fault::Failure(TRANSIENT.to_owned(), timeout.to_owned()),
            1,
            "Transaction was asked to abort because of transaction timeout (Memgraph.TransientError.MemgraphError.MemgraphError); the server's limit is its setting query.timeout, or --query-execution-timeout-sec",
        ),
        (
            0,
            Fault::Failure(TRANSIENT.to_owned(), killed.to_owned()),
            1,
            "Transaction was asked to abort by another user",
        ),
        (5, Fault::Failure(CLIENT.to_owned(), deleted.to_owned()), 1, "Returning a deleted object as a result"),
        (16, Fault::Close, 6, "PEER closed the connection"),
    ] {
        for query in ["MATCH (n) RETURN n", "MATCH ()-[r]->() RETURN r"] {
            let told = failed(&Script::torture(5).failing(query, rows, fault.clone()).start(), code, &[]);
            assert!(told.contains(expected), "{told}");
        }
    }
}

fn one_node(property: serde_json::Value) -> Script {
    let node = json!({"$type": "struct", "tag": "0x4E", "fields": [7, ["A"], {"k": property}, "7"]});
    let script = Script::of("empty").with("MATCH (n) RETURN n", &["n"], vec![json!([node])]);
    script.with("MATCH ()-[r]->() RETURN r", &["r"], vec![]).with_names(&[], &[])
}

#[test]
fn what_cannot_be_carried_is_named() {
    // The record has a node with a string of the bytes FF FE.
    for (property, expected) in [
        (
            json!({"$type": "string_invalid_utf8", "hex": "fffe"}),
            "property \"k\" of node 7 cannot be read: a string is not valid UTF-8",
        ),
        (
            json!({"$type": "struct", "tag": "0x21", "fields": [1]}),
            "property \"k\" of node 7 is a structure 0x21, which nobody knows",
        ),
        (json!([{"$type": "struct", "tag": "0x4E", "fields": [1, [], {}, "1"]}]), "property \"k\" of node 7 is a node"),
    ] {
        let told = failed(&one_node(property).start(), 1, &[]);
        assert!(told.contains(expected), "{told}");
    }
}

fn syntax_error(text: &str) -> Fault {
    Fault::Failure(CLIENT.to_owned(), text.to_owned())
}

#[test]
fn a_statement_that_fails_is_never_taken_for_an_empty_answer() {
    let licence = "Query is part of the Enterprise feature. In order to run it, you need an Enterprise license.";
    let unknown =
        "Error on line 1 position 6. The underlying parsing error is mismatched input 'ENUMS' expecting {BUILD}";
    for query in ["SHOW INDEX INFO", "SHOW CONSTRAINT INFO", "SHOW TRIGGERS", "SHOW ENUMS", "SHOW STORAGE INFO"] {
        for text in [licence, unknown] {
            let told = failed(&Script::of("empty").failing(query, 0, syntax_error(text)).start(), 1, &[]);
            assert!(told.contains(text.trim_end_matches('.')), "{query}: {told}");
        }
    }
    // Before 2.18 there are no enums, and the statement is not known. No such server was recorded: this one is 3.6.2 with another number.
    let old = one_node(json!(1)).with("SHOW VERSION", &["version"], vec![json!(["2.17.0"])]);
    dumped(&old.clone().failing("SHOW ENUMS", 0, syntax_error(unknown)).start(), &[]);
    let told = failed(&old.failing("SHOW ENUMS", 0, syntax_error(licence)).start(), 1, &[]);
    assert!(told.contains("Enterprise"), "{told}");
}

fn storage(name: &str, value: &str) -> Script {
    one_node(json!(1)).change("SHOW STORAGE INFO", |answer| {
        for row in &mut answer.rows {
            if row[0] == name {
                row[1] = json!(value);
            }
        }
    })
}

#[test]
fn a_promise_is_never_weaker_in_silence() {
    for (name, value, promise, why) in [
        (
            "storage_mode",
            "IN_MEMORY_ANALYTICAL",
            "none",
            "in the mode IN_MEMORY_ANALYTICAL its transactions see what others write meanwhile",
        ),
        (
            "global_isolation_level",
            "READ_COMMITTED",
            "read-committed",
            "at the isolation level READ_COMMITTED its transactions see what others write meanwhile",
        ),
        (
            "global_isolation_level",
            "READ_UNCOMMITTED",
            "none",
            "at the isolation level READ_UNCOMMITTED its transactions see what others write meanwhile",
        ),
        ("global_isolation_level", "", "none", "it does not tell its isolation level"),
    ] {
        let told = failed(&storage(name, value).start(), 4, &["--consistency", "snapshot"]);
        assert!(told.contains(&format!("PEER cannot promise snapshot: {why}")), "{told}");
        let (found, told) = dumped(&storage(name, value).start(), &[]);
        assert!(told.contains(&format!("consistency {promise}")), "{told}");
        assert!(told.contains(&format!("promises no snapshot: {why}")), "{told}");
        assert!(found[0].contains(&format!("\"consistency\": \"{promise}\"")), "{}", found[0]);
    }
    let (found, told) =
        dumped(&storage("storage_mode", "ON_DISK_TRANSACTIONAL").start(), &["--consistency", "snapshot"]);
    assert!(found[0].contains("\"snapshot\"") && !told.contains("promises no"), "{told}");
}

#[test]
fn a_schema_that_changes_meanwhile_is_told() {
    let later =
        || one_node(json!(1)).later("SHOW INDEX INFO", |answer| answer.rows.push(json!(["label", "New", null, 0])));
    let (_, told) = dumped(&later().start(), &[]);
    assert!(told.contains("the database changed while it was dumped"), "{told}");
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), ["dump", &later().start().url(), "-o", "x.jsonl", "--consistency", "strict"]).expect(3);
    // Counts come and go with the data, which a snapshot does not see.
    let counts =
        Script::torture(5).later("SHOW INDEX INFO", |answer| answer.rows.iter_mut().for_each(|row| row[3] = json!(99)));
    let (_, told) = dumped(&counts.start(), &[]);
    assert!(!told.contains("changed"), "{told}");
    // Without a snapshot other counts of items tell of a change.
    let weak = storage("storage_mode", "IN_MEMORY_ANALYTICAL").later("SHOW STORAGE INFO", |answer| {
        answer.rows.iter_mut().filter(|row| row[0] == "vertex_count").for_each(|row| row[1] = json!(8));
    });
    assert!(dumped(&weak.start(), &[]).1.contains("the database changed while it was dumped"));
}

#[test]
fn the_ledger_of_a_run_is_not_data() {
    let node = |id: i64, label: &str| json!([{"$type": "struct", "tag": "0x4E", "fields": [id, [label], {"k": id}, id.to_string()]}]);
    let rows = vec![node(1, "__GraphFerry__"), node(2, "A")];
    let (found, _) = dumped(&one_node(json!(1)).with("MATCH (n) RETURN n", &["n"], rows).start(), &[]);
    assert_eq!(of_kind(&found, &["node"]), ["node 2 [41] 6b=integer:2"]);
}

#[test]
fn what_a_disk_storage_answers() {
    let script = Script::of("on-disk")
        .with("SHOW VERSION", &["version"], vec![json!(["3.6.2"])])
        .with("SHOW TRIGGERS", &["trigger name"], vec![])
        .with("SHOW ENUMS", &["Enum Name", "Enum Values"], vec![])
        .with("MATCH (n) RETURN n", &["n"], vec![])
        .with("MATCH ()-[r]->() RETURN r", &["r"], vec![])
        .with_names(&[], &[]);
    let (found, _) = dumped(&script.start(), &[]);
    assert_eq!(
        of_kind(&found, &["schema"]),
        [
            r#"schema index {"kind": "range", "labels": ["D"], "on": "node", "properties": ["a"]}"#,
            r#"schema index {"kind": "text", "labels": ["D"], "name": "dt", "on": "node", "properties": []}"#,
            r#"schema constraint {"kind": "existence", "label": "D", "on": "node", "properties": ["a"]}"#,
            r#"schema constraint {"kind": "unique", "label": "D", "on": "node", "properties": ["a"]}"#,
        ]
    );
}

#[test]
fn logins_and_names() {
    let server = Script::torture(5).start();
    let folder = tempfile::tempdir().unwrap();
    let dump = |url: &str, environment: &[(&str, &str)]| {
        let mut command = support::tool::command(folder.path());
        command
            .args(["dump", url, "-o", "out.jsonl", "--force"])
            .env_remove("GRAPHFERRY_PASSWORD")
            .envs(environment.iter().copied());
        let output = command.output().unwrap();
        support::tool::finish(&command, output)
    };
    dump(&server.url(), &[]);
    let done = dump(&server.url(), &[("GRAPHFERRY_TOKEN", "abc")]).expect(6);
    assert!(
        done.stderr.contains("Authentication failure (Memgraph.ClientError.Security.Unauthenticated); check the user"),
        "{}",
        done.stderr
    );
    let done = dump(&server.url().replace("memgraph://", "neo4j://"), &[]).expect(2);
    assert!(
        done.stderr.contains("is memgraph 3.6.2; write memgraph:// or bolt:// instead of neo4j://"),
        "{}",
        done.stderr
    );
    let mut script = Script::torture(5);
    script.versions = vec![(1, 0), (3, 0)];
    let server = script.start();
    let done = dump(&server.url(), &[]).expect(6);
    assert!(done.stderr.contains("refuses the Bolt versions 4.0 to 6.0"), "{}", done.stderr);
}

#[test]
fn the_servers_own_dump_is_another_way_to_read() {
    let server = Script::torture(5).start();
    let (found, told) = dumped(&server, &["--via", "dump"]);
    // The rows of the same record as a file. In it the schema comes behind the data, so that only the order of the facts differs.
    let records = records();
    let record = records.iter().find(|record| record["graph"] == "torture" && record["query"] == "DUMP DATABASE");
    let lines = record.unwrap()["rows"].as_array().unwrap().iter().map(|row| row[0].as_str().unwrap());
    let theirs = converted(&lines.collect::<Vec<_>>().join("\n"));
    let data = ["node", "relationship", "schema"];
    let sorted = |facts: &[String]| of_kind(facts, &data).into_iter().collect::<BTreeSet<_>>();
    assert_eq!(sorted(&found), sorted(&theirs));
    assert_eq!(of_kind(&found, &data).len(), 17 + 5 + 3 + 17 + 17 + 11);
    assert!(found[0].contains("\"snapshot\"") && found[0].contains("3.6.2"), "{}", found[0]);
    assert!(told.contains("writes floats without a fraction as integers"), "{told}");
    let asked: Vec<String> =
        server.heard().into_iter().filter(|heard| heard.tag == 0x10).map(|heard| heard.text).collect();
    assert_eq!(asked, ["SHOW VERSION", "SHOW STORAGE INFO", "DUMP DATABASE"]);

    // It loses what the rows keep, and verify says so.
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), ["dump", &server.url(), "-o", "rows.jsonl"]).expect(0);
    run(folder.path(), ["verify", &server.url(), "rows.jsonl", "--via", "dump"]).expect(7);

    let empty = Script::of("empty").start();
    let (found, _) = dumped(&empty, &["--via", "dump"]);
    assert_eq!(of_kind(&found, &data), Vec::<String>::new());

    let ledger = json!(["CREATE (:__mg_vertex__:`__GraphFerry__` {__mg_id__: 5, `k`: 1});"]);
    let data_of_user = json!(["CREATE (:__mg_vertex__:`A` {__mg_id__: 6, `k`: 1});"]);
    let script = Script::of("empty").with("DUMP DATABASE", &["QUERY"], vec![ledger, data_of_user]);
    let (found, _) = dumped(&script.start(), &["--via", "dump"]);
    assert_eq!(of_kind(&found, &["node"]), ["node 6 [41] 6b=integer:1"]);

    let told = failed(&Script::torture(5).failing("DUMP DATABASE", 30, Fault::Close).start(), 6, &["--via", "dump"]);
    assert!(told.contains("PEER closed the connection"), "{told}");
    let told = failed(
        &storage("storage_mode", "IN_MEMORY_ANALYTICAL").start(),
        4,
        &["--via", "dump", "--consistency", "snapshot"],
    );
    assert!(told.contains("PEER cannot promise snapshot"), "{told}");
}

#[test]
fn what_the_lists_leave_open_is_settled_by_the_dump_or_refused() {
    let indexes = |row: serde_json::Value, line: &str| {
        let columns = ["index type", "label", "property", "count"];
        one_node(json!(1)).with("SHOW INDEX INFO", &columns, vec![row]).with(
            "DUMP DATABASE",
            &["QUERY"],
            vec![json!(["CREATE (:__mg_vertex__:`A` {__mg_id__: 7, `k`: 1});"]), json!([line])],
        )
    };
    let dotted = json!(["label+property", "A", ["a.b"], 1]);
    for (line, expected) in [
        (
            "CREATE INDEX ON :`A`(`a.b`);",
            r#"schema index {"kind": "range", "labels": ["A"], "on": "node", "properties": ["a.b"]}"#,
        ),
        (
            "CREATE INDEX ON :`A`(`a`.`b`);",
            r#"schema index {"config": {"paths": [["a", "b"]]}, "kind": "range", "labels": ["A"], "on": "node", "properties": ["a.b"]}"#,
        ),
    ] {
        let (found, _) = dumped(&indexes(dotted.clone(), line).start(), &[]);
        assert_eq!(of_kind(&found, &["schema"]), [expected]);
    }
    let told = failed(&indexes(dotted.clone(), "CREATE INDEX ON :`A`(`c`);").start(), 4, &[]);
    assert!(told.contains("no statement of its dump does"), "{told}");
    let told = failed(&indexes(json!(["new kind", "A", "a", 1]), "CREATE NEW INDEX;").start(), 4, &[]);
    assert!(told.contains("the server has an index of the kind \"new kind\", which is not known here"), "{told}");
}
