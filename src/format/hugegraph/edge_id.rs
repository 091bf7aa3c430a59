//! The id of an edge as text: `S1:a>3>3>>S1:b`.
//!
//! Its parts are the vertex at the start, the number of its label twice (the second is that of a sub label, which 1.5 has none of), the values of the sort
//! keys, and the vertex at the end, with `>` between them. A `>` within a part has a backtick before it; a backtick has none.
//!
//! The values of sort keys have `!` between them, and a backtick before each `!`; what is empty in front of the others leaves no `!`. Numbers and dates are
//! written so that their texts sort as they do: digits to the base 64 after their count, and `0` before what is negative. Measured on a server of
//! 1.5.0 with every data type.
//!
//! Neither the server nor the official tool needs the id: it follows from the rest. Where it cannot be told it is left out.

use crate::error::Result;
use crate::hugegraph::schema::{Cardinality, DataType, EdgeLabel};
use crate::hugegraph::{Definitions, Id};
use crate::model::{Cursor, ValueRef};
use std::fmt::Write as _;

const DIGITS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";

/// Appends the id as a JSON member, behind the last one of an edge that was just written.
///
/// # Errors
/// The bytes of the properties are not well formed.
pub(super) fn put(
    definitions: &Definitions,
    label: &EdgeLabel,
    properties: Cursor<'_>,
    ends: [&Id<'_>; 2],
    out: &mut Vec<u8>,
) -> Result<()> {
    let (Some(number), Some(values)) = (label.id, sort_values(definitions, label, properties)?) else { return Ok(()) };
    let number = number.to_string();
    let [start, end] = ends.map(ToString::to_string);
    let parts = [&*start, &*number, &*number, &*values, &*end].map(|part| part.replace('>', "`>"));
    if out.pop_if(|last| *last == b'}').is_some() {
        out.extend_from_slice(b",\"id\":");
        crate::model::json::write_string(&parts.join(">"), out);
        out.push(b'}');
    }
    Ok(())
}

/// The values of the sort keys; `None` where one is missing or of a sort that nobody has measured.
fn sort_values(definitions: &Definitions, label: &EdgeLabel, properties: Cursor<'_>) -> Result<Option<String>> {
    let mut all = String::new();
    for name in &label.sort_keys {
        let key = definitions.property_keys.get(name).filter(|key| key.cardinality == Cardinality::Single);
        let (Some(key), Some(value)) = (key, find(properties, name)?) else { return Ok(None) };
        let Some(text) = text(key.data_type, &value) else { return Ok(None) };
        if !all.is_empty() {
            all.push('!');
        }
        all.push_str(&text.replace('!', "`!"));
    }
    Ok(Some(all))
}

fn find<'a>(mut properties: Cursor<'a>, name: &str) -> Result<Option<ValueRef<'a>>> {
    for _ in 0..properties.map()? {
        if properties.string()? == name {
            return properties.value().map(Some);
        }
        properties.raw()?;
    }
    Ok(None)
}

fn text(data_type: DataType, value: &ValueRef<'_>) -> Option<String> {
    Some(match *value {
        ValueRef::Boolean(value) => value.to_string(),
        ValueRef::Integer(number) => sortable(number),
        ValueRef::Float(number) if data_type == DataType::Float => {
            let number = number as f32;
            let bits = if number.is_nan() { f32::NAN.to_bits() } else { number.to_bits() } as i32;
            sortable((if bits < 0 { bits ^ i32::MAX } else { bits }).into())
        }
        ValueRef::Float(number) => {
            let bits = if number.is_nan() { f64::NAN.to_bits() } else { number.to_bits() } as i64;
            sortable(if bits < 0 { bits ^ i64::MAX } else { bits })
        }
        ValueRef::DateTime(at) => {
            let milliseconds = at.seconds.checked_mul(1000)?;
            sortable(milliseconds.checked_add((at.nanoseconds / 1_000_000).into())?)
        }
        ValueRef::String(text) => text.to_owned(),
        ValueRef::Bytes(bytes) => {
            let mut text = "Blob{".to_owned();
            bytes.iter().for_each(|byte| _ = write!(text, "{byte:02x}"));
            text + "}"
        }
        _ => return None,
    })
}

