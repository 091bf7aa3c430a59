//! How fast the codecs are on one core: `cargo bench --bench codecs`. Throughput is of JSON text, or of PackStream bytes.
#![allow(clippy::unwrap_used, missing_docs)]

use divan::Bencher;
use divan::counter::BytesCount;
use graphferry::cypher::Dialect;
use graphferry::format::{
    self, Decoder, Encoder, Files, FolderEncoder, Members, Piece, Wrote, apoc, csv, graphml, jsonl,
};
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

fn csv_folder(for_load: bool, blocks: &[Block], out: &mut Memory) {
    let mut encoder: Box<dyn FolderEncoder> = match for_load {
        false => Box::new(csv::encoder(false)),
        true => Box::new(csv::LoadCsv::new(Dialect::Neo4j, None, false)),
    };
    let mut counter = Counter::default();
    encoder.begin(&Header::default(), &Schema::default(), out).unwrap();
    for block in blocks {
        encoder.block(block, out).unwrap();
        counter.block(block).unwrap();
    }
    let trailer = Trailer { tally: counter.tally(), ..Trailer::default() };
    encoder.finish(&Schema::default(), &trailer, out).unwrap();
}

fn csv_graph(for_load: bool, class: Class) -> (Vec<Block>, Memory, usize) {
    let mut blocks = blocks(class);
    // Ids of relationships lead to nodes outside of what is read: our own folder is not asked whether they exist.
    if class == Class::Relationships {
        blocks.insert(0, block(Class::Nodes, 0).slice(0..1));
    }
    let mut folder = Memory::default();
    csv_folder(for_load, &blocks, &mut folder);
    let size = folder.0.values().map(|bytes| bytes.len()).sum();
    (blocks, folder, size)
}

fn csv_written(bencher: Bencher<'_, '_>, for_load: bool, class: Class) {
    let (blocks, _, size) = csv_graph(for_load, class);
    let run = || csv_folder(for_load, &blocks, &mut Memory(BTreeMap::new(), true));
    bencher.counter(BytesCount::new(size)).bench_local(run);
}

fn csv_read(bencher: Bencher<'_, '_>, for_load: bool, class: Class) {
    let (_, folder, size) = csv_graph(for_load, class);
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

/// With the counting and the hashes that a dump has.
#[divan::bench(args = CLASSES)]
fn csv_encode(bencher: Bencher<'_, '_>, class: Class) {
    csv_written(bencher, false, class);
}

/// With the counting and the hashes that our own folders are held against.
#[divan::bench(args = CLASSES)]
fn csv_decode(bencher: Bencher<'_, '_>, class: Class) {
    csv_read(bencher, false, class);
}

/// The form for `LOAD CSV`.
#[divan::bench(args = CLASSES)]
fn csv_load_encode(bencher: Bencher<'_, '_>, class: Class) {
    csv_written(bencher, true, class);
}

#[divan::bench(args = CLASSES)]
fn csv_load_decode(bencher: Bencher<'_, '_>, class: Class) {
    csv_read(bencher, true, class);
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

/// A whole file of both classes in another format.
fn foreign(encoder: &dyn Encoder) -> Vec<u8> {
    let (mut body, mut whole) = (Vec::new(), Vec::new());
    for class in CLASSES {
        for block in blocks(class) {
            encoder.see(&block).unwrap();
            encoder.block(&block, &mut body).unwrap();
        }
    }
    encoder.finish(&Schema::default(), &Schema::default(), Wrote::default(), &mut body).unwrap();
    encoder.head(&mut whole);
    whole.append(&mut body);
    whole
}

fn encoder(name: &str) -> Box<dyn Encoder> {
    if name == "apoc" { Box::new(apoc::encoder(true, true)) } else { Box::new(graphml::encoder()) }
}

/// What the writing itself costs: the look at each block beforehand is [`foreign_see`].
#[divan::bench(args = ["apoc", "graphml"])]
fn foreign_encode(bencher: Bencher<'_, '_>, name: &str) {
    let (encoder, mut out) = (encoder(name), Vec::new());
    let blocks: Vec<Block> = CLASSES.into_iter().flat_map(blocks).collect();
    blocks.iter().for_each(|block| encoder.see(block).unwrap());
    let mut run = || {
        out.clear();
        blocks.iter().for_each(|block| encoder.block(block, &mut out).unwrap());
        out.len()
    };
    let size = run();
    bencher.counter(BytesCount::new(size)).bench_local(run);
}

/// The one step of writing that is not parallel; throughput is of the text that comes of it.
#[divan::bench(args = ["apoc", "graphml"])]
fn foreign_see(bencher: Bencher<'_, '_>, name: &str) {
    let encoder = encoder(name);
    let blocks: Vec<Block> = CLASSES.into_iter().flat_map(blocks).collect();
    let size = foreign(&*encoder).len();
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        blocks.iter().for_each(|block| encoder.see(block).unwrap());
    });
}

fn decode_all(bytes: Vec<u8>) {
    let mut decoder = format::decoder(Box::new(Cursor::new(bytes))).unwrap();
    let mut items = 0;
    while let Some(piece) = decoder.next().unwrap() {
        if let Piece::Block(block) = piece {
            items += block.len();
        }
    }
    assert_eq!(items, 32 * 8192);
}

#[divan::bench(args = ["apoc", "graphml"])]
fn foreign_decode(bencher: Bencher<'_, '_>, name: &str) {
    let bytes = foreign(&*encoder(name));
    bencher.counter(BytesCount::new(bytes.len())).with_inputs(|| bytes.clone()).bench_local_values(decode_all);
}

/// APOC's Cypher in its usual form: 20 rows a statement.
#[divan::bench]
fn apoc_cypher_decode(bencher: Bencher<'_, '_>) {
    let mut text = String::from("BEGIN\n");
    for first in (0..16 * 8192).step_by(20) {
        let rows = (first..(first + 20).min(16 * 8192)).map(|id| {
            format!("{{_id:{id}, properties:{{name:\"Person number {id}\", age:{}, score:{}.5}}}}", id % 97, id % 1000)
        });
        let rows = rows.collect::<Vec<_>>().join(", ");
        text.push_str(&format!("UNWIND [{rows}] AS row\nCREATE (n:`UNIQUE IMPORT LABEL`{{`UNIQUE IMPORT ID`: row._id}}) SET n += row.properties SET n:Person;\n"));
    }
    for first in (0..16 * 8192).step_by(20) {
        let rows = (first..(first + 20).min(16 * 8192)).map(|id| {
            format!("{{start: {{_id:{id}}}, end: {{_id:{}}}, properties:{{since:{}}}}}", id * 7 % (16 * 8192), id % 30)
        });
        let rows = rows.collect::<Vec<_>>().join(", ");
        let ends = ["start", "end"]
            .map(|end| format!("MATCH ({end}:`UNIQUE IMPORT LABEL`{{`UNIQUE IMPORT ID`: row.{end}._id}})\n"));
        text.push_str(&format!(
            "UNWIND [{rows}] AS row\n{}CREATE (start)-[r:KNOWS]->(end) SET r += row.properties;\n",
            ends.concat()
        ));
    }
    let bytes = text.into_bytes();
    bencher.counter(BytesCount::new(bytes.len())).with_inputs(|| bytes.clone()).bench_local_values(decode_all);
}
