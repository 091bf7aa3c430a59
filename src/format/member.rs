//! A file of a dump that is a folder, as a manifest lists it.

use serde::{Deserialize, Serialize};

/// A file, its size and its BLAKE3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) blake3: String,
}

impl Member {
    pub(super) fn new(name: &str, bytes: u64, hash: &blake3::Hash) -> Self {
        Self { name: name.to_owned(), bytes, blake3: hash.to_hex().to_string() }
    }
}
