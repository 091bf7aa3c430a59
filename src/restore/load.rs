//! The data's way into a target: batches on several sessions, ids bound on the way.
//!
//! One coordinator (the calling thread) cuts batches, binds ends through the [`IdMap`] and counts; each session has a thread. Between
//! nodes and relationships stands a barrier: an end is looked up only when every node before it has its new id.
//!
//! Batches are cut and numbered in an order that depends on nothing but the dump, so that a run that is resumed knows each by its number. What
//! depends on time (how many are under way, what is sent again) changes neither. A stream that breaks off is not flushed: its last batches would be others than the
//! whole stream's.
//!
//! A merge takes up to four passes over the dump: nodes; properties that hold ids; nodes that come after another that is the same, in order; relationships. Where
//! the second and third have nothing to do, everything is one pass.

use super::batch::Batches;
use super::identity::{Entity, Identity};
use super::ledger::Done;
use super::plan::{Plan, unknown_statements};
use super::policy::OnConflict;
use super::pressure::Pressure;
use super::quarantine::Quarantine;
use super::reference;
use super::report::Report;
use super::schedule::{self, Shape};
use super::throttle::Throttle;
use super::work::{self, Job, Outcome, Task, placed};
use crate::backend::{Mark, Session, Update};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::feed::{End, Pieces};
use crate::format::Piece;
use crate::ids::IdMap;
use crate::model::{Block, Capability, Class, Item, Kind, SchemaObject};
use crate::observe::Watch;
use crate::strip::Strip;
use crossbeam_channel::{Receiver, Sender, bounded};
use rustc_hash::FxHashSet;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Runs the dump once more through a consumer.
pub type Source<'a> = dyn FnMut(&mut dyn FnMut(Pieces) -> Result<()>) -> Result<End> + 'a;

/// What loading needs beside the plan.
pub struct Setup<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What the target can hold.
    pub capability: &'a Capability,
    /// Who is who.
    pub identity: Identity,
    /// What the ledger says is done; `None` where there is no ledger.
    pub done: Option<Done>,
    /// Where refused items go; `None` to stop at the first one.
    pub quarantine: Option<&'a mut dyn Quarantine>,
    /// How many refused items are too many.
    pub max_errors: u64,
    /// Items a second, at most.
    pub throttle: Option<u64>,
    /// Who is told, and who may stop it.
    pub watch: Watch<'a>,
}

/// What is left when the data are in.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Schema objects that came with the data.
    pub late: Vec<SchemaObject>,
    /// Where the nodes went.
    pub ids: IdMap,
    /// What the source said at its end.
    pub end: End,
}

/// Writes every piece of a dump. `report` counts what happens, also when it ends in an error.
///
/// # Errors
/// The first failure: of a batch (with its place), of an end that does not exist, of an id that comes twice.
pub fn load(
    source: &mut Source<'_>,
    sessions: Vec<Box<dyn Session>>,
    setup: Setup<'_>,
    report: &mut Report,
) -> Result<Loaded> {
    let limit = sessions.len() * 2;
    let (send_job, receive_job) = bounded(limit);
    let (send_outcome, receive_outcome) = bounded(limit);
    let quarantine = setup.quarantine.is_some();
    std::thread::scope(|scope| {
        for session in sessions {
            let (jobs, outcomes) = (receive_job.clone(), send_outcome.clone());
            scope.spawn(move || work::work(session, quarantine, &jobs, &outcomes));
        }
        drop((receive_job, send_outcome));
        let mut loader = Loader::new(send_job, receive_outcome, limit, setup, report);
        let result = loader.passes(source);
        // What is under way is counted also after a failure.
        loader.begin_nothing();
        let rest = loader.barrier();
        let end = result?;
        rest?;
        for (old, first) in &loader.setup.identity.later {
            if let Some(new) = loader.ids.find(*first) {
                loader.ids.bind(*old, new);
            }
        }
        Ok(Loaded { late: loader.late, ids: loader.ids, end })
    })
}

