//! Splits the text of a data or header file into rows and fields.

use super::scan::{self, Ends};
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
    ends: Ends,
    quote: u8,
    text: String,
    /// The bytes of a character whose rest was not read yet.
    tail: Vec<u8>,
    /// Where the next row begins.
    at: usize,
    is_at_end: bool,
    /// What follows is not valid UTF-8.
    is_broken: bool,
    fields: Vec<Field>,
    /// The line on which the current row begins.
    line: u64,
    next_line: u64,
    plain: String,
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
            ends: Ends::new(delimiter),
            quote,
            text: String::new(),
            tail: Vec::new(),
            at: 0,
            is_at_end: false,
            is_broken: false,
            fields: Vec::new(),
            line: 0,
            next_line: 1,
            plain: String::new(),
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
    pub(super) fn text(&mut self, index: usize) -> &str {
        let Self { fields, text, plain, quote, .. } = self;
        let Some(field) = fields.get(index) else { return "" };
        // A field begins and ends beside ASCII.
        let found = text.get(field.at.clone()).unwrap_or_default();
        if !field.escaped {
            return found;
        }
        plain.clear();
        let mut rest = found;
        while let Some(at) = memchr::memchr(*quote, rest.as_bytes()) {
            let (head, tail) = rest.split_at(at + 1);
            plain.push_str(head);
            rest = tail.get(1..).unwrap_or_default();
        }
        plain.push_str(rest);
        plain
    }

    /// The number in a field of the current row where it is spelled as usual: a minus or none, and digits. `None` says nothing about what it is.
    #[inline]
    pub(super) fn integer(&self, index: usize) -> Option<i64> {
        let at = &self.fields.get(index)?.at;
        scan::integer(self.text.as_bytes(), at.start, at.end)
    }

    /// The same for a number with digits on both sides of a point.
    #[inline]
    pub(super) fn decimal(&self, index: usize) -> Option<f64> {
        let at = &self.fields.get(index)?.at;
        scan::decimal(self.text.as_bytes(), at.start, at.end)
    }

    /// Goes to the next row that is not blank; `false` at the end.
    pub(super) fn advance(&mut self) -> Result<bool> {
        loop {
            self.line = self.next_line;
            if self.at >= self.text.len() {
                if !self.fill()? {
                    return Ok(false);
                }
                continue;
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
        if self.is_broken {
            return Err(Error::corrupt("a field is not valid UTF-8").at(self.position()));
        }
        if self.is_at_end {
            return Ok(false);
        }
        // The text becomes bytes and text again, so that all of it is proved at once and a field costs nothing.
        let mut bytes = std::mem::take(&mut self.text).into_bytes();
        bytes.drain(..self.at);
        self.at = 0;
        if bytes.len() >= MAX_ROW {
            return Err(Error::corrupt("a row is larger than 1 GiB").at(self.position()));
        }
        bytes.extend_from_slice(&std::mem::take(&mut self.tail));
        let from = bytes.len();
        let wanted = from + CHUNK.max(from);
        bytes.resize(wanted, 0);
        let mut end = from;
        while end < wanted {
            let read = match self.reader.read(bytes.get_mut(end..).unwrap_or_default()) {
                Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => continue,
                other => other.map_err(Error::reading)?,
            };
            if read == 0 {
                self.is_at_end = true;
                break;
            }
            end += read;
        }
        bytes.truncate(end);
        if self.is_at_end {
            if bytes.last().is_some_and(|last| *last != b'\n') {
                bytes.push(b'\n');
            }
        } else {
            self.tail = bytes.split_off(bytes.len() - unfinished(&bytes));
        }
        self.text = String::from_utf8(bytes).unwrap_or_else(|error| {
            // What stands before is read; then the row is told in which the error is.
            self.is_broken = true;
            let valid = error.utf8_error().valid_up_to();
            let mut bytes = error.into_bytes();
            bytes.truncate(valid);
            String::from_utf8(bytes).unwrap_or_default()
        });
        Ok(end > from || self.is_broken)
    }

    fn split(&mut self) -> Result<Split> {
        let Self { text, fields, delimiter, ends, quote, .. } = self;
        let (delimiter, ends, quote) = (*delimiter, *ends, *quote);
        let text = text.as_bytes();
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
                let Some(end) = ends.find(text, at) else { return Ok(Split::Cut) };
                at = end;
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

/// How many bytes at the end are the beginning of a character whose rest is not there.
fn unfinished(bytes: &[u8]) -> usize {
    for (back, byte) in bytes.iter().rev().take(3).enumerate() {
        let size = match byte {
            0x80..=0xBF => continue,
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xFF => 4,
            _ => 1,
        };
        return if size > back + 1 { back + 1 } else { 0 };
    }
    0
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
        rows_of(text.as_bytes())
    }

    fn rows_of(bytes: &[u8]) -> Result<Vec<Vec<(String, bool)>>> {
        let mut rows = Rows::new(Box::new(Drops(bytes.to_vec(), 0)), b',', b'"');
        let mut all = Vec::new();
        while rows.advance()? {
            let count = rows.fields().len();
            all.push((0..count).map(|at| (rows.text(at).to_owned(), rows.fields()[at].quoted)).collect());
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

    /// Characters of every size across the places where the text is read in parts, and bytes that are none.
    #[test]
    fn characters_and_what_is_none() {
        let row = "aé€😀,\"😀\"\"é\"\n";
        let text = row.repeat(3 * CHUNK / row.len());
        for shift in 0..row.len() {
            let text = format!("{}\n{text}", "x".repeat(shift));
            let mut found = Rows::new(Box::new(std::io::Cursor::new(text.into_bytes())), b',', b'"');
            let mut count = 0;
            while found.advance().unwrap() {
                if found.fields().len() == 2 {
                    assert_eq!((found.text(0).to_owned(), found.text(1)), ("aé€😀".to_owned(), "😀\"é"));
                    count += 1;
                }
            }
            assert_eq!(count, 3 * CHUNK / row.len());
        }
        for broken in [&b"a\n\xFF,b\n"[..], b"a\nb\xE2\x82\n", b"a\nb\xF0\x9F", b"a\n\xC3\x28"] {
            let mut found = Rows::new(Box::new(std::io::Cursor::new(broken.to_vec())), b',', b'"');
            assert!(found.advance().unwrap());
            assert_eq!(found.text(0), "a");
            let error = found.advance().unwrap_err().report();
            assert!(error.contains("line 2") && error.contains("UTF-8"), "{error}");
            assert!(rows_of(broken).is_err());
        }
    }
}
