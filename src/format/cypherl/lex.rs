//! Cypher's words, names, strings and comments, and where a statement ends.
//!
//! The lexer works on a piece of a dump that may end anywhere. Whoever calls it begins again with more bytes after [`Stop::More`]: pieces are
//! large and statements small, so that this is rare, and no state has to survive the end of a piece.

use super::oddity::{Oddities, Oddity};
use crate::cypher::Dialect;
use crate::error::Error;
use memchr::{memchr, memchr2};
use std::borrow::Cow;

/// Why the lexer, or a parser on top of it, did not come to an end.
#[derive(Debug)]
pub(in crate::format) enum Stop {
    /// The piece ends too early, and it is not the last.
    More,
    /// This is something else than what was looked for.
    Unknown,
    /// The dump is damaged, at this offset from the start of the piece.
    Corrupt(usize, Error),
}

pub(in crate::format) type Lexed<T> = std::result::Result<T, Stop>;

/// A position in a piece of a dump.
#[derive(Clone, Copy, Debug)]
pub(in crate::format) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    /// Whether nothing follows the piece.
    last: bool,
    dialect: Dialect,
    oddities: Oddities,
    /// Whether a backtick in a name may stand alone, as APOC writes it: the name ends where something follows that can follow one.
    loose: bool,
}

impl<'a> Lexer<'a> {
    pub(in crate::format) fn new(dialect: Dialect, text: &'a [u8], last: bool) -> Self {
        Self { text, at: 0, last, dialect, oddities: Oddities::default(), loose: false }
    }

    /// The same position, from where a backtick in a name may stand alone.
    pub(in crate::format) fn loose(mut self) -> Self {
        self.loose = true;
        self
    }

    pub(in crate::format) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Counts something that Memgraph wrote and cannot read.
    pub(super) fn note(&mut self, oddity: Oddity) {
        self.oddities.note(oddity);
    }

    /// What was counted.
    pub(super) fn oddities(&self) -> &Oddities {
        &self.oddities
    }

    /// The offset from the start of the piece.
    pub(in crate::format) fn at(&self) -> usize {
        self.at
    }

    pub(in crate::format) fn seek(&mut self, at: usize) {
        self.at = at;
    }

