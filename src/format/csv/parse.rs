//! The text of cells as values.

use super::column::Sort;
use crate::error::{Error, Result};
use crate::model::temporal::{Date, DateTime, Duration, LocalDateTime, LocalTime, Time, ZonedDateTime};
use crate::model::{Point, ValueRef, packstream};

type Options = [(String, String)];

fn option<'a>(options: &'a Options, name: &str) -> Option<&'a str> {
    options.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// Writes the value of a cell, or of an element of an array, as PackStream.
pub(super) fn value(text: &str, sort: Sort, options: &Options, out: &mut Vec<u8>) -> Result<()> {
    if sort == Sort::String {
        packstream::put_string(out, text);
        return Ok(());
    }
    let bare = text.trim();
    let wrong = || Error::corrupt(format!("{:?} is not a {}", clipped(text), sort.name()));
    let read = match sort {
        Sort::String => None,
        Sort::Boolean if bare.eq_ignore_ascii_case("true") => Some(ValueRef::Boolean(true)),
        Sort::Boolean if bare.eq_ignore_ascii_case("false") => Some(ValueRef::Boolean(false)),
        Sort::Boolean => None,
        Sort::Integer | Sort::Byte => bare.parse().ok().map(ValueRef::Integer),
        Sort::Float => number(bare).map(|value| ValueRef::Float(f64::from(value as f32))),
        Sort::Double => number(bare).map(ValueRef::Float),
        Sort::Date => Date::parse(bare).map(ValueRef::Date),
        Sort::LocalTime => LocalTime::parse(bare).map(ValueRef::LocalTime),
        Sort::Time => time(bare, option(options, "timezone")).map(ValueRef::Time),
        Sort::LocalDateTime => LocalDateTime::parse(bare).map(ValueRef::LocalDateTime),
        Sort::DateTime => instant(bare, option(options, "timezone")),
        Sort::Duration => Duration::parse(bare).map(ValueRef::Duration),
        Sort::Point => point(bare, options).map(ValueRef::Point),
    };
    packstream::put_value(out, &read.ok_or_else(wrong)?);
    Ok(())
}

fn clipped(text: &str) -> String {
    text.chars().take(80).collect()
}

/// A number as Java reads it: `NaN` and `Infinity` are spelled so and not otherwise.
fn number(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" | "+Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        // What begins like a number cannot be one of the other spellings that the language takes for infinity.
        _ => match text.strip_prefix(['+', '-']).unwrap_or(text).bytes().next() {
            Some(b'0'..=b'9' | b'.') => text.parse().ok(),
            _ => None,
        },
    }
}

fn is_offset(zone: &str) -> bool {
    zone == "Z" || zone.starts_with(['+', '-'])
}

fn time(text: &str, default: Option<&str>) -> Option<Time> {
    let zone = default.unwrap_or("Z");
    Time::parse(text).or_else(|| is_offset(zone).then(|| Time::parse(&format!("{text}{zone}"))).flatten())
}

fn instant<'a>(text: &'a str, default: Option<&'a str>) -> Option<ValueRef<'a>> {
    let (local, zone) = match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
        Some((local, zone)) => (local, Some(zone)),
        None => (text, None),
    };
    if let Some(DateTime { seconds, nanoseconds, offset }) = DateTime::parse(local) {
        return match zone {
            Some(zone) => Some(ValueRef::ZonedDateTime(ZonedDateTime { seconds, nanoseconds, zone })),
            None => Some(ValueRef::DateTime(DateTime { seconds, nanoseconds, offset })),
        };
    }
    let zone = zone.or(default).unwrap_or("Z");
    if is_offset(zone) {
        return DateTime::parse(&format!("{local}{zone}")).map(ValueRef::DateTime);
    }
    // Without an offset the rules of the zone decide.
    let LocalDateTime { seconds, nanoseconds } = LocalDateTime::parse(local)?;
    let civil = jiff::Timestamp::from_second(seconds).ok()?.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    let rules = jiff::tz::TimeZoneDatabase::bundled().get(zone).ok()?;
    let seconds = rules.to_ambiguous_timestamp(civil).compatible().ok()?.as_second();
    Some(ValueRef::ZonedDateTime(ZonedDateTime { seconds, nanoseconds, zone }))
}

fn point(text: &str, options: &Options) -> Option<Point> {
    let (mut x, mut y, mut z) = (None, None, None);
    let mut crs = option(options, "crs").map(str::to_ascii_lowercase);
    let mut srid = option(options, "srid").map(str::to_owned);
    let mut is_earth = false;
    for pair in text.strip_prefix('{')?.strip_suffix('}')?.split(',') {
        let (key, value) = pair.split_once(':')?;
        let plain = |text: &str| text.trim().trim_matches(['"', '\'']).to_ascii_lowercase();
        let place = match &*plain(key) {
            "x" => &mut x,
            "y" => &mut y,
            "z" => &mut z,
            "longitude" => {
                is_earth = true;
                &mut x
            }
            "latitude" => {
                is_earth = true;
                &mut y
            }
            "height" => &mut z,
            "crs" => {
                crs = Some(plain(value));
                continue;
            }
            "srid" => {
                srid = Some(plain(value));
                continue;
            }
            _ => return None,
        };
        if place.replace(number(value.trim())?).is_some() {
            return None;
        }
    }
    let srid = match (srid, crs.as_deref()) {
        (Some(srid), _) => srid.parse().ok()?,
        (None, Some("wgs-84")) => 4326,
        (None, Some("wgs-84-3d")) => 4979,
        (None, Some("cartesian")) => 7203,
        (None, Some("cartesian-3d")) => 9157,
        (None, Some(_)) => return None,
        (None, None) => match (is_earth, z.is_some()) {
            (true, false) => 4326,
            (true, true) => 4979,
            (false, false) => 7203,
            (false, true) => 9157,
        },
    };
    let is_solid = matches!(srid, 4979 | 9157);
    (is_solid == z.is_some()).then_some(Point { srid, x: x?, y: y?, z })
}
