//! The session: batches, each in one transaction.
//!
//! **Doubt.** A lost answer to COMMIT leaves a doubt, which Memgraph's error codes never settle. So each transaction writes, before COMMIT, to a
//! node that only this session writes to: the lane of its run, or where there is none (restoring) a lane of its own, with the number of the
//! batch. Memgraph refuses a write to a node that another transaction has written and not ended, or has ended since the writer began. So whoever
//! has written to the lane in a new transaction knows that the old one is over, and its snapshot shows the lane with the old one's number or
//! without it: the batch is in, or it is not and never will be. A conflict there is nobody's success: it is tried again until the old
//! transaction has ended, and a batch that itself meets a conflict is gone as a whole and is sent again.
//!
//! **Twice.** Two transactions that add a relationship to one node conflict as well. So a session that has looked for a relationship in its
//! snapshot and creates it does so only if nobody else has changed an end of it since.
//!
//! **Analytical mode** has no transactions: what a statement has made is there at once and stays, also when it fails. A batch
//! whose statement was answered is in; one whose statement was not is in doubt, as a whole or in part, and nothing is sent again.

use super::ledger::{self, Own};
use super::parcel::{Parcel, Setting};
use super::statement;
use crate::backend::bolt::{Link, batch::kind_of, batch::no_ends, parameters};
use crate::backend::{Deed, Entry, Mark, Once, Place, Session, Update, ledger::Printer};
use crate::cypher::Dialect;
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::model::packstream::{put_integer, put_list, put_map, put_string};
use crate::model::{Block, Class, Cursor, Value};
use crate::wire::{Connection, Mode, Query, Summary};
use std::collections::HashMap;

/// A buffer of parameters larger than this is given back after its batch.
const KEEP: usize = 8 << 20;

/// A connection that writes batches.
#[derive(Debug)]
pub(super) struct MemgraphSession {
    link: Link,
    pub(super) connection: Connection,
    pub(super) parameters: Vec<u8>,
    settings: Settings,
    /// A transaction is open.
    open: bool,
    post: Option<Post>,
    own: Option<Own>,
    /// The lines of the run by batch and first item, once they were asked for.
    pub(super) lines: Option<HashMap<(i64, i64), i64>>,
    /// The line that was written last: batch, first item, id.
    last: Option<(u64, u64, i64)>,
}

/// What a session has to know of the server.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settings {
    /// It is in analytical mode.
    pub(super) analytical: bool,
    /// Its isolation is weaker than a snapshot's, unless a session asks for that.
    pub(super) weak: bool,
}

/// A place in a run, and the id of its lane.
#[derive(Clone, Debug)]
struct Post {
    place: Place,
    lane: i64,
}

impl MemgraphSession {
    pub(super) fn new(link: Link, connection: Connection, settings: Settings) -> Result<Self> {
        let mut session = Self {
            link,
            connection,
            parameters: Vec::new(),
            settings,
            open: false,
            post: None,
            own: None,
            lines: None,
            last: None,
        };
        session.isolate()?;
        Ok(session)
    }

    /// Asks for snapshots where the server would give less.
    fn isolate(&mut self) -> Result<()> {
        if self.settings.weak && !self.settings.analytical {
            let text = "SET SESSION TRANSACTION ISOLATION LEVEL SNAPSHOT ISOLATION";
            self.connection.query(&Query::alone(text, Mode::Write, Some(self.link.database())), |_| Ok(()))?;
        }
        Ok(())
    }

    /// Begins the parameters: one list of so many rows, which must follow.
    pub(super) fn open_rows(&mut self, rows: usize) {
        if self.parameters.capacity() > KEEP {
            self.parameters = Vec::new();
        }
        self.parameters.clear();
        put_map(&mut self.parameters, 1);
        put_string(&mut self.parameters, "rows");
        put_list(&mut self.parameters, rows);
    }

    fn post(&self) -> Result<&Post> {
        self.post.as_ref().ok_or_else(|| Error::failed("the session has no place in a run"))
    }

    /// The run that the session has a place in.
    pub(super) fn run_name(&self) -> Result<String> {
        Ok(self.post()?.place.run.clone())
    }

    /// Connects anew where the last batch lost the connection.
    fn connect(&mut self) -> Result<()> {
        if self.connection.is_lost() {
            self.connection = self.link.connect()?;
            self.isolate()?;
        }
        Ok(())
    }

