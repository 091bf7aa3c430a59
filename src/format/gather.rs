//! Items into blocks, for readers of formats in which nodes and relationships come one by one.

use super::Piece;
use crate::error::{Error, Position, Result};
use crate::model::block::KindMemo;
use crate::model::{Block, Class, Kind};
use std::collections::VecDeque;

/// An item may not be larger: a block's offsets have 32 bits.
const MAX_ITEM: usize = 1 << 30;

/// The block that is being filled, and what is ready before it.
pub(super) struct Gather {
    block: Block,
    memo: KindMemo,
    ready: VecDeque<Piece>,
    number: u64,
}

impl Gather {
    pub(super) fn new() -> Self {
        Self { block: Block::new(Class::Nodes), memo: KindMemo::new(), ready: VecDeque::new(), number: 0 }
    }

    /// Makes room for an item from this line, whose properties are then to be written to [`Gather::buffer`].
    pub(super) fn begin(&mut self, class: Class, line: u64) {
        let far = line.saturating_sub(self.block.first_line()) > u64::from(u32::MAX);
        if self.block.class() != class || self.block.is_full() || far {
            self.flush();
            if self.block.class() != class {
                self.block = Block::new(class);
            }
        }
        if self.block.is_empty() {
            self.block.set_first_line(line);
        }
    }

    /// Where the properties of the next item go.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        self.block.buffer()
    }

    /// The place of a kind in the block; `raw` is what tells kinds apart.
    pub(super) fn kind(&mut self, raw: &[u8], make: impl FnOnce() -> Result<Kind>) -> Result<u32> {
        self.memo.index(&mut self.block, raw, make)
    }

    /// A kind of the block.
    pub(super) fn kind_at(&self, index: u32) -> Option<&Kind> {
        self.block.kinds().get(index as usize)
    }

    /// Which block it is, counted: another one has other kinds.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Ends an item: id, start and end.
    pub(super) fn push(&mut self, ids: (i64, i64, i64), kind: u32, line: u64) -> Result<()> {
        let line = u32::try_from(line.saturating_sub(self.block.first_line())).unwrap_or(u32::MAX);
        self.block.push(ids.0, ids.1, ids.2, kind, line);
        match self.block.items().last() {
            Some(item) if self.block.properties(item).len() > MAX_ITEM => {
                let error = Error::corrupt("the properties of one item are larger than 1 GiB");
                Err(error.at(Position::line(self.block.first_line() + u64::from(line))))
            }
            _ => Ok(()),
        }
    }

    /// Sees that what comes next comes after the items so far.
    pub(super) fn flush(&mut self) {
        if self.block.is_empty() {
            return;
        }
        let next = Block::new(self.block.class());
        let block = std::mem::replace(&mut self.block, next);
        self.memo.clear();
        self.number += 1;
        self.ready.push_back(Piece::Block(block));
    }

    /// Hands on something that is no item, after the items so far.
    pub(super) fn piece(&mut self, piece: Piece) {
        self.flush();
        self.ready.push_back(piece);
    }

    /// What is ready.
    pub(super) fn pop(&mut self) -> Option<Piece> {
        self.ready.pop_front()
    }
}
