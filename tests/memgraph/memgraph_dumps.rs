//! Memgraph's own dumps of every version: read as data, with what they got wrong repaired and told; and dumps for every version, with what it does
//! not have named.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use crate::support;

use graphferry::ErrorKind;
use graphferry::cypher::{Dialect, Version};
use graphferry::format::cypherl::{self, Options};
use graphferry::format::{Earlier, Encoder as _};
use graphferry::model::{IndexKind, SchemaObject, Value};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use support::cypherl::{Found, Pieces, read, read_after, write};
use support::{Graph, Same};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// Our own dumps, made by hand from the templates of each version.
fn versions() -> Vec<(Version, Vec<u8>)> {
    let mut all: Vec<(Version, Vec<u8>)> = std::fs::read_dir(folder("memgraph-dumps"))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let version = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
            (version, std::fs::read(path).unwrap())
        })
        .collect();
    all.sort();
    assert_eq!(all.len(), 12);
    all
}

fn options(target: Version) -> Options {
    Options { target: Some(target), ..Options::new(Dialect::Memgraph) }
}

/// What `CREATE (`, `MATCH (u:` and the other lines count to, told from the text by other means than our lexer.
fn expected_counts(text: &str) -> (usize, usize, usize) {
    let count = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
    let nodes = count("CREATE (:__mg_vertex__");
    let relationships = count("MATCH (u:__mg_vertex__)");
    let helper =
        count("CREATE INDEX ON :__mg_vertex__") + count("DROP INDEX ON :__mg_vertex__") + count("MATCH (u) REMOVE");
    let other = ["CREATE ", "MATCH ", "DROP ", "ENABLE ", "SET "].into_iter().map(count).sum::<usize>();
    (nodes, relationships, other - nodes - relationships - helper)
}

/// Reads a dump as data alone, as the text counts it.
fn read_whole(name: &str, bytes: Vec<u8>, earlier: &Earlier) -> Found {
    let (nodes, relationships, objects) = expected_counts(std::str::from_utf8(&bytes).unwrap());
    let found = read_after(Pieces(Cursor::new(bytes), 11), earlier).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    assert_eq!(found.statements, [], "{name}");
    let counts = (found.graph.nodes.len(), found.graph.relationships.len(), found.graph.schema.objects.len());
    assert_eq!(counts, (nodes, relationships, objects), "{name}");
    // A schema alone could be any system's.
    assert_eq!(found.header.source.product, if nodes > 0 { "memgraph" } else { "cypher" }, "{name}");
    assert_eq!(found.warnings[0], "the dump has no trailer: nothing tells whether it is whole", "{name}");
    found
}

fn same_schema(name: &str, a: &Graph, b: &Graph) {
    assert_eq!(a.schema.objects.len(), b.schema.objects.len(), "{name}");
    for object in &a.schema.objects {
        assert!(b.schema.objects.iter().any(|other| object.is_same_as(other)), "{name}: {object:?} is not in {b:?}");
    }
}

/// Writes a graph for a version, one item a statement and several, and reads it again.
fn comes_back(name: &str, graph: &Graph, target: Version) {
    for rows in [1, 2, 8192] {
        let bytes = write(graph, Options { rows, ..options(target) })
            .unwrap_or_else(|error| panic!("{name} for {target}: {error:?}"));
        let again = read(Cursor::new(bytes)).unwrap();
        assert_eq!((&again.statements[..], &again.warnings[..]), (&[][..], &[][..]), "{name}");
        let bare = |graph: &Graph| Graph { schema: Default::default(), ..graph.clone() };
        let mut sorted = (bare(graph), bare(&again.graph));
        if rows > 1 {
            // Items are put together by kind; a relationship is told by all that it has.
            for graph in [&mut sorted.0, &mut sorted.1] {
                graph.nodes.sort_by_key(|node| node.0);
                graph.relationships.iter_mut().for_each(|relationship| relationship.0 = 0);
                graph.relationships.sort_by_key(|relationship| format!("{relationship:?}"));
            }
        }
        sorted.0.assert_same(&sorted.1, Same { ids: false, order: true });
        same_schema(name, graph, &again.graph);
    }
}

