#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::model::packstream::{put_integer, put_map, put_string};
use crate::model::{Class, Kind};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const NAMES: [&str; 4] = ["A", "B", "C", "D"];
const SCHEDULES: [Schedule; 3] = [Schedule::Sequential, Schedule::Sorted, Schedule::Partitioned];

/// (start, end, index of the type); the id is the place in the list.
type Edge = (i64, i64, usize);

/// One block a type; each item has its id as a property, so that a mix-up shows.
fn window(edges: &[Edge]) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (of, name) in NAMES.iter().enumerate() {
        let mut block = Block::new(Class::Relationships);
        let kind = block.intern(&Kind::relationship(name));
        for (id, (start, end, _)) in (0..).zip(edges).filter(|(_, edge)| edge.2 == of) {
            put_map(block.buffer(), 1);
            put_string(block.buffer(), "id");
            put_integer(block.buffer(), id);
            block.push(id, *start, *end, kind, 0);
        }
        blocks.push(block);
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

fn shape(schedule: Schedule, size: usize, buckets: usize, keep_pairs: bool) -> Shape {
    Shape { schedule, size, buckets, keep_pairs }
}

fn all(rounds: &[Round]) -> impl Iterator<Item = &Block> {
    rounds.iter().flat_map(|round| round.batches.iter().chain(&round.lane))
}

fn nodes(batch: &Block) -> BTreeSet<i64> {
    batch.items().iter().flat_map(|item| [item.start, item.end]).collect()
}

/// Everything that comes out, in order.
fn ids(rounds: &[Round]) -> Vec<Vec<Vec<i64>>> {
    let ids = |batch: &Block| batch.items().iter().map(|item| item.id).collect();
    rounds.iter().map(|round| round.batches.iter().chain(&round.lane).map(ids).collect()).collect()
}

/// What a supernode is, said again and slowly.
fn hubs(edges: &[Edge], size: usize) -> BTreeSet<i64> {
    let mut degrees: BTreeMap<i64, usize> = BTreeMap::new();
    for (start, end, _) in edges {
        BTreeSet::from([start, end]).into_iter().for_each(|node| *degrees.entry(*node).or_default() += 1);
    }
    let is_hub = |degree: usize| degree * 16 > edges.len() && degree as f64 >= size as f64 / 4.0;
    degrees.into_iter().filter(|(_, degree)| is_hub(*degree)).map(|(node, _)| node).collect()
}

fn check(edges: &[Edge], shape: &Shape) {
    let rounds = rounds(window(edges), shape);
    assert_eq!(ids(&rounds), ids(&super::rounds(window(edges), shape)), "the same in every run");
    let mut seen: Vec<i64> = Vec::new();
    let mut pairs: BTreeMap<(i64, i64, usize), usize> = BTreeMap::new();
    for (number, batch) in all(&rounds).enumerate() {
        assert!(!batch.is_empty());
        let name = batch.kind(&batch.items()[0]).relationship_type().to_owned();
        for item in batch.items() {
            let (start, end, of) = edges[usize::try_from(item.id).unwrap()];
            assert_eq!((item.start, item.end), (start, end));
            assert_eq!((batch.kind(item).relationship_type(), NAMES[of]), (&*name, &*name), "one type a batch");
            let mut cursor = batch.cursor(item);
            assert!(cursor.map().is_ok() && cursor.string().is_ok());
            assert_eq!(cursor.integer().ok(), Some(item.id), "properties stay with their item");
            seen.push(item.id);
            if shape.keep_pairs && shape.schedule != Schedule::Sequential {
                let before = *pairs.entry((start, end, of)).or_insert(number);
                assert_eq!(before, number, "a pair is in one batch");
            }
        }
        let last = batch.items().last().unwrap();
        let same = batch.items().iter().filter(|item| (item.start, item.end) == (last.start, last.end)).count();
        let most = shape.size + if shape.keep_pairs { same - 1 } else { 0 };
        assert!(batch.len() <= most, "{} items", batch.len());
    }
    if shape.schedule == Schedule::Sequential {
        let count = seen.len();
        let in_order = (0..NAMES.len()).flat_map(|of| (0..).zip(edges).filter(move |(_, edge)| edge.2 == of));
        assert_eq!(seen, in_order.map(|(id, _)| id).collect::<Vec<i64>>(), "the order of the dump");
        assert_eq!(count, edges.len());
        assert!(rounds.iter().all(|round| round.batches.len() == 1 && round.lane.is_empty()));
        return;
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..edges.len() as i64).collect::<Vec<_>>(), "nothing is lost or doubled");
    let hubs = hubs(edges, shape.size);
    for (number, round) in rounds.iter().enumerate() {
        assert!(round.lane.is_empty() || number == 0);
        assert!(round.lane.iter().flat_map(Block::items).all(|i| hubs.contains(&i.start) || hubs.contains(&i.end)));
        assert!(round.batches.iter().all(|batch| nodes(batch).is_disjoint(&hubs)), "supernodes are in the lane alone");
        if shape.schedule == Schedule::Partitioned {
            let mut used = BTreeSet::new();
            for batch in &round.batches {
                let nodes = nodes(batch);
                assert!(used.is_disjoint(&nodes), "no two batches of a round share a node");
                used.extend(nodes);
            }
        }
    }
    if shape.schedule == Schedule::Sorted {
        assert!(rounds.len() <= 1);
        let key = |item: &Item| (edges[item.id as usize].2, item.start, item.end, item.id);
        assert!(rounds.iter().flat_map(|r| &r.batches).flat_map(Block::items).is_sorted_by_key(key));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_and_what_must_not_meet_does_not(
        edges in prop::collection::vec((0..300_i64, 0..300_i64, 0..4_usize), 0..1500),
        // Nodes from here on become one supernode, and those below it are spread or crowded.
        hub in prop_oneof![Just(300_i64), 200..300_i64],
        crowd in prop_oneof![Just(1_i64), Just(40)],
        size in 0..400_usize,
        buckets in 0..10_usize,
        keep_pairs: bool,
    ) {
        let node = |node: i64| if node >= hub { i64::MIN } else { node / crowd };
        let edges: Vec<Edge> = edges.into_iter().map(|(start, end, of)| (node(start), node(end), of)).collect();
        for schedule in SCHEDULES {
            check(&edges, &shape(schedule, size.max(1), buckets, keep_pairs));
            if size == 0 {
                assert_eq!(ids(&rounds(window(&edges), &shape(schedule, 0, buckets, keep_pairs))),
                    ids(&rounds(window(&edges), &shape(schedule, 1, buckets, keep_pairs))));
            }
        }
    }
}

fn random_edges(count: usize, nodes: u64) -> Vec<Edge> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 16) % nodes) as i64
    };
    (0..count).map(|_| (random(), random(), 0)).collect()
}