    /// Runs a statement over the rows that were put together, in the transaction that is open or begins with it.
    pub(super) fn run(&mut self, text: &str, row: impl FnMut(&[u8]) -> Result<()>) -> Result<Summary> {
        let parameters = std::mem::take(&mut self.parameters);
        let done = self.ask(text, &parameters, row);
        self.parameters = parameters;
        done
    }

    /// Runs a statement in the transaction that is open or begins with it.
    pub(super) fn ask(
        &mut self,
        text: &str,
        parameters: &[u8],
        row: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<Summary> {
        let query = match self.open {
            true => Query::inside(text),
            false => {
                self.connect()?;
                Query::beginning(text, Mode::Write, Some(self.link.database()))
            }
        };
        self.open = true;
        let done = self.connection.query(&query.with(parameters).unlimited(), row);
        // Nothing was committed, so another connection may do it again.
        done.map_err(|error| match self.connection.is_lost() {
            true => error.retrying(Retry::Again),
            false => error,
        })
    }

    /// Commits what `work` did, or gives it up.
    pub(super) fn transaction<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let done = work(self);
        let open = std::mem::replace(&mut self.open, false) && !self.connection.is_lost();
        match done {
            Ok(done) => {
                if open {
                    match self.connection.commit() {
                        // What was answered is in, whatever becomes of the COMMIT.
                        Err(error) if self.settings.analytical && error.retry() == Retry::Unknown => {}
                        committed => drop(committed?),
                    }
                }
                Ok(done)
            }
            Err(error) => {
                if open {
                    // The locks go at once and not when the session is used again.
                    let _ = self.connection.rollback();
                }
                Err(error)
            }
        }
    }

