//! Ids that lie close together: pages of an array, 8 bytes an id.
//!
//! Pages are of one size, never move, and exist only where an id occurs, so that there is no peak while it grows, and ids may begin anywhere, come
//! in any order and lie in several clusters. A place holds a [`Code`], as everywhere in the map. Whether pages are still worth their
//! memory is answered here; what follows from it is the map's business.

use super::Code;
use rustc_hash::FxHashMap;

/// Ids in a page. A page weighs what a leaf of the sparse form weighs, so that leaves can take the place of pages.
const PAGE: usize = 24_490;
/// So many pages are allowed for any number of ids.
const SLACK: usize = 4;

/// Codes by id, in pages.
#[derive(Clone, Debug, Default)]
pub(super) struct Pages(FxHashMap<i64, Box<[u64]>>);

impl Pages {
    /// The code of an id; 0 if it has none.
    pub(super) fn find(&self, old: i64) -> Code {
        self.0.get(&(old.div_euclid(PAGE as i64))).map_or(0, |page| page[old.rem_euclid(PAGE as i64) as usize].into())
    }

    /// The place of an id; `None` if its page would make this dearer than 16 bytes an id, of which `known` have a code.
    pub(super) fn place(&mut self, old: i64, known: usize) -> Option<&mut u64> {
        let pages = self.0.len();
        let page = match self.0.entry(old.div_euclid(PAGE as i64)) {
            std::collections::hash_map::Entry::Occupied(page) => page.into_mut(),
            std::collections::hash_map::Entry::Vacant(page) => {
                if pages >= SLACK + known / (PAGE / 2) {
                    return None;
                }
                page.insert(vec![0; PAGE].into())
            }
        };
        page.get_mut(old.rem_euclid(PAGE as i64) as usize)
    }

    /// Every id that has a code, ascending.
    pub(super) fn for_each(&self, f: &mut dyn FnMut(i64, Code)) {
        let mut pages: Vec<_> = self.0.iter().collect();
        pages.sort_unstable_by_key(|(number, _)| **number);
        pages.into_iter().for_each(|(number, page)| walk(*number, page, f));
    }

    /// Every id that has a code. A page is freed as soon as it was told, those that hold the fewest first, so that what takes in the ids finds
    /// room where pages were.
    pub(super) fn drain(self, f: &mut dyn FnMut(i64, Code)) {
        let mut pages: Vec<_> = self.0.into_iter().collect();
        pages.sort_by_cached_key(|(_, page)| page.iter().filter(|code| **code != 0).count());
        pages.into_iter().for_each(|(number, page)| walk(number, &page, f));
    }

    /// Bytes in pages.
    #[cfg(test)]
    pub(super) fn weight(&self) -> usize {
        self.0.len() * PAGE * size_of::<u64>()
    }
}

fn walk(number: i64, page: &[u64], f: &mut dyn FnMut(i64, Code)) {
    for (at, code) in (0..).zip(page).filter(|(_, code)| **code != 0) {
        f(number.wrapping_mul(PAGE as i64).wrapping_add(at), Code::from(*code));
    }
}
