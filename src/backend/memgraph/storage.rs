//! What SHOW STORAGE INFO tells: how the storage works, what its transactions promise, and about how much is in it.

use crate::backend::bolt::Link;
use crate::error::{Error, Result};
use crate::model::{Consistency, Value};
use crate::wire::{Connection, Mode, Query, Row};

/// The state of a database's storage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Storage {
    /// `IN_MEMORY_TRANSACTIONAL`, `IN_MEMORY_ANALYTICAL`, `ON_DISK_TRANSACTIONAL`; empty where an old server does not tell.
    pub(super) mode: String,
    /// `SNAPSHOT_ISOLATION`, `READ_COMMITTED`, `READ_UNCOMMITTED`; empty where an old server does not tell.
    pub(super) isolation: String,
    /// Nodes, deleted ones that are not collected yet among them.
    pub(super) nodes: u64,
    /// Relationships.
    pub(super) relationships: u64,
}

impl Storage {
    /// Asks the server, outside a transaction: it refuses this inside one.
    pub(super) fn ask(connection: &mut Connection, link: &Link) -> Result<Self> {
        let query = Query::alone("SHOW STORAGE INFO", Mode::Write, Some(link.database()));
        Ok(Self::from_rows(&connection.table(&query)?))
    }

    fn from_rows(rows: &[Row]) -> Self {
        let value = |name: &str| {
            let row = rows.iter().find(|row| row.get("storage info").and_then(Value::as_str) == Some(name));
            row.and_then(|row| row.get("value"))
        };
        let text = |name: &str| value(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let count = |name: &str| value(name).and_then(Value::as_integer).and_then(|count| u64::try_from(count).ok());
        let session = text("session_isolation_level");
        Self {
            mode: text("storage_mode"),
            isolation: if session.is_empty() { text("global_isolation_level") } else { session },
            nodes: count("vertex_count").unwrap_or(0),
            relationships: count("edge_count").unwrap_or(0),
        }
    }

    /// What a transaction that only reads can promise.
    pub(super) fn promise(&self) -> Consistency {
        match (self.mode.as_str(), self.isolation.as_str()) {
            // No transaction is kept apart from another one there, whatever the level says.
            ("IN_MEMORY_ANALYTICAL", _) => Consistency::None,
            (_, "SNAPSHOT_ISOLATION") => Consistency::Snapshot,
            (_, "READ_COMMITTED") => Consistency::ReadCommitted,
            _ => Consistency::None,
        }
    }

    /// Goes on only if the promise is as strong as it is wanted.
    pub(super) fn check(&self, want: Option<Consistency>, peer: &str) -> Result<()> {
        match want.filter(|want| *want > self.promise()) {
            None => Ok(()),
            Some(want) => {
                let (why, advice) = self.weakness();
                Err(Error::refused(format!("{peer} cannot promise {}: {why}", want.name())).hint(advice))
            }
        }
    }

    /// Why it promises no snapshot, and what to do about it.
    pub(super) fn weakness(&self) -> (String, &'static str) {
        match (self.mode.as_str(), self.isolation.as_str()) {
            ("IN_MEMORY_ANALYTICAL", _) => (
                "in the mode IN_MEMORY_ANALYTICAL its transactions see what others write meanwhile".to_owned(),
                "stop the writers, or run STORAGE MODE IN_MEMORY_TRANSACTIONAL first",
            ),
            (_, "") => (
                "it does not tell its isolation level".to_owned(),
                "stop the writers, and accept a dump that promises nothing",
            ),
            (_, level) => (
                format!("at the isolation level {level} its transactions see what others write meanwhile"),
                "stop the writers, or run SET GLOBAL TRANSACTION ISOLATION LEVEL SNAPSHOT ISOLATION first",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn rows(pairs: &[(&str, Value)]) -> Vec<Row> {
        let row = |(name, value): &(&str, Value)| {
            [("storage info".to_owned(), Value::from(*name)), ("value".to_owned(), value.clone())].into_iter().collect()
        };
        pairs.iter().map(row).collect()
    }

    #[test]
    fn what_is_promised() {
        for (mode, level, session, expected) in [
            ("IN_MEMORY_TRANSACTIONAL", "SNAPSHOT_ISOLATION", "", Consistency::Snapshot),
            ("ON_DISK_TRANSACTIONAL", "SNAPSHOT_ISOLATION", "", Consistency::Snapshot),
            ("IN_MEMORY_TRANSACTIONAL", "READ_COMMITTED", "", Consistency::ReadCommitted),
            ("IN_MEMORY_TRANSACTIONAL", "READ_UNCOMMITTED", "", Consistency::None),
            ("IN_MEMORY_TRANSACTIONAL", "SNAPSHOT_ISOLATION", "READ_UNCOMMITTED", Consistency::None),
            ("IN_MEMORY_ANALYTICAL", "SNAPSHOT_ISOLATION", "", Consistency::None),
            ("", "", "", Consistency::None),
        ] {
            let storage = Storage::from_rows(&rows(&[
                ("vertex_count", 18.into()),
                ("edge_count", 5.into()),
                ("global_isolation_level", level.into()),
                ("session_isolation_level", session.into()),
                ("storage_mode", mode.into()),
            ]));
            assert_eq!((storage.nodes, storage.relationships), (18, 5));
            assert_eq!(storage.promise(), expected, "{mode} {level} {session}");
        }
    }
}
