//! Values that a target cannot hold: refused, or left out where `--allow-loss=value` says so.

use super::plan::Plan;
use super::report::Report;
use crate::error::{Error, Result};
use crate::model::tally::sort_of_value;
use crate::model::{Block, Capability, Loss, packstream};

/// Looks for such values.
pub struct Strip {
    refused: Vec<String>,
    system: String,
    allowed: bool,
    /// A survey has counted the values already, and none was such.
    proved: bool,
}

impl Strip {
    /// For a target and what the plan allows.
    #[must_use]
    pub fn new(capability: &Capability, plan: &Plan) -> Self {
        let lossy = plan.losses.iter().any(|loss| loss.kind == "value");
        Self {
            refused: capability.refused_values.clone(),
            system: capability.system.clone(),
            allowed: plan.allows("value"),
            proved: plan.tally.is_some() && !lossy,
        }
    }

    /// The block without values that the target cannot hold; counted as losses.
    ///
    /// # Errors
    /// There is one, and nobody allowed to lose it.
    pub fn apply(&self, block: Block, report: &mut Report) -> Result<Block> {
        if self.refused.is_empty() || self.proved {
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
                    note(report, &sort);
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

fn note(report: &mut Report, sort: &str) {
    let what = format!("values of type {sort}");
    match report.losses.iter_mut().find(|loss| loss.what == what) {
        Some(loss) => loss.count += 1,
        None => report.losses.push(Loss { kind: "value", what, count: 1 }),
    }
}
