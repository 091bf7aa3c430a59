//! The reference clients for `scripts/bench`: what a server gives and takes when nobody does more than read or send.
//!
//! ```text
//! cargo bench --bench neo4j -- drain URL                 read every node and relationship, undecoded, and drop them
//! cargo bench --bench neo4j -- send URL NODES RELS       send batches that were made beforehand, relationships sorted by start node
//! ```
//!
//! The password comes from `GRAPHFERRY_PASSWORD`. Each prints a line of JSON with rows and seconds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use graphferry::backend::access::Access;
use graphferry::backend::url::Location;
use graphferry::backend::{Session, open_target};
use graphferry::model::packstream::{put_float, put_integer, put_map, put_string};
use graphferry::model::{Block, Class, Kind};
use graphferry::wire::{Auth, Connection, Endpoint, Mode, Query, Tls};
use std::sync::Mutex;
use std::time::Instant;

const BATCH: usize = 5_000;
const SESSIONS: usize = 2;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["drain", url] => drain(url),
        ["send", url, nodes, relationships] => send(url, nodes.parse().unwrap(), relationships.parse().unwrap()),
        // `cargo test --benches` and `cargo bench` without arguments: nothing to measure without a server.
        _ => println!("usage: drain URL | send URL NODES RELATIONSHIPS"),
    }
}

fn password() -> String {
    std::env::var("GRAPHFERRY_PASSWORD").expect("GRAPHFERRY_PASSWORD")
}

fn access() -> Access {
    Access::basic("neo4j", password())
}

fn location(url: &str) -> Location {
    Location::parse(url).unwrap().expect("a database")
}

fn tell(what: &str, rows: usize, since: Instant) {
    let seconds = since.elapsed().as_secs_f64();
    println!(r#"{{"what":"{what}","rows":{rows},"seconds":{seconds:.3}}}"#);
}

/// A graph like that of `scripts/bench`: nodes with three properties.
fn nodes(count: usize) -> Vec<Block> {
    let kind = Kind::labels(["Person"]);
    let ids: Vec<usize> = (0..count).collect();
    ids.chunks(BATCH)
        .map(|chunk| {
            let mut block = Block::new(Class::Nodes);
            let kind = block.intern(&kind);
            for id in chunk {
                let out = block.buffer();
                put_map(out, 3);
                put_string(out, "uid");
                put_integer(out, *id as i64);
                put_string(out, "name");
                put_string(out, &format!("person number {id}"));
                put_string(out, "score");
                put_float(out, *id as f64 * 0.37);
                block.push(*id as i64, 0, 0, kind, 0);
            }
            block
        })
        .collect()
}

/// Random relationships with one property, sorted by start node and then cut into batches.
fn relationships(count: usize, ids: &[i64]) -> Vec<Block> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) as usize
    };
    let mut pairs: Vec<(i64, i64, usize)> =
        (0..count).map(|since| (ids[random() % ids.len()], ids[random() % ids.len()], since)).collect();
    pairs.sort_unstable();
    let kind = Kind::relationship("KNOWS");
    pairs
        .chunks(BATCH)
        .map(|chunk| {
            let mut block = Block::new(Class::Relationships);
            let kind = block.intern(&kind);
            for (start, end, since) in chunk {
                let out = block.buffer();
                put_map(out, 1);
                put_string(out, "since");
                put_integer(out, *since as i64);
                block.push(*since as i64, *start, *end, kind, 0);
            }
            block
        })
        .collect()
}

/// Sends batches on several sessions, each taking the next one.
fn go<T: Send>(
    sessions: &mut [Box<dyn Session>],
    batches: &[Block],
    send: impl Fn(&mut dyn Session, &Block) -> T + Sync,
) -> Vec<T> {
    let next = Mutex::new(0);
    let mut done: Vec<(usize, T)> = std::thread::scope(|scope| {
        let workers: Vec<_> = sessions
            .iter_mut()
            .map(|session| {
                scope.spawn(|| {
                    let mut done = Vec::new();
                    loop {
                        let at = {
                            let mut next = next.lock().unwrap();
                            *next += 1;
                            *next - 1
                        };
                        let Some(batch) = batches.get(at) else { return done };
                        done.push((at, send(&mut **session, batch)));
                    }
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, value)| value).collect()
}

fn send(url: &str, node_count: usize, relationship_count: usize) {
    let target = open_target(&location(url), &access()).unwrap();
    let mut sessions: Vec<_> = (0..SESSIONS).map(|_| target.session().unwrap()).collect();
    let batches = nodes(node_count);
    let since = Instant::now();
    let ids = go(&mut sessions, &batches, |session, batch| {
        let mut ids = Vec::new();
        session.nodes(batch, None, &mut ids).unwrap();
        ids
    });
    let ids = ids.concat();
    tell("nodes", ids.len(), since);
    let batches = relationships(relationship_count, &ids);
    let since = Instant::now();
    let created = go(&mut sessions, &batches, |session, batch| {
        loop {
            match session.relationships(batch, graphferry::backend::Once::Always, None) {
                Ok(created) => return created,
                Err(error) => assert_eq!(error.retry(), graphferry::Retry::Again, "{}", error.report()),
            }
        }
    });
    assert_eq!(created.iter().sum::<u64>(), relationship_count as u64);
    tell("relationships", relationship_count, since);
}

/// The rows that a dump asks for, and whole items as another client may ask for them.
const ROWS: [(&str, &str, &str); 2] = [
    (
        "fields",
        "MATCH (n) RETURN id(n), labels(n), properties(n)",
        "MATCH (a)-[r]->(b) RETURN id(r), id(a), id(b), type(r), properties(r)",
    ),
    ("items", "MATCH (n) RETURN n", "MATCH ()-[r]->() RETURN r"),
];

fn drain(url: &str) {
    let Location::Bolt(server) = location(url) else { panic!("not a server") };
    let endpoint = Endpoint { host: server.host, port: server.port, tls: Tls::Off };
    let password = password();
    for (what, nodes, relationships) in ROWS {
        let auth = Auth::Basic { user: "neo4j", password: &password };
        let mut connection = Connection::connect(&endpoint, auth).unwrap();
        let since = Instant::now();
        let mut rows = 0;
        for text in [nodes, relationships] {
            let query = Query::alone(text, Mode::Read, None);
            let discard = |row: &[u8]| {
                std::hint::black_box(row);
                rows += 1;
                Ok(())
            };
            connection.query(&query, discard).unwrap();
        }
        tell(what, rows, since);
    }
}