/// The time that sessions need if every item takes as long as another, against that of perfect sessions.
fn busy(rounds: &[Round], sessions: usize) -> f64 {
    let (mut items, mut time) = (0, 0);
    for round in rounds {
        let mut loads = vec![0; sessions];
        for batch in &round.batches {
            *loads.iter_mut().min().unwrap() += batch.len();
            items += batch.len();
        }
        time += loads.iter().max().unwrap();
    }
    items as f64 / (time * sessions) as f64
}

#[test]
fn partitions_keep_sessions_busy() {
    let edges = random_edges(131_072, 100_000);
    for sessions in [1, 2, 4, 8] {
        for size in [1000, 2000, 5000] {
            let shape = shape(Schedule::Partitioned, size, sessions * 2, true);
            let rounds = rounds(window(&edges), &shape);
            let busy = busy(&rounds, sessions);
            assert!(busy > 0.85, "{sessions} sessions, {size} items: {busy}");
        }
    }
}

/// A type of few relationships is not cut to crumbs.
#[test]
fn small_types_have_fewer_buckets() {
    let rounds = rounds(window(&random_edges(1000, 500)), &shape(Schedule::Partitioned, 5000, 16, false));
    assert!(all(&rounds).count() <= 6, "{} batches", all(&rounds).count());
}

#[test]
fn a_supernode_waits_in_its_lane() {
    let mut edges = random_edges(10_000, 5000);
    edges.iter_mut().step_by(10).for_each(|edge| edge.1 = 7);
    for schedule in [Schedule::Sorted, Schedule::Partitioned] {
        check(&edges, &shape(schedule, 500, 8, true));
        let made = rounds(window(&edges), &shape(schedule, 500, 8, true));
        let lane: usize = made[0].lane.iter().map(Block::len).sum();
        assert!((1000..1010).contains(&lane), "{lane}");
        assert!(made[0].lane.len() >= 2 && made[0].batches.len() >= 2);
        // Too few for a quarter of a batch: they stay where they are.
        let made = rounds(window(&edges), &shape(schedule, 5000, 8, true));
        assert!(made[0].lane.is_empty());
    }
    let star: Vec<Edge> = (0..10_000).map(|end| (7, end, 0)).collect();
    let made = rounds(window(&star), &shape(Schedule::Sorted, 500, 8, true));
    assert!(made.len() == 1 && made[0].batches.is_empty() && made[0].lane.len() == 20, "a star is a lane alone");
}

#[test]
fn pairs_stay_together_however_many() {
    let edges: Vec<Edge> = (0..1000).map(|at| (at / 300, 1 + at / 300, 0)).collect();
    for schedule in [Schedule::Sorted, Schedule::Partitioned] {
        let shape = shape(schedule, 10, 4, true);
        check(&edges, &shape);
        assert_eq!(all(&rounds(window(&edges), &shape)).count(), 4);
    }
}

#[test]
fn large_properties_make_short_batches() {
    let mut block = Block::new(Class::Relationships);
    let kind = block.intern(&Kind::relationship("A"));
    for id in 0..10 {
        put_map(block.buffer(), 1);
        put_string(block.buffer(), "text");
        put_string(block.buffer(), &"x".repeat(1 << 20));
        block.push(id, id, id, kind, 0);
    }
    for schedule in SCHEDULES {
        let made = rounds(vec![block.clone()], &shape(schedule, 1000, 1, false));
        assert_eq!(all(&made).map(Block::len).collect::<Vec<_>>(), [2; 5], "{schedule:?}");
    }
}

/// Resumed runs of later versions must cut as this one does.
#[test]
fn buckets_stay_what_they_are() {
    let found: Vec<u64> = [0, 1, 2, 3, 1000, -1, i64::MAX].map(|node| bucket(node, 8)).into();
    assert_eq!(found, [0, 4, 1, 6, 0, 3, 7]);
    assert!((0..1000).all(|node| (1..20).all(|buckets| bucket(node, buckets) < buckets)));
}
