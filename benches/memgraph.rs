//! How fast rows of Memgraph become blocks, beside dropping the same bytes undecoded. No Memgraph is asked: a thread sends rows that were made beforehand, in
//! the wire form that was recorded of 3.6.2, as fast as the socket takes them. So this bounds what decoding costs and says nothing of a server.
//!
//! ```text
//! cargo bench --bench memgraph -- 1000000
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use graphferry::backend::url::Location;
use graphferry::backend::{Access, open_source};
use graphferry::model::packstream::{put_float, put_integer, put_list, put_map, put_string, put_structure};
use graphferry::model::{Class, Value};
use graphferry::wire::chunk;
use graphferry::wire::client::PORTION;
use graphferry::wire::{Auth, Connection, Endpoint, Mode, Query, Tls};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Instant;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let Some(count) = words.first().and_then(|word| word.parse::<i64>().ok()) else {
        println!("usage: memgraph ROWS");
        return;
    };
    for class in [Class::Nodes, Class::Relationships] {
        let rows = Arc::new(rows(class, count));
        let (mut plain, mut decoded) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            plain.push(drain(&rows, count));
            decoded.push(scan(class, &rows, count));
        }
        plain.sort_by(f64::total_cmp);
        decoded.sort_by(f64::total_cmp);
        let (plain, decoded) = (plain[2], decoded[2]);
        println!(
            r#"{{"what":"{}","rows":{count},"bytes":{},"undecoded_s":{plain:.3},"decoded_s":{decoded:.3},"ratio":{:.2}}}"#,
            class.noun(),
            rows.len(),
            plain / decoded
        );
    }
}

fn put(out: &mut Vec<u8>, tag: u8, body: &[u8]) {
    chunk::put(out, &[&[0xB1, tag], body].concat());
}

fn success(out: &mut Vec<u8>, entries: &[(&str, Value)]) {
    let map = Value::Map(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect());
    put(out, 0x70, &map.to_packstream());
}

/// An answer to RUN and PULL.
fn table(out: &mut Vec<u8>, fields: &[&str], rows: &[&[Value]]) {
    success(out, &[("fields", Value::List(fields.iter().map(|name| (*name).into()).collect()))]);
    for row in rows {
        put(out, 0x71, &Value::List(row.to_vec()).to_packstream());
    }
    success(out, &[]);
}

/// The rows of a scan as the server sends them, portion by portion.
fn rows(class: Class, count: i64) -> Vec<u8> {
    let mut out = Vec::new();
    success(&mut out, &[("fields", Value::List(vec!["x".into()]))]);
    let mut row = Vec::new();
    for id in 0..count {
        row.clear();
        put_list(&mut row, 1);
        match class {
            Class::Nodes => {
                put_structure(&mut row, 0x4E, 4);
                put_integer(&mut row, id);
                put_list(&mut row, 1);
                put_string(&mut row, "Person");
                put_map(&mut row, 3);
                put_string(&mut row, "uid");
                put_integer(&mut row, id);
                put_string(&mut row, "name");
                put_string(&mut row, &format!("person number {id}"));
                put_string(&mut row, "score");
                put_float(&mut row, id as f64 * 0.37);
            }
            Class::Relationships => {
                put_structure(&mut row, 0x52, 8);
                for number in [id, id / 4, id / 3] {
                    put_integer(&mut row, number);
                }
                put_string(&mut row, "KNOWS");
                put_map(&mut row, 1);
                put_string(&mut row, "since");
                put_integer(&mut row, 2000 + id % 25);
                put_string(&mut row, &id.to_string());
                put_string(&mut row, &(id / 4).to_string());
            }
        }
        put_string(&mut row, &(id / if class == Class::Nodes { 1 } else { 3 }).to_string());
        put(&mut out, 0x71, &row);
        if (id + 1) % PORTION == 0 && id + 1 < count {
            success(&mut out, &[("has_more", true.into())]);
        }
    }
    success(&mut out, &[]);
    out
}

/// A server that says this whatever it hears; gives its port.
fn serve(head: Vec<u8>, rows: &Arc<Vec<u8>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let rows = Arc::clone(rows);
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut magic = [0; 20];
        stream.read_exact(&mut magic).unwrap();
        stream.write_all(&head).unwrap();
        let _ = stream.write_all(&rows);
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    port
}

fn login() -> Vec<u8> {
    let mut out = vec![0, 0, 2, 5];
    let agent = "Neo4j/v5.11.0 compatible graph database server - Memgraph";
    success(&mut out, &[("server", agent.into())]);
    success(&mut out, &[("server", agent.into())]);
    out
}

fn drain(rows: &Arc<Vec<u8>>, count: i64) -> f64 {
    let port = serve(login(), rows);
    let endpoint = Endpoint { host: "127.0.0.1".to_owned(), port, tls: Tls::Off };
    let mut connection = Connection::connect(&endpoint, Auth::None).unwrap();
    let since = Instant::now();
    let done = connection.query(&Query::alone("MATCH (n) RETURN n", Mode::Read, None), |_| Ok(())).unwrap();
    assert_eq!(done.rows, count as u64);
    since.elapsed().as_secs_f64()
}

fn scan(class: Class, rows: &Arc<Vec<u8>>, count: i64) -> f64 {
    let mut head = login();
    table(&mut head, &["version"], &[&["3.6.2".into()]]);
    let info: [&[Value]; 2] = [
        &["global_isolation_level".into(), "SNAPSHOT_ISOLATION".into()],
        &["storage_mode".into(), "IN_MEMORY_TRANSACTIONAL".into()],
    ];
    table(&mut head, &["storage info", "value"], &info);
    for _ in 0..4 {
        table(&mut head, &[], &[]);
    }
    success(&mut head, &[]);
    let port = serve(head, rows);
    let location = Location::parse(&format!("memgraph://127.0.0.1:{port}")).unwrap().unwrap();
    let mut source = open_source(&location, &Access::default()).unwrap();
    let mut snapshot = source.snapshot(None).unwrap();
    let since = Instant::now();
    let mut found = 0;
    snapshot
        .scan(class, &mut |block| {
            found += block.len();
            Ok(())
        })
        .unwrap();
    assert_eq!(found as i64, count);
    let seconds = since.elapsed().as_secs_f64();
    // The server would not understand the end of the transaction.
    std::mem::forget(snapshot);
    seconds
}
