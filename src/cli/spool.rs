//! A temporary file for a graph that comes only once and has to be read several times. It goes with the process.

use super::Context;
use crate::backend::{Access, Location};
use crate::dump::{Options, dump, plan};
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::format::{EncoderOptions, Format};
use crate::model::Consistency;
use crate::model::header::Origin;
use crate::survey::Known;
use crate::volume::{Compression, Output};
use std::collections::BTreeSet;
use std::io::{BufWriter, Write as _};
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

/// Keeps the dump that a server makes of its own database, and tells of what it is and what it promises.
pub(super) fn own_dump(
    location: &Location,
    access: &Access,
    want: Option<Consistency>,
) -> Result<(NamedTempFile, Origin, Consistency)> {
    let file = file()?;
    let mut out = BufWriter::with_capacity(1 << 18, &file);
    let kept = |cause| Error::io("writing a temporary file", cause);
    // An empty database has an empty dump; a file has to say at least what it is.
    out.write_all(b"// DUMP DATABASE\n").map_err(kept)?;
    let (origin, promise) = crate::backend::own_dump(location, access, want, &mut |statement| {
        out.write_all(statement).and_then(|()| out.write_all(b"\n")).map_err(kept)
    })?;
    out.flush().map_err(kept)?;
    drop(out);
    Ok((file, origin, promise))
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
