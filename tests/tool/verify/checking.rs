//! `check` finds what is wrong with a dump, all of it, and says where.

use super::support::Graph;
use super::support::dump::{graph_of, plain};
use super::support::tool::run;
use graphferry::check::{Kind, Limits, check};
use graphferry::feed::DumpFeed;
use graphferry::filter::Filter;
use graphferry::format::{decoder, jsonl};
use graphferry::model::Value;
use graphferry::observe::{Silent, Stop, Watch};
use std::io::Cursor;

const LINES: [&str; 11] = [
    r#"{"node":1,"labels":["A"],"properties":{"x":1}}"#,
    r#"{"node":2,"labels":[""],"properties":{"räksmörgås":"å","m":{"a":1}}}"#,
    r#"{"node":1,"labels":["A"],"properties":{"b":{"$bytes":"AAE="}}}"#,
    r#"{"node":3,"labels":["A"],"properties":{"t":{"$localDateTime":"2024-02-29T23:59:59.000000001"}}}"#,
    r#"{"relationship":1,"type":"R","start":1,"end":2,"properties":{}}"#,
    r#"{"relationship":2,"type":"R","start":7,"end":2,"properties":{}}"#,
    r#"{"relationship":1,"type":"R","start":2,"end":3,"properties":{}}"#,
    r#"{"relationship":4,"type":"R","start":8,"end":9,"properties":{"":2}}"#,
    r#"{"schema":{"index":{"name":"i","kind":"label","on":"node","labels":["A"],"properties":[]}}}"#,
    r#"{"schema":{"index":{"name":"l","kind":"lookup","on":"node","labels":[],"properties":[]}}}"#,
    "",
];

/// Kind, line, record and what the message has to hold.
type Expected<'a> = (&'a str, Option<u64>, Option<u64>, &'a str);

fn findings(more: &[&str], expected: &[Expected<'_>]) {
    let folder = tempfile::tempdir().unwrap();
    let text = LINES.join("\n");
    std::fs::write(folder.path().join("bad.jsonl"), &text).unwrap();
    let words: Vec<&str> = ["check", "bad.jsonl", "--json"].iter().chain(more).copied().collect();
    let told = run(folder.path(), words).expect(5);
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["sound"], false);
    let found = told["report"]["findings"].as_array().unwrap();
    let mut left = expected.to_vec();
    for finding in found {
        let message = finding["message"].as_str().unwrap();
        let at = left.iter().position(|(kind, line, record, text)| {
            finding["kind"] == *kind
                && finding["line"].as_u64() == *line
                && finding["record"].as_u64() == *record
                && message.contains(text)
        });
        let at = at.unwrap_or_else(|| panic!("not expected: {finding}"));
        let (.., line, _, _) = left.remove(at);
        if let (Some(line), Some(byte)) = (line, finding["byte"].as_u64()) {
            assert!(text[byte as usize..].starts_with(LINES[line as usize - 1]), "{finding}");
        }
        assert_eq!(line.is_some(), finding["byte"].is_u64(), "{finding}");
    }
    assert!(left.is_empty(), "not found: {left:?}");
}

const ALWAYS: [Expected<'_>; 5] = [
    ("duplicate-id", Some(3), Some(3), "node id 1"),
    ("dangling-end", Some(6), Some(6), "starts at node 7"),
    ("duplicate-id", Some(7), Some(7), "relationship id 1"),
    ("dangling-end", Some(8), Some(8), "starts at node 8"),
    ("dangling-end", Some(8), Some(8), "ends at node 9"),
];

#[test]
fn every_finding_has_its_place() {
    findings(&[], &ALWAYS);
    let mut neo4j = ALWAYS.to_vec();
    neo4j.extend([
        ("name", Some(2), Some(2), "\"\""),
        ("value", Some(2), Some(2), "of type map"),
        ("name", Some(8), Some(8), "property key \"\""),
        ("schema", None, Some(1), "label index"),
    ]);
    findings(&["--for", "neo4j:5.26"], &neo4j);
    let mut memgraph = ALWAYS.to_vec();
    memgraph.extend([
        ("value", Some(3), Some(3), "of type bytes"),
        ("value", Some(4), Some(4), "finer than a microsecond"),
        ("schema", None, Some(2), "lookup index"),
    ]);
    findings(&["--for", "memgraph"], &memgraph);
    findings(&["--for", "sqlite"], &ALWAYS);
}

