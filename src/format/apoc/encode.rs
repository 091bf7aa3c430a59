//! The writer of APOC's JSON lines.

use crate::error::{Error, Result};
use crate::format::mapping::SYSTEMS;
use crate::format::{Encoder, Statement, Wrote};
use crate::ids::IdMap;
use crate::model::json::write_string;
use crate::model::{Block, Capability, Class, Cursor, Header, Item, Kind, Schema, Trailer, ValueRef};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustc_hash::FxHashMap;
use std::sync::{PoisonError, RwLock};

/// Writes lines for `apoc.import.json`.
#[derive(Debug)]
pub struct ApocJson {
    as_text: bool,
    any_name: bool,
    nodes: RwLock<Nodes>,
}

/// The labels of the nodes so far: the import finds a relationship's ends by label and id.
#[derive(Debug, Default)]
struct Nodes {
    /// Id to the place in `kinds`.
    ids: IdMap,
    /// The JSON of the labels.
    kinds: Vec<Vec<u8>>,
    known: FxHashMap<Kind, i64>,
}

impl ApocJson {
    pub(super) fn new(as_text: bool, any_name: bool) -> Self {
        Self { as_text, any_name, nodes: RwLock::default() }
    }

    fn refuse(&self, what: &str) -> Error {
        Error::refused(format!("APOC's JSON has a {what} only as text"))
            .hint("add --allow-loss=type to write it as text; a mapping brings the type back")
    }

    fn value(&self, cursor: &mut Cursor<'_>, inside: bool, out: &mut Vec<u8>) -> Result<()> {
        let value = cursor.value()?;
        match value {
            ValueRef::Boolean(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
            ValueRef::Integer(value) => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
            ValueRef::Float(value) if value.is_finite() => {
                out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
            }
            ValueRef::String(text) => string(text, out),
            ValueRef::List(size) if !inside => {
                out.push(b'[');
                for at in 0..size {
                    if at > 0 {
                        out.push(b',');
                    }
                    self.value(cursor, true, out)?;
                }
                out.push(b']');
            }
            // The import fails on NaN in a list of floats, and on a list of points.
            ValueRef::Float(value) if !inside && self.as_text => {
                let text = if value.is_nan() {
                    "\"NaN\""
                } else if value > 0.0 {
                    "\"Infinity\""
                } else {
                    "\"-Infinity\""
                };
                out.extend_from_slice(text.as_bytes());
            }
            ValueRef::Float(_) if inside => {
                return Err(Error::refused("apoc.import.json fails on NaN or infinity in a list"));
            }
            ValueRef::Point(point) if !inside && self.as_text => self.point(point, out)?,
            ValueRef::Bytes(bytes) if !inside && self.as_text => {
                out.push(b'"');
                out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
                out.push(b'"');
            }
            ref value if self.as_text => match temporal(value) {
                Some(text) => string(&text, out),
                None => return Err(Error::refused(format!("APOC's JSON cannot hold a {}", value.name()))),
            },
            ref value => return Err(self.refuse(value.name())),
        }
        Ok(())
    }

    fn point(&self, point: crate::model::Point, out: &mut Vec<u8>) -> Result<()> {
        let Some((crs, srid)) = SYSTEMS.iter().find(|(_, srid)| *srid == point.srid) else {
            return Err(Error::refused(format!("APOC's JSON cannot hold a point of system {}", point.srid)));
        };
        let earth = matches!(srid, 4326 | 4979);
        let names = if earth { ["latitude", "longitude", "height"] } else { ["x", "y", "z"] };
        let (first, second) = if earth { (point.y, point.x) } else { (point.x, point.y) };
        out.extend_from_slice(format!("{{\"crs\":\"{crs}\"").as_bytes());
        for (name, value) in names.iter().zip([Some(first), Some(second), point.z]) {
            out.extend_from_slice(format!(",\"{name}\":").as_bytes());
            match value {
                Some(value) if value.is_finite() => {
                    out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
                }
                Some(_) => return Err(Error::refused("APOC's JSON cannot hold a point with NaN or infinity")),
                None => out.extend_from_slice(b"null"),
            }
        }
        out.push(b'}');
        Ok(())
    }

    fn properties(&self, block: &Block, item: &Item, out: &mut Vec<u8>) -> Result<()> {
        let mut cursor = block.cursor(item);
        let size = cursor.map()?;
        if size == 0 {
            return Ok(());
        }
        out.extend_from_slice(b",\"properties\":{");
        for at in 0..size {
            if at > 0 {
                out.push(b',');
            }
            let key = cursor.string()?;
            string(key, out);
            out.push(b':');
            self.value(&mut cursor, false, out).map_err(|error| named(error, block, item, key))?;
        }
        out.push(b'}');
        Ok(())
    }
}

fn named(error: Error, block: &Block, item: &Item, key: &str) -> Error {
    let message = format!("{} {}, property {key:?}: {}", block.class().noun(), item.id, error.message());
    let mut told = Error::new(error.kind(), message);
    if let Some(advice) = error.advice() {
        told = told.hint(advice);
    }
    match block.position(item) {
        Some(position) => told.at(position),
        None => told,
    }
}

/// The text that Neo4j's own conversion to a string gives, and every reader of it takes.
fn temporal(value: &ValueRef<'_>) -> Option<String> {
    let mut out = Vec::new();
    match value {
        ValueRef::Date(value) => value.put(&mut out),
        ValueRef::LocalTime(value) => value.put(&mut out),
        ValueRef::Time(value) => value.put(&mut out),
        ValueRef::LocalDateTime(value) => value.put(&mut out),
        ValueRef::DateTime(value) => value.put(&mut out),
        ValueRef::ZonedDateTime(value) => value.put(&mut out),
        ValueRef::Duration(value) => value.put(&mut out),
        _ => return None,
    }
    String::from_utf8(out).ok()
}

/// A string. The separators that end a line for Java are escaped: `apoc.import.json` would cut the line there.
fn string(text: &str, out: &mut Vec<u8>) {
    if !text.contains(['\u{2028}', '\u{2029}']) {
        return write_string(text, out);
    }
    let mut plain = Vec::new();
    write_string(text, &mut plain);
    let plain = String::from_utf8_lossy(&plain).replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    out.extend_from_slice(plain.as_bytes());
}

fn labels(kind: &Kind, out: &mut Vec<u8>) {
    if kind.names().is_empty() {
        return;
    }
    out.extend_from_slice(b",\"labels\":[");
    for (at, name) in kind.names().iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        string(name, out);
    }
    out.push(b']');
}

