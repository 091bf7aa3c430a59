//! Object storage: a store that speaks S3, with boto3 as the witness of what lies there, and faults on the way to it.

use super::small;
use crate::support::store::{
    Fault, boto, bucket, copy, delete, keys, look_at_signatures, proxy, put, run, run_with, store,
};
use std::path::Path;

/// What boto3 reads of an object, written into a file.
fn fetched(url: &str, folder: &Path, bucket: &str, key: &str) -> Vec<u8> {
    let path = folder.join("fetched");
    let script = "open(args[2], 'wb').write(s3.get_object(Bucket=args[0], Key=args[1])['Body'].read())";
    boto(url, script, &[bucket, key, path.to_str().unwrap()]);
    std::fs::read(path).unwrap()
}

/// Makes a key of age; gives its recipient.
fn key(folder: &Path) -> String {
    use age::secrecy::ExposeSecret as _;
    let key = age::x25519::Identity::generate();
    std::fs::write(folder.join("key.txt"), key.to_string().expose_secret()).unwrap();
    key.to_public().to_string()
}

/// A dump of more than two parts of an upload.
fn large(folder: &Path) {
    let mut rows = String::new();
    for id in 0..140_000_u64 {
        let text = blake3::hash(&id.to_le_bytes());
        rows.push_str(&format!("{{\"node\":{id},\"labels\":[\"A\"],\"properties\":{{\"t\":\"{text}{text}\"}}}}\n"));
    }
    assert!(rows.len() > 20 << 20);
    std::fs::write(folder.join("large.jsonl"), rows).unwrap();
}

#[test]
fn dumps_lie_in_a_bucket_like_on_a_disk() {
    let Some(url) = store() else { return };
    let (folder, name) = (small(), "dumps");
    let folder = folder.path();
    bucket(&url, name);
    run(folder, &url, &["convert", "small.jsonl", "copy.jsonl.zst"]).expect(0);
    run(folder, &url, &["convert", "small.jsonl", "s3://dumps/a b/copy%20#.jsonl.zst"]).expect(0);
    let there = fetched(&url, folder, name, "a b/copy%20#.jsonl.zst");
    assert_eq!(there, std::fs::read(folder.join("copy.jsonl.zst")).unwrap());
    run(folder, &url, &["dump", "small.db", "-o", "s3://dumps/small.tar"]).expect(0);
    run(folder, &url, &["verify", "s3://dumps/small.tar", "small.db"]).expect(0);
    run(folder, &url, &["diff", "s3://dumps/small.tar", "s3://dumps/a b/copy%20#.jsonl.zst"]).expect(0);
    run(folder, &url, &["restore", "s3://dumps/small.tar", "back.db"]).expect(0);
    run(folder, &url, &["verify", "back.db", "s3://dumps/a b/copy%20#.jsonl.zst"]).expect(0);
    let checked = run(folder, &url, &["check", "s3://dumps/small.tar"]).expect(0);
    assert!(checked.text().contains("sound"), "{checked:?}");
    let inspected = run(folder, &url, &["inspect", "--json", "s3://dumps/small.tar"]).expect(0).text();
    let size = fetched(&url, folder, name, "small.tar").len();
    assert!(inspected.contains(&format!("\"stored\":{size}")), "{inspected}");
    // What is there is only replaced when that is asked for.
    let refused = run(folder, &url, &["dump", "small.db", "-o", "s3://dumps/small.tar"]).expect(4);
    assert!(refused.stderr.contains("s3://dumps/small.tar exists"), "{}", refused.stderr);
    run(folder, &url, &["dump", "small.db", "-o", "s3://dumps/small.tar", "--force"]).expect(0);
    // Parts, encrypted.
    let recipient = key(folder);
    let sealed = ["--split", "1K", "--encrypt-to", &recipient];
    run(folder, &url, &[&["dump", "small.db", "-o", "s3://dumps/parts.tar.age"], &sealed[..]].concat()).expect(0);
    run(folder, &url, &["verify", "s3://dumps/parts.tar.age", "small.db", "--identity", "key.txt"]).expect(0);
    run(folder, &url, &["verify", "s3://dumps/parts.tar.age.001", "small.db", "--identity", "key.txt"]).expect(0);
    run(folder, &url, &["verify", "s3://dumps/parts.tar.age", "small.db"]).expect(4);
    let (found, begun) = keys(&url, name);
    assert!(found.contains(&"parts.tar.age.002".to_owned()) && begun == 0, "{found:?} {begun}");
    // Damage that somebody else did.
    let whole = std::fs::read(folder.join("fetched")).unwrap();
    put(&url, name, "cut.tar", &whole[..whole.len() / 2]);
    run(folder, &url, &["check", "s3://dumps/cut.tar"]).expect(5);
    // A folder is none.
    let refused = run(folder, &url, &["dump", "small.db", "--format", "csv", "-o", "s3://dumps/csv"]).expect(2);
    assert!(refused.stderr.contains("is a folder"), "{}", refused.stderr);
    let refused = run(folder, &url, &["check", "s3://dumps/csv/"]).expect(2);
    assert!(refused.stderr.contains("one object at a time"), "{}", refused.stderr);
}

