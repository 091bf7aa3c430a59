//! `graphferry copy`.

use super::place::{Place, Side, open_target};
use super::{Context, exit::Ending, filter, restore as restoring};
use crate::error::{Error, Result};
use crate::restore::{Dump, restore};
use clap::Args;

/// Carry one database into another, with no file between
#[derive(Args)]
pub(super) struct Command {
    /// The database to read
    source: String,
    /// The database to write
    target: String,
    #[command(flatten)]
    how: restoring::Options,
    #[command(flatten)]
    filter: filter::Options,
}

pub(super) fn run(command: &Command, context: &Context) -> Result<Ending> {
    let source = Place::database(Some(&command.source))?;
    let location = Place::database(Some(&command.target))?;
    if source.to_string() == location.to_string() {
        return Err(Error::usage("source and target are the same database"));
    }
    let (mut target, _stand_in) = open_target(&location, command.how.dry_run, context)?;
    let wishes = command.how.wishes();
    let outcome = Place::Database(source).read(Side::Source, command.filter.filter(), None, context, |feed| {
        Ok(restore(Dump::Once(feed), &mut *target, &wishes, command.how.dry_run, context.watch()))
    })?;
    restoring::finish(outcome, command.how.dry_run, "copied", context)
}
