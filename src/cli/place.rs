//! What a SOURCE, TARGET, A or B means: a database or a dump.

use super::{Context, reading};
use crate::backend::Target;
use crate::backend::url::Location;
use crate::error::{Error, Result};
use crate::feed::{DumpFeed, Feed, SnapshotFeed};
use crate::filter::Filter;
use crate::model::Consistency;
use crate::volume::Input;
use std::io::Read as _;

/// A database or a dump.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// A database.
    Database(Location),
    /// A dump file, or `-` for stdin.
    Dump(String),
}

/// Which side of a copy a place is on: each may have its own password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// What is read, or A.
    Source,
    /// What is written, or B.
    Target,
}

/// The environment variable that names the database where none is given.
const URL: &str = "GRAPHFERRY_URL";

impl Place {
    /// Reads a word of the command line; without one, `$GRAPHFERRY_URL`, else `graph.db`.
    pub(super) fn parse(word: Option<&str>) -> Result<Self> {
        let default = || std::env::var(URL).unwrap_or_else(|_| "graph.db".to_owned());
        let word = word.map_or_else(default, str::to_owned);
        if let Some(location) = Location::parse(&word)? {
            return Ok(Self::Database(location));
        }
        if is_store(&word)
            && let Some(location) = Location::parse(&format!("sqlite:{word}"))?
        {
            return Ok(Self::Database(location));
        }
        Ok(Self::Dump(word))
    }

    /// Like [`Place::parse`], for a place that must be a database.
    pub(super) fn database(word: Option<&str>) -> Result<Location> {
        match Self::parse(word)? {
            Self::Database(location) => Ok(location),
            Self::Dump(name) => Err(Error::usage(format!("{name:?} is not a database"))
                .hint("give a URL such as neo4j://localhost or sqlite:graph.db, or a path that ends in .db")),
        }
    }

    /// Gives the graph of the place, whatever it is, to `then`.
    pub(super) fn read<T>(
        &self,
        side: Side,
        filter: Filter,
        want: Option<Consistency>,
        reading: &reading::Options,
        context: &Context,
        then: impl FnOnce(&mut dyn Feed) -> Result<T>,
    ) -> Result<T> {
        match self {
            Self::Dump(name) => then(&mut open_dump(name, filter, reading)?),
            Self::Database(location) => {
                let mut source = crate::backend::open_source(location, &context.access.resolve(location, side)?)?;
                let origin = source.origin().clone();
                let snapshot = source.snapshot(want)?;
                then(&mut SnapshotFeed::new(snapshot, origin, filter)?)
            }
        }
    }
}

/// A database to write to. For a dry run an empty store in a temporary folder stands in for one that does not exist: it must not be made. The
/// folder is to be kept as long as the target.
pub(super) fn open_target(
    location: &Location,
    dry_run: bool,
    context: &Context,
) -> Result<(Box<dyn Target>, Option<tempfile::TempDir>)> {
    let access = context.access.resolve(location, Side::Target)?;
    match location {
        Location::Sqlite(path) if dry_run && !path.exists() => {
            let folder = tempfile::tempdir().map_err(|cause| Error::io("creating a temporary folder", cause))?;
            let stand_in = Location::Sqlite(folder.path().join("empty.db"));
            Ok((crate::backend::open_target(&stand_in, &access)?, Some(folder)))
        }
        _ => Ok((crate::backend::open_target(location, &access)?, None)),
    }
}

/// A dump file that is read from its start.
pub(super) fn open_dump(name: &str, filter: Filter, reading: &reading::Options) -> Result<DumpFeed> {
    let options = reading.decoder()?;
    let input = Box::new(Input::open(name)?);
    let decoder = crate::format::decoder_with(input, options).map_err(|error| error.in_file(name))?;
    Ok(DumpFeed::new(decoder, name, filter))
}

/// Whether a file is an SQLite database, whatever it is called.
fn is_store(name: &str) -> bool {
    let mut magic = [0; 16];
    let read = std::fs::File::open(name).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && &magic == b"SQLite format 3\0"
}
