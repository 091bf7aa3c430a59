//! What a batch sends: rows of parameters, and the few values that no parameter can carry.
//!
//! | value | how it is sent |
//! |---|---|
//! | an enum value | as the map that the server takes for one |
//! | a local date-time before 1970 that is not at midnight | as text, in `localDateTime(…)`: as a parameter it makes 3.6.2 close the connection |
//! | the same inside of a list or map | that whole property as an expression in the statement |
//! | everything else | as it lies in the block |
//!
//! What Memgraph would refuse, change or close the connection for is a [`misfit`]: it is found before anything is sent.

use crate::cypher::{self, Dialect};
use crate::error::{Error, Result};
use crate::model::packstream::{MAX_DEPTH, open_map, put_list, put_map, put_string, too_deep};
use crate::model::{Block, Class, Cursor, Item, ValueRef};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;

/// The days that it knows: 0000-12-31 to 9999-12-31.
const DAYS: std::ops::RangeInclusive<i64> = -719_163..=2_932_896;
const DAY: i64 = 86_400;
/// The largest distance from UTC.
const OFFSET: i64 = 18 * 3600;
const SYSTEMS: [i32; 4] = [7203, 9157, 4326, 4979];

const FINE: &str = "that are finer than a microsecond";
const FAR: &str = "before 0000-12-31 or after 9999-12-31";

/// What is wrong with a value, behind "values"; `None` where Memgraph keeps it as it is.
pub(super) fn misfit(_: Class, cursor: &mut Cursor<'_>) -> Result<Option<&'static str>> {
    Ok(walk(cursor, 0)?.err())
}

/// The same for a server whose relationships have no properties.
pub(super) fn misfit_without_edge_properties(class: Class, cursor: &mut Cursor<'_>) -> Result<Option<&'static str>> {
    match class {
        Class::Relationships => Ok(Some("on relationships, for which this server was started without properties")),
        Class::Nodes => misfit(class, cursor),
    }
}

/// How a value can be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Way {
    /// An enum value is in it.
    rewritten: bool,
    /// A local date-time is in it that no parameter can carry.
    expression: bool,
}

fn sub_micros(nanoseconds: i64) -> bool {
    nanoseconds % 1000 != 0
}

fn instant(seconds: i64, nanoseconds: i64) -> std::result::Result<(), &'static str> {
    match (DAYS.contains(&seconds.div_euclid(DAY)), sub_micros(nanoseconds)) {
        (false, _) => Err(FAR),
        (_, true) => Err(FINE),
        _ => Ok(()),
    }
}

