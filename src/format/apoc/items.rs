//! One object of APOC's JSON: a node or a relationship.

use crate::error::{Error, Result};
use crate::format::jsonl::pass_strings;
use crate::model::Kind;
use crate::model::json::{Keys, Parser};
use memchr::memmem::Finder;
use std::borrow::Cow;

/// An object that was read; its properties lie in [`Scratch::properties`].
pub(super) struct Object<'a> {
    /// An id as APOC writes it.
    pub(super) id: Option<Cow<'a, str>>,
    /// The JSON text of the labels or of the type.
    pub(super) kind: &'a str,
    /// The ends of a relationship; `None` for a node.
    pub(super) ends: Option<(Cow<'a, str>, Cow<'a, str>)>,
}

/// Memory that is kept from object to object.
pub(super) struct Scratch {
    keys: Keys,
    /// The property map.
    pub(super) properties: Vec<u8>,
    /// Whether it may have something that is not a property yet: a map, a null.
    pub(super) raw: bool,
    /// For what is passed over.
    skipped: Vec<u8>,
    null: Finder<'static>,
    /// The labels that the last relationship's end had, as text: most have the same.
    labels: Vec<u8>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            keys: Keys::default(),
            properties: Vec::new(),
            raw: false,
            skipped: Vec::new(),
            null: Finder::new("null"),
            labels: Vec::new(),
        }
    }
}

#[derive(Default)]
struct Fields<'a> {
    what: Option<Cow<'a, str>>,
    id: Option<Cow<'a, str>>,
    labels: Option<&'a str>,
    label: Option<&'a str>,
    properties: Option<()>,
    start: Option<Cow<'a, str>>,
    end: Option<Cow<'a, str>>,
}

impl Scratch {
    /// Reads an object; an error comes with the byte that it is about.
    pub(super) fn read<'a>(&mut self, text: &'a str) -> std::result::Result<Object<'a>, (Error, usize)> {
        self.properties.clear();
        self.raw = false;
        let mut parser = Parser::reusing(text, std::mem::take(&mut self.keys));
        if let Some(object) = self.usual(&mut parser) {
            self.keys = parser.into_keys();
            return Ok(object);
        }
        self.properties.clear();
        self.raw = false;
        let mut parser = Parser::reusing(text, parser.into_keys());
        let mut fields = Fields::default();
        let read = parser.fields(|parser, key, from| self.field(parser, key, from, &mut fields));
        let read = read.and_then(|()| parser.end());
        let place = parser.position();
        self.keys = parser.into_keys();
        read.map_err(|error| (error, place))?;
        if fields.properties.is_none() {
            crate::model::packstream::put_map(&mut self.properties, 0);
        }
        object(fields).map_err(|message| (Error::corrupt(message), 0))
    }

    /// Reads an object that is exactly as APOC and we write it. `None` says nothing about what is wrong.
    #[inline]
    fn usual<'a>(&mut self, parser: &mut Parser<'a>) -> Option<Object<'a>> {
        if parser.literal(b"{\"type\":\"node\",\"id\":") {
            let id = Some(parser.string().ok()?);
            let mut kind = "[]";
            if parser.literal(b",\"labels\":") {
                let from = parser.position();
                pass_strings(parser)?;
                kind = parser.since(from);
            }
            self.usual_properties(parser)?;
            return ended(parser).then_some(Object { id, kind, ends: None });
        }
        parser.literal(b"{\"type\":\"relationship\",\"id\":").then_some(())?;
        let id = Some(parser.string().ok()?);
        parser.literal(b",\"label\":").then_some(())?;
        let from = parser.position();
        parser.string().ok()?;
        let kind = parser.since(from);
        self.usual_properties(parser)?;
        parser.literal(b",\"start\":{\"id\":").then_some(())?;
        let start = self.usual_end(parser)?;
        parser.literal(b",\"end\":{\"id\":").then_some(())?;
        let end = self.usual_end(parser)?;
        ended(parser).then_some(Object { id, kind, ends: Some((start, end)) })
    }

    /// `,"properties":{…}`, or nothing.
    #[inline]
    fn usual_properties(&mut self, parser: &mut Parser<'_>) -> Option<()> {
        if !parser.literal(b",\"properties\":") {
            crate::model::packstream::put_map(&mut self.properties, 0);
            return Some(());
        }
        let from = parser.position();
        parser.literal(b"{").then(|| parser.seek(from))?;
        parser.skip(&mut self.properties).ok()?;
        self.raw = self.is_raw(parser.since(from).as_bytes().get(1..).unwrap_or_default());
        Some(())
    }

    /// `"7","labels":[…],"properties":{…}}`: the id.
    #[inline]
    fn usual_end<'a>(&mut self, parser: &mut Parser<'a>) -> Option<Cow<'a, str>> {
        let id = parser.string().ok()?;
        let from = parser.position();
        if (self.labels.is_empty() || !parser.literal(&self.labels)) && parser.literal(b",\"labels\":") {
            pass_strings(parser)?;
            self.labels.clear();
            self.labels.extend_from_slice(parser.since(from).as_bytes());
        }
        if parser.literal(b",\"properties\":") {
            self.skip(parser).ok()?;
        }
        parser.literal(b"}").then_some(id)
    }

    /// Whether the text of properties may hold more than plain values.
    #[inline]
    fn is_raw(&self, text: &[u8]) -> bool {
        memchr::memchr(b'{', text).is_some() || self.null.find(text).is_some()
    }

    /// Gives back the memory of an outsized object.
    pub(super) fn shrink(&mut self) {
        self.properties.clear();
        self.properties.shrink_to(1 << 20);
        self.skipped.clear();
        self.skipped.shrink_to(1 << 20);
    }

    fn field<'a>(&mut self, parser: &mut Parser<'a>, key: &str, from: usize, fields: &mut Fields<'a>) -> Result<()> {
        parser.peek();
        let begin = parser.position();
        let twice = match key {
            "type" => fields.what.replace(parser.string()?).is_some(),
            "id" => fields.id.replace(id(parser)?).is_some(),
            "labels" => {
                self.skip(parser)?;
                fields.labels.replace(parser.since(begin)).is_some()
            }
            "label" => {
                parser.string()?;
                fields.label.replace(parser.since(begin)).is_some()
            }
            "properties" => {
                if parser.peek() != Some(b'{') {
                    return Err(parser.expected("the properties"));
                }
                self.properties.clear();
                parser.skip(&mut self.properties)?;
                let text = parser.since(begin).as_bytes().get(1..).unwrap_or_default();
                self.raw = self.is_raw(text);
                fields.properties.replace(()).is_some()
            }
            "start" => fields.start.replace(self.end_of(parser)?).is_some(),
            "end" => fields.end.replace(self.end_of(parser)?).is_some(),
            _ => return parser.blame(from, format!("APOC writes no key {key:?} here")),
        };
        if twice { parser.blame(from, format!("the key {key:?} comes twice in one object")) } else { Ok(()) }
    }

    fn skip(&mut self, parser: &mut Parser<'_>) -> Result<()> {
        self.skipped.clear();
        parser.skip(&mut self.skipped)
    }

    /// The id of a relationship's end; what else is told of the node is its own object's.
    fn end_of<'a>(&mut self, parser: &mut Parser<'a>) -> Result<Cow<'a, str>> {
        let mut found = None;
        parser.fields(|parser, key, from| match key {
            "id" if found.is_some() => parser.blame(from, "the key \"id\" comes twice in one object"),
            "id" => {
                found = Some(id(parser)?);
                Ok(())
            }
            _ => self.skip(parser),
        })?;
        found.ok_or_else(|| Error::corrupt("an end of a relationship has no id"))
    }
}

