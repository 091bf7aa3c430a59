//! `graphferry backup`.

use super::place::{How as Wish, Place, Reading, Side};
use super::{Context, dump as dumping, exit::Ending, keys, text};
use crate::backend::Location;
use crate::backup::{self, Holding, How, Lock, Policy, Taken};
use crate::dump::Options as DumpOptions;
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::format::{EncoderOptions, Format};
use crate::model::Header;
use crate::observe::{Event, Observer as _};
use crate::volume::{Compression, place};
use clap::Args;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Back a database up into a folder: one archive with the time in its name, read back before it gets that name
///
/// What is there for longer is removed only when the new backup is whole, and only as --keep and its kin say; without them all stay.
#[derive(Args)]
pub(super) struct Command {
    /// The database; $GRAPHFERRY_URL, else ./graph.db, where it is not given
    source: Option<String>,
    /// The folder, or s3://BUCKET/PREFIX, gs:// or az://; one for each server, since names tell databases apart and not servers
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Keep the newest N backups
    #[arg(long, value_name = "N", help_heading = "Which backups stay")]
    keep: Option<u32>,
    /// Keep the newest backup of each of the last N days that have one (UTC)
    #[arg(long, value_name = "N", help_heading = "Which backups stay")]
    keep_daily: Option<u32>,
    /// Keep the newest backup of each of the last N weeks that have one
    #[arg(long, value_name = "N", help_heading = "Which backups stay")]
    keep_weekly: Option<u32>,
    /// Keep the newest backup of each of the last N months that have one
    #[arg(long, value_name = "N", help_heading = "Which backups stay")]
    keep_monthly: Option<u32>,
    /// Back up only if the server has another version than at the last backup: for hooks that run before an upgrade
    #[arg(long)]
    on_version_change: bool,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    reading: Reading,
}

/// How a backup is written.
#[derive(Args, Clone, Default)]
#[group(skip)]
pub(super) struct Form {
    /// Encrypt to this recipient of age (age1…); may be given several times
    #[arg(long, value_name = "RECIPIENT", help_heading = "Output")]
    pub(super) encrypt_to: Vec<String>,
    /// The level of zstd, 1 to 19; 3 where it is not given
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(i32).range(1..=19), help_heading = "Output")]
    pub(super) compression_level: Option<i32>,
    /// Write parts of at most so many bytes, NAME.001, NAME.002 and so on: a number, with K, M, G or T for powers of 1024
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Output")]
    pub(super) split: Option<u64>,
}

/// Reads a size such as `4G`.
pub(super) fn size(word: &str) -> std::result::Result<u64, String> {
    let upper = word.to_ascii_uppercase();
    let (digits, power) = match upper.as_bytes().last() {
        Some(b'K') => (upper.strip_suffix('K'), 1),
        Some(b'M') => (upper.strip_suffix('M'), 2),
        Some(b'G') => (upper.strip_suffix('G'), 3),
        Some(b'T') => (upper.strip_suffix('T'), 4),
        _ => (Some(&*upper), 0),
    };
    let number: Option<u64> = digits.and_then(|digits| digits.parse().ok());
    match number.and_then(|number| number.checked_mul(1024_u64.pow(power))) {
        Some(size) if size > 0 => Ok(size),
        _ => Err("a number of bytes such as 650M or 4G".to_owned()),
    }
}

pub(super) fn run(command: &Command, context: &Context) -> Result<Ending> {
    let location = Place::database(command.source.as_deref())?;
    let place = Place::Database(location.clone());
    let policy = Policy {
        last: command.keep,
        daily: command.keep_daily,
        weekly: command.keep_weekly,
        monthly: command.keep_monthly,
    };
    let how = Wish { via: command.reading.via, ..Wish::default() };
    place.read(Side::Source, how, context, |feed| {
        let lock = lock(&command.dir, &database(&location, feed.header()), context)?;
        if command.on_version_change && !is_new(&lock, feed.header(), context)? {
            let source = &feed.header().source;
            let text = format!("the last backup is of {} {} too: nothing to do", source.product, source.version);
            context.progress.report(&text, json!({ "backup": null, "version": source.version }));
            return Ok(Ending::Complete);
        }
        let taken = take(feed, &lock, &command.form, context)?;
        let removed = if context.progress.is_incomplete() {
            context.progress.event(&Event::Warning("not all could be read: no older backup is removed"));
            Vec::new()
        } else {
            backup::prune(&lock, &policy, feed.header(), &keys::unlock, context.watch())?
        };
        tell(&taken, &removed, feed.header(), context);
        // What the source could not promise is told; a backup of a database at work is one all the same.
        if taken.written.end.changed == Some(true) {
            context.progress.event(&Event::Warning(
                "the database changed while it was read: the backup may hold a mixture of before and after",
            ));
        }
        Ok(Ending::Complete)
    })
}

