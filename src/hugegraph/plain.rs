//! Items without what is only about their place: for telling whether two are the same.

use super::schema::Cardinality;
use super::{Definitions, ID};
use crate::error::Result;
use crate::model::packstream::{put_list, put_map, put_string};
use crate::model::{Block, Cursor};

/// A block whose items have no [`ID`], and sets in an order of their own: what an item is, whatever its id.
///
/// # Errors
/// The properties are not well formed.
pub fn normalized(definitions: &Definitions, block: &Block) -> Result<Block> {
    let mut out = Block::new(block.class());
    for kind in block.kinds() {
        out.add_kind(kind.clone());
    }
    for item in block.items() {
        let mut cursor = block.cursor(item);
        let mut kept = Vec::new();
        for _ in 0..cursor.map()? {
            let (name, value) = (cursor.string()?, cursor.raw()?);
            if name != ID {
                kept.push((name, value));
            }
        }
        put_map(out.buffer(), kept.len());
        for (name, value) in kept {
            put_string(out.buffer(), name);
            let is_set = definitions.property_keys.get(name).is_some_and(|key| key.cardinality == Cardinality::Set);
            if !is_set {
                out.buffer().extend_from_slice(value);
                continue;
            }
            let mut list = Cursor::new(value);
            let size = list.list()?;
            let mut elements = (0..size).map(|_| list.raw()).collect::<Result<Vec<_>>>()?;
            elements.sort_unstable();
            elements.dedup();
            put_list(out.buffer(), elements.len());
            elements.into_iter().for_each(|element| out.buffer().extend_from_slice(element));
        }
        out.push(item.id, item.start, item.end, item.kind, 0);
    }
    Ok(out)
}
