//! Values: JSON on one side, PackStream on the other, and the property key that says what is meant.
//!
//! | data type | JSON | here |
//! |---|---|---|
//! | BOOLEAN | `true` | boolean |
//! | BYTE, INT, LONG | `-7` | integer |
//! | FLOAT, DOUBLE | `1.5`, `"NaN"`, `"Infinity"`, `"-Infinity"` | float; a FLOAT is the number that its shortest text says |
//! | TEXT, UUID | `"…"` | string |
//! | BLOB | base64 | bytes |
//! | DATE | `"2024-02-29 23:59:59.123"`, local to the server | an instant with the offset 0 |
//! | OBJECT | what it is | what it is |
//!
//! A LIST or SET is an array of those.

use super::schema::{Cardinality, DataType, PropertyKey};
use crate::error::{Error, Result};
use crate::model::json::write_string;
use crate::model::packstream::{self, Cursor, ValueRef};
use crate::model::temporal::{DateTime, days_from_civil};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone};
use std::borrow::Cow;
use std::fmt;

/// How a DATE is written, in strftime's words.
const FORMAT: &str = "%Y-%m-%d %H:%M:%S.%3f";

/// The first day of the Gregorian calendar.
const GREGORIAN: civil::DateTime = civil::datetime(1582, 10, 15, 0, 0, 0, 0);

/// Milliseconds.
const DAY: i64 = 86_400_000;

/// 1900-01-01 in UTC, in milliseconds: what Java's older calendar knows of a zone's history begins here.
const KNOWN: i64 = -2_208_988_800_000;

/// The time zone of a server: its dates are local to it, and say so nowhere.
///
/// Servers write dates with Java's older calendar. To it an instant before 1900 has the standard time of today, whatever clocks said then: `1843-03-31 11:53:20` in New
/// York is 5 hours behind UTC, not 4:56:02.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone {
    rules: TimeZone,
    /// Milliseconds from UTC to the zone's standard time of today.
    standard: i64,
}

impl fmt::Debug for Zone {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.name())
    }
}

impl Zone {
    /// UTC.
    #[must_use]
    pub fn utc() -> Self {
        Self::of(TimeZone::UTC)
    }

    fn of(rules: TimeZone) -> Self {
        // The least of a year: what rules call standard in summer, as Ireland's do, is to Java not the standard.
        let year = (0..37).filter_map(|part| jiff::Timestamp::from_second(2_114_380_800 + part * 864_000).ok());
        let standard = year.map(|at| rules.to_offset(at).seconds()).min().unwrap_or_default();
        Self { rules, standard: i64::from(standard) * 1000 }
    }

    /// A zone by its name in the IANA database, or an offset such as `+05:30`.
    ///
    /// # Errors
    /// There is no such zone.
    pub fn named(name: &str) -> Result<Self> {
        if matches!(name, "Z" | "UTC" | "GMT" | "Etc/UTC") {
            return Ok(Self::utc());
        }
        let offset = || jiff::fmt::strtime::parse("%:z", name).ok()?.offset().map(TimeZone::fixed);
        match offset() {
            Some(zone) => Ok(Self::of(zone)),
            None => TimeZone::get(name).map(Self::of).map_err(|cause| {
                Error::usage(format!("{name:?} is no time zone"))
                    .hint("give a name such as Europe/Stockholm, or an offset such as +02:00")
                    .caused_by(cause)
            }),
        }
    }

    /// Its name, or its offset.
    #[must_use]
    pub fn name(&self) -> String {
        match (self.rules.iana_name(), self.rules.to_fixed_offset()) {
            (Some(name), _) => name.to_owned(),
            (None, Ok(offset)) => offset.to_string(),
            (None, Err(_)) => "UTC".to_owned(),
        }
    }

