//! What every format promises, files and folders alike: what its encoder takes comes back from its decoder. Values of every type are in
//! `tests/generated.rs` and the tests of each format; what a format refuses is said in its document.

use crate::support::arbitrary::HOSTILE;
use crate::support::tool::run;
use crate::support::{Graph, Same};
use graphferry::format::{Piece, jsonl};
use graphferry::model::{Map, Value};

/// A format, and the options of `convert` that write it.
pub struct Form {
    pub file: &'static str,
    pub options: &'static [&'static str],
    /// Where a graph gets back the shape that it had before: JSON Lines hold what is there, also the shape of HugeGraph.
    pub through: Option<&'static str>,
    /// Whether ids of relationships have a place.
    pub keeps_ids: bool,
    /// Names that it has no place for.
    pub refuses: fn(&str) -> bool,
    /// What others write, for a format that is only read.
    pub written: Option<fn(&Graph) -> String>,
}

pub const fn form(file: &'static str, options: &'static [&'static str]) -> Form {
    Form { file, options, through: None, keeps_ids: true, refuses: nothing, written: None }
}

/// CSV: a header cannot hold every name, and ids of relationships have no place.
pub const fn folder(options: &'static [&'static str], refuses: fn(&str) -> bool) -> Form {
    Form { file: "folder", options, through: None, keeps_ids: false, refuses, written: None }
}

/// HugeGraph's backup: every graph gets a shape that HugeGraph can hold, and its own back on the way to whatever is not HugeGraph.
pub const fn backup_of_hugegraph() -> Form {
    Form { through: Some("back.graphml"), ..folder(&["--format", "hugegraph", "--reversible"], nothing) }
}

pub fn nothing(_: &str) -> bool {
    false
}

/// What Neo4j does not have.
pub fn no_name(name: &str) -> bool {
    name.is_empty() || name.contains('\0')
}

/// What a header of neo4j-admin cannot hold, or divides labels.
pub fn no_header(name: &str) -> bool {
    name.is_empty() || name.contains(['{', '}', '(', ')', '\n', '\r', '\u{1F}'])
}

/// What APOC's Cypher cannot say for sure, since it escapes nothing in names: two backticks are one to whoever reads them.
pub fn no_name_of_apoc(name: &str) -> bool {
    no_name(name) || name.contains("``") || name.contains("\\u")
}

/// `apoc.export.cypher.all` in its usual form. Names are as APOC writes them: in backticks, with nothing escaped.
pub fn apoc_cypher(graph: &Graph) -> String {
    let text = |value: &Value| match value {
        Value::String(text) => {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\0', "\\u0000"))
        }
        Value::Integer(number) => number.to_string(),
        other => panic!("{other:?}"),
    };
    let map = |map: &Map| {
        let pairs: Vec<_> = map.iter().map(|(key, value)| format!("`{key}`:{}", text(value))).collect();
        format!("{{{}}}", pairs.join(", "))
    };
    let key = "`UNIQUE IMPORT LABEL`{`UNIQUE IMPORT ID`:";
    let mut out = String::from(
        ":begin\nCREATE CONSTRAINT UNIQUE_IMPORT_NAME FOR (node:`UNIQUE IMPORT LABEL`) REQUIRE (node.`UNIQUE IMPORT ID`) IS UNIQUE;\n:commit\nCALL db.awaitIndexes(300);\n:begin\n",
    );
    for rows in graph.nodes.chunk_by(|a, b| a.1 == b.1).flat_map(|rows| rows.chunks(20)) {
        let told: Vec<_> = rows.iter().map(|(id, _, all)| format!("{{_id:{id}, properties:{}}}", map(all))).collect();
        let labels: Vec<_> = rows[0].1.iter().map(|label| format!(":`{label}`")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!(" SET n{}", labels.concat()) };
        let told = told.join(", ");
        out.push_str(&format!("UNWIND [{told}] AS row\nCREATE (n:{key} row._id}}) SET n += row.properties{labels};\n"));
    }
    out.push_str(":commit\n:begin\n");
    for rows in graph.relationships.chunk_by(|a, b| a.3 == b.3).flat_map(|rows| rows.chunks(20)) {
        let row = |start, end, all| format!("{{start: {{_id:{start}}}, end: {{_id:{end}}}, properties:{}}}", map(all));
        let told: Vec<_> = rows.iter().map(|(_, start, end, _, all)| row(start, end, all)).collect();
        out.push_str(&format!("UNWIND [{}] AS row\n", told.join(", ")));
        for end in ["start", "end"] {
            out.push_str(&format!("MATCH ({end}:{key} row.{end}._id}})\n"));
        }
        out.push_str(&format!("CREATE (start)-[r:`{}`]->(end) SET r += row.properties;\n", rows[0].3));
    }
    out + ":commit\n:begin\nMATCH (n:`UNIQUE IMPORT LABEL`)  WITH n LIMIT 20000 REMOVE n:`UNIQUE IMPORT LABEL` REMOVE n.`UNIQUE IMPORT ID`;\n:commit\n:begin\nDROP CONSTRAINT UNIQUE_IMPORT_NAME;\n:commit\n"
}