/// One way through the dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    /// Nodes and relationships.
    All,
    /// Nodes that come first, and everything but relationships.
    Nodes,
    /// Properties that hold ids, of nodes that come first.
    References,
    /// Nodes that come after another that is the same.
    Later,
    /// Relationships.
    Relationships,
}

struct Loader<'a, 's> {
    jobs: Sender<Job>,
    outcomes: Receiver<Outcome>,
    limit: usize,
    under_way: usize,
    pressure: Pressure,
    throttle: Option<Throttle>,
    /// Batches of the last window that no session has room for yet: they go out while the next window is gathered.
    waiting: VecDeque<Job>,
    /// Batches of supernodes that wait for the one before them, and whether one is under way.
    lane: VecDeque<Job>,
    in_lane: bool,
    ids: IdMap,
    found: Vec<Option<i64>>,
    unbound: bool,
    next: u64,
    pass: Pass,
    fresh: Batches,
    updates: Batches,
    /// References of nodes that the run created itself.
    references: Batches,
    relationships: Batches,
    shape: Shape,
    /// Nodes of the batch that waits in a pass that keeps the order.
    touched: FxHashSet<i64>,
    late: Vec<SchemaObject>,
    strip: Strip,
    report: &'a mut Report,
    setup: Setup<'s>,
}

impl<'a, 's> Loader<'a, 's> {
    fn new(
        jobs: Sender<Job>,
        outcomes: Receiver<Outcome>,
        limit: usize,
        setup: Setup<'s>,
        report: &'a mut Report,
    ) -> Self {
        let plan = setup.plan;
        let strip = match plan.is_free_of_lost_values() {
            true => Strip::nothing(),
            false => Strip::new(setup.capability, plan.allows("value")),
        };
        let keep_pairs = plan.policy.relationships.once() != crate::backend::Once::Always;
        Self {
            jobs,
            outcomes,
            limit,
            under_way: 0,
            pressure: Pressure::new(limit),
            throttle: setup.throttle.map(Throttle::new),
            waiting: VecDeque::new(),
            lane: VecDeque::new(),
            in_lane: false,
            ids: IdMap::default(),
            found: Vec::new(),
            unbound: false,
            next: 0,
            pass: Pass::All,
            fresh: Batches::new(Class::Nodes, plan.batch),
            updates: Batches::new(Class::Nodes, plan.batch),
            references: Batches::new(Class::Nodes, plan.batch),
            relationships: Batches::new(Class::Relationships, plan.batch),
            shape: Shape { schedule: plan.schedule, size: plan.batch, buckets: plan.buckets, keep_pairs },
            touched: FxHashSet::default(),
            late: Vec::new(),
            strip,
            report,
            setup,
        }
    }

    fn passes(&mut self, source: &mut Source<'_>) -> Result<End> {
        let policy = &self.setup.plan.policy;
        let rewrite = !policy.rewrite.is_empty();
        let later = policy.changes() && !self.setup.identity.later.is_empty();
        if !rewrite && !later {
            return self.pass(source, Pass::All);
        }
        let end = self.pass(source, Pass::Nodes)?;
        if rewrite {
            self.pass(source, Pass::References)?;
        }
        // After the references of those that come first, which they may overwrite.
        if later {
            self.pass(source, Pass::Later)?;
        }
        self.pass(source, Pass::Relationships)?;
        Ok(end)
    }

    fn pass(&mut self, source: &mut Source<'_>, pass: Pass) -> Result<End> {
        self.pass = pass;
        source(&mut |mut pieces| {
            for piece in pieces.by_ref() {
                self.piece(piece)?;
            }
            if pieces.are_whole() { self.flush() } else { Ok(()) }
        })
    }

