//! Floats that Memgraph wrote like integers: 1.0 as `1`. Where a constraint demands floats of a property, that they were floats is certain.
//!
//! Up to version 3.1 the constraints stand before the data; from 3.2 on after it, so that a dump has to be read a second time to know them.

use super::Reader;
use crate::error::Result;
use crate::format::Earlier;
use crate::format::cypherl::oddity::{Oddities, Oddity};
use crate::model::packstream::{self, put_float, put_string};
use crate::model::{Block, ConstraintKind, Cursor, SchemaObject, ValueRef};
use std::collections::BTreeSet;

/// Which properties are floats by the dump's constraints.
pub(super) struct Floats {
    known: BTreeSet<(String, String)>,
    /// Those of which the dump told only after nodes.
    late: BTreeSet<(String, String)>,
    earlier: Earlier,
}

impl Floats {
    pub(super) fn new(earlier: Earlier) -> Self {
        Self { known: earlier.floats(), late: BTreeSet::new(), earlier }
    }

    /// Turns integers of a node that was just written into the block's buffer from `from` on into the floats that they were.
    pub(super) fn repair(&self, block: &mut Block, from: usize, kind: u32, met: &mut Oddities) -> Result<()> {
        if self.known.is_empty() {
            return Ok(());
        }
        let labels = block.kinds().get(kind as usize).map(|kind| kind.names().to_vec()).unwrap_or_default();
        let is_float = |key: &str| {
            self.known.iter().any(|(label, property)| property == key && labels.iter().any(|it| **it == **label))
        };
        let bytes = block.buffer().get(from..).unwrap_or_default();
        let mut cursor = Cursor::new(bytes);
        let size = cursor.map()?;
        let mut out = Vec::new();
        let map = packstream::open_map(&mut out);
        let mut changed = false;
        for _ in 0..size {
            let key = cursor.string()?;
            put_string(&mut out, key);
            let value = { cursor }.value()?;
            let raw = cursor.raw()?;
            match value {
                // Memgraph prints all digits of a whole float below 1e17, so that one which no float equals was none.
                ValueRef::Integer(value) if is_float(key) && value as f64 as i128 == i128::from(value) => {
                    put_float(&mut out, value as f64);
                    met.note(Oddity::WholeFloat);
                    changed = true;
                }
                _ => out.extend_from_slice(raw),
            }
        }
        map.close(&mut out, size);
        if changed {
            block.buffer().truncate(from);
            block.buffer().extend_from_slice(&out);
        }
        Ok(())
    }

    /// What the user should know of floats that stayed integers.
    pub(super) fn warning(&self) -> Option<String> {
        let (label, property) = self.late.first()?;
        Some(format!(
            "the dump says only after its data that {label:?} {property:?} are floats ({} such constraints): whole ones are read as integers; \
             restore it from a file, which is read twice, to have them as floats",
            self.late.len()
        ))
    }
}

impl Reader {
    /// Learns from a constraint of a dump of Memgraph's own what is a float.
    pub(super) fn learn(&mut self, object: &SchemaObject) {
        if self.items.ours || !self.items.values.lenient || self.header.source.product != "memgraph" {
            return;
        }
        let SchemaObject::Constraint(constraint) = object else { return };
        let ConstraintKind::PropertyType(kind) = &constraint.kind else { return };
        if let ("FLOAT", [property]) = (kind.as_str(), constraint.properties.as_slice()) {
            self.floats.earlier.add_float(&constraint.label, property);
            let new = self.floats.known.insert((constraint.label.clone(), property.clone()));
            if new && self.has_nodes {
                self.floats.late.insert((constraint.label.clone(), property.clone()));
            }
        }
    }
}
