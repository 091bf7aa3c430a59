//! What goes wrong elsewhere, and here on a real server does not: busy servers, bad lines, other zones, large values, other writers.

use super::support::dump::{graph_of, plain};
use super::support::graph::Relationship;
use super::{Kept, PEOPLE, Server, many, script};
use graphferry::format::jsonl;
use graphferry::model::Value;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A proxy in front of the server (tests/witness/hugegraph_proxy.py).
struct Proxy {
    url: String,
    file: PathBuf,
    _child: Kept,
}

impl Proxy {
    fn new(server: &Server, options: &[&str]) -> Self {
        let file = server.folder.path().join("proxy.json");
        // That of an earlier one says nothing of this one.
        let _ = std::fs::remove_file(&file);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/witness/hugegraph_proxy.py");
        let mut command = Command::new("python3");
        command.arg(script).arg(&server.url).arg(&file).args(options).env("PYTHONDONTWRITEBYTECODE", "1");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { url: url.trim().to_owned(), file, _child: Kept(child) }
    }

    fn graph(&self, name: &str) -> String {
        format!("{}/{name}", self.url)
    }

    /// Whether the request was met that is never answered.
    fn has_stalled(&self) -> bool {
        self.file.exists() && self.count("stalled") > 0
    }

    fn count(&self, what: &str) -> u64 {
        let counts: serde_json::Value = serde_json::from_slice(&std::fs::read(&self.file).unwrap()).unwrap();
        counts[what].as_u64().unwrap()
    }
}

/// A server that a test starts for itself, and stops.
struct Own(String);

impl Own {
    fn start(options: &[&str]) -> (Self, Server) {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let own = Self(format!("test-own-{}", std::process::id()));
        let url = script(&[&["start", &own.0, &free.to_string()], options].concat()).trim().to_owned();
        (own, Server { url, folder: tempfile::tempdir().unwrap(), _turn: None })
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        script(&["stop", &self.0]);
        let home = PathBuf::from(script(&["home", &self.0]).trim());
        let _ = home.parent().map(std::fs::remove_dir_all);
    }
}

/// G5: a server that rejects whatever comes while it is at work.
#[test]
fn a_server_with_one_worker_loses_nothing() {
    let server = Server::new();
    many(&server);
    // It rejects the request that would make it two.
    let (_own, busy) = Own::start(&["--workers", "2"]);
    std::fs::copy(server.folder.path().join("g.jsonl"), busy.folder.path().join("g.jsonl")).unwrap();
    let proxy = Proxy::new(&busy, &[]);
    busy.run(&["restore", "g.jsonl", &proxy.graph("t2"), "--jobs", "8", "--batch-size", "100"]).expect(0);
    let rejected = proxy.count("busy");
    assert!(rejected > 20, "it rejected {rejected} requests");
    assert_eq!(busy.counts("t2"), "14000 2000");
    busy.run(&["dump", &proxy.graph("t2"), "-o", "again.jsonl", "--requests", "8"]).expect(0);
    busy.run(&["verify", "g.jsonl", "again.jsonl"]).expect(0);
    assert_eq!(server.witness("t1", &["--data"]), busy.witness("t2", &["--data"]));
}

/// G5, with a proxy that does the same at every request.
#[test]
fn a_server_that_rejects_at_its_limit_loses_nothing() {
    let server = Server::new();
    many(&server);
    let proxy = Proxy::new(&server, &["--limit", "2"]);
    server.run(&["restore", "g.jsonl", &proxy.graph("t2"), "--requests", "8", "--batch-size", "200"]).expect(0);
    assert!(proxy.count("refused") > 20, "it rejected {} requests", proxy.count("refused"));
    assert_eq!(server.counts("t2"), "14000 2000");
    server.run(&["dump", &proxy.graph("t2"), "-o", "again.jsonl", "--requests", "8"]).expect(0);
    server.run(&["verify", "g.jsonl", "again.jsonl"]).expect(0);
    server.assert_equal("t1", "t2");
}

