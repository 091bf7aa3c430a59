//! Physical backups against what stands in for a Memgraph server and its data directory (support/emulated/physical.rs). It answers as 3.6.2 was recorded to
//! answer, and is no Memgraph. Every point of failure in turn: the directory is never left locked.

use crate::support::durability::{self, Sections};
use crate::support::emulated::{Emulated, Fault};
use crate::support::tool::{Run, command, finish, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SNAPSHOT: &str = "20261121120000000000_timestamp_100";
const LOG: &str = "20261121110000000000_current";

/// A server with its data directory: 30 nodes, 60 relationships, a label index, a text index, a trigger; a log that is being written.
struct Site {
    server: Emulated,
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        for part in ["snapshots", "wal", "triggers"] {
            fs::create_dir_all(data.join(part)).unwrap();
        }
        let sections = Sections { text_indexes: vec![("people".to_owned(), 0)], ..Sections::default() };
        durability::snapshot(&data.join("snapshots").join(SNAPSHOT), 30, 60, &sections);
        let older = Sections { timestamp: 50, ..sections };
        durability::snapshot(&data.join("snapshots/20261121100000000000_timestamp_50"), 20, 40, &older);
        let mut log = durability::Log::new(31, 0);
        // It is in the snapshot already.
        log.commit(100, |changes| changes.node(29, &["Person"], &[]));
        // The last transaction is half written.
        let mut bytes = log.bytes();
        log.commit(101, |changes| changes.node(1001, &["Later"], &[]));
        bytes.extend_from_slice(&log.bytes()[bytes.len()..bytes.len() + 40]);
        fs::write(data.join("wal").join(LOG), bytes).unwrap();
        // Neither is of the graph.
        fs::write(data.join("snapshots").join(format!("{SNAPSHOT}_edge_part_0")), b"part").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", data.join("wal/link")).unwrap();
        let server = Emulated::start();
        server.set_folder(&data, SNAPSHOT);
        server.run(&[
            "CREATE INDEX ON :`Person`",
            "CREATE TEXT INDEX `people` ON :`Person`",
            "CREATE TRIGGER `t` ON CREATE AFTER COMMIT EXECUTE RETURN 1",
        ]);
        Self { server, folder }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn create(&self) -> std::process::Command {
        let mut create = command(self.folder.path());
        create.args(["snapshot", "create", &self.server.url(), "--data-dir", "data", "-o", "backup.tar"]);
        create
    }

    fn created(&self) -> Run {
        let mut create = self.create();
        let output = create.output().unwrap();
        finish(&create, output)
    }

    /// What is beside the data directory: an archive, and nothing half done.
    #[track_caller]
    fn left(&self, wanted: &[&str]) {
        let entries = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).filter(|name| name != "data").collect();
        names.sort();
        assert_eq!(names, wanted);
    }
}

#[test]
fn a_backup_locks_copies_and_unlocks() {
    let site = Site::new();
    let told = site.created().expect(0);
    assert!(
        told.stderr.contains("A backup of your data can be found at backup.tar: 30 nodes, 60 relationships, 4 files"),
        "{}",
        told.stderr
    );
    let asked = ["DATA DIRECTORY LOCK STATUS", "CREATE SNAPSHOT", "LOCK DATA DIRECTORY", "UNLOCK DATA DIRECTORY"];
    assert_eq!(site.server.physical(), asked);
    assert!(!site.server.is_locked());
    site.left(&["backup.tar"]);
    // tar, zstd and b3sum's inventor's own words are not needed to read it: tar and zstd are.
    let out = site.folder.path().join("out");
    fs::create_dir(&out).unwrap();
    assert!(Command::new("tar").args(["xf", "../backup.tar"]).current_dir(&out).status().unwrap().success());
    for name in [&format!("snapshots/{SNAPSHOT}"), "snapshots/20261121100000000000_timestamp_50", &format!("wal/{LOG}")]
    {
        let packed = out.join(format!("{name}.zst"));
        let content = Command::new("zstd").args(["-dcq"]).arg(packed).output().unwrap().stdout;
        assert!(content == fs::read(site.data().join(name)).unwrap(), "{name}");
    }
    let schema = Command::new("zstd").args(["-dcq"]).arg(out.join("schema.jsonl.zst")).output().unwrap().stdout;
    let schema = String::from_utf8(schema).unwrap();
    assert!(schema.contains("\"RETURN 1\"") && schema.contains("\"people\""), "{schema}");
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(out.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["manifest"]["snapshot"], format!("snapshots/{SNAPSHOT}"));
    let members = manifest["manifest"]["members"].as_array().unwrap();
    assert_eq!(members.len(), 4);
    assert_eq!(members[1]["counts"], serde_json::json!([30, 60]));
    // Listed and checked, as an archive and as a directory.
    for (verb, path) in [("list", "backup.tar"), ("check", "backup.tar"), ("list", "data"), ("check", "data")] {
        let told = run(site.folder.path(), ["snapshot", verb, path]).expect(0);
        let text = told.text();
        assert!(
            text.contains("format 31 (Memgraph 3.6 and 3.7), 2026-11-21 12:00:00, 30 nodes, 60 relationships"),
            "{text}"
        );
        assert!(text.contains("1 transactions") && !text.contains("damaged"), "{text}");
    }
    // An archive that is there stays.
    let before = fs::read(site.folder.path().join("backup.tar")).unwrap();
    site.created().expect(4);
    assert!(before == fs::read(site.folder.path().join("backup.tar")).unwrap());
    assert_eq!(site.server.physical(), Vec::<String>::new(), "the server is not even asked");
}

