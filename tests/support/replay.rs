//! A server that replays what Memgraph 3.6.2 was recorded to say (fixtures/memgraph-3.6.2).
//!
//! It is no Memgraph: it knows the statements of the records and no others, and answers them with the rows that were recorded. What the records prove of
//! the protocol it does too: which versions it agrees to, whose logins it takes, SHOW refused inside a transaction, requests ignored after a failure until
//! a RESET, messages cut into chunks at odd places. Its writer of PackStream is its own, so that ours is not its own witness. What it
//! heard is kept: a test looks at it.

use graphferry::model::{Cursor, Map, Value};
use serde_json::{Value as Json, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// How Memgraph names itself in HELLO.
pub(crate) const AGENT: &str = "Neo4j/v5.11.0 compatible graph database server - Memgraph";
/// The codes of its failures.
pub(crate) const CLIENT: &str = "Memgraph.ClientError.MemgraphError.MemgraphError";
pub(crate) const TRANSIENT: &str = "Memgraph.TransientError.MemgraphError.MemgraphError";

/// What a statement is answered with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) columns: Vec<String>,
    /// Rows in the notation of the records.
    pub(crate) rows: Vec<Json>,
    /// What comes after the rows instead of the end.
    pub(crate) fault: Option<Fault>,
}

/// How a statement ends badly.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// FAILURE with this code and text.
    Failure(String, String),
    /// The connection closes.
    Close,
}

/// One request of a client.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heard {
    /// The message's tag.
    pub(crate) tag: u8,
    /// RUN: the statement.
    pub(crate) text: String,
    /// The last field: a map, but for messages without fields.
    pub(crate) extra: Map,
    /// Whether a transaction was open.
    pub(crate) inside: bool,
}

/// What the server is told to be.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// The versions that it speaks.
    pub(crate) versions: Vec<(u8, u8)>,
    answers: Vec<(String, Answer)>,
    /// Answers from the second time on.
    later: Vec<(String, Answer)>,
    /// Cut every message after its first byte.
    pub(crate) chop: bool,
}

/// A running server.
pub(crate) struct Replay {
    port: u16,
    heard: Arc<Mutex<Vec<Heard>>>,
    offers: Arc<Mutex<Vec<[u8; 20]>>>,
}

/// The lines of the records.
pub(crate) fn records() -> Vec<Json> {
    lines("records.jsonl")
}

