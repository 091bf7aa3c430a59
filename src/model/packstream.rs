//! PackStream: the encoding in which properties are kept from the source to the target.
//!
//! Source: the PackStream and Bolt structure specifications that Neo4j publishes (neo4j.com/docs/bolt). Sizes and numbers are big-endian. A
//! marker byte tells the type and, for small values, the value or the size:
//!
//! | marker | what |
//! |---|---|
//! | `00..7F`, `F0..FF` | integer -16 to 127 |
//! | `C8 C9 CA CB` | integer of 8, 16, 32, 64 bits |
//! | `C0 C2 C3 C1` | null, false, true, 64-bit float |
//! | `CC CD CE` | bytes with a size of 8, 16, 32 bits |
//! | `80..8F`, `D0 D1 D2` | string, size in bytes |
//! | `90..9F`, `D4 D5 D6` | list, size in values |
//! | `A0..AF`, `D8 D9 DA` | map, size in pairs of string and value |
//! | `B0..BF` | structure of 0 to 15 fields, then a tag byte |
//!
//! Two passes exist over such bytes and no third: [`Cursor::check`] proves once, where bytes come in, that a value is well formed, and
//! [`Cursor::value`] walks it without allocating. Writers are the `put_*` functions; a container whose size is not known yet is
//! opened with [`open_list`] or [`open_map`] and closed with the count.

use super::spatial::Point;
use super::temporal::{Date, DateTime, Duration, LocalDateTime, LocalTime, Time, ZonedDateTime};
use crate::error::{Error, Result};

/// How deep lists, maps and structures may nest inside one property. Deeper input is refused, so that no reader
/// can be made to overflow its stack.
pub const MAX_DEPTH: usize = 256;

/// Tags of the structures that are values. Those marked *ours* never go to a server.
pub mod tag {
    /// Date: days since 1970-01-01.
    pub const DATE: u8 = 0x44;
    /// Time: nanoseconds since local midnight, offset in seconds.
    pub const TIME: u8 = 0x54;
    /// LocalTime: nanoseconds since midnight.
    pub const LOCAL_TIME: u8 = 0x74;
    /// LocalDateTime: seconds and nanoseconds since the local epoch.
    pub const LOCAL_DATE_TIME: u8 = 0x64;
    /// DateTime: UTC seconds, nanoseconds, offset in seconds.
    pub const DATE_TIME: u8 = 0x49;
    /// DateTimeZoneId: UTC seconds, nanoseconds, zone name.
    pub const ZONED_DATE_TIME: u8 = 0x69;
    /// DateTime before the UTC patch: local seconds, nanoseconds, offset in seconds.
    pub const LEGACY_DATE_TIME: u8 = 0x46;
    /// DateTimeZoneId before the UTC patch: local seconds, nanoseconds, zone name.
    pub const LEGACY_ZONED_DATE_TIME: u8 = 0x66;
    /// Duration: months, days, seconds, nanoseconds.
    pub const DURATION: u8 = 0x45;
    /// Point2D: srid, x, y.
    pub const POINT_2D: u8 = 0x58;
    /// Point3D: srid, x, y, z.
    pub const POINT_3D: u8 = 0x59;
    /// Vector of Bolt 6.0: a one-byte element marker, the elements' bytes.
    pub const VECTOR: u8 = 0x56;
    /// Enum value, *ours*: `Name::Value`. Memgraph has it and no wire structure for it.
    pub const ENUM: u8 = 0x65;
    /// Node: id, labels, properties, and from Bolt 5 on element id.
    pub const NODE: u8 = 0x4E;
    /// Relationship: id, start, end, type, properties, and from Bolt 5 on three element ids.
    pub const RELATIONSHIP: u8 = 0x52;
    /// Relationship inside a path, without its ends.
    pub const UNBOUND_RELATIONSHIP: u8 = 0x72;
    /// Path: nodes, relationships, indices.
    pub const PATH: u8 = 0x50;
    /// A value that this protocol version cannot carry (Bolt 6): name, minimum major, minimum minor, extra map.
    pub const UNSUPPORTED: u8 = 0x3F;
}

