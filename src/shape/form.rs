//! Which of HugeGraph's types a value would have.

use crate::error::Result;
use crate::hugegraph::schema::{Cardinality, DataType};
use crate::model::packstream::{Cursor, ValueRef};
use crate::model::temporal::DateTime;

/// How many forms there are.
pub(super) const FORMS: usize = 14;

/// The form of a value: what tells which property key can hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Form {
    /// true or false.
    Boolean,
    /// A 64-bit integer.
    Integer,
    /// A 64-bit float; a NaN only with its usual bits.
    Float,
    /// Text.
    String,
    /// Bytes.
    Bytes,
    /// A date-time with the offset 0 and whole milliseconds, in the years whose text HugeGraph reads as it writes it.
    Instant,
    /// A list of the same.
    Booleans,
    /// A list of the same.
    Integers,
    /// A list of the same.
    Floats,
    /// A list of the same.
    Strings,
    /// A list of the same.
    ByteArrays,
    /// A list of the same.
    Instants,
    /// A list without members, which every list can hold.
    Empty,
    /// Anything else: HugeGraph has no type for it.
    Other,
}

/// 1582-10-16, in seconds since 1970: before it HugeGraph writes dates in another calendar than it reads.
const FIRST: i64 = -12_219_206_400;
/// 9999-12-31: after it years have five digits, in some zone.
const LAST: i64 = 253_402_214_400;
const NAN: u64 = 0x7FF8_0000_0000_0000;

impl Form {
    /// All of them, in order.
    pub const ALL: [Self; FORMS] = [
        Self::Boolean,
        Self::Integer,
        Self::Float,
        Self::String,
        Self::Bytes,
        Self::Instant,
        Self::Booleans,
        Self::Integers,
        Self::Floats,
        Self::Strings,
        Self::ByteArrays,
        Self::Instants,
        Self::Empty,
        Self::Other,
    ];

    /// The word for it in mappings and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Instant => "instant",
            Self::Booleans => "list of boolean",
            Self::Integers => "list of integer",
            Self::Floats => "list of float",
            Self::Strings => "list of string",
            Self::ByteArrays => "list of bytes",
            Self::Instants => "list of instant",
            Self::Empty => "empty list",
            Self::Other => "other",
        }
    }

    /// The form of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name() == name)
    }

    /// The type and the cardinality that hold it as it is; none for what HugeGraph lacks.
    #[must_use]
    pub fn natural(self) -> Option<(DataType, Cardinality)> {
        let data_type = match self {
            Self::Boolean | Self::Booleans => DataType::Boolean,
            Self::Integer | Self::Integers => DataType::Long,
            Self::Float | Self::Floats => DataType::Double,
            Self::String | Self::Strings | Self::Empty => DataType::Text,
            Self::Bytes | Self::ByteArrays => DataType::Blob,
            Self::Instant | Self::Instants => DataType::Date,
            Self::Other => return None,
        };
        Some((data_type, if self.is_list() { Cardinality::List } else { Cardinality::Single }))
    }

    /// Whether it is a list whose members HugeGraph has a type for.
    #[must_use]
    pub fn is_list(self) -> bool {
        self >= Self::Booleans && self <= Self::Empty
    }

    /// The form of a list's members, if it has any.
    fn of_list(member: Self) -> Self {
        match member {
            Self::Boolean => Self::Booleans,
            Self::Integer => Self::Integers,
            Self::Float => Self::Floats,
            Self::String => Self::Strings,
            Self::Bytes => Self::ByteArrays,
            Self::Instant => Self::Instants,
            _ => Self::Other,
        }
    }

    /// The form of the value at a cursor, which is moved behind it, and whether it is or holds an integer that a float cannot hold.
    ///
    /// # Errors
    /// The bytes are not well formed.
    pub fn of(cursor: &mut Cursor<'_>) -> Result<(Self, bool)> {
        let start = *cursor;
        let value = cursor.value()?;
        let is_wide = |value: &ValueRef<'_>| matches!(value, ValueRef::Integer(n) if n.unsigned_abs() > 1 << 53);
        let size = match value {
            ValueRef::List(size) => size,
            ValueRef::Map(_) | ValueRef::Structure(..) => {
                *cursor = start;
                cursor.check()?;
                return Ok((Self::Other, false));
            }
            scalar => return Ok((Self::scalar(&scalar), is_wide(&scalar))),
        };
        let (mut form, mut wide) = (Self::Empty, false);
        for at in 0..size {
            let member = cursor.value()?;
            let next = Self::of_list(Self::scalar(&member));
            wide |= is_wide(&member);
            if next == Self::Other || (at > 0 && next != form) {
                *cursor = start;
                cursor.check()?;
                return Ok((Self::Other, false));
            }
            form = next;
        }
        Ok((form, wide))
    }

    fn scalar(value: &ValueRef<'_>) -> Self {
        match value {
            ValueRef::Boolean(_) => Self::Boolean,
            ValueRef::Integer(_) => Self::Integer,
            ValueRef::Float(number) if !number.is_nan() || number.to_bits() == NAN => Self::Float,
            ValueRef::String(_) => Self::String,
            ValueRef::Bytes(_) => Self::Bytes,
            ValueRef::DateTime(instant) if is_plain(instant) => Self::Instant,
            _ => Self::Other,
        }
    }
}

fn is_plain(instant: &DateTime) -> bool {
    instant.offset == 0 && instant.nanoseconds.is_multiple_of(1_000_000) && (FIRST..LAST).contains(&instant.seconds)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::Value;
    use crate::model::temporal::Date;

    fn of(value: Value) -> (Form, bool) {
        let bytes = value.to_packstream();
        let mut cursor = Cursor::new(&bytes);
        let found = Form::of(&mut cursor).unwrap();
        assert!(cursor.is_at_end());
        found
    }

    #[test]
    fn values_have_the_form_that_holds_them() {
        let instant = |seconds, nanoseconds, offset| Value::DateTime(DateTime { seconds, nanoseconds, offset });
        for (value, form) in [
            (Value::Boolean(true), Form::Boolean),
            (Value::Float(f64::NAN), Form::Float),
            (Value::Float(f64::from_bits(NAN | 1)), Form::Other),
            (instant(0, 1_000_000, 0), Form::Instant),
            (instant(0, 1, 0), Form::Other),
            (instant(0, 0, 60), Form::Other),
            (instant(FIRST - 1, 0, 0), Form::Other),
            (instant(LAST, 0, 0), Form::Other),
            (Value::Date(Date { days: 1 }), Form::Other),
            (Value::List(vec![]), Form::Empty),
            (Value::List(vec![Value::Integer(1), Value::Integer(2)]), Form::Integers),
            (Value::List(vec![Value::Integer(1), Value::Float(2.0)]), Form::Other),
            (Value::List(vec![Value::Integer(1), Value::Null]), Form::Other),
            (Value::List(vec![Value::List(vec![Value::Integer(1)]), Value::Integer(3)]), Form::Other),
            (Value::List(vec![instant(0, 0, 0)]), Form::Instants),
            (Value::Map([("a".to_owned(), Value::Integer(1))].into_iter().collect()), Form::Other),
        ] {
            assert_eq!(of(value.clone()), (form, false), "{value:?}");
        }
        assert_eq!(of(Value::Integer(i64::MIN)), (Form::Integer, true));
        assert!(of(Value::List(vec![Value::Integer(1), Value::Integer((1 << 53) + 1)])).1);
        for form in Form::ALL {
            assert_eq!(Form::from_name(form.name()), Some(form));
        }
    }
}
