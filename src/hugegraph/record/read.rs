//! Vertices and edges out of JSON: one way through the text, and the properties go straight into the block.

use crate::error::{Error, Result};
use crate::hugegraph::schema::Definitions;
use crate::hugegraph::{ID, Id, Zone, value};
use crate::model::json::{Keys, Parser};
use crate::model::{Block, Class, Kind, packstream};
use std::borrow::Cow;

/// So much memory for the properties of a record is kept for the next one.
const KEPT: usize = 1 << 20;

/// What is needed to read records.
#[derive(Debug)]
pub struct Reader<'a> {
    definitions: &'a Definitions,
    zone: &'a Zone,
    /// Dates so far that could be another instant as well.
    pub ambiguous: u64,
    scratch: Scratch,
}

/// Memory that is kept from record to record.
#[derive(Debug, Default)]
pub struct Scratch {
    keys: Keys,
    /// The properties of the record, as PackStream and without the map's head.
    properties: Vec<u8>,
    /// Which property keys the record had, a bit each.
    had: Vec<u64>,
}

/// What of an edge is not in its block.
#[derive(Debug)]
pub struct Edge<'a> {
    /// Its id, where the text has one.
    pub id: Option<Id<'a>>,
    /// Its label.
    pub label: Cow<'a, str>,
    /// The vertices where it starts and where it ends.
    pub ends: [Id<'a>; 2],
    /// Their labels.
    pub end_labels: [Cow<'a, str>; 2],
    /// Its properties as they stand there.
    properties: &'a str,
}

impl Edge<'_> {
    /// The JSON of a property.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&str> {
        let mut parser = Parser::new(self.properties);
        let mut found = None;
        let read = parser.fields(|parser, key, _| {
            let value = parser.raw()?;
            if key == name {
                found = Some(value);
            }
            Ok(())
        });
        read.ok().and(found)
    }
}

