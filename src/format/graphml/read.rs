//! The reader.

use super::NAMESPACE;
use super::item::{Item, Key, is_kind, json_string, kind, own_id};
use super::markup::{Markup, Part};
use super::told::Told;
use super::value::{Plain, Said, is_null, read};
use crate::error::{Error, Result};
use crate::format::gather::Gather;
use crate::format::mapping::{Known, Misses, retype};
use crate::format::{Decoder, Mapping, Piece};
use crate::ids::TextIds;
use crate::model::header::Origin;
use crate::model::{Class, Cursor, Header, Trailer, packstream};
use rustc_hash::FxHashMap;

/// How many bytes of edges may wait for the nodes behind them.
const MAX_WAITING: usize = 256 << 20;

/// Reads GraphML.
pub(super) struct Reader {
    markup: Markup,
    header: Header,
    mapping: Mapping,
    misses: Misses,
    known: Known,
    keys: Vec<Key>,
    /// By id: APOC declares one for nodes and one for edges under the same.
    ids: [FxHashMap<Box<str>, usize>; 2],
    /// The names of properties, and in which item each came last.
    names: FxHashMap<Box<str>, usize>,
    seen: Vec<u64>,
    items: u64,
    gather: Gather,
    /// The edges of graphs inside of nodes.
    held: Gather,
    held_known: Known,
    waiting: usize,
    depth: usize,
    nodes: TextIds,
    relationships: i64,
    /// Whether the file is ours: its edges' ids are ids.
    ours: bool,
    begun: bool,
    saw_edges: bool,
    item: Option<Item>,
    properties: Vec<u8>,
    retyped: Vec<u8>,
    value: String,
    told: Told,
    ended: bool,
}

impl Reader {
    pub(super) fn new(reader: Box<dyn std::io::Read + Send>, mapping: Mapping) -> Self {
        Self {
            markup: Markup::new(reader),
            header: Header { source: Origin { product: "graphml".into(), ..Origin::default() }, ..Header::default() },
            mapping,
            misses: Misses::default(),
            known: Known::default(),
            keys: Vec::new(),
            ids: [FxHashMap::default(), FxHashMap::default()],
            names: FxHashMap::default(),
            seen: Vec::new(),
            items: 0,
            gather: Gather::new(),
            held: Gather::new(),
            held_known: Known::default(),
            waiting: 0,
            depth: 0,
            nodes: TextIds::default(),
            relationships: 0,
            ours: false,
            begun: false,
            saw_edges: false,
            item: None,
            properties: Vec::new(),
            retyped: Vec::new(),
            value: String::new(),
            told: Told::default(),
            ended: false,
        }
    }

