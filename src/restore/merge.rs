//! A merge: look at both graphs, write down who is who, load with a ledger, and clear up.

use super::breach::{Breach, Examination, Rule, State};
use super::global::Ids;
use super::identity::{Claims, Entity, Identity, Reason};
use super::ledger::{self, Done};
use super::plan::{Findings, Plan};
use super::policy::{Key, OnConflict, Triggers};
use super::replaced::replaced;
use super::report::Report;
use super::run::{self, Record};
use super::whole::both;
use super::{Dump, Extras, create_early, finish, load_dump, only_once, setup};
use crate::backend::{Facts, Once, Place, Purpose, Session, Target};
use crate::error::{Error, Result};
use crate::feed::pump;
use crate::format::Piece;
use crate::ids::IdMap;
use crate::model::content::Content;
use crate::model::{Block, Class, Item, Kind, Schema, SchemaObject, change, json};
use crate::observe::{Conflict, Event, Watch};
use crate::survey::Known;
use rustc_hash::{FxHashMap, FxHashSet};

/// The run to go on with; refuses to begin another one beside one that did not finish.
pub(super) fn resumed(
    target: &mut dyn Target,
    resume: Option<&str>,
    resumes_restores: bool,
) -> Result<Option<(String, Record)>> {
    let runs = target.runs()?;
    let Some(wanted) = resume else {
        for (run, record) in runs {
            let record = Record::read(&run, &record)?;
            if record.state == run::State::Restoring {
                return Err(cut_off(&run, resumes_restores));
            }
            if !record.is_finished() {
                return Err(Error::refused(format!("the target has a run that did not finish, {run}")).hint(format!(
                    "go on with --resume {run}, take it back with graphferry undo {run}, or keep what is in with graphferry runs --forget {run}"
                )));
            }
        }
        return Ok(None);
    };
    let found = runs.into_iter().find(|(run, _)| run == wanted);
    let (run, record) = found.ok_or_else(|| no_run(wanted))?;
    let record = Record::read(&run, &record)?;
    match record.state {
        run::State::Finished => Err(Error::refused(format!("the run {run} is finished: nothing is left to be done"))),
        run::State::Restoring if !resumes_restores => Err(cut_off(&run, false)),
        run::State::Undoing => Err(Error::refused(format!("the run {run} is being undone"))
            .hint(format!("finish that with graphferry undo {run}"))),
        _ => Ok(Some((run, record))),
    }
}

/// The refusal of a restore that was killed.
pub(super) fn cut_off(run: &str, can_resume: bool) -> Error {
    if can_resume {
        return Error::refused(format!("a restore into the target was cut off, {run}")).hint(format!(
            "go on with graphferry restore and --resume {run}; or give it up with graphferry runs --forget {run}, which puts the graph's mode back, and empty the graph"
        ));
    }
    Error::refused(format!("a restore into the target was cut off, {run}, and has left triggers stopped"))
        .hint(format!("graphferry runs --forget {run} starts them again; then empty the database and restore anew"))
}

/// The refusal of a run that the target does not know.
pub(super) fn no_run(run: &str) -> Error {
    Error::refused(format!("the target has no run {run}")).hint("graphferry runs lists those that it has")
}

