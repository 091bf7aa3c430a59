//! What the values of one property are like: types, ranges, lengths, how many differ.

use super::sketch::Sketch;
use crate::error::Result;
use crate::model::tally::{SortNames, sort_names, sort_text};
use crate::model::temporal::{Date, DateTime, LocalDateTime, LocalTime, Time};
use crate::model::{Cursor, ValueRef};
use serde::Serialize;

/// What is known of a property of the items of a label, of a type, or of those without a label.
#[derive(Clone, Debug, Serialize)]
pub struct Property {
    /// The key.
    pub name: String,
    /// How many items have it.
    pub count: u64,
    /// Which part of the items have it, 0 to 1.
    pub fill: f64,
    /// How many different values there are.
    pub distinct: u64,
    /// Whether that is exact, which it is up to 64; else it is off by some per cent.
    pub is_distinct_exact: bool,
    /// Bytes of the values in PackStream.
    pub bytes: u64,
    /// The types, those of most values first.
    pub types: Vec<TypeOf>,
}

/// The values of one type.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TypeOf {
    /// The type, as a trailer counts it: `list of date`.
    pub name: String,
    /// How many values.
    pub count: u64,
    /// What the range is of: `value`, or for texts, bytes, lists and maps `length`; `None` where values of the type have no order.
    pub of: Option<&'static str>,
    /// The smallest, as text.
    pub min: Option<String>,
    /// The largest, as text.
    pub max: Option<String>,
}

/// Gathers what becomes a [`Property`].
#[derive(Clone, Debug, Default)]
pub(super) struct Column {
    count: u64,
    bytes: u64,
    distinct: Sketch,
    types: Vec<(SortNames, u64, Option<Range>)>,
}

/// The smallest and the largest.
type Range = (Extreme, Extreme);

/// The end of a range.
#[derive(Clone, Copy, Debug)]
enum Extreme {
    Integer(i64),
    Float(f64),
    Length(usize),
    Date(Date),
    LocalTime(LocalTime),
    Time(Time),
    LocalDateTime(LocalDateTime),
    DateTime(DateTime),
}

impl Column {
    /// Adds the value at the cursor, and passes over it.
    pub(super) fn add(&mut self, cursor: &mut Cursor<'_>) -> Result<()> {
        let names = sort_names(&mut cursor.clone())?;
        let extreme = Extreme::of(cursor.clone().value()?);
        let raw = cursor.raw()?;
        self.count += 1;
        self.bytes += raw.len() as u64;
        self.distinct.add(raw);
        self.note(names, 1, extreme.map(|extreme| (extreme, extreme)));
        Ok(())
    }

    fn note(&mut self, names: SortNames, count: u64, range: Option<Range>) {
        let Some((_, total, known)) = self.types.iter_mut().find(|known| known.0 == names) else {
            self.types.push((names, count, range));
            return;
        };
        *total += count;
        if let Some((low, high)) = range {
            let (min, max) = known.get_or_insert((low, high));
            if low.is_less(min) {
                *min = low;
            }
            if max.is_less(&high) {
                *max = high;
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.bytes += other.bytes;
        self.distinct.merge(&other.distinct);
        for (names, count, range) in &other.types {
            self.note(*names, *count, *range);
        }
    }

    /// What is known of it, as a property of so many items.
    pub(super) fn property(&self, name: &str, items: u64) -> Property {
        let mut types: Vec<TypeOf> =
            self.types.iter().map(|(names, count, range)| type_of(*names, *count, *range)).collect();
        types.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
        let (distinct, is_distinct_exact) = self.distinct.count();
        let fill = self.count as f64 / items.max(1) as f64;
        // No more values differ than there are.
        let distinct = distinct.min(self.count);
        Property {
            name: name.to_owned(),
            count: self.count,
            fill,
            distinct,
            is_distinct_exact,
            bytes: self.bytes,
            types,
        }
    }
}

fn type_of(names: SortNames, count: u64, range: Option<Range>) -> TypeOf {
    let of = range.map(|(min, _)| if matches!(min, Extreme::Length(_)) { "length" } else { "value" });
    let (min, max) = range.map(|(min, max)| (min.text(), max.text())).unzip();
    TypeOf { name: sort_text(names), count, of, min, max }
}

impl Extreme {
    /// The value as the end of a range; `None` where its type has no order, and for NaN.
    fn of(value: ValueRef<'_>) -> Option<Self> {
        Some(match value {
            ValueRef::Integer(value) => Self::Integer(value),
            ValueRef::Float(value) if !value.is_nan() => Self::Float(value),
            ValueRef::String(text) => Self::Length(text.chars().count()),
            ValueRef::Bytes(bytes) => Self::Length(bytes.len()),
            ValueRef::List(size) | ValueRef::Map(size) => Self::Length(size),
            ValueRef::Vector(kind, bytes) => Self::Length(bytes.len() / kind.width()),
            ValueRef::Date(value) => Self::Date(value),
            ValueRef::LocalTime(value) => Self::LocalTime(value),
            ValueRef::Time(value) => Self::Time(value),
            ValueRef::LocalDateTime(value) => Self::LocalDateTime(value),
            ValueRef::DateTime(value) => Self::DateTime(DateTime { offset: 0, ..value }),
            ValueRef::ZonedDateTime(value) => {
                Self::DateTime(DateTime { seconds: value.seconds, nanoseconds: value.nanoseconds, offset: 0 })
            }
            _ => return None,
        })
    }

    fn is_less(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b).is_lt(),
            _ => self.order() < other.order(),
        }
    }

