//! What a SOURCE, TARGET, A or B means: a database or a dump.

use super::{Context, config::Config, keys, spool};
use crate::backend::Target;
use crate::backend::url::Location;
use crate::error::{Error, Result};
use crate::feed::{DumpFeed, Feed, SnapshotFeed, Taken};
use crate::filter::Filter;
use crate::format::DecoderOptions;
use crate::model::Consistency;
use crate::observe::{Event, Observer as _};
use crate::volume::Input;
use clap::{Args, ValueEnum};
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

/// How a Memgraph server is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Via {
    /// Nodes and relationships as they are, the schema from the server's lists
    #[default]
    Rows,
    /// The statements of DUMP DATABASE, with what Memgraph itself loses in them
    Dump,
}

/// The option of the verbs that read a database.
#[derive(Args, Clone)]
#[group(skip)]
pub(super) struct Reading {
    /// How a Memgraph server is read; dump is for one whose lists of the schema are not understood
    #[arg(long, value_enum, default_value_t = Via::Rows, value_name = "HOW", help_heading = "Access")]
    pub(super) via: Via,
}

/// What is read of a place, and how.
#[derive(Default)]
pub(super) struct How {
    /// What is wanted.
    pub(super) filter: Filter,
    /// What is done about edges whose ends a server without snapshots did not give.
    pub(super) unread: crate::backend::hugegraph::Dangling,
    /// What a database has to promise.
    pub(super) want: Option<Consistency>,
    /// How a Memgraph server is read.
    pub(super) via: Via,
    /// What is said of a dump.
    pub(super) reading: DecoderOptions,
}

/// What Memgraph's own dumps do not tell.
const LOSSES: &str = "DUMP DATABASE writes floats without a fraction as integers, folds the lines of triggers, and before 3.11 leaves out text \
                      indexes on edges: without --via dump they are as they were";

/// The environment variable that names the database where none is given.
const URL: &str = "GRAPHFERRY_URL";

impl Place {
    /// Reads a word of the command line, which may be the name of an endpoint; without one, `$GRAPHFERRY_URL`, else `graph.db`.
    pub(super) fn parse(word: Option<&str>) -> Result<Self> {
        let default = || std::env::var(URL).unwrap_or_else(|_| "graph.db".to_owned());
        let word = word.map_or_else(default, str::to_owned);
        if let Some(location) = Config::load()?.named(&word)? {
            return Ok(Self::Database(location));
        }
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
        how: How,
        context: &Context,
        then: impl FnOnce(&mut dyn Feed) -> Result<T>,
    ) -> Result<T> {
        let How { filter, unread, want, via, reading } = how;
        match self {
            Self::Dump(name) => then(&mut open_known(name, filter, &reading)?),
            Self::Database(location @ Location::Bolt(_)) if via == Via::Dump => {
                let access = context.access.resolve(location, side)?;
                let (file, origin, promise) = spool::own_dump(location, &access, want)?;
                let path = file.path().to_string_lossy().into_owned();
                let feed = open_known(&path, filter, &DecoderOptions::default())?;
                then(&mut feed.from_server(&location.to_string(), origin, promise, LOSSES))
            }
            Self::Database(location) => {
                let mut access = context.access.resolve(location, side)?;
                access.hugegraph.dangling = unread;
                let mut source = crate::backend::open_source(location, &access)?;
                let origin = source.origin().clone();
                let snapshot = source.snapshot(want)?;
                for note in snapshot.warnings() {
                    context.progress.event(&Event::Warning(&note));
                }
                for missing in snapshot.missing() {
                    context.progress.event(&Event::Missing(&missing));
                }
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

/// The files of a folder.
struct Listed(std::path::PathBuf);

impl crate::format::Files for Listed {
    fn open(&self, name: &str) -> Result<Box<dyn std::io::Read + Send>> {
        Ok(Box::new(keys::open(&self.0.join(name).to_string_lossy())?))
    }

    fn names(&self) -> Result<Vec<String>> {
        crate::volume::folder::names(&self.0)
    }

    fn seek(&self, name: &str) -> Result<Box<dyn crate::format::Seekable>> {
        let file =
            std::fs::File::open(self.0.join(name)).map_err(|cause| Error::io(format!("opening {name}"), cause))?;
        Ok(Box::new(file))
    }

    fn modified(&self, name: &str) -> Option<std::time::SystemTime> {
        self.0.join(name).metadata().and_then(|about| about.modified()).ok()
    }

    fn names_in(&self, folder: &str) -> Result<Vec<String>> {
        crate::volume::folder::names(&self.0.join(folder))
    }
}

/// A dump, a file or a folder, that is read from its start; what earlier readings of it found out is known, and what this one finds out is kept there.
pub(super) fn open_dump(name: &str, filter: Filter, reading: &DecoderOptions) -> Result<DumpFeed> {
    if std::path::Path::new(name).is_dir() {
        let reading = DecoderOptions { skip_dangling: filter.skips_dangling(), ..reading.clone() };
        let decoder = crate::format::folder_decoder(Box::new(Listed(name.into())), &reading);
        return Ok(DumpFeed::new(decoder.map_err(|error| error.in_file(name))?, name, filter));
    }
    if reading.csv.is_some() {
        return Err(Error::usage(format!("{name} is not a folder"))
            .hint("with --nodes and --relationships, name the folder from which their files are named"));
    }
    let input = Box::new(keys::open(name)?);
    let taken = Taken { bytes: input.taken.clone(), size: input.size };
    let decoder = crate::format::decoder_with(input, reading).map_err(|error| error.in_file(name))?;
    Ok(DumpFeed::new(decoder, name, filter).counting(taken))
}

/// A dump that is read once for good. A file whose end says how its beginning is to be read is looked through before.
fn open_known(name: &str, filter: Filter, reading: &DecoderOptions) -> Result<DumpFeed> {
    if !std::path::Path::new(name).is_dir() && Input::can_reopen(name)? {
        let input = Box::new(keys::open(name)?);
        let mut decoder = crate::format::decoder_with(input, reading).map_err(|error| error.in_file(name))?;
        // One of Memgraph's own: it has no tool's name in its header, for it has no header.
        let foreign = decoder.header().tool.is_empty() && decoder.header().source.product == "memgraph";
        while foreign && decoder.next().map_err(|error| error.in_file(name))?.is_some() {}
    }
    open_dump(name, filter, reading)
}

/// Whether a file is an SQLite database, whatever it is called.
fn is_store(name: &str) -> bool {
    let mut magic = [0; 16];
    let read = std::fs::File::open(name).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && &magic == b"SQLite format 3\0"
}
