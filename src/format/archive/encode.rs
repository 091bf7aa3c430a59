//! The writer: each block becomes a member of its own, on whatever thread; numbers, headers and the manifest come in order.
//!
//! A member's header has to say which line of the dump it begins with, which only the one that writes in order knows. So where the header will stand,
//! the encoding thread leaves a [`Slip`] of the same size.

use super::digest::Digest;
use super::manifest::{Entry, Manifest};
use super::member::{self, BLOCK, END, MANIFEST, Sort};
use super::scan::MAX_PART;
use super::{LEVEL, VERSION};
use crate::error::{Error, Result};
use crate::format::jsonl::{self, Jsonl};
use crate::format::{Encoder, Statement, Wrote};
use crate::model::{Block, Capability, Class, Header, Schema, Trailer};
use std::io::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Writes archives.
#[derive(Debug)]
pub struct Archive {
    rows: Jsonl,
    level: i32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    header: Header,
    time: u64,
    /// Lines that were written so far.
    lines: u64,
    digest: Digest,
    members: Vec<Entry>,
}

/// Writes an archive whose members are compressed at this level of zstd, 1 to 19; [`LEVEL`] where it is not given.
#[must_use]
pub fn encoder(level: Option<i32>) -> Archive {
    Archive { rows: jsonl::encoder(), level: level.unwrap_or(LEVEL), state: Mutex::default() }
}

/// What the one who writes in order has to know of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Slip {
    sort: Sort,
    lines: u64,
    bytes: u64,
    size: u64,
    blake3: [u8; 32],
    digest: Digest,
}

impl Slip {
    fn put(&self, out: &mut [u8]) {
        let sort = [Sort::ALL.iter().position(|sort| *sort == self.sort).unwrap_or_default() as u8];
        let (lines, bytes, size) = (self.lines.to_le_bytes(), self.bytes.to_le_bytes(), self.size.to_le_bytes());
        let (content, items) = (self.digest.content.to_le_bytes(), self.digest.items.to_le_bytes());
        let fields: [&[u8]; 7] = [&sort, &lines, &bytes, &size, &self.blake3, &content, &items];
        out.iter_mut().zip(fields.concat()).for_each(|(to, from)| *to = from);
    }

    fn read(slip: &[u8]) -> Option<Self> {
        let (sort, rest) = slip.split_first_chunk::<1>()?;
        let (lines, rest) = rest.split_first_chunk()?;
        let (bytes, rest) = rest.split_first_chunk()?;
        let (size, rest) = rest.split_first_chunk()?;
        let (blake3, rest) = rest.split_first_chunk()?;
        let (content, rest) = rest.split_first_chunk()?;
        let (items, _) = rest.split_first_chunk()?;
        Some(Self {
            sort: *Sort::ALL.get(usize::from(sort[0]))?,
            lines: u64::from_le_bytes(*lines),
            bytes: u64::from_le_bytes(*bytes),
            size: u64::from_le_bytes(*size),
            blake3: *blake3,
            digest: Digest { content: u128::from_le_bytes(*content), items: u128::from_le_bytes(*items) },
        })
    }
}

impl Archive {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A part with a slip in the place of its header.
    fn part(&self, sort: Sort, raw: &[u8], lines: u64, digest: Digest, out: &mut Vec<u8>) -> Result<()> {
        let failed = |cause| Error::io("zstd compression", cause);
        let from = out.len();
        out.resize(from + BLOCK, 0);
        let mut encoder = zstd::stream::write::Encoder::new(&mut *out, self.level).map_err(failed)?;
        encoder.include_checksum(true).map_err(failed)?;
        encoder.set_pledged_src_size(Some(raw.len() as u64)).map_err(failed)?;
        encoder.write_all(raw).map_err(failed)?;
        encoder.finish().map_err(failed)?;
        let (size, blake3) = {
            let stored = out.get(from + BLOCK..).unwrap_or_default();
            (stored.len() as u64, *blake3::hash(stored).as_bytes())
        };
        if size > MAX_PART {
            let error =
                Error::refused(format!("a part of the archive would have {size} bytes, more than any may have"));
            return Err(error.hint("write the graph as jsonl"));
        }
        let slip = Slip { sort, lines, bytes: raw.len() as u64, size, blake3, digest };
        slip.put(out.get_mut(from..).unwrap_or_default());
        out.resize(out.len() + member::padding(size), 0);
        Ok(())
    }
}

