//! A temporary file for a graph that comes only once and has to be read several times. It goes with the process.

use super::Context;
use crate::dump::{Options, dump, plan};
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::format::{EncoderOptions, Format};
use crate::survey::Known;
use crate::volume::{Compression, Output};
use std::collections::BTreeSet;
use std::io::Write as _;
use tempfile::NamedTempFile;

fn file() -> Result<NamedTempFile> {
    let file = tempfile::Builder::new().prefix("graphferry-").tempfile();
    file.map_err(|cause| Error::io("creating a temporary file", cause).hint("TMPDIR names the folder for it"))
}

/// Keeps what comes through stdin, as it comes.
pub(super) fn bytes(name: &str) -> Result<NamedTempFile> {
    let mut file = file()?;
    let copied = match name {
        "-" => std::io::copy(&mut std::io::stdin().lock(), &mut file),
        name => std::fs::File::open(name).and_then(|mut pipe| std::io::copy(&mut pipe, &mut file)),
    };
    copied.and_then(|_| file.flush()).map_err(|cause| Error::io("writing a temporary file", cause))?;
    Ok(file)
}

/// Keeps a graph as a dump that loses nothing.
pub(super) fn feed(feed: &mut dyn Feed, context: &Context) -> Result<NamedTempFile> {
    let file = file()?;
    let options = Options {
        format: Format::Jsonl,
        encoder: EncoderOptions::default(),
        compression: Compression::from_name("spool.zst"),
        jobs: 1,
        allow_loss: BTreeSet::new(),
    };
    let known = Known { header: feed.header().clone(), schema: feed.schema().clone(), ..Known::default() };
    let plan = plan(&known, &options)?;
    let writer = file.reopen().map_err(|cause| Error::io("opening a temporary file", cause))?;
    let _ = dump(feed, Output::stream(writer), &options, plan, context.watch())?;
    Ok(file)
}
