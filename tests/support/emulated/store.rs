//! Nodes, relationships, transactions with snapshots, the first writer wins.

use super::ddl::Schema;
use super::{CLIENT, Refusal, TRANSIENT, refuse};
use graphferry::model::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct Node {
    pub labels: Vec<String>,
    pub properties: Map,
    pub relationships: BTreeSet<i64>,
}

#[derive(Clone, Debug)]
pub struct Relationship {
    pub start: i64,
    pub end: i64,
    pub kind: String,
    pub properties: Map,
}

#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub nodes: BTreeMap<i64, Arc<Node>>,
    pub relationships: BTreeMap<i64, Arc<Relationship>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    Node(i64),
    Relationship(i64),
}

pub struct Transaction {
    pub id: u64,
    began: u64,
    /// What it sees: the graph when it began, with its own changes.
    pub graph: Arc<Graph>,
    written: BTreeSet<Key>,
}

#[derive(Default)]
pub struct Store {
    pub graph: Arc<Graph>,
    pub schema: Schema,
    pub analytical: bool,
    pub snapshots: usize,
    pub disk: super::physical::Disk,
    pub conflicts: usize,
    clock: u64,
    next: i64,
    writers: HashMap<Key, u64>,
    ended: HashMap<Key, u64>,
    open: BTreeSet<u64>,
}

impl Store {
    pub fn mode(&self) -> &'static str {
        if self.analytical { "IN_MEMORY_ANALYTICAL" } else { "IN_MEMORY_TRANSACTIONAL" }
    }

    pub fn begin(&mut self) -> Transaction {
        self.clock += 1;
        Transaction { id: self.clock, began: self.clock, graph: Arc::clone(&self.graph), written: BTreeSet::new() }
    }

    pub fn new_id(&mut self) -> i64 {
        self.next += 1;
        self.next
    }

    /// Whether somebody has written and not ended.
    pub fn others_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// The graph that a transaction changes.
    pub fn graph<'a>(&'a mut self, transaction: &'a mut Transaction) -> &'a mut Graph {
        match self.analytical {
            true => {
                transaction.graph = Arc::default();
                Arc::make_mut(&mut self.graph)
            }
            false => Arc::make_mut(&mut transaction.graph),
        }
    }

    /// What a transaction sees.
    pub fn seen<'a>(&'a self, transaction: &'a Transaction) -> &'a Graph {
        if self.analytical { &self.graph } else { &transaction.graph }
    }

    /// Takes an item to write to it.
    pub fn write(&mut self, transaction: &mut Transaction, key: Key) -> Result<(), Refusal> {
        if self.analytical {
            return Ok(());
        }
        let taken = self.writers.get(&key).is_some_and(|writer| *writer != transaction.id);
        if taken || self.ended.get(&key).is_some_and(|ended| *ended > transaction.began) {
            self.conflicts += 1;
            return refuse(
                TRANSIENT,
                "Cannot resolve conflicting transactions. Retry this transaction when the conflicting transaction is finished. For more details, visit https://memgraph.com/docs",
            );
        }
        self.writers.insert(key, transaction.id);
        self.open.insert(transaction.id);
        transaction.written.insert(key);
        Ok(())
    }

    fn release(&mut self, transaction: &Transaction) {
        self.clock += 1;
        for key in &transaction.written {
            self.writers.remove(key);
        }
        self.open.remove(&transaction.id);
    }

    pub fn roll_back(&mut self, transaction: Transaction) {
        self.release(&transaction);
    }

    pub fn commit(&mut self, transaction: Transaction) -> Result<(), Refusal> {
        self.release(&transaction);
        if self.analytical {
            return Ok(());
        }
        let mut graph = (*self.graph).clone();
        for key in &transaction.written {
            match key {
                Key::Node(id) => match transaction.graph.nodes.get(id) {
                    Some(node) => _ = graph.nodes.insert(*id, Arc::clone(node)),
                    None => _ = graph.nodes.remove(id),
                },
                Key::Relationship(id) => match transaction.graph.relationships.get(id) {
                    Some(relationship) => _ = graph.relationships.insert(*id, Arc::clone(relationship)),
                    None => _ = graph.relationships.remove(id),
                },
            }
        }
        for (label, properties) in &self.schema.unique {
            if let Some(text) = broken(&graph, label, properties, true) {
                return refuse(CLIENT, format!("Unable to commit due to unique constraint violation on {text}"));
            }
        }
        for (label, property) in &self.schema.exists {
            if let Some(text) = broken(&graph, label, std::slice::from_ref(property), false) {
                return refuse(CLIENT, format!("Unable to commit due to existence constraint violation on {text}"));
            }
        }
        self.graph = Arc::new(graph);
        self.clock += 1;
        for key in transaction.written {
            self.ended.insert(key, self.clock);
        }
        Ok(())
    }
}

/// A constraint that the graph breaks, in words.
pub fn broken(graph: &Graph, label: &str, properties: &[String], unique: bool) -> Option<String> {
    let mut seen = BTreeSet::new();
    for node in graph.nodes.values().filter(|node| node.labels.iter().any(|known| known == label)) {
        let values: Option<Vec<&Value>> = properties.iter().map(|key| node.properties.get(key)).collect();
        let bad = match values {
            None => !unique,
            Some(values) => {
                unique && !seen.insert(values.iter().flat_map(|value| value.to_packstream()).collect::<Vec<_>>())
            }
        };
        if bad {
            return Some(format!(":{label}({})", properties.join(",")));
        }
    }
    None
}
