//! JSON text in, PackStream out. Strict, and bounded in depth.

use super::number::Number;
use super::text;
use crate::error::{Error, Result};
use crate::model::packstream::{self, MAX_DEPTH, too_deep};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::ops::Range;

/// Where the keys of the open objects lie in the output: to find a key that comes twice. Kept between texts, it saves
/// an allocation each.
#[derive(Debug, Default)]
pub struct Keys(Vec<Range<usize>>);

/// A position in JSON text.
#[derive(Debug)]
pub struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    keys: Keys,
    typed: bool,
}

impl<'a> Parser<'a> {
    /// A parser before the text's first byte.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self::reusing(text, Keys::default())
    }

    /// The same, with the memory that an earlier parser left.
    #[must_use]
    pub fn reusing(text: &'a str, mut keys: Keys) -> Self {
        keys.0.clear();
        Self { text, at: 0, keys, typed: true }
    }

    /// The memory, for the next parser.
    #[must_use]
    pub fn into_keys(self) -> Keys {
        self.keys
    }

    /// The offset of the next byte; after an error, of what was wrong.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// Goes to an offset that [`Parser::position`] gave.
    pub fn seek(&mut self, position: usize) {
        self.at = position;
    }

    /// The text from an earlier position to here.
    #[must_use]
    pub fn since(&self, from: usize) -> &'a str {
        self.text.get(from..self.at).unwrap_or_default()
    }

    #[inline]
    pub(super) fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Passes over white space and tells the next byte.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        loop {
            match self.byte() {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                next => return next,
            }
        }
    }

    /// Passes over exactly these bytes, if they are next.
    #[inline]
    pub fn literal(&mut self, expected: &[u8]) -> bool {
        let is_next = self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(expected));
        if is_next {
            self.at += expected.len();
        }
        is_next
    }

    /// Passes over white space and this byte, if it is next.
    #[inline]
    pub fn punctuation(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// The error that something else should be here.
    #[must_use]
    pub fn expected(&self, what: &str) -> Error {
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(found) => Error::corrupt(format!("expected {what}, found {found:?}")),
            None => Error::corrupt(format!("expected {what}, found the end of the line")),
        }
    }

    /// Sets the position to where something began, for an error about it.
    pub fn blame<T>(&mut self, from: usize, message: impl Into<String>) -> Result<T> {
        self.at = from;
        Err(Error::corrupt(message))
    }

    /// Expects nothing but white space up to the end.
    ///
    /// # Errors
    /// Something else follows.
    pub fn end(&mut self) -> Result<()> {
        if self.peek().is_none() { Ok(()) } else { Err(self.expected("the end of the line")) }
    }

    /// Reads a typed value into `out`. After an error, `out` holds a part of it.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn value(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.member(out, 0)
    }

    /// Reads an item's properties into `out`: an object with its keys as they are, even those that begin with `$`, whose members
    /// are typed values and not null.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn properties(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.object_of(out, 0, Rules::Properties)
    }

    /// Passes over a value of plain JSON, in which `$` means nothing. `out` is for its use.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn skip(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let typed = std::mem::replace(&mut self.typed, false);
        let skipped = self.member(out, 0);
        self.typed = typed;
        skipped
    }

    /// Passes over any value of JSON and gives it as it stands: also numbers that no type of ours holds.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn raw(&mut self) -> Result<&'a str> {
        let next = self.peek();
        let from = self.at;
        if next == Some(b'"') {
            self.string()?;
            return Ok(self.since(from));
        }
        let rest = self.text.get(from..).unwrap_or_default();
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        let Some(Ok(value)) = values.next() else { return Err(self.expected("a value")) };
        self.at += values.byte_offset();
        Ok(value.get())
    }

    /// `depth` is the number of containers around the value.
    pub(super) fn member(&mut self, out: &mut Vec<u8>, depth: usize) -> Result<()> {
        match self.peek() {
            Some(b'"') => packstream::put_string(out, &self.string()?),
            Some(b'-' | b'0'..=b'9') => match self.number()? {
                Number::Integer(value) => packstream::put_integer(out, value),
                Number::Float(value) => packstream::put_float(out, value),
            },
            Some(b'{') => return self.object(out, depth),
            Some(b'[') => return self.list(out, depth),
            Some(b't') if self.literal(b"true") => packstream::put_boolean(out, true),
            Some(b'f') if self.literal(b"false") => packstream::put_boolean(out, false),
            Some(b'n') if self.literal(b"null") => packstream::put_null(out),
            _ => return Err(self.expected("a value")),
        }
        Ok(())
    }

    pub(super) fn list(&mut self, out: &mut Vec<u8>, depth: usize) -> Result<()> {
        let depth = deeper(depth)?;
        let open = packstream::open_list(out);
        let size = self.elements(|parser| parser.member(out, depth))?;
        open.close(out, size);
        Ok(())
    }

    /// Reads `[…]`, each element by `each`, and tells how many there were.
    pub fn elements(&mut self, mut each: impl FnMut(&mut Self) -> Result<()>) -> Result<usize> {
        if !self.punctuation(b'[') {
            return Err(self.expected("\"[\""));
        }
        if self.punctuation(b']') {
            return Ok(0);
        }
        let mut size = 0;
        loop {
            each(self)?;
            size += 1;
            if self.punctuation(b']') {
                return Ok(size);
            }
            if !self.punctuation(b',') {
                return Err(self.expected("\",\" or \"]\""));
            }
        }
    }

    /// Reads `{…}` for its fields: `each` is called with a key and where it began, and reads the value.
    ///
    /// # Errors
    /// What is wrong with the text, or what `each` says.
    pub fn fields(&mut self, mut each: impl FnMut(&mut Self, &str, usize) -> Result<()>) -> Result<()> {
        if !self.punctuation(b'{') {
            return Err(self.expected("\"{\""));
        }
        if self.punctuation(b'}') {
            return Ok(());
        }
        loop {
            let (key, from) = self.key()?;
            each(self, &key, from)?;
            if self.punctuation(b'}') {
                return Ok(());
            }
            if !self.punctuation(b',') {
                return Err(self.expected("\",\" or \"}\""));
            }
        }
    }

    /// A key with its colon, and where it began.
    fn key(&mut self) -> Result<(Cow<'a, str>, usize)> {
        if self.peek() != Some(b'"') {
            return Err(self.expected("a key in quotes"));
        }
        let from = self.at;
        let key = self.string()?;
        if !self.punctuation(b':') {
            return Err(self.expected("\":\""));
        }
        Ok((key, from))
    }

    fn object(&mut self, out: &mut Vec<u8>, depth: usize) -> Result<()> {
        let from = self.at;
        if self.typed && self.punctuation(b'{') && self.peek() == Some(b'"') {
            let (key, key_from) = self.key()?;
            if key.starts_with('$') {
                self.typed_value(&key, key_from, out, depth)?;
                if self.punctuation(b',') {
                    return self.blame(key_from, format!("an object with the key {key:?} must have no other key"));
                }
                return if self.punctuation(b'}') { Ok(()) } else { Err(self.expected("\"}\"")) };
            }
        }
        self.at = from;
        self.object_of(out, depth, if self.typed { Rules::Bare } else { Rules::Plain })
    }

    pub(super) fn plain_object(&mut self, out: &mut Vec<u8>, depth: usize) -> Result<()> {
        self.object_of(out, depth, Rules::Plain)
    }

    /// An object that is a map.
    fn object_of(&mut self, out: &mut Vec<u8>, depth: usize, rules: Rules) -> Result<()> {
        let depth = deeper(depth)?;
        let from = self.at;
        let first = self.keys.0.len();
        let open = packstream::open_map(out);
        self.fields(|parser, key, from| {
            match rules {
                Rules::Bare if key.starts_with('$') => {
                    return parser.blame(from, format!("an object with the key {key:?} must have no other key"));
                }
                Rules::Properties if parser.peek() == Some(b'n') => {
                    return parser.blame(from, format!("the property {key:?} is null"));
                }
                _ => {}
            }
            packstream::put_string(out, key);
            parser.keys.0.push(out.len() - key.len()..out.len());
            parser.member(out, depth)
        })?;
        let keys = self.keys.0.get_mut(first..).unwrap_or_default();
        let size = keys.len();
        if let Some(twice) = find_twice(keys, out) {
            return self.blame(from, format!("the key {twice:?} comes twice in one object"));
        }
        self.keys.0.truncate(first);
        open.close(out, size);
        Ok(())
    }

    /// Reads a string; one without escapes is not copied.
    ///
    /// # Errors
    /// There is none, it does not end, or it has a control character, an unknown escape or half a surrogate pair.
    #[inline]
    pub fn string(&mut self) -> Result<Cow<'a, str>> {
        if !self.punctuation(b'"') {
            return Err(self.expected("a string"));
        }
        let run = self.run();
        if self.literal(b"\"") { Ok(Cow::Borrowed(run)) } else { self.escaped(run).map(Cow::Owned) }
    }

    /// The text up to the next quote, backslash or control character.
    #[inline]
    fn run(&mut self) -> &'a str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let run = rest.get(..text::plain(rest.as_bytes())).unwrap_or_default();
        self.at += run.len();
        run
    }

    fn escaped(&mut self, first: &str) -> Result<String> {
        let mut whole = first.to_owned();
        loop {
            let from = self.at;
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(whole);
                }
                Some(b'\\') => {
                    self.at += 1;
                    match self.escape()? {
                        Some(character) => whole.push(character),
                        None => return self.blame(from, "half a surrogate pair is not a character"),
                    }
                }
                Some(control) => {
                    return self.blame(from, format!("the control character {control:#04x} is not escaped"));
                }
                None => return Err(self.expected("the end of a string")),
            }
            whole.push_str(self.run());
        }
    }

    /// What follows a backslash; `None` for half a surrogate pair.
    fn escape(&mut self) -> Result<Option<char>> {
        let character = match self.byte() {
            Some(same @ (b'"' | b'\\' | b'/')) => char::from(same),
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'u') => {
                self.at += 1;
                let first = self.four()?;
                if !(0xD800..0xDC00).contains(&first) {
                    return Ok(char::from_u32(first));
                }
                if !self.literal(b"\\u") {
                    return Ok(None);
                }
                let second = self.four()?;
                let low = (0xDC00..0xE000).contains(&second);
                return Ok(low
                    .then(|| 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00))
                    .and_then(char::from_u32));
            }
            _ => return Err(self.expected("one of \", \\, /, b, f, n, r, t, u after a backslash")),
        };
        self.at += 1;
        Ok(Some(character))
    }

    fn four(&mut self) -> Result<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.byte().and_then(|byte| char::from(byte).to_digit(16));
            code = code * 16 + digit.ok_or_else(|| self.expected("four hexadecimal digits"))?;
            self.at += 1;
        }
        Ok(code)
    }
}