    fn piece(&mut self, piece: Piece) -> Result<()> {
        let pass = self.pass;
        match piece {
            Piece::Block(block) => {
                let wanted = match block.class() {
                    Class::Nodes => pass != Pass::Relationships,
                    Class::Relationships => matches!(pass, Pass::All | Pass::Relationships),
                };
                if !wanted {
                    return Ok(());
                }
                // Losses are counted in the pass in which the item is written.
                let mut unheeded = Vec::new();
                let first = matches!(pass, Pass::All | Pass::Nodes | Pass::Relationships);
                let losses = if first { &mut self.report.losses } else { &mut unheeded };
                let block = self.strip.apply(block, losses)?;
                match (block.class(), pass) {
                    (Class::Relationships, _) => self.add_relationships(block),
                    (Class::Nodes, Pass::Later) => self.add_later(block),
                    (Class::Nodes, Pass::References) => self.add_references(block),
                    (Class::Nodes, _) => self.add_nodes(block),
                }
            }
            Piece::Existing { old, new } => {
                if pass != Pass::Relationships {
                    self.ids.bind(old, new);
                }
                Ok(())
            }
            _ if !matches!(pass, Pass::All | Pass::Nodes) => Ok(()),
            Piece::Object(object) => {
                self.late.push(object);
                Ok(())
            }
            Piece::Statement(statement) => {
                if !self.setup.plan.allow_statements {
                    return Err(unknown_statements(1).at(crate::Position::line(statement.line)));
                }
                // It may touch what stands before it, and what comes after may touch its work.
                self.flush()?;
                self.dispatch(Task::Statement(statement), false)?;
                self.barrier()
            }
        }
    }

    fn add_nodes(&mut self, block: Block) -> Result<()> {
        self.flush_relationships()?;
        let policy = &self.setup.plan.policy;
        let changes = policy.changes();
        // What is filled must not be filled with an id of the dump: there the property comes later. Everybody else has it from the beginning, since a constraint
        // may ask for it, and gets the new id later.
        let block = match policy.on_conflict == OnConflict::Fill && !policy.rewrite.is_empty() {
            true => reference::without(block, &policy.rewrite, |old| self.setup.identity.of(old).is_some())?,
            false => block,
        };
        let places = self.fresh.places(&block);
        let updates = if changes { self.updates.places(&block) } else { Vec::new() };
        for item in block.items() {
            self.report.nodes.read += 1;
            let identity = &self.setup.identity;
            let batch = match identity.of(item.id) {
                None => {
                    if !self.ids.reserve(item.id) {
                        return Err(placed(Error::corrupt(format!("node id {} occurs twice", item.id)), &block, item));
                    }
                    self.unbound = true;
                    let place = places.get(item.kind as usize).copied().unwrap_or_default();
                    self.fresh.add(&block, item, place, 0, 0).map(Task::Nodes)
                }
                Some(entity) => {
                    if let Entity::Present(id) = entity {
                        self.ids.bind(item.id, id);
                    }
                    let first = !identity.later.contains_key(&item.id);
                    match entity {
                        Entity::Present(id) if first && changes => {
                            let place = updates.get(item.kind as usize).copied().unwrap_or_default();
                            let batch = self.updates.add(&block, item, place, id, 0);
                            batch.map(|batch| self.change(batch))
                        }
                        _ => {
                            // Where nodes are changed, it comes in a later pass.
                            self.report.nodes.kept += u64::from(!changes);
                            None
                        }
                    }
                }
            };
            if let Some(task) = batch {
                self.dispatch(task, false)?;
            }
        }
        while self.fresh.is_over_full() {
            let Some(batch) = self.fresh.relieve() else { break };
            self.dispatch(Task::Nodes(batch), false)?;
        }
        while self.updates.is_over_full() {
            let Some(batch) = self.updates.relieve() else { break };
            self.dispatch(self.change(batch), false)?;
        }
        Ok(())
    }

    /// What is done to nodes that are recognised.
    fn update(&self) -> Update {
        match self.setup.plan.policy.on_conflict {
            OnConflict::Fill => Update::Fill,
            _ => Update::Overwrite,
        }
    }

