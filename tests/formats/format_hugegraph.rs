//! The directory of hugegraph-tools: what a real server's backup holds is read, what is written is read by a witness, and no file of another backup slips in.

use crate::support::tool::{Run, run};
use graphferry::format::{DecoderOptions, Files, Piece, Seekable, folder_decoder};
use graphferry::{Error, Result};
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

const BACKUP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hugegraph-1.5.0");
const WITNESS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/witness/hugegraph_backup.py");

/// A folder with a copy of the real backup in `real`.
fn around() -> tempfile::TempDir {
    let around = tempfile::tempdir().unwrap();
    let real = around.path().join("real");
    std::fs::create_dir(&real).unwrap();
    for entry in std::fs::read_dir(BACKUP).unwrap() {
        let entry = entry.unwrap();
        // Written anew, so that their times are those of a backup: the schema first.
        std::fs::write(real.join(entry.file_name()), std::fs::read(entry.path()).unwrap()).unwrap();
    }
    around
}

fn tool(around: &tempfile::TempDir, words: &str) -> Run {
    run(around.path(), words.split(' '))
}

/// What Python finds.
fn witness(around: &tempfile::TempDir, words: &str) -> String {
    let mut command = Command::new("python3");
    command.arg(WITNESS).args(words.split(' ')).current_dir(around.path());
    let output = command.output().expect("python3 is needed: it is the witness");
    assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn says(run: &Run, words: &[&str]) {
    for word in words {
        assert!(run.stderr.contains(word), "no {word:?} in what was said:\n{}", run.stderr);
    }
}

fn edit(path: PathBuf, change: impl Fn(String) -> String) {
    let text = std::fs::read_to_string(&path).unwrap();
    let changed = change(text.clone());
    assert_ne!(text, changed);
    std::fs::write(path, changed).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_real_backup_is_read_as_python_reads_it() {
    let around = around();
    let read = tool(&around, "convert real real.jsonl").expect(0);
    says(&read, &["41 nodes, 7 relationships", "no graphferry.json", "dates are taken to be in UTC"]);
    let expected = witness(&around, "backup real UTC");
    assert_eq!(expected.lines().count(), 48);
    assert_eq!(witness(&around, "jsonl real.jsonl"), expected);
    // The schema is in the dump as well, with everything that the server said of it.
    let jsonl = std::fs::read_to_string(around.path().join("real.jsonl")).unwrap();
    for kind in ["property-key", "vertex-label", "edge-label", "index-label"] {
        assert!(jsonl.contains(&format!("\"kind\":\"hugegraph-{kind}\"")), "{kind}");
    }
    assert!(jsonl.contains("\"ttl_start_time\":\"created\"") && jsonl.contains("\"super\":1"));
}

#[test]
fn what_is_written_is_what_was_read() {
    let around = around();
    let expected = witness(&around, "backup real UTC ids");
    tool(&around, "convert real zipped --format hugegraph").expect(0);
    tool(&around, "convert zipped plain --format hugegraph --compress none").expect(0);
    tool(&around, "convert plain graph.jsonl").expect(0);
    tool(&around, "convert graph.jsonl again --format hugegraph").expect(0);
    for folder in ["zipped", "plain", "again"] {
        // The ids of edges are those that the server gave.
        assert_eq!(witness(&around, &format!("backup {folder} UTC ids")), expected, "{folder}");
        tool(&around, &format!("verify real {folder}")).expect(0);
    }
    let bare = ["edgelabels", "edges1", "indexlabels", "propertykeys", "vertexlabels", "vertices0"];
    let listed = |end: &str| {
        let mut all: Vec<_> = bare.iter().map(|name| format!("{name}{end}")).collect();
        all.push("graphferry.json".to_owned());
        all.sort();
        all
    };
    assert_eq!(names(&around.path().join("zipped")), listed(".zip"));
    assert_eq!(names(&around.path().join("plain")), listed(""));
    // The same graph gives the same bytes.
    let bytes = |folder: &str| std::fs::read(around.path().join(folder).join("vertices0.zip")).unwrap();
    assert_eq!(bytes("zipped"), bytes("again"));
    // Every field of the schema's files is there again, as the official tool wrote it.
    for name in ["propertykeys", "vertexlabels", "edgelabels", "indexlabels"] {
        let objects = |folder: &str| -> Vec<serde_json::Value> {
            let text = std::fs::read_to_string(around.path().join(folder).join(name)).unwrap();
            let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
            let mut all = parsed[name].as_array().unwrap().clone();
            for object in &mut all {
                // Sets, as the server has them: in no order.
                for set in ["index_labels", "properties", "nullable_keys"] {
                    if let Some(names) = object.get_mut(set) {
                        names.as_array_mut().unwrap().sort_by_key(|name| name.to_string());
                    }
                }
            }
            all.sort_by_key(|object| object["id"].as_i64());
            all
        };
        assert_eq!(objects("plain"), objects("real"), "{name}");
    }
}

#[test]
fn a_file_of_another_backup_is_refused() {
    let around = around();
    let path = |name: &str| around.path().join(name);
    for (how, end) in [("", ".zip"), (" --compress none", "")] {
        tool(&around, &format!("convert real ours --force --format hugegraph{how}")).expect(0);
        // A stale file: one more than the manifest lists.
        let stale = format!("ours/vertices7{end}");
        std::fs::copy(path(&format!("ours/vertices0{end}")), path(&stale)).unwrap();
        let refused = tool(&around, "convert ours out.jsonl").expect(4);
        says(&refused, &[&format!("vertices7{end} does not belong to the dump")]);
        std::fs::remove_file(path(&stale)).unwrap();
        // In the other form too.
        let other = if end.is_empty() { "ours/vertices0.zip" } else { "ours/vertices0" };
        std::fs::write(path(other), "x").unwrap();
        says(&tool(&around, "convert ours out.jsonl").expect(4), &["one of them is of another backup"]);
        std::fs::remove_file(path(other)).unwrap();
        // What is not a name of the official tool's is not looked at.
        std::fs::write(path("ours/notes.txt"), "x").unwrap();
        std::fs::write(path("ours/vertices_all_shards"), "x").unwrap();
        tool(&around, "verify ours real").expect(0);
        // A file that was changed, and one that is gone.
        let edges = path(&format!("ours/edges1{end}"));
        let mut bytes = std::fs::read(&edges).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&edges, &bytes).unwrap();
        says(&tool(&around, "convert ours out.jsonl").expect(5), &[&format!("edges1{end}"), "changed or damaged"]);
        std::fs::remove_file(&edges).unwrap();
        says(&tool(&around, "convert ours out.jsonl").expect(5), &[&format!("edges1{end}"), "missing"]);
        assert!(!path("out.jsonl").exists());
    }
}

#[test]
fn an_older_file_of_an_official_backup_is_refused() {
    let around = around();
    let stale = around.path().join("real/vertices9");
    let text = r#"{"vertices": [{"label":"v_num","type":"vertex","properties":{"name":"deleted since"},"id":99}]}"#;
    std::fs::write(&stale, text).unwrap();
    tool(&around, "convert real out.jsonl --force").expect(0);
    let day = SystemTime::now() - Duration::from_secs(86_400);
    std::fs::File::options().write(true).open(&stale).unwrap().set_modified(day).unwrap();
    says(&tool(&around, "convert real out.jsonl --force").expect(4), &["vertices9 is older than the schema"]);
    let read = tool(&around, "convert real out.jsonl --force --allow-stale-files").expect(0);
    says(&read, &["42 nodes", "vertices9 is older"]);

    // In an archive the tool wrote the time: a copy of the folder does not hide it.
    let script = r#"
import pathlib, zipfile
for path in pathlib.Path("real").iterdir():
    if path.suffix or "shards" in path.name:
        continue
    day = 1 if path.name == "vertices9" else 2
    with zipfile.ZipFile(f"real/{path.name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(path.name, (2026, 6, day, 3, 0, 0)), path.read_bytes(), zipfile.ZIP_DEFLATED)
    path.unlink()
"#;
    let zipping = Command::new("python3").args(["-c", script]).current_dir(around.path()).status().unwrap();
    assert!(zipping.success());
    says(&tool(&around, "convert real out.jsonl --force").expect(4), &["vertices9.zip is older than the schema"]);
    std::fs::remove_file(around.path().join("real/vertices9.zip")).unwrap();
    tool(&around, "convert real out.jsonl --force").expect(0);
    assert_eq!(witness(&around, "jsonl out.jsonl"), witness(&around, "backup real UTC"));
}

#[test]
fn rows_that_come_twice_are_told() {
    let around = around();
    let real = around.path().join("real");
    // The page that was written again: the same lines once more, at the end of another file.
    let again = |name: &str| std::fs::read_to_string(Path::new(BACKUP).join(name)).unwrap();
    std::fs::write(real.join("vertices3"), again("vertices1")).unwrap();
    std::fs::write(real.join("edges4"), again("edges2")).unwrap();
    let read = tool(&around, "convert real out.jsonl").expect(0);
    says(&read, &["41 nodes, 7 relationships", "47 rows that were there twice"]);
    assert_eq!(witness(&around, "jsonl out.jsonl"), witness_of_the_real_one(&around));
    // Rows with one id that differ are not the same thing.
    edit(real.join("vertices3"), |text| text.replace("bignum", "smallnum"));
    let refused = tool(&around, "convert real out.jsonl --force").expect(5);
    says(&refused, &["vertices3, line 1, byte 14: ", "vertex L9007199254740993 is there twice, and the two differ"]);
    std::fs::remove_file(real.join("vertices3")).unwrap();
    edit(real.join("edges4"), |text| text.replace("to big", "too big"));
    says(&tool(&around, "convert real out.jsonl --force").expect(5), &["edges4, line 1", "e_str", "there twice"]);
}

fn witness_of_the_real_one(around: &tempfile::TempDir) -> String {
    witness(around, &format!("backup {BACKUP} UTC"))
}

#[test]
fn edges_without_their_ends_are_refused_or_left_out() {
    let around = around();
    edit(around.path().join("real/edges2"), |text| {
        text.replace("\"inV\":9007199254740993", "\"inV\":9007199254740994")
            .replace("\"outV\":\"s2\"", "\"outV\":\"nobody\"")
    });
    let refused = tool(&around, "convert real out.jsonl").expect(5);
    says(&refused, &["edges2, line 1", "no file has the vertex Snobody", "--dangling skip"]);
    let read = tool(&around, "convert real out.jsonl --dangling skip").expect(0);
    says(
        &read,
        &["41 nodes, 5 relationships", "2 dangling relationships left out", "no file has the vertex L9007199254740994"],
    );
}

#[test]
fn dates_are_in_the_zone_that_is_said() {
    let around = around();
    let refused = tool(&around, "convert real out.jsonl --timezone Nowhere/Else").expect(2);
    says(&refused, &["Nowhere/Else"]);
    let read = tool(&around, "convert real out.jsonl --timezone America/New_York").expect(0);
    assert!(!read.stderr.contains("taken to be in UTC"), "{}", read.stderr);
    let expected = witness(&around, "backup real America/New_York");
    assert_eq!(witness(&around, "jsonl out.jsonl"), expected);
    // Written in a zone of its own, and read in it without being told.
    tool(&around, "convert out.jsonl theirs --format hugegraph --output-timezone Asia/Tokyo").expect(0);
    assert_eq!(witness(&around, "backup theirs Asia/Tokyo"), expected);
    tool(&around, "verify theirs out.jsonl").expect(0);
    tool(&around, "convert theirs x.jsonl --timezone UTC").expect(2);
    // The hour that comes twice is told.
    edit(around.path().join("real/edges2"), |text| text.replace("2024-01-01 00:00:00.000", "2024-11-03 01:30:00.000"));
    let read = tool(&around, "convert real x.jsonl --timezone America/New_York").expect(0);
    says(&read, &["2 dates lie in an hour that comes twice"]);
    // The second of the two has no text there, and is written as a number.
    tool(&around, "convert real utc --format hugegraph --compress none").expect(0);
    edit(around.path().join("utc/edges1"), |text| text.replace("2024-11-03 01:30:00.000", "2024-11-03 06:30:00.000"));
    std::fs::remove_file(around.path().join("utc/graphferry.json")).unwrap();
    tool(&around, "convert utc x --format hugegraph --output-timezone America/New_York --compress none").expect(0);
    let edges = std::fs::read_to_string(around.path().join("x/edges1")).unwrap();
    assert!(edges.contains("\"created\":1730615400000") && edges.contains("\"2024-01-01 19:00:00.000\""), "{edges}");
    tool(&around, "verify utc x").expect(0);
}

#[test]
fn damage_is_named_with_its_place() {
    let around = around();
    let real = around.path().join("real");
    let vertices = real.join("vertices1");
    let whole = std::fs::read_to_string(&vertices).unwrap();
    for (damaged, told) in [
        (whole[..whole.len() / 2].to_owned(), "the file ends in the middle of a line"),
        (whole.replace("\"p_int\":-2147483648", "\"p_int\":\"x\""), "\"p_int\""),
        (whole.replace("v_pk", "v_none"), "there is no vertex label \"v_none\""),
        (
            whole.replace("\"id\":9007199254740993", "\"id\":1.5"),
            "record 1: expected an integer, found 1.5, in the vertex {",
        ),
        (whole.replace("{\"vertices\"", "{\"edges\""), "does not begin with {\"vertices\": ["),
    ] {
        std::fs::write(&vertices, damaged).unwrap();
        says(&tool(&around, "convert real out.jsonl").expect(5), &["vertices1, line 1", told]);
    }
    std::fs::write(&vertices, &whole).unwrap();
    // A number that no type here holds would become another one.
    let keys = real.join("propertykeys");
    let schema = std::fs::read_to_string(&keys).unwrap();
    let large = schema.replacen("\"user_data\":{", "\"user_data\":{\"n\":18446744073709551615,", 1);
    assert_ne!(large, schema);
    std::fs::write(&keys, large).unwrap();
    let told = "18446744073709551615 does not fit a 64-bit integer";
    says(&tool(&around, "convert real out.jsonl").expect(5), &["propertykeys, line 1", told]);
    std::fs::write(&keys, schema).unwrap();
    std::fs::remove_file(real.join("vertexlabels")).unwrap();
    tool(&around, "convert real out.jsonl").expect(2);
}

#[test]
fn an_archive_that_is_cut_off_is_corrupt() {
    let around = around();
    tool(&around, "convert real ours --format hugegraph").expect(0);
    std::fs::remove_file(around.path().join("ours/graphferry.json")).unwrap();
    tool(&around, "verify ours real").expect(0);
    let path = around.path().join("ours/vertices0.zip");
    let whole = std::fs::read(&path).unwrap();
    for size in [0, 30, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..size]).unwrap();
        says(&tool(&around, "convert ours out.jsonl").expect(5), &["vertices0.zip", "damaged or cut off"]);
    }
}

