//! JSONL: one JSON object a line, with a header, a trailer and values of every type. The lossless reference among the formats.
//!
//! docs/format.md describes it so that a stranger can write a reader; this module and `model/json.rs` are one implementation of that text.
//! What is written is one to one: the same graph gives the same bytes. What is read may also be made by hand: without a header,
//! in another order of keys, with blank lines and CRLF.

mod decode;
mod encode;
mod lines;
mod record;

use super::{Decoder, Piece};
use crate::error::Result;
use crate::model::{Header, Tally};
use std::io::Read;

pub use encode::Jsonl;
pub(super) use record::pass_strings;

/// The version of the format that is written, and the newest that is read.
pub const VERSION: u64 = 1;

/// What writes the format.
#[must_use]
pub fn encoder() -> Jsonl {
    Jsonl
}

/// Reads the head of a dump; the rest follows by [`Decoder::next`].
///
/// # Errors
/// The first line is neither our header nor a node, or the header's version is newer than ours.
pub fn decoder(reader: Box<dyn Read + Send>) -> Result<Box<dyn Decoder>> {
    Ok(Box::new(decode::Reader::new(reader)?))
}

/// A part of a dump, as other formats keep them: lines without a trailer, and only the first part has a header.
pub(super) struct Part(decode::Reader);

impl Part {
    /// Begins to read a part whose first line has this number in the whole dump, from 1.
    pub(super) fn new(reader: Box<dyn Read + Send>, first_line: u64) -> Result<Self> {
        decode::Reader::part(reader, first_line).map(Self)
    }

    /// The header; meaningless for a part that has none.
    pub(super) fn header(&self) -> &Header {
        self.0.header()
    }

    /// The next piece; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Piece>> {
        self.0.next()
    }

    /// The number of the last line and the counts of what was read; complete after the end.
    pub(super) fn end(&self) -> (u64, Tally) {
        (self.0.line(), self.0.tally())
    }
}

/// Compares every count that a dump gives of itself with what was read.
///
/// # Errors
/// The first count that differs.
pub(super) fn check(says: &Tally, read: &Tally) -> Result<()> {
    says.check(read)?;
    decode::check_values(says, read)
}
