//! Which vertex a number means: the rest of the program names nodes by 64-bit integers, HugeGraph by numbers, texts and UUIDs.
//!
//! A number that is not negative is itself and costs the 8 to 16 bytes that tell whose it is; any other id lies in one arena. Ids are one space for all labels of a
//! graph, and the server replaces a vertex by another with the same id without a word: here two nodes with one id are found before they are sent.

use crate::hugegraph::{Id, Numbers};
use crate::ids::IdMap;
use std::borrow::Cow;

/// The owner of ids that were in the graph before.
const PRESENT: i64 = i64::MIN;

/// What an id in the arena is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Text,
    Uuid,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    end: usize,
    kind: Kind,
}

/// The ids that are known.
#[derive(Debug, Default)]
pub(super) struct Registry {
    numbers: Numbers,
    owners: IdMap,
    places: Vec<Place>,
    arena: Vec<u8>,
}

impl Registry {
    /// The number of a vertex that was there before.
    pub(super) fn present(&mut self, id: &Id<'_>) -> i64 {
        let number = self.number(id).unwrap_or_default();
        self.mark_present(number);
        number
    }

    /// The number of an id that belongs to a node of the dump (`owner`, its id there); `None` when it belongs to another one.
    pub(super) fn add(&mut self, id: &Id<'_>, owner: i64) -> Option<i64> {
        let number = self.number(id)?;
        if self.owners.reserve(number) {
            self.owners.bind(number, owner);
            return Some(number);
        }
        (self.owners.find(number) == Some(owner)).then_some(number)
    }

    fn number(&mut self, id: &Id<'_>) -> Option<i64> {
        match self.numbers.add(id) {
            Some(number) if number < 0 => {
                let (kind, bytes) = match id {
                    Id::Number(number) => (Kind::Number, Cow::Owned(number.to_be_bytes().to_vec())),
                    Id::Text(text) => (Kind::Text, Cow::Borrowed(text.as_bytes())),
                    Id::Uuid(text) => (Kind::Uuid, Cow::Borrowed(text.as_bytes())),
                };
                self.arena.extend_from_slice(&bytes);
                self.places.push(Place { end: self.arena.len(), kind });
                Some(number)
            }
            Some(number) => Some(number),
            None => self.numbers.find(id),
        }
    }

    /// The number of an id that was seen.
    pub(super) fn number_of(&self, id: &Id<'_>) -> Option<i64> {
        self.numbers.find(id)
    }

    /// Notes that a vertex was there before.
    pub(super) fn mark_present(&mut self, number: i64) {
        self.owners.bind(number, PRESENT);
    }

    /// Whether a vertex was there before.
    pub(super) fn is_present(&self, number: i64) -> bool {
        self.owners.find(number) == Some(PRESENT)
    }

    /// Whose an id is; `None` where it is nobody's.
    pub(super) fn owner(&self, id: &Id<'_>) -> Option<i64> {
        self.owners.find(self.numbers.find(id)?)
    }

    /// The id that a number means.
    pub(super) fn find(&self, number: i64) -> Option<Id<'_>> {
        if number >= 0 {
            return Some(Id::Number(number));
        }
        let at = usize::try_from(-(number + 1)).ok()?;
        let place = self.places.get(at)?;
        let start = at.checked_sub(1).and_then(|before| self.places.get(before)).map_or(0, |before| before.end);
        let bytes = self.arena.get(start..place.end)?;
        match place.kind {
            Kind::Number => bytes.try_into().ok().map(|bytes| Id::Number(i64::from_be_bytes(bytes))),
            Kind::Text => std::str::from_utf8(bytes).ok().map(|text| Id::Text(Cow::Borrowed(text))),
            Kind::Uuid => std::str::from_utf8(bytes).ok().map(|text| Id::Uuid(Cow::Borrowed(text))),
        }
    }

    /// Takes over what a journal says: an id has had this negative number. To be called in descending order.
    pub(super) fn recall(&mut self, number: i64, id: &Id<'_>) {
        while -(self.places.len() as i64) - 1 > number {
            // A number of a batch that was never noted: nobody has it any more.
            self.numbers.skip();
            self.places.push(Place { end: self.arena.len(), kind: Kind::Text });
        }
        self.number(id);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ids_are_found_again_and_belong_to_one() {
        let mut registry = Registry::default();
        let ids = [
            Id::Number(7),
            Id::Number(i64::MIN),
            Id::Text("é".into()),
            Id::Uuid("c9a4c6b0-8f6b-4a8f-9b63-1f0f2f6a0a01".into()),
            Id::Number(i64::MAX),
            Id::Text("".into()),
            Id::Number(-1),
            Id::Text("7".into()),
        ];
        for (owner, id) in ids.iter().enumerate() {
            let number = registry.add(id, owner as i64).unwrap();
            assert_eq!(registry.find(number).as_ref(), Some(id));
        }
        for (owner, id) in ids.iter().enumerate() {
            let number = registry.add(id, owner as i64).unwrap();
            assert_eq!(registry.find(number).as_ref(), Some(id));
            assert_eq!(registry.add(id, 99), None);
            assert_eq!(registry.owner(id), Some(owner as i64));
        }
        assert_eq!(registry.find(-100), None);
        let mut again = Registry::default();
        again.recall(-3, &Id::Text("x".into()));
        assert_eq!(again.find(-3), Some(Id::Text("x".into())));
        assert_eq!(again.add(&Id::Text("y".into()), 1), Some(-4));
    }
}
