//! More than one writer, and hands that write with SQL.

use crate::{fresh, map, nodes, put, relationships, sqlite3};
use graphferry::backend::Once;
use graphferry::backend::sqlite::open_target;
use graphferry::{ErrorKind, Retry};
use std::time::{Duration, Instant};

#[test]
fn a_writer_that_is_kept_waiting_gives_up() {
    let (_folder, path) = fresh();
    let mut target = open_target(&path).unwrap();
    let holder = rusqlite::Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = Instant::now();
    let error = put(&*target, &nodes(&["A"], [map([])])).unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(20), "it took {:?}", begun.elapsed());
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Server, Retry::Again));
    assert_eq!(error.message(), "writing nodes failed: another program is writing to the embedded store");
    // Reading goes on meanwhile, and so does writing afterwards.
    assert_eq!(target.facts().unwrap().nodes, 0);
    holder.execute_batch("COMMIT").unwrap();
    put(&*target, &nodes(&["A"], [map([])])).unwrap();
    assert_eq!(target.facts().unwrap().nodes, 1);
}

/// Two programs that write in turns never give an id twice, and use each other's names and constraints.
#[test]
fn two_writers_in_turns() {
    let (_folder, path) = fresh();
    let (mut one, two) = (open_target(&path).unwrap(), open_target(&path).unwrap());
    let mut ids = Vec::new();
    for round in 0..10_i64 {
        for target in [&one, &two] {
            let batch = nodes(&["A", &format!("L{round}")], (0..3).map(|n: i64| map([("n", n.into())])));
            let new = put(&**target, &batch).unwrap();
            let pairs = new.iter().map(|id| (*id, new[0], map([])));
            target.session().unwrap().relationships(&relationships("R", pairs), Once::Always, None).unwrap();
            ids.extend(new);
        }
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((count, ids.len()), (60, 60));
    assert_eq!(sqlite3(&path, "SELECT count(*) FROM label_sets; SELECT count(*) FROM types"), "10\n1");
    assert_eq!(sqlite3(&path, "PRAGMA integrity_check; PRAGMA foreign_key_check"), "ok");
    let object = crate::constraints::unique("u", &["k"]);
    one.apply(&object).unwrap();
    put(&*two, &nodes(&["P"], [map([("k", 1.into())])])).unwrap();
    assert!(put(&*one, &nodes(&["P"], [map([("k", 1.into())])])).is_err());
    assert!(put(&*two, &nodes(&["P"], [map([("k", 1.into())])])).is_err());
}

/// Somebody deletes with SQL: what is gone is no end of a relationship any more, before and after opening.
#[test]
fn a_node_deleted_by_hand_is_missed() {
    let (_folder, path) = fresh();
    let target = open_target(&path).unwrap();
    let ids = put(&*target, &nodes(&["A"], (0..5).map(|_| map([])))).unwrap();
    assert_eq!(ids, [1, 2, 3, 4, 5]);
    let link = |start, end| relationships("R", [(start, end, map([]))]);
    target.session().unwrap().relationships(&link(3, 5), Once::Always, None).unwrap();
    sqlite3(&path, "DELETE FROM relationships; DELETE FROM nodes WHERE id = 3");
    for target in [target, open_target(&path).unwrap()] {
        let mut session = target.session().unwrap();
        assert_eq!(session.relationships(&link(1, 2), Once::Always, None).unwrap(), 1);
        for (start, end, expected) in [
            (3, 1, "there is no node 3, the start of a relationship of type \"R\""),
            (1, 3, "there is no node 3, the end of a relationship of type \"R\""),
            (0, 1, "there is no node 0, the start of a relationship of type \"R\""),
            (1, 99, "there is no node 99, the end of a relationship of type \"R\""),
            (i64::MIN, i64::MAX, "there is no node -9223372036854775808, the start of a relationship of type \"R\""),
        ] {
            let error = session.relationships(&link(start, end), Once::Always, None).unwrap_err();
            assert_eq!((error.kind(), error.retry()), (ErrorKind::Server, Retry::Never));
            assert_eq!(error.report(), expected);
        }
        let id = put(&*target, &nodes(&["A"], [map([])])).unwrap()[0];
        assert_eq!(session.relationships(&link(id, 5), Once::Always, None).unwrap(), 1);
    }
    assert_eq!(sqlite3(&path, "PRAGMA foreign_key_check"), "");
}

/// Ids that somebody else chose.
#[test]
fn ids_go_on_behind_the_highest() {
    let (_folder, path) = fresh();
    let target = open_target(&path).unwrap();
    put(&*target, &nodes(&["A"], [map([])])).unwrap();
    sqlite3(&path, "INSERT INTO nodes VALUES (1000, 1, '{}'), (-5, 1, '{}')");
    assert_eq!(put(&*target, &nodes(&["A"], [map([])])).unwrap(), [1001]);
    let link = relationships("R", [(-5, 1000, map([])), (1, 1001, map([]))]);
    assert_eq!(target.session().unwrap().relationships(&link, Once::Always, None).unwrap(), 2);
    sqlite3(&path, "INSERT INTO nodes VALUES (9223372036854775807, 1, '{}')");
    let error = put(&*target, &nodes(&["A"], [map([])])).unwrap_err();
    assert_eq!(error.report(), "the embedded store has no free id any more");
}
