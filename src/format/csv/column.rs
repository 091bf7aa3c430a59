//! The types that a header can give a column, and which of them a value needs.

use crate::model::{Cursor, ValueRef};

/// The type of a value, or of an array's elements, as headers name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Sort {
    Boolean,
    Byte,
    Integer,
    /// 32 bits: read from others, never written.
    Float,
    Double,
    String,
    Date,
    LocalTime,
    Time,
    LocalDateTime,
    DateTime,
    Duration,
    Point,
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ColumnType {
    pub(super) sort: Sort,
    pub(super) is_array: bool,
}

impl Sort {
    /// The name that is written.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Byte => "byte",
            Self::Integer => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::String => "string",
            Self::Date => "date",
            Self::LocalTime => "localtime",
            Self::Time => "time",
            Self::LocalDateTime => "localdatetime",
            Self::DateTime => "datetime",
            Self::Duration => "duration",
            Self::Point => "point",
        }
    }

    /// Any name that neo4j-admin knows, in any case.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match &*name.to_ascii_lowercase() {
            "boolean" => Self::Boolean,
            "byte" => Self::Byte,
            "short" | "int" | "long" => Self::Integer,
            "float" => Self::Float,
            "double" => Self::Double,
            "string" | "char" => Self::String,
            "date" => Self::Date,
            "localtime" => Self::LocalTime,
            "time" => Self::Time,
            "localdatetime" => Self::LocalDateTime,
            "datetime" => Self::DateTime,
            "duration" => Self::Duration,
            "point" => Self::Point,
            _ => return None,
        })
    }

    fn of(value: &ValueRef<'_>) -> std::result::Result<Self, &'static str> {
        Ok(match value {
            ValueRef::Boolean(_) => Self::Boolean,
            ValueRef::Integer(_) => Self::Integer,
            ValueRef::Float(_) => Self::Double,
            ValueRef::String(_) => Self::String,
            ValueRef::Date(_) => Self::Date,
            ValueRef::LocalTime(_) => Self::LocalTime,
            ValueRef::Time(_) => Self::Time,
            ValueRef::LocalDateTime(_) => Self::LocalDateTime,
            ValueRef::DateTime(_) | ValueRef::ZonedDateTime(_) => Self::DateTime,
            ValueRef::Duration(_) => Self::Duration,
            ValueRef::Point(_) => Self::Point,
            ValueRef::Null => return Err("null"),
            ValueRef::Bytes(_) => return Err("list of bytes"),
            ValueRef::List(_) => return Err("list of list"),
            ValueRef::Map(_) => return Err("map"),
            ValueRef::Vector(..) => return Err("vector"),
            ValueRef::Enum(_) => return Err("enum"),
            ValueRef::Structure(..) => return Err("structure"),
        })
    }
}

impl ColumnType {
    /// The type of a column that can hold the next value; else why there is none. Only the first element of a list is looked at.
    pub(super) fn of(
        mut cursor: Cursor<'_>,
    ) -> crate::error::Result<std::result::Result<(Self, ValueRef<'_>), &'static str>> {
        let value = cursor.value()?;
        let found = match value {
            ValueRef::Bytes([]) => Err("empty bytes"),
            ValueRef::Bytes(_) => Ok(Self { sort: Sort::Byte, is_array: true }),
            ValueRef::List(0) => Err("empty list"),
            ValueRef::List(_) => Sort::of(&cursor.value()?).map(|sort| Self { sort, is_array: true }),
            ref other => Sort::of(other).map(|sort| Self { sort, is_array: false }),
        };
        Ok(found.map(|column| (column, value)))
    }
}
