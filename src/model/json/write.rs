//! PackStream in, JSON text out.

use super::text;
use crate::error::{Error, Result};
use crate::model::packstream::{Cursor, MAX_DEPTH, ValueRef, VectorType, too_deep};
use crate::model::spatial::Point;
use crate::model::temporal::{Duration, LocalDateTime, ZonedDateTime};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Writes the value at the cursor. The text has no line break.
///
/// # Errors
/// The bytes are not well formed or nested too deep, or a time is none: a time of day beyond 24 hours. `out` then
/// holds a part of the value.
pub fn write(cursor: &mut Cursor<'_>, out: &mut Vec<u8>) -> Result<()> {
    value(cursor, out, 0)
}

/// Writes the map at the cursor as an object with its keys as they are, even those that begin with `$`: for places that hold
/// nothing but a map. `failed` words the error of one entry.
///
/// # Errors
/// The next value is no map; or what [`write()`] says, in the words of `failed`.
pub fn write_map(cursor: &mut Cursor<'_>, out: &mut Vec<u8>, failed: impl Fn(&str, Error) -> Error) -> Result<()> {
    let size = cursor.map()?;
    out.push(b'{');
    for at in 0..size {
        if at > 0 {
            out.push(b',');
        }
        let key = cursor.string()?;
        write_string(key, out);
        out.push(b':');
        value(cursor, out, 1).map_err(|error| failed(key, error))?;
    }
    out.push(b'}');
    Ok(())
}

/// Writes a string with its quotes. Control characters are escaped, U+0080 to U+009F among them; all others stand for themselves.
#[inline]
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape(text, out);
    out.push(b'"');
}

#[inline]
fn escape(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    loop {
        let (clean, dirty) = rest.split_at_checked(text::clean(rest)).unwrap_or((rest, &[]));
        out.extend_from_slice(clean);
        match dirty.split_first() {
            None => return,
            Some((byte, after)) => rest = escape_one(*byte, after, out),
        }
    }
}

#[cold]
fn escape_one<'a>(byte: u8, after: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0xC2 => match after.split_first() {
            Some((second @ 0x80..=0x9F, rest)) => {
                unicode(*second, out);
                return rest;
            }
            _ => {
                out.push(byte);
                return after;
            }
        },
        _ => {
            unicode(byte, out);
            return after;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
    after
}

fn unicode(code: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\\u00");
    out.extend_from_slice(&[hex(code >> 4), hex(code & 0x0F)]);
}

fn hex(digit: u8) -> u8 {
    if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }
}

#[inline]
fn integer(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

#[inline]
fn float(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
    } else {
        let bits = (value.to_bits() != CANONICAL_NAN).then(|| format!("NaN:{:016x}", value.to_bits()));
        odd_float(value, bits.as_deref(), out);
    }
}

fn float32(value: f32, out: &mut Vec<u8>) {
    if value.is_finite() {
        out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
    } else {
        let bits = (value.to_bits() != CANONICAL_NAN_32).then(|| format!("NaN:{:08x}", value.to_bits()));
        odd_float(f64::from(value), bits.as_deref(), out);
    }
}

const CANONICAL_NAN: u64 = 0x7FF8_0000_0000_0000;
const CANONICAL_NAN_32: u32 = 0x7FC0_0000;

fn odd_float(value: f64, bits: Option<&str>, out: &mut Vec<u8>) {
    let word = match (value.is_nan(), bits) {
        (true, Some(bits)) => bits,
        (true, None) => "NaN",
        _ if value > 0.0 => "Infinity",
        _ => "-Infinity",
    };
    typed(out, "float", |out| write_string(word, out));
}

/// `{"$name":…}`
#[inline]
fn typed(out: &mut Vec<u8>, name: &str, body: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b"{\"$");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    body(out);
    out.push(b'}');
}

/// `{"$name":"…"}`, for text that needs no escapes.
#[inline]
fn quoted(out: &mut Vec<u8>, name: &str, body: impl FnOnce(&mut Vec<u8>)) {
    typed(out, name, |out| {
        out.push(b'"');
        body(out);
        out.push(b'"');
    });
}

fn separated(out: &mut Vec<u8>, size: usize, mut each: impl FnMut(&mut Vec<u8>) -> Result<()>) -> Result<()> {
    out.push(b'[');
    for at in 0..size {
        if at > 0 {
            out.push(b',');
        }
        each(out)?;
    }
    out.push(b']');
    Ok(())
}

const DAY: i64 = 86_400;

fn clock_in_range(nanoseconds: i64) -> Result<()> {
    if (0..DAY * 1_000_000_000).contains(&nanoseconds) {
        return Ok(());
    }
    Err(Error::failed(format!("{nanoseconds} nanoseconds after midnight are not a time of day")))
}

fn offset_in_range(offset: i32) -> Result<()> {
    if i64::from(offset).abs() < DAY {
        return Ok(());
    }
    Err(Error::failed(format!("{offset} seconds are not an offset from UTC")))
}

/// The instants whose text can be read back: all but the last days of i64.
fn seconds_in_range(seconds: i64) -> Result<()> {
    if seconds.unsigned_abs() < i64::MAX as u64 - 3 * DAY as u64 {
        return Ok(());
    }
    Err(Error::failed(format!("{seconds} seconds since 1970 have no date")))
}

