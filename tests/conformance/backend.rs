//! What the suite wants to know of a backend, and how a graph gets into it and out again.

use crate::support::{Graph, Limits, Same};
use graphferry::backend::Once;
use graphferry::backend::{Source, Target};
use graphferry::model::{Block, Class, Consistency, Kind, Map, Value};
use std::collections::HashMap;

/// A database that is empty when this is made, and that nobody else uses until it is dropped.
pub trait Backend {
    /// What it can hold.
    fn limits(&self) -> Limits;

    /// Whether it keeps the order of labels and properties.
    fn keeps_order(&self) -> bool;

    /// The strongest consistency that it can promise.
    fn promises(&self) -> Consistency;

    /// How many generated graphs are tried: fewer where a test crosses a network.
    fn cases(&self) -> u32;

    /// Opens it to write to, as it is.
    fn target(&self) -> Box<dyn Target>;

    /// Opens it to read from, as it is.
    fn source(&self) -> Box<dyn Source>;

    /// Removes everything.
    fn wipe(&self);
}

/// A map with one property.
pub fn one(key: &str, value: impl Into<Value>) -> Map {
    Map::from_iter([(key.to_owned(), value.into())])
}

/// A block of nodes of one kind.
pub fn nodes(labels: &[&str], properties: impl IntoIterator<Item = Map>) -> Block {
    let mut block = Block::new(Class::Nodes);
    let kind = block.add_kind(Kind::labels(labels));
    for (id, properties) in (0..).zip(properties) {
        graphferry::model::value::put_map(block.buffer(), &properties);
        block.push(id, 0, 0, kind, 0);
    }
    block
}

/// A block of relationships of one type between these nodes of the target.
pub fn relationships(name: &str, ends: impl IntoIterator<Item = (i64, i64)>) -> Block {
    let mut block = Block::new(Class::Relationships);
    let kind = block.add_kind(Kind::relationship(name));
    for (id, (start, end)) in (0..).zip(ends) {
        graphferry::model::value::put_map(block.buffer(), &one("n", id));
        block.push(id, start, end, kind, 0);
    }
    block
}

/// Writes nodes and gives their ids.
pub fn put(target: &dyn Target, batch: &Block) -> Vec<i64> {
    let mut ids = Vec::new();
    target.session().unwrap().nodes(batch, None, &mut ids).unwrap();
    assert_eq!(ids.len(), batch.len(), "one id a node");
    ids
}

/// Splits a block into batches of one kind, as a target wants them.
fn by_kind(block: &Block) -> Vec<Block> {
    let mut batches: Vec<Block> = Vec::new();
    for item in block.items() {
        let kind = block.kind(item);
        let at = batches.iter().position(|batch| batch.kinds()[0] == *kind).unwrap_or_else(|| {
            let mut batch = Block::new(block.class());
            batch.add_kind(kind.clone());
            batches.push(batch);
            batches.len() - 1
        });
        batches[at].copy(block, item, 0, item.start, item.end);
    }
    batches
}

/// Writes the nodes and relationships of a graph; gives the target's ids by the graph's.
pub fn load(target: &dyn Target, graph: &Graph) -> HashMap<i64, i64> {
    let mut session = target.session().unwrap();
    let mut bound = HashMap::new();
    for block in graph.blocks(usize::MAX) {
        for mut batch in by_kind(&block) {
            if batch.class() == Class::Nodes {
                let mut ids = Vec::new();
                session.nodes(&batch, None, &mut ids).unwrap();
                assert_eq!(ids.len(), batch.len(), "one id a node");
                bound.extend(batch.items().iter().map(|item| item.id).zip(ids));
            } else {
                for item in batch.items_mut() {
                    (item.start, item.end) = (bound[&item.start], bound[&item.end]);
                }
                assert_eq!(session.relationships(&batch, Once::Always, None).unwrap(), batch.len() as u64);
            }
        }
    }
    bound
}

/// Everything that is there, schema included.
pub fn read(source: &mut dyn Source) -> Graph {
    let mut snapshot = source.snapshot(None).unwrap();
    let mut graph = Graph { schema: snapshot.schema().unwrap(), ..Graph::default() };
    for class in [Class::Nodes, Class::Relationships] {
        snapshot
            .scan(class, &mut |block| {
                assert_eq!(block.class(), class);
                assert!(!block.is_empty(), "an empty block was pushed");
                graph.add(&block);
                Ok(())
            })
            .unwrap();
    }
    snapshot.finish().unwrap();
    graph
}

/// Writes a graph into the backend, which must be empty, reads it back, and fails at the first difference.
pub fn survives(backend: &dyn Backend, graph: &Graph) {
    let bound = load(&*backend.target(), graph);
    let mut back = read(&mut *backend.source());
    let given: HashMap<i64, i64> = bound.into_iter().map(|(ours, theirs)| (theirs, ours)).collect();
    let ours = |id: &mut i64| *id = *given.get(id).expect("an id that the target gave");
    back.nodes.iter_mut().for_each(|node| ours(&mut node.0));
    back.relationships.iter_mut().for_each(|relationship| {
        ours(&mut relationship.1);
        ours(&mut relationship.2);
    });
    back.schema.objects.clear();
    let order = backend.keeps_order();
    let mut wanted = graph.clone();
    wanted.schema.objects.clear();
    normalise(wanted, order).assert_same(&normalise(back, order), Same::ALL);
}

/// The form in which two graphs are equal that differ in what a target may choose: ids of relationships, and the
/// order of items.
pub fn normalise(mut graph: Graph, order: bool) -> Graph {
    if !order {
        for (_, labels, properties) in &mut graph.nodes {
            labels.sort();
            properties.sort_unstable_keys();
        }
        graph.relationships.iter_mut().for_each(|relationship| relationship.4.sort_unstable_keys());
    }
    graph.nodes.sort_by_key(|node| node.0);
    graph.relationships.iter_mut().for_each(|relationship| relationship.0 = 0);
    graph.relationships.sort_by_cached_key(|relationship| format!("{relationship:?}"));
    graph
}