    /// A batch that has no mark: the session's own lane settles a doubt.
    fn unmarked<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.settings.analytical {
            return self.transaction(work).map_err(stays);
        }
        self.connect()?;
        let mut own = match self.own.take() {
            Some(own) => own,
            None => Own::make(&mut self.connection, &self.link)?,
        };
        own.batch += 1;
        let mut kept = None;
        let result = self.transaction(|session| {
            kept = Some(work(session)?);
            session.hold_own(&own)
        });
        let settled = match (result, kept) {
            (Err(error), Some(kept)) if error.retry() == Retry::Unknown => {
                match own.is_in(&mut self.connection, &self.link) {
                    Ok(true) => Ok(kept),
                    Ok(false) => Err(error.retrying(Retry::Again)),
                    Err(_) => Err(error),
                }
            }
            (Ok(()), Some(kept)) => Ok(kept),
            (Err(error), _) => Err(error),
            (Ok(()), None) => Err(Error::failed("a batch ended without a result")),
        };
        self.own = Some(own);
        settled
    }

    fn hold_own(&mut self, own: &Own) -> Result<()> {
        // A batch that needed no statement has nothing to be in doubt about.
        if !self.open {
            return Ok(());
        }
        match self.ask(statement::HOLD_OWN, &own.parameters(), |_| Ok(()))?.rows {
            0 => Err(Error::failed("the node that the session keeps its place in is gone")
                .hint("something else deletes nodes from the target meanwhile")),
            _ => Ok(()),
        }
    }

    /// Reads in a transaction of its own.
    pub(super) fn look(&mut self, text: &str, parameters: &[u8], row: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.connect()?;
        let query = Query::alone(text, Mode::Read, Some(self.link.database())).with(parameters).unlimited();
        self.connection.query(&query, row).map(|_| ())
    }

    /// Writes to the lane and makes sure that it is still ours; `then` does something with further parameters and gives a number.
    pub(super) fn hold<const N: usize>(
        &mut self,
        batch: u64,
        then: &str,
        told: &str,
        more: [(&str, Value); N],
    ) -> Result<Option<i64>> {
        let Post { place, lane } = self.post()?.clone();
        let own = [
            ("lane_id", lane.into()),
            ("run_name", place.run.as_str().into()),
            ("epoch_no", place.epoch.into()),
            ("batch_no", ledger::integer(batch)),
            ("touch_no", ledger::touch()),
        ];
        let parameters = parameters(own.into_iter().chain(more));
        let tag = statement::tag(&place.run, place.lane, place.epoch);
        let text = format!("{}{then}RETURN {told} AS `{tag}`", statement::HOLD);
        let mut number = None;
        let rows = self.ask(&text, &parameters, |row| {
            number = ledger::number(row)?;
            Ok(())
        })?;
        match rows.rows {
            0 => Err(ledger::taken_over(&place.run)),
            _ => Ok(number),
        }
    }

    /// Writes the line of a batch: the last thing before COMMIT.
    pub(super) fn note(&mut self, entry: &Entry) -> Result<()> {
        let more = [("first_no", ledger::integer(entry.from)), ("entry_text", ledger::text(entry)?)];
        let id = self.hold(entry.batch, statement::LINE, "id(e)", more)?;
        self.last = id.map(|id| (entry.batch, entry.from, id));
        Ok(())
    }

    fn create_nodes(&mut self, batch: &Block, mark: Option<&Mark>) -> Result<Vec<i64>> {
        let kind = kind_of(Dialect::Memgraph, batch)?;
        let setting = Setting { variable: "n", sign: "=", place: 1, texts: 2, sparing: false };
        let properties = batch.items().iter().map(|item| batch.properties(item));
        let mut made = vec![None; batch.len()];
        for parcel in super::parcel::parcels(properties, setting, batch)? {
            self.open_rows(parcel.items.len());
            for sent in &parcel.items {
                put_list(&mut self.parameters, 2 + sent.texts.len());
                put_integer(&mut self.parameters, sent.number as i64);
                self.parameters.extend_from_slice(&sent.properties);
                sent.texts.iter().for_each(|text| put_string(&mut self.parameters, text));
            }
            self.run(&statement::create_nodes(&kind, &parcel.set), |row| place(row, &mut made))?;
        }
        let made = numbered(made, batch)?;
        if let Some(mark) = mark {
            let mut entry = Entry::new(mark, Deed::Nodes, batch);
            let mut printer = Printer::default();
            let prints = batch.items().iter().map(|item| printer.print(batch, item));
            entry.prints = prints.collect::<Result<_>>()?;
            entry.ids.clone_from(&made);
            self.note(&entry)?;
        }
        Ok(made)
    }

    /// Puts the rows of relationships together.
    pub(super) fn relationship_rows(&mut self, parcel: &Parcel<'_>, batch: &Block) {
        self.open_rows(parcel.items.len());
        for sent in &parcel.items {
            let Some(item) = batch.items().get(sent.number) else { continue };
            put_list(&mut self.parameters, 4 + sent.texts.len());
            put_integer(&mut self.parameters, item.start);
            put_integer(&mut self.parameters, item.end);
            self.parameters.extend_from_slice(&sent.properties);
            put_integer(&mut self.parameters, sent.number as i64);
            sent.texts.iter().for_each(|text| put_string(&mut self.parameters, text));
        }
    }
}

/// Puts the id of a row (number in the batch, id) in its place.
pub(super) fn place(row: &[u8], made: &mut [Option<i64>]) -> Result<()> {
    let mut cursor = Cursor::new(row);
    cursor.list()?;
    let (number, id) = (cursor.integer()?, cursor.integer()?);
    let slot = usize::try_from(number).ok().and_then(|number| made.get_mut(number));
    *slot.ok_or_else(|| Error::failed(format!("the server tells an id for row {number}, which was not sent")))? =
        Some(id);
    Ok(())
}

/// The ids of all items of a batch.
pub(super) fn numbered(made: Vec<Option<i64>>, batch: &Block) -> Result<Vec<i64>> {
    let made: Vec<i64> = made.into_iter().flatten().collect();
    match made.len() == batch.len() {
        true => Ok(made),
        false if batch.class() == Class::Relationships => Err(no_ends(batch.len() - made.len(), batch)),
        false => Err(Error::failed(format!("the server tells {} ids for {} nodes", made.len(), batch.len()))),
    }
}

/// A failure in analytical mode: what the batch had made stays.
fn stays(error: Error) -> Error {
    // The statement waited in vain to begin: it has made nothing.
    if error.retry() == Retry::Again && error.message().starts_with("Cannot get ") || error.kind() == ErrorKind::Refused
    {
        return error;
    }
    error.retrying(Retry::Unknown).hint(
        "in analytical mode the server takes nothing back: how much of this batch is in is unknown; empty the database and restore again",
    )
}

