//! Memgraph 2 and 3, over Bolt.

mod rows;
mod source;
mod target;
mod values;

use super::bolt::Link;
use super::{Source, Target};
use crate::error::Result;
use crate::wire::Connection;

/// A database that is to be read.
pub(super) fn source(link: Link, connection: Connection) -> Box<dyn Source> {
    Box::new(source::MemgraphSource::new(link, connection))
}

/// A database that is to be written.
///
/// # Errors
/// The server does not tell what we must know of it.
pub(super) fn target(link: Link, connection: Connection) -> Result<Box<dyn Target>> {
    target::open(link, connection)
}
