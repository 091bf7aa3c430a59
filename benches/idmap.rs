//! The id map: filling and reading it, and what it weighs, with dense and with sparse ids.
//!
//! `cargo bench --bench idmap -- 100000000` measures it with that many ids instead of ten million.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use graphferry::ids::IdMap;
use std::time::Instant;

/// Resident memory in bytes, where the system tells.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = status.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4096
}

fn measure(what: &str, count: i64, id: impl Fn(i64) -> i64) {
    let before = resident();
    let since = Instant::now();
    let mut map = IdMap::default();
    for at in 0..count {
        assert!(map.reserve(id(at)));
    }
    for at in 0..count {
        map.bind(id(at), at);
    }
    let filled = since.elapsed().as_secs_f64();
    let weight = resident().saturating_sub(before);
    let since = Instant::now();
    let mut sum = 0;
    // Endpoints come in no order: a step that is coprime to any count visits all of them.
    let mut at = 0;
    for _ in 0..count {
        at = (at + 7_919_999) % count;
        sum += map.find(id(at)).unwrap();
    }
    let read = since.elapsed().as_secs_f64();
    assert_eq!(map.len(), count as usize);
    std::hint::black_box(sum);
    let (fill, find) = (count as f64 / filled / 1e6, count as f64 / read / 1e6);
    println!(
        "{what}: {count} ids, {:.1} bytes an id, fill {fill:.1} M/s, find {find:.1} M/s",
        weight as f64 / count as f64
    );
}

fn main() {
    let count = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(10_000_000);
    measure("dense", count, |at| at);
    measure("sparse", count / 10, |at| at.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64) >> 1);
}
