//! From ids that are text to 64-bit integers, with little memory.
//!
//! Most files number their nodes and write `n0`, `n1`, or plain `0`, `1`: what the first id has before its number is kept once, and every id of that form is
//! its number, at no memory. Any other id is hashed to 64 bits and numbered downwards from -1, at about 15 bytes an id. The text itself is not kept: two texts
//! with one hash (one chance in a billion for a hundred million ids) are told as one that comes twice, never taken for each other.

use super::IdMap;
use std::hash::{DefaultHasher, Hasher as _};

/// Text to id.
#[derive(Debug, Default)]
pub struct TextIds {
    prefix: Option<Box<str>>,
    others: IdMap,
    last: i64,
}

impl TextIds {
    /// Gives a text its id; `None` if it has one already. Of ids that are numbers nothing is kept: whether one comes twice is not seen here.
    pub fn add(&mut self, text: &str) -> Option<i64> {
        if self.prefix.is_none() {
            let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
            self.prefix = Some(text.get(..text.len() - digits).unwrap_or_default().into());
        }
        if let Some(number) = self.number(text) {
            return Some(number);
        }
        let hash = hash(text);
        if !self.others.reserve(hash) {
            return None;
        }
        self.last -= 1;
        self.others.bind(hash, self.last);
        Some(self.last)
    }

    /// The id of a text that has one. A number's is given whether it was added or not.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<i64> {
        self.number(text).or_else(|| self.others.find(hash(text)))
    }

    /// The number of an id that has the usual form: no other text has the same.
    fn number(&self, text: &str) -> Option<i64> {
        let prefix = self.prefix.as_deref()?;
        // Asked before, since comparing with nothing is slow: see `KindMemo::index`.
        let digits = if prefix.is_empty() { text } else { text.strip_prefix(prefix)? };
        let plain = !digits.is_empty() && digits.len() <= 18 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let canonical = plain && (digits == "0" || !digits.starts_with('0'));
        if canonical { digits.parse().ok() } else { None }
    }
}

fn hash(text: &str) -> i64 {
    // SipHash with fixed keys: the same ids in every run.
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    hasher.finish() as i64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_usual_form_is_its_number_and_the_rest_counts_down() {
        let mut ids = TextIds::default();
        assert_eq!(ids.add("n7"), Some(7));
        assert_eq!(ids.add("n0"), Some(0));
        let others = ["n07", "7", "n", "", "n-1", "n1000000000000000000", "m7", "n+7", "n7 "];
        for (at, text) in others.iter().enumerate() {
            assert_eq!(ids.add(text), Some(-(at as i64) - 1), "{text:?}");
            assert_eq!(ids.add(text), None, "{text:?} twice");
        }
        assert_eq!((ids.find("n7"), ids.find("n07"), ids.find("zz")), (Some(7), Some(-1), None));
    }

    #[test]
    fn plain_numbers_are_themselves() {
        let mut ids = TextIds::default();
        assert_eq!((ids.add("12"), ids.add("0")), (Some(12), Some(0)));
        assert_eq!(ids.add("4:0e5b8f7c:3"), Some(-1));
        assert_eq!(ids.find("999999999999999999"), Some(999_999_999_999_999_999));
    }
}
