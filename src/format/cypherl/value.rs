//! Constant expressions: from Cypher straight to PackStream.
//!
//! Read is what our own writers and Memgraph's dumps contain, and what else is constant without doubt: literals, lists, maps, arithmetic
//! on numbers, enum values, and the calls that [`super::call`] knows. Anything else is [`Stop::Unknown`]: the statement is then one that only
//! the system itself understands.

use super::call;
use super::lex::{Lexed, Lexer, Stop};
use crate::cypher::Dialect;
use crate::model::packstream::{self, MAX_DEPTH, Open};

/// A number of an expression.
#[derive(Clone, Copy, Debug)]
enum Number {
    Integer(i64),
    Float(f64),
}

impl Number {
    fn float(self) -> f64 {
        match self {
            Self::Integer(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    fn put(self, out: &mut Vec<u8>) {
        match self {
            Self::Integer(value) => packstream::put_integer(out, value),
            Self::Float(value) => packstream::put_float(out, value),
        }
    }
}

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
        _ => put_enum(out, text),
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

/// Reads a number, or constant arithmetic that begins with one.
#[inline]
fn number(lexer: &mut Lexer<'_>) -> Lexed<Number> {
    let from = lexer.at();
    if let Some((number, size)) = plain_integer(lexer.rest()) {
        lexer.seek(from + size);
        return Ok(number);
    }
    if let Some((number, size)) = plain_float(lexer.rest()) {
        lexer.seek(from + size);
        return Ok(number);
    }
    sum(lexer, 0)
}

/// The case of almost every integer: at most 18 digits, and a comma or bracket behind it.
#[inline]
fn plain_integer(text: &[u8]) -> Option<(Number, usize)> {
    let negative = text.first() == Some(&b'-');
    let digits = text.get(usize::from(negative)..)?;
    let mut value = 0_i64;
    for (at, byte) in digits.iter().enumerate().take(19) {
        match byte {
            b'0'..=b'9' if at < 18 => value = value * 10 + i64::from(byte - b'0'),
            b',' | b'}' | b']' if at == 1 || at > 1 && digits.first() != Some(&b'0') => {
                return Some((Number::Integer(if negative { -value } else { value }), at + usize::from(negative)));
            }
            _ => return None,
        }
    }
    None
}

/// The case of almost every float: digits, a point or an exponent, and a comma or bracket behind it.
#[inline]
fn plain_float(text: &[u8]) -> Option<(Number, usize)> {
    let size = text.iter().take(40).position(|byte| matches!(byte, b',' | b'}' | b']'))?;
    let number = text.get(..size)?;
    let (digits, mut marked) = (number.strip_prefix(b"-").unwrap_or(number), false);
    for byte in digits {
        match byte {
            b'0'..=b'9' | b'-' | b'+' => {}
            b'.' | b'e' | b'E' => marked = true,
            _ => return None,
        }
    }
    let fits = marked && digits.first()?.is_ascii_digit() && digits.last()?.is_ascii_digit();
    let value: f64 = std::str::from_utf8(number).ok().filter(|_| fits)?.parse().ok()?;
    // A dot must have a digit behind it, which `5.e3` has not.
    let dot = memchr::memchr(b'.', number).is_none_or(|at| number.get(at + 1).is_some_and(u8::is_ascii_digit));
    (dot && value.is_finite()).then_some((Number::Float(value), size))
}

/// `NaN` and infinity by name: Neo4j's literals, and what Memgraph's dumps print.
fn special(word: &str) -> Option<f64> {
    let known = [("nan", f64::NAN), ("inf", f64::INFINITY), ("infinity", f64::INFINITY)];
    known.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn sum(lexer: &mut Lexer<'_>, depth: usize) -> Lexed<Number> {
    let mut left = product(lexer, depth)?;
    loop {
        lexer.space()?;
        let subtract = match lexer.rest().first() {
            Some(b'+') => false,
            Some(b'-') => true,
            _ => return Ok(left),
        };
        lexer.bump();
        lexer.space()?;
        let right = product(lexer, depth)?;
        left = match (left, right) {
            (Number::Integer(a), Number::Integer(b)) => {
                let value = if subtract { a.checked_sub(b) } else { a.checked_add(b) };
                Number::Integer(value.ok_or(Stop::Unknown)?)
            }
            (a, b) if subtract => Number::Float(a.float() - b.float()),
            (a, b) => Number::Float(a.float() + b.float()),
        };
    }
}

fn product(lexer: &mut Lexer<'_>, depth: usize) -> Lexed<Number> {
    let mut left = factor(lexer, depth)?;
    loop {
        lexer.space()?;
        let divide = match lexer.rest().first() {
            Some(b'*') => false,
            Some(b'/') => true,
            _ => return Ok(left),
        };
        lexer.bump();
        lexer.space()?;
        let right = factor(lexer, depth)?;
        left = match (left, right) {
            (Number::Integer(a), Number::Integer(b)) => {
                let value = if divide { a.checked_div(b) } else { a.checked_mul(b) };
                Number::Integer(value.ok_or(Stop::Unknown)?)
            }
            // Which sign 0.0/0.0 has is the processor's choice; ours is the one that every system prints as NaN.
            (a, b) if divide && a.float() == 0.0 && b.float() == 0.0 => Number::Float(f64::NAN),
            (a, b) if divide => Number::Float(a.float() / b.float()),
            (a, b) => Number::Float(a.float() * b.float()),
        };
    }
}

fn factor(lexer: &mut Lexer<'_>, depth: usize) -> Lexed<Number> {
    if depth > MAX_DEPTH {
        return Err(lexer.corrupt(packstream::too_deep().message()));
    }
    match lexer.peek()? {
        b'(' => {
            lexer.bump();
            lexer.space()?;
            let value = sum(lexer, depth + 1)?;
            lexer.space()?;
            if lexer.eat(b')')? { Ok(value) } else { Err(Stop::Unknown) }
        }
        b'+' => {
            lexer.bump();
            lexer.space()?;
            factor(lexer, depth + 1)
        }
        b'-' => {
            lexer.bump();
            lexer.space()?;
            if lexer.rest().starts_with(b"9223372036854775808") {
                return literal(lexer, true);
            }
            Ok(match factor(lexer, depth + 1)? {
                Number::Integer(value) => Number::Integer(value.checked_neg().ok_or(Stop::Unknown)?),
                Number::Float(value) => Number::Float(-value),
            })
        }
        b'0'..=b'9' | b'.' => literal(lexer, false),
        _ => special(lexer.word()?).map(Number::Float).ok_or(Stop::Unknown),
    }
}

/// A number without a sign.
fn literal(lexer: &mut Lexer<'_>, negative: bool) -> Lexed<Number> {
    let text = lexer.rest();
    let mut size = 0;
    while let Some(byte) = text.get(size) {
        let exponent_sign = matches!(byte, b'+' | b'-')
            && matches!(size.checked_sub(1).and_then(|before| text.get(before)), Some(b'e' | b'E'))
            && !text.starts_with(b"0x");
        if !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || exponent_sign) {
            break;
        }
        size += 1;
    }
    if size == text.len() && !matches!(lexer.short(), Stop::Unknown) {
        return Err(Stop::More);
    }
    let text = lexer.utf8(lexer.at(), text.get(..size).unwrap_or_default())?;
    lexer.seek(lexer.at() + size);
    let radix = |digits: &str, radix: u32| {
        let unsigned = i128::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with(['+', '-']));
        let signed = unsigned.map(|value| if negative { -value } else { value });
        signed.and_then(|value| i64::try_from(value).ok()).map(Number::Integer).ok_or(Stop::Unknown)
    };
    let lower = text.to_ascii_lowercase();
    if let Some(digits) = lower.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = lower.strip_prefix("0o") {
        return radix(digits, 8);
    }
    if lower.bytes().all(|byte| byte.is_ascii_digit()) {
        return match lower.strip_prefix('0').filter(|digits| !digits.is_empty()) {
            // Octal for Memgraph; an error for Neo4j.
            Some(digits) if lexer.dialect() == Dialect::Memgraph => radix(digits, 8),
            Some(_) => Err(Stop::Unknown),
            None => radix(&lower, 10),
        };
    }
    let fits = lower.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'+' | b'-'))
        && !lower.ends_with('.')
        && !lower.contains(".e");
    let value: f64 = lower.parse().ok().filter(|value: &f64| fits && value.is_finite()).ok_or(Stop::Unknown)?;
    Ok(Number::Float(value))
}
