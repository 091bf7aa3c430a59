//! What a change makes of a node's properties: pure functions over PackStream maps.

use super::packstream::{Cursor, put_map};
use crate::error::Result;

/// The members of a map: keys, and the bytes of key and value together.
fn members(map: &[u8]) -> Result<Vec<(&str, &[u8])>> {
    let mut cursor = Cursor::new(map);
    let size = cursor.map()?;
    let mut members = Vec::with_capacity(size.min(1024));
    for _ in 0..size {
        let from = cursor.position();
        let key = cursor.string()?;
        cursor.check()?;
        members.push((key, map.get(from..cursor.position()).unwrap_or_default()));
    }
    Ok(members)
}

fn write<'a>(members: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    put_map(&mut out, members.len());
    members.for_each(|member| out.extend_from_slice(member));
    out
}

/// Those properties of `incoming` whose keys `before` does not have.
///
/// # Errors
/// One of them is no well-formed map.
pub fn missing(before: &[u8], incoming: &[u8]) -> Result<Vec<u8>> {
    let before = members(before)?;
    let mut kept = members(incoming)?;
    kept.retain(|(key, _)| before.iter().all(|(known, _)| known != key));
    Ok(write(kept.into_iter().map(|(_, member)| member)))
}

/// What a node has when `incoming` was written over `before`: the order of `before`, then what is new.
///
/// # Errors
/// One of them is no well-formed map.
pub fn overwritten(before: &[u8], incoming: &[u8]) -> Result<Vec<u8>> {
    let mut result = members(before)?;
    for (key, member) in members(incoming)? {
        match result.iter_mut().find(|(known, _)| *known == key) {
            Some(known) => known.1 = member,
            None => result.push((key, member)),
        }
    }
    Ok(write(result.into_iter().map(|(_, member)| member)))
}

/// The raw value of a property; `None` where it is not there.
///
/// # Errors
/// It is no well-formed map.
pub fn property<'a>(map: &'a [u8], key: &str) -> Result<Option<&'a [u8]>> {
    let mut cursor = Cursor::new(map);
    for _ in 0..cursor.map()? {
        if cursor.string()? == key {
            return cursor.raw().map(Some);
        }
        cursor.check()?;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::{Map, Value};

    fn map(members: &[(&str, i64)]) -> Vec<u8> {
        let map: Map = members.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect();
        Value::Map(map).to_packstream()
    }

    #[test]
    fn what_a_change_leaves() {
        let (before, incoming) = (map(&[("a", 1), ("b", 2)]), map(&[("b", 3), ("c", 4)]));
        assert_eq!(overwritten(&before, &incoming).unwrap(), map(&[("a", 1), ("b", 3), ("c", 4)]));
        assert_eq!(missing(&before, &incoming).unwrap(), map(&[("c", 4)]));
        assert_eq!(missing(&map(&[]), &incoming).unwrap(), incoming);
        assert_eq!(property(&before, "b").unwrap(), Some(&[2][..]));
        assert_eq!(property(&before, "c").unwrap(), None);
    }
}
