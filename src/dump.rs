//! `dump` and `convert`: a feed into a dump file.

use crate::error::{Error, Result};
use crate::feed::{DumpFeed, Feed, KnownFeed};
use crate::format::{EncoderOptions, Format};
use crate::model::{Loss, Schema};
use crate::observe::{Event, Observer, Stop};
use crate::survey::survey_keys;
use crate::volume::{Compression, Output};
use crate::write::{Written, write};
use std::collections::BTreeSet;

/// How a dump is written.
#[derive(Clone, Debug)]
pub struct Options {
    /// The format and what belongs to it.
    pub format: Format,
    /// What the format's encoder is told.
    pub encoder: EncoderOptions,
    /// How it is compressed.
    pub compression: Compression,
    /// Encoding threads.
    pub jobs: usize,
    /// Kinds of losses that are accepted, or `all`.
    pub allow_loss: BTreeSet<String>,
}

/// What a dump will do: `--dry-run` prints it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the format cannot hold of what is known before the data comes.
    pub losses: Vec<Loss>,
    /// Those that nobody allowed.
    pub refused: Vec<Loss>,
    /// The schema that will be written.
    pub schema: Schema,
}

/// Decides what a dump of this feed will do.
///
/// # Errors
/// What the encoder is told cannot be meant.
pub fn plan(feed: &dyn Feed, options: &Options) -> Result<Plan> {
    let capability = options.format.encoder(&options.encoder)?.capability();
    let losses = capability.schema_losses(feed.schema());
    let allowed = |loss: &&Loss| options.allow_loss.contains(loss.kind) || options.allow_loss.contains("all");
    let refused = losses.iter().filter(|loss| !allowed(loss)).cloned().collect();
    let mut schema = feed.schema().clone();
    schema.objects.retain(|object| capability.holds(object));
    Ok(Plan { losses, refused, schema })
}

/// Writes a feed as a dump. Nothing is left behind when it fails.
///
/// # Errors
/// [`Refused`](crate::ErrorKind::Refused) when the format cannot hold something; else what the source, the format or the output says.
pub fn dump(
    feed: &mut dyn Feed,
    output: Output,
    options: &Options,
    stop: &Stop,
    observer: &dyn Observer,
) -> Result<Written> {
    let plan = plan(feed, options)?;
    if let Some(first) = plan.refused.first() {
        return Err(Error::refused(format!("{} cannot hold {}", options.format.name(), first.what))
            .hint(format!("add --allow-loss={} to leave it out", first.kind)));
    }
    let mut chosen = options.encoder.clone();
    if feed.header().source.product == "neo4j" {
        chosen.database.clone_from(&feed.header().source.database);
    }
    if let Some(names) = feed.names() {
        chosen.taken_labels.clone_from(&names.labels);
        chosen.taken_properties.clone_from(&names.properties);
    }
    let encoder = options.format.encoder(&chosen)?;
    let total = feed.estimate().map(|(nodes, relationships)| nodes + relationships);
    observer.event(&Event::Step { what: "dumping", total });
    let mut feed = Held { feed, schema: plan.schema };
    let written = write(&mut feed, &*encoder, output, options.compression, options.jobs, stop, observer)?;
    written.end.warnings.iter().for_each(|warning| observer.event(&Event::Warning(warning)));
    Ok(written)
}

/// Reads a dump once, to know all of it that has to be known beforehand; `open` gives it anew.
///
/// # Errors
/// The dump is damaged.
pub fn look_first(
    mut feed: DumpFeed,
    open: impl FnOnce() -> Result<DumpFeed>,
    stop: &Stop,
    observer: &dyn Observer,
) -> Result<KnownFeed> {
    observer.event(&Event::Step { what: "checking the dump", total: None });
    let (known, keys) = survey_keys(&mut feed, stop, observer)?;
    Ok(KnownFeed::new(open()?, known.schema, &known.tally.unwrap_or_default(), keys))
}

/// A feed without the schema objects that the format cannot hold.
struct Held<'a> {
    feed: &'a mut dyn Feed,
    schema: Schema,
}

impl Feed for Held<'_> {
    fn header(&self) -> &crate::model::Header {
        self.feed.header()
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn names(&self) -> Option<&crate::backend::Names> {
        self.feed.names()
    }

    fn estimate(&self) -> Option<(u64, u64)> {
        self.feed.estimate()
    }

    fn name(&self) -> Option<&str> {
        self.feed.name()
    }

    fn run(&mut self, sink: &mut dyn FnMut(crate::format::Piece) -> Result<()>) -> Result<crate::feed::End> {
        self.feed.run(sink)
    }
}