#[test]
fn only_the_newest_snapshot_if_wanted() {
    let site = Site::new();
    let mut create = site.create();
    let output = create.args(["--newest", "--json"]).output().unwrap();
    let told = finish(&create, output).expect(0);
    assert!(told.stderr.contains(SNAPSHOT) && !told.stderr.contains("timestamp_50"), "{}", told.stderr);
}

#[test]
fn whatever_fails_nothing_stays_locked_and_nothing_looks_done() {
    let statements = ["DATA DIRECTORY LOCK STATUS", "CREATE SNAPSHOT", "LOCK DATA DIRECTORY"];
    let cut = statements.iter().flat_map(|at| [Fault::CutAt(at, false), Fault::CutAt(at, true), Fault::RefuseAt(at)]);
    let schema = ["SHOW INDEX INFO", "SHOW TRIGGERS", "SHOW STORAGE INFO"].map(|at| Fault::CutAt(at, true));
    for fault in cut.chain(schema) {
        let site = Site::new();
        site.server.fault(fault.clone());
        let told = site.created();
        assert!([1, 6].contains(&told.code), "{fault:?}: {} {}", told.code, told.stderr);
        assert!(!site.server.is_locked(), "{fault:?}");
        site.left(&[]);
        // Nothing of it is in the way of the next one.
        site.created().expect(0);
    }
    // The answer to UNLOCK is lost, or it is refused, several times over: it is asked again.
    for fault in [
        Fault::CutAt("UNLOCK DATA DIRECTORY", false),
        Fault::CutAt("UNLOCK DATA DIRECTORY", true),
        Fault::RefuseAt("UNLOCK DATA DIRECTORY"),
    ] {
        let site = Site::new();
        (0..3).for_each(|_| site.server.fault(fault.clone()));
        let told = site.created();
        // Where the answer was lost nobody knows who unlocked it: that is told.
        assert_eq!(told.code, if matches!(fault, Fault::CutAt(_, true)) { 3 } else { 0 }, "{fault:?}: {}", told.stderr);
        assert!(!site.server.is_locked(), "{fault:?}");
        site.left(&["backup.tar"]);
    }
}

#[test]
fn a_copy_that_fails_leaves_nothing_locked() {
    // The snapshot that was made is not there: another directory was named.
    let site = Site::new();
    site.server.set_folder(&site.data(), "20261121130000000000_timestamp_200");
    let told = site.created().expect(2);
    assert!(told.stderr.contains("is not in data"), "{}", told.stderr);
    assert!(!site.server.is_locked());
    site.left(&[]);
    // It is there and damaged.
    let site = Site::new();
    let path = site.data().join("snapshots").join(SNAPSHOT);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let told = site.created().expect(5);
    assert!(told.stderr.contains("damaged"), "{}", told.stderr);
    assert!(!site.server.is_locked());
    site.left(&[]);
    // An older one is damaged: the backup is made, and says so.
    let site = Site::new();
    let path = site.data().join("snapshots/20261121100000000000_timestamp_50");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let told = site.created().expect(3);
    assert!(told.stderr.contains("timestamp_50"), "{}", told.stderr);
    site.left(&["backup.tar"]);
    run(site.folder.path(), ["snapshot", "check", "backup.tar"]).expect(5);
    // A full disk.
    let site = Site::new();
    let mut create = command(site.folder.path());
    create.args(["snapshot", "create", &site.server.url(), "--data-dir", "data", "-o", "/dev/shm/nowhere/backup.tar"]);
    let output = create.output().unwrap();
    finish(&create, output).expect(1);
    assert!(!site.server.is_locked());
}

