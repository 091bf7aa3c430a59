//! Splits the text of a data or header file into rows and fields.

use crate::error::{Error, Position, Result};
use std::io::Read;
use std::ops::Range;

/// A row may not be larger.
const MAX_ROW: usize = 1 << 30;
const CHUNK: usize = 1 << 20;

/// A field of the current row.
#[derive(Clone, Debug)]
pub(super) struct Field {
    at: Range<usize>,
    /// It stood in quotes: empty is the empty string then.
    pub(super) quoted: bool,
    /// It has quotes inside, doubled.
    escaped: bool,
}

/// The rows of one file.
pub(super) struct Rows {
    reader: Box<dyn Read + Send>,
    delimiter: u8,
    quote: u8,
    buffer: Vec<u8>,
    /// Where the next row begins, and where what was read ends.
    at: usize,
    end: usize,
    is_at_end: bool,
    fields: Vec<Field>,
    /// The line on which the current row begins.
    line: u64,
    next_line: u64,
    plain: Vec<u8>,
}

enum Split {
    /// The row ends before this byte of the buffer; so many line breaks are in it.
    Whole(usize, u64),
    /// The buffer ends first.
    Cut,
}

impl Rows {
    pub(super) fn new(reader: Box<dyn Read + Send>, delimiter: u8, quote: u8) -> Self {
        Self {
            reader,
            delimiter,
            quote,
            buffer: Vec::new(),
            at: 0,
            end: 0,
            is_at_end: false,
            fields: Vec::new(),
            line: 0,
            next_line: 1,
            plain: Vec::new(),
        }
    }

    pub(super) fn line(&self) -> u64 {
        self.line
    }

    pub(super) fn position(&self) -> Position {
        Position::line(self.line)
    }

    pub(super) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The text of a field of the current row.
    pub(super) fn text(&mut self, index: usize) -> Result<&str> {
        let Self { fields, buffer, plain, quote, .. } = self;
        let Some(field) = fields.get(index) else { return Ok("") };
        let mut bytes = buffer.get(field.at.clone()).unwrap_or_default();
        if field.escaped {
            plain.clear();
            let mut rest = bytes;
            while let Some(at) = memchr::memchr(*quote, rest) {
                let (head, tail) = rest.split_at(at + 1);
                plain.extend_from_slice(head);
                rest = tail.get(1..).unwrap_or_default();
            }
            plain.extend_from_slice(rest);
            bytes = plain;
        }
        std::str::from_utf8(bytes).map_err(|cause| {
            Error::corrupt("a field is not valid UTF-8").at(Position::line(self.line)).caused_by(cause)
        })
    }

    /// Goes to the next row that is not blank; `false` at the end.
    pub(super) fn advance(&mut self) -> Result<bool> {
        loop {
            self.line = self.next_line;
            if self.at >= self.end && !self.fill()? {
                return Ok(false);
            }
            match self.split()? {
                Split::Whole(next, lines) => {
                    let is_blank = matches!(&*self.fields, [only] if only.at.is_empty() && !only.quoted);
                    self.at = next;
                    self.next_line += lines;
                    if !is_blank {
                        return Ok(true);
                    }
                }
                Split::Cut => {
                    if !self.fill()? {
                        return Err(Error::corrupt("the file ends inside quotes").at(self.position()));
                    }
                }
            }
        }
    }

    /// Reads more behind what is there; `false` at the end of the file. At the end a row without line break gets one.
    fn fill(&mut self) -> Result<bool> {
        if self.is_at_end {
            return Ok(false);
        }
        self.buffer.copy_within(self.at..self.end, 0);
        self.end -= self.at;
        self.at = 0;
        if self.end >= MAX_ROW {
            return Err(Error::corrupt("a row is larger than 1 GiB").at(self.position()));
        }
        let wanted = self.end + CHUNK.max(self.end);
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        let from = self.end;
        while self.end < wanted {
            let read = match self.reader.read(self.buffer.get_mut(self.end..wanted).unwrap_or_default()) {
                Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => continue,
                other => other.map_err(Error::reading)?,
            };
            if read == 0 {
                self.is_at_end = true;
                if self.end > self.at && self.buffer.get(self.end - 1) != Some(&b'\n') {
                    // There is room: reading stopped before the buffer was full.
                    if let Some(byte) = self.buffer.get_mut(self.end) {
                        *byte = b'\n';
                        self.end += 1;
                    }
                }
                break;
            }
            self.end += read;
        }
        Ok(self.end > from)
    }

