//! One row of a batch: its parts, and what is stored of them.

use super::names::{ID, Key, RELATIONSHIP_ID};
use super::rows::Pattern;
use crate::error::{Error, Result};
use crate::model::Cursor;
use crate::model::packstream::{open_map, put_string};

/// The members of a map.
pub(super) fn members<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<(&'a str, &'a [u8])>> {
    (0..cursor.map()?).map(|_| Ok((cursor.string()?, cursor.raw()?))).collect()
}

pub(super) fn find<'a>(row: &[(&str, &'a [u8])], name: &str) -> Result<&'a [u8]> {
    let found = row.iter().find(|(known, _)| *known == name).map(|(_, raw)| *raw);
    found.ok_or_else(|| Error::corrupt(format!("a row has no {name:?}")))
}

pub(super) fn key_of(pattern: &Pattern, row: &[(&str, &[u8])]) -> Result<Key> {
    let parts = pattern.keys.iter().map(|key| Ok((key.clone(), find(row, key)?.to_vec())));
    Ok(Key { label: pattern.label.clone(), parts: parts.collect::<Result<_>>()? })
}

/// Writes an item's properties: its own and those that it is known by, without what is null and without APOC's ids.
pub(super) fn stored(mut cursor: Cursor<'_>, keys: &[(&str, &[u8])], out: &mut Vec<u8>) -> Result<()> {
    let open = open_map(out);
    let mut size = 0;
    let own = members(&mut cursor)?;
    let first = keys.iter().filter(|(key, _)| !own.iter().any(|(name, _)| name == key));
    for (name, raw) in first.chain(&own) {
        if *raw != [0xC0] && ![ID, RELATIONSHIP_ID].contains(name) {
            put_string(out, name);
            out.extend_from_slice(raw);
            size += 1;
        }
    }
    open.close(out, size);
    Ok(())
}
