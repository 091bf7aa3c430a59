//! What the Neo4j backend does when a server does what it should not: a scripted server takes the place of a real one.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support::scripted;

use graphferry::backend::{self, Access, Location};
use graphferry::model::{Block, Class, Kind, Value};
use graphferry::{Error, ErrorKind, Result, Retry};
use scripted::{Scripted, failure, map, names, pinned, record, success};

fn location(server: &Scripted) -> Location {
    Location::parse(&server.url()).unwrap().unwrap()
}

fn access() -> Access {
    Access::basic("neo4j", "a-secret-word")
}

/// No ledger is there: what the server answers when it is asked for one before a scan.
fn no_ledger() -> Vec<u8> {
    [success(&[("fields", names(&["count"]))]), record(vec![0.into()]), success(&[])].concat()
}

/// Scans the nodes of a server that says this after the view is pinned.
fn scan(said: &[Vec<u8>]) -> (Result<()>, usize) {
    let server = Scripted::saying(vec![[pinned(), no_ledger(), said.concat()].concat()]);
    let mut source = backend::open_source(&location(&server), &access()).unwrap();
    let mut view = source.snapshot(None).unwrap();
    let mut items = 0;
    let done = view.scan(Class::Nodes, &mut |block| {
        items += block.len();
        Ok(())
    });
    (done, items)
}

fn node(id: i64, properties: Value) -> Vec<u8> {
    record(vec![id.into(), names(&["A"]), properties])
}

fn empty() -> Value {
    map(&[])
}

#[test]
fn a_whole_scan_comes_through_and_a_cut_one_never_does() {
    let fields = success(&[("fields", names(&["id(n)", "labels(n)", "properties(n)"]))]);
    let more = success(&[("has_more", true.into())]);
    let said = [fields, node(1, empty()), more, node(2, empty()), success(&[])].concat();
    let (done, items) = scan(std::slice::from_ref(&said));
    done.unwrap();
    assert_eq!(items, 2);
    for cut in 0..said.len() {
        let (done, _) = scan(&[said[..cut].to_vec()]);
        let error = done.expect_err(&format!("cut at {cut}"));
        assert_eq!(error.kind(), ErrorKind::Unreachable, "cut at {cut}: {error:?}");
        assert!(error.to_string().ends_with("closed the connection"), "{error}");
    }
}

#[test]
fn a_failure_in_mid_scan_keeps_its_code() {
    let code = "Neo.ClientError.Statement.EntityNotFound";
    let (done, _) = scan(&[success(&[]), node(1, empty()), failure(code, "Node 2 is gone")]);
    let error = done.unwrap_err();
    assert_eq!((error.kind(), error.server_code()), (ErrorKind::Server, Some(code)));
    assert_eq!(error.message(), "Node 2 is gone");
}

#[test]
fn rows_that_make_no_sense_are_named() {
    let odd = Value::Structure(0x3F, vec!["UUID".into(), 6.into(), 1.into(), empty()]);
    for (said, expected) in [
        (record(vec![1.into()]), "the server sends a row of 1 fields instead of 3"),
        (record(vec!["1".into(), names(&[]), empty()]), "the server sends a row that cannot be read"),
        (record(vec![1.into(), names(&[]), Value::Null]), "property \"\" of node 1 cannot be read"),
        (node(7, map(&[("k", odd)])), "property \"k\" of node 7 is of type UUID, which Bolt 5.8 cannot carry"),
    ] {
        let (done, items) = scan(&[success(&[]), said, success(&[])]);
        assert_eq!((done.unwrap_err().to_string().as_str(), items), (expected, 0));
    }
}

fn refused(said: &[u8]) -> (Error, String) {
    let server = Scripted::saying(vec![said.to_vec()]);
    let error = backend::open_source(&location(&server), &access()).err().unwrap();
    assert!(!format!("{error:?}").contains("a-secret-word"));
    (error, server.peer())
}

