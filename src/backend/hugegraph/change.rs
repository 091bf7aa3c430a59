//! Vertices and edges that are there, read by their ids.

use super::client::{Client, encoded};
use super::{by_ids, quoted};
use crate::error::{Error, Result};
use crate::hugegraph::{Definitions, Id, Zone, record};
use crate::model::{Block, Class};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Bytes of a path: servers refuse requests whose first line is longer than 8 KiB.
pub(super) const PATH: usize = 7_000;

#[derive(Deserialize)]
struct Found<'a> {
    #[serde(borrow, alias = "edges")]
    vertices: Vec<&'a RawValue>,
}

/// An edge that is there.
pub(super) struct Edge<'a> {
    pub(super) id: Id<'a>,
    pub(super) ends: [Id<'a>; 2],
    /// It alone.
    pub(super) block: Block,
    /// Whether every date could be read: in an hour that comes twice, which of the two it was cannot.
    pub(super) is_certain: bool,
}

/// Takes an edge.
type EdgeSink<'a> = dyn FnMut(Edge<'_>) -> Result<()> + 'a;

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
            let mut reader = record::Reader::new(self.definitions, self.zone);
            let mut block = Block::new(Class::Nodes);
            let id = reader.vertex(row.get(), &mut block)?;
            if reader.ambiguous > 0 {
                return Err(Error::refused(format!(
                    "vertex {id} has a date in an hour that comes twice in the zone {} of the server: which instant it is cannot be read, and must not be changed",
                    self.zone.name()
                )));
            }
            sink(id, block)
        })
    }

    /// The same of edges.
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
        let mut reader = record::Reader::new(self.definitions, self.zone);
        let mut block = Block::new(Class::Relationships);
        let edge = reader.edge(row.get(), &mut block)?;
        let id = edge.id.ok_or_else(|| Error::corrupt("the server gave an edge without its id"))?;
        sink(Edge { id, ends: edge.ends, block, is_certain: reader.ambiguous == 0 })
    }

    fn ask(&self, what: &str, ids: &[Id<'_>], each: &mut dyn FnMut(&RawValue) -> Result<()>) -> Result<()> {
        for now in fitting(ids) {
            let path = if what == "edges" {
                let ids: Vec<String> = now.iter().map(|id| format!("ids={}", encoded(&text(id)))).collect();
                format!("/traversers/edges?{}", ids.join("&"))
            } else {
                by_ids(what, now)
            };
            let body = self.client.bytes(&self.client.path(&path))?;
            self.rows(&body, &path, each)?;
        }
        Ok(())
    }

    fn rows(&self, body: &[u8], path: &str, each: &mut dyn FnMut(&RawValue) -> Result<()>) -> Result<()> {
        let found: Found<'_> =
            serde_json::from_slice(body).map_err(|cause| self.client.not_understood(path).caused_by(cause))?;
        found.vertices.into_iter().try_for_each(each)
    }
}

/// Ids in parts that fit into a path.
pub(super) fn fitting<'a>(ids: &'a [Id<'a>]) -> impl Iterator<Item = &'a [Id<'a>]> {
    let mut rest = ids;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = rest.iter().take_while(|id| {
            bytes += encoded(&quoted(id)).len() + 5;
            bytes <= PATH
        });
        let (now, later) = rest.split_at(fits.count().max(1).min(rest.len()));
        rest = later;
        (!now.is_empty()).then_some(now)
    })
}

/// An edge's id.
pub(super) fn text<'a>(id: &'a Id<'_>) -> std::borrow::Cow<'a, str> {
    match id {
        Id::Number(number) => number.to_string().into(),
        Id::Text(text) | Id::Uuid(text) => (&**text).into(),
    }
}

/// The ids of a vertex's edges, at most so many.
pub(super) fn edges_of(client: &Client, id: &Id<'_>, most: usize) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Edges {
        edges: Vec<Named>,
    }
    #[derive(Deserialize)]
    struct Named {
        id: String,
    }
    let id = encoded(&quoted(id));
    let found: Edges = client.get(&client.path(&format!("/graph/edges?vertex_id={id}&direction=BOTH&limit={most}")))?;
    Ok(found.edges.into_iter().map(|edge| edge.id).collect())
}
