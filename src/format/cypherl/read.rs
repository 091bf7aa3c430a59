//! Reads dumps: ours, Memgraph's own, and other files of Cypher statements.

mod repair;
mod statement;
mod whole;

use super::helper::{DEFAULT_LOOKUPS, ROWS};
use super::input::Input;
use super::item::{Items, NodeId, class};
use super::lex::{Lexed, Lexer, Stop};
use super::oddity::{Oddities, Repairs};
use super::{Helper, meta, value::Values};
use crate::cypher::Dialect;
use crate::error::{Error, Result};
use crate::format::{Decoder, Earlier, Piece};
use crate::model::block::KindMemo;
use crate::model::tally::Tally;
use crate::model::{Block, Class, Header, SchemaObject, Trailer};
use std::collections::VecDeque;
use whole::count;

pub(super) use statement::is_about_items;
pub(super) use whole::marked;

/// The reader of CYPHERL.
pub(super) struct Reader {
    input: Input,
    dialect: Dialect,
    items: Items,
    header: Header,
    trailer: Option<Trailer>,
    block: Block,
    memo: KindMemo,
    /// A trigger that the next statement may pause.
    trigger: Option<SchemaObject>,
    ready: VecDeque<Piece>,
    tally: Tally,
    relationships: i64,
    plain_nodes: i64,
    warnings: Vec<String>,
    repairs: Repairs,
    floats: repair::Floats,
    /// Whether a node was read already.
    has_nodes: bool,
    /// The text of the statement that comes next, before it was put on one line.
    verbatim: Option<String>,
    ended: bool,
}

/// What stands next in a dump.
enum Next {
    End,
    /// A statement begins at the first unread byte.
    Statement,
    /// A line of cypher-shell's own, `:use system`.
    Command,
    /// One of our own lines.
    Mark,
}

impl Reader {
    pub(super) fn new(input: Input, earlier: Earlier) -> Result<Self> {
        let helper = Helper::standard(Dialect::Memgraph);
        let mut reader = Self {
            input,
            dialect: Dialect::Memgraph,
            items: Items { texts: helper.texts(Dialect::Memgraph)?, values: Values { lenient: true }, ours: false },
            header: Header::default(),
            trailer: None,
            block: Block::new(Class::Nodes),
            memo: KindMemo::new(),
            trigger: None,
            ready: VecDeque::new(),
            tally: Tally::default(),
            relationships: 0,
            plain_nodes: 0,
            warnings: Vec::new(),
            repairs: Repairs::default(),
            floats: repair::Floats::new(earlier),
            has_nodes: false,
            verbatim: None,
            ended: false,
        };
        reader.input.fill()?;
        if reader.input.rest().starts_with("\u{feff}".as_bytes()) {
            reader.input.consume(3);
        }
        match reader.mark()? {
            Some((json, size)) => reader.begin(&json, size)?,
            None => reader.begin_foreign(),
        }
        Ok(reader)
    }

