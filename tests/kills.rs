//! A merge that is cut off: graphferry killed at random moments and resumed, and a network that breaks off at COMMIT. Nothing is lost, nothing doubled.
//!
//! This is the short form; scripts/kills is the long one, which kills the server as well.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use rusqlite::Connection;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::hand::handmade;
use support::neo4j::{Neo4j, TURN};
use support::proxy::{At, Cut, cutter};
use support::tool::{command, run};

const NODES: usize = 2_000;
const RELATIONSHIPS: usize = 6_000;

/// Merges of which each writes in ways of its own; the small graph that is there has the names of the first nodes of the dump.
const MERGES: [&[&str]; 2] =
    [&[], &["--key", "Person=name", "--on-conflict", "overwrite", "--relationships", "once-with-properties"]];

/// A target as others see it, not graphferry.
trait Seen {
    /// What the command line calls it.
    fn url(&self) -> &str;
    /// Makes it hold the small graph again, and nothing else.
    fn fill(&self, folder: &Path);
    /// Every node and relationship with its ends, and what is not the user's.
    fn content(&self, folder: &Path) -> Vec<String>;
    /// How many nodes and relationships there are.
    fn count(&self, folder: &Path) -> i64;
}

struct Store;

impl Store {
    fn rows(folder: &Path, sql: &str) -> Vec<String> {
        let store = Connection::open(folder.join("target.db")).unwrap();
        store.busy_timeout(Duration::from_secs(10)).unwrap();
        let mut statement = store.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }
}

impl Seen for Store {
    fn url(&self) -> &str {
        "target.db"
    }

    fn fill(&self, folder: &Path) {
        for name in ["target.db", "target.db-wal", "target.db-shm"] {
            let _ = std::fs::remove_file(folder.join(name));
        }
        run(folder, ["restore", "old.jsonl", "target.db"]).expect(0);
    }

    fn content(&self, folder: &Path) -> Vec<String> {
        let mut content = Self::rows(folder, "SELECT labels || ' ' || properties FROM all_nodes ORDER BY 1");
        content.extend(Self::rows(
            folder,
            "SELECT a.properties || type || r.properties || b.properties FROM all_relationships AS r
             JOIN nodes AS a ON a.id = r.start_node JOIN nodes AS b ON b.id = r.end_node ORDER BY 1",
        ));
        content.extend(Self::rows(folder, "SELECT type || ' ' || name FROM sqlite_schema ORDER BY 1"));
        content.extend(Self::rows(folder, "PRAGMA integrity_check"));
        content
    }

    fn count(&self, folder: &Path) -> i64 {
        let sql = "SELECT CAST((SELECT count(*) FROM nodes) + (SELECT count(*) FROM relationships) AS TEXT)";
        Self::rows(folder, sql)[0].parse().unwrap()
    }
}

impl Seen for Neo4j {
    fn url(&self) -> &str {
        &self.url
    }

    fn fill(&self, folder: &Path) {
        self.wipe();
        run(folder, ["restore", "old.jsonl", &self.url]).expect(0);
    }

    fn content(&self, _: &Path) -> Vec<String> {
        let seen = self.witness();
        [seen.nodes, seen.relationships].concat()
    }

    fn count(&self, _: &Path) -> i64 {
        let nodes = self.number("MATCH (n) WHERE NOT n:__GraphFerry__ RETURN count(n)");
        nodes + self.number("MATCH ()-[r]->() RETURN count(r)")
    }
}

/// A folder with the dump and the small graph that the target holds before.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("dump.jsonl"), handmade(NODES, RELATIONSHIPS)).unwrap();
    let old = handmade(200, 400).replace("\"score\":", "\"old\":true,\"score\":-");
    std::fs::write(folder.path().join("old.jsonl"), old).unwrap();
    folder
}

/// Run and state, as `runs` lists them.
fn runs(folder: &Path, url: &str) -> Vec<(String, String)> {
    let text = run(folder, ["runs", url, "--json"]).expect(0).text();
    let read = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        (line["run"].as_str().unwrap().to_owned(), line["state"].as_str().unwrap().to_owned())
    };
    text.lines().map(read).collect()
}

/// A random number below another one.
fn below(limit: u64) -> u64 {
    use std::hash::BuildHasher as _;
    std::hash::RandomState::new().hash_one(0) % limit
}

