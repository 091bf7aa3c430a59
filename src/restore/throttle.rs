//! Not faster than so many rows a second: a bucket of tokens that holds at most one second's worth.
//!
//! A batch goes when the bucket holds a token for each of its rows. One larger than the bucket goes when the bucket is full, and what it
//! lacks is a debt that the next ones wait for. Nothing sleeps here and nobody asks for the time: the caller does both.

use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// A limit of rows a second.
#[derive(Clone, Debug)]
pub struct Throttle {
    rate: u64,
    /// When the bucket is full if nothing is taken any more; `None` before the first batch, when it is.
    full_at: Option<Instant>,
}

impl Throttle {
    /// So many rows a second; 0 counts as 1.
    #[must_use]
    pub fn new(rows_per_second: u64) -> Self {
        Self { rate: rows_per_second.max(1), full_at: None }
    }

    /// Takes the tokens of a batch, and tells how long to wait from `now` before it is sent.
    #[must_use = "the rows are only held back by waiting"]
    pub fn wait_for(&mut self, rows: u64, now: Instant) -> Duration {
        let full_at = self.full_at.unwrap_or(now);
        let before_full = SECOND - self.time_of(rows.min(self.rate));
        let wait = full_at.saturating_duration_since(now).saturating_sub(before_full);
        let sent = now.checked_add(wait).unwrap_or(now).max(full_at);
        // Past the end of the clock there is nobody to wait.
        self.full_at = Some(sent.checked_add(self.time_of(rows)).unwrap_or(sent));
        wait
    }

    /// How long it takes until so many tokens have come.
    fn time_of(&self, rows: u64) -> Duration {
        let rest = u128::from(rows % self.rate) * SECOND.as_nanos() / u128::from(self.rate);
        // Less than a second, so it fits.
        Duration::new(rows / self.rate, rest as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls at these milliseconds, and the milliseconds that each must wait.
    fn check(rate: u64, calls: &[(u64, u64, u64)]) {
        let start = Instant::now();
        let mut throttle = Throttle::new(rate);
        for (at, rows, wait) in calls {
            let waited = throttle.wait_for(*rows, start + Duration::from_millis(*at));
            assert_eq!(waited, Duration::from_millis(*wait), "{rows} rows at {at} ms");
        }
    }

    #[test]
    fn a_second_is_free_and_then_the_rate_holds() {
        check(1000, &[(0, 600, 0), (0, 400, 0), (0, 500, 500), (500, 500, 500), (1000, 100, 100)]);
    }

    #[test]
    fn what_is_not_used_is_kept_for_a_second_and_no_longer() {
        check(1000, &[(0, 1000, 0), (300, 300, 0), (300, 1, 1), (301, 0, 0)]);
        check(1000, &[(0, 1000, 0), (60_000, 1000, 0), (60_000, 250, 250)]);
    }

    #[test]
    fn a_large_batch_is_paid_for_afterwards() {
        // It waits for a full bucket and no longer; the next one waits for the debt of 4,000 and for itself.
        check(1000, &[(0, 5000, 0), (0, 100, 4100), (4100, 1000, 1000)]);
        check(1000, &[(0, 1, 0), (0, 5000, 1), (1, 1, 4001), (10_000, 1000, 0)]);
    }

    /// Over a long time, whatever the batches are: never ahead of the rate by more than a second's worth.
    #[test]
    fn the_rate_is_kept() {
        let start = Instant::now();
        let mut throttle = Throttle::new(777);
        let (mut now, mut sent, mut state) = (start, 0, 7_u64);
        for _ in 0..2000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let rows = state >> 33 & 511;
            now += throttle.wait_for(rows, now);
            sent += rows;
            let most = 777.0 * (1.0 + (now - start).as_secs_f64());
            assert!(sent as f64 <= most + 0.01, "{sent} rows at {:?}", now - start);
        }
        let least = 777.0 * (now - start).as_secs_f64();
        assert!(sent as f64 >= least, "it never waits for nothing: {sent} of {least}");
    }

    #[test]
    fn no_number_is_too_large() {
        let now = Instant::now();
        let mut throttle = Throttle::new(0);
        for _ in 0..3 {
            let _ = throttle.wait_for(u64::MAX, now);
        }
        assert_eq!(Throttle::new(u64::MAX).wait_for(u64::MAX, now), Duration::ZERO);
    }
}
