//! A huge value in the middle of a dump passes, and its memory comes back. Alone in its file: it looks at the whole process.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use graphferry::format::{Decoder, Encoder, Piece, jsonl};
use graphferry::model::tally::Counter;
use graphferry::model::{Block, Class, Header, Kind, Schema, Trailer, Value, packstream};
use std::io::{Cursor, Read};

const HUGE: usize = 64 << 20;

/// Memory is the process's: one test at a time.
static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// A block of small nodes, or of one with a huge string.
fn block(from: i64, count: i64, huge: bool) -> Block {
    let mut block = Block::new(Class::Nodes);
    let kind = block.add_kind(Kind::labels(["A"]));
    for id in from..from + count {
        packstream::put_map(block.buffer(), 1);
        packstream::put_string(block.buffer(), "text");
        let text = if huge { "é\n".repeat(HUGE / 3) } else { format!("small {id}") };
        packstream::put_string(block.buffer(), &text);
        block.push(id, 0, 0, kind, 0);
    }
    block
}

/// Resident memory in bytes.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<usize>().ok().map(|size| size * 1024)
}

#[test]
fn a_huge_string_passes_and_its_memory_comes_back() {
    let _turn = TURN.lock();
    let (encoder, mut counter, mut hasher) = (jsonl::encoder(), Counter::default(), blake3::Hasher::new());
    let mut parts: Vec<Vec<u8>> = vec![Vec::new()];
    encoder.begin(&Header::default(), &Schema::default(), &mut parts[0]).unwrap();
    for (from, count, huge) in [(0, 5000, false), (5000, 1, true), (5001, 20_000, false)] {
        let block = block(from, count, huge);
        let mut out = Vec::new();
        encoder.block(&block, &mut out).unwrap();
        counter.block(&block).unwrap();
        parts.push(out);
    }
    parts.iter().for_each(|part| _ = hasher.update(part));
    let blake3 = hasher.finalize().to_hex().to_string();
    let mut end = Vec::new();
    encoder.trailer(&Trailer { tally: counter.tally(), source_changed: None, blake3 }, &mut end).unwrap();
    parts.push(end);
    // On disk, so that the dump itself takes no memory.
    let mut file = tempfile::tempfile().unwrap();
    for part in std::mem::take(&mut parts) {
        std::io::Write::write_all(&mut file, &part).unwrap();
    }
    std::io::Seek::rewind(&mut file).unwrap();

    let before = resident();
    let mut decoder: Box<dyn Decoder> = jsonl::decoder(Box::new(file)).unwrap();
    let (mut sizes, mut after) = (Vec::new(), None);
    while let Some(piece) = decoder.next().unwrap() {
        let Piece::Block(block) = piece else { panic!("{piece:?}") };
        for item in block.items() {
            let Ok(Value::Map(map)) = Value::read(&mut block.cursor(item)) else { panic!("no map") };
            let text = map["text"].as_str().unwrap();
            let expected = if item.id == 5000 { HUGE / 3 * 3 } else { format!("small {}", item.id).len() };
            assert_eq!(text.len(), expected, "node {}", item.id);
        }
        sizes.push(block.len());
        let ids: Vec<i64> = block.items().iter().map(|item| item.id).collect();
        assert!(!ids.contains(&5000) || ids == [5000], "the huge one travels alone");
        drop(block);
        after = resident();
    }
    assert_eq!(sizes, [5000, 1, 8192, 8192, 3616]);
    if let (Some(before), Some(after)) = (before, after) {
        let grown = after.saturating_sub(before);
        assert!(grown < 16 << 20, "{grown} bytes more than before the huge string");
    }
}

/// A line that never ends is refused at its limit, not at the end of memory.
#[test]
fn an_endless_line_is_refused() {
    let _turn = TURN.lock();
    let endless = Cursor::new(b"{\"node\":1,\"properties\":{\"a\":\"".to_vec()).chain(std::io::repeat(b'x'));
    let error = jsonl::decoder(Box::new(endless)).err().unwrap();
    assert_eq!(error.report(), "line 1, byte 0: a line is longer than 1 GiB");
}
