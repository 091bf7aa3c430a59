//! What merging needs of Neo4j, on a real server, with another driver as the witness.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/witness.rs"]
mod witness;

use graphferry::backend::{self, Access, Deed, Entry, Location, Mark, Once, Place, Session, Target, Update};
use graphferry::model::{Block, Class, Cursor, Kind, Map, Schema, Trigger, Value};
use graphferry::{ErrorKind, Retry};
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

fn entries(target: &mut dyn Target) -> Vec<Entry> {
    let mut found = Vec::new();
    target
        .entries("r1", &mut |entry| {
            found.push(entry);
            Ok(())
        })
        .unwrap();
    found
}

/// Nodes with labels and properties as the server tells them, those of the ledger apart.
fn people(witness: &Witness) -> Vec<String> {
    let mut people = witness.strings(
        "MATCH (n) WHERE NOT n:__GraphFerry__ UNWIND [null] + labels(n) AS l WITH n, l ORDER BY l \
         WITH n, collect(l) AS ls UNWIND [null] + keys(n) AS k WITH n, ls, k ORDER BY k \
         WITH ls, collect(k + '=' + toString(n[k])) AS ps RETURN reduce(s = '', x IN ls + ps | s + x + ' ') AS x",
    );
    people.sort();
    people
}

fn prints(session: &mut dyn Session, class: Class, ids: &[i64]) -> Vec<u32> {
    let block = session.read(class, ids).unwrap();
    let mut printer = backend::ledger::Printer::default();
    let of = |id: &i64| block.items().iter().find(|item| item.id == *id).unwrap();
    ids.iter().map(|id| printer.print(&block, of(id)).unwrap()).collect()
}

#[test]
fn batches_leave_lines_and_are_found() {
    let witness = Witness::of_empty_target();
    witness.run("CREATE (:Old)-[:KNOWS]->(:Old)");
    let (mut target, mut session) = enlisted();
    assert_eq!(session.find(&mark(1)).unwrap(), None);
    let nodes =
        batch(Class::Nodes, &["B", "A"], &[(0, 0, map(&[("x", 1.into()), ("y", 0.5.into())])), (0, 0, Map::new())]);
    let mut ids = Vec::new();
    session.nodes(&nodes, Some(&mark(1)), &mut ids).unwrap();
    assert_eq!(witness.integers("MATCH (n:A:B) WHERE n.x = 1 OR n.x IS NULL RETURN id(n) AS x ORDER BY n.x"), ids);
    let links =
        batch(Class::Relationships, &["T"], &[(ids[0], ids[1], map(&[("w", 7.into())])), (ids[1], ids[1], Map::new())]);
    assert_eq!(session.relationships(&links, Once::Always, Some(&mark(2))).unwrap(), 2);
    let rels = witness.integers("MATCH ()-[r:T]->() RETURN id(r) AS x ORDER BY r.w");
    let lines = entries(&mut *target);
    assert_eq!(lines.len(), 2);
    assert_eq!((lines[0].deed, lines[0].batch, lines[0].from, lines[0].items), (Deed::Nodes, 1, 3, 2));
    assert_eq!((lines[0].old, &lines[0].ids), (backend::ledger::old_ids(&nodes), &ids));
    assert_eq!((lines[1].deed, lines[1].batch, &lines[1].ids), (Deed::Relationships, 2, &rels));
    // What the server holds has the fingerprints that the lines tell.
    assert_eq!(prints(&mut *session, Class::Nodes, &ids), lines[0].prints);
    assert_eq!(prints(&mut *session, Class::Relationships, &rels), lines[1].prints);
    assert_eq!(session.find(&mark(1)).unwrap().as_ref(), Some(&lines[0]));
    assert_eq!(session.find(&mark(2)).unwrap().as_ref(), Some(&lines[1]));
    assert_eq!(session.find(&Mark { from: 4, ..mark(2) }).unwrap(), None);
    // The ledger is counted nowhere, and in no dump.
    let facts = target.facts().unwrap();
    assert_eq!((facts.nodes, facts.relationships), (4, 3));
    let mut source = backend::open_source(&location(), &access()).unwrap();
    let mut view = source.snapshot(None).unwrap();
    assert_eq!(view.estimate().unwrap(), Some((4, 3)));
    assert!(!view.names().unwrap().labels.contains("__GraphFerry__"));
    let mut scanned = Vec::new();
    view.scan(Class::Nodes, &mut |block| {
        scanned.extend(block.items().iter().map(|item| block.kind(item).names().len()));
        Ok(())
    })
    .unwrap();
    scanned.sort_unstable();
    assert_eq!(scanned, [1, 1, 2, 2]);
    drop(view);
    // The record stays until all else is gone.
    assert_eq!(target.runs().unwrap(), [("r1".to_owned(), "begun".to_owned())]);
    target.record("r1", "done").unwrap();
    assert_eq!(target.runs().unwrap(), [("r1".to_owned(), "done".to_owned())]);
    target.forget("r1").unwrap();
    target.forget("r1").unwrap();
    assert_eq!(target.runs().unwrap(), []);
    assert_eq!(witness.integers("MATCH (n) RETURN count(n) AS x"), [4]);
    let error = session.nodes(&nodes, Some(&mark(9)), &mut ids).unwrap_err();
    assert_eq!(error.to_string(), "the run r1 was taken over by another graphferry");
    assert_eq!(witness.integers("MATCH (n) RETURN count(n) AS x"), [4]);
}

