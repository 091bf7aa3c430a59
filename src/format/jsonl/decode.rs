//! The reader: lines in, pieces out, and the trailer's proof at the end.

use super::VERSION;
use super::lines::Lines;
use super::record::{Record, Scratch};
use crate::error::{Error, Result};
use crate::format::{Decoder, Piece, Statement};
use crate::model::block::{KindMemo, MAX_BYTES};
use crate::model::header::Origin;
use crate::model::tally::{Counter, Tally};
use crate::model::{Block, Class, Header, Trailer};

/// An item may not be larger: a block's offsets have 32 bits.
const MAX_ITEM: usize = 1 << 30;

/// Reads JSONL.
pub(super) struct Reader {
    lines: Lines,
    header: Header,
    has_header: bool,
    /// Whether this is a part of a dump, which has no trailer: what holds the parts together proves them.
    is_part: bool,
    /// The number of the last line that was there.
    last_line: u64,
    trailer: Option<Trailer>,
    block: Block,
    kinds: KindMemo,
    scratch: Scratch,
    counter: Counter,
    saw_relationships: bool,
}

/// What became of a line.
enum Step {
    /// It was taken in; there is more to do before a piece is ready.
    Taken,
    /// The block has to go first; the line comes again.
    Flush,
    /// It is a piece of its own.
    Piece(Piece),
    /// It is the trailer, and it agrees.
    End(Trailer),
}

impl Reader {
    /// Reads the first line that is not blank.
    pub(super) fn new(reader: Box<dyn std::io::Read + Send>) -> Result<Self> {
        let mut this = Self::over(Lines::new(reader), false);
        this.head()?;
        Ok(this)
    }

    /// Reads a part of a dump: the first one, which begins with a header, or another one, which has none.
    pub(super) fn part(reader: Box<dyn std::io::Read + Send>, first_line: u64) -> Result<Self> {
        let mut this = Self::over(Lines::starting_at(first_line, reader), true);
        if first_line == 1 {
            this.head()?;
            if !this.has_header {
                return Err(Error::corrupt("the first line is no header").at(this.lines.position(0)));
            }
        }
        Ok(this)
    }

    fn over(lines: Lines, is_part: bool) -> Self {
        Self {
            lines,
            is_part,
            last_line: 0,
            header: Header { source: Origin { product: "jsonl".into(), ..Origin::default() }, ..Header::default() },
            has_header: false,
            trailer: None,
            block: Block::new(Class::Nodes),
            kinds: KindMemo::new(),
            scratch: Scratch::default(),
            counter: Counter::default(),
            saw_relationships: false,
        }
    }

    fn head(&mut self) -> Result<()> {
        if !self.next_line()? {
            return Err(Error::corrupt("the dump is empty"));
        }
        let text = text_of(&self.lines)?;
        match self.scratch.record(text) {
            Ok(Record::Header { version, .. }) if version > VERSION => {
                let error =
                    format!("the dump has version {version} of the format, and this program reads up to {VERSION}");
                return Err(Error::corrupt(error).at(self.lines.position(0)).hint("read it with a newer graphferry"));
            }
            Ok(Record::Header { header, .. }) => {
                self.header = *header;
                self.has_header = true;
            }
            Ok(Record::Node { .. } | Record::Existing { .. }) => self.lines.hold(),
            Ok(_) => {
                let error = Error::corrupt("the first line is neither a header nor a node");
                return Err(error.at(self.lines.position(0)));
            }
            Err((error, byte)) => {
                let is_json = text.trim_start().starts_with('{');
                let error = error.at(self.lines.position(byte));
                return Err(if is_json { error } else { error.hint("is this a JSONL dump?") });
            }
        }
        Ok(())
    }

