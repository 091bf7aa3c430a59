//! Rows into blocks.
//!
//! The statements ask for whole nodes and relationships: they carry ids, labels, type and ends, and Memgraph sends them twice as fast as the
//! same fields one by one (measured on 3.6.2). Bolt 5 puts ids as text behind the fields, which nobody needs.
//!
//! Nodes of our own ledger are left out here and not by a WHERE: a look at the labels' bytes costs nothing, while without an index on the
//! label a count of them would make the server walk over all nodes.

use super::values;
use crate::backend::ledger::LABEL as LEDGER;
use crate::error::{Error, Result};
use crate::model::block::KindMemo;
use crate::model::packstream::tag;
use crate::model::{Block, Class, Cursor, Kind, ValueRef};
use memchr::memmem::Finder;

/// A block under construction.
#[derive(Debug)]
pub(super) struct Rows {
    block: Block,
    memo: KindMemo,
    ledger: Finder<'static>,
}

impl Rows {
    pub(super) fn new(class: Class) -> Self {
        Self { block: Block::new(class), memo: KindMemo::new(), ledger: Finder::new(LEDGER) }
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

    /// Adds a row: a list of one node or relationship.
    #[inline]
    pub(super) fn push(&mut self, row: &[u8]) -> Result<()> {
        let mut cursor = Cursor::new(row);
        match cursor.list().map_err(unread)? {
            1 => {}
            size => return Err(Error::unreachable(format!("the server sends a row of {size} fields instead of 1"))),
        }
        match (self.block.class(), cursor.value().map_err(unread)?) {
            // Bolt 4 and Bolt 5.
            (Class::Nodes, ValueRef::Structure(tag::NODE, 3 | 4)) => self.node(cursor),
            (Class::Relationships, ValueRef::Structure(tag::RELATIONSHIP, 5 | 8)) => self.relationship(cursor),
            (class, _) => Err(Error::unreachable(format!("the server sends a row that is not a {}", class.noun()))),
        }
    }

    fn node(&mut self, mut cursor: Cursor<'_>) -> Result<()> {
        let id = cursor.integer().map_err(unread)?;
        let from = cursor.position();
        let start = cursor;
        let size = cursor.list().map_err(unread)?;
        for _ in 0..size {
            cursor.string().map_err(unread)?;
        }
        let raw = cursor.since(from);
        if raw.len() > LEDGER.len() && self.ledger.find(raw).is_some() && is_ledger(start)? {
            return Ok(());
        }
        let kind = self.memo.index(&mut self.block, raw, || labels(start).map_err(unread))?;
        self.properties(&mut cursor, id)?;
        self.block.push(id, 0, 0, kind, 0);
        Ok(())
    }

    fn relationship(&mut self, mut cursor: Cursor<'_>) -> Result<()> {
        let id = cursor.integer().map_err(unread)?;
        let start = cursor.integer().map_err(unread)?;
        let end = cursor.integer().map_err(unread)?;
        let from = cursor.position();
        let name = cursor.string().map_err(unread)?;
        let make = || Ok::<_, Error>(Kind::relationship(name));
        let kind = self.memo.index(&mut self.block, cursor.since(from), make)?;
        self.properties(&mut cursor, id)?;
        self.block.push(id, start, end, kind, 0);
        Ok(())
    }

    #[inline]
    fn properties(&mut self, cursor: &mut Cursor<'_>, id: i64) -> Result<()> {
        let noun = self.block.class().noun();
        values::copy(cursor, self.block.buffer()).map_err(|unfit| {
            self.block.discard();
            unfit.of(noun, id)
        })
    }
}

fn labels(mut cursor: Cursor<'_>) -> Result<Kind> {
    let names: Result<Vec<&str>> = (0..cursor.list()?).map(|_| cursor.string()).collect();
    Ok(Kind::labels(names?))
}

/// Whether one of the labels is the ledger's, and not only one that holds its name.
fn is_ledger(mut cursor: Cursor<'_>) -> Result<bool> {
    for _ in 0..cursor.list()? {
        if cursor.string()? == LEDGER {
            return Ok(true);
        }
    }
    Ok(false)
}

fn unread(cause: Error) -> Error {
    Error::unreachable("the server sends a row that cannot be read").caused_by(cause)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::model::{Map, Value};

    fn names(names: &[&str]) -> Value {
        Value::List(names.iter().map(|name| (*name).into()).collect())
    }

    fn one(value: i64) -> Value {
        Value::Map(Map::from_iter([("k".to_owned(), value.into())]))
    }

    fn row(tag: u8, fields: Vec<Value>) -> Vec<u8> {
        Value::List(vec![Value::Structure(tag, fields)]).to_packstream()
    }

    fn node(id: i64, labels: &[&str], bolt: u8) -> Vec<u8> {
        let mut fields = vec![id.into(), names(labels), one(id)];
        if bolt == 5 {
            fields.push(id.to_string().as_str().into());
        }
        row(0x4E, fields)
    }

    fn relationship(bolt: u8) -> Vec<u8> {
        let mut fields = vec![1.into(), 2.into(), 3.into(), "T".into(), one(4)];
        if bolt == 5 {
            fields.extend(["1", "2", "3"].map(Value::from));
        }
        row(0x52, fields)
    }

    #[test]
    fn nodes_and_relationships_of_both_versions() {
        for bolt in [4, 5] {
            let mut rows = Rows::new(Class::Nodes);
            for (id, labels) in [(7, &["A", "B"][..]), (8, &[]), (9, &["A", "B"])] {
                rows.push(&node(id, labels, bolt)).unwrap();
            }
            let block = rows.take();
            let none: [&str; 0] = [];
            let kinds: Vec<_> = block.items().iter().map(|item| block.kind(item).clone()).collect();
            assert_eq!(kinds, [Kind::labels(["A", "B"]), Kind::labels(none), Kind::labels(["A", "B"])]);
            assert_eq!(block.kinds().len(), 2);
            assert_eq!(block.properties(&block.items()[1]), one(8).to_packstream());

            let mut rows = Rows::new(Class::Relationships);
            rows.push(&relationship(bolt)).unwrap();
            let block = rows.take();
            let item = block.items()[0];
            assert_eq!((item.id, item.start, item.end, block.kind(&item)), (1, 2, 3, &Kind::relationship("T")));
            assert_eq!(block.properties(&item), one(4).to_packstream());
        }
    }

    #[test]
    fn the_ledger_is_left_out_and_nothing_else() {
        let mut rows = Rows::new(Class::Nodes);
        for (id, labels) in [
            (1, &["__GraphFerry__"][..]),
            (2, &["Entry", "__GraphFerry__"]),
            (3, &["not__GraphFerry__"]),
            (4, &["__GraphFerry__2"]),
            (5, &[]),
        ] {
            rows.push(&node(id, labels, 5)).unwrap();
        }
        let ids: Vec<i64> = rows.take().items().iter().map(|item| item.id).collect();
        assert_eq!(ids, [3, 4, 5]);
    }

    #[test]
    fn rows_cut_at_every_byte_are_errors() {
        for (class, whole) in [(Class::Nodes, node(300, &["Å"], 5)), (Class::Relationships, relationship(4))] {
            let needed = if class == Class::Nodes { whole.len() - 4 } else { whole.len() };
            for cut in 0..needed {
                let mut rows = Rows::new(class);
                assert!(rows.push(&whole[..cut]).is_err(), "cut at {cut}");
                assert!(rows.is_empty());
            }
        }
        for (class, bytes, expected) in [
            (Class::Nodes, names(&["a", "b"]).to_packstream(), "the server sends a row of 2 fields instead of 1"),
            (Class::Nodes, relationship(5), "the server sends a row that is not a node"),
            (Class::Relationships, node(1, &[], 5), "the server sends a row that is not a relationship"),
            (Class::Nodes, row(0x4E, vec![1.into()]), "the server sends a row that is not a node"),
        ] {
            assert_eq!(Rows::new(class).push(&bytes).unwrap_err().to_string(), expected);
        }
    }
}
