//! Ids that lie far apart: a hash table of 12 bytes a slot, 79 to 84 % full.
//!
//! Ids are mixed ([`mix`]), and the table is sorted by the mixed id: it is cut into leaves of one size, each for an equal share of all numbers,
//! and in its leaf an id lies at the place that its number asks for, or behind it where others press (linear probing that keeps order). So a slot
//! need not hold the bits of the number that the leaf implies, the order of what is in does not depend on the order in which it came,
//! and the table grows by a sixteenth where it lies: some leaves are added, and all slots move up, leaf by leaf from the last. Leaves never
//! move and are never freed, so that growing has no peak.
//!
//! A slot of 96 bits holds 64 bits less those that the leaf implies (12 at 100 million ids), and a [`Code`] in the rest. A code that does
//! not fit makes all slots 14 or 16 bytes wide.

use super::Code;
use super::mix::{mix, unmix};
use std::hash::{BuildHasher, RandomState};

/// Slots of a leaf: what is around them in memory makes full pages.
const SLOTS: usize = 16_320;
/// Slots that a number may ask for; the others take what is pressed beyond the last.
const HOMES: usize = SLOTS - 256;
/// As far from its place an id may press others. Chance does not come near it; ids that were chosen to collide do.
const REACH: usize = 8192;
/// So full it may be, in percent; and by what share it grows then.
const FULL: usize = 84;
const GROWTH: usize = 16;
/// Slots that are compared at once, without a branch between them.
const WINDOW: usize = 5;
/// Look-ups that are under way at once in [`Table::find_all`].
const STAGE: usize = 32;

/// Codes by id, hashed.
#[derive(Clone, Debug)]
pub(super) struct Table {
    leaves: Vec<Leaf>,
    known: usize,
    seed: u64,
    shape: Shape,
}

#[derive(Clone, Debug)]
struct Leaf {
    /// The lowest number that belongs here.
    start: u64,
    slots: Box<[u8]>,
}

/// How a slot is cut: the key below, the code above.
///
/// The key is what lies between the number and the highest one of its leaf. So an empty slot, which is 0, has the key that none is
/// behind, and one comparison tells whether a search ends at a slot.
#[derive(Clone, Copy, Debug)]
struct Shape {
    bytes: usize,
    key_bits: u32,
}

/// Where a number belongs.
#[derive(Clone, Copy, Default)]
struct Spot {
    leaf: usize,
    home: usize,
    key: u64,
}

impl Shape {
    fn new(bytes: usize, leaves: usize) -> Self {
        Self { bytes, key_bits: 64 - leaves.max(2).ilog2() }
    }

    fn fits(self, code: Code) -> bool {
        code >> (8 * self.bytes as u32 - self.key_bits) == 0
    }

    fn keys(self) -> u64 {
        (1 << self.key_bits) - 1
    }

    fn key(self, word: u128) -> u64 {
        word as u64 & self.keys()
    }

    fn code(self, word: u128) -> Code {
        word >> self.key_bits
    }

    fn word(self, key: u64, code: Code) -> u128 {
        code << self.key_bits | u128::from(key)
    }

    /// An empty leaf. A slot is read as 16 bytes, and a whole window at once; the last ones too.
    fn slots(self) -> Box<[u8]> {
        vec![0; (SLOTS + WINDOW) * self.bytes + 16].into()
    }

    /// The slot at a place; 0 if it is empty, `None` behind the last.
    fn load(self, slots: &[u8], at: usize) -> Option<u128> {
        let word = slots.get(at * self.bytes..)?.first_chunk()?;
        (at < SLOTS).then_some(u128::from_le_bytes(*word) & self.mask())
    }

    fn store(self, slots: &mut [u8], at: usize, word: u128) {
        if let Some(place) = slots.get_mut(at * self.bytes..).and_then(|slots| slots.first_chunk_mut()) {
            *place = (u128::from_le_bytes(*place) & !self.mask() | word).to_le_bytes();
        }
    }

    fn mask(self) -> u128 {
        u128::MAX >> (128 - 8 * self.bytes as u32)
    }

    /// The first slot from a place on where a search for this key ends: with the key, with a later one, or empty.
    fn seek(self, slots: &[u8], at: usize, key: u64) -> usize {
        // Known to the compiler, the width is worth a third of the speed.
        match self.bytes {
            12 => self.seek_in::<12>(slots, at, key),
            14 => self.seek_in::<14>(slots, at, key),
            _ => self.seek_in::<16>(slots, at, key),
        }
    }

