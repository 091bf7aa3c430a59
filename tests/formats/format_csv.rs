//! The CSV format: what is written is read back, what is lost is named, and the CSV of others is understood.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::support;

use graphferry::Result;
use graphferry::cypher::Dialect;
use graphferry::format::{Files, FolderEncoder, Members, Piece, csv};
use graphferry::model::tally::Counter;
use graphferry::model::{Loss, Map, Schema, Trailer, Value};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::Read;
use support::dump::header;
use support::tool;
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

const FORMS: [Option<Dialect>; 3] = [None, Some(Dialect::Neo4j), Some(Dialect::Memgraph)];

/// Writes a graph for neo4j-admin, or for `LOAD CSV` of a system.
fn dump_for(form: Option<Dialect>, graph: &Graph, block_size: usize, allow_loss: bool) -> Result<(Memory, Vec<Loss>)> {
    let (mut folder, mut counter) = (Memory::default(), Counter::default());
    let mut encoder: Box<dyn FolderEncoder> = match form {
        None => Box::new(csv::encoder(allow_loss)),
        Some(dialect) => Box::new(csv::LoadCsv::new(dialect, None, allow_loss)),
    };
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

fn dump(graph: &Graph, block_size: usize, allow_loss: bool) -> Result<(Memory, Vec<Loss>)> {
    dump_for(None, graph, block_size, allow_loss)
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
    fn dumps_survive(graph in graph::graph(Limits { schema: false, odd_durations: false, ..Limits::ALL }), size in 1_usize..5, form in prop::sample::select(FORMS.to_vec())) {
        let dump = |graph: &Graph, size, allow| dump_for(form, graph, size, allow);
        let written = dump(&graph, size, true);
        let Ok((folder, losses)) = written else {
            let message = written.unwrap_err().to_string();
            prop_assert!(message.contains("U+001F") || message.contains("empty label") || message.contains("has no names"), "{}", message);
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
    fn damage_is_seen(graph in graph::graph(Limits { schema: false, odd_durations: false, ..Limits::ALL }), pick in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in 0..8_u8, form in prop::sample::select(FORMS.to_vec())) {
        let Ok((mut folder, _)) = dump_for(form, &graph, 100, true) else { return Ok(()) };
        let names: Vec<_> = folder.0.keys().filter(|name| name.ends_with(".csv") || *name == csv::ARGUMENTS).cloned().collect();
        if names.is_empty() {
            return Ok(());
        }
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
        ("n:ID,n:int\n1,2\n", "a property comes twice"),
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

/// The options of neo4j-admin stand on the command line: the folder that is read has nothing but CSV.
#[test]
fn csv_of_others_by_the_command_line() {
    let at = tempfile::tempdir().unwrap();
    let at = at.path();
    std::fs::create_dir(at.join("parts")).unwrap();
    let files = [
        ("movies-header.csv", "movieId:ID(Movie);title;tags:string[]\n"),
        ("parts/movies-1.csv", "tt1;'It''s; a';x|y\n"),
        ("parts/movies-2.csv", "tt2; Alien ;\n"),
        ("people.csv", "name:ID(Person);:LABEL\nAnn;Old|Tall\n"),
        ("acted.csv", ":START_ID(Person);:END_ID(Movie);roles:long\nAnn;tt2;3;\n"),
    ];
    files.iter().for_each(|(name, text)| std::fs::write(at.join(name), text).unwrap());
    let nodes = "--nodes=Movie:Film=movies-header.csv,parts/movies-.*\\.csv";
    let options = [
        nodes,
        "--nodes=Person=people.csv",
        "--relationships=ACTED_IN=acted.csv",
        "--delimiter=;",
        "--array-delimiter=|",
        "--quote='",
        "--ignore-extra-columns",
        "--trim-strings=true",
    ];
    let with = |words: &[&'static str]| [words, &options].concat();
    let expected = [
        r#"{"node":0,"labels":["Movie","Film"],"properties":{"movieId":"tt1","title":"It's; a","tags":["x","y"]}}"#,
        r#"{"node":1,"labels":["Movie","Film"],"properties":{"movieId":"tt2","title":"Alien"}}"#,
        r#"{"node":2,"labels":["Person","Old","Tall"],"properties":{"name":"Ann"}}"#,
        r#"{"relationship":0,"type":"ACTED_IN","start":2,"end":1,"properties":{"roles":3}}"#,
    ];
    tool::run(at, with(&["convert", ".", "out.jsonl"])).expect(0);
    let text = std::fs::read_to_string(at.join("out.jsonl")).unwrap();
    let items: Vec<_> = text.lines().filter(|line| line.contains("\"properties\"")).collect();
    assert_eq!(items, expected);

    // Every verb that reads dumps takes them; in a comparison they are for the side that needs them.
    tool::run(at, with(&["restore", ".", "sqlite:restored.db"])).expect(0);
    tool::run(at, with(&["merge", ".", "sqlite:merged.db"])).expect(0);
    for other in ["out.jsonl", "sqlite:restored.db", "sqlite:merged.db"] {
        tool::run(at, with(&["verify", other, "."])).expect(0);
    }
    tool::run(at, with(&["verify", "out.jsonl", "out.jsonl"])).expect(2);
    tool::run(at, with(&["convert", "out.jsonl", "again.jsonl"])).expect(2);

    // What would be wrong is refused: rows that would be left out, characters that are none, files that are not there.
    for (word, expected) in [
        ("--id-type=uuid", "string, integer or actual"),
        ("--nodes=X=gone-.*", "gone-.*"),
        ("--relationships=X=gone.csv", "gone.csv"),
    ] {
        let told = tool::run(at, with(&["convert", ".", "no.jsonl", word]));
        assert_ne!(told.code, 0);
        assert!(told.stderr.contains(expected), "{word}: {}", told.stderr);
    }
    tool::run(at, ["convert", ".", "no.jsonl", "--relationships=X=acted.csv"]).expect(2);
    std::fs::write(at.join("import.args"), "--nodes=people.csv").unwrap();
    tool::run(at, with(&["convert", ".", "no.jsonl"])).expect(2);
    assert!(!at.join("no.jsonl").exists());
}

/// The statements for Memgraph, whose server is not at hand in tests: what they say is the grammar of its manual, and only that.
#[test]
fn the_statements_for_memgraph() {
    let properties: Map = [
        ("name", Value::from("a\\b")),
        ("big", Value::Integer(i64::MIN)),
        ("odd", Value::Float(f64::INFINITY)),
        ("tags", Value::List(vec![Value::from("x"), Value::from("")])),
        ("none", Value::List(Vec::new())),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect();
    let since = [("since".to_owned(), Value::Integer(7))].into_iter().collect();
    let graph = Graph {
        nodes: vec![(5, vec!["Per son".to_owned()], properties), (6, vec!["__mg_vertex__".to_owned()], Map::new())],
        relationships: vec![(0, 5, 6, "KNOWS".to_owned(), since)],
        ..Graph::default()
    };
    let (folder, _) = dump_for(Some(Dialect::Memgraph), &graph, 10, false).unwrap();
    let text = |name: &str| String::from_utf8(folder.0[name].clone()).unwrap();
    assert_eq!(
        text("nodes-0001-Per_son.csv"),
        "_id,name,big,odd,tags,none\n5,a\u{1A}bb,-2147483648 0,Infinity,x\u{1F}\u{1A}e,\u{1A}l\n"
    );
    assert_eq!(text("relationships-0001-KNOWS.csv"), "_start,_end,since\n5,6,7\n");
    let script = text(csv::LOAD);
    let statements: Vec<_> = script.lines().filter(|line| !line.starts_with("//")).collect();
    let null = |key: &str, value: &str| format!("`{key}`: CASE row.`{key}` WHEN \"\" THEN null ELSE {value} END");
    let expected = [
        "CREATE INDEX ON :`__mg_vertex__2__`(`__mg_id__`);".to_owned(),
        "LOAD CSV FROM \"/import/nodes-0001-Per_son.csv\" WITH HEADER AS row".to_owned(),
        format!(
            "  CREATE (:`__mg_vertex__2__`:`Per son` {{`__mg_id__`: row.`_id`, {}, {}, {}, {}, {}}})",
            null("name", r#"replace(row.`name`, "\u001Ab", "\\")"#),
            null(
                "big",
                r#"CASE WHEN row.`big` CONTAINS " " THEN toInteger(split(row.`big`, " ")[0]) * 4294967296 + toInteger(split(row.`big`, " ")[1]) ELSE toInteger(row.`big`) END"#
            ),
            null(
                "odd",
                r#"CASE row.`odd` WHEN "NaN" THEN 0.0/0.0 WHEN "Infinity" THEN 1.0/0.0 WHEN "-Infinity" THEN -1.0/0.0 ELSE toFloat(row.`odd`) END"#
            ),
            null("tags", r#"extract(v IN split(row.`tags`, "\u001F") | replace(v, "\u001Ae", ""))"#),
            null("none", r#"CASE row.`none` WHEN "\u001Al" THEN [] ELSE split(row.`none`, "\u001F") END"#),
        ),
        "WITH count(*) AS found".to_owned(),
        "RETURN found AS loaded, 1 / CASE found WHEN 1 THEN 1 ELSE 0 END AS complete;".to_owned(),
    ];
    for (found, expected) in statements.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(
        &statements[statements.len() - 7..],
        [
            "LOAD CSV FROM \"/import/relationships-0001-KNOWS.csv\" WITH HEADER AS row",
            "  MATCH (a:`__mg_vertex__2__` {`__mg_id__`: row.`_start`}), (b:`__mg_vertex__2__` {`__mg_id__`: row.`_end`})",
            "  CREATE (a)-[r:`KNOWS` {`since`: CASE row.`since` WHEN \"\" THEN null ELSE toInteger(row.`since`) END}]->(b)",
            "WITH count(*) AS found",
            "RETURN found AS loaded, 1 / CASE found WHEN 1 THEN 1 ELSE 0 END AS complete;",
            "MATCH (n:`__mg_vertex__2__`) REMOVE n:`__mg_vertex__2__`, n.`__mg_id__`;",
            "DROP INDEX ON :`__mg_vertex__2__`(`__mg_id__`);",
        ]
    );
}
