//! Logs that no recorded file has, written by hand (support/durability.rs): every kind of change, several logs that overlap, gaps, transactions that were never decided, ends
//! in the middle of one.

use super::{Facts, read};
use crate::support::durability::{self, Log, Sections, V};
use graphferry::backend::memgraph_files::{Options, check, open_source};
use graphferry::model::{SchemaObject, Value};
use graphferry::{Error, ErrorKind};
use std::fs;
use std::path::{Path, PathBuf};

const FORMATS: [u64; 24] =
    [14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37];

/// A data directory.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for part in ["snapshots", "wal"] {
            fs::create_dir(folder.path().join(part)).unwrap();
        }
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn log(&self, log: &Log, name: &str) -> PathBuf {
        log.write(&self.path().join("wal"), name)
    }

    fn snapshot(&self, timestamp: u64) -> PathBuf {
        let path = self.path().join(format!("snapshots/2026112112000000000{}_timestamp_{timestamp}", timestamp / 100));
        durability::snapshot(&path, 5, 5, &Sections { timestamp, ..Sections::default() });
        path
    }

    fn read(&self, options: &Options) -> Result<(Facts, Vec<String>), Error> {
        read(self.path(), options)
    }
}

fn ids(facts: &Facts) -> Vec<u64> {
    let mut ids: Vec<u64> = facts.nodes.iter().map(|line| line.split_once(' ').unwrap().0.parse().unwrap()).collect();
    ids.sort_unstable();
    ids
}

/// Creates a node for each of these timestamps, which is its id as well.
fn nodes(log: &mut Log, timestamps: impl IntoIterator<Item = u64>) {
    for timestamp in timestamps {
        log.commit(timestamp, |changes| changes.node(timestamp, &["A"], &[("t", V::Int(timestamp as i64))]));
    }
}

#[test]
fn changes_of_the_graph_in_every_format() {
    for format in FORMATS {
        let mut log = Log::new(format, 0);
        log.commit(1, |changes| {
            changes.node(0, &["A", "B", "C"], &[("x", V::Int(1)), ("gone", V::Int(2))]);
            changes.node(7, &[], &[]);
            changes.relationship(3, "R", 0, 7);
            changes.set_on_relationship(3, "w", &V::Double(0.5), (0, u64::MAX, ""));
        });
        log.commit(5, |changes| {
            // The last label takes the place of one that goes.
            changes.delta(0x53).uint(0).text("A");
            changes.set(0, "gone", &V::Null);
            changes.set(0, "x", &V::List(vec![V::Bool(true), V::Null, V::Text("é")]));
            changes.set_on_relationship(3, "v", &V::Map(vec![("k", V::Int(-1))]), (0, 7, "R"));
            changes.set_on_relationship(3, "w", &V::Null, (0, 7, "R"));
            changes.node(8, &["Short"], &[]);
            changes.relationship(4, "Short", 8, 8);
        });
        log.commit(6, |changes| {
            changes.delta(0x56).uint(4).text("Short").uint(8).uint(8);
            changes.delta(0x51).uint(8);
        });
        let folder = tempfile::tempdir().unwrap();
        let (facts, missing) = read(&log.write(folder.path(), "log"), &Options::default()).unwrap();
        assert_eq!(missing, Vec::<String>::new(), "format {format}");
        assert_eq!(
            facts.nodes,
            ["0 [\"C\", \"B\"] {\"x\": [Boolean(true), Null, String(\"é\")]}", "7 [] {}"],
            "format {format}"
        );
        assert_eq!(facts.relationships, ["0 -> 7 [\"R\"] {\"v\": {\"k\": Integer(-1)}}"], "format {format}");
        // What a transaction or two less give.
        for (at, nodes) in [(0, 0), (1, 2), (4, 2), (5, 3), (99, 2)] {
            let options = Options { at: Some(at), ..Options::default() };
            let (facts, _) = read(&folder.path().join("log"), &options).unwrap();
            assert_eq!(facts.nodes.len(), nodes, "format {format} at {at}");
        }
    }
}

