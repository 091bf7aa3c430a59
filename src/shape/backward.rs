//! A graph on its way out of HugeGraph's shape: what a reversible mapping noted in the schema is undone.

use super::mark::{GRAPH, GraphMark, KeyMark, LinkMark, MARK, SetMark, VERSION, find};
use super::value::put_json;
use crate::backend::Names;
use crate::error::{Error, Result};
use crate::feed::{End, Feed};
use crate::format::Piece;
use crate::hugegraph::{Definitions, ID, schema::is_ours};
use crate::model::packstream::{self, Cursor};
use crate::model::{Block, Class, Header, Kind, Schema, SchemaObject};
use rustc_hash::FxHashMap;
use std::collections::HashMap;

/// A feed whose graph gets back the shape that it had before [`Forward`](super::Forward) with a reversible mapping. A graph of which nothing is noted goes as it is,
/// and so do the things that somebody has added to one since.
pub struct Backward<'a> {
    feed: Box<dyn Feed + 'a>,
    schema: Schema,
    undoing: Option<Undoing>,
}

impl<'a> Backward<'a> {
    /// The graph of `feed` as it was.
    ///
    /// # Errors
    /// What is noted in the feed's schema is damaged, or of a newer version.
    pub fn new(feed: Box<dyn Feed + 'a>) -> Result<Self> {
        let (schema, undoing) = Undoing::of(feed.schema().objects.clone())?;
        Ok(Self { feed, schema: Schema { objects: schema }, undoing })
    }
}

impl Feed for Backward<'_> {
    fn header(&self) -> &Header {
        self.feed.header()
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn names(&self) -> Option<&Names> {
        // Those of the inner feed are HugeGraph's.
        if self.undoing.is_some() { None } else { self.feed.names() }
    }

    fn estimate(&self) -> Option<(u64, u64)> {
        self.feed.estimate()
    }

    fn name(&self) -> Option<&str> {
        self.feed.name()
    }

    fn is_repeatable(&self) -> bool {
        self.feed.is_repeatable()
    }

    fn look(&mut self, sink: &mut dyn FnMut(Piece) -> Result<()>) -> Result<bool> {
        let mut passing = Passing::new(self.undoing.as_ref());
        let looked = self.feed.look(&mut |piece| passing.piece(piece, sink))?;
        if looked {
            passing.end(sink)?;
        }
        Ok(looked)
    }

    fn run(&mut self, sink: &mut dyn FnMut(Piece) -> Result<()>) -> Result<End> {
        let mut passing = Passing::new(self.undoing.as_ref());
        let end = self.feed.run(&mut |piece| passing.piece(piece, sink))?;
        passing.end(sink)?;
        Ok(end)
    }
}

/// One reading. The schema of a dump comes with its data, and before them.
struct Passing<'a> {
    known: Option<&'a Undoing>,
    early: Vec<SchemaObject>,
    found: Option<Undoing>,
    has_begun: bool,
}

impl<'a> Passing<'a> {
    fn new(known: Option<&'a Undoing>) -> Self {
        Self { known, early: Vec::new(), found: None, has_begun: known.is_some() }
    }

    fn begin(&mut self, sink: &mut dyn FnMut(Piece) -> Result<()>) -> Result<()> {
        if !std::mem::replace(&mut self.has_begun, true) {
            let (objects, found) = Undoing::of(std::mem::take(&mut self.early))?;
            self.found = found;
            objects.into_iter().try_for_each(|object| sink(Piece::Object(object)))?;
        }
        Ok(())
    }

    fn piece(&mut self, piece: Piece, sink: &mut dyn FnMut(Piece) -> Result<()>) -> Result<()> {
        match piece {
            Piece::Object(object) if !self.has_begun => self.early.push(object),
            Piece::Object(object) if self.known.is_none() && self.found.is_none() && is_marked(&object) => {
                return Err(Error::corrupt(format!("{} comes after the data that it is about", object.describe())));
            }
            Piece::Block(block) => {
                self.begin(sink)?;
                let block = match self.known.or(self.found.as_ref()) {
                    Some(undoing) => undoing.block(&block)?,
                    None => block,
                };
                return sink(Piece::Block(block));
            }
            piece => return sink(piece),
        }
        Ok(())
    }

    fn end(&mut self, sink: &mut dyn FnMut(Piece) -> Result<()>) -> Result<()> {
        self.begin(sink)
    }
}

/// Whether something is noted in an object's user data.
fn is_marked(object: &SchemaObject) -> bool {
    let SchemaObject::Other(other) = object else { return false };
    let data = other.details.get("user_data").and_then(crate::model::Value::as_map);
    is_ours(object) && data.is_some_and(|data| data.contains_key(MARK) || data.contains_key(GRAPH))
}

/// What a property was.
struct Property {
    of: String,
    json: bool,
}

/// What the items of a label were.
struct Was {
    kind: Kind,
    /// A property that is none of the graph's own.
    added: Option<String>,
    /// Property keys to their places.
    order: FxHashMap<String, usize>,
}

/// What was noted of a graph.
struct Undoing {
    keys: HashMap<String, Property>,
    sets: HashMap<String, Was>,
    links: HashMap<String, Was>,
}

