//! The changes in a write-ahead log, one after the other.

use super::bytes::Bytes;
use super::catalog::{self, Change, TimeToLive, Vector};
use super::describe;
use super::value::{self, Meaning, Vectors};
use crate::error::Result;
use crate::model::packstream::Cursor;
use crate::model::tally::repeated_key;
use crate::model::{ConstraintKind, Entity, IndexKind};

/// One change, the transaction's bounds among them.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Delta {
    Start { commits: bool },
    End { sum: Option<(u32, u64)> },
    Node { id: i64, is_there: bool },
    Label { id: i64, name: String, is_there: bool },
    NodeProperty { id: i64, name: String, value: Option<Vec<u8>> },
    Relationship { id: i64, name: String, start: i64, end: i64, is_there: bool },
    RelationshipProperty { id: i64, name: String, value: Option<Vec<u8>> },
    Schema(Change),
}

impl Delta {
    /// Whether it is part of a transaction in formats 14 and 15, where changes of the schema stand alone.
    pub(super) fn is_of_graph(&self) -> bool {
        !matches!(self, Self::Schema(_))
    }
}

/// Reads one: its timestamp and itself.
pub(super) fn read(bytes: &mut Bytes, meaning: &Meaning, vectors: Vectors<'_>) -> Result<(u64, Delta)> {
    let version = meaning.version;
    let first = bytes.byte()?;
    if first != 0x26 {
        return Err(bytes.no_marker(first, "a change"));
    }
    let timestamp = bytes.uint()?;
    let kind = bytes.byte()?;
    let delta = match kind {
        0x50 | 0x51 => Delta::Node { id: bytes.gid()?, is_there: kind == 0x50 },
        0x52 | 0x53 => Delta::Label { id: bytes.gid()?, name: bytes.string()?, is_there: kind == 0x52 },
        0x54 => {
            let (id, name) = (bytes.gid()?, bytes.string()?);
            Delta::NodeProperty { id, name, value: property(bytes, meaning, vectors)? }
        }
        0x55 | 0x56 => {
            let (id, name) = (bytes.gid()?, bytes.string()?);
            Delta::Relationship { id, name, start: bytes.gid()?, end: bytes.gid()?, is_there: kind == 0x55 }
        }
        0x57 => {
            let (id, name) = (bytes.gid()?, bytes.string()?);
            let value = property(bytes, meaning, vectors)?;
            if version >= 21 {
                bytes.uint()?;
            }
            if version >= 33 {
                bytes.uint()?;
                bytes.str()?;
            }
            Delta::RelationshipProperty { id, name, value }
        }
        0x58 if version >= 36 => {
            bytes.marker(0x12, "a checksum")?;
            let sum = bytes.sum();
            Delta::End { sum: Some((sum, bytes.raw()?)) }
        }
        0x58 => Delta::End { sum: None },
        0x77 if version >= 28 => {
            let commits = bytes.boolean()?;
            if version >= 30 {
                bytes.uint()?;
            }
            Delta::Start { commits }
        }
        _ => Delta::Schema(change(bytes, meaning, kind)?),
    };
    Ok((timestamp, delta))
}

fn property(bytes: &mut Bytes, meaning: &Meaning, vectors: Vectors<'_>) -> Result<Option<Vec<u8>>> {
    let mut out = Vec::new();
    let is_null = value::value(bytes, meaning, vectors, &mut out)?;
    if let Some(key) = repeated_key(Cursor::new(&out))? {
        return Err(bytes.damaged(format!("a map has the key {key:?} twice")));
    }
    // A value that is only passed over may look like null: whoever passes over it does not ask.
    Ok((!is_null).then_some(out))
}

