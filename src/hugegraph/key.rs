//! The values of primary keys and sort keys, as the ids of vertices and edges hold them.
//!
//! The values have `!` between them, and a backtick before each `!` of a text; what is empty in front of the others leaves no `!`. Numbers and dates are
//! written so that their texts sort as they do: digits to the base 64 after their count, and `0` before what is negative. Measured on a server of
//! 1.5.0 with every data type.

use super::Definitions;
use super::schema::{Cardinality, DataType};
use crate::error::Result;
use crate::model::{Cursor, ValueRef};
use std::fmt::Write as _;

const DIGITS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";

/// The values of some properties as one text; `None` where one is missing or of a sort that nobody has measured.
///
/// # Errors
/// The bytes of the properties are not well formed.
pub fn values(definitions: &Definitions, keys: &[String], properties: Cursor<'_>) -> Result<Option<String>> {
    let mut all = String::new();
    for name in keys {
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

/// The id of a vertex whose label has PRIMARY_KEY as its strategy: the label's number and the values of its primary keys.
#[must_use]
pub fn vertex_id(label: i64, values: &str) -> String {
    format!("{label}:{}", values.replace(':', "`:"))
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
    fn ids_of_vertices_have_the_number_of_the_label() {
        assert_eq!(vertex_id(2, "Al:ice!B>`!rn"), "2:Al`:ice!B>`!rn");
    }
}
