//! A graph on its way: the pieces of a database's snapshot or of a dump, in order, through a bounded channel.
//!
//! Both kinds of source look the same from here on, so that every verb is written once. [`pump`] runs the source on a thread of its own; the
//! consumer may be slower, the source then waits.

use crate::backend::{Names, Snapshot, ledger};
use crate::error::{Error, Result};
use crate::filter::Filter;
use crate::format::{Decoder, Piece};
use crate::model::header::Origin;
use crate::model::{Class, Consistency, Header, Kind, Schema, Trailer};
use crate::observe::{Event, Watch};
use crossbeam_channel::{Receiver, bounded};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How many pieces wait between two threads: what bounds the memory.
const WAITING: usize = 3;

/// What a source tells when it is through.
#[derive(Clone, Debug, Default)]
pub struct End {
    /// The trailer of a dump that has one.
    pub trailer: Option<Trailer>,
    /// Whether the source changed meanwhile; `None` where nobody can tell.
    pub changed: Option<bool>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// What could not be read, as far as it was not known before.
    pub missing: Vec<String>,
    /// Relationships that were left out since an end of theirs was.
    pub dangling: u64,
}

/// How much of a dump was read, in bytes as they lie on disk; it is counted while the feed runs.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Bytes so far.
    pub bytes: Arc<AtomicU64>,
    /// All of them; `None` for a stream.
    pub size: Option<u64>,
}

/// Where pieces come from.
pub trait Feed: Send {
    /// The head of the dump that this makes.
    fn header(&self) -> &Header;

    /// What is known of the schema before the data comes: all of a database's, none of a dump's.
    fn schema(&self) -> &Schema;

    /// The names that occur, if they are known before the data comes.
    fn names(&self) -> Option<&Names>;

    /// How many nodes and relationships will come, if known.
    fn estimate(&self) -> Option<(u64, u64)>;

    /// What errors call it: a dump's file; `None` for a database, whose errors name it themselves.
    fn name(&self) -> Option<&str> {
        None
    }

    /// Whether [`Feed::look`] works.
    fn is_repeatable(&self) -> bool {
        false
    }

    /// Pushes the same pieces as [`Feed::run`] once more than that, before it; says whether it did. Only a database's view can be read again and again.
    ///
    /// # Errors
    /// The source fails, or what `sink` says.
    fn look(&mut self, sink: &mut dyn FnMut(Piece) -> Result<()>) -> Result<bool> {
        let _ = sink;
        Ok(false)
    }

    /// How much of a dump was read by now, for progress; `None` where that is not counted.
    fn taken(&self) -> Option<Taken> {
        None
    }

    /// Pushes every piece but the schema that [`Feed::schema`] gives. An error of `sink` ends it and is returned.
    ///
    /// # Errors
    /// The source fails, or what `sink` says.
    fn run(&mut self, sink: &mut dyn FnMut(Piece) -> Result<()>) -> Result<End>;
}

/// Whatever is lent to somebody who wraps feeds.
impl<F: Feed + ?Sized> Feed for &mut F {
    fn header(&self) -> &Header {
        (**self).header()
    }

    fn schema(&self) -> &Schema {
        (**self).schema()
    }

    fn names(&self) -> Option<&Names> {
        (**self).names()
    }

    fn estimate(&self) -> Option<(u64, u64)> {
        (**self).estimate()
    }

    fn name(&self) -> Option<&str> {
        (**self).name()
    }

    fn is_repeatable(&self) -> bool {
        (**self).is_repeatable()
    }

    fn look(&mut self, sink: &mut dyn FnMut(Piece) -> Result<()>) -> Result<bool> {
        (**self).look(sink)
    }

    fn run(&mut self, sink: &mut dyn FnMut(Piece) -> Result<()>) -> Result<End> {
        (**self).run(sink)
    }
}

/// A database's snapshot as a feed.
pub struct SnapshotFeed<'a> {
    snapshot: Box<dyn Snapshot + 'a>,
    header: Header,
    schema: Schema,
    names: Names,
    estimate: Option<(u64, u64)>,
    filter: Filter,
    /// What was known to be missing before anything was read.
    missing: Vec<String>,
}

impl<'a> SnapshotFeed<'a> {
    /// Asks the snapshot for all that has to be known before the data.
    ///
    /// # Errors
    /// The database refuses.
    pub fn new(mut snapshot: Box<dyn Snapshot + 'a>, origin: Origin, filter: Filter) -> Result<Self> {
        let mut schema = if filter.wants_some_schema() { snapshot.schema()? } else { Schema::default() };
        schema.objects.retain(|object| filter.wants_object(object));
        let names = snapshot.names()?;
        let estimate = snapshot.estimate()?;
        let header = Header {
            tool: format!("graphferry {}", env!("CARGO_PKG_VERSION")),
            source: origin,
            created: now(),
            consistency: snapshot.consistency(),
            filters: filter.words(),
            absent: snapshot.absent(),
        };
        let missing = snapshot.missing();
        Ok(Self { snapshot, header, schema, names, estimate, filter, missing })
    }