#[test]
fn backups_in_a_bucket_have_names_retention_and_a_lock() {
    let Some(url) = store() else { return };
    let (folder, name) = (small(), "backups");
    let folder = folder.path();
    bucket(&url, name);
    let old = |day: &str| format!("nightly/small.db_backup_{day}T000000Z.tar");
    let words = ["backup", "small.db", "--dir", "s3://backups/nightly"];
    let told = run(folder, &url, &words).expect(0);
    assert!(
        told.stderr.contains("[+] A backup of your data can be found at s3://backups/nightly/small.db_backup_"),
        "{told:?}"
    );
    let (found, begun) = keys(&url, name);
    assert_eq!((found.len(), begun), (1, 0), "{found:?}: the lock is gone");
    let first = found[0].clone();
    run(folder, &url, &["verify", &format!("s3://backups/{first}"), "small.db"]).expect(0);
    let unchanged = run(folder, &url, &[&words[..], &["--on-version-change"]].concat()).expect(0);
    assert!(unchanged.stderr.contains("nothing to do"), "{unchanged:?}");
    // Older ones of ours, and what is not ours.
    let orphan = "nightly/small.db_backup_20200101T000000Z.tar.002";
    let deeper = "nightly/deeper/small.db_backup_20200101T000000Z.tar";
    for key in [&*old("20200101"), &old("20200102"), &old("20200201"), orphan, deeper] {
        copy(&url, name, &first, key);
    }
    put(&url, name, "nightly/notes.txt", b"mine");
    let told = run(folder, &url, &[&words[..], &["--keep", "2"]].concat()).expect(0);
    assert!(
        told.stderr.contains("removed s3://backups/nightly/small.db_backup_20200201T000000Z.tar"),
        "{}",
        told.stderr
    );
    let (found, _) = keys(&url, name);
    assert_eq!(found.len(), 4, "{found:?}");
    for stays in ["nightly/notes.txt", deeper, &first] {
        assert!(found.iter().any(|key| key == stays), "{stays} in {found:?}");
    }
    // Somebody has the lock.
    let lock = "nightly/.small.db_backup.lock";
    put(&url, name, lock, b"held");
    let refused = run(folder, &url, &words).expect(4);
    assert!(refused.stderr.contains("is running") && refused.stderr.contains(lock), "{}", refused.stderr);
    let (after, begun) = keys(&url, name);
    assert_eq!((after.len(), begun), (5, 0), "{after:?}: the lock of somebody else stays");
    // A store that does not know conditions says so, and we do.
    delete(&url, name, lock);
    let without = proxy(&url, move |request, _| match request.starts_with("PUT") && request.ends_with(".lock") {
        true => Fault::Refuse(501, "NotImplemented"),
        false => Fault::Pass,
    });
    let told = run_with(folder, &without.url, &words, &[("AWS_MAX_ATTEMPTS", "1")]).expect(0);
    assert!(told.stderr.contains("no conditional writes"), "{}", told.stderr);
    // Parts, encrypted.
    let recipient = key(folder);
    let sealed = ["--split", "1K", "--encrypt-to", &recipient, "--identity", "key.txt", "--keep", "1"];
    let told = run(folder, &url, &[&words[..], &sealed].concat()).expect(0);
    let path = told.stderr.split("found at ").nth(1).unwrap().lines().next().unwrap().to_owned();
    assert!(path.ends_with(".tar.age.001"), "{path}");
    run(folder, &url, &["verify", &path, "small.db", "--identity", "key.txt"]).expect(0);
}

