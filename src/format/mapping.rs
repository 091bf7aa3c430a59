//! What strings of a file were before a format without their types took them: `--mapping`.
//!
//! A mapping is JSON in the words of `apoc.import.json`, so that one text serves both:
//! `{"nodePropertyMappings": {"Person": {"born": "Localdate"}}, "relPropertyMappings": {"KNOWS": {"since": "Localdate"}}}`. Beyond what APOC reads, `*` stands for
//! every label or type, a type may be one of several (`"Localdate|String"`: the first that the text fits), the elements of lists are mapped too, and there are
//! `Float` for NaN and infinity, `Bytes` for Base64, `Integer` and `Boolean`.
//!
//! A string that does not fit what the mapping says is an error; nothing is guessed. What an [`Inference`] says of a string that does not fit is nothing: it
//! stays, and is counted.

mod infer;

use super::gather::Gather;
use crate::error::{Error, Result};
use crate::model::temporal::{Date, DateTime, Duration, LocalDateTime, LocalTime, Time, ZonedDateTime};
use crate::model::{Class, Cursor, Kind, Point, ValueRef, packstream};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

pub use infer::Inference;

/// A type that a text may have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Date,
    LocalTime,
    Time,
    LocalDateTime,
    DateTime,
    Duration,
    Point,
    Float,
    Integer,
    Boolean,
    Bytes,
    String,
    /// A string that was expected to be something else and is not.
    Stays,
}

/// The names, as APOC has them and as Neo4j's types are called.
const TYPES: [(&str, Type); 20] = [
    ("localdate", Type::Date),
    ("date", Type::Date),
    ("localtime", Type::LocalTime),
    ("offsettime", Type::Time),
    ("time", Type::Time),
    ("localdatetime", Type::LocalDateTime),
    ("zoneddatetime", Type::DateTime),
    ("datetime", Type::DateTime),
    ("duration", Type::Duration),
    ("durationvalue", Type::Duration),
    ("point", Type::Point),
    ("pointvalue", Type::Point),
    ("float", Type::Float),
    ("double", Type::Float),
    ("integer", Type::Integer),
    ("long", Type::Integer),
    ("boolean", Type::Boolean),
    ("bytes", Type::Bytes),
    ("bytearray", Type::Bytes),
    ("string", Type::String),
];

/// Property to types, of one label or type.
type Keys = FxHashMap<String, Vec<Type>>;

/// What the strings of a file were.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    nodes: FxHashMap<String, Keys>,
    relationships: FxHashMap<String, Keys>,
    /// What is known without anybody's having said it: it counts where nothing is said.
    inferred: Inference,
    is_inferred: bool,
}

/// The types of one kind's properties.
pub(super) type Types = FxHashMap<String, Vec<Type>>;

/// Strings that stayed what they are although something else was inferred, by property.
#[derive(Clone, Debug, Default)]
pub(super) struct Misses(BTreeMap<String, u64>);

impl Misses {
    /// In words.
    pub(super) fn told(&self) -> impl Iterator<Item = String> + '_ {
        self.0.iter().map(|(key, count)| {
            format!("{count} strings of the property {key:?} are not of the type that was inferred: they stay strings")
        })
    }
}

/// What a mapping says of the kinds of the block that is being filled.
#[derive(Default)]
pub(super) struct Known {
    types: Vec<Types>,
    block: u64,
}

impl Known {
    /// What is said of a kind of the block.
    pub(super) fn of(&mut self, mapping: &Mapping, gather: &Gather, class: Class, kind: u32) -> &Types {
        if self.block != gather.number() {
            self.block = gather.number();
            self.types.clear();
        }
        while self.types.len() <= kind as usize {
            let next = gather.kind_at(self.types.len() as u32);
            self.types.push(next.map(|kind| mapping.of(class, kind)).unwrap_or_default());
        }
        // The loop has seen to it.
        &self.types[kind as usize]
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    #[serde(default, rename = "nodePropertyMappings")]
    nodes: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default, rename = "relPropertyMappings")]
    relationships: BTreeMap<String, BTreeMap<String, String>>,
}

