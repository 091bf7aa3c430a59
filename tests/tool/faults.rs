//! Bad input and faults, as a user meets them: a clear message with place and cause, the documented exit code, and nothing lost.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::hand::{folder, left_behind, pipe};
use support::neo4j::{Neo4j, TURN};
use support::proxy::{self, Way};
use support::tool::{command, finish, run};

#[test]
fn a_server_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(folder.path(), ["dump", "bolt://127.0.0.1:1", "-o", "out.jsonl"]).expect(6);
    assert!(run.stderr.contains("127.0.0.1:1"), "{}", run.stderr);
    assert!(left_behind(folder.path()).is_empty());
}

#[test]
fn a_wrong_password_and_a_database_that_does_not_exist() {
    let (_turn, source, folder) = (TURN.lock(), Neo4j::source(), tempfile::tempdir().unwrap());
    let mut wrong = command(folder.path());
    wrong.args(["dump", &source.url]).env("GRAPHFERRY_PASSWORD", "not-the-password");
    let output = wrong.output().unwrap();
    let denied = finish(&wrong, output).expect(6);
    assert!(!denied.stderr.contains("not-the-password"), "a password is never told: {}", denied.stderr);
    assert!(denied.stderr.contains("Unauthorized"), "{}", denied.stderr);
    let missing = run(folder.path(), ["dump", &format!("{}/nosuch", source.url)]).expect(6);
    assert!(missing.stderr.contains("nosuch"), "{}", missing.stderr);
    assert!(missing.stdout.is_empty() && denied.stdout.is_empty());
}

#[test]
fn a_password_in_a_url_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(folder.path(), ["dump", "bolt://neo4j:s3cret@127.0.0.1:7687"]).expect(2);
    assert!(!run.stderr.contains("s3cret") && run.stderr.contains("GRAPHFERRY_PASSWORD"), "{}", run.stderr);
}

