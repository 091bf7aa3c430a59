//! A feed into a dump file: encoders in parallel, one writer in order.
//!
//! Every block is encoded, and compressed as a frame of its own, by one of `jobs` threads; the writer puts the frames in the order of the
//! blocks. So the same snapshot gives the same bytes at any number of threads. At most a few blocks per thread are under way: a slow disk or pipe
//! stalls the source.

use crate::error::{Error, Result};
use crate::feed::{End, Feed, Pieces, pump};
use crate::format::{Encoder, FolderEncoder, Members, Piece, Wrote, only_for_its_target};
use crate::model::tally::Counter;
use crate::model::{Block, Class, Loss, Schema, Tally, Trailer};
use crate::observe::Watch;
use crate::strip::{Strip, leave_out};
use crate::volume::{Compression, Output};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read as _, Seek as _, SeekFrom, Write as _};

/// What was written.
#[derive(Clone, Debug)]
pub struct Written {
    /// The counts, as in the trailer.
    pub tally: Tally,
    /// What the source said in the end.
    pub end: End,
    /// Bytes before compression.
    pub bytes: u64,
    /// Bytes as they lie in the file.
    pub stored: u64,
    /// Schema objects that were written.
    pub schema: Schema,
    /// Values that were left out, as allowed.
    pub losses: Vec<Loss>,
}

enum Work {
    Block(Block),
    Bytes(Vec<u8>),
}

/// The permission to have one more block under way; it carries the buffers of a block that is done.
#[derive(Default)]
struct Permit {
    raw: Vec<u8>,
    frame: Vec<u8>,
}

struct Job {
    number: u64,
    work: Work,
    permit: Permit,
}

struct Encoded {
    number: u64,
    permit: Permit,
}

/// What the dispatcher keeps in mind while pieces come.
#[derive(Default)]
struct Seen {
    wrote: Wrote,
    late: Schema,
    statements: u64,
    losses: Vec<Loss>,
}

/// How a dump is written, whatever its format.
pub struct How {
    /// How it is compressed.
    pub compression: Compression,
    /// Encoding threads.
    pub jobs: usize,
    /// What is left out.
    pub strip: Strip,
    /// Whether values that the encoder refuses may be left out.
    pub lossy: bool,
}

/// Writes a feed's pieces with an encoder; the output is committed only when all of it is there.
///
/// # Errors
/// The source, the encoder or the output fails; the output is then dropped.
pub fn write(
    feed: &mut dyn Feed,
    encoder: &dyn Encoder,
    mut output: Output,
    how: &How,
    watch: Watch<'_>,
) -> Result<Written> {
    let How { compression, jobs, strip, lossy } = how;
    let (compression, jobs) = (*compression, (*jobs).max(1));
    let early = feed.schema().clone();
    let mut writer =
        Writer { output: &mut output, held: None, compression, hash: blake3::Hasher::new(), bytes: 0, stored: 0 };
    let mut raw = Vec::new();
    // Its head comes last: until then the rest lies in a file of its own.
    if encoder.head(&mut Vec::new()) {
        writer.hold()?;
    }
    encoder.begin(feed.header(), &early, &mut raw)?;
    encoder.place(&mut raw)?;
    writer.put(&raw)?;
    let ((mut tally, seen), end) = pump(feed, watch, |pieces| {
        std::thread::scope(|scope| {
            let (give_permit, take_permit) = bounded(jobs * 2 + 2);
            for _ in 0..jobs * 2 + 2 {
                let _ = give_permit.send(Permit::default());
            }
            let (send_work, receive_work) = bounded(jobs * 2 + 2);
            let (send_done, receive_done) = bounded(jobs * 2 + 2);
            let workers: Vec<_> = (0..jobs)
                .map(|_| {
                    let (work, done) = (receive_work.clone(), send_done.clone());
                    scope.spawn(move || encode(encoder, compression, &work, &done))
                })
                .collect();
            drop((receive_work, send_done));
            let dispatcher = scope.spawn(move || dispatch(encoder, strip, *lossy, pieces, &take_permit, &send_work));
            let written = writer.in_order(encoder, &receive_done, &give_permit);
            drop((receive_done, give_permit));
            let seen = dispatcher.join().map_err(|_| Error::failed("the dispatching thread panicked"))?;
            let mut tally = Tally::default();
            for worker in workers {
                tally.add(&worker.join().map_err(|_| Error::failed("an encoding thread panicked"))?);
            }
            // The writer's failure comes first: it has the encoders' too, and the dispatcher stops because of it.
            written?;
            Ok((tally, seen?))
        })
    })?;
    raw.clear();
    let mut counter = Counter::default();
    early.objects.iter().chain(&seen.late.objects).for_each(|object| counter.object(object));
    tally.add(&counter.tally());
    tally.statements = seen.statements;
    encoder.finish(&early, &seen.late, seen.wrote, &mut raw)?;
    encoder.place(&mut raw)?;
    writer.put(&raw)?;
    raw.clear();
    let hash = writer.hash.finalize().to_hex().to_string();
    let trailer = Trailer { tally: tally.clone(), source_changed: end.changed, blake3: hash };
    encoder.trailer(&trailer, &mut raw)?;
    writer.put(&raw)?;
    raw.clear();
    if encoder.head(&mut raw) {
        writer.release(&raw)?;
    }
    let (bytes, stored) = (writer.bytes, writer.stored);
    watch.stop.check()?;
    output.commit()?;
    let mut schema = early;
    schema.objects.extend(seen.late.objects);
    Ok(Written { tally, end, bytes, stored, schema, losses: seen.losses })
}