impl Mapping {
    /// Reads a mapping.
    ///
    /// # Errors
    /// It is not JSON of this shape, or names a type that there is not.
    pub fn parse(text: &str) -> Result<Self> {
        let text: Text = serde_json::from_str(text).map_err(|cause| {
            Error::usage(format!("the mapping cannot be read: {cause}"))
                .hint(r#"write {"nodePropertyMappings": {"Person": {"born": "Localdate"}}}"#)
        })?;
        let keys = |keys: BTreeMap<String, String>| {
            keys.into_iter().map(|(key, words)| Ok((key, types(&words)?))).collect::<Result<Keys>>()
        };
        let all = |names: BTreeMap<String, BTreeMap<String, String>>| {
            names.into_iter().map(|(name, found)| Ok((name, keys(found)?))).collect::<Result<_>>()
        };
        Ok(Self { nodes: all(text.nodes)?, relationships: all(text.relationships)?, ..Self::default() })
    }

    /// Whether nothing is mapped.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.relationships.is_empty() && !self.is_inferred
    }

    /// Takes what a graph with types says, for the properties of which the mapping says nothing.
    pub fn infer(&mut self, inferred: Inference) {
        self.inferred = inferred;
        self.is_inferred = true;
    }

    /// What is said of items of a kind; its first label that says something of a property counts.
    pub(super) fn of(&self, class: Class, kind: &Kind) -> Types {
        let names = match class {
            Class::Nodes => &self.nodes,
            Class::Relationships => &self.relationships,
        };
        let mut found = Types::default();
        for name in kind.names().iter().map(|name| &**name).chain(["*"]) {
            for (key, types) in names.get(name).into_iter().flatten() {
                found.entry(key.clone()).or_insert_with(|| types.clone());
            }
        }
        for (key, kind) in self.inferred.of(class, kind) {
            found.entry(key.to_owned()).or_insert_with(|| vec![kind, Type::Stays]);
        }
        found
    }
}

fn types(words: &str) -> Result<Vec<Type>> {
    words
        .split('|')
        .map(|word| {
            let word = word.trim();
            let known = TYPES.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
            known.map(|(_, kind)| *kind).ok_or_else(|| {
                Error::usage(format!("the mapping has the type {word:?}, which there is not")).hint(
                    "types are Localdate, Localtime, Offsettime, Localdatetime, Zoneddatetime, Duration, Point, Float, Integer, Boolean, Bytes, String",
                )
            })
        })
        .collect()
}

/// Writes a property map with the types that it had: points out of their maps, what is mapped out of its text, nothing that is null. What is wrong is told in
/// words, with the property.
pub(super) fn retype(
    cursor: &mut Cursor<'_>,
    types: &Types,
    misses: &mut Misses,
    out: &mut Vec<u8>,
) -> std::result::Result<(), String> {
    let words = |error: Error| error.message().to_owned();
    let size = cursor.map().map_err(words)?;
    let flat = types.values().any(|types| types.contains(&Type::Point));
    let mut parts: FlatPoints = FlatPoints::default();
    let open = packstream::open_map(out);
    let mut members = 0;
    for _ in 0..size {
        let key = cursor.string().map_err(words)?;
        if cursor.clone().value().map_err(words)? == ValueRef::Null {
            cursor.raw().map_err(words)?;
            continue;
        }
        if flat && let Some((base, part)) = flattened(key, types) {
            parts.entry(base).or_default().push((part, cursor.raw().map_err(words)?));
            continue;
        }
        packstream::put_string(out, key);
        let wanted = types.get(key).map(Vec::as_slice).unwrap_or_default();
        let mut missed = 0;
        value(cursor, wanted, false, &mut missed, out).map_err(|message| format!("property {key:?}: {message}"))?;
        if missed > 0 {
            *misses.0.entry(key.to_owned()).or_default() += missed;
        }
        members += 1;
    }
    for (base, parts) in &parts {
        let point = gathered(parts).ok_or_else(|| format!("property {base:?}: its parts are no point"))?;
        packstream::put_string(out, base);
        packstream::put_value(out, &ValueRef::Point(point));
        members += 1;
    }
    open.close(out, members);
    Ok(())
}

