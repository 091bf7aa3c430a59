//! CSV as `neo4j-admin database import full` takes it: a folder with a pair of header and data files for each set of labels and each type,
//! the arguments of the import, and a script that runs it.
//!
//! `docs/format-csv.md` describes it. The same arguments are read back, whoever wrote them: a folder with an `import.args` is a graph. Text
//! is split here and not by a general CSV reader, since to neo4j-admin a field that is empty is a property that is not there, and one that
//! is `""` is the empty string.
//!
//! The module opens no file: it is given a way to read members, and a place to append to them.

mod arguments;
mod cell;
mod column;
mod head;
mod key;
mod manifest;
mod parse;
mod read;
mod rows;
mod table;
mod write;

use super::{Decoder, Files};
use crate::error::Result;

pub use manifest::{ARGUMENTS, MANIFEST, SCHEMA, SCRIPT};
pub use write::Csv;

/// The version of the format that is written, and the newest that is read.
pub const VERSION: u64 = 1;

/// What the format can hold.
#[must_use]
pub fn capability() -> crate::model::Capability {
    write::capability()
}

/// What writes the format; `allow_loss` leaves out values that no column can hold instead of refusing them.
#[must_use]
pub fn encoder(allow_loss: bool) -> Csv {
    Csv::new(allow_loss)
}

/// Reads a folder: a dump of ours, or CSV of others with an `import.args`.
///
/// # Errors
/// There are no arguments, or they or a header are not understood.
pub fn decoder(files: Box<dyn Files>) -> Result<Box<dyn Decoder>> {
    Ok(Box::new(read::Reader::new(files)?))
}
