//! What a restore will do, decided before anything is written.
//!
//! [`plan`] is pure: facts in, a plan out that can be shown (`--dry-run` prints it) and tested. A plan that must not be carried out is one
//! whose [`Plan::check`] fails.

use crate::backend::{Facts, Schedule};
use crate::error::{Error, Result};
use crate::model::{IndexKind, Loss, Schema, SchemaObject, Tally};
use crate::survey::Known;
use std::collections::BTreeSet;
use std::fmt;

/// How a dump goes into a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Into an empty database, which is then equal to the dump.
    #[default]
    Restoring,
    /// Into a database that holds data already: everything is added under new ids.
    Merging,
}

impl Mode {
    /// `restoring` or `merging`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Restoring => "restoring",
            Self::Merging => "merging",
        }
    }
}

/// What the user asks for.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// The mode.
    pub mode: Mode,
    /// Sessions; `None` for what suits the target.
    pub jobs: Option<usize>,
    /// Items a batch; `None` for what suits the target.
    pub batch_size: Option<usize>,
    /// Kinds of losses that are accepted: `constraint`, `index`, `trigger`, `schema`, `value`, or `all`.
    pub allow_loss: BTreeSet<String>,
    /// Whether statements outside the known shapes may run.
    pub allow_statements: bool,
}

/// What will be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The mode.
    pub mode: Mode,
    /// The target, for people.
    pub target: String,
    /// The source, for people.
    pub source: String,
    /// The counts of the dump; `None` where it can be read only once.
    pub tally: Option<Tally>,
    /// Nodes and relationships that the target holds already.
    pub present: (u64, u64),
    /// Sessions.
    pub sessions: usize,
    /// Items a batch.
    pub batch: usize,
    /// The order of relationship batches.
    pub schedule: Schedule,
    /// Schema objects to create, in order.
    pub create: Vec<SchemaObject>,
    /// Schema objects that are there already.
    pub skip: Vec<SchemaObject>,
    /// Objects that the empty target made by itself and the dump does not have.
    pub remove: Vec<SchemaObject>,
    /// Objects that contradict what the target has.
    pub conflicts: Vec<String>,
    /// What the target cannot hold.
    pub losses: Vec<Loss>,
    /// Losses that nobody allowed.
    pub refused_losses: Vec<Loss>,
    /// Kinds of losses that are accepted.
    pub allow_loss: BTreeSet<String>,
    /// Whether statements outside the known shapes may run.
    pub allow_statements: bool,
}

/// Decides what will be done.
#[must_use]
pub fn plan(known: &Known, facts: &Facts, wishes: &Wishes) -> Plan {
    let schema = reconcile(&known.schema, facts, wishes.mode);
    let mut losses = facts.capability.schema_losses(&known.schema);
    losses.extend(known.tally.iter().flat_map(|tally| facts.capability.value_losses(tally)));
    let allowed = |loss: &&Loss| wishes.allow_loss.contains(loss.kind) || wishes.allow_loss.contains("all");
    let refused_losses = losses.iter().filter(|loss| !allowed(loss)).cloned().collect();
    let from = &known.header.source;
    Plan {
        mode: wishes.mode,
        target: facts.capability.system.clone(),
        source: [&from.product, &from.version, &from.edition].map(String::as_str).join(" ").trim().to_owned(),
        tally: known.tally.clone(),
        present: (facts.nodes, facts.relationships),
        sessions: wishes.jobs.unwrap_or(facts.sessions).max(1),
        batch: wishes.batch_size.unwrap_or(facts.batch).max(1),
        schedule: facts.schedule,
        create: schema.create,
        skip: schema.skip,
        remove: schema.remove,
        conflicts: schema.conflicts,
        losses,
        refused_losses,
        allow_loss: wishes.allow_loss.clone(),
        allow_statements: wishes.allow_statements,
    }
}

/// What becomes of a schema.
#[derive(Clone, Debug, Default)]
pub struct Reconciled {
    /// To create.
    pub create: Vec<SchemaObject>,
    /// There already.
    pub skip: Vec<SchemaObject>,
    /// There by default, and not in the dump.
    pub remove: Vec<SchemaObject>,
    /// Contradictions.
    pub conflicts: Vec<String>,
}

