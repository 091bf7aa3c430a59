//! Merging against a model of docs/merging.md that shares no code with it: pairs of graphs that collide often, every
//! policy, and what the
//! document promises of `undo`, `--dry-run`, `--id-map` and of refusals.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

mod support;

#[path = "merging/by_hand.rs"]
mod by_hand;
#[path = "merging/drive.rs"]
mod drive;
#[path = "merging/generate.rs"]
mod generate;
#[path = "merging/model.rs"]
mod model;
#[path = "merging/on_neo4j.rs"]
mod on_neo4j;

use drive::{events, facts, fill_store, last_relationship, merge_run, outcome, read, rows};
use generate::{Pair, of, pair};
use graphferry::model::Value;
use model::{Merged, OnConflict, Refusal, Relationships, Wishes, merge};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use support::Graph;
use support::tool::{Run, run as run_tool};

const POLICIES: [OnConflict; 5] =
    [OnConflict::Error, OnConflict::Skip, OnConflict::Overwrite, OnConflict::Fill, OnConflict::Duplicate];

/// How many pairs: `GRAPHFERRY_PAIRS`, or this many.
fn pairs(usual: u32) -> u32 {
    std::env::var("GRAPHFERRY_PAIRS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Runs a test over pairs, the same ones each time unless `GRAPHFERRY_SEED` is set.
fn for_pairs(count: u32, test: impl Fn(Pair)) {
    for_pairs_shrunk(count, 400, test);
}

/// The same, with at most so many attempts to find a smaller pair that fails.
fn for_pairs_shrunk(count: u32, max_shrink_iters: u32, test: impl Fn(Pair)) {
    let seed: u64 = std::env::var("GRAPHFERRY_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases: count, failure_persistence: None, max_shrink_iters, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let result = runner.run(&pair(), |pair| {
        test(pair);
        Ok(())
    });
    if let Err(error) = result {
        panic!("seed {seed}: {error}");
    }
}

/// Made-up ids for the model where the tool gave none.
fn made_up(old: i64) -> i64 {
    old.wrapping_add(1 << 50)
}

/// Ids that the tool chose, where it chose sensibly: ids of nodes that it created.
fn chosen<'a>(ids: &'a BTreeMap<i64, i64>, target: &Graph) -> impl Fn(i64) -> i64 + use<'a> {
    let before: BTreeSet<i64> = target.nodes.iter().map(|node| node.0).collect();
    move |old| {
        let new = *ids.get(&old).unwrap_or_else(|| panic!("node {old} is not in the id map {ids:?}"));
        assert!(!before.contains(&new), "node {old} is new and got the id {new}, which the target has had");
        new
    }
}

/// The tool and the model have to agree; what came of it.
#[track_caller]
fn compare(folder: &Path, target: &Graph, dump: &Graph, wishes: &Wishes, pace: &[&str]) -> &'static str {
    let before = rows(folder);
    let run = merge_run(folder, dump, wishes, pace);
    let said = format!("$ {}\n{}", run.command, run.stderr);
    let found = outcome(folder, run);
    agree(target, dump, wishes, &found, &said);
    match &found {
        Ok(_) => "merged",
        Err(refusal) => {
            let changed: Vec<_> = rows(folder).into_iter().filter(|row| !before.contains(row)).collect();
            assert_eq!(changed, Vec::<String>::new(), "refused, and something was written");
            assert_eq!(rows(folder).len(), before.len());
            match refusal {
                Refusal::Contradiction => "contradiction",
                Refusal::Ambiguous(_) => "ambiguous",
                Refusal::Conflicts(_) => "conflicts",
                Refusal::Breach => "breach",
            }
        }
    }
}

/// What the tool came to is what the model comes to; `said` is what the tool said.
#[track_caller]
fn agree(target: &Graph, dump: &Graph, wishes: &Wishes, found: &Result<Merged, Refusal>, said: &str) {
    match found {
        Ok(found) => {
            let expected = merge(target, dump, wishes, &made_up);
            assert!(expected.is_ok(), "it is to be refused: {expected:?}\n{said}");
            // The same ids for what is created, so that the rest can be compared to the letter.
            let expected = merge(target, dump, wishes, &chosen(&found.ids, target)).unwrap();
            assert_eq!(expected.ids, found.ids, "--id-map");
            let created: BTreeSet<_> = expected.graph.nodes.iter().map(|node| node.0).collect();
            assert_eq!(created.len(), expected.graph.nodes.len(), "two new nodes have one id: {:?}", found.ids);
            let kept = last_relationship(target);
            let [expected, found] = [&expected.graph, &found.graph].map(|graph| facts(graph, kept));
            assert_same(&expected, &found);
        }
        Err(refusal) => {
            let grounds = merge(target, dump, wishes, &made_up)
                .err()
                .unwrap_or_else(|| panic!("it is not to be refused: {refusal:?}\n{said}"));
            let is_one = |ground: &Refusal| match (ground, refusal) {
                // The first one has to be told; which of the others is open.
                (Refusal::Ambiguous(all), Refusal::Ambiguous(some)) => {
                    some.contains(&all[0]) && some.iter().all(|node| all.contains(node))
                }
                (Refusal::Conflicts(_), _) if grounds.len() == 1 => ground == refusal,
                _ => ground == refusal,
            };
            assert!(grounds.iter().any(is_one), "refused for {refusal:?} and not for {grounds:?}\n{said}");
        }
    }
}

