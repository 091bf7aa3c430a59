//! An archive that is read. Its members are found first, the manifest last among them; then each is compared with what the manifest says.
//!
//! Names are those that an archive has, or it is refused: nothing can be unpacked outside of where it belongs.

use super::manifest::{Manifest, Member, NAME, SCHEMA};
use crate::backend::memgraph_files::{self, Checked};
use crate::error::{Error, Result};
use crate::format::{Piece, decoder};
use crate::model::Schema;
use crate::observe::{Event, Watch};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write};
use std::path::Path;

/// A manifest or schema larger than this is refused.
const LARGEST: u64 = 1 << 28;
const PART: usize = 1 << 20;

/// Where a member's bytes are.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) name: String,
    from: u64,
    stored: u64,
}

/// An archive with its manifest.
#[derive(Debug)]
pub struct Archive {
    file: File,
    name: String,
    manifest: Manifest,
    places: Vec<Place>,
}

/// What a check found of one member.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What the manifest says of it.
    pub member: Member,
    /// What its content is; `None` for the schema, and for what cannot be read at all.
    pub content: Option<Checked>,
    /// What is wrong; empty where nothing is.
    pub problems: Vec<String>,
}

impl Archive {
    /// Finds the members and reads the manifest.
    ///
    /// # Errors
    /// [`Unreachable`](crate::ErrorKind::Unreachable) when there is no such file, [`Corrupt`](crate::ErrorKind::Corrupt) when it is no
    /// archive, or not all of one; [`Refused`](crate::ErrorKind::Refused) for another version of the format.
    pub fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let opening = |cause| Error::unreachable(format!("{name} cannot be opened")).caused_by(cause);
        let mut file = File::open(path).map_err(opening)?;
        let places = walk(&mut file, &name)?;
        let cut =
            || Error::corrupt("the archive has no manifest at its end: it was cut off, or is none").in_file(&name);
        let last = places.last().filter(|place| place.name == NAME).ok_or_else(cut)?;
        if last.stored > LARGEST {
            return Err(Error::corrupt("the manifest is too large").in_file(&name));
        }
        let mut bytes = Vec::new();
        raw(&mut file, last, &name)?.read_to_end(&mut bytes).map_err(|cause| reading(&name, cause))?;
        let manifest = Manifest::unseal(&bytes).map_err(|error| error.in_file(&name))?;
        let archive = Self { file, name, manifest, places };
        archive.compare()?;
        Ok(archive)
    }

    /// What it says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The members that are there are those that the manifest tells, no more and no less.
    fn compare(&self) -> Result<()> {
        let told: Vec<(&str, u64)> =
            self.manifest.members.iter().map(|member| (member.name.as_str(), member.stored)).collect();
        let found: Vec<(&str, u64)> =
            self.places.iter().map(|place| (place.name.as_str(), place.stored)).take(self.places.len() - 1).collect();
        if told == found && self.manifest.schema == SCHEMA && told.iter().any(|(name, _)| *name == SCHEMA) {
            return Ok(());
        }
        Err(Error::corrupt("the members are not those that the manifest tells").in_file(&self.name))
    }

    /// Writes the content of a member to `to`.
    ///
    /// # Errors
    /// It is damaged, or `to` cannot be written.
    pub(super) fn extract(&mut self, member: &Member, to: &mut dyn Write, watch: Watch<'_>) -> Result<()> {
        let place = self.places.iter().find(|place| place.name == member.name);
        let place = place.ok_or_else(|| Error::corrupt(format!("{} is not there", member.name)).in_file(&self.name))?;
        let found = extract(&mut self.file, place, &self.name, member.size, to, watch)?;
        if (found.size, &found.blake3) == (member.size, &member.blake3) {
            return Ok(());
        }
        Err(Error::corrupt(format!("{} is damaged: its checksum is wrong", member.name)).in_file(&self.name))
    }

    /// The schema of the server.
    ///
    /// # Errors
    /// It is damaged.
    pub fn schema(&mut self) -> Result<Schema> {
        let member = self.manifest.members.iter().find(|member| member.name == SCHEMA).cloned();
        let member = member.ok_or_else(|| Error::corrupt("there is no schema").in_file(&self.name))?;
        if member.size > LARGEST {
            return Err(Error::corrupt("the schema is too large").in_file(&self.name));
        }
        let mut bytes = Vec::new();
        let stop = crate::observe::Stop::default();
        self.extract(&member, &mut bytes, Watch { stop: &stop, observer: &crate::observe::Silent })?;
        let inside = |error: Error| error.in_file(&format!("{}, {SCHEMA}", self.name));
        let mut decoder = decoder(Box::new(std::io::Cursor::new(bytes))).map_err(inside)?;
        let mut schema = Schema::default();
        while let Some(piece) = decoder.next().map_err(inside)? {
            match piece {
                Piece::Object(object) => schema.objects.push(object),
                _ => return Err(inside(Error::corrupt("there is more than a schema"))),
            }
        }
        Ok(schema)
    }

    /// Reads every member: checksums, and what snapshots and logs hold. Contents are unpacked one after the other into `folder`.
    ///
    /// # Errors
    /// The archive cannot be read, or `folder` not written. What is wrong with a member is told with it.
    pub fn check(&mut self, folder: &Path, watch: Watch<'_>) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        for member in self.manifest.members.clone() {
            watch.tell(&Event::Step { what: &format!("checking {}", member.path()), total: None });
            findings.push(self.check_member(member, folder, watch)?);
        }
        Ok(findings)
    }

    /// Reads one member likewise.
    ///
    /// # Errors
    /// As of [`Archive::check`].
    pub fn check_member(&mut self, member: Member, folder: &Path, watch: Watch<'_>) -> Result<Finding> {
        let mut finding = Finding { member, content: None, problems: Vec::new() };
        let outcome = if finding.member.name == SCHEMA {
            self.schema().map(|_| ())
        } else {
            let path = folder.join(last_part(finding.member.path()));
            let outcome = fresh(&path).and_then(|mut file| self.extract(&finding.member, &mut file, watch));
            let outcome = outcome.and_then(|()| memgraph_files::check_file(&path).map(|found| finding.content = found));
            let _ = std::fs::remove_file(&path);
            outcome
        };
        match outcome {
            Err(error) if error.kind() != crate::ErrorKind::Corrupt => return Err(error),
            Err(error) => finding.problems.push(error.report()),
            Ok(()) if finding.content.is_none() && finding.member.name != SCHEMA => {
                finding.problems.push("it is neither a snapshot nor a log".to_owned());
            }
            Ok(()) => {}
        }
        finding.problems.extend(finding.content.iter().flat_map(|content| content.problems.iter().cloned()));
        Ok(finding)
    }
}

