//! The session: batches, each in one transaction.
//!
//! Properties go out as they lie in the block. BEGIN travels with the statement, COMMIT apart from it: the answer is
//! looked at before anything is kept, and a connection that is lost before COMMIT has left nothing behind. Only a lost
//! answer to COMMIT leaves a doubt, and that the ledger settles: a batch with a mark writes its line just before COMMIT.
//!
//! Items are numbered in their batch and the server tells the numbers beside the new ids, so that no order of rows is
//! relied on.

use super::ledger::{self, HOLD, TAG};
use crate::backend::bolt::batch::{kind_of, no_ends, place};
use crate::backend::bolt::{Link, parameters};
use crate::backend::{Deed, Entry, Mark, Once, Place, Session, Update, ledger::Printer};
use crate::cypher::Dialect;
use crate::error::{Error, Result, Retry};
use crate::model::packstream::{put_integer, put_list, put_map, put_string};
use crate::model::{Block, Class, Value};
use crate::wire::{Connection, Mode, Query, Summary};
use std::collections::HashMap;

/// A buffer of parameters larger than this is given back after its batch.
const KEEP: usize = 8 << 20;

/// A connection that writes batches.
#[derive(Debug)]
pub(super) struct Neo4jSession {
    link: Link,
    pub(super) connection: Connection,
    pub(super) parameters: Vec<u8>,
    /// A transaction is open.
    open: bool,
    post: Option<Post>,
    /// The lines of the run by batch and first item, once they were asked for.
    pub(super) lines: Option<HashMap<(i64, i64), i64>>,
}

/// A place in a run, and the id of its lane.
#[derive(Clone, Debug)]
struct Post {
    place: Place,
    lane: i64,
}

impl Neo4jSession {
    pub(super) fn new(link: Link, connection: Connection) -> Self {
        Self { link, connection, parameters: Vec::new(), open: false, post: None, lines: None }
    }