/// What the lock of a process that was killed long ago becomes, and what a process does whose lock was taken.
#[test]
fn a_lock_that_nobody_renews_is_taken_over_by_one() {
    let Some(url) = store() else { return };
    let (folder, name) = (small(), "stale");
    let folder = folder.path();
    bucket(&url, name);
    let (lock, words) = (".small.db_backup.lock", ["backup", "small.db", "--dir", "s3://stale"]);
    let is_look = |request: &str| request == "HEAD /stale/.small.db_backup.lock";
    let long_ago = Fault::Date("Wed, 01 Jan 2025 00:00:00 GMT");
    // It is the store's clock that counts: what it says of an object that is made now.
    put(&url, name, lock, b"held by process 1 on somewhere");
    let behind = proxy(&url, move |request, _| match request {
        "HEAD /stale/.small.db_backup.lock" | "HEAD /stale/.small.db_backup.lock.clock" => long_ago,
        _ => Fault::Pass,
    });
    run(folder, &behind.url, &words).expect(4);
    assert_eq!(keys(&url, name).0, [lock], "nothing but the lock of somebody else");
    // Two found it stale; the other was quicker.
    let store = url.clone();
    let late = proxy(&url, move |request, before| match is_look(request) && before == 0 {
        true => long_ago,
        false => {
            if request == "PUT /stale/.small.db_backup.lock" {
                put(&store, "stale", lock, b"held by process 2 on somewhere");
            }
            Fault::Pass
        }
    });
    let refused = run(folder, &late.url, &words).expect(4);
    assert!(refused.stderr.contains("is running"), "{}", refused.stderr);
    assert_eq!(fetched(&url, folder, name, lock), b"held by process 2 on somewhere");
    // Nobody else wants it.
    let alone = proxy(&url, move |request, before| match is_look(request) && before == 0 {
        true => long_ago,
        false => Fault::Pass,
    });
    let told = run(folder, &alone.url, &words).expect(0);
    let (found, begun) = keys(&url, name);
    assert_eq!((found.len(), begun), (1, 0), "{found:?}: the backup, and no lock");
    assert!(told.stderr.contains(&found[0]), "{}", told.stderr);
    // Another takes it while the backup is written: there is none then, and nothing is removed.
    copy(&url, name, &found[0], "small.db_backup_20200101T000000Z.tar");
    let store = url.clone();
    let robbed = proxy(&url, move |request, before| {
        if request.starts_with("PUT /stale/small.db_backup_") && before == 0 {
            put(&store, "stale", lock, b"held by process 3 on somewhere");
        }
        Fault::Pass
    });
    let refused = run(folder, &robbed.url, &[&words[..], &["--keep", "1"]].concat()).expect(4);
    assert!(refused.stderr.contains("taken over by another process"), "{}", refused.stderr);
    let (after, begun) = keys(&url, name);
    assert_eq!((after.len(), begun), (3, 0), "{after:?}: both backups, and the lock of the other");
    assert_eq!(fetched(&url, folder, name, lock), b"held by process 3 on somewhere");
}