    /// The instant that a DATE's text means, in milliseconds since 1970, and whether it could be another as well: it lies in the hour that comes twice when
    /// clocks are set back. The earlier of the two is given then.
    ///
    /// Servers write days before 1582-10-15 by the Julian calendar, and years above 9999 with more digits. (They read the former by the Gregorian one: text
    /// does not come back as it was, so we write [numbers](Self::text).)
    ///
    /// # Errors
    /// It is no such text, or no instant has it.
    pub fn instant(&self, text: &str) -> Result<(i64, bool)> {
        let wrong = || Error::corrupt(format!("{text:?} is no date such as \"2024-02-29 23:59:59.123\""));
        let (days, milliseconds) = local(text).ok_or_else(wrong)?;
        let naive = days.checked_mul(DAY).and_then(|day| day.checked_add(milliseconds)).ok_or_else(wrong)?;
        let old = naive.checked_sub(self.standard).ok_or_else(wrong)?;
        let new = self.by_rules(naive);
        match (old < KNOWN, new) {
            (true, new) => Ok((old, new.is_some_and(|(new, _)| new >= KNOWN))),
            (false, Some((new, is_twice))) if new >= KNOWN => Ok((new, is_twice)),
            (false, _) => Err(Error::corrupt(format!("there is no {text} in the zone {}", self.name()))
                .hint("the dates are from a server with another time zone: say which it is")),
        }
    }

    /// The instant that has a local time by the zone's rules, and whether another has it as well; `None` where clocks pass over it.
    fn by_rules(&self, naive: i64) -> Option<(i64, bool)> {
        // Beyond the years that the zones' rules know, and where no rule changes any more.
        let Ok(wall) = jiff::Timestamp::from_millisecond(naive) else {
            let offset = self.rules.to_offset(jiff::Timestamp::MAX).seconds();
            return Some((naive.checked_sub(i64::from(offset) * 1000)?, false));
        };
        let ambiguous = self.rules.to_ambiguous_timestamp(TimeZone::UTC.to_datetime(wall));
        match ambiguous.offset() {
            AmbiguousOffset::Gap { .. } => None,
            offset => {
                let is_twice = matches!(offset, AmbiguousOffset::Fold { .. });
                Some((ambiguous.earlier().ok()?.as_millisecond(), is_twice))
            }
        }
    }

    /// The text of an instant, in milliseconds since 1970; `None` if a server in this zone would read another instant from it, or none: before 1582-10-15, after
    /// the year 9999, the second time in an hour that comes twice. A number of milliseconds is taken always.
    #[must_use]
    pub fn text(&self, milliseconds: i64) -> Option<String> {
        let instant = |milliseconds| jiff::Timestamp::from_millisecond(milliseconds).ok();
        let local = if milliseconds < KNOWN {
            TimeZone::UTC.to_datetime(instant(milliseconds.checked_add(self.standard)?)?)
        } else {
            self.rules.to_datetime(instant(milliseconds)?)
        };
        if local < GREGORIAN {
            return None;
        }
        let text = local.strftime(FORMAT).to_string();
        self.instant(&text).is_ok_and(|(again, _)| again == milliseconds).then_some(text)
    }
}

/// Days since 1970 and milliseconds of the day that a text says.
fn local(text: &str) -> Option<(i64, i64)> {
    let (date, time) = text.trim().split_once(' ')?;
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i64>().ok())?;
    let mut parts = date.split('-').map(number);
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = clock.split(':').map(number);
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 59
        || fraction.len() > 3
    {
        return None;
    }
    let milliseconds = number(&format!("{fraction:0<3}"))?;
    let days = if (year, month, day) < (1582, 10, 15) {
        julian_days(year, month, day)
    } else {
        days_from_civil(year, month as u8, day as u8)?
    };
    Some((days, ((hour * 60 + minute) * 60 + second) * 1000 + milliseconds))
}

/// Days since 1970 of a day in the Julian calendar: every fourth year is a leap year.
fn julian_days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the leap day is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    // 1970-01-01 by the Gregorian calendar is 719,470 days after the first of March of the year 0 by the Julian.
    year.div_euclid(4) * 1461 + year.rem_euclid(4) * 365 + (153 * month + 2) / 5 + day - 1 - 719_470
}

