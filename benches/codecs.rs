//! How fast the codecs are on one core: `cargo bench --bench codecs`. Throughput is of JSON text, or of PackStream bytes.
#![allow(clippy::unwrap_used, missing_docs)]

use divan::Bencher;
use divan::counter::BytesCount;
use graphferry::format::{Decoder, Encoder, Files, FolderEncoder as _, Members, Piece, csv, jsonl};
use graphferry::model::block::{Block, Class, Kind};
use graphferry::model::tally::Counter;
use graphferry::model::{Header, Schema, Trailer, ValueRef, packstream};
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::Arc;

fn main() {
    divan::main();
}

/// A block of typical nodes (a string, an integer, a float) or relationships (an integer).
fn block(class: Class, from: i64) -> Block {
    let mut block = Block::new(class);
    let kinds = match class {
        Class::Nodes => [Kind::labels(["Person"]), Kind::labels(["Person", "Customer"])],
        Class::Relationships => [Kind::relationship("KNOWS"), Kind::relationship("LIKES")],
    };
    let kinds = kinds.map(|kind| block.add_kind(kind));
    for id in from..from + 8192 {
        let mixed = (id as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let kind = kinds[usize::from(mixed >> 61 == 0)];
        let out = block.buffer();
        if class == Class::Nodes {
            packstream::put_map(out, 3);
            packstream::put_string(out, "name");
            packstream::put_string(out, &format!("Person number {id}"));
            packstream::put_string(out, "age");
            packstream::put_integer(out, (mixed >> 57) as i64);
            packstream::put_string(out, "score");
            packstream::put_float(out, (mixed >> 40) as f64 / 1000.0);
            block.push(id, 0, 0, kind, 0);
        } else {
            packstream::put_map(out, 1);
            packstream::put_string(out, "since");
            packstream::put_integer(out, 1990 + (mixed >> 59) as i64);
            block.push(id, (mixed >> 44) as i64, (mixed << 20 >> 44) as i64, kind, 0);
        }
    }
    block
}

fn blocks(class: Class) -> Vec<Block> {
    (0..16).map(|at| block(class, at * 8192)).collect()
}

fn dump(class: Class) -> Vec<u8> {
    let (encoder, mut counter, mut out) = (jsonl::encoder(), Counter::default(), Vec::new());
    encoder.begin(&Header::default(), &Schema::default(), &mut out).unwrap();
    for block in blocks(class) {
        encoder.block(&block, &mut out).unwrap();
        counter.block(&block).unwrap();
    }
    let blake3 = blake3::hash(&out).to_hex().to_string();
    encoder.trailer(&Trailer { tally: counter.tally(), source_changed: None, blake3 }, &mut out).unwrap();
    out
}

const CLASSES: [Class; 2] = [Class::Nodes, Class::Relationships];

#[divan::bench(args = CLASSES)]
fn jsonl_encode(bencher: Bencher<'_, '_>, class: Class) {
    let (encoder, blocks, mut out) = (jsonl::encoder(), blocks(class), Vec::new());
    let mut run = || {
        out.clear();
        blocks.iter().for_each(|block| encoder.block(block, &mut out).unwrap());
        out.len()
    };
    let size = run();
    bencher.counter(BytesCount::new(size)).bench_local(run);
}

#[divan::bench(args = CLASSES)]
fn jsonl_decode(bencher: Bencher<'_, '_>, class: Class) {
    let bytes = dump(class);
    let run = |bytes: Vec<u8>| {
        let mut decoder: Box<dyn Decoder> = jsonl::decoder(Box::new(Cursor::new(bytes))).unwrap();
        let mut items = 0;
        while let Some(piece) = decoder.next().unwrap() {
            if let Piece::Block(block) = piece {
                items += block.len();
            }
        }
        assert_eq!(items, 16 * 8192);
    };
    bencher.counter(BytesCount::new(bytes.len())).with_inputs(|| bytes.clone()).bench_local_values(run);
}

/// A folder in memory; one that only counts has no room for the bytes.
#[derive(Clone, Default)]
struct Memory(BTreeMap<String, Arc<Vec<u8>>>, bool);

impl Members for Memory {
    fn append(&mut self, member: &str, bytes: &[u8]) -> graphferry::Result<()> {
        if !self.1 {
            Arc::make_mut(self.0.entry(member.to_owned()).or_default()).extend_from_slice(bytes);
        }
        Ok(())
    }
}

struct Shared(Arc<Vec<u8>>, usize);

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = (&self.0[self.1..]).read(buffer)?;
        self.1 += read;
        Ok(read)
    }
}

