//! Counts of a graph: what a trailer holds, and what a restore is checked against.

use super::block::{Block, Class, Item};
use super::packstream::{Cursor, MAX_DEPTH, Scalar, ValueRef, too_deep};
use super::schema::SchemaObject;
use crate::error::{Error, Result};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How much of what a graph holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Nodes.
    pub nodes: u64,
    /// Relationships.
    pub relationships: u64,
    /// Nodes a label; a node with two labels counts under both.
    #[serde(default)]
    pub labels: BTreeMap<String, u64>,
    /// Nodes without a label.
    #[serde(default)]
    pub unlabelled: u64,
    /// Relationships a type.
    #[serde(default)]
    pub types: BTreeMap<String, u64>,
    /// Schema objects a sort, such as `node range index`.
    #[serde(default)]
    pub schema: BTreeMap<String, u64>,
    /// Property values a type, such as `float`, `list of date`, `map`. Members of lists are not counted one by one.
    #[serde(default)]
    pub values: BTreeMap<String, u64>,
    /// Statements outside the shapes that we know, carried as they are.
    #[serde(default)]
    pub statements: u64,
}

/// The end of a dump: what it held, and proof that it is whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trailer {
    /// The counts.
    pub tally: Tally,
    /// Whether the source changed while the dump was taken: `false`, `true`, or absent where nobody could tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_changed: Option<bool>,
    /// BLAKE3 of all bytes before the trailer's line, in lower-case hexadecimal.
    pub blake3: String,
}

/// The name under which a value's type is counted.
fn type_name(value: &ValueRef<'_>) -> &'static str {
    match value {
        ValueRef::Null => "null",
        ValueRef::Boolean(_) => "boolean",
        ValueRef::Integer(_) => "integer",
        ValueRef::Float(_) => "float",
        ValueRef::Bytes(_) => "bytes",
        ValueRef::String(_) => "string",
        ValueRef::List(_) => "list",
        ValueRef::Map(_) => "map",
        ValueRef::Date(_) => "date",
        ValueRef::LocalTime(_) => "local-time",
        ValueRef::Time(_) => "time",
        ValueRef::LocalDateTime(_) => "local-date-time",
        ValueRef::DateTime(_) => "date-time",
        ValueRef::ZonedDateTime(_) => "zoned-date-time",
        ValueRef::Duration(_) => "duration",
        ValueRef::Point(_) => "point",
        ValueRef::Vector(..) => "vector",
        ValueRef::Enum(_) => "enum",
        ValueRef::Structure(..) => "structure",
    }
}

/// The name under which the next value is counted: `float`, `list of date`.
///
/// # Errors
/// The bytes are not well formed.
pub fn sort_of_value(mut cursor: Cursor<'_>) -> Result<String> {
    Ok(sort_text(sort_names(&mut cursor)?))
}

/// The two words as one: `list of date`.
#[must_use]
pub fn sort_text((outer, inner): SortNames) -> String {
    inner.map_or_else(|| outer.to_owned(), |inner| format!("{outer} of {inner}"))
}

/// A value's type, and for a list with members the type that all of them have.
pub type SortNames = (&'static str, Option<&'static str>);

/// The type that all members of a list have, or `mixed`. Points of different systems differ; instants with an offset and with a zone do not.
fn member_name(cursor: &mut Cursor<'_>, size: usize) -> Result<&'static str> {
    let sort = |value: &ValueRef<'_>| match value {
        ValueRef::ZonedDateTime(_) => ("date-time", 0),
        ValueRef::Point(point) => ("point", point.srid),
        _ => (type_name(value), 0),
    };
    let first = sort(&cursor.clone().value()?);
    for _ in 0..size {
        let next = sort(&cursor.clone().value()?);
        if next != first {
            return Ok("mixed");
        }
        cursor.check()?;
    }
    Ok(first.0)
}

/// The two words of [`sort_of_value`], with nothing allocated: `float`; `list` and `date`. The cursor stays behind the value's head.
///
/// # Errors
/// The bytes are not well formed.
pub fn sort_names(cursor: &mut Cursor<'_>) -> Result<SortNames> {
    let value = cursor.value()?;
    let inner = match value {
        ValueRef::List(size) if size > 0 => Some(member_name(cursor, size)?),
        _ => None,
    };
    Ok((type_name(&value), inner))
}

fn may_hold_maps((outer, inner): (&str, Option<&str>)) -> bool {
    let holds = |name: &str| matches!(name, "map" | "structure" | "mixed");
    holds(outer) || inner.is_some_and(|name| holds(name) || name == "list")
}

/// A key that is there twice. Puts many keys in another order.
fn repeated<'a, K: Ord + ?Sized>(keys: &mut [&'a K]) -> Option<&'a K> {
    if keys.len() <= 12 {
        let mut keys = &*keys;
        while let Some((key, rest)) = keys.split_first() {
            if rest.contains(key) {
                return Some(key);
            }
            keys = rest;
        }
        return None;
    }
    keys.sort_unstable();
    keys.windows(2).find_map(|pair| match pair {
        [a, b] if a == b => Some(*a),
        _ => None,
    })
}

