//! A graph with every value, name and object that Memgraph has, made on a real server by `fixtures/memgraph-3.6.2/create.cypherl`. Here it is once
//! more, by hand. Our dump of it is read back as it is; the server's own dump of it too, but for what the server itself loses, which is listed.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use graphferry::cypher::Dialect;
use graphferry::format::Earlier;
use graphferry::format::cypherl::Options;
use graphferry::model::schema::with;
use graphferry::model::temporal::{Date, DateTime, Duration, LocalDateTime, LocalTime};
use graphferry::model::{Map, Point, Schema, SchemaObject, Value};
use std::collections::BTreeSet;
use std::io::Cursor;
use support::cypherl::{read, read_after, write};
use support::graph::{Node, Relationship};
use support::{Graph, Same, tool};

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/memgraph-3.6.2").join(name)).unwrap()
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Map {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn i(value: i64) -> Value {
    Value::Integer(value)
}

fn f(value: f64) -> Value {
    Value::Float(value)
}

fn s(value: &str) -> Value {
    Value::from(value)
}

fn list<const N: usize>(values: [Value; N]) -> Value {
    Value::List(values.to_vec())
}

fn named<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(map(entries))
}

fn enumerated(value: &str) -> Value {
    Value::Enum(value.to_owned())
}

fn date(days: i64) -> Value {
    Value::Date(Date { days })
}

fn local(seconds: i64, micros: u32) -> Value {
    Value::LocalDateTime(LocalDateTime { seconds, nanoseconds: micros * 1000 })
}

fn zoned(seconds: i64, micros: u32, zone: &str) -> Value {
    Value::ZonedDateTime { seconds, nanoseconds: micros * 1000, zone: zone.to_owned() }
}

