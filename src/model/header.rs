//! What a dump says of itself before its data: where it is from, and what its source promised.

use serde::{Deserialize, Serialize};

/// What a source promises about a dump that is taken while others write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consistency {
    /// Nothing: the parts were read one after the other.
    #[default]
    None,
    /// One transaction that sees what others commit meanwhile; whether the store changed while the dump ran was watched.
    ReadCommitted,
    /// One transaction's snapshot: the dump is the graph at one instant.
    Snapshot,
}

impl Consistency {
    /// `none`, `read-committed` or `snapshot`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ReadCommitted => "read-committed",
            Self::Snapshot => "snapshot",
        }
    }
}

/// Where a graph is from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// `neo4j`, `memgraph`, `sqlite`, or the name of a foreign format; empty where unknown.
    #[serde(default)]
    pub product: String,
    /// The version that the system gives itself.
    #[serde(default)]
    pub version: String,
    /// `community`, `enterprise`; empty where there is no such thing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub edition: String,
    /// The database's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub database: String,
}

/// The head of a dump.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The tool that wrote it and its version, such as `graphferry 0.1.0`.
    #[serde(default)]
    pub tool: String,
    /// Where the graph is from.
    #[serde(default)]
    pub source: Origin,
    /// When the dump began: ISO 8601 in UTC.
    #[serde(default)]
    pub created: String,
    /// What the source promised.
    #[serde(default)]
    pub consistency: Consistency,
    /// What was left out on purpose: `--include-label Person`. Empty for a whole graph.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<String>,
    /// What the source does not hold, so that the dump lacks it whatever the database had, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
}
