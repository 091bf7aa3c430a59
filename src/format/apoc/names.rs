//! How APOC's Cypher names nodes: by an id that it gives them, or by the properties of a constraint.

use crate::error::{Error, Result};
use crate::ids::IdMap;
use std::hash::{DefaultHasher, Hasher as _};

/// The label that APOC gives to nodes without a constraint.
pub(super) const LABEL: &str = "UNIQUE IMPORT LABEL";

/// The property with their id.
pub(super) const ID: &str = "UNIQUE IMPORT ID";

/// The property that tells parallel relationships apart.
pub(super) const RELATIONSHIP_ID: &str = "UNIQUE IMPORT ID REL";

/// The constraint on it.
pub(super) const CONSTRAINT: &str = "UNIQUE_IMPORT_NAME";

/// What is kept for a key that more than one node has.
const SEVERAL: i64 = i64::MIN;

/// Nodes by their keys. A key is a label and properties with their values, as PackStream; 64 bits of its hash are kept, at about 15 bytes a key.
#[derive(Debug, Default)]
pub(super) struct Keyed {
    ids: IdMap,
    last: i64,
}

impl Keyed {
    /// The id of one more node: such nodes are numbered downwards from -1.
    pub(super) fn number(&mut self) -> i64 {
        self.last -= 1;
        self.last
    }

    /// Notes that a node is found by a key. Several with one key are an error only when one is looked for.
    pub(super) fn add(&mut self, key: &Key, id: i64) {
        let id = if self.ids.reserve(key.hash()) { id } else { SEVERAL };
        self.ids.bind(key.hash(), id);
    }

    /// The node with a key.
    pub(super) fn find(&self, key: &Key) -> Result<i64> {
        match self.ids.find(key.hash()) {
            Some(SEVERAL) => Err(Error::corrupt(format!("more than one node is {}", key.describe()))),
            Some(id) => Ok(id),
            None => {
                Err(Error::corrupt(format!("a relationship ends at {}, which the file does not have", key.describe())))
            }
        }
    }
}

/// A key: a label, and properties in the order of their names.
#[derive(Debug, Default)]
pub(super) struct Key {
    pub(super) label: String,
    pub(super) parts: Vec<(String, Vec<u8>)>,
}

impl Key {
    fn hash(&self) -> i64 {
        let mut hasher = DefaultHasher::new();
        let mut part = |bytes: &[u8]| {
            hasher.write_usize(bytes.len());
            hasher.write(bytes);
        };
        part(self.label.as_bytes());
        let mut parts: Vec<_> = self.parts.iter().collect();
        parts.sort_unstable();
        for (key, value) in parts {
            part(key.as_bytes());
            part(value);
        }
        hasher.finish() as i64
    }

    fn describe(&self) -> String {
        let keys: Vec<_> = self.parts.iter().map(|(key, _)| key.as_str()).collect();
        format!("the node {:?} with this {}", self.label, keys.join(", "))
    }
}
