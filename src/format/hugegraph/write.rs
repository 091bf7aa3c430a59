//! The writer: items into elements, 500 elements into a line, lines into files, and in the end the manifest.

use super::ends::Ends;
use super::manifest::{MANIFEST, Manifest};
use super::member::{SCHEMA, noun};
use super::roll::{File, Roll};
use super::{Options, edge_id, schema};
use crate::error::{Error, Result};
use crate::format::member::Member as Listed;
use crate::format::{FolderEncoder, Members};
use crate::hugegraph::record::{Writer, wanted_id};
use crate::hugegraph::schema::is_ours;
use crate::hugegraph::{Definitions, ID, value};
use crate::model::{Block, Class, Cursor, Header, Item, Loss, Schema, SchemaObject, Trailer, packstream};

/// Elements of a line, as the official tool has them: it sends a line to the server as one batch.
const ELEMENTS: usize = 500;

/// A line ends at this size too.
const FULL: usize = 8 << 20;

/// Writes a backup.
pub struct HugeGraph {
    options: Options,
    header: Header,
    definitions: Definitions,
    has_schema: bool,
    more: Vec<SchemaObject>,
    ends: Ends,
    class: Class,
    line: Vec<u8>,
    elements: usize,
    roll: Roll,
    members: Vec<Listed>,
    losses: Vec<Loss>,
}

impl HugeGraph {
    /// A writer.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            header: Header::default(),
            definitions: Definitions::default(),
            has_schema: false,
            more: Vec::new(),
            ends: Ends::default(),
            class: Class::Nodes,
            line: Vec::new(),
            elements: 0,
            roll: Roll::default(),
            members: Vec::new(),
            losses: Vec::new(),
        }
    }

    fn add_schema(&mut self, schema: &Schema) -> Result<()> {
        for object in &schema.objects {
            if is_ours(object) {
                self.definitions.add(object)?;
            } else {
                self.more.push(object.clone());
            }
        }
        schema::number(&mut self.definitions);
        Ok(())
    }

    fn write_schema(&mut self, out: &mut dyn Members) -> Result<()> {
        self.has_schema = true;
        for (kind, bare) in SCHEMA.into_iter().enumerate() {
            let mut file = File::new(bare, !self.options.plain)?;
            file.add(schema::text(kind, &self.definitions).as_bytes(), out)?;
            self.members.push(file.finish(out)?);
        }
        Ok(())
    }

    fn item(&mut self, block: &Block, item: &Item) -> Result<()> {
        let Self { options, definitions, ends, line, losses, .. } = self;
        let writer = Writer { definitions, zone: Some(&options.zone) };
        let kept;
        let mut cursor = block.cursor(item);
        if options.allow_loss
            && let Some(bytes) = without_misfits(&writer, cursor, losses)?
        {
            kept = bytes;
            cursor = Cursor::new(&kept);
        }
        match block.class() {
            Class::Nodes => {
                let label = one_label(definitions, block, item)?;
                let id = wanted_id(definitions, label, cursor)?.ok_or_else(|| {
                    Error::refused(format!(
                        "node {} with the label {label:?} has no {ID:?}, which says its id",
                        item.id
                    ))
                })?;
                ends.add(item.id, &id)?;
                writer.vertex(label, cursor, Some(&id), line)
            }
            Class::Relationships => {
                let name = block.kind(item).relationship_type();
                let label = definitions.edge_labels.get(name).ok_or_else(|| unknown("edge", name, definitions))?;
                if label.source_label.is_empty() {
                    return Err(Error::refused(format!("the edge label {name:?} has several pairs of ends")));
                }
                let end = |id: i64| {
                    let missing =
                        || Error::refused(format!("an edge {name:?} has an end that is not in the dump: node {id}"));
                    ends.find(id).ok_or_else(missing)
                };
                let (start, end) = (end(item.start)?, end(item.end)?);
                writer.edge(label, cursor, [&start, &end], line)?;
                edge_id::put(definitions, label, cursor, [&start, &end], line)
            }
        }
    }

    fn end_line(&mut self, out: &mut dyn Members) -> Result<()> {
        if self.elements == 0 {
            return Ok(());
        }
        self.elements = 0;
        self.line.extend_from_slice(b"]}\n");
        let ended = self.roll.add(self.class, &self.line, !self.options.plain, out)?;
        self.members.extend(ended);
        self.line.clear();
        self.line.shrink_to(FULL);
        Ok(())
    }
}

