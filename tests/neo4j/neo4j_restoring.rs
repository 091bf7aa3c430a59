//! Restores into a real server that does not play along: triggers that travel, triggers that interfere, constraints that the data breaks,
//! writers beside us.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use std::fmt::Write as _;
use std::path::Path;
use support::neo4j::{Neo4j, TURN};
use support::tool::run;

/// A connection of the driver neo4rs to the database that holds triggers.
struct System {
    runtime: tokio::runtime::Runtime,
    graph: neo4rs::Graph,
}

impl System {
    fn of(server: &Neo4j) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let config = neo4rs::ConfigBuilder::default().uri(&server.url).user("neo4j").password(&*server.password);
        let config = config.db("system").build().unwrap();
        let graph = runtime.block_on(async { neo4rs::Graph::connect(config).unwrap() });
        Self { runtime, graph }
    }

    fn rows(&self, statement: &str) -> Vec<neo4rs::Row> {
        self.runtime.block_on(async {
            let mut rows = self.graph.execute(neo4rs::query(statement)).await.unwrap();
            let mut found = Vec::new();
            while let Some(row) = rows.next().await.unwrap() {
                found.push(row);
            }
            found
        })
    }

    fn drop_all(&self) {
        self.rows("CALL apoc.trigger.dropAll('neo4j')");
        self.refreshed();
    }

    /// The servers look at their triggers every two seconds.
    fn refreshed(&self) {
        std::thread::sleep(std::time::Duration::from_millis(2_500));
    }

    fn triggers(&self) -> Vec<String> {
        let show = "CALL apoc.trigger.show('neo4j') YIELD name, query, selector, params, installed, paused \
                    RETURN name, query, selector, params, installed, paused";
        let rows = self.rows(show);
        let installed = rows.iter().filter(|row| row.get::<bool>("installed").unwrap());
        let told = installed.map(|row| {
            let row: std::collections::BTreeMap<String, serde_json::Value> = row.to().unwrap();
            format!("{row:?}")
        });
        let mut told: Vec<_> = told.collect();
        told.sort();
        told
    }
}

/// Drops the triggers of a server whatever happens.
struct Cleared<'a>(&'a [&'a System]);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        self.0.iter().for_each(|system| system.drop_all());
    }
}

