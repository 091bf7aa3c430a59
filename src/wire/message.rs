//! Messages: what client and server say to each other. Requests are built as bytes, replies are looked at where they lie.

use super::handshake::Version;
use crate::error::{Error, Result};
use crate::model::packstream::{put_integer, put_map, put_string, put_structure};
use crate::model::{Cursor, Map, Value};

/// How we name ourselves.
pub const AGENT: &str = concat!("graphferry/", env!("CARGO_PKG_VERSION"));

const HELLO: u8 = 0x01;
const GOODBYE: u8 = 0x02;
const RESET: u8 = 0x0F;
const RUN: u8 = 0x10;
const BEGIN: u8 = 0x11;
const COMMIT: u8 = 0x12;
const ROLLBACK: u8 = 0x13;
const DISCARD: u8 = 0x2F;
const PULL: u8 = 0x3F;
const LOGON: u8 = 0x6A;
const SUCCESS: u8 = 0x70;
const RECORD: u8 = 0x71;
const IGNORED: u8 = 0x7E;
const FAILURE: u8 = 0x7F;

/// Whether a transaction only reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It only reads: the server refuses writes.
    Read,
    /// It may write.
    #[default]
    Write,
}

fn put_entries(out: &mut Vec<u8>, entries: &[(&str, &str)]) {
    for (key, value) in entries {
        put_string(out, key);
        put_string(out, value);
    }
}

/// HELLO: who we are and, before Bolt 5.1, the user. `auth` are the entries of the authentication.
pub fn hello(out: &mut Vec<u8>, version: Version, auth: &[(&str, &str)]) {
    let auth = if version < Version::new(5, 1) { auth } else { &[] };
    let patch = (Version::new(4, 2)..Version::new(5, 0)).contains(&version);
    let quiet = version >= Version::new(5, 2);
    let agent = version >= Version::new(5, 3);
    put_structure(out, HELLO, 1);
    put_map(out, 1 + auth.len() + usize::from(patch) + usize::from(quiet) + usize::from(agent));
    put_entries(out, &[("user_agent", AGENT)]);
    if patch {
        // Date-times as instants: without it two instants in an overlap of daylight saving look the same.
        put_string(out, "patch_bolt");
        Value::List(vec!["utc".into()]).put(out);
    }
    if quiet {
        put_entries(out, &[("notifications_minimum_severity", "OFF")]);
    }
    if agent {
        put_string(out, "bolt_agent");
        put_map(out, 1);
        put_entries(out, &[("product", AGENT)]);
    }
    put_entries(out, auth);
}

/// LOGON, from Bolt 5.1 on.
pub fn logon(out: &mut Vec<u8>, auth: &[(&str, &str)]) {
    put_structure(out, LOGON, 1);
    put_map(out, auth.len());
    put_entries(out, auth);
}

/// What a transaction needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extra<'a> {
    /// Whether it only reads.
    pub mode: Mode,
    /// The database; `None` is the user's home database.
    pub database: Option<&'a str>,
    /// After how many milliseconds the server gives up; 0 is never, `None` is the server's own limit.
    pub timeout: Option<i64>,
}

impl Extra<'_> {
    fn put(self, out: &mut Vec<u8>) {
        let read = self.mode == Mode::Read;
        put_map(out, usize::from(read) + usize::from(self.database.is_some()) + usize::from(self.timeout.is_some()));
        if read {
            put_entries(out, &[("mode", "r")]);
        }
        if let Some(database) = self.database {
            put_entries(out, &[("db", database)]);
        }
        if let Some(timeout) = self.timeout {
            put_string(out, "tx_timeout");
            put_integer(out, timeout);
        }
    }
}

/// RUN. `parameters` is one PackStream map; `extra` is of a transaction of its own, and empty in one that was begun.
pub fn run(out: &mut Vec<u8>, text: &str, parameters: &[u8], extra: Extra<'_>) {
    put_structure(out, RUN, 3);
    put_string(out, text);
    out.extend_from_slice(parameters);
    extra.put(out);
}

fn rows(out: &mut Vec<u8>, tag: u8, count: i64) {
    put_structure(out, tag, 1);
    put_map(out, 1);
    put_string(out, "n");
    put_integer(out, count);
}

/// PULL: so many rows of the last RUN; -1 for all.
pub fn pull(out: &mut Vec<u8>, count: i64) {
    rows(out, PULL, count);
}

/// DISCARD: all rows of the last RUN are not wanted.
pub fn discard(out: &mut Vec<u8>) {
    rows(out, DISCARD, -1);
}

/// BEGIN.
pub fn begin(out: &mut Vec<u8>, extra: Extra<'_>) {
    put_structure(out, BEGIN, 1);
    extra.put(out);
}

/// COMMIT.
pub fn commit(out: &mut Vec<u8>) {
    put_structure(out, COMMIT, 0);
}

/// ROLLBACK.
pub fn rollback(out: &mut Vec<u8>) {
    put_structure(out, ROLLBACK, 0);
}

/// RESET: whatever goes on ends, a failure is forgotten.
pub fn reset(out: &mut Vec<u8>) {
    put_structure(out, RESET, 0);
}

/// GOODBYE: the connection closes; there is no reply.
pub fn goodbye(out: &mut Vec<u8>) {
    put_structure(out, GOODBYE, 0);
}

