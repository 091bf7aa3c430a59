//! A server that stands in for Memgraph. It is **not** Memgraph: it was written from records of 3.6.2 and knows no more than they tell.
//!
//! It speaks Bolt 5.2, keeps a graph in memory, gives every transaction a snapshot, refuses the second writer to a node with the recorded
//! text, checks constraints at COMMIT, refuses schema changes inside transactions, creates silently nothing where an end is missing, and in
//! analytical mode takes nothing back. It understands the clauses that we send (`emulated/cypher.rs`) and no others: an unknown one is a syntax error.
//! Faults come on demand.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

mod cypher;
mod ddl;
mod physical;
mod store;

use graphferry::model::{Cursor, Map, Value};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use store::{Store, Transaction};

pub const CLIENT: &str = "Memgraph.ClientError.MemgraphError.MemgraphError";
pub const TRANSIENT: &str = "Memgraph.TransientError.MemgraphError.MemgraphError";

/// What a statement fails with: code and text.
pub type Refusal = (&'static str, String);

pub fn refuse<T>(code: &'static str, text: impl Into<String>) -> Result<T, Refusal> {
    Err((code, text.into()))
}

/// What goes wrong, once.
#[derive(Clone, Debug)]
pub enum Fault {
    /// COMMIT does its work and the connection is closed without an answer.
    CutAfterCommit,
    /// COMMIT does nothing and the connection is closed: the transaction is given up.
    CutBeforeCommit,
    /// COMMIT is not answered; the transaction goes on, and ends with a commit after so many milliseconds.
    LateCommit(u64),
    /// The next statement with this in its text is done, and the connection is closed without an answer.
    CutAfter(&'static str),
    /// The next statement with this in its text fails half-way.
    Refuse(&'static str, &'static str, &'static str),
    /// The connection is closed before (`false`) or after (`true`) this very statement is done.
    CutAt(&'static str, bool),
    /// This very statement fails.
    RefuseAt(&'static str),
    /// Statements with more rows than this fail as those do that need too much memory.
    Limit(usize),
}

#[derive(Default)]
pub struct Shared {
    store: Mutex<Store>,
    faults: Mutex<Vec<Fault>>,
    heard: Mutex<Vec<String>>,
    /// How long a statement takes that writes rows.
    delay: Mutex<Duration>,
    at_work: AtomicUsize,
    most_at_work: AtomicUsize,
    open: Mutex<Vec<(u64, Vec<String>)>>,
    terminated: Mutex<Vec<u64>>,
    pub edge_properties_off: Mutex<bool>,
    /// Statements that are done at once and answered late.
    slow: Mutex<Option<(&'static str, Duration)>>,
    /// Every connection is closed.
    gone: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server that listens.
#[derive(Clone)]
pub struct Emulated {
    port: u16,
    pub shared: Arc<Shared>,
}

impl Emulated {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared: Arc<Shared> = Arc::default();
        let server = Self { port, shared: Arc::clone(&shared) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    let mut talk = Talk {
                        stream,
                        shared,
                        transaction: None,
                        rows: Vec::new(),
                        last: Map::new(),
                        own: false,
                        failed: false,
                    };
                    let _ = talk.run();
                    talk.give_up();
                });
            }
        });
        server
    }

    pub fn url(&self) -> String {
        format!("memgraph://127.0.0.1:{}", self.port)
    }

    /// Removes everything, as a new server has it.
    pub fn wipe(&self) {
        *lock(&self.shared.store) = Store::default();
    }

    pub fn fault(&self, fault: Fault) {
        lock(&self.shared.faults).push(fault);
    }

    pub fn statements(&self) -> Vec<String> {
        lock(&self.shared.heard).clone()
    }

    pub fn forget_statements(&self) {
        lock(&self.shared.heard).clear();
    }

    pub fn delay(&self, delay: Duration) {
        *lock(&self.shared.delay) = delay;
    }

    /// The most statements that wrote rows at one time.
    pub fn most_at_work(&self) -> usize {
        self.shared.most_at_work.load(Ordering::SeqCst)
    }

    /// Answers a statement late.
    pub fn answer_late(&self, statement: &'static str, delay: Duration) {
        *lock(&self.shared.slow) = Some((statement, delay));
    }

    /// Nobody can talk to it any more, or all can again.
    pub fn set_gone(&self, gone: bool) {
        self.shared.gone.store(gone, Ordering::SeqCst);
    }

    /// Its data directory as we see it, and the snapshot there that it makes next.
    pub fn set_folder(&self, folder: &std::path::Path, snapshot: &str) {
        lock(&self.shared.store).disk.folder = Some((folder.to_owned(), snapshot.to_owned()));
    }

    pub fn is_locked(&self) -> bool {
        lock(&self.shared.store).disk.is_locked
    }

    pub fn set_locked(&self, locked: bool) {
        lock(&self.shared.store).disk.is_locked = locked;
    }

    /// What it was asked about its files.
    pub fn physical(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.shared.store).disk.heard)
    }

    /// How many nodes a text index knows.
    pub fn text_index(&self, name: &str) -> Option<i64> {
        lock(&self.shared.store).schema.text_index(name)
    }

    pub fn conflicts(&self) -> usize {
        lock(&self.shared.store).conflicts
    }

    pub fn mode(&self) -> String {
        lock(&self.shared.store).mode().to_owned()
    }

    pub fn set_mode(&self, analytical: bool) {
        lock(&self.shared.store).analytical = analytical;
    }

    pub fn snapshots(&self) -> usize {
        lock(&self.shared.store).snapshots
    }

    /// Nodes and relationships, those of a ledger among them.
    pub fn size(&self) -> (usize, usize) {
        let store = lock(&self.shared.store);
        (store.graph.nodes.len(), store.graph.relationships.len())
    }

    /// Nodes of a ledger.
    pub fn ledger(&self) -> usize {
        let store = lock(&self.shared.store);
        store.graph.nodes.values().filter(|node| node.labels.iter().any(|label| label == "__GraphFerry__")).count()
    }

    pub fn triggers(&self) -> Vec<String> {
        lock(&self.shared.store).schema.triggers()
    }

    /// Runs statements.
    pub fn run(&self, statements: &[&str]) {
        for text in statements {
            let mut talk_store = lock(&self.shared.store);
            if ddl::is_ddl(text) {
                ddl::run(&mut talk_store, text).unwrap();
            } else {
                let mut transaction = talk_store.begin();
                cypher::run(&mut talk_store, &mut transaction, text, &Map::new(), false).unwrap();
                talk_store.commit(transaction).unwrap();
            }
        }
    }
}

