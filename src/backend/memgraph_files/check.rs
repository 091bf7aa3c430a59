//! Every file of a data directory, one after the other: what it is, what is in it, and whether it can be read.

use super::bytes::Opened;
use super::folder::{self, Sort};
use super::log::Log;
use super::snapshot::Snapshot;
use super::{Options, version};
use crate::error::Result;
use crate::model::Schema;
use std::path::{Path, PathBuf};

/// One file.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// Where it is.
    pub path: PathBuf,
    /// `snapshot` or `log`.
    pub sort: &'static str,
    /// The version of its format, known or not.
    pub version: u64,
    /// The last transaction in it; `None` where it has none or cannot be read.
    pub timestamp: Option<u64>,
    /// Nodes and relationships of a snapshot, transactions and changes of a log.
    pub counts: (u64, u64),
    /// The storage that it belongs to; empty where it cannot be read.
    pub uuid: String,
    /// The schema that a snapshot holds.
    pub schema: Schema,
    /// Whether a snapshot was written with properties on relationships; `None` for a log.
    pub edge_properties: Option<bool>,
    /// What is wrong with it; empty where all of it can be read.
    pub problems: Vec<String>,
    /// What is worth knowing and no problem: that a log was being written.
    pub notes: Vec<String>,
}

/// Reads every snapshot and log that a path has, to the end. Files that are neither are left out.
///
/// # Errors
/// There is no such path, or a folder cannot be read. What is wrong with a file is told with the file.
pub fn check(path: &Path) -> Result<Vec<Checked>> {
    let mut paths = vec![path.to_owned()];
    if path.is_dir() {
        paths = folder::files(&path.join("snapshots"))?;
        paths.extend(folder::files(&path.join("wal"))?);
    }
    let mut checked = Vec::new();
    for path in paths {
        checked.extend(check_file(&path)?);
    }
    Ok(checked)
}

/// Reads one file to its end; `None` where it is neither a snapshot nor a log.
///
/// # Errors
/// There is no such file. What is wrong with it is told with it.
pub fn check_file(path: &Path) -> Result<Option<Checked>> {
    let (file, sort) = folder::open(path)?;
    Ok((sort != Sort::Other).then(|| one(path.to_owned(), file, sort)))
}

fn one(path: PathBuf, file: Opened, sort: Sort) -> Checked {
    let version = file.from(4).raw().unwrap_or(0);
    let name = if sort == Sort::Snapshot { "snapshot" } else { "log" };
    let mut checked = Checked {
        path,
        sort: name,
        version,
        timestamp: None,
        counts: (0, 0),
        uuid: String::new(),
        schema: Schema::default(),
        edge_properties: None,
        problems: Vec::new(),
        notes: Vec::new(),
    };
    let Ok(meaning) = Options::default().meaning() else { return checked };
    if sort == Sort::Snapshot {
        match Snapshot::open(file, &meaning) {
            Ok(snapshot) => {
                checked.timestamp = Some(snapshot.timestamp);
                checked.counts = (snapshot.extent.nodes, snapshot.extent.out);
                checked.schema = snapshot.catalog.schema(&meaning.zone);
                checked.edge_properties = Some(snapshot.relationships.is_some());
                checked.uuid = snapshot.uuid;
                checked.problems = snapshot.damage;
            }
            Err(error) => checked.problems.push(error.report()),
        }
    } else {
        match Log::open(file, &meaning) {
            Ok(log) => {
                checked.timestamp = log.span.map(|(_, last)| last);
                checked.counts = (log.transactions, log.deltas);
                let is_unfinished = log.is_unfinished();
                match log.damage {
                    Some(damage) if is_unfinished => checked.notes.push(folder::unfinished(&damage)),
                    damage => checked.problems.extend(damage.map(|damage| damage.what)),
                }
                checked.uuid = log.uuid;
            }
            Err(error) => checked.problems.push(error.report()),
        }
    }
    checked
}

impl Checked {
    /// Whether a release that reads formats up to `newest` can read it: the reason where it cannot.
    #[must_use]
    pub fn obstacle(&self, newest: u64) -> Option<String> {
        if self.version > newest {
            return Some(format!(
                "its format {} is of Memgraph {}, and the newest that the release reads is {newest}",
                self.version,
                version::releases(self.version)
            ));
        }
        (self.version < version::OLDEST).then(|| format!("its format {} is older than all that is read", self.version))
    }
}