/// Passes over a value and tells how it can be sent, or why it cannot.
fn walk(cursor: &mut Cursor<'_>, depth: usize) -> Result<std::result::Result<Way, &'static str>> {
    if depth > MAX_DEPTH {
        return Err(too_deep());
    }
    let mut way = Way::default();
    let before = *cursor;
    let value = cursor.value()?;
    let checked = match value {
        ValueRef::List(size) | ValueRef::Map(size) => {
            let is_map = matches!(value, ValueRef::Map(_));
            let mut worst =
                if is_map && is_like_enum(before) { Err("that are maps in the form of enum values") } else { Ok(()) };
            for _ in 0..size {
                if is_map {
                    cursor.string()?;
                }
                match walk(cursor, depth + 1)? {
                    Ok(inner) => {
                        way.rewritten |= inner.rewritten;
                        way.expression |= inner.expression;
                    }
                    Err(why) => worst = worst.and(Err(why)),
                }
            }
            worst
        }
        ValueRef::Enum(_) => {
            way.rewritten = true;
            Ok(())
        }
        ValueRef::Date(date) => {
            if DAYS.contains(&date.days) {
                Ok(())
            } else {
                Err(FAR)
            }
        }
        ValueRef::LocalTime(time) => {
            if sub_micros(time.nanoseconds) {
                Err(FINE)
            } else {
                Ok(())
            }
        }
        ValueRef::LocalDateTime(value) => {
            way.expression = value.seconds < 0 && value.seconds % DAY != 0;
            instant(value.seconds, value.nanoseconds.into())
        }
        ValueRef::DateTime(value) => {
            let offset = i64::from(value.offset);
            let local = value.seconds.saturating_add(offset);
            if offset % 60 != 0 || offset.abs() > OFFSET {
                Err("with an offset that is not in whole minutes, or beyond 18 hours")
            } else {
                instant(value.seconds, value.nanoseconds.into()).and(instant(local, 0))
            }
        }
        ValueRef::ZonedDateTime(value) => match jiff::tz::TimeZone::get(value.zone) {
            Ok(_) => instant(value.seconds, value.nanoseconds.into()),
            Err(_) => Err("in a time zone that is not known"),
        },
        ValueRef::Duration(value) => {
            let micros = value
                .days
                .checked_mul(DAY)
                .and_then(|seconds| seconds.checked_add(value.seconds))
                .and_then(|seconds| seconds.checked_mul(1_000_000))
                .and_then(|micros| micros.checked_add(1_000_000));
            match (value.months, micros) {
                (0, Some(_)) => {
                    if sub_micros(value.nanoseconds.into()) {
                        Err(FINE)
                    } else if value.is_microseconds_cut_into_days() {
                        Ok(())
                    } else {
                        Err(
                            "that are durations with a day or more in their hours, or days and hours of different signs",
                        )
                    }
                }
                (0, None) => Err("that are durations beyond 290,000 years"),
                _ => Err("that are durations with months, which have no fixed length there"),
            }
        }
        ValueRef::Point(point) => {
            if SYSTEMS.contains(&point.srid) {
                Ok(())
            } else {
                Err("in a system of coordinates that is not known")
            }
        }
        ValueRef::Bytes(_) => Err("with bytes in them"),
        ValueRef::Time(_) => Err("with times that have an offset in them"),
        ValueRef::Vector(..) => Err("with vectors in them"),
        ValueRef::Structure(_, size) => {
            for _ in 0..size {
                cursor.check()?;
            }
            Err("of a type that nobody knows")
        }
        ValueRef::Null | ValueRef::Boolean(_) | ValueRef::Integer(_) | ValueRef::Float(_) | ValueRef::String(_) => {
            Ok(())
        }
    };
    Ok(checked.map(|()| way))
}

/// Whether a map is one that the server takes for an enum value: it has `__type` = `mg_enum`.
fn is_like_enum(mut cursor: Cursor<'_>) -> bool {
    let Ok(size) = cursor.map() else { return false };
    for _ in 0..size {
        let (Ok(key), Ok(value)) = (cursor.string(), {
            let mut one = cursor;
            one.value()
        }) else {
            return false;
        };
        if key == "__type" && matches!(value, ValueRef::String("mg_enum")) {
            return true;
        }
        if cursor.check().is_err() {
            return false;
        }
    }
    false
}

/// Copies a value; enum values become the maps that stand for them. Only after [`walk`].
fn rewrite(cursor: &mut Cursor<'_>, out: &mut Vec<u8>) -> Result<()> {
    let mut ahead = *cursor;
    match ahead.value()? {
        ValueRef::List(size) => {
            *cursor = ahead;
            put_list(out, size);
            (0..size).try_for_each(|_| rewrite(cursor, out))
        }
        ValueRef::Map(size) => {
            *cursor = ahead;
            put_map(out, size);
            (0..size).try_for_each(|_| {
                put_string(out, cursor.string()?);
                rewrite(cursor, out)
            })
        }
        ValueRef::Enum(text) => {
            *cursor = ahead;
            put_map(out, 2);
            for text in ["__type", "mg_enum", "__value", text] {
                put_string(out, text);
            }
            Ok(())
        }
        _ => {
            out.extend_from_slice(cursor.raw()?);
            Ok(())
        }
    }
}

/// An item's properties on their way.
#[derive(Debug)]
pub(super) struct Sent<'a> {
    /// Its number in the batch.
    pub(super) number: usize,
    /// The parameter.
    pub(super) properties: Cow<'a, [u8]>,
    /// Texts that follow the parameter in the row.
    pub(super) texts: Vec<String>,
}

/// Items that one statement sends.
#[derive(Debug)]
pub(super) struct Parcel<'a> {
    /// What the statement sets: ` SET n = row[1]` and what no parameter carries.
    pub(super) set: String,
    /// The items.
    pub(super) items: Vec<Sent<'a>>,
}

/// How properties are set, and where the row has them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    /// The variable: `n`, or `r`.
    pub(super) variable: &'static str,
    /// `=` to replace, `+=` to add.
    pub(super) sign: &'static str,
    /// The parameter's place in the row.
    pub(super) place: usize,
    /// The place of the first text.
    pub(super) texts: usize,
    /// Nothing is set where there are no properties: a server without properties on relationships refuses even an empty map.
    pub(super) sparing: bool,
}

