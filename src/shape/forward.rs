//! A graph on its way into HugeGraph's shape.

use super::form::Form;
use super::found::sorted;
use super::labels::{SetRule, takes_numbers};
use super::mapping::Mapping;
use crate::backend::Names;
use crate::error::{Error, Result};
use crate::feed::{End, Feed};
use crate::format::{Piece, only_for_its_target};
use crate::hugegraph::ID;
use crate::hugegraph::schema::IdStrategy;
use crate::ids::IdMap;
use crate::model::packstream::{self, Cursor, ValueRef};
use crate::model::{Block, Class, Header, Item, Kind, Schema};
use rustc_hash::{FxHashMap, FxHashSet};
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;

/// A feed whose graph gets HugeGraph's shape: each node one label, each property a key of one type, each type two labels at its ends. Its schema is known before
/// the data. Needs 8 to 16 bytes a node.
pub struct Forward<'a> {
    feed: Box<dyn Feed + 'a>,
    mapping: Arc<Mapping>,
    schema: Schema,
    names: Names,
}

impl<'a> Forward<'a> {
    /// The graph of `feed`, of which `mapping` was inferred, as HugeGraph takes it.
    #[must_use]
    pub fn new(feed: Box<dyn Feed + 'a>, mapping: Arc<Mapping>) -> Self {
        let schema = mapping.objects();
        let all = &mapping.definitions;
        let names = Names {
            labels: all.vertex_labels.keys().chain(all.edge_labels.keys()).cloned().collect(),
            properties: all.property_keys.keys().cloned().chain([ID.to_owned()]).collect(),
        };
        Self { feed, mapping, schema, names }
    }
}

impl Feed for Forward<'_> {
    fn header(&self) -> &Header {
        self.feed.header()
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn names(&self) -> Option<&Names> {
        Some(&self.names)
    }

    fn estimate(&self) -> Option<(u64, u64)> {
        Some(self.mapping.counts).filter(|_| !self.mapping.is_identity).or_else(|| self.feed.estimate())
    }

    fn name(&self) -> Option<&str> {
        self.feed.name()
    }

    fn run(&mut self, sink: &mut dyn FnMut(Piece) -> Result<()>) -> Result<End> {
        let mut shaping = Shaping::new(&self.mapping);
        self.feed.run(&mut |piece| match piece {
            // They are known already.
            Piece::Object(_) => Ok(()),
            Piece::Block(block) if !shaping.mapping.is_identity => shaping.block(&block, sink),
            piece @ (Piece::Block(_) | Piece::Statement(_)) => sink(piece),
            Piece::Existing { .. } => Err(only_for_its_target()),
        })
    }
}

/// The transformation of one reading.
struct Shaping<'a> {
    mapping: &'a Mapping,
    by_labels: FxHashMap<Vec<Box<str>>, u32>,
    by_link: FxHashMap<(&'a str, u32, u32), u32>,
    /// The label set of each node.
    nodes: IdMap,
    /// Ids that occurred, where nobody has proved that they are different.
    ids: Option<FxHashSet<u64>>,
    /// Relationships that occurred, of labels of which some have the same id.
    pairs: FxHashSet<u64>,
    scratch: Vec<u8>,
}

