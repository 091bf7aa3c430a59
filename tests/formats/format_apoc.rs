//! What APOC exported reads as the graph that it was, but for what APOC had lost already: each of those is listed here, one by one.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use graphferry::ErrorKind;
use graphferry::format::apoc;
use graphferry::format::{DecoderOptions, Mapping, Piece, decoder_with};
use graphferry::model::Schema;
use graphferry::model::{SchemaObject, Value};
use graphferry::volume::Input;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};
use support::{Graph, Limits, Same, graph};

fn fixture(name: &str) -> String {
    format!("{}/fixtures/apoc/{name}.gz", env!("CARGO_MANIFEST_DIR"))
}

/// A file's graph and what its reader warns of.
fn read(name: &str, mapping: &str) -> (Graph, Vec<String>) {
    let options = DecoderOptions {
        mapping: if mapping.is_empty() { Mapping::default() } else { Mapping::parse(mapping).unwrap() },
        ..DecoderOptions::default()
    };
    let mut decoder = decoder_with(Box::new(Input::open(&fixture(name)).unwrap()), &options).unwrap();
    let mut graph = Graph::default();
    while let Some(piece) = decoder.next().unwrap_or_else(|error| panic!("{name}: {error}")) {
        match piece {
            Piece::Block(block) => graph.add(&block),
            Piece::Object(object) => graph.schema.objects.push(object),
            other => panic!("{name}: {other:?}"),
        }
    }
    (graph, decoder.warnings())
}

fn shown(value: &Value) -> String {
    let text = serde_json::to_string(value).unwrap();
    if text.chars().count() > 70 { text.chars().take(70).chain(['…']).collect() } else { text }
}

/// Everything that a graph says, by what identifies it in the torture graph.
fn said(graph: &Graph) -> BTreeMap<String, String> {
    let mut said = BTreeMap::new();
    let mut names = BTreeMap::new();
    let mut put = |key: String, value: String| assert_eq!(said.insert(key.clone(), value), None, "{key} twice");
    for (id, labels, properties) in &graph.nodes {
        let mut labels = labels.clone();
        labels.sort();
        let named = ["key", "name"].iter().find_map(|key| properties.get(*key)?.as_str());
        let name = match named {
            Some(name) => name.to_owned(),
            None => properties.get("id").map_or_else(
                || if properties.contains_key("prop key") { "weird".to_owned() } else { "empty".to_owned() },
                |id| format!("id {}", shown(id).trim_matches('"')),
            ),
        };
        put(format!("{name} labels"), format!("{labels:?}"));
        for (key, value) in properties {
            put(format!("{name} {key}"), shown(value));
        }
        names.insert(*id, name);
    }
    let mut parallel: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, start, end, kind, properties) in &graph.relationships {
        let mut properties: Vec<String> =
            properties.iter().map(|(key, value)| format!("{key}: {}", shown(value))).collect();
        properties.sort();
        parallel
            .entry(format!("({})-[{kind}]->({})", names[start], names[end]))
            .or_default()
            .push(properties.join(", "));
    }
    for (key, mut all) in parallel {
        all.sort();
        put(key, all.join(" and "));
    }
    for object in &graph.schema.objects {
        let mut object = object.clone();
        let (name, provider) = match &mut object {
            SchemaObject::Index(index) => (index.name.take(), index.provider.take()),
            SchemaObject::Constraint(constraint) => (constraint.name.take(), constraint.provider.take()),
            other => panic!("{other:?}"),
        };
        drop(provider);
        let text = serde_json::to_string(&object).unwrap();
        let settings = if text.contains("\"config\"") { " with settings" } else { "" };
        put(object.describe(), format!("{}{settings}", name.as_deref().unwrap_or("unnamed")));
    }
    said
}

/// What differs, one line each.
fn differences(found: &Graph) -> Vec<String> {
    let (torture, _) = read("torture.jsonl", "");
    let (old, new) = (said(&torture), said(found));
    let mut all = Vec::new();
    for (key, was) in &old {
        match new.get(key) {
            Some(is) if is == was => {}
            Some(is) => all.push(format!("{key}: {was} is now {is}")),
            None => all.push(format!("{key}: {was} is gone")),
        }
    }
    all.extend(new.iter().filter(|(key, _)| !old.contains_key(*key)).map(|(key, is)| format!("{key}: {is} is new")));
    all
}