/// Looks for nodes of the dump in the target, and for constraints that would be broken. Writes nothing. `sorts_out` says that what the target refuses is put aside then, so
/// that a relationship that would replace one of the target is none to stop for.
pub(super) fn examine(
    dump: &mut Dump<'_>,
    target: &mut dyn Target,
    plan: &Plan,
    facts: &Facts,
    sorts_out: bool,
    watch: Watch<'_>,
) -> Result<(Identity, Findings)> {
    let mut found = Findings::default();
    let policy = &plan.policy;
    let rules = rules(plan, facts);
    if !policy.recognises() && rules.is_empty() && facts.identities.is_none() {
        return Ok((Identity::default(), found));
    }
    let mut reading = Reading { dump, watch };
    let mut identity = Identity::default();
    if policy.recognises() {
        watch.tell(&Event::Step { what: "looking for nodes that are there", total: None });
        let mut claims = Claims::new(&policy.keys);
        reading.blocks(&mut |block| if block.class() == Class::Nodes { claims.add(block) } else { Ok(()) })?;
        found.keyless = claims.keyless;
        identity = claims.identify(policy.on_conflict == OnConflict::Error, |key, sink| {
            target.look(Class::Nodes, &key.label, &key.properties, &mut |seen| {
                watch.stop.check()?;
                sink(seen.id, seen.values)
            })
        })?;
        found.ambiguous = identity.ambiguous.len() as u64;
        let extra = identity.later.keys().filter(|old| identity.matched.find(**old).is_none()).count();
        found.recognised = identity.matched.len() as u64 + extra as u64;
        if policy.on_conflict == OnConflict::Error {
            found.conflicts = identity.recognised.len() as u64;
        }
        if found.conflicts + found.ambiguous > 0 {
            tell_conflicts(&mut reading, &identity, &policy.keys)?;
            return Ok((identity, found));
        }
    }
    if facts.identities.is_some() {
        watch.tell(&Event::Step { what: "looking for ids that are taken", total: None });
        let schema = Schema { objects: plan.create.iter().chain(&plan.skip).cloned().collect() };
        let mut ids = Ids::new(&schema, &facts.schema)?;
        reading.blocks(&mut |block| if block.class() == Class::Nodes { ids.add(block) } else { Ok(()) })?;
        ids.taken(target, &identity, &mut |(old, message)| {
            found.taken += 1;
            let item = Some((Class::Nodes, old));
            watch.tell(&Event::Conflict(&Conflict { kind: "conflict", item, line: None, message }));
        })?;
        if found.taken > 0 {
            return Ok((identity, found));
        }
        if policy.relationships.once() == Once::Properties {
            watch.tell(&Event::Step { what: "looking for edges that are there", total: None });
            let total = plan.tally.as_ref().map_or(0, |tally| tally.relationships);
            let mut read = |each: &mut dyn FnMut(&Block) -> Result<()>| reading.blocks(each);
            replaced(&mut read, target, (&schema, total), &identity, &mut |block, item, is_there, message| {
                if is_there && plan.joins.is_some() {
                    found.different += 1;
                    return;
                }
                if is_there && sorts_out {
                    return;
                }
                found.replaced += 1;
                let line = block.position(item).map(|position| position.line);
                let item = Some((Class::Relationships, item.id));
                watch.tell(&Event::Conflict(&Conflict { kind: "conflict", item, line, message }));
            })?;
            if found.replaced > 0 {
                return Ok((identity, found));
            }
        }
    }
    if !rules.is_empty() {
        watch.tell(&Event::Step { what: "checking constraints", total: None });
        found.breaches = breaches(&mut reading, target, plan, &identity, rules)?;
    }
    Ok((identity, found))
}

/// The constraints that can be broken, of the target and of the dump.
fn rules(plan: &Plan, facts: &Facts) -> Vec<Rule> {
    let policy = &plan.policy;
    let own = facts.schema.objects.iter().filter(|object| match object {
        // What the keys are about is known to be unique already.
        SchemaObject::Constraint(constraint) if constraint.kind == crate::model::ConstraintKind::Unique => {
            let key = Key { label: constraint.label.clone(), properties: constraint.properties.clone() };
            let is_key = policy.recognises()
                && constraint.on == crate::model::Entity::Node
                && policy.keys.contains(&key)
                && (!policy.changes() || policy.keys.len() == 1);
            !is_key
        }
        _ => true,
    });
    let own = own.filter_map(|object| Rule::of(object, false)).filter(|rule| {
        let names = plan.tally.as_ref().map(|tally| match rule.class {
            Class::Nodes => &tally.labels,
            Class::Relationships => &tally.types,
        });
        policy.changes() || names.is_none_or(|names| names.contains_key(&rule.name))
    });
    own.chain(plan.create.iter().filter_map(|object| Rule::of(object, true))).collect()
}