impl Files for Memory {
    fn open(&self, name: &str) -> graphferry::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Shared(Arc::clone(&self.0[name]), 0)))
    }

    fn names(&self) -> graphferry::Result<Vec<String>> {
        Ok(self.0.keys().cloned().collect())
    }
}

fn csv_folder(blocks: &[Block], out: &mut Memory) {
    let (mut encoder, mut counter) = (csv::encoder(false), Counter::default());
    encoder.begin(&Header::default(), &Schema::default(), out).unwrap();
    for block in blocks {
        encoder.block(block, out).unwrap();
        counter.block(block).unwrap();
    }
    let trailer = Trailer { tally: counter.tally(), ..Trailer::default() };
    encoder.finish(&Schema::default(), &trailer, out).unwrap();
}

fn csv_graph(class: Class) -> (Vec<Block>, Memory, usize) {
    let mut blocks = blocks(class);
    // Ids of relationships lead to nodes outside of what is read: our own folder is not asked whether they exist.
    if class == Class::Relationships {
        blocks.insert(0, block(Class::Nodes, 0).slice(0..1));
    }
    let mut folder = Memory::default();
    csv_folder(&blocks, &mut folder);
    let size = folder.0.values().map(|bytes| bytes.len()).sum();
    (blocks, folder, size)
}

/// With the counting and the hashes that a dump has.
#[divan::bench(args = CLASSES)]
fn csv_encode(bencher: Bencher<'_, '_>, class: Class) {
    let (blocks, _, size) = csv_graph(class);
    bencher.counter(BytesCount::new(size)).bench_local(|| csv_folder(&blocks, &mut Memory(BTreeMap::new(), true)));
}

#[divan::bench(args = CLASSES)]
fn csv_decode(bencher: Bencher<'_, '_>, class: Class) {
    let (_, folder, size) = csv_graph(class);
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        let mut decoder = csv::decoder(Box::new(folder.clone())).unwrap();
        let mut items = 0;
        while let Some(piece) = decoder.next().unwrap() {
            if let Piece::Block(block) = piece {
                items += block.len();
            }
        }
        assert!(items >= 16 * 8192);
    });
}

#[divan::bench(args = CLASSES)]
fn packstream_check(bencher: Bencher<'_, '_>, class: Class) {
    let blocks = blocks(class);
    let size: usize = blocks.iter().map(Block::byte_len).sum();
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        for block in &blocks {
            for item in block.items() {
                block.cursor(item).check().unwrap();
            }
        }
    });
}

#[divan::bench(args = CLASSES)]
fn packstream_walk(bencher: Bencher<'_, '_>, class: Class) {
    let blocks = blocks(class);
    let size: usize = blocks.iter().map(Block::byte_len).sum();
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        let mut sum = 0;
        for block in &blocks {
            for item in block.items() {
                let mut cursor = block.cursor(item);
                while !cursor.is_at_end() {
                    sum += match cursor.value().unwrap() {
                        ValueRef::Integer(value) => value as usize,
                        ValueRef::String(text) => text.len(),
                        _ => 1,
                    };
                }
            }
        }
        sum
    });
}

#[divan::bench(args = CLASSES)]
fn count(bencher: Bencher<'_, '_>, class: Class) {
    let blocks = blocks(class);
    let size: usize = blocks.iter().map(Block::byte_len).sum();
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        let mut counter = Counter::default();
        blocks.iter().for_each(|block| counter.block(block).unwrap());
        counter.items()
    });
}