#[test]
fn dumps_of_every_version_are_read_and_written_for_that_version() {
    for (version, bytes) in versions() {
        let name = version.to_string();
        let found = read_whole(&name, bytes, &Earlier::default());
        comes_back(&name, &found.graph, version);
    }
}

/// The recorded dumps of Memgraph's own durability tests: not a part of this project.
#[test]
fn recorded_dumps_of_every_version_are_read_and_written_for_that_version() {
    let shared = std::env::var("GRAPHFERRY_TEST_VECTORS")
        .map_or_else(|_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors"), PathBuf::from);
    let shared = shared.join("memgraph-durability");
    if !shared.is_dir() {
        println!("not tested: {} is not there", shared.display());
        return;
    }
    let releases = [
        ("v14", "2.7"),
        ("v16", "2.15"),
        ("v18", "2.18"),
        ("v20", "2.20"),
        ("v22", "3.0"),
        ("v24", "3.2"),
        ("v26", "3.4"),
        ("v28", "3.5"),
        ("v30", "3.5"),
        ("v32", "3.8"),
        ("v34", "3.10"),
        ("v36", "3.12"),
    ];
    let mut seen = 0;
    for (folder, release) in releases {
        for entry in std::fs::read_dir(shared.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.display().to_string();
            if !name.contains(".expected_") {
                continue;
            }
            let found = read_whole(&name, std::fs::read(&path).unwrap(), &Earlier::default());
            comes_back(&name, &found.graph, release.parse().unwrap());
            if name.ends_with("v36/test_all.expected_snapshot.cypher") {
                as_memgraph_writes(&found.graph, &std::fs::read_to_string(&path).unwrap());
            }
            seen += 1;
        }
    }
    assert!(seen >= 100, "{seen} dumps");
}

/// What we write is what Memgraph writes, line by line, but for the points of coordinates.
fn as_memgraph_writes(graph: &Graph, theirs: &str) {
    let ours = String::from_utf8(write(graph, Options::new(Dialect::Memgraph)).unwrap()).unwrap();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (ours, theirs) = (lines(&ours), lines(theirs));
    let ours = &ours[1..ours.len() - 1];
    let pointless = |line: &String| line.replace(".0,", ",").replace(".0 })", " })");
    let data = |lines: &[String]| {
        lines.iter().take_while(|line| !line.starts_with("MATCH (u) REMOVE")).map(pointless).collect::<Vec<_>>()
    };
    assert_eq!(data(ours), data(&theirs));
    let schema = |lines: &[String]| {
        let mut after: Vec<_> =
            lines.iter().skip_while(|line| !line.starts_with("MATCH (u) REMOVE")).cloned().collect();
        after.sort();
        after
    };
    assert_eq!(schema(ours), schema(&theirs));
}

#[test]
fn what_we_write_for_memgraph_is_what_memgraph_writes() {
    // Without the values that Memgraph writes in a form that it cannot read.
    let text = String::from_utf8(versions().pop().unwrap().1).unwrap();
    let text: String = text
        .replace(", `big`: 1e+17", "")
        .replace(", `small`: 9.9999999999999995e-08", "")
        .replace(", `least`: -9223372036854775808, `no`: -nan, `endless`: -inf, `zero`: -0", "")
        .replace("1e-07", "1e-7")
        .replace("0.33333333333333331", "0.3333333333333333")
        .replace("LOCAL TIME", "LOCALTIME")
        .replace("LOCAL DATE TIME", "LOCALDATETIME")
        .replace("ZONED DATE TIME", "ZONEDDATETIME")
        .replace("TYPED BOOL;", "TYPED BOOLEAN;");
    let found = read(Cursor::new(text.clone().into_bytes())).unwrap();
    as_memgraph_writes(&found.graph, &text);
}

/// Every version refuses what came after it, by name; the file of the version itself proves that nothing else is refused.
#[test]
fn what_a_version_does_not_have_is_named() {
    let newest = versions().pop().unwrap().1;
    let graph = read(Cursor::new(newest)).unwrap().graph;
    let lost = |target: &str| -> Vec<String> {
        let encoder = cypherl::encoder(options(target.parse().unwrap())).unwrap();
        let capability = encoder.capability();
        let losses = capability.schema_losses(&graph.schema);
        // The encoder itself refuses each of them too.
        for object in &graph.schema.objects {
            let alone =
                Graph { schema: graphferry::model::Schema { objects: vec![object.clone()] }, ..Graph::default() };
            let written = write(&alone, options(target.parse().unwrap()));
            assert_eq!(written.is_ok(), capability.holds(object), "{object:?} for {target}");
        }
        losses.into_iter().map(|loss| format!("{}: {}", loss.kind, loss.what)).collect()
    };
    assert_eq!(lost("3.12"), [""; 0]);
    assert_eq!(
        lost("3.10"),
        [
            "index: node vector index \"any\" on (vec) (Memgraph has vector indexes on all or on several labels since version 3.11)",
            "index: node vector index \"either\" on Item|City(vec) (Memgraph has vector indexes on all or on several labels since version 3.11)",
            "index: node vector index \"both\" on Item|City(vec) (Memgraph has vector indexes on all or on several labels since version 3.11)",
        ]
    );
    let new_in = |newer: &str, older: &str| -> Vec<String> {
        let newer = lost(newer);
        let only = lost(older).into_iter().filter(|loss| !newer.contains(loss));
        only.map(|loss| loss.split(" (Memgraph has ").next().unwrap().to_owned()).collect()
    };
    let descriptions = new_in("3.10", "3.9");
    assert_eq!(descriptions.len(), 9, "{descriptions:?}");
    assert_eq!(descriptions[0], "index: node range index on City(area)");
    let triggers = ["audit", "every", "roads"].map(|name| format!("trigger: memgraph trigger {name:?}"));
    assert_eq!(new_in("3.8", "3.7"), triggers);
    assert_eq!(
        new_in("3.6", "3.5"),
        [
            "index: relationship text index \"signs\" on ROAD(name, text)",
            "index: relationship text index \"all signs\" on ROAD()"
        ]
    );
    assert_eq!(
        new_in("3.5", "3.4"),
        ["index: node text index \"some words\" on City(name, note)", "schema: ttl \"ttl\""]
    );
    assert_eq!(
        new_in("3.4", "3.3"),
        [
            "index: node vector index \"close\" on Item(other)",
            "index: relationship vector index \"roads\" on ROAD(vec)"
        ]
    );
    assert_eq!(new_in("3.3", "3.2"), ["index: node range index on City(a b.c, name)"]);
    assert_eq!(
        new_in("3.2", "3.1"),
        ["index: node range index on City(name, area)", "index: relationship range index on (km)"]
    );
    assert_eq!(new_in("3.0", "2.22"), ["index: node vector index \"near\" on Item(vec)"]);
    let types = new_in("2.20", "2.19");
    assert_eq!((types.len(), types[0].as_str()), (15, "index: node point index on Place(flat)"));
    assert_eq!(new_in("2.18", "2.17"), ["schema: enum \"Grade\"", "index: relationship range index on ROAD(km)"]);
    assert_eq!(
        new_in("2.15.1", "2.15"),
        ["index: node text index \"words\" on City()", "index: relationship label index on ROAD()"]
    );
}

#[test]
fn values_that_a_version_does_not_have_are_refused_wherever_they_lie() {
    let graph = |text: &str| {
        let text = format!("CREATE (:__mg_vertex__:`A` {{__mg_id__: 3, `p`: {text}}});");
        read(Cursor::new(text.into_bytes())).unwrap().graph
    };
    for (text, before, what) in [
        ("DATETIME(\"2024-01-01T00:00:00.000000+05:30\")", "2.16", "a date-time: version 2.17"),
        ("Grade::Good", "2.17", "an enum value: version 2.18"),
        ("POINT({ x:1, y:2, srid: 7203 })", "2.18", "a point: version 2.19"),
    ] {
        for text in [text.to_owned(), format!("[1, {text}]"), format!("{{`k`: [{{`l`: {text}}}]}}")] {
            let graph = graph(&text);
            let error = write(&graph, options(before.parse().unwrap())).unwrap_err();
            let expected =
                format!("node 3, property \"p\": Memgraph {before} cannot hold {what} is the first that can");
            assert_eq!((error.kind(), error.report()), (ErrorKind::Refused, expected));
            let first: Version = what.split(' ').next_back().unwrap().parse().unwrap();
            assert!(write(&graph, options(first)).is_ok());
        }
    }
}

#[test]
fn options_that_cannot_be_meant_are_refused() {
    for options in [
        Options { rows: 2, ..Options::new(Dialect::Neo4j) },
        Options { target: Some(Version::default()), ..Options::new(Dialect::Neo4j) },
    ] {
        assert_eq!(cypherl::encoder(options).unwrap_err().kind(), ErrorKind::Usage);
    }
    for text in ["", "3.", "x", "1.2.3.4", "3.-1", "99999999999"] {
        assert!(text.parse::<Version>().is_err(), "{text}");
    }
    assert_eq!(
        ["3", "v2.15.1", "3.6"].map(|text| text.parse::<Version>().unwrap().to_string()),
        ["3.0", "2.15.1", "3.6"]
    );
}

/// Whole floats under `IS TYPED FLOAT`: known at once where the constraint comes first, after a first reading where it comes last.
#[test]
fn whole_floats_are_known_by_their_constraints() {
    for (version, bytes) in versions().into_iter().filter(|(version, _)| *version >= "2.20".parse().unwrap()) {
        let (name, earlier) = (version.to_string(), Earlier::default());
        let first = read_whole(&name, bytes.clone(), &earlier);
        let second = read_whole(&name, bytes, &earlier);
        let values = |found: &Found| {
            let measured = found.graph.nodes.iter().find(|node| node.1 == ["Measured"]).unwrap();
            ["weight", "count", "grams"].map(|name| measured.2[name].clone())
        };
        let (floats, integers) = (
            [Value::from(3.0), Value::Integer(3), Value::from(-4e15)],
            [Value::Integer(3), Value::Integer(3), Value::Integer(-4_000_000_000_000_000)],
        );
        let told = |found: &Found, start: &str| found.warnings.iter().filter(|it| it.contains(start)).count();
        let constraint_first = version < "3.2".parse().unwrap();
        assert_eq!(values(&first), if constraint_first { floats.clone() } else { integers }, "{name}");
        assert_eq!(values(&second), floats, "{name}");
        assert_eq!(told(&first, "only after its data"), usize::from(!constraint_first), "{name}: {:?}", first.warnings);
        assert_eq!(told(&second, "only after its data"), 0, "{name}");
        assert_eq!(told(&second, "repaired 2 floats written without a point"), 1, "{name}: {:?}", second.warnings);
    }
    // An integer that no float equals was none, and other files are not Memgraph's dumps.
    for (text, label) in [("9007199254740993", "__mg_vertex__:`A` {__mg_id__: 0, "), ("1", "A {")] {
        let text =
            format!("CREATE CONSTRAINT ON (u:`A`) ASSERT u.`p` IS TYPED FLOAT;\nCREATE (:{label}`p`: {text}}});\n");
        let found = read(Cursor::new(text.into_bytes())).unwrap();
        assert!(matches!(found.graph.nodes[0].2["p"], Value::Integer(_)));
    }
}

#[test]
fn every_repair_is_told_with_its_line() {
    let found = read(Cursor::new(versions().swap_remove(1).1)).unwrap();
    let repaired: Vec<_> = found.warnings.iter().filter(|warning| warning.starts_with("repaired")).collect();
    assert_eq!(
        repaired,
        [
            "repaired 1 float written like 1e+17, the first in line 7: Memgraph does not read what it wrote",
            "repaired 2 floats written as nan or inf, the first in line 7: Memgraph does not read what it wrote",
            "repaired 1 integer written as -9223372036854775808, the first in line 7: Memgraph does not read what it wrote",
            "repaired 1 float written as -0, the first in line 7: Memgraph would read the integer 0",
            "repaired 1 trigger written as ON ANY, the first in line 15: Memgraph does not read what it wrote",
        ]
    );
    let node = found.graph.nodes.iter().find(|node| node.0 == 1).unwrap();
    assert_eq!((&node.2["big"], &node.2["least"]), (&Value::from(1e17), &Value::Integer(i64::MIN)));
    // Our own dumps have nothing to repair.
    let ours = write(&found.graph, options("2.14".parse().unwrap())).unwrap();
    assert_eq!(read(Cursor::new(ours)).unwrap().warnings, [""; 0]);
}

/// A statement is one line, whatever it holds; what our reader gives is the text as it was.
#[test]
fn a_statement_is_one_line() {
    let text = "MATCH (n)\r\nWHERE n.x = 'a\nb' // it's; a comment\n/* and\nanother */ RETURN n // the end";
    let trigger = format!("CREATE TRIGGER t ON --> CREATE AFTER COMMIT EXECUTE {text}");
    let graph = read(Cursor::new(format!("{trigger}\n;").into_bytes())).unwrap().graph;
    assert!(matches!(&graph.schema.objects[..], [SchemaObject::Trigger(trigger)] if trigger.statement == text));
    let bytes = write(&graph, Options::new(Dialect::Memgraph)).unwrap();
    let dump = String::from_utf8(bytes.clone()).unwrap();
    let line = "CREATE TRIGGER t ON --> CREATE AFTER COMMIT EXECUTE MATCH (n)  WHERE n.x = 'a\\nb'    RETURN n;";
    assert_eq!(dump.lines().nth(2), Some(line), "{dump}");
    assert_eq!(dump.lines().count(), 4);
    assert!(dump.lines().all(|line| line.ends_with(';')));
    assert_eq!(read(Cursor::new(bytes)).unwrap().graph.schema, graph.schema);
    // The line before it must be that of the statement.
    let changed = dump.replace("the end", "The end").replace("RETURN n;", "RETURN m;");
    let error = read(Cursor::new(changed.into_bytes())).unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Corrupt, "the line before this statement is that of another")
    );
}