#[test]
fn a_graph_of_another_system_gets_a_schema_and_nothing_is_lost_in_silence() {
    let around = around();
    let torture = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/torture.cypherl");
    let refused = tool(&around, &format!("convert {torture} out --format hugegraph")).expect(4);
    says(&refused, &["HugeGraph cannot hold", "--reversible", "--allow-loss"]);
    assert!(!around.path().join("out").exists());
    tool(&around, &format!("convert {torture} out --format hugegraph --reversible")).expect(0);
    tool(&around, &format!("verify {torture} out")).expect(0);
}

/// A folder in memory.
#[derive(Clone, Default)]
struct Memory(BTreeMap<String, Vec<u8>>);

impl Files for Memory {
    fn open(&self, name: &str) -> Result<Box<dyn Read + Send>> {
        Ok(Box::new(self.seek(name)?))
    }

    fn names(&self) -> Result<Vec<String>> {
        Ok(self.0.keys().cloned().collect())
    }

    fn seek(&self, name: &str) -> Result<Box<dyn Seekable>> {
        let found = self.0.get(name).cloned().ok_or_else(|| Error::usage(format!("no file {name}")))?;
        Ok(Box::new(Cursor::new(found)))
    }
}

/// Reads a folder to its end; gives the number of nodes and relationships.
fn items(folder: &Memory, skip_dangling: bool) -> Result<usize> {
    let options = DecoderOptions { skip_dangling, ..DecoderOptions::default() };
    let mut decoder = folder_decoder(Box::new(folder.clone()), &options)?;
    let mut count = 0;
    while let Some(piece) = decoder.next()? {
        if let Piece::Block(block) = piece {
            count += block.len();
        }
    }
    Ok(count)
}

