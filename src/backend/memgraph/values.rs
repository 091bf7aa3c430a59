//! Properties as Memgraph sends them: copied byte for byte after one look at each value, and rewritten where its form is not ours.
//!
//! | Memgraph sends | we keep |
//! |---|---|
//! | an enum value as the map `{"__type": "mg_enum", "__value": "Status::Good"}` | an enum value |
//! | before 1970 and in durations, nanoseconds below zero | the same with nanoseconds from 0 to 999,999,999, as everybody else has them |
//! | before Bolt 5.0, date-times with local seconds | instants; one that the rules of its zone do not settle is refused |
//!
//! A map of the user's own in the form of an enum value cannot be told from one: Memgraph itself takes it for one when it is sent back.
//! A string that is not UTF-8, which Memgraph stores unchecked, is an error that names its node and property.

use crate::backend::bolt::unfit::{Unfit, Why, instant, nested, strange};
use crate::model::packstream::{put_list, put_map, put_string, put_value, tag};
use crate::model::temporal::{DateTime, Duration, ZonedDateTime};
use crate::model::{Cursor, ValueRef};

const NANOSECONDS: i64 = 1_000_000_000;

/// Copies the property map at the cursor.
#[inline]
pub(super) fn copy(cursor: &mut Cursor<'_>, out: &mut Vec<u8>) -> Result<(), Unfit> {
    let start = *cursor;
    let from = cursor.position();
    let mut ours = true;
    let unread = |error| Unfit { key: String::new(), why: Why::Bytes(error) };
    let size = cursor.map().map_err(unread)?;
    for _ in 0..size {
        let key = cursor.string().map_err(unread)?;
        check(cursor, 1, &mut ours).map_err(|why| Unfit { key: key.to_owned(), why })?;
    }
    if !ours {
        return rewrite_map(start, out);
    }
    out.extend_from_slice(cursor.since(from));
    Ok(())
}

/// Passes over a value; `ours` becomes false where it is not in our form.
#[inline]
fn check(cursor: &mut Cursor<'_>, depth: usize, ours: &mut bool) -> Result<(), Why> {
    let before = *cursor;
    match cursor.value()? {
        ValueRef::List(size) => {
            nested(depth)?;
            for _ in 0..size {
                check(cursor, depth + 1, ours)?;
            }
        }
        ValueRef::Map(size) => {
            nested(depth)?;
            *ours &= size != 2 || enum_value(before).is_none();
            for _ in 0..size {
                cursor.string()?;
                check(cursor, depth + 1, ours)?;
            }
        }
        ValueRef::Structure(tag::LEGACY_DATE_TIME | tag::LEGACY_ZONED_DATE_TIME, 3) => {
            *ours = false;
            for _ in 0..3 {
                cursor.value()?;
            }
        }
        // Only before 1970 can the nanoseconds have been negative.
        ValueRef::LocalDateTime(value) => *ours &= value.seconds >= 0,
        ValueRef::DateTime(value) => *ours &= value.seconds >= 0,
        ValueRef::ZonedDateTime(value) => *ours &= value.seconds >= 0,
        ValueRef::Duration(value) => *ours &= value.nanoseconds >= 0,
        ValueRef::Structure(tag, _) => return Err(strange(tag)),
        ValueRef::Enum(_) => return Err(strange(tag::ENUM)),
        _ => {}
    }
    Ok(())
}