/// What the strings of the torture graph were. Bytes look like any other string: they cannot be told.
const MAPPING: &str = r#"{
    "nodePropertyMappings": {"T": {"val": "Localdate|Offsettime|Localtime|Zoneddatetime|Localdatetime|Duration|Float|String"}},
    "relPropertyMappings": {"KNOWS": {"since": "Localdate"}, "T ype`x": {"d": "Localdate"}}
}"#;

/// The same for GraphML, in which a key with several types is not declared: everything is text.
const GRAPHML_MAPPING: &str = r#"{
    "nodePropertyMappings": {
        "T": {"val": "Integer|Float|Boolean|Localdate|Offsettime|Localtime|Zoneddatetime|Localdatetime|Duration|Point|String"},
        "Person": {"loc": "Point"}
    },
    "relPropertyMappings": {"KNOWS": {"since": "Localdate"}, "T ype`x": {"d": "Localdate", "p": "Point"}}
}"#;

fn assert_differs(name: &str, mapping: &str, lists: &[&[&str]]) {
    let found = differences(&read(name, mapping).0);
    let mut expected: Vec<&str> = lists.concat();
    let mut found: Vec<&str> = found.iter().map(String::as_str).collect();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected, "{name}");
}

/// APOC's Cypher has no bytes.
const CYPHER_BYTES: &[&str] =
    &["bytes val: {\"$bytes\":\"AAH+/w==\"} is now [0,1,-2,-1]", "bytes_empty val: {\"$bytes\":\"\"} is now []"];

/// APOC's Cypher has names for constraints and full-text indexes alone, no settings, no vector and lookup indexes.
const CYPHER_SCHEMA: &[&str] = &[
    "node fulltext index on Person|A|Label With Space(bio, name, prop key): i_ft with settings is now i_ft",
    "node lookup index on (): index_343aff4e is gone",
    "node point index on Person(loc): i_point with settings is now unnamed",
    "node range index on Person(age): i_range is now unnamed",
    "node range index on Person(age, bio): i_range2 is now unnamed",
    "node range index on tick`label(tick`key): i weird`\"x is now unnamed",
    "node text index on Person(bio): i_text is now unnamed",
    "node vector index on Person(emb): i_vec with settings is gone",
    "relationship fulltext index on KNOWS|P(note): i_rft with settings is now i_rft",
    "relationship lookup index on (): index_f7700477 is gone",
    "relationship range index on KNOWS(since): i_rrange is now unnamed",
    "relationship text index on KNOWS(note): i_rtext is now unnamed",
    "relationship vector index on KNOWS(emb): i_rvec with settings is gone",
];

/// With `addStructure` the target is to have its schema already.
const STRUCTURE: &[&str] = &[
    "node fulltext index on Person|A|Label With Space(bio, name, prop key): i_ft with settings is now i_ft",
    "node lookup index on (): index_343aff4e is gone",
    "node point index on Person(loc): i_point with settings is gone",
    "node range index on Person(age): i_range is gone",
    "node range index on Person(age, bio): i_range2 is gone",
    "node range index on tick`label(tick`key): i weird`\"x is gone",
    "node text index on Person(bio): i_text is gone",
    "node unique constraint on Label With Space(prop key): c weird`name is gone",
    "node unique constraint on Person(name): c_uniq is gone",
    "node unique constraint on Person(name, age): c_uniq2 is gone",
    "node vector index on Person(emb): i_vec with settings is gone",
    "relationship fulltext index on KNOWS|P(note): i_rft with settings is now i_rft",
    "relationship lookup index on (): index_f7700477 is gone",
    "relationship range index on KNOWS(since): i_rrange is gone",
    "relationship text index on KNOWS(note): i_rtext is gone",
    "relationship unique constraint on KNOWS(rid): c_reluniq is gone",
    "relationship unique constraint on KNOWS(rid, note): c_reluniq2 is gone",
    "relationship vector index on KNOWS(emb): i_rvec with settings is gone",
];