    /// The task of changing recognised nodes.
    fn change(&self, batch: Block) -> Task {
        match self.pass {
            Pass::References => Task::Refer(batch, self.update()),
            _ => Task::Update(batch, self.update()),
        }
    }

    /// Where a node went.
    fn place_of(&self, old: i64) -> Option<i64> {
        let first = |old| self.setup.identity.later.get(&old).and_then(|first| self.ids.find(*first));
        self.ids.find(old).or_else(|| first(old))
    }

    /// Nodes that come after another that is the same: one after the other.
    fn add_later(&mut self, mut block: Block) -> Result<()> {
        let block = {
            let later = &self.setup.identity.later;
            block.retain(|_, item| later.contains_key(&item.id));
            self.rewritten(block)?
        };
        for item in block.items() {
            match self.place_of(item.id) {
                Some(id) => self.in_order(&block, item, id)?,
                None => self.reject(&block, item, "the node of the dump that it is the same as was refused")?,
            }
        }
        Ok(())
    }

    /// A block with the new ids in the properties that hold ids, and the count of them.
    fn rewritten(&mut self, block: Block) -> Result<Block> {
        let (ids, later) = (&self.ids, &self.setup.identity.later);
        let (mut rewritten, mut unknown) = (0, 0);
        let mut find = |old| {
            let new = ids.find(old).or_else(|| later.get(&old).and_then(|first| ids.find(*first)));
            if new.is_some() {
                rewritten += 1
            } else {
                unknown += 1
            }
            new
        };
        let block = reference::within(block, &self.setup.plan.policy.rewrite, &mut find)?;
        self.report.references_rewritten += rewritten;
        self.report.references_unknown += unknown;
        Ok(block)
    }

    /// Adds an update that must not overtake another one of the same node.
    fn in_order(&mut self, block: &Block, item: &Item, id: i64) -> Result<()> {
        if !self.touched.insert(id) {
            self.flush_updates()?;
            self.barrier()?;
            self.touched.insert(id);
        }
        let places = self.updates.places(block);
        let place = places.get(item.kind as usize).copied().unwrap_or_default();
        if let Some(batch) = self.updates.add(block, item, place, id, 0) {
            self.dispatch(self.change(batch), false)?;
        }
        if self.updates.is_over_full() {
            self.flush_updates()?;
            self.barrier()?;
        }
        Ok(())
    }

    /// Writes the new ids into properties that hold ids.
    fn add_references(&mut self, mut block: Block) -> Result<()> {
        let changes = self.setup.plan.policy.changes();
        {
            let identity = &self.setup.identity;
            block.retain(|_, item| {
                !identity.later.contains_key(&item.id) && (changes || identity.of(item.id).is_none())
            });
        }
        let found = reference::only(&block, &self.setup.plan.policy.rewrite)?;
        let found = self.rewritten(found)?;
        let mut bare = Block::new(Class::Nodes);
        let none = bare.add_kind(Kind::labels([""; 0]));
        for item in found.items() {
            let Some(id) = self.place_of(item.id) else { continue };
            bare.copy(&found, item, none, 0, 0);
            let Some(last) = bare.items().last().copied() else { continue };
            if self.setup.identity.of(item.id).is_none() {
                let place = self.references.places(&bare).first().copied().unwrap_or_default();
                if let Some(batch) = self.references.add(&bare, &last, place, id, 0) {
                    self.dispatch_reference(batch)?;
                }
            } else {
                let place = self.updates.places(&bare).first().copied().unwrap_or_default();
                if let Some(batch) = self.updates.add(&bare, &last, place, id, 0) {
                    self.dispatch(self.change(batch), false)?;
                }
            }
        }
        while self.references.is_over_full() {
            let Some(batch) = self.references.relieve() else { break };
            self.dispatch_reference(batch)?;
        }
        Ok(())
    }

