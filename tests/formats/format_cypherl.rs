//! CYPHERL from outside: what is written is read back, whatever the values and names; what Memgraph wrote is read; what is damaged is
//! refused with its place.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use graphferry::cypher::Dialect;
use graphferry::format::cypherl::{self, Helper, Options};
use graphferry::format::{Encoder, Statement, Wrote};
use graphferry::model::header::Origin;
use graphferry::model::schema::with;
use graphferry::model::tally::Counter;
use graphferry::model::temporal::Duration;
use graphferry::model::{Class, Header, Map, Schema, SchemaObject, Trailer, Trigger, Value};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::PathBuf;
use support::cypherl::{Found, Pieces, read};
use support::{Graph, Limits, Same, graph::graph};

const DIALECTS: [Dialect; 2] = [Dialect::Memgraph, Dialect::Neo4j];

fn header() -> Header {
    Header {
        tool: "graphferry test; it's".into(),
        source: Origin { product: "neo4j".into(), database: "ně\u{2028}".into(), ..Origin::default() },
        created: "2026-11-21T05:00:00Z".into(),
        filters: vec!["--include-label `a\nb` // \\u000A".into()],
        ..Header::default()
    }
}

/// A whole dump, with statements between the classes.
fn dump(graph: &Graph, dialect: Dialect, block_size: usize, statements: &[&str]) -> graphferry::Result<Vec<u8>> {
    let labels: BTreeSet<_> = graph.nodes.iter().flat_map(|node| node.1.clone()).collect();
    let keys: BTreeSet<_> = graph.nodes.iter().flat_map(|node| node.2.keys().cloned()).collect();
    let options = Options { helper: Helper::choose(dialect, &labels, &keys), ..Options::new(dialect) };
    let encoder = cypherl::encoder(options)?;
    let mut out = Vec::new();
    let mut counter = Counter::default();
    encoder.begin(&header(), &graph.schema, &mut out)?;
    let mut wrote = Wrote::default();
    for block in graph.blocks(block_size) {
        let known = match block.class() {
            Class::Nodes => &mut wrote.nodes,
            Class::Relationships => &mut wrote.relationships,
        };
        if !std::mem::replace(known, true) {
            encoder.open(block.class(), &mut out)?;
        }
        encoder.block(&block, &mut out)?;
        counter.block(&block)?;
    }
    for text in statements {
        encoder.statement(&Statement { text: (*text).to_owned(), line: 0 }, &mut out)?;
        counter.statement();
    }
    encoder.finish(&graph.schema, &Schema::default(), wrote, &mut out)?;
    graph.schema.objects.iter().for_each(|object| counter.object(object));
    let trailer = Trailer {
        tally: counter.tally(),
        source_changed: Some(false),
        blake3: blake3::hash(&out).to_hex().to_string(),
    };
    encoder.trailer(&trailer, &mut out)?;
    Ok(out)
}

/// One duration has several forms with the same length; Memgraph's text has one.
fn normal(value: Value) -> Value {
    match value {
        Value::Duration(Duration { months, days, seconds, nanoseconds }) => Value::Duration(Duration {
            months,
            days,
            seconds: seconds + i64::from(nanoseconds.div_euclid(1_000_000_000)),
            nanoseconds: nanoseconds.rem_euclid(1_000_000_000),
        }),
        Value::List(values) => Value::List(values.into_iter().map(normal).collect()),
        Value::Map(map) => Value::Map(map.into_iter().map(|(key, value)| (key, normal(value))).collect()),
        value => value,
    }
}

fn normalised(mut graph: Graph) -> Graph {
    let maps = graph.nodes.iter_mut().map(|node| &mut node.2);
    for map in maps.chain(graph.relationships.iter_mut().map(|relationship| &mut relationship.4)) {
        *map = std::mem::take(map).into_iter().map(|(key, value)| (key, normal(value))).collect();
    }
    graph
}

