//! A graph read once: 48 bytes an item.

use super::By;
use super::identity::{Key, of_node};
use crate::error::{Error, Result};
use crate::feed::{Feed, pump};
use crate::format::{Piece, only_for_its_target};
use crate::ids::IdMap;
use crate::model::content::Content;
use crate::model::shown::{shown, shown_all};
use crate::model::{Block, Class, Schema};
use crate::observe::{Event, Watch};
use rustc_hash::FxHashMap;

/// An item: who it is and what it says, as hashes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    /// While it is read: a node's key, 0 without one; a relationship's two ends, as places of nodes. Then who it is.
    pub(super) identity: u128,
    /// What it says. A relationship's has the identities of its ends in it once those are known.
    pub(super) content: u128,
    pub(super) id: i64,
    pub(super) kind: u32,
}

/// What is kept of a graph.
#[derive(Default)]
pub struct Graph {
    pub(super) nodes: Vec<Record>,
    relationships: Vec<Record>,
    kinds: [Vec<String>; 2],
    /// The hash of each type, since its number is another one in another graph.
    types: Vec<u128>,
    places: IdMap,
    pub(super) schema: Schema,
    pub(super) statements: u64,
}

impl Graph {
    /// The place of a node.
    pub(super) fn place(&self, id: i64) -> Option<usize> {
        self.places.find(id).and_then(|place| usize::try_from(place).ok())
    }

    pub(super) fn records(&self, class: Class) -> &[Record] {
        match class {
            Class::Nodes => &self.nodes,
            Class::Relationships => &self.relationships,
        }
    }

    /// The name of a kind, for people.
    pub(super) fn kind(&self, class: Class, kind: u32) -> String {
        let kinds = self.kinds.get(class as usize).and_then(|kinds| kinds.get(kind as usize));
        kinds.cloned().unwrap_or_default()
    }

    /// The same graph with everybody's identity settled, sorted by it.
    pub(super) fn identified(mut self, by: &By) -> Self {
        for node in &mut self.nodes {
            node.identity = match by {
                By::Id => u128::from(node.id as u64),
                By::Key(_) if node.identity != 0 => node.identity,
                By::Key(_) | By::Content => node.content,
            };
        }
        let (nodes, types) = (&self.nodes, &self.types);
        let who = |place: u64| nodes.get(place as usize).map_or(0, |node| node.identity);
        for record in &mut self.relationships {
            let (start, end) = (who((record.identity >> 64) as u64), who(record.identity as u64));
            record.content = join(&[record.content, start, end]);
            record.identity = match by {
                By::Id => u128::from(record.id as u64),
                By::Key(_) => join(&[types.get(record.kind as usize).copied().unwrap_or(0), start, end]),
                By::Content => record.content,
            };
        }
        self.places = IdMap::default();
        for records in [&mut self.nodes, &mut self.relationships] {
            records.sort_unstable_by_key(|record| (record.identity, record.content, record.id));
        }
        self
    }
}

/// Three hashes as one.
fn join(parts: &[u128; 3]) -> u128 {
    let mut bytes = [0; 48];
    for (to, part) in bytes.chunks_exact_mut(16).zip(parts) {
        to.copy_from_slice(&part.to_le_bytes());
    }
    let mut low = [0; 16];
    low.copy_from_slice(blake3::hash(&bytes).as_bytes().split_at(16).0);
    u128::from_le_bytes(low)
}

pub(super) fn read(feed: &mut dyn Feed, keys: &[Key], watch: Watch<'_>) -> Result<Graph> {
    let mut look = Look { graph: Graph { schema: feed.schema().clone(), ..Graph::default() }, ..Look::default() };
    let ((), end) = pump(feed, watch, |pieces| {
        for piece in pieces {
            match piece {
                Piece::Block(block) => look.block(&block, keys)?,
                Piece::Object(object) => look.graph.schema.objects.push(object),
                Piece::Statement(_) => look.graph.statements += 1,
                Piece::Existing { .. } => return Err(only_for_its_target()),
            }
        }
        Ok(())
    })?;
    if end.changed == Some(true) {
        watch.tell(&Event::Warning("the database changed while it was read: what was compared is a mixture"));
    }
    Ok(look.graph)
}

#[derive(Default)]
struct Look {
    graph: Graph,
    numbers: [FxHashMap<Vec<String>, u32>; 2],
    content: Content,
}

impl Look {
    fn number(&mut self, class: Class, names: &[String]) -> Result<u32> {
        let (Some(numbers), Some(kinds)) =
            (self.numbers.get_mut(class as usize), self.graph.kinds.get_mut(class as usize))
        else {
            return Ok(0);
        };
        if let Some(number) = numbers.get(names) {
            return Ok(*number);
        }
        let number = kinds.len() as u32;
        kinds.push(match class {
            Class::Nodes if names.is_empty() => "no label".to_owned(),
            Class::Nodes => format!(":{}", shown_all(names, ":")),
            Class::Relationships => shown(&names.concat()).into_owned(),
        });
        if class == Class::Relationships {
            // An empty map: a kind alone is hashed like an item that says nothing else.
            self.graph.types.push(self.content.hash(names, &[0xA0], &[])?);
        }
        numbers.insert(names.to_vec(), number);
        Ok(number)
    }

    fn block(&mut self, block: &Block, keys: &[Key]) -> Result<()> {
        let mut kinds = Vec::with_capacity(block.kinds().len());
        for kind in block.kinds() {
            let mut names: Vec<String> = kind.names().iter().map(|name| name.to_string()).collect();
            names.sort_unstable();
            names.dedup();
            kinds.push((self.number(block.class(), &names)?, names));
        }
        for item in block.items() {
            let Some((kind, names)) = kinds.get(item.kind as usize) else { continue };
            let at = |error: Error| match block.position(item) {
                Some(position) => error.at(position),
                None => error,
            };
            let content = self.content.hash(names, block.properties(item), &[])?;
            let mut record = Record { identity: 0, content, id: item.id, kind: *kind };
            let graph = &mut self.graph;
            match block.class() {
                Class::Nodes => {
                    if !graph.places.reserve(item.id) {
                        return Err(at(Error::corrupt(format!("node id {} occurs twice", item.id))));
                    }
                    graph.places.bind(item.id, graph.nodes.len() as i64);
                    if !keys.is_empty() {
                        record.identity = of_node(keys, names, block.properties(item), &mut self.content)?.unwrap_or(0);
                    }
                    graph.nodes.push(record);
                }
                Class::Relationships => {
                    let place = |id| {
                        let missing = || format!("a relationship refers to node {id}, which does not exist");
                        graph.place(id).ok_or_else(|| at(Error::corrupt(missing())))
                    };
                    record.identity = (place(item.start)? as u128) << 64 | place(item.end)? as u128;
                    graph.relationships.push(record);
                }
            }
        }
        Ok(())
    }
}
