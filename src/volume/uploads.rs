//! A dump that is written to object storage: one object, or several of a limited size, which nobody sees before all of them are whole.

use super::output::Check;
use super::{parts, place};
use crate::error::{Error, Result};
use crate::objects::{self, Address, Download, Upload};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Objects under way.
pub(super) struct Uploads {
    path: PathBuf,
    force: bool,
    /// The most bytes of a part; `None` for one object.
    split: Option<u64>,
    parts: Vec<Upload>,
    /// Bytes in the last part.
    size: u64,
    checking: Option<Checking>,
}

/// The reader that looks at what is written, while it is written: an object cannot be read before everybody sees it.
struct Checking {
    copy: Option<SyncSender<Vec<u8>>>,
    done: JoinHandle<Result<()>>,
}

/// The other end of what is written.
struct Copy {
    from: Receiver<Vec<u8>>,
    now: std::io::Cursor<Vec<u8>>,
}

impl Read for Copy {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let size = self.now.read(buffer)?;
            if size > 0 || buffer.is_empty() {
                return Ok(size);
            }
            match self.from.recv() {
                Ok(bytes) => self.now = std::io::Cursor::new(bytes),
                Err(_) => return Ok(0),
            }
        }
    }
}

impl Checking {
    fn begin(check: Check) -> Result<Self> {
        let (send, from) = sync_channel(8);
        let copy = Copy { from, now: std::io::Cursor::default() };
        let thread = std::thread::Builder::new().name("read back".to_owned());
        let done = thread.spawn(move || check(Box::new(copy)));
        Ok(Self { copy: Some(send), done: done.map_err(|cause| Error::io("starting a thread", cause))? })
    }

    fn see(&mut self, bytes: &[u8]) {
        // Who found something wrong listens no more: the end tells what.
        if self.copy.as_ref().is_some_and(|copy| copy.send(bytes.to_vec()).is_err()) {
            self.copy = None;
        }
    }

    fn finish(mut self) -> Result<()> {
        self.copy = None;
        self.done.join().unwrap_or_else(|_| Err(Error::failed("what was written could not be looked at")))
    }
}

impl Uploads {
    /// Begins the first object.
    pub(super) fn begin(path: &Path, force: bool, split: Option<u64>) -> Result<Self> {
        let path = PathBuf::from(Address::object(path)?.to_string());
        let (parts, checking) = (Vec::new(), None);
        let mut uploads = Self { path, force, split, parts, size: 0, checking };
        uploads.refuse_to_replace()?;
        uploads.begin_part()?;
        Ok(uploads)
    }

    /// What a part will be called, from 1.
    fn name(&self, number: usize) -> PathBuf {
        match self.split {
            Some(_) => parts::path(&self.path, number),
            None => self.path.clone(),
        }
    }

    fn refuse_to_replace(&self) -> Result<()> {
        if self.force {
            return Ok(());
        }
        for name in [self.path.clone(), self.name(1)] {
            if place::exists(&name)? {
                return Err(Error::refused(format!("{} exists", name.display())).hint("add --force to replace it"));
            }
        }
        Ok(())
    }

    fn begin_part(&mut self) -> Result<()> {
        if let Some(last) = self.parts.last_mut() {
            last.close()?;
        }
        let name = self.name(self.parts.len() + 1);
        self.parts.push(Upload::begin(Address::object(name)?)?);
        self.size = 0;
        Ok(())
    }

    /// Has what is written looked at; if that fails, there will be no object.
    pub(super) fn check(&mut self, check: Check) -> Result<()> {
        self.checking = Some(Checking::begin(check)?);
        Ok(())
    }

    /// Makes the objects appear, the first part last: without it the others are nothing.
    pub(super) fn commit(mut self) -> Result<()> {
        if let Some(last) = self.parts.last_mut() {
            last.close()?;
        }
        let is_checked = self.checking.is_some();
        if let Some(checking) = self.checking.take() {
            checking.finish()?;
        }
        self.refuse_to_replace()?;
        if self.split.is_some() {
            let behind = self.name(self.parts.len() + 1);
            if place::exists(&behind)? {
                return Err(Error::refused(format!("{} exists, and would be taken for a part", behind.display())));
            }
        }
        let mut kept: Vec<Address> = Vec::new();
        while let Some(part) = self.parts.pop() {
            let (address, (size, hash)) = (part.address().clone(), part.written());
            let completed = part.complete().and_then(|()| {
                kept.push(address.clone());
                if is_checked { compare(&address, size, hash) } else { Ok(()) }
            });
            if let Err(error) = completed {
                kept.iter().rev().for_each(|address| drop(objects::remove(address)));
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Sees that the store gives back what was sent to it.
fn compare(address: &Address, size: u64, hash: blake3::Hash) -> Result<()> {
    let mut found = blake3::Hasher::new();
    let read = std::io::copy(&mut Download::open(address)?, &mut found);
    let read = read.map_err(|cause| Error::io(format!("reading {address} back"), cause))?;
    if (read, found.finalize()) != (size, hash) {
        return Err(Error::failed(format!("{address} is not what was sent to it")));
    }
    Ok(())
}

impl Write for Uploads {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut room = bytes.len();
        if let Some(limit) = self.split {
            if self.size >= limit {
                self.begin_part().map_err(std::io::Error::other)?;
            }
            room = room.min(usize::try_from(limit - self.size).unwrap_or(usize::MAX));
        }
        let Some(part) = self.parts.last_mut() else { return Ok(0) };
        let written = part.write(bytes.get(..room).unwrap_or_default())?;
        self.size += written as u64;
        if let Some(checking) = &mut self.checking {
            checking.see(bytes.get(..written).unwrap_or_default());
        }
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for Uploads {
    fn drop(&mut self) {
        // What was completed was taken out of the list; what is left is aborted with it.
        if let Some(checking) = self.checking.take() {
            let _ = checking.finish();
        }
    }
}
