//! HugeGraph's REST interface: paths, what an answer says, and what its errors mean.
//!
//! Proved on 1.5.0. From 1.7 on graphs live in graph spaces, and the paths say so.

use crate::backend::Access;
use crate::backend::access::Credentials;
use crate::backend::url::{Security, Server};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::model::header::Origin;
use crate::wire::http::{Answer, Http, Method, TOO_LARGE};
use crate::wire::{Endpoint, Tls};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The graph that is meant where a URL names none: the one that every server is set up with.
const GRAPH: &str = "hugegraph";

/// How many Gremlin requests this process has made: no two have the same word.
static WORDS: AtomicU64 = AtomicU64::new(0);

/// A graph of a server. Clones share the connections.
#[derive(Clone, Debug)]
pub(super) struct Client {
    http: Http,
    /// `/graphs/hugegraph`, or `/graphspaces/DEFAULT/graphs/hugegraph`.
    root: String,
    /// What Gremlin calls the graph: `hugegraph`, or `DEFAULT-hugegraph`.
    alias: String,
    /// How often a Gremlin request is sent until it is answered.
    tries: usize,
    origin: Origin,
}

/// HugeGraph 1.7 answers Gremlin requests with the answers of earlier ones once it has failed at one: so many of those are waited for.
const STALE: usize = 8;

impl Client {
    /// Looks whether there is such a server and graph.
    pub(super) fn open(server: &Server, access: &Access) -> Result<Self> {
        let access = access.for_user(server.user.as_deref())?;
        let tls = match server.security {
            Security::Plain => Tls::Off,
            Security::Tls => Tls::Verified(access.ca_file.clone()),
            Security::TlsAnyCertificate => Tls::AnyCertificate,
        };
        let authorization = match &access.credentials {
            Credentials::None => None,
            Credentials::Basic { user, password } => {
                Some(format!("Basic {}", BASE64.encode(format!("{user}:{}", password.reveal()))))
            }
            Credentials::Bearer { token } => Some(format!("Bearer {}", token.reveal())),
        };
        let endpoint = Endpoint { host: server.host.clone(), port: server.port, tls };
        let http = Http::new(&endpoint, authorization)?;
        let named = server.database.as_deref().unwrap_or(GRAPH);
        let (space, graph) = named.split_once('/').map_or((None, named), |(space, graph)| (Some(space), graph));

        // Nobody waits for a server that is not there when the work begins.
        let first = Self {
            http: http.clone().with_patience(Duration::from_secs(3)),
            root: String::new(),
            alias: graph.to_owned(),
            tries: 1,
            origin: Origin::default(),
        };
        let versions: Versions = first.get("/versions").map_err(|error| match error.kind() {
            ErrorKind::Corrupt => Error::usage(format!("{} is no HugeGraph", http.peer())).caused_by(error),
            _ => error,
        })?;
        let version = versions.versions.core;
        let has_spaces = at_least(&version, &[1, 7]);
        let space_or_default = space.unwrap_or("DEFAULT");
        let (alias, tries) =
            if has_spaces { (format!("{space_or_default}-{graph}"), STALE) } else { (graph.to_owned(), 1) };
        let root = match (space, has_spaces) {
            (Some(_), false) => {
                return Err(Error::usage(format!("HugeGraph {version} has no graph spaces: they came with 1.7"))
                    .hint(format!("leave the first name of {named:?} out")));
            }
            (None, false) => format!("/graphs/{}", encoded(graph)),
            (_, true) => format!("/graphspaces/{}/graphs/{}", encoded(space_or_default), encoded(graph)),
        };
        let origin =
            Origin { product: "hugegraph".to_owned(), version, edition: String::new(), database: named.to_owned() };
        let client = Self { http, root, alias, tries, origin };
        let first = Self { http: first.http, ..client.clone() };
        first.get::<Json>(&first.path("")).map_err(|error| match error.kind() {
            ErrorKind::Server => {
                Error::unreachable(format!("{} has no graph {graph:?} for us", client.http.peer())).caused_by(error)
            }
            _ => error,
        })?;
        Ok(client)
    }

    /// The same with less patience: for what is done after a failure.
    pub(super) fn in_a_hurry(&self) -> Self {
        Self { http: self.http.clone().with_patience(Duration::from_secs(10)), ..self.clone() }
    }

