//! The target: what it can hold, and its schema.

use crate::backend::Target;
use crate::backend::bolt::Link;
use crate::error::{Error, Result};
use crate::wire::Connection;

/// Looks at the server as far as every target needs it.
pub(super) fn open(_: Link, connection: Connection) -> Result<Box<dyn Target>> {
    Err(Error::usage(format!("{} is Memgraph, which is not supported yet", connection.peer())))
}
