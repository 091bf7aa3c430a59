//! What a restore will do, decided before anything is written.
//!
//! [`plan`] is pure: facts in, a plan out that can be shown (`--dry-run` prints it) and tested. A plan that must not be carried out is one
//! whose [`Plan::check`] fails.

use super::policy::{Key, OnConflict, Policy, Relationships, Triggers};
use crate::backend::{Facts, Once, Schedule, Update};
use crate::error::{Error, Result};
use crate::model::{ConstraintKind, Entity, IndexKind, Loss, Schema, SchemaObject, Tally, Trigger};
use crate::survey::Known;
use std::collections::BTreeSet;
use std::fmt;

/// How a dump goes into a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Into an empty database, which is then equal to the dump.
    #[default]
    Restoring,
    /// Into a database that holds data already.
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
    /// The order of relationships; `None` for what suits the target.
    pub schedule: Option<Schedule>,
    /// What a merge is asked to do.
    pub policy: Policy,
    /// Load in the target's mode without transactions.
    pub analytical: bool,
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
    /// What the source did not hold, so that it cannot be restored.
    pub absent: Vec<String>,
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
    /// Buckets of the partitioned order.
    pub buckets: usize,
    /// What the merge does; its keys are all there, those of constraints too.
    pub policy: Policy,
    /// Where the target keeps one relationship in each place and the policy says what happens to one that is there: how it is changed, if at all.
    pub joins: Option<Option<Update>>,
    /// Triggers of the target that are active.
    pub triggers: Vec<Trigger>,
    /// Whether data are loaded in a mode without transactions.
    pub analytical: bool,
    /// Whether the target was found in such a mode; `None` where it has none.
    pub found_analytical: Option<bool>,
    /// What was found of the dump in the target; `None` before anybody looked.
    pub found: Option<Findings>,
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

/// What a look at both graphs has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Nodes of the dump that are in the target, or come after another one that is the same.
    pub recognised: u64,
    /// Nodes with a label of a key that lack the key itself.
    pub keyless: u64,
    /// Nodes that are there already where that is an error.
    pub conflicts: u64,
    /// Nodes that would be several at once.
    pub ambiguous: u64,
    /// Nodes with an id that another vertex has.
    pub taken: u64,
    /// Relationships that would take the place of another one.
    pub replaced: u64,
    /// Relationships in whose place the target has one with other properties, and the policy says what happens to it.
    pub different: u64,
    /// Constraints that would be broken.
    pub breaches: u64,
}