/// Compares a dump's schema with the target's.
#[must_use]
pub fn reconcile(schema: &Schema, facts: &Facts, mode: Mode) -> Reconciled {
    let mut result = Reconciled::default();
    let present: Vec<_> = facts.schema.objects.iter().chain(&facts.defaults.objects).collect();
    for object in &schema.objects {
        if !facts.capability.holds(object) {
            continue;
        }
        if present.iter().any(|known| known.is_same_as(object)) {
            result.skip.push(object.clone());
            continue;
        }
        let namesake =
            facts.schema.objects.iter().find(|known| known.name().is_some() && known.name() == object.name());
        match namesake {
            Some(known) => result.conflicts.push(format!("{}: the target has {}", object.describe(), known.describe())),
            None => result.create.push(object.clone()),
        }
    }
    // Neo4j makes lookup indexes in every database; a source that names them otherwise, or has dropped them, is followed.
    // A dump that says nothing of lookup indexes at all (another system's) leaves them alone.
    let speaks =
        |object: &SchemaObject| matches!(object, SchemaObject::Index(index) if index.kind == IndexKind::Lookup);
    if mode == Mode::Restoring && schema.objects.iter().any(speaks) {
        let stays = |known: &SchemaObject| schema.objects.iter().any(|object| object.is_same_as(known));
        result.remove.extend(facts.defaults.objects.iter().filter(|known| !stays(known)).cloned());
    }
    result
}

impl Plan {
    /// Whether the losses of a kind may happen.
    #[must_use]
    pub fn allows(&self, kind: &str) -> bool {
        self.allow_loss.contains(kind) || self.allow_loss.contains("all")
    }

    /// Whether a survey has shown that every value can be held.
    #[must_use]
    pub fn is_free_of_lost_values(&self) -> bool {
        self.tally.is_some() && !self.losses.iter().any(|loss| loss.kind == "value")
    }

    /// Goes on only with a plan that may be carried out.
    ///
    /// # Errors
    /// [`Refused`](crate::ErrorKind::Refused), with the reason and what to do about it.
    pub fn check(&self) -> Result<()> {
        let (nodes, relationships) = self.present;
        if self.mode == Mode::Restoring && (nodes > 0 || relationships > 0) {
            return Err(Error::refused(format!(
                "the target is not empty: {} holds {nodes} nodes and {relationships} relationships",
                self.target
            ))
            .hint("restore into an empty database, or add --mode merging to add to what is there"));
        }
        if let Some(first) = self.conflicts.first() {
            let more = self.conflicts.len() - 1;
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            return Err(Error::refused(format!("the schema contradicts the target's: {first}{more}"))
                .hint("nothing was written; --dry-run lists every contradiction"));
        }
        if let Some(first) = self.refused_losses.first() {
            let count: u64 = self.refused_losses.iter().map(|loss| loss.count).sum();
            let kinds: BTreeSet<_> = self.refused_losses.iter().map(|loss| loss.kind).collect();
            let options = kinds.iter().map(|kind| format!("--allow-loss={kind}")).collect::<Vec<_>>().join(" ");
            return Err(Error::refused(format!(
                "{} cannot hold {count} {} of this dump, such as {}",
                self.target,
                if count == 1 { "thing" } else { "things" },
                first.what
            ))
            .hint(format!("nothing was written; --dry-run lists every loss, {options} accepts them")));
        }
        let statements = self.tally.as_ref().map_or(0, |tally| tally.statements);
        if statements > 0 && !self.allow_statements {
            return Err(unknown_statements(statements));
        }
        Ok(())
    }
}

/// The refusal of statements that nobody vouched for.
#[must_use]
pub fn unknown_statements(count: u64) -> Error {
    let (noun, verb) = if count == 1 { ("statement", "is") } else { ("statements", "are") };
    Error::refused(format!("{count} {noun} of this dump {verb} none of the shapes that hold data or schema"))
        .hint("a statement can do anything to the target; add --allow-statements if you trust where the dump is from")
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (nodes, relationships) = self.present;
        writeln!(f, "mode        {}", self.mode.name())?;
        writeln!(f, "source      {}", if self.source.is_empty() { "unknown" } else { &self.source })?;
        writeln!(f, "target      {}, which holds {nodes} nodes and {relationships} relationships", self.target)?;
        match &self.tally {
            Some(tally) => {
                writeln!(f, "create      {} nodes, {} relationships", tally.nodes, tally.relationships)?;
                if tally.statements > 0 {
                    writeln!(f, "run         {} statements as they are", tally.statements)?;
                }
            }
            None => writeln!(f, "create      what the stream holds: it can be read only once")?,
        }
        let schedule = match self.schedule {
            Schedule::Sequential => "in the order of the dump",
            Schedule::Sorted => "relationships sorted by start node",
            Schedule::Partitioned => "relationships in rounds of batches that share no node",
        };
        writeln!(f, "batches     of {} items on {} sessions, {schedule}", self.batch, self.sessions)?;
        for (verb, objects) in [("create", &self.create), ("keep", &self.skip), ("remove", &self.remove)] {
            for object in objects {
                writeln!(f, "{verb:<11} {}", object.describe())?;
            }
        }
        for conflict in &self.conflicts {
            writeln!(f, "conflict    {conflict}")?;
        }
        for loss in &self.losses {
            let allowed = if self.refused_losses.contains(loss) { "refused" } else { "allowed" };
            writeln!(f, "loss        {} {} ({allowed}: --allow-loss={})", loss.count, loss.what, loss.kind)?;
        }
        Ok(())
    }
}
