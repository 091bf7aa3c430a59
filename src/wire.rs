//! Bolt, client side, and HTTP: how bytes travel to and from a graph database.
//!
//! | file | what |
//! |---|---|
//! | [`handshake`] | which version is spoken: pure |
//! | [`chunk`] | messages out of a stream of chunks, and into one: pure |
//! | [`message`] | what the messages say: pure |
//! | [`query`] | a statement with what it needs, and its summary |
//! | [`failure`] | what a server's failure means to us: pure |
//! | [`client`] | the order of requests and replies, over anything that reads and writes |
//! | [`connection`] | the socket and TLS, and nothing else |
//! | [`http`] | requests and answers, through a crate |
//!
//! The layer blocks and has no runtime of its own. It knows PackStream and not one statement: what a row means is the backend's business.
//! Rows are handed over as slices of the receive buffer, so that a scan allocates nothing for a row; a slow reader of rows slows
//! the server down and not the other way around. A server address is one server: `neo4j://` has no routing table here.

pub mod chunk;
pub mod client;
pub mod connection;
pub mod failure;
pub mod handshake;
pub mod http;
pub mod message;
pub mod query;

pub use client::{Auth, Client};
pub use connection::{Connection, Endpoint, Tls};
pub use handshake::Version;
pub use http::Http;
pub use message::{Extra, Mode};
pub use query::{Query, Row, Scope, Summary};
