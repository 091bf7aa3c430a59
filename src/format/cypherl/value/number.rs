//! Numbers, and constant arithmetic on them.

use crate::cypher::Dialect;
use crate::cypher::literal::computed_nan;
use crate::format::cypherl::lex::{Lexed, Lexer, Stop};
use crate::format::cypherl::oddity::Oddity;
use crate::model::packstream::{self, MAX_DEPTH};

/// A number of an expression.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
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

    pub(super) fn put(self, out: &mut Vec<u8>) {
        match self {
            Self::Integer(value) => packstream::put_integer(out, value),
            Self::Float(value) => packstream::put_float(out, value),
        }
    }
}

/// Reads a number, or constant arithmetic that begins with one.
#[inline]
pub(super) fn number(lexer: &mut Lexer<'_>) -> Lexed<Number> {
    let from = lexer.at();
    if let Some((number, size)) = plain_integer(lexer.rest()) {
        lexer.seek(from + size);
        return Ok(number);
    }
    if let Some((number, size, plus)) = plain_float(lexer.rest()) {
        lexer.seek(from + size);
        if plus {
            lexer.note(Oddity::PlusExponent);
        }
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
/// Whether its exponent has a plus comes with it.
fn plain_float(text: &[u8]) -> Option<(Number, usize, bool)> {
    let size = text.iter().take(40).position(|byte| matches!(byte, b',' | b'}' | b']'))?;
    let number = text.get(..size)?;
    let (digits, mut marked, mut plus) = (number.strip_prefix(b"-").unwrap_or(number), false, false);
    for byte in digits {
        match byte {
            b'0'..=b'9' | b'-' => {}
            b'+' => plus = true,
            b'.' | b'e' | b'E' => marked = true,
            _ => return None,
        }
    }
    let fits = marked && digits.first()?.is_ascii_digit() && digits.last()?.is_ascii_digit();
    let value: f64 = std::str::from_utf8(number).ok().filter(|_| fits)?.parse().ok()?;
    // A dot must have a digit behind it, which `5.e3` has not.
    let dot = memchr::memchr(b'.', number).is_none_or(|at| number.get(at + 1).is_some_and(u8::is_ascii_digit));
    (dot && value.is_finite()).then_some((Number::Float(value), size, plus))
}

/// `NaN` and infinity by name: Neo4j's literals, and what Memgraph's dumps print.
pub(super) fn special(word: &str) -> Option<f64> {
    let known = [("nan", f64::NAN), ("inf", f64::INFINITY), ("infinity", f64::INFINITY)];
    known.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// What a system computes of two numbers: which NaN comes of numbers that are none, is not left to the processor that this runs on.
fn computed(dialect: Dialect, a: Number, b: Number, value: f64) -> Number {
    let is_new = value.is_nan() && !a.float().is_nan() && !b.float().is_nan();
    Number::Float(if is_new { computed_nan(dialect) } else { value })
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
            (a, b) if subtract => computed(lexer.dialect(), a, b, a.float() - b.float()),
            (a, b) => computed(lexer.dialect(), a, b, a.float() + b.float()),
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
            (a, b) if divide => computed(lexer.dialect(), a, b, a.float() / b.float()),
            (a, b) => computed(lexer.dialect(), a, b, a.float() * b.float()),
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
                lexer.note(Oddity::SmallestInteger);
                return literal(lexer, true);
            }
            Ok(match factor(lexer, depth + 1)? {
                Number::Integer(value) => Number::Integer(value.checked_neg().ok_or(Stop::Unknown)?),
                Number::Float(value) => Number::Float(-value),
            })
        }
        b'0'..=b'9' | b'.' => literal(lexer, false),
        _ => {
            let number = special(lexer.word()?).map(Number::Float).ok_or(Stop::Unknown)?;
            lexer.note(Oddity::NotFinite);
            Ok(number)
        }
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
    if lower.contains('+') {
        lexer.note(Oddity::PlusExponent);
    }
    Ok(Number::Float(value))
}
