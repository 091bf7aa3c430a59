//! APOC on a real server.
#![allow(clippy::unwrap_used, clippy::expect_used)]
mod support;
use support::neo4j::Neo4j;
#[test]
fn build() {
    let source = Neo4j::source();
    source.build_torture();
}