fn change(bytes: &mut Bytes, meaning: &Meaning, kind: u8) -> Result<Change> {
    let version = meaning.version;
    let toggle = |is_there: bool, object| if is_there { Change::Create(object) } else { Change::Drop(object) };
    Ok(match kind {
        0x59 | 0x5A => toggle(kind == 0x59, catalog::range(Entity::Node, Some(bytes.string()?), Vec::new(), false)),
        0x61 => {
            bytes.str()?;
            bytes.str()?;
            Change::Nothing
        }
        0x62 | 0x64 => {
            bytes.str()?;
            Change::Nothing
        }
        0x5B | 0x5C => {
            let (label, paths) = (bytes.string()?, paths(bytes, version)?);
            let is_descending = version >= 34 && bytes.uint()? == 1;
            toggle(kind == 0x5B, catalog::range(Entity::Node, Some(label), paths, is_descending))
        }
        0x63 => {
            bytes.str()?;
            paths(bytes, version)?;
            bytes.str()?;
            Change::Nothing
        }
        0x5D | 0x5E => {
            let (label, property) = (bytes.string()?, bytes.string()?);
            toggle(kind == 0x5D, catalog::constraint(ConstraintKind::Existence, label, vec![property]))
        }
        0x5F | 0x60 => {
            let (label, properties) = (bytes.string()?, bytes.strings()?);
            toggle(kind == 0x5F, catalog::constraint(ConstraintKind::Unique, label, properties))
        }
        0x65 | 0x66 => {
            toggle(kind == 0x65, catalog::range(Entity::Relationship, Some(bytes.string()?), Vec::new(), false))
        }
        0x6C | 0x6D => {
            let (name, property) = (bytes.string()?, bytes.string()?);
            toggle(kind == 0x6C, catalog::range(Entity::Relationship, Some(name), vec![vec![property]], false))
        }
        0x74 | 0x75 => {
            toggle(kind == 0x74, catalog::range(Entity::Relationship, None, vec![vec![bytes.string()?]], false))
        }
        0x7C | 0x7D if version >= 37 => {
            toggle(kind == 0x7C, catalog::range(Entity::Node, None, vec![vec![bytes.string()?]], false))
        }
        0x67 | 0x79 => {
            let (name, label) = (bytes.string()?, bytes.string()?);
            let properties = if version >= 29 { bytes.strings()? } else { Vec::new() };
            let on = if kind == 0x67 { Entity::Node } else { Entity::Relationship };
            Change::Create(catalog::text(on, name, label, properties))
        }
        0x68 => {
            let name = bytes.string()?;
            if version < 29 {
                bytes.str()?;
            }
            Change::DropNamed(IndexKind::Text, name)
        }
        0x69 => Change::CreateEnum((bytes.string()?, bytes.strings()?)),
        0x6A => Change::AddValue(bytes.string()?, bytes.string()?),
        0x6B => Change::RenameValue(bytes.string()?, bytes.string()?, bytes.string()?),
        0x6E | 0x6F => toggle(kind == 0x6E, catalog::point(bytes.string()?, bytes.string()?)),
        0x70 | 0x71 => {
            let (label, property) = (bytes.string()?, bytes.string()?);
            let wanted = catalog::property_type(bytes.uint()?)?;
            toggle(kind == 0x70, catalog::constraint(wanted, label, vec![property]))
        }
        0x72 | 0x76 => {
            let on = if kind == 0x72 { Entity::Node } else { Entity::Relationship };
            Change::Create(vector(bytes, version, kind == 0x76)?.object(on)?)
        }
        0x73 => Change::DropNamed(IndexKind::Vector, bytes.string()?),
        0x78 => {
            let operation = bytes.uint()?;
            let period = if bytes.boolean()? { Some(bytes.uint()?) } else { None };
            let start = if bytes.boolean()? { Some(bytes.uint()?) } else { None };
            bytes.boolean()?;
            Change::TimeToLive(operation, TimeToLive { period, start })
        }
        0x7A => {
            let target = describe::target(bytes, meaning)?;
            Change::Describe(target, Some(bytes.string()?))
        }
        0x7B => Change::Describe(describe::target(bytes, meaning)?, None),
        found => return Err(bytes.no_marker(found, "a kind of change")),
    })
}

fn paths(bytes: &mut Bytes, version: u64) -> Result<Vec<Vec<String>>> {
    match version {
        ..24 => Ok(vec![vec![bytes.string()?]]),
        24 => Ok(bytes.strings()?.into_iter().map(|property| vec![property]).collect()),
        _ => {
            let count = bytes.count(9)?;
            (0..count).map(|_| bytes.strings()).collect()
        }
    }
}

fn vector(bytes: &mut Bytes, version: u64, has_scalar: bool) -> Result<Vector> {
    let name = bytes.string()?;
    let (mode, labels) = if version >= 35 { (bytes.uint()?, bytes.strings()?) } else { (0, vec![bytes.string()?]) };
    Ok(Vector {
        name,
        mode,
        labels,
        property: bytes.string()?,
        metric: bytes.string()?,
        dimension: bytes.uint()?,
        resize: bytes.uint()?,
        capacity: bytes.uint()?,
        scalar: if has_scalar || version >= 26 { Some(bytes.uint()?) } else { None },
    })
}
