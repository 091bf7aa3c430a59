//! Runs and their ledger: what a merge leaves behind of itself, and who may go on with it.

use crate::backend::{Backend, nodes, one, put, read, relationships};
use crate::writing::unique;
use graphferry::backend::ledger::{Printer, old_ids};
use graphferry::backend::{Deed, Entry, Mark, Once, Place, Session, Target, Update};
use graphferry::model::{Block, Class};
use graphferry::{Error, ErrorKind, Retry};

/// The first part of a batch that keeps nothing.
pub fn mark(batch: u64) -> Mark {
    Mark { batch, from: 0, before: false }
}

/// A session that has a lane of the run, in a new epoch.
pub fn join(target: &mut dyn Target, run: &str) -> Box<dyn Session> {
    let epoch = target.fence(run, 1).unwrap();
    let mut session = target.session().unwrap();
    session.enlist(&Place { run: run.to_owned(), lane: 0, epoch }).unwrap();
    session
}

/// The target with a run, and a session in it.
pub fn begun(backend: &dyn Backend) -> (Box<dyn Target>, Box<dyn Session>) {
    let mut target = backend.target();
    target.record("r", "begun").unwrap();
    let session = join(&mut *target, "r");
    (target, session)
}

/// The lines of a run.
pub fn lines(target: &mut dyn Target, run: &str) -> Vec<Entry> {
    let mut lines = Vec::new();
    let push = &mut |line| {
        lines.push(line);
        Ok(())
    };
    target.entries(run, push).unwrap();
    lines
}

/// Fingerprints of what the target holds now, in the order of the ids.
pub fn prints(session: &mut dyn Session, class: Class, ids: &[i64]) -> Vec<u32> {
    let block = session.read(class, ids).unwrap();
    let mut printer = Printer::default();
    let item = |id: &i64| block.items().iter().find(|item| item.id == *id).expect("an item that is there");
    ids.iter().map(|id| printer.print(&block, item(id)).unwrap()).collect()
}

/// How many nodes and relationships there are.
fn size(backend: &dyn Backend) -> (usize, usize) {
    let graph = read(&mut *backend.source());
    (graph.nodes.len(), graph.relationships.len())
}

fn node(n: i64) -> Block {
    nodes(&["N"], [one("n", n)])
}

fn told(batch: u64, from: u64) -> Entry {
    let ids = vec![5, -3, batch as i64];
    Entry { ids, prints: vec![1, u32::MAX], ..Entry::new(&Mark { from, ..mark(batch) }, Deed::Matches, &node(1)) }
}

pub fn a_marked_batch_leaves_one_line(backend: &dyn Backend) {
    let (mut target, mut session) = begun(backend);
    let batch = nodes(&["B", "A"], [one("n", 1), one("n", 0.5), one("m", "x")]);
    let at = Mark { from: 3, ..mark(1) };
    let mut ids = Vec::new();
    session.nodes(&batch, Some(&at), &mut ids).unwrap();
    let links = relationships("R", [(ids[0], ids[1]), (ids[2], ids[2])]);
    assert_eq!(session.relationships(&links, Once::Always, Some(&mark(2))).unwrap(), 2);
    let mut created: Vec<i64> = read(&mut *backend.source()).relationships.iter().map(|r| r.0).collect();
    created.sort_unstable();
    let lines = lines(&mut *target, "r");
    let [first, second] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((first.deed, first.batch, first.from, first.items), (Deed::Nodes, 1, 3, 3));
    assert_eq!((first.old, &first.ids), (old_ids(&batch), &ids));
    assert_eq!((second.deed, second.batch, second.from, second.items), (Deed::Relationships, 2, 0, 2));
    assert_eq!(second.old, old_ids(&links));
    let mut sorted = second.ids.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, created);
    // The ids are in the order of the items, and the prints are those of what the target holds.
    let there = session.read(Class::Relationships, &second.ids).unwrap();
    let ends = |id: &i64| there.items().iter().find(|item| item.id == *id).map(|item| (item.start, item.end)).unwrap();
    assert_eq!(second.ids.iter().map(ends).collect::<Vec<_>>(), [(ids[0], ids[1]), (ids[2], ids[2])]);
    assert_eq!(first.prints, prints(&mut *session, Class::Nodes, &ids));
    assert_eq!(second.prints, prints(&mut *session, Class::Relationships, &second.ids));
    assert!(first.before.is_empty() && second.before.is_empty());
}

