//! HugeGraph's own words: ids, schema, values and records, as its REST interface and the backups of hugegraph-tools write them.
//!
//! Both speak the same JSON, so that this room is shared by the backend (`hugegraph://`) and the format (`hugegraph`), as `cypher` is by theirs. It
//! knows the model and nothing else: no connection, no file, no verb.
//!
//! How a labelled property graph of HugeGraph looks as blocks:
//!
//! | HugeGraph | here |
//! |---|---|
//! | vertex | a node with the vertex label as its one label |
//! | its id | the property [`ID`], but for a PRIMARY_KEY label, whose ids follow from the properties |
//! | edge | a relationship with the edge label as its type; its id follows from its ends, label and sort keys |
//! | BYTE, INT, LONG | integer |
//! | FLOAT, DOUBLE | float |
//! | TEXT, UUID | string |
//! | BLOB | bytes |
//! | DATE | an instant with the offset 0: HugeGraph keeps milliseconds and writes them as local text of its own zone |
//! | LIST, SET | list |
//! | property key, vertex label, edge label, index label | a schema object of its own kind: [`schema::KINDS`] |
//!
//! The property key tells which type a value has, so that nothing has to be said beside the values.

pub mod id;
pub mod key;
pub mod name;
pub mod plain;
pub mod record;
pub mod schema;
pub mod value;
pub mod zone;

use crate::error::Result;
use crate::model::json::Parser;

pub use id::{Id, Numbers};
pub use schema::Definitions;
pub use zone::Zone;

/// The property that holds a vertex's id. HugeGraph itself refuses property keys that begin with `~`, so that it collides with none.
pub const ID: &str = "~id";

/// Whether what JSON says stays as it is here: no number in it is too large for 64 bits.
///
/// # Errors
/// One is, or the text is no JSON.
pub(crate) fn are_kept(json: &str) -> Result<()> {
    let mut parser = Parser::new(json);
    parser.skip(&mut Vec::new())?;
    parser.end()
}
