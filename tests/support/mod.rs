//! What several tests share. Each program of tests has it as `support`.
#![allow(dead_code, unused_imports, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

pub mod arbitrary;
pub mod cypherl;
pub mod dump;
pub mod durability;
pub mod emulated;
pub mod graph;
pub mod hand;
pub mod neo4j;
pub mod proxy;
pub mod replay;
pub mod scripted;
pub mod store;
pub mod tool;
pub mod witness;

pub use arbitrary::Limits;
pub use graph::{Graph, Same};
