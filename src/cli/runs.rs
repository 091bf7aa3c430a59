//! `graphferry runs` and `graphferry undo`: what was merged, and how to take it back.

use super::place::{Place, open_target};
use super::{Context, exit::Ending, text};
use crate::error::Result;
use crate::restore::run::{Record, State};
use crate::restore::undo;
use clap::Args;
use serde_json::json;
use std::fmt::Write as _;

/// List the merges that a database knows of: those that did not finish, and those that can be undone
#[derive(Args)]
pub(super) struct Runs {
    /// The database; $GRAPHFERRY_URL, else ./graph.db, where it is not given
    target: Option<String>,
    /// Keep what a run did and forget the run: it can be neither resumed nor undone then
    #[arg(long, value_name = "RUN")]
    forget: Option<String>,
}

/// Take a merge back: remove what it created, put back what it changed
///
/// What was changed since is left as it is, and so are nodes that have got other relationships; then the exit code is 3.
#[derive(Args)]
pub(super) struct Undo {
    /// The run, as runs lists it
    run: String,
    /// The database; $GRAPHFERRY_URL, else ./graph.db, where it is not given
    target: Option<String>,
    /// Take back also what was changed since, and remove other relationships of nodes that go
    #[arg(long)]
    force: bool,
}

fn state(record: &Record) -> &'static str {
    match record.state {
        State::Preparing => "not begun",
        State::Loading | State::Finishing => "not finished",
        State::Finished => "finished",
        State::Forgetting => "forgotten",
        State::Undoing => "half undone",
        State::Restoring => "cut off",
    }
}

pub(super) fn runs(command: &Runs, context: &Context) -> Result<Ending> {
    let location = Place::database(command.target.as_deref())?;
    // Looking must not create a store.
    let (mut target, _stand_in) = open_target(&location, command.forget.is_none(), context)?;
    if let Some(run) = &command.forget {
        undo::forget(&mut *target, run)?;
        context.progress.report(&format!("forgot {run}; what it did is kept"), json!({ "forgot": run }));
        return Ok(Ending::Complete);
    }
    let mut out = String::new();
    for (run, record) in undo::runs(&mut *target)? {
        let stopped: Vec<&str> = record.suspended.iter().map(|trigger| trigger.name.as_str()).collect();
        if context.progress.is_json() {
            let line = json!({
                "run": run, "state": record.state, "began": record.began, "dump": record.dump,
                "nodes": record.tally.nodes, "relationships": record.tally.relationships,
                "undoable": record.policy.undoable, "triggers_stopped": stopped,
            });
            let _ = writeln!(out, "{line}");
            continue;
        }
        let _ = write!(out, "{run}  {:<12}  {}  {}", state(&record), record.began, text::printable(&record.dump));
        if !stopped.is_empty() {
            let _ = write!(out, "  (triggers stopped: {})", text::printable(&stopped.join(", ")));
        }
        out.push('\n');
    }
    text::print(&out)?;
    Ok(Ending::Complete)
}

pub(super) fn undo(command: &Undo, context: &Context) -> Result<Ending> {
    let location = Place::database(command.target.as_deref())?;
    let (mut target, _stand_in) = open_target(&location, true, context)?;
    let undone = undo::undo(&mut *target, &command.run, command.force, context.watch())?;
    context.progress.report(&undone.to_string(), serde_json::to_value(undone).unwrap_or_default());
    Ok(if undone.kept == 0 { Ending::Complete } else { Ending::Incomplete })
}
