//! Values as the text of a `<data>`, and back.

use super::text::fits;
use crate::error::{Error, Result};
use crate::format::mapping::float;
use crate::model::json::{self, Parser, write_string};
use crate::model::packstream;
use crate::model::temporal::{Date, DateTime, Duration, LocalDateTime, LocalTime, Time, ZonedDateTime};
use crate::model::{Cursor, ValueRef};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What a key says of its data: GraphML's types, and a list of one of them as APOC has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Plain {
    Boolean,
    Long,
    Double,
    #[default]
    String,
}

impl Plain {
    /// What stands in `attr.type`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Long => "long",
            Self::Double => "double",
            Self::String => "string",
        }
    }

    /// The type of that name. GraphML's int and float are read as what holds them.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "boolean" => Self::Boolean,
            "int" | "integer" | "long" | "short" | "byte" => Self::Long,
            "float" | "double" => Self::Double,
            "string" => Self::String,
            _ => return None,
        })
    }
}

/// The type under which the next value is written.
pub(super) fn plain(cursor: &Cursor<'_>) -> Result<Plain> {
    Ok(match cursor.clone().value()? {
        ValueRef::Boolean(_) => Plain::Boolean,
        ValueRef::Integer(_) => Plain::Long,
        ValueRef::Float(value) if value.to_bits() == f64::NAN.to_bits() || !value.is_nan() => Plain::Double,
        _ => Plain::String,
    })
}

/// Writes the next value as text, not escaped yet; gives the name of its type where the text alone does not say it.
pub(super) fn put(cursor: &mut Cursor<'_>, out: &mut Vec<u8>) -> Result<Option<&'static str>> {
    let mut after = *cursor;
    let name = match after.value()? {
        ValueRef::Boolean(value) => {
            out.extend_from_slice(if value { b"true" } else { b"false" });
            None
        }
        ValueRef::Integer(value) => {
            out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
            None
        }
        ValueRef::Float(value) if value.is_finite() => {
            out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
            None
        }
        ValueRef::Float(value) if value.is_infinite() => {
            out.extend_from_slice(if value > 0.0 { b"Infinity" } else { b"-Infinity" });
            None
        }
        ValueRef::Float(value) if value.to_bits() == f64::NAN.to_bits() => {
            out.extend_from_slice(b"NaN");
            None
        }
        ValueRef::String(text) if fits(text) => {
            out.extend_from_slice(text.as_bytes());
            None
        }
        ValueRef::Date(value) => {
            value.put(out);
            Some("date")
        }
        ValueRef::LocalTime(value) => {
            value.put(out);
            Some("local-time")
        }
        ValueRef::Time(value) => {
            value.put(out);
            Some("time")
        }
        ValueRef::LocalDateTime(value) => {
            value.put(out);
            Some("local-date-time")
        }
        ValueRef::DateTime(value) => {
            value.put(out);
            Some("date-time")
        }
        ValueRef::ZonedDateTime(value) if fits(value.zone) => {
            value.put(out);
            Some("zoned-date-time")
        }
        ValueRef::Bytes(bytes) => {
            out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
            Some("bytes")
        }
        // The text of a duration does not tell which of two signs its parts have; JSON has all of them.
        _ => {
            let from = out.len();
            json::write(cursor, out)?;
            escape_odd(from, out);
            return Ok(Some("json"));
        }
    };
    *cursor = after;
    Ok(name)
}

/// What JSON may hold as it is and XML not at all: U+FFFE and U+FFFF. They can only stand in strings.
fn escape_odd(from: usize, out: &mut Vec<u8>) {
    let odd = ["\u{FFFE}", "\u{FFFF}"].map(str::as_bytes);
    let found = |out: &[u8]| odd.iter().any(|odd| memchr::memmem::find(out, odd).is_some());
    if found(out.get(from..).unwrap_or_default()) {
        let text = String::from_utf8_lossy(out.get(from..).unwrap_or_default()).into_owned();
        out.truncate(from);
        out.extend_from_slice(text.replace('\u{FFFE}', "\\uFFFE").replace('\u{FFFF}', "\\uFFFF").as_bytes());
    }
}

/// A text as JSON that XML can hold.
pub(super) fn json_text(text: &str, out: &mut Vec<u8>) {
    let from = out.len();
    write_string(text, out);
    escape_odd(from, out);
}

/// What a `<data>` and its key say of its type.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said<'a> {
    pub(super) plain: Plain,
    /// APOC's `attr.list`.
    pub(super) list: Option<Plain>,
    /// Our `gf:type`.
    pub(super) own: Option<&'a str>,
}

