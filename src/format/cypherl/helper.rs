//! The helper: a label and a property that carry the nodes' ids through a replay, an index on them, and the statements that remove
//! all three again.

use crate::cypher::{Dialect, name};
use crate::error::Result;
use std::collections::BTreeSet;

/// The label and the property that a dump puts on its nodes until the relationships are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Helper {
    /// The label.
    pub label: String,
    /// The property key.
    pub id: String,
}

impl Helper {
    /// The helper that a dialect uses where nothing collides: Memgraph's own names, or ours.
    #[must_use]
    pub fn standard(dialect: Dialect) -> Self {
        let (label, id) = match dialect {
            Dialect::Memgraph => ("__mg_vertex__", "__mg_id__"),
            Dialect::Neo4j => ("__graphferry_node__", "__graphferry_id__"),
        };
        Self { label: label.to_owned(), id: id.to_owned() }
    }

    /// A helper that collides with none of these labels and property keys.
    #[must_use]
    pub fn choose(dialect: Dialect, labels: &BTreeSet<String>, keys: &BTreeSet<String>) -> Self {
        let free = |wanted: String, taken: &BTreeSet<String>| {
            let mut name = wanted.clone();
            let mut counter = 2_u64;
            while taken.contains(&name) {
                name = format!("{wanted}{counter}__");
                counter += 1;
            }
            name
        };
        let Self { label, id } = Self::standard(dialect);
        Self { label: free(label, labels), id: free(id, keys) }
    }

    /// The texts that a dump with this helper is made of.
    ///
    /// # Errors
    /// The dialect has no such names.
    pub(super) fn texts(&self, dialect: Dialect) -> Result<Texts> {
        let mut quoted = [Vec::new(), Vec::new()];
        for (out, text) in quoted.iter_mut().zip([&self.label, &self.id]) {
            match dialect {
                // As Memgraph's own dumps have them; backticks are for the user's names.
                Dialect::Memgraph => name::put_bare(dialect, text, out)?,
                Dialect::Neo4j => name::put(dialect, text, out)?,
            }
        }
        let [label, id] = quoted.map(|out| String::from_utf8_lossy(&out).into_owned());
        let statements = match dialect {
            Dialect::Memgraph => [
                format!("CREATE INDEX ON :{label}({id})"),
                format!("DROP INDEX ON :{label}({id})"),
                format!("MATCH (u) REMOVE u:{label}, u.{id}"),
            ],
            Dialect::Neo4j => [
                format!("CREATE RANGE INDEX {label} FOR (n:{label}) ON (n.{id})"),
                format!("DROP INDEX {label}"),
                format!("MATCH (n:{label}) CALL (n) {{ REMOVE n:{label}, n.{id} }} IN TRANSACTIONS OF 10000 ROWS"),
            ],
        };
        let [create_index, drop_index, cleanup] = statements;
        let ends = format!("MATCH (u:{label}), (v:{label}) WHERE u.{id} = ");
        Ok(Texts {
            node: format!("CREATE (:{label}"),
            node_id: format!("{id}: "),
            rows: format!("{ROWS}{{{id}: "),
            rows_node: format!("] AS r CREATE (n:{label}"),
            rows_ends: format!("] AS r {ends}r.s AND v.{id} = r.e CREATE (u)-[e:"),
            start: ends,
            end: format!(" AND v.{id} = "),
            create_index,
            drop_index,
            cleanup,
        })
    }
}

/// The fixed texts of a dump, shared by its writer and its reader.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    /// How a node's statement begins, the helper label included.
    pub(super) node: String,
    /// The helper property's key, colon and space.
    pub(super) node_id: String,
    /// How a relationship's statement begins, up to the start node's id.
    pub(super) start: String,
    /// What stands between the ids of the ends.
    pub(super) end: String,
    /// How a statement that makes many nodes begins, up to the first one's id.
    pub(super) rows: String,
    /// What stands between the rows of nodes and their own labels.
    pub(super) rows_node: String,
    /// What stands between the rows of relationships and their type.
    pub(super) rows_ends: String,
    /// The statement that makes the helper index.
    pub(super) create_index: String,
    /// The statement that removes it.
    pub(super) drop_index: String,
    /// The statement that takes the helper off the nodes.
    pub(super) cleanup: String,
}

/// What stands between the ends of a relationship's statement and its type.
pub(super) const ARROW: &str = " CREATE (u)-[:";
/// What stands after a relationship's type and properties.
pub(super) const ARROW_HEAD: &str = "]->(v);";
/// How a statement of many items begins.
pub(super) const ROWS: &str = "UNWIND [";
/// What stands after the labels of many nodes.
pub(super) const ROWS_NODE_END: &str = ") SET n = r;";
/// How a row of a relationship begins, and what stands between its ends.
pub(super) const ROW_ENDS: [&str; 2] = ["{s: ", ", e: "];
/// What stands between a row's ends and its properties.
pub(super) const ROW_PROPERTIES: &str = ", p: ";
/// What stands after the type of many relationships, with properties and without.
pub(super) const ROWS_ARROW_HEADS: [&str; 2] = ["]->(v) SET e = r.p;", "]->(v);"];
/// Waits until every index of Neo4j is built.
pub(super) const AWAIT: &str = "CALL db.awaitIndexes(300)";
/// Chooses the language in which vectors exist.
pub(super) const CYPHER_25: &str = "CYPHER 25 ";
/// The lookup indexes that an empty Neo4j database has by itself: those on labels of 5 and of 2026, then those on types.
pub(super) const DEFAULT_LOOKUPS: [[&str; 2]; 2] =
    [["index_343aff4e", "index_460996c0"], ["index_f7700477", "index_1b9dcc97"]];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_helper_collides_with_nothing() {
        let taken = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let none = taken(&[]);
        assert_eq!(Helper::choose(Dialect::Memgraph, &none, &none), Helper::standard(Dialect::Memgraph));
        let labels = taken(&["__mg_vertex__", "__mg_vertex__2__"]);
        let keys = taken(&["__mg_id__"]);
        let helper = Helper::choose(Dialect::Memgraph, &labels, &keys);
        assert_eq!((helper.label.as_str(), helper.id.as_str()), ("__mg_vertex__3__", "__mg_id__2__"));
        assert_eq!(
            helper.texts(Dialect::Memgraph).unwrap().cleanup,
            "MATCH (u) REMOVE u:__mg_vertex__3__, u.__mg_id__2__"
        );
    }
}