/// G7: dates that were written by a server in another zone, also such as no clock of this one has ever shown.
#[test]
fn dates_keep_their_instants_whatever_the_zones() {
    let server = Server::new();
    server.python(
        "t1",
        "
g('POST', '/schema/propertykeys', {'name': 'at', 'data_type': 'DATE', 'cardinality': 'SINGLE'})
g('POST', '/schema/vertexlabels', {'name': 'dated', 'id_strategy': 'CUSTOMIZE_NUMBER', 'properties': ['at'], 'nullable_keys': [], 'enable_label_index': True})
at = [1717243200123, 1710018000000, 1710055800000, 0, -1, -4000000000000, -12219292800000, -12219292800001, -62135596800000, 253402300800000, 951782400000]
g('POST', '/graph/vertices/batch', [{'label': 'dated', 'id': i, 'properties': {'at': at}} for i, at in enumerate(at)])",
    );
    server.run(&["dump", &server.graph("t1"), "-o", "g.jsonl"]).expect(0);
    let zone = ["--format", "hugegraph", "--output-timezone", "Asia/Kolkata", "--compress", "none"];
    server.run(&[&["convert", "g.jsonl", "theirs"], &zone[..]].concat()).expect(0);
    let folder = server.folder.path().join("theirs");
    // 02:30 on the day on which New York's clocks go from 02:00 to 03:00.
    let vertices = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let vertices = vertices.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("vertices"));
    let text: String = vertices.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert!(text.contains("\"2024-03-10 02:30:00.000\""), "{text}");
    let instants =
        "print(sorted(map(str, g.gremlin(\"g.V().toList().collect{[it.id(), it.value('at').getTime()]}\"))))";
    let expected = server.python("t1", instants);
    assert!(expected.contains("-12219292800001"), "{expected}");
    server.run(&["restore", "theirs", &server.graph("t2")]).expect(0);
    assert_eq!(server.python("t2", instants), expected);
    // As the official tool leaves it: without a word about the zone.
    std::fs::remove_file(folder.join("graphferry.json")).unwrap();
    server.empty("t2");
    server.run(&["restore", "theirs", &server.graph("t2"), "--timezone", "Asia/Kolkata"]).expect(0);
    assert_eq!(server.python("t2", instants), expected);
}

/// G10: what is no row and no schema element.
#[test]
fn variables_are_carried() {
    let server = Server::new();
    let set = "for name, value in [('whole', 9007199254740993), ('text', 'a\"é'), ('list', ['b', 'a']), ('flag', True)]: g('PUT', f'/variables/{name}', {'data': value})";
    server.python("t1", &format!("{PEOPLE}\nadd('text', 'x')\n{set}"));
    server.run(&["copy", &server.graph("t1"), &server.graph("t2")]).expect(0);
    let read = "print(json.dumps(g('GET', '/variables'), sort_keys=True))";
    let variables = server.python("t1", read);
    assert!(variables.contains("9007199254740993"), "{variables}");
    assert_eq!(server.python("t2", read), variables);
}

/// What no type here holds is told, and a graph that has it can still be written to.
#[test]
fn numbers_that_would_become_others_are_refused() {
    let server = Server::new();
    let key = "g('POST', '/schema/propertykeys', {'name': 'large', 'data_type': 'TEXT', 'cardinality': 'SINGLE', 'user_data': {'n': 18446744073709551616}})";
    server.python("t1", &format!("{PEOPLE}\nadd('text', 'x')"));
    server.run(&["dump", &server.graph("t1"), "-o", "g.jsonl"]).expect(0);
    server.python("t2", key);
    server.run(&["merge", "g.jsonl", &server.graph("t2")]).expect(0);
    assert!(server.python("t2", "print(g('GET', '/schema/propertykeys/large'))").contains("18446744073709551616"));
    let refused = server.run(&["dump", &server.graph("t2"), "-o", "again.jsonl"]).expect(4);
    assert!(refused.stderr.contains("18446744073709551616 does not fit"), "{refused:?}");
}

