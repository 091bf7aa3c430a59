//! Which files of a data directory make its graph, and what their logs do to the snapshot.
//!
//! Only regular files are opened, and only those that lie in `snapshots` and `wal` themselves: no symbolic link is followed there.

use super::Options;
use super::bytes::Opened;
use super::catalog::Catalog;
use super::delta::Delta;
use super::log::{Damage, Log};
use super::overlay::Overlay;
use super::snapshot::{About, Snapshot};
use super::value::Meaning;
use crate::error::{Error, ErrorKind, Result};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// What a file says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Snapshot,
    Log,
    Other,
}

/// A graph that was found.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub(super) snapshot: Option<Snapshot>,
    pub(super) catalog: Catalog,
    pub(super) overlay: Overlay,
    /// The format versions of the files that were used.
    pub(super) formats: Vec<u64>,
    /// Files that could not be read, or not to their end.
    pub(super) missing: Vec<String>,
    /// What else the user should know.
    pub(super) notes: Vec<String>,
}

/// Opens a regular file and looks at its first bytes.
pub(super) fn open(path: &Path) -> Result<(Opened, Sort)> {
    let name = path.display().to_string();
    let opening = |cause| Error::unreachable(format!("{name} cannot be opened")).caused_by(cause);
    // A pipe would block in open.
    if !std::fs::metadata(path).map_err(opening)?.is_file() {
        return Err(Error::usage(format!("{name} is no regular file")));
    }
    let mut file = File::open(path).map_err(opening)?;
    let mut first = Vec::new();
    file.by_ref().take(4).read_to_end(&mut first).map_err(|cause| Error::io(format!("reading {name}"), cause))?;
    let sort = match first.as_slice() {
        b"MGsn" => Sort::Snapshot,
        b"MGwl" => Sort::Log,
        _ => Sort::Other,
    };
    Ok((Opened::new(file, &name)?, sort))
}

/// The regular files in a folder, by name; none where there is no such folder.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let reading = |cause| Error::io(format!("reading {}", folder.display()), cause);
    match std::fs::symlink_metadata(folder) {
        Ok(about) if about.is_dir() => {}
        _ => return Ok(Vec::new()),
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(reading)? {
        let entry = entry.map_err(reading)?;
        // The type of the entry itself: a symbolic link is none of both.
        if entry.file_type().map_err(reading)?.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a path is a data directory.
pub(super) fn is_data_directory(path: &Path) -> bool {
    ["snapshots", "wal"].into_iter().any(|part| path.join(part).is_dir())
}

/// Finds the graph that a path means.
pub(super) fn load(path: &Path, options: &Options, meaning: &Meaning) -> Result<Loaded> {
    let mut loaded = Loaded::default();
    if path.is_dir() {
        if !is_data_directory(path) {
            return Err(Error::usage(format!("{} is no data directory of Memgraph", path.display()))
                .hint("it has a folder snapshots or wal; a single snapshot or log may be named as well"));
        }
        let snapshot = choose(path, options, meaning, &mut loaded)?;
        let logs = logs(path, meaning, &mut loaded)?;
        note_databases(path, &mut loaded);
        return assemble(snapshot, logs, options, meaning, loaded);
    }
    let (file, sort) = open(path)?;
    match sort {
        Sort::Snapshot => {
            let snapshot = Snapshot::open(file, meaning)?;
            check_time(&snapshot, options)?;
            assemble(Some(snapshot), Vec::new(), options, meaning, loaded)
        }
        Sort::Log => assemble(None, vec![Log::open(file, meaning)?], options, meaning, loaded),
        Sort::Other => Err(Error::corrupt(format!("{} is neither a snapshot nor a log of Memgraph", path.display()))),
    }
}

fn check_time(snapshot: &Snapshot, options: &Options) -> Result<()> {
    match options.at {
        Some(at) if snapshot.timestamp > at => Err(Error::refused(format!(
            "{} holds transactions up to {}, and the graph at {at} is asked for",
            snapshot.file.name, snapshot.timestamp
        ))),
        _ => Ok(()),
    }
}

fn note_databases(path: &Path, loaded: &mut Loaded) {
    let Ok(entries) = std::fs::read_dir(path.join("databases")) else { return };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) && is_data_directory(&entry.path()) {
            let name = entry.file_name();
            if name != "memgraph" {
                loaded.notes.push(format!("{} is another database: name it to read it", entry.path().display()));
            }
        }
    }
}

/// The newest snapshot that is whole, or the one that was asked for.
fn choose(path: &Path, options: &Options, meaning: &Meaning, loaded: &mut Loaded) -> Result<Option<Snapshot>> {
    if let Some(chosen) = &options.snapshot {
        let inside = path.join("snapshots").join(chosen);
        let is_name = chosen.components().count() == 1;
        let (file, _) = open(if is_name { &inside } else { chosen })?;
        let snapshot = Snapshot::open(file, meaning)?;
        check_time(&snapshot, options)?;
        return Ok(Some(snapshot));
    }
    let mut damaged: Option<Snapshot> = None;
    let mut uuid: Option<String> = None;
    for path in files(&path.join("snapshots"))?.into_iter().rev() {
        let (file, sort) = open(&path)?;
        if sort != Sort::Snapshot {
            continue;
        }
        let about = match About::read(&file) {
            Ok(about) => about,
            Err(error) if error.kind() == ErrorKind::Refused => return Err(error),
            Err(error) => {
                loaded.missing.push(error.report());
                continue;
            }
        };
        if uuid.get_or_insert_with(|| about.uuid.clone()) != &about.uuid {
            loaded.notes.push(format!("{} is of another storage and was not read", path.display()));
            continue;
        }
        if options.at.is_some_and(|at| about.timestamp > at) {
            continue;
        }
        match Snapshot::open(file, meaning) {
            Ok(snapshot) if snapshot.damage.is_empty() => return Ok(Some(snapshot)),
            Ok(snapshot) => {
                loaded.missing.extend(snapshot.damage.iter().cloned());
                damaged.get_or_insert(snapshot);
            }
            Err(error) => loaded.missing.push(error.report()),
        }
    }
    // Better a part of the graph than none of it; what is missing was noted.
    if let Some(snapshot) = &mut damaged {
        snapshot.damage.clear();
    }
    Ok(damaged)
}

