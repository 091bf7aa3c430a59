//! An archive into a fresh data directory, from which a server can then be started.
//!
//! Everything is unpacked beside its place, made durable, and read as a graph; only then does the directory get its name. What was there before is moved
//! aside, never deleted.

use super::contents::{Archive, fresh};
use crate::backend::memgraph_files::{self, Options};
use crate::error::{Error, Result};
use crate::observe::{Event, Watch};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Unpacks the snapshots and logs into `directory`, which must not be there or be empty; what else is there goes to `aside` first, where that is given.
/// Gives what the directory holds as a graph, nodes and relationships.
///
/// # Errors
/// [`Refused`](crate::ErrorKind::Refused) when something is in the way, [`Corrupt`](crate::ErrorKind::Corrupt) when the archive is damaged;
/// nothing is changed then.
pub fn unpack(archive: &mut Archive, directory: &Path, aside: Option<&Path>, watch: Watch<'_>) -> Result<(u64, u64)> {
    let name = directory.file_name().ok_or_else(|| Error::usage(format!("{} has no name", directory.display())))?;
    let parent = directory.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if aside.is_none() && !is_free(directory)? {
        return Err(Error::refused(format!("{} is not empty", directory.display()))
            .hint("name a directory that is not there yet"));
    }
    let part =
        tempfile::Builder::new().prefix(&format!(".{}.", name.to_string_lossy())).suffix(".part").tempdir_in(parent);
    let part = part.map_err(|cause| Error::io(format!("creating a folder in {}", parent.display()), cause))?;
    for folder in memgraph_files::PARTS {
        let path = part.path().join(folder);
        fs::create_dir(&path).map_err(|cause| Error::io(format!("creating {}", path.display()), cause))?;
    }
    for member in archive.manifest().members.clone() {
        if !member.is_snapshot() && !member.is_log() {
            continue;
        }
        watch.tell(&Event::Step { what: &format!("unpacking {}", member.path()), total: None });
        let path = part.path().join(member.path());
        let mut file = fresh(&path)?;
        archive.extract(&member, &mut file, watch)?;
        synced(&file, &path)?;
    }
    let folders = memgraph_files::PARTS.map(|folder| part.path().join(folder));
    for folder in folders.iter().map(PathBuf::as_path).chain([part.path()]) {
        folder_synced(folder)?;
    }
    watch.tell(&Event::Step { what: "reading the graph", total: None });
    let counts = read(part.path())?;
    inherit(part.path(), directory);
    if let Some(aside) = aside {
        fs::rename(directory, aside)
            .map_err(|cause| Error::io(format!("moving {} aside", directory.display()), cause))?;
    }
    let path = part.keep();
    fs::rename(&path, directory).map_err(|cause| {
        let _ = fs::remove_dir_all(&path);
        // What was moved aside goes back: nothing is changed then.
        let back = aside.map(|aside| fs::rename(aside, directory));
        let error = Error::io(format!("renaming to {}", directory.display()), cause);
        match (back, aside) {
            (Some(Err(_)), Some(aside)) => error.hint(format!("what was there before is in {}", aside.display())),
            _ => error,
        }
    })?;
    folder_synced(parent)?;
    Ok(counts)
}

/// Whether nothing is there, or an empty folder.
fn is_free(directory: &Path) -> Result<bool> {
    match fs::read_dir(directory) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(cause) => Err(Error::io(format!("reading {}", directory.display()), cause)),
        Ok(mut entries) => Ok(entries.next().is_none()),
    }
}

fn synced(file: &File, path: &Path) -> Result<()> {
    file.sync_all().map_err(|cause| Error::io(format!("writing {}", path.display()), cause))
}

fn folder_synced(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|cause| Error::io(format!("writing {}", path.display()), cause))
}

/// Reads the whole graph, as a server would; what cannot be read is no reason to keep the rest from being restored, but is told.
fn read(directory: &Path) -> Result<(u64, u64)> {
    let mut source = memgraph_files::open_source(directory, &Options::default())?;
    let mut snapshot = source.snapshot(None)?;
    if let Some(missing) = snapshot.missing().first() {
        return Err(Error::corrupt(format!("what was unpacked is not whole: {missing}"))
            .hint("snapshot check tells what is damaged; tar and zstd take the archive apart"));
    }
    Ok(snapshot.estimate()?.unwrap_or_default())
}

/// Gives what was unpacked to the owner of the folder that it replaces, who is the server's user as a rule.
#[cfg(unix)]
fn inherit(part: &Path, directory: &Path) {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let Ok(about) = fs::metadata(directory) else { return };
    let mut paths = vec![part.to_owned()];
    for folder in memgraph_files::PARTS {
        paths.push(part.join(folder));
        paths.extend(fs::read_dir(part.join(folder)).into_iter().flatten().flatten().map(|entry| entry.path()));
    }
    // Only root may; whoever is not is told by the server when it cannot read.
    for path in paths {
        let _ = chown(path, Some(about.uid()), Some(about.gid()));
    }
    let _ = fs::set_permissions(part, about.permissions());
}

#[cfg(not(unix))]
fn inherit(_: &Path, _: &Path) {}

/// Whether a server is at work in a data directory: it holds a lock on the file `.lock`. Only Linux tells; elsewhere nobody is found.
#[must_use]
pub fn is_in_use(directory: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt as _;
        let Ok(about) = fs::metadata(directory.join(".lock")) else { return false };
        let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
        // "1: POSIX  ADVISORY  WRITE 1234 08:01:131 0 EOF"; the device has another spelling on some file systems, so the inode decides.
        let inode = format!(":{}", about.ino());
        locks
            .lines()
            .any(|line| line.split_whitespace().any(|word| word.matches(':').count() == 2 && word.ends_with(&inode)))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = directory;
        false
    }
}
