//! The CSV format: what is written is read back, what is lost is named, and the CSV of others is understood.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use graphferry::Result;
use graphferry::format::{Files, FolderEncoder as _, Members, Piece, csv};
use graphferry::model::tally::Counter;
use graphferry::model::{Loss, Map, Schema, Trailer, Value};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::Read;
use support::dump::header;
use support::{Graph, Limits, graph};

/// A folder in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Memory(BTreeMap<String, Vec<u8>>);

impl Members for Memory {
    fn append(&mut self, member: &str, bytes: &[u8]) -> Result<()> {
        self.0.entry(member.to_owned()).or_default().extend_from_slice(bytes);
        Ok(())
    }
}

impl Files for Memory {
    fn open(&self, name: &str) -> Result<Box<dyn Read + Send>> {
        let found = self.0.get(name).cloned().ok_or_else(|| graphferry::Error::usage(format!("no file {name}")))?;
        Ok(Box::new(std::io::Cursor::new(found)))
    }

    fn names(&self) -> Result<Vec<String>> {
        Ok(self.0.keys().cloned().collect())
    }
}

fn dump(graph: &Graph, block_size: usize, allow_loss: bool) -> Result<(Memory, Vec<Loss>)> {
    let (mut folder, mut counter) = (Memory::default(), Counter::default());
    let mut encoder = csv::encoder(allow_loss);
    let mut schema = graph.schema.clone();
    schema.objects.retain(|object| csv::capability().holds(object));
    encoder.begin(&header(), &schema, &mut folder)?;
    schema.objects.iter().for_each(|object| counter.object(object));
    for block in graph.blocks(block_size) {
        counter.block(&block)?;
        encoder.block(&block, &mut folder)?;
    }
    let trailer = Trailer { tally: counter.tally(), source_changed: Some(false), ..Trailer::default() };
    encoder.finish(&Schema::default(), &trailer, &mut folder)?;
    Ok((folder, encoder.losses()))
}

fn read(folder: &Memory) -> Result<(Graph, Vec<String>)> {
    let mut decoder = csv::decoder(Box::new(folder.clone()))?;
    let mut graph = Graph::default();
    while let Some(piece) = decoder.next()? {
        match piece {
            Piece::Block(block) => graph.add(&block),
            Piece::Object(object) => graph.schema.objects.push(object),
            other => panic!("a new kind of piece: {other:?}"),
        }
    }
    Ok((graph, decoder.warnings()))
}

fn sorted(map: &Map) -> Vec<(&String, &Value)> {
    let mut all: Vec<_> = map.iter().collect();
    all.sort_by_key(|(key, _)| *key);
    all
}

/// Everything of a graph as text, in an order of its own. `keep` says which values.
fn told(graph: &Graph, keep: impl Fn(&Map, &str) -> bool) -> Vec<String> {
    let values = |map: &Map| {
        let kept: Vec<_> = sorted(map).into_iter().filter(|(key, _)| keep(map, key)).collect();
        format!("{kept:?}")
    };
    let nodes = graph.nodes.iter().map(|(id, labels, map)| format!("{id} {labels:?} {}", values(map)));
    let ends = graph.relationships.iter();
    let relationships = ends.map(|(_, start, end, name, map)| format!("{start} {end} {name:?} {}", values(map)));
    let mut all: Vec<_> = nodes.chain(relationships).collect();
    all.sort();
    all
}

fn values(graph: &Graph) -> usize {
    graph.nodes.iter().map(|node| node.2.len()).chain(graph.relationships.iter().map(|r| r.4.len())).sum()
}

/// The graph without its properties.
fn bare(graph: &Graph) -> Vec<String> {
    told(graph, |_, _| false)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 384, ..ProptestConfig::default() })]

    /// What comes back is what was written but for values that were counted as lost, and nothing of the rest has changed.
    #[test]
    fn dumps_survive(graph in graph::graph(Limits { schema: false, odd_durations: false, ..Limits::ALL }), size in 1_usize..5) {
        let written = dump(&graph, size, true);
        let Ok((folder, losses)) = written else {
            let message = written.unwrap_err().to_string();
            prop_assert!(message.contains("U+001F") || message.contains("empty label"), "{}", message);
            return Ok(());
        };
        prop_assert_eq!(&folder, &dump(&graph, 100, true).unwrap().0, "the size of blocks leaves no trace");
        let (back, warnings) = read(&folder).unwrap();
        prop_assert_eq!(warnings, Vec::<String>::new());
        prop_assert_eq!(bare(&graph), bare(&back));
        let lost: u64 = losses.iter().map(|loss| loss.count).sum();
        prop_assert_eq!(values(&graph) as u64 - lost, values(&back) as u64);
        // Whatever came back was there: by item for nodes, whose ids are kept.
        for (id, _, map) in &back.nodes {
            let (_, _, before) = graph.nodes.iter().find(|node| node.0 == *id).unwrap();
            for (key, value) in map {
                prop_assert_eq!(before.get(key), Some(value));
            }
        }
        // What survived once survives always, without leave.
        let (again, losses) = dump(&back, 3, false).unwrap();
        prop_assert_eq!(losses, Vec::new());
        prop_assert_eq!(told(&read(&again).unwrap().0, |_, _| true), told(&back, |_, _| true));
        if lost == 0 {
            prop_assert_eq!(told(&graph, |_, _| true), told(&back, |_, _| true));
        } else {
            prop_assert!(dump(&graph, 3, false).is_err(), "a loss needs leave");
        }
    }

    /// No damage goes unseen, and none makes the reader panic.
    #[test]
    fn damage_is_seen(graph in graph::graph(Limits { schema: false, odd_durations: false, ..Limits::ALL }), pick in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let Ok((mut folder, _)) = dump(&graph, 100, true) else { return Ok(()) };
        let names: Vec<_> = folder.0.keys().filter(|name| name.ends_with(".csv") || *name == csv::ARGUMENTS).cloned().collect();
        let bytes = folder.0.get_mut(&names[pick.index(names.len())]).unwrap();
        if bytes.is_empty() {
            return Ok(());
        }
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        prop_assert!(read(&folder).is_err());
    }
}

