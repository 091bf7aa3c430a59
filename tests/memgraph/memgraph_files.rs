//! Memgraph's files against what Memgraph said was in them: every recorded snapshot and log of formats 14 to 37 beside the dump that its server made.
//!
//! The recorded files are not part of this repository: the first test reads them from `../shared` and says so where they are absent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use graphferry::ErrorKind;
use graphferry::backend::memgraph_files::{Options, open_source};
use graphferry::format::{Piece, decoder};
use graphferry::model::{Block, Class, ConstraintKind, SchemaObject, Value};
use graphferry::volume::Input;
use std::fs;
use std::path::{Path, PathBuf};

/// A graph in sorted lines; numbers apart, since a dump writes a vector's whole numbers without a point.
#[derive(Debug, Default, PartialEq)]
struct Facts {
    nodes: Vec<String>,
    relationships: Vec<String>,
    schema: Vec<String>,
}

/// The value in words. `loose`: a whole float is told as an integer.
fn words(value: &Value, loose: bool) -> String {
    match value {
        Value::Float(float) if loose && float.fract() == 0.0 && float.abs() < 1e15 => {
            format!("{:?}", Value::Integer(*float as i64))
        }
        Value::List(values) => {
            // What a vector index holds are floats, and only those may be written as whole numbers.
            let values: Vec<_> = values.iter().map(|value| words(value, loose)).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Map(map) => {
            let mut members: Vec<_> =
                map.iter().map(|(key, value)| format!("{key:?}: {}", words(value, false))).collect();
            members.sort();
            format!("{{{}}}", members.join(", "))
        }
        value => format!("{value:?}"),
    }
}

impl Facts {
    fn add(&mut self, block: &Block, vectors: &[String]) {
        for item in block.items() {
            let Value::Map(properties) = Value::read(&mut block.cursor(item)).unwrap() else { panic!("no map") };
            let mut members: Vec<_> = properties
                .iter()
                .map(|(key, value)| format!("{key:?}: {}", words(value, vectors.contains(key))))
                .collect();
            members.sort();
            let line = format!("{:?} {{{}}}", block.kind(item).names(), members.join(", "));
            match block.class() {
                Class::Nodes => self.nodes.push(format!("{} {line}", item.id)),
                Class::Relationships => self.relationships.push(format!("{} -> {} {line}", item.start, item.end)),
            }
        }
    }

    fn object(&mut self, object: &SchemaObject) {
        let mut object = object.clone();
        if let SchemaObject::Constraint(constraint) = &mut object
            && constraint.kind == ConstraintKind::Unique
        {
            constraint.properties.sort();
        }
        self.schema.push(serde_json::to_string(&serde_json::to_value(&object).unwrap()).unwrap());
    }

    fn sorted(mut self) -> Self {
        self.nodes.sort();
        self.relationships.sort();
        self.schema.sort();
        self
    }
}

/// The properties that a vector index is on.
fn vectors(objects: &[SchemaObject]) -> Vec<String> {
    let indexes = objects.iter().filter_map(|object| match object {
        SchemaObject::Index(index) if index.kind == graphferry::model::IndexKind::Vector => Some(index),
        _ => None,
    });
    indexes.flat_map(|index| index.properties.clone()).collect()
}

fn read(path: &Path, options: &Options) -> graphferry::Result<(Facts, Vec<String>)> {
    let mut source = open_source(path, options)?;
    let mut snapshot = source.snapshot(None)?;
    let mut facts = Facts::default();
    let schema = snapshot.schema()?;
    let vectors = vectors(&schema.objects);
    schema.objects.iter().for_each(|object| facts.object(object));
    for class in [Class::Relationships, Class::Nodes] {
        snapshot.scan(class, &mut |block| {
            facts.add(&block, &vectors);
            Ok(())
        })?;
    }
    Ok((facts.sorted(), snapshot.missing()))
}

fn expected(path: &Path) -> Facts {
    let name = path.display().to_string();
    let mut decoder = decoder(Box::new(Input::open(&name).unwrap())).unwrap();
    let (mut facts, mut blocks, mut objects) = (Facts::default(), Vec::new(), Vec::new());
    while let Some(piece) = decoder.next().unwrap() {
        match piece {
            Piece::Block(block) => blocks.push(block),
            Piece::Object(object) => objects.push(object),
            Piece::Statement(statement) => panic!("{name}: {statement:?}"),
            _ => panic!("{name}: a piece of another kind"),
        }
    }
    let vectors = vectors(&objects);
    objects.iter().filter(|object| !matches!(object, SchemaObject::Trigger(_))).for_each(|object| facts.object(object));
    blocks.iter().for_each(|block| facts.add(block, &vectors));
    facts.sorted()
}

fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("GRAPHFERRY_TEST_SHARED").map(PathBuf::from);
    let root = root.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    let path = root.join(path);
    path.exists().then_some(path)
}

/// A data directory of Memgraph 3.6.2: three snapshots, one log, and the dump of the server that wrote them.
fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/memgraph-files")
}

