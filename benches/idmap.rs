//! The id map: filling and reading it, and what it weighs, with dense and with sparse ids.
//!
//! `cargo bench --bench idmap -- 100000000` measures it with that many ids instead of ten million, and
//! `dense`, `sparse` or `turning` behind that only one sort of them. Each is best measured by itself: allocators remember what was before.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use graphferry::ids::IdMap;
use std::time::Instant;

/// Ids in one call of `find_all`.
const TOGETHER: usize = 4096;

/// Resident memory in bytes, and the most it was since [`forget_peak`], where the system tells.
fn resident() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    (field("VmRSS:").unwrap_or(0) * 1024, field("VmHWM:").unwrap_or(0) * 1024)
}

fn forget_peak() {
    if std::fs::write("/proc/self/clear_refs", "5").is_err() {
        println!("the peak includes what was measured before");
    }
}

/// Different numbers below 2^63 for different `at`, in no order.
fn scattered(at: i64) -> i64 {
    let below = (1 << 63) - 1;
    let mut word = (at as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) & below;
    word ^= word >> 31;
    word = word.wrapping_mul(0xBF58_476D_1CE4_E5B9) & below;
    (word ^ word >> 30) as i64
}

/// Endpoints come in no order: any of the ids, as by dice.
fn any(turn: i64, count: i64) -> i64 {
    ((scattered(turn) as u128 * count as u128) >> 63) as i64
}

fn find(map: &IdMap, turns: std::ops::Range<i64>, count: i64, id: impl Fn(i64) -> i64) {
    for turn in turns {
        let at = any(turn, count);
        assert!(map.find(id(at)) == Some(at));
    }
}

fn find_all(map: &IdMap, turns: std::ops::Range<i64>, count: i64, id: impl Fn(i64) -> i64) {
    let (mut old, mut new, mut from) = (vec![], vec![], turns.start);
    while from < turns.end {
        let some = from..turns.end.min(from + TOGETHER as i64);
        old.clear();
        old.extend(some.clone().map(|turn| id(any(turn, count))));
        map.find_all(&old, &mut new);
        assert!(new.len() == old.len());
        some.clone().zip(&new).for_each(|(turn, new)| assert!(*new == Some(any(turn, count))));
        from = some.end;
    }
}

fn measure(what: &str, count: i64, id: impl Fn(i64) -> i64 + Copy + Sync) {
    forget_peak();
    let (before, _) = resident();
    let since = Instant::now();
    let mut map = IdMap::default();
    for at in 0..count {
        assert!(map.reserve(id(at)));
    }
    let reserved = since.elapsed().as_secs_f64();
    let since = Instant::now();
    for at in 0..count {
        map.bind(id(at), at);
    }
    let bound = since.elapsed().as_secs_f64();
    let (end, peak) = resident();
    assert_eq!(map.len(), count as usize);
    let each = |bytes: u64| bytes.saturating_sub(before) as f64 / count as f64;
    let millions = |seconds: f64| count as f64 / seconds / 1e6;
    println!(
        "{what}: {count} ids, {:.2} bytes an id, at the peak {:.2}; reserve {:.1} M/s, bind {:.1} M/s",
        each(end),
        each(peak),
        millions(reserved),
        millions(bound)
    );
    for threads in [1, 2] {
        let share = count / threads;
        let timed = |look: &(dyn Fn(std::ops::Range<i64>) + Sync)| {
            let since = Instant::now();
            std::thread::scope(|scope| {
                for thread in 0..threads {
                    scope.spawn(move || look(thread * share..(thread + 1) * share));
                }
            });
            millions(since.elapsed().as_secs_f64())
        };
        let one = timed(&|turns| find(&map, turns, count, id));
        let many = timed(&|turns| find_all(&map, turns, count, id));
        println!("{what}: in no order, {threads} threads: find {one:.1} M/s, find_all {many:.1} M/s");
    }
    let since = Instant::now();
    let mut told = 0;
    map.for_each(&mut |_, _| told += 1);
    assert_eq!(told, count);
    println!("{what}: for_each {:.1} M/s", millions(since.elapsed().as_secs_f64()));
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let count = words.iter().find_map(|word| word.parse().ok()).unwrap_or(10_000_000);
    let asked = |what| words.iter().all(|word| word.parse::<i64>().is_ok()) || words.iter().any(|word| word == what);
    if asked("dense") {
        measure("dense", count, |at| at);
    }
    if asked("sparse") {
        measure("sparse", count, scattered);
    }
    if asked("turning") {
        // Turns to hashing when nearly all of it is in.
        measure("turning", count, |at| if at < count - count / 1000 { at } else { scattered(at) });
    }
}
