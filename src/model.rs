//! What flows: blocks of nodes and relationships, their values, and the schema around them.
//!
//! The model knows no format, no database and no file. Everything else may use it; it uses [`crate::error`] alone.

pub mod block;
pub mod capability;
pub mod change;
pub mod content;
pub mod header;
pub mod json;
pub mod packstream;
pub mod schema;
pub mod shown;
pub mod spatial;
pub mod tally;
pub mod temporal;
pub mod value;

pub use block::{Block, Class, Item, Kind};
pub use capability::{Capability, Loss, Objection};
pub use header::{Consistency, Header};
pub use packstream::{Cursor, ValueRef};
pub use schema::{Constraint, ConstraintKind, Entity, Index, IndexKind, Schema, SchemaObject, Trigger};
pub use spatial::Point;
pub use tally::{Tally, Trailer};
pub use value::{Map, Value};