    /// Pushes the data that `filter` wants.
    fn scan(&mut self, filter: &mut Filter, sink: &mut dyn FnMut(Piece) -> Result<()>) -> Result<()> {
        if filter.wants_data() {
            for class in [Class::Nodes, Class::Relationships] {
                self.snapshot.scan(class, &mut |mut block| {
                    filter.apply(&mut block)?;
                    if block.is_empty() { Ok(()) } else { sink(Piece::Block(block)) }
                })?;
            }
        }
        Ok(())
    }
}

impl Feed for SnapshotFeed<'_> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn names(&self) -> Option<&Names> {
        Some(&self.names)
    }

    fn estimate(&self) -> Option<(u64, u64)> {
        self.estimate
    }

    fn is_repeatable(&self) -> bool {
        true
    }

    fn look(&mut self, sink: &mut dyn FnMut(Piece) -> Result<()>) -> Result<bool> {
        let mut filter = self.filter.clone();
        self.scan(&mut filter, sink)?;
        Ok(true)
    }

    fn run(&mut self, sink: &mut dyn FnMut(Piece) -> Result<()>) -> Result<End> {
        // It has seen nothing yet: a copy of it costs nothing.
        let mut filter = self.filter.clone();
        self.scan(&mut filter, sink)?;
        let before = &self.missing;
        let changed = self.snapshot.finish()?;
        let missing = self.snapshot.missing().into_iter().filter(|missing| !before.contains(missing)).collect();
        Ok(End { changed, missing, dangling: filter.dangling(), ..End::default() })
    }
}

/// A dump as a feed.
pub struct DumpFeed {
    decoder: Box<dyn Decoder>,
    header: Header,
    none: Schema,
    name: String,
    filter: Filter,
    /// Whether it was just made by a server, whose database may have nodes of ours in it.
    fresh: bool,
    warnings: Vec<String>,
    taken: Option<Taken>,
}

impl DumpFeed {
    /// Reads a dump; `name` is what errors call it.
    #[must_use]
    pub fn new(decoder: Box<dyn Decoder>, name: &str, filter: Filter) -> Self {
        let mut header = decoder.header().clone();
        header.filters.extend(filter.words());
        let (none, name, warnings) = (Schema::default(), name.to_owned(), Vec::new());
        Self { decoder, header, none, name, filter, fresh: false, warnings, taken: None }
    }

    /// The same with what is read of it counted.
    #[must_use]
    pub fn counting(mut self, taken: Taken) -> Self {
        self.taken = Some(taken);
        self
    }

    /// The same for the dump that a server has just made of its database: `source` is what errors call it, `warning` what the user should know.
    #[must_use]
    pub fn from_server(mut self, source: &str, origin: Origin, consistency: Consistency, warning: &str) -> Self {
        self.header.tool = format!("graphferry {}", env!("CARGO_PKG_VERSION"));
        self.header.source = origin;
        self.header.created = now();
        self.header.consistency = consistency;
        source.clone_into(&mut self.name);
        self.fresh = true;
        self.warnings.push(warning.to_owned());
        self
    }
}

impl Feed for DumpFeed {
    fn header(&self) -> &Header {
        &self.header
    }

    fn schema(&self) -> &Schema {
        &self.none
    }

    fn names(&self) -> Option<&Names> {
        None
    }

    fn estimate(&self) -> Option<(u64, u64)> {
        None
    }

    fn name(&self) -> Option<&str> {
        Some(&self.name)
    }

    fn taken(&self) -> Option<Taken> {
        self.taken.clone()
    }

    fn run(&mut self, sink: &mut dyn FnMut(Piece) -> Result<()>) -> Result<End> {
        let name = self.name.clone();
        let named = |error: Error| error.in_file(&name);
        while let Some(piece) = self.decoder.next().map_err(named)? {
            match piece {
                Piece::Block(mut block) => {
                    if self.fresh && block.kinds().iter().any(is_ledger) {
                        block.retain(|kind, _| !is_ledger(kind));
                    }
                    if self.filter.wants_data() {
                        self.filter.apply(&mut block).map_err(named)?;
                        if !block.is_empty() {
                            sink(Piece::Block(block))?;
                        }
                    }
                }
                Piece::Object(object) if self.filter.wants_object(&object) => sink(Piece::Object(object))?,
                Piece::Object(_) => {}
                piece @ (Piece::Statement(_) | Piece::Existing { .. }) => sink(piece)?,
            }
        }
        let trailer = self.decoder.trailer().cloned();
        let changed = trailer.as_ref().and_then(|trailer| trailer.source_changed);
        let mut warnings = self.decoder.warnings();
        warnings.extend(self.warnings.iter().cloned());
        let dangling = self.filter.dangling() + self.decoder.dangling();
        Ok(End { trailer, changed, warnings, missing: Vec::new(), dangling })
    }
}