/// JSON and GraphML have none.
const NO_SCHEMA: &[&str] = &[
    "node fulltext index on Person|A|Label With Space(bio, name, prop key): i_ft with settings is gone",
    "node lookup index on (): index_343aff4e is gone",
    "node point index on Person(loc): i_point with settings is gone",
    "node range index on Person(age): i_range is gone",
    "node range index on Person(age, bio): i_range2 is gone",
    "node range index on tick`label(tick`key): i weird`\"x is gone",
    "node text index on Person(bio): i_text is gone",
    "node unique constraint on Label With Space(prop key): c weird`name is gone",
    "node unique constraint on Person(name): c_uniq is gone",
    "node unique constraint on Person(name, age): c_uniq2 is gone",
    "node vector index on Person(emb): i_vec with settings is gone",
    "relationship fulltext index on KNOWS|P(note): i_rft with settings is gone",
    "relationship lookup index on (): index_f7700477 is gone",
    "relationship range index on KNOWS(since): i_rrange is gone",
    "relationship text index on KNOWS(note): i_rtext is gone",
    "relationship unique constraint on KNOWS(rid): c_reluniq is gone",
    "relationship unique constraint on KNOWS(rid, note): c_reluniq2 is gone",
    "relationship vector index on KNOWS(emb): i_rvec with settings is gone",
];

/// Bytes are Base64 text, which no mapping of one key can tell from other text.
const JSON_BYTES: &[&str] =
    &["bytes val: {\"$bytes\":\"AAH+/w==\"} is now \"AAH+/w==\"", "bytes_empty val: {\"$bytes\":\"\"} is now \"\""];

/// A key of more than one type is text, lists and bytes in it the text of their JSON; what XML cannot hold is dropped.
const GRAPHML_VALUES: &[&str] = &[
    "bytes val: {\"$bytes\":\"AAH+/w==\"} is now \"\\\"AAH+/w==\\\"\"",
    "bytes_empty val: {\"$bytes\":\"\"} is now \"\\\"\\\"\"",
    "l_bool val: [true,false] is now \"[true,false]\"",
    "l_date val: [{\"$date\":\"2024-01-01\"},{\"$date\":\"1999-12-31\"}] is now \"[\\\"2024-01-01\\\",\\\"1999-12-31\\\"]\"",
    "l_dur val: [{\"$duration\":[0,1,0,0]},{\"$duration\":[0,0,1,0]}] is now \"[\\\"P1D\\\",\\\"PT1S\\\"]\"",
    "l_empty val: [] is now \"[]\"",
    "l_float val: [1.0,0.5,-0.0,{\"$float\":\"NaN\"}] is now \"[1.0,0.5,-0.0,\\\"NaN\\\"]\"",
    "l_int val: [1,-2,9223372036854775807] is now \"[1,-2,9223372036854775807]\"",
    "l_ldt val: [{\"$localDateTime\":\"2024-01-01T00:00:00\"}] is now \"[\\\"2024-01-01T00:00\\\"]\"",
    "l_lt val: [{\"$localTime\":\"01:02:03\"}] is now \"[\\\"01:02:03\\\"]\"",
    "l_pt val: [{\"$point\":{\"srid\":7203,\"x\":1.0,\"y\":2.0}},{\"$point\":{\"srid\":7203,\"x\":3… is now \"[{\\\"crs\\\":\\\"cartesian\\\",\\\"x\\\":1.0,\\\"y\\\":2.0,\\\"z\\\":null},{\\\"crs\\\":\\\"ca…",
    "l_pt3 val: [{\"$point\":{\"srid\":4979,\"x\":1.0,\"y\":2.0,\"z\":3.0}}] is now \"[{\\\"crs\\\":\\\"wgs-84-3d\\\",\\\"latitude\\\":2.0,\\\"longitude\\\":1.0,\\\"height\\\"…",
    "l_single val: [1] is now \"[1]\"",
    "l_str val: [\"a\",\"\",\"b'c\\\"d\"] is now \"[\\\"a\\\",\\\"\\\",\\\"b'c\\\\\\\"d\\\"]\"",
    "l_str_nl val: [\"a\\nb\",\"\\\"\",\"'\",\"\\\\\",\";\",\",\",\"\"] is now \"[\\\"a\\\\nb\\\",\\\"\\\\\\\"\\\",\\\"'\\\",\\\"\\\\\\\\\\\",\\\";\\\",\\\",\\\",\\\"\\\"]\"",
    "l_zdt val: [{\"$dateTime\":\"2024-01-01T00:00:00Z\"},{\"$dateTime\":\"2024-07-01T10:00:0… is now \"[\\\"2024-01-01T00:00Z\\\",\\\"2024-07-01T12:00+02:00[Europe/Paris]\\\"]\"",
    "l_zt val: [{\"$time\":\"01:02:03+01:00\"}] is now \"[\\\"01:02:03+01:00\\\"]\"",
    "str_ctl val: \"\\u0001\\u001f\\u007f\\u0085\" is now \"\\u007f\\u0085\"",
    "str_ffff val: \"\u{ffff}\u{fffe}\" is now \"\"",
    "str_nl val: \"line1\\nline2\\r\\nline3\\ttab\\u0008\\u000c\" is now \"line1\\nline2\\r\\nline3\\ttab\"",
    "str_nul val: \"a\\u0000b\" is now \"ab\"",
];