/// Decides what will be done.
#[must_use]
pub fn plan(known: &Known, facts: &Facts, wishes: &Wishes) -> Plan {
    let schema = reconcile(&known.schema, facts, wishes.mode);
    let mut losses = facts.capability.schema_losses(&known.schema);
    losses.extend(known.tally.iter().flat_map(|tally| facts.capability.value_losses(tally)));
    losses.extend(known.misfits.iter().map(|(why, count)| Loss {
        kind: "value",
        what: format!("values {why}"),
        count: *count,
    }));
    let allowed = |loss: &&Loss| wishes.allow_loss.contains(loss.kind) || wishes.allow_loss.contains("all");
    let refused_losses = losses.iter().filter(|loss| !allowed(loss)).cloned().collect();
    let from = &known.header.source;
    let sessions = wishes.jobs.unwrap_or(facts.sessions).max(1);
    let mut policy = wishes.policy.clone();
    if wishes.mode == Mode::Restoring {
        policy = Policy { rewrite: policy.rewrite, triggers: policy.triggers, ..Policy::default() };
    }
    if std::mem::take(&mut policy.key_constraints) {
        policy.keys.extend(constraint_keys(&facts.schema));
    }
    if let (Mode::Merging, Some(identities)) = (wishes.mode, &facts.identities) {
        let in_dump = |label: &String| known.tally.as_ref().is_none_or(|tally| tally.labels.contains_key(label));
        let keys = identities.iter().filter(|(label, _)| in_dump(label));
        policy
            .keys
            .extend(keys.map(|(label, properties)| Key { label: label.clone(), properties: properties.clone() }));
        if policy.relationships == Relationships::Always {
            // Such a target holds one of each.
            policy.relationships = Relationships::OnceWithProperties;
        }
    }
    policy.keys.sort_unstable();
    policy.keys.dedup();
    let keeps_one =
        wishes.mode == Mode::Merging && facts.identities.is_some() && policy.relationships.once() == Once::Properties;
    let joins = match policy.on_conflict {
        OnConflict::Skip if keeps_one => Some(None),
        OnConflict::Overwrite if keeps_one => Some(Some(Update::Overwrite)),
        OnConflict::Fill if keeps_one => Some(Some(Update::Fill)),
        _ => None,
    };
    let trigger = |object: &SchemaObject| match object {
        SchemaObject::Trigger(trigger) if facts.fires_triggers && !trigger.paused => Some(trigger.clone()),
        _ => None,
    };
    Plan {
        mode: wishes.mode,
        target: facts.capability.system.clone(),
        source: [&from.product, &from.version, &from.edition].map(String::as_str).join(" ").trim().to_owned(),
        absent: known.header.absent.clone(),
        tally: known.tally.clone(),
        present: (facts.nodes, facts.relationships),
        sessions,
        buckets: sessions * 2,
        policy,
        joins,
        triggers: facts.schema.objects.iter().filter_map(trigger).collect(),
        analytical: wishes.analytical,
        found_analytical: facts.analytical,
        found: None,
        batch: wishes.batch_size.unwrap_or(facts.batch).max(1),
        schedule: wishes.schedule.unwrap_or(facts.schedule),
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
        if present.iter().any(|known| known.is_same_as(object) || (mode == Mode::Merging && serves(known, object))) {
            result.skip.push(object.clone());
            continue;
        }
        if mode == Mode::Merging
            && let Some(known) = present.iter().find(|known| is_in_the_way(known, object))
        {
            result.conflicts.push(format!("{}: the target has {}", object.describe(), known.describe()));
            continue;
        }
        let namesake = facts
            .schema
            .objects
            .iter()
            .find(|known| share_a_space(known, object) && known.name().is_some() && known.name() == object.name());
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

/// Whether two objects must not have the same name: those of other kinds have a space of names for each kind.
fn share_a_space(a: &SchemaObject, b: &SchemaObject) -> bool {
    match (a, b) {
        (SchemaObject::Other(a), SchemaObject::Other(b)) => a.kind == b.kind,
        _ => true,
    }
}

/// The uniqueness and key constraints for nodes.
fn constraint_keys(schema: &Schema) -> impl Iterator<Item = Key> {
    schema.objects.iter().filter_map(|object| match object {
        SchemaObject::Constraint(constraint)
            if constraint.on == Entity::Node
                && matches!(constraint.kind, ConstraintKind::Unique | ConstraintKind::Key) =>
        {
            Some(Key { label: constraint.label.clone(), properties: constraint.properties.clone() })
        }
        _ => None,
    })
}

/// Whether an object of the target does all that one of the dump would do, under whatever name.
fn serves(known: &SchemaObject, object: &SchemaObject) -> bool {
    match (known, object) {
        (SchemaObject::Constraint(known), SchemaObject::Constraint(object)) => {
            known.on == object.on
                && known.label == object.label
                && known.properties == object.properties
                && (known.kind == object.kind
                    || (known.kind == ConstraintKind::Key && object.kind == ConstraintKind::Unique))
        }
        (SchemaObject::Index(known), SchemaObject::Index(object)) => {
            let mut nameless = known.clone();
            nameless.name = None;
            SchemaObject::Index(nameless).is_same_as(&SchemaObject::Index(object.clone()))
        }
        (SchemaObject::Other(_), SchemaObject::Other(_)) => crate::hugegraph::schema::serves(known, object),
        // A uniqueness constraint has a range index of its own.
        (SchemaObject::Constraint(known), SchemaObject::Index(object)) => {
            matches!(known.kind, ConstraintKind::Unique | ConstraintKind::Key)
                && object.kind == IndexKind::Range
                && known.on == object.on
                && object.labels == [known.label.clone()]
                && known.properties == object.properties
        }
        _ => false,
    }
}

/// Whether an index of the target keeps a constraint of the dump from being made.
fn is_in_the_way(known: &SchemaObject, object: &SchemaObject) -> bool {
    serves(object, known) && matches!((known, object), (SchemaObject::Index(_), SchemaObject::Constraint(_)))
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
            .hint(
                "restore into an empty database, add --mode merging to add to what is there, \
                 or --yes-drop=DATABASE to a restore to drop it after a backup",
            ));
        }
        self.check_mode()?;
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
        self.policy.check()?;
        if let Some(found) = &self.found {
            found.check(&self.policy)?;
        }
        let statements = self.tally.as_ref().map_or(0, |tally| tally.statements);
        if statements > 0 && !self.allow_statements {
            return Err(unknown_statements(statements));
        }
        if statements > 0 && self.mode == Mode::Merging {
            return Err(Error::refused(
                "a dump with statements of other shapes cannot be merged: nobody could resume or undo them",
            )
            .hint("restore it into an empty database, and merge a dump of that one"));
        }
        Ok(())
    }
}

