//! GraphML: written so that others open it and nothing is lost; read as APOC, Gephi, yEd, NetworkX and TinkerPop write it.
//!
//! GraphML knows booleans, numbers and text. What a property graph has beyond that is written as text under a `gf:type` of our own, which other readers pass over:
//! they see the text, this one the value. Labels stand where APOC has them. XML cannot hold some characters at all; a text with one is written as JSON.
//!
//! The module knows XML and the model; docs/format-graphml.md describes the form.

mod item;
mod keys;
mod markup;
mod read;
mod text;
mod told;
mod value;
mod write;

use super::{Decoder, Mapping};
use crate::error::Result;
use std::io::Read;

pub use write::GraphMl;

/// The namespace of what is ours.
const NAMESPACE: &str = "urn:graphferry:graphml";

/// What writes the format.
#[must_use]
pub fn encoder() -> GraphMl {
    GraphMl::default()
}

/// Reads the format. A mapping says what text was something else, where another program wrote it.
///
/// # Errors
/// The reader fails.
pub fn decoder(reader: Box<dyn Read + Send>, mapping: Mapping) -> Result<Box<dyn Decoder>> {
    Ok(Box::new(read::Reader::new(reader, mapping)))
}
