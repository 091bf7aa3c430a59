//! The JSONL format in the eyes of others: a reader in Python that was written from docs/format.md alone, the zstd and gzip programs, and
//! the document's own examples. What is not installed is not asked, but CI has all three (`GRAPHFERRY_WITNESSES=all`).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use graphferry::format::{Piece, jsonl};
use graphferry::model::packstream::VectorType;
use graphferry::model::{Cursor, Map, SchemaObject, Value, json};
use graphferry::volume::{Compression, Input};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::process::{Command, Stdio};
use support::{Graph, Limits, dump, graph};

const WITNESS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/witness/read_jsonl.py");

/// Runs a program over some input; `None` when it is not there.
fn run(program: &str, arguments: &[&str], input: Vec<u8>) -> Option<(bool, Vec<u8>, String)> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            assert!(std::env::var_os("GRAPHFERRY_WITNESSES").is_none(), "{program}: {error}");
            return None;
        }
    };
    let mut stdin = child.stdin.take().unwrap();
    // A reader that refuses early closes the pipe; its message tells why.
    let feeder = std::thread::spawn(move || _ = stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    Some((output.status.success(), output.stdout, String::from_utf8_lossy(&output.stderr).into_owned()))
}

fn python(dump: Vec<u8>) -> Option<(bool, Vec<u8>, String)> {
    run("python3", &[WITNESS], dump)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn words(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { hex(text.as_bytes()) }
}

fn pairs(map: &Map) -> Vec<String> {
    map.iter().map(|(key, value)| format!("{}={}", words(key), canonical(value))).collect()
}

/// What the witness prints for a value, made from the value itself.
fn canonical(value: &Value) -> String {
    let bits = |x: f64| format!("{:016x}", x.to_bits());
    let all = |values: &[Value]| values.iter().map(canonical).collect::<Vec<_>>().join(" ");
    match value {
        Value::Null => "null".into(),
        Value::Boolean(value) => format!("boolean:{value}"),
        Value::Integer(value) => format!("integer:{value}"),
        Value::Float(value) => format!("float:{}", bits(*value)),
        Value::Bytes(bytes) => format!("bytes:{}", hex(bytes)),
        Value::String(text) => format!("string:{}", words(text)),
        Value::List(values) => format!("list:[{}]", all(values)),
        Value::Map(map) => format!("map:{{{}}}", pairs(map).join(" ")),
        Value::Date(date) => format!("date:{}", date.days),
        Value::LocalTime(time) => format!("local-time:{}", time.nanoseconds),
        Value::Time(time) => format!("time:{},{}", time.nanoseconds, time.offset),
        Value::LocalDateTime(moment) => format!("local-date-time:{},{}", moment.seconds, moment.nanoseconds),
        Value::DateTime(moment) => format!("date-time:{},{},{}", moment.seconds, moment.nanoseconds, moment.offset),
        Value::ZonedDateTime { seconds, nanoseconds, zone } => {
            format!("zoned-date-time:{seconds},{nanoseconds},{}", words(zone))
        }
        Value::Duration(duration) => {
            format!("duration:{},{},{},{}", duration.months, duration.days, duration.seconds, duration.nanoseconds)
        }
        Value::Point(point) => {
            let coordinates = [Some(point.x), Some(point.y), point.z].into_iter().flatten().map(bits);
            format!("point:{},{}", point.srid, coordinates.collect::<Vec<_>>().join(","))
        }
        Value::Vector(kind, data) => {
            let mut text = format!("vector:{}", kind.name());
            for element in data.chunks(kind.width()) {
                if matches!(kind, VectorType::F32 | VectorType::F64) {
                    write!(text, ",{}", hex(element)).unwrap();
                } else {
                    // The bytes of a two's complement number, widened by its sign.
                    let mut wide = if element[0] > 127 { [0xFF; 8] } else { [0; 8] };
                    wide[8 - element.len()..].copy_from_slice(element);
                    write!(text, ",{}", i64::from_be_bytes(wide)).unwrap();
                }
            }
            text
        }
        Value::Enum(text) => format!("enum:{}", words(text)),
        Value::Structure(tag, fields) => format!("structure:{tag}({})", all(fields)),
    }
}

/// What the witness prints for a dump, but for header, schema and trailer.
fn facts(graph: &Graph) -> Vec<String> {
    let after = |properties: &Map| pairs(properties).iter().map(|pair| format!(" {pair}")).collect::<String>();
    let statement = format!("statement {}", words(&dump::statement(0).text));
    let nodes = graph.nodes.iter().map(|(id, labels, properties)| {
        let labels: Vec<_> = labels.iter().map(|label| words(label)).collect();
        format!("node {id} [{}]{}", labels.join(","), after(properties))
    });
    let relationships = graph.relationships.iter().map(|(id, start, end, name, properties)| {
        format!("relationship {id} {start} {end} {}{}", words(name), after(properties))
    });
    let before = |is_empty: bool| (!is_empty).then(|| statement.clone());
    let nodes = before(graph.nodes.is_empty()).into_iter().chain(nodes);
    nodes.chain(before(graph.relationships.is_empty())).chain(relationships).collect()
}

/// Many arbitrary graphs as one, their ids made unique.
fn large_graph() -> Graph {
    let mut runner = TestRunner::deterministic();
    let mut whole = Graph::default();
    for round in 0..150_i64 {
        let mut part = graph::graph(Limits::ALL).new_tree(&mut runner).unwrap().current();
        let moved = |id: i64| (id >> 9) * 256 + round;
        part.nodes.iter_mut().for_each(|node| node.0 = moved(node.0));
        part.relationships.iter_mut().for_each(|r| (r.0, r.1, r.2) = (moved(r.0), moved(r.1), moved(r.2)));
        whole.nodes.append(&mut part.nodes);
        whole.relationships.append(&mut part.relationships);
        whole.schema.objects.append(&mut part.schema.objects);
    }
    whole
}

#[test]
fn a_reader_written_from_the_document_reads_the_same() {
    let graph = large_graph();
    assert!(graph.nodes.len() > 300 && graph.relationships.len() > 300 && graph.schema.objects.len() > 50);
    let bytes = dump::dump(&jsonl::encoder(), &graph, 100);
    let Some((success, out, errors)) = python(bytes) else { return };
    assert!(success, "{errors}");
    let out = String::from_utf8(out).unwrap();
    let printed = |word: &str| out.lines().filter(|line| line.starts_with(word)).collect::<Vec<_>>();
    let expected = facts(&graph);
    let items = out.lines().filter(|line| !["header", "schema", "trailer"].iter().any(|word| line.starts_with(word)));
    for (found, expected) in items.clone().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(items.count(), expected.len());
    assert!(printed("trailer").len() == 1 && printed("header").len() == 1);
    assert!(printed("header")[0].contains("\"filters\": [\"--include-label \\\"A\\\"\"]"));
    let schema = printed("schema");
    assert_eq!(schema.len(), graph.schema.objects.len());
    for (line, object) in schema.iter().zip(&graph.schema.objects) {
        let (word, name) = match object {
            SchemaObject::Index(index) => ("index", index.name.clone()),
            SchemaObject::Constraint(constraint) => ("constraint", constraint.name.clone()),
            SchemaObject::Trigger(trigger) => ("trigger", Some(trigger.name.clone())),
            _ => ("other", object.name().map(str::to_owned)),
        };
        let body = line.strip_prefix(&format!("schema {word} ")).unwrap_or_else(|| panic!("{line} is no {word}"));
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body.get("name").and_then(|name| name.as_str()).map(str::to_owned), name);
    }
}

