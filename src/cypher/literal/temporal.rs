//! Dates, times, instants and durations.
//!
//! Neo4j: ISO texts where they are exact; an instant as its seconds since 1970 and its zone, which no time zone data of ours or of the server's
//! can shift, and which keeps the two hours of a daylight-saving overlap apart. Version 5 multiplies those seconds by 1000 and overflows
//! in silence for far years: those are written another way. Offsets with seconds have no text form in version 5.
//!
//! Memgraph: the texts of its own dumps, six digits of a second, and before a named zone the offset that the zone has at the instant, which
//! is looked up in the time zone data built into this program.

use super::super::Dialect;
use super::{cannot, integer, string};
use crate::error::{Error, Result};
use crate::model::temporal::{
    Date, DateTime, Duration, LocalDateTime, LocalTime, Time, ZonedDateTime, civil_from_days, put_offset,
};
use std::sync::LazyLock;

const DAY: i64 = 86_400;
const NANOS: i64 = 1_000_000_000;
/// Days of the years -999,999,999 to 999,999,999.
const NEO4J_DAYS: std::ops::RangeInclusive<i64> = -365_243_219_162..=365_241_780_471;
/// Days of the years 0 to 9999.
const MEMGRAPH_DAYS: std::ops::RangeInclusive<i64> = -719_528..=2_932_896;
/// Beyond these seconds Neo4j 5 overflows.
const EPOCH_LIMIT: u64 = 9_223_372_036_854_775;

static ZONES: LazyLock<jiff::tz::TimeZoneDatabase> = LazyLock::new(jiff::tz::TimeZoneDatabase::bundled);

fn check_days(dialect: Dialect, days: i64) -> Result<()> {
    let known = match dialect {
        Dialect::Memgraph => MEMGRAPH_DAYS,
        Dialect::Neo4j => NEO4J_DAYS,
    };
    if known.contains(&days) {
        return Ok(());
    }
    Err(cannot(dialect, &format!("hold the year {}", civil_from_days(days).0)))
}

fn check_clock(dialect: Dialect, nanoseconds: i64) -> Result<()> {
    if !(0..DAY * NANOS).contains(&nanoseconds) {
        return Err(Error::refused(format!("{nanoseconds} nanoseconds are no time of day")));
    }
    check_micros(dialect, nanoseconds)
}

fn check_micros(dialect: Dialect, nanoseconds: i64) -> Result<()> {
    if dialect == Dialect::Memgraph && nanoseconds % 1000 != 0 {
        return Err(cannot(dialect, "hold nanoseconds: it counts microseconds"));
    }
    Ok(())
}

fn check_offset(dialect: Dialect, offset: i32) -> Result<()> {
    if offset.unsigned_abs() > 64_800 {
        return Err(cannot(dialect, &format!("hold an offset of {offset} seconds: 18 hours are the most")));
    }
    if dialect == Dialect::Memgraph && offset % 60 != 0 {
        return Err(cannot(dialect, &format!("hold an offset of {offset} seconds: it counts minutes")));
    }
    Ok(())
}

pub(super) fn date(dialect: Dialect, date: Date, out: &mut Vec<u8>) -> Result<()> {
    check_days(dialect, date.days)?;
    out.extend_from_slice(head(dialect, "DATE(\"", "date('"));
    date.put(out);
    out.extend_from_slice(tail(dialect));
    Ok(())
}

pub(super) fn local_time(dialect: Dialect, time: LocalTime, out: &mut Vec<u8>) -> Result<()> {
    check_clock(dialect, time.nanoseconds)?;
    out.extend_from_slice(head(dialect, "LOCALTIME(\"", "localtime('"));
    match dialect {
        Dialect::Memgraph => clock6(time.nanoseconds, out),
        Dialect::Neo4j => time.put(out),
    }
    out.extend_from_slice(tail(dialect));
    Ok(())
}

pub(super) fn time(dialect: Dialect, time: Time, out: &mut Vec<u8>) -> Result<()> {
    if dialect == Dialect::Memgraph {
        return Err(cannot(dialect, "hold a time of day with an offset"));
    }
    check_clock(dialect, time.nanoseconds)?;
    check_offset(dialect, time.offset)?;
    if time.offset % 60 == 0 {
        out.extend_from_slice(b"time('");
        time.put(out);
        out.extend_from_slice(b"')");
    } else {
        out.extend_from_slice(b"time({");
        clock_parts(time.nanoseconds, out);
        out.extend_from_slice(b", timezone: '");
        put_offset(out, time.offset);
        out.extend_from_slice(b"'})");
    }
    Ok(())
}