/// Reads a value.
pub(super) fn read(said: Said<'_>, text: &str, out: &mut Vec<u8>) -> Result<()> {
    let wrong = |what: &str| Error::corrupt(format!("{text:.100?} is no {what}"));
    if let Some(own) = said.own {
        return read_own(own, text, out);
    }
    if let Some(member) = said.list {
        return read_list(member, text, out).ok_or_else(|| wrong("list of what its key says"));
    }
    match said.plain {
        Plain::String => packstream::put_string(out, text),
        kind => read_plain(kind, text.trim(), out).ok_or_else(|| wrong(kind.name()))?,
    }
    Ok(())
}

fn read_plain(kind: Plain, text: &str, out: &mut Vec<u8>) -> Option<()> {
    match kind {
        Plain::Boolean => packstream::put_boolean(
            out,
            match text {
                "true" | "True" | "1" => true,
                "false" | "False" | "0" => false,
                _ => return None,
            },
        ),
        Plain::Long => packstream::put_integer(out, text.parse().ok()?),
        Plain::Double => packstream::put_float(out, float(text)?),
        Plain::String => packstream::put_string(out, text),
    }
    Some(())
}

/// A list as APOC writes it: JSON, in which only its key tells 1 from 1.0.
fn read_list(member: Plain, text: &str, out: &mut Vec<u8>) -> Option<()> {
    let mut bytes = Vec::new();
    let mut parser = Parser::new(text);
    parser.skip(&mut bytes).and_then(|()| parser.end()).ok()?;
    let mut cursor = Cursor::new(&bytes);
    let size = cursor.list().ok()?;
    packstream::put_list(out, size);
    for _ in 0..size {
        match (member, cursor.value().ok()?) {
            (Plain::Double, ValueRef::Integer(value)) => packstream::put_float(out, value as f64),
            (Plain::Double, ValueRef::String(text)) => packstream::put_float(out, float(text)?),
            (Plain::Double, ValueRef::Float(value)) => packstream::put_float(out, value),
            (Plain::Long, ValueRef::Integer(value)) => packstream::put_integer(out, value),
            (Plain::Boolean, ValueRef::Boolean(value)) => packstream::put_boolean(out, value),
            (Plain::String, ValueRef::String(text)) => packstream::put_string(out, text),
            _ => return None,
        }
    }
    Some(())
}

fn read_own(own: &str, text: &str, out: &mut Vec<u8>) -> Result<()> {
    let value = match own {
        "date" => Date::parse(text).map(ValueRef::Date),
        "local-time" => LocalTime::parse(text).map(ValueRef::LocalTime),
        "time" => Time::parse(text).map(ValueRef::Time),
        "local-date-time" => LocalDateTime::parse(text).map(ValueRef::LocalDateTime),
        "date-time" => DateTime::parse(text).map(ValueRef::DateTime),
        "zoned-date-time" => ZonedDateTime::parse(text).map(ValueRef::ZonedDateTime),
        "duration" => Duration::parse(text).map(ValueRef::Duration),
        "bytes" => match STANDARD.decode(text) {
            Ok(bytes) => {
                packstream::put_bytes(out, &bytes);
                return Ok(());
            }
            Err(_) => None,
        },
        "json" => return json::read(text, out),
        _ => return Err(Error::corrupt(format!("the type {own:?} is not one of this version's"))),
    };
    match value {
        Some(value) => packstream::put_value(out, &value),
        None => return Err(Error::corrupt(format!("{text:.100?} is no {own}"))),
    }
    Ok(())
}

/// Whether a value that was read is null: JSON may say so, and no property is.
pub(super) fn is_null(bytes: &[u8]) -> bool {
    bytes == [0xC0]
}
