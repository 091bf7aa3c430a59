//! The session: batches, each one transaction of the writer that all sessions share, with its line of the ledger.

use super::target::lock;
use super::writer::{Batch, Writer};
use super::{change, ledger};
use crate::backend::ledger::Printer;
use crate::backend::{Deed, Entry, Mark, Once, Place, Session, Update};
use crate::error::{Error, Result};
use crate::model::packstream::{put_list, put_string};
use crate::model::{Block, Class};
use rusqlite::Connection;
use std::sync::{Arc, Mutex};

/// A session.
pub(super) struct Hand {
    writer: Arc<Mutex<Writer>>,
    place: Option<Place>,
    printer: Printer,
}

impl Hand {
    pub(super) fn new(writer: Arc<Mutex<Writer>>) -> Self {
        Self { writer, place: None, printer: Printer::default() }
    }

    /// Runs `work` in a transaction, with the line that it gives if there is a mark.
    fn write<T>(
        &mut self,
        what: &str,
        mark: Option<&Mark>,
        work: impl FnOnce(&Connection, &mut Batch<'_>, &mut Printer) -> Result<(T, Option<Entry>)>,
    ) -> Result<T> {
        let Self { writer, place, printer } = self;
        let place = match (mark, place) {
            (Some(_), None) => return Err(Error::failed("a batch has a mark, but its session has no run")),
            (Some(_), Some(place)) => Some(&*place),
            (None, _) => None,
        };
        lock(writer).write(what, |connection, batch| {
            if let Some(place) = place {
                ledger::check(connection, place)?;
            }
            let (done, entry) = work(connection, batch, printer)?;
            if let Some((place, entry)) = place.zip(entry) {
                ledger::enter(connection, &place.run, &entry)?;
            }
            Ok(done)
        })
    }

    fn place(&self) -> Result<&Place> {
        self.place.as_ref().ok_or_else(|| Error::failed("the session has no run"))
    }
}

impl Session for Hand {
    fn enlist(&mut self, place: &Place) -> Result<()> {
        lock(&self.writer).read(|connection| ledger::check(connection, place))?;
        self.place = Some(place.clone());
        Ok(())
    }

    fn nodes(&mut self, batch: &Block, mark: Option<&Mark>, ids: &mut Vec<i64>) -> Result<()> {
        expect(batch, Class::Nodes)?;
        let made = self.write("writing nodes", mark, |connection, writer, printer| {
            let mut made = Vec::new();
            writer.nodes(connection, batch, &mut made)?;
            let entry = mark.map(|mark| {
                let prints = batch.items().iter().map(|item| printer.print(batch, item)).collect::<Result<_>>()?;
                Ok::<_, Error>(Entry { ids: made.clone(), prints, ..Entry::new(mark, Deed::Nodes, batch) })
            });
            Ok((made, entry.transpose()?))
        })?;
        ids.extend(made);
        Ok(())
    }

    fn relationships(&mut self, batch: &Block, once: Once, mark: Option<&Mark>) -> Result<u64> {
        expect(batch, Class::Relationships)?;
        self.write("writing relationships", mark, |connection, writer, printer| {
            let mut made = Vec::new();
            writer.relationships(connection, batch, once, &mut made)?;
            let Some(mark) = mark else { return Ok((made.len() as u64, None)) };
            let mut entry = Entry::new(mark, Deed::Relationships, batch);
            for (at, id) in &made {
                let Some(item) = batch.items().get(*at) else { continue };
                entry.ids.push(*id);
                entry.prints.push(printer.print(batch, item)?);
            }
            Ok((made.len() as u64, Some(entry)))
        })
    }

    fn update(&mut self, batch: &Block, how: Update, mark: Option<&Mark>) -> Result<u64> {
        expect(batch, Class::Nodes)?;
        self.write("changing nodes", mark, |connection, writer, printer| {
            let mut entry = mark.map(|mark| (mark.before, Entry::new(mark, Deed::Updates, batch)));
            writer.update(connection, batch, how, &mut |id, changed| {
                let Some((kept, entry)) = &mut entry else { return Ok(()) };
                entry.ids.push(id);
                if *kept {
                    let (labels, properties) = &changed.after;
                    let names = labels.names().iter().map(|name| &**name);
                    entry.prints.push(printer.print_of(names, properties, &[])?);
                    let (labels, properties) = &changed.before;
                    put_list(&mut entry.before, labels.names().len());
                    labels.names().iter().for_each(|name| put_string(&mut entry.before, name));
                    entry.before.extend_from_slice(properties);
                }
                Ok(())
            })?;
            Ok((batch.len() as u64, entry.map(|(_, entry)| entry)))
        })
    }

    fn find(&mut self, mark: &Mark) -> Result<Option<Entry>> {
        let place = self.place()?;
        lock(&self.writer).read(|connection| {
            ledger::check(connection, place)?;
            ledger::find(connection, &place.run, mark)
        })
    }

    fn read(&mut self, class: Class, ids: &[i64]) -> Result<Block> {
        lock(&self.writer).read(|connection| change::read(connection, class, ids))
    }

    fn delete(&mut self, class: Class, ids: &[i64], detach: bool, entry: &Entry) -> Result<u64> {
        let place = self.place()?;
        lock(&self.writer).write("deleting", |connection, writer| {
            ledger::check(connection, place)?;
            ledger::strike(connection, &place.run, entry)?;
            writer.delete(connection, class, ids, detach)
        })
    }

    fn put_back(&mut self, nodes: &Block, entry: &Entry) -> Result<()> {
        let place = self.place()?;
        lock(&self.writer).write("putting nodes back", |connection, writer| {
            ledger::check(connection, place)?;
            ledger::strike(connection, &place.run, entry)?;
            writer.put_back(connection, nodes)
        })
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