    /// Reads what comes next; false at the end.
    fn step(&mut self) -> Result<bool> {
        match self.markup.next()? {
            Part::Open { empty } => self.open(empty)?,
            Part::Close => {
                self.finish()?;
                self.depth -= usize::from(self.markup.name == "graph");
            }
            Part::Text if self.markup.text.trim().is_empty() => {}
            Part::Text => return Err(self.markup.wrong("text outside of a <data> means nothing")),
            Part::End => {
                if !self.begun {
                    return Err(self.markup.wrong("the file has no element: it is no GraphML"));
                }
                self.gather.flush();
                self.held.flush();
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn open(&mut self, empty: bool) -> Result<()> {
        let name = std::mem::take(&mut self.markup.name);
        if name != "graphml" && !self.begun {
            return Err(self.markup.wrong(format!("<{name:.50}> is no GraphML")));
        }
        let done = match name.as_str() {
            "graphml" => {
                self.begun = true;
                self.ours = self.markup.attributes.find("xmlns:gf") == Some(NAMESPACE);
                Ok(())
            }
            "key" => self.key(empty),
            "graph" => {
                if self.item.is_some() {
                    self.told.nested = true;
                    self.finish()?;
                }
                self.told.undirected |= self.markup.attributes.find("edgedefault") == Some("undirected");
                self.depth += usize::from(!empty);
                Ok(())
            }
            "node" => self.node(empty),
            "edge" => self.edge(empty),
            "data" => self.data(empty),
            "hyperedge" => {
                let error = self.markup.wrong("a hyperedge joins more than two nodes, which no relationship does");
                Err(error.hint("make a node of each hyperedge before the file is read"))
            }
            other => {
                self.told.ports += u64::from(other == "port");
                if empty { Ok(()) } else { self.markup.skip() }
            }
        };
        self.markup.name = name;
        done
    }

    /// `<key …><default>…</default></key>`.
    fn key(&mut self, empty: bool) -> Result<()> {
        let find = |name: &str| self.markup.attributes.find(name).map(str::to_owned);
        let Some(id) = find("id") else { return Err(self.markup.wrong("a key has no id")) };
        let for_class = match find("for").as_deref() {
            Some("node") => Some(Class::Nodes),
            Some("edge") => Some(Class::Relationships),
            Some("all") | None => None,
            // Of graphs, ports and hyperedges nothing is kept.
            Some(_) => return if empty { Ok(()) } else { self.markup.skip() },
        };
        let mut name = find("attr.name").unwrap_or_else(|| id.clone());
        if let Some(json) = find("gf:name") {
            name = json_string(&json).ok_or_else(|| self.markup.wrong("gf:name is no JSON string"))?;
        }
        let told = find("attr.type");
        let said = match told.as_deref() {
            None => Plain::String,
            Some(told) => Plain::from_name(told)
                .ok_or_else(|| self.markup.wrong(format!("attr.type {told:?} is not GraphML's")))?,
        };
        let list = match find("attr.list") {
            None => None,
            Some(told) => Some(
                Plain::from_name(&told)
                    .ok_or_else(|| self.markup.wrong(format!("attr.list {told:?} is not GraphML's")))?,
            ),
        };
        let kind = find("gf:type").as_deref() == Some("kind");
        let drawing = find("yfiles.type").is_some();
        let place = self.place(&name);
        let mut key = Key { name, place, said, list, default: None, for_class, kind, drawing };
        if !empty {
            let mut text = String::new();
            loop {
                match self.markup.next()? {
                    Part::Open { empty } if self.markup.name == "default" => {
                        text.clear();
                        if !empty {
                            self.markup.whole_text(&mut text)?;
                        }
                        let mut value = Vec::new();
                        let said = Said { plain: key.said, list: key.list, own: None };
                        if !key.drawing {
                            read(said, &text, &mut value).map_err(|error| self.markup.at(error))?;
                            key.default = Some(value);
                        }
                    }
                    Part::Open { empty: false } => self.markup.skip()?,
                    Part::Close => break,
                    Part::End => return Err(self.markup.wrong("the file ends inside of a key")),
                    _ => {}
                }
            }
        }
        let at = self.keys.len();
        for (class, ids) in [Class::Nodes, Class::Relationships].into_iter().zip(&mut self.ids) {
            if key.for_class.is_none_or(|wanted| wanted == class) && ids.insert(id.clone().into(), at).is_some() {
                return Err(self.markup.wrong(format!("the key {id:?} is declared twice")));
            }
        }
        self.keys.push(key);
        Ok(())
    }

    /// The number of a property's name.
    fn place(&mut self, name: &str) -> usize {
        if let Some(place) = self.names.get(name) {
            return *place;
        }
        self.names.insert(name.into(), self.seen.len());
        self.seen.push(0);
        self.seen.len() - 1
    }

    fn begin(&mut self, class: Class, id: String, ends: Option<(i64, i64)>) {
        let find = |name: &str| self.markup.attributes.find(name).map(str::to_owned);
        let [own, attribute] = match class {
            Class::Nodes => ["gf:labels", "labels"],
            Class::Relationships => ["gf:label", "label"],
        };
        self.items += 1;
        self.properties.clear();
        self.item = Some(Item {
            class,
            line: self.markup.line(),
            id,
            ends,
            own: find(own),
            attribute: find(attribute),
            data: None,
            size: 0,
        });
    }

    fn node(&mut self, empty: bool) -> Result<()> {
        self.finish()?;
        if self.saw_edges {
            let error = self.markup.wrong("a node after the first edge");
            return Err(error.hint("put all nodes before the edges"));
        }
        let Some(id) = self.markup.attributes.find("id").map(str::to_owned) else {
            return Err(self.markup.wrong("a node has no id"));
        };
        self.begin(Class::Nodes, id, None);
        if empty { self.finish() } else { Ok(()) }
    }

    fn edge(&mut self, empty: bool) -> Result<()> {
        self.finish()?;
        self.saw_edges |= self.depth < 2;
        self.told.undirected |= self.markup.attributes.find("directed") == Some("false");
        let end = |name: &str| {
            let id = self.markup.attributes.find(name);
            let id = id.ok_or_else(|| self.markup.wrong(format!("an edge has no {name}")))?;
            let missing = || self.markup.wrong(format!("an edge ends at node {id:?}, which is not there"));
            let known = if self.ours { own_id('n', id) } else { self.nodes.find(id) };
            known.ok_or_else(missing)
        };
        let ends = (end("source")?, end("target")?);
        let id = self.markup.attributes.find("id").map(str::to_owned).unwrap_or_default();
        self.begin(Class::Relationships, id, Some(ends));
        if empty { self.finish() } else { Ok(()) }
    }

    /// `<data key="d0">…</data>`.
    fn data(&mut self, empty: bool) -> Result<()> {
        let Some(class) = self.item.as_ref().map(|item| item.class) else {
            // A graph's own.
            return if empty { Ok(()) } else { self.markup.skip() };
        };
        let Some(id) = self.markup.attributes.find("key") else {
            return Err(self.markup.wrong("a <data> has no key"));
        };
        let ids = &self.ids[usize::from(class == Class::Relationships)];
        let at = match ids.get(id) {
            Some(at) => *at,
            None => {
                let id = id.to_owned();
                self.undeclared(&id, class)
            }
        };
        let own = self.markup.attributes.find("gf:type").map(str::to_owned);
        let mut text = std::mem::take(&mut self.value);
        text.clear();
        let elements = if empty { false } else { self.markup.whole_text(&mut text)? };
        let done = self.property(at, own.as_deref(), &text, elements);
        self.value = text;
        if self.value.capacity() > 8 << 20 {
            self.value = String::new();
        }
        done
    }

    /// Declares a key that the file does not.
    fn undeclared(&mut self, id: &str, class: Class) -> usize {
        let place = self.place(id);
        let at = self.keys.len();
        self.keys.push(Key {
            name: id.to_owned(),
            place,
            said: Plain::String,
            list: None,
            default: None,
            for_class: Some(class),
            kind: false,
            drawing: false,
        });
        self.ids[usize::from(class == Class::Relationships)].insert(id.into(), at);
        if self.told.undeclared.len() < 20 {
            self.told.undeclared.insert(id.to_owned());
        }
        at
    }

    fn property(&mut self, at: usize, own: Option<&str>, text: &str, elements: bool) -> Result<()> {
        let (Some(item), Some(key)) = (&mut self.item, self.keys.get(at)) else { return Ok(()) };
        let mut name = key.name.as_str();
        let mut place = key.place;
        if key.drawing {
            self.told.drawings += 1;
            let label = text.trim();
            if label.is_empty() {
                return Ok(());
            }
            // The text that yEd shows is all that a drawing says of the graph.
            name = "label";
            place = match self.names.get(name) {
                Some(place) => *place,
                None => {
                    self.names.insert(name.into(), self.seen.len());
                    self.seen.push(0);
                    self.seen.len() - 1
                }
            };
            if self.seen.get(place) == Some(&self.items) {
                return Ok(());
            }
        } else if elements {
            return Err(self.markup.wrong(format!("the data of {name:?} has elements in it: it is no value")));
        }
        if own.is_none() && is_kind(key, item, text) {
            item.data = Some(text.to_owned());
            return Ok(());
        }
        let from = self.properties.len();
        match self.seen.get_mut(place) {
            Some(seen) if *seen == self.items => {
                return Err(self
                    .markup
                    .wrong(format!("the property {name:?} comes twice in one {}", item.class.noun())));
            }
            Some(seen) => *seen = self.items,
            None => {}
        }
        packstream::put_string(&mut self.properties, name);
        let value = self.properties.len();
        let said = Said { plain: key.said, list: key.list, own };
        let text = if key.drawing { text.trim() } else { text };
        if let Err(error) = read(said, text, &mut self.properties) {
            let message = format!("{} {:?}, property {name:?}: {}", item.class.noun(), item.id, error.message());
            return Err(self.markup.wrong(message));
        }
        if self.properties.get(value..).is_some_and(is_null) {
            self.properties.truncate(from);
            return Err(self.markup.wrong(format!("the property {name:?} is null")));
        }
        item.size += 1;
        Ok(())
    }

    /// Ends the node or edge that began, if one did.
    fn finish(&mut self) -> Result<()> {
        let Some(mut item) = self.item.take() else { return Ok(()) };
        let line = item.line;
        let at = |error: Error| error.at(crate::Position::line(line));
        let kind = kind(&item, &mut self.told.untyped).map_err(at)?;
        for key in &self.keys {
            let Some(default) = &key.default else { continue };
            let seen = self.seen.get_mut(key.place);
            if key.for_class.is_none_or(|class| class == item.class)
                && let Some(seen) = seen
                && *seen != self.items
            {
                *seen = self.items;
                packstream::put_string(&mut self.properties, &key.name);
                self.properties.extend_from_slice(default);
                item.size += 1;
            }
        }
        let ids = match item.ends {
            None => {
                let id = if self.ours {
                    let odd = || at(Error::corrupt(format!("{:?} is not how this file names nodes", item.id)));
                    own_id('n', &item.id).ok_or_else(odd)?
                } else {
                    let twice = || at(Error::corrupt(format!("node id {:?} occurs twice", item.id)));
                    let id = self.nodes.add(&item.id).ok_or_else(twice)?;
                    if id < 0 || own_id('n', &item.id).is_none() && item.id.parse::<i64>().is_err() {
                        self.keep_id(&mut item);
                    }
                    id
                };
                (id, 0, 0)
            }
            Some((start, end)) => {
                // An edge's id may come again in others' files: NetworkX counts from 0 between each two nodes.
                self.relationships += 1;
                let given = if self.ours { own_id('e', &item.id) } else { None };
                (given.unwrap_or(self.relationships - 1), start, end)
            }
        };
        // Nodes follow the graph inside of a node; its edges wait for them.
        let holds = self.depth > 1 && item.class == Class::Relationships;
        if holds {
            self.waiting += self.properties.len() + 64;
            if self.waiting > MAX_WAITING {
                return Err(at(Error::corrupt("graphs inside of nodes have more than 256 MiB of edges")));
            }
        }
        let (gather, known) = match holds {
            true => (&mut self.held, &mut self.held_known),
            false => (&mut self.gather, &mut self.known),
        };
        gather.begin(item.class, item.line);
        let mut raw = Vec::new();
        for name in kind.names() {
            raw.extend_from_slice(name.as_bytes());
            raw.push(0xFF);
        }
        let index = gather.kind(&raw, || Ok(kind))?;
        self.retyped.clear();
        packstream::put_map(&mut self.retyped, item.size);
        self.retyped.extend_from_slice(&self.properties);
        if self.mapping.is_empty() {
            gather.buffer().extend_from_slice(&self.retyped);
        } else {
            let types = known.of(&self.mapping, gather, item.class, index);
            let mut out = Vec::new();
            retype(&mut Cursor::new(&self.retyped), types, &mut self.misses, &mut out).map_err(|message| {
                let message = format!("{} {:?}, {message}", item.class.noun(), item.id);
                Error::corrupt(message).at(crate::Position::line(item.line))
            })?;
            gather.buffer().extend_from_slice(&out);
        }
        gather.push(ids, index, item.line)
    }

    /// Keeps an id that is no number as a property: in NetworkX and its like it is the node's name.
    fn keep_id(&mut self, item: &mut Item) {
        let place = self.place("id");
        match self.seen.get_mut(place) {
            Some(seen) if *seen != self.items => {
                *seen = self.items;
                packstream::put_string(&mut self.properties, "id");
                packstream::put_string(&mut self.properties, &item.id);
                item.size += 1;
            }
            _ => self.told.unkept += 1,
        }
    }
}

impl Decoder for Reader {
    fn header(&self) -> &Header {
        &self.header
    }

    fn next(&mut self) -> Result<Option<Piece>> {
        loop {
            if let Some(piece) = self.gather.pop() {
                return Ok(Some(piece));
            }
            if self.ended {
                return Ok(self.held.pop());
            }
            self.ended = !self.step()?;
        }
    }

    fn trailer(&self) -> Option<&Trailer> {
        None
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = self.told.warnings();
        warnings.extend(self.misses.told());
        warnings
    }
}
