//! HugeGraph: a graph of a server, through its REST interface.
//!
//! | file | what |
//! |---|---|
//! | `client` | paths, answers, errors |
//! | `catalog` | the schema, the time zone |
//! | `mode` | the modes NONE, RESTORING, MERGING, LOADING |
//! | `page` | shards, pages of a size in bytes, several at once |
//! | `refill` | blocks that do not depend on pages |
//! | `source` | the graph as blocks |
//! | `target`, `session`, `merging`, `edges` | a graph that is written |
//! | `change` | vertices and edges by their ids |
//! | `delete` | many deleted at once |
//! | `held` | what a server can hold that is not at hand |
//! | `define` | schema elements, made and removed |
//! | `registry` | which vertex a number of ours means |
//! | `journal` | the ledger, and the mode that was found, in a file on this machine |
//!
//! HugeGraph has no snapshot: what is read while others write is of no one instant, and the header says so. Schema elements, ids and values are what
//! [`crate::hugegraph`] says.

mod catalog;
mod change;
mod client;
mod define;
mod delete;
mod edges;
mod held;
mod journal;
mod merging;
pub mod mode;
mod page;
mod refill;
mod registry;
mod session;
mod shard;
mod source;
mod target;

pub use held::held;

use super::url::Server;
use super::{Access, Source, Target};
use crate::error::Result;
use crate::hugegraph::Id;

/// What is done about edges that lead to vertices which were not read: somebody wrote meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dangling {
    /// They are left out and told, and the work counts as incomplete.
    #[default]
    Report,
    /// The edges are looked through beforehand, and such vertices asked for.
    Fetch,
    /// The work fails.
    Refuse,
}

/// How a graph is read and written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The time zone of the server, an IANA name; it is asked where it is not given.
    pub zone: Option<String>,
    /// What is done about edges that lead nowhere.
    pub dangling: Dangling,
    /// How many requests are under way at once; from the number of cores where it is not given.
    pub workers: Option<usize>,
    /// The folder of journals. Without one, nothing outlives the process: no run can be resumed, and a mode that was left is not put back.
    pub state: Option<std::path::PathBuf>,
}

impl Options {
    fn workers(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(4, |cores| (cores.get() * 2).clamp(2, 8));
        self.workers.unwrap_or_else(cores).max(1)
    }
}

/// The path that asks for some vertices or edges by their ids; those that are gone are left out of the answer.
fn by_ids(what: &str, ids: &[Id<'_>]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| format!("ids={}", client::encoded(&quoted(id)))).collect();
    format!("/traversers/{what}?{}", ids.join("&"))
}

/// A vertex's id as parameters have it: `7`, `"ann"`, `U"c9a4…"`.
fn quoted(id: &Id<'_>) -> String {
    let mut json = Vec::new();
    id.put_json(&mut json);
    let json = String::from_utf8_lossy(&json);
    if matches!(id, Id::Uuid(_)) { format!("U{json}") } else { json.into_owned() }
}

/// Connects to a graph that is to be read.
///
/// # Errors
/// It cannot be reached, denies access, or is no HugeGraph.
pub(super) fn open_source(server: &Server, access: &Access) -> Result<Box<dyn Source>> {
    Ok(Box::new(source::Graph::open(client::Client::open(server, access)?, access)?))
}

/// Connects to a graph that is to be written.
///
/// # Errors
/// It cannot be reached, denies access, or is no HugeGraph.
pub(super) fn open_target(server: &Server, access: &Access) -> Result<Box<dyn Target>> {
    Ok(Box::new(target::Store::open(client::Client::open(server, access)?, access)))
}
