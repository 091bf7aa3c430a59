//! The client: which request may go out when, and which replies belong to it.
//!
//! It works over anything that reads and writes, so that tests feed it bytes. Requests that belong together (HELLO + LOGON, RUN + PULL) go
//! out in one write. After a failure the server ignores everything until a RESET: that is sent before the next request and not
//! at once, so that a caller who gives up does not wait. After a lost connection every call fails.

use super::chunk::{self, Dechunker};
use super::failure;
use super::handshake::{self, Answer, Version};
use super::message::{self, Extra, Mode, Reply};
use super::query::{Query, Row, Scope, Summary};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::model::{Cursor, Map, Value};
use std::fmt;
use std::io::{Read, Write};

/// Rows that are asked for at once. A consumer that stalls finds at most so many on their way; the pause between two portions is one
/// round trip.
pub const PORTION: i64 = 50_000;

/// An output buffer larger than this is given back after its message.
const KEEP: usize = 8 << 20;

/// Who we are to the server. It has no `Debug`: it holds a password.
#[derive(Clone, Copy)]
pub enum Auth<'a> {
    /// Nobody: the server asks for no user.
    None,
    /// A user with a password.
    Basic {
        /// The user.
        user: &'a str,
        /// The password.
        password: &'a str,
    },
    /// A token of a single sign-on.
    Bearer {
        /// The token.
        token: &'a str,
    },
}

