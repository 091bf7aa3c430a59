//! The sessions' threads: a batch is sent until it is in, refused, or taken apart.
//!
//! A passing failure is tried again with growing, random pauses. Where the answer to COMMIT was lost, the line of the ledger says what happened; without
//! a ledger nobody can know. With a quarantine a refused batch is halved until the items are alone that the target does not take.

use crate::backend::{Mark, Once, Session, Update};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::format::Statement;
use crate::model::{Block, Item};
use crossbeam_channel::{Receiver, Sender};
use std::time::Duration;

/// A batch is sent so often in all before its passing failure counts as lasting.
const ATTEMPTS: u32 = 12;

/// What is to be done.
#[derive(Debug)]
pub enum Task {
    /// Nodes to create.
    Nodes(Block),
    /// Nodes to change: their ids in the target are the items' starts.
    Update(Block, Update),
    /// Properties of nodes that hold ids: like an update, of nodes that are counted already.
    Refer(Block, Update),
    /// Relationships to create.
    Relationships(Block, Once),
    /// Relationships to create where the target keeps one in each place: those that are there are changed, or left.
    Join(Block, Option<Update>),
    /// A statement to run.
    Statement(Statement),
}

impl Task {
    /// The batch; `None` for a statement.
    #[must_use]
    pub fn block(&self) -> Option<&Block> {
        match self {
            Self::Nodes(block)
            | Self::Update(block, _)
            | Self::Refer(block, _)
            | Self::Relationships(block, _)
            | Self::Join(block, _) => Some(block),
            Self::Statement(_) => None,
        }
    }

    /// Whether it creates relationships.
    #[must_use]
    pub fn is_of_relationships(&self) -> bool {
        matches!(self, Self::Relationships(..) | Self::Join(..))
    }

    /// How many items it has.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.block().map_or(1, |block| block.len() as u64)
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its items in a range.
    #[must_use]
    pub fn slice(&self, from: usize, to: usize) -> Self {
        match self {
            Self::Nodes(block) => Self::Nodes(block.slice(from..to)),
            Self::Update(block, how) => Self::Update(block.slice(from..to), *how),
            Self::Refer(block, how) => Self::Refer(block.slice(from..to), *how),
            Self::Relationships(block, once) => Self::Relationships(block.slice(from..to), *once),
            Self::Join(block, how) => Self::Join(block.slice(from..to), *how),
            Self::Statement(statement) => Self::Statement(statement.clone()),
        }
    }
}

/// A task on its way.
#[derive(Debug)]
pub struct Job {
    /// The task.
    pub task: Task,
    /// Its line of the ledger.
    pub mark: Option<Mark>,
    /// Whether it is in the lane of supernodes.
    pub in_lane: bool,
}

/// An item that the target refused.
#[derive(Debug)]
pub struct Rejected {
    /// Its place in the task's batch.
    pub at: usize,
    /// What the target said.
    pub reason: String,
}

/// What came out.
#[derive(Debug)]
pub struct Outcome {
    /// The job.
    pub job: Job,
    /// How often something was sent again.
    pub retries: u64,
    /// Old and new ids of nodes that were created.
    pub bound: Vec<(i64, i64)>,
    /// Items that were created, or nodes that were changed.
    pub done: u64,
    /// Relationships that were changed.
    pub changed: u64,
    /// Items that the target refused.
    pub rejected: Vec<Rejected>,
    /// Why it failed.
    pub result: Result<()>,
}

/// Does jobs until there are no more.
pub fn work(mut session: Box<dyn Session>, quarantine: bool, jobs: &Receiver<Job>, outcomes: &Sender<Outcome>) {
    for job in jobs {
        let mut work =
            Work { session: &mut *session, retries: 0, bound: Vec::new(), done: 0, changed: 0, rejected: Vec::new() };
        let result = work.settle(&job.task, job.mark, quarantine, 0).map_err(|error| locate(error, &job.task));
        let Work { retries, bound, done, changed, rejected, .. } = work;
        if outcomes.send(Outcome { job, retries, bound, done, changed, rejected, result }).is_err() {
            break;
        }
    }
}

struct Work<'a> {
    session: &'a mut dyn Session,
    retries: u64,
    bound: Vec<(i64, i64)>,
    done: u64,
    changed: u64,
    rejected: Vec<Rejected>,
}

