//! The reader: one thread takes the members off the stream, several make pieces of them, and [`Reader`] gives those in order.
//!
//! Memory is bounded by what is under way: a compressed part and a few blocks a thread. The threads end when the reader is dropped.

use super::digest::{Digest, differs};
use super::manifest::{Entry, Manifest};
use super::part::{Given, Part, Stored, Summary, in_member};
use super::scan::{Member, Scan};
use crate::error::{Error, Result};
use crate::format::{Decoder, Piece, jsonl};
use crate::model::{Header, Tally, Trailer};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::io::Read;

/// How many pieces of a part wait to be taken.
const WAITING: usize = 2;

/// How many threads read parts, at most.
const THREADS: usize = 8;

/// What comes in the order of the archive.
enum Next {
    Part { name: String, first_line: u64, given: Receiver<Given> },
    Manifest { text: Vec<u8>, before: String },
    Failed(Error),
}

/// Reads an archive.
pub struct Reader {
    header: Header,
    queue: Receiver<Next>,
    /// The part whose pieces come now.
    part: Option<(String, Receiver<Given>)>,
    /// The line that the next part begins with.
    line: u64,
    members: Vec<Entry>,
    tally: Tally,
    digest: Digest,
    manifest: Option<Manifest>,
    trailer: Option<Trailer>,
}

fn is_gone() -> Error {
    Error::failed("a thread that reads the archive ended early")
}

/// Takes members off the stream until the manifest or an error.
fn scan(mut scan: Scan, queue: &Sender<Next>, work: &Sender<(Stored, Sender<Given>)>) {
    loop {
        let next = match scan.next() {
            Ok(Member::Part(stored)) => {
                let (send, given) = bounded(WAITING);
                let next = Next::Part { name: stored.name.clone(), first_line: stored.first_line, given };
                // First into the order, then into work: who takes parts in order must not wait for one that nobody has.
                if queue.send(next).is_err() || work.send((stored, send)).is_err() {
                    return;
                }
                continue;
            }
            Ok(Member::Manifest { text, before }) => Next::Manifest { text, before },
            Err(error) => Next::Failed(error),
        };
        let _ = queue.send(next);
        return;
    }
}

fn read_parts(work: &Receiver<(Stored, Sender<Given>)>) {
    for (stored, sink) in work {
        match Part::open(stored) {
            Ok(part) => part.give(&sink),
            Err(error) => _ = sink.send(Given::Failed(error)),
        }
    }
}

impl Reader {
    pub(super) fn new(reader: Box<dyn Read + Send>) -> Result<Self> {
        let mut members = Scan::new(reader);
        let first = match members.next()? {
            Member::Part(stored) if stored.first_line == 1 => stored,
            _ => return Err(Error::corrupt("the archive does not begin with its schema")),
        };
        let name = first.name.clone();
        let first = Part::open(first)?;
        let header = first.header().clone();
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS);
        let (send_queue, queue) = bounded(threads);
        let (send_work, work) = bounded(0);
        let (send_first, given) = bounded(WAITING);
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(run);
            spawned.map(drop).map_err(|cause| Error::io("starting a thread", cause))
        };
        spawn("archive", Box::new(move || scan(members, &send_queue, &send_work)))?;
        for at in 0..threads {
            let work = work.clone();
            spawn(&format!("part-{at}"), Box::new(move || read_parts(&work)))?;
        }
        spawn("schema", Box::new(move || first.give(&send_first)))?;
        Ok(Self {
            header,
            queue,
            part: Some((name, given)),
            line: 1,
            members: Vec::new(),
            tally: Tally::default(),
            digest: Digest::default(),
            manifest: None,
            trailer: None,
        })
    }

    /// The manifest, after the end.
    #[must_use]
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    fn end_part(&mut self, name: String, summary: Summary) {
        let Summary { lines, bytes, size, blake3, digest, tally } = summary;
        self.line += lines;
        self.digest.add(&digest);
        self.tally.add(&tally);
        self.members.push(Entry { name, size, bytes, lines, blake3 });
    }

    /// Holds what was read against what the manifest says.
    fn close(&mut self, text: &[u8], before: &str) -> Result<()> {
        let manifest = Manifest::parse(text)?;
        if let Some(member) = self.members.iter().zip(&manifest.members).find_map(|(a, b)| (a != b).then_some(a)) {
            let error = Error::corrupt("the member is not as the manifest says: the archive was changed or damaged");
            return Err(in_member(&member.name, error));
        }
        if self.members.len() != manifest.members.len() {
            return Err(Error::corrupt(format!(
                "the manifest counts {} members, the archive holds {}",
                manifest.members.len(),
                self.members.len()
            )));
        }
        if manifest.before != before {
            return Err(Error::corrupt("the checksum does not agree: the archive was changed or damaged"));
        }
        jsonl::check(&manifest.tally, &self.tally)?;
        if manifest.digest != self.digest {
            return Err(differs());
        }
        let Header { source, created, consistency, filters, .. } = &self.header;
        if (source, created, consistency, filters)
            != (&manifest.source, &manifest.started, &manifest.consistency, &manifest.filters)
        {
            return Err(Error::corrupt("the manifest is that of another archive: its head differs"));
        }
        self.trailer = Some(Trailer {
            tally: manifest.tally.clone(),
            source_changed: manifest.source_changed,
            blake3: manifest.before.clone(),
        });
        self.manifest = Some(manifest);
        Ok(())
    }
}

impl Decoder for Reader {
    fn header(&self) -> &Header {
        &self.header
    }

    fn next(&mut self) -> Result<Option<Piece>> {
        loop {
            if let Some((name, given)) = &mut self.part {
                match given.recv() {
                    Ok(Given::Piece(piece)) => return Ok(Some(piece)),
                    Ok(Given::End(summary)) => {
                        let name = std::mem::take(name);
                        self.part = None;
                        self.end_part(name, summary);
                    }
                    Ok(Given::Failed(error)) => return Err(error),
                    Err(_) => return Err(is_gone()),
                }
            } else if self.trailer.is_some() {
                return Ok(None);
            }
            if self.part.is_none() {
                match self.queue.recv() {
                    Ok(Next::Part { name, first_line, given }) => {
                        if first_line != self.line {
                            let error = format!("the part should begin with line {}: one is missing", self.line);
                            return Err(in_member(&name, Error::corrupt(error)));
                        }
                        self.part = Some((name, given));
                    }
                    Ok(Next::Manifest { text, before }) => {
                        self.close(&text, &before)?;
                        return Ok(None);
                    }
                    Ok(Next::Failed(error)) => return Err(error),
                    Err(_) => return Err(is_gone()),
                }
            }
        }
    }

    fn trailer(&self) -> Option<&Trailer> {
        self.trailer.as_ref()
    }
}
