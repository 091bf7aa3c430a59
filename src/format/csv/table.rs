//! A table: rows of one shape in a data file, and the header file that is known when all rows are.
//!
//! A row may be shorter than its header, so a column is simply added behind the others when a property first comes. A value of another type
//! than its column's goes into another table of the same labels.

use super::cell::{self, Unfit};
use super::column::{ColumnType, Sort};
use crate::error::{Error, Result};
use crate::model::packstream::Scalar;
use crate::model::{Block, Class, Cursor, Item};
use rustc_hash::FxHashMap;

/// A table with more columns would make rows of nothing but commas: the next property goes into another table.
pub(super) const MAX_COLUMNS: usize = 512;

/// What became of an item.
pub(super) enum Row {
    /// It is in the table.
    Written,
    /// A property does not fit into the table's columns.
    Foreign,
}

/// What to do about properties that no column can hold.
pub(super) struct Leave {
    /// They may be left out.
    pub(super) allowed: bool,
    /// Why those of the last item were.
    pub(super) out: Vec<Unfit>,
}

impl Leave {
    pub(super) fn out(&mut self, block: &Block, item: &Item, key: &str, why: Unfit) -> Result<()> {
        if self.allowed {
            self.out.push(why);
            return Ok(());
        }
        let noun = block.class().noun();
        let message = format!("CSV cannot hold the value of {key:?} of {noun} {}: {why}", item.id);
        let error = Error::refused(message).hint("add --allow-loss=value to leave such properties out");
        Err(match block.position(item) {
            Some(position) => error.at(position),
            None => error,
        })
    }
}

/// A table that is being written.
#[derive(Default)]
pub(super) struct Table {
    /// The name of its files, without ending.
    pub(super) name: String,
    pub(super) columns: Vec<(Box<str>, ColumnType)>,
    by_key: FxHashMap<Box<str>, usize>,
    /// Rows that wait.
    pub(super) rows: Vec<u8>,
    pub(super) bytes: u64,
    pub(super) hash: blake3::Hasher,
    pub(super) has_line_breaks: bool,
    pub(super) largest: usize,
}

/// Memory that is used again for every row.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) list: Vec<u8>,
    pub(super) cells: Vec<u8>,
    /// Columns, and where their cells lie in `cells`.
    pub(super) placed: Vec<(usize, usize, usize)>,
}

/// Whether a header can hold the name of a property. neo4j-admin takes braces and parentheses for options, and reads headers line by line.
fn can_name(key: &str) -> bool {
    !key.is_empty() && !key.contains(['{', '}', '(', ')', '\n', '\r'])
}

impl Table {
    pub(super) fn new(name: String) -> Self {
        Self { name, ..Self::default() }
    }

    fn column(&mut self, guess: usize, key: &str, column: ColumnType) -> Option<usize> {
        let known = match self.columns.get(guess) {
            Some((name, _)) if **name == *key => Some(guess),
            _ => self.by_key.get(key).copied(),
        };
        if let Some(at) = known {
            return self.columns.get(at).is_some_and(|(_, known)| *known == column).then_some(at);
        }
        if self.columns.len() >= MAX_COLUMNS && !self.by_key.is_empty() {
            return None;
        }
        self.columns.push((key.into(), column));
        self.by_key.insert(key.into(), self.columns.len() - 1);
        Some(self.columns.len() - 1)
    }

    /// Puts an item into the table, if it fits. `kind` is the cell of its labels or type, where they stand in the rows. `leave` says what becomes of
    /// properties that have no form.
    pub(super) fn push(
        &mut self,
        block: &Block,
        item: &Item,
        kind: Option<&[u8]>,
        scratch: &mut Scratch,
        leave: &mut Leave,
    ) -> Result<Row> {
        leave.out.clear();
        let (columns, from) = (self.columns.len(), self.rows.len());
        let done = self.try_push(block, item, kind, scratch, leave);
        if !matches!(done, Ok(Row::Written)) {
            self.rows.truncate(from);
            for (key, _) in self.columns.drain(columns..) {
                self.by_key.remove(&key);
            }
        }
        self.largest = self.largest.max(self.rows.len() - from);
        done
    }