/// The dump, read once more.
struct Reading<'a, 'd> {
    dump: &'a mut Dump<'d>,
    watch: Watch<'a>,
}

impl Reading<'_, '_> {
    fn blocks(&mut self, each: &mut dyn FnMut(&Block) -> Result<()>) -> Result<()> {
        let Dump::Again(open) = self.dump else { return Err(only_once()) };
        pump(&mut *open()?, self.watch, |pieces| {
            for piece in pieces {
                if let Piece::Block(block) = piece {
                    each(&block)?;
                }
            }
            Ok(())
        })
        .map(drop)
    }
}

fn tell_conflicts(reading: &mut Reading<'_, '_>, identity: &Identity, keys: &[Key]) -> Result<()> {
    let watch = reading.watch;
    reading.blocks(&mut |block| {
        if block.class() != Class::Nodes {
            return Ok(());
        }
        for item in block.items() {
            let (kind, reason) = match (identity.ambiguous.get(&item.id), identity.recognised.get(&item.id)) {
                (Some(reason), _) => ("ambiguous", reason),
                (None, Some(reason)) => ("conflict", reason),
                (None, None) => continue,
            };
            let key = usize::try_from(reason.key).ok().and_then(|at| keys.get(at));
            let values = key.map(|key| shown(key, block.properties(item))).transpose()?.unwrap_or_default();
            watch.tell(&Event::Conflict(&Conflict {
                kind,
                item: Some((Class::Nodes, item.id)),
                line: block.position(item).map(|position| position.line),
                message: format!("node {} ({values}) is {}", item.id, is(reason)),
            }));
        }
        Ok(())
    })
}

fn is(reason: &Reason) -> String {
    let name = |entity| match entity {
        Entity::Present(id) => format!("node {id} of the target"),
        Entity::Fresh(old) => format!("node {old} of the dump"),
    };
    match reason.other {
        Some(other) => format!("{} and {}", name(reason.entity), name(other)),
        None => name(reason.entity),
    }
}

/// The values of a key, for people: `Person.email = "a@b.c"`.
fn shown(key: &Key, properties: &[u8]) -> Result<String> {
    let mut parts = Vec::new();
    for property in &key.properties {
        let mut text = Vec::new();
        if let Some(value) = change::property(properties, property)? {
            json::write(&mut crate::model::Cursor::new(value), &mut text)?;
        }
        let text = String::from_utf8_lossy(&text).chars().take(120).collect::<String>();
        parts.push(format!("{}.{property} = {text}", key.label));
    }
    Ok(parts.join(", "))
}

