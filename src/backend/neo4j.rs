//! Neo4j 5.26 and newer, over Bolt.
//!
//! | file | what |
//! |---|---|
//! | `source` | the pinned view: one read transaction |
//! | `rows` | rows into blocks |
//! | `values` | properties as the server sends them: checked, and refused by name where they cannot be carried |
//! | `schema` | what SHOW INDEXES and SHOW CONSTRAINTS tell |
//! | `trigger` | APOC's triggers |
//! | `target` | facts, schema changes |
//! | `session` | batches of what is new |
//! | `once` | which relationships of a batch are there already |
//! | `change` | nodes that are there: changed, read, deleted, put back |
//! | `look` | the values that nodes and relationships have for some properties |
//! | `ledger` | what a run has done |
//!
//! A transaction of Neo4j sees what others commit while it runs, in every edition. So a source promises
//! [`ReadCommitted`](crate::model::Consistency::ReadCommitted) and no more, and tells at the end whether anything was committed meanwhile.
//!
//! Every statement of ours says which version of Cypher it is written in, so that a database whose default is a newer one
//! understands it as it is meant. `neo4j://` is one server, as `bolt://` is.

mod change;
mod ledger;
mod look;
mod once;
mod rows;
mod schema;
mod session;
mod source;
mod target;
mod trigger;
mod values;

pub(super) use target::held;

use super::bolt::Link;
use super::{Source, Target};
use crate::wire::Connection;

/// A database that is to be read.
pub(super) fn source(link: Link, connection: Connection) -> Box<dyn Source> {
    Box::new(source::Neo4jSource::new(link, connection))
}

/// A database that is to be written.
pub(super) fn target(link: Link, connection: Connection) -> Box<dyn Target> {
    Box::new(target::Neo4jTarget::new(link, connection))
}
