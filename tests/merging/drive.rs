//! The real tool, and the store as others see it: read with SQL from the tables of docs/embedded-store.md.

use crate::model::{Key, Merged, OnConflict, Refusal, Relationships, Wishes};
use crate::support::tool::{Run, run};
use crate::support::{self, Graph};
use graphferry::format::jsonl;
use graphferry::model::value::put_map;
use graphferry::model::{Cursor, Map, Schema, SchemaObject, Value, json};
use rusqlite::{Connection, OpenFlags};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Fills `store.db` with a graph and gives it as it is there, under the store's ids.
pub fn fill_store(folder: &Path, graph: &Graph) -> Graph {
    std::fs::write(folder.join("target.jsonl"), support::dump::plain(&jsonl::encoder(), graph)).unwrap();
    run(folder, ["restore", "target.jsonl", "store.db"]).expect(0);
    let stored = read(folder);
    let items = |graph: &Graph| (graph.nodes.len(), graph.relationships.len(), graph.schema.objects.len());
    assert_eq!(items(&stored), items(graph));
    stored
}

/// The command line of a merge of `dump.jsonl` into `store.db`.
pub fn arguments(wishes: &Wishes) -> Vec<String> {
    let mut arguments = vec!["merge".to_owned(), "dump.jsonl".to_owned(), "store.db".to_owned()];
    let mut option = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
    for key in &wishes.keys {
        match key {
            Key::Of(label, names) => option("--key", format!("{label}={}", names.join(","))),
            Key::Constraints => option("--key", "constraints".to_owned()),
        }
    }
    let policy = match wishes.on_conflict {
        OnConflict::Error => "error",
        OnConflict::Skip => "skip",
        OnConflict::Overwrite => "overwrite",
        OnConflict::Fill => "fill",
        OnConflict::Duplicate => "duplicate",
    };
    option("--on-conflict", policy.to_owned());
    let relationships = match wishes.relationships {
        Relationships::Always => "always",
        Relationships::Once => "once",
        Relationships::OnceWithProperties => "once-with-properties",
    };
    option("--relationships", relationships.to_owned());
    for (kind, name) in &wishes.rewrite {
        option("--rewrite-id", format!("{kind}.{name}"));
    }
    arguments
}

/// Merges a dump into `store.db`.
pub fn merge_run(folder: &Path, dump: &Graph, wishes: &Wishes, more: &[&str]) -> Run {
    std::fs::write(folder.join("dump.jsonl"), support::dump::plain(&jsonl::encoder(), dump)).unwrap();
    let mut arguments = arguments(wishes);
    _ = std::fs::remove_file(folder.join("ids.csv"));
    arguments.extend(["--json", "--id-map", "ids.csv"].iter().chain(more).map(|&argument| argument.to_owned()));
    run(folder, arguments)
}

/// What a run of a merge came to.
pub fn outcome(folder: &Path, run: Run) -> Result<Merged, Refusal> {
    match run.code {
        0 => Ok(Merged { graph: read(folder), ids: id_map(folder) }),
        4 => Err(refusal(&events(&run))),
        _ => panic!("exit {}\n$ {}\n{}", run.code, run.command, run.stderr),
    }
}

/// The lines of stderr.
pub fn events(run: &Run) -> Vec<serde_json::Value> {
    run.stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}\n$ {}", run.command)))
        .collect()
}

/// Why a run was refused, from the lines of its stderr.
pub fn refusal(events: &[serde_json::Value]) -> Refusal {
    let of = |name: &'static str| events.iter().filter(move |event| event["event"] == name);
    let nodes = |name: &'static str| of(name).map(|event| event["node"].as_i64().unwrap());
    if of("ambiguous").next().is_some() {
        Refusal::Ambiguous(nodes("ambiguous").collect())
    } else if of("conflict").next().is_some() {
        let all: Vec<_> = nodes("conflict").collect();
        let set: BTreeSet<_> = all.iter().copied().collect();
        assert_eq!(all.len(), set.len(), "a conflict is told twice: {events:?}");
        Refusal::Conflicts(set)
    } else if of("breach").next().is_some() {
        Refusal::Breach
    } else {
        Refusal::Contradiction
    }
}

/// What `--id-map` wrote.
pub fn id_map(folder: &Path) -> BTreeMap<i64, i64> {
    let text = std::fs::read_to_string(folder.join("ids.csv")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("old,new"));
    let mut ids = BTreeMap::new();
    for line in lines {
        let (old, new) = line.split_once(',').unwrap();
        assert_eq!(ids.insert(old.parse().unwrap(), new.parse().unwrap()), None, "{old} is there twice");
    }
    ids
}

