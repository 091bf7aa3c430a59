//! Physical backups of Memgraph: the files that the server itself would recover from, in one archive, with what they lack beside them.
//!
//! Memgraph's own way is a list of steps: make a snapshot, lock the data directory, copy, unlock. [`create`] takes them in that order and
//! unlocks whatever happens on the way (`hold.rs`). What the files do not hold (triggers) or hold in vain (text indexes, which come back
//! empty) is read from the server and kept in the archive as a JSONL dump without data; [`complete`] puts it back.
//!
//! | file | what |
//! |---|---|
//! | `manifest` | what an archive says of itself |
//! | `archive` | an archive that is written |
//! | `contents` | an archive that is read: nothing in it is believed before it was checked |
//! | `hold` | the lock on the data directory, and the note that tells of it after a crash |
//! | `create` | the backup |
//! | `unpack` | an archive into a fresh directory |
//! | `recover` | an archive into a running server |
//! | `mend` | what the server's schema lacks afterwards |
//!
//! The format of an archive is described in docs/memgraph-snapshots.md. It refuses to know what is in a snapshot: that is
//! [`memgraph_files`](crate::backend::memgraph_files).

mod archive;
mod contents;
mod create;
mod hold;
mod manifest;
mod mend;
mod recover;
mod unpack;

pub use contents::{Archive, Finding};
pub use create::{Created, Wish, create};
pub use manifest::{FORMAT, Manifest, Member, VERSION};
pub use mend::{Mending, mend};
pub use recover::{Recovered, complete, recover};
pub use unpack::{is_in_use, unpack};
