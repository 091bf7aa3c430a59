//! The data's way into a target: batches on several sessions, ids bound on the way.
//!
//! One coordinator (the calling thread) cuts batches, binds ends through the [`IdMap`] and counts; each session has a thread. Between
//! nodes and relationships stands a barrier: an end is looked up only when every node before it has its new id. So no more than two batches
//! a session are under way, and whatever happens, the counts say what the target has acknowledged.

use super::batch::Batches;
use super::plan::{Plan, unknown_statements};
use super::report::Report;
use crate::backend::{Schedule, Session};
use crate::error::{Error, Result, Retry};
use crate::format::{Piece, Statement};
use crate::ids::IdMap;
use crate::model::{Block, Capability, Class, SchemaObject};
use crate::strip::Strip;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::time::Duration;

/// A batch is sent so often in all before its passing failure counts as lasting.
const ATTEMPTS: u32 = 12;

enum Job {
    Nodes(Block),
    Relationships(Block),
    Statement(Statement),
}

struct Outcome {
    class: Option<Class>,
    size: u64,
    retries: u64,
    /// Old and new ids of a batch of nodes.
    ids: Vec<(i64, i64)>,
    result: Result<()>,
}

/// What is left when the data is in.
pub struct Loaded {
    /// Schema objects that came with the data.
    pub late: Vec<SchemaObject>,
    /// Where the nodes went.
    pub ids: IdMap,
}

/// Writes every piece of a stream. `report` counts what happens, also when it ends in an error.
///
/// # Errors
/// The first failure: of a batch (with its place), of an end that does not exist, of an id that comes twice.
pub fn load(
    pieces: &Receiver<Piece>,
    sessions: Vec<Box<dyn Session>>,
    plan: &Plan,
    capability: &Capability,
    report: &mut Report,
) -> Result<Loaded> {
    let limit = sessions.len() * 2;
    let (send_job, receive_job) = bounded(limit);
    let (send_outcome, receive_outcome) = bounded(limit);
    std::thread::scope(|scope| {
        for session in sessions {
            let (jobs, outcomes) = (receive_job.clone(), send_outcome.clone());
            scope.spawn(move || work(session, &jobs, &outcomes));
        }
        drop((receive_job, send_outcome));
        let sorted = plan.schedule == Schedule::Sorted;
        let mut loader = Loader {
            jobs: send_job,
            outcomes: receive_outcome,
            limit,
            under_way: 0,
            ids: IdMap::default(),
            nodes: Batches::new(Class::Nodes, plan.batch, false),
            relationships: Batches::new(Class::Relationships, plan.batch, sorted),
            sorted,
            late: Vec::new(),
            strip: if plan.is_free_of_lost_values() {
                Strip::nothing()
            } else {
                Strip::new(capability, plan.allows("value"))
            },
            allow_statements: plan.allow_statements,
            report,
        };
        let result = loader.run(pieces);
        // What is under way is counted also after a failure.
        let rest = loader.barrier();
        result.and(rest)?;
        Ok(Loaded { late: loader.late, ids: loader.ids })
    })
}

struct Loader<'a> {
    jobs: Sender<Job>,
    outcomes: Receiver<Outcome>,
    limit: usize,
    under_way: usize,
    ids: IdMap,
    nodes: Batches,
    relationships: Batches,
    sorted: bool,
    late: Vec<SchemaObject>,
    strip: Strip,
    allow_statements: bool,
    report: &'a mut Report,
}

