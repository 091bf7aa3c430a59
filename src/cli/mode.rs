//! `graphferry mode`: what kinds of writing a graph of HugeGraph takes.

use super::place::{Place, Side};
use super::{Context, exit::Ending, text};
use crate::backend::hugegraph::mode::{self, Mode};
use crate::backend::url::{Location, Server};
use crate::error::{Error, Result};
use clap::{Args, Subcommand};
use serde_json::json;

/// Tell or set the mode of a graph of HugeGraph
///
/// restore and merge set the mode that they need and put back the one that they found; this is for what others have left. A server keeps the mode in its memory
/// alone: after a restart it is NONE.
#[derive(Args)]
pub(super) struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Print the mode
    Get {
        /// The graph, as in hugegraph://host:8080/graph; $GRAPHFERRY_URL where it is not given
        graph: Option<String>,
    },
    /// Set the mode
    Set {
        /// The graph, as in hugegraph://host:8080/graph
        graph: String,
        /// NONE, RESTORING, MERGING or LOADING
        mode: String,
    },
}

pub(super) fn run(command: &Command, context: &Context) -> Result<Ending> {
    let word = match &command.what {
        What::Get { graph } => graph.as_deref(),
        What::Set { graph, .. } => Some(graph.as_str()),
    };
    let location = Place::database(word)?;
    let server = server(&location)?;
    let access = context.access.resolve(&location, Side::Target)?;
    let (mode, is_set) = match &command.what {
        What::Get { .. } => (mode::get(server, &access)?, false),
        What::Set { mode, .. } => {
            let mode = Mode::named(mode)?;
            mode::set(server, &access, mode)?;
            (mode, true)
        }
    };
    if is_set {
        context.progress.report(&format!("the mode is {}", mode.name()), json!({ "mode": mode.name() }));
    } else if context.progress.is_json() {
        text::print(&format!("{}\n", json!({ "mode": mode.name() })))?;
    } else {
        text::print(&format!("{}\n", mode.name()))?;
    }
    Ok(Ending::Complete)
}

fn server(location: &Location) -> Result<&Server> {
    match location {
        Location::HugeGraph(server) => Ok(server),
        other => Err(Error::usage(format!("{other} is no graph of HugeGraph: only those have modes"))),
    }
}
