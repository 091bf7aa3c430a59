//! Databases: what can be read from them, and what can be written.
//!
//! A backend is one file (or folder) below this one and one line in [`url`]. It speaks blocks and schema objects with the rest of the
//! program and knows no format. Every backend passes the same conformance suite (`tests/conformance.rs`).

pub mod access;
mod bolt;
pub mod hugegraph;
pub mod ledger;
pub mod memgraph;
pub mod memgraph_files;
pub mod neo4j;
pub mod presumed;
pub mod sqlite;
pub mod url;

pub use access::Access;
pub use ledger::{Deed, Entry, Mark};
pub use url::Location;

use bolt::{Link, System};

use crate::error::{Error, Result};
use crate::guard::WipeConsent;
use crate::model::header::Origin;
use crate::model::{Block, Capability, Class, Consistency, Schema, SchemaObject, Trigger};
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

    /// The names that occur, at least those that the name of a dump's helper could collide with; more are allowed.
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

    /// What could not be read of a damaged source, in words, with places: the result is then not the whole graph.
    fn missing(&self) -> Vec<String> {
        Vec::new()
    }

    /// What the source does not hold although its database had it, in words: a dump tells it in its header.
    fn absent(&self) -> Vec<String> {
        Vec::new()
    }

    /// What the user should know of the view, such as a promise that is weaker than usual, or what the source does not hold.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// Ends the view and tells whether the store changed while it was open: `None` where nobody can tell.
    ///
    /// # Errors
    /// The database fails.
    fn finish(&mut self) -> Result<Option<bool>>;
}

/// The order in which relationship batches go out so that sessions do not collide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Schedule {
    /// One batch after the other, in the order of the dump.
    Sequential,
    /// Windows of the stream sorted by start node, then cut into batches.
    Sorted,
    /// Windows of the stream cut so that no two batches under way at once have a node in common.
    Partitioned,
}

/// Which relationships of a batch are there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Once {
    /// None is looked for: all are created.
    #[default]
    Always,
    /// Those with the same start, type and end.
    Ends,
    /// Those whose properties are equal as well.
    Properties,
}

/// What a target tells of itself before the plan is made.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What it is.
    pub origin: Origin,
    /// What it can hold.
    pub capability: Capability,
    /// Nodes that are there, those of the ledger apart.
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
    /// Whether its triggers fire on what we write; a store that only carries them says no.
    pub fires_triggers: bool,
    /// Whether a restore that was cut off can go on: writing the same items again changes nothing.
    pub resumes_restores: bool,
    /// Where whoever writes gives ids to nodes: labels, with the properties that say which node of such a label is which. `None` where the target gives ids itself.
    pub identities: Option<Vec<(String, Vec<String>)>>,
    /// Whether it is in a mode without transactions, where a failed batch leaves what it had made; `None` where it has no such mode.
    pub analytical: Option<bool>,
}

/// An item of the target with some of its properties.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Its id.
    pub id: i64,
    /// A relationship's start node; 0 for a node.
    pub start: i64,
    /// A relationship's end node; 0 for a node.
    pub end: i64,
    /// The values of the properties that were asked for, in that order, as PackStream one after the other; null where it has none.
    pub values: &'a [u8],
}

/// What an update does to a property that the node has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// It gets the new value.
    Overwrite,
    /// It keeps its value.
    Fill,
}

/// What a target is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An empty graph becomes what the dump is.
    Restore,
    /// The dump comes to what is there.
    Merge,
}

/// A session's place in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The run.
    pub run: String,
    /// The number of the session, from 0.
    pub lane: usize,
    /// What [`Target::fence`] gave.
    pub epoch: i64,
}

/// A database that can be written.
pub trait Target: Send {
    /// Looks at the database. Changes nothing.
    ///
    /// # Errors
    /// The database refuses.
    fn facts(&mut self) -> Result<Facts>;

    /// Goes into the state in which the target takes what is to come, before the first write. Does nothing where there is no such state.
    ///
    /// # Errors
    /// The database refuses, or somebody else is at it.
    fn prepare(&mut self, _: Purpose) -> Result<()> {
        Ok(())
    }

    /// Puts back what [`Target::prepare`] changed. Called also after a failure.
    ///
    /// # Errors
    /// The database refuses.
    fn conclude(&mut self) -> Result<()> {
        Ok(())
    }

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

    /// Drops all that is there: triggers and schema, then relationships and nodes in batches, so that what was cut off goes on when it is called
    /// again. What the system makes by itself stays. `told` gets how many items have gone since the last time, and may end it.
    ///
    /// # Errors
    /// The database refuses, the consent is for another database, or what `told` says.
    fn wipe(&mut self, consent: &WipeConsent, told: &mut dyn FnMut(u64) -> Result<()>) -> Result<()>;

    /// Waits until every index is online.
    ///
    /// # Errors
    /// An index failed; the message names it.
    fn settle(&mut self) -> Result<()>;

