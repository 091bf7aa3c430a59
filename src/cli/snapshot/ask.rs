//! Before a restore of files drops data: what goes is told, a backup is offered, and only a clear answer goes on. What an answer means the guard decides.

use crate::cli::guard::line;
use crate::cli::text::printable;
use crate::error::Result;
use crate::guard::{Decision, PROMPT, Victim, WARNING, decide, decide_by_name, quit};
use crate::observe::Stop;
use clap::Args;
use std::io::IsTerminal as _;
use std::path::PathBuf;

#[derive(Args)]
#[group(skip)]
pub(super) struct Options {
    /// Drop the data of this database without a question; its name must be the one that the question would tell
    #[arg(long, value_name = "DATABASE")]
    yes_drop: Option<String>,
    /// Make no backup of what is dropped; for --yes-drop
    #[arg(long, requires = "yes_drop")]
    no_backup: bool,
}

/// What a restore would drop.
pub(super) struct Loss {
    /// The database's name.
    pub(super) database: String,
    /// Nodes and relationships.
    pub(super) counts: (u64, u64),
}

/// Goes on only when the user, or an option, said so; `backup` is called first where one is wanted, and tells where it is.
pub(super) fn may_drop(
    loss: &Loss,
    options: &Options,
    stop: &Stop,
    backup: &mut dyn FnMut() -> Result<PathBuf>,
) -> Result<()> {
    let Loss { database, counts: (nodes, relationships) } = loss;
    eprintln!("[!] {} holds {nodes} nodes and {relationships} relationships.", printable(database));
    let victim = Victim {
        database: database.clone(),
        system: "memgraph".to_owned(),
        nodes: *nodes,
        relationships: *relationships,
        objects: 0,
    };
    let decision = match &options.yes_drop {
        Some(name) => decide_by_name(&victim, name, !options.no_backup)?,
        None if !std::io::stdin().is_terminal() => {
            eprintln!("[!] {WARNING}");
            return Err(quit().hint(format!("without a terminal say --yes-drop={database}")));
        }
        None => decide(&victim, line(&format!("[!] {WARNING}\n{PROMPT}"), stop)?.as_deref()),
    };
    match decision {
        Decision::Quit => Err(quit()),
        Decision::GoOn(_) => Ok(()),
        Decision::Backup(_) => {
            let path = backup()?;
            eprintln!("[+] A backup of your data can be found at {}", printable(&path.display().to_string()));
            Ok(())
        }
    }
}
