//! What several tests share. A test file says `mod support;`.
#![allow(dead_code, unused_imports, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

// Cargo also takes this file for a test of its own; with these paths it compiles as one, an empty one.
#[path = "support/arbitrary.rs"]
pub mod arbitrary;
#[path = "support/dump.rs"]
pub mod dump;
#[path = "support/graph.rs"]
pub mod graph;
pub mod neo4j;
pub mod proxy;
pub mod tool;

pub use arbitrary::Limits;
pub use graph::{Graph, Same};