fn check_round_trip(graph: &Graph, dialect: Dialect) {
    let bytes = dump(graph, dialect, 3, &[]).unwrap();
    let found = read(Pieces(Cursor::new(bytes.clone()), 7)).unwrap_or_else(|error| {
        panic!("{error:?}\n{}", String::from_utf8_lossy(&bytes));
    });
    assert_eq!(found.header, header());
    assert!(found.trailer.is_some() && found.statements.is_empty() && found.warnings.is_empty());
    // The ids of nodes come back, those of relationships are not kept.
    let ids = |graph: &Graph| graph.nodes.iter().map(|node| node.0).collect::<Vec<_>>();
    assert_eq!(ids(&found.graph), ids(graph));
    graph.assert_same(&found.graph, Same { ids: false, order: true });
    if dialect == Dialect::Neo4j {
        // One statement a line, and no character that another character set could change.
        assert!(bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n')));
    }
    // The same graph, the same bytes.
    assert_eq!(dump(graph, dialect, 3, &[]).unwrap(), bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn neo4j_dumps_come_back(graph in graph(Limits { schema: false, ..Limits::NEO4J })) {
        check_round_trip(&graph, Dialect::Neo4j);
    }

    #[test]
    fn memgraph_dumps_come_back(graph in graph(Limits { schema: false, ..Limits::MEMGRAPH })) {
        // Local mean times have offsets with seconds, for which Memgraph has no text.
        let refused = dump(&graph, Dialect::Memgraph, 3, &[]).err();
        prop_assume!(!refused.is_some_and(|error| error.message().ends_with("seconds: it counts minutes")));
        check_round_trip(&normalised(graph), Dialect::Memgraph);
    }

    #[test]
    fn what_cannot_be_held_is_refused_and_never_changed(graph in graph(Limits { schema: false, ..Limits::ALL })) {
        for dialect in DIALECTS {
            match dump(&graph, dialect, 100, &[]) {
                Ok(bytes) => {
                    let found = read(Cursor::new(bytes)).unwrap().graph;
                    normalised(graph.clone()).assert_same(&normalised(found), Same { ids: false, order: true });
                }
                Err(error) => prop_assert_eq!(error.kind(), graphferry::ErrorKind::Refused),
            }
        }
    }

    #[test]
    fn no_input_makes_the_reader_panic(text in "[ -~\n`\"'é]{0,80}", bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        for head in ["", "CREATE (:__mg_vertex__:`A` {__mg_id__: 1, `a`: ", "CREATE TRIGGER ", "CREATE ENUM ", "SET DESCRIPTION ON "] {
            let _ = read(Cursor::new(format!("{head}{text}").into_bytes()));
            let _ = read(Cursor::new([head.as_bytes(), &bytes].concat()));
        }
    }
}

fn fixtures(folder: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder)
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixtures("memgraph-3.6.2").join(name)).unwrap()
}

#[test]
fn a_real_dump_is_read_value_by_value() {
    let found = read(Cursor::new(fixture("dump.cypherl"))).unwrap();
    assert_eq!(found.statements, []);
    assert_eq!((found.graph.nodes.len(), found.graph.relationships.len()), (17, 5));
    let of = |id: i64| found.graph.nodes.iter().find(|node| node.0 == id).unwrap();
    let integer = |value: i64| Value::Integer(value);
    let date_time = |text: &str| Value::from(text);
    let _ = date_time;
    assert_eq!(of(0).2["imin"], integer(i64::MIN));
    assert_eq!(of(1).2["f17"], Value::from(1e17));
    assert_eq!(of(1).2["f1"], integer(1), "what Memgraph writes as 1 cannot be told from an integer");
    assert_eq!(of(2).2["nan"], Value::from(-f64::NAN));
    assert_eq!(of(2).2["ninf"], Value::from(f64::NEG_INFINITY));
    assert_eq!(of(3).2["dq"], Value::from("say \"hi\""));
    assert_eq!(of(3).2["comment"], Value::from("// not -- a /* comment */"));
    assert_eq!(of(4).2["mixed"].as_list().unwrap().len(), 5);
    assert_eq!(of(5).2["weird key"].as_map().unwrap()["tick`ed"], integer(2));
    let duration = Duration { months: 0, days: -1, seconds: -7200, nanoseconds: 0 };
    assert_eq!(of(6).2["durneg"], Value::Duration(duration));
    assert_eq!(
        of(7).2["la"],
        Value::ZonedDateTime { seconds: 786_809_444, nanoseconds: 99_099_000, zone: "America/Los_Angeles".into() }
    );
    assert_eq!(of(9).2["w"], Value::Enum("My Enum::a b".into()));
    assert_eq!(of(9).2["l"].as_list().unwrap()[1], Value::Enum("Status::Good".into()));
    assert_eq!(of(10).1, ["Label with space", "tick`label", "ünï", "a:b", "CREATE"]);
    assert_eq!(of(10).2["new\nline"], integer(7));
    // A label and a property of the user's that are called as Memgraph's helpers: lost by Memgraph, not by us.
    assert_eq!((of(17).1.as_slice(), &of(17).2["__mg_id__"]), (["__mg_vertex__".to_owned()].as_slice(), &integer(777)));
    let names: Vec<_> = found.graph.relationships.iter().map(|relationship| relationship.3.as_str()).collect();
    assert_eq!(names, ["KNOWS", "KNOWS", "SELF LOOP", "tick`type", "KNOWS"]);
    let sorts = found.graph.schema.objects.iter().map(SchemaObject::sort_of).collect::<Vec<_>>();
    let count = |sort: &str| sorts.iter().filter(|known| *known == sort).count();
    assert_eq!((count("enum"), count("memgraph trigger"), count("node property-type constraint")), (3, 11, 13));
    let expected = [
        "the dump has no trailer: nothing tells whether it is whole",
        "Memgraph's own dumps write whole floats without a point: 1.0 is read as the integer 1",
        "line 69: Memgraph's dump has put a trigger's lines into one: what stands behind // is now a comment",
        "repaired 3 floats written like 1e+17, the first in line 5: Memgraph does not read what it wrote",
        "repaired 3 floats written as nan or inf, the first in line 6: Memgraph does not read what it wrote",
        "repaired 1 integer written as -9223372036854775808, the first in line 4: Memgraph does not read what it wrote",
        "repaired 1 float written as -0, the first in line 5: Memgraph would read the integer 0",
        "repaired 3 names without the backticks that it needs, the first in line 3: Memgraph does not read what it wrote",
        "repaired 4 constraints with a type spelled with spaces or as BOOL, the first in line 47: Memgraph does not read what it wrote",
        "the dump says only after its data that \"Floats\" \"f1\" are floats (1 such constraints): whole ones are read as integers; \
         restore it from a file, which is read twice, to have them as floats",
    ];
    assert_eq!(found.warnings, expected);
}

