//! Relationships: all of a batch, or those that are not there already.

use super::parcel::{Setting, parcels};
use super::session::{MemgraphSession, numbered, place};
use super::{statement, values};
use crate::backend::bolt::batch::{kind_of, no_ends};
use crate::backend::{Deed, Entry, Mark, Once, ledger::Printer};
use crate::cypher::Dialect;
use crate::error::Result;
use crate::model::content::Content;
use crate::model::packstream::{put_integer, put_list, tag};
use crate::model::{Block, Class, Cursor, ValueRef};
use std::collections::HashSet;

const SETTING: Setting = Setting { variable: "r", sign: "=", place: 2, texts: 4, sparing: true };

impl MemgraphSession {
    /// Creates the relationships of a batch inside a transaction.
    pub(super) fn create_relationships(&mut self, batch: &Block, once: Once, mark: Option<&Mark>) -> Result<u64> {
        let missing = match once {
            Once::Always => None,
            Once::Ends | Once::Properties => Some(self.without_known(batch, once)?),
        };
        let new = missing.as_ref().unwrap_or(batch);
        let ids = self.create_all(new, mark.is_some())?;
        if let Some(mark) = mark {
            let mut entry = Entry::new(mark, Deed::Relationships, batch);
            let mut printer = Printer::default();
            entry.prints = new.items().iter().map(|item| printer.print(new, item)).collect::<Result<_>>()?;
            entry.ids = ids;
            self.note(&entry)?;
        }
        Ok(new.len() as u64)
    }

    /// Creates relationships, and gives their ids if they are asked for. One whose end is not there is left out by the server in silence: the
    /// counts tell.
    fn create_all(&mut self, batch: &Block, ids: bool) -> Result<Vec<i64>> {
        let kind = kind_of(Dialect::Memgraph, batch)?;
        let properties = batch.items().iter().map(|item| batch.properties(item));
        let mut made = vec![None; if ids { batch.len() } else { 0 }];
        let mut count = 0;
        for parcel in parcels(properties, SETTING, batch)? {
            self.relationship_rows(&parcel, batch);
            let text = statement::create_relationships(&kind, &parcel.set, ids);
            count += self.run(&text, |row| place(row, &mut made))?.count("relationships-created");
        }
        let created = usize::try_from(count).unwrap_or(usize::MAX);
        match (created == batch.len(), ids) {
            (true, true) => numbered(made, batch),
            (true, false) => Ok(Vec::new()),
            (false, _) => Err(no_ends(batch.len().saturating_sub(created), batch)),
        }
    }

    /// The relationships of a batch that are not there yet, each once. Another session that creates one of them meanwhile writes to its ends:
    /// one of the two meets a conflict and looks again.
    fn without_known(&mut self, batch: &Block, once: Once) -> Result<Block> {
        if batch.is_empty() {
            return Ok(Block::new(Class::Relationships));
        }
        self.open_rows(batch.len());
        for (number, item) in batch.items().iter().enumerate() {
            put_list(&mut self.parameters, 3);
            put_integer(&mut self.parameters, item.start);
            put_integer(&mut self.parameters, item.end);
            put_integer(&mut self.parameters, number as i64);
        }
        let text = statement::known_relationships(&kind_of(Dialect::Memgraph, batch)?);
        let (mut ends, mut there) = (vec![false; batch.len()], HashSet::new());
        let mut content = Content::default();
        let mut properties = Vec::new();
        self.run(&text, |row| {
            let mut cursor = Cursor::new(row);
            cursor.list()?;
            let number = usize::try_from(cursor.integer()?).unwrap_or(usize::MAX);
            let (Some(found), Some(item)) = (ends.get_mut(number), batch.items().get(number)) else { return Ok(()) };
            *found = true;
            // Null stands for no relationship at all.
            if let ValueRef::Structure(tag::RELATIONSHIP, _) = cursor.value()? {
                for _ in 0..4 {
                    cursor.check()?;
                }
                properties.clear();
                match once {
                    Once::Properties => values::copy(&mut cursor, &mut properties)
                        .map_err(|unfit| unfit.of(Class::Relationships.noun(), item.id))?,
                    _ => properties.push(0xA0),
                }
                there.insert((item.start, item.end, content.hash(&[], &properties, &[])?));
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
