//! The same comparison on a real Neo4j: pairs cut to what its Community edition can hold, and the result read with neo4rs, from texts and
//! types that the server makes.

use crate::drive::{arguments, events, facts, id_map, refusal};
use crate::generate::Pair;
use crate::model::{Merged, Refusal, Wishes};
use crate::support::neo4j::{Neo4j, TURN};
use crate::support::tool::{Run, run};
use crate::support::{self, Graph};
use crate::{agree, assert_same, for_pairs_shrunk, run_id};
use graphferry::format::jsonl;
use graphferry::model::temporal::Date;
use graphferry::model::{Constraint, ConstraintKind, Entity, Map, Schema, SchemaObject, Value};
use neo4rs::{Row, query};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::PoisonError;

/// Between the members of a list that the server made a text of; no integer has it.
const COMMA: &str = ",";

/// Two days and how the server writes them.
const DAYS: [(i64, &str); 2] = [(19_782, "2024-02-29"), (19_783, "2024-03-01")];

/// The value, if Neo4j can hold it and [`value`] can read it back to the bit.
fn held(value: &Value) -> Option<Value> {
    match value {
        Value::Boolean(_) | Value::Integer(_) | Value::String(_) => Some(value.clone()),
        // The text NaN says nothing of its bits.
        Value::Float(float) => Some(Value::Float(if float.is_nan() { f64::NAN } else { *float })),
        Value::Date(date) => DAYS.iter().any(|(days, _)| *days == date.days).then(|| value.clone()),
        Value::List(list) => list.iter().all(|member| matches!(member, Value::Integer(_))).then(|| value.clone()),
        _ => None,
    }
}

/// The graph with what Neo4j Community can hold of it.
fn cut(graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    let maps = graph.nodes.iter_mut().map(|node| &mut node.2);
    for map in maps.chain(graph.relationships.iter_mut().map(|relationship| &mut relationship.4)) {
        *map = map.iter().filter_map(|(name, value)| Some((name.clone(), held(value)?))).collect();
    }
    graph.schema.objects.retain(|object| match object {
        SchemaObject::Constraint(rule) => rule.kind == ConstraintKind::Unique && rule.on == Entity::Node,
        _ => false,
    });
    graph
}

/// A value from the server's word for its type and its text.
fn value(kind: &str, text: &str) -> Value {
    let kind = kind.strip_suffix(" NOT NULL").unwrap_or(kind);
    match kind {
        "BOOLEAN" => Value::Boolean(text.parse().unwrap()),
        "INTEGER" => Value::Integer(text.parse().unwrap()),
        "FLOAT" => Value::Float(text.parse().unwrap()),
        "STRING" => Value::from(text),
        "DATE" => Value::Date(Date { days: DAYS.iter().find(|(_, day)| *day == text).unwrap().0 }),
        "LIST<NOTHING>" => Value::List(Vec::new()),
        "LIST<INTEGER NOT NULL>" => {
            Value::List(text.split(COMMA).skip(1).map(|member| Value::Integer(member.parse().unwrap())).collect())
        }
        _ => panic!("{kind}: {text}"),
    }
}

fn properties(row: &Row) -> Map {
    let told: Vec<Vec<String>> = row.get("properties").unwrap();
    told.into_iter().map(|told| (told[0].clone(), value(&told[1], &told[2]))).collect()
}

/// What the server holds, the ledger too.
fn read(server: &Neo4j) -> Graph {
    let told = format!(
        "[k IN keys(x) | [k, valueType(x[k]), CASE WHEN valueType(x[k]) STARTS WITH 'LIST' \
         THEN reduce(s = '', v IN x[k] | s + '{COMMA}' + toString(v)) ELSE toString(x[k]) END]] AS properties"
    );
    let mut graph = Graph::default();
    let nodes =
        format!("MATCH (x) WHERE NOT x:__GraphFerry__ RETURN id(x) AS id, labels(x) AS labels, {told} ORDER BY id");
    for row in server.rows(query(&nodes)) {
        graph.nodes.push((row.get("id").unwrap(), row.get("labels").unwrap(), properties(&row)));
    }
    let relationships =
        format!("MATCH (a)-[x]->(b) RETURN id(x) AS id, id(a) AS a, id(b) AS b, type(x) AS type, {told} ORDER BY id");
    for row in server.rows(query(&relationships)) {
        let number = |name: &str| row.get::<i64>(name).unwrap();
        let name = row.get("type").unwrap();
        graph.relationships.push((number("id"), number("a"), number("b"), name, properties(&row)));
    }
    let rules = "SHOW CONSTRAINTS YIELD name, type, labelsOrTypes, properties \
                 RETURN name, type, labelsOrTypes, properties ORDER BY name";
    let mut objects = Vec::new();
    for row in server.rows(query(rules)) {
        assert_eq!(row.get::<String>("type").unwrap(), "UNIQUENESS");
        let labels: Vec<String> = row.get("labelsOrTypes").unwrap();
        objects.push(SchemaObject::Constraint(Constraint {
            name: Some(row.get("name").unwrap()),
            kind: ConstraintKind::Unique,
            on: Entity::Node,
            label: labels[0].clone(),
            properties: row.get("properties").unwrap(),
            provider: None,
            config: Map::new(),
        }));
    }
    graph.schema = Schema { objects };
    graph
}

