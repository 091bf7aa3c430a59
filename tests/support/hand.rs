//! Dumps made by hand, folders that hold them, and commands at the end of a pipe.

use super::tool::{command, run};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

/// A dump made by hand: JSON Lines without header or trailer, as another program may write them.
pub fn handmade(nodes: usize, relationships: usize) -> String {
    let mut text = String::new();
    for id in 0..nodes {
        let _ = writeln!(
            text,
            r#"{{"node":{id},"labels":["Person"],"properties":{{"name":"person {id}","age":{id},"score":{id}.5}}}}"#
        );
    }
    for id in 0..relationships {
        let (start, end) = (id % nodes, (id * 7 + 1) % nodes);
        let _ = writeln!(
            text,
            r#"{{"relationship":{id},"type":"KNOWS","start":{start},"end":{end},"properties":{{"since":{id}}}}}"#
        );
    }
    text
}

/// A folder with `store.db` and its dump `graph.jsonl`.
pub fn folder(nodes: usize, relationships: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hand.jsonl"), handmade(nodes, relationships)).unwrap();
    run(folder.path(), ["restore", "hand.jsonl", "store.db"]).expect(0);
    run(folder.path(), ["dump", "store.db", "-o", "graph.jsonl"]).expect(0);
    folder
}

/// Files in a folder but those that tests put there: what a failed run left behind.
pub fn left_behind(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let known = ["hand.jsonl", "store.db", "store.db-wal", "store.db-shm", "graph.jsonl", "broken.jsonl"];
    names.filter(|name| !known.contains(&&**name)).collect()
}

/// Runs the command with this on stdin; gives the exit code and stderr.
pub fn pipe(folder: &Path, arguments: &[&str], input: &[u8]) -> (i32, String) {
    let mut child = command(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}
