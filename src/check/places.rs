//! From lines to bytes.

use crate::error::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read};

/// Where lines begin: reads as far as the last of them. Lines count from 1, bytes from 0.
///
/// # Errors
/// The reader fails.
pub fn offsets(mut reader: impl Read, lines: &BTreeSet<u64>) -> Result<BTreeMap<u64, u64>> {
    let mut found = BTreeMap::new();
    let mut wanted = lines.iter().copied().skip_while(|line| *line == 0).peekable();
    let (mut line, mut offset) = (1, 0);
    let mut buffer = vec![0; 256 << 10];
    if wanted.next_if_eq(&1).is_some() {
        found.insert(1, 0);
    }
    while wanted.peek().is_some() {
        let size = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(size) => size,
            Err(cause) if cause.kind() == ErrorKind::Interrupted => continue,
            Err(cause) => return Err(Error::reading(cause)),
        };
        for feed in memchr::memchr_iter(b'\n', buffer.get(..size).unwrap_or_default()) {
            line += 1;
            if wanted.next_if_eq(&line).is_some() {
                found.insert(line, offset + feed as u64 + 1);
            }
        }
        offset += size as u64;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn lines_begin_behind_line_feeds() {
        let text = b"one\n\nthree\r\nfour";
        let all = offsets(text.as_slice(), &(0..9).collect()).unwrap();
        assert_eq!(all, BTreeMap::from([(1, 0), (2, 4), (3, 5), (4, 12)]));
        let large = b"x\n".repeat(400_000);
        let some = offsets(large.as_slice(), &BTreeSet::from([200_001, 400_000, 400_001, 400_002])).unwrap();
        assert_eq!(some, BTreeMap::from([(200_001, 400_000), (400_000, 799_998), (400_001, 800_000)]));
    }
}
