//! `graphferry snapshot`: physical backups of Memgraph.

mod ask;

use super::place::{Place, Side};
use super::{Context, exit::Ending, text};
use crate::backend::access::Access;
use crate::backend::memgraph::DataDirectory;
use crate::backend::memgraph_files::{self, Checked, version};
use crate::backend::url::{Location, Server};
use crate::error::{Error, Result};
use crate::observe::{Event, Observer as _};
use crate::physical::{self, Archive, Finding, Recovered, Wish};
use ask::Loss;
use clap::{Args, Subcommand};
use serde_json::json;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Make, check and restore physical backups of Memgraph: its own snapshots and logs, with what they lack
#[derive(Args)]
pub(super) struct Command {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Create(Create),
    List(List),
    Check(Check),
    Restore(Restore),
    Complete(Complete),
}

/// Make a snapshot and copy it with the logs into an archive, while the data directory is locked
///
/// The directory is unlocked whatever happens. After a kill -9 the next run tells that it was left locked, and unlocks it.
#[derive(Args)]
struct Create {
    /// The server; $GRAPHFERRY_URL where it is not given
    server: Option<String>,
    /// Its data directory as this machine sees it
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The archive: a tar
    #[arg(long, short, value_name = "ARCHIVE")]
    output: PathBuf,
    /// Leave older snapshots out
    #[arg(long)]
    newest: bool,
    /// Replace the archive if it exists
    #[arg(long)]
    force: bool,
}

/// List the snapshots and logs of an archive or a data directory
#[derive(Args)]
struct List {
    /// The archive or the directory
    path: PathBuf,
}

/// Read every file of an archive or a data directory to its end; exit code 5 when one is damaged
#[derive(Args)]
struct Check {
    /// The archive or the directory
    path: PathBuf,
}

/// Restore an archive into a fresh data directory, or into a running server
///
/// Into a directory go all snapshots and logs; start the server on it, then run snapshot complete. A running server takes the snapshot alone
/// (RECOVER SNAPSHOT); what it loses is put back at once. What would be dropped is told first.
#[derive(Args)]
struct Restore {
    /// The archive
    archive: PathBuf,
    /// A data directory, or a server's URL
    target: String,
    /// The server's data directory as this machine sees it, for a server
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    ask: ask::Options,
}

/// Put back what a server lacks that was started from an archive: triggers, and text indexes, which come back empty
#[derive(Args)]
struct Complete {
    /// The archive
    archive: PathBuf,
    /// The server; $GRAPHFERRY_URL where it is not given
    server: Option<String>,
}

pub(super) fn run(command: &Command, context: &Context) -> Result<Ending> {
    match &command.verb {
        Verb::Create(command) => create(command, context),
        Verb::List(command) => list(&command.path, context),
        Verb::Check(command) => check(&command.path, context),
        Verb::Restore(command) => restore(command, context),
        Verb::Complete(command) => {
            let (server, access) = server(command.server.as_deref(), context)?;
            let recovered = physical::complete(&mut Archive::open(&command.archive)?, &server, &access)?;
            Ok(told(&recovered, "completed", context))
        }
    }
}

fn server(word: Option<&str>, context: &Context) -> Result<(Server, Access)> {
    match Place::database(word)? {
        location @ Location::Bolt(_) => {
            let access = context.access.resolve(&location, Side::Source)?;
            let Location::Bolt(server) = location else { return Err(Error::failed("no server")) };
            Ok((server, access))
        }
        location => Err(Error::usage(format!("{location} is no server")).hint("name it as in memgraph://localhost")),
    }
}

fn create(command: &Create, context: &Context) -> Result<Ending> {
    let (server, access) = server(command.server.as_deref(), context)?;
    let wish = Wish {
        server: &server,
        access: &access,
        directory: &command.data_dir,
        archive: &command.output,
        force: command.force,
        newest: command.newest,
    };
    let created = physical::create(&wish, context.watch())?;
    created.problems.iter().for_each(|problem| context.progress.event(&Event::Warning(problem)));
    let (nodes, relationships) = created.manifest.newest().and_then(|member| member.counts).unwrap_or_default();
    let text = format!(
        "[+] A backup of your data can be found at {}: {nodes} nodes, {relationships} relationships, {} files",
        command.output.display(),
        created.manifest.members.len()
    );
    let is_whole = created.problems.is_empty();
    context.progress.report(&text, serde_json::to_value(&created.manifest).unwrap_or_default());
    Ok(if is_whole { Ending::Complete } else { Ending::Incomplete })
}

/// A file, whichever way it was looked at.
struct Listed {
    path: String,
    is_log: bool,
    size: u64,
    version: Option<u64>,
    timestamp: Option<u64>,
    counts: Option<(u64, u64)>,
    problems: Vec<String>,
    notes: Vec<String>,
}

