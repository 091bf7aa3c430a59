//! `undo` and `runs`: what the ledger of a run is good for afterwards.
//!
//! Relationships are put back and go first, then nodes are put back, the last change first, then nodes go. Each batch is taken back in one transaction with its line of
//! the ledger, so an undo that is cut off goes on where it was. What does not look as the run left it was changed by somebody since, or is another item
//! that got the same id: it stays, unless it is forced.

use super::merge::{self, no_run, wake};
use super::run::{Record, State};
use crate::backend::ledger::Printer;
use crate::backend::{Deed, Entry, Place, Purpose, Session, Target};
use crate::error::{Error, Result};
use crate::model::{Block, Class, Cursor, Kind};
use crate::observe::{Event, Watch};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Lines of the ledger that are held at once.
const LINES: usize = 200;

/// What an undo did.
#[must_use = "it says whether everything was taken back"]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// Nodes that were removed.
    pub nodes: u64,
    /// Relationships that were removed.
    pub relationships: u64,
    /// Nodes that are again what they were.
    pub put_back: u64,
    /// Relationships that are again what they were.
    pub relationships_put_back: u64,
    /// Indexes, constraints and triggers that were removed.
    pub schema: u64,
    /// Items that were left: somebody has changed them since, or joined something to them.
    pub kept: u64,
    /// Items that were gone already.
    pub gone: u64,
}

impl Undone {
    /// What both did.
    fn and(self, other: Self) -> Self {
        Self {
            nodes: self.nodes + other.nodes,
            relationships: self.relationships + other.relationships,
            put_back: self.put_back + other.put_back,
            relationships_put_back: self.relationships_put_back + other.relationships_put_back,
            schema: self.schema + other.schema,
            kept: self.kept + other.kept,
            gone: self.gone + other.gone,
        }
    }
}

impl fmt::Display for Undone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "removed {} nodes and {} relationships", self.nodes, self.relationships)?;
        for (count, what) in [
            (self.put_back, "changes of nodes put back"),
            (self.relationships_put_back, "changes of relationships put back"),
            (self.schema, "schema objects removed"),
            (self.gone, "items were gone already"),
            (
                self.kept,
                "items left: they were changed since, or have other relationships now (--force takes them back too)",
            ),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}

/// Takes a run back.
///
/// # Errors
/// There is no such run, or it changed nodes and did not keep what they were, or batches of it were cut off that left no line: then nothing was done. Or the target fails: then it can be called again.
pub fn undo(target: &mut dyn Target, run: &str, force: bool, watch: Watch<'_>) -> Result<Undone> {
    let mut record = find(target, run)?;
    if record.state == State::Forgetting {
        return Err(Error::refused(format!("the run {run} is over and its ledger was removed: it cannot be undone")));
    }
    if record.state == State::Restoring {
        return Err(merge::cut_off(run, target.facts()?.resumes_restores));
    }
    let epoch = target.fence(run, 1)?;
    let changes = |entry: &Entry| matches!(entry.deed, Deed::Updates | Deed::Changes) && entry.items > 0;
    if !first(target, run, 1, &|entry| changes(entry) && entry.before.is_empty())?.is_empty() {
        return Err(Error::refused(format!(
            "the run {run} changed nodes or relationships that were there and did not keep what they were"
        ))
        .hint("only a run with --undoable can put them back; nothing was undone"));
    }
    let unsettled = if force { 0 } else { target.unsettled(run)? };
    if unsettled > 0 {
        return Err(Error::refused(format!(
            "{unsettled} batches of the run {run} were cut off: nobody knows what of them is in the target"
        ))
        .hint(format!(
            "go on with --resume {run} and the dump, then nothing of it will be left; --force takes back the rest"
        )));
    }
    record.state = State::Undoing;
    target.record(run, &record.write()?)?;
    watch.tell(&Event::Step { what: "undoing", total: None });
    let mut undone = Undone::default();
    let there = target.facts()?.schema.objects;
    // A label of HugeGraph takes all its rows along, and somebody may have added some since.
    for object in record.create.iter().rev().filter(|object| !crate::hugegraph::schema::is_ours(object)) {
        if let Some(object) = there.iter().find(|known| known.is_same_as(object)) {
            target.remove(object)?;
            undone.schema += 1;
        }
    }
    target.prepare(Purpose::Merge)?;
    let taken_back = take_back(target, &Place { run: run.to_owned(), lane: 0, epoch }, force, undone, watch);
    let concluded = target.conclude();
    let undone = taken_back?;
    concluded?;
    wake(target, run, &mut record)?;
    target.forget(run)?;
    Ok(undone)
}

