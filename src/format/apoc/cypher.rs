//! The reader of APOC's Cypher.

use super::names::{CONSTRAINT, ID, Key, Keyed, LABEL};
use super::row::{find, key_of, members, stored};
use super::rows::{self, Pattern, Said};
use super::ticks::{schema_names, ticked, ticked_keys};
use crate::cypher::Dialect;
use crate::error::{Error, Result};
use crate::format::cypherl::{Ddl, Input, Lexed, Lexer, Stop, read_with};
use crate::format::gather::Gather;
use crate::format::{Decoder, Piece, Statement};
use crate::model::header::Origin;
use crate::model::{Class, Cursor, Header, Kind, Trailer};

/// Reads every form of `apoc.export.cypher`.
pub(super) struct Reader {
    input: Input,
    header: Header,
    gather: Gather,
    keyed: Keyed,
    /// The rows of `:param rows`.
    given: Vec<u8>,
    /// Rows or properties of the statement that is read.
    scratch: Vec<u8>,
    relationships: i64,
    repaired: Vec<String>,
    repairs: u64,
    ended: bool,
}

/// Lines that say nothing about the graph.
const LINES: [&str; 7] = [":begin", ":commit", "BEGIN", "COMMIT", "SCHEMA AWAIT", "begin", "commit"];

/// How repaired names are told one by one, at most.
const TOLD: usize = 10;

impl Reader {
    pub(super) fn new(reader: Box<dyn std::io::Read + Send>) -> Result<Self> {
        let mut input = Input::undigested(reader);
        input.fill()?;
        if input.rest().starts_with("\u{feff}".as_bytes()) {
            input.consume(3);
        }
        Ok(Self {
            input,
            header: Header { source: Origin { product: "neo4j".into(), ..Origin::default() }, ..Header::default() },
            gather: Gather::new(),
            keyed: Keyed::default(),
            given: Vec::new(),
            scratch: Vec::new(),
            relationships: 0,
            repaired: Vec::new(),
            repairs: 0,
            ended: false,
        })
    }

