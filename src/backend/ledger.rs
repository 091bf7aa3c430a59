//! The ledger: what a run has done, kept in the target itself and written in the transaction of the batch that it tells of.
//!
//! An [`Entry`] is the line of one batch, or of a part of one. How a backend keeps it is its own affair; it keeps [`Entry::encode`]'s bytes and
//! finds them again by run, batch and first item.
//!
//! The bytes: version 1, deed, then as variable-length integers the batch, the first item, the number of ids; the hash of the old ids; the ids as
//! zigzag differences in runs; a fingerprint of four bytes an id where there are some; the rest is what nodes were before, compressed with zstd.

use crate::error::{Error, Result};
use crate::model::content::Content;
use crate::model::{Block, Item};

/// The label of the nodes that a run keeps its ledger in, where a database keeps it as nodes: they are nobody's data.
pub const LABEL: &str = "__GraphFerry__";

const VERSION: u8 = 1;

/// A batch of relationships that has also changed some has a second line, about those, under its number plus this.
pub const CHANGES: u64 = 1 << 41;

/// What a batch did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Created nodes.
    Nodes,
    /// Created relationships.
    Relationships,
    /// Changed nodes that were there.
    Updates,
    /// Nothing yet: it says which nodes were recognised, as pairs of old id and id in the target.
    Matches,
    /// Nothing yet: it says which nodes of the dump come after another that is the same, as pairs of its old id and the other's.
    Later,
    /// Changed relationships that were there, beside the line of its batch: see [`CHANGES`].
    Changes,
}

/// Where a batch stands in its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The number of the batch.
    pub batch: u64,
    /// The number of the part's first item in the batch.
    pub from: u64,
    /// Whether what nodes were before is to be kept.
    pub before: bool,
}

impl Mark {
    /// Where the line about relationships stands that the batch has changed.
    #[must_use]
    pub fn of_changes(self) -> Self {
        Self { batch: self.batch + CHANGES, ..self }
    }
}

/// A line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The number of the batch.
    pub batch: u64,
    /// The number of the part's first item in the batch.
    pub from: u64,
    /// How many items of the batch it is about: more than it has ids where some were there already.
    pub items: u64,
    /// What it did.
    pub deed: Deed,
    /// A hash of the ids that the items have in the dump: a resumed run notices another dump.
    pub old: u64,
    /// Ids in the target, in the order of the items.
    pub ids: Vec<i64>,
    /// What each item was when the batch left it; empty where nobody will ask.
    pub prints: Vec<u32>,
    /// What changed items were before: for each, in the order of the ids, a PackStream list of its labels, or its type, and a map of properties. Empty where it was not kept.
    pub before: Vec<u8>,
}

impl Entry {
    /// A line about a batch, or a part of one.
    #[must_use]
    pub fn new(mark: &Mark, deed: Deed, batch: &Block) -> Self {
        Self {
            batch: mark.batch,
            from: mark.from,
            items: batch.len() as u64,
            deed,
            old: old_ids(batch),
            ids: Vec::new(),
            prints: Vec::new(),
            before: Vec::new(),
        }
    }