    #[inline]
    pub(in crate::format) fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The bytes from an earlier offset to here.
    pub(in crate::format) fn since(&self, from: usize) -> &'a [u8] {
        self.text.get(from..self.at).unwrap_or_default()
    }

    /// What it means that the piece ends here.
    pub(in crate::format) fn short(&self) -> Stop {
        if self.last { Stop::Unknown } else { Stop::More }
    }

    pub(in crate::format) fn corrupt(&self, message: impl Into<String>) -> Stop {
        Stop::Corrupt(self.at, Error::corrupt(message))
    }

    #[inline]
    pub(in crate::format) fn peek(&self) -> Lexed<u8> {
        self.text.get(self.at).copied().ok_or_else(|| self.short())
    }

    /// The byte after the next, if there is one in the piece.
    pub(in crate::format) fn peek_second(&self) -> Option<u8> {
        self.text.get(self.at + 1).copied()
    }

    pub(in crate::format) fn bump(&mut self) {
        self.at += 1;
    }

    /// Passes over a byte if it is next.
    #[inline]
    pub(in crate::format) fn eat(&mut self, byte: u8) -> Lexed<bool> {
        let found = self.peek()? == byte;
        self.at += usize::from(found);
        Ok(found)
    }

    /// Passes over a byte that has to be next, and the space before and after it.
    pub(in crate::format) fn expect(&mut self, byte: u8) -> Lexed<()> {
        self.space()?;
        if !self.eat(byte)? {
            return Err(Stop::Unknown);
        }
        self.space()
    }

    /// Passes over a text that has to be next.
    #[inline]
    pub(in crate::format) fn exactly(&mut self, text: &str) -> Lexed<()> {
        let rest = self.rest();
        if rest.starts_with(text.as_bytes()) {
            self.at += text.len();
            Ok(())
        } else if text.as_bytes().starts_with(rest) {
            Err(self.short())
        } else {
            Err(Stop::Unknown)
        }
    }

    /// Passes over white space and comments. The end of the last piece is no error here.
    #[inline]
    pub(in crate::format) fn space(&mut self) -> Lexed<()> {
        loop {
            match self.text.get(self.at) {
                Some(b' ' | b'\n' | b'\t' | b'\r' | 0x0B | 0x0C) => self.at += 1,
                Some(b'/') if matches!(self.peek_second(), Some(b'/' | b'*')) => self.comment()?,
                Some(b'/') if self.peek_second().is_none() && !self.last => return Err(Stop::More),
                None if !self.last => return Err(Stop::More),
                _ => return Ok(()),
            }
        }
    }

    /// Passes over a comment; the cursor stands before its two first bytes.
    pub(in crate::format) fn comment(&mut self) -> Lexed<()> {
        if self.peek_second() == Some(b'/') {
            match memchr(b'\n', self.rest()) {
                Some(end) => self.at += end + 1,
                None if self.last => self.at = self.text.len(),
                None => return Err(Stop::More),
            }
            return Ok(());
        }
        let body = self.text.get(self.at + 2..).unwrap_or_default();
        match memchr::memmem::find(body, b"*/") {
            Some(end) => self.at += end + 4,
            None if self.last => return Err(self.corrupt("the dump ends inside of a comment that begins here")),
            None => return Err(Stop::More),
        }
        Ok(())
    }

    /// A bare word: letters, digits, `_`, and everything outside of ASCII.
    pub(in crate::format) fn word(&mut self) -> Lexed<&'a str> {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
        let size = self.rest().iter().take_while(|byte| is_part(byte)).count();
        let word = self.rest().get(..size).unwrap_or_default();
        if size == self.rest().len() && !self.last {
            return Err(Stop::More);
        }
        if word.first().is_none_or(u8::is_ascii_digit) {
            return Err(Stop::Unknown);
        }
        let word = self.utf8(self.at, word)?;
        self.at += size;
        Ok(word)
    }

    /// Passes over a keyword if it is next, in any case, and the space after it.
    pub(in crate::format) fn keyword(&mut self, keyword: &str) -> Lexed<bool> {
        let before = self.at;
        match self.word() {
            Ok(word) if word.eq_ignore_ascii_case(keyword) => self.space().map(|()| true),
            Ok(_) | Err(Stop::Unknown) => {
                self.at = before;
                Ok(false)
            }
            Err(stop) => Err(stop),
        }
    }

    /// Passes over keywords that have to be next.
    pub(in crate::format) fn keywords(&mut self, keywords: &str) -> Lexed<()> {
        for keyword in keywords.split(' ') {
            if !self.keyword(keyword)? {
                return Err(Stop::Unknown);
            }
        }
        Ok(())
    }

    /// A name, bare or in backticks.
    pub(in crate::format) fn name(&mut self) -> Lexed<Cow<'a, str>> {
        if self.peek()? != b'`' {
            return self.word().map(Cow::Borrowed);
        }
        let from = self.at;
        self.skip_quoted_name()?;
        let inner = self.text.get(from + 1..self.at - 1).unwrap_or_default();
        let text = self.utf8(from + 1, inner)?;
        if self.loose {
            return Ok(Cow::Borrowed(text));
        }
        match self.dialect {
            Dialect::Memgraph if !text.contains('`') => Ok(Cow::Borrowed(text)),
            Dialect::Memgraph => Ok(Cow::Owned(text.replace("``", "`"))),
            Dialect::Neo4j if memchr2(b'`', b'\\', inner).is_none() => Ok(Cow::Borrowed(text)),
            Dialect::Neo4j => self.decoded_name(from, text).map(Cow::Owned),
        }
    }

    /// Neo4j decodes `\uXXXX` before it reads names, passing over `\\`; no other escape means anything there.
    fn decoded_name(&self, from: usize, text: &str) -> Lexed<String> {
        let mut name = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(['`', '\\']) {
            name.push_str(rest.get(..at).unwrap_or_default());
            let tail = rest.get(at..).unwrap_or_default();
            let taken = if tail.starts_with("\\\\") {
                name.push_str("\\\\");
                2
            } else if tail.starts_with("\\u") {
                let (char, taken) = unicode(tail, 4).map_err(|message| Stop::Corrupt(from, Error::corrupt(message)))?;
                if char == '`' {
                    // It would end the name, or not, depending on what follows. Nobody writes that who means well.
                    return Err(Stop::Corrupt(from, Error::corrupt("a name has an escaped backtick in it")));
                }
                name.push(char);
                taken
            } else {
                name.push(if tail.starts_with('`') { '`' } else { '\\' });
                1 + usize::from(tail.starts_with("``"))
            };
            rest = tail.get(taken..).unwrap_or_default();
        }
        name.push_str(rest);
        Ok(name)
    }

    /// Passes over a name in backticks.
    #[inline]
    pub(in crate::format) fn skip_quoted_name(&mut self) -> Lexed<()> {
        let mut at = self.at + 1;
        loop {
            let Some(end) = memchr(b'`', self.text.get(at..).unwrap_or_default()) else {
                return Err(self.unterminated("name in backticks"));
            };
            at += end + 1;
            match self.text.get(at) {
                Some(b'`') if !self.loose => at += 1,
                Some(next) if self.loose && !b" \t\r\n)|,]:{};.-=".contains(next) => {}
                // Whether a backtick follows is not known yet.
                None if !self.last => return Err(Stop::More),
                _ => break,
            }
        }
        self.at = at;
        Ok(())
    }

    fn unterminated(&self, what: &str) -> Stop {
        if self.last { self.corrupt(format!("the dump ends inside of a {what} that begins here")) } else { Stop::More }
    }

    /// A string; the cursor stands before its quote.
    #[inline]
    pub(in crate::format) fn string(&mut self) -> Lexed<Cow<'a, str>> {
        let quote = self.peek()?;
        let body = self.text.get(self.at + 1..).unwrap_or_default();
        match memchr2(quote, b'\\', body) {
            Some(end) if body.get(end) == Some(&quote) => {
                let text = self.utf8(self.at + 1, body.get(..end).unwrap_or_default())?;
                self.at += end + 2;
                Ok(Cow::Borrowed(text))
            }
            Some(_) => self.escaped_string(quote).map(Cow::Owned),
            None => Err(self.unterminated("string")),
        }
    }

    fn escaped_string(&mut self, quote: u8) -> Lexed<String> {
        let from = self.at;
        self.skip_string(quote)?;
        let inner = self.text.get(from + 1..self.at - 1).unwrap_or_default();
        let mut rest = self.utf8(from + 1, inner)?;
        let mut text = String::with_capacity(inner.len());
        while let Some(at) = memchr(b'\\', rest.as_bytes()) {
            text.push_str(rest.get(..at).unwrap_or_default());
            let tail = rest.get(at..).unwrap_or_default();
            let (char, taken) =
                escape(self.dialect, tail).map_err(|message| Stop::Corrupt(from, Error::corrupt(message)))?;
            text.push(char);
            rest = tail.get(taken..).unwrap_or_default();
        }
        text.push_str(rest);
        Ok(text)
    }

    /// Passes over a string; the cursor stands before its quote.
    pub(in crate::format) fn skip_string(&mut self, quote: u8) -> Lexed<()> {
        let mut at = self.at + 1;
        loop {
            let Some(found) = memchr2(quote, b'\\', self.text.get(at..).unwrap_or_default()) else {
                return Err(self.unterminated("string"));
            };
            at += found;
            if self.text.get(at) == Some(&quote) {
                self.at = at + 1;
                return Ok(());
            }
            at += 2;
        }
    }

    /// Passes over everything up to the semicolon that ends the statement; the cursor stops before it.
    pub(in crate::format) fn skip_statement(&mut self) -> Lexed<()> {
        let from = self.at;
        loop {
            let special = self.rest().iter().position(|byte| matches!(byte, b';' | b'"' | b'\'' | b'`' | b'/'));
            let Some(special) = special else {
                self.at = from;
                return Err(match self.last {
                    true => self.corrupt("the dump ends inside of a statement that begins here: it is truncated"),
                    false => Stop::More,
                });
            };
            self.at += special;
            match self.peek()? {
                b';' => return Ok(()),
                b'`' => self.skip_quoted_name()?,
                b'/' => match self.peek_second() {
                    Some(b'/' | b'*') => self.comment()?,
                    _ => self.bump(),
                },
                quote => self.skip_string(quote)?,
            }
        }
    }

    pub(in crate::format) fn utf8(&self, from: usize, bytes: &'a [u8]) -> Lexed<&'a str> {
        std::str::from_utf8(bytes)
            .map_err(|cause| Stop::Corrupt(from + cause.valid_up_to(), Error::corrupt("the dump is not valid UTF-8")))
    }
}

