//! A dump in several files, each of at most so many bytes: `dump.tar.001`, `dump.tar.002` and so on. `cat` puts them together.

use super::place::{exists, is_url};
use crate::error::{Error, Result};
use crate::objects::{Address, Download};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The path of a part; parts count from 1.
pub(super) fn path(base: &Path, number: usize) -> PathBuf {
    let mut name = base.as_os_str().to_owned();
    name.push(format!(".{number:03}"));
    PathBuf::from(name)
}

/// The files that a name means: itself; all parts, for the name of the first one, and for the name that they have in common.
///
/// # Errors
/// A part is missing before the last one, or object storage cannot be asked.
pub fn files(name: &Path) -> Result<Vec<PathBuf>> {
    let text = name.to_string_lossy();
    let base = match text.strip_suffix(".001") {
        Some(base) if exists(name)? => PathBuf::from(base),
        None if !exists(name)? && exists(&path(name, 1))? => name.to_owned(),
        _ => return Ok(vec![name.to_owned()]),
    };
    let mut found = Vec::new();
    while exists(&path(&base, found.len() + 1))? {
        found.push(path(&base, found.len() + 1));
    }
    for more in 1..=3 {
        let behind = path(&base, found.len() + 1 + more);
        if exists(&behind)? {
            let missing = path(&base, found.len() + 1);
            let message = format!("{} is missing, while {} is there", missing.display(), behind.display());
            return Err(Error::corrupt(message));
        }
    }
    Ok(found)
}

/// Several files as one.
pub(super) struct Joined {
    left: std::vec::IntoIter<PathBuf>,
    now: Option<Box<dyn Read + Send>>,
}

impl Joined {
    pub(super) fn new(paths: Vec<PathBuf>) -> Self {
        Self { left: paths.into_iter(), now: None }
    }
}

impl Read for Joined {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            if let Some(file) = &mut self.now {
                let size = file.read(buffer)?;
                if size > 0 || buffer.is_empty() {
                    return Ok(size);
                }
            }
            match self.left.next() {
                Some(path) if is_url(&path) => {
                    let opened = Address::object(&path).and_then(|address| Download::open(&address));
                    self.now = Some(Box::new(opened.map_err(std::io::Error::other)?));
                }
                Some(path) => self.now = Some(Box::new(File::open(path)?)),
                None => return Ok(0),
            }
        }
    }
}
