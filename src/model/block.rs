//! The block: the unit of flow between a source, a format and a target.
//!
//! A block holds up to [`MAX_ITEMS`] nodes, or relationships, and about [`MAX_BYTES`] of their properties. It is owned and `Send`. An item's
//! properties are one well-formed PackStream map: whoever pushes it has proved that with [`Cursor::check`] or has written it with
//! the `put_*` functions, and every reader may rely on it.

use super::packstream::Cursor;
use crate::error::Position;
use std::ops::Range;
use std::sync::Arc;

/// A block is full at this many items.
pub const MAX_ITEMS: usize = 8192;

/// A block is full at this many bytes of properties. One item may be larger than that; it then travels alone.
pub const MAX_BYTES: usize = 1 << 20;

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Nodes.
    Nodes,
    /// Relationships.
    Relationships,
}

impl Class {
    /// `node` or `relationship`.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Nodes => "node",
            Self::Relationships => "relationship",
        }
    }
}

/// What items have in common: a node's labels in the order of the source (none is allowed), or a relationship's one type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind(Arc<[Box<str>]>);

impl Kind {
    /// The kind of nodes with these labels.
    pub fn labels<S: AsRef<str>>(labels: impl IntoIterator<Item = S>) -> Self {
        Self(labels.into_iter().map(|label| Box::from(label.as_ref())).collect())
    }

    /// The kind of relationships of this type.
    #[must_use]
    pub fn relationship(name: &str) -> Self {
        Self::labels([name])
    }

    /// The labels, or the one type.
    #[must_use]
    pub fn names(&self) -> &[Box<str>] {
        &self.0
    }

    /// The type of a relationship.
    #[must_use]
    pub fn relationship_type(&self) -> &str {
        self.0.first().map_or("", |name| name)
    }
}

/// One node or relationship of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// The id in the source. Ids of nodes and of relationships are two spaces.
    pub id: i64,
    /// A relationship's start node; 0 for a node.
    pub start: i64,
    /// A relationship's end node; 0 for a node.
    pub end: i64,
    /// The index of its kind in the block.
    pub kind: u32,
    /// Lines after the block's first line; 0 where lines mean nothing.
    pub line: u32,
    from: u32,
    to: u32,
}

/// Nodes, or relationships, with their properties.
#[derive(Clone, Debug)]
pub struct Block {
    class: Class,
    kinds: Vec<Kind>,
    items: Vec<Item>,
    bytes: Vec<u8>,
    line: u64,
}

impl Block {
    /// An empty block.
    #[must_use]
    pub fn new(class: Class) -> Self {
        Self { class, kinds: Vec::new(), items: Vec::new(), bytes: Vec::new(), line: 0 }
    }

    /// What it holds.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }

