//! The lock on a server's data directory, held while files are copied and given back whatever happens.
//!
//! The server's lock has no owner, so ours is written down first: a note beside the data directory (or, where that cannot be written, beside the
//! archive) says who locked and when. The note is locked as a file as long as we live. A note that is there and that nobody holds is of a run that was killed: the next
//! run says so and unlocks. A lock without a note is somebody else's, and is left alone.

use crate::backend::memgraph::DataDirectory;
use crate::error::{Error, Result};
use crate::observe::{Event, Held, Watch};
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Pauses between attempts to unlock, in milliseconds.
const PAUSES: [u64; 8] = [0, 50, 100, 200, 400, 800, 1600, 2000];

/// What a run writes down before it locks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Left {
    tool: String,
    server: String,
    data_directory: PathBuf,
    process: u32,
    since: String,
}

/// The note, held by this run alone.
#[derive(Debug)]
pub(super) struct Note {
    file: File,
    path: PathBuf,
    left: Option<Left>,
}

fn around(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl Note {
    /// Takes the note of a data directory, with what a run that was killed has left in it.
    pub(super) fn take(directory: &Path, archive: &Path) -> Result<Self> {
        let canonical = directory
            .canonicalize()
            .map_err(|cause| Error::unreachable(format!("there is no {}", directory.display())).caused_by(cause))?;
        let name = canonical.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mark = blake3::hash(canonical.as_os_str().as_encoded_bytes()).to_hex();
        let mark = mark.get(..8).unwrap_or_default();
        let name = format!(".{name}.{mark}.graphferry-lock");
        let places = [around(&canonical).join(&name), around(archive).join(&name)];
        // One that is there tells more than one that could be made.
        let mut paths: Vec<&PathBuf> = places.iter().filter(|path| path.exists()).collect();
        paths.extend(&places);
        let mut failure = None;
        for path in paths {
            match File::options().read(true).write(true).create(true).truncate(false).open(path) {
                Ok(file) => return Self::held(file, path),
                Err(cause) => failure = Some(Error::io(format!("creating {}", path.display()), cause)),
            }
        }
        Err(failure.unwrap_or_else(|| Error::failed("there is no place for the note")))
    }

    fn held(mut file: File, path: &Path) -> Result<Self> {
        let about = |cause| Error::io(format!("reading {}", path.display()), cause);
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::refused(format!(
                    "another run is at work on this data directory ({})",
                    path.display()
                ))
                .hint("wait until it has ended"));
            }
            Err(TryLockError::Error(cause)) => return Err(about(cause)),
        }
        let mut text = String::new();
        { &mut file }.take(1 << 16).read_to_string(&mut text).map_err(about)?;
        // An empty note was taken and nothing was locked yet; one that cannot be read is a note all the same.
        let unknown = || Left {
            tool: "graphferry".to_owned(),
            server: String::new(),
            data_directory: PathBuf::new(),
            process: 0,
            since: "an unknown time".to_owned(),
        };
        let left = (!text.trim().is_empty()).then(|| serde_json::from_str(&text).unwrap_or_else(|_| unknown()));
        Ok(Self { file, path: path.to_owned(), left })
    }

    /// Writes down that the directory is about to be locked.
    fn write(&mut self, server: &str, directory: &Path) -> Result<()> {
        let left = Left {
            tool: format!("graphferry {}", env!("CARGO_PKG_VERSION")),
            server: server.to_owned(),
            data_directory: directory.to_owned(),
            process: std::process::id(),
            since: super::create::now(),
        };
        let text = serde_json::to_string(&left).map_err(|cause| Error::failed("writing a note").caused_by(cause))?;
        let written = self.file.set_len(0).and_then(|()| self.file.rewind());
        let written = written.and_then(|()| writeln!(self.file, "{text}")).and_then(|()| self.file.sync_all());
        // The name has to survive a crash as well.
        let written = written.and_then(|()| File::open(around(&self.path))).and_then(|folder| folder.sync_all());
        written.map_err(|cause| Error::io(format!("writing {}", self.path.display()), cause))?;
        self.left = Some(left);
        Ok(())
    }

    /// There is nothing to tell any more.
    fn clear(&mut self) {
        let _ = self.file.set_len(0);
        self.left = None;
    }

    /// Releases what a run that was killed has locked, and tells of it. A lock that nobody of ours made is a reason to stop.
    pub(super) fn settle(&mut self, server: &mut DataDirectory, watch: Watch<'_>) -> Result<()> {
        let is_locked = server.is_locked()?;
        let Some(left) = &self.left else {
            return match is_locked {
                false => Ok(()),
                true => Err(Error::refused("the data directory is locked, and not by a run that was cut off here")
                    .hint("another backup may be at work; if none is, run UNLOCK DATA DIRECTORY and begin again")),
            };
        };
        let who = format!("a run of {} (process {}, {}) was cut off", left.tool, left.process, left.since);
        let text = match is_locked {
            true => format!("{who} and left the data directory locked: it is unlocked now"),
            false => format!("{who}; the data directory is not locked any more"),
        };
        if is_locked {
            insist(server)?;
        }
        self.clear();
        watch.tell(&Event::Warning(&text));
        Ok(())
    }
}

