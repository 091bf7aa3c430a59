//! Looking: the values that nodes with a label, or relationships of a type, have for some properties.

use super::values;
use crate::backend::Seen;
use crate::backend::bolt::{Link, unfit::Unfit};
use crate::cypher::{self, Dialect};
use crate::error::Result;
use crate::model::packstream::{put_map, put_string};
use crate::model::{Class, Cursor};
use crate::wire::{Connection, Mode, Query};
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
    let quoted = cypher::name::quoted(Dialect::Memgraph, name)?;
    let mut text = match class {
        Class::Nodes => format!("MATCH (n:{quoted}) RETURN id(n)"),
        Class::Relationships => format!("MATCH (a)-[n:{quoted}]->(b) RETURN id(n), id(a), id(b)"),
    };
    for property in properties {
        let _ = write!(text, ", n.{}", cypher::name::quoted(Dialect::Memgraph, property)?);
    }
    let mut ours = Vec::new();
    let query = Query::alone(&text, Mode::Read, Some(link.database())).unlimited();
    let done = connection.query(&query, |row| {
        let mut cursor = Cursor::new(row);
        cursor.list()?;
        let id = cursor.integer()?;
        let (start, end) = match class {
            Class::Nodes => (0, 0),
            Class::Relationships => (cursor.integer()?, cursor.integer()?),
        };
        ours.clear();
        for property in properties {
            copy(&mut cursor, property, &mut ours).map_err(|unfit| unfit.of(class.noun(), id))?;
        }
        sink(Seen { id, start, end, values: &ours })
    });
    done.map(|_| ())
}

/// Copies a value in our form: as the only member of a map, whose head is cut off again.
fn copy(cursor: &mut Cursor<'_>, key: &str, out: &mut Vec<u8>) -> std::result::Result<(), Unfit> {
    let mut map = Vec::new();
    put_map(&mut map, 1);
    put_string(&mut map, key);
    let head = map.len();
    map.extend_from_slice(cursor.raw().map_err(|cause| Unfit::unread(key, cause))?);
    let mut copied = Vec::new();
    values::copy(&mut Cursor::new(&map), &mut copied)?;
    out.extend_from_slice(copied.get(head..).unwrap_or_default());
    Ok(())
}
