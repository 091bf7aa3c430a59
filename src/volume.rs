//! Where dumps lie: files, stdin and stdout, compressed or not.
//!
//! A file that is being written has another name until [`Output::commit`]: whoever finds the file finds all of it. Compression is told by a
//! file's first bytes when reading, by its name or an option when writing.

pub mod compression;
pub mod folder;
pub mod input;
pub mod output;

pub use compression::Compression;
pub use folder::Folder;
pub use input::Input;
pub use output::Output;
