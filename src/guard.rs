//! The guard before data are dropped: what is asked, and what an answer means. It decides; the command line asks.
//!
//! Nothing in this program drops a database without a [`WipeConsent`], and only this module makes one.

use crate::error::{Error, Result};
use std::fmt;

/// A database whose content would be dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Victim {
    /// Its name, which `--yes-drop` has to repeat.
    pub database: String,
    /// What it is, such as `neo4j 5.26.0`.
    pub system: String,
    /// Nodes that are there.
    pub nodes: u64,
    /// Relationships that are there.
    pub relationships: u64,
    /// Indexes, constraints, triggers and other objects that are there.
    pub objects: u64,
}

/// The leave to drop what one database holds. Only an answer of the user makes one.
#[derive(Debug, PartialEq, Eq)]
pub struct WipeConsent {
    database: String,
}

/// What the user wants.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// A backup first; the consent is good once the backup is there.
    Backup(WipeConsent),
    /// No backup.
    GoOn(WipeConsent),
    /// Nothing at all.
    Quit,
}

/// The last words of the question.
pub const PROMPT: &str = "Would you like to make a backup of the current database before proceeding? (y/n/Q)> ";

/// What is said before it.
pub const WARNING: &str = "Your current database WILL BE DROPPED prior to the restore!";

/// Whether a restore would drop something.
#[must_use]
pub fn is_needed(victim: &Victim) -> bool {
    victim.nodes > 0 || victim.relationships > 0
}

/// What an answer at the prompt means: `y` and `n` are answers, and everything else quits; `None` is the end of the input.
#[must_use]
pub fn decide(victim: &Victim, answer: Option<&str>) -> Decision {
    let consent = WipeConsent { database: victim.database.clone() };
    match answer.map(str::trim) {
        Some("y" | "Y") => Decision::Backup(consent),
        Some("n" | "N") => Decision::GoOn(consent),
        _ => Decision::Quit,
    }
}

/// What `--yes-drop=<database>` means, with or without `--no-backup`.
///
/// # Errors
/// [`Refused`](crate::ErrorKind::Refused): it names another database.
pub fn decide_by_name(victim: &Victim, name: &str, backup: bool) -> Result<Decision> {
    if name != victim.database {
        return Err(Error::refused(format!(
            "--yes-drop names {name:?}, and the database that would be dropped is {:?}",
            victim.database
        ))
        .hint("nothing was changed"));
    }
    let consent = WipeConsent { database: victim.database.clone() };
    Ok(if backup { Decision::Backup(consent) } else { Decision::GoOn(consent) })
}

/// The refusal of a user who did not say yes.
#[must_use]
pub fn quit() -> Error {
    Error::refused("quit: nothing was changed")
}

impl WipeConsent {
    /// Goes on only if it is this database that may be dropped.
    ///
    /// # Errors
    /// [`Refused`](crate::ErrorKind::Refused): it is another one.
    pub fn check(&self, database: &str) -> Result<()> {
        if self.database == database {
            return Ok(());
        }
        Err(Error::refused(format!("{:?} may be dropped, but not {database:?}", self.database)))
    }
}

impl fmt::Display for Victim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { database, system, nodes, relationships, objects } = self;
        write!(
            f,
            "the database {database} ({system}): {nodes} nodes, {relationships} relationships, {objects} schema objects"
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn victim() -> Victim {
        Victim { database: "neo4j".into(), system: "neo4j 5".into(), nodes: 1, relationships: 0, objects: 0 }
    }

    #[test]
    fn only_y_and_n_go_on() {
        let consent = || WipeConsent { database: "neo4j".into() };
        for answer in ["y\n", "Y", " y\r\n"] {
            assert_eq!(decide(&victim(), Some(answer)), Decision::Backup(consent()));
        }
        assert_eq!(decide(&victim(), Some("n\n")), Decision::GoOn(consent()));
        for answer in ["", "\n", "q", "Q", "yes", "no", "ny", "y n", "\u{1b}[Ay", "ｙ"] {
            assert_eq!(decide(&victim(), Some(answer)), Decision::Quit, "{answer:?}");
        }
        assert_eq!(decide(&victim(), None), Decision::Quit);
    }

    #[test]
    fn a_name_has_to_be_the_right_one() {
        assert!(decide_by_name(&victim(), "Neo4j", false).is_err());
        assert!(decide_by_name(&victim(), "", true).is_err());
        let Decision::GoOn(consent) = decide_by_name(&victim(), "neo4j", false).unwrap() else { unreachable!() };
        assert!(consent.check("neo4j").is_ok() && consent.check("other").is_err());
        assert!(matches!(decide_by_name(&victim(), "neo4j", true).unwrap(), Decision::Backup(_)));
    }

    #[test]
    fn an_empty_database_needs_no_guard() {
        assert!(is_needed(&victim()));
        assert!(!is_needed(&Victim { nodes: 0, objects: 3, ..victim() }));
    }
}