#[test]
fn the_exact_text_of_a_dump_with_many_items_in_a_statement() {
    let text = "CREATE (:__mg_vertex__:`A` {__mg_id__: 5, `n`: \"x\", `l`: [1.0, {`k`: Null}]});\nCREATE (:__mg_vertex__ {__mg_id__: 7});\n\
                CREATE (:__mg_vertex__:`A` {__mg_id__: 6});\nMATCH (u:__mg_vertex__), (v:__mg_vertex__) WHERE u.__mg_id__ = 5 AND v.__mg_id__ = 7 CREATE (u)-[:`T` {`w`: 1.5}]->(v);\n\
                MATCH (u:__mg_vertex__), (v:__mg_vertex__) WHERE u.__mg_id__ = 5 AND v.__mg_id__ = 5 CREATE (u)-[:`T`]->(v);\n\
                MATCH (u:__mg_vertex__), (v:__mg_vertex__) WHERE u.__mg_id__ = 7 AND v.__mg_id__ = 6 CREATE (u)-[:`T` {`w`: 2.5}]->(v);";
    let graph = read(Cursor::new(text.as_bytes().to_vec())).unwrap().graph;
    let bytes = write(&graph, Options { rows: 100, ..Options::new(Dialect::Memgraph) }).unwrap();
    let dump = String::from_utf8(bytes).unwrap();
    let lines: Vec<_> = dump.lines().collect();
    let ends = "MATCH (u:__mg_vertex__), (v:__mg_vertex__) WHERE u.__mg_id__ = r.s AND v.__mg_id__ = r.e CREATE (u)-[e:`T`]->(v)";
    let expected = [
        "UNWIND [{__mg_id__: 5, `n`: \"x\", `l`: [1.0, {`k`: Null}]}, {__mg_id__: 6}] AS r CREATE (n:__mg_vertex__:`A`) SET n = r;",
        "UNWIND [{__mg_id__: 7}] AS r CREATE (n:__mg_vertex__) SET n = r;",
        "CREATE INDEX ON :__mg_vertex__(__mg_id__);",
        &format!("UNWIND [{{s: 5, e: 7, p: {{`w`: 1.5}}}}, {{s: 7, e: 6, p: {{`w`: 2.5}}}}] AS r {ends} SET e = r.p;"),
        &format!("UNWIND [{{s: 5, e: 5}}] AS r {ends};"),
        "DROP INDEX ON :__mg_vertex__(__mg_id__);",
        "MATCH (u) REMOVE u:__mg_vertex__, u.__mg_id__;",
    ];
    assert_eq!(lines[1..lines.len() - 1], expected);
    let again = read(Cursor::new(dump.into_bytes())).unwrap();
    assert_eq!((again.order.as_str(), again.graph.nodes.len(), again.graph.relationships.len()), ("nr", 3, 3));
}

