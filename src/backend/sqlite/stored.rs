//! How a property map lies in the file: as the typed JSON of [`crate::model::json`], so that SQLite's own functions
//! can read it.

use super::fault::during;
use crate::error::{Error, Result};
use crate::model::json::{self, Keys, Parser};
use crate::model::{Cursor, Value, ValueRef};
use rusqlite::Row;
use rusqlite::types::{ToSqlOutput, ValueRef as Column};

/// Writes a property map as it is stored.
///
/// # Errors
/// A value has no text (a time of day beyond 24 hours), a map has a key twice, or a property is null: it could never be
/// read again.
pub(super) fn write(properties: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let failed = |key: &str, cause: Error| {
        Error::new(cause.kind(), format!("the property {key:?} cannot be stored: {}", cause.message()))
    };
    json::write_map(&mut Cursor::new(properties), out, failed)?;
    if is_suspect(properties)? {
        let read_back = Stored::default().parse(out, &mut Vec::new());
        read_back.map_err(|cause| {
            Error::new(cause.kind(), format!("the properties cannot be stored: {}", cause.message()))
        })?;
    }
    Ok(())
}

/// Whether a property is null, or a key may be there twice, at the top or in a map inside: no server has such properties, a dump by another
/// tool might. May say yes where none is; that costs a look at what was written.
fn is_suspect(properties: &[u8]) -> Result<bool> {
    let mut cursor = Cursor::new(properties);
    let size = cursor.map()?;
    let mut keys = [""; 16];
    if size > keys.len() {
        return Ok(true);
    }
    for at in 0..size {
        let key = cursor.string()?;
        if keys.iter().take(at).any(|known| *known == key) {
            return Ok(true);
        }
        if let Some(place) = keys.get_mut(at) {
            *place = key;
        }
        let mut value = Cursor::new(cursor.raw()?);
        let mut is_first = true;
        while !value.is_at_end() {
            match value.value()? {
                ValueRef::Map(2..) => return Ok(true),
                ValueRef::Null if is_first => return Ok(true),
                _ => is_first = false,
            }
        }
    }
    Ok(false)
}

/// What was written as a value to bind.
pub(super) fn bound(stored: &[u8]) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(Column::Text(stored))
}

/// Reads property maps, and keeps what one reading can lend to the next.
#[derive(Default)]
pub(super) struct Stored {
    keys: Keys,
}

impl Stored {
    /// Reads a property map from a column of a row and appends it as PackStream.
    pub(super) fn read(&mut self, row: &Row<'_>, column: usize, out: &mut Vec<u8>) -> Result<()> {
        match row.get_ref(column).map_err(during("reading properties"))? {
            Column::Text(stored) => self.parse(stored, out),
            _ => Err(Error::corrupt("the properties are no text")),
        }
    }

    fn parse(&mut self, stored: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let text = std::str::from_utf8(stored)
            .map_err(|cause| Error::corrupt("the properties are not valid UTF-8").caused_by(cause))?;
        let mut parser = Parser::reusing(text, std::mem::take(&mut self.keys));
        parser.properties(out)?;
        parser.end()?;
        self.keys = parser.into_keys();
        Ok(())
    }
}

/// A value as text for a message, cut where it is long.
pub(super) fn show(value: &Value) -> String {
    let mut out = Vec::new();
    if json::write(&mut Cursor::new(&value.to_packstream()), &mut out).is_err() {
        return "a value".to_owned();
    }
    let mut text = String::from_utf8_lossy(&out).into_owned();
    if let Some((end, _)) = text.char_indices().nth(120) {
        text.truncate(end);
        text.push('…');
    }
    text
}