fn breaches(
    reading: &mut Reading<'_, '_>,
    target: &mut dyn Target,
    plan: &Plan,
    identity: &Identity,
    rules: Vec<Rule>,
) -> Result<u64> {
    let watch = reading.watch;
    let policy = &plan.policy;
    let mut count = 0;
    let mut tell = |breach: Breach, line: Option<u64>| {
        count += 1;
        let item = breach.old.map(|old| (breach.class, old));
        watch.tell(&Event::Conflict(&Conflict { kind: "breach", item, line, message: breach.message }));
        Ok(())
    };
    let mut examination = Examination::new(rules);
    let mut states = States {
        session: target.session()?,
        identity,
        plan,
        kept: FxHashMap::default(),
        several: identity.later.values().copied().collect(),
    };
    let mut known = Twins::find(target, identity, policy.relationships.once(), &examination)?;
    reading.blocks(&mut |block| {
        if !examination.concerns(block.class()) {
            return Ok(());
        }
        let line = |item| block.position(item).map(|position| position.line);
        if block.class() == Class::Nodes {
            let before = states.before(block)?;
            for item in block.items() {
                let Some((entity, kind, properties)) = states.after(block, item, &before)? else { continue };
                let state = State { kind: &kind, properties: &properties, entity, old: item.id };
                examination.add(Class::Nodes, &state, &mut |breach| tell(breach, line(item)))?;
            }
            return Ok(());
        }
        for item in block.items() {
            if !known.is_new(block, item)? {
                continue;
            }
            let (kind, properties) = (block.kind(item), block.properties(item));
            let state = State { kind, properties, entity: Entity::Fresh(item.id), old: item.id };
            examination.add(Class::Relationships, &state, &mut |breach| tell(breach, line(item)))?;
        }
        Ok(())
    })?;
    examination.finish(
        |rule, sink| {
            target.look(rule.class, &rule.name, &rule.properties, &mut |seen| {
                watch.stop.check()?;
                sink(seen.id, seen.values)
            })
        },
        &mut |breach| tell(breach, None),
    )?;
    Ok(count)
}

/// Relationships that are there or come earlier, where those like them are not created.
struct Twins<'a> {
    identity: &'a Identity,
    once: Once,
    content: Content,
    /// Type, start, end, and the hash of the properties where they count.
    known: FxHashSet<(Box<str>, Entity, Entity, u128)>,
}

impl<'a> Twins<'a> {
    /// Those of the target, of the types that the rules are about and between nodes that the dump has as well.
    fn find(target: &mut dyn Target, identity: &'a Identity, once: Once, examination: &Examination) -> Result<Self> {
        let mut twins = Self { identity, once, content: Content::default(), known: FxHashSet::default() };
        if once == Once::Always {
            return Ok(twins);
        }
        let mut ours = FxHashSet::default();
        identity.matched.for_each(&mut |_, id| _ = ours.insert(id));
        let mut session = target.session()?;
        let types: std::collections::BTreeSet<&str> = examination.types().collect();
        for name in types {
            let mut ids = Vec::new();
            target.look(Class::Relationships, name, &[], &mut |seen| {
                if ours.contains(&seen.start) && ours.contains(&seen.end) {
                    ids.push(seen.id);
                }
                Ok(())
            })?;
            for ids in ids.chunks(5_000) {
                let found = session.read(Class::Relationships, ids)?;
                for item in found.items() {
                    let (start, end) = (Entity::Present(item.start), Entity::Present(item.end));
                    twins.note(&found, item, start, end)?;
                }
            }
        }
        Ok(twins)
    }

    fn note(&mut self, block: &Block, item: &Item, start: Entity, end: Entity) -> Result<bool> {
        let hash = match self.once {
            Once::Properties => self.content.hash(&[], block.properties(item), &[])?,
            _ => 0,
        };
        Ok(self.known.insert((block.kind(item).relationship_type().into(), start, end, hash)))
    }

    /// Whether a relationship of the dump will be created.
    fn is_new(&mut self, block: &Block, item: &Item) -> Result<bool> {
        if self.once == Once::Always {
            return Ok(true);
        }
        let end = |old| self.identity.of(old).unwrap_or(Entity::Fresh(old));
        let (start, end) = (end(item.start), end(item.end));
        self.note(block, item, start, end)
    }
}

/// What nodes are in the end, for constraints to be held against.
struct States<'a> {
    session: Box<dyn Session>,
    identity: &'a Identity,
    plan: &'a Plan,
    /// Nodes of which several come, as they are after those that came so far.
    kept: FxHashMap<i64, (Kind, Vec<u8>)>,
    /// Nodes of the dump after which another one comes that is the same.
    several: FxHashSet<i64>,
}

