//! `graphferry map`.

use super::place::{How, Place, Reading, Side};
use super::{Context, exit::Ending, filter, reading, text};
use crate::error::Result;
use crate::observe::{Event, Observer as _};
use crate::shape::{Mapping, infer};
use crate::volume::Output;
use clap::Args;
use std::path::PathBuf;

/// Infer the schema that a graph gets in HugeGraph, for --mapping
///
/// Reads the graph once. What it prints is TOML to edit: which property keys, vertex labels and edge labels come of it, and what would be lost.
#[derive(Args)]
pub(super) struct Command {
    /// A database or a dump; - for stdin
    source: String,
    /// The file; stdout where it is not given
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long, requires = "output")]
    force: bool,
    /// As for an encoding that comes back exactly
    #[arg(long)]
    reversible: bool,
    #[command(flatten)]
    via: Reading,
    #[command(flatten)]
    filter: filter::Options,
    #[command(flatten)]
    reading: reading::Options,
    #[command(flatten)]
    joining: reading::Joining,
}

pub(super) fn run(command: &Command, context: &Context) -> Result<Ending> {
    let entries = command.reading.entries()?;
    let how = How {
        filter: command.filter.filter(),
        via: command.via.via,
        reading: command
            .reading
            .decoder(&command.joining.relationships, &reading::For { context, target: None, dry_run: false })?,
        ..How::default()
    };
    let place = Place::parse(Some(&command.source))?;
    let mapping = place.read(Side::Source, how, context, |feed| {
        let total = feed.estimate().map(|(nodes, relationships)| nodes + relationships);
        context.progress.event(&Event::Step { what: "reading", total });
        infer(feed, &entries, command.reversible, context.watch())
    })?;
    context.progress.clear();
    let toml = file(&mapping)?;
    match &command.output {
        None => text::print(&toml)?,
        Some(path) => {
            let mut output = Output::create(path, command.force)?;
            output.append(toml.as_bytes())?;
            output.commit()?;
        }
    }
    Ok(Ending::Complete)
}

/// The mapping, and what would be lost as comments.
fn file(mapping: &Mapping) -> Result<String> {
    let mut lines = String::new();
    let told =
        mapping.losses.iter().map(|loss| format!("loss: {} {} (--allow-loss={})", loss.count, loss.what, loss.kind));
    for line in told.chain(mapping.notes.iter().map(|note| format!("note: {note}"))) {
        lines.push_str(&text::printable(&format!("# {}\n", line.replace('\n', " "))));
    }
    if mapping.is_identity {
        lines.push_str("# The graph has HugeGraph's schema already.\n");
    }
    lines.push_str(&mapping.entries().to_toml()?);
    Ok(lines)
}
