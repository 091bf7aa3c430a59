//! Property values: what follows the marker `17`, written as PackStream.

use super::bytes::{Bytes, LARGEST};
use crate::error::{Error, Result};
use crate::model::packstream::{self, MAX_DEPTH, ValueRef};
use crate::model::spatial::Point;
use crate::model::temporal::{Date, DateTime, Duration, LocalDateTime, LocalTime, ZonedDateTime};
use jiff::tz::TimeZone;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// The coordinate system that formats 19 and 20 write for Cartesian points of three dimensions.
const WRONG_SRID: u64 = 9757;

/// An enum: its name and its values by their positions.
pub(super) type Enum = (String, Vec<String>);

/// Gives the vector that a node or relationship has in one of some vector indexes.
pub(super) type Vectors<'a> = &'a mut dyn FnMut(&[String]) -> Result<Option<Vec<f64>>>;

/// What is needed to understand values.
#[derive(Clone, Debug)]
pub(super) struct Meaning {
    /// The format's version.
    pub(super) version: u64,
    /// The zone of the instance, in which local date-times are shown.
    pub(super) zone: TimeZone,
    /// The enums; `None` where values are only passed over.
    pub(super) enums: Option<Vec<Enum>>,
}

/// Reads one value and appends it to `out`; says whether it was null.
pub(super) fn value(bytes: &mut Bytes, meaning: &Meaning, vectors: Vectors<'_>, out: &mut Vec<u8>) -> Result<bool> {
    let from = out.len();
    read(bytes, meaning, vectors, out, 0)?;
    Ok(out.get(from..) == Some(&[0xC0]))
}

fn read(bytes: &mut Bytes, meaning: &Meaning, vectors: Vectors<'_>, out: &mut Vec<u8>, depth: usize) -> Result<()> {
    if out.len() > LARGEST {
        return Err(bytes.damaged("an item of more than 1 GiB is too large"));
    }
    bytes.marker(0x17, "a value")?;
    match bytes.byte()? {
        0x10 => packstream::put_null(out),
        0x11 => match bytes.byte()? {
            0x00 => packstream::put_boolean(out, false),
            0xFF => packstream::put_boolean(out, true),
            found => return Err(bytes.no_marker(found, "true or false")),
        },
        0x12 => packstream::put_integer(out, bytes.raw()? as i64),
        0x13 => packstream::put_float(out, f64::from_bits(bytes.raw()?)),
        0x14 => packstream::put_string(out, bytes.str_after_marker()?),
        0x15 => {
            let size = bytes.raw_count(2)?;
            check_nesting(bytes, size, depth)?;
            packstream::put_list(out, size as usize);
            for _ in 0..size {
                read(bytes, meaning, vectors, out, depth + 1)?;
            }
        }
        0x16 => {
            let size = bytes.raw_count(11)?;
            check_nesting(bytes, size, depth)?;
            packstream::put_map(out, size as usize);
            for _ in 0..size {
                packstream::put_string(out, bytes.str()?);
                read(bytes, meaning, vectors, out, depth + 1)?;
            }
        }
        0x18 => temporal(bytes, meaning, out)?,
        0x19 => zoned(bytes, out)?,
        0x1A => enumerated(bytes, meaning, out)?,
        0x1B => point(bytes, false, out)?,
        0x1C => point(bytes, true, out)?,
        0x1D => vector(bytes, vectors, out)?,
        found => return Err(bytes.no_marker(found, "a kind of value")),
    }
    Ok(())
}

fn check_nesting(bytes: &Bytes, size: u64, depth: usize) -> Result<()> {
    if depth >= MAX_DEPTH {
        return Err(bytes.damaged(format!("a value is nested deeper than {MAX_DEPTH} levels")));
    }
    if size > u64::from(u32::MAX) {
        return Err(bytes.damaged(format!("a list or map of {size} members is too large")));
    }
    Ok(())
}

