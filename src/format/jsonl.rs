//! JSONL: one JSON object a line, with a header, a trailer and values of every type. The lossless reference among the formats.
//!
//! docs/format.md describes it so that a stranger can write a reader; this module and `model/json.rs` are one implementation of that text.
//! What is written is one to one: the same graph gives the same bytes. What is read may also be made by hand: without a header,
//! in another order of keys, with blank lines and CRLF.

mod decode;
mod encode;
mod lines;
mod record;

use super::Decoder;
use crate::error::Result;
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
