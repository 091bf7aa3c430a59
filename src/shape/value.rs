//! Values on their way into a property key that is not of their own type, and back.

use super::form::Form;
use crate::error::{Error, Result};
use crate::hugegraph::schema::{Cardinality, DataType};
use crate::model::json;
use crate::model::packstream::{self, Cursor, ValueRef};

/// How a value becomes what its property key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As it is.
    AsIs,
    /// As typed JSON, which comes back exactly.
    Json,
    /// As text for people: strings as they are, times in ISO 8601, everything else as JSON.
    Text,
    /// Integers as floats.
    Float,
}

impl Way {
    /// How values of a form become those of a property key; `None` where they cannot.
    pub(super) fn of(form: Form, data_type: DataType, cardinality: Cardinality, as_json: bool) -> Option<Self> {
        if as_json {
            return (data_type == DataType::Text && cardinality == Cardinality::Single).then_some(Self::Json);
        }
        if form == Form::Empty && cardinality != Cardinality::Single {
            return Some(Self::AsIs);
        }
        let plain =
            form.natural().filter(|(_, found)| (*found == Cardinality::Single) == (cardinality == Cardinality::Single));
        match (plain.map(|(found, _)| found), data_type) {
            (Some(found), wanted) if found == wanted => Some(Self::AsIs),
            (Some(DataType::Long), DataType::Int | DataType::Byte)
            | (Some(DataType::Double), DataType::Float)
            | (Some(DataType::Text), DataType::Uuid) => Some(Self::AsIs),
            (Some(DataType::Long), DataType::Double | DataType::Float) => Some(Self::Float),
            (_, DataType::Text) if cardinality == Cardinality::Single => Some(Self::Text),
            _ => None,
        }
    }

    /// Whether nothing of the value is lost.
    pub(super) fn is_exact(self) -> bool {
        matches!(self, Self::AsIs | Self::Json)
    }

    /// Writes the value at a cursor, which is moved behind it. `scratch` is for its use.
    ///
    /// # Errors
    /// The value cannot become that.
    pub(super) fn put(self, cursor: &mut Cursor<'_>, scratch: &mut Vec<u8>, out: &mut Vec<u8>) -> Result<()> {
        scratch.clear();
        match self {
            Self::AsIs => out.extend_from_slice(cursor.raw()?),
            Self::Json => {
                json::write(cursor, scratch)?;
                packstream::put_string(out, text(scratch)?);
            }
            Self::Text => {
                let start = *cursor;
                if let ValueRef::String(words) = cursor.value()? {
                    packstream::put_string(out, words);
                    return Ok(());
                }
                *cursor = start;
                json::write(cursor, scratch)?;
                packstream::put_string(out, &bare(text(scratch)?));
            }
            Self::Float => match cursor.value()? {
                ValueRef::List(size) => {
                    packstream::put_list(out, size);
                    (0..size).try_for_each(|_| float(cursor.integer()?, out))?;
                }
                ValueRef::Integer(number) => float(number, out)?,
                value => return Err(Error::failed(format!("{} is no integer", value.name()))),
            },
        }
        Ok(())
    }
}

fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|cause| Error::failed("JSON is not UTF-8").caused_by(cause))
}

fn float(number: i64, out: &mut Vec<u8>) -> Result<()> {
    if number.unsigned_abs() > 1 << 53 {
        return Err(Error::refused(format!("the integer {number} is too large to become a float")));
    }
    packstream::put_float(out, number as f64);
    Ok(())
}

/// `2024-02-29` of `{"$date":"2024-02-29"}`; other JSON as it is.
fn bare(json: &str) -> String {
    let inner =
        json.strip_prefix("{\"$").and_then(|rest| rest.split_once("\":")).and_then(|(_, rest)| rest.strip_suffix('}'));
    let inner = inner.filter(|inner| inner.starts_with('"'));
    inner.and_then(|inner| serde_json::from_str(inner).ok()).unwrap_or_else(|| json.to_owned())
}

/// Reads the typed JSON that a value became.
///
/// # Errors
/// It is no longer that: somebody changed it.
pub(super) fn put_json(cursor: &mut Cursor<'_>, out: &mut Vec<u8>) -> Result<()> {
    let at = out.len();
    let read = cursor.string().and_then(|text| json::read(text, out));
    if read.is_err() {
        out.truncate(at);
    }
    read
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::Value;
    use crate::model::temporal::{Date, Duration};

    fn put(way: Way, value: &Value) -> Result<Value> {
        let (bytes, mut out) = (value.to_packstream(), Vec::new());
        way.put(&mut Cursor::new(&bytes), &mut Vec::new(), &mut out)?;
        Value::read(&mut Cursor::new(&out))
    }

    #[test]
    fn text_is_for_people_and_json_comes_back() {
        let duration = Duration { months: 1, days: 2, seconds: 3, nanoseconds: 4 };
        for (value, text, json) in [
            (Value::Date(Date { days: 0 }), "1970-01-01", r#"{"$date":"1970-01-01"}"#),
            (Value::String("a\"b".to_owned()), "a\"b", r#""a\"b""#),
            (Value::Duration(duration), r#"{"$duration":[1,2,3,4]}"#, r#"{"$duration":[1,2,3,4]}"#),
            (Value::Enum("A::\"b".to_owned()), "A::\"b", r#"{"$enum":"A::\"b"}"#),
            (Value::List(vec![Value::Null]), "[null]", "[null]"),
        ] {
            assert_eq!(put(Way::Text, &value).unwrap(), Value::from(text));
            let there = put(Way::Json, &value).unwrap();
            assert_eq!(there, Value::from(json));
            let (bytes, mut out) = (there.to_packstream(), Vec::new());
            put_json(&mut Cursor::new(&bytes), &mut out).unwrap();
            assert_eq!(Value::read(&mut Cursor::new(&out)).unwrap(), value);
        }
    }

    #[test]
    fn integers_become_floats_only_where_they_stay_the_same() {
        assert_eq!(put(Way::Float, &Value::Integer(-7)).unwrap(), Value::Float(-7.0));
        assert_eq!(
            put(Way::Float, &Value::List(vec![Value::Integer(1 << 53)])).unwrap(),
            Value::List(vec![Value::Float(9_007_199_254_740_992.0)])
        );
        assert!(put(Way::Float, &Value::Integer((1 << 53) + 1)).is_err());
    }

    #[test]
    fn a_key_takes_what_it_can_hold() {
        use Cardinality::{List, Set, Single};
        for (form, data_type, cardinality, way) in [
            (Form::Integer, DataType::Long, Single, Some(Way::AsIs)),
            (Form::Integer, DataType::Byte, Single, Some(Way::AsIs)),
            (Form::Integer, DataType::Double, Single, Some(Way::Float)),
            (Form::Float, DataType::Long, Single, None),
            (Form::Integers, DataType::Long, Single, None),
            (Form::Integers, DataType::Double, Set, Some(Way::Float)),
            (Form::Integer, DataType::Long, List, None),
            (Form::Empty, DataType::Date, List, Some(Way::AsIs)),
            (Form::Empty, DataType::Text, Single, Some(Way::Text)),
            (Form::Other, DataType::Text, Single, Some(Way::Text)),
            (Form::Other, DataType::Text, List, None),
        ] {
            assert_eq!(Way::of(form, data_type, cardinality, false), way, "{form:?} {data_type:?} {cardinality:?}");
        }
    }
}
