//! Shards and pages: everything of one kind that a graph holds, read by several threads, given in the order of the shards.
//!
//! The server counts a page in rows; we ask for as many as made about [`PAGE`] bytes of the page before, beginning with few. Where rows are of a sudden so much larger that
//! an answer passes [`LARGEST`], or the server's memory, fewer are asked for.
//!
//! A worker is two threads: one asks, one decodes. Where a page ends stands in its last bytes, so that the next is asked for before this one is decoded, which makes a dump
//! an eighth faster. Workers are at most as many shards ahead of whoever takes the rows as there are workers,
//! and [`AHEAD`] pages in each, so that the memory is bounded by their number; the same graph comes in the same order whatever their number.

use super::client::{Client, encoded, is_about_the_server, is_too_much};
use super::shard::{Shard, shards};
use crate::error::{Error, Result};
use crossbeam_channel::{Receiver, Sender, bounded};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::vec::IntoIter;

/// Bytes of a page, about.
const PAGE: usize = 4 << 20;

/// Bytes of a page of several rows, at most. A single row may be as large as it is.
const LARGEST: u64 = 16 << 20;

/// How long a page is waited for that the server fails to give, each time that it fails.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(2)];

/// Rows of the first page: some graphs have rows of many megabytes.
const FIRST: usize = 64;

/// Rows of a page, at most.
const MOST: usize = 1 << 12;

/// The same where a whole graph is read and rows stay as they are: a request costs the server as much as a hundred rows.
const MOST_IN_BULK: usize = 1 << 15;

/// Decoded pages of a shard that wait, at most.
const AHEAD: usize = 2;

/// Bytes of a path, at most: the server takes lines of 8 KiB.
const LONGEST: usize = 7900;

/// Pages of a worker that wait to be decoded, at most, beside the one that was just asked for.
const UNDECODED: usize = 1;

/// Where a page says what comes after it is looked for in so many of its last bytes.
const TAIL: usize = 8 << 10;

/// Vertices, or edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Vertices,
    Edges,
}

impl What {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Vertices => "vertices",
            Self::Edges => "edges",
        }
    }
}

/// A page as it comes.
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow, alias = "edges")]
    vertices: Vec<&'a RawValue>,
    #[serde(default)]
    page: Option<String>,
}

/// How large pages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pages {
    /// Of at most [`MOST`] rows: of each row something is made that is larger.
    Small,
    /// Of at most [`MOST_IN_BULK`].
    Large,
}

/// Reads everything of a kind. `parse` turns the rows of a page into something, on several threads; `sink` gets those in order.
///
/// # Errors
/// The server fails for longer than it is waited for; or what `parse` or `sink` say.
pub(super) fn read<T: Send>(
    client: &Client,
    (what, pages): (What, Pages),
    workers: usize,
    parse: &(dyn Fn(&[&RawValue]) -> Result<T> + Sync),
    sink: &mut dyn FnMut(T) -> Result<()>,
) -> Result<()> {
    let pager = &Pager::new(client, if pages == Pages::Small { MOST } else { MOST_IN_BULK });
    let shards = shards(client, what)?;
    let count = shards.len();
    let (begin, begun) = bounded(workers);
    let queue = &Queue { begin, left: Mutex::new(shards.into_iter()) };
    std::thread::scope(|scope| {
        for _ in 0..workers.max(1) {
            let (pass, bodies) = bounded(UNDECODED);
            scope.spawn(move || ask(pager, what, queue, &pass));
            scope.spawn(move || decode(pager, what, parse, &bodies));
        }
        // Dropped at the first error, with the ways of what was begun: the workers see that nobody listens.
        let begun = begun;
        (0..count).try_for_each(|_| {
            let way: Way<T> = begun.recv().map_err(|cause| Error::failed("a shard was not read").caused_by(cause))?;
            way.into_iter().try_for_each(|page| sink(page?))
        })
    })
}

