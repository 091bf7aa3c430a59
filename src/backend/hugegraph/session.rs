//! The session: batches, each one request, written by id so that sending one twice does no harm, and then its line in the journal.

use super::registry::Registry;
use super::target::Shared;
use crate::backend::ledger::Printer;
use crate::backend::{Deed, Entry, Mark, Once, Place, Purpose, Session, Update};
use crate::error::{Error, ErrorKind, Result};
use crate::hugegraph::record::{Writer, wanted_id};
use crate::hugegraph::schema::{IdStrategy, VertexLabel};
use crate::hugegraph::{Definitions, Id};
use crate::model::{Block, Class, Item};
use crate::wire::http::Method;
use std::sync::Arc;

/// A session.
pub(super) struct Hand {
    shared: Arc<Shared>,
    definitions: Definitions,
    #[allow(dead_code)]
    purpose: Purpose,
    place: Option<Place>,
    printer: Printer,
    body: Vec<u8>,
}

impl Hand {
    pub(super) fn new(shared: Arc<Shared>, definitions: Definitions, purpose: Purpose) -> Self {
        Self { shared, definitions, purpose, place: None, printer: Printer::default(), body: Vec::new() }
    }

    /// Sends the body, and reads the ids that the server gave. A server that was restarted has forgotten the mode: it is set again then, and the batch sent again.
    fn post(&self, path: &str) -> Result<Vec<Id<'static>>> {
        let path = self.shared.client.path(path);
        let send = || self.shared.client.send(Method::Post, &path, &self.body, true);
        let answer = match send() {
            Err(error) if is_about_data(&error) && self.shared.restore_mode()? => send()?,
            answer => answer?,
        };
        let ids: Vec<Id<'_>> = serde_json::from_slice(&answer)
            .map_err(|cause| self.shared.client.not_understood(&path).caused_by(cause))?;
        Ok(ids.into_iter().map(Id::into_owned).collect())
    }

    /// Sends a batch in as many requests as the server wants. `send` sends a part.
    fn in_parts(&mut self, batch: &Block, send: &mut dyn FnMut(&mut Self, &Block) -> Result<()>) -> Result<()> {
        let mut from = 0;
        while from < batch.len() {
            let to = batch.len().min(from.saturating_add(self.shared.most()));
            let sent = if (from, to) == (0, batch.len()) {
                send(self, batch)
            } else {
                send(self, &batch.slice(from..to))
            };
            match sent {
                Ok(()) => from = to,
                Err(error) => match most(&error) {
                    Some(rows) if rows < to - from => self.shared.take_at_most(rows),
                    _ => return Err(error),
                },
            }
        }
        Ok(())
    }

    fn vertices(&mut self, batch: &Block, ids: &mut Vec<i64>) -> Result<()> {
        let mut expected: Vec<Option<i64>> = Vec::with_capacity(batch.len());
        self.body.clear();
        self.body.push(b'[');
        let writer = Writer { definitions: &self.definitions, zone: None };
        let mut registry = self.shared.registry();
        for item in batch.items() {
            let label = vertex_label(&self.definitions, batch, item)?;
            let id = match (label.strategy(), wanted_id(&self.definitions, &label.name, batch.cursor(item))?) {
                // It follows from the properties: the server says which it is.
                (IdStrategy::PrimaryKey, _) => None,
                (_, Some(id)) => Some(id),
                (strategy, None) => {
                    return Err(no(format!(
                        "a vertex of the label {:?} needs an id, for its id strategy is {strategy:?}: the property {:?}",
                        label.name,
                        crate::hugegraph::ID
                    )));
                }
            };
            expected.push(match &id {
                Some(id) => Some(claim(&mut registry, id, item.id)?),
                None => None,
            });
            if self.body.len() > 1 {
                self.body.push(b',');
            }
            writer.vertex(&label.name, batch.cursor(item), id.as_ref(), &mut self.body).map_err(|error| of_item(error))?;
        }
        drop(registry);
        self.body.push(b']');
        let given = self.post("/graph/vertices/batch")?;
        let differs = || Error::failed("the server gave other ids than it was asked for");
        if given.len() != batch.len() {
            return Err(differs());
        }
        let mut registry = self.shared.registry();
        for ((item, id), expected) in batch.items().iter().zip(given).zip(expected) {
            let label = vertex_label(&self.definitions, batch, item)?;
            let id = id.of_uuid_label(label.strategy() == IdStrategy::CustomizeUuid);
            let number = claim(&mut registry, &id, item.id)?;
            if expected.is_some_and(|expected| expected != number) {
                return Err(differs());
            }
            ids.push(number);
        }
        Ok(())
    }

    fn edges(&mut self, batch: &Block) -> Result<()> {
        self.body.clear();
        self.body.push(b'[');
        let writer = Writer { definitions: &self.definitions, zone: None };
        let registry = self.shared.registry();
        for item in batch.items() {
            let name = batch.kind(item).relationship_type();
            let label = self.definitions.edge_labels.get(name);
            let label = label.ok_or_else(|| no(format!("the graph has no edge label {name:?}")))?;
            let end = |number| {
                registry.find(number).ok_or_else(|| Error::failed(format!("nobody knows which vertex {number} is")))
            };
            if self.body.len() > 1 {
                self.body.push(b',');
            }
            let ends = [&end(item.start)?, &end(item.end)?];
            writer.edge(label, batch.cursor(item), ends, &mut self.body).map_err(|error| of_item(error))?;
        }
        drop(registry);
        self.body.push(b']');
        let given = self.post("/graph/edges/batch?check_vertex=false")?;
        let mut different: Vec<&Id<'_>> = given.iter().collect();
        different.sort_unstable();
        different.dedup();
        if different.len() != batch.len() {
            return Err(no(format!(
                "{} edges have the same start, label, sort keys and end as another one: HugeGraph keeps one of each",
                batch.len() - different.len().min(batch.len())
            )));
        }
        Ok(())
    }

    fn place(&self) -> Result<&Place> {
        self.place.as_ref().ok_or_else(|| Error::failed("the session has no run"))
    }

    fn note(&self, entry: &Entry) -> Result<()> {
        let registry = self.shared.registry();
        let others = entry.ids.iter().filter(|number| **number < 0);
        let ids: Vec<_> =
            others.filter_map(|number| Some((*number, registry.find(*number)?.into_owned()))).collect();
        drop(registry);
        self.shared.journal.enter(&self.place()?.run, entry, &ids)
    }
}

