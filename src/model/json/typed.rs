//! Values behind a `$` key.

use super::parse::{Parser, deeper};
use crate::error::{Error, Result};
use crate::model::packstream::{self, ValueRef, VectorType, tag};
use crate::model::spatial::Point;
use crate::model::temporal::{Date, DateTime, Duration, LocalDateTime, LocalTime, Time, ZonedDateTime};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// No vector may be larger: the size of a byte array has 32 bits.
const MAX_VECTOR: usize = 1 << 30;

/// The structures that have a `$` key of their own, and must not come as `$structure`.
const KNOWN: [u8; 11] = [
    tag::DATE,
    tag::TIME,
    tag::LOCAL_TIME,
    tag::LOCAL_DATE_TIME,
    tag::DATE_TIME,
    tag::ZONED_DATE_TIME,
    tag::DURATION,
    tag::POINT_2D,
    tag::POINT_3D,
    tag::VECTOR,
    tag::ENUM,
];

impl Parser<'_> {
    /// Reads what stands after `"$…":`.
    pub(super) fn typed_value(&mut self, key: &str, from: usize, out: &mut Vec<u8>, depth: usize) -> Result<()> {
        match key {
            "$map" => self.plain_object(out, depth),
            "$date" => self.text(out, "a date", |text| Date::parse(text).map(ValueRef::Date)),
            "$localTime" => self.text(out, "a local time", |text| LocalTime::parse(text).map(ValueRef::LocalTime)),
            "$time" => self.text(out, "a time with an offset", |text| {
                Time::parse(text).filter(|time| is_offset(time.offset)).map(ValueRef::Time)
            }),
            "$localDateTime" => {
                self.text(out, "a local date-time", |text| LocalDateTime::parse(text).map(ValueRef::LocalDateTime))
            }
            "$dateTime" => self.text(out, "a date-time with an offset or a zone", |text| {
                if text.ends_with(']') {
                    return ZonedDateTime::parse(text).map(ValueRef::ZonedDateTime);
                }
                DateTime::parse(text).filter(|moment| is_offset(moment.offset)).map(ValueRef::DateTime)
            }),
            "$duration" => self.duration(out),
            "$float" => {
                let value = self.float_word(16)?;
                packstream::put_float(out, f64::from_bits(value));
                Ok(())
            }
            "$bytes" => {
                let from = self.position();
                let text = self.string()?;
                match STANDARD.decode(text.as_bytes()) {
                    Ok(bytes) => packstream::put_bytes(out, &bytes),
                    Err(_) => return self.blame(from, "$bytes is not base64"),
                }
                Ok(())
            }
            "$enum" => {
                let text = self.string()?;
                packstream::put_value(out, &ValueRef::Enum(&text));
                Ok(())
            }
            "$point" => self.point(out),
            "$vector" => self.vector(out),
            "$structure" => self.structure(out, depth),
            _ => self.blame(from, format!("unknown type {key:?}")),
        }
    }

    fn text(&mut self, out: &mut Vec<u8>, what: &str, parse: impl Fn(&str) -> Option<ValueRef<'_>>) -> Result<()> {
        self.peek();
        let from = self.position();
        let text = self.string()?;
        match parse(&text) {
            Some(value) => packstream::put_value(out, &value),
            None => return self.blame(from, format!("{text:?} is not {what}")),
        }
        Ok(())
    }

    /// The bits of a float that JSON has no number for, of 16 digits for a 64-bit float or 8 for a 32-bit one.
    fn float_word(&mut self, digits: usize) -> Result<u64> {
        self.peek();
        let from = self.position();
        let text = self.string()?;
        let (infinity, sign) = if digits == 16 {
            (f64::INFINITY.to_bits(), 1 << 63)
        } else {
            (u64::from(f32::INFINITY.to_bits()), 1 << 31)
        };
        let canonical = if digits == 16 { f64::NAN.to_bits() } else { u64::from(f32::NAN.to_bits()) };
        let bits = match &*text {
            "NaN" => Some(canonical),
            "Infinity" => Some(infinity),
            "-Infinity" => Some(infinity | sign),
            _ => text
                .strip_prefix("NaN:")
                .filter(|bits| bits.len() == digits && bits.bytes().all(|digit| digit.is_ascii_hexdigit()))
                .and_then(|bits| u64::from_str_radix(bits, 16).ok())
                .filter(|bits| bits & !sign > infinity),
        };
        match bits {
            Some(bits) => Ok(bits),
            None => self.blame(from, format!("{text:?} is not NaN, Infinity, -Infinity or the bits of a NaN")),
        }
    }

    /// Where a number may be a `$float` object: reads the object, or tells that there is none.
    fn float_object(&mut self, digits: usize) -> Result<Option<u64>> {
        if self.peek() != Some(b'{') {
            return Ok(None);
        }
        let mut bits = None;
        self.fields(|parser, key, from| match key {
            "$float" if bits.is_none() => {
                bits = Some(parser.float_word(digits)?);
                Ok(())
            }
            _ => parser.blame(from, format!("unknown key {key:?} in a number")),
        })?;
        if bits.is_some() { Ok(bits) } else { Err(self.expected("a number")) }
    }

    fn float(&mut self) -> Result<f64> {
        if let Some(bits) = self.float_object(16)? {
            return Ok(f64::from_bits(bits));
        }
        let from = self.position();
        let (text, _) = self.number_text()?;
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => self.blame(from, format!("{text} does not fit a 64-bit float")),
        }
    }

    fn float32(&mut self) -> Result<f32> {
        if let Some(bits) = self.float_object(8)? {
            return Ok(f32::from_bits(u32::try_from(bits).unwrap_or_default()));
        }
        let from = self.position();
        let (text, _) = self.number_text()?;
        match text.parse::<f32>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => self.blame(from, format!("{text} does not fit a 32-bit float")),
        }
    }

    /// An integer of fewer bits.
    fn small<T: TryFrom<i64>>(&mut self, what: &str) -> Result<T> {
        self.peek();
        let from = self.position();
        let value = self.integer()?;
        match T::try_from(value) {
            Ok(value) => Ok(value),
            Err(_) => self.blame(from, format!("{value} is out of range for {what}")),
        }
    }

    fn duration(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.peek();
        let from = self.position();
        let mut parts = [0; 3];
        let mut nanoseconds = 0;
        let mut at = 0;
        self.elements(|parser| {
            match parts.get_mut(at) {
                Some(part) => *part = parser.integer()?,
                None => nanoseconds = parser.small("nanoseconds")?,
            }
            at += 1;
            Ok(())
        })?;
        if at != 4 {
            return self.blame(from, format!("a duration has 4 parts, not {at}"));
        }
        let [months, days, seconds] = parts;
        packstream::put_value(out, &ValueRef::Duration(Duration { months, days, seconds, nanoseconds }));
        Ok(())
    }

    fn point(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.peek();
        let start = self.position();
        let (mut srid, mut x, mut y, mut z) = (None, None, None, None);
        self.fields(|parser, key, from| {
            let twice = match key {
                "srid" => srid.replace(parser.small("an srid")?).is_some(),
                "x" => x.replace(parser.float()?).is_some(),
                "y" => y.replace(parser.float()?).is_some(),
                "z" => z.replace(parser.float()?).is_some(),
                _ => return parser.blame(from, format!("unknown key {key:?} in a point")),
            };
            if twice { parser.twice(key, from) } else { Ok(()) }
        })?;
        match (srid, x, y) {
            (Some(srid), Some(x), Some(y)) => packstream::put_value(out, &ValueRef::Point(Point { srid, x, y, z })),
            _ => return self.blame(start, "a point needs srid, x and y"),
        }
        Ok(())
    }

    fn twice(&mut self, key: &str, from: usize) -> Result<()> {
        self.blame(from, format!("the key {key:?} comes twice in one object"))
    }

    fn vector(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.peek();
        let start = self.position();
        let mut kind: Option<VectorType> = None;
        let mut data: Option<Vec<u8>> = None;
        let mut later = None;
        self.fields(|parser, key, from| {
            parser.peek();
            match (key, kind) {
                ("type", None) => {
                    let from = parser.position();
                    let name = parser.string()?;
                    match VectorType::from_name(&name) {
                        Some(found) => kind = Some(found),
                        None => return parser.blame(from, format!("{name:?} is not an element type of vectors")),
                    }
                }
                ("values", Some(kind)) if data.is_none() && later.is_none() => data = Some(parser.numbers(kind)?),
                ("values", None) if later.is_none() => {
                    // The type comes after the values: they are read when it is known.
                    later = Some(parser.position());
                    parser.skip(&mut Vec::new())?;
                }
                ("type" | "values", _) => return parser.twice(key, from),
                _ => return parser.blame(from, format!("unknown key {key:?} in a vector")),
            }
            Ok(())
        })?;
        if let (Some(from), Some(kind)) = (later, kind) {
            let end = self.position();
            self.seek(from);
            data = Some(self.numbers(kind)?);
            self.seek(end);
        }
        match (kind, data) {
            (Some(kind), Some(data)) => packstream::put_value(out, &ValueRef::Vector(kind, &data)),
            _ => return self.blame(start, "a vector needs type and values"),
        }
        Ok(())
    }

    fn numbers(&mut self, kind: VectorType) -> Result<Vec<u8>> {
        let mut data = Vec::new();
        let what = format!("an {}", kind.name());
        self.elements(|parser| {
            match kind {
                VectorType::I8 => data.extend_from_slice(&parser.small::<i8>(&what)?.to_be_bytes()),
                VectorType::I16 => data.extend_from_slice(&parser.small::<i16>(&what)?.to_be_bytes()),
                VectorType::I32 => data.extend_from_slice(&parser.small::<i32>(&what)?.to_be_bytes()),
                VectorType::I64 => data.extend_from_slice(&parser.integer()?.to_be_bytes()),
                VectorType::F32 => data.extend_from_slice(&parser.float32()?.to_bits().to_be_bytes()),
                VectorType::F64 => data.extend_from_slice(&parser.float()?.to_bits().to_be_bytes()),
            }
            if data.len() > MAX_VECTOR { Err(Error::corrupt("a vector is larger than 1 GiB")) } else { Ok(()) }
        })?;
        Ok(data)
    }

    fn structure(&mut self, out: &mut Vec<u8>, depth: usize) -> Result<()> {
        let depth = deeper(depth)?;
        self.peek();
        let start = self.position();
        let head = out.len();
        packstream::put_structure(out, 0, 0);
        let (mut tag, mut size) = (None, None);
        self.fields(|parser, key, from| {
            match key {
                "tag" if tag.is_none() => {
                    let number: u8 = parser.small("a structure's tag")?;
                    if KNOWN.contains(&number) {
                        return parser.blame(from, format!("a structure with the tag {number} has a type of its own"));
                    }
                    tag = Some(number);
                }
                "fields" if size.is_none() => {
                    parser.peek();
                    let from = parser.position();
                    let count = parser.elements(|parser| parser.member(out, depth))?;
                    if count > 15 {
                        return parser.blame(from, format!("a structure has at most 15 fields, not {count}"));
                    }
                    size = Some(count);
                }
                "tag" | "fields" => return parser.twice(key, from),
                _ => return parser.blame(from, format!("unknown key {key:?} in a structure")),
            }
            Ok(())
        })?;
        let (Some(tag), Some(size)) = (tag, size) else {
            return self.blame(start, "a structure needs tag and fields");
        };
        let mut known = Vec::with_capacity(2);
        packstream::put_structure(&mut known, tag, size);
        if let Some(place) = out.get_mut(head..head + known.len()) {
            place.copy_from_slice(&known);
        }
        Ok(())
    }
}

fn is_offset(offset: i32) -> bool {
    offset.abs() < 86_400
}