    /// Passes over white space and comments, up to what stands next.
    fn find(&mut self) -> Result<Next> {
        loop {
            let rest = self.input.rest();
            let spaces = rest.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b';').count();
            self.input.consume(spaces);
            if self.input.rest().len() < 32 && !self.input.is_last() {
                self.input.fill()?;
                continue;
            }
            let rest = self.input.rest();
            let Some(first) = rest.first() else { return Ok(Next::End) };
            if marked(rest).is_some() && self.input.at_line_start() {
                return Ok(Next::Mark);
            }
            match (first, rest.get(1)) {
                (b':', _) => return Ok(Next::Command),
                (b'/', Some(b'/' | b'*')) => self.skip(|lexer| lexer.comment())?,
                _ => return Ok(Next::Statement),
            }
        }
    }

    /// Passes over something that may not be whole in the window yet.
    fn skip(&mut self, what: impl Fn(&mut Lexer<'_>) -> Lexed<()>) -> Result<()> {
        let size = self.measure(what)?;
        self.input.consume(size);
        Ok(())
    }

    /// The size of something that may not be whole in the window yet.
    fn measure(&mut self, what: impl Fn(&mut Lexer<'_>) -> Lexed<()>) -> Result<usize> {
        loop {
            let mut lexer = Lexer::new(self.dialect, self.input.rest(), self.input.is_last());
            match what(&mut lexer) {
                Ok(()) => return Ok(lexer.at()),
                Err(Stop::More) => self.input.fill()?,
                Err(Stop::Corrupt(at, error)) => return Err(error.at(self.input.position(at))),
                Err(Stop::Unknown) => return Ok(lexer.at()),
            }
        }
    }

    /// Reads what comes next; false at the end.
    fn step(&mut self) -> Result<bool> {
        match self.find()? {
            Next::End => {
                self.flush();
                if self.items.ours {
                    return Err(Error::corrupt("the dump ends without its last line: it is truncated")
                        .at(self.input.position(0)));
                }
                return Ok(false);
            }
            Next::Mark => match self.mark()? {
                Some((json, size)) if self.items.ours && meta::is_verbatim(&json) => {
                    let text = meta::read_verbatim(&json).map_err(|error| error.at(self.input.position(0)))?;
                    self.verbatim = Some(text);
                    self.input.consume(size);
                }
                _ => {
                    self.flush();
                    self.end()?;
                    return Ok(false);
                }
            },
            Next::Command => self.command()?,
            Next::Statement if self.verbatim.is_some() => self.statement()?,
            Next::Statement => match class(self.input.rest()) {
                Some(class) if self.item(class)? => {}
                None if self.input.rest().starts_with(ROWS.as_bytes()) && self.rows()? => {}
                _ => self.statement()?,
            },
        }
        Ok(true)
    }

    /// Reads an item into the block; false if the statement is something else.
    fn item(&mut self, class: Class) -> Result<bool> {
        if self.block.class() != class || self.block.is_full() {
            self.flush();
            self.block = Block::new(class);
            self.memo.clear();
        }
        if self.trigger.is_some() {
            self.flush();
        }
        loop {
            let from = self.block.byte_len();
            let mut lexer = Lexer::new(self.dialect, self.input.rest(), self.input.is_last());
            let read = match class {
                Class::Nodes => {
                    self.items.node(&mut lexer, &mut self.block, &mut self.memo).map(|(id, kind)| match id {
                        NodeId::Helper(id) => (id, 0, 0, kind),
                        NodeId::None => {
                            self.plain_nodes += 1;
                            (-self.plain_nodes, 0, 0, kind)
                        }
                    })
                }
                Class::Relationships => {
                    self.items.relationship(&mut lexer, &mut self.block, &mut self.memo).map(|(start, end, kind)| {
                        self.relationships += 1;
                        (self.relationships - 1, start, end, kind)
                    })
                }
            };
            match read {
                Ok((id, start, end, kind)) => {
                    let line = self.input.line();
                    let size = lexer.at();
                    if self.items.values.lenient {
                        let mut oddities = *lexer.oddities();
                        if class == Class::Nodes {
                            self.floats.repair(&mut self.block, from, kind, &mut oddities)?;
                        }
                        self.note(&oddities, line);
                    }
                    if self.block.is_empty() {
                        self.block.set_first_line(line);
                    }
                    let line = u32::try_from(line - self.block.first_line()).unwrap_or(u32::MAX);
                    self.block.push(id, start, end, kind, line);
                    self.input.consume(size);
                    return Ok(true);
                }
                Err(stop) => {
                    self.block.discard();
                    match stop {
                        Stop::More => self.input.fill()?,
                        Stop::Unknown => return Ok(false),
                        Stop::Corrupt(at, error) => return Err(error.at(self.input.position(at))),
                    }
                }
            }
        }
    }

    /// Reads a statement of many items into the block; false if it is something else.
    fn rows(&mut self) -> Result<bool> {
        if self.dialect != Dialect::Memgraph {
            return Ok(false);
        }
        let (rows, size) = loop {
            let mut lexer = Lexer::new(self.dialect, self.input.rest(), self.input.is_last());
            match self.items.rows(&mut lexer) {
                Ok(rows) => break (rows, lexer.at()),
                Err(Stop::More) => self.input.fill()?,
                Err(Stop::Unknown) => return Ok(false),
                Err(Stop::Corrupt(at, error)) => return Err(error.at(self.input.position(at))),
            }
        };
        let line = self.input.line();
        for item in rows.items() {
            if self.block.class() != rows.class() || self.block.is_full() || self.trigger.is_some() {
                self.flush();
                self.block = Block::new(rows.class());
                self.memo.clear();
            }
            let kind = self.block.intern(rows.kind(item));
            self.block.buffer().extend_from_slice(rows.properties(item));
            if self.block.is_empty() {
                self.block.set_first_line(line);
            }
            let ahead = u32::try_from(line - self.block.first_line()).unwrap_or(u32::MAX);
            let id = match rows.class() {
                Class::Nodes => item.id,
                Class::Relationships => {
                    self.relationships += 1;
                    self.relationships - 1
                }
            };
            self.block.push(id, item.start, item.end, kind, ahead);
        }
        self.input.consume(size);
        Ok(true)
    }

    /// Keeps what was repaired in a dump of Memgraph's own.
    #[inline]
    fn note(&mut self, oddities: &Oddities, line: u64) {
        if self.items.values.lenient {
            self.repairs.add(oddities, line);
        }
    }

    /// Hands out what is begun, so that what comes next comes after it.
    fn flush(&mut self) {
        if let Some(trigger) = self.trigger.take() {
            self.object(trigger);
        }
        if self.block.is_empty() {
            return;
        }
        let block = std::mem::replace(&mut self.block, Block::new(Class::Nodes));
        self.memo.clear();
        self.has_nodes = true;
        if self.items.ours {
            count(&mut self.tally, &block);
        }
        self.ready.push_back(Piece::Block(block));
    }

    fn object(&mut self, object: SchemaObject) {
        *self.tally.schema.entry(object.sort_of()).or_default() += 1;
        self.ready.push_back(Piece::Object(object));
    }

    fn flush_block(&mut self) {
        if self.trigger.is_none() {
            self.flush();
        }
    }

    /// Reads a line that is for cypher-shell itself.
    fn command(&mut self) -> Result<()> {
        let size = self.measure(|lexer| match memchr::memchr(b'\n', lexer.rest()) {
            Some(end) => {
                lexer.seek(end);
                Ok(())
            }
            None => {
                lexer.seek(lexer.at() + lexer.rest().len());
                Err(lexer.short())
            }
        })?;
        let line = self.input.rest().get(..size).unwrap_or_default();
        let word: Vec<u8> =
            line.iter().copied().take_while(|byte| !byte.is_ascii_whitespace() && *byte != b';').collect();
        match word.as_slice() {
            b":use" | b":begin" | b":commit" | b":auto" => {}
            _ => {
                let word = String::from_utf8_lossy(&word).into_owned();
                return Err(Error::corrupt(format!("the dump asks for {word}, which only cypher-shell can do"))
                    .at(self.input.position(0)));
            }
        }
        self.input.consume(size);
        Ok(())
    }
}

/// The statements that make room for a lookup index.
pub(super) fn is_default_lookup(text: &str) -> bool {
    let name = text.strip_prefix("DROP INDEX `").and_then(|rest| rest.strip_suffix("` IF EXISTS"));
    name.is_some_and(|name| DEFAULT_LOOKUPS.iter().flatten().any(|known| *known == name))
}

impl Decoder for Reader {
    fn header(&self) -> &Header {
        &self.header
    }

    fn next(&mut self) -> Result<Option<Piece>> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Ok(Some(piece));
            }
            if self.ended {
                return Ok(None);
            }
            self.ended = !self.step()?;
        }
    }

    fn trailer(&self) -> Option<&Trailer> {
        self.trailer.as_ref()
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = self.warnings.clone();
        warnings.extend(self.repairs.warnings());
        warnings.extend(self.floats.warning());
        warnings
    }
}
