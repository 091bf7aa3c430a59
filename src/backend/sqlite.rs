//! The embedded store: a property graph in one SQLite file.
//!
//! It holds everything that the model can say, so it loses nothing, and its layout (`docs/embedded-store.md`) is
//! plain enough to look inside with the `sqlite3` shell. It is the source and target where no server is at hand, and
//! the reference for the conformance suite.
//!
//! What it promises: a snapshot is one read transaction, so a scan is the graph at one instant whoever writes
//! meanwhile; a batch is one write transaction, so after `kill -9` the file holds whole batches; uniqueness, key and
//! existence constraints hold for all that is written through [`open_target`]. What it does not do: run a query
//! language, use the indexes and triggers that it keeps, or check property types; those objects are carried, not
//! obeyed.

mod catalog;
mod change;
mod fault;
mod file;
pub(super) mod ledger;
mod rule;
mod session;
mod source;
mod stored;
mod target;
mod wipe;
mod writer;

use super::{Source, Target};
use crate::error::Result;
use crate::model::Capability;
use crate::model::header::Origin;
use std::path::Path;

pub use wipe::Replaced;

/// Opens an embedded store for reading.
///
/// # Errors
/// [`Unreachable`](crate::ErrorKind::Unreachable) when there is no such file or it cannot be opened,
/// [`Refused`](crate::ErrorKind::Refused) when it is not an embedded store or one of a newer format.
pub fn open_source(path: &Path) -> Result<Box<dyn Source>> {
    Ok(Box::new(source::Reader::open(path)?))
}

/// Opens an embedded store for writing, and creates it if there is no file, or an empty one.
///
/// # Errors
/// As for [`open_source`], but for the missing file; a file that is something else is not touched.
pub fn open_target(path: &Path) -> Result<Box<dyn Target>> {
    Ok(Box::new(target::Store::open(path)?))
}

fn origin(path: &Path) -> Origin {
    Origin {
        product: "sqlite".to_owned(),
        version: file::FORMAT.to_string(),
        edition: String::new(),
        database: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
    }
}

pub(super) fn capability() -> Capability {
    Capability::all("the embedded store")
}
