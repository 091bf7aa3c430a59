//! The session: batches, each one statement in one transaction.
//!
//! Properties go out as they lie in the block. BEGIN travels with the statement, COMMIT apart from it: the answer is looked at before anything
//! is kept, and a connection that is lost before COMMIT has left nothing behind. Only a lost answer to COMMIT leaves a doubt.
//!
//! Nodes are numbered in their batch and the server tells the number beside the new id, so that no order of rows is relied on.

use super::link::Link;
use crate::backend::{Entry, Mark, Once, Place, Session, Update};
use crate::cypher::{self, Dialect};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::model::packstream::{put_integer, put_list, put_map, put_string};
use crate::model::{Block, Class, Cursor, Kind};
use crate::wire::{Connection, Mode, Query, Summary};

/// A buffer of parameters larger than this is given back after its batch.
const KEEP: usize = 8 << 20;

/// A connection that writes batches.
#[derive(Debug)]
pub(super) struct Neo4jSession {
    link: Link,
    connection: Connection,
    parameters: Vec<u8>,
}

impl Neo4jSession {
    pub(super) fn new(link: Link, connection: Connection) -> Self {
        Self { link, connection, parameters: Vec::new() }
    }

    /// Begins the parameters: one list of so many rows, which must follow.
    fn open_rows(&mut self, rows: usize) {
        if self.parameters.capacity() > KEEP {
            self.parameters = Vec::new();
        }
        self.parameters.clear();
        put_map(&mut self.parameters, 1);
        put_string(&mut self.parameters, "rows");
        put_list(&mut self.parameters, rows);
    }

    /// Connects anew where the last batch lost the connection.
    fn connection(&mut self) -> Result<&mut Connection> {
        if self.connection.is_lost() {
            self.connection = self.link.connect()?;
        }
        Ok(&mut self.connection)
    }

    /// Runs a batch's statement and leaves its transaction open.
    fn run(&mut self, text: &str, row: impl FnMut(&[u8]) -> Result<()>) -> Result<Summary> {
        self.connection()?;
        let text = self.link.statement(text);
        let query = Query::beginning(&text, Mode::Write, Some(self.link.database())).with(&self.parameters);
        let done = self.connection.query(&query, row);
        // Nothing was committed, so another connection may do it again.
        done.map_err(|error| if self.connection.is_lost() { error.retrying(Retry::Again) } else { error })
    }
}

