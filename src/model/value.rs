//! An owned value, for tests, examples, schema options and the rare place where a value is built by hand. Blocks do not hold it.

use super::packstream::{self, Cursor, MAX_DEPTH, ValueRef, VectorType};
use super::spatial::Point;
use super::temporal::{Date, DateTime, Duration, LocalDateTime, LocalTime, Time, ZonedDateTime};
use crate::error::Result;
use indexmap::IndexMap;

/// A map with its keys in the order of the source.
pub type Map = IndexMap<String, Value>;

/// A value of its own. Two floats are equal here when their bits are: NaN equals itself and -0.0 is not 0.0.
#[derive(Clone, Debug)]
pub enum Value {
    /// null.
    Null,
    /// true or false.
    Boolean(bool),
    /// A 64-bit integer.
    Integer(i64),
    /// A 64-bit float.
    Float(f64),
    /// A byte array.
    Bytes(Vec<u8>),
    /// Text.
    String(String),
    /// A list.
    List(Vec<Value>),
    /// A map.
    Map(Map),
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
    ZonedDateTime {
        /// Seconds since 1970-01-01T00:00:00Z.
        seconds: i64,
        /// 0 to 999,999,999.
        nanoseconds: u32,
        /// The zone's name.
        zone: String,
    },
    /// Months, days, seconds, nanoseconds.
    Duration(Duration),
    /// A point.
    Point(Point),
    /// A vector: element type and big-endian elements.
    Vector(VectorType, Vec<u8>),
    /// An enum value, `Name::Value`.
    Enum(String),
    /// A structure that we do not know: tag and fields.
    Structure(u8, Vec<Value>),
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        // The encoding is one to one and order-preserving, so equal bytes are equal values; a map's order is put aside.
        match (self, other) {
            (Self::Map(a), Self::Map(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Structure(a, x), Self::Structure(b, y)) => a == b && x == y,
            _ => self.to_packstream() == other.to_packstream(),
        }
    }
}

impl Value {
    /// Writes the value as PackStream.
    pub fn put(&self, out: &mut Vec<u8>) {
        let scalar = match self {
            Self::Null => ValueRef::Null,
            Self::Boolean(value) => ValueRef::Boolean(*value),
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Float(value) => ValueRef::Float(*value),
            Self::Bytes(value) => ValueRef::Bytes(value),
            Self::String(value) => ValueRef::String(value),
            Self::Date(value) => ValueRef::Date(*value),
            Self::LocalTime(value) => ValueRef::LocalTime(*value),
            Self::Time(value) => ValueRef::Time(*value),
            Self::LocalDateTime(value) => ValueRef::LocalDateTime(*value),
            Self::DateTime(value) => ValueRef::DateTime(*value),
            Self::ZonedDateTime { seconds, nanoseconds, zone } => {
                ValueRef::ZonedDateTime(ZonedDateTime { seconds: *seconds, nanoseconds: *nanoseconds, zone })
            }
            Self::Duration(value) => ValueRef::Duration(*value),
            Self::Point(value) => ValueRef::Point(*value),
            Self::Vector(kind, data) => ValueRef::Vector(*kind, data),
            Self::Enum(value) => ValueRef::Enum(value),
            Self::List(values) => {
                packstream::put_list(out, values.len());
                return values.iter().for_each(|value| value.put(out));
            }
            Self::Structure(tag, fields) => {
                packstream::put_structure(out, *tag, fields.len());
                return fields.iter().for_each(|value| value.put(out));
            }
            Self::Map(map) => return put_map(out, map),
        };
        packstream::put_value(out, &scalar);
    }

    /// The value as PackStream.
    #[must_use]
    pub fn to_packstream(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.put(&mut out);
        out
    }

    /// Reads the value at the cursor.
    ///
    /// # Errors
    /// The bytes are not well formed, or nested too deep.
    pub fn read(cursor: &mut Cursor<'_>) -> Result<Self> {
        read(cursor, 0)
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if it is one.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The list, if it is one.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }

    /// The map, if it is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }
}

/// Writes a map as PackStream.
pub fn put_map(out: &mut Vec<u8>, map: &Map) {
    packstream::put_map(out, map.len());
    for (key, value) in map {
        packstream::put_string(out, key);
        value.put(out);
    }
}

fn read(cursor: &mut Cursor<'_>, depth: usize) -> Result<Value> {
    if depth > MAX_DEPTH {
        return Err(packstream::too_deep());
    }
    Ok(match cursor.value()? {
        ValueRef::Null => Value::Null,
        ValueRef::Boolean(value) => Value::Boolean(value),
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Float(value) => Value::Float(value),
        ValueRef::Bytes(value) => Value::Bytes(value.to_vec()),
        ValueRef::String(value) => Value::String(value.to_owned()),
        ValueRef::List(size) => Value::List((0..size).map(|_| read(cursor, depth + 1)).collect::<Result<_>>()?),
        ValueRef::Map(size) => {
            let mut map = Map::new();
            for _ in 0..size {
                let key = cursor.string()?.to_owned();
                map.insert(key, read(cursor, depth + 1)?);
            }
            Value::Map(map)
        }
        ValueRef::Date(value) => Value::Date(value),
        ValueRef::LocalTime(value) => Value::LocalTime(value),
        ValueRef::Time(value) => Value::Time(value),
        ValueRef::LocalDateTime(value) => Value::LocalDateTime(value),
        ValueRef::DateTime(value) => Value::DateTime(value),
        ValueRef::ZonedDateTime(ZonedDateTime { seconds, nanoseconds, zone }) => {
            Value::ZonedDateTime { seconds, nanoseconds, zone: zone.to_owned() }
        }
        ValueRef::Duration(value) => Value::Duration(value),
        ValueRef::Point(value) => Value::Point(value),
        ValueRef::Vector(kind, data) => Value::Vector(kind, data.to_vec()),
        ValueRef::Enum(value) => Value::Enum(value.to_owned()),
        ValueRef::Structure(tag, fields) => {
            Value::Structure(tag, (0..fields).map(|_| read(cursor, depth + 1)).collect::<Result<_>>()?)
        }
    })
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}