#[test]
fn what_breaks_off_is_sent_and_asked_for_again() {
    let Some(url) = store() else { return };
    let (folder, name) = (tempfile::tempdir().unwrap(), "broken");
    let folder = folder.path();
    bucket(&url, name);
    large(folder);
    run(folder, &url, &["convert", "large.jsonl", "local.jsonl"]).expect(0);
    let local = std::fs::read(folder.join("local.jsonl")).unwrap();
    // A part that never arrives, one that the store is too busy for, answers that are lost: of a part, and of the end.
    let bad = proxy(&url, |request, before| match (request, before) {
        (part, 0) if part.contains("partNumber=1&") => Fault::Cut,
        (part, 0 | 1) if part.contains("partNumber=2&") => Fault::Refuse(503, "SlowDown"),
        (part, 0) if part.contains("partNumber=3&") => Fault::CutAnswer(20),
        (end, 0) if end.starts_with("POST") && end.contains("uploadId=") => Fault::CutAnswer(0),
        (part, 0) if part.starts_with("GET /broken/large") => Fault::CutAnswer(70_000),
        _ => Fault::Pass,
    });
    run(folder, &bad.url, &["convert", "local.jsonl", "s3://broken/large.jsonl"]).expect(0);
    assert_eq!(fetched(&url, folder, name, "large.jsonl"), local);
    let seen = bad.seen();
    let count = |words: &str| seen.iter().filter(|request| request.contains(words)).count();
    assert_eq!((count("partNumber=1&"), count("partNumber=2&"), count("partNumber=3&")), (2, 3, 2), "{seen:?}");
    assert!(count("POST /broken/large.jsonl?uploadId=") == 2, "{seen:?}");
    run(folder, &bad.url, &["convert", "s3://broken/large.jsonl", "again.jsonl"]).expect(0);
    assert_eq!(std::fs::read(folder.join("again.jsonl")).unwrap(), local);
    assert!(bad.seen().iter().filter(|request| request.starts_with("GET /broken/large")).count() > 5);
    assert_eq!(keys(&url, name), (vec!["large.jsonl".to_owned()], 0));

    // A store that stays broken: nothing is left, neither an object nor the parts of one.
    let dead = proxy(&url, |request, _| match request.contains("partNumber=2&") {
        true => Fault::Refuse(503, "SlowDown"),
        false => Fault::Pass,
    });
    let few = [("AWS_MAX_ATTEMPTS", "2")];
    let failed = run_with(folder, &dead.url, &["convert", "local.jsonl", "s3://broken/dead.jsonl"], &few).expect(6);
    assert!(
        failed.stderr.contains("s3://broken/dead.jsonl") && failed.stderr.contains("SlowDown"),
        "{}",
        failed.stderr
    );
    let unended = proxy(&url, |request, _| match request.starts_with("POST") && request.contains("uploadId=") {
        true => Fault::Refuse(500, "InternalError"),
        false => Fault::Pass,
    });
    run_with(folder, &unended.url, &["convert", "local.jsonl", "s3://broken/dead.jsonl"], &few).expect(6);
    // A dump that turns out to be damaged on the way, when parts are sent already.
    let cut = local.len() - 100;
    std::fs::write(folder.join("cut.jsonl"), &local[..cut]).unwrap();
    let mut words = crate::support::tool::command(folder);
    words
        .args(["convert", "-", "s3://broken/dead.jsonl"])
        .stdin(std::fs::File::open(folder.join("cut.jsonl")).unwrap());
    words.env("AWS_ENDPOINT_URL", &url).env("AWS_ACCESS_KEY_ID", "A").env("AWS_SECRET_ACCESS_KEY", "s");
    let output = words.output().unwrap();
    crate::support::tool::finish(&words, output).expect(5);
    assert_eq!(keys(&url, name), (vec!["large.jsonl".to_owned()], 0));
    // Reading: the connection stays dead, or the object is another one in the middle.
    let dead = proxy(&url, |request, _| match request.starts_with("GET /broken/large") {
        true => Fault::CutAnswer(100_000),
        false => Fault::Pass,
    });
    let failed = run_with(folder, &dead.url, &["check", "s3://broken/large.jsonl"], &few).expect(6);
    assert!(failed.stderr.contains("s3://broken/large.jsonl"), "{}", failed.stderr);
    let replaced = proxy(&url, |request, before| match (request.starts_with("GET /broken/large"), before) {
        (true, 2) => Fault::Refuse(412, "PreconditionFailed"),
        _ => Fault::Pass,
    });
    let failed = run(folder, &replaced.url, &["convert", "s3://broken/large.jsonl", "mixture.jsonl"]).expect(1);
    assert!(failed.stderr.contains("was replaced while it was read"), "{}", failed.stderr);
    assert!(!folder.join("mixture.jsonl").exists());
}

