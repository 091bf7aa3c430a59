//! Changes of what is there: nodes that get more, and items that a run takes back.

use super::ledger::{self, LOCK};
use super::rows::Rows;
use super::session::Neo4jSession;
use crate::backend::bolt::batch::kind_of;
use crate::backend::bolt::parameters;
use crate::backend::{Deed, Entry, Mark, Update, ledger::Printer};
use crate::cypher::{self, Dialect};
use crate::error::{Error, ErrorKind, Result};
use crate::model::packstream::{put_integer, put_list, put_string};
use crate::model::{Block, Class, Cursor, Item, Kind, Value, change};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Items by their ids.
fn by_id(block: &Block) -> HashMap<i64, &Item> {
    block.items().iter().map(|item| (item.id, item)).collect()
}

fn ids_of(ids: &[i64]) -> Value {
    Value::List(ids.iter().map(|id| Value::Integer(*id)).collect())
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
        text.push_str(&cypher::name::quoted(Dialect::Neo4j, name)?);
    }
    Ok(text)
}

impl Neo4jSession {
    /// Changes nodes inside a transaction.
    pub(super) fn change(&mut self, batch: &Block, how: Update, mark: Option<&Mark>) -> Result<u64> {
        let keep = mark.is_some_and(|mark| mark.before);
        let ids: Vec<i64> = batch.items().iter().map(|item| item.start).collect();
        let before = match keep || how == Update::Fill {
            true => Some(self.lock_and_read(&ids)?),
            false => None,
        };
        let before = before.as_ref().map(|before| (before, by_id(before)));
        let mut entry = mark.map(|mark| Entry::new(mark, Deed::Updates, batch));
        let mut printer = Printer::default();
        let tag = self.open_rows(batch.len(), mark.is_some())?;
        for item in batch.items() {
            put_list(&mut self.parameters, 2);
            put_integer(&mut self.parameters, item.start);
            let mut properties = batch.properties(item);
            let (filled, known);
            if let Some((block, nodes)) = &before {
                known = *nodes.get(&item.start).ok_or_else(|| gone(nodes.len(), batch))?;
                if how == Update::Fill {
                    filled = change::missing(block.properties(known), properties)?;
                    properties = &filled;
                }
                if let Some(entry) = entry.as_mut().filter(|_| keep) {
                    let old = block.kind(known).names();
                    put_list(&mut entry.before, old.len());
                    old.iter().for_each(|name| put_string(&mut entry.before, name));
                    entry.before.extend_from_slice(block.properties(known));
                    let all = old.iter().chain(batch.kind(item).names()).map(|name| &**name);
                    let after = change::overwritten(block.properties(known), properties)?;
                    entry.prints.push(printer.print_of(all, &after, &[])?);
                }
            }
            self.parameters.extend_from_slice(properties);
        }
        let kind = kind_of(Dialect::Neo4j, batch)?;
        let set = if kind.is_empty() { String::new() } else { format!("SET n{kind} ") };
        let text =
            format!("{tag}UNWIND $rows AS row MATCH (n) WHERE id(n) = row[0] {set}SET n += row[1] RETURN count(n)");
        let mut found = 0;
        self.run(&text, |row| {
            found = ledger::number(row)?.and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
            Ok(())
        })?;
        if found != batch.len() {
            return Err(gone(found, batch));
        }
        if let Some(mut entry) = entry {
            entry.ids = ids;
            self.note(&entry)?;
        }
        Ok(found as u64)
    }

    /// Nodes as they are, inside a transaction; nobody changes them before its end.
    fn lock_and_read(&mut self, ids: &[i64]) -> Result<Block> {
        let text = format!(
            "UNWIND $ids AS i MATCH (n) WHERE id(n) = i AND NOT n:`{}` REMOVE n.`{LOCK}` WITH n \
             RETURN id(n), labels(n), properties(n)",
            ledger::LABEL
        );
        let mut rows = Rows::new(Class::Nodes, self.connection.version());
        self.ask(&text, &parameters([("ids", ids_of(ids))]), |row| rows.push(row))?;
        Ok(rows.take())
    }

    /// The items with these ids.
    pub(super) fn read_items(&mut self, class: Class, ids: &[i64]) -> Result<Block> {
        let mut rows = Rows::new(class, self.connection.version());
        self.look(Rows::chosen(class), &parameters([("ids", ids_of(ids))]), |row| rows.push(row))?;
        Ok(rows.take())
    }