    /// Reads what comes next; false at the end.
    fn step(&mut self) -> Result<bool> {
        loop {
            let rest = self.input.rest();
            let spaces = rest.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b';').count();
            self.input.consume(spaces);
            if self.input.rest().len() < 32 && !self.input.is_last() {
                self.input.fill()?;
                continue;
            }
            break;
        }
        let rest = self.input.rest();
        if rest.is_empty() {
            self.gather.flush();
            return Ok(false);
        }
        let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
        if LINES.iter().any(|known| known.as_bytes() == line) {
            let size = line.len();
            self.input.consume(size);
        } else if rest.starts_with(b":param") {
            self.parameter()?;
        } else if rest.starts_with(b"//") {
            let (_, size) = self.measure(false, |lexer, _, _| lexer.comment())?.ok_or_else(|| self.unknown())?;
            self.input.consume(size);
        } else {
            self.statement()?;
        }
        Ok(true)
    }

    fn unknown(&self) -> Error {
        let text = String::from_utf8_lossy(self.input.rest().get(..400).unwrap_or(self.input.rest())).into_owned();
        let text: String = text.lines().next().unwrap_or_default().chars().take(100).collect();
        Error::corrupt(format!("this is no statement as APOC writes it: {text}"))
            .at(self.input.position(0))
            .hint("a name with a backtick, which APOC does not escape, may be read in more than one way: rename it and export again")
    }

    /// Reads something that may not be whole in the window yet; `None` where it is something else. Gives its size too.
    fn measure<T>(
        &mut self,
        loose: bool,
        read: impl Fn(&mut Lexer<'_>, &[u8], &mut Vec<u8>) -> Lexed<T>,
    ) -> Result<Option<(T, usize)>> {
        loop {
            let mut lexer = Lexer::new(Dialect::Neo4j, self.input.rest(), self.input.is_last());
            if loose {
                lexer = lexer.loose();
            }
            self.scratch.clear();
            match read(&mut lexer, &self.given, &mut self.scratch) {
                Ok(found) => return Ok(Some((found, lexer.at()))),
                Err(Stop::More) => self.input.fill()?,
                // What is damaged for Cypher may be a name of APOC's.
                Err(Stop::Unknown | Stop::Corrupt(..)) => return Ok(None),
            }
        }
    }

    fn parameter(&mut self) -> Result<()> {
        for loose in [false, true] {
            let read = self.measure(loose, |lexer, _, out| {
                lexer.exactly(":param")?;
                lexer.space()?;
                lexer.exactly("rows")?;
                lexer.space()?;
                if lexer.exactly("=>").is_err() {
                    lexer.exactly(":")?;
                }
                lexer.space()?;
                rows::rows(lexer, out)
            })?;
            if let Some(((), size)) = read {
                std::mem::swap(&mut self.given, &mut self.scratch);
                if loose {
                    let line = self.input.line();
                    let mut names = Vec::new();
                    ticked_keys(&mut Cursor::new(&self.given), &mut names)?;
                    self.repair(names, line);
                }
                self.input.consume(size);
                return Ok(());
            }
        }
        Err(self.unknown())
    }

    fn statement(&mut self) -> Result<()> {
        for loose in [false, true] {
            if let Some((said, size)) = self.measure(loose, rows::statement)? {
                let line = self.input.line();
                if loose {
                    self.repair(ticked(&said, &self.scratch)?, line);
                }
                let scratch = std::mem::take(&mut self.scratch);
                let taken = self.take(&said, &scratch, line).map_err(|error| error.at(self.input.position(0)));
                self.scratch = scratch;
                taken?;
                self.input.consume(size);
                return Ok(());
            }
        }
        // A backtick alone opens no name that runs on through the file.
        let Some(((), size)) = self.measure(true, |lexer, _, _| lexer.skip_statement())? else {
            return Err(self.unknown());
        };
        if self.other(size, false)? || self.other(size, true)? {
            self.input.consume(size + 1);
            return Ok(());
        }
        Err(self.unknown())
    }

    /// A statement of the schema, or of APOC's own needs; false where it is neither.
    fn other(&mut self, size: usize, loose: bool) -> Result<bool> {
        let bytes = self.input.rest().get(..size).unwrap_or_default();
        let Ok(text) = std::str::from_utf8(bytes).map(str::trim_end) else {
            return Err(Error::corrupt("the file is not valid UTF-8").at(self.input.position(0)));
        };
        let own = [
            "CALL db.awaitIndex",
            "DROP CONSTRAINT UNIQUE_IMPORT_NAME",
            "DROP CONSTRAINT ON (node:`UNIQUE IMPORT LABEL`)",
            "CREATE CONSTRAINT ON (node:`UNIQUE IMPORT LABEL`)",
            "MATCH (n:`UNIQUE IMPORT LABEL`)  WITH n LIMIT ",
            "MATCH ()-[r]->() WHERE r.`UNIQUE IMPORT ID REL` IS NOT NULL",
        ];
        if own.iter().any(|own| text.starts_with(own)) {
            return Ok(true);
        }
        let mut lexer = Lexer::new(Dialect::Neo4j, text.as_bytes(), true);
        if loose {
            lexer = lexer.loose();
        }
        let line = self.input.line();
        match read_with(lexer, false).ok().flatten() {
            Some(Ddl::Object(object)) => {
                if object.name() != Some(CONSTRAINT) {
                    if loose {
                        self.repair(schema_names(&object), line);
                    }
                    self.gather.piece(Piece::Object(object));
                }
                Ok(true)
            }
            // An older statement of the schema, which the target reads itself.
            _ if !loose && (text.starts_with("CREATE CONSTRAINT ON ") || text.starts_with("CREATE INDEX ON ")) => {
                let statement = Statement { text: text.to_owned(), line };
                self.gather.piece(Piece::Statement(statement));
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Makes items of what a statement says.
    fn take(&mut self, said: &Said, bytes: &[u8], line: u64) -> Result<()> {
        let mut cursor = Cursor::new(bytes);
        match said {
            Said::Nodes { pattern, labels } => {
                let own = (pattern.label != LABEL).then_some(&pattern.label);
                let all: Vec<&String> = own.into_iter().chain(labels).collect();
                for _ in 0..cursor.list()? {
                    self.node_row(pattern, &all, &mut cursor, line)?;
                }
                Ok(())
            }
            Said::Relationships { start, end, kind } => {
                for _ in 0..cursor.list()? {
                    self.relationship_row([start, end], kind, &mut cursor, line)?;
                }
                Ok(())
            }
            Said::Node { labels } => self.node(labels, cursor, line),
            Said::Relationship { start, end, kind } => {
                let (start, end) = (self.end(start)?, self.end(end)?);
                let index = self.begin(Class::Relationships, &[kind], line)?;
                stored(cursor, &[], self.gather.buffer())?;
                self.push_relationship(start, end, index, line)
            }
        }
    }

    fn begin(&mut self, class: Class, names: &[&String], line: u64) -> Result<u32> {
        self.gather.begin(class, line);
        let mut raw = Vec::new();
        for name in names {
            raw.extend_from_slice(name.as_bytes());
            raw.push(0xFF);
        }
        self.gather.kind(&raw, || {
            let mut seen = std::collections::HashSet::new();
            match names.iter().find(|name| !seen.insert(name.as_str())) {
                Some(twice) => Err(Error::corrupt(format!("the label {twice:?} comes twice"))),
                None => Ok(Kind::labels(names)),
            }
        })
    }

    /// `{_id: 1, properties: {…}}` or `{name: "a", properties: {…}}`.
    fn node_row(&mut self, pattern: &Pattern, labels: &[&String], cursor: &mut Cursor<'_>, line: u64) -> Result<()> {
        let row = members(cursor)?;
        let properties = Cursor::new(find(&row, "properties")?);
        let id = if pattern.by_id() {
            Cursor::new(find(&row, "_id")?).integer()?
        } else {
            let id = self.keyed.number();
            let key = key_of(pattern, &row)?;
            self.keyed.add(&key, id);
            id
        };
        let index = self.begin(Class::Nodes, labels, line)?;
        let keys: Vec<(&str, &[u8])> = row
            .iter()
            .filter(|(name, _)| !pattern.by_id() && pattern.keys.iter().any(|key| key == name))
            .copied()
            .collect();
        stored(properties, &keys, self.gather.buffer())?;
        self.gather.push((id, 0, 0), index, line)
    }

    /// `{start: {…}, end: {…}, properties: {…}}`.
    fn relationship_row(
        &mut self,
        patterns: [&Pattern; 2],
        kind: &String,
        cursor: &mut Cursor<'_>,
        line: u64,
    ) -> Result<()> {
        let row = members(cursor)?;
        let mut ends = [0; 2];
        for ((end, pattern), name) in ends.iter_mut().zip(patterns).zip(["start", "end"]) {
            let told = members(&mut Cursor::new(find(&row, name)?))?;
            *end = if pattern.by_id() {
                Cursor::new(find(&told, "_id")?).integer()?
            } else {
                self.keyed.find(&key_of(pattern, &told)?)?
            };
        }
        let index = self.begin(Class::Relationships, &[kind], line)?;
        stored(Cursor::new(find(&row, "properties")?), &[], self.gather.buffer())?;
        self.push_relationship(ends[0], ends[1], index, line)
    }

    /// A node that stands alone. One without APOC's id may be found by any of its properties: which of them, only the constraint says, and that may come later.
    fn node(&mut self, labels: &[String], cursor: Cursor<'_>, line: u64) -> Result<()> {
        let own: Vec<&String> = labels.iter().filter(|label| *label != LABEL).collect();
        let row = members(&mut cursor.clone())?;
        let id = match row.iter().find(|(name, _)| *name == ID) {
            Some((_, raw)) if own.len() < labels.len() => Cursor::new(raw).integer()?,
            _ => {
                let id = self.keyed.number();
                for label in &own {
                    for (name, value) in &row {
                        let parts = vec![((*name).to_owned(), value.to_vec())];
                        self.keyed.add(&Key { label: (*label).clone(), parts }, id);
                    }
                }
                id
            }
        };
        let index = self.begin(Class::Nodes, &own, line)?;
        stored(cursor, &[], self.gather.buffer())?;
        self.gather.push((id, 0, 0), index, line)
    }

    /// The node that a key with constants means.
    fn end(&self, key: &Key) -> Result<i64> {
        if key.label == LABEL
            && let [(name, value)] = key.parts.as_slice()
            && name == ID
        {
            return Cursor::new(value).integer();
        }
        self.keyed.find(key)
    }

    fn push_relationship(&mut self, start: i64, end: i64, index: u32, line: u64) -> Result<()> {
        self.relationships += 1;
        self.gather.push((self.relationships - 1, start, end), index, line)
    }

    fn repair(&mut self, names: Vec<String>, line: u64) {
        for name in names {
            self.repairs += 1;
            if self.repaired.len() < TOLD {
                self.repaired
                    .push(format!("line {line}: a backtick that APOC did not escape: the name was read as {name:?}"));
            }
        }
    }
}

impl Decoder for Reader {
    fn header(&self) -> &Header {
        &self.header
    }

    fn next(&mut self) -> Result<Option<Piece>> {
        loop {
            if let Some(piece) = self.gather.pop() {
                return Ok(Some(piece));
            }
            if self.ended {
                return Ok(None);
            }
            self.ended = !self.step()?;
        }
    }

    fn trailer(&self) -> Option<&Trailer> {
        None
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = self.repaired.clone();
        if let Some(more) = self.repairs.checked_sub(TOLD as u64).filter(|more| *more > 0) {
            warnings.push(format!("{more} more names with backticks that APOC did not escape were read so"));
        }
        warnings.push(
            "APOC's Cypher has no end mark, no vector indexes, no bytes, and not every index's name and settings: nothing tells whether it is complete"
                .to_owned(),
        );
        warnings
    }
}
