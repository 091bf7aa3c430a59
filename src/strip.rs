//! Values that a target or a format cannot hold: refused, or left out where `--allow-loss=value` says so.

use crate::error::{Error, Result};
use crate::model::tally::sort_of_value;
use crate::model::{Block, Capability, Cursor, Item, Loss, Point, ValueRef, packstream};

/// Looks for such values.
pub struct Strip {
    capability: Capability,
    allowed: bool,
}

impl Strip {
    /// For what a target or a format can hold. Without `allowed`, the first such value is an error.
    #[must_use]
    pub fn new(capability: &Capability, allowed: bool) -> Self {
        Self { capability: capability.clone(), allowed }
    }

    /// Nothing is looked for: a survey has shown that there is no such value, or the encoder refuses it by itself.
    #[must_use]
    pub fn nothing() -> Self {
        Self { capability: Capability::default(), allowed: false }
    }

    /// The name of the next value's type, as the capability has it: what is not finite may have one of its own.
    fn sort(&self, cursor: &Cursor<'_>) -> Result<String> {
        let sort = sort_of_value(*cursor)?;
        let special = format!("non-finite {sort}");
        if self.capability.refused_values.contains(&special) && !is_finite(&mut { *cursor })? {
            return Ok(special);
        }
        Ok(sort)
    }

    /// The block without values that cannot be held; counted as losses.
    ///
    /// # Errors
    /// There is one, and nobody allowed to lose it.
    pub fn apply(&self, block: Block, losses: &mut Vec<Loss>) -> Result<Block> {
        let capability = &self.capability;
        if capability.refused_values.is_empty() && capability.misfits.is_none() {
            return Ok(block);
        }
        without(block, |item, block, key, value| {
            let sort = self.sort(value)?;
            let why = match capability.refused_values.contains(&sort) {
                true => Some(format!("of type {sort}")),
                false => capability.misfit(block.class(), *value)?.map(str::to_owned),
            };
            let Some(why) = why else { return Ok(false) };
            if !self.allowed {
                let (noun, system) = (block.class().noun(), &capability.system);
                let is = if why.starts_with("of type ") { "it is" } else { "it is one of those" };
                let error = Error::refused(format!(
                    "{system} cannot hold the value of {key:?} of {noun} {}: {is} {why}",
                    item.id
                ));
                let error = error.hint("add --allow-loss=value to leave such properties out");
                return Err(match block.position(item) {
                    Some(position) => error.at(position),
                    None => error,
                });
            }
            note(losses, format!("values {why}"));
            Ok(true)
        })
    }
}

/// Whether no float in a value is NaN or infinite.
fn is_finite(cursor: &mut Cursor<'_>) -> Result<bool> {
    Ok(match cursor.value()? {
        ValueRef::Float(value) => value.is_finite(),
        ValueRef::Point(Point { x, y, z, .. }) => [x, y, z.unwrap_or(0.0)].iter().all(|part| part.is_finite()),
        ValueRef::List(size) => {
            for _ in 0..size {
                if !is_finite(cursor)? {
                    return Ok(false);
                }
            }
            true
        }
        _ => true,
    })
}

/// The block without values that `refusal` says something against, whatever their type; counted as losses by what it says.
///
/// # Errors
/// The block is not well formed.
pub fn leave_out(
    block: Block,
    refusal: impl Fn(&Cursor<'_>) -> Option<String>,
    losses: &mut Vec<Loss>,
) -> Result<Block> {
    without(block, |_, _, _, value| {
        let refused = refusal(value);
        let is_lost = refused.is_some();
        refused.into_iter().for_each(|why| note(losses, format!("values: {why}")));
        Ok(is_lost)
    })
}

/// The block without the properties that are lost.
fn without(block: Block, mut is_lost: impl FnMut(&Item, &Block, &str, &Cursor<'_>) -> Result<bool>) -> Result<Block> {
    let mut kept = Block::new(block.class());
    kept.set_first_line(block.first_line());
    for kind in block.kinds() {
        kept.add_kind(kind.clone());
    }
    let mut lost = false;
    for item in block.items() {
        let mut cursor = block.cursor(item);
        let size = cursor.map()?;
        let map = packstream::open_map(kept.buffer());
        let mut members = 0;
        for _ in 0..size {
            let key = cursor.string()?;
            let value = cursor;
            let raw = cursor.raw()?;
            if is_lost(item, &block, key, &value)? {
                lost = true;
                continue;
            }
            packstream::put_string(kept.buffer(), key);
            kept.buffer().extend_from_slice(raw);
            members += 1;
        }
        map.close(kept.buffer(), members);
        kept.push(item.id, item.start, item.end, item.kind, item.line);
    }
    Ok(if lost { kept } else { block })
}

/// So many different losses are told one by one.
const TOLD: usize = 64;

fn note(losses: &mut Vec<Loss>, what: String) {
    let what = match losses.iter().any(|loss| loss.what == what) || losses.len() < TOLD {
        true => what,
        false => "other values".to_owned(),
    };
    match losses.iter_mut().find(|loss| loss.what == what) {
        Some(loss) => loss.count += 1,
        None => losses.push(Loss { kind: "value", what, count: 1 }),
    }
}