/// Every change of the schema, done and undone; the format since which there is one.
#[test]
fn changes_of_the_schema_that_no_recorded_log_has() {
    type Put = fn(&mut durability::Bytes, u64);
    let paths: Put = |bytes, format| {
        match format {
            ..24 => bytes.text("p"),
            24 => bytes.texts(&["p"]),
            _ => bytes.uint(1).texts(&["p"]),
        };
    };
    let ordered: Put = |bytes, format| {
        bytes.text("A");
        match format {
            ..24 => bytes.text("p"),
            24 => bytes.texts(&["p"]),
            _ => bytes.uint(1).texts(&["p"]),
        };
        if format >= 34 {
            bytes.uint(1);
        }
    };
    let named: Put = |bytes, _| _ = bytes.text("A");
    let pair: Put = |bytes, _| _ = bytes.text("A").text("p");
    let set: Put = |bytes, _| _ = bytes.text("A").texts(&["p", "q"]);
    let typed: Put = |bytes, _| _ = bytes.text("A").text("p").uint(10);
    let vector: Put = |bytes, format| {
        bytes.text("v");
        if format >= 35 {
            bytes.uint(0).texts(&["A"])
        } else {
            bytes.text("A")
        };
        bytes.text("p").text("cos").uint(3).uint(2).uint(64);
        if format >= 26 {
            bytes.uint(10);
        }
    };
    let text: Put = |bytes, format| {
        bytes.text("t").text("A");
        if format >= 29 {
            bytes.texts(&["p"]);
        }
    };
    let drop_text: Put = |bytes, format| {
        bytes.text("t");
        if format < 29 {
            bytes.text("A");
        }
    };
    let drop_vector: Put = |bytes, _| _ = bytes.text("v");
    let describe: Put = |bytes, _| _ = bytes.uint(1).texts(&["A"]).text("what it is");
    let undescribe: Put = |bytes, _| _ = bytes.uint(1).texts(&["A"]);
    let _ = paths;
    let changes: [(u64, u8, Put, u8, Put); 16] = [
        (14, 0x59, named, 0x5A, named),
        (14, 0x5B, ordered, 0x5C, ordered),
        (14, 0x5D, pair, 0x5E, pair),
        (14, 0x5F, set, 0x60, set),
        (17, 0x65, named, 0x66, named),
        (17, 0x67, text, 0x68, drop_text),
        (18, 0x6C, pair, 0x6D, pair),
        (20, 0x6E, pair, 0x6F, pair),
        (20, 0x70, typed, 0x71, typed),
        (22, 0x72, vector, 0x73, drop_vector),
        (24, 0x74, named, 0x75, named),
        (27, 0x76, vector, 0x73, drop_vector),
        (31, 0x79, text, 0x68, drop_text),
        (34, 0x7A, describe, 0x7B, undescribe),
        (37, 0x7C, named, 0x7D, named),
        (34, 0x5B, ordered, 0x5C, ordered),
    ];
    for (since, create, put, drop, undo) in changes {
        for format in FORMATS.into_iter().filter(|format| *format >= since) {
            let mut log = Log::new(format, 0);
            // In formats 14 and 15 a change of the schema stands alone; in a transaction it does so as well.
            let length_before = log.bytes().len();
            log.commit(1, |changes| put(changes.delta(create), format));
            let folder = tempfile::tempdir().unwrap();
            let objects = |log: &Log| -> Vec<SchemaObject> {
                let path = log.write(folder.path(), "log");
                let mut source = open_source(&path, &Options::default()).unwrap();
                let mut snapshot = source.snapshot(None).unwrap();
                assert_eq!(snapshot.missing(), Vec::<String>::new(), "format {format}, change {create:#X}");
                snapshot.schema().unwrap().objects
            };
            assert!(log.bytes().len() > length_before);
            assert_eq!(objects(&log).len(), 1, "format {format}, change {create:#X}");
            log.commit(2, |changes| undo(changes.delta(drop), format));
            assert_eq!(objects(&log), Vec::<SchemaObject>::new(), "format {format}, change {drop:#X}");
        }
    }
}

