//! Splits lines such as `{"vertices": [{…},{…}]}` into their elements, one at a time: a line may hold 500 elements of many megabytes each.
//!
//! It finds where an element ends and leaves the rest to the JSON parser.

use crate::error::{Error, Position, Result};
use std::io::Read;
use std::ops::Range;

/// No element may be larger: a block's offsets have 32 bits.
const MAX_ELEMENT: usize = 1 << 30;

/// How much is read at once.
const STEP: usize = 256 << 10;

/// The elements of a file.
pub(super) struct Elements {
    reader: Box<dyn Read + Send>,
    key: &'static str,
    buffer: Vec<u8>,
    /// Where the next byte to look at is, in the buffer.
    at: usize,
    /// Where the buffer begins in the file.
    base: u64,
    is_at_end: bool,
    line: u64,
    record: u64,
    is_within: bool,
}

/// Where an element is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// From 1.
    pub(super) line: u64,
    /// Within its line, from 1.
    pub(super) record: u64,
    /// From the start of the uncompressed file.
    pub(super) byte: u64,
}

impl Place {
    pub(super) fn position(&self, file: &str) -> Position {
        Position { file: file.to_owned(), line: self.line, byte: Some(self.byte) }
    }
}

impl Elements {
    /// Of a file whose lines have this key.
    pub(super) fn new(reader: Box<dyn Read + Send>, key: &'static str) -> Self {
        Self { reader, key, buffer: Vec::new(), at: 0, base: 0, is_at_end: false, line: 1, record: 0, is_within: false }
    }

    /// Where the next byte is.
    pub(super) fn place(&self) -> Place {
        Place { line: self.line, record: self.record, byte: self.base + self.at as u64 }
    }