/// Reads the vertices of a label that has an index of its own, page after page.
///
/// # Errors
/// As [`read`].
pub(super) fn of_label<T>(
    client: &Client,
    label: &str,
    parse: &dyn Fn(&[&RawValue]) -> Result<T>,
    sink: &mut dyn FnMut(T) -> Result<()>,
) -> Result<()> {
    let label = encoded(label);
    let pager = Pager::new(client, MOST);
    let mut from = String::new();
    loop {
        let start = client.path(&format!("/graph/vertices?label={label}&page={}&limit=", encoded(&from)));
        let (_, body) = pager.body(&start, 1)?;
        let page: Page<'_> =
            serde_json::from_slice(&body).map_err(|cause| client.not_understood(&start).caused_by(cause))?;
        if !page.vertices.is_empty() {
            sink(parse(&page.vertices)?)?;
        }
        pager.note(page.vertices.len(), body.len());
        match page.page {
            Some(next) if next == from => {
                return Err(Error::corrupt(format!("{} gives the same page again and again", client.peer())));
            }
            Some(next) => from = next,
            None => return Ok(()),
        }
    }
}

/// The pages of a shard, in order.
type Way<T> = Receiver<Result<T>>;

/// The shards that nobody reads yet.
struct Queue<T> {
    left: Mutex<IntoIter<Shard>>,
    begin: Sender<Way<T>>,
}

impl<T> Queue<T> {
    /// The next shard, and where its pages go; waits where many were begun that are not taken yet. `None` if there is no other, or nobody wants it.
    fn next(&self) -> Option<(Shard, Sender<Result<T>>)> {
        let mut left = self.left.lock().ok()?;
        let shard = left.next()?;
        let (send, way) = bounded(AHEAD);
        // While the lock is held: they come in the order of the shards.
        self.begin.send(way).ok()?;
        Some((shard, send))
    }
}

/// Asks for pages of a size that fits.
struct Pager {
    client: Client,
    limited: Client,
    /// How many rows to ask for next, and at most.
    rows: AtomicUsize,
    most: usize,
}

impl Pager {
    fn new(client: &Client, most: usize) -> Self {
        let (client, limited) = (client.clone(), client.with_answers_of(LARGEST));
        Self { client, limited, rows: AtomicUsize::new(FIRST), most }
    }

    /// The page that a path asks for, and the number of its rows at most, which is added at its end: not under `least`.
    fn body(&self, path: &str, least: usize) -> Result<(usize, Vec<u8>)> {
        let mut pauses = PAUSES.iter();
        loop {
            let rows = self.rows.load(Ordering::Relaxed).max(least);
            let client = if rows == 1 { &self.client } else { &self.limited };
            match client.bytes(&format!("{path}{rows}")) {
                Err(error) if is_too_much(&error) && rows > least => {
                    self.rows.fetch_min((rows / 8).max(1), Ordering::Relaxed);
                }
                // A server that begins to serve may not have its graphs yet.
                Err(error) if is_about_the_server(&error) => match pauses.next() {
                    Some(pause) => std::thread::sleep(*pause),
                    None => return Err(error),
                },
                body => return Ok((rows, body?)),
            }
        }
    }

    fn not_understood(&self, what: What) -> Error {
        Error::corrupt(format!("a page of {} from {} is not understood", what.word(), self.client.peer()))
    }

    fn page<'a>(&self, body: &'a [u8], what: What) -> Result<Page<'a>> {
        serde_json::from_slice(body).map_err(|cause| self.not_understood(what).caused_by(cause))
    }

    /// Where the page after this one begins.
    fn after(&self, body: &[u8], what: What) -> Result<Option<String>> {
        told(body).map_or_else(|| self.page(body, what).map(|page| page.page), Ok)
    }

    /// A page of a shard from a position on, and the position after it.
    fn scan(&self, what: What, shard: &Shard, from: &str) -> Result<(Vec<u8>, Option<String>)> {
        let (word, start, end) = (what.word(), encoded(&shard.start), encoded(&shard.end));
        let path = |page: &str| {
            let page = encoded(page);
            self.client.path(&format!("/traversers/{word}/scan?start={start}&end={end}&page={page}&page_limit="))
        };
        let mut least = 1;
        loop {
            let (rows, body) = self.body(&path(from), least).map_err(|error| match least > 1 && is_too_much(&error) {
                true => Error::failed(format!("{word} have ids that are too long to be read page by page"))
                    .hint("no position behind such a page fits into a URL: make those ids shorter, or take the rows away")
                    .caused_by(error),
                false => error,
            })?;
            let next = self.after(&body, what)?;
            // The server has been seen to give a page twice when it failed in between: a position that does not move would be read for ever.
            if next.as_deref() == Some(from) {
                let peer = self.client.peer();
                return Err(Error::corrupt(format!("{peer} gives the same page of {word} again and again")));
            }
            if next.as_deref().is_none_or(|next| path(next).len() <= LONGEST) {
                return Ok((body, next));
            }
            // A position is the key of a row. With more rows at once there may be none, or a shorter one.
            least = rows.saturating_mul(8);
        }
    }

    /// Takes note of a page with so many rows and bytes.
    fn note(&self, rows: usize, bytes: usize) {
        if rows > 0 {
            self.rows
                .store(next_size(self.rows.load(Ordering::Relaxed), rows, bytes).min(self.most), Ordering::Relaxed);
        }
    }
}

