//! What the ledger of a run says is done, for the run to go on with the rest.

use super::identity::Identity;
use super::work::Task;
use crate::backend::ledger::{CHANGES, old_ids};
use crate::backend::{Deed, Entry, Mark, Target};
use crate::error::{Error, Result};
use crate::model::{Block, Class};
use std::collections::BTreeMap;

/// Numbers of batches from here on tell who is who.
const NOTES: u64 = 1 << 40;

/// Pairs in one line about who is who.
const PAIRS: usize = 50_000;

/// Batches that are done, and forgotten when they have been asked for.
#[derive(Debug, Default)]
pub struct Done(BTreeMap<u64, Vec<Line>>);

/// What is kept of a line: no more than it takes to go on.
#[derive(Debug)]
struct Line {
    from: u64,
    items: u64,
    deed: Deed,
    old: u64,
    made: u64,
    /// Relationships that were changed.
    changed: u64,
    /// Ids of nodes that were created.
    ids: Vec<i64>,
}

/// What of a batch is done, and what is not.
#[derive(Debug, Default)]
pub struct Parts {
    /// Old and new ids of nodes that were created.
    pub bound: Vec<(i64, i64)>,
    /// Items that were created, or nodes that were changed.
    pub done: u64,
    /// Relationships that were changed.
    pub changed: u64,
    /// Items that lines of the ledger are about.
    pub items: u64,
    /// Ranges of items that are left to do.
    pub open: Vec<(usize, usize)>,
}

impl Done {
    /// Reads the ledger of a run: what is done, and who is who.
    ///
    /// # Errors
    /// The target fails, or a line is damaged.
    pub fn read(target: &mut dyn Target, run: &str) -> Result<(Self, Identity)> {
        let mut done = Self::default();
        let mut identity = Identity::default();
        target.entries(run, &mut |entry| {
            match entry.deed {
                Deed::Matches => pairs(&entry.ids).for_each(|(old, id)| identity.matched.bind(old, id)),
                Deed::Later => identity.later.extend(pairs(&entry.ids)),
                Deed::Nodes | Deed::Relationships | Deed::Updates => {
                    let Entry { from, items, deed, old, .. } = entry;
                    let made = entry.ids.len() as u64;
                    let ids = if deed == Deed::Nodes { entry.ids } else { Vec::new() };
                    let line = Line { from, items, deed, old, made, changed: 0, ids };
                    done.0.entry(entry.batch).or_default().push(line);
                }
                Deed::Changes => {
                    // It comes after the line that it stands beside.
                    let lines = entry.batch.checked_sub(CHANGES).and_then(|batch| done.0.get_mut(&batch));
                    let beside = lines.and_then(|lines| lines.iter_mut().find(|line| line.from == entry.from));
                    beside.into_iter().for_each(|line| line.changed = entry.ids.len() as u64);
                }
            }
            Ok(())
        })?;
        Ok((done, identity))
    }

    /// What of a batch is done.
    ///
    /// # Errors
    /// [`Refused`](crate::ErrorKind::Refused): its items are others than those of the ledger.
    pub fn parts(&mut self, number: u64, task: &Task) -> Result<Parts> {
        let mut parts = Parts::default();
        let Some(lines) = self.0.remove(&number) else { return Ok(parts) };
        let other = || {
            Error::refused(format!("batch {number} of the run held other items than it holds now"))
                .hint("give the very dump that the run began with, or undo the run")
        };
        let batch = task.block().ok_or_else(other)?;
        let deed = match task {
            Task::Nodes(_) => Deed::Nodes,
            task if task.is_of_relationships() => Deed::Relationships,
            _ => Deed::Updates,
        };
        let mut at = 0;
        for line in lines {
            let from = usize::try_from(line.from).map_err(|_| other())?;
            let to = from.checked_add(usize::try_from(line.items).map_err(|_| other())?).ok_or_else(other)?;
            if line.deed != deed || from < at || to > batch.len() || old_ids(&batch.slice(from..to)) != line.old {
                return Err(other());
            }
            if from > at {
                parts.open.push((at, from));
            }
            at = to;
            parts.items += line.items;
            parts.changed += line.changed;
            parts.done += if deed == Deed::Updates { line.items } else { line.made };
            if deed == Deed::Nodes {
                let items = batch.items().get(from..to).unwrap_or_default();
                parts.bound.extend(items.iter().map(|item| item.id).zip(line.ids));
            }
        }
        if at < batch.len() {
            parts.open.push((at, batch.len()));
        }
        Ok(parts)
    }
}

fn pairs(ids: &[i64]) -> impl Iterator<Item = (i64, i64)> {
    ids.chunks_exact(2).filter_map(|pair| match pair {
        [a, b] => Some((*a, *b)),
        _ => None,
    })
}

/// Writes down who is who, before anything is written that would change the answer.
///
/// # Errors
/// The target fails.
pub fn note(target: &mut dyn Target, run: &str, identity: &Identity) -> Result<()> {
    let mut number = NOTES;
    let mut result = Ok(());
    let mut write = |deed, ids: &mut Vec<i64>| {
        let mark = Mark { batch: number, from: 0, before: false };
        number += 1;
        let items = ids.len() as u64 / 2;
        let ids = std::mem::take(ids);
        target.enter(run, &Entry { ids, items, ..Entry::new(&mark, deed, &Block::new(Class::Nodes)) })
    };
    let mut ids = Vec::new();
    identity.matched.for_each(&mut |old, id| {
        ids.extend([old, id]);
        if ids.len() >= 2 * PAIRS && result.is_ok() {
            result = write(Deed::Matches, &mut ids);
        }
    });
    result?;
    if !ids.is_empty() {
        write(Deed::Matches, &mut ids)?;
    }
    for (old, first) in &identity.later {
        ids.extend([*old, *first]);
        if ids.len() >= 2 * PAIRS {
            write(Deed::Later, &mut ids)?;
        }
    }
    if !ids.is_empty() {
        write(Deed::Later, &mut ids)?;
    }
    Ok(())
}
