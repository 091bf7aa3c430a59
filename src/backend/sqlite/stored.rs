//! How a property map lies in the file.

use super::fault::during;
use crate::error::{Error, Result};
use crate::model::{Cursor, Value};
use rusqlite::Row;
use rusqlite::types::{ToSqlOutput, ValueRef};

/// Writes a property map as it is stored.
pub(super) fn write(properties: &[u8], out: &mut Vec<u8>) -> Result<()> {
    out.extend_from_slice(properties);
    Ok(())
}

/// What was written as a value to bind.
pub(super) fn bound(stored: &[u8]) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(ValueRef::Blob(stored))
}

/// Reads a property map from a column of a row and appends it as PackStream.
pub(super) fn read(row: &Row<'_>, column: usize, out: &mut Vec<u8>) -> Result<()> {
    let ValueRef::Blob(stored) = row.get_ref(column).map_err(during("reading properties"))? else {
        return Err(Error::corrupt("the properties are not of the type in which they are stored"));
    };
    out.extend_from_slice(Cursor::new(stored).raw()?);
    Ok(())
}

/// A value as text for a message, cut where it is long.
pub(super) fn show(value: &Value) -> String {
    let mut text = format!("{value:?}");
    if let Some((end, _)) = text.char_indices().nth(120) {
        text.truncate(end);
        text.push('…');
    }
    text
}