/// Begins a backup, waits until the server is locked, sends a signal.
fn cut_off(site: &Site, statement: &'static str, signals: &[&str]) -> Run {
    site.server.answer_late(statement, Duration::from_millis(1500));
    let mut create = site.create();
    let child = create.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let since = Instant::now();
    while !site.server.is_locked() {
        assert!(since.elapsed() < Duration::from_secs(30), "it was never locked");
        std::thread::sleep(Duration::from_millis(2));
    }
    for signal in signals {
        std::thread::sleep(Duration::from_millis(50));
        assert!(Command::new("kill").arg(signal).arg(child.id().to_string()).status().unwrap().success());
    }
    let output = child.wait_with_output().unwrap();
    site.server.answer_late(statement, Duration::ZERO);
    finish(&create, output)
}

#[test]
fn signals_unlock() {
    for signals in [&["-INT"][..], &["-TERM"], &["-INT", "-INT"], &["-HUP"]] {
        let site = Site::new();
        let told = cut_off(&site, "LOCK DATA DIRECTORY", signals).expect(130);
        assert!(!site.server.is_locked(), "{signals:?}: {}", told.stderr);
        site.left(&[]);
    }
}

#[test]
fn after_a_kill_the_next_run_says_so_and_unlocks() {
    let site = Site::new();
    cut_off(&site, "LOCK DATA DIRECTORY", &["-KILL"]).expect(-1);
    assert!(site.server.is_locked(), "nobody could unlock it");
    assert!(!site.folder.path().join("backup.tar").exists());
    let told = site.created().expect(0);
    assert!(told.stderr.contains("was cut off") && told.stderr.contains("unlocked now"), "{}", told.stderr);
    assert!(!site.server.is_locked());
    // The same where the server was restarted meanwhile.
    fs::remove_file(site.folder.path().join("backup.tar")).unwrap();
    cut_off(&site, "LOCK DATA DIRECTORY", &["-KILL"]).expect(-1);
    site.server.set_locked(false);
    let told = site.created().expect(0);
    assert!(told.stderr.contains("not locked any more"), "{}", told.stderr);
    // Half an archive may lie there under a hidden name; no note does.
    let notes =
        fs::read_dir(site.folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(notes.filter(|name| name.contains("graphferry-lock")).count(), 0);
}

#[test]
fn a_lock_of_somebody_else_is_left_alone() {
    let site = Site::new();
    site.server.set_locked(true);
    let told = site.created().expect(4);
    assert!(told.stderr.contains("UNLOCK DATA DIRECTORY"), "{}", told.stderr);
    assert!(site.server.is_locked());
    site.left(&[]);
    // Two runs at once: the second one does nothing.
    site.server.set_locked(false);
    site.server.physical();
    site.server.answer_late("LOCK DATA DIRECTORY", Duration::from_millis(3000));
    let mut first = site.create();
    let child = first.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !site.server.is_locked() {
        std::thread::sleep(Duration::from_millis(2));
    }
    let mut second = command(site.folder.path());
    second.args(["snapshot", "create", &site.server.url(), "--data-dir", "data", "-o", "second.tar"]);
    let output = second.output().unwrap();
    let told = finish(&second, output).expect(4);
    assert!(told.stderr.contains("another run is at work"), "{}", told.stderr);
    finish(&first, child.wait_with_output().unwrap()).expect(0);
    assert!(!site.server.is_locked());
    site.left(&["backup.tar"]);
}

#[test]
fn a_server_that_goes_away_keeps_the_note_and_the_backup() {
    let site = Site::new();
    site.server.answer_late("LOCK DATA DIRECTORY", Duration::from_millis(300));
    let mut create = site.create();
    let child = create.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !site.server.is_locked() {
        std::thread::sleep(Duration::from_millis(2));
    }
    site.server.set_gone(true);
    let told = finish(&create, child.wait_with_output().unwrap()).expect(3);
    assert!(told.stderr.contains("could not be unlocked") && told.stderr.contains("backup.tar"), "{}", told.stderr);
    site.server.set_gone(false);
    site.server.answer_late("LOCK DATA DIRECTORY", Duration::ZERO);
    fs::remove_file(site.folder.path().join("backup.tar")).unwrap();
    let told = site.created().expect(0);
    assert!(told.stderr.contains("unlocked now"), "{}", told.stderr);
    assert!(!site.server.is_locked());
}

#[test]
fn every_kind_of_damage_to_an_archive_is_found() {
    let site = Site::new();
    site.created().expect(0);
    let folder = site.folder.path();
    let bytes = fs::read(folder.join("backup.tar")).unwrap();
    let step = bytes.len() / 40;
    for length in (0..bytes.len() - 1024).step_by(step) {
        fs::write(folder.join("cut.tar"), &bytes[..length]).unwrap();
        let code = run(folder, ["snapshot", "check", "cut.tar"]).code;
        assert_eq!(code, 5, "cut at {length}");
    }
    for at in (0..bytes.len() - 1024).step_by(step) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        // Zeros behind a member up to the next block are no content.
        if bytes[at] == 0 && bytes[at.saturating_sub(8)..(at + 8).min(bytes.len())].iter().all(|byte| *byte == 0) {
            continue;
        }
        fs::write(folder.join("changed.tar"), &changed).unwrap();
        let code = run(folder, ["snapshot", "check", "changed.tar"]).code;
        assert!([4, 5].contains(&code), "changed at {at}: {code}");
        let code = run(folder, ["snapshot", "restore", "changed.tar", "never"]).code;
        assert!([0, 4, 5].contains(&code), "changed at {at}: {code}");
        if code == 0 {
            // Only the schema was damaged.
            fs::remove_dir_all(folder.join("never")).unwrap();
        }
        assert!(!folder.join("never").exists());
    }
}