impl<'a> Auth<'a> {
    fn entries(self) -> Vec<(&'static str, &'a str)> {
        match self {
            Self::None => vec![("scheme", "none")],
            Self::Basic { user, password } => {
                vec![("scheme", "basic"), ("principal", user), ("credentials", password)]
            }
            Self::Bearer { token } => vec![("scheme", "bearer"), ("credentials", token)],
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ready,
    /// The server ignores us until a RESET.
    Failed,
    Lost,
}

/// A connection after its handshake. Its `Debug` shows none of its buffers: a password has passed through them.
pub struct Client<T: Read + Write> {
    stream: T,
    peer: String,
    version: Version,
    server: Map,
    utc: bool,
    input: Dechunker,
    output: Vec<u8>,
    scratch: Vec<u8>,
    state: State,
    /// Replies that are still to come.
    pending: usize,
    /// A commit may be on its way.
    committing: bool,
}

impl<T: Read + Write> Client<T> {
    /// Agrees on a version and logs in. `peer` names the server in errors.
    ///
    /// # Errors
    /// The other side does not speak Bolt, denies access, or goes away.
    pub fn open(mut stream: T, peer: String, auth: Auth<'_>) -> Result<Self> {
        let version = shake(&mut stream, &peer)?;
        let mut client = Self {
            stream,
            peer,
            version,
            server: Map::new(),
            utc: true,
            input: Dechunker::new(),
            output: Vec::new(),
            scratch: Vec::new(),
            state: State::Ready,
            pending: 0,
            committing: false,
        };
        let entries = auth.entries();
        client.put(|out| message::hello(out, version, &entries));
        if version >= Version::new(5, 1) {
            client.put(|out| message::logon(out, &entries));
        }
        client.flush()?;
        client.server = client.success()?;
        if version < Version::new(5, 0) {
            let patches = client.server.get("patch_bolt").and_then(Value::as_list);
            client.utc = patches.is_some_and(|list| list.iter().any(|patch| patch.as_str() == Some("utc")));
        }
        while client.pending > 0 {
            client.success()?;
        }
        Ok(client)
    }

    /// The version that is spoken.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Host and port, for messages.
    #[must_use]
    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// How the server names itself: `Neo4j/5.26.30`.
    #[must_use]
    pub fn agent(&self) -> &str {
        self.server.get("server").and_then(Value::as_str).unwrap_or_default()
    }

    /// A number among the hints that the server gave at login.
    #[must_use]
    pub fn server_hint(&self, name: &str) -> Option<i64> {
        self.server.get("hints")?.as_map()?.get(name)?.as_integer()
    }

    /// Whether date-times come as instants; if not, they come in the old structures with local seconds.
    #[must_use]
    pub fn is_utc(&self) -> bool {
        self.utc
    }

    /// Whether the connection is gone: every further call fails.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.state == State::Lost
    }

    /// The transport, for its settings.
    pub(super) fn stream(&self) -> &T {
        &self.stream
    }

    /// Begins a transaction. `None` is the user's home database.
    ///
    /// # Errors
    /// The server refuses, or went away.
    pub fn begin(&mut self, mode: Mode, database: Option<&str>) -> Result<()> {
        self.begin_as(Extra { mode, database, timeout: None })
    }

    /// Begins a transaction that may have a limit of time of its own.
    ///
    /// # Errors
    /// The server refuses, or went away.
    pub fn begin_as(&mut self, extra: Extra<'_>) -> Result<()> {
        self.ready()?;
        self.put(|out| message::begin(out, extra));
        self.flush()?;
        self.success().map(|_| ())
    }

    /// Commits and gives the bookmark.
    ///
    /// # Errors
    /// The server refuses, or went away: then the retry class says that nobody knows.
    pub fn commit(&mut self) -> Result<Option<String>> {
        self.ready()?;
        self.put(message::commit);
        self.committing = true;
        let done = self.flush().and_then(|()| self.success());
        self.committing = false;
        Ok(done?.get("bookmark").and_then(Value::as_str).map(str::to_owned))
    }

    /// Gives the transaction up. After a failure this is a RESET, which has the same effect.
    ///
    /// # Errors
    /// The server went away.
    pub fn rollback(&mut self) -> Result<()> {
        if self.state == State::Ready {
            self.put(message::rollback);
            self.flush()?;
            self.success()?;
        }
        self.ready()
    }

    /// Runs a statement and hands its rows over, each a PackStream list. An error of `row` ends the statement and is returned.
    ///
    /// # Errors
    /// The server refuses or went away; or what `row` says.
    pub fn query(&mut self, query: &Query<'_>, mut row: impl FnMut(&[u8]) -> Result<()>) -> Result<Summary> {
        self.ready()?;
        let Query { database, timeout, .. } = *query;
        let inside = Extra { timeout, ..Extra::default() };
        let extra = match query.scope {
            Scope::Inside => inside,
            Scope::Own(mode) => Extra { mode, database, timeout },
            Scope::Begin(mode) => {
                self.put(|out| message::begin(out, Extra { mode, database, timeout }));
                inside
            }
        };
        self.put(|out| message::run(out, query.text, query.parameters, extra));
        self.put(|out| message::pull(out, PORTION));
        self.committing = query.scope == Scope::Own(Mode::Write);
        let begins = matches!(query.scope, Scope::Begin(_));
        let done = self.flush().and_then(|()| if begins { self.success().map(|_| ()) } else { Ok(()) });
        let done = done.and_then(|()| self.stream_rows(&mut row));
        self.committing = false;
        done
    }

    fn stream_rows(&mut self, row: &mut impl FnMut(&[u8]) -> Result<()>) -> Result<Summary> {
        let run = self.success()?;
        let names = run.get("fields").and_then(Value::as_list).unwrap_or_default();
        let fields = names.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let mut summary = Summary { fields, ..Summary::default() };
        loop {
            self.receive()?;
            match message::reply(self.input.message()) {
                Ok(Reply::Record(bytes)) => {
                    summary.rows += 1;
                    if let Err(error) = row(bytes) {
                        self.state = State::Failed;
                        return Err(error);
                    }
                }
                Ok(Reply::Success(bytes)) => {
                    let metadata = message::metadata(bytes);
                    self.pending -= 1;
                    summary.metadata = metadata.map_err(|error| self.garbled(error))?;
                    if !matches!(summary.metadata.get("has_more"), Some(Value::Boolean(true))) {
                        return Ok(summary);
                    }
                    self.put(|out| message::pull(out, PORTION));
                    self.flush()?;
                }
                _ => return Err(self.refusal()),
            }
        }
    }

    /// Runs a statement and gives its rows with their columns' names: for small results.
    ///
    /// # Errors
    /// The server refuses, or went away.
    pub fn table(&mut self, query: &Query<'_>) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        let summary = self.query(query, |row| {
            rows.push(Value::read(&mut Cursor::new(row))?);
            Ok(())
        })?;
        let rows = rows.into_iter().map(|row| match row {
            Value::List(values) => summary.fields.iter().cloned().zip(values).collect(),
            _ => Row::new(),
        });
        Ok(rows.collect())
    }

    /// Adds a request to the output.
    fn put(&mut self, build: impl FnOnce(&mut Vec<u8>)) {
        self.scratch.clear();
        build(&mut self.scratch);
        chunk::put(&mut self.output, &self.scratch);
        self.pending += 1;
    }

    fn flush(&mut self) -> Result<()> {
        let sent = self.stream.write_all(&self.output).and_then(|()| self.stream.flush());
        self.output.clear();
        for buffer in [&mut self.output, &mut self.scratch] {
            if buffer.capacity() > KEEP {
                *buffer = Vec::new();
            }
        }
        sent.map_err(|cause| self.lost(Some(cause)))
    }

    /// Waits for the next message.
    #[inline]
    fn receive(&mut self) -> Result<()> {
        loop {
            match self.input.advance() {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => return Err(self.garbled(error)),
            }
            match self.stream.read(self.input.space()) {
                Ok(0) => return Err(self.lost(None)),
                Ok(size) => self.input.filled(size),
                Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(self.lost(Some(cause))),
            }
        }
    }

    /// Waits for a SUCCESS and gives its metadata.
    fn success(&mut self) -> Result<Map> {
        self.receive()?;
        match message::reply(self.input.message()) {
            Ok(Reply::Success(bytes)) => {
                let metadata = message::metadata(bytes);
                self.pending = self.pending.saturating_sub(1);
                metadata.map_err(|error| self.garbled(error))
            }
            _ => Err(self.refusal()),
        }
    }

    /// The error for a message that is neither a row nor a success.
    fn refusal(&mut self) -> Error {
        let error = match message::reply(self.input.message()) {
            Ok(Reply::Failure(bytes)) => message::metadata(bytes).map(|map| failure::error(&map)),
            Ok(Reply::Ignored) => Ok(Error::new(ErrorKind::Server, "the server ignored the request")),
            Ok(_) => Err(Error::unreachable("the server sends replies in an order that makes no sense")),
            Err(error) => Err(error),
        };
        match error {
            Ok(error) => {
                self.pending = self.pending.saturating_sub(1);
                self.state = State::Failed;
                error
            }
            Err(error) => self.garbled(error),
        }
    }

    /// Makes sure that the server listens to the next request.
    fn ready(&mut self) -> Result<()> {
        match self.state {
            State::Ready => return Ok(()),
            State::Lost => return Err(Error::unreachable(format!("the connection to {} is gone", self.peer))),
            State::Failed => {}
        }
        self.put(message::reset);
        self.flush()?;
        // What was under way is answered first, rows of it included.
        while self.pending > 1 {
            self.receive()?;
            match message::reply(self.input.message()) {
                Ok(Reply::Record(_)) => {}
                Ok(_) => self.pending -= 1,
                Err(error) => return Err(self.garbled(error)),
            }
        }
        self.success()?;
        self.state = State::Ready;
        Ok(())
    }

    fn garbled(&mut self, error: Error) -> Error {
        self.state = State::Lost;
        if self.committing { error.retrying(Retry::Unknown) } else { error }
    }

    fn lost(&mut self, cause: Option<std::io::Error>) -> Error {
        self.state = State::Lost;
        let peer = &self.peer;
        let silent = cause
            .as_ref()
            .is_some_and(|cause| matches!(cause.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut));
        let error = match silent {
            true => Error::unreachable(format!("{peer} went silent")),
            false => Error::unreachable(format!("{peer} closed the connection")),
        };
        let error = match cause {
            Some(cause) if cause.kind() != std::io::ErrorKind::UnexpectedEof => error.caused_by(cause),
            _ => error,
        };
        if self.committing {
            return error
                .retrying(Retry::Unknown)
                .hint("the last transaction was on its way: whether it is there is unknown");
        }
        error
    }
}

