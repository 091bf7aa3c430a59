//! Vertices and edges that are there: read by their ids, changed, deleted.

use super::client::{Client, encoded};
use super::{by_ids, quoted};
use crate::error::{Error, ErrorKind, Result};
use crate::hugegraph::schema::Cardinality;
use crate::hugegraph::{Definitions, ID, Id, Zone, record};
use crate::model::packstream::{put_list, put_map, put_string};
use crate::model::{Block, Class, Cursor};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Bytes of a path: servers refuse requests whose first line is longer than 8 KiB.
const PATH: usize = 7_000;

#[derive(Deserialize)]
struct Found<'a> {
    #[serde(borrow, alias = "edges")]
    vertices: Vec<&'a RawValue>,
}

/// Takes an edge: its id, its ends, and a block of it alone.
type EdgeSink<'a> = dyn FnMut(Id<'_>, [Id<'_>; 2], Block) -> Result<()> + 'a;

/// What is needed to read rows.
pub(super) struct Reading<'a> {
    pub(super) client: &'a Client,
    pub(super) definitions: &'a Definitions,
    pub(super) zone: &'a Zone,
}

impl Reading<'_> {
    /// The vertices of these ids that are there: gives each, as a block of one, with its id.
    pub(super) fn vertices(&self, ids: &[Id<'_>], sink: &mut dyn FnMut(Id<'_>, Block) -> Result<()>) -> Result<()> {
        self.ask("vertices", ids, &mut |row| {
            let mut reader = record::Reader { definitions: self.definitions, zone: self.zone, ambiguous: 0 };
            let mut block = Block::new(Class::Nodes);
            let vertex = serde_json::from_str(row.get()).map_err(|cause| not_understood(row).caused_by(cause))?;
            let id = reader.vertex(vertex, &mut block)?;
            if reader.ambiguous > 0 {
                return Err(Error::refused(format!(
                    "vertex {id} has a date in an hour that comes twice in the zone {} of the server: which instant it is cannot be read, and must not be changed",
                    self.zone.name()
                )));
            }
            sink(id, block)
        })
    }

    /// The same of edges: gives each, with its ends.
    pub(super) fn edges(&self, ids: &[Id<'_>], sink: &mut EdgeSink<'_>) -> Result<()> {
        self.ask("edges", ids, &mut |row| self.edge(row, sink))
    }

    /// The edges that start at a vertex.
    pub(super) fn edges_from(&self, start: &Id<'_>, label: &str, sink: &mut EdgeSink<'_>) -> Result<()> {
        let (start, label) = (encoded(&quoted(start)), encoded(label));
        let path = format!("/graph/edges?vertex_id={start}&direction=OUT&label={label}&limit=-1");
        let body = self.client.bytes(&self.client.path(&path))?;
        self.rows(&body, &path, &mut |row| self.edge(row, sink))
    }

    fn edge(&self, row: &RawValue, sink: &mut EdgeSink<'_>) -> Result<()> {
        #[derive(Deserialize)]
        struct Named<'a> {
            #[serde(borrow)]
            id: Id<'a>,
        }
        let named: Named<'_> = serde_json::from_str(row.get()).map_err(|cause| not_understood(row).caused_by(cause))?;
        let mut reader = record::Reader { definitions: self.definitions, zone: self.zone, ambiguous: 0 };
        let mut block = Block::new(Class::Relationships);
        let edge = serde_json::from_str(row.get()).map_err(|cause| not_understood(row).caused_by(cause))?;
        let (start, end) = reader.edge(edge, &mut block)?;
        sink(named.id, [start, end], block)
    }

    fn ask(&self, what: &str, ids: &[Id<'_>], each: &mut dyn FnMut(&RawValue) -> Result<()>) -> Result<()> {
        let size = |id: &Id<'_>| encoded(&quoted(id)).len() + 5;
        let mut rest = ids;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = rest.iter().take_while(|id| {
                bytes += size(id);
                bytes <= PATH
            });
            let (now, later) = rest.split_at(fits.count().max(1).min(rest.len()));
            let path = if what == "edges" {
                let ids: Vec<String> = now.iter().map(|id| format!("ids={}", encoded(&text(id)))).collect();
                format!("/traversers/edges?{}", ids.join("&"))
            } else {
                by_ids(what, now)
            };
            let body = self.client.bytes(&self.client.path(&path))?;
            self.rows(&body, &path, each)?;
            rest = later;
        }
        Ok(())
    }

    fn rows(&self, body: &[u8], path: &str, each: &mut dyn FnMut(&RawValue) -> Result<()>) -> Result<()> {
        let found: Found<'_> =
            serde_json::from_slice(body).map_err(|cause| self.client.not_understood(path).caused_by(cause))?;
        found.vertices.into_iter().try_for_each(each)
    }
}

