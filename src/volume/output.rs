//! A dump that is written: a file or an object that appears whole or not at all, or stdout.

use super::parts::Joined;
use super::place::is_url;
use super::uploads::Uploads;
use super::{Folder, Seal, parts};
use crate::error::{Error, Result};
use age::stream::StreamWriter;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// What looks at a dump before it gets its name: it is given all bytes that were written, those of all parts in order.
pub type Check = Box<dyn FnOnce(Box<dyn Read + Send>) -> Result<()> + Send>;

/// A writable dump. Dropped without [`Output::commit`], a file is gone. A dump holds the data without the database's access
/// control, so the file stays readable for its owner alone.
pub struct Output(Kind);

enum Kind {
    Plain(Sink),
    Sealed(Box<StreamWriter<Sink>>),
    Folder(Box<Folder>),
}

/// Where bytes go in the end.
enum Sink {
    Files(Box<Files>),
    Objects(Box<Uploads>),
    Stream(Box<dyn Write + Send>),
}

/// A file, or several of a limited size.
struct Files {
    parts: Vec<NamedTempFile>,
    path: PathBuf,
    force: bool,
    /// The most bytes of a part; `None` for one file.
    split: Option<u64>,
    /// Bytes in the last part.
    size: u64,
    check: Option<Check>,
}

