//! CYPHERL from outside.

use super::Graph;
use graphferry::format::cypherl::{self, Helper, Options};
use graphferry::format::{Earlier, Encoder, Piece, Statement, Wrote};
use graphferry::model::tally::Counter;
use graphferry::model::{Class, Header, Schema, SchemaObject, Trailer};
use std::collections::BTreeSet;
use std::io::{Cursor, Read};

/// What a decoder gives.
#[derive(Debug, Default)]
pub struct Found {
    /// See the decoder.
    pub graph: Graph,
    /// See the decoder.
    pub statements: Vec<Statement>,
    /// `n`, `r`, `o`, `s`: blocks of nodes and relationships, objects, statements, in their order.
    pub order: String,
    /// See the decoder.
    pub warnings: Vec<String>,
    /// See the decoder.
    pub header: Header,
    /// See the decoder.
    pub trailer: Option<Trailer>,
    /// See the decoder.
    pub lines: Vec<u64>,
}

/// Reads a dump to its end.
pub fn read(from: impl Read + Send + 'static) -> graphferry::Result<Found> {
    read_after(from, &Earlier::default())
}

/// Reads a dump of which earlier readings may have told something.
pub fn read_after(from: impl Read + Send + 'static, earlier: &Earlier) -> graphferry::Result<Found> {
    let mut decoder = cypherl::decoder_after(Box::new(from), earlier)?;
    let mut found = Found { header: decoder.header().clone(), ..Found::default() };
    while let Some(piece) = decoder.next()? {
        match piece {
            Piece::Block(block) => {
                found.order.push(if block.class() == Class::Nodes { 'n' } else { 'r' });
                found.lines.extend(block.items().iter().map(|item| block.position(item).unwrap().line));
                found.graph.add(&block);
            }
            Piece::Object(object) => {
                found.order.push('o');
                found.graph.schema.objects.push(object);
            }
            Piece::Statement(statement) => {
                found.order.push('s');
                found.statements.push(statement);
            }
            _ => unreachable!(),
        }
    }
    found.warnings = decoder.warnings();
    found.trailer = decoder.trailer().cloned();
    Ok(found)
}

/// A reader that gives its bytes in pieces of these sizes.
pub struct Pieces(pub Cursor<Vec<u8>>, pub usize);

impl Read for Pieces {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let size = to.len().min(self.1);
        self.0.read(&mut to[..size])
    }
}

/// A whole dump with these options, but for the helper, which collides with nothing.
pub fn write(graph: &Graph, options: Options) -> graphferry::Result<Vec<u8>> {
    let mut labels: BTreeSet<_> = graph.nodes.iter().flat_map(|node| node.1.clone()).collect();
    for object in &graph.schema.objects {
        if let SchemaObject::Index(index) = object {
            labels.extend(index.labels.iter().cloned());
        }
    }
    let keys: BTreeSet<_> = graph.nodes.iter().flat_map(|node| node.2.keys().cloned()).collect();
    let encoder = cypherl::encoder(Options { helper: Helper::choose(options.dialect, &labels, &keys), ..options })?;
    let mut out = Vec::new();
    let mut counter = Counter::default();
    encoder.begin(&Header::default(), &graph.schema, &mut out)?;
    let mut wrote = Wrote::default();
    for block in graph.blocks(1000) {
        let known = match block.class() {
            Class::Nodes => &mut wrote.nodes,
            Class::Relationships => &mut wrote.relationships,
        };
        if !std::mem::replace(known, true) {
            encoder.open(block.class(), &mut out)?;
        }
        encoder.block(&block, &mut out)?;
        counter.block(&block)?;
    }
    encoder.finish(&graph.schema, &Schema::default(), wrote, &mut out)?;
    graph.schema.objects.iter().for_each(|object| counter.object(object));
    let trailer =
        Trailer { tally: counter.tally(), source_changed: None, blake3: blake3::hash(&out).to_hex().to_string() };
    encoder.trailer(&trailer, &mut out)?;
    Ok(out)
}
