//! HugeGraph on a real server: what is dumped comes back, what is merged destroys nothing. Graphs are made and read by tests/witness/hugegraph.py, which shares no code with us.
//!
//! GRAPHFERRY_TEST_HUGEGRAPH names a server of scripts/hugegraph, whose graphs t1 to t4 are emptied; tests say that they need it where it is not set.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

#[path = "hugegraph/gaps.rs"]
mod gaps;

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use support::tool::{Run, command, finish};

static TURN: Mutex<()> = Mutex::new(());

/// A child that ends with the test.
struct Kept(Child);

impl Kept {
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The server, for one test at a time; or one of a test's own.
struct Server {
    url: String,
    folder: tempfile::TempDir,
    _turn: Option<MutexGuard<'static, ()>>,
}

impl Server {
    fn new() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let url = std::env::var("GRAPHFERRY_TEST_HUGEGRAPH");
        let url = url.expect(
            "this test needs GRAPHFERRY_TEST_HUGEGRAPH=hugegraph://127.0.0.1:PORT: scripts/hugegraph starts one",
        );
        let server = Self { url, folder: tempfile::tempdir().unwrap(), _turn: Some(turn) };
        for graph in ["t1", "t2"] {
            server.empty(graph);
        }
        server
    }

    fn graph(&self, name: &str) -> String {
        format!("{}/{name}", self.url)
    }