#[test]
fn lines_come_in_order_and_other_runs_stay() {
    let witness = Witness::of_empty_target();
    let mut target = target();
    for run in ["r1", "r2"] {
        target.record(run, "x").unwrap();
    }
    target.fence("r2", 3).unwrap();
    let block = batch(Class::Nodes, &[], &[(0, 0, Map::new())]);
    let huge = (1 << 62) - 1;
    for (number, from) in [(huge, 0), (2, 7), (10, 0), (2, 0)] {
        let mut entry = Entry::new(&Mark { batch: number, from, before: false }, Deed::Matches, &block);
        entry.ids = vec![100, number as i64];
        target.enter("r1", &entry).unwrap();
        target.enter("r2", &entry).unwrap();
    }
    let order: Vec<_> = entries(&mut *target).iter().map(|entry| (entry.batch, entry.from)).collect();
    assert_eq!(order, [(2, 0), (2, 7), (10, 0), (huge, 0)]);
    let stop = target.entries("r1", &mut |_| Err(graphferry::Error::failed("enough"))).unwrap_err();
    assert_eq!(stop.to_string(), "enough");
    target.forget("r1").unwrap();
    assert_eq!(entries(&mut *target), []);
    assert_eq!(witness.integers("MATCH (n:__GraphFerry__ {run: 'r2'}) RETURN count(n) AS x"), [1 + 3 + 4]);
    let error = target.fence("r1", 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
}

#[test]
fn relationships_that_are_there_are_left() {
    let witness = Witness::of_empty_target();
    witness.run("CREATE (a:P {k: 1}), (b:P {k: 2}), (a)-[:T {w: 1}]->(b), (a)-[:T {w: 1.0}]->(b), (a)-[:U]->(a)");
    let ids = witness.integers("MATCH (n:P) RETURN id(n) AS x ORDER BY n.k");
    let (a, b) = (ids[0], ids[1]);
    let (mut target, mut session) = enlisted();
    let w = |value: Value| map(&[("w", value)]);
    let links = batch(
        Class::Relationships,
        &["T"],
        &[
            (a, b, w(1.into())),
            (b, a, w(1.into())),
            (b, a, w(2.into())),
            (a, a, Map::new()),
            (a, b, w(2.into())),
            (b, a, w(1.into())),
        ],
    );
    assert_eq!(session.relationships(&links, Once::Properties, Some(&mark(1))).unwrap(), 4);
    let found = |witness: &Witness| {
        witness
            .strings("MATCH (a)-[r:T]->(b) RETURN a.k + '' + b.k + ':' + coalesce(toString(r.w), '-') AS x ORDER BY x")
    };
    let expected = ["11:-", "12:1", "12:1.0", "12:2", "21:1", "21:2"];
    assert_eq!(found(&witness), expected);
    // Again nothing is new; the lines say so.
    assert_eq!(session.relationships(&links, Once::Properties, Some(&mark(2))).unwrap(), 0);
    assert_eq!(session.relationships(&links, Once::Ends, Some(&mark(3))).unwrap(), 0);
    assert_eq!(session.relationships(&links, Once::Ends, None).unwrap(), 0);
    assert_eq!(found(&witness), expected);
    let lines = entries(&mut *target);
    assert_eq!(lines.iter().map(|line| (line.items, line.ids.len())).collect::<Vec<_>>(), [(6, 4), (6, 0), (6, 0)]);
    let unlike = batch(Class::Relationships, &["V"], &[(a, b, w(1.into())), (a, b, w(2.into())), (b, a, Map::new())]);
    assert_eq!(session.relationships(&unlike, Once::Ends, Some(&mark(4))).unwrap(), 2);
    assert_eq!(
        witness.strings("MATCH (a)-[r:V]->(b) RETURN a.k + '' + coalesce(r.w, '-') AS x ORDER BY x"),
        ["11", "2-"]
    );
    for once in [Once::Always, Once::Ends, Once::Properties] {
        let lost = batch(Class::Relationships, &["V"], &[(a, a, Map::new()), (a, 99_999_999, Map::new())]);
        let error = session.relationships(&lost, once, Some(&mark(5))).unwrap_err();
        assert_eq!(error.to_string(), "1 of 2 relationships have an end that is not there");
    }
    assert_eq!(witness.integers("MATCH ()-[r:V]->() RETURN count(r) AS x"), [2]);
    assert_eq!(session.find(&mark(5)).unwrap(), None);
    // Nothing of the lock stays.
    assert_eq!(witness.strings("MATCH (n:P) UNWIND keys(n) AS x RETURN DISTINCT x"), ["k"]);
}

#[test]
fn two_sessions_do_not_create_the_same_relationship() {
    let witness = Witness::of_empty_target();
    witness.run("UNWIND range(1, 300) AS i CREATE (:P {k: i})");
    let ids = witness.integers("MATCH (n:P) RETURN id(n) AS x ORDER BY n.k");
    let mut target = target();
    target.record("r1", "begun").unwrap();
    let epoch = target.fence("r1", 2).unwrap();
    let items: Vec<_> = ids.iter().map(|id| (*id, ids[0], Map::new())).collect();
    let links = batch(Class::Relationships, &["T"], &items);
    let made: u64 = std::thread::scope(|scope| {
        let sessions = [0, 1].map(|lane| {
            let mut session = target.session().unwrap();
            session.enlist(&Place { run: "r1".to_owned(), lane, epoch }).unwrap();
            session
        });
        let threads: Vec<_> = sessions
            .into_iter()
            .zip(1..)
            .map(|(mut session, number)| {
                let links = &links;
                scope.spawn(move || {
                    loop {
                        match session.relationships(links, Once::Ends, Some(&mark(number))) {
                            Ok(made) => return made,
                            Err(error) => assert_eq!(error.retry(), Retry::Again, "{error}"),
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((made, witness.integers("MATCH ()-[r:T]->() RETURN count(r) AS x")), (300, vec![300]));
}

#[test]
fn nodes_get_more_and_get_back_what_they_were() {
    let witness = Witness::of_empty_target();
    witness.run("CREATE (:P {k: 1, a: 'old'}), (:P:Q {k: 2})");
    let was = people(&witness);
    let ids = witness.integers("MATCH (n:P) RETURN id(n) AS x ORDER BY n.k");
    let (mut target, mut session) = enlisted();
    let more = |value: &str| map(&[("a", value.into()), ("b", 5.into())]);
    let update = |names: &[&str]| batch(Class::Nodes, names, &[(ids[1], 0, more("new")), (ids[0], 0, more("new"))]);
    let keep = |number| Mark { before: true, ..mark(number) };
    for (number, how, expected) in [
        (1, Update::Overwrite, ["P Q R a=new b=5 k=2 ", "P R a=new b=5 k=1 "]),
        (2, Update::Fill, ["P Q R a=new b=5 k=2 ", "P R a=old b=5 k=1 "]),
    ] {
        assert_eq!(session.update(&update(&["R", "P"]), how, Some(&keep(number))).unwrap(), 2);
        assert_eq!(people(&witness), expected);
        let entry = session.find(&keep(number)).unwrap().unwrap();
        assert_eq!((entry.deed, &entry.ids), (Deed::Updates, &vec![ids[1], ids[0]]));
        assert_eq!(prints(&mut *session, Class::Nodes, &entry.ids), entry.prints);
        let mut cursor = Cursor::new(&entry.before);
        let mut before = Block::new(Class::Nodes);
        for id in &entry.ids {
            let labels: Vec<&str> = (0..cursor.list().unwrap()).map(|_| cursor.string().unwrap()).collect();
            let kind = before.add_kind(Kind::labels(labels));
            before.buffer().extend_from_slice(cursor.raw().unwrap());
            before.push(0, *id, 0, kind, 0);
        }
        assert!(cursor.is_at_end());
        session.put_back(&before, &entry).unwrap();
        assert_eq!(people(&witness), was);
        assert_eq!(entries(&mut *target), []);
    }
    // Without anything kept, and with no labels at all.
    assert_eq!(session.update(&update(&[]), Update::Fill, Some(&mark(3))).unwrap(), 2);
    assert_eq!(people(&witness), ["P Q a=new b=5 k=2 ", "P a=old b=5 k=1 "]);
    let entry = session.find(&mark(3)).unwrap().unwrap();
    assert!(entry.before.is_empty() && entry.prints.is_empty() && entry.ids == [ids[1], ids[0]]);
    assert_eq!(session.update(&update(&[]), Update::Overwrite, None).unwrap(), 2);
    let after = people(&witness);
    let lost = batch(Class::Nodes, &["Z"], &[(ids[0], 0, Map::new()), (99_999_999, 0, Map::new())]);
    for (how, mark) in [(Update::Overwrite, None), (Update::Fill, Some(keep(4)))] {
        let error = session.update(&lost, how, mark.as_ref()).unwrap_err();
        assert_eq!(error.to_string(), "1 of 2 nodes are not there any more");
    }
    assert_eq!(people(&witness), after);
    // What put_back finds: other labels, another property; labels that nobody named go.
    witness.run("MATCH (n:Q) SET n:Else, n.z = 1 REMOVE n:P");
    let back = batch(Class::Nodes, &["P", "Q"], &[(ids[1], 0, map(&[("k", 2.into())]))]);
    session.put_back(&back, &entry).unwrap();
    assert_eq!(people(&witness)[0], "P Q k=2 ");
}

#[test]
fn items_are_deleted_with_their_line() {
    let witness = Witness::of_empty_target();
    witness.run("UNWIND range(1, 4) AS k CREATE (:P {k: k}) WITH 1 AS x LIMIT 1 MATCH (a {k: 1}), (b {k: 2}) CREATE (a)-[:T]->(b)");
    witness.run("MATCH (b {k: 2}), (c {k: 3}) CREATE (b)-[:T]->(c)");
    let ids = witness.integers("MATCH (n:P) RETURN id(n) AS x ORDER BY n.k");
    let rels = witness.integers("MATCH (a)-[r:T]->() RETURN id(r) AS x ORDER BY a.k");
    let (mut target, mut session) = enlisted();
    let block = batch(Class::Nodes, &[], &[]);
    let line = |number| Entry::new(&mark(number), Deed::Nodes, &block);
    for number in 1..=5 {
        target.enter("r1", &line(number)).unwrap();
    }
    assert_eq!(session.delete(Class::Relationships, &[rels[0], 99_999_999], false, &line(1)).unwrap(), 1);
    assert_eq!(session.delete(Class::Nodes, &ids, false, &line(2)).unwrap(), 2);
    assert_eq!(witness.integers("MATCH (n:P) RETURN n.k AS x ORDER BY x"), [2, 3]);
    // A line that was written after the session looked at the lines.
    target.enter("r1", &line(6)).unwrap();
    assert_eq!(session.delete(Class::Nodes, &[], false, &line(6)).unwrap(), 0);
    assert_eq!(session.delete(Class::Nodes, &ids, true, &line(3)).unwrap(), 2);
    assert_eq!(session.delete(Class::Nodes, &ids, true, &line(3)).unwrap(), 0);
    let left: Vec<_> = entries(&mut *target).iter().map(|entry| entry.batch).collect();
    assert_eq!(left, [4, 5]);
    // The ledger itself cannot be deleted, whatever ids are asked for.
    let own = witness.integers("MATCH (n:__GraphFerry__) RETURN id(n) AS x");
    assert_eq!(session.delete(Class::Nodes, &own, true, &line(4)).unwrap(), 0);
    assert!(session.read(Class::Nodes, &own).unwrap().is_empty());
    assert_eq!(witness.integers("MATCH (n) RETURN count(n) AS x"), [own.len() as i64 - 1]);
}

#[test]
fn a_run_that_is_taken_over_stops() {
    let witness = Witness::of_empty_target();
    let (mut target, mut old) = enlisted();
    let block = batch(Class::Nodes, &["P"], &[(0, 0, Map::new())]);
    let mut ids = Vec::new();
    old.nodes(&block, Some(&mark(1)), &mut ids).unwrap();
    let epoch = target.fence("r1", 3).unwrap();
    assert_eq!(witness.integers("MATCH (n:__GraphFerry__) WHERE n.lane IS NOT NULL RETURN n.epoch AS x"), [epoch; 3]);
    let refused = "the run r1 was taken over by another graphferry";
    for error in [
        old.nodes(&block, Some(&mark(2)), &mut ids).unwrap_err(),
        old.find(&mark(1)).unwrap_err(),
        old.delete(Class::Nodes, &ids, true, &Entry::new(&mark(1), Deed::Nodes, &block)).unwrap_err(),
        old.enlist(&Place { run: "r1".to_owned(), lane: 0, epoch: epoch - 1 }).unwrap_err(),
        old.enlist(&Place { run: "r1".to_owned(), lane: 3, epoch }).unwrap_err(),
    ] {
        assert_eq!(
            (error.to_string(), error.kind(), error.retry()),
            (refused.to_owned(), ErrorKind::Refused, Retry::Never)
        );
    }
    assert_eq!(witness.integers("MATCH (n:P) RETURN count(n) AS x"), [1]);
    let mut new = target.session().unwrap();
    new.enlist(&Place { run: "r1".to_owned(), lane: 0, epoch }).unwrap();
    assert_eq!(new.find(&mark(1)).unwrap().unwrap().ids, ids);
    assert_eq!(new.find(&mark(2)).unwrap(), None);
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
fn values_are_looked_at() {
    let witness = Witness::of_empty_target();
    witness.run(
        "CREATE (a:`P ``` {`k k`: 1, d: date('2020-01-01')}), (b:`P ```), (a)-[:T {w: 'x'}]->(b), (:Other {d: 1})",
    );
    let (mut target, _session) = enlisted();
    let look = |target: &mut dyn Target, class, name: &str, properties: &[&str]| {
        let properties: Vec<String> = properties.iter().map(|name| (*name).to_owned()).collect();
        let mut found = Vec::new();
        target
            .look(class, name, &properties, &mut |seen| {
                let mut cursor = Cursor::new(seen.values);
                let values: Vec<Value> = properties.iter().map(|_| Value::read(&mut cursor).unwrap()).collect();
                assert!(cursor.is_at_end());
                found.push((seen.id, seen.start, seen.end, format!("{values:?}")));
                Ok(())
            })
            .unwrap();
        found.sort();
        found
    };
    let ids = witness.integers("MATCH (n:`P ```) RETURN id(n) AS x ORDER BY n.d");
    let date = graphferry::model::temporal::Date { days: 18_262 };
    let mut expected = vec![
        (ids[0], 0, 0, format!("{:?}", [Value::Integer(1), Value::Date(date)])),
        (ids[1], 0, 0, format!("{:?}", [Value::Null, Value::Null])),
    ];
    expected.sort();
    assert_eq!(look(&mut *target, Class::Nodes, "P `", &["k k", "d"]), expected);
    let rel = witness.integers("MATCH ()-[r:T]->() RETURN id(r) AS x")[0];
    let x = format!("{:?}", [Value::from("x")]);
    assert_eq!(look(&mut *target, Class::Relationships, "T", &["w"]), [(rel, ids[0], ids[1], x)]);
    assert_eq!(look(&mut *target, Class::Nodes, "__GraphFerry__", &["run"]), []);
    let error = target.look(Class::Nodes, "Other", &[], &mut |_| Err(graphferry::Error::failed("enough"))).unwrap_err();
    assert_eq!(error.to_string(), "enough");
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