    /// Deletes items and a line inside a transaction.
    pub(super) fn delete_items(&mut self, class: Class, ids: &[i64], detach: bool, entry: &Entry) -> Result<u64> {
        let node = format!("UNWIND $ids AS i MATCH (n) WHERE id(n) = i AND NOT n:`{}`", ledger::LABEL);
        let (text, count) = match (class, detach) {
            (Class::Nodes, true) => (format!("{node} DETACH DELETE n"), "nodes-deleted"),
            (Class::Nodes, false) => (format!("{node} AND NOT EXISTS {{ (n)--() }} DELETE n"), "nodes-deleted"),
            (Class::Relationships, _) => {
                ("MATCH ()-[r]->() WHERE id(r) IN $ids DELETE r".to_owned(), "relationships-deleted")
            }
        };
        self.lines()?;
        let deleted = match ids {
            [] => 0,
            ids => self.ask(&text, &parameters([("ids", ids_of(ids))]), |_| Ok(()))?.count(count),
        };
        self.strike(entry)?;
        Ok(deleted)
    }

    /// Gives nodes their labels and properties back and deletes a line inside a transaction.
    pub(super) fn put_nodes_back(&mut self, nodes: &Block, entry: &Entry) -> Result<()> {
        self.lines()?;
        let ids: Vec<i64> = nodes.items().iter().map(|item| item.start).collect();
        if !ids.is_empty() {
            let there = self.lock_and_read(&ids)?;
            let there = (&there, by_id(&there));
            // Nodes by the labels that they lose and those that they get.
            let mut groups: BTreeMap<(Vec<&str>, Vec<&str>), Vec<&Item>> = BTreeMap::new();
            for item in nodes.items() {
                let Some(now) = there.1.get(&item.start) else { continue };
                let names = |kind: &'_ Kind| kind.names().iter().map(|name| name.to_string()).collect::<BTreeSet<_>>();
                let (old, new) = (names(nodes.kind(item)), names(there.0.kind(now)));
                let lost = there.0.kind(now).names().iter().map(|name| &**name).filter(|name| !old.contains(*name));
                let back = nodes.kind(item).names().iter().map(|name| &**name).filter(|name| !new.contains(*name));
                groups.entry((lost.collect(), back.collect())).or_default().push(item);
            }
            for ((lost, back), items) in groups {
                self.open_rows(items.len(), false)?;
                for item in items {
                    put_list(&mut self.parameters, 2);
                    put_integer(&mut self.parameters, item.start);
                    self.parameters.extend_from_slice(nodes.properties(item));
                }
                let mut text = "UNWIND $rows AS row MATCH (n) WHERE id(n) = row[0]".to_owned();
                if !lost.is_empty() {
                    text += &format!(" REMOVE n{}", labels(lost)?);
                }
                text += " SET n = row[1]";
                if !back.is_empty() {
                    text += &format!(" SET n{}", labels(back)?);
                }
                self.run(&text, |_| Ok(()))?;
            }
        }
        self.strike(entry)
    }

    /// Learns where the lines of the run lie, once: looking for each of them would look at all of them.
    fn lines(&mut self) -> Result<()> {
        if self.lines.is_some() {
            return Ok(());
        }
        let run = self.run_name()?;
        let mut lines = HashMap::new();
        let text = "MATCH (e:`__GraphFerry__`) WHERE e.run = $run AND e.from IS NOT NULL RETURN e.batch, e.from, id(e)";
        self.look(text, &parameters([("run", run.as_str().into())]), |row| {
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
        let (batch, from) = (ledger::number_of(entry.batch), ledger::number_of(entry.from));
        let known = self.lines.as_mut().and_then(|lines| lines.remove(&(batch, from)));
        // A line that was written since then is looked for among all.
        let place = known.map_or("", |_| "id(e) = $line AND ");
        let then = format!(
            "WITH l OPTIONAL MATCH (e:`__GraphFerry__`) WHERE {place}e.run = $run AND e.batch = $batch \
             AND e.from = $from DELETE e"
        );
        self.hold(entry.batch, &then, [("from", from.into()), ("line", known.unwrap_or(-1).into())])
    }
}
