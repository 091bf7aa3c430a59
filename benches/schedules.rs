//! Which order of relationships a Neo4j takes fastest, on how many sessions, in batches of which size.
//!
//! ```text
//! cargo bench --bench schedules -- URL NODES RELATIONSHIPS ORDER SESSIONS BATCH [hub]
//! ```
//!
//! Every run makes new nodes and random relationships between them; with `hub`, one in ten ends at one node. Orders:
//!
//! - `dump`: as they come, any batches at once;
//! - `sorted`: `restore::schedule`, a barrier after each window; supernodes in their lane;
//! - `flowing`: sorted by start and end in windows, without barriers or lane;
//! - `minmax`: like `flowing`, sorted by the smaller and then the larger end;
//! - `ranges`: like `flowing`, but each session has its own part of every window, with barriers;
//! - `partitioned`: `restore::schedule`.
//!
//! The password comes from `GRAPHFERRY_PASSWORD`. Prints a line of JSON. Batches are cut before the clock starts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use graphferry::Retry;
use graphferry::backend::access::Access;
use graphferry::backend::url::Location;
use graphferry::backend::{Schedule, Session, Target, open_target};
use graphferry::model::packstream::{put_integer, put_map, put_string};
use graphferry::model::{Block, Class, Item, Kind};
use graphferry::restore::schedule::{Round, Shape, rounds};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

const WINDOW: usize = 1 << 17;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [url, nodes, count, order, sessions, batch, ref rest @ ..] = words[..] else {
        // `cargo test --benches` and `cargo bench` without arguments: nothing to measure without a server.
        return println!("usage: URL NODES RELATIONSHIPS ORDER SESSIONS BATCH [hub]");
    };
    let (nodes, count): (usize, usize) = (nodes.parse().unwrap(), count.parse().unwrap());
    let (sessions, batch): (usize, usize) = (sessions.parse().unwrap(), batch.parse().unwrap());
    let access = Access::basic("neo4j", std::env::var("GRAPHFERRY_PASSWORD").expect("GRAPHFERRY_PASSWORD"));
    let target = open_target(&Location::parse(url).unwrap().expect("a database"), &access).unwrap();
    let ids = make_nodes(&*target, nodes);
    let windows: Vec<_> = make_windows(count, &ids, rest == ["hub"])
        .into_iter()
        .map(|window| arrange(window, order, sessions, batch))
        .collect();
    let windows = if matches!(order, "dump" | "flowing" | "minmax") { vec![windows.concat()] } else { windows };
    let mut sessions: Vec<_> = (0..sessions).map(|_| target.session().unwrap()).collect();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let since = Instant::now();
    let mut told = Told::default();
    windows.iter().for_each(|window| run(window, &mut sessions, &mut told));
    let seconds = since.elapsed().as_secs_f64();
    assert_eq!(told.created, count as u64);
    println!(
        r#"{{"order":"{order}{}","sessions":{},"batch":{batch},"rate":{:.0},"seconds":{seconds:.3},"again":{},"deadlocks":{},"load":{}}}"#,
        rest.first().map_or(String::new(), |hub| format!("+{hub}")),
        sessions.len(),
        count as f64 / seconds,
        told.again,
        told.deadlocks,
        load.split(' ').next().unwrap_or("0"),
    );
}

fn make_nodes(target: &dyn Target, count: usize) -> Vec<i64> {
    let mut session = target.session().unwrap();
    let mut ids = Vec::new();
    for from in (0..count).step_by(5000) {
        let mut block = Block::new(Class::Nodes);
        let kind = block.intern(&Kind::labels(["Person"]));
        for id in from..count.min(from + 5000) {
            put_map(block.buffer(), 1);
            put_string(block.buffer(), "uid");
            put_integer(block.buffer(), id as i64);
            block.push(id as i64, 0, 0, kind, 0);
        }
        session.nodes(&block, None, &mut ids).unwrap();
    }
    ids
}

fn make_windows(count: usize, ids: &[i64], hub: bool) -> Vec<Block> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ids[(state >> 16) as usize % ids.len()]
    };
    let mut windows = Vec::new();
    for from in (0..count).step_by(WINDOW) {
        let mut block = Block::new(Class::Relationships);
        let kind = block.intern(&Kind::relationship("KNOWS"));
        for id in from..count.min(from + WINDOW) {
            put_map(block.buffer(), 1);
            put_string(block.buffer(), "since");
            put_integer(block.buffer(), id as i64);
            let (start, end) = (random(), random());
            block.push(id as i64, start, if hub && id % 10 == 0 { ids[ids.len() / 2] } else { end }, kind, 0);
        }
        windows.push(block);
    }
    windows
}

/// A round has as many queues as there are sessions, each with its own, or one for all.
#[derive(Clone, Default)]
struct Window {
    rounds: Vec<Vec<Vec<Block>>>,
    lane: Vec<Block>,
}

