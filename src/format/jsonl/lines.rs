//! Lines of a stream, with their numbers and places, and the checksum of all bytes before the current one.
//!
//! One buffer is refilled; it grows for a line that does not fit and shrinks after it.

use crate::error::{Error, Position, Result};
use std::io::{ErrorKind as IoKind, Read};

/// The usual size of the buffer.
const SIZE: usize = 256 << 10;

/// A longer line is refused.
pub(super) const MAX_LINE: usize = 1 << 30;

/// A stream of lines.
pub(super) struct Lines {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// What of the buffer holds data.
    filled: usize,
    /// The current line, with what ends it.
    from: usize,
    to: usize,
    /// The bytes before this are in the checksum.
    hashed: usize,
    /// The offset of the buffer's first byte in the stream.
    offset: u64,
    number: u64,
    at_end: bool,
    held: bool,
    hasher: blake3::Hasher,
}

impl Lines {
    pub(super) fn new(reader: Box<dyn Read + Send>) -> Self {
        Self {
            reader,
            buffer: vec![0; SIZE],
            filled: 0,
            from: 0,
            to: 0,
            hashed: 0,
            offset: 0,
            number: 0,
            at_end: false,
            held: false,
            hasher: blake3::Hasher::new(),
        }
    }

    /// The same for a part of a text: its first line has this number.
    pub(super) fn starting_at(first: u64, reader: Box<dyn Read + Send>) -> Self {
        Self { number: first.saturating_sub(1), ..Self::new(reader) }
    }

    /// Goes to the next line; `false` at the end.
    pub(super) fn advance(&mut self) -> Result<bool> {
        if std::mem::take(&mut self.held) {
            return Ok(true);
        }
        self.from = self.to;
        if self.at_end && self.to == self.filled {
            return Ok(false);
        }
        self.number += 1;
        let mut searched = self.from;
        loop {
            let unseen = self.buffer.get(searched..self.filled).unwrap_or_default();
            if let Some(found) = memchr::memchr(b'\n', unseen) {
                self.to = searched + found + 1;
                return Ok(true);
            }
            searched = self.filled;
            if self.at_end {
                self.to = self.filled;
                return Ok(self.to > self.from);
            }
            searched -= self.make_room();
            if self.filled - self.from > MAX_LINE {
                let error = Error::corrupt("a line is longer than 1 GiB");
                return Err(error.at(self.position(0)));
            }
            self.read()?;
        }
    }

    /// Makes the next [`Lines::advance`] give the current line again.
    pub(super) fn hold(&mut self) {
        self.held = true;
    }

    /// Drops the lines before the current one from the buffer, and sees that there is room behind it; tells how far the line moved.
    fn make_room(&mut self) -> usize {
        let moved = self.from;
        let line = self.filled - self.from;
        if moved == 0 && self.filled < self.buffer.len() {
            return 0;
        }
        self.hash();
        // A buffer that a long line has grown goes when a short one comes; one that the line fills grows.
        let size = if line < SIZE { SIZE } else { self.buffer.len().max((2 * line).min(MAX_LINE + 2)) };
        if size == self.buffer.len() {
            self.buffer.copy_within(self.from..self.filled, 0);
        } else {
            let mut other = vec![0; size];
            if let (Some(to), Some(from)) = (other.get_mut(..line), self.buffer.get(self.from..self.filled)) {
                to.copy_from_slice(from);
            }
            self.buffer = other;
        }
        self.offset += moved as u64;
        self.filled = line;
        self.from = 0;
        self.to = 0;
        self.hashed = 0;
        moved
    }

    /// Brings the checksum up to the current line.
    fn hash(&mut self) {
        self.hasher.update(self.buffer.get(self.hashed..self.from).unwrap_or_default());
        self.hashed = self.from;
    }

