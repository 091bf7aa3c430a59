//! The map against std's.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

/// Both maps through the same steps; `None` reserves.
fn both(steps: &[(i64, Option<i64>)]) -> (IdMap, HashMap<i64, Option<i64>>) {
    let (mut map, mut model) = (IdMap::default(), HashMap::new());
    for (old, new) in steps {
        match new {
            None => {
                assert_eq!(map.reserve(*old), !model.contains_key(old), "{old}");
                model.entry(*old).or_insert(None);
            }
            Some(new) => {
                map.bind(*old, *new);
                model.insert(*old, Some(*new));
            }
        }
        assert_eq!(map.len(), model.len());
    }
    (map, model)
}

fn agree(map: &IdMap, model: &HashMap<i64, Option<i64>>) {
    assert_eq!(map.len(), model.len());
    assert_eq!(map.is_empty(), model.is_empty());
    let asked: Vec<i64> =
        model.keys().flat_map(|old| [*old, old.wrapping_add(1), old.wrapping_sub(1), old.wrapping_mul(3)]).collect();
    let told: Vec<Option<i64>> = asked.iter().map(|old| model.get(old).copied().flatten()).collect();
    let found: Vec<Option<i64>> = asked.iter().map(|old| map.find(*old)).collect();
    assert!(found == told, "find differs");
    let mut all = vec![Some(7)];
    map.find_all(&asked, &mut all);
    assert!(all == told, "find_all differs");
    let mut pairs = vec![];
    map.for_each(&mut |old, new| pairs.push((old, new)));
    if matches!(map.form, Form::Dense(_)) {
        assert!(pairs.is_sorted_by(|a, b| a.0 < b.0), "a dense map tells its ids in order");
    }
    let mut bound: Vec<(i64, i64)> = model.iter().filter_map(|(old, new)| Some((*old, (*new)?))).collect();
    bound.sort_unstable();
    pairs.sort_unstable();
    assert!(pairs == bound, "for_each differs");
}

fn old() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => 0..3000i64,
        4 => any::<i64>(),
        2 => (0..64u32).prop_map(|bit| 1i64 << bit),
        1 => -20..20i64,
        1 => Just(i64::MIN),
        1 => Just(i64::MAX),
    ]
}

fn new() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![4 => Just(None), 8 => (0..1i64 << 32).prop_map(Some), 1 => (0..=i64::MAX).prop_map(Some), 1 => any::<i64>().prop_map(Some)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn is_a_map(steps in prop::collection::vec((old(), new()), 0..400)) {
        let (map, model) = both(&steps);
        agree(&map, &model);
    }

    #[test]
    fn is_a_map_of_many(first in any::<i64>(), step in any::<i64>(), count in 1..60_000i64, wide in any::<bool>()) {
        let value = |at: i64| if wide { at << 43 } else { at };
        let steps: Vec<_> = (0..count)
            .flat_map(|at| {
                let old = first.wrapping_add(at.wrapping_mul(step));
                [(old, None), (old, (at % 7 != 0).then_some(value(at) & i64::MAX))]
            })
            .collect();
        let (map, model) = both(&steps);
        agree(&map, &model);
    }
}

#[test]
fn orders_clusters_and_extremes() {
    for ids in [
        (0..100_000).collect::<Vec<i64>>(),
        (0..100_000).rev().collect(),
        (-50_000..50_000).collect(),
        (5_000_000_000..5_000_100_000).rev().collect(),
        (0..100_000).map(|i| i * 1_000_003).collect(),
        // Dense at first, then not.
        (0..200_000).chain((1..50_000).map(|i| i << 40)).collect(),
        vec![i64::MAX, i64::MIN, 0, -1, 1, i64::MAX - 1, i64::MIN + 1],
    ] {
        let reserved = ids.iter().map(|old| (*old, None));
        let bound = (0..).zip(&ids).map(|(new, old)| (*old, Some(new)));
        let (map, model) = both(&reserved.chain(bound).collect::<Vec<_>>());
        agree(&map, &model);
        let (mut again, _) = both(&ids.iter().map(|old| (*old, None)).collect::<Vec<_>>());
        ids.iter()
            .for_each(|old| assert!(!again.reserve(*old) && again.find(*old).is_none(), "{old} is only reserved"));
    }
}

#[test]
fn patterns_spread() {
    for bit in 0..64 {
        let mut map = IdMap::default();
        let old = |at: i64| at.wrapping_shl(bit) | at.unbounded_shr(64 - bit);
        (0..50_000).for_each(|at| map.bind(old(at), at));
        (0..50_000).for_each(|at| assert_eq!(map.find(old(at)), Some(at)));
        if let Form::Sparse(table) = &map.form {
            assert!(table.is_calm() && table.weight() <= 20 * 50_000, "ids {bit} bits apart collide");
        }
    }
}

#[test]
fn ids_chosen_to_collide_do_not_make_it_grow() {
    // All of them belong at the very beginning of the table.
    let chosen: Vec<i64> = (0..40_000).map(|hash| mix::unmix(hash, 0)).collect();
    let (map, model) = both(&chosen.iter().map(|old| (*old, Some(1))).collect::<Vec<_>>());
    agree(&map, &model);
    let Form::Sparse(table) = &map.form else { panic!("the ids are sparse") };
    assert!(!table.is_calm(), "they were noticed");
    assert!(table.weight() <= 24 * chosen.len(), "{} bytes", table.weight());
}

#[test]
fn the_order_of_a_sparse_map_does_not_depend_on_how_it_was_filled() {
    let ids: Vec<i64> = (1..100_000).map(|at: i64| at.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64)).collect();
    let told = |ids: &mut dyn Iterator<Item = &i64>| {
        let mut map = IdMap::default();
        ids.for_each(|old| map.bind(*old, 5));
        let mut told = vec![];
        map.for_each(&mut |old, _| told.push(old));
        told
    };
    assert!(told(&mut ids.iter()) == told(&mut ids.iter().rev()));
}

#[test]
fn bytes_an_id() {
    let mut dense = IdMap::default();
    (0..1_000_000).for_each(|id| dense.bind(id, id));
    let Form::Dense(pages) = &dense.form else { panic!("0, 1, 2 is dense") };
    assert!(pages.weight() <= 8_200_000, "{}", pages.weight());

    let mut sparse = IdMap::default();
    for at in 1..3_000_000i64 {
        sparse.bind(at.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64), at);
        if let Form::Sparse(table) = &sparse.form {
            assert!(at < 300_000 || table.weight() <= 16 * at as usize, "{at}: {} bytes", table.weight());
        }
    }
    assert!(matches!(sparse.form, Form::Sparse(_)));

    // Every other id is just dense, and as dear as it may be.
    let mut mixed = IdMap::default();
    (0..1_000_000).for_each(|at| mixed.bind(at * 2, at));
    assert!(matches!(mixed.form, Form::Dense(_)));
    (0..1_000_000).for_each(|at| mixed.bind(at * 1_000_003 + 1, at));
    assert!(matches!(mixed.form, Form::Sparse(_)));
}
