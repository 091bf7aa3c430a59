//! Cypher as text: names, values and schema statements in the dialects of Neo4j and Memgraph.
//!
//! This is the only place that quotes. Whatever puts a name or a value into a statement calls [`name`] or [`literal`], so that no label, key
//! or string of a graph can end a quotation and become part of the program (`tests` below try). The module knows the model
//! and nothing else: no file, no connection, no format.
//!
//! A value that a system cannot hold is an error of kind [`Refused`](crate::ErrorKind::Refused) in words for a user; it is never bent into
//! something near it. What is written for Neo4j was proved on real servers (5.26 and 2026.08): `docs/format-cypherl.md` has the list.

pub mod literal;
pub mod name;
pub mod schema;
pub mod version;

pub use version::Version;

/// Whose Cypher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Memgraph's.
    #[default]
    Memgraph,
    /// Neo4j's, versions 5 and 2026.
    Neo4j,
}

impl Dialect {
    /// `memgraph` or `neo4j`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Memgraph => "memgraph",
            Self::Neo4j => "neo4j",
        }
    }

    /// The dialect of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Memgraph, Self::Neo4j].into_iter().find(|dialect| dialect.name() == name)
    }

    /// The product's name, for messages: `Memgraph` or `Neo4j`.
    #[must_use]
    pub fn product(self) -> &'static str {
        match self {
            Self::Memgraph => "Memgraph",
            Self::Neo4j => "Neo4j",
        }
    }
}
