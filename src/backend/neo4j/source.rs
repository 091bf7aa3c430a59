//! The source: one read transaction, scanned.

use super::rows::Rows;
use super::{ledger, schema, trigger};
use crate::backend::bolt::Link;
use crate::backend::{Names, Snapshot, Source};
use crate::error::{Error, Result};
use crate::model::header::Origin;
use crate::model::{Block, Class, Consistency, Cursor, Schema, Value};
use crate::wire::{Connection, Mode, Query, Scope};
use std::collections::BTreeSet;

/// A Neo4j database that is read.
#[derive(Debug)]
pub(super) struct Neo4jSource {
    link: Link,
    connection: Connection,
}

impl Neo4jSource {
    pub(super) fn new(link: Link, connection: Connection) -> Self {
        Self { link, connection }
    }
}

impl Source for Neo4jSource {
    fn origin(&self) -> &Origin {
        &self.link.origin
    }

    fn snapshot(&mut self, want: Option<Consistency>) -> Result<Box<dyn Snapshot + '_>> {
        if want == Some(Consistency::Snapshot) {
            return Err(Error::refused(
                "Neo4j cannot promise a snapshot: its transactions see what others commit meanwhile",
            )
            .hint("stop the writers, or accept read-committed: the dump then says whether anything changed"));
        }
        // Before the view, so that a change between the two is told as a change.
        let mark = mark(&mut self.connection, &self.link)?;
        self.connection.begin(Mode::Read, Some(self.link.database()))?;
        Ok(Box::new(View { link: &self.link, connection: &mut self.connection, mark, open: true }))
    }
}

/// The bookmark of the last transaction that changed anything: an empty transaction ends with it.
fn mark(connection: &mut Connection, link: &Link) -> Result<Option<String>> {
    connection.begin(Mode::Read, Some(link.database()))?;
    connection.commit()
}

/// A read transaction.
struct View<'a> {
    link: &'a Link,
    connection: &'a mut Connection,
    mark: Option<String>,
    open: bool,
}

impl View<'_> {
    fn query(&mut self, text: &str, row: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        if !self.open {
            return Err(Error::failed("the view of the database is closed"));
        }
        // The server gives the transaction up with any failure; going on in another one would mix two views.
        let done = self.connection.query(&Query::inside(&self.link.statement(text)), row);
        self.open = done.is_ok();
        done.map(|_| ())
    }

    fn column(&mut self, text: &str) -> Result<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        self.query(text, |row| {
            let mut cursor = Cursor::new(row);
            cursor.list()?;
            names.insert(cursor.string()?.to_owned());
            Ok(())
        })?;
        Ok(names)
    }

    fn count(&mut self, text: &str) -> Result<u64> {
        let mut count = 0;
        self.query(text, |row| {
            let mut cursor = Cursor::new(row);
            cursor.list()?;
            count = u64::try_from(cursor.integer()?).unwrap_or(0);
            Ok(())
        })?;
        Ok(count)
    }
}

impl Snapshot for View<'_> {
    fn consistency(&self) -> Consistency {
        Consistency::ReadCommitted
    }

    fn schema(&mut self) -> Result<Schema> {
        if !self.open {
            return Err(Error::failed("the view of the database is closed"));
        }
        let found = schema::read(self.connection, self.link, Scope::Inside);
        self.open = found.is_ok();
        let mut schema = found?;
        // Triggers live in another database, which a transaction of this one cannot see.
        schema.objects.extend(trigger::read(&mut self.link.connect()?, self.link)?.unwrap_or_default());
        Ok(schema)
    }

    fn names(&mut self) -> Result<Names> {
        let mut labels = self.column("CALL db.labels() YIELD label RETURN label")?;
        labels.append(&mut self.column("CALL db.relationshipTypes() YIELD relationshipType AS t RETURN t")?);
        labels.remove(ledger::LABEL);
        let properties = self.column("CALL db.propertyKeys() YIELD propertyKey AS k RETURN k")?;
        Ok(Names { labels, properties })
    }

    fn estimate(&mut self) -> Result<Option<(u64, u64)>> {
        let nodes = self.count("MATCH (n) RETURN count(n)")?.saturating_sub(self.count(ledger::COUNT)?);
        Ok(Some((nodes, self.count("MATCH ()-[r]->() RETURN count(r)")?)))
    }

    fn scan(&mut self, class: Class, sink: &mut dyn FnMut(Block) -> Result<()>) -> Result<()> {
        let mut rows = Rows::new(class, self.connection.version());
        let ledger = class == Class::Nodes && self.count(ledger::COUNT)? > 0;
        self.query(Rows::statement(class, ledger), |row| {
            rows.push(row)?;
            match rows.is_full() {
                true => sink(rows.take()),
                false => Ok(()),
            }
        })?;
        match rows.is_empty() {
            true => Ok(()),
            false => sink(rows.take()),
        }
    }

    fn finish(&mut self) -> Result<Option<bool>> {
        if !std::mem::replace(&mut self.open, false) {
            return Err(Error::failed("the view of the database is closed"));
        }
        self.connection.commit()?;
        let now = mark(self.connection, self.link)?;
        Ok(self.mark.as_ref().zip(now).map(|(before, now)| *before != now))
    }
}

impl Drop for View<'_> {
    fn drop(&mut self) {
        if self.open {
            let _ = self.connection.rollback();
        }
    }
}

/// A value of a row, for the small results.
pub(super) fn text<'a>(row: &'a crate::wire::Row, name: &str) -> Option<&'a str> {
    row.get(name).and_then(Value::as_str)
}