/// Nodes of the ledger.
fn ledger(server: &Neo4j) -> i64 {
    server.number("MATCH (x:__GraphFerry__) RETURN count(x)")
}

/// Fills the empty server and gives the graph as it is there, under the server's ids.
fn fill(server: &Neo4j, folder: &Path, graph: &Graph) -> Graph {
    server.wipe();
    std::fs::write(folder.join("target.jsonl"), support::dump::plain(&jsonl::encoder(), graph)).unwrap();
    run(folder, ["restore", "target.jsonl", &server.url]).expect(0);
    let stored = read(server);
    let items = |graph: &Graph| (graph.nodes.len(), graph.relationships.len(), graph.schema.objects.len());
    assert_eq!(items(&stored), items(graph));
    let values = |graph: &Graph| {
        let of_nodes: usize = graph.nodes.iter().map(|node| node.2.len()).sum();
        of_nodes + graph.relationships.iter().map(|relationship| relationship.4.len()).sum::<usize>()
    };
    assert_eq!(values(&stored), values(graph));
    stored
}

fn merge_run(server: &Neo4j, folder: &Path, dump: &Graph, wishes: &Wishes, more: &[&str]) -> Run {
    std::fs::write(folder.join("dump.jsonl"), support::dump::plain(&jsonl::encoder(), dump)).unwrap();
    _ = std::fs::remove_file(folder.join("ids.csv"));
    let mut arguments = arguments(wishes);
    arguments[2].clone_from(&server.url);
    arguments.extend(["--json", "--id-map", "ids.csv"].iter().chain(more).map(|&argument| argument.to_owned()));
    run(folder, arguments)
}

/// What a run came to. Neo4j gives ids of what is gone again: relationships that the target did not have get one that is higher than all.
fn outcome(server: &Neo4j, folder: &Path, target: &Graph, run: &Run) -> Result<Merged, Refusal> {
    match run.code {
        0 => {
            let mut graph = read(server);
            let before: BTreeSet<_> = target.relationships.iter().map(|relationship| relationship.0).collect();
            for relationship in graph.relationships.iter_mut().filter(|found| !before.contains(&found.0)) {
                relationship.0 = i64::MAX;
            }
            Ok(Merged { graph, ids: id_map(folder) })
        }
        4 => Err(refusal(&events(run))),
        _ => panic!("exit {}\n$ {}\n{}", run.code, run.command, run.stderr),
    }
}

/// Merges, takes it back, merges again without a way back: the model each time, and in between what was.
#[test]
fn neo4j_does_what_the_document_says() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let server = Neo4j::target();
    let count = std::env::var("GRAPHFERRY_PAIRS_NEO4J").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let seen = RefCell::new(BTreeMap::<&str, u32>::new());
    for_pairs_shrunk(count, 30, |Pair { target, dump, wishes, pace }| {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let (target, dump) = (fill(&server, folder, &cut(&target)), cut(&dump));
        let all = i64::MAX;
        for more in [&["--undoable"][..], &[]] {
            let run = merge_run(&server, folder, &dump, &wishes, &[more, &pace[..]].concat());
            let said = format!("$ {}\n{}", run.command, run.stderr);
            let found = outcome(&server, folder, &target, &run);
            agree(&target, &dump, &wishes, &found, &said);
            if found.is_ok() && !more.is_empty() {
                assert!(ledger(&server) > 0, "nothing to undo with\n{said}");
                self::run(folder, ["undo", &run_id(&run), &server.url]).expect(0);
            }
            assert_eq!(ledger(&server), 0, "the ledger is left\n{said}");
            if found.is_err() || !more.is_empty() {
                assert_same(&facts(&target, all), &facts(&read(&server), all));
            }
            *seen.borrow_mut().entry(if found.is_ok() { "merged" } else { "refused" }).or_default() += 1;
        }
    });
    server.wipe();
    let seen = seen.into_inner();
    assert!(
        ["merged", "refused"].iter().all(|what| seen.get(what).is_some_and(|times| *times >= count / 5)),
        "{seen:?}"
    );
}