/// What a server said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// The request was done; its metadata, a PackStream map.
    Success(&'a [u8]),
    /// A row: a PackStream list.
    Record(&'a [u8]),
    /// The request failed; code and message in a PackStream map.
    Failure(&'a [u8]),
    /// The request was not looked at, since an earlier one failed.
    Ignored,
}

/// Tells the replies apart.
///
/// # Errors
/// It is none of them.
#[inline]
pub fn reply(message: &[u8]) -> Result<Reply<'_>> {
    match message {
        [0xB1, RECORD, row @ ..] => Ok(Reply::Record(row)),
        [0xB1, SUCCESS, metadata @ ..] => Ok(Reply::Success(metadata)),
        [0xB1, FAILURE, metadata @ ..] => Ok(Reply::Failure(metadata)),
        // Some servers send IGNORED with a field.
        [0xB0 | 0xB1, IGNORED, ..] => Ok(Reply::Ignored),
        [first, second, ..] => Err(strange(format!("a message that begins with {first:02X} {second:02X}"))),
        _ => Err(strange("a message of one byte".to_owned())),
    }
}

fn strange(what: String) -> Error {
    Error::unreachable(format!("the server sends {what}, which is no reply of Bolt"))
}

/// Reads the metadata of a reply.
///
/// # Errors
/// It is not one map.
pub fn metadata(bytes: &[u8]) -> Result<Map> {
    match Value::read(&mut Cursor::new(bytes)) {
        Ok(Value::Map(map)) => Ok(map),
        Ok(_) => Err(strange("metadata that are not a map".to_owned())),
        Err(cause) => Err(strange("metadata that are not PackStream".to_owned()).caused_by(cause)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn built(build: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        build(&mut out);
        out
    }

    #[test]
    fn requests_byte_by_byte() {
        assert_eq!(built(|out| pull(out, -1)), [0xB1, 0x3F, 0xA1, 0x81, b'n', 0xFF]);
        assert_eq!(built(discard), [0xB1, 0x2F, 0xA1, 0x81, b'n', 0xFF]);
        assert_eq!(built(commit), [0xB0, 0x12]);
        assert_eq!(built(rollback), [0xB0, 0x13]);
        assert_eq!(built(reset), [0xB0, 0x0F]);
        assert_eq!(built(goodbye), [0xB0, 0x02]);
        let read = Extra { mode: Mode::Read, ..Extra::default() };
        assert_eq!(built(|out| begin(out, read)), b"\xB1\x11\xA1\x84mode\x81r");
        let write = Extra { database: Some("neo4j"), ..Extra::default() };
        assert_eq!(built(|out| begin(out, write)), b"\xB1\x11\xA1\x82db\x85neo4j");
        let unlimited = Extra { timeout: Some(0), ..read };
        assert_eq!(built(|out| begin(out, unlimited)), b"\xB1\x11\xA2\x84mode\x81r\x8Atx_timeout\x00");
        assert_eq!(built(|out| run(out, "RETURN 1", &[0xA0], Extra::default())), b"\xB3\x10\x88RETURN 1\xA0\xA0");
        let own = built(|out| run(out, "X", &[0xA0], Extra { database: Some("d"), ..read }));
        assert_eq!(own, b"\xB3\x10\x81X\xA0\xA2\x84mode\x81r\x82db\x81d");
        let logon = built(|out| logon(out, &[("scheme", "none")]));
        assert_eq!(logon, b"\xB1\x6A\xA1\x86scheme\x84none");
    }

    #[test]
    fn hello_of_every_version() {
        let auth = [("scheme", "basic"), ("principal", "neo4j"), ("credentials", "pw")];
        let keys = |version| -> Vec<String> {
            let bytes = built(|out| hello(out, version, &auth));
            assert_eq!(&bytes[..2], [0xB1, 0x01]);
            metadata(&bytes[2..]).unwrap().into_keys().collect()
        };
        let old = ["user_agent", "patch_bolt", "scheme", "principal", "credentials"];
        assert_eq!(keys(Version::new(4, 4)), old);
        assert_eq!(keys(Version::new(4, 1)), ["user_agent", "scheme", "principal", "credentials"]);
        assert_eq!(keys(Version::new(5, 0)), ["user_agent", "scheme", "principal", "credentials"]);
        assert_eq!(keys(Version::new(5, 1)), ["user_agent"]);
        assert_eq!(keys(Version::new(5, 2)), ["user_agent", "notifications_minimum_severity"]);
        let new = ["user_agent", "notifications_minimum_severity", "bolt_agent"];
        assert_eq!(keys(Version::new(5, 3)), new);
        assert_eq!(keys(Version::new(6, 0)), new);
    }

    #[test]
    fn replies_are_told_apart() {
        assert_eq!(reply(&[0xB1, 0x71, 0x91, 0x01]).unwrap(), Reply::Record(&[0x91, 0x01]));
        assert_eq!(reply(&[0xB1, 0x70, 0xA0]).unwrap(), Reply::Success(&[0xA0]));
        assert_eq!(reply(&[0xB1, 0x7F, 0xA0]).unwrap(), Reply::Failure(&[0xA0]));
        assert_eq!(reply(&[0xB0, 0x7E]).unwrap(), Reply::Ignored);
        for (bytes, expected) in [
            (&[0xB1, 0x72, 0xA0][..], "the server sends a message that begins with B1 72, which is no reply of Bolt"),
            (&[0xB1][..], "the server sends a message of one byte, which is no reply of Bolt"),
        ] {
            assert_eq!(reply(bytes).unwrap_err().to_string(), expected);
        }
        assert!(metadata(&[0x01]).is_err());
        assert!(metadata(&[0xA1, 0x81]).is_err());
    }
}
