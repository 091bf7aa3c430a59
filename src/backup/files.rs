//! The folder of backups, on a disk or in object storage: names, what lies there, and the lock.

use crate::error::{Error, ErrorKind, Result};
use crate::volume::place::{self, exists};
use crate::volume::{Lease, parts};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The time in a name.
const TIME: &str = "%Y%m%dT%H%M%SZ";

/// A backup that lies in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Its path; that of its first part if there are several.
    pub path: PathBuf,
    /// When it was taken, as its name says.
    pub taken: Timestamp,
}

/// The right to make and remove backups of one database in one folder. It ends with its process, however that ends; in object storage, where
/// nobody notices that a process is killed, a quarter of an hour later.
#[derive(Debug)]
pub struct Lock {
    folder: PathBuf,
    database: String,
    holding: Holding,
}

/// What keeps others out.
#[derive(Clone, Debug)]
pub enum Holding {
    /// A file that is locked.
    File(Arc<File>),
    /// An object that is renewed.
    Lease(Arc<Lease>),
    /// Nothing: the object storage knows no conditions.
    Nothing,
}

impl Holding {
    /// Sees that the right is still held.
    ///
    /// # Errors
    /// Somebody else took it.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Lease(lease) => lease.check(),
            _ => Ok(()),
        }
    }
}

/// A database's name as a part of file names.
fn as_file_name(database: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
    let name: String = database.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    let name = name.trim_start_matches('.').to_owned();
    if name.is_empty() { "database".to_owned() } else { name }
}

/// The name of a backup.
#[must_use]
pub fn name(database: &str, taken: Timestamp, is_sealed: bool) -> String {
    let suffix = if is_sealed { ".age" } else { "" };
    format!("{}_backup_{}.tar{suffix}", as_file_name(database), taken.to_zoned(TimeZone::UTC).strftime(TIME))
}

/// When the backup was taken that has this name, if it is one of this database; the first part stands for all.
#[must_use]
pub fn parse(database: &str, file: &str) -> Option<Timestamp> {
    let rest = file.strip_prefix(&*as_file_name(database))?.strip_prefix("_backup_")?;
    let rest = rest.strip_suffix(".001").unwrap_or(rest);
    let time = rest.strip_suffix(".age").unwrap_or(rest).strip_suffix(".tar")?;
    let time = DateTime::strptime(TIME, time).ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
    let same = |sealed| [name(database, time, sealed), name(database, time, sealed) + ".001"];
    [false, true].into_iter().flat_map(same).any(|name| name == file).then_some(time)
}

pub(super) fn first_part(base: &Path) -> PathBuf {
    let mut name = base.as_os_str().to_owned();
    name.push(".001");
    PathBuf::from(name)
}

impl Backup {
    /// Removes it; of several parts the first one goes first, without which the others are nothing.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn remove(&self) -> Result<()> {
        for path in parts::files(&self.path).unwrap_or_else(|_| vec![self.path.clone()]) {
            place::remove(&path)?;
        }
        Ok(())
    }
}

