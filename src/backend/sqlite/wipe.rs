//! Dropping what a store holds, and putting another store in its place.

use super::fault::during;
use super::file;
use super::target::{Store, lock};
use crate::error::{Error, Result};
use crate::guard::WipeConsent;
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// Rows that go in one transaction.
const BATCH: i64 = 50_000;

/// What holds data, in the order in which it goes: relationships before their nodes.
const TABLES: [&str; 4] = ["unique_keys", "relationships", "nodes", "property_keys"];

impl Store {
    /// Deletes all rows, some at a time. What was cut off goes on when it is called again.
    pub(super) fn delete_all(&mut self, told: &mut dyn FnMut(u64) -> Result<()>) -> Result<()> {
        // Without their rules, nothing keeps rows from going one table after the other.
        lock(&self.writer).write("dropping the schema", |connection, batch| {
            batch.forget();
            connection.execute("DELETE FROM schema_objects", []).map(drop).map_err(during("dropping the schema"))
        })?;
        for table in TABLES {
            let sql = match table {
                "nodes" | "relationships" => {
                    format!("DELETE FROM {table} WHERE id IN (SELECT id FROM {table} LIMIT {BATCH})")
                }
                _ => format!("DELETE FROM {table}"),
            };
            loop {
                let gone = lock(&self.writer).write("dropping data", |connection, batch| {
                    batch.forget();
                    connection.execute(&sql, []).map_err(during("dropping data"))
                })?;
                told(gone as u64)?;
                if gone < BATCH as usize {
                    break;
                }
            }
        }
        Ok(())
    }
}

fn in_use(path: &Path) -> Error {
    Error::refused(format!("{} is in use by another process", path.display()))
        .hint("nothing was changed; end the other process")
}

/// Takes a store out of WAL mode, which only the one who alone has it open can do: there is no log beside it then.
fn leave_log(connection: &Connection, path: &Path) -> Result<()> {
    let mode = connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get::<_, String>(0));
    match mode.map_err(|cause| in_use(path).caused_by(cause))?.as_str() {
        "delete" => Ok(()),
        _ => Err(in_use(path)),
    }
}

/// Changes whenever somebody else has written.
fn version(connection: &Connection) -> Result<i64> {
    connection.query_row("PRAGMA data_version", [], |row| row.get(0)).map_err(during("reading the embedded store"))
}

/// A store that another one is to replace. From the moment on in which it was opened, whatever others write into it is noticed.
pub struct Replaced {
    connection: Connection,
    path: PathBuf,
    version: i64,
}

impl Replaced {
    /// Opens the store.
    ///
    /// # Errors
    /// As [`open_target`](super::open_target).
    pub fn open(path: &Path) -> Result<Self> {
        let connection = file::open_to_write(path)?;
        let version = version(&connection)?;
        Ok(Self { connection, path: path.to_owned(), version })
    }

    /// Puts the store at `new` in its place; the old one is gone then. Nobody may have the old one open: a log that another process has beside it
    /// would be taken for the new one's.
    ///
    /// # Errors
    /// [`Refused`](crate::ErrorKind::Refused): somebody uses the old store, or has written into it. Then, and when the disk fails, the old one is
    /// as it was.
    pub fn replace(self, new: &Path, consent: &WipeConsent) -> Result<()> {
        let Self { connection, path, version: before } = self;
        consent.check(&super::origin(&path).database)?;
        let failed = |cause| Error::io(format!("replacing {}", path.display()), cause);
        // Its log must not stay behind under the name that it has now.
        leave_log(&file::open_to_write(new)?, new)?;
        // A link stays one.
        let place = std::fs::canonicalize(&path).map_err(failed)?;
        let like = std::fs::metadata(&place).map_err(failed)?.permissions();
        std::fs::set_permissions(new, like).map_err(failed)?;
        std::fs::File::open(new).and_then(|file| file.sync_all()).map_err(failed)?;
        leave_log(&connection, &path)?;
        // The transaction keeps others out until the file is another one; it writes nothing.
        connection.execute_batch("BEGIN EXCLUSIVE").map_err(|cause| in_use(&path).caused_by(cause))?;
        if version(&connection)? != before {
            return Err(Error::refused(format!("somebody has written into {} meanwhile", path.display()))
                .hint("nothing was changed; the new data would have taken the place of what was written"));
        }
        std::fs::rename(new, &place).map_err(failed)?;
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let synced = std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed);
        drop(connection);
        synced
    }
}
