//! The session: batches, each one statement and one transaction.
//!
//! Properties go out as they lie in the block. A batch is a transaction of its own in one round trip: the server commits when the last row
//! of the answer is on its way, and a failure before that leaves nothing behind.

use super::link::Link;
use crate::backend::Session;
use crate::cypher::{self, Dialect};
use crate::error::{Error, Result};
use crate::model::packstream::{put_integer, put_list, put_map, put_string};
use crate::model::{Block, Cursor, Kind};
use crate::wire::{Connection, Mode, Query, Summary};

/// A connection that writes batches.
#[derive(Debug)]
pub(super) struct Neo4jSession {
    link: Link,
    connection: Connection,
    parameters: Vec<u8>,
    text: Vec<u8>,
}

impl Neo4jSession {
    pub(super) fn new(link: Link, connection: Connection) -> Self {
        Self { link, connection, parameters: Vec::new(), text: Vec::new() }
    }

    /// Begins the parameters: one list of so many rows, which must follow.
    fn open_rows(&mut self, rows: usize) {
        self.parameters.clear();
        put_map(&mut self.parameters, 1);
        put_string(&mut self.parameters, "rows");
        put_list(&mut self.parameters, rows);
    }

    fn send(
        &mut self,
        before: &str,
        kind: &Kind,
        after: &str,
        row: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<Summary> {
        self.text.clear();
        self.text.extend_from_slice(before.as_bytes());
        for name in kind.names() {
            self.text.push(b':');
            cypher::name(Dialect::Neo4j, name, &mut self.text);
        }
        self.text.extend_from_slice(after.as_bytes());
        let text = self.link.statement(&String::from_utf8_lossy(&self.text));
        let query = Query::alone(&text, Mode::Write, Some(self.link.database())).with(&self.parameters);
        self.connection.query(&query, row)
    }
}

/// The kind that all items of a batch have.
fn kind_of(batch: &Block) -> Result<Option<Kind>> {
    let Some(first) = batch.items().first() else { return Ok(None) };
    let kind = batch.kind(first);
    let same = batch.items().iter().all(|item| item.kind == first.kind || batch.kind(item) == kind);
    match same {
        true => Ok(Some(kind.clone())),
        false => Err(Error::failed("a batch mixes labels or types")),
    }
}

impl Session for Neo4jSession {
    fn nodes(&mut self, batch: &Block, ids: &mut Vec<i64>) -> Result<()> {
        let Some(kind) = kind_of(batch)? else { return Ok(()) };
        self.open_rows(batch.len());
        for item in batch.items() {
            self.parameters.extend_from_slice(batch.properties(item));
        }
        let before = ids.len();
        let done = self.send("UNWIND $rows AS row CREATE (n", &kind, ") SET n = row RETURN id(n)", |row| {
            let mut cursor = Cursor::new(row);
            cursor.list()?;
            ids.push(cursor.integer()?);
            Ok(())
        });
        let made = ids.len() - before;
        if let Err(error) = done {
            ids.truncate(before);
            return Err(error);
        }
        if made != batch.len() {
            ids.truncate(before);
            return Err(Error::failed(format!("the server tells {made} ids for {} nodes", batch.len())));
        }
        Ok(())
    }

    fn relationships(&mut self, batch: &Block) -> Result<u64> {
        let Some(kind) = kind_of(batch)? else { return Ok(0) };
        self.open_rows(batch.len());
        for item in batch.items() {
            put_list(&mut self.parameters, 3);
            put_integer(&mut self.parameters, item.start);
            put_integer(&mut self.parameters, item.end);
            self.parameters.extend_from_slice(batch.properties(item));
        }
        let before = "UNWIND $rows AS row MATCH (a) WHERE id(a) = row[0] MATCH (b) WHERE id(b) = row[1] CREATE (a)-[r";
        let summary = self.send(before, &kind, "]->(b) SET r = row[2]", |_| Ok(()))?;
        Ok(summary.count("relationships-created"))
    }

    fn statement(&mut self, text: &str) -> Result<()> {
        // The text is the dump's: it says itself which language it is in, if it must.
        let query = Query::alone(text, Mode::Write, Some(self.link.database()));
        self.connection.query(&query, |_| Ok(())).map(|_| ())
    }
}
