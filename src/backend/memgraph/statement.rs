//! The statements that the target sends, each with what proves that Memgraph 3.6.2 takes it.
//!
//! "Recorded" is a record of a real 3.6.2 that has the statement, or each of its clauses, in this form; "manual" is Memgraph's public manual.
//!
//! | statement | proof |
//! |---|---|
//! | `UNWIND $rows AS row CREATE (n:…) SET n = row[1] RETURN row[0], id(n)` | recorded: ids in the order of the rows, members of a list by number |
//! | `UNWIND $rows AS row MATCH (a) WHERE id(a) = row[0] MATCH (b) WHERE id(b) = row[1] CREATE (a)-[r:…]->(b) SET r = row[2]` | recorded, with its plan: both ends by id |
//! | `… SET n.… = localDateTime(row[2])` | recorded: `localDateTime($u)` |
//! | `… OPTIONAL MATCH (a)-[r:…]->(b) RETURN row[2], r` | manual, "OPTIONAL MATCH clause" |
//! | `UNWIND $ids AS i MATCH (n) WHERE id(n) = i …` | recorded, with its plan: by id. `id(n) IN $ids` would walk over all nodes |
//! | `UNWIND $ids AS i MATCH ()-[r]->() WHERE id(r) = i …` | recorded with `$id` in place of `i` |
//! | `SET n:…`, `REMOVE n:…`, `SET n += row[1]`, `DELETE`, `DETACH DELETE`, `RETURN count(n)` | recorded, REMOVE in Memgraph's own dump |
//! | ``MATCH (l:`__GraphFerry__`) WHERE l.`run` = $run_name …`` | recorded: label, WHERE, IS NOT NULL |
//! | `SHOW TRANSACTIONS`, `TERMINATE TRANSACTIONS "…"` | recorded |
//! | `STORAGE MODE …`, `CREATE SNAPSHOT`, `SHOW STORAGE INFO`, `SHOW CONFIG` | recorded |
//! | `SET SESSION TRANSACTION ISOLATION LEVEL SNAPSHOT ISOLATION` | recorded inside a transaction, where it is refused as such; manual |
//! | CREATE and DROP of indexes, constraints, enums, triggers | recorded, each kind |
//!
//! Property names of ours are quoted and parameters have names that are no keywords: nothing depends on the list of reserved words.

/// The label of every node of the ledger.
pub(super) use crate::backend::ledger::LABEL as LEDGER;

/// Nodes.
pub(super) fn create_nodes(kind: &str, set: &str) -> String {
    format!("UNWIND $rows AS row CREATE (n{kind}){set} RETURN row[0], id(n)")
}

/// Relationships; with `ids` their numbers and ids are told.
pub(super) fn create_relationships(kind: &str, set: &str, ids: bool) -> String {
    let told = if ids { " RETURN row[3], id(r)" } else { "" };
    format!("{}CREATE (a)-[r{kind}]->(b){set}{told}", ENDS)
}

/// Both ends of each row.
const ENDS: &str = "UNWIND $rows AS row MATCH (a) WHERE id(a) = row[0] MATCH (b) WHERE id(b) = row[1] ";

/// The relationships that are there between the ends of each row; null where there is none.
pub(super) fn known_relationships(kind: &str) -> String {
    format!("{ENDS}OPTIONAL MATCH (a)-[r{kind}]->(b) RETURN row[2], r")
}

/// Changes of nodes.
pub(super) fn update_nodes(kind: &str, set: &str) -> String {
    let labels = if kind.is_empty() { String::new() } else { format!(" SET n{kind}") };
    format!("UNWIND $rows AS row MATCH (n) WHERE id(n) = row[0]{labels}{set} RETURN count(n)")
}

/// Nodes get labels and properties back.
pub(super) fn put_back(lost: &str, set: &str, back: &str) -> String {
    let lost = if lost.is_empty() { String::new() } else { format!(" REMOVE n{lost}") };
    let back = if back.is_empty() { String::new() } else { format!(" SET n{back}") };
    format!("UNWIND $rows AS row MATCH (n) WHERE id(n) = row[0]{lost}{set}{back} RETURN count(n)")
}

/// Nodes by their ids.
pub(super) const NODES: &str = "UNWIND $ids AS i MATCH (n) WHERE id(n) = i RETURN n";
/// Relationships by their ids.
pub(super) const RELATIONSHIPS: &str = "UNWIND $ids AS i MATCH ()-[r]->() WHERE id(r) = i RETURN r";
/// Deletes nodes with their relationships.
pub(super) const DETACH_DELETE: &str = "UNWIND $ids AS i MATCH (n) WHERE id(n) = i DETACH DELETE n";
/// Deletes nodes that have no relationships.
pub(super) const DELETE_NODES: &str = "UNWIND $ids AS i MATCH (n) WHERE id(n) = i OPTIONAL MATCH (n)-[r]-() \
     WITH n, count(r) AS degree WHERE degree = 0 DELETE n";
/// Deletes relationships.
pub(super) const DELETE_RELATIONSHIPS: &str = "UNWIND $ids AS i MATCH ()-[r]->() WHERE id(r) = i DELETE r";

