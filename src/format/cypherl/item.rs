//! Nodes and relationships: the statements that become items of blocks.

mod rows;

use super::helper::{ARROW, ARROW_HEAD, CYPHER_25, Texts};
use super::lex::{Lexed, Lexer, Stop};
use super::value::Values;
use crate::cypher::Dialect;
use crate::model::block::KindMemo;
use crate::model::{Block, Class, Kind, packstream};

/// What identifies a node that was read.
pub(super) enum NodeId {
    /// The helper property says so.
    Helper(i64),
    /// The node has no helper, so that no relationship of the dump can refer to it.
    None,
}

/// Reads nodes and relationships in their fixed shapes.
#[derive(Debug)]
pub(super) struct Items {
    pub(super) texts: Texts,
    pub(super) values: Values,
    /// Whether the dump is ours: then a node without the helper is a statement and not data.
    pub(super) ours: bool,
}

/// What a statement is by its first bytes.
pub(super) fn class(text: &[u8]) -> Option<Class> {
    let text = text.strip_prefix(CYPHER_25.as_bytes()).unwrap_or(text);
    if text.starts_with(b"CREATE (") {
        Some(Class::Nodes)
    } else if text.starts_with(b"MATCH (u:") {
        Some(Class::Relationships)
    } else {
        None
    }
}

impl Items {
    /// Reads a node's statement with its semicolon. On [`Stop`], what was written into the block's buffer has to be discarded.
    pub(super) fn node(&self, lexer: &mut Lexer<'_>, block: &mut Block, memo: &mut KindMemo) -> Lexed<(NodeId, u32)> {
        self.language(lexer)?;
        let from = lexer.at();
        let with_helper = lexer.exactly(&self.texts.node).and_then(|()| match lexer.peek()? {
            b':' | b' ' => Ok(()),
            _ => Err(Stop::Unknown),
        });
        match with_helper {
            Ok(()) => self.helped(lexer, block, memo),
            Err(Stop::Unknown) if !self.ours => {
                lexer.seek(from);
                self.plain(lexer, block, memo).map(|kind| (NodeId::None, kind))
            }
            Err(stop) => Err(stop),
        }
    }

    #[inline]
    fn helped(&self, lexer: &mut Lexer<'_>, block: &mut Block, memo: &mut KindMemo) -> Lexed<(NodeId, u32)> {
        let kind = labels(lexer, block, memo)?;
        lexer.exactly(" {")?;
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
        lexer.exactly(");")?;
        Ok((NodeId::Helper(id), kind))
    }

    /// ``CREATE (n:`L` {…});`` as a person or another tool writes it.
    fn plain(&self, lexer: &mut Lexer<'_>, block: &mut Block, memo: &mut KindMemo) -> Lexed<u32> {
        lexer.exactly("CREATE (")?;
        lexer.space()?;
        if !matches!(lexer.peek()?, b':' | b'{' | b')') {
            lexer.name()?;
            lexer.space()?;
        }
        let kind = labels(lexer, block, memo)?;
        lexer.space()?;
        let out = block.buffer();
        let open = packstream::open_map(out);
        if lexer.eat(b'{')? {
            lexer.space()?;
            self.values.members(lexer, out, open, 0, true)?;
        } else {
            open.close(out, 0);
        }
        lexer.expect(b')')?;
        if lexer.eat(b';')? { Ok(kind) } else { Err(Stop::Unknown) }
    }

    /// Reads a relationship's statement with its semicolon: start, end, kind. On [`Stop`], what was written into the block's buffer has
    /// to be discarded.
    pub(super) fn relationship(
        &self,
        lexer: &mut Lexer<'_>,
        block: &mut Block,
        memo: &mut KindMemo,
    ) -> Lexed<(i64, i64, u32)> {
        self.language(lexer)?;
        lexer.exactly(&self.texts.start)?;
        let start = integer(lexer)?;
        lexer.exactly(&self.texts.end)?;
        let end = integer(lexer)?;
        lexer.exactly(ARROW)?;
        let from = lexer.at();
        skip_name(lexer)?;
        let raw = lexer.since(from);
        let (dialect, after) = (lexer.dialect(), lexer.at());
        let kind = memo.index(block, raw, || {
            Ok(Kind::relationship(&Lexer::new(dialect, raw, true).name().map_err(|stop| shifted(stop, from))?))
        })?;
        lexer.seek(after);
        let out = block.buffer();
        let open = packstream::open_map(out);
        if lexer.eat(b' ')? {
            lexer.exactly("{")?;
            self.values.members(lexer, out, open, 0, true)?;
        } else {
            open.close(out, 0);
        }
        lexer.exactly(ARROW_HEAD)?;
        Ok((start, end, kind))
    }

    /// Passes over the words that choose the language in which vectors exist.
    fn language(&self, lexer: &mut Lexer<'_>) -> Lexed<()> {
        if lexer.dialect() == Dialect::Neo4j && lexer.peek()? == b'C' && lexer.peek_second() == Some(b'Y') {
            lexer.exactly(CYPHER_25)?;
        }
        Ok(())
    }
}

fn shifted(stop: Stop, by: usize) -> Stop {
    match stop {
        Stop::Corrupt(at, error) => Stop::Corrupt(at + by, error),
        stop => stop,
    }
}

fn skip_name(lexer: &mut Lexer<'_>) -> Lexed<()> {
    match lexer.peek()? {
        b'`' => lexer.skip_quoted_name(),
        _ => lexer.word().map(drop),
    }
}

/// Reads `` :`A`:`B` `` as a kind; none is allowed.
#[inline]
fn labels(lexer: &mut Lexer<'_>, block: &mut Block, memo: &mut KindMemo) -> Lexed<u32> {
    let from = lexer.at();
    while lexer.peek()? == b':' {
        lexer.bump();
        skip_name(lexer)?;
    }
    let raw = lexer.since(from);
    let dialect = lexer.dialect();
    memo.index(block, raw, || {
        let mut lexer = Lexer::new(dialect, raw, true);
        let mut labels = Vec::new();
        while !lexer.rest().is_empty() {
            lexer.bump();
            let label = lexer.name().map_err(|stop| shifted(stop, from))?;
            // A node has a label once, however often a statement says it.
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
        Ok(Kind::labels(labels))
    })
}

fn integer(lexer: &mut Lexer<'_>) -> Lexed<i64> {
    let text = lexer.rest();
    let size = text.iter().take(21).take_while(|byte| byte.is_ascii_digit() || **byte == b'-').count();
    if size == text.len() {
        return Err(lexer.short());
    }
    let digits = std::str::from_utf8(text.get(..size).unwrap_or_default()).unwrap_or_default();
    lexer.seek(lexer.at() + size);
    digits.parse().map_err(|_| Stop::Unknown)
}