/// The type of a vector's elements, with the marker byte that Bolt 6.0 writes for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VectorType {
    /// 8-bit integers, `C8`.
    I8,
    /// 16-bit integers, `C9`.
    I16,
    /// 32-bit integers, `CA`.
    I32,
    /// 64-bit integers, `CB`.
    I64,
    /// 32-bit floats, `C6`.
    F32,
    /// 64-bit floats, `C1`.
    F64,
}

impl VectorType {
    /// Every type, for tables and tests.
    pub const ALL: [Self; 6] = [Self::I8, Self::I16, Self::I32, Self::I64, Self::F32, Self::F64];

    /// The marker byte on the wire.
    #[must_use]
    pub fn marker(self) -> u8 {
        match self {
            Self::I8 => 0xC8,
            Self::I16 => 0xC9,
            Self::I32 => 0xCA,
            Self::I64 => 0xCB,
            Self::F32 => 0xC6,
            Self::F64 => 0xC1,
        }
    }

    /// The type of this marker byte.
    #[must_use]
    pub fn from_marker(marker: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.marker() == marker)
    }

    /// Bytes an element.
    #[must_use]
    pub fn width(self) -> usize {
        match self {
            Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }

    /// The name in our formats: `i8`, `i16`, `i32`, `i64`, `f32`, `f64`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// The type of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A value as it lies in a block: scalars and the known structures whole, a container as its size, its members following.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ValueRef<'a> {
    /// null: inside lists and maps only.
    Null,
    /// true or false.
    Boolean(bool),
    /// A 64-bit integer.
    Integer(i64),
    /// A 64-bit float, with its bits.
    Float(f64),
    /// A byte array.
    Bytes(&'a [u8]),
    /// UTF-8 text.
    String(&'a str),
    /// So many values follow.
    List(usize),
    /// So many pairs of [`ValueRef::String`] and value follow.
    Map(usize),
    /// A calendar date.
    Date(Date),
    /// A time of day.
    LocalTime(LocalTime),
    /// A time of day with an offset.
    Time(Time),
    /// A date and time without a zone.
    LocalDateTime(LocalDateTime),
    /// An instant with an offset.
    DateTime(DateTime),
    /// An instant with a named zone.
    ZonedDateTime(ZonedDateTime<'a>),
    /// Months, days, seconds and nanoseconds.
    Duration(Duration),
    /// A point in one of the coordinate reference systems.
    Point(Point),
    /// A vector: its element type and its elements, big-endian.
    Vector(VectorType, &'a [u8]),
    /// An enum value, `Name::Value`.
    Enum(&'a str),
    /// A structure that we do not know: its tag; so many fields follow.
    Structure(u8, usize),
}

/// The types whose values have no parts and are no structures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// null.
    Null,
    /// true or false.
    Boolean,
    /// A 64-bit integer.
    Integer,
    /// A 64-bit float.
    Float,
    /// A byte array.
    Bytes,
    /// UTF-8 text.
    String,
}

fn truncated() -> Error {
    Error::corrupt("PackStream bytes end in the middle of a value")
}

/// A position in PackStream bytes.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor before the first value.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The offset of the next value.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// Whether all was read.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The bytes from an earlier position to here.
    #[must_use]
    pub fn since(&self, from: usize) -> &'a [u8] {
        self.bytes.get(from..self.at).unwrap_or_default()
    }

    #[inline]
    fn take(&mut self, size: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(size).ok_or_else(truncated)?;
        let taken = self.bytes.get(self.at..end).ok_or_else(truncated)?;
        self.at = end;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    #[inline]
    fn byte(&mut self) -> Result<u8> {
        let byte = *self.bytes.get(self.at).ok_or_else(truncated)?;
        self.at += 1;
        Ok(byte)
    }

    /// A size of 1, 2 or 4 bytes, as the marker's offset from the family's first marker says.
    #[inline]
    fn size(&mut self, width: u8) -> Result<usize> {
        Ok(match width {
            0 => usize::from(self.byte()?),
            1 => usize::from(u16::from_be_bytes(self.array()?)),
            _ => u32::from_be_bytes(self.array()?) as usize,
        })
    }

    #[inline]
    fn text(&mut self, size: usize) -> Result<&'a str> {
        let bytes = self.take(size)?;
        std::str::from_utf8(bytes).map_err(|cause| Error::corrupt("a string is not valid UTF-8").caused_by(cause))
    }

    /// The next value; a container's members follow as values of their own.
    ///
    /// # Errors
    /// The bytes end too early, a marker does not exist, a string is not UTF-8, or a known structure has wrong fields.
    #[inline]
    pub fn value(&mut self) -> Result<ValueRef<'a>> {
        let marker = self.byte()?;
        Ok(match marker {
            0x00..=0x7F => ValueRef::Integer(i64::from(marker)),
            0x80..=0x8F => ValueRef::String(self.text(usize::from(marker & 0x0F))?),
            0x90..=0x9F => ValueRef::List(usize::from(marker & 0x0F)),
            0xA0..=0xAF => ValueRef::Map(usize::from(marker & 0x0F)),
            0xB0..=0xBF => return self.structure(usize::from(marker & 0x0F)),
            0xC0 => ValueRef::Null,
            0xC1 => ValueRef::Float(f64::from_be_bytes(self.array()?)),
            0xC2 => ValueRef::Boolean(false),
            0xC3 => ValueRef::Boolean(true),
            0xC8 => ValueRef::Integer(i64::from(i8::from_be_bytes(self.array()?))),
            0xC9 => ValueRef::Integer(i64::from(i16::from_be_bytes(self.array()?))),
            0xCA => ValueRef::Integer(i64::from(i32::from_be_bytes(self.array()?))),
            0xCB => ValueRef::Integer(i64::from_be_bytes(self.array()?)),
            0xCC..=0xCE => {
                let size = self.size(marker - 0xCC)?;
                ValueRef::Bytes(self.take(size)?)
            }
            0xD0..=0xD2 => {
                let size = self.size(marker - 0xD0)?;
                ValueRef::String(self.text(size)?)
            }
            0xD4..=0xD6 => ValueRef::List(self.size(marker - 0xD4)?),
            0xD8..=0xDA => ValueRef::Map(self.size(marker - 0xD8)?),
            0xF0..=0xFF => ValueRef::Integer(i64::from(marker as i8)),
            _ => return Err(Error::corrupt(format!("{marker:#04X} is not a PackStream marker"))),
        })
    }

    /// An integer.
    ///
    /// # Errors
    /// The next value is something else.
    pub fn integer(&mut self) -> Result<i64> {
        match self.value()? {
            ValueRef::Integer(value) => Ok(value),
            other => Err(unexpected("an integer", &other)),
        }
    }

    /// A string.
    ///
    /// # Errors
    /// The next value is something else.
    pub fn string(&mut self) -> Result<&'a str> {
        match self.value()? {
            ValueRef::String(value) => Ok(value),
            other => Err(unexpected("a string", &other)),
        }
    }

    /// A string's bytes, not proved once more to be UTF-8: for items of blocks, of which that is known.
    ///
    /// # Errors
    /// The next value is something else, or the bytes end too early.
    #[inline]
    pub fn text_bytes(&mut self) -> Result<&'a [u8]> {
        // Most are short, and found without a call.
        if let Some(marker @ 0x80..=0x8F) = self.bytes.get(self.at) {
            let end = self.at + 1 + usize::from(marker & 0x0F);
            if let Some(text) = self.bytes.get(self.at + 1..end) {
                self.at = end;
                return Ok(text);
            }
        }
        self.any_text_bytes()
    }

    fn any_text_bytes(&mut self) -> Result<&'a [u8]> {
        let from = self.at;
        match self.byte()? {
            marker @ 0x80..=0x8F => self.take(usize::from(marker & 0x0F)),
            marker @ 0xD0..=0xD2 => {
                let size = self.size(marker - 0xD0)?;
                self.take(size)
            }
            _ => {
                self.at = from;
                self.string().map(str::as_bytes)
            }
        }
    }

    /// Passes over the next value if it is a [`Scalar`], and says which; else stays before it. Text is not proved once more to be UTF-8: for
    /// items of blocks, of which that is known.
    ///
    /// # Errors
    /// The bytes end too early.
    #[inline]
    pub fn pass_scalar(&mut self) -> Result<Option<Scalar>> {
        // Most are small, and passed without a call.
        let (scalar, size) = match self.bytes.get(self.at) {
            Some(0x00..=0x7F | 0xF0..=0xFF) => (Scalar::Integer, 1),
            Some(marker @ 0x80..=0x8F) => (Scalar::String, 1 + usize::from(marker & 0x0F)),
            Some(0xC1) => (Scalar::Float, 9),
            _ => return self.pass_other_scalar(),
        };
        self.take(size)?;
        Ok(Some(scalar))
    }

    fn pass_other_scalar(&mut self) -> Result<Option<Scalar>> {
        let marker = *self.bytes.get(self.at).ok_or_else(truncated)?;
        let (scalar, size) = match marker {
            0xC0 => (Scalar::Null, 1),
            0xC2 | 0xC3 => (Scalar::Boolean, 1),
            0xC8..=0xCB => (Scalar::Integer, 1 + (1 << (marker - 0xC8))),
            0xCC..=0xCE | 0xD0..=0xD2 => {
                self.at += 1;
                let is_text = marker >= 0xD0;
                let size = self.size(marker - if is_text { 0xD0 } else { 0xCC })?;
                (if is_text { Scalar::String } else { Scalar::Bytes }, size)
            }
            _ => return Ok(None),
        };
        self.take(size)?;
        Ok(Some(scalar))
    }

    /// A list's size.
    ///
    /// # Errors
    /// The next value is something else.
    pub fn list(&mut self) -> Result<usize> {
        match self.value()? {
            ValueRef::List(size) => Ok(size),
            other => Err(unexpected("a list", &other)),
        }
    }

    /// A map's size.
    ///
    /// # Errors
    /// The next value is something else.
    pub fn map(&mut self) -> Result<usize> {
        // Most maps are small.
        if let Some(marker @ 0xA0..=0xAF) = self.bytes.get(self.at) {
            self.at += 1;
            return Ok(usize::from(marker & 0x0F));
        }
        match self.value()? {
            ValueRef::Map(size) => Ok(size),
            other => Err(unexpected("a map", &other)),
        }
    }

    /// A float.
    ///
    /// # Errors
    /// The next value is something else.
    pub fn float(&mut self) -> Result<f64> {
        match self.value()? {
            ValueRef::Float(value) => Ok(value),
            other => Err(unexpected("a float", &other)),
        }
    }

    fn structure(&mut self, fields: usize) -> Result<ValueRef<'a>> {
        let tag = self.byte()?;
        let expected = match tag {
            tag::DATE | tag::LOCAL_TIME | tag::ENUM => 1,
            tag::TIME | tag::LOCAL_DATE_TIME | tag::VECTOR => 2,
            tag::DATE_TIME | tag::ZONED_DATE_TIME | tag::POINT_2D => 3,
            tag::DURATION | tag::POINT_3D => 4,
            _ => return Ok(ValueRef::Structure(tag, fields)),
        };
        if fields != expected {
            return Err(Error::corrupt(format!("structure {tag:#04X} has {fields} fields instead of {expected}")));
        }
        Ok(match tag {
            tag::DATE => ValueRef::Date(Date { days: self.integer()? }),
            tag::LOCAL_TIME => ValueRef::LocalTime(LocalTime { nanoseconds: self.integer()? }),
            tag::TIME => ValueRef::Time(Time { nanoseconds: self.integer()?, offset: self.small()? }),
            tag::LOCAL_DATE_TIME => {
                let (seconds, nanoseconds) = self.instant()?;
                ValueRef::LocalDateTime(LocalDateTime { seconds, nanoseconds })
            }
            tag::DATE_TIME => {
                let (seconds, nanoseconds) = self.instant()?;
                ValueRef::DateTime(DateTime { seconds, nanoseconds, offset: self.small()? })
            }
            tag::ZONED_DATE_TIME => {
                let (seconds, nanoseconds) = self.instant()?;
                ValueRef::ZonedDateTime(ZonedDateTime { seconds, nanoseconds, zone: self.string()? })
            }
            tag::DURATION => ValueRef::Duration(Duration {
                months: self.integer()?,
                days: self.integer()?,
                seconds: self.integer()?,
                nanoseconds: self.small()?,
            }),
            tag::POINT_2D => {
                ValueRef::Point(Point { srid: self.small()?, x: self.float()?, y: self.float()?, z: None })
            }
            tag::POINT_3D => ValueRef::Point(Point {
                srid: self.small()?,
                x: self.float()?,
                y: self.float()?,
                z: Some(self.float()?),
            }),
            tag::ENUM => ValueRef::Enum(self.string()?),
            _ => self.vector()?,
        })
    }

    fn small(&mut self) -> Result<i32> {
        let value = self.integer()?;
        i32::try_from(value).map_err(|_| Error::corrupt(format!("{value} is out of range for this field")))
    }

    /// Seconds and nanoseconds, brought to 0 ≤ nanoseconds < 10⁹: Memgraph sends negative ones before 1970.
    fn instant(&mut self) -> Result<(i64, u32)> {
        let (seconds, nanoseconds) = (self.integer()?, self.integer()?);
        let carried = seconds.checked_add(nanoseconds.div_euclid(1_000_000_000));
        let rest = u32::try_from(nanoseconds.rem_euclid(1_000_000_000)).ok();
        carried.zip(rest).ok_or_else(|| Error::corrupt("a date-time is out of range"))
    }

    fn vector(&mut self) -> Result<ValueRef<'a>> {
        let (ValueRef::Bytes(&[marker]), ValueRef::Bytes(data)) = (self.value()?, self.value()?) else {
            return Err(Error::corrupt("a vector is not a marker byte and its elements"));
        };
        let kind = VectorType::from_marker(marker)
            .ok_or_else(|| Error::corrupt(format!("{marker:#04X} is not an element type of vectors")))?;
        if !data.len().is_multiple_of(kind.width()) {
            return Err(Error::corrupt("a vector's bytes are not a whole number of elements"));
        }
        Ok(ValueRef::Vector(kind, data))
    }

    /// Passes over the next value, its members included, and proves it well formed: complete, UTF-8, string keys, not nested deeper than
    /// [`MAX_DEPTH`]. Does not recurse.
    ///
    /// # Errors
    /// What is wrong with the value.
    pub fn check(&mut self) -> Result<()> {
        let Some(mut inner) = Frame::of(&self.value()?) else { return Ok(()) };
        // The containers around the innermost one. Flat values, the usual ones, leave it without an allocation.
        let mut outer: Vec<Frame> = Vec::new();
        loop {
            if inner.left == 0 {
                match outer.pop() {
                    Some(frame) => inner = frame,
                    None => return Ok(()),
                }
                continue;
            }
            let value = self.value()?;
            if inner.is_map && inner.left % 2 == 0 && !matches!(value, ValueRef::String(_)) {
                return Err(unexpected("a string as a map's key", &value));
            }
            inner.left -= 1;
            if let Some(frame) = Frame::of(&value) {
                outer.push(std::mem::replace(&mut inner, frame));
                if outer.len() >= MAX_DEPTH {
                    return Err(too_deep());
                }
            }
        }
    }

    /// Passes over the next value like [`Cursor::check`] and gives its bytes.
    ///
    /// # Errors
    /// What is wrong with the value.
    pub fn raw(&mut self) -> Result<&'a [u8]> {
        let from = self.at;
        self.check()?;
        Ok(self.since(from))
    }
}

