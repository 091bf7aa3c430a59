//! The handshake: which version of Bolt both sides speak.
//!
//! The client names four versions or ranges; the server picks one, or asks for the manifest (from Bolt 5.7 on), in which it lists all that it
//! speaks and the client picks. We ask for the manifest, for 5.8 to 5.0, for 4.4 to 4.0, and for 4.1 once more by itself: Memgraph 2.0 knows
//! no ranges. 6.0 needs no place of its own, since every server that speaks it has a manifest. Bolt 6.1 is not asked for: its UUIDs have a marker that PackStream did not have before, while 6.0 sends a named placeholder
//! that can be refused by its name.

use crate::error::{Error, Result};
use std::fmt;

/// What every Bolt connection begins with.
pub const MAGIC: [u8; 4] = [0x60, 0x60, 0xB0, 0x17];

/// The answer that announces a manifest.
const MANIFEST: [u8; 4] = [0x00, 0x00, 0x01, 0xFF];

/// A manifest with more entries than this is not a manifest.
const MAX_ENTRIES: u64 = 256;

/// A version of Bolt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The number before the dot.
    pub major: u8,
    /// The number after the dot.
    pub minor: u8,
}

impl Version {
    /// A version by its two numbers.
    #[must_use]
    pub const fn new(major: u8, minor: u8) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A range of minor versions: as many below `minor` as `back` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    back: u8,
    newest: Version,
}

impl Range {
    const fn new(major: u8, minor: u8, back: u8) -> Self {
        Self { back, newest: Version::new(major, minor) }
    }

    fn bytes(self) -> [u8; 4] {
        [0, self.back, self.newest.minor, self.newest.major]
    }

    fn holds(self, version: Version) -> bool {
        let oldest = self.newest.minor.saturating_sub(self.back);
        version.major == self.newest.major && (oldest..=self.newest.minor).contains(&version.minor)
    }
}

/// What we speak, best first.
const SPOKEN: [Range; 3] = [Range::new(6, 0, 0), Range::new(5, 8, 8), Range::new(4, 4, 4)];

/// The first bytes of a connection: the magic number and four proposals.
#[must_use]
pub fn offer() -> [u8; 20] {
    let mut bytes = [0; 20];
    let [_, second, third] = SPOKEN.map(Range::bytes);
    let oldest = Range::new(4, 1, 0).bytes();
    for (slot, part) in bytes.chunks_exact_mut(4).zip([MAGIC, MANIFEST, second, third, oldest]) {
        slot.copy_from_slice(&part);
    }
    bytes
}

/// What the server answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This version is spoken from here on.
    Version(Version),
    /// A manifest follows.
    Manifest,
}

/// Understands the server's four bytes. `peer` names the server in errors.
///
/// # Errors
/// The server speaks none of our versions, or something else than Bolt.
pub fn answer(bytes: [u8; 4], peer: &str) -> Result<Answer> {
    if bytes == MANIFEST {
        return Ok(Answer::Manifest);
    }
    let version = match bytes {
        [0, 0, minor, major] => Version::new(major, minor),
        _ => return Err(stranger(bytes, peer)),
    };
    if version == Version::new(0, 0) {
        return Err(Error::unreachable(format!("{peer} speaks none of the Bolt versions 4.0 to 6.0")));
    }
    match SPOKEN.iter().any(|range| range.holds(version)) {
        true => Ok(Answer::Version(version)),
        false => Err(stranger(bytes, peer)),
    }
}

fn stranger(bytes: [u8; 4], peer: &str) -> Error {
    match bytes {
        [b'H', b'T', b'T', b'P'] => Error::unreachable(format!("{peer} answers with HTTP instead of Bolt"))
            .hint("the Bolt port of a server is usually 7687, its HTTP port 7474"),
        // A TLS record: alert, version 3.x.
        [0x15, 0x03, ..] => Error::unreachable(format!("{peer} demands TLS"))
            .hint("write +s behind the scheme of the URL, or +ssc to accept any certificate"),
        // A chunk with a structure of one field: FAILURE, where a version was expected.
        [_, _, 0xB1, 0x7F] => Error::unreachable(format!("{peer} refuses the Bolt versions 4.0 to 6.0")),
        [a, b, c, d] => {
            Error::unreachable(format!("{peer} does not speak Bolt: it answers {a:02X} {b:02X} {c:02X} {d:02X}"))
        }
    }
}

