//! The ledger: nodes with a label of their own.
//!
//! | node | properties |
//! |---|---|
//! | the record of a run | `run`, `record` |
//! | a lane, one for each session | `run`, `lane`, `epoch`, `batch`: the last batch that was sent through it, `touch` |
//! | a line | `run`, `batch`, `from`, `entry`: as base64, since Memgraph stores no bytes |
//! | the lane of a session that restores | `own`, `batch`, `touch` |
//!
//! A transaction of Memgraph sees the graph as it was when it began, and takes no locks: the second one that writes to a node while the first
//! has not ended, or after the first has ended since the second began, fails with a conflict. `touch` is another number each time, so that
//! every write to a lane is one.
//!
//! **A fence holds.** It raises the epoch of every lane in a transaction F. A session's transaction T writes to its lane before COMMIT. Either
//! T wrote first: F conflicts as long as T is open, and is tried again until T has ended; what T did is there before F is. Or F wrote
//! first: T conflicts, whether F is over or not, is gone as a whole, and finds the new epoch when it is sent again. Or T begins after F is over: it
//! reads the new epoch in its own write. In no case is anything of an older epoch committed after F.
//!
//! A transaction that was left open behind a dead connection is found by the text of its statement (SHOW TRANSACTIONS) and ended. What cannot be
//! ended is waited for, up to [`PATIENCE`].
//!
//! There is no index on the label: that would be a change of the user's schema. So lanes and lines are addressed by id, and the walks over all
//! nodes that remain are one for each `fence`, `entries`, `forget` and session, and none for a batch.

use super::statement;
use crate::backend::bolt::{Link, parameters};
use crate::backend::{Entry, Place};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::model::{Cursor, Value};
use crate::wire::{Connection, Mode, Query, Scope};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// Lines that are read or deleted in one transaction: one may weigh some MiB.
const PORTION: usize = 200;

/// How long a transaction that another connection left behind is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A number that no other write to a lane has.
pub(super) fn touch() -> Value {
    static NEXT: AtomicI64 = AtomicI64::new(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |now| now.as_micros());
    let now = i64::try_from(now).unwrap_or(0);
    Value::Integer(now.saturating_mul(1000).saturating_add(NEXT.fetch_add(1, Ordering::Relaxed) % 1000))
}