/// An open container in [`Cursor::check`]: the values still to come, keys among them, and whether every other one is a key.
struct Frame {
    left: usize,
    is_map: bool,
}

impl Frame {
    #[inline]
    fn of(value: &ValueRef<'_>) -> Option<Self> {
        match *value {
            ValueRef::List(left) | ValueRef::Structure(_, left) => Some(Self { left, is_map: false }),
            ValueRef::Map(size) => Some(Self { left: size.saturating_mul(2), is_map: true }),
            _ => None,
        }
    }
}

/// The error for a value nested deeper than [`MAX_DEPTH`].
#[must_use]
pub fn too_deep() -> Error {
    Error::corrupt(format!("a value is nested deeper than {MAX_DEPTH} levels"))
}

fn unexpected(wanted: &str, found: &ValueRef<'_>) -> Error {
    Error::corrupt(format!("expected {wanted}, found {}", found.name()))
}

impl ValueRef<'_> {
    /// The type's name with its article, for messages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Bytes(_) => "bytes",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Date(_) => "a date",
            Self::LocalTime(_) => "a local time",
            Self::Time(_) => "a time",
            Self::LocalDateTime(_) => "a local date-time",
            Self::DateTime(_) => "a date-time",
            Self::ZonedDateTime(_) => "a date-time with a named zone",
            Self::Duration(_) => "a duration",
            Self::Point(_) => "a point",
            Self::Vector(..) => "a vector",
            Self::Enum(_) => "an enum value",
            Self::Structure(..) => "an unknown structure",
        }
    }
}

