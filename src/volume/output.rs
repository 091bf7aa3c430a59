//! A dump that is written: a file that appears whole or not at all, or stdout.

use super::Folder;
use crate::error::{Error, Result};
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A writable dump. Dropped without [`Output::commit`], a file is gone. A dump holds the data without the database's access
/// control, so the file stays readable for its owner alone.
pub struct Output(Kind);

enum Kind {
    File { part: NamedTempFile, path: PathBuf, force: bool },
    Stream(Box<dyn Write + Send>),
    Folder(Box<Folder>),
}

impl Output {
    /// Begins a file beside its final place, under a hidden name that ends in `.part`. An existing file is only replaced with `force`.
    ///
    /// # Errors
    /// The file exists, or its folder cannot be written.
    pub fn create(path: &Path, force: bool) -> Result<Self> {
        if !force && path.exists() {
            return Err(Error::refused(format!("{} exists", path.display())).hint("add --force to replace it"));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().ok_or_else(|| Error::usage(format!("{} is not a file name", path.display())))?;
        let prefix = format!(".{}.", name.to_string_lossy());
        let part = tempfile::Builder::new().prefix(&prefix).suffix(".part").tempfile_in(folder);
        let part = part.map_err(|cause| Error::io(format!("creating a file in {}", folder.display()), cause))?;
        Ok(Self(Kind::File { part, path: path.to_owned(), force }))
    }

    /// Writes to stdout, or to a writer of its own. Nothing can be undone there: the trailer tells a reader whether it has all.
    pub fn stream(writer: impl Write + Send + 'static) -> Self {
        Self(Kind::Stream(Box::new(writer)))
    }

    /// Begins a folder of files; see [`Folder::create`].
    ///
    /// # Errors
    /// Something is in the way, or the folder around it cannot be written.
    pub fn folder(path: &Path, force: bool, marker: &'static str) -> Result<Self> {
        Folder::create(path, force, marker).map(|folder| Self(Kind::Folder(Box::new(folder))))
    }

    /// Appends bytes to a member of a folder.
    ///
    /// # Errors
    /// The disk is full, or the dump is not a folder.
    pub fn append_to(&mut self, member: &str, bytes: &[u8]) -> Result<()> {
        match &mut self.0 {
            Kind::Folder(folder) => folder.append(member, bytes),
            _ => Err(Error::usage("this format makes a folder of files").hint("name the folder with -o")),
        }
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// The disk is full, or the reader of the pipe has closed it ([`BrokenPipe`](crate::ErrorKind::BrokenPipe)).
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.0 {
            Kind::File { part, path, .. } => {
                let written = part.as_file_mut().write_all(bytes);
                written.map_err(|cause| Error::io(format!("writing {}", path.display()), cause))
            }
            Kind::Folder(_) => Err(Error::usage("this format makes one file, not a folder")),
            Kind::Stream(stream) => stream.write_all(bytes).map_err(|cause| Error::io("writing the output", cause)),
        }
    }

    /// The file under way, for a format that goes back in it.
    ///
    /// # Errors
    /// It is a stream or a folder.
    pub fn file(&mut self) -> Result<&mut std::fs::File> {
        match &mut self.0 {
            Kind::File { part, .. } => Ok(part.as_file_mut()),
            _ => Err(Error::usage("this format is written to a file").hint("name the file with -o")),
        }
    }

    /// Makes the dump durable and gives the file its name: fsync, rename, fsync of the folder.
    ///
    /// # Errors
    /// The disk is full, or somebody made a file of that name meanwhile.
    pub fn commit(self) -> Result<()> {
        match self.0 {
            Kind::Folder(folder) => folder.commit(),
            Kind::Stream(mut stream) => stream.flush().map_err(|cause| Error::io("writing the output", cause)),
            Kind::File { part, path, force } => {
                let place = || format!("writing {}", path.display());
                part.as_file().sync_all().map_err(|cause| Error::io(place(), cause))?;
                let kept = if force { part.persist(&path) } else { part.persist_noclobber(&path) };
                kept.map_err(|cause| Error::io(place(), cause.error))?;
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
                let synced = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
                synced.map_err(|cause| Error::io(place(), cause))
            }
        }
    }
}