#[test]
fn enums_that_change_rename_the_values_that_name_them() {
    let mut log = Log::new(31, 0);
    log.commit(1, |changes| _ = changes.delta(0x69).text("Colour").texts(&["RED", "GREEN"]));
    log.commit(2, |changes| changes.node(0, &["A"], &[("c", V::Enum(0, 1))]));
    log.commit(3, |changes| _ = changes.delta(0x6A).text("Colour").text("BLUE"));
    log.commit(4, |changes| changes.set(0, "d", &V::Enum(0, 2)));
    log.commit(5, |changes| _ = changes.delta(0x6B).text("Colour").text("GREEN").text("LIME"));
    let folder = tempfile::tempdir().unwrap();
    let path = log.write(folder.path(), "log");
    let (facts, _) = read(&path, &Options::default()).unwrap();
    assert!(facts.nodes[0].contains("Colour::LIME") && facts.nodes[0].contains("Colour::BLUE"), "{:?}", facts.nodes);
    assert!(facts.schema[0].contains("LIME") && !facts.schema[0].contains("GREEN"), "{:?}", facts.schema);
    let then = read(&path, &Options { at: Some(4), ..Options::default() }).unwrap().0;
    assert!(then.nodes[0].contains("Colour::GREEN"), "{:?}", then.nodes);
}

#[test]
fn time_to_live_and_values_of_every_kind() {
    let mut log = Log::new(32, 0);
    log.commit(1, |changes| {
        // Every hour from 01:00 on.
        changes.delta(0x78).uint(2).boolean(true).uint(3_600_000_000).boolean(true).uint(3_600_000_000).boolean(false);
        changes.node(
            0,
            &[],
            &[
                ("date", V::Temporal(0, -86_400_000_000)),
                ("time", V::Temporal(1, 1)),
                ("local", V::Temporal(2, 1_784_023_200_000_000)),
                ("span", V::Temporal(3, -1)),
                ("zoned", V::Zoned(0, "Europe/Prague")),
                ("shifted", V::Shifted(0, -330)),
                ("flat", V::Point2(7203, 1.0, -0.0)),
                ("solid", V::Point3(4979, 1.0, 2.0, 3.0)),
                ("vector", V::Vector(vec!["v"], vec![0.5, 1.5])),
            ],
        );
    });
    let folder = tempfile::tempdir().unwrap();
    let path = log.write(folder.path(), "log");
    let value = |zone: Option<&str>, name: &str| {
        let options = Options { timezone: zone.map(str::to_owned), ..Options::default() };
        let mut source = open_source(&path, &options).unwrap();
        let mut found = None;
        let mut sink = |block: graphferry::model::Block| {
            let Value::Map(map) = Value::read(&mut block.cursor(block.items().first().unwrap())).unwrap() else {
                panic!()
            };
            found = map.get(name).cloned();
            Ok(())
        };
        source.snapshot(None).unwrap().scan(graphferry::model::Class::Nodes, &mut sink).unwrap();
        format!("{:?}", found.unwrap())
    };
    for (name, wanted) in [
        ("date", "Date { days: -1 }"),
        ("time", "nanoseconds: 1000"),
        ("span", "seconds: -1, nanoseconds: 999999000"),
        ("zoned", "Europe/Prague"),
        ("shifted", "offset: -19800"),
        ("flat", "srid: 7203, x: 1.0, y: -0.0, z: None"),
        ("solid", "srid: 4979, x: 1.0, y: 2.0, z: Some(3.0)"),
        ("vector", "[Float(0.5), Float(1.5)]"),
    ] {
        let found = value(None, name);
        assert!(found.contains(wanted), "{name}: {found}");
    }
    // 2026-07-14 10:00 UTC is 12:00 in Prague, and 15:45 in Kathmandu.
    for (zone, seconds) in
        [(None, 1_784_023_200), (Some("Europe/Prague"), 1_784_030_400), (Some("Asia/Kathmandu"), 1_784_043_900)]
    {
        let found = value(zone, "local");
        assert!(found.contains(&format!("seconds: {seconds}")), "{zone:?}: {found}");
    }
    let wrong = open_source(&path, &Options { timezone: Some("Moon/Base".to_owned()), ..Options::default() });
    assert_eq!(wrong.err().unwrap().kind(), ErrorKind::Usage);
    let schema = read(&path, &Options::default()).unwrap().0.schema;
    assert!(schema[0].contains("3600s") && schema[0].contains("01:00:00"), "{schema:?}");
    let prague = Options { timezone: Some("Europe/Prague".to_owned()), ..Options::default() };
    assert!(read(&path, &prague).unwrap().0.schema[0].contains("02:00:00"));
}