    /// The bytes that a backend keeps.
    ///
    /// # Errors
    /// The compressor fails.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut out = vec![VERSION, self.deed as u8];
        for number in [self.batch, self.from, self.items, self.old, self.ids.len() as u64] {
            put(&mut out, number);
        }
        // Servers give ids in runs: a run is a step from the last id and how many ids follow each other.
        let mut at = 0;
        let mut last = 0_i64;
        while let Some(id) = self.ids.get(at) {
            let more = self
                .ids
                .iter()
                .skip(at + 1)
                .zip(1_i64..)
                .take_while(|(next, step)| Some(**next) == id.checked_add(*step));
            let more = more.count();
            put(&mut out, zigzag(id.wrapping_sub(last)));
            put(&mut out, more as u64);
            last = id.wrapping_add(more as i64);
            at += more + 1;
        }
        put(&mut out, self.prints.len() as u64);
        self.prints.iter().for_each(|print| out.extend_from_slice(&print.to_le_bytes()));
        if !self.before.is_empty() {
            let packed = zstd::bulk::compress(&self.before, 1);
            put(&mut out, self.before.len() as u64);
            out.extend(packed.map_err(|cause| Error::io("compressing a line of the ledger", cause))?);
        }
        Ok(out)
    }

    /// Reads what [`Entry::encode`] wrote.
    ///
    /// # Errors
    /// The bytes are damaged, or of a newer version.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let damaged = || Error::corrupt("a line of the ledger is damaged");
        let [version, deed, rest @ ..] = bytes else { return Err(damaged()) };
        if *version != VERSION {
            return Err(Error::refused("the ledger was written by a newer graphferry").hint("use that one"));
        }
        let deed = match deed {
            0 => Deed::Nodes,
            1 => Deed::Relationships,
            2 => Deed::Updates,
            3 => Deed::Matches,
            4 => Deed::Later,
            5 => Deed::Changes,
            _ => return Err(damaged()),
        };
        let mut rest = rest;
        let mut next = || take(&mut rest).ok_or_else(damaged);
        let (batch, from, items, old, count) = (next()?, next()?, next()?, next()?, next()?);
        let mut ids = Vec::new();
        let mut last = 0_i64;
        while (ids.len() as u64) < count {
            let first = last.wrapping_add(unzigzag(next()?));
            let more = next()?;
            if more >= count - ids.len() as u64 || first.checked_add_unsigned(more).is_none() {
                return Err(damaged());
            }
            ids.extend((0..=more as i64).map(|step| first + step));
            last = first + more as i64;
        }
        let prints = usize::try_from(next()?).ok().and_then(|count| count.checked_mul(4)).ok_or_else(damaged)?;
        let (prints, rest) = rest.split_at_checked(prints).ok_or_else(damaged)?;
        let prints = prints.chunks_exact(4).map(|print| u32::from_le_bytes([print[0], print[1], print[2], print[3]]));
        let mut entry = Self { batch, from, items, deed, old, ids, prints: prints.collect(), before: Vec::new() };
        if !rest.is_empty() {
            let mut rest = rest;
            let size = take(&mut rest).and_then(|size| usize::try_from(size).ok()).ok_or_else(damaged)?;
            // A batch is no larger than a few items beyond 2 MiB of properties, and an item no larger than 1 GiB.
            entry.before = zstd::bulk::decompress(rest, size.min(2 << 30)).map_err(|_| damaged())?;
        }
        Ok(entry)
    }
}

/// A hash of the ids that the items of a batch have in the dump.
#[must_use]
pub fn old_ids(batch: &Block) -> u64 {
    batch.items().iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, item| {
        (hash ^ item.id as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23)
    })
}

/// Fingerprints of items, independent of the order of labels and properties.
#[derive(Debug, Default)]
pub struct Printer(Content);

impl Printer {
    /// The fingerprint of an item of a block: a relationship's with its ends.
    ///
    /// # Errors
    /// The properties are not well formed.
    pub fn print(&mut self, block: &Block, item: &Item) -> Result<u32> {
        let ends = match block.class() {
            crate::model::Class::Nodes => &[][..],
            crate::model::Class::Relationships => &[item.start as u64, item.end as u64][..],
        };
        let names = block.kind(item).names().iter().map(|name| &**name);
        self.print_of(names, block.properties(item), ends)
    }

    /// The fingerprint of what an item consists of.
    ///
    /// # Errors
    /// The properties are not well formed.
    pub fn print_of<'a>(
        &mut self,
        names: impl Iterator<Item = &'a str>,
        properties: &[u8],
        ends: &[u64],
    ) -> Result<u32> {
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.sort_unstable();
        names.dedup();
        Ok(self.0.hash(&names, properties, ends)? as u32)
    }
}

fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63) as u64
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use proptest::prelude::*;

    fn entry(ids: Vec<i64>) -> Entry {
        let prints = ids.iter().map(|id| *id as u32).collect();
        let before = vec![7; ids.len() * 3];
        Entry { batch: 3, from: 5, items: 9, deed: Deed::Updates, old: u64::MAX, ids, prints, before }
    }

    proptest! {
        #[test]
        fn lines_come_back(ids in proptest::collection::vec(prop_oneof![any::<i64>(), 0_i64..9], 0..40)) {
            let entry = entry(ids);
            prop_assert_eq!(Entry::decode(&entry.encode().unwrap()).unwrap(), entry);
        }

        #[test]
        fn damage_is_an_error_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40), cut in 0_usize..60) {
            let _ = Entry::decode(&bytes);
            let mut whole = entry(vec![5, 6, 7, 100, -4]).encode().unwrap();
            whole.truncate(cut);
            let _ = Entry::decode(&whole);
        }
    }

    #[test]
    fn ids_that_follow_each_other_cost_nothing() {
        let mut entry = entry((1_000_000..1_005_000).collect());
        entry.prints.clear();
        entry.before.clear();
        assert!(entry.encode().unwrap().len() < 40);
    }
}
