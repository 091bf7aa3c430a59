//! What a merge does to vertices that are there.

use super::change;
use super::session::{Hand, no, vertex, vertex_label};
use crate::backend::ledger::old_ids;
use crate::backend::{Deed, Entry, Mark, Update};
use crate::error::{Error, Result};
use crate::hugegraph::plain::normalized;
use crate::hugegraph::schema::IdStrategy;
use crate::hugegraph::{Definitions, Id};
use crate::model::change::{missing, overwritten, property};
use crate::model::packstream::{put_list, put_string};
use crate::model::{Block, Class};
use rustc_hash::FxHashMap;

impl Hand {
    /// Changes vertices that are there.
    pub(super) fn change(&mut self, batch: &Block, how: Update, mark: Option<&Mark>) -> Result<u64> {
        let incoming = normalized(&self.definitions, batch)?;
        let numbers: Vec<i64> = batch.items().iter().map(|item| item.start).collect();
        let there = self.there(&numbers)?;
        let intent = match mark {
            Some(mark) if mark.before => self.intent(mark, batch)?,
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
            self.shared.journal.intend(&self.place()?.run, &[entry])?;
        }
        self.put_whole(&changed)?;
        if let Some(entry) = entry {
            self.note(&entry)?;
        }
        Ok(found)
    }

    /// What was noted of a batch before it was sent, if it was this one: a batch that was refused is sent in parts.
    pub(super) fn intent(&self, mark: &Mark, batch: &Block) -> Result<Option<Entry>> {
        let found = self.shared.journal.intent(&self.place()?.run, mark)?;
        Ok(found.filter(|entry| entry.items == batch.len() as u64 && entry.old == old_ids(batch)))
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

/// A property map as [`normalized`] has it.
pub(super) fn plain_of(definitions: &Definitions, properties: &[u8]) -> Result<Vec<u8>> {
    let mut block = Block::new(Class::Nodes);
    let kind = block.add_kind(crate::model::Kind::labels([""; 0]));
    block.buffer().extend_from_slice(properties);
    block.push(0, 0, 0, kind, 0);
    let plain = normalized(definitions, &block)?;
    Ok(plain.items().first().map(|item| plain.properties(item).to_vec()).unwrap_or_default())
}
