//! A dump in several files, each of at most so many bytes: `dump.tar.001`, `dump.tar.002` and so on. `cat` puts them together.

use crate::error::{Error, Result};
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
/// A part is missing before the last one.
pub fn files(name: &Path) -> Result<Vec<PathBuf>> {
    let text = name.to_string_lossy();
    let base = match text.strip_suffix(".001") {
        Some(base) if name.exists() => PathBuf::from(base),
        None if !name.exists() && path(name, 1).exists() => name.to_owned(),
        _ => return Ok(vec![name.to_owned()]),
    };
    let found: Vec<PathBuf> = (1..).map(|number| path(&base, number)).take_while(|path| path.exists()).collect();
    let behind = (1..=3).map(|more| path(&base, found.len() + 1 + more)).find(|path| path.exists());
    if let Some(behind) = behind {
        return Err(Error::corrupt(format!(
            "{} is missing, while {} is there",
            path(&base, found.len() + 1).display(),
            behind.display()
        )));
    }
    Ok(found)
}

/// Several files as one.
pub(super) struct Joined {
    left: std::vec::IntoIter<PathBuf>,
    now: Option<File>,
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
                Some(path) => self.now = Some(File::open(path)?),
                None => return Ok(0),
            }
        }
    }
}
