//! The one connection that writes: transactions, ids, names.
//!
//! Everything that it remembers between batches it has read from the file or written to it. When another program has
//! written to the file meanwhile (SQLite's `data_version` tells), or a batch has failed, it forgets and reads again.

use super::fault::during;
use super::rule::Rule;
use super::{catalog, change, file, stored};
use crate::backend::Once;
use crate::error::{Error, ErrorKind, Result};
use crate::model::content::Content;
use crate::model::{Block, Class, Item, Kind};
use rusqlite::{Connection, OptionalExtension, Statement};
use rustc_hash::{FxHashMap, FxHashSet};
use std::path::Path;

/// So many names are kept in memory of each sort; a graph with more pays for looking them up.
const NAMES_KEPT: usize = 1 << 16;

/// Which ids of nodes exist, as far as it is known without looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// Not counted yet.
    Unknown,
    /// Every id from this one up to the next free one.
    From(i64),
    /// There are gaps.
    Sparse,
}

/// The connection and what it remembers.
pub(super) struct Writer {
    connection: Connection,
    memory: Memory,
}

/// What is remembered between batches.
struct Memory {
    version: Option<i64>,
    stale: bool,
    next_node: i64,
    next_relationship: i64,
    ends: Ends,
    kinds: FxHashMap<(Class, Kind), i64>,
    keys: FxHashSet<Box<str>>,
    rules: Vec<Rule>,
}

impl Writer {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let memory = Memory {
            version: None,
            stale: true,
            next_node: 0,
            next_relationship: 0,
            ends: Ends::Unknown,
            kinds: FxHashMap::default(),
            keys: FxHashSet::default(),
            rules: Vec::new(),
        };
        Ok(Self { connection: file::open_to_write(path)?, memory })
    }

    /// Runs `look` in a read transaction.
    pub(super) fn read<T>(&mut self, look: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let transaction = self.connection.transaction().map_err(during("reading the embedded store"))?;
        look(&transaction)
    }

    /// Runs `work` in a write transaction: all of it, or nothing.
    pub(super) fn write<T>(
        &mut self,
        what: &str,
        work: impl FnOnce(&Connection, &mut Batch<'_>) -> Result<T>,
    ) -> Result<T> {
        let transaction = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(during(what))?;
        let result = self
            .memory
            .refresh(&transaction)
            .and_then(|()| work(&transaction, &mut Batch { memory: &mut self.memory }));
        // A transaction that is dropped is rolled back.
        let result = result.and_then(|done| transaction.commit().map(|()| done).map_err(during(what)));
        self.memory.stale |= result.is_err();
        result
    }

    /// Brings all that was written to the disk itself, and into the one file.
    pub(super) fn settle(&mut self) -> Result<()> {
        let settling = || during("settling the embedded store");
        self.connection.pragma_update(None, "synchronous", "FULL").map_err(settling())?;
        // With full synchronisation this commit brings the log to the disk, whether or not a reader keeps the
        // checkpoint below from emptying it.
        self.write("settling the embedded store", |connection, _| {
            change::drop_indexes(connection)?;
            let sql = "INSERT INTO graphferry (key, value) VALUES ('settled', strftime('%Y-%m-%dT%H:%M:%fZ'))
                       ON CONFLICT (key) DO UPDATE SET value = excluded.value";
            connection.execute(sql, []).map(drop).map_err(settling())
        })?;
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(settling())?;
        self.connection.pragma_update(None, "synchronous", "NORMAL").map_err(settling())
    }
}

impl Memory {
    fn refresh(&mut self, connection: &Connection) -> Result<()> {
        let refreshing = || during("reading the embedded store");
        let version = connection.pragma_query_value(None, "data_version", |row| row.get(0)).map_err(refreshing())?;
        let foreign = self.version != Some(version);
        if !foreign && !self.stale {
            return Ok(());
        }
        let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(refreshing());
        self.next_node = number("SELECT coalesce(max(id), 0) FROM nodes")?;
        self.next_relationship = number("SELECT coalesce(max(id), 0) FROM relationships")?;
        if foreign {
            // Another program's first write may have been a deletion, and counting after each of its batches would
            // take too long.
            self.ends = if self.version.is_none() { Ends::Unknown } else { Ends::Sparse };
            if self.next_node == 0 {
                self.ends = Ends::From(1);
            }
        }
        self.next_node = following(self.next_node)?;
        self.next_relationship = following(self.next_relationship)?;
        self.kinds.clear();
        self.keys.clear();
        self.rules = catalog::read(connection)?.iter().filter_map(|(id, object)| Rule::of(*id, object)).collect();
        self.version = Some(version);
        self.stale = false;
        Ok(())
    }

