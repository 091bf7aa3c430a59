//! `graphferry completions` and `graphferry man`: made from the options themselves.

use super::{Cli, exit::Ending, text};
use crate::error::{Error, Result};
use crate::volume::Output;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use std::path::PathBuf;

/// Print what makes a shell complete graphferry's options
///
/// bash: graphferry completions bash > ~/.local/share/bash-completion/completions/graphferry
#[derive(Args)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Print the manual page, or write one for each verb
///
/// To look at it: graphferry man | man -l -
#[derive(Args)]
pub(super) struct Man {
    /// Write graphferry.1, graphferry-dump.1, … into this folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Replace pages that exist
    #[arg(long, requires = "dir")]
    force: bool,
}

pub(super) fn completions(command: &Completions) -> Result<Ending> {
    let mut script = Vec::new();
    clap_complete::generate(command.shell, &mut Cli::command(), "graphferry", &mut script);
    text::print(&String::from_utf8_lossy(&script))?;
    Ok(Ending::Complete)
}

pub(super) fn man(command: &Man) -> Result<Ending> {
    let mut whole = Cli::command();
    whole.build();
    let Some(folder) = &command.dir else {
        text::print(&String::from_utf8_lossy(&page(whole)?))?;
        return Ok(Ending::Complete);
    };
    let verbs: Vec<_> = whole.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned().collect();
    for verb in std::iter::once(whole).chain(verbs) {
        let name = verb.get_display_name().unwrap_or(verb.get_name()).to_owned();
        let mut output = Output::create(&folder.join(format!("{name}.1")), command.force)?;
        output.append(&page(verb)?)?;
        output.commit()?;
    }
    Ok(Ending::Complete)
}

fn page(command: clap::Command) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(command).render(&mut page);
    rendered.map_err(|cause| Error::io("writing the manual page", cause)).map(|()| page)
}