/// Days, seconds and microseconds, brought to the one form with the same length.
fn duration(days: i64, seconds: i64, micros: i64) -> Value {
    let (seconds, rest) = (seconds + micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    Value::Duration(Duration { months: 0, days, seconds, nanoseconds: rest as i32 * 1000 })
}

fn point(srid: i32, x: f64, y: f64, z: Option<f64>) -> Value {
    Value::Point(Point { srid, x, y, z })
}

fn nodes() -> Vec<Node> {
    let node = |id: i64, labels: &[&str], properties: Map| -> Node {
        (id, labels.iter().map(|label| (*label).to_owned()).collect(), properties)
    };
    vec![
        node(
            0,
            &["Scalar"],
            map([
                ("id", i(1)),
                ("b_true", Value::Boolean(true)),
                ("b_false", Value::Boolean(false)),
                ("i0", i(0)),
                ("ineg", i(-1)),
                ("imax", i(i64::MAX)),
                ("imin", i(i64::MIN)),
            ]),
        ),
        node(
            1,
            &["Floats"],
            map([
                ("f1", f(1.0)),
                ("f1_5", f(1.5)),
                ("f01", f(0.1)),
                ("fneg", f(-2.25)),
                ("fnegzero", f(-0.0)),
                ("fbig", f(1e300)),
                ("fsmall", f(1e-7)),
                ("f15", f(1e15)),
                ("f16", f(1e16)),
                ("f17", f(1e17)),
                ("fden", f(f64::from_bits(1))),
                ("fmax", f(f64::MAX)),
                ("third", f(1.0 / 3.0)),
            ]),
        ),
        // Zero divided by zero is a NaN with its sign set on the server's processor.
        node(
            2,
            &["FloatSpecial"],
            map([
                ("nan", f(f64::from_bits(0xFFF8_0000_0000_0000))),
                ("inf", f(f64::INFINITY)),
                ("ninf", f(f64::NEG_INFINITY)),
            ]),
        ),
        node(
            3,
            &["Strings"],
            map([
                ("empty", s("")),
                ("sq", s("it's")),
                ("dq", s("say \"hi\"")),
                ("bs", s("back\\slash")),
                ("nl", s("a\nb")),
                ("tab", s("a\tb")),
                ("cr", s("a\rb")),
                ("bsp", s("a\u{8}b")),
                ("ff", s("a\u{c}b")),
                ("uni", s("žluťoučký 日本語 😀")),
                ("esc_u", s("é")),
                ("semi", s("a;b")),
                ("comment", s("// not -- a /* comment */")),
                ("bt", s("back`tick")),
                ("dollar", s("$param {x}")),
                ("ctl", s("\u{1}\u{b}\u{1b}\u{7f}")),
                ("nbsp", s("\u{a0}\u{2028}")),
            ]),
        ),
        node(
            4,
            &["Lists"],
            map([
                ("empty", list([])),
                ("ints", list([i(1), i(2), i(3)])),
                ("mixed", list([i(1), f(1.5), s("s"), Value::Boolean(true), Value::Null])),
                ("nested", list([list([i(1), list([i(2), list([])])]), list([s("x")])])),
                ("maps", list([named([("a", i(1))]), named([])])),
                ("floats", list([f(1.0), f(2.5)])),
            ]),
        ),
        node(
            5,
            &["Maps"],
            map([
                ("empty", named([])),
                ("simple", named([("a", i(1)), ("b", s("two"))])),
                ("nested", named([("x", named([("y", named([("z", list([i(1), named([("w", Value::Null)])]))]))]))])),
                ("weird key", named([("a b", i(1)), ("tick`ed", i(2)), ("Zed", i(3)), ("alpha", i(4))])),
            ]),
        ),
        node(
            6,
            &["Temporal"],
            map([
                ("d", date(9106)),
                ("d0", date(-719_162)),
                ("lt", Value::LocalTime(LocalTime { nanoseconds: 51_044_099_099_000 })),
                ("lt0", Value::LocalTime(LocalTime { nanoseconds: 0 })),
                ("ldt", local(786_809_444, 99_099)),
                ("ldt0", local(786_809_444, 0)),
                ("ldt_old", local(-2_208_988_800, 1)),
                ("dur", duration(3, 4 * 3600 + 5 * 60 + 6, 10_011)),
                ("durneg", duration(-1, -2 * 3600, 0)),
                ("durmicro", duration(0, 0, -1)),
                ("dursec", duration(0, -6, -10_011)),
                ("dur0", duration(0, 0, 0)),
            ]),
        ),
        // The server turns Z into this zone, and looks up the offset of a zone that is said without.
        node(
            7,
            &["Zoned"],
            map([
                ("la", zoned(786_809_444, 99_099, "America/Los_Angeles")),
                ("utc", zoned(1_704_067_200, 0, "Etc/UTC")),
                (
                    "off",
                    Value::DateTime(DateTime { seconds: 1_704_047_400, nanoseconds: 0, offset: 5 * 3600 + 30 * 60 }),
                ),
                ("prague", zoned(1_719_828_000, 0, "Europe/Prague")),
            ]),
        ),
        node(
            8,
            &["Points"],
            map([
                ("p2c", point(7203, 1.0, 2.5, None)),
                ("p2w", point(4326, 14.42, 50.08, None)),
                ("p3c", point(9157, 1.0, -2.0, Some(0.1))),
                ("p3w", point(4979, 1e-7, 0.0, Some(123_456_789.25))),
            ]),
        ),
        node(
            9,
            &["Enums"],
            map([
                ("s", enumerated("Status::Good")),
                ("c", enumerated("Color::RED")),
                ("w", enumerated("My Enum::a b")),
                ("l", list([enumerated("Status::Bad"), enumerated("Status::Good")])),
                ("m", named([("k", enumerated("Status::Bad"))])),
            ]),
        ),
        node(
            10,
            &["Label with space", "tick`label", "ünï", "a:b", "CREATE"],
            map([
                ("prop with space", i(1)),
                ("tick`prop", i(2)),
                ("ünï", i(3)),
                ("123", i(4)),
                ("MATCH", i(5)),
                ("quote\"s'", i(6)),
                ("new\nline", i(7)),
            ]),
        ),
        node(11, &[], map([("nolabel", Value::Boolean(true))])),
        node(12, &[], Map::new()),
        node(
            13,
            &["Person"],
            map([
                ("id", i(1)),
                ("name", s("Ann")),
                ("age", i(30)),
                ("loc", point(7203, 1.0, 1.0, None)),
                ("vec", list([f(1.0), f(0.5)])),
            ]),
        ),
        node(
            14,
            &["Person"],
            map([
                ("id", i(2)),
                ("name", s("Bob")),
                ("age", i(40)),
                ("loc", point(7203, 2.0, 2.0, None)),
                ("vec", list([f(0.333_333_333_333_333_3), f(2.0)])),
            ]),
        ),
        node(
            16,
            &["Doc"],
            map([("title", s("Some title")), ("body", s("lorem ipsum")), ("vec 2", list([i(1), f(2.5)]))]),
        ),
        // A label and a property of the user's, called as the helpers of the server's dump.
        node(17, &["__mg_vertex__"], map([("__mg_id__", i(777)), ("collide", Value::Boolean(true))])),
    ]
}

fn relationships() -> Vec<Relationship> {
    vec![
        (
            0,
            13,
            14,
            "KNOWS".to_owned(),
            map([("since", i(2001)), ("vec", list([f(0.1), f(0.2)])), ("note", s("hello world"))]),
        ),
        (1, 13, 14, "KNOWS".to_owned(), map([("since", i(2002))])),
        (2, 13, 13, "SELF LOOP".to_owned(), map([("w", f(1.0))])),
        (3, 13, 14, "tick`type".to_owned(), map([("p q", list([i(1), named([("a", date(18_262))])]))])),
        (4, 14, 13, "KNOWS".to_owned(), Map::new()),
    ]
}

/// The objects are read from the statements that made them: their shapes are proved elsewhere. Only `ALTER ENUM` is left to do.
fn schema() -> Schema {
    let mut schema = read(Cursor::new(fixture("create.cypherl"))).unwrap().graph.schema;
    assert_eq!(schema.objects.len(), 3 + 7 + 4 + 1 + 3 + 4 + 4 + 13 + 11);
    let SchemaObject::Other(status) = &mut schema.objects[0] else { panic!("no enum") };
    let values = ["Good", "Bad", "Ugly", "Later"].map(Value::from);
    status.details = with(Map::new(), "values", Value::List(values.to_vec()));
    schema
}

fn graph() -> Graph {
    Graph { nodes: nodes(), relationships: relationships(), schema: schema() }
}

/// The same graph with its durations in one form.
fn normal(mut graph: Graph) -> Graph {
    let maps = graph.nodes.iter_mut().map(|node| &mut node.2);
    for value in
        maps.chain(graph.relationships.iter_mut().map(|relationship| &mut relationship.4)).flat_map(Map::values_mut)
    {
        if let Value::Duration(Duration { days, seconds, nanoseconds, .. }) = value {
            *value = duration(*days, *seconds, i64::from(*nanoseconds) / 1000);
        }
    }
    graph
}

#[test]
fn our_dump_of_it_is_read_as_it_is() {
    let graph = graph();
    for rows in [1, 100] {
        let bytes = write(&graph, Options { rows, ..Options::new(Dialect::Memgraph) }).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.contains("__mg_vertex__2__") && text.contains("__mg_id__2__"), "the helper collides");
        let found = read(Cursor::new(bytes)).unwrap();
        assert_eq!((&found.statements[..], &found.warnings[..]), (&[][..], &[][..]));
        let mut again = normal(found.graph);
        // Indexes come before constraints and those before triggers, whatever the order was.
        assert_eq!(again.schema.objects.len(), graph.schema.objects.len());
        assert!(graph.schema.objects.iter().all(|object| again.schema.objects.contains(object)));
        again.schema = graph.schema.clone();
        again.nodes.sort_by_key(|node| node.0);
        let key = |it: &Relationship| format!("{:?}", (it.1, it.2, &it.3, &it.4));
        let mut expected = graph.clone();
        for graph in [&mut again, &mut expected] {
            graph.relationships.sort_by_key(key);
            graph.relationships.iter_mut().for_each(|relationship| relationship.0 = 0);
        }
        expected.assert_same(&again, Same::ALL);
    }
}

