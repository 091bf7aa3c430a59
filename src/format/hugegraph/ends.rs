//! Which vertex a block's id means, so that edges can name their ends.
//!
//! A vertex whose block id is its own number needs a bit; any other is kept in an arena, at its text's length and about 10 bytes more, or 17 bytes for a
//! UUID. It is the one thing that grows with the graph while a backup is written.

use crate::error::{Error, Result};
use crate::hugegraph::{Id, Numbers};
use crate::ids::{IdMap, IdSet};
use std::borrow::Cow;

/// Vertices by their block ids.
#[derive(Debug, Default)]
pub(super) struct Ends {
    /// Numbers that are block ids at once.
    own: IdSet,
    /// Numbers of vertices that have another block id.
    others: IdSet,
    /// Texts and UUIDs, to see whether one comes twice.
    texts: Numbers,
    /// Block id to place in the arena.
    places: IdMap,
    arena: Arena,
}

impl Ends {
    /// Adds a vertex.
    pub(super) fn add(&mut self, block_id: i64, id: &Id<'_>) -> Result<()> {
        let is_new = match id {
            Id::Number(number) if *number == block_id => !self.others.contains(*number) && self.own.insert(*number),
            Id::Number(number) => !self.own.contains(*number) && self.others.insert(*number),
            id => self.texts.add(id).is_some(),
        };
        if !is_new {
            return Err(Error::refused(format!("two vertices have the id {id}"))
                .hint("ids are shared by all labels of a graph in HugeGraph: a restore would keep one of the two"));
        }
        if !matches!(id, Id::Number(number) if *number == block_id) {
            if !self.places.reserve(block_id) {
                return Err(Error::corrupt(format!("node id {block_id} occurs twice")));
            }
            let place = self.arena.put(id);
            self.places.bind(block_id, place);
        }
        Ok(())
    }

    /// The vertex of a block id; `None` if none was added.
    pub(super) fn find(&self, block_id: i64) -> Option<Id<'_>> {
        match self.places.find(block_id) {
            Some(place) => self.arena.find(place),
            None => self.own.contains(block_id).then_some(Id::Number(block_id)),
        }
    }
}

/// A part of the arena.
const CHUNK: usize = 1 << 20;

const NUMBER: u8 = 0;
const TEXT: u8 = 1;
const UUID: u8 = 2;
const OTHER_UUID: u8 = 3;

#[derive(Debug, Default)]
struct Arena(Vec<Vec<u8>>);

impl Arena {
    fn put(&mut self, id: &Id<'_>) -> i64 {
        let packed = match id {
            Id::Uuid(text) => pack(text),
            _ => None,
        };
        let (tag, length, bytes): (u8, Option<u32>, Cow<'_, [u8]>) = match (id, packed) {
            (Id::Number(number), _) => (NUMBER, None, Cow::Owned(number.to_le_bytes().to_vec())),
            (Id::Uuid(_), Some(packed)) => (UUID, None, Cow::Owned(packed.to_be_bytes().to_vec())),
            (Id::Text(text), _) => (TEXT, Some(text.len() as u32), Cow::Borrowed(text.as_bytes())),
            (Id::Uuid(text), None) => (OTHER_UUID, Some(text.len() as u32), Cow::Borrowed(text.as_bytes())),
        };
        let size = bytes.len() + 5;
        if self.0.last().is_none_or(|last| last.len() + size > last.capacity()) {
            self.0.push(Vec::with_capacity(size.max(CHUNK)));
        }
        let at = self.0.len() - 1;
        let Some(last) = self.0.last_mut() else { return 0 };
        let place = (at as i64) << 32 | last.len() as i64;
        last.push(tag);
        last.extend(length.iter().flat_map(|length| length.to_le_bytes()));
        last.extend_from_slice(&bytes);
        place
    }

    fn find(&self, place: i64) -> Option<Id<'_>> {
        let chunk = self.0.get((place >> 32) as usize)?;
        let (tag, rest) = chunk.get((place & 0xFFFF_FFFF) as usize..)?.split_first()?;
        let text = || {
            let length = u32::from_le_bytes(rest.get(..4)?.try_into().ok()?) as usize;
            std::str::from_utf8(rest.get(4..4 + length)?).ok().map(Cow::Borrowed)
        };
        Some(match *tag {
            NUMBER => Id::Number(i64::from_le_bytes(rest.get(..8)?.try_into().ok()?)),
            UUID => Id::Uuid(Cow::Owned(unpack(u128::from_be_bytes(rest.get(..16)?.try_into().ok()?)))),
            TEXT => Id::Text(text()?),
            _ => Id::Uuid(text()?),
        })
    }
}

/// A UUID in its usual form as a number; `None` for any other text.
fn pack(text: &str) -> Option<u128> {
    let packed = u128::from_str_radix(&text.replace('-', ""), 16).ok()?;
    (unpack(packed) == text).then_some(packed)
}

fn unpack(packed: u128) -> String {
    let hex = format!("{packed:032x}");
    let part = |range| hex.get(range).unwrap_or_default();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_kind_of_id_is_found_again() {
        let mut ends = Ends::default();
        let text = |text: &str| Id::Text(Cow::Owned(text.to_owned()));
        let uuid = |text: &str| Id::Uuid(Cow::Owned(text.to_owned()));
        let ids = [
            (7, Id::Number(7)),
            (-1, Id::Number(-7)),
            (8, Id::Number(9)),
            (-2, text("")),
            (-3, text("7")),
            (-4, uuid("c9a4c6b0-8f6b-4a8f-9b63-1f0f2f6a0a01")),
            (-5, uuid("C9A4C6B0-8F6B-4A8F-9B63-1F0F2F6A0A01")),
            (-6, text(&"é".repeat(CHUNK))),
            (-7, text("last")),
            (i64::MIN, Id::Number(i64::MAX)),
        ];
        for (block_id, id) in &ids {
            ends.add(*block_id, id).unwrap();
        }
        for (block_id, id) in &ids {
            assert_eq!(ends.find(*block_id).as_ref(), Some(id));
        }
        assert_eq!(ends.find(9), None, "the number of a vertex that has another block id");
        for (block_id, id) in [(9, Id::Number(9)), (70, Id::Number(7)), (71, text("7")), (7, Id::Number(7))] {
            assert!(ends.add(block_id, &id).is_err(), "{id} twice");
        }
        ends.add(-70, &uuid("7")).unwrap();
    }
}
