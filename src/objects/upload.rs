//! A stream as an object that appears whole or not at all: a multipart upload, which nobody sees until it is completed.
//!
//! Parts are sent while the next one is filled. What is dropped without [`Upload::complete`] is aborted; after a `kill -9` the parts stay, unseen
//! and paid for, until a rule of the bucket or somebody's hand removes them.

use super::failure::{failed, is_absent};
use super::runtime::{self, Pending};
use super::{Address, bucket};
use crate::error::{Error, Result};
use object_store::{MultipartUpload, ObjectStoreExt as _, PutPayload};
use std::collections::VecDeque;
use std::io::Write;

/// The size of a part, and of those after the first so many, so that 10,000 parts, the most there may be, hold 336 GiB.
const PART: usize = 8 << 20;
const MANY: usize = 5_000;
const LARGE_PART: usize = 64 << 20;
const MOST: usize = 10_000;

/// So many bytes are on their way at most.
const UNDER_WAY: usize = 24 << 20;

/// An object that is written.
pub struct Upload {
    address: Address,
    /// `None` while it is completed or aborted.
    upload: Option<Box<dyn MultipartUpload>>,
    /// What was there before.
    before: Option<String>,
    buffer: Vec<u8>,
    parts: usize,
    under_way: VecDeque<Pending<object_store::Result<()>>>,
    size: u64,
    hash: blake3::Hasher,
}

impl Upload {
    /// Begins an object: the store agrees to take it.
    ///
    /// # Errors
    /// The store cannot be reached, denies access, or has no such bucket.
    pub fn begin(address: Address) -> Result<Self> {
        let before = bucket::about(&address)?.and_then(|about| about.e_tag);
        let (store, path) = (bucket::of(&address)?, bucket::path(&address)?);
        let upload = runtime::run(async move { store.put_multipart(&path).await })?;
        let upload = Some(upload.map_err(|cause| failed("writing", &address, &cause))?);
        let (buffer, under_way, hash) = (Vec::new(), VecDeque::new(), blake3::Hasher::new());
        Ok(Self { address, upload, before, buffer, parts: 0, under_way, size: 0, hash })
    }

    /// Where it goes.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// What was written so far: bytes, and their BLAKE3.
    #[must_use]
    pub fn written(&self) -> (u64, blake3::Hash) {
        (self.size, self.hash.finalize())
    }

    fn part(&self) -> usize {
        if self.parts < MANY { PART } else { LARGE_PART }
    }

    fn await_oldest(&mut self) -> Result<()> {
        match self.under_way.pop_front() {
            Some(pending) => pending.wait()?.map_err(|cause| failed("writing", &self.address, &cause)),
            None => Ok(()),
        }
    }

    fn send(&mut self) -> Result<()> {
        if self.parts >= MOST {
            return Err(Error::failed(format!("{} grows larger than one object can be", self.address))
                .hint("write it in parts: --split 100G"));
        }
        while self.under_way.len() >= (UNDER_WAY / self.part()).max(1) {
            self.await_oldest()?;
        }
        let room = self.part();
        let part = std::mem::replace(&mut self.buffer, Vec::with_capacity(room));
        let Some(upload) = &mut self.upload else { return Err(Error::failed("the upload is over")) };
        self.under_way.push_back(runtime::begin(upload.put_part(PutPayload::from(part)))?);
        self.parts += 1;
        Ok(())
    }

    /// Sends what is left, and waits until the store has all of it. Nobody sees it yet, and nothing may be written any more.
    ///
    /// # Errors
    /// The store went away, or is full.
    pub fn close(&mut self) -> Result<()> {
        if !self.buffer.is_empty() || self.parts == 0 {
            self.send()?;
            self.buffer = Vec::new();
        }
        while !self.under_way.is_empty() {
            self.await_oldest()?;
        }
        Ok(())
    }

    /// Makes the object appear under its name, in place of what is there.
    ///
    /// # Errors
    /// The store went away, or what it has then is not as long as what was sent. Then there is no such object.
    pub fn complete(mut self) -> Result<()> {
        self.close()?;
        let Some(mut upload) = self.upload.take() else { return Err(Error::failed("the upload is over")) };
        let (upload, completed) = runtime::run(async move {
            let completed = upload.complete().await;
            (upload, completed)
        })?;
        let Err(cause) = completed else { return self.check() };
        // The store may have done it and its answer was lost: asked again, it does not know the upload any more.
        if is_absent(&cause)
            && let Ok(Some(about)) = bucket::about(&self.address)
            && about.size == self.size
            && about.e_tag.is_some()
            && about.e_tag != self.before
        {
            return Ok(());
        }
        self.upload = Some(upload);
        Err(failed("completing", &self.address, &cause))
    }

    fn check(&self) -> Result<()> {
        let found = bucket::size(&self.address)?;
        if found == Some(self.size) {
            return Ok(());
        }
        let _ = bucket::remove(&self.address);
        let found = found.map_or("nothing".to_owned(), |size| format!("{size} bytes"));
        Err(Error::failed(format!("{} should have {} bytes, and the store has {found}", self.address, self.size)))
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.buffer.len() >= self.part() {
            self.send().map_err(std::io::Error::other)?;
        }
        let taken = bytes.get(..bytes.len().min(self.part().saturating_sub(self.buffer.len()))).unwrap_or_default();
        self.buffer.extend_from_slice(taken);
        self.hash.update(taken);
        self.size += taken.len() as u64;
        Ok(taken.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(mut upload) = self.upload.take() else { return };
        // A part that arrives after the abort would stay.
        while let Some(pending) = self.under_way.pop_front() {
            let _ = pending.wait();
        }
        let _ = runtime::run(async move { upload.abort().await });
    }
}
