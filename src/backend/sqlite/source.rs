//! The store as a source: a snapshot is one read transaction.

use super::fault::during;
use super::stored::Stored;
use super::{catalog, file};
use crate::backend::{Names, Snapshot, Source};
use crate::error::{Error, Result};
use crate::model::header::Origin;
use crate::model::{Block, Class, Consistency, Kind, Schema};
use rusqlite::{Connection, OptionalExtension, Row};
use rustc_hash::FxHashMap;
use std::path::Path;

/// So many kinds are kept in memory; a graph with more pays for reading them again.
const KINDS_KEPT: usize = 1 << 16;

/// An open store.
pub(super) struct Reader {
    connection: Connection,
    origin: Origin,
}

impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self> {
        Ok(Self { connection: file::open_to_read(path)?, origin: super::origin(path) })
    }
}

impl Source for Reader {
    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn snapshot(&mut self, _want: Option<Consistency>) -> Result<Box<dyn Snapshot + '_>> {
        let pinning = || during("beginning a snapshot");
        let view = View { connection: &mut self.connection, open: true };
        view.connection.execute_batch("BEGIN").map_err(pinning())?;
        // SQLite pins the view at the first read, not at BEGIN.
        view.connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(pinning())?;
        Ok(Box::new(view))
    }
}

struct View<'a> {
    connection: &'a mut Connection,
    open: bool,
}

impl Drop for View<'_> {
    fn drop(&mut self) {
        if self.open {
            // Nothing was written, and a connection that cannot end its transaction fails at the next one.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}

impl View<'_> {
    fn connection(&self) -> Result<&Connection> {
        if self.open { Ok(self.connection) } else { Err(Error::failed("the snapshot of the embedded store has ended")) }
    }
}

impl Snapshot for View<'_> {
    fn consistency(&self) -> Consistency {
        Consistency::Snapshot
    }

    fn schema(&mut self) -> Result<Schema> {
        catalog::schema(self.connection()?)
    }

    fn names(&mut self) -> Result<Names> {
        let connection = self.connection()?;
        let reading = || during("reading names");
        let mut names = Names::default();
        let mut statement = connection.prepare("SELECT id, labels FROM label_sets").map_err(reading())?;
        let mut rows = statement.query([]).map_err(reading())?;
        while let Some(row) = rows.next().map_err(reading())? {
            names.labels.extend(labels(row.get(0).map_err(reading())?, row.get_ref(1).map_err(reading())?)?);
        }
        let texts = |sql| -> Result<Vec<String>> {
            let mut statement = connection.prepare(sql).map_err(reading())?;
            let texts = statement.query_map([], |row| row.get(0)).map_err(reading())?;
            texts.collect::<rusqlite::Result<_>>().map_err(reading())
        };
        names.labels.extend(texts("SELECT name FROM types")?);
        names.properties.extend(texts("SELECT name FROM property_keys")?);
        Ok(names)
    }

    fn estimate(&mut self) -> Result<Option<(u64, u64)>> {
        // Ids are given without gaps, so this is exact unless somebody deleted by hand; counting would read the whole
        // file.
        let span = |sql| {
            let span = self.connection()?.query_row(sql, [], |row| row.get::<_, i64>(0));
            span.map(|span| u64::try_from(span).unwrap_or(0)).map_err(during("estimating"))
        };
        Ok(Some((
            span("SELECT coalesce(max(id) - (SELECT min(id) FROM nodes) + 1, 0) FROM nodes")?,
            span("SELECT coalesce(max(id) - (SELECT min(id) FROM relationships) + 1, 0) FROM relationships")?,
        )))
    }

    fn scan(&mut self, class: Class, sink: &mut dyn FnMut(Block) -> Result<()>) -> Result<()> {
        scan(self.connection()?, class, sink)
    }

    fn finish(&mut self) -> Result<Option<bool>> {
        if self.open {
            self.connection.execute_batch("COMMIT").map_err(during("ending the snapshot"))?;
            self.open = false;
        }
        Ok(Some(false))
    }
}

