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
mod load;
mod manifest;
mod parse;
mod read;
mod rows;
mod scan;
mod table;
mod write;

use super::{Decoder, Files};
use crate::cypher::Dialect;
use crate::error::Result;
use crate::model::Capability;

pub use arguments::Arguments;
pub use load::LoadCsv;
pub use manifest::{ARGUMENTS, LOAD, MANIFEST, SCHEMA, SCRIPT};
pub use write::Csv;

/// The newest version of the format, which the form for `LOAD CSV` has; folders for neo4j-admin are of version 1.
pub const VERSION: u64 = load::VERSION;

/// Who is to load a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Loader {
    /// `neo4j-admin database import full`.
    #[default]
    Admin,
    /// The statement `LOAD CSV` of a system. The prefix stands before the names of the files in the statements; the usual one where it is not given.
    Statements(Dialect, Option<String>),
}

/// What the format can hold for neo4j-admin.
#[must_use]
pub fn capability() -> Capability {
    write::capability()
}

/// What the format can hold for `LOAD CSV` of a system.
///
/// # Errors
/// None today.
pub fn load_capability(dialect: Dialect) -> Result<Capability> {
    load::capability(dialect)
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
    if files.names()?.iter().any(|name| name == MANIFEST) {
        let manifest = manifest::Manifest::parse(&read::whole(&*files, MANIFEST)?)?;
        if manifest.load.is_some() {
            return Ok(Box::new(load::Reader::new(files, manifest)));
        }
    }
    Ok(Box::new(read::Reader::new(files)?))
}

/// Reads the CSV of others in a folder without an `import.args`, by arguments that the user gave.
///
/// # Errors
/// The folder has arguments of its own, or a header is not understood.
pub fn decoder_with(files: Box<dyn Files>, arguments: Arguments) -> Result<Box<dyn Decoder>> {
    Ok(Box::new(read::Reader::with(files, arguments)?))
}