fn lines(name: &str) -> Vec<Json> {
    let path = format!("{}/fixtures/memgraph-3.6.2/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

impl Script {
    /// Everything that was recorded of a graph: `torture`, `empty`, `on-disk`.
    pub(crate) fn of(graph: &str) -> Self {
        let versions = vec![(1, 0), (4, 0), (4, 1), (4, 3), (5, 2)];
        let mut script = Self { versions, answers: Vec::new(), later: Vec::new(), chop: true };
        for record in records().iter().filter(|record| record["graph"] == graph) {
            let columns = record["columns"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned());
            let rows = record["rows"].as_array().unwrap().clone();
            script.answers.push((
                record["query"].as_str().unwrap().to_owned(),
                Answer { columns: columns.collect(), rows, fault: None },
            ));
        }
        script
    }

    /// The torture graph with its nodes and relationships as this version of Bolt carries them: put together by tests/witness/memgraph_torture.py.
    pub(crate) fn torture(bolt: u8) -> Self {
        let mut script = Self::of("torture");
        for (query, column) in [("MATCH (n) RETURN n", "n"), ("MATCH ()-[r]->() RETURN r", "r")] {
            let rows = lines(&format!("rows-bolt-{bolt}.jsonl"));
            let rows = rows.into_iter().filter(|row| row["query"] == query).map(|row| row["row"].clone()).collect();
            script = script.with(query, &[column], rows);
        }
        script.versions.retain(|(major, _)| *major == bolt);
        script.with_names(&["n:`__mg_vertex__`"], &["n.`__mg_id__`"])
    }

    /// Answers to the look for names that helpers could collide with.
    pub(crate) fn with_names(mut self, labels: &[&str], properties: &[&str]) -> Self {
        for label in ["__mg_vertex__", "__mg_vertex__2__", "__graphferry_node__"] {
            let count = i64::from(labels.contains(&format!("n:`{label}`").as_str()));
            self = self.with(&format!("MATCH (n:`{label}`) RETURN count(n)"), &["count(n)"], vec![json!([count])]);
        }
        for name in ["__mg_id__", "__mg_id__2__", "__graphferry_id__"] {
            let count = i64::from(properties.contains(&format!("n.`{name}`").as_str()));
            let query = format!("MATCH (n) WHERE n.`{name}` IS NOT NULL RETURN count(n)");
            self = self.with(&query, &["count(n)"], vec![json!([count])]);
        }
        self
    }

    /// Another answer to a statement.
    pub(crate) fn with(mut self, query: &str, columns: &[&str], rows: Vec<Json>) -> Self {
        self.answers.retain(|(known, _)| known != query);
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        self.answers.push((query.to_owned(), Answer { columns, rows, fault: None }));
        self
    }

    /// The answer from the second time on.
    pub(crate) fn later(mut self, query: &str, change: impl FnOnce(&mut Answer)) -> Self {
        let mut answer = self.answer(query).unwrap();
        change(&mut answer);
        self.later.push((query.to_owned(), answer));
        self
    }

    /// Changes an answer.
    pub(crate) fn change(mut self, query: &str, change: impl FnOnce(&mut Answer)) -> Self {
        let (_, answer) = self.answers.iter_mut().find(|(known, _)| known == query).unwrap();
        change(answer);
        self
    }

    /// Makes a statement end badly after so many rows.
    pub(crate) fn failing(self, query: &str, rows: usize, fault: Fault) -> Self {
        self.change(query, |answer| {
            answer.rows.truncate(rows);
            answer.fault = Some(fault);
        })
    }

    fn answer(&self, query: &str) -> Option<Answer> {
        self.answers.iter().find(|(known, _)| known == query).map(|(_, answer)| answer.clone())
    }

    /// Begins to listen.
    pub(crate) fn start(self) -> Replay {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (heard, offers) = (Arc::default(), Arc::default());
        let replay = Replay { port, heard: Arc::clone(&heard), offers: Arc::clone(&offers) };
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                stream.set_nodelay(true).unwrap();
                let (script, heard, offers) = (self.clone(), Arc::clone(&heard), Arc::clone(&offers));
                thread::spawn(move || {
                    let mut talk = Talk {
                        stream,
                        script,
                        heard,
                        pending: Vec::new(),
                        inside: false,
                        failed: false,
                        asked: Vec::new(),
                    };
                    let _ = talk.run(&offers);
                });
            }
        });
        replay
    }
}

impl Replay {
    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("memgraph://127.0.0.1:{}", self.port)
    }

    /// Host and port, as errors name it.
    pub(crate) fn peer(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// All that was asked, in order.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// The first bytes of each connection.
    pub(crate) fn offers(&self) -> Vec<[u8; 20]> {
        self.offers.lock().unwrap().clone()
    }
}

struct Talk {
    stream: TcpStream,
    script: Script,
    heard: Arc<Mutex<Vec<Heard>>>,
    /// Rows of the statement under way, packed.
    pending: Vec<Vec<u8>>,
    inside: bool,
    failed: bool,
    asked: Vec<String>,
}

