//! From the ids of a dump to the ids of the target.
//!
//! Dense ids (most databases number their nodes from 0) lie in pages of an array ([dense.rs](map/dense.rs)), at 8 bytes an id; once pages would
//! cost more than 16 bytes an id, the map turns to hashing ([sparse.rs](map/sparse.rs)), at 14.5 to 15.6 bytes an id. New ids that are very large
//! (beyond 2^38 in a map of a million, 2^44 in one of a hundred million) make that up to a third more. Neither form needs more memory
//! while it grows than it has then. It is the one thing in a restore that grows with the graph.
//!
//! It knows nothing of graphs, and forgets nothing: an id cannot be taken back.

mod dense;
mod mix;
mod sparse;

use dense::Pages;
use sparse::Table;

/// What is kept for an id: 0 is nothing, 1 that it is reserved, and above that the new id plus 2.
type Code = u128;

const PENDING: Code = 1;

fn encode(new: i64) -> Code {
    Code::from(new as u64) + 2
}

fn decode(code: Code) -> Option<i64> {
    code.checked_sub(2).map(|new| new as i64)
}

/// Old id to new id.
#[derive(Clone, Debug, Default)]
pub struct IdMap {
    form: Form,
    known: usize,
}

#[derive(Clone, Debug)]
enum Form {
    Dense(Pages),
    Sparse(Table),
}

impl Default for Form {
    fn default() -> Self {
        Self::Dense(Pages::default())
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
        self.put(old, PENDING, false) == 0
    }

    /// Gives an id its new id, whether it was reserved, is unknown or has one already.
    pub fn bind(&mut self, old: i64, new: i64) {
        self.put(old, encode(new), true);
    }

    /// The new id; `None` for an id that was never bound. Many are found faster by [`IdMap::find_all`].
    #[must_use]
    pub fn find(&self, old: i64) -> Option<i64> {
        decode(match &self.form {
            Form::Dense(pages) => pages.find(old),
            Form::Sparse(table) => table.find(old),
        })
    }

    /// Whether an id is known, bound or only reserved.
    #[must_use]
    pub fn contains(&self, old: i64) -> bool {
        0 != match &self.form {
            Form::Dense(pages) => pages.find(old),
            Form::Sparse(table) => table.find(old),
        }
    }

    /// What [`IdMap::find`] says of each of these ids, in their order, in the place of what `new` holds. Nearly twice as fast in a large
    /// sparse map, since the look-ups wait for memory together.
    pub fn find_all(&self, old: &[i64], new: &mut Vec<Option<i64>>) {
        new.clear();
        match &self.form {
            Form::Dense(pages) => new.extend(old.iter().map(|old| decode(pages.find(*old)))),
            Form::Sparse(table) => table.find_all(old, &mut |code| new.push(decode(code))),
        }
    }

    /// Tells every bound id (old, then new) once.
    ///
    /// While the map is dense, in ascending order of the old ids. In a sparse map the order is arbitrary, but the same in every run and
    /// however the map was filled, unless old ids were chosen to collide. Which of the two a map is may depend on how it was
    /// filled: a sparse map does not turn dense again.
    pub fn for_each(&self, f: &mut dyn FnMut(i64, i64)) {
        let mut bound = |old, code| {
            if let Some(new) = decode(code) {
                f(old, new);
            }
        };
        match &self.form {
            Form::Dense(pages) => pages.for_each(&mut bound),
            Form::Sparse(table) => table.for_each(&mut bound),
        }
    }

    /// Tells the code that the id had.
    fn put(&mut self, old: i64, code: Code, replace: bool) -> Code {
        if let Form::Dense(pages) = &mut self.form {
            match (u64::try_from(code), pages.place(old, self.known)) {
                (Ok(code), Some(place)) => {
                    let before = *place;
                    if before == 0 || replace {
                        *place = code;
                    }
                    self.known += usize::from(before == 0);
                    return before.into();
                }
                _ => self.scatter(),
            }
        }
        let Form::Sparse(table) = &mut self.form else { return 0 };
        let before = table.put(old, code, replace);
        self.known += usize::from(before == 0);
        before
    }

    fn scatter(&mut self) {
        if let Form::Dense(pages) = std::mem::take(&mut self.form) {
            let mut table = Table::default();
            pages.drain(&mut |old, code| {
                table.put(old, code, true);
            });
            self.form = Form::Sparse(table);
        }
    }
}

#[cfg(test)]
mod tests;