    fn read(&mut self) -> Result<()> {
        // Little at a time even into a large buffer, so that a long line does not bring megabytes of the next ones with it.
        let end = self.buffer.len().min(self.filled + SIZE);
        let room = self.buffer.get_mut(self.filled..end).unwrap_or_default();
        match self.reader.read(room) {
            Ok(0) => self.at_end = true,
            Ok(size) => self.filled += size.min(room.len()),
            Err(cause) if cause.kind() == IoKind::Interrupted => {}
            Err(cause) => return Err(Error::reading(cause).at(self.position(0))),
        }
        Ok(())
    }

    /// The current line without what ends it.
    pub(super) fn line(&self) -> &[u8] {
        let line = self.buffer.get(self.from..self.to).unwrap_or_default();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    /// Whether a line feed ends the current line.
    pub(super) fn is_ended(&self) -> bool {
        self.buffer.get(self.from..self.to).is_some_and(|line| line.ends_with(b"\n"))
    }

    /// The number of the current line, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The place of a byte of the current line.
    pub(super) fn position(&self, byte: usize) -> Position {
        let byte = Some(self.offset + (self.from + byte) as u64);
        Position { file: String::new(), line: self.number, byte }
    }

    /// The checksum of everything before the current line.
    pub(super) fn checksum(&mut self) -> String {
        self.hash();
        self.hasher.finalize().to_hex().to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Cursor;

    /// Gives at most so many bytes a read.
    struct Drip(Cursor<Vec<u8>>, usize);

    impl Read for Drip {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let size = buffer.len().min(self.1);
            self.0.read(buffer.get_mut(..size).unwrap_or_default())
        }
    }

    /// A line, its number, its offset, whether it ends, and the checksum before it.
    type Seen = (Vec<u8>, u64, Option<u64>, bool, String);

    fn all(text: &[u8], step: usize) -> Vec<Seen> {
        let mut lines = Lines::new(Box::new(Drip(Cursor::new(text.to_vec()), step)));
        let mut all = Vec::new();
        while lines.advance().unwrap() {
            lines.hold();
            assert!(lines.advance().unwrap());
            let position = lines.position(0);
            all.push((lines.line().to_vec(), position.line, position.byte, lines.is_ended(), lines.checksum()));
        }
        assert!(!lines.advance().unwrap(), "the end stays the end");
        all
    }

    #[test]
    fn lines_do_not_depend_on_reads() {
        let long = vec![b'x'; SIZE * 3];
        let text = [b"one\r\n\ntwo\n".as_slice(), &long, b"\nlast"].concat();
        let hash = |size: usize| blake3::hash(&text[..size]).to_hex().to_string();
        let end = 10 + long.len() + 1;
        let expected = vec![
            (b"one".to_vec(), 1, Some(0), true, hash(0)),
            (Vec::new(), 2, Some(5), true, hash(5)),
            (b"two".to_vec(), 3, Some(6), true, hash(6)),
            (long.clone(), 4, Some(10), true, hash(10)),
            (b"last".to_vec(), 5, Some(end as u64), false, hash(end)),
        ];
        for step in [1, 2, 3, 7, 4096, SIZE - 1, SIZE, SIZE + 1, usize::MAX] {
            assert_eq!(all(&text, step), expected, "{step} bytes a read");
        }
    }

    #[test]
    fn the_buffer_shrinks_after_a_long_line() {
        let text = [vec![b'x'; 8 << 20], b"\n".to_vec(), b"short line\n".repeat(SIZE / 8)].concat();
        let mut lines = Lines::new(Box::new(Cursor::new(text)));
        assert!(lines.advance().unwrap());
        assert!(lines.buffer.len() >= 8 << 20);
        // What of the next lines was read with the long one is used up first: no more than one read.
        for _ in 0..=SIZE / 11 {
            assert!(lines.advance().unwrap());
        }
        assert_eq!(lines.buffer.len(), SIZE);
        assert_eq!(lines.buffer.capacity(), SIZE);
    }
}
