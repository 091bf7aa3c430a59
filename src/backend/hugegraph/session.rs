//! The session: batches, each one request, written by id so that sending one twice does no harm, and then its line in the journal.

use super::change;
use super::delete::Deletion;
use super::edges::Rule;
use super::registry::Registry;
use super::target::Shared;
use crate::backend::ledger::Printer;
use crate::backend::{Deed, Entry, Mark, Once, Place, Purpose, Session, Update};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::hugegraph::plain::normalized;
use crate::hugegraph::record::{Writer, wanted_id};
use crate::hugegraph::schema::{EdgeLabel, IdStrategy, VertexLabel};
use crate::hugegraph::{Definitions, ID, Id};
use crate::model::content::Content;
use crate::model::{Block, Class, Item};
use crate::wire::http::Method;
use rustc_hash::FxHashMap;
use std::cell::OnceCell;
use std::sync::Arc;

/// A session.
pub(super) struct Hand {
    pub(super) shared: Arc<Shared>,
    pub(super) definitions: Definitions,
    pub(super) purpose: Purpose,
    place: Option<Place>,
    pub(super) printer: Printer,
    pub(super) content: Content,
    body: Vec<u8>,
    /// Whether Gremlin does what it is asked, once that was tried.
    by_gremlin: OnceCell<bool>,
}