#[track_caller]
fn assert_same(expected: &[String], found: &[String]) {
    let only = |these: &[String], those: &[String]| {
        let mut rest = those.to_vec();
        let mut only = Vec::new();
        for line in these {
            match rest.iter().position(|other| other == line) {
                Some(at) => drop(rest.remove(at)),
                None => only.push(line.clone()),
            }
        }
        only
    };
    assert!(expected == found, "missing: {:#?}\nextra: {:#?}", only(expected, found), only(found, expected));
}

#[test]
fn the_tool_does_what_the_document_says() {
    let seen = RefCell::new(BTreeMap::<&str, u32>::new());
    let count = pairs(1000);
    for_pairs(count, |Pair { target, dump, wishes, pace }| {
        let folder = tempfile::tempdir().unwrap();
        let target = fill_store(folder.path(), &target);
        let what = compare(folder.path(), &target, &dump, &wishes, &pace);
        *seen.borrow_mut().entry(what).or_default() += 1;
    });
    let seen = seen.into_inner();
    // None of them is rare, or this would be no test of it.
    for (what, least) in [("merged", 3), ("ambiguous", 120), ("conflicts", 60), ("breach", 10), ("contradiction", 120)]
    {
        assert!(seen.get(what).is_some_and(|times| *times >= count / least), "{what}: {seen:?}");
    }
}

/// The pairs themselves: what the model says of many of them, without the tool.
#[test]
fn the_pairs_collide_often() {
    let seen = RefCell::new(BTreeMap::<&str, u32>::new());
    for_pairs(2000, |Pair { target, dump, wishes, .. }| {
        let count = |what| *seen.borrow_mut().entry(what).or_default() += 1;
        let merged = match merge(&target, &dump, &wishes, &made_up) {
            Ok(merged) => merged,
            Err(refusals) => {
                for refusal in refusals {
                    count(match refusal {
                        Refusal::Contradiction => "contradiction",
                        Refusal::Ambiguous(_) => "ambiguous",
                        Refusal::Conflicts(_) => "conflicts",
                        Refusal::Breach => "breach",
                    });
                }
                return;
            }
        };
        count("merged");
        let news: BTreeSet<_> = merged.ids.values().collect();
        let before: BTreeSet<_> = target.nodes.iter().map(|node| &node.0).collect();
        let count_if = |what, is: bool| {
            if is {
                count(what)
            }
        };
        count_if("recognised", news.intersection(&before).next().is_some());
        count_if("twice in the dump", news.len() < dump.nodes.len());
        let all = target.relationships.len() + dump.relationships.len();
        count_if("relationship there already", merged.graph.relationships.len() < all);
        let changed = target.nodes.iter().zip(&merged.graph.nodes).any(|(a, b)| format!("{a:?}") != format!("{b:?}"));
        count_if("changed", changed);
        let plain = Wishes { rewrite: Vec::new(), ..wishes };
        let other = merge(&target, &dump, &plain, &made_up).unwrap();
        count_if("rewritten", format!("{:?}", other.graph) != format!("{:?}", merged.graph));
        count_if("with schema", !merged.graph.schema.objects.is_empty());
    });
    let seen = seen.into_inner();
    let all = [
        ("merged", 800),
        ("recognised", 200),
        ("twice in the dump", 70),
        ("relationship there already", 100),
        ("changed", 100),
        ("rewritten", 60),
        ("with schema", 200),
        ("ambiguous", 45),
        ("conflicts", 45),
        ("breach", 100),
        ("contradiction", 40),
    ];
    for (what, least) in all {
        assert!(seen.get(what).is_some_and(|times| *times >= least), "{what} at least {least}: {seen:#?}");
    }
}

