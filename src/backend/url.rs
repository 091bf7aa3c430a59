//! Locations: which database a text means.
//!
//! | text | database |
//! |---|---|
//! | `neo4j://HOST:PORT/DATABASE` | a Neo4j server; `+s` behind the scheme asks for TLS, `+ssc` for TLS with any certificate |
//! | `memgraph://…` | a Memgraph server, likewise |
//! | `bolt://…` | one or the other: the server is asked |
//! | `memgraph-files:PATH` | a snapshot, a log or a data directory of Memgraph, to be read |
//! | `hugegraph://HOST:PORT/GRAPH` | a graph of a HugeGraph server, by its REST interface; `+s` and `+ssc` as above; `/GRAPHSPACE/GRAPH` names a graph space too |
//! | `sqlite:PATH`, or a path that ends in `.db` | the embedded store |
//! | anything else, `s3://`, `gs://` and `az://` too | no database: where a dump lies |
//!
//! A URL never carries a password, since it stands in the process list and in shell histories. `neo4j://` means the one server that it
//! names, as `bolt://` does: no routing table is asked for, a cluster is read and written through the server that you choose.

use crate::error::{Error, Result};
use std::fmt;
use std::path::PathBuf;

/// The port of Bolt.
const PORT: u16 = 7687;

/// The port of HugeGraph's REST interface.
const HUGEGRAPH_PORT: u16 = 8080;

/// How a Bolt connection is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    #[default]
    Plain,
    /// With TLS, and the certificate is checked: `+s`.
    Tls,
    /// With TLS, and any certificate will do: `+ssc`.
    TlsAnyCertificate,
}

/// A server, and one of its databases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// `neo4j`, `memgraph`, `bolt` or `hugegraph`, as it was written.
    pub scheme: &'static str,
    /// How the connection is encrypted.
    pub security: Security,
    /// The user, if the URL names one.
    pub user: Option<String>,
    /// Name or address; an IPv6 address without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The database; `None` is the user's home database. HugeGraph: the graph, maybe with its graph space and a slash before it.
    pub database: Option<String>,
}

/// A database.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Location {
    /// A Neo4j or Memgraph server.
    Bolt(Server),
    /// A graph of a HugeGraph server.
    HugeGraph(Server),
    /// An SQLite file.
    Sqlite(PathBuf),
    /// Files of Memgraph: a snapshot, a log or a data directory.
    MemgraphFiles(PathBuf),
}

impl Location {
    /// Understands a text; `None` when it means no database but a path.
    ///
    /// # Errors
    /// It looks like a database's URL and is wrong, carries a password, or names a system that is not supported.
    pub fn parse(text: &str) -> Result<Option<Self>> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            return match path.strip_prefix("//").unwrap_or(path) {
                "" => Err(Error::usage("sqlite: has no path behind it")),
                path => Ok(Some(Self::Sqlite(PathBuf::from(path)))),
            };
        }
        if let Some(path) = text.strip_prefix("memgraph-files:") {
            return match path.strip_prefix("//").unwrap_or(path) {
                "" => Err(Error::usage("memgraph-files: has no path behind it")),
                path => Ok(Some(Self::MemgraphFiles(PathBuf::from(path)))),
            };
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Ok(text.ends_with(".db").then(|| Self::Sqlite(PathBuf::from(text))));
        };
        let (name, suffix) = scheme.split_once('+').map_or((scheme, None), |(name, suffix)| (name, Some(suffix)));
        let scheme = match name.to_ascii_lowercase().as_str() {
            "neo4j" => "neo4j",
            "bolt" => "bolt",
            "memgraph" => "memgraph",
            "hugegraph" => "hugegraph",
            "file" | "s3" | "gs" | "az" => return Ok(None),
            _ => {
                return Err(Error::usage(format!("{name}:// is no scheme that is known"))
                    .hint("databases are neo4j://, memgraph://, bolt://, hugegraph:// and sqlite:; dumps may be s3://, gs:// and az://"));
            }
        };
        let security = match suffix {
            None => Security::Plain,
            Some("s") => Security::Tls,
            Some("ssc") => Security::TlsAnyCertificate,
            Some(other) => return Err(Error::usage(format!("{scheme}+{other}:// is unknown: only +s and +ssc are"))),
        };
        let server = server(scheme, security, rest)?;
        Ok(Some(if scheme == "hugegraph" { Self::HugeGraph(server) } else { Self::Bolt(server) }))
    }
}

/// The part behind `://`. Nothing of it is repeated in an error before the password is known to be absent.
fn server(scheme: &'static str, security: Security, rest: &str) -> Result<Server> {
    // Looked for in all of it: a password may hold a slash, and then stands where a path would.
    if rest.rsplit_once('@').is_some_and(|(before, _)| before.contains(':')) {
        return Err(Error::usage("the URL carries a password")
            .hint("everybody on this machine can read it in the process list: set $GRAPHFERRY_PASSWORD, or name a file with --password-file"));
    }
    let (authority, path) = rest.split_once('/').map_or((rest, ""), |(authority, path)| (authority, path));
    let (user, place) = match authority.rsplit_once('@') {
        None => (None, authority),
        Some((user, place)) => (Some(decode(user)?), place),
    };
    if authority.contains(['?', '#']) || path.contains(['?', '#']) {
        return Err(Error::usage("the URL has a query or a fragment, which mean nothing here"));
    }
    // The `url` crate reads schemes that it does not know leniently: with this one it checks hosts as a browser would.
    let url = url::Url::parse(&format!("http://{place}"))
        .map_err(|cause| Error::usage(format!("{place:?} is no host and port")).caused_by(cause))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    if host.is_empty() || !url.path().trim_matches('/').is_empty() {
        return Err(Error::usage(format!("{place:?} is no host and port")));
    }
    let port = match place.rsplit_once(':') {
        // 80 is the port that the checking scheme leaves out.
        Some((_, port)) if !port.ends_with(']') => url.port().unwrap_or(80),
        _ if scheme == "hugegraph" => HUGEGRAPH_PORT,
        _ => PORT,
    };
    let database = path.trim_end_matches('/');
    let parts = if scheme == "hugegraph" { 2 } else { 1 };
    if database.split('/').count() > parts {
        return Err(Error::usage(format!("{database:?} is no database: a URL's path has one name")));
    }
    let database = (!database.is_empty()).then(|| decode(database)).transpose()?;
    let user = user.filter(|user| !user.is_empty());
    Ok(Server { scheme, security, user, host: host.to_owned(), port, database })
}

