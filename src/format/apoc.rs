//! What APOC writes: `apoc.export.cypher.*`, read; `apoc.export.json.*`, read and written.
//!
//! Of the Cypher exports the formats `cypher-shell`, `neo4j-shell` and `plain` are read with each way of grouping statements (`UNWIND_BATCH`,
//! `UNWIND_BATCH_PARAMS`, `NONE`) and each `cypherFormat`; they are parsed, never run, and what APOC adds for its own use (`UNIQUE IMPORT LABEL`, its constraint and its
//! cleanup) is left out. JSON is read as lines, as an array and as `{"nodes": …, "rels": …}`, and written as lines that `apoc.import.json` takes.
//!
//! The module knows APOC's text and the model; docs/format-apoc.md says what APOC's formats cannot hold.

mod cypher;
mod encode;
mod items;
mod json;
mod names;
mod objects;
mod row;
mod rows;
mod ticks;
mod told;

use super::{Decoder, Mapping};
use crate::error::Result;
use std::io::Read;

pub use encode::ApocJson;
pub(super) use told::{Told, tell};

/// A writer of JSON lines. Without `as_text`, a value that JSON has only as text is refused; without `any_name`, a label or type on which
/// `apoc.import.json` fails.
#[must_use]
pub fn encoder(as_text: bool, any_name: bool) -> ApocJson {
    ApocJson::new(as_text, any_name)
}

/// A reader of JSON, in any of APOC's three forms.
///
/// # Errors
/// The reader fails.
pub fn json(reader: Box<dyn Read + Send>, mapping: Mapping) -> Result<Box<dyn Decoder>> {
    Ok(Box::new(json::Reader::new(reader, mapping)?))
}

/// A reader of Cypher, in any of APOC's forms.
///
/// # Errors
/// The reader fails.
pub fn cypher(reader: Box<dyn Read + Send>) -> Result<Box<dyn Decoder>> {
    Ok(Box::new(cypher::Reader::new(reader)?))
}