    /// What all but floats are ordered by. Only ends of one type are compared.
    fn order(&self) -> (i64, i64) {
        match *self {
            Self::Integer(value) => (value, 0),
            Self::Float(_) => (0, 0),
            Self::Length(length) => (i64::try_from(length).unwrap_or(i64::MAX), 0),
            Self::Date(Date { days }) => (days, 0),
            Self::LocalTime(LocalTime { nanoseconds }) => (nanoseconds, 0),
            Self::Time(Time { nanoseconds, offset }) => {
                (nanoseconds.saturating_sub(i64::from(offset) * 1_000_000_000), nanoseconds)
            }
            Self::LocalDateTime(LocalDateTime { seconds, nanoseconds }) => (seconds, nanoseconds.into()),
            Self::DateTime(DateTime { seconds, nanoseconds, .. }) => (seconds, nanoseconds.into()),
        }
    }

    fn text(&self) -> String {
        let mut out = Vec::new();
        match *self {
            Self::Integer(value) => return value.to_string(),
            Self::Float(value) => return format!("{value:?}"),
            Self::Length(length) => return length.to_string(),
            Self::Date(value) => value.put(&mut out),
            Self::LocalTime(value) => value.put(&mut out),
            Self::Time(value) => value.put(&mut out),
            Self::LocalDateTime(value) => value.put(&mut out),
            Self::DateTime(value) => value.put(&mut out),
        }
        String::from_utf8_lossy(&out).into_owned()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::Value;

    #[test]
    fn ranges_and_types_are_told_apart() {
        let mut a = Column::default();
        let mut b = Column::default();
        for (to, values) in [
            (&mut a, [Value::Integer(-7), Value::Float(f64::NAN), Value::from("åäö"), Value::Date(Date { days: 0 })]),
            (&mut b, [Value::Integer(7), Value::Float(-0.5), Value::from(""), Value::Date(Date { days: -1 })]),
        ] {
            for value in values {
                to.add(&mut Cursor::new(&value.to_packstream())).unwrap();
            }
        }
        a.merge(&b);
        let property = a.property("p", 16);
        assert_eq!((property.count, property.distinct, property.fill), (8, 8, 0.5));
        let told: Vec<_> =
            property.types.iter().map(|of| (&*of.name, of.count, of.min.as_deref(), of.max.as_deref())).collect();
        assert_eq!(
            told,
            [
                ("date", 2, Some("1969-12-31"), Some("1970-01-01")),
                ("float", 2, Some("-0.5"), Some("-0.5")),
                ("integer", 2, Some("-7"), Some("7")),
                ("string", 2, Some("0"), Some("3")),
            ]
        );
    }
}