pub(super) fn no_schema() -> Error {
    Error::refused("the graph has no schema as HugeGraph needs one: property keys, vertex labels, edge labels")
        .hint("a backup holds graphs that are from HugeGraph; of such a graph, a dump that comes through a pipe has to be a file")
}

fn unknown(what: &str, name: &str, definitions: &Definitions) -> Error {
    match definitions.vertex_labels.is_empty() {
        true => no_schema(),
        false => Error::refused(format!("there is no {what} label {name:?} in the schema")),
    }
}

fn one_label<'a>(definitions: &Definitions, block: &'a Block, item: &Item) -> Result<&'a str> {
    match block.kind(item).names() {
        [label] if definitions.vertex_labels.contains_key(&**label) => Ok(label),
        [label] => Err(unknown("vertex", label, definitions)),
        _ if definitions.vertex_labels.is_empty() => Err(unknown("vertex", "", definitions)),
        labels => Err(Error::refused(format!("node {} has {} labels, and a vertex has one", item.id, labels.len()))),
    }
}

/// The properties without those that their keys cannot hold; `None` if there is none of these.
fn without_misfits(writer: &Writer<'_>, cursor: Cursor<'_>, losses: &mut Vec<Loss>) -> Result<Option<Vec<u8>>> {
    let mut at = cursor;
    let (mut kept, mut count, mut scratch) = (Vec::new(), 0, Vec::new());
    let size = at.map()?;
    let open = packstream::open_map(&mut kept);
    for _ in 0..size {
        let name = at.string()?;
        let bytes = at.raw()?;
        scratch.clear();
        let key = writer.definitions.property_keys.get(name);
        let written = match key {
            _ if name == ID => Ok(()),
            Some(key) => value::write(key, &mut Cursor::new(bytes), writer.zone, &mut scratch),
            None => Err(Error::refused(format!("there is no property key {name:?}"))),
        };
        match written {
            Ok(()) => {
                count += 1;
                packstream::put_string(&mut kept, name);
                kept.extend_from_slice(bytes);
            }
            Err(error) => {
                let what = format!("values: {}", error.message());
                match losses.iter_mut().find(|loss| loss.what == what) {
                    Some(loss) => loss.count += 1,
                    None => losses.push(Loss { kind: "value", what, count: 1 }),
                }
            }
        }
    }
    open.close(&mut kept, count);
    Ok((count < size).then_some(kept))
}

impl FolderEncoder for HugeGraph {
    fn begin(&mut self, header: &Header, schema: &Schema, out: &mut dyn Members) -> Result<()> {
        self.header = header.clone();
        self.add_schema(schema)?;
        if !self.definitions.property_keys.is_empty() || !self.definitions.vertex_labels.is_empty() {
            self.write_schema(out)?;
        }
        Ok(())
    }

    fn block(&mut self, block: &Block, out: &mut dyn Members) -> Result<()> {
        if block.class() != self.class {
            self.end_line(out)?;
            self.class = block.class();
        }
        for item in block.items() {
            if self.elements == 0 {
                self.line.extend_from_slice(format!("{{\"{}\": [", noun(self.class)).as_bytes());
            } else {
                self.line.push(b',');
            }
            self.elements += 1;
            self.item(block, item).map_err(|error| match block.position(item) {
                Some(position) => error.at(position),
                None => error,
            })?;
            if self.elements >= ELEMENTS || self.line.len() >= FULL {
                self.end_line(out)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, late: &Schema, trailer: &Trailer, out: &mut dyn Members) -> Result<()> {
        if self.has_schema {
            if let Some(object) = late.objects.iter().find(|object| is_ours(object)) {
                return Err(Error::refused(format!("the {} came after the data", object.describe())));
            }
            self.more.extend(late.objects.iter().cloned());
        } else {
            self.add_schema(late)?;
            self.write_schema(out)?;
        }
        self.end_line(out)?;
        let ended = self.roll.finish(out)?;
        self.members.extend(ended);
        let (header, members) = (self.header.clone(), std::mem::take(&mut self.members));
        let mut manifest = Manifest::new(header, self.options.zone.name(), members, trailer.tally.clone());
        manifest.more.clone_from(&self.more);
        manifest.source_changed = trailer.source_changed;
        out.append(MANIFEST, manifest.text()?.as_bytes())
    }

    fn losses(&self) -> Vec<Loss> {
        self.losses.clone()
    }
}
