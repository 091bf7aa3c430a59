//! The command line: one file a verb. The only place with clap, prompts and printing.
//!
//! stdout carries data only (a dump, a plan, the result of a comparison); progress, warnings and prompts go to stderr.

#![allow(clippy::print_stderr)]

mod access;
mod backup;
mod check;
mod config;
mod convert;
mod copy;
mod diff;
mod dump;
mod exit;
mod filter;
mod generate;
mod guard;
mod inspect;
mod keys;
mod map;
mod merging;
mod mode;
mod output;
mod place;
mod progress;
mod reading;
mod restore;
mod runs;
mod shaping;
mod snapshot;
mod spool;
mod text;
mod upgrade;
mod verify;

use crate::error::{Error, Result};
use crate::observe::{Stop, Watch};
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use progress::Progress;
use std::process::ExitCode;

/// Carry property graphs between systems, and know that nothing changed on the way.
///
/// A SOURCE, TARGET, A or B is a database's URL (neo4j://host, bolt+s://user@host:7687/database, sqlite:graph.db), a database file
/// (graph.db), a dump file or its URL (s3://, gs://, az://), - for stdin, or the name of an endpoint in $GRAPHFERRY_CONFIG (~/.config/graphferry/config.toml). Where none is given:
/// $GRAPHFERRY_URL, else ./graph.db.
///
/// A password comes from $GRAPHFERRY_PASSWORD, from --password-file, or is asked for; never from the command line.
#[derive(Parser)]
#[command(name = "graphferry", version, max_term_width = 100, after_help = exit::HELP, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    common: Common,
}

#[derive(Subcommand)]
enum Verb {
    Dump(dump::Command),
    Backup(backup::Command),
    Restore(restore::Command),
    Merge(restore::Merge),
    Copy(copy::Command),
    Convert(convert::Command),
    Map(map::Command),
    Verify(verify::Command),
    Diff(diff::Command),
    Check(check::Command),
    Inspect(inspect::Command),
    Runs(runs::Runs),
    Undo(runs::Undo),
    Snapshot(snapshot::Command),
    Mode(mode::Command),
    UpgradeCheck(upgrade::Command),
    Completions(generate::Completions),
    Man(generate::Man),
}

/// What every verb takes.
#[derive(Args, Clone)]
struct Common {
    /// Tell nothing but errors
    #[arg(long, short, global = true, help_heading = "Messages")]
    quiet: bool,
    /// Tell events and the report as JSON lines on stderr
    #[arg(long, global = true, help_heading = "Messages")]
    json: bool,
    /// Write every event as a JSON line with its time to this file too, behind what is there
    #[arg(long, global = true, value_name = "FILE", help_heading = "Messages")]
    log_file: Option<std::path::PathBuf>,
    #[command(flatten)]
    access: access::Options,
}

/// What verbs work with beside their own options.
struct Context {
    progress: Progress,
    stop: Stop,
    access: access::Options,
}

impl Context {
    fn watch(&self) -> Watch<'_> {
        Watch { stop: &self.stop, observer: &self.progress }
    }
}

/// Parses the process's arguments, runs the verb and gives the exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // clap prints help and version on stdout with code 0, and mistakes on stderr with code 2.
            let code = error.exit_code();
            let _ = error.print();
            return ExitCode::from(u8::try_from(code).unwrap_or(2));
        }
    };
    let progress = match Progress::new(cli.common.quiet, cli.common.json, cli.common.log_file.as_deref()) {
        Ok(progress) => progress,
        Err(error) => return exit::finish(Err(error), &Progress::plain(cli.common.json)),
    };
    keys::remember(&cli.common.access);
    let context = Context { progress, stop: Stop::default(), access: cli.common.access };
    let result = listen(&context.stop).and_then(|()| match cli.verb {
        Verb::Dump(command) => dump::run(&command, &context),
        Verb::Backup(command) => backup::run(&command, &context),
        Verb::Restore(command) => restore::run(&command, &context),
        Verb::Merge(command) => restore::merge(&command, &context),
        Verb::Runs(command) => runs::runs(&command, &context),
        Verb::Undo(command) => runs::undo(&command, &context),
        Verb::Snapshot(command) => snapshot::run(&command, &context),
        Verb::Mode(command) => mode::run(&command, &context),
        Verb::UpgradeCheck(command) => upgrade::run(&command),
        Verb::Copy(command) => copy::run(&command, &context),
        Verb::Convert(command) => convert::run(&command, &context),
        Verb::Map(command) => map::run(&command, &context),
        Verb::Verify(command) => verify::run(&command, &context),
        Verb::Diff(command) => diff::run(&command, &context),
        Verb::Check(command) => check::run(&command, &context),
        Verb::Inspect(command) => inspect::run(&command, &context),
        Verb::Completions(command) => generate::completions(&command),
        Verb::Man(command) => generate::man(&command),
    });
    let result = result.map(|ending| match ending {
        exit::Ending::Complete if context.progress.is_incomplete() => exit::Ending::Incomplete,
        ending => ending,
    });
    exit::finish(result, &context.progress)
}

/// The whole command, for generated documentation.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// The first Ctrl-C asks everybody to stop after what is under way; the second one ends the process.
fn listen(stop: &Stop) -> Result<()> {
    let stop = stop.clone();
    let mut was_told = false;
    ctrlc::set_handler(move || {
        if stop.is_requested() && (was_told || !stop.is_held()) {
            std::process::exit(i32::from(exit::INTERRUPTED));
        }
        if stop.is_requested() {
            was_told = true;
            eprintln!("the data directory is being unlocked; press Ctrl-C again to leave it locked and stop at once");
            return;
        }
        stop.request();
        eprintln!("stopping; press Ctrl-C again to stop at once");
    })
    .map_err(|cause| Error::failed("listening for Ctrl-C failed").caused_by(cause))
}
