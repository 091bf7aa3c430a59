//! The relationships of a snapshot in the order of their ids. Nodes name them in another order than their properties lie in, so they are
//! sorted: in memory while they are few, else in sorted runs in a temporary file.

use super::records::Link;
use crate::error::{Error, Result};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

/// Relationships that are held at once: 6 MiB.
const HELD: usize = 3 << 16;
const WIDTH: usize = 32;
/// Relationships that are written at once, and read of one run at once at most.
const PART: usize = 1 << 12;
/// Relationships that are read of one run at once where there are very many runs.
const LEAST: usize = 1 << 6;

/// Takes relationships in any order.
#[derive(Debug)]
pub(super) struct Sorter {
    held: Vec<Link>,
    limit: usize,
    spilled: Option<File>,
    runs: Vec<usize>,
}

impl Default for Sorter {
    fn default() -> Self {
        Self::holding(HELD)
    }
}

impl Sorter {
    fn holding(limit: usize) -> Self {
        Self { held: Vec::new(), limit, spilled: None, runs: Vec::new() }
    }

    pub(super) fn push(&mut self, link: Link) -> Result<()> {
        if self.held.len() >= self.limit {
            self.spill()?;
        }
        self.held.push(link);
        Ok(())
    }

    fn spill(&mut self) -> Result<()> {
        self.held.sort_unstable();
        let writing = |cause| Error::io("writing a temporary file", cause);
        if self.spilled.is_none() {
            self.spilled = Some(tempfile::tempfile().map_err(writing)?);
        }
        let Some(file) = &mut self.spilled else { return Ok(()) };
        let mut bytes = Vec::with_capacity(PART * WIDTH);
        for part in self.held.chunks(PART) {
            bytes.clear();
            for link in part {
                for number in [link.id as u64, link.start as u64, link.end as u64, link.kind] {
                    bytes.extend_from_slice(&number.to_le_bytes());
                }
            }
            file.write_all(&bytes).map_err(writing)?;
        }
        self.runs.push(self.held.len());
        self.held.clear();
        Ok(())
    }

    /// Gives them sorted.
    pub(super) fn sorted(mut self) -> Result<Sorted> {
        self.held.sort_unstable();
        let mut sorted =
            Sorted { held: self.held.into_iter(), file: self.spilled, runs: Vec::new(), heap: BinaryHeap::new() };
        let mut from = 0;
        // What is read of all runs together is no more than what was held.
        let at_once = (HELD / self.runs.len().max(1)).clamp(LEAST, PART);
        for length in self.runs {
            sorted.runs.push(Run { from, left: length, at_once, part: Vec::new().into_iter() });
            from += (length * WIDTH) as u64;
        }
        // The last run is what is in memory.
        for run in 0..=sorted.runs.len() {
            sorted.refill(run)?;
        }
        Ok(sorted)
    }
}

#[derive(Debug)]
struct Run {
    from: u64,
    left: usize,
    at_once: usize,
    part: std::vec::IntoIter<Link>,
}

/// Relationships in the order of their ids.
#[derive(Debug)]
pub(super) struct Sorted {
    held: std::vec::IntoIter<Link>,
    file: Option<File>,
    runs: Vec<Run>,
    heap: BinaryHeap<Reverse<(Link, usize)>>,
}

impl Sorted {
    pub(super) fn next(&mut self) -> Result<Option<Link>> {
        let Some(Reverse((link, run))) = self.heap.pop() else { return Ok(None) };
        self.refill(run)?;
        Ok(Some(link))
    }

    fn refill(&mut self, run: usize) -> Result<()> {
        let next = match (self.runs.get_mut(run), &mut self.file) {
            (Some(from), Some(file)) => from.next(file)?,
            _ => self.held.next(),
        };
        self.heap.extend(next.map(|link| Reverse((link, run))));
        Ok(())
    }
}

impl Run {
    fn next(&mut self, file: &mut File) -> Result<Option<Link>> {
        if let Some(link) = self.part.next() {
            return Ok(Some(link));
        }
        let count = self.left.min(self.at_once);
        if count == 0 {
            return Ok(None);
        }
        let reading = |cause| Error::io("reading a temporary file", cause);
        let mut bytes = vec![0; count * WIDTH];
        file.seek(SeekFrom::Start(self.from)).map_err(reading)?;
        file.read_exact(&mut bytes).map_err(reading)?;
        self.left -= count;
        self.from += bytes.len() as u64;
        let number = |bytes: &[u8]| {
            let mut array = [0; 8];
            array.copy_from_slice(bytes);
            u64::from_le_bytes(array)
        };
        let links = bytes.chunks_exact(WIDTH).map(|link| {
            let part = |at: usize| number(link.get(at..at + 8).unwrap_or(&[0; 8]));
            Link { id: part(0) as i64, start: part(8) as i64, end: part(16) as i64, kind: part(24) }
        });
        self.part = links.collect::<Vec<_>>().into_iter();
        Ok(self.part.next())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn runs_come_back_in_order() {
        for limit in [1, 3, 5000, 100_000] {
            let mut sorter = Sorter::holding(limit);
            let count = if limit < 10 { 50 } else { 20_000 };
            for number in 0..count {
                let id = number * 7919 % count;
                sorter.push(Link { id, start: id + 1, end: -id, kind: 3 }).unwrap();
            }
            let mut sorted = sorter.sorted().unwrap();
            for id in 0..count {
                assert_eq!(sorted.next().unwrap(), Some(Link { id, start: id + 1, end: -id, kind: 3 }), "{limit}");
            }
            assert_eq!(sorted.next().unwrap(), None);
        }
    }
}
