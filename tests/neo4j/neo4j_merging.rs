//! What is Neo4j's own in merging, on a real server, with another driver as the witness: nodes of the ledger, locks,
//! transactions that were left behind, triggers. What every backend does is in `conformance/merging.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support::witness;

use graphferry::backend::{self, Access, Deed, Entry, Location, Mark, Once, Place, Session, Target, Update};
use graphferry::model::{Block, Class, Kind, Map, Schema, Trigger, Value};
use std::time::{Duration, Instant};
use witness::{Witness, variable};

const TARGET: &str = "GRAPHFERRY_TEST_NEO4J_TARGET";

fn location() -> Location {
    Location::parse(&variable(TARGET)).unwrap().unwrap()
}

fn access() -> Access {
    Access::basic("neo4j", variable("GRAPHFERRY_TEST_PASSWORD"))
}

fn target() -> Box<dyn Target> {
    backend::open_target(&location(), &access()).unwrap()
}

/// A target with a run, and a session that has its lane 0.
fn enlisted() -> (Box<dyn Target>, Box<dyn Session>) {
    let mut target = target();
    target.record("r1", "begun").unwrap();
    let epoch = target.fence("r1", 2).unwrap();
    let mut session = target.session().unwrap();
    session.enlist(&Place { run: "r1".to_owned(), lane: 0, epoch }).unwrap();
    (target, session)
}