/// A key that is there twice in a map of the next value.
fn repeated_within<'a>(cursor: &mut Cursor<'a>, depth: usize) -> Result<Option<&'a str>> {
    if depth > MAX_DEPTH {
        return Err(too_deep());
    }
    match cursor.value()? {
        ValueRef::Map(size) => {
            let mut keys = Vec::with_capacity(size.min(64));
            for _ in 0..size {
                keys.push(cursor.string()?);
                if let Some(key) = repeated_within(cursor, depth + 1)? {
                    return Ok(Some(key));
                }
            }
            Ok(repeated(&mut keys))
        }
        ValueRef::List(size) | ValueRef::Structure(_, size) => {
            for _ in 0..size {
                if let Some(key) = repeated_within(cursor, depth + 1)? {
                    return Ok(Some(key));
                }
            }
            Ok(None)
        }
        _ => Ok(None),
    }
}

/// A key that is there twice in a map of this value: no reader would take a dump of it.
///
/// # Errors
/// The bytes are not well formed.
pub fn repeated_key(mut value: Cursor<'_>) -> Result<Option<&str>> {
    if may_hold_maps(sort_names(&mut value.clone())?) { repeated_within(&mut value, 0) } else { Ok(None) }
}

fn twice(block: &Block, item: &Item, key: &[u8]) -> Error {
    let key = String::from_utf8_lossy(key);
    let error = Error::corrupt(format!("{} {} has the key {key:?} twice", block.class().noun(), item.id));
    match block.position(item) {
        Some(position) => error.at(position),
        None => error,
    }
}

/// Counts blocks without making a string for each.
#[derive(Debug, Default)]
pub struct Counter {
    tally: Tally,
    values: FxHashMap<SortNames, u64>,
    /// Those of [`SCALARS`], in their order.
    scalars: [u64; SCALARS.len()],
    names: Option<FxHashSet<Box<str>>>,
}

/// What scalars are called, in the order of their enum.
const SCALARS: [(Scalar, &str); 6] = [
    (Scalar::Null, "null"),
    (Scalar::Boolean, "boolean"),
    (Scalar::Integer, "integer"),
    (Scalar::Float, "float"),
    (Scalar::Bytes, "bytes"),
    (Scalar::String, "string"),
];

impl Counter {
    /// A counter that collects the names of properties on its way.
    #[must_use]
    pub fn of_names() -> Self {
        Self { names: Some(FxHashSet::default()), ..Self::default() }
    }

    /// The names of properties that occurred; none where they were not to be collected.
    #[must_use]
    pub fn into_names(self) -> FxHashSet<Box<str>> {
        self.names.unwrap_or_default()
    }

    /// Counts a block's items and values.
    ///
    /// # Errors
    /// The block's bytes are not well formed, or a map has a key twice: no reader would take a dump of it.
    pub fn block(&mut self, block: &Block) -> Result<()> {
        let mut kinds = vec![0_u64; block.kinds().len()];
        // Most items have the keys of the one before, of which it is known that none comes twice.
        let mut known: Vec<&[u8]> = Vec::new();
        for item in block.items() {
            if let Some(count) = kinds.get_mut(item.kind as usize) {
                *count += 1;
            }
            let mut cursor = block.cursor(item);
            let size = cursor.map()?;
            let mut is_known = size == known.len();
            for at in 0..size {
                let key = cursor.text_bytes()?;
                if known.get(at) != Some(&key) {
                    is_known = false;
                    known.truncate(at);
                    known.push(key);
                }
                match cursor.pass_scalar()? {
                    Some(scalar) => self.scalars[scalar as usize] += 1,
                    None => self.value(block, item, &mut cursor)?,
                }
            }
            if !is_known {
                known.truncate(size);
                self.keys(block, item, &known)?;
            }
        }
        let total = block.len() as u64;
        match block.class() {
            Class::Nodes => self.tally.nodes += total,
            Class::Relationships => self.tally.relationships += total,
        }
        for (kind, count) in block.kinds().iter().zip(kinds).filter(|(_, count)| *count > 0) {
            let names = match block.class() {
                Class::Nodes => &mut self.tally.labels,
                Class::Relationships => &mut self.tally.types,
            };
            for name in kind.names() {
                match names.get_mut(&**name) {
                    Some(known) => *known += count,
                    None => _ = names.insert(name.to_string(), count),
                }
            }
            if block.class() == Class::Nodes && kind.names().is_empty() {
                self.tally.unlabelled += count;
            }
        }
        Ok(())
    }