impl Undoing {
    /// Looks for what is noted; gives the schema without it, and with what it says of the graph's own.
    fn of(objects: Vec<SchemaObject>) -> Result<(Vec<SchemaObject>, Option<Self>)> {
        let mut all = Definitions::default();
        objects.iter().try_for_each(|object| all.add(object).map(drop))?;
        let mut graph: Option<GraphMark> = None;
        for key in all.property_keys.values() {
            if let Some(mark) = find(GRAPH, &key.user_data, &key.name)? {
                graph = Some(mark);
            }
        }
        let Some(graph) = graph else { return Ok((objects, None)) };
        if graph.version > VERSION {
            return Err(Error::refused(format!(
                "the graph was written with version {} of the encoding, and this knows up to {VERSION}",
                graph.version
            ))
            .hint("take a newer graphferry"));
        }
        let undoing = Self::read(&all)?;
        let numbers: Vec<&str> = undoing.links.values().filter_map(|was| was.added.as_deref()).collect();
        let is_noted = |object: &SchemaObject| {
            let is_number = object.name().is_some_and(|name| {
                matches!(object, SchemaObject::Other(other) if other.kind == crate::hugegraph::schema::KINDS[0])
                    && numbers.contains(&name)
            });
            is_marked(object) || is_number
        };
        let mut left: Vec<SchemaObject> = objects.iter().filter(|object| !is_noted(object)).cloned().collect();
        left.extend(graph.schema.objects);
        Ok((left, Some(undoing)))
    }

    fn read(all: &Definitions) -> Result<Self> {
        let order = |names: Vec<String>| names.into_iter().zip(0..).collect();
        let mut keys = HashMap::new();
        for (name, key) in &all.property_keys {
            if let Some(KeyMark { of, json }) = find(MARK, &key.user_data, name)? {
                keys.insert(name.clone(), Property { of, json });
            }
        }
        let mut sets = HashMap::new();
        for (name, label) in &all.vertex_labels {
            if let Some(mark) = find::<SetMark>(MARK, &label.user_data, name)? {
                let added = (!mark.keeps_id).then(|| ID.to_owned());
                let was = Was { kind: Kind::labels(&mark.labels), added, order: order(mark.order) };
                sets.insert(name.clone(), was);
            }
        }
        let mut links = HashMap::new();
        for (name, label) in &all.edge_labels {
            if let Some(mark) = find::<LinkMark>(MARK, &label.user_data, name)? {
                let was = Was { kind: Kind::relationship(&mark.of), added: mark.number, order: order(mark.order) };
                links.insert(name.clone(), was);
            }
        }
        Ok(Self { keys, sets, links })
    }

    fn block(&self, block: &Block) -> Result<Block> {
        let labels = match block.class() {
            Class::Nodes => &self.sets,
            Class::Relationships => &self.links,
        };
        let mut out = Block::new(block.class());
        out.set_first_line(block.first_line());
        let mut was = Vec::with_capacity(block.kinds().len());
        for kind in block.kinds() {
            let found = match kind.names() {
                [name] => labels.get(&**name),
                _ => None,
            };
            out.add_kind(found.map_or_else(|| kind.clone(), |was| was.kind.clone()));
            was.push(found);
        }
        for item in block.items() {
            let was = was.get(item.kind as usize).copied().flatten();
            let put = match was {
                Some(was) => self.properties(block.cursor(item), was, out.buffer()),
                None => {
                    out.buffer().extend_from_slice(block.properties(item));
                    Ok(())
                }
            };
            put.map_err(|error| {
                let what = block.class().noun();
                let error = Error::corrupt(format!("{what} {}: {}", item.id, error.message())).caused_by(error);
                match block.position(item) {
                    Some(position) => error.at(position),
                    None => error,
                }
            })?;
            out.push(item.id, item.start, item.end, item.kind, item.line);
        }
        Ok(out)
    }

    /// Writes the properties that an item had, in the order in which they were found.
    fn properties<'b>(&self, mut cursor: Cursor<'b>, was: &Was, out: &mut Vec<u8>) -> Result<()> {
        let size = cursor.map()?;
        let mut left: Vec<(usize, &'b str, Cursor<'b>)> = Vec::with_capacity(size.min(64));
        for at in 0..size {
            let (name, start) = (cursor.string()?, cursor);
            cursor.check()?;
            if was.added.as_deref() != Some(name) {
                left.push((was.order.get(name).copied().unwrap_or(was.order.len() + at), name, start));
            }
        }
        if !left.is_sorted_by_key(|(place, ..)| *place) {
            left.sort_by_key(|(place, ..)| *place);
        }
        packstream::put_map(out, left.len());
        let mut seen: Vec<&str> = Vec::new();
        for (_, name, mut start) in left {
            let property = self.keys.get(name);
            let of = property.map_or(name, |property| property.of.as_str());
            if seen.contains(&of) {
                return Err(Error::corrupt(format!("it has several values that were the property {of:?}")));
            }
            seen.push(of);
            packstream::put_string(out, of);
            if property.is_some_and(|property| property.json) {
                put_json(&mut start, out).map_err(|error| {
                    Error::corrupt(format!("the property {name:?} is not the JSON that it was: {}", error.message()))
                })?;
            } else {
                out.extend_from_slice(start.raw()?);
            }
        }
        Ok(())
    }
}
