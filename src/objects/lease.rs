//! The right to do something in a bucket alone: an object that is made only if there is none (a conditional put), renewed every minute and removed in the end.
//!
//! A process that dies leaves the object behind; one that was not renewed for [`STALE`] by the store's own clock is taken over, again by a conditional
//! put, so that only one of several gets it. Stores tell objects apart by a hash of what is in them, so that no two puts may be of the same text.

use super::failure::{failed, is_absent, is_conflict, is_unsupported};
use super::{Address, bucket, runtime};
use crate::error::{Error, Result};
use object_store::{ObjectMeta, ObjectStore, PutMode, PutOptions, PutResult, UpdateVersion};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

/// How often it is renewed.
const RENEWED: Duration = Duration::from_secs(60);

/// One that was not renewed for so long is nobody's.
const STALE: Duration = Duration::from_secs(15 * 60);

/// A right that is held until it is dropped.
#[derive(Debug)]
pub struct Lease {
    held: Arc<Held>,
    stop: Option<Sender<()>>,
    renewing: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Held {
    address: Address,
    version: Mutex<UpdateVersion>,
    is_lost: AtomicBool,
}

fn put(address: &Address, mode: PutMode) -> Result<object_store::Result<PutResult>> {
    let (store, path): (Arc<dyn ObjectStore>, _) = (bucket::of(address)?, bucket::path(address)?);
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    // Processes of two containers may have one number and one host. The keys of a hasher are random.
    let word = RandomState::new().hash_one(SystemTime::now());
    let text = format!("held by process {} on {}, renewed as {word:016x}\n", std::process::id(), host.trim());
    let options = PutOptions { mode, ..PutOptions::default() };
    runtime::run(async move { store.put_opts(&path, text.into(), options).await })
}

/// How long ago an object was written, by the store's clock: ours and that of whoever wrote it may differ. `None` if that cannot be told.
fn age(address: &Address, about: &ObjectMeta) -> Result<Option<Duration>> {
    let probe = Address { key: format!("{}.clock", address.key), ..address.clone() };
    put(&probe, PutMode::Overwrite)?.map_err(|cause| failed("locking", &probe, &cause))?;
    let now = bucket::about(&probe)?;
    bucket::remove(&probe)?;
    Ok(now.and_then(|now| (now.last_modified - about.last_modified).to_std().ok()))
}

impl Lease {
    /// Takes it; `None` where the store does not know conditions, so that nobody can be kept out.
    ///
    /// # Errors
    /// [`Refused`](crate::ErrorKind::Refused): somebody has it. Or the store cannot be reached or denies access.
    pub fn take(address: Address) -> Result<Option<Self>> {
        let taken = || {
            Error::refused(format!("{address} is held by another process")).hint(format!(
                "wait for it to end; one that was killed is forgotten after {} minutes, or remove that object",
                STALE.as_secs() / 60
            ))
        };
        let before = bucket::about(&address)?;
        let mode = match before {
            None => PutMode::Create,
            Some(before) => {
                if age(&address, &before)?.is_none_or(|age| age < STALE) {
                    return Err(taken());
                }
                PutMode::Update(UpdateVersion { e_tag: before.e_tag, version: before.version })
            }
        };
        let version = match put(&address, mode)? {
            Ok(put) => UpdateVersion::from(put),
            Err(cause) if is_unsupported(&cause) => return Ok(None),
            Err(cause) if is_conflict(&cause) => return Err(taken()),
            Err(cause) => return Err(failed("locking", &address, &cause)),
        };
        let held = Arc::new(Held { address, version: Mutex::new(version), is_lost: AtomicBool::new(false) });
        let (stop, stopped) = channel();
        let renewed = Arc::clone(&held);
        let renewing = std::thread::Builder::new().name("lease".to_owned()).spawn(move || {
            let mut last = Instant::now();
            while stopped.recv_timeout(RENEWED) == Err(RecvTimeoutError::Timeout) {
                if renewed.renew() {
                    last = Instant::now();
                } else if last.elapsed() >= STALE {
                    renewed.is_lost.store(true, Ordering::SeqCst);
                }
            }
        });
        let renewing = renewing.map_err(|cause| Error::io("starting a thread", cause))?;
        Ok(Some(Self { held, stop: Some(stop), renewing: Some(renewing) }))
    }

    /// Sees that it is still held.
    ///
    /// # Errors
    /// Somebody else took it, since it was not renewed for too long.
    pub fn check(&self) -> Result<()> {
        self.held.check()
    }
}

impl Held {
    /// Whether it was renewed.
    fn renew(&self) -> bool {
        let mut version = self.version.lock().unwrap_or_else(PoisonError::into_inner);
        match put(&self.address, PutMode::Update(version.clone())) {
            Ok(Ok(put)) => {
                *version = UpdateVersion::from(put);
                true
            }
            Ok(Err(cause)) => {
                if is_conflict(&cause) || is_absent(&cause) {
                    self.is_lost.store(true, Ordering::SeqCst);
                }
                false
            }
            Err(_) => false,
        }
    }

    fn check(&self) -> Result<()> {
        let version = self.version.lock().unwrap_or_else(PoisonError::into_inner).e_tag.clone();
        let found = bucket::about(&self.address)?.and_then(|about| about.e_tag);
        if self.is_lost.load(Ordering::SeqCst) || found != version {
            return Err(Error::refused(format!("{} was taken over by another process", self.address)));
        }
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(renewing) = self.renewing.take() {
            let _ = renewing.join();
        }
        if self.held.check().is_ok() {
            let _ = bucket::remove(&self.held.address);
        }
    }
}
