//! A table: rows of one shape in a file whose first line is the header. The header stands before the rows, so columns are final when the first of
//! them are written out; an item that needs another one goes into another table.

use super::cell::{self, Marks};
use crate::cypher::Dialect;
use crate::error::Result;
use crate::format::csv::column::{ColumnType, Sort};
use crate::format::csv::table::{Leave, MAX_COLUMNS, Row, Scratch};
use crate::model::packstream::Scalar;
use crate::model::{Block, Class, Cursor, Item};
use rustc_hash::FxHashMap;

/// The type of a column that had nothing but empty lists.
pub(super) const EMPTY: ColumnType = ColumnType { sort: Sort::String, is_array: true };

/// A column of properties.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) key: Box<str>,
    pub(super) column: ColumnType,
    pub(super) marks: Marks,
    /// Nothing but empty lists was seen: lists of anything may follow.
    is_open: bool,
}

impl Column {
    /// The name in the header. Names that a header may not carry to every server are replaced by the column's number.
    pub(super) fn header(&self, at: usize) -> String {
        let is_strange = |c: char| c.is_control() || matches!(c, '"' | '\\' | '`');
        let key = &*self.key;
        let is_plain = !key.is_empty() && !key.starts_with('_') && key.trim() == key && !key.contains(is_strange);
        if is_plain { key.to_owned() } else { format!("_{at}") }
    }
}

#[derive(Default)]
pub(super) struct Table {
    /// The name of its file, without ending.
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    by_key: FxHashMap<Box<str>, usize>,
    /// Rows that wait; where each ends and how many columns it has, while columns may come.
    pub(super) rows: Vec<u8>,
    ends: Vec<(usize, usize)>,
    is_final: bool,
    /// Columns that got their type from the row that is being written.
    closed: Vec<usize>,
    pub(super) count: u64,
    pub(super) bytes: u64,
    pub(super) hash: blake3::Hasher,
}

impl Table {
    pub(super) fn new(name: String) -> Self {
        Self { name, ..Self::default() }
    }

    /// Puts an item into the table, if it fits.
    pub(super) fn push(
        &mut self,
        dialect: Dialect,
        block: &Block,
        item: &Item,
        scratch: &mut Scratch,
        leave: &mut Leave,
    ) -> Result<Row> {
        leave.out.clear();
        let (columns, from) = (self.columns.len(), self.rows.len());
        self.closed.clear();
        let done = self.try_push(dialect, block, item, scratch, leave);
        if matches!(done, Ok(Row::Written)) {
            self.count += 1;
            if !self.is_final {
                self.ends.push((self.rows.len(), self.columns.len()));
            }
        } else {
            self.rows.truncate(from);
            for column in self.columns.drain(columns..) {
                self.by_key.remove(&column.key);
            }
            for column in std::mem::take(&mut self.closed) {
                if let Some(column) = self.columns.get_mut(column) {
                    *column = Column { column: EMPTY, is_open: true, ..column.clone() };
                }
            }
        }
        done
    }

    fn column(&mut self, guess: usize, key: &str, kind: ColumnType, is_empty: bool) -> Option<usize> {
        let known = match self.columns.get(guess) {
            Some(column) if *column.key == *key => Some(guess),
            _ => self.by_key.get(key).copied(),
        };
        if let Some(at) = known {
            let column = self.columns.get_mut(at)?;
            if column.is_open && kind.is_array && !is_empty {
                (column.column, column.is_open) = (kind, false);
                self.closed.push(at);
            }
            return (column.column == kind || (is_empty && column.column.is_array)).then_some(at);
        }
        if self.is_final || (self.columns.len() >= MAX_COLUMNS && !self.by_key.is_empty()) {
            return None;
        }
        self.columns.push(Column { key: key.into(), column: kind, marks: Marks::default(), is_open: is_empty });
        self.by_key.insert(key.into(), self.columns.len() - 1);
        Some(self.columns.len() - 1)
    }

