//! The client over scripted bytes.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use std::collections::VecDeque;

/// What the server will say, handed out in pieces of `step` bytes; the end of it is the end of the connection.
struct Script {
    replies: VecDeque<u8>,
    step: usize,
    sent: Vec<u8>,
}

impl Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = self.step.min(buffer.len()).min(self.replies.len());
        for (slot, byte) in buffer.iter_mut().zip(self.replies.drain(..size)) {
            *slot = byte;
        }
        Ok(size)
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.sent.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn message(tag: u8, body: &Value) -> Vec<u8> {
    let mut bytes = vec![0xB1, tag];
    body.put(&mut bytes);
    let mut out = Vec::new();
    chunk::put(&mut out, &bytes);
    out
}

fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

fn success(entries: &[(&str, Value)]) -> Vec<u8> {
    message(0x70, &map(entries))
}

fn failure(code: &str) -> Vec<u8> {
    message(0x7F, &map(&[("code", code.into()), ("message", "no".into())]))
}

fn record(value: i64) -> Vec<u8> {
    message(0x71, &Value::List(vec![value.into()]))
}

const IGNORED: [u8; 6] = [0, 2, 0xB0, 0x7E, 0, 0];

/// Bolt 5.8 and a login.
fn login() -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 5];
    bytes.extend(success(&[("server", "Neo4j/5.26.30".into())]));
    bytes.extend(success(&[]));
    bytes
}

fn open(parts: &[Vec<u8>], step: usize) -> Client<Script> {
    try_open(parts, step).unwrap()
}

fn try_open(parts: &[Vec<u8>], step: usize) -> Result<Client<Script>> {
    let script = Script { replies: parts.concat().into(), step, sent: Vec::new() };
    Client::open(script, "h:1".to_owned(), Auth::Basic { user: "neo4j", password: "s3cret-pw" })
}

#[test]
fn rows_in_portions_fed_byte_by_byte() {
    for step in [1, 2, 7, 100_000] {
        let parts = [
            login(),
            success(&[("fields", Value::List(vec!["x".into()]))]),
            record(1),
            record(2),
            success(&[("has_more", true.into())]),
            record(3),
            success(&[("db", "neo4j".into()), ("stats", map(&[("relationships-created", 7.into())]))]),
        ];
        let mut client = open(&parts, step);
        assert_eq!((client.agent(), client.version()), ("Neo4j/5.26.30", Version::new(5, 8)));
        let mut rows = Vec::new();
        let summary = client.query(&Query::inside("RETURN x"), |row| {
            rows.push(row.to_vec());
            Ok(())
        });
        let summary = summary.unwrap();
        assert_eq!(rows, [[0x91, 1], [0x91, 2], [0x91, 3]]);
        assert_eq!((summary.fields, summary.rows), (vec!["x".to_owned()], 3));
        let stats = summary.metadata.get("stats").unwrap().as_map().unwrap();
        assert_eq!(stats.get("relationships-created"), Some(&Value::Integer(7)));
    }
}

#[test]
fn a_failure_is_reset_before_the_next_request() {
    let parts = [
        login(),
        failure("Neo.ClientError.Statement.SyntaxError"),
        IGNORED.to_vec(),
        success(&[]),
        success(&[("fields", Value::List(vec![]))]),
        success(&[]),
    ];
    let mut client = open(&parts, 3);
    let error = client.query(&Query::inside("RETURN"), |_| Ok(())).unwrap_err();
    assert_eq!(error.to_string(), "no (Neo.ClientError.Statement.SyntaxError)");
    client.query(&Query::inside("RETURN 1"), |_| Ok(())).unwrap();
    let sent = &client.stream.sent;
    assert_eq!(sent.windows(2).filter(|pair| *pair == [0xB0, 0x0F]).count(), 1);
}

#[test]
fn a_failure_between_rows_keeps_its_code() {
    let parts = [login(), success(&[]), record(1), failure("Neo.TransientError.Transaction.DeadlockDetected")];
    let mut client = open(&parts, 1);
    let error = client.query(&Query::inside("RETURN 1"), |_| Ok(())).unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Server, Retry::Again));
    // The connection ends where the answer to RESET should be.
    let error = client.begin(Mode::Read, None).unwrap_err();
    assert_eq!(error.to_string(), "h:1 closed the connection");
    assert_eq!(client.begin(Mode::Read, None).unwrap_err().to_string(), "the connection to h:1 is gone");
}

