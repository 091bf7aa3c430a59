//! The ledger in the file: two tables that come with the first run and go with the last one.

use super::fault::during;
use crate::backend::{Entry, Mark, Place};
use crate::error::{Error, Result};
use rusqlite::{Connection, OptionalExtension};

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS ledger_runs (
    run    TEXT PRIMARY KEY,
    record TEXT NOT NULL,
    epoch  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledger_lines (
    run   TEXT NOT NULL,
    batch INTEGER NOT NULL,
    first INTEGER NOT NULL,
    entry BLOB NOT NULL,
    UNIQUE (run, batch, first)
) STRICT";

fn is_there(connection: &Connection) -> Result<bool> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE name = 'ledger_runs'";
    let found = connection.prepare_cached(sql).and_then(|mut find| find.exists([]));
    found.map_err(during("reading the ledger"))
}

/// Every run with its record.
pub(in crate::backend) fn runs(connection: &Connection) -> Result<Vec<(String, String)>> {
    if !is_there(connection)? {
        return Ok(Vec::new());
    }
    let reading = || during("reading the ledger");
    let mut statement = connection.prepare("SELECT run, record FROM ledger_runs ORDER BY run").map_err(reading())?;
    let runs = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(reading())?;
    runs.collect::<rusqlite::Result<_>>().map_err(reading())
}

/// Writes a run's record.
pub(in crate::backend) fn record(connection: &Connection, run: &str, record: &str) -> Result<()> {
    let writing = || during("writing the ledger");
    connection.execute_batch(TABLES).map_err(writing())?;
    let sql = "INSERT INTO ledger_runs (run, record, epoch) VALUES (?1, ?2, 0)
               ON CONFLICT (run) DO UPDATE SET record = excluded.record";
    connection.execute(sql, (run, record)).map(drop).map_err(writing())
}

/// Raises the epoch of a run.
pub(in crate::backend) fn fence(connection: &Connection, run: &str) -> Result<i64> {
    if !is_there(connection)? {
        return Err(unknown(run));
    }
    let sql = "UPDATE ledger_runs SET epoch = epoch + 1 WHERE run = ?1 RETURNING epoch";
    let epoch = connection.query_row(sql, [run], |row| row.get(0)).optional();
    epoch.map_err(during("writing the ledger"))?.ok_or_else(|| unknown(run))
}

fn unknown(run: &str) -> Error {
    Error::refused(format!("there is no run {run}"))
}

/// Goes on only while the run is ours.
pub(in crate::backend) fn check(connection: &Connection, place: &Place) -> Result<()> {
    if is_there(connection)? {
        let sql = "SELECT 1 FROM ledger_runs WHERE run = ?1 AND epoch = ?2";
        let ours = connection.prepare_cached(sql).and_then(|mut find| find.exists((&place.run, place.epoch)));
        if ours.map_err(during("reading the ledger"))? {
            return Ok(());
        }
    }
    Err(Error::refused(format!("the run {} was taken over by another graphferry", place.run)))
}

fn key(batch: u64, first: u64) -> Result<(i64, i64)> {
    let number = |number| i64::try_from(number).map_err(|_| Error::failed("the ledger is full"));
    Ok((number(batch)?, number(first)?))
}

/// Writes a line.
pub(in crate::backend) fn enter(connection: &Connection, run: &str, entry: &Entry) -> Result<()> {
    let (batch, first) = key(entry.batch, entry.from)?;
    let sql = "INSERT OR REPLACE INTO ledger_lines (run, batch, first, entry) VALUES (?1, ?2, ?3, ?4)";
    let entry = entry.encode()?;
    let written = connection.prepare_cached(sql).and_then(|mut insert| insert.execute((run, batch, first, entry)));
    written.map(drop).map_err(during("writing the ledger"))
}

/// Finds a line.
pub(in crate::backend) fn find(connection: &Connection, run: &str, mark: &Mark) -> Result<Option<Entry>> {
    let (batch, first) = key(mark.batch, mark.from)?;
    let sql = "SELECT entry FROM ledger_lines WHERE run = ?1 AND batch = ?2 AND first = ?3";
    let found = connection.query_row(sql, (run, batch, first), |row| row.get::<_, Vec<u8>>(0)).optional();
    found.map_err(during("reading the ledger"))?.map(|entry| Entry::decode(&entry)).transpose()
}

/// Removes a line.
pub(in crate::backend) fn strike(connection: &Connection, run: &str, entry: &Entry) -> Result<()> {
    let (batch, first) = key(entry.batch, entry.from)?;
    let sql = "DELETE FROM ledger_lines WHERE run = ?1 AND batch = ?2 AND first = ?3";
    let gone = connection.prepare_cached(sql).and_then(|mut delete| delete.execute((run, batch, first)));
    gone.map(drop).map_err(during("writing the ledger"))
}

/// Pushes every line of a run.
pub(in crate::backend) fn entries(
    connection: &Connection,
    run: &str,
    sink: &mut dyn FnMut(Entry) -> Result<()>,
) -> Result<()> {
    if !is_there(connection)? {
        return Ok(());
    }
    let reading = || during("reading the ledger");
    let sql = "SELECT entry FROM ledger_lines WHERE run = ?1 ORDER BY batch, first";
    let mut statement = connection.prepare(sql).map_err(reading())?;
    let mut rows = statement.query([run]).map_err(reading())?;
    while let Some(row) = rows.next().map_err(reading())? {
        let entry = row.get_ref(0).map_err(reading())?;
        sink(Entry::decode(entry.as_blob().map_err(|_| Error::corrupt("a line of the ledger is damaged"))?)?)?;
    }
    Ok(())
}

/// Removes a run, and the tables with the last one.
pub(in crate::backend) fn forget(connection: &Connection, run: &str) -> Result<()> {
    if !is_there(connection)? {
        return Ok(());
    }
    let writing = || during("writing the ledger");
    connection.execute("DELETE FROM ledger_lines WHERE run = ?1", [run]).map_err(writing())?;
    connection.execute("DELETE FROM ledger_runs WHERE run = ?1", [run]).map_err(writing())?;
    let sql = "SELECT count(*) FROM ledger_runs";
    let left: i64 = connection.query_row(sql, [], |row| row.get(0)).map_err(writing())?;
    if left == 0 {
        connection.execute_batch("DROP TABLE ledger_lines; DROP TABLE ledger_runs").map_err(writing())?;
    }
    Ok(())
}