    fn kind(&mut self, connection: &Connection, class: Class, kind: &Kind) -> Result<i64> {
        let key = (class, kind.clone());
        if let Some(id) = self.kinds.get(&key) {
            return Ok(*id);
        }
        let (text, find, add) = match class {
            Class::Nodes => (
                serde_json::to_string(kind.names())
                    .map_err(|cause| Error::failed("labels cannot be written as JSON").caused_by(cause))?,
                "SELECT id FROM label_sets WHERE labels = ?1",
                "INSERT INTO label_sets (labels) VALUES (?1) RETURNING id",
            ),
            Class::Relationships => (
                kind.relationship_type().to_owned(),
                "SELECT id FROM types WHERE name = ?1",
                "INSERT INTO types (name) VALUES (?1) RETURNING id",
            ),
        };
        let naming = || during("writing a name");
        let get = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        let found = connection.prepare_cached(find).and_then(|mut find| find.query_row([&text], get).optional());
        let id = match found.map_err(naming())? {
            Some(id) => id,
            None => connection.prepare_cached(add).and_then(|mut add| add.query_row([&text], get)).map_err(naming())?,
        };
        if self.kinds.len() >= NAMES_KEPT {
            self.kinds.clear();
        }
        self.kinds.insert(key, id);
        Ok(id)
    }

    /// Notes the property keys of an item.
    fn note_keys(&mut self, connection: &Connection, block: &Block, item: &Item) -> Result<()> {
        let mut cursor = block.cursor(item);
        for _ in 0..cursor.map()? {
            let key = cursor.string()?;
            cursor.check()?;
            if self.keys.contains(key) {
                continue;
            }
            connection
                .prepare_cached("INSERT OR IGNORE INTO property_keys (name) VALUES (?1)")
                .and_then(|mut insert| insert.execute([key]))
                .map_err(during("writing a name"))?;
            if self.keys.len() >= NAMES_KEPT {
                self.keys.clear();
            }
            self.keys.insert(key.into());
        }
        Ok(())
    }

    fn know_ends(&mut self, connection: &Connection) -> Result<()> {
        if self.ends == Ends::Unknown {
            let sql = "SELECT coalesce(min(id), 1), count(*) FROM nodes";
            let (first, count): (i64, i64) = connection
                .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
                .map_err(during("counting nodes"))?;
            let dense = first.checked_add(count) == Some(self.next_node);
            self.ends = if dense { Ends::From(first) } else { Ends::Sparse };
        }
        Ok(())
    }

    fn exists(&self, find: &mut Statement<'_>, id: i64) -> Result<bool> {
        match self.ends {
            Ends::From(first) => Ok((first..self.next_node).contains(&id)),
            Ends::Unknown | Ends::Sparse => find.exists([id]).map_err(during("looking for a node")),
        }
    }
}

fn following(id: i64) -> Result<i64> {
    id.checked_add(1).ok_or_else(|| Error::failed("the embedded store has no free id any more"))
}

/// A batch that is being written.
pub(super) struct Batch<'a> {
    memory: &'a mut Memory,
}

