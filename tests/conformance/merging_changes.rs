//! What a merge does to items that are there: recognises, changes, restores, deletes them.

use crate::backend::{Backend, nodes, one, put, read};
use crate::merging::{begun, join, lines, mark, prints};
use crate::writing::unique;
use graphferry::backend::{Deed, Entry, Mark, Once, Place, Target, Update};
use graphferry::model::{Block, Class, Cursor, Kind, Map, Value};
use graphferry::{Error, ErrorKind, Retry};
use std::collections::HashMap;

const GONE: i64 = 1_000_000_007;

fn map(members: &[(&str, Value)]) -> Map {
    members.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

/// A batch of one kind: start, end and properties of each item.
fn batch(class: Class, names: &[&str], items: &[(i64, i64, Map)]) -> Block {
    let mut block = Block::new(class);
    let kind = block.add_kind(Kind::labels(names));
    for (id, (start, end, properties)) in (100..).zip(items) {
        graphferry::model::value::put_map(block.buffer(), properties);
        block.push(id, *start, *end, kind, 0);
    }
    block
}

fn links(name: &str, items: &[(i64, i64, Map)]) -> Block {
    batch(Class::Relationships, &[name], items)
}

/// The nodes with these ids: labels and properties in the order of their names.
fn state(backend: &dyn Backend, ids: &[i64]) -> Vec<String> {
    let graph = read(&mut *backend.source());
    let there: HashMap<i64, _> = graph.nodes.into_iter().map(|node| (node.0, (node.1, node.2))).collect();
    let text = |id: &i64| {
        let Some((mut labels, properties)) = there.get(id).cloned() else { return "gone".to_owned() };
        labels.sort();
        let mut properties: Vec<_> = properties.iter().map(|(key, value)| format!("{key}={value:?}")).collect();
        properties.sort();
        format!("{} {}", labels.join(":"), properties.join(" "))
    };
    ids.iter().map(text).collect()
}

/// How many relationships of a type there are.
fn count(backend: &dyn Backend, name: &str) -> usize {
    read(&mut *backend.source()).relationships.iter().filter(|relationship| relationship.3 == name).count()
}

/// A line that is entered already.
fn entered(target: &mut dyn Target, batch: u64) -> Entry {
    let entry = Entry::new(&mark(batch), Deed::Nodes, &nodes(&[], []));
    target.enter("r", &entry).unwrap();
    entry
}

pub fn relationships_with_the_same_ends_are_left(backend: &dyn Backend) {
    let (target, mut session) = begun(backend);
    let ids = put(&*target, &nodes(&["N"], [one("n", 1), one("n", 2)]));
    let (a, b) = (ids[0], ids[1]);
    let none = Map::new;
    session.relationships(&links("T", &[(a, b, one("w", 1))]), Once::Always, None).unwrap();
    session.relationships(&links("U", &[(b, a, none())]), Once::Always, None).unwrap();
    // There already, whatever its properties; the other direction, another type and a loop are not, but once each.
    let items = [(a, b, one("w", 2)), (b, a, one("w", 3)), (a, a, none()), (b, a, one("w", 4)), (a, a, one("w", 5))];
    let more = links("T", &items);
    assert_eq!(session.relationships(&more, Once::Ends, Some(&mark(1))).unwrap(), 2);
    let line = session.find(&mark(1)).unwrap().unwrap();
    assert_eq!((line.items, line.ids.len(), line.prints.len()), (5, 2, 2));
    let made = session.read(Class::Relationships, &line.ids).unwrap();
    let mut ends: Vec<_> = made.items().iter().map(|item| (item.start, item.end)).collect();
    ends.sort_unstable();
    let mut expected = [(b, a), (a, a)];
    expected.sort_unstable();
    assert_eq!(ends, expected);
    assert_eq!(line.prints, prints(&mut *session, Class::Relationships, &line.ids));
    for (number, marked) in [(2, true), (3, false)] {
        let mark = marked.then(|| mark(number));
        assert_eq!(session.relationships(&more, Once::Ends, mark.as_ref()).unwrap(), 0);
    }
    let line = session.find(&mark(2)).unwrap().unwrap();
    assert_eq!((line.items, line.ids.len()), (5, 0), "a batch of which all is there leaves a line as well");
    assert_eq!((count(backend, "T"), count(backend, "U")), (3, 1));
    assert_eq!(session.relationships(&more, Once::Always, None).unwrap(), 5, "nothing is looked for");
    assert_eq!(state(backend, &ids), ["N n=Integer(1)", "N n=Integer(2)"]);
}

pub fn relationships_with_equal_properties_are_left(backend: &dyn Backend) {
    let (target, mut session) = begun(backend);
    let ids = put(&*target, &nodes(&["N"], [one("n", 1), one("n", 2)]));
    let (a, b) = (ids[0], ids[1]);
    let two = |w: Value| map(&[("w", w), ("x", "y".into())]);
    let turned = |w: Value| map(&[("x", "y".into()), ("w", w)]);
    session.relationships(&links("T", &[(a, b, two(1.into()))]), Once::Always, None).unwrap();
    for (what, items, expected) in [
        ("the same", vec![(a, b, two(1.into()))], 0),
        ("the same in another order", vec![(a, b, turned(1.into()))], 0),
        ("a float is no integer", vec![(a, b, two(1.0.into())), (a, b, turned(1.0.into()))], 1),
        ("fewer properties", vec![(a, b, one("w", 1)), (a, b, Map::new()), (a, b, Map::new())], 2),
        ("other ends", vec![(b, a, two(1.into())), (a, a, two(1.into())), (b, a, turned(1.into()))], 2),
        ("another value", vec![(a, b, two(2.into())), (a, b, two(1.into())), (a, b, two(2.into()))], 1),
        ("a list", vec![(a, b, two(Value::List(vec![1.into(), 2.into()])))], 1),
        ("a list in another order", vec![(a, b, two(Value::List(vec![2.into(), 1.into()])))], 1),
    ] {
        let batch = links("T", &items);
        assert_eq!(session.relationships(&batch, Once::Properties, Some(&mark(1))).unwrap(), expected, "{what}");
        assert_eq!(session.relationships(&batch, Once::Properties, None).unwrap(), 0, "{what}, again");
        let line = session.find(&mark(1)).unwrap().unwrap();
        assert_eq!(line.prints, prints(&mut *session, Class::Relationships, &line.ids), "{what}");
        assert_eq!(line.ids.len() as u64, expected, "{what}");
        session.delete(Class::Nodes, &[], false, &line).unwrap();
    }
    assert_eq!(count(backend, "T"), 9);
    assert_eq!(session.relationships(&links("V", &[(a, b, two(1.into()))]), Once::Properties, None).unwrap(), 1);
}

pub fn two_sessions_do_not_create_the_same_relationship(backend: &dyn Backend) {
    let mut target = backend.target();
    target.record("r", "begun").unwrap();
    let epoch = target.fence("r", 2).unwrap();
    let ids = put(&*target, &nodes(&["N"], (0..200).map(|n| one("n", n))));
    let items: Vec<_> = ids.iter().map(|id| (*id, ids[0], Map::new())).collect();
    let batch = links("T", &items);
    let sessions = [0, 1].map(|lane| {
        let mut session = target.session().unwrap();
        session.enlist(&Place { run: "r".to_owned(), lane, epoch }).unwrap();
        (lane as u64, session)
    });
    let made: u64 = std::thread::scope(|scope| {
        let threads = sessions.map(|(number, mut session)| {
            let batch = &batch;
            scope.spawn(move || {
                loop {
                    match session.relationships(batch, Once::Ends, Some(&mark(number))) {
                        Ok(made) => return made,
                        Err(error) => assert_eq!(error.retry(), Retry::Again, "{error}"),
                    }
                }
            })
        });
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((made, count(backend, "T")), (200, 200));
    let told: usize = lines(&mut *target, "r").iter().map(|line| line.ids.len()).sum();
    assert_eq!(told, 200, "each is in one line");
}

pub fn an_update_overwrites_or_fills(backend: &dyn Backend) {
    let (target, mut session) = begun(backend);
    let more = map(&[("a", "new".into()), ("b", 5.into())]);
    for (number, how, a) in [(0, Update::Overwrite, "new"), (10, Update::Fill, "old")] {
        let ids = [
            put(&*target, &nodes(&["P"], [map(&[("k", 1.into()), ("a", "old".into())])])),
            put(&*target, &nodes(&["P", "Q"], [one("k", 2)])),
            put(&*target, &nodes(&[], [Map::new()])),
        ]
        .concat();
        let items: Vec<_> = [ids[2], ids[0], ids[1]].iter().map(|id| (*id, 0, more.clone())).collect();
        let new = "String(\"new\")";
        let expected = [
            format!("P:R a=String({a:?}) b=Integer(5) k=Integer(1)"),
            format!("P:Q:R a={new} b=Integer(5) k=Integer(2)"),
            format!("P:R a={new} b=Integer(5)"),
        ];
        let at = Mark { before: true, ..mark(number) };
        assert_eq!(session.update(&batch(Class::Nodes, &["R", "P"], &items), how, Some(&at)).unwrap(), 3);
        assert_eq!(state(backend, &ids), expected);
        let line = session.find(&at).unwrap().unwrap();
        assert_eq!((line.deed, line.items, &line.ids), (Deed::Updates, 3, &vec![ids[2], ids[0], ids[1]]));
        assert_eq!(line.prints, prints(&mut *session, Class::Nodes, &line.ids), "{how:?}");
        // The same once more changes nothing, and no labels take none away.
        for (step, labels) in [(1, &["P"][..]), (2, &[])] {
            let again = batch(Class::Nodes, labels, &items);
            assert_eq!(session.update(&again, how, Some(&mark(number + step))).unwrap(), 3);
            assert_eq!(state(backend, &ids), expected);
        }
    }
}

/// The block that `put_back` takes, from what a line kept.
fn kept(line: &Entry) -> Block {
    let mut cursor = Cursor::new(&line.before);
    let mut block = Block::new(Class::Nodes);
    for id in &line.ids {
        let labels: Vec<&str> = (0..cursor.list().unwrap()).map(|_| cursor.string().unwrap()).collect();
        let kind = block.add_kind(Kind::labels(labels));
        block.buffer().extend_from_slice(cursor.raw().unwrap());
        block.push(0, *id, 0, kind, 0);
    }
    assert!(cursor.is_at_end());
    block
}

pub fn what_nodes_were_is_kept_only_if_asked_for(backend: &dyn Backend) {
    let (target, mut session) = begun(backend);
    let ids = put(&*target, &nodes(&["P"], [one("k", 1), one("k", 2)]));
    let more = batch(Class::Nodes, &["Q"], &[(ids[1], 0, one("k", 9)), (ids[0], 0, one("k", 8))]);
    for (number, how) in [(1, Update::Overwrite), (2, Update::Fill)] {
        session.update(&more, how, Some(&mark(number))).unwrap();
        let line = session.find(&mark(number)).unwrap().unwrap();
        assert!(line.before.is_empty(), "{how:?}");
        assert_eq!(line.ids, [ids[1], ids[0]]);
    }
    let at = Mark { before: true, ..mark(3) };
    session.update(&batch(Class::Nodes, &[], &[(ids[0], 0, one("k", 7))]), Update::Overwrite, Some(&at)).unwrap();
    let before = kept(&session.find(&at).unwrap().unwrap());
    let item = &before.items()[0];
    let mut labels = before.kind(item).names().to_vec();
    labels.sort();
    assert_eq!(labels, ["P".into(), "Q".into()]);
    assert_eq!(Value::read(&mut before.cursor(item)).unwrap(), Value::Map(one("k", 8)));
}

pub fn put_back_restores_exactly(backend: &dyn Backend) {
    let (mut target, mut session) = begun(backend);
    let ids = [
        put(&*target, &nodes(&["P"], [map(&[("k", 1.into()), ("a", Value::List(vec![1.5.into()]))])])),
        put(&*target, &nodes(&["P", "Q `"], [one("k", 2)])),
        put(&*target, &nodes(&[], [Map::new()])),
    ]
    .concat();
    let was = state(backend, &ids);
    let loops: Vec<_> = ids.iter().map(|id| (*id, *id, Map::new())).collect();
    session.relationships(&links("T", &loops), Once::Always, None).unwrap();
    let more = map(&[("a", "new".into()), ("b", 5.into())]);
    let items: Vec<_> = ids.iter().map(|id| (*id, 0, more.clone())).collect();
    for (number, how) in [(1, Update::Overwrite), (2, Update::Fill)] {
        let at = Mark { before: true, ..mark(number) };
        session.update(&batch(Class::Nodes, &["R", "P"], &items), how, Some(&at)).unwrap();
        assert!(state(backend, &ids).iter().zip(&was).all(|(now, was)| now != was));
        let line = session.find(&at).unwrap().unwrap();
        session.put_back(&kept(&line), &line).unwrap();
        assert_eq!(state(backend, &ids), was, "{how:?}");
        assert_eq!(lines(&mut *target, "r"), [], "the line goes with it");
    }
    assert_eq!(count(backend, "T"), 3, "relationships stay");
    // Whatever a node has become meanwhile, it gets exactly what the block says; others stay as they are.
    let (keep, gone) = (entered(&mut *target, 3), entered(&mut *target, 4));
    let other = batch(Class::Nodes, &["Else"], &[(ids[1], 0, one("z", 1))]);
    session.update(&other, Update::Overwrite, None).unwrap();
    let back = batch(Class::Nodes, &["Q `"], &[(ids[1], 0, one("n", 1.0))]);
    session.put_back(&back, &gone).unwrap();
    assert_eq!(state(backend, &ids), [&*was[0], "Q ` n=Float(1.0)", &*was[2]]);
    assert_eq!(lines(&mut *target, "r"), [keep]);
}

pub fn deleting_with_and_without_detach(backend: &dyn Backend) {
    let (mut target, mut session) = begun(backend);
    let ids = put(&*target, &nodes(&["N"], (0..5).map(|n| one("n", n))));
    let ends = [(ids[0], ids[1]), (ids[1], ids[2]), (ids[3], ids[3])].map(|(start, end)| (start, end, Map::new()));
    session.relationships(&links("T", &ends), Once::Always, Some(&mark(1))).unwrap();
    let made = session.find(&mark(1)).unwrap().unwrap();
    let rest: Vec<_> = (2..=4).map(|number| entered(&mut *target, number)).collect();
    let left = |target: &mut dyn Target| lines(target, "r").iter().map(|line| line.batch).collect::<Vec<_>>();
    assert_eq!(session.delete(Class::Relationships, &[made.ids[0], GONE], false, &made).unwrap(), 1);
    assert_eq!((count(backend, "T"), left(&mut *target)), (2, vec![2, 3, 4]));
    // Only those without relationships, a loop being one as well.
    assert_eq!(session.delete(Class::Nodes, &[&ids[..], &[GONE]].concat(), false, &rest[0]).unwrap(), 2);
    let texts = |kept: &[usize]| {
        let text = |n| if kept.contains(&n) { format!("N n=Integer({n})") } else { "gone".to_owned() };
        (0..5).map(text).collect::<Vec<_>>()
    };
    assert_eq!((state(backend, &ids), count(backend, "T")), (texts(&[1, 2, 3]), 2));
    assert_eq!(left(&mut *target), [3, 4]);
    assert_eq!(session.delete(Class::Nodes, &[ids[1], ids[3], ids[0]], true, &rest[1]).unwrap(), 2);
    assert_eq!((state(backend, &ids), count(backend, "T")), (texts(&[2]), 0));
    // Gone ids, a gone line, and none at all.
    assert_eq!(session.delete(Class::Nodes, &[ids[1]], true, &rest[1]).unwrap(), 0);
    assert_eq!(session.delete(Class::Relationships, &made.ids, true, &made).unwrap(), 0);
    assert_eq!(left(&mut *target), [4]);
    assert_eq!(session.delete(Class::Nodes, &[], false, &rest[2]).unwrap(), 0);
    // A line that was entered after the session knew the others.
    let late = entered(&mut *target, 5);
    assert_eq!(session.delete(Class::Nodes, &[ids[2]], false, &late).unwrap(), 1);
    assert_eq!(left(&mut *target), [] as [u64; 0]);
    // What was deleted is no end any more, and the counts know.
    assert!(session.relationships(&links("T", &[(ids[1], ids[1], Map::new())]), Once::Always, None).is_err());
    let facts = target.facts().unwrap();
    assert_eq!((facts.nodes, facts.relationships), (0, 0));
}

pub fn changes_free_unique_values(backend: &dyn Backend) {
    let (mut target, mut session) = begun(backend);
    target.apply(&unique("u", "N", "n")).unwrap();
    target.settle().unwrap();
    let ids = put(&*target, &nodes(&["N"], [one("n", 1), one("n", 2)]));
    let mut set = |id, n: i64, mark: Option<&Mark>| {
        session.update(&batch(Class::Nodes, &[], &[(id, 0, one("n", n))]), Update::Overwrite, mark)
    };
    let error = set(ids[0], 2, None).unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Server, Retry::Never), "{error:?}");
    // 1 is free once its node has 3, and taken again by another node.
    let at = Mark { before: true, ..mark(1) };
    assert_eq!(set(ids[0], 3, Some(&at)).unwrap(), 1);
    assert_eq!(set(ids[1], 1, None).unwrap(), 1);
    let line = session.find(&at).unwrap().unwrap();
    assert!(session.put_back(&kept(&line), &line).is_err(), "its old value is taken");
    assert_eq!(state(backend, &ids), ["N n=Integer(3)", "N n=Integer(1)"]);
    assert_eq!(lines(&mut *target, "r"), std::slice::from_ref(&line), "what failed keeps its line");
    // A node that gets the label is held to the constraint; one that loses it is not.
    let free = put(&*target, &nodes(&["M"], [one("n", 3)]));
    let labelled = batch(Class::Nodes, &["N"], &[(free[0], 0, Map::new())]);
    assert!(session.update(&labelled, Update::Fill, None).is_err());
    let gone = entered(&mut *target, 2);
    assert_eq!(session.delete(Class::Nodes, &[ids[1]], false, &gone).unwrap(), 1);
    session.put_back(&kept(&line), &line).unwrap();
    assert_eq!(session.update(&labelled, Update::Fill, None).unwrap(), 1);
    let fails = |n: i64| target.session().unwrap().nodes(&nodes(&["N"], [one("n", n)]), None, &mut Vec::new()).is_err();
    assert!(fails(1) && fails(3) && !fails(2) && fails(2));
    let line = entered(&mut *backend.target(), 3);
    session.put_back(&batch(Class::Nodes, &["M"], &[(free[0], 0, one("n", 3))]), &line).unwrap();
    assert!(!fails(3));
}

pub fn looking_gives_values_or_null(backend: &dyn Backend) {
    let (mut target, _) = begun(backend);
    let ids = [
        put(&*target, &nodes(&["P `", "Q"], [map(&[("k k", 1.into()), ("d", "x".into()), ("more", 1.into())])])),
        put(&*target, &nodes(&["P `"], [Map::new()])),
        put(&*target, &nodes(&["Other", "P"], [one("d", 5)])),
    ]
    .concat();
    let mut session = join(&mut *target, "r");
    session.relationships(&links("T", &[(ids[0], ids[1], one("d", "y"))]), Once::Always, Some(&mark(1))).unwrap();
    session.relationships(&links("U", &[(ids[1], ids[0], one("d", "z"))]), Once::Always, None).unwrap();
    let made = session.find(&mark(1)).unwrap().unwrap().ids[0];
    let mut look = |class, name: &str, properties: &[&str]| {
        let properties: Vec<String> = properties.iter().map(|name| (*name).to_owned()).collect();
        let mut found = Vec::new();
        let sink = &mut |seen: graphferry::backend::Seen<'_>| {
            let mut cursor = Cursor::new(seen.values);
            let values: Vec<Value> = properties.iter().map(|_| Value::read(&mut cursor).unwrap()).collect();
            assert!(cursor.is_at_end());
            found.push((seen.id, seen.start, seen.end, values));
            Ok(())
        };
        target.look(class, name, &properties, sink).unwrap();
        found.sort_by_key(|seen| seen.0);
        found
    };
    let (x, y) = (Value::from("x"), Value::from("y"));
    let mut expected = vec![(ids[0], 0, 0, vec![x, 1.into()]), (ids[1], 0, 0, vec![Value::Null, Value::Null])];
    expected.sort_by_key(|seen| seen.0);
    assert_eq!(look(Class::Nodes, "P `", &["d", "k k"]), expected);
    assert_eq!(look(Class::Nodes, "Q", &[]), [(ids[0], 0, 0, vec![])]);
    let found = look(Class::Relationships, "T", &["none", "d"]);
    assert_eq!(found, [(made, ids[0], ids[1], vec![Value::Null, y])]);
    // A label is no type, and what nobody has is found nowhere.
    assert_eq!(look(Class::Relationships, "Q", &["d"]), []);
    assert_eq!(look(Class::Nodes, "T", &["d"]), []);
    assert_eq!(look(Class::Nodes, "Nobody", &["d"]), []);
    let error = target.look(Class::Nodes, "Other", &[], &mut |_| Err(Error::failed("enough"))).unwrap_err();
    assert_eq!(error.to_string(), "enough");
    assert_eq!(target.facts().unwrap().nodes, 3, "the target is as good as before");
}

