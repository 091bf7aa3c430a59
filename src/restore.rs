//! `restore` and `copy`: a feed into a database.
//!
//! In this order: look (a dump that can be read twice is read once without writing anything: its counts, ids, ends and checksum are
//! then proved before the first write), plan, refuse or go on, write the data, create the schema, wait for it, compare the counts.

pub mod batch;
pub mod breach;
mod global;
pub mod identity;
pub mod ledger;
pub mod load;
mod merge;
pub mod plan;
pub mod policy;
pub mod pressure;
pub mod quarantine;
pub mod reference;
mod replaced;
pub mod report;
pub mod run;
pub mod schedule;
pub mod throttle;
pub mod undo;
mod whole;
pub mod wipe;
pub mod work;

use crate::backend::{Facts, Session, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::feed::{End, Feed, Pieces, pump};
use crate::ids::IdMap;
use crate::model::{Schema, SchemaObject};
use crate::observe::{Event, Watch};
use crate::survey::{Known, survey_for};
use identity::Identity;
pub use load::load;
use load::{Loaded, Setup};
pub use plan::{Mode, Plan, Wishes, plan, reconcile};
pub use policy::Policy;
use quarantine::Quarantine;
pub use report::{Moved, Report};

/// How the dump is had: as often as it is asked for, or once.
pub enum Dump<'a> {
    /// A file: it is surveyed first.
    Again(&'a dyn Fn() -> Result<Box<dyn Feed>>),
    /// A stream or a database's snapshot: what is wrong with it shows on the way.
    Once(&'a mut dyn Feed),
}

/// What a restore needs beside the wishes.
#[derive(Default)]
pub struct Extras<'a> {
    /// What errors and the ledger call the dump.
    pub name: String,
    /// A run to go on with.
    pub resume: Option<String>,
    /// Where refused items go; `None` to stop at the first one.
    pub quarantine: Option<&'a mut dyn Quarantine>,
    /// How many refused items are too many; `None` for no limit.
    pub max_errors: Option<u64>,
    /// Items a second, at most.
    pub throttle: Option<u64>,
}

/// What came out of a restore, whole or not.
#[must_use = "it says whether the restore succeeded"]
#[derive(Default)]
pub struct Outcome {
    /// What was planned; `None` when it did not come to a plan.
    pub plan: Option<Plan>,
    /// What was done. Only meaningful when the plan was carried out.
    pub report: Report,
    /// The run, if it has a ledger in the target now.
    pub run: Option<String>,
    /// Where the nodes went.
    pub ids: IdMap,
    /// Why it ended early.
    pub error: Option<Error>,
}

/// Restores a dump into a target, or with `dry_run` only plans it.
pub fn restore(dump: Dump<'_>, target: &mut dyn Target, wishes: &Wishes, dry_run: bool, watch: Watch<'_>) -> Outcome {
    restore_with(dump, target, wishes, dry_run, Extras::default(), watch)
}

/// The same, with all that can be asked for.
pub fn restore_with(
    dump: Dump<'_>,
    target: &mut dyn Target,
    wishes: &Wishes,
    dry_run: bool,
    extras: Extras<'_>,
    watch: Watch<'_>,
) -> Outcome {
    let mut outcome = Outcome::default();
    let result = run(dump, target, wishes, dry_run, extras, watch, &mut outcome);
    outcome.error = result.err();
    outcome
}

fn run(
    mut dump: Dump<'_>,
    target: &mut dyn Target,
    wishes: &Wishes,
    dry_run: bool,
    extras: Extras<'_>,
    watch: Watch<'_>,
    outcome: &mut Outcome,
) -> Result<()> {
    let mut facts = target.facts()?;
    let resumed = merge::resumed(target, extras.resume.as_deref(), facts.resumes_restores)?;
    let known = match &mut dump {
        Dump::Again(open) => {
            watch.tell(&Event::Step { what: "checking the dump", total: None });
            survey_for(&mut *open()?, &facts.capability, watch)?
        }
        Dump::Once(feed) => Known { header: feed.header().clone(), schema: feed.schema().clone(), ..Known::default() },
    };
    let wishes = match &resumed {
        Some((_, record)) => {
            record.check(&known.header, known.tally.as_ref())?;
            (facts.nodes, facts.relationships) = record.present;
            &record.wishes(wishes.jobs)
        }
        None => wishes,
    };
    let total = known.tally.as_ref().map(|tally| tally.nodes + tally.relationships);
    let total = total.or_else(|| match &dump {
        Dump::Once(feed) => feed.estimate().map(|(nodes, relationships)| nodes + relationships),
        Dump::Again(_) => None,
    });
    let plan = outcome.plan.insert(plan(&known, &facts, wishes));
    if let Some((_, record)) = &resumed {
        plan.buckets = record.buckets;
        plan.policy.clone_from(&record.policy);
    }
    let has_begun = resumed.as_ref().is_some_and(|(_, record)| record.state != run::State::Preparing);
    let mut identity = Identity::default();
    if plan.mode == Mode::Merging && !has_begun {
        plan.policy.check()?;
        let (who, found) = merge::examine(&mut dump, target, plan, &facts, extras.quarantine.is_some(), watch)?;
        identity = who;
        plan.found = Some(found);
    }
    if dry_run {
        return Ok(());
    }
    plan.check()?;
    if known.is_quarantine && plan.mode == Mode::Restoring {
        return Err(crate::format::only_for_its_target());
    }
    outcome.report.losses = plan.losses.iter().filter(|loss| loss.kind != "value").cloned().collect();
    outcome.report.keyless = plan.found.map_or(0, |found| found.keyless);
    let plan = &*plan;
    if plan.mode == Mode::Merging {
        let work = merge::Work { plan, facts: &facts, known: &known, watch };
        let (report, run, ids) = (&mut outcome.report, &mut outcome.run, &mut outcome.ids);
        return work.carry_out(&mut dump, target, resumed, identity, extras, report, run, ids);
    }
    let work = whole::Work { plan, facts: &facts, known: &known, total, watch };
    let (report, run, ids) = (&mut outcome.report, &mut outcome.run, &mut outcome.ids);
    work.carry_out(&mut dump, target, resumed, identity, extras, report, run, ids)
}

fn setup<'a, 'b: 'a>(
    plan: &'a Plan,
    facts: &'a Facts,
    identity: Identity,
    done: Option<ledger::Done>,
    extras: Extras<'b>,
    watch: Watch<'a>,
) -> Setup<'a> {
    Setup {
        plan,
        capability: &facts.capability,
        identity,
        done,
        quarantine: match extras.quarantine {
            Some(quarantine) => Some(quarantine),
            None => None,
        },
        max_errors: extras.max_errors.unwrap_or(u64::MAX),
        throttle: extras.throttle,
        watch,
    }
}