impl Batch<'_> {
    /// Forgets what was remembered when this batch is over: for changes of the schema.
    pub(super) fn forget(&mut self) {
        self.memory.stale = true;
    }

    /// Adds nodes and pushes their ids.
    pub(super) fn nodes(&mut self, connection: &Connection, batch: &Block, ids: &mut Vec<i64>) -> Result<()> {
        let kinds = self.kinds(connection, batch)?;
        let mut insert = connection
            .prepare_cached("INSERT INTO nodes (id, label_set, properties) VALUES (?1, ?2, ?3)")
            .map_err(during("writing nodes"))?;
        let mut stored = Vec::new();
        for item in batch.items() {
            let id = self.memory.next_node;
            self.memory.next_node = following(id)?;
            self.properties(connection, batch, item, id, &mut stored)?;
            let kind = kinds.get(item.kind as usize).copied().unwrap_or_default();
            insert.execute((id, kind, stored::bound(&stored))).map_err(during("writing nodes"))?;
            ids.push(id);
        }
        Ok(())
    }

    /// Adds relationships and pushes the id of each that was not there already, with its place in the batch; every end must exist.
    pub(super) fn relationships(
        &mut self,
        connection: &Connection,
        batch: &Block,
        once: Once,
        made: &mut Vec<(usize, i64)>,
    ) -> Result<()> {
        let writing = || during("writing relationships");
        let kinds = self.kinds(connection, batch)?;
        self.memory.know_ends(connection)?;
        let mut find = connection.prepare_cached("SELECT 1 FROM nodes WHERE id = ?1").map_err(writing())?;
        let mut insert = connection
            .prepare_cached(
                "INSERT INTO relationships (id, type, start_node, end_node, properties) VALUES (?1, ?2, ?3, ?4, ?5)",
            )
            .map_err(writing())?;
        let mut stored = Vec::new();
        if once != Once::Always {
            change::index_ends(connection)?;
        }
        for (at, item) in batch.items().iter().enumerate() {
            for (end, what) in [(item.start, "start"), (item.end, "end")] {
                if !self.memory.exists(&mut find, end)? {
                    let name = batch.kind(item).relationship_type();
                    let message = format!("there is no node {end}, the {what} of a relationship of type {name:?}");
                    return Err(Error::new(ErrorKind::Server, message));
                }
            }
            let kind = kinds.get(item.kind as usize).copied().unwrap_or_default();
            if once != Once::Always && is_known(connection, batch, item, kind, once)? {
                continue;
            }
            let id = self.memory.next_relationship;
            self.memory.next_relationship = following(id)?;
            self.properties(connection, batch, item, id, &mut stored)?;
            made.push((at, id));
            insert.execute((id, kind, item.start, item.end, stored::bound(&stored))).map_err(writing())?;
        }
        Ok(())
    }

    /// The ids of a batch's kinds that have items.
    fn kinds(&mut self, connection: &Connection, batch: &Block) -> Result<Vec<i64>> {
        let mut used = vec![false; batch.kinds().len()];
        for item in batch.items() {
            if let Some(used) = used.get_mut(item.kind as usize) {
                *used = true;
            }
        }
        let ids = batch.kinds().iter().zip(used);
        ids.map(|(kind, used)| if used { self.memory.kind(connection, batch.class(), kind) } else { Ok(0) }).collect()
    }

    /// The id of a kind.
    pub(super) fn kind(&mut self, connection: &Connection, class: Class, kind: &Kind) -> Result<i64> {
        self.memory.kind(connection, class, kind)
    }

    /// Takes what constraints remember of items that are about to change or to go.
    pub(super) fn release(&self, connection: &Connection, block: &Block) -> Result<()> {
        for item in block.items() {
            for rule in self.memory.rules.iter().filter(|rule| rule.concerns(block.class(), block.kind(item))) {
                rule.release(connection, block, item)?;
            }
        }
        Ok(())
    }

    /// Items were deleted: ids have gaps from now on.
    pub(super) fn lose_ends(&mut self) {
        self.memory.ends = Ends::Sparse;
        self.memory.stale = true;
    }

    /// All that is done with an item's properties: names noted, constraints checked, and the text to store.
    pub(super) fn properties(
        &mut self,
        connection: &Connection,
        batch: &Block,
        item: &Item,
        id: i64,
        stored: &mut Vec<u8>,
    ) -> Result<()> {
        self.memory.note_keys(connection, batch, item)?;
        for rule in &self.memory.rules {
            if rule.concerns(batch.class(), batch.kind(item)) {
                rule.admit(connection, batch, item, id)?;
            }
        }
        stored.clear();
        stored::write(batch.properties(item), stored)
    }
}

/// Whether a relationship like this one is there already.
fn is_known(connection: &Connection, batch: &Block, item: &Item, kind: i64, once: Once) -> Result<bool> {
    let alike = change::alike(connection, kind, item.start, item.end)?;
    if once == Once::Ends || alike.is_empty() {
        return Ok(!alike.is_empty());
    }
    let mut content = Content::default();
    let wanted = content.hash(&[], batch.properties(item), &[])?;
    let found = change::read(connection, Class::Relationships, &alike)?;
    for item in found.items() {
        if content.hash(&[], found.properties(item), &[])? == wanted {
            return Ok(true);
        }
    }
    Ok(false)
}
