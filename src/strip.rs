//! Values that a target or a format cannot hold: refused, or left out where `--allow-loss=value` says so.

use crate::error::{Error, Result};
use crate::model::tally::sort_of_value;
use crate::model::{Block, Capability, Cursor, Loss, Point, ValueRef, packstream};

/// Looks for such values.
pub struct Strip {
    refused: Vec<String>,
    system: String,
    allowed: bool,
}

impl Strip {
    /// For what a target or a format can hold. Without `allowed`, the first such value is an error.
    #[must_use]
    pub fn new(capability: &Capability, allowed: bool) -> Self {
        Self { refused: capability.refused_values.clone(), system: capability.system.clone(), allowed }
    }

    /// Nothing is looked for: a survey has shown that there is no such value, or the encoder refuses it by itself.
    #[must_use]
    pub fn nothing() -> Self {
        Self { refused: Vec::new(), system: String::new(), allowed: false }
    }

    /// The name of the next value's type, as the capability has it: what is not finite may have one of its own.
    fn sort(&self, cursor: &Cursor<'_>) -> Result<String> {
        let sort = sort_of_value(*cursor)?;
        let special = format!("non-finite {sort}");
        if self.refused.contains(&special) && !is_finite(&mut cursor.clone())? {
            return Ok(special);
        }
        Ok(sort)
    }

    /// The block without values that cannot be held; counted as losses.
    ///
    /// # Errors
    /// There is one, and nobody allowed to lose it.
    pub fn apply(&self, block: Block, losses: &mut Vec<Loss>) -> Result<Block> {
        if self.refused.is_empty() {
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
                let sort = self.sort(&cursor)?;
                let raw = cursor.raw()?;
                if self.refused.contains(&sort) {
                    if !self.allowed {
                        let noun = block.class().noun();
                        let error = Error::refused(format!(
                            "{} cannot hold the value of {key:?} of {noun} {}: it is of type {sort}",
                            self.system, item.id
                        ));
                        let error = error.hint("add --allow-loss=value to leave such properties out");
                        return Err(match block.position(item) {
                            Some(position) => error.at(position),
                            None => error,
                        });
                    }
                    lost = true;
                    note(losses, &sort);
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

fn note(losses: &mut Vec<Loss>, sort: &str) {
    let what = format!("values of type {sort}");
    match losses.iter_mut().find(|loss| loss.what == what) {
        Some(loss) => loss.count += 1,
        None => losses.push(Loss { kind: "value", what, count: 1 }),
    }
}