impl Talk {
    fn run(&mut self, offers: &Mutex<Vec<[u8; 20]>>) -> std::io::Result<()> {
        let mut offer = [0; 20];
        self.stream.read_exact(&mut offer)?;
        offers.lock().unwrap().push(offer);
        let agreed = offer[4..].chunks(4).find_map(|proposal| {
            let (range, minor, major) = (proposal[1], proposal[2], proposal[3]);
            let fits =
                |version: &&(u8, u8)| version.0 == major && (minor.saturating_sub(range)..=minor).contains(&version.1);
            self.script.versions.iter().rev().find(fits).copied()
        });
        let Some((major, minor)) = agreed else {
            // As recorded: a FAILURE in one chunk, which stands where a version should.
            self.script.chop = false;
            let text = "Something went wrong while executing the query! Check the server logs for more details.";
            return self.failure("Memgraph.ExecutionException", text);
        };
        self.stream.write_all(&[0, 0, minor, major])?;
        let mut fault = None;
        loop {
            let message = self.receive()?;
            let (tag, fields) = parse(&message);
            let text = fields.iter().find_map(Value::as_str).unwrap_or_default().to_owned();
            let extra = fields.last().and_then(Value::as_map).cloned().unwrap_or_default();
            let heard = Heard { tag, text: text.clone(), extra: extra.clone(), inside: self.inside };
            self.heard.lock().unwrap().push(heard);
            if self.failed && !matches!(tag, 0x0F | 0x02) {
                self.send(&[0xB0, 0x7E])?;
                continue;
            }
            match tag {
                // HELLO, LOGON.
                0x01 | 0x6A => {
                    let scheme = extra.get("scheme").and_then(Value::as_str);
                    if matches!(scheme, Some("bearer" | "kerberos")) {
                        self.failure("Memgraph.ClientError.Security.Unauthenticated", "Authentication failure")?;
                        continue;
                    }
                    if scheme.is_none() && major == 4 {
                        return Ok(());
                    }
                    self.success(&json!({"connection_id": "bolt-1", "server": AGENT}))?;
                }
                0x02 => return Ok(()),
                0x0F => {
                    (self.failed, self.inside) = (false, false);
                    self.pending.clear();
                    self.success(&json!({}))?;
                }
                // BEGIN.
                0x11 => {
                    self.inside = true;
                    self.success(&json!({}))?;
                }
                // COMMIT, ROLLBACK.
                0x12 | 0x13 => {
                    if !std::mem::replace(&mut self.inside, false) {
                        let verb = if tag == 0x12 { "commit" } else { "rollback" };
                        self.failure(CLIENT, &format!("No current transaction to {verb}."))?;
                        continue;
                    }
                    self.success(&json!({}))?;
                }
                // RUN.
                0x10 => fault = self.statement(&text)?,
                // PULL.
                0x3F => {
                    let wanted = extra.get("n").and_then(Value::as_integer).unwrap_or(-1);
                    let size = usize::try_from(wanted).unwrap_or(usize::MAX).min(self.pending.len());
                    let rest = self.pending.split_off(size);
                    for row in std::mem::replace(&mut self.pending, rest) {
                        self.send(&row)?;
                    }
                    match (self.pending.is_empty(), fault.take()) {
                        (true, Some(Fault::Close)) => return Ok(()),
                        (true, Some(Fault::Failure(code, text))) => {
                            self.inside = false;
                            self.failure(&code, &text)?;
                        }
                        (done, left) => {
                            fault = left;
                            self.success(&json!({"has_more": !done, "db": "memgraph", "type": "rw"}))?;
                        }
                    }
                }
                // ROUTE, LOGOFF and all else: Memgraph has no answer that helps, and we must not ask.
                _ => return Ok(()),
            }
        }
    }

    fn statement(&mut self, text: &str) -> std::io::Result<Option<Fault>> {
        if self.inside && text.starts_with("SHOW ") && text != "SHOW ENUMS" {
            self.inside = false;
            let record = records()
                .into_iter()
                .find(|record| record["graph"] == "inside a transaction" && record["error"].is_object());
            let error = &record.unwrap()["error"];
            self.failure(error["code"].as_str().unwrap(), error["message"].as_str().unwrap())?;
            return Ok(None);
        }
        let again = self.asked.iter().any(|known| known == text);
        self.asked.push(text.to_owned());
        let later =
            self.script.later.iter().find(|(known, _)| again && known == text).map(|(_, answer)| answer.clone());
        let Some(answer) = later.or_else(|| self.script.answer(text)) else {
            let word = text.split(' ').next().unwrap_or_default();
            self.inside = false;
            let why = format!(
                "Error on line 1 position 1. The underlying parsing error is mismatched input '{word}' expecting {{ADD, ALTER}}"
            );
            self.failure(CLIENT, &why)?;
            return Ok(None);
        };
        self.pending = answer.rows.iter().map(|row| [vec![0xB1, 0x71], packed(row)].concat()).collect();
        self.success(&json!({"fields": answer.columns}))?;
        Ok(answer.fault)
    }

    fn receive(&mut self) -> std::io::Result<Vec<u8>> {
        let mut message = Vec::new();
        loop {
            let mut size = [0; 2];
            self.stream.read_exact(&mut size)?;
            let size = usize::from(u16::from_be_bytes(size));
            if size == 0 && !message.is_empty() {
                return Ok(message);
            }
            let from = message.len();
            message.resize(from + size, 0);
            self.stream.read_exact(&mut message[from..])?;
        }
    }

