//! CYPHERL: one Cypher statement a line, as Memgraph's `DUMP DATABASE` writes them, for mgconsole and cypher-shell.
//!
//! **Written** in two dialects ([`Dialect`]); **read** as data: statements of the known shapes become blocks and schema objects, any other one
//! is a [`Statement`](super::Statement), in its place.
//!
//! Relationships find their ends by a helper label and a helper property that every node carries while the file is replayed; the last
//! statements of the data take them away again. [`Helper::choose`] picks names that the graph does not have.
//!
//! The head and the trailer must not disturb a replay. cypher-shell takes `//` comments anywhere, so for Neo4j they are comments. mgconsole knows no
//! comments and joins lines until a semicolon, so that a comment would swallow the next statement: for Memgraph they are statements that
//! only return a string.

mod head;
pub mod write;

pub use write::{Cypherl, encoder};

use crate::cypher::Dialect;
use crate::error::{Error, Result};
use std::collections::BTreeSet;

/// How a dump is written.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whose Cypher.
    pub dialect: Dialect,
    /// What relationships find their ends by.
    pub helper: Helper,
}

/// Stub until the reader is there.
///
/// # Errors
/// Always.
pub fn decoder(_: Box<dyn std::io::Read + Send>) -> Result<Box<dyn super::Decoder>> {
    Err(Error::corrupt("stub"))
}

/// The label and the property that nodes carry while a file is replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Helper {
    /// The label.
    pub label: String,
    /// The property: the node's id in the source.
    pub id: String,
}

impl Helper {
    /// Names that no node has: the dialect's usual ones, or those with a number behind them.
    #[must_use]
    pub fn choose(dialect: Dialect, labels: &BTreeSet<String>, properties: &BTreeSet<String>) -> Self {
        let (label, id) = match dialect {
            Dialect::Memgraph => ("__mg_vertex__", "__mg_id__"),
            Dialect::Neo4j => ("__graphferry_node__", "__graphferry_id__"),
        };
        Self { label: free(label, labels), id: free(id, properties) }
    }
}

fn free(name: &str, taken: &BTreeSet<String>) -> String {
    let mut names = std::iter::once(name.to_owned()).chain((2_u32..).map(|number| format!("{name}{number}")));
    names.find(|name| !taken.contains(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helper_names_are_free() {
        let taken = BTreeSet::from(["__mg_vertex__".to_owned(), "__mg_vertex__2".to_owned()]);
        let helper = Helper::choose(Dialect::Memgraph, &taken, &BTreeSet::new());
        assert_eq!((&*helper.label, &*helper.id), ("__mg_vertex__3", "__mg_id__"));
    }
}