    fn try_push(
        &mut self,
        dialect: Dialect,
        block: &Block,
        item: &Item,
        scratch: &mut Scratch,
        leave: &mut Leave,
    ) -> Result<Row> {
        self.ids(block.class(), item);
        let bare = self.rows.len();
        if self.push_usual(dialect, block.cursor(item), scratch)? {
            return Ok(Row::Written);
        }
        self.rows.truncate(bare);
        let mut cursor = block.cursor(item);
        let mut next = 0;
        let mut in_order = true;
        scratch.cells.clear();
        scratch.placed.clear();
        for _ in 0..cursor.map()? {
            let key = cursor.string()?;
            let (kind, is_empty) = match cell::column(cursor)? {
                Ok(found) if can_name(dialect, key) => found,
                Ok(_) => {
                    leave.out(block, item, key, "any type, under a name that Neo4j does not have")?;
                    cursor.check()?;
                    continue;
                }
                Err(why) => {
                    leave.out(block, item, key, why)?;
                    cursor.check()?;
                    continue;
                }
            };
            let Some(at) = self.column(next, key, kind, is_empty) else { return Ok(Row::Foreign) };
            in_order &= at >= next;
            let start = scratch.cells.len();
            let mut probe = cursor;
            let Some(column) = self.columns.get_mut(at) else { return Ok(Row::Foreign) };
            let sort = column.column;
            match cell::value(dialect, &mut probe, sort, &mut column.marks, &mut scratch.list, &mut scratch.cells)? {
                Ok(()) => {
                    scratch.placed.push((at, start, scratch.cells.len()));
                    next = at + 1;
                }
                Err(why) => {
                    scratch.cells.truncate(start);
                    leave.out(block, item, key, why)?;
                }
            }
            cursor = probe;
        }
        if !in_order {
            scratch.placed.sort_unstable();
        }
        self.cells(scratch);
        Ok(Row::Written)
    }

    /// Writes the cells of the usual item: each property has a column behind that of the one before, and a value of its type. `false` where an
    /// item is another; a part of it may then be in the rows.
    fn push_usual(&mut self, dialect: Dialect, mut cursor: Cursor<'_>, scratch: &mut Scratch) -> Result<bool> {
        let Self { columns, rows, .. } = self;
        let mut behind = columns.iter_mut();
        for _ in 0..cursor.map()? {
            let key = cursor.text_bytes()?;
            let Column { column, marks, is_open, .. } = loop {
                let Some(column) = behind.next() else { return Ok(false) };
                rows.push(b',');
                if column.key.as_bytes() == key {
                    break column;
                }
            };
            let from = cursor;
            let scalar = cursor.pass_scalar()?;
            cursor = from;
            match (scalar, *column) {
                (Some(Scalar::String), ColumnType { sort: Sort::String, is_array: false }) => {
                    cell::text(dialect, cursor.text_bytes()?, marks, &mut scratch.list, rows);
                }
                (Some(Scalar::Integer), ColumnType { sort: Sort::Integer, is_array: false }) => {
                    cell::integer(dialect, cursor.integer()?, marks, rows);
                }
                (Some(Scalar::Float), ColumnType { sort: Sort::Double, is_array: false }) => {
                    cell::float(cursor.float()?, marks, rows);
                }
                (_, known) => {
                    let fits = |(kind, is_empty)| kind == known || (is_empty && known.is_array);
                    if *is_open || !cell::column(from)?.is_ok_and(fits) {
                        return Ok(false);
                    }
                    if cell::value(dialect, &mut cursor, known, marks, &mut scratch.list, rows)?.is_err() {
                        return Ok(false);
                    }
                }
            }
        }
        commas(rows, behind.len());
        rows.push(b'\n');
        Ok(true)
    }

    fn ids(&mut self, class: Class, item: &Item) {
        let mut number = itoa::Buffer::new();
        if class == Class::Nodes {
            self.rows.extend_from_slice(number.format(item.id).as_bytes());
        } else {
            self.rows.extend_from_slice(number.format(item.start).as_bytes());
            self.rows.push(b',');
            self.rows.extend_from_slice(number.format(item.end).as_bytes());
        }
    }

    fn cells(&mut self, scratch: &Scratch) {
        let mut column = 0;
        for (at, start, end) in &scratch.placed {
            commas(&mut self.rows, at + 1 - column);
            column = at + 1;
            self.rows.extend_from_slice(scratch.cells.get(*start..*end).unwrap_or_default());
        }
        commas(&mut self.rows, self.columns.len() - column);
        self.rows.push(b'\n');
    }

    /// Makes the columns final: the header goes before what waits, and what came before the last column gets its commas.
    pub(super) fn settle(&mut self, class: Class) {
        if self.is_final || self.count == 0 {
            return;
        }
        self.is_final = true;
        let mut out: Vec<u8> = match class {
            Class::Nodes => b"_id".to_vec(),
            Class::Relationships => b"_start,_end".to_vec(),
        };
        for (at, column) in self.columns.iter().enumerate() {
            out.push(b',');
            cell::field(column.header(at).as_bytes(), &mut out);
        }
        out.push(b'\n');
        let mut from = 0;
        for (end, columns) in std::mem::take(&mut self.ends) {
            out.extend_from_slice(self.rows.get(from..end - 1).unwrap_or_default());
            commas(&mut out, self.columns.len() - columns);
            out.push(b'\n');
            from = end;
        }
        self.rows = out;
    }
}

fn can_name(dialect: Dialect, key: &str) -> bool {
    dialect == Dialect::Memgraph || !(key.is_empty() || key.contains('\0'))
}

fn commas(out: &mut Vec<u8>, count: usize) {
    out.resize(out.len() + count, b',');
}