struct Talk {
    stream: TcpStream,
    shared: Arc<Shared>,
    transaction: Option<Transaction>,
    rows: Vec<Vec<u8>>,
    last: Map,
    /// The statement under way has a transaction of its own.
    own: bool,
    failed: bool,
}

enum Next {
    Go,
    Close,
}

impl Talk {
    fn run(&mut self) -> std::io::Result<()> {
        let mut offer = [0; 20];
        self.stream.read_exact(&mut offer)?;
        self.stream.write_all(&[0, 0, 2, 5])?;
        loop {
            let message = self.receive()?;
            let tag = message[1];
            let mut cursor = Cursor::new(&message[2..]);
            let mut fields = Vec::new();
            while !cursor.is_at_end() {
                fields.push(Value::read(&mut cursor).unwrap());
            }
            if self.failed && !matches!(tag, 0x0F | 0x02) {
                self.send(&[0xB0, 0x7E])?;
                continue;
            }
            match self.answer(tag, &fields) {
                Ok(Next::Go) => {}
                Ok(Next::Close) => return Ok(()),
                Err(Ok((code, text))) => {
                    // A failure ends the transaction.
                    self.give_up();
                    self.failed = true;
                    let metadata: Map = [("code", code), ("message", &text)]
                        .map(|(key, text)| (key.to_owned(), text.into()))
                        .into_iter()
                        .collect();
                    self.send(&[vec![0xB1, 0x7F], Value::Map(metadata).to_packstream()].concat())?;
                }
                Err(Err(error)) => return Err(error),
            }
        }
    }