/// A note that tells nothing goes with the run.
impl Drop for Note {
    fn drop(&mut self) {
        if self.left.is_none() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Unlocks, again while the server cannot be reached; says whether it was still locked.
fn insist(server: &mut DataDirectory) -> Result<bool> {
    let mut last = None;
    for pause in PAUSES {
        std::thread::sleep(Duration::from_millis(pause));
        match server.reconnect().and_then(|()| server.unlock()) {
            Ok(was_locked) => return Ok(was_locked),
            Err(error) => last = Some(error),
        }
    }
    let why = last.map(|error| error.report()).unwrap_or_default();
    Err(Error::new(crate::ErrorKind::Incomplete, format!("the data directory could not be unlocked: {why}")).hint(
        "run UNLOCK DATA DIRECTORY, or the same backup again: it unlocks what this one has left; a server that was restarted is unlocked",
    ))
}

/// A locked data directory. Dropped, it is unlocked, as far as that can be done without a word.
pub(super) struct Lock<'a> {
    server: &'a mut DataDirectory,
    note: &'a mut Note,
    is_ours: bool,
    /// Ctrl-C must not end the process while this is held.
    _held: Held,
}

impl<'a> Lock<'a> {
    /// Locks. Whatever this says, nothing of ours stays locked.
    pub(super) fn take(
        server: &'a mut DataDirectory,
        note: &'a mut Note,
        url: &str,
        directory: &Path,
        watch: Watch<'_>,
    ) -> Result<Self> {
        note.write(url, directory)?;
        let mut lock = Self { server, note, is_ours: true, _held: watch.stop.hold() };
        match lock.server.lock() {
            Ok(true) => return Ok(lock),
            Ok(false) => {
                lock.is_ours = false;
                lock.note.clear();
            }
            // An answer that was lost says nothing.
            Err(error) => return Err(lock.release_after(error)),
        }
        Err(Error::refused("somebody else has locked the data directory just now")
            .hint("begin again when it is unlocked"))
    }

    /// Unlocks after a failure; the error tells of both where that fails too.
    pub(super) fn release_after(self, error: Error) -> Error {
        match self.release() {
            Ok(_) => error,
            Err(locked) => {
                let advice = locked.advice().unwrap_or_default().to_owned();
                error.hint(format!("{}; {advice}", locked.message()))
            }
        }
    }

    /// Unlocks, and says whether it was still locked until now.
    pub(super) fn release(mut self) -> Result<bool> {
        self.is_ours = false;
        let was_locked = insist(self.server)?;
        self.note.clear();
        Ok(was_locked)
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        if self.is_ours && insist(self.server).is_ok() {
            self.note.clear();
        }
    }
}
