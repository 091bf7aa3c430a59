//! The embedded store: its file, its constraints, and what a crash leaves. What it shares with other backends is in
//! the conformance suite.
//!
//! The witness is the `sqlite3` command, which knows nothing of us.
#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod support;

#[path = "embedded_store/constraints.rs"]
mod constraints;
#[path = "embedded_store/crash.rs"]
mod crash;
#[path = "embedded_store/file.rs"]
mod file;
#[path = "embedded_store/inside.rs"]
mod inside;
#[path = "embedded_store/memory.rs"]
mod memory;
#[path = "embedded_store/writers.rs"]
mod writers;

use graphferry::backend::Target;
use graphferry::model::value::put_map;
use graphferry::model::{Block, Class, Kind, Map, Value};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder of its own and the path of a store in it, which does not exist yet.
pub fn fresh() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("graph.db");
    (folder, path)
}

/// What the `sqlite3` command says to a query, its last line break cut.
pub fn sqlite3(path: &Path, sql: &str) -> String {
    let output = Command::new("sqlite3").args(["-batch", "-bail"]).arg(path).arg(sql).output();
    let output = output.expect("these tests need the sqlite3 command (Debian: apt install sqlite3)");
    assert!(output.status.success(), "{sql}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned()
}

/// A property map.
pub fn map<const N: usize>(pairs: [(&str, Value); N]) -> Map {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// A block of nodes of one kind.
pub fn nodes(labels: &[&str], properties: impl IntoIterator<Item = Map>) -> Block {
    let mut block = Block::new(Class::Nodes);
    let kind = block.add_kind(Kind::labels(labels));
    for (id, properties) in (0..).zip(properties) {
        put_map(block.buffer(), &properties);
        block.push(id, 0, 0, kind, 0);
    }
    block
}

/// A block of relationships of one type, from start, end and properties.
pub fn relationships(name: &str, items: impl IntoIterator<Item = (i64, i64, Map)>) -> Block {
    let mut block = Block::new(Class::Relationships);
    let kind = block.add_kind(Kind::relationship(name));
    for (id, (start, end, properties)) in (0..).zip(items) {
        put_map(block.buffer(), &properties);
        block.push(id, start, end, kind, 0);
    }
    block
}

/// Writes nodes and gives their ids.
pub fn put(target: &dyn Target, batch: &Block) -> graphferry::Result<Vec<i64>> {
    let mut ids = Vec::new();
    target.session()?.nodes(batch, None, &mut ids)?;
    Ok(ids)
}
