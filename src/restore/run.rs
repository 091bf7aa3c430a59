//! A run: what the target's ledger says about a merge as a whole.

use super::plan::{Mode, Wishes};
use super::policy::Policy;
use crate::backend::Schedule;
use crate::error::{Error, Result};
use crate::model::{Header, SchemaObject, Tally, Trigger};
use serde::{Deserialize, Serialize};

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It notes who is who; no data were written.
    Preparing,
    /// It writes data.
    Loading,
    /// The data are in; indexes and constraints follow.
    Finishing,
    /// It is over.
    Finished,
    /// It is over, and its ledger is being removed: what is left of it says nothing any more.
    Forgetting,
    /// It is being taken back.
    Undoing,
    /// It restores into an empty database and notes nothing but the triggers that it stopped: it cannot be undone, and resumed only where the target allows
    /// that everything is sent again.
    Restoring,
}

/// The record of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// How far it has come.
    pub state: State,
    /// When it began, as ISO 8601 in UTC.
    pub began: String,
    /// What wrote it.
    pub tool: String,
    /// The dump's name.
    pub dump: String,
    /// The dump's header.
    pub header: Header,
    /// The dump's counts.
    pub tally: Tally,
    /// What it was asked to do.
    pub policy: Policy,
    /// Items in a batch.
    pub batch: usize,
    /// The order of relationships.
    pub schedule: Schedule,
    /// Buckets of the partitioned order.
    pub buckets: usize,
    /// Nodes and relationships that the target held before.
    pub present: (u64, u64),
    /// Indexes, constraints and triggers that it creates.
    pub create: Vec<SchemaObject>,
    /// Triggers that it stopped.
    pub suspended: Vec<Trigger>,
    /// Kinds of losses that are accepted.
    pub allow_loss: Vec<String>,
}

impl Record {
    /// The text that the ledger keeps.
    ///
    /// # Errors
    /// None that is known.
    pub fn write(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|cause| Error::failed("the run cannot be recorded").caused_by(cause))
    }

    /// Reads what [`Record::write`] wrote.
    ///
    /// # Errors
    /// The text is damaged, or of another version.
    pub fn read(run: &str, text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|cause| {
            Error::refused(format!("the record of run {run} cannot be read"))
                .hint("it was written by another version of graphferry: use that one")
                .caused_by(cause)
        })
    }

    /// What the run was asked to do.
    #[must_use]
    pub fn wishes(&self, jobs: Option<usize>) -> Wishes {
        Wishes {
            mode: if self.state == State::Restoring { Mode::Restoring } else { Mode::Merging },
            jobs,
            batch_size: Some(self.batch),
            allow_loss: self.allow_loss.iter().cloned().collect(),
            allow_statements: false,
            schedule: Some(self.schedule),
            policy: self.policy.clone(),
            analytical: false,
        }
    }

    /// Whether nothing is left to be done.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        matches!(self.state, State::Finished | State::Forgetting)
    }

    /// Goes on only with the dump that the run began with.
    ///
    /// # Errors
    /// [`Refused`](crate::ErrorKind::Refused): it is another one.
    pub fn check(&self, header: &Header, tally: Option<&Tally>) -> Result<()> {
        if self.header == *header && Some(&self.tally) == tally {
            return Ok(());
        }
        Err(Error::refused(format!("the run began with another dump, {}", self.dump))
            .hint("give the same file and the same filters, or undo the run"))
    }
}

/// A name for a new run: the time, and some random letters so that two never meet.
#[must_use]
pub fn new_name() -> String {
    use std::hash::{BuildHasher as _, Hasher as _};
    let now = jiff::Timestamp::now();
    // The standard library seeds it from the operating system.
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
    format!("{}-{:04x}", now.strftime("%Y%m%d-%H%M%S"), random & 0xFFFF)
}