fn people(count: usize) -> String {
    let mut text = String::new();
    for id in 0..count {
        let _ = writeln!(text, r#"{{"node":{id},"labels":["Person"],"properties":{{"x":{}}}}}"#, id % 10);
    }
    text
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

#[test]
fn triggers_travel_with_their_parameters_and_stay_stopped() {
    let _turn = TURN.lock();
    let (source, target, folder) = (Neo4j::source(), Neo4j::target(), tempfile::tempdir().unwrap());
    let systems = [System::of(&source), System::of(&target)];
    let all = [&systems[0], &systems[1]];
    let _cleared = Cleared(&all);
    all.iter().for_each(|system| system.drop_all());
    source.wipe();
    source.run("CREATE (:Quiet {x: 1})");
    for install in [
        r#"'plain', 'UNWIND $createdNodes AS n WITH n WHERE n:Loud SET n.seen = $by', {phase: 'before'}, {params: {by: 'me', n: 9223372036854775807, f: -0.0, l: [1, 'a', null], m: {k: true}}}"#,
        r#"'od`d "n\'ame\\', 'MATCH (n:Loud) // "it\'s"\nSET n.y = \'`;\'', {phase: 'afterAsync'}, {params: {}}"#,
        r#"'stopped', 'RETURN 1', {phase: 'after'}, {params: {s: 'å\u2028😀'}}"#,
    ] {
        systems[0].rows(&format!("CALL apoc.trigger.install('neo4j', {install})"));
    }
    systems[0].rows("CALL apoc.trigger.stop('neo4j', 'stopped')");
    systems[0].refreshed();
    let before = systems[0].triggers();
    assert_eq!(before.len(), 3);
    assert_eq!(before.iter().filter(|line| line.contains("\"paused\": Bool(true)")).count(), 1, "{before:#?}");
    run(folder.path(), ["dump", &source.url, "-o", "g.jsonl"]).expect(0);
    run(folder.path(), ["dump", &source.url, "-o", "g.cypherl", "--dialect", "neo4j"]).expect(0);
    for way in ["g.jsonl", "g.cypherl", "cypher-shell", "copy"] {
        target.wipe();
        systems[1].drop_all();
        assert!(systems[1].triggers().is_empty());
        match way {
            "cypher-shell" => {
                let output = target.cypher_shell(&folder.path().join("g.cypherl"));
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            }
            "copy" => _ = run(folder.path(), ["copy", &source.url, &target.url]).expect(0),
            file => _ = run(folder.path(), ["restore", file, &target.url]).expect(0),
        }
        assert_eq!(systems[1].triggers(), before, "{way}");
        run(folder.path(), ["verify", &source.url, &target.url]).expect(0);
        run(folder.path(), ["verify", "g.cypherl", &target.url]).expect(0);
    }
}

#[test]
fn triggers_of_the_target_rest_and_one_that_interferes_is_told() {
    let _turn = TURN.lock();
    let (target, folder) = (Neo4j::target(), tempfile::tempdir().unwrap());
    let system = System::of(&target);
    let all = [&system];
    let _cleared = Cleared(&all);
    write(folder.path(), "g.jsonl", &people(100));
    for (query, code, left) in [
        ("UNWIND $createdNodes AS n WITH n WHERE n.x = 3 DETACH DELETE n", 3, 90),
        ("UNWIND $createdNodes AS n WITH n WHERE n.x = 3 CREATE (:Shadow)", 0, 110),
    ] {
        target.wipe();
        system.drop_all();
        system.rows(&format!("CALL apoc.trigger.install('neo4j', 'bad', '{query}', {{phase: 'before'}})"));
        system.refreshed();
        // By itself a restore lets no trigger of the target fire, and starts them again.
        run(folder.path(), ["restore", "g.jsonl", &target.url]).expect(0);
        assert_eq!(target.number("MATCH (n) RETURN count(n)"), 100);
        system.refreshed();
        assert_eq!(target.number("CALL apoc.trigger.list() YIELD name, paused WHERE NOT paused RETURN count(name)"), 1);
        target.wipe();
        let kept = ["restore", "g.jsonl", &target.url, "--triggers", "keep"];
        let result = run(folder.path(), kept).expect(code);
        assert_eq!(target.number("MATCH (n) RETURN count(n)"), left);
        let told = format!("the target acknowledged 100 nodes and held 0, but holds {left} now");
        assert!(result.stderr.contains(&told), "{}", result.stderr);
    }
    system.drop_all();
    target.wipe();
}

#[test]
fn a_constraint_that_the_data_breaks_is_told_and_the_data_stays() {
    let _turn = TURN.lock();
    let (target, folder) = (Neo4j::target(), tempfile::tempdir().unwrap());
    target.wipe();
    let constraint =
        r#"{"schema":{"constraint":{"name":"one","kind":"unique","on":"node","label":"Person","properties":["x"]}}}"#;
    let index =
        r#"{"schema":{"index":{"name":"other","kind":"range","on":"node","labels":["Person"],"properties":["y"]}}}"#;
    write(folder.path(), "g.jsonl", &format!("{}{constraint}\n{index}\n", people(100)));
    let result = run(folder.path(), ["restore", "g.jsonl", &target.url]).expect(3);
    assert!(result.stderr.contains("not created: node unique constraint \"one\" on Person(x)"), "{}", result.stderr);
    assert!(result.stderr.contains("restored 100 nodes, 0 relationships, 1 schema objects"), "{}", result.stderr);
    assert_eq!(target.number("MATCH (n:Person) RETURN count(n)"), 100);
    run(folder.path(), ["verify", "g.jsonl", &target.url]).expect(7);
}

#[test]
fn a_constraint_of_the_target_that_the_data_would_break_is_found_before_the_first_write() {
    let _turn = TURN.lock();
    let (target, folder) = (Neo4j::target(), tempfile::tempdir().unwrap());
    target.wipe();
    target.run("CREATE CONSTRAINT one FOR (n:Person) REQUIRE n.x IS UNIQUE");
    target.run("CREATE (:Person {x: 'mine'})");
    let text = people(10) + &people(20).lines().skip(10).map(|line| format!("{line}\n")).collect::<String>();
    write(folder.path(), "g.jsonl", &text);
    let arguments = ["restore", "g.jsonl", &target.url, "--mode", "merging", "--batch-size", "5", "--jobs", "1"];
    let result = run(folder.path(), arguments).expect(4);
    let told = "has what node 0 of the dump has already: node unique constraint \"one\" on Person(x)";
    assert!(result.stderr.contains(told), "{}", result.stderr);
    assert_eq!(result.stderr.lines().filter(|line| line.starts_with("breach: ")).count(), 10, "{}", result.stderr);
    assert_eq!(target.number("MATCH (n) RETURN count(n)"), 1);
}

#[test]
fn a_writer_beside_us_costs_retries_and_nothing_else() {
    let _turn = TURN.lock();
    let (target, folder) = (Neo4j::target(), tempfile::tempdir().unwrap());
    target.wipe();
    let mut text = people(200);
    for id in 0..20_000 {
        let (start, end) = (id * 7 % 200, id * 13 % 200);
        let _ =
            writeln!(text, r#"{{"relationship":{id},"type":"KNOWS","start":{start},"end":{end},"properties":{{}}}}"#);
    }
    write(folder.path(), "g.jsonl", &text);
    let done = std::sync::atomic::AtomicBool::new(false);
    let other = Neo4j::target();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                // Locks of nodes in the other order; it may be the one that is chosen to fail.
                other.try_run("MATCH (n:Person) WITH n ORDER BY id(n) DESC SET n.touched = true");
            }
        });
        let arguments = ["restore", "g.jsonl", &target.url, "--mode", "merging", "--batch-size", "500", "--jobs", "4"];
        let result = run(folder.path(), arguments);
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        result.expect(0);
    });
    assert_eq!(target.number("MATCH (n:Person) RETURN count(n)"), 200);
    assert_eq!(target.number("MATCH ()-[r:KNOWS]->() RETURN count(r)"), 20_000);
}