/// What a map stands for, if it stands for an enum value.
fn enum_value(mut cursor: Cursor<'_>) -> Option<&str> {
    if cursor.map().ok()? != 2 {
        return None;
    }
    let (mut marked, mut value) = (false, None);
    for _ in 0..2 {
        match (cursor.string().ok()?, cursor.value().ok()?) {
            ("__type", ValueRef::String("mg_enum")) => marked = true,
            ("__value", ValueRef::String(text)) => value = Some(text),
            _ => return None,
        }
    }
    value.filter(|_| marked)
}

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
    let before = *cursor;
    match cursor.value()? {
        ValueRef::List(size) => {
            put_list(out, size);
            for _ in 0..size {
                rewrite(cursor, out)?;
            }
        }
        ValueRef::Map(size) => {
            if let Some(text) = enum_value(before) {
                for _ in 0..2 * size {
                    cursor.value()?;
                }
                put_value(out, &ValueRef::Enum(text));
                return Ok(());
            }
            put_map(out, size);
            for _ in 0..size {
                put_string(out, cursor.string()?);
                rewrite(cursor, out)?;
            }
        }
        ValueRef::Structure(tag::LEGACY_DATE_TIME, _) => {
            let (local, nanoseconds) = local(cursor)?;
            let offset = i32::try_from(cursor.integer()?).map_err(|_| out_of_range())?;
            let seconds = local.checked_sub(i64::from(offset)).ok_or_else(out_of_range)?;
            put_value(out, &ValueRef::DateTime(DateTime { seconds, nanoseconds, offset }));
        }
        ValueRef::Structure(tag::LEGACY_ZONED_DATE_TIME, _) => {
            let (local, nanoseconds) = local(cursor)?;
            let zone = cursor.string()?;
            let seconds = instant(local, zone).map_err(Why::Value)?;
            put_value(out, &ValueRef::ZonedDateTime(ZonedDateTime { seconds, nanoseconds, zone }));
        }
        ValueRef::Duration(value) => {
            let nanoseconds = i64::from(value.nanoseconds);
            let carried = value.seconds.checked_add(nanoseconds.div_euclid(NANOSECONDS));
            let seconds = carried.ok_or_else(|| Why::Value("is a duration out of range".to_owned()))?;
            let nanoseconds = nanoseconds.rem_euclid(NANOSECONDS) as i32;
            put_value(out, &ValueRef::Duration(Duration { seconds, nanoseconds, ..value }));
        }
        // Reading has brought the nanoseconds of instants into their range.
        value => put_value(out, &value),
    }
    Ok(())
}

/// Local seconds and nanoseconds, the latter brought into their range.
fn local(cursor: &mut Cursor<'_>) -> Result<(i64, u32), Why> {
    let (seconds, nanoseconds) = (cursor.integer()?, cursor.integer()?);
    let seconds = seconds.checked_add(nanoseconds.div_euclid(NANOSECONDS));
    let rest = u32::try_from(nanoseconds.rem_euclid(NANOSECONDS)).ok();
    seconds.zip(rest).ok_or_else(out_of_range)
}