#[test]
fn an_error_of_the_consumer_passes_and_the_rest_is_drained() {
    let parts = [
        login(),
        success(&[]),
        record(1),
        record(2),
        record(3),
        success(&[("has_more", true.into())]),
        success(&[]),
        success(&[]),
    ];
    let mut client = open(&parts, 5);
    let error = client.query(&Query::inside("RETURN 1"), |_| Err(Error::failed("full"))).unwrap_err();
    assert_eq!(error.to_string(), "full");
    client.begin(Mode::Read, Some("neo4j")).unwrap();
}

#[test]
fn cut_anywhere_it_is_lost_and_never_an_end() {
    let head = [login(), success(&[])].concat();
    let tail = [record(1), success(&[("has_more", true.into())]), record(2), success(&[])].concat();
    for cut in 0..tail.len() {
        let mut client = open(&[head.clone(), tail[..cut].to_vec()], 4);
        let error = client.query(&Query::inside("RETURN 1"), |_| Ok(())).unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unreachable, Retry::Never), "cut at {cut}");
        assert_eq!(error.to_string(), "h:1 closed the connection");
    }
    let mut client = open(&[head, tail], 4);
    assert_eq!(client.query(&Query::inside("RETURN 1"), |_| Ok(())).unwrap().rows, 2);
}

#[test]
fn a_lost_answer_to_a_commit_is_unknown() {
    let mut client = open(&[login(), success(&[])], 9);
    client.begin(Mode::Write, None).unwrap();
    assert_eq!(client.commit().unwrap_err().retry(), Retry::Unknown);
    let mut client = open(&[login()], 9);
    let own = Query::alone("CREATE ()", Mode::Write, None);
    assert_eq!(client.query(&own, |_| Ok(())).unwrap_err().retry(), Retry::Unknown);
    let mut client = open(&[login()], 9);
    let own = Query::alone("RETURN 1", Mode::Read, None);
    assert_eq!(client.query(&own, |_| Ok(())).unwrap_err().retry(), Retry::Never);
}

#[test]
fn garbage_is_an_error_and_never_a_panic() {
    for (garbage, expected) in [
        (message(0x42, &Value::Null), "the server sends a message that begins with B1 42, which is no reply of Bolt"),
        (vec![0, 1, 9, 0, 0], "the server sends a message of one byte, which is no reply of Bolt"),
        (vec![0, 3, 0xB1, 0x70, 9, 0, 0], "the server sends metadata that are not a map, which is no reply of Bolt"),
        (
            vec![0, 3, 0xB1, 0x7F, 0xA9, 0, 0],
            "the server sends metadata that are not PackStream, which is no reply of Bolt",
        ),
        (record(1), "the server sends replies in an order that makes no sense"),
    ] {
        let mut client = open(&[login(), garbage], 2);
        let error = client.begin(Mode::Read, None).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.kind()), (expected, ErrorKind::Unreachable));
    }
}

#[test]
fn a_denied_login_never_shows_the_password() {
    let parts = [vec![0, 0, 8, 5], success(&[]), failure("Neo.ClientError.Security.Unauthorized")];
    let error = try_open(&parts, 1).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!(
        error.report(),
        "no (Neo.ClientError.Security.Unauthorized); check the user, and the password in $GRAPHFERRY_PASSWORD or --password-file"
    );
    let client = open(&[login()], 100);
    assert!(client.stream.sent.windows(9).any(|part| part == b"s3cret-pw"));
    assert!(client.output.is_empty());
}

#[test]
fn handshakes_that_fail() {
    for (bytes, expected) in [
        (vec![], "h:1 closes the connection during the handshake"),
        (vec![0, 0, 1, 0xFF, 3, 0], "h:1 closes the connection during the handshake"),
        (b"HTTP/1.1 400".to_vec(), "h:1 answers with HTTP instead of Bolt"),
    ] {
        assert_eq!(try_open(&[bytes], 1).err().unwrap().to_string(), expected);
    }
}

#[test]
fn the_utc_patch_is_asked_for_and_looked_at() {
    let patched = success(&[("patch_bolt", Value::List(vec!["utc".into()]))]);
    for (reply, utc) in [(patched, true), (success(&[]), false)] {
        let client = open(&[vec![0, 0, 4, 4], reply], 1);
        assert_eq!(client.is_utc(), utc);
    }
    assert!(open(&[vec![0, 0, 0, 5], success(&[])], 1).is_utc());
}
