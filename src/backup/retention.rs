//! Which backups stay. A pure decision over the times at which they were taken.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// How many are kept of each sort; a sort that is not given keeps none. Without any, all are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The newest so many.
    pub last: Option<u32>,
    /// The newest of each of the last so many days that have one. Days are those of UTC, as in the names.
    pub daily: Option<u32>,
    /// The same for weeks, which begin on Monday.
    pub weekly: Option<u32>,
    /// The same for months.
    pub monthly: Option<u32>,
}

impl Policy {
    /// Whether nothing is ever removed.
    #[must_use]
    pub fn keeps_all(&self) -> bool {
        *self == Self::default()
    }
}

/// Which of these stay: their places in the list. The newest always does, whatever the policy.
#[must_use]
pub fn kept(policy: &Policy, times: &[Timestamp]) -> BTreeSet<usize> {
    if policy.keeps_all() {
        return (0..times.len()).collect();
    }
    let mut newest_first: Vec<usize> = (0..times.len()).collect();
    newest_first.sort_by_key(|at| std::cmp::Reverse(times.get(*at).copied().unwrap_or_default()));
    let least = policy.last.unwrap_or(0).max(1) as usize;
    let mut kept: BTreeSet<usize> = newest_first.iter().copied().take(least).collect();
    type Period = fn(jiff::civil::Date) -> (i16, i16);
    let periods: [(Option<u32>, Period); 3] = [
        (policy.daily, |date| (date.year(), date.day_of_year())),
        (policy.weekly, |date| {
            let week = date.iso_week_date();
            (week.year(), i16::from(week.week()))
        }),
        (policy.monthly, |date| (date.year(), i16::from(date.month()))),
    ];
    for (count, period) in periods {
        let mut newest = BTreeMap::new();
        for at in newest_first.iter().rev() {
            let date = times.get(*at).copied().unwrap_or_default().to_zoned(TimeZone::UTC).date();
            newest.insert(period(date), *at);
        }
        kept.extend(newest.into_values().rev().take(count.unwrap_or(0) as usize));
    }
    kept
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn times(texts: &[&str]) -> Vec<Timestamp> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn names(policy: Policy, texts: &[&str]) -> Vec<String> {
        kept(&policy, &times(texts)).into_iter().map(|at| texts[at].to_owned()).collect()
    }

    const ALL: [&str; 8] = [
        "2024-02-29T23:59:59Z",
        "2024-12-29T10:00:00Z", // A Sunday.
        "2024-12-30T10:00:00Z", // Monday of the first week of 2025.
        "2025-01-01T01:00:00Z",
        "2025-01-01T09:00:00Z",
        "2025-01-05T09:00:00Z",
        "2025-01-06T09:00:00Z",
        "2025-01-06T10:00:00Z",
    ];

    #[test]
    fn without_a_policy_all_stay() {
        assert_eq!(names(Policy::default(), &ALL).len(), ALL.len());
        assert!(kept(&Policy { last: Some(1), ..Policy::default() }, &[]).is_empty());
    }

    #[test]
    fn the_newest_stays_whatever_is_said() {
        for policy in [
            Policy { last: Some(0), ..Policy::default() },
            Policy { daily: Some(0), ..Policy::default() },
            Policy { monthly: Some(0), weekly: Some(0), ..Policy::default() },
        ] {
            assert_eq!(names(policy, &ALL), [ALL[7]]);
        }
    }

    #[test]
    fn the_order_of_the_list_does_not_count() {
        let mut turned = ALL;
        turned.reverse();
        let policy = Policy { last: Some(2), daily: Some(3), weekly: Some(2), monthly: Some(2) };
        let mut one = names(policy, &ALL);
        let mut other = names(policy, &turned);
        one.sort();
        other.sort();
        assert_eq!(one, other);
    }

    #[test]
    fn each_sort_keeps_the_newest_of_its_periods() {
        let of = |policy| names(policy, &ALL);
        assert_eq!(of(Policy { last: Some(3), ..Policy::default() }), [ALL[5], ALL[6], ALL[7]]);
        assert_eq!(of(Policy { daily: Some(3), ..Policy::default() }), [ALL[4], ALL[5], ALL[7]]);
        // A week may hold days of two years.
        assert_eq!(of(Policy { weekly: Some(3), ..Policy::default() }), [ALL[1], ALL[5], ALL[7]]);
        assert_eq!(of(Policy { monthly: Some(5), ..Policy::default() }), [ALL[0], ALL[2], ALL[7]]);
        assert_eq!(
            of(Policy { last: Some(1), daily: Some(2), weekly: Some(1), monthly: Some(2) }),
            [ALL[2], ALL[5], ALL[7]]
        );
    }
}
