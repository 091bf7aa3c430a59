//! How many batches may be under way: fewer when the target struggles, one more after a while in which it did not.
//!
//! Additive increase, multiplicative decrease: what shares a server with others settles without knowing of them. This is arithmetic only; it
//! knows neither sessions nor clocks.

/// So many batches in a row must succeed before one more may be under way.
const CALM: u32 = 8;

/// The number of batches that may be under way.
#[derive(Clone, Debug)]
pub struct Pressure {
    limit: usize,
    allowed: usize,
    calm: u32,
}

impl Pressure {
    /// Begins at `limit`, which is never exceeded; 0 counts as 1.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        let limit = limit.max(1);
        Self { limit, allowed: limit, calm: 0 }
    }

    /// So many may be under way: 1 to the limit.
    #[must_use]
    pub fn allowed(&self) -> usize {
        self.allowed
    }

    /// A batch went in at the first attempt.
    pub fn succeeded(&mut self) {
        if self.allowed == self.limit {
            return;
        }
        self.calm += 1;
        if self.calm >= CALM {
            self.calm = 0;
            self.allowed += 1;
        }
    }

    /// A batch had to be sent again for a passing reason.
    pub fn struggled(&mut self) {
        self.allowed = (self.allowed / 2).max(1);
        self.calm = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(pressure: &mut Pressure, successes: u32) -> usize {
        (0..successes).for_each(|_| pressure.succeeded());
        pressure.allowed()
    }

    #[test]
    fn it_halves_and_grows_by_one() {
        let mut pressure = Pressure::new(9);
        assert_eq!(after(&mut pressure, 100), 9, "not above the limit");
        let mut allowed = Vec::new();
        for _ in 0..5 {
            pressure.struggled();
            allowed.push(pressure.allowed());
        }
        assert_eq!(allowed, [4, 2, 1, 1, 1]);
        assert_eq!(after(&mut pressure, CALM - 1), 1);
        assert_eq!(after(&mut pressure, 1), 2);
        assert_eq!(after(&mut pressure, CALM), 3);
        assert_eq!(after(&mut pressure, CALM * 6 - 1), 8);
        assert_eq!(after(&mut pressure, 1), 9);
        assert_eq!(after(&mut pressure, CALM * 3), 9);
    }

    /// Successes before a struggle do not count towards the next step, nor do those at the limit.
    #[test]
    fn a_struggle_begins_the_count_anew() {
        let mut pressure = Pressure::new(4);
        pressure.struggled();
        assert_eq!(after(&mut pressure, CALM - 1), 2);
        pressure.struggled();
        assert_eq!(after(&mut pressure, CALM - 1), 1);
        assert_eq!(after(&mut pressure, 1), 2);
        assert_eq!(after(&mut pressure, 2 * CALM + 5), 4);
        pressure.struggled();
        assert_eq!(after(&mut pressure, CALM - 1), 2);
        assert_eq!(after(&mut pressure, 1), 3);
    }

    #[test]
    fn one_is_always_allowed() {
        for limit in [0, 1] {
            let mut pressure = Pressure::new(limit);
            assert_eq!(pressure.allowed(), 1);
            pressure.struggled();
            assert_eq!(pressure.allowed(), 1);
            assert_eq!(after(&mut pressure, 50), 1);
        }
    }
}
