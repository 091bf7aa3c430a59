//! Values as the text of cells.

use super::column::{ColumnType, Sort};
use super::scan::{self, has_special};
use crate::error::Result;
use crate::model::temporal::ZonedDateTime;
use crate::model::{Cursor, Point, ValueRef};
use std::sync::LazyLock;

/// Between the elements of an array: the control character that was made for it. neo4j-admin knows no escape for it.
pub(super) const ARRAY_DELIMITER: u8 = 0x1F;

/// Why a value is no cell.
pub(super) type Unfit = &'static str;

static ZONES: LazyLock<jiff::tz::TimeZoneDatabase> = LazyLock::new(jiff::tz::TimeZoneDatabase::bundled);

const DAYS: std::ops::RangeInclusive<i64> = -365_243_219_162..=365_241_780_471;
const DAY: i64 = 86_400;

/// Writes text, which is UTF-8, as a cell: in quotes where it must be. Tells whether it has a line break.
pub(super) fn text(value: &[u8], out: &mut Vec<u8>) -> bool {
    if !value.is_empty() && !has_special(value) {
        out.extend_from_slice(value);
        return false;
    }
    out.push(b'"');
    let mut rest = value;
    while let Some(at) = memchr::memchr(b'"', rest) {
        let (head, tail) = rest.split_at(at + 1);
        out.extend_from_slice(head);
        out.push(b'"');
        rest = tail;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
    memchr::memchr2(b'\n', b'\r', value).is_some()
}

/// Writes the value at the cursor as a cell of its type, and passes over it. Tells whether it has a line break.
pub(super) fn value(
    cursor: &mut Cursor<'_>,
    column: ColumnType,
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<std::result::Result<bool, Unfit>> {
    match cursor.value()? {
        ValueRef::Bytes(bytes) => {
            let mut buffer = itoa::Buffer::new();
            for (at, byte) in bytes.iter().enumerate() {
                if at > 0 {
                    out.push(ARRAY_DELIMITER);
                }
                out.extend_from_slice(buffer.format(*byte as i8).as_bytes());
            }
            Ok(Ok(false))
        }
        ValueRef::List(size) => {
            scratch.clear();
            let mut unfit = None;
            for at in 0..size {
                if at > 0 {
                    scratch.push(ARRAY_DELIMITER);
                }
                let element = cursor.value()?;
                if unfit.is_none() {
                    unfit = self::element(&element, column.sort, size, scratch).err();
                }
                pass_members(cursor, &element)?;
            }
            if let Some(unfit) = unfit {
                return Ok(Err(unfit));
            }
            Ok(Ok(text(scratch, out)))
        }
        ValueRef::String(value) => Ok(Ok(text(value.as_bytes(), out))),
        ValueRef::Point(value) => {
            out.push(b'"');
            let done = point(value, out);
            out.push(b'"');
            Ok(done.map(|()| false))
        }
        other => Ok(scalar(&other, out).map(|()| false)),
    }
}

/// The members of an element that is itself a container, so that the next element follows.
pub(super) fn pass_members(cursor: &mut Cursor<'_>, element: &ValueRef<'_>) -> Result<()> {
    let members = match *element {
        ValueRef::List(size) | ValueRef::Structure(_, size) => size,
        ValueRef::Map(size) => size.saturating_mul(2),
        _ => 0,
    };
    (0..members).try_for_each(|_| cursor.check())
}

fn element(value: &ValueRef<'_>, sort: Sort, size: usize, out: &mut Vec<u8>) -> std::result::Result<(), Unfit> {
    match (value, sort) {
        (ValueRef::String(text), Sort::String) => {
            if text.is_empty() && size == 1 {
                return Err("list of one empty string");
            }
            if memchr::memchr(ARRAY_DELIMITER, text.as_bytes()).is_some() {
                return Err("list of string with the character U+001F");
            }
            out.extend_from_slice(text.as_bytes());
            Ok(())
        }
        (ValueRef::Point(value), Sort::Point) => point(*value, out),
        (ValueRef::Boolean(_), Sort::Boolean)
        | (ValueRef::Integer(_), Sort::Integer)
        | (ValueRef::Float(_), Sort::Double)
        | (ValueRef::Date(_), Sort::Date)
        | (ValueRef::LocalTime(_), Sort::LocalTime)
        | (ValueRef::Time(_), Sort::Time)
        | (ValueRef::LocalDateTime(_), Sort::LocalDateTime)
        | (ValueRef::DateTime(_) | ValueRef::ZonedDateTime(_), Sort::DateTime)
        | (ValueRef::Duration(_), Sort::Duration) => scalar(value, out),
        _ => Err("list of mixed"),
    }
}

pub(super) fn float(value: f64, out: &mut Vec<u8>) {
    if scan::put_decimal(value, out) {
        return;
    }
    if value.is_finite() {
        out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
    } else if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else {
        out.extend_from_slice(if value > 0.0 { b"Infinity" } else { b"-Infinity" });
    }
}

/// Values whose text never needs quotes.
pub(super) fn scalar(value: &ValueRef<'_>, out: &mut Vec<u8>) -> std::result::Result<(), Unfit> {
    let in_a_day = |nanoseconds: i64| (0..DAY * 1_000_000_000).contains(&nanoseconds);
    let known_offset = |offset: i32| offset % 60 == 0 && offset.unsigned_abs() <= 64_800;
    match *value {
        ValueRef::Boolean(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        ValueRef::Integer(value) => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        ValueRef::Float(value) => float(value, out),
        ValueRef::Date(value) if DAYS.contains(&value.days) => value.put(out),
        ValueRef::LocalTime(value) if in_a_day(value.nanoseconds) => value.put(out),
        ValueRef::Time(value) if !known_offset(value.offset) => return Err("time with an offset of seconds"),
        ValueRef::Time(value) if in_a_day(value.nanoseconds) => value.put(out),
        ValueRef::LocalDateTime(value) if DAYS.contains(&value.seconds.div_euclid(DAY)) => value.put(out),
        ValueRef::DateTime(value) if !known_offset(value.offset) => return Err("date-time with an offset of seconds"),
        ValueRef::DateTime(value) => {
            let local = value.seconds.checked_add(i64::from(value.offset)).ok_or("date-time far away")?;
            if !DAYS.contains(&local.div_euclid(DAY)) {
                return Err("date-time far away");
            }
            value.put(out);
        }
        ValueRef::ZonedDateTime(value) => zoned(value, out)?,
        ValueRef::Duration(value) => {
            let seconds = i128::from(value.months) * 2_629_746 + i128::from(value.days) * i128::from(DAY);
            if i64::try_from(seconds + i128::from(value.seconds)).is_err() {
                return Err("duration far too long");
            }
            value.put(out);
        }
        _ => return Err("date or time far away"),
    }
    Ok(())
}

/// `2024-10-27T02:30:00+01:00[Europe/Stockholm]`: neo4j-admin refuses an offset that the zone does not have, so no instant can shift unseen.
fn zoned(value: ZonedDateTime<'_>, out: &mut Vec<u8>) -> std::result::Result<(), Unfit> {
    const UNKNOWN: Unfit = "date-time in a zone that is not known";
    if value.zone.is_empty() || !value.zone.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(&b)) {
        return Err(UNKNOWN);
    }
    let zone = ZONES.get(value.zone).map_err(|_| UNKNOWN)?;
    let instant = jiff::Timestamp::from_second(value.seconds).map_err(|_| "date-time far away")?;
    let offset = zone.to_offset(instant).seconds();
    let local = crate::model::temporal::DateTime { seconds: value.seconds, nanoseconds: value.nanoseconds, offset };
    scalar(&ValueRef::DateTime(local), out)?;
    out.push(b'[');
    out.extend_from_slice(value.zone.as_bytes());
    out.push(b']');
    Ok(())
}

fn point(value: Point, out: &mut Vec<u8>) -> std::result::Result<(), Unfit> {
    let Point { srid, x, y, z } = value;
    let (head, crs) = match (srid, z) {
        (4326, None) => (["{longitude:", ",latitude:", ""], "WGS-84"),
        (4979, Some(_)) => (["{longitude:", ",latitude:", ",height:"], "WGS-84-3D"),
        (7203, None) => (["{x:", ",y:", ""], "cartesian"),
        (9157, Some(_)) => (["{x:", ",y:", ",z:"], "cartesian-3D"),
        _ => return Err("point in an unknown reference system"),
    };
    let is_finite = x.is_finite() && y.is_finite() && z.is_none_or(f64::is_finite);
    let on_earth = (-180.0..=180.0).contains(&x) && (-90.0..=90.0).contains(&y);
    if !is_finite || (matches!(srid, 4326 | 4979) && !on_earth) {
        return Err("point with coordinates out of range");
    }
    for (name, number) in head.into_iter().zip([Some(x), Some(y), z]) {
        if let Some(number) = number {
            out.extend_from_slice(name.as_bytes());
            float(number, out);
        }
    }
    out.extend_from_slice(b",crs:");
    out.extend_from_slice(crs.as_bytes());
    out.push(b'}');
    Ok(())
}