impl Work<'_> {
    /// Does a task; with `quarantine` takes it apart where the target refuses it. `base` is its first item's place in the whole batch.
    fn settle(&mut self, task: &Task, mark: Option<Mark>, quarantine: bool, base: usize) -> Result<()> {
        let error = match self.insist(task, mark.as_ref()) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let size = task.block().map_or(0, Block::len);
        // References are a part of nodes that are in: no dump can say that part.
        let may_reject = quarantine && !matches!(task, Task::Refer(..)) && is_refusal(&error) && size > 0;
        let halve = size > 1 && is_too_much(&error);
        if !may_reject && !halve {
            return Err(error);
        }
        if size == 1 {
            self.rejected.push(Rejected { at: base, reason: error.report() });
            return Ok(());
        }
        let half = size / 2;
        for (from, to) in [(0, half), (half, size)] {
            let mark = mark.map(|mark| Mark { from: mark.from + from as u64, ..mark });
            self.settle(&task.slice(from, to), mark, quarantine, base + from)?;
        }
        Ok(())
    }

    /// Does a task, again and again as long as that may help.
    fn insist(&mut self, task: &Task, mark: Option<&Mark>) -> Result<()> {
        let mut attempt = 1;
        let mut doubt = false;
        loop {
            let result = if doubt { self.resolve(task, mark) } else { self.once(task, mark) };
            let Err(error) = result else { return Ok(()) };
            let again = match error.retry() {
                Retry::Again => true,
                Retry::Unknown => mark.is_some(),
                // Only asking what became of it: the batch itself may be in.
                Retry::Never => doubt && error.kind() == ErrorKind::Unreachable,
            };
            doubt = mark.is_some() && (doubt || error.retry() == Retry::Unknown);
            if !again || attempt >= ATTEMPTS {
                return Err(if doubt { error.retrying(Retry::Unknown) } else { error });
            }
            std::thread::sleep(pause(attempt));
            attempt += 1;
            self.retries += 1;
        }
    }

    /// After a lost answer: whether the batch is in; if not, it is sent again.
    fn resolve(&mut self, task: &Task, mark: Option<&Mark>) -> Result<()> {
        let Some(mark) = mark else { return Err(Error::failed("a batch is in doubt and has no mark")) };
        match self.session.find(mark)? {
            None => self.once(task, Some(mark)),
            Some(entry) => {
                self.done += if matches!(task, Task::Update(..) | Task::Refer(..)) {
                    entry.items
                } else {
                    entry.ids.len() as u64
                };
                if let Task::Nodes(batch) = task {
                    self.bound.extend(batch.items().iter().map(|item| item.id).zip(entry.ids));
                }
                if matches!(task, Task::Join(..)) {
                    let changes = self.session.find(&mark.of_changes())?;
                    self.changed += changes.map_or(0, |changes| changes.ids.len() as u64);
                }
                Ok(())
            }
        }
    }

    fn once(&mut self, task: &Task, mark: Option<&Mark>) -> Result<()> {
        match task {
            Task::Nodes(batch) => {
                let mut ids = Vec::with_capacity(batch.len());
                self.session.nodes(batch, mark, &mut ids)?;
                if ids.len() != batch.len() {
                    let message = format!("the target gave {} ids for a batch of {} nodes", ids.len(), batch.len());
                    return Err(Error::failed(message));
                }
                self.done += ids.len() as u64;
                self.bound.extend(batch.items().iter().map(|item| item.id).zip(ids));
            }
            Task::Update(batch, how) | Task::Refer(batch, how) => {
                let found = self.session.update(batch, *how, mark)?;
                expect(found, batch.len(), "changed", "nodes")?;
                self.done += found;
            }
            Task::Relationships(batch, once) => {
                let created = self.session.relationships(batch, *once, mark)?;
                if *once == Once::Always {
                    expect(created, batch.len(), "created", "relationships")?;
                }
                self.done += created;
            }
            Task::Join(batch, how) => {
                let [created, changed] = self.session.join(batch, *how, mark)?;
                self.done += created;
                self.changed += changed;
            }
            Task::Statement(statement) => {
                self.session.statement(&statement.text)?;
                self.done += 1;
            }
        }
        Ok(())
    }
}

fn expect(done: u64, size: usize, verb: &str, noun: &str) -> Result<()> {
    if done == size as u64 {
        return Ok(());
    }
    Err(Error::failed(format!("the target {verb} {done} of a batch of {size} {noun}"))
        .hint("something else deletes nodes from the target meanwhile"))
}

/// Whether the target refuses what it was given, and not just now: a violated constraint, a value that it cannot hold.
fn is_refusal(error: &Error) -> bool {
    let about_data = |code: &str| {
        ["Neo.ClientError.Schema.", "Neo.ClientError.Statement.", "Memgraph.ClientError.", "HugeGraph."]
            .iter()
            .any(|start| code.starts_with(start))
    };
    error.kind() == ErrorKind::Server && error.retry() == Retry::Never && error.server_code().is_none_or(about_data)
}

/// Whether a batch took more time or memory than the server allows (the texts are Memgraph's): half of it may do.
fn is_too_much(error: &Error) -> bool {
    let text = error.message();
    error.kind() == ErrorKind::Server
        && error.retry() == Retry::Never
        && (text.starts_with("Memory limit exceeded") || text.contains("because of transaction timeout"))
}

/// Says which batch failed: the line of its first item.
fn locate(error: Error, task: &Task) -> Error {
    let position = match task {
        Task::Statement(statement) => Some(crate::Position::line(statement.line)),
        _ => task.block().and_then(|block| block.items().first().and_then(|item| block.position(item))),
    };
    match position {
        Some(position) => error.at(position),
        None => error,
    }
}

/// The same error, with the place of an item.
#[must_use]
pub fn placed(error: Error, block: &Block, item: &Item) -> Error {
    match block.position(item) {
        Some(position) => error.at(position),
        None => error,
    }
}

/// From 5 ms to a second, doubled each time, a random half of it.
fn pause(retries: u32) -> Duration {
    let most = 5_u64 << retries.min(8);
    let random = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |now| now.subsec_nanos());
    Duration::from_millis(most / 2 + u64::from(random) % (most / 2 + 1))
}