/// The one label of a node.
fn vertex_label<'a>(definitions: &'a Definitions, batch: &Block, item: &Item) -> Result<&'a VertexLabel> {
    match batch.kind(item).names() {
        [name] => {
            let label = definitions.vertex_labels.get(&**name);
            label.ok_or_else(|| no(format!("the graph has no vertex label {name:?}")))
        }
        names => Err(no(format!("a node has {} labels, and a vertex of HugeGraph has one", names.len()))),
    }
}

/// The number of an id, which no other node of the dump may have.
fn claim(registry: &mut Registry, id: &Id<'_>, owner: i64) -> Result<i64> {
    registry.add(id, owner).ok_or_else(|| {
        let other = registry.owner(id).unwrap_or_default();
        no(format!("node {owner} has the id {id}, which is node {other}'s: ids are one space for all labels"))
    })
}

/// What the target says of an item that it does not take.
fn no(message: String) -> Error {
    Error::new(ErrorKind::Server, message)
}

fn of_item(error: Error) -> Error {
    if error.kind() == ErrorKind::Refused { no(error.message().to_owned()).caused_by(error) } else { error }
}

/// Whether the server says that something is wrong with what it was given.
fn is_about_data(error: &Error) -> bool {
    error.server_code().is_some_and(|code| code.starts_with("HugeGraph."))
}

/// How many rows the server takes at most, where that is what it says.
fn most(error: &Error) -> Option<usize> {
    let (_, number) = error.message().split_once("for one time post, the maximum number is '")?;
    number.split('\'').next()?.parse().ok()
}

impl Session for Hand {
    fn enlist(&mut self, place: &Place) -> Result<()> {
        self.shared.journal.check(place)?;
        self.place = Some(place.clone());
        Ok(())
    }

    fn nodes(&mut self, batch: &Block, mark: Option<&Mark>, ids: &mut Vec<i64>) -> Result<()> {
        let mut made = Vec::with_capacity(batch.len());
        self.in_parts(batch, &mut |hand, part| hand.vertices(part, &mut made))?;
        if let Some(mark) = mark {
            let prints = batch.items().iter().map(|item| self.printer.print(batch, item)).collect::<Result<_>>()?;
            self.note(&Entry { ids: made.clone(), prints, ..Entry::new(mark, Deed::Nodes, batch) })?;
        }
        ids.extend(made);
        Ok(())
    }

    fn relationships(&mut self, batch: &Block, once: Once, mark: Option<&Mark>) -> Result<u64> {
        if once != Once::Always || mark.is_some() {
            return Err(Error::refused("merging into HugeGraph is not there yet"));
        }
        self.in_parts(batch, &mut |hand, part| hand.edges(part))?;
        Ok(batch.len() as u64)
    }

    fn update(&mut self, _batch: &Block, _how: Update, _mark: Option<&Mark>) -> Result<u64> {
        Err(Error::refused("merging into HugeGraph is not there yet"))
    }

    fn find(&mut self, mark: &Mark) -> Result<Option<Entry>> {
        self.shared.journal.find(self.place()?, mark)
    }

    fn read(&mut self, _class: Class, _ids: &[i64]) -> Result<Block> {
        Err(Error::refused("merging into HugeGraph is not there yet"))
    }

    fn delete(&mut self, _class: Class, _ids: &[i64], _detach: bool, _entry: &Entry) -> Result<u64> {
        Err(Error::refused("merging into HugeGraph is not there yet"))
    }

    fn put_back(&mut self, _nodes: &Block, _entry: &Entry) -> Result<()> {
        Err(Error::refused("merging into HugeGraph is not there yet"))
    }

    fn statement(&mut self, _text: &str) -> Result<()> {
        Err(Error::refused("a statement of Cypher cannot be run on HugeGraph"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_says_how_much_it_takes() {
        let error = no("x: Too many vertices for one time post, the maximum number is '500'".to_owned());
        assert_eq!(most(&error), Some(500));
        assert_eq!(most(&no("Too many".to_owned())), None);
    }
}