/// Reads the JSON of a property into `out`; gives how many of its dates could be another instant as well.
///
/// # Errors
/// It is not what the property key says.
pub fn read(key: &PropertyKey, json: &str, zone: &Zone, out: &mut Vec<u8>) -> Result<u64> {
    let mut reading = Reading { key, zone, ambiguous: 0 };
    match key.cardinality {
        Cardinality::Single => reading.element(json, out)?,
        Cardinality::List | Cardinality::Set => {
            let elements: Vec<&serde_json::value::RawValue> =
                serde_json::from_str(json).map_err(|cause| reading.wrong(json).caused_by(cause))?;
            packstream::put_list(out, elements.len());
            elements.iter().try_for_each(|element| reading.element(element.get(), out))?;
        }
    }
    Ok(reading.ambiguous)
}

struct Reading<'a> {
    key: &'a PropertyKey,
    zone: &'a Zone,
    ambiguous: u64,
}

impl Reading<'_> {
    fn wrong(&self, json: &str) -> Error {
        let short: String = json.chars().take(60).collect();
        Error::corrupt(format!(
            "the property {:?} is of the type {:?}, and its value is {short}",
            self.key.name, self.key.data_type
        ))
    }

    /// A number that is not an integer. Of a FLOAT, versions of Java write other digits than the shortest ones, such as `1.4E-45` and `1.17549435E-38`.
    fn number(&self, json: &str) -> Option<f64> {
        if self.key.data_type == DataType::Double {
            return json.parse().ok().filter(|number: &f64| number.is_finite());
        }
        let number: f32 = json.parse().ok()?;
        if number.is_finite() { number.to_string().parse().ok() } else { None }
    }

    fn element(&mut self, json: &str, out: &mut Vec<u8>) -> Result<()> {
        let json = json.trim();
        let text = || {
            serde_json::from_str::<Text<'_>>(json).map_err(|cause| self.wrong(json).caused_by(cause)).map(|text| text.0)
        };
        match self.key.data_type {
            DataType::Boolean => match json {
                "true" => packstream::put_boolean(out, true),
                "false" => packstream::put_boolean(out, false),
                _ => return Err(self.wrong(json)),
            },
            DataType::Byte | DataType::Int | DataType::Long => {
                packstream::put_integer(out, json.parse().map_err(|_| self.wrong(json))?);
            }
            DataType::Float | DataType::Double => {
                let number = match json {
                    "\"NaN\"" => f64::NAN,
                    "\"Infinity\"" => f64::INFINITY,
                    "\"-Infinity\"" => f64::NEG_INFINITY,
                    _ if json.starts_with(|first: char| first.is_ascii_digit() || first == '-') => {
                        self.number(json).ok_or_else(|| self.wrong(json))?
                    }
                    _ => return Err(self.wrong(json)),
                };
                packstream::put_float(out, number);
            }
            DataType::Text | DataType::Uuid => packstream::put_string(out, &text()?),
            DataType::Blob => {
                let bytes = BASE64.decode(text()?.as_bytes()).map_err(|cause| self.wrong(json).caused_by(cause))?;
                packstream::put_bytes(out, &bytes);
            }
            DataType::Date => {
                let (instant, is_twice) = match json.parse() {
                    Ok(milliseconds) => (milliseconds, false),
                    Err(_) => self.zone.instant(&text()?)?,
                };
                self.ambiguous += u64::from(is_twice);
                let value = ValueRef::DateTime(DateTime {
                    seconds: instant.div_euclid(1000),
                    nanoseconds: instant.rem_euclid(1000) as u32 * 1_000_000,
                    offset: 0,
                });
                packstream::put_value(out, &value);
            }
            DataType::Object => {
                let value = serde_json::from_str(json).map_err(|cause| self.wrong(json).caused_by(cause))?;
                super::schema::from_json(value).put(out);
            }
        }
        Ok(())
    }
}

