//! GraphFerry carries property graphs between systems and proves that nothing changed on the way.

pub mod backend;
pub mod cypher;
pub mod error;
pub mod format;
pub mod model;
pub mod volume;

pub use error::{Error, ErrorKind, Position, Result, Retry};