/// Names of triggers that would fire.
fn active(server: &Neo4j) -> Vec<String> {
    let list = "CALL apoc.trigger.list() YIELD name, paused WHERE NOT paused RETURN name";
    server.rows(neo4rs::query(list)).iter().map(|row| row.get("name").unwrap()).collect()
}

fn await_active(server: &Neo4j) {
    let since = std::time::Instant::now();
    while active(server) != ["stamp"] {
        assert!(since.elapsed().as_secs() < 20, "{:?}", active(server));
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

/// Begins a slow merge, and gives it a signal when some of it is in; gives its exit code.
fn signalled(server: &Neo4j, folder: &Path, signal: &str) -> Option<i32> {
    let before = server.number("MATCH (n:Person) RETURN count(n)");
    let mut child = support::tool::command(folder)
        .args([
            "merge",
            "g.jsonl",
            &server.url,
            "--triggers",
            "suspend",
            "--batch-size",
            "10",
            "--throttle",
            "100",
            "--quiet",
        ])
        .env("GRAPHFERRY_PASSWORD", &server.password)
        .spawn()
        .unwrap();
    let since = std::time::Instant::now();
    while server.number("MATCH (n:Person) RETURN count(n)") == before {
        assert!(since.elapsed().as_secs() < 60, "nothing was written");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let sent = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    child.wait().unwrap().code()
}

#[test]
fn triggers_that_are_suspended_for_a_merge_are_back_whatever_happens() {
    let _turn = TURN.lock();
    let (target, folder) = (Neo4j::target(), tempfile::tempdir().unwrap());
    target.wipe();
    let system = System::of(&target);
    let _cleared = Cleared(&[&system]);
    system.rows(
        "CALL apoc.trigger.install('neo4j', 'stamp', 'UNWIND $createdNodes AS n SET n.stamped = true', {phase: 'before'})",
    );
    await_active(&target);
    write(folder.path(), "g.jsonl", &people(500));
    let stamped = || target.number("MATCH (n:Person) WHERE n.stamped RETURN count(n)");

    // As it should be.
    run(folder.path(), ["merge", "g.jsonl", &target.url, "--triggers", "suspend"]).expect(0);
    assert_eq!((target.number("MATCH (n:Person) RETURN count(n)"), stamped()), (500, 0));
    await_active(&target);

    // After Ctrl-C it is back at once, and stopped again for the rest.
    assert_eq!(signalled(&target, folder.path(), "-INT"), Some(130));
    await_active(&target);
    let name = |text: String| text.split(' ').next().unwrap_or_default().to_owned();
    let interrupted = name(run(folder.path(), ["runs", &target.url]).expect(0).text());
    run(folder.path(), ["merge", "g.jsonl", &target.url, "--resume", &interrupted]).expect(0);
    assert_eq!((target.number("MATCH (n:Person) RETURN count(n)"), stamped()), (1000, 0));
    await_active(&target);

    // After a kill nobody could: runs tells, and undo brings it back.
    assert_eq!(signalled(&target, folder.path(), "-KILL"), None);
    let listed = run(folder.path(), ["runs", &target.url]).expect(0).text();
    assert!(listed.contains("(triggers stopped: stamp)"), "{listed}");
    run(folder.path(), ["undo", &name(listed), &target.url]).expect(0);
    assert_eq!((target.number("MATCH (n:Person) RETURN count(n)"), stamped()), (1000, 0));
    await_active(&target);

    // Those that are kept fire.
    run(folder.path(), ["merge", "g.jsonl", &target.url]).expect(0);
    assert_eq!(stamped(), 500);
}