impl Listed {
    fn of_file(found: Checked) -> Self {
        let size = std::fs::metadata(&found.path).map_or(0, |about| about.len());
        Self {
            path: found.path.display().to_string(),
            is_log: found.sort == "log",
            size,
            version: Some(found.version),
            timestamp: found.timestamp,
            counts: Some(found.counts),
            problems: found.problems,
            notes: found.notes,
        }
    }

    fn of_member(member: &physical::Member, content: Option<&Checked>, problems: Vec<String>) -> Self {
        Self {
            path: member.path().to_owned(),
            is_log: member.is_log(),
            size: member.size,
            version: member.format,
            timestamp: member.timestamp,
            counts: member.counts,
            problems,
            notes: content.map(|content| content.notes.clone()).unwrap_or_default(),
        }
    }

    fn line(&self) -> String {
        let name = self.path.rsplit_once('/').map_or(self.path.as_str(), |(_, name)| name);
        let mut line = format!("{}: {} bytes", self.path, self.size);
        if let Some(version) = self.version {
            let _ = write!(line, ", format {version} (Memgraph {})", version::releases(version));
        }
        if let Some(time) = time(name) {
            let _ = write!(line, ", {time}");
        }
        if let Some((first, second)) = self.counts {
            let nouns = if self.is_log { ("transactions", "changes") } else { ("nodes", "relationships") };
            let _ = write!(line, ", {first} {}, {second} {}", nouns.0, nouns.1);
        }
        if let Some(timestamp) = self.timestamp {
            let _ = write!(line, ", up to transaction {timestamp}");
        }
        self.problems.iter().for_each(|problem| line.push_str(&format!("\n  damaged: {problem}")));
        self.notes.iter().for_each(|note| line.push_str(&format!("\n  note: {note}")));
        line
    }

    fn json(&self) -> String {
        json!({
            "path": self.path, "size": self.size, "format": self.version, "timestamp": self.timestamp, "counts": self.counts,
            "problems": self.problems, "notes": self.notes,
        })
        .to_string()
    }
}

/// The time by the server's clock that begins the name of every file: `20261121031356686528`.
fn time(name: &str) -> Option<String> {
    let digits = name.get(..20).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    Some(format!("{}-{}-{} {}:{}:{}", part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 12), part(12, 14)))
}

fn print(files: &[Listed], context: &Context) -> Result<()> {
    let line = |file: &Listed| if context.progress.is_json() { file.json() } else { text::printable(&file.line()) };
    context.progress.clear();
    text::print(&files.iter().map(|file| line(file) + "\n").collect::<String>())
}

fn in_directory(path: &Path) -> Result<Vec<Listed>> {
    let files: Vec<_> = memgraph_files::check(path)?.into_iter().map(Listed::of_file).collect();
    match files.is_empty() {
        true => Err(Error::usage(format!("{} has no snapshot and no log", path.display()))),
        false => Ok(files),
    }
}

/// Whether a path is an archive and not a file or directory of Memgraph.
fn is_archive(path: &Path) -> bool {
    path.is_file() && !matches!(memgraph_files::check_file(path), Ok(Some(_)))
}

fn list(path: &Path, context: &Context) -> Result<Ending> {
    if !is_archive(path) {
        print(&in_directory(path)?, context)?;
        return Ok(Ending::Complete);
    }
    let archive = Archive::open(path)?;
    let listed =
        archive.manifest().members.iter().map(|member| Listed::of_member(member, None, member.problems.clone()));
    print(&listed.collect::<Vec<_>>(), context)?;
    Ok(Ending::Complete)
}

fn check(path: &Path, context: &Context) -> Result<Ending> {
    let files = if is_archive(path) {
        let folder = tempfile::tempdir().map_err(|cause| Error::io("creating a temporary folder", cause))?;
        let findings = Archive::open(path)?.check(folder.path(), context.watch())?;
        let listed = |Finding { member, content, problems }| Listed::of_member(&member, content.as_ref(), problems);
        findings.into_iter().map(listed).collect()
    } else {
        in_directory(path)?
    };
    print(&files, context)?;
    let damaged = files.iter().filter(|file| !file.problems.is_empty()).count();
    match damaged {
        0 => Ok(Ending::Complete),
        _ => Err(Error::corrupt(format!("{damaged} of {} files are damaged", files.len()))
            .in_file(&path.display().to_string())),
    }
}

fn restore(command: &Restore, context: &Context) -> Result<Ending> {
    let mut archive = Archive::open(&command.archive)?;
    if let Some(location) = Location::parse(&command.target)? {
        return recover(command, &mut archive, &location, context);
    }
    let directory = Path::new(&command.target);
    context.progress.say("[*] Checking backup file…");
    let aside = aside(directory, &command.ask, context)?;
    context.progress.say("[*] Restoring data…");
    let (nodes, relationships) = physical::unpack(&mut archive, directory, aside.as_deref(), context.watch())?;
    if let Some(aside) = aside {
        context.progress.report(&format!("what was there before is in {}", aside.display()), json!({ "aside": aside }));
    }
    let text = format!(
        "[+] Restore completed! {nodes} nodes, {relationships} relationships. Start Memgraph on {}, then put back triggers and text indexes: \
         graphferry snapshot complete {} URL",
        directory.display(),
        command.archive.display()
    );
    context.progress.report(&text, json!({ "nodes": nodes, "relationships": relationships }));
    Ok(Ending::Complete)
}

