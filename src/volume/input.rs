//! A dump that is read: a file, an object or stdin, decrypted and uncompressed on the way.

use super::Compression;
use super::encryption::{self, Identity, Unlock, Wanted};
use super::parts::{self, Joined};
use super::place::is_url;
use crate::error::{Error, Result};
use crate::objects::{self, Address};
use std::fs::File;
use std::io::{Chain, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A readable dump.
pub struct Input {
    /// The name for messages: the path as given, or `-`.
    pub name: String,
    /// How it is compressed, told by its first bytes.
    pub compression: Compression,
    /// Its size on disk; `None` for stdin.
    pub size: Option<u64>,
    /// Bytes that were taken from the file so far, compressed ones: for progress.
    pub taken: Arc<AtomicU64>,
    reader: Box<dyn Read + Send>,
}

struct Counted<R>(R, Arc<AtomicU64>);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = self.0.read(buffer)?;
        self.1.fetch_add(size as u64, Ordering::Relaxed);
        Ok(size)
    }
}

type Sniffed<R> = Chain<Cursor<Vec<u8>>, R>;

/// Looks at the first bytes; the reader that comes back still has them.
fn sniff<R: Read>(mut reader: R, size: u64, name: &str) -> Result<(Vec<u8>, Sniffed<R>)> {
    let mut first = Vec::with_capacity(size as usize);
    let read = reader.by_ref().take(size).read_to_end(&mut first);
    read.map_err(|cause| match cause.raw_os_error() {
        Some(_) => Error::io(format!("reading {name}"), cause),
        None if cause.get_ref().is_some_and(|inner| inner.is::<Error>()) => Error::reading(cause),
        None => Error::reading(cause).in_file(name),
    })?;
    Ok((first.clone(), Cursor::new(first).chain(reader)))
}

/// The size of an object that has to be there.
fn object_size(url: &Path) -> Result<u64> {
    let text = url.to_string_lossy();
    if text.ends_with('/') {
        return Err(Error::usage(format!("{text} is a folder, and object storage is read one object at a time"))
            .hint("name the object; a dump that is a folder is read from a disk"));
    }
    objects::size(&Address::object(url)?)?.ok_or_else(|| Error::failed(format!("there is no object {text}")))
}

/// Nothing opens an encrypted dump.
fn locked(_: Wanted) -> Result<Vec<Identity>> {
    Err(Error::refused("the dump is encrypted").hint("give an --identity or a --passphrase-file"))
}

impl Input {
    /// Opens a file; `-` is stdin. A name that several parts have in common means all of them, and so does the first one's.
    ///
    /// # Errors
    /// There is no such file, it cannot be read, it is a folder, or it is encrypted.
    pub fn open(name: &str) -> Result<Self> {
        Self::open_with(name, &locked)
    }

    /// The same, with what opens an encrypted dump.
    ///
    /// # Errors
    /// As [`Input::open`], or none of the identities fits.
    pub fn open_with(name: &str, unlock: Unlock<'_>) -> Result<Self> {
        if name == "-" {
            return Self::from_reader_with(name, std::io::stdin(), None, unlock);
        }
        Self::open_files(name, parts::files(Path::new(name))?, unlock)
    }

    /// Opens several files as one; errors call them `name`.
    ///
    /// # Errors
    /// As [`Input::open_with`].
    pub fn open_files(name: &str, files: Vec<PathBuf>, unlock: Unlock<'_>) -> Result<Self> {
        let mut size = Some(0);
        for file in &files {
            if is_url(file) {
                size = size.map(|size| Ok::<_, Error>(size + object_size(file)?)).transpose()?;
                continue;
            }
            let opened = File::open(file).and_then(|file| file.metadata());
            let about = opened.map_err(|cause| Error::io(format!("opening {}", file.display()), cause))?;
            if about.is_dir() {
                return Err(Error::usage(format!("{name} is a folder, not a dump")));
            }
            // A pipe or a device has no size, and cannot be read twice.
            size = size.filter(|_| about.is_file()).map(|size| size + about.len());
        }
        Self::from_reader_with(name, Joined::new(files), size, unlock)
    }

    /// Wraps a reader of its own: for tests, and for what is not a file.
    ///
    /// # Errors
    /// Its first bytes cannot be read.
    pub fn from_reader(name: &str, reader: impl Read + Send + 'static, size: Option<u64>) -> Result<Self> {
        Self::from_reader_with(name, reader, size, &locked)
    }

    /// Wraps a reader of its own, with what opens an encrypted dump.
    ///
    /// # Errors
    /// As [`Input::from_reader`], or none of the identities fits.
    pub fn from_reader_with(
        name: &str,
        reader: impl Read + Send + 'static,
        size: Option<u64>,
        unlock: Unlock<'_>,
    ) -> Result<Self> {
        let taken = Arc::new(AtomicU64::new(0));
        let (first, reader) = sniff(Counted(reader, Arc::clone(&taken)), encryption::SNIFF, name)?;
        let (compression, reader) = if encryption::is_sealed(&first) {
            let (first, reader) = sniff(encryption::reader(reader, name, unlock)?, 4, name)?;
            let compression = Compression::from_magic(&first);
            (compression, compression.reader(reader)?)
        } else {
            let compression = Compression::from_magic(&first);
            (compression, compression.reader(reader)?)
        };
        Ok(Self { name: name.to_owned(), compression, size, taken, reader })
    }

    /// Whether a dump of this name can be read twice: a file can, stdin and a pipe cannot. Nothing of it is read to tell.
    ///
    /// # Errors
    /// There is no such file.
    pub fn can_reopen(name: &str) -> Result<bool> {
        if name == "-" {
            return Ok(false);
        }
        let file = parts::files(Path::new(name))?.into_iter().next().unwrap_or_default();
        if is_url(&file) {
            return object_size(&file).map(|_| true);
        }
        let about = std::fs::metadata(file).map_err(|cause| Error::io(format!("opening {name}"), cause))?;
        Ok(about.is_file() || about.is_dir())
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.reader.read(buffer)
    }
}
