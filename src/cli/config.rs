//! The configuration file: endpoints by name, so that `graphferry dump prod` is enough. It holds no password, and is refused with one.

use crate::backend::url::Location;
use crate::error::{Error, Position, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;

/// The environment variable that names the file.
const FILE: &str = "GRAPHFERRY_CONFIG";

/// What the file says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    #[serde(default)]
    endpoints: BTreeMap<String, Endpoint>,
}

/// A database with a name of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Endpoint {
    /// Where it is, as on the command line.
    url: String,
    /// The file whose first line is its password.
    pub(super) password_file: Option<PathBuf>,
    /// The environment variable that holds its password.
    pub(super) password_env: Option<String>,
    /// The certificate authority of the server.
    pub(super) ca_file: Option<PathBuf>,
}

impl Config {
    /// Reads the file, if there is one: `$GRAPHFERRY_CONFIG`, else `graphferry/config.toml` in `$XDG_CONFIG_HOME` or `~/.config`.
    pub(super) fn load() -> Result<Self> {
        let named = std::env::var_os(FILE).filter(|name| !name.is_empty()).map(PathBuf::from);
        let Some(path) = named.clone().or_else(usual) else { return Ok(Self::default()) };
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text).map_err(|error| error.in_file(&path.display().to_string())),
            Err(cause) if cause.kind() == ErrorKind::NotFound && named.is_none() => Ok(Self::default()),
            Err(cause) => Err(Error::io(format!("reading {}", path.display()), cause)),
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let config: Self = toml::from_str(text).map_err(|cause: toml::de::Error| {
            // The message alone: with its place it would show the line, and whoever wrote a password there would see it in a log.
            let line = cause
                .span()
                .map_or(0, |span| 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() as u64);
            let error = Error::usage(format!("the configuration cannot be read: {}", cause.message()));
            let error = if line > 0 { error.at(Position::line(line)) } else { error };
            match cause.message().contains("unknown field `password`") {
                true => error.hint("no password belongs into this file: name a password_file or a password_env"),
                false => error,
            }
        })?;
        for (name, endpoint) in &config.endpoints {
            // A URL with a password in it is refused here as everywhere.
            if Location::parse(&endpoint.url)?.is_none() {
                let error = format!("the url of the endpoint {name:?} is no database: {:?}", endpoint.url);
                return Err(Error::usage(error));
            }
            if endpoint.password_file.is_some() && endpoint.password_env.is_some() {
                return Err(Error::usage(format!("the endpoint {name:?} has a password_file and a password_env")));
            }
        }
        Ok(config)
    }

    /// The database of this name.
    pub(super) fn named(&self, word: &str) -> Result<Option<Location>> {
        let Some(endpoint) = self.endpoints.get(word) else { return Ok(None) };
        if std::path::Path::new(word).exists() {
            return Err(Error::usage(format!("{word:?} is an endpoint of the configuration and a file"))
                .hint(format!("write ./{word} for the file")));
        }
        Location::parse(&endpoint.url)
    }

    /// What is said of a database, whether it was called by its name or not.
    pub(super) fn endpoint(&self, location: &Location) -> Option<&Endpoint> {
        let is_it = |endpoint: &&Endpoint| Location::parse(&endpoint.url).ok().flatten().as_ref() == Some(location);
        self.endpoints.values().find(is_it)
    }
}

fn usual() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
    Some(folder.join("graphferry/config.toml"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn endpoints_have_names_and_no_passwords() {
        let good = "[endpoints.prod]\nurl = \"bolt+s://admin@db.example/movies\"\npassword_file = \"/run/secret\"\n";
        let config = Config::parse(good).unwrap();
        let location = config.named("prod").unwrap().unwrap();
        assert_eq!(location, Location::parse("bolt+s://admin@db.example/movies").unwrap().unwrap());
        assert_eq!(config.endpoint(&location).unwrap().password_file, Some(PathBuf::from("/run/secret")));
        assert!(config.named("other").unwrap().is_none());
        assert!(Config::parse("").unwrap().endpoints.is_empty());
        for (bad, why) in [
            ("password = \"x\"\n", "no password belongs"),
            ("port = 1\n", "unknown field"),
            ("password_env = \"A\"\npassword_file = \"b\"\n", "a password_file and a password_env"),
        ] {
            let text = good.replace("password_file = \"/run/secret\"\n", bad);
            let report = Config::parse(&text).unwrap_err().report();
            assert!(report.contains(why) && !report.contains("\"x\""), "{report}");
        }
        for url in ["bolt://admin:secret@db.example", "graph.jsonl"] {
            let report = Config::parse(&format!("[endpoints.a]\nurl = \"{url}\"\n")).unwrap_err().report();
            assert!(!report.contains("secret@"), "{report}");
        }
    }
}
