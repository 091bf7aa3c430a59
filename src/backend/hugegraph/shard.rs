//! Shards: the ranges of keys that the server's store is cut into, in order, so that a graph can be read by several at once.
//!
//! The bounds are keys of rows, in base64. Ids may have 16 KiB, and the server takes no URL of more than 8: long bounds are cut.

use super::client::Client;
use super::page::What;
use crate::error::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;

/// Bytes of the store that a shard has, about: the least that the server takes.
const SPLIT: u64 = 1 << 20;

/// Longer bounds are cut to so many bytes.
const LONG: usize = 512;

#[derive(Deserialize)]
struct Shards {
    shards: Vec<Shard>,
}

/// A range of the store: from a key on, and up to before another.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(super) struct Shard {
    pub(super) start: String,
    pub(super) end: String,
}

/// All shards with vertices, or edges.
///
/// # Errors
/// The server fails for longer than it is waited for.
pub(super) fn shards(client: &Client, what: What) -> Result<Vec<Shard>> {
    let path = client.path(&format!("/traversers/{}/shards?split_size={SPLIT}", what.word()));
    let shards = client.get::<Shards>(&path)?.shards;
    let is_long = |bound: &String| bound.len() > LONG;
    if !shards.iter().any(|shard| is_long(&shard.start) || is_long(&shard.end)) {
        return Ok(shards);
    }
    cut(&shards).ok_or_else(|| Error::corrupt(format!("the shards of {} are not understood", client.peer())))
}

/// The same ranges with bounds that are not too long. `None` where a bound is no base64.
fn cut(shards: &[Shard]) -> Option<Vec<Shard>> {
    let mut short = Vec::with_capacity(shards.len());
    for (at, shard) in shards.iter().enumerate() {
        let (start, end) = (BASE64.decode(&shard.start).ok()?, BASE64.decode(&shard.end).ok()?);
        let is_next = shards.get(at + 1).is_some_and(|next| next.start == shard.end);
        let (start, end) = (down(start), if is_next { down(end) } else { up(end) });
        // What lay between two bounds with the same beginning is in the shard before, or after.
        if start != end || shards.len() == 1 {
            short.push(Shard { start: BASE64.encode(start), end: BASE64.encode(end) });
        }
    }
    Some(short)
}

/// The key, or what it begins with, which comes before it.
fn down(mut key: Vec<u8>) -> Vec<u8> {
    key.truncate(LONG);
    key
}

/// The key, or a short one that comes after it.
fn up(mut key: Vec<u8>) -> Vec<u8> {
    if key.len() <= LONG {
        return key;
    }
    key.truncate(LONG);
    while let Some(last) = key.pop() {
        if last < u8::MAX {
            key.push(last + 1);
            return key;
        }
    }
    // There is none after it but one of the same length: as many bytes as a URL can hold.
    vec![u8::MAX; 2 * LONG]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shard(start: &[u8], end: &[u8]) -> Shard {
        Shard { start: BASE64.encode(start), end: BASE64.encode(end) }
    }

    #[test]
    fn long_bounds_are_cut_and_no_key_is_lost() {
        let long = |head: &[u8], byte: u8| [head, &[byte; 3000]].concat();
        let all = [
            shard(b"a", &long(b"b", 7)),
            shard(&long(b"b", 7), &long(b"b", 7)),
            shard(&long(b"b", 7), b"c"),
            shard(b"c", &long(b"d", u8::MAX)),
            shard(b"e", &long(b"f", 7)),
        ];
        let short = cut(&all).unwrap();
        let head = |head: &[u8]| [head, &[7; LONG - 1]].concat();
        let mut after = head(b"f");
        *after.last_mut().unwrap() = 8;
        let expected = [shard(b"a", &head(b"b")), shard(&head(b"b"), b"c"), shard(b"c", b"e"), shard(b"e", &after)];
        assert_eq!(short, expected);
        assert!(up(vec![u8::MAX; 3000]) > vec![u8::MAX; 900]);
        assert_eq!(cut(&[shard(b"a", b"b")]).unwrap(), [shard(b"a", b"b")]);
        assert!(cut(&[Shard { start: "?".to_owned(), end: String::new() }]).is_none());
    }
}
