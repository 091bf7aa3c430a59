//! `graphferry restore`.

use super::place::{Place, open_dump, open_target};
use super::{Context, exit::Ending, filter, text};
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::restore::{Dump, Mode, Outcome, Wishes, restore};
use crate::volume::Input;
use clap::{Args, ValueEnum};

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
    how: Options,
    #[command(flatten)]
    filter: filter::Options,
}

/// What `restore` and `copy` share.
#[derive(Args, Clone)]
#[group(skip)]
pub(super) struct Options {
    /// Into an empty database, or into one that holds data already: then everything is added under new ids
    #[arg(long, value_enum, default_value_t = ModeName::Restoring, value_name = "MODE")]
    mode: ModeName,
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
    /// Run statements that are none of the shapes of data and schema: they can do anything to the target
    #[arg(long)]
    allow_statements: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum ModeName {
    Restoring,
    Merging,
}

impl Options {
    pub(super) fn wishes(&self) -> Wishes {
        Wishes {
            mode: match self.mode {
                ModeName::Restoring => Mode::Restoring,
                ModeName::Merging => Mode::Merging,
            },
            jobs: self.jobs.map(usize::from),
            batch_size: self.batch_size.map(|size| size as usize),
            allow_loss: self.allow_loss.iter().cloned().collect(),
            allow_statements: self.allow_statements,
        }
    }
}

pub(super) fn run(command: &Command, context: &Context) -> Result<Ending> {
    if let Place::Database(location) = Place::parse(Some(&command.file))? {
        return Err(Error::usage(format!("{location} is a database, not a dump"))
            .hint("graphferry copy carries one database into another"));
    }
    // The dump is opened first: a name that is mistyped should not cost a connection.
    let again = Input::can_reopen(&command.file)?;
    let location = Place::database(command.target.as_deref())?;
    let (mut target, _stand_in) = open_target(&location, command.how.dry_run, context)?;
    let wishes = command.how.wishes();
    let open = || -> Result<Box<dyn Feed>> { Ok(Box::new(open_dump(&command.file, command.filter.filter())?)) };
    let outcome = if again {
        restore(Dump::Again(&open), &mut *target, &wishes, command.how.dry_run, context.watch())
    } else {
        let mut feed = open()?;
        restore(Dump::Once(&mut *feed), &mut *target, &wishes, command.how.dry_run, context.watch())
    };
    finish(outcome, command.how.dry_run, "restored", context)
}

/// Tells what came out, also of a restore that failed half-way.
pub(super) fn finish(outcome: Outcome, dry_run: bool, verb: &str, context: &Context) -> Result<Ending> {
    let Outcome { plan, report, error } = outcome;
    context.progress.clear();
    if dry_run && let Some(plan) = &plan {
        text::print(&text::printable(&plan.to_string()))?;
        // A plan that would be refused says so with its exit code too.
        return error.map_or_else(|| plan.check().map(|()| Ending::Complete), Err);
    }
    let event = serde_json::to_value(&report).unwrap_or_default();
    match error {
        Some(error) => {
            let started = report.nodes.read > 0 || report.schema_created > 0 || report.statements > 0;
            if started {
                context.progress.report(&format!("stopped; in the target are {report}"), event);
            }
            Err(error)
        }
        None => {
            context.progress.report(&format!("{verb} {report}"), event);
            Ok(if report.is_complete() { Ending::Complete } else { Ending::Incomplete })
        }
    }
}