/// What JSON has no form for but text: lost as a type, not as a value.
const AS_TEXT: [&str; 16] = [
    "bytes",
    "date",
    "local-time",
    "time",
    "local-date-time",
    "date-time",
    "zoned-date-time",
    "duration",
    "point",
    "list of date",
    "list of local-time",
    "list of time",
    "list of local-date-time",
    "list of date-time",
    "list of zoned-date-time",
    "list of duration",
];

/// What cannot be written at all.
const REFUSED: [&str; 15] = [
    "map",
    "enum",
    "structure",
    "vector",
    "non-finite list of float",
    "non-finite point",
    "list of null",
    "list of list",
    "list of map",
    "list of bytes",
    "list of point",
    "list of vector",
    "list of enum",
    "list of structure",
    "list of mixed",
];

impl Encoder for ApocJson {
    fn capability(&self) -> Capability {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        Capability {
            values_as_text: own(&AS_TEXT),
            refused_values: own(&REFUSED),
            ..Capability::no_schema("APOC's JSON")
        }
    }

    fn begin(&self, _: &Header, _: &Schema, _: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }

    fn open(&self, _: Class, _: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }

    fn see(&self, block: &Block) -> Result<()> {
        if !self.any_name {
            let mut names = block.kinds().iter().flat_map(Kind::names);
            if let Some(name) = names.find(|name| name.contains('`')) {
                let error = Error::refused(format!(
                    "apoc.import.json fails on the name {name:?}: it does not quote a backtick"
                ));
                return Err(error.hint("rename it, or add --allow-loss=name to write it for another reader"));
            }
        }
        if block.class() == Class::Relationships {
            return Ok(());
        }
        let mut nodes = self.nodes.write().unwrap_or_else(PoisonError::into_inner);
        let Nodes { ids, kinds, known } = &mut *nodes;
        let places = block.kinds().iter().map(|kind| {
            *known.entry(kind.clone()).or_insert_with(|| {
                let mut text = Vec::new();
                labels(kind, &mut text);
                kinds.push(text);
                kinds.len() as i64 - 1
            })
        });
        let places: Vec<i64> = places.collect();
        for item in block.items() {
            ids.bind(item.id, places.get(item.kind as usize).copied().unwrap_or_default());
        }
        Ok(())
    }

    fn block(&self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        out.reserve(block.byte_len() * 2 + block.len() * 128);
        let mut digits = itoa::Buffer::new();
        if block.class() == Class::Nodes {
            let kinds = block.kinds().iter().map(|kind| {
                let mut text = Vec::new();
                labels(kind, &mut text);
                text
            });
            let kinds: Vec<Vec<u8>> = kinds.collect();
            for item in block.items() {
                out.extend_from_slice(b"{\"type\":\"node\",\"id\":\"");
                out.extend_from_slice(digits.format(item.id).as_bytes());
                out.push(b'"');
                out.extend_from_slice(kinds.get(item.kind as usize).map(Vec::as_slice).unwrap_or_default());
                self.properties(block, item, out)?;
                out.extend_from_slice(b"}\n");
            }
            return Ok(());
        }
        let nodes = self.nodes.read().unwrap_or_else(PoisonError::into_inner);
        let (mut ends, mut places) = (Vec::with_capacity(block.len() * 2), Vec::new());
        ends.extend(block.items().iter().flat_map(|item| [item.start, item.end]));
        nodes.ids.find_all(&ends, &mut places);
        for (item, places) in block.items().iter().zip(places.chunks(2)) {
            out.extend_from_slice(b"{\"type\":\"relationship\",\"id\":\"");
            out.extend_from_slice(digits.format(item.id).as_bytes());
            out.extend_from_slice(b"\",\"label\":");
            string(block.kind(item).relationship_type(), out);
            self.properties(block, item, out)?;
            for ((name, id), place) in [("start", item.start), ("end", item.end)].into_iter().zip(places) {
                out.extend_from_slice(format!(",\"{name}\":{{\"id\":\"").as_bytes());
                out.extend_from_slice(digits.format(id).as_bytes());
                out.push(b'"');
                let labels = place.and_then(|place| nodes.kinds.get(usize::try_from(place).ok()?));
                out.extend_from_slice(labels.map(Vec::as_slice).unwrap_or_default());
                out.push(b'}');
            }
            out.extend_from_slice(b"}\n");
        }
        Ok(())
    }

    fn statement(&self, statement: &Statement, _: &mut Vec<u8>) -> Result<()> {
        Err(crate::format::no_statements("APOC's JSON", statement))
    }

    fn finish(&self, _: &Schema, late: &Schema, _: Wrote, _: &mut Vec<u8>) -> Result<()> {
        crate::format::no_late_schema("APOC's JSON", late)
    }

    fn trailer(&self, _: &Trailer, _: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }
}
