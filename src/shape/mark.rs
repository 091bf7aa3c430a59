//! What is noted in HugeGraph's user data so that the original comes back: JSON as text under one key.

use crate::error::{Error, Result};
use crate::model::Schema;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value as Json;

/// The entry of the user data of keys and labels.
pub(super) const MARK: &str = "graphferry";

/// The entry of a property key that is there for the graph as a whole.
pub(super) const GRAPH: &str = "graphferry-graph";

/// The newest encoding that is understood.
pub(super) const VERSION: u32 = 1;

/// Of the graph.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct GraphMark {
    pub(super) version: u32,
    /// Its schema.
    pub(super) schema: Schema,
}

/// Of a property key.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct KeyMark {
    /// The property that it was.
    pub(super) of: String,
    /// Whether its text is the typed JSON of a value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) json: bool,
}

/// Of a vertex label.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct SetMark {
    /// The labels that it was.
    pub(super) labels: Vec<String>,
    /// Whether the id was a property of the node, and is to stay one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) keeps_id: bool,
    /// The property keys in the order in which they were found.
    pub(super) order: Vec<String>,
}

/// Of an edge label.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct LinkMark {
    /// The type that it was.
    pub(super) of: String,
    /// The property key that was added to tell parallels apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) number: Option<String>,
    /// The property keys in the order in which they were found.
    pub(super) order: Vec<String>,
}

/// Notes something.
///
/// # Errors
/// A value of the schema has no JSON.
pub(super) fn put(entry: &str, mark: &impl Serialize, user_data: &mut IndexMap<String, Json>) -> Result<()> {
    let text = serde_json::to_string(mark)
        .map_err(|cause| Error::refused("the schema holds a value that cannot be written as JSON").caused_by(cause))?;
    user_data.insert(entry.to_owned(), Json::String(text));
    Ok(())
}

/// What is noted; `None` where nothing is.
///
/// # Errors
/// It is damaged; `of` is what it is about.
pub(super) fn find<T: DeserializeOwned>(
    entry: &str,
    user_data: &IndexMap<String, Json>,
    of: &str,
) -> Result<Option<T>> {
    let Some(Json::String(text)) = user_data.get(entry) else { return Ok(None) };
    let mark = serde_json::from_str(text).map_err(|cause| {
        Error::corrupt(format!("the entry {entry:?} in the user data of {of:?} is damaged")).caused_by(cause)
    });
    mark.map(Some)
}