/// The kind that all items of a batch have, as `` :`A`:`B` ``.
fn kind_of(batch: &Block) -> Result<String> {
    let Some(first) = batch.items().first() else { return Ok(String::new()) };
    let kind: &Kind = batch.kind(first);
    if batch.items().iter().any(|item| item.kind != first.kind && batch.kind(item) != kind) {
        return Err(Error::failed("a batch mixes labels or types"));
    }
    let mut text = Vec::new();
    for name in kind.names() {
        text.push(b':');
        cypher::name::put(Dialect::Neo4j, name, &mut text)?;
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Puts the id of a row (number in the batch, id) in its place.
fn place(row: &[u8], ids: &mut [Option<i64>]) -> Result<()> {
    let mut cursor = Cursor::new(row);
    cursor.list()?;
    let number = cursor.integer()?;
    let slot = usize::try_from(number).ok().and_then(|number| ids.get_mut(number));
    *slot.ok_or_else(|| Error::failed(format!("the server tells an id for row {number}, which was not sent")))? =
        Some(cursor.integer()?);
    Ok(())
}

impl Session for Neo4jSession {
    fn nodes(&mut self, batch: &Block, _: Option<&Mark>, ids: &mut Vec<i64>) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let text = format!("UNWIND $rows AS row CREATE (n{}) SET n = row[1] RETURN row[0], id(n)", kind_of(batch)?);
        self.open_rows(batch.len());
        for (number, item) in batch.items().iter().enumerate() {
            put_list(&mut self.parameters, 2);
            put_integer(&mut self.parameters, number as i64);
            self.parameters.extend_from_slice(batch.properties(item));
        }
        let mut made = vec![None; batch.len()];
        self.run(&text, |row| place(row, &mut made))?;
        let made: Vec<i64> = made.into_iter().flatten().collect();
        if made.len() != batch.len() {
            self.connection.rollback()?;
            return Err(Error::failed(format!("the server tells {} ids for {} nodes", made.len(), batch.len())));
        }
        self.connection.commit()?;
        ids.extend(made);
        Ok(())
    }

    fn relationships(&mut self, batch: &Block, _: Once, _: Option<&Mark>) -> Result<u64> {
        if batch.is_empty() {
            return Ok(0);
        }
        if batch.items().iter().any(|item| batch.kind(item).names().len() != 1) {
            return Err(Error::failed("a relationship has no type, or several"));
        }
        let text = format!(
            "UNWIND $rows AS row MATCH (a) WHERE id(a) = row[0] MATCH (b) WHERE id(b) = row[1] \
             CREATE (a)-[r{}]->(b) SET r = row[2]",
            kind_of(batch)?
        );
        self.open_rows(batch.len());
        for item in batch.items() {
            put_list(&mut self.parameters, 3);
            put_integer(&mut self.parameters, item.start);
            put_integer(&mut self.parameters, item.end);
            self.parameters.extend_from_slice(batch.properties(item));
        }
        let made = self.run(&text, |_| Ok(()))?.count("relationships-created");
        if made != batch.len() as u64 {
            self.connection.rollback()?;
            let missing = (batch.len() as u64).saturating_sub(made);
            return Err(Error::new(
                ErrorKind::Server,
                format!("{missing} of {} relationships have an end that is not there", batch.len()),
            ));
        }
        self.connection.commit()?;
        Ok(made)
    }

    fn enlist(&mut self, _: &Place) -> Result<()> {
        Err(crate::error::Error::refused("merging is not supported by this database yet"))
    }

    fn update(&mut self, _: &Block, _: Update, _: Option<&Mark>) -> Result<u64> {
        Err(crate::error::Error::refused("merging is not supported by this database yet"))
    }

    fn find(&mut self, _: &Mark) -> Result<Option<Entry>> {
        Err(crate::error::Error::refused("merging is not supported by this database yet"))
    }

    fn read(&mut self, _: Class, _: &[i64]) -> Result<Block> {
        Err(crate::error::Error::refused("merging is not supported by this database yet"))
    }

    fn delete(&mut self, _: Class, _: &[i64], _: bool, _: &Entry) -> Result<u64> {
        Err(crate::error::Error::refused("merging is not supported by this database yet"))
    }

    fn put_back(&mut self, _: &Block, _: &Entry) -> Result<()> {
        Err(crate::error::Error::refused("merging is not supported by this database yet"))
    }

    fn statement(&mut self, text: &str) -> Result<()> {
        self.connection()?;
        // The text is the dump's: it says itself which language it is in, if it must.
        let query = Query::alone(text, Mode::Write, Some(self.link.database()));
        self.connection.query(&query, |_| Ok(())).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::model::Value;

    #[test]
    fn ids_are_placed_by_their_number() {
        let row = |number: i64, id: i64| Value::List(vec![number.into(), id.into()]).to_packstream();
        let mut ids = vec![None; 3];
        for (number, id) in [(2, 70), (0, 90), (1, 80)] {
            place(&row(number, id), &mut ids).unwrap();
        }
        assert_eq!(ids, [Some(90), Some(80), Some(70)]);
        for number in [-1, 3] {
            let error = place(&row(number, 1), &mut ids).unwrap_err().to_string();
            assert_eq!(error, format!("the server tells an id for row {number}, which was not sent"));
        }
    }

    #[test]
    fn a_batch_has_one_kind() {
        let mut batch = Block::new(Class::Nodes);
        for labels in [&["A`", "B"][..], &["A`", "B"], &[]] {
            let kind = batch.add_kind(Kind::labels(labels));
            batch.buffer().push(0xA0);
            batch.push(1, 0, 0, kind, 0);
        }
        assert_eq!(kind_of(&batch.slice(0..2)).unwrap(), ":`A```:`B`");
        assert_eq!(kind_of(&batch.slice(2..3)).unwrap(), "");
        assert_eq!(kind_of(&batch).unwrap_err().to_string(), "a batch mixes labels or types");
    }
}
