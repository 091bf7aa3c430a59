//! One write-ahead log: its header, and the whole transactions in it.

use super::bytes::{Bytes, Opened};
use super::delta::{self, Delta};
use super::value::{Meaning, Vectors};
use super::version;
use crate::error::{Error, Result};

/// A log of which every byte was looked at.
#[derive(Clone, Debug)]
pub(super) struct Log {
    pub(super) file: Opened,
    pub(super) version: u64,
    pub(super) uuid: String,
    pub(super) sequence: u64,
    /// Where the changes begin.
    from: u64,
    /// Where the last whole transaction ends.
    to: u64,
    /// The timestamps of the first and the last whole transaction.
    pub(super) span: Option<(u64, u64)>,
    /// Whole transactions.
    pub(super) transactions: u64,
    /// Those among them that were prepared and never decided.
    pub(super) undecided: u64,
    pub(super) deltas: u64,
    /// What is wrong behind the last whole transaction.
    pub(super) damage: Option<Damage>,
    /// Whether it was being written when the file was taken: its name and its header say so.
    is_open: bool,
}

/// Why the rest of a log cannot be read.
#[derive(Clone, Debug)]
pub(super) struct Damage {
    pub(super) what: String,
    /// Whether the file only ends too early: what a crash leaves.
    pub(super) is_cut: bool,
}

impl Log {
    /// Reads the header and every change, and keeps nothing but numbers.
    pub(super) fn open(file: Opened, meaning: &Meaning) -> Result<Self> {
        let name = file.name.to_string();
        let mut bytes = file.from(0);
        if bytes.magic()? != *b"MGwl" {
            return Err(Error::corrupt(format!("{name} is no write-ahead log of Memgraph")));
        }
        let version = bytes.raw()?;
        version::check(version, &name)?;
        bytes.marker(0x42, "the offsets")?;
        let (metadata, from) = (bytes.uint()?, bytes.uint()?);
        if bytes.position() != metadata {
            bytes = file.from(metadata);
        }
        bytes.marker(0x23, "the metadata")?;
        let uuid = bytes.string()?;
        bytes.str()?;
        let sequence = bytes.uint()?;
        let mut summary = None;
        if version >= 36 {
            let end = bytes.position() + 1;
            check_sum(&file, 0, end, "header")?;
            bytes.uint()?;
        }
        if version >= 37 {
            let start = bytes.position();
            let numbers = (bytes.uint()?, bytes.uint()?, bytes.uint()?);
            check_sum(&file, start, bytes.position() + 1, "summary")?;
            bytes.uint()?;
            summary = (numbers.2 > 0).then_some(numbers);
        }
        if from < bytes.position() {
            return Err(bytes.damaged("the changes begin inside the header"));
        }
        let (span, damage) = (None, None);
        let is_open = summary.is_none() && name.ends_with("_current");
        let mut log = Self {
            file,
            version,
            uuid,
            sequence,
            from,
            to: from,
            span,
            transactions: 0,
            undecided: 0,
            deltas: 0,
            damage,
            is_open,
        };
        log.survey(&Meaning { version, enums: None, ..meaning.clone() });
        if let Some((_, _, announced)) = summary
            && log.deltas != announced
        {
            let what = format!("{name}: {announced} changes are announced and {} can be read", log.deltas);
            log.damage.get_or_insert(Damage { what, is_cut: false });
        }
        Ok(log)
    }

    /// Whether all that is wrong is that the last transaction was not finished when the file was taken. Who copies a log that a server writes gets
    /// such a file, and so does a crash: nothing that was committed and written is missing.
    pub(super) fn is_unfinished(&self) -> bool {
        self.is_open && self.damage.as_ref().is_some_and(|damage| damage.is_cut)
    }

