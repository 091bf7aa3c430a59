//! Statements that are no items: schema, the helper's, and what is carried as it is.

use super::{Reader, is_default_lookup};
use crate::cypher::Dialect;
use crate::error::{Error, Result};
use crate::format::cypherl::ddl::{self, Ddl};
use crate::format::cypherl::fold;
use crate::format::cypherl::helper::{AWAIT, CYPHER_25, ROWS, Texts};
use crate::format::cypherl::lex::Lexer;
use crate::format::{Piece, Statement};
use crate::model::SchemaObject;

impl Reader {
    /// Reads a statement that is no item.
    pub(super) fn statement(&mut self) -> Result<()> {
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
        let verbatim = self.verbatim.take();
        let text = match &verbatim {
            Some(verbatim) if fold::one_line(verbatim).as_deref() != Some(text) => {
                return Err(
                    Error::corrupt("the line before this statement is that of another").at(self.input.position(0))
                );
            }
            Some(verbatim) => verbatim,
            None => text,
        };
        let texts = &self.items.texts;
        // Without the helper, which data loses on the way, such a statement would find or leave other nodes than it means.
        if is_about_items(texts, text) {
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
        let read = ddl::read_noting(self.dialect, text, self.items.values.lenient);
        let read = match read {
            // A file without a header may hold the other system's statements.
            Ok(None) if !self.items.ours => {
                let other = match self.dialect {
                    Dialect::Memgraph => Dialect::Neo4j,
                    Dialect::Neo4j => Dialect::Memgraph,
                };
                Ok(ddl::read_noting(other, text, false).ok().flatten())
            }
            read => read,
        };
        let read = read.map_err(|(at, error)| error.at(self.input.position(at)))?;
        let text = text.to_owned();
        self.input.consume(size + 1);
        if let Some((_, oddities)) = &read {
            self.note(oddities, line);
        }
        match read.map(|(ddl, _)| ddl) {
            Some(Ddl::Paused(name)) if self.trigger.as_ref().and_then(SchemaObject::name) == Some(&name) => {
                if let Some(SchemaObject::Trigger(trigger)) = &mut self.trigger {
                    trigger.paused = true;
                }
            }
            Some(Ddl::Object(object)) => {
                self.flush();
                self.learn(&object);
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
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// Whether a text is a statement that only makes sense while the helper is there.
pub(in crate::format::cypherl) fn is_about_items(texts: &Texts, text: &str) -> bool {
    let text = text.strip_prefix(CYPHER_25).unwrap_or(text);
    text.strip_prefix(texts.node.as_str()).is_some_and(|rest| !rest.starts_with(is_word))
        || text.starts_with(&texts.start)
        || text.starts_with(&texts.rows)
        || text.starts_with(ROWS) && text.contains(&texts.rows_ends)
}
