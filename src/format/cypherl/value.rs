//! Constant expressions: from Cypher straight to PackStream.
//!
//! Read is what our own writers and Memgraph's dumps contain, and what else is constant without doubt: literals, lists, maps, arithmetic
//! on numbers, enum values, and the calls that [`super::call`] knows. Anything else is [`Stop::Unknown`]: the statement is then one that only
//! the system itself understands.

mod number;

use super::call;
use super::lex::{Lexed, Lexer, Stop};
use super::oddity::Oddity;
use crate::cypher::Dialect;
use crate::model::packstream::{self, MAX_DEPTH, Open};
use number::{number, special};

/// Reads values. `lenient` takes enum names as Memgraph's own dumps have them, with spaces and no backticks.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::format) struct Values {
    pub(in crate::format) lenient: bool,
}

impl Values {
    /// Reads one value and writes it as PackStream. The cursor stands on its first byte.
    #[inline]
    pub(in crate::format) fn value(self, lexer: &mut Lexer<'_>, out: &mut Vec<u8>, depth: usize) -> Lexed<()> {
        match lexer.peek()? {
            b'"' | b'\'' => packstream::put_string(out, &lexer.string()?),
            // Memgraph's dumps print the float -0.0 so; the integer 0 never has a sign.
            b'-' if self.lenient && matches!(lexer.rest(), [b'-', b'0', b',' | b'}' | b']', ..]) => {
                lexer.seek(lexer.at() + 2);
                lexer.note(Oddity::MinusZero);
                packstream::put_float(out, -0.0);
            }
            b'0'..=b'9' | b'-' | b'.' | b'+' | b'(' => number(lexer)?.put(out),
            b'[' => self.list(lexer, out, depth + 1)?,
            b'{' => {
                let open = packstream::open_map(out);
                lexer.bump();
                lexer.space()?;
                self.members(lexer, out, open, depth + 1, false)?;
            }
            _ => self.word(lexer, out)?,
        }
        Ok(())
    }

    fn list(self, lexer: &mut Lexer<'_>, out: &mut Vec<u8>, depth: usize) -> Lexed<()> {
        if depth > MAX_DEPTH {
            return Err(lexer.corrupt(packstream::too_deep().message()));
        }
        lexer.bump();
        lexer.space()?;
        let open = packstream::open_list(out);
        let mut size = 0;
        while !lexer.eat(b']')? {
            if size > 0 {
                lexer.expect(b',')?;
            }
            self.value(lexer, out, depth)?;
            size += 1;
            lexer.space()?;
        }
        open.close(out, size);
        Ok(())
    }

    /// Reads the members of a map up to its brace, which is taken too; the cursor stands before the first key. With `stored`, what
    /// is null is left out: a property that is null is not there.
    pub(super) fn members(
        self,
        lexer: &mut Lexer<'_>,
        out: &mut Vec<u8>,
        open: Open,
        depth: usize,
        stored: bool,
    ) -> Lexed<()> {
        if depth > MAX_DEPTH {
            return Err(lexer.corrupt(packstream::too_deep().message()));
        }
        let mut keys = Keys::default();
        let mut size = 0;
        if lexer.eat(b'}')? {
            open.close(out, 0);
            return Ok(());
        }
        loop {
            let before = (lexer.at(), out.len());
            let key = lexer.name()?;
            packstream::put_string(out, &key);
            if !keys.add(out, before.1, key.len()) {
                lexer.seek(before.0);
                return Err(lexer.corrupt(format!("the key {key:?} is there twice")));
            }
            lexer.expect(b':')?;
            let value = out.len();
            self.value(lexer, out, depth)?;
            if stored && out.get(value..) == Some(&[0xC0]) {
                out.truncate(before.1);
                keys.forget();
            } else {
                size += 1;
            }
            lexer.space()?;
            if lexer.eat(b',')? {
                lexer.space()?;
            } else if lexer.eat(b'}')? {
                open.close(out, size);
                return Ok(());
            } else {
                return Err(Stop::Unknown);
            }
        }
    }