/// The same graph from the statements that a person wrote and from the dump of the server that ran them.
#[test]
fn statements_of_a_person_are_read_as_the_server_read_them() {
    let written = read(Cursor::new(fixture("create.cypherl"))).unwrap();
    let dumped = read(Cursor::new(fixture("dump.cypherl"))).unwrap();
    let names =
        |found: &Found| -> BTreeSet<String> { found.graph.schema.objects.iter().map(SchemaObject::describe).collect() };
    // Memgraph 3.6 has these two indexes and leaves them out of its dumps.
    let lost =
        ["relationship text index \"knowsNote\" on KNOWS(note)", "relationship text index \"knowsText\" on KNOWS()"];
    assert_eq!(names(&written).difference(&names(&dumped)).collect::<Vec<_>>(), lost);
    // What the server made of a person's literals is what we make of them.
    let of = |found: &Found, label: &str| {
        let node = found.graph.nodes.iter().find(|node| node.1 == [label]);
        node.map(|node| node.2.clone()).unwrap_or_else(|| panic!("no {label}"))
    };
    for label in ["Strings", "Maps", "Enums", "FloatSpecial"] {
        assert_eq!(of(&written, label), of(&dumped, label), "{label}");
    }
    // What is no constant is the system's to run: relationships matched by values, ALTER ENUM, SET.
    let starts: BTreeSet<_> = written.statements.iter().map(|it| it.text.split(' ').next().unwrap()).collect();
    assert!(starts.is_subset(&["MATCH", "ALTER", "CREATE", "UNWIND", "DROP"].into()), "{starts:?}");
    assert!(written.graph.nodes.len() >= 10);
}

#[test]
fn pieces_keep_their_order_and_their_lines() {
    let text = "CREATE (:__mg_vertex__ {__mg_id__: 0});\n\n// a comment; with a semicolon\nCREATE (:__mg_vertex__ {__mg_id__: \
                1});\nCREATE INDEX ON :`A`;\n/* two\nlines */ CREATE (:__mg_vertex__:`a\nb` {__mg_id__: 2, `x`: \
                \"1\n2\"}); CREATE (:__mg_vertex__ {__mg_id__: 3});\nMATCH (n) SET n.x = 'it''s; not' ;\nMATCH (u:__mg_vertex__), \
                (v:__mg_vertex__) WHERE u.__mg_id__ = 0 AND v.__mg_id__ = 1 CREATE (u)-[:`T`]->(v);\nMATCH (n)\n  RETURN \
                count(*);";
    let found = read(Cursor::new(text.as_bytes().to_vec())).unwrap();
    assert_eq!(found.order, "nonsrs");
    assert_eq!(found.lines, [1, 4, 7, 9, 11]);
    let statements: Vec<_> = found.statements.iter().map(|it| (it.text.as_str(), it.line)).collect();
    assert_eq!(statements, [("MATCH (n) SET n.x = 'it''s; not'", 10), ("MATCH (n)\n  RETURN count(*)", 12)]);
}

