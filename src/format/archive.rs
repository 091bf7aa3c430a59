//! The archive: one tar file whose members are lines of JSONL, compressed with zstd, in parts that are written and read in parallel; its last member
//! tells what there is and proves it.
//!
//! docs/format-archive.md describes it so that a stranger can write a reader; `tar` and `zstd` take it apart. Rows are those of
//! [`jsonl`](super::jsonl). It is written and read as a stream. The reader is strict to the byte: every header and all padding has to be as we write
//! it, so that no damage goes unseen; a tar file that was packed again by something else is refused.

mod decode;
pub mod digest;
mod encode;
pub mod manifest;
mod member;
mod part;
mod scan;

pub use digest::Digest;
pub use encode::{Archive, encoder};
pub use manifest::Manifest;

use super::Decoder;
use crate::error::Result;
use std::io::Read;

/// The version of the format that is written, and the only one that is read.
pub const VERSION: u64 = 1;

/// The level at which members are compressed where none is asked for.
pub const LEVEL: i32 = 3;

/// Whether these are the first bytes of a tar file; 512 are enough.
#[must_use]
pub fn is_tar(first: &[u8]) -> bool {
    first.get(257..262) == Some(b"ustar")
}

/// Reads the head of an archive; the rest follows by [`Decoder::next`].
///
/// # Errors
/// It is a tar file of something else, of a newer version, or damaged.
pub fn decoder(reader: Box<dyn Read + Send>) -> Result<Box<dyn Decoder>> {
    Ok(Box::new(open(reader)?))
}

/// The same, for those who want the [`Manifest`] too.
///
/// # Errors
/// As [`decoder`].
pub fn open(reader: Box<dyn Read + Send>) -> Result<Reader> {
    Reader::new(reader)
}

pub use decode::Reader;