#[test]
fn tls_with_the_right_and_the_wrong_certificate() {
    let (_turn, source, folder) = (TURN.lock(), Neo4j::source(), tempfile::tempdir().unwrap());
    source.wipe();
    source.run("CREATE (:Secure {x: 1})");
    let authority = std::env::var("GRAPHFERRY_TEST_CA").expect("GRAPHFERRY_TEST_CA is not set: run scripts/test");
    let secure = source.url.replace("bolt://", "bolt+s://");
    let any = source.url.replace("bolt://", "bolt+ssc://");
    let unknown = run(folder.path(), ["dump", &secure]).expect(6);
    assert!(unknown.stderr.contains("+ssc") || unknown.stderr.contains("--ca-file"), "{}", unknown.stderr);
    for arguments in
        [vec!["dump", &any, "--format", "jsonl"], vec!["dump", &secure, "--ca-file", &authority, "--format", "jsonl"]]
    {
        assert!(run(folder.path(), arguments).expect(0).text().contains(r#""labels":["Secure"]"#));
    }
}

#[test]
fn a_line_that_goes_dead_in_the_middle_of_a_dump_leaves_no_file() {
    let (_turn, source, folder) = (TURN.lock(), Neo4j::source(), tempfile::tempdir().unwrap());
    source.wipe();
    source.run("UNWIND range(1, 50000) AS i CREATE (:N {i: i, text: 'text ' + i})");
    for limit in [100, 5_000, 800_000] {
        let proxy = proxy::start(&source.url, Way::Down, limit);
        let cut = run(folder.path(), ["dump", &proxy.url, "-o", "out.jsonl"]).expect(6);
        assert!(cut.stderr.contains("127.0.0.1"), "the error names the server: {}", cut.stderr);
        assert!(left_behind(folder.path()).is_empty(), "{:?}", left_behind(folder.path()));
    }
    let whole = proxy::start(&source.url, Way::Down, u64::MAX);
    run(folder.path(), ["dump", &whole.url, "-o", "out.jsonl"]).expect(0);
}

#[test]
fn a_line_that_goes_dead_in_the_middle_of_a_restore_tells_what_is_in() {
    let (_turn, target, folder) = (TURN.lock(), Neo4j::target(), folder(30_000, 60_000));
    for limit in [300_000, 1_500_000, 2_200_000] {
        target.wipe();
        let proxy = proxy::start(&target.url, Way::Up, limit);
        let cut = run(folder.path(), ["restore", "graph.jsonl", &proxy.url, "--json"]).expect(6);
        let report = cut.stderr.lines().find(|line| line.contains(r#""event":"report""#)).expect(&cut.stderr);
        let report: serde_json::Value = serde_json::from_str(report).unwrap();
        let report = &report["report"];
        let number = |value: &serde_json::Value| value.as_i64().unwrap();
        let told = number(&report["nodes"]["written"]) + number(&report["relationships"]["written"]);
        let doubt = number(&report["in_doubt"]);
        let found = target.number("MATCH (n) RETURN count(n)") + target.number("MATCH ()-[r]->() RETURN count(r)");
        assert!(told <= found && found <= told + doubt, "told {told}, in doubt {doubt}, found {found}");
    }
}

#[test]
fn a_full_disk_is_told_and_leaves_no_file() {
    let folder = folder(20_000, 0);
    // The limit on the size of files acts as a full disk does.
    let script =
        format!("trap '' XFSZ; ulimit -f 100; exec {} dump store.db -o out.jsonl", env!("CARGO_BIN_EXE_graphferry"));
    let limited = Command::new("bash").args(["-c", &script]).current_dir(folder.path()).output().unwrap();
    let error = String::from_utf8_lossy(&limited.stderr).into_owned();
    assert_eq!(limited.status.code(), Some(1), "{error}");
    assert!(error.contains("writing out.jsonl failed"), "{error}");
    assert!(left_behind(folder.path()).is_empty(), "{:?}", left_behind(folder.path()));
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let piped = command(folder.path()).args(["dump", "store.db"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(piped.status.code(), Some(1), "{}", String::from_utf8_lossy(&piped.stderr));
}

/// A dump that was cut or changed anywhere is found out before the target sees anything of it.
#[test]
fn a_damaged_dump_changes_nothing() {
    let folder = folder(300, 300);
    for (name, compress) in
        [("graph.jsonl", "none"), ("g.cypherl", "none"), ("g.jsonl.zst", "zstd"), ("g.cypherl.gz", "gzip")]
    {
        let path = folder.path().join(name);
        run(folder.path(), ["dump", "store.db", "-o", name, "--compress", compress, "--force"]).expect(0);
        let whole = std::fs::read(&path).unwrap();
        let mut damaged = Vec::new();
        for part in 1..8 {
            damaged.push(("cut", whole[..whole.len() * part / 8].to_vec()));
            let mut flipped = whole.clone();
            flipped[whole.len() * part / 8] ^= 0x04;
            damaged.push(("flipped", flipped));
        }
        damaged.push(("cut by a byte", whole[..whole.len() - 2].to_vec()));
        damaged.push(("doubled", [whole.clone(), whole.clone()].concat()));
        for (how, bytes) in damaged {
            std::fs::write(folder.path().join("broken.jsonl"), &bytes).unwrap();
            let _ = std::fs::remove_file(folder.path().join("target.db"));
            let result = run(folder.path(), ["restore", "broken.jsonl", "target.db"]);
            assert_eq!(result.code, 5, "{name} {how}: {}", result.stderr);
            assert!(result.stderr.contains("broken.jsonl"), "the error names the file: {}", result.stderr);
            let count = run(folder.path(), ["dump", "target.db", "--format", "jsonl"]).expect(0);
            assert!(!count.text().contains(r#"{"node":"#), "{name} {how}: something was written");
        }
    }
}

#[test]
fn ends_that_do_not_exist_and_ids_that_come_twice() {
    let folder = tempfile::tempdir().unwrap();
    for (text, expected) in [
        (
            "{\"node\":1,\"labels\":[],\"properties\":{}}\n{\"relationship\":1,\"type\":\"T\",\"start\":1,\"end\":2,\"properties\":{}}\n",
            "broken.jsonl, line 2: a relationship of type \"T\" ends at node 2, which the dump does not have",
        ),
        (
            "{\"node\":1,\"labels\":[],\"properties\":{}}\n{\"node\":1,\"labels\":[],\"properties\":{}}\n",
            "broken.jsonl, line 2: node id 1 occurs twice",
        ),
    ] {
        std::fs::write(folder.path().join("broken.jsonl"), text).unwrap();
        let result = run(folder.path(), ["restore", "broken.jsonl", "target.db"]).expect(5);
        assert!(result.stderr.contains(expected), "{}", result.stderr);
        let _ = std::fs::remove_file(folder.path().join("piped.db"));
        let piped = pipe(folder.path(), &["restore", "-", "piped.db"], text.as_bytes());
        assert_eq!(piped.0, 5, "{}", piped.1);
        assert!(piped.1.contains(&expected.replace("broken.jsonl", "-")), "{}", piped.1);
    }
}

#[test]
fn a_target_that_is_not_empty_is_not_touched() {
    let (_turn, target, folder) = (TURN.lock(), Neo4j::target(), folder(10, 10));
    target.wipe();
    target.run("CREATE (:Mine {x: 1})-[:HAS]->(:Mine {x: 2})");
    let before = target.witness();
    let refused = run(folder.path(), ["restore", "graph.jsonl", &target.url]).expect(4);
    assert!(refused.stderr.contains("holds 2 nodes and 1 relationships"), "{}", refused.stderr);
    before.assert_same(&target.witness());
    let refused = run(folder.path(), ["restore", "graph.jsonl", "store.db"]).expect(4);
    assert!(refused.stderr.contains("not empty"), "{}", refused.stderr);
    run(folder.path(), ["restore", "graph.jsonl", &target.url, "--mode", "merging"]).expect(0);
    assert_eq!(target.number("MATCH (n) RETURN count(n)"), 12);
    assert_eq!(target.number("MATCH ()-[r]->() RETURN count(r)"), 11);
}

#[test]
fn an_existing_file_is_not_replaced() {
    let folder = folder(10, 0);
    let before = std::fs::read(folder.path().join("graph.jsonl")).unwrap();
    let refused = run(folder.path(), ["dump", "store.db", "-o", "graph.jsonl"]).expect(4);
    assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
    assert_eq!(std::fs::read(folder.path().join("graph.jsonl")).unwrap(), before);
    run(folder.path(), ["dump", "store.db", "-o", "graph.jsonl", "--force"]).expect(0);
}

#[test]
fn a_pipe_that_its_reader_closes_is_no_error() {
    let folder = folder(100_000, 0);
    let mut child = command(folder.path())
        .args(["dump", "store.db"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut first = [0; 100];
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn ctrl_c_leaves_no_file() {
    let folder = folder(200_000, 0);
    let mut dumping = command(folder.path());
    dumping.args(["dump", "store.db", "-o", "out.jsonl.zst", "--compress", "zstd:19"]).stderr(Stdio::piped());
    let child = dumping.spawn().unwrap();
    // The file's hidden form shows that the dump is under way.
    let since = Instant::now();
    while left_behind(folder.path()).is_empty() && since.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{error}");
    assert!(error.contains("interrupted"), "{error}");
    assert!(left_behind(folder.path()).is_empty(), "{:?}", left_behind(folder.path()));
}

/// Names and values that would be statements if anybody let them.
#[test]
fn nothing_in_a_graph_can_become_a_statement() {
    let (_turn, source, target, folder) = (TURN.lock(), Neo4j::source(), Neo4j::target(), tempfile::tempdir().unwrap());
    source.wipe();
    target.wipe();
    for trap in [
        "}); MATCH (n) DETACH DELETE n; //",
        "`}); MATCH (n) DETACH DELETE n; //",
        "\\u0060}); MATCH (n) DETACH DELETE n; //",
        "\\\\u0060 x",
        "\\",
        "'\"`\\'\\\"\\`",
        "$x {y} :begin\n:commit\n;",
        "/* */ // \r\n\t\u{85}\u{2028}",
        "${jndi} \u{1b}[31m \u{202e} \u{feff}",
        "\u{1F600}\u{10FFFF}",
    ] {
        let name = trap.replace('\\', "\\u005C").replace('`', "``");
        source.rows(
            neo4rs::query(&format!("CREATE (a:`{name}` {{`{name}`: $v}})-[:`{name}` {{`{name}`: $v}}]->(a)"))
                .param("v", trap),
        );
        source.run(&format!("CREATE INDEX `{name}` FOR (n:`{name}`) ON (n.`{name}`)"));
    }
    let before = source.witness();
    run(folder.path(), ["dump", &source.url, "-o", "g.cypherl", "--dialect", "neo4j"]).expect(0);
    let output = target.cypher_shell(&folder.path().join("g.cypherl"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    before.assert_same(&target.witness());
    for file in ["g.cypherl", "m.cypherl", "g.jsonl"] {
        if file != "g.cypherl" {
            run(folder.path(), ["dump", &source.url, "-o", file]).expect(0);
        }
        target.wipe();
        run(folder.path(), ["restore", file, &target.url]).expect(0);
        before.assert_same(&target.witness());
    }
}
