//! The backup: CREATE SNAPSHOT, LOCK DATA DIRECTORY, copy, UNLOCK DATA DIRECTORY, then a look at every copy.
//!
//! What is copied is checked after the unlocking, so that the directory is locked as briefly as can be, and before the archive gets its name. A
//! damaged snapshot that was made for the backup leaves no archive; an older file that is damaged is told, and the archive says so.

use super::archive::Writing;
use super::contents::{extract, fresh, last_part, walk};
use super::hold::{Lock, Note};
use super::manifest::{FORMAT, Manifest, Member, SCHEMA, VERSION};
use crate::backend::access::Access;
use crate::backend::memgraph::DataDirectory;
use crate::backend::memgraph_files;
use crate::backend::url::{Location, Server};
use crate::dump;
use crate::error::{Error, Result};
use crate::feed::{Feed as _, SnapshotFeed};
use crate::filter::{Choice, Filter, Section};
use crate::format::{EncoderOptions, Format};
use crate::observe::{Event, Watch};
use crate::survey::Known;
use crate::volume::{Compression, Output};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// What is to be backed up.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The server.
    pub server: &'a Server,
    /// How to log in.
    pub access: &'a Access,
    /// Its data directory, as this machine sees it.
    pub directory: &'a Path,
    /// The archive.
    pub archive: &'a Path,
    /// Replace an archive that is there.
    pub force: bool,
    /// Leave snapshots out that are older than the one that is made now.
    pub newest: bool,
}

/// A backup that was made.
#[derive(Clone, Debug)]
#[must_use]
pub struct Created {
    /// What is in it.
    pub manifest: Manifest,
    /// What could not be read of older files, or what is wrong otherwise: the backup is not all that it could be.
    pub problems: Vec<String>,
}

/// The time, in whole seconds.
pub(super) fn now() -> String {
    let now = jiff::Timestamp::now();
    now.round(jiff::Unit::Second).unwrap_or(now).to_string()
}

