//! A statement on its way: what it needs, and what is known at its end.

use super::message::Mode;
use crate::model::{Map, Value};
use indexmap::IndexMap;

/// A statement with what it needs.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The statement.
    pub text: &'a str,
    /// Its parameters: one PackStream map.
    pub parameters: &'a [u8],
    /// The transaction that it belongs to.
    pub scope: Scope,
    /// The database of a transaction that begins with it; `None` is the user's home database.
    pub database: Option<&'a str>,
    /// After how many milliseconds the server gives up; 0 is never, `None` is the server's own limit.
    pub timeout: Option<i64>,
}

/// The transaction that a statement belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The one that was begun.
    Inside,
    /// One of its own, committed by the server behind the last row.
    Own(Mode),
    /// A new one, begun in the same round trip and left open.
    Begin(Mode),
}

impl<'a> Query<'a> {
    /// A statement without parameters inside the transaction that was begun.
    #[must_use]
    pub fn inside(text: &'a str) -> Self {
        Self { text, parameters: &[0xA0], scope: Scope::Inside, database: None, timeout: None }
    }

    /// A statement without parameters in a transaction of its own.
    #[must_use]
    pub fn alone(text: &'a str, mode: Mode, database: Option<&'a str>) -> Self {
        Self { scope: Scope::Own(mode), database, ..Self::inside(text) }
    }

    /// A statement without parameters that begins a transaction.
    #[must_use]
    pub fn beginning(text: &'a str, mode: Mode, database: Option<&'a str>) -> Self {
        Self { scope: Scope::Begin(mode), database, ..Self::inside(text) }
    }

    /// The same statement with parameters: one PackStream map.
    #[must_use]
    pub fn with(self, parameters: &'a [u8]) -> Self {
        Self { parameters, ..self }
    }

    /// The same statement, which may take as long as it likes. Neo4j and Memgraph take a limit of 0 for none; a server's own limit would end
    /// a long scan (Memgraph's is ten minutes by default).
    #[must_use]
    pub fn unlimited(self) -> Self {
        Self { timeout: Some(0), ..self }
    }
}

/// What is known after a statement's last row.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// The names of the columns.
    pub fields: Vec<String>,
    /// How many rows there were.
    pub rows: u64,
    /// The server's last metadata: `stats`, `db`, `bookmark`, ….
    pub metadata: Map,
}

impl Summary {
    /// A count of the statistics, such as `relationships-created`; 0 where absent.
    #[must_use]
    pub fn count(&self, name: &str) -> u64 {
        let stats = self.metadata.get("stats").and_then(Value::as_map);
        let count = stats.and_then(|stats| stats.get(name)).and_then(Value::as_integer);
        count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0)
    }
}

/// A row with its columns' names.
pub type Row = IndexMap<String, Value>;