/// G11, G14: requests that fail on the way are asked again, each page counts once; and what fails for good is no backup.
#[test]
fn what_fails_on_the_way_is_asked_again() {
    let server = Server::new();
    many(&server);
    let proxy = Proxy::new(&server, &["--fail", "4"]);
    server.run(&["dump", &proxy.graph("t1"), "-o", "again.jsonl"]).expect(0);
    assert!(proxy.count("failed") >= 3, "{}", proxy.count("failed"));
    server.run(&["verify", "g.jsonl", "again.jsonl"]).expect(0);
    let before = proxy.count("failed");
    server.run(&["restore", "g.jsonl", &proxy.graph("t2")]).expect(0);
    assert!(proxy.count("failed") >= before + 6, "{} and {before}", proxy.count("failed"));
    assert_eq!(server.counts("t2"), "14000 2000");
    server.assert_equal("t1", "t2");
    assert_eq!(server.mode("t2"), "NONE");
    let proxy = Proxy::new(&server, &["--refuse", "/traversers/edges/scan"]);
    let failed = server.run(&["dump", &proxy.graph("t1"), "-o", "never.jsonl"]);
    assert!(failed.code != 0 && !server.folder.path().join("never.jsonl").exists(), "{failed:?}");
}

/// G13: values of a megabyte each, a page of which would fill the memory.
#[test]
fn large_values_go_page_by_page() {
    let server = Server::new();
    server.python(
        "t1",
        "
import random
g('POST', '/schema/propertykeys', {'name': 'blob', 'data_type': 'BLOB', 'cardinality': 'SINGLE'})
g('POST', '/schema/vertexlabels', {'name': 'file', 'id_strategy': 'CUSTOMIZE_NUMBER', 'properties': ['blob'], 'nullable_keys': [], 'enable_label_index': True})
piece = base64.b64encode(random.Random(1).randbytes(3 << 10)).decode()
for i in range(24):
    g('POST', '/graph/vertices/batch', [{'label': 'file', 'id': i, 'properties': {'blob': base64.b64encode(i.to_bytes(3, 'big')).decode() + piece * 340}}])",
    );
    let proxy = Proxy::new(&server, &[]);
    // The peak of a child's memory, as the system counts it, in MiB.
    let measure = "import resource, subprocess; print(subprocess.run(sys.argv[4:]).returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)";
    let run = |arguments: &[&str]| {
        let mut command = server.python_command("t1", measure);
        command.arg(env!("CARGO_BIN_EXE_graphferry")).args(arguments).current_dir(server.folder.path());
        let output = command.env("GRAPHFERRY_STATE", server.folder.path().join("state")).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let (code, peak) = said.trim().lines().last().unwrap().split_once(' ').unwrap();
        assert_eq!(code, "0", "{said} {}", String::from_utf8_lossy(&output.stderr));
        peak.parse::<u64>().unwrap()
    };
    let dumping = run(&["dump", &proxy.graph("t1"), "-o", "g.jsonl"]);
    let restoring = run(&["restore", "g.jsonl", &proxy.graph("t2")]);
    assert!(dumping <= 192 && restoring <= 192, "{dumping} MiB, {restoring} MiB");
    let blobs = "print([hashlib.sha256(g('GET', f'/graph/vertices/{i}')['properties']['blob'].encode()).hexdigest() for i in range(24)])";
    assert_eq!(server.python("t2", blobs), server.python("t1", blobs));
    assert!(proxy.count("largest") < 24 << 20, "an answer of {} bytes", proxy.count("largest"));
}

/// Somebody writes between the vertices and the edges of a dump.
const MEANWHILE: &str = "
g('POST', '/graph/vertices/batch', [{'label': 'text', 'id': 'late ' + 'x' * 1800 + str(i), 'properties': {}} for i in range(5)])
g('POST', '/graph/edges/batch?check_vertex=false', [{'label': 'has', 'outV': 1, 'outVLabel': 'auto', 'inV': 'late ' + 'x' * 1800 + str(i), 'inVLabel': 'text', 'properties': {}} for i in range(5)])";

