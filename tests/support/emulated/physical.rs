//! The data directory: snapshots and the lock. Every answer is one that was recorded.

use super::store::{Node, Relationship, Store};
use super::{Refusal, TRANSIENT, refuse};
use graphferry::backend::memgraph_files::{Options, open_source};
use graphferry::model::{Class, IndexKind, SchemaObject, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the server calls its data directory.
pub const INSIDE: &str = "/mgd_snap";

/// The server's disk.
#[derive(Default)]
pub struct Disk {
    pub is_locked: bool,
    /// The directory as the tests see it, and the snapshot that CREATE SNAPSHOT makes next: it is there already.
    pub folder: Option<(PathBuf, String)>,
    /// What the server was asked, in order.
    pub heard: Vec<String>,
}

type Table = (Vec<String>, Vec<Vec<Value>>);

fn records() -> Vec<serde_json::Value> {
    let path = format!("{}/fixtures/memgraph-3.6.2/records.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.filter(|line: &serde_json::Value| line["graph"] == "physical").collect()
}

/// An answer of one text, which must have been recorded of this statement.
fn status(statement: &str, text: &str) -> Table {
    let found = records().into_iter().any(|record| record["query"] == statement && record["rows"][0][0] == text);
    assert!(found, "{statement} was never answered {text:?}");
    (vec!["STATUS".to_owned()], vec![vec![text.into()]])
}

fn failure(text: &str) -> Result<Table, Refusal> {
    let found = records().into_iter().any(|record| record["error"]["message"] == text);
    assert!(found, "{text:?} was never recorded");
    refuse(TRANSIENT, text)
}

pub fn is_physical(text: &str) -> bool {
    ["LOCK DATA", "UNLOCK DATA", "DATA DIRECTORY", "RECOVER SNAPSHOT", "CREATE SNAPSHOT"]
        .iter()
        .any(|head| text.starts_with(head))
}

pub fn run(store: &mut Store, text: &str) -> Result<Table, Refusal> {
    store.disk.heard.push(text.to_owned());
    let was_locked = store.disk.is_locked;
    Ok(match text {
        "DATA DIRECTORY LOCK STATUS" if was_locked => status(text, "Data directory is locked."),
        "DATA DIRECTORY LOCK STATUS" => status(text, "Data directory is unlocked."),
        "LOCK DATA DIRECTORY" if was_locked => status(text, "Data directory is already locked."),
        "LOCK DATA DIRECTORY" => {
            store.disk.is_locked = true;
            status(text, "Data directory is now locked.")
        }
        "UNLOCK DATA DIRECTORY" if !was_locked => status(text, "Data directory is already unlocked."),
        "UNLOCK DATA DIRECTORY" => {
            store.disk.is_locked = false;
            status(text, "Data directory is now unlocked.")
        }
        "CREATE SNAPSHOT" => {
            store.snapshots += 1;
            let name = store.disk.folder.as_ref().map_or("1", |(_, name)| name);
            (vec!["path".to_owned()], vec![vec![format!("{INSIDE}/snapshots/{name}").as_str().into()]])
        }
        _ => return recover(store, text),
    })
}

fn recover(store: &mut Store, text: &str) -> Result<Table, Refusal> {
    let rest = text.strip_prefix("RECOVER SNAPSHOT \"").unwrap();
    let (path, options) = rest.split_once('"').unwrap();
    let folder = store.disk.folder.as_ref().map(|(folder, _)| folder.clone()).unwrap_or_default();
    let inside = path.strip_prefix(INSIDE).map(|path| folder.join(path.trim_start_matches('/')));
    let Some(path) = inside.filter(|path| path.is_file()) else {
        return failure("Failed to find the defined snapshot file.");
    };
    if !store.graph.nodes.is_empty() && options != " FORCE" {
        return failure("Failed to recover a snapshot. Storage is not clean. Try using FORCE.");
    }
    load(store, &path);
    Ok((Vec::new(), Vec::new()))
}

/// The graph and its indexes and constraints are the snapshot's, triggers stay, text indexes are empty.
fn load(store: &mut Store, path: &Path) {
    let mut source = open_source(path, &Options::default()).unwrap();
    let mut snapshot = source.snapshot(None).unwrap();
    let graph = Arc::make_mut(&mut store.graph);
    *graph = Default::default();
    for class in [Class::Nodes, Class::Relationships] {
        let mut put = |block: graphferry::model::Block| {
            for item in block.items() {
                let names: Vec<String> = block.kind(item).names().iter().map(ToString::to_string).collect();
                let Value::Map(properties) = Value::read(&mut block.cursor(item)).unwrap() else { panic!("no map") };
                if class == Class::Nodes {
                    let node = Node { labels: names, properties, relationships: Default::default() };
                    graph.nodes.insert(item.id, Arc::new(node));
                } else {
                    let (start, end) = (item.start, item.end);
                    for node in [start, end] {
                        Arc::make_mut(graph.nodes.get_mut(&node).unwrap()).relationships.insert(item.id);
                    }
                    let kind = names[0].clone();
                    graph.relationships.insert(item.id, Arc::new(Relationship { start, end, kind, properties }));
                }
            }
            Ok(())
        };
        snapshot.scan(class, &mut put).unwrap();
    }
    store.schema.clear_but_triggers();
    for object in snapshot.schema().unwrap().objects {
        if let SchemaObject::Index(index) = object {
            let label = index.labels[0].clone();
            match index.kind {
                IndexKind::Label => store.schema.put_label_index(&label),
                IndexKind::Text => store.schema.put_text_index(&index.name.unwrap(), &label, 0),
                _ => panic!("the stand-in knows no such index"),
            }
        }
    }
}