/// The fields of a record.
#[derive(Default)]
struct Fields<'a> {
    id: Option<Id<'a>>,
    label: Option<Cow<'a, str>>,
    ends: [Option<Id<'a>>; 2],
    end_labels: [Option<Cow<'a, str>>; 2],
    properties: Option<&'a str>,
}

impl<'a> Reader<'a> {
    /// A reader of the records of a graph; `zone` is that of the server that wrote them.
    #[must_use]
    pub fn new(definitions: &'a Definitions, zone: &'a Zone) -> Self {
        Self::reusing(definitions, zone, Scratch::default())
    }

    /// The same, with the memory that an earlier reader left.
    #[must_use]
    pub fn reusing(definitions: &'a Definitions, zone: &'a Zone, scratch: Scratch) -> Self {
        Self { definitions, zone, ambiguous: 0, scratch }
    }

    /// The memory, for the next reader.
    #[must_use]
    pub fn into_scratch(self) -> Scratch {
        self.scratch
    }

    /// Adds a vertex to a block, with the id 0, and gives its own: the caller numbers it.
    ///
    /// # Errors
    /// It is damaged, or not what the schema says; the block is then as it was.
    pub fn vertex<'t>(&mut self, text: &'t str, block: &mut Block) -> Result<Id<'t>> {
        let (fields, count) = self.fields(text, Class::Nodes)?;
        let (Some(id), Some(label)) = (fields.id, fields.label) else {
            return Err(malformed("vertex", text, &Error::corrupt("it lacks id or label")));
        };
        let id = id.of_uuid_label(self.definitions.has_uuids(&label));
        if !self.definitions.vertex_labels.contains_key(&*label) {
            return Err(Error::corrupt(format!("vertex {id}: there is no vertex label {label:?}")));
        }
        let out = block.buffer();
        packstream::put_map(out, count + 1);
        packstream::put_string(out, ID);
        match &id {
            Id::Number(number) => packstream::put_integer(out, *number),
            Id::Text(text) | Id::Uuid(text) => packstream::put_string(out, text),
        }
        out.extend_from_slice(&self.scratch.properties);
        let kind = kind(block, &label);
        block.push(0, 0, 0, kind, 0);
        Ok(id)
    }

    /// Adds an edge to a block, with ids of 0, and gives the rest of it: the caller numbers it.
    ///
    /// # Errors
    /// It is damaged, or not what the schema says; the block is then as it was.
    pub fn edge<'t>(&mut self, text: &'t str, block: &mut Block) -> Result<Edge<'t>> {
        let (fields, count) = self.fields(text, Class::Relationships)?;
        let Fields { id, label: Some(label), ends: [Some(start), Some(end)], end_labels, properties } = fields else {
            return Err(malformed("edge", text, &Error::corrupt("it lacks label, outV or inV")));
        };
        let [Some(start_label), Some(end_label)] = end_labels else {
            return Err(malformed("edge", text, &Error::corrupt("it lacks outVLabel or inVLabel")));
        };
        if !self.definitions.edge_labels.contains_key(&*label) {
            return Err(Error::corrupt(format!("an edge from {start} to {end}: there is no edge label {label:?}")));
        }
        let start = start.of_uuid_label(self.definitions.has_uuids(&start_label));
        let end = end.of_uuid_label(self.definitions.has_uuids(&end_label));
        let out = block.buffer();
        packstream::put_map(out, count);
        out.extend_from_slice(&self.scratch.properties);
        let kind = kind(block, &label);
        block.push(0, 0, 0, kind, 0);
        let end_labels = [start_label, end_label];
        Ok(Edge { id, label, ends: [start, end], end_labels, properties: properties.unwrap_or("{}") })
    }

    /// Reads a record, its properties into the scratch; gives its other fields and how many properties it has.
    fn fields<'t>(&mut self, text: &'t str, class: Class) -> Result<(Fields<'t>, usize)> {
        let Self { definitions, zone, ambiguous, scratch } = self;
        let Scratch { keys, properties, had } = scratch;
        properties.clear();
        properties.shrink_to(KEPT);
        had.clear();
        had.resize(definitions.property_keys.len().div_ceil(64), 0);
        let (mut fields, mut count) = (Fields::default(), 0);
        let mut parser = Parser::reusing(text, std::mem::take(keys));
        let is_edge = class == Class::Relationships;
        let read = parser.fields(|parser, key, from| {
            let [start, end] = &mut fields.ends;
            let [start_label, end_label] = &mut fields.end_labels;
            let is_twice = match key {
                "id" => fields.id.replace(id(parser)?).is_some(),
                "label" => fields.label.replace(parser.string()?).is_some(),
                "outV" if is_edge => start.replace(id(parser)?).is_some(),
                "inV" if is_edge => end.replace(id(parser)?).is_some(),
                "outVLabel" if is_edge => start_label.replace(parser.string()?).is_some(),
                "inVLabel" if is_edge => end_label.replace(parser.string()?).is_some(),
                "properties" if fields.properties.is_some() => true,
                "properties" => {
                    parser.peek();
                    let begin = parser.position();
                    parser.fields(|parser, name, from| {
                        let Some((at, _, key)) = definitions.property_keys.get_full(name) else {
                            return parser.blame(from, format!("there is no property key {name:?}"));
                        };
                        let bit = 1_u64 << (at % 64);
                        if had.get_mut(at / 64).is_none_or(|had| std::mem::replace(had, *had | bit) & bit != 0) {
                            return parser.blame(from, format!("the property {name:?} comes twice"));
                        }
                        packstream::put_string(properties, name);
                        *ambiguous += value::read(key, parser, zone, properties)?;
                        count += 1;
                        Ok(())
                    })?;
                    fields.properties = Some(parser.since(begin));
                    false
                }
                _ => {
                    parser.raw()?;
                    false
                }
            };
            if is_twice { parser.blame(from, format!("the key {key:?} comes twice")) } else { Ok(()) }
        });
        let read = read.and_then(|()| parser.end());
        *keys = parser.into_keys();
        read.map_err(|error| malformed(if is_edge { "edge" } else { "vertex" }, text, &error))?;
        Ok((fields, count))
    }
}

fn id<'a>(parser: &mut Parser<'a>) -> Result<Id<'a>> {
    match parser.peek() {
        Some(b'"') => parser.string().map(Id::Text),
        _ => parser.integer().map(Id::Number),
    }
}

/// The index of the kind of items with this one label or type.
fn kind(block: &mut Block, label: &str) -> u32 {
    let known = block.kinds().iter().position(|kind| matches!(kind.names(), [name] if **name == *label));
    known.map_or_else(|| block.add_kind(Kind::relationship(label)), |at| at as u32)
}

/// What is wrong with a record, and how it begins.
fn malformed(what: &str, text: &str, error: &Error) -> Error {
    let short: String = text.chars().take(100).collect();
    let told = Error::corrupt(format!("{}, in the {what} {short}", error.message()));
    match error.advice() {
        Some(advice) => told.hint(advice),
        None => told,
    }
}
