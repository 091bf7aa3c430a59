//! What a graph is made of: counted in one pass, in memory that grows with the kinds of things and not with the things.
//!
//! Per label set, and per relationship type between two label sets: which properties, in which forms, how often. Beside that a map from node to label set
//! (8 to 16 bytes a node), and to find parallel relationships up to [`TRACKED`] fingerprints of 9 to 18 bytes.

use super::form::{FORMS, Form};
use crate::error::{Error, Result};
use crate::format::{Piece, only_for_its_target};
use crate::hugegraph::ID;
use crate::ids::IdMap;
use crate::model::packstream::{Cursor, ValueRef};
use crate::model::tally::sort_of_value;
use crate::model::{Block, Class, Item, Kind, Schema};
use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher as _};

/// So many fingerprints are kept; what is not proved by then to be free of parallels is taken to have some.
pub(super) const TRACKED: usize = 8 << 20;
/// So many label sets and types between label sets are taken: each becomes a label of HugeGraph.
const MOST_LABELS: usize = 65_536;
/// So many times a property of one of those.
const MOST_KEYS: usize = 262_144;
/// So many properties of a type are tried as sort keys.
const CANDIDATES: usize = 2;

/// Names to things, in the order in which they were found.
pub(super) type Names<T> = IndexMap<Box<str>, T, FxBuildHasher>;

/// How often a property has which form.
#[derive(Clone, Debug, Default)]
pub(super) struct Key {
    /// Values by form.
    pub(super) forms: [u64; FORMS],
    /// Some integer cannot be a float.
    pub(super) is_wide: bool,
}

/// The nodes of a label set.
#[derive(Clone, Debug, Default)]
pub(super) struct Set {
    /// The labels, in the order of the first node.
    pub(super) labels: Vec<String>,
    pub(super) count: u64,
    pub(super) keys: Names<Key>,
}

/// The relationships of a type between two label sets.
#[derive(Clone, Debug, Default)]
pub(super) struct Link {
    pub(super) name: String,
    /// Start and end, as indexes of [`Found::sets`].
    pub(super) ends: (u32, u32),
    pub(super) count: u64,
    pub(super) keys: Names<Key>,
    /// Those with the same ends as an earlier one.
    pub(super) parallel: u64,
    /// Whether that is all of them.
    pub(super) is_known: bool,
    /// Properties that all have, of a type that can be a sort key, and in which parallels differ.
    pub(super) candidates: Vec<Box<str>>,
}

/// What a graph is made of.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) sets: Vec<Set>,
    pub(super) links: Vec<Link>,
    /// The schema.
    pub(super) schema: Schema,
    /// Values that HugeGraph has no type for, by their type.
    pub(super) others: BTreeMap<String, u64>,
    /// Whether each node has a property [`ID`] that can be its id.
    pub(super) has_ids: bool,
    by_labels: FxHashMap<Vec<Box<str>>, u32>,
    types: IndexMap<Box<str>, (), FxBuildHasher>,
    by_link: FxHashMap<(usize, u32, u32), u32>,
    nodes: IdMap,
    ids: FxHashSet<u64>,
    pairs: FxHashSet<u64>,
    size: usize,
}

/// The labels without their order.
pub(super) fn sorted(kind: &Kind) -> Vec<Box<str>> {
    let mut labels = kind.names().to_vec();
    labels.sort_unstable();
    labels
}

