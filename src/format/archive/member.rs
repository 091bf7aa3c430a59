//! Members: their names, and the one form of header that an archive has.

use super::VERSION;
use crate::error::{Error, Result};
use tar::{EntryType, Header};

/// A block of a tar file.
pub(super) const BLOCK: usize = 512;

/// Two blocks of zeros end a tar file.
pub(super) const END: usize = 2 * BLOCK;

/// The name of the last member.
pub(super) const MANIFEST: &str = "manifest.json";

/// The owner's name in every header: who made it.
const OWNER: &str = "graphferry";

/// What a part holds: the folder that it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    Schema,
    Nodes,
    Relationships,
    Statements,
}

impl Sort {
    pub(super) const ALL: [Self; 4] = [Self::Schema, Self::Nodes, Self::Relationships, Self::Statements];

    fn folder(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Nodes => "nodes",
            Self::Relationships => "relationships",
            Self::Statements => "statements",
        }
    }

    /// The name of a part whose first line has this number in the whole dump, from 1.
    pub(super) fn name(self, first_line: u64) -> String {
        format!("{}/{first_line:012}.jsonl.zst", self.folder())
    }

    /// What a name says, if it is that of a part in its one form.
    pub(super) fn parse(name: &str) -> Option<(Self, u64)> {
        let (folder, file) = name.split_once('/')?;
        let sort = Self::ALL.into_iter().find(|sort| sort.folder() == folder)?;
        let first_line = file.strip_suffix(".jsonl.zst")?.parse().ok()?;
        (sort.name(first_line) == name).then_some((sort, first_line))
    }
}

/// How many zeros stand behind so many bytes, to fill a block.
pub(super) fn padding(size: u64) -> usize {
    ((BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64) as usize
}

fn group(version: u64) -> String {
    format!("archive-{version}")
}

/// The header of a member: `time` is seconds since 1970.
pub(super) fn header(name: &str, size: u64, time: u64) -> Result<[u8; BLOCK]> {
    let failed = |cause| Error::io(format!("naming the member {name}"), cause);
    let mut header = Header::new_ustar();
    header.set_path(name).map_err(failed)?;
    header.set_size(size);
    header.set_mtime(time);
    header.set_mode(0o600);
    header.set_uid(0);
    header.set_gid(0);
    header.set_username(OWNER).map_err(failed)?;
    header.set_groupname(&group(VERSION)).map_err(failed)?;
    header.set_entry_type(EntryType::Regular);
    header.set_cksum();
    Ok(*header.as_bytes())
}

/// What a header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) time: u64,
}

/// Reads a header, which has to be to the byte as we write it.
pub(super) fn parse(bytes: &[u8; BLOCK]) -> Result<Said> {
    let header = Header::from_byte_slice(bytes);
    let owner = header.username_bytes().unwrap_or_default();
    let groupname = header.groupname_bytes().unwrap_or_default();
    if owner == OWNER.as_bytes()
        && let Some(version) = std::str::from_utf8(groupname).ok().and_then(|name| name.strip_prefix("archive-"))
        && version.parse::<u64>().is_ok_and(|version| version > VERSION)
    {
        return Err(Error::corrupt(format!("the archive has version {version}, and this program reads {VERSION}"))
            .hint("read it with a newer graphferry"));
    }
    let damaged = || Error::corrupt("the header of a member is damaged");
    let name = String::from_utf8(header.path_bytes().into_owned()).map_err(|_| damaged())?;
    let (size, time) = (header.size(), header.mtime());
    let (Ok(size), Ok(time)) = (size, time) else { return Err(damaged()) };
    match self::header(&name, size, time) {
        Ok(expected) if &expected == bytes => Ok(Said { name, size, time }),
        _ if owner != OWNER.as_bytes() => Err(Error::corrupt("this is a tar file, but not an archive of graphferry")
            .hint("what tar has unpacked and packed again is no archive any more")),
        _ => Err(damaged()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_flipped_byte_of_a_header_is_found() {
        for size in [0, 1, 511, 8 << 30, u64::MAX >> 1] {
            let bytes = header("nodes/000000000004.jsonl.zst", size, 1_700_000_000).unwrap();
            assert_eq!(parse(&bytes).unwrap().size, size);
            for at in 0..BLOCK {
                for flip in [1, 0x20, 0x80, 0xff] {
                    let mut other = bytes;
                    other[at] ^= flip;
                    assert!(parse(&other).is_err(), "byte {at} ^ {flip}");
                }
            }
        }
    }

    #[test]
    fn names_have_one_form() {
        assert_eq!(Sort::parse(&Sort::Nodes.name(7)), Some((Sort::Nodes, 7)));
        assert_eq!(Sort::parse("nodes/1234567890123.jsonl.zst"), Some((Sort::Nodes, 1_234_567_890_123)));
        for name in
            ["nodes/7.jsonl.zst", "nodes/+00000000007.jsonl.zst", "node/000000000007.jsonl.zst", "manifest.json"]
        {
            assert_eq!(Sort::parse(name), None, "{name}");
        }
        assert_eq!([padding(0), padding(1), padding(512), padding(513)], [0, 511, 0, 511]);
    }
}