struct Appending<'a> {
    output: &'a mut Output,
    bytes: u64,
}

impl Members for Appending<'_> {
    fn append(&mut self, member: &str, bytes: &[u8]) -> Result<()> {
        self.bytes += bytes.len() as u64;
        self.output.append_to(member, bytes)
    }
}

/// Writes a feed's pieces as a folder of files; it is committed only when all of it is there. What becomes of an item may depend on those before
/// it, so that one thread encodes, beside the one that reads.
///
/// # Errors
/// The source, the encoder or the output fails; the output is then dropped.
pub fn write_folder(
    feed: &mut dyn Feed,
    encoder: &mut dyn FolderEncoder,
    mut output: Output,
    watch: Watch<'_>,
) -> Result<Written> {
    let early = feed.schema().clone();
    let mut out = Appending { output: &mut output, bytes: 0 };
    encoder.begin(feed.header(), &early, &mut out)?;
    let ((mut counter, late), end) = pump(feed, watch, |pieces| {
        let (mut counter, mut late) = (Counter::default(), Schema::default());
        for piece in pieces {
            match piece {
                Piece::Block(block) => {
                    counter.block(&block)?;
                    encoder.block(&block, &mut out)?;
                }
                Piece::Object(object) => late.objects.push(object),
                Piece::Existing { .. } => return Err(only_for_its_target()),
                Piece::Statement(_) => {
                    return Err(Error::refused(
                        "a folder has no place for statements that only their system understands",
                    )
                    .hint("write the graph as jsonl or cypherl, which keep them"));
                }
            }
        }
        Ok((counter, late))
    })?;
    let mut schema = early;
    schema.objects.extend(late.objects.iter().cloned());
    schema.objects.iter().for_each(|object| counter.object(object));
    let trailer = Trailer { tally: counter.tally(), source_changed: end.changed, blake3: String::new() };
    encoder.finish(&late, &trailer, &mut out)?;
    let bytes = out.bytes;
    watch.stop.check()?;
    output.commit()?;
    Ok(Written { tally: trailer.tally, end, bytes, stored: bytes, schema, losses: encoder.losses() })
}

fn dispatch(
    encoder: &dyn Encoder,
    strip: &Strip,
    lossy: bool,
    pieces: Pieces,
    permits: &Receiver<Permit>,
    jobs: &Sender<Job>,
) -> Result<Seen> {
    let mut seen = Seen::default();
    let mut number = 0;
    let mut send = |work: Work| {
        // Both fail only when the writer or every encoder is gone, which have the error to tell.
        let permit = permits.recv().map_err(|_| Error::failed("the writer stopped"))?;
        jobs.send(Job { number, work, permit }).map_err(|_| Error::failed("the encoders stopped"))?;
        number += 1;
        Ok(())
    };
    for piece in pieces {
        match piece {
            Piece::Block(block) => {
                let mut block = strip.apply(block, &mut seen.losses)?;
                if lossy {
                    block = leave_out(block, |value| encoder.refusal(value), &mut seen.losses)?;
                }
                let first = match block.class() {
                    Class::Nodes => !std::mem::replace(&mut seen.wrote.nodes, true),
                    Class::Relationships => !std::mem::replace(&mut seen.wrote.relationships, true),
                };
                if first {
                    let mut bytes = Vec::new();
                    encoder.open(block.class(), &mut bytes)?;
                    send(Work::Bytes(bytes))?;
                }
                encoder.see(&block)?;
                send(Work::Block(block))?;
            }
            Piece::Statement(statement) => {
                let mut bytes = Vec::new();
                encoder.statement(&statement, &mut bytes)?;
                seen.statements += 1;
                send(Work::Bytes(bytes))?;
            }
            Piece::Existing { .. } => return Err(only_for_its_target()),
            Piece::Object(object) => seen.late.objects.push(object),
        }
    }
    Ok(seen)
}