/// Writes null.
pub fn put_null(out: &mut Vec<u8>) {
    out.push(0xC0);
}

/// Writes a boolean.
pub fn put_boolean(out: &mut Vec<u8>, value: bool) {
    out.push(if value { 0xC3 } else { 0xC2 });
}

/// Writes an integer in its shortest form.
#[inline]
pub fn put_integer(out: &mut Vec<u8>, value: i64) {
    match value {
        -16..=127 => out.push(value as u8),
        -128..=-17 => out.extend_from_slice(&[0xC8, value as u8]),
        -32_768..=32_767 => {
            out.push(0xC9);
            out.extend_from_slice(&(value as i16).to_be_bytes());
        }
        -2_147_483_648..=2_147_483_647 => {
            out.push(0xCA);
            out.extend_from_slice(&(value as i32).to_be_bytes());
        }
        _ => {
            out.push(0xCB);
            out.extend_from_slice(&value.to_be_bytes());
        }
    }
}

/// Writes a float, bits kept.
pub fn put_float(out: &mut Vec<u8>, value: f64) {
    out.push(0xC1);
    out.extend_from_slice(&value.to_be_bytes());
}

#[inline]
fn put_size(out: &mut Vec<u8>, tiny: Option<u8>, wide: u8, size: usize) {
    match (tiny, size) {
        (Some(tiny), 0..=15) => out.push(tiny | size as u8),
        (_, 0..=0xFF) => out.extend_from_slice(&[wide, size as u8]),
        (_, 0x100..=0xFFFF) => {
            out.push(wide + 1);
            out.extend_from_slice(&(size as u16).to_be_bytes());
        }
        _ => {
            // A block is far smaller than 4 GiB, so a larger size cannot reach this place.
            out.push(wide + 2);
            out.extend_from_slice(&(size as u32).to_be_bytes());
        }
    }
}

