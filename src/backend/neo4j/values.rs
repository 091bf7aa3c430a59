//! Properties as the server sends them: copied byte for byte after one look at each value.
//!
//! A value that cannot be carried is an error with its name, never left out. Bolt before 6.0 stands a map with `originalType` in the place
//! of a value that it does not know; Bolt 6 a structure of its own. A property of Neo4j is never a map, so neither is mistaken.

use crate::backend::bolt::unfit::{Unfit, Why, instant, nested, strange};
use crate::model::packstream::{put_list, put_map, put_string, put_value, tag};
use crate::model::temporal::{DateTime, ZonedDateTime};
use crate::model::{Cursor, ValueRef};
use crate::wire::Version;

/// Copies the property map at the cursor.
pub(super) fn copy(cursor: &mut Cursor<'_>, out: &mut Vec<u8>, version: Version) -> Result<(), Unfit> {
    let start = *cursor;
    let from = cursor.position();
    let mut legacy = false;
    let size = cursor.map().map_err(|error| Unfit { key: String::new(), why: Why::Bytes(error) })?;
    for _ in 0..size {
        let key = cursor.string().map_err(|error| Unfit { key: String::new(), why: Why::Bytes(error) })?;
        check(cursor, 1, version, &mut legacy).map_err(|why| Unfit { key: key.to_owned(), why })?;
    }
    if legacy {
        return rewrite_map(start, out);
    }
    out.extend_from_slice(cursor.since(from));
    Ok(())
}

/// Passes over a value.
#[inline]
fn check(cursor: &mut Cursor<'_>, depth: usize, version: Version, legacy: &mut bool) -> Result<(), Why> {
    let before = *cursor;
    match cursor.value()? {
        ValueRef::List(size) => {
            nested(depth)?;
            for _ in 0..size {
                check(cursor, depth + 1, version, legacy)?;
            }
        }
        ValueRef::Map(size) => {
            nested(depth)?;
            if let Some(name) = stand_in(before) {
                return Err(Why::Value(format!("is of type {name}, which Bolt {version} cannot carry")));
            }
            for _ in 0..size {
                cursor.string()?;
                check(cursor, depth + 1, version, legacy)?;
            }
        }
        ValueRef::Structure(tag::LEGACY_DATE_TIME | tag::LEGACY_ZONED_DATE_TIME, 3) => {
            *legacy = true;
            for _ in 0..3 {
                cursor.value()?;
            }
        }
        ValueRef::Structure(tag::UNSUPPORTED, _) => {
            let name = cursor.string()?;
            return Err(Why::Value(format!("is of type {name}, which Bolt {version} cannot carry")));
        }
        ValueRef::Structure(tag, _) => return Err(strange(tag)),
        ValueRef::Enum(_) => return Err(strange(tag::ENUM)),
        _ => {}
    }
    Ok(())
}

/// The type that a map stands in for, if it is such a map.
fn stand_in(mut cursor: Cursor<'_>) -> Option<String> {
    let size = cursor.map().ok()?;
    let (mut name, mut reason) = (None, false);
    for _ in 0..size {
        match (cursor.string().ok()?, cursor.value().ok()?) {
            ("originalType", ValueRef::String(text)) => name = Some(text.to_owned()),
            ("reason", ValueRef::String("UNKNOWN_TYPE")) => reason = true,
            _ => return None,
        }
    }
    name.filter(|_| reason)
}

/// Copies a property map and turns date-times with local seconds into instants.
fn rewrite_map(mut cursor: Cursor<'_>, out: &mut Vec<u8>) -> Result<(), Unfit> {
    let unread = |error| Unfit { key: String::new(), why: Why::Bytes(error) };
    let size = cursor.map().map_err(unread)?;
    put_map(out, size);
    for _ in 0..size {
        let key = cursor.string().map_err(unread)?;
        put_string(out, key);
        rewrite(&mut cursor, out).map_err(|why| Unfit { key: key.to_owned(), why })?;
    }
    Ok(())
}

