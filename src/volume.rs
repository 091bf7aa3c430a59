//! Where dumps lie: files, objects in object storage, stdin and stdout, compressed and encrypted or not, in one file or in parts.
//!
//! A file that is being written has another name until [`Output::commit`]: whoever finds the file finds all of it. Compression is told by a
//! file's first bytes when reading, by its name or an option when writing.

pub mod compression;
pub mod encryption;
pub mod folder;
pub mod input;
pub mod output;
pub mod parts;
pub mod place;
mod uploads;

pub use compression::Compression;
pub use encryption::{Identity, Seal};
pub use folder::Folder;
pub use input::Input;
pub use output::Output;

pub use crate::objects::Lease;

/// The address of an object.
///
/// # Errors
/// It is no URL of one.
pub fn address(path: &std::path::Path) -> crate::Result<crate::objects::Address> {
    crate::objects::Address::object(path)
}
