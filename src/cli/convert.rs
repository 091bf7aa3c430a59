//! `graphferry convert`.

use super::place::open_dump;
use super::{Context, dump as dumping, exit::Ending, filter, output};
use crate::dump::{dump, look_first};
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::format::Format;
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
        Format::Cypherl if Input::can_reopen(&command.input)? => {
            let open = || open_dump(&command.input, command.filter.filter());
            Box::new(look_first(feed, open, &context.stop, &context.progress)?)
        }
        _ => Box::new(feed),
    };
    let output = command.form.open(Some(&command.output), &options)?;
    let written = dump(&mut *feed, output, &options, &context.stop, &context.progress)?;
    context.progress.report(&dumping::summary(&written, "converted"), dumping::report(&written, consistency));
    Ok(Ending::Complete)
}