impl Session for MemgraphSession {
    fn enlist(&mut self, place: &Place) -> Result<()> {
        let lane = ledger::integer(place.lane as u64);
        let mut found = None;
        self.look(statement::LANES, &parameters([("run_name", place.run.as_str().into())]), |row| {
            let mut cursor = Cursor::new(row);
            cursor.list()?;
            let (number, epoch, id) = (cursor.integer()?, cursor.integer()?, cursor.integer()?);
            if lane.as_integer() == Some(number) && epoch == place.epoch {
                found = Some(id);
            }
            Ok(())
        })?;
        let lane = found.ok_or_else(|| ledger::taken_over(&place.run))?;
        self.post = Some(Post { place: place.clone(), lane });
        self.lines = None;
        self.last = None;
        Ok(())
    }

    fn nodes(&mut self, batch: &Block, mark: Option<&Mark>, ids: &mut Vec<i64>) -> Result<()> {
        if batch.is_empty() && mark.is_none() {
            return Ok(());
        }
        let made = match mark {
            Some(_) => self.transaction(|session| session.create_nodes(batch, mark))?,
            None => self.unmarked(|session| session.create_nodes(batch, None))?,
        };
        ids.extend(made);
        Ok(())
    }

    fn relationships(&mut self, batch: &Block, once: Once, mark: Option<&Mark>) -> Result<u64> {
        if batch.is_empty() && mark.is_none() {
            return Ok(0);
        }
        if batch.items().iter().any(|item| batch.kind(item).names().len() != 1) {
            return Err(Error::failed("a relationship has no type, or several"));
        }
        match mark {
            Some(_) => self.transaction(|session| session.create_relationships(batch, once, mark)),
            None => self.unmarked(|session| session.create_relationships(batch, once, None)),
        }
    }

    fn update(&mut self, batch: &Block, how: Update, mark: Option<&Mark>) -> Result<u64> {
        if batch.is_empty() && mark.is_none() {
            return Ok(0);
        }
        match mark {
            Some(_) => self.transaction(|session| session.change(batch, how, mark)),
            None => self.unmarked(|session| session.change(batch, how, None)),
        }
    }

    fn find(&mut self, mark: &Mark) -> Result<Option<Entry>> {
        self.connect()?;
        let place = self.post()?.place.clone();
        ledger::end_others(&mut self.connection, &self.link, &ledger::Left::Of(&place))?;
        let last = self.last.filter(|(batch, from, _)| (*batch, *from) == (mark.batch, mark.from));
        // A conflict says that the old transaction has not ended: there is nothing to be found yet.
        ledger::insist(self, |session| {
            session.connect()?;
            session.transaction(|session| {
                session.hold(mark.batch, "", "id(l)", [])?;
                let (batch, from) = (ledger::integer(mark.batch), ledger::integer(mark.from));
                let (text, id) = match last {
                    Some((_, _, id)) => (statement::LINE_BY_ID, id),
                    None => (statement::LINE_BY_NUMBER, -1),
                };
                let run = place.run.as_str().into();
                let given = [("run_name", run), ("batch_no", batch), ("first_no", from), ("line_id", id.into())];
                let mut found = None;
                session.ask(text, &parameters(given), |row| {
                    found = ledger::entry(row)?;
                    Ok(())
                })?;
                Ok(found)
            })
        })
    }

    fn read(&mut self, class: Class, ids: &[i64]) -> Result<Block> {
        self.read_items(class, ids)
    }

    fn delete(&mut self, class: Class, ids: &[i64], detach: bool, entry: &Entry) -> Result<u64> {
        self.transaction(|session| session.delete_items(class, ids, detach, entry))
    }

    fn put_back(&mut self, nodes: &Block, entry: &Entry) -> Result<()> {
        self.transaction(|session| session.put_nodes_back(nodes, entry))
    }

    fn statement(&mut self, text: &str) -> Result<()> {
        self.connect()?;
        let query = Query::alone(text, Mode::Write, Some(self.link.database())).unlimited();
        self.connection.query(&query, |_| Ok(())).map(|_| ())
    }
}

impl Drop for MemgraphSession {
    fn drop(&mut self) {
        if let Some(own) = self.own.take()
            && !self.connection.is_lost()
        {
            own.remove(&mut self.connection, &self.link);
        }
    }
}
