//! What a restore did. The report decides the exit code.

use crate::model::Loss;
use serde::Serialize;
use std::fmt;

/// How much was read, and how much of it the target acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// Items that the dump gave.
    pub read: u64,
    /// Items that the target created.
    pub written: u64,
    /// Items that were there already and were changed: nodes, and relationships where the target keeps one in each place.
    pub updated: u64,
    /// Items that were there already and were left as they are.
    pub kept: u64,
    /// Items that the target refused.
    pub rejected: u64,
}

/// What a restore did.
#[must_use = "the report says whether everything arrived"]
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Nodes.
    pub nodes: Moved,
    /// Relationships.
    pub relationships: Moved,
    /// Nodes with a label of a key that lack the key itself.
    pub keyless: u64,
    /// Ids in properties that were rewritten.
    pub references_rewritten: u64,
    /// Numbers in such properties that are no id of the dump, left as they were.
    pub references_unknown: u64,
    /// Schema objects that were created.
    pub schema_created: u64,
    /// Schema objects that were there already.
    pub schema_skipped: u64,
    /// Schema objects that the target refused, with what it said.
    pub schema_failed: Vec<String>,
    /// Statements outside the known shapes that ran.
    pub statements: u64,
    /// Batches that were sent again after a passing failure.
    pub retries: u64,
    /// Items of batches whose answer was lost: they may or may not be in the target.
    pub in_doubt: u64,
    /// Items that the target acknowledged and does not hold in the end: something else removed them, or a trigger of its own.
    pub missing: u64,
    /// What the target could not hold and `--allow-loss` let go.
    pub losses: Vec<Loss>,
    /// Relationships that a filter left out since it left out an end of theirs.
    pub dangling: u64,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl Moved {
    /// Whether every item that was read is in the target, new or known.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.rejected == 0 && self.read == self.written + self.updated + self.kept
    }
}

impl Report {
    /// Whether everything that was read is in the target, losses that were allowed apart.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.nodes.is_complete()
            && self.relationships.is_complete()
            && self.schema_failed.is_empty()
            && self.in_doubt == 0
            && self.missing == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moved = |moved: Moved| {
            if moved.is_complete() {
                format!("{}", moved.written)
            } else {
                format!("{} of {}", moved.written, moved.read)
            }
        };
        write!(f, "{} nodes, {} relationships", moved(self.nodes), moved(self.relationships))?;
        write!(f, ", {} schema objects", self.schema_created)?;
        if self.schema_skipped > 0 {
            write!(f, " ({} were there)", self.schema_skipped)?;
        }
        for (count, what) in [
            (self.nodes.updated, "nodes changed that were there"),
            (self.nodes.kept, "nodes left as they were"),
            (self.relationships.updated, "relationships changed that were there"),
            (self.relationships.kept, "relationships that were there"),
            (self.nodes.rejected, "nodes refused by the target"),
            (self.relationships.rejected, "relationships refused by the target"),
            (self.keyless, "nodes without a key"),
            (self.references_rewritten, "ids rewritten in properties"),
            (self.references_unknown, "numbers left there that are no id of the dump"),
            (self.statements, "statements run"),
            (self.retries, "batches sent again"),
            (self.dangling, "dangling relationships left out"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        if self.in_doubt > 0 {
            write!(f, ", {} items in doubt (the answer to their batch was lost)", self.in_doubt)?;
        }
        for failed in &self.schema_failed {
            write!(f, "\n  not created: {failed}")?;
        }
        for loss in &self.losses {
            write!(f, "\n  lost, as allowed: {} {}", loss.count, loss.what)?;
        }
        Ok(())
    }
}
