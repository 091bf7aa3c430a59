//! What lies beside the official files: `graphferry.json`, which says what they are and what they hold.

use crate::error::{Error, Result};
use crate::format::member::Member;
use crate::model::{Header, SchemaObject, Tally};
use serde::{Deserialize, Serialize};

/// The file by which a dump of ours is known. No file of the official tool begins like this.
pub const MANIFEST: &str = "graphferry.json";

/// What [`Manifest::format`] says.
const FORMAT: &str = "hugegraph";

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// `hugegraph`.
    format: String,
    version: u64,
    pub(super) header: Header,
    /// The zone that the dates in the files are local to.
    pub(super) timezone: String,
    /// What the official files have no place for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) more: Vec<SchemaObject>,
    pub(super) members: Vec<Member>,
    pub(super) tally: Tally,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) source_changed: Option<bool>,
}

impl Manifest {
    pub(super) fn new(header: Header, timezone: String, members: Vec<Member>, tally: Tally) -> Self {
        let (format, version) = (FORMAT.to_owned(), super::VERSION);
        Self { format, version, header, timezone, more: Vec::new(), members, tally, source_changed: None }
    }

    pub(super) fn text(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self);
        text.map(|text| text + "\n").map_err(|cause| Error::failed("the manifest cannot be written").caused_by(cause))
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        let head: serde_json::Value = serde_json::from_str(text).map_err(damaged)?;
        let is = |key: &str| head.get(key).cloned().unwrap_or_default();
        if is("format").as_str() != Some(FORMAT) {
            return Err(Error::corrupt(format!("{MANIFEST} is not that of a HugeGraph backup")));
        }
        if is("version").as_u64().is_none_or(|version| version > super::VERSION) {
            let message = format!("{MANIFEST} has a version of the format that this program does not know");
            return Err(Error::corrupt(message).hint("read it with a newer graphferry"));
        }
        serde_json::from_str(text).map_err(damaged)
    }

    /// Compares the names of a folder's files with what belongs to it: exactly those have to be there.
    pub(super) fn check_names<'a>(&self, found: impl Iterator<Item = &'a str> + Clone) -> Result<()> {
        let is_known = |name: &str| self.members.iter().any(|member| member.name == name);
        if let Some(missing) = self.members.iter().find(|member| found.clone().all(|name| name != member.name)) {
            return Err(Error::corrupt(format!("the file {} of the dump is missing", missing.name)));
        }
        if let Some(name) = found.clone().find(|name| !is_known(name)) {
            return Err(Error::refused(format!("{name} does not belong to the dump: {MANIFEST} does not list it"))
                .hint("it is of another backup: take it away, what it holds may have been deleted since"));
        }
        Ok(())
    }

    /// Compares a file with what it was when it was written.
    pub(super) fn check(&self, found: &Member) -> Result<()> {
        if self.members.contains(found) {
            return Ok(());
        }
        Err(Error::corrupt(format!("{} was changed or damaged since the dump was written", found.name)).hint(format!(
            "if the change is meant, remove {MANIFEST}: the folder is then read as a backup made by others"
        )))
    }
}

fn damaged(cause: serde_json::Error) -> Error {
    Error::corrupt(format!("{MANIFEST} cannot be read")).caused_by(cause)
}