/// The character that the escape at the start of `text` means, and the escape's size.
fn escape(dialect: Dialect, text: &str) -> Result<(char, usize), String> {
    let next = text.chars().nth(1).unwrap_or_default();
    Ok(match (next, dialect) {
        ('\\' | '"' | '\'', _) => (next, 2),
        ('b', _) => ('\u{8}', 2),
        ('f', _) => ('\u{C}', 2),
        ('n', _) => ('\n', 2),
        ('r', _) => ('\r', 2),
        ('t', _) => ('\t', 2),
        ('u', _) => {
            let (char, taken) = unicode(text, 4)?;
            if dialect == Dialect::Neo4j && matches!(char, '\\' | '"' | '\'') {
                // Decoded before the string's end is looked for: what the string holds then depends on what follows.
                return Err(format!("a string has the escape {} in it", text.get(..taken).unwrap_or_default()));
            }
            (char, taken)
        }
        ('U', Dialect::Memgraph) => unicode(text, 8)?,
        // Neo4j takes the backslash for itself then.
        (_, Dialect::Neo4j) => ('\\', 1),
        _ => return Err(format!("a string has the unknown escape \\{next}")),
    })
}

/// The character of `\uXXXX` (two of them for a surrogate pair) or `\UXXXXXXXX`, and the escape's size.
fn unicode(text: &str, digits: usize) -> Result<(char, usize), String> {
    let number = |from: usize| {
        let hex = text.get(from..from + digits).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        hex.and_then(|hex| u32::from_str_radix(hex, 16).ok())
    };
    let bad = || format!("the escape {} is no character", text.chars().take(2 + digits).collect::<String>());
    let first = number(2).ok_or_else(bad)?;
    if let Some(char) = char::from_u32(first) {
        return Ok((char, 2 + digits));
    }
    let second = text.get(6..8).filter(|head| *head == "\\u" && digits == 4).and_then(|_| number(8)).ok_or_else(bad)?;
    let pair = [first as u16, second as u16];
    match char::decode_utf16(pair).next() {
        Some(Ok(char)) => Ok((char, 12)),
        _ => Err(bad()),
    }
}

/// Whether a text is exactly one statement, without a semicolon outside of quotes and comments.
pub(in crate::format) fn is_one_statement(dialect: Dialect, text: &str) -> bool {
    let closed = format!("{text}\n;");
    let mut lexer = Lexer::new(dialect, closed.as_bytes(), true);
    !text.trim().is_empty() && lexer.skip_statement().is_ok() && lexer.rest() == b";"
}
