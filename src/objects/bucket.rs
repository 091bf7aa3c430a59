//! One bucket: what is there, and what goes.

use super::failure::{failed, is_absent};
use super::{Address, environment, runtime};
use crate::error::{Error, Result};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _};
use std::sync::{Arc, Mutex, PoisonError};

type Stores = Vec<((super::address::Scheme, String), Arc<dyn ObjectStore>)>;

/// The bucket of an address. Its connections and credentials are shared by all that is done there.
pub(super) fn of(address: &Address) -> Result<Arc<dyn ObjectStore>> {
    static KNOWN: Mutex<Stores> = Mutex::new(Vec::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (address.scheme, address.bucket.clone());
    if let Some((_, store)) = known.iter().find(|(name, _)| *name == key) {
        return Ok(Arc::clone(store));
    }
    let store = environment::store(address)?;
    known.push((key, Arc::clone(&store)));
    Ok(store)
}

/// The key of an address as the crate has it.
pub(super) fn path(address: &Address) -> Result<Path> {
    Path::parse(&address.key).map_err(|_| Error::usage(format!("{address} has a key that cannot be")))
}

/// What is known of an object; `None` if there is none.
pub(super) fn about(address: &Address) -> Result<Option<ObjectMeta>> {
    let (store, path) = (of(address)?, path(address)?);
    match runtime::run(async move { store.head(&path).await })? {
        Ok(about) => Ok(Some(about)),
        Err(cause) if is_absent(&cause) => {
            // An answer without a body does not tell whether it is the bucket that is not there.
            names(&Address { key: String::new(), ..address.clone() }).map(|_| None)
        }
        Err(cause) => Err(failed("reading", address, &cause)),
    }
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
    let (store, path) = (of(folder)?, path(folder)?);
    let listed = runtime::run(async move { store.list_with_delimiter(Some(&path)).await })?;
    let listed = listed.map_err(|cause| failed("listing", folder, &cause))?;
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
