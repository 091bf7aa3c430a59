//! The last member: what there is in the archive, and proof of it.

use super::{Digest, VERSION};
use crate::error::{Error, Result};
use crate::model::header::Origin;
use crate::model::{Consistency, Tally};
use serde::{Deserialize, Serialize};

/// The manifest of an archive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `archive`.
    pub format: String,
    /// The version of the format.
    pub version: u64,
    /// The program that wrote the archive and its version, such as `graphferry 0.1.0`.
    pub tool: String,
    /// Where the graph is from.
    pub source: Origin,
    /// When the dump began: ISO 8601 in UTC; empty where unknown.
    pub started: String,
    /// When the manifest was written, likewise.
    pub finished: String,
    /// What the source promised.
    pub consistency: Consistency,
    /// Whether the source changed meanwhile; absent where nobody could tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_changed: Option<bool>,
    /// What was left out on purpose; empty for a whole graph.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<String>,
    /// The counts.
    pub tally: Tally,
    /// The digest of nodes and relationships.
    pub digest: Digest,
    /// Every other member, in order.
    pub members: Vec<Entry>,
    /// BLAKE3 of every byte of the archive before the header of this member, in lower-case hexadecimal.
    pub before: String,
    /// BLAKE3 of every byte of this member before the line of this key, likewise.
    #[serde(default)]
    pub manifest: String,
}

/// A member, as the manifest tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its size, compressed.
    pub size: u64,
    /// Its size, not compressed.
    pub bytes: u64,
    /// How many lines it has: the header, schema objects, nodes, relationships or statements.
    pub lines: u64,
    /// BLAKE3 of its compressed bytes, in lower-case hexadecimal.
    pub blake3: String,
}

fn end(hash: &blake3::Hash) -> String {
    format!("\"manifest\":\"{hash}\"\n}}\n")
}

impl Manifest {
    /// The text, one key a line and one member a line; the hash of itself is made here.
    ///
    /// # Errors
    /// None today.
    pub fn write(&self) -> Result<Vec<u8>> {
        let failed = |cause| Error::failed("the manifest cannot be written").caused_by(cause);
        let mut out = b"{\n".to_vec();
        let mut line = |key: &str, value: serde_json::Result<String>| -> Result<()> {
            out.extend_from_slice(format!("\"{key}\":{},\n", value.map_err(failed)?).as_bytes());
            Ok(())
        };
        line("format", serde_json::to_string(&self.format))?;
        line("version", serde_json::to_string(&self.version))?;
        line("tool", serde_json::to_string(&self.tool))?;
        line("source", serde_json::to_string(&self.source))?;
        line("started", serde_json::to_string(&self.started))?;
        line("finished", serde_json::to_string(&self.finished))?;
        line("consistency", serde_json::to_string(&self.consistency))?;
        if self.source_changed.is_some() {
            line("source_changed", serde_json::to_string(&self.source_changed))?;
        }
        if !self.filters.is_empty() {
            line("filters", serde_json::to_string(&self.filters))?;
        }
        line("tally", serde_json::to_string(&self.tally))?;
        line("digest", serde_json::to_string(&self.digest))?;
        out.extend_from_slice(b"\"members\":[\n");
        for (at, member) in self.members.iter().enumerate() {
            out.extend_from_slice(if at > 0 { b",\n" } else { b"" });
            serde_json::to_writer(&mut out, member).map_err(failed)?;
        }
        out.extend_from_slice(format!("\n],\n\"before\":\"{}\",\n", self.before).as_bytes());
        let hash = blake3::hash(&out);
        out.extend_from_slice(end(&hash).as_bytes());
        Ok(out)
    }

    /// Reads the text and proves that it is as it was written.
    ///
    /// # Errors
    /// It was changed or damaged, or has another version.
    pub fn parse(text: &[u8]) -> Result<Self> {
        let damaged = || Error::corrupt("the manifest is damaged");
        let tail = end(&blake3::hash(&[])).len();
        let (body, tail) = text.split_at_checked(text.len().wrapping_sub(tail)).ok_or_else(damaged)?;
        if tail != end(&blake3::hash(body)).as_bytes() {
            return Err(damaged());
        }
        let manifest: Self = serde_json::from_slice(text).map_err(|cause| damaged().caused_by(cause))?;
        if manifest.format != "archive" || manifest.version != VERSION {
            return Err(Error::corrupt(format!(
                "the manifest is of version {} of the format {}, and this program reads {VERSION} of archive",
                manifest.version, manifest.format
            )));
        }
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn it_comes_back_and_every_flip_is_found() {
        let entry = Entry { name: "nodes/000000000002.jsonl.zst".into(), lines: 3, ..Entry::default() };
        let manifest = Manifest {
            format: "archive".into(),
            version: VERSION,
            source_changed: Some(false),
            filters: vec!["--no-schema".into()],
            members: vec![entry.clone(), entry],
            ..Manifest::default()
        };
        let text = manifest.write().unwrap();
        let mut read = Manifest::parse(&text).unwrap();
        assert_eq!(std::mem::take(&mut read.manifest).len(), 64);
        assert_eq!(read, manifest);
        for at in 0..text.len() {
            let mut other = text.clone();
            other[at] ^= 0x20;
            assert!(Manifest::parse(&other).is_err(), "byte {at}");
            assert!(Manifest::parse(&text[..at]).is_err(), "cut at {at}");
        }
    }
}
