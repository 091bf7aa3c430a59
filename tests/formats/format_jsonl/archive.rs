//! The archive: round trips, damage, and a reader in Python that was written from the document.

use super::support::dump::{header, plain, statement};
use super::support::{self, Graph, Limits, Same, graph};
use graphferry::Error;
use graphferry::ErrorKind;
use graphferry::format::{Decoder, Piece, Statement, archive, jsonl};
use graphferry::model::{Map, Value};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::io::Cursor;
use std::process::Command;

fn dump(graph: &Graph, block_size: usize) -> Vec<u8> {
    support::dump::dump(&archive::encoder(None), graph, block_size)
}

type Whole = (Graph, Vec<Statement>, archive::Reader);

fn read(bytes: &[u8]) -> Result<Whole, Error> {
    let mut decoder = archive::open(Box::new(Cursor::new(bytes.to_vec())))?;
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn dumps_survive(graph in graph::graph(Limits::ALL), size in 1_usize..5) {
        let bytes = dump(&graph, size);
        let (back, statements, decoder) = read(&bytes).unwrap();
        graph.assert_same(&back, Same::ALL);
        prop_assert_eq!(decoder.header(), &header());
        prop_assert_eq!(decoder.trailer().map(|trailer| trailer.source_changed), Some(Some(false)));
        let expected = usize::from(!graph.nodes.is_empty()) + usize::from(!graph.relationships.is_empty());
        prop_assert_eq!(statements.len(), expected);
        statements.iter().for_each(|found| assert_eq!(found, &statement(found.line)));
        // Its digest does not depend on where parts begin.
        let digest = |decoder: &archive::Reader| decoder.manifest().unwrap().digest;
        let (_, _, other) = read(&dump(&graph, 100)).unwrap();
        prop_assert_eq!(digest(&decoder), digest(&other));
        // Lines count through all parts, as in the text that tar and zstd give.
        let text = lines(&graph, size);
        for found in &statements {
            let line = text.lines().nth(usize::try_from(found.line).unwrap() - 1).unwrap();
            prop_assert!(line.starts_with("{\"statement\":"), "line {} is {line}", found.line);
        }
    }
}

/// The lines of the same dump as JSONL, without the trailer.
fn lines(graph: &Graph, block_size: usize) -> String {
    let text = String::from_utf8(support::dump::dump(&jsonl::encoder(), graph, block_size)).unwrap();
    let end = text.trim_end().rfind('\n').unwrap() + 1;
    text[..end].to_owned()
}

fn some_graphs(count: usize) -> Vec<Graph> {
    let mut runner = TestRunner::deterministic();
    let strategy = graph::graph(Limits::ALL);
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn a_reader_in_python_finds_the_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("graph.tar");
    let witness = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/witness/read_archive.py");
    for graph in some_graphs(4) {
        std::fs::write(&path, dump(&graph, 3)).unwrap();
        let output = match Command::new("python3").arg(witness).arg(&path).output() {
            Ok(output) => output,
            Err(error) => {
                assert!(std::env::var_os("GRAPHFERRY_WITNESSES").is_none(), "python3: {error}");
                return;
            }
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), lines(&graph, 3));
    }
}

#[test]
fn tar_and_zstd_take_it_apart() {
    let folder = tempfile::tempdir().unwrap();
    let graph = some_graphs(1).remove(0);
    std::fs::write(folder.path().join("graph.tar"), dump(&graph, 3)).unwrap();
    let script = "tar xOf graph.tar --wildcards '*.jsonl.zst' | zstd -dcq && tar xf graph.tar && zstd -tq */*.zst";
    let output = Command::new("sh").args(["-c", script]).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), lines(&graph, 3));
}

/// Text that does not compress.
fn noise(state: &mut u64, size: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let letter = |_| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(LETTERS[(*state >> 58) as usize])
    };
    (0..size).map(letter).collect()
}

