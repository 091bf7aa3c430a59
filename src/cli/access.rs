//! Who we are to a server: users and passwords from the environment, a file or a prompt; never from the command line.

use super::config::{Config, Endpoint};
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
    /// A file with identities of age, which open encrypted dumps; may be given several times
    #[arg(long, global = true, value_name = "FILE", help_heading = "Encryption")]
    pub(super) identity: Vec<PathBuf>,
    /// A file whose first line is a passphrase: it opens encrypted dumps, and dump, backup and convert encrypt with it
    #[arg(long, global = true, value_name = "FILE", help_heading = "Encryption")]
    pub(super) passphrase_file: Option<PathBuf>,
    /// The certificate authority of the server, as a PEM file, for the +s schemes
    #[arg(long, global = true, value_name = "FILE", help_heading = "Access", env = "GRAPHFERRY_CA_FILE")]
    ca_file: Option<PathBuf>,
    /// Read the graph as it was after the transaction with this timestamp
    #[arg(long, global = true, value_name = "TIMESTAMP", help_heading = "Memgraph's files")]
    at: Option<u64>,
    /// The snapshot to begin with; the newest that is whole, where it is not given
    #[arg(long, global = true, value_name = "FILE", help_heading = "Memgraph's files")]
    snapshot: Option<PathBuf>,
    /// The time zone of the server: Memgraph's files store local date-times as instants, HugeGraph and its backups write instants as local. A HugeGraph server
    /// is asked where it is not given
    #[arg(long, global = true, value_name = "ZONE", help_heading = "Access")]
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
    /// The zone of a server whose files do not tell it.
    pub(super) fn timezone(&self) -> Option<&str> {
        self.timezone.as_deref()
    }

    /// What to log in with. A copy may set `GRAPHFERRY_SOURCE_PASSWORD` and `GRAPHFERRY_TARGET_PASSWORD` apart.
    pub(super) fn resolve(&self, location: &Location, side: Side) -> Result<Access> {
        let config = Config::load()?;
        let endpoint = config.endpoint(location);
        let credentials = match location {
            Location::Bolt(server) | Location::HugeGraph(server) => {
                self.credentials(location, server.user.as_deref(), endpoint, side)?
            }
            _ => Credentials::None,
        };
        let ca_file = self.ca_file.clone().or_else(|| endpoint?.ca_file.clone());
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
        Ok(Access { credentials, ca_file, files, hugegraph })
    }

    fn credentials(
        &self,
        location: &Location,
        user: Option<&str>,
        endpoint: Option<&Endpoint>,
        side: Side,
    ) -> Result<Credentials> {
        if let Some(token) = variable(side, "TOKEN") {
            return Ok(Credentials::Bearer { token: Secret::new(token) });
        }
        let named = user.map(str::to_owned).or_else(|| variable(side, "USER"));
        let user = named.clone().unwrap_or_else(|| "neo4j".to_owned());
        let basic = |password: String| Credentials::Basic { user: user.clone(), password: Secret::new(password) };
        // What was said for this run comes before what the configuration says of the endpoint, and that before what is said for all of them.
        let file = self.password_file.as_ref().or_else(|| endpoint?.password_file.as_ref());
        if let Some(file) = file {
            let text = std::fs::read_to_string(file);
            let text = text.map_err(|cause| Error::io(format!("reading {}", file.display()), cause))?;
            return Ok(basic(text.lines().next().unwrap_or_default().to_owned()));
        }
        if let Some(name) = endpoint.and_then(|endpoint| endpoint.password_env.as_ref()) {
            return std::env::var(name).map(basic).map_err(|_| {
                Error::usage(format!(
                    "the configuration names ${name} for the password of {location}, which is not set"
                ))
            });
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