#[test]
fn a_restore_into_a_directory_is_whole_or_not_there() {
    let site = Site::new();
    site.created().expect(0);
    let folder = site.folder.path();
    let told = run(folder, ["snapshot", "restore", "backup.tar", "fresh"]).expect(0);
    assert!(
        told.stderr.contains("30 nodes, 60 relationships") && told.stderr.contains("snapshot complete"),
        "{}",
        told.stderr
    );
    for name in [format!("snapshots/{SNAPSHOT}"), format!("wal/{LOG}")] {
        assert!(fs::read(folder.join("fresh").join(&name)).unwrap() == fs::read(site.data().join(&name)).unwrap());
    }
    // It is the graph of the data directory, read by another way.
    let digest =
        |place: &str| run(folder, ["dump", &format!("memgraph-files:{place}"), "-f", "cypherl"]).expect(0).stdout;
    let text = |place: &str| {
        let text = String::from_utf8(digest(place)).unwrap();
        text.lines()
            .filter(|line| !line.starts_with("//") && !line.contains("graphferry"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(text("fresh"), text("data"));
    // A directory that is not empty is refused without a terminal, and nothing is changed.
    let told = run(folder, ["snapshot", "restore", "backup.tar", "fresh"]).expect(4);
    assert!(told.stderr.contains("fresh holds 30 nodes and 60 relationships"), "{}", told.stderr);
    assert!(told.stderr.contains("Your current database WILL BE DROPPED prior to the restore!"), "{}", told.stderr);
    run(folder, ["snapshot", "restore", "backup.tar", "fresh", "--yes-drop=other"]).expect(4);
    fs::write(folder.join("fresh/mark"), "x").unwrap();
    run(folder, ["snapshot", "restore", "backup.tar", "fresh", "--yes-drop=fresh"]).expect(0);
    assert!(!folder.join("fresh/mark").exists());
    let aside: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("fresh.replaced-"))
        .collect();
    assert!(aside.len() == 1 && aside[0].join("mark").exists(), "what was there is kept: {aside:?}");
    // A folder of other files is never moved.
    fs::create_dir(folder.join("photos")).unwrap();
    fs::write(folder.join("photos/a.jpg"), "x").unwrap();
    run(folder, ["snapshot", "restore", "backup.tar", "photos", "--yes-drop=photos"]).expect(4);
    assert!(folder.join("photos/a.jpg").exists());
    // A server on it: its triggers and text indexes are put back, once its graph is the archive's.
    let started = Emulated::start();
    let told = run(folder, ["snapshot", "complete", "backup.tar", &started.url()]).expect(4);
    assert!(told.stderr.contains("0 nodes") && started.triggers().is_empty(), "{}", told.stderr);
    started.set_folder(&folder.join("fresh"), SNAPSHOT);
    run(folder, ["snapshot", "restore", "backup.tar", &started.url(), "--data-dir", "fresh"]).expect(0);
    assert_eq!(
        (started.size(), started.triggers(), started.text_index("people")),
        ((30, 60), vec!["t".to_owned()], Some(30))
    );
    started.run(&["DROP TRIGGER `t`"]);
    run(folder, ["snapshot", "complete", "backup.tar", &started.url()]).expect(0);
    assert_eq!(started.triggers(), ["t"]);
}

#[test]
fn a_restore_into_a_server_asks_first_and_puts_back_what_is_lost() {
    let site = Site::new();
    site.created().expect(0);
    let folder = site.folder.path();
    let server = Emulated::start();
    let data = folder.join("other");
    fs::create_dir_all(data.join("snapshots")).unwrap();
    let sections = Sections { text_indexes: Vec::new(), uuid: "another".to_owned(), ..Sections::default() };
    durability::snapshot(&data.join("snapshots/20261121140000000000_timestamp_7"), 1, 0, &sections);
    server.set_folder(&data, "20261121140000000000_timestamp_7");
    server.run(&["CREATE TRIGGER `old` ON CREATE AFTER COMMIT EXECUTE RETURN 2"]);
    load(&server, "/mgd_snap/snapshots/20261121140000000000_timestamp_7");
    let restore = |options: &[&str]| {
        let url = server.url();
        let mut words = vec!["snapshot", "restore", "backup.tar", &url];
        words.extend(options);
        run(folder, words)
    };
    restore(&[]).expect(2);
    assert_eq!(server.size(), (1, 0));
    let told = restore(&["--data-dir", "other"]).expect(4);
    assert!(told.stderr.contains("memgraph holds 1 nodes and 0 relationships"), "{}", told.stderr);
    assert_eq!((server.size(), server.triggers()), ((1, 0), vec!["old".to_owned()]));
    // The wrong directory: the server does not find the file, and nothing is changed.
    fs::create_dir_all(folder.join("wrong/snapshots")).unwrap();
    restore(&["--data-dir", "wrong", "--yes-drop=memgraph", "--no-backup"]).expect(1);
    assert_eq!((server.size(), server.triggers()), ((1, 0), vec!["old".to_owned()]));
    // With a backup first.
    let told = restore(&["--data-dir", "other", "--yes-drop=memgraph"]).expect(0);
    assert!(told.stderr.contains("A backup of your data can be found at"), "{}", told.stderr);
    assert!(told.stderr.contains("Restore completed!"), "{}", told.stderr);
    assert_eq!(
        (server.size(), server.triggers()),
        ((30, 60), vec!["t".to_owned()]),
        "the old trigger went with its graph"
    );
    assert_eq!(server.text_index("people"), Some(30), "it came back empty and was made anew");
    assert!(!server.is_locked());
    let left = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(left.filter(|name| name.contains("graphferry")).count(), 0);
    let backup = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let backup: Vec<_> = backup.filter(|name| name.starts_with("memgraph_backup_")).collect();
    assert_eq!(backup.len(), 1, "{backup:?}");
    let told = run(folder, ["snapshot", "check", &backup[0]]).expect(0);
    assert!(told.text().contains("1 nodes, 0 relationships"), "{}", told.text());
}

fn load(server: &Emulated, path: &str) {
    use graphferry::backend::memgraph::DataDirectory;
    use graphferry::backend::{Access, Location};
    let Some(Location::Bolt(at)) = Location::parse(&server.url()).unwrap() else { panic!("no server") };
    DataDirectory::open(&at, &Access::default()).unwrap().recover(path, false).unwrap();
}

/// The guard on a terminal: python3 gives it one.
#[test]
fn on_a_terminal_only_a_clear_answer_goes_on() {
    let site = Site::new();
    site.created().expect(0);
    let folder = site.folder.path();
    run(folder, ["snapshot", "restore", "backup.tar", "fresh"]).expect(0);
    let mark = folder.join("fresh/mark");
    for (typed, goes_on) in
        [("Q\\n", false), ("\\n", false), ("\\x04", false), ("\\x03", false), ("n\\n", true), ("y\\n", true)]
    {
        fs::write(&mark, "x").unwrap();
        let code = terminal(folder, &["snapshot", "restore", "backup.tar", "fresh"], typed);
        assert_eq!((code == 0, mark.exists()), (goes_on, !goes_on), "{typed}: {code}");
        assert!(goes_on || [4, 130].contains(&code), "{typed}: {code}");
    }
}

fn terminal(folder: &Path, words: &[&str], typed: &str) -> i32 {
    let program = format!(
        "import os,pty,sys,time\n\
         pid, fd = pty.fork()\n\
         if pid == 0:\n    os.execv(sys.argv[1], sys.argv[1:])\n\
         out = b''\n\
         while b'(y/n/Q)> ' not in out:\n    out += os.read(fd, 4096)\n\
         os.write(fd, b'{typed}')\n\
         try:\n    while os.read(fd, 4096): pass\n\
         except OSError: pass\n\
         sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) % 256)\n"
    );
    let mut python = Command::new("python3");
    python.current_dir(folder).args(["-c", &program, env!("CARGO_BIN_EXE_graphferry")]).args(words);
    python.status().unwrap().code().unwrap()
}
