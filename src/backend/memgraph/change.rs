//! Changes of what is there: nodes that get more, and items that a run takes back.

use super::parcel::{Parcel, Setting, parcels};
use super::rows::Rows;
use super::session::MemgraphSession;
use super::{ledger, statement};
use crate::backend::bolt::{batch::kind_of, parameters};
use crate::backend::{Deed, Entry, Mark, Update, ledger::Printer};
use crate::cypher::{self, Dialect};
use crate::error::{Error, ErrorKind, Result};
use crate::model::packstream::{put_integer, put_list, put_string};
use crate::model::{Block, Class, Cursor, Item, Kind, change};
use std::collections::{BTreeMap, BTreeSet, HashMap};

const ADD: Setting = Setting { variable: "n", sign: "+=", place: 1, texts: 2, sparing: false };
const REPLACE: Setting = Setting { sign: "=", ..ADD };

/// Items by their ids.
fn by_id(block: &Block) -> HashMap<i64, &Item> {
    block.items().iter().map(|item| (item.id, item)).collect()
}

fn gone(found: usize, batch: &Block) -> Error {
    let missing = batch.len().saturating_sub(found);
    Error::new(ErrorKind::Server, format!("{missing} of {} nodes are not there any more", batch.len()))
}

/// Labels as `` :`A`:`B` ``.
fn labels<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<String> {
    let mut text = String::new();
    for name in names {
        text.push(':');
        text.push_str(&cypher::name::quoted(Dialect::Memgraph, name)?);
    }
    Ok(text)
}

impl MemgraphSession {
    /// Changes nodes inside a transaction. What was read of them before is what they were: another transaction that changes one of them meanwhile makes
    /// one of the two fail.
    pub(super) fn change(&mut self, batch: &Block, how: Update, mark: Option<&Mark>) -> Result<u64> {
        let keep = mark.is_some_and(|mark| mark.before);
        let ids: Vec<i64> = batch.items().iter().map(|item| item.start).collect();
        let before = match keep || how == Update::Fill {
            true => Some(self.read_inside(&ids)?),
            false => None,
        };
        let before = before.as_ref().map(|before| (before, by_id(before)));
        let mut entry = mark.map(|mark| Entry::new(mark, Deed::Updates, batch));
        let mut printer = Printer::default();
        let mut new: Vec<std::borrow::Cow<'_, [u8]>> = Vec::with_capacity(batch.len());
        for item in batch.items() {
            let mut properties = std::borrow::Cow::Borrowed(batch.properties(item));
            if let Some((block, nodes)) = &before {
                let known = *nodes.get(&item.start).ok_or_else(|| gone(nodes.len(), batch))?;
                if how == Update::Fill {
                    properties = change::missing(block.properties(known), &properties)?.into();
                }
                if let Some(entry) = entry.as_mut().filter(|_| keep) {
                    let old = block.kind(known).names();
                    put_list(&mut entry.before, old.len());
                    old.iter().for_each(|name| put_string(&mut entry.before, name));
                    entry.before.extend_from_slice(block.properties(known));
                    let all = old.iter().chain(batch.kind(item).names()).map(|name| &**name);
                    let after = change::overwritten(block.properties(known), &properties)?;
                    entry.prints.push(printer.print_of(all, &after, &[])?);
                }
            }
            new.push(properties);
        }
        let kind = kind_of(Dialect::Memgraph, batch)?;
        let mut found = 0;
        for parcel in parcels(new.iter().map(|properties| &**properties), ADD, batch)? {
            self.update_rows(&parcel, batch);
            found += self.count_of(&statement::update_nodes(&kind, &parcel.set))?;
        }
        if found != batch.len() {
            return Err(gone(found, batch));
        }
        if let Some(mut entry) = entry {
            entry.ids = ids;
            self.note(&entry)?;
        }
        Ok(found as u64)
    }

    /// Rows of the target's id, properties, and texts.
    fn update_rows(&mut self, parcel: &Parcel<'_>, block: &Block) {
        self.open_rows(parcel.items.len());
        for sent in &parcel.items {
            let Some(item) = block.items().get(sent.number) else { continue };
            put_list(&mut self.parameters, 2 + sent.texts.len());
            put_integer(&mut self.parameters, item.start);
            self.parameters.extend_from_slice(&sent.properties);
            sent.texts.iter().for_each(|text| put_string(&mut self.parameters, text));
        }
    }

    /// Runs a statement over the rows that were put together, and gives the number that it tells.
    fn count_of(&mut self, text: &str) -> Result<usize> {
        let mut found = None;
        self.run(text, |row| {
            found = ledger::number(row)?;
            Ok(())
        })?;
        Ok(found.and_then(|count| usize::try_from(count).ok()).unwrap_or(0))
    }

