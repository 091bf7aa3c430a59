//! The canonical bytes of an item, and their hash.
//!
//! Canonical is: labels sorted, property keys sorted, maps inside values sorted as well, numbers in their shortest form, every NaN the same one (no
//! query language can tell them apart), durations with nanoseconds that are not negative (Memgraph has one text for all forms of a length). The bytes are hashed with BLAKE3, cut to 128 bits.

use super::packstream::{self, Cursor, MAX_DEPTH, ValueRef};
use super::temporal::Duration;
use crate::error::Result;

const SECOND: i32 = 1_000_000_000;

/// Hashes items with buffers that are used again.
#[derive(Debug, Default)]
pub struct Content {
    bytes: Vec<u8>,
    members: Vec<(usize, usize)>,
    sorted: Vec<u8>,
}

impl Content {
    /// The hash of names, properties (one PackStream map) and further numbers.
    ///
    /// # Errors
    /// The properties are not well formed.
    pub fn hash(&mut self, names: &[String], properties: &[u8], more: &[u64]) -> Result<u128> {
        self.bytes.clear();
        packstream::put_list(&mut self.bytes, names.len());
        names.iter().for_each(|name| packstream::put_string(&mut self.bytes, name));
        more.iter().for_each(|number| self.bytes.extend_from_slice(&number.to_be_bytes()));
        self.properties(properties)?;
        let hash = blake3::hash(&self.bytes);
        let mut low = [0; 16];
        low.copy_from_slice(hash.as_bytes().split_at(16).0);
        Ok(u128::from_le_bytes(low))
    }

    /// Appends a property map with its keys sorted. They are written as they come, and put in order only where they are not.
    fn properties(&mut self, properties: &[u8]) -> Result<()> {
        let Self { bytes, members, sorted } = self;
        let mut cursor = Cursor::new(properties);
        let size = cursor.map()?;
        packstream::put_map(bytes, size);
        members.clear();
        let begin = bytes.len();
        for _ in 0..size {
            let from = bytes.len();
            packstream::put_string(bytes, cursor.string()?);
            put_canonical(&mut cursor, bytes, 0)?;
            members.push((from, bytes.len()));
        }
        let member = |(from, to): &(usize, usize)| bytes.get(*from..*to).unwrap_or_default();
        let key = |place: &(usize, usize)| Cursor::new(member(place)).string().unwrap_or_default();
        if members.is_sorted_by(|a, b| key(a) <= key(b)) {
            return Ok(());
        }
        members.sort_unstable_by(|a, b| key(a).cmp(key(b)));
        sorted.clear();
        members.iter().for_each(|place| sorted.extend_from_slice(member(place)));
        bytes.truncate(begin);
        bytes.extend_from_slice(sorted);
        Ok(())
    }
}

fn put_canonical(cursor: &mut Cursor<'_>, out: &mut Vec<u8>, depth: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(packstream::too_deep());
    }
    let value = cursor.value()?;
    match value {
        ValueRef::Float(float) if float.is_nan() => packstream::put_float(out, f64::NAN),
        ValueRef::Duration(duration) => packstream::put_value(out, &ValueRef::Duration(normal(duration))),
        ValueRef::List(size) | ValueRef::Structure(_, size) => {
            packstream::put_value(out, &value);
            for _ in 0..size {
                put_canonical(cursor, out, depth + 1)?;
            }
        }
        ValueRef::Map(size) => {
            let mut members = Vec::with_capacity(size.min(1024));
            for _ in 0..size {
                let key = cursor.string()?;
                let mut bytes = Vec::new();
                put_canonical(cursor, &mut bytes, depth + 1)?;
                members.push((key, bytes));
            }
            members.sort_unstable_by_key(|(key, _)| *key);
            packstream::put_map(out, size);
            for (key, bytes) in members {
                packstream::put_string(out, key);
                out.extend_from_slice(&bytes);
            }
        }
        _ => packstream::put_value(out, &value),
    }
    Ok(())
}

fn normal(duration: Duration) -> Duration {
    let (whole, rest) = (duration.nanoseconds.div_euclid(SECOND), duration.nanoseconds.rem_euclid(SECOND));
    match duration.seconds.checked_add(i64::from(whole)) {
        Some(seconds) => Duration { seconds, nanoseconds: rest, ..duration },
        None => duration,
    }
}
