//! Two lists of items, sorted by who they are: which are in both, which say something else.

use super::Counts;
use super::look::Record;

/// Ids in A and in B of what differs: with both, it was changed.
pub(super) type Pair = (Option<i64>, Option<i64>);

/// All that differs.
pub(super) type Pairs = Vec<Pair>;

/// A kind, by its number on a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    A(u32),
    B(u32),
}

/// Pairs two sorted lists. Every item is counted with its kind; of what differs, at most `limit` are kept.
pub(super) fn pairs(a: &[Record], b: &[Record], limit: usize, count: &mut dyn FnMut(Counts, Side)) -> Pairs {
    let mut found = Pairs::new();
    let mut keep = |from: Option<i64>, to: Option<i64>| {
        if found.len() < limit {
            found.push((from, to));
        }
    };
    let (mut a, mut b) = (a, b);
    loop {
        let identity = match (a.first(), b.first()) {
            (Some(a), Some(b)) => a.identity.min(b.identity),
            (Some(one), None) | (None, Some(one)) => one.identity,
            (None, None) => return found,
        };
        let (left, right) = (split(&mut a, identity), split(&mut b, identity));
        let (mut only_left, mut only_right): (Vec<&Record>, Vec<&Record>) = (Vec::new(), Vec::new());
        let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
        loop {
            match (left.peek(), right.peek()) {
                (Some(from), Some(to)) if from.content == to.content => {
                    count(Counts { same: 1, ..Counts::default() }, Side::B(to.kind));
                    left.next();
                    right.next();
                }
                (Some(from), to) if to.is_none_or(|to| from.content < to.content) => only_left.extend(left.next()),
                (_, Some(_)) => only_right.extend(right.next()),
                _ => break,
            }
        }
        // Of several with one identity any two make a pair.
        let mut only_right = only_right.into_iter();
        for from in only_left {
            match only_right.next() {
                Some(to) => {
                    count(Counts { changed: 1, ..Counts::default() }, Side::B(to.kind));
                    keep(Some(from.id), Some(to.id));
                }
                None => {
                    count(Counts { removed: 1, ..Counts::default() }, Side::A(from.kind));
                    keep(Some(from.id), None);
                }
            }
        }
        for to in only_right {
            count(Counts { added: 1, ..Counts::default() }, Side::B(to.kind));
            keep(None, Some(to.id));
        }
    }
}

/// Cuts off the items of an identity.
fn split<'a>(records: &mut &'a [Record], identity: u128) -> &'a [Record] {
    let size = records.iter().take_while(|record| record.identity == identity).count();
    let (same, rest) = records.split_at_checked(size).unwrap_or((records, &[]));
    *records = rest;
    same
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(of: &[(u128, u128)]) -> Vec<Record> {
        let record = |(at, (identity, content)): (usize, &(u128, u128))| Record {
            identity: *identity,
            content: *content,
            id: at as i64,
            kind: 0,
        };
        of.iter().enumerate().map(record).collect()
    }

    #[test]
    fn alike_are_paired_as_often_as_they_occur() {
        let a = records(&[(1, 1), (2, 1), (2, 2), (2, 2), (4, 4), (6, 1), (6, 2)]);
        let b = records(&[(0, 0), (2, 2), (2, 3), (4, 4), (6, 3)]);
        let mut total = Counts::default();
        let found = pairs(&a, &b, 100, &mut |counts, _| total.add(counts));
        assert_eq!(total, Counts { added: 1, removed: 3, changed: 2, same: 2 });
        let expected = [
            (None, Some(0)),
            (Some(0), None),
            (Some(1), Some(2)),
            (Some(3), None),
            (Some(5), Some(4)),
            (Some(6), None),
        ];
        assert_eq!(found, expected);
        assert_eq!(pairs(&a, &b, 2, &mut |_, _| ()).len(), 2);
        assert!(pairs(&a, &a, 9, &mut |_, _| ()).is_empty());
    }
}
