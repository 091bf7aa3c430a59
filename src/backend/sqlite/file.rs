//! The file itself: whether it is ours, how it is opened, how it is created.
//!
//! The file's first 100 bytes are looked at before SQLite is let near it, so that a file that is something else is
//! not changed, not even by a journal beside it. A new store is laid out in one transaction with SQLite's rollback
//! journal and turned to WAL afterwards, so these bytes tell the truth from the first moment on.

use super::fault::during;
use crate::error::{Error, Result};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The format of the layout, kept as SQLite's `user_version`.
pub(super) const FORMAT: i32 = 1;

/// `GrFy`, kept as SQLite's `application_id`.
pub(super) const APPLICATION: i32 = 0x4772_4679;

/// How long a writer waits for another one before it gives up.
const PATIENCE: Duration = Duration::from_secs(5);

/// What stands at the path.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Empty,
    Store,
}

/// Opens the store at `path` to read from.
pub(super) fn open_to_read(path: &Path) -> Result<Connection> {
    match look(path)? {
        Found::Store => {}
        Found::Nothing => {
            return Err(Error::unreachable(format!("there is no embedded store at {}", path.display())));
        }
        Found::Empty => return Err(foreign(path, "it is empty")),
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened =
        Connection::open_with_flags(plain(path), flags).and_then(|connection| probe(&connection).map(|()| connection));
    let connection = match opened {
        Ok(connection) => connection,
        // A store in WAL mode in a folder that may not be written, with no log beside it: nobody can be writing, so
        // it can be read as it is.
        Err(_) if !beside(path, "-wal").exists() => {
            let uri = immutable(path);
            Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)
                .and_then(|connection| probe(&connection).map(|()| connection))
                .map_err(during(format!("opening {}", path.display())))?
        }
        Err(cause) => return Err(during(format!("opening {}", path.display()))(cause)),
    };
    connection.busy_timeout(PATIENCE).map_err(during("opening the embedded store"))?;
    Ok(connection)
}

/// Opens the store at `path` to write to, creating it if nothing is there.
pub(super) fn open_to_write(path: &Path) -> Result<Connection> {
    look(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opening = || format!("opening {}", path.display());
    let mut connection = Connection::open_with_flags(plain(path), flags).map_err(during(opening()))?;
    connection.busy_timeout(PATIENCE).map_err(during(opening()))?;
    lay_out(&mut connection).map_err(during(opening()))?;
    configure(&connection).map_err(during(opening()))?;
    Ok(connection)
}

fn probe(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

fn lay_out(connection: &mut Connection) -> rusqlite::Result<()> {
    let laid_out = |connection: &Connection| {
        connection.pragma_query_value(None, "application_id", |row| row.get::<_, i32>(0)).map(|id| id == APPLICATION)
    };
    if laid_out(connection)? {
        return Ok(());
    }
    connection.pragma_update(None, "page_size", 8192)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    // Another program may have been faster.
    if !laid_out(&transaction)? {
        transaction.execute_batch(include_str!("layout.sql"))?;
        let mut insert = transaction.prepare("INSERT INTO graphferry (key, value) VALUES (?1, ?2)")?;
        insert.execute(("format", FORMAT.to_string()))?;
        insert.execute(("created by", concat!("graphferry ", env!("CARGO_PKG_VERSION"))))?;
        drop(insert);
        transaction.pragma_update(None, "user_version", FORMAT)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
    }
    transaction.commit()
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    // A file system without shared memory gives another mode back; all promises hold there too, readers and writers
    // then wait.
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 4000, |_| Ok(()))?;
    connection.pragma_update(None, "cache_size", -65_536)?;
    // The ends of relationships are checked by the writer, which knows which ids there are.
    connection.pragma_update(None, "foreign_keys", false)
}

/// Looks at the file without SQLite.
fn look(path: &Path) -> Result<Found> {
    let unopened = |cause| Error::unreachable(format!("{} cannot be opened", path.display())).caused_by(cause);
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(cause) => return Err(unopened(cause)),
    };
    if !metadata.is_file() {
        return Err(foreign(path, "it is not a file"));
    }
    if metadata.len() == 0 {
        return Ok(Found::Empty);
    }
    let mut head = [0; 100];
    let read = File::open(path).map_err(unopened)?.read_exact(&mut head);
    if read.is_err() || !head.starts_with(b"SQLite format 3\0") {
        return Err(foreign(path, "it is not an SQLite database"));
    }
    let number = |at: usize| {
        let bytes = head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
        i32::from_be_bytes(bytes)
    };
    if number(68) != APPLICATION {
        return Err(foreign(path, "it is an SQLite database of another program"));
    }
    let format = number(60);
    if format != FORMAT {
        return Err(Error::refused(format!(
            "{} is an embedded store of format {format}, and this graphferry knows format {FORMAT} only",
            path.display()
        ))
        .hint("use the graphferry that wrote it, or a newer one"));
    }
    Ok(Found::Store)
}

fn foreign(path: &Path, why: &str) -> Error {
    Error::refused(format!("{} is not an embedded store: {why}", path.display()))
}

/// The path in a form in which SQLite takes no part of it for something else, such as `:memory:`.
fn plain(path: &Path) -> PathBuf {
    Path::new(".").join(path)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn immutable(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in plain(path).as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri + "?immutable=1"
}
