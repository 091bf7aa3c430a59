//! Sessions and batches.

use crate::backend::{Backend, nodes, one, put, read, relationships};
use graphferry::Error;
use graphferry::ErrorKind;
use graphferry::backend::Once;
use graphferry::guard::{self, Decision, Victim};
use graphferry::model::{Constraint, ConstraintKind, Entity, Map, SchemaObject};
use std::collections::{HashMap, HashSet};

/// A uniqueness constraint on nodes.
pub fn unique(name: &str, label: &str, property: &str) -> SchemaObject {
    SchemaObject::Constraint(Constraint {
        name: Some(name.to_owned()),
        kind: ConstraintKind::Unique,
        on: Entity::Node,
        label: label.to_owned(),
        properties: vec![property.to_owned()],
        provider: None,
        config: Map::new(),
    })
}

/// What is there: the value of `n` by the id.
pub fn numbers(backend: &dyn Backend) -> HashMap<i64, i64> {
    let graph = read(&mut *backend.source());
    graph.nodes.iter().map(|(id, _, properties)| (*id, properties["n"].as_integer().unwrap())).collect()
}

pub fn ids_in_the_order_of_the_batch(backend: &dyn Backend) {
    let target = backend.target();
    let mut wanted = HashMap::new();
    let mut ids = vec![-5];
    let mut session = target.session().unwrap();
    for round in 0..3_i64 {
        // Neither rising nor falling, so that nothing that sorts goes unseen.
        let values: Vec<i64> = (0..500).map(|n| round * 1000 + n * 263 % 500).collect();
        let before = ids.len();
        session.nodes(&nodes(&["N"], values.iter().map(|n| one("n", *n))), None, &mut ids).unwrap();
        wanted.extend(ids[before..].iter().copied().zip(values));
    }
    assert_eq!(ids[0], -5, "ids are added behind what the caller has");
    assert_eq!(ids.len(), 1501);
    assert_eq!(numbers(backend), wanted);
}

pub fn a_failed_batch_leaves_nothing(backend: &dyn Backend) {
    let mut target = backend.target();
    target.apply(&unique("u", "N", "n")).unwrap();
    target.settle().unwrap();
    put(&*target, &nodes(&["N"], [one("n", 1)]));
    let mut session = target.session().unwrap();
    let mut ids = vec![7];
    // The last of the batch breaks the constraint; its label and keys are new.
    let broken =
        nodes(&["N", "New"], [2, 3, 1].map(|n| Map::from_iter([("n".into(), n.into()), ("new".into(), n.into())])));
    let error = session.nodes(&broken, None, &mut ids).unwrap_err();
    assert_eq!(error.retry(), graphferry::Retry::Never, "{error:?}");
    assert_eq!(ids, [7], "no ids of a failed batch");
    assert_eq!(numbers(backend).into_values().collect::<Vec<_>>(), [1]);
    // The session goes on, and what was free before the failure is free after it.
    session.nodes(&nodes(&["N", "New"], [one("n", 2), one("n", 3)]), None, &mut ids).unwrap();
    assert_eq!(ids.len(), 3);
    assert_eq!(numbers(backend).into_values().collect::<HashSet<_>>(), HashSet::from([1, 2, 3]));
}

pub fn a_missing_end_is_reported(backend: &dyn Backend) {
    let target = backend.target();
    let ids = put(&*target, &nodes(&["N"], [one("n", 1), one("n", 2)]));
    let missing = 1_000_000_007;
    let mut session = target.session().unwrap();
    for ends in [(ids[0], missing), (missing, ids[1]), (missing, missing)] {
        let batch = relationships("R", [(ids[0], ids[1]), ends]);
        match session.relationships(&batch, Once::Always, None) {
            Ok(created) => assert!(created < 2, "{ends:?} was counted as created"),
            Err(_) => assert_eq!(read(&mut *backend.source()).relationships, [], "a failed batch left something"),
        }
        let there = read(&mut *backend.source()).relationships;
        assert!(there.iter().all(|relationship| (relationship.1, relationship.2) == (ids[0], ids[1])));
    }
    assert_eq!(session.relationships(&relationships("R", [(ids[1], ids[0])]), Once::Always, None).unwrap(), 1);
}