    /// Looks at the keys of an item: none may come twice.
    fn keys(&mut self, block: &Block, item: &Item, keys: &[&[u8]]) -> Result<()> {
        if let Some(key) = repeated(&mut keys.to_vec()) {
            return Err(twice(block, item, key));
        }
        let Some(names) = &mut self.names else { return Ok(()) };
        for key in keys {
            let key = std::str::from_utf8(key).map_err(|_| Error::corrupt("a key is not valid UTF-8"))?;
            if !names.contains(key) {
                names.insert(Box::from(key));
            }
        }
        Ok(())
    }

    /// Counts a value that is no scalar, and passes over it.
    fn value(&mut self, block: &Block, item: &Item, cursor: &mut Cursor<'_>) -> Result<()> {
        let names = sort_names(&mut cursor.clone())?;
        if may_hold_maps(names)
            && let Some(key) = repeated_within(&mut cursor.clone(), 0)?
        {
            return Err(twice(block, item, key.as_bytes()));
        }
        *self.values.entry(names).or_default() += 1;
        cursor.check()
    }

    /// Counts a schema object.
    pub fn object(&mut self, object: &SchemaObject) {
        *self.tally.schema.entry(object.sort_of()).or_default() += 1;
    }

    /// Counts a statement outside the known shapes.
    pub fn statement(&mut self) {
        self.tally.statements += 1;
    }

    /// Nodes and relationships so far.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.tally.nodes + self.tally.relationships
    }

    /// The counts.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = self.tally.clone();
        for (names, count) in &self.values {
            tally.values.insert(sort_text(*names), *count);
        }
        for ((_, name), count) in SCALARS.into_iter().zip(self.scalars).filter(|(_, count)| *count > 0) {
            tally.values.insert(name.to_owned(), count);
        }
        tally
    }
}

impl Tally {
    /// Adds another graph's counts.
    pub fn add(&mut self, other: &Self) {
        self.nodes += other.nodes;
        self.relationships += other.relationships;
        self.unlabelled += other.unlabelled;
        self.statements += other.statements;
        for (mine, theirs) in [
            (&mut self.labels, &other.labels),
            (&mut self.types, &other.types),
            (&mut self.schema, &other.schema),
            (&mut self.values, &other.values),
        ] {
            for (name, count) in theirs {
                *mine.entry(name.clone()).or_default() += count;
            }
        }
    }

    /// Compares what a dump's trailer says with what was read.
    ///
    /// # Errors
    /// The first count that differs.
    pub fn check(&self, read: &Self) -> Result<()> {
        for (what, says, found) in [
            ("nodes", self.nodes, read.nodes),
            ("relationships", self.relationships, read.relationships),
            ("statements", self.statements, read.statements),
        ] {
            if says != found {
                return Err(Error::corrupt(format!("the trailer counts {says} {what}, the dump holds {found}")));
            }
        }
        for (what, says, found) in [
            ("label", &self.labels, &read.labels),
            ("type", &self.types, &read.types),
            ("schema", &self.schema, &read.schema),
        ] {
            if says != found {
                let name = says.keys().chain(found.keys()).find(|name| says.get(*name) != found.get(*name));
                let name = name.map_or("", String::as_str);
                return Err(Error::corrupt(format!(
                    "the trailer counts {} for {what} {name:?}, the dump holds {}",
                    says.get(name).unwrap_or(&0),
                    found.get(name).unwrap_or(&0)
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::Kind;
    use crate::model::packstream::{put_integer, put_list, put_map, put_string};

    fn put_keys(out: &mut Vec<u8>, count: usize, repeat: bool) {
        put_map(out, count);
        for at in 0..count {
            // The last key is the first one again.
            let at = if repeat && at + 1 == count { 0 } else { at };
            put_string(out, &format!("k{at}"));
            put_integer(out, 1);
        }
    }

    #[test]
    fn a_key_that_is_there_twice_is_refused_wherever_it_is() {
        for repeat in [false, true] {
            for count in [2, 12, 13, 100] {
                for nesting in 0..3 {
                    let mut block = Block::new(Class::Nodes);
                    let out = block.buffer();
                    if nesting > 0 {
                        put_map(out, 1);
                        put_string(out, "outer");
                        (1..nesting).for_each(|_| put_list(out, 1));
                    }
                    put_keys(out, count, repeat);
                    let kind = block.add_kind(Kind::labels(["A"]));
                    block.push(7, 0, 0, kind, 0);
                    let told = Counter::default().block(&block).map_err(|error| error.to_string());
                    let expected = if repeat { Err("node 7 has the key \"k0\" twice".to_owned()) } else { Ok(()) };
                    assert_eq!(told, expected, "{count} keys, nested {nesting} times");
                }
            }
        }
    }
}
