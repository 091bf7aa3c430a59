//! Generated graphs through every way: formats, stores and real servers. What nobody thought of when the fixtures were made is found
//! here. Graphs are compared as sorted texts of their items, which know nothing of our digests.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use graphferry::format::{Piece, jsonl};
use graphferry::model::schema::{OtherObject, with};
use graphferry::model::temporal::Duration;
use graphferry::model::{
    Constraint, ConstraintKind, Entity, Index, IndexKind, Map, Schema, SchemaObject, Trigger, Value,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::HashMap;
use std::path::Path;
use support::arbitrary::{name, text};
use support::neo4j::{Neo4j, TURN};
use support::tool::run;
use support::{Graph, Limits, graph::graph};

/// Several small graphs as one: more values for each way that is gone.
fn merged(graphs: Vec<Graph>) -> Graph {
    let mut whole = Graph::default();
    for graph in graphs {
        let mut ids = HashMap::new();
        for (id, labels, properties) in graph.nodes {
            let new = whole.nodes.len() as i64 * 3;
            ids.insert(id, new);
            whole.nodes.push((new, labels, properties));
        }
        for (_, start, end, kind, properties) in graph.relationships {
            let id = whole.relationships.len() as i64;
            whole.relationships.push((id, ids[&start], ids[&end], kind, properties));
        }
    }
    whole
}

fn write(graph: &Graph, path: &Path) {
    std::fs::write(path, support::dump::plain(&jsonl::encoder(), graph)).unwrap();
}

fn read(path: &Path) -> Graph {
    let bytes = std::fs::read(path).unwrap();
    let mut decoder = jsonl::decoder(Box::new(std::io::Cursor::new(bytes))).unwrap();
    let mut found = Graph::default();
    while let Some(piece) = decoder.next().unwrap() {
        match piece {
            Piece::Block(block) => found.add(&block),
            Piece::Object(object) => found.schema.objects.push(object),
            other => panic!("{other:?}"),
        }
    }
    found
}

/// One duration has several forms with the same length; Memgraph's text has one.
fn normal(value: Value) -> Value {
    match value {
        Value::Duration(duration) => {
            let (second, nanoseconds) = (1_000_000_000, duration.nanoseconds);
            match duration.seconds.checked_add(i64::from(nanoseconds.div_euclid(second))) {
                Some(seconds) => {
                    Value::Duration(Duration { seconds, nanoseconds: nanoseconds.rem_euclid(second), ..duration })
                }
                None => value,
            }
        }
        Value::List(values) => Value::List(values.into_iter().map(normal).collect()),
        Value::Map(map) => Value::Map(map.into_iter().map(|(key, value)| (key, normal(value))).collect()),
        value => value,
    }
}

/// One property set as text: keys sorted, floats by their bits.
fn words(properties: &Map) -> String {
    let mut properties: Map = properties.iter().map(|(key, value)| (key.clone(), normal(value.clone()))).collect();
    properties.sort_unstable_keys();
    let mut bytes = Vec::new();
    graphferry::model::value::put_map(&mut bytes, &properties);
    format!("{properties:?} as {bytes:02x?}")
}

/// The graph as sorted lines, the same for every order and every ids.
fn lines(graph: &Graph) -> Vec<String> {
    let mut said = HashMap::new();
    let mut all = Vec::new();
    for (id, labels, properties) in &graph.nodes {
        let mut labels = labels.clone();
        labels.sort();
        let line = format!("{labels:?} {}", words(properties));
        said.insert(*id, line.clone());
        all.push(line);
    }
    for (_, start, end, kind, properties) in &graph.relationships {
        all.push(format!("({}) -[{kind:?} {}]-> ({})", said[start], words(properties), said[end]));
    }
    for object in &graph.schema.objects {
        // Which provider an index has is the target's choice.
        let mut object = object.clone();
        match &mut object {
            SchemaObject::Index(index) => {
                index.provider = None;
                index.config.sort_unstable_keys();
            }
            SchemaObject::Constraint(constraint) => constraint.provider = None,
            _ => {}
        }
        all.push(serde_json::to_string(&object).unwrap());
    }
    all.sort();
    all
}

#[track_caller]
fn assert_same(way: &str, expected: &Graph, found: &Graph) {
    let (expected, found) = (lines(expected), lines(found));
    let missing: Vec<_> = expected.iter().filter(|line| !found.contains(line)).take(3).collect();
    let extra: Vec<_> = found.iter().filter(|line| !expected.contains(line)).take(3).collect();
    assert!(expected == found, "{way}\nmissing: {missing:#?}\nextra: {extra:#?}");
}

/// Objects that Neo4j 5 takes; their names, and the names on which they are, are different for each.
fn neo4j_schema() -> BoxedStrategy<Schema> {
    let on = || select(vec![Entity::Node, Entity::Relationship]);
    let names = |count: usize| vec(name(Limits::NEO4J), count);
    let index = (on(), 0_usize..5, names(4)).prop_map(|(on, kind, names)| {
        let kinds = [IndexKind::Range, IndexKind::Text, IndexKind::Point, IndexKind::Fulltext, IndexKind::Vector];
        let kind = kinds[kind];
        let several = |many: bool, of: &[String]| {
            let mut of = of.to_vec();
            of.truncate(if many { 2 } else { 1 });
            of.dedup();
            of
        };
        let labels = several(kind == IndexKind::Fulltext, &names[..2]);
        let properties = several(matches!(kind, IndexKind::Fulltext | IndexKind::Range), &names[2..]);
        let config = match kind {
            IndexKind::Fulltext => with(
                with(Map::new(), "fulltext.analyzer", "english"),
                "fulltext.eventually_consistent",
                Value::Boolean(true),
            ),
            IndexKind::Vector => {
                [("vector.dimensions", 3), ("vector.hnsw.m", 17), ("vector.hnsw.ef_construction", 101)]
                    .into_iter()
                    .fold(
                        with(
                            with(Map::new(), "vector.similarity_function", "EUCLIDEAN"),
                            "vector.quantization.enabled",
                            Value::Boolean(false),
                        ),
                        |map, (key, number)| with(map, key, Value::Integer(number)),
                    )
            }
            IndexKind::Point => [("cartesian", 2), ("cartesian-3d", 3), ("wgs-84", 2), ("wgs-84-3d", 3)]
                .into_iter()
                .flat_map(|(system, size)| {
                    [("min", -10.5), ("max", 20.25)].map(|(end, value)| {
                        (format!("spatial.{system}.{end}"), Value::List(vec![Value::Float(value); size]))
                    })
                })
                .collect(),
            _ => Map::new(),
        };
        SchemaObject::Index(Index { name: None, kind, on, labels, properties, provider: None, config })
    });
    let constraint = (on(), names(2)).prop_map(|(on, names)| {
        let (kind, name) = (ConstraintKind::Unique, None);
        let [label, property] = [names[0].clone(), names[1].clone()];
        let properties = vec![property];
        SchemaObject::Constraint(Constraint { name, kind, on, label, properties, provider: None, config: Map::new() })
    });
    (vec(prop_oneof![3 => index, 1 => constraint], 0..5), names(1))
        .prop_map(|(objects, names)| {
            let objects = objects.into_iter().enumerate().map(|(at, mut object)| {
                // The server cuts white space off both ends.
                let own = format!("{at}{}.", names[0]);
                match &mut object {
                    SchemaObject::Index(index) => {
                        index.labels[0] = format!("I{at}{}", index.labels[0]);
                        index.name = Some(own);
                    }
                    SchemaObject::Constraint(constraint) => {
                        constraint.label = format!("I{at}{}", constraint.label);
                        constraint.name = Some(own);
                    }
                    _ => {}
                }
                object
            });
            Schema { objects: objects.collect() }
        })
        .boxed()
}

/// Triggers as APOC keeps them.
fn apoc_triggers() -> BoxedStrategy<Vec<SchemaObject>> {
    let limits = Limits { bytes: false, ..Limits::NEO4J };
    let plain = prop_oneof![
        text().prop_map(Value::String),
        any::<i64>().prop_map(Value::Integer),
        any::<bool>().prop_map(Value::Boolean),
        vec(any::<i64>().prop_map(Value::Integer), 0..3).prop_map(Value::List),
    ];
    let params = vec((name(limits), plain), 0..3).prop_map(|pairs| pairs.into_iter().collect::<Map>());
    let phase = select(vec!["before", "after", "rollback", "afterAsync"]);
    vec((text(), text(), params, phase, any::<bool>()), 0..3)
        .prop_map(|triggers| {
            let triggers = triggers.into_iter().enumerate().map(|(at, (name, statement, params, phase, paused))| {
                SchemaObject::Trigger(Trigger {
                    name: format!("t{at}{name}"),
                    statement,
                    system: "apoc".to_owned(),
                    selector: with(Map::new(), "phase", phase),
                    params,
                    paused,
                })
            });
            triggers.collect()
        })
        .boxed()
}

/// Every sort of object that Memgraph has.
fn memgraph_schema() -> BoxedStrategy<Schema> {
    let names = |count: usize| vec(name(Limits::MEMGRAPH), count);
    let object = (0_usize..11, names(4), text()).prop_map(|(sort, names, text)| {
        let index = |name: Option<&String>, kind, on, labels: &[String], properties: &[String], config| {
            let (labels, properties) = (labels.to_vec(), properties.to_vec());
            SchemaObject::Index(Index { name: name.cloned(), kind, on, labels, properties, provider: None, config })
        };
        let constraint = |kind, properties: &[String]| {
            SchemaObject::Constraint(Constraint {
                name: None,
                kind,
                on: Entity::Node,
                // None that a node may have: the data would have to keep to it.
                label: format!("Bound {}", names[0]),
                properties: properties.to_vec(),
                provider: None,
                config: Map::new(),
            })
        };
        let (label, property) = (&names[..1], &names[1..2]);
        let vector = [("dimension", 3), ("capacity", 100)]
            .into_iter()
            .fold(with(Map::new(), "metric", "l2sq"), |map, (key, number)| with(map, key, Value::Integer(number)));
        match sort {
            0 => index(None, IndexKind::Label, Entity::Node, label, &[], Map::new()),
            1 => index(None, IndexKind::Range, Entity::Node, label, &names[1..3], Map::new()),
            2 => index(None, IndexKind::Range, Entity::Relationship, label, property, Map::new()),
            3 => index(None, IndexKind::Point, Entity::Node, label, property, Map::new()),
            4 => index(names.last(), IndexKind::Text, Entity::Node, label, &[], Map::new()),
            5 => index(names.last(), IndexKind::Vector, Entity::Node, label, property, vector),
            6 => constraint(ConstraintKind::Unique, &names[1..3]),
            7 => constraint(ConstraintKind::Existence, property),
            8 => constraint(ConstraintKind::PropertyType("STRING".to_owned()), property),
            9 => {
                let values = Value::List(names[1..].iter().map(|name| Value::from(name.as_str())).collect());
                let details = with(Map::new(), "values", values);
                SchemaObject::Other(OtherObject { kind: "enum".to_owned(), name: names[0].clone(), details })
            }
            _ => SchemaObject::Trigger(Trigger {
                name: names[0].clone(),
                statement: format!("CREATE (:T {{x: {:?}}})", text.replace(|c: char| !c.is_ascii_alphanumeric(), " ")),
                system: "memgraph".to_owned(),
                selector: with(with(Map::new(), "event", "() CREATE"), "phase", "AFTER COMMIT"),
                params: Map::new(),
                paused: false,
            }),
        }
    });
    vec(object, 0..6).prop_map(|objects| Schema { objects }).boxed()
}

fn is_early(value: &Value) -> bool {
    match value {
        // 1922.
        Value::ZonedDateTime { seconds, .. } => *seconds < -1_500_000_000,
        Value::List(values) => values.iter().any(is_early),
        Value::Map(map) => map.values().any(is_early),
        _ => false,
    }
}

/// Runs `check` on `cases` graphs that are the same in every run.
fn each<T: std::fmt::Debug>(cases: u32, seed: u8, strategy: BoxedStrategy<T>, check: impl Fn(T)) {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 40, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]));
    let result = runner.run(&strategy, |value| {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(value)));
        outcome.map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            TestCaseError::fail(text.unwrap_or_default())
        })
    });
    if let Err(error) = result {
        let text = error.to_string();
        panic!("{}", text.chars().take(6000).collect::<String>());
    }
}

