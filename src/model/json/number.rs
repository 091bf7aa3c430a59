//! Numbers, by the letter of JSON: those without a point or an exponent are integers.

use super::parse::Parser;
use crate::error::Result;

/// A number as the text tells its type.
pub(super) enum Number {
    Integer(i64),
    Float(f64),
}

impl<'a> Parser<'a> {
    #[inline]
    fn digits(&mut self) -> usize {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    /// Passes over a number and tells its text, and whether it has a fraction or an exponent.
    ///
    /// # Errors
    /// There is none.
    pub fn number_text(&mut self) -> Result<(&'a str, bool)> {
        self.peek();
        let from = self.at;
        self.literal(b"-");
        let leading_zero = self.byte() == Some(b'0');
        match self.digits() {
            0 => return Err(self.expected("a digit")),
            2.. if leading_zero => return self.blame(from, "a number must not begin with 0"),
            _ => {}
        }
        let whole = self.at;
        if self.literal(b".") && self.digits() == 0 {
            return Err(self.expected("a digit after the point"));
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            if self.digits() == 0 {
                return Err(self.expected("a digit in the exponent"));
            }
        }
        Ok((self.since(from), self.at > whole))
    }

    #[inline]
    pub(super) fn number(&mut self) -> Result<Number> {
        let from = self.at;
        let (text, is_float) = self.number_text()?;
        if is_float {
            return match text.parse::<f64>() {
                Ok(value) if value.is_finite() => Ok(Number::Float(value)),
                _ => self.blame(from, format!("{text} does not fit a 64-bit float")),
            };
        }
        match text.parse::<i64>() {
            Ok(0) if text.len() > 1 => self.blame(from, "-0 is not an integer; the float is -0.0"),
            Ok(value) => Ok(Number::Integer(value)),
            Err(_) => self.blame(from, format!("{text} does not fit a 64-bit integer")),
        }
    }

    /// Reads an integer.
    ///
    /// # Errors
    /// There is none, or it does not fit.
    pub fn integer(&mut self) -> Result<i64> {
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            return Err(self.expected("an integer"));
        }
        let from = self.at;
        match self.number()? {
            Number::Integer(value) => Ok(value),
            Number::Float(_) => {
                let text = self.since(from).to_owned();
                self.blame(from, format!("expected an integer, found {text}"))
            }
        }
    }
}
