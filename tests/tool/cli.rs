//! The command line as a user meets it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

#[path = "cli/backup.rs"]
mod backup;
#[path = "cli/colour.rs"]
mod colour;
#[path = "cli/guard.rs"]
mod guard;
#[cfg(feature = "object-storage")]
#[path = "cli/objects.rs"]
mod objects;

use serde::Deserialize;
use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;
use support::hand::{folder, pipe};
use support::neo4j::{Neo4j, TURN, fixture};
use support::tool::{command, run};

/// Two labels, two types, and a relationship between the labels.
const SMALL: &str = r#"{"node":1,"labels":["Person"],"properties":{"name":"Ada"}}
{"node":2,"labels":["Person","Admin"],"properties":{"name":"Bob"}}
{"node":3,"labels":["Place"],"properties":{}}
{"relationship":1,"type":"KNOWS","start":1,"end":2,"properties":{"since":1}}
{"relationship":2,"type":"LIVES_IN","start":1,"end":3,"properties":{}}
{"schema":{"index":{"name":"i","kind":"range","on":"node","labels":["Person"],"properties":["name"]}}}
{"schema":{"index":{"name":"j","kind":"range","on":"node","labels":["Place"],"properties":["name"]}}}
"#;

fn small() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("small.jsonl"), SMALL).unwrap();
    run(folder.path(), ["restore", "small.jsonl", "small.db"]).expect(0);
    folder
}