fn out_of_range() -> Why {
    Why::Value("is a date-time out of range".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::model::temporal::LocalDateTime;
    use crate::model::{Map, Value};

    fn copied(bytes: &[u8]) -> Result<Value, String> {
        let mut map = vec![0xA1, 0x81, b'k'];
        map.extend_from_slice(bytes);
        let mut out = Vec::new();
        let mut cursor = Cursor::new(&map);
        copy(&mut cursor, &mut out).map_err(|unfit| unfit.of("node", 7).report())?;
        assert!(cursor.is_at_end());
        let mut read = Cursor::new(&out);
        read.check().unwrap();
        assert!(read.is_at_end());
        let Value::Map(mut map) = Value::read(&mut Cursor::new(&out)).unwrap() else { panic!("no map") };
        Ok(map.shift_remove("k").unwrap())
    }

    fn value(value: &Value) -> Result<Value, String> {
        copied(&value.to_packstream())
    }

    fn map(entries: &[(&str, Value)]) -> Value {
        Value::Map(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect::<Map>())
    }

    /// The forms are those of the records of 3.6.2.
    #[test]
    fn enum_values_come_as_maps() {
        let good = map(&[("__type", "mg_enum".into()), ("__value", "Status::Good".into())]);
        let expected = Value::Enum("Status::Good".to_owned());
        assert_eq!(value(&good).unwrap(), expected);
        let turned = map(&[("__value", "Status::Good".into()), ("__type", "mg_enum".into())]);
        assert_eq!(value(&turned).unwrap(), expected);
        let nested = Value::List(vec![map(&[("k", good.clone())]), good.clone()]);
        let expected = Value::List(vec![map(&[("k", expected.clone())]), expected]);
        assert_eq!(value(&nested).unwrap(), expected);
        for other in [
            map(&[("__type", "mg_enum".into())]),
            map(&[("__type", "other".into()), ("__value", "A::B".into())]),
            map(&[("__type", "mg_enum".into()), ("__value", 1.into())]),
            map(&[("__type", "mg_enum".into()), ("value", "A::B".into())]),
        ] {
            assert_eq!(value(&other).unwrap(), other);
        }
    }

    #[test]
    fn instants_before_1970_get_nanoseconds_that_are_not_negative() {
        // localDateTime("1960-01-01T00:00:00.000001") as recorded: seconds -315619199, nanoseconds -999999000.
        let sent = Value::Structure(0x64, vec![(-315_619_199).into(), (-999_999_000).into()]);
        let expected = LocalDateTime { seconds: -315_619_200, nanoseconds: 1000 };
        assert_eq!(value(&sent).unwrap(), Value::LocalDateTime(expected));
        // datetime("1960-01-01T00:00:00.000001-08:00"), Bolt 5.2 and 4.3.
        let expected = DateTime { seconds: -315_590_400, nanoseconds: 1000, offset: -28_800 };
        for (tag, seconds) in [(0x49, -315_590_399), (0x46, -315_619_199)] {
            let sent = Value::Structure(tag, vec![i64::into(seconds), (-999_999_000).into(), (-28_800).into()]);
            assert_eq!(value(&sent).unwrap(), Value::DateTime(expected));
        }
        // duration({day: -1, microsecond: -1}) as recorded.
        let whole = Duration { months: 0, days: -1, seconds: 0, nanoseconds: -1000 };
        let expected = Duration { seconds: -1, nanoseconds: 999_999_000, ..whole };
        assert_eq!(value(&Value::Duration(whole)).unwrap(), Value::Duration(expected));
        // The bytes are canonical too: a target reads them as they are.
        let mut out = Vec::new();
        let bytes = map(&[("k", Value::List(vec![sent]))]).to_packstream();
        copy(&mut Cursor::new(&bytes), &mut out).unwrap();
        let canonical = map(&[(
            "k",
            Value::List(vec![Value::LocalDateTime(LocalDateTime { seconds: -315_619_200, nanoseconds: 1000 })]),
        )]);
        assert_eq!(out, canonical.to_packstream());
    }

    #[test]
    fn named_zones_of_old_bolt_versions() {
        // datetime("1994-12-07T06:10:44.099099-08:00[America/Los_Angeles]") on Bolt 4.3.
        let zone = "America/Los_Angeles".to_owned();
        let sent = Value::Structure(0x66, vec![786_780_644.into(), 99_099_000.into(), zone.as_str().into()]);
        let expected = Value::ZonedDateTime { seconds: 786_809_444, nanoseconds: 99_099_000, zone };
        assert_eq!(value(&sent).unwrap(), expected);
        // datetime("2024-10-27T02:30:00+01:00[Europe/Prague]"): half past two came twice that night.
        let sent = Value::Structure(0x66, vec![1_729_996_200.into(), 0.into(), "Europe/Prague".into()]);
        let error = value(&sent).unwrap_err();
        assert!(error.contains("is 2024-10-27T02:30:00 in \"Europe/Prague\", which is no single instant"), "{error}");
    }

    #[test]
    fn what_cannot_be_carried_is_named() {
        let invalid = copied(&[0x82, 0xFF, 0xFE]).unwrap_err();
        assert!(
            invalid.starts_with("property \"k\" of node 7 cannot be read: a string is not valid UTF-8"),
            "{invalid}"
        );
        for (tag, what) in [(0x4E, "a node"), (0x52, "a relationship"), (0x21, "a structure 0x21, which nobody knows")]
        {
            let error = value(&Value::List(vec![Value::Structure(tag, vec![])])).unwrap_err();
            assert_eq!(error, format!("property \"k\" of node 7 is {what}"));
        }
        let mut deep = Value::List(vec![]);
        for _ in 0..300 {
            deep = Value::List(vec![deep]);
        }
        assert_eq!(value(&deep).unwrap_err(), "property \"k\" of node 7 is nested deeper than 256 levels");
    }
}