fn lines(raw: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', raw).count() as u64
}

/// When a dump began, in seconds since 1970.
fn seconds(created: &str) -> u64 {
    let time = created.parse::<jiff::Timestamp>().ok();
    time.and_then(|time| u64::try_from(time.as_second()).ok()).unwrap_or_default()
}

impl Encoder for Archive {
    fn capability(&self) -> Capability {
        Capability::all("the archive")
    }

    fn begin(&self, header: &Header, schema: &Schema, out: &mut Vec<u8>) -> Result<()> {
        let mut raw = Vec::new();
        self.rows.begin(header, schema, &mut raw)?;
        let mut state = self.state();
        state.time = seconds(&header.created);
        state.header = header.clone();
        self.part(Sort::Schema, &raw, lines(&raw), Digest::default(), out)
    }

    fn open(&self, _: Class, _: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }

    fn block(&self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        let mut raw = Vec::new();
        self.rows.block(block, &mut raw)?;
        let sort = match block.class() {
            Class::Nodes => Sort::Nodes,
            Class::Relationships => Sort::Relationships,
        };
        self.part(sort, &raw, block.len() as u64, Digest::of(block)?, out)
    }

    fn statement(&self, statement: &Statement, out: &mut Vec<u8>) -> Result<()> {
        let mut raw = Vec::new();
        self.rows.statement(statement, &mut raw)?;
        self.part(Sort::Statements, &raw, 1, Digest::default(), out)
    }

    fn finish(&self, early: &Schema, late: &Schema, wrote: Wrote, out: &mut Vec<u8>) -> Result<()> {
        let mut raw = Vec::new();
        self.rows.finish(early, late, wrote, &mut raw)?;
        if raw.is_empty() {
            return Ok(());
        }
        self.part(Sort::Schema, &raw, lines(&raw), Digest::default(), out)
    }

    fn place(&self, bytes: &mut [u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let slip = Slip::read(bytes).ok_or_else(|| Error::failed("a part of the archive has no slip"))?;
        let mut state = self.state();
        let name = slip.sort.name(state.lines + 1);
        let header = member::header(&name, slip.size, state.time)?;
        bytes.iter_mut().zip(header).for_each(|(to, from)| *to = from);
        state.lines += slip.lines;
        state.digest.add(&slip.digest);
        let blake3 = blake3::Hash::from_bytes(slip.blake3).to_hex().to_string();
        state.members.push(Entry { name, size: slip.size, bytes: slip.bytes, lines: slip.lines, blake3 });
        Ok(())
    }

    fn trailer(&self, trailer: &Trailer, out: &mut Vec<u8>) -> Result<()> {
        let mut state = self.state();
        let header = std::mem::take(&mut state.header);
        let now = jiff::Timestamp::now();
        let manifest = Manifest {
            format: "archive".to_owned(),
            version: VERSION,
            tool: format!("graphferry {}", env!("CARGO_PKG_VERSION")),
            source: header.source,
            started: header.created,
            finished: now.round(jiff::Unit::Second).unwrap_or(now).to_string(),
            consistency: header.consistency,
            source_changed: trailer.source_changed,
            filters: header.filters,
            tally: trailer.tally.clone(),
            digest: state.digest,
            members: std::mem::take(&mut state.members),
            before: trailer.blake3.clone(),
            manifest: String::new(),
        };
        let text = manifest.write()?;
        out.extend_from_slice(&member::header(MANIFEST, text.len() as u64, state.time)?);
        out.extend_from_slice(&text);
        out.resize(out.len() + member::padding(text.len() as u64) + END, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_slip_comes_back() {
        let slip = Slip {
            sort: Sort::Relationships,
            lines: 1,
            bytes: u64::MAX,
            size: 2,
            blake3: [7; 32],
            digest: Digest { content: 3, items: u128::MAX },
        };
        let mut bytes = [0; BLOCK];
        slip.put(&mut bytes);
        assert_eq!(Slip::read(&bytes), Some(slip));
    }
}