impl<T: Read + Write> fmt::Debug for Client<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({}, Bolt {}, {:?})", self.peer, self.version, self.state)
    }
}

impl<T: Read + Write> Drop for Client<T> {
    fn drop(&mut self) {
        if self.state != State::Lost {
            self.put(message::goodbye);
            let _ = self.flush();
        }
    }
}

/// The handshake.
fn shake<T: Read + Write>(stream: &mut T, peer: &str) -> Result<Version> {
    let broken = |cause: std::io::Error| match cause.kind() {
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => {
            Error::unreachable(format!("{peer} accepts the connection and does not answer"))
                .hint("is it the Bolt port, and does the server demand TLS (+s behind the scheme)?")
        }
        std::io::ErrorKind::InvalidData => Error::unreachable(format!("TLS with {peer} fails")).caused_by(cause),
        _ => Error::unreachable(format!("{peer} closes the connection during the handshake"))
            .caused_by(cause)
            .hint("is it the Bolt port, and does the server demand TLS (+s behind the scheme)?"),
    };
    stream.write_all(&handshake::offer()).and_then(|()| stream.flush()).map_err(broken)?;
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes).map_err(broken)?;
    match handshake::answer(bytes, peer)? {
        Answer::Version(version) => Ok(version),
        Answer::Manifest => {
            let mut list = Vec::new();
            // Byte by byte: what follows belongs to the first message.
            let version = loop {
                if let Some((version, _)) = handshake::manifest(&list, peer)? {
                    break version;
                }
                let mut byte = [0];
                stream.read_exact(&mut byte).map_err(broken)?;
                list.extend_from_slice(&byte);
            };
            stream.write_all(&handshake::confirm(version)).map_err(broken)?;
            Ok(version)
        }
    }
}

#[cfg(test)]
mod tests;