    /// Sends a message; the first chunk may be one byte, as Memgraph's is where its buffer ends.
    fn send(&mut self, message: &[u8]) -> std::io::Result<()> {
        let mut out = Vec::new();
        let (head, tail) = message.split_at(usize::from(self.script.chop));
        for part in std::iter::once(head).chain(tail.chunks(0xFFFF)).filter(|part| !part.is_empty()) {
            out.extend((part.len() as u16).to_be_bytes());
            out.extend(part);
        }
        out.extend([0, 0]);
        self.stream.write_all(&out)
    }

    fn success(&mut self, metadata: &Json) -> std::io::Result<()> {
        self.send(&[vec![0xB1, 0x70], packed(metadata)].concat())
    }

    fn failure(&mut self, code: &str, text: &str) -> std::io::Result<()> {
        self.failed = true;
        self.send(&[vec![0xB1, 0x7F], packed(&json!({"code": code, "message": text}))].concat())
    }
}

fn parse(message: &[u8]) -> (u8, Vec<Value>) {
    let mut cursor = Cursor::new(message.get(2..).unwrap_or_default());
    let mut fields = Vec::new();
    while !cursor.is_at_end() {
        fields.push(Value::read(&mut cursor).unwrap());
    }
    (message[1], fields)
}

/// A value of the records as PackStream.
pub(crate) fn packed(value: &Json) -> Vec<u8> {
    let mut out = Vec::new();
    pack(value, &mut out);
    out
}

fn size(out: &mut Vec<u8>, tiny: u8, wide: u8, size: usize) {
    match size {
        0..=15 if tiny != 0 => out.push(tiny | size as u8),
        0..=0xFF => out.extend([wide, size as u8]),
        0x100..=0xFFFF => {
            out.push(wide + 1);
            out.extend((size as u16).to_be_bytes());
        }
        _ => {
            out.push(wide + 2);
            out.extend((size as u32).to_be_bytes());
        }
    }
}

fn pack(value: &Json, out: &mut Vec<u8>) {
    match value {
        Json::Null => out.push(0xC0),
        Json::Bool(value) => out.push(if *value { 0xC3 } else { 0xC2 }),
        Json::Number(number) => {
            // As Memgraph writes them: the narrowest form that fits.
            let number = number.as_i64().unwrap();
            match number {
                -16..=127 => out.push(number as u8),
                -128..=-17 => out.extend([0xC8, number as u8]),
                -32_768..=32_767 => {
                    out.push(0xC9);
                    out.extend((number as i16).to_be_bytes());
                }
                -2_147_483_648..=2_147_483_647 => {
                    out.push(0xCA);
                    out.extend((number as i32).to_be_bytes());
                }
                _ => {
                    out.push(0xCB);
                    out.extend(number.to_be_bytes());
                }
            }
        }
        Json::String(text) => {
            size(out, 0x80, 0xD0, text.len());
            out.extend(text.as_bytes());
        }
        Json::Array(list) => {
            size(out, 0x90, 0xD4, list.len());
            list.iter().for_each(|member| pack(member, out));
        }
        Json::Object(map) => match map.get("$type").and_then(Json::as_str) {
            Some("float") => {
                let bits = map.get("bits").and_then(Json::as_str).map(|bits| u64::from_str_radix(bits, 16).unwrap());
                let number = || map["value"].as_str().unwrap().parse::<f64>().unwrap().to_bits();
                out.push(0xC1);
                out.extend(bits.unwrap_or_else(number).to_be_bytes());
            }
            Some("struct") => {
                let fields = map["fields"].as_array().unwrap();
                let tag = map["tag"].as_str().unwrap().trim_start_matches("0x");
                out.extend([0xB0 | fields.len() as u8, u8::from_str_radix(tag, 16).unwrap()]);
                fields.iter().for_each(|field| pack(field, out));
            }
            Some("string_invalid_utf8") => {
                let hex = map["hex"].as_str().unwrap();
                let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap());
                size(out, 0x80, 0xD0, hex.len() / 2);
                out.extend(bytes);
            }
            _ => {
                size(out, 0xA0, 0xD8, map.len());
                for (key, member) in map {
                    pack(&Json::String(key.clone()), out);
                    pack(member, out);
                }
            }
        },
    }
}
