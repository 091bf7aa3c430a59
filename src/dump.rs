//! `dump` and `convert`: a feed into a dump file.

use crate::cypher::Dialect;
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::format::{EncoderOptions, Format};
use crate::model::{Loss, Schema, SchemaObject};
use crate::observe::{Event, Watch};
use crate::strip::Strip;
use crate::survey::Known;
use crate::volume::{Compression, Output};
use crate::write::{How, Written, write, write_folder};
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
    /// The format, for people.
    pub system: String,
    /// What the format cannot hold of what is known before the data comes.
    pub losses: Vec<Loss>,
    /// Those that nobody allowed.
    pub refused: Vec<Loss>,
    /// The schema that will be written.
    pub schema: Schema,
}

/// Decides what a dump will do.
///
/// # Errors
/// What the encoder is told cannot be meant, or the format holds no graphs of this kind.
pub fn plan(known: &Known, options: &Options) -> Result<Plan> {
    let capability = options.format.capability(&options.encoder)?;
    options.format.check(&known.schema, known.tally.as_ref().map(|tally| tally.nodes))?;
    let mut losses = capability.schema_losses(&known.schema);
    losses.extend(known.tally.iter().flat_map(|tally| capability.value_losses(tally)));
    let refused = losses.iter().filter(|loss| !options.allows(loss.kind)).cloned().collect();
    let mut schema = known.schema.clone();
    schema.objects.retain(|object| capability.holds(object));
    Ok(Plan { system: capability.system, losses, refused, schema })
}

impl Options {
    fn allows(&self, kind: &str) -> bool {
        self.allow_loss.contains(kind) || self.allow_loss.contains("all")
    }
}

impl Plan {
    /// Goes on only when nothing is lost but what is allowed.
    ///
    /// # Errors
    /// [`Refused`](crate::ErrorKind::Refused), with what to do about it.
    pub fn check(&self, options: &Options) -> Result<()> {
        let Some(first) = self.refused.first() else { return Ok(()) };
        let other = match (options.format, options.encoder.dialect) {
            (Format::Cypherl, Dialect::Memgraph) => ", write it for Neo4j with --dialect neo4j,",
            _ => "",
        };
        let kind = first.kind;
        if kind == "type" {
            let hint = "write it as jsonl, which holds everything, or accept it with --allow-loss=type; a mapping brings the types back";
            return Err(Error::refused(format!("{} cannot hold the {}", self.system, first.what)).hint(hint));
        }
        let hint = format!("write it as jsonl, which holds everything{other} or leave it out with --allow-loss={kind}");
        Err(Error::refused(format!("{} cannot hold the {}", self.system, first.what)).hint(hint))
    }
}

/// Writes a feed as a dump. Nothing is left behind when it fails.
///
/// # Errors
/// [`Refused`](crate::ErrorKind::Refused) when the format cannot hold something; else what the source, the format or the output says.
pub fn dump(feed: &mut dyn Feed, output: Output, options: &Options, plan: Plan, watch: Watch<'_>) -> Result<Written> {
    plan.check(options)?;
    let mut chosen = options.encoder.clone();
    if feed.header().source.product == "neo4j" {
        chosen.database.clone_from(&feed.header().source.database);
    }
    if let Some(names) = feed.names() {
        chosen.taken_labels.clone_from(&names.labels);
        chosen.taken_properties.clone_from(&names.properties);
    }
    add_names(&plan.schema, &mut chosen);
    chosen.as_text = options.allows("type");
    chosen.any_name = options.allows("name");
    let total = feed.estimate().map(|(nodes, relationships)| nodes + relationships);
    let schema_losses = plan.losses.into_iter().filter(|loss| loss.kind != "value");
    let mut feed = Held { feed, schema: plan.schema };
    watch.tell(&Event::Step { what: "dumping", total });
    let mut written = match options.format.folder_encoder(&chosen, options.allows("value"))? {
        Some(mut encoder) => write_folder(&mut feed, &mut *encoder, output, watch)?,
        None => write_stream(&mut feed, output, options, &chosen, watch)?,
    };
    written.losses.extend(schema_losses);
    written.end.warnings.iter().for_each(|warning| watch.tell(&Event::Warning(warning)));
    Ok(written)
}

/// A schema may name labels and properties that no item has.
fn add_names(schema: &Schema, chosen: &mut EncoderOptions) {
    for object in &schema.objects {
        let (labels, properties) = match object {
            SchemaObject::Index(index) => (&index.labels[..], &index.properties),
            SchemaObject::Constraint(constraint) => (std::slice::from_ref(&constraint.label), &constraint.properties),
            _ => continue,
        };
        chosen.taken_labels.extend(labels.iter().cloned());
        chosen.taken_properties.extend(properties.iter().cloned());
    }
}

fn write_stream(
    feed: &mut dyn Feed,
    output: Output,
    options: &Options,
    chosen: &EncoderOptions,
    watch: Watch<'_>,
) -> Result<Written> {
    let (mut chosen, mut compression) = (chosen.clone(), options.compression);
    if options.format == Format::Archive {
        // Its members are compressed, each by itself, and not the whole.
        chosen.level = match std::mem::take(&mut compression) {
            Compression::Zstd(level) => Some(level),
            Compression::None => None,
            Compression::Gzip(_) => return Err(Error::usage("the members of an archive are compressed with zstd")),
        };
    }
    let encoder = options.format.encoder(&chosen)?;
    // Without leave to lose values the encoder itself refuses the first one, at no cost.
    let lossy = options.allows("value");
    let strip = if lossy { Strip::new(&encoder.capability(), true) } else { Strip::nothing() };
    let how = How { compression, jobs: options.jobs, strip, lossy };
    write(feed, &*encoder, output, &how, watch)
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