#[test]
fn strangers_are_told_apart() {
    for (said, expected) in [
        (&b"HTTP/1.1 400 Bad Request\r\n"[..], "PEER answers with HTTP instead of Bolt"),
        (&[0x15, 0x03, 0x03, 0x00, 0x02][..], "PEER demands TLS"),
        (&[0x00, 0x50, 0xB1, 0x7F, 0xA2][..], "PEER refuses the Bolt versions 4.0 to 6.0"),
        (&[0, 0, 0, 0][..], "PEER speaks none of the Bolt versions 4.0 to 6.0"),
        (&[0, 0, 9, 9][..], "PEER does not speak Bolt: it answers 00 00 09 09"),
        (&[0, 0, 1, 0xFF, 1, 0, 0, 0, 7, 0][..], "PEER speaks Bolt 7.0 and none of the versions 4.0 to 6.0"),
        (&[][..], "PEER closes the connection during the handshake"),
        (&[0, 0][..], "PEER closes the connection during the handshake"),
        (&[0, 0, 8, 5][..], "PEER closed the connection"),
        (
            &[0, 0, 8, 5, 0, 2, 1, 2, 0, 0][..],
            "the server sends a message that begins with 01 02, which is no reply of Bolt",
        ),
    ] {
        let (error, peer) = refused(said);
        assert_eq!(error.to_string(), expected.replace("PEER", &peer));
        assert_eq!(error.kind(), ErrorKind::Unreachable);
    }
}

#[test]
fn a_server_that_is_neither_system_is_refused_by_its_name() {
    let unknown = failure("Other.Error", "no such statement");
    let login = [vec![0, 0, 2, 5], success(&[("server", "Other/1.0".into())]), success(&[])].concat();
    // Each question fails, and is followed by an answer to RESET.
    let ignored = vec![0, 2, 0xB0, 0x7E, 0, 0];
    let question = [unknown, ignored, success(&[])].concat();
    let said = [login, question.repeat(3)].concat();
    let (error, peer) = refused(&said);
    let expected = format!("{peer} is \"Other/1.0\", neither Neo4j nor Memgraph");
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::Usage, expected));
}

#[test]
fn denied_access_is_unreachable_and_shows_no_secret() {
    let denied = failure("Neo.ClientError.Security.Unauthorized", "The client is unauthorized.");
    let (error, _) = refused(&[vec![0, 0, 8, 5], success(&[]), denied].concat());
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    let expected = "The client is unauthorized (Neo.ClientError.Security.Unauthorized); check the user, and the password in \
                    $GRAPHFERRY_PASSWORD or --password-file";
    assert_eq!(error.report(), expected);
}

#[test]
fn nobody_listens() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let location = Location::parse(&format!("bolt://127.0.0.1:{free}")).unwrap().unwrap();
    let error = backend::open_source(&location, &access()).err().unwrap();
    assert_eq!(error.to_string(), format!("cannot connect to 127.0.0.1:{free}"));
    assert_eq!(error.kind(), ErrorKind::Unreachable);
}

/// Writes one node to a server that says this on the session's connection.
fn write(said: &[Vec<u8>]) -> (Result<()>, Vec<i64>) {
    let server = Scripted::saying(vec![scripted::greeting(), said.concat()]);
    let target = backend::open_target(&location(&server), &access()).unwrap();
    let mut session = target.session().unwrap();
    let mut batch = Block::new(Class::Nodes);
    let kind = batch.add_kind(Kind::labels(["A"]));
    Value::Map(Default::default()).put(batch.buffer());
    batch.push(1, 0, 0, kind, 0);
    let mut ids = Vec::new();
    let done = session.nodes(&batch, None, &mut ids);
    (done, ids)
}

#[test]
fn only_a_lost_answer_to_commit_leaves_a_doubt() {
    let login = [vec![0, 0, 8, 5], success(&[]), success(&[])].concat();
    let begun = success(&[]);
    let fields = success(&[("fields", names(&["row[0]", "id(n)"]))]);
    let list = |value: i64| Value::List(vec![value.into()]);
    let rows = [record(vec![list(0), list(77)]), success(&[])].concat();
    let whole = [login.clone(), begun.clone(), fields.clone(), rows.clone(), success(&[])];
    let (done, ids) = write(&whole);
    done.unwrap();
    assert_eq!(ids, [77]);
    for (parts, retry) in [(1, Retry::Again), (2, Retry::Again), (3, Retry::Again), (4, Retry::Unknown)] {
        let (done, ids) = write(&whole[..parts]);
        let error = done.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unreachable, retry), "{parts} parts");
        assert!(ids.is_empty());
    }
    let deadlock = failure("Neo.TransientError.Transaction.DeadlockDetected", "deadlock");
    let (done, _) = write(&[login, begun, deadlock]);
    assert_eq!(done.unwrap_err().retry(), Retry::Again);
}
