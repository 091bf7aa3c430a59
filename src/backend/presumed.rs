//! What a system can hold that is not at hand: told by its product and version alone, for `check` and `inspect`.
//!
//! A server that is there is asked instead ([`Target::facts`](super::Target::facts)): its settings may hold less. Here a server is taken to be
//! as it comes, with APOC's triggers on, and its data in memory.

use super::{hugegraph, memgraph, neo4j, sqlite};
use crate::cypher::Version;
use crate::error::{Error, Result};
use crate::model::Capability;

/// The products whose types and kinds say what they can hold. HugeGraph is another one: a graph gets its shape before, and that is where most is lost.
pub const PRODUCTS: [&str; 4] = ["neo4j", "neo4j-enterprise", "memgraph", "sqlite"];

/// What is taken for the version where none is said: later than all that is known.
const NEWEST: (u32, u32) = (u32::MAX, 0);

/// What a product can hold: `neo4j`, `neo4j-enterprise:2025.10`, `memgraph:2.18`. Without a version, the newest that is known.
///
/// # Errors
/// [`Usage`](crate::ErrorKind::Usage): there is no such product, or the version is none.
pub fn capability(word: &str) -> Result<Capability> {
    let (product, version) = match word.split_once(':') {
        Some((product, version)) => (product, Some(version.parse::<Version>()?)),
        None => (word, None),
    };
    let numbers = version.map_or(NEWEST, |version| (version.major, version.minor));
    let named = |name: &str| version.map_or_else(|| name.to_owned(), |version| format!("{name} {version}"));
    match product {
        "neo4j" => Ok(neo4j::held(named("Neo4j community"), false, numbers, true)),
        "neo4j-enterprise" => Ok(neo4j::held(named("Neo4j enterprise"), true, numbers, true)),
        "memgraph" => Ok(memgraph::held(named("Memgraph"), numbers, false, true)),
        "hugegraph" => hugegraph::held(named("HugeGraph"), None),
        "sqlite" if version.is_some() => Err(Error::usage("the embedded store has no versions: write sqlite")),
        "sqlite" => Ok(sqlite::capability()),
        _ => Err(Error::usage(format!("nobody knows what {product:?} can hold"))
            .hint(format!("say {} or hugegraph, with a version as in neo4j:5.26", PRODUCTS.join(", ")))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn versions_and_editions_hold_other_things() {
        let refuses =
            |word: &str, value: &str| capability(word).unwrap().refused_values.iter().any(|refused| refused == value);
        assert!(refuses("neo4j", "map"));
        assert!(refuses("neo4j", "vector"));
        assert!(refuses("neo4j-enterprise:5.26", "vector"));
        assert!(!refuses("neo4j-enterprise:2025.10", "vector"));
        assert!(!refuses("neo4j-enterprise", "vector"));
        assert!(refuses("memgraph:2.18", "point"));
        assert!(!refuses("memgraph", "point"));
        assert!(!refuses("sqlite", "map"));
        assert!(refuses("hugegraph:1.5", "map"));
        for word in ["", "oracle", "neo4j:x", "neo4j:", "sqlite:3", "neo4j:5.26.1.1"] {
            assert!(capability(word).is_err(), "{word}");
        }
    }
}
