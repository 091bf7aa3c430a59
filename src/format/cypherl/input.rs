//! The bytes of a dump as they come: a window with the lines and the digest of what has left it.

use crate::error::{Error, Position, Result};
use memchr::memchr_iter;
use std::io::Read;

/// How much is read at a time. So little under a fuzzer that statements are cut everywhere.
const CHUNK: usize = if cfg!(fuzzing) { 64 } else { 256 << 10 };
/// A statement may be this large.
const LIMIT: usize = 1 << 30;
/// A window that one large statement has widened beyond this is given back.
const WIDE: usize = 8 << 20;

/// A window into a dump.
pub(in crate::format) struct Input {
    reader: Box<dyn Read + Send>,
    bytes: Vec<u8>,
    /// Where the window's unread part begins.
    from: usize,
    last: bool,
    /// The offset of the window's first byte in the dump.
    offset: u64,
    /// The line of the first unread byte.
    line: u64,
    hasher: blake3::Hasher,
    /// Whether anybody wants the digest.
    hashes: bool,
    /// Up to where in the window the digest has come.
    hashed: usize,
    limit: usize,
}

impl Input {
    pub(in crate::format) fn new(reader: Box<dyn Read + Send>) -> Self {
        let bytes = Vec::with_capacity(2 * CHUNK);
        let hasher = blake3::Hasher::new();
        Self { reader, bytes, from: 0, last: false, offset: 0, line: 1, hasher, hashes: true, hashed: 0, limit: LIMIT }
    }

    /// A window into a file that has no digest.
    pub(in crate::format) fn undigested(reader: Box<dyn Read + Send>) -> Self {
        Self { hashes: false, ..Self::new(reader) }
    }

    #[cfg(test)]
    pub(in crate::format) fn limited(reader: Box<dyn Read + Send>, limit: usize) -> Self {
        Self { limit, ..Self::new(reader) }
    }

    /// What was not read yet of the window.
    pub(in crate::format) fn rest(&self) -> &[u8] {
        self.bytes.get(self.from..).unwrap_or_default()
    }

    /// Whether nothing follows the window.
    pub(in crate::format) fn is_last(&self) -> bool {
        self.last
    }

    /// The line of the first unread byte.
    pub(in crate::format) fn line(&self) -> u64 {
        self.line
    }

    /// Where a byte is that lies so far behind the first unread one.
    pub(in crate::format) fn position(&self, ahead: usize) -> Position {
        let passed = self.rest().get(..ahead.min(self.rest().len())).unwrap_or_default();
        Position {
            file: String::new(),
            line: self.line + memchr_iter(b'\n', passed).count() as u64,
            byte: Some(self.offset + (self.from + ahead) as u64),
        }
    }

    /// Counts bytes as read.
    pub(in crate::format) fn consume(&mut self, size: usize) {
        let passed = self.rest().get(..size).unwrap_or_default();
        let (lines, size) = (memchr_iter(b'\n', passed).count() as u64, passed.len());
        self.line += lines;
        self.from += size;
    }

    /// Whether the first unread byte begins a line.
    pub(in crate::format) fn at_line_start(&self) -> bool {
        self.offset + self.from as u64 == 0
            || self.from.checked_sub(1).and_then(|before| self.bytes.get(before)) == Some(&b'\n')
    }

    /// Widens the window. The byte before the first unread one stays in it.
    pub(in crate::format) fn fill(&mut self) -> Result<()> {
        let gone = self.from.saturating_sub(1);
        self.digest(gone);
        let unread = self.bytes.len() - gone;
        if unread > self.limit {
            let limit = self.limit;
            return Err(Error::corrupt(format!("a statement is larger than {limit} bytes")).at(self.position(0)));
        }
        self.bytes.drain(..gone);
        if self.bytes.capacity() > WIDE && unread < CHUNK {
            self.bytes.shrink_to(2 * CHUNK);
        }
        self.offset += gone as u64;
        self.from -= gone;
        self.hashed = self.hashed.saturating_sub(gone);
        // As much again as is there, so that a large statement is begun anew only a few times.
        let wanted = CHUNK.max(unread) as u64;
        let read = (&mut self.reader).take(wanted).read_to_end(&mut self.bytes);
        let read = read.map_err(Error::reading)?;
        self.last = (read as u64) < wanted;
        Ok(())
    }

    fn digest(&mut self, to: usize) {
        if !self.hashes {
            return;
        }
        if let Some(fresh) = self.bytes.get(self.hashed..to) {
            self.hasher.update(fresh);
            self.hashed = to;
        }
    }

    /// The digest of everything before the first unread byte.
    pub(in crate::format) fn digest_so_far(&mut self) -> String {
        self.digest(self.from);
        self.hasher.finalize().to_hex().to_string()
    }
}