/// Only reached after [`check`], which has bounded the depth.
fn rewrite(cursor: &mut Cursor<'_>, out: &mut Vec<u8>) -> Result<(), Why> {
    match cursor.value()? {
        ValueRef::List(size) => {
            put_list(out, size);
            for _ in 0..size {
                rewrite(cursor, out)?;
            }
        }
        ValueRef::Map(size) => {
            put_map(out, size);
            for _ in 0..size {
                put_string(out, cursor.string()?);
                rewrite(cursor, out)?;
            }
        }
        ValueRef::Structure(tag::LEGACY_DATE_TIME, _) => {
            let (local, nanoseconds, offset) = (cursor.integer()?, cursor.integer()?, cursor.integer()?);
            let seconds = local.checked_sub(offset);
            let parts = (seconds, u32::try_from(nanoseconds), i32::try_from(offset));
            let (Some(seconds), Ok(nanoseconds), Ok(offset)) = parts else {
                return Err(Why::Value("is a date-time out of range".to_owned()));
            };
            put_value(out, &ValueRef::DateTime(DateTime { seconds, nanoseconds, offset }));
        }
        ValueRef::Structure(tag::LEGACY_ZONED_DATE_TIME, _) => {
            let (local, nanoseconds, zone) = (cursor.integer()?, cursor.integer()?, cursor.string()?);
            let seconds = instant(local, zone).map_err(Why::Value)?;
            let nanoseconds =
                u32::try_from(nanoseconds).map_err(|_| Why::Value("is a date-time out of range".to_owned()))?;
            put_value(out, &ValueRef::ZonedDateTime(ZonedDateTime { seconds, nanoseconds, zone }));
        }
        value => put_value(out, &value),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::model::Value;

    const BOLT: Version = Version::new(5, 8);

    fn copied(value: Value) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        put_map(&mut bytes, 1);
        put_string(&mut bytes, "k");
        value.put(&mut bytes);
        let mut out = Vec::new();
        let mut cursor = Cursor::new(&bytes);
        copy(&mut cursor, &mut out, BOLT).map_err(|unfit| unfit.of("node", 7).report())?;
        assert!(cursor.is_at_end());
        Ok(out.split_off(3))
    }

    fn structure(tag: u8, fields: Vec<Value>) -> Value {
        Value::Structure(tag, fields)
    }

    #[test]
    fn values_pass_byte_by_byte() {
        let zoned = Value::ZonedDateTime { seconds: 1, nanoseconds: 2, zone: "Europe/Stockholm".to_owned() };
        for value in [
            Value::Null,
            Value::Float(f64::from_bits(0x7FF8_0000_0000_1234)),
            Value::Float(-0.0),
            Value::Integer(i64::MIN),
            Value::Bytes(vec![0, 255]),
            Value::List(vec![zoned, "x".into(), Value::List(vec![1.into()])]),
        ] {
            assert_eq!(copied(value.clone()).unwrap(), value.to_packstream());
        }
        // A wider integer than needed stays as the server wrote it.
        let mut out = Vec::new();
        copy(&mut Cursor::new(&[0xA1, 0x81, b'k', 0xC9, 0, 1]), &mut out, BOLT).unwrap();
        assert_eq!(out, [0xA1, 0x81, b'k', 0xC9, 0, 1]);
    }

    #[test]
    fn what_cannot_be_carried_is_named() {
        let stand_in = [("originalType", "VECTOR(2, FLOAT32)"), ("reason", "UNKNOWN_TYPE")];
        let stand_in = Value::Map(stand_in.map(|(key, text)| (key.to_owned(), text.into())).into_iter().collect());
        let uuid = structure(0x3F, vec!["UUID".into(), 6.into(), 1.into(), Value::Map(Default::default())]);
        for (value, expected) in [
            (stand_in.clone(), "is of type VECTOR(2, FLOAT32), which Bolt 5.8 cannot carry"),
            (Value::List(vec![stand_in]), "is of type VECTOR(2, FLOAT32), which Bolt 5.8 cannot carry"),
            (uuid, "is of type UUID, which Bolt 5.8 cannot carry"),
            (structure(0x4E, vec![]), "is a node"),
            (structure(0x52, vec![]), "is a relationship"),
            (structure(0x50, vec![]), "is a path"),
            (structure(0x21, vec![]), "is a structure 0x21, which nobody knows"),
            (Value::Enum("A::B".to_owned()), "is a structure 0x65, which nobody knows"),
        ] {
            assert_eq!(copied(value).unwrap_err(), format!("property \"k\" of node 7 {expected}"));
        }
        let mut deep = Value::List(vec![]);
        for _ in 0..300 {
            deep = Value::List(vec![deep]);
        }
        assert_eq!(copied(deep).unwrap_err(), "property \"k\" of node 7 is nested deeper than 256 levels");
        let unfit = copy(&mut Cursor::new(&[0xA1, 0x81, b'k', 0xC9]), &mut Vec::new(), BOLT).unwrap_err();
        let expected = "property \"k\" of node 7 cannot be read: PackStream bytes end in the middle of a value";
        assert_eq!(unfit.of("node", 7).report(), expected);
    }

    #[test]
    fn local_date_times_become_instants() {
        let fixed = structure(0x46, vec![7200.into(), 5.into(), 3600.into()]);
        let expected = Value::DateTime(DateTime { seconds: 3600, nanoseconds: 5, offset: 3600 });
        assert_eq!(copied(fixed.clone()).unwrap(), expected.to_packstream());
        assert_eq!(copied(Value::List(vec![fixed])).unwrap(), Value::List(vec![expected]).to_packstream());
        // 2024-07-01T12:00 in Stockholm is 10:00 UTC.
        let summer = structure(0x66, vec![1_719_835_200.into(), 0.into(), "Europe/Stockholm".into()]);
        let zone = "Europe/Stockholm".to_owned();
        let expected = Value::ZonedDateTime { seconds: 1_719_828_000, nanoseconds: 0, zone };
        assert_eq!(copied(summer).unwrap(), expected.to_packstream());
    }

    #[test]
    fn a_local_time_that_is_no_single_instant_is_refused() {
        for (local, zone, expected) in [
            (
                1_729_996_200,
                "Europe/Stockholm",
                "is 2024-10-27T02:30:00 in \"Europe/Stockholm\", which is no single instant, and Bolt before 5.0 tells no more",
            ),
            (
                1_711_852_200,
                "Europe/Stockholm",
                "is 2024-03-31T02:30:00 in \"Europe/Stockholm\", which is no single instant, and Bolt before 5.0 tells no more",
            ),
            (0, "Mars/Base", "is a date-time in the time zone \"Mars/Base\", whose rules are not known here"),
        ] {
            let value = structure(0x66, vec![i64::into(local), 0.into(), zone.into()]);
            assert_eq!(copied(value).unwrap_err(), format!("property \"k\" of node 7 {expected}"));
        }
    }
}
