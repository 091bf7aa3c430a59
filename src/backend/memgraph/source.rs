//! The source: one read transaction, scanned.

use crate::backend::bolt::Link;
use crate::backend::{Snapshot, Source};
use crate::error::{Error, Result};
use crate::model::Consistency;
use crate::model::header::Origin;
use crate::wire::Connection;

/// A Memgraph database that is read.
#[derive(Debug)]
pub(super) struct MemgraphSource {
    link: Link,
    connection: Connection,
}

impl MemgraphSource {
    pub(super) fn new(link: Link, connection: Connection) -> Self {
        Self { link, connection }
    }
}

impl Source for MemgraphSource {
    fn origin(&self) -> &Origin {
        &self.link.origin
    }

    fn snapshot(&mut self, _: Option<Consistency>) -> Result<Box<dyn Snapshot + '_>> {
        Err(Error::usage(format!("{} is Memgraph, which is not supported yet", self.connection.peer())))
    }
}
