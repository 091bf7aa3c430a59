//! Cypher's escaping and schema statements. Placeholder: branch `cypherl` has the real one.

pub mod schema;

/// Whose Cypher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Memgraph's.
    Memgraph,
    /// Neo4j's.
    Neo4j,
}

/// Writes a name in backticks.
pub fn name(_dialect: Dialect, name: &str, out: &mut Vec<u8>) {
    out.push(b'`');
    out.extend_from_slice(name.replace('\\', "\\u005C").replace('`', "``").as_bytes());
    out.push(b'`');
}
