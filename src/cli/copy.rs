//! `graphferry copy`.

use super::place::{How, Place, Reading, Side, open_dump, open_target};
use super::{Context, exit::Ending, filter, restore as restoring, shaping, spool};
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::format::DecoderOptions;
use crate::restore::{Dump, Mode, restore_with};
use clap::Args;

/// Carry one database into another, with no file between
#[derive(Args)]
pub(super) struct Command {
    /// The database to read
    source: String,
    /// The database to write
    target: String,
    #[command(flatten)]
    mode: restoring::ModeOption,
    #[command(flatten)]
    how: restoring::Options,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    filter: filter::Options,
    #[command(flatten)]
    shaping: shaping::Alone,
}

pub(super) fn run(command: &Command, context: &Context) -> Result<Ending> {
    let source = Place::database(Some(&command.source))?;
    let location = Place::database(Some(&command.target))?;
    if source.to_string() == location.to_string() {
        return Err(Error::usage("source and target are the same database"));
    }
    if !command.how.merging.relationship_files().is_empty() {
        return Err(Error::usage("a copy reads a database: it takes no files with --relationships"));
    }
    let (mut target, _stand_in) = open_target(&location, command.how.dry_run, context)?;
    let mode = command.mode.mode();
    let (wishes, dry_run) = (command.how.wishes(mode), command.how.dry_run);
    let name = source.to_string();
    let how = How {
        filter: command.filter.filter(),
        unread: command.filter.unread(),
        via: command.reading.via,
        ..How::default()
    };
    let outcome = Place::Database(source).read(Side::Source, how, context, |feed| {
        let leave = shaping::Leave { allow_loss: &wishes.allow_loss, dry_run };
        let shaped = command.shaping.decide(shaping::into_database(&location), feed, &leave, context)?;
        let feed = &mut *shaped.around(Box::new(feed))?;
        if mode == Mode::Restoring {
            return command.how.with_files(&name, None, |extras| {
                restore_with(Dump::Once(feed), &mut *target, &wishes, dry_run, extras, context.watch())
            });
        }
        // A merge reads the graph several times.
        let file = spool::feed(feed, context)?;
        let path = file.path().to_string_lossy().into_owned();
        let open = || -> Result<Box<dyn Feed>> {
            Ok(Box::new(open_dump(&path, crate::filter::Filter::default(), &DecoderOptions::default())?))
        };
        command.how.with_files(&name, None, |extras| {
            restore_with(Dump::Again(&open), &mut *target, &wishes, dry_run, extras, context.watch())
        })
    })?;
    let verb = if mode == Mode::Merging { "merged" } else { "copied" };
    restoring::finish(outcome, dry_run, verb, context)
}
