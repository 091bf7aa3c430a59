//! Real Neo4j servers, which `scripts/test` starts.
//!
//! One program for all of them: each that is linked costs as long as its tests.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod bolt_versions;
mod calendar;
mod csv_import;
mod fidelity;
mod format_apoc_neo4j;
mod format_cypherl_replay;
mod generated;
mod memgraph_dialect;
mod neo4j_backend;
mod neo4j_faults;
mod neo4j_merging;
mod neo4j_restoring;
