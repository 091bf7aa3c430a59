//! A dump that is read: a file or stdin, uncompressed on the way.

use super::Compression;
use crate::error::{Error, Result};
use std::fs::File;
use std::io::{Chain, Cursor, Read};
use std::path::Path;
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

fn sniff<R: Read>(mut reader: R, name: &str) -> Result<(Compression, Sniffed<R>)> {
    let mut first = Vec::with_capacity(4);
    let read = reader.by_ref().take(4).read_to_end(&mut first);
    read.map_err(|cause| Error::io(format!("reading {name}"), cause))?;
    Ok((Compression::from_magic(&first), Cursor::new(first).chain(reader)))
}

impl Input {
    /// Opens a file; `-` is stdin.
    ///
    /// # Errors
    /// There is no such file, it cannot be read, or it is a folder.
    pub fn open(name: &str) -> Result<Self> {
        if name == "-" {
            return Self::from_reader(name, std::io::stdin(), None);
        }
        let path = Path::new(name);
        let file = File::open(path).map_err(|cause| Error::io(format!("opening {name}"), cause))?;
        let about = file.metadata().map_err(|cause| Error::io(format!("opening {name}"), cause))?;
        if about.is_dir() {
            return Err(Error::usage(format!("{name} is a folder, not a dump")));
        }
        // A pipe or a device has no size, and cannot be read twice.
        let size = about.is_file().then_some(about.len());
        Self::from_reader(name, file, size)
    }

    /// Wraps a reader of its own: for tests, and for what is not a file.
    ///
    /// # Errors
    /// Its first bytes cannot be read.
    pub fn from_reader(name: &str, reader: impl Read + Send + 'static, size: Option<u64>) -> Result<Self> {
        let taken = Arc::new(AtomicU64::new(0));
        let (compression, reader) = sniff(Counted(reader, Arc::clone(&taken)), name)?;
        Ok(Self { name: name.to_owned(), compression, size, taken, reader: compression.reader(reader)? })
    }

    /// Whether a dump of this name can be read twice: a file can, stdin and a pipe cannot. Nothing of it is read to tell.
    ///
    /// # Errors
    /// There is no such file.
    pub fn can_reopen(name: &str) -> Result<bool> {
        if name == "-" {
            return Ok(false);
        }
        let about = std::fs::metadata(name).map_err(|cause| Error::io(format!("opening {name}"), cause))?;
        Ok(about.is_file() || about.is_dir())
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.reader.read(buffer)
    }
}