#[test]
fn logs_that_overlap_each_other_and_the_snapshot_count_once() {
    let folder = Folder::new();
    folder.snapshot(100);
    let (mut first, mut second, mut third) = (Log::new(31, 3), Log::new(31, 4), Log::new(31, 5));
    nodes(&mut first, [90, 100, 101, 105]);
    nodes(&mut second, [106, 110]);
    nodes(&mut third, [111]);
    folder.log(&first, "1_from_90_to_105");
    folder.log(&second, "2_from_106_to_110");
    folder.log(&third, "3_current");
    let (facts, missing) = folder.read(&Options::default()).unwrap();
    assert_eq!((ids(&facts), missing), (vec![0, 1, 2, 3, 4, 101, 105, 106, 110, 111], vec![]));
    // A copy of the second under another name has nothing new.
    folder.log(&second, "2b_from_106_to_110");
    assert_eq!(ids(&folder.read(&Options::default()).unwrap().0).len(), 10);
    // A log of another storage is passed over.
    let mut foreign = Log::new(31, 6).of("another storage");
    nodes(&mut foreign, [112]);
    folder.log(&foreign, "4_current");
    assert_eq!(ids(&folder.read(&Options::default()).unwrap().0).len(), 10);
    // Up to a transaction; the snapshot of before where the newest is too new.
    for (at, last) in [(100, 4), (104, 101), (110, 110), (1000, 111)] {
        let (facts, _) = folder.read(&Options { at: Some(at), ..Options::default() }).unwrap();
        assert_eq!(ids(&facts).last(), Some(&last), "at {at}");
    }
    let early = folder.read(&Options { at: Some(99), ..Options::default() });
    assert!(early.is_err(), "no snapshot is that old, and the first log is missing");
    let older = folder.snapshot(95);
    let (facts, _) = folder.read(&Options { at: Some(99), ..Options::default() }).unwrap();
    assert_eq!(ids(&facts), [0, 1, 2, 3, 4]);
    // A snapshot that is chosen, by its name and by its path.
    for chosen in [PathBuf::from(older.file_name().unwrap()), older.clone()] {
        let (facts, _) = folder.read(&Options { snapshot: Some(chosen), ..Options::default() }).unwrap();
        assert_eq!(ids(&facts), [0, 1, 2, 3, 4, 100, 101, 105, 106, 110, 111]);
    }
    let wrong = folder.read(&Options { snapshot: Some("nowhere".into()), ..Options::default() });
    assert_eq!(wrong.err().unwrap().kind(), ErrorKind::Unreachable);
    let late = folder.read(&Options { snapshot: Some(older), at: Some(94), ..Options::default() });
    assert_eq!(late.err().unwrap().kind(), ErrorKind::Refused);
}

#[test]
fn a_gap_ends_the_reading_and_is_told() {
    let folder = Folder::new();
    folder.snapshot(100);
    let (mut first, mut third) = (Log::new(31, 1), Log::new(31, 3));
    nodes(&mut first, [100, 101]);
    nodes(&mut third, [120]);
    folder.log(&first, "1_from_100_to_101");
    folder.log(&third, "3_from_120_to_120");
    let (facts, missing) = folder.read(&Options::default()).unwrap();
    assert_eq!(ids(&facts), [0, 1, 2, 3, 4, 101]);
    assert!(missing.len() == 1 && missing[0].contains("is missing"), "{missing:?}");
    // The first log after the snapshot is missing.
    fs::remove_file(folder.path().join("wal/1_from_100_to_101")).unwrap();
    let (facts, missing) = folder.read(&Options::default()).unwrap();
    assert_eq!((ids(&facts), missing.len()), (vec![0, 1, 2, 3, 4], 1));
    // Without a snapshot a chain that does not begin is no graph.
    let alone = read(&folder.path().join("wal/3_from_120_to_120"), &Options::default());
    assert_eq!(alone.err().unwrap().kind(), ErrorKind::Corrupt);
}

#[test]
fn transactions_that_were_never_decided_are_left_out_and_told() {
    for format in [28, 30, 31, 36, 37] {
        let folder = Folder::new();
        let mut log = Log::new(format, 0);
        nodes(&mut log, [1]);
        log.transaction(2, false, |changes| changes.node(2, &["A"], &[]));
        nodes(&mut log, [3]);
        let path = folder.log(&log, "1_current");
        let mut source = open_source(&path, &Options::default()).unwrap();
        let snapshot = source.snapshot(None).unwrap();
        assert!(
            snapshot.warnings().iter().any(|warning| warning.contains("1 prepared and undecided")),
            "format {format}"
        );
        assert_eq!(snapshot.missing(), Vec::<String>::new());
        drop(snapshot);
        assert_eq!(ids(&read(&path, &Options::default()).unwrap().0), [1, 3], "format {format}");
    }
}

