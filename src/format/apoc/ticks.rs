//! The names with a backtick in what was read: those that APOC did not escape, to be reported.

use super::rows::Said;
use crate::error::Result;
use crate::model::{Cursor, SchemaObject, packstream};

/// The names with a backtick in a statement.
pub(super) fn ticked(said: &Said, bytes: &[u8]) -> Result<Vec<String>> {
    let mut names: Vec<&String> = match said {
        Said::Nodes { pattern, labels } => labels.iter().chain([&pattern.label]).chain(&pattern.keys).collect(),
        Said::Relationships { start, end, kind } => {
            [&start.label, &end.label, kind].into_iter().chain(&start.keys).chain(&end.keys).collect()
        }
        Said::Node { labels } => labels.iter().collect(),
        Said::Relationship { start, end, kind } => {
            let keys = start.parts.iter().chain(&end.parts).map(|(key, _)| key);
            [&start.label, &end.label, kind].into_iter().chain(keys).collect()
        }
    };
    names.retain(|name| name.contains('`'));
    let mut all: Vec<String> = names.into_iter().cloned().collect();
    let before = all.len();
    if !bytes.is_empty() {
        ticked_keys(&mut Cursor::new(bytes), &mut all)?;
    }
    let mut keys = all.split_off(before);
    keys.sort();
    keys.dedup();
    all.append(&mut keys);
    Ok(all)
}

/// The keys with a backtick in a value.
pub(super) fn ticked_keys(cursor: &mut Cursor<'_>, all: &mut Vec<String>) -> Result<()> {
    match cursor.value()? {
        packstream::ValueRef::Map(size) => {
            for _ in 0..size {
                let key = cursor.string()?;
                if key.contains('`') {
                    all.push(key.to_owned());
                }
                ticked_keys(cursor, all)?;
            }
        }
        packstream::ValueRef::List(size) => {
            for _ in 0..size {
                ticked_keys(cursor, all)?;
            }
        }
        packstream::ValueRef::Structure(_, size) => {
            for _ in 0..size {
                cursor.check()?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// The names with a backtick in a schema object.
pub(super) fn schema_names(object: &SchemaObject) -> Vec<String> {
    let (name, mut all) = match object {
        SchemaObject::Index(index) => (&index.name, [index.labels.clone(), index.properties.clone()].concat()),
        SchemaObject::Constraint(constraint) => {
            (&constraint.name, [vec![constraint.label.clone()], constraint.properties.clone()].concat())
        }
        _ => return Vec::new(),
    };
    all.extend(name.clone());
    all.retain(|name| name.contains('`'));
    all
}