/// Labels are cut at every colon.
const GRAPHML_LABELS: &[&str] = &[
    "weird labels: [\"Label With Space\", \"col:on\", \"dot.label\", \"new\\nline\", \"tick`label\", \"日本\"] is now [\"Label With Space\", \"col\", \"dot.label\", \"new\\nline\", \"on\", \"tick`label\", \"日本\"]",
];

/// TinkerPop's one label has all of them.
const TINKERPOP_LABELS: &[&str] = &[
    "id 1 labels: [\"A\", \"B\", \"C\"] is now [\"A:B:C\"]",
    "weird labels: [\"Label With Space\", \"col:on\", \"dot.label\", \"new\\nline\", \"tick`label\", \"日本\"] is now [\"Label With Space:col:on:dot.label:new\\nline:tick`label:日本\"]",
];

#[test]
fn cypher_in_every_form() {
    let created = [
        "cypher-shell.cypher",
        "neo4j-shell.cypher",
        "plain-create.cypher",
        "unwind-params.cypher",
        "update-all.cypher",
        "none-create.cypher",
        "none-update.cypher",
        "none-multi.cypher",
        "unwind-multi.cypher",
    ];
    for name in created {
        assert_differs(name, "", &[CYPHER_BYTES, CYPHER_SCHEMA]);
        let (_, warnings) = read(name, "");
        for told in ["tick`label", "tick`key", "T ype`x", "c weird`name"] {
            let told = format!("the name was read as {told:?}");
            assert!(warnings.iter().any(|warning| warning.contains(&told)), "{name}: {told}: {warnings:?}");
        }
    }
    for name in ["add-structure.cypher", "none-add.cypher"] {
        assert_differs(name, "", &[CYPHER_BYTES, STRUCTURE]);
    }
}

#[test]
fn json_in_every_form() {
    for name in ["all.json", "array.json", "object.json"] {
        assert_differs(name, MAPPING, &[NO_SCHEMA, JSON_BYTES]);
        // Without a mapping every text stays one.
        let (graph, warnings) = read(name, "");
        assert!(warnings.iter().any(|warning| warning.contains("--mapping")), "{warnings:?}");
        let texts = graph.nodes.iter().filter(|(_, _, map)| matches!(map.get("val"), Some(Value::String(_)))).count();
        assert_eq!(texts, 11 + 3 + 20 + 2, "strings, non-finite floats, temporals, bytes");
    }
}

#[test]
fn graphml_in_every_form() {
    assert_differs("types.graphml", GRAPHML_MAPPING, &[NO_SCHEMA, GRAPHML_VALUES, GRAPHML_LABELS]);
    assert_differs("tinkerpop.graphml", GRAPHML_MAPPING, &[NO_SCHEMA, GRAPHML_VALUES, TINKERPOP_LABELS]);

    // For Gephi every node has a label that repeats one of its properties.
    let (mut graph, _) = read("gephi.graphml", GRAPHML_MAPPING);
    let labels = graph.nodes.iter_mut().filter_map(|(_, _, properties)| properties.shift_remove("label"));
    assert_eq!(labels.count(), 104);
    let mut expected = [NO_SCHEMA, GRAPHML_VALUES, GRAPHML_LABELS].concat();
    expected.sort_unstable();
    let mut found = differences(&graph);
    found.sort_unstable();
    assert_eq!(found, expected, "gephi");

    // Without types every value is text.
    let (graph, _) = read("untyped.graphml", "");
    assert_eq!((graph.nodes.len(), graph.relationships.len()), (106, 37));
    let all = graph.nodes.iter().map(|node| &node.2).chain(graph.relationships.iter().map(|edge| &edge.4));
    let values: Vec<&Value> = all.flat_map(|properties| properties.values()).collect();
    assert!(values.len() > 300 && values.iter().all(|value| matches!(value, Value::String(_))));
}

/// Whether JSON holds the value as it is.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Boolean(_) | Value::Integer(_) | Value::String(_) => true,
        Value::Float(value) => value.is_finite(),
        Value::List(values) => values.iter().all(|value| is_plain(value) && !matches!(value, Value::List(_))),
        _ => false,
    }
}