fn with_schema(size: usize, limits: Limits, schema: BoxedStrategy<Schema>) -> BoxedStrategy<Graph> {
    (vec(graph(Limits { schema: false, ..limits }), size), schema)
        .prop_map(|(graphs, schema)| Graph { schema, ..merged(graphs) })
        .boxed()
}

/// JSONL to each of these files and back again, with `verify` on every step.
fn through_files(graph: &Graph, ways: &[&[&str]]) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write(graph, &at("first.jsonl"));
    for way in ways {
        let mut from = "first.jsonl".to_owned();
        for (step, last) in way.iter().enumerate() {
            let (extension, options) = last.split_once(' ').unwrap_or((last, ""));
            let to = format!("step{step}.{extension}");
            for name in [to.clone(), format!("{to}-wal"), format!("{to}-shm"), "last.jsonl".to_owned()] {
                let _ = std::fs::remove_file(at(&name));
            }
            let verb = match (extension == "db", from.ends_with(".db")) {
                (true, _) => "restore",
                (false, true) => "dump",
                (false, false) => "convert",
            };
            let output = if verb == "dump" { vec!["-o", &to] } else { vec![&*to] };
            let mut arguments = vec![verb, &from];
            arguments.extend(output);
            arguments.extend(options.split_whitespace());
            run(folder.path(), &arguments).expect(0);
            run(folder.path(), ["verify", "first.jsonl", &to]).expect(0);
            from = to;
        }
        let verb = if from.ends_with(".db") { "dump" } else { "convert" };
        let mut arguments = vec![verb, &from];
        arguments.extend(if verb == "dump" { vec!["-o", "last.jsonl"] } else { vec!["last.jsonl"] });
        run(folder.path(), &arguments).expect(0);
        assert_same(&way.join(" -> "), graph, &read(&at("last.jsonl")));
    }
}