/// Whatever stands in the files, reading them ends with an error or with a graph; and with a manifest no change goes unseen.
#[test]
fn damaged_bytes_never_make_it_panic() {
    let around = around();
    tool(&around, "convert real ours --format hugegraph").expect(0);
    let load = |name: &str| -> Memory {
        let folder = around.path().join(name);
        Memory(
            names(&folder).into_iter().map(|name| (name.clone(), std::fs::read(folder.join(&name)).unwrap())).collect(),
        )
    };
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    };
    let pieces: [&[u8]; 8] = [b"\"", b"{", b"]}\n", b"\\", b"99999999999999999999", b"null", b"\xff", b"\"id\":"];
    for (name, manifest) in [("real", false), ("ours", true), ("ours", false)] {
        let mut whole = load(name);
        if !manifest {
            whole.0.remove("graphferry.json");
        }
        assert_eq!(items(&whole, false).unwrap(), 48);
        let files: Vec<_> =
            whole.0.keys().filter(|name| !name.contains("shards") && !name.contains("README")).cloned().collect();
        let mut unharmed = 0;
        for _ in 0..250 {
            let mut damaged = whole.clone();
            let name = &files[random(files.len())];
            let bytes = damaged.0.get_mut(name).unwrap();
            let at = random(bytes.len());
            match random(4) {
                0 => bytes[at] ^= 1 << random(8),
                1 => bytes.truncate(at),
                2 => drop(bytes.splice(at..at, pieces[random(pieces.len())].iter().copied())),
                _ => drop(bytes.drain(at..(at + random(40)).min(bytes.len()))),
            }
            let is_same = damaged.0[name] == whole.0[name];
            let read = items(&damaged, random(2) == 0);
            unharmed += usize::from(read.is_ok() && !is_same && name != "graphferry.json");
        }
        assert!(!manifest || unharmed == 0, "{unharmed} changes were not seen");
    }
}