pub fn reading_gives_what_is_there(backend: &dyn Backend) {
    let (target, mut session) = begun(backend);
    let ids = put(&*target, &nodes(&["B", "A"], [one("n", 1), one("n", 2), one("n", 3)]));
    session.relationships(&links("T", &[(ids[0], ids[2], one("w", 1))]), Once::Always, Some(&mark(1))).unwrap();
    let made = session.find(&mark(1)).unwrap().unwrap().ids;
    let block = session.read(Class::Nodes, &[ids[2], GONE, ids[0]]).unwrap();
    let mut found: Vec<_> = block.items().iter().map(|item| (item.id, block.kind(item).names().len())).collect();
    found.sort_unstable();
    let mut expected = [(ids[0], 2), (ids[2], 2)];
    expected.sort_unstable();
    assert_eq!((block.class(), &found[..]), (Class::Nodes, &expected[..]));
    let block = session.read(Class::Relationships, &[GONE, made[0]]).unwrap();
    let [item] = block.items() else { panic!("{block:?}") };
    assert_eq!((item.id, item.start, item.end, block.kind(item).relationship_type()), (made[0], ids[0], ids[2], "T"));
    assert_eq!(Value::read(&mut block.cursor(item)).unwrap(), Value::Map(one("w", 1)));
    assert!(session.read(Class::Nodes, &[]).unwrap().is_empty());
    assert!(session.read(Class::Relationships, &[GONE]).unwrap().is_empty());
}