    /// Begins the parameters: one list of so many rows, which must follow. Gives what the statement must begin with: a
    /// batch of a run says so, that it can be found where it was left behind.
    pub(super) fn open_rows(&mut self, rows: usize, marked: bool) -> Result<&'static str> {
        if self.parameters.capacity() > KEEP {
            self.parameters = Vec::new();
        }
        self.parameters.clear();
        put_map(&mut self.parameters, 1 + usize::from(marked));
        if marked {
            let tag = ledger::tag(&self.post()?.place);
            put_string(&mut self.parameters, "tag");
            put_string(&mut self.parameters, &tag);
        }
        put_string(&mut self.parameters, "rows");
        put_list(&mut self.parameters, rows);
        Ok(if marked { TAG } else { "" })
    }

    fn post(&self) -> Result<&Post> {
        self.post.as_ref().ok_or_else(|| Error::failed("the session has no place in a run"))
    }

    /// The run that the session has a place in.
    pub(super) fn run_name(&self) -> Result<String> {
        Ok(self.post()?.place.run.clone())
    }

    /// Connects anew where the last batch lost the connection.
    fn connection(&mut self) -> Result<&mut Connection> {
        if self.connection.is_lost() {
            self.connection = self.link.connect()?;
        }
        Ok(&mut self.connection)
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
        let text = self.link.statement(text);
        let query = match self.open {
            true => Query::inside(&text),
            false => {
                self.connection()?;
                Query::beginning(&text, Mode::Write, Some(self.link.database()))
            }
        };
        self.open = true;
        let done = self.connection.query(&query.with(parameters), row);
        // Nothing was committed, so another connection may do it again. The only procedure that is called here tags the transaction; it fails when that was
        // ended meanwhile.
        // In a run it may be ended by a statement of ours that looked for what a lost connection had left, and came late.
        let passes = |error: &Error| match error.server_code() {
            Some("Neo.ClientError.Procedure.ProcedureCallFailed") => true,
            Some("Neo.ClientError.Transaction.Terminated") => self.post.is_some(),
            _ => false,
        };
        done.map_err(|error| match self.connection.is_lost() || passes(&error) {
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
                    self.connection.commit()?;
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

    /// Reads in a transaction of its own.
    pub(super) fn look(&mut self, text: &str, parameters: &[u8], row: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.connection()?;
        let text = self.link.statement(text);
        let query = Query::alone(&text, Mode::Read, Some(self.link.database())).with(parameters);
        self.connection.query(&query, row).map(|_| ())
    }

    /// Takes the lane's lock and makes sure that the lane is still ours, `then` does something with further parameters.
    pub(super) fn hold<const N: usize>(&mut self, batch: u64, then: &str, more: [(&str, Value); N]) -> Result<()> {
        let Post { place, lane } = self.post()?.clone();
        let own = [
            ("lane", lane.into()),
            ("run", place.run.as_str().into()),
            ("epoch", place.epoch.into()),
            ("batch", ledger::integer(batch)),
        ];
        let parameters = parameters(own.into_iter().chain(more));
        match self.ask(&format!("{HOLD}{then} RETURN 1"), &parameters, |_| Ok(()))?.rows {
            0 => Err(ledger::taken_over(&place.run)),
            _ => Ok(()),
        }
    }

    /// Writes the line of a batch: the last thing before COMMIT.
    pub(super) fn note(&mut self, entry: &Entry) -> Result<()> {
        const CREATE: &str = "CREATE (:`__GraphFerry__` {run: $run, batch: $batch, from: $from, entry: $entry})";
        let more = [("from", ledger::integer(entry.from)), ("entry", Value::Bytes(entry.encode()?))];
        self.hold(entry.batch, CREATE, more)
    }

    fn create_nodes(&mut self, batch: &Block, mark: Option<&Mark>) -> Result<Vec<i64>> {
        let tag = self.open_rows(batch.len(), mark.is_some())?;
        for (number, item) in batch.items().iter().enumerate() {
            put_list(&mut self.parameters, 2);
            put_integer(&mut self.parameters, number as i64);
            self.parameters.extend_from_slice(batch.properties(item));
        }
        let kind = kind_of(Dialect::Neo4j, batch)?;
        let text =
            format!("{tag}UNWIND $rows AS row CREATE (n{kind}) SET n = row[1] RETURN collect(row[0]), collect(id(n))");
        let made = self.numbered(&text, batch)?;
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

    /// Runs a statement that gives the number and the new id of each item.
    pub(super) fn numbered(&mut self, text: &str, batch: &Block) -> Result<Vec<i64>> {
        let mut made = vec![None; batch.len()];
        self.run(text, |row| place(row, &mut made))?;
        let made: Vec<i64> = made.into_iter().flatten().collect();
        match made.len() == batch.len() {
            true => Ok(made),
            false if batch.class() == Class::Relationships => Err(no_ends(batch.len() - made.len(), batch)),
            false => Err(Error::failed(format!("the server tells {} ids for {} nodes", made.len(), batch.len()))),
        }
    }
}

impl Session for Neo4jSession {
    fn enlist(&mut self, place: &Place) -> Result<()> {
        let lane = ledger::integer(place.lane as u64);
        let parameters =
            parameters([("run", place.run.as_str().into()), ("lane", lane), ("epoch", place.epoch.into())]);
        let text = "MATCH (l:`__GraphFerry__`) WHERE l.run = $run AND l.lane = $lane AND l.epoch = $epoch RETURN id(l)";
        let mut found = None;
        self.look(text, &parameters, |row| {
            found = ledger::number(row)?;
            Ok(())
        })?;
        let lane = found.ok_or_else(|| ledger::taken_over(&place.run))?;
        self.post = Some(Post { place: place.clone(), lane });
        self.lines = None;
        Ok(())
    }

    fn nodes(&mut self, batch: &Block, mark: Option<&Mark>, ids: &mut Vec<i64>) -> Result<()> {
        if batch.is_empty() && mark.is_none() {
            return Ok(());
        }
        ids.extend(self.transaction(|session| session.create_nodes(batch, mark))?);
        Ok(())
    }

    fn relationships(&mut self, batch: &Block, once: Once, mark: Option<&Mark>) -> Result<u64> {
        if batch.is_empty() && mark.is_none() {
            return Ok(0);
        }
        if batch.items().iter().any(|item| batch.kind(item).names().len() != 1) {
            return Err(Error::failed("a relationship has no type, or several"));
        }
        self.transaction(|session| session.create_relationships(batch, once, mark))
    }

    fn update(&mut self, batch: &Block, how: Update, mark: Option<&Mark>) -> Result<u64> {
        if batch.is_empty() && mark.is_none() {
            return Ok(0);
        }
        self.transaction(|session| session.change(batch, how, mark))
    }

    fn find(&mut self, mark: &Mark) -> Result<Option<Entry>> {
        self.connection()?;
        let place = self.post()?.place.clone();
        ledger::end_others(&mut self.connection, &self.link, &ledger::Left::Of(&place))?;
        self.transaction(|session| {
            session.hold(mark.batch, "", [])?;
            let (batch, from) = (ledger::integer(mark.batch), ledger::integer(mark.from));
            let parameters = parameters([("run", place.run.as_str().into()), ("batch", batch), ("from", from)]);
            let text = "MATCH (e:`__GraphFerry__`) WHERE e.run = $run AND e.batch = $batch AND e.from = $from \
                        RETURN e.entry";
            let mut found = None;
            session.ask(text, &parameters, |row| {
                found = ledger::entry(row)?;
                Ok(())
            })?;
            Ok(found)
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
        self.connection()?;
        // The text is the dump's: it says itself which language it is in, if it must.
        let query = Query::alone(text, Mode::Write, Some(self.link.database()));
        self.connection.query(&query, |_| Ok(())).map(|_| ())
    }
}
