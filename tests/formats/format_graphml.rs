//! GraphML: our own form loses nothing, others open it, and theirs is read as they mean it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

use crate::support;

use graphferry::format::{Decoder, DecoderOptions, Piece, decoder_with, graphml};
use graphferry::model::{Schema, Value};
use graphferry::volume::Input;
use graphferry::{Error, ErrorKind};
use proptest::prelude::*;
use std::io::Cursor;
use std::path::Path;
use std::process::Command;
use support::{Graph, Limits, Same, graph};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn dump(graph: &Graph) -> Vec<u8> {
    let graph = Graph { schema: Schema::default(), ..graph.clone() };
    support::dump::plain(&graphml::encoder(), &graph)
}

/// A file's graph and what its reader warns of.
fn read(bytes: &[u8]) -> Result<(Graph, Vec<String>), Error> {
    drain(decoder_with(Box::new(Cursor::new(bytes.to_vec())), &DecoderOptions::default())?)
}

fn drain(mut decoder: Box<dyn Decoder>) -> Result<(Graph, Vec<String>), Error> {
    let mut graph = Graph::default();
    while let Some(piece) = decoder.next()? {
        let Piece::Block(block) = piece else { panic!("{piece:?}") };
        graph.add(&block);
    }
    Ok((graph, decoder.warnings()))
}

fn fixture(name: &str) -> (Graph, Vec<String>) {
    read(&std::fs::read(root().join("fixtures/graphml").join(name)).unwrap()).unwrap()
}

/// Items as text: `Alice [] {"age":41}`.
fn lines(graph: &Graph) -> Vec<String> {
    let json = |map| serde_json::to_string(&Value::Map(map)).unwrap();
    let nodes = graph.nodes.iter().map(|(id, labels, map)| format!("{id} {labels:?} {}", json(map.clone())));
    let edges = graph.relationships.iter();
    let edges = edges.map(|(_, start, end, kind, map)| format!("{start}-{kind}->{end} {}", json(map.clone())));
    nodes.chain(edges).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn dumps_survive(graph in graph::graph(Limits::ALL)) {
        let bytes = dump(&graph);
        let (back, _) = read(&bytes).unwrap_or_else(|error| panic!("{error}\n{}", String::from_utf8_lossy(&bytes)));
        let mut expected = graph.clone();
        expected.schema = Schema::default();
        expected.assert_same(&back, Same::ALL);
        prop_assert_eq!(dump(&back), bytes, "what was read is written as it was");
    }

    /// No input makes the reader panic, and what it refuses has a place.
    #[test]
    fn damage_makes_no_panic(graph in graph::graph(Limits::ALL), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = dump(&graph);
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] = byte;
        }
        match read(&bytes) {
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::Corrupt, "{}", error),
            Ok(_) => prop_assert!(!cut || bytes.ends_with(b"</graphml>")),
        }
    }
}

