//! `graphferry convert`.

use super::place::open_dump;
use super::shaping::{self, Way};
use super::{Context, dump as dumping, exit::Ending, filter, output, reading, spool};
use crate::dump::{dump, plan};
use crate::error::{Error, Result};
use crate::feed::{Feed, KnownFeed};
use crate::model::Header;
use crate::observe::{Event, Observer as _};
use crate::survey::{Known, survey_names};
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
    /// Print what would be converted, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    filter: filter::Options,
    #[command(flatten)]
    reading: reading::Options,
    #[command(flatten)]
    joining: reading::Joining,
    #[command(flatten)]
    form: output::Options,
    #[command(flatten)]
    shaping: shaping::Options,
}

pub(super) fn run(command: &Command, context: &Context) -> Result<Ending> {
    let same = |a: &str, b: &str| a != "-" && std::fs::canonicalize(a).ok() == std::fs::canonicalize(b).ok();
    if crate::volume::place::is_url(&command.input) && command.input == command.output {
        return Err(Error::usage("input and output are the same object"));
    }
    if std::path::Path::new(&command.output).exists() && same(&command.input, &command.output) {
        return Err(Error::usage("input and output are the same file"));
    }
    let reading = {
        let whom = reading::For { context, target: None, dry_run: command.dry_run };
        command.reading.decoder(&command.joining.relationships, &whom)?
    };
    let wanted = command.form.resolve(Some(&command.output), &Header::default());
    let way = shaping::into_format(wanted.format);
    let again = Input::can_reopen(&command.input)?;
    // What becomes of a graph in HugeGraph depends on all of it.
    let spooled = if way == Way::Forward && !again { Some(spool::bytes(&command.input)?) } else { None };
    let path = spooled.as_ref().map(|file| file.path().to_string_lossy().into_owned());
    let input = path.as_deref().unwrap_or(&command.input);
    let raw = || -> Result<Box<dyn Feed>> { Ok(Box::new(open_dump(input, command.filter.filter(), &reading)?)) };
    let leave = shaping::Leave { allow_loss: &wanted.allow_loss, dry_run: command.dry_run };
    let shaped = command.shaping.decide(way, &raw, &command.reading.entries()?, &leave, context)?;
    let mut feed = shaped.around(raw()?)?;
    let options = command.form.resolve(Some(&command.output), feed.header());
    let mut known = Known { header: feed.header().clone(), ..Known::default() };
    // A file is read twice: what it holds, and whether it is sound, is known before anything is written.
    if again || spooled.is_some() {
        context.progress.event(&Event::Step { what: "checking the dump", total: None });
        let names;
        (known, names) = survey_names(&mut *feed, context.watch())?;
        let count = known.tally.as_ref().map_or((0, 0), |tally| (tally.nodes, tally.relationships));
        feed = Box::new(KnownFeed::new(shaped.around(raw()?)?, known.schema.clone(), names, count));
    }
    let plan = plan(&known, &options)?;
    if command.dry_run {
        context.progress.clear();
        return dumping::print_plan(&known, None, &plan, &options);
    }
    let output = command.form.open(Some(&command.output), &options)?;
    let written = dump(&mut *feed, output, &options, plan, context.watch())?;
    let report = dumping::report(&written, known.header.consistency);
    context.progress.report(&dumping::summary(&written, "converted"), report);
    Ok(Ending::Complete)
}