    /// References of nodes that the run created itself: what they were before is kept, so that undo knows them as its own.
    fn dispatch_reference(&mut self, batch: Block) -> Result<()> {
        self.dispatch(Task::Refer(batch, Update::Overwrite), true)
    }

    fn add_relationships(&mut self, block: Block) -> Result<()> {
        self.flush_nodes()?;
        let block = self.rewritten(block)?;
        let ends: Vec<i64> = block.items().iter().flat_map(|item| [item.start, item.end]).collect();
        let mut found = std::mem::take(&mut self.found);
        self.ids.find_all(&ends, &mut found);
        let places = self.relationships.places(&block);
        for (item, ends) in block.items().iter().zip(found.chunks_exact(2)) {
            self.report.relationships.read += 1;
            let start = ends.first().copied().flatten().or_else(|| self.place_of(item.start));
            let end = ends.last().copied().flatten().or_else(|| self.place_of(item.end));
            let (Some(start), Some(end)) = (start, end) else {
                self.lose(&block, item, start, end)?;
                continue;
            };
            let place = places.get(item.kind as usize).copied().unwrap_or_default();
            self.relationships.hold(&block, item, place, start, end);
        }
        self.found = found;
        if self.relationships.is_over_full() {
            self.flush_relationships()?;
        }
        self.keep_busy()
    }

    /// A relationship whose end is nowhere: its node was refused, or the dump does not have it.
    fn lose(&mut self, block: &Block, item: &Item, start: Option<i64>, end: Option<i64>) -> Result<()> {
        let refused = self.report.nodes.rejected > 0;
        let (verb, missing) = if start.is_none() { ("starts", item.start) } else { ("ends", item.end) };
        if !refused || self.setup.quarantine.is_none() {
            let kind = block.kind(item).relationship_type();
            let error =
                format!("a relationship of type {kind:?} {verb} at node {missing}, which the dump does not have");
            return Err(placed(Error::corrupt(error), block, item));
        }
        self.report.relationships.rejected += 1;
        if let Some(quarantine) = &mut self.setup.quarantine {
            let start = start.map_or(Ok(item.start), |id| quarantine.refer(id))?;
            let end = end.map_or(Ok(item.end), |id| quarantine.refer(id))?;
            let mut one = Block::new(Class::Relationships);
            let kind = one.add_kind(block.kind(item).clone());
            one.copy(block, item, kind, start, end);
            if let Some(item) = one.items().first() {
                quarantine.reject(&one, item, &format!("it {verb} at node {missing}, which was refused"))?;
            }
        }
        self.check_errors()
    }

    /// An item that the target refused.
    fn reject(&mut self, block: &Block, item: &Item, reason: &str) -> Result<()> {
        match block.class() {
            Class::Nodes => self.report.nodes.rejected += 1,
            Class::Relationships => self.report.relationships.rejected += 1,
        }
        let Some(quarantine) = &mut self.setup.quarantine else {
            return Err(Error::new(ErrorKind::Server, reason));
        };
        if block.class() == Class::Nodes {
            quarantine.reject(block, item, reason)?;
        } else {
            let (start, end) = (quarantine.refer(item.start)?, quarantine.refer(item.end)?);
            let mut one = Block::new(Class::Relationships);
            let kind = one.add_kind(block.kind(item).clone());
            one.copy(block, item, kind, start, end);
            if let Some(item) = one.items().first() {
                quarantine.reject(&one, item, reason)?;
            }
        }
        self.check_errors()
    }

    fn check_errors(&self) -> Result<()> {
        let count = self.report.nodes.rejected + self.report.relationships.rejected;
        if count <= self.setup.max_errors {
            return Ok(());
        }
        Err(Error::failed(format!("the target refused {count} items, more than --max-errors allows"))
            .hint("the quarantine file has each with the reason; the run can be resumed"))
    }

