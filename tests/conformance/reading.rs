//! Snapshots and scans.

use crate::backend::{Backend, nodes, one, put, relationships};
use graphferry::backend::Once;
use graphferry::backend::Source;
use graphferry::model::{Block, Class, Consistency};
use graphferry::{Error, ErrorKind, Retry};

const MANY: i64 = 20_000;

fn fill(backend: &dyn Backend) -> Vec<i64> {
    let target = backend.target();
    let ids = put(&*target, &nodes(&["N"], (0..MANY).map(|n| one("n", n))));
    target
        .session()
        .unwrap()
        .relationships(&relationships("R", ids.iter().map(|id| (*id, ids[0]))), Once::Always, None)
        .unwrap();
    ids
}

/// Counts the nodes in a snapshot of its own.
fn count(source: &mut dyn Source) -> i64 {
    let mut count = 0;
    let mut add = |block: Block| {
        count += block.len() as i64;
        Ok(())
    };
    source.snapshot(None).unwrap().scan(Class::Nodes, &mut add).unwrap();
    count
}

pub fn full_blocks(backend: &dyn Backend) {
    fill(backend);
    let mut source = backend.source();
    let mut snapshot = source.snapshot(None).unwrap();
    for class in [Class::Nodes, Class::Relationships] {
        let mut blocks: Vec<Block> = Vec::new();
        snapshot
            .scan(class, &mut |block| {
                blocks.push(block);
                Ok(())
            })
            .unwrap();
        assert_eq!(blocks.iter().map(Block::len).sum::<usize>() as i64, MANY);
        let (last, others) = blocks.split_last().unwrap();
        assert!(!others.is_empty() && others.iter().all(Block::is_full), "{class:?}");
        assert!(!last.is_empty());
    }
}

pub fn a_scan_is_repeatable(backend: &dyn Backend) {
    fill(backend);
    let mut source = backend.source();
    let mut snapshot = source.snapshot(None).unwrap();
    let mut scan = |class| {
        let mut seen = Vec::new();
        let mut add = |block: Block| {
            let items = block.items().iter();
            seen.extend(items.map(|item| (item.id, item.start, item.end, block.properties(item).to_vec())));
            Ok(())
        };
        snapshot.scan(class, &mut add).unwrap();
        assert_eq!(seen.len() as i64, MANY);
        seen
    };
    // In any order, as often as wished.
    let relationships = scan(Class::Relationships);
    let nodes = scan(Class::Nodes);
    assert!(nodes == scan(Class::Nodes) && relationships == scan(Class::Relationships));
}

pub fn the_error_of_the_sink_is_returned(backend: &dyn Backend) {
    fill(backend);
    let mut source = backend.source();
    let mut snapshot = source.snapshot(None).unwrap();
    let mut calls = 0;
    let error = snapshot
        .scan(Class::Nodes, &mut |_| {
            calls += 1;
            if calls == 2 { Err(Error::new(ErrorKind::Interrupted, "enough")) } else { Ok(()) }
        })
        .unwrap_err();
    assert_eq!((calls, error.kind(), error.message()), (2, ErrorKind::Interrupted, "enough"));
    assert_eq!(error.retry(), Retry::Never);
    drop(snapshot);
    // The source is as good as before.
    assert_eq!(count(&mut *source), MANY);
}

pub fn names_and_estimate(backend: &dyn Backend) {
    let target = backend.target();
    let ids = put(&*target, &nodes(&["A", "B c"], [one("x", 1), one("y`z", 2)]));
    target.session().unwrap().relationships(&relationships("REL x", [(ids[0], ids[1])]), Once::Always, None).unwrap();
    let mut source = backend.source();
    let mut snapshot = source.snapshot(None).unwrap();
    let names = snapshot.names().unwrap();
    for label in ["A", "B c", "REL x"] {
        assert!(names.labels.contains(label), "{label} is missing in {names:?}");
    }
    for key in ["x", "y`z", "n"] {
        assert!(names.properties.contains(key), "{key} is missing in {names:?}");
    }
    if let Some(estimate) = snapshot.estimate().unwrap() {
        assert_eq!(estimate, (2, 1));
    }
}

pub fn never_weaker_in_silence(backend: &dyn Backend) {
    let promised = backend.promises();
    let mut source = backend.source();
    assert_eq!(source.snapshot(None).unwrap().consistency(), promised);
    for want in [Consistency::None, Consistency::ReadCommitted, Consistency::Snapshot] {
        match source.snapshot(Some(want)) {
            Ok(snapshot) => {
                assert!(want <= promised, "{want:?} was promised");
                assert!(snapshot.consistency() >= want, "asked {want:?}, got {:?}", snapshot.consistency());
            }
            Err(error) => {
                assert!(want > promised, "{want:?} was refused: {error:?}");
                assert_eq!(error.kind(), ErrorKind::Refused, "{error:?}");
            }
        };
    }
}

/// Others write before the first scan, in the middle of it, and between two.
pub fn what_others_write_meanwhile(backend: &dyn Backend) {
    let ids = fill(backend);
    let target = backend.target();
    let write = |n| {
        let id = put(&*target, &nodes(&["N", "Late"], [one("late", n)]));
        target.session().unwrap().relationships(&relationships("LATE", [(id[0], ids[0])]), Once::Always, None).unwrap();
    };
    let mut source = backend.source();
    let mut snapshot = source.snapshot(None).unwrap();
    write(1);
    let mut counts = Vec::new();
    for class in [Class::Nodes, Class::Relationships, Class::Nodes] {
        let (mut count, mut blocks) = (0, 0);
        snapshot
            .scan(class, &mut |block| {
                count += block.len() as i64;
                blocks += 1;
                if blocks == 1 {
                    write(2);
                }
                Ok(())
            })
            .unwrap();
        counts.push(count);
    }
    let names = snapshot.names().unwrap();
    let changed = snapshot.finish().unwrap();
    if backend.promises() == Consistency::Snapshot {
        assert_eq!(counts, [MANY; 3], "a snapshot shows one instant");
        assert!(!names.labels.contains("Late"), "{names:?}");
        assert_ne!(changed, Some(true), "a snapshot does not change");
    } else {
        assert_ne!(changed, Some(false), "the store changed, and it says that it did not");
    }
    drop(snapshot);
    assert_eq!(count(&mut *source), MANY + 4, "a new snapshot sees all four");
}
