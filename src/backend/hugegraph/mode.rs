//! The mode of a graph: what kinds of writing it takes.
//!
//! | mode | schema with ids | AUTOMATIC vertices with ids |
//! |---|---|---|
//! | NONE | refused | refused |
//! | RESTORING | demanded | demanded |
//! | MERGING | refused | demanded |
//!
//! It is kept in the server's memory alone: after a restart it is NONE. Ordinary insertions fail while it is another, so that whoever sets it puts it back.

use super::client::Client;
use crate::backend::Access;
use crate::backend::url::Server;
use crate::error::{Error, Result};
use crate::wire::http::Method;
use serde::Deserialize;

/// A mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Mode {
    /// The usual one.
    #[default]
    None,
    /// A graph is put back as it was.
    Restoring,
    /// A graph is added to one that is there.
    Merging,
    /// A loader is at work.
    Loading,
}

impl Mode {
    /// `NONE`, `RESTORING`, `MERGING`, `LOADING`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Restoring => "RESTORING",
            Self::Merging => "MERGING",
            Self::Loading => "LOADING",
        }
    }

    /// Understands a name, in any case.
    ///
    /// # Errors
    /// There is no such mode.
    pub fn named(name: &str) -> Result<Self> {
        let all = [Self::None, Self::Restoring, Self::Merging, Self::Loading];
        all.into_iter().find(|mode| mode.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
            Error::usage(format!("{name:?} is no mode")).hint("the modes are NONE, RESTORING, MERGING and LOADING")
        })
    }
}

#[derive(Deserialize)]
struct Answer {
    mode: Mode,
}

/// The mode that a graph is in.
///
/// # Errors
/// The server cannot be reached, or refuses.
pub fn get(server: &Server, access: &Access) -> Result<Mode> {
    read(&Client::open(server, access)?)
}

/// Puts a graph into a mode.
///
/// # Errors
/// The server cannot be reached, or refuses.
pub fn set(server: &Server, access: &Access, mode: Mode) -> Result<()> {
    write(&Client::open(server, access)?, mode)
}

pub(super) fn read(client: &Client) -> Result<Mode> {
    Ok(client.get::<Answer>(&client.path("/mode"))?.mode)
}

pub(super) fn write(client: &Client, mode: Mode) -> Result<()> {
    let body = format!("\"{}\"", mode.name());
    client.send(Method::Put, &client.path("/mode"), body.as_bytes(), true).map(|_| ())
}