fn take_back(target: &mut dyn Target, place: &Place, force: bool, undone: Undone, watch: Watch<'_>) -> Result<Undone> {
    let mut first = Work::begin(target, place, force)?;
    first.undone = undone;
    let mut others =
        (1..target.undo_sessions()).map(|_| Work::begin(target, place, force)).collect::<Result<Vec<_>>>()?;
    first.put_back_all(target, &place.run, Deed::Changes, watch)?;
    first.remove_all(&mut others, target, &place.run, Deed::Relationships, watch)?;
    first.put_back_all(target, &place.run, Deed::Updates, watch)?;
    first.remove_all(&mut others, target, &place.run, Deed::Nodes, watch)?;
    first.session.sweep()?;
    Ok(others.into_iter().fold(first.undone, |all, other| all.and(other.undone)))
}

/// Every run with its record, the newest last.
///
/// # Errors
/// The target fails, or a record is damaged.
pub fn runs(target: &mut dyn Target) -> Result<Vec<(String, Record)>> {
    let read = |(run, text): (String, String)| {
        let record = Record::read(&run, &text)?;
        Ok((run, record))
    };
    target.runs()?.into_iter().map(read).collect()
}

/// Removes the ledger of a run and keeps what it did; triggers that it stopped are started again.
///
/// # Errors
/// There is no such run, or the target fails.
pub fn forget(target: &mut dyn Target, run: &str) -> Result<()> {
    let mut record = find(target, run)?;
    target.fence(run, 1)?;
    wake(target, run, &mut record)?;
    merge::forget(target, run, &mut record)
}

fn find(target: &mut dyn Target, run: &str) -> Result<Record> {
    let found = runs(target)?.into_iter().find(|(known, _)| known == run);
    found.map(|(_, record)| record).ok_or_else(|| no_run(run))
}

/// The first lines that pass.
fn first(target: &mut dyn Target, run: &str, limit: usize, wanted: &dyn Fn(&Entry) -> bool) -> Result<Vec<Entry>> {
    let mut found = Vec::new();
    let enough = || Error::failed("enough");
    let read = target.entries(run, &mut |entry| {
        if wanted(&entry) {
            found.push(entry);
        }
        if found.len() >= limit { Err(enough()) } else { Ok(()) }
    });
    match read {
        Err(_) if found.len() >= limit => Ok(found),
        read => read.map(|()| found),
    }
}

struct Work {
    session: Box<dyn Session>,
    printer: Printer,
    force: bool,
    undone: Undone,
}

impl Work {
    fn begin(target: &mut dyn Target, place: &Place, force: bool) -> Result<Self> {
        let mut session = target.session()?;
        session.enlist(place)?;
        Ok(Self { session, printer: Printer::default(), force, undone: Undone::default() })
    }

