//! `graphferry convert`.

use super::place::open_dump;
use super::{Context, dump as dumping, exit::Ending, filter, output};
use crate::dump::dump;
use crate::error::{Error, Result};
use crate::feed::{DumpFeed, Feed, KnownFeed};
use crate::format::Format;
use crate::observe::{Event, Observer as _};
use crate::survey::survey_names;
use crate::volume::Input;
use clap::Args;

/// Write a dump in another format, dialect or compression
///
/// No database is needed. A dump that is damaged gives no output file.
#[derive(Args)]
pub(super) struct Command {
    /// The dump to read; - for stdin
    input: String,
    /// The dump to write; - for stdout
    output: String,
    #[command(flatten)]
    filter: filter::Options,
    #[command(flatten)]
    form: output::Options,
}

pub(super) fn run(command: &Command, context: &Context) -> Result<Ending> {
    let same = |a: &str, b: &str| a != "-" && std::fs::canonicalize(a).ok() == std::fs::canonicalize(b).ok();
    if std::path::Path::new(&command.output).exists() && same(&command.input, &command.output) {
        return Err(Error::usage("input and output are the same file"));
    }
    let feed = open_dump(&command.input, command.filter.filter())?;
    let options = command.form.resolve(Some(&command.output), feed.header());
    let consistency = feed.header().consistency;
    let mut feed: Box<dyn Feed> = match options.format {
        // Cypher wants some of the schema before the data, and a helper whose names collide with none.
        Format::Cypherl if Input::can_reopen(&command.input)? => Box::new(known(feed, command, context)?),
        _ => Box::new(feed),
    };
    let output = command.form.open(Some(&command.output), &options)?;
    let written = dump(&mut *feed, output, &options, &context.stop, &context.progress)?;
    context.progress.report(&dumping::summary(&written, "converted"), dumping::report(&written, consistency));
    Ok(Ending::Complete)
}

/// Reads the dump once, to know all of it that has to be known beforehand, and opens it anew.
fn known(mut feed: DumpFeed, command: &Command, context: &Context) -> Result<KnownFeed> {
    context.progress.event(&Event::Step { what: "checking the dump", total: None });
    let (known, names) = survey_names(&mut feed, &context.stop, &context.progress)?;
    let count = known.tally.map(|tally| (tally.nodes, tally.relationships)).unwrap_or_default();
    Ok(KnownFeed::new(open_dump(&command.input, command.filter.filter())?, known.schema, names, count))
}
