//! Before a restore drops data: what goes is told, a backup is offered, and only a clear answer goes on.

use crate::cli::text::printable;
use crate::error::{Error, Result};
use crate::observe::Stop;
use clap::Args;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

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

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Backup,
    Go,
    Quit,
}

fn answer(line: &str) -> Answer {
    match line.trim() {
        "y" | "Y" => Answer::Backup,
        "n" | "N" => Answer::Go,
        _ => Answer::Quit,
    }
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
    eprintln!("[!] Your current database WILL BE DROPPED prior to the restore!");
    let quit = || Error::refused("nothing was changed");
    let answer = match &options.yes_drop {
        Some(name) if name == database => match options.no_backup {
            true => Answer::Go,
            false => Answer::Backup,
        },
        Some(name) => return Err(quit().hint(format!("--yes-drop names {name:?}, and the database is {database:?}"))),
        None if !std::io::stdin().is_terminal() => {
            return Err(quit().hint(format!("without a terminal say --yes-drop={database}")));
        }
        None => ask(stop)?,
    };
    match answer {
        Answer::Quit => Err(quit()),
        Answer::Go => Ok(()),
        Answer::Backup => {
            let path = backup()?;
            eprintln!("[+] A backup of your data can be found at {}", printable(&path.display().to_string()));
            Ok(())
        }
    }
}

fn ask(stop: &Stop) -> Result<Answer> {
    eprint!("Would you like to make a backup of the current database before proceeding? (y/n/Q)> ");
    let _ = std::io::stderr().flush();
    // A thread of its own reads, so that Ctrl-C is heard meanwhile.
    let (give, take) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = give.send(std::io::stdin().lock().read_line(&mut line).map(|_| line));
    });
    loop {
        stop.check()?;
        match take.recv_timeout(Duration::from_millis(50)) {
            Ok(line) => return line.map(|line| answer(&line)).map_err(|cause| Error::io("reading the answer", cause)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(Answer::Quit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_answer_goes_on() {
        for (line, wanted) in [("y\n", Answer::Backup), ("Y\r\n", Answer::Backup), ("n\n", Answer::Go)] {
            assert_eq!(answer(line), wanted, "{line:?}");
        }
        for line in ["", "\n", "Q\n", "q\n", "yes\n", "no\n", "ny\n", "y n\n", "\u{4}"] {
            assert_eq!(answer(line), Answer::Quit, "{line:?}");
        }
    }
}