/// Loads a dump, as often as it has to be read for that.
fn load_dump(
    dump: &mut Dump<'_>,
    sessions: Vec<Box<dyn Session>>,
    setup: Setup<'_>,
    report: &mut Report,
) -> Result<Loaded> {
    let watch = setup.watch;
    let mut read = false;
    let mut source = |consume: &mut dyn FnMut(Pieces) -> Result<()>| {
        let end = match dump {
            Dump::Again(open) => pump(&mut *open()?, watch, consume)?.1,
            Dump::Once(_) if read => return Err(only_once()),
            Dump::Once(feed) => pump(*feed, watch, consume)?.1,
        };
        read = true;
        Ok(end)
    };
    load(&mut source, sessions, setup, report)
}

/// The refusal of a stream where a dump has to be read several times.
fn only_once() -> Error {
    Error::usage("a merge reads the dump several times, and this one can be read only once")
        .hint("write it to a file first")
}

/// What comes after the data: the schema, and a last look.
fn finish(
    plan: &Plan,
    facts: &Facts,
    objects: Vec<SchemaObject>,
    end: End,
    target: &mut dyn Target,
    report: &mut Report,
    watch: Watch<'_>,
) -> Result<()> {
    report.dangling = end.dangling;
    report.warnings.extend(end.warnings);
    report.warnings.iter().for_each(|warning| watch.tell(&Event::Warning(warning)));
    // What data speak of is there already, if it was known before them; what came with a stream is not.
    let mut create: Vec<_> = plan.create.iter().filter(|object| !object.comes_before_data()).cloned().collect();
    if plan.tally.is_none() {
        create.extend(late(objects, plan, facts, report)?);
    }
    report.schema_skipped = plan.skip.len() as u64;
    if !plan.remove.is_empty() || !create.is_empty() {
        watch.tell(&Event::Step { what: "creating indexes and constraints", total: Some(create.len() as u64) });
    }
    for object in &plan.remove {
        target.remove(object)?;
    }
    // Triggers come last: they must not fire on what we do.
    let (triggers, others): (Vec<_>, Vec<_>) =
        create.into_iter().partition(|object| matches!(object, SchemaObject::Trigger(_)));
    for object in &others {
        watch.stop.check()?;
        apply(target, object, report)?;
    }
    if let Err(error) = target.settle() {
        match error.kind() {
            ErrorKind::Server => report.schema_failed.push(error.report()),
            _ => return Err(error),
        }
    }
    for object in &triggers {
        apply(target, object, report)?;
    }
    let told = report.warnings.len();
    compare(&target.facts()?, facts, report);
    report.warnings.iter().skip(told).for_each(|warning| watch.tell(&Event::Warning(warning)));
    Ok(())
}