/// What differs between the graph and what was read, one line each.
fn differences(expected: &Graph, found: &Graph) -> Vec<String> {
    let mut all = Vec::new();
    let mut compare = |what: String, a: &Map, b: &Map| {
        for key in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
            if a.get(key) != b.get(key) {
                all.push(format!("{what} {key}: {:?} became {:?}", a.get(key), b.get(key)));
            }
        }
    };
    assert_eq!(expected.nodes.len(), found.nodes.len());
    for (a, b) in expected.nodes.iter().zip(&found.nodes) {
        let labels = |node: &Node| node.1.iter().cloned().collect::<BTreeSet<_>>();
        assert_eq!((a.0, labels(a)), (b.0, labels(b)));
        compare(format!("node {}", a.0), &a.2, &b.2);
    }
    assert_eq!(expected.relationships.len(), found.relationships.len());
    for (a, b) in expected.relationships.iter().zip(&found.relationships) {
        assert_eq!((a.1, a.2, &a.3), (b.1, b.2, &b.3));
        compare(format!("relationship {}", a.3), &a.4, &b.4);
    }
    for object in &expected.schema.objects {
        if !found.schema.objects.iter().any(|other| object.is_same_as(other)) {
            all.push(format!("not there: {}", object.describe()));
        }
    }
    for object in &found.schema.objects {
        if !expected.schema.objects.iter().any(|other| other.is_same_as(object)) {
            all.push(format!("new: {}", object.describe()));
        }
    }
    all
}