fn around(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl Files {
    fn begin_part(&mut self) -> Result<()> {
        let folder = around(&self.path);
        let name = self.path.file_name();
        let name = name.ok_or_else(|| Error::usage(format!("{} is not a file name", self.path.display())))?;
        let prefix = format!(".{}.", name.to_string_lossy());
        let part = tempfile::Builder::new().prefix(&prefix).suffix(".part").tempfile_in(folder);
        let part = part.map_err(|cause| Error::io(format!("creating a file in {}", folder.display()), cause))?;
        self.parts.push(part);
        self.size = 0;
        Ok(())
    }

    /// What a part will be called, from 1.
    fn name(&self, number: usize) -> PathBuf {
        match self.split {
            Some(_) => parts::path(&self.path, number),
            None => self.path.clone(),
        }
    }

    fn commit(mut self) -> Result<()> {
        let place = || format!("writing {}", self.path.display());
        for part in &self.parts {
            part.as_file().sync_all().map_err(|cause| Error::io(place(), cause))?;
        }
        if let Some(check) = self.check.take() {
            check(Box::new(Joined::new(self.parts.iter().map(|part| part.path().to_owned()).collect())))?;
        }
        if self.split.is_some() {
            let behind = self.name(self.parts.len() + 1);
            if behind.exists() {
                return Err(Error::refused(format!("{} exists, and would be taken for a part", behind.display())));
            }
        }
        // The first part comes last: without it the others are nothing.
        let mut kept = Vec::new();
        while let Some(part) = self.parts.pop() {
            let name = self.name(self.parts.len() + 1);
            let persisted = if self.force { part.persist(&name) } else { part.persist_noclobber(&name) };
            if let Err(cause) = persisted {
                kept.iter().for_each(|name| drop(std::fs::remove_file(name)));
                return Err(Error::io(format!("writing {}", self.path.display()), cause.error));
            }
            kept.push(name);
        }
        let synced = std::fs::File::open(around(&self.path)).and_then(|folder| folder.sync_all());
        synced.map_err(|cause| Error::io(format!("writing {}", self.path.display()), cause))
    }
}

impl Write for Files {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut room = bytes.len();
        if let Some(limit) = self.split {
            if self.size >= limit {
                self.begin_part().map_err(std::io::Error::other)?;
            }
            room = room.min(usize::try_from(limit - self.size).unwrap_or(usize::MAX));
        }
        let Some(part) = self.parts.last_mut() else { return Ok(0) };
        let written = part.as_file_mut().write(bytes.get(..room).unwrap_or_default())?;
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn failed(&self, cause: std::io::Error) -> Error {
        match self {
            Self::Files(files) => Error::io(format!("writing {}", files.path.display()), cause),
            Self::Objects(_) => Error::io("writing to object storage", cause),
            Self::Stream(_) => Error::io("writing the output", cause),
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Files(files) => files.write(bytes),
            Self::Objects(objects) => objects.write(bytes),
            Self::Stream(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Files(files) => files.flush(),
            Self::Objects(objects) => objects.flush(),
            Self::Stream(stream) => stream.flush(),
        }
    }
}

impl Output {
    /// Begins a file beside its final place, under a hidden name that ends in `.part`; or, for a URL, an object that nobody sees yet. What is there
    /// is only replaced with `force`.
    ///
    /// # Errors
    /// The file exists, or its folder cannot be written.
    pub fn create(path: &Path, force: bool) -> Result<Self> {
        Self::create_split(path, force, None)
    }

    /// The same in parts of at most so many bytes, which are called `path.001`, `path.002` and so on.
    ///
    /// # Errors
    /// As [`Output::create`]; or a part may have no bytes.
    pub fn create_split(path: &Path, force: bool, split: Option<u64>) -> Result<Self> {
        if split == Some(0) {
            return Err(Error::usage("a part cannot have 0 bytes"));
        }
        if is_url(path) {
            return Ok(Self(Kind::Plain(Sink::Objects(Box::new(Uploads::begin(path, force, split)?)))));
        }
        let mut files = Files { parts: Vec::new(), path: path.to_owned(), force, split, size: 0, check: None };
        if let Some(name) = [path.to_owned(), files.name(1)].into_iter().find(|name| !force && name.exists()) {
            return Err(Error::refused(format!("{} exists", name.display())).hint("add --force to replace it"));
        }
        files.begin_part()?;
        Ok(Self(Kind::Plain(Sink::Files(Box::new(files)))))
    }

    /// Has the file looked at when it is written and before it gets its name; if that fails, it gets none. An object is looked at while it is
    /// written, and compared with what was sent once it is there.
    ///
    /// # Errors
    /// There is no thread for it.
    pub fn checked(mut self, check: Check) -> Result<Self> {
        match &mut self.0 {
            Kind::Plain(Sink::Files(files)) => files.check = Some(check),
            Kind::Plain(Sink::Objects(objects)) => objects.check(check)?,
            _ => {}
        }
        Ok(self)
    }

    /// Encrypts what is written from now on.
    ///
    /// # Errors
    /// It is a folder, or the disk is full.
    pub fn sealed(self, seal: &Seal) -> Result<Self> {
        match self.0 {
            Kind::Plain(sink) => Ok(Self(Kind::Sealed(Box::new(seal.writer(sink)?)))),
            _ => Err(Error::usage("a folder is not encrypted").hint("write the graph as an archive")),
        }
    }

    /// Writes to stdout, or to a writer of its own. Nothing can be undone there: the trailer tells a reader whether it has all.
    pub fn stream(writer: impl Write + Send + 'static) -> Self {
        Self(Kind::Plain(Sink::Stream(Box::new(writer))))
    }

    /// Begins a folder of files; see [`Folder::create`].
    ///
    /// # Errors
    /// Something is in the way, or the folder around it cannot be written.
    pub fn folder(path: &Path, force: bool, marker: &'static str) -> Result<Self> {
        if is_url(path) {
            return Err(Error::usage(format!("a dump of this format is a folder, which {} cannot be", path.display()))
                .hint("write it to a disk, or the graph as an archive or as JSONL"));
        }
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
            Kind::Plain(sink) => sink.write_all(bytes).map_err(|cause| sink.failed(cause)),
            Kind::Sealed(sealed) => {
                sealed.write_all(bytes).map_err(|cause| Error::io("writing the encrypted output", cause))
            }
            Kind::Folder(_) => Err(Error::usage("this format makes one file, not a folder")),
        }
    }

    /// The file under way, for a format that goes back in it.
    ///
    /// # Errors
    /// It is a stream or a folder.
    pub fn file(&mut self) -> Result<&mut std::fs::File> {
        match &mut self.0 {
            Kind::Plain(Sink::Files(files)) if files.split.is_none() => match files.parts.last_mut() {
                Some(part) => Ok(part.as_file_mut()),
                None => Err(Error::failed("no file has been begun")),
            },
            Kind::Plain(Sink::Objects(_)) => {
                Err(Error::usage("this is written to a file alone, not to object storage")
                    .hint("name a file, and copy that"))
            }
            _ => Err(Error::usage("this format is written to a file").hint("name the file with -o")),
        }
    }

    /// Makes the dump durable and gives the file its name: fsync, rename, fsync of the folder.
    ///
    /// # Errors
    /// The disk is full, somebody made a file of that name meanwhile, or the check failed.
    pub fn commit(self) -> Result<()> {
        let sink = match self.0 {
            Kind::Folder(folder) => return folder.commit(),
            Kind::Plain(sink) => sink,
            Kind::Sealed(sealed) => {
                (*sealed).finish().map_err(|cause| Error::io("writing the encrypted output", cause))?
            }
        };
        match sink {
            Sink::Files(files) => files.commit(),
            Sink::Objects(objects) => objects.commit(),
            Sink::Stream(mut stream) => stream.flush().map_err(|cause| Error::io("writing the output", cause)),
        }
    }
}
