//! A server that says what it was told to say, whatever it hears: for faults that no real server commits on demand.

use graphferry::model::Value;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::thread;

/// A scripted server.
pub(crate) struct Scripted {
    port: u16,
}

fn serve(listener: &TcpListener, bytes: &[u8]) {
    let Ok((mut stream, _)) = listener.accept() else { return };
    // Nothing is said before the client has asked, as with a real server.
    let mut magic = [0; 20];
    let _ = stream.read_exact(&mut magic);
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    // Closing with bytes unread would take back what was said.
    thread::spawn(move || std::io::copy(&mut stream, &mut std::io::sink()));
}

impl Scripted {
    /// Says one of these texts to each connection, in order, then closes its side and listens until the client goes.
    pub(crate) fn saying(texts: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || texts.iter().for_each(|text| serve(&listener, text)));
        Self { port }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("bolt://127.0.0.1:{}", self.port)
    }

    /// Host and port, as errors name it.
    pub(crate) fn peer(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

/// A message in one chunk.
pub(crate) fn message(tag: u8, body: &Value) -> Vec<u8> {
    let body = body.to_packstream();
    let mut bytes = (body.len() as u16 + 2).to_be_bytes().to_vec();
    bytes.extend([0xB1, tag]);
    bytes.extend(body);
    bytes.extend([0, 0]);
    bytes
}

/// SUCCESS.
pub(crate) fn success(entries: &[(&str, Value)]) -> Vec<u8> {
    message(0x70, &map(entries))
}

/// RECORD.
pub(crate) fn record(values: Vec<Value>) -> Vec<u8> {
    message(0x71, &Value::List(values))
}

/// FAILURE.
pub(crate) fn failure(code: &str, text: &str) -> Vec<u8> {
    message(0x7F, &map(&[("code", code.into()), ("message", text.into())]))
}

/// A map.
pub(crate) fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

/// A list of names.
pub(crate) fn names(names: &[&str]) -> Value {
    Value::List(names.iter().map(|name| (*name).into()).collect())
}

/// What a Neo4j server says until a client knows who it is: Bolt 5.8, login, version, database.
pub(crate) fn greeting() -> Vec<u8> {
    [
        vec![0, 0, 8, 5],
        success(&[("server", "Neo4j/5.26.30".into())]),
        success(&[]),
        success(&[("fields", names(&["name", "versions", "edition"]))]),
        record(vec!["Neo4j Kernel".into(), names(&["5.26.30"]), "community".into()]),
        success(&[]),
        success(&[("fields", names(&["name"]))]),
        record(vec!["neo4j".into()]),
        success(&[]),
    ]
    .concat()
}

/// What it says until a view is pinned: an empty transaction with its bookmark, and BEGIN.
pub(crate) fn pinned() -> Vec<u8> {
    [greeting(), success(&[]), success(&[("bookmark", "FB:1".into())]), success(&[])].concat()
}
