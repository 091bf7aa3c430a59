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
