//! The ids of CSV files as 64-bit integers.
//!
//! Where all ids are integers of one space they stay what they are. Else each gets the next number, and what leads back from the text is a
//! table of 128-bit hashes: about 40 bytes a node, however long the texts are.

use crate::error::{Error, Result};
use rustc_hash::FxHashMap;

pub(super) enum Keys {
    /// Every id is its own number.
    Plain,
    /// Hashes of space and text, and their numbers.
    Named { known: FxHashMap<u128, i64>, next: i64 },
}

fn hash(space: &str, text: &str) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(space.len() as u64).to_le_bytes()).update(space.as_bytes()).update(text.as_bytes());
    let mut first = [0; 16];
    hasher.finalize().as_bytes().iter().zip(&mut first).for_each(|(from, to)| *to = *from);
    u128::from_le_bytes(first)
}

fn plain(text: &str) -> Result<i64> {
    text.trim().parse().map_err(|_| Error::corrupt(format!("{text:?} is not an integer, as ids have to be here")))
}

impl Keys {
    pub(super) fn named() -> Self {
        Self::Named { known: FxHashMap::default(), next: 0 }
    }

    /// Whether ids are numbers.
    pub(super) fn are_plain(&self) -> bool {
        matches!(self, Self::Plain)
    }

    /// The number of a node that comes now.
    pub(super) fn node(&mut self, space: &str, text: &str) -> Result<i64> {
        match self {
            Self::Plain => plain(text),
            Self::Named { known, next } => {
                let id = *next;
                *next += 1;
                // A node without an id is one that no relationship can name.
                if !text.is_empty() && known.insert(hash(space, text), id).is_some() {
                    return Err(Error::corrupt(format!("the id {text:?} occurs twice{}", within(space))));
                }
                Ok(id)
            }
        }
    }

    /// The number of a node that came.
    pub(super) fn end(&self, space: &str, text: &str) -> Result<i64> {
        match self {
            Self::Plain => plain(text),
            Self::Named { known, .. } => known
                .get(&hash(space, text))
                .copied()
                .ok_or_else(|| Error::corrupt(format!("there is no node with the id {text:?}{}", within(space)))),
        }
    }
}

fn within(space: &str) -> String {
    if space.is_empty() { String::new() } else { format!(" in the id space {space:?}") }
}