/// The parts of points whose maps `apoc.import.json` has spread over several properties, by the points' own.
type FlatPoints<'a> = BTreeMap<&'a str, Vec<(&'a str, &'a [u8])>>;

/// `loc.x` of a point `loc`.
fn flattened<'a>(key: &'a str, types: &Types) -> Option<(&'a str, &'a str)> {
    let (base, part) = key.rsplit_once('.')?;
    let known = matches!(part, "crs" | "x" | "y" | "z" | "latitude" | "longitude" | "height");
    (known && types.get(base).is_some_and(|types| types.contains(&Type::Point))).then_some((base, part))
}

fn value(
    cursor: &mut Cursor<'_>,
    types: &[Type],
    inside: bool,
    missed: &mut u64,
    out: &mut Vec<u8>,
) -> std::result::Result<(), String> {
    let words = |error: Error| error.message().to_owned();
    let mut after = *cursor;
    match after.value().map_err(words)? {
        ValueRef::String(text) if !types.is_empty() => match types.iter().find(|kind| put(**kind, text, out)) {
            None => return Err(format!("{text:?} is not of the type that the mapping says")),
            Some(Type::Stays) => *missed += 1,
            Some(_) => {}
        },
        ValueRef::Integer(number) if types.first() == Some(&Type::Float) => packstream::put_float(out, number as f64),
        ValueRef::List(size) if !inside => {
            packstream::put_list(out, size);
            for _ in 0..size {
                value(&mut after, types, true, missed, out)?;
            }
        }
        ValueRef::Map(size) => {
            let parts = (0..size).map(|_| Ok((after.string()?, after.raw()?))).collect::<Result<Vec<_>>>();
            let point = gathered(&parts.map_err(words)?).ok_or("a map that is no point cannot be a property")?;
            packstream::put_value(out, &ValueRef::Point(point));
        }
        ValueRef::Null | ValueRef::List(_) => return Err("a list has null or another list in it".to_owned()),
        _ => {
            out.extend_from_slice(cursor.raw().map_err(words)?);
            return Ok(());
        }
    }
    *cursor = after;
    Ok(())
}

/// Puts the value that a text was, if it fits the type.
fn put(kind: Type, text: &str, out: &mut Vec<u8>) -> bool {
    let value = match kind {
        Type::Date => Date::parse(text).map(ValueRef::Date),
        Type::LocalTime => LocalTime::parse(text).map(ValueRef::LocalTime),
        Type::Time => Time::parse(text).map(ValueRef::Time),
        Type::LocalDateTime => LocalDateTime::parse(text).map(ValueRef::LocalDateTime),
        Type::DateTime => ZonedDateTime::parse(text)
            .map(ValueRef::ZonedDateTime)
            .or_else(|| DateTime::parse(text).map(ValueRef::DateTime)),
        Type::Duration => Duration::parse(text).map(ValueRef::Duration),
        Type::Point => point_of_text(text).map(ValueRef::Point),
        Type::Float => float(text).map(ValueRef::Float),
        Type::Integer => text.parse().ok().map(ValueRef::Integer),
        Type::Boolean => text.parse().ok().map(ValueRef::Boolean),
        Type::Bytes => {
            return STANDARD.decode(text).is_ok_and(|bytes| {
                packstream::put_bytes(out, &bytes);
                true
            });
        }
        Type::String | Type::Stays => Some(ValueRef::String(text)),
    };
    value.is_some_and(|value| {
        packstream::put_value(out, &value);
        true
    })
}

/// A float as Java, XML and Python write it.
pub(super) fn float(text: &str) -> Option<f64> {
    match text {
        "NaN" | "nan" => Some(f64::NAN),
        "Infinity" | "INF" | "inf" | "+Infinity" => Some(f64::INFINITY),
        "-Infinity" | "-INF" | "-inf" => Some(f64::NEG_INFINITY),
        _ => {
            let plain =
                text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
            text.parse().ok().filter(|value: &f64| plain && value.is_finite())
        }
    }
}

/// The reference systems of Neo4j, as APOC names them.
pub(super) const SYSTEMS: [(&str, i32); 4] =
    [("wgs-84", 4326), ("wgs-84-3d", 4979), ("cartesian", 7203), ("cartesian-3d", 9157)];