/// Takes the lock, and tells where there is none to be had.
fn lock(dir: &Path, database: &str, context: &Context) -> Result<Lock> {
    let lock = Lock::take(dir, database)?;
    if matches!(lock.holding(), Holding::Nothing) {
        context.progress.event(&Event::Warning(
            "this object storage knows no conditional writes: nothing keeps a second backup of the same database out",
        ));
    }
    Ok(lock)
}

/// What backups of a database are called.
fn database(location: &Location, header: &Header) -> String {
    match (&*header.source.database, location) {
        ("", location) => location.to_string(),
        (name, _) => name.to_owned(),
    }
}

/// Whether the last backup is of another version of the system, or there is none that can be read.
fn is_new(lock: &Lock, header: &Header, context: &Context) -> Result<bool> {
    let Some(last) = lock.backups()?.pop() else { return Ok(true) };
    match backup::head(&last.path, &keys::unlock) {
        backup::Head::Known(found) => {
            let version = |header: &Header| {
                let source = &header.source;
                (source.product.clone(), source.version.clone(), source.edition.clone())
            };
            Ok(version(&found) != version(header))
        }
        _ => {
            let warning = format!("{} cannot be read, so that its version is unknown", last.path.display());
            context.progress.event(&Event::Warning(&warning));
            Ok(true)
        }
    }
}

pub(super) fn take(feed: &mut dyn Feed, lock: &Lock, form: &Form, context: &Context) -> Result<Taken> {
    let (seal, can_open) = keys::seal(&form.encrypt_to)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let how = How {
        options: DumpOptions {
            format: Format::Archive,
            encoder: EncoderOptions::default(),
            compression: form.compression_level.map_or(Compression::ZSTD, Compression::Zstd),
            jobs: cores,
            allow_loss: BTreeSet::new(),
        },
        split: form.split,
        seal,
        unlock: Arc::new(keys::unlock),
        can_open,
    };
    backup::take(feed, lock, how, context.watch())
}

/// Takes a backup of a database that is about to be dropped, into a folder.
pub(super) fn before_drop(location: &Location, dir: &Path, context: &Context) -> Result<PathBuf> {
    Place::Database(location.clone()).read(Side::Target, Wish::default(), context, |feed| {
        let lock = lock(dir, &database(location, feed.header()), context)?;
        let taken = take(feed, &lock, &Form::default(), context)?;
        if taken.written.end.changed == Some(true) {
            return Err(Error::refused("the database changed while the backup was made, so that it may not hold all")
                .hint("nothing was dropped; stop what writes to it"));
        }
        tell(&taken, &[], feed.header(), context);
        Ok(taken.path)
    })
}

fn tell(taken: &Taken, removed: &[PathBuf], header: &Header, context: &Context) {
    let path = match place::is_url(&taken.path) {
        true => taken.path.clone(),
        false => std::path::absolute(&taken.path).unwrap_or_else(|_| taken.path.clone()),
    };
    let mut text = format!("[+] A backup of your data can be found at {}\n", path.display());
    text.push_str(&format!(
        "{}, consistency {}",
        dumping::summary(&taken.written, "backed up"),
        header.consistency.name()
    ));
    if !taken.was_read {
        text.push_str("\nit is encrypted to others, and was not read back: with --identity it would be");
    }
    for path in removed {
        text.push_str(&format!("\nremoved {}", path.display()));
    }
    let mut event = dumping::report(&taken.written, header.consistency);
    if let Some(event) = event.as_object_mut() {
        event.insert("backup".to_owned(), json!(path.display().to_string()));
        event.insert("read_back".to_owned(), json!(taken.was_read));
        event.insert("read_back_seconds".to_owned(), json!(taken.proof.as_secs_f64()));
        let removed: Vec<_> = removed.iter().map(|path| path.display().to_string()).collect();
        event.insert("removed".to_owned(), json!(removed));
    }
    context.progress.report(&text::printable(&text), event);
}
