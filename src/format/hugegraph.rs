//! The directory that hugegraph-tools writes: a backup of HugeGraph, one file a kind of thing, zipped or plain.
//!
//! `docs/format-hugegraph.md` describes it. What we write has [`MANIFEST`] beside the official files, which the official tool does not look at: it says
//! in which zone the dates are, how much there is, and what the hash of each file is, so that a file of an older backup cannot slip in.
//! Backups of the official tool have none of that; what can be told of them without it is told.
//!
//! It holds graphs that have HugeGraph's schema ([`crate::hugegraph`] says how such a graph looks); what becomes of others is not decided here.
//!
//! The module opens no file: it is given a way to read members, and a place to append to them.

mod age;
mod edge_id;
mod elements;
mod ends;
mod manifest;
mod member;
mod read;
mod roll;
mod schema;
mod seen;
mod write;
mod zipped;

use super::{Decoder, DecoderOptions, Files};
use crate::error::Result;
use crate::hugegraph::Zone;
use crate::hugegraph::schema::{KINDS, is_ours};
use crate::model::{Capability, Schema};

pub use manifest::MANIFEST;
pub use member::is_backup;
pub use write::HugeGraph;

/// The version of the manifest that is written, and the newest that is read.
pub const VERSION: u64 = 1;

/// A kind of schema object that is HugeGraph's and that the official files have no place for: it is kept in the manifest.
const MORE: [&str; 1] = ["hugegraph-variable"];

/// How a backup is written.
#[derive(Clone, Debug)]
pub struct Options {
    /// Plain files instead of zipped ones.
    pub plain: bool,
    /// The zone that dates are written in.
    pub zone: Zone,
    /// What a property key cannot hold is left out and counted, instead of refused.
    pub allow_loss: bool,
}

/// What the format can hold.
#[must_use]
pub fn capability() -> Capability {
    let mut capability = Capability::no_schema("HugeGraph's backup");
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    capability.other_objects = own(&KINDS);
    capability.other_objects.extend(own(&MORE));
    let scalars =
        ["map", "date", "local-time", "time", "local-date-time", "duration", "point", "vector", "enum", "structure"];
    capability.refused_values = own(&scalars);
    capability
        .refused_values
        .extend(scalars.iter().chain(&["list", "null", "mixed"]).map(|sort| format!("list of {sort}")));
    capability
}

/// Whether a graph has HugeGraph's schema, as far as that is known before its data come.
///
/// # Errors
/// It has another schema, or nodes and none.
pub fn check(schema: &Schema, nodes: Option<u64>) -> Result<()> {
    let is_other = !schema.objects.is_empty() || nodes.is_some_and(|nodes| nodes > 0);
    if is_other && !schema.objects.iter().any(is_ours) { Err(write::no_schema()) } else { Ok(()) }
}

/// What writes the format.
#[must_use]
pub fn encoder(options: Options) -> HugeGraph {
    HugeGraph::new(options)
}

/// Reads a directory, whoever wrote it.
///
/// # Errors
/// It is not whole, a file of it was changed, or it has a file that does not belong to it.
pub fn decoder(files: Box<dyn Files>, options: &DecoderOptions) -> Result<Box<dyn Decoder>> {
    Ok(Box::new(read::Reader::new(files, options)?))
}