fn temporal(bytes: &mut Bytes, meaning: &Meaning, out: &mut Vec<u8>) -> Result<()> {
    let (kind, amount) = (bytes.uint()?, bytes.uint()? as i64);
    let value = match kind {
        0 if amount % DAY == 0 => ValueRef::Date(Date { days: amount / DAY }),
        1 if (0..DAY).contains(&amount) => ValueRef::LocalTime(LocalTime { nanoseconds: amount * 1000 }),
        2 => {
            let shift = if meaning.version >= 19 { offset(&meaning.zone, amount) } else { Some(0) };
            let shown = shift.and_then(|shift| amount.div_euclid(SECOND).checked_add(i64::from(shift)));
            let seconds = shown.ok_or_else(|| bytes.damaged("a local date-time is out of range"))?;
            ValueRef::LocalDateTime(LocalDateTime { seconds, nanoseconds: (amount.rem_euclid(SECOND) * 1000) as u32 })
        }
        3 => {
            let rest = amount % DAY;
            let (seconds, nanoseconds) = (rest.div_euclid(SECOND), (rest.rem_euclid(SECOND) * 1000) as i32);
            ValueRef::Duration(Duration { months: 0, days: amount / DAY, seconds, nanoseconds })
        }
        0 => return Err(bytes.damaged("a date is no whole number of days")),
        1 => return Err(bytes.damaged("a local time is not within a day")),
        _ => return Err(bytes.damaged(format!("{kind} is no kind of temporal value"))),
    };
    packstream::put_value(out, &value);
    Ok(())
}

/// How far the clocks of a zone are ahead at an instant, in seconds.
fn offset(zone: &TimeZone, microseconds: i64) -> Option<i32> {
    if *zone == TimeZone::UTC {
        return Some(0);
    }
    jiff::Timestamp::from_microsecond(microseconds).ok().map(|instant| zone.to_offset(instant).seconds())
}

fn zoned(bytes: &mut Bytes, out: &mut Vec<u8>) -> Result<()> {
    let (kind, amount) = (bytes.uint()?, bytes.uint()? as i64);
    if kind != 0 {
        return Err(bytes.damaged(format!("{kind} is no kind of zoned value")));
    }
    let (seconds, nanoseconds) = (amount.div_euclid(SECOND), (amount.rem_euclid(SECOND) * 1000) as u32);
    if bytes.peek()? == Some(0x14) {
        let zone = bytes.str()?;
        packstream::put_value(out, &ValueRef::ZonedDateTime(ZonedDateTime { seconds, nanoseconds, zone }));
    } else {
        let minutes = bytes.uint()? as i64;
        let offset = minutes.checked_mul(60).and_then(|offset| i32::try_from(offset).ok());
        let offset = offset.ok_or_else(|| bytes.damaged(format!("an offset of {minutes} minutes is out of range")))?;
        packstream::put_value(out, &ValueRef::DateTime(DateTime { seconds, nanoseconds, offset }));
    }
    Ok(())
}

fn enumerated(bytes: &mut Bytes, meaning: &Meaning, out: &mut Vec<u8>) -> Result<()> {
    let (kind, value) = (bytes.raw()?, bytes.raw()?);
    let Some(enums) = &meaning.enums else {
        packstream::put_null(out);
        return Ok(());
    };
    let at = |position: u64| usize::try_from(position).unwrap_or(usize::MAX);
    let found = enums.get(at(kind)).and_then(|(name, values)| Some((name, values.get(at(value))?)));
    let (name, value) = found.ok_or_else(|| bytes.damaged(format!("there is no enum value {kind}, {value}")))?;
    packstream::put_value(out, &ValueRef::Enum(&format!("{name}::{value}")));
    Ok(())
}

fn point(bytes: &mut Bytes, is_solid: bool, out: &mut Vec<u8>) -> Result<()> {
    let srid = match bytes.uint()? {
        WRONG_SRID if is_solid => 9157,
        srid => i32::try_from(srid).map_err(|_| bytes.damaged(format!("{srid} is no coordinate system")))?,
    };
    let (x, y) = (bytes.double()?, bytes.double()?);
    let z = if is_solid { Some(bytes.double()?) } else { None };
    packstream::put_value(out, &ValueRef::Point(Point { srid, x, y, z }));
    Ok(())
}

/// A list that a vector index holds: what it holds is the value.
fn vector(bytes: &mut Bytes, vectors: Vectors<'_>, out: &mut Vec<u8>) -> Result<()> {
    let names = bytes.raw_count(9)?;
    let names = (0..names).map(|_| bytes.string()).collect::<Result<Vec<_>>>()?;
    let size = bytes.raw_count(9)?;
    if size == 0 {
        let missing = || -> Error { bytes.damaged(format!("the vector is in none of the indexes {names:?}")) };
        let found = vectors(&names)?.ok_or_else(missing)?;
        packstream::put_list(out, found.len());
        found.iter().for_each(|element| packstream::put_float(out, *element));
        return Ok(());
    }
    check_nesting(bytes, size, 0)?;
    packstream::put_list(out, size as usize);
    for _ in 0..size {
        packstream::put_float(out, bytes.double()?);
    }
    Ok(())
}