/// `depth` is the number of containers around the value.
fn value(cursor: &mut Cursor<'_>, out: &mut Vec<u8>, depth: usize) -> Result<()> {
    match cursor.value()? {
        ValueRef::String(text) => write_string(text, out),
        ValueRef::Integer(value) => integer(value, out),
        ValueRef::Float(value) => float(value, out),
        ValueRef::Null => out.extend_from_slice(b"null"),
        ValueRef::Boolean(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        ValueRef::List(size) => {
            let depth = deeper(depth)?;
            separated(out, size, |out| value(cursor, out, depth))?;
        }
        ValueRef::Map(size) => map(cursor, out, deeper(depth)?, size)?,
        ValueRef::Structure(tag, fields) => {
            let depth = deeper(depth)?;
            out.extend_from_slice(b"{\"$structure\":{\"tag\":");
            integer(i64::from(tag), out);
            out.extend_from_slice(b",\"fields\":");
            separated(out, fields, |out| value(cursor, out, depth))?;
            out.extend_from_slice(b"}}");
        }
        scalar => typed_scalar(&scalar, out)?,
    }
    Ok(())
}

fn deeper(depth: usize) -> Result<usize> {
    if depth < MAX_DEPTH { Ok(depth + 1) } else { Err(too_deep()) }
}

fn map(cursor: &mut Cursor<'_>, out: &mut Vec<u8>, depth: usize, size: usize) -> Result<()> {
    let start = out.len();
    let mut wrapped = false;
    out.push(b'{');
    for at in 0..size {
        if at > 0 {
            out.push(b',');
        }
        let key = cursor.string()?;
        if key.starts_with('$') && !wrapped {
            out.splice(start..start, *b"{\"$map\":");
            wrapped = true;
        }
        write_string(key, out);
        out.push(b':');
        value(cursor, out, depth)?;
    }
    out.extend_from_slice(if wrapped { b"}}" } else { b"}" });
    Ok(())
}

fn typed_scalar(scalar: &ValueRef<'_>, out: &mut Vec<u8>) -> Result<()> {
    match *scalar {
        ValueRef::Bytes(bytes) => quoted(out, "bytes", |out| base64(bytes, out)),
        ValueRef::Date(date) => quoted(out, "date", |out| date.put(out)),
        ValueRef::LocalTime(time) => {
            clock_in_range(time.nanoseconds)?;
            quoted(out, "localTime", |out| time.put(out));
        }
        ValueRef::Time(time) => {
            clock_in_range(time.nanoseconds)?;
            offset_in_range(time.offset)?;
            quoted(out, "time", |out| time.put(out));
        }
        ValueRef::LocalDateTime(moment) => {
            seconds_in_range(moment.seconds)?;
            quoted(out, "localDateTime", |out| moment.put(out));
        }
        ValueRef::DateTime(moment) => {
            seconds_in_range(moment.seconds)?;
            offset_in_range(moment.offset)?;
            quoted(out, "dateTime", |out| moment.put(out));
        }
        ValueRef::ZonedDateTime(ZonedDateTime { seconds, nanoseconds, zone }) => {
            seconds_in_range(seconds)?;
            quoted(out, "dateTime", |out| {
                LocalDateTime { seconds, nanoseconds }.put(out);
                out.extend_from_slice(b"Z[");
                escape(zone, out);
                out.push(b']');
            });
        }
        ValueRef::Duration(Duration { months, days, seconds, nanoseconds }) => {
            let mut parts = [months, days, seconds, i64::from(nanoseconds)].into_iter();
            typed(out, "duration", |out| numbers(out, &mut parts, integer));
        }
        ValueRef::Point(point) => typed(out, "point", |out| coordinates(&point, out)),
        ValueRef::Vector(kind, data) => vector(kind, data, out),
        ValueRef::Enum(text) => typed(out, "enum", |out| write_string(text, out)),
        // The caller writes what JSON has, and what has members.
        _ => return Err(Error::failed(format!("{} is not a scalar with a type of its own", scalar.name()))),
    }
    Ok(())
}

fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    // 48 KiB at a time, a multiple of three, so that the pieces join.
    let mut piece = String::new();
    for part in bytes.chunks(48 << 10) {
        piece.clear();
        STANDARD.encode_string(part, &mut piece);
        out.extend_from_slice(piece.as_bytes());
    }
}

fn coordinates(point: &Point, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"srid\":");
    integer(i64::from(point.srid), out);
    out.extend_from_slice(b",\"x\":");
    float(point.x, out);
    out.extend_from_slice(b",\"y\":");
    float(point.y, out);
    if let Some(z) = point.z {
        out.extend_from_slice(b",\"z\":");
        float(z, out);
    }
    out.push(b'}');
}

fn numbers<T>(out: &mut Vec<u8>, values: &mut impl Iterator<Item = T>, put: impl Fn(T, &mut Vec<u8>)) {
    out.push(b'[');
    for (at, value) in values.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        put(value, out);
    }
    out.push(b']');
}

fn elements<const N: usize>(data: &[u8]) -> impl Iterator<Item = [u8; N]> {
    data.as_chunks::<N>().0.iter().copied()
}

fn vector(kind: VectorType, data: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"$vector\":{\"type\":\"");
    out.extend_from_slice(kind.name().as_bytes());
    out.extend_from_slice(b"\",\"values\":");
    match kind {
        VectorType::I8 => numbers(out, &mut elements(data).map(|x| i64::from(i8::from_be_bytes(x))), integer),
        VectorType::I16 => numbers(out, &mut elements(data).map(|x| i64::from(i16::from_be_bytes(x))), integer),
        VectorType::I32 => numbers(out, &mut elements(data).map(|x| i64::from(i32::from_be_bytes(x))), integer),
        VectorType::I64 => numbers(out, &mut elements(data).map(i64::from_be_bytes), integer),
        VectorType::F32 => numbers(out, &mut elements(data).map(f32::from_be_bytes), float32),
        VectorType::F64 => numbers(out, &mut elements(data).map(f64::from_be_bytes), float),
    }
    out.extend_from_slice(b"}}");
}