fn one(key: &str, value: impl Into<Value>) -> Map {
    [(key.to_owned(), value.into())].into_iter().collect()
}

#[track_caller]
fn survives(form: &Form, graph: &Graph) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("made.jsonl"), crate::support::dump::plain(&jsonl::encoder(), graph)).unwrap();
    match form.written {
        Some(written) => std::fs::write(at(form.file), written(graph)).unwrap(),
        None => drop(run(folder.path(), [&["convert", "made.jsonl", form.file], form.options].concat()).expect(0)),
    }
    run(folder.path(), ["verify", "made.jsonl", form.file]).expect(0);
    let mut shaped = form.file;
    if let Some(through) = form.through {
        run(folder.path(), ["convert", form.file, through]).expect(0);
        shaped = through;
    }
    run(folder.path(), ["convert", shaped, "back.jsonl"]).expect(0);
    let bytes = std::fs::read(at("back.jsonl")).unwrap();
    let mut decoder = jsonl::decoder(Box::new(std::io::Cursor::new(bytes))).unwrap();
    let mut found = Graph::default();
    while let Some(piece) = decoder.next().unwrap() {
        if let Piece::Block(block) = piece {
            found.add(&block);
        }
    }
    let mut expected = graph.clone();
    if !form.keeps_ids {
        // A folder has them by labels and types: what tells them apart is in their values here.
        for graph in [&mut expected, &mut found] {
            graph.relationships.sort_by_key(|(_, start, end, name, map)| format!("{start} {end} {name} {map:?}"));
            graph.relationships.iter_mut().zip(0..).for_each(|(relationship, at)| relationship.0 = at);
        }
    }
    expected.assert_same(&found, Same { ids: true, order: false });
}

pub fn an_empty_graph(form: &Form) {
    if form.file != "graph.json" {
        return survives(form, &Graph::default());
    }
    // APOC's file of an empty graph is empty, like one of which nothing was written: it is not taken for a graph.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("made.jsonl"), crate::support::dump::plain(&jsonl::encoder(), &Graph::default()))
        .unwrap();
    run(folder.path(), ["convert", "made.jsonl", form.file]).expect(0);
    assert_eq!(std::fs::read(folder.path().join(form.file)).unwrap(), b"");
    let refused = run(folder.path(), ["verify", "made.jsonl", form.file]).expect(5);
    assert!(refused.stderr.contains("empty"), "{}", refused.stderr);
}

pub fn hostile_names(form: &Form) {
    let mut graph = Graph::default();
    for (id, name) in (1..).zip(HOSTILE.iter().filter(|name| !(form.refuses)(name))) {
        let text = (*name).to_owned();
        graph.nodes.push((id, vec![text.clone()], one(name, text.as_str())));
        graph.relationships.push((id, id, 1, text, one(name, id)));
    }
    assert!(graph.nodes.len() > 10);
    survives(form, &graph);
}

pub fn nodes_without_labels(form: &Form) {
    let nodes = vec![
        (1, vec![], one("n", 1)),
        (2, vec![], Map::new()),
        (3, vec!["A".into()], Map::new()),
        (4, vec!["A".into(), "B".into(), "C".into()], one("n", "text")),
    ];
    survives(form, &Graph { nodes, relationships: vec![(1, 1, 2, "R".into(), Map::new())], ..Graph::default() });
}

pub fn parallel_relationships_and_loops(form: &Form) {
    let nodes = (1..3).map(|id| (id, vec!["V".to_owned()], one("value", id)));
    let mut graph = Graph { nodes: nodes.collect(), ..Graph::default() };
    for (id, (start, end)) in (1..).zip([(1, 2), (1, 2), (2, 1), (1, 1), (1, 1), (2, 2)]) {
        graph.relationships.push((id, start, end, "R".into(), Map::new()));
        graph.relationships.push((id + 100, start, end, "R".into(), Map::new()));
        graph.relationships.push((id + 200, start, end, "R".into(), one("n", id)));
    }
    survives(form, &graph);
}

pub fn a_large_value(form: &Form) {
    let large = "\"large\", \\ value\n".repeat(300_000);
    survives(form, &Graph { nodes: vec![(1, vec!["V".to_owned()], one("v", large.as_str()))], ..Graph::default() });
}

/// More than a block holds, of kinds that alternate, with properties that come late.
pub fn many_items(form: &Form) {
    let mut graph = Graph::default();
    for id in 0..20_000 {
        let mut properties = one("id", id);
        if id > 15_000 {
            properties.extend(one("late", format!("number {id}").as_str()));
        }
        graph.nodes.push((id, vec![["A", "B", "C"][id as usize % 3].to_owned()], properties));
        graph.relationships.push((id, id, id / 2, ["R", "S"][id as usize % 2].to_owned(), one("n", id)));
    }
    survives(form, &graph);
}
