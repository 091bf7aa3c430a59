//! What `kill -9` leaves.

use crate::{fresh, map, nodes, put, relationships, sqlite3};
use graphferry::backend::Once;
use graphferry::backend::sqlite::open_target;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

const CHILD: &str = "GRAPHFERRY_TEST_CRASHING_STORE";
const BATCH: i64 = 700;

/// Not a test of its own: the process that [`whole_batches_survive`] kills. It writes until it dies, and says what
/// was acknowledged.
#[test]
fn child() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let mut target = open_target(Path::new(&path)).unwrap();
    let first = target.facts().unwrap().nodes as i64 / BATCH;
    for batch in first.. {
        let text = "x".repeat((batch % 50) as usize * 20);
        let items = (0..BATCH).map(|n| map([("batch", batch.into()), ("n", n.into()), ("text", text.as_str().into())]));
        let ids = put(&*target, &nodes(&["Batch"], items)).unwrap();
        println!("acknowledged nodes {batch}");
        let loops = ids.iter().map(|id| (*id, ids[0], map([("batch", batch.into())])));
        target.session().unwrap().relationships(&relationships("OF", loops), Once::Always, None).unwrap();
        println!("acknowledged relationships {batch}");
        if batch % 20 == 19 {
            target.settle().unwrap();
        }
    }
}

/// Lets a child write, kills it after so many lines, and gives the lines.
fn killed_after(path: &Path, lines: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--nocapture", "--test-threads=1"])
        .env(CHILD, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap).filter_map(|line| {
        // The test harness may have begun the line.
        line.find("acknowledged").map(|at| line[at..].to_owned())
    });
    let mut seen: Vec<_> = said.by_ref().take(lines).collect();
    child.kill().unwrap();
    // What was in the pipe was acknowledged, too.
    seen.extend(said);
    child.wait().unwrap();
    seen
}

#[test]
fn whole_batches_survive() {
    let (_folder, path) = fresh();
    let mut acknowledged = Vec::new();
    for round in [1, 4, 25, 60, 90, 120] {
        acknowledged.extend(killed_after(&path, round));
        assert_eq!(sqlite3(&path, "PRAGMA integrity_check; PRAGMA foreign_key_check"), "ok");
        let whole = "SELECT count(*), count(DISTINCT json_extract(properties, '$.n')) FROM nodes
                     GROUP BY json_extract(properties, '$.batch')";
        let batches = sqlite3(&path, whole);
        assert!(!batches.is_empty());
        assert!(batches.lines().all(|line| line == "700|700"), "{batches}");
        let links = sqlite3(&path, "SELECT count(*) FROM relationships GROUP BY json_extract(properties, '$.batch')");
        assert!(links.lines().all(|line| line == "700"), "{links}");
        // Nothing that was acknowledged is gone.
        let there =
            |what| sqlite3(&path, &format!("SELECT json_extract(properties, '$.batch') FROM {what} GROUP BY 1"));
        let (nodes, relationships) = (there("nodes"), there("relationships"));
        for line in &acknowledged {
            let (what, batch) = line.rsplit_once(' ').unwrap();
            let there = if what.ends_with("nodes") { &nodes } else { &relationships };
            assert!(there.lines().any(|known| known == batch), "{line}, but it is gone");
        }
    }
    assert!(acknowledged.len() >= 300, "{} batches", acknowledged.len());
}
