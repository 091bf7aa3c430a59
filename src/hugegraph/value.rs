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
use super::zone::Zone;
use crate::error::{Error, Result};
use crate::model::json::{Parser, write_string};
use crate::model::packstream::{self, Cursor, ValueRef};
use crate::model::temporal::DateTime;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Reads the JSON of a property into `out`; gives how many of its dates could be another instant as well.
///
/// # Errors
/// It is not what the property key says; `out` may then hold a part of it.
pub fn read(key: &PropertyKey, parser: &mut Parser<'_>, zone: &Zone, out: &mut Vec<u8>) -> Result<u64> {
    let mut reading = Reading { key, zone, ambiguous: 0 };
    match key.cardinality {
        Cardinality::Single => reading.element(parser, out)?,
        Cardinality::List | Cardinality::Set => {
            if parser.peek() != Some(b'[') {
                return Err(reading.wrong(parser, parser.position()));
            }
            let open = packstream::open_list(out);
            let size = parser.elements(|parser| reading.element(parser, out))?;
            open.close(out, size);
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
    /// The error that the value which begins there is of another type.
    fn wrong(&self, parser: &mut Parser<'_>, from: usize) -> Error {
        parser.seek(from);
        let value = match parser.raw() {
            Ok(value) => value,
            Err(error) => return error,
        };
        let short: String = value.chars().take(60).collect();
        Error::corrupt(format!(
            "the property {:?} is of the type {:?}, and its value is {short}",
            self.key.name, self.key.data_type
        ))
    }

    /// A number that is not an integer. Of a FLOAT, versions of Java write other digits than the shortest ones, such as `1.4E-45` and `1.17549435E-38`.
    fn number(&self, text: &str) -> Option<f64> {
        if self.key.data_type == DataType::Double {
            return text.parse().ok().filter(|number: &f64| number.is_finite());
        }
        let number: f32 = text.parse().ok()?;
        if number.is_finite() { number.to_string().parse().ok() } else { None }
    }

    fn element(&mut self, parser: &mut Parser<'_>, out: &mut Vec<u8>) -> Result<()> {
        let next = parser.peek();
        let from = parser.position();
        let is_number = matches!(next, Some(b'-' | b'0'..=b'9'));
        match (self.key.data_type, next) {
            (DataType::Boolean, _) if parser.literal(b"true") => packstream::put_boolean(out, true),
            (DataType::Boolean, _) if parser.literal(b"false") => packstream::put_boolean(out, false),
            (DataType::Byte | DataType::Int | DataType::Long, _) if is_number => {
                let number = parser.number_text()?.0.parse().map_err(|_| self.wrong(parser, from))?;
                packstream::put_integer(out, number);
            }
            (DataType::Float | DataType::Double, _) if is_number => {
                let number = self.number(parser.number_text()?.0).ok_or_else(|| self.wrong(parser, from))?;
                packstream::put_float(out, number);
            }
            (DataType::Float | DataType::Double, Some(b'"')) => {
                let number = match &*parser.string()? {
                    "NaN" => f64::NAN,
                    "Infinity" => f64::INFINITY,
                    "-Infinity" => f64::NEG_INFINITY,
                    _ => return Err(self.wrong(parser, from)),
                };
                packstream::put_float(out, number);
            }
            (DataType::Text | DataType::Uuid, Some(b'"')) => packstream::put_string(out, &parser.string()?),
            (DataType::Blob, Some(b'"')) => {
                let decoded = BASE64.decode(parser.string()?.as_bytes());
                let bytes = decoded.map_err(|cause| self.wrong(parser, from).caused_by(cause))?;
                packstream::put_bytes(out, &bytes);
            }
            (DataType::Date, _) if is_number => {
                let instant = parser.number_text()?.0.parse().map_err(|_| self.wrong(parser, from))?;
                put_instant(instant, out);
            }
            (DataType::Date, Some(b'"')) => {
                let (instant, is_twice) = self.zone.instant(&parser.string()?)?;
                self.ambiguous += u64::from(is_twice);
                put_instant(instant, out);
            }
            (DataType::Object, Some(_)) => {
                // A number that would become another one here ends it.
                parser.skip(&mut Vec::new())?;
                let value = serde_json::from_str(parser.since(from));
                super::schema::from_json(value.map_err(|cause| self.wrong(parser, from).caused_by(cause))?).put(out);
            }
            _ => return Err(self.wrong(parser, from)),
        }
        Ok(())
    }
}

/// An instant, in milliseconds since 1970.
fn put_instant(milliseconds: i64, out: &mut Vec<u8>) {
    let value = ValueRef::DateTime(DateTime {
        seconds: milliseconds.div_euclid(1000),
        nanoseconds: milliseconds.rem_euclid(1000) as u32 * 1_000_000,
        offset: 0,
    });
    packstream::put_value(out, &value);
}

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
        read(&key, &mut Parser::new(json), &Zone::utc(), &mut bytes).unwrap();
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
            read(&key, &mut Parser::new(text), &Zone::utc(), &mut bytes).unwrap();
            assert_eq!(Value::read(&mut Cursor::new(&bytes)).unwrap(), Value::Float(number));
            write(&key, &mut Cursor::new(&bytes), None, &mut out).unwrap();
            let (again, was): (f32, f32) = (std::str::from_utf8(&out).unwrap().parse().unwrap(), text.parse().unwrap());
            assert_eq!(again.to_bits(), was.to_bits());
        }
        for (data_type, text) in [("FLOAT", "1e39"), ("DOUBLE", "1e309")] {
            assert!(read(&key(data_type, "SINGLE"), &mut Parser::new(text), &Zone::utc(), &mut Vec::new()).is_err());
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
        for (data_type, cardinality, text) in [
            ("INT", "SINGLE", "\"1\""),
            ("INT", "SINGLE", "1.0"),
            ("INT", "SINGLE", "[1]"),
            ("INT", "LIST", "1"),
            ("INT", "SET", "[1,\"2\"]"),
            ("LONG", "SINGLE", "9223372036854775808"),
            ("TEXT", "SINGLE", "null"),
            ("BOOLEAN", "SINGLE", "\"true\""),
            ("BLOB", "SINGLE", "\"AP8\""),
            ("DATE", "SINGLE", "1.5"),
            ("DATE", "SINGLE", "true"),
            ("OBJECT", "SINGLE", "{\"a\":[99999999999999999999]}"),
        ] {
            let (mut parser, mut out) = (Parser::new(text), Vec::new());
            let refused = read(&key(data_type, cardinality), &mut parser, &Zone::utc(), &mut out);
            assert!(refused.is_err(), "{data_type} {cardinality} {text}");
        }
        assert!(read(&key("DOUBLE", "SINGLE"), &mut Parser::new("inf"), &Zone::utc(), &mut Vec::new()).is_err());
    }
}
