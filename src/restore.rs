//! `restore` and `copy`: a feed into a database.
//!
//! In this order: look (a dump that can be read twice is read once without writing anything: its counts, ids, ends and checksum are
//! then proved before the first write), plan, refuse or go on, write the data, create the schema, wait for it, compare the counts.

pub mod batch;
pub mod load;
pub mod plan;
pub mod pressure;
pub mod report;
pub mod schedule;
pub mod throttle;

use crate::backend::{Facts, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::feed::{Feed, pump};
use crate::model::{Schema, SchemaObject};
use crate::observe::{Event, Watch};
use crate::survey::{Known, survey};
pub use load::load;
pub use plan::{Mode, Plan, Wishes, plan, reconcile};
pub use report::{Moved, Report};

/// How the dump is had: as often as it is asked for, or once.
pub enum Dump<'a> {
    /// A file: it is surveyed first.
    Again(&'a dyn Fn() -> Result<Box<dyn Feed>>),
    /// A stream or a database's snapshot: what is wrong with it shows on the way.
    Once(&'a mut dyn Feed),
}

/// What came out of a restore, whole or not.
#[must_use = "it says whether the restore succeeded"]
pub struct Outcome {
    /// What was planned; `None` when it did not come to a plan.
    pub plan: Option<Plan>,
    /// What was done. Only meaningful when the plan was carried out.
    pub report: Report,
    /// Why it ended early.
    pub error: Option<Error>,
}

/// Restores a dump into a target, or with `dry_run` only plans it.
pub fn restore(dump: Dump<'_>, target: &mut dyn Target, wishes: &Wishes, dry_run: bool, watch: Watch<'_>) -> Outcome {
    let mut outcome = Outcome { plan: None, report: Report::default(), error: None };
    let result = run(dump, target, wishes, dry_run, watch, &mut outcome);
    outcome.error = result.err();
    outcome
}

fn run(
    dump: Dump<'_>,
    target: &mut dyn Target,
    wishes: &Wishes,
    dry_run: bool,
    watch: Watch<'_>,
    outcome: &mut Outcome,
) -> Result<()> {
    let facts = target.facts()?;
    let (mut owned, once);
    let (known, feed): (Known, &mut dyn Feed) = match dump {
        Dump::Again(open) => {
            watch.tell(&Event::Step { what: "checking the dump", total: None });
            let known = survey(&mut *open()?, watch)?;
            owned = open()?;
            (known, &mut *owned)
        }
        Dump::Once(feed) => {
            once = feed;
            (Known { header: once.header().clone(), schema: once.schema().clone(), tally: None }, once)
        }
    };
    let total = known.tally.as_ref().map(|tally| tally.nodes + tally.relationships);
    let total = total.or_else(|| feed.estimate().map(|(nodes, relationships)| nodes + relationships));
    let plan = outcome.plan.insert(plan(&known, &facts, wishes));
    if dry_run {
        return Ok(());
    }
    plan.check()?;
    outcome.report.losses = plan.losses.iter().filter(|loss| loss.kind != "value").cloned().collect();
    carry_out(plan, &facts, feed, target, total, watch, &mut outcome.report)
}

fn carry_out(
    plan: &Plan,
    facts: &Facts,
    feed: &mut dyn Feed,
    target: &mut dyn Target,
    total: Option<u64>,
    watch: Watch<'_>,
    report: &mut Report,
) -> Result<()> {
    let sessions = (0..plan.sessions).map(|_| target.session()).collect::<Result<Vec<_>>>()?;
    watch.tell(&Event::Step { what: "restoring", total });
    let (loaded, end) = pump(feed, watch, |pieces| load(&pieces, sessions, plan, &facts.capability, report))?;
    report.dangling = end.dangling;
    report.warnings.extend(end.warnings);
    report.warnings.iter().for_each(|warning| watch.tell(&Event::Warning(warning)));
    let mut create = plan.create.clone();
    if plan.tally.is_none() {
        create.extend(late(loaded.late, plan, facts, report)?);
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
