//! Graphs into HugeGraph's shape and back. In between stands what a server would have: its JSON, its order of properties, one edge of a label between two vertices.

use super::{Graph, assert_same, each, merged};
use crate::support::Limits;
use crate::support::graph::graph;
use graphferry::ErrorKind;
use graphferry::error::Result;
use graphferry::feed::{DumpFeed, Feed};
use graphferry::filter::Filter;
use graphferry::format::{Piece, jsonl};
use graphferry::hugegraph::record::{Reader, Writer, wanted_id};
use graphferry::hugegraph::{Definitions, ID, Numbers, Zone};
use graphferry::model::{Block, Class, Schema, Value};
use graphferry::observe::{Silent, Stop, Watch};
use graphferry::shape::{Backward, Entries, Forward, Mapping, infer, is_taken};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn dump_of(graph: &Graph) -> Vec<u8> {
    crate::support::dump::plain(&jsonl::encoder(), graph)
}

fn feed(bytes: &[u8]) -> Box<dyn Feed> {
    let decoder = jsonl::decoder(Box::new(std::io::Cursor::new(bytes.to_vec()))).unwrap();
    Box::new(DumpFeed::new(decoder, "graph.jsonl", Filter::default()))
}

fn collect(feed: &mut dyn Feed) -> Result<Graph> {
    let mut found = Graph { schema: feed.schema().clone(), ..Graph::default() };
    feed.run(&mut |piece| {
        match piece {
            Piece::Block(block) => found.add(&block),
            Piece::Object(object) => found.schema.objects.push(object),
            other => panic!("{other:?}"),
        }
        Ok(())
    })?;
    Ok(found)
}

fn mapping(dump: &[u8], entries: &Entries, reversible: bool) -> Result<Mapping> {
    let stop = Stop::default();
    infer(&mut *feed(dump), entries, reversible, Watch { stop: &stop, observer: &Silent })
}

fn shaped(dump: &[u8], mapping: &Mapping) -> Result<Graph> {
    collect(&mut Forward::new(feed(dump), Arc::new(mapping.clone())))
}

/// What a server would have of a graph, and would give back.
fn kept(graph: &Graph) -> Graph {
    let mut all = Definitions::default();
    graph.schema.objects.iter().for_each(|object| assert!(all.add(object).unwrap(), "{object:?}"));
    let names = all.property_keys.keys().chain(all.vertex_labels.keys()).chain(all.edge_labels.keys());
    names.for_each(|name| assert!(is_taken(name), "{name:?}"));
    let zone = Zone::utc();
    let writer = Writer { definitions: &all, zone: &zone };
    let mut reader = Reader { definitions: &all, zone: &zone, ambiguous: 0 };
    let (mut ids, mut numbers) = (BTreeMap::new(), Numbers::default());
    let mut found = Graph { schema: graph.schema.clone(), ..Graph::default() };
    let mut edges = BTreeSet::new();
    for block in graph.blocks(3) {
        for item in block.items() {
            let name = block.kind(item).names()[0].to_string();
            let Value::Map(mut properties) = Value::read(&mut block.cursor(item)).unwrap() else { panic!() };
            properties.sort_unstable_keys();
            let label = all.vertex_labels.get(&name).map(|label| (&label.properties, &label.nullable_keys));
            let label = label.filter(|_| block.class() == Class::Nodes);
            let edge = all.edge_labels.get(&name).map(|label| (&label.properties, &label.nullable_keys));
            let (allowed, nullable) = label.or(edge).unwrap();
            for key in properties.keys().filter(|key| *key != ID) {
                assert!(allowed.contains(key), "{key:?} of {name:?}");
            }
            let missing = allowed.iter().find(|key| !properties.contains_key(*key) && !nullable.contains(key));
            assert_eq!(missing, None, "of {name:?}");
            let bytes = Value::Map(properties.clone()).to_packstream();
            let cursor = || graphferry::model::Cursor::new(&bytes);
            let (mut json, mut back) = (Vec::new(), Block::new(block.class()));
            if block.class() == Class::Nodes {
                let id = wanted_id(&all, &name, cursor()).unwrap().expect("an id").into_owned();
                writer.vertex(&name, cursor(), Some(&id), &mut json).unwrap();
                let read = reader.vertex(serde_json::from_slice(&json).unwrap(), &mut back).unwrap();
                let number = numbers.add(&read).expect("an id that is new");
                back.items_mut()[0].id = number;
                ids.insert(item.id, (id, number));
            } else {
                let label = &all.edge_labels[&name];
                let ends = [&ids[&item.start], &ids[&item.end]];
                let of = |id: i64| graph.nodes.iter().find(|node| node.0 == id).unwrap().1.clone();
                assert_eq!(of(item.start), [label.source_label.clone()]);
                assert_eq!(of(item.end), [label.target_label.clone()]);
                assert_eq!(label.frequency == "MULTIPLE", !label.sort_keys.is_empty());
                let sorted: Vec<String> = label.sort_keys.iter().map(|key| format!("{:?}", properties[key])).collect();
                assert!(edges.insert((name.clone(), item.start, item.end, sorted)), "an edge is overwritten: {name:?}");
                writer.edge(label, cursor(), [&ends[0].0, &ends[1].0], &mut json).unwrap();
                reader.edge(serde_json::from_slice(&json).unwrap(), &mut back).unwrap();
                let new = &mut back.items_mut()[0];
                (new.id, new.start, new.end) = (edges.len() as i64, ends[0].1, ends[1].1);
            }
            found.add(&back);
        }
    }
    found
}

#[track_caller]
fn there_and_back(dump: &[u8], entries: &Entries) -> (Mapping, Graph) {
    let mapping = mapping(dump, entries, true).unwrap();
    assert_eq!(mapping.losses, []);
    mapping.check(&BTreeSet::new()).unwrap();
    let inside = shaped(dump, &mapping).unwrap();
    let kept = dump_of(&kept(&inside));
    // A dump that has its schema as pieces, and a source that knows it beforehand.
    let outside = collect(&mut Backward::new(feed(&kept)).unwrap()).unwrap();
    assert_same("there and back", &collect(&mut *feed(dump)).unwrap(), &outside);
    (mapping, inside)
}

#[test]
fn everything_goes_into_hugegraphs_shape_and_back() {
    let strategy = vec(graph(Limits::ALL), 3).prop_map(|graphs| {
        let schema = Schema { objects: graphs.iter().flat_map(|graph| graph.schema.objects.clone()).collect() };
        Graph { schema, ..merged(graphs) }
    });
    each(150, 6, strategy.boxed(), |graph| {
        there_and_back(&dump_of(&graph), &Entries::default());
    });
}

#[test]
fn the_torture_graph_goes_into_hugegraphs_shape_and_back() {
    let packed = std::fs::File::open("fixtures/apoc/torture.jsonl.gz").unwrap();
    let mut dump = Vec::new();
    std::io::copy(&mut flate2::read::GzDecoder::new(packed), &mut dump).unwrap();
    let (mapping, _) = there_and_back(&dump, &Entries::default());
    assert_eq!(mapping.counts.0 + mapping.counts.1, 143);
    let refused = self::mapping(&dump, &Entries::default(), false).unwrap().check(&BTreeSet::new()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);
}
