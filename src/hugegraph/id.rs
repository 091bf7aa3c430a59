//! Ids of vertices: numbers, texts and UUIDs, all in one space of a graph.
//!
//! In edges' ids and in paths they have a letter before them, `L`, `S` or `U`; in JSON a number is a number and the other two are strings, which the
//! id strategy of the vertex label tells apart.

use crate::ids::IdMap;
use serde::de::{self, Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;
use std::hash::{DefaultHasher, Hasher as _};

/// The id of a vertex.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Id<'a> {
    /// Of a label whose strategy is AUTOMATIC or CUSTOMIZE_NUMBER.
    Number(i64),
    /// Of a label whose strategy is PRIMARY_KEY or CUSTOMIZE_STRING.
    Text(Cow<'a, str>),
    /// Of a label whose strategy is CUSTOMIZE_UUID, in its usual form in lower case.
    Uuid(Cow<'a, str>),
}

impl Id<'_> {
    /// The id with a text of its own.
    #[must_use]
    pub fn into_owned(self) -> Id<'static> {
        match self {
            Self::Number(number) => Id::Number(number),
            Self::Text(text) => Id::Text(Cow::Owned(text.into_owned())),
            Self::Uuid(text) => Id::Uuid(Cow::Owned(text.into_owned())),
        }
    }

    /// The id as JSON: what `id`, `outV` and `inV` hold, and what stands in the path of a request.
    pub fn put_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Number(number) => out.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes()),
            Self::Text(text) | Self::Uuid(text) => crate::model::json::write_string(text, out),
        }
    }
}

/// As in the ids of edges: `L7`, `Sann`, `Uc9a4…`.
impl fmt::Display for Id<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(to, "L{number}"),
            Self::Text(text) => write!(to, "S{text}"),
            Self::Uuid(text) => write!(to, "U{text}"),
        }
    }
}

/// A number is a number, every string a [`Id::Text`]: which of them are UUIDs the label has to tell, see [`Id::of_uuid_label`].
impl<'de: 'a, 'a> Deserialize<'de> for Id<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Id<'de>;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an id: a number or a string")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Id::Number(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                i64::try_from(number).map(Id::Number).map_err(|_| E::custom("an id beyond 64 bits"))
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Id::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Id::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<Self::Value, E> {
                Ok(Id::Text(Cow::Owned(text)))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl Id<'_> {
    /// The same as the id of a vertex whose label has the strategy CUSTOMIZE_UUID, where `is` says so.
    #[must_use]
    pub fn of_uuid_label(self, is: bool) -> Self {
        match self {
            Self::Text(text) if is => Self::Uuid(text),
            id => id,
        }
    }
}

/// Gives ids of vertices the numbers that blocks have.
///
/// A number that is not negative is itself, at no memory. Any other id is hashed to 64 bits and numbered downwards from -1, at about 15 bytes an id; its text is
/// not kept. Two ids with one hash (one chance in a billion for a hundred million ids) are told as one that comes twice, never taken for each other.
#[derive(Debug, Default)]
pub struct Numbers {
    others: IdMap,
    last: i64,
}

impl Numbers {
    /// Gives an id its number; `None` if it has one already. Of numbers nothing is kept: whether one comes twice is not seen here.
    pub fn add(&mut self, id: &Id<'_>) -> Option<i64> {
        if let Id::Number(number @ 0..) = id {
            return Some(*number);
        }
        let hash = hash(id);
        if !self.others.reserve(hash) {
            return None;
        }
        self.last -= 1;
        self.others.bind(hash, self.last);
        Some(self.last)
    }

    /// Gives the next negative number to nobody.
    pub fn skip(&mut self) {
        self.last -= 1;
    }

    /// The number of an id that was added; that of a number is given whether it was or not.
    #[must_use]
    pub fn find(&self, id: &Id<'_>) -> Option<i64> {
        match id {
            Id::Number(number @ 0..) => Some(*number),
            id => self.others.find(hash(id)),
        }
    }
}

fn hash(id: &Id<'_>) -> i64 {
    // SipHash with fixed keys: the same ids get the same numbers in every run.
    let mut hasher = DefaultHasher::new();
    match id {
        Id::Number(number) => hasher.write_i64(*number),
        Id::Text(text) => (hasher.write_u8(b'S'), hasher.write(text.as_bytes())).0,
        Id::Uuid(text) => (hasher.write_u8(b'U'), hasher.write(text.as_bytes())).0,
    }
    hasher.finish() as i64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn numbers_are_themselves_and_the_rest_counts_down() {
        let mut numbers = Numbers::default();
        let text = |text| Id::Text(Cow::Borrowed(text));
        let uuid = Id::Uuid(Cow::Borrowed("7"));
        let ids = [Id::Number(-7), text("7"), text(""), uuid, text("-7"), text("L7")];
        assert_eq!(numbers.add(&Id::Number(i64::MAX)), Some(i64::MAX));
        for (at, id) in ids.iter().enumerate() {
            assert_eq!(numbers.add(id), Some(-1 - at as i64), "{id}");
            assert_eq!(numbers.add(id), None, "{id} twice");
        }
        assert_eq!(numbers.find(&text("7")), Some(-2));
        assert_eq!(numbers.find(&text("8")), None);
        assert_eq!(numbers.find(&Id::Number(5)), Some(5));
    }

    #[test]
    fn ids_are_read_and_written_as_json() {
        for (json, id) in [
            ("-9223372036854775808", Id::Number(i64::MIN)),
            ("9007199254740993", Id::Number(9_007_199_254_740_993)),
            ("\"s:1/é \\\"1\"", Id::Text(Cow::Borrowed("s:1/é \"1"))),
        ] {
            assert_eq!(serde_json::from_str::<Id<'_>>(json).unwrap(), id);
            let mut out = Vec::new();
            id.put_json(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), json);
        }
        assert!(serde_json::from_str::<Id<'_>>("18446744073709551615").is_err());
        assert!(serde_json::from_str::<Id<'_>>("1.0").is_err());
    }
}