#[test]
fn ends_that_others_write_meanwhile_are_fetched_told_or_refused() {
    let server = Server::new();
    let rows = "g('PUT', '/mode', 'RESTORING'); add('auto', 1); g('PUT', '/mode', 'NONE'); add('text', 'x'); join('has', 'auto', 1, 'text', 'x')";
    for (option, code, expected) in [("report", 3, "2 nodes, 1 rel"), ("fetch", 0, "7 nodes, 6 rel"), ("refuse", 4, "")]
    {
        server.empty("t1");
        server.python("t1", &format!("{PEOPLE}\n{rows}"));
        let proxy = Proxy::new(&server, &["--before", "/traversers/edges/", "t1", MEANWHILE]);
        let dumped = server.run(&["dump", &proxy.graph("t1"), "-o", "g.jsonl", "--force", "--dangling", option]);
        let dumped = dumped.expect(code);
        assert_eq!(server.counts("t1"), "7 6", "somebody has written meanwhile");
        assert!(dumped.stderr.contains(expected) || dumped.text().contains(expected), "{option}: {dumped:?}");
        if option == "fetch" {
            server.run(&["restore", "g.jsonl", &server.graph("t2")]).expect(0);
            server.assert_equal("t1", "t2");
        }
    }
    // What is gone for good cannot be fetched, and is told.
    server.python("t1", "g.gremlin(\"g.V('x').next().remove()\"); g('POST', '/graph/edges/batch?check_vertex=false', [{'label': 'has', 'outV': 1, 'outVLabel': 'auto', 'inV': 'x', 'inVLabel': 'text', 'properties': {}}])");
    let dumped =
        server.run(&["dump", &server.graph("t1"), "-o", "g.jsonl", "--force", "--dangling", "fetch"]).expect(3);
    assert!(dumped.stderr.contains("Sx"), "{}", dumped.stderr);
}

#[test]
fn ctrl_c_puts_the_mode_back() {
    let server = Server::new();
    many(&server);
    let graph = server.graph("t2");
    let interrupt = |mut begun: Kept| {
        assert!(Command::new("kill").args(["-INT", &begun.0.id().to_string()]).status().unwrap().success());
        assert_eq!(begun.0.wait().unwrap().code(), Some(130));
    };
    let restoring = server.begin("restore", Stdio::null());
    assert_eq!(server.mode("t2"), "RESTORING");
    interrupt(restoring);
    assert_ne!(server.counts("t2"), "14000 2000", "it was interrupted on the way");
    assert_eq!(server.mode("t2"), "NONE");
    // A merge as well; the next one goes on with it.
    server.empty("t2");
    std::fs::remove_dir_all(server.folder.path().join("state")).unwrap();
    let merging = server.begin("merge", Stdio::null());
    assert_eq!(server.mode("t2"), "MERGING");
    interrupt(merging);
    assert_eq!(server.mode("t2"), "NONE");
    let refused = server.run(&["merge", "g.jsonl", &graph]).expect(4);
    let run = refused.stderr.split("--resume ").nth(1).unwrap().split(',').next().unwrap().to_owned();
    server.run(&["merge", "g.jsonl", &graph, "--resume", &run]).expect(0);
    assert_eq!(server.counts("t2"), "14000 2000");
    assert_eq!(server.mode("t2"), "NONE");
}