#[test]
fn networkx_files_are_read() {
    let (graph, warnings) = fixture("networkx.graphml");
    let text = r#""a < b & \"c\"\nnext\tline""#;
    let expected = [
        format!(r#"-1 [] {{"age":41,"score":0.5,"active":true,"note":{text},"id":"Alice"}}"#),
        r#"-2 [] {"age":9007199254740993,"score":{"$float":"NaN"},"active":false,"empty":"","id":"Bob"}"#.into(),
        r#"-3 [] {"name":"seven","mixed":1,"id":"7"}"#.into(),
        r#"-4 [] {"mixed":"text","id":"é日😀"}"#.into(),
        r#"-1-RELATED->-2 {"weight":1.5,"kind":"knows"}"#.into(),
        r#"-1-RELATED->-2 {"weight":{"$float":"-Infinity"}}"#.into(),
        "-2-RELATED->-2 {}".into(),
        r#"-3-RELATED->-4 {"since":2020}"#.into(),
    ];
    assert_eq!(lines(&graph), expected);
    assert!(warnings.contains(&"4 edges have no type in the file, and got RELATED".to_owned()), "{warnings:?}");

    let (graph, warnings) = fixture("networkx-undirected.graphml");
    assert_eq!(lines(&graph), [r#"-1 [] {"id":"a"}"#, r#"-2 [] {"id":"b"}"#, r#"-1-RELATED->-2 {"weight":2}"#]);
    assert!(warnings.iter().any(|warning| warning.contains("without a direction")), "{warnings:?}");
}

#[test]
fn tinkerpop_files_are_read() {
    let (graph, _) = fixture("tinkerpop.graphml");
    let mut found = lines(&graph);
    found.sort();
    let mut expected = vec![
        r#"1 ["person"] {"age":29,"name":"marko"}"#.to_owned(),
        r#"2 ["person"] {"age":27,"name":"vadas"}"#.into(),
        r#"3 ["software"] {"lang":"java","name":"lop"}"#.into(),
        r#"4 ["person"] {"age":32,"name":"josh"}"#.into(),
        r#"5 ["software"] {"lang":"java","name":"ripple"}"#.into(),
        r#"6 ["person"] {"age":35,"name":"peter"}"#.into(),
        concat!(
            r#"100 ["all types"] {"boolean":true,"double":0.1,"empty":"","float":1.5,"infinite":{"$float":"-Infinity"},"integer":7,"#,
            r#""long":9007199254740993,"nan":{"$float":"NaN"},"text":"a < b & \"c\"\nnext\tline"}"#
        )
        .into(),
        r#"1-knows->2 {"weight":0.5}"#.into(),
        r#"1-knows->4 {"weight":1.0}"#.into(),
        r#"1-created->3 {"weight":0.4}"#.into(),
        r#"4-created->5 {"weight":1.0}"#.into(),
        r#"4-created->3 {"weight":0.4}"#.into(),
        r#"6-created->3 {"weight":0.2}"#.into(),
        r#"100-self->100 {"weight":0.25}"#.into(),
    ];
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn gephi_and_yed_files_are_read() {
    let (graph, warnings) = fixture("gephi.graphml");
    let expected = [
        r#"1 [] {"label":"First","size":10.0,"r":153,"Active":true,"id":"A 1"}"#,
        r#"2 [] {"label":"Second","size":2.5,"Active":false,"id":"A 2"}"#,
        r#"1-RELATED->2 {"Edge Label":"near","weight":0.5}"#,
        r#"2-RELATED->1 {"weight":1.0}"#,
    ];
    assert_eq!(lines(&graph), expected);
    assert!(warnings.iter().any(|warning| warning.contains("without a direction")), "{warnings:?}");

    let (graph, warnings) = fixture("yed.graphml");
    let expected = [
        r#"0 [] {"url":"http://example.org/?a=1&b=2","label":"Group & more","rank":1}"#,
        r#"-1 [] {"rank":7,"label":"Inside","id":"n0::n0"}"#,
        r#"-2 [] {"rank":1,"id":"n0::n1"}"#,
        r#"1 [] {"rank":1}"#,
        r#"-1-RELATED->1 {"label":"to"}"#,
        "-2-RELATED->-1 {}",
    ];
    assert_eq!(lines(&graph), expected);
    for told in ["graphs inside of nodes", "4 drawings", "1 ports"] {
        assert!(warnings.iter().any(|warning| warning.contains(told)), "{told}: {warnings:?}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let file = |body: &str| {
        format!(
            "<graphml xmlns=\"x\">\n<key id=\"k\" for=\"node\" attr.name=\"k\" attr.type=\"int\"/>\n<graph>\n{body}\n</graph></graphml>"
        )
    };
    for (body, line, part) in [
        ("<node id=\"a\"/><node id=\"a\"/>", 4, "occurs twice"),
        ("<node id=\"a\"/>\n<edge source=\"a\" target=\"b\"/>", 5, "not there"),
        ("<node id=\"a\"><data key=\"k\">1.5</data></node>", 4, "is no long"),
        ("<node id=\"a\"><data key=\"k\">9223372036854775808</data></node>", 4, "is no long"),
        ("<node id=\"a\"><data key=\"k\">1</data>\n<data key=\"k\">2</data></node>", 5, "comes twice"),
        ("<node id=\"a\" labels=\":A:A\"/>", 4, "comes twice"),
        ("<node id=\"a\"/><edge source=\"a\" target=\"a\"/>\n<node id=\"b\"/>", 5, "after the first edge"),
        ("<hyperedge/>", 4, "hyperedge"),
        ("<node id=\"a\">&unknown;</node>", 4, "&unknown;"),
        ("<node id=\"a\"></edge>", 4, "well-formed"),
        ("<node/>", 4, "no id"),
        ("text", 3, "text outside"),
    ] {
        let error = read(file(body).as_bytes()).unwrap_err();
        assert!(error.message().contains(part), "{body}: {error}");
        assert_eq!(error.position().map(|position| position.line), Some(line), "{body}: {error}");
    }
    for other in ["<html></html>", "<?xml version=\"1.0\" encoding=\"UTF-16\"?><graphml/>", "<!-- nothing -->"] {
        assert_eq!(read(other.as_bytes()).unwrap_err().kind(), ErrorKind::Corrupt, "{other}");
    }
}

/// The torture graph in the eyes of NetworkX: counts, and the name, type and value of every property.
#[test]
fn networkx_opens_what_we_write() {
    let path = root().join("fixtures/apoc/torture.jsonl.gz");
    let mut decoder = graphferry::format::decoder(Box::new(Input::open(path.to_str().unwrap()).unwrap())).unwrap();
    let mut graph = Graph::default();
    while let Some(piece) = decoder.next().unwrap() {
        if let Piece::Block(block) = piece {
            graph.add(&block);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ours.graphml");
    std::fs::write(&file, dump(&graph)).unwrap();
    let script = root().join("tests/witness/networkx_graphml.py");
    let output = Command::new(root().join("scripts/networkx")).arg("run").args([&script, &file]).output().unwrap();
    if output.status.code() == Some(3) {
        assert!(std::env::var_os("GRAPHFERRY_WITNESSES").is_none(), "scripts/networkx fetch was not run");
        eprintln!("left out: NetworkX is not here (scripts/networkx fetch)");
        return;
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["directed"], true);
    assert_eq!(told["nodes"].as_object().unwrap().len(), graph.nodes.len());
    assert_eq!(told["edges"].as_array().unwrap().len(), graph.relationships.len());

    let check = |said: &serde_json::Value, properties: &graphferry::model::Map, beside: usize| {
        let said = said.as_object().unwrap();
        let mut expected = beside;
        for (name, value) in properties {
            expected += 1;
            let (kind, text) = (said[name][0].as_str().unwrap(), said[name][1].as_str().unwrap());
            match value {
                Value::Boolean(value) => assert_eq!((kind, text), ("bool", if *value { "True" } else { "False" })),
                Value::Integer(value) => assert_eq!((kind, text), ("int", &*value.to_string())),
                Value::Float(value) => assert_eq!((kind, text), ("float", &*format!("{:016x}", value.to_bits()))),
                Value::String(value)
                    if !value.contains(|c: char| {
                        (c < ' ' && !"\t\n\r".contains(c)) || matches!(c, '\u{FFFE}' | '\u{FFFF}')
                    }) =>
                {
                    assert_eq!((kind, text), ("str", value.as_str()));
                }
                // What GraphML has no type for comes as the text that the document describes.
                value => {
                    let json = serde_json::to_value(value).unwrap();
                    let plain =
                        json.as_object().and_then(|object| object.values().next()).and_then(|text| text.as_str());
                    assert_eq!(kind, "str", "{name}");
                    let same_json = serde_json::from_str::<serde_json::Value>(text).is_ok_and(|text| text == json);
                    assert!(plain == Some(text) || same_json, "{text}: {json}");
                }
            }
        }
        assert_eq!(said.len(), expected, "{said:?}");
    };
    for (id, labels, properties) in &graph.nodes {
        let said = &told["nodes"][format!("n{id}")];
        if !labels.is_empty() {
            let joined: String = labels.iter().flat_map(|label| [":", label]).collect();
            assert_eq!(said["labels"][1], joined);
        }
        check(said, properties, usize::from(!labels.is_empty()));
    }
    let mut edges: Vec<_> = told["edges"].as_array().unwrap().iter().collect();
    for (id, start, end, kind, properties) in &graph.relationships {
        let ends = [format!("n{start}"), format!("n{end}")];
        let at = edges.iter().position(|edge| {
            let same =
                edge[0] == ends[0] && edge[1] == ends[1] && edge[2]["label"][1] == **kind && edge[2]["id"][1] != "x";
            same && properties.keys().all(|key| !edge[2][key].is_null())
                && edge[2]
                    .as_object()
                    .unwrap()
                    .keys()
                    .all(|key| properties.contains_key(key) || key == "label" || key == "id")
                && properties
                    .get("w")
                    .is_none_or(|w| edge[2]["w"][1].as_str() == Some(&*w.as_integer().unwrap().to_string()))
        });
        let edge = edges.swap_remove(at.unwrap_or_else(|| panic!("relationship {id} is not there")));
        let mut said = edge[2].clone();
        // The key of a multigraph's edge is its id.
        if said["id"][1] == format!("e{id}") {
            said.as_object_mut().unwrap().remove("id");
        }
        check(&said, properties, 1);
    }
}
