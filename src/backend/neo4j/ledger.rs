//! The ledger: nodes with a label of their own.
//!
//! | node | properties |
//! |---|---|
//! | the record of a run | `run`, `record` |
//! | a lane, one for each session | `run`, `lane`, `epoch`, `batch`: the last batch that was sent through it |
//! | a line | `run`, `batch`, `from`, `entry` |
//!
//! A session sends COMMIT only after it has written to its lane. So whoever holds the lock of a lane knows that nothing
//! of that session is under way. The epoch is read behind the lock and not before: a transaction may have waited for it
//! while another one raised the epoch.

use crate::backend::bolt::{Link, parameters};
use crate::backend::{Entry, Place};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Cursor, Value};
use crate::wire::{Connection, Mode, Query};

/// The label of every node of the ledger.
pub(super) const LABEL: &str = "__GraphFerry__";

/// A property that nothing of the user's has. A lane has it so that the server knows the name: removing it from a node
/// then takes the lock of the node and changes nothing.
pub(super) const LOCK: &str = "__graphferry__";

/// Writes to the lane, then goes on only if it is still ours.
pub(super) const HOLD: &str = "MATCH (l:`__GraphFerry__`) WHERE id(l) = $lane SET l.batch = $batch \
     WITH l WHERE l.run = $run AND l.epoch = $epoch ";

/// Says whose a transaction is, so that one that was left behind can be found and ended.
pub(super) const TAG: &str = "CALL tx.setMetaData({graphferry: $tag}) ";

/// Lines that are deleted in one transaction: one may weigh some MiB.
const FORGOTTEN: i64 = 200;

/// What [`TAG`] says of a session.
pub(super) fn tag(place: &Place) -> String {
    format!("{}/{}/{}", place.run, place.lane, place.epoch)
}

