//! A mixer of 64 bits that can be undone: ids that follow any pattern come out spread over all numbers, and the id can be had back, so that
//! a table that keeps the mixed id need not keep the id.

const FIRST: u64 = 0x9E6C_63D0_876A_68AD;
const SECOND: u64 = 0xD605_1B38_92C1_F1E5;
const FIRST_UNDONE: u64 = inverse(FIRST);
const SECOND_UNDONE: u64 = inverse(SECOND);

/// Spreads an id. The high bits are mixed best.
pub(super) fn mix(old: i64, seed: u64) -> u64 {
    let word = (old as u64 ^ seed).wrapping_mul(FIRST);
    (word ^ word >> 32).wrapping_mul(SECOND)
}

/// The id that was mixed.
pub(super) fn unmix(hash: u64, seed: u64) -> i64 {
    let word = hash.wrapping_mul(SECOND_UNDONE);
    ((word ^ word >> 32).wrapping_mul(FIRST_UNDONE) ^ seed) as i64
}

/// What an odd number is to be multiplied with to give 1: Newton's iteration doubles the 3 right bits that it begins with.
const fn inverse(odd: u64) -> u64 {
    let mut inverse = odd;
    let mut round = 0;
    while round < 5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(inverse)));
        round += 1;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixing_can_be_undone() {
        for seed in [0, 1, u64::MAX, 0x1234_5678_9ABC_DEF0] {
            for id in [0, 1, -1, i64::MIN, i64::MAX, 1 << 32, 1 << 62, 42] {
                assert_eq!(unmix(mix(id, seed), seed), id);
            }
        }
    }
}