#[test]
fn what_is_no_constant_stays_a_statement() {
    for value in [
        "x",
        "$x",
        "rand()",
        "1 + x",
        "\"a\" + \"b\"",
        "9223372036854775808",
        "1e999",
        "0/0",
        "date(\"soon\")",
        "datetime()",
        "5.",
        "point({x: 1})",
        "[1, f()]",
    ] {
        let text = format!("CREATE (:A {{`a`: 1, `x`: {value}}});\nCREATE (:__mg_vertex__ {{__mg_id__: 2}});\n");
        let found = read(Cursor::new(text.clone().into_bytes())).unwrap();
        assert_eq!(found.order, "sn", "{value}");
        assert_eq!(found.statements[0].text, text.lines().next().unwrap().trim_end_matches(';'));
        assert_eq!((found.graph.nodes.len(), found.graph.nodes[0].0), (1, 2));
        // A node that relationships may refer to cannot be left to a system that never sees the helper.
        let text = format!("CREATE (:__mg_vertex__ {{__mg_id__: 1, `x`: {value}}});");
        let error = read(Cursor::new(text.clone().into_bytes())).expect_err(value);
        assert_eq!(
            error.report(),
            format!(
                "line 1, byte 0: an item of the dump has something that only its system can read: {}; replay the dump \
                 with the system's own client",
                text.trim_end_matches(';')
            )
        );
    }
}

#[test]
fn constants_of_either_system() {
    let float = |value: f64| Value::from(value);
    let integer = |value: i64| Value::from(value);
    for (text, expected) in [
        ("-9223372036854775807 - 1", integer(i64::MIN)),
        ("-9223372036854775808", integer(i64::MIN)),
        ("0x1F", integer(31)),
        ("-0x10", integer(-16)),
        ("010", integer(8)),
        ("0o17", integer(15)),
        ("1e+17", float(1e17)),
        (".5", float(0.5)),
        ("1E5", float(1e5)),
        ("-0.0", float(-0.0)),
        // Memgraph prints the float so; nobody writes the integer with a sign.
        ("-0", float(-0.0)),
        ("(0.0/0.0)", float(f64::from_bits(0xFFF8 << 48))),
        ("-(0.0/0.0)", float(f64::from_bits(0x7FF8 << 48))),
        ("1.0/0.0 - 1.0/0.0", float(f64::from_bits(0xFFF8 << 48))),
        ("-nan", float(-f64::NAN)),
        ("inf", float(f64::INFINITY)),
        ("-Infinity", float(f64::NEG_INFINITY)),
        ("(1 + 2) * 3 / 2", integer(4)),
        ("TRUE", Value::from(true)),
        ("'a\\u00e9\\U0001F9CA\\ud83e\\uddca'", Value::from("aé🧊🧊")),
        ("Status::Good", Value::Enum("Status::Good".into())),
        ("`My Enum`::`a b`", Value::Enum("My Enum::a b".into())),
        ("null", Value::Null),
        ("[ 1 , /* two */ 2 ]", Value::List(vec![integer(1), integer(2)])),
        ("{ a : {} }", Value::Map(with(Map::new(), "a", Value::Map(Map::new())))),
        (
            "datetime({year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, nanosecond: 0, timezone: 'Z'})",
            Value::DateTime(graphferry::model::temporal::DateTime { seconds: 0, nanoseconds: 0, offset: 0 }),
        ),
    ] {
        let dump = format!("CREATE (:__mg_vertex__ {{__mg_id__: 1, `x`: {text}}});");
        let found = read(Pieces(Cursor::new(dump.into_bytes()), 1)).unwrap();
        assert_eq!(found.order, "n", "{text}");
        match expected {
            Value::Null => assert!(found.graph.nodes[0].2.is_empty(), "a property that is null is not there"),
            expected => assert_eq!(found.graph.nodes[0].2["x"], expected, "{text}"),
        }
    }
}