    fn word(self, lexer: &mut Lexer<'_>, out: &mut Vec<u8>) -> Lexed<()> {
        let from = lexer.at();
        if lexer.peek()? != b'`' {
            let word = lexer.word()?;
            let constant: Option<fn(&mut Vec<u8>)> = match word {
                _ if word.eq_ignore_ascii_case("true") => Some(|out| packstream::put_boolean(out, true)),
                _ if word.eq_ignore_ascii_case("false") => Some(|out| packstream::put_boolean(out, false)),
                _ if word.eq_ignore_ascii_case("null") => Some(packstream::put_null),
                _ => None,
            };
            match (constant, lexer.peek()) {
                (_, Ok(b':')) if lexer.rest().starts_with(b"::") => {}
                (Some(put), _) => {
                    put(out);
                    return Ok(());
                }
                (None, Ok(b'(' | b'.')) => {
                    lexer.seek(from);
                    return call::value(self, lexer, out);
                }
                (None, _) if special(word).is_some() => {
                    lexer.seek(from);
                    return number(lexer).map(|number| number.put(out));
                }
                (None, _) if self.lenient => {
                    lexer.seek(from);
                    return bare_enum(lexer, out);
                }
                _ => return Err(if lexer.rest().is_empty() { lexer.short() } else { Stop::Unknown }),
            }
            lexer.seek(from);
        }
        let kind = lexer.name()?;
        lexer.exactly("::")?;
        if self.lenient {
            lexer.seek(from);
            return bare_enum(lexer, out);
        }
        let member = lexer.name()?;
        put_enum(out, &format!("{kind}::{member}"));
        Ok(())
    }
}

fn put_enum(out: &mut Vec<u8>, text: &str) {
    packstream::put_value(out, &crate::model::ValueRef::Enum(text));
}

/// An enum value as Memgraph dumps it: both names bare, whatever they are made of. Ends where a value has to end.
fn bare_enum(lexer: &mut Lexer<'_>, out: &mut Vec<u8>) -> Lexed<()> {
    let from = lexer.at();
    let rest = lexer.rest();
    let Some(size) = rest.iter().position(|byte| matches!(byte, b',' | b'}' | b']' | b'(' | b'"' | b'\'' | b';'))
    else {
        return Err(lexer.short());
    };
    let text = lexer.utf8(from, rest.get(..size).unwrap_or_default())?.trim_end();
    if !text.contains("::") || !matches!(rest.get(size), Some(b',' | b'}' | b']')) {
        return Err(Stop::Unknown);
    }
    // In a file that a person wrote, the names may stand in backticks all the same.
    let mut quoted = Lexer::new(Dialect::Memgraph, text.as_bytes(), true);
    let parts = (quoted.name(), quoted.exactly("::"), quoted.name());
    match parts {
        (Ok(kind), Ok(()), Ok(member)) if quoted.rest().is_empty() => put_enum(out, &format!("{kind}::{member}")),
        _ => {
            put_enum(out, text);
            lexer.note(Oddity::BareName);
        }
    }
    lexer.seek(from + text.len());
    Ok(())
}

/// The keys of a map so far, as places in the output. Small maps are compared, larger ones hashed.
#[derive(Default)]
struct Keys {
    few: [(u32, u32); 12],
    count: usize,
    many: rustc_hash::FxHashSet<Box<[u8]>>,
}

impl Keys {
    /// Adds the key whose head begins at `from` and whose text is the last `size` bytes; false if it is known.
    #[inline]
    fn add(&mut self, out: &[u8], from: usize, size: usize) -> bool {
        let _ = from;
        let start = out.len() - size;
        let key = out.get(start..).unwrap_or_default();
        if self.count < self.few.len() {
            let known = self.few.iter().take(self.count).any(|(at, length)| {
                *length as usize == size && out.get(*at as usize..(*at + *length) as usize) == Some(key)
            });
            if let Some(slot) = self.few.get_mut(self.count) {
                *slot = (start as u32, size as u32);
            }
            self.count += 1;
            return !known;
        }
        if self.many.is_empty() {
            let few = self.few.iter().filter_map(|(at, length)| out.get(*at as usize..(*at + *length) as usize));
            self.many.extend(few.map(Box::from));
        }
        self.many.insert(key.into())
    }

    /// Forgets the last key of a small map, whose value was null: its bytes are gone.
    fn forget(&mut self) {
        self.count = self.count.saturating_sub(usize::from(self.many.is_empty()));
    }
}