/// What a kill has left is told, and can be given up.
#[test]
fn a_run_that_was_killed_is_given_up_and_the_mode_put_back() {
    let server = Server::new();
    many(&server);
    let graph = server.graph("t2");
    server.begin("restore", Stdio::null()).kill();
    assert_eq!(server.mode("t2"), "RESTORING");
    let refused = server.run(&["merge", "g.jsonl", &graph]).expect(4);
    assert!(refused.stderr.contains("puts the graph's mode back"), "{}", refused.stderr);
    let run = refused.stderr.split("--forget ").nth(1).unwrap().split(',').next().unwrap().to_owned();
    server.run(&["runs", &graph, "--forget", &run]).expect(0);
    assert_eq!(server.mode("t2"), "NONE");
    assert!(server.run(&["runs", &graph]).expect(0).text().is_empty());
}

/// Two people and their edges: one that both graphs have alike, two that they have otherwise, and one that only the dump has.
fn pairs(is_dump: bool) -> String {
    let rows = match is_dump {
        true => {
            "joins('knows', 'Ann', 'Bob', age=1)\njoins('rated', 'Ann', 'Bob', code='a', age=1, note='new')\njoins('rated', 'Ann', 'Bob', code='b', age=2)"
        }
        false => "joins('knows', 'Ann', 'Bob', age=2, note='kept')\njoins('rated', 'Ann', 'Bob', code='a', age=5)",
    };
    format!(
        "{PEOPLE}
g('POST', '/schema/edgelabels', {{'name': 'rated', 'source_label': 'person', 'target_label': 'person', 'properties': ['code', 'age', 'note'],
    'nullable_keys': ['age', 'note'], 'frequency': 'MULTIPLE', 'sort_keys': ['code'], 'enable_label_index': True}})
add('person', name='Ann'); add('person', name='Bob')
N = str(g('GET', '/schema/vertexlabels/person')['id'])
def joins(label, a, b, **properties): join(label, 'person', N + ':' + a, 'person', N + ':' + b, **properties)
joins('knows', 'Bob', 'Ann', age=7)
{rows}"
    )
}

/// What the edges are, as the server tells it: label, start, end and properties.
const EDGES: &str = "for e in sorted(json.dumps([e['label'], e['outV'].split(':')[1], e['inV'].split(':')[1], e['properties']], sort_keys=True) for e in g('GET', '/graph/edges?limit=-1')['edges']): print(e)";