#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Writes the value at a cursor as the JSON of a property: dates as text of this zone where that says the same, else as milliseconds since 1970, which servers take
/// as well.
///
/// # Errors
/// It is not what the property key can hold; the message says why.
pub fn write(key: &PropertyKey, cursor: &mut Cursor<'_>, zone: Option<&Zone>, out: &mut Vec<u8>) -> Result<()> {
    if key.cardinality == Cardinality::Single {
        return element(key, cursor, zone, out);
    }
    let ValueRef::List(count) = cursor.value()? else {
        return Err(Error::refused(format!("the property {:?} takes a list", key.name)));
    };
    out.push(b'[');
    for at in 0..count {
        if at > 0 {
            out.push(b',');
        }
        element(key, cursor, zone, out)?;
    }
    out.push(b']');
    Ok(())
}

fn element(key: &PropertyKey, cursor: &mut Cursor<'_>, zone: Option<&Zone>, out: &mut Vec<u8>) -> Result<()> {
    let mut value = cursor.value()?;
    if let ValueRef::ZonedDateTime(instant) = value {
        // HugeGraph keeps the instant and no zone; whoever minds has asked before.
        value = ValueRef::DateTime(DateTime { seconds: instant.seconds, nanoseconds: instant.nanoseconds, offset: 0 });
    }
    let within = |number: i64, bits: u32| number >= -(1_i64 << (bits - 1)) && number < 1_i64 << (bits - 1);
    match (key.data_type, value) {
        (DataType::Boolean, ValueRef::Boolean(value)) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        (DataType::Byte, ValueRef::Integer(number)) if within(number, 8) => put_integer(number, out),
        (DataType::Int, ValueRef::Integer(number)) if within(number, 32) => put_integer(number, out),
        (DataType::Long, ValueRef::Integer(number)) => put_integer(number, out),
        (DataType::Double, ValueRef::Float(number)) => put_float(number, out),
        (DataType::Float, ValueRef::Float(number)) if fits_float(number) => put_float(number, out),
        (DataType::Text | DataType::Uuid, ValueRef::String(text)) => write_string(text, out),
        (DataType::Blob, ValueRef::Bytes(bytes)) => write_string(&BASE64.encode(bytes), out),
        (DataType::Date, ValueRef::DateTime(instant)) if instant.nanoseconds % 1_000_000 == 0 => {
            let milliseconds = instant.seconds.checked_mul(1000);
            let milliseconds = milliseconds.and_then(|at| at.checked_add(i64::from(instant.nanoseconds / 1_000_000)));
            let beyond = || Error::refused(format!("the instant in {:?} is beyond what HugeGraph can hold", key.name));
            let milliseconds = milliseconds.ok_or_else(beyond)?;
            match zone.and_then(|zone| zone.text(milliseconds)) {
                Some(text) => write_string(&text, out),
                None => put_integer(milliseconds, out),
            }
        }
        (DataType::Object, _) => {
            return Err(Error::refused(format!(
                "HugeGraph's REST interface takes no values for the property key {:?}: its type is OBJECT",
                key.name
            )));
        }
        (wanted, value) => {
            return Err(Error::refused(format!(
                "the property {:?} is of the type {wanted:?}, which cannot hold {}",
                key.name,
                value.name()
            )));
        }
    }
    Ok(())
}