pub fn a_line_is_found_by_batch_and_first_item(backend: &dyn Backend) {
    let (mut target, mut session) = begun(backend);
    assert_eq!(session.find(&mark(1)).unwrap(), None);
    let other = Mark { from: 4, ..mark(1) };
    for mark in [mark(1), other, mark(2)] {
        session.nodes(&node(mark.from as i64), Some(&mark), &mut Vec::new()).unwrap();
    }
    let lines = lines(&mut *target, "r");
    assert_eq!(lines.len(), 3);
    for (mark, line) in [mark(1), other, mark(2)].iter().zip(lines) {
        assert_eq!(session.find(mark).unwrap(), Some(line));
    }
    assert_eq!(session.find(&mark(4)).unwrap(), None);
    // Another run's lines are its own.
    target.record("other", "").unwrap();
    assert_eq!(join(&mut *target, "other").find(&mark(1)).unwrap(), None);
}

pub fn an_unmarked_batch_leaves_no_line(backend: &dyn Backend) {
    let (mut target, mut session) = begun(backend);
    let mut ids = Vec::new();
    session.nodes(&node(1), None, &mut ids).unwrap();
    session.relationships(&relationships("R", [(ids[0], ids[0])]), Once::Ends, None).unwrap();
    let mut more = node(2);
    more.items_mut()[0].start = ids[0];
    assert_eq!(session.update(&more, Update::Overwrite, None).unwrap(), 1);
    assert_eq!(lines(&mut *target, "r"), []);
    assert_eq!(size(backend), (1, 1));
}

pub fn an_empty_marked_batch_leaves_its_line(backend: &dyn Backend) {
    let (mut target, mut session) = begun(backend);
    session.nodes(&nodes(&["N"], []), Some(&mark(1)), &mut Vec::new()).unwrap();
    let none = relationships("R", []);
    for (number, once) in [(2, Once::Always), (3, Once::Ends), (4, Once::Properties)] {
        assert_eq!(session.relationships(&none, once, Some(&mark(number))).unwrap(), 0);
    }
    assert_eq!(session.update(&nodes(&[], []), Update::Fill, Some(&mark(5))).unwrap(), 0);
    let lines = lines(&mut *target, "r");
    assert_eq!(
        lines.iter().map(|line| (line.batch, line.items, line.ids.len())).collect::<Vec<_>>(),
        [(1, 0, 0), (2, 0, 0), (3, 0, 0), (4, 0, 0), (5, 0, 0)]
    );
}

pub fn a_failed_batch_leaves_neither_data_nor_line(backend: &dyn Backend) {
    let (mut target, mut session) = begun(backend);
    target.apply(&unique("u", "N", "n")).unwrap();
    target.settle().unwrap();
    let ids = put(&*target, &nodes(&["N"], [one("n", 1), one("n", 2)]));
    let mut made = Vec::new();
    let broken = nodes(&["N"], [one("n", 3), one("n", 1)]);
    assert!(session.nodes(&broken, Some(&mark(1)), &mut made).is_err());
    for (number, once) in [(2, Once::Always), (3, Once::Ends), (4, Once::Properties)] {
        let missing = relationships("R", [(ids[0], ids[1]), (ids[0], 1_000_000_007)]);
        assert!(session.relationships(&missing, once, Some(&mark(number))).is_err());
    }
    // The second node is not there, or would get a value that is taken.
    let gone = 1_000_000_007;
    for (second, how) in [(gone, Update::Overwrite), (gone, Update::Fill), (ids[1], Update::Overwrite)] {
        let mut wrong = nodes(&["New"], [one("m", 5), one("n", 1)]);
        (wrong.items_mut()[0].start, wrong.items_mut()[1].start) = (ids[0], second);
        assert!(session.update(&wrong, how, Some(&mark(5))).is_err());
        assert!(session.update(&wrong, how, Some(&Mark { before: true, ..mark(6) })).is_err());
    }
    assert!(made.is_empty(), "no ids of a failed batch");
    assert_eq!(lines(&mut *target, "r"), []);
    assert_eq!(session.find(&mark(1)).unwrap(), None);
    assert_eq!(size(backend), (2, 0));
    let mut values: Vec<_> = crate::writing::numbers(backend).into_values().collect();
    values.sort_unstable();
    assert_eq!(values, [1, 2]);
    assert!(read(&mut *backend.source()).nodes.iter().all(|node| node.1 == ["N"]), "a label of a failed batch");
    // The session goes on.
    session.nodes(&node(3), Some(&mark(1)), &mut made).unwrap();
    assert_eq!(session.find(&mark(1)).unwrap().map(|line| line.ids), Some(made));
}