#[test]
fn merging_twice_is_the_model_twice() {
    for policy in POLICIES {
        for_pairs(pairs(120) / 6, |Pair { target, dump, wishes, pace }| {
            let folder = tempfile::tempdir().unwrap();
            let wishes = Wishes { on_conflict: policy, ..wishes };
            let mut target = fill_store(folder.path(), &target);
            for _ in 0..2 {
                compare(folder.path(), &target, &dump, &wishes, &pace);
                target = read(folder.path());
            }
        });
    }
}

#[test]
fn undo_brings_back_what_was() {
    for policy in POLICIES {
        for_pairs(pairs(120) / 6, |Pair { target, dump, wishes, pace }| {
            let folder = tempfile::tempdir().unwrap();
            let wishes = Wishes { on_conflict: policy, ..wishes };
            let target = fill_store(folder.path(), &target);
            let run = merge_run(folder.path(), &dump, &wishes, &[&["--undoable"], &pace[..]].concat());
            if run.code != 0 {
                run.expect(4);
                return;
            }
            let id = run_id(&run);
            agree(&target, &dump, &wishes, &outcome(folder.path(), run), "");
            let runs = || run_tool(folder.path(), ["runs", "store.db"]).expect(0).text();
            assert!(runs().contains(&id), "{id}: {}", runs());
            run_tool(folder.path(), ["undo", &id, "store.db"]).expect(0);
            assert!(!runs().contains(&id), "{id}: {}", runs());
            let all = i64::MAX;
            assert_same(&facts(&target, all), &facts(&read(folder.path()), all));
        });
    }
}

#[test]
fn a_dry_run_writes_nothing_and_says_what_would_happen() {
    for_pairs(pairs(120) / 4, |Pair { target, dump, wishes, pace }| {
        let folder = tempfile::tempdir().unwrap();
        fill_store(folder.path(), &target);
        let before = rows(folder.path());
        let bytes = || std::fs::read(folder.path().join("store.db")).unwrap();
        let bytes_before = bytes();
        let dry = merge_run(folder.path(), &dump, &wishes, &[&["--dry-run"], &pace[..]].concat());
        assert_eq!(rows(folder.path()), before, "{}", dry.command);
        assert!(bytes() == bytes_before, "the file has changed: {}", dry.command);
        assert!(!folder.path().join("ids.csv").exists(), "an id map of nothing");
        let wet = merge_run(folder.path(), &dump, &wishes, &pace);
        assert_eq!(dry.code, wet.code, "dry: {}\nwet: {}", dry.stderr, wet.stderr);
    });
}

/// The run's id, from the report of `merge --json`.
fn run_id(run: &Run) -> String {
    let events = events(run);
    let report = events.iter().find(|event| event["event"] == "report").unwrap_or_else(|| panic!("{}", run.stderr));
    report["report"]["run"].as_str().unwrap_or_else(|| panic!("{}", run.stderr)).to_owned()
}

fn plain(policy: OnConflict) -> Wishes {
    Wishes { keys: vec![of("A", &["k"])], on_conflict: policy, relationships: Relationships::Always, rewrite: vec![] }
}

/// Both graphs have the ids 0 to 499, and their relationships lead between different ones.
#[test]
fn ends_are_right_where_ids_overlap() {
    let graph = |name: &str, step: i64| {
        let mut graph = Graph::default();
        for id in 0..500 {
            let property = |key: &str, value: String| (key.to_owned(), Value::String(value));
            let properties = [property("k", format!("{name}{id}")), property("from", name.to_owned())];
            graph.nodes.push((id, vec!["A".to_owned()], properties.into_iter().collect()));
            graph.relationships.push((id, id, (id * step + 1) % 500, "R".to_owned(), Default::default()));
        }
        graph
    };
    let (target, mut dump) = (graph("t", 7), graph("d", 11));
    // Every tenth node of the dump is another one of the target than the one with its id.
    for (id, _, properties) in dump.nodes.iter_mut().filter(|node| node.0 % 10 == 0) {
        properties.insert("k".to_owned(), Value::String(format!("t{}", (*id + 250) % 500)));
    }
    let folder = tempfile::tempdir().unwrap();
    let target = fill_store(folder.path(), &target);
    assert_eq!(compare(folder.path(), &target, &dump, &plain(OnConflict::Fill), &[]), "merged");
    assert_eq!(read(folder.path()).nodes.len(), 950);
    // All of it again: everything is recognised now.
    let target = read(folder.path());
    let wishes = Wishes { relationships: Relationships::Once, ..plain(OnConflict::Overwrite) };
    assert_eq!(compare(folder.path(), &target, &dump, &wishes, &[]), "merged");
    let again = read(folder.path());
    assert_eq!((again.nodes.len(), again.relationships.len()), (950, 1000));
}