/// The brace that ends an object, and nothing behind it.
fn ended(parser: &mut Parser<'_>) -> bool {
    parser.literal(b"}") && parser.end().is_ok()
}

/// An id: text, or a number.
fn id<'a>(parser: &mut Parser<'a>) -> Result<Cow<'a, str>> {
    if parser.peek() == Some(b'"') {
        return parser.string();
    }
    let from = parser.position();
    parser.integer()?;
    Ok(Cow::Borrowed(parser.since(from)))
}

fn object(fields: Fields<'_>) -> std::result::Result<Object<'_>, String> {
    let Fields { what, id, labels, label, start, end, .. } = fields;
    match what.as_deref() {
        Some("node") if label.is_none() && start.is_none() && end.is_none() => {
            let id = Some(id.ok_or("a node has no id")?);
            Ok(Object { id, kind: labels.unwrap_or("[]"), ends: None })
        }
        Some("relationship") if labels.is_none() => match (label, start, end) {
            (Some(kind), Some(start), Some(end)) => Ok(Object { id, kind, ends: Some((start, end)) }),
            _ => Err("a relationship needs label, start and end".to_owned()),
        },
        Some(what @ ("node" | "relationship")) => Err(format!("a {what} has a key of the other")),
        Some(what) => Err(format!("an object of the type {what:?} is neither a node nor a relationship")),
        None => Err("an object without \"type\" is neither a node nor a relationship: rows of a query cannot be read"
            .to_owned()),
    }
}

/// The labels or the type of an object's [`Object::kind`].
pub(super) fn kind(raw: &str) -> Result<Kind> {
    let mut parser = Parser::new(raw);
    if parser.peek() == Some(b'"') {
        return Ok(Kind::relationship(&parser.string()?));
    }
    let mut labels: Vec<String> = Vec::new();
    parser.elements(|parser| {
        labels.push(parser.string()?.into_owned());
        Ok(())
    })?;
    let mut seen = std::collections::HashSet::new();
    match labels.iter().find(|label| !seen.insert(label.as_str())) {
        Some(twice) => Err(Error::corrupt(format!("the label {twice:?} comes twice"))),
        None => Ok(Kind::labels(labels)),
    }
}