pub fn a_mark_needs_a_place_in_a_run(backend: &dyn Backend) {
    let (target, _) = begun(backend);
    let mut session = target.session().unwrap();
    assert!(session.nodes(&node(1), Some(&mark(1)), &mut Vec::new()).is_err());
    assert!(session.find(&mark(1)).is_err());
    assert_eq!(size(backend), (0, 0));
    session.nodes(&node(1), None, &mut Vec::new()).unwrap();
}

pub fn no_place_in_a_run_that_is_not_there(backend: &dyn Backend) {
    let mut target = backend.target();
    let refused = |error: Error| assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Never));
    let place = |run: &str, epoch| Place { run: run.to_owned(), lane: 0, epoch };
    // Before any run, and beside one.
    for _ in 0..2 {
        refused(target.fence("none", 1).unwrap_err());
        refused(target.session().unwrap().enlist(&place("none", 1)).unwrap_err());
        target.record("r", "begun").unwrap();
    }
    let epoch = target.fence("r", 1).unwrap();
    refused(target.session().unwrap().enlist(&place("r", epoch + 1)).unwrap_err());
    refused(target.session().unwrap().enlist(&place("r", epoch - 1)).unwrap_err());
    target.session().unwrap().enlist(&place("r", epoch)).unwrap();
}

pub fn a_fence_stops_older_sessions(backend: &dyn Backend) {
    let (mut target, mut old) = begun(backend);
    let mut ids = Vec::new();
    old.nodes(&node(1), Some(&mark(1)), &mut ids).unwrap();
    let line = old.find(&mark(1)).unwrap().unwrap();
    let mut new = join(&mut *backend.target(), "r");
    let links = relationships("R", [(ids[0], ids[0])]);
    let mut more = node(2);
    more.items_mut()[0].start = ids[0];
    for error in [
        old.nodes(&node(7), Some(&mark(2)), &mut ids).unwrap_err(),
        old.relationships(&links, Once::Always, Some(&mark(2))).unwrap_err(),
        old.relationships(&links, Once::Ends, Some(&mark(2))).unwrap_err(),
        old.update(&more, Update::Overwrite, Some(&mark(2))).unwrap_err(),
        old.update(&more, Update::Fill, Some(&Mark { before: true, ..mark(2) })).unwrap_err(),
        old.delete(Class::Nodes, &ids, true, &line).unwrap_err(),
        old.put_back(&more, &line).unwrap_err(),
        old.find(&mark(1)).unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Never), "{error}");
    }
    assert_eq!(ids.len(), 1, "no ids of a batch that was refused");
    assert_eq!(size(backend), (1, 0));
    assert_eq!(crate::writing::numbers(backend)[&ids[0]], 1);
    assert_eq!(lines(&mut *target, "r"), std::slice::from_ref(&line));
    // The new one goes on with what the old one left.
    assert_eq!(new.find(&mark(1)).unwrap(), Some(line));
    assert_eq!(new.find(&mark(2)).unwrap(), None);
    new.nodes(&node(2), Some(&mark(2)), &mut ids).unwrap();
    assert_eq!(size(backend), (2, 0));
}

pub fn a_fence_leaves_other_runs_alone(backend: &dyn Backend) {
    let (mut target, mut session) = begun(backend);
    target.record("other", "").unwrap();
    let epochs = [(); 3].map(|()| target.fence("other", 2).unwrap());
    assert!(epochs.is_sorted_by(|a, b| a < b), "{epochs:?}");
    session.nodes(&node(1), Some(&mark(1)), &mut Vec::new()).unwrap();
    for lane in 0..2 {
        let place = Place { run: "other".to_owned(), lane, epoch: epochs[2] };
        target.session().unwrap().enlist(&place).unwrap();
    }
}