    /// The same for answers of at most so many bytes; whether one was larger says [`is_too_much`].
    pub(super) fn with_answers_of(&self, bytes: u64) -> Self {
        Self { http: self.http.clone().with_largest(bytes), ..self.clone() }
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The server: `http://localhost:8080`.
    pub(super) fn peer(&self) -> &str {
        self.http.peer()
    }

    /// The path of something of the graph: `/schema/vertexlabels`.
    pub(super) fn path(&self, of: &str) -> String {
        format!("{}{of}", self.root)
    }

    /// Asks for something, as often as it takes.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let body = self.bytes(path)?;
        serde_json::from_slice(&body).map_err(|cause| self.not_understood(path).caused_by(cause))
    }

    /// The same of what is carried: a number in it that would become another one is an error.
    pub(super) fn exact<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let body = self.bytes(path)?;
        let text = std::str::from_utf8(&body).map_err(|cause| self.not_understood(path).caused_by(cause))?;
        crate::hugegraph::are_kept(text).map_err(|cause| {
            Error::refused(format!("{}{path}: {}", self.peer(), cause.message()))
                .hint("change the user data or the variable that has this number")
        })?;
        serde_json::from_str(text).map_err(|cause| self.not_understood(path).caused_by(cause))
    }

    /// The same, as it comes.
    pub(super) fn bytes(&self, path: &str) -> Result<Vec<u8>> {
        self.accept(self.request(Method::Get, path, None, true)?, path)
    }

    /// Sends something; `again` says that it may be sent twice.
    pub(super) fn send(&self, method: Method, path: &str, body: &[u8], again: bool) -> Result<Vec<u8>> {
        self.accept(self.request(method, path, Some(body), again)?, path)
    }

    /// Deletes something; it may be gone already.
    pub(super) fn delete(&self, path: &str) -> Result<Vec<u8>> {
        self.accept(self.request(Method::Delete, path, None, true)?, path)
    }

    /// What a Gremlin expression gives: for what REST does not tell. A traversal has to end in `next()` or `toList()`.
    pub(super) fn gremlin(&self, expression: &str) -> Result<Json> {
        self.gremlin_with(expression, serde_json::json!({}))
    }

    /// The same, with values under the names that the expression uses.
    pub(super) fn gremlin_with(&self, expression: &str, mut bindings: Json) -> Result<Json> {
        // The word says whose answer it is.
        let number = jiff::Timestamp::now().as_nanosecond() as u64 ^ (u64::from(std::process::id()) << 40);
        let word = format!("{number}-{}", WORDS.fetch_add(1, Ordering::Relaxed));
        bindings["graphferry_word"] = Json::from(word.as_str());
        let body = serde_json::json!({
            "gremlin": format!("[graphferry_word, {expression}]"),
            "bindings": bindings, "language": "gremlin-groovy",
            "aliases": {"graph": self.alias, "g": format!("__g_{}", self.alias)},
        });
        let body = body.to_string();
        // Answers come in the order of the requests: the first to have our word is the one to the request that was sent first.
        let mut answer = self.gremlin_once(&body, &word);
        for _ in 1..self.tries {
            match &answer {
                Err(error) if matches!(error.kind(), ErrorKind::Server | ErrorKind::Corrupt) => {}
                _ => break,
            }
            answer = self.gremlin_once(&body, &word);
        }
        answer
    }

    fn gremlin_once(&self, body: &str, word: &str) -> Result<Json> {
        #[derive(Deserialize)]
        struct Outer {
            result: Inner,
        }
        #[derive(Deserialize)]
        struct Inner {
            data: Option<Vec<Json>>,
        }
        let answer = self.send(Method::Post, "/gremlin", body.as_bytes(), true)?;
        let answer: Outer =
            serde_json::from_slice(&answer).map_err(|cause| self.not_understood("/gremlin").caused_by(cause))?;
        let mut data = answer.result.data.unwrap_or_default();
        match (data.first().and_then(Json::as_str), data.len()) {
            (Some(said), 2) if said == word => Ok(data.swap_remove(1)),
            _ => Err(Error::corrupt(format!("{} answers another Gremlin request than ours", self.http.peer()))),
        }
    }

    /// Asks again while the server begins to serve: until its application is there it answers with a page of its web server.
    fn request(&self, method: Method, path: &str, body: Option<&[u8]>, again: bool) -> Result<Answer> {
        let begun = Instant::now();
        loop {
            let answer = self.http.send(method, path, body, again)?;
            let is_page = answer.status >= 400 && answer.body.starts_with(b"<html>");
            if !is_page || !again || begun.elapsed() > self.http.patience() {
                return Ok(answer);
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    fn accept(&self, answer: Answer, path: &str) -> Result<Vec<u8>> {
        let peer = self.http.peer();
        match answer.status {
            200..=299 => Ok(answer.body),
            401 | 403 => Err(Error::unreachable(format!("{peer} denies access"))
                .hint("put the password into $GRAPHFERRY_PASSWORD and the user into the URL")),
            status => {
                let Complaint { exception, message, cause } = Complaint::read(&answer.body);
                let what = if message.is_empty() { format!("status {status}") } else { message };
                let because = if cause.is_empty() || cause == what { String::new() } else { format!(" ({cause})") };
                let short = path.split('?').next().unwrap_or(path);
                let error = Error::new(ErrorKind::Server, format!("{peer}{short}: {what}{because}"));
                // What is wrong with a request is about its data; the rest is about the server.
                let system = if status == 400 { "HugeGraph" } else { "HTTP" };
                let what = if exception.is_empty() { status.to_string() } else { exception };
                let error = error.code(format!("{system}.{what}"));
                Err(if status >= 500 { error.retrying(Retry::Again) } else { error })
            }
        }
    }

    pub(super) fn not_understood(&self, path: &str) -> Error {
        Error::corrupt(format!("the answer of {}{path} is not understood", self.http.peer()))
    }
}

/// The body of an error.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Complaint {
    exception: String,
    message: String,
    cause: String,
}

impl Complaint {
    /// Some errors are plain text, some say nothing.
    fn read(body: &[u8]) -> Self {
        let text = || String::from_utf8_lossy(body).lines().next().unwrap_or_default().chars().take(500).collect();
        let mut read: Self =
            serde_json::from_slice(body).unwrap_or_else(|_| Self { message: text(), ..Self::default() });
        read.exception = read.exception.trim_start_matches("class ").rsplit('.').next().unwrap_or_default().to_owned();
        read
    }
}

/// Whether an error says that more was asked for than an answer may hold, or than the server has memory for.
pub(super) fn is_too_much(error: &Error) -> bool {
    error.server_code().is_some_and(|code| code == TOO_LARGE || code == "HTTP.OutOfMemoryError")
}

/// Whether an error is the server's own, and not about what it was asked for.
pub(super) fn is_about_the_server(error: &Error) -> bool {
    !is_too_much(error) && error.server_code().is_some_and(|code| code.starts_with("HTTP."))
}

#[derive(Deserialize)]
struct Versions {
    versions: Core,
}

#[derive(Deserialize)]
struct Core {
    core: String,
}

/// Text as it has to stand in a path or behind a `=`.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte as char),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Whether a version such as `1.7.0` is at least this one.
fn at_least(version: &str, least: &[u32]) -> bool {
    let parts: Vec<u32> = version.split(['.', '-']).map_while(|part| part.parse().ok()).collect();
    parts.as_slice() >= least
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(at_least("1.7.0", &[1, 7]) && at_least("1.10.0", &[1, 7]) && at_least("2.0", &[1, 7]));
        assert!(!at_least("1.5.0", &[1, 7]) && !at_least("", &[1, 7]));
    }

    #[test]
    fn errors_are_read_in_each_form() {
        let read = Complaint::read(
            br#"{"exception":"class org.apache.hugegraph.exception.ExistedException","message":"m","cause":""}"#,
        );
        assert_eq!((read.exception.as_str(), read.message.as_str()), ("ExistedException", "m"));
        assert_eq!(Complaint::read(b"Unrecognized field \"x\"\n at").message, "Unrecognized field \"x\"");
        assert_eq!(Complaint::read(b"").message, "");
    }

    #[test]
    fn names_are_encoded() {
        assert_eq!(encoded("a b/é"), "a%20b%2F%C3%A9");
    }
}
