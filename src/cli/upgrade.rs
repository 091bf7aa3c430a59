//! `graphferry upgrade-check`.

use super::{exit::Ending, text};
use crate::backend::memgraph_files::{check, version};
use crate::error::{Error, Result};
use clap::Args;
use std::path::PathBuf;

/// Tell whether a release of Memgraph can read the files of a data directory
///
/// Reads every snapshot and log to its end and changes nothing. Exit code 3 when the release cannot read one, or one is damaged.
#[derive(Args)]
pub(super) struct Command {
    /// The data directory, a snapshot or a log
    path: PathBuf,
    /// The release, as in 3.6 or 3.6.2
    #[arg(long, value_name = "VERSION")]
    to: String,
}

pub(super) fn run(command: &Command) -> Result<Ending> {
    let newest = version::of_release(&command.to)?;
    let files = check(&command.path)?;
    if files.is_empty() {
        return Err(Error::usage(format!("{} has no snapshot and no log", command.path.display())));
    }
    let mut lines = Vec::new();
    let mut ending = Ending::Complete;
    for file in &files {
        let path = file.path.display();
        let releases = version::releases(file.version);
        let (first, second) =
            if file.sort == "snapshot" { ("nodes", "relationships") } else { ("transactions", "changes") };
        lines.push(format!(
            "{} {path}: format {} (Memgraph {releases}), {} {first}, {} {second}",
            file.sort, file.version, file.counts.0, file.counts.1
        ));
        let obstacle = file.obstacle(newest).map(|obstacle| format!("cannot be read by {}: {obstacle}", command.to));
        let problems = file.problems.iter().map(|problem| format!("damaged: {problem}"));
        for problem in obstacle.into_iter().chain(problems) {
            ending = Ending::Incomplete;
            lines.push(format!("  {problem}"));
        }
        if file.version < newest && file.obstacle(newest).is_none() {
            lines.push(format!(
                "  is read as it is; what {} writes anew has format {newest}, which older releases refuse",
                command.to
            ));
        }
    }
    text::print(&text::printable(&format!("{}\n", lines.join("\n"))))?;
    Ok(ending)
}
