//! Format versions: snapshots and logs share one counter.

use crate::error::{Error, Result};

/// The oldest format that is read.
pub(super) const OLDEST: u64 = 14;
/// The newest format that is known.
pub(super) const NEWEST: u64 = 37;

/// The releases that write a format, in words.
#[must_use]
pub fn releases(version: u64) -> &'static str {
    match version {
        14 => "2.0 to 2.7",
        15 => "2.8 to 2.11",
        16 => "2.12 to 2.15.0",
        17 => "2.15.1 to 2.17",
        18 => "2.18",
        19 => "2.19",
        20 => "2.20",
        21 => "2.21 and 2.22",
        22 => "3.0",
        23 => "3.1",
        24 => "3.2",
        25 => "3.3",
        26 | 27 => "3.4",
        28..=30 => "3.5",
        31 => "3.6 and 3.7",
        32 => "3.8",
        33 => "3.9",
        34 => "3.10",
        35 => "3.11",
        36 => "3.12",
        37 => "after 3.12",
        _ => "unknown",
    }
}

/// The newest format that a release reads: `2.12`, `3.6.2`. Every release reads the formats from 14 up to its own.
///
/// # Errors
/// [`Usage`](crate::ErrorKind::Usage) when the text is no release that is known.
pub fn of_release(text: &str) -> Result<u64> {
    let unknown = || {
        Error::usage(format!("{text:?} is no release of Memgraph that is known"))
            .hint("releases from 2.0 to 3.12 are known; write it as in 3.6 or 3.6.2")
    };
    let mut numbers = text.trim_start_matches('v').split('.').map(str::parse::<u32>);
    let mut next = || numbers.next().transpose().map_err(|_| unknown());
    let (major, minor, patch) = (next()?.ok_or_else(unknown)?, next()?.unwrap_or(0), next()?.unwrap_or(0));
    Ok(match (major, minor, patch) {
        (2, 0..=7, _) => 14,
        (2, 8..=11, _) => 15,
        (2, 12..=14, _) | (2, 15, 0) => 16,
        (2, 15..=17, _) => 17,
        (2, minor @ 18..=20, _) => u64::from(minor),
        (2, 21 | 22, _) => 21,
        (3, minor @ 0..=3, _) => 22 + u64::from(minor),
        (3, 4, _) => 27,
        (3, 5, _) => 30,
        (3, 6 | 7, _) => 31,
        (3, minor @ 8..=12, _) => 24 + u64::from(minor),
        _ => return Err(unknown()),
    })
}

/// Goes on only with a format that is known.
pub(super) fn check(version: u64, name: &str) -> Result<()> {
    let what = match version {
        OLDEST..=NEWEST => return Ok(()),
        ..OLDEST => "older than all that can be read",
        _ => "newer than all that is known",
    };
    Err(Error::refused(format!("{name} has the format version {version}, {what} ({OLDEST} to {NEWEST})"))
        .hint("sections move in almost every version, so nothing is guessed: dump it with a server that can read it"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn releases_and_their_formats() {
        for (release, format) in
            [("2.0", 14), ("2.15.0", 16), ("2.15.1", 17), ("v2.22.3", 21), ("3.0", 22), ("3.6.2", 31), ("3.12", 36)]
        {
            assert_eq!(of_release(release).unwrap(), format, "{release}");
        }
        for wrong in ["", "3.99", "1.6", "4", "x", "2.x"] {
            assert!(of_release(wrong).is_err(), "{wrong}");
        }
    }
}