/// The lines of a dump to stdout that hold nodes, relationships and schema.
fn dumped(folder: &Path, options: &[&str]) -> Vec<String> {
    let words = ["dump", "small.db", "--format", "jsonl"].iter().chain(options);
    let text = run(folder, words).expect(0).text();
    let lines = text.lines().filter(|line| !line.starts_with(r#"{"graphferry"#) && !line.starts_with(r#"{"trailer"#));
    lines.map(str::to_owned).collect()
}

#[test]
fn filters_by_label_and_type() {
    let folder = small();
    let folder = folder.path();
    let starts = |lines: &[String], start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
    let count = |options: &[&str]| {
        let lines = dumped(folder, options);
        (starts(&lines, "{\"node"), starts(&lines, "{\"rel"), starts(&lines, "{\"schema"))
    };
    assert_eq!(count(&[]), (3, 2, 2));
    assert_eq!(count(&["--include-label", "Place", "--dangling", "skip"]), (1, 0, 1));
    assert_eq!(count(&["--exclude-label", "Admin", "--dangling", "skip"]), (2, 1, 2));
    assert_eq!(count(&["--include-type", "KNOWS"]), (3, 1, 2));
    assert_eq!(count(&["--exclude-type", "KNOWS", "--exclude-type", "LIVES_IN"]), (3, 0, 2));
    assert_eq!(count(&["--section", "data"]), (3, 2, 0));
    assert_eq!(count(&["--section", "post-data"]), (0, 0, 2));
    assert_eq!(count(&["--section", "pre-data"]), (0, 0, 0));
    let refused = run(folder, ["dump", "small.db", "--exclude-label", "Place"]).expect(4);
    assert!(refused.stderr.contains("LIVES_IN") && refused.stderr.contains("--dangling=skip"), "{}", refused.stderr);
    assert!(!refused.text().contains("graphferry-end"), "a dump that was refused has no trailer");
    // The header says what was left out, and a restore filters as a dump does.
    let header = run(folder, ["dump", "small.db", "--format", "jsonl", "--include-type", "KNOWS"]).expect(0).text();
    assert!(header.lines().next().unwrap().contains(r#""filters":["--include-type KNOWS"]"#), "{header}");
    run(folder, ["restore", "small.jsonl", "part.db", "--include-label", "Person", "--dangling", "skip"]).expect(0);
    run(folder, ["verify", "part.db", "small.db", "--include-label", "Person", "--dangling", "skip"]).expect(0);
}

/// Sections of a dump that has all of them go in one after the other, and make the whole.
#[test]
fn sections_are_restored_apart() {
    let folder = small();
    let folder = folder.path();
    let count = |store: &str| {
        let text = run(folder, ["dump", store, "--format", "jsonl"]).expect(0).text();
        ["{\"node", "{\"rel", "{\"schema"].map(|start| text.lines().filter(|line| line.starts_with(start)).count())
    };
    for (section, expected) in [("pre-data", [0, 0, 0]), ("data", [3, 2, 0]), ("post-data", [0, 0, 2])] {
        let store = format!("{section}.db");
        run(folder, ["restore", "small.jsonl", &store, "--section", section]).expect(0);
        assert_eq!(count(&store), expected, "{section}");
    }
    let (data, rest) =
        (["--section", "data"], ["--section", "post-data", "--section", "pre-data", "--mode", "merging"]);
    run(folder, ["restore", "small.jsonl", "both.db"].iter().chain(&data)).expect(0);
    run(folder, ["restore", "small.jsonl", "both.db"].iter().chain(&rest)).expect(0);
    run(folder, ["verify", "both.db", "small.jsonl"]).expect(0);
    let header = run(
        folder,
        ["dump", "small.db", "--format", "jsonl", "--section", "data", "--exclude-label", "Place"]
            .iter()
            .chain(&["--dangling", "skip"]),
    )
    .expect(0)
    .text();
    let header: serde_json::Value = serde_json::from_str(header.lines().next().unwrap()).unwrap();
    let filters = serde_json::json!(["--exclude-label Place", "--section data", "--dangling skip"]);
    assert_eq!(header["graphferry"]["filters"], filters);
}

/// Many blocks, so that threads could come in another order; a conversion keeps the header, so that nothing may differ, and no frame either.
#[test]
fn any_number_of_threads_makes_the_same_bytes() {
    let folder = folder(60_000, 90_000);
    for name in ["same.jsonl", "same.cypherl", "same.jsonl.zst", "same.cypherl.gz"] {
        let mut first = None;
        for jobs in ["1", "2", "4", "7"] {
            run(folder.path(), ["convert", "graph.jsonl", name, "--force", "--jobs", jobs]).expect(0);
            let bytes = std::fs::read(folder.path().join(name)).unwrap();
            assert!(*first.get_or_insert(bytes.clone()) == bytes, "{name} with --jobs {jobs}");
        }
        run(folder.path(), ["verify", name, "graph.jsonl"]).expect(0);
    }
}

/// One command's stdout is the other's stdin, with no file between.
#[test]
fn a_dump_is_restored_through_a_pipe() {
    let folder = folder(20_000, 40_000);
    for (at, form) in [["--format", "jsonl"], ["--format", "cypherl"], ["--compress", "zstd"]].iter().enumerate() {
        let mut dumping = command(folder.path());
        let mut source = dumping.args(["dump", "store.db"]).args(form).stdout(Stdio::piped()).spawn().unwrap();
        let store = format!("piped{at}.db");
        let mut restoring = command(folder.path());
        let output = restoring.args(["restore", "-", &store]).stdin(source.stdout.take().unwrap()).output().unwrap();
        assert!(output.status.success(), "{form:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(source.wait().unwrap().success());
        run(folder.path(), ["verify", &store, "graph.jsonl"]).expect(0);
    }
}

#[test]
fn a_dry_run_prints_a_plan_and_writes_nothing() {
    let folder = small();
    let folder = folder.path();
    let plan = run(folder, ["restore", "small.jsonl", "new.db", "--dry-run"]).expect(0);
    for line in [
        "mode        restoring",
        "create      3 nodes, 2 relationships",
        r#"create      node range index "i" on Person(name)"#,
    ] {
        assert!(plan.text().lines().any(|found| found == line), "{line}\n{}", plan.text());
    }
    assert!(!folder.join("new.db").exists(), "a plan makes no file");
    run(folder, ["copy", "small.db", "new.db", "--dry-run"]).expect(0);
    assert!(!folder.join("new.db").exists(), "a plan makes no file");
    let plan = run(folder, ["dump", "small.db", "-o", "x.jsonl", "--dry-run"]).expect(0);
    assert!(plan.text().contains("about 3 nodes, 2 relationships"), "{}", plan.text());
    run(folder, ["convert", "small.jsonl", "x.jsonl", "--dry-run"]).expect(0);
    assert!(!folder.join("x.jsonl").exists());
    // A plan that would be refused says so, and with its exit code.
    let refused = run(folder, ["restore", "small.jsonl", "small.db", "--dry-run"]).expect(4);
    assert!(refused.text().contains("holds 3 nodes and 2 relationships"), "{}", refused.text());
}

/// The events as docs/exit-codes.md tells of them: anything else breaks this test before it breaks a user.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
#[allow(dead_code)]
enum Event {
    Step { what: String, total: Option<u64> },
    Progress { nodes: u64, relationships: u64, bytes: Option<u64>, size: Option<u64> },
    Warning { message: String },
    Report { report: serde_json::Value },
    Error { exit: u8, message: String, code: Option<String>, file: Option<String>, line: Option<u64> },
}

#[test]
fn events_are_json_lines() {
    let folder = folder(30_000, 30_000);
    let events = |words: &[&str], code: i32| -> Vec<Event> {
        let run = run(folder.path(), words.iter().chain(&["--json"])).expect(code);
        run.stderr
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
            .collect()
    };
    let dump = events(&["dump", "store.db", "-o", "x.jsonl"], 0);
    assert!(matches!(&dump[0], Event::Step { what, total: Some(60_000) } if what == "dumping"), "{dump:?}");
    assert!(matches!(dump.last(), Some(Event::Report { report }) if report["tally"]["nodes"] == 30_000), "{dump:?}");
    let restore = events(&["restore", "x.jsonl", "y.db"], 0);
    let Some(Event::Report { report }) = restore.last() else { panic!("{restore:?}") };
    assert_eq!((&report["nodes"]["read"], &report["nodes"]["written"]), (&30_000.into(), &30_000.into()));
    let error = events(&["restore", "x.jsonl", "y.db"], 4);
    assert!(matches!(error.last(), Some(Event::Error { exit: 4, .. })), "{error:?}");
    let verify = run(folder.path(), ["verify", "x.jsonl", "y.db", "--json"]).expect(0);
    let comparison: serde_json::Value = serde_json::from_slice(&verify.stdout).unwrap();
    assert_eq!(comparison["differences"], serde_json::json!([]));
    let quiet = run(folder.path(), ["verify", "x.jsonl", "y.db", "--quiet"]).expect(0);
    assert!(quiet.stderr.is_empty() && quiet.text().starts_with("equal"), "{}", quiet.stderr);
}

#[test]
fn pipes_formats_and_compression() {
    let folder = folder(5_000, 5_000);
    let path = folder.path();
    let whole = std::fs::read(path.join("graph.jsonl")).unwrap();
    for (name, magic) in [("a.jsonl.zst", [0x28, 0xB5]), ("a.cypherl.gz", [0x1F, 0x8B]), ("a.cypherl", *b"RE")] {
        run(path, ["dump", "store.db", "-o", name]).expect(0);
        let bytes = std::fs::read(path.join(name)).unwrap();
        assert_eq!(bytes[..2], magic, "{name}");
        // The content tells, not the name; stdin works as a file does.
        std::fs::copy(path.join(name), path.join("nameless")).unwrap();
        run(path, ["verify", "nameless", "store.db"]).expect(0);
        let piped = format!("{name}.db");
        assert_eq!(pipe(path, &["restore", "-", &piped], &bytes).0, 0);
        run(path, ["verify", &piped, "graph.jsonl"]).expect(0);
    }
    // The default on stdout is CYPHERL; a conversion from and to a pipe is the same graph.
    let text = run(path, ["dump", "store.db"]).expect(0).text();
    assert!(text.lines().any(|line| line.starts_with("CREATE (:__mg_vertex__:`Person`")), "{}", &text[..200]);
    let converted = run(path, ["convert", "graph.jsonl", "-", "--format", "cypherl", "--compress", "zstd:9"]).expect(0);
    std::fs::write(path.join("c"), converted.stdout).unwrap();
    run(path, ["verify", "c", "graph.jsonl"]).expect(0);
    // The same snapshot gives the same bytes at any number of threads, but for the time in the header.
    let body = |bytes: &[u8]| bytes.splitn(2, |byte| *byte == b'\n').nth(1).unwrap().to_vec();
    let data = |bytes: Vec<u8>| {
        let text = String::from_utf8(body(&bytes)).unwrap();
        text.lines().filter(|line| !line.starts_with("{\"trailer")).map(str::to_owned).collect::<Vec<_>>()
    };
    for jobs in ["1", "4"] {
        let again = run(path, ["dump", "store.db", "--format", "jsonl", "--jobs", jobs]).expect(0).stdout;
        assert!(data(again) == data(whole.clone()), "--jobs {jobs}");
    }
}

#[test]
fn what_a_target_cannot_hold_is_refused_or_counted() {
    let (_turn, target, folder) = (TURN.lock(), Neo4j::target(), tempfile::tempdir().unwrap());
    target.wipe();
    let before = target.witness();
    let path = folder.path();
    let dump = concat!(
        r#"{"node":1,"labels":["A"],"properties":{"keep":1,"map":{"a":1},"mixed":[1,2.5]}}"#,
        "\n",
        r#"{"schema":{"constraint":{"name":"c","kind":"existence","on":"node","label":"A","properties":["keep"]}}}"#,
        "\n"
    );
    std::fs::write(path.join("rich.jsonl"), dump).unwrap();
    let refused = run(path, ["restore", "rich.jsonl", &target.url]).expect(4);
    for word in ["cannot hold 3 things", "--allow-loss=constraint", "--allow-loss=value"] {
        assert!(refused.stderr.contains(word), "{word}: {}", refused.stderr);
    }
    before.assert_same(&target.witness());
    // From a pipe nothing can be known before: the value is refused when it comes, and nothing of its batch is written.
    assert_eq!(pipe(path, &["restore", "-", &target.url], dump.as_bytes()).0, 4);
    before.assert_same(&target.witness());
    let lossy = ["restore", "rich.jsonl", &target.url, "--allow-loss", "constraint", "--allow-loss", "value"];
    let lost = run(path, lossy).expect(0);
    for word in ["1 values of type map", "1 values of type list of mixed", "existence constraint"] {
        assert!(lost.stderr.contains(word), "{word}: {}", lost.stderr);
    }
    assert_eq!(target.number("MATCH (n:A) RETURN size(keys(n))"), 1);
}

#[test]
fn statements_run_only_when_they_are_allowed() {
    let (_turn, target, folder) = (TURN.lock(), Neo4j::target(), tempfile::tempdir().unwrap());
    target.wipe();
    let before = target.witness();
    let path = folder.path();
    let dump = "CREATE (:A {x: 1});\nMATCH (a:A) SET a.x = a.x + 1;\nMERGE (:B {y: 1});\nCREATE (:A {x: 10});\n";
    std::fs::write(path.join("foreign.cypherl"), dump).unwrap();
    let refused = run(path, ["restore", "foreign.cypherl", &target.url]).expect(4);
    assert!(
        refused.stderr.contains("2 statements") && refused.stderr.contains("--allow-statements"),
        "{}",
        refused.stderr
    );
    before.assert_same(&target.witness());
    run(path, ["restore", "foreign.cypherl", &target.url, "--allow-statements"]).expect(0);
    // In order: the SET saw the first node and not the last one.
    assert_eq!(target.number("MATCH (a:A) RETURN sum(a.x)"), 12);
    assert_eq!(target.number("MATCH (b:B) RETURN count(b)"), 1);
}

#[test]
fn merging_keeps_what_is_there_and_checks_the_schema_first() {
    let (_turn, target, folder) = (TURN.lock(), Neo4j::target(), small());
    target.wipe();
    target.run("CREATE (:Person {name: 'Zoe'})");
    target.run("CREATE INDEX i FOR (n:Person) ON (n.name)");
    let merged = run(folder.path(), ["restore", "small.jsonl", &target.url, "--mode", "merging"]).expect(0);
    assert!(merged.stderr.contains("1 schema objects (1 were there)"), "{}", merged.stderr);
    assert_eq!(target.number("MATCH (n) RETURN count(n)"), 4);
    target.wipe();
    target.run("CREATE (:Person {name: 'Zoe'})");
    target.run("CREATE INDEX i FOR (n:Person) ON (n.age)");
    let before = target.witness();
    let refused = run(folder.path(), ["restore", "small.jsonl", &target.url, "--mode", "merging"]).expect(4);
    assert!(refused.stderr.contains("contradicts"), "{}", refused.stderr);
    before.assert_same(&target.witness());
}

#[test]
fn a_password_shows_nowhere() {
    let (_turn, source, folder) = (TURN.lock(), Neo4j::source(), tempfile::tempdir().unwrap());
    source.wipe();
    source.run("CREATE (:A)");
    std::fs::write(folder.path().join("secret"), format!("{}\n", source.password)).unwrap();
    let mut dumping = command(folder.path());
    dumping.args(["dump", &source.url, "--password-file", "secret", "--json"]).env_remove("GRAPHFERRY_PASSWORD");
    let output = dumping.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for text in [&output.stdout, &output.stderr] {
        assert!(!String::from_utf8_lossy(text).contains(&source.password));
    }
}

/// A password that came by the environment is in no process list while the command runs, and in no dump.
#[test]
fn a_password_is_in_no_process_list() {
    let (_turn, source, folder) = (TURN.lock(), Neo4j::source(), tempfile::tempdir().unwrap());
    source.wipe();
    source.run("UNWIND range(1, 50000) AS i CREATE (:N {i: i, text: 'a text that makes the dump longer ' + i})");
    let mut dumping = command(folder.path());
    dumping.args(["dump", &source.url]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = dumping.spawn().unwrap();
    let mut text = vec![0; 1000];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut text).unwrap();
    // It waits for its reader now.
    let listed = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
    stdout.read_to_end(&mut text).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&listed).contains("dump"));
    for bytes in [listed, text, output.stderr] {
        assert!(!String::from_utf8_lossy(&bytes).contains(&source.password));
    }
    // Nobody can put it there by mistake: there is no such option, and the refusal does not repeat it.
    let refused = run(folder.path(), ["dump", &source.url, "--password=s3cret"]).expect(2);
    assert!(!refused.stderr.contains("s3cret") && refused.stderr.contains("--password-file"), "{}", refused.stderr);
}

/// These are broken as one format and sound as another: told by content, they are read as that one.
const OTHERWISE_SOUND: [&str; 1] = ["jsonl-first-line-is-cypher.jsonl"];

/// What is said behind the words of these.
const HINTS: [(&str, &str); 1] = [("the dump is empty", "; a dump of an empty graph has a header and a trailer")];

/// Every file that is broken in some way is refused in the words that stand beside it, and nothing is written.
#[test]
fn broken_dumps_are_refused_in_their_words() {
    let folder = tempfile::tempdir().unwrap();
    let (mut seen, mut wrong) = (0, Vec::new());
    for entry in std::fs::read_dir(fixture("broken")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_some_and(|extension| extension == "expected") {
            continue;
        }
        seen += 1;
        let out = folder.path().join("out.jsonl");
        let result = run(folder.path(), ["convert", path.to_str().unwrap(), "out.jsonl"]);
        if OTHERWISE_SOUND.contains(&&*name) {
            assert_eq!(result.code, 0, "{name}: {}", result.stderr);
            std::fs::remove_file(out).unwrap();
            continue;
        }
        let expected = std::fs::read_to_string(path.with_extension("expected")).unwrap();
        // Control characters are shown instead of sent; what can be done about it comes last.
        let shown = |c: char| if c.is_control() { c.escape_unicode().to_string() } else { c.to_string() };
        let words: String = expected.trim_end_matches('\n').chars().map(shown).collect();
        let hint = HINTS.iter().find(|(known, _)| *known == words).map(|(_, hint)| *hint).unwrap_or_default();
        if result.code != 5 || !result.stderr.ends_with(&format!("{words}{hint}\n")) || out.exists() {
            wrong.push(format!("{name}: expected {words:?}, exit {} and {}", result.code, result.stderr));
            let _ = std::fs::remove_file(out);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 50, "the files were found");
}

#[test]
fn an_endpoint_of_the_configuration_has_a_name() {
    let folder = support::hand::folder(3, 2);
    let path = folder.path().join("config.toml");
    std::fs::write(&path, "[endpoints.prod]\nurl = \"sqlite:store.db\"\n").unwrap();
    let with = |words: &[&str]| {
        let mut command = support::tool::command(folder.path());
        command.env("GRAPHFERRY_CONFIG", &path).args(words);
        let output = command.output().unwrap();
        support::tool::finish(&command, output)
    };
    with(&["verify", "prod", "store.db"]).expect(0);
    let dumped = with(&["dump", "prod", "--format", "jsonl"]).expect(0);
    assert!(dumped.text().contains("person 2"));
    // A file of that name is not taken for the endpoint, nor the other way round.
    std::fs::write(folder.path().join("prod"), "").unwrap();
    assert!(with(&["dump", "prod"]).expect(2).stderr.contains("write ./prod for the file"));
    std::fs::write(&path, "[endpoints.prod]\nurl = \"bolt://localhost\"\npassword = \"geheim\"\n").unwrap();
    let refused = with(&["verify", "store.db", "store.db"]).expect(2);
    assert!(refused.stderr.contains("no password belongs into this file"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("geheim"), "{}", refused.stderr);
    std::fs::remove_file(&path).unwrap();
    with(&["verify", "store.db", "store.db"]).expect(1);
}

#[test]
fn the_log_file_has_every_event_with_its_time() {
    let folder = support::hand::folder(3, 2);
    for _ in 0..2 {
        let words = ["convert", "graph.jsonl", "out.cypherl", "--force", "--quiet", "--log-file", "events.log"];
        let told = support::tool::run(folder.path(), words).expect(0);
        assert_eq!(told.stderr, "");
    }
    support::tool::run(folder.path(), ["dump", "none.db", "--log-file", "events.log"]).expect(6);
    let text = std::fs::read_to_string(folder.path().join("events.log")).unwrap();
    let events: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.iter().all(|event| event["time"].as_str().unwrap().ends_with('Z')));
    let count = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert_eq!((count("report"), count("error")), (2, 1), "{text}");
    support::tool::run(folder.path(), ["verify", "store.db", "store.db", "--log-file", "no/such/folder"]).expect(1);
}