fn encode(
    encoder: &dyn Encoder,
    compression: Compression,
    jobs: &Receiver<Job>,
    done: &Sender<Result<Encoded>>,
) -> Tally {
    let mut counter = Counter::default();
    for Job { number, work, permit: Permit { mut raw, mut frame } } in jobs {
        raw.clear();
        frame.clear();
        let encode = || {
            match work {
                Work::Block(block) => {
                    counter.block(&block)?;
                    encoder.block(&block, &mut raw)?;
                }
                Work::Bytes(bytes) => raw.extend_from_slice(&bytes),
            }
            if compression == Compression::None { Ok(()) } else { compression.frame(&raw, &mut frame) }
        };
        let encoded = encode();
        if done.send(encoded.map(|()| Encoded { number, permit: Permit { raw, frame } })).is_err() {
            break;
        }
    }
    counter.tally()
}

struct Writer<'a> {
    output: &'a mut Output,
    held: Option<BufWriter<File>>,
    compression: Compression,
    hash: blake3::Hasher,
    bytes: u64,
    stored: u64,
}

/// How much of a held dump is written or read at once.
const HELD: usize = 256 << 10;

/// A buffer larger than this is given back to the system after an outsized block.
const KEEP: usize = 8 << 20;

impl Writer<'_> {
    fn put(&mut self, raw: &[u8]) -> Result<()> {
        let mut frame = Vec::new();
        if self.compression != Compression::None {
            self.compression.frame(raw, &mut frame)?;
        }
        self.write(raw, &frame)
    }

    fn write(&mut self, raw: &[u8], frame: &[u8]) -> Result<()> {
        self.hash.update(raw);
        let stored = if self.compression == Compression::None { raw } else { frame };
        match &mut self.held {
            Some(file) => file.write_all(stored).map_err(|cause| Error::io("writing a temporary file", cause))?,
            None => self.output.append(stored)?,
        }
        self.bytes += raw.len() as u64;
        self.stored += stored.len() as u64;
        Ok(())
    }

    /// Keeps what is written from now on apart.
    fn hold(&mut self) -> Result<()> {
        let file = tempfile::tempfile().map_err(|cause| Error::io("making a temporary file", cause))?;
        self.held = Some(BufWriter::with_capacity(HELD, file));
        Ok(())
    }

    /// Writes the head, and behind it what was kept.
    fn release(&mut self, head: &[u8]) -> Result<()> {
        let Some(held) = self.held.take() else { return Ok(()) };
        let failed = |cause| Error::io("reading a temporary file", cause);
        let mut file = held.into_inner().map_err(|error| failed(error.into_error()))?;
        self.put(head)?;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut buffer = vec![0; HELD];
        loop {
            match file.read(&mut buffer).map_err(failed)? {
                0 => return Ok(()),
                size => self.output.append(buffer.get(..size).unwrap_or_default())?,
            }
        }
    }

    fn in_order(
        &mut self,
        encoder: &dyn Encoder,
        done: &Receiver<Result<Encoded>>,
        permits: &Sender<Permit>,
    ) -> Result<()> {
        let mut early = BTreeMap::new();
        let mut next = 0;
        for encoded in done {
            let encoded = encoded?;
            early.insert(encoded.number, encoded);
            while let Some(Encoded { permit: Permit { mut raw, mut frame }, .. }) = early.remove(&next) {
                encoder.place(&mut raw)?;
                self.write(&raw, &frame)?;
                next += 1;
                for buffer in [&mut raw, &mut frame] {
                    if buffer.capacity() > KEEP {
                        *buffer = Vec::new();
                    }
                }
                let _ = permits.send(Permit { raw, frame });
            }
        }
        Ok(())
    }
}
