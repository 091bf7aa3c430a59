//! `check`: reads a dump to its end without a database, and tells everything that is wrong with it, each thing with its place.
//!
//! What is structurally damaged (cut off, changed, no JSON, counts or checksum that disagree) stops the reading: what comes behind it cannot be
//! trusted. Everything else is collected: ids that come twice, relationships whose ends do not exist, and what named targets cannot hold. So
//! many of each kind are kept as [`Limits::told`] says, all are counted.
//!
//! It knows no file: lines come with the pieces, and [`offsets`] finds their bytes in a second reading.

mod held;
mod places;

use crate::error::{Error, ErrorKind, Position, Result};
use crate::feed::{Feed, pump};
use crate::format::Piece;
use crate::ids::IdSet;
use crate::model::shown::shown;
use crate::model::tally::Counter;
use crate::model::{Block, Capability, Class, Header, Item, Loss, Schema, Tally};
use crate::observe::Watch;
use held::Held;
pub use places::offsets;
use serde::Serialize;
use std::collections::BTreeMap;

/// What sort of thing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// The dump is cut off, changed or malformed; nothing behind this place was read.
    Damage,
    /// An id comes twice.
    DuplicateId,
    /// A relationship starts or ends at a node that the dump does not have.
    DanglingEnd,
    /// A target cannot hold a label, a type or a property key.
    Name,
    /// A target cannot hold a value.
    Value,
    /// A target cannot hold an item as a whole, or what items are to each other.
    Item,
    /// A target cannot hold an index, a constraint, a trigger or another object of the schema.
    Schema,
}

impl Kind {
    /// The word for it: `duplicate-id`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Damage => "damage",
            Self::DuplicateId => "duplicate-id",
            Self::DanglingEnd => "dangling-end",
            Self::Name => "name",
            Self::Value => "value",
            Self::Item => "item",
            Self::Schema => "schema",
        }
    }
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What sort of thing.
    pub kind: Kind,
    /// What is wrong, in words.
    pub message: String,
    /// The file of a dump that is a folder; empty otherwise.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// The line, from 1, where lines mean something.
    pub line: Option<u64>,
    /// Which item it is, from 1, nodes and relationships counted as one; for [`Kind::Schema`] which object of the schema.
    pub record: Option<u64>,
    /// The offset in the uncompressed dump, from 0, where it is known: of the line's first byte, or of the damage itself.
    pub byte: Option<u64>,
}

/// How much is told.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// So many findings of each kind are kept; all are counted.
    pub told: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { told: 100 }
    }
}

/// What a check has found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The head of the dump.
    pub header: Header,
    /// What was read.
    pub tally: Tally,
    /// Whether a trailer agreed with what was read; `false` for a format or a dump without one.
    pub is_proved: bool,
    /// What was found, in the order of the dump, with a limit a kind.
    pub findings: Vec<Finding>,
    /// How many of each kind there are.
    pub totals: BTreeMap<Kind, u64>,
    /// What the user should know and what is no mistake.
    pub warnings: Vec<String>,
    #[serde(skip)]
    limits: Limits,
}

impl Report {
    /// An empty report.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.totals.is_empty()
    }

    /// Notes damage: an error of kind [`Corrupt`](ErrorKind::Corrupt), with its place.
    pub fn damage(&mut self, error: &Error) {
        let position = error.position();
        let mut message = error.message().to_owned();
        let mut cause = std::error::Error::source(error);
        while let Some(next) = cause {
            message.push_str(&format!(": {next}"));
            cause = next.source();
        }
        self.add(Finding {
            kind: Kind::Damage,
            message,
            file: position.map(|position| position.file.clone()).unwrap_or_default(),
            line: position.map(|position| position.line).filter(|line| *line > 0),
            record: None,
            byte: position.and_then(|position| position.byte),
        });
    }

    /// Notes what a target cannot hold of the graph as a whole.
    pub fn unheld(&mut self, system: &str, loss: &Loss) {
        let message = format!("{system} cannot hold the {} ({} of them)", loss.what, loss.count);
        self.add(Finding { kind: Kind::Item, message, file: String::new(), line: None, record: None, byte: None });
    }

    /// Counts a finding; tells whether it is to be kept too.
    fn count(&mut self, kind: Kind) -> bool {
        let total = self.totals.entry(kind).or_default();
        *total += 1;
        *total <= self.limits.told as u64
    }

    fn add(&mut self, finding: Finding) {
        if self.count(finding.kind) {
            self.findings.push(finding);
        }
    }
}

