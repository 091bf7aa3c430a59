//! An object store that speaks S3, as scripts/objects runs it: boto3 as the witness, and a proxy in front of it that fails when it is told to.

use super::tool;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing bad.
    Pass,
    /// The connection is cut before the store sees the request.
    Cut,
    /// The store does it, and its answer is cut after so many bytes.
    CutAnswer(usize),
    /// The store does it, and its answer says that the object is of this time.
    Date(&'static str),
    /// The store does not see it: the answer has this status, and this code in its body.
    Refuse(u16, &'static str),
}

/// A proxy in front of a store.
pub struct Proxy {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// The requests that came, as `PUT /bucket/key?query`.
    seen: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// The requests that came so far.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// Starts a proxy; `choose` is given each request, as `PUT /bucket/key?query`, and how many like it came before: with the same method and path.
pub fn proxy(store: &str, choose: impl Fn(&str, usize) -> Fault + Send + Sync + 'static) -> Proxy {
    let store = store.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (log, choose) = (Arc::clone(&seen), Arc::new(choose));
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (log, choose, store) = (Arc::clone(&log), Arc::clone(&choose), store.clone());
            // A client that goes away ends its thread.
            std::thread::spawn(move || carry(client.unwrap(), &store, &log, &*choose));
        }
    });
    Proxy { url, seen }
}

/// One request and its answer; then the connection ends.
fn carry(
    mut client: TcpStream,
    store: &str,
    log: &Mutex<Vec<String>>,
    choose: &dyn Fn(&str, usize) -> Fault,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let text = String::from_utf8(head).unwrap();
    let length =
        text.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    client.read_exact(&mut body).ok()?;
    let (first, rest) = text.split_once("\r\n").unwrap();
    let request = first.rsplit_once(' ').unwrap().0.to_owned();
    let fault = {
        let mut log = log.lock().unwrap();
        let before = log.iter().filter(|other| **other == request).count();
        log.push(request.clone());
        choose(&request, before)
    };
    match fault {
        Fault::Cut => {
            let _ = client.shutdown(Shutdown::Both);
            return None;
        }
        Fault::Refuse(status, code) => {
            let body = format!(
                "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>as the test wants it</Message></Error>"
            );
            let body = if request.starts_with("HEAD") { String::new() } else { body };
            let head =
                format!("HTTP/1.1 {status} Refused\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            client.write_all((head + &body).as_bytes()).ok()?;
            return Some(());
        }
        _ => {}
    }
    let mut upstream = TcpStream::connect(store).unwrap();
    upstream.write_all(format!("{first}\r\nConnection: close\r\n{rest}").as_bytes()).ok()?;
    upstream.write_all(&body).ok()?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).ok()?;
    if let Fault::CutAnswer(size) = fault {
        answer.truncate(size);
    }
    if let Fault::Date(date) = fault {
        let text = String::from_utf8(answer).unwrap();
        let line = text.lines().find(|line| line.to_ascii_lowercase().starts_with("last-modified:"));
        answer = text.replace(line.unwrap(), &format!("Last-Modified: {date}")).into_bytes();
    }
    client.write_all(&answer).ok()?;
    let _ = client.shutdown(Shutdown::Both);
    Some(())
}

/// The store of scripts/test; nothing where it was not started and nobody insists on it.
pub fn store() -> Option<String> {
    let url = std::env::var("GRAPHFERRY_TEST_OBJECTS").ok();
    assert!(
        url.is_some() || std::env::var_os("GRAPHFERRY_WITNESSES").is_none(),
        "GRAPHFERRY_TEST_OBJECTS is not set: scripts/objects starts a store"
    );
    url
}