    /// The items, in the order of the source.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is no item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether another item should go into the next block.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.items.len() >= MAX_ITEMS || self.bytes.len() >= MAX_BYTES
    }

    /// Bytes of properties.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// The kinds that items refer to. One kind may be there twice.
    #[must_use]
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// An item's kind.
    #[must_use]
    pub fn kind(&self, item: &Item) -> &Kind {
        // An item is only made by push, with a kind of this block.
        &self.kinds[item.kind as usize]
    }

    /// An item's properties: one PackStream map.
    #[must_use]
    pub fn properties(&self, item: &Item) -> &[u8] {
        &self.bytes[item.from as usize..item.to as usize]
    }

    /// A cursor before an item's property map.
    #[must_use]
    pub fn cursor(&self, item: &Item) -> Cursor<'_> {
        Cursor::new(self.properties(item))
    }

    /// The line of a dump that the first item came from; 0 where unknown.
    #[must_use]
    pub fn first_line(&self) -> u64 {
        self.line
    }

    /// Says which line the first item comes from; items give theirs relative to it.
    pub fn set_first_line(&mut self, line: u64) {
        self.line = line;
    }

    /// Where an item came from; `None` where lines mean nothing.
    #[must_use]
    pub fn position(&self, item: &Item) -> Option<Position> {
        (self.line > 0).then(|| Position::line(self.line + u64::from(item.line)))
    }

    /// Adds a kind and gives its index for [`Block::push`].
    pub fn add_kind(&mut self, kind: Kind) -> u32 {
        self.kinds.push(kind);
        (self.kinds.len() - 1) as u32
    }

    /// The index of a kind, added if it is new. Looks through the kinds: for callers without a map of their own.
    pub fn intern(&mut self, kind: &Kind) -> u32 {
        match self.kinds.iter().position(|known| known == kind) {
            Some(at) => at as u32,
            None => self.add_kind(kind.clone()),
        }
    }

    /// The buffer to write the next item's property map into; [`Block::push`] then closes the item.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Adds an item whose property map was just written into [`Block::buffer`]. `kind` is an index that this block gave.
    pub fn push(&mut self, id: i64, start: i64, end: i64, kind: u32, line: u32) {
        debug_assert!((kind as usize) < self.kinds.len());
        let from = self.items.last().map_or(0, |item| item.to);
        // A block is closed long before 4 GiB: the readers refuse an item of more than 1 GiB.
        self.items.push(Item { id, start, end, kind, line, from, to: self.bytes.len() as u32 });
    }

    /// Undoes what was written into [`Block::buffer`] since the last item.
    pub fn discard(&mut self) {
        self.bytes.truncate(self.items.last().map_or(0, |item| item.to as usize));
    }

    /// Copies one item of another block, with other ends. `kind` is an index that this block gave.
    pub fn copy(&mut self, from: &Self, item: &Item, kind: u32, start: i64, end: i64) {
        self.bytes.extend_from_slice(from.properties(item));
        let line = from.position(item).map_or(0, |position| position.line);
        if self.items.is_empty() {
            self.line = line;
        }
        // A batch may mix lines of several blocks: one that lies before the first or too far after it is told as the first.
        let line = u32::try_from(line.saturating_sub(self.line)).unwrap_or(0);
        self.push(item.id, start, end, kind, line);
    }

    /// Gives items other ends, or another id.
    pub fn items_mut(&mut self) -> &mut [Item] {
        &mut self.items
    }

    /// Puts items in another order. Their properties stay where they are.
    pub fn sort_by_key<K: Ord>(&mut self, key: impl FnMut(&Item) -> K) {
        self.items.sort_by_key(key);
    }

    /// Keeps the items that pass. The bytes of the others stay until the block goes.
    ///
    /// Not for a block that is still being written.
    pub fn retain(&mut self, mut keep: impl FnMut(&Kind, &Item) -> bool) {
        let Self { kinds, items, .. } = self;
        items.retain(|item| keep(&kinds[item.kind as usize], item));
    }

    /// The range of items `range` as a block that shares nothing with this one.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let mut part = Self::new(self.class);
        part.kinds.clone_from(&self.kinds);
        for item in self.items.get(range).unwrap_or_default() {
            part.copy(self, item, item.kind, item.start, item.end);
        }
        part
    }
}

/// Builds blocks from a stream of items whose kinds come as raw bytes: remembers the bytes of kinds, so that names are made once a
/// block and not once an item.
#[derive(Debug)]
pub struct KindMemo {
    known: rustc_hash::FxHashMap<Box<[u8]>, u32>,
    /// The raw form that was asked for last, in a buffer that is used again; what it says counts where `index` is known.
    last: Vec<u8>,
    index: Option<u32>,
}

impl Default for KindMemo {
    fn default() -> Self {
        Self::new()
    }
}

impl KindMemo {
    /// An empty memory; one for each block.
    #[must_use]
    pub fn new() -> Self {
        Self { known: rustc_hash::FxHashMap::default(), last: Vec::new(), index: None }
    }

    /// Forgets everything: call it when a new block begins.
    pub fn clear(&mut self) {
        self.known.clear();
        self.index = None;
    }

    /// The index in `block` of the kind whose raw form is `raw`; `make` builds it when it is new.
    ///
    /// # Errors
    /// What `make` says.
    #[inline]
    pub fn index<E>(
        &mut self,
        block: &mut Block,
        raw: &[u8],
        make: impl FnOnce() -> Result<Kind, E>,
    ) -> Result<u32, E> {
        // Two empty slices are not compared byte by byte: with AVX-512 a comparison of nothing at the address of an empty vector, where no
        // memory is, takes as long as reading a row.
        if let Some(index) = self.index
            && self.last.len() == raw.len()
            && (raw.is_empty() || self.last == raw)
        {
            return Ok(index);
        }
        let index = match self.known.get(raw) {
            Some(index) => *index,
            None => {
                let index = block.add_kind(make()?);
                self.known.insert(raw.into(), index);
                index
            }
        };
        self.last.clear();
        self.last.extend_from_slice(raw);
        self.index = Some(index);
        Ok(index)
    }
}