/// The last part of a path inside an archive.
pub(super) fn last_part(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// A file that is not there yet.
pub(super) fn fresh(path: &Path) -> Result<File> {
    File::create_new(path).map_err(|cause| Error::io(format!("creating {}", path.display()), cause))
}

fn reading(name: &str, cause: std::io::Error) -> Error {
    Error::io(format!("reading {name}"), cause)
}

fn raw<'a>(file: &'a mut File, place: &Place, name: &str) -> Result<std::io::Take<&'a mut File>> {
    file.seek(SeekFrom::Start(place.from)).map_err(|cause| reading(name, cause))?;
    Ok(file.take(place.stored))
}

/// Whether a member may have this name.
fn is_known(name: &str) -> bool {
    let inside = ["snapshots/", "wal/"].iter().find_map(|folder| name.strip_prefix(folder));
    let file = inside.and_then(|rest| rest.strip_suffix(".zst"));
    let plain = |name: &str| {
        !name.is_empty()
            && !name.starts_with('.')
            && name.len() < 200
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    name == SCHEMA || name == NAME || file.is_some_and(plain)
}

/// Finds every member, without reading their contents.
pub(super) fn walk(file: &mut File, name: &str) -> Result<Vec<Place>> {
    let damaged = |cause: std::io::Error| Error::corrupt("the tar cannot be read").caused_by(cause).in_file(name);
    file.rewind().map_err(|cause| reading(name, cause))?;
    let length = file.metadata().map_err(|cause| reading(name, cause))?.len();
    let mut tar = tar::Archive::new(file);
    let (mut places, mut names) = (Vec::new(), BTreeSet::new());
    for entry in tar.entries_with_seek().map_err(damaged)? {
        let entry = entry.map_err(damaged)?;
        let member = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if !entry.header().entry_type().is_file() || !is_known(&member) {
            return Err(Error::corrupt(format!("{member:?} is no member of such an archive")).in_file(name));
        }
        let place = Place { name: member.clone(), from: entry.raw_file_position(), stored: entry.size() };
        if place.from.checked_add(place.stored).is_none_or(|end| end > length) {
            return Err(Error::corrupt(format!("the archive ends in the middle of {member}")).in_file(name));
        }
        if !names.insert(member.clone()) {
            return Err(Error::corrupt(format!("{member} is there twice")).in_file(name));
        }
        places.push(place);
    }
    // Behind the last member its block is filled up, and two blocks of zeros follow.
    let end = places.last().map_or(0, |place| (place.from + place.stored).next_multiple_of(512));
    if end.checked_add(1024).is_none_or(|end| end > length) {
        return Err(Error::corrupt("the archive is cut off at its end").in_file(name));
    }
    Ok(places)
}

/// What came out of a member.
pub(super) struct Extracted {
    pub(super) size: u64,
    pub(super) blake3: String,
}

/// Writes a member's content, at most `limit` bytes of it and a few more.
pub(super) fn extract(
    file: &mut File,
    place: &Place,
    name: &str,
    limit: u64,
    to: &mut dyn Write,
    watch: Watch<'_>,
) -> Result<Extracted> {
    let damaged =
        |cause: std::io::Error| Error::corrupt(format!("{} is damaged", place.name)).caused_by(cause).in_file(name);
    let mut content = zstd::Decoder::new(raw(file, place, name)?).map_err(damaged)?;
    let (mut hash, mut size, mut part) = (blake3::Hasher::new(), 0_u64, vec![0; PART]);
    loop {
        watch.stop.check()?;
        let read = content.read(&mut part).map_err(damaged)?;
        let bytes = part.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        hash.update(bytes);
        size += read as u64;
        if size > limit {
            return Err(Error::corrupt(format!("{} is larger than the manifest says", place.name)).in_file(name));
        }
        to.write_all(bytes).map_err(|cause| Error::io(format!("unpacking {}", place.name), cause))?;
    }
    Ok(Extracted { size, blake3: hash.finalize().to_hex().to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_no_members() {
        for name in ["snapshots/20261121_timestamp_1.zst", "wal/a_current.zst", "schema.jsonl.zst", "manifest.json"] {
            assert!(is_known(name), "{name}");
        }
        for name in [
            "snapshots/../x.zst",
            "/snapshots/a.zst",
            "snapshots/a/b.zst",
            "snapshots/.zst",
            "snapshots/..zst",
            "wal/a",
            "other/a.zst",
            "../manifest.json",
            "snapshots/a\0b.zst",
            "",
        ] {
            assert!(!is_known(name), "{name}");
        }
    }
}
