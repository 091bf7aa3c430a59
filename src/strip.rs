//! Values that a target or a format cannot hold: refused, or left out where `--allow-loss=value` says so.

use crate::error::{Error, Result};
use crate::model::tally::sort_of_value;
use crate::model::{Block, Capability, Loss, packstream};

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

    /// The block without values that cannot be held; counted as losses.
    ///
    /// # Errors
    /// There is one, and nobody allowed to lose it.
    pub fn apply(&self, block: Block, losses: &mut Vec<Loss>) -> Result<Block> {
        if self.capability.refused_values.is_empty() && self.capability.misfits.is_none() {
            return Ok(block);
        }
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
                let sort = sort_of_value(cursor)?;
                let why = match self.capability.refused_values.contains(&sort) {
                    true => Some(format!("of type {sort}")),
                    false => self.capability.misfit(block.class(), cursor)?.map(str::to_owned),
                };
                let raw = cursor.raw()?;
                if let Some(why) = why {
                    if !self.allowed {
                        let noun = block.class().noun();
                        let is = if why.starts_with("of type ") { "it is" } else { "it is one of those" };
                        let error = Error::refused(format!(
                            "{} cannot hold the value of {key:?} of {noun} {}: {is} {why}",
                            self.capability.system, item.id
                        ));
                        let error = error.hint("add --allow-loss=value to leave such properties out");
                        return Err(match block.position(item) {
                            Some(position) => error.at(position),
                            None => error,
                        });
                    }
                    lost = true;
                    note(losses, &why);
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
}

fn note(losses: &mut Vec<Loss>, why: &str) {
    let what = format!("values {why}");
    match losses.iter_mut().find(|loss| loss.what == what) {
        Some(loss) => loss.count += 1,
        None => losses.push(Loss { kind: "value", what, count: 1 }),
    }
}