fn folder(files: &[(&str, &str)]) -> Memory {
    Memory(files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect())
}

/// The shapes of neo4j-admin's manual: spaces of ids, text as ids, labels in rows, several files, other delimiters, what is missing and what is empty.
#[test]
fn csv_of_others() {
    let others = folder(&[
        (
            "import.args",
            "--array-delimiter=| --delimiter=TAB\n--nodes=Movie:Film=movies.csv,m-.*\\.csv --nodes people.csv\n\
             --relationships=ACTED_IN=acted.csv --relationships=other.csv\n",
        ),
        ("movies.csv", "\u{feff}movieId:ID(Movie)\ttitle\tyear:int\t:LABEL\ttags:string[]\tx:IGNORE\n"),
        ("m-1.csv", "tt1\t\"The \"\"Matrix\"\"\"\t1999\tSciFi|Film\ta|b|\tgone\n"),
        ("m-2.csv", "1\t\"\"\t\n\n2\t\t2003\n"),
        (
            "people.csv",
            ":ID(Person)\tborn:date\tat:datetime{timezone:+02:00}\tok:boolean\n1\t1964-09-02\t2024-01-01T00:00\ttrue",
        ),
        ("acted.csv", ":START_ID(Person)\t:END_ID(Movie)\trole\n1\ttt1\t\"Neo\nThe One\"\n1\t1\t\n"),
        ("other.csv", ":START_ID(Person)\t:TYPE\t:END_ID(Person)\tw:float\n1\tKNOWS\t1\t0.5\n"),
    ]);
    let (graph, warnings) = read(&others).unwrap();
    assert_eq!(warnings.len(), 1);
    let expected = [
        r#"0 ["Movie", "Film", "SciFi"] [("movieId", String("tt1")), ("tags", List([String("a"), String("b"), String("")])), ("title", String("The \"Matrix\"")), ("year", Integer(1999))]"#,
        r#"1 ["Movie", "Film"] [("movieId", String("1")), ("title", String(""))]"#,
        r#"2 ["Movie", "Film"] [("movieId", String("2")), ("year", Integer(2003))]"#,
        r#"3 0 "ACTED_IN" [("role", String("Neo\nThe One"))]"#,
        r#"3 1 "ACTED_IN" []"#,
        r#"3 3 "KNOWS" [("w", Float(0.5))]"#,
        r#"3 [] [("at", DateTime(DateTime { seconds: 1704060000, nanoseconds: 0, offset: 7200 })), ("born", Date(Date { days: -1947 })), ("ok", Boolean(true))]"#,
    ];
    assert_eq!(told(&graph, |_, _| true), expected);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, expected) in [
        ("a:ID,n:int\n1,x\n", "n.csv, line 2: column \"n\": \"x\" is not a long"),
        (":ID,n:int\n1,2,3\n", "a row of 3 fields under a header of 2"),
        (":ID,n:int,n:string\n", "a property comes twice"),
        (":ID\na\n\na\n", "line 4: the id \"a\" occurs twice"),
        (":ID,s\n1,\"open\n", "the file ends inside quotes"),
        (":ID,s:what\n", "the header \"s:what\" is not understood"),
        ("", "has no header"),
    ] {
        let others = folder(&[("import.args", "--nodes=n.csv"), ("n.csv", text)]);
        let told = read(&others).unwrap_err().report();
        assert!(told.contains(expected), "{text:?}: {told}");
    }
    assert!(read(&folder(&[("n.csv", ":ID\n1\n")])).unwrap_err().report().contains("import.args"));
    assert!(read(&folder(&[("import.args", "--nodes=gone.csv")])).is_err());
}

/// Thousands of sets of labels share files, and each row has its own.
#[test]
fn there_are_never_too_many_files() {
    let nodes = (0..3000).map(|id| (id, vec![format!("L{id}")], Map::new())).collect();
    let graph = Graph { nodes, ..Graph::default() };
    let (folder, _) = dump(&graph, 500, false).unwrap();
    assert_eq!(folder.0.len(), 2 * 1001 + 4);
    assert_eq!(bare(&read(&folder).unwrap().0), bare(&graph));
}
