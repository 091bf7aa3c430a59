//! Cells that `LOAD CSV` gives to its statement unchanged, on any server and with any of its settings.
//!
//! Depending on a setting Neo4j takes a backslash for an escape, `""` for null, or neither; a line break inside quotes is not understood
//! everywhere. So no cell has any of these: what would need them is written as U+001A and a letter, and the statement turns it back. A cell with
//! nothing in it is a property that is not there.

use super::super::cell::{self as admin, ARRAY_DELIMITER, Unfit};
use super::super::column::{ColumnType, Sort};
use super::super::scan::is_bare;
use crate::cypher::{Dialect, literal};
use crate::error::Result;
use crate::model::{Cursor, Point, ValueRef, packstream};

/// The control character SUBSTITUTE: what follows is a letter that stands for something else.
pub(super) const ESCAPE: char = '\u{1A}';

/// What the letters stand for; the escape itself comes last, so that turning one after the other back makes no new one.
pub(super) const LETTERS: [(char, &str); 7] =
    [('e', ""), ('b', "\\"), ('u', "\u{1F}"), ('n', "\n"), ('r', "\r"), ('z', "\0"), ('s', "\u{1A}")];

/// The letter of an empty list.
pub(super) const EMPTY_LIST: char = 'l';

/// What occurs in a column beyond the plain form, so that its statement knows: letters of escapes, and these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks(u32);

/// An integer in two parts: the text of a larger one goes through a float on Memgraph.
pub(super) const WIDE: char = 'w';
/// NaN or an infinity.
pub(super) const ODD_FLOAT: char = 'x';
/// A point of two dimensions, and one of three.
pub(super) const FLAT: char = 'p';
pub(super) const SOLID: char = 'q';

impl Marks {
    pub(super) fn add(&mut self, letter: char) {
        self.0 |= Self::bit(letter);
    }

    pub(super) fn has(self, letter: char) -> bool {
        self.0 & Self::bit(letter) != 0
    }

    fn bit(letter: char) -> u32 {
        1 << (u32::from(letter) & 31)
    }
}

/// Text as it stands in a cell or in an element of an array.
fn escape(dialect: Dialect, text: &[u8], marks: &mut Marks, out: &mut Vec<u8>) {
    let mut letter = |letter: char, out: &mut Vec<u8>| {
        marks.add(letter);
        out.extend_from_slice(&[ESCAPE as u8, letter as u8]);
    };
    if text.is_empty() {
        letter('e', out);
    }
    let mut from = 0;
    for (at, byte) in text.iter().copied().enumerate() {
        let found = match byte {
            b'\\' => 'b',
            ARRAY_DELIMITER => 'u',
            b'\n' => 'n',
            b'\r' => 'r',
            0x1A => 's',
            // Memgraph refuses a line with it where it begins a field or stands in quotes.
            0 if dialect == Dialect::Memgraph => 'z',
            _ => continue,
        };
        out.extend_from_slice(text.get(from..at).unwrap_or_default());
        letter(found, out);
        from = at + 1;
    }
    out.extend_from_slice(text.get(from..).unwrap_or_default());
}

/// Turns escapes back; `None` where there is one that is none.
pub(super) fn plain(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split(ESCAPE);
    out.push_str(parts.next()?);
    for part in parts {
        let letter = part.chars().next()?;
        let (_, meant) = LETTERS.iter().find(|(known, _)| *known == letter)?;
        out.push_str(meant);
        out.push_str(part.get(letter.len_utf8()..)?);
    }
    Some(out)
}

/// Writes what was escaped as a field: in quotes where it needs them.
pub(super) fn field(text: &[u8], out: &mut Vec<u8>) {
    let is_edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_whitespace);
    let quoted = is_edge(text.first()) || is_edge(text.last()) || memchr::memchr2(b'"', b',', text).is_some();
    if !quoted {
        out.extend_from_slice(text);
        return;
    }
    out.push(b'"');
    for part in text.split_inclusive(|byte| *byte == b'"') {
        out.extend_from_slice(part);
        if part.last() == Some(&b'"') {
            out.push(b'"');
        }
    }
    out.push(b'"');
}

/// Writes text, which is UTF-8, as a field.
pub(super) fn text(dialect: Dialect, value: &[u8], marks: &mut Marks, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
    if is_bare(value) {
        out.extend_from_slice(value);
        return;
    }
    scratch.clear();
    escape(dialect, value, marks, scratch);
    field(scratch, out);
}

/// The type of a column for the next value; else why there is none. An empty list has one that any column of lists can take.
pub(super) fn column(cursor: Cursor<'_>) -> Result<std::result::Result<(ColumnType, bool), Unfit>> {
    let mut probe = cursor;
    Ok(match probe.value()? {
        ValueRef::List(0) => Ok((ColumnType { sort: Sort::String, is_array: true }, true)),
        ValueRef::Bytes(_) => Err("bytes"),
        _ => ColumnType::of(cursor)?.map(|(column, _)| (column, false)),
    })
}