/// Reads a manifest from the bytes after the four of its announcement. `None` asks for more bytes; else the version to speak and how
/// many bytes the manifest had.
///
/// # Errors
/// It is not a manifest, or has none of our versions.
pub fn manifest(bytes: &[u8], peer: &str) -> Result<Option<(Version, usize)>> {
    let garbled = || Error::unreachable(format!("{peer} sends a list of Bolt versions that makes no sense"));
    let mut at = 0;
    let Some(count) = varint(bytes, &mut at).map_err(|()| garbled())? else { return Ok(None) };
    if count > MAX_ENTRIES {
        return Err(garbled());
    }
    let mut offered = Vec::new();
    for _ in 0..count {
        let Some(&[_, back, minor, major]) = bytes.get(at..at + 4) else { return Ok(None) };
        offered.push(Range::new(major, minor, back));
        at += 4;
    }
    // The capabilities: none of them is ours yet, so they are read and left alone.
    if varint(bytes, &mut at).map_err(|()| garbled())?.is_none() {
        return Ok(None);
    }
    for spoken in SPOKEN {
        let lowest = spoken.newest.minor - spoken.back;
        for minor in (lowest..=spoken.newest.minor).rev() {
            let version = Version::new(spoken.newest.major, minor);
            if offered.iter().any(|range| range.holds(version)) {
                return Ok(Some((version, at)));
            }
        }
    }
    let names: Vec<String> = offered.iter().map(|range| range.newest.to_string()).collect();
    Err(Error::unreachable(format!("{peer} speaks Bolt {} and none of the versions 4.0 to 6.0", names.join(", "))))
}

/// What confirms the version that was picked from a manifest: the version, and that we want no capability.
#[must_use]
pub fn confirm(version: Version) -> [u8; 5] {
    [0, 0, version.minor, version.major, 0]
}

/// A number in groups of seven bits, lowest first; `None` asks for more bytes.
fn varint(bytes: &[u8], at: &mut usize) -> std::result::Result<Option<u64>, ()> {
    let mut value = 0_u64;
    for shift in (0..63).step_by(7) {
        let Some(&byte) = bytes.get(*at) else { return Ok(None) };
        *at += 1;
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Ok(Some(value));
        }
    }
    Err(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn the_offer_is_twenty_known_bytes() {
        let expected = [
            0x60, 0x60, 0xB0, 0x17, 0x00, 0x00, 0x01, 0xFF, 0x00, 0x08, 0x08, 0x05, 0x00, 0x04, 0x04, 0x04, 0x00, 0x00,
            0x01, 0x04,
        ];
        assert_eq!(offer(), expected);
    }

    #[test]
    fn answers_and_their_meaning() {
        for (bytes, expected) in [
            ([0, 0, 1, 0xFF], Answer::Manifest),
            ([0, 0, 2, 5], Answer::Version(Version::new(5, 2))),
            ([0, 0, 8, 5], Answer::Version(Version::new(5, 8))),
            ([0, 0, 0, 6], Answer::Version(Version::new(6, 0))),
            ([0, 0, 4, 4], Answer::Version(Version::new(4, 4))),
        ] {
            assert_eq!(answer(bytes, "h:1").unwrap(), expected);
        }
        for (bytes, expected) in [
            (*b"HTTP", "h:1 answers with HTTP instead of Bolt"),
            ([0x15, 0x03, 0x03, 0x00], "h:1 demands TLS"),
            ([0x00, 0x5A, 0xB1, 0x7F], "h:1 refuses the Bolt versions 4.0 to 6.0"),
            ([0, 0, 0, 0], "h:1 speaks none of the Bolt versions 4.0 to 6.0"),
            ([0, 0, 0, 3], "h:1 does not speak Bolt: it answers 00 00 00 03"),
            ([0, 0, 1, 6], "h:1 does not speak Bolt: it answers 00 00 01 06"),
            (*b"SSH-", "h:1 does not speak Bolt: it answers 53 53 48 2D"),
        ] {
            assert_eq!(answer(bytes, "h:1").unwrap_err().to_string(), expected);
        }
    }

    /// What Neo4j 5.26.30 and 2026.08.1 send.
    const FIVE: [u8; 14] = [3, 0, 4, 4, 4, 0, 4, 4, 5, 0, 2, 8, 5, 0];
    const TWENTY_SIX: [u8; 18] = [4, 0, 4, 4, 4, 0, 4, 4, 5, 0, 2, 8, 5, 0, 1, 1, 6, 0];

    #[test]
    fn manifests_cut_at_every_byte() {
        for (bytes, version) in [(&FIVE[..], Version::new(5, 8)), (&TWENTY_SIX[..], Version::new(6, 0))] {
            for cut in 0..bytes.len() {
                assert_eq!(manifest(&bytes[..cut], "h:1").unwrap(), None, "cut at {cut}");
            }
            let mut longer = bytes.to_vec();
            longer.push(0x77);
            assert_eq!(manifest(&longer, "h:1").unwrap(), Some((version, bytes.len())));
        }
        assert_eq!(confirm(Version::new(6, 0)), [0, 0, 0, 6, 0]);
    }

    #[test]
    fn manifests_that_make_no_sense() {
        let error = manifest(&[1, 0, 0, 0, 3, 0], "h:1").unwrap_err().to_string();
        assert_eq!(error, "h:1 speaks Bolt 3.0 and none of the versions 4.0 to 6.0");
        for bytes in [&[0xFF; 12][..], &[0x80, 0x10][..]] {
            let error = manifest(bytes, "h:1").unwrap_err().to_string();
            assert_eq!(error, "h:1 sends a list of Bolt versions that makes no sense");
        }
    }
}