/// What an object that is a map may hold.
#[derive(Clone, Copy)]
enum Rules {
    /// Any key and no null.
    Properties,
    /// Any key.
    Plain,
    /// No key that begins with `$`.
    Bare,
}

pub(super) fn deeper(depth: usize) -> Result<usize> {
    if depth < MAX_DEPTH { Ok(depth + 1) } else { Err(too_deep()) }
}

/// A key that is there twice. Few keys are compared each with each, many are sorted first.
fn find_twice(keys: &mut [Range<usize>], out: &[u8]) -> Option<String> {
    let bytes = |range: &Range<usize>| out.get(range.clone()).unwrap_or_default();
    let twice = if keys.len() <= 16 {
        let mut rest = &*keys;
        loop {
            let (last, before) = rest.split_last()?;
            if before.iter().any(|key| bytes(key) == bytes(last)) {
                break last;
            }
            rest = before;
        }
    } else {
        keys.sort_unstable_by(|a, b| bytes(a).cmp(bytes(b)));
        match keys.windows(2).find(|pair| matches!(pair, [a, b] if bytes(a) == bytes(b))) {
            Some([twice, ..]) => twice,
            _ => return None,
        }
    };
    Some(String::from_utf8_lossy(bytes(twice)).into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn any_value_is_given_as_it_stands() {
        for value in ["1e999", "-0", "99999999999999999999", "\"a\\\"b\"", "[1,{\"a\":[]}]", "null", "{}"] {
            let text = format!("[ {value} ,{value}]");
            let (mut parser, mut found) = (Parser::new(&text), Vec::new());
            parser.elements(|parser| parser.raw().map(|raw| found.push(raw))).unwrap();
            parser.end().unwrap();
            assert_eq!(found, [value, value]);
        }
        for wrong in ["", "nul", "[1", "\"a", "]", "01"] {
            let mut parser = Parser::new(wrong);
            assert!(parser.raw().and_then(|_| parser.end()).is_err(), "{wrong}");
        }
    }
}
