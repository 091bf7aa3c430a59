//! Blocks that do not depend on pages: how large those are is chosen on the way, while the same graph has to come as the same blocks, since whoever resumes a run
//! counts on it.

use crate::error::Result;
use crate::model::{Block, Class};

/// Fills blocks with the items of others, in their order.
pub(super) struct Refill<'a> {
    open: Block,
    sink: &'a mut dyn FnMut(Block) -> Result<()>,
}

impl<'a> Refill<'a> {
    pub(super) fn new(class: Class, sink: &'a mut dyn FnMut(Block) -> Result<()>) -> Self {
        Self { open: Block::new(class), sink }
    }

    /// Adds the items of a block, and gives on what is full.
    pub(super) fn add(&mut self, block: &Block) -> Result<()> {
        let class = block.class();
        let mut kinds = vec![None; block.kinds().len()];
        for item in block.items() {
            let open = &mut self.open;
            let kind = match kinds.get_mut(item.kind as usize) {
                Some(known) => *known.get_or_insert_with(|| open.intern(block.kind(item))),
                None => open.intern(block.kind(item)),
            };
            open.copy(block, item, kind, item.start, item.end);
            if open.is_full() {
                (self.sink)(std::mem::replace(open, Block::new(class)))?;
                kinds.fill(None);
            }
        }
        Ok(())
    }

    /// Gives the rest.
    pub(super) fn end(self) -> Result<()> {
        if self.open.is_empty() { Ok(()) } else { (self.sink)(self.open) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::block::MAX_ITEMS;
    use crate::model::{Kind, packstream};

    fn pages(sizes: &[usize]) -> Vec<(usize, i64, Vec<Kind>)> {
        let mut blocks = Vec::new();
        let mut sink = |block: Block| {
            let kinds = block.items().iter().map(|item| block.kind(item).clone()).collect::<Vec<_>>();
            assert!(block.items().iter().all(|item| block.properties(item) == [0xa0]));
            blocks.push((block.len(), block.items()[0].id, kinds));
            Ok(())
        };
        let mut refill = Refill::new(Class::Nodes, &mut sink);
        let mut next = 0;
        for size in sizes {
            let mut page = Block::new(Class::Nodes);
            for _ in 0..*size {
                packstream::put_map(page.buffer(), 0);
                let kind = page.intern(&Kind::labels([["a", "b", "c"][next as usize % 3]]));
                page.push(next, 0, 0, kind, 0);
                next += 1;
            }
            refill.add(&page).unwrap();
        }
        refill.end().unwrap();
        blocks
    }

    #[test]
    fn the_same_items_are_the_same_blocks() {
        let one = pages(&[3 * MAX_ITEMS + 5]);
        assert_eq!(one.iter().map(|block| block.0).collect::<Vec<_>>(), [MAX_ITEMS, MAX_ITEMS, MAX_ITEMS, 5]);
        assert_eq!(one[3].1, 3 * MAX_ITEMS as i64);
        assert_eq!(one, pages(&[1, MAX_ITEMS - 1, 7, MAX_ITEMS, 0, MAX_ITEMS - 2]));
        assert!(pages(&[0]).is_empty());
    }
}