fn logs(path: &Path, meaning: &Meaning, loaded: &mut Loaded) -> Result<Vec<Log>> {
    let mut logs = Vec::new();
    for path in files(&path.join("wal"))? {
        let (file, sort) = open(&path)?;
        if sort != Sort::Log {
            continue;
        }
        match Log::open(file, meaning) {
            Ok(log) => logs.push(log),
            Err(error) if error.kind() == ErrorKind::Refused => return Err(error),
            Err(error) => loaded.missing.push(error.report()),
        }
    }
    Ok(logs)
}

fn assemble(
    snapshot: Option<Snapshot>,
    mut logs: Vec<Log>,
    options: &Options,
    meaning: &Meaning,
    mut loaded: Loaded,
) -> Result<Loaded> {
    let uuid = match (&snapshot, logs.last()) {
        (Some(snapshot), _) => snapshot.uuid.clone(),
        (None, Some(log)) => log.uuid.clone(),
        (None, None) => {
            let error = Error::corrupt("there is no snapshot and no log that can be read");
            return Err(match loaded.missing.is_empty() {
                true => error,
                false => error.hint(loaded.missing.join("; ")),
            });
        }
    };
    logs.retain(|log| {
        if log.uuid != uuid {
            loaded.notes.push(format!("{} is of another storage and was not read", log.file.name));
        }
        log.uuid == uuid
    });
    logs.sort_by(|a, b| (a.sequence, a.span, &a.file.name).cmp(&(b.sequence, b.span, &b.file.name)));
    let after = snapshot.as_ref().map(|snapshot| snapshot.timestamp);
    let logs = chain(logs, after, &mut loaded)?;
    if let Some(snapshot) = &snapshot {
        loaded.catalog = snapshot.catalog.clone();
        loaded.missing.extend(snapshot.damage.iter().cloned());
        loaded.formats.push(snapshot.version);
    }
    loaded.overlay.has_base = snapshot.is_some();
    loaded.snapshot = snapshot;
    replay(&logs, after, options, meaning, &mut loaded)?;
    loaded.formats.sort_unstable();
    loaded.formats.dedup();
    Ok(loaded)
}

/// The logs that follow each other without a gap; names those that cannot be used.
fn chain(logs: Vec<Log>, after: Option<u64>, loaded: &mut Loaded) -> Result<Vec<Log>> {
    let mut chain: Vec<Log> = Vec::new();
    let mut broken: Option<String> = None;
    for log in logs {
        if log.undecided > 0 {
            let note = format!("{}: {} prepared and undecided transactions are left out", log.file.name, log.undecided);
            loaded.notes.push(note);
        }
        if let Some(reason) = &broken {
            loaded.missing.push(format!("{} was not read, since {reason}", log.file.name));
            continue;
        }
        match &log.damage {
            Some(damage) if log.is_unfinished() => loaded.notes.push(unfinished(damage)),
            Some(damage) => loaded.missing.push(format!("{}; what is before it was read", damage.what)),
            None => {}
        }
        let Some((first, _)) = log.span else { continue };
        let gap = match chain.last() {
            Some(before) => log.sequence > before.sequence + 1,
            None => log.sequence != 0 && after.is_none_or(|after| first > after),
        };
        if gap {
            let reason = format!("the log before {} is missing", log.file.name);
            if chain.is_empty() && after.is_none() {
                return Err(Error::corrupt(format!("{reason}: it is number {}", log.sequence))
                    .hint("a log alone is a graph only when it is the first; name the data directory"));
            }
            loaded.missing.push(format!("{} was not read, since {reason}", log.file.name));
            broken = Some(reason);
            continue;
        }
        if log.damage.is_some() && !log.is_unfinished() {
            broken = Some(format!("{} is damaged", log.file.name));
        }
        chain.push(log);
    }
    Ok(chain)
}

/// What is said of a log that was being written.
pub(super) fn unfinished(damage: &Damage) -> String {
    format!("{}: the log was being written, and the transaction that is not finished in it is left out", damage.what)
}

fn replay(logs: &[Log], after: Option<u64>, options: &Options, meaning: &Meaning, loaded: &mut Loaded) -> Result<()> {
    let until = options.at.unwrap_or(u64::MAX);
    // Twice: values name enums by position, and what those are called is known only at the end.
    for is_schema in [true, false] {
        let enums = (!is_schema).then(|| loaded.catalog.enums.clone());
        let meaning = Meaning { enums, ..meaning.clone() };
        let mut last = after;
        for log in logs {
            if log.span.is_none_or(|(_, to)| last.is_some_and(|last| to <= last)) {
                continue;
            }
            let Loaded { catalog, overlay, .. } = loaded;
            let vectors = &mut |_: &[String]| Ok(if is_schema { Some(Vec::new()) } else { None });
            let applied = log.replay(&meaning, (last, until), vectors, &mut |delta| match delta {
                Delta::Schema(change) if is_schema => catalog.apply(change),
                Delta::Schema(_) => Ok(()),
                _ if is_schema => Ok(()),
                delta => overlay.apply(delta),
            })?;
            last = applied.or(last);
            if is_schema {
                loaded.formats.push(log.version);
            }
        }
    }
    Ok(())
}
