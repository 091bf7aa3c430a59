//! Memgraph's own files as a source: snapshots and write-ahead logs, read without a server.
//!
//! A path is a snapshot, a log, or a data directory: then the newest whole snapshot counts, and what the logs after it changed. Format
//! versions 14 to 37 are known (Memgraph 2.0 to 3.12); others are refused by name. Where the format is from: it was described from the
//! outside for this reader, and proved on files that servers of each version wrote; docs/memgraph-files.md tells what is read.
//!
//! The snapshot is streamed, three times: once to prove that all of it can be read before anything is given away, once for nodes, once for
//! relationships, whose types and ends lie with the nodes and whose properties lie apart. What logs change is kept by id: memory grows
//! with what they touch. No length in a file is believed, no symbolic link inside the directory is followed, and nothing is written.
//!
//! What the files do not hold, and this cannot give: triggers, streams, users and roles, settings.

mod bytes;
mod catalog;
mod check;
mod delta;
mod describe;
mod folder;
mod log;
mod overlay;
mod records;
mod snapshot;
mod sort;
mod source;
pub mod upgrade;
mod value;
pub mod version;

pub use check::{Checked, check, check_file};

use super::Source;
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};
use value::Meaning;

/// What these files do not hold, in words.
pub const ABSENT: &str = "snapshots and logs hold no triggers, streams, users, roles and settings";

/// How files are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The graph as it was after the transaction with this timestamp; the newest where it is not given.
    pub at: Option<u64>,
    /// The snapshot to begin with: a name in the folder `snapshots`, or a path.
    pub snapshot: Option<PathBuf>,
    /// The instance's setting `timezone`, an IANA name: local date-times are stored as instants, and the files do not tell the zone. UTC where
    /// it is not given.
    pub timezone: Option<String>,
}

impl Options {
    fn meaning(&self) -> Result<Meaning> {
        let zone = match &self.timezone {
            None => jiff::tz::TimeZone::UTC,
            Some(name) => jiff::tz::TimeZone::get(name)
                .map_err(|cause| Error::usage(format!("{name:?} is no time zone")).caused_by(cause))?,
        };
        Ok(Meaning { version: 0, zone, enums: None })
    }
}

/// The snapshots and logs of a data directory, in the order of their names: regular files that lie in `snapshots` and `wal` themselves and begin as
/// such files do.
///
/// # Errors
/// A folder cannot be read.
pub fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for part in PARTS {
        for path in folder::files(&directory.join(part))? {
            if folder::open(&path)?.1 != folder::Sort::Other {
                found.push(path);
            }
        }
    }
    Ok(found)
}

/// The folders of a data directory that hold its graph.
pub const PARTS: [&str; 2] = ["snapshots", "wal"];

/// Opens a snapshot, a log or a data directory for reading, and proves that it can be read.
///
/// # Errors
/// [`Unreachable`](crate::ErrorKind::Unreachable) when there is no such path, [`Refused`](crate::ErrorKind::Refused) for a format that is not
/// known, [`Corrupt`](crate::ErrorKind::Corrupt) when nothing can be read. What can be read in part is given, and the snapshot's
/// [`missing`](super::Snapshot::missing) tells the rest.
pub fn open_source(path: &Path, options: &Options) -> Result<Box<dyn Source>> {
    let meaning = options.meaning()?;
    let loaded = folder::load(path, options, &meaning)?;
    Ok(Box::new(source::Files::new(path, loaded, &meaning)))
}
