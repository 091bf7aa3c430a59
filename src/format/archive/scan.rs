//! The members of an archive, one after the other, out of a stream; nothing is looked into here but headers.

use super::member::{self, BLOCK, END, MANIFEST, Said, Sort};
use super::part::Stored;
use crate::error::{Error, Position, Result};
use std::io::{ErrorKind as IoKind, Read};

/// A larger part is refused: its rows could not be read either.
pub(super) const MAX_PART: u64 = (1 << 30) + (64 << 20);

/// A larger manifest is refused.
const MAX_MANIFEST: u64 = 1 << 30;

/// A stream of members.
pub(super) struct Scan {
    reader: Box<dyn Read + Send>,
    hasher: blake3::Hasher,
    offset: u64,
    time: Option<u64>,
    /// The sort of the last part that holds data: nodes come before relationships.
    data: Sort,
}

/// What comes next.
pub(super) enum Member {
    Part(Stored),
    /// The last member, and the hash of all that was before its header.
    Manifest {
        text: Vec<u8>,
        before: String,
    },
}

impl Scan {
    pub(super) fn new(reader: Box<dyn Read + Send>) -> Self {
        Self { reader, hasher: blake3::Hasher::new(), offset: 0, time: None, data: Sort::Schema }
    }

    fn place(&self) -> Position {
        Position { byte: Some(self.offset), ..Position::default() }
    }

    fn cut_off(&self) -> Error {
        Error::corrupt("the archive is cut off: the rest is missing").at(self.place())
    }

    /// Reads so many bytes. No more is allocated than comes.
    fn take(&mut self, size: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(size.min(4 << 20) as usize);
        let read = self.reader.by_ref().take(size).read_to_end(&mut bytes);
        read.map_err(|cause| Error::reading(cause).at(self.place()))?;
        self.offset += bytes.len() as u64;
        if bytes.len() as u64 == size { Ok(bytes) } else { Err(self.cut_off()) }
    }

    /// Reads zeros.
    fn zeros(&mut self, size: usize) -> Result<()> {
        let zeros = self.take(size as u64)?;
        self.hasher.update(&zeros);
        if zeros.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        Err(Error::corrupt("what fills up a block of the archive is damaged").at(self.place()))
    }

    /// The next member. After the manifest or an error it must not be called again.
    pub(super) fn next(&mut self) -> Result<Member> {
        let place = self.place();
        let before = self.hasher.clone();
        let block = self.take(BLOCK as u64)?;
        let block: &[u8; BLOCK] = block.as_slice().try_into().map_err(|_| self.cut_off())?;
        if block.iter().all(|byte| *byte == 0) {
            return Err(Error::corrupt("the archive ends without its manifest: the rest is missing").at(place));
        }
        let Said { name, size, time } = member::parse(block).map_err(|error| error.at(place.clone()))?;
        if *self.time.get_or_insert(time) != time {
            return Err(Error::corrupt("the header of a member is damaged: its time is another one").at(place));
        }
        let sort = Sort::parse(&name);
        let limit = if sort.is_some() { MAX_PART } else { MAX_MANIFEST };
        if size > limit {
            return Err(Error::corrupt(format!("the member {name} has {size} bytes, more than any may have")).at(place));
        }
        if sort.is_none() && name != MANIFEST {
            return Err(Error::corrupt(format!("the archive has a member {name:?}, which none may have")).at(place));
        }
        self.hasher.update(block);
        let bytes = self.take(size)?;
        self.hasher.update(&bytes);
        self.zeros(member::padding(size))?;
        let Some((sort, first_line)) = sort else {
            self.end()?;
            return Ok(Member::Manifest { text: bytes, before: before.finalize().to_hex().to_string() });
        };
        if matches!(sort, Sort::Nodes | Sort::Relationships) {
            if sort < self.data {
                return Err(Error::corrupt("a part with nodes after one with relationships").at(place));
            }
            self.data = sort;
        }
        Ok(Member::Part(Stored { sort, first_line, name, bytes }))
    }

    /// Two blocks of zeros, and nothing behind them.
    fn end(&mut self) -> Result<()> {
        self.zeros(END)?;
        loop {
            return match self.reader.read(&mut [0]) {
                Ok(0) => Ok(()),
                Ok(_) => Err(Error::corrupt("the archive goes on after its end").at(self.place())),
                Err(cause) if cause.kind() == IoKind::Interrupted => continue,
                Err(cause) => Err(Error::reading(cause).at(self.place())),
            };
        }
    }
}
