//! What an archive says of itself: its last member, so that an archive that has one was written to its end.

use crate::error::{Error, Result};
use crate::model::header::Origin;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The name of the format.
pub const FORMAT: &str = "graphferry-memgraph-snapshot";
/// The version of the format. A reader refuses others.
pub const VERSION: u32 = 1;
/// The name of the member.
pub(super) const NAME: &str = "manifest.json";
/// The member with the schema.
pub(super) const SCHEMA: &str = "schema.jsonl.zst";

/// What is in an archive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// The tool that wrote it and its version.
    pub tool: String,
    /// The server.
    pub source: Origin,
    /// When the backup began, and when its last file was copied: ISO 8601 in UTC.
    pub began: String,
    /// See `began`.
    pub ended: String,
    /// The snapshot that was made for the backup: a member's name without `.zst`.
    pub snapshot: String,
    /// All other members, in the order of the archive.
    pub members: Vec<Member>,
    /// The name of the member that is the schema.
    pub schema: String,
}

/// One member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its name in the archive: `snapshots/NAME.zst`, `wal/NAME.zst`, `schema.jsonl.zst`.
    pub name: String,
    /// Bytes in the archive, compressed.
    pub stored: u64,
    /// Bytes of the content.
    pub size: u64,
    /// BLAKE3 of the content, in lower-case hexadecimal.
    pub blake3: String,
    /// The version of a snapshot's or log's format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<u64>,
    /// The last transaction in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<u64>,
    /// Nodes and relationships of a snapshot; transactions and changes of a log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<(u64, u64)>,
    /// What could not be read of it when the archive was made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

impl Member {
    /// The name without `.zst`: the path in a data directory.
    #[must_use]
    pub fn path(&self) -> &str {
        self.name.strip_suffix(".zst").unwrap_or(&self.name)
    }

    /// Whether it is a snapshot.
    #[must_use]
    pub fn is_snapshot(&self) -> bool {
        self.name.starts_with("snapshots/")
    }

    /// Whether it is a log.
    #[must_use]
    pub fn is_log(&self) -> bool {
        self.name.starts_with("wal/")
    }
}

/// A manifest with the checksum of its own text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed<'a> {
    #[serde(borrow)]
    manifest: &'a RawValue,
    blake3: String,
}

impl Manifest {
    /// As the member's bytes.
    pub(super) fn seal(&self) -> Result<Vec<u8>> {
        let failed = |cause| Error::failed("writing the manifest").caused_by(cause);
        let manifest = serde_json::value::to_raw_value(self).map_err(failed)?;
        let blake3 = blake3::hash(manifest.get().as_bytes()).to_hex().to_string();
        let mut bytes = serde_json::to_vec(&Sealed { manifest: &manifest, blake3 }).map_err(failed)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// From the member's bytes.
    pub(super) fn unseal(bytes: &[u8]) -> Result<Self> {
        let damaged = |cause| Error::corrupt(format!("{NAME} is damaged")).caused_by(cause);
        let sealed: Sealed<'_> = serde_json::from_slice(bytes).map_err(damaged)?;
        if blake3::hash(sealed.manifest.get().as_bytes()).to_hex().as_str() != sealed.blake3 {
            return Err(Error::corrupt(format!("{NAME} is damaged: its checksum is wrong")));
        }
        let version: Version = serde_json::from_str(sealed.manifest.get()).map_err(damaged)?;
        if (version.format.as_str(), version.version) != (FORMAT, VERSION) {
            let Version { format, version } = version;
            return Err(Error::refused(format!("the archive is of the format {format:?}, version {version}"))
                .hint(format!("this version reads {FORMAT} {VERSION}")));
        }
        serde_json::from_str(sealed.manifest.get()).map_err(damaged)
    }

    /// The snapshot that was made for the backup.
    #[must_use]
    pub fn newest(&self) -> Option<&Member> {
        self.members.iter().find(|member| member.is_snapshot() && member.path() == self.snapshot)
    }

    /// Logs with transactions that are not in that snapshot.
    pub fn later(&self) -> impl Iterator<Item = &Member> {
        let last = self.newest().and_then(|member| member.timestamp);
        self.members.iter().filter(move |member| member.is_log() && member.timestamp > last)
    }
}

#[derive(Deserialize)]
struct Version {
    format: String,
    version: u32,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_changed_byte_of_a_manifest_is_noticed() {
        let member = Member { name: "snapshots/a.zst".to_owned(), timestamp: Some(7), ..Member::default() };
        let manifest = Manifest {
            format: FORMAT.to_owned(),
            version: VERSION,
            snapshot: "snapshots/a".to_owned(),
            members: vec![member, Member { name: "wal/b.zst".to_owned(), timestamp: Some(9), ..Member::default() }],
            ..Manifest::default()
        };
        let bytes = manifest.seal().unwrap();
        assert_eq!(Manifest::unseal(&bytes).unwrap(), manifest);
        assert_eq!(manifest.newest().unwrap().timestamp, Some(7));
        assert_eq!(manifest.later().map(Member::path).collect::<Vec<_>>(), ["wal/b"]);
        for at in 0..bytes.len() - 1 {
            for mask in [0x01, 0x20, 0x80] {
                let mut changed = bytes.clone();
                changed[at] ^= mask;
                // The digits of the checksum may be written in another case, no more.
                if !changed.eq_ignore_ascii_case(&bytes) {
                    assert!(Manifest::unseal(&changed).is_err(), "{at} {mask}");
                }
            }
        }
    }

    #[test]
    fn a_newer_format_is_refused() {
        let manifest = Manifest { format: FORMAT.to_owned(), version: VERSION + 1, ..Manifest::default() };
        let error = Manifest::unseal(&manifest.seal().unwrap()).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Refused);
    }
}
