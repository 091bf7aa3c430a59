//! What lies where a path points, be it a path of this machine or the URL of an object.

use crate::error::{Error, Result};
use crate::objects::{self, Address};
use std::path::Path;

pub use crate::objects::is_url;

/// Whether something is there.
///
/// # Errors
/// The object storage cannot be asked.
pub fn exists(path: &Path) -> Result<bool> {
    if is_url(path) {
        return Ok(objects::size(&Address::parse(path)?)?.is_some());
    }
    Ok(path.exists())
}

/// The size of a file or an object in bytes; `None` if there is none, or if it is a folder, a pipe or a device.
#[must_use]
pub fn size(path: &Path) -> Option<u64> {
    if is_url(path) {
        return objects::size(&Address::parse(path).ok()?).ok()?;
    }
    std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|about| about.len())
}

/// The names of the files in a folder, or of the objects directly below a prefix, sorted; hidden ones too.
///
/// # Errors
/// It cannot be read.
pub fn names(folder: &Path) -> Result<Vec<String>> {
    if is_url(folder) {
        return objects::names(&Address::parse(folder)?);
    }
    let failed = |cause| Error::io(format!("reading {}", folder.display()), cause);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if let Ok(name) = entry.file_name().into_string()
            && entry.path().is_file()
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Removes a file or an object.
///
/// # Errors
/// It cannot be removed.
pub fn remove(path: &Path) -> Result<()> {
    if is_url(path) {
        return objects::remove(&Address::object(path)?);
    }
    std::fs::remove_file(path).map_err(|cause| Error::io(format!("removing {}", path.display()), cause))
}
