//! `graphferry upgrade-check`.

use super::{exit::Ending, text};
use crate::backend::memgraph_files::{Checked, check, upgrade, version};
use crate::cypher;
use crate::error::{Error, Result};
use clap::Args;
use std::path::PathBuf;

/// Tell whether a release of Memgraph can read the files of a data directory, and what would change
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
    let mut lines: Vec<String> = Vec::new();
    let mut ending = Ending::Complete;
    let mut changes: Vec<String> = Vec::new();
    for file in &files {
        lines.push(line(file));
        let obstacle = file.obstacle(newest).map(|obstacle| format!("cannot be read by {}: {obstacle}", command.to));
        let problems = file.problems.iter().map(|problem| format!("damaged: {problem}"));
        for problem in obstacle.into_iter().chain(problems) {
            ending = Ending::Incomplete;
            lines.push(format!("  {problem}"));
        }
        lines.extend(file.notes.iter().map(|note| format!("  note: {note}")));
        for change in upgrade::changes(file, newest) {
            if !changes.contains(&change) {
                changes.push(change);
            }
        }
    }
    let is_older = files.iter().any(|file| file.version < newest && file.obstacle(newest).is_none());
    if is_older {
        let release = &command.to;
        changes.push(format!(
            "what {release} writes anew has format {newest}, which older releases refuse: keep a backup"
        ));
    }
    if files.iter().any(|file| file.version > newest) {
        lines.push(format!(
            "carry the graph over instead: graphferry dump memgraph-files:{} -o graph.cypherl --dialect memgraph --target-version {}",
            command.path.display(),
            command.to.trim_start_matches('v')
        ));
        lines.extend(lacking(&files, &command.to)?.into_iter().map(|what| format!("  lost on the way: {what}")));
    }
    lines.push("what changes:".to_owned());
    lines.extend(changes.iter().map(String::as_str).chain(upgrade::ALWAYS).map(|change| format!("  {change}")));
    text::print(&text::printable(&format!("{}\n", lines.join("\n"))))?;
    Ok(ending)
}

fn line(file: &Checked) -> String {
    let is_snapshot = file.sort == "snapshot";
    let (first, second) = if is_snapshot { ("nodes", "relationships") } else { ("transactions", "changes") };
    format!(
        "{} {}: format {} (Memgraph {}), {} {first}, {} {second}",
        file.sort,
        file.path.display(),
        file.version,
        version::releases(file.version),
        file.counts.0,
        file.counts.1
    )
}

/// What of the newest snapshot's schema an older release does not have.
fn lacking(files: &[Checked], release: &str) -> Result<Vec<String>> {
    let target: cypher::Version = release.trim_start_matches('v').parse()?;
    let newest = files.iter().rev().find(|file| file.sort == "snapshot");
    let objects = newest.into_iter().flat_map(|file| &file.schema.objects);
    let lost = objects.filter_map(|object| {
        cypher::version::lacks(target, object).map(|why| format!("the {}: {why}", object.describe()))
    });
    let values = cypher::version::lacking_values(target)
        .into_iter()
        .map(|kind| format!("values of the type {kind}, where there are any"));
    Ok(lost.chain(values).collect())
}