fn fingerprint(what: impl std::hash::Hash) -> u64 {
    // SipHash with fixed keys: the same in every run.
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

impl Found {
    pub(super) fn new(schema: Schema) -> Self {
        Self { schema, has_ids: true, ..Self::default() }
    }

    /// Takes the next piece of the graph.
    ///
    /// # Errors
    /// It is damaged, or of more kinds than HugeGraph should have labels.
    pub(super) fn piece(&mut self, piece: Piece) -> Result<()> {
        match piece {
            Piece::Block(block) => match block.class() {
                Class::Nodes => self.nodes(&block),
                Class::Relationships => self.relationships(&block),
            },
            Piece::Object(object) => {
                self.schema.objects.push(object);
                Ok(())
            }
            Piece::Statement(statement) => {
                let error = Error::refused("a statement of unknown shape: nobody can say what graph it makes")
                    .hint("load the dump into its own database first, and take the graph from there");
                Err(if statement.line > 0 { error.at(crate::Position::line(statement.line)) } else { error })
            }
            Piece::Existing { .. } => Err(only_for_its_target()),
        }
    }

    /// How many nodes and relationships there are.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.sets.iter().map(|set| set.count).sum(), self.links.iter().map(|link| link.count).sum())
    }

    fn nodes(&mut self, block: &Block) -> Result<()> {
        let mut sets = Vec::with_capacity(block.kinds().len());
        for kind in block.kinds() {
            sets.push(self.set(kind)?);
        }
        for item in block.items() {
            let within = |error: Error| placed(error, block, item);
            let Some(set) = sets.get(item.kind as usize).copied() else { continue };
            if !self.nodes.reserve(item.id) {
                return Err(within(Error::corrupt(format!("node id {} occurs twice", item.id))));
            }
            self.nodes.bind(item.id, i64::from(set));
            let Some(found) = self.sets.get_mut(set as usize) else { continue };
            found.count += 1;
            self.size += count(&mut found.keys, block.cursor(item), &mut self.others).map_err(within)?;
            self.check_size().map_err(within)?;
            if self.has_ids {
                self.has_ids = has_id(block.cursor(item), &mut self.ids)?;
                if !self.has_ids {
                    self.ids = FxHashSet::default();
                }
            }
        }
        Ok(())
    }

    fn set(&mut self, kind: &Kind) -> Result<u32> {
        let labels = sorted(kind);
        if let Some(known) = self.by_labels.get(&labels) {
            return Ok(*known);
        }
        let new = self.sets.len() as u32;
        self.by_labels.insert(labels, new);
        let labels = kind.names().iter().map(|label| label.to_string()).collect();
        self.sets.push(Set { labels, ..Set::default() });
        self.check_size()?;
        Ok(new)
    }

    fn check_size(&self) -> Result<()> {
        let labels = self.sets.len() + self.links.len();
        if labels <= MOST_LABELS && self.size <= MOST_KEYS {
            return Ok(());
        }
        Err(Error::refused(format!(
            "the graph has {labels} sets of labels and types between them, with {} properties: HugeGraph needs a label for each, and takes {MOST_LABELS} with {MOST_KEYS}",
            self.size
        ))
        .hint("leave out labels and types with --exclude-label and --exclude-type"))
    }

    fn relationships(&mut self, block: &Block) -> Result<()> {
        let name = |kind: &Kind| self.types.insert_full(Box::from(kind.relationship_type()), ()).0;
        let types: Vec<usize> = block.kinds().iter().map(name).collect();
        for item in block.items() {
            let within = |error: Error| placed(error, block, item);
            let Some(name) = types.get(item.kind as usize) else { continue };
            let ends = (self.end(item.start).map_err(within)?, self.end(item.end).map_err(within)?);
            let at = self.link(*name, ends);
            let Some(link) = self.links.get_mut(at as usize) else { continue };
            let is_first = link.count == 0;
            link.count += 1;
            self.size += count(&mut link.keys, block.cursor(item), &mut self.others).map_err(within)?;
            self.track(at, item, block, is_first).map_err(within)?;
            self.check_size().map_err(within)?;
        }
        Ok(())
    }

    fn end(&self, node: i64) -> Result<u32> {
        let set = self.nodes.find(node).and_then(|set| u32::try_from(set).ok());
        set.ok_or_else(|| Error::corrupt(format!("a relationship refers to node {node}, which does not exist")))
    }

    fn link(&mut self, name: usize, ends: (u32, u32)) -> u32 {
        let Self { by_link, links, types, .. } = self;
        *by_link.entry((name, ends.0, ends.1)).or_insert_with(|| {
            let name = types.get_index(name).map_or("", |(name, ())| name).to_owned();
            links.push(Link { name, ends, is_known: true, ..Link::default() });
            (links.len() - 1) as u32
        })
    }

    /// Looks for parallel relationships, and for properties in which they differ.
    fn track(&mut self, at: u32, item: &Item, block: &Block, is_first: bool) -> Result<()> {
        let Self { pairs, links, .. } = self;
        let Some(link) = links.get_mut(at as usize) else { return Ok(()) };
        if !link.is_known {
            return Ok(());
        }
        if pairs.len() >= TRACKED {
            link.is_known = false;
            return Ok(());
        }
        link.parallel += u64::from(!pairs.insert(fingerprint((at, item.start, item.end))));
        if is_first {
            let mut cursor = block.cursor(item);
            for _ in 0..cursor.map()? {
                let (name, start) = (cursor.string()?, cursor);
                cursor.check()?;
                if link.candidates.len() < CANDIDATES && sortable(start)?.is_some() {
                    link.candidates.push(Box::from(name));
                }
            }
        }
        let mut values = [None; CANDIDATES];
        let mut cursor = block.cursor(item);
        for _ in 0..if link.candidates.is_empty() { 0 } else { cursor.map()? } {
            let (name, start) = (cursor.string()?, cursor);
            cursor.check()?;
            let place = link.candidates.iter().zip(&mut values).find(|(candidate, _)| ***candidate == *name);
            if let Some((_, value)) = place {
                *value = sortable(start)?;
            }
        }
        let mut values = values.iter();
        link.candidates.retain(|name| {
            let value = values.next().copied().flatten();
            value.is_some_and(|value| pairs.insert(fingerprint((at, item.start, item.end, name, value))))
        });
        Ok(())
    }
}