/// Begins a merge and kills it after so long; whether it came to its end before.
fn cut_off(folder: &Path, arguments: &[&str], after: Duration) -> bool {
    let mut merging = command(folder);
    merging.args(["merge", "dump.jsonl"]).args(arguments).args(["--jobs", "4", "--json"]);
    let mut child = merging.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(after);
    let ended = child.try_wait().unwrap();
    // On Unix, this is SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(ended.is_none_or(|status| status.success()), "a merge that nobody disturbed failed: {ended:?}");
    ended.is_some()
}

/// Merges, is killed and resumed, until it was killed so often after it had written some more and before all was in.
fn killed_and_resumed(target: &dyn Seen, policy: &[&str], kills: usize) {
    let (folder, since) = (folder(), Instant::now());
    let folder = folder.path();
    target.fill(folder);
    let before = target.count(folder);
    run(folder, [&["merge", "dump.jsonl", target.url()], policy].concat()).expect(0);
    let (expected, after) = (target.content(folder), target.count(folder));
    assert!(after > before + RELATIONSHIPS as i64, "{before}, {after}");
    let (mut landed, mut stages) = (0, BTreeSet::new());
    while landed < kills {
        target.fill(folder);
        let mut resumed: Option<String> = None;
        // How much is in, and how long the next one lives: longer after one that was killed before it wrote anything, for a machine that is slow.
        let (mut there, mut longer) = (before, 0);
        loop {
            assert!(since.elapsed() < Duration::from_secs(120), "{landed} of {kills} kills landed in two minutes");
            let resume = resumed.as_ref().map(|run| ["--resume", run]);
            let fresh = [policy, &["--batch-size", "150"]].concat();
            let words = resume.as_ref().map_or(&fresh[..], |resume| &resume[..]);
            let arguments = [&[target.url()], words].concat();
            if landed == kills {
                run(folder, [&["merge", "dump.jsonl"], &arguments[..]].concat()).expect(0);
                break;
            }
            // A second's worth is written at once, and then it is slow: nobody gets through.
            let slow = [&arguments[..], &["--throttle", "500"]].concat();
            if cut_off(folder, &slow, Duration::from_millis(40 + longer + below(400))) {
                break;
            }
            let count = target.count(folder);
            assert!(count >= there, "{count} after {there}: what was in is gone");
            let found = runs(folder, target.url());
            assert!(found.len() <= 1, "{found:?}");
            if found.is_empty() && count == after {
                break;
            }
            assert!(!found.is_empty() || count == before, "{count} of {before} to {after}, and no run");
            resumed = found.first().map(|(run, _)| run.clone());
            if there < count && count < after {
                landed += 1;
                stages.insert(count);
            }
            longer = if count > there { 0 } else { longer + 100 };
            there = count;
        }
        assert!(target.content(folder) == expected, "after {landed} kills, at {stages:?}: another graph");
        assert_eq!(runs(folder, target.url()), []);
    }
    // Each that landed had written more than the one before it; without resuming, all would have landed at about the same.
    assert!(stages.len() > kills / 3, "resuming does not go on: {stages:?}");
}

#[test]
fn a_merge_into_a_store_is_killed_and_resumed() {
    for policy in MERGES {
        killed_and_resumed(&Store, policy, 6);
    }
}

#[test]
fn a_merge_into_a_server_is_killed_and_resumed() {
    let (_turn, target) = (TURN.lock(), Neo4j::target());
    for policy in MERGES {
        killed_and_resumed(&target, policy, 3);
    }
    target.wipe();
}

/// The sixth COMMIT of a batch is cut, and some after it: those that are sent again are counted too.
fn some(number: u64) -> Option<Cut> {
    match number {
        5 | 9 | 30 => Some(Cut::Before),
        7 | 12 | 13 | 33 => Some(Cut::After),
        _ => None,
    }
}

#[test]
fn the_network_breaks_off_at_commit_and_the_merge_goes_on() {
    let (_turn, target, folder) = (TURN.lock(), Neo4j::target(), folder());
    let folder = folder.path();
    for policy in MERGES {
        target.fill(folder);
        run(folder, [&["merge", "dump.jsonl", target.url()], policy].concat()).expect(0);
        let expected = target.content(folder);
        target.fill(folder);
        // Only batches write a line of the ledger in a transaction that COMMIT ends.
        let proxy = cutter(&target.url, At::Commit("entry: $entry"), some);
        let words = ["merge", "dump.jsonl", &proxy.url, "--batch-size", "150", "--jobs", "4", "--json"];
        let run = run(folder, [&words, policy].concat()).expect(0);
        let cuts = proxy.cuts();
        assert_eq!(cuts.iter().filter(|cut| **cut == Cut::Before).count(), 3, "{cuts:?}");
        assert_eq!(cuts.iter().filter(|cut| **cut == Cut::After).count(), 4, "{cuts:?}");
        assert!(target.content(folder) == expected, "another graph\n{}", run.stderr);
        let events = run.stderr.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let report = events.rev().find(|event| event["event"] == "report").unwrap();
        assert!(report["report"]["retries"].as_u64().unwrap() >= 7, "{report}");
        assert_eq!(report["report"]["in_doubt"], 0, "{report}");
    }
    target.wipe();
}