    fn try_push(
        &mut self,
        block: &Block,
        item: &Item,
        kind: Option<&[u8]>,
        scratch: &mut Scratch,
        leave: &mut Leave,
    ) -> Result<Row> {
        let mut number = itoa::Buffer::new();
        if block.class() == Class::Nodes {
            self.rows.extend_from_slice(number.format(item.id).as_bytes());
        } else {
            self.rows.extend_from_slice(number.format(item.start).as_bytes());
            self.rows.push(b',');
            self.rows.extend_from_slice(number.format(item.end).as_bytes());
        }
        if let Some(kind) = kind {
            self.rows.push(b',');
            self.rows.extend_from_slice(kind);
        }
        let bare = self.rows.len();
        if self.push_usual(block.cursor(item), scratch)? {
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
            let column = match ColumnType::of(cursor)? {
                Ok((column, _)) if can_name(key) => column,
                found => {
                    let why = found.err().unwrap_or("any type, under a key that a header cannot hold");
                    leave.out(block, item, key, why)?;
                    cursor.check()?;
                    continue;
                }
            };
            let Some(at) = self.column(next, key, column) else { return Ok(Row::Foreign) };
            in_order &= at >= next;
            let start = scratch.cells.len();
            let mut probe = cursor;
            match cell::value(&mut probe, column, &mut scratch.list, &mut scratch.cells)? {
                Ok(broken) => {
                    self.has_line_breaks |= broken;
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
        let mut column = 0;
        self.rows.reserve(scratch.cells.len() + scratch.placed.len() + 1);
        for (at, start, end) in &scratch.placed {
            for _ in column..=*at {
                self.rows.push(b',');
            }
            column = at + 1;
            self.rows.extend_from_slice(scratch.cells.get(*start..*end).unwrap_or_default());
        }
        self.rows.push(b'\n');
        Ok(Row::Written)
    }

    /// Writes the cells of the usual item: each property has a column behind that of the one before, and a value of its type. `false` where an
    /// item is another; a part of it may then be in the rows.
    fn push_usual(&mut self, mut cursor: Cursor<'_>, scratch: &mut Scratch) -> Result<bool> {
        let Self { columns, rows, has_line_breaks, .. } = self;
        let mut number = itoa::Buffer::new();
        let mut behind = columns.iter();
        for _ in 0..cursor.map()? {
            let key = cursor.text_bytes()?;
            let column = loop {
                let Some((name, column)) = behind.next() else { return Ok(false) };
                rows.push(b',');
                if name.as_bytes() == key {
                    break *column;
                }
            };
            let from = cursor;
            match (cursor.pass_scalar()?, column) {
                (Some(Scalar::String), ColumnType { sort: Sort::String, is_array: false }) => {
                    cursor = from;
                    *has_line_breaks |= cell::text(cursor.text_bytes()?, rows);
                }
                (Some(Scalar::Integer), ColumnType { sort: Sort::Integer, is_array: false }) => {
                    cursor = from;
                    rows.extend_from_slice(number.format(cursor.integer()?).as_bytes());
                }
                _ => {
                    if !matches!(ColumnType::of(from)?, Ok((found, _)) if found == column) {
                        return Ok(false);
                    }
                    cursor = from;
                    match cell::value(&mut cursor, column, &mut scratch.list, rows)? {
                        Ok(broken) => *has_line_breaks |= broken,
                        Err(_) => return Ok(false),
                    }
                }
            }
        }
        rows.push(b'\n');
        Ok(true)
    }

    /// The header, as a line.
    pub(super) fn header(&self, class: Class, with_kind: bool) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(match (class, with_kind) {
            (Class::Nodes, false) => b":ID".as_slice(),
            (Class::Nodes, true) => b":ID,:LABEL",
            (Class::Relationships, false) => b":START_ID,:END_ID",
            (Class::Relationships, true) => b":START_ID,:END_ID,:TYPE",
        });
        for (key, column) in &self.columns {
            out.push(b',');
            let array = if column.is_array { "[]" } else { "" };
            cell::text(format!("{key}:{}{array}", column.sort.name()).as_bytes(), &mut out);
        }
        out.push(b'\n');
        out
    }
}
