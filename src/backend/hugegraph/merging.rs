//! What a merge does beside writing what is new: edges that are there are left, vertices that are there are changed.

use super::change;
use super::session::{Hand, edge_label, no, vertex, vertex_label};
use crate::backend::{Deed, Entry, Mark, Once, Purpose, Update};
use crate::error::{Error, Result};
use crate::hugegraph::plain::normalized;
use crate::hugegraph::schema::{EdgeLabel, IdStrategy};
use crate::hugegraph::{Definitions, Id, Zone};
use crate::model::change::{missing, overwritten, property};
use crate::model::content::Content;
use crate::model::packstream::{put_list, put_string};
use crate::model::{Block, Class};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

impl Hand {
    /// Those edges of a batch that are to be written: not those that are there already, in the graph or earlier in the batch.
    ///
    /// The graph holds one edge with the same start, label, sort keys and end, and would replace it without a word: one that differs is refused.
    pub(super) fn new_edges(&mut self, batch: &Block, once: Once) -> Result<Block> {
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
                Once::Properties => others.contains(&twin),
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
    pub(super) fn change(&mut self, batch: &Block, how: Update, mark: Option<&Mark>) -> Result<u64> {
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
    pub(super) fn put_whole(&mut self, block: &Block) -> Result<()> {
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
    pub(super) fn there(&self, numbers: &[i64]) -> Result<FxHashMap<i64, Block>> {
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
    pub(super) fn ids_of(&self, class: Class, numbers: &[i64]) -> Result<Vec<(i64, Id<'static>)>> {
        if class == Class::Relationships {
            return self.shared.journal.edges(numbers);
        }
        let registry = self.shared.ids();
        Ok(numbers.iter().filter_map(|number| Some((*number, registry.find(*number)?.into_owned()))).collect())
    }
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

/// A property map as [`normalized`] has it.
fn plain_of(definitions: &Definitions, properties: &[u8]) -> Result<Vec<u8>> {
    let mut block = Block::new(Class::Nodes);
    let kind = block.add_kind(crate::model::Kind::labels([""; 0]));
    block.buffer().extend_from_slice(properties);
    block.push(0, 0, 0, kind, 0);
    let plain = normalized(definitions, &block)?;
    Ok(plain.items().first().map(|item| plain.properties(item).to_vec()).unwrap_or_default())
}
