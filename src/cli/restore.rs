//! `graphferry restore` and `graphferry merge`.

use super::guard::Way;
use super::place::{Place, open_dump, open_target};
use super::{Context, exit::Ending, filter, guard, merging, reading, shaping, spool, text};
use crate::backend::Schedule;
use crate::error::{Error, ErrorKind, Result};
use crate::feed::Feed;
use crate::ids::IdMap;
use crate::restore::quarantine::{Quarantine, QuarantineFile};
use crate::restore::{Dump, Extras, Mode, Outcome, Wishes, restore_with};
use crate::volume::{Input, Output};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// Load a dump into a database
///
/// A file is checked to its end before anything is written: checksum, counts, ids, ends, and what the target cannot hold. From stdin
/// that is not possible; what is wrong then shows on the way.
#[derive(Args)]
pub(super) struct Command {
    /// The dump; - for stdin
    file: String,
    /// The database; $GRAPHFERRY_URL, else ./graph.db, where it is not given
    target: Option<String>,
    #[command(flatten)]
    mode: ModeOption,
    /// Go on with a merge that was cut off, as runs lists it; its options are those that it began with
    #[arg(long, value_name = "RUN")]
    resume: Option<String>,
    #[command(flatten)]
    how: Options,
    #[command(flatten)]
    guard: guard::Options,
    #[command(flatten)]
    filter: filter::Options,
    #[command(flatten)]
    reading: reading::Options,
    #[command(flatten)]
    shaping: shaping::Options,
}

/// Merge a dump into a database that holds data: short for restore --mode merging
///
/// Everything gets new ids; --key says which nodes are there already, and --on-conflict what happens to them. Every conflict is found before anything is written.
/// Each batch is noted in the target in its own transaction, so that a merge that was cut off goes on with --resume, and undo takes it back.
#[derive(Args)]
pub(super) struct Merge {
    /// The dump; - for stdin
    file: String,
    /// The database; $GRAPHFERRY_URL, else ./graph.db, where it is not given
    target: Option<String>,
    /// Go on with a merge that was cut off, as runs lists it; its options are those that it began with
    #[arg(long, value_name = "RUN")]
    resume: Option<String>,
    #[command(flatten)]
    how: Options,
    #[command(flatten)]
    filter: filter::Options,
    #[command(flatten)]
    reading: reading::Options,
    #[command(flatten)]
    shaping: shaping::Options,
}

/// The mode of `restore` and `copy`.
#[derive(Args, Clone)]
#[group(skip)]
pub(super) struct ModeOption {
    /// Into an empty database, or into one that holds data already
    #[arg(long, value_enum, default_value_t = ModeName::Restoring, value_name = "MODE")]
    mode: ModeName,
}

impl ModeOption {
    pub(super) fn mode(&self) -> Mode {
        match self.mode {
            ModeName::Restoring => Mode::Restoring,
            ModeName::Merging => Mode::Merging,
        }
    }
}

/// What `restore`, `merge` and `copy` share.
#[derive(Args, Clone)]
#[group(skip)]
pub(super) struct Options {
    /// Print the plan, and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Sessions; as many as suit the target where it is not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Items in one transaction; as many as suit the target where it is not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    batch_size: Option<u32>,
    /// Accept that a kind of thing which the target cannot hold is left out: value, index, constraint, trigger, schema, all
    #[arg(long, value_name = "KIND")]
    allow_loss: Vec<String>,
    /// The order in which relationships are written; what suits the target where it is not given
    #[arg(long, value_enum, value_name = "ORDER")]
    schedule: Option<ScheduleName>,
    /// The storage mode while data are loaded: analytical is faster and takes nothing back (Memgraph)
    #[arg(long, value_enum, default_value_t = StorageName::Transactional, value_name = "MODE")]
    storage_mode: StorageName,
    /// Write at most so many nodes and relationships a second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    throttle: Option<u64>,
    /// Write what the target refuses to this file, with the reason, and go on (exit code 3)
    #[arg(long, value_name = "FILE")]
    quarantine: Option<PathBuf>,
    /// Stop when the target has refused more than so many items
    #[arg(long, value_name = "N", requires = "quarantine")]
    max_errors: Option<u64>,
    /// Write where each node went, as CSV: old,new
    #[arg(long, value_name = "FILE")]
    id_map: Option<PathBuf>,
    /// Replace the files of --id-map and --quarantine if they exist
    #[arg(long)]
    force: bool,
    /// Run statements that are none of the shapes of data and schema: they can do anything to the target
    #[arg(long)]
    allow_statements: bool,
    #[command(flatten)]
    pub(super) merging: merging::Options,
}

