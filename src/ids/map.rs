//! From the ids of a dump to the ids of the target.
//!
//! Dense ids (most databases number their nodes from 0) lie in a flat array of 8 bytes an id; once less than a quarter of it would be used, the
//! map turns to hashing, at 18 to 36 bytes an id. It is the one thing in a restore that grows with the graph.

use rustc_hash::FxHashMap;

/// Marks an id that has not been seen. Servers give no negative ids.
const ABSENT: i64 = i64::MIN;
/// Marks an id that was seen and has no new id yet.
const PENDING: i64 = i64::MIN + 1;
/// The array may be this large at any occupancy.
const SLACK: usize = 1 << 16;

/// Old id to new id.
#[derive(Debug)]
pub struct IdMap {
    form: Form,
    known: usize,
}

#[derive(Debug)]
enum Form {
    Dense { base: i64, ids: Vec<i64> },
    Sparse(FxHashMap<i64, i64>),
}

impl Default for IdMap {
    fn default() -> Self {
        Self { form: Form::Dense { base: 0, ids: Vec::new() }, known: 0 }
    }
}

impl IdMap {
    /// How many ids are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known
    }

    /// Whether no id is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known == 0
    }

    /// Notes that an id occurs; its new id follows with [`IdMap::bind`]. Tells whether it is the first time.
    pub fn reserve(&mut self, old: i64) -> bool {
        let new = self.slot(old).is_some_and(|slot| {
            let new = *slot == ABSENT;
            if new {
                *slot = PENDING;
            }
            new
        });
        self.known += usize::from(new);
        new
    }

    /// Gives an id its new id.
    pub fn bind(&mut self, old: i64, new: i64) {
        if let Some(slot) = self.slot(old) {
            let before = std::mem::replace(slot, new);
            self.known += usize::from(before == ABSENT);
        }
    }

    /// The new id; `None` for an id that was never bound.
    #[must_use]
    pub fn find(&self, old: i64) -> Option<i64> {
        let new = match &self.form {
            Form::Dense { base, ids } => {
                let at = usize::try_from(old.checked_sub(*base)?).ok()?;
                ids.get(at).copied()?
            }
            Form::Sparse(ids) => ids.get(&old).copied()?,
        };
        (new > PENDING).then_some(new)
    }

    fn slot(&mut self, old: i64) -> Option<&mut i64> {
        if let Form::Dense { base, ids } = &mut self.form {
            if ids.is_empty() {
                *base = old.min(*base);
                if old.saturating_sub(SLACK as i64) > *base {
                    *base = old;
                }
            }
            let at = old.checked_sub(*base).and_then(|at| usize::try_from(at).ok());
            match at {
                Some(at) if at < ids.len() => {}
                Some(at) if at < SLACK || at / 4 <= self.known => {
                    // Doubled by Vec when it has to move; filled only up to the id.
                    ids.resize(at + 1, ABSENT);
                }
                _ => self.scatter(),
            }
        }
        match &mut self.form {
            Form::Dense { base, ids } => ids.get_mut(usize::try_from(old - *base).ok()?),
            Form::Sparse(ids) => Some(ids.entry(old).or_insert(ABSENT)),
        }
    }

    fn scatter(&mut self) {
        if let Form::Dense { base, ids } = &self.form {
            let old = |at: usize| base.wrapping_add(at as i64);
            let known = ids.iter().enumerate().filter(|(_, new)| **new != ABSENT).map(|(at, new)| (old(at), *new));
            self.form = Form::Sparse(known.collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_sparse_and_extreme_ids() {
        for ids in [
            (0..100_000).collect::<Vec<i64>>(),
            (5_000_000..5_000_100).collect(),
            (0..1000).map(|i| i * 1_000_003).collect(),
            (0..1000).rev().collect(),
            vec![i64::MAX, i64::MIN, 0, -1, 1, i64::MAX - 1, i64::MIN + 1],
        ] {
            let mut map = IdMap::default();
            for id in &ids {
                assert!(map.reserve(*id), "{id} is new");
                assert!(!map.reserve(*id), "{id} is not new twice");
                assert_eq!(map.find(*id), None, "{id} has no new id yet");
            }
            for (new, old) in (0..).zip(&ids) {
                map.bind(*old, new);
            }
            assert_eq!(map.len(), ids.len());
            for (new, old) in (0..).zip(&ids) {
                assert_eq!(map.find(*old), Some(new), "{old}");
                assert!(!map.reserve(*old), "{old} is taken");
                assert_eq!(map.find(*old), Some(new), "{old} keeps its new id");
            }
            assert_eq!(map.find(123_456_789_012), None);
        }
    }

    #[test]
    fn dense_ids_cost_eight_bytes() {
        let mut map = IdMap::default();
        (0..1_000_000).for_each(|id| map.bind(id, id));
        assert!(matches!(map.form, Form::Dense { .. }));
    }
}
