//! The records of nodes and of relationships' properties in a snapshot, one after the other.

use super::bytes::Bytes;
use super::snapshot::{Names, Snapshot};
use super::value::{self, Meaning, Vectors};
use crate::error::Result;
use crate::model::packstream::{Cursor, put_map, put_string};
use crate::model::tally::repeated_key;

/// How far the records of a snapshot can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// Nodes that can be read.
    pub(super) nodes: u64,
    /// The largest node id among them; -1 where there is none.
    pub(super) last_node: i64,
    /// Records of relationships that can be read.
    pub(super) relationships: u64,
    pub(super) last_relationship: i64,
    /// Relationships that start at those nodes.
    pub(super) out: u64,
    /// Whether all of it can be read.
    pub(super) is_whole: bool,
}

/// A relationship as its start node tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Link {
    pub(super) id: i64,
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) kind: u64,
}

/// One node, in buffers that are used again. Its properties are wherever [`node`] was told to write them.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) id: i64,
    /// Ids of labels, eight bytes each.
    pub(super) labels: Vec<u8>,
    pub(super) out: Vec<Link>,
    /// What the relationships at both of its ends add up to: zero over a whole graph.
    pub(super) balance: u64,
}

/// Gives the vector that an item has in one of some vector indexes.
pub(super) type ItemVectors<'a> = &'a mut dyn FnMut(i64, &[String]) -> Result<Option<Vec<f64>>>;

/// Where a record's parts are looked up.
pub(super) struct Lookup<'a> {
    pub(super) names: &'a Names,
    pub(super) meaning: &'a Meaning,
}

impl Lookup<'_> {
    pub(super) fn properties(&self, bytes: &mut Bytes, vectors: Vectors<'_>, out: &mut Vec<u8>) -> Result<()> {
        let count = bytes.count(11)?;
        if count > u64::from(u32::MAX) {
            return Err(bytes.damaged(format!("{count} properties are too many")));
        }
        put_map(out, count as usize);
        for _ in 0..count {
            let id = bytes.uint()?;
            let name = self.names.get(&id).ok_or_else(|| bytes.damaged(format!("there is no name {id}")))?;
            put_string(out, name);
            value::value(bytes, self.meaning, vectors, out)?;
        }
        Ok(())
    }

    /// Reads a node; its properties go to `out`.
    pub(super) fn node(
        &self,
        bytes: &mut Bytes,
        node: &mut Node,
        vectors: ItemVectors<'_>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        bytes.marker(0x20, "a node")?;
        node.id = bytes.gid()?;
        let id = node.id;
        node.labels.clear();
        for _ in 0..bytes.count(9)? {
            let label = bytes.uint()?;
            if !self.names.contains_key(&label) {
                return Err(bytes.damaged(format!("there is no name {label}")));
            }
            node.labels.extend_from_slice(&label.to_le_bytes());
        }
        self.properties(bytes, &mut |names| vectors(id, names), out)?;
        node.balance = 0;
        for _ in 0..bytes.count(27)? {
            let (link, start, kind) = (bytes.gid()?, bytes.gid()?, bytes.uint()?);
            node.balance = node.balance.wrapping_sub(mark(Link { id: link, start, end: id, kind }));
        }
        node.out.clear();
        for _ in 0..bytes.count(27)? {
            let link = Link { id: bytes.gid()?, start: id, end: bytes.gid()?, kind: bytes.uint()? };
            if !self.names.contains_key(&link.kind) {
                return Err(bytes.damaged(format!("there is no name {}", link.kind)));
            }
            node.balance = node.balance.wrapping_add(mark(link));
            node.out.push(link);
        }
        Ok(())
    }

    /// Sees that an item has no label and no key twice: two ids of a damaged table may have one name. Labels are ids of 8 bytes.
    fn prove_names(&self, bytes: &Bytes, labels: &[u8], properties: &[u8]) -> Result<()> {
        let name = |label: &[u8]| {
            let id = label.try_into().map(u64::from_le_bytes);
            id.ok().and_then(|id| self.names.get(&id))
        };
        let (labels, _) = labels.as_chunks::<8>();
        for (at, label) in labels.iter().enumerate() {
            if labels.iter().take(at).any(|before| name(before) == name(label)) {
                let label = name(label).map_or("", |name| name);
                return Err(bytes.damaged(format!("a node has the label {label:?} twice")));
            }
        }
        match repeated_key(Cursor::new(properties))? {
            Some(key) => Err(bytes.damaged(format!("there is the key {key:?} twice"))),
            None => Ok(()),
        }
    }

    /// Reads a relationship's record: its id; its properties go to `out`.
    pub(super) fn relationship(&self, bytes: &mut Bytes, vectors: ItemVectors<'_>, out: &mut Vec<u8>) -> Result<i64> {
        bytes.marker(0x21, "a relationship")?;
        let id = bytes.gid()?;
        self.properties(bytes, &mut |names| vectors(id, names), out)?;
        Ok(id)
    }
}

