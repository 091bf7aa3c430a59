//! Changing what is there: updates, deletions, and putting back what was before.

use super::fault::during;
use super::writer::Batch;
use super::{source, stored};
use crate::backend::Update;
use crate::error::{Error, Result};
use crate::model::{Block, Class, Kind, change};
use rusqlite::Connection;

/// Finds relationships by their ends; made when it is needed first, and gone when a run settles.
const BY_START: &str = "CREATE INDEX IF NOT EXISTS relationships_by_ends ON relationships (start_node, end_node, type)";
const BY_END: &str = "CREATE INDEX IF NOT EXISTS relationships_by_end ON relationships (end_node)";

/// Removes the indexes that were made for a while.
pub(super) fn drop_indexes(connection: &Connection) -> Result<()> {
    let sql = "DROP INDEX IF EXISTS relationships_by_ends; DROP INDEX IF EXISTS relationships_by_end";
    connection.execute_batch(sql).map_err(during("removing an index"))
}

/// Makes sure that relationships are found by their ends.
pub(super) fn index_ends(connection: &Connection) -> Result<()> {
    let made = connection.prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = 'relationships_by_ends'");
    if made.and_then(|mut find| find.exists([])).map_err(during("looking for an index"))? {
        return Ok(());
    }
    connection.execute_batch(BY_START).map_err(during("indexing relationships"))
}

/// The items with these ids that are there.
pub(super) fn read(connection: &Connection, class: Class, ids: &[i64]) -> Result<Block> {
    let mut block = Block::new(class);
    let mut reader = source::One::new(connection, class);
    for id in ids {
        reader.read(*id, &mut block)?;
    }
    Ok(block)
}

/// What an update did to one node.
pub(super) struct Changed {
    /// Labels and properties before.
    pub(super) before: (Kind, Vec<u8>),
    /// And now.
    pub(super) after: (Kind, Vec<u8>),
}

/// The labels of one node, and those of another that it does not have.
fn union(kind: &Kind, more: &Kind) -> Kind {
    let new = more.names().iter().filter(|name| !kind.names().contains(name));
    Kind::labels(kind.names().iter().chain(new))
}

impl Batch<'_> {
    /// Changes nodes; tells of each what it was and is.
    pub(super) fn update(
        &mut self,
        connection: &Connection,
        batch: &Block,
        how: Update,
        told: &mut dyn FnMut(i64, &Changed) -> Result<()>,
    ) -> Result<()> {
        for item in batch.items() {
            let found = read(connection, Class::Nodes, &[item.start])?;
            let Some(node) = found.items().first() else {
                return Err(missing(item.start));
            };
            let (kind, properties) = (found.kind(node).clone(), found.properties(node));
            let incoming = batch.properties(item);
            let after = match how {
                Update::Overwrite => change::overwritten(properties, incoming)?,
                Update::Fill => change::overwritten(properties, &change::missing(properties, incoming)?)?,
            };
            let before = (kind.clone(), properties.to_vec());
            let changed = Changed { before, after: (union(&kind, batch.kind(item)), after) };
            self.replace(connection, item.start, &found, &changed.after)?;
            told(item.start, &changed)?;
        }
        Ok(())
    }

    /// Gives nodes exactly these labels and properties, those apart that are not there any more.
    pub(super) fn put_back(&mut self, connection: &Connection, nodes: &Block) -> Result<()> {
        for item in nodes.items() {
            let found = read(connection, Class::Nodes, &[item.start])?;
            if found.is_empty() {
                continue;
            }
            let state = (nodes.kind(item).clone(), nodes.properties(item).to_vec());
            self.replace(connection, item.start, &found, &state)?;
        }
        Ok(())
    }

    fn replace(&mut self, connection: &Connection, id: i64, before: &Block, state: &(Kind, Vec<u8>)) -> Result<()> {
        let mut after = Block::new(Class::Nodes);
        let kind = after.add_kind(state.0.clone());
        after.buffer().extend_from_slice(&state.1);
        after.push(id, 0, 0, kind, 0);
        let mut text = Vec::new();
        self.release(connection, before)?;
        let Some(item) = after.items().first() else { return Ok(()) };
        self.properties(connection, &after, item, id, &mut text)?;
        let kind = self.kind(connection, Class::Nodes, &state.0)?;
        connection
            .prepare_cached("UPDATE nodes SET label_set = ?2, properties = ?3 WHERE id = ?1")
            .and_then(|mut update| update.execute((id, kind, stored::bound(&text))))
            .map(drop)
            .map_err(during("changing nodes"))
    }

    /// Deletes items; gives how many.
    pub(super) fn delete(&mut self, connection: &Connection, class: Class, ids: &[i64], detach: bool) -> Result<u64> {
        let deleting = || during(format!("deleting {}s", class.noun()));
        let mut deleted = 0;
        if class == Class::Nodes {
            index_ends(connection)?;
            connection.execute_batch(BY_END).map_err(deleting())?;
        }
        for id in ids {
            if class == Class::Nodes {
                let around = around(connection, *id)?;
                if !around.is_empty() && !detach {
                    continue;
                }
                self.delete(connection, Class::Relationships, &around, false)?;
            }
            let found = read(connection, class, &[*id])?;
            self.release(connection, &found)?;
            let sql = match class {
                Class::Nodes => "DELETE FROM nodes WHERE id = ?1",
                Class::Relationships => "DELETE FROM relationships WHERE id = ?1",
            };
            let gone = connection.prepare_cached(sql).and_then(|mut delete| delete.execute([id]));
            deleted += gone.map_err(deleting())? as u64;
        }
        self.lose_ends();
        Ok(deleted)
    }
}

/// The relationships of a node.
fn around(connection: &Connection, node: i64) -> Result<Vec<i64>> {
    let reading = || during("reading relationships");
    let sql =
        "SELECT id FROM relationships WHERE start_node = ?1 UNION SELECT id FROM relationships WHERE end_node = ?1";
    let mut find = connection.prepare_cached(sql).map_err(reading())?;
    let ids = find.query_map([node], |row| row.get(0)).map_err(reading())?;
    ids.collect::<rusqlite::Result<_>>().map_err(reading())
}

/// Relationships of a type from one node to another.
pub(super) fn alike(connection: &Connection, kind: i64, start: i64, end: i64) -> Result<Vec<i64>> {
    let reading = || during("reading relationships");
    let sql = "SELECT id FROM relationships WHERE start_node = ?1 AND end_node = ?2 AND type = ?3";
    let mut find = connection.prepare_cached(sql).map_err(reading())?;
    let ids = find.query_map((start, end, kind), |row| row.get(0)).map_err(reading())?;
    ids.collect::<rusqlite::Result<_>>().map_err(reading())
}

fn missing(id: i64) -> Error {
    Error::new(crate::error::ErrorKind::Server, format!("there is no node {id}"))
}
