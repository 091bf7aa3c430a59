//! Relationships: all of a batch, or those that are not there already.

use super::ledger::LOCK;
use super::session::Neo4jSession;
use super::values;
use crate::backend::bolt::batch::{kind_of, no_ends};
use crate::backend::{Deed, Entry, Mark, Once, ledger::Printer};
use crate::cypher::Dialect;
use crate::error::Result;
use crate::model::content::Content;
use crate::model::packstream::{put_integer, put_list};
use crate::model::{Block, Class, Cursor};
use std::collections::HashSet;

impl Neo4jSession {
    /// Creates the relationships of a batch inside a transaction.
    pub(super) fn create_relationships(&mut self, batch: &Block, once: Once, mark: Option<&Mark>) -> Result<u64> {
        let missing = match once {
            Once::Always => None,
            Once::Ends | Once::Properties => Some(self.without_known(batch, once, mark.is_some())?),
        };
        let new = missing.as_ref().unwrap_or(batch);
        let Some(mark) = mark else { return self.create_all(new) };
        let mut entry = Entry::new(mark, Deed::Relationships, batch);
        if !new.is_empty() {
            let tag = self.open_rows(new.len(), true)?;
            for (number, item) in new.items().iter().enumerate() {
                put_list(&mut self.parameters, 4);
                put_integer(&mut self.parameters, item.start);
                put_integer(&mut self.parameters, item.end);
                self.parameters.extend_from_slice(new.properties(item));
                put_integer(&mut self.parameters, number as i64);
            }
            let kind = kind_of(Dialect::Neo4j, new)?;
            let text = format!("{tag}{}RETURN collect(row[3]), collect(id(r))", create(&kind));
            entry.ids = self.numbered(&text, new)?;
        }
        let mut printer = Printer::default();
        entry.prints = new.items().iter().map(|item| printer.print(new, item)).collect::<Result<_>>()?;
        self.note(&entry)?;
        Ok(new.len() as u64)
    }

    /// Creates relationships whose ids nobody asks for.
    fn create_all(&mut self, batch: &Block) -> Result<u64> {
        if batch.is_empty() {
            return Ok(0);
        }
        self.open_rows(batch.len(), false)?;
        for item in batch.items() {
            put_list(&mut self.parameters, 3);
            put_integer(&mut self.parameters, item.start);
            put_integer(&mut self.parameters, item.end);
            self.parameters.extend_from_slice(batch.properties(item));
        }
        let kind = kind_of(Dialect::Neo4j, batch)?;
        let made = self.run(create(&kind).trim_end(), |_| Ok(()))?.count("relationships-created");
        match made == batch.len() as u64 {
            true => Ok(made),
            false => Err(no_ends(batch.len().saturating_sub(usize::try_from(made).unwrap_or(0)), batch)),
        }
    }

    /// Locks both ends of all relationships of a batch in the order of their ids. The locks keep other sessions of the
    /// run from creating one of the relationships in between; taken in one order, and before any other, they let two
    /// batches wait for each other but never in a circle, however many meet at a hub.
    fn lock_ends(&mut self, batch: &Block, marked: bool) -> Result<()> {
        let mut ends: Vec<i64> = batch.items().iter().flat_map(|item| [item.start, item.end]).collect();
        ends.sort_unstable();
        ends.dedup();
        let tag = self.open_rows(ends.len(), marked)?;
        for id in &ends {
            put_integer(&mut self.parameters, *id);
        }
        let text = format!("{tag}UNWIND $rows AS row MATCH (n) WHERE id(n) = row REMOVE n.`{LOCK}`");
        self.run(&text, |_| Ok(())).map(|_| ())
    }

    /// The relationships of a batch that are not there yet, each once.
    fn without_known(&mut self, batch: &Block, once: Once, marked: bool) -> Result<Block> {
        if batch.is_empty() {
            return Ok(Block::new(Class::Relationships));
        }
        self.lock_ends(batch, marked)?;
        self.open_rows(batch.len(), false)?;
        for (number, item) in batch.items().iter().enumerate() {
            put_list(&mut self.parameters, 3);
            put_integer(&mut self.parameters, item.start);
            put_integer(&mut self.parameters, item.end);
            put_integer(&mut self.parameters, number as i64);
        }
        let kind = kind_of(Dialect::Neo4j, batch)?;
        let known = match once {
            Once::Properties => format!("OPTIONAL MATCH (a)-[r{kind}]->(b) RETURN row[2], properties(r)"),
            _ => format!("RETURN row[2], CASE WHEN EXISTS {{ (a)-[{kind}]->(b) }} THEN {{}} END"),
        };
        let text = format!("UNWIND $rows AS row MATCH (a) WHERE id(a) = row[0] MATCH (b) WHERE id(b) = row[1] {known}");
        let version = self.connection.version();
        let (mut ends, mut there) = (vec![false; batch.len()], HashSet::new());
        let mut content = Content::default();
        let mut mended = Vec::new();
        self.run(&text, |row| {
            let mut cursor = Cursor::new(row);
            cursor.list()?;
            let number = usize::try_from(cursor.integer()?).unwrap_or(usize::MAX);
            let (Some(found), Some(item)) = (ends.get_mut(number), batch.items().get(number)) else { return Ok(()) };
            *found = true;
            // Null stands for no relationship at all.
            if row.get(cursor.position()) != Some(&0xC0) {
                mended.clear();
                values::copy(&mut cursor, &mut mended, version)
                    .map_err(|unfit| unfit.of(Class::Relationships.noun(), item.id))?;
                there.insert((item.start, item.end, content.hash(&[], &mended, &[])?));
            }
            Ok(())
        })?;
        let missing = ends.iter().filter(|found| !**found).count();
        if missing > 0 {
            return Err(no_ends(missing, batch));
        }
        let mut new = Block::new(Class::Relationships);
        for item in batch.items() {
            let properties = if once == Once::Properties { batch.properties(item) } else { &[0xA0] };
            if there.insert((item.start, item.end, content.hash(&[], properties, &[])?)) {
                let kind = new.intern(batch.kind(item));
                new.copy(batch, item, kind, item.start, item.end);
            }
        }
        Ok(new)
    }
}

fn create(kind: &str) -> String {
    format!(
        "UNWIND $rows AS row MATCH (a) WHERE id(a) = row[0] MATCH (b) WHERE id(b) = row[1] \
         CREATE (a)-[r{kind}]->(b) SET r = row[2] "
    )
}
