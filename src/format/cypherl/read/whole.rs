//! The first and the last line: how a dump is told to be ours, and proved to be whole.

use super::super::item::Items;
use super::super::meta::{self, Head};
use super::super::value::Values;
use super::Reader;
use crate::cypher::Dialect;
use crate::error::{Error, Result};
use crate::model::header::Origin;
use crate::model::tally::Tally;
use crate::model::{Block, Class};

impl Reader {
    pub(super) fn begin(&mut self, json: &str, size: usize) -> Result<()> {
        let (dialect, helper, header) = Head::read(json).map_err(|error| error.at(self.input.position(0)))?;
        self.dialect = dialect;
        self.items = Items { texts: helper.texts(dialect)?, values: Values { lenient: false }, ours: true };
        self.header = header;
        self.input.consume(size);
        Ok(())
    }

    pub(super) fn begin_foreign(&mut self) {
        let start = self.input.rest();
        let has = |text: &str| memchr::memmem::find(start, text.as_bytes()).is_some();
        let memgraph = has("__mg_vertex__");
        // These words are Neo4j's alone.
        if !memgraph
            && ["db.awaitIndexes", ":begin", "UNIQUE IMPORT LABEL", " FOR (", "IF NOT EXISTS"].into_iter().any(has)
        {
            self.dialect = Dialect::Neo4j;
            self.items.values.lenient = false;
        }
        let product = if memgraph { "memgraph" } else { "cypher" };
        self.header.source = Origin { product: product.to_owned(), ..Origin::default() };
        self.warnings.push("the dump has no trailer: nothing tells whether it is whole".to_owned());
        if memgraph {
            self.warnings.push(
                "Memgraph's own dumps write whole floats without a point: 1.0 is read as the integer 1".to_owned(),
            );
        }
    }

    /// Our line at the first unread byte: its JSON and its size with the line's end.
    pub(super) fn mark(&mut self) -> Result<Option<(String, usize)>> {
        while self.input.rest().len() < 32 && !self.input.is_last() {
            self.input.fill()?;
        }
        let Some(mark) = marked(self.input.rest()) else { return Ok(None) };
        let size = loop {
            match memchr::memchr(b'\n', self.input.rest()) {
                Some(end) => break end + 1,
                None if self.input.is_last() => {
                    return Err(Error::corrupt("the dump ends inside of a line that begins here: it is truncated")
                        .at(self.input.position(0)));
                }
                None => self.input.fill()?,
            }
        };
        let line = self.input.rest().get(mark.len()..size - 1).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let damaged = || Error::corrupt("the line is damaged").at(self.input.position(0));
        let text = std::str::from_utf8(line).map_err(|_| damaged())?;
        let json = match mark {
            meta::MEMGRAPH_MARK => {
                let text = text.strip_suffix("';").filter(|text| !text.contains('\'')).ok_or_else(damaged)?;
                text.replace("\\\\", "\\")
            }
            _ => text.to_owned(),
        };
        Ok(Some((json, size)))
    }

    /// Reads our last line and proves that the dump agrees with it.
    pub(super) fn end(&mut self) -> Result<()> {
        let Some((json, size)) = self.mark()? else { return Ok(()) };
        let position = self.input.position(0);
        let digest = self.input.digest_so_far();
        let trailer = meta::read_trailer(&json).map_err(|error| error.at(position.clone()))?;
        if !self.items.ours {
            return Err(Error::corrupt("the dump has a last line of ours, but not the first").at(position));
        }
        if digest != trailer.blake3 {
            return Err(Error::corrupt(format!(
                "the dump was changed after it was written: its BLAKE3 is {digest}, its last line says {}",
                trailer.blake3
            ))
            .at(position));
        }
        trailer.tally.check(&self.tally).map_err(|error| error.at(position))?;
        self.input.consume(size);
        if self.input.rest().is_empty() && !self.input.is_last() {
            self.input.fill()?;
        }
        if !self.input.rest().is_empty() {
            return Err(Error::corrupt("something follows the last line of the dump").at(self.input.position(0)));
        }
        self.trailer = Some(trailer);
        Ok(())
    }
}

/// Which of our marks a text begins with.
pub(in crate::format::cypherl) fn marked(text: &[u8]) -> Option<&'static str> {
    [meta::MEMGRAPH_MARK, meta::NEO4J_MARK]
        .into_iter()
        .find(|mark| text.starts_with(mark.as_bytes()) && text.get(mark.len()) == Some(&b'{'))
}

/// Counts what a trailer is checked for.
pub(super) fn count(tally: &mut Tally, block: &Block) {
    let mut kinds = vec![0_u64; block.kinds().len()];
    for item in block.items() {
        if let Some(count) = kinds.get_mut(item.kind as usize) {
            *count += 1;
        }
    }
    let names = match block.class() {
        Class::Nodes => {
            tally.nodes += block.len() as u64;
            &mut tally.labels
        }
        Class::Relationships => {
            tally.relationships += block.len() as u64;
            &mut tally.types
        }
    };
    for (kind, count) in block.kinds().iter().zip(kinds).filter(|(_, count)| *count > 0) {
        for name in kind.names() {
            *names.entry(name.to_string()).or_default() += count;
        }
    }
}