/// Creates what data speak of.
///
/// # Errors
/// One of them cannot be made: the data would be refused.
fn create_early(plan: &Plan, target: &mut dyn Target, report: &mut Report) -> Result<()> {
    for object in plan.create.iter().filter(|object| object.comes_before_data()) {
        target.apply(object)?;
        report.schema_created += 1;
    }
    Ok(())
}

/// Creates one object. What the server refuses goes into the report, and the others still get their turn.
fn apply(target: &mut dyn Target, object: &SchemaObject, report: &mut Report) -> Result<()> {
    match target.apply(object) {
        Ok(()) => report.schema_created += 1,
        Err(error) if matches!(error.kind(), ErrorKind::Server | ErrorKind::Refused) => {
            report.schema_failed.push(format!("{}: {}", object.describe(), error.report()));
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// The schema that a stream told of only with its data: too late to refuse, so what cannot be done counts as not done.
fn late(objects: Vec<SchemaObject>, plan: &Plan, facts: &Facts, report: &mut Report) -> Result<Vec<SchemaObject>> {
    let schema = Schema { objects };
    for loss in facts.capability.schema_losses(&schema) {
        if plan.allows(loss.kind) {
            report.losses.push(loss);
        } else {
            report.schema_failed.push(format!("{}: {} cannot hold it", loss.what, plan.target));
        }
    }
    let reconciled = reconcile(&schema, facts, plan.mode);
    report.schema_skipped += reconciled.skip.len() as u64;
    report.schema_failed.extend(reconciled.conflicts);
    Ok(reconciled.create)
}

/// The target's own counts have the last word.
fn compare(after: &Facts, before: &Facts, report: &mut Report) {
    for (what, now, then, written) in [
        ("nodes", after.nodes, before.nodes, report.nodes.written),
        ("relationships", after.relationships, before.relationships, report.relationships.written),
    ] {
        if now != then + written && report.statements == 0 {
            report.missing += (then + written).saturating_sub(now);
            report.warnings.push(format!(
                "the target acknowledged {written} {what} and held {then}, but holds {now} now: something else writes to it, or a trigger of its own"
            ));
        }
    }
}
