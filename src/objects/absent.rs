//! What stands in where this program is built without object storage: nothing of it can be made, since no address can.

use super::Address;
use crate::error::{Error, Result};
use std::convert::Infallible;
use std::io::{Read, Write};

/// An object that is read.
pub struct Download(Infallible);

/// An object that is written.
pub struct Upload(Infallible);

/// A right that cannot be had.
#[derive(Debug)]
pub struct Lease(Infallible);

fn lacking<T>() -> Result<T> {
    Err(Error::usage("this graphferry was built without object storage"))
}

/// The size of an object.
///
/// # Errors
/// Always.
pub fn size(_: &Address) -> Result<Option<u64>> {
    lacking()
}

/// The names in a folder.
///
/// # Errors
/// Always.
pub fn names(_: &Address) -> Result<Vec<String>> {
    lacking()
}

/// Removes an object.
///
/// # Errors
/// Always.
pub fn remove(_: &Address) -> Result<()> {
    lacking()
}

impl Download {
    /// Opens an object.
    ///
    /// # Errors
    /// Always.
    pub fn open(_: &Address) -> Result<Self> {
        lacking()
    }
}

impl Read for Download {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        match self.0 {}
    }
}

impl Upload {
    /// Begins an object.
    ///
    /// # Errors
    /// Always.
    pub fn begin(_: Address) -> Result<Self> {
        lacking()
    }

    /// Where it goes.
    #[must_use]
    pub fn address(&self) -> &Address {
        match self.0 {}
    }

    /// Sends what is left.
    ///
    /// # Errors
    /// None.
    pub fn close(&mut self) -> Result<()> {
        match self.0 {}
    }

    /// Makes it appear.
    ///
    /// # Errors
    /// None.
    pub fn complete(self) -> Result<()> {
        match self.0 {}
    }

    /// What was written.
    #[must_use]
    pub fn written(&self) -> (u64, blake3::Hash) {
        match self.0 {}
    }
}

impl Write for Upload {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        match self.0 {}
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self.0 {}
    }
}

impl Lease {
    /// Takes it.
    ///
    /// # Errors
    /// Always.
    pub fn take(_: Address) -> Result<Option<Self>> {
        lacking()
    }

    /// Whether it is still held.
    ///
    /// # Errors
    /// None.
    pub fn check(&self) -> Result<()> {
        match self.0 {}
    }
}
