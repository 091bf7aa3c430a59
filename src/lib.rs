//! GraphFerry carries property graphs between systems and proves that nothing changed on the way.

pub mod backend;
pub mod backup;
pub mod check;
pub mod cli;
pub mod cypher;
pub mod diff;
pub mod dump;
pub mod error;
pub mod feed;
pub mod filter;
pub mod format;
pub mod guard;
pub mod hugegraph;
pub mod ids;
pub mod inspect;
pub mod model;
pub mod objects;
pub mod observe;
pub mod physical;
pub mod restore;
pub mod shape;
pub mod strip;
pub mod survey;
pub mod verify;
pub mod volume;
pub mod wire;
pub mod write;

pub use error::{Error, ErrorKind, Position, Result, Retry};