/// Runs Python with boto3: `s3` is a client of the store at `url`, and `args` are what comes behind. Gives what it prints.
pub fn boto(url: &str, script: &str, args: &[&str]) -> String {
    let begin = "import boto3, sys, json, hashlib\nfrom botocore.config import Config\n\
                 url, args = sys.argv[1], sys.argv[2:]\n\
                 s3 = boto3.client('s3', endpoint_url=url, region_name='us-east-1', aws_access_key_id='witness', \
                 aws_secret_access_key='witness', config=Config(retries={'max_attempts': 0}))\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/objects");
    let output = Command::new(path).args(["run", "-c", &format!("{begin}{script}"), url]).args(args).output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Asks the store by hand, as it does not look at signatures; gives the status and the body.
pub fn ask(url: &str, method: &str, path: &str, body: &[u8], headers: &str) -> (u16, String) {
    let mut store = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: s3\r\nConnection: close\r\nContent-Type: text/plain\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=w/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0\r\n\
         Content-Length: {length}\r\n{headers}\r\n"
    );
    store.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = Vec::new();
    store.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

fn asked(url: &str, method: &str, path: &str, body: &[u8], headers: &str) -> String {
    let (status, text) = ask(url, method, path, body, headers);
    assert!((200..300).contains(&status), "{method} {path}: {status} {text}");
    text
}

/// What stands between these tags.
fn elements(text: &str, name: &str) -> Vec<String> {
    let (begin, end) = (format!("<{name}>"), format!("</{name}>"));
    text.split(&begin).skip(1).map(|rest| rest.split(&end).next().unwrap().to_owned()).collect()
}

/// Makes a bucket of this name, empty.
pub fn bucket(url: &str, name: &str) {
    ask(url, "PUT", &format!("/{name}"), b"", "");
    for key in keys(url, name).0 {
        asked(
            url,
            "DELETE",
            &format!("/{name}/{}", key.replace('%', "%25").replace(' ', "%20").replace('#', "%23")),
            b"",
            "",
        );
    }
}

/// Puts an object there.
pub fn put(url: &str, bucket: &str, key: &str, body: &[u8]) {
    asked(url, "PUT", &format!("/{bucket}/{key}"), body, "");
}

/// Copies an object within a bucket.
pub fn copy(url: &str, bucket: &str, from: &str, to: &str) {
    asked(url, "PUT", &format!("/{bucket}/{to}"), b"", &format!("x-amz-copy-source: /{bucket}/{from}\r\n"));
}

/// Removes an object.
pub fn delete(url: &str, bucket: &str, key: &str) {
    asked(url, "DELETE", &format!("/{bucket}/{key}"), b"", "");
}

/// The keys in a bucket, and how many uploads are begun there and not completed.
pub fn keys(url: &str, bucket: &str) -> (Vec<String>, usize) {
    let mut found = elements(&asked(url, "GET", &format!("/{bucket}?list-type=2"), b"", ""), "Key");
    found.sort();
    let begun = elements(&asked(url, "GET", &format!("/{bucket}?uploads"), b"", ""), "UploadId");
    (found, begun.len())
}

/// After so many requests, the store looks at signatures; `inf` for never.
pub fn look_at_signatures(url: &str, after: &str) {
    asked(url, "POST", "/moto-api/reset-auth", after.as_bytes(), "");
}

/// Runs `graphferry` in a folder, with a store in its environment and nothing else of Amazon's.
pub fn run(folder: &Path, url: &str, words: &[&str]) -> tool::Run {
    run_with(folder, url, words, &[])
}

/// The same, with more in the environment.
pub fn run_with(folder: &Path, url: &str, words: &[&str], more: &[(&str, &str)]) -> tool::Run {
    let mut command = tool::command(folder);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_") || name.ends_with("_PROXY")) {
        command.env_remove(name);
    }
    command.env("AWS_ENDPOINT_URL", url).env("AWS_ACCESS_KEY_ID", "AKIATEST").env("AWS_SECRET_ACCESS_KEY", "s3cretkey");
    command
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        .env("AWS_REGION", "us-east-1")
        .envs(more.iter().copied());
    command.args(words);
    let output = command.output().unwrap();
    tool::finish(&command, output)
}
