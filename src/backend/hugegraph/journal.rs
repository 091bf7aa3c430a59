//! The journal: what HugeGraph itself has no place for, in an SQLite file on this machine, one for each graph of each server.
//!
//! | table | what |
//! |---|---|
//! | `ledger_runs`, `ledger_lines` | the ledger of runs, as the embedded store keeps it |
//! | `found_mode` | the mode that the graph was in before we changed it; gone when it is put back |
//! | `ids` | which vertex a negative number in the ledger means |
//! | `edges` | which edge a number in the ledger means |
//! | `doomed` | edges that an undo has taken out of the ledger and leaves to the deletion of their vertices |
//! | `begun` | batches that are sent, and not noted yet; what is left of them after a kill may be in the graph |
//! | `intents` | lines about what is about to be done to what is there: what was before is known also when it was cut off |
//!
//! The server has no transactions over several requests, so a line cannot be one with its batch: it is written after the batch, and everything that is sent has its id
//! beforehand. A batch whose line is missing is sent again, which changes nothing.

use crate::backend::sqlite::ledger;
use crate::backend::{Entry, Mark, Place};
use crate::error::{Error, Result};
use crate::hugegraph::Id;
use rusqlite::Connection;
use std::borrow::Cow;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS found_mode (mode TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS edges (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS doomed (run TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (run, id)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS begun (
    run TEXT NOT NULL, batch INTEGER NOT NULL, first INTEGER NOT NULL, PRIMARY KEY (run, batch, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS intents (
    run TEXT NOT NULL, batch INTEGER NOT NULL, first INTEGER NOT NULL, entry BLOB NOT NULL, UNIQUE (run, batch, first)
) STRICT;
CREATE TABLE IF NOT EXISTS ids (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, id BLOB NOT NULL) STRICT";

/// The journal of a graph. Sessions share it.
#[derive(Debug)]
pub(super) struct Journal {
    /// `None` keeps it in memory.
    path: Option<PathBuf>,
    connection: Mutex<Option<Connection>>,
    lock: Mutex<Option<File>>,
}

impl Journal {
    /// The journal of a graph in a folder. No file is made before there is something to be noted.
    pub(super) fn new(folder: Option<&Path>, peer: &str, graph: &str) -> Self {
        let address = peer.split_once("://").map_or(peer, |(_, address)| address);
        let plain = |text: &str| -> String {
            let keep = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            text.chars().map(|c| if keep(c) { c.to_string() } else { format!("%{:X}", u32::from(c)) }).collect()
        };
        let name = format!("hugegraph-{}-{}.db", plain(address), plain(graph));
        let path = folder.map(|folder| folder.join(name));
        Self { path, connection: Mutex::new(None), lock: Mutex::new(None) }
    }

    fn doing(&self, what: &'static str) -> impl Fn(rusqlite::Error) -> Error + '_ {
        move |cause| {
            let file = self.path.as_ref().map_or_else(|| "memory".to_owned(), |path| path.display().to_string());
            Error::failed(format!("{what} the journal {file} failed")).caused_by(cause)
        }
    }

    fn open(&self, create: bool) -> Result<MutexGuard<'_, Option<Connection>>> {
        let mut open = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if open.is_none() {
            let connection = match &self.path {
                None => Connection::open_in_memory(),
                Some(path) if !create && !path.exists() => return Ok(open),
                Some(path) => {
                    self.make_folder()?;
                    Connection::open(path)
                }
            };
            let connection = connection.map_err(self.doing("opening"))?;
            let set_up = || {
                connection.busy_timeout(Duration::from_secs(10))?;
                connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
                connection.pragma_update(None, "synchronous", "NORMAL")?;
                connection.execute_batch(TABLES)
            };
            set_up().map_err(self.doing("opening"))?;
            *open = Some(connection);
        }
        Ok(open)
    }

    fn make_folder(&self) -> Result<()> {
        let Some(folder) = self.path.as_ref().and_then(|path| path.parent()) else { return Ok(()) };
        std::fs::create_dir_all(folder).map_err(|cause| {
            Error::io(format!("making the folder {}", folder.display()), cause).hint(
                "the journal of what is written into HugeGraph lies there: $GRAPHFERRY_STATE names another folder",
            )
        })
    }

    fn read<T: Default>(&self, look: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        match &*self.open(false)? {
            Some(connection) => look(connection),
            None => Ok(T::default()),
        }
    }

    fn write<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let mut open = self.open(true)?;
        let connection = open.as_mut().ok_or_else(|| Error::failed("the journal is not open"))?;
        let behavior = rusqlite::TransactionBehavior::Immediate;
        let transaction = connection.transaction_with_behavior(behavior).map_err(self.doing("writing"))?;
        let done = work(&transaction)?;
        transaction.commit().map_err(self.doing("writing"))?;
        Ok(done)
    }

    /// Keeps every other graphferry on this machine away from the graph until [`Journal::unlock`], or until this one is gone.
    pub(super) fn lock(&self) -> Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if lock.is_some() {
            return Ok(());
        }
        self.make_folder()?;
        let path = path.with_extension("lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|cause| Error::io(format!("opening {}", path.display()), cause))?;
        file.try_lock().map_err(|cause| {
            Error::refused("another graphferry on this machine writes into this graph")
                .hint("wait until it has ended")
                .caused_by(cause)
        })?;
        *lock = Some(file);
        Ok(())
    }

    /// Ends [`Journal::lock`].
    pub(super) fn unlock(&self) {
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The mode that the graph was in before we changed it.
    pub(super) fn found_mode(&self) -> Result<Option<String>> {
        self.read(|connection| {
            use rusqlite::OptionalExtension as _;
            let found = connection.query_row("SELECT mode FROM found_mode", [], |row| row.get(0)).optional();
            found.map_err(self.doing("reading"))
        })
    }

    /// Notes it, or that it was put back.
    pub(super) fn note_mode(&self, mode: Option<&str>) -> Result<()> {
        self.write(|connection| {
            let note = || {
                connection.execute("DELETE FROM found_mode", [])?;
                match mode {
                    Some(mode) => connection.execute("INSERT INTO found_mode VALUES (?1)", [mode]).map(drop),
                    None => Ok(()),
                }
            };
            note().map_err(self.doing("writing"))
        })
    }

    pub(super) fn runs(&self) -> Result<Vec<(String, String)>> {
        self.read(ledger::runs)
    }

    pub(super) fn record(&self, run: &str, record: &str) -> Result<()> {
        self.write(|connection| ledger::record(connection, run, record))
    }

    pub(super) fn fence(&self, run: &str) -> Result<i64> {
        self.write(|connection| ledger::fence(connection, run))
    }

    pub(super) fn check(&self, place: &Place) -> Result<()> {
        self.write(|connection| ledger::check(connection, place))
    }

    pub(super) fn find(&self, place: &Place, mark: &Mark) -> Result<Option<Entry>> {
        self.read(|connection| {
            ledger::check(connection, place)?;
            ledger::find(connection, &place.run, mark)
        })
    }

    /// Notes that a batch is about to be sent.
    pub(super) fn begin(&self, run: &str, mark: &Mark) -> Result<()> {
        self.write(|connection| {
            let sql = "INSERT OR IGNORE INTO begun VALUES (?1, ?2, ?3)";
            let key = (run, mark.batch as i64, mark.from as i64);
            let begun = connection.prepare_cached(sql).and_then(|mut insert| insert.execute(key));
            begun.map(drop).map_err(self.doing("writing"))
        })
    }

    /// Notes that nothing of a batch is in the graph.
    pub(super) fn leave(&self, run: &str, mark: &Mark) -> Result<()> {
        self.write(|connection| self.settle(connection, run, mark.batch, mark.from))
    }

    fn settle(&self, connection: &Connection, run: &str, batch: u64, first: u64) -> Result<()> {
        let sql = "DELETE FROM begun WHERE run = ?1 AND batch = ?2 AND first = ?3";
        let key = (run, batch as i64, first as i64);
        let gone = connection.prepare_cached(sql).and_then(|mut delete| delete.execute(key));
        gone.map(drop).map_err(self.doing("writing"))
    }

    /// How many batches were begun and not noted.
    pub(super) fn begun(&self, run: &str) -> Result<u64> {
        self.read(|connection| {
            let sql = "SELECT count(*) FROM begun WHERE run = ?1";
            let count: i64 = connection.query_row(sql, [run], |row| row.get(0)).map_err(self.doing("reading"))?;
            Ok(count as u64)
        })
    }

    /// Writes a line, and which vertices its new negative numbers mean.
    pub(super) fn enter(&self, run: &str, entry: &Entry, ids: &[(i64, Id<'static>)]) -> Result<()> {
        self.write(|connection| {
            let sql = "INSERT OR REPLACE INTO ids VALUES (?1, ?2, ?3)";
            let mut insert = connection.prepare_cached(sql).map_err(self.doing("writing"))?;
            for (number, id) in ids {
                let (kind, bytes) = match id {
                    Id::Number(number) => ("L", Cow::Owned(number.to_string())),
                    Id::Text(text) => ("S", Cow::Borrowed(&**text)),
                    Id::Uuid(text) => ("U", Cow::Borrowed(&**text)),
                };
                insert.execute((number, kind, bytes.as_bytes())).map_err(self.doing("writing"))?;
            }
            self.settle(connection, run, entry.batch, entry.from)?;
            ledger::enter(connection, run, entry)
        })
    }

    /// Writes lines about edges, and which they are.
    pub(super) fn enter_edges(&self, run: &str, lines: Vec<(Entry, Vec<Id<'_>>)>) -> Result<()> {
        self.write(|connection| {
            let sql = "INSERT INTO edges (id) VALUES (?1)";
            let mut insert = connection.prepare_cached(sql).map_err(self.doing("writing"))?;
            for (mut entry, edges) in lines {
                entry.ids.clear();
                for edge in edges {
                    let (Id::Text(text) | Id::Uuid(text)) = edge else { continue };
                    entry.ids.push(insert.insert([text]).map_err(self.doing("writing"))?);
                }
                self.settle(connection, run, entry.batch, entry.from)?;
                ledger::enter(connection, run, &entry)?;
            }
            Ok(())
        })
    }

    /// Which edges these numbers mean.
    pub(super) fn edges(&self, numbers: &[i64]) -> Result<Vec<(i64, Id<'static>)>> {
        self.read(|connection| {
            let sql = "SELECT id FROM edges WHERE number = ?1";
            let mut select = connection.prepare_cached(sql).map_err(self.doing("reading"))?;
            let mut ids = Vec::new();
            for number in numbers {
                let id: String = select.query_row([number], |row| row.get(0)).map_err(self.doing("reading"))?;
                ids.push((*number, Id::Text(id.into())));
            }
            Ok(ids)
        })
    }

    /// Writes lines of what is about to be done, before it is.
    pub(super) fn intend(&self, run: &str, entries: &[&Entry]) -> Result<()> {
        self.write(|connection| {
            let sql = "INSERT OR REPLACE INTO intents VALUES (?1, ?2, ?3, ?4)";
            let mut insert = connection.prepare_cached(sql).map_err(self.doing("writing"))?;
            for entry in entries {
                let key = (run, entry.batch as i64, entry.from as i64, entry.encode()?);
                insert.execute(key).map_err(self.doing("writing"))?;
            }
            Ok(())
        })
    }

    /// The line of what was about to be done.
    pub(super) fn intent(&self, run: &str, mark: &Mark) -> Result<Option<Entry>> {
        use rusqlite::OptionalExtension as _;
        self.read(|connection| {
            let sql = "SELECT entry FROM intents WHERE run = ?1 AND batch = ?2 AND first = ?3";
            let key = (run, mark.batch as i64, mark.from as i64);
            let found = connection.query_row(sql, key, |row| row.get::<_, Vec<u8>>(0)).optional();
            found.map_err(self.doing("reading"))?.map(|entry| Entry::decode(&entry)).transpose()
        })
    }

    /// Removes a line about edges, which are doomed from now on.
    pub(super) fn doom(&self, run: &str, entry: &Entry, edges: &[(i64, Id<'_>)]) -> Result<()> {
        self.write(|connection| {
            let sql = "INSERT OR IGNORE INTO doomed VALUES (?1, ?2)";
            let mut insert = connection.prepare_cached(sql).map_err(self.doing("writing"))?;
            for (_, edge) in edges {
                let (Id::Text(text) | Id::Uuid(text)) = edge else { continue };
                insert.execute((run, &**text)).map_err(self.doing("writing"))?;
            }
            ledger::strike(connection, run, entry)
        })
    }

    /// Whether all these edges are doomed.
    pub(super) fn are_doomed(&self, run: &str, edges: &[String]) -> Result<bool> {
        self.read(|connection| {
            let sql = "SELECT 1 FROM doomed WHERE run = ?1 AND id = ?2";
            let mut select = connection.prepare_cached(sql).map_err(self.doing("reading"))?;
            for edge in edges {
                if !select.exists((run, edge)).map_err(self.doing("reading"))? {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// Some edges that are doomed, at most so many.
    pub(super) fn doomed(&self, run: &str, most: usize) -> Result<Vec<Id<'static>>> {
        self.read(|connection| {
            let sql = "SELECT id FROM doomed WHERE run = ?1 ORDER BY id LIMIT ?2";
            let mut select = connection.prepare_cached(sql).map_err(self.doing("reading"))?;
            let ids = select.query_map((run, most as i64), |row| row.get::<_, String>(0));
            let ids = ids.map_err(self.doing("reading"))?;
            ids.map(|id| Ok(Id::Text(id.map_err(self.doing("reading"))?.into()))).collect()
        })
    }

    /// Notes that doomed edges are gone.
    pub(super) fn are_gone(&self, run: &str, edges: &[impl AsRef<str>]) -> Result<()> {
        self.write(|connection| {
            let sql = "DELETE FROM doomed WHERE run = ?1 AND id = ?2";
            let mut delete = connection.prepare_cached(sql).map_err(self.doing("writing"))?;
            for edge in edges {
                delete.execute((run, edge.as_ref())).map_err(self.doing("writing"))?;
            }
            Ok(())
        })
    }

    /// Removes a line.
    pub(super) fn strike(&self, run: &str, entry: &Entry) -> Result<()> {
        self.write(|connection| ledger::strike(connection, run, entry))
    }

    pub(super) fn entries(&self, run: &str, sink: &mut dyn FnMut(Entry) -> Result<()>) -> Result<()> {
        self.read(|connection| ledger::entries(connection, run, sink))
    }

    /// Which vertices the negative numbers of the ledger mean, downwards from -1.
    pub(super) fn ids(&self) -> Result<Vec<(i64, Id<'static>)>> {
        self.read(|connection| {
            let damaged = || Error::corrupt("an id in the journal is damaged");
            let sql = "SELECT number, kind, id FROM ids ORDER BY number DESC";
            let mut select = connection.prepare(sql).map_err(self.doing("reading"))?;
            let mut rows = select.query([]).map_err(self.doing("reading"))?;
            let mut ids = Vec::new();
            while let Some(row) = rows.next().map_err(self.doing("reading"))? {
                let read = || Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, Vec<u8>>(2)?));
                let (number, kind, bytes) = read().map_err(self.doing("reading"))?;
                let text = String::from_utf8(bytes).map_err(|_| damaged())?;
                let id = match kind.as_str() {
                    "L" => Id::Number(text.parse().map_err(|_| damaged())?),
                    "S" => Id::Text(text.into()),
                    _ => Id::Uuid(text.into()),
                };
                ids.push((number, id));
            }
            Ok(ids)
        })
    }

    pub(super) fn forget(&self, run: &str) -> Result<()> {
        if self.runs()?.is_empty() {
            return Ok(());
        }
        self.write(|connection| {
            ledger::forget(connection, run)?;
            for table in ["intents", "doomed", "begun"] {
                let sql = format!("DELETE FROM {table} WHERE run = ?1");
                connection.execute(&sql, [run]).map_err(self.doing("writing"))?;
            }
            if ledger::runs(connection)?.is_empty() {
                connection.execute_batch("DELETE FROM ids; DELETE FROM edges").map_err(self.doing("writing"))?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_noted_is_there_for_the_next_one_and_looking_makes_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("state");
        let open = || Journal::new(Some(&folder), "http://127.0.0.1:8080", "space/g");
        assert!(open().runs().unwrap().is_empty() && open().found_mode().unwrap().is_none());
        assert!(!folder.exists());
        let journal = open();
        journal.lock().unwrap();
        assert!(open().lock().is_err());
        journal.note_mode(Some("NONE")).unwrap();
        journal.record("r", "x").unwrap();
        drop(journal);
        let journal = open();
        journal.lock().unwrap();
        assert_eq!(journal.found_mode().unwrap().as_deref(), Some("NONE"));
        assert_eq!(journal.runs().unwrap(), [("r".to_owned(), "x".to_owned())]);
        journal.note_mode(None).unwrap();
        journal.forget("r").unwrap();
        assert!(journal.runs().unwrap().is_empty() && journal.found_mode().unwrap().is_none());
    }
}