/// A number that hardly any two relationships share.
fn mark(link: Link) -> u64 {
    let mut sum = 0_u64;
    for part in [link.id as u64, link.start as u64, link.end as u64, link.kind] {
        sum = (sum ^ part).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        sum ^= sum >> 29;
    }
    sum
}

/// Reads every record once and notes in the snapshot how far that goes.
pub(super) fn prove(snapshot: &mut Snapshot, meaning: &Meaning) {
    let mut extent = Extent { last_node: -1, last_relationship: -1, ..Extent::default() };
    let lookup = Lookup { names: &snapshot.names, meaning };
    let (mut out, mut node, mut balance) = (Vec::new(), Node::default(), 0_u64);
    let mut damage = Vec::new();
    let mut bytes = snapshot.file.from(snapshot.nodes.from);
    for _ in 0..snapshot.nodes.count {
        out.clear();
        let step = lookup.node(&mut bytes, &mut node, &mut |_, _| Ok(Some(Vec::new())), &mut out).and_then(|()| {
            lookup.prove_names(&bytes, &node.labels, &out)?;
            if node.id > extent.last_node { Ok(()) } else { Err(bytes.damaged("the ids of nodes do not ascend")) }
        });
        if let Err(error) = step {
            let left = snapshot.nodes.count - extent.nodes;
            damage.push(format!("{left} of {} nodes cannot be read: {}", snapshot.nodes.count, error.report()));
            break;
        }
        extent.nodes += 1;
        extent.last_node = node.id;
        extent.out += node.out.len() as u64;
        balance = balance.wrapping_add(node.balance);
    }
    if damage.is_empty() && balance != 0 {
        damage.push("the relationships that nodes have as starts are not those that nodes have as ends".to_owned());
    }
    if let Some(section) = snapshot.relationships {
        let mut bytes = snapshot.file.from(section.from);
        for _ in 0..section.count {
            out.clear();
            let step = lookup.relationship(&mut bytes, &mut |_, _| Ok(Some(Vec::new())), &mut out).and_then(|id| {
                lookup.prove_names(&bytes, &[], &out)?;
                let ascends = id > extent.last_relationship;
                if ascends { Ok(id) } else { Err(bytes.damaged("the ids of relationships do not ascend")) }
            });
            match step {
                Ok(id) => extent.last_relationship = id,
                Err(error) => {
                    let left = section.count - extent.relationships;
                    let report = error.report();
                    damage.push(format!("{left} of {} relationships cannot be read: {report}", section.count));
                    break;
                }
            }
            extent.relationships += 1;
        }
        if damage.is_empty() && extent.relationships != extent.out {
            damage.push(format!(
                "there are {} records of relationships and nodes have {}",
                extent.relationships, extent.out
            ));
        }
    }
    extent.is_whole = damage.is_empty();
    snapshot.extent = extent;
    snapshot.damage.extend(damage);
}
