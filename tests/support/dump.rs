//! Whole dumps of small graphs.

use super::Graph;
use graphferry::feed::{DumpFeed, Feed as _};
use graphferry::filter::Filter;
use graphferry::format::{Encoder, Piece, Statement, Wrote};
use graphferry::model::header::Origin;
use graphferry::model::tally::Counter;
use graphferry::model::{Consistency, Header, Schema, Trailer};

/// A header with something in every field.
pub fn header() -> Header {
    Header {
        tool: "graphferry test".into(),
        source: Origin { product: "neo4j".into(), version: "5.26.0".into(), ..Origin::default() },
        created: "2024-02-29T12:00:00Z".into(),
        consistency: Consistency::Snapshot,
        filters: vec!["--include-label \"A\"".into()],
        absent: vec!["the moon".into()],
    }
}

/// What a call makes comes to its place before it is appended.
fn placed(encoder: &dyn Encoder, out: &mut Vec<u8>, make: impl FnOnce(&mut Vec<u8>) -> graphferry::Result<()>) {
    let mut bytes = Vec::new();
    make(&mut bytes).unwrap();
    encoder.place(&mut bytes).unwrap();
    out.append(&mut bytes);
}

/// A whole dump, as the verbs write it: half of the schema comes late, and a statement lies before nodes and before relationships.
pub fn dump(encoder: &dyn Encoder, graph: &Graph, block_size: usize) -> Vec<u8> {
    let mut counter = Counter::default();
    let (early, late) = graph.schema.objects.split_at(graph.schema.objects.len().div_ceil(2));
    let [early, late] = [early, late].map(|objects| Schema { objects: objects.to_vec() });
    let mut out = Vec::new();
    encoder.begin(&header(), &early, &mut out).unwrap();
    encoder.place(&mut out).unwrap();
    graph.schema.objects.iter().for_each(|object| counter.object(object));
    let mut class = None;
    for block in graph.blocks(block_size) {
        if class != Some(block.class()) {
            encoder.open(block.class(), &mut out).unwrap();
            placed(encoder, &mut out, |out| encoder.statement(&statement(0), out));
            counter.statement();
            class = Some(block.class());
        }
        encoder.see(&block).unwrap();
        placed(encoder, &mut out, |out| encoder.block(&block, out));
        counter.block(&block).unwrap();
    }
    let wrote = Wrote { nodes: !graph.nodes.is_empty(), relationships: !graph.relationships.is_empty() };
    placed(encoder, &mut out, |out| encoder.finish(&early, &late, wrote, out));
    let blake3 = blake3::hash(&out).to_hex().to_string();
    let trailer = Trailer { tally: counter.tally(), source_changed: Some(false), blake3 };
    encoder.trailer(&trailer, &mut out).unwrap();
    let mut whole = Vec::new();
    encoder.head(&mut whole);
    whole.append(&mut out);
    whole
}

/// The statement that lies in each dump before each class.
pub fn statement(line: u64) -> Statement {
    Statement { text: "CALL x(\"\n\")".into(), line }
}

/// A whole dump without statements.
pub fn plain(encoder: &dyn Encoder, graph: &Graph) -> Vec<u8> {
    let mut counter = Counter::default();
    let mut out = Vec::new();
    encoder.begin(&header(), &graph.schema, &mut out).unwrap();
    encoder.place(&mut out).unwrap();
    graph.schema.objects.iter().for_each(|object| counter.object(object));
    let mut class = None;
    for block in graph.blocks(5) {
        if class != Some(block.class()) {
            encoder.open(block.class(), &mut out).unwrap();
            class = Some(block.class());
        }
        encoder.see(&block).unwrap();
        placed(encoder, &mut out, |out| encoder.block(&block, out));
        counter.block(&block).unwrap();
    }
    let wrote = Wrote { nodes: !graph.nodes.is_empty(), relationships: !graph.relationships.is_empty() };
    placed(encoder, &mut out, |out| encoder.finish(&graph.schema, &Schema::default(), wrote, out));
    let blake3 = blake3::hash(&out).to_hex().to_string();
    let trailer = Trailer { tally: counter.tally(), source_changed: Some(false), blake3 };
    encoder.trailer(&trailer, &mut out).unwrap();
    let mut whole = Vec::new();
    encoder.head(&mut whole);
    whole.append(&mut out);
    whole
}

/// The graph of a dump in JSON Lines.
pub fn graph_of(bytes: &[u8]) -> Graph {
    let decoder = graphferry::format::jsonl::decoder(Box::new(std::io::Cursor::new(bytes.to_vec()))).unwrap();
    let mut feed = DumpFeed::new(decoder, "graph.jsonl", Filter::default());
    let mut found = Graph { schema: feed.schema().clone(), ..Graph::default() };
    let mut take = |piece| {
        match piece {
            Piece::Block(block) => found.add(&block),
            Piece::Object(object) => found.schema.objects.push(object),
            other => panic!("{other:?}"),
        }
        Ok(())
    };
    feed.run(&mut take).unwrap();
    found
}