pub(super) fn local_date_time(dialect: Dialect, value: LocalDateTime, out: &mut Vec<u8>) -> Result<()> {
    check_days(dialect, value.seconds.div_euclid(DAY))?;
    check_micros(dialect, i64::from(value.nanoseconds))?;
    out.extend_from_slice(head(dialect, "LOCALDATETIME(\"", "localdatetime('"));
    match dialect {
        Dialect::Memgraph => local6(value.seconds, value.nanoseconds, out),
        Dialect::Neo4j => value.put(out),
    }
    out.extend_from_slice(tail(dialect));
    Ok(())
}

pub(super) fn date_time(dialect: Dialect, value: DateTime, out: &mut Vec<u8>) -> Result<()> {
    let DateTime { seconds, nanoseconds, offset } = value;
    check_offset(dialect, offset)?;
    let local = seconds.checked_add(i64::from(offset)).ok_or_else(|| cannot(dialect, "hold an instant so far away"))?;
    check_days(dialect, local.div_euclid(DAY))?;
    if dialect == Dialect::Memgraph {
        check_micros(dialect, i64::from(nanoseconds))?;
        out.extend_from_slice(b"DATETIME(\"");
        local6(local, nanoseconds, out);
        offset_digits(offset, out);
        out.extend_from_slice(b"\")");
        return Ok(());
    }
    if seconds.unsigned_abs() <= EPOCH_LIMIT {
        epoch(seconds, nanoseconds, out);
    } else {
        let (year, month, day) = civil_from_days(local.div_euclid(DAY));
        for (name, part) in [("datetime({year: ", year), (", month: ", month.into()), (", day: ", day.into())] {
            out.extend_from_slice(name.as_bytes());
            integer(part, out);
        }
        out.extend_from_slice(b", ");
        clock_parts(local.rem_euclid(DAY) * NANOS + i64::from(nanoseconds), out);
    }
    out.extend_from_slice(b", timezone: '");
    put_offset(out, offset);
    out.extend_from_slice(b"'})");
    Ok(())
}

pub(super) fn zoned(dialect: Dialect, value: ZonedDateTime<'_>, out: &mut Vec<u8>) -> Result<()> {
    let ZonedDateTime { seconds, nanoseconds, zone } = value;
    if zone == "Z" || zone.starts_with(['+', '-']) || zone.is_empty() {
        return Err(cannot(dialect, &format!("hold a time zone of the name {zone:?}")));
    }
    if dialect == Dialect::Memgraph {
        check_days(dialect, seconds.div_euclid(DAY))?;
        check_micros(dialect, i64::from(nanoseconds))?;
        let offset = offset_of(seconds, zone)?;
        check_offset(dialect, offset)?;
        let local = seconds + i64::from(offset);
        check_days(dialect, local.div_euclid(DAY))?;
        out.extend_from_slice(b"DATETIME(\"");
        local6(local, nanoseconds, out);
        offset_digits(offset, out);
        out.push(b'[');
        out.extend_from_slice(zone.as_bytes());
        out.extend_from_slice(b"]\")");
        return Ok(());
    }
    check_days(dialect, seconds.div_euclid(DAY))?;
    if seconds.unsigned_abs() <= EPOCH_LIMIT {
        epoch(seconds, nanoseconds, out);
    } else {
        out.extend_from_slice(b"datetime({datetime: datetime.fromepoch(");
        integer(seconds, out);
        out.extend_from_slice(b", ");
        integer(nanoseconds.into(), out);
        out.push(b')');
    }
    out.extend_from_slice(b", timezone: ");
    string(dialect, zone, out);
    out.extend_from_slice(b"})");
    Ok(())
}

