//! Statements that make many items: `UNWIND [{…}, …] AS r CREATE …`.

use super::{Items, integer, labels, shifted, skip_name};
use crate::format::cypherl::helper::{ROW_ENDS, ROW_PROPERTIES, ROWS, ROWS_ARROW_HEADS, ROWS_NODE_END};
use crate::format::cypherl::lex::{Lexed, Lexer, Stop};
use crate::model::block::KindMemo;
use crate::model::{Block, Class, Kind, packstream};

impl Items {
    /// Reads such a statement with its semicolon as a block of one kind. Relationships have no id yet.
    pub(in crate::format::cypherl) fn rows(&self, lexer: &mut Lexer<'_>) -> Lexed<Block> {
        lexer.exactly(ROWS)?;
        let from = lexer.at();
        match lexer.exactly(ROW_ENDS[0]) {
            Ok(()) => {
                lexer.seek(from);
                self.relationship_rows(lexer)
            }
            Err(Stop::Unknown) => self.node_rows(lexer),
            Err(stop) => Err(stop),
        }
    }

    fn node_rows(&self, lexer: &mut Lexer<'_>) -> Lexed<Block> {
        let mut block = Block::new(Class::Nodes);
        // Which kind it is, the end of the statement says.
        block.add_kind(Kind::labels::<&str>([]));
        loop {
            lexer.exactly("{")?;
            lexer.exactly(&self.texts.node_id)?;
            let id = integer(lexer)?;
            let out = block.buffer();
            let open = packstream::open_map(out);
            if lexer.eat(b'}')? {
                open.close(out, 0);
            } else {
                lexer.exactly(", ")?;
                self.values.members(lexer, out, open, 0, true)?;
            }
            block.push(id, 0, 0, 0, 0);
            if lexer.peek()? != b',' {
                break;
            }
            lexer.exactly(", ")?;
        }
        lexer.exactly(&self.texts.rows_node)?;
        if !matches!(lexer.peek()?, b':' | b')') {
            return Err(Stop::Unknown);
        }
        let kind = labels(lexer, &mut block, &mut KindMemo::new())?;
        lexer.exactly(ROWS_NODE_END)?;
        block.items_mut().iter_mut().for_each(|item| item.kind = kind);
        Ok(block)
    }

    fn relationship_rows(&self, lexer: &mut Lexer<'_>) -> Lexed<Block> {
        let mut block = Block::new(Class::Relationships);
        block.add_kind(Kind::relationship(""));
        let mut without = 0;
        loop {
            let mut ends = [0; 2];
            for (text, end) in ROW_ENDS.iter().zip(&mut ends) {
                lexer.exactly(text)?;
                *end = integer(lexer)?;
            }
            let out = block.buffer();
            let open = packstream::open_map(out);
            if lexer.eat(b'}')? {
                open.close(out, 0);
                without += 1;
            } else {
                lexer.exactly(ROW_PROPERTIES)?;
                lexer.exactly("{")?;
                self.values.members(lexer, out, open, 0, true)?;
                lexer.exactly("}")?;
            }
            let [start, end] = ends;
            block.push(0, start, end, 0, 0);
            if lexer.peek()? != b',' {
                break;
            }
            lexer.exactly(", ")?;
        }
        lexer.exactly(&self.texts.rows_ends)?;
        let from = lexer.at();
        skip_name(lexer)?;
        let (dialect, after) = (lexer.dialect(), lexer.at());
        let raw = lexer.since(from);
        let name = Lexer::new(dialect, raw, true).name().map_err(|stop| shifted(stop, from))?;
        let kind = block.add_kind(Kind::relationship(&name));
        lexer.seek(after);
        let bare = without == block.len();
        // Where some rows have properties and others have none, the statement is not one of ours.
        if !bare && without > 0 {
            return Err(Stop::Unknown);
        }
        lexer.exactly(ROWS_ARROW_HEADS[usize::from(bare)])?;
        block.items_mut().iter_mut().for_each(|item| item.kind = kind);
        Ok(block)
    }
}
