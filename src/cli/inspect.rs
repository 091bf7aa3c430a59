//! `graphferry inspect`.

use super::place::{How, Place, Reading, Side};
use super::{Context, exit::Ending, filter, reading, text};
use crate::backend::presumed;
use crate::cypher::Dialect;
use crate::error::{Error, Result};
use crate::format::{EncoderOptions, Format};
use crate::inspect::{inspect, page, words};
use crate::model::Capability;
use crate::observe::{Event, Observer as _};
use crate::volume::Output;
use clap::Args;
use std::path::{Path, PathBuf};

/// Tell what a graph looks like: counts, schema, properties with types and ranges, degrees, sizes, what targets could not hold
///
/// Reads a dump or a database once. Memory does not grow with the values. --html makes one page with pictures that needs no network.
#[derive(Args)]
pub(super) struct Command {
    /// A database or a dump; - for stdin. $GRAPHFERRY_URL, else ./graph.db, where it is not given
    graph: Option<String>,
    /// Write a page with pictures to this file, and nothing to stdout
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Replace the page if it exists
    #[arg(long)]
    force: bool,
    /// A target of which to tell what it could not hold, as in neo4j:5.26; products and formats that are known where none is given
    #[arg(long = "for", value_name = "PRODUCT[:VERSION]", value_parser = presumed::capability)]
    targets: Vec<Capability>,
    #[command(flatten)]
    source: Reading,
    #[command(flatten)]
    filter: filter::Options,
    #[command(flatten)]
    reading: reading::Options,
    #[command(flatten)]
    joining: reading::Joining,
}

/// Every product and every format, as they are known today.
fn everything() -> Result<Vec<Capability>> {
    let mut all = presumed::PRODUCTS.iter().map(|word| presumed::capability(word)).collect::<Result<Vec<_>>>()?;
    for format in Format::ALL {
        let dialects: &[Dialect] = match format {
            Format::Cypherl => &[Dialect::Neo4j, Dialect::Memgraph],
            _ => &[Dialect::Neo4j],
        };
        for dialect in dialects {
            all.push(format.capability(&EncoderOptions { dialect: *dialect, ..EncoderOptions::default() })?);
        }
    }
    Ok(all)
}

pub(super) fn run(command: &Command, context: &Context) -> Result<Ending> {
    let output = command.html.as_ref().map(|path| Output::create(path, command.force)).transpose()?;
    let place = Place::parse(command.graph.as_deref())?;
    let targets = if command.targets.is_empty() { everything()? } else { command.targets.clone() };
    let how = How {
        filter: command.filter.filter(),
        via: command.source.via,
        reading: command
            .reading
            .decoder(&command.joining.relationships, &reading::For { context, target: None, dry_run: false })?,
        ..How::default()
    };
    let mut inspection = place.read(Side::Source, how, context, |feed| {
        let total = feed.estimate().map(|(nodes, relationships)| nodes + relationships);
        context.progress.event(&Event::Step { what: "inspecting", total });
        inspect(feed, &targets, context.watch())
    })?;
    inspection.name = match &place {
        Place::Database(location) => location.to_string(),
        Place::Dump(name) if name == "-" => "stdin".to_owned(),
        Place::Dump(name) => {
            Path::new(name).file_name().map_or_else(|| name.clone(), |name| name.to_string_lossy().into_owned())
        }
    };
    if let Place::Dump(name) = &place
        && let Some(size) = crate::volume::place::size(Path::new(name))
    {
        inspection.sizes.stored = Some(size);
    }
    context.progress.clear();
    if let Some(mut output) = output {
        output.append(page::page(&inspection).as_bytes())?;
        output.commit()?;
        if let Some(path) = &command.html {
            context.progress.report(&format!("wrote {}", path.display()), serde_json::json!({ "html": path }));
        }
        return Ok(Ending::Complete);
    }
    let told = if context.progress.is_json() {
        serde_json::to_string(&inspection).map_err(|cause| Error::failed("writing JSON failed").caused_by(cause))?
    } else {
        text::printable(words::text(&inspection).trim_end())
    };
    text::print(&format!("{told}\n"))?;
    Ok(Ending::Complete)
}
