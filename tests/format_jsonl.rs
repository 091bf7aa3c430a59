//! The JSONL format: round trips, every way to write the same, and what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use graphferry::format::{Decoder, Encoder, Piece, Statement, Wrote, jsonl};
use graphferry::model::header::Origin;
use graphferry::model::tally::Counter;
use graphferry::model::{Consistency, Cursor, Header, Schema, Trailer, Value, json};
use graphferry::{Error, ErrorKind};
use proptest::prelude::*;
use support::arbitrary::{nan, value};
use support::{Graph, Limits, Same, graph};

fn header() -> Header {
    Header {
        tool: "graphferry test".into(),
        source: Origin { product: "neo4j".into(), version: "5.26.0".into(), ..Origin::default() },
        created: "2024-02-29T12:00:00Z".into(),
        consistency: Consistency::Snapshot,
        filters: vec!["--include-label \"A\"".into()],
    }
}

/// A whole dump, as the verbs write it: the last object of the schema comes late, and a statement lies between nodes and relationships.
fn dump(graph: &Graph, block_size: usize) -> Vec<u8> {
    let encoder = jsonl::encoder();
    let mut counter = Counter::default();
    let (early, late) = graph.schema.objects.split_at(graph.schema.objects.len().div_ceil(2));
    let [early, late] = [early, late].map(|objects| Schema { objects: objects.to_vec() });
    let mut out = Vec::new();
    encoder.begin(&header(), &early, &mut out).unwrap();
    graph.schema.objects.iter().for_each(|object| counter.object(object));
    let mut class = None;
    for block in graph.blocks(block_size) {
        if class != Some(block.class()) {
            encoder.open(block.class(), &mut out).unwrap();
            encoder.statement(&statement(0), &mut out).unwrap();
            counter.statement();
            class = Some(block.class());
        }
        encoder.block(&block, &mut out).unwrap();
        counter.block(&block).unwrap();
    }
    let wrote = Wrote { nodes: !graph.nodes.is_empty(), relationships: !graph.relationships.is_empty() };
    encoder.finish(&early, &late, wrote, &mut out).unwrap();
    let blake3 = blake3::hash(&out).to_hex().to_string();
    let trailer = Trailer { tally: counter.tally(), source_changed: Some(false), blake3 };
    encoder.trailer(&trailer, &mut out).unwrap();
    out
}

fn statement(line: u64) -> Statement {
    Statement { text: "CALL x(\"\n\")".into(), line }
}

fn open(bytes: &[u8]) -> Result<Box<dyn Decoder>, Error> {
    jsonl::decoder(Box::new(std::io::Cursor::new(bytes.to_vec())))
}

/// Reads everything; the decoder comes back for its trailer and warnings.
fn read(bytes: &[u8]) -> Result<(Graph, Vec<Statement>, Box<dyn Decoder>), Error> {
    let mut decoder = open(bytes)?;
    let (mut graph, mut statements) = (Graph::default(), Vec::new());
    while let Some(piece) = decoder.next()? {
        match piece {
            Piece::Block(block) => graph.add(&block),
            Piece::Object(object) => graph.schema.objects.push(object),
            Piece::Statement(statement) => statements.push(statement),
            other => panic!("a new kind of piece: {other:?}"),
        }
    }
    Ok((graph, statements, decoder))
}