    /// Goes to the next line that is not blank.
    fn next_line(&mut self) -> Result<bool> {
        while self.lines.advance()? {
            self.last_line = self.lines.number();
            if !self.lines.line().trim_ascii().is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes the block ready for an item of this class from the current line, or tells that another block has to go first.
    fn make_room(&mut self, class: Class) -> Result<bool> {
        if self.block.is_empty() {
            if class == Class::Nodes && self.saw_relationships {
                return Err(Error::corrupt("a node after the first relationship")
                    .at(self.lines.position(0))
                    .hint("put all lines of nodes before those of relationships"));
            }
            if self.block.class() != class {
                self.block = Block::new(class);
            }
            self.saw_relationships |= class == Class::Relationships;
            self.block.set_first_line(self.lines.number());
            self.kinds.clear();
            return Ok(true);
        }
        let is_huge = self.lines.line().len() > MAX_BYTES;
        let is_far = self.lines.number() - self.block.first_line() > u64::from(u32::MAX);
        Ok(!self.block.is_full() && self.block.class() == class && !is_huge && !is_far)
    }

    fn step(&mut self) -> Result<Step> {
        let class = if self.lines.line().starts_with(b"{\"node\":") { Class::Nodes } else { Class::Relationships };
        // After the relationships only a reference to an existing node may follow, which is no item.
        let looks_like_item =
            (class == Class::Nodes && !self.saw_relationships) || self.lines.line().starts_with(b"{\"relationship\":");
        if looks_like_item {
            if !self.make_room(class)? {
                return Ok(Step::Flush);
            }
            let line = self.line_in_block();
            let text = text_of(&self.lines)?;
            if self.scratch.item(text, &mut self.block, &mut self.kinds, line).is_some() {
                return self.check_size();
            }
            self.block.discard();
        }
        let text = text_of(&self.lines)?;
        let record = match self.scratch.record(text) {
            Ok(record) => record,
            Err(_) if (self.has_header || self.is_part) && !self.lines.is_ended() => {
                let error = Error::corrupt("the dump is cut off in the middle of a line");
                return Err(error.at(self.lines.position(text.len())));
            }
            Err((error, byte)) => return Err(error.at(self.lines.position(byte))),
        };
        match record {
            Record::Node { id, labels } => self.push(Class::Nodes, (id, 0, 0), &labels.0, labels.1),
            Record::Relationship { id, start, end, kind } => {
                self.push(Class::Relationships, (id, start, end), &kind.0, kind.1)
            }
            // Whatever is no item ends the block, so that the order is kept.
            _ if !self.block.is_empty() => Ok(Step::Flush),
            Record::Existing { id, existing } => Ok(Step::Piece(Piece::Existing { old: id, new: existing })),
            Record::Schema(object) => {
                self.counter.object(&object);
                Ok(Step::Piece(Piece::Object(*object)))
            }
            Record::Statement(text) => {
                self.counter.statement();
                Ok(Step::Piece(Piece::Statement(Statement { text, line: self.lines.number() })))
            }
            Record::Header { .. } => Err(Error::corrupt("a second header").at(self.lines.position(0))),
            Record::Trailer(_) if self.is_part => {
                Err(Error::corrupt("a trailer inside a part").at(self.lines.position(0)))
            }
            Record::Trailer(trailer) => self.close(*trailer),
        }
    }

    fn line_in_block(&self) -> u32 {
        // make_room has seen that it fits.
        (self.lines.number() - self.block.first_line()) as u32
    }

    /// Adds an item that the slow path has read; its properties lie in the scratch.
    fn push(&mut self, class: Class, ids: (i64, i64, i64), raw: &str, kind: crate::model::Kind) -> Result<Step> {
        if !self.make_room(class)? {
            return Ok(Step::Flush);
        }
        let kind = self.kinds.index(&mut self.block, raw.as_bytes(), || Ok::<_, Error>(kind))?;
        self.block.buffer().append(&mut self.scratch.properties);
        let line = self.line_in_block();
        self.block.push(ids.0, ids.1, ids.2, kind, line);
        self.scratch.shrink();
        self.check_size()
    }

    fn check_size(&self) -> Result<Step> {
        match self.block.items().last() {
            Some(item) if self.block.properties(item).len() > MAX_ITEM || self.block.byte_len() > MAX_ITEM * 2 => {
                Err(Error::corrupt("the properties of one item are larger than 1 GiB").at(self.lines.position(0)))
            }
            _ => Ok(Step::Taken),
        }
    }

    /// Compares the trailer with what was read, and sees that it is the end.
    fn close(&mut self, trailer: Trailer) -> Result<Step> {
        let checksum = self.lines.checksum();
        let place = self.lines.position(0);
        if !trailer.blake3.eq_ignore_ascii_case(&checksum) {
            return Err(Error::corrupt("the checksum does not agree: the dump was changed or damaged").at(place));
        }
        let read = self.counter.tally();
        trailer
            .tally
            .check(&read)
            .and_then(|()| check_values(&trailer.tally, &read))
            .map_err(|error| error.at(place))?;
        if self.lines.advance()? {
            return Err(Error::corrupt("the dump goes on after its trailer").at(self.lines.position(0)));
        }
        Ok(Step::End(trailer))
    }

    /// The number of the last line that was read.
    pub(super) fn line(&self) -> u64 {
        self.last_line
    }

    /// What was read, after the end.
    pub(super) fn tally(&self) -> Tally {
        self.counter.tally()
    }

    fn flush(&mut self) -> Result<Piece> {
        let next = Block::new(self.block.class());
        let block = std::mem::replace(&mut self.block, next);
        self.counter.block(&block)?;
        Ok(Piece::Block(block))
    }
}

/// The counts that other formats cannot promise to keep: this one does.
pub(super) fn check_values(says: &Tally, read: &Tally) -> Result<()> {
    let unlabelled = ("unlabelled nodes", says.unlabelled, read.unlabelled);
    let names = says.values.keys().chain(read.values.keys());
    let count = |tally: &Tally, name| tally.values.get(name).copied().unwrap_or(0);
    let values = names.map(|name| (name.as_str(), count(says, name), count(read, name)));
    match std::iter::once(unlabelled).chain(values).find(|(_, says, found)| says != found) {
        Some((what, says, found)) => {
            Err(Error::corrupt(format!("the trailer counts {says} for {what:?}, the dump holds {found}")))
        }
        None => Ok(()),
    }
}

fn text_of(lines: &Lines) -> Result<&str> {
    std::str::from_utf8(lines.line())
        .map_err(|cause| Error::corrupt("the line is not valid UTF-8").at(lines.position(cause.valid_up_to())))
}

impl Decoder for Reader {
    fn header(&self) -> &Header {
        &self.header
    }

    fn next(&mut self) -> Result<Option<Piece>> {
        if self.trailer.is_some() {
            return Ok(None);
        }
        while self.next_line()? {
            match self.step()? {
                Step::Taken => {}
                Step::Piece(piece) => return Ok(Some(piece)),
                Step::End(trailer) => {
                    self.trailer = Some(trailer);
                    return Ok(None);
                }
                Step::Flush => {
                    self.lines.hold();
                    return self.flush().map(Some);
                }
            }
        }
        if !self.block.is_empty() {
            return self.flush().map(Some);
        }
        if self.has_header && !self.is_part {
            let error = Error::corrupt("the dump ends without its trailer: the rest is missing");
            return Err(error.at(self.lines.position(0)));
        }
        Ok(None)
    }

    fn trailer(&self) -> Option<&Trailer> {
        self.trailer.as_ref()
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.has_header {
            warnings.push("the dump has no header: it is read as made by hand".to_owned());
            if self.trailer.is_none() {
                warnings.push("the dump has no trailer: nothing tells whether it is complete".to_owned());
            }
        }
        warnings
    }
}
