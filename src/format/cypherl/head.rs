//! The head of a CYPHERL dump: who wrote it, and by which names its relationships find their ends.

use crate::model::Header;
use serde::{Deserialize, Serialize};

/// What stands before the head's JSON.
pub(super) const HEAD: &str = "graphferry ";
/// What stands before the trailer's JSON.
pub(super) const END: &str = "graphferry-end ";

/// The head as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Head {
    /// `memgraph` or `neo4j`: names and strings are escaped as it says.
    pub(super) dialect: String,
    /// The helper label.
    pub(super) label: String,
    /// The helper property.
    pub(super) id: String,
    /// What every dump says of itself.
    #[serde(flatten)]
    pub(super) header: Header,
}
