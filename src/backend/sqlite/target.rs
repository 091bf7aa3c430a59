//! The store as a target: every batch is one transaction of the one writer that all sessions share.

use super::fault::during;
use super::rule::Rule;
use super::session::Hand;
use super::writer::Writer;
use super::{catalog, ledger, source};
use crate::backend::{Entry, Facts, Schedule, Seen, Session, Target};
use crate::error::Result;
use crate::guard::WipeConsent;
use crate::model::header::Origin;
use crate::model::packstream::put_value;
use crate::model::{Class, Schema, SchemaObject, Trigger, ValueRef, change};
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Items a batch: large enough that the commit costs nothing, small enough that a batch is soon whole.
const BATCH: usize = 10_000;

/// An open store.
pub(super) struct Store {
    pub(super) writer: Arc<Mutex<Writer>>,
    origin: Origin,
}

/// A writer whose thread panicked has rolled back: its transaction was dropped.
pub(super) fn lock(writer: &Mutex<Writer>) -> MutexGuard<'_, Writer> {
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
                resumes_restores: false,
                identities: None,
                analytical: None,
            })
        })
    }

    fn session(&self) -> Result<Box<dyn Session>> {
        Ok(Box::new(Hand::new(Arc::clone(&self.writer))))
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

    fn wipe(&mut self, consent: &WipeConsent, told: &mut dyn FnMut(u64) -> Result<()>) -> Result<()> {
        consent.check(&self.origin.database)?;
        self.delete_all(told)
    }

    fn look(
        &mut self,
        class: Class,
        name: &str,
        properties: &[String],
        sink: &mut dyn FnMut(Seen<'_>) -> Result<()>,
    ) -> Result<()> {
        lock(&self.writer).read(|connection| {
            let mut values = Vec::new();
            source::scan(connection, class, &mut |block| {
                for item in block.items() {
                    if !block.kind(item).names().iter().any(|known| **known == *name) {
                        continue;
                    }
                    values.clear();
                    for property in properties {
                        match change::property(block.properties(item), property)? {
                            Some(value) => values.extend_from_slice(value),
                            None => put_value(&mut values, &ValueRef::Null),
                        }
                    }
                    sink(Seen { id: item.id, start: item.start, end: item.end, values: &values })?;
                }
                Ok(())
            })
        })
    }

    fn set_trigger(&mut self, _: &Trigger, _: bool) -> Result<()> {
        // They are only carried here and never fire.
        Ok(())
    }

    fn runs(&mut self) -> Result<Vec<(String, String)>> {
        lock(&self.writer).read(ledger::runs)
    }

    fn record(&mut self, run: &str, record: &str) -> Result<()> {
        lock(&self.writer).write("writing the ledger", |connection, _| ledger::record(connection, run, record))
    }

    fn fence(&mut self, run: &str, _: usize) -> Result<i64> {
        lock(&self.writer).write("writing the ledger", |connection, _| ledger::fence(connection, run))
    }

    fn enter(&mut self, run: &str, entry: &Entry) -> Result<()> {
        lock(&self.writer).write("writing the ledger", |connection, _| ledger::enter(connection, run, entry))
    }

    fn entries(&mut self, run: &str, sink: &mut dyn FnMut(Entry) -> Result<()>) -> Result<()> {
        lock(&self.writer).read(|connection| ledger::entries(connection, run, sink))
    }

    fn forget(&mut self, run: &str) -> Result<()> {
        lock(&self.writer).write("writing the ledger", |connection, _| {
            super::change::drop_indexes(connection)?;
            ledger::forget(connection, run)
        })
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