    fn survey(&mut self, meaning: &Meaning) {
        let mut bytes = self.file.from(self.from);
        let mut of_open = 0;
        let mut open: Option<(u64, bool)> = None;
        while bytes.left() > 0 {
            if open.is_none() && self.version >= 36 {
                bytes.start_sum();
            }
            let place = bytes.position();
            let step =
                delta::read(&mut bytes, meaning, &mut |_| Ok(Some(Vec::new()))).and_then(|(timestamp, delta)| {
                    check_order(&bytes, self.version, open, timestamp, &delta).map(|()| (timestamp, delta))
                });
            let (timestamp, delta) = match step {
                Ok(step) => step,
                Err(error) => {
                    self.damage = Some(Damage { what: error.report(), is_cut: bytes.is_cut() });
                    return;
                }
            };
            of_open += 1;
            let ends = matches!(delta, Delta::End { .. });
            if self.version < 16 && !delta.is_of_graph() {
                // It stands alone, even between the changes of a transaction.
                (self.deltas, self.transactions) = (self.deltas + 1, self.transactions + 1);
                of_open -= 1;
                if open.is_none() {
                    self.to = bytes.position();
                    self.close(timestamp);
                }
            } else if ends {
                self.transactions += 1;
                self.undecided += u64::from(open.is_some_and(|(_, commits)| !commits));
                self.deltas += of_open;
                of_open = 0;
                open = None;
                self.to = bytes.position();
                self.close(timestamp);
            } else if open.is_none() {
                open = Some((timestamp, !matches!(delta, Delta::Start { commits: false })));
            }
            debug_assert!(bytes.position() > place);
        }
        if open.is_some() {
            let what = bytes.damaged("the file ends here, in the middle of a transaction").report();
            self.damage = Some(Damage { what, is_cut: true });
        }
    }

    fn close(&mut self, timestamp: u64) {
        self.span = Some((self.span.map_or(timestamp, |(first, _)| first), timestamp));
    }

    /// Pushes the changes of committed transactions with a timestamp after `after` and not after `until`, bounds left out.
    /// Gives the timestamp of the last one.
    pub(super) fn replay(
        &self,
        meaning: &Meaning,
        (after, until): (Option<u64>, u64),
        vectors: Vectors<'_>,
        sink: &mut dyn FnMut(Delta) -> Result<()>,
    ) -> Result<Option<u64>> {
        let meaning = Meaning { version: self.version, ..meaning.clone() };
        let mut bytes = self.file.from(self.from);
        let (mut last, mut commits) = (None, true);
        while bytes.position() < self.to {
            let (timestamp, delta) = delta::read(&mut bytes, &meaning, vectors)?;
            match delta {
                Delta::Start { commits: decided } => commits = decided,
                Delta::End { .. } => commits = true,
                _ if !commits || after.is_some_and(|after| timestamp <= after) || timestamp > until => {}
                delta => {
                    sink(delta).map_err(|error| place(error, &bytes))?;
                    last = Some(timestamp);
                }
            }
        }
        Ok(last)
    }
}

fn place(error: Error, bytes: &Bytes) -> Error {
    if error.position().is_some() { error } else { bytes.damaged(error.message()) }
}

fn check_order(bytes: &Bytes, version: u64, open: Option<(u64, bool)>, timestamp: u64, delta: &Delta) -> Result<()> {
    if let Delta::End { sum: Some((counted, stored)) } = delta
        && u64::from(*counted) != *stored
    {
        return Err(bytes.damaged("the checksum of the transaction that ends here is wrong"));
    }
    if matches!(delta, Delta::Start { .. }) && open.is_some() {
        return Err(bytes.damaged("a transaction begins inside another"));
    }
    if version >= 28 && open.is_none() && !matches!(delta, Delta::Start { .. }) {
        return Err(bytes.damaged("a change stands outside of a transaction"));
    }
    let stands_alone = version < 16 && !delta.is_of_graph();
    match open {
        Some((begun, _)) if begun != timestamp && !stands_alone => {
            Err(bytes.damaged(format!("the timestamp changes from {begun} to {timestamp} inside a transaction")))
        }
        _ => Ok(()),
    }
}

/// Checks the checksum of the bytes from `start` to `end`, which follows them.
fn check_sum(file: &Opened, start: u64, end: u64, what: &str) -> Result<()> {
    let mut bytes = file.from(start);
    bytes.start_sum();
    bytes.skip(end - start)?;
    let sum = bytes.sum();
    if bytes.raw()? == u64::from(sum) {
        Ok(())
    } else {
        Err(bytes.damaged(format!("the checksum of the {what} is wrong")))
    }
}