/// A number as a text that sorts as it does.
fn sortable(number: i64) -> String {
    let mut rest = if number < 0 { number.wrapping_sub(i64::MIN) } else { number } as u64;
    let digit = |of: u64| char::from(DIGITS.get(of as usize % 64).copied().unwrap_or_default());
    let mut digits = Vec::new();
    while rest > 0 || digits.is_empty() {
        digits.push(digit(rest));
        rest /= 64;
    }
    let sign = if number < 0 { "0" } else { "" };
    let count = digit(digits.len() as u64);
    let digits: String = digits.into_iter().rev().collect();
    format!("{sign}{count}{digits}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::value::Value;
    use serde_json::json;

    /// What a server answered.
    #[test]
    fn numbers_are_written_as_the_server_does() {
        for (number, expected) in [
            (0, "10"),
            (63, "1~"),
            (64, "210"),
            (4096, "3100"),
            (i64::from(i32::MAX), "61~~~~~"),
            (1_704_067_200_000, "7Oo2KVG0"),
            (i64::MAX, "B7~~~~~~~~~~"),
            (-1, "0B7~~~~~~~~~~"),
            (-65, "0B7~~~~~~~~z~"),
            (-62_135_596_800_000, "0B7~~msoipnW0"),
            (i64::MIN, "010"),
        ] {
            assert_eq!(sortable(number), expected, "{number}");
        }
        for (float, single, double) in [
            (0.0, "10", "10"),
            (-0.0, "0B7~~~~~~~~~~", "0B7~~~~~~~~~~"),
            (1.0, "5~W000", "B3~l00000000"),
            (-1.0, "0B7~~~~~0V~~~", "0B40F~~~~~~~~"),
            (f64::NAN, "61~l000", "B7~t00000000"),
            (f64::NEG_INFINITY, "0B7~~~~z0V~~~", "09F~~~~~~~~"),
        ] {
            let value = ValueRef::Float(float);
            assert_eq!(text(DataType::Float, &value).unwrap(), single, "{float}");
            assert_eq!(text(DataType::Double, &value).unwrap(), double, "{float}");
        }
        assert_eq!(text(DataType::Blob, &ValueRef::Bytes(&[0, 1, 255])).unwrap(), "Blob{0001ff}");
    }

    #[test]
    fn parts_are_escaped_as_the_server_does() {
        let mut definitions = Definitions::default();
        for (name, data_type) in [("t", "TEXT"), ("i", "INT"), ("l", "LONG")] {
            definitions.add_json(0, json!({"name": name, "data_type": data_type})).unwrap();
        }
        let label =
            json!({"name": "e", "id": 11, "source_label": "v", "target_label": "v", "sort_keys": ["t", "i", "l"]});
        definitions.add_json(2, label).unwrap();
        for (t, i, l, expected) in [
            ("a!b`c>d", -5, 7, "Sa`>b`c!>11>11>a`!b`c`>d!0B7~~~~~~~~~w!17>Sb"),
            ("", 0, 0, "Sa`>b`c!>11>11>10!10>Sb"),
            ("x", 1, -1, "Sa`>b`c!>11>11>x!11!0B7~~~~~~~~~~>Sb"),
        ] {
            let map = [("t", Value::String(t.to_owned())), ("i", Value::Integer(i)), ("l", Value::Integer(l))];
            let map = Value::Map(map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()).to_packstream();
            let ends = [Id::Text("a>b`c!".into()), Id::Text("b".into())];
            let mut out = b"{}".to_vec();
            let label = &definitions.edge_labels["e"];
            put(&definitions, label, Cursor::new(&map), [&ends[0], &ends[1]], &mut out).unwrap();
            let told: serde_json::Value = serde_json::from_slice(&[b"{\"x\":0", &out[1..]].concat()).unwrap();
            assert_eq!(told["id"], expected);
        }
    }
}
