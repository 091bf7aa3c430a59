//! Object storage: what lies under `s3://BUCKET/KEY`, `gs://BUCKET/KEY` and `az://CONTAINER/KEY`.
//!
//! | file | what |
//! |---|---|
//! | [`address`] | the URLs |
//! | `bucket` | one bucket: with which credentials it is reached, what is there, what goes |
//! | `download` | an object as a stream, in ranges, of one and the same version of it |
//! | `upload` | a stream as an object that appears whole or not at all |
//! | `lease` | the right to do something there alone, for as long as it is renewed |
//! | `failure` | what a store's failure means to us, without a secret in it |
//! | `runtime`, `transport` | how the crate `object_store`, which is asynchronous, gets its answers through the HTTP client that we have |
//!
//! Everything here blocks, like the rest. Stores are reached through the crate `object_store`; credentials come from the environment, as the
//! clouds' own tools take them. Nothing is known here of dumps, parts, compression or backups.
//!
//! Without the feature `object-storage` an address cannot be made, and says so.

pub mod address;

#[cfg(not(feature = "object-storage"))]
mod absent;
#[cfg(feature = "object-storage")]
mod bucket;
#[cfg(feature = "object-storage")]
mod download;
#[cfg(feature = "object-storage")]
mod environment;
#[cfg(feature = "object-storage")]
mod failure;
#[cfg(feature = "object-storage")]
mod lease;
#[cfg(feature = "object-storage")]
mod runtime;
#[cfg(feature = "object-storage")]
mod transport;
#[cfg(feature = "object-storage")]
mod upload;

#[cfg(not(feature = "object-storage"))]
pub use absent::{Download, Lease, Upload, names, remove, size};
pub use address::{Address, is_url};
#[cfg(feature = "object-storage")]
pub use bucket::{names, remove, size};
#[cfg(feature = "object-storage")]
pub use download::Download;
#[cfg(feature = "object-storage")]
pub use lease::Lease;
#[cfg(feature = "object-storage")]
pub use upload::Upload;