impl Lock {
    /// Takes the lock.
    ///
    /// # Errors
    /// [`Refused`](crate::ErrorKind::Refused): somebody has it. Or the folder cannot be written.
    pub fn take(folder: &Path, database: &str) -> Result<Self> {
        let path = folder.join(format!(".{}_backup.lock", as_file_name(database)));
        let locked = |holding| Self { folder: folder.to_owned(), database: database.to_owned(), holding };
        let busy = || {
            Error::refused(format!("another backup of {database} into {} is running", folder.display()))
                .hint("wait for it to end")
        };
        if place::is_url(folder) {
            return match Lease::take(crate::volume::address(&path)?) {
                Ok(Some(lease)) => Ok(locked(Holding::Lease(Arc::new(lease)))),
                Ok(None) => Ok(locked(Holding::Nothing)),
                Err(error) if error.kind() == ErrorKind::Refused => Err(busy()
                    .hint(format!("wait for it to end; {}", error.advice().unwrap_or_default()))
                    .caused_by(error)),
                Err(error) => Err(error),
            };
        }
        let failed = |cause| Error::io(format!("locking {}", path.display()), cause);
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(locked(Holding::File(Arc::new(file)))),
            Err(TryLockError::WouldBlock) => Err(busy()),
            Err(TryLockError::Error(cause)) => Err(failed(cause)),
        }
    }

    /// What keeps others out.
    #[must_use]
    pub fn holding(&self) -> Holding {
        self.holding.clone()
    }

    fn names(&self) -> Result<Vec<String>> {
        place::names(&self.folder)
    }

    /// The backups of the database, the oldest first.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn backups(&self) -> Result<Vec<Backup>> {
        let found = |name: &String| Some(Backup { path: self.folder.join(name), taken: parse(&self.database, name)? });
        let mut backups: Vec<_> = self.names()?.iter().filter_map(found).collect();
        backups.sort_by_key(|backup| backup.taken);
        Ok(backups)
    }

    /// Removes what runs left that were cut off: files that never got a name, and parts whose first one did not get its.
    pub(super) fn remove_leftovers(&self) -> Result<()> {
        let hidden = format!(".{}_backup_", as_file_name(&self.database));
        let names = self.names()?;
        for name in &names {
            let is_unnamed = name.starts_with(&hidden) && name.ends_with(".part");
            let base = name.rsplit_once('.').filter(|(_, number)| number.len() >= 3 && number.parse::<u32>().is_ok());
            let is_orphan = base.is_some_and(|(base, _)| {
                parse(&self.database, base).is_some() && !names.contains(&format!("{base}.001"))
            });
            if is_unnamed || is_orphan {
                place::remove(&self.folder.join(name))?;
            }
        }
        Ok(())
    }

    /// A name that nothing has yet: two backups in one second wait for each other.
    pub(super) fn new_name(&self, is_sealed: bool) -> Result<PathBuf> {
        for _ in 0..50 {
            let now = Timestamp::now();
            let both = [false, true].map(|sealed| self.folder.join(name(&self.database, now, sealed)));
            let mut taken = false;
            for path in &both {
                taken |= exists(path)? || exists(&first_part(path))?;
            }
            if !taken {
                return Ok(self.folder.join(name(&self.database, now, is_sealed)));
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        Err(Error::failed("the clock stands still: every name for the backup is taken"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_tell_database_and_time() {
        let time: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        assert_eq!(name("neo4j", time, false), "neo4j_backup_20260102T030405Z.tar");
        assert_eq!(name("../a b", time, true), "_a_b_backup_20260102T030405Z.tar.age");
        for (database, sealed) in [("neo4j", false), ("graph.db", true), ("../a b", false)] {
            let name = name(database, time, sealed);
            assert_eq!(parse(database, &name), Some(time));
            assert_eq!(parse(database, &format!("{name}.001")), Some(time));
            assert_eq!(parse("other", &name), None);
            for other in [format!("{name}.002"), format!(".{name}"), format!("{name}.part"), format!("x{name}")] {
                assert_eq!(parse(database, &other), None, "{other}");
            }
        }
        assert_eq!(parse("neo4j", "neo4j_backup_20260102T030465Z.tar"), None);
        assert_eq!(parse("neo4j", "neo4j_backup_20260102T030405Z.jsonl"), None);
    }

    #[test]
    fn the_lock_keeps_others_out_and_leftovers_go() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::take(folder.path(), "neo4j").unwrap();
        assert_eq!(Lock::take(folder.path(), "neo4j").unwrap_err().kind(), crate::ErrorKind::Refused);
        drop(Lock::take(folder.path(), "other").unwrap());
        let whole = "neo4j_backup_20260102T030405Z.tar";
        let stay =
            [whole, "neo4j_backup_20260103T030405Z.tar.001", "neo4j_backup_20260103T030405Z.tar.002", "notes.part"];
        let go = [".neo4j_backup_20260102T030405Z.tar.x1.part", "neo4j_backup_20260104T030405Z.tar.002"];
        for name in stay.iter().chain(&go) {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        lock.remove_leftovers().unwrap();
        stay.iter().for_each(|name| assert!(folder.path().join(name).exists(), "{name}"));
        go.iter().for_each(|name| assert!(!folder.path().join(name).exists(), "{name}"));
        let backups = lock.backups().unwrap();
        assert_eq!(backups.len(), 2);
        backups[1].remove().unwrap();
        assert!(!folder.path().join(stay[2]).exists());
        drop(lock);
        Lock::take(folder.path(), "neo4j").unwrap();
    }
}