fn text(value: &Value) -> String {
    let mut out = Vec::new();
    json::write(&mut Cursor::new(&value.to_packstream()), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn values_survive(value in prop_oneof![9 => value(Limits::ALL), 1 => nan().prop_map(Value::Float)]) {
        let bytes = value.to_packstream();
        let text = text(&value);
        prop_assert!(!text.contains(|c: char| c.is_control()), "one line without control characters: {text:?}");
        let mut back = Vec::new();
        json::read(&text, &mut back).unwrap();
        prop_assert_eq!(&back, &bytes, "{}", &text);
        // serde writes the same text, and reads it.
        prop_assert_eq!(&serde_json::to_string(&value).unwrap(), &text);
        let back: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(back.to_packstream(), bytes.clone());
        let back: Value = serde_json::from_reader(text.as_bytes()).unwrap();
        prop_assert_eq!(back.to_packstream(), bytes);
        // A reader of JSON that is not ours agrees that it is JSON.
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
    }

    #[test]
    fn dumps_survive(graph in graph::graph(Limits::ALL), size in 1_usize..5) {
        let bytes = dump(&graph, size);
        prop_assert_eq!(&bytes, &dump(&graph, 100), "the size of blocks leaves no trace");
        let (back, statements, decoder) = read(&bytes).unwrap();
        graph.assert_same(&back, Same::ALL);
        prop_assert_eq!(decoder.header(), &header());
        prop_assert_eq!(decoder.trailer().map(|trailer| trailer.source_changed), Some(Some(false)));
        prop_assert_eq!(decoder.warnings(), Vec::<String>::new());
        let expected = usize::from(!graph.nodes.is_empty()) + usize::from(!graph.relationships.is_empty());
        prop_assert_eq!(statements.len(), expected);
        for found in statements {
            prop_assert_eq!(&found, &statement(found.line));
        }
        prop_assert_eq!(dump(&back, 3), bytes, "what was read is written as it was");
    }

    /// The same dump in the hands of a stranger: other order of keys, white space, escapes for everything, CRLF, blank lines, no header.
    #[test]
    fn foreign_spellings_are_the_same(graph in graph::graph(Limits::ALL)) {
        let ours = String::from_utf8(dump(&graph, 100)).unwrap();
        let mut foreign = "\r\n  \n".to_owned();
        for line in ours.lines().skip(1).filter(|line| line.starts_with("{\"node\"") || line.starts_with("{\"relationship\"")) {
            foreign.push_str(&respell(line));
            foreign.push_str("\r\n\r\n");
        }
        let mut expected = graph.clone();
        expected.schema = Schema::default();
        if expected.nodes.is_empty() {
            return Ok(());
        }
        let (back, _, decoder) = read(foreign.as_bytes()).unwrap();
        expected.assert_same(&back, Same::ALL);
        prop_assert!(decoder.trailer().is_none());
        prop_assert_eq!(decoder.warnings(), [
            "the dump has no header: it is read as made by hand",
            "the dump has no trailer: nothing tells whether it is complete",
        ]);
    }

    /// No input makes the reader panic, and no damage goes unseen.
    #[test]
    fn damage_is_seen(graph in graph::graph(Limits::ALL), at in any::<prop::sample::Index>(), bit in 0..8_u8, cut in any::<bool>()) {
        let mut bytes = dump(&graph, 100);
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
            if bytes.len() + 1 == dump(&graph, 100).len() {
                return Ok(());
            }
        } else {
            bytes[at] ^= 1_u8 << bit;
        }
        match read(&bytes) {
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::Corrupt, "{}", error),
            // Damage in the trailer's own line may be harmless: a hash in capitals, a count of values.
            Ok(_) => prop_assert!(!cut && at > bytes.len() - bytes.rsplitn(3, |b| *b == b'\n').nth(1).unwrap().len() - 2),
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[\\[\\]{}\",:$0-9eE+.a-z\\\\ -]{0,40}") {
        let mut out = Vec::new();
        if json::read(&text, &mut out).is_ok() {
            let mut cursor = Cursor::new(&out);
            cursor.check().unwrap();
            prop_assert!(cursor.is_at_end());
            serde_json::from_str::<serde_json::Value>(&text).unwrap();
        }
    }
}

/// Writes a line of JSON otherwise: the top level's keys in reverse, spaces everywhere, every character of strings escaped.
fn respell(line: &str) -> String {
    fn escape(text: &str) -> String {
        text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect()
    }
    let mut out = String::new();
    let mut rest = line;
    let mut parts = Vec::new();
    let mut depth = 0;
    while let Some(next) = rest.chars().next() {
        if next == '"' {
            // The serde_json reader finds the end of the string.
            let mut strings = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let string = strings.next().unwrap().unwrap();
            rest = &rest[strings.byte_offset()..];
            out.push_str(&format!("\t\"{}\" ", escape(&string)));
            continue;
        }
        rest = &rest[next.len_utf8()..];
        match next {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ => {}
        }
        match (next, depth) {
            (',', 1) => parts.push(std::mem::take(&mut out)),
            ('{', 1) | ('}', 0) => {}
            (',' | ':' | '[' | ']' | '{' | '}', _) => out.push_str(&format!(" {next}  ")),
            _ => out.push(next),
        }
    }
    parts.push(out);
    parts.reverse();
    format!(" {{ {} }} ", parts.join(" , "))
}
