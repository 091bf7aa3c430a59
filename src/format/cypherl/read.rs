//! Reads dumps: ours, Memgraph's own, and other files of Cypher statements.

mod whole;

use super::ddl::{self, Ddl};
use super::helper::{AWAIT, DEFAULT_LOOKUPS};
use super::input::Input;
use super::item::{Items, NodeId, class};
use super::lex::{Lexed, Lexer, Stop};
use super::{Helper, value::Values};
use crate::cypher::Dialect;
use crate::error::{Error, Result};
use crate::format::{Decoder, Piece, Statement};
use crate::model::block::KindMemo;
use crate::model::tally::Tally;
use crate::model::{Block, Class, Header, SchemaObject, Trailer};
use std::collections::VecDeque;
use whole::count;

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
    pub(super) fn new(input: Input) -> Result<Self> {
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
            Next::Mark => {
                self.flush();
                self.end()?;
                return Ok(false);
            }
            Next::Command => self.command()?,
            Next::Statement => match class(self.input.rest()) {
                Some(class) if self.item(class)? => {}
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
                    if self.block.is_empty() {
                        self.block.set_first_line(line);
                    }
                    let line = u32::try_from(line - self.block.first_line()).unwrap_or(u32::MAX);
                    self.block.push(id, start, end, kind, line);
                    let size = lexer.at();
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
        if self.items.ours {
            count(&mut self.tally, &block);
        }
        self.ready.push_back(Piece::Block(block));
    }

    fn object(&mut self, object: SchemaObject) {
        *self.tally.schema.entry(object.sort_of()).or_default() += 1;
        self.ready.push_back(Piece::Object(object));
    }

    /// Reads a statement that is no item.
    fn statement(&mut self) -> Result<()> {
        let folded = self.items.values.lenient && self.input.rest().starts_with(b"CREATE ");
        let size = match folded {
            true => self.folded()?,
            false => None,
        };
        let size = match size {
            Some(size) => size,
            None => self.measure(|lexer| lexer.skip_statement())?,
        };
        let line = self.input.line();
        let bytes = self.input.rest().get(..size).unwrap_or_default();
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.trim_end(),
            Err(cause) => {
                let position = self.input.position(cause.valid_up_to());
                return Err(Error::corrupt("the dump is not valid UTF-8").at(position));
            }
        };
        let texts = &self.items.texts;
        // Without the helper, which data loses on the way, such a statement would find or leave other nodes than it means.
        if text.starts_with(&texts.node) && !text[texts.node.len()..].starts_with(is_word)
            || text.starts_with(&texts.start)
        {
            let shown: String = text.chars().take(100).collect();
            return Err(Error::corrupt(format!(
                "an item of the dump has something that only its system can read: {shown}"
            ))
            .hint("replay the dump with the system's own client")
            .at(self.input.position(0)));
        }
        let known = [texts.create_index.as_str(), &texts.drop_index, &texts.cleanup, AWAIT];
        if known.contains(&text) || self.items.ours && is_default_lookup(text) {
            self.flush_block();
            self.input.consume(size + 1);
            return Ok(());
        }
        let read = ddl::read(self.dialect, text, self.items.values.lenient);
        let read = match read {
            // A file without a header may hold the other system's statements.
            Ok(None) if !self.items.ours => {
                let other = match self.dialect {
                    Dialect::Memgraph => Dialect::Neo4j,
                    Dialect::Neo4j => Dialect::Memgraph,
                };
                Ok(ddl::read(other, text, false).ok().flatten())
            }
            read => read,
        };
        let read = read.map_err(|(at, error)| error.at(self.input.position(at)))?;
        let text = text.to_owned();
        self.input.consume(size + 1);
        match read {
            Some(Ddl::Paused(name)) if self.trigger.as_ref().and_then(SchemaObject::name) == Some(&name) => {
                if let Some(SchemaObject::Trigger(trigger)) = &mut self.trigger {
                    trigger.paused = true;
                }
            }
            Some(Ddl::Object(object)) => {
                self.flush();
                match object {
                    SchemaObject::Trigger(_) => self.trigger = Some(object),
                    _ => self.object(object),
                }
            }
            Some(Ddl::Paused(_)) | None => {
                self.flush();
                self.tally.statements += 1;
                self.ready.push_back(Piece::Statement(Statement { text, line }));
            }
        }
        Ok(())
    }

    fn flush_block(&mut self) {
        if self.trigger.is_none() {
            self.flush();
        }
    }

    /// The size of a statement that Memgraph dumps in a form which it cannot read itself: enums with bare names, whose backticks open no
    /// quotation, and triggers whose line breaks became spaces, so that a comment runs to the end. Both are one line.
    fn folded(&mut self) -> Result<Option<usize>> {
        let size = loop {
            match memchr::memchr(b'\n', self.input.rest()) {
                Some(end) => break end,
                None if self.input.is_last() => break self.input.rest().len(),
                None => self.input.fill()?,
            }
        };
        let Some(line) = self.input.rest().get(..size).map(<[u8]>::trim_ascii_end) else { return Ok(None) };
        let Some(body) = line.strip_suffix(b";") else { return Ok(None) };
        if line.starts_with(b"CREATE ENUM ") {
            return Ok(Some(body.len()));
        }
        if !line.starts_with(b"CREATE TRIGGER ") {
            return Ok(None);
        }
        let closes = |text: &[u8]| {
            let mut lexer = Lexer::new(self.dialect, text, true);
            lexer.skip_statement().is_ok()
        };
        if closes(line) || memchr::memmem::find(line, b"//").is_none() {
            return Ok(None);
        }
        self.warnings.push(format!(
            "line {}: Memgraph's dump has put a trigger's lines into one: what stands behind // is now a comment",
            self.input.line()
        ));
        Ok(Some(body.len()))
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

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
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
        self.warnings.clone()
    }
}