#[test]
fn every_recorded_file_gives_the_dump_of_its_server() {
    let Some(folder) = shared("vectors/memgraph-durability") else {
        println!("skipped: ../shared/vectors/memgraph-durability is not there");
        return;
    };
    let (mut compared, mut wrong) = (0, Vec::new());
    let versions = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for version in versions.filter(|path| path.is_dir()) {
        for path in fs::read_dir(version).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.display().to_string();
            let Some(stem) = name.strip_suffix(".bin") else { continue };
            let (stem, sort) = stem.rsplit_once('.').unwrap();
            let expected = expected(Path::new(&format!("{stem}.expected_{sort}.cypher")));
            compared += 1;
            match read(&path, &Options::default()) {
                Ok((facts, missing)) if facts == expected && missing.is_empty() => {}
                Ok((facts, missing)) => {
                    let mut text = format!("{name}: {missing:?}\n");
                    for (mine, theirs) in [
                        (&facts.nodes, &expected.nodes),
                        (&facts.relationships, &expected.relationships),
                        (&facts.schema, &expected.schema),
                    ] {
                        mine.iter()
                            .filter(|it| !theirs.contains(it))
                            .for_each(|it| text.push_str(&format!("  + {it}\n")));
                        theirs
                            .iter()
                            .filter(|it| !mine.contains(it))
                            .for_each(|it| text.push_str(&format!("  - {it}\n")));
                    }
                    wrong.push(text);
                }
                Err(error) => wrong.push(format!("{name}: {}", error.report())),
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared >= 100, "only {compared} files were found");
    println!("{compared} files compared");
}

#[test]
fn a_data_directory_gives_the_graph_of_its_server() {
    let sample = fixture();
    let (facts, missing) = read(&sample, &Options::default()).unwrap();
    assert_eq!(missing, Vec::<String>::new());
    // The log alone, from the empty database on, gives the same as the snapshot with what follows it.
    let logs = fs::read_dir(sample.join("wal")).unwrap().map(|entry| entry.unwrap().path());
    for log in logs {
        assert_eq!(read(&log, &Options::default()).unwrap().0, facts);
    }
    let mut snapshots: Vec<_> =
        fs::read_dir(sample.join("snapshots")).unwrap().map(|entry| entry.unwrap().path()).collect();
    snapshots.sort();
    for snapshot in &snapshots {
        let chosen = Options { snapshot: Some(snapshot.file_name().unwrap().into()), ..Options::default() };
        assert_eq!(read(&sample, &chosen).unwrap().0, facts, "{snapshot:?} with the log after it");
        // And the snapshot alone is the graph of the log at its time.
        let alone = read(snapshot, &Options::default()).unwrap().0;
        let time = snapshot.to_str().unwrap().rsplit_once('_').unwrap().1.parse().unwrap();
        let at = Options { at: Some(time), ..Options::default() };
        for log in fs::read_dir(sample.join("wal")).unwrap().map(|entry| entry.unwrap().path()) {
            assert_eq!(read(&log, &at).unwrap().0, alone);
        }
    }
    // The server's own dump writes whole floats without a point: two nodes differ in that alone.
    let dump = expected(&sample.join("dump.cypherl"));
    let lost = |lines: &[String], others: &[String]| -> Vec<String> {
        lines.iter().filter(|line| !others.contains(line)).map(|line| line.chars().take(10).collect()).collect()
    };
    assert_eq!(lost(&dump.nodes, &facts.nodes), ["1 [\"Floats", "4 [\"Lists\""]);
    // Nodes 18 to 21 were made after the dump.
    let later = ["18 [\"After", "19 [\"Log\"]", "20 [\"While", "21 [\"Log\"]"];
    let mine = lost(&facts.nodes, &dump.nodes);
    assert_eq!(mine.iter().filter(|line| !later.contains(&line.as_str())).count(), 2, "{mine:?}");
    // One relationship has a whole float, and the dump of 3.6.2 leaves out text indexes on relationships.
    assert_eq!(lost(&dump.relationships, &facts.relationships), ["13 -> 13 ["]);
    assert_eq!(lost(&dump.schema, &facts.schema), Vec::<String>::new());
    let extra: Vec<_> = facts.schema.iter().filter(|object| !dump.schema.contains(object)).collect();
    assert!(extra.len() == 2 && extra.iter().all(|object| object.contains("knows")), "{extra:?}");
}

#[test]
fn a_truncated_or_changed_file_never_panics_and_never_passes_for_whole() {
    let folder = fixture();
    let work = tempfile::tempdir().unwrap();
    for part in ["snapshots", "wal"] {
        let path = fs::read_dir(folder.join(part)).unwrap().map(|entry| entry.unwrap().path()).max().unwrap();
        let bytes = fs::read(&path).unwrap();
        let whole = read(&path, &Options::default()).unwrap().0;
        let copy = work.path().join("copy");
        for length in (0..bytes.len()).step_by(97) {
            fs::write(&copy, &bytes[..length]).unwrap();
            match read(&copy, &Options::default()) {
                Err(error) => assert!(
                    matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Refused),
                    "{part} {length}: {}",
                    error.report()
                ),
                Ok((facts, missing)) => {
                    // A log that ends with a transaction is a whole log.
                    if part == "snapshots" {
                        assert!(!missing.is_empty() || facts == whole, "{part} {length}");
                    }
                }
            }
        }
        for at in (0..bytes.len()).step_by(131) {
            let mut changed = bytes.clone();
            changed[at] ^= 0x81;
            fs::write(&copy, &changed).unwrap();
            let _ = read(&copy, &Options::default());
        }
    }
}
