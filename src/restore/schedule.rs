//! From a window of relationships to batches, and which of them may be under way at once.
//!
//! Sessions that write to the same node hinder each other, each kind of database in its own way: one waits for locks, one fails and starts
//! again. So the [`Schedule`] that suits the target decides what stands beside what. This is pure: the same window and [`Shape`]
//! give the same batches in the same order, always, so that a run that is taken up again can tell which of them are in.
//!
//! What it does not know: sessions, how long a batch takes, and what was in the windows before.

use crate::backend::Schedule;
use crate::model::{Block, Item};
use std::ops::Range;

/// A batch is full at this many bytes of properties, however few its items are.
const BATCH_BYTES: usize = 2 << 20;

/// An end of more than one in so many relationships of a window is a supernode.
const SUPERNODE_SHARE: usize = 16;

/// A type gets fewer buckets where a pair of buckets would have fewer relationships than this.
const CELL_ITEMS: usize = 128;

/// Batches between two barriers.
#[derive(Debug, Default)]
pub struct Round {
    /// May run at the same time as one another. Whoever is free takes the next one, in this order.
    pub batches: Vec<Block>,
    /// One after the other, beside `batches`: relationships of supernodes. Only the window's first round has any; the caller finishes
    /// them before the window ends, and need not before the round does.
    ///
    /// Their other ends may be in batches beside them, in every round of the window: of these a target may still complain.
    pub lane: Vec<Block>,
}

/// How batches are cut.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// What may be under way at once.
    pub schedule: Schedule,
    /// Items a batch.
    pub size: usize,
    /// For [`Schedule::Partitioned`]: into how many parts nodes are hashed. Twice the sessions keep all of them busy.
    pub buckets: usize,
    /// Never to cut between two relationships with the same start, end and type; batches may then be larger than `size`.
    pub keep_pairs: bool,
}

/// Cuts a window: blocks of relationships of one type each, every type once, whose ends are ids of the target.
///
/// [`Schedule::Sequential`] gives a round a batch, in the order of the window. [`Schedule::Sorted`] gives one round, each type sorted by start
/// and end. [`Schedule::Partitioned`] gives rounds in which no two batches share a node, those of the lane apart.
#[must_use]
pub fn rounds(window: Vec<Block>, shape: &Shape) -> Vec<Round> {
    let shape = Shape { size: shape.size.max(1), ..*shape };
    let hubs = if shape.schedule == Schedule::Sequential { Vec::new() } else { supernodes(&window, shape.size) };
    let mut rounds = Vec::new();
    let mut lane = Vec::new();
    for mut block in window {
        if !hubs.is_empty() {
            lane.extend(take_lane(&mut block, &hubs, &shape));
        }
        let all = 0..block.len();
        match shape.schedule {
            Schedule::Sequential => {
                let alone = |batch| Round { batches: vec![batch], lane: Vec::new() };
                rounds.extend(cut(&block, all, &shape).into_iter().map(alone));
            }
            Schedule::Sorted => {
                block.sort_by_key(|item| (item.start, item.end));
                let batches = cut(&block, all, &shape);
                match rounds.first_mut() {
                    Some(Round { batches: before, .. }) => before.extend(batches),
                    None => rounds.push(Round { batches, lane: Vec::new() }),
                }
            }
            Schedule::Partitioned => rounds.extend(partition(block, &shape)),
        }
    }
    rounds.retain(|round| !round.batches.is_empty());
    match rounds.first_mut() {
        Some(first) => first.lane = lane,
        None if lane.is_empty() => {}
        None => rounds.push(Round { batches: Vec::new(), lane }),
    }
    rounds
}

/// The nodes that are an end of so many relationships of a window that they would be in most of its batches, in order.
fn supernodes(window: &[Block], size: usize) -> Vec<i64> {
    let count: usize = window.iter().map(Block::len).sum();
    let items = window.iter().flat_map(Block::items);
    // A loop is one relationship.
    let mut ends: Vec<i64> = items
        .flat_map(|item| std::iter::once(item.start).chain((item.end != item.start).then_some(item.end)))
        .collect();
    ends.sort_unstable();
    let often = |same: &[i64]| same.len() * SUPERNODE_SHARE > count && same.len() * 4 >= size;
    ends.chunk_by(|a, b| a == b).filter(|same| often(same)).filter_map(|same| same.first().copied()).collect()
}

