//! The formats, each by itself: what is written and read, and by whom else it is read.
//!
//! One program for all of them: each that is linked costs as long as its tests.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod format_apoc;
mod format_csv;
mod format_cypherl;
mod format_graphml;
mod format_jsonl;
mod format_jsonl_witness;