impl States<'_> {
    /// Those nodes of the target that a block's nodes are.
    fn before(&mut self, block: &Block) -> Result<FxHashMap<i64, (Kind, Vec<u8>)>> {
        if !self.plan.policy.changes() {
            return Ok(FxHashMap::default());
        }
        let ids: Vec<i64> = block.items().iter().filter_map(|item| self.identity.matched.find(item.id)).collect();
        if ids.is_empty() {
            return Ok(FxHashMap::default());
        }
        let found = self.session.read(Class::Nodes, &ids)?;
        let state = |item| (found.kind(item).clone(), found.properties(item).to_vec());
        Ok(found.items().iter().map(|item| (item.id, state(item))).collect())
    }

    /// What a node becomes; `None` where nothing is written.
    fn after(
        &mut self,
        block: &Block,
        item: &Item,
        before: &FxHashMap<i64, (Kind, Vec<u8>)>,
    ) -> Result<Option<(Entity, Kind, Vec<u8>)>> {
        let policy = &self.plan.policy;
        let entity = self.identity.of(item.id);
        let first = self.identity.later.get(&item.id).copied();
        let (kind, incoming) = (block.kind(item), block.properties(item));
        let was = match (entity, first) {
            (None, _) => None,
            (Some(_), _) if !policy.changes() => return Ok(None),
            (Some(_), Some(first)) => self.kept.get(&first),
            (Some(Entity::Present(id)), None) => before.get(&id),
            (Some(Entity::Fresh(_)), None) => None,
        };
        let after = match was {
            None => (kind.clone(), incoming.to_vec()),
            Some((labels, properties)) => {
                let new = kind.names().iter().filter(|name| !labels.names().contains(name));
                let labels = Kind::labels(labels.names().iter().chain(new));
                let properties = match policy.on_conflict {
                    OnConflict::Fill => change::overwritten(properties, &change::missing(properties, incoming)?)?,
                    _ => change::overwritten(properties, incoming)?,
                };
                (labels, properties)
            }
        };
        if first.is_some() || self.several.contains(&item.id) {
            self.kept.insert(first.unwrap_or(item.id), after.clone());
        }
        Ok(Some((entity.unwrap_or(Entity::Fresh(item.id)), after.0, after.1)))
    }
}

/// What a merge works with.
pub(super) struct Work<'a> {
    pub(super) plan: &'a Plan,
    pub(super) facts: &'a Facts,
    pub(super) known: &'a Known,
    pub(super) watch: Watch<'a>,
}

