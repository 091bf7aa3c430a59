//! Who we are to a server: users and passwords from the environment, a file or a prompt; never from the command line.

use super::place::Side;
use crate::backend::access::{Access, Credentials, Secret};
use crate::backend::url::Location;
use crate::error::{Error, Result};
use clap::Args;
use std::io::IsTerminal as _;
use std::path::PathBuf;

#[derive(Args, Clone)]
#[group(skip)]
pub(super) struct Options {
    /// A file whose first line is the password
    #[arg(long, global = true, value_name = "FILE", help_heading = "Access")]
    password_file: Option<PathBuf>,
    /// The certificate authority of the server, as a PEM file, for the +s schemes
    #[arg(long, global = true, value_name = "FILE", help_heading = "Access", env = "GRAPHFERRY_CA_FILE")]
    ca_file: Option<PathBuf>,
    /// Read the graph as it was after the transaction with this timestamp
    #[arg(long, global = true, value_name = "TIMESTAMP", help_heading = "Memgraph's files")]
    at: Option<u64>,
    /// The snapshot to begin with; the newest that is whole, where it is not given
    #[arg(long, global = true, value_name = "FILE", help_heading = "Memgraph's files")]
    snapshot: Option<PathBuf>,
    /// The setting `timezone` of the instance, which its files do not tell: its local date-times are stored as instants. For HugeGraph: the time zone of
    /// the server, which is asked where it is not given
    #[arg(long, global = true, value_name = "ZONE", help_heading = "Memgraph's files")]
    timezone: Option<String>,
    /// Requests under way at once while a graph is read; from the number of cores where it is not given
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64), help_heading = "HugeGraph")]
    requests: Option<u16>,
}

/// Where journals are kept: `$GRAPHFERRY_STATE`, else the folder for state that the system's conventions say.
fn state_folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("GRAPHFERRY_STATE")
        .or_else(|| set("XDG_STATE_HOME").map(|folder| folder.join("graphferry")))
        .or_else(|| set("HOME").map(|home| home.join(".local/state/graphferry")))
}

impl Options {
    /// What to log in with. A copy may set `GRAPHFERRY_SOURCE_PASSWORD` and `GRAPHFERRY_TARGET_PASSWORD` apart.
    pub(super) fn resolve(&self, location: &Location, side: Side) -> Result<Access> {
        let credentials = match location {
            Location::Bolt(server) | Location::HugeGraph(server) => {
                self.credentials(location, server.user.as_deref(), side)?
            }
            _ => Credentials::None,
        };
        let files = crate::backend::memgraph_files::Options {
            at: self.at,
            snapshot: self.snapshot.clone(),
            timezone: self.timezone.clone(),
        };
        let hugegraph = crate::backend::hugegraph::Options {
            zone: self.timezone.clone(),
            workers: self.requests.map(usize::from),
            state: state_folder(),
            ..crate::backend::hugegraph::Options::default()
        };
        Ok(Access { credentials, ca_file: self.ca_file.clone(), files, hugegraph })
    }

    fn credentials(&self, location: &Location, user: Option<&str>, side: Side) -> Result<Credentials> {
        if let Some(token) = variable(side, "TOKEN") {
            return Ok(Credentials::Bearer { token: Secret::new(token) });
        }
        let named = user.map(str::to_owned).or_else(|| variable(side, "USER"));
        let user = named.clone().unwrap_or_else(|| "neo4j".to_owned());
        let basic = |password: String| Credentials::Basic { user: user.clone(), password: Secret::new(password) };
        if let Some(file) = &self.password_file {
            let text = std::fs::read_to_string(file);
            let text = text.map_err(|cause| Error::io(format!("reading {}", file.display()), cause))?;
            return Ok(basic(text.lines().next().unwrap_or_default().to_owned()));
        }
        if let Some(password) = variable(side, "PASSWORD") {
            return Ok(basic(password));
        }
        if named.is_some() && std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
            let asked = rpassword::prompt_password(format!("password of {user} at {location}: "));
            return asked.map(basic).map_err(|cause| Error::io("asking for the password", cause));
        }
        Ok(Credentials::None)
    }
}

/// `GRAPHFERRY_SOURCE_X` or `GRAPHFERRY_TARGET_X`, else `GRAPHFERRY_X`.
fn variable(side: Side, name: &str) -> Option<String> {
    let own = match side {
        Side::Source => format!("GRAPHFERRY_SOURCE_{name}"),
        Side::Target => format!("GRAPHFERRY_TARGET_{name}"),
    };
    std::env::var(own).or_else(|_| std::env::var(format!("GRAPHFERRY_{name}"))).ok()
}
