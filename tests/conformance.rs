//! One suite for every backend: what [`graphferry::backend`] promises, each promise a test.
//!
//! A backend is one file below `conformance/` and one line at the end of this one.
#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

mod support;

#[path = "conformance/backend.rs"]
mod backend;
#[path = "conformance/data.rs"]
mod data;
#[path = "conformance/reading.rs"]
mod reading;
#[path = "conformance/schema.rs"]
mod schema;
#[path = "conformance/writing.rs"]
mod writing;

#[path = "conformance/neo4j.rs"]
mod neo4j;
#[path = "conformance/sqlite.rs"]
mod sqlite;

/// Makes a test of every case for one backend.
macro_rules! conformance {
    ($name:ident, $open:expr; $($area:ident: $($case:ident),+;)+) => {
        mod $name {
            $($(#[test] fn $case() { super::$area::$case(&$open); })+)+
        }
    };
    ($name:ident, $open:expr) => {
        conformance! {
            $name, $open;
            data: an_empty_graph, every_type_of_value, arbitrary_graphs, hostile_names, nodes_without_labels,
                parallel_relationships_and_loops, the_order_of_properties, a_large_value;
            writing: ids_in_the_order_of_the_batch, a_failed_batch_leaves_nothing, a_missing_end_is_reported,
                several_sessions_at_once, a_large_batch, an_empty_batch, facts_tell_what_is_there;
            schema: objects_round_trip, a_constraint_that_the_data_breaks, a_constraint_holds_for_later_writes,
                a_taken_name_is_refused, removing_what_is_not_there;
            reading: full_blocks, a_scan_is_repeatable, the_error_of_the_sink_is_returned, names_and_estimate,
                never_weaker_in_silence, what_others_write_meanwhile;
        }
    };
}

conformance!(on_sqlite, super::sqlite::Sqlite::new());
conformance!(on_neo4j, super::neo4j::Neo4j::new());