impl Plan {
    /// Whether the target is in the mode that it is to be loaded in, or can go there.
    fn check_mode(&self) -> Result<()> {
        const BACK: &str = "STORAGE MODE IN_MEMORY_TRANSACTIONAL brings it back";
        match (self.analytical, self.found_analytical) {
            (true, None) => Err(Error::refused(format!("{} has no analytical mode", self.target))
                .hint("leave --storage-mode analytical out")),
            (true, _) if self.mode == Mode::Merging => Err(Error::refused(
                "a merge needs transactions, which the analytical mode has not",
            )
            .hint("leave --storage-mode analytical out")),
            (false, Some(true)) => Err(Error::refused(format!(
                "{} is in analytical mode, where a batch that fails is not taken back; perhaps a restore was killed while it loaded",
                self.target
            ))
            .hint(format!("{BACK}; or add --storage-mode analytical to restore that way"))),
            _ => Ok(()),
        }
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
        self.absent.iter().try_for_each(|absent| writeln!(f, "lacks       {absent}"))?;
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
            Schedule::Partitioned => "relationships so that no two batches at once share a node",
        };
        writeln!(f, "batches     of {} items on {} sessions, {schedule}", self.batch, self.sessions)?;
        if self.analytical {
            writeln!(f, "storage     analytical while data are loaded, without transactions:")?;
            writeln!(
                f,
                "            a batch that fails leaves what it had made; such a restore begins anew in an empty database"
            )?;
            writeln!(f, "            indexes and constraints come afterwards, and constraints are checked then")?;
            match self.found_analytical {
                Some(true) => writeln!(f, "            the server is in that mode already, and is left in it")?,
                _ => writeln!(f, "            then back to transactional, also after a failure, and a snapshot")?,
            }
        }
        if self.mode == Mode::Merging {
            self.policy.fmt_lines(f)?;
        }
        if let Some(found) = &self.found {
            if self.policy.recognises() {
                writeln!(
                    f,
                    "found       {} nodes are there already, {} lack their key",
                    found.recognised, found.keyless
                )?;
            }
            if found.different > 0 {
                let what = self.policy.on_conflict.outcome();
                writeln!(f, "found       {} relationships are there with other properties: {what}", found.different)?;
            }
            for (count, what) in [
                (found.conflicts, "nodes are there already: --on-conflict says what to do with them"),
                (found.ambiguous, "nodes would be several at once"),
                (found.taken, "nodes have the id of another vertex"),
                (found.replaced, "relationships would replace others"),
                (found.breaches, "times a constraint would be broken"),
            ] {
                if count > 0 {
                    writeln!(f, "refused     {count} {what}")?;
                }
            }
        }
        for trigger in &self.triggers {
            let what = match (self.mode, self.policy.triggers) {
                (_, Triggers::Suspend) => "is stopped meanwhile",
                _ => "fires on what is written",
            };
            writeln!(f, "trigger     {:?} of the target {what}", trigger.name)?;
        }
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

impl Findings {
    fn check(&self, policy: &Policy) -> Result<()> {
        let told = "nothing was written; each is told above";
        if self.ambiguous > 0 {
            return Err(Error::refused(format!("{} nodes of the dump would be several nodes at once", self.ambiguous))
                .hint(told));
        }
        if self.taken > 0 {
            return Err(Error::refused(format!(
                "{} nodes of the dump have ids that other vertices have: ids are one space for all labels of a graph",
                self.taken
            ))
            .hint(format!("{told}; give them other ids, or leave them out")));
        }
        if self.replaced > 0 {
            return Err(Error::refused(format!(
                "{} relationships would take the place of others, which differ from them only in what is no sort key",
                self.replaced
            ))
            .hint(format!(
                "{told}; --relationships once keeps those that are there, or come first; --on-conflict and --quarantine say what happens where the target has one"
            )));
        }
        if policy.on_conflict == OnConflict::Error && self.conflicts > 0 {
            return Err(Error::refused(format!("{} nodes of the dump are there already", self.conflicts))
                .hint(format!("{told}; --on-conflict skip, overwrite, fill or duplicate goes on")));
        }
        if self.breaches > 0 {
            return Err(Error::refused(format!("the merge would break constraints {} times", self.breaches)).hint(told));
        }
        Ok(())
    }
}

impl Policy {
    fn fmt_lines(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conflict = self.on_conflict.outcome();
        if self.keys.is_empty() {
            writeln!(f, "key         none: every node is new")?;
        }
        for key in &self.keys {
            writeln!(f, "key         {key}: nodes that are there are {conflict}")?;
        }
        for reference in &self.rewrite {
            writeln!(f, "rewrite     {reference}")?;
        }
        match self.relationships {
            Relationships::Always => {}
            Relationships::Once => writeln!(f, "once        relationships with the same start, type and end")?,
            Relationships::OnceWithProperties => {
                writeln!(f, "once        relationships with the same start, type, end and properties")?;
            }
        }
        match (self.undoable, self.keep_ledger) {
            (true, _) => writeln!(f, "ledger      kept, with what nodes were before: undo takes the run back"),
            (false, true) => {
                writeln!(f, "ledger      kept: undo takes back what the run creates, and no change of a node")
            }
            (false, false) => Ok(()),
        }
    }
}