    fn seek_in<const BYTES: usize>(self, slots: &[u8], mut at: usize, key: u64) -> usize {
        let keys = self.keys();
        while let Some(window) = slots.get(at * BYTES..(at + WINDOW) * BYTES) {
            let mut ends = 0u32;
            for slot in 0..WINDOW {
                let low = window[slot * BYTES..].first_chunk().map_or(0, |low| u64::from_le_bytes(*low));
                ends |= u32::from(low & keys <= key) << slot;
            }
            if ends != 0 {
                return at + ends.trailing_zeros() as usize;
            }
            at += WINDOW;
        }
        at
    }
}

impl Default for Table {
    fn default() -> Self {
        Self::new(2, 12, 0)
    }
}

impl Table {
    fn new(leaves: usize, bytes: usize, seed: u64) -> Self {
        let mut table = Self { leaves: Vec::new(), known: 0, seed, shape: Shape::new(bytes, leaves) };
        table.extend(leaves);
        table
    }

    /// The code of an id; 0 if it has none.
    pub(super) fn find(&self, old: i64) -> Code {
        self.search(self.spot(mix(old, self.seed)))
    }

    /// The codes of many ids: all their places are touched before any is looked at, so that the waits for memory overlap.
    pub(super) fn find_all(&self, old: &[i64], tell: &mut impl FnMut(Code)) {
        let mut spots = [Spot::default(); STAGE];
        let last = WINDOW * self.shape.bytes - 1;
        for old in old.chunks(STAGE) {
            let mut touched = 0;
            for (old, spot) in old.iter().zip(&mut spots) {
                *spot = self.spot(mix(*old, self.seed));
                let slots = self.leaves[spot.leaf].slots.get(spot.home * self.shape.bytes..).unwrap_or_default();
                touched ^= slots.first().unwrap_or(&0) ^ slots.get(last).unwrap_or(&0);
            }
            // Or else the compiler sees that nobody asked what lies there.
            std::hint::black_box(touched);
            spots[..old.len()].iter().for_each(|spot| tell(self.search(*spot)));
        }
    }

    fn search(&self, spot: Spot) -> Code {
        let slots = &*self.leaves[spot.leaf].slots;
        let word = self.shape.load(slots, self.shape.seek(slots, spot.home, spot.key)).unwrap_or_default();
        if self.shape.key(word) == spot.key { self.shape.code(word) } else { 0 }
    }

    /// Gives an id a code, or leaves it the one that it has unless it is to be replaced. Tells what it had.
    pub(super) fn put(&mut self, old: i64, code: Code, replace: bool) -> Code {
        while !self.shape.fits(code) {
            self.widen();
        }
        let mut homeless = vec![];
        let before = self.insert(mix(old, self.seed), code, replace).unwrap_or_else(|| {
            homeless.push((old, code));
            0
        });
        if !homeless.is_empty() || self.known * 100 > self.leaves.len() * SLOTS * FULL {
            self.make_room(&mut homeless);
        }
        while let Some((old, code)) = homeless.pop() {
            if self.insert(mix(old, self.seed), code, replace).is_none() {
                homeless.push((old, code));
                self.make_room(&mut homeless);
            }
        }
        before
    }

    /// Every id that has a code, in the order of their numbers.
    pub(super) fn for_each(&self, f: &mut dyn FnMut(i64, Code)) {
        for leaf in &self.leaves {
            leaf.walk(self.shape, &mut |hash, code| f(unmix(hash, self.seed), code));
        }
    }

    /// Bytes in leaves.
    #[cfg(test)]
    pub(super) fn weight(&self) -> usize {
        self.leaves.iter().map(|leaf| leaf.slots.len()).sum()
    }

    /// Whether ids never collided more than chance lets them.
    #[cfg(test)]
    pub(super) fn is_calm(&self) -> bool {
        self.seed == 0
    }

    fn spot(&self, hash: u64) -> Spot {
        let wide = u128::from(hash) * self.leaves.len() as u128;
        let leaf = (wide >> 64) as usize;
        let home = (u128::from(wide as u64) * HOMES as u128) >> 64;
        let key = self.shape.keys() - hash.wrapping_sub(self.leaves[leaf].start);
        Spot { leaf, home: home as usize, key }
    }

