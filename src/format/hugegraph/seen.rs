//! What was read so far: whether a vertex or an edge comes twice, and whether an edge's ends are there.
//!
//! A backup of the official tool may have the same rows twice: after a page that failed, it writes the page before once more. Such rows are equal, and one
//! of them is left out and counted. Rows with one id that differ are something else: a file of an older backup, or a graph that changed meanwhile.

use crate::error::{Error, Result};
use crate::hugegraph::record::Edge;
use crate::hugegraph::{Definitions, Id};
use crate::ids::{IdMap, IdSet};
use std::hash::{DefaultHasher, Hasher as _};

/// What is known of the rows before.
#[derive(Debug)]
pub(super) enum Seen {
    /// A manifest proves that nothing is there twice by mistake: only which vertices there are is kept, at a bit each where ids are dense.
    Proved(IdSet),
    /// Hashes of rows, at about 20 bytes each.
    Unproved {
        /// Block ids of vertices.
        vertices: IdMap,
        /// Hashes of what makes an edge that edge.
        edges: IdMap,
    },
}

impl Seen {
    pub(super) fn new(has_manifest: bool) -> Self {
        match has_manifest {
            true => Self::Proved(IdSet::default()),
            false => Self::Unproved { vertices: IdMap::default(), edges: IdMap::default() },
        }
    }

    /// Adds a vertex; `false` if the same row was there before.
    pub(super) fn vertex(&mut self, number: i64, id: &Id<'_>, row: &[u8]) -> Result<bool> {
        match self {
            Self::Proved(vertices) => match vertices.insert(number) {
                true => Ok(true),
                false => Err(Error::corrupt(format!("vertex {id} is there twice"))),
            },
            Self::Unproved { vertices, .. } => is_new(vertices, number, row, || format!("vertex {id}")),
        }
    }

    /// Adds an edge; `false` if the same row was there before.
    pub(super) fn edge(&mut self, edge: &Edge<'_>, definitions: &Definitions, row: &[u8]) -> Result<bool> {
        let Self::Unproved { edges, .. } = self else { return Ok(true) };
        let mut hasher = DefaultHasher::new();
        let mut put = |bytes: &[u8]| {
            hasher.write_usize(bytes.len());
            hasher.write(bytes);
        };
        put(edge.label.as_bytes());
        for (id, label) in edge.ends.iter().zip(&edge.end_labels) {
            put(id.to_string().as_bytes());
            // A text and a UUID look alike: the label tells which it is.
            put(label.as_bytes());
        }
        let label = definitions.edge_labels.get(&*edge.label);
        for key in label.iter().flat_map(|label| &label.sort_keys) {
            put(edge.property(key).unwrap_or_default().as_bytes());
        }
        let what = || format!("the edge {:?} from {} to {}", edge.label, edge.ends[0], edge.ends[1]);
        is_new(edges, hasher.finish() as i64, row, what)
    }

    /// Whether a vertex was there.
    pub(super) fn has(&self, number: i64) -> bool {
        match self {
            Self::Proved(vertices) => vertices.contains(number),
            Self::Unproved { vertices, .. } => vertices.find(number).is_some(),
        }
    }
}

fn is_new(known: &mut IdMap, key: i64, row: &[u8], what: impl Fn() -> String) -> Result<bool> {
    let mut hasher = DefaultHasher::new();
    hasher.write(row);
    let hash = hasher.finish() as i64;
    if known.reserve(key) {
        known.bind(key, hash);
        return Ok(true);
    }
    if known.find(key) == Some(hash) {
        return Ok(false);
    }
    Err(Error::corrupt(format!("{} is there twice, and the two differ", what()))
        .hint("one of the files may be of an older backup: take it away, what it holds may have been deleted since"))
}