    fn answer(&mut self, tag: u8, fields: &[Value]) -> Result<Next, Result<Refusal, std::io::Error>> {
        let io = |done: std::io::Result<()>| done.map_err(Err);
        match tag {
            // HELLO, LOGON.
            0x01 | 0x6A => {
                let server = "Neo4j/v5.11.0 compatible graph database server - Memgraph";
                io(self.success(&[("server", server.into()), ("connection_id", "bolt-1".into())]))?;
            }
            0x02 => return Ok(Next::Close),
            0x0F => {
                self.give_up();
                self.failed = false;
                self.rows.clear();
                io(self.success(&[]))?;
            }
            0x11 => {
                self.begin();
                io(self.success(&[]))?;
            }
            0x12 => {
                if self.transaction.is_none() {
                    return Err(Ok((CLIENT, "No current transaction to commit.".to_owned())));
                }
                let fault = self.fault(|fault| {
                    matches!(fault, Fault::CutAfterCommit | Fault::CutBeforeCommit | Fault::LateCommit(_))
                });
                match fault {
                    Some(Fault::CutBeforeCommit) => return Ok(Next::Close),
                    Some(Fault::LateCommit(wait)) => {
                        let (shared, transaction) = (Arc::clone(&self.shared), self.transaction.take().unwrap());
                        thread::spawn(move || {
                            thread::sleep(Duration::from_millis(wait));
                            let _ = lock(&shared.store).commit(transaction);
                        });
                        return Ok(Next::Close);
                    }
                    Some(_) => {
                        let _ = self.commit();
                        return Ok(Next::Close);
                    }
                    None => {}
                }
                self.commit().map_err(Ok)?;
                io(self.success(&[]))?;
            }
            0x13 => {
                self.give_up();
                io(self.success(&[]))?;
            }
            0x10 => {
                let text = fields[0].as_str().unwrap().to_owned();
                let parameters = fields[1].as_map().unwrap().clone();
                if self.shared.gone.load(Ordering::SeqCst) {
                    return Ok(Next::Close);
                }
                lock(&self.shared.heard).push(text.clone());
                let cut = self.fault(|fault| matches!(fault, Fault::CutAt(at, _) if text == *at));
                if matches!(cut, Some(Fault::CutAt(_, false))) {
                    return Ok(Next::Close);
                }
                self.statement(&text, &parameters).map_err(Ok)?;
                let slow = lock(&self.shared.slow).filter(|(at, _)| text == *at);
                if let Some((_, delay)) = slow {
                    thread::sleep(delay);
                }
                if cut.is_some() {
                    return Ok(Next::Close);
                }
                if self.fault(|fault| matches!(fault, Fault::CutAfter(part) if text.contains(part))).is_some() {
                    return Ok(Next::Close);
                }
                let columns = self.last.get("columns").cloned().unwrap_or(Value::List(Vec::new()));
                io(self.success(&[("fields", columns)]))?;
            }
            0x3F => {
                for row in std::mem::take(&mut self.rows) {
                    io(self.send(&row))?;
                }
                if std::mem::take(&mut self.own) {
                    self.commit().map_err(Ok)?;
                }
                let stats = self.last.get("stats").cloned().unwrap_or(Value::Map(Map::new()));
                io(self.success(&[("stats", stats), ("has_more", false.into()), ("type", "rw".into())]))?;
            }
            _ => return Ok(Next::Close),
        }
        Ok(Next::Go)
    }

    fn fault(&self, wanted: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut faults = lock(&self.shared.faults);
        let at = faults.iter().position(wanted)?;
        Some(faults.remove(at))
    }

    fn begin(&mut self) {
        let transaction = lock(&self.shared.store).begin();
        lock(&self.shared.open).push((transaction.id, Vec::new()));
        self.transaction = Some(transaction);
    }

    fn ended(&self, id: u64) {
        lock(&self.shared.open).retain(|(open, _)| *open != id);
    }

    fn commit(&mut self) -> Result<(), Refusal> {
        let transaction = self.transaction.take().unwrap();
        self.ended(transaction.id);
        lock(&self.shared.store).commit(transaction)
    }

    fn give_up(&mut self) {
        self.own = false;
        if let Some(transaction) = self.transaction.take() {
            self.ended(transaction.id);
            lock(&self.shared.store).roll_back(transaction);
        }
    }