impl Loader<'_> {
    fn run(&mut self, pieces: &Receiver<Piece>) -> Result<()> {
        for piece in pieces {
            match piece {
                Piece::Block(block) => {
                    let block = self.strip.apply(block, &mut self.report.losses)?;
                    match block.class() {
                        Class::Nodes => self.add_nodes(&block)?,
                        Class::Relationships => self.add_relationships(&block)?,
                    }
                }
                Piece::Object(object) => self.late.push(object),
                Piece::Statement(statement) => {
                    if !self.allow_statements {
                        return Err(unknown_statements(1).at(crate::Position::line(statement.line)));
                    }
                    // It may touch what stands before it, and what comes after may touch its work.
                    self.flush()?;
                    self.dispatch(Job::Statement(statement))?;
                    self.barrier()?;
                }
            }
        }
        self.flush()
    }

    fn add_nodes(&mut self, block: &Block) -> Result<()> {
        self.flush_relationships()?;
        let places = self.nodes.places(block);
        for item in block.items() {
            if !self.ids.reserve(item.id) {
                return Err(placed(Error::corrupt(format!("node id {} occurs twice", item.id)), block, item));
            }
            self.report.nodes.read += 1;
            let Some(place) = places.get(item.kind as usize) else { continue };
            if let Some(batch) = self.nodes.add(block, item, *place, 0, 0) {
                self.dispatch(Job::Nodes(batch))?;
            }
        }
        while self.nodes.is_over_full() {
            let Some(batch) = self.nodes.relieve() else { break };
            self.dispatch(Job::Nodes(batch))?;
        }
        Ok(())
    }

    fn add_relationships(&mut self, block: &Block) -> Result<()> {
        self.flush_nodes()?;
        let places = self.relationships.places(block);
        for item in block.items() {
            let (start, end) = (self.ids.find(item.start), self.ids.find(item.end));
            let (Some(start), Some(end)) = (start, end) else {
                let (end, missing) = if start.is_none() { ("starts", item.start) } else { ("ends", item.end) };
                let kind = block.kind(item).relationship_type();
                let error =
                    format!("a relationship of type {kind:?} {end} at node {missing}, which the dump does not have");
                return Err(placed(Error::corrupt(error), block, item));
            };
            self.report.relationships.read += 1;
            let Some(place) = places.get(item.kind as usize) else { continue };
            if let Some(batch) = self.relationships.add(block, item, *place, start, end) {
                self.dispatch(Job::Relationships(batch))?;
            }
        }
        if self.relationships.is_over_full() {
            if self.sorted {
                self.dispatch_relationships()?;
            } else if let Some(batch) = self.relationships.relieve() {
                self.dispatch(Job::Relationships(batch))?;
            }
        }
        Ok(())
    }

    fn dispatch_relationships(&mut self) -> Result<()> {
        for batch in self.relationships.drain() {
            self.dispatch(Job::Relationships(batch))?;
        }
        Ok(())
    }

    /// Every node that waits has its new id after this.
    fn flush_nodes(&mut self) -> Result<()> {
        let batches = self.nodes.drain();
        if batches.is_empty() && self.under_way == 0 {
            return Ok(());
        }
        if batches.is_empty() && self.ids_are_bound() {
            return Ok(());
        }
        for batch in batches {
            self.dispatch(Job::Nodes(batch))?;
        }
        self.barrier()
    }

    fn ids_are_bound(&self) -> bool {
        self.report.nodes.read == self.report.nodes.written
    }

    fn flush_relationships(&mut self) -> Result<()> {
        self.dispatch_relationships()
    }

    fn flush(&mut self) -> Result<()> {
        self.flush_nodes()?;
        self.flush_relationships()?;
        self.barrier()
    }

    fn dispatch(&mut self, job: Job) -> Result<()> {
        while self.under_way >= self.limit {
            self.settle()?;
        }
        self.jobs.send(job).map_err(|_| Error::failed("every session is gone"))?;
        self.under_way += 1;
        Ok(())
    }

    fn settle(&mut self) -> Result<()> {
        let outcome = self.outcomes.recv().map_err(|_| Error::failed("every session is gone"))?;
        self.under_way -= 1;
        self.report.retries += outcome.retries;
        if let Err(error) = outcome.result {
            if error.retry() == Retry::Unknown {
                self.report.in_doubt += outcome.size;
            }
            return Err(error);
        }
        match outcome.class {
            Some(Class::Nodes) => self.report.nodes.written += outcome.size,
            Some(Class::Relationships) => self.report.relationships.written += outcome.size,
            None => self.report.statements += 1,
        }
        for (old, new) in outcome.ids {
            self.ids.bind(old, new);
        }
        Ok(())
    }

    /// Waits for everything that is under way; gives the first error.
    fn barrier(&mut self) -> Result<()> {
        let mut first = Ok(());
        while self.under_way > 0 {
            let before = self.under_way;
            let settled = self.settle();
            if self.under_way == before {
                // Nobody is there to answer.
                return first.and(settled);
            }
            first = first.and(settled);
        }
        first
    }
}

fn placed(error: Error, block: &Block, item: &crate::model::Item) -> Error {
    match block.position(item) {
        Some(position) => error.at(position),
        None => error,
    }
}

fn work(mut session: Box<dyn Session>, jobs: &Receiver<Job>, outcomes: &Sender<Outcome>) {
    for job in jobs {
        let mut retries = 0;
        let mut new = Vec::new();
        let result = loop {
            new.clear();
            let result = once(&mut *session, &job, &mut new);
            match result {
                Err(error) if error.retry() == Retry::Again && retries + 1 < ATTEMPTS => {
                    std::thread::sleep(pause(retries));
                    retries += 1;
                }
                result => break result,
            }
        };
        let (class, size, ids) = match &job {
            Job::Nodes(batch) => {
                let old = batch.items().iter().map(|item| item.id);
                (Some(Class::Nodes), batch.len(), old.zip(new).collect())
            }
            Job::Relationships(batch) => (Some(Class::Relationships), batch.len(), Vec::new()),
            Job::Statement(_) => (None, 1, Vec::new()),
        };
        let result = result.map_err(|error| locate(error, &job));
        let outcome = Outcome { class, size: size as u64, retries: u64::from(retries), ids, result };
        if outcomes.send(outcome).is_err() {
            break;
        }
    }
}

fn once(session: &mut dyn Session, job: &Job, ids: &mut Vec<i64>) -> Result<()> {
    match job {
        Job::Nodes(batch) => {
            session.nodes(batch, None, ids)?;
            if ids.len() == batch.len() {
                return Ok(());
            }
            Err(Error::failed(format!("the target gave {} ids for a batch of {} nodes", ids.len(), batch.len())))
        }
        Job::Relationships(batch) => {
            let created = session.relationships(batch, crate::backend::Once::Always, None)?;
            if created == batch.len() as u64 {
                return Ok(());
            }
            let size = batch.len();
            Err(Error::failed(format!("the target created {created} of a batch of {size} relationships"))
                .hint("something else deletes nodes from the target while it is restored"))
        }
        Job::Statement(statement) => session.statement(&statement.text),
    }
}

/// Says which batch failed: the lines it spans, or the ids.
fn locate(error: Error, job: &Job) -> Error {
    let batch = match job {
        Job::Nodes(batch) | Job::Relationships(batch) => batch,
        Job::Statement(statement) => return error.at(crate::Position::line(statement.line)),
    };
    let Some(first) = batch.items().first() else { return error };
    match batch.position(first) {
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
