//! Ids that are given by whoever writes, one space for all labels: a node of the dump must not have the id of another vertex, for it would take its place.
//!
//! Only HugeGraph has such ids. Its server replaces without a word, so that this is found before the first write.

use super::identity::{Hash, Hasher, Identity};
use crate::backend::Target;
use crate::error::Result;
use crate::hugegraph::schema::IdStrategy;
use crate::hugegraph::{Definitions, ID};
use crate::model::packstream::put_value;
use crate::model::{Block, Cursor, Schema, ValueRef, change, json};

/// Ids of the dump's nodes.
#[derive(Default)]
pub(super) struct Ids {
    definitions: Definitions,
    hasher: Hasher,
    all: Vec<(Hash, i64)>,
}

/// An id that two have: the node of the dump, and what is to be said.
pub(super) type Taken = (i64, String);

impl Ids {
    /// Of a dump with this schema.
    pub(super) fn new(schema: &Schema) -> Result<Self> {
        let mut definitions = Definitions::default();
        for object in &schema.objects {
            definitions.add(object)?;
        }
        Ok(Self { definitions, ..Self::default() })
    }

    /// Notes the ids of a block of nodes.
    pub(super) fn add(&mut self, block: &Block) -> Result<()> {
        for item in block.items() {
            let [label] = block.kind(item).names() else { continue };
            let strategy = self.definitions.vertex_labels.get(&**label).map(|label| label.strategy());
            // The others follow from properties, or are given anew.
            let is_uuid = match strategy {
                Some(IdStrategy::CustomizeUuid) => true,
                Some(IdStrategy::CustomizeNumber | IdStrategy::CustomizeString) => false,
                _ => continue,
            };
            let Some(id) = change::property(block.properties(item), ID)? else { continue };
            if let Some(hash) = hash(&mut self.hasher, id, is_uuid)? {
                self.all.push((hash, item.id));
            }
        }
        Ok(())
    }

    /// Looks for them in the target, and among each other.
    pub(super) fn taken(
        mut self,
        target: &mut dyn Target,
        identity: &Identity,
        sink: &mut dyn FnMut(Taken),
    ) -> Result<()> {
        self.all.sort_unstable();
        for pair in self.all.windows(2) {
            if let [(first, old), (second, other)] = pair
                && first == second
                && identity.of(*other).is_none()
            {
                sink((*other, format!("node {other} has the same id as node {old} of the dump")));
            }
        }
        let Self { hasher, all, .. } = &mut self;
        target.look_at_ids(&mut |seen| {
            let mut cursor = Cursor::new(seen.values);
            let id = cursor.raw()?;
            let is_uuid = matches!(cursor.value()?, ValueRef::Boolean(true));
            let label = cursor.string()?;
            let Some(hash) = hash(hasher, id, is_uuid)? else { return Ok(()) };
            let from = all.partition_point(|(known, _)| *known < hash);
            for (_, old) in all.iter().skip(from).take_while(|(known, _)| *known == hash) {
                if identity.of(*old).is_none() {
                    let mut text = Vec::new();
                    json::write(&mut Cursor::new(id), &mut text)?;
                    let text: String = String::from_utf8_lossy(&text).chars().take(120).collect();
                    sink((
                        *old,
                        format!(
                            "node {old} has the id {text}, which a vertex of the label {label:?} in the target has"
                        ),
                    ));
                }
            }
            Ok(())
        })
    }
}

fn hash(hasher: &mut Hasher, id: &[u8], is_uuid: bool) -> Result<Option<Hash>> {
    let mut values = id.to_vec();
    put_value(&mut values, &ValueRef::Boolean(is_uuid));
    hasher.of_values(&values)
}
