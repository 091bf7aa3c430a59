//! Many items in one statement: fewer round trips and parses for whoever replays a dump statement by statement.
//!
//! A block's items are put together by kind, and those of a relationship type by whether they have properties: Memgraph refuses even an empty map for
//! a relationship where properties on relationships are switched off.

use super::Cypherl;
use crate::cypher::name;
use crate::error::Result;
use crate::format::cypherl::helper::{ROW_ENDS, ROW_PROPERTIES, ROWS, ROWS_ARROW_HEADS, ROWS_NODE_END};
use crate::model::{Block, Class, Item};

impl Cypherl {
    /// Writes a block's items, so many in a statement.
    pub(super) fn rows(&self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        let class = block.class();
        let bare = |item: &Item| class == Class::Relationships && block.properties(item) == [0xA0];
        let mut items: Vec<(&Item, bool)> = block.items().iter().map(|item| (item, bare(item))).collect();
        // Stable: within a kind the order stays.
        items.sort_by_key(|(item, bare)| (item.kind, *bare));
        for kind in items.chunk_by(|(a, no), (b, none)| a.kind == b.kind && no == none) {
            for rows in kind.chunks(self.rows) {
                self.statement_of(block, rows, out)?;
            }
        }
        Ok(())
    }

    fn statement_of(&self, block: &Block, rows: &[(&Item, bool)], out: &mut Vec<u8>) -> Result<()> {
        let Some((first, bare)) = rows.first() else { return Ok(()) };
        let kind = block.kind(first);
        out.extend_from_slice(ROWS.as_bytes());
        for (at, (item, _)) in rows.iter().enumerate() {
            if at > 0 {
                out.extend_from_slice(b", ");
            }
            self.row(block, item, *bare, out)?;
        }
        match block.class() {
            Class::Nodes => {
                out.extend_from_slice(self.texts.rows_node.as_bytes());
                for label in kind.names() {
                    if **label == *self.helper.label {
                        return Err(self.collision("label", label));
                    }
                    out.push(b':');
                    name::put(self.dialect, label, out)?;
                }
                out.extend_from_slice(ROWS_NODE_END.as_bytes());
            }
            Class::Relationships => {
                out.extend_from_slice(self.texts.rows_ends.as_bytes());
                name::put(self.dialect, kind.relationship_type(), out)?;
                out.extend_from_slice(ROWS_ARROW_HEADS[usize::from(*bare)].as_bytes());
            }
        }
        out.push(b'\n');
        Ok(())
    }

    fn row(&self, block: &Block, item: &Item, bare: bool, out: &mut Vec<u8>) -> Result<()> {
        let mut digits = itoa::Buffer::new();
        match block.class() {
            Class::Nodes => {
                out.push(b'{');
                out.extend_from_slice(self.texts.node_id.as_bytes());
                out.extend_from_slice(digits.format(item.id).as_bytes());
                self.properties(block, item, b", ", out)?;
                out.push(b'}');
            }
            Class::Relationships => {
                for (text, end) in ROW_ENDS.iter().zip([item.start, item.end]) {
                    out.extend_from_slice(text.as_bytes());
                    out.extend_from_slice(digits.format(end).as_bytes());
                }
                if !bare {
                    out.extend_from_slice(ROW_PROPERTIES.as_bytes());
                    self.properties(block, item, b"{", out)?;
                }
                out.push(b'}');
            }
        }
        Ok(())
    }
}
