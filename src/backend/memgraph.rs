//! Memgraph 2 and 3, over Bolt.
//!
//! | file | what |
//! |---|---|
//! | `source` | the pinned view: one read transaction |
//! | `storage` | how the storage works, and what its transactions promise |
//! | `rows` | whole nodes and relationships into blocks |
//! | `values` | properties as the server sends them: checked, and brought into our form |
//! | `schema`, `trigger` | what SHOW tells of the schema |
//! | `own_dump`, `settle` | DUMP DATABASE, and what it settles where SHOW leaves a doubt |
//! | `target` | facts, schema changes |
//! | `session` | batches of what is new |
//! | `parcel` | how properties are sent, and which cannot be |
//! | `once` | which relationships of a batch are there already |
//! | `change` | nodes that are there: changed, read, deleted, put back |
//! | `look` | the values that nodes and relationships have for some properties |
//! | `ledger` | what a run has done, and how a doubt is settled |
//! | `data_directory` | the files of a running server: snapshots, and the lock on them |
//! | `statement` | every statement that is sent for these, with what proves that it is understood |
//!
//! A transaction of Memgraph works on a snapshot, unless the server was told otherwise: `storage` looks. SHOW is refused inside
//! a transaction, so that the schema is read before it and again after it, and a difference is told as a change.

mod change;
mod data_directory;
mod ledger;
mod look;
mod once;
mod own_dump;
mod parcel;
mod rows;
mod schema;
mod session;
mod settle;
mod source;
mod statement;
mod storage;
mod target;
mod trigger;
mod values;

pub use data_directory::DataDirectory;
pub(super) use target::held;

use super::bolt::Link;
use super::{Source, Target};
use crate::error::Result;
use crate::model::Consistency;
use crate::wire::Connection;

/// A database that is to be read.
pub(super) fn source(link: Link, connection: Connection) -> Box<dyn Source> {
    Box::new(source::MemgraphSource::new(link, connection))
}

/// The server's own dump, statement by statement, in one read transaction; and what that promises.
///
/// # Errors
/// The server cannot promise what is wanted, or refuses; or what `sink` says.
pub(super) fn own_dump(
    link: &Link,
    connection: &mut Connection,
    want: Option<Consistency>,
    sink: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<Consistency> {
    own_dump::all(connection, link, want, sink)
}

/// A database that is to be written.
///
/// # Errors
/// The server does not tell what we must know of it.
pub(super) fn target(link: Link, connection: Connection) -> Result<Box<dyn Target>> {
    target::open(link, connection)
}
