//! Which ids occur: a bit an id, in pages, so that dense ids cost little; ids that lie far apart are hashed.

use super::IdMap;
use rustc_hash::FxHashMap;

/// While there are no more pages than this, nothing is hashed.
const FEW: usize = 1024;

/// About what a page costs, in bytes; and what an id costs that is hashed.
const PAGE: usize = 544;
const HASHED: usize = 16;

/// A set of ids: a bit each, in pages of 4,096; once that would cost more than 16 bytes an id, about 15 bytes each.
#[derive(Clone, Debug, Default)]
pub struct IdSet {
    form: Form,
    known: usize,
}

#[derive(Clone, Debug)]
enum Form {
    Dense(Pages),
    Sparse(IdMap),
}

impl Default for Form {
    fn default() -> Self {
        Self::Dense(Pages::default())
    }
}

type Page = Box<[u64; 64]>;

/// Pages by their number. Those of small numbers, the usual ones, are found without hashing.
#[derive(Clone, Debug, Default)]
struct Pages {
    near: Vec<Option<Page>>,
    far: FxHashMap<i64, Page>,
    count: usize,
}

impl Pages {
    #[inline]
    fn page(&self, number: i64) -> Option<&Page> {
        let near = usize::try_from(number).ok().and_then(|at| self.near.get(at)?.as_ref());
        near.or_else(|| self.far.get(&number))
    }

    #[inline]
    fn page_mut(&mut self, number: i64) -> Option<&mut Page> {
        let near = usize::try_from(number).ok().and_then(|at| self.near.get_mut(at)?.as_mut());
        near.or_else(|| self.far.get_mut(&number))
    }

    /// Adds a page that is not there. The table of the near ones has no more than two places a page, beyond a few.
    fn add(&mut self, number: i64) -> &mut Page {
        self.count += 1;
        let most = 2 * self.count + FEW;
        match usize::try_from(number).ok().filter(|at| *at < most) {
            Some(at) => {
                if self.near.len() <= at {
                    self.near.resize(at + 1, None);
                }
                self.near[at].insert(Box::new([0; 64]))
            }
            None => self.far.entry(number).or_insert_with(|| Box::new([0; 64])),
        }
    }
}

impl IdSet {
    /// Adds an id; tells whether it was new.
    pub fn insert(&mut self, id: i64) -> bool {
        if let Form::Dense(pages) = &mut self.form {
            let number = id >> 12;
            let has_room = pages.count < FEW || (pages.count + 1) * PAGE <= (self.known + 1) * HASHED;
            if pages.page(number).is_none() && has_room {
                pages.add(number);
            }
            if let Some(page) = pages.page_mut(number) {
                let word = &mut page[(id >> 6 & 63) as usize];
                let bit = 1 << (id & 63);
                let new = *word & bit == 0;
                *word |= bit;
                self.known += usize::from(new);
                return new;
            }
            self.scatter();
        }
        match &mut self.form {
            Form::Sparse(map) => map.reserve(id),
            Form::Dense(_) => false,
        }
    }

    /// Whether an id is in it.
    #[must_use]
    pub fn contains(&self, id: i64) -> bool {
        match &self.form {
            Form::Dense(pages) => {
                pages.page(id >> 12).is_some_and(|page| page[(id >> 6 & 63) as usize] & (1 << (id & 63)) != 0)
            }
            Form::Sparse(map) => map.contains(id),
        }
    }

    fn scatter(&mut self) {
        let mut map = IdMap::default();
        if let Form::Dense(pages) = std::mem::take(&mut self.form) {
            let near = pages.near.into_iter().enumerate().filter_map(|(at, page)| Some((at as i64, page?)));
            for (page, words) in near.chain(pages.far) {
                for at in 0..4096 {
                    if words[at >> 6] & (1 << (at & 63)) != 0 {
                        map.reserve(page << 12 | at as i64);
                    }
                }
            }
        }
        self.form = Form::Sparse(map);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn dense_and_sparse_ids_are_told() {
        for step in [1_i64, 37, 5000, 1 << 22, -(1 << 40)] {
            let (mut set, mut expected) = (IdSet::default(), BTreeSet::new());
            for at in 0..6000 {
                let id = (at % 5000_i64).wrapping_mul(step).wrapping_add(1_188_670_987_596_464_128);
                assert_eq!(set.insert(id), expected.insert(id), "{step} {at}");
                assert!(set.contains(id) && !set.contains(id.wrapping_add(step * 5000)));
            }
            assert_eq!(matches!(set.form, Form::Sparse(_)), step.abs() > 4096, "{step}");
            assert!(expected.iter().all(|id| set.contains(*id)));
        }
        let mut ends = IdSet::default();
        assert!(ends.insert(i64::MIN) && ends.insert(i64::MAX) && ends.insert(-1) && !ends.insert(i64::MIN));
    }
}
