//! Ids that are given by whoever writes, one space for all labels: a node of the dump must not have the id of another vertex, for it would take its place.
//!
//! Only HugeGraph has such ids. Its server replaces without a word, so that this is found before the first write.

use super::identity::{Hash, Hasher, Identity};
use crate::backend::Target;
use crate::error::Result;
use crate::hugegraph::schema::IdStrategy;
use crate::hugegraph::{Definitions, ID, key};
use crate::model::packstream::put_value;
use crate::model::{Block, Cursor, Schema, ValueRef, change, json};

/// Ids of the dump's nodes.
pub(super) struct Ids {
    definitions: Definitions,
    target: Definitions,
    hasher: Hasher,
    all: Vec<(Hash, i64)>,
    /// The greatest number of a vertex label in the target.
    last: i64,
    /// Primary keys of labels that the target will get: their ids begin with a number above that.
    unnumbered: Vec<(Hash, i64)>,
    /// Nodes whose text looks like an id of such a label, by what is behind the number.
    alike: Vec<(Hash, i64)>,
}

/// An id that two have: the node of the dump, and what is to be said.
pub(super) type Taken = (i64, String);

impl Ids {
    /// Of a dump with this schema, on its way into a target with another.
    pub(super) fn new(schema: &Schema, target: &Schema) -> Result<Self> {
        let read = |schema: &Schema| {
            let mut definitions = Definitions::default();
            for object in &schema.objects {
                definitions.add(object)?;
            }
            Ok(definitions)
        };
        let (definitions, target) = (read(schema)?, read(target)?);
        let last = target.vertex_labels.values().filter_map(|label| label.id).max().unwrap_or_default();
        let (hasher, all, unnumbered, alike) = Default::default();
        Ok(Self { definitions, target, hasher, all, last, unnumbered, alike })
    }

    /// Notes the ids of a block of nodes.
    pub(super) fn add(&mut self, block: &Block) -> Result<()> {
        for item in block.items() {
            let [name] = block.kind(item).names() else { continue };
            let Some(label) = self.definitions.vertex_labels.get(&**name) else { continue };
            let id = match label.strategy() {
                // They are given anew.
                IdStrategy::Automatic | IdStrategy::Default => continue,
                IdStrategy::PrimaryKey => {
                    let values = key::values(&self.definitions, &label.primary_keys, block.cursor(item))?;
                    let Some(values) = values else { continue };
                    match self.target.vertex_labels.get(&**name).and_then(|label| label.id) {
                        Some(number) => key::vertex_id(number, &values),
                        None => {
                            let hash = self.hasher.of_values(&text(&key::vertex_id(0, &values)))?;
                            self.unnumbered.extend(hash.map(|hash| (hash, item.id)));
                            continue;
                        }
                    }
                }
                strategy => {
                    let Some(id) = change::property(block.properties(item), ID)? else { continue };
                    let is_uuid = strategy == IdStrategy::CustomizeUuid;
                    let hash = hash(&mut self.hasher, id, is_uuid)?;
                    self.all.extend(hash.map(|hash| (hash, item.id)));
                    if let Some(hash) = self.unnumbered(id, is_uuid)? {
                        self.alike.push((hash, item.id));
                    }
                    continue;
                }
            };
            let hash = hash(&mut self.hasher, &text(&id), false)?;
            self.all.extend(hash.map(|hash| (hash, item.id)));
        }
        Ok(())
    }

    /// What a text would be as the id of a label that the target does not have yet.
    fn unnumbered(&mut self, id: &[u8], is_uuid: bool) -> Result<Option<Hash>> {
        let ValueRef::String(id) = Cursor::new(id).value()? else { return Ok(None) };
        let Some((number, rest)) = id.split_once(':') else { return Ok(None) };
        match number.parse::<i64>() {
            Ok(number) if number > self.last && !is_uuid => self.hasher.of_values(&text(&format!("0:{rest}"))),
            _ => Ok(None),
        }
    }

    /// Looks for them in the target, and among each other.
    pub(super) fn taken(
        mut self,
        target: &mut dyn Target,
        identity: &Identity,
        sink: &mut dyn FnMut(Taken),
    ) -> Result<()> {
        self.all.sort_unstable();
        self.unnumbered.sort_unstable();
        for group in self.all.chunk_by(|(one, _), (other, _)| one == other) {
            // What was recognised goes where the one goes that it is.
            let mut new = group.iter().filter(|(_, old)| identity.of(*old).is_none());
            let Some((_, first)) = new.next() else { continue };
            for (_, other) in new {
                sink((*other, format!("node {other} has the same id as node {first} of the dump")));
            }
        }
        for (hash, other) in std::mem::take(&mut self.alike) {
            for old in with_hash(&self.unnumbered, hash) {
                sink((old, format!("node {old} may get the id that node {other} of the dump has, {}", self.number())));
            }
        }
        target.look_at_ids(&mut |seen| {
            let mut cursor = Cursor::new(seen.values);
            let id = cursor.raw()?;
            let is_uuid = matches!(cursor.value()?, ValueRef::Boolean(true));
            let label = cursor.string()?;
            let shown = || {
                let mut text = Vec::new();
                json::write(&mut Cursor::new(id), &mut text)?;
                Ok::<_, crate::error::Error>(String::from_utf8_lossy(&text).chars().take(120).collect::<String>())
            };
            let Some(hash) = hash(&mut self.hasher, id, is_uuid)? else { return Ok(()) };
            for old in with_hash(&self.all, hash).filter(|old| identity.of(*old).is_none()) {
                let id = shown()?;
                sink((old, format!("node {old} has the id {id}, which a vertex of the label {label:?} in the target has")));
            }
            if let Some(hash) = self.unnumbered(id, is_uuid)? {
                for old in with_hash(&self.unnumbered, hash) {
                    let (id, number) = (shown()?, self.number());
                    sink((old, format!("node {old} may get the id {id}, which a vertex of the label {label:?} in the target has, {number}")));
                }
            }
            Ok(())
        })
    }

    fn number(&self) -> String {
        format!(
            "once its label has a number above {}: make the label in the target beforehand, then it is known which",
            self.last
        )
    }
}

fn with_hash(all: &[(Hash, i64)], hash: Hash) -> impl Iterator<Item = i64> {
    let from = all.partition_point(|(known, _)| *known < hash);
    all.iter().skip(from).take_while(move |(known, _)| *known == hash).map(|(_, old)| *old)
}

fn text(text: &str) -> Vec<u8> {
    let mut value = Vec::new();
    put_value(&mut value, &ValueRef::String(text));
    value
}

fn hash(hasher: &mut Hasher, id: &[u8], is_uuid: bool) -> Result<Option<Hash>> {
    let mut values = id.to_vec();
    put_value(&mut values, &ValueRef::Boolean(is_uuid));
    hasher.of_values(&values)
}
