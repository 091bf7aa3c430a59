//! Properties that hold ids of nodes: the new ids are written when all of them are known.

use super::policy::Reference;
use crate::error::Result;
use crate::model::packstream::{Cursor, put_integer, put_list, put_map, put_string};
use crate::model::{Block, Item, Kind, ValueRef};

/// Which properties of items of a kind hold ids.
fn of_kind<'a>(references: &'a [Reference], kind: &Kind) -> Vec<&'a str> {
    let has = |reference: &&Reference| kind.names().iter().any(|name| **name == *reference.name);
    references.iter().filter(has).map(|reference| &*reference.property).collect()
}

/// The members of a map whose keys pass.
fn select(properties: &[u8], mut keep: impl FnMut(&str) -> bool, out: &mut Vec<u8>) -> Result<usize> {
    let mut cursor = Cursor::new(properties);
    let size = cursor.map()?;
    let mut kept = Vec::new();
    for _ in 0..size {
        let from = cursor.position();
        let key = cursor.string()?;
        cursor.check()?;
        if keep(key) {
            kept.push(properties.get(from..cursor.position()).unwrap_or_default());
        }
    }
    put_map(out, kept.len());
    kept.iter().for_each(|member| out.extend_from_slice(member));
    Ok(kept.len())
}

/// A block in which some nodes, told by their ids, lack the properties that hold ids.
///
/// # Errors
/// The properties are not well formed.
pub fn without(block: Block, references: &[Reference], mut lacks: impl FnMut(i64) -> bool) -> Result<Block> {
    let names: Vec<_> = block.kinds().iter().map(|kind| of_kind(references, kind)).collect();
    if names.iter().all(Vec::is_empty) {
        return Ok(block);
    }
    rebuild(&block, |properties, item, out| {
        let names = names.get(item.kind as usize).map(Vec::as_slice).unwrap_or_default();
        let lacks = lacks(item.id);
        select(properties, |key| !lacks || !names.contains(&key), out).map(|_| true)
    })
}

/// A block of the items that have such properties, with nothing else.
///
/// # Errors
/// The properties are not well formed.
pub fn only(block: &Block, references: &[Reference]) -> Result<Block> {
    let names: Vec<_> = block.kinds().iter().map(|kind| of_kind(references, kind)).collect();
    rebuild(block, |properties, item, out| {
        let names = names.get(item.kind as usize).map(Vec::as_slice).unwrap_or_default();
        select(properties, |key| names.contains(&key), out).map(|kept| kept > 0)
    })
}

/// A block with the new ids in the properties that hold ids.
///
/// # Errors
/// The properties are not well formed.
pub fn within(block: Block, references: &[Reference], find: &mut dyn FnMut(i64) -> Option<i64>) -> Result<Block> {
    let names: Vec<_> = block.kinds().iter().map(|kind| of_kind(references, kind)).collect();
    if names.iter().all(Vec::is_empty) {
        return Ok(block);
    }
    rebuild(&block, |properties, item, out| {
        let names = names.get(item.kind as usize).map(Vec::as_slice).unwrap_or_default();
        rewrite(properties, names, find, out).map(|()| true)
    })
}

fn rebuild(block: &Block, mut properties: impl FnMut(&[u8], &Item, &mut Vec<u8>) -> Result<bool>) -> Result<Block> {
    let mut new = Block::new(block.class());
    for kind in block.kinds() {
        new.add_kind(kind.clone());
    }
    new.set_first_line(block.first_line());
    for item in block.items() {
        if properties(block.properties(item), item, new.buffer())? {
            new.push(item.id, item.start, item.end, item.kind, item.line);
        } else {
            new.discard();
        }
    }
    Ok(new)
}

fn rewrite(
    properties: &[u8],
    names: &[&str],
    find: &mut dyn FnMut(i64) -> Option<i64>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let mut cursor = Cursor::new(properties);
    let size = cursor.map()?;
    put_map(out, size);
    for _ in 0..size {
        let key = cursor.string()?;
        put_string(out, key);
        let raw = cursor.raw()?;
        if !names.contains(&key) {
            out.extend_from_slice(raw);
            continue;
        }
        let mut value = Cursor::new(raw);
        match value.value()? {
            ValueRef::Integer(old) => put_integer(out, find(old).unwrap_or(old)),
            ValueRef::List(size) if all_integers(&mut value.clone(), size)? => {
                put_list(out, size);
                for _ in 0..size {
                    let raw = value.raw()?;
                    match Cursor::new(raw).value()? {
                        ValueRef::Integer(old) => put_integer(out, find(old).unwrap_or(old)),
                        _ => out.extend_from_slice(raw),
                    }
                }
            }
            _ => out.extend_from_slice(raw),
        }
    }
    Ok(())
}

/// Whether a list holds nothing but integers.
fn all_integers(members: &mut Cursor<'_>, size: usize) -> Result<bool> {
    for _ in 0..size {
        if !matches!(Cursor::new(members.raw()?).value()?, ValueRef::Integer(_)) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::{Class, Value};

    #[test]
    fn ids_are_left_out_and_written_later() {
        let mut block = Block::new(Class::Nodes);
        for (id, label) in [(1, "A"), (2, "B")] {
            let kind = block.intern(&Kind::labels([label]));
            put_map(block.buffer(), 3);
            for (key, value) in
                [("p", Value::from(7)), ("ref", 5.into()), ("refs", Value::List(vec![5.into(), 6.into()]))]
            {
                put_string(block.buffer(), key);
                block.buffer().extend(value.to_packstream());
            }
            block.push(id, 0, 0, kind, 0);
        }
        let references: Vec<Reference> = vec!["A.ref".parse().unwrap(), "A.refs".parse().unwrap()];
        let mut find = |old: i64| (old == 5).then_some(500);
        let read = |block: &Block| -> Vec<String> {
            let value = |item| Value::read(&mut block.cursor(item)).unwrap();
            block
                .items()
                .iter()
                .map(|item| format!("{} {:?}", item.id, value(item).as_map().unwrap().keys().collect::<Vec<_>>()))
                .collect()
        };
        assert_eq!(
            read(&without(block.clone(), &references, |_| true).unwrap()),
            [r#"1 ["p"]"#, r#"2 ["p", "ref", "refs"]"#]
        );
        let written = within(only(&block, &references).unwrap(), &references, &mut find).unwrap();
        assert_eq!(read(&written), [r#"1 ["ref", "refs"]"#]);
        let map = Value::read(&mut written.cursor(&written.items()[0])).unwrap();
        let map = map.as_map().unwrap();
        assert_eq!(map["ref"], Value::from(500));
        assert_eq!(map["refs"], Value::List(vec![500.into(), 6.into()]));
        assert_eq!(within(block, &references, &mut find).unwrap().len(), 2);
    }
}
