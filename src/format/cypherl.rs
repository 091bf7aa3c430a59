//! CYPHERL: a graph as Cypher statements, one after the other.
//!
//! A dump in the dialect `memgraph` has the shape of Memgraph's own `DUMP DATABASE`, without what Memgraph cannot read of its own; it is replayed
//! with mgconsole or any client. One in the dialect `neo4j` is replayed with cypher-shell, is pure ASCII, and has one statement a line. Both
//! are read back here as data, not run: nodes and relationships become blocks, schema statements become objects, and what is
//! neither is handed on as it is, in its place. Memgraph's own dumps of every version are read too. The format is described in
//! `docs/format-cypherl.md`.
//!
//! The module knows Cypher's text and the model. It opens no file, asks no server, and decides nothing about losses: what a
//! dialect cannot hold, [`Encoder::capability`](super::Encoder::capability) says beforehand and the encoder refuses.
//!
//! ```
//! use graphferry::format::cypherl::{self, Helper, Options};
//! use graphferry::format::{Encoder, Piece};
//! use graphferry::model::{Block, Class, Kind, Header, Schema, packstream};
//!
//! # fn main() -> graphferry::Result<()> {
//! let mut block = Block::new(Class::Nodes);
//! packstream::put_map(block.buffer(), 0);
//! let kind = block.add_kind(Kind::labels(["Person"]));
//! block.push(7, 0, 0, kind, 0);
//!
//! let encoder = cypherl::encoder(Options::default())?;
//! let mut dump = Vec::new();
//! encoder.block(&block, &mut dump)?;
//! assert_eq!(dump, b"CREATE (:__mg_vertex__:`Person` {__mg_id__: 7});\n");
//!
//! let mut decoder = cypherl::decoder(Box::new(std::io::Cursor::new(dump)))?;
//! let Some(Piece::Block(read)) = decoder.next()? else { panic!("no block") };
//! assert_eq!(read.items()[0].id, 7);
//! # Ok(())
//! # }
//! ```

mod call;
mod ddl;
mod fold;
mod helper;
mod input;
mod item;
mod lex;
mod meta;
mod oddity;
mod read;
mod value;
mod write;

use super::{Decoder, Earlier};
use crate::cypher::{Dialect, Version, schema};
use crate::error::Result;
use std::io::Read;

pub(super) use ddl::{Ddl, read_with};
pub use helper::Helper;
pub(super) use input::Input;
pub(super) use lex::{Lexed, Lexer, Stop};
pub(super) use value::Values;
pub use write::Cypherl;

/// How a dump is written.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whose Cypher.
    pub dialect: Dialect,
    /// The names that carry the nodes' ids: [`Helper::choose`] finds those that collide with nothing.
    pub helper: Helper,
    /// The database that APOC's triggers are installed for.
    pub database: String,
    /// The version of Memgraph that is to read the dump; the newest where it is not given. Not for the dialect `neo4j`.
    pub target: Option<Version>,
    /// How many nodes or relationships of one kind go into a statement, at most; 0 and 1 mean a statement each. Not for the dialect `neo4j`.
    pub rows: usize,
}

impl Options {
    /// The options of a dialect, with its standard helper.
    #[must_use]
    pub fn new(dialect: Dialect) -> Self {
        let (helper, database) = (Helper::standard(dialect), schema::DEFAULT_DATABASE.to_owned());
        Self { dialect, helper, database, target: None, rows: 1 }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new(Dialect::default())
    }
}

/// An encoder.
///
/// # Errors
/// The database's name cannot be one, or the helper's names cannot be written in the dialect.
pub fn encoder(options: Options) -> Result<Cypherl> {
    Cypherl::new(options)
}

/// A decoder. Reads the header, if there is one.
///
/// # Errors
/// The reader fails, or the header is damaged or from a newer program.
pub fn decoder(reader: Box<dyn Read + Send>) -> Result<Box<dyn Decoder>> {
    decoder_after(reader, &Earlier::default())
}

/// A decoder of a dump that may have been read before.
///
/// # Errors
/// As [`decoder`].
pub fn decoder_after(reader: Box<dyn Read + Send>, earlier: &Earlier) -> Result<Box<dyn Decoder>> {
    Ok(Box::new(read::Reader::new(input::Input::new(reader), earlier.clone())?))
}

/// Whether a file that begins so is a dump of ours.
pub(super) fn is_ours(head: &[u8]) -> bool {
    read::marked(head).is_some()
}

#[cfg(test)]
mod tests;
