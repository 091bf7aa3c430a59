//! The options of a merge: shared by `merge`, `restore` and `copy`.

use crate::error::{Error, Result};
use crate::restore::Mode;
use crate::restore::policy::{Key, OnConflict, Policy, Reference, Relationships, Triggers};
use clap::{Args, ValueEnum};

#[derive(Args, Clone)]
#[group(skip)]
#[command(next_help_heading = "Merging")]
pub(super) struct Options {
    /// Which node is which: nodes with this label and the same values are the same, as in Person=email or Person=first,last;
    /// or the word constraints for the target's own uniqueness constraints. May be given several times
    #[arg(long, value_name = "LABEL=PROP", value_parser = key)]
    key: Vec<KeyName>,
    /// What happens to a node that is there already
    #[arg(long, value_enum, default_value_t = ConflictName::Error, value_name = "POLICY")]
    on_conflict: ConflictName,
    /// Which relationships are created: always; once (for each start, type and end); once-with-properties. Or, with --nodes, CSV files of
    /// relationships, as neo4j-admin takes them: TYPE=FILE,…; may be given several times
    #[arg(long, value_parser = relationships, value_name = "POLICY")]
    relationships: Vec<RelationshipsWord>,
    /// A property that holds ids of nodes, as in Person.manager_id: the new ids are written there. May be given several times
    #[arg(long, value_name = "NAME.PROP", value_parser = reference)]
    rewrite_id: Vec<Reference>,
    /// Whether triggers of the target fire on what is written; where it is not given, they do in a merge and do not in a restore
    #[arg(long, value_enum, value_name = "WHAT")]
    triggers: Option<TriggersName>,
    /// Keep what nodes were before, so that undo can put it back, and the ledger after the run
    #[arg(long)]
    undoable: bool,
    /// Keep the ledger after the run, so that undo can remove what it created
    #[arg(long)]
    keep_ledger: bool,
}

#[derive(Clone, Debug)]
enum KeyName {
    Constraints,
    Key(Key),
}

fn key(text: &str) -> Result<KeyName> {
    match text {
        "constraints" => Ok(KeyName::Constraints),
        _ => text.parse().map(KeyName::Key),
    }
}

fn reference(text: &str) -> Result<Reference> {
    text.parse()
}

#[derive(Clone, Copy, ValueEnum)]
enum ConflictName {
    /// Nothing is written; every conflict is told
    Error,
    /// It stays as it is
    Skip,
    /// The dump's values win; labels are added
    Overwrite,
    /// What it lacks is added: properties and labels
    Fill,
    /// Another node is made
    Duplicate,
}

/// One name for two things: the policy of a merge, and neo4j-admin's own option.
#[derive(Clone, Debug)]
enum RelationshipsWord {
    Policy(Relationships),
    Files(String),
}

fn relationships(text: &str) -> Result<RelationshipsWord> {
    Ok(RelationshipsWord::Policy(match text {
        "always" => Relationships::Always,
        "once" => Relationships::Once,
        "once-with-properties" => Relationships::OnceWithProperties,
        // A file has an ending, or a type before it.
        _ if text.contains(['=', '.', '/', '*']) => return Ok(RelationshipsWord::Files(text.to_owned())),
        _ => {
            return Err(Error::usage(
                "a policy is always, once or once-with-properties; files of relationships are given as TYPE=FILE,…",
            ));
        }
    }))
}

#[derive(Clone, Copy, ValueEnum)]
enum TriggersName {
    /// They do
    Keep,
    /// They are stopped for the run, and started again
    Suspend,
}

impl Options {
    /// The policy that was given last.
    fn chosen(&self) -> Option<Relationships> {
        self.relationships.iter().rev().find_map(|word| match word {
            RelationshipsWord::Policy(policy) => Some(*policy),
            RelationshipsWord::Files(_) => None,
        })
    }

    /// Files of relationships, as neo4j-admin's option has them.
    pub(super) fn relationship_files(&self) -> Vec<String> {
        let files = self.relationships.iter().filter_map(|word| match word {
            RelationshipsWord::Files(files) => Some(files.clone()),
            RelationshipsWord::Policy(_) => None,
        });
        files.collect()
    }

    pub(super) fn policy(&self, mode: Mode) -> Policy {
        let keys = self.key.iter().filter_map(|key| match key {
            KeyName::Key(key) => Some(key.clone()),
            KeyName::Constraints => None,
        });
        Policy {
            keys: keys.collect(),
            key_constraints: self.key.iter().any(|key| matches!(key, KeyName::Constraints)),
            on_conflict: match self.on_conflict {
                ConflictName::Error => OnConflict::Error,
                ConflictName::Skip => OnConflict::Skip,
                ConflictName::Overwrite => OnConflict::Overwrite,
                ConflictName::Fill => OnConflict::Fill,
                ConflictName::Duplicate => OnConflict::Duplicate,
            },
            relationships: self.chosen().unwrap_or(Relationships::Always),
            rewrite: self.rewrite_id.clone(),
            undoable: self.undoable,
            keep_ledger: self.keep_ledger,
            triggers: match (self.triggers, mode) {
                (Some(TriggersName::Keep), _) | (None, Mode::Merging) => Triggers::Keep,
                (Some(TriggersName::Suspend), _) | (None, Mode::Restoring) => Triggers::Suspend,
            },
        }
    }
}