    /// Nodes as they are, inside a transaction.
    fn read_inside(&mut self, ids: &[i64]) -> Result<Block> {
        let mut rows = Rows::new(Class::Nodes);
        self.ask(statement::NODES, &parameters([("ids", ledger::ids(ids))]), |row| rows.push(row))?;
        Ok(rows.take())
    }

    /// The items with these ids.
    pub(super) fn read_items(&mut self, class: Class, ids: &[i64]) -> Result<Block> {
        let text = match class {
            Class::Nodes => statement::NODES,
            Class::Relationships => statement::RELATIONSHIPS,
        };
        let mut rows = Rows::new(class);
        self.look(text, &parameters([("ids", ledger::ids(ids))]), |row| rows.push(row))?;
        Ok(rows.take())
    }

    /// Deletes items and a line inside a transaction. Ids are never used again (recorded), so that one of the run's is no other node's.
    pub(super) fn delete_items(&mut self, class: Class, ids: &[i64], detach: bool, entry: &Entry) -> Result<u64> {
        let (text, count) = match (class, detach) {
            (Class::Nodes, true) => (statement::DETACH_DELETE, "nodes-deleted"),
            (Class::Nodes, false) => (statement::DELETE_NODES, "nodes-deleted"),
            (Class::Relationships, _) => (statement::DELETE_RELATIONSHIPS, "relationships-deleted"),
        };
        self.lines()?;
        let deleted = match ids {
            [] => 0,
            ids => self.ask(text, &parameters([("ids", ledger::ids(ids))]), |_| Ok(()))?.count(count),
        };
        self.strike(entry)?;
        Ok(deleted)
    }

    /// Gives nodes their labels and properties back and deletes a line inside a transaction.
    pub(super) fn put_nodes_back(&mut self, nodes: &Block, entry: &Entry) -> Result<()> {
        self.lines()?;
        let ids: Vec<i64> = nodes.items().iter().map(|item| item.start).collect();
        if !ids.is_empty() {
            let there = self.read_inside(&ids)?;
            let now = by_id(&there);
            // Nodes by the labels that they lose and those that they get.
            let mut groups: BTreeMap<(Vec<&str>, Vec<&str>), Vec<&Item>> = BTreeMap::new();
            for item in nodes.items() {
                let Some(now) = now.get(&item.start) else { continue };
                let names = |kind: &'_ Kind| kind.names().iter().map(|name| name.to_string()).collect::<BTreeSet<_>>();
                let (old, new) = (names(nodes.kind(item)), names(there.kind(now)));
                let lost = there.kind(now).names().iter().map(|name| &**name).filter(|name| !old.contains(*name));
                let back = nodes.kind(item).names().iter().map(|name| &**name).filter(|name| !new.contains(*name));
                groups.entry((lost.collect(), back.collect())).or_default().push(item);
            }
            for ((lost, back), items) in groups {
                let mut group = Block::new(Class::Nodes);
                for item in items {
                    let kind = group.intern(nodes.kind(item));
                    group.copy(nodes, item, kind, item.start, 0);
                }
                let (lost, back) = (labels(lost)?, labels(back)?);
                let properties = group.items().iter().map(|item| group.properties(item));
                for parcel in parcels(properties, REPLACE, &group)? {
                    self.update_rows(&parcel, &group);
                    self.count_of(&statement::put_back(&lost, &parcel.set, &back))?;
                }
            }
        }
        self.strike(entry)
    }

    /// Learns where the lines of the run lie, once: looking for each of them would look at all nodes.
    fn lines(&mut self) -> Result<()> {
        if self.lines.is_some() {
            return Ok(());
        }
        let run = self.run_name()?;
        let mut lines = HashMap::new();
        self.look(statement::LINES, &parameters([("run_name", run.as_str().into())]), |row| {
            let mut cursor = Cursor::new(row);
            cursor.list()?;
            lines.insert((cursor.integer()?, cursor.integer()?), cursor.integer()?);
            Ok(())
        })?;
        self.lines = Some(lines);
        Ok(())
    }

    /// Deletes a line: the last thing before COMMIT.
    fn strike(&mut self, entry: &Entry) -> Result<()> {
        let key = (ledger::number_of(entry.batch), ledger::number_of(entry.from));
        let mut known = self.lines.as_ref().and_then(|lines| lines.get(&key)).copied();
        if known.is_none() {
            // It was written since then.
            let given = [
                ("run_name", self.run_name()?.as_str().into()),
                ("batch_no", key.0.into()),
                ("first_no", key.1.into()),
            ];
            self.ask(statement::LINE_PLACE, &parameters(given), |row| {
                known = ledger::number(row)?;
                Ok(())
            })?;
        }
        self.hold(entry.batch, "", "id(l)", [])?;
        match known {
            Some(id) => {
                self.ask(statement::DELETE_LINES, &parameters([("ids", ledger::ids(&[id]))]), |_| Ok(())).map(|_| ())
            }
            None => Ok(()),
        }
    }
}
