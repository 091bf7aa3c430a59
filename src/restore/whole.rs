//! Restoring into an empty database: triggers of the target rest, enums come first, then data, then the rest of the schema.
//!
//! There is no ledger of batches: a restore that is cut off begins anew, or, where sending the same again changes nothing, is done once more over what is there. But triggers that were stopped are noted in the target before the
//! first is, since Memgraph's way to stop one is to drop it; `runs --forget` starts them again after a `kill -9`.

use super::identity::Identity;
use super::merge::{forget, new_record, wake};
use super::plan::Plan;
use super::policy::Triggers;
use super::report::Report;
use super::run::{self, Record};
use super::{Dump, Extras, create_early, finish, load_dump, setup};
use crate::backend::{Facts, Purpose, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::IdMap;
use crate::observe::{Event, Watch};
use crate::restore::load::Loaded;
use crate::survey::Known;

/// What a restore works with.
pub(super) struct Work<'a> {
    pub(super) plan: &'a Plan,
    pub(super) facts: &'a Facts,
    pub(super) known: &'a Known,
    /// Items of the dump, if that is known.
    pub(super) total: Option<u64>,
    pub(super) watch: Watch<'a>,
}

impl Work<'_> {
    /// Does what the plan says.
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
        let can_resume = self.facts.resumes_restores && matches!(dump, Dump::Again(_));
        let mut noted = match resumed {
            Some(noted) => Some(noted),
            None => self.note(target, &extras.name)?,
        };
        let result = match target.prepare(Purpose::Restore) {
            Ok(()) => self.data_and_schema(dump, target, identity, extras, report, ids),
            Err(error) => Err(error),
        };
        let result = both(result, target.conclude(), report, self.watch);
        let Some((name, record)) = noted.as_mut() else { return result };
        if let Err(error) = wake(target, name, record) {
            return result.and(Err(error));
        }
        match result {
            Err(error) if can_resume && error.kind() != ErrorKind::Refused => {
                *run = Some(name.clone());
                let hint = format!("go on with graphferry restore and --resume {name}");
                Err(if error.advice().is_some() { error } else { error.hint(hint) })
            }
            result => result.and(forget(target, name, record)),
        }
    }

    /// Notes what a run that is killed would leave behind, and stops triggers.
    fn note(&self, target: &mut dyn Target, dump: &str) -> Result<Option<(String, Record)>> {
        let stops = self.plan.policy.triggers != Triggers::Keep && !self.plan.triggers.is_empty();
        if !stops && !self.facts.resumes_restores {
            return Ok(None);
        }
        let name = run::new_name();
        let mut record = new_record(self.plan, self.known, dump);
        record.state = run::State::Restoring;
        if stops {
            record.suspended.clone_from(&self.plan.triggers);
        }
        target.record(&name, &record.write()?)?;
        for trigger in &record.suspended {
            if let Err(error) = target.set_trigger(trigger, false) {
                let _ = wake(target, &name, &mut record).and_then(|()| forget(target, &name, &mut record));
                return Err(error);
            }
        }
        Ok(Some((name, record)))
    }

    fn data_and_schema(
        &self,
        dump: &mut Dump<'_>,
        target: &mut dyn Target,
        identity: Identity,
        extras: Extras<'_>,
        report: &mut Report,
        ids: &mut IdMap,
    ) -> Result<()> {
        create_early(self.plan, target, report)?;
        let switches = self.plan.analytical && self.facts.analytical == Some(false);
        if switches {
            self.watch.tell(&Event::Step { what: "going into analytical mode", total: None });
            target.set_analytical(true)?;
        }
        let loaded = self.load(dump, target, identity, extras, report);
        let back = if switches { self.go_back(target, report) } else { Ok(()) };
        let Loaded { late, ids: bound, end } = match (loaded, back) {
            (Ok(loaded), Ok(())) => loaded,
            (Ok(_), Err(error)) => return Err(error),
            (Err(error), Ok(())) => return Err(error),
            (Err(error), Err(other)) => {
                report.warnings.push(other.report());
                self.watch.tell(&Event::Warning(&other.report()));
                return Err(error);
            }
        };
        *ids = bound;
        if self.plan.analytical && !switches {
            self.make_durable(target, report);
        }
        finish(self.plan, self.facts, late, end, target, report, self.watch)
    }

    fn load(
        &self,
        dump: &mut Dump<'_>,
        target: &mut dyn Target,
        identity: Identity,
        extras: Extras<'_>,
        report: &mut Report,
    ) -> Result<Loaded> {
        let sessions = (0..self.plan.sessions).map(|_| target.session()).collect::<Result<Vec<_>>>()?;
        self.watch.tell(&Event::Step { what: "restoring", total: self.total });
        let setup = setup(self.plan, self.facts, identity, None, extras, self.watch);
        load_dump(dump, sessions, setup, report)
    }

    /// Back into the mode with transactions; nothing that was written before is in its log, so a snapshot must hold it.
    fn go_back(&self, target: &mut dyn Target, report: &mut Report) -> Result<()> {
        self.watch.tell(&Event::Step { what: "going back into transactional mode", total: None });
        target.set_analytical(false).map_err(|error| {
            Error::failed(format!("the server could not be brought back into transactional mode: {}", error.message()))
                .hint("run STORAGE MODE IN_MEMORY_TRANSACTIONAL, then CREATE SNAPSHOT")
                .caused_by(error)
        })?;
        self.make_durable(target, report);
        Ok(())
    }

    fn make_durable(&self, target: &mut dyn Target, report: &mut Report) {
        if let Err(error) = target.make_durable() {
            let warning = format!(
                "no snapshot could be taken ({}): until there is one, a restart of the server loses what was loaded",
                error.message()
            );
            self.watch.tell(&Event::Warning(&warning));
            report.warnings.push(warning);
        }
    }
}

/// What was done, and what was put back afterwards: the first failure counts, the other is told.
pub(super) fn both(done: Result<()>, back: Result<()>, report: &mut Report, watch: Watch<'_>) -> Result<()> {
    match (done, back) {
        (Err(error), Err(other)) => {
            report.warnings.push(other.report());
            watch.tell(&Event::Warning(&other.report()));
            Err(error)
        }
        (done, back) => done.and(back),
    }
}
