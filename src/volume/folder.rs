//! A dump that is a folder: it appears whole or not at all, like a file.
//!
//! Members are appended to in any order, and there may be many thousands of them: a few stay open, the one that was used longest ago is
//! closed for the next. Until [`Folder::commit`] the folder has a hidden name beside its final one; dropped without it, it is gone.

use crate::error::{Error, Result};
use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// So many members are open at most.
const OPEN: usize = 64;

/// A folder that is written.
pub struct Folder {
    part: TempDir,
    path: PathBuf,
    marker: &'static str,
    force: bool,
    open: HashMap<String, (File, u64)>,
    names: HashMap<String, ()>,
    clock: u64,
}

impl Folder {
    /// Begins a folder. What is at `path` already is only replaced with `force`, and only if it is an empty folder or one that has the member
    /// `marker`, by which dumps are known: no folder of the user's other files is ever taken away.
    ///
    /// # Errors
    /// Something is in the way, or the folder around it cannot be written.
    pub fn create(path: &Path, force: bool, marker: &'static str) -> Result<Self> {
        if path.symlink_metadata().is_ok() {
            check_replaceable(path, force, marker)?;
        }
        let name = path.file_name().ok_or_else(|| Error::usage(format!("{} is not a folder name", path.display())))?;
        let prefix = format!(".{}.", name.to_string_lossy());
        let part = tempfile::Builder::new().prefix(&prefix).suffix(".part").tempdir_in(parent(path));
        let part =
            part.map_err(|cause| Error::io(format!("creating a folder in {}", parent(path).display()), cause))?;
        let (open, names) = (HashMap::new(), HashMap::new());
        Ok(Self { part, path: path.to_owned(), marker, force, open, names, clock: 0 })
    }

    /// Appends bytes to a member, which comes into being with its first ones, even if there are none of them.
    ///
    /// # Errors
    /// The disk is full, or the name is not that of a file in the folder.
    pub fn append(&mut self, member: &str, bytes: &[u8]) -> Result<()> {
        let place = |path: &Path| format!("writing {}", path.join(member).display());
        self.clock += 1;
        if let Some((file, used)) = self.open.get_mut(member) {
            *used = self.clock;
            return file.write_all(bytes).map_err(|cause| Error::io(place(&self.path), cause));
        }
        if member.is_empty() || member.starts_with('.') || member.contains(['/', '\\', '\0']) {
            return Err(Error::failed(format!("{member:?} is not the name of a member")));
        }
        if self.open.len() >= OPEN {
            let oldest = self.open.iter().min_by_key(|(_, (_, used))| *used).map(|(name, _)| name.clone());
            if let Some((file, _)) = oldest.and_then(|name| self.open.remove(&name)) {
                // Asked here, where the writing is spread over time, so that nothing is left to wait for in the end.
                file.sync_all().map_err(|cause| Error::io(place(&self.path), cause))?;
            }
        }
        let opened = File::options().create(true).append(true).open(self.part.path().join(member));
        let mut file = opened.map_err(|cause| Error::io(place(&self.path), cause))?;
        file.write_all(bytes).map_err(|cause| Error::io(place(&self.path), cause))?;
        self.open.insert(member.to_owned(), (file, self.clock));
        self.names.insert(member.to_owned(), ());
        Ok(())
    }

    /// Makes every member durable and gives the folder its name.
    ///
    /// # Errors
    /// The disk is full, or somebody made something of that name meanwhile.
    pub fn commit(mut self) -> Result<()> {
        let place = format!("writing {}", self.path.display());
        let failed = |cause| Error::io(&place, cause);
        for (file, _) in std::mem::take(&mut self.open).values() {
            file.sync_all().map_err(failed)?;
        }
        for name in self.names.keys() {
            // A file that was closed may have been closed before another append: opened again, it is one file.
            let file = File::open(self.part.path().join(name)).map_err(failed)?;
            file.sync_all().map_err(failed)?;
        }
        File::open(self.part.path()).and_then(|folder| folder.sync_all()).map_err(failed)?;
        let around = parent(&self.path).to_owned();
        let mut before = None;
        if self.path.symlink_metadata().is_ok() {
            check_replaceable(&self.path, self.force, self.marker)?;
            let aside = tempfile::Builder::new().prefix(".graphferry.").suffix(".old").tempdir_in(&around);
            let aside = aside.map_err(failed)?;
            std::fs::rename(&self.path, aside.path().join("dump")).map_err(failed)?;
            before = Some(aside);
        }
        if let Err(cause) = std::fs::rename(self.part.path(), &self.path) {
            if let Some(aside) = before {
                let _ = std::fs::rename(aside.path().join("dump"), &self.path);
            }
            return Err(failed(cause));
        }
        // What had the part's name has moved: there is nothing left to take away.
        let _ = self.part.keep();
        File::open(&around).and_then(|folder| folder.sync_all()).map_err(failed)
    }
}

/// The names of the files in a folder, sorted; hidden ones are left out.
///
/// # Errors
/// The folder cannot be read.
pub fn names(path: &Path) -> Result<Vec<String>> {
    let place = |cause| Error::io(format!("reading {}", path.display()), cause);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(place)? {
        let entry = entry.map_err(place)?;
        if let Ok(name) = entry.file_name().into_string()
            && !name.starts_with('.')
            && entry.path().is_file()
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn check_replaceable(path: &Path, force: bool, marker: &str) -> Result<()> {
    if !force {
        return Err(Error::refused(format!("{} exists", path.display())).hint("add --force to replace it"));
    }
    let is_folder = path.symlink_metadata().is_ok_and(|about| about.is_dir());
    let is_empty = || std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    if is_folder && (path.join(marker).is_file() || is_empty()) {
        return Ok(());
    }
    Err(Error::refused(format!("{} exists and is not a dump", path.display()))
        .hint("a folder is only replaced if it holds a dump or nothing: name another one, or remove it by hand"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn entries(path: &Path) -> usize {
        std::fs::read_dir(path).unwrap().count()
    }

    #[test]
    fn a_folder_appears_whole_or_not_at_all() {
        let around = tempfile::tempdir().unwrap();
        let path = around.path().join("dump");
        let mut folder = Folder::create(&path, false, "marker").unwrap();
        for round in 0..3 {
            for member in 0..200 {
                folder.append(&format!("m{member}"), format!("{round}.{member}\n").as_bytes()).unwrap();
            }
        }
        assert!(!path.exists());
        assert!(folder.append("../x", b"").is_err());
        folder.append("marker", b"").unwrap();
        folder.commit().unwrap();
        assert_eq!(std::fs::read_to_string(path.join("m7")).unwrap(), "0.7\n1.7\n2.7\n");
        assert_eq!((entries(&path), entries(around.path())), (201, 1));

        assert!(Folder::create(&path, false, "marker").is_err());
        let mut dropped = Folder::create(&path, true, "marker").unwrap();
        dropped.append("x", b"x").unwrap();
        drop(dropped);
        assert_eq!((entries(&path), entries(around.path())), (201, 1));

        let mut next = Folder::create(&path, true, "marker").unwrap();
        next.append("marker", b"").unwrap();
        next.commit().unwrap();
        assert_eq!((entries(&path), entries(around.path())), (1, 1));
    }

    #[test]
    fn other_folders_are_never_replaced() {
        let around = tempfile::tempdir().unwrap();
        std::fs::write(around.path().join("thesis.txt"), "years of work").unwrap();
        assert!(Folder::create(around.path(), true, "marker").is_err());
        assert!(Folder::create(&around.path().join("thesis.txt"), true, "marker").is_err());
    }
}