/// A point as APOC's JSON has it.
fn point_of_text(text: &str) -> Option<Point> {
    let mut bytes = Vec::new();
    let mut parser = crate::model::json::Parser::new(text);
    parser.skip(&mut bytes).and_then(|()| parser.end()).ok()?;
    let mut cursor = Cursor::new(&bytes);
    let size = cursor.map().ok()?;
    let parts = (0..size).map(|_| Ok((cursor.string()?, cursor.raw()?))).collect::<Result<Vec<_>>>().ok()?;
    gathered(&parts)
}

/// The point of `crs`, `x`, `y`, `z` or `crs`, `longitude`, `latitude`, `height`, and nothing else.
fn gathered(parts: &[(&str, &[u8])]) -> Option<Point> {
    let find = |name: &str| parts.iter().find(|(part, _)| *part == name).map(|(_, raw)| Cursor::new(raw));
    let number = |name: &str| match find(name)?.value().ok()? {
        ValueRef::Float(value) => Some(value),
        ValueRef::Integer(value) => Some(value as f64),
        ValueRef::String(text) => float(text),
        _ => None,
    };
    let crs = match find("crs")?.value().ok()? {
        ValueRef::String(crs) => SYSTEMS.iter().find(|(name, _)| crs.eq_ignore_ascii_case(name))?.1,
        _ => return None,
    };
    let names = if matches!(crs, 4326 | 4979) { ["longitude", "latitude", "height"] } else { ["x", "y", "z"] };
    let [x, y, z] = names.map(number);
    let deep = matches!(crs, 4979 | 9157);
    let fits = parts.iter().all(|(part, _)| *part == "crs" || names.contains(part)) && z.is_some() == deep;
    Some(Point { srid: crs, x: x?, y: y?, z }).filter(|_| fits)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::Value;

    fn retyped(json: &str, mapping: &str) -> std::result::Result<String, String> {
        let mut bytes = Vec::new();
        crate::model::json::Parser::new(json).skip(&mut bytes).unwrap();
        let types = Mapping::parse(mapping).unwrap().of(Class::Nodes, &Kind::labels(["T"]));
        let mut out = Vec::new();
        retype(&mut Cursor::new(&bytes), &types, &mut Misses::default(), &mut out)?;
        let value = Value::read(&mut Cursor::new(&out)).unwrap();
        Ok(serde_json::to_string(&value).unwrap())
    }

    #[test]
    fn strings_become_what_they_were() {
        let mapping = r#"{"nodePropertyMappings": {"T": {"a": "Localdate", "b": "Zoneddatetime|String", "c": "Float", "p": "Point"}, "*": {"d": "bytes"}}}"#;
        let found = retyped(
            r#"{"a":["2024-01-01"],"b":"no","c":["NaN",1,2.5],"d":"AAH+/w==","e":null,"p.x":1,"p.y":2.5,"p.crs":"cartesian"}"#,
            mapping,
        );
        let expected = r#"{"a":[{"$date":"2024-01-01"}],"b":"no","c":[{"$float":"NaN"},1.0,2.5],"d":{"$bytes":"AAH+/w=="},"p":{"$point":{"srid":7203,"x":1.0,"y":2.5}}}"#;
        assert_eq!(found.unwrap(), expected);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let mapping = r#"{"nodePropertyMappings": {"T": {"a": "Localdate"}}}"#;
        assert!(retyped(r#"{"a":"yesterday"}"#, mapping).unwrap_err().contains("yesterday"));
        for odd in [r#"{"b":{"x":1}}"#, r#"{"b":[null]}"#, r#"{"b":[[1]]}"#, r#"{"b":{"crs":"wgs-84","x":1,"y":2}}"#] {
            assert!(retyped(odd, mapping).is_err(), "{odd}");
        }
        assert!(Mapping::parse(r#"{"nodes": {}}"#).is_err());
        assert!(Mapping::parse(r#"{"nodePropertyMappings": {"T": {"a": "Yesterday"}}}"#).is_err());
    }
}
