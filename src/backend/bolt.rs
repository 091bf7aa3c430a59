//! The link to a server that speaks Bolt: which system it is, and how to open further connections to the same database.
//!
//! The system is what the server says when it is asked, whatever the URL's scheme and the name that it gives itself: that name is a setting.

pub(super) mod batch;
pub(super) mod unfit;

use crate::backend::access::{Access, Credentials};
use crate::backend::url::{Security, Server};
use crate::error::{Error, ErrorKind, Result};
use crate::model::header::Origin;
use crate::model::{Map, Value};
use crate::wire::{Auth, Connection, Endpoint, Mode, Query, Tls};

/// A system that speaks Bolt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    /// Neo4j.
    Neo4j,
    /// Memgraph.
    Memgraph,
}

/// A server, one of its databases, and the way in.
#[derive(Clone, Debug)]
pub(super) struct Link {
    endpoint: Endpoint,
    access: Access,
    /// What the server is.
    pub(super) system: System,
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
        let mut link = Self { endpoint, access, system: System::Neo4j, origin: Origin::default(), prefix: "" };
        let mut connection = link.connect()?;
        link.identify(&mut connection, server.database.as_deref())?;
        let expected = match server.scheme {
            "memgraph" => System::Memgraph,
            "neo4j" => System::Neo4j,
            _ => link.system,
        };
        if expected != link.system {
            let (peer, product) = (connection.peer(), &link.origin.product);
            return Err(Error::usage(format!("{peer} is {product} {}", link.origin.version))
                .hint(format!("write {product}:// or bolt:// instead of {}://", server.scheme)));
        }
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

    /// Asks the server what it is. The system that its name speaks of is asked for first; only an answer counts.
    fn identify(&mut self, connection: &mut Connection, database: Option<&str>) -> Result<()> {
        let named = connection.agent().contains("Memgraph");
        let mut order = [Self::identify_neo4j, Self::identify_memgraph, Self::identify_old_memgraph];
        if named {
            order.rotate_left(1);
        }
        for identify in order {
            match identify(self, connection, database) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                // A statement that it does not know tells that it is something else.
                Err(error) if error.kind() == ErrorKind::Server && !connection.is_lost() => {}
                Err(error) => return Err(error),
            }
        }
        let agent = connection.agent();
        Err(Error::usage(format!("{} is {agent:?}, neither Neo4j nor Memgraph", connection.peer())))
    }

    fn identify_memgraph(&mut self, connection: &mut Connection, database: Option<&str>) -> Result<bool> {
        let rows = connection.table(&Query::alone("SHOW VERSION", Mode::Write, database))?;
        let Some(version) = rows.first().and_then(|row| row.get("version")).and_then(Value::as_str) else {
            return Ok(false);
        };
        self.set_memgraph(version, database);
        Ok(true)
    }

    /// Memgraph before 2.2 tells no version.
    fn identify_old_memgraph(&mut self, connection: &mut Connection, database: Option<&str>) -> Result<bool> {
        let rows = connection.table(&Query::alone("SHOW STORAGE INFO", Mode::Write, database))?;
        if !rows.iter().any(|row| row.get("storage info").and_then(Value::as_str) == Some("vertex_count")) {
            return Ok(false);
        }
        self.set_memgraph("2.0", database);
        Ok(true)
    }

    fn set_memgraph(&mut self, version: &str, database: Option<&str>) {
        self.system = System::Memgraph;
        self.prefix = "";
        self.origin = Origin {
            product: "memgraph".to_owned(),
            version: version.to_owned(),
            edition: String::new(),
            database: database.unwrap_or("memgraph").to_owned(),
        };
    }

    fn identify_neo4j(&mut self, connection: &mut Connection, database: Option<&str>) -> Result<bool> {
        let asked = Query::alone("CALL dbms.components() YIELD name, versions, edition", Mode::Read, database);
        let rows = connection.table(&asked)?;
        let Some(kernel) = rows.iter().find(|row| row.get("name").and_then(Value::as_str) == Some("Neo4j Kernel"))
        else {
            return Ok(false);
        };
        let text = |name: &str| kernel.get(name).and_then(Value::as_str).unwrap_or_default();
        let versions = kernel.get("versions").and_then(Value::as_list).unwrap_or_default();
        let version = versions.first().and_then(Value::as_str).unwrap_or_default();
        self.system = System::Neo4j;
        self.prefix = if knows_versions_of_cypher(version) { "CYPHER 5 " } else { "" };
        let name = connection.table(&Query::alone("CALL db.info() YIELD name", Mode::Read, database))?;
        let name = name.first().and_then(|row| row.get("name")).and_then(Value::as_str);
        self.origin = Origin {
            product: "neo4j".to_owned(),
            version: version.to_owned(),
            edition: text("edition").to_owned(),
            database: name.or(database).unwrap_or("neo4j").to_owned(),
        };
        Ok(true)
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