fn fingerprint(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

fn changed(what: &str) -> Error {
    Error::failed(format!("{what}, which was not there when the graph was looked at: it has changed since"))
}

/// What is wrong with a property.
fn within(error: Error, key: &str) -> Error {
    let message = format!("the property {key:?}: {}", error.message());
    let new = if error.kind() == crate::ErrorKind::Refused { Error::refused(message) } else { Error::corrupt(message) };
    new.caused_by(error)
}

impl<'a> Shaping<'a> {
    fn new(mapping: &'a Mapping) -> Self {
        let sorted = |set: &SetRule| {
            let mut labels: Vec<Box<str>> = set.of.iter().map(|label| label.as_str().into()).collect();
            labels.sort_unstable();
            labels
        };
        let unproved = |set: &SetRule| match (&set.id, set.strategy) {
            (_, IdStrategy::PrimaryKey) => true,
            (Some(id), _) => id != ID,
            (None, _) => false,
        };
        Self {
            mapping,
            by_labels: mapping.sets.iter().map(sorted).zip(0..).collect(),
            by_link: mapping
                .links
                .iter()
                .zip(0..)
                .map(|(link, at)| ((link.of.as_str(), link.ends.0, link.ends.1), at))
                .collect(),
            nodes: IdMap::default(),
            ids: mapping.sets.iter().any(unproved).then(FxHashSet::default),
            pairs: FxHashSet::default(),
            scratch: Vec::new(),
        }
    }

    fn block(&mut self, block: &Block, sink: &mut dyn FnMut(Piece) -> Result<()>) -> Result<()> {
        let mut out = match block.class() {
            Class::Nodes => self.nodes(block, sink)?,
            Class::Relationships => self.relationships(block, sink)?,
        };
        flush(&mut out, sink)
    }

    fn nodes(&mut self, block: &Block, sink: &mut dyn FnMut(Piece) -> Result<()>) -> Result<Block> {
        let mut sets = Vec::with_capacity(block.kinds().len());
        for kind in block.kinds() {
            sets.push(self.by_labels.get(&sorted(kind)).copied());
        }
        let mut out = begun(block);
        for item in block.items() {
            let placed = |error: Error| place(error, block, item);
            let set = sets.get(item.kind as usize).copied().flatten();
            let rule = set.and_then(|set| self.mapping.sets.get(set as usize));
            let (Some(set), Some(rule)) = (set, rule) else {
                return Err(placed(changed(&format!("the label set {:?} occurs", block.kind(item).names()))));
            };
            if !self.nodes.reserve(item.id) {
                return Err(placed(Error::corrupt(format!("node id {} occurs twice", item.id))));
            }
            self.nodes.bind(item.id, i64::from(set));
            self.node(block, item, rule, &mut out).map_err(placed)?;
            if out.is_full() {
                flush(&mut out, sink)?;
            }
        }
        Ok(out)
    }

    fn node(&mut self, block: &Block, item: &Item, rule: &SetRule, out: &mut Block) -> Result<()> {
        let has_id = rule.strategy != IdStrategy::PrimaryKey;
        let buffer = out.buffer();
        let open = packstream::open_map(buffer);
        let mut size = 0;
        if has_id {
            packstream::put_string(buffer, ID);
            self.id(block.cursor(item), item, rule, buffer)?;
            size += 1;
        }
        let moved = self.mapping.keeps_ids.then_some(ID);
        size += self.properties(block.cursor(item), moved, buffer)?;
        open.close(buffer, size);
        let kind = out.intern(&Kind::labels([&rule.name]));
        if !has_id && self.ids.is_some() {
            self.primary_keys(rule, block.cursor(item))?;
        }
        out.push(item.id, 0, 0, kind, item.line);
        Ok(())
    }

    /// Writes the id that a node gets.
    fn id(&mut self, mut cursor: Cursor<'_>, item: &Item, rule: &SetRule, out: &mut Vec<u8>) -> Result<()> {
        let twice = |id: &dyn std::fmt::Display| {
            Error::refused(format!("the id {id} comes twice: the mapping takes it from properties that are not unique"))
        };
        let Some(property) = &rule.id else {
            packstream::put_integer(out, item.id);
            let is_new = self.ids.as_mut().is_none_or(|ids| ids.insert(fingerprint(item.id)));
            return if is_new { Ok(()) } else { Err(twice(&item.id)) };
        };
        for _ in 0..cursor.map()? {
            if cursor.string()? != property {
                cursor.check()?;
                continue;
            }
            let value = cursor.value()?;
            let (is_new, shown): (bool, &dyn std::fmt::Display) = match &value {
                ValueRef::Integer(number) if takes_numbers(rule.strategy) => {
                    (self.ids.as_mut().is_none_or(|ids| ids.insert(fingerprint(number))), number)
                }
                ValueRef::String(text) if !takes_numbers(rule.strategy) => {
                    if text.is_empty() || text.len() > 16_384 {
                        return Err(Error::refused("an id has 1 to 16384 bytes"));
                    }
                    (self.ids.as_mut().is_none_or(|ids| ids.insert(fingerprint(text))), text)
                }
                _ => return Err(changed("an id of another type occurs")),
            };
            if !is_new {
                return Err(twice(shown));
            }
            packstream::put_value(out, &value);
            return Ok(());
        }
        Err(changed("a node without an id occurs"))
    }

    /// Proves that no other node has the same primary keys.
    fn primary_keys(&mut self, rule: &SetRule, mut cursor: Cursor<'_>) -> Result<()> {
        let mut values = vec![None; rule.primary_keys.len()];
        for _ in 0..cursor.map()? {
            let (name, start) = (cursor.string()?, cursor);
            let form = Form::of(&mut cursor)?.0;
            let Some((key, way)) = self.mapping.keys.way(name, form) else { continue };
            let place = rule.primary_keys.iter().zip(&mut values).find(|(primary, _)| **primary == key.name);
            if let Some((_, value)) = place {
                way.put(&mut { start }, &mut self.scratch, value.insert(Vec::new()))?;
            }
        }
        if self.ids.as_mut().is_none_or(|ids| ids.insert(fingerprint((&rule.name, &values)))) {
            return Ok(());
        }
        Err(Error::refused(format!("two nodes of {:?} have the same primary keys {:?}", rule.name, rule.primary_keys)))
    }

    /// Writes an item's properties with the keys that they get; gives how many.
    fn properties(&mut self, mut cursor: Cursor<'_>, moved: Option<&str>, out: &mut Vec<u8>) -> Result<usize> {
        let mut count = 0;
        for _ in 0..cursor.map()? {
            let (name, start) = (cursor.string()?, cursor);
            let form = Form::of(&mut cursor)?.0;
            if moved == Some(name) {
                continue;
            }
            let Some((key, way)) = self.mapping.keys.way(name, form) else {
                return Err(changed(&format!("a value of {name:?} that is {} occurs", form.name())));
            };
            packstream::put_string(out, &key.name);
            way.put(&mut { start }, &mut self.scratch, out).map_err(|error| within(error, name))?;
            count += 1;
        }
        Ok(count)
    }

    fn relationships(&mut self, block: &Block, sink: &mut dyn FnMut(Piece) -> Result<()>) -> Result<Block> {
        let mut out = begun(block);
        for item in block.items() {
            let placed = |error: Error| place(error, block, item);
            self.relationship(block, item, &mut out).map_err(placed)?;
            if out.is_full() {
                flush(&mut out, sink)?;
            }
        }
        Ok(out)
    }

    fn relationship(&mut self, block: &Block, item: &Item, out: &mut Block) -> Result<()> {
        let set = |node: i64| {
            let set = self.nodes.find(node).and_then(|set| u32::try_from(set).ok());
            set.ok_or_else(|| Error::corrupt(format!("a relationship refers to node {node}, which does not exist")))
        };
        let of = block.kind(item).relationship_type();
        let at = self.by_link.get(&(of, set(item.start)?, set(item.end)?));
        let Some(rule) = at.and_then(|at| self.mapping.links.get(*at as usize)) else {
            return Err(changed(&format!("a relationship of type {of:?} between such nodes occurs")));
        };
        let is_proved = rule.number.is_some() || (!rule.is_shared && !rule.is_asked && rule.parallel == 0);
        if !is_proved {
            let mut key = fingerprint((&rule.name, item.start, item.end));
            for sort_key in &rule.sort_keys {
                key = fingerprint((key, self.sort_value(sort_key, block.cursor(item))?));
            }
            if !self.pairs.insert(key) {
                // The plan has told of those, and somebody allowed it.
                if rule.parallel > 0 {
                    return Ok(());
                }
                return Err(Error::refused(format!(
                    "two relationships of {:?} from node {} to node {} have the same sort keys {:?}",
                    rule.name, item.start, item.end, rule.sort_keys
                )));
            }
        }
        let buffer = out.buffer();
        let open = packstream::open_map(buffer);
        let mut size = self.properties(block.cursor(item), None, buffer)?;
        if let Some(number) = &rule.number {
            packstream::put_string(buffer, number);
            packstream::put_integer(buffer, item.id);
            size += 1;
        }
        open.close(buffer, size);
        let kind = out.intern(&Kind::relationship(&rule.name));
        out.push(item.id, item.start, item.end, kind, item.line);
        Ok(())
    }

    /// The value of a sort key, as it is written.
    fn sort_value(&mut self, sort_key: &str, mut cursor: Cursor<'_>) -> Result<Vec<u8>> {
        for _ in 0..cursor.map()? {
            let (name, start) = (cursor.string()?, cursor);
            let form = Form::of(&mut cursor)?.0;
            if let Some((_, way)) = self.mapping.keys.way(name, form).filter(|(key, _)| key.name == sort_key) {
                let mut out = Vec::new();
                way.put(&mut { start }, &mut self.scratch, &mut out)?;
                return Ok(out);
            }
        }
        Err(changed(&format!("a relationship without the sort key {sort_key:?} occurs")))
    }
}

/// An empty block for what comes of another one.
fn begun(block: &Block) -> Block {
    let mut out = Block::new(block.class());
    out.set_first_line(block.first_line());
    out
}

fn flush(out: &mut Block, sink: &mut dyn FnMut(Piece) -> Result<()>) -> Result<()> {
    let next = begun(out);
    let full = std::mem::replace(out, next);
    if full.is_empty() { Ok(()) } else { sink(Piece::Block(full)) }
}

fn place(error: Error, block: &Block, item: &Item) -> Error {
    match block.position(item) {
        Some(position) => error.at(position),
        None => error,
    }
}