/// Any of them becomes a dump for Neo4j, or JSON Lines; what Neo4j does not have is told.
#[test]
fn dumps_of_every_version_become_those_of_other_systems() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path();
    for (version, bytes) in versions() {
        let graph = read(Cursor::new(bytes.clone())).unwrap().graph;
        std::fs::write(path.join("m.cypherl"), bytes).unwrap();
        let neo4j = ["convert", "m.cypherl", "n.cypherl", "--dialect", "neo4j", "--force"];
        let refused = support::tool::run(path, neo4j).expect(4);
        assert!(refused.stderr.contains("a Cypher dump for Neo4j cannot hold"), "{version}: {}", refused.stderr);
        let told = support::tool::run(path, neo4j.into_iter().chain(["--allow-loss", "all"])).expect(0).stderr;
        let found = read(std::fs::File::open(path.join("n.cypherl")).unwrap()).unwrap();
        assert_eq!((found.statements.len(), found.trailer.is_some()), (0, true), "{version}");
        let count = |graph: &Graph| (graph.nodes.len(), graph.relationships.len());
        assert_eq!(count(&found.graph), count(&graph), "{version}");
        // Every object is there, or told; every property too.
        let told_objects = graph.schema.objects.iter().filter(|object| {
            let lost = format!("lost, as allowed: 1 {}", object.describe());
            told.lines().any(|line| line.trim_start().starts_with(&lost))
        });
        assert_eq!(found.graph.schema.objects.len() + told_objects.count(), graph.schema.objects.len(), "{told}");
        let properties = |graph: &Graph| graph.nodes.iter().map(|node| node.2.len()).sum::<usize>();
        let lost: usize = told
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("lost, as allowed: "))
            .filter_map(|line| line.split_once(" values"))
            .map(|(count, _)| count.parse::<usize>().unwrap())
            .sum();
        assert_eq!(properties(&found.graph) + lost, properties(&graph), "{told}");
        if version >= "2.20".parse().unwrap() {
            let text = std::fs::read_to_string(path.join("n.cypherl")).unwrap();
            for kind in ["LOCAL TIME", "LOCAL DATETIME", "ZONED DATETIME", "BOOLEAN", "FLOAT", "POINT"] {
                assert!(text.contains(&format!(" IS :: {kind};\n")), "{kind}");
            }
            assert!(told.contains("constraint on Measured(j) (\"ENUM\" is no type)"), "{told}");
        }
        // JSON Lines hold everything, and give it back for the same version.
        support::tool::run(path, ["convert", "m.cypherl", "m.jsonl", "--force"]).expect(0);
        let version = version.to_string();
        let back =
            ["convert", "m.jsonl", "back.cypherl", "--force", "--dialect", "memgraph", "--target-version", &version];
        support::tool::run(path, back).expect(0);
        support::tool::run(path, ["verify", "m.cypherl", "back.cypherl"]).expect(0);
    }
}

