//! Which ids occur: a bit an id, in pages, so that dense ids cost little and sparse ones work.

use rustc_hash::FxHashMap;

/// A set of ids: a bit each, in pages.
#[derive(Clone, Debug, Default)]
pub struct IdSet(FxHashMap<i64, Box<[u64; 64]>>);

impl IdSet {
    /// Adds an id; tells whether it was new.
    pub fn insert(&mut self, id: i64) -> bool {
        let page = self.0.entry(id >> 12).or_insert_with(|| Box::new([0; 64]));
        let word = &mut page[(id >> 6 & 63) as usize];
        let bit = 1 << (id & 63);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Whether an id is in it.
    #[must_use]
    pub fn contains(&self, id: i64) -> bool {
        self.0.get(&(id >> 12)).is_some_and(|page| page[(id >> 6 & 63) as usize] & (1 << (id & 63)) != 0)
    }
}