/// Makes a backup. The data directory is not locked any more when this returns, unless the error says so.
///
/// # Errors
/// [`Refused`](crate::ErrorKind::Refused) when the archive exists or somebody else holds the lock; [`Usage`](crate::ErrorKind::Usage) when the
/// directory is not the server's; else what the server or the file system says. No archive is left behind then.
pub fn create(wish: &Wish<'_>, watch: Watch<'_>) -> Result<Created> {
    let began = now();
    let directory = wish.directory;
    if !memgraph_files::PARTS.iter().any(|part| directory.join(part).is_dir()) {
        return Err(Error::usage(format!("{} is no data directory of Memgraph", directory.display()))
            .hint("it has a folder snapshots or wal; name it as this machine sees it"));
    }
    let mut archive = Writing::create(wish.archive, wish.force)?;
    let mut note = Note::take(directory, wish.archive)?;
    let mut server = DataDirectory::open(wish.server, wish.access)?;
    let url = Location::Bolt(wish.server.clone()).to_string();
    note.settle(&mut server, watch)?;
    watch.tell(&Event::Step { what: "reading the schema", total: None });
    let schema = schema(wish, watch)?;
    let before = memgraph_files::files(directory)?;
    watch.stop.check()?;
    watch.tell(&Event::Step { what: "making a snapshot", total: None });
    let answer = server.create_snapshot()?;
    watch.stop.check()?;
    let lock = Lock::take(&mut server, &mut note, &url, directory, watch)?;
    let copied = copy(&mut archive, wish, &before, answer.as_deref(), &schema, watch);
    let mut problems = Vec::new();
    let (snapshot, is_locked) = match copied {
        Err(error) => return Err(lock.release_after(error)),
        Ok(snapshot) => (snapshot, lock.release()),
    };
    match is_locked {
        Ok(true) => {}
        Ok(false) => problems.push("somebody unlocked the data directory while it was copied".to_owned()),
        // The copy is whole all the same, and maybe the last one that there will be.
        Err(error) => problems.push(error.report()),
    }
    let ended = now();
    let folder = tempfile::tempdir_in(parent(wish.archive));
    let folder = folder.map_err(|cause| Error::io("creating a temporary folder", cause))?;
    look(&mut archive, &snapshot, folder.path(), &mut problems, watch)?;
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        version: VERSION,
        tool: format!("graphferry {}", env!("CARGO_PKG_VERSION")),
        source: server.origin().clone(),
        began,
        ended,
        snapshot,
        members: archive.members.clone(),
        schema: SCHEMA.to_owned(),
    };
    archive.finish(&manifest, seconds(std::time::SystemTime::now()))?;
    Ok(Created { manifest, problems })
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn seconds(time: std::time::SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The schema of the server, as a JSONL dump without data.
fn schema(wish: &Wish<'_>, watch: Watch<'_>) -> Result<Vec<u8>> {
    let mut source = crate::backend::open_source(&Location::Bolt(wish.server.clone()), wish.access)?;
    let origin = source.origin().clone();
    let sections = [Section::PreData, Section::PostData].into_iter().collect();
    let filter = Filter::from(Choice { sections, ..Choice::default() });
    let mut feed = SnapshotFeed::new(source.snapshot(None)?, origin, filter)?;
    let options = dump::Options {
        format: Format::Jsonl,
        encoder: EncoderOptions::default(),
        compression: Compression::None,
        jobs: 1,
        allow_loss: Default::default(),
    };
    let known = Known { header: feed.header().clone(), schema: feed.schema().clone(), ..Known::default() };
    let plan = dump::plan(&known, &options)?;
    let folder = tempfile::tempdir().map_err(|cause| Error::io("creating a temporary folder", cause))?;
    let path = folder.path().join("schema.jsonl");
    let written = dump::dump(&mut feed, Output::create(&path, false)?, &options, plan, watch)?;
    if written.end.changed == Some(true) {
        watch.tell(&Event::Warning("the schema changed while it was read"));
    }
    std::fs::read(&path).map_err(|cause| Error::io(format!("reading {}", path.display()), cause))
}

/// Copies what there is; gives the member's path of the snapshot that was made.
fn copy(
    archive: &mut Writing,
    wish: &Wish<'_>,
    before: &[PathBuf],
    answer: Option<&str>,
    schema: &[u8],
    watch: Watch<'_>,
) -> Result<String> {
    let files = memgraph_files::files(wish.directory)?;
    let snapshot = made(&files, before, answer, wish.directory)?;
    for path in files {
        let name = member_name(&path)?;
        let is_older = name.starts_with("snapshots/") && name < snapshot;
        if wish.newest && is_older {
            continue;
        }
        watch.tell(&Event::Step { what: &format!("copying {name}"), total: None });
        let place = path.display().to_string();
        let reading = |cause| Error::io(format!("reading {place}"), cause);
        let file = File::open(&path).map_err(reading)?;
        let about = file.metadata().map_err(reading)?;
        let time = about.modified().map_or(0, seconds);
        // A log grows while it is copied: what it was when it was opened is enough.
        let mut content = file.take(about.len());
        archive.append(&format!("{name}.zst"), &mut content, &place, time, watch.stop)?;
        if content.limit() > 0 {
            return Err(Error::failed(format!("{place} became shorter while it was copied")));
        }
    }
    let time = seconds(std::time::SystemTime::now());
    archive.append(SCHEMA, &mut &*schema, "the schema", time, watch.stop)?;
    Ok(snapshot)
}

/// `snapshots/NAME` or `wal/NAME`.
fn member_name(path: &Path) -> Result<String> {
    let mut parts = path.iter().rev().filter_map(|part| part.to_str());
    match (parts.next(), parts.next()) {
        (Some(name), Some(folder)) => Ok(format!("{folder}/{name}")),
        _ => Err(Error::failed(format!("{} has a name that is not text", path.display()))),
    }
}

/// Which of the files is the snapshot that the server has just made: the proof that the directory is the server's.
fn made(files: &[PathBuf], before: &[PathBuf], answer: Option<&str>, directory: &Path) -> Result<String> {
    let names = files.iter().map(|path| member_name(path)).collect::<Result<Vec<_>>>()?;
    let found = match answer {
        Some(answer) => names.into_iter().find(|name| *name == format!("snapshots/{}", last_part(answer))),
        None => {
            let before = before.iter().map(|path| member_name(path)).collect::<Result<Vec<_>>>()?;
            names.into_iter().rfind(|name| name.starts_with("snapshots/") && !before.contains(name))
        }
    };
    found.ok_or_else(|| {
        let what = answer.unwrap_or("a snapshot");
        Error::usage(format!("the server made {what}, which is not in {}", directory.display()))
            .hint("--data-dir is the server's own data directory as this machine sees it, such as the volume of its container")
    })
}

/// Reads every copy to its end, and notes what is in it.
fn look(
    archive: &mut Writing,
    snapshot: &str,
    folder: &Path,
    problems: &mut Vec<String>,
    watch: Watch<'_>,
) -> Result<()> {
    let places = walk(archive.file()?, "the archive")?;
    for (place, mut member) in places.iter().zip(std::mem::take(&mut archive.members)) {
        watch.tell(&Event::Step { what: &format!("checking {}", member.path()), total: None });
        let path = folder.join(last_part(member.path()));
        let found = extract(archive.file()?, place, "the archive", member.size, &mut fresh(&path)?, watch)?;
        if found.blake3 != member.blake3 || place.name != member.name {
            return Err(Error::failed(format!("{} does not read as it was written", member.name)));
        }
        if let Some(content) = memgraph_files::check_file(&path)? {
            note(&mut member, content, snapshot, problems)?;
        } else if member.name != SCHEMA {
            return Err(Error::corrupt(format!("{} is neither a snapshot nor a log", member.path())));
        }
        std::fs::remove_file(&path).map_err(|cause| Error::io(format!("removing {}", path.display()), cause))?;
        archive.members.push(member);
    }
    Ok(())
}

fn note(
    member: &mut Member,
    content: memgraph_files::Checked,
    snapshot: &str,
    problems: &mut Vec<String>,
) -> Result<()> {
    if member.path() == snapshot && !content.problems.is_empty() {
        return Err(Error::corrupt(format!(
            "the snapshot that was made for the backup is damaged: {}",
            content.problems.join("; ")
        )));
    }
    member.format = Some(content.version);
    member.timestamp = content.timestamp;
    member.counts = Some(content.counts);
    problems.extend(content.problems.iter().map(|problem| format!("{}: {problem}", member.path())));
    member.problems = content.problems;
    Ok(())
}