/// Any graph gets HugeGraph's shape on its way, and what that costs is told; one that has its schema has to be what the schema says.
#[test]
fn what_hugegraph_cannot_hold_is_told() {
    let mut expected = ALWAYS.to_vec();
    expected.extend([
        ("name", Some(2), Some(2), "the name \"\""),
        ("value", Some(2), Some(2), "of type map"),
        ("value", Some(4), Some(4), "local-date-time"),
        ("name", Some(8), Some(8), "property key \"\""),
        ("schema", None, Some(1), "label index"),
        ("schema", None, Some(2), "lookup index"),
    ]);
    findings(&["--for", "hugegraph"], &expected);
    let folder = tempfile::tempdir().unwrap();
    let several = [
        r#"{"node":1,"labels":["A","B"],"properties":{"x":1}}"#,
        r#"{"node":2,"labels":["C"],"properties":{"x":"one"}}"#,
        r#"{"relationship":1,"type":"R","start":1,"end":2,"properties":{}}"#,
        r#"{"relationship":2,"type":"R","start":1,"end":2,"properties":{}}"#,
    ];
    std::fs::write(folder.path().join("graph.jsonl"), several.join("\n")).unwrap();
    let told = run(folder.path(), ["check", "graph.jsonl", "--for", "hugegraph:1.5"]).expect(5).text();
    for said in ["labels :A:B together", "property x, which are", "same ends as another", "--reversible"] {
        assert!(told.contains(said), "{said}: {told}");
    }
    // In HugeGraph's shape it can hold all of it.
    run(folder.path(), ["convert", "graph.jsonl", "backup", "--format", "hugegraph", "--reversible"]).expect(0);
    run(folder.path(), ["convert", "backup", "shaped.jsonl"]).expect(0);
    let told = run(folder.path(), ["check", "shaped.jsonl", "--for", "hugegraph"]).expect(0).text();
    assert!(told.contains("HugeGraph can hold all of it"), "{told}");
    // And then everything is held against the schema.
    let sound = graph_of(&std::fs::read(folder.path().join("shaped.jsonl")).unwrap());
    let wrong = |change: &dyn Fn(&mut Graph), said: &str| {
        let mut graph = sound.clone();
        change(&mut graph);
        std::fs::write(folder.path().join("wrong.jsonl"), plain(&jsonl::encoder(), &graph)).unwrap();
        let told = run(folder.path(), ["check", "wrong.jsonl", "--for", "hugegraph"]).expect(5).text();
        assert!(told.contains(said), "{said}: {told}");
    };
    let set = |graph: &mut Graph, key: &str, value: Value| _ = graph.nodes[0].2.insert(key.to_owned(), value);
    wrong(&|graph| set(graph, "x", Value::from("one")), "item: line ");
    wrong(
        &|graph| set(graph, "x", Value::from("one")),
        "LONG, which cannot hold a string".replace("LONG", "Long").as_str(),
    );
    wrong(&|graph| set(graph, "y", Value::Integer(1)), "has no property \"y\"");
    wrong(&|graph| set(graph, "~id", Value::from("one")), "as its id");
    wrong(&|graph| graph.nodes[0].1.push("C".to_owned()), "it has 2 labels");
    wrong(&|graph| graph.nodes[0].1[0] = "Z".to_owned(), "no vertex label \"Z\"");
    wrong(&|graph| _ = graph.nodes[0].2.shift_remove("x"), "demands the property \"x\"");
    wrong(&|graph| _ = graph.nodes[0].2.shift_remove("~id"), "need an id");
    wrong(&|graph| graph.relationships[0].3 = "S".to_owned(), "no edge label \"S\"");
    wrong(&|graph| set(graph, "a:b", Value::Integer(1)), "name: ");
}

#[test]
fn many_findings_are_counted_and_some_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let text: String = (0..20_000)
        .map(|id| format!("{{\"relationship\":{id},\"type\":\"R\",\"start\":1,\"end\":2,\"properties\":{{}}}}\n"))
        .collect();
    let text = format!("{{\"node\":1,\"labels\":[],\"properties\":{{}}}}\n{text}");
    std::fs::write(folder.path().join("bad.jsonl"), text).unwrap();
    let told = run(folder.path(), ["check", "bad.jsonl", "--limit", "3"]).expect(5).text();
    assert_eq!(told.matches("ends at node 2").count(), 3, "{told}");
    assert!(told.contains("19997 more") && told.contains("not sound: 20000 dangling-end"), "{told}");
    // The place of one far behind the first block.
    let told = run(folder.path(), ["check", "bad.jsonl", "--limit", "20000"]).expect(5).text();
    assert!(told.contains("line 20001, record 20001, byte "), "{}", &told[told.len() - 300..]);
}

/// Every byte of a dump changed, and every way of cutting it off: `check` finds it.
#[test]
fn no_damage_passes() {
    let folder = tempfile::tempdir().unwrap();
    let sound: Vec<&str> = [0, 3, 8].into_iter().map(|at| LINES[at]).collect();
    std::fs::write(folder.path().join("hand.jsonl"), sound.join("\n")).unwrap();
    run(folder.path(), ["convert", "hand.jsonl", "whole.jsonl"]).expect(0);
    let whole = std::fs::read(folder.path().join("whole.jsonl")).unwrap();
    let told = run(folder.path(), ["check", "whole.jsonl"]).expect(0).text();
    assert!(told.contains("sound: its trailer agrees"), "{told}");
    let is_sound = |bytes: Vec<u8>| {
        let Ok(decoder) = decoder(Box::new(Cursor::new(bytes))) else { return false };
        let mut feed = DumpFeed::new(decoder, "it", Filter::default());
        let stop = Stop::default();
        let watch = Watch { stop: &stop, observer: &Silent };
        let report = check(&mut feed, &[], Limits::default(), watch).unwrap();
        assert!(report.totals.keys().all(|kind| *kind == Kind::Damage));
        report.is_sound() && report.is_proved
    };
    assert!(is_sound(whole.clone()));
    for size in 0..whole.len() - 1 {
        assert!(!is_sound(whole[..size].to_vec()), "cut off behind {size} bytes");
    }
    let trailer = whole.windows(10).position(|bytes| bytes == b"{\"trailer\"").unwrap();
    for at in 0..trailer {
        for change in [1, 0x20, 0x80] {
            let mut changed = whole.clone();
            changed[at] ^= change;
            assert!(!is_sound(changed), "byte {at} changed by {change}");
        }
    }
    // A head that is damaged is told like everything else.
    let text = String::from_utf8(whole).unwrap().replacen("{\"", "{\"no such ", 1);
    std::fs::write(folder.path().join("head.jsonl"), text).unwrap();
    let told = run(folder.path(), ["check", "head.jsonl", "--json"]).expect(5);
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["report"]["findings"][0]["kind"], "damage");
    assert_eq!(told["report"]["findings"][0]["line"], 1);
}