/// Takes the relationships of supernodes out of a block, sorted by supernode and then the other end.
fn take_lane(block: &mut Block, hubs: &[i64], shape: &Shape) -> Vec<Block> {
    let is_hub = |node: i64| hubs.binary_search(&node).is_ok();
    let mut lane = block.clone();
    lane.retain(|_, item| is_hub(item.start) || is_hub(item.end));
    if lane.is_empty() {
        return Vec::new();
    }
    block.retain(|_, item| !is_hub(item.start) && !is_hub(item.end));
    lane.sort_by_key(|item| match is_hub(item.start) {
        true => (item.start, item.end, item.start),
        false => (item.end, item.start, item.start),
    });
    cut(&lane, 0..lane.len(), shape)
}

/// One type's rounds. Nodes are hashed to buckets; a cell is what lies between two of them, whichever way. The cells whose buckets
/// have the same sum (modulo their number) share no bucket, so they make a round: each bucket is in exactly one of them. Batches of one
/// cell share nodes, so a round is as many rounds as its fullest cell has batches.
fn partition(mut block: Block, shape: &Shape) -> Vec<Round> {
    let buckets = shape.buckets.min((block.len() * 2 / CELL_ITEMS).isqrt()).max(1) as u64;
    let cell = |item: &Item| {
        let (start, end) = (bucket(item.start, buckets), bucket(item.end, buckets));
        ((start + end) % buckets, start.min(end), start.max(end))
    };
    block.sort_by_key(|item| (cell(item), item.start, item.end));
    let mut rounds: Vec<Round> = Vec::new();
    let mut from = 0;
    for same_sum in block.items().chunk_by(|a, b| cell(a).0 == cell(b).0) {
        let cells: Vec<_> = same_sum.chunk_by(|a, b| cell(a) == cell(b)).collect();
        // The longest cell tells how long batches are, so that those beside one another end together.
        let longest = cells.iter().map(|items| items.len()).max().unwrap_or(0);
        let shape = Shape { size: even(longest, shape.size), ..*shape };
        let mut cut_cells = Vec::new();
        for items in cells {
            cut_cells.push((items.first().map(cell), cut(&block, from..from + items.len(), &shape)));
            from += items.len();
        }
        let most = cut_cells.iter().map(|(_, batches)| batches.len()).max().unwrap_or(0);
        let mut made: Vec<Round> = (0..most).map(|_| Round::default()).collect();
        for (place, batches) in cut_cells {
            // A bucket with itself has half of what two have, and an even number of buckets makes two of these a round: one from its
            // beginning and one towards its end, so that no session idles.
            let late = matches!(place, Some((_, one, other)) if one == other && one >= buckets / 2);
            let skip = if late { most - batches.len() } else { 0 };
            for (round, batch) in made.iter_mut().skip(skip).zip(batches) {
                round.batches.push(batch);
            }
        }
        for round in &mut made {
            round.batches.sort_by_key(|batch| std::cmp::Reverse(batch.len()));
        }
        rounds.extend(made);
    }
    rounds
}

/// A node's bucket: the same in every run, and not that of its neighbours in the store.
fn bucket(node: i64, buckets: u64) -> u64 {
    let mixed = (node as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((mixed >> 32) * buckets) >> 32
}

/// How long batches are when so many items are cut into as few as the size allows, all about as long as one another.
fn even(items: usize, size: usize) -> usize {
    items.div_ceil(items.div_ceil(size).max(1)).max(1)
}

/// Cuts a range of a block into as few batches as the size allows, all about as long as one another.
fn cut(block: &Block, range: Range<usize>, shape: &Shape) -> Vec<Block> {
    let mut batches = Vec::new();
    let size = even(range.len(), shape.size);
    let same = |a: &Item, b: &Item| shape.keep_pairs && (a.start, a.end) == (b.start, b.end);
    let (mut from, mut bytes) = (range.start, 0);
    for at in range.clone() {
        let Some(item) = block.items().get(at) else { break };
        bytes += block.properties(item).len();
        let next = block.items().get(at + 1);
        let is_full = at + 1 - from >= size || bytes >= BATCH_BYTES;
        if at + 1 == range.end || is_full && !next.is_some_and(|next| same(item, next)) {
            batches.push(block.slice(from..at + 1));
            (from, bytes) = (at + 1, 0);
        }
    }
    batches
}

#[cfg(test)]
mod tests;
