//! Maps and sets of ids: the one thing that may grow with the graph, so it is kept small.

pub mod map;
pub mod set;
pub mod text;

pub use map::IdMap;
pub use set::IdSet;
pub use text::TextIds;