#[test]
fn a_log_that_is_being_written_may_end_anywhere_and_a_finished_one_may_not() {
    for format in FORMATS {
        let folder = Folder::new();
        let mut log = Log::new(format, 0);
        nodes(&mut log, [1, 2, 3]);
        let bytes = log.bytes();
        let lengths: Vec<usize> = (0..=3).map(|count| log.length(count)).collect();
        for length in lengths[1]..bytes.len() {
            let whole = (1..=3).rfind(|count| lengths[*count] <= length).unwrap();
            let wanted: Vec<u64> = (1..=whole as u64).collect();
            for (name, may) in [("1_current", true), ("1_from_1_to_3", false)] {
                let path = folder.path().join("wal").join(name);
                fs::write(&path, &bytes[..length]).unwrap();
                let (facts, missing) = folder.read(&Options::default()).unwrap();
                let at_end = lengths.contains(&length);
                assert_eq!(ids(&facts), wanted, "format {format}, {length} bytes of {name}");
                assert_eq!(missing.is_empty(), may || at_end, "format {format}, {length} bytes of {name}: {missing:?}");
                let found = &check(folder.path()).unwrap()[0];
                assert_eq!((found.problems.is_empty(), found.notes.is_empty()), (may || at_end, !may || at_end));
                fs::remove_file(path).unwrap();
            }
        }
    }
    // What follows a finished log that is cut is not read: transactions between are missing.
    let folder = Folder::new();
    let (mut first, mut second) = (Log::new(31, 0), Log::new(31, 1));
    nodes(&mut first, [1, 2]);
    nodes(&mut second, [3]);
    folder.log(&second, "2_current");
    for (name, wanted, told) in [("1_from_1_to_2", vec![1], 2), ("1_current", vec![1, 3], 0)] {
        let path = folder.path().join("wal").join(name);
        fs::write(&path, &first.bytes()[..first.bytes().len() - 3]).unwrap();
        let (facts, missing) = folder.read(&Options::default()).unwrap();
        assert_eq!((ids(&facts), missing.len()), (wanted, told), "{name}: {missing:?}");
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_finished_log_of_format_37_has_exactly_what_its_summary_says() {
    let folder = Folder::new();
    let mut log = Log::new(37, 0);
    log.is_finished = true;
    nodes(&mut log, [1, 2]);
    let path = folder.log(&log, "1_from_1_to_2");
    assert_eq!(folder.read(&Options::default()).unwrap().1, Vec::<String>::new());
    let bytes = log.bytes();
    // It ends with a whole transaction, and yet something is missing; even where its name says that it was being written.
    for name in ["1_from_1_to_2", "1_current"] {
        fs::remove_file(&path).ok();
        let path = folder.path().join("wal").join(name);
        fs::write(&path, &bytes[..log.length(1)]).unwrap();
        let (facts, missing) = folder.read(&Options::default()).unwrap();
        assert_eq!((ids(&facts), missing.len()), (vec![1], 1), "{name}");
        fs::remove_file(path).unwrap();
    }
    // A changed byte is noticed wherever it is.
    for at in 12..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let path = folder.path().join("wal/1_from_1_to_2");
        fs::write(&path, &changed).unwrap();
        let told = folder.read(&Options::default()).map_or(true, |(_, missing)| !missing.is_empty());
        assert!(told, "byte {at}");
    }
}

/// A log of values, as hostile as bits can be: what comes out is a prefix of whole transactions, or the damage is told.
#[test]
fn random_bits_of_logs_and_snapshots() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let snapshot = folder.path().join("snapshot");
    durability::snapshot(&snapshot, 40, 80, &Sections::default());
    let mut log = Log::new(36, 0);
    nodes(&mut log, 1..60);
    let graph = read(&log.write(folder.path(), "log"), &Options::default()).unwrap().0;
    for (bytes, is_log) in [(fs::read(&snapshot).unwrap(), false), (log.bytes(), true)] {
        for round in 0..400 {
            let mut changed = bytes.clone();
            for _ in 0..=next() % 3 {
                let at = (next() % changed.len() as u64) as usize;
                changed[at] ^= 1 << (next() % 8);
            }
            let path = folder.path().join("changed");
            fs::write(&path, &changed).unwrap();
            let Ok((facts, missing)) = read(&path, &Options::default()) else { continue };
            if is_log {
                // Format 36 has checksums.
                assert!(!missing.is_empty(), "round {round}");
                assert!(facts.nodes.iter().all(|node| graph.nodes.contains(node)), "round {round}");
                assert_eq!(ids(&facts), (1..=facts.nodes.len() as u64).collect::<Vec<_>>(), "round {round}");
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn no_link_is_followed_out_of_the_directory() {
    use std::os::unix::fs::symlink;
    let outside = Folder::new();
    let snapshot = outside.snapshot(100);
    let folder = Folder::new();
    symlink(&snapshot, folder.path().join("snapshots").join(snapshot.file_name().unwrap())).unwrap();
    let refused = folder.read(&Options::default());
    assert_eq!(refused.err().unwrap().kind(), ErrorKind::Corrupt, "there is nothing that counts");
    // A folder that is a link is none either.
    fs::remove_dir_all(folder.path().join("snapshots")).unwrap();
    symlink(outside.path().join("snapshots"), folder.path().join("snapshots")).unwrap();
    assert!(folder.read(&Options::default()).is_err());
    assert_eq!(check(folder.path()).unwrap(), []);
    // A pipe does not hang.
    let status = std::process::Command::new("mkfifo").arg(folder.path().join("wal/1_current")).status().unwrap();
    assert!(status.success());
    assert!(folder.read(&Options::default()).is_err());
    assert!(read(&folder.path().join("wal/1_current"), &Options::default()).is_err());
}

/// The most memory that this process ever had, in KiB, as the kernel tells.
#[cfg(target_os = "linux")]
#[test]
fn lengths_that_lie_cost_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = folder.path().join("snapshot");
    durability::snapshot(&snapshot, 200, 400, &Sections::default());
    let bytes = fs::read(&snapshot).unwrap();
    let mut log = Log::new(31, 0);
    nodes(&mut log, 1..50);
    for bytes in [bytes, log.bytes()] {
        // Every 100th place says that there are very many of something.
        for at in (12..bytes.len() - 8).step_by(100) {
            for lie in [u64::MAX, i64::MAX as u64, 1 << 40, u64::from(u32::MAX), 1 << 28] {
                let mut changed = bytes.clone();
                changed[at..at + 8].copy_from_slice(&lie.to_le_bytes());
                fs::write(folder.path().join("changed"), &changed).unwrap();
                let _ = read(&folder.path().join("changed"), &Options::default());
            }
            fs::write(folder.path().join("changed"), &bytes[..at]).unwrap();
            let _ = read(&folder.path().join("changed"), &Options::default());
        }
    }
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 256 << 10, "{peak} KiB");
}

/// A map that has a key twice and two ids of one name can only come from damage, and no reader would take a dump of them.
#[test]
fn what_is_there_twice_is_damage() {
    let folder = Folder::new();
    let mut log = Log::new(31, 0);
    nodes(&mut log, [1, 2]);
    let map = V::Map(vec![("k", V::Int(1)), ("k", V::Int(2))]);
    for value in [map.clone(), V::List(vec![V::Int(1), V::Map(vec![("inner", map)])])] {
        let mut log = log.clone();
        log.commit(3, |changes| changes.node(3, &["A"], &[("m", value)]));
        let path = folder.log(&log, "1_current");
        let (facts, missing) = folder.read(&Options::default()).unwrap();
        assert_eq!(ids(&facts), [1, 2]);
        assert!(missing.iter().any(|line| line.contains("the key \"k\" twice")), "{missing:?}");
        fs::remove_file(path).unwrap();
    }
    let path = folder.path().join("snapshots/20261121120000000001_timestamp_100");
    for (at, name, told) in [(5, "id", "the key \"id\" twice"), (1, "Person", "the label \"Person\" twice")] {
        let mut sections = Sections::default();
        name.clone_into(&mut sections.names[at]);
        durability::snapshot(&path, 25, 0, &sections);
        let (facts, missing) = read(&path, &Options::default()).unwrap();
        assert_eq!(ids(&facts), [0; 0]);
        assert!(missing.iter().any(|line| line.contains(told)), "{missing:?}");
    }
}