/// Checks a dump, also for what `targets` can hold. Needs a bit a node and a bit a relationship.
///
/// # Errors
/// It cannot be read for another reason than damage, which is a finding: the disk fails, somebody asked to stop.
pub fn check(feed: &mut dyn Feed, targets: &[Capability], limits: Limits, watch: Watch<'_>) -> Result<Report> {
    let mut look = Look {
        report: Report { header: feed.header().clone(), ..Report::new(limits) },
        counter: Counter::default(),
        nodes: IdSet::default(),
        relationships: IdSet::default(),
        schema: feed.schema().clone(),
        held: targets.iter().map(Held::new).collect(),
        records: 0,
    };
    let read = pump(feed, watch, |pieces| pieces.into_iter().try_for_each(|piece| look.piece(piece)));
    match read {
        Ok(((), end)) => {
            look.report.is_proved = end.trailer.is_some();
            look.report.warnings = end.warnings;
            if end.changed == Some(true) {
                look.report.warnings.push("the database changed while it was dumped".to_owned());
            }
        }
        Err(error) if error.kind() == ErrorKind::Corrupt => look.report.damage(&error),
        Err(error) => return Err(error),
    }
    Ok(look.finish())
}

/// What is kept in mind while pieces come.
struct Look<'a> {
    report: Report,
    counter: Counter,
    nodes: IdSet,
    relationships: IdSet,
    schema: Schema,
    held: Vec<Held<'a>>,
    records: u64,
}

impl Look<'_> {
    fn piece(&mut self, piece: Piece) -> Result<()> {
        match piece {
            Piece::Block(block) => {
                self.counter.block(&block)?;
                self.ids(&block);
                let Self { report, held, records, .. } = self;
                for target in held {
                    target.block(&block, &mut |kind, item, message| {
                        let keep = report.count(kind);
                        if keep {
                            report.findings.push(placed(kind, &block, item, *records, message()));
                        }
                    })?;
                }
                self.records += block.len() as u64;
            }
            Piece::Object(object) => self.schema.objects.push(object),
            Piece::Statement(_) => self.counter.statement(),
            Piece::Existing { old, .. } => _ = self.nodes.insert(old),
        }
        Ok(())
    }

    fn ids(&mut self, block: &Block) {
        let Self { report, nodes, relationships, records, .. } = self;
        let mut note = |kind, item, message: &dyn Fn() -> String| {
            if report.count(kind) {
                report.findings.push(placed(kind, block, item, *records, message()));
            }
        };
        for (at, item) in block.items().iter().enumerate() {
            let known = if block.class() == Class::Nodes { &mut *nodes } else { &mut *relationships };
            if !known.insert(item.id) {
                let twice = || format!("{} id {} occurs twice", block.class().noun(), item.id);
                note(Kind::DuplicateId, (at, item), &twice);
            }
            if block.class() == Class::Relationships {
                for (verb, end) in [("starts", item.start), ("ends", item.end)] {
                    if !nodes.contains(end) {
                        let kind = || shown(block.kind(item).relationship_type()).into_owned();
                        let dangling = || {
                            let (id, kind) = (item.id, kind());
                            format!(
                                "relationship {id} of type {kind} {verb} at node {end}, which the dump does not have"
                            )
                        };
                        note(Kind::DanglingEnd, (at, item), &dangling);
                    }
                }
            }
        }
    }

    fn finish(mut self) -> Report {
        self.schema.objects.iter().for_each(|object| self.counter.object(object));
        for held in &self.held {
            for (at, object) in self.schema.objects.iter().enumerate() {
                if let Some(message) = held.object(object) {
                    let record = Some(at as u64 + 1);
                    let finding =
                        Finding { kind: Kind::Schema, message, file: String::new(), line: None, record, byte: None };
                    self.report.add(finding);
                }
            }
        }
        self.report.tally = self.counter.tally();
        self.report
    }
}

/// A finding about an item: its number in the block, and the item.
fn placed(kind: Kind, block: &Block, (at, item): (usize, &Item), before: u64, message: String) -> Finding {
    let Position { file, line, byte } = block.position(item).unwrap_or_default();
    let line = (line > 0).then_some(line);
    Finding { kind, message, file, line, record: Some(before + at as u64 + 1), byte }
}
