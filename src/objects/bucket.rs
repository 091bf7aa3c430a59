//! One bucket: what is there, and what goes.

use super::address::Scheme;
use super::failure::{failed, is_absent};
use super::{Address, environment, runtime};
use crate::error::{Error, Result};
use object_store::path::Path;
use object_store::{ListResult, ObjectMeta, ObjectStore, ObjectStoreExt as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

struct Known {
    scheme: Scheme,
    bucket: String,
    store: Arc<dyn ObjectStore>,
    /// Whether it answered as one that is there.
    is_there: bool,
}

static KNOWN: Mutex<Vec<Known>> = Mutex::new(Vec::new());

fn known() -> MutexGuard<'static, Vec<Known>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Known {
    fn is_of(&self, address: &Address) -> bool {
        self.scheme == address.scheme && self.bucket == address.bucket
    }
}

/// The bucket of an address. Its connections and credentials are shared by all that is done there.
pub(super) fn of(address: &Address) -> Result<Arc<dyn ObjectStore>> {
    let mut known = known();
    if let Some(known) = known.iter().find(|known| known.is_of(address)) {
        return Ok(Arc::clone(&known.store));
    }
    let store = environment::store(address)?;
    let (scheme, bucket) = (address.scheme, address.bucket.clone());
    known.push(Known { scheme, bucket, store: Arc::clone(&store), is_there: false });
    Ok(store)
}

/// The key of an address as the crate has it.
pub(super) fn path(address: &Address) -> Result<Path> {
    Path::parse(&address.key).map_err(|_| Error::usage(format!("{address} has a key that cannot be")))
}

/// What is known of an object; `None` if there is none.
pub(super) fn about(address: &Address) -> Result<Option<ObjectMeta>> {
    let (store, path) = (of(address)?, path(address)?);
    let about = match runtime::run(async move { store.head(&path).await })? {
        Ok(about) => Some(about),
        Err(cause) if is_absent(&cause) => {
            // The answer has no body that would tell whether it is the bucket that is not there.
            if !known().iter().any(|known| known.is_of(address) && known.is_there) {
                list("reading", address)?;
            }
            None
        }
        Err(cause) => return Err(failed("reading", address, &cause)),
    };
    known().iter_mut().filter(|known| known.is_of(address)).for_each(|known| known.is_there = true);
    Ok(about)
}

fn list(doing: &str, folder: &Address) -> Result<ListResult> {
    let (store, path) = (of(folder)?, path(folder)?);
    let listed = runtime::run(async move { store.list_with_delimiter(Some(&path)).await })?;
    listed.map_err(|cause| failed(doing, folder, &cause))
}

/// The size of an object in bytes; `None` if there is none.
///
/// # Errors
/// The store cannot be reached, denies access, or has no such bucket.
pub fn size(address: &Address) -> Result<Option<u64>> {
    if address.key.is_empty() {
        return Ok(None);
    }
    Ok(about(address)?.map(|about| about.size))
}

/// The names of the objects directly below an address, sorted.
///
/// # Errors
/// The store cannot be reached, denies access, or has no such bucket.
pub fn names(folder: &Address) -> Result<Vec<String>> {
    let listed = list("listing", folder)?;
    let mut names: Vec<_> =
        listed.objects.iter().filter_map(|object| object.location.filename().map(str::to_owned)).collect();
    names.sort();
    Ok(names)
}

/// Removes an object; that there is none is no error.
///
/// # Errors
/// The store cannot be reached, or denies it.
pub fn remove(address: &Address) -> Result<()> {
    let (store, path) = (of(address)?, path(address)?);
    match runtime::run(async move { store.delete(&path).await })? {
        Err(cause) if !is_absent(&cause) => Err(failed("removing", address, &cause)),
        _ => Ok(()),
    }
}