/// Writes a byte array.
pub fn put_bytes(out: &mut Vec<u8>, value: &[u8]) {
    put_size(out, None, 0xCC, value.len());
    out.extend_from_slice(value);
}

/// Writes a string.
#[inline]
pub fn put_string(out: &mut Vec<u8>, value: &str) {
    put_size(out, Some(0x80), 0xD0, value.len());
    out.extend_from_slice(value.as_bytes());
}

/// Writes a list's head; so many values must follow.
pub fn put_list(out: &mut Vec<u8>, size: usize) {
    put_size(out, Some(0x90), 0xD4, size);
}

/// Writes a map's head; so many pairs of string and value must follow.
pub fn put_map(out: &mut Vec<u8>, size: usize) {
    put_size(out, Some(0xA0), 0xD8, size);
}

/// Writes a structure's head; so many fields (at most 15) must follow.
pub fn put_structure(out: &mut Vec<u8>, tag: u8, fields: usize) {
    debug_assert!(fields < 16);
    out.extend_from_slice(&[0xB0 | (fields as u8 & 0x0F), tag]);
}

/// A list or map that was opened before its size was known.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Open {
    at: usize,
    tiny: u8,
    wide: u8,
}

/// Opens a list; close it with [`Open::close`].
pub fn open_list(out: &mut Vec<u8>) -> Open {
    out.push(0x90);
    Open { at: out.len() - 1, tiny: 0x90, wide: 0xD4 }
}

