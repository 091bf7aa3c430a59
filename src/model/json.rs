//! The typed JSON of values: what JSON has is written as it is, everything else as an object with one key that begins with `$`.
//!
//! docs/format.md describes it for others. Two uses, one implementation: [`write()`] and [`Parser`] go between PackStream bytes and JSON text
//! without a tree in between, for the bulk of a dump; [`serde`] for [`Value`] wraps the same text, for schema objects.
//! Text that is read is not trusted: it is strict JSON, keys are unique, numbers fit, and depth is bounded.

mod number;
mod parse;
mod text;
mod typed;
mod write;

pub use parse::{Keys, Parser};
pub use write::{write, write_map, write_string};

use super::packstream::Cursor;
use super::value::Value;
use crate::error::Result;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde_json::value::RawValue;

/// Reads one value from JSON text, appends it to `out` as PackStream, and expects the text to end there. After an error,
/// `out` holds a part of the value.
///
/// # Errors
/// The text is not one well-formed typed value.
pub fn read(text: &str, out: &mut Vec<u8>) -> Result<()> {
    let mut parser = Parser::new(text);
    parser.value(out)?;
    parser.end()
}

/// For `serde_json` alone: the value is handed over as JSON text.
impl serde::Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut out = Vec::new();
        write(&mut Cursor::new(&self.to_packstream()), &mut out).map_err(S::Error::custom)?;
        let text = String::from_utf8(out).map_err(S::Error::custom)?;
        RawValue::from_string(text).map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// For `serde_json` alone, and not behind `flatten` or an untagged enum: the value is taken as JSON text.
impl<'de> serde::Deserialize<'de> for Value {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let mut out = Vec::new();
        read(raw.get(), &mut out).map_err(|error| D::Error::custom(error.message()))?;
        Self::read(&mut Cursor::new(&out)).map_err(D::Error::custom)
    }
}
