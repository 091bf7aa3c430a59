//! `backup`: one archive with a timestamp in its name, read back before it gets that name; and which old ones go.
//!
//! A folder, or a prefix in object storage, keeps the backups of a database under `<database>_backup_<time>.tar`. Two runs at once exclude each other by a
//! lock that ends with its process. What is half written has a hidden name, and the next run takes it away; in object storage it has none at all.

pub mod files;
pub mod retention;

use crate::dump::{Options, dump, plan};
use crate::error::{Error, ErrorKind, Result};
use crate::feed::{DumpFeed, Feed};
use crate::filter::Filter;
use crate::format::{Decoder as _, archive};
use crate::model::Header;
use crate::observe::{Event, Watch};
use crate::survey::{Known, survey};
use crate::volume::encryption::{self, Identity, Unlock, Wanted};
use crate::volume::{Input, Output, Seal};
use crate::write::Written;
pub use files::{Backup, Holding, Lock};
pub use retention::Policy;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How a backup is taken.
pub struct How {
    /// How the archive is written.
    pub options: Options,
    /// The most bytes of a part; one file where it is not given.
    pub split: Option<u64>,
    /// To whom it is encrypted.
    pub seal: Option<Seal>,
    /// What opens it again, to read it back; without, an encrypted backup can only be compared byte by byte.
    pub unlock: Arc<dyn Fn(Wanted) -> Result<Vec<Identity>> + Send + Sync>,
    /// Whether there is an identity for that.
    pub can_open: bool,
}

/// A backup that was taken.
#[derive(Debug)]
pub struct Taken {
    /// Where it is; the first part's path if there are several.
    pub path: PathBuf,
    /// What was written.
    pub written: Written,
    /// Whether it was read back; otherwise it was encrypted for others, and only what is on the disk was compared.
    pub was_read: bool,
    /// How long that took: after the source was read to its end; in object storage, where it is read while it is sent, all of that time.
    pub proof: Duration,
}

/// Takes a backup into a folder whose [`Lock`] is held. It has its name only when it was read back to its end.
///
/// # Errors
/// The source or the disk fails, or what was written is not what is read: then there is no such backup.
pub fn take(feed: &mut dyn Feed, lock: &Lock, how: How, watch: Watch<'_>) -> Result<Taken> {
    let How { options, split, seal, unlock, can_open } = how;
    lock.remove_leftovers()?;
    let base = lock.new_name(seal.is_some())?;
    let output = Output::create_split(&base, false, split)?;
    let was_read = seal.is_none() || can_open;
    let known = Known { header: feed.header().clone(), schema: feed.schema().clone(), ..Known::default() };
    let plan = plan(&known, &options)?;
    // What the check finds is told by the error; that it ran at all, and for how long, is told here.
    let ran = Arc::new(Mutex::new(None));
    let told = Arc::clone(&ran);
    let name = base.display().to_string();
    let stop = watch.stop.clone();
    let held = lock.holding();
    let output = output.checked(Box::new(move |bytes| {
        let since = Instant::now();
        if was_read {
            let silent = crate::observe::Silent;
            let watch = Watch { stop: &stop, observer: &silent };
            read_back(&name, bytes, &*unlock, watch)?;
        } else {
            encryption::pass_over(bytes)?;
        }
        *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(since.elapsed());
        held.check()
    }))?;
    let output = match &seal {
        Some(seal) => output.sealed(seal)?,
        None => output,
    };
    let written = dump(feed, output, &options, plan, watch)?;
    let Some(proof) = *ran.lock().unwrap_or_else(PoisonError::into_inner) else {
        return Err(Error::failed("the backup was not read back"));
    };
    let path = if split.is_some() { files::first_part(&base) } else { base };
    Ok(Taken { path, written, was_read, proof })
}

/// Reads a backup to its end as a restore would: checksums, counts, the digest, ids and ends.
///
/// # Errors
/// It is damaged; or the database changed while it was read, so that ends are missing.
pub fn read_back(name: &str, bytes: impl Read + Send + 'static, unlock: Unlock<'_>, watch: Watch<'_>) -> Result<Known> {
    let input = Input::from_reader_with(name, bytes, None, unlock)?;
    let decoder = archive::decoder(Box::new(input)).map_err(|error| error.in_file(name))?;
    let mut feed = DumpFeed::new(decoder, name, Filter::default());
    survey(&mut feed, watch)
}

/// What can be told of a backup by its beginning.
pub enum Head {
    /// It is an archive.
    Known(Box<Header>),
    /// It is encrypted, and there is nothing that opens it.
    Sealed,
    /// It is damaged, or something else.
    Unknown,
}

/// Looks at the beginning of a backup.
#[must_use]
pub fn head(path: &Path, unlock: Unlock<'_>) -> Head {
    let input = match Input::open_with(&path.to_string_lossy(), unlock) {
        Ok(input) => input,
        Err(error) if error.kind() == ErrorKind::Refused => return Head::Sealed,
        Err(_) => return Head::Unknown,
    };
    match archive::open(Box::new(input)) {
        Ok(reader) => Head::Known(Box::new(reader.header().clone())),
        Err(_) => Head::Unknown,
    }
}

/// Removes what a policy does not keep: backups of the same database that this program made. The newest always stays, and one that is
/// damaged or tells of another database is not touched. An encrypted one that cannot be opened is gone by its name. Gives what was removed.
///
/// # Errors
/// The folder cannot be read, a file cannot be removed, or the lock was taken over by somebody else.
pub fn prune(
    lock: &Lock,
    policy: &Policy,
    header: &Header,
    unlock: Unlock<'_>,
    watch: Watch<'_>,
) -> Result<Vec<PathBuf>> {
    let ours = |backup: &Backup| {
        match head(&backup.path, unlock) {
            Head::Known(found) => {
                (&found.source.product, &found.source.database) == (&header.source.product, &header.source.database)
            }
            // Its name is all that can be gone by.
            Head::Sealed => true,
            Head::Unknown => {
                let path = backup.path.display();
                watch.tell(&Event::Warning(&format!("{path} is left alone: it is no archive, or a damaged one")));
                false
            }
        }
    };
    if policy.keeps_all() {
        return Ok(Vec::new());
    }
    let backups: Vec<Backup> = lock.backups()?.into_iter().filter(ours).collect();
    let times: Vec<_> = backups.iter().map(|backup| backup.taken).collect();
    let kept = retention::kept(policy, &times);
    let mut removed = Vec::new();
    for (_, backup) in backups.into_iter().enumerate().filter(|(at, _)| !kept.contains(at)) {
        watch.stop.check()?;
        // Nobody else may be counting what is left.
        lock.holding().check()?;
        backup.remove()?;
        removed.push(backup.path);
    }
    Ok(removed)
}
