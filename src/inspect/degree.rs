//! How many relationships nodes have, and what joins what: 20 bytes a node.

use crate::ids::IdMap;
use rustc_hash::FxHashMap;
use serde::Serialize;
use std::cmp::Reverse;

/// How many nodes have how many relationships, in buckets that double: 0, 1, 2 to 3, 4 to 7 and so on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Histogram {
    /// Nodes a bucket; the last one is not empty.
    pub buckets: Vec<u64>,
    /// The most that a node has.
    pub max: u64,
}

impl Histogram {
    fn add(&mut self, degree: u64) {
        let bucket = (u64::BITS - degree.leading_zeros()) as usize;
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        if let Some(count) = self.buckets.get_mut(bucket) {
            *count += 1;
        }
        self.max = self.max.max(degree);
    }

    /// The smallest degree of a bucket.
    #[must_use]
    pub fn low(bucket: usize) -> u64 {
        if bucket == 0 { 0 } else { 1 << (bucket - 1).min(63) }
    }
}

/// A node with many relationships.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Busy {
    /// Its id.
    pub id: i64,
    /// Its labels.
    pub labels: Vec<String>,
    /// Relationships that start at it.
    pub out: u64,
    /// Relationships that end at it.
    #[serde(rename = "in")]
    pub incoming: u64,
}

/// The degrees of all nodes.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Degrees {
    /// Relationships that start at a node.
    pub out: Histogram,
    /// Relationships that end at a node.
    #[serde(rename = "in")]
    pub incoming: Histogram,
    /// Nodes without any.
    pub isolated: u64,
    /// Relationships from a node to itself.
    pub loops: u64,
    /// Relationships with an end that does not exist.
    pub dangling: u64,
    /// The nodes that have most.
    pub busiest: Vec<Busy>,
}

/// How many of the nodes that have most relationships are told.
const BUSIEST: usize = 10;

/// What is joined otherwise than in so many ways is counted as one.
const WAYS: usize = 10_000;

/// From which label set, by which type, to which label set; by their numbers.
pub(super) type Way = (u32, u32, u32);

#[derive(Clone, Copy)]
struct Node {
    id: i64,
    kind: u32,
    out: u32,
    incoming: u32,
}

/// Counts relationships at nodes.
#[derive(Default)]
pub(super) struct Joints {
    places: IdMap,
    nodes: Vec<Node>,
    ways: FxHashMap<Way, u64>,
    other_ways: u64,
    degrees: Degrees,
}

impl Joints {
    pub(super) fn node(&mut self, id: i64, kind: u32) {
        self.places.bind(id, self.nodes.len() as i64);
        self.nodes.push(Node { id, kind, out: 0, incoming: 0 });
    }

    pub(super) fn relationship(&mut self, start: i64, end: i64, kind: u32) {
        let place = |id| self.places.find(id).and_then(|place| usize::try_from(place).ok());
        let (Some(from), Some(to)) = (place(start), place(end)) else {
            self.degrees.dangling += 1;
            return;
        };
        self.degrees.loops += u64::from(from == to);
        let mut way = (0, kind, 0);
        if let Some(node) = self.nodes.get_mut(from) {
            node.out = node.out.saturating_add(1);
            way.0 = node.kind;
        }
        if let Some(node) = self.nodes.get_mut(to) {
            node.incoming = node.incoming.saturating_add(1);
            way.2 = node.kind;
        }
        if self.ways.len() < WAYS || self.ways.contains_key(&way) {
            *self.ways.entry(way).or_default() += 1;
        } else {
            self.other_ways += 1;
        }
    }

    /// The degrees, the ways from that of most relationships on, and how many relationships go other ways.
    pub(super) fn finish(self, labels: &dyn Fn(u32) -> Vec<String>) -> (Degrees, Vec<(Way, u64)>, u64) {
        let mut degrees = self.degrees;
        let mut busiest: Vec<Node> = Vec::with_capacity(BUSIEST * 2);
        let rank = |node: &Node| (Reverse(u64::from(node.out) + u64::from(node.incoming)), node.id);
        for node in self.nodes {
            degrees.out.add(node.out.into());
            degrees.incoming.add(node.incoming.into());
            match (node.out, node.incoming) {
                (0, 0) => degrees.isolated += 1,
                _ => busiest.push(node),
            }
            if busiest.len() == BUSIEST * 2 {
                busiest.sort_unstable_by_key(rank);
                busiest.truncate(BUSIEST);
            }
        }
        busiest.sort_unstable_by_key(rank);
        busiest.truncate(BUSIEST);
        let busy = |node: Node| Busy {
            id: node.id,
            labels: labels(node.kind),
            out: node.out.into(),
            incoming: node.incoming.into(),
        };
        degrees.busiest = busiest.into_iter().map(busy).collect();
        let mut ways: Vec<_> = self.ways.into_iter().collect();
        ways.sort_unstable_by_key(|(way, count)| (Reverse(*count), *way));
        (degrees, ways, self.other_ways)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_fall_into_buckets() {
        let mut joints = Joints::default();
        (0..5).for_each(|id| joints.node(id * 1000, 0));
        for (start, end) in [(0, 1000), (0, 2000), (0, 3000), (0, 0), (1000, 0), (7, 0)] {
            joints.relationship(start, end, 3);
        }
        let (degrees, ways, other) = joints.finish(&|_| vec!["A".to_owned()]);
        assert_eq!(degrees.out, Histogram { buckets: vec![3, 1, 0, 1], max: 4 });
        assert_eq!(degrees.incoming, Histogram { buckets: vec![1, 3, 1], max: 2 });
        assert_eq!((degrees.isolated, degrees.loops, degrees.dangling), (1, 1, 1));
        assert_eq!(degrees.busiest.first().map(|busy| (busy.id, busy.out, busy.incoming)), Some((0, 4, 2)));
        assert_eq!((ways, other), (vec![((0, 3, 0), 5)], 0));
        assert_eq!([0, 1, 2, 3, 4].map(Histogram::low), [0, 1, 2, 4, 8]);
    }
}
