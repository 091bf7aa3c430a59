//! The tool as people use it: what it prints, how it ends, what it leaves behind.
//!
//! One program for all of them: each that is linked costs as long as its tests.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod cli;
mod consistency;
mod events;
mod faults;
mod interrupts;
mod merging_cli;
mod merging_runs;
mod plans;
mod verify;
