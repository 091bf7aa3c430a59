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
use crate::model::temporal::DateTime;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::civil;
use jiff::fmt::strtime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use std::borrow::Cow;
use std::fmt;

/// How a DATE is written, in strftime's words.
const FORMAT: &str = "%Y-%m-%d %H:%M:%S.%3f";

/// The time zone of a server: its dates are local to it, and say so nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl fmt::Debug for Zone {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.name())
    }
}

impl Zone {
    /// UTC.
    #[must_use]
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// A zone by its name in the IANA database, or an offset such as `+05:30`.
    ///
    /// # Errors
    /// There is no such zone.
    pub fn named(name: &str) -> Result<Self> {
        if matches!(name, "Z" | "UTC" | "GMT" | "Etc/UTC") {
            return Ok(Self::utc());
        }
        let offset = || strtime::parse("%:z", name).ok()?.offset().map(TimeZone::fixed);
        match offset() {
            Some(zone) => Ok(Self(zone)),
            None => TimeZone::get(name).map(Self).map_err(|cause| {
                Error::usage(format!("{name:?} is no time zone"))
                    .hint("give a name such as Europe/Stockholm, or an offset such as +02:00")
                    .caused_by(cause)
            }),
        }
    }

    /// Its name, or its offset.
    #[must_use]
    pub fn name(&self) -> String {
        match (self.0.iana_name(), self.0.to_fixed_offset()) {
            (Some(name), _) => name.to_owned(),
            (None, Ok(offset)) => offset.to_string(),
            (None, Err(_)) => "UTC".to_owned(),
        }
    }

    /// The instant that a DATE's text means, in milliseconds since 1970, and whether it could be another as well: it lies in the hour that comes twice when
    /// clocks are set back. The earlier of the two is given then.
    ///
    /// # Errors
    /// It is no such text, or no instant has it.
    pub fn instant(&self, text: &str) -> Result<(i64, bool)> {
        let wrong = || Error::corrupt(format!("{text:?} is no date such as \"2024-02-29 23:59:59.123\""));
        let fraction = |text| strtime::parse("%Y-%m-%d %H:%M:%S%.f", text).and_then(|parts| parts.to_datetime());
        let local: civil::DateTime = fraction(text).map_err(|cause| wrong().caused_by(cause))?;
        let ambiguous = self.0.to_ambiguous_timestamp(local);
        let is_twice = matches!(ambiguous.offset(), AmbiguousOffset::Fold { .. });
        if matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
            return Err(Error::corrupt(format!("there is no {text} in the zone {}", self.name()))
                .hint("the dates are from a server with another time zone: say which it is"));
        }
        let instant = ambiguous.earlier().map_err(|cause| wrong().caused_by(cause))?;
        Ok((instant.as_millisecond(), is_twice))
    }

    /// The text of an instant, in milliseconds since 1970; `None` if it would be read as another: the hour that comes twice, the second time.
    ///
    /// # Errors
    /// It is beyond the years that can be written.
    pub fn text(&self, milliseconds: i64) -> Result<Option<String>> {
        let beyond = || {
            Error::refused(format!(
                "an instant of {milliseconds} ms is beyond the years that HugeGraph's text can hold"
            ))
        };
        let instant = jiff::Timestamp::from_millisecond(milliseconds).map_err(|cause| beyond().caused_by(cause))?;
        let local = self.0.to_datetime(instant);
        if !(0..=9999).contains(&local.year()) {
            return Err(beyond());
        }
        let text = local.strftime(FORMAT).to_string();
        let (again, _) = self.instant(&text)?;
        Ok((again == milliseconds).then_some(text))
    }
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
                        json.parse().map_err(|_| self.wrong(json))?
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
                let (instant, is_twice) = self.zone.instant(&text()?)?;
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

/// Writes the value at a cursor as the JSON of a property.
///
/// # Errors
/// It is not what the property key can hold; the message says why.
pub fn write(key: &PropertyKey, cursor: &mut Cursor<'_>, zone: &Zone, out: &mut Vec<u8>) -> Result<()> {
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

fn element(key: &PropertyKey, cursor: &mut Cursor<'_>, zone: &Zone, out: &mut Vec<u8>) -> Result<()> {
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
            let text = zone.text(milliseconds.ok_or_else(beyond)?)?.ok_or_else(|| {
                Error::refused(format!("the instant in {:?} lies in the hour that comes twice in the server's zone {}, the second time: its text means the first", key.name, zone.name()))
                    .hint("run the server in UTC")
            })?;
            write_string(&text, out);
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

/// Whether a FLOAT gives this number back: its shortest text is the same.
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
        write(&key, &mut Cursor::new(&bytes), &Zone::utc(), &mut out).unwrap();
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
                write(&key(data_type, "SINGLE"), &mut Cursor::new(&bytes), &Zone::utc(), &mut Vec::new()).is_err(),
                "{value:?}"
            );
        }
        assert!(read(&key("INT", "SINGLE"), "\"1\"", &Zone::utc(), &mut Vec::new()).is_err());
        assert!(read(&key("DOUBLE", "SINGLE"), "inf", &Zone::utc(), &mut Vec::new()).is_err());
    }

    #[test]
    fn zones_are_minded() {
        let zone = Zone::named("America/New_York").unwrap();
        assert_eq!(zone.instant("2024-06-01 04:00:00.000").unwrap(), (1_717_228_800_000, false));
        assert_eq!(zone.text(1_717_228_800_000).unwrap().as_deref(), Some("2024-06-01 04:00:00.000"));
        let (first, is_twice) = zone.instant("2024-11-03 01:30:00.000").unwrap();
        assert!(is_twice);
        assert_eq!(zone.text(first + 3_600_000).unwrap(), None);
        assert!(zone.instant("2024-03-10 02:30:00.000").is_err());
        assert_eq!(Zone::named("+05:30").unwrap().instant("1970-01-01 05:30:00.001").unwrap(), (1, false));
        assert!(Zone::named("Nowhere/Nothing").is_err());
    }
}