pub(super) fn duration(dialect: Dialect, value: Duration, out: &mut Vec<u8>) -> Result<()> {
    let Duration { months, days, seconds, nanoseconds } = value;
    let total = i128::from(seconds) * i128::from(NANOS) + i128::from(nanoseconds);
    if dialect == Dialect::Neo4j {
        let whole = i128::from(months) * 2_629_746 + i128::from(days) * i128::from(DAY) + total / i128::from(NANOS);
        if i64::try_from(whole).is_err() {
            return Err(cannot(dialect, "hold a duration so long"));
        }
        let parts = [("duration({months: ", months), (", days: ", days), (", seconds: ", seconds)];
        for (name, part) in parts.into_iter().chain([(", nanoseconds: ", i64::from(nanoseconds))]) {
            out.extend_from_slice(name.as_bytes());
            integer(part, out);
        }
        out.extend_from_slice(b"})");
        return Ok(());
    }
    if months != 0 {
        return Err(cannot(dialect, "hold months in a duration: it counts days and microseconds"));
    }
    check_micros(dialect, i64::from(nanoseconds))?;
    let micros = total / 1000;
    if i64::try_from(micros + i128::from(days) * i128::from(DAY) * 1_000_000).is_err() {
        return Err(cannot(dialect, "hold a duration so long"));
    }
    if !value.is_microseconds_cut_into_days() {
        return Err(cannot(dialect, "keep the days of a duration apart from its hours"));
    }
    // Each part has a sign of its own; the fraction shares that of the seconds, which may be zero.
    let micros = micros as i64;
    out.extend_from_slice(b"DURATION(\"P");
    integer(days, out);
    out.extend_from_slice(b"DT");
    integer(micros / 3_600_000_000, out);
    out.push(b'H');
    integer(micros / 60_000_000 % 60, out);
    out.push(b'M');
    let rest = micros % 60_000_000;
    if rest < 0 {
        out.push(b'-');
    }
    integer(rest.abs() / 1_000_000, out);
    six(rest.unsigned_abs() % 1_000_000, out);
    out.extend_from_slice(b"S\")");
    Ok(())
}

fn head(dialect: Dialect, memgraph: &'static str, neo4j: &'static str) -> &'static [u8] {
    match dialect {
        Dialect::Memgraph => memgraph.as_bytes(),
        Dialect::Neo4j => neo4j.as_bytes(),
    }
}

fn tail(dialect: Dialect) -> &'static [u8] {
    head(dialect, "\")", "')")
}

/// `datetime({epochSeconds: …, nanosecond: …`, without the end.
fn epoch(seconds: i64, nanoseconds: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(b"datetime({epochSeconds: ");
    integer(seconds, out);
    out.extend_from_slice(b", nanosecond: ");
    integer(nanoseconds.into(), out);
}

/// `hour: …, minute: …, second: …, nanosecond: …`.
fn clock_parts(nanoseconds: i64, out: &mut Vec<u8>) {
    let seconds = nanoseconds / NANOS;
    let parts = [
        ("hour: ", seconds / 3600),
        (", minute: ", seconds / 60 % 60),
        (", second: ", seconds % 60),
        (", nanosecond: ", nanoseconds % NANOS),
    ];
    for (name, part) in parts {
        out.extend_from_slice(name.as_bytes());
        integer(part, out);
    }
}

fn offset_of(seconds: i64, zone: &str) -> Result<i32> {
    let unknown = |cause: jiff::Error| {
        Error::refused(format!("no offset is known for the time zone {zone:?} at this instant")).caused_by(cause)
    };
    let zone = ZONES.get(zone).map_err(unknown)?;
    // The calculator ends a day before the year 9999 does; no zone changes its rules in that day.
    let seconds = seconds.clamp(jiff::Timestamp::MIN.as_second(), jiff::Timestamp::MAX.as_second());
    Ok(zone.to_offset(jiff::Timestamp::from_second(seconds).map_err(unknown)?).seconds())
}

fn two(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'0' + (value / 10) as u8, b'0' + (value % 10) as u8]);
}

/// `.` and six digits.
fn six(micros: u64, out: &mut Vec<u8>) {
    out.push(b'.');
    for place in [100_000, 10_000, 1000, 100, 10, 1] {
        out.push(b'0' + (micros / place % 10) as u8);
    }
}

fn clock6(nanoseconds: i64, out: &mut Vec<u8>) {
    let seconds = nanoseconds / NANOS;
    two(seconds / 3600, out);
    out.push(b':');
    two(seconds / 60 % 60, out);
    out.push(b':');
    two(seconds % 60, out);
    six((nanoseconds % NANOS / 1000).unsigned_abs(), out);
}

fn local6(seconds: i64, nanoseconds: u32, out: &mut Vec<u8>) {
    Date { days: seconds.div_euclid(DAY) }.put(out);
    out.push(b'T');
    clock6(seconds.rem_euclid(DAY) * NANOS + i64::from(nanoseconds), out);
}

/// `+hh:mm`, zero included.
fn offset_digits(offset: i32, out: &mut Vec<u8>) {
    out.push(if offset < 0 { b'-' } else { b'+' });
    let minutes = i64::from(offset.unsigned_abs() / 60);
    two(minutes / 60, out);
    out.push(b':');
    two(minutes % 60, out);
}
