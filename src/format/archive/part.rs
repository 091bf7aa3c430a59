//! One part, on whatever thread: out of its compressed bytes come pieces, and what is to be proved of it.

use super::digest::Digest;
use super::member::Sort;
use crate::error::{Error, Position, Result};
use crate::format::Piece;
use crate::format::jsonl::Part as Rows;
use crate::model::{Class, Header, Tally};
use crossbeam_channel::Sender;
use std::error::Error as _;
use std::io::{BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What lies in the archive of a part.
pub(super) struct Stored {
    pub(super) sort: Sort,
    /// The number of its first line in the whole dump.
    pub(super) first_line: u64,
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// What was found out of a part that was read to its end.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) lines: u64,
    pub(super) bytes: u64,
    pub(super) size: u64,
    pub(super) blake3: String,
    pub(super) digest: Digest,
    pub(super) tally: Tally,
}

/// What a part gives, one after the other; the summary comes last.
pub(super) enum Given {
    Piece(Piece),
    End(Summary),
    Failed(Error),
}

/// Counts the bytes that go through.
struct Counted<R>(R, Arc<AtomicU64>);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = self.0.read(buffer)?;
        self.1.fetch_add(size as u64, Ordering::Relaxed);
        Ok(size)
    }
}

/// A part that is being read.
pub(super) struct Part {
    rows: Rows,
    name: String,
    sort: Sort,
    first_line: u64,
    read: Arc<AtomicU64>,
    summary: Summary,
}

/// Names the member in an error of it; a byte of its text would be taken for one of the archive.
pub(super) fn in_member(name: &str, error: Error) -> Error {
    let mut message = format!("{name}: {}", error.message());
    let mut cause = error.source();
    while let Some(next) = cause {
        message.push_str(&format!(": {next}"));
        cause = next.source();
    }
    let mut told = Error::new(error.kind(), message);
    if let Some(Position { line, .. }) = error.position() {
        told = told.at(Position::line(*line));
    }
    if let Some(hint) = error.advice() {
        told = told.hint(hint.to_owned());
    }
    told
}

impl Part {
    pub(super) fn open(stored: Stored) -> Result<Self> {
        let Stored { sort, first_line, name, bytes } = stored;
        let summary = Summary {
            size: bytes.len() as u64,
            blake3: blake3::hash(&bytes).to_hex().to_string(),
            ..Summary::default()
        };
        let open = || {
            if zstd::zstd_safe::find_frame_compressed_size(&bytes) != Ok(bytes.len()) {
                return Err(Error::corrupt("the compressed data is not one whole frame"));
            }
            let read = Arc::new(AtomicU64::new(0));
            let frame = zstd::stream::read::Decoder::with_buffer(BufReader::new(Cursor::new(bytes)));
            let frame = frame.map_err(|cause| Error::io("starting zstd", cause))?.single_frame();
            Ok((Rows::new(Box::new(Counted(frame, Arc::clone(&read))), first_line)?, read))
        };
        let (rows, read) = open().map_err(|error| in_member(&name, error))?;
        Ok(Self { rows, name, sort, first_line, read, summary })
    }

    pub(super) fn header(&self) -> &Header {
        self.rows.header()
    }

    /// The next piece, or what was found out when there is none left.
    fn next(&mut self) -> Result<Given> {
        match self.rows.next()? {
            Some(piece) => {
                let sort = match &piece {
                    Piece::Object(_) => Some(Sort::Schema),
                    Piece::Statement(_) => Some(Sort::Statements),
                    Piece::Block(block) => {
                        self.summary.digest.add(&Digest::of(block)?);
                        Some(match block.class() {
                            Class::Nodes => Sort::Nodes,
                            Class::Relationships => Sort::Relationships,
                        })
                    }
                    Piece::Existing { .. } => None,
                };
                if sort != Some(self.sort) {
                    return Err(Error::corrupt("the part holds lines that belong into another one"));
                }
                Ok(Given::Piece(piece))
            }
            None => {
                let (last_line, tally) = self.rows.end();
                let mut summary = std::mem::take(&mut self.summary);
                summary.lines = last_line + 1 - self.first_line;
                summary.bytes = self.read.load(Ordering::Relaxed);
                summary.tally = tally;
                Ok(Given::End(summary))
            }
        }
    }

    /// Gives all to `sink`, until it is through or nobody listens.
    pub(super) fn give(mut self, sink: &Sender<Given>) {
        loop {
            let given = self.next().unwrap_or_else(|error| Given::Failed(in_member(&self.name, error)));
            let is_last = !matches!(given, Given::Piece(_));
            if sink.send(given).is_err() || is_last {
                return;
            }
        }
    }
}