    /// Pushes the values that the nodes with a label, or the relationships of a type, have for some properties. Those of the ledger are left out.
    /// `sink` must not wait for another session of this target: a store with one writer holds it meanwhile.
    ///
    /// # Errors
    /// The database fails, or what `sink` says.
    fn look(
        &mut self,
        class: Class,
        name: &str,
        properties: &[String],
        sink: &mut dyn FnMut(Seen<'_>) -> Result<()>,
    ) -> Result<()>;

    /// Pushes the ids of all nodes where [`Facts::identities`] says that ids are given by whoever writes: the values are the id, whether it is a UUID, and the label.
    ///
    /// # Errors
    /// The database fails, or what `sink` says.
    fn look_at_ids(&mut self, _: &mut dyn FnMut(Seen<'_>) -> Result<()>) -> Result<()> {
        Ok(())
    }

    /// Pushes relationships where the target keeps one of each: the values are the type, and the properties as [`plain`](crate::hugegraph::plain) has them. Those at a node that was not
    /// pushed before, by [`Target::look`] or [`Target::look_at_ids`], are left out.
    ///
    /// # Errors
    /// The database fails, or what `sink` says.
    fn look_at_edges(&mut self, _: &mut dyn FnMut(Seen<'_>) -> Result<()>) -> Result<()> {
        Ok(())
    }

    /// Stops a trigger (`false`) or starts it again (`true`). One that is gone meanwhile is no error.
    ///
    /// # Errors
    /// The database refuses.
    fn set_trigger(&mut self, trigger: &Trigger, active: bool) -> Result<()>;

    /// Goes into a mode without transactions, which loads faster, or back. No session may be at work.
    ///
    /// # Errors
    /// There is no such mode, or the database refuses.
    fn set_analytical(&mut self, _: bool) -> Result<()> {
        Err(Error::refused("the target has no mode without transactions"))
    }

    /// Sees to it that what was written in such a mode survives a restart.
    ///
    /// # Errors
    /// The database refuses.
    fn make_durable(&mut self) -> Result<()> {
        Ok(())
    }

    /// Every run that has a ledger here, with its record, in the order of their names.
    ///
    /// # Errors
    /// The database fails.
    fn runs(&mut self) -> Result<Vec<(String, String)>>;

    /// Writes the record of a run; the run begins with its first record.
    ///
    /// # Errors
    /// The database fails.
    fn record(&mut self, run: &str, record: &str) -> Result<()>;

    /// Takes a run over: gives it `lanes` lanes with a new epoch. When this returns, no batch with a mark of a session with an older epoch is
    /// under way any more, and none that it sends later will be committed.
    ///
    /// # Errors
    /// The database fails, or there is no such run.
    fn fence(&mut self, run: &str, lanes: usize) -> Result<i64>;

    /// Writes a line of the ledger that tells of no data, such as [`Deed::Matches`]; each once, the ledger does not look for one like it.
    ///
    /// # Errors
    /// The database fails.
    fn enter(&mut self, run: &str, entry: &Entry) -> Result<()>;

    /// Pushes every line of a run, in the order of batch and first item. What is said of `sink` in [`Target::look`] holds here too.
    ///
    /// # Errors
    /// The database fails, a line is damaged, or what `sink` says.
    fn entries(&mut self, run: &str, sink: &mut dyn FnMut(Entry) -> Result<()>) -> Result<()>;

    /// How many batches of a run may be in without a line of the ledger: where it is not one with the data, those that were cut off.
    ///
    /// # Errors
    /// The ledger cannot be read.
    fn unsettled(&mut self, _run: &str) -> Result<u64> {
        Ok(0)
    }

    /// How many sessions may delete at once what a run has made, in the same lane.
    fn undo_sessions(&self) -> usize {
        1
    }

    /// Removes the ledger of a run: its lines, its lanes, and last its record. What the run did stays. May be called again when it was cut off.
    ///
    /// # Errors
    /// The database fails.
    fn forget(&mut self, run: &str) -> Result<()>;
}

/// A connection that writes batches. A batch is all or nothing: after an error none of it is there, unless the error's retry class is
/// [`Unknown`](crate::Retry::Unknown), which says that the answer was lost.
pub trait Session: Send {
    /// Takes a place in a run. From then on a batch that comes with a mark writes its line of the ledger in its own transaction.
    ///
    /// # Errors
    /// There is no such run or lane.
    fn enlist(&mut self, place: &Place) -> Result<()>;

    /// Creates a batch of nodes of one kind and pushes their new ids in the order of the batch.
    ///
    /// # Errors
    /// As above; with [`Again`](crate::Retry::Again) the same batch may be sent again.
    fn nodes(&mut self, batch: &Block, mark: Option<&Mark>, ids: &mut Vec<i64>) -> Result<()>;

    /// Creates a batch of relationships of one kind whose `start` and `end` are ids of this target; gives how many were created.
    /// Fewer than in the batch means that an end is missing: the caller treats it as a failure. With `once`, those that are there already
    /// are not created: the target, before this batch, and the batch itself hold no two alike afterwards.
    ///
    /// # Errors
    /// As above.
    fn relationships(&mut self, batch: &Block, once: Once, mark: Option<&Mark>) -> Result<u64>;

    /// Creates a batch of relationships of one kind where the target keeps one in each place ([`Facts::identities`]), and changes those in whose place one with other properties
    /// is: as `how` says, or not at all. Two of the batch in one place that differ are an error. Gives how many were created, and how many changed. The ledger gets a line about each of the two
    /// ([`Mark::of_changes`]).
    ///
    /// # Errors
    /// As above.
    fn join(&mut self, _batch: &Block, _how: Option<Update>, _mark: Option<&Mark>) -> Result<[u64; 2]> {
        Err(Error::failed("the target may have many relationships in one place"))
    }

    /// Changes nodes that are there: `start` of each item is the node's id in the target. Labels of the items' kinds are added. No node is there twice in
    /// a batch. The line of the ledger holds what the nodes were before if the mark asks for it. Gives how many nodes were found.
    ///
    /// # Errors
    /// As above.
    fn update(&mut self, batch: &Block, how: Update, mark: Option<&Mark>) -> Result<u64>;

    /// Whether a batch whose answer was lost was committed: its line of the ledger, once it is certain. Nothing of the batch is under way any more after this.
    ///
    /// # Errors
    /// The database cannot be reached.
    fn find(&mut self, mark: &Mark) -> Result<Option<Entry>>;

    /// The items with these ids that are there, in any order, with one kind an item.
    ///
    /// # Errors
    /// The database fails.
    fn read(&mut self, class: Class, ids: &[i64]) -> Result<Block>;

    /// Deletes items, and in the same transaction a line of the ledger. With `detach` a node's relationships go with it; without, a node
    /// that has some stays. Gives how many items were deleted.
    ///
    /// # Errors
    /// As above.
    fn delete(&mut self, class: Class, ids: &[i64], detach: bool, entry: &Entry) -> Result<u64>;

    /// Does what [`Session::delete`] has put off: relationships may go only with their nodes. To be called once all are deleted.
    ///
    /// # Errors
    /// As above.
    fn sweep(&mut self) -> Result<()> {
        Ok(())
    }

    /// Gives nodes exactly the labels and properties of a block whose items have the target's ids as `start`, those apart that are not there
    /// any more, and in the same transaction removes a line of the ledger. Relationships as well, where [`Session::join`] changes some.
    ///
    /// # Errors
    /// As above.
    fn put_back(&mut self, items: &Block, entry: &Entry) -> Result<()>;

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
        Location::Bolt(server) => {
            let (link, connection) = Link::open(server, access)?;
            Ok(match link.system {
                System::Neo4j => neo4j::source(link, connection),
                System::Memgraph => memgraph::source(link, connection),
            })
        }
        Location::HugeGraph(server) => hugegraph::open_source(server, access),
        Location::Sqlite(path) => sqlite::open_source(path),
        Location::MemgraphFiles(path) => memgraph_files::open_source(path, &access.files),
    }
}

/// Gives the statements of the dump that a server makes of its own database to `sink`, each with its semicolon, and tells what it is a dump
/// of and what is promised. Memgraph has such dumps.
///
/// # Errors
/// The database cannot be reached, has no such dump, cannot promise what is wanted, or fails; or what `sink` says.
pub fn own_dump(
    location: &Location,
    access: &Access,
    want: Option<Consistency>,
    sink: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<(Origin, Consistency)> {
    if let Location::Bolt(server) = location {
        let (link, mut connection) = Link::open(server, access)?;
        if link.system == System::Memgraph {
            let promise = memgraph::own_dump(&link, &mut connection, want, sink)?;
            return Ok((link.origin, promise));
        }
    }
    Err(Error::usage(format!("{location} is no Memgraph: only that makes a dump of its own"))
        .hint("leave --via dump out"))
}

/// Connects to a database that is to be written.
///
/// # Errors
/// It cannot be reached, denies access, or is not what its URL says.
pub fn open_target(location: &Location, access: &Access) -> Result<Box<dyn Target>> {
    match location {
        Location::Bolt(server) => {
            let (link, connection) = Link::open(server, access)?;
            Ok(match link.system {
                System::Neo4j => neo4j::target(link, connection),
                System::Memgraph => memgraph::target(link, connection)?,
            })
        }
        Location::HugeGraph(server) => hugegraph::open_target(server, access),
        Location::Sqlite(path) => sqlite::open_target(path),
        Location::MemgraphFiles(path) => {
            Err(crate::Error::usage(format!("{} is files of Memgraph, which are only read", path.display()))
                .hint("restore into a running server"))
        }
    }
}