#[test]
fn edges_that_are_there_are_kept_overwritten_or_filled_and_put_back() {
    let server = Server::new();
    server.python("t1", &pairs(true));
    // Other numbers for the same labels.
    let first = "g('POST', '/schema/vertexlabels', {'name': 'first', 'id_strategy': 'AUTOMATIC', 'properties': []})";
    server.python("t2", first);
    server.python("t2", &pairs(false));
    server.run(&["dump", &server.graph("t1"), "-o", "a.jsonl"]).expect(0);
    let (graph, before) = (server.graph("t2"), server.witness("t2", &["--data"]));
    let merge = |options: &[&str]| server.run(&[&["merge", "a.jsonl", &graph], options].concat());
    let undo = || {
        let run = server.run(&["runs", &graph]).expect(0).text().split_whitespace().next().unwrap().to_owned();
        server.run(&["undo", &run, &graph])
    };
    let new = r#"["rated", "Ann", "Bob", {"age": 2, "code": "b"}]"#;
    let same = r#"["knows", "Bob", "Ann", {"age": 7}]"#;
    for (policy, knows, rated, counts) in [
        ("skip", r#"{"age": 2, "note": "kept"}"#, r#"{"age": 5, "code": "a"}"#, ", 3 relationships that were there"),
        (
            "overwrite",
            r#"{"age": 1, "note": "kept"}"#,
            r#"{"age": 1, "code": "a", "note": "new"}"#,
            ", 2 relationships changed that were there, 1 relationships that were there",
        ),
        (
            "fill",
            r#"{"age": 2, "note": "kept"}"#,
            r#"{"age": 5, "code": "a", "note": "new"}"#,
            ", 1 relationships changed that were there, 2 relationships that were there",
        ),
    ] {
        let planned = merge(&["--on-conflict", policy, "--dry-run"]).expect(0);
        assert!(
            planned.text().contains("found       2 relationships are there with other properties: "),
            "{planned:?}"
        );
        assert_eq!(server.witness("t2", &["--data"]), before);
        let merged = merge(&["--on-conflict", policy, "--undoable"]).expect(0);
        assert!(format!("{}{}", merged.text(), merged.stderr).contains(counts), "{policy}: {merged:?}");
        let expected = [
            same.to_owned(),
            format!(r#"["knows", "Ann", "Bob", {knows}]"#),
            format!(r#"["rated", "Ann", "Bob", {rated}]"#),
            new.to_owned(),
        ];
        let found: BTreeSet<String> = server.python("t2", EDGES).lines().map(str::to_owned).collect();
        assert_eq!(found, BTreeSet::from(expected), "{policy}");
        undo().expect(0);
        assert_eq!(server.witness("t2", &["--data"]), before, "{policy}");
    }
    // What others have changed since is left and told; what they have deleted is gone.
    merge(&["--on-conflict", "overwrite", "--undoable"]).expect(0);
    server.python("t2", &format!("{PEOPLE_ROWS}\nN = str(g('GET', '/schema/vertexlabels/person')['id'])\njoin('knows', 'person', N + ':Ann', 'person', N + ':Bob', age=1, note='theirs')"));
    let undone = undo().expect(3);
    assert!(undone.stderr.contains("1 changes of relationships put back"), "{undone:?}");
    let left = server.python("t2", EDGES);
    assert_eq!(
        left,
        format!(
            "{}\n{same}\n{}\n",
            r#"["knows", "Ann", "Bob", {"age": 1, "note": "theirs"}]"#,
            r#"["rated", "Ann", "Bob", {"age": 5, "code": "a"}]"#
        )
    );
    // Without --undoable nobody knows what they were.
    merge(&["--on-conflict", "overwrite", "--keep-ledger"]).expect(0);
    let refused = undo().expect(4);
    assert!(refused.stderr.contains("did not keep what they were"), "{}", refused.stderr);
    assert_eq!(server.mode("t2"), "NONE");
}

#[test]
fn edges_that_would_replace_others_are_found_before_the_first_write() {
    let server = Server::new();
    server.python("t1", &pairs(true));
    server.python("t2", &pairs(false));
    server.run(&["dump", &server.graph("t1"), "-o", "a.jsonl"]).expect(0);
    let (graph, before) = (server.graph("t2"), server.witness("t2", &[]));
    server.run(&["merge", "a.jsonl", &graph]).expect(4);
    assert_eq!(server.witness("t2", &[]), before);
    // Any that joins the two is kept where that was asked for.
    let once = ["merge", "a.jsonl", &graph, "--on-conflict", "overwrite", "--relationships", "once"];
    server.run(&once).expect(0);
    assert_eq!(server.witness("t2", &[]), before);
    // Two of the dump in one place.
    let mut graph_with_two = graph_of(&std::fs::read(server.folder.path().join("a.jsonl")).unwrap());
    let is_one = |edge: &&Relationship| edge.4.get("note") == Some(&Value::from("new"));
    let mut other = graph_with_two.relationships.iter().find(is_one).unwrap().clone();
    other.0 = 99;
    other.4.insert("age".to_owned(), Value::Integer(9));
    graph_with_two.relationships.push(other);
    std::fs::write(server.folder.path().join("twice.jsonl"), plain(&jsonl::encoder(), &graph_with_two)).unwrap();
    let merge = |options: &[&str]| server.run(&[&["merge", "twice.jsonl", &graph], options].concat());
    for policy in ["skip", "overwrite"] {
        let told = merge(&["--on-conflict", policy]).expect(4);
        assert!(told.stderr.contains("as another one of the dump"), "{}", told.stderr);
        assert_eq!(server.witness("t2", &[]), before);
    }
    server.empty("t2");
    let told = merge(&["--dry-run"]).expect(4);
    assert!(told.text().contains("2 relationships would replace others"), "{told:?}");
    for options in [&[][..], &["--quarantine", "aside.jsonl"]] {
        let told = merge(options).expect(4);
        assert!(told.stderr.contains("as another one of the dump"), "{}", told.stderr);
        assert_eq!(server.counts("t2"), "0 0");
    }
}

/// The server has done what was asked, and the tool is killed before it hears of it.
#[test]
fn a_merge_that_is_killed_changes_each_edge_once_and_can_be_undone() {
    let server = Server::new();
    let rows = |is_dump: bool| {
        format!(
            "{PEOPLE}
g('POST', '/schema/edgelabels', {{'name': 'next', 'source_label': 'number', 'target_label': 'number', 'properties': ['age', 'note'],
    'nullable_keys': ['age', 'note'], 'frequency': 'SINGLE', 'enable_label_index': True}})
g('POST', '/graph/vertices/batch', [{{'label': 'number', 'id': i, 'properties': {{}}}} for i in range(301)])
g('POST', '/graph/edges/batch?check_vertex=false', [{{'label': 'next', 'outV': i, 'outVLabel': 'number', 'inV': i + 1, 'inVLabel': 'number', 'properties': {rows}}} for i in range({count})])",
            rows = if is_dump { "{'age': i}" } else { "{'age': -i, 'note': f'kept {i}'} if i % 3 else {'age': i}" },
            count = if is_dump { 300 } else { 200 },
        )
    };
    server.python("t1", &rows(true));
    server.python("t2", &rows(false));
    server.run(&["dump", &server.graph("t1"), "-o", "a.jsonl"]).expect(0);
    let before = server.witness("t2", &["--data"]);
    let edges = "print(sorted((e['outV'], e['inV'], sorted(e['properties'].items())) for e in g('GET', '/graph/edges?limit=-1')['edges']))";
    let expected = "print([(i, i + 1, [('age', i)] + ([('note', f'kept {i}')] if i % 3 and i < 200 else [])) for i in range(300)])";
    let expected = server.python("t2", expected);
    for policy in ["overwrite", "fill"] {
        let stalled = if policy == "overwrite" { "4" } else { "2" };
        let proxy = Proxy::new(&server, &["--stall", "/graph/edges/batch", stalled]);
        let graph = proxy.graph("t2");
        let mut merging = server.command();
        merging.args([
            "merge",
            "a.jsonl",
            &graph,
            "--on-conflict",
            policy,
            "--undoable",
            "--batch-size",
            "40",
            "--jobs",
            "1",
        ]);
        let mut merging = Kept(merging.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let since = Instant::now();
        while !proxy.has_stalled() {
            assert!(since.elapsed() < Duration::from_secs(60));
        }
        merging.kill();
        let runs = server.run(&["runs", &graph]).expect(0);
        let run = runs.text().split_whitespace().next().unwrap_or_else(|| panic!("{runs:?}")).to_owned();
        let refused = server.run(&["undo", &run, &graph]).expect(4);
        assert!(refused.stderr.contains("1 batches of the run"), "{}", refused.stderr);
        let merged = server.run(&["merge", "a.jsonl", &graph, "--resume", &run]).expect(0);
        let counts = match policy {
            "overwrite" => ", 133 relationships changed that were there, 67 relationships that were there",
            _ => ", 200 relationships that were there",
        };
        let said = format!("{}{}", merged.text(), merged.stderr);
        assert!(said.contains("0 nodes, 100 relationships, ") && said.contains(counts), "{said}");
        if policy == "overwrite" {
            assert_eq!(server.python("t2", edges), expected);
        }
        server.run(&["undo", &run, &graph]).expect(0);
        assert_eq!(server.witness("t2", &["--data"]), before, "{policy}");
    }
}

#[test]
fn ids_of_primary_keys_that_are_taken_are_found_before_the_first_write() {
    let server = Server::new();
    server.python("t1", &format!("{PEOPLE}\nadd('person', name='An:n')"));
    server.run(&["dump", &server.graph("t1"), "-o", "a.jsonl"]).expect(0);
    let graph = server.graph("t2");
    // A text of another label that is just that id.
    server.python(
        "t2",
        &format!(
            "{PEOPLE}\nN = g('GET', '/schema/vertexlabels/person')['id']\nadd('text', f'{{N}}:An`:n', note='kept')"
        ),
    );
    let before = server.witness("t2", &[]);
    let told = server.run(&["merge", "a.jsonl", &graph]).expect(4);
    assert!(told.stderr.contains(":An`:n\", which a vertex of the label \"text\""), "{}", told.stderr);
    assert_eq!(server.witness("t2", &[]), before);
    // The label is not there yet, and nobody knows which number it will have.
    server.empty("t2");
    server.python(
        "t2",
        "
g('POST', '/schema/vertexlabels', {'name': 'words', 'id_strategy': 'CUSTOMIZE_STRING', 'properties': []})
g('POST', '/graph/vertices/batch', [{'label': 'words', 'id': f'{n}:An`:n', 'properties': {}} for n in range(1, 20)])",
    );
    let told = server.run(&["merge", "a.jsonl", &graph]).expect(4);
    assert!(told.stderr.contains("may get the id"), "{}", told.stderr);
    assert_eq!(server.counts("t2"), "19 0");
    // Where none of them can be meant, nothing is in the way.
    server.python("t2", "[g('DELETE', '/graph/vertices/' + quote(f'\"{n}:An`:n\"')) for n in range(2, 20)]");
    server.run(&["merge", "a.jsonl", &graph]).expect(0);
    assert_eq!(server.counts("t2"), "2 0");
}

#[test]
fn a_merge_with_edges_of_others_is_undone_but_for_what_they_hold() {
    let server = Server::new();
    server.python("t1", &format!("{PEOPLE}\ng('POST', '/graph/vertices/batch', [{{'label': 'text', 'id': f't{{i}}', 'properties': {{}}}} for i in range(1300)])\na = add('auto')\ng('POST', '/graph/edges/batch?check_vertex=false', [{{'label': 'has', 'outV': a, 'outVLabel': 'auto', 'inV': f't{{i}}', 'inVLabel': 'text', 'properties': {{'age': i}}}} for i in range(1200)])\nadd('uuid', '00000000-0000-0000-0000-000000000007')"));
    server.run(&["dump", &server.graph("t1"), "-o", "a.jsonl"]).expect(0);
    let graph = server.graph("t2");
    server.run(&["merge", "a.jsonl", &graph, "--undoable"]).expect(0);
    // An edge of somebody else, at a vertex that the merge made, and a vertex that somebody has changed.
    server.python("t2", &format!("{PEOPLE_ROWS}\nb = add('auto', note='theirs')\njoin('has', 'auto', b, 'text', 't5')\nadd('text', 't6', note='changed')"));
    let runs = server.run(&["runs", &graph]).expect(0).text();
    let undone = server.run(&["undo", runs.split_whitespace().next().unwrap(), &graph]);
    assert_eq!(server.counts("t2"), "3 1", "{undone:?}");
    let left = server.python(
        "t2",
        "print(sorted(map(str, g.gremlin('g.V().id().toList()')))[-2:], g.gremlin('g.E().inV().id().toList()'))",
    );
    assert_eq!(left.trim(), "['t5', 't6'] ['t5']");
    assert_eq!(server.mode("t2"), "NONE");
}

/// The part of [`PEOPLE`] that makes rows.
const PEOPLE_ROWS: &str = r#"
def add(label, id_=None, **properties):
    row = {"label": label, "properties": properties}
    if id_ is not None: row["id"] = id_
    return g("POST", "/graph/vertices/batch", [row])[0]
def join(label, a, x, b, y, **properties):
    g("POST", "/graph/edges/batch?check_vertex=false", [{"label": label, "outV": x, "outVLabel": a, "inV": y, "inVLabel": b, "properties": properties}])
"#;