#[derive(Clone, Copy, ValueEnum)]
enum ScheduleName {
    /// One batch after the other, in the order of the dump
    Sequential,
    /// By start node and end node
    Sorted,
    /// So that no two batches at once share a node
    Partitioned,
}

impl ScheduleName {
    fn schedule(self) -> Schedule {
        match self {
            Self::Sequential => Schedule::Sequential,
            Self::Sorted => Schedule::Sorted,
            Self::Partitioned => Schedule::Partitioned,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum StorageName {
    /// Each batch in a transaction
    Transactional,
    /// Without transactions; back to transactional afterwards, and a snapshot
    Analytical,
}

#[derive(Clone, Copy, ValueEnum)]
enum ModeName {
    Restoring,
    Merging,
}

impl Options {
    pub(super) fn wishes(&self, mode: Mode) -> Wishes {
        Wishes {
            mode,
            jobs: self.jobs.map(usize::from),
            batch_size: self.batch_size.map(|size| size as usize),
            allow_loss: self.allow_loss.iter().cloned().collect(),
            allow_statements: self.allow_statements,
            schedule: self.schedule.map(ScheduleName::schedule),
            policy: self.merging.policy(mode),
            analytical: matches!(self.storage_mode, StorageName::Analytical),
        }
    }

    /// Carries out what `then` does with the extras, and sees to the files that belong to them.
    pub(super) fn with_files(
        &self,
        name: &str,
        resume: Option<&str>,
        then: impl FnOnce(Extras<'_>) -> Outcome,
    ) -> Result<Outcome> {
        let create = |path: &PathBuf| Output::create(path, self.force);
        let mut quarantine = self.quarantine.as_ref().map(create).transpose()?.map(QuarantineFile::new);
        let id_map = self.id_map.as_ref().map(create).transpose()?;
        let extras = Extras {
            name: name.to_owned(),
            resume: resume.map(str::to_owned),
            quarantine: quarantine.as_mut().map(|file| -> &mut dyn Quarantine { file }),
            max_errors: self.max_errors,
            throttle: self.throttle,
        };
        let outcome = then(extras);
        // Also after a failure: it says what was refused until then.
        if let Some(file) = quarantine {
            file.finish()?;
        }
        if let Some(file) = id_map
            && outcome.error.is_none()
            && !self.dry_run
        {
            write_ids(&outcome.ids, file)?;
        }
        Ok(outcome)
    }
}

fn write_ids(ids: &IdMap, mut output: Output) -> Result<()> {
    let mut text = String::from("old,new\n");
    let mut result = Ok(());
    ids.for_each(&mut |old, new| {
        text.push_str(&format!("{old},{new}\n"));
        if text.len() > 1 << 16 && result.is_ok() {
            result = output.append(text.as_bytes());
            text.clear();
        }
    });
    result?;
    output.append(text.as_bytes())?;
    output.commit()
}

/// What is to be restored, and how.
struct Task<'a> {
    file: &'a str,
    target: Option<&'a str>,
    mode: Mode,
    resume: Option<&'a str>,
    how: &'a Options,
    guard: Option<&'a guard::Options>,
    filter: &'a filter::Options,
    reading: &'a reading::Options,
    shaping: &'a shaping::Options,
}

pub(super) fn run(command: &Command, context: &Context) -> Result<Ending> {
    let mode = if command.resume.is_some() { Mode::Merging } else { command.mode.mode() };
    command.guard.check(mode)?;
    Task {
        file: &command.file,
        target: command.target.as_deref(),
        mode,
        resume: command.resume.as_deref(),
        how: &command.how,
        guard: Some(&command.guard).filter(|_| mode == Mode::Restoring),
        filter: &command.filter,
        reading: &command.reading,
        shaping: &command.shaping,
    }
    .run(context)
}

pub(super) fn merge(command: &Merge, context: &Context) -> Result<Ending> {
    Task {
        file: &command.file,
        target: command.target.as_deref(),
        mode: Mode::Merging,
        resume: command.resume.as_deref(),
        how: &command.how,
        guard: None,
        filter: &command.filter,
        reading: &command.reading,
        shaping: &command.shaping,
    }
    .run(context)
}

impl Task<'_> {
    fn run(&self, context: &Context) -> Result<Ending> {
        if let Place::Database(location) = Place::parse(Some(self.file))? {
            return Err(Error::usage(format!("{location} is a database, not a dump"))
                .hint("graphferry copy carries one database into another"));
        }
        // The dump is opened first: a name that is mistyped should not cost a connection.
        let again = Input::can_reopen(self.file)?;
        let location = Place::database(self.target)?;
        // Types may come from the target: it is read before it is opened to be written.
        let whom = reading::For { context, target: Some(&location), dry_run: self.how.dry_run };
        let reading = self.reading.decoder(&self.how.merging.relationship_files(), &whom)?;
        let (target, _stand_in) = open_target(&location, self.how.dry_run, context)?;
        let wishes = self.how.wishes(self.mode);
        let drops = self.guard.is_some_and(guard::Options::is_given);
        // A merge reads the dump several times, and HugeGraph needs the whole schema before the data.
        let way = shaping::into_database(&location);
        let spooled = if !again && (self.mode == Mode::Merging || drops || way == shaping::Way::Forward) {
            Some(spool::bytes(self.file)?)
        } else {
            None
        };
        let path = spooled.as_ref().map(|file| file.path().to_string_lossy().into_owned());
        let file = path.as_deref().unwrap_or(self.file);
        let raw = || -> Result<Box<dyn Feed>> { Ok(Box::new(open_dump(file, self.filter.filter(), &reading)?)) };
        let leave = shaping::Leave { allow_loss: &wishes.allow_loss, dry_run: self.how.dry_run };
        let shaped = self.shaping.decide(way, &raw, &self.reading.entries()?, &leave, context)?;
        let open = || shaped.around(raw()?);
        let repeatable = again || spooled.is_some();
        let way = match self.guard {
            Some(guard) if repeatable && !self.how.dry_run => {
                guard.clear(target, &location, &open, &wishes, context)?
            }
            _ => Way::AsItIs(target),
        };
        let (mut target, backup, beside) = match way {
            Way::AsItIs(target) => (target, None, None),
            Way::Dropped(target, backup) => (target, Some(backup), None),
            Way::Beside(target, beside) => (target, Some(beside.backup().map(Path::to_owned)), Some(beside)),
        };
        if backup.is_some() {
            context.progress.say("[*] Restoring data…");
        }
        let mut outcome = self.how.with_files(self.file, self.resume, |extras| {
            let dry_run = self.how.dry_run;
            if repeatable {
                return restore_with(Dump::Again(&open), &mut *target, &wishes, dry_run, extras, context.watch());
            }
            match open() {
                Ok(mut feed) => {
                    restore_with(Dump::Once(&mut *feed), &mut *target, &wishes, dry_run, extras, context.watch())
                }
                Err(error) => Outcome { error: Some(error), ..Outcome::default() },
            }
        })?;
        if let Some(beside) = beside {
            let whole = outcome.error.is_none() && outcome.report.is_complete();
            if whole {
                outcome.error = beside.finish(target, &open, context).err();
            } else if outcome.error.is_none() {
                let error = Error::new(ErrorKind::Incomplete, format!("not all could be restored: {}", outcome.report));
                outcome.error = Some(error.hint("the old database is as it was"));
            }
        } else if let Some(backup) = &backup {
            outcome.error = outcome.error.map(|error| guard::after_drop(error, backup.as_deref()));
        }
        let is_whole = outcome.error.is_none();
        // A run that is gone on with says itself what it is.
        let mode = outcome.plan.as_ref().map_or(self.mode, |plan| plan.mode);
        let verb = if mode == Mode::Merging { "merged" } else { "restored" };
        let ending = finish(outcome, self.how.dry_run, verb, context);
        if backup.is_some() && is_whole {
            context.progress.say("[+] Restore completed!");
        }
        ending
    }
}

/// Tells what came out, also of a restore that failed half-way.
pub(super) fn finish(outcome: Outcome, dry_run: bool, verb: &str, context: &Context) -> Result<Ending> {
    let Outcome { plan, report, run, error, .. } = outcome;
    context.progress.clear();
    if dry_run && let Some(plan) = &plan {
        text::print(&text::printable(&plan.to_string()))?;
        // A plan that would be refused says so with its exit code too.
        return error.map_or_else(|| plan.check().map(|()| Ending::Complete), Err);
    }
    let mut event = serde_json::to_value(&report).unwrap_or_default();
    if let (Some(run), Some(event)) = (&run, event.as_object_mut()) {
        event.insert("run".to_owned(), run.as_str().into());
    }
    match error {
        Some(error) => {
            let started = report.nodes.read > 0 || report.schema_created > 0 || report.statements > 0;
            if started {
                context.progress.report(&format!("stopped; in the target are {report}"), event);
            }
            if let Some(run) = run
                && error.advice().is_none()
            {
                return Err(error.hint(format!(
                    "go on with graphferry merge and --resume {run}, or take it back with graphferry undo {run}"
                )));
            }
            Err(error)
        }
        None => {
            let undo = run.map(|run| format!("; graphferry undo {run} takes it back")).unwrap_or_default();
            context.progress.report(&format!("{verb} {report}{undo}"), event);
            Ok(if report.is_complete() { Ending::Complete } else { Ending::Incomplete })
        }
    }
}