fn drain(bytes: &[u8]) -> Result<Graph, graphferry::Error> {
    let mut decoder = decoder_with(Box::new(Cursor::new(bytes.to_vec())), &DecoderOptions::default())?;
    let mut graph = Graph::default();
    while let Some(piece) = decoder.next()? {
        if let Piece::Block(block) = piece {
            graph.add(&block);
        }
    }
    Ok(graph)
}

fn unpacked(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    Input::open(&fixture(name)).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn our_json_survives(graph in graph::graph(Limits::ALL)) {
        let mut graph = Graph { schema: Schema::default(), ..graph };
        for (_, _, properties) in &mut graph.nodes {
            properties.retain(|_, value| is_plain(value));
        }
        for (_, _, _, _, properties) in &mut graph.relationships {
            properties.retain(|_, value| is_plain(value));
        }
        if graph.nodes.is_empty() {
            return Ok(());
        }
        let bytes = support::dump::plain(&apoc::encoder(false, true), &graph);
        // What ends a line for Java stands in no line, or the import would cut it.
        let text = std::str::from_utf8(&bytes).unwrap();
        let cuts = text.contains(['\u{85}', '\u{2028}', '\u{2029}', '\r']);
        prop_assert!(!cuts, "{}", text);
        let back = drain(&bytes).unwrap();
        graph.assert_same(&back, Same { ids: false, order: true });
        // The other two forms hold the same objects.
        let (nodes, edges): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("{\"type\":\"node\""));
        let all = [nodes.clone(), edges.clone()].concat().join(" ,\n");
        graph.assert_same(&drain(format!("[{all}]").as_bytes()).unwrap(), Same { ids: false, order: true });
        let lists = format!("{{\"nodes\":[{}],\"rels\":[{}]}}", nodes.join(","), edges.join(","));
        graph.assert_same(&drain(lists.as_bytes()).unwrap(), Same { ids: false, order: true });
    }

    /// No input makes a reader panic, and what it refuses it calls damaged.
    #[test]
    fn damage_makes_no_panic(name in prop::sample::select(vec!["all.json", "object.json", "array.json", "cypher-shell.cypher", "unwind-params.cypher", "none-multi.cypher"]), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = unpacked(name);
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] = byte;
        }
        if let Err(error) = drain(&bytes) {
            prop_assert_eq!(error.kind(), ErrorKind::Corrupt, "{}", error);
        }
    }
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let node = r#"{"type":"node","id":"1","labels":["A"],"properties":{"x":1}}"#;
    for (text, line, part) in [
        (format!("{node}\n{node}"), 0, ""),
        (format!("{node}\n{{\"type\":\"relationship\",\"id\":\"1\",\"label\":\"R\",\"start\":{{\"id\":\"x\"}},\"end\":{{\"id\":\"1\"}}}}"), 2, "not there"),
        (format!("{node}\n{{\"type\":\"row\"}}"), 2, "neither a node"),
        (format!("{node}\n{{\"id\":\"2\"}}"), 2, "rows of a query"),
        (format!("{node}\n{{\"type\":\"node\",\"id\":\"2\",\"properties\":{{\"m\":{{\"a\":1}}}}}}"), 2, "a map that is no point"),
        (format!("{node}\n{{\"type\":\"node\",\"id\":\"2\",\"properties\":{{\"a\":1,\"a\":2}}}}"), 2, "comes twice"),
        (format!("[\n{node},\n"), 3, "cut off"),
        (format!("[{node}] x"), 1, "goes on after its end"),
        ("UNWIND [{_id:0, properties:{}}] AS row\nCREATE (n:`UNIQUE IMPORT LABEL`{`UNIQUE IMPORT ID`: row._id}) SET n += row.properties;\nMATCH (n) DETACH DELETE n;".into(), 3, "no statement as APOC"),
        ("UNWIND [{_id:0, properties:{x:rand()}}] AS row\nCREATE (n:`UNIQUE IMPORT LABEL`{`UNIQUE IMPORT ID`: row._id}) SET n += row.properties;".into(), 1, "no statement as APOC"),
        ("BEGIN\nMATCH (n1:A{k:1}), (n2:A{k:2}) CREATE (n1)-[r:R]->(n2);\n".into(), 2, "does not have"),
    ] {
        match drain(text.as_bytes()) {
            Ok(_) => assert_eq!(line, 0, "{text}"),
            Err(error) => {
                assert!(error.message().contains(part), "{text}: {error}");
                assert_eq!(error.position().map(|position| position.line), Some(line), "{text}: {error}");
            }
        }
    }
}