    /// Removes what lines are about, whoever is free taking the next one.
    fn remove_all(
        &mut self,
        others: &mut [Self],
        target: &mut dyn Target,
        run: &str,
        deed: Deed,
        watch: Watch<'_>,
    ) -> Result<()> {
        loop {
            let lines = first(target, run, LINES, &|entry| entry.deed == deed)?;
            if lines.is_empty() {
                return Ok(());
            }
            let next = AtomicUsize::new(0);
            let take = |work: &mut Self| -> Result<()> {
                while let Some(line) = lines.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let removed = watch.stop.check().and_then(|()| work.remove(line, watch));
                    // Nothing new is begun after a failure.
                    removed.inspect_err(|_| next.store(lines.len(), Ordering::Relaxed))?;
                }
                Ok(())
            };
            std::thread::scope(|scope| {
                let others: Vec<_> = others.iter_mut().map(|other| scope.spawn(|| take(other))).collect();
                let done = take(self);
                others.into_iter().fold(done, |done, other| {
                    done.and(other.join().unwrap_or_else(|_| Err(Error::failed("a session has broken down"))))
                })
            })?;
        }
    }

    fn remove(&mut self, entry: &Entry, watch: Watch<'_>) -> Result<()> {
        let class = if entry.deed == Deed::Nodes { Class::Nodes } else { Class::Relationships };
        let found = self.session.read(class, &entry.ids)?;
        let (ours, changed) = self.sort_out(entry, &found)?;
        let deleted = self.session.delete(class, &ours, self.force, entry)?;
        self.undone.kept += changed + (ours.len() as u64).saturating_sub(deleted);
        self.undone.gone += (entry.ids.len() as u64).saturating_sub(found.len() as u64);
        match class {
            Class::Nodes => self.undone.nodes += deleted,
            Class::Relationships => self.undone.relationships += deleted,
        }
        watch.tell(&Event::Items { class, count: deleted });
        Ok(())
    }

    /// Those items that are as the run left them, and how many are not.
    fn sort_out(&mut self, entry: &Entry, found: &Block) -> Result<(Vec<i64>, u64)> {
        let prints: FxHashMap<i64, u32> = entry.ids.iter().copied().zip(entry.prints.iter().copied()).collect();
        let mut ours = Vec::new();
        let mut changed = 0;
        for item in found.items() {
            let print = self.printer.print(found, item)?;
            if self.force || prints.get(&item.id) == Some(&print) {
                ours.push(item.id);
            } else {
                changed += 1;
            }
        }
        Ok((ours, changed))
    }

    fn put_back_all(&mut self, target: &mut dyn Target, run: &str, deed: Deed, watch: Watch<'_>) -> Result<()> {
        let mut keys = Vec::new();
        target.entries(run, &mut |entry| {
            if entry.deed == deed {
                keys.push((entry.batch, entry.from));
            }
            Ok(())
        })?;
        for keys in keys.rchunks(LINES) {
            let Some(from) = keys.first() else { continue };
            let in_chunk = |entry: &Entry| entry.deed == deed && (entry.batch, entry.from) >= *from;
            // Later ones are struck already.
            let mut lines = first(target, run, usize::MAX, &in_chunk)?;
            lines.reverse();
            for line in lines {
                watch.stop.check()?;
                self.put_back(&line)?;
            }
        }
        Ok(())
    }

    fn put_back(&mut self, entry: &Entry) -> Result<()> {
        let class = if entry.deed == Deed::Updates { Class::Nodes } else { Class::Relationships };
        let found = self.session.read(class, &entry.ids)?;
        let (ours, changed) = self.sort_out(entry, &found)?;
        let mut items = Block::new(class);
        let chosen: FxHashSet<i64> = ours.iter().copied().collect();
        let mut cursor = Cursor::new(&entry.before);
        for id in &entry.ids {
            let names = cursor.list()?;
            let names = (0..names).map(|_| cursor.string()).collect::<Result<Vec<_>>>()?;
            let properties = cursor.raw()?;
            if chosen.contains(id) {
                let kind = items.intern(&Kind::labels(names));
                items.buffer().extend_from_slice(properties);
                items.push(*id, *id, 0, kind, 0);
            }
        }
        self.session.put_back(&items, entry)?;
        match class {
            Class::Nodes => self.undone.put_back += ours.len() as u64,
            Class::Relationships => self.undone.relationships_put_back += ours.len() as u64,
        }
        self.undone.kept += changed;
        self.undone.gone += (entry.ids.len() as u64).saturating_sub(found.len() as u64);
        Ok(())
    }
}