/// Where a data directory goes that is in the way, once the user has agreed; `None` where none is.
fn aside(directory: &Path, options: &ask::Options, context: &Context) -> Result<Option<PathBuf>> {
    let mut entries = match std::fs::read_dir(directory) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        entries => entries.map_err(|cause| Error::io(format!("reading {}", directory.display()), cause))?,
    };
    if entries.next().is_none() {
        return Ok(None);
    }
    if !memgraph_files::PARTS.iter().any(|part| directory.join(part).is_dir()) {
        return Err(Error::refused(format!("{} is not empty, and no data directory of Memgraph", directory.display()))
            .hint("name a directory that is not there yet"));
    }
    if physical::is_in_use(directory) {
        return Err(Error::refused(format!("a server is at work in {}", directory.display())).hint("stop it first"));
    }
    let name = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let counts = memgraph_files::open_source(directory, &memgraph_files::Options::default())
        .and_then(|mut source| source.snapshot(None)?.estimate())
        .ok()
        .flatten();
    let stamp = stamp();
    let numbered = |number: u32| match number {
        1 => directory.with_file_name(format!("{name}.replaced-{stamp}")),
        _ => directory.with_file_name(format!("{name}.replaced-{stamp}-{number}")),
    };
    // Two in one second must not meet.
    let mut path = numbered(1);
    let mut number = 1;
    while path.symlink_metadata().is_ok() {
        number += 1;
        path = numbered(number);
    }
    // It is moved and not deleted: the move is the backup.
    let loss = Loss { database: name, counts: counts.unwrap_or_default() };
    ask::may_drop(&loss, options, &context.stop, &mut || Ok(path.clone()))?;
    Ok(Some(path))
}

fn stamp() -> String {
    jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn recover(command: &Restore, archive: &mut Archive, location: &Location, context: &Context) -> Result<Ending> {
    let (server, access) = server(Some(&location.to_string()), context)?;
    let directory = command.data_dir.as_deref().ok_or_else(|| {
        Error::usage("a running server reads the snapshot from its own disk")
            .hint("name its data directory, as this machine sees it, with --data-dir DIR")
    })?;
    context.progress.say("[*] Checking backup file…");
    let folder = tempfile::tempdir().map_err(|cause| Error::io("creating a temporary folder", cause))?;
    let newest = archive.manifest().newest().cloned();
    let newest = newest.ok_or_else(|| Error::corrupt("the archive has no snapshot that was made for it"))?;
    let finding = archive.check_member(newest, folder.path(), context.watch())?;
    if let Some(problem) = finding.problems.first() {
        return Err(Error::corrupt(format!("{}: {problem}", finding.member.path())));
    }
    archive.schema()?;
    let mut keeper = DataDirectory::open(&server, &access)?;
    let (counts, database) = (keeper.counts()?, keeper.origin().database.clone());
    drop(keeper);
    let is_filled = counts != (0, 0);
    if is_filled {
        let name = format!("{database}_backup_{}.tar", stamp());
        let path = command.archive.with_file_name(name);
        let wish = Wish { server: &server, access: &access, directory, archive: &path, force: false, newest: true };
        let mut backup = || match physical::create(&wish, context.watch())? {
            created if created.problems.is_empty() => Ok(path.clone()),
            created => Err(Error::failed(format!("the backup is not whole: {}", created.problems.join("; ")))),
        };
        ask::may_drop(&Loss { database, counts }, &command.ask, &context.stop, &mut backup)?;
    }
    context.progress.say("[*] Restoring data…");
    let recovered = physical::recover(archive, (&server, &access), directory, is_filled, context.watch())?;
    Ok(told(&recovered, "Restore completed!", context))
}

fn told(recovered: &Recovered, what: &str, context: &Context) -> Ending {
    recovered.problems.iter().for_each(|problem| context.progress.event(&Event::Warning(problem)));
    let (nodes, relationships) = recovered.counts;
    let made = recovered.mending.create.len();
    let text = format!("[+] {what} {nodes} nodes, {relationships} relationships, {made} schema objects put back");
    let report =
        json!({ "nodes": nodes, "relationships": relationships, "put_back": made, "problems": recovered.problems });
    context.progress.report(&text, report);
    if recovered.problems.is_empty() { Ending::Complete } else { Ending::Incomplete }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_time() {
        assert_eq!(time("20261121031356686528_timestamp_168").as_deref(), Some("2026-11-21 03:13:56"));
        assert_eq!(time("2026"), None);
        assert_eq!(time("test_all.snapshot.bin.and.more"), None);
    }
}
