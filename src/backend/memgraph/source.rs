//! The source: one read transaction, scanned.

use super::rows::Rows;
use super::schema::{self, Shown};
use super::storage::Storage;
use super::{own_dump, settle};
use crate::backend::bolt::Link;
use crate::backend::{Names, Snapshot, Source};
use crate::error::{Error, Result};
use crate::model::header::Origin;
use crate::model::{Block, Class, Consistency, Cursor, Schema};
use crate::wire::{Connection, Extra, Mode, Query};
use std::collections::BTreeSet;

/// A Memgraph database that is read.
#[derive(Debug)]
pub(super) struct MemgraphSource {
    link: Link,
    connection: Connection,
}

impl MemgraphSource {
    pub(super) fn new(link: Link, connection: Connection) -> Self {
        Self { link, connection }
    }
}

impl Source for MemgraphSource {
    fn origin(&self) -> &Origin {
        &self.link.origin
    }

    fn snapshot(&mut self, want: Option<Consistency>) -> Result<Box<dyn Snapshot + '_>> {
        let storage = Storage::ask(&mut self.connection, &self.link)?;
        storage.check(want, self.connection.peer())?;
        let before = schema::ask(&mut self.connection, &self.link)?;
        // 0 lifts the server's own limit, which is ten minutes where nobody set another.
        let database = Some(self.link.database());
        self.connection.begin_as(Extra { mode: Mode::Read, database, timeout: Some(0) })?;
        Ok(Box::new(View { link: &self.link, connection: &mut self.connection, storage, before, open: true }))
    }
}

/// A read transaction.
struct View<'a> {
    link: &'a Link,
    connection: &'a mut Connection,
    storage: Storage,
    before: Shown,
    open: bool,
}

impl View<'_> {
    fn query(&mut self, text: &str, row: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.check_open()?;
        // The server gives the transaction up with any failure; going on in another one would mix two views.
        let done = self.connection.query(&Query::inside(text).unlimited(), row);
        self.open = done.is_ok();
        done.map(|_| ())
    }

    fn check_open(&self) -> Result<()> {
        if self.open { Ok(()) } else { Err(Error::failed("the view of the database is closed")) }
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

    /// Those of the names `wanted`, `wanted2__`, … that occur, up to the first that does not.
    fn taken(&mut self, wanted: &str, statement: fn(&str) -> String) -> Result<BTreeSet<String>> {
        let mut taken = BTreeSet::new();
        let mut name = wanted.to_owned();
        while self.count(&statement(&name))? > 0 {
            let next = taken.len() + 2;
            taken.insert(std::mem::replace(&mut name, format!("{wanted}{next}__")));
        }
        Ok(taken)
    }
}

/// The names that the dumps' helpers have where nothing collides, Memgraph's and Neo4j's.
const LABELS: [&str; 2] = ["__mg_vertex__", "__graphferry_node__"];
const PROPERTIES: [&str; 2] = ["__mg_id__", "__graphferry_id__"];

fn with_label(name: &str) -> String {
    format!("MATCH (n:`{name}`) RETURN count(n)")
}

fn with_property(name: &str) -> String {
    format!("MATCH (n) WHERE n.`{name}` IS NOT NULL RETURN count(n)")
}

impl Snapshot for View<'_> {
    fn consistency(&self) -> Consistency {
        self.storage.promise()
    }

    fn schema(&mut self) -> Result<Schema> {
        self.check_open()?;
        let found = self.before.objects()?;
        if found.iter().all(|found| found.doubt.is_none()) && !self.before.has_doubts_of_its_own() {
            return Ok(Schema { objects: found.into_iter().map(|found| found.object).collect() });
        }
        let statements = own_dump::schema_statements(self.connection);
        self.open = statements.is_ok();
        Ok(Schema { objects: settle::settle(found, &statements?)? })
    }

    /// Memgraph keeps no list of names that could be asked for without a walk over all data. So only those are looked for that a helper's
    /// name could collide with.
    fn names(&mut self) -> Result<Names> {
        let mut names = Names::default();
        for wanted in LABELS {
            names.labels.append(&mut self.taken(wanted, with_label)?);
        }
        for wanted in PROPERTIES {
            names.properties.append(&mut self.taken(wanted, with_property)?);
        }
        Ok(names)
    }

    fn estimate(&mut self) -> Result<Option<(u64, u64)>> {
        Ok(Some((self.storage.nodes, self.storage.relationships)))
    }

    fn scan(&mut self, class: Class, sink: &mut dyn FnMut(Block) -> Result<()>) -> Result<()> {
        let mut rows = Rows::new(class);
        self.query(Rows::statement(class), |row| {
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

    fn warnings(&self) -> Vec<String> {
        let peer = self.connection.peer();
        let mut warnings = Vec::new();
        if self.consistency() != Consistency::Snapshot {
            let (why, advice) = self.storage.weakness();
            warnings.push(format!("{peer} promises no snapshot: {why}; {advice}"));
        }
        if self.before.may_hide_ttl() {
            let version = &self.link.origin.version;
            warnings.push(format!(
                "{peer} has an index on :TTL(ttl), and Memgraph {version} does not tell its time-to-live"
            ));
        }
        warnings
    }

    /// A snapshot is not touched by what others write; a schema that is another one afterwards may have been so before the data were
    /// read. Without a snapshot nobody can tell, unless the counts or the schema differ.
    fn finish(&mut self) -> Result<Option<bool>> {
        self.check_open()?;
        self.open = false;
        self.connection.commit()?;
        let mut changed = schema::ask(self.connection, self.link)? != self.before;
        if self.consistency() == Consistency::Snapshot {
            return Ok(Some(changed));
        }
        let now = Storage::ask(self.connection, self.link)?;
        changed |= (now.nodes, now.relationships) != (self.storage.nodes, self.storage.relationships);
        Ok(changed.then_some(true))
    }
}

impl Drop for View<'_> {
    fn drop(&mut self) {
        if self.open {
            let _ = self.connection.rollback();
        }
    }
}