fn map(entries: &[(&str, Value)]) -> Map {
    entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

fn batch(class: Class, names: &[&str], items: &[(i64, i64, Map)]) -> Block {
    let mut block = Block::new(class);
    let kind = block.add_kind(Kind::labels(names));
    for (number, (start, end, map)) in items.iter().enumerate() {
        graphferry::model::value::put_map(block.buffer(), map);
        block.push(100 + number as i64, *start, *end, kind, 0);
    }
    block
}

fn mark(batch: u64) -> Mark {
    Mark { batch, from: 3, before: false }
}

#[test]
fn the_ledger_is_nodes_that_nobody_sees() {
    let witness = Witness::of_empty_target();
    let (mut target, mut session) = enlisted();
    let block = batch(Class::Nodes, &["P"], &[(0, 0, Map::new())]);
    session.nodes(&block, Some(&mark(1)), &mut Vec::new()).unwrap();
    let own = witness.integers("MATCH (n:__GraphFerry__) RETURN id(n) AS x");
    assert_eq!(own.len(), 1 + 2 + 1, "the record, the lanes, the line");
    // Whatever ids are asked for.
    assert!(session.read(Class::Nodes, &own).unwrap().is_empty());
    let other = Entry::new(&mark(9), Deed::Nodes, &block);
    assert_eq!(session.delete(Class::Nodes, &own, true, &other).unwrap(), 0);
    assert_eq!(session.delete(Class::Nodes, &own, false, &other).unwrap(), 0);
    let seen = &mut |_: backend::Seen<'_>| panic!("a node of the ledger");
    target.look(Class::Nodes, "__GraphFerry__", &["run".to_owned()], seen).unwrap();
    assert_eq!(target.facts().unwrap().nodes, 1);
    assert_eq!(witness.integers("MATCH (n:__GraphFerry__) RETURN id(n) AS x").len(), own.len());
}

#[test]
fn a_forgotten_run_leaves_no_node() {
    let witness = Witness::of_empty_target();
    let mut target = target();
    let block = batch(Class::Nodes, &[], &[]);
    for run in ["r1", "r2"] {
        target.record(run, "x").unwrap();
        target.fence(run, 3).unwrap();
        // More than are deleted at once.
        for number in 0..250 {
            target.enter(run, &Entry::new(&mark(number), Deed::Matches, &block)).unwrap();
        }
    }
    target.forget("r1").unwrap();
    assert_eq!(witness.strings("MATCH (n) RETURN DISTINCT n.run AS x"), ["r2"]);
    assert_eq!(witness.integers("MATCH (n:__GraphFerry__) RETURN count(n) AS x"), [1 + 3 + 250]);
}

#[test]
fn a_fence_gives_every_lane_the_new_epoch() {
    let witness = Witness::of_empty_target();
    let (mut target, mut old) = enlisted();
    let epoch = target.fence("r1", 3).unwrap();
    assert_eq!(witness.integers("MATCH (n:__GraphFerry__) WHERE n.lane IS NOT NULL RETURN n.epoch AS x"), [epoch; 3]);
    let block = batch(Class::Nodes, &["P"], &[(0, 0, Map::new())]);
    let place = |lane| Place { run: "r1".to_owned(), lane, epoch };
    for error in [old.nodes(&block, Some(&mark(2)), &mut Vec::new()).unwrap_err(), old.enlist(&place(3)).unwrap_err()] {
        assert_eq!(error.to_string(), "the run r1 was taken over by another graphferry");
    }
    assert_eq!(witness.integers("MATCH (n:P) RETURN count(n) AS x"), [0]);
    old.enlist(&place(2)).unwrap();
}

#[test]
fn locks_leave_no_trace_and_what_is_missing_is_counted() {
    let witness = Witness::of_empty_target();
    witness.run("CREATE (a:P {k: 1}), (b:P {k: 2}), (a)-[:T {w: 1}]->(b), (a)-[:T {w: 1.0}]->(b)");
    let ids = witness.integers("MATCH (n:P) RETURN id(n) AS x ORDER BY n.k");
    let (_target, mut session) = enlisted();
    let w = |value: Value| map(&[("w", value)]);
    let links = [(ids[0], ids[1], w(1.0.into())), (ids[1], ids[0], w(1.into())), (ids[0], ids[1], w(2.into()))];
    let links = batch(Class::Relationships, &["T"], &links);
    assert_eq!(session.relationships(&links, Once::Properties, Some(&mark(1))).unwrap(), 2);
    let found = witness
        .strings("MATCH (a)-[r:T]->(b) RETURN a.k + '' + b.k + ':' + coalesce(toString(r.w), '-') AS x ORDER BY x");
    assert_eq!(found, ["12:1", "12:1.0", "12:2", "21:1"]);
    for once in [Once::Always, Once::Ends, Once::Properties] {
        let lost =
            batch(Class::Relationships, &["V"], &[(ids[0], ids[0], Map::new()), (ids[0], 99_999_999, Map::new())]);
        let error = session.relationships(&lost, once, Some(&mark(5))).unwrap_err();
        assert_eq!(error.to_string(), "1 of 2 relationships have an end that is not there");
    }
    let lost = batch(Class::Nodes, &["Z"], &[(ids[0], 0, Map::new()), (99_999_999, 0, Map::new())]);
    let keep = Mark { before: true, ..mark(4) };
    for (how, mark) in [(Update::Overwrite, None), (Update::Fill, Some(keep))] {
        let error = session.update(&lost, how, mark.as_ref()).unwrap_err();
        assert_eq!(error.to_string(), "1 of 2 nodes are not there any more");
    }
    let more = batch(Class::Nodes, &["P"], &[(ids[0], 0, map(&[("k", 5.into())]))]);
    session.update(&more, Update::Fill, Some(&keep)).unwrap();
    let line = session.find(&keep).unwrap().unwrap();
    session.put_back(&more, &line).unwrap();
    assert_eq!(witness.integers("MATCH (n:P) RETURN n.k AS x ORDER BY x"), [2, 5]);
    assert_eq!(witness.strings("MATCH (n) WHERE NOT n:__GraphFerry__ UNWIND keys(n) AS x RETURN DISTINCT x"), ["k"]);
}

/// A transaction of the other driver that stays open.
struct Held {
    runtime: tokio::runtime::Runtime,
    transaction: Option<neo4rs::Txn>,
}

impl Held {
    fn by(text: &str) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let transaction = runtime.block_on(async {
            let graph = neo4rs::Graph::new(variable(TARGET), "neo4j", variable("GRAPHFERRY_TEST_PASSWORD")).unwrap();
            let mut transaction = graph.start_txn().await.unwrap();
            transaction.run(neo4rs::query(text)).await.unwrap();
            transaction
        });
        Self { runtime, transaction: Some(transaction) }
    }

    fn commit(mut self) {
        let transaction = self.transaction.take().unwrap();
        self.runtime.block_on(transaction.commit()).unwrap();
    }
}

