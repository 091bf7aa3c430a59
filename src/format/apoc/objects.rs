//! The JSON objects of a file, one after the other, whether they stand on lines, in an array, or in the lists of an object.

use crate::error::{Error, Position, Result};
use crate::format::cypherl::Input;
use memchr::{memchr, memchr2, memchr3};

/// Objects as they come.
pub(super) struct Objects {
    input: Input,
    form: Option<Form>,
    ended: bool,
}

/// How the objects stand in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// One a line.
    Lines,
    /// In one list.
    Array,
    /// In the lists of one object.
    Lists {
        /// Whether a list is open.
        open: bool,
    },
}

impl Objects {
    pub(super) fn new(input: Input) -> Self {
        Self { input, form: None, ended: false }
    }

    /// The size of the next object, which [`Objects::text`] gives; `None` at the proper end.
    pub(super) fn find(&mut self) -> Result<Option<usize>> {
        let form = match self.form {
            Some(form) => form,
            None => self.begin()?,
        };
        if form == Form::Lines {
            return match self.space(b"")? {
                Some(_) => self.line().map(Some),
                None => Ok(None),
            };
        }
        loop {
            let Some(first) = self.space(b",")? else {
                return if self.ended {
                    Ok(None)
                } else {
                    Err(self.wrong("the file ends before its list does: it is cut off"))
                };
            };
            if self.ended {
                return Err(self.wrong("the file goes on after its end"));
            }
            match (first, self.form) {
                (b'{', Some(Form::Array | Form::Lists { open: true })) => return self.extent().map(Some),
                (b']', Some(Form::Array)) => self.ended = true,
                (b']', Some(Form::Lists { open: true })) => self.form = Some(Form::Lists { open: false }),
                (b'}', Some(Form::Lists { open: false })) => self.ended = true,
                (b'"', Some(Form::Lists { open: false })) => {
                    self.list()?;
                    continue;
                }
                _ => return Err(self.wrong("this is not what APOC writes between its objects")),
            }
            self.input.consume(1);
        }
    }

    /// The text of the object that was found.
    pub(super) fn text(&self, size: usize) -> Result<&str> {
        let bytes = self.input.rest().get(..size).unwrap_or_default();
        std::str::from_utf8(bytes)
            .map_err(|cause| Error::corrupt("the file is not valid UTF-8").at(self.position(cause.valid_up_to())))
    }

    /// Goes past it.
    pub(super) fn consume(&mut self, size: usize) {
        self.input.consume(size);
    }

    pub(super) fn line_number(&self) -> u64 {
        self.input.line()
    }

    pub(super) fn position(&self, ahead: usize) -> Position {
        self.input.position(ahead)
    }

    fn wrong(&self, message: &str) -> Error {
        Error::corrupt(message).at(self.input.position(0))
    }

    /// Tells the form by the first bytes.
    fn begin(&mut self) -> Result<Form> {
        self.input.fill()?;
        if self.input.rest().starts_with("\u{feff}".as_bytes()) {
            self.input.consume(3);
        }
        let form = match self.space(b"")? {
            Some(b'[') => Form::Array,
            Some(b'{') => {
                let rest = self.input.rest().get(1..).unwrap_or_default().trim_ascii_start();
                if rest.starts_with(b"\"nodes\"") || rest.starts_with(b"\"rels\"") {
                    Form::Lists { open: false }
                } else {
                    Form::Lines
                }
            }
            _ => return Err(self.wrong("this is no JSON of APOC: it does not begin with an object or a list")),
        };
        if form != Form::Lines {
            self.input.consume(1);
        }
        self.form = Some(form);
        Ok(form)
    }

    /// Passes over white space and what may stand between objects; tells what stands then.
    fn space(&mut self, also: &[u8]) -> Result<Option<u8>> {
        loop {
            let rest = self.input.rest();
            let size = rest.iter().take_while(|byte| byte.is_ascii_whitespace() || also.contains(byte)).count();
            if let Some(first) = rest.get(size) {
                let first = *first;
                self.input.consume(size);
                return Ok(Some(first));
            }
            self.input.consume(size);
            if self.input.is_last() {
                return Ok(None);
            }
            self.input.fill()?;
        }
    }

    /// Passes over `"nodes": [`.
    fn list(&mut self) -> Result<()> {
        while self.input.rest().len() < 64 && !self.input.is_last() {
            self.input.fill()?;
        }
        let rest = self.input.rest();
        let rest = rest.strip_prefix(b"\"nodes\"").or_else(|| rest.strip_prefix(b"\"rels\""));
        let rest = rest.map(<[u8]>::trim_ascii_start).and_then(|rest| rest.strip_prefix(b":"));
        let Some(rest) = rest.map(<[u8]>::trim_ascii_start).and_then(|rest| rest.strip_prefix(b"[")) else {
            return Err(self.wrong("expected \"nodes\": [ or \"rels\": ["));
        };
        let size = self.input.rest().len() - rest.len();
        self.input.consume(size);
        self.form = Some(Form::Lists { open: true });
        Ok(())
    }

    /// The size of the current line.
    fn line(&mut self) -> Result<usize> {
        let mut seen = 0;
        loop {
            let rest = self.input.rest();
            if let Some(end) = memchr(b'\n', rest.get(seen..).unwrap_or_default()) {
                return Ok(seen + end);
            }
            if self.input.is_last() {
                return Ok(rest.len());
            }
            seen = rest.len();
            self.input.fill()?;
        }
    }

    /// The size of the object that begins here: its braces counted, strings passed over.
    fn extent(&mut self) -> Result<usize> {
        let (mut at, mut depth, mut quoted) = (0_usize, 0_usize, false);
        loop {
            let rest = self.input.rest();
            let tail = rest.get(at..).unwrap_or_default();
            let found = if quoted { memchr2(b'"', b'\\', tail) } else { memchr3(b'"', b'{', b'}', tail) };
            let Some(found) =
                found.filter(|found| !quoted || tail.get(*found) != Some(&b'\\') || found + 1 < tail.len())
            else {
                if self.input.is_last() {
                    return Err(self.wrong("the file ends inside of the object that begins here: it is cut off"));
                }
                // A backslash at the end of what is there comes again.
                at = if quoted { at + memchr(b'\\', tail).unwrap_or(tail.len()) } else { rest.len() };
                self.input.fill()?;
                continue;
            };
            match tail.get(found) {
                Some(b'\\') => at += 1,
                Some(b'"') => quoted = !quoted,
                Some(b'{') => depth += 1,
                _ => depth -= 1,
            }
            at += found + 1;
            if depth == 0 {
                return Ok(at);
            }
        }
    }
}