/// Every damaged file, and the exact words for it in the file beside it.
#[test]
fn damaged_dumps_are_refused_with_their_place() {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(fixtures("broken")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !(name.starts_with("cypherl-") && name.ends_with(".cypherl")) {
            continue;
        }
        seen += 1;
        let error = read(Cursor::new(std::fs::read(&path).unwrap())).expect_err(&name);
        assert_eq!(error.kind(), graphferry::ErrorKind::Corrupt, "{name}");
        let expected = std::fs::read_to_string(path.with_extension("expected")).unwrap_or_default();
        if error.report() != expected.trim_end() {
            wrong.push(format!("{name}\n  said     {}\n  expected {}", error.report(), expected.trim_end()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(seen, 21);
}

fn sample() -> Graph {
    let properties = |text: &str| with(with(Map::new(), "name", text), "at", 1.5);
    Graph {
        nodes: vec![(5, vec!["A".into(), "B`".into()], properties("x\ny")), (9, vec![], Map::new())],
        relationships: vec![(0, 5, 9, "T".into(), with(Map::new(), "since", 3_i64)), (1, 9, 9, "T".into(), Map::new())],
        schema: Schema::default(),
    }
}

#[test]
fn a_dump_that_is_cut_anywhere_is_refused() {
    for dialect in DIALECTS {
        let bytes = dump(&sample(), dialect, 10, &["MATCH (n) RETURN n"]).unwrap();
        assert!(read(Cursor::new(bytes.clone())).is_ok());
        let header = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for size in header..bytes.len() {
            let error = read(Cursor::new(bytes[..size].to_vec())).expect_err(&format!("{dialect:?} cut at {size}"));
            assert_eq!(error.kind(), graphferry::ErrorKind::Corrupt);
        }
        // The last line is what the others are checked by.
        let last = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        for at in 0..last {
            let mut changed = bytes.clone();
            changed[at] ^= 0x01;
            // Changed in the first line's mark, it is a file of an unknown writer with a last line of ours.
            assert!(read(Cursor::new(changed)).is_err(), "{dialect:?} changed at {at}");
        }
    }
}

#[test]
fn the_exact_text_of_a_dump() {
    let mut graph = sample();
    graph.schema.objects = read(Cursor::new(
        b"CREATE LOOKUP INDEX `l` FOR (n) ON EACH labels(n);\nCREATE CONSTRAINT `c` FOR (n:A) REQUIRE n.p IS UNIQUE;\n\
          CREATE TEXT INDEX `t` FOR (n:A) ON (n.q);\nCALL apoc.trigger.install('neo4j', 'tr', 'RETURN 1', {phase: 'after'}, \
          {params: {}});\nCALL apoc.trigger.stop('neo4j', 'tr');"
            .to_vec(),
    ))
    .unwrap()
    .graph
    .schema
    .objects;
    let bytes = dump(&graph, Dialect::Neo4j, 10, &["MATCH (n) RETURN n // last"]).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    let body: Vec<_> = text.lines().collect();
    let body = body[1..body.len() - 1].join("\n");
    let expected = r#"DROP INDEX `index_343aff4e` IF EXISTS;
DROP INDEX `index_460996c0` IF EXISTS;
CREATE LOOKUP INDEX `l` FOR (n) ON EACH labels(n);
CREATE RANGE INDEX `__graphferry_node__` FOR (n:`__graphferry_node__`) ON (n.`__graphferry_id__`);
CALL db.awaitIndexes(300);
CREATE (:`__graphferry_node__`:`A`:`B``` {`__graphferry_id__`: 5, `name`: "x\ny", `at`: 1.5});
CREATE (:`__graphferry_node__` {`__graphferry_id__`: 9});
MATCH (u:`__graphferry_node__`), (v:`__graphferry_node__`) WHERE u.`__graphferry_id__` = 5 AND v.`__graphferry_id__` = 9 CREATE (u)-[:`T` {`since`: 3}]->(v);
MATCH (u:`__graphferry_node__`), (v:`__graphferry_node__`) WHERE u.`__graphferry_id__` = 9 AND v.`__graphferry_id__` = 9 CREATE (u)-[:`T`]->(v);
MATCH (n) RETURN n // last
;
MATCH (n:`__graphferry_node__`) CALL (n) { REMOVE n:`__graphferry_node__`, n.`__graphferry_id__` } IN TRANSACTIONS OF 10000 ROWS;
DROP INDEX `__graphferry_node__`;
CREATE TEXT INDEX `t` FOR (n:`A`) ON (n.`q`);
CREATE CONSTRAINT `c` FOR (n:`A`) REQUIRE (n.`p`) IS UNIQUE;
CALL db.awaitIndexes(300);
:use system
CALL apoc.trigger.install("neo4j", "tr", "RETURN 1", {`phase`: "after"}, {params: {}});
CALL apoc.trigger.stop("neo4j", "tr");
:use neo4j"#;
    assert_eq!(body, expected);
    let mut found = read(Cursor::new(bytes)).unwrap();
    assert_eq!(found.order, "onrsooo");
    // Indexes come before constraints, whatever the order was.
    found.graph.schema.objects.swap(1, 2);
    graph.assert_same(&found.graph, Same { ids: false, order: true });
    assert!(matches!(&graph.schema.objects[3], SchemaObject::Trigger(trigger) if trigger.paused));
}

#[test]
fn the_exact_text_of_a_dump_for_memgraph() {
    let bytes = dump(&sample(), Dialect::Memgraph, 10, &[]).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let expected = r#"CREATE (:__mg_vertex__:`A`:`B``` {__mg_id__: 5, `name`: "x\ny", `at`: 1.5});
CREATE (:__mg_vertex__ {__mg_id__: 9});
CREATE INDEX ON :__mg_vertex__(__mg_id__);
MATCH (u:__mg_vertex__), (v:__mg_vertex__) WHERE u.__mg_id__ = 5 AND v.__mg_id__ = 9 CREATE (u)-[:`T` {`since`: 3}]->(v);
MATCH (u:__mg_vertex__), (v:__mg_vertex__) WHERE u.__mg_id__ = 9 AND v.__mg_id__ = 9 CREATE (u)-[:`T`]->(v);
DROP INDEX ON :__mg_vertex__(__mg_id__);
MATCH (u) REMOVE u:__mg_vertex__, u.__mg_id__;"#;
    assert_eq!(lines[1..lines.len() - 1].join("\n"), expected);
    assert!(lines[0].starts_with("RETURN 'graphferry {\"format\":\"cypherl\",\"version\":1,\"dialect\":\"memgraph\","));
    assert!(lines[lines.len() - 1].starts_with("RETURN 'graphferry {\"trailer\":{"));
}

/// Names and values that try to end their quotation, in every place where one can stand.
#[test]
fn nothing_in_a_graph_becomes_a_statement() {
    let attacks = [
        "}); MATCH (n) DETACH DELETE n; //",
        "` {x: 1}); MATCH (n) DETACH DELETE n; //",
        "``; DROP GRAPH; //",
        "\\u0060}); MATCH (n) DETACH DELETE n; //",
        "\\\\u0060}); MATCH (n) DETACH DELETE n; //",
        "\\\"}); MATCH (n) DETACH DELETE n; //",
        "\\u0022}); MATCH (n) DETACH DELETE n; //",
        "\\u005C\"}); MATCH (n) DETACH DELETE n; //",
        "'}); MATCH (n) DETACH DELETE n; //",
        "\nRETURN 'graphferry {\"trailer\":{}}';\n",
        "\n// graphferry {\"trailer\":{}}\n",
        "*/ ; /*",
        "\n:use system\n",
    ];
    for attack in attacks {
        let text = || attack.to_owned();
        let properties = with(with(Map::new(), attack, attack), "list", Value::List(vec![Value::from(attack)]));
        let graph = Graph {
            nodes: vec![(1, vec![text()], properties.clone())],
            relationships: vec![(0, 1, 1, text(), properties)],
            schema: Schema::default(),
        };
        for dialect in DIALECTS {
            let found = read(Cursor::new(dump(&graph, dialect, 10, &[]).unwrap())).unwrap();
            assert_eq!(found.order, "nr", "{attack}");
            graph.assert_same(&found.graph, Same::ALL);
        }
    }
}

#[test]
fn statements_that_are_none_cannot_be_carried() {
    for dialect in DIALECTS {
        for text in [
            "",
            "RETURN 1; RETURN 2",
            "RETURN 'open",
            "RETURN 1 /* open",
            "RETURN 'graphferry {}'",
            "// graphferry {}",
            ":use system",
            "CALL db.awaitIndexes(300)",
            "DROP INDEX `index_343aff4e` IF EXISTS",
        ] {
            let error = dump(&sample(), dialect, 10, &[text]).expect_err(text);
            assert_eq!(error.report(), format!("not a statement that can be carried in a dump: {text}"));
        }
        let texts = ["RETURN ';' // '", "MATCH (n)\n// why\nRETURN `a;b`", "RETURN \"a\\\";\""];
        let found = read(Cursor::new(dump(&sample(), dialect, 10, &texts).unwrap())).unwrap();
        assert_eq!(found.statements.iter().map(|it| it.text.as_str()).collect::<Vec<_>>(), texts);
    }
}

#[test]
fn a_helper_that_collides_is_refused() {
    for (dialect, label, id) in [
        (Dialect::Memgraph, "__mg_vertex__", "__mg_id__"),
        (Dialect::Neo4j, "__graphferry_node__", "__graphferry_id__"),
    ] {
        let encoder = cypherl::encoder(Options::new(dialect)).unwrap();
        let with_label = Graph { nodes: vec![(1, vec![label.into()], Map::new())], ..Graph::default() };
        let with_key = Graph { nodes: vec![(1, vec![], with(Map::new(), id, 1_i64))], ..Graph::default() };
        for (graph, what) in [(with_label, format!("label {label:?}")), (with_key, format!("property {id:?}"))] {
            let error = encoder.block(&graph.blocks(1)[0], &mut Vec::new()).unwrap_err();
            assert_eq!(
                error.report(),
                format!(
                    "the {what} is the one that this dump uses for its own ids; choose another helper from all names of the graph"
                )
            );
            // With a helper chosen from the names, the same graph is dumped.
            graph.assert_same(&read(Cursor::new(dump(&graph, dialect, 1, &[]).unwrap())).unwrap().graph, Same::ALL);
        }
    }
}

#[test]
fn refusals_name_the_item_and_the_property() {
    let node = |value: Value| Graph {
        nodes: vec![(77, vec!["A".into()], with(Map::new(), "p`q", value))],
        ..Graph::default()
    };
    for (dialect, value, expected) in [
        (Dialect::Memgraph, Value::Bytes(vec![1]), "node 77, property \"p`q\": Memgraph cannot hold bytes"),
        (Dialect::Neo4j, Value::Map(Map::new()), "node 77, property \"p`q\": Neo4j cannot store a map as a property"),
        (
            Dialect::Memgraph,
            Value::Duration(Duration { months: 1, days: 0, seconds: 0, nanoseconds: 0 }),
            "node 77, property \"p`q\": Memgraph cannot hold months in a duration: it counts days and microseconds",
        ),
    ] {
        assert_eq!(dump(&node(value), dialect, 1, &[]).unwrap_err().report(), expected);
    }
}

#[test]
fn a_trigger_of_memgraph_is_one_statement() {
    let trigger = |statement: &str| {
        let selector = with(Map::new(), "phase", "AFTER COMMIT");
        let (name, system, params) = ("t".to_owned(), "memgraph".to_owned(), Map::new());
        let trigger = Trigger { name, statement: statement.to_owned(), system, selector, params, paused: false };
        Graph { schema: Schema { objects: vec![SchemaObject::Trigger(trigger)] }, ..sample() }
    };
    for statement in
        ["RETURN 1", "MATCH (n)\n// it's; a comment\nRETURN n", "RETURN ';' // the end", "RETURN `a;b` /* ; */"]
    {
        let graph = trigger(statement);
        let found = read(Cursor::new(dump(&graph, Dialect::Memgraph, 10, &[]).unwrap())).unwrap();
        graph.assert_same(&found.graph, Same { ids: false, order: true });
    }
    for statement in ["RETURN 1; DROP GRAPH", "RETURN 'open", "RETURN 1 /* open", "RETURN `open"] {
        assert_eq!(
            dump(&trigger(statement), Dialect::Memgraph, 10, &[]).unwrap_err().report(),
            "what the memgraph trigger \"t\" runs is not one statement, and cannot be quoted"
        );
    }
}

#[test]
fn vectors_are_written_in_the_language_that_has_them() {
    use graphferry::model::packstream::VectorType;
    let floats = Value::Vector(VectorType::F32, [0.1_f32, -0.0].iter().flat_map(|x| x.to_be_bytes()).collect());
    let integers = Value::Vector(VectorType::I8, vec![0x80, 0x7F]);
    let properties =
        || with(with(with(Map::new(), "a", 1_i64), "floats", floats.clone()), "integers", integers.clone());
    let graph = Graph {
        nodes: vec![(1, vec![], properties()), (2, vec![], Map::new())],
        relationships: vec![(0, 1, 2, "T".into(), properties())],
        schema: Schema::default(),
    };
    let bytes = dump(&graph, Dialect::Neo4j, 10, &[]).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    let vectors =
        "`floats`: vector([0.10000000149011612, -0.0], 2, FLOAT32), `integers`: vector([-128, 127], 2, INTEGER8)";
    assert_eq!(text.lines().filter(|line| line.starts_with("CYPHER 25 ") && line.contains(vectors)).count(), 2);
    graph.assert_same(&read(Cursor::new(bytes)).unwrap().graph, Same::ALL);
}

/// What Memgraph writes and cannot read itself, and what people write.
#[test]
fn statements_that_others_write() {
    let found = |text: &str| {
        read(Cursor::new(text.to_owned().into_bytes())).unwrap_or_else(|error| panic!("{text}: {error:?}"))
    };
    let node = |text: &str| found(text).graph.nodes.first().cloned().unwrap_or_else(|| panic!("{text} is no node"));
    // A backtick that opens nothing hides nothing.
    let odd = found(
        "CREATE ENUM My Enum VALUES { a b, t`k };\nCREATE (:__mg_vertex__:`A` {__mg_id__: 0, `e`: My Enum::a b});\n\
         CREATE (:__mg_vertex__:`A` {__mg_id__: 1});\n",
    );
    assert_eq!((odd.order.as_str(), odd.graph.nodes.len()), ("on", 2));
    assert_eq!(odd.graph.nodes[0].2["e"], Value::Enum("My Enum::a b".to_owned()));
    // Neither does a comment in a trigger that was put into one line.
    let odd = found(
        "CREATE TRIGGER t ON () CREATE AFTER COMMIT EXECUTE MATCH (n) WHERE n.x = 1 // it's RETURN n;\n\
         CREATE (:__mg_vertex__:`A` {__mg_id__: 1});\n",
    );
    assert_eq!((odd.order.as_str(), odd.graph.nodes.len()), ("on", 1));
    // The helper is the first label and the first property; others of the same name are the user's.
    let twice = node("CREATE (:__mg_vertex__:`__mg_vertex__`:`X` {__mg_id__: 17, `__mg_id__`: 777, `b`: null});\n");
    assert_eq!((twice.0, twice.1.as_slice()), (17, &["__mg_vertex__".to_owned(), "X".to_owned()][..]));
    assert_eq!(twice.2, with(Map::new(), "__mg_id__", Value::Integer(777)));
    for (text, bits) in [("-0", 0x8000_0000_0000_0000), ("(0.0/0.0)", 0xFFF8_0000_0000_0000_u64), ("-0.0", 1 << 63)] {
        for value in [text.to_owned(), format!("[{text}]")] {
            let (_, _, map) = node(&format!("CREATE (:__mg_vertex__ {{__mg_id__: 1, `f`: {value}, `g`: 0}});\n"));
            let value = map["f"].as_list().map_or(&map["f"], |list| &list[0]);
            let Value::Float(float) = value else { panic!("{value:?}") };
            assert_eq!((float.to_bits(), &map["g"]), (bits, &Value::Integer(0)), "{value:?}");
        }
    }
    assert_eq!(node("CREATE (:Z:Y:Z);").1, ["Z", "Y"]);
    let plain = found(
        "\u{feff}CREATE (:Z {a: \"x;y\"});\r\nCREATE (a:X)-[:R]->(b:Y); MATCH (n) SET n.x = 1;\r\n// it's \"a;\r\n/* ; ' */ CREATE (:Z); RETURN 1;",
    );
    let texts: Vec<_> = plain.statements.iter().map(|statement| statement.text.as_str()).collect();
    assert_eq!(texts, ["CREATE (a:X)-[:R]->(b:Y)", "MATCH (n) SET n.x = 1", "RETURN 1"]);
    assert_eq!((plain.order.as_str(), plain.graph.nodes.len()), ("nssns", 2));
    let paused = found(
        ":use system\nCALL apoc.trigger.install('neo4j', 't', 'RETURN 1', {phase: 'after'}, {params: {}});\n\
         CALL apoc.trigger.stop('neo4j', 't');\n:use neo4j\n",
    );
    assert!(matches!(&paused.graph.schema.objects[..], [SchemaObject::Trigger(trigger)] if trigger.paused));
}

#[test]
fn what_would_go_wrong_in_silence_is_refused() {
    for (text, expected) in [
        // As a statement it would make a node that no relationship finds, and that nobody cleans.
        (
            "CREATE (:__mg_vertex__:`A` {__mg_id__: 17, `b`: foo(2)});",
            "line 1, byte 0: an item of the dump has something that only its system can read: \
             CREATE (:__mg_vertex__:`A` {__mg_id__: 17, `b`: foo(2)})",
        ),
        // As a statement it would find no ends and make nothing.
        (
            "CREATE (:A);\nMATCH (u:__mg_vertex__), (v:__mg_vertex__) WHERE u.__mg_id__ = 1 AND v.__mg_id__ = 1 CREATE (u)-[:R {a: $x}]->(v);",
            "line 2, byte 13: an item of the dump has something that only its system can read: \
             MATCH (u:__mg_vertex__), (v:__mg_vertex__) WHERE u.__mg_id__ = 1 AND v.__mg_id__ = 1 CREATE (u)-[:R ",
        ),
        ("CREATE (:Z {a: 1, a: 2});", "line 1, byte 18: the key \"a\" is there twice"),
        (
            ":param x => 3\nCREATE (:Z {a: $x});",
            "line 1, byte 0: the dump asks for :param, which only cypher-shell can do",
        ),
        (
            "CREATE (:Z); MATCH (n) SET n.x = 1",
            "line 1, byte 13: the dump ends inside of a statement that begins here: it is truncated",
        ),
    ] {
        let error = read(Cursor::new(text.to_owned().into_bytes())).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (graphferry::ErrorKind::Corrupt, expected), "{text}");
    }
}