#[test]
fn the_epoch_is_read_behind_the_lock() {
    let witness = Witness::of_empty_target();
    let (_target, mut session) = enlisted();
    let held = Held::by("MATCH (l:__GraphFerry__ {lane: 0}) SET l.epoch = l.epoch + 1");
    let batch = batch(Class::Nodes, &["P"], &[(0, 0, Map::new())]);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| session.nodes(&batch, Some(&mark(1)), &mut Vec::new()));
        std::thread::sleep(Duration::from_millis(700));
        assert!(!waiting.is_finished(), "the batch does not wait for the lane");
        held.commit();
        let error = waiting.join().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "the run r1 was taken over by another graphferry");
    });
    drop(session);
    assert_eq!(Witness::new(TARGET).integers("MATCH (n:P) RETURN count(n) AS x"), [0]);
    drop(witness);
}

#[test]
fn what_a_cut_connection_left_open_is_ended() {
    let witness = Witness::of_empty_target();
    let (mut target, mut session) = enlisted();
    let left =
        "CALL tx.setMetaData({graphferry: 'r1/0/1'}) MATCH (l:__GraphFerry__ {lane: 0}) SET l.batch = 1 CREATE (:P)";
    let held = Held::by(left);
    let since = Instant::now();
    assert_eq!(session.find(&mark(1)).unwrap(), None);
    assert!(since.elapsed() < Duration::from_secs(20), "{:?}", since.elapsed());
    drop(held);
    let held = Held::by(left);
    let since = Instant::now();
    assert_eq!(target.fence("r1", 2).unwrap(), 2);
    assert!(since.elapsed() < Duration::from_secs(20), "{:?}", since.elapsed());
    drop(held);
    assert_eq!(witness.integers("MATCH (n:P) RETURN count(n) AS x"), [0]);
}

#[test]
fn what_belongs_to_a_later_epoch_is_not_ended() {
    let witness = Witness::of_empty_target();
    let (mut target, _session) = enlisted();
    // A fence that is late, as of a process that was killed, meets the transactions of the process after it.
    let held = Held::by("CALL tx.setMetaData({graphferry: 'r1/0/2'}) CREATE (:P)");
    assert_eq!(target.fence("r1", 2).unwrap(), 2);
    held.commit();
    assert_eq!(witness.integers("MATCH (n:P) RETURN count(n) AS x"), [1]);
}

#[test]
fn triggers_stop_and_start() {
    let witness = Witness::of_empty_target();
    let mut target = target();
    let trigger = Trigger {
        name: "seen".to_owned(),
        statement: "UNWIND $createdNodes AS n SET n.seen = true".to_owned(),
        system: "apoc".to_owned(),
        selector: map(&[("phase", "before".into())]),
        params: Map::new(),
        paused: false,
    };
    let object = graphferry::model::SchemaObject::Trigger(trigger.clone());
    target.apply(&object).unwrap();
    let listed = "CALL apoc.trigger.list() YIELD name, paused WHERE NOT paused RETURN name AS x";
    let wait = |names: &[&str]| {
        let since = Instant::now();
        while witness.strings(listed) != names {
            assert!(since.elapsed() < Duration::from_secs(10), "{:?}", witness.strings(listed));
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    wait(&["seen"]);
    target.set_trigger(&trigger, false).unwrap();
    witness.run("CREATE (:P)");
    assert_eq!(witness.integers("MATCH (n:P) WHERE n.seen RETURN count(n) AS x"), [0]);
    target.set_trigger(&trigger, true).unwrap();
    wait(&["seen"]);
    target.remove(&object).unwrap();
    target.set_trigger(&trigger, true).unwrap();
    target.set_trigger(&trigger, false).unwrap();
    wait(&[]);
    let facts: Schema = target.facts().unwrap().schema;
    assert_eq!(facts.objects, []);
}