/// The ledger is removed in several transactions. Between them the run is not one whose batches are still to be done.
#[test]
fn the_network_breaks_off_while_the_ledger_is_removed() {
    let (_turn, target, folder) = (TURN.lock(), Neo4j::target(), tempfile::tempdir().unwrap());
    let folder = folder.path();
    std::fs::write(folder.join("dump.jsonl"), handmade(30, 60)).unwrap();
    std::fs::write(folder.join("old.jsonl"), handmade(10, 10)).unwrap();
    let merge =
        |url: &str, more: &[&str]| run(folder, [&["merge", "dump.jsonl", url, "--batch-size", "10"], more].concat());
    target.fill(folder);
    merge(target.url(), &[]).expect(0);
    let (expected, mut resumed) = (target.content(folder), 0);
    // Before the run is begun it is made sure, with three statements, that there is nothing of that name.
    for cut_at in 3.. {
        target.fill(folder);
        let proxy = cutter(&target.url, At::Message("DELETE e RETURN count(*)"), move |number| {
            (number == cut_at).then_some(if cut_at % 2 == 0 { Cut::Before } else { Cut::After })
        });
        let cut_off = merge(&proxy.url, &[]);
        if proxy.cuts().is_empty() {
            cut_off.expect(0);
            break;
        }
        cut_off.expect(6);
        let found = runs(folder, target.url());
        // There is none if the last statement came through.
        if let [(run, _)] = &found[..] {
            resumed += 1;
            merge(target.url(), &["--resume", run]).expect(0);
        }
        assert!(target.content(folder) == expected, "cut at statement {cut_at}, {found:?}: another graph");
        assert_eq!(runs(folder, target.url()), []);
        assert_eq!(target.number("MATCH (n:__GraphFerry__) RETURN count(n)"), 0);
    }
    assert!(resumed >= 4, "{resumed}");
    target.wipe();
}

/// What a run leaves that was cut off while it removed its ledger is good for nothing but to be removed.
#[test]
fn the_rest_of_a_ledger_is_not_undone_and_not_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("dump.jsonl"), handmade(30, 60)).unwrap();
    std::fs::write(folder.join("old.jsonl"), handmade(10, 10)).unwrap();
    for (state, words, code) in [
        ("forgetting", &["merge", "dump.jsonl", "target.db", "--resume", "RUN"][..], 0),
        ("forgetting", &["undo", "RUN", "target.db"], 4),
        ("forgetting", &["runs", "target.db", "--forget", "RUN"], 0),
        ("forgetting", &["merge", "old.jsonl", "target.db"], 0),
    ] {
        Store.fill(folder);
        run(folder, ["merge", "dump.jsonl", "target.db", "--keep-ledger", "--batch-size", "10"]).expect(0);
        let name = runs(folder, "target.db").remove(0).0;
        let store = Connection::open(folder.join("target.db")).unwrap();
        let sql =
            "UPDATE ledger_runs SET record = json_set(record, '$.state', ?1, '$.policy.keep_ledger', json('false'))";
        store.execute(sql, [state]).unwrap();
        store.execute("DELETE FROM ledger_lines WHERE batch < 4", []).unwrap();
        drop(store);
        let count = Store.count(folder);
        let words: Vec<_> = words.iter().map(|word| if *word == "RUN" { &name } else { *word }).collect();
        let told = run(folder, &words).expect(code);
        let merged = if words.contains(&"old.jsonl") { 20 } else { 0 };
        assert_eq!(Store.count(folder), count + merged, "{state}: {}", told.command);
        let left = if code == 0 { vec![] } else { vec![(name.clone(), state.to_owned())] };
        assert_eq!(runs(folder, "target.db"), left, "{state}: {}", told.command);
    }
}
