//! Chunks: how messages lie in a stream.
//!
//! A message is cut into chunks of up to 65,535 bytes, each behind its size in two bytes; a size of zero ends the message. A size of zero
//! where no message has begun is a NOOP: a sign of life that is passed over. A size is never trusted with an allocation: memory grows with the
//! bytes that have arrived.

use crate::error::{Error, Result};
use std::ops::Range;

/// The largest message that is accepted.
pub const MAX_MESSAGE: usize = 1 << 30;

/// Bytes that are read at once.
const BUFFER: usize = 256 * 1024;

/// An assembly buffer larger than this is given back after its message.
const KEEP: usize = 1 << 20;

/// Makes messages out of received bytes. A message that lies in one piece in the receive buffer is handed out from there; only one that
/// is split by chunks or reads is put together apart.
#[derive(Debug)]
pub struct Dechunker {
    input: Box<[u8]>,
    from: usize,
    to: usize,
    /// Bytes of the current chunk that have not come yet.
    left: usize,
    /// A message has begun and is being put together.
    begun: bool,
    assembled: Vec<u8>,
    /// Where the current message is, if in `input`.
    place: Option<Range<usize>>,
    limit: usize,
}

impl Default for Dechunker {
    fn default() -> Self {
        Self::new()
    }
}

impl Dechunker {
    /// With buffers of the usual size.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(BUFFER, MAX_MESSAGE)
    }

    fn with_limit(buffer: usize, limit: usize) -> Self {
        Self {
            input: vec![0; buffer].into_boxed_slice(),
            from: 0,
            to: 0,
            left: 0,
            begun: false,
            assembled: Vec::new(),
            place: None,
            limit,
        }
    }

    /// Room for received bytes: fill some of it and say how much with [`Dechunker::filled`]. Call it after [`Dechunker::advance`] said
    /// that it needs more; the last message is gone then.
    pub fn space(&mut self) -> &mut [u8] {
        self.input.copy_within(self.from..self.to, 0);
        self.to -= self.from;
        self.from = 0;
        self.place = None;
        self.input.get_mut(self.to..).unwrap_or_default()
    }

    /// Says that `size` bytes of [`Dechunker::space`] were filled.
    pub fn filled(&mut self, size: usize) {
        self.to = (self.to + size).min(self.input.len());
    }

    /// Goes to the next message; false when more bytes are needed.
    ///
    /// # Errors
    /// The message is larger than the limit.
    #[inline]
    pub fn advance(&mut self) -> Result<bool> {
        self.place = None;
        if !self.begun {
            if self.assembled.capacity() > KEEP {
                self.assembled = Vec::new();
            }
            self.assembled.clear();
            // The usual case: one chunk, and all of it is here.
            let bytes = self.input.get(self.from..self.to).unwrap_or_default();
            if let Some(&[high, low]) = bytes.get(..2) {
                let size = usize::from(u16::from_be_bytes([high, low]));
                if size > 0 && bytes.get(size + 2..size + 4) == Some(&[0, 0]) {
                    self.place = Some(self.from + 2..self.from + 2 + size);
                    self.from += size + 4;
                    return Ok(true);
                }
            }
        }
        self.assemble()
    }

    fn assemble(&mut self) -> Result<bool> {
        loop {
            let bytes = self.input.get(self.from..self.to).unwrap_or_default();
            if self.left > 0 {
                let part = bytes.get(..self.left).unwrap_or(bytes);
                if part.is_empty() {
                    return Ok(false);
                }
                self.assembled.extend_from_slice(part);
                self.left -= part.len();
                self.from += part.len();
                continue;
            }
            let Some(&[high, low]) = bytes.get(..2) else { return Ok(false) };
            self.from += 2;
            match usize::from(u16::from_be_bytes([high, low])) {
                0 if self.begun => {
                    self.begun = false;
                    return Ok(true);
                }
                0 => {}
                size if self.assembled.len() + size > self.limit => {
                    return Err(Error::unreachable(format!(
                        "the server sends a message of more than {} bytes",
                        self.limit
                    )));
                }
                size => {
                    self.begun = true;
                    self.left = size;
                }
            }
        }
    }

    /// The message that [`Dechunker::advance`] went to.
    #[inline]
    #[must_use]
    pub fn message(&self) -> &[u8] {
        match &self.place {
            Some(range) => self.input.get(range.clone()).unwrap_or_default(),
            None => &self.assembled,
        }
    }
}

