//! One line: the fast path for items in our own order of keys, and the general path for every line in any order.

use crate::error::{Error, Result};
use crate::model::block::KindMemo;
use crate::model::json::{Keys, Parser};
use crate::model::{Block, Class, Header, Kind, SchemaObject, Trailer};
use serde::de::DeserializeOwned;

/// Memory that is kept from line to line.
#[derive(Default)]
pub(super) struct Scratch {
    keys: Keys,
    /// The properties of the item that [`Scratch::record`] has read.
    pub(super) properties: Vec<u8>,
}

/// A line that was read. Kinds come with their JSON text.
pub(super) enum Record {
    Header { version: u64, header: Box<Header> },
    Schema(Box<SchemaObject>),
    Node { id: i64, labels: (String, Kind) },
    Existing { id: i64, existing: i64 },
    Relationship { id: i64, start: i64, end: i64, kind: (String, Kind) },
    Statement(String),
    Trailer(Box<Trailer>),
}

/// Every key that a line may have, with what was found for it.
#[derive(Default)]
struct Fields<'a> {
    node: Option<i64>,
    relationship: Option<i64>,
    start: Option<i64>,
    end: Option<i64>,
    labels: Option<(String, Kind)>,
    kind: Option<(String, Kind)>,
    properties: Option<()>,
    statement: Option<String>,
    existing: Option<i64>,
    reason: Option<String>,
    /// Plain JSON and where it begins.
    graphferry: Option<(&'a str, usize)>,
    schema: Option<(&'a str, usize)>,
    trailer: Option<(&'a str, usize)>,
}

/// An error and the byte of the line that it is about.
type Found<T> = std::result::Result<T, (Error, usize)>;

impl Scratch {
    /// The fast path: reads an item into the block, if the line is one exactly as we write it. `None` says nothing about what is
    /// wrong; the block's buffer may then hold a part of the item.
    #[inline]
    pub(super) fn item(&mut self, text: &str, block: &mut Block, kinds: &mut KindMemo, line: u32) -> Option<()> {
        let mut parser = Parser::reusing(text, std::mem::take(&mut self.keys));
        let done = item(&mut parser, text, block, kinds, line);
        self.keys = parser.into_keys();
        done
    }

    /// The general path: reads any line.
    pub(super) fn record(&mut self, text: &str) -> Found<Record> {
        self.properties.clear();
        let mut parser = Parser::reusing(text, std::mem::take(&mut self.keys));
        let mut fields = Fields::default();
        let properties = &mut self.properties;
        let read =
            parser.fields(|parser, key, from| fields.read(parser, key, from, properties)).and_then(|()| parser.end());
        let place = parser.position();
        self.keys = parser.into_keys();
        match read {
            Ok(()) => fields.record(properties),
            Err(error) => Err((error, place)),
        }
    }

    /// Gives back the memory of an outsized item.
    pub(super) fn shrink(&mut self) {
        self.properties.clear();
        self.properties.shrink_to(1 << 20);
    }
}

fn item(parser: &mut Parser<'_>, text: &str, block: &mut Block, kinds: &mut KindMemo, line: u32) -> Option<()> {
    let (mut start, mut end) = (0, 0);
    let id;
    let kind;
    if block.class() == Class::Nodes {
        parser.literal(b"{\"node\":").then_some(())?;
        id = parser.integer().ok()?;
        parser.literal(b",\"labels\":").then_some(())?;
        let from = parser.position();
        pass_strings(parser)?;
        let raw = parser.since(from);
        kind = kinds.index(block, raw.as_bytes(), || labels(&mut Parser::new(raw))).ok()?;
    } else {
        parser.literal(b"{\"relationship\":").then_some(())?;
        id = parser.integer().ok()?;
        parser.literal(b",\"type\":").then_some(())?;
        let from = parser.position();
        let name = parser.string().ok()?;
        let raw = parser.since(from);
        kind = kinds.index(block, raw.as_bytes(), || Ok::<_, Error>(Kind::relationship(&name))).ok()?;
        parser.literal(b",\"start\":").then_some(())?;
        start = parser.integer().ok()?;
        parser.literal(b",\"end\":").then_some(())?;
        end = parser.integer().ok()?;
    }
    parser.literal(b",\"properties\":").then_some(())?;
    parser.properties(block.buffer()).ok()?;
    parser.literal(b"}").then_some(())?;
    (parser.position() == text.len()).then(|| block.push(id, start, end, kind, line))
}

/// Passes over a list of strings that has no white space.
#[inline]
pub(in crate::format) fn pass_strings(parser: &mut Parser<'_>) -> Option<()> {
    parser.literal(b"[").then_some(())?;
    if parser.literal(b"]") {
        return Some(());
    }
    loop {
        parser.string().ok()?;
        if parser.literal(b"]") {
            return Some(());
        }
        parser.literal(b",").then_some(())?;
    }
}

fn labels(parser: &mut Parser<'_>) -> Result<Kind> {
    let mut labels: Vec<String> = Vec::new();
    parser.elements(|parser| {
        parser.peek();
        let from = parser.position();
        let label = parser.string()?;
        if labels.iter().any(|known| *known == label) {
            return parser.blame(from, format!("the label {label:?} comes twice"));
        }
        labels.push(label.into_owned());
        Ok(())
    })?;
    Ok(Kind::labels(labels))
}

impl<'a> Fields<'a> {
    fn read(&mut self, parser: &mut Parser<'a>, key: &str, from: usize, properties: &mut Vec<u8>) -> Result<()> {
        parser.peek();
        let begin = parser.position();
        let plain = |parser: &mut Parser<'a>| {
            parser.skip(&mut Vec::new())?;
            Ok::<_, Error>((parser.since(begin), begin))
        };
        let twice = match key {
            "node" => self.node.replace(parser.integer()?).is_some(),
            "relationship" => self.relationship.replace(parser.integer()?).is_some(),
            "start" => self.start.replace(parser.integer()?).is_some(),
            "existing" => self.existing.replace(parser.integer()?).is_some(),
            "reason" => self.reason.replace(parser.string()?.into_owned()).is_some(),
            "end" => self.end.replace(parser.integer()?).is_some(),
            "labels" => {
                let kind = labels(parser)?;
                self.labels.replace((parser.since(begin).to_owned(), kind)).is_some()
            }
            "type" => {
                let kind = Kind::relationship(&parser.string()?);
                self.kind.replace((parser.since(begin).to_owned(), kind)).is_some()
            }
            "properties" if self.properties.is_none() => {
                parser.properties(properties)?;
                self.properties.replace(()).is_some()
            }
            "properties" => true,
            "statement" => self.statement.replace(parser.string()?.into_owned()).is_some(),
            "graphferry" => self.graphferry.replace(plain(parser)?).is_some(),
            "schema" => self.schema.replace(plain(parser)?).is_some(),
            "trailer" => self.trailer.replace(plain(parser)?).is_some(),
            _ => return parser.blame(from, format!("unknown key {key:?} in a line")),
        };
        if twice { parser.blame(from, format!("the key {key:?} comes twice in one object")) } else { Ok(()) }
    }

    /// Makes the line of its fields: one key says what it is, and only its companions may be there.
    fn record(self, properties: &mut Vec<u8>) -> Found<Record> {
        let wrong = |message: String| Err((Error::corrupt(message), 0));
        let present = [
            ("node", self.node.is_some()),
            ("relationship", self.relationship.is_some()),
            ("schema", self.schema.is_some()),
            ("statement", self.statement.is_some()),
            ("graphferry", self.graphferry.is_some()),
            ("trailer", self.trailer.is_some()),
        ];
        let mut names = present.iter().filter(|(_, is_there)| *is_there).map(|(name, _)| *name);
        let Some(name) = names.next() else {
            return wrong("a line needs one of the keys node, relationship, schema, statement and trailer".into());
        };
        if let Some(other) = names.next() {
            return wrong(format!("a line cannot be both a {name} and a {other}"));
        }
        let companions = [
            ("labels", self.labels.is_some(), name == "node"),
            ("type", self.kind.is_some(), name == "relationship"),
            ("start", self.start.is_some(), name == "relationship"),
            ("end", self.end.is_some(), name == "relationship"),
            ("properties", self.properties.is_some(), matches!(name, "node" | "relationship")),
            ("reason", self.reason.is_some(), matches!(name, "node" | "relationship")),
            ("existing", self.existing.is_some(), name == "node" && self.labels.is_none() && self.properties.is_none()),
        ];
        if let Some((key, ..)) = companions.iter().find(|(_, is_there, belongs)| *is_there && !belongs) {
            return wrong(format!("the key {key:?} does not belong to a {name}"));
        }
        if self.properties.is_none() {
            crate::model::packstream::put_map(properties, 0);
        }
        if let (Some(id), Some(existing)) = (self.node, self.existing) {
            return Ok(Record::Existing { id, existing });
        }
        if let Some(id) = self.node {
            return Ok(Record::Node {
                id,
                labels: self.labels.unwrap_or_else(|| ("[]".to_owned(), Kind::labels([""; 0]))),
            });
        }
        if let Some(id) = self.relationship {
            return match (self.start, self.end, self.kind) {
                (Some(start), Some(end), Some(kind)) => Ok(Record::Relationship { id, start, end, kind }),
                _ => wrong(format!("relationship {id} needs the keys type, start and end")),
            };
        }
        if let Some((text, from)) = self.schema {
            return plain("schema object", text, from).map(|object| Record::Schema(Box::new(object)));
        }
        if let Some((text, from)) = self.trailer {
            return plain("trailer", text, from).map(|trailer| Record::Trailer(Box::new(trailer)));
        }
        if let Some((text, from)) = self.graphferry {
            return header(text, from);
        }
        Ok(Record::Statement(self.statement.unwrap_or_default()))
    }
}

fn header(text: &str, from: usize) -> Found<Record> {
    let mut head: serde_json::Map<String, serde_json::Value> = plain("header", text, from)?;
    let format = head.remove("format");
    if format.as_ref().and_then(|format| format.as_str()) != Some("jsonl") {
        return Err((Error::corrupt("the header's format is not \"jsonl\""), from));
    }
    let version = head.remove("version").and_then(|version| version.as_u64()).filter(|version| *version > 0);
    let Some(version) = version else {
        return Err((Error::corrupt("the header's version is not a positive integer"), from));
    };
    if version > super::VERSION {
        return Ok(Record::Header { version, header: Box::default() });
    }
    let header = serde_json::from_value(serde_json::Value::Object(head));
    match header {
        Ok(header) => Ok(Record::Header { version, header: Box::new(header) }),
        Err(error) => Err((Error::corrupt(format!("the header cannot be read: {error}")), from)),
    }
}

/// Reads what serde describes, and words its error with our place instead of its own.
fn plain<T: DeserializeOwned>(what: &str, text: &str, from: usize) -> Found<T> {
    serde_json::from_str(text).map_err(|error| {
        let words = error.to_string();
        let words = words.rsplit_once(" at line ").map_or(words.as_str(), |(words, _)| words);
        let byte = from + error.column().saturating_sub(1);
        (Error::corrupt(format!("the {what} cannot be read: {words}")), byte)
    })
}