    fn command(&self) -> Command {
        let mut command = command(self.folder.path());
        command.env("GRAPHFERRY_STATE", self.folder.path().join("state"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let mut command = self.command();
        let output = command.args(arguments).output().unwrap();
        finish(&command, output)
    }

    /// Runs Python with the witness at hand and `g` as one of the graphs; gives what it prints.
    fn python(&self, graph: &str, script: &str) -> String {
        let mut command = self.python_command(graph, script);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A file for what a command says.
    fn log(&self, name: &str) -> std::fs::File {
        std::fs::File::create(self.folder.path().join(name)).unwrap()
    }

    fn python_command(&self, graph: &str, script: &str) -> Command {
        let witness = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/witness");
        let head = "import sys, json\nsys.path.insert(0, sys.argv[1])\nfrom hugegraph import *\ng = Graph(sys.argv[2], sys.argv[3])\n";
        let mut command = Command::new("python3");
        command.args(["-c", &format!("{head}{script}")]).arg(&witness).args([&self.url, graph]);
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    fn empty(&self, graph: &str) {
        self.python(
            graph,
            "g('DELETE', '/clear?confirm_message=I%27m+sure+to+delete+all+data'); g('PUT', '/mode', 'NONE')",
        );
    }

    /// How many vertices and edges a graph has.
    fn counts(&self, graph: &str) -> String {
        let both = "print(g.gremlin('g.V().count().next()'), g.gremlin('g.E().count().next()'))";
        self.python(graph, both).trim().to_owned()
    }

    /// Begins to bring g.jsonl into t2, slowly, and waits for the first rows. `stderr` takes what is said.
    fn begin(&self, verb: &str, stderr: impl Into<Stdio>) -> Kept {
        let mut command = self.command();
        command.args([verb, "g.jsonl", &self.graph("t2"), "--throttle", "2000", "--batch-size", "100"]);
        let begun = Kept(command.stdout(Stdio::null()).stderr(stderr).spawn().unwrap());
        let since = Instant::now();
        while self.counts("t2").starts_with("0 ") {
            assert!(since.elapsed() < Duration::from_secs(60));
        }
        begun
    }

    /// What the witness reads of a graph.
    fn witness(&self, graph: &str, options: &[&str]) -> Vec<String> {
        let witness = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/witness/hugegraph.py");
        let output = Command::new("python3")
            .arg(witness)
            .args(["read", &self.url, graph])
            .args(options)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    fn mode(&self, graph: &str) -> String {
        self.python(graph, "print(g('GET', '/mode')['mode'])").trim().to_owned()
    }

    fn assert_equal(&self, one: &str, other: &str) {
        let [one, other] = [one, other].map(|graph| self.witness(graph, &["--instants"]));
        assert!(one.len() > 10, "{one:?}");
        let [mine, theirs] = [&one, &other].map(|lines| lines.iter().collect::<BTreeSet<_>>());
        let (lost, more) = (mine.difference(&theirs).collect::<Vec<_>>(), theirs.difference(&mine).collect::<Vec<_>>());
        assert_eq!(one.len(), other.len());
        assert!(lost.is_empty() && more.is_empty(), "lost: {lost:#?}\nmore: {more:#?}");
    }
}

/// A schema with every id strategy, and a row or two of each. `N` is the number of rows.
const PEOPLE: &str = r#"
for name, kind in [("name", "TEXT"), ("age", "INT"), ("note", "TEXT"), ("code", "TEXT")]:
    g("POST", "/schema/propertykeys", {"name": name, "data_type": kind, "cardinality": "SINGLE"})
def label(name, strategy, keys=()):
    g("POST", "/schema/vertexlabels", {"name": name, "id_strategy": strategy, "primary_keys": list(keys),
        "properties": ["name", "age", "note", "code"], "nullable_keys": [p for p in ["name", "age", "note", "code"] if p not in keys], "enable_label_index": True})
label("auto", "AUTOMATIC"); label("number", "CUSTOMIZE_NUMBER"); label("text", "CUSTOMIZE_STRING")
label("uuid", "CUSTOMIZE_UUID"); label("person", "PRIMARY_KEY", ["name"])
for name, a, b in [("knows", "person", "person"), ("has", "auto", "text")]:
    g("POST", "/schema/edgelabels", {"name": name, "source_label": a, "target_label": b, "properties": ["age", "note"],
        "nullable_keys": ["age", "note"], "frequency": "SINGLE", "enable_label_index": True})
def add(label, id_=None, **properties):
    row = {"label": label, "properties": properties}
    if id_ is not None: row["id"] = id_
    return g("POST", "/graph/vertices/batch", [row])[0]
def join(label, a, x, b, y, **properties):
    g("POST", "/graph/edges/batch?check_vertex=false", [{"label": label, "outV": x, "outVLabel": a, "inV": y, "inVLabel": b, "properties": properties}])
"#;

#[test]
fn every_kind_of_thing_goes_through_jsonl_and_back() {
    let server = Server::new();
    let witness = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/witness/hugegraph.py");
    let built = Command::new("python3").arg(witness).args(["build", &server.url, "t1"]).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    server.run(&["dump", &server.graph("t1"), "-o", "g.jsonl"]).expect(0);
    server.run(&["restore", "g.jsonl", &server.graph("t2")]).expect(0);
    server.assert_equal("t1", "t2");
    assert_eq!(server.mode("t2"), "NONE");
    server.run(&["verify", &server.graph("t1"), &server.graph("t2")]).expect(0);
    // Without a file between them.
    server.empty("t2");
    server.run(&["copy", &server.graph("t1"), &server.graph("t2")]).expect(0);
    server.assert_equal("t1", "t2");
    // A graph that holds something is left alone.
    server.run(&["restore", "g.jsonl", &server.graph("t2")]).expect(4);
    // From stdin.
    server.empty("t2");
    let mut streaming = server.command();
    streaming.args(["restore", "-", &server.graph("t2")]);
    streaming.stdin(std::fs::File::open(server.folder.path().join("g.jsonl")).unwrap());
    let output = streaming.output().unwrap();
    finish(&streaming, output).expect(0);
    server.assert_equal("t1", "t2");
    // G12: also where it ends badly, the mode is what it was.
    server.empty("t2");
    server.python(
        "t2",
        "g('POST', '/schema/propertykeys', {'name': 'age', 'data_type': 'TEXT'}); g('PUT', '/mode', 'LOADING')",
    );
    server.run(&["restore", "g.jsonl", &server.graph("t2")]).expect(4);
    assert_eq!(server.mode("t2"), "LOADING");
}

/// Bounds of shards, and positions in them, are keys of rows; the server takes no URL of more than 8 KiB.
#[test]
fn ids_up_to_the_limit_are_read() {
    let server = Server::new();
    let rows = r#"
sizes = [2000, 3000, 9000, 16000]
texts = [str(n % 10) * sizes[n % 4] + str(n) for n in range(200)]
for n in range(0, 200, 20):
    g("POST", "/graph/vertices/batch", [{"label": "text", "id": id_, "properties": {"note": "n"}} for id_ in texts[n:n + 20]])
one = add("auto", note="a")
for text in texts: join("has", "auto", one, "text", text, note="e")
"#;
    server.python("t1", &format!("{PEOPLE}{rows}"));
    let read = "ids = g.gremlin('[g.V().id().toList(), g.E().outV().id().toList(), g.E().inV().id().toList()]')\n\
        print(json.dumps([sorted(map(str, some)) for some in ids]))";
    let before = server.python("t1", read);
    assert!(before.len() > 2 * 200 * 7500, "{}", before.len());
    server.run(&["dump", &server.graph("t1"), "-o", "g.jsonl"]).expect(0);
    server.run(&["restore", "g.jsonl", &server.graph("t2")]).expect(0);
    assert!(server.python("t2", read) == before, "other ids");
}

#[test]
fn modes_are_told_and_set() {
    let server = Server::new();
    let graph = server.graph("t1");
    assert_eq!(server.run(&["mode", "get", &graph]).expect(0).text(), "NONE\n");
    server.run(&["mode", "set", &graph, "merging"]).expect(0);
    assert_eq!(server.mode("t1"), "MERGING");
    server.run(&["mode", "set", &graph, "NONE"]).expect(0);
    server.run(&["mode", "set", &graph, "SLEEPING"]).expect(2);
    assert_eq!(server.mode("t1"), "NONE");
}

/// Many rows, as a dump.
fn many(server: &Server) {
    server.python(
        "t1",
        &format!(
            "{PEOPLE}
for at in range(0, 12000, 500):
    g('POST', '/graph/vertices/batch', [{{'label': 'text', 'id': f'text {{i}}', 'properties': {{'age': i}}}} for i in range(at, at + 500)])
ids = []
for at in range(0, 2000, 500):
    ids += g('POST', '/graph/vertices/batch', [{{'label': 'auto', 'properties': {{'age': i}}}} for i in range(at, at + 500)])
for at in range(0, 2000, 500):
    g('POST', '/graph/edges/batch?check_vertex=false', [{{'label': 'has', 'outV': ids[i], 'outVLabel': 'auto', 'inV': f'text {{i}}', 'inVLabel': 'text', 'properties': {{}}}} for i in range(at, at + 500)])
"
        ),
    );
    server.run(&["dump", &server.graph("t1"), "-o", "g.jsonl"]).expect(0);
}

#[test]
fn a_restore_that_was_killed_is_told_of_and_goes_on() {
    let server = Server::new();
    many(&server);
    let graph = server.graph("t2");
    server.begin("restore", Stdio::null()).kill();
    assert_ne!(server.counts("t2"), "14000 2000", "it was killed on the way");
    assert_eq!(server.mode("t2"), "RESTORING");
    let refused = server.run(&["restore", "g.jsonl", &graph]).expect(4);
    assert!(refused.stderr.contains("was cut off"), "{}", refused.stderr);
    let run = refused.stderr.split("--resume ").nth(1).unwrap().split(';').next().unwrap().to_owned();
    server.run(&["restore", "g.jsonl", &graph, "--resume", &run]).expect(0);
    server.assert_equal("t1", "t2");
    assert_eq!(server.mode("t2"), "NONE");
    assert!(server.run(&["runs", &graph]).expect(0).text().is_empty());
}

/// Runs scripts/hugegraph, and gives what it prints.
fn script(words: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/hugegraph");
    let output = Command::new(&script).args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Kills a server of scripts/hugegraph, and starts it again; `meanwhile` is what is done while it is away.
fn restart(url: &str, meanwhile: impl FnOnce()) {
    let status = script(&["status"]);
    let known = status.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let ours = known.into_iter().find(|words| words[1] == "running" && words[4] == url);
    let Some([name, _, _, version, ..]) = ours.as_deref() else {
        panic!("{url} is not of scripts/hugegraph: {status}")
    };
    script(&["kill", name]);
    meanwhile();
    let port = url.rsplit(':').next().unwrap();
    script(&["start", name, port, "--keep", "--version", version.rsplit_once('.').unwrap().0]);
}

#[test]
fn a_server_that_is_killed_is_waited_for() {
    // The tests of another program use the same server.
    let alone = support::tool::hugegraph_alone();
    let server = Server::new();
    server.empty("t3");
    many(&server);
    let small = server.witness("t1", &["--instants"]);
    // More than a dump holds in memory, so that it cannot be through while nobody takes what it writes.
    server.python(
        "t1",
        "
for at in range(0, 3000, 100):
    g('POST', '/graph/vertices/batch', [{'label': 'number', 'id': i, 'properties': {'note': f'{i} ' * 3000}} for i in range(at, at + 100)])",
    );
    let mut dumping = server.command();
    dumping.args(["dump", &server.graph("t1"), "-o", "-", "--format", "jsonl", "--jobs", "1", "--requests", "1"]);
    let mut dumping = dumping.stdout(Stdio::piped()).stderr(server.log("dump.err")).spawn().unwrap();
    let mut out = dumping.stdout.take().unwrap();
    let mut head = vec![0; 1 << 20];
    out.read_exact(&mut head).unwrap();
    let mut restoring = server.begin("restore", server.log("restore.err"));
    let mut file = std::fs::File::create(server.folder.path().join("killed.jsonl")).unwrap();
    file.write_all(&head).unwrap();
    let (mut taking, mut ended) = (None, [None, None]);
    restart(&server.url, || {
        // What was read before comes out now; the rest is still in the server.
        taking = Some(std::thread::spawn(move || std::io::copy(&mut out, &mut file).unwrap()));
        std::thread::sleep(Duration::from_secs(2));
        ended = [&mut dumping, &mut restoring.0].map(|child| child.try_wait().unwrap());
    });
    let told = |name: &str| std::fs::read_to_string(server.folder.path().join(name)).unwrap();
    assert_eq!(ended, [None, None], "without a server: {} {}", told("dump.err"), told("restore.err"));
    assert!(dumping.wait().unwrap().success(), "{}", told("dump.err"));
    assert!(restoring.0.wait().unwrap().success(), "{}", told("restore.err"));
    assert!(taking.unwrap().join().unwrap() > 20 << 20);
    assert_eq!(server.mode("t2"), "NONE");
    drop(alone);
    assert!(small == server.witness("t2", &["--instants"]), "what was restored differs");
    server.run(&["restore", "killed.jsonl", &server.graph("t3")]).expect(0);
    server.assert_equal("t1", "t3");
    server.empty("t3");
}

#[test]
fn one_bad_row_costs_one_row() {
    let server = Server::new();
    // G4: the dump has two vertices with a value that its own index says is unique.
    server.python(
        "t1",
        &format!(
            "{PEOPLE}
for i in range(60): add('text', f't{{i}}', code=f'c{{30 if i == 31 else i}}')
a = add('auto')
join('has', 'auto', a, 'text', 't31')
join('has', 'auto', a, 'text', 't30')"
        ),
    );
    server.run(&["dump", &server.graph("t1"), "-o", "g.jsonl"]).expect(0);
    server.python(
        "t2",
        &format!(
            "{PEOPLE}
g.done(g('POST', '/schema/indexlabels', {{'name': 'u', 'base_type': 'VERTEX_LABEL', 'base_value': 'text', 'index_type': 'UNIQUE', 'fields': ['code']}})['task_id'])"
        ),
    );
    let graph = server.graph("t2");
    server.run(&["merge", "g.jsonl", &graph, "--quarantine", "bad.jsonl"]).expect(3);
    assert_eq!(server.counts("t2"), "60 1", "of 61 vertices and 2 edges");
    assert_eq!(server.mode("t2"), "NONE");
    let quarantine = std::fs::read_to_string(server.folder.path().join("bad.jsonl")).unwrap();
    assert!(quarantine.contains("Unique constraint"), "{quarantine}");
}

#[test]
fn merging_destroys_nothing() {
    let server = Server::new();
    let rows = |which: &str| {
        format!(
            "{PEOPLE}
W = '{which}'
a = add('auto', note=W)
add('number', 1 if W == 'A' else 2, note=W)
add('text', 'x' + W, note=W)
add('uuid', '00000000-0000-0000-0000-00000000000' + ('1' if W == 'A' else '2'), note=W)
add('person', name='Ann', **({{'age': 5}} if W == 'A' else {{'note': 'kept', 'age': 6}}))
add('person', name='only ' + W)
join('knows', 'person', g('GET', '/schema/vertexlabels/person')['id'].__str__() + ':Ann', 'person', g('GET', '/schema/vertexlabels/person')['id'].__str__() + ':only ' + W, note=W)
join('has', 'auto', a, 'text', 'x' + W, age=7)"
        )
    };
    server.python("t1", &rows("A"));
    // Other numbers for the same names.
    server.python(
        "t2",
        "for i in range(3): g('POST', '/schema/propertykeys', {'name': f'first{i}', 'data_type': 'INT'})",
    );
    server.python("t2", &rows("B"));
    let graph = server.graph("t2");
    server.run(&["dump", &server.graph("t1"), "-o", "a.jsonl"]).expect(0);
    let told = server.run(&["merge", "a.jsonl", &graph]).expect(4);
    assert!(told.stderr.contains("person.name = \"Ann\""), "{}", told.stderr);
    let before = server.witness("t2", &["--data", "--instants"]);
    server.run(&["merge", "a.jsonl", &graph, "--on-conflict", "fill", "--undoable"]).expect(0);
    let after = server.witness("t2", &["--data", "--instants"]);
    // G1: none of the six is gone; G2: the one that both have has lost nothing.
    let ann = |lines: &[String]| lines.iter().find(|line| line.contains("\"kept\"")).unwrap().clone();
    assert_eq!(ann(&before), ann(&after));
    for line in &before {
        assert!(after.contains(line), "{line} is gone");
    }
    assert_eq!(after.len(), before.len() + 5 + 2, "{after:#?}");
    let run = server.run(&["runs", &graph]).expect(0).text();
    let run = run.split_whitespace().next().unwrap();
    server.run(&["undo", run, &graph]).expect(0);
    assert_eq!(server.witness("t2", &["--data", "--instants"]), before);
    server.run(&["merge", "a.jsonl", &graph, "--on-conflict", "overwrite", "--undoable"]).expect(0);
    let after = server.witness("t2", &["--data", "--instants"]);
    let ann = after.iter().find(|line| line.contains("\"kept\"")).unwrap();
    assert!(ann.contains("\"age\":5"), "{ann}");
    let run = server.run(&["runs", &graph]).expect(0).text();
    server.run(&["undo", run.split_whitespace().next().unwrap(), &graph]).expect(0);
    assert_eq!(server.witness("t2", &["--data", "--instants"]), before);
    assert_eq!(server.mode("t2"), "NONE");
}

#[test]
fn what_contradicts_is_told_before_anything_is_written() {
    let server = Server::new();
    server.python("t1", &format!("{PEOPLE}\nadd('number', 5, note='dump'); add('text', 'x')"));
    server.run(&["dump", &server.graph("t1"), "-o", "a.jsonl"]).expect(0);
    let graph = server.graph("t2");
    // An id of another label.
    server.python("t2", &format!("{PEOPLE}\nlabel('digits', 'CUSTOMIZE_NUMBER'); add('digits', 5, note='target')"));
    let before = server.witness("t2", &[]);
    let told = server.run(&["merge", "a.jsonl", &graph, "--on-conflict", "overwrite"]).expect(4);
    assert!(told.stderr.contains("has the id 5, which a vertex of the label \"digits\""), "{}", told.stderr);
    assert_eq!(server.witness("t2", &[]), before);
    // G3: a key of another type.
    server.empty("t2");
    server.python(
        "t2",
        "g('POST', '/schema/propertykeys', {'name': 'age', 'data_type': 'TEXT', 'cardinality': 'SINGLE'})",
    );
    let before = server.witness("t2", &[]);
    let told = server.run(&["merge", "a.jsonl", &graph]).expect(4);
    assert!(told.stderr.contains("contradicts"), "{}", told.stderr);
    assert_eq!(server.witness("t2", &[]), before);
}

#[test]
fn edges_that_lead_nowhere_are_told() {
    let server = Server::new();
    // G6: as if somebody had written meanwhile.
    server.python("t1", &format!("{PEOPLE}\na = add('auto'); add('text', 'x'); join('has', 'auto', a, 'text', 'x'); join('has', 'auto', a, 'text', 'gone')"));
    let graph = server.graph("t1");
    server.run(&["dump", &graph, "-o", "a.jsonl"]).expect(3);
    let refused = server.run(&["dump", &graph, "-o", "b.jsonl", "--dangling", "refuse"]);
    assert!(refused.code != 0 && !server.folder.path().join("b.jsonl").exists(), "{}", refused.stderr);
    server.run(&["restore", "a.jsonl", &server.graph("t2")]).expect(0);
    assert_eq!(server.counts("t2"), "2 1");
}

#[test]
fn rows_that_end_keep_their_end_where_a_property_says_it() {
    let server = Server::new();
    // G8: with ttl_start_time the end is the row's own.
    server.python(
        "t1",
        "
g('POST', '/schema/propertykeys', {'name': 'at', 'data_type': 'DATE', 'cardinality': 'SINGLE'})
g('POST', '/schema/vertexlabels', {'name': 'dated', 'id_strategy': 'CUSTOMIZE_NUMBER', 'properties': ['at'], 'nullable_keys': [], 'ttl': 3153600000000, 'ttl_start_time': 'at', 'enable_label_index': True})
g('POST', '/graph/vertices/batch', [{'label': 'dated', 'id': i, 'properties': {'at': 1577836800000 + i}} for i in range(20)])",
    );
    server.run(&["dump", &server.graph("t1"), "-o", "a.jsonl"]).expect(0);
    server.run(&["restore", "a.jsonl", &server.graph("t2")]).expect(0);
    let ends = "print(sorted(map(str, g.gremlin('g.V().toList().collect{[it.id().toString(), it.expiredTime()]}'))))";
    let [one, other] = ["t1", "t2"].map(|graph| server.python(graph, ends));
    assert!(one.contains("4731436800019"), "{one}");
    assert_eq!(one, other);
}

/// A backup that a real server's tool wrote, in the layout of hugegraph-tools.
#[test]
fn the_backup_of_a_real_server_is_restored() {
    let server = Server::new();
    let backup = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hugegraph-1.5.0");
    server.run(&["restore", backup, &server.graph("t1")]).expect(0);
    server.run(&["dump", &server.graph("t1"), "-o", "again", "--format", "hugegraph"]).expect(0);
    let verified = server.run(&["verify", backup, "again"]).expect(0);
    assert!(verified.text().starts_with("equal: 41 nodes, 7 relationships"), "{}", verified.text());
}
