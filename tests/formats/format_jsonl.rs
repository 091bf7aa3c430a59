//! The JSONL format: round trips, every way to write the same, and what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use graphferry::format::{Decoder, Encoder, Piece, Statement, jsonl};
use graphferry::model::{Cursor, Schema, Value, json};
use graphferry::{Error, ErrorKind};
use proptest::prelude::*;
use support::arbitrary::{nan, value};
use support::dump::{header, statement};
use support::{Graph, Limits, Same, graph};

fn dump(graph: &Graph, block_size: usize) -> Vec<u8> {
    support::dump::dump(&jsonl::encoder(), graph, block_size)
}

fn open(bytes: &[u8]) -> Result<Box<dyn Decoder>, Error> {
    jsonl::decoder(Box::new(std::io::Cursor::new(bytes.to_vec())))
}

/// What a dump held, and the decoder at its end.
type Whole = (Graph, Vec<Statement>, Box<dyn Decoder>);

/// Reads everything; the decoder comes back for its trailer and warnings.
fn read(bytes: &[u8]) -> Result<Whole, Error> {
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

/// Everything that the reader must refuse, a file each, with the message beside it.
#[test]
fn broken_dumps_are_refused_in_these_words() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/broken");
    let mut names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let dumps = names.iter().filter_map(|name| name.to_str()).filter(|name| name.starts_with("jsonl-"));
    let dumps: Vec<_> = dumps.filter(|name| name.ends_with(".jsonl")).collect();
    assert!(dumps.len() >= 60, "the fixtures are there");
    let mut wrong = Vec::new();
    for name in dumps {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let expected = std::fs::read_to_string(folder.join(name).with_extension("expected")).unwrap_or_default();
        let found = match read(&bytes) {
            Ok(_) => "it was read".to_owned(),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}");
                error.report()
            }
        };
        if found != expected.trim_end() {
            wrong.push(format!("{name}\n   found: {found}\nexpected: {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn nested(depth: usize, open: &str, close: &str) -> String {
    format!("{}{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn depth_is_bounded_the_same_everywhere() {
    for (open, close) in
        [("[", "]"), ("{\"a\":", "}"), ("{\"$map\":{\"$a\":", "}}"), ("{\"$structure\":{\"tag\":1,\"fields\":[", "]}}")]
    {
        let last = if open.ends_with('[') { "" } else { "1" };
        let text = |depth| nested(depth, open, close).replacen(&close[..1], &format!("{last}{}", &close[..1]), 1);
        let mut bytes = Vec::new();
        json::read(&text(256), &mut bytes).unwrap();
        Cursor::new(&bytes).check().unwrap();
        let mut back = Vec::new();
        json::write(&mut Cursor::new(&bytes), &mut back).unwrap();
        assert_eq!(String::from_utf8(back).unwrap(), text(256));
        for depth in [257, 10_000, 1_000_000] {
            let error = json::read(&text(depth), &mut Vec::new()).unwrap_err();
            assert_eq!(error.report(), "a value is nested deeper than 256 levels");
        }
        // One level around what is allowed, made without the reader.
        let wrapped = [&[0x91], bytes.as_slice()].concat();
        assert!(Cursor::new(&wrapped).check().is_err());
        assert!(json::write(&mut Cursor::new(&wrapped), &mut Vec::new()).is_err());
    }
    // In a dump the object of the properties is the first level.
    let line = |depth| format!("{{\"node\":1,\"properties\":{{\"a\":{}}}}}\n", nested(depth, "[", "]"));
    assert!(read(line(255).as_bytes()).is_ok());
    let error = read(line(10_000).as_bytes()).err().unwrap();
    assert_eq!(error.report(), "line 1, byte 283: a value is nested deeper than 256 levels");
    let line = format!("{{\"schema\":{}}}\n", nested(10_000, "[", "]"));
    let error = read(format!("{{\"node\":1}}\n{line}").as_bytes()).err().unwrap();
    assert_eq!(error.report(), "line 2, byte 277: a value is nested deeper than 256 levels");
}

#[test]
fn what_has_no_text_is_not_written() {
    use graphferry::model::temporal::{DateTime, LocalDateTime, LocalTime, Time};
    for (value, message) in [
        (Value::LocalTime(LocalTime { nanoseconds: -1 }), "-1 nanoseconds after midnight are not a time of day"),
        (
            Value::LocalTime(LocalTime { nanoseconds: 86_400_000_000_000 }),
            "86400000000000 nanoseconds after midnight are not a time of day",
        ),
        (Value::Time(Time { nanoseconds: 0, offset: 86_400 }), "86400 seconds are not an offset from UTC"),
        (
            Value::DateTime(DateTime { seconds: 0, nanoseconds: 0, offset: i32::MIN }),
            "-2147483648 seconds are not an offset from UTC",
        ),
        (
            Value::LocalDateTime(LocalDateTime { seconds: i64::MIN, nanoseconds: 0 }),
            "-9223372036854775808 seconds since 1970 have no date",
        ),
    ] {
        let graph =
            Graph { nodes: vec![(7, vec![], [("a b".to_owned(), value)].into_iter().collect())], ..Graph::default() };
        let [block] = graph.blocks(1).try_into().unwrap();
        let error = jsonl::encoder().block(&block, &mut Vec::new()).unwrap_err();
        assert_eq!(error.report(), format!("node 7, property \"a b\": {message}"));
    }
}

#[test]
fn values_are_written_like_this() {
    for text in [
        "null",
        "-9223372036854775808",
        "-0.0",
        "1e300",
        "0.1",
        "{\"$float\":\"NaN\"}",
        "{\"$float\":\"NaN:fff8000000000001\"}",
        "{\"$float\":\"-Infinity\"}",
        "\"a\\u0000\\u001b\\n\\r\\t\\\"\\\\/\\u007f\\u0085\\u009f\u{a0}\u{2028}é𝄞\"",
        "[1,[],{}]",
        "{\"a\":{\"$map\":{\"b\":1,\"$c\":2}}}",
        "{\"$bytes\":\"AAH/\"}",
        "{\"$date\":\"-999999999-01-01\"}",
        "{\"$localTime\":\"23:59:59.999999999\"}",
        "{\"$time\":\"12:34:56.000000001+05:30\"}",
        "{\"$localDateTime\":\"0000-02-29T00:00:00\"}",
        "{\"$dateTime\":\"2024-02-29T23:59:59.123456789-00:00:30\"}",
        "{\"$dateTime\":\"2024-10-27T01:30:00Z[Europe/Stockholm]\"}",
        "{\"$dateTime\":\"2024-10-27T01:30:00Z[a\\\"]]\"}",
        "{\"$duration\":[9223372036854775807,-3,5,-999999999]}",
        "{\"$point\":{\"srid\":4326,\"x\":12.5,\"y\":-33.25}}",
        "{\"$point\":{\"srid\":9157,\"x\":{\"$float\":\"NaN\"},\"y\":0.0,\"z\":-0.0}}",
        "{\"$vector\":{\"type\":\"f32\",\"values\":[0.1,16777216.0,{\"$float\":\"NaN:ffc00000\"},{\"$float\":\"Infinity\"}]}}",
        "{\"$vector\":{\"type\":\"i8\",\"values\":[-128,127]}}",
        "{\"$enum\":\"Status::Good\"}",
        "{\"$structure\":{\"tag\":63,\"fields\":[\"x\",{\"$date\":\"2024-02-29\"}]}}",
    ] {
        let mut bytes = Vec::new();
        json::read(text, &mut bytes).unwrap();
        let mut back = Vec::new();
        json::write(&mut Cursor::new(&bytes), &mut back).unwrap();
        assert_eq!(String::from_utf8(back).unwrap(), text);
    }
    // Other spellings of the same.
    for (text, ours) in [
        ("{\"\\u0024date\":\"2024-02-29\"}", "{\"$date\":\"2024-02-29\"}"),
        (
            "{\"$vector\":{\"values\":[1,2.5],\"type\":\"f64\"}}",
            "{\"$vector\":{\"type\":\"f64\",\"values\":[1.0,2.5]}}",
        ),
        ("{\"$structure\":{\"fields\":[1],\"tag\":9}}", "{\"$structure\":{\"tag\":9,\"fields\":[1]}}"),
        ("{\"$point\":{\"y\":2,\"x\":1,\"srid\":7203}}", "{\"$point\":{\"srid\":7203,\"x\":1.0,\"y\":2.0}}"),
        ("{\"$map\":{\"a\":1}}", "{\"a\":1}"),
        ("\"\\ud834\\udd1e\\/\\b\\f\"", "\"𝄞/\\u0008\\u000c\""),
        ("1E+2", "100.0"),
    ] {
        let mut bytes = Vec::new();
        json::read(text, &mut bytes).unwrap();
        let mut back = Vec::new();
        json::write(&mut Cursor::new(&bytes), &mut back).unwrap();
        assert_eq!(String::from_utf8(back).unwrap(), ours);
    }
}
