//! The data directory of a running server: snapshots that are made and recovered, and the lock that keeps its files from being deleted.
//!
//! The lock is one switch of the server, without an owner: whoever unlocks it unlocks it for everybody, and a restart does so too. Every
//! answer is read: a statement that is understood otherwise than it was recorded of 3.6.2 is a failure.

use crate::backend::access::Access;
use crate::backend::bolt::{Link, System};
use crate::backend::url::Server;
use crate::cypher::{Dialect, literal};
use crate::error::{Error, ErrorKind, Result};
use crate::model::header::Origin;
use crate::model::{Cursor, Value};
use crate::wire::{Connection, Mode, Query, Row};

/// A server, seen as the owner of its files.
#[derive(Debug)]
pub struct DataDirectory {
    link: Link,
    connection: Connection,
}

impl DataDirectory {
    /// Connects.
    ///
    /// # Errors
    /// The server cannot be reached, denies access, or is no Memgraph.
    pub fn open(server: &Server, access: &Access) -> Result<Self> {
        let (link, connection) = Link::open(server, access)?;
        if link.system != System::Memgraph {
            return Err(Error::usage(format!("{} is no Memgraph", connection.peer()))
                .hint("physical backups are made of Memgraph's own files"));
        }
        Ok(Self { link, connection })
    }

    /// What the server is.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.link.origin
    }

    /// Connects anew where the connection was lost.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub fn reconnect(&mut self) -> Result<()> {
        if self.connection.is_lost() {
            self.connection = self.link.connect()?;
        }
        Ok(())
    }

    fn table(&mut self, text: &str) -> Result<Vec<Row>> {
        let query = Query::alone(text, Mode::Write, Some(self.link.database())).unlimited();
        self.connection.table(&query)
    }

    /// The one text that a statement answers.
    fn answer(&mut self, text: &str, column: &str) -> Result<Option<String>> {
        let rows = self.table(text)?;
        let answer = rows.first().and_then(|row| row.get(column)).and_then(Value::as_str);
        Ok(answer.map(str::to_owned))
    }

    /// Makes a snapshot: where it is, as the server names the place; old servers do not tell. Waits for transactions that write.
    ///
    /// # Errors
    /// The server refuses: it stores on disk, or may not write.
    pub fn create_snapshot(&mut self) -> Result<Option<String>> {
        self.answer("CREATE SNAPSHOT", "path")
    }

    /// Whether its files are kept from being deleted.
    ///
    /// # Errors
    /// The server does not tell.
    pub fn is_locked(&mut self) -> Result<bool> {
        let answer = self.answer("DATA DIRECTORY LOCK STATUS", "STATUS")?.unwrap_or_default();
        match () {
            () if answer.ends_with("is unlocked.") => Ok(false),
            () if answer.ends_with("is locked.") => Ok(true),
            () => Err(strange("DATA DIRECTORY LOCK STATUS", &answer)),
        }
    }

    /// Keeps the files from being deleted; says whether it was this that locked it.
    ///
    /// # Errors
    /// The server refuses.
    pub fn lock(&mut self) -> Result<bool> {
        let answer = self.answer("LOCK DATA DIRECTORY", "STATUS")?.unwrap_or_default();
        match () {
            () if answer.ends_with("already locked.") => Ok(false),
            () if answer.ends_with("now locked.") => Ok(true),
            () => Err(strange("LOCK DATA DIRECTORY", &answer)),
        }
    }

    /// Lets files be deleted again; says whether it was this that unlocked it.
    ///
    /// # Errors
    /// The server refuses.
    pub fn unlock(&mut self) -> Result<bool> {
        let answer = self.answer("UNLOCK DATA DIRECTORY", "STATUS")?.unwrap_or_default();
        match () {
            () if answer.ends_with("already unlocked.") => Ok(false),
            () if answer.ends_with("now unlocked.") => Ok(true),
            () => Err(strange("UNLOCK DATA DIRECTORY", &answer)),
        }
    }

    /// The path of the data directory as the server was started with it.
    ///
    /// # Errors
    /// The server does not tell.
    pub fn path(&mut self) -> Result<String> {
        let rows = self.table("SHOW CONFIG")?;
        let row = rows.iter().find(|row| row.get("name").and_then(Value::as_str) == Some("data_directory"));
        let path = row.and_then(|row| row.get("current_value")).and_then(Value::as_str);
        path.map(str::to_owned)
            .ok_or_else(|| Error::new(ErrorKind::Server, "the server does not tell its data directory"))
    }

    /// Replaces the graph by that of a snapshot, whose path is the server's. With `force` also a graph that is not empty: then the server
    /// moves its own snapshots and logs aside.
    ///
    /// # Errors
    /// There is no such file, it is damaged, or there is data and no `force`.
    pub fn recover(&mut self, path: &str, force: bool) -> Result<()> {
        let mut text = b"RECOVER SNAPSHOT ".to_vec();
        literal::value(Dialect::Memgraph, &mut Cursor::new(&Value::from(path).to_packstream()), &mut text)?;
        let force = if force { " FORCE" } else { "" };
        self.table(&format!("{}{force}", String::from_utf8_lossy(&text))).map(|_| ())
    }

    /// Nodes and relationships, counted.
    ///
    /// # Errors
    /// The database fails.
    pub fn counts(&mut self) -> Result<(u64, u64)> {
        let mut count = |text| -> Result<u64> {
            let rows = self.table(text)?;
            let value = rows.first().and_then(|row| row.values().next()).and_then(Value::as_integer);
            value.and_then(|value| u64::try_from(value).ok()).ok_or_else(|| strange(text, "no number"))
        };
        Ok((count(super::statement::COUNT_NODES)?, count(super::statement::COUNT_RELATIONSHIPS)?))
    }
}

fn strange(statement: &str, answer: &str) -> Error {
    Error::new(ErrorKind::Server, format!("{statement} was answered {answer:?}, which is not understood"))
}
