//! Looking: the values that nodes with a label, or relationships of a type, have for some properties.

use super::values;
use crate::backend::Seen;
use crate::backend::bolt::Link;
use crate::backend::bolt::unfit::Unfit;
use crate::cypher::{self, Dialect};
use crate::error::Result;
use crate::model::packstream::{put_map, put_string};
use crate::model::{Class, Cursor};
use crate::wire::{Connection, Mode, Query, Version};
use std::fmt::Write as _;

/// Pushes every item that has this label or type.
pub(super) fn look(
    connection: &mut Connection,
    link: &Link,
    class: Class,
    name: &str,
    properties: &[String],
    sink: &mut dyn FnMut(Seen<'_>) -> Result<()>,
) -> Result<()> {
    let quoted = cypher::name::quoted(Dialect::Neo4j, name)?;
    let mut text = match class {
        Class::Nodes => format!("MATCH (x:{quoted}) RETURN id(x)"),
        Class::Relationships => format!("MATCH (a)-[x:{quoted}]->(b) RETURN id(x), id(a), id(b)"),
    };
    for property in properties {
        let _ = write!(text, ", x.{}", cypher::name::quoted(Dialect::Neo4j, property)?);
    }
    let version = connection.version();
    let mut mended = Vec::new();
    let text = link.statement(&text);
    let query = Query::alone(&text, Mode::Read, Some(link.database()));
    let done = connection.query(&query, |row| {
        let mut cursor = Cursor::new(row);
        cursor.list()?;
        let id = cursor.integer()?;
        let (start, end) = match class {
            Class::Nodes => (0, 0),
            Class::Relationships => (cursor.integer()?, cursor.integer()?),
        };
        let from = cursor.position();
        if version < Version::new(5, 0) {
            mended.clear();
            for property in properties {
                mend(&mut cursor, property, &mut mended, version).map_err(|unfit| unfit.of(class.noun(), id))?;
            }
            return sink(Seen { id, start, end, values: &mended });
        }
        for _ in properties {
            cursor.check()?;
        }
        sink(Seen { id, start, end, values: cursor.since(from) })
    });
    done.map(|_| ())
}

/// Copies a value as an old version of Bolt sends it: as the only member of a map, whose head is cut off again.
fn mend(cursor: &mut Cursor<'_>, key: &str, out: &mut Vec<u8>, version: Version) -> std::result::Result<(), Unfit> {
    let mut head = Vec::new();
    put_map(&mut head, 1);
    put_string(&mut head, key);
    let mut map = head.clone();
    let raw = cursor.raw().map_err(|cause| Unfit::unread(key, cause))?;
    map.extend_from_slice(raw);
    let mut copied = Vec::new();
    values::copy(&mut Cursor::new(&map), &mut copied, version)?;
    out.extend_from_slice(copied.get(head.len()..).unwrap_or_default());
    Ok(())
}
