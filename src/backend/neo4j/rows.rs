//! Rows into blocks.

use super::values;
use crate::error::{Error, Result};
use crate::model::block::KindMemo;
use crate::model::packstream::tag;
use crate::model::{Block, Class, Cursor, Kind, ValueRef};
use crate::wire::Version;

/// A block under construction.
#[derive(Debug)]
pub(super) struct Rows {
    block: Block,
    memo: KindMemo,
    version: Version,
}

impl Rows {
    pub(super) fn new(class: Class, version: Version) -> Self {
        Self { block: Block::new(class), memo: KindMemo::new(), version }
    }

    /// What gives the rows.
    pub(super) fn statement(class: Class) -> &'static str {
        match class {
            Class::Nodes => "MATCH (n) RETURN n",
            Class::Relationships => "MATCH ()-[r]->() RETURN r",
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.block.is_full()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.block.is_empty()
    }

    /// The block; an empty one takes its place.
    pub(super) fn take(&mut self) -> Block {
        self.memo.clear();
        let empty = Block::new(self.block.class());
        std::mem::replace(&mut self.block, empty)
    }

    /// Adds a row of one node, or one relationship.
    #[inline]
    pub(super) fn push(&mut self, row: &[u8]) -> Result<()> {
        let cursor = Cursor::new(row);
        match self.block.class() {
            Class::Nodes => self.node(cursor),
            Class::Relationships => self.relationship(cursor),
        }
    }

    fn node(&mut self, mut cursor: Cursor<'_>) -> Result<()> {
        // Bolt 5 adds an element id behind the properties.
        if !matches!((cursor.list(), cursor.value()), (Ok(1), Ok(ValueRef::Structure(tag::NODE, 3 | 4)))) {
            return Err(unexpected("node"));
        }
        let id = cursor.integer().map_err(unread)?;
        let from = cursor.position();
        let start = cursor;
        let size = cursor.list().map_err(unread)?;
        for _ in 0..size {
            cursor.string().map_err(unread)?;
        }
        let kind = self.memo.index(&mut self.block, cursor.since(from), || labels(start).map_err(unread))?;
        values::copy(&mut cursor, self.block.buffer(), self.version)
            .map_err(|unfit| unfit.of(Class::Nodes.noun(), id))?;
        self.block.push(id, 0, 0, kind, 0);
        Ok(())
    }

    fn relationship(&mut self, mut cursor: Cursor<'_>) -> Result<()> {
        if !matches!((cursor.list(), cursor.value()), (Ok(1), Ok(ValueRef::Structure(tag::RELATIONSHIP, 5 | 8)))) {
            return Err(unexpected("relationship"));
        }
        let id = cursor.integer().map_err(unread)?;
        let start = cursor.integer().map_err(unread)?;
        let end = cursor.integer().map_err(unread)?;
        let from = cursor.position();
        let name = cursor.string().map_err(unread)?;
        let make = || Ok::<_, Error>(Kind::relationship(name));
        let kind = self.memo.index(&mut self.block, cursor.since(from), make)?;
        values::copy(&mut cursor, self.block.buffer(), self.version)
            .map_err(|unfit| unfit.of(Class::Relationships.noun(), id))?;
        self.block.push(id, start, end, kind, 0);
        Ok(())
    }
}

fn labels(mut cursor: Cursor<'_>) -> Result<Kind> {
    let names: Result<Vec<&str>> = (0..cursor.list()?).map(|_| cursor.string()).collect();
    Ok(Kind::labels(names?))
}

fn unexpected(noun: &str) -> Error {
    Error::failed(format!("the server sends a row that is not a {noun}"))
}

fn unread(cause: Error) -> Error {
    Error::failed("the server sends a row that cannot be read").caused_by(cause)
}
