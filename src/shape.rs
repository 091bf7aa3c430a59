//! From a property graph of any kind to one of HugeGraph's, and back.
//!
//! HugeGraph wants a schema before data: every property key has one type in the whole graph, every vertex one label, every edge label one vertex label at each end,
//! and between two vertices there is one edge of a label unless sort keys tell more apart. [`infer`] reads a graph once and decides what becomes of it; a person may say
//! otherwise in [`Entries`]. [`Forward`] then is the graph in that shape. What HugeGraph cannot hold is a named loss of the [`Mapping`], or with a reversible mapping is
//! encoded and noted in the schema's user data, from which [`Backward`] brings it back. docs/hugegraph-mapping.md describes the encoding.
//!
//! It knows no database, no file and no connection: feeds in, feeds out.

mod backward;
mod entry;
mod form;
mod forward;
mod found;
mod keys;
mod labels;
mod mapping;
mod mark;
mod name;
mod show;
mod value;

pub use backward::Backward;
pub use entry::{EdgeEntry, Entries, PropertyEntry, VertexEntry};
pub use form::Form;
pub use forward::Forward;
pub use mapping::Mapping;
pub use name::is_taken;

use crate::backend::Names;
use crate::error::{Error, Result};
use crate::feed::{End, Feed, pump};
use crate::format::Piece;
use crate::hugegraph::schema::KINDS;
use crate::model::{Header, Schema, SchemaObject};
use crate::observe::Watch;
use found::Found;

/// Whether a graph has HugeGraph's schema: then it has its shape already.
#[must_use]
pub fn is_shaped(schema: &Schema) -> bool {
    schema.objects.iter().any(|object| matches!(object, SchemaObject::Other(other) if other.kind == KINDS[1]))
}

/// Reads a graph once and decides what becomes of it in HugeGraph: `entries` says what a person wants, `reversible` whether everything is to come back. Of a graph that
/// [has its shape](is_shaped) only the schema is read.
///
/// A database's feed can be read again afterwards; of a dump the next reading needs a feed of its own.
///
/// # Errors
/// The feed is damaged, or what the entries ask for cannot be.
pub fn infer(feed: &mut dyn Feed, entries: &Entries, reversible: bool, watch: Watch<'_>) -> Result<Mapping> {
    let schema = feed.schema().clone();
    if is_shaped(&schema) && feed.is_repeatable() {
        return Mapping::decide(&Found::new(schema), entries, reversible);
    }
    let mut shaped = None;
    let looked = pump(&mut Looking(feed), watch, |pieces| {
        let mut found = Found::new(schema);
        let mut is_first = true;
        for piece in pieces {
            let is_data = matches!(piece, Piece::Block(_));
            if is_data && std::mem::replace(&mut is_first, false) && is_shaped(&found.schema) {
                shaped = Some(found);
                return Err(Error::failed("what is in the data does not matter"));
            }
            found.piece(piece)?;
        }
        Ok(found)
    });
    let found = match shaped {
        Some(found) => found,
        None => looked?.0,
    };
    Mapping::decide(&found, entries, reversible)
}

/// A feed that is only looked at, where that can be.
struct Looking<'a>(&'a mut dyn Feed);

impl Feed for Looking<'_> {
    fn header(&self) -> &Header {
        self.0.header()
    }

    fn schema(&self) -> &Schema {
        self.0.schema()
    }

    fn names(&self) -> Option<&Names> {
        self.0.names()
    }

    fn estimate(&self) -> Option<(u64, u64)> {
        self.0.estimate()
    }

    fn name(&self) -> Option<&str> {
        self.0.name()
    }

    fn run(&mut self, sink: &mut dyn FnMut(Piece) -> Result<()>) -> Result<End> {
        if self.0.look(sink)? { Ok(End::default()) } else { self.0.run(sink) }
    }
}