/// Writes the value at the cursor as a field of its column, and passes over it.
pub(super) fn value(
    dialect: Dialect,
    cursor: &mut Cursor<'_>,
    column: ColumnType,
    marks: &mut Marks,
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<std::result::Result<(), Unfit>> {
    scratch.clear();
    let done = match cursor.value()? {
        ValueRef::List(0) => {
            marks.add(EMPTY_LIST);
            scratch.extend_from_slice(&[ESCAPE as u8, EMPTY_LIST as u8]);
            Ok(())
        }
        ValueRef::List(size) => {
            let mut done = Ok(());
            for at in 0..size {
                if at > 0 {
                    scratch.push(ARRAY_DELIMITER);
                }
                let element = cursor.value()?;
                done = done.and_then(|()| single(dialect, &element, column.sort, marks, scratch));
                admin::pass_members(cursor, &element)?;
            }
            done.map_err(|why| if why == OTHER { "list of mixed" } else { why })
        }
        other => single(dialect, &other, column.sort, marks, scratch),
    };
    if done.is_ok() {
        field(scratch, out);
    }
    Ok(done)
}

/// The complaint about a value of another type than its column's.
const OTHER: Unfit = "value of another type";

fn single(
    dialect: Dialect,
    value: &ValueRef<'_>,
    sort: Sort,
    marks: &mut Marks,
    out: &mut Vec<u8>,
) -> std::result::Result<(), Unfit> {
    match (value, sort) {
        (ValueRef::String(text), Sort::String) => escape(dialect, text.as_bytes(), marks, out),
        (ValueRef::Integer(value), Sort::Integer) => integer(dialect, *value, marks, out),
        (ValueRef::Float(value), Sort::Double) => float(*value, marks, out),
        (ValueRef::Point(value), Sort::Point) => return point(dialect, *value, marks, out),
        (ValueRef::Boolean(_), Sort::Boolean) => return admin::scalar(value, out),
        (ValueRef::Date(_), Sort::Date)
        | (ValueRef::LocalTime(_), Sort::LocalTime)
        | (ValueRef::Time(_), Sort::Time)
        | (ValueRef::LocalDateTime(_), Sort::LocalDateTime)
        | (ValueRef::DateTime(_) | ValueRef::ZonedDateTime(_), Sort::DateTime)
        | (ValueRef::Duration(_), Sort::Duration) => match dialect {
            Dialect::Neo4j => return admin::scalar(value, out),
            Dialect::Memgraph => return memgraph_temporal(value, out),
        },
        _ => return Err(OTHER),
    }
    Ok(())
}

pub(super) fn integer(dialect: Dialect, value: i64, marks: &mut Marks, out: &mut Vec<u8>) {
    let mut buffer = itoa::Buffer::new();
    if dialect == Dialect::Neo4j || value.unsigned_abs() < 1 << 53 {
        out.extend_from_slice(buffer.format(value).as_bytes());
        return;
    }
    marks.add(WIDE);
    out.extend_from_slice(buffer.format(value >> 32).as_bytes());
    out.push(b' ');
    out.extend_from_slice(buffer.format(value & 0xFFFF_FFFF).as_bytes());
}

pub(super) fn float(value: f64, marks: &mut Marks, out: &mut Vec<u8>) {
    if !value.is_finite() {
        marks.add(ODD_FLOAT);
    }
    admin::float(value, out);
}

/// `7203 1.0 2.0`: the reference system and the coordinates.
fn point(dialect: Dialect, value: Point, marks: &mut Marks, out: &mut Vec<u8>) -> std::result::Result<(), Unfit> {
    // The one writer of points knows what can be one.
    let mut packed = Vec::new();
    packstream::put_value(&mut packed, &ValueRef::Point(value));
    if literal::value(dialect, &mut Cursor::new(&packed), &mut Vec::new()).is_err() {
        return Err("point in an unknown reference system, or with coordinates out of range");
    }
    let numbers = [Some(value.x), Some(value.y), value.z];
    if numbers.iter().flatten().any(|number| !number.is_finite()) {
        return Err("point with coordinates out of range");
    }
    marks.add(if value.z.is_some() { SOLID } else { FLAT });
    out.extend_from_slice(itoa::Buffer::new().format(value.srid).as_bytes());
    for number in numbers.into_iter().flatten() {
        out.push(b' ');
        admin::float(number, out);
    }
    Ok(())
}

/// The text inside of the literal that Memgraph's own dumps have: `DATE("2024-01-01")`.
fn memgraph_temporal(value: &ValueRef<'_>, out: &mut Vec<u8>) -> std::result::Result<(), Unfit> {
    const UNFIT: Unfit = "date, time or duration that Memgraph cannot hold";
    let (mut packed, mut text) = (Vec::new(), Vec::new());
    packstream::put_value(&mut packed, value);
    literal::value(Dialect::Memgraph, &mut Cursor::new(&packed), &mut text).map_err(|_| UNFIT)?;
    let open = memchr::memmem::find(&text, b"(\"").ok_or(UNFIT)?;
    let inside = text.get(open + 2..).and_then(|rest| rest.strip_suffix(b"\")")).ok_or(UNFIT)?;
    out.extend_from_slice(inside);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn escapes_come_back() {
        for (text, dialect) in
            ["", "plain", "\\", "\u{1A}b", "\\\u{1A}\n\r\u{1F}\u{1A}s", "a\"b,c", "\0", "a\0\u{1A}z\0"]
                .into_iter()
                .flat_map(|text| [(text, Dialect::Neo4j), (text, Dialect::Memgraph)])
        {
            let (mut marks, mut out) = (Marks::default(), Vec::new());
            escape(dialect, text.as_bytes(), &mut marks, &mut out);
            let escaped = String::from_utf8(out).unwrap();
            assert!(!escaped.is_empty() && !escaped.contains(['\\', '\n', '\r', '\u{1F}']), "{escaped:?}");
            assert!(dialect == Dialect::Neo4j || !escaped.contains('\0'), "{escaped:?}");
            assert_eq!(plain(&escaped).unwrap(), text);
            // As the statements do it: one replacement after the other.
            let replaced =
                LETTERS.iter().fold(escaped, |text, (letter, meant)| text.replace(&format!("{ESCAPE}{letter}"), meant));
            assert_eq!(replaced, text);
        }
        assert_eq!((plain("\u{1A}y"), plain("\u{1A}")), (None, None));
    }
}
