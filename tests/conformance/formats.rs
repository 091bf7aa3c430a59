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
}

pub const fn form(file: &'static str, options: &'static [&'static str]) -> Form {
    Form { file, options, through: None, keeps_ids: true, refuses: nothing }
}

/// CSV: a header cannot hold every name, and ids of relationships have no place.
pub const fn folder(options: &'static [&'static str], refuses: fn(&str) -> bool) -> Form {
    Form { file: "folder", options, through: None, keeps_ids: false, refuses }
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

fn one(key: &str, value: impl Into<Value>) -> Map {
    [(key.to_owned(), value.into())].into_iter().collect()
}

#[track_caller]
fn survives(form: &Form, graph: &Graph) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("made.jsonl"), crate::support::dump::plain(&jsonl::encoder(), graph)).unwrap();
    run(folder.path(), [&["convert", "made.jsonl", form.file], form.options].concat()).expect(0);
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
