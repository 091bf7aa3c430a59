//! The link to a server: who it is, and how to open further connections to the same database.

use crate::backend::access::{Access, Credentials};
use crate::backend::url::{Security, Server};
use crate::error::{Error, Result};
use crate::model::header::Origin;
use crate::model::{Map, Value};
use crate::wire::{Auth, Connection, Endpoint, Mode, Query, Tls};

/// A server, one of its databases, and the way in.
#[derive(Clone, Debug)]
pub(super) struct Link {
    endpoint: Endpoint,
    access: Access,
    /// What the database is.
    pub(super) origin: Origin,
    /// What stands before every statement of ours.
    prefix: &'static str,
}

impl Link {
    /// Connects and asks who is there.
    pub(super) fn open(server: &Server, access: &Access) -> Result<(Self, Connection)> {
        let access = access.for_user(server.user.as_deref())?;
        let tls = match server.security {
            Security::Plain => Tls::Off,
            Security::Tls => Tls::Verified(access.ca_file.clone()),
            Security::TlsAnyCertificate => Tls::AnyCertificate,
        };
        let endpoint = Endpoint { host: server.host.clone(), port: server.port, tls };
        let mut link = Self { endpoint, access, origin: Origin::default(), prefix: "" };
        let mut connection = link.connect()?;
        link.identify(&mut connection, server.database.as_deref())?;
        Ok((link, connection))
    }

    /// Another connection to the same server.
    pub(super) fn connect(&self) -> Result<Connection> {
        let auth = match &self.access.credentials {
            Credentials::None => Auth::None,
            Credentials::Basic { user, password } => Auth::Basic { user, password: password.reveal() },
            Credentials::Bearer { token } => Auth::Bearer { token: token.reveal() },
        };
        Connection::connect(&self.endpoint, auth)
    }

    /// The database's name.
    pub(super) fn database(&self) -> &str {
        &self.origin.database
    }

    /// A statement of ours with the version of its language.
    pub(super) fn statement(&self, text: &str) -> String {
        format!("{}{text}", self.prefix)
    }

    fn identify(&mut self, connection: &mut Connection, database: Option<&str>) -> Result<()> {
        let agent = connection.agent();
        if agent.contains("Memgraph") || !agent.starts_with("Neo4j/") {
            let what = if agent.contains("Memgraph") { "Memgraph" } else { agent };
            return Err(Error::usage(format!("{} is {what}, which is not supported yet", connection.peer())));
        }
        let asked = Query::alone("CALL dbms.components() YIELD name, versions, edition", Mode::Read, database);
        let rows = connection.table(&asked)?;
        let kernel = rows.iter().find(|row| row.get("name").and_then(Value::as_str) == Some("Neo4j Kernel"));
        let kernel = kernel.or(rows.first());
        let text = |name: &str| kernel.and_then(|row| row.get(name)).and_then(Value::as_str).unwrap_or_default();
        let versions = kernel.and_then(|row| row.get("versions")).and_then(Value::as_list).unwrap_or_default();
        let version = versions.first().and_then(Value::as_str).unwrap_or_default();
        self.prefix = if knows_versions_of_cypher(version) { "CYPHER 5 " } else { "" };
        let name = connection.table(&Query::alone("CALL db.info() YIELD name", Mode::Read, database))?;
        let name = name.first().and_then(|row| row.get("name")).and_then(Value::as_str);
        self.origin = Origin {
            product: "neo4j".to_owned(),
            version: version.to_owned(),
            edition: text("edition").to_owned(),
            database: name.or(database).unwrap_or("neo4j").to_owned(),
        };
        Ok(())
    }

    /// The version's first two numbers.
    pub(super) fn version(&self) -> (u32, u32) {
        numbers(&self.origin.version)
    }

    /// Whether it is the enterprise edition.
    pub(super) fn is_enterprise(&self) -> bool {
        self.origin.edition.eq_ignore_ascii_case("enterprise")
    }
}

/// Parameters of a statement.
pub(super) fn parameters<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Vec<u8> {
    let map: Map = entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    Value::Map(map).to_packstream()
}

fn numbers(version: &str) -> (u32, u32) {
    let mut parts = version.split(['.', '-', '+']).map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// `CYPHER 5` in front of a statement is understood from 5.26 on; older servers know one language only.
fn knows_versions_of_cypher(version: &str) -> bool {
    numbers(version) >= (5, 26)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_know_versions_of_cypher() {
        for (version, expected) in [
            ("5.26.30", true),
            ("5.27-aura", true),
            ("2026.08.1", true),
            ("5.20.0", false),
            ("4.4.40", false),
            ("", false),
        ] {
            assert_eq!(knows_versions_of_cypher(version), expected, "{version}");
        }
    }
}