    fn flush_relationships(&mut self) -> Result<()> {
        let window = self.relationships.window();
        if window.is_empty() {
            return Ok(());
        }
        let plan = self.setup.plan;
        let task = |batch| match plan.joins {
            Some(how) => Task::Join(batch, how),
            None => Task::Relationships(batch, plan.policy.relationships.once()),
        };
        // The lane of the window before is through, so that no supernode is in two batches at once.
        self.send_waiting()?;
        self.finish_lane()?;
        let rounds = schedule::rounds(window, &self.shape);
        let several = rounds.len() > 1 && plan.sessions > 1;
        for round in rounds {
            for batch in round.lane {
                self.dispatch_in_lane(task(batch))?;
            }
            for batch in round.batches {
                let jobs = self.number(task(batch), false)?;
                self.waiting.extend(jobs);
            }
            if several {
                self.send_waiting()?;
                self.wait_for_round()?;
            }
        }
        // A pair may come again in the next window, where it must be known that it is there.
        if self.shape.keep_pairs { self.barrier() } else { Ok(()) }
    }

    /// Every node that waits has its new id after this.
    fn flush_nodes(&mut self) -> Result<()> {
        for batch in self.fresh.drain() {
            self.dispatch(Task::Nodes(batch), false)?;
        }
        self.flush_updates()?;
        if std::mem::take(&mut self.unbound) { self.barrier() } else { Ok(()) }
    }