fn decode(text: &str) -> Result<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next(), rest.next()].map(|digit| (digit? as char).to_digit(16));
                let [Some(high), Some(low)] = digits else { return Err(undecodable(text)) };
                (high * 16 + low) as u8
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| undecodable(text))
}

fn undecodable(text: &str) -> Error {
    Error::usage(format!("{text:?} in the URL has a wrong %-sequence"))
}

/// Writes what would be wrong to write plainly in a URL as %-sequences.
fn put_encoded(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => write!(f, "{}", byte as char)?,
            _ => write!(f, "%{byte:02X}")?,
        }
    }
    Ok(())
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scheme)?;
        f.write_str(match self.security {
            Security::Plain => "://",
            Security::Tls => "+s://",
            Security::TlsAnyCertificate => "+ssc://",
        })?;
        if let Some(user) = &self.user {
            put_encoded(f, user)?;
            f.write_str("@")?;
        }
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port)?,
            false => write!(f, "{}:{}", self.host, self.port)?,
        }
        if let Some(database) = &self.database {
            let parts: Vec<&str> =
                if self.scheme == "hugegraph" { database.split('/').collect() } else { vec![database] };
            for part in parts {
                f.write_str("/")?;
                put_encoded(f, part)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bolt(server) | Self::HugeGraph(server) => server.fmt(f),
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::MemgraphFiles(path) => write!(f, "memgraph-files:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn locations_and_their_canonical_text() {
        for (text, expected) in [
            ("neo4j://localhost", "neo4j://localhost:7687"),
            ("bolt://127.0.0.1:27687", "bolt://127.0.0.1:27687"),
            ("memgraph+ssc://h/", "memgraph+ssc://h:7687"),
            ("bolt+s://db.example.org/movies", "bolt+s://db.example.org:7687/movies"),
            ("NEO4J+ssc://h/", "neo4j+ssc://h:7687"),
            ("bolt://ann@h:80/a%20b", "bolt://ann@h:80/a%20b"),
            ("bolt://[::1]:7688", "bolt://[::1]:7688"),
            ("bolt://[::1]", "bolt://[::1]:7687"),
            ("neo4j://@h", "neo4j://h:7687"),
            ("hugegraph://h", "hugegraph://h:8080"),
            ("hugegraph+s://ann@h:1/SPACE/g", "hugegraph+s://ann@h:1/SPACE/g"),
            ("sqlite:graph", "sqlite:graph"),
            ("sqlite:///tmp/graph", "sqlite:/tmp/graph"),
            ("some/graph.db", "sqlite:some/graph.db"),
            ("memgraph-files:/var/lib/memgraph", "memgraph-files:/var/lib/memgraph"),
        ] {
            let location = Location::parse(text).unwrap().unwrap();
            assert_eq!(location.to_string(), expected);
            assert_eq!(Location::parse(expected).unwrap().unwrap(), location, "{text}");
        }
        for text in ["dump.cypherl", "-", "dump.jsonl.zst", "C:\\x", "a:b", "file:///x", ""] {
            assert_eq!(Location::parse(text).unwrap(), None, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, expected) in [
            ("hugegraph://h/a/b/c", r#""a/b/c" is no database: a URL's path has one name"#),
            ("http://h", "http:// is no scheme that is known"),
            ("bolt+x://h", "bolt+x:// is unknown: only +s and +ssc are"),
            ("bolt://", r#""" is no host and port"#),
            ("bolt://h:port", r#""h:port" is no host and port"#),
            ("bolt://h:99999", r#""h:99999" is no host and port"#),
            ("bolt://h/a/b", r#""a/b" is no database: a URL's path has one name"#),
            ("bolt://h/a%2", r#""a%2" in the URL has a wrong %-sequence"#),
            ("bolt://h/a?x=1", "the URL has a query or a fragment, which mean nothing here"),
            ("sqlite:", "sqlite: has no path behind it"),
        ] {
            assert_eq!(Location::parse(text).unwrap_err().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn a_password_is_refused_and_not_repeated() {
        for text in [
            "bolt://ann:hunter2@h",
            "neo4j+s://ann:hun@ter2@h:1/x",
            "bolt://:hunter2@h",
            "bolt://a:hunter2@",
            "bolt://a:b/c?ter2@h",
        ] {
            let error = Location::parse(text).unwrap_err();
            assert_eq!(error.to_string(), "the URL carries a password");
            assert!(!format!("{error:?}").contains("ter2"));
        }
    }
}