pub fn a_record_is_replaced_and_listed_and_forgotten(backend: &dyn Backend) {
    let mut target = backend.target();
    assert_eq!(target.runs().unwrap(), []);
    target.forget("none").unwrap();
    for (run, record) in [("b", "1"), ("a", "{\"x\": \"é`'\"}"), ("c", ""), ("b", "2")] {
        target.record(run, record).unwrap();
    }
    let runs = |target: &mut dyn Target| {
        let runs = target.runs().unwrap();
        runs.into_iter().map(|(run, record)| format!("{run}={record}")).collect::<Vec<_>>()
    };
    assert_eq!(runs(&mut *target), ["a={\"x\": \"é`'\"}", "b=2", "c="]);
    assert_eq!(runs(&mut *backend.target()), runs(&mut *target), "the record is in the database");
    // A new record leaves lines and lanes.
    let mut session = join(&mut *target, "b");
    session.nodes(&node(1), Some(&mark(1)), &mut Vec::new()).unwrap();
    target.record("b", "3").unwrap();
    assert_eq!(lines(&mut *target, "b").len(), 1);
    session.nodes(&node(2), Some(&mark(2)), &mut Vec::new()).unwrap();
    target.enter("c", &told(1, 0)).unwrap();
    for _ in 0..2 {
        target.forget("b").unwrap();
        assert_eq!(runs(&mut *target), ["a={\"x\": \"é`'\"}", "c="]);
        assert_eq!(lines(&mut *target, "b"), []);
    }
    assert_eq!(lines(&mut *target, "c"), [told(1, 0)], "another run keeps its lines");
    assert_eq!(size(backend), (2, 0), "what the run did stays");
    for run in ["a", "c", "c"] {
        target.forget(run).unwrap();
    }
    assert_eq!(target.runs().unwrap(), []);
    let error = session.nodes(&node(3), Some(&mark(3)), &mut Vec::new()).unwrap_err();
    assert_eq!((error.kind(), size(backend)), (ErrorKind::Refused, (2, 0)), "{error}");
    // A run of the same name begins anew.
    target.record("b", "4").unwrap();
    assert_eq!(lines(&mut *target, "b"), []);
}

pub fn lines_come_in_the_order_of_batch_and_first_item(backend: &dyn Backend) {
    let (mut target, mut session) = begun(backend);
    let huge = (1 << 62) - 1;
    for (batch, from) in [(huge, 0), (2, 70), (10, 0), (2, 9)] {
        target.enter("r", &told(batch, from)).unwrap();
    }
    session.nodes(&node(1), Some(&mark(5)), &mut Vec::new()).unwrap();
    let lines = lines(&mut *target, "r");
    let order: Vec<_> = lines.iter().map(|line| (line.batch, line.from)).collect();
    assert_eq!(order, [(2, 9), (2, 70), (5, 0), (10, 0), (huge, 0)]);
    assert_eq!(lines[1], told(2, 70), "a line comes back as it was entered");
    assert_eq!(session.find(&Mark { from: 70, ..mark(2) }).unwrap(), Some(told(2, 70)));
    let mut seen = 0;
    let stop = &mut |_| {
        seen += 1;
        Err(Error::failed("enough"))
    };
    let error = target.entries("r", stop).unwrap_err();
    assert_eq!((error.to_string().as_str(), seen), ("enough", 1));
    assert_eq!(target.runs().unwrap().len(), 1, "the target is as good as before");
}

pub fn the_ledger_is_no_part_of_the_graph(backend: &dyn Backend) {
    let before = (backend.target().facts().unwrap(), read(&mut *backend.source()));
    let (mut target, mut session) = begun(backend);
    let mut ids = Vec::new();
    session.nodes(&node(1), Some(&mark(1)), &mut ids).unwrap();
    session.relationships(&relationships("R", [(ids[0], ids[0])]), Once::Ends, Some(&mark(2))).unwrap();
    target.enter("r", &told(3, 0)).unwrap();
    target.settle().unwrap();
    let facts = target.facts().unwrap();
    assert_eq!((facts.nodes, facts.relationships), (1, 1));
    assert_eq!((facts.schema, facts.defaults), (before.0.schema, before.0.defaults));
    let mut source = backend.source();
    let graph = read(&mut *source);
    assert_eq!((graph.nodes.len(), graph.relationships.len()), (1, 1));
    assert_eq!((&graph.nodes[0].1, &graph.nodes[0].2), (&vec!["N".to_owned()], &one("n", 1)));
    assert_eq!(graph.schema, before.1.schema);
    let mut view = source.snapshot(None).unwrap();
    assert!(view.estimate().unwrap().is_none_or(|size| size == (1, 1)));
    assert_eq!(view.names().unwrap().labels, ["N", "R"].map(str::to_owned).into());
}
