//! Rows into blocks.
//!
//! The statements ask for fields and not for whole nodes and relationships: a relationship as Bolt 5 sends it carries three element ids of
//! forty bytes each that nobody needs, which costs the server a fifth of its speed (measured). And where an item is deleted by
//! somebody else in mid-scan, a field is an error, while the whole item would be an empty one.

use super::values;
use crate::error::{Error, Result};
use crate::model::block::KindMemo;
use crate::model::{Block, Class, Cursor, Kind};
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

    /// What gives the rows; with a ledger in the database those of the user only.
    pub(super) fn statement(class: Class, ledger: bool) -> &'static str {
        match class {
            Class::Nodes if ledger => "MATCH (n) WHERE NOT n:`__GraphFerry__` RETURN id(n), labels(n), properties(n)",
            Class::Nodes => "MATCH (n) RETURN id(n), labels(n), properties(n)",
            Class::Relationships => "MATCH (a)-[r]->(b) RETURN id(r), id(a), id(b), type(r), properties(r)",
        }
    }

    /// What gives the rows of the items with the ids `$ids`, nodes of a ledger apart.
    pub(super) fn chosen(class: Class) -> &'static str {
        match class {
            Class::Nodes => {
                "UNWIND $ids AS i MATCH (n) WHERE id(n) = i AND NOT n:`__GraphFerry__` \
                 RETURN id(n), labels(n), properties(n)"
            }
            Class::Relationships => {
                "MATCH (a)-[r]->(b) WHERE id(r) IN $ids RETURN id(r), id(a), id(b), type(r), properties(r)"
            }
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

    /// Adds a row.
    #[inline]
    pub(super) fn push(&mut self, row: &[u8]) -> Result<()> {
        let cursor = Cursor::new(row);
        match self.block.class() {
            Class::Nodes => self.node(cursor),
            Class::Relationships => self.relationship(cursor),
        }
    }

    fn node(&mut self, mut cursor: Cursor<'_>) -> Result<()> {
        fields(&mut cursor, 3)?;
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
        fields(&mut cursor, 5)?;
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

fn fields(cursor: &mut Cursor<'_>, expected: usize) -> Result<()> {
    match cursor.list().map_err(unread)? {
        found if found == expected => Ok(()),
        found => Err(Error::failed(format!("the server sends a row of {found} fields instead of {expected}"))),
    }
}

fn unread(cause: Error) -> Error {
    Error::failed("the server sends a row that cannot be read").caused_by(cause)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::model::{Map, Value};

    fn row(values: Vec<Value>) -> Vec<u8> {
        Value::List(values).to_packstream()
    }

    fn labels(names: &[&str]) -> Value {
        Value::List(names.iter().map(|name| (*name).into()).collect())
    }

    fn one(value: i64) -> Value {
        Value::Map(Map::from_iter([("k".to_owned(), value.into())]))
    }

    const BOLT: Version = Version::new(5, 8);

    #[test]
    fn nodes_share_kinds_and_keep_their_bytes() {
        let mut rows = Rows::new(Class::Nodes, BOLT);
        for (id, names) in [(7, &["A", "B"][..]), (8, &[]), (9, &["A", "B"]), (i64::MAX, &["B", "A"])] {
            rows.push(&row(vec![id.into(), labels(names), one(id)])).unwrap();
        }
        let block = rows.take();
        assert!(rows.is_empty() && !rows.is_full());
        let kinds: Vec<_> = block.items().iter().map(|item| block.kind(item).clone()).collect();
        let none: [&str; 0] = [];
        assert_eq!(
            kinds,
            [Kind::labels(["A", "B"]), Kind::labels(none), Kind::labels(["A", "B"]), Kind::labels(["B", "A"])]
        );
        assert_eq!(block.kinds().len(), 3);
        assert_eq!(block.properties(&block.items()[1]), one(8).to_packstream());
        assert_eq!(block.items()[3].id, i64::MAX);
    }

    #[test]
    fn relationships_have_ends() {
        let mut rows = Rows::new(Class::Relationships, BOLT);
        rows.push(&row(vec![1.into(), 2.into(), 3.into(), "T".into(), one(4)])).unwrap();
        let block = rows.take();
        let item = block.items()[0];
        assert_eq!((item.id, item.start, item.end, block.kind(&item)), (1, 2, 3, &Kind::relationship("T")));
    }

    #[test]
    fn rows_cut_at_every_byte_are_errors() {
        for (class, whole) in [
            (Class::Nodes, row(vec![300.into(), labels(&["Å"]), one(70_000)])),
            (Class::Relationships, row(vec![1.into(), 2.into(), 3.into(), "T".into(), one(4)])),
        ] {
            for cut in 0..whole.len() {
                let mut rows = Rows::new(class, BOLT);
                assert!(rows.push(&whole[..cut]).is_err(), "cut at {cut}");
                assert!(rows.is_empty());
            }
        }
        let error = Rows::new(Class::Nodes, BOLT).push(&row(vec![1.into()])).unwrap_err();
        assert_eq!(error.to_string(), "the server sends a row of 1 fields instead of 3");
    }
}