/// An archive of at least so many bytes, with every sort of part.
fn archive_of(size: usize) -> Vec<u8> {
    let mut graph = some_graphs(16).into_iter().max_by_key(|graph| graph.schema.objects.len()).unwrap();
    assert!(!graph.schema.objects.is_empty());
    (graph.nodes, graph.relationships) = (Vec::new(), Vec::new());
    let mut state = 7;
    for id in 0..(size / 4000).max(6) as i64 {
        let text = noise(&mut state, if size > 100_000 { 4000 } else { size / 8 });
        let properties: Map = [("text".to_owned(), Value::from(text.as_str()))].into_iter().collect();
        graph.nodes.push((id, vec!["A".to_owned()], properties.clone()));
        if id % 3 == 1 {
            graph.relationships.push((id, id, id - 1, "R".to_owned(), properties));
        }
    }
    dump(&graph, if size > 100_000 { 64 } else { 2 })
}

/// Flips bytes, and cuts, and gives the places where nobody noticed.
fn unnoticed(bytes: &[u8], places: impl Iterator<Item = usize>) -> Vec<(usize, &'static str)> {
    let mut missed = Vec::new();
    let mut other = bytes.to_vec();
    for at in places {
        // Of the flips of one byte, each place gets another one.
        let flip = [0xff, 0x01, 0x20, 0x80][at % 4];
        other[at] ^= flip;
        match read(&other) {
            Err(error) if error.kind() == ErrorKind::Corrupt => {}
            Err(error) => panic!("byte {at}: {error:?}"),
            Ok(_) => missed.push((at, "flipped")),
        }
        other[at] ^= flip;
        if !matches!(read(&bytes[..at]), Err(error) if error.kind() == ErrorKind::Corrupt) {
            missed.push((at, "cut"));
        }
    }
    missed
}

#[test]
fn damage_is_found() {
    let bytes = archive_of(8 << 10);
    assert!(read(&bytes).is_ok());
    assert_eq!(unnoticed(&bytes, (0..bytes.len()).step_by(13)), []);
    // Around every header, all of them.
    assert_eq!(unnoticed(&bytes, bytes.len() - 1100..bytes.len()), []);
    assert!(read(&[&bytes[..], &[0]].concat()).is_err() && read(&[&bytes[..], &bytes].concat()).is_err());
}

/// Every byte of an archive of 1 MiB, flipped, and the archive cut there: about 90 minutes of one core. `cargo test --release --test formats every_byte -- --ignored`
#[test]
#[ignore = "takes 90 minutes of one core"]
fn every_byte_of_a_megabyte() {
    let bytes = archive_of(1 << 20);
    assert!(bytes.len() >= 1 << 20, "{}", bytes.len());
    assert!(read(&bytes).is_ok());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let missed: Vec<_> = std::thread::scope(|scope| {
        let part = |thread: usize| {
            let bytes = &bytes;
            scope.spawn(move || unnoticed(bytes, (thread..bytes.len()).step_by(threads)))
        };
        let parts: Vec<_> = (0..threads).map(part).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    });
    assert_eq!(missed, []);
}

/// A row that goes through a writer and a reader that agree with each other but not with the manifest.
#[test]
fn parts_of_another_archive_are_found() {
    let graphs: Vec<_> = some_graphs(12).into_iter().filter(|graph| graph.nodes.len() > 3).collect();
    let mut one = plain(&archive::encoder(None), &graphs[0]);
    let other = plain(&archive::encoder(Some(9)), &graphs[1]);
    assert!(read(&one).is_ok() && read(&other).is_ok());
    // The members of one, the manifest of the other.
    let place = |bytes: &[u8]| bytes.windows(13).rposition(|window| window == b"manifest.json").unwrap();
    one.truncate(place(&one));
    one.extend_from_slice(&other[place(&other)..]);
    assert_eq!(read(&one).err().unwrap().kind(), ErrorKind::Corrupt);
}
