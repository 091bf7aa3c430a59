//! `graphferry dump`.

use super::place::{How, Place, Reading, Side};
use super::{Context, exit::Ending, filter, output, shaping, text};
use crate::dump::{Plan, dump, plan};
use crate::error::Result;
use crate::feed::Feed;
use crate::model::Consistency;
use crate::observe::{Event, Observer as _};
use crate::survey::Known;
use crate::write::Written;
use clap::{Args, ValueEnum};
use serde_json::json;

/// Write a database to a dump file or stdout
///
/// Reads nodes, relationships, indexes, constraints and triggers as a stream. A file appears under its name only when it is complete.
#[derive(Args)]
pub(super) struct Command {
    /// The database; $GRAPHFERRY_URL, else ./graph.db, where it is not given
    source: Option<String>,
    /// The file; stdout where it is not given
    #[arg(long, short, value_name = "FILE")]
    output: Option<String>,
    /// What the source has to promise about changes while the dump runs
    ///
    /// A source that cannot promise it refuses. `strict` takes the strongest promise that there is, and ends with exit code 3 if the
    /// source changed meanwhile.
    #[arg(long, value_enum, default_value_t = Wanted::Best, value_name = "PROMISE")]
    consistency: Wanted,
    /// Print what would be dumped, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    filter: filter::Options,
    #[command(flatten)]
    form: output::Options,
    #[command(flatten)]
    shaping: shaping::Alone,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Wanted {
    /// The strongest promise that the source has; a change is told as a warning
    Best,
    /// The strongest promise, and exit code 3 if the source changed
    Strict,
    /// One transaction's snapshot
    Snapshot,
    /// One transaction, at least
    ReadCommitted,
    /// No promise
    None,
}

impl Wanted {
    fn consistency(self) -> Option<Consistency> {
        match self {
            Self::Best | Self::Strict => None,
            Self::Snapshot => Some(Consistency::Snapshot),
            Self::ReadCommitted => Some(Consistency::ReadCommitted),
            Self::None => Some(Consistency::None),
        }
    }
}

pub(super) fn run(command: &Command, context: &Context) -> Result<Ending> {
    let place = Place::Database(Place::database(command.source.as_deref())?);
    let file = command.output.as_deref();
    let want = command.consistency.consistency();
    let how = How {
        filter: command.filter.filter(),
        unread: command.filter.unread(),
        want,
        via: command.reading.via,
        ..How::default()
    };
    place.read(Side::Source, how, context, |feed| write(command, file, feed, context))
}

fn write(command: &Command, file: Option<&str>, feed: &mut dyn Feed, context: &Context) -> Result<Ending> {
    let options = command.form.resolve(file, feed.header());
    let leave = shaping::Leave { allow_loss: &options.allow_loss, dry_run: command.dry_run };
    let shaped = command.shaping.decide(shaping::into_format(options.format), feed, &leave, context)?;
    let feed = &mut *shaped.around(Box::new(feed))?;
    let known = Known { header: feed.header().clone(), schema: feed.schema().clone(), ..Known::default() };
    let plan = plan(&known, &options)?;
    if command.dry_run {
        return print_plan(&known, feed.estimate(), &plan, &options);
    }
    let consistency = feed.header().consistency;
    let output = command.form.open(file, &options)?;
    let written = dump(feed, output, &options, plan, context.watch())?;
    let text = format!("{}, consistency {}", summary(&written, "dumped"), consistency.name());
    context.progress.report(&text, report(&written, consistency));
    if written.end.changed == Some(true) {
        context.progress.event(&Event::Warning(
            "the database changed while it was dumped: the dump may hold a mixture of before and after",
        ));
        if command.consistency == Wanted::Strict {
            return Ok(Ending::Incomplete);
        }
    }
    Ok(Ending::Complete)
}

/// Prints what would be written; a plan that would be refused says so with its exit code too.
pub(super) fn print_plan(
    known: &Known,
    estimate: Option<(u64, u64)>,
    plan: &Plan,
    options: &crate::dump::Options,
) -> Result<Ending> {
    let source = &known.header.source;
    let source = format!("{} {} {}", source.product, source.version, source.database);
    let mut lines = vec![format!("source      {}", source.trim_end())];
    lines.push(format!("consistency {}", known.header.consistency.name()));
    lines.extend(known.header.absent.iter().map(|absent| format!("lacks       {absent}")));
    lines.push(format!("format      {}", plan.system));
    if let Some(tally) = &known.tally {
        lines.push(format!("write       {} nodes, {} relationships", tally.nodes, tally.relationships));
    } else if let Some((nodes, relationships)) = estimate {
        lines.push(format!("write       about {nodes} nodes, {relationships} relationships"));
    }
    lines.extend(plan.schema.objects.iter().map(|object| format!("write       {}", object.describe())));
    for loss in &plan.losses {
        let allowed = if plan.refused.contains(loss) { "refused" } else { "allowed" };
        lines.push(format!("loss        {} {} ({allowed}: --allow-loss={})", loss.count, loss.what, loss.kind));
    }
    text::print(&text::printable(&format!("{}\n", lines.join("\n"))))?;
    plan.check(options).map(|()| Ending::Complete)
}

/// `dumped 12 nodes, 7 relationships, 3 schema objects in 1,234 bytes`.
pub(super) fn summary(written: &Written, verb: &str) -> String {
    let tally = &written.tally;
    let schema: u64 = tally.schema.values().sum();
    let mut text =
        format!("{verb} {} nodes, {} relationships, {schema} schema objects", tally.nodes, tally.relationships);
    if tally.statements > 0 {
        text.push_str(&format!(", {} statements", tally.statements));
    }
    if written.end.dangling > 0 {
        text.push_str(&format!(", {} dangling relationships left out", written.end.dangling));
    }
    text.push_str(&format!("; {} bytes", written.stored));
    if written.stored != written.bytes {
        text.push_str(&format!(" ({} uncompressed)", written.bytes));
    }
    for loss in &written.losses {
        text.push_str(&format!("\n  lost, as allowed: {} {}", loss.count, loss.what));
    }
    text
}

/// The same for programs.
pub(super) fn report(written: &Written, consistency: Consistency) -> serde_json::Value {
    json!({
        "tally": written.tally, "bytes": written.bytes, "stored": written.stored, "dangling": written.end.dangling, "losses": written.losses,
        "consistency": consistency, "source_changed": written.end.changed,
    })
}
