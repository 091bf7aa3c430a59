//! Memgraph's versions, and what of a schema and of values each has. The dialect's statements are the same in all of them; what differs is which
//! of them exist. Neo4j's dialect has one form for every version that it is meant for.
//!
//! The versions are those in which Memgraph's own dumps began to have such a statement.

use crate::error::{Error, Result};
use crate::model::packstream::MAX_DEPTH;
use crate::model::{Cursor, Entity, IndexKind, SchemaObject, Value, ValueRef};
use std::fmt;
use std::str::FromStr;

/// A version such as `3.6.2`. What is not said is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second.
    pub minor: u32,
    /// The third.
    pub patch: u32,
}

const fn version(major: u32, minor: u32, patch: u32) -> Version {
    Version { major, minor, patch }
}

impl FromStr for Version {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bad = || Error::usage(format!("{text:?} is no version: it is one to three numbers, such as 3.6 or 2.15.1"));
        let mut numbers = [0; 3];
        let parts: Vec<&str> = text.strip_prefix('v').unwrap_or(text).split('.').collect();
        if parts.len() > numbers.len() {
            return Err(bad());
        }
        for (number, part) in numbers.iter_mut().zip(parts) {
            *number = part.parse().map_err(|_| bad())?;
        }
        let [major, minor, patch] = numbers;
        Ok(Self { major, minor, patch })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}.{}", self.major, self.minor)?;
        if self.patch > 0 { write!(to, ".{}", self.patch) } else { Ok(()) }
    }
}

/// Why a version of Memgraph cannot have an object that the newest one has; `None` where it can.
#[must_use]
pub fn lacks(target: Version, object: &SchemaObject) -> Option<String> {
    let (arrived, what) = features(object).into_iter().filter(|(arrived, _)| *arrived > target).max()?;
    Some(format!("Memgraph has {what} since version {arrived}"))
}

/// What an object is made of, and since when there is such a thing.
fn features(object: &SchemaObject) -> Vec<(Version, &'static str)> {
    let mut all = Vec::new();
    match object {
        SchemaObject::Index(index) => {
            let relationship = index.on == Entity::Relationship;
            match (index.kind, relationship) {
                (IndexKind::Label, true) => all.push((version(2, 15, 1), "edge type indexes")),
                (IndexKind::Range, true) if index.labels.is_empty() => {
                    all.push((version(3, 2, 0), "global edge indexes"));
                }
                (IndexKind::Range, true) => all.push((version(2, 18, 0), "edge property indexes")),
                (IndexKind::Text, true) => all.push((version(3, 6, 0), "text edge indexes")),
                (IndexKind::Text, false) => all.push((version(2, 15, 1), "text indexes")),
                (IndexKind::Point, _) => all.push((version(2, 20, 0), "point indexes")),
                (IndexKind::Vector, false) => all.push((version(3, 0, 0), "vector indexes")),
                (IndexKind::Vector, true) => all.push((version(3, 4, 0), "vector edge indexes")),
                _ => {}
            }
            if index.kind == IndexKind::Text && !index.properties.is_empty() {
                all.push((version(3, 5, 0), "text indexes on properties"));
            }
            if index.kind == IndexKind::Range && index.properties.len() > 1 {
                all.push((version(3, 2, 0), "composite indexes"));
            }
            if index.config.contains_key("paths") {
                all.push((version(3, 3, 0), "indexes on properties within maps"));
            }
            if index.config.get("order").and_then(Value::as_str) == Some("DESC") {
                all.push((version(3, 10, 0), "descending indexes"));
            }
            if index.kind == IndexKind::Vector {
                // Before, f32 was the only kind there was.
                if index.config.get("scalar_kind").is_some_and(|kind| kind.as_str() != Some("f32")) {
                    all.push((version(3, 4, 0), "vector indexes of other scalar kinds than f32"));
                }
                if index.labels.len() != 1 {
                    all.push((version(3, 11, 0), "vector indexes on all or on several labels"));
                }
            }
        }
        SchemaObject::Constraint(constraint) => {
            if matches!(constraint.kind, crate::model::ConstraintKind::PropertyType(_)) {
                all.push((version(2, 20, 0), "type constraints"));
            }
        }
        SchemaObject::Trigger(trigger) => {
            if trigger.selector.contains_key("security") {
                all.push((version(3, 8, 0), "SECURITY in triggers"));
            }
        }
        SchemaObject::Other(other) => match other.kind.as_str() {
            "enum" => all.push((version(2, 18, 0), "enums")),
            "ttl" => all.push((version(3, 5, 0), "TTL in dumps")),
            "description" => all.push((version(3, 10, 0), "descriptions")),
            _ => {}
        },
    }
    all
}

/// The types of values that a version of Memgraph does not have, as [`Tally::values`](crate::model::Tally::values) names them, without those
/// that no version has.
#[must_use]
pub fn lacking_values(target: Version) -> Vec<String> {
    let mut all = Vec::new();
    for (arrived, names) in VALUES {
        if arrived > target {
            all.extend(names.iter().flat_map(|name| [(*name).to_owned(), format!("list of {name}")]));
        }
    }
    all
}

const VALUES: [(Version, &[&str]); 3] = [
    (version(2, 17, 0), &["date-time", "zoned-date-time"]),
    (version(2, 18, 0), &["enum"]),
    (version(2, 19, 0), &["point"]),
];

/// Refuses a value that a version of Memgraph does not have, however deep it lies in lists and maps.
///
/// # Errors
/// There is one; or the bytes are not well formed.
pub fn check_value(target: Version, cursor: &mut Cursor<'_>) -> Result<()> {
    check_nested(target, cursor, 0)
}

fn check_nested(target: Version, cursor: &mut Cursor<'_>, depth: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(crate::model::packstream::too_deep());
    }
    let value = cursor.value()?;
    let arrived = match value {
        ValueRef::DateTime(_) | ValueRef::ZonedDateTime(_) => version(2, 17, 0),
        ValueRef::Enum(_) => version(2, 18, 0),
        ValueRef::Point(_) => version(2, 19, 0),
        ValueRef::List(size) | ValueRef::Structure(_, size) => {
            return (0..size).try_for_each(|_| check_nested(target, cursor, depth + 1));
        }
        ValueRef::Map(size) => {
            return (0..size).try_for_each(|_| {
                cursor.string()?;
                check_nested(target, cursor, depth + 1)
            });
        }
        _ => return Ok(()),
    };
    if arrived > target {
        let what = value.name();
        return Err(Error::refused(format!(
            "Memgraph {target} cannot hold {what}: version {arrived} is the first that can"
        )));
    }
    Ok(())
}

/// Whether a version of Memgraph lacks some type of value.
#[must_use]
pub fn lacks_some_value(target: Version) -> bool {
    VALUES.iter().any(|(arrived, _)| *arrived > target)
}