/// A number of the ledger as Memgraph keeps it.
pub(super) fn number_of(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The same as a value.
pub(super) fn integer(number: u64) -> Value {
    Value::Integer(number_of(number))
}

/// Ids as a value.
pub(super) fn ids(ids: &[i64]) -> Value {
    Value::List(ids.iter().map(|id| Value::Integer(*id)).collect())
}

/// A line as text.
pub(super) fn text(entry: &Entry) -> Result<Value> {
    Ok(Value::String(STANDARD.encode(entry.encode()?)))
}

/// The session that held a lane lost it.
pub(super) fn taken_over(run: &str) -> Error {
    Error::refused(format!("the run {run} was taken over by another graphferry"))
}

/// Does something again and again as long as it meets conflicts.
pub(super) fn insist<S, T>(state: &mut S, mut work: impl FnMut(&mut S) -> Result<T>) -> Result<T> {
    let since = Instant::now();
    let mut pause = Duration::from_millis(5);
    loop {
        match work(state) {
            Err(error) if error.retry() == Retry::Again && error.kind() == ErrorKind::Server => {
                if since.elapsed() > PATIENCE {
                    return Err(error.retrying(Retry::Never).hint(
                        "a transaction of another session does not end: SHOW TRANSACTIONS lists it, TERMINATE TRANSACTIONS ends it",
                    ));
                }
            }
            done => return done,
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(500));
    }
}

/// Which transactions are ended.
pub(super) enum Left<'a> {
    /// Those of one lane.
    Of(&'a Place),
    /// Those of a run up to this epoch. Not later ones: another process may have taken over.
    UpTo(&'a str, i64),
}

impl Left<'_> {
    /// Whether the text of a statement is of such a transaction.
    fn has(&self, statement: &str) -> bool {
        match self {
            Self::Of(place) => {
                statement.contains(&format!("`{}`", statement::tag(&place.run, place.lane, place.epoch)))
            }
            Self::UpTo(run, newest) => {
                let Some((_, rest)) = statement.split_once(&format!("`graphferry/{run}/")) else { return false };
                let epoch = rest.split('`').next().and_then(|rest| rest.split('/').nth(1));
                epoch.and_then(|epoch| epoch.parse::<i64>().ok()).is_some_and(|epoch| epoch <= *newest)
            }
        }
    }
}

/// Ends transactions that another connection left open, as far as we may. What cannot be ended is waited for.
pub(super) fn end_others(connection: &mut Connection, link: &Link, left: &Left<'_>) -> Result<()> {
    let show = Query::alone("SHOW TRANSACTIONS", Mode::Write, Some(link.database()));
    let rows = match connection.table(&show) {
        Err(error) if connection.is_lost() => return Err(error),
        rows => rows.unwrap_or_default(),
    };
    for row in rows {
        let statements = row.get("query").and_then(Value::as_list).unwrap_or_default();
        let ours = statements.iter().filter_map(Value::as_str).any(|text| left.has(text));
        let Some(id) = row.get("transaction_id").and_then(Value::as_str).filter(|_| ours) else { continue };
        if id.bytes().all(|byte| byte.is_ascii_digit()) {
            let text = format!("TERMINATE TRANSACTIONS \"{id}\"");
            match connection.query(&Query::alone(&text, Mode::Write, Some(link.database())), |_| Ok(())) {
                Err(error) if connection.is_lost() => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// The lane of a session that has no run.
#[derive(Debug)]
pub(super) struct Own {
    id: i64,
    /// The number of the batch under way.
    pub(super) batch: i64,
}

impl Own {
    pub(super) fn make(connection: &mut Connection, link: &Link) -> Result<Self> {
        let given = parameters([("touch_no", touch())]);
        let mut id = None;
        let query = Query::alone(statement::MAKE_OWN_LANE, Mode::Write, Some(link.database())).with(&given);
        let made = connection.query(&query, |row| {
            id = number(row)?;
            Ok(())
        });
        // Nothing of a batch was sent: whatever became of the lane, it may be made again.
        made.map_err(|error| if error.retry() == Retry::Unknown { error.retrying(Retry::Again) } else { error })?;
        let id = id.ok_or_else(|| Error::failed("the server tells no id of a node that it has created"))?;
        Ok(Self { id, batch: 0 })
    }

    pub(super) fn parameters(&self) -> Vec<u8> {
        parameters([("lane_id", self.id.into()), ("batch_no", self.batch.into()), ("touch_no", touch())])
    }

    /// Whether the batch under way is in, once that is certain.
    pub(super) fn is_in(&self, connection: &mut Connection, link: &Link) -> Result<bool> {
        let since = Instant::now();
        insist(connection, |connection| {
            loop {
                match self.ask(connection, link) {
                    // The server may need a while to come back.
                    Err(error) if error.kind() == ErrorKind::Unreachable && since.elapsed() < PATIENCE => {
                        std::thread::sleep(Duration::from_millis(200));
                    }
                    done => return done,
                }
            }
        })
    }

    fn ask(&self, connection: &mut Connection, link: &Link) -> Result<bool> {
        if connection.is_lost() {
            *connection = link.connect()?;
        }
        connection.begin(Mode::Write, Some(link.database()))?;
        let mut batch = None;
        let given = self.parameters();
        let asked = connection.query(&Query::inside(statement::ASK_OWN).with(&given), |row| {
            batch = number(row)?;
            Ok(())
        });
        if let Err(error) = asked {
            if !connection.is_lost() {
                let _ = connection.rollback();
            }
            return Err(error);
        }
        connection.commit()?;
        let gone = || Error::failed("the node that the session keeps its place in is gone");
        batch.map(|batch| batch == self.batch).ok_or_else(gone)
    }

    /// Removes it, as far as that is possible.
    pub(super) fn remove(self, connection: &mut Connection, link: &Link) {
        let given = parameters([("ids", ids(&[self.id]))]);
        let query = Query::alone(statement::DELETE_LINES, Mode::Write, Some(link.database())).with(&given);
        let _ = connection.query(&query, |_| Ok(()));
    }
}

/// Statements about the ledger as a whole.
#[derive(Debug)]
pub(super) struct Ledger<'a> {
    connection: &'a mut Connection,
    link: &'a Link,
}

impl<'a> Ledger<'a> {
    /// Works over this connection.
    pub(super) fn new(connection: &'a mut Connection, link: &'a Link) -> Self {
        Self { connection, link }
    }

    /// A statement in a transaction of its own.
    fn alone(&mut self, mode: Mode, text: &str, parameters: &[u8], row: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.ask(Scope::Own(mode), text, parameters, row)
    }

    /// A statement in the open transaction.
    fn inside(&mut self, text: &str, parameters: &[u8], row: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.ask(Scope::Inside, text, parameters, row)
    }

    fn ask(&mut self, scope: Scope, text: &str, given: &[u8], row: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let query = match scope {
            Scope::Own(mode) => Query::alone(text, mode, Some(self.link.database())),
            _ => Query::inside(text),
        };
        self.connection.query(&query.with(given).unlimited(), row).map(|_| ())
    }

    /// Does several statements in one transaction, again while it meets conflicts.
    fn together<T>(&mut self, mut work: impl FnMut(&mut Self) -> Result<T>) -> Result<T> {
        insist(self, |ledger| {
            ledger.connection.begin(Mode::Write, Some(ledger.link.database()))?;
            match work(ledger) {
                Ok(done) => ledger.connection.commit().map(|_| done),
                Err(error) => {
                    if !ledger.connection.is_lost() {
                        let _ = ledger.connection.rollback();
                    }
                    Err(error)
                }
            }
        })
    }

    pub(super) fn runs(&mut self) -> Result<Vec<(String, String)>> {
        let mut runs = Vec::new();
        self.alone(Mode::Read, statement::RUNS, &[0xA0], |row| {
            let mut cursor = Cursor::new(row);
            cursor.list()?;
            runs.push((cursor.string()?.to_owned(), cursor.string()?.to_owned()));
            Ok(())
        })?;
        runs.sort();
        Ok(runs)
    }

    /// The id of the record of a run.
    fn place(&mut self, scope: Scope, run: &str) -> Result<Option<i64>> {
        let mut id = None;
        self.ask(scope, statement::RECORD, &parameters([("run_name", run.into())]), |row| {
            id = number(row)?;
            Ok(())
        })?;
        Ok(id)
    }

    pub(super) fn record(&mut self, run: &str, record: &str) -> Result<()> {
        self.together(|ledger| {
            let mut given = vec![("record_text", record.into()), ("run_name", run.into()), ("touch_no", touch())];
            match ledger.place(Scope::Inside, run)? {
                Some(id) => {
                    given.push(("lane_id", id.into()));
                    ledger.inside(statement::SET_RECORD, &parameters(given), |_| Ok(()))
                }
                None => ledger.inside(statement::MAKE_RECORD, &parameters(given), |_| Ok(())),
            }
        })
    }

    /// The lanes of a run: number, epoch, id.
    fn lanes(&mut self, scope: Scope, run: &str) -> Result<Vec<(i64, i64, i64)>> {
        let mut lanes = Vec::new();
        self.ask(scope, statement::LANES, &parameters([("run_name", run.into())]), |row| {
            let mut cursor = Cursor::new(row);
            cursor.list()?;
            lanes.push((cursor.integer()?, cursor.integer()?, cursor.integer()?));
            Ok(())
        })?;
        lanes.sort_unstable();
        Ok(lanes)
    }

    pub(super) fn fence(&mut self, run: &str, lanes: usize) -> Result<i64> {
        let newest = |lanes: &[(i64, i64, i64)]| lanes.iter().map(|(_, epoch, _)| *epoch).max().unwrap_or(0);
        let before = newest(&self.lanes(Scope::Own(Mode::Read), run)?);
        end_others(self.connection, self.link, &Left::UpTo(run, before))?;
        self.together(|ledger| {
            let record = ledger.place(Scope::Inside, run)?;
            let record = record.ok_or_else(|| Error::refused(format!("the target knows no run {run}")))?;
            let given = parameters([("lane_id", record.into()), ("touch_no", touch())]);
            ledger.inside(statement::TOUCH_RECORD, &given, |_| Ok(()))?;
            let known = ledger.lanes(Scope::Inside, run)?;
            let epoch = newest(&known).saturating_add(1);
            let change = |list: Vec<i64>| {
                parameters([
                    ("ids", ids(&list)),
                    ("run_name", run.into()),
                    ("epoch_no", epoch.into()),
                    ("touch_no", touch()),
                ])
            };
            if !known.is_empty() {
                let raised = change(known.iter().map(|(_, _, id)| *id).collect());
                ledger.inside(statement::RAISE, &raised, |_| Ok(()))?;
            }
            let wanted = 0..number_of(lanes as u64);
            let new: Vec<i64> = wanted.filter(|lane| known.iter().all(|(number, _, _)| number != lane)).collect();
            if !new.is_empty() {
                ledger.inside(statement::MAKE_LANES, &change(new), |_| Ok(()))?;
            }
            Ok(epoch)
        })
    }

    pub(super) fn enter(&mut self, run: &str, entry: &Entry) -> Result<()> {
        let (batch, from) = (integer(entry.batch), integer(entry.from));
        let given = [("run_name", run.into()), ("batch_no", batch), ("first_no", from), ("entry_text", text(entry)?)];
        self.alone(Mode::Write, statement::LINE.trim_end(), &parameters(given), |_| Ok(()))
    }

    pub(super) fn entries(&mut self, run: &str, sink: &mut dyn FnMut(Entry) -> Result<()>) -> Result<()> {
        // The server would hold all lines to sort them.
        let mut places = Vec::new();
        self.alone(Mode::Read, statement::LINES, &parameters([("run_name", run.into())]), |row| {
            let mut cursor = Cursor::new(row);
            cursor.list()?;
            places.push((cursor.integer()?, cursor.integer()?, cursor.integer()?));
            Ok(())
        })?;
        places.sort_unstable();
        for places in places.chunks(PORTION) {
            let list: Vec<i64> = places.iter().map(|(_, _, id)| *id).collect();
            let mut lines = std::collections::HashMap::new();
            self.alone(Mode::Read, statement::LINES_BY_ID, &parameters([("ids", ids(&list))]), |row| {
                let mut cursor = Cursor::new(row);
                cursor.list()?;
                let id = cursor.integer()?;
                lines.insert(id, decoded(&Value::read(&mut cursor)?)?);
                Ok(())
            })?;
            for id in list {
                // A line that is gone meanwhile was struck by another process.
                if let Some(Some(entry)) = lines.remove(&id) {
                    sink(entry)?;
                }
            }
        }
        Ok(())
    }

    /// Deletes nodes of the ledger, some at a time.
    fn delete(&mut self, list: &[i64]) -> Result<()> {
        list.chunks(PORTION).try_for_each(|list| {
            let given = parameters([("ids", ids(list))]);
            insist(self, |ledger| ledger.alone(Mode::Write, statement::DELETE_LINES, &given, |_| Ok(())))
        })
    }

    pub(super) fn forget(&mut self, run: &str) -> Result<()> {
        let mut lines = Vec::new();
        self.alone(Mode::Read, statement::LINES, &parameters([("run_name", run.into())]), |row| {
            let mut cursor = Cursor::new(row);
            cursor.list()?;
            cursor.check()?;
            cursor.check()?;
            lines.push(cursor.integer()?);
            Ok(())
        })?;
        self.delete(&lines)?;
        let lanes: Vec<i64> = self.lanes(Scope::Own(Mode::Read), run)?.into_iter().map(|(_, _, id)| id).collect();
        self.delete(&lanes)?;
        let record = self.place(Scope::Own(Mode::Read), run)?;
        self.delete(record.as_slice())
    }

    /// Removes the lanes of sessions that restored and were cut off.
    pub(super) fn tidy(&mut self) -> Result<()> {
        let mut lanes = Vec::new();
        self.alone(Mode::Read, statement::OWN_LANES, &[0xA0], |row| {
            lanes.extend(number(row)?);
            Ok(())
        })?;
        self.delete(&lanes)
    }
}

/// The number in a row's first column.
pub(super) fn number(row: &[u8]) -> Result<Option<i64>> {
    let mut cursor = Cursor::new(row);
    cursor.list()?;
    Ok(Value::read(&mut cursor)?.as_integer())
}

/// The line in a row's first column.
pub(super) fn entry(row: &[u8]) -> Result<Option<Entry>> {
    let mut cursor = Cursor::new(row);
    cursor.list()?;
    decoded(&Value::read(&mut cursor)?)
}

fn decoded(value: &Value) -> Result<Option<Entry>> {
    let damaged = || Error::new(ErrorKind::Corrupt, "a line of the ledger is damaged");
    match value {
        Value::Null => Ok(None),
        Value::String(text) => {
            let bytes = STANDARD.decode(text).map_err(|cause| damaged().caused_by(cause))?;
            Entry::decode(&bytes).map(Some)
        }
        _ => Err(damaged()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn only_transactions_of_the_run_and_up_to_the_epoch_are_ended() {
        let text = |epoch: i64| format!("MATCH … RETURN id(e) AS `{}`", statement::tag("a-1", 2, epoch));
        let left = Left::UpTo("a-1", 3);
        assert!(left.has(&text(3)) && left.has(&text(1)) && !left.has(&text(4)));
        assert!(!Left::UpTo("a", 3).has(&text(1)));
        let place = |lane| Place { run: "a-1".to_owned(), lane, epoch: 3 };
        assert!(Left::Of(&place(2)).has(&text(3)));
        assert!(!Left::Of(&place(2)).has(&text(30)) && !Left::Of(&place(1)).has(&text(3)));
        assert!(!left.has("SHOW TRANSACTIONS"));
    }

    #[test]
    fn touches_differ() {
        let all: std::collections::BTreeSet<_> = (0..500).map(|_| touch().as_integer()).collect();
        assert_eq!(all.len(), 500);
    }
}
