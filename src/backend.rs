//! Databases: what can be read from them, and what can be written.
//!
//! A backend is one file (or folder) below this one and one line in [`url`]. It speaks blocks and schema objects with the rest of the
//! program and knows no format. Every backend passes the same conformance suite (`tests/conformance.rs`).

pub mod access;
pub mod neo4j;
pub mod sqlite;
pub mod url;

pub use access::Access;
pub use url::Location;

use crate::error::Result;
use crate::model::header::Origin;
use crate::model::{Block, Capability, Class, Consistency, Schema, SchemaObject};
use std::collections::BTreeSet;

/// The names that occur in a graph: for choosing helper names that collide with none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Labels and types.
    pub labels: BTreeSet<String>,
    /// Property keys.
    pub properties: BTreeSet<String>,
}

/// A database that can be read.
pub trait Source: Send {
    /// What it is.
    fn origin(&self) -> &Origin;

    /// Pins a view of the graph that promises at least `want`; `None` asks for the strongest that there is.
    ///
    /// # Errors
    /// [`Refused`](crate::ErrorKind::Refused) when the database cannot promise that much: never weaker in silence.
    fn snapshot(&mut self, want: Option<Consistency>) -> Result<Box<dyn Snapshot + '_>>;
}

/// A pinned view of a graph. Its parts may be read in any order, each as often as wished.
pub trait Snapshot: Send {
    /// What it promises.
    fn consistency(&self) -> Consistency;

    /// Every index, constraint and trigger, in an order that is the same for the same schema.
    ///
    /// # Errors
    /// The database refuses, or has an object that we would have to drop in silence.
    fn schema(&mut self) -> Result<Schema>;

    /// The names that occur; a superset is allowed.
    ///
    /// # Errors
    /// The database refuses.
    fn names(&mut self) -> Result<Names>;

    /// How many nodes and relationships there are, if that is cheap to tell: for progress only.
    ///
    /// # Errors
    /// The database refuses.
    fn estimate(&mut self) -> Result<Option<(u64, u64)>>;

    /// Pushes every node, or every relationship, in full blocks, in the order of the database. `sink` may block: the scan then waits
    /// and holds no more than a block and the transport's buffers. An error of `sink` ends the scan and is returned.
    ///
    /// # Errors
    /// The database fails, the connection is lost, a value is of a type that nobody knows (the message has its name); or what
    /// `sink` says.
    fn scan(&mut self, class: Class, sink: &mut dyn FnMut(Block) -> Result<()>) -> Result<()>;

    /// Ends the view and tells whether the store changed while it was open: `None` where nobody can tell.
    ///
    /// # Errors
    /// The database fails.
    fn finish(&mut self) -> Result<Option<bool>>;
}

/// The order in which relationship batches go out so that sessions do not collide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Schedule {
    /// One batch after the other, in the order of the dump.
    Sequential,
    /// Windows of the stream sorted by start node, then cut into batches.
    Sorted,
    /// Windows of the stream cut so that no two batches under way at once have a node in common.
    Partitioned,
}

/// What a target tells of itself before the plan is made.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What it is.
    pub origin: Origin,
    /// What it can hold.
    pub capability: Capability,
    /// Nodes that are there.
    pub nodes: u64,
    /// Relationships that are there.
    pub relationships: u64,
    /// The schema that is there. What the system makes by itself in every empty database is in `defaults` instead.
    pub schema: Schema,
    /// Objects that an empty database has by itself (Neo4j's two lookup indexes).
    pub defaults: Schema,
    /// The schedule that suits it.
    pub schedule: Schedule,
    /// How many sessions it gains from, on a machine with this many cores.
    pub sessions: usize,
    /// How many items a batch should have.
    pub batch: usize,
}

/// A database that can be written.
pub trait Target: Send {
    /// Looks at the database. Changes nothing.
    ///
    /// # Errors
    /// The database refuses.
    fn facts(&mut self) -> Result<Facts>;

    /// Opens a session for data. Several may be open at once, each used by one thread.
    ///
    /// # Errors
    /// The database refuses.
    fn session(&self) -> Result<Box<dyn Session>>;

    /// Creates one schema object; waits until it is built only in [`Target::settle`].
    ///
    /// # Errors
    /// The database refuses: the data breaks a constraint, the name is taken.
    fn apply(&mut self, object: &SchemaObject) -> Result<()>;

    /// Removes one schema object that [`Target::facts`] told of.
    ///
    /// # Errors
    /// The database refuses.
    fn remove(&mut self, object: &SchemaObject) -> Result<()>;

    /// Waits until every index is online.
    ///
    /// # Errors
    /// An index failed; the message names it.
    fn settle(&mut self) -> Result<()>;
}

/// A connection that writes batches. A batch is all or nothing: after an error none of it is there, unless the error's retry class is
/// [`Unknown`](crate::Retry::Unknown), which says that the answer was lost.
pub trait Session: Send {
    /// Creates a batch of nodes of one kind and pushes their new ids in the order of the batch.
    ///
    /// # Errors
    /// As above; with [`Again`](crate::Retry::Again) the same batch may be sent again.
    fn nodes(&mut self, batch: &Block, ids: &mut Vec<i64>) -> Result<()>;

    /// Creates a batch of relationships of one kind whose `start` and `end` are ids of this target; gives how many were created.
    /// Fewer than in the batch means that an end is missing: the caller treats it as a failure.
    ///
    /// # Errors
    /// As above.
    fn relationships(&mut self, batch: &Block) -> Result<u64>;

    /// Runs a statement of the target's own language in a transaction of its own, and drops its rows.
    ///
    /// # Errors
    /// The target has no such language, or refuses.
    fn statement(&mut self, text: &str) -> Result<()>;
}

/// Connects to a database that is to be read.
///
/// # Errors
/// It cannot be reached, denies access, or is not what its URL says.
pub fn open_source(location: &Location, access: &Access) -> Result<Box<dyn Source>> {
    match location {
        Location::Neo4j(server) => neo4j::open_source(server, access),
        Location::Sqlite(path) => sqlite::open_source(path),
    }
}

/// Connects to a database that is to be written.
///
/// # Errors
/// It cannot be reached, denies access, or is not what its URL says.
pub fn open_target(location: &Location, access: &Access) -> Result<Box<dyn Target>> {
    match location {
        Location::Neo4j(server) => neo4j::open_target(server, access),
        Location::Sqlite(path) => sqlite::open_target(path),
    }
}