    fn statement(&mut self, text: &str, parameters: &Map) -> Result<(), Refusal> {
        self.last.clear();
        let shared = Arc::clone(&self.shared);
        if let Some(Fault::Refuse(_, code, message)) =
            self.fault(|fault| matches!(fault, Fault::Refuse(part, _, _) if text.contains(part)))
        {
            if lock(&shared.store).analytical {
                let mut rows = parameters.clone();
                if let Some(Value::List(list)) = rows.get_mut("rows") {
                    list.truncate(list.len() / 2);
                }
                let mut store = lock(&shared.store);
                let transaction = self.transaction.as_mut().unwrap();
                let _ = cypher::run(&mut store, transaction, text, &rows, false);
            }
            return refuse(code, message);
        }
        if text == "SHOW TRANSACTIONS" {
            let open = lock(&shared.open).clone();
            let rows = open.into_iter().map(|(id, texts)| {
                let texts = texts.iter().map(|text| Value::from(text.as_str())).collect();
                vec!["".into(), Value::from(id.to_string().as_str()), Value::List(texts), Value::Map(Map::new())]
            });
            self.told(&["username", "transaction_id", "query", "metadata"], rows.collect());
            return Ok(());
        }
        if let Some(id) = text.strip_prefix("TERMINATE TRANSACTIONS \"").and_then(|rest| rest.strip_suffix('"')) {
            let id = id.parse().unwrap();
            let there = lock(&shared.open).iter().any(|(open, _)| *open == id);
            lock(&shared.terminated).push(id);
            self.told(&["transaction_id", "killed"], vec![vec![id.to_string().as_str().into(), there.into()]]);
            return Ok(());
        }
        if self.fault(|fault| matches!(fault, Fault::RefuseAt(at) if text == *at)).is_some() {
            return refuse(CLIENT, "The statement failed, as the test wants it.");
        }
        if physical::is_physical(text) {
            let (columns, rows) = physical::run(&mut lock(&shared.store), text)?;
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            self.told(&columns, rows);
            return Ok(());
        }
        if ddl::is_ddl(text) {
            if self.transaction.is_some() && text != "SHOW ENUMS" && text != "DUMP DATABASE" {
                return refuse(CLIENT, "Index manipulation is not allowed in multicommand transactions.");
            }
            let mut store = lock(&shared.store);
            if store.others_open()
                && (text.starts_with("CREATE INDEX")
                    || text.contains("CONSTRAINT ON")
                    || text.starts_with("CREATE ENUM"))
            {
                return refuse(
                    TRANSIENT,
                    "Cannot get unique access to the storage. Try stopping other queries that are running in parallel.",
                );
            }
            let (columns, rows) = ddl::run(&mut store, text)?;
            drop(store);
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            self.told(&columns, rows);
            return Ok(());
        }
        if self.transaction.is_none() {
            self.begin();
            self.own = true;
        }
        let rows = parameters.get("rows").and_then(Value::as_list).map_or(0, <[Value]>::len);
        let limit = lock(&shared.faults).iter().find_map(|fault| match fault {
            Fault::Limit(limit) => Some(*limit),
            _ => None,
        });
        if limit.is_some_and(|limit| rows > limit) {
            return refuse(
                TRANSIENT,
                "Memory limit exceeded! Attempting to allocate a chunk of 1.00MiB which would put the current use to 2.00GiB, while the maximum allowed size for allocation is set to 2.00GiB.",
            );
        }
        let transaction = self.transaction.as_mut().unwrap();
        if lock(&shared.terminated).contains(&transaction.id) {
            return refuse(TRANSIENT, "Transaction was asked to abort by another user.");
        }
        if let Some((_, texts)) = lock(&shared.open).iter_mut().find(|(id, _)| *id == transaction.id) {
            texts.push(text.to_owned());
        }
        let delay = *lock(&shared.delay);
        if rows > 0 && !delay.is_zero() {
            let now = shared.at_work.fetch_add(1, Ordering::SeqCst) + 1;
            shared.most_at_work.fetch_max(now, Ordering::SeqCst);
            thread::sleep(delay);
            shared.at_work.fetch_sub(1, Ordering::SeqCst);
        }
        let edge_properties = !*lock(&shared.edge_properties_off);
        let mut store = lock(&shared.store);
        let outcome = cypher::run(&mut store, transaction, text, parameters, !edge_properties)?;
        drop(store);
        let columns: Vec<&str> = outcome.columns.iter().map(String::as_str).collect();
        self.told(&columns, outcome.rows);
        let stats = outcome.stats.iter().map(|(key, count)| ((*key).to_owned(), Value::Integer(*count))).collect();
        self.last.insert("stats".to_owned(), Value::Map(stats));
        Ok(())
    }

    fn told(&mut self, columns: &[&str], rows: Vec<Vec<Value>>) {
        let columns = columns.iter().map(|name| Value::from(*name)).collect();
        self.last.insert("columns".to_owned(), Value::List(columns));
        let row = |row: Vec<Value>| [vec![0xB1, 0x71], Value::List(row).to_packstream()].concat();
        self.rows = rows.into_iter().map(row).collect();
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

    fn send(&mut self, message: &[u8]) -> std::io::Result<()> {
        let mut out = Vec::new();
        // The first chunk of a message may be one byte.
        let (head, tail) = message.split_at(1);
        for part in std::iter::once(head).chain(tail.chunks(0xFFFF)).filter(|part| !part.is_empty()) {
            out.extend((part.len() as u16).to_be_bytes());
            out.extend(part);
        }
        out.extend([0, 0]);
        self.stream.write_all(&out)
    }

    fn success(&mut self, entries: &[(&str, Value)]) -> std::io::Result<()> {
        let map: Map = entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        self.send(&[vec![0xB1, 0x70], Value::Map(map).to_packstream()].concat())
    }
}