#[test]
fn a_backup_that_fails_is_never_seen() {
    let Some(url) = store() else { return };
    let (folder, name) = (small(), "unseen");
    let folder = folder.path();
    bucket(&url, name);
    let words = ["backup", "small.db", "--dir", "s3://unseen"];
    let few = [("AWS_MAX_ATTEMPTS", "1")];
    let asked = |start: &'static str, with: &'static str, fault: Fault| {
        proxy(&url, move |request, _| match request.starts_with(start) && request.contains(with) {
            true => fault,
            false => Fault::Pass,
        })
    };
    for (start, with) in [("POST", "uploads"), ("PUT", "partNumber="), ("POST", "uploadId=")] {
        let bad = asked(start, with, Fault::Refuse(500, "InternalError"));
        run_with(folder, &bad.url, &words, &few).expect(6);
        assert_eq!(keys(&url, name), (vec![], 0), "{start} {with}");
    }
    // What the store gives back is not what was sent to it.
    let turned = proxy(&url, |request, _| match request.starts_with("GET /unseen/small.db_backup") {
        true => Fault::Refuse(404, "NoSuchKey"),
        false => Fault::Pass,
    });
    run_with(folder, &turned.url, &words, &few).expect(1);
    assert_eq!(keys(&url, name), (vec![], 0));
    run(folder, &url, &words).expect(0);
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_without_a_secret() {
    let Some(url) = store() else { return };
    let (folder, name) = (small(), "told");
    let folder = folder.path();
    bucket(&url, name);
    let told = |words: &[&str], more: &[(&str, &str)], code: i32, says: &[&str]| {
        let run = run_with(folder, &url, words, more).expect(code);
        for word in says {
            assert!(run.stderr.contains(word), "{word:?} is not in {}", run.stderr);
        }
        assert!(!run.stderr.contains("s3cretkey"), "{}", run.stderr);
    };
    told(&["check", "s3://told/none.tar"], &[], 1, &["there is no object s3://told/none.tar"]);
    told(&["check", "s3://not-there/x.tar"], &[], 6, &["s3://not-there", "no bucket not-there", "NoSuchBucket"]);
    told(&["dump", "small.db", "-o", "s3://not-there/x.tar"], &[], 6, &["s3://not-there", "NoSuchBucket"]);
    told(&["backup", "small.db", "--dir", "s3://not-there"], &[], 6, &["s3://not-there", "NoSuchBucket"]);
    told(&["check", "s3://told"], &[], 2, &["names a bucket and no object"]);
    told(&["check", "s3://KEY:s3cretkey@told/x.tar"], &[], 2, &["credentials come from the environment"]);
    told(&["check", "https://told.example/x.tar"], &[], 2, &["s3://"]);
    let few = ("AWS_MAX_ATTEMPTS", "1");
    let nobody = ("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    told(&["check", "s3://told/x.tar"], &[few, nobody], 6, &["s3://told/x.tar", "does not answer", "AWS_ENDPOINT_URL"]);
    told(
        &["check", "s3://told/x.tar"],
        &[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", ""), ("AWS_EC2_METADATA_DISABLED", "true")],
        6,
        &["no credentials for s3://told/x.tar", "AWS_PROFILE"],
    );
    // Credentials that the store does not take: the store itself says so, asked to look at them.
    look_at_signatures(&url, "0");
    let outcome = std::panic::catch_unwind(|| {
        told(&["dump", "small.db", "-o", "s3://told/x.tar"], &[], 6, &["s3://told", "denied", "AWS_ACCESS_KEY_ID"]);
        told(&["check", "s3://told/x.tar"], &[], 6, &["s3://told", "denied"]);
    });
    look_at_signatures(&url, "inf");
    outcome.unwrap();
    assert_eq!(keys(&url, name), (vec![], 0));
    // A profile of Amazon's own tools.
    let profile = folder.join("credentials");
    std::fs::write(&profile, "[nightly]\naws_access_key_id = A\naws_secret_access_key = s3cretkey\n").unwrap();
    let file = ("AWS_SHARED_CREDENTIALS_FILE", profile.to_str().unwrap());
    let none = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", ""), file];
    told(
        &["dump", "small.db", "-o", "s3://told/x.tar"],
        &[&none[..], &[("AWS_PROFILE", "daily")]].concat(),
        6,
        &["no profile daily"],
    );
    told(&["dump", "small.db", "-o", "s3://told/x.tar"], &[&none[..], &[("AWS_PROFILE", "nightly")]].concat(), 0, &[]);
}