#[test]
fn everything_goes_through_jsonl_and_the_embedded_store() {
    each(16, 1, with_schema(4, Limits::ALL, Just(Schema::default()).boxed()), |graph| {
        through_files(&graph, &[&["jsonl.zst"], &["db"], &["jsonl.gz", "db"]]);
    });
}

#[test]
fn everything_but_a_schema_goes_through_graphml() {
    each(16, 5, with_schema(4, Limits::ALL, Just(Schema::default()).boxed()), |graph| {
        through_files(&graph, &[&["graphml"], &["graphml.zst", "db", "graphml --jobs 3"]]);
    });
}

#[test]
fn what_neo4j_holds_goes_through_cypherl() {
    let schema = (neo4j_schema(), apoc_triggers()).prop_map(|(mut schema, triggers)| {
        schema.objects.extend(triggers);
        schema
    });
    each(16, 2, with_schema(4, Limits::NEO4J, schema.boxed()), |graph| {
        through_files(
            &graph,
            &[
                &["cypherl --dialect neo4j"],
                &["db", "cypherl.zst --dialect neo4j", "db"],
                &["cypherl --dialect neo4j", "jsonl"],
            ],
        );
    });
}

#[test]
fn what_memgraph_holds_goes_through_cypherl() {
    let strategy = with_schema(2, Limits::MEMGRAPH, memgraph_schema());
    each(24, 3, strategy, |mut graph| {
        // Memgraph's text has no offset with seconds, as zones had them once.
        graph.relationships.iter_mut().for_each(|relationship| relationship.4.retain(|_, value| !is_early(value)));
        graph.nodes.iter_mut().for_each(|node| node.2.retain(|_, value| !is_early(value)));
        through_files(
            &graph,
            &[
                &["cypherl --dialect memgraph"],
                &["cypherl --dialect memgraph", "db", "cypherl.gz --dialect memgraph", "jsonl"],
            ],
        );
    });
}