/// A page that was asked for, and who waits for what is in it.
struct Answer<T> {
    body: Result<Vec<u8>>,
    /// What its last bytes said of the page after it.
    next: Option<String>,
    way: Sender<Result<T>>,
}

/// Asks for the pages of one shard after the other, until there are none or nobody wants them.
fn ask<T>(pager: &Pager, what: What, queue: &Queue<T>, pass: &Sender<Answer<T>>) {
    while let Some((shard, way)) = queue.next() {
        let mut from = Some(String::new());
        while let Some(at) = from {
            let (body, next) = match pager.scan(what, &shard, &at) {
                Ok((body, next)) => (Ok(body), next),
                Err(error) => (Err(error), None),
            };
            if pass.send(Answer { body, next: next.clone(), way: way.clone() }).is_err() {
                return;
            }
            from = next;
        }
    }
}

/// Decodes what was asked for, and gives it to those who wait, until nobody does: that is when the work has ended in an error.
fn decode<T>(
    pager: &Pager,
    what: What,
    parse: &(dyn Fn(&[&RawValue]) -> Result<T> + Sync),
    bodies: &Receiver<Answer<T>>,
) {
    for Answer { body, next, way } in bodies {
        let parsed = body.and_then(|body| {
            let page = pager.page(&body, what)?;
            if page.page != next {
                return Err(pager.not_understood(what));
            }
            pager.note(page.vertices.len(), body.len());
            if page.vertices.is_empty() { Ok(None) } else { parse(&page.vertices).map(Some) }
        });
        let Some(parsed) = parsed.transpose() else { continue };
        if way.send(parsed).is_err() {
            return;
        }
    }
}

/// What the last bytes of a page say of the next: `Some(None)` that there is none, `None` that they do not say it in the usual way.
///
/// Nothing but the page itself is closed after it, so that no property of a row can be taken for it.
fn told(body: &[u8]) -> Option<Option<String>> {
    let tail = &body[body.len().saturating_sub(TAIL)..];
    const WORD: &[u8] = b"\"page\"";
    let at = tail.windows(WORD.len()).rposition(|bytes| bytes == WORD)?;
    let value = tail[at + WORD.len()..].trim_ascii().strip_prefix(b":")?.strip_suffix(b"}")?;
    serde_json::from_slice(value).ok()
}

/// How many rows to ask for after a page with so many rows and bytes. Growth is slow, since rows may differ much; shrinking is not.
fn next_size(asked: usize, rows: usize, bytes: usize) -> usize {
    let row = (bytes / rows.max(1)).max(1);
    (PAGE / row).clamp(1, asked.saturating_mul(8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_of_a_size_in_bytes() {
        assert_eq!(next_size(64, 64, 6400), 512);
        assert_eq!(next_size(512, 512, 51_200), 4096);
        assert_eq!(next_size(8192, 8192, 8192), 1 << 16);
        assert_eq!(next_size(64, 64, 64 << 20), 4);
        assert_eq!(next_size(64, 64, 512 << 20), 1);
    }

    #[test]
    fn the_end_of_a_page_tells_of_the_next() {
        let next = |text: &str| told(text.as_bytes());
        assert_eq!(next(r#"{"vertices":[],"page": null}"#), Some(None));
        assert_eq!(next("{\"edges\":[{\"page\":\"a\"}],\"page\" : \"AA\\u0041=\" }\n"), Some(Some("AAA=".to_owned())));
        // A property of a row, and none at all.
        assert_eq!(next(r#"{"page":"A","vertices":[{"properties":{"page":"b"}}]}"#), None);
        assert_eq!(next(r#"{"vertices":[{"properties":{"page":"b"}}]}"#), None);
        assert_eq!(next(r#"{"vertices":["\"page\": null}"]}"#), None);
        assert_eq!(next(""), None);
    }
}
