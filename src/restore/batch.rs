//! Cutting a stream of blocks into batches of one kind each.
//!
//! A batch is what one statement and one transaction carry, so all its items have the same labels, or the same type. What waits is bounded:
//! when too much waits in all, the fullest batch goes out as it is.

use crate::model::{Block, Class, Kind};
use rustc_hash::FxHashMap;

/// A batch is full at this many bytes of properties, however few its items are.
const BATCH_BYTES: usize = 2 << 20;
/// So many items may wait in all, whatever their kinds.
const WAITING_ITEMS: usize = 1 << 17;
/// So many bytes of properties may wait in all.
const WAITING_BYTES: usize = 16 << 20;

/// Items that wait for their batch to fill.
#[derive(Debug)]
pub struct Batches {
    class: Class,
    size: usize,
    places: FxHashMap<Kind, usize>,
    open: Vec<Block>,
    items: usize,
    bytes: usize,
}

impl Batches {
    /// Batches of up to `size` items.
    #[must_use]
    pub fn new(class: Class, size: usize) -> Self {
        Self { class, size, places: FxHashMap::default(), open: Vec::new(), items: 0, bytes: 0 }
    }

    /// Where the items of a block's kinds wait; in the order of [`Block::kinds`].
    pub fn places(&mut self, block: &Block) -> Vec<usize> {
        let place = |kind: &Kind| {
            *self.places.entry(kind.clone()).or_insert_with(|| {
                self.open.push(Block::new(self.class));
                self.open.len() - 1
            })
        };
        block.kinds().iter().map(place).collect()
    }

    /// Adds an item with its ends; `place` is the one of its kind. Gives a batch that is full now.
    pub fn add(
        &mut self,
        block: &Block,
        item: &crate::model::Item,
        place: usize,
        start: i64,
        end: i64,
    ) -> Option<Block> {
        self.hold(block, item, place, start, end);
        let open = self.open.get(place)?;
        let full = open.len() >= self.size || open.byte_len() >= BATCH_BYTES;
        full.then(|| self.take(place))
    }

    /// Adds an item that waits until [`Batches::window`] or [`Batches::drain`] is called.
    pub fn hold(&mut self, block: &Block, item: &crate::model::Item, place: usize, start: i64, end: i64) {
        let Some(open) = self.open.get_mut(place) else { return };
        let kind = if open.is_empty() { open.intern(block.kind(item)) } else { 0 };
        let before = open.byte_len();
        open.copy(block, item, kind, start, end);
        self.items += 1;
        self.bytes += open.byte_len() - before;
    }

    /// Whether so much waits that [`Batches::relieve`] or [`Batches::drain`] should be called.
    #[must_use]
    pub fn is_over_full(&self) -> bool {
        self.items >= WAITING_ITEMS || self.bytes >= WAITING_BYTES
    }

    /// Gives the batch with the most bytes and items.
    pub fn relieve(&mut self) -> Option<Block> {
        let weight = |block: &Block| block.byte_len() + block.len() * size_of::<crate::model::Item>();
        let (place, _) = self.open.iter().enumerate().max_by_key(|(_, block)| weight(block))?;
        let batch = self.take(place);
        (!batch.is_empty()).then_some(batch)
    }

    /// Gives everything that waits, cut into batches.
    pub fn drain(&mut self) -> Vec<Block> {
        let mut batches = Vec::new();
        for place in 0..self.open.len() {
            cut(self.take(place), self.size, &mut batches);
        }
        self.forget();
        batches
    }

    /// Gives everything that waits, a block a kind.
    pub fn window(&mut self) -> Vec<Block> {
        let window = (0..self.open.len()).map(|place| self.take(place)).filter(|block| !block.is_empty()).collect();
        self.forget();
        window
    }

    /// Kinds that no longer come would be remembered for ever.
    fn forget(&mut self) {
        self.places.clear();
        self.open.clear();
    }

    fn take(&mut self, place: usize) -> Block {
        let Some(open) = self.open.get_mut(place) else { return Block::new(self.class) };
        let batch = std::mem::replace(open, Block::new(self.class));
        self.items -= batch.len();
        self.bytes -= batch.byte_len();
        batch
    }
}

fn cut(waiting: Block, size: usize, batches: &mut Vec<Block>) {
    if waiting.len() <= size && waiting.byte_len() <= BATCH_BYTES {
        if !waiting.is_empty() {
            batches.push(waiting);
        }
        return;
    }
    let (mut from, mut bytes) = (0, 0);
    for (at, item) in waiting.items().iter().enumerate() {
        bytes += waiting.properties(item).len();
        if at + 1 - from >= size || bytes >= BATCH_BYTES {
            batches.push(waiting.slice(from..at + 1));
            (from, bytes) = (at + 1, 0);
        }
    }
    if from < waiting.len() {
        batches.push(waiting.slice(from..waiting.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::packstream::{put_integer, put_map, put_string};

    fn block(ids: impl IntoIterator<Item = (i64, i64, &'static str)>) -> Block {
        let mut block = Block::new(Class::Relationships);
        for (id, start, kind) in ids {
            let kind = block.intern(&Kind::relationship(kind));
            put_map(block.buffer(), 1);
            put_string(block.buffer(), "id");
            put_integer(block.buffer(), id);
            block.push(id, start, -start, kind, 0);
        }
        block
    }

    /// Every count around a multiple of the batch size comes out whole: a last batch that is exactly full is not lost.
    #[test]
    fn nothing_is_lost_at_any_size() {
        for held in [false, true] {
            for size in [1, 2, 3, 10] {
                for count in 0..35 {
                    let mut batches = Batches::new(Class::Relationships, size);
                    let input = block((0..count).map(|id| (id, id * 7 % 5, if id % 3 == 0 { "A" } else { "B" })));
                    let places = batches.places(&input);
                    let mut out = Vec::new();
                    for item in input.items() {
                        if held {
                            batches.hold(&input, item, places[item.kind as usize], item.start, item.end);
                            continue;
                        }
                        out.extend(batches.add(&input, item, places[item.kind as usize], item.start, item.end));
                    }
                    out.extend(batches.drain());
                    let mut seen = Vec::new();
                    for batch in &out {
                        assert!(!batch.is_empty() && batch.len() <= size);
                        assert!(batch.items().iter().all(|item| batch.kind(item) == batch.kind(&batch.items()[0])));
                        for item in batch.items() {
                            let mut cursor = batch.cursor(item);
                            assert!(cursor.map().is_ok() && cursor.string().is_ok());
                            assert_eq!(cursor.integer().ok(), Some(item.id), "properties stay with their item");
                            assert_eq!(item.end, -item.start);
                            seen.push(item.id);
                        }
                    }
                    seen.sort_unstable();
                    assert_eq!(seen, (0..count).collect::<Vec<_>>(), "size {size}, held {held}");
                }
            }
        }
    }
}