/// A number of the ledger as Neo4j keeps it.
pub(super) fn number_of(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The same as a value.
pub(super) fn integer(number: u64) -> Value {
    Value::Integer(number_of(number))
}

/// The session that held a lane lost it.
pub(super) fn taken_over(run: &str) -> Error {
    Error::refused(format!("the run {run} was taken over by another graphferry"))
}

/// How many nodes of the ledger there are: the server has that number at hand.
pub(super) const COUNT: &str = "MATCH (n:`__GraphFerry__`) RETURN count(n) AS count";

/// Which transactions are ended.
pub(super) enum Left<'a> {
    /// Those of one lane.
    Of(&'a Place),
    /// Those of a run up to this epoch. Not later ones: the statement may be at work in the server when its sender is long dead and another process
    /// has taken over.
    UpTo(&'a str, i64),
}

/// Ends transactions that another connection left open, as far as we may. What cannot be ended is waited for.
pub(super) fn end_others(connection: &mut Connection, link: &Link, left: &Left<'_>) -> Result<()> {
    const TAGGED: &str = "metaData.graphferry = $tag";
    const EARLIER: &str =
        "metaData.graphferry STARTS WITH $tag AND toInteger(last(split(metaData.graphferry, '/'))) <= $epoch";
    let (condition, tag, epoch) = match left {
        Left::Of(place) => (TAGGED, tag(place), place.epoch),
        Left::UpTo(run, epoch) => (EARLIER, format!("{run}/"), *epoch),
    };
    let text = link.statement(&format!(
        "SHOW TRANSACTIONS YIELD transactionId AS id, metaData WHERE {condition} \
         TERMINATE TRANSACTIONS id YIELD message RETURN count(*)"
    ));
    let parameters = parameters([("tag", tag.as_str().into()), ("epoch", epoch.into())]);
    let query = Query::alone(&text, Mode::Read, Some(link.database())).with(&parameters);
    match connection.query(&query, |_| Ok(())) {
        Err(error) if connection.is_lost() => Err(error),
        _ => Ok(()),
    }
}

/// The newest epoch of a run.
const NEWEST: &str =
    "MATCH (l:`__GraphFerry__`) WHERE l.run = $run AND l.lane IS NOT NULL RETURN coalesce(max(l.epoch), 0)";

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
        let text = self.link.statement(text);
        let query = Query::alone(&text, mode, Some(self.link.database())).with(parameters);
        self.connection.query(&query, row).map(|_| ())
    }

    /// A statement in the open transaction that gives one number, or nothing.
    fn inside(&mut self, text: &str, parameters: &[u8]) -> Result<Option<i64>> {
        let text = self.link.statement(text);
        let mut found = None;
        self.connection.query(&Query::inside(&text).with(parameters), |row| {
            found = number(row)?;
            Ok(())
        })?;
        Ok(found)
    }

    /// Does several statements in one transaction.
    fn together<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.connection.begin(Mode::Write, Some(self.link.database()))?;
        match work(self) {
            Ok(done) => self.connection.commit().map(|_| done),
            Err(error) => {
                if !self.connection.is_lost() {
                    let _ = self.connection.rollback();
                }
                Err(error)
            }
        }
    }

    pub(super) fn runs(&mut self) -> Result<Vec<(String, String)>> {
        let mut runs = Vec::new();
        let text = "MATCH (r:`__GraphFerry__`) WHERE r.record IS NOT NULL RETURN r.run, r.record ORDER BY r.run";
        self.alone(Mode::Read, text, &parameters([]), |row| {
            let mut cursor = Cursor::new(row);
            cursor.list()?;
            runs.push((cursor.string()?.to_owned(), cursor.string()?.to_owned()));
            Ok(())
        })?;
        runs.sort();
        Ok(runs)
    }

    pub(super) fn record(&mut self, run: &str, record: &str) -> Result<()> {
        let parameters = parameters([("run", run.into()), ("record", record.into())]);
        self.together(|ledger| {
            let set = "MATCH (r:`__GraphFerry__`) WHERE r.run = $run AND r.record IS NOT NULL \
                       SET r.record = $record RETURN count(r)";
            if ledger.inside(set, &parameters)? == Some(0) {
                let create = "CREATE (r:`__GraphFerry__` {run: $run, record: $record}) RETURN 1";
                ledger.inside(create, &parameters)?;
            }
            Ok(())
        })
    }

    pub(super) fn fence(&mut self, run: &str, lanes: usize) -> Result<i64> {
        let mut epoch = 0;
        self.alone(Mode::Read, NEWEST, &parameters([("run", run.into())]), |row| {
            epoch = number(row)?.unwrap_or(0);
            Ok(())
        })?;
        end_others(self.connection, self.link, &Left::UpTo(run, epoch))?;
        let last = integer(lanes as u64);
        self.together(|ledger| {
            let given = parameters([("run", run.into()), ("lanes", last)]);
            // The lock of the record: only one process at a time gets further.
            let lock = "MATCH (r:`__GraphFerry__`) WHERE r.run = $run AND r.record IS NOT NULL \
                        SET r.record = r.record RETURN count(r)";
            if ledger.inside(lock, &given)? != Some(1) {
                return Err(Error::refused(format!("the target knows no run {run}")));
            }
            let epoch = ledger.inside(NEWEST, &given)?.unwrap_or(0).saturating_add(1);
            let given = parameters([("run", run.into()), ("lanes", integer(lanes as u64)), ("epoch", epoch.into())]);
            let raise = "MATCH (l:`__GraphFerry__`) WHERE l.run = $run AND l.lane IS NOT NULL \
                         WITH l ORDER BY l.lane SET l.epoch = $epoch RETURN count(l)";
            ledger.inside(raise, &given)?;
            let known = "MATCH (l:`__GraphFerry__`) WHERE l.run = $run AND l.lane IS NOT NULL \
                         WITH collect(l.lane) AS known UNWIND range(0, $lanes - 1) AS lane \
                         WITH known, lane WHERE NOT lane IN known \
                         CREATE (:`__GraphFerry__` {run: $run, lane: lane, epoch: $epoch, batch: 0, \
                         `__graphferry__`: true}) RETURN count(*)";
            ledger.inside(known, &given)?;
            Ok(epoch)
        })
    }

    pub(super) fn enter(&mut self, run: &str, entry: &Entry) -> Result<()> {
        let text = "CREATE (:`__GraphFerry__` {run: $run, batch: $batch, from: $from, entry: $entry})";
        let line = line(run, entry)?;
        self.alone(Mode::Write, text, &line, |_| Ok(()))
    }

    pub(super) fn entries(&mut self, run: &str, sink: &mut dyn FnMut(Entry) -> Result<()>) -> Result<()> {
        // Sorted before the bytes are read: the server would hold them all.
        let text = "MATCH (e:`__GraphFerry__`) WHERE e.run = $run AND e.from IS NOT NULL \
                    WITH e ORDER BY e.batch, e.from RETURN e.entry";
        self.alone(Mode::Read, text, &parameters([("run", run.into())]), |row| match entry(row)? {
            Some(entry) => sink(entry),
            None => Ok(()),
        })
    }

    pub(super) fn forget(&mut self, run: &str) -> Result<()> {
        let parameters = parameters([("run", run.into()), ("limit", FORGOTTEN.into())]);
        for kind in ["from", "lane", "record"] {
            let text = format!(
                "MATCH (e:`__GraphFerry__`) WHERE e.run = $run AND e.`{kind}` IS NOT NULL WITH e LIMIT $limit \
                 DELETE e RETURN count(*)"
            );
            let mut left = 1;
            while left > 0 {
                self.alone(Mode::Write, &text, &parameters, |row| {
                    left = number(row)?.unwrap_or(0);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

/// The parameters of a line.
fn line(run: &str, entry: &Entry) -> Result<Vec<u8>> {
    let (batch, from) = (integer(entry.batch), integer(entry.from));
    Ok(parameters([("run", run.into()), ("batch", batch), ("from", from), ("entry", Value::Bytes(entry.encode()?))]))
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
    match Value::read(&mut cursor)? {
        Value::Null => Ok(None),
        Value::Bytes(bytes) => Entry::decode(&bytes).map(Some),
        _ => Err(Error::new(ErrorKind::Corrupt, "a line of the ledger is damaged")),
    }
}
