//! An object as a stream: ranges of it, a few of them asked for ahead.
//!
//! All ranges are of the version that was there at first: an object that is replaced meanwhile is an error, not a mixture. A range whose
//! answer breaks off is asked for again.

use super::failure::failed;
use super::runtime::{self, Pending};
use super::{Address, bucket};
use crate::error::{Error, Result};
use bytes::{Buf as _, Bytes};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore};
use std::collections::VecDeque;
use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

/// The first range: who looks at a head reads no more of it.
const FIRST: u64 = 256 << 10;

/// The largest range.
const LARGEST: u64 = 4 << 20;

/// So many ranges are asked for ahead.
const AHEAD: usize = 3;

type Answer = object_store::Result<Bytes>;

/// An object that is read from its start.
pub struct Download {
    address: Address,
    store: Arc<dyn ObjectStore>,
    path: Path,
    version: Option<String>,
    size: u64,
    /// What is asked for next.
    next: u64,
    range: u64,
    asked: VecDeque<(u64, Pending<Answer>)>,
    now: Bytes,
}

impl Download {
    /// Opens an object.
    ///
    /// # Errors
    /// There is none, or the store cannot be reached or denies access.
    pub fn open(address: &Address) -> Result<Self> {
        let Some(about) = bucket::about(address)? else {
            return Err(Error::failed(format!("there is no object {address}")));
        };
        let (store, path) = (bucket::of(address)?, bucket::path(address)?);
        let (size, version, address) = (about.size, about.e_tag, address.clone());
        let (asked, now) = (VecDeque::new(), Bytes::new());
        Ok(Self { address, store, path, version, size, next: 0, range: FIRST, asked, now })
    }

    fn ask(&mut self) -> Result<()> {
        while self.next < self.size && self.asked.len() < AHEAD {
            let range = self.next..(self.next + self.range).min(self.size);
            let pending = self.request(range.clone())?;
            self.asked.push_back((range.end - range.start, pending));
            self.next = range.end;
            self.range = (self.range * 2).min(LARGEST);
        }
        Ok(())
    }

    fn request(&self, range: Range<u64>) -> Result<Pending<Answer>> {
        let (store, path) = (Arc::clone(&self.store), self.path.clone());
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            if_match: self.version.clone(),
            ..GetOptions::default()
        };
        runtime::begin(async move { store.get_opts(&path, options).await?.bytes().await })
    }

    fn advance(&mut self) -> Result<()> {
        self.ask()?;
        let Some((wanted, pending)) = self.asked.pop_front() else { return Ok(()) };
        self.now = pending.wait()?.map_err(|cause| match &cause {
            object_store::Error::Precondition { .. } => {
                Error::failed(format!("{} was replaced while it was read", self.address))
            }
            _ => failed("reading", &self.address, &cause),
        })?;
        if self.now.len() as u64 != wanted {
            return Err(Error::failed(format!(
                "reading {} failed: the store gave {} bytes where {wanted} were asked for",
                self.address,
                self.now.len()
            )));
        }
        self.ask()
    }
}

impl Read for Download {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.now.is_empty() {
            self.advance().map_err(std::io::Error::other)?;
        }
        let size = self.now.len().min(buffer.len());
        self.now.split_to(size).copy_to_slice(buffer.get_mut(..size).unwrap_or_default());
        Ok(size)
    }
}