/// Appends a message in chunks.
pub fn put(out: &mut Vec<u8>, message: &[u8]) {
    out.reserve(message.len() + message.len() / 0x4000 + 4);
    for part in message.chunks(0xFFFF) {
        out.extend_from_slice(&(part.len() as u16).to_be_bytes());
        out.extend_from_slice(part);
    }
    out.extend_from_slice(&[0, 0]);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    /// Feeds `stream` in pieces of `step` bytes after a first piece of `first`.
    fn read(stream: &[u8], first: usize, step: usize, buffer: usize) -> Vec<Vec<u8>> {
        let mut dechunker = Dechunker::with_limit(buffer, MAX_MESSAGE);
        let (head, tail) = stream.split_at(first);
        let mut messages = Vec::new();
        for piece in std::iter::once(head).chain(tail.chunks(step)) {
            let mut piece = piece;
            while !piece.is_empty() {
                let space = dechunker.space();
                let size = space.len().min(piece.len());
                space[..size].copy_from_slice(&piece[..size]);
                dechunker.filled(size);
                piece = &piece[size..];
                while dechunker.advance().unwrap() {
                    messages.push(dechunker.message().to_vec());
                }
            }
        }
        messages
    }

    #[test]
    fn messages_cut_at_every_byte() {
        // The specification's examples: one chunk, two chunks, NOOPs between messages.
        let stream = [
            0x00, 0x10, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x00, 0x00, // one chunk
            0x00, 0x00, 0x00, 0x00, // two NOOPs
            0x00, 0x02, 7, 8, 0x00, 0x03, 9, 10, 11, 0x00, 0x00, // two chunks
            0x00, 0x00, // a NOOP
            0x00, 0x01, 42, 0x00, 0x00,
        ];
        let expected = vec![(0..16).collect::<Vec<u8>>(), vec![7, 8, 9, 10, 11], vec![42]];
        for buffer in [3, 7, 4096] {
            for first in 0..=stream.len() {
                for step in [1, 2, 5, 1000] {
                    assert_eq!(read(&stream, first, step, buffer), expected, "{first} {step} {buffer}");
                }
            }
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for size in [1, 2, 0xFFFE, 0xFFFF, 0x10000, 3 * 0xFFFF + 5] {
            let message: Vec<u8> = (0..size).map(|at: usize| (at % 251) as u8).collect();
            let mut out = Vec::new();
            put(&mut out, &message);
            assert_eq!(read(&out, 0, 4000, 10_000), [message]);
        }
    }

    #[test]
    fn an_outsized_message_is_refused_and_its_memory_given_back() {
        let mut out = Vec::new();
        put(&mut out, &vec![1; 300_000]);
        let mut dechunker = Dechunker::with_limit(out.len(), 200_000);
        dechunker.space().copy_from_slice(&out);
        dechunker.filled(out.len());
        let error = dechunker.advance().unwrap_err().to_string();
        assert_eq!(error, "the server sends a message of more than 200000 bytes");

        let mut out = Vec::new();
        put(&mut out, &vec![1; 3 * KEEP]);
        put(&mut out, &[2]);
        let mut dechunker = Dechunker::with_limit(out.len(), MAX_MESSAGE);
        dechunker.space().copy_from_slice(&out);
        dechunker.filled(out.len());
        assert!(dechunker.advance().unwrap());
        assert_eq!(dechunker.message().len(), 3 * KEEP);
        assert!(dechunker.advance().unwrap());
        assert_eq!(dechunker.message(), [2]);
        assert!(dechunker.assembled.capacity() <= KEEP);
    }
}
