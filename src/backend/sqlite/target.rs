//! The store as a target: every batch is one transaction of the one writer that all sessions share.

use super::fault::during;
use super::rule::Rule;
use super::writer::Writer;
use super::{catalog, source};
use crate::backend::{Entry, Facts, Mark, Once, Place, Schedule, Seen, Session, Target, Update};
use crate::error::{Error, Result};
use crate::model::header::Origin;
use crate::model::{Block, Class, Schema, SchemaObject, Trigger};
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Items a batch: large enough that the commit costs nothing, small enough that a batch is soon whole.
const BATCH: usize = 10_000;

/// An open store.
pub(super) struct Store {
    writer: Arc<Mutex<Writer>>,
    origin: Origin,
}

/// A writer whose thread panicked has rolled back: its transaction was dropped.
fn lock(writer: &Mutex<Writer>) -> MutexGuard<'_, Writer> {
    writer.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    pub(super) fn open(path: &Path) -> Result<Self> {
        Ok(Self { writer: Arc::new(Mutex::new(Writer::open(path)?)), origin: super::origin(path) })
    }
}

impl Target for Store {
    fn facts(&mut self) -> Result<Facts> {
        lock(&self.writer).read(|connection| {
            let count = |sql| {
                let count = connection.query_row(sql, [], |row| row.get::<_, i64>(0));
                count.map(|count| u64::try_from(count).unwrap_or(0)).map_err(during("counting"))
            };
            Ok(Facts {
                origin: self.origin.clone(),
                capability: super::capability(),
                nodes: count("SELECT count(*) FROM nodes")?,
                relationships: count("SELECT count(*) FROM relationships")?,
                schema: catalog::schema(connection)?,
                defaults: Schema::default(),
                schedule: Schedule::Sequential,
                sessions: 1,
                batch: BATCH,
                fires_triggers: false,
            })
        })
    }

    fn session(&self) -> Result<Box<dyn Session>> {
        Ok(Box::new(Hand { writer: Arc::clone(&self.writer) }))
    }

    fn apply(&mut self, object: &SchemaObject) -> Result<()> {
        lock(&self.writer).write("writing the schema", |connection, batch| {
            let id = catalog::add(connection, object)?;
            batch.forget();
            match Rule::of(id, object) {
                Some(rule) => enforce(connection, &rule),
                None => Ok(()),
            }
        })
    }

    fn remove(&mut self, object: &SchemaObject) -> Result<()> {
        lock(&self.writer).write("writing the schema", |connection, batch| {
            batch.forget();
            catalog::remove(connection, object)
        })
    }

    fn settle(&mut self) -> Result<()> {
        lock(&self.writer).settle()
    }

    fn look(&mut self, _: Class, _: &str, _: &[String], _: &mut dyn FnMut(Seen<'_>) -> Result<()>) -> Result<()> {
        Err(crate::error::Error::refused("merging is not supported by this database yet"))
    }

    fn set_trigger(&mut self, _: &Trigger, _: bool) -> Result<()> {
        Err(crate::error::Error::refused("merging is not supported by this database yet"))
    }

    fn runs(&mut self) -> Result<Vec<(String, String)>> {
        Ok(Vec::new())
    }

    fn record(&mut self, _: &str, _: &str) -> Result<()> {
        Err(crate::error::Error::refused("merging is not supported by this database yet"))
    }

    fn fence(&mut self, _: &str, _: usize) -> Result<i64> {
        Err(crate::error::Error::refused("merging is not supported by this database yet"))
    }

    fn enter(&mut self, _: &str, _: &Entry) -> Result<()> {
        Err(crate::error::Error::refused("merging is not supported by this database yet"))
    }

    fn entries(&mut self, _: &str, _: &mut dyn FnMut(Entry) -> Result<()>) -> Result<()> {
        Err(crate::error::Error::refused("merging is not supported by this database yet"))
    }

    fn forget(&mut self, _: &str) -> Result<()> {
        Err(crate::error::Error::refused("merging is not supported by this database yet"))
    }
}

/// Holds what is in the store to a new rule.
fn enforce(connection: &Connection, rule: &Rule) -> Result<()> {
    let checking = || during("checking a constraint");
    // The keys go through a table on disk and SQLite's own sorter: they may be more than fit into memory, and come in
    // any order.
    connection
        .execute_batch("DROP TABLE IF EXISTS temp.gathered; CREATE TEMP TABLE gathered (key BLOB, item INTEGER)")
        .map_err(checking())?;
    {
        let mut insert = connection.prepare("INSERT INTO temp.gathered VALUES (?1, ?2)").map_err(checking())?;
        source::scan(connection, rule.class(), &mut |block| {
            for item in block.items() {
                if rule.concerns(rule.class(), block.kind(item)) {
                    rule.gather(&mut insert, &block, item)?;
                }
            }
            Ok(())
        })?;
    }
    rule.settle(connection)?;
    connection.execute_batch("DROP TABLE temp.gathered").map_err(checking())
}

struct Hand {
    writer: Arc<Mutex<Writer>>,
}

impl Session for Hand {
    fn nodes(&mut self, batch: &Block, _: Option<&Mark>, ids: &mut Vec<i64>) -> Result<()> {
        expect(batch, Class::Nodes)?;
        let before = ids.len();
        let written =
            lock(&self.writer).write("writing nodes", |connection, writer| writer.nodes(connection, batch, ids));
        if written.is_err() {
            ids.truncate(before);
        }
        written
    }

    fn relationships(&mut self, batch: &Block, _: Once, _: Option<&Mark>) -> Result<u64> {
        expect(batch, Class::Relationships)?;
        lock(&self.writer)
            .write("writing relationships", |connection, writer| writer.relationships(connection, batch))?;
        Ok(batch.len() as u64)
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

    fn statement(&mut self, _text: &str) -> Result<()> {
        Err(Error::refused("the embedded store has no query language: a statement cannot be run"))
    }
}

fn expect(batch: &Block, class: Class) -> Result<()> {
    if batch.class() == class {
        return Ok(());
    }
    Err(Error::failed(format!("a batch of {}s was sent as {}s", batch.class().noun(), class.noun())))
}
