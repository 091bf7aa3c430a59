//! The session: batches, each one request, written by id so that sending one twice does no harm, and then its line in the journal.

use super::change::{self, normalized};
use super::registry::Registry;
use super::target::Shared;
use crate::backend::ledger::Printer;
use crate::backend::{Deed, Entry, Mark, Once, Place, Purpose, Session, Update};
use crate::error::{Error, ErrorKind, Result};
use crate::hugegraph::record::{Writer, wanted_id};
use crate::hugegraph::schema::{EdgeLabel, IdStrategy, VertexLabel};
use crate::hugegraph::{Definitions, ID, Id, Zone};
use crate::model::change::{missing, overwritten, property};
use crate::model::content::Content;
use crate::model::packstream::{put_list, put_string};
use crate::model::{Block, Class, Item};
use crate::wire::http::Method;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A session.
pub(super) struct Hand {
    shared: Arc<Shared>,
    definitions: Definitions,
    purpose: Purpose,
    place: Option<Place>,
    printer: Printer,
    content: Content,
    body: Vec<u8>,
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
    fn in_parts(&mut self, batch: &Block, send: &mut dyn FnMut(&mut Self, &Block) -> Result<()>) -> Result<()> {
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
    fn put_vertices(&mut self, rows: &[(&Block, &Item, Option<Id<'_>>)]) -> Result<Vec<Id<'static>>> {
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
    fn edges(&mut self, batch: &Block) -> Result<Vec<Id<'static>>> {
        self.body.clear();
        self.body.push(b'[');
        let writer = Writer { definitions: &self.definitions, zone: None };
        let registry = self.shared.ids();
        for item in batch.items() {
            let label = edge_label(&self.definitions, batch, item)?;
            if self.body.len() > 1 {
                self.body.push(b',');
            }
            let ends = [&vertex(&registry, item.start)?, &vertex(&registry, item.end)?];
            writer.edge(label, batch.cursor(item), ends, &mut self.body).map_err(of_item)?;
        }
        drop(registry);
        self.body.push(b']');
        let given = self.post("/graph/edges/batch?check_vertex=false")?;
        if given.len() != batch.len() {
            return Err(Error::failed(format!("the server gave {} ids for {} edges", given.len(), batch.len())));
        }
        Ok(given)
    }

    /// Those edges of a batch that are to be written: not those that are there already, in the graph or earlier in the batch.
    ///
    /// The graph holds one edge with the same start, label, sort keys and end, and would replace it without a word: one that differs is refused.
    fn new_edges(&mut self, batch: &Block, once: Once) -> Result<Block> {
        let mut known: FxHashMap<(u32, i64, i64), Vec<Twin>> = FxHashMap::default();
        if self.purpose == Purpose::Merge {
            self.twins(batch, &mut known)?;
        }
        let mut keep = Vec::with_capacity(batch.len());
        let plain = normalized(&self.definitions, batch)?;
        for item in plain.items() {
            let label = edge_label(&self.definitions, batch, item)?;
            let twin = Twin::of(label, &mut self.content, plain.properties(item))?;
            let others = known.entry((item.kind, item.start, item.end)).or_default();
            let is_there = match once {
                Once::Ends => !others.is_empty(),
                Once::Properties => others.iter().any(|other| *other == twin),
                Once::Always => false,
            };
            if !is_there && others.iter().any(|other| other.sort == twin.sort) {
                return Err(no(format!(
                    "there is an edge {:?} with the same start, sort keys and end already, and HugeGraph keeps one of each",
                    label.name
                )));
            }
            if !is_there {
                others.push(twin);
            }
            keep.push(!is_there);
        }
        let mut block = batch.clone();
        let mut keep = keep.into_iter();
        block.retain(|_, _| keep.next().unwrap_or_default());
        Ok(block)
    }

    /// The edges of the graph between vertices that both were there before.
    fn twins(&mut self, batch: &Block, known: &mut FxHashMap<(u32, i64, i64), Vec<Twin>>) -> Result<()> {
        let mut starts = BTreeSet::new();
        {
            let registry = self.shared.ids();
            let was_there = |number| registry.is_present(number);
            for item in batch.items().iter().filter(|item| was_there(item.start) && was_there(item.end)) {
                starts.insert((item.kind, item.start));
            }
        }
        let zone = if starts.is_empty() { Zone::utc() } else { self.shared.zone()? };
        for (kind, number) in starts {
            let start = vertex(&self.shared.ids(), number)?.into_owned();
            let Some(name) = batch.kinds().get(kind as usize).map(|kind| kind.relationship_type().to_owned()) else {
                continue;
            };
            let Some(label) = self.definitions.edge_labels.get(&name) else { continue };
            let reading = change::Reading { client: &self.shared.client, definitions: &self.definitions, zone: &zone };
            let content = &mut self.content;
            let (shared, definitions) = (&self.shared, &self.definitions);
            reading.edges_from(&start, &name, &mut |_, [_, end], block| {
                let end = shared.ids().number_of(&end);
                let plain = normalized(definitions, &block)?;
                if let (Some(end), Some(item)) = (end, plain.items().first()) {
                    let twin = Twin::of(label, content, plain.properties(item))?;
                    known.entry((kind, number, end)).or_default().push(twin);
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Changes vertices that are there.
    fn change(&mut self, batch: &Block, how: Update, mark: Option<&Mark>) -> Result<u64> {
        let incoming = normalized(&self.definitions, batch)?;
        let numbers: Vec<i64> = batch.items().iter().map(|item| item.start).collect();
        let there = self.there(&numbers)?;
        let intent = match mark {
            Some(mark) if mark.before => self.shared.journal.intent(&self.place()?.run, mark)?,
            _ => None,
        };
        let mut entry = mark.map(|mark| Entry::new(mark, Deed::Updates, batch));
        let mut changed = Block::new(Class::Nodes);
        let mut found = 0;
        for item in incoming.items() {
            let Some(before) = there.get(&item.start) else { continue };
            let Some(old) = before.items().first() else { continue };
            found += 1;
            let label = vertex_label(&self.definitions, before, old)?;
            if incoming.kind(item).names().iter().any(|name| **name != *label.name) {
                return Err(no(format!("a vertex of the label {:?} cannot get another label", label.name)));
            }
            let was = before.properties(old);
            let after = match how {
                Update::Overwrite => overwritten(was, incoming.properties(item))?,
                Update::Fill => overwritten(was, &missing(was, incoming.properties(item))?)?,
            };
            for key in &label.primary_keys {
                if property(was, key)? != property(&after, key)? {
                    return Err(no(format!(
                        "the primary key {key:?} of a vertex cannot change: its id follows from it"
                    )));
                }
            }
            if let Some(entry) = &mut entry {
                entry.ids.push(item.start);
            }
            if let Some((entry, true)) = entry.as_mut().zip(mark.map(|mark| mark.before)) {
                let print = self.printer.print_of(
                    [label.name.as_str()].into_iter(),
                    &plain_of(&self.definitions, &after)?,
                    &[],
                )?;
                entry.prints.push(print);
                put_list(&mut entry.before, 1);
                put_string(&mut entry.before, &label.name);
                entry.before.extend_from_slice(was);
            }
            if after != was {
                let kind = changed.intern(before.kind(old));
                changed.buffer().extend_from_slice(&after);
                changed.push(item.start, item.start, 0, kind, 0);
            }
        }
        let entry = intent.clone().or(entry);
        if let (Some(entry), Some(true), None) = (&entry, mark.map(|mark| mark.before), &intent) {
            self.shared.journal.intend(&self.place()?.run, entry)?;
        }
        self.put_whole(&changed)?;
        if let Some(entry) = entry {
            self.note(&entry)?;
        }
        Ok(found)
    }

    /// Writes vertices that are there as they are in a block whose items have their numbers as `start`.
    fn put_whole(&mut self, block: &Block) -> Result<()> {
        if block.is_empty() {
            return Ok(());
        }
        self.in_parts(block, &mut |hand, part| {
            let mut rows = Vec::with_capacity(part.len());
            for item in part.items() {
                let label = vertex_label(&hand.definitions, part, item)?;
                let is_computed = label.strategy() == IdStrategy::PrimaryKey;
                let id = vertex(&hand.shared.ids(), item.start)?.into_owned();
                rows.push((part, item, (!is_computed).then_some(id)));
            }
            let given = hand.put_vertices(&rows)?;
            let registry = hand.shared.ids();
            for (item, given) in part.items().iter().zip(given) {
                if registry.number_of(&given) != Some(item.start) {
                    return Err(Error::failed(format!("the server wrote {given} in the place of another vertex")));
                }
            }
            Ok(())
        })
    }

    /// Vertices by their numbers, each in a block of its own, with its id among the properties.
    fn there(&self, numbers: &[i64]) -> Result<FxHashMap<i64, Block>> {
        let ids: Vec<Id<'static>> = {
            let registry = self.shared.ids();
            numbers.iter().filter_map(|number| registry.find(*number).map(Id::into_owned)).collect()
        };
        let zone = self.shared.zone()?;
        let reading = change::Reading { client: &self.shared.client, definitions: &self.definitions, zone: &zone };
        let mut found = FxHashMap::default();
        reading.vertices(&ids, &mut |id, block| {
            if let Some(number) = self.shared.ids().number_of(&id) {
                found.insert(number, block);
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// What the journal's numbers of edges mean.
    fn ids_of(&self, class: Class, numbers: &[i64]) -> Result<Vec<(i64, Id<'static>)>> {
        if class == Class::Relationships {
            return self.shared.journal.edges(numbers);
        }
        let registry = self.shared.ids();
        Ok(numbers.iter().filter_map(|number| Some((*number, registry.find(*number)?.into_owned()))).collect())
    }

    fn place(&self) -> Result<&Place> {
        self.place.as_ref().ok_or_else(|| Error::failed("the session has no run"))
    }

    fn note(&self, entry: &Entry) -> Result<()> {
        let registry = self.shared.ids();
        let others = entry.ids.iter().filter(|number| **number < 0);
        let ids: Vec<_> = others.filter_map(|number| Some((*number, registry.find(*number)?.into_owned()))).collect();
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

/// The edge label of a relationship.
fn edge_label<'a>(definitions: &'a Definitions, batch: &Block, item: &Item) -> Result<&'a EdgeLabel> {
    let name = batch.kind(item).relationship_type();
    definitions.edge_labels.get(name).ok_or_else(|| no(format!("the graph has no edge label {name:?}")))
}

/// The vertex that a number means.
fn vertex(registry: &Registry, number: i64) -> Result<Id<'_>> {
    registry.find(number).ok_or_else(|| Error::failed(format!("nobody knows which vertex {number} is")))
}

/// What tells edges with the same start, label and end apart.
#[derive(Clone, PartialEq, Eq)]
struct Twin {
    sort: Vec<u8>,
    all: u128,
}

impl Twin {
    fn of(label: &EdgeLabel, content: &mut Content, properties: &[u8]) -> Result<Self> {
        let mut sort = Vec::new();
        for key in &label.sort_keys {
            sort.extend_from_slice(property(properties, key)?.unwrap_or_default());
        }
        Ok(Self { sort, all: content.hash(&[], properties, &[])? })
    }
}

/// The number of an id, which no other node of the dump may have.
fn claim(registry: &mut Registry, id: &Id<'_>, owner: i64) -> Result<i64> {
    registry.add(id, owner).ok_or_else(|| {
        let other = registry.owner(id).unwrap_or_default();
        no(format!("node {owner} has the id {id}, which is node {other}'s: ids are one space for all labels"))
    })
}

/// A property map as [`normalized`] has it.
fn plain_of(definitions: &Definitions, properties: &[u8]) -> Result<Vec<u8>> {
    let mut block = Block::new(Class::Nodes);
    let kind = block.add_kind(crate::model::Kind::labels([""; 0]));
    block.buffer().extend_from_slice(properties);
    block.push(0, 0, 0, kind, 0);
    let plain = normalized(definitions, &block)?;
    Ok(plain.items().first().map(|item| plain.properties(item).to_vec()).unwrap_or_default())
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
            let plain = normalized(&self.definitions, batch)?;
            let prints = plain.items().iter().map(|item| self.printer.print(&plain, item)).collect::<Result<_>>()?;
            self.note(&Entry { ids: made.clone(), prints, ..Entry::new(mark, Deed::Nodes, batch) })?;
        }
        ids.extend(made);
        Ok(())
    }

    fn relationships(&mut self, batch: &Block, once: Once, mark: Option<&Mark>) -> Result<u64> {
        let new = match (self.purpose, once) {
            (Purpose::Restore, Once::Always) => None,
            _ => Some(self.new_edges(batch, once)?),
        };
        let block = new.as_ref().unwrap_or(batch);
        let mut made = Vec::with_capacity(block.len());
        self.in_parts(block, &mut |hand, part| {
            made.extend(hand.edges(part)?);
            Ok(())
        })?;
        let mut different: Vec<&Id<'_>> = made.iter().collect();
        different.sort_unstable();
        different.dedup();
        if different.len() != made.len() {
            return Err(Error::refused(format!(
                "{} edges have the same start, label, sort keys and end as another one: HugeGraph keeps one of each",
                made.len() - different.len()
            )));
        }
        if let Some(mark) = mark {
            let plain = normalized(&self.definitions, block)?;
            let prints = plain.items().iter().map(|item| self.printer.print(&plain, item)).collect::<Result<_>>()?;
            let entry = Entry { prints, ..Entry::new(mark, Deed::Relationships, batch) };
            self.shared.journal.enter_edges(&self.place()?.run, entry, &made)?;
        }
        Ok(block.len() as u64)
    }

    fn update(&mut self, batch: &Block, how: Update, mark: Option<&Mark>) -> Result<u64> {
        self.change(batch, how, mark)
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
            Class::Relationships => reading.edges(&wanted, &mut |id, [start, end], block| {
                let registry = self.shared.ids();
                let ends = [&start, &end].map(|id| registry.number_of(id).unwrap_or_default());
                drop(registry);
                add(numbers.get(&id).copied(), ends, &block)
            })?,
        }
        Ok(all)
    }

    fn delete(&mut self, class: Class, ids: &[i64], detach: bool, entry: &Entry) -> Result<u64> {
        self.shared.journal.check(self.place()?)?;
        let client = &self.shared.client;
        let mut deleted = 0;
        for (_, id) in self.ids_of(class, ids)? {
            if class == Class::Nodes && !detach && change::has_edges(client, &id)? {
                continue;
            }
            deleted += u64::from(change::delete(client, class, &id)?);
        }
        self.shared.journal.strike(&self.place()?.run, entry)?;
        Ok(deleted)
    }

    fn put_back(&mut self, nodes: &Block, entry: &Entry) -> Result<()> {
        self.shared.journal.check(self.place()?)?;
        let numbers: Vec<i64> = nodes.items().iter().map(|item| item.start).collect();
        let there = self.there(&numbers)?;
        let mut block = nodes.clone();
        block.retain(|_, item| there.contains_key(&item.start));
        self.put_whole(&block)?;
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
