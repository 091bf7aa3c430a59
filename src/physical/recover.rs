//! An archive into a running server: RECOVER SNAPSHOT, and what it loses put back.
//!
//! RECOVER SNAPSHOT takes one snapshot and no logs: what the archive's logs hold beyond it is told and not restored.

use super::contents::{Archive, fresh, last_part};
use super::mend::{Mending, mend};
use crate::backend::access::Access;
use crate::backend::memgraph::DataDirectory;
use crate::backend::url::{Location, Server};
use crate::backend::{memgraph_files, open_target};
use crate::error::{Error, Result};
use crate::observe::{Event, Watch};
use std::path::Path;

/// What was done.
#[derive(Clone, Debug)]
#[must_use]
pub struct Recovered {
    /// Nodes and relationships that the server counts now.
    pub counts: (u64, u64),
    /// What was put back.
    pub mending: Mending,
    /// What is not as it should be.
    pub problems: Vec<String>,
}

/// Replaces the graph of a server by that of the archive's snapshot. `force` says that a graph which is there may be dropped.
///
/// # Errors
/// The archive is damaged, `directory` is not the server's, or the server refuses; then nothing is changed. What fails after the recovery is told as a problem.
pub fn recover(
    archive: &mut Archive,
    (server, access): (&Server, &Access),
    directory: &Path,
    force: bool,
    watch: Watch<'_>,
) -> Result<Recovered> {
    let member = archive.manifest().newest().cloned();
    let member = member.ok_or_else(|| Error::corrupt("the archive has no snapshot that was made for it"))?;
    let schema = archive.schema()?;
    let mut problems: Vec<String> = archive
        .manifest()
        .later()
        .map(|log| format!("{} has later transactions, which are not restored", log.path()))
        .collect();
    let mut keeper = DataDirectory::open(server, access)?;
    let inside = keeper.path()?;
    let folder = tempfile::Builder::new().prefix(".graphferry-restore-").tempdir_in(directory);
    let folder = folder.map_err(|cause| Error::io(format!("creating a folder in {}", directory.display()), cause))?;
    let name = last_part(member.path()).to_owned();
    let path = folder.path().join(&name);
    watch.tell(&Event::Step { what: "unpacking the snapshot", total: None });
    let mut file = fresh(&path)?;
    archive.extract(&member, &mut file, watch)?;
    file.sync_all().map_err(|cause| Error::io(format!("writing {}", path.display()), cause))?;
    let found = memgraph_files::check_file(&path)?.filter(|found| found.problems.is_empty());
    let found = found.ok_or_else(|| Error::corrupt(format!("{} is damaged", member.path())))?;
    let _ = readable(folder.path(), &path, directory);
    let staged = folder.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    watch.stop.check()?;
    watch.tell(&Event::Step { what: "recovering", total: None });
    keeper.recover(&format!("{}/{staged}/{name}", inside.trim_end_matches('/')), force)?;
    let counts = keeper.counts()?;
    if counts != found.counts {
        // Memgraph has been seen to come up empty from a snapshot that it could not read, without an error.
        return Err(Error::failed(format!(
            "the server holds {} nodes and {} relationships after the recovery, and the snapshot {} and {}",
            counts.0, counts.1, found.counts.0, found.counts.1
        ))
        .hint("its log says why; what it held before is in the folders .old of its data directory"));
    }
    let mending = put_back(&schema, server, access, true, &mut problems)?;
    Ok(Recovered { counts, mending, problems })
}

/// Puts back what is lost when a server is started from files: call it once after the first start.
///
/// # Errors
/// [`Refused`](crate::ErrorKind::Refused) when the server does not hold the archive's graph; else what the server says.
pub fn complete(archive: &mut Archive, server: &Server, access: &Access) -> Result<Recovered> {
    let schema = archive.schema()?;
    let counts = DataDirectory::open(server, access)?.counts()?;
    let manifest = archive.manifest();
    let wanted = manifest.newest().and_then(|member| member.counts);
    if manifest.later().next().is_none() && wanted != Some(counts) {
        let wanted = wanted.unwrap_or_default();
        return Err(Error::refused(format!(
            "the server holds {} nodes and {} relationships, and the archive {} and {}",
            counts.0, counts.1, wanted.0, wanted.1
        ))
        .hint("this is for the server that was started from this archive, before anything is written to it"));
    }
    let mut problems = Vec::new();
    let mending = put_back(&schema, server, access, false, &mut problems)?;
    Ok(Recovered { counts, mending, problems })
}

fn put_back(
    schema: &crate::model::Schema,
    server: &Server,
    access: &Access,
    replaced: bool,
    problems: &mut Vec<String>,
) -> Result<Mending> {
    let mut target = open_target(&Location::Bolt(server.clone()), access)?;
    let mending = mend(schema, &target.facts()?.schema, replaced);
    let mut step = |what: &str, object: &crate::model::SchemaObject, done: Result<()>| {
        if let Err(error) = done {
            problems.push(format!("the {} could not be {what}: {}", object.describe(), error.report()));
        }
    };
    for object in &mending.remove {
        step("removed", object, target.remove(object));
    }
    for object in &mending.create {
        step("created", object, target.apply(object));
    }
    problems.extend(mending.extra.iter().map(|object| format!("the server has the {} besides", object.describe())));
    Ok(mending)
}

/// The server's user has to read it, who is the owner of the data directory as a rule.
#[cfg(unix)]
fn readable(folder: &Path, file: &Path, directory: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let about = std::fs::metadata(directory)?;
    chown(file, Some(about.uid()), Some(about.gid()))?;
    chown(folder, Some(about.uid()), Some(about.gid()))
}

#[cfg(not(unix))]
fn readable(_: &Path, _: &Path, _: &Path) -> std::io::Result<()> {
    Ok(())
}
