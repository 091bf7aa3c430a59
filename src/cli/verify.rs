//! `graphferry verify`.

use super::place::{How, Place, Reading, Side};
use super::{Context, exit::Ending, filter, reading, text};
use crate::error::Result;
use crate::observe::{Event, Observer as _};
use crate::shape::Backward;
use crate::verify::{Fingerprint, compare, fingerprint};
use clap::Args;

/// Prove that two graphs are equal, whatever their ids and their order
///
/// Compares counts per label and type, the schema, and a digest of every value. Exit code 7 means that they differ, and the output says where.
/// Lookup indexes, which every Neo4j makes by itself, count when both sides have some.
#[derive(Args)]
pub(super) struct Command {
    /// A database or a dump; - for stdin
    a: String,
    /// A database or a dump
    b: String,
    #[command(flatten)]
    source: Reading,
    #[command(flatten)]
    filter: filter::Options,
    #[command(flatten)]
    reading: reading::Options,
    #[command(flatten)]
    joining: reading::Joining,
}

pub(super) fn run(command: &Command, context: &Context) -> Result<Ending> {
    command.reading.check([&command.a, &command.b])?;
    let whom = reading::For { context, target: None, dry_run: false };
    let read = |word: &str, side: Side| -> Result<Fingerprint> {
        let place = Place::parse(Some(word))?;
        let how = How {
            filter: command.filter.filter(),
            unread: command.filter.unread(),
            via: command.source.via,
            reading: command.reading.decoder_of(word, &command.joining.relationships, &whom)?,
            ..How::default()
        };
        place.read(side, how, context, |feed| {
            let total = feed.estimate().map(|(nodes, relationships)| nodes + relationships);
            context.progress.event(&Event::Step { what: "reading", total });
            // A graph that took HugeGraph's shape on its way is compared as what it was.
            fingerprint(&mut Backward::new(Box::new(feed))?, context.watch())
        })
    };
    let a = read(&command.a, Side::Source)?;
    let b = read(&command.b, Side::Target)?;
    let comparison = compare(&a, &b)?;
    context.progress.clear();
    let told = if context.progress.is_json() {
        serde_json::to_string(&comparison).unwrap_or_default()
    } else {
        text::printable(&comparison.to_string())
    };
    text::print(&format!("{told}\n"))?;
    Ok(if comparison.is_equal() { Ending::Complete } else { Ending::Different })
}
