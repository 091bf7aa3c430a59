//! Restoring into what stands in for Memgraph (`support/emulated.rs`; it is not Memgraph): four connections at work, lost answers, analytical mode,
//! triggers, limits.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use graphferry::backend::{self, Access, Location, Once, Target};
use graphferry::model::temporal::LocalDateTime;
use graphferry::model::{Block, Class, Kind, Map, Value, value};
use std::process::{Command, Output};
use std::time::Duration;
use support::emulated::{Emulated, Fault, TRANSIENT};

fn target(server: &Emulated) -> Box<dyn Target> {
    backend::open_target(&Location::parse(&server.url()).unwrap().unwrap(), &Access::default()).unwrap()
}

fn nodes(count: i64) -> Block {
    let mut block = Block::new(Class::Nodes);
    let kind = block.add_kind(Kind::labels(["N"]));
    for n in 0..count {
        value::put_map(block.buffer(), &Map::from_iter([("n".to_owned(), n.into())]));
        block.push(n, 0, 0, kind, 0);
    }
    block
}

/// A dump of a ring, from the embedded store.
fn ring(path: &std::path::Path, count: i64) {
    let store = backend::sqlite::open_target(path).unwrap();
    let mut session = store.session().unwrap();
    let mut ids = Vec::new();
    session.nodes(&nodes(count), None, &mut ids).unwrap();
    let mut ring = Block::new(Class::Relationships);
    let kind = ring.add_kind(Kind::relationship("R"));
    for at in 0..ids.len() {
        ring.buffer().push(0xA0);
        ring.push(at as i64, ids[at], ids[(at * 7 + 1) % ids.len()], kind, 0);
    }
    session.relationships(&ring, Once::Always, None).unwrap();
}

/// Copies a ring of so many nodes and relationships.
fn copied(server: &Emulated, count: i64, options: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring.db");
    ring(&path, count);
    let mut command = Command::new(env!("CARGO_BIN_EXE_graphferry"));
    command.arg("copy").arg(&path).arg(server.url()).args(options);
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}", said(output));
}

#[test]
fn four_connections_are_kept_busy_and_never_conflict() {
    let server = Emulated::start();
    server.delay(Duration::from_millis(40));
    succeeded(&copied(&server, 8_000, &["--batch-size", "100"]));
    assert_eq!(server.most_at_work(), 4, "batches under way at once");
    assert_eq!(server.conflicts(), 0);
    assert_eq!(server.size(), (8_000, 8_000), "and nothing of ours is left");
}

#[test]
fn a_lost_answer_is_looked_up() {
    for fault in [Fault::CutAfterCommit, Fault::CutBeforeCommit, Fault::LateCommit(700)] {
        let server = Emulated::start();
        for _ in 0..3 {
            server.fault(fault.clone());
        }
        succeeded(&copied(&server, 2_000, &["--batch-size", "100"]));
        assert_eq!(server.size(), (2_000, 2_000), "{fault:?}");
    }
}

#[test]
fn a_batch_that_is_too_large_is_halved() {
    let server = Emulated::start();
    server.fault(Fault::Limit(30));
    succeeded(&copied(&server, 500, &["--batch-size", "100"]));
    assert_eq!(server.size(), (500, 500));
}

#[test]
fn analytical_mode_ends_also_after_a_failure() {
    let server = Emulated::start();
    succeeded(&copied(&server, 500, &["--storage-mode", "analytical"]));
    assert_eq!((server.size(), server.snapshots()), ((500, 500), 1));
    assert_eq!(server.mode(), "IN_MEMORY_TRANSACTIONAL");

    let server = Emulated::start();
    server.fault(Fault::Refuse("CREATE (n:`N`)", TRANSIENT, "Transaction was asked to abort by another user."));
    let output = copied(&server, 500, &["--storage-mode", "analytical"]);
    assert!(!output.status.success());
    assert!(said(&output).contains("in analytical mode the server takes nothing back"), "{}", said(&output));
    assert_eq!((server.mode().as_str(), server.snapshots()), ("IN_MEMORY_TRANSACTIONAL", 1));
    assert_eq!(server.size().0, 250, "half of the batch was made, and stays");
}

#[test]
fn a_server_that_was_left_in_analytical_mode_is_noticed() {
    let server = Emulated::start();
    server.set_mode(true);
    let output = copied(&server, 10, &[]);
    assert!(said(&output).contains("is in analytical mode"), "{}", said(&output));
    assert_eq!(server.size(), (0, 0));
}

#[test]
fn triggers_rest_while_restoring_and_come_back() {
    for (options, dropped) in [(&[][..], true), (&["--triggers", "keep"], false)] {
        let server = Emulated::start();
        server.run(&["CREATE TRIGGER t ON () CREATE AFTER COMMIT EXECUTE CREATE (:Log)"]);
        succeeded(&copied(&server, 10, options));
        assert_eq!(server.statements().iter().any(|text| text.starts_with("DROP TRIGGER")), dropped);
        assert_eq!(server.triggers(), ["t"]);
        assert_eq!((server.size(), server.ledger()), ((10, 10), 0));
    }
}

#[test]
fn values_that_no_parameter_can_carry() {
    let server = Emulated::start();
    let target = target(&server);
    server.run(&["CREATE ENUM Status VALUES { Good, Bad }"]);
    let early = Value::LocalDateTime(LocalDateTime { seconds: -315_619_200 + 3_661, nanoseconds: 1000 });
    let map = Map::from_iter([
        ("early".to_owned(), early),
        ("state".to_owned(), Value::Enum("Status::Good".to_owned())),
        ("n".to_owned(), 1.into()),
    ]);
    let mut batch = Block::new(Class::Nodes);
    let kind = batch.add_kind(Kind::labels(["V"]));
    value::put_map(batch.buffer(), &map);
    batch.push(7, 0, 0, kind, 0);
    let mut session = target.session().unwrap();
    let mut ids = Vec::new();
    session.nodes(&batch, None, &mut ids).unwrap();
    let back = session.read(Class::Nodes, &ids).unwrap();
    let Value::Map(mut found) = Value::read(&mut back.cursor(&back.items()[0])).unwrap() else { panic!("no map") };
    found.sort_unstable_keys();
    let mut wanted = map;
    wanted.sort_unstable_keys();
    assert_eq!(found, wanted);
    // What would be changed in silence is refused by name.
    let mut batch = Block::new(Class::Nodes);
    let kind = batch.add_kind(Kind::labels(["V"]));
    let fine = Value::LocalDateTime(LocalDateTime { seconds: 0, nanoseconds: 1 });
    value::put_map(batch.buffer(), &Map::from_iter([("k".to_owned(), fine)]));
    batch.push(9, 0, 0, kind, 0);
    let error = session.nodes(&batch, None, &mut ids).unwrap_err();
    let wanted =
        "Memgraph cannot hold the value of \"k\" of node 9: it is one of those that are finer than a microsecond";
    assert_eq!(error.message(), wanted);
}
