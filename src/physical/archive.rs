//! An archive that is written: a tar whose members are compressed on the way into it.
//!
//! tar wants a member's size before the member; what compression makes of it is known only behind it. So the header is written twice, and an archive
//! is a file, never a pipe. Until [`Writing::finish`] it has a hidden name, and is gone when it is dropped.

use super::manifest::{Manifest, Member, NAME};
use crate::error::{Error, Result};
use crate::observe::Stop;
use crate::volume::Output;
use std::fs::File;
use std::io::{Read, Seek as _, SeekFrom, Write};
use std::path::Path;
use tar::{Builder, Header};

/// Bytes that are read at once; between two such parts a request to stop is heard.
const PART: usize = 1 << 20;
/// The blocks of zeros at the end of a tar.
const END: i64 = 1024;

/// An archive under way.
pub(super) struct Writing {
    output: Output,
    name: String,
    pub(super) members: Vec<Member>,
}

impl Writing {
    pub(super) fn create(path: &Path, force: bool) -> Result<Self> {
        Ok(Self { output: Output::create(path, force)?, name: path.display().to_string(), members: Vec::new() })
    }

    fn failed(&self) -> impl Fn(std::io::Error) -> Error + use<> {
        let name = self.name.clone();
        move |cause| Error::io(format!("writing {name}"), cause)
    }

    /// Appends a member with what `from` gives until its end, `time` being in seconds since the epoch.
    pub(super) fn append(
        &mut self,
        name: &str,
        from: &mut dyn Read,
        reading: &str,
        time: u64,
        stop: &Stop,
    ) -> Result<()> {
        let failed = self.failed();
        let file = self.output.file()?;
        if !self.members.is_empty() {
            file.seek(SeekFrom::End(-END)).map_err(&failed)?;
        }
        let mut tar = Builder::new(file);
        let mut header = header(time);
        let entry = tar.append_writer(&mut header, name).map_err(&failed)?;
        let mut compressed = zstd::Encoder::new(Counted { to: entry, count: 0 }, 3).map_err(&failed)?;
        compressed.include_checksum(true).map_err(&failed)?;
        let (mut hash, mut size, mut part) = (blake3::Hasher::new(), 0_u64, vec![0; PART]);
        loop {
            stop.check()?;
            let read = match from.read(&mut part) {
                Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => continue,
                read => read.map_err(|cause| Error::io(format!("reading {reading}"), cause))?,
            };
            let bytes = part.get(..read).unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            hash.update(bytes);
            size += read as u64;
            compressed.write_all(bytes).map_err(&failed)?;
        }
        let Counted { to: entry, count: stored } = compressed.finish().map_err(&failed)?;
        entry.finish().map_err(&failed)?;
        tar.into_inner().map_err(&failed)?;
        let member = Member {
            name: name.to_owned(),
            stored,
            size,
            blake3: hash.finalize().to_hex().to_string(),
            ..Member::default()
        };
        self.members.push(member);
        Ok(())
    }

    /// The file, to be read from; whoever writes on seeks by itself.
    pub(super) fn file(&mut self) -> Result<&mut File> {
        self.output.file()
    }

    /// Writes the manifest, makes the archive durable and gives it its name.
    pub(super) fn finish(mut self, manifest: &Manifest, time: u64) -> Result<()> {
        let failed = self.failed();
        let bytes = manifest.seal()?;
        let file = self.output.file()?;
        file.seek(SeekFrom::End(-END)).map_err(&failed)?;
        let mut tar = Builder::new(file);
        let mut header = header(time);
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, NAME, bytes.as_slice()).map_err(&failed)?;
        tar.into_inner().map_err(&failed)?;
        self.output.commit()
    }
}

struct Counted<W> {
    to: W,
    count: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.count += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

/// A backup holds the data without the server's access control: its files are the owner's alone.
fn header(time: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_mode(0o600);
    header.set_mtime(time);
    header.set_entry_type(tar::EntryType::Regular);
    header
}