impl Hand {
    pub(super) fn new(shared: Arc<Shared>, definitions: Definitions, purpose: Purpose) -> Self {
        Self {
            shared,
            definitions,
            purpose,
            place: None,
            printer: Printer::default(),
            content: Content::default(),
            body: Vec::new(),
            by_gremlin: OnceCell::new(),
        }
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
    pub(super) fn in_parts(
        &mut self,
        batch: &Block,
        send: &mut dyn FnMut(&mut Self, &Block) -> Result<()>,
    ) -> Result<()> {
        let mut from = 0;
        while from < batch.len() {
            let to = batch.len().min(from.saturating_add(self.shared.most()));
            let sent =
                if (from, to) == (0, batch.len()) { send(self, batch) } else { send(self, &batch.slice(from..to)) };
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
        let mut rows = Vec::with_capacity(batch.len());
        let mut registry = self.shared.registry();
        for item in batch.items() {
            let label = vertex_label(&self.definitions, batch, item)?;
            let wanted = wanted_id(&self.definitions, &label.name, batch.cursor(item)).map_err(of_item)?;
            let id = match (label.strategy(), wanted) {
                // It follows from the properties: the server says which it is.
                (IdStrategy::PrimaryKey, _) => None,
                (IdStrategy::Automatic | IdStrategy::Default, _) if self.purpose == Purpose::Merge => {
                    Some(Id::Number(self.fresh(&registry, item.id)))
                }
                (_, Some(id)) => Some(id),
                (IdStrategy::Automatic | IdStrategy::Default, None) => Some(Id::Number(self.fresh(&registry, item.id))),
                (strategy, None) => {
                    return Err(no(format!(
                        "a vertex of the label {:?} needs an id, for its id strategy is {strategy:?}: the property {ID:?}",
                        label.name,
                    )));
                }
            };
            expected.push(id.as_ref().map(|id| claim(&mut registry, id, item.id)).transpose()?);
            rows.push((batch, item, id));
        }
        drop(registry);
        let given = self.put_vertices(&rows)?;
        let mut registry = self.shared.registry();
        for ((item, id), expected) in batch.items().iter().zip(given).zip(expected) {
            let number = claim(&mut registry, &id, item.id)?;
            if expected.is_some_and(|expected| expected != number) {
                return Err(Error::failed("the server gave other ids than it was asked for"));
            }
            ids.push(number);
        }
        Ok(())
    }

    /// A number for a new vertex: the same whenever the run asks for it.
    fn fresh(&self, registry: &Registry, owner: i64) -> i64 {
        let run = self.place.as_ref().map_or("", |place| place.run.as_str());
        let mut tries = 0_u32;
        loop {
            let mut hasher = blake3::Hasher::new();
            hasher.update(run.as_bytes()).update(&owner.to_le_bytes()).update(&tries.to_le_bytes());
            let mut bytes = [0; 8];
            hasher.finalize_xof().fill(&mut bytes);
            let number = i64::from_le_bytes(bytes) & (i64::MAX >> 1);
            match registry.owner(&Id::Number(number)) {
                Some(other) if other != owner => tries += 1,
                _ => return number,
            }
        }
    }

    /// Writes whole vertices, new or in the place of those that are there; gives their ids.
    pub(super) fn put_vertices(&mut self, rows: &[(&Block, &Item, Option<Id<'_>>)]) -> Result<Vec<Id<'static>>> {
        self.body.clear();
        self.body.push(b'[');
        let writer = Writer { definitions: &self.definitions, zone: None };
        for (block, item, id) in rows {
            let label = vertex_label(&self.definitions, block, item)?;
            if self.body.len() > 1 {
                self.body.push(b',');
            }
            writer.vertex(&label.name, block.cursor(item), id.as_ref(), &mut self.body).map_err(of_item)?;
        }
        self.body.push(b']');
        let given = self.post("/graph/vertices/batch")?;
        if given.len() != rows.len() {
            let message = format!("the server gave {} ids for {} vertices", given.len(), rows.len());
            return Err(Error::failed(message));
        }
        let with_kind = |(id, (block, item, _)): (Id<'static>, &(&Block, &Item, _))| {
            let label = vertex_label(&self.definitions, block, item)?;
            Ok(id.of_uuid_label(label.strategy() == IdStrategy::CustomizeUuid))
        };
        given.into_iter().zip(rows).map(with_kind).collect()
    }

    /// Writes edges, new or in the place of those that are there; gives their ids.
    pub(super) fn edges(&mut self, batch: &Block) -> Result<Vec<Id<'static>>> {
        self.body.clear();
        let registry = self.shared.ids();
        for item in batch.items() {
            let ends = [&vertex(&registry, item.start)?, &vertex(&registry, item.end)?];
            add_edge(&self.definitions, (batch, item), ends, &mut self.body)?;
        }
        drop(registry);
        self.post_edges(batch.len())
    }

    /// The same of edges whose ends are at hand.
    pub(super) fn edges_between(&mut self, block: &Block, rows: &[(&Item, &[Id<'_>; 2])]) -> Result<Vec<Id<'static>>> {
        self.body.clear();
        for (item, [start, end]) in rows {
            add_edge(&self.definitions, (block, item), [start, end], &mut self.body)?;
        }
        self.post_edges(rows.len())
    }

    fn post_edges(&mut self, count: usize) -> Result<Vec<Id<'static>>> {
        self.body.push(b']');
        let given = self.post("/graph/edges/batch?check_vertex=false")?;
        if given.len() != count {
            return Err(Error::failed(format!("the server gave {} ids for {count} edges", given.len())));
        }
        Ok(given)
    }

    pub(super) fn place(&self) -> Result<&Place> {
        self.place.as_ref().ok_or_else(|| Error::failed("the session has no run"))
    }

    /// Does a batch, which counts as begun until its line is written, or until it is certain that nothing of it is there.
    fn begun<T>(&mut self, batch: &Block, mark: Option<&Mark>, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let Some(mark) = mark else { return work(self) };
        self.shared.journal.begin(&self.place()?.run, mark)?;
        let done = work(self);
        // Of several requests the first ones may be in.
        let is_one = batch.len() <= self.shared.most();
        if done
            .as_ref()
            .is_err_and(|error| is_one && error.kind() == ErrorKind::Server && error.retry() == Retry::Never)
        {
            self.shared.journal.leave(&self.place()?.run, mark)?;
        }
        done
    }

    fn deletion(&self) -> Result<Deletion<'_>> {
        let Shared { client, journal, .. } = &*self.shared;
        // It may be switched off; and HugeGraph 1.7 gets to give the answers of other requests.
        let by_gremlin = *self.by_gremlin.get_or_init(|| client.gremlin("1").is_ok_and(|one| one == 1));
        Ok(Deletion::new(client, journal, &self.place()?.run, by_gremlin))
    }

    pub(super) fn note(&self, entry: &Entry) -> Result<()> {
        let registry = self.shared.ids();
        let others = entry.ids.iter().filter(|number| **number < 0);
        let ids: Vec<_> = others.filter_map(|number| Some((*number, registry.find(*number)?.into_owned()))).collect();
        drop(registry);
        self.shared.journal.enter(&self.place()?.run, entry, &ids)
    }
}

/// The one label of a node.
pub(super) fn vertex_label<'a>(definitions: &'a Definitions, batch: &Block, item: &Item) -> Result<&'a VertexLabel> {
    match batch.kind(item).names() {
        [name] => {
            let label = definitions.vertex_labels.get(&**name);
            label.ok_or_else(|| no(format!("the graph has no vertex label {name:?}")))
        }
        names => Err(no(format!("a node has {} labels, and a vertex of HugeGraph has one", names.len()))),
    }
}

/// The edge label of a relationship.
pub(super) fn edge_label<'a>(definitions: &'a Definitions, batch: &Block, item: &Item) -> Result<&'a EdgeLabel> {
    let name = batch.kind(item).relationship_type();
    definitions.edge_labels.get(name).ok_or_else(|| no(format!("the graph has no edge label {name:?}")))
}

/// Adds an edge to a list of them.
fn add_edge(
    definitions: &Definitions,
    (block, item): (&Block, &Item),
    ends: [&Id<'_>; 2],
    body: &mut Vec<u8>,
) -> Result<()> {
    let label = edge_label(definitions, block, item)?;
    body.push(if body.is_empty() { b'[' } else { b',' });
    let writer = Writer { definitions, zone: None };
    writer.edge(label, block.cursor(item), ends, body).map_err(of_item)
}

/// The vertex that a number means.
pub(super) fn vertex(registry: &Registry, number: i64) -> Result<Id<'_>> {
    registry.find(number).ok_or_else(|| Error::failed(format!("nobody knows which vertex {number} is")))
}

/// The number of an id, which no other node of the dump may have.
fn claim(registry: &mut Registry, id: &Id<'_>, owner: i64) -> Result<i64> {
    registry.add(id, owner).ok_or_else(|| {
        let other = registry.owner(id).unwrap_or_default();
        no(format!("node {owner} has the id {id}, which is node {other}'s: ids are one space for all labels"))
    })
}

/// What the target says of an item that it does not take.
pub(super) fn no(message: String) -> Error {
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
        let made = self.begun(batch, mark, |hand| {
            let mut made = Vec::with_capacity(batch.len());
            hand.in_parts(batch, &mut |hand, part| hand.vertices(part, &mut made))?;
            if let Some(mark) = mark {
                let plain = normalized(&hand.definitions, batch)?;
                let prints =
                    plain.items().iter().map(|item| hand.printer.print(&plain, item)).collect::<Result<_>>()?;
                hand.note(&Entry { ids: made.clone(), prints, ..Entry::new(mark, Deed::Nodes, batch) })?;
            }
            Ok(made)
        })?;
        ids.extend(made);
        Ok(())
    }

    fn relationships(&mut self, batch: &Block, once: Once, mark: Option<&Mark>) -> Result<u64> {
        if (self.purpose, once, mark) == (Purpose::Restore, Once::Always, None) {
            return self.in_places(batch).map(|ids| ids.len() as u64);
        }
        let [created, _] = self.begun(batch, mark, |hand| hand.put_edges(batch, Rule::Once(once), mark))?;
        Ok(created)
    }

    fn join(&mut self, batch: &Block, how: Option<Update>, mark: Option<&Mark>) -> Result<[u64; 2]> {
        self.begun(batch, mark, |hand| hand.put_edges(batch, Rule::Change(how), mark))
    }

    fn update(&mut self, batch: &Block, how: Update, mark: Option<&Mark>) -> Result<u64> {
        self.begun(batch, mark, |hand| hand.change(batch, how, mark))
    }

    fn find(&mut self, mark: &Mark) -> Result<Option<Entry>> {
        self.shared.journal.find(self.place()?, mark)
    }

    fn read(&mut self, class: Class, ids: &[i64]) -> Result<Block> {
        let named = self.ids_of(class, ids)?;
        let wanted: Vec<Id<'_>> = named.iter().map(|(_, id)| id.clone()).collect();
        let numbers: FxHashMap<&Id<'_>, i64> = named.iter().map(|(number, id)| (id, *number)).collect();
        let zone = self.shared.zone()?;
        let reading = change::Reading { client: &self.shared.client, definitions: &self.definitions, zone: &zone };
        let mut all = Block::new(class);
        let mut add = |number: Option<i64>, ends: [i64; 2], block: &Block| -> Result<()> {
            let plain = normalized(&self.definitions, block)?;
            if let (Some(number), Some(item)) = (number, plain.items().first()) {
                let kind = all.intern(plain.kind(item));
                all.copy(&plain, item, kind, ends[0], ends[1]);
                if let Some(last) = all.items_mut().last_mut() {
                    last.id = number;
                }
            }
            Ok(())
        };
        match class {
            Class::Nodes => {
                reading.vertices(&wanted, &mut |id, block| add(numbers.get(&id).copied(), [0, 0], &block))?;
            }
            Class::Relationships => reading.edges(&wanted, &mut |edge| {
                let registry = self.shared.ids();
                let ends = edge.ends.map(|id| registry.number_of(&id).unwrap_or_default());
                drop(registry);
                add(numbers.get(&edge.id).copied(), ends, &edge.block)
            })?,
        }
        Ok(all)
    }

    fn delete(&mut self, class: Class, ids: &[i64], detach: bool, entry: &Entry) -> Result<u64> {
        let place = self.place()?;
        let journal = &self.shared.journal;
        journal.check(place)?;
        let named = self.ids_of(class, ids)?;
        if class == Class::Relationships {
            journal.doom(&place.run, entry, &named)?;
            return Ok(named.len() as u64);
        }
        let ids: Vec<Id<'_>> = named.into_iter().map(|(_, id)| id).collect();
        let deleted = self.deletion()?.vertices(&ids, detach)?;
        journal.strike(&place.run, entry)?;
        Ok(deleted)
    }

    fn sweep(&mut self) -> Result<()> {
        self.deletion()?.rest()
    }

    fn put_back(&mut self, items: &Block, entry: &Entry) -> Result<()> {
        self.shared.journal.check(self.place()?)?;
        if items.class() == Class::Relationships {
            self.put_edges_back(items)?;
        } else {
            let numbers: Vec<i64> = items.items().iter().map(|item| item.start).collect();
            let there = self.there(&numbers)?;
            let mut block = items.clone();
            block.retain(|_, item| there.contains_key(&item.start));
            self.put_whole(&block)?;
        }
        self.shared.journal.strike(&self.place()?.run, entry)
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
