//! What lies beside the CSV files: `graphferry.json`, which says what they hold, and the names of the other members.

use crate::error::{Error, Result};
use crate::model::{Header, SchemaObject, Tally};
use serde::{Deserialize, Serialize};

pub(super) use crate::format::member::Member;

/// The member by which a dump of ours is known.
pub const MANIFEST: &str = "graphferry.json";
/// The arguments of `neo4j-admin database import full`, one a line.
pub const ARGUMENTS: &str = "import.args";
/// The schema's statements.
pub const SCHEMA: &str = "schema.cypher";
/// The script that imports.
pub const SCRIPT: &str = "import.sh";
/// The statements of the form for `LOAD CSV`.
pub const LOAD: &str = "load.cypher";

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// `csv`.
    pub(super) format: String,
    pub(super) version: u64,
    pub(super) header: Header,
    pub(super) schema: Vec<SchemaObject>,
    pub(super) members: Vec<Member>,
    pub(super) tally: Tally,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) source_changed: Option<bool>,
    /// What the files are, in the form for `LOAD CSV`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) load: Option<Loading>,
}

/// The files of the form for `LOAD CSV`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Loading {
    /// Whose statements `load.cypher` has.
    pub(super) dialect: String,
    pub(super) tables: Vec<LoadTable>,
}

/// A file: labels or a type, and the columns behind the ids.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoadTable {
    pub(super) file: String,
    /// `node` or `relationship`.
    pub(super) class: String,
    pub(super) names: Vec<String>,
    pub(super) columns: Vec<LoadColumn>,
}

/// A column of properties.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoadColumn {
    pub(super) key: String,
    /// A type as headers for neo4j-admin name it.
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) list: bool,
}

impl Manifest {
    pub(super) fn text(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self);
        text.map(|text| text + "\n").map_err(|cause| Error::failed("the manifest cannot be written").caused_by(cause))
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        let head: serde_json::Value = serde_json::from_str(text).map_err(damaged)?;
        let is = |key: &str| head.get(key).cloned().unwrap_or_default();
        if is("format").as_str() != Some("csv") {
            return Err(Error::corrupt(format!("{MANIFEST} is not that of a CSV dump")));
        }
        if is("version").as_u64().is_none_or(|version| version > super::VERSION) {
            let message = format!("{MANIFEST} has a version of the format that this program does not know");
            return Err(Error::corrupt(message).hint("read it with a newer graphferry"));
        }
        serde_json::from_str(text).map_err(damaged)
    }
}

fn damaged(cause: serde_json::Error) -> Error {
    Error::corrupt(format!("{MANIFEST} cannot be read")).caused_by(cause)
}