/// What a fuzzer found that reaches new code, once more without the fuzzer: `fuzz/README.md` says what the first byte means.
#[test]
fn the_fuzzers_corpus_is_read_without_a_panic() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/cypherl");
    let (mut whole, mut damaged) = (0, 0);
    for entry in std::fs::read_dir(corpus).unwrap() {
        let data = std::fs::read(entry.unwrap().path()).unwrap();
        let Some((choice, body)) = data.split_first() else { continue };
        let mut dump = Vec::new();
        if let Some(dialect) = [None, None, Some(Dialect::Memgraph), Some(Dialect::Neo4j)][usize::from(choice % 4)] {
            let encoder = cypherl::encoder(Options::new(dialect)).unwrap();
            encoder.begin(&Default::default(), &Default::default(), &mut dump).unwrap();
        }
        dump.extend_from_slice(body);
        match read(Pieces(Cursor::new(dump), 1)) {
            Ok(_) => whole += 1,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
                damaged += 1;
            }
        }
    }
    assert!(whole > 100 && damaged > 100, "{whole} read, {damaged} refused");
}

/// A schema may name what no node has, and a setting may be called as a word of our own model.
#[test]
fn what_the_fuzzer_found() {
    for (dialect, label, id) in [
        (Dialect::Memgraph, "__mg_vertex__", "__mg_id__"),
        (Dialect::Neo4j, "__graphferry_node__", "__graphferry_id__"),
    ] {
        // An index that is the helper's own by its text.
        let index = graphferry::model::Index {
            name: (dialect == Dialect::Neo4j).then(|| label.to_owned()),
            kind: IndexKind::Range,
            on: graphferry::model::Entity::Node,
            labels: vec![label.to_owned()],
            properties: vec![id.to_owned()],
            provider: None,
            config: Default::default(),
        };
        let schema = graphferry::model::Schema { objects: vec![SchemaObject::Index(index)] };
        let encoder = cypherl::encoder(Options::new(dialect)).unwrap();
        let result = encoder.finish(&schema, &Default::default(), Default::default(), &mut Vec::new());
        if dialect == Dialect::Neo4j {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Refused);
        } else {
            // In backticks it is another text.
            result.unwrap();
        }
        let graph = Graph { schema, ..Graph::default() };
        same_schema(label, &graph, &read(Cursor::new(write(&graph, Options::new(dialect)).unwrap())).unwrap().graph);
    }
    let statement = graphferry::format::Statement {
        text: "CYPHER 25 CREATE (:`__graphferry_node__` {`__graphferry_id__`: 10})".to_owned(),
        line: 0,
    };
    let encoder = cypherl::encoder(Options::new(Dialect::Neo4j)).unwrap();
    assert_eq!(encoder.statement(&statement, &mut Vec::new()).unwrap_err().kind(), ErrorKind::Refused);
    for text in [
        "CREATE VECTOR INDEX `v` ON :`A`(`p`) WITH CONFIG { \"dimension\": 2, \"capacity\": 10, \"labels\": \"x\" };",
        "CREATE INDEX ON :`A`(`p`) WITH CONFIG {\"order\": \"DESC\", \"x\": 1};",
    ] {
        let found = read(Cursor::new(text.as_bytes().to_vec())).unwrap();
        assert_eq!((found.order.as_str(), found.graph.schema.objects.len()), ("s", 0), "{text}");
    }
}