    fn flush_updates(&mut self) -> Result<()> {
        self.touched.clear();
        for batch in self.updates.drain() {
            self.dispatch(self.change(batch), false)?;
        }
        for batch in self.references.drain() {
            self.dispatch_reference(batch)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.flush_nodes()?;
        self.flush_relationships()?;
        self.barrier()
    }

    fn dispatch_in_lane(&mut self, task: Task) -> Result<()> {
        for job in self.number(task, false)? {
            self.lane.push_back(Job { in_lane: true, ..job });
        }
        self.feed_lane()
    }

    fn feed_lane(&mut self) -> Result<()> {
        if !self.in_lane
            && let Some(job) = self.lane.pop_front()
        {
            self.in_lane = true;
            self.send(job)?;
        }
        Ok(())
    }

    fn finish_lane(&mut self) -> Result<()> {
        while self.in_lane || !self.lane.is_empty() {
            self.feed_lane()?;
            self.settle()?;
        }
        Ok(())
    }

    fn wait_for_round(&mut self) -> Result<()> {
        while self.under_way > usize::from(self.in_lane) {
            self.settle()?;
        }
        Ok(())
    }

    fn dispatch(&mut self, task: Task, before: bool) -> Result<()> {
        self.send_waiting()?;
        for job in self.number(task, before)? {
            self.send(job)?;
        }
        Ok(())
    }

    /// Sends what waits, as soon as sessions have room for it.
    fn send_waiting(&mut self) -> Result<()> {
        while let Some(job) = self.waiting.pop_front() {
            self.send(job)?;
        }
        Ok(())
    }

    /// Sends as much of what waits as sessions have room for now, so that they have work while a window is gathered.
    fn keep_busy(&mut self) -> Result<()> {
        while !self.waiting.is_empty() {
            if !self.has_room() {
                let Ok(outcome) = self.outcomes.try_recv() else { return Ok(()) };
                self.take_in(outcome)?;
            } else if let Some(job) = self.waiting.pop_front() {
                self.send(job)?;
            }
        }
        Ok(())
    }

    /// Nothing new is begun after a failure.
    fn begin_nothing(&mut self) {
        self.waiting.clear();
        self.lane.clear();
    }

    fn has_room(&self) -> bool {
        self.under_way < self.limit.min(self.pressure.allowed())
    }

    /// Numbers a batch, and leaves out what the ledger says is done.
    fn number(&mut self, task: Task, before: bool) -> Result<Vec<Job>> {
        let number = self.next;
        self.next += 1;
        let Some(done) = &mut self.setup.done else { return Ok(vec![Job { task, mark: None, in_lane: false }]) };
        let before = before || self.setup.plan.policy.undoable;
        let parts = done.parts(number, &task)?;
        for (old, new) in parts.bound {
            self.ids.bind(old, new);
        }
        count(self.report, &task, parts.done);
        self.report.relationships.updated += parts.changed;
        if task.is_of_relationships() {
            self.report.relationships.kept += parts.items.saturating_sub(parts.done + parts.changed);
        }
        let mark = |from| Mark { batch: number, from, before };
        if parts.items == 0 {
            return Ok(vec![Job { task, mark: Some(mark(0)), in_lane: false }]);
        }
        let open = parts.open.into_iter();
        let job = |(from, to): (usize, usize)| Job {
            task: task.slice(from, to),
            mark: Some(mark(from as u64)),
            in_lane: false,
        };
        Ok(open.map(job).collect())
    }

    fn send(&mut self, job: Job) -> Result<()> {
        while !self.has_room() {
            self.settle()?;
        }
        if let Some(throttle) = &mut self.throttle {
            let mut wait = throttle.wait_for(job.task.len(), Instant::now());
            while !wait.is_zero() {
                self.setup.watch.stop.check()?;
                let step = wait.min(Duration::from_millis(100));
                std::thread::sleep(step);
                wait -= step;
            }
        }
        self.jobs.send(job).map_err(|_| Error::failed("every session is gone"))?;
        self.under_way += 1;
        Ok(())
    }

    fn settle(&mut self) -> Result<()> {
        let outcome = self.outcomes.recv().map_err(|_| Error::failed("every session is gone"))?;
        self.take_in(outcome)
    }

    /// Counts what came of a batch.
    fn take_in(&mut self, outcome: Outcome) -> Result<()> {
        self.under_way -= 1;
        let Outcome { job, retries, bound, done, changed, rejected, result } = outcome;
        self.in_lane &= !job.in_lane;
        self.report.retries += retries;
        if retries > 0 {
            self.pressure.struggled()
        } else {
            self.pressure.succeeded()
        }
        for (old, new) in bound {
            self.ids.bind(old, new);
        }
        let size = job.task.len();
        count(self.report, &job.task, done);
        self.report.relationships.updated += changed;
        if let Err(error) = result {
            if error.retry() == Retry::Unknown {
                self.report.in_doubt += size.saturating_sub(done + changed);
            }
            return Err(error);
        }
        if job.task.is_of_relationships() {
            self.report.relationships.kept += size.saturating_sub(done + changed + rejected.len() as u64);
        }
        let Some(block) = job.task.block() else { return self.feed_lane() };
        for rejected in rejected {
            if let Some(item) = block.items().get(rejected.at) {
                self.reject(block, item, &rejected.reason)?;
            }
        }
        self.feed_lane()
    }

    /// Waits for everything that is under way; gives the first error.
    fn barrier(&mut self) -> Result<()> {
        let mut first = self.send_waiting().and_then(|()| self.feed_lane());
        if first.is_err() {
            self.begin_nothing();
        }
        while self.under_way > 0 {
            let before = self.under_way;
            let settled = self.settle();
            if settled.is_err() {
                self.begin_nothing();
            }
            if self.under_way == before && !self.in_lane {
                // Nobody is there to answer.
                return first.and(settled);
            }
            first = first.and(settled);
        }
        first
    }
}

/// Counts what a batch created or changed.
fn count(report: &mut Report, task: &Task, done: u64) {
    match task {
        Task::Nodes(_) => report.nodes.written += done,
        Task::Update(..) => report.nodes.updated += done,
        // These nodes are counted already.
        Task::Refer(..) => {}
        Task::Relationships(..) | Task::Join(..) => report.relationships.written += done,
        Task::Statement(_) => report.statements += done,
    }
}

#[cfg(test)]
mod tests;
