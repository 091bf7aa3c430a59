//! HugeGraph's shape, wherever a graph goes into it or comes out: the verbs ask here what to put around a feed.

use super::{Context, reading, text};
use crate::backend::Location;
use crate::error::Result;
use crate::feed::Feed;
use crate::format::Format;
use crate::observe::{Event, Observer as _};
use crate::shape::{Backward, Entries, Forward, Mapping, infer};
use clap::Args;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// The option of the verbs that write.
#[derive(Args, Clone, Default)]
#[group(skip)]
pub(super) struct Options {
    /// Write what HugeGraph cannot hold so that it comes back exactly: labels together, mixed types, odd values, the schema
    #[arg(long, help_heading = "HugeGraph")]
    reversible: bool,
}

/// The same for verbs that have no `--mapping` of their own.
#[derive(Args, Clone, Default)]
#[group(skip)]
pub(super) struct Alone {
    /// A file that says under [hugegraph] what becomes of a graph in HugeGraph (graphferry map writes that)
    #[arg(long, value_name = "FILE", help_heading = "HugeGraph")]
    mapping: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

/// What is done to a graph on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It gets HugeGraph's shape.
    Forward,
    /// It gets back the shape that it had before it got HugeGraph's.
    Backward,
    /// It stays as it is: the other side holds everything.
    Straight,
}

/// What a database asks for.
pub(super) fn into_database(location: &Location) -> Way {
    match location {
        Location::HugeGraph(_) => Way::Forward,
        Location::Sqlite(_) => Way::Straight,
        _ => Way::Backward,
    }
}

/// What a format asks for.
pub(super) fn into_format(format: Format) -> Way {
    match format {
        Format::HugeGraph => Way::Forward,
        Format::Jsonl | Format::Archive => Way::Straight,
        _ => Way::Backward,
    }
}

/// What has been decided for a graph; it goes around each of its feeds.
pub(super) enum Shaping {
    Forward(Arc<Mapping>),
    Backward,
    Straight,
}

impl Shaping {
    /// Puts what is needed around a feed.
    pub(super) fn around<'a>(&self, feed: Box<dyn Feed + 'a>) -> Result<Box<dyn Feed + 'a>> {
        Ok(match self {
            Self::Forward(mapping) => Box::new(Forward::new(feed, Arc::clone(mapping))),
            Self::Backward => Box::new(Backward::new(feed)?),
            Self::Straight => feed,
        })
    }
}

/// What the user allows, and whether anything is to be written.
pub(super) struct Leave<'a> {
    /// Kinds of losses.
    pub(super) allow_loss: &'a BTreeSet<String>,
    /// Nothing is to be written: what was inferred is printed.
    pub(super) dry_run: bool,
}

impl Options {
    /// Decides. For the way into HugeGraph a feed of the graph is opened and read.
    pub(super) fn decide<'a>(
        &self,
        way: Way,
        open: &dyn Fn() -> Result<Box<dyn Feed + 'a>>,
        entries: &Entries,
        leave: &Leave<'_>,
        context: &Context,
    ) -> Result<Shaping> {
        match way {
            Way::Straight => Ok(Shaping::Straight),
            Way::Backward => Ok(Shaping::Backward),
            Way::Forward => self.infer(&mut *open()?, entries, leave, context),
        }
    }

    fn infer(&self, feed: &mut dyn Feed, entries: &Entries, leave: &Leave<'_>, context: &Context) -> Result<Shaping> {
        let total = feed.estimate().map(|(nodes, relationships)| nodes + relationships);
        context.progress.event(&Event::Step { what: "inferring a schema", total });
        let mapping = infer(feed, entries, self.reversible, context.watch())?;
        if leave.dry_run && !mapping.is_identity {
            context.progress.clear();
            text::print(&text::printable(&mapping.to_string()))?;
        }
        mapping.check(leave.allow_loss)?;
        Ok(Shaping::Forward(Arc::new(mapping)))
    }
}

impl Alone {
    /// The same for the view of a database, which can be read again afterwards.
    pub(super) fn decide(
        &self,
        way: Way,
        feed: &mut dyn Feed,
        leave: &Leave<'_>,
        context: &Context,
    ) -> Result<Shaping> {
        match way {
            Way::Straight => Ok(Shaping::Straight),
            Way::Backward => Ok(Shaping::Backward),
            Way::Forward => {
                let entries = reading::entries(self.mapping.as_deref())?;
                self.options.infer(feed, &entries, leave, context)
            }
        }
    }
}
