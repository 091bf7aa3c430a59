//! How many different values there are, about: exact up to 64, then HyperLogLog in 1,024 bytes.
//!
//! Source: Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog" (2007), with the small-range correction of that paper. The standard error is 3.25 %.

use rustc_hash::FxHasher;
use std::hash::Hasher as _;

/// Up to so many different values the count is exact, but for colliding hashes of 64 bits.
pub(super) const EXACT: usize = 64;

const BITS: u32 = 10;
const REGISTERS: usize = 1 << BITS;

/// A set of values of which only its size is remembered.
#[derive(Clone, Debug, Default)]
pub(super) struct Sketch {
    few: Vec<u64>,
    many: Option<Box<[u8; REGISTERS]>>,
}

impl Sketch {
    pub(super) fn add(&mut self, value: &[u8]) {
        self.add_hash(hash(value));
    }

    fn add_hash(&mut self, hash: u64) {
        if let Some(registers) = &mut self.many {
            return note(registers, hash);
        }
        if let Err(at) = self.few.binary_search(&hash) {
            self.few.insert(at, hash);
        }
        if self.few.len() > EXACT {
            let mut registers = Box::new([0; REGISTERS]);
            std::mem::take(&mut self.few).into_iter().for_each(|hash| note(&mut registers, hash));
            self.many = Some(registers);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        match &other.many {
            None => other.few.iter().for_each(|hash| self.add_hash(*hash)),
            Some(theirs) => {
                let mine = self.many.get_or_insert_with(|| Box::new([0; REGISTERS]));
                mine.iter_mut().zip(theirs.iter()).for_each(|(mine, theirs)| *mine = (*mine).max(*theirs));
                std::mem::take(&mut self.few).into_iter().for_each(|hash| note(mine, hash));
            }
        }
    }

    /// How many different values were added, and whether that is exact.
    pub(super) fn count(&self) -> (u64, bool) {
        let Some(registers) = &self.many else { return (self.few.len() as u64, true) };
        let size = REGISTERS as f64;
        let sum: f64 = registers.iter().map(|zeros| 0.5_f64.powi(i32::from(*zeros))).sum();
        let raw = 0.7213 / (1.0 + 1.079 / size) * size * size / sum;
        let empty = registers.iter().filter(|zeros| **zeros == 0).count();
        let estimate = if raw <= 2.5 * size && empty > 0 { size * (size / empty as f64).ln() } else { raw };
        (estimate.round() as u64, false)
    }
}

fn note(registers: &mut [u8; REGISTERS], hash: u64) {
    // The highest bits choose the register, the others give the run of zeros.
    let zeros = ((hash << BITS) | 1 << (BITS - 1)).leading_zeros() as u8 + 1;
    if let Some(register) = registers.get_mut((hash >> (64 - BITS)) as usize) {
        *register = (*register).max(zeros);
    }
}

fn hash(value: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(value);
    // The finaliser of splitmix64, since every bit has to depend on all of the value.
    let mut x = hasher.finish();
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_exact_for_few_and_close_for_many() {
        for size in [0_u64, 1, 64, 65, 1000, 5000, 20_000, 200_000] {
            let mut whole = Sketch::default();
            let mut halves = [Sketch::default(), Sketch::default()];
            for value in 0..size * 2 {
                // Every value twice.
                whole.add(&(value / 2).to_be_bytes());
                halves[(value % 3 % 2) as usize].add(&(value / 2).to_be_bytes());
            }
            let (count, exact) = whole.count();
            assert_eq!(exact, size <= EXACT as u64);
            let off = (count as f64 - size as f64).abs() / (size as f64).max(1.0);
            assert!(off < if exact { f64::MIN_POSITIVE } else { 0.1 }, "{size}: {count}");
            let [mut a, b] = halves;
            a.merge(&b);
            assert_eq!(a.count().0, count, "{size}: in two parts");
        }
    }
}
