//! A digest of a graph that depends neither on ids nor on order.
//!
//! What a node says (its labels as a set, its properties with sorted keys) is hashed to 128 bits; a relationship's hash takes its type, its properties and
//! the hashes of both ends. Hashes are added, so order does not matter and equal items count as often as they occur. To tell graphs apart in
//! which the same items are wired otherwise, every node then hashes itself once more with the sum of its relationships' hashes; and up to
//! [`KEPT`] nodes and relationships, [`ROUNDS`] times more with what its neighbours have become.
//!
//! **What it cannot see:** graphs whose difference lies further from every node than the rounds go, or that look the same from every node
//! for ever (two triangles or one hexagon of blank nodes). Above [`KEPT`] a node sees its own relationships and what their other ends say.
//!
//! Memory: 16 bytes a node as long as ids are dense, and for graphs that are not too large 16 bytes a relationship and 16 more a node.

use crate::error::{Error, Result};
use crate::ids::IdMap;
use crate::model::content::Content;
use crate::model::{Block, Class, Item};
use std::collections::BTreeMap;

/// Sums of hashes, a sum a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// Nodes by their label set, sorted.
    pub nodes: BTreeMap<Vec<String>, Sum>,
    /// Relationships by type.
    pub relationships: BTreeMap<String, Sum>,
    /// How the nodes are wired.
    pub wiring: u128,
}

/// Up to this many nodes and this many relationships, the wiring is looked at from further away.
pub const KEPT: usize = 1 << 22;

/// How often each node then looks at its neighbours again.
pub const ROUNDS: usize = 8;

/// How many items, and the sum of their hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub count: u64,
    /// The sum modulo 2^128.
    pub hash: u128,
}

impl Digest {
    /// One number for the whole graph.
    #[must_use]
    pub fn total(&self) -> u128 {
        let nodes = self.nodes.values().fold(0_u128, |sum, kind| sum.wrapping_add(kind.hash));
        let all = self.relationships.values().fold(nodes, |sum, kind| sum.wrapping_add(kind.hash));
        all.wrapping_add(self.wiring)
    }
}

/// Makes a digest of blocks, nodes before their relationships.
#[derive(Debug, Default)]
pub struct Digester {
    digest: Digest,
    places: IdMap,
    /// For each node: what it says, and the sum over its relationships.
    said: Vec<(u64, u64)>,
    /// Start, end and hash of each relationship; none where there are too many.
    ends: Vec<(u32, u32, u64)>,
    relationships: usize,
    content: Content,
}

fn mix(hash: u128, side: u64) -> u64 {
    // The finaliser of splitmix64: a relationship must count otherwise for its start than for its end.
    let mut x = (hash as u64) ^ ((hash >> 64) as u64).rotate_left(29) ^ side;
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

impl Digester {
    /// Adds a block.
    ///
    /// # Errors
    /// Its bytes are not well formed, a node id comes twice, or an end does not exist.
    pub fn block(&mut self, block: &Block) -> Result<()> {
        let names: Vec<Vec<String>> = block.kinds().iter().map(|kind| sorted(kind.names())).collect();
        let mut sums = vec![Sum::default(); names.len()];
        for item in block.items() {
            let (Some(names), Some(sum)) = (names.get(item.kind as usize), sums.get_mut(item.kind as usize)) else {
                continue;
            };
            let hash = match block.class() {
                Class::Nodes => self.node(block, item, names)?,
                Class::Relationships => self.relationship(block, item, names)?,
            };
            sum.count += 1;
            sum.hash = sum.hash.wrapping_add(hash);
        }
        for (names, sum) in names.into_iter().zip(sums).filter(|(_, sum)| sum.count > 0) {
            let total = match block.class() {
                Class::Nodes => self.digest.nodes.entry(names).or_default(),
                Class::Relationships => self.digest.relationships.entry(names.concat()).or_default(),
            };
            total.count += sum.count;
            total.hash = total.hash.wrapping_add(sum.hash);
        }
        Ok(())
    }

    fn node(&mut self, block: &Block, item: &Item, labels: &[String]) -> Result<u128> {
        if !self.places.reserve(item.id) {
            return Err(at(Error::corrupt(format!("node id {} occurs twice", item.id)), block, item));
        }
        self.places.bind(item.id, self.said.len() as i64);
        let hash = self.content.hash(labels, block.properties(item), &[])?;
        self.said.push((mix(hash, 0), 0));
        Ok(hash)
    }

    fn relationship(&mut self, block: &Block, item: &Item, names: &[String]) -> Result<u128> {
        let place = |id: i64| {
            let place = self.places.find(id).and_then(|place| usize::try_from(place).ok());
            let missing = || Error::corrupt(format!("a relationship refers to node {id}, which does not exist"));
            place.ok_or_else(|| at(missing(), block, item))
        };
        let (start, end) = (place(item.start)?, place(item.end)?);
        self.relationships += 1;
        let says = |at: usize| self.said.get(at).map_or(0, |node| node.0);
        let hash = self.content.hash(names, block.properties(item), &[says(start), says(end)])?;
        match (u32::try_from(start), u32::try_from(end)) {
            (Ok(start), Ok(end)) if self.relationships <= KEPT => self.ends.push((start, end, mix(hash, 5))),
            _ => self.ends = Vec::new(),
        }
        for (at, side) in [(start, 1), (end, 2)] {
            if let Some(node) = self.said.get_mut(at) {
                node.1 = node.1.wrapping_add(mix(hash, side));
            }
        }
        Ok(hash)
    }

    /// The digest of all that was added.
    #[must_use]
    pub fn finish(mut self) -> Digest {
        if self.said.len() <= KEPT && self.relationships <= KEPT {
            (0..ROUNDS).for_each(|_| self.look_around());
        }
        for (said, around) in &self.said {
            let both = u128::from(*said) << 64 | u128::from(*around);
            let wired = u128::from(mix(both, 3)) << 64 | u128::from(mix(both, 4));
            self.digest.wiring = self.digest.wiring.wrapping_add(wired);
        }
        self.digest
    }
}

impl Digester {
    /// Each node becomes what it was and what its neighbours were.
    fn look_around(&mut self) {
        let both = |a: u64, b: u64| u128::from(a) << 64 | u128::from(b);
        let was: Vec<u64> = self.said.iter().map(|(said, around)| mix(both(*said, *around), 3)).collect();
        for (node, was) in self.said.iter_mut().zip(&was) {
            *node = (*was, 0);
        }
        for (start, end, hash) in &self.ends {
            for (at, other, side) in [(*start, *end, 1), (*end, *start, 2)] {
                if let (Some(node), Some(other)) = (self.said.get_mut(at as usize), was.get(other as usize)) {
                    node.1 = node.1.wrapping_add(mix(both(*hash, *other), side));
                }
            }
        }
    }
}

fn sorted(names: &[Box<str>]) -> Vec<String> {
    let mut names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn at(error: Error, block: &Block, item: &Item) -> Error {
    match block.position(item) {
        Some(position) => error.at(position),
        None => error,
    }
}
