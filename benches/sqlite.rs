//! How fast the embedded store is filled and read: `cargo bench --bench sqlite [nodes] [relationships]`.
//!
//! One thread, a fresh file in a temporary folder; the clock stops after `settle`, when everything is on the disk.
//! Reported are the best of three.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use graphferry::backend::sqlite::{open_source, open_target};
use graphferry::model::{Block, Class, Constraint, ConstraintKind, Entity, Kind, Map, SchemaObject, packstream};
use std::path::Path;
use std::time::Instant;

const BATCH: usize = 10_000;

fn main() {
    let mut sizes = std::env::args().skip(1).filter_map(|argument| argument.parse::<usize>().ok());
    let nodes = sizes.next().unwrap_or(200_000);
    let relationships = sizes.next().unwrap_or(1_000_000);
    let mut best = [f64::MAX; 5];
    let mut size = 0;
    for _ in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bench.db");
        let (fill_nodes, fill_relationships) = fill(&path, nodes, relationships);
        let scans = [scan(&path, Class::Nodes), scan(&path, Class::Relationships)];
        let times = [fill_nodes, fill_relationships, scans[0], scans[1], constrain(&path)];
        for (best, time) in best.iter_mut().zip(times) {
            *best = best.min(time);
        }
        size = std::fs::metadata(&path).unwrap().len();
    }
    let counts = [nodes, relationships, nodes, relationships, nodes];
    let what = [
        "restore nodes, 3 properties",
        "restore relationships, 1 property",
        "scan nodes",
        "scan relationships",
        "check a new uniqueness constraint",
    ];
    for ((what, count), time) in what.iter().zip(counts).zip(best) {
        println!("{what:<34} {count:>9} in {time:>6.3} s = {:>9.0}/s", count as f64 / time);
    }
    println!("the file has {:.0} bytes an item", size as f64 / (nodes + relationships) as f64);
}

fn node_block(from: usize, count: usize) -> Block {
    let mut block = Block::new(Class::Nodes);
    let kind = block.add_kind(Kind::labels(["Person"]));
    for number in from..from + count {
        let out = block.buffer();
        packstream::put_map(out, 3);
        packstream::put_string(out, "name");
        packstream::put_string(out, &format!("person number {number}"));
        packstream::put_string(out, "age");
        packstream::put_integer(out, (number % 100) as i64);
        packstream::put_string(out, "score");
        packstream::put_float(out, number as f64 / 7.0);
        block.push(number as i64, 0, 0, kind, 0);
    }
    block
}

fn relationship_block(from: usize, count: usize, ids: &[i64]) -> Block {
    let mut block = Block::new(Class::Relationships);
    let kind = block.add_kind(Kind::relationship("KNOWS"));
    for number in from..from + count {
        let out = block.buffer();
        packstream::put_map(out, 1);
        packstream::put_string(out, "since");
        packstream::put_integer(out, 1900 + (number % 126) as i64);
        // A start that runs, an end that jumps.
        let (start, end) = (ids[number / 5 % ids.len()], ids[number * 7919 % ids.len()]);
        block.push(number as i64, start, end, kind, 0);
    }
    block
}

fn fill(path: &Path, nodes: usize, relationships: usize) -> (f64, f64) {
    let mut ids = Vec::with_capacity(nodes);
    let blocks: Vec<_> = (0..nodes).step_by(BATCH).map(|from| node_block(from, BATCH.min(nodes - from))).collect();
    let mut target = open_target(path).unwrap();
    let mut session = target.session().unwrap();
    let begun = Instant::now();
    for block in &blocks {
        session.nodes(block, None, &mut ids).unwrap();
    }
    target.settle().unwrap();
    let filled_nodes = begun.elapsed().as_secs_f64();
    drop(blocks);
    let blocks: Vec<_> = (0..relationships)
        .step_by(BATCH)
        .map(|from| relationship_block(from, BATCH.min(relationships - from), &ids))
        .collect();
    let begun = Instant::now();
    for block in &blocks {
        session.relationships(block, graphferry::backend::Once::Always, None).unwrap();
    }
    target.settle().unwrap();
    (filled_nodes, begun.elapsed().as_secs_f64())
}

fn scan(path: &Path, class: Class) -> f64 {
    let mut source = open_source(path).unwrap();
    let mut snapshot = source.snapshot(None).unwrap();
    let begun = Instant::now();
    let mut bytes = 0;
    snapshot
        .scan(class, &mut |block| {
            bytes += block.byte_len();
            Ok(())
        })
        .unwrap();
    assert!(bytes > 0);
    begun.elapsed().as_secs_f64()
}

fn constrain(path: &Path) -> f64 {
    let mut target = open_target(path).unwrap();
    let begun = Instant::now();
    target
        .apply(&SchemaObject::Constraint(Constraint {
            name: None,
            kind: ConstraintKind::Unique,
            on: Entity::Node,
            label: "Person".to_owned(),
            properties: vec!["name".to_owned()],
            provider: None,
            config: Map::new(),
        }))
        .unwrap();
    target.settle().unwrap();
    begun.elapsed().as_secs_f64()
}