/// Sorts properties into parcels: nearly always one.
pub(super) fn parcels<'a>(
    properties: impl Iterator<Item = &'a [u8]>,
    setting: Setting,
    block: &'a Block,
) -> Result<Vec<Parcel<'a>>> {
    let mut parcels: Vec<Parcel<'a>> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for ((number, properties), item) in properties.enumerate().zip(block.items()) {
        let (set, sent) = sent(number, properties, setting).map_err(|(key, why)| unfit(&key, why, block, item))?;
        let place = match parcels.last() {
            Some(last) if last.set == set => parcels.len() - 1,
            _ => *places.entry(set).or_insert_with_key(|set| {
                parcels.push(Parcel { set: set.clone(), items: Vec::new() });
                parcels.len() - 1
            }),
        };
        if let Some(parcel) = parcels.get_mut(place) {
            parcel.items.push(sent);
        }
    }
    Ok(parcels)
}

enum Unsendable {
    Misfit(&'static str),
    Broken(Error),
}

impl From<Error> for Unsendable {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

fn unfit(key: &str, why: Unsendable, block: &Block, item: &Item) -> Error {
    let noun = block.class().noun();
    match why {
        Unsendable::Broken(error) => error,
        Unsendable::Misfit(why) => Error::refused(format!(
            "Memgraph cannot hold the value of {key:?} of {noun} {}: it is one of those {why}",
            item.id
        ))
        .hint("add --allow-loss=value to leave such properties out"),
    }
}

fn sent(
    number: usize,
    properties: &[u8],
    setting: Setting,
) -> std::result::Result<(String, Sent<'_>), (String, Unsendable)> {
    let broken = |error: Error| (String::new(), Unsendable::Broken(error));
    let Setting { variable, sign, place, texts, sparing } = setting;
    let mut cursor = Cursor::new(properties);
    let size = cursor.map().map_err(broken)?;
    let mut whole = Way::default();
    for _ in 0..size {
        let key = cursor.string().map_err(broken)?;
        let named = |why| (key.to_owned(), why);
        let way = walk(&mut cursor, 1).map_err(|error| named(error.into()))?;
        let way = way.map_err(|why| named(Unsendable::Misfit(why)))?;
        whole.rewritten |= way.rewritten;
        whole.expression |= way.expression;
    }
    let mut set = String::new();
    if !(sparing && size == 0) {
        let _ = write!(set, " SET {variable} {sign} row[{place}]");
    }
    let mut sent = Sent { number, properties: Cow::Borrowed(properties), texts: Vec::new() };
    if whole == Way::default() {
        return Ok((set, sent));
    }
    let mut out = Vec::with_capacity(properties.len() + 64);
    let map = open_map(&mut out);
    let mut members = 0;
    let mut cursor = Cursor::new(properties);
    cursor.map().map_err(broken)?;
    for _ in 0..size {
        let key = cursor.string().map_err(broken)?;
        let value = cursor;
        if !matches!(walk(&mut cursor, 1).map_err(broken)?, Ok(Way { expression: true, .. })) {
            put_string(&mut out, key);
            rewrite(&mut value.clone(), &mut out).map_err(broken)?;
            members += 1;
            continue;
        }
        let quoted = cypher::name::quoted(Dialect::Memgraph, key).map_err(broken)?;
        let text = expression(value).map_err(broken)?;
        match text.strip_prefix("LOCALDATETIME(\"").and_then(|rest| rest.strip_suffix("\")")) {
            Some(inner) if !inner.contains('"') => {
                let _ = write!(set, " SET {variable}.{quoted} = localDateTime(row[{}])", texts + sent.texts.len());
                sent.texts.push(inner.to_owned());
            }
            _ => {
                let _ = write!(set, " SET {variable}.{quoted} = {text}");
            }
        }
    }
    map.close(&mut out, members);
    sent.properties = Cow::Owned(out);
    Ok((set, sent))
}

fn expression(mut value: Cursor<'_>) -> Result<String> {
    let mut out = Vec::new();
    cypher::literal::value(Dialect::Memgraph, &mut value, &mut out)?;
    String::from_utf8(out).map_err(|cause| Error::failed("an expression is not UTF-8").caused_by(cause))
}