fn is_ledger(kind: &Kind) -> bool {
    kind.names().iter().any(|name| **name == *ledger::LABEL)
}

/// A dump that was read once already: its schema and names are known before its data.
pub struct KnownFeed<'a> {
    feed: Box<dyn Feed + 'a>,
    schema: Schema,
    names: Names,
    estimate: (u64, u64),
}

impl<'a> KnownFeed<'a> {
    /// Reads a dump again of which the survey told this.
    #[must_use]
    pub fn new(feed: Box<dyn Feed + 'a>, schema: Schema, names: Names, estimate: (u64, u64)) -> Self {
        Self { feed, schema, names, estimate }
    }
}

impl Feed for KnownFeed<'_> {
    fn header(&self) -> &Header {
        self.feed.header()
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn names(&self) -> Option<&Names> {
        Some(&self.names)
    }

    fn estimate(&self) -> Option<(u64, u64)> {
        Some(self.estimate)
    }

    fn name(&self) -> Option<&str> {
        self.feed.name()
    }

    fn taken(&self) -> Option<Taken> {
        self.feed.taken()
    }

    fn run(&mut self, sink: &mut dyn FnMut(Piece) -> Result<()>) -> Result<End> {
        self.feed.run(&mut |piece| match piece {
            Piece::Object(_) => Ok(()),
            piece => sink(piece),
        })
    }
}

/// The pieces of a feed that runs on another thread.
#[derive(Debug)]
pub struct Pieces {
    receive: Receiver<Piece>,
    whole: Arc<AtomicBool>,
}

impl Pieces {
    /// Whether the feed came to its proper end. Only meaningful after the last piece.
    #[must_use]
    pub fn are_whole(&self) -> bool {
        self.whole.load(Ordering::SeqCst)
    }
}

impl Iterator for Pieces {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        self.receive.recv().ok()
    }
}

/// Runs a feed on a thread of its own and gives its pieces to `consume`, which may stop early by returning an error.
///
/// # Errors
/// What `consume` says, else what the feed says; [`Interrupted`](crate::ErrorKind::Interrupted) if somebody asked to stop.
pub fn pump<T: Send>(
    feed: &mut dyn Feed,
    watch: Watch<'_>,
    consume: impl FnOnce(Pieces) -> Result<T>,
) -> Result<(T, End)> {
    let (send, receive) = bounded(WAITING);
    let name = feed.name().map(str::to_owned);
    let taken = feed.taken();
    std::thread::scope(|scope| {
        let whole = Arc::new(AtomicBool::new(false));
        let pieces = Pieces { receive, whole: Arc::clone(&whole) };
        let reading = scope.spawn(move || {
            let end = feed.run(&mut |piece| {
                watch.stop.check()?;
                let counted = match &piece {
                    Piece::Block(block) => Some((block.class(), block.len() as u64)),
                    _ => None,
                };
                // The consumer is gone only when it has an error of its own, which is told instead of this one.
                send.send(piece).map_err(|_| Error::failed("the consumer stopped"))?;
                if let Some((class, count)) = counted {
                    if let Some(Taken { bytes, size }) = &taken {
                        watch.tell(&Event::Bytes { taken: bytes.load(Ordering::Relaxed), size: *size });
                    }
                    watch.tell(&Event::Items { class, count });
                }
                Ok(())
            });
            // Before the channel closes, so that whoever sees its end sees this too.
            whole.store(end.is_ok(), Ordering::SeqCst);
            end.iter().flat_map(|end| &end.missing).for_each(|missing| watch.tell(&Event::Missing(missing)));
            drop(send);
            end
        });
        let consumed = consume(pieces);
        let read = reading.join().map_err(|_| Error::failed("the reading thread panicked"))?;
        match (consumed, read) {
            (Ok(value), Ok(end)) => Ok((value, end)),
            (Err(error), _) => Err(match (name, error.position()) {
                (Some(name), Some(_)) => error.in_file(&name),
                _ => error,
            }),
            (Ok(_), Err(error)) => Err(error),
        }
    })
}

/// Now, as ISO 8601 in UTC with seconds.
fn now() -> String {
    let now = jiff::Timestamp::now();
    now.round(jiff::Unit::Second).unwrap_or(now).to_string()
}