pub fn several_sessions_at_once(backend: &dyn Backend) {
    let target = backend.target();
    let sessions: Vec<_> = (0..4_i64).map(|number| (number, target.session().unwrap())).collect();
    let wanted: Vec<(i64, i64)> = std::thread::scope(|scope| {
        let threads: Vec<_> = sessions
            .into_iter()
            .map(|(number, mut session)| {
                scope.spawn(move || {
                    let mut given = Vec::new();
                    for round in 0..10 {
                        let values = (0..100).map(|n| number * 10_000 + round * 100 + n);
                        let label = format!("L{}", (number + round) % 3);
                        let mut ids = Vec::new();
                        session.nodes(&nodes(&[&label], values.clone().map(|n| one("n", n))), None, &mut ids).unwrap();
                        let loops = ids.iter().map(|id| (*id, *id));
                        assert_eq!(
                            session.relationships(&relationships("SELF", loops), Once::Always, None).unwrap(),
                            100
                        );
                        given.extend(ids.into_iter().zip(values));
                    }
                    given
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(wanted.len(), 4000);
    assert_eq!(numbers(backend), wanted.into_iter().collect());
    assert_eq!(read(&mut *backend.source()).relationships.len(), 4000);
}

pub fn a_large_batch(backend: &dyn Backend) {
    let target = backend.target();
    let ids = put(&*target, &nodes(&["N"], (0..20_000).map(|n| one("n", n))));
    let ring = (0..ids.len()).map(|at| (ids[at], ids[(at * 7919 + 1) % ids.len()]));
    let batch = relationships("R", ring.clone());
    assert_eq!(target.session().unwrap().relationships(&batch, Once::Always, None).unwrap(), 20_000);
    assert_eq!(numbers(backend), ids.iter().copied().zip(0..).collect());
    let graph = read(&mut *backend.source());
    let there: HashMap<_, _> =
        graph.relationships.iter().map(|r| (r.4["n"].as_integer().unwrap(), (r.1, r.2))).collect();
    assert_eq!(there, (0..).zip(ring).collect());
}

pub fn an_empty_batch(backend: &dyn Backend) {
    let target = backend.target();
    put(&*target, &nodes(&["N"], []));
    assert_eq!(target.session().unwrap().relationships(&relationships("R", []), Once::Always, None).unwrap(), 0);
    let graph = read(&mut *backend.source());
    assert_eq!((graph.nodes.len(), graph.relationships.len()), (0, 0));
}

pub fn facts_tell_what_is_there(backend: &dyn Backend) {
    let mut target = backend.target();
    let ids = put(&*target, &nodes(&["N"], (0..3).map(|n| one("n", n))));
    target
        .session()
        .unwrap()
        .relationships(&relationships("R", [(ids[0], ids[1]), (ids[0], ids[0])]), Once::Always, None)
        .unwrap();
    target.apply(&unique("u", "N", "n")).unwrap();
    target.settle().unwrap();
    for mut target in [target, backend.target()] {
        let facts = target.facts().unwrap();
        assert_eq!((facts.nodes, facts.relationships), (3, 2));
        assert_eq!(facts.schema.objects.len(), 1, "{:?}", facts.schema);
        assert!(facts.batch > 0 && facts.sessions > 0, "{facts:?}");
        assert!(!facts.origin.product.is_empty() && !facts.origin.version.is_empty(), "{facts:?}");
        assert!(!facts.capability.system.is_empty(), "{facts:?}");
    }
    let origin = backend.source().origin().clone();
    assert_eq!(origin, backend.target().facts().unwrap().origin, "source and target are one database");
}

pub fn wiping_drops_all(backend: &dyn Backend) {
    let mut target = backend.target();
    let ids = put(&*target, &nodes(&["N"], (0..30).map(|n| one("n", n))));
    let all = relationships("R", [(ids[0], ids[1]), (ids[0], ids[0])]);
    target.session().unwrap().relationships(&all, Once::Always, None).unwrap();
    target.apply(&unique("u", "N", "n")).unwrap();
    target.settle().unwrap();
    let database = target.facts().unwrap().origin.database;
    let consent = |name: &str| {
        let (nodes, relationships, objects) = (30, 2, 1);
        let victim = Victim { database: name.to_owned(), system: String::new(), nodes, relationships, objects };
        match guard::decide_by_name(&victim, name, false).unwrap() {
            Decision::GoOn(consent) => consent,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(target.wipe(&consent("another"), &mut |_| Ok(())).unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(target.facts().unwrap().nodes, 30);
    // Cut off after something has gone; then again, and once more where nothing is left.
    let stopped = target.wipe(&consent(&database), &mut |_| Err(Error::failed("stopped")));
    assert_eq!(stopped.unwrap_err().message(), "stopped");
    for expected in [30, 0] {
        let mut gone = 0;
        target
            .wipe(&consent(&database), &mut |count| {
                gone += count;
                Ok(())
            })
            .unwrap();
        assert!(gone >= expected, "{gone}");
        let facts = backend.target().facts().unwrap();
        assert_eq!((facts.nodes, facts.relationships, facts.schema.objects.len()), (0, 0, 0));
    }
    put(&*target, &nodes(&["N"], [one("n", 1), one("n", 1)]));
    assert_eq!(read(&mut *backend.source()).nodes.len(), 2);
}
