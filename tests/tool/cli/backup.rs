//! `backup`: names, retention, the lock, full disks, encryption and parts, with age, cat and tar as witnesses.

use super::small;
use super::support::tool::{command, finish, run};
use std::path::Path;
use std::process::Command;

fn names(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

/// A shell, where its programs are there.
fn sh(folder: &Path, programs: &[&str], script: &str) -> Option<String> {
    let is_there = |program: &&str| {
        let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
        assert!(found.status.success() || std::env::var_os("GRAPHFERRY_WITNESSES").is_none(), "{program} is missing");
        found.status.success()
    };
    if !programs.iter().all(is_there) {
        return None;
    }
    let output = Command::new("sh").args(["-ec", script]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_backup_has_the_time_in_its_name_and_comes_back() {
    let folder = small();
    let folder = folder.path();
    std::fs::create_dir(folder.join("kept")).unwrap();
    // Whatever locale and time zone the machine has.
    let mut words = command(folder);
    words.args(["backup", "small.db", "--dir", "kept"]).env("TZ", "Pacific/Kiritimati").env("LC_ALL", "tr_TR.UTF-8");
    let output = words.output().unwrap();
    let told = finish(&words, output).expect(0);
    let found = names(&folder.join("kept"));
    assert_eq!(found.len(), 1);
    let time = found[0].strip_prefix("small.db_backup_").unwrap().strip_suffix("Z.tar").unwrap();
    let time = seconds(time);
    assert!((now() - time).abs() < 600, "the name tells UTC");
    let path = folder.canonicalize().unwrap().join("kept").join(&found[0]);
    let said = format!("[+] A backup of your data can be found at {}", path.display());
    assert!(
        told.stderr.contains(&said) || told.stderr.contains("[+] A backup of your data can be found at "),
        "{told:?}"
    );
    let mut words = command(folder);
    words.args(["restore", &format!("kept/{}", found[0]), "back.db"]).env("TZ", "America/St_Johns").env("LC_ALL", "C");
    let output = words.output().unwrap();
    finish(&words, output).expect(0);
    run(folder, ["verify", "back.db", "small.db"]).expect(0);
    run(folder, ["verify", &format!("kept/{}", found[0]), "small.db"]).expect(0);
    let text = sh(folder, &["tar", "zstd"], "tar xOf kept/*.tar --wildcards 'nodes/*' | zstd -dcq").unwrap();
    assert_eq!(text.lines().count(), 3);
    let unchanged = run(folder, ["backup", "small.db", "--dir", "kept", "--on-version-change"]).expect(0);
    assert!(unchanged.stderr.contains("nothing to do"), "{unchanged:?}");
    assert_eq!(names(&folder.join("kept")), found);
}

fn now() -> i64 {
    i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// Seconds since 1970 of `20260102T030405`, by date(1).
fn seconds(text: &str) -> i64 {
    let (date, time) = text.split_once('T').unwrap();
    let text = format!("{date} {}:{}:{}", &time[..2], &time[2..4], &time[4..]);
    let output = Command::new("date").args(["-u", "+%s", "-d", &text]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

#[test]
fn old_ones_go_and_what_is_not_ours_stays() {
    let folder = small();
    let folder = folder.path();
    let kept = folder.join("kept");
    std::fs::create_dir(&kept).unwrap();
    run(folder, ["backup", "small.db", "--dir", "kept"]).expect(0);
    let first = names(&kept).remove(0);
    let whole = std::fs::read(kept.join(&first)).unwrap();
    let old = |day: &str| format!("small.db_backup_{day}T000000Z.tar");
    for day in ["20200101", "20200102", "20200201"] {
        std::fs::write(kept.join(old(day)), &whole).unwrap();
    }
    // Of another database under this name; damaged; of a name that is not ours.
    run(folder, ["restore", "small.jsonl", "alien.db"]).expect(0);
    run(folder, ["dump", "alien.db", "-o", &format!("kept/{}", old("20190101"))]).expect(0);
    std::fs::write(kept.join(old("20190102")), &whole[..700]).unwrap();
    std::fs::write(kept.join(old("20190103")), "not an archive").unwrap();
    std::fs::write(kept.join("small.db_backup_yesterday.tar"), &whole).unwrap();
    std::fs::write(kept.join(".small.db_backup_20190101T000000Z.tar.abc.part"), "left by a run that was killed")
        .unwrap();
    let told = run(folder, ["backup", "small.db", "--dir", "kept", "--keep", "2"]).expect(0);
    let mut found = names(&kept);
    let newest =
        found.iter().position(|name| *name > first && name.starts_with("small.db_backup_2") && name.ends_with("Z.tar"));
    let newest = found.remove(newest.unwrap_or_else(|| panic!("{found:?}\n{}", told.stderr)));
    assert!(newest > first);
    let mut expected =
        vec![first, old("20190101"), old("20190102"), old("20190103"), "small.db_backup_yesterday.tar".to_owned()];
    expected.sort();
    assert_eq!(found, expected, "{}", told.stderr);
    assert!(told.stderr.contains("left alone") && told.stderr.contains("removed "), "{}", told.stderr);
    assert!(!kept.join(".small.db_backup_20190101T000000Z.tar.abc.part").exists());
}

#[test]
fn two_do_not_run_at_once() {
    let folder = small();
    let folder = folder.path();
    let lock = std::fs::File::create(folder.join(".small.db_backup.lock")).unwrap();
    lock.lock().unwrap();
    let refused = run(folder, ["backup", "small.db"]).expect(4);
    assert!(refused.stderr.contains("is running"), "{}", refused.stderr);
    drop(lock);
    run(folder, ["backup", "small.db"]).expect(0);
}

/// A disk that fills up: a small tmpfs, where we may mount one; a limit on the size of files everywhere.
#[test]
fn a_full_disk_leaves_the_old_backup_and_nothing_else() {
    let folder = small();
    let folder = folder.path();
    let mut rows = String::new();
    for id in 0..20_000_u64 {
        rows.push_str(&format!(
            "{{\"node\":{id},\"labels\":[\"A\"],\"properties\":{{\"t\":\"{}\"}}}}\n",
            blake3::hash(&id.to_le_bytes())
        ));
    }
    std::fs::write(folder.join("large.jsonl"), rows).unwrap();
    run(folder, ["restore", "large.jsonl", "large.db"]).expect(0);
    let binary = command(folder).get_program().to_string_lossy().into_owned();
    let kept = folder.join("kept");
    std::fs::create_dir(&kept).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=600k", "tmpfs"]).arg(&kept).status();
    let is_mounted = mounted.is_ok_and(|status| status.success());
    let outcome = std::panic::catch_unwind(|| {
        run(folder, ["backup", "small.db", "--dir", "kept"]).expect(0);
        let before = names(&kept);
        for _ in 0..2 {
            let failed = if is_mounted {
                run(folder, ["backup", "large.db", "--dir", "kept", "--keep", "1"])
            } else {
                let script = format!("ulimit -f 400; trap '' XFSZ; exec {binary} backup large.db --dir kept --keep 1");
                let mut words = Command::new("sh");
                words.args(["-c", &script]).current_dir(folder);
                let output = words.output().unwrap();
                finish(&words, output)
            };
            assert_eq!(failed.code, 1, "{failed:?}");
            assert_eq!(names(&kept), before, "{failed:?}");
        }
        run(folder, ["verify", &format!("kept/{}", before[0]), "small.db"]).expect(0);
    });
    if is_mounted {
        Command::new("umount").arg(&kept).status().unwrap();
    }
    outcome.unwrap();
}

#[test]
fn parts_are_one_archive() {
    let folder = small();
    let folder = folder.path();
    std::fs::create_dir(folder.join("kept")).unwrap();
    run(folder, ["backup", "small.db", "--dir", "kept", "--split", "1K"]).expect(0);
    let found = names(&folder.join("kept"));
    assert!(found.len() > 3 && found[0].ends_with(".tar.001") && found[1].ends_with(".tar.002"), "{found:?}");
    let base = format!("kept/{}", found[0].strip_suffix(".001").unwrap());
    run(folder, ["verify", &base, "small.db"]).expect(0);
    run(folder, ["verify", &format!("{base}.001"), "small.db"]).expect(0);
    sh(folder, &["cat", "tar"], "cat kept/*.tar.0* > whole.tar && tar tf whole.tar").unwrap();
    run(folder, ["verify", "whole.tar", "small.db"]).expect(0);
    // The last one is missing; one between is.
    std::fs::remove_file(folder.join("kept").join(found.last().unwrap())).unwrap();
    run(folder, ["verify", &base, "small.db"]).expect(5);
    std::fs::remove_file(folder.join("kept").join(&found[1])).unwrap();
    let missing = run(folder, ["verify", &base, "small.db"]).expect(5);
    assert!(missing.stderr.contains(".002"), "{}", missing.stderr);
    run(folder, ["dump", "small.db", "-o", "x.tar", "--split", "0"]).expect(2);
    run(folder, ["dump", "small.db", "--format", "archive", "--split", "1M"]).expect(2);
}

#[test]
fn age_opens_what_is_encrypted_and_we_open_what_age_made() {
    let folder = small();
    let folder = folder.path();
    let Some(made) = sh(folder, &["age", "age-keygen"], "age-keygen -o key.txt 2>/dev/null; age-keygen -y key.txt")
    else {
        return;
    };
    let recipient = made.trim();
    run(folder, ["dump", "small.db", "-o", "plain.tar"]).expect(0);
    run(folder, ["backup", "small.db", "--encrypt-to", recipient]).expect(0);
    let sealed = names(folder).into_iter().find(|name| name.ends_with(".tar.age")).unwrap();
    sh(folder, &["age"], &format!("age -d -i key.txt {sealed} > opened.tar")).unwrap();
    run(folder, ["verify", "opened.tar", "small.db"]).expect(0);
    run(folder, ["verify", &sealed, "small.db", "--identity", "key.txt"]).expect(0);
    let locked = run(folder, ["verify", &sealed, "small.db"]).expect(4);
    assert!(locked.stderr.contains("--identity"), "{}", locked.stderr);
    // Read back when there is an identity.
    let read =
        run(folder, ["--json", "backup", "small.db", "--encrypt-to", recipient, "--identity", "key.txt"]).expect(0);
    assert!(read.stderr.contains("\"read_back\":true"), "{}", read.stderr);
    sh(folder, &["age"], &format!("age -r {recipient} -o theirs.tar.age plain.tar")).unwrap();
    run(folder, ["restore", "theirs.tar.age", "back.db", "--identity", "key.txt"]).expect(0);
    run(folder, ["verify", "back.db", "small.db"]).expect(0);
    sh(folder, &["age-keygen"], "age-keygen -o wrong.txt 2>/dev/null").unwrap();
    run(folder, ["verify", &sealed, "small.db", "--identity", "wrong.txt"]).expect(4);
    // Damage, and a passphrase.
    let mut bytes = std::fs::read(folder.join(&sealed)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(folder.join("damaged.tar.age"), &bytes).unwrap();
    run(folder, ["verify", "damaged.tar.age", "small.db", "--identity", "key.txt"]).expect(5);
    std::fs::write(folder.join("cut.tar.age"), &bytes[..middle]).unwrap();
    run(folder, ["verify", "cut.tar.age", "small.db", "--identity", "key.txt"]).expect(5);
    std::fs::write(folder.join("pass"), "correct horse\n").unwrap();
    run(folder, ["dump", "small.db", "-o", "pass.tar.age", "--passphrase-file", "pass"]).expect(0);
    run(folder, ["verify", "pass.tar.age", "small.db", "--passphrase-file", "pass"]).expect(0);
    run(folder, ["verify", "pass.tar.age", "small.db"]).expect(4);
}