/// What we refuse, the witness refuses too, except where only the checksum tells.
#[test]
fn a_reader_written_from_the_document_refuses_the_same() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/broken");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().to_string_lossy().into_owned());
    let paths: Vec<_> = paths.filter(|path| path.contains("/jsonl-") && path.ends_with(".jsonl")).collect();
    let mut arguments = vec![WITNESS];
    arguments.extend(paths.iter().map(String::as_str));
    let Some((success, out, errors)) = run("python3", &arguments, Vec::new()) else { return };
    assert!(success, "{errors}");
    let out = String::from_utf8(out).unwrap();
    let verdicts: Vec<_> = out.lines().filter_map(|line| line.strip_prefix("verdict ")).collect();
    assert_eq!(verdicts.len(), paths.len());
    assert!(paths.len() >= 60);
    let blind = out.contains("trailer unchecked");
    for verdict in verdicts {
        let only_the_checksum_tells = blind && verdict.contains("jsonl-bit-flipped.");
        assert!(verdict.contains(".jsonl: line ") || only_the_checksum_tells, "{verdict}");
    }
}

/// Compressed in several frames by us, read by the programs; compressed by the programs, read by us.
#[test]
fn zstd_and_gzip_agree() {
    let bytes = dump::dump(&jsonl::encoder(), &large_graph(), 100);
    for (compression, program) in [(Compression::ZSTD, "zstd"), (Compression::GZIP, "gzip")] {
        let mut ours = Vec::new();
        bytes.chunks(bytes.len() / 3).for_each(|part| compression.frame(part, &mut ours).unwrap());
        let Some((success, plain, errors)) = run(program, &["-dc"], ours) else { continue };
        assert!(success, "{errors}");
        assert!(plain == bytes, "{program} -dc gives the text");
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let mut theirs = Vec::new();
        for part in [first, second] {
            theirs.append(&mut run(program, &["-c"], part.to_vec()).unwrap().1);
        }
        let mut input = Input::from_reader("-", std::io::Cursor::new(theirs.clone()), None).unwrap();
        let mut plain = Vec::new();
        input.read_to_end(&mut plain).unwrap();
        assert!(plain == bytes, "{program} -c is read");
        // Cut off inside the second frame: the dump is unreadable, whatever the decompressor calls it.
        theirs.truncate(theirs.len() - 20);
        let input = Input::from_reader("-", std::io::Cursor::new(theirs), None).unwrap();
        let mut decoder = jsonl::decoder(Box::new(input)).unwrap();
        let error = loop {
            match decoder.next() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("a cut off file was read"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), graphferry::ErrorKind::Corrupt, "{error:?}");
        assert_eq!(error.message(), "the compressed data is damaged or cut off");
    }
}