/// Opens a map; close it with [`Open::close`].
pub fn open_map(out: &mut Vec<u8>) -> Open {
    out.push(0xA0);
    Open { at: out.len() - 1, tiny: 0xA0, wide: 0xD8 }
}

impl Open {
    /// Closes the container with its number of values, or of pairs. One of up to 15 costs nothing; a larger one is moved
    /// to make room for its size.
    #[inline]
    pub fn close(self, out: &mut Vec<u8>, size: usize) {
        if let (0..=15, Some(head)) = (size, out.get_mut(self.at)) {
            *head = self.tiny | size as u8;
            return;
        }
        let mut head = Vec::with_capacity(5);
        put_size(&mut head, None, self.wide, size);
        out.splice(self.at..=self.at, head);
    }
}

/// Writes a value with all that belongs to it. A container's or an unknown structure's members must follow.
pub fn put_value(out: &mut Vec<u8>, value: &ValueRef<'_>) {
    match *value {
        ValueRef::Null => put_null(out),
        ValueRef::Boolean(value) => put_boolean(out, value),
        ValueRef::Integer(value) => put_integer(out, value),
        ValueRef::Float(value) => put_float(out, value),
        ValueRef::Bytes(value) => put_bytes(out, value),
        ValueRef::String(value) => put_string(out, value),
        ValueRef::List(size) => put_list(out, size),
        ValueRef::Map(size) => put_map(out, size),
        ValueRef::Structure(tag, fields) => put_structure(out, tag, fields),
        ValueRef::Date(Date { days }) => {
            put_structure(out, tag::DATE, 1);
            put_integer(out, days);
        }
        ValueRef::LocalTime(LocalTime { nanoseconds }) => {
            put_structure(out, tag::LOCAL_TIME, 1);
            put_integer(out, nanoseconds);
        }
        ValueRef::Time(Time { nanoseconds, offset }) => {
            put_structure(out, tag::TIME, 2);
            put_integer(out, nanoseconds);
            put_integer(out, i64::from(offset));
        }
        ValueRef::LocalDateTime(LocalDateTime { seconds, nanoseconds }) => {
            put_structure(out, tag::LOCAL_DATE_TIME, 2);
            put_integer(out, seconds);
            put_integer(out, i64::from(nanoseconds));
        }
        ValueRef::DateTime(DateTime { seconds, nanoseconds, offset }) => {
            put_structure(out, tag::DATE_TIME, 3);
            put_integer(out, seconds);
            put_integer(out, i64::from(nanoseconds));
            put_integer(out, i64::from(offset));
        }
        ValueRef::ZonedDateTime(ZonedDateTime { seconds, nanoseconds, zone }) => {
            put_structure(out, tag::ZONED_DATE_TIME, 3);
            put_integer(out, seconds);
            put_integer(out, i64::from(nanoseconds));
            put_string(out, zone);
        }
        ValueRef::Duration(Duration { months, days, seconds, nanoseconds }) => {
            put_structure(out, tag::DURATION, 4);
            put_integer(out, months);
            put_integer(out, days);
            put_integer(out, seconds);
            put_integer(out, i64::from(nanoseconds));
        }
        ValueRef::Point(Point { srid, x, y, z }) => {
            put_structure(out, if z.is_some() { tag::POINT_3D } else { tag::POINT_2D }, 3 + usize::from(z.is_some()));
            put_integer(out, i64::from(srid));
            put_float(out, x);
            put_float(out, y);
            if let Some(z) = z {
                put_float(out, z);
            }
        }
        ValueRef::Vector(kind, data) => {
            put_structure(out, tag::VECTOR, 2);
            put_bytes(out, &[kind.marker()]);
            put_bytes(out, data);
        }
        ValueRef::Enum(value) => {
            put_structure(out, tag::ENUM, 1);
            put_string(out, value);
        }
    }
}
