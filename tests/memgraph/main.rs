//! Memgraph: its dumps, its dialect, its files, and the server as far as recorded answers and a stand-in go.
//!
//! One program for all of them: each that is linked costs as long as its tests.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod memgraph_dumps;
mod memgraph_files;
mod memgraph_source;
mod memgraph_target;
mod memgraph_torture;
