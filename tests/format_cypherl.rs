//! CYPHERL from outside: what is written is read back, whatever the values and names; what Memgraph wrote is read; what is damaged is
//! refused with its place.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use graphferry::cypher::Dialect;
use graphferry::format::cypherl::{self, Helper, Options};
use graphferry::format::{Encoder, Piece, Statement, Wrote};
use graphferry::model::header::Origin;
use graphferry::model::schema::with;
use graphferry::model::tally::Counter;
use graphferry::model::temporal::Duration;
use graphferry::model::{Class, Header, Map, Schema, SchemaObject, Trailer, Value};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::io::{Cursor, Read};
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

/// What a decoder gives.
#[derive(Debug, Default)]
struct Found {
    graph: Graph,
    statements: Vec<Statement>,
    /// `n`, `r`, `o`, `s`: blocks of nodes and relationships, objects, statements, in their order.
    order: String,
    warnings: Vec<String>,
    header: Header,
    trailer: Option<Trailer>,
    lines: Vec<u64>,
}

fn read(from: impl Read + Send + 'static) -> graphferry::Result<Found> {
    let mut decoder = cypherl::decoder(Box::new(from))?;
    let mut found = Found { header: decoder.header().clone(), ..Found::default() };
    while let Some(piece) = decoder.next()? {
        match piece {
            Piece::Block(block) => {
                found.order.push(if block.class() == Class::Nodes { 'n' } else { 'r' });
                found.lines.extend(block.items().iter().map(|item| block.position(item).unwrap().line));
                found.graph.add(&block);
            }
            Piece::Object(object) => {
                found.order.push('o');
                found.graph.schema.objects.push(object);
            }
            Piece::Statement(statement) => {
                found.order.push('s');
                found.statements.push(statement);
            }
            _ => unreachable!(),
        }
    }
    found.warnings = decoder.warnings();
    found.trailer = decoder.trailer().cloned();
    Ok(found)
}

/// A reader that gives its bytes in pieces of these sizes.
struct Pieces(Cursor<Vec<u8>>, usize);

impl Read for Pieces {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let size = to.len().min(self.1);
        self.0.read(&mut to[..size])
    }
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
        // The local mean times of before 1920 have offsets with seconds, for which Memgraph has no text.
        let refused = dump(&graph, Dialect::Memgraph, 3, &[]).err();
        prop_assume!(!refused.is_some_and(|error| error.message().contains("Memgraph cannot hold an offset of ")));
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
    for (text, bits) in [("-0", 0x8000_0000_0000_0000), ("(0.0/0.0)", 0x7FF8_0000_0000_0000_u64), ("-0.0", 1 << 63)] {
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
