//! The guard before a database is dropped, on a real pseudo-terminal that Python drives.

use super::small;
use super::support::tool::{command, finish, run};
use std::path::Path;
use std::process::{Command, Stdio};

const DRIVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/witness/drive_terminal.py");

const OTHER: &str = r#"{"node":1,"labels":["Other"],"properties":{"x":1}}
"#;

/// A store that holds the small graph, and a dump of another one.
fn both() -> tempfile::TempDir {
    let folder = small();
    std::fs::write(folder.path().join("other.jsonl"), OTHER).unwrap();
    folder
}

/// What the file's bytes are, and what a reader finds in it.
fn state(folder: &Path) -> (blake3::Hash, String) {
    let bytes = std::fs::read(folder.join("small.db")).unwrap();
    let copy = tempfile::tempdir().unwrap();
    std::fs::write(copy.path().join("copy.db"), &bytes).unwrap();
    let text = run(copy.path(), ["dump", "copy.db", "--format", "jsonl"]).expect(0).text();
    // All but the header, which has the time, and the trailer, which has the header's hash.
    let lines: Vec<_> = text.lines().skip(1).filter(|line| !line.starts_with("{\"trailer\"")).collect();
    (blake3::hash(&bytes), lines.join("\n"))
}

fn backups(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.contains("_backup_") && !name.starts_with('.')).collect();
    names.sort();
    names
}

/// Restores over the store on a terminal, where somebody types this.
fn answer(folder: &Path, typed: &[u8]) -> (i64, String) {
    let binary = command(folder).get_program().to_owned();
    let typed: String = typed.iter().map(|byte| format!("{byte:02x}")).collect();
    let output = Command::new("python3")
        .args([DRIVER, &typed])
        .arg(binary)
        .args(["restore", "other.jsonl", "small.db"])
        .current_dir(folder)
        .env_remove("GRAPHFERRY_URL")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = told["text"].as_str().unwrap().to_owned();
    assert!(told["asked"].as_bool().unwrap(), "{text}");
    for words in [
        "[*] Checking backup file…",
        "What will be dropped is the database small.db (sqlite 1): 3 nodes, 2 relationships, 2 schema objects.",
        "Your current database WILL BE DROPPED prior to the restore!",
        "Would you like to make a backup of the current database before proceeding? (y/n/Q)> ",
    ] {
        assert!(text.contains(words), "{words:?} is not in {text}");
    }
    (told["code"].as_i64().unwrap(), text)
}

#[test]
fn whoever_does_not_say_yes_keeps_all() {
    let folder = both();
    let folder = folder.path();
    let before = state(folder);
    // Q, Enter, words that are not the letter, the end of the input; Ctrl-C has the exit code of an interruption.
    for (typed, code) in [(&b"Q\n"[..], 4), (b"\n", 4), (b"yes\n", 4), (b"\x04", 4), (b"\x03", 130)] {
        let (found, text) = answer(folder, typed);
        assert_eq!(found, code, "{typed:?}: {text}");
        assert!(text.contains("nothing was changed"), "{text}");
        assert_eq!(state(folder), before, "{typed:?}");
    }
    // Without a terminal nobody is asked.
    let refused = run(folder, ["restore", "other.jsonl", "small.db"]).expect(4);
    assert!(!refused.stderr.contains("(y/n/Q)"), "{}", refused.stderr);
    assert_eq!(state(folder), before);
    assert_eq!(backups(folder), [""; 0]);
}

#[test]
fn n_goes_on_and_y_makes_a_backup_first() {
    let folder = both();
    let folder = folder.path();
    let before = state(folder);
    let (code, text) = answer(folder, b"y\n");
    assert_eq!(code, 0, "{text}");
    let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words:?} is not in {text}"));
    let backup = place("[+] A backup of your data can be found at ");
    assert!(place("[*] Restoring data…") > backup && place("[+] Restore completed!") > place("[*] Restoring data…"));
    run(folder, ["verify", "small.db", "other.jsonl"]).expect(0);
    let names = backups(folder);
    assert_eq!(names.len(), 1);
    run(folder, ["restore", &names[0], "back.db"]).expect(0);
    run(folder, ["verify", "back.db", "small.jsonl"]).expect(0);
    // And back, without a backup.
    run(folder, ["restore", "small.jsonl", "small.db", "--yes-drop", "small.db", "--no-backup"]).expect(0);
    assert_eq!(state(folder).1, before.1);
    let (code, text) = answer(folder, b"n\n");
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains("A backup of your data"), "{text}");
    run(folder, ["verify", "small.db", "other.jsonl"]).expect(0);
    assert_eq!(backups(folder), names);
}

#[test]
fn a_script_names_the_database() {
    let folder = both();
    let folder = folder.path();
    let before = state(folder);
    let wrong = run(folder, ["restore", "other.jsonl", "small.db", "--yes-drop", "Small.db"]).expect(4);
    assert!(wrong.stderr.contains("\"small.db\""), "{}", wrong.stderr);
    run(folder, ["restore", "other.jsonl", "small.db", "--no-backup"]).expect(2);
    run(folder, ["restore", "other.jsonl", "small.db", "--mode", "merging", "--yes-drop", "small.db"]).expect(2);
    // A dump that cannot be restored costs nothing; neither does a backup that cannot be made.
    std::fs::write(
        folder.join("broken.jsonl"),
        "{\"node\":1}\n{\"relationship\":1,\"type\":\"R\",\"start\":1,\"end\":2}\n",
    )
    .unwrap();
    run(folder, ["restore", "broken.jsonl", "small.db", "--yes-drop", "small.db"]).expect(5);
    run(folder, ["restore", "other.jsonl", "small.db", "--yes-drop", "small.db", "--backup-dir", "nowhere"]).expect(1);
    assert_eq!(state(folder), before);
    std::fs::create_dir(folder.join("kept")).unwrap();
    let mut words = command(folder);
    words.args(["restore", "-", "small.db", "--yes-drop", "small.db", "--backup-dir", "kept"]);
    words.stdin(Stdio::from(std::fs::File::open(folder.join("other.jsonl")).unwrap()));
    let output = words.output().unwrap();
    finish(&words, output).expect(0);
    run(folder, ["verify", "small.db", "other.jsonl"]).expect(0);
    assert_eq!(backups(&folder.join("kept")).len(), 1);
    let rest: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!rest.iter().any(|name| name.to_string_lossy().starts_with(".graphferry.")), "{rest:?}");
}

/// A store that another process has open is not swapped: its log would be taken for the new one's.
#[test]
fn a_store_in_use_is_left_alone() {
    let folder = both();
    let folder = folder.path();
    let mut other = Command::new("sqlite3")
        .arg(folder.join("small.db"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    use std::io::{Read as _, Write as _};
    other.stdin.as_mut().unwrap().write_all(b"BEGIN; SELECT count(*) FROM nodes;\n").unwrap();
    let mut byte = [0];
    other.stdout.as_mut().unwrap().read_exact(&mut byte).unwrap();
    let refused = run(folder, ["restore", "other.jsonl", "small.db", "--yes-drop", "small.db", "--no-backup"]);
    assert!(refused.code == 4 && refused.stderr.contains("in use"), "{refused:?}");
    drop(other.stdin.take());
    other.wait().unwrap();
    run(folder, ["verify", "small.db", "small.jsonl"]).expect(0);
    run(folder, ["restore", "other.jsonl", "small.db", "--yes-drop", "small.db", "--no-backup"]).expect(0);
    run(folder, ["verify", "small.db", "other.jsonl"]).expect(0);
}