fn open(folder: &Path) -> Connection {
    Connection::open_with_flags(folder.join("store.db"), OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap()
}

/// The graph in `store.db`.
pub fn read(folder: &Path) -> Graph {
    let connection = open(folder);
    let mut graph = Graph::default();
    let sql = "SELECT nodes.id, labels, properties FROM nodes JOIN label_sets ON label_sets.id = label_set ORDER BY 1";
    let mut statement = connection.prepare(sql).unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let (labels, properties): (String, String) = (row.get(1).unwrap(), row.get(2).unwrap());
        graph.nodes.push((row.get(0).unwrap(), serde_json::from_str(&labels).unwrap(), map(&properties)));
    }
    let sql = "SELECT relationships.id, start_node, end_node, name, properties
               FROM relationships JOIN types ON types.id = type ORDER BY 1";
    let mut statement = connection.prepare(sql).unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let [id, start, end] = [0, 1, 2].map(|column| row.get::<_, i64>(column).unwrap());
        let (name, properties): (String, String) = (row.get(3).unwrap(), row.get(4).unwrap());
        graph.relationships.push((id, start, end, name, map(&properties)));
    }
    let mut statement = connection.prepare("SELECT definition FROM schema_objects ORDER BY id").unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let object: SchemaObject = serde_json::from_str(&row.get::<_, String>(0).unwrap()).unwrap();
        graph.schema.objects.push(object);
    }
    // Every node and relationship has its labels or type, every relationship its ends, and the file is sound.
    let count = |table: &str| -> i64 {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count("nodes"), graph.nodes.len() as i64);
    assert_eq!(count("relationships"), graph.relationships.len() as i64);
    assert_eq!(count("pragma_foreign_key_check"), 0);
    let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    graph
}

/// Properties as the store has them: typed JSON, whose reader tests/formats/format_jsonl_witness.rs checks.
fn map(text: &str) -> Map {
    // In an outer map, a "$" in a key has the meaning that it has in no properties.
    let whole: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).unwrap();
    let mut bytes = Vec::new();
    let wrapped =
        if whole.keys().any(|key| key.starts_with('$')) { format!("{{\"$map\":{text}}}") } else { text.into() };
    json::read(&wrapped, &mut bytes).unwrap();
    match Value::read(&mut Cursor::new(&bytes)).unwrap() {
        Value::Map(map) => map,
        other => panic!("{other:?}"),
    }
}

/// Every row of every table, as SQL sees it.
pub fn rows(folder: &Path) -> Vec<String> {
    let connection = open(folder);
    let mut all = Vec::new();
    let mut tables = connection.prepare("SELECT name, sql FROM sqlite_master ORDER BY name").unwrap();
    let mut tables = tables.query([]).unwrap();
    while let Some(table) = tables.next().unwrap() {
        let (name, sql): (String, Option<String>) = (table.get(0).unwrap(), table.get(1).unwrap());
        all.push(format!("{name}: {sql:?}"));
        if !sql.is_some_and(|sql| sql.starts_with("CREATE TABLE")) {
            continue;
        }
        let mut statement = connection.prepare(&format!("SELECT * FROM \"{name}\"")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let row: Vec<rusqlite::types::Value> = (0..columns).map(|column| row.get(column).unwrap()).collect();
            all.push(format!("{name}: {row:?}"));
        }
    }
    all
}

/// The graph as sorted lines: ids of nodes count, and those of relationships up to `kept`, the highest one before the
/// merge.
pub fn facts(graph: &Graph, kept: i64) -> Vec<String> {
    let words = |properties: &Map| {
        let mut properties = properties.clone();
        properties.sort_unstable_keys();
        let mut bytes = Vec::new();
        put_map(&mut bytes, &properties);
        // The bytes decide (NaN, -0.0); the words are for the reader of a failure.
        format!("{properties:?} as {bytes:02x?}")
    };
    let nodes = graph.nodes.iter().map(|(id, labels, properties)| {
        let mut labels = labels.clone();
        labels.sort();
        format!("node {id} {labels:?} {}", words(properties))
    });
    let relationships = graph.relationships.iter().map(|(id, start, end, name, properties)| {
        let id = if *id <= kept { id.to_string() } else { "created".to_owned() };
        format!("relationship {id} {start} -{name}-> {end} {}", words(properties))
    });
    let Schema { objects } = &graph.schema;
    let objects = objects.iter().map(|object| serde_json::to_string(object).unwrap());
    let mut facts: Vec<_> = nodes.chain(relationships).chain(objects).collect();
    facts.sort();
    facts
}

/// The highest id of a relationship.
pub fn last_relationship(graph: &Graph) -> i64 {
    graph.relationships.iter().map(|relationship| relationship.0).max().unwrap_or(0)
}