fn not_understood(row: &RawValue) -> Error {
    let short: String = row.get().chars().take(200).collect();
    Error::corrupt(format!("a record of the server is not understood: {short}"))
}

/// An edge's id.
fn text<'a>(id: &'a Id<'_>) -> std::borrow::Cow<'a, str> {
    match id {
        Id::Number(number) => number.to_string().into(),
        Id::Text(text) | Id::Uuid(text) => (&**text).into(),
    }
}

/// Deletes many by one request each few hundred, which REST cannot: vertices with their edges, or with `bare` only those that have none. Gives how many were there; `None`
/// where Gremlin does not do it.
pub(super) fn delete_many(client: &Client, class: Class, ids: &[Id<'_>], bare: bool) -> Result<Option<u64>> {
    let mut deleted = 0;
    for ids in ids.chunks(250) {
        let json = |id: &Id<'_>| match id {
            Id::Number(number) => serde_json::Value::from(*number),
            Id::Text(text) | Id::Uuid(text) => serde_json::Value::from(&**text),
        };
        let (step, which) = match (class, bare) {
            (Class::Relationships, _) => ("E", ""),
            (Class::Nodes, true) => ("V", ".not(__.bothE())"),
            (Class::Nodes, false) => ("V", ""),
        };
        // Without any id all would be meant.
        let script = format!(
            "ids.isEmpty() ? 0 : g.{step}(ids as Object[]){which}.toList().with {{ all -> all.each {{ it.remove() }}; all.size() }}"
        );
        let bindings = serde_json::json!({ "ids": ids.iter().map(json).collect::<Vec<_>>() });
        match client.gremlin_with(&script, bindings) {
            Ok(count) => deleted += count.as_u64().unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Server => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(Some(deleted))
}

/// Deletes a vertex with its edges, or an edge. Says whether it was there.
pub(super) fn delete(client: &Client, class: Class, id: &Id<'_>) -> Result<bool> {
    let (word, name) = match class {
        Class::Nodes => ("vertices", quoted(id)),
        Class::Relationships => ("edges", text(id).into_owned()),
    };
    // Servers take no such characters in a path.
    let is_odd = text(id).chars().any(|c| matches!(c, '/' | '\\' | '"' | '%' | ';') || c.is_control());
    if is_odd || name.len() > PATH / 3 {
        let step = if class == Class::Nodes { "V" } else { "E" };
        let script = format!("g.{step}(id).drop().iterate().hasNext()");
        let bindings = serde_json::json!({ "id": text(id) });
        return client.gremlin_with(&script, bindings).map(|_| true);
    }
    match client.delete(&client.path(&format!("/graph/{word}/{}", encoded(&name)))) {
        Ok(_) => Ok(true),
        Err(error) if error.message().contains(": No such ") => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a vertex has edges.
pub(super) fn has_edges(client: &Client, id: &Id<'_>) -> Result<bool> {
    let path = client.path(&format!("/graph/edges?vertex_id={}&direction=BOTH&limit=1", encoded(&quoted(id))));
    let body = client.bytes(&path)?;
    let found: Found<'_> =
        serde_json::from_slice(&body).map_err(|cause| client.not_understood(&path).caused_by(cause))?;
    Ok(!found.vertices.is_empty())
}

/// A block whose items have no [`ID`], and sets in an order of their own: what an item is, whatever its id.
pub(super) fn normalized(definitions: &Definitions, block: &Block) -> Result<Block> {
    let mut out = Block::new(block.class());
    for kind in block.kinds() {
        out.add_kind(kind.clone());
    }
    for item in block.items() {
        let mut cursor = block.cursor(item);
        let mut kept = Vec::new();
        for _ in 0..cursor.map()? {
            let (name, value) = (cursor.string()?, cursor.raw()?);
            if name != ID {
                kept.push((name, value));
            }
        }
        put_map(out.buffer(), kept.len());
        for (name, value) in kept {
            put_string(out.buffer(), name);
            let is_set = definitions.property_keys.get(name).is_some_and(|key| key.cardinality == Cardinality::Set);
            if !is_set {
                out.buffer().extend_from_slice(value);
                continue;
            }
            let mut list = Cursor::new(value);
            let size = list.list()?;
            let mut elements = (0..size).map(|_| list.raw()).collect::<Result<Vec<_>>>()?;
            elements.sort_unstable();
            elements.dedup();
            put_list(out.buffer(), elements.len());
            elements.into_iter().for_each(|element| out.buffer().extend_from_slice(element));
        }
        out.push(item.id, item.start, item.end, item.kind, 0);
    }
    Ok(out)
}