#[test]
fn the_documents_examples_are_true() {
    let document = include_str!("../../docs/format.md");
    let fences: Vec<&str> = document.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let lines: Vec<&str> = fences.iter().flat_map(|fence| fence.lines()).collect();
    let of =
        |key: &str| lines.iter().filter(|line| line.starts_with(&format!("{{\"{key}\""))).copied().collect::<Vec<_>>();
    assert_eq!((of("graphferry").len(), of("node").len(), of("relationship").len(), of("schema").len()), (1, 1, 1, 6));
    let mut text = of("graphferry")[0].to_owned() + "\n" + of("node")[0] + "\n";
    for line in lines.iter().filter(|line| !of("trailer").contains(line)).skip(2) {
        text = text + line + "\n";
    }
    // The trailer's example is of another dump: it is read as far as its checksum.
    text += of("trailer")[0];
    let mut decoder = jsonl::decoder(Box::new(std::io::Cursor::new(text.into_bytes()))).unwrap();
    let mut pieces = 0;
    let error = loop {
        match decoder.next() {
            Ok(Some(Piece::Block(block))) => pieces += block.len(),
            Ok(Some(_)) => pieces += 1,
            Ok(None) => panic!("the example of a checksum is right?"),
            Err(error) => break error,
        }
    };
    assert_eq!((pieces, error.message()), (9, "the checksum does not agree: the dump was changed or damaged"));

    let values = document.split("## Values").nth(1).unwrap().split("An object whose first key").next().unwrap();
    let rows: Vec<&str> = values.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    let mut examples = 0;
    for row in rows {
        let column = row.split(" | ").nth(1).unwrap();
        for example in column.split('`').skip(1).step_by(2) {
            let (mut bytes, mut back) = (Vec::new(), Vec::new());
            json::read(example, &mut bytes).unwrap_or_else(|error| panic!("{example}: {error}"));
            json::write(&mut Cursor::new(&bytes), &mut back).unwrap();
            assert_eq!(String::from_utf8(back).unwrap(), example);
            examples += 1;
        }
    }
    assert_eq!(examples, 27);
}