    /// The bytes of an element that [`Elements::next`] told of last.
    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }

    /// The next element; `None` at the end of the file. The range is good until the next call.
    pub(super) fn next(&mut self) -> Result<Option<(Range<usize>, Place)>> {
        loop {
            if !self.is_within {
                if self.skip_space()?.is_none() {
                    return Ok(None);
                }
                self.expect(b'{')?;
                self.key()?;
                self.expect(b':')?;
                self.expect(b'[')?;
                self.is_within = true;
                self.record = 0;
            }
            match self.skip_space()? {
                Some(b']') => {
                    self.at += 1;
                    self.expect(b'}')?;
                    self.is_within = false;
                }
                Some(b',') if self.record > 0 => {
                    self.at += 1;
                    self.skip_space()?;
                    return self.element().map(Some);
                }
                Some(b'{') if self.record == 0 => return self.element().map(Some),
                Some(_) => return Err(Error::corrupt("the elements of an array are not divided by commas")),
                None => return Err(cut_off()),
            }
        }
    }

    fn element(&mut self) -> Result<(Range<usize>, Place)> {
        self.record += 1;
        if self.peek()? != Some(b'{') {
            return Err(Error::corrupt("an element is not an object"));
        }
        let place = self.place();
        self.make_room();
        let (mut depth, mut at) = (0_usize, self.at);
        let mut is_text = false;
        loop {
            while let Some(&byte) = self.buffer.get(at) {
                if is_text {
                    let rest = self.buffer.get(at..).unwrap_or_default();
                    let Some(found) = memchr::memchr2(b'"', b'\\', rest) else {
                        at = self.buffer.len();
                        break;
                    };
                    at += found;
                    if self.buffer.get(at) == Some(&b'\\') {
                        // What is escaped may lie behind the buffer's end: the next round begins behind it then.
                        at += 2;
                    } else {
                        is_text = false;
                        at += 1;
                    }
                    continue;
                }
                at += 1;
                match byte {
                    b'"' => is_text = true,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            let range = self.at..at;
                            self.at = at;
                            return Ok((range, place));
                        }
                    }
                    b'\n' => self.line += 1,
                    _ => {}
                }
            }
            if self.buffer.len() - self.at > MAX_ELEMENT {
                return Err(Error::corrupt("an element is larger than 1 GiB"));
            }
            if !self.fill()? {
                return Err(cut_off());
            }
        }
    }

    fn key(&mut self) -> Result<()> {
        self.skip_space()?;
        for byte in [b"\"", self.key.as_bytes(), b"\""].concat() {
            if self.peek()? != Some(byte) {
                return Err(Error::corrupt(format!("a line does not begin with {{\"{}\": [", self.key)));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn expect(&mut self, wanted: u8) -> Result<()> {
        match self.skip_space()? {
            Some(found) if found == wanted => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(Error::corrupt(format!("a line is not like {{\"{}\": […]}}", self.key))),
            None => Err(cut_off()),
        }
    }

    /// Goes to the next byte that is not white space, and gives it.
    fn skip_space(&mut self) -> Result<Option<u8>> {
        loop {
            match self.peek()? {
                Some(byte) if byte.is_ascii_whitespace() => {
                    self.line += u64::from(byte == b'\n');
                    self.at += 1;
                }
                other => return Ok(other),
            }
        }
    }

    fn peek(&mut self) -> Result<Option<u8>> {
        while self.at >= self.buffer.len() {
            self.make_room();
            if !self.fill()? {
                return Ok(None);
            }
        }
        Ok(self.buffer.get(self.at).copied())
    }

    /// Forgets what was looked at.
    fn make_room(&mut self) {
        if self.at > STEP || self.at == self.buffer.len() {
            self.buffer.drain(..self.at);
            self.base += self.at as u64;
            self.at = 0;
        }
    }

    /// Reads more; `false` at the end.
    fn fill(&mut self) -> Result<bool> {
        if self.is_at_end {
            return Ok(false);
        }
        // A large element is met with larger steps, so that it is not copied time and again.
        let wanted = STEP.max(self.buffer.len() - self.at).min(16 << 20);
        let read = self.reader.by_ref().take(wanted as u64).read_to_end(&mut self.buffer).map_err(Error::reading)?;
        self.is_at_end = read == 0;
        Ok(read > 0)
    }
}

fn cut_off() -> Error {
    Error::corrupt("the file ends in the middle of a line")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A reader that gives one byte at a time.
    struct Slow(std::io::Cursor<Vec<u8>>);

    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0.read(buffer.get_mut(..1).unwrap_or_default())
        }
    }

    fn all(text: &str) -> Result<Vec<(String, u64, u64)>> {
        let mut elements = Elements::new(Box::new(Slow(std::io::Cursor::new(text.as_bytes().to_vec()))), "edges");
        let mut found = Vec::new();
        while let Some((range, place)) = elements.next()? {
            assert_eq!(text.as_bytes()[place.byte as usize], b'{');
            found.push((String::from_utf8(elements.bytes(range).to_vec()).unwrap(), place.line, place.record));
        }
        Ok(found)
    }

    #[test]
    fn elements_are_found() {
        let text =
            "{\"edges\": [{\"a\":\"}\\\"]\"},{\"b\":[{}]}]}\n\n{ \"edges\" :[]}\r\n{\"edges\":[ {\"c\":\"\\\\\"} ]}";
        let found = all(text).unwrap();
        let expected = [("{\"a\":\"}\\\"]\"}", 1, 1), ("{\"b\":[{}]}", 1, 2), ("{\"c\":\"\\\\\"}", 4, 1)];
        assert_eq!(found, expected.map(|(text, line, record)| (text.to_owned(), line, record)));
        assert_eq!(all("").unwrap(), []);
        // Between lines a file may end; nowhere else.
        let ends = [text.find("\n\n").unwrap(), text.find("\r\n").unwrap(), text.len()];
        let is_end = |cut: usize| ends.contains(&text[..cut].trim_end().len());
        for cut in 1..text.len() {
            assert_eq!(all(&text[..cut]).is_ok(), is_end(cut), "cut at {cut}: {}", &text[..cut]);
        }
    }

    #[test]
    fn what_is_no_such_line_is_refused() {
        for text in [
            "{\"vertices\":[]}",
            "[",
            "{\"edges\":{}}",
            "{\"edges\":[1]}",
            "{\"edges\":[{}{}]}",
            "{\"edges\":[,{}]}",
            "{\"edges\":[{}]",
            "{\"edges\":[{},]}",
            "{\"edges\":[{\"a\":\"}]}",
            "{\"edges\":[]",
            "{\"edges\":[]},",
        ] {
            assert!(all(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_large_element_is_found() {
        let inner = "x".repeat(3 << 20);
        let text = format!("{{\"edges\": [{{\"a\":\"{inner}\"}},{{}}]}}");
        let reader = Box::new(std::io::Cursor::new(text.into_bytes()));
        let mut elements = Elements::new(reader, "edges");
        let (range, _) = elements.next().unwrap().unwrap();
        assert_eq!(range.len(), inner.len() + 8);
        assert_eq!(elements.next().unwrap().unwrap().0.len(), 2);
        assert!(elements.next().unwrap().is_none());
    }
}