/// Pushes every item of a class in full blocks, in the order of the ids.
pub(super) fn scan(connection: &Connection, class: Class, sink: &mut dyn FnMut(Block) -> Result<()>) -> Result<()> {
    let (sql, properties, action) = match class {
        Class::Nodes => ("SELECT id, label_set, properties FROM nodes ORDER BY id", 2, "reading nodes"),
        Class::Relationships => (
            "SELECT id, type, start_node, end_node, properties FROM relationships ORDER BY id",
            4,
            "reading relationships",
        ),
    };
    let reading = || during(action);
    let mut kinds = Kinds { connection, class, known: FxHashMap::default() };
    let mut in_block: FxHashMap<i64, u32> = FxHashMap::default();
    let mut block = Block::new(class);
    let mut stored = Stored::default();
    let mut statement = connection.prepare_cached(sql).map_err(reading())?;
    let mut rows = statement.query([]).map_err(reading())?;
    while let Some(row) = rows.next().map_err(reading())? {
        if block.is_full() {
            sink(std::mem::replace(&mut block, Block::new(class)))?;
            in_block.clear();
        }
        let number = |column| row.get::<_, i64>(column).map_err(reading());
        let (id, kind) = (number(0)?, number(1)?);
        let (start, end) = if class == Class::Nodes { (0, 0) } else { (number(2)?, number(3)?) };
        let kind = match in_block.get(&kind) {
            Some(index) => *index,
            None => {
                let index = block.add_kind(kinds.find(kind).map_err(|error| of_item(class, id, error))?);
                in_block.insert(kind, index);
                index
            }
        };
        stored.read(row, properties, block.buffer()).map_err(|error| of_item(class, id, error))?;
        block.push(id, start, end, kind, 0);
    }
    if !block.is_empty() {
        sink(block)?;
    }
    Ok(())
}

/// Reads single items by their ids.
pub(super) struct One<'a> {
    connection: &'a Connection,
    kinds: Kinds<'a>,
    stored: Stored,
}

impl<'a> One<'a> {
    pub(super) fn new(connection: &'a Connection, class: Class) -> Self {
        let kinds = Kinds { connection, class, known: FxHashMap::default() };
        Self { connection, kinds, stored: Stored::default() }
    }

    /// Appends an item to a block, if it is there.
    pub(super) fn read(&mut self, id: i64, block: &mut Block) -> Result<()> {
        let class = self.kinds.class;
        let sql = match class {
            Class::Nodes => "SELECT label_set, properties, 0, 0 FROM nodes WHERE id = ?1",
            Class::Relationships => "SELECT type, properties, start_node, end_node FROM relationships WHERE id = ?1",
        };
        let reading = || during(format!("reading {} {id}", class.noun()));
        let mut statement = self.connection.prepare_cached(sql).map_err(reading())?;
        let mut rows = statement.query([id]).map_err(reading())?;
        let Some(row) = rows.next().map_err(reading())? else { return Ok(()) };
        let number = |column| row.get::<_, i64>(column).map_err(reading());
        let kind = self.kinds.find(number(0)?).map_err(|error| of_item(class, id, error))?;
        let kind = block.intern(&kind);
        self.stored.read(row, 1, block.buffer()).map_err(|error| of_item(class, id, error))?;
        block.push(id, number(2)?, number(3)?, kind, 0);
        Ok(())
    }
}

fn of_item(class: Class, id: i64, cause: Error) -> Error {
    Error::new(cause.kind(), format!("{} {id} of the embedded store cannot be read", class.noun())).caused_by(cause)
}

/// Label sets and types by their ids.
struct Kinds<'a> {
    connection: &'a Connection,
    class: Class,
    known: FxHashMap<i64, Kind>,
}

impl Kinds<'_> {
    fn find(&mut self, id: i64) -> Result<Kind> {
        if let Some(kind) = self.known.get(&id) {
            return Ok(kind.clone());
        }
        let sql = match self.class {
            Class::Nodes => "SELECT id, labels FROM label_sets WHERE id = ?1",
            Class::Relationships => "SELECT id, name FROM types WHERE id = ?1",
        };
        let class = self.class;
        let read = |row: &Row<'_>| {
            Ok(match class {
                Class::Nodes => labels(id, row.get_ref(1)?).map(Kind::labels),
                Class::Relationships => Ok(Kind::relationship(row.get_ref(1)?.as_str()?)),
            })
        };
        let found = self.connection.query_row(sql, [id], read).optional().map_err(during("reading names"))?;
        let what = if class == Class::Nodes { "label set" } else { "type" };
        let kind = found.ok_or_else(|| Error::corrupt(format!("there is no {what} {id}")))??;
        if self.known.len() >= KINDS_KEPT {
            self.known.clear();
        }
        self.known.insert(id, kind.clone());
        Ok(kind)
    }
}

fn labels(id: i64, json: rusqlite::types::ValueRef<'_>) -> Result<Vec<String>> {
    let damaged = || Error::corrupt(format!("label set {id} is not a JSON array of strings"));
    let text = json.as_str().map_err(|_| damaged())?;
    serde_json::from_str(text).map_err(|cause| damaged().caused_by(cause))
}