    /// Tells the code that was there, or that there is no room.
    fn insert(&mut self, hash: u64, code: Code, replace: bool) -> Option<Code> {
        let spot = self.spot(hash);
        let shape = self.shape;
        let slots = &mut *self.leaves[spot.leaf].slots;
        let at = shape.seek(slots, spot.home, spot.key);
        let word = shape.load(slots, at)?;
        let before = shape.code(word);
        if before != 0 && shape.key(word) == spot.key {
            if replace {
                shape.store(slots, at, shape.word(spot.key, code));
            }
            return Some(before);
        }
        if before != 0 {
            let mut free = at + 1;
            while shape.load(slots, free)? != 0 {
                free += 1;
            }
            if free - spot.home > REACH {
                return None;
            }
            slots.copy_within(at * shape.bytes..free * shape.bytes, (at + 1) * shape.bytes);
        }
        shape.store(slots, at, shape.word(spot.key, code));
        self.known += 1;
        Some(0)
    }

    /// Grows by a sixteenth; or mixes otherwise, if ids collide although there is room: somebody has chosen them.
    fn make_room(&mut self, homeless: &mut Vec<(i64, Code)>) {
        if self.known * 2 > self.leaves.len() * SLOTS {
            self.grow(homeless);
        } else {
            let seed = RandomState::new().hash_one(self.known);
            let table = std::mem::replace(self, Self::new(self.leaves.len(), self.shape.bytes, seed));
            for leaf in table.leaves {
                leaf.walk(table.shape, &mut |hash, code| {
                    let old = unmix(hash, table.seed);
                    if self.insert(mix(old, seed), code, true).is_none() {
                        homeless.push((old, code));
                    }
                });
            }
        }
    }

    /// Adds leaves, and fills all of them anew from the last to the first. What goes to a leaf comes from that leaf or from ones
    /// before it, so that nothing is overwritten that was not read.
    fn grow(&mut self, homeless: &mut Vec<(i64, Code)>) {
        let before = self.leaves.len();
        let starts: Vec<u64> = self.leaves.iter().map(|leaf| leaf.start).collect();
        let after = before + (before / GROWTH).max(1);
        let (from, to) = (self.shape, Shape::new(self.shape.bytes, after));
        self.extend(after);
        self.shape = to;
        let mut moving: Vec<(u64, Code)> = Vec::with_capacity(SLOTS);
        let (mut source, mut end) = (before, 0);
        for target in (0..after).rev() {
            let start = self.leaves[target].start;
            moving.clear();
            'gather: loop {
                while end > 0 {
                    let Some(word) = from.load(&self.leaves[source].slots, end - 1) else { break };
                    if from.code(word) != 0 {
                        let hash = starts[source].wrapping_add(from.keys() - from.key(word));
                        if hash < start {
                            break 'gather;
                        }
                        moving.push((hash, from.code(word)));
                    }
                    end -= 1;
                }
                if source == 0 {
                    break;
                }
                (source, end) = (source - 1, SLOTS);
            }
            self.leaves[target].slots.fill(0);
            let mut next = 0;
            for (hash, code) in moving.iter().rev() {
                let spot = self.spot(*hash);
                let at = spot.home.max(next);
                if at < SLOTS {
                    to.store(&mut self.leaves[target].slots, at, to.word(spot.key, *code));
                } else {
                    self.known -= 1;
                    homeless.push((unmix(*hash, self.seed), *code));
                }
                next = at + 1;
            }
        }
    }

    /// Adds empty leaves, and says where each now begins.
    fn extend(&mut self, leaves: usize) {
        let slots = || Leaf { start: 0, slots: self.shape.slots() };
        self.leaves.resize_with(leaves, slots);
        for (at, leaf) in self.leaves.iter_mut().enumerate() {
            leaf.start = ((at as u128) << 64).div_ceil(leaves as u128) as u64;
        }
    }

    /// Makes the slots wider, leaf by leaf.
    fn widen(&mut self) {
        let wide = Shape { bytes: (self.shape.bytes + 2).min(16), ..self.shape };
        for leaf in &mut self.leaves {
            let mut slots = wide.slots();
            for at in 0..SLOTS {
                wide.store(&mut slots, at, self.shape.load(&leaf.slots, at).unwrap_or_default());
            }
            leaf.slots = slots;
        }
        self.shape = wide;
    }
}

impl Leaf {
    fn walk(&self, shape: Shape, f: &mut dyn FnMut(u64, Code)) {
        for word in (0..SLOTS).map_while(|at| shape.load(&self.slots, at)).filter(|word| shape.code(*word) != 0) {
            f(self.start.wrapping_add(shape.keys() - shape.key(word)), shape.code(word));
        }
    }
}
