//! Dropping what a store holds, and putting another store in its place.

use super::fault::during;
use super::file;
use super::target::{Store, lock};
use crate::error::{Error, Result};
use crate::guard::WipeConsent;
use rusqlite::Connection;
use std::path::Path;

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

/// Opens a store that nobody else has open, and takes it out of WAL mode, which only the last one can do: there is no log beside it then.
fn alone(path: &Path) -> Result<Connection> {
    let connection = file::open_to_write(path)?;
    let mode = connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get::<_, String>(0));
    match mode.map_err(|cause| in_use(path).caused_by(cause))?.as_str() {
        "delete" => Ok(connection),
        _ => Err(in_use(path)),
    }
}

/// Puts the store at `new` in the place of the one at `old`, which is gone then. Nobody may have `old` open: a log that another process has
/// beside it would be taken for the new one's.
///
/// # Errors
/// [`Refused`](crate::ErrorKind::Refused): somebody uses the old store. Then, and when the disk fails, the old one is as it was.
pub fn replace(old: &Path, new: &Path, consent: &WipeConsent) -> Result<()> {
    consent.check(&super::origin(old).database)?;
    let failed = |cause| Error::io(format!("replacing {}", old.display()), cause);
    // Its log must not stay behind under the name that it has now.
    drop(alone(new)?);
    // A link stays one.
    let place = std::fs::canonicalize(old).map_err(failed)?;
    let like = std::fs::metadata(&place).map_err(failed)?.permissions();
    std::fs::set_permissions(new, like).map_err(failed)?;
    std::fs::File::open(new).and_then(|file| file.sync_all()).map_err(failed)?;
    let before = alone(old)?;
    // The transaction keeps others out until the file is another one.
    before.execute_batch("BEGIN EXCLUSIVE").map_err(|cause| in_use(old).caused_by(cause))?;
    std::fs::rename(new, &place).map_err(failed)?;
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed);
    // The transaction has written nothing.
    drop(before);
    synced
}
