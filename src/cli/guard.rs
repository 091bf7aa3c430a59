//! The guard on a terminal: asks before a restore drops what is there, and sees to the backup.

use super::{Context, backup, place};
use crate::backend::{Location, Target, sqlite};
use crate::error::{Error, ErrorKind, Result};
use crate::feed::Feed;
use crate::guard::{self, Decision, PROMPT, WARNING, WipeConsent};
use crate::observe::{Event, Observer as _, Stop};
use crate::restore::{Mode, Wishes, plan, wipe};
use crate::survey::survey_for;
use crate::verify;
use clap::Args;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

#[derive(Args, Clone)]
#[group(skip)]
pub(super) struct Options {
    /// Drop what this database holds before the restore, without asking; a backup is made first
    #[arg(long, value_name = "DATABASE", help_heading = "A database that is not empty")]
    yes_drop: Option<String>,
    /// Make no backup before the drop
    #[arg(long, requires = "yes_drop", help_heading = "A database that is not empty")]
    no_backup: bool,
    /// The folder for the backup
    #[arg(long, value_name = "DIR", default_value = ".", help_heading = "A database that is not empty")]
    backup_dir: PathBuf,
}

/// How a restore goes on.
pub(super) enum Way {
    /// The target is empty, or will be refused: nothing of it was touched.
    AsItIs(Box<dyn Target>),
    /// It was dropped.
    Dropped(Box<dyn Target>, Option<PathBuf>),
    /// The new data go into a store beside the old one, which takes its place when it is whole.
    Beside(Box<dyn Target>, Beside),
}

/// A store that is to take the place of another one.
pub(super) struct Beside {
    old: sqlite::Replaced,
    new: tempfile::TempPath,
    consent: WipeConsent,
    backup: Option<PathBuf>,
}

/// A function that opens the dump from its start.
pub(super) type Open<'a> = &'a dyn Fn() -> Result<Box<dyn Feed>>;

impl Options {
    /// Sees that nobody asks for a drop where nothing is dropped.
    pub(super) fn check(&self, mode: Mode) -> Result<()> {
        match (&self.yes_drop, mode) {
            (Some(_), Mode::Merging) => Err(Error::usage("a merge drops nothing: leave --yes-drop out")),
            _ => Ok(()),
        }
    }

    /// Whether a restore may drop something without asking.
    pub(super) fn is_given(&self) -> bool {
        self.yes_drop.is_some()
    }

    /// Sees to it that the target is empty, if the user wants that.
    pub(super) fn clear(
        &self,
        mut target: Box<dyn Target>,
        location: &Location,
        open: Open<'_>,
        wishes: &Wishes,
        context: &Context,
    ) -> Result<Way> {
        let facts = target.facts()?;
        let victim = wipe::victim(&facts);
        let can_ask = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        if !guard::is_needed(&victim) || (self.yes_drop.is_none() && !can_ask) {
            return Ok(Way::AsItIs(target));
        }
        // A dump that could not be restored must not cost anybody the data.
        context.progress.say("[*] Checking backup file…");
        context.progress.event(&Event::Step { what: "checking the dump", total: None });
        let known = survey_for(&mut *open()?, &facts.capability, context.watch())?;
        plan(&known, &wipe::emptied(&facts), wishes).check()?;
        if known.is_quarantine {
            return Err(crate::format::only_for_its_target());
        }
        context.progress.clear();
        let decision = match &self.yes_drop {
            Some(name) => guard::decide_by_name(&victim, name, !self.no_backup)?,
            None => ask(&victim, context)?,
        };
        // Before the backup, so that whatever is written after it is noticed.
        let held = match location {
            Location::Sqlite(path) if decision != Decision::Quit => Some((path, sqlite::Replaced::open(path)?)),
            _ => None,
        };
        let (consent, backup) = match decision {
            Decision::Quit => return Err(guard::quit()),
            Decision::GoOn(consent) => (consent, None),
            Decision::Backup(consent) => (consent, Some(backup::before_drop(location, &self.backup_dir, context)?)),
        };
        if let Some((old, held)) = held {
            let place = std::fs::canonicalize(old).map_err(|cause| Error::io(format!("opening {location}"), cause))?;
            let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let new = tempfile::Builder::new().prefix(".graphferry.").suffix(".db").tempfile_in(folder);
            let new = new.map_err(|cause| Error::io(format!("creating a file in {}", folder.display()), cause))?;
            let new = new.into_temp_path();
            drop(target);
            let target = sqlite::open_target(&new)?;
            return Ok(Way::Beside(target, Beside { old: held, new, consent, backup }));
        }
        let dropped = wipe::wipe(&mut *target, &consent, context.watch());
        dropped.map_err(|error| after_drop(error, backup.as_deref()))?;
        Ok(Way::Dropped(target, backup))
    }
}

/// What happens to an error when data are gone already.
pub(super) fn after_drop(error: Error, backup: Option<&Path>) -> Error {
    match backup {
        Some(path) => error.hint(format!("the database was dropped; its backup is {}", path.display())),
        None => error.hint("the database was dropped, at least in part: the same command goes on with it"),
    }
}

impl Beside {
    /// Proves that the new store holds what the dump holds, and puts it in the old one's place.
    pub(super) fn finish(self, target: Box<dyn Target>, open: Open<'_>, context: &Context) -> Result<()> {
        drop(target);
        let read = |feed: &mut dyn Feed| {
            context.progress.event(&Event::Step { what: "verifying", total: None });
            verify::fingerprint(feed, context.watch())
        };
        let dump = read(&mut *open()?)?;
        let store = place::Place::Database(Location::Sqlite(self.new.to_path_buf()));
        let store = store.read(place::Side::Target, place::How::default(), context, read)?;
        let comparison = verify::compare(&dump, &store)?;
        if !comparison.is_equal() {
            return Err(Error::failed(format!("what was restored is not what the dump holds: {comparison}"))
                .hint("the old database is as it was"));
        }
        self.old.replace(&self.new, &self.consent)
    }

    pub(super) fn backup(&self) -> Option<&Path> {
        self.backup.as_deref()
    }
}

/// Asks on the terminal.
fn ask(victim: &guard::Victim, context: &Context) -> Result<Decision> {
    let line = line(&format!("What will be dropped is {victim}.\n{WARNING}\n{PROMPT}"), &context.stop)?;
    Ok(guard::decide(victim, line.as_deref()))
}

/// Shows a question and reads the line that answers it; `None` at the end of the input, and for what is not text. Ctrl-C is an answer too.
pub(super) fn line(question: &str, stop: &Stop) -> Result<Option<String>> {
    let asking = |cause| Error::io("asking", cause);
    let mut stderr = std::io::stderr().lock();
    let shown = super::text::printable(question);
    stderr.write_all(shown.as_bytes()).and_then(|()| stderr.flush()).map_err(asking)?;
    drop(stderr);
    let (send, answer) = channel();
    // On a thread of its own, which may wait for ever: a signal does not wake it.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().read_line(&mut line);
        let _ = send.send(read.map(|size| (size > 0).then_some(line)));
    });
    loop {
        match answer.recv_timeout(Duration::from_millis(50)) {
            Ok(Ok(line)) => {
                if line.is_none() {
                    eprintln!();
                }
                return Ok(line);
            }
            Ok(Err(cause)) if cause.kind() == std::io::ErrorKind::InvalidData => return Ok(None),
            Ok(Err(cause)) => return Err(asking(cause)),
            Err(RecvTimeoutError::Timeout) if stop.is_requested() => {
                return Err(Error::new(ErrorKind::Interrupted, "quit: nothing was changed"));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
        }
    }
}
