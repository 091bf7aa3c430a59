//! What is opened, what is refused, and that a refused file is not touched.

use crate::{fresh, map, nodes, put, sqlite3};
use graphferry::ErrorKind;
use graphferry::backend::sqlite::{open_source, open_target};
use std::fs;
use std::path::{Path, PathBuf};

/// The error of opening, as both see it who open it to read and to write, with the path cut out.
fn refusals(path: &Path) -> [(ErrorKind, String); 2] {
    let say = |error: graphferry::Error| (error.kind(), error.report().replace(&*path.to_string_lossy(), "PATH"));
    [say(open_source(path).map(drop).unwrap_err()), say(open_target(path).map(drop).unwrap_err())]
}

#[test]
fn a_file_of_another_sort_is_refused_and_not_changed() {
    let (folder, _) = fresh();
    let write = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let database = folder.path().join("other.db");
    sqlite3(&database, "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    let logged = folder.path().join("logged.db");
    sqlite3(&logged, "PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    let newer = folder.path().join("newer.db");
    drop(open_target(&newer).unwrap());
    sqlite3(&newer, "PRAGMA user_version = 2");
    let other = "PATH is not an embedded store: it is an SQLite database of another program";
    let text = "PATH is not an embedded store: it is not an SQLite database";
    for (path, expected) in [
        (write("text.txt", b"MATCH (n) RETURN n;\n"), text),
        (write("long.txt", &[b'x'; 5000]), text),
        (write("cut.db", b"SQLite format 3\0"), text),
        (database, other),
        (logged, other),
        (
            newer,
            "PATH is an embedded store of format 2, and this graphferry knows format 1 only; use the graphferry that wrote it, or a newer one",
        ),
    ] {
        let before = fs::read(&path).unwrap();
        let beside = fs::read_dir(folder.path()).unwrap().count();
        for refusal in refusals(&path) {
            assert_eq!(refusal, (ErrorKind::Refused, expected.to_owned()));
        }
        assert!(before == fs::read(&path).unwrap(), "{} was changed", path.display());
        assert_eq!(beside, fs::read_dir(folder.path()).unwrap().count(), "a file appeared beside {}", path.display());
    }
    let folder_itself = (ErrorKind::Refused, "PATH is not an embedded store: it is not a file".to_owned());
    assert_eq!(refusals(folder.path()), [folder_itself.clone(), folder_itself]);
}

#[test]
fn reading_what_is_not_there_creates_nothing() {
    let (folder, path) = fresh();
    let error = open_source(&path).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!(error.report(), format!("there is no embedded store at {}", path.display()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    fs::write(&path, b"").unwrap();
    let error = open_source(&path).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(error.report(), format!("{} is not an embedded store: it is empty", path.display()));
    assert_eq!(fs::read(&path).unwrap(), b"");
}

#[test]
fn no_folder_no_store() {
    let (folder, _) = fresh();
    let path = folder.path().join("missing").join("graph.db");
    let error = open_target(&path).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.message().ends_with("failed: the file cannot be opened"), "{error}");
}

#[test]
fn a_store_is_made_where_nothing_or_an_empty_file_is() {
    let (folder, path) = fresh();
    let empty = folder.path().join("empty");
    fs::write(&empty, b"").unwrap();
    let odd = folder.path().join("a ?b#c%41 'ü\".db");
    for path in [path, empty, odd] {
        put(&*open_target(&path).unwrap(), &nodes(&["A"], [map([])])).unwrap();
        put(&*open_target(&path).unwrap(), &nodes(&["A"], [map([])])).unwrap();
        assert_eq!(open_source(&path).unwrap().snapshot(None).unwrap().estimate().unwrap(), Some((2, 0)));
        assert_eq!(
            sqlite3(&path, "PRAGMA application_id; PRAGMA user_version; PRAGMA journal_mode"),
            "1198671481\n1\nwal"
        );
    }
}

/// When everybody has closed it, the store is the one file.
#[test]
fn nothing_stays_beside_the_file() {
    let (folder, path) = fresh();
    let mut target = open_target(&path).unwrap();
    put(&*target, &nodes(&["A"], (0..5000).map(|_| map([])))).unwrap();
    target.settle().unwrap();
    assert_eq!(fs::metadata(folder.path().join("graph.db-wal")).unwrap().len(), 0, "settled means: in the one file");
    drop(target);
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["graph.db"]);
}

#[test]
fn damage_is_named() {
    for (sql, expected) in [
        (
            "UPDATE nodes SET properties = '{\"a\":' WHERE id = 2",
            "node 2 of the embedded store cannot be read: expected",
        ),
        ("UPDATE nodes SET properties = x'ff' WHERE id = 2", "cannot store BLOB value in TEXT column"),
        (
            "UPDATE nodes SET properties = cast(x'22ff22' AS TEXT) WHERE id = 2",
            "node 2 of the embedded store cannot be read: the properties are not valid UTF-8",
        ),
        ("UPDATE nodes SET properties = '[1]' WHERE id = 3", "node 3 of the embedded store cannot be read: expected"),
        (
            "UPDATE nodes SET label_set = 77 WHERE id = 3",
            "node 3 of the embedded store cannot be read: there is no label set 77",
        ),
        (
            "UPDATE label_sets SET labels = '{}'",
            "node 1 of the embedded store cannot be read: label set 1 is not a JSON array of strings",
        ),
    ] {
        let (_folder, path) = fresh();
        put(&*open_target(&path).unwrap(), &nodes(&["A"], (0..5).map(|n: i64| map([("n", n.into())])))).unwrap();
        let output = std::process::Command::new("sqlite3").arg(&path).arg(sql).output().unwrap();
        if !output.status.success() {
            assert!(String::from_utf8_lossy(&output.stderr).contains(expected), "{output:?}");
            continue;
        }
        let mut source = open_source(&path).unwrap();
        let error = source.snapshot(None).unwrap().scan(graphferry::model::Class::Nodes, &mut |_| Ok(())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
        assert!(error.report().starts_with(expected), "{}", error.report());
    }
}

#[test]
fn it_has_no_query_language() {
    let (_folder, path) = fresh();
    let error = open_target(&path).unwrap().session().unwrap().statement("MATCH (n) DETACH DELETE n").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(error.report(), "the embedded store has no query language: a statement cannot be run");
}

/// A store on a medium that may only be read. (Whoever is root may write everywhere, and sees less of this test.)
#[test]
#[cfg(unix)]
fn a_store_that_may_only_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = fresh();
    put(&*open_target(&path).unwrap(), &nodes(&["A"], [map([]), map([])])).unwrap();
    let allow = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    allow(&path, 0o444);
    allow(folder.path(), 0o555);
    let mut source = open_source(&path).unwrap();
    let mut count = 0;
    let mut add = |block: graphferry::model::Block| {
        count += block.len();
        Ok(())
    };
    source.snapshot(None).unwrap().scan(graphferry::model::Class::Nodes, &mut add).unwrap();
    assert_eq!(count, 2);
    drop(source);
    if fs::File::create(folder.path().join("probe")).is_err() {
        let error = open_target(&path).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        let expected = format!("opening {} failed: the file may only be read", path.display());
        assert_eq!(error.message(), expected);
    }
    allow(folder.path(), 0o755);
}