/// How many nodes there are, those of the ledger among them.
pub(super) const COUNT_NODES: &str = "MATCH (n) RETURN count(n)";
/// How many relationships there are.
pub(super) const COUNT_RELATIONSHIPS: &str = "MATCH ()-[r]->() RETURN count(r)";
/// How many nodes of the ledger there are.
pub(super) const COUNT_LEDGER: &str = "MATCH (l:`__GraphFerry__`) RETURN count(l)";

/// Writes to the lane, then goes on only if it is still ours. What follows must return something under [`tag`]'s name.
pub(super) const HOLD: &str = "MATCH (l) WHERE id(l) = $lane_id SET l.`touch` = $touch_no, l.`batch` = $batch_no \
     WITH l WHERE l.`run` = $run_name AND l.`epoch` = $epoch_no ";
/// Creates a line.
pub(super) const LINE: &str = "CREATE (e:`__GraphFerry__` {`run`: $run_name, `batch`: $batch_no, `from`: $first_no, \
     `entry`: $entry_text}) ";
/// A line by its id.
pub(super) const LINE_BY_ID: &str = "MATCH (e) WHERE id(e) = $line_id AND e.`run` = $run_name AND \
     e.`batch` = $batch_no AND e.`from` = $first_no RETURN e.`entry`";
/// A line by batch and first item: a walk over all nodes.
pub(super) const LINE_BY_NUMBER: &str = "MATCH (e:`__GraphFerry__`) WHERE e.`run` = $run_name AND \
     e.`batch` = $batch_no AND e.`from` = $first_no RETURN e.`entry`";
/// Where a line lies: a walk over all nodes.
pub(super) const LINE_PLACE: &str = "MATCH (e:`__GraphFerry__`) WHERE e.`run` = $run_name AND \
     e.`batch` = $batch_no AND e.`from` = $first_no RETURN id(e)";
/// Where the lines of a run lie.
pub(super) const LINES: &str = "MATCH (e:`__GraphFerry__`) WHERE e.`run` = $run_name AND e.`from` IS NOT NULL \
     RETURN e.`batch`, e.`from`, id(e)";
/// Lines by their ids.
pub(super) const LINES_BY_ID: &str = "UNWIND $ids AS i MATCH (e) WHERE id(e) = i RETURN id(e), e.`entry`";
/// Deletes nodes of the ledger by their ids.
pub(super) const DELETE_LINES: &str = "UNWIND $ids AS i MATCH (e) WHERE id(e) = i DELETE e";
/// The lanes of a run.
pub(super) const LANES: &str = "MATCH (l:`__GraphFerry__`) WHERE l.`run` = $run_name AND l.`lane` IS NOT NULL \
     RETURN l.`lane`, l.`epoch`, id(l)";
/// Gives lanes another epoch.
pub(super) const RAISE: &str = "UNWIND $ids AS i MATCH (l) WHERE id(l) = i \
     SET l.`epoch` = $epoch_no, l.`touch` = $touch_no RETURN count(l)";
/// Makes lanes.
pub(super) const MAKE_LANES: &str = "UNWIND $ids AS i CREATE (l:`__GraphFerry__` {`run`: $run_name, `lane`: i, \
     `epoch`: $epoch_no, `batch`: 0, `touch`: $touch_no})";
/// Every run.
pub(super) const RUNS: &str = "MATCH (l:`__GraphFerry__`) WHERE l.`record` IS NOT NULL RETURN l.`run`, l.`record`";
/// Where the record of a run lies.
pub(super) const RECORD: &str = "MATCH (l:`__GraphFerry__`) WHERE l.`run` = $run_name AND l.`record` IS NOT NULL \
     RETURN id(l)";
/// Writes to the record of a run: only one process at a time gets further.
pub(super) const TOUCH_RECORD: &str = "MATCH (l) WHERE id(l) = $lane_id SET l.`touch` = $touch_no RETURN count(l)";
/// Another text for the record of a run.
pub(super) const SET_RECORD: &str =
    "MATCH (l) WHERE id(l) = $lane_id SET l.`record` = $record_text, l.`touch` = $touch_no RETURN count(l)";
/// The first record of a run.
pub(super) const MAKE_RECORD: &str = "CREATE (l:`__GraphFerry__` {`run`: $run_name, `record`: $record_text})";

/// The lane of a session that restores and has no run.
pub(super) const MAKE_OWN_LANE: &str = "CREATE (l:`__GraphFerry__` {`own`: $touch_no, `batch`: 0}) RETURN id(l)";
/// Writes to that lane.
pub(super) const HOLD_OWN: &str = "MATCH (l) WHERE id(l) = $lane_id SET l.`touch` = $touch_no, l.`batch` = $batch_no \
     RETURN id(l)";
/// Writes to that lane and tells which batch was the last.
pub(super) const ASK_OWN: &str = "MATCH (l) WHERE id(l) = $lane_id SET l.`touch` = $touch_no RETURN l.`batch`";
/// Lanes of sessions that restored and were cut off.
pub(super) const OWN_LANES: &str = "MATCH (l:`__GraphFerry__`) WHERE l.`own` IS NOT NULL RETURN id(l)";

/// The name of a session in its statements: SHOW TRANSACTIONS has their text, so that a transaction that was left behind can be found.
pub(super) fn tag(run: &str, lane: usize, epoch: i64) -> String {
    format!("graphferry/{run}/{lane}/{epoch}")
}
