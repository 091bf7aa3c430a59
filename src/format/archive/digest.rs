//! A digest of a graph that can be taken in parts, in any order, and added up.
//!
//! Each item gives two hashes of 128 bits: of what it says (labels or type, and properties), and of that together with its id and its ends. Both are
//! added up modulo 2^128. The first sum is the same for every dump of the same graph, whatever its ids; it does not see who is
//! joined to whom, which the second one does.

use crate::error::{Error, Result};
use crate::model::content::Content;
use crate::model::{Block, Class};
use serde::{Deserialize, Serialize};

/// The two sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// What nodes and relationships say.
    pub content: u128,
    /// The same with ids and ends.
    pub items: u128,
}

/// The form in a manifest: 32 hexadecimal digits each.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    content: String,
    items: String,
}

/// Odd numbers without a pattern: they begin like the fractions of the square roots of 2, 3, 5, 7 and 11.
const FACTORS: [u128; 5] = [
    0x6a09_e667_f3bc_c908_b2fb_1366_ea95_7d3f,
    0xbb67_ae85_84ca_a73b_2574_2d70_78b8_3b89,
    0x3c6e_f372_fe94_f82b_e739_80c0_b9db_9069,
    0xa54f_f53a_5f1d_36f1_0ea9_f8ac_4d3c_5ff7,
    0x510e_527f_ade6_82d1_de49_e330_e425_6f4d,
];

/// An item's hash together with its id, start, end and class. It need not withstand anybody: BLAKE3 over the whole archive does that.
fn placed(content: u128, numbers: [i64; 4]) -> u128 {
    // Numbers of 64 bits, not extended by their sign.
    let parts = numbers.iter().zip(FACTORS).map(|(number, factor)| u128::from(*number as u64).wrapping_mul(factor));
    let sum = parts.fold(content, u128::wrapping_add);
    let mixed = (sum ^ (sum >> 64)).wrapping_mul(FACTORS[4]);
    mixed ^ (mixed >> 64)
}

impl Digest {
    /// The digest of a block.
    ///
    /// # Errors
    /// Its bytes are not well formed.
    pub fn of(block: &Block) -> Result<Self> {
        let mut digest = Self::default();
        let mut content = Content::default();
        let names: Vec<Vec<String>> = block
            .kinds()
            .iter()
            .map(|kind| {
                let mut names: Vec<String> = kind.names().iter().map(ToString::to_string).collect();
                names.sort_unstable();
                names
            })
            .collect();
        let is_relationship = block.class() == Class::Relationships;
        for item in block.items() {
            let names = names.get(item.kind as usize).map_or(&[][..], Vec::as_slice);
            let hash = content.hash(names, block.properties(item), &[])?;
            let place = [item.id, item.start, item.end, i64::from(is_relationship)];
            digest.add(&Self { content: hash, items: placed(hash, place) });
        }
        Ok(digest)
    }

    /// Adds another part of the same graph.
    pub fn add(&mut self, other: &Self) {
        self.content = self.content.wrapping_add(other.content);
        self.items = self.items.wrapping_add(other.items);
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let (content, items) = (format!("{:032x}", self.content), format!("{:032x}", self.items));
        Text { content, items }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        let number = |text: &str| u128::from_str_radix(text, 16).map_err(serde::de::Error::custom);
        Ok(Self { content: number(&text.content)?, items: number(&text.items)? })
    }
}

/// The refusal of rows that are others than those that were written.
pub(super) fn differs() -> Error {
    Error::corrupt(
        "the digest of the graph does not agree with the manifest: rows were read as something else than what was written",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::Kind;
    use crate::model::packstream::{put_integer, put_map, put_string};

    fn block(class: Class, items: &[(i64, i64, i64, i64)]) -> Block {
        let mut block = Block::new(class);
        let kind = block.add_kind(Kind::labels(["A"]));
        for (id, start, end, value) in items {
            put_map(block.buffer(), 1);
            put_string(block.buffer(), "k");
            put_integer(block.buffer(), *value);
            block.push(*id, *start, *end, kind, 0);
        }
        block
    }

    #[test]
    fn parts_add_up_and_ids_count_in_one_sum() {
        let whole = Digest::of(&block(Class::Nodes, &[(1, 0, 0, 5), (2, 0, 0, 6)])).unwrap();
        let mut parts = Digest::of(&block(Class::Nodes, &[(2, 0, 0, 6)])).unwrap();
        parts.add(&Digest::of(&block(Class::Nodes, &[(1, 0, 0, 5)])).unwrap());
        assert_eq!(whole, parts);
        let renumbered = Digest::of(&block(Class::Nodes, &[(7, 0, 0, 5), (8, 0, 0, 6)])).unwrap();
        assert!(whole.content == renumbered.content && whole.items != renumbered.items);
        let changed = Digest::of(&block(Class::Nodes, &[(1, 0, 0, 5), (2, 0, 0, 7)])).unwrap();
        assert_ne!(whole.content, changed.content);
        let (one, other) = (block(Class::Relationships, &[(1, 2, 3, 5)]), block(Class::Relationships, &[(1, 3, 2, 5)]));
        let (one, other) = (Digest::of(&one).unwrap(), Digest::of(&other).unwrap());
        assert!(one.content == other.content && one.items != other.items);
        let text = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<Digest>(&text).unwrap(), whole);
    }
}
