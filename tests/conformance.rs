//! One suite for every backend: what [`graphferry::backend`] promises, each promise a test; and one for every format.
//!
//! A backend is one file below `conformance/` and one line at the end of this one.
#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

mod support;

#[path = "conformance/backend.rs"]
mod backend;
#[path = "conformance/data.rs"]
mod data;
#[path = "conformance/formats.rs"]
mod formats;
#[path = "conformance/merging.rs"]
mod merging;
#[path = "conformance/merging_changes.rs"]
mod merging_changes;
#[path = "conformance/reading.rs"]
mod reading;
#[path = "conformance/schema.rs"]
mod schema;
#[path = "conformance/writing.rs"]
mod writing;

#[path = "conformance/hugegraph.rs"]
mod hugegraph;
#[path = "conformance/memgraph.rs"]
mod memgraph;
#[path = "conformance/neo4j.rs"]
mod neo4j;
#[path = "conformance/sqlite.rs"]
mod sqlite;

/// Makes a test of every case for one backend.
macro_rules! conformance {
    ($name:ident, $open:expr; $($area:ident: $($case:ident),+;)+) => {
        mod $name {
            $(mod $area { $(#[test] fn $case() { crate::$area::$case(&$open); })+ })+
        }
    };
    ($name:ident, $open:expr) => {
        conformance! {
            $name, $open;
            data: an_empty_graph, every_type_of_value, arbitrary_graphs, hostile_names, nodes_without_labels,
                parallel_relationships_and_loops, the_order_of_properties, a_large_value;
            writing: ids_in_the_order_of_the_batch, a_failed_batch_leaves_nothing, a_missing_end_is_reported,
                several_sessions_at_once, a_large_batch, an_empty_batch, facts_tell_what_is_there, wiping_drops_all;
            schema: objects_round_trip, a_constraint_that_the_data_breaks, a_constraint_holds_for_later_writes,
                a_taken_name_is_refused, removing_what_is_not_there;
            reading: full_blocks, a_scan_is_repeatable, the_error_of_the_sink_is_returned, names_and_estimate,
                never_weaker_in_silence, what_others_write_meanwhile;
            merging: a_marked_batch_leaves_one_line, a_line_is_found_by_batch_and_first_item,
                an_unmarked_batch_leaves_no_line, an_empty_marked_batch_leaves_its_line,
                a_failed_batch_leaves_neither_data_nor_line, a_mark_needs_a_place_in_a_run,
                no_place_in_a_run_that_is_not_there, a_fence_stops_older_sessions, a_fence_leaves_other_runs_alone,
                a_record_is_replaced_and_listed_and_forgotten, lines_come_in_the_order_of_batch_and_first_item,
                the_ledger_is_no_part_of_the_graph;
            merging_changes: relationships_with_the_same_ends_are_left, relationships_with_equal_properties_are_left,
                two_sessions_do_not_create_the_same_relationship, an_update_overwrites_or_fills,
                what_nodes_were_is_kept_only_if_asked_for, put_back_restores_exactly, deleting_with_and_without_detach,
                changes_free_unique_values, looking_gives_values_or_null, reading_gives_what_is_there;
        }
    };
}

conformance!(on_sqlite, crate::sqlite::Sqlite::new());
conformance!(on_neo4j, crate::neo4j::Neo4j::new());
// It knows no WITH … LIMIT, by which data are dropped. It cannot read expressions, so that the cases with values of every type are left out; its estimate counts the ledger, as Memgraph's does.
conformance! {
    on_what_stands_in_for_memgraph, crate::memgraph::Memgraph::new();
    data: an_empty_graph, hostile_names, nodes_without_labels, parallel_relationships_and_loops, a_large_value;
    writing: ids_in_the_order_of_the_batch, a_failed_batch_leaves_nothing, a_missing_end_is_reported,
        several_sessions_at_once, a_large_batch, an_empty_batch, facts_tell_what_is_there;
    schema: a_constraint_that_the_data_breaks, a_constraint_holds_for_later_writes, removing_what_is_not_there;
    reading: full_blocks, a_scan_is_repeatable, the_error_of_the_sink_is_returned, never_weaker_in_silence,
        what_others_write_meanwhile;
    merging: a_marked_batch_leaves_one_line, a_line_is_found_by_batch_and_first_item,
        an_unmarked_batch_leaves_no_line, an_empty_marked_batch_leaves_its_line,
        a_failed_batch_leaves_neither_data_nor_line, a_mark_needs_a_place_in_a_run,
        no_place_in_a_run_that_is_not_there, a_fence_stops_older_sessions, a_fence_leaves_other_runs_alone,
        a_record_is_replaced_and_listed_and_forgotten, lines_come_in_the_order_of_batch_and_first_item;
    merging_changes: relationships_with_the_same_ends_are_left, relationships_with_equal_properties_are_left,
        two_sessions_do_not_create_the_same_relationship, an_update_overwrites_or_fills,
        what_nodes_were_is_kept_only_if_asked_for, put_back_restores_exactly, deleting_with_and_without_detach,
        changes_free_unique_values, looking_gives_values_or_null, reading_gives_what_is_there;
}
// Its graphs have a schema: conformance/hugegraph.rs says which cases cannot apply.
conformance! {
    on_hugegraph, crate::hugegraph::HugeGraph::new();
    writing: an_empty_batch;
    reading: a_scan_is_repeatable, the_error_of_the_sink_is_returned, never_weaker_in_silence;
    merging: a_line_is_found_by_batch_and_first_item, an_unmarked_batch_leaves_no_line,
        an_empty_marked_batch_leaves_its_line, a_mark_needs_a_place_in_a_run, no_place_in_a_run_that_is_not_there,
        a_fence_leaves_other_runs_alone, lines_come_in_the_order_of_batch_and_first_item;
}

/// Makes a test of every case for one format.
macro_rules! format_conformance {
    ($($name:ident: $form:expr),+ $(,)?) => { $(format_conformance! {
        @ $name, $form; an_empty_graph, hostile_names, nodes_without_labels, parallel_relationships_and_loops, a_large_value, many_items
    })+ };
    (@ $name:ident, $form:expr; $($case:ident),+) => {
        mod $name {
            use crate::formats::*;
            $(#[test] fn $case() { crate::formats::$case(&$form); })+
        }
    };
}

format_conformance! {
    in_jsonl: form("graph.jsonl.zst", &[]),
    in_cypherl_for_neo4j: Form { refuses: no_name, keeps_ids: false, ..form("graph.cypherl", &["--dialect", "neo4j"]) },
    in_cypherl_for_memgraph: Form { keeps_ids: false, ..form("graph.cypherl", &["--dialect", "memgraph"]) },
    // The name says nothing: what it is stands in the first bytes.
    in_apoc_cypher: Form { keeps_ids: false, refuses: no_name_of_apoc, written: Some(apoc_cypher), ..form("graph.txt", &[]) },
    in_apoc_json: form("graph.json", &["--allow-loss", "name"]),
    in_graphml: form("graph.graphml", &[]),
    in_csv_for_neo4j_admin: folder(&["--format", "csv"], no_header),
    in_csv_for_load_csv_of_neo4j: folder(&["--format", "csv", "--csv-for", "neo4j"], no_name),
    in_csv_for_load_csv_of_memgraph: folder(&["--format", "csv", "--csv-for", "memgraph"], nothing),
    in_a_backup_of_hugegraph: backup_of_hugegraph(),
}