#[test]
fn memgraphs_dump_of_it_is_read_but_for_what_memgraph_lost() {
    let earlier = Earlier::default();
    let first = read_after(Cursor::new(fixture("dump.cypherl")), &earlier).unwrap();
    let second = read_after(Cursor::new(fixture("dump.cypherl")), &earlier).unwrap();
    let (graph, whole) = (graph(), "Some(Float(1000000000000000.0)) became Some(Integer(1000000000000000))");
    let lost_by_memgraph = [
        // Floats without their point, where no constraint says that they are floats.
        &format!("node 1 f15: {whole}"),
        "node 1 f16: Some(Float(1e16)) became Some(Integer(10000000000000000))",
        "node 4 floats: Some(List([Float(1.0), Float(2.5)])) became Some(List([Integer(1), Float(2.5)]))",
        "node 13 vec: Some(List([Float(1.0), Float(0.5)])) became Some(List([Integer(1), Float(0.5)]))",
        "node 14 vec: Some(List([Float(0.3333333333333333), Float(2.0)])) became Some(List([Float(0.3333333333333333), Integer(2)]))",
        "relationship SELF LOOP w: Some(Float(1.0)) became Some(Integer(1))",
        // Text indexes on relationships are not in dumps of 3.6.
        "not there: relationship text index \"knowsText\" on KNOWS()",
        "not there: relationship text index \"knowsNote\" on KNOWS(note)",
        // The lines of its body were put together, so that a comment swallows the rest.
        "not there: memgraph trigger \"t_edelete\"",
        "new: memgraph trigger \"t_edelete\"",
    ];
    assert_eq!(differences(&graph, &normal(second.graph.clone())), lost_by_memgraph);
    // At a first reading the constraint that tells of one more float is not known yet.
    let mut lost = lost_by_memgraph.map(str::to_owned).to_vec();
    lost.insert(0, "node 1 f1: Some(Float(1.0)) became Some(Integer(1))".to_owned());
    assert_eq!(differences(&graph, &normal(first.graph)), lost);
    let told = second.warnings.iter().filter(|warning| warning.contains("floats written without a point")).count();
    let one = second.warnings.iter().filter(|warning| warning.contains("1 float written without a point")).count();
    assert_eq!((told, one), (0, 1), "{:?}", second.warnings);
}

/// The command finds the float too, since it reads a file twice; and tells of it, and of everything that it repaired.
#[test]
fn convert_repairs_and_tells() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("dump.cypherl"), fixture("dump.cypherl")).unwrap();
    let run = tool::run(path, ["convert", "dump.cypherl", "graph.jsonl"]).expect(0);
    for told in ["1 float written without a point, the first in line 5", "3 floats written like 1e+17", "4 constraints"]
    {
        assert!(run.stderr.contains(told), "{told} is not in {}", run.stderr);
    }
    let jsonl = std::fs::read_to_string(path.join("graph.jsonl")).unwrap();
    assert!(jsonl.contains("\"f1\":1.0,") && jsonl.contains("\"f15\":1000000000000000,"), "{jsonl}");
    // Back again and by way of many rows: nothing changes any more.
    tool::run(path, ["convert", "graph.jsonl", "ours.cypherl", "--dialect", "memgraph"]).expect(0);
    tool::run(path, ["convert", "ours.cypherl", "rows.cypherl", "--rows-per-statement", "500"]).expect(0);
    for name in ["ours.cypherl", "rows.cypherl", "dump.cypherl"] {
        tool::run(path, ["verify", "graph.jsonl", name]).expect(0);
    }
    let rows = std::fs::read_to_string(path.join("rows.cypherl")).unwrap();
    assert!(rows.contains("\nUNWIND [{__mg_id__2__: 13, `id`: 1"), "{rows}");
    // So does a restore, and what it wrote is the same.
    let restored = tool::run(path, ["restore", "dump.cypherl", "store.db"]).expect(0);
    assert!(restored.stderr.contains("1 float written without a point, the first in line 5"), "{}", restored.stderr);
    tool::run(path, ["verify", "graph.jsonl", "store.db"]).expect(0);
    // From a stream nothing can be read twice: the user is told.
    let mut cat = tool::command(path);
    cat.args(["convert", "-", "stream.jsonl"]).stdin(std::fs::File::open(path.join("dump.cypherl")).unwrap());
    let output = cat.output().unwrap();
    let stream = tool::finish(&cat, output).expect(0);
    assert!(stream.stderr.contains("restore it from a file, which is read twice"), "{}", stream.stderr);
    // For an older version, what it does not have is refused by name, or left out.
    let older = ["convert", "ours.cypherl", "older.cypherl", "--target-version", "3.3"];
    let refused = tool::run(path, older).expect(4);
    assert!(refused.stderr.contains("since version 3.5"), "{}", refused.stderr);
    let lost = tool::run(path, older.into_iter().chain(["--allow-loss", "index"])).expect(0);
    assert!(lost.stderr.contains("relationship vector index \"vec_edge\""), "{}", lost.stderr);
    let refused = tool::run(path, ["convert", "ours.cypherl", "x.jsonl", "--target-version", "3.3"]).expect(2);
    assert!(refused.stderr.contains("are for the format cypherl"), "{}", refused.stderr);
}
