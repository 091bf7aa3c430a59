//! What one target cannot hold of the items that pass by. What was asked once of a name or of a type of value is remembered.

use super::Kind;
use crate::error::Result;
use crate::model::shown::shown;
use crate::model::tally::{SortNames, sort_names, sort_text};
use crate::model::{Block, Capability, Item, Schema, SchemaObject};
use rustc_hash::FxHashMap;

/// One target.
pub(super) struct Held<'a> {
    capability: &'a Capability,
    /// Whether values of a type are refused.
    sorts: FxHashMap<SortNames, bool>,
    /// Why a property key is refused.
    keys: FxHashMap<Box<str>, Option<&'static str>>,
}

/// Takes a finding: what, where, and what to say of it.
pub(super) type Note<'n> = dyn FnMut(Kind, (usize, &Item), &dyn Fn() -> String) + 'n;

impl<'a> Held<'a> {
    pub(super) fn new(capability: &'a Capability) -> Self {
        Self { capability, sorts: FxHashMap::default(), keys: FxHashMap::default() }
    }

    /// Why an object of the schema cannot be held.
    pub(super) fn object(&self, object: &SchemaObject) -> Option<String> {
        let losses = self.capability.schema_losses(&Schema { objects: vec![object.clone()] });
        losses.first().map(|loss| format!("{} cannot hold the {}", self.capability.system, loss.what))
    }

    /// Looks at the names and values of a block's items.
    pub(super) fn block(&mut self, block: &Block, note: &mut Note<'_>) -> Result<()> {
        let Self { capability, sorts, keys } = self;
        let (system, names, misfits) = (&capability.system, capability.refused_names, capability.misfits.is_some());
        if names.is_none() && !misfits && capability.items.is_none() && capability.refused_values.is_empty() {
            return Ok(());
        }
        let noun = block.class().noun();
        let bad_kinds: Vec<_> =
            block.kinds().iter().map(|kind| kind.names().iter().find_map(|name| Some((name, names?(name)?)))).collect();
        for (at, item) in block.items().iter().enumerate() {
            let place = (at, item);
            if let Some((name, why)) = bad_kinds.get(item.kind as usize).copied().flatten() {
                let message = || {
                    format!(
                        "{system} cannot hold the name {} of {noun} {}: it is one of those {why}",
                        shown(name),
                        item.id
                    )
                };
                note(Kind::Name, place, &message);
            }
            if let Some(why) = capability.items.as_ref().and_then(|items| items.against(block, item)) {
                let message = || format!("{system} cannot hold {noun} {}: {why}", item.id);
                note(Kind::Item, place, &message);
            }
            let mut cursor = block.cursor(item);
            for _ in 0..cursor.map()? {
                let key = cursor.string()?;
                if let Some(refusal) = names {
                    let why = match keys.get(key) {
                        Some(why) => *why,
                        None => *keys.entry(key.into()).or_insert(refusal(key)),
                    };
                    if let Some(why) = why {
                        let message = || {
                            format!(
                                "{system} cannot hold the property key {} of {noun} {}: it is one of those {why}",
                                shown(key),
                                item.id
                            )
                        };
                        note(Kind::Name, place, &message);
                    }
                }
                let sort = sort_names(&mut cursor.clone())?;
                let refused = *sorts
                    .entry(sort)
                    .or_insert_with(|| capability.refused_values.iter().any(|refused| *refused == sort_text(sort)));
                let why = match refused {
                    true => Some(format!("of type {}", sort_text(sort))),
                    false if misfits => {
                        capability.misfit(block.class(), cursor)?.map(|why| format!("one of those {why}"))
                    }
                    false => None,
                };
                if let Some(why) = why {
                    let message = || {
                        format!("{system} cannot hold the value of {} of {noun} {}: it is {why}", shown(key), item.id)
                    };
                    note(Kind::Value, place, &message);
                }
                cursor.check()?;
            }
        }
        Ok(())
    }
}
