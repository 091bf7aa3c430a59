//! `verify` notices each single change of a graph, and nothing that is no change.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use std::path::Path;
use support::tool::run;

const NODES: [&str; 5] = [
    r#"{"node":1,"labels":["A","B"],"properties":{"x":1,"f":1.5,"s":"t","l":[1,2],"n":{"$float":"NaN"}}}"#,
    r#"{"node":2,"labels":["Twin"],"properties":{}}"#,
    r#"{"node":3,"labels":["Twin"],"properties":{}}"#,
    r#"{"node":4,"labels":[],"properties":{"where":"east"}}"#,
    r#"{"node":5,"labels":[],"properties":{"where":"west"}}"#,
];
const RELATIONSHIPS: [&str; 4] = [
    r#"{"relationship":1,"type":"R","start":1,"end":4,"properties":{"w":1}}"#,
    r#"{"relationship":2,"type":"R","start":2,"end":4,"properties":{}}"#,
    r#"{"relationship":3,"type":"R","start":3,"end":5,"properties":{}}"#,
    r#"{"relationship":4,"type":"S","start":2,"end":2,"properties":{}}"#,
];
const SCHEMA: [&str; 2] = [
    r#"{"schema":{"index":{"name":"i","kind":"fulltext","on":"node","labels":["A"],"properties":["s"],"config":{"fulltext.analyzer":"english"}}}}"#,
    r#"{"schema":{"constraint":{"name":"c","kind":"unique","on":"node","label":"A","properties":["x"]}}}"#,
];

fn text() -> String {
    NODES.iter().chain(&RELATIONSHIPS).chain(&SCHEMA).map(|line| format!("{line}\n")).collect()
}

fn verify(folder: &Path, a: &str, b: &str) -> i32 {
    std::fs::write(folder.join("a.jsonl"), a).unwrap();
    std::fs::write(folder.join("b.jsonl"), b).unwrap();
    let result = run(folder, ["verify", "a.jsonl", "b.jsonl"]);
    assert!(!result.stderr.contains("error"), "{}", result.stderr);
    result.code
}

#[test]
fn every_single_change_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let whole = text();
    for (from, to) in [
        (r#""x":1,"#, r#""x":1.0,"#),
        (r#""x":1,"#, r#""x":"1","#),
        (r#""x":1,"#, r#""x":2,"#),
        (r#""x":1,"#, r#""X":1,"#),
        (r#""x":1,"#, ""),
        (r#""x":1,"#, r#""x":1,"y":0,"#),
        (r#""f":1.5"#, r#""f":1.5000000000000002"#),
        (r#""l":[1,2]"#, r#""l":[2,1]"#),
        (r#""l":[1,2]"#, r#""l":[1.0,2.0]"#),
        (r#"{"$float":"NaN"}"#, "-0.0"),
        (r#"["A","B"]"#, r#"["A"]"#),
        (r#"["A","B"]"#, r#"["AB"]"#),
        (r#"["A","B"]"#, r#"["A","B","C"]"#),
        (r#""start":1,"end":4"#, r#""start":4,"end":1"#),
        (r#""start":1,"end":4"#, r#""start":1,"end":5"#),
        // One of two nodes that say the same has the loop.
        (r#""start":2,"end":2"#, r#""start":3,"end":3"#),
        (r#""start":2,"end":2"#, r#""start":2,"end":3"#),
        (r#""type":"S""#, r#""type":"R""#),
        (r#""w":1"#, r#""w":1.0"#),
        ("english", "swedish"),
        (r#""name":"c""#, r#""name":"d""#),
        (r#""kind":"fulltext""#, r#""kind":"text""#),
        (r#""label":"A""#, r#""label":"B""#),
        (NODES[1], ""),
        (SCHEMA[1], ""),
        (RELATIONSHIPS[1], ""),
    ] {
        // A node that goes takes its relationships along.
        let changed = whole.replacen(from, to, 1);
        let keep = |line: &&str| {
            !to.is_empty() || from != NODES[1] || !line.contains(r#":2,"end""#) && !line.contains(r#""start":2"#)
        };
        let changed: String =
            changed.lines().filter(|line| !line.is_empty()).filter(keep).map(|line| format!("{line}\n")).collect();
        assert_ne!(changed, whole, "{from}");
        assert_eq!(verify(folder.path(), &whole, &changed), 7, "{from} -> {to}");
        assert_eq!(verify(folder.path(), &changed, &whole), 7, "{to} -> {from}");
    }
    let parallel = r#"{"relationship":9,"type":"R","start":2,"end":4,"properties":{}}"#;
    let twice = whole.replace(RELATIONSHIPS[1], &format!("{}\n{parallel}", RELATIONSHIPS[1]));
    assert_eq!(verify(folder.path(), &whole, &twice), 7);
    let further = twice.replace(r#""start":2,"end":4,"properties":{}}"#, r#""start":3,"end":4,"properties":{}}"#);
    assert_eq!(verify(folder.path(), &twice, &further), 7);
}

#[test]
fn ids_and_orders_are_no_change() {
    let folder = tempfile::tempdir().unwrap();
    let whole = text();
    let other = whole
        .replace(r#"["A","B"]"#, r#"["B","A"]"#)
        .replace(r#""x":1,"f":1.5,"#, r#""f":1.5,"x":1,"#)
        .replace("\"NaN\"", "\"NaN:fff8000000000001\"");
    assert_eq!(verify(folder.path(), &whole, &other), 0);
    let mut lines: Vec<_> = whole.lines().collect();
    lines[..5].reverse();
    lines[5..9].reverse();
    lines[9..].reverse();
    assert_eq!(verify(folder.path(), &whole, &lines.join("\n")), 0);
    let renumbered = (1..=5).fold(whole.clone(), |text, id| {
        ["node", "start", "end"]
            .iter()
            .fold(text, |text, key| text.replace(&format!("\"{key}\":{id},"), &format!("\"{key}\":{},", -1000 * id)))
    });
    assert_eq!(verify(folder.path(), &whole, &renumbered), 0);
}

/// Two chains whose far ends are exchanged: every node has the same neighbours as before, and its neighbours say the same.
#[test]
fn an_exchange_that_no_neighbour_sees_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for (id, name) in ["a", "-", "-", "-", "b", "c", "-", "-", "-", "d"].iter().enumerate() {
        text += &format!("{{\"node\":{id},\"labels\":[\"N\"],\"properties\":{{\"name\":\"{name}\"}}}}\n");
    }
    for (id, (start, end)) in [(0, 1), (1, 2), (2, 3), (3, 4), (5, 6), (6, 7), (7, 8), (8, 9)].iter().enumerate() {
        text +=
            &format!("{{\"relationship\":{id},\"type\":\"T\",\"start\":{start},\"end\":{end},\"properties\":{{}}}}\n");
    }
    let exchanged = text
        .replace("\"start\":3,\"end\":4", "\"start\":3,\"end\":9#")
        .replace("\"start\":8,\"end\":9,", "\"start\":8,\"end\":4,")
        .replace("9#", "9");
    assert_ne!(text, exchanged);
    assert_eq!(verify(folder.path(), &text, &exchanged), 7);
    assert_eq!(verify(folder.path(), &text, &text), 0);
}