impl Work<'_> {
    /// Does what the plan says, with a ledger.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn carry_out(
        &self,
        dump: &mut Dump<'_>,
        target: &mut dyn Target,
        resumed: Option<(String, Record)>,
        identity: Identity,
        extras: Extras<'_>,
        report: &mut Report,
        run: &mut Option<String>,
        ids: &mut IdMap,
    ) -> Result<()> {
        let lanes = self.plan.sessions;
        for (name, text) in target.runs()? {
            if Record::read(&name, &text)?.state == run::State::Forgetting {
                target.forget(&name)?;
            }
        }
        if resumed.as_ref().is_some_and(|(_, record)| record.state == run::State::Forgetting) {
            let warning = "the run had come to its end: only the rest of its ledger was left to be removed";
            self.watch.tell(&Event::Warning(warning));
            report.warnings.push(warning.to_owned());
            return Ok(());
        }
        let (name, mut record, epoch, done, identity) = match resumed {
            Some((name, record)) if record.state != run::State::Preparing => {
                let epoch = target.fence(&name, lanes)?;
                let (done, identity) = Done::read(target, &name)?;
                (name, record, epoch, done, identity)
            }
            resumed => {
                let name = resumed.map_or_else(run::new_name, |(name, _)| name);
                target.forget(&name)?;
                let record = new_record(self.plan, self.known, &extras.name);
                target.record(&name, &record.write()?)?;
                ledger::note(target, &name, &identity)?;
                let epoch = target.fence(&name, lanes)?;
                (name, record, epoch, Done::default(), identity)
            }
        };
        *run = Some(name.clone());
        if self.plan.policy.triggers == Triggers::Suspend {
            let new = self
                .plan
                .triggers
                .iter()
                .filter(|trigger| record.suspended.iter().all(|known| known.name != trigger.name));
            record.suspended.extend(new.cloned().collect::<Vec<_>>());
        }
        // Before anything is stopped or written, so that whoever comes after us knows of it.
        record.state = run::State::Loading;
        target.record(&name, &record.write()?)?;
        let result = match target.prepare(Purpose::Merge) {
            Ok(()) => self.load(dump, target, (&name, epoch), &mut record, done, identity, extras, report, ids),
            Err(error) => Err(error),
        };
        let result = both(result, target.conclude(), report, self.watch);
        let woken = wake(target, &name, &mut record);
        result?;
        woken?;
        if self.plan.policy.undoable || self.plan.policy.keep_ledger {
            record.state = run::State::Finished;
            return target.record(&name, &record.write()?);
        }
        forget(target, &name, &mut record)?;
        *run = None;
        Ok(())
    }

    #[allow(clippy::too_many_arguments)]
    fn load(
        &self,
        dump: &mut Dump<'_>,
        target: &mut dyn Target,
        (name, epoch): (&str, i64),
        record: &mut Record,
        done: Done,
        identity: Identity,
        extras: Extras<'_>,
        report: &mut Report,
        ids: &mut IdMap,
    ) -> Result<()> {
        for trigger in &record.suspended {
            target.set_trigger(trigger, false)?;
        }
        create_early(self.plan, target, report)?;
        let mut sessions = Vec::new();
        for lane in 0..self.plan.sessions {
            let mut session = target.session()?;
            session.enlist(&Place { run: name.to_owned(), lane, epoch })?;
            sessions.push(session);
        }
        let total = self.known.tally.as_ref().map(|tally| tally.nodes + tally.relationships);
        self.watch.tell(&Event::Step { what: "merging", total });
        let setup = setup(self.plan, self.facts, identity, Some(done), extras, self.watch);
        let loaded = load_dump(dump, sessions, setup, report)?;
        *ids = loaded.ids;
        record.state = run::State::Finishing;
        target.record(name, &record.write()?)?;
        finish(self.plan, self.facts, loaded.late, loaded.end, target, report, self.watch)
    }
}

/// The record of a run that begins.
pub(super) fn new_record(plan: &Plan, known: &Known, dump: &str) -> Record {
    let now = jiff::Timestamp::now();
    Record {
        state: run::State::Preparing,
        began: now.round(jiff::Unit::Second).unwrap_or(now).to_string(),
        tool: concat!("graphferry ", env!("CARGO_PKG_VERSION")).to_owned(),
        dump: dump.to_owned(),
        header: known.header.clone(),
        tally: known.tally.clone().unwrap_or_default(),
        policy: plan.policy.clone(),
        batch: plan.batch,
        schedule: plan.schedule,
        buckets: plan.buckets,
        present: plan.present,
        create: plan.create.clone(),
        suspended: Vec::new(),
        allow_loss: plan.allow_loss.iter().cloned().collect(),
    }
}

/// Removes the ledger of a run that is over. The record says so first: a ledger of which a part is gone must neither be resumed nor undone.
pub(super) fn forget(target: &mut dyn Target, run: &str, record: &mut Record) -> Result<()> {
    record.state = run::State::Forgetting;
    target.record(run, &record.write()?)?;
    target.forget(run)
}

/// Starts the triggers again that a run has stopped.
pub(super) fn wake(target: &mut dyn Target, run: &str, record: &mut Record) -> Result<()> {
    if record.suspended.is_empty() {
        return Ok(());
    }
    for trigger in &record.suspended {
        target.set_trigger(trigger, true)?;
    }
    record.suspended.clear();
    target.record(run, &record.write()?)
}