fn put_integer(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn put_float(number: f64, out: &mut Vec<u8>) {
    if number.is_nan() {
        out.extend_from_slice(b"\"NaN\"");
    } else if number.is_infinite() {
        out.extend_from_slice(if number > 0.0 { b"\"Infinity\"" } else { b"\"-Infinity\"" });
    } else {
        out.extend_from_slice(ryu::Buffer::new().format_finite(number).as_bytes());
    }
}

/// Whether a FLOAT gives this number back: its shortest text is the same, as it is for every one that was read.
fn fits_float(number: f64) -> bool {
    let small = number as f32;
    !number.is_finite() || (small.is_finite() && small.to_string().parse().is_ok_and(|again: f64| again == number))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::value::Value;

    fn key(data_type: &str, cardinality: &str) -> PropertyKey {
        serde_json::from_value(serde_json::json!({"name": "p", "data_type": data_type, "cardinality": cardinality}))
            .unwrap()
    }

    fn there_and_back(data_type: &str, cardinality: &str, json: &str) -> Value {
        let key = key(data_type, cardinality);
        let mut bytes = Vec::new();
        read(&key, json, &Zone::utc(), &mut bytes).unwrap();
        let mut out = Vec::new();
        write(&key, &mut Cursor::new(&bytes), Some(&Zone::utc()), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), json);
        Value::read(&mut Cursor::new(&bytes)).unwrap()
    }

    #[test]
    fn every_type_goes_there_and_back() {
        assert_eq!(there_and_back("LONG", "SINGLE", "-9223372036854775808"), Value::Integer(i64::MIN));
        assert_eq!(
            there_and_back("BYTE", "SET", "[-128,127]"),
            Value::List(vec![Value::Integer(-128), Value::Integer(127)])
        );
        assert_eq!(there_and_back("FLOAT", "SINGLE", "3.4028235e38"), Value::Float(3.402_823_5e38));
        assert_eq!(there_and_back("FLOAT", "SINGLE", "0.1"), Value::Float(0.1));
        assert_eq!(there_and_back("DOUBLE", "SINGLE", "-0.0"), Value::Float(-0.0));
        assert_eq!(
            there_and_back("DOUBLE", "LIST", "[\"NaN\",\"-Infinity\"]"),
            Value::List(vec![Value::Float(f64::NAN), Value::Float(f64::NEG_INFINITY)])
        );
        assert_eq!(there_and_back("TEXT", "SINGLE", "\"a\\\"é\""), Value::String("a\"é".to_owned()));
        assert_eq!(there_and_back("BLOB", "SINGLE", "\"AP8=\""), Value::Bytes(vec![0, 255]));
        let date = DateTime { seconds: -1, nanoseconds: 877_000_000, offset: 0 };
        assert_eq!(there_and_back("DATE", "SINGLE", "\"1969-12-31 23:59:59.877\""), Value::DateTime(date));
    }

    /// As a server of Java 17 writes them.
    #[test]
    fn floats_have_their_shortest_digits() {
        for (text, number) in
            [("1.4E-45", 1e-45), ("1.17549435E-38", 1.175_494_4e-38), ("-3.4028235E38", -3.402_823_5e38)]
        {
            let (key, mut bytes, mut out) = (key("FLOAT", "SINGLE"), Vec::new(), Vec::new());
            read(&key, text, &Zone::utc(), &mut bytes).unwrap();
            assert_eq!(Value::read(&mut Cursor::new(&bytes)).unwrap(), Value::Float(number));
            write(&key, &mut Cursor::new(&bytes), None, &mut out).unwrap();
            let (again, was): (f32, f32) = (std::str::from_utf8(&out).unwrap().parse().unwrap(), text.parse().unwrap());
            assert_eq!(again.to_bits(), was.to_bits());
        }
        for (data_type, text) in [("FLOAT", "1e39"), ("DOUBLE", "1e309")] {
            assert!(read(&key(data_type, "SINGLE"), text, &Zone::utc(), &mut Vec::new()).is_err());
        }
    }

    #[test]
    fn what_a_type_cannot_hold_is_refused() {
        for (data_type, value) in [
            ("BYTE", Value::Integer(128)),
            ("INT", Value::Integer(1 << 31)),
            ("FLOAT", Value::Float(0.1_f32.into())),
            ("TEXT", Value::Integer(1)),
            ("DATE", Value::DateTime(DateTime { seconds: 0, nanoseconds: 1, offset: 0 })),
        ] {
            let bytes = value.to_packstream();
            assert!(
                write(&key(data_type, "SINGLE"), &mut Cursor::new(&bytes), Some(&Zone::utc()), &mut Vec::new())
                    .is_err(),
                "{value:?}"
            );
        }
        assert!(read(&key("INT", "SINGLE"), "\"1\"", &Zone::utc(), &mut Vec::new()).is_err());
        assert!(read(&key("DOUBLE", "SINGLE"), "inf", &Zone::utc(), &mut Vec::new()).is_err());
    }

    /// What Java 17 printed (SimpleDateFormat), with which servers write.
    #[test]
    fn before_1900_a_zone_has_the_standard_time_of_today() {
        for (zone, old, last, first) in [
            ("America/New_York", "1843-03-31 11:53:20.000", "1899-12-31 18:59:59.999", "1899-12-31 19:00:00.000"),
            ("Asia/Kolkata", "1843-03-31 22:23:20.000", "1900-01-01 05:29:59.999", "1900-01-01 05:21:10.000"),
            ("Asia/Shanghai", "1843-04-01 00:53:20.000", "1900-01-01 07:59:59.999", "1900-01-01 08:05:43.000"),
            ("Europe/Dublin", "1843-03-31 16:53:20.000", "1899-12-31 23:59:59.999", "1899-12-31 23:34:39.000"),
            ("Africa/Casablanca", "1843-03-31 16:53:20.000", "1899-12-31 23:59:59.999", "1899-12-31 23:29:40.000"),
            ("Pacific/Apia", "1843-04-01 05:53:20.000", "1900-01-01 12:59:59.999", "1899-12-31 12:33:04.000"),
        ] {
            let zone = Zone::named(zone).unwrap();
            assert_eq!(zone.instant(old).unwrap(), (-4_000_000_000_000, false), "{zone:?}");
            assert_eq!(zone.text(-4_000_000_000_000).as_deref(), Some(old), "{zone:?}");
            assert_eq!(zone.instant(last).unwrap().0, KNOWN - 1, "{zone:?}");
            // Where the clock goes back on that day, a text is two instants, and the first is taken.
            let (found, is_twice) = zone.instant(first).unwrap();
            assert!(found == KNOWN || (is_twice && found < KNOWN), "{zone:?} {found}");
        }
        assert!(Zone::named("Asia/Kolkata").unwrap().instant("1900-01-01 05:25:00.000").unwrap().1);
        assert!(Zone::named("Asia/Shanghai").unwrap().instant("1900-01-01 08:02:00.000").is_err());
        let new_york = Zone::named("America/New_York").unwrap();
        assert_eq!(new_york.instant("1582-10-04 19:00:00.000").unwrap(), (-12_219_292_800_000, false));
    }

    #[test]
    fn zones_are_minded() {
        let zone = Zone::named("America/New_York").unwrap();
        assert_eq!(zone.instant("2024-06-01 04:00:00.000").unwrap(), (1_717_228_800_000, false));
        assert_eq!(zone.text(1_717_228_800_000).as_deref(), Some("2024-06-01 04:00:00.000"));
        let (first, is_twice) = zone.instant("2024-11-03 01:30:00.000").unwrap();
        assert!(is_twice);
        assert_eq!(zone.text(first + 3_600_000), None);
        assert!(zone.instant("2024-03-10 02:30:00.000").is_err());
        assert_eq!(Zone::named("+05:30").unwrap().instant("1970-01-01 05:30:00.001").unwrap(), (1, false));
        assert!(Zone::named("Nowhere/Nothing").is_err());
    }

    /// What a real server answered for dates that it was given as numbers.
    #[test]
    fn old_and_far_dates_are_read_as_servers_write_them() {
        let utc = Zone::utc();
        for (text, milliseconds) in [
            ("1970-01-01 00:00:00.000", 0),
            ("1582-10-15 00:00:00.000", -12_219_292_800_000),
            ("1582-10-04 23:59:59.999", -12_219_292_800_001),
            ("10000-01-01 00:00:00.000", 253_402_300_800_000),
            ("292278994-08-17 07:12:55.807", i64::MAX),
        ] {
            assert_eq!(utc.instant(text).unwrap(), (milliseconds, false), "{text}");
        }
        assert_eq!(utc.text(-12_219_292_800_001), None);
        assert_eq!(utc.text(-12_219_292_800_000).as_deref(), Some("1582-10-15 00:00:00.000"));
        assert_eq!(utc.text(253_402_300_800_000), None);
        for text in [
            "2024-02-29",
            "2024-13-01 00:00:00.000",
            "x",
            "2024-01-01 00:00:00.0000",
            "-1-01-01 00:00:00.000",
            "2023-02-29 00:00:00.000",
        ] {
            assert!(utc.instant(text).is_err(), "{text}");
        }
    }
}