fn placed(error: Error, block: &Block, item: &Item) -> Error {
    match block.position(item) {
        Some(position) => error.at(position),
        None => error,
    }
}

/// Counts an item's properties; gives how many keys were new.
fn count(keys: &mut Names<Key>, mut cursor: Cursor<'_>, others: &mut BTreeMap<String, u64>) -> Result<usize> {
    let before = keys.len();
    for at in 0..cursor.map()? {
        let (name, start) = (cursor.string()?, cursor);
        let (form, is_wide) = Form::of(&mut cursor)?;
        // Items of a kind have their properties in one order as a rule.
        let known = keys.get_index_mut(at).filter(|(known, _)| ***known == *name).is_some();
        let key = match (known, keys.contains_key(name)) {
            (true, _) => keys.get_index_mut(at).map(|(_, key)| key),
            (false, true) => keys.get_mut(name),
            (false, false) => Some(keys.entry(Box::from(name)).or_default()),
        };
        if let Some(key) = key {
            key.forms[form as usize] += 1;
            key.is_wide |= is_wide;
        }
        if form == Form::Other {
            *others.entry(word(start)?).or_default() += 1;
        }
    }
    Ok(keys.len() - before)
}

/// The type of a value that HugeGraph has no type for, in the words of counts.
fn word(cursor: Cursor<'_>) -> Result<String> {
    let sort = sort_of_value(cursor)?;
    Ok(match sort.as_str() {
        "date-time" | "list of date-time" => {
            format!("{sort} beyond whole milliseconds in UTC between the years 1582 and 9999")
        }
        "float" | "list of float" => format!("{sort} that are NaN with bits of their own"),
        _ => sort,
    })
}

/// What parallels can be told apart by: an integer, or an instant.
fn sortable(mut cursor: Cursor<'_>) -> Result<Option<(i64, u32)>> {
    if !matches!(Form::of(&mut { cursor })?.0, Form::Integer | Form::Instant) {
        return Ok(None);
    }
    Ok(match cursor.value()? {
        ValueRef::Integer(number) => Some((number, u32::MAX)),
        ValueRef::DateTime(instant) => Some((instant.seconds, instant.nanoseconds)),
        _ => None,
    })
}

/// Whether a node has an id of its own that no other has: what came from HugeGraph has.
fn has_id(mut cursor: Cursor<'_>, ids: &mut FxHashSet<u64>) -> Result<bool> {
    for _ in 0..cursor.map()? {
        if cursor.string()? != ID {
            cursor.check()?;
            continue;
        }
        return Ok(match cursor.value()? {
            ValueRef::Integer(number) => ids.insert(fingerprint(number)),
            ValueRef::String(text) if !text.is_empty() && text.len() <= 16_384 => ids.insert(fingerprint(text)),
            _ => false,
        });
    }
    Ok(false)
}
