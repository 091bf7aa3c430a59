//! How fast CYPHERL is written and read on one core: `cargo bench --bench cypherl`. About 50 MB of text of typical items: a node has a
//! string, an integer and a float, a relationship an integer.
#![allow(clippy::unwrap_used, missing_docs)]

use divan::Bencher;
use divan::counter::BytesCount;
use graphferry::cypher::Dialect;
use graphferry::format::cypherl::{self, Cypherl, Options};
use graphferry::format::{Encoder, Piece};
use graphferry::model::block::{Block, Class, Kind};
use graphferry::model::tally::Counter;
use graphferry::model::{Header, Schema, Trailer, packstream};
use std::io::Cursor;

fn main() {
    divan::main();
}

const ITEMS: i64 = 16 * 8192;

const CASES: [(Dialect, Class); 4] = [
    (Dialect::Memgraph, Class::Nodes),
    (Dialect::Memgraph, Class::Relationships),
    (Dialect::Neo4j, Class::Nodes),
    (Dialect::Neo4j, Class::Relationships),
];

fn encoder(dialect: Dialect) -> Cypherl {
    cypherl::encoder(Options::new(dialect)).unwrap()
}

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
    (0..ITEMS / 8192).map(|at| block(class, at * 8192)).collect()
}

#[divan::bench(args = CASES)]
fn encode(bencher: Bencher<'_, '_>, (dialect, class): (Dialect, Class)) {
    let (encoder, blocks, mut out) = (encoder(dialect), blocks(class), Vec::new());
    let mut run = || {
        out.clear();
        blocks.iter().for_each(|block| encoder.block(block, &mut out).unwrap());
        out.len()
    };
    let size = run();
    bencher.counter(BytesCount::new(size)).bench_local(run);
}

#[divan::bench(args = CASES)]
fn decode(bencher: Bencher<'_, '_>, (dialect, class): (Dialect, Class)) {
    let (encoder, mut counter, mut bytes) = (encoder(dialect), Counter::default(), Vec::new());
    encoder.begin(&Header::default(), &Schema::default(), &mut bytes).unwrap();
    for block in blocks(class) {
        encoder.block(&block, &mut bytes).unwrap();
        counter.block(&block).unwrap();
    }
    let blake3 = blake3::hash(&bytes).to_hex().to_string();
    encoder.trailer(&Trailer { tally: counter.tally(), source_changed: None, blake3 }, &mut bytes).unwrap();
    let run = |bytes: Vec<u8>| {
        let mut decoder = cypherl::decoder(Box::new(Cursor::new(bytes))).unwrap();
        let mut items = 0;
        while let Some(piece) = decoder.next().unwrap() {
            if let Piece::Block(block) = piece {
                items += block.len() as i64;
            }
        }
        assert_eq!(items, ITEMS);
    };
    bencher.counter(BytesCount::new(bytes.len())).with_inputs(|| bytes.clone()).bench_local_values(run);
}

/// What Memgraph's `DUMP DATABASE` prints of 100,000 nodes with an integer, a string and a float, and 400,000 relationships with an integer: 68 MB.
/// Floats have 17 digits, as Memgraph prints them, and there is neither a first nor a last line of ours.
fn memgraphs_own() -> Vec<u8> {
    use std::fmt::Write as _;
    let mut text = String::new();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for id in 0..100_000 {
        let score = (random() >> 11) as f64 / (1_u64 << 53) as f64 * 0.9 + 0.1;
        let vertex = "CREATE (:__mg_vertex__:`Person` {__mg_id__: ";
        writeln!(text, "{vertex}{id}, `uid`: {id}, `name`: \"Person number {id}\", `score`: {score:.17}}});").unwrap();
    }
    text.push_str("CREATE INDEX ON :__mg_vertex__(__mg_id__);\n");
    for _ in 0..400_000 {
        let (from, to, since) = (random() % 100_000, random() % 100_000, 1990 + random() % 32);
        let ends = "MATCH (u:__mg_vertex__), (v:__mg_vertex__) WHERE u.__mg_id__ = ";
        writeln!(text, "{ends}{from} AND v.__mg_id__ = {to} CREATE (u)-[:`KNOWS` {{`since`: {since}}}]->(v);").unwrap();
    }
    text.push_str("DROP INDEX ON :__mg_vertex__(__mg_id__);\nMATCH (u) REMOVE u:__mg_vertex__, u.__mg_id__;\n");
    text.into_bytes()
}

/// Reads Memgraph's own dump; with a constraint known from an earlier reading, every node is looked at for whole floats too.
#[divan::bench(args = [false, true])]
fn decode_memgraphs_own(bencher: Bencher<'_, '_>, floats_known: bool) {
    let bytes = memgraphs_own();
    let constraint = "CREATE CONSTRAINT ON (u:`Person`) ASSERT u.`score` IS TYPED FLOAT;\n";
    let text = if floats_known { [constraint.as_bytes(), &bytes].concat() } else { bytes };
    let run = |bytes: Vec<u8>| {
        let mut decoder = cypherl::decoder(Box::new(Cursor::new(bytes))).unwrap();
        let mut items = 0;
        while let Some(piece) = decoder.next().unwrap() {
            match piece {
                Piece::Block(block) => items += block.len(),
                Piece::Statement(statement) => panic!("{statement:?}"),
                _ => {}
            }
        }
        assert_eq!(items, 500_000);
    };
    bencher.counter(BytesCount::new(text.len())).with_inputs(|| text.clone()).bench_local_values(run);
}

/// Statements that make many items each, both ways.
#[divan::bench(args = [Class::Nodes, Class::Relationships])]
fn encode_rows(bencher: Bencher<'_, '_>, class: Class) {
    let encoder = cypherl::encoder(Options { rows: 1000, ..Options::new(Dialect::Memgraph) }).unwrap();
    let (blocks, mut out) = (blocks(class), Vec::new());
    let mut run = || {
        out.clear();
        blocks.iter().for_each(|block| encoder.block(block, &mut out).unwrap());
        out.len()
    };
    let size = run();
    bencher.counter(BytesCount::new(size)).bench_local(run);
}