    fn split(&mut self) -> Result<Split> {
        let Self { buffer, fields, delimiter, quote, .. } = self;
        let (delimiter, quote) = (*delimiter, *quote);
        let text = buffer.get(..self.end).unwrap_or_default();
        fields.clear();
        let (mut at, mut lines) = (self.at, 1);
        loop {
            let from = at;
            let mut field = Field { at: from..from, quoted: false, escaped: false };
            if text.get(at) == Some(&quote) {
                field.quoted = true;
                at += 1;
                loop {
                    let Some(found) = memchr::memchr(quote, text.get(at..).unwrap_or_default()) else {
                        return Ok(Split::Cut);
                    };
                    at += found + 1;
                    match text.get(at) {
                        None => return Ok(Split::Cut),
                        Some(byte) if *byte == quote => {
                            field.escaped = true;
                            at += 1;
                        }
                        Some(_) => break,
                    }
                }
                field.at = from + 1..at - 1;
                let inside = text.get(field.at.clone()).unwrap_or_default();
                lines += memchr::memchr_iter(b'\n', inside).count() as u64;
            } else {
                let rest = text.get(at..).unwrap_or_default();
                let Some(size) = rest.iter().position(|b| *b == delimiter || *b == b'\n' || *b == b'\r') else {
                    return Ok(Split::Cut);
                };
                at += size;
                field.at = from..at;
            }
            fields.push(field);
            match text.get(at) {
                Some(byte) if *byte == delimiter => at += 1,
                Some(b'\n') => return Ok(Split::Whole(at + 1, lines)),
                Some(b'\r') => {
                    return match text.get(at + 1) {
                        None if !self.is_at_end => Ok(Split::Cut),
                        Some(b'\n') => Ok(Split::Whole(at + 2, lines)),
                        _ => Ok(Split::Whole(at + 1, lines)),
                    };
                }
                _ => {
                    let error = Error::corrupt("text after the quote that ends a field");
                    return Err(error.at(Position::line(self.line)).hint("a quote inside quotes is written twice"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A reader that gives one byte at a time, so that every place is one where the buffer ends.
    struct Drops(Vec<u8>, usize);

    impl Read for Drops {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let (Some(byte), Some(place)) = (self.0.get(self.1), buffer.first_mut()) else { return Ok(0) };
            *place = *byte;
            self.1 += 1;
            Ok(1)
        }
    }

    fn rows(text: &str) -> Result<Vec<Vec<(String, bool)>>> {
        let mut rows = Rows::new(Box::new(Drops(text.as_bytes().to_vec(), 0)), b',', b'"');
        let mut all = Vec::new();
        while rows.advance()? {
            let count = rows.fields().len();
            all.push((0..count).map(|at| (rows.text(at).unwrap().to_owned(), rows.fields()[at].quoted)).collect());
        }
        Ok(all)
    }

    #[test]
    fn fields_and_rows() {
        let plain = |text: &str| (text.to_owned(), false);
        let quoted = |text: &str| (text.to_owned(), true);
        let text = "a,b\r\n\n1,\"\",\n\"x\"\"y\"\"\",\"l1\nl2\r\n\",a\"b\r3";
        let expected = vec![
            vec![plain("a"), plain("b")],
            vec![plain("1"), quoted(""), plain("")],
            vec![quoted("x\"y\""), quoted("l1\nl2\r\n"), plain("a\"b")],
            vec![plain("3")],
        ];
        assert_eq!(rows(text).unwrap(), expected);
        assert!(rows("\"a").is_err());
        assert!(rows("\"a\"b,").is_err());
        assert_eq!(rows("").unwrap(), Vec::<Vec<_>>::new());
    }
}