fn arrange(mut window: Block, order: &str, sessions: usize, size: usize) -> Vec<Window> {
    let chunks = |window: Block| -> Vec<Block> {
        (0..window.len()).step_by(size).map(|at| window.slice(at..window.len().min(at + size))).collect()
    };
    let by_start = |item: &Item| (item.start, item.end);
    let arranged = match order {
        "dump" => vec![vec![chunks(window)]],
        "flowing" => {
            window.sort_by_key(by_start);
            vec![vec![chunks(window)]]
        }
        "minmax" => {
            window.sort_by_key(|item| (item.start.min(item.end), item.start.max(item.end)));
            vec![vec![chunks(window)]]
        }
        "ranges" => {
            window.sort_by_key(by_start);
            let all = chunks(window);
            vec![all.chunks(all.len().div_ceil(sessions)).map(<[Block]>::to_vec).collect()]
        }
        "sorted" | "partitioned" => {
            let schedule = if order == "sorted" { Schedule::Sorted } else { Schedule::Partitioned };
            let mut lane = Vec::new();
            let one = |Round { batches, lane: some }| {
                lane.extend(some);
                vec![batches]
            };
            let shape = Shape { schedule, size, buckets: sessions * 2, keep_pairs: false };
            let rounds = rounds(vec![window], &shape).into_iter().map(one).collect();
            return vec![Window { rounds, lane }];
        }
        _ => panic!("no order {order}"),
    };
    vec![Window { rounds: arranged, lane: Vec::new() }]
}

#[derive(Default)]
struct Told {
    created: u64,
    again: u64,
    deadlocks: u64,
}

#[derive(Default)]
struct State<'a> {
    rounds: VecDeque<Vec<VecDeque<&'a Block>>>,
    now: Vec<VecDeque<&'a Block>>,
    under_way: usize,
    lane: VecDeque<&'a Block>,
    lane_is_busy: bool,
}

/// Sends what may be under way at once, and waits for everything.
fn run(window: &[Window], sessions: &mut [Box<dyn Session>], told: &mut Told) {
    let mut state = State::default();
    for Window { rounds, lane } in window {
        for queues in rounds {
            state.rounds.push_back(queues.iter().map(|queue| queue.iter().collect()).collect());
        }
        state.lane.extend(lane);
    }
    // What has no barriers is one round.
    if window.len() > 1 {
        let all = state.rounds.drain(..).flatten().flatten().collect();
        state.rounds.push_back(vec![all]);
    }
    let (state, changed) = (&Mutex::new(state), &Condvar::new());
    std::thread::scope(|scope| {
        let workers: Vec<_> = sessions
            .iter_mut()
            .enumerate()
            .map(|(number, session)| scope.spawn(move || work(number, &mut **session, state, changed)))
            .collect();
        for worker in workers {
            let one = worker.join().unwrap();
            told.created += one.created;
            told.again += one.again;
            told.deadlocks += one.deadlocks;
        }
    });
}

fn work(number: usize, session: &mut dyn Session, state: &Mutex<State<'_>>, changed: &Condvar) -> Told {
    let mut told = Told::default();
    let mut held = state.lock().unwrap();
    loop {
        if held.under_way == 0
            && held.now.iter().all(VecDeque::is_empty)
            && let Some(next) = held.rounds.pop_front()
        {
            held.now = next;
            changed.notify_all();
        }
        let queues = held.now.len().max(1);
        let mut in_lane = false;
        let batch = if !held.lane_is_busy && !held.lane.is_empty() {
            (held.lane_is_busy, in_lane) = (true, true);
            held.lane.pop_front()
        } else {
            held.now.get_mut(number % queues).and_then(VecDeque::pop_front)
        };
        let Some(batch) = batch else {
            if held.rounds.is_empty() && held.now.iter().all(VecDeque::is_empty) && held.lane.is_empty() {
                changed.notify_all();
                return told;
            }
            held = changed.wait(held).unwrap();
            continue;
        };
        held.under_way += usize::from(!in_lane);
        drop(held);
        send(session, batch, &mut told);
        held = state.lock().unwrap();
        if in_lane {
            held.lane_is_busy = false;
        } else {
            held.under_way -= 1;
        }
        changed.notify_all();
    }
}

/// Sends a batch until it is in, with pauses as in a restore.
fn send(session: &mut dyn Session, batch: &Block, told: &mut Told) {
    for attempt in 0.. {
        match session.relationships(batch, graphferry::backend::Once::Always, None) {
            Ok(created) => {
                told.created += created;
                return;
            }
            Err(error) => {
                assert!(error.retry() == Retry::Again && attempt < 100, "{}", error.report());
                told.again += 1;
                told.deadlocks += u64::from(error.server_code().is_some_and(|code| code.ends_with("DeadlockDetected")));
                let most = 5_u64 << attempt.min(8);
                let random = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos();
                std::thread::sleep(Duration::from_millis(most / 2 + u64::from(random) % (most / 2 + 1)));
            }
        }
    }
}
