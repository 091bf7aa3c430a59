//! `DUMP DATABASE`: the server's own statements, one a row.
//!
//! From 3.2 on the data come before the schema, so that the schema's statements cost a walk over the whole graph: about as long as the dump itself
//! takes (3.6.2 gives 135,000 rows a second). They are asked for only where SHOW leaves a doubt.

use super::storage::Storage;
use crate::backend::bolt::Link;
use crate::error::{Error, Result};
use crate::model::Consistency;
use crate::wire::{Connection, Extra, Mode, Query};

/// The statement.
pub(super) const STATEMENT: &str = "DUMP DATABASE";

/// The text of a row, whatever its bytes are: Memgraph keeps strings that are not UTF-8.
pub(super) fn text(row: &[u8]) -> Result<&[u8]> {
    let sized = |bytes: &'static str| Error::unreachable(format!("the server sends a row of its dump that {bytes}"));
    let (size, text) = match *row {
        [0x91, marker @ 0x80..=0x8F, ref text @ ..] => (usize::from(marker & 0x0F), text),
        [0x91, 0xD0, size, ref text @ ..] => (usize::from(size), text),
        [0x91, 0xD1, high, low, ref text @ ..] => (usize::from(u16::from_be_bytes([high, low])), text),
        [0x91, 0xD2, a, b, c, d, ref text @ ..] => (u32::from_be_bytes([a, b, c, d]) as usize, text),
        _ => return Err(sized("is not one string")),
    };
    if text.len() == size { Ok(text) } else { Err(sized("has not the size that it says")) }
}

/// Whether a statement makes a node or a relationship.
fn is_data(statement: &[u8]) -> bool {
    [&b"CREATE (:__mg_vertex__"[..], b"MATCH (u:__mg_vertex__), (v:__mg_vertex__) WHERE "]
        .iter()
        .any(|head| statement.starts_with(head))
}

/// Gives every statement of the dump to `sink`, in one read transaction, and tells what that promises.
pub(super) fn all(
    connection: &mut Connection,
    link: &Link,
    want: Option<Consistency>,
    sink: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<Consistency> {
    let storage = Storage::ask(connection, link)?;
    storage.check(want, connection.peer())?;
    connection.begin_as(Extra { mode: Mode::Read, database: Some(link.database()), timeout: Some(0) })?;
    connection.query(&Query::inside(STATEMENT).unlimited(), |row| sink(text(row)?))?;
    connection.commit()?;
    Ok(storage.promise())
}

/// The statements of the schema, without semicolons, in the transaction that was begun.
pub(super) fn schema_statements(connection: &mut Connection) -> Result<Vec<String>> {
    let mut statements = Vec::new();
    connection.query(&Query::inside(STATEMENT).unlimited(), |row| {
        let statement = text(row)?;
        if !is_data(statement) {
            let text = std::str::from_utf8(statement);
            let text = text.map_err(|cause| {
                Error::unreachable("a statement of the server's own dump is not UTF-8").caused_by(cause)
            })?;
            let text = text.trim_end();
            statements.push(text.strip_suffix(';').unwrap_or(text).to_owned());
        }
        Ok(())
    })?;
    Ok(statements)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::model::Value;

    #[test]
    fn rows_of_every_size() {
        for size in [0, 1, 15, 16, 255, 256, 65_535, 65_536] {
            let text_of = "x".repeat(size);
            let row = Value::List(vec![text_of.as_str().into()]).to_packstream();
            assert_eq!(text(&row).unwrap(), text_of.as_bytes());
            assert!(text(&row[..row.len() - 1]).is_err());
        }
        assert_eq!(text(&[0x91, 0x82, 0xFF, 0xFE]).unwrap(), [0xFF, 0xFE]);
        assert!(text(&[0x92, 0x81, b'a', 0x81, b'b']).is_err());
        assert!(text(&[0x91, 0x01]).is_err());
    }
}
