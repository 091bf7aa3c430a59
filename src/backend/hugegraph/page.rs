//! Shards and pages: everything of one kind that a graph holds, read by several threads, given in the order of the shards.
//!
//! The server counts a page in rows; we ask for as many as made about [`PAGE`] bytes of the page before, beginning with few. Where rows are of a sudden so much larger that
//! an answer passes [`LARGEST`], or the server's memory, fewer are asked for. A worker is at most [`AHEAD`] pages ahead
//! of whoever takes them, so that the memory is bounded by the number of workers, and the same graph comes in the same order whatever their number.

use super::client::{Client, encoded, is_too_much};
use crate::error::{Error, Result};
use crossbeam_channel::{Receiver, Sender, bounded};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of a page, about.
const PAGE: usize = 4 << 20;

/// Bytes of a page of several rows, at most. A single row may be as large as it is.
const LARGEST: u64 = 16 << 20;

/// Rows of the first page: some graphs have rows of many megabytes.
const FIRST: usize = 64;

/// Rows of a page, at most.
const MOST: usize = 1 << 12;

/// The same where a whole graph is read and rows stay as they are: a request costs the server as much as a hundred rows.
const MOST_IN_BULK: usize = 1 << 15;

/// Pages of a shard that wait, at most.
const AHEAD: usize = 2;

/// Bytes of the store that a shard has, about: the least that the server takes.
const SPLIT: u64 = 1 << 20;

/// Vertices, or edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Vertices,
    Edges,
}

impl What {
    fn word(self) -> &'static str {
        match self {
            Self::Vertices => "vertices",
            Self::Edges => "edges",
        }
    }
}

#[derive(Deserialize)]
struct Shards {
    shards: Vec<Shard>,
}

/// A range of the store.
#[derive(Clone, Debug, Deserialize)]
struct Shard {
    start: String,
    end: String,
}

/// A page as it comes.
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow, alias = "edges")]
    vertices: Vec<&'a RawValue>,
    #[serde(default)]
    page: Option<String>,
}

/// Reads everything of a kind. `parse` turns the rows of a page into something, on several threads; `sink` gets those in order.
///
/// # Errors
/// The server fails for longer than it is waited for; or what `parse` or `sink` say.
pub(super) fn read<T: Send>(
    client: &Client,
    what: What,
    workers: usize,
    parse: &(dyn Fn(&[&RawValue]) -> Result<T> + Sync),
    sink: &mut dyn FnMut(T) -> Result<()>,
) -> Result<()> {
    read_by(&Pager::new(client, MOST), what, workers, parse, sink)
}

/// The same in larger pages.
///
/// # Errors
/// As [`read`].
pub(super) fn read_in_bulk<T: Send>(
    client: &Client,
    what: What,
    workers: usize,
    parse: &(dyn Fn(&[&RawValue]) -> Result<T> + Sync),
    sink: &mut dyn FnMut(T) -> Result<()>,
) -> Result<()> {
    read_by(&Pager::new(client, MOST_IN_BULK), what, workers, parse, sink)
}

fn read_by<T: Send>(
    pager: &Pager,
    what: What,
    workers: usize,
    parse: &(dyn Fn(&[&RawValue]) -> Result<T> + Sync),
    sink: &mut dyn FnMut(T) -> Result<()>,
) -> Result<()> {
    let client = &pager.client;
    let path = client.path(&format!("/traversers/{}/shards?split_size={SPLIT}", what.word()));
    let shards = client.get::<Shards>(&path)?.shards;
    let mut queue = VecDeque::new();
    let mut ways = VecDeque::new();
    for shard in shards {
        let (send, receive) = bounded(AHEAD);
        queue.push_back((shard, send));
        ways.push_back(receive);
    }
    let queue = Mutex::new(queue);
    std::thread::scope(|scope| {
        for _ in 0..workers.max(1) {
            scope.spawn(|| {
                while let Some((shard, send)) = next(&queue) {
                    let read = Shardwise { pager, what, shard: &shard }.pages(parse, &send);
                    // Nobody listens any more only when the work has ended in an error.
                    if let Err(error) = read
                        && send.send(Err(error)).is_err()
                    {
                        return;
                    }
                }
            });
        }
        let taken = take(&mut ways, sink);
        // What waits is given up: workers see that nobody listens.
        drop(ways);
        if taken.is_err()
            && let Ok(mut queue) = queue.lock()
        {
            queue.clear();
        }
        taken
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
        let body = pager.body(&start)?;
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

type Queue<T> = Mutex<VecDeque<(Shard, Sender<Result<T>>)>>;

fn next<T>(queue: &Queue<T>) -> Option<(Shard, Sender<Result<T>>)> {
    queue.lock().ok()?.pop_front()
}

fn take<T>(ways: &mut VecDeque<Receiver<Result<T>>>, sink: &mut dyn FnMut(T) -> Result<()>) -> Result<()> {
    while let Some(way) = ways.pop_front() {
        for page in way {
            sink(page?)?;
        }
    }
    Ok(())
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

    /// The page that a path asks for; the number of rows is added at its end.
    fn body(&self, path: &str) -> Result<Vec<u8>> {
        loop {
            let rows = self.rows.load(Ordering::Relaxed);
            let client = if rows == 1 { &self.client } else { &self.limited };
            match client.bytes(&format!("{path}{rows}")) {
                Err(error) if rows > 1 && is_too_much(&error) => {
                    self.rows.fetch_min((rows / 8).max(1), Ordering::Relaxed);
                }
                body => return body,
            }
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

struct Shardwise<'a> {
    pager: &'a Pager,
    what: What,
    shard: &'a Shard,
}

impl Shardwise<'_> {
    fn pages<T>(&self, parse: &(dyn Fn(&[&RawValue]) -> Result<T> + Sync), send: &Sender<Result<T>>) -> Result<()> {
        let Self { pager, what, shard } = self;
        let peer = pager.client.peer();
        let word = what.word();
        let (start, end) = (encoded(&shard.start), encoded(&shard.end));
        let mut from = String::new();
        loop {
            let query = format!("start={start}&end={end}&page={}&page_limit=", encoded(&from));
            let body = pager.body(&pager.client.path(&format!("/traversers/{word}/scan?{query}")))?;
            let page: Page<'_> = serde_json::from_slice(&body).map_err(|cause| {
                Error::corrupt(format!("a page of {word} from {peer} is not understood")).caused_by(cause)
            })?;
            if !page.vertices.is_empty() && send.send(parse(&page.vertices)).is_err() {
                return Ok(());
            }
            pager.note(page.vertices.len(), body.len());
            match page.page {
                // The server has been seen to give a page twice when it failed in between: a position that does not move would be read for ever.
                Some(next) if next == from => {
                    return Err(Error::corrupt(format!("{peer} gives the same page of {word} again and again")));
                }
                Some(next) => from = next,
                None => return Ok(()),
            }
        }
    }
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
        assert_eq!(next_size(64, 64, 64 << 20), 1);
    }
}