/// Everything that a server can hold, there and back in every way; the server's own words say whether it is the same.
#[test]
fn generated_graphs_between_real_servers() {
    let _turn = TURN.lock();
    let (source, target) = (Neo4j::source(), Neo4j::target());
    each(12, 4, with_schema(6, Limits::NEO4J, neo4j_schema()), |graph| {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let go = |arguments: &[&str]| run(folder.path(), arguments).expect(0);
        write(&graph, &at("made.jsonl"));
        source.wipe();
        go(&["restore", "made.jsonl", &source.url, "--jobs", "1"]);
        let before = source.witness();
        go(&["dump", &source.url, "-o", "graph.jsonl"]);
        let mut dumped = read(&at("graph.jsonl"));
        // An empty database has two lookup indexes of its own.
        dumped
            .schema
            .objects
            .retain(|object| !matches!(object, SchemaObject::Index(Index { kind: IndexKind::Lookup, .. })));
        assert_same("as it was generated", &graph, &dumped);
        go(&["dump", &source.url, "-o", "graph.cypherl", "--dialect", "neo4j"]);
        let arrived = |way: &str| {
            target.run("CALL db.awaitIndexes(120)");
            let after = target.witness();
            assert!(before == after, "{way}: {before:?}\n{after:?}");
            go(&["verify", &source.url, &target.url]);
            target.wipe();
        };
        target.wipe();
        for file in ["graph.jsonl", "graph.cypherl"] {
            go(&["restore", file, &target.url]);
            arrived(file);
        }
        let output = target.cypher_shell(&at("graph.cypherl"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        arrived("cypher-shell");
        go(&["copy", &source.url, "store.db"]);
        go(&["copy", "store.db", &target.url]);
        arrived("the embedded store");
        go(&["copy", &source.url, &target.url]);
        arrived("copy");
    });
}
