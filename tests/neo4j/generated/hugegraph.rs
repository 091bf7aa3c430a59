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
use graphferry::hugegraph::schema::{Cardinality, DataType, IdStrategy};
use graphferry::hugegraph::{Definitions, ID, Numbers, Zone};
use graphferry::model::temporal::Date;
use graphferry::model::{Block, Class, Map, Schema, Value};
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
    let writer = Writer { definitions: &all, zone: Some(&zone) };
    let mut reader = Reader::new(&all, &zone);
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
                let read = reader.vertex(std::str::from_utf8(&json).unwrap(), &mut back).unwrap();
                let number = numbers.add(&read).expect("an id that is new");
                back.items_mut()[0].id = number;
                ids.insert(item.id, (id, number));
            } else {
                let label = &all.edge_labels[&name];
                let ends = [&ids[&item.start], &ids[&item.end]];
                let of = |id: i64| graph.nodes.iter().find(|node| node.0 == id).unwrap().1.clone();
                assert_eq!(of(item.start), std::slice::from_ref(&label.source_label));
                assert_eq!(of(item.end), std::slice::from_ref(&label.target_label));
                assert_eq!(label.frequency == "MULTIPLE", !label.sort_keys.is_empty());
                let sorted: Vec<String> = label.sort_keys.iter().map(|key| format!("{:?}", properties[key])).collect();
                assert!(edges.insert((name.clone(), item.start, item.end, sorted)), "an edge is overwritten: {name:?}");
                writer.edge(label, cursor(), [&ends[0].0, &ends[1].0], &mut json).unwrap();
                reader.edge(std::str::from_utf8(&json).unwrap(), &mut back).unwrap();
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

fn node(id: i64, labels: &[&str], properties: &[(&str, Value)]) -> (i64, Vec<String>, Map) {
    (id, labels.iter().map(|label| (*label).to_owned()).collect(), map(properties))
}

fn map(properties: &[(&str, Value)]) -> Map {
    properties.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

/// As Neo4j's example, with all that HugeGraph minds: several labels, none, types between several labels, parallels, one name with several types.
fn movies() -> Graph {
    let text = |text: &str| Value::from(text);
    let born = |year: i64| Value::Integer(year);
    let relationship =
        |id, start, end, name: &str, properties: &[(&str, Value)]| (id, start, end, name.to_owned(), map(properties));
    let roles = |all: &[&str]| ("roles", Value::List(all.iter().map(|role| Value::from(*role)).collect()));
    Graph {
        nodes: vec![
            node(7, &["Movie"], &[("title", text("The Matrix")), ("released", born(1999))]),
            node(8, &["Movie"], &[("title", text("Cloud Atlas")), ("released", text("2012"))]),
            node(9, &["Person"], &[("name", text("Keanu")), ("born", born(1964)), ("rating", Value::Float(4.5))]),
            node(10, &["Person", "Director"], &[("name", text("Lana")), ("rating", Value::Integer(5))]),
            node(11, &[], &[("note:", Value::Date(Date { days: 3 })), ("~id", text("mine"))]),
        ],
        relationships: vec![
            relationship(1, 9, 7, "ACTED_IN", &[roles(&["Neo"])]),
            relationship(2, 9, 8, "ACTED_IN", &[roles(&[])]),
            relationship(3, 10, 7, "ACTED_IN", &[]),
            relationship(4, 9, 10, "KNOWS", &[("since", born(1999))]),
            relationship(5, 9, 10, "KNOWS", &[("since", born(2003))]),
            relationship(6, 11, 11, "LIKES", &[]),
            relationship(7, 11, 11, "LIKES", &[]),
        ],
        schema: Schema::default(),
    }
}

#[test]
fn the_movies_keep_their_names_and_what_is_lost_has_one() {
    let dump = dump_of(&movies());
    let (mapping, inside) = there_and_back(&dump, &Entries::default());
    let all = &mapping.definitions;
    let keys: Vec<_> = all.property_keys.values().map(|key| (&*key.name, key.data_type, key.cardinality)).collect();
    let (single, list) = (Cardinality::Single, Cardinality::List);
    let expected = [
        ("title", DataType::Text, single),
        ("released", DataType::Long, single),
        ("released~string", DataType::Text, single),
        ("name", DataType::Text, single),
        ("born", DataType::Long, single),
        ("rating", DataType::Long, single),
        ("rating~float", DataType::Double, single),
        ("note_", DataType::Text, single),
        ("_id", DataType::Text, single),
        ("roles", DataType::Text, list),
        ("since", DataType::Long, single),
        ("number", DataType::Long, single),
        ("graphferry", DataType::Text, single),
    ];
    assert_eq!(keys, expected);
    let vertices: Vec<_> = all.vertex_labels.keys().collect();
    assert_eq!(vertices, ["Movie", "Person", "Person&Director", "no label"]);
    assert_eq!(all.vertex_labels["Movie"].nullable_keys, ["released", "released~string"]);
    let edges: Vec<_> = all.edge_labels.values().map(|label| (&*label.name, label.sort_keys.join(","))).collect();
    let expected = [
        ("ACTED_IN~Person~Movie", String::new()),
        ("ACTED_IN~Person&Director~Movie", String::new()),
        ("KNOWS", "since".to_owned()),
        ("LIKES", "number".to_owned()),
    ];
    assert_eq!(edges, expected);
    assert_eq!(inside.nodes[0].2[ID], Value::Integer(7));
    assert_eq!(inside.nodes[4].2["note_"], Value::from(r#"{"$date":"1970-01-04"}"#));

    let mapping = self::mapping(&dump, &Entries::default(), false).unwrap();
    let losses: Vec<_> = mapping.losses.iter().map(|loss| (loss.kind, loss.count, &*loss.what)).collect();
    let expected = [
        ("type", 2, "types of the property released, which are integer and string: it becomes TEXT"),
        ("type", 2, "types of the property rating, which are integer and float: it becomes DOUBLE"),
        ("name", 1, "name of the property note:: it becomes note_"),
        ("name", 1, "name of the property ~id: it becomes _id"),
        ("type", 1, "type of values that are date: they become text"),
        ("label", 1, "labels :Person:Director together: they become the label Person&Director"),
        ("label", 1, "lack of a label: such nodes become vertices of no label"),
        ("label", 2, "type ACTED_IN from Person to Movie: it becomes the edge label ACTED_IN~Person~Movie"),
        (
            "label",
            1,
            "type ACTED_IN from Person&Director to Movie: it becomes the edge label ACTED_IN~Person&Director~Movie",
        ),
        (
            "parallel",
            1,
            "relationships of type LIKES that have the same ends as another, and no property that tells all such apart",
        ),
    ];
    assert_eq!(losses, expected);
    let words = mapping.to_string();
    for line in [
        "property    roles TEXT LIST, from 2 roles that are list of string, empty list\n",
        "vertex      Person, from 1 nodes :Person; id: the node's number; name, born, rating\n",
        "edge        KNOWS (Person)->(Person&Director), from 2 of type KNOWS; several, sorted by since; since\n",
        "loss        1 name of the property ~id: it becomes _id (name)\n",
    ] {
        assert!(words.contains(line), "{line}{words}");
    }
    let but_one = ["type", "name", "label"].map(str::to_owned).into();
    assert!(mapping.check(&but_one).unwrap_err().message().contains("LIKES"));
    mapping.check(&["all".to_owned()].into()).unwrap();
    let inside = shaped(&dump, &mapping).unwrap();
    let left = kept(&Graph { schema: mapping.definitions.objects(), ..inside });
    assert_eq!((left.nodes.len(), left.relationships.len()), (5, 6));
    let found = |at: usize, key: &str| left.nodes[at].2[key].clone();
    assert_eq!((found(0, "released"), found(1, "released")), (Value::from("1999"), Value::from("2012")));
    assert_eq!((found(3, "rating"), found(4, "note_")), (Value::Float(5.0), Value::from("1970-01-04")));
}

#[test]
fn a_person_may_say_otherwise() {
    let dump = dump_of(&movies());
    let said = |text: &str, reversible| self::mapping(&dump, &Entries::parse(text).unwrap(), reversible);
    let text = r#"
        [[hugegraph.property]]
        of = "released"
        key = "year"
        type = "TEXT"
        json = true

        [[hugegraph.vertex]]
        of = ["Director", "Person"]
        label = "Director"
        primary_keys = ["name"]

        [[hugegraph.vertex]]
        of = ["Movie"]
        id = "title"
        id_strategy = "CUSTOMIZE_STRING"

        [[hugegraph.edge]]
        of = "ACTED_IN"
        from = ["Person"]
        label = "PLAYED_IN"

        [[hugegraph.edge]]
        of = "KNOWS"
        number = "nr"
    "#;
    let (mapping, inside) = there_and_back_but_primary(&dump, &Entries::parse(text).unwrap());
    assert_eq!(inside.nodes[1].2[ID], Value::from("Cloud Atlas"));
    assert_eq!(inside.nodes[1].2["year"], Value::from("\"2012\""));
    assert_eq!(inside.relationships[3].4["nr"], Value::Integer(4));
    assert!(mapping.definitions.edge_labels.contains_key("PLAYED_IN"));
    // What graphferry map writes says the same again.
    let again = self::mapping(&dump, &Entries::parse(&mapping.entries().to_toml().unwrap()).unwrap(), true).unwrap();
    assert_eq!(again.definitions, mapping.definitions);

    let one = "[[hugegraph.vertex]]\nof = [\"Person\", \"Director\"]\nlabel = \"Person\"";
    assert!(said(one, true).is_err());
    let merged = said(one, false).unwrap();
    assert_eq!(merged.definitions.vertex_labels.keys().collect::<Vec<_>>(), ["Movie", "Person", "no label"]);
    assert_eq!(merged.definitions.vertex_labels["Person"].nullable_keys, ["born"]);
    assert!(
        merged.losses.iter().any(|loss| loss.what == "labels :Person:Director together: they become the label Person")
    );
    for wrong in [
        "[[hugegraph.property]]\nof = \"name\"\ntype = \"LONG\"",
        "[[hugegraph.property]]\nof = \"name\"\nkey = \"a:b\"",
        "[[hugegraph.property]]\nof = \"name\"\nvalues = [\"words\"]",
        "[[hugegraph.vertex]]\nof = [\"Person\"]\nprimary_keys = [\"nobody\"]",
        "[[hugegraph.vertex]]\nof = [\"Movie\"]\nprimary_keys = [\"name\"]",
        "[[hugegraph.vertex]]\nof = [\"Movie\"]\nid = \"title\"",
        "[[hugegraph.vertex]]\nof = [\"Movie\"]\nid_strategy = \"AUTOMATIC\"",
        "[[hugegraph.vertex]]\nof = [\"Movie\"]\nnullable = [\"name\"]",
        "[[hugegraph.edge]]\nof = \"KNOWS\"\nsort_keys = [\"roles\"]",
        "[[hugegraph.property]]\nof = \"name\"\nkey = \"nr\"\n[[hugegraph.edge]]\nof = \"KNOWS\"\nnumber = \"nr\"",
        "[[hugegraph.edge]]\nof = \"ACTED_IN\"\nlabel = \"ONE\"",
    ] {
        for reversible in [true, false] {
            assert_eq!(said(wrong, reversible).map(drop).unwrap_err().kind(), ErrorKind::Usage, "{wrong}");
        }
    }
    let unknown = said("[[hugegraph.vertex]]\nof = [\"Nobody\"]", true).unwrap();
    assert_eq!(unknown.notes.len(), 1);
    // That ids and sort keys are unique shows only on the way, and before anything is written where a dump is looked at first.
    let mut graph = movies();
    graph.nodes[1].2.insert("title".to_owned(), Value::from("The Matrix"));
    graph.relationships[4].4.insert("since".to_owned(), Value::Integer(1999));
    let dump = dump_of(&graph);
    for text in [
        "[[hugegraph.vertex]]\nof = [\"Movie\"]\nid = \"title\"\nid_strategy = \"CUSTOMIZE_STRING\"",
        "[[hugegraph.vertex]]\nof = [\"Movie\"]\nprimary_keys = [\"title\"]",
        "[[hugegraph.edge]]\nof = \"KNOWS\"\nsort_keys = [\"since\"]",
    ] {
        let mapping = self::mapping(&dump, &Entries::parse(text).unwrap(), true).unwrap();
        assert_eq!(shaped(&dump, &mapping).map(drop).unwrap_err().kind(), ErrorKind::Refused, "{text}");
    }
}

/// As [`there_and_back`] where a label's ids follow from its properties: a server makes them.
fn there_and_back_but_primary(dump: &[u8], entries: &Entries) -> (Mapping, Graph) {
    let mapping = mapping(dump, entries, true).unwrap();
    let mut inside = shaped(dump, &mapping).unwrap();
    for node in inside.nodes.iter_mut().filter(|node| !node.2.contains_key(ID)) {
        node.2.insert(ID.to_owned(), Value::String(format!("2:{}", node.0)));
    }
    let kept = dump_of(&kept(&inside));
    let outside = collect(&mut Backward::new(feed(&kept)).unwrap()).unwrap();
    assert_same("there and back", &collect(&mut *feed(dump)).unwrap(), &outside);
    (mapping, inside)
}

/// A graph that came from HugeGraph by way of another system has its ids as properties, and gets them back.
#[test]
fn ids_of_hugegraph_are_ids_again() {
    let id = |id: Value, name: &str| [("~id", id), ("name", Value::from(name))];
    let graph = Graph {
        nodes: vec![
            node(5, &["A"], &id(Value::Integer(-7), "a")),
            node(6, &["B"], &id(Value::from("s:1"), "b")),
            node(7, &["A"], &id(Value::Integer(1 << 60), "c")),
        ],
        relationships: vec![(0, 5, 6, "R".to_owned(), Map::new())],
        schema: Schema::default(),
    };
    let plain = mapping(&dump_of(&graph), &Entries::default(), false).unwrap();
    assert_eq!(plain.losses, []);
    let inside = shaped(&dump_of(&graph), &plain).unwrap();
    assert_eq!(inside.nodes[0].2, graph.nodes[0].2);
    assert_eq!(plain.definitions.vertex_labels["B"].id_strategy, IdStrategy::CustomizeString);
    there_and_back(&dump_of(&graph), &Entries::default());
    // A graph with HugeGraph's schema goes as it is, and nothing of it is undone.
    let shaped_already = dump_of(&inside);
    let identity = mapping(&shaped_already, &Entries::default(), true).unwrap();
    assert!(identity.is_identity);
    assert_same("as it is", &inside, &shaped(&shaped_already, &identity).unwrap());
    let outside = collect(&mut Backward::new(feed(&shaped_already)).unwrap()).unwrap();
    assert_same("as it is", &inside, &outside);
}

/// What somebody did in HugeGraph to a graph that is to come back: additions stay, and what is broken is told.
#[test]
fn changes_in_hugegraph_come_along_or_are_told() {
    let dump = dump_of(&movies());
    let mapping = self::mapping(&dump, &Entries::default(), true).unwrap();
    let inside = kept(&shaped(&dump, &mapping).unwrap());
    let back = |graph: &Graph| collect(&mut Backward::new(feed(&dump_of(graph)))?);
    let mut graph = inside.clone();
    graph.nodes[0].2.insert("released".to_owned(), Value::Integer(2000));
    graph.nodes.push(node(70, &["Added"], &[(ID, Value::Integer(70))]));
    let found = back(&graph).unwrap();
    assert_eq!(found.nodes[0].2["released"], Value::Integer(2000));
    assert_eq!(found.nodes.last().unwrap().2[ID], Value::Integer(70));
    graph.nodes[0].2.insert("released~string".to_owned(), Value::from("x"));
    assert_eq!(back(&graph).unwrap_err().kind(), ErrorKind::Corrupt);
    let mut graph = inside.clone();
    graph.nodes[4].2.insert("note_".to_owned(), Value::from("no JSON"));
    assert!(back(&graph).unwrap_err().message().contains("note_"));
}
