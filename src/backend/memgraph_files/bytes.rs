//! The bytes of a durability file, read through one buffer from any offset on. No length that the file states is believed before the
//! file is known to have so many bytes.

use crate::error::{Error, Position, Result};
use flate2::Crc;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

/// Bytes that are read at once.
const CHUNK: usize = 1 << 18;
/// A text or an item larger than this is refused.
pub(super) const LARGEST: usize = 1 << 30;

/// An open file: its name for messages and its length when it was opened. What is appended later is not seen.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    pub(super) name: Arc<str>,
    pub(super) length: u64,
    file: Arc<File>,
}

impl Opened {
    pub(super) fn new(file: File, name: &str) -> Result<Self> {
        let about = file.metadata().map_err(|cause| Error::io(format!("opening {name}"), cause))?;
        Ok(Self { name: name.into(), length: about.len(), file: Arc::new(file) })
    }

    pub(super) fn from(&self, offset: u64) -> Bytes {
        Bytes {
            of: self.clone(),
            buffer: Vec::new(),
            start: offset,
            at: 0,
            crc: None,
            summed: 0,
            is_cut: false,
            text: Vec::new(),
        }
    }
}

/// A place in a file.
#[derive(Debug)]
pub(super) struct Bytes {
    of: Opened,
    buffer: Vec<u8>,
    /// Where in the file the buffer begins.
    start: u64,
    at: usize,
    crc: Option<Crc>,
    summed: usize,
    is_cut: bool,
    text: Vec<u8>,
}

impl Bytes {
    pub(super) fn position(&self) -> u64 {
        self.start + self.at as u64
    }

    pub(super) fn left(&self) -> u64 {
        self.of.length.saturating_sub(self.position())
    }

    /// Whether something was asked for beyond the end of the file.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// An error at this place.
    pub(super) fn damaged(&self, what: impl Into<String>) -> Error {
        let position = Position { file: self.of.name.to_string(), line: 0, byte: Some(self.position()) };
        Error::corrupt(what).at(position)
    }

    /// Begins a checksum with the next byte.
    pub(super) fn start_sum(&mut self) {
        self.crc = Some(Crc::new());
        self.summed = self.at;
    }

    /// The checksum of the bytes since its start.
    pub(super) fn sum(&mut self) -> u32 {
        self.add_to_sum();
        self.crc.as_ref().map_or(0, Crc::sum)
    }

    fn add_to_sum(&mut self) {
        if let Some(crc) = &mut self.crc {
            crc.update(self.buffer.get(self.summed..self.at).unwrap_or_default());
            self.summed = self.at;
        }
    }

    /// Has at least `size` bytes in the buffer; `size` is not larger than a chunk.
    fn fill(&mut self, size: usize) -> Result<()> {
        self.add_to_sum();
        self.buffer.drain(..self.at);
        self.start += self.at as u64;
        (self.at, self.summed) = (0, 0);
        let reading = |cause| Error::io(format!("reading {}", self.of.name), cause);
        let mut file = &*self.of.file;
        let have = self.buffer.len();
        file.seek(SeekFrom::Start(self.start + have as u64)).map_err(reading)?;
        let wanted = (CHUNK.max(size) as u64).min(self.of.length.saturating_sub(self.start)) as usize;
        if wanted > have {
            let limited = file.take((wanted - have) as u64);
            { limited }.read_to_end(&mut self.buffer).map_err(reading)?;
        }
        if self.buffer.len() < size {
            self.is_cut = true;
            return Err(self.damaged("the file ends here, in the middle of a record"));
        }
        Ok(())
    }

    #[inline]
    fn take(&mut self, size: usize) -> Result<&[u8]> {
        if self.buffer.len() - self.at < size {
            self.fill(size)?;
        }
        let from = self.at;
        self.at += size;
        Ok(self.buffer.get(from..self.at).unwrap_or_default())
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    #[inline]
    pub(super) fn raw(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(super) fn magic(&mut self) -> Result<[u8; 4]> {
        self.array()
    }

    /// The next byte, which stays; `None` at the end.
    pub(super) fn peek(&mut self) -> Result<Option<u8>> {
        if self.left() == 0 {
            return Ok(None);
        }
        let byte = self.byte()?;
        self.at -= 1;
        Ok(Some(byte))
    }

    #[inline]
    pub(super) fn marker(&mut self, wanted: u8, what: &str) -> Result<()> {
        let found = self.byte()?;
        if found == wanted { Ok(()) } else { Err(self.no_marker(found, what)) }
    }

    #[cold]
    pub(super) fn no_marker(&mut self, found: u8, what: &str) -> Error {
        self.at -= 1;
        self.damaged(format!("expected {what}, found the byte {found:#04X}"))
    }

    #[inline]
    pub(super) fn uint(&mut self) -> Result<u64> {
        let [marker, rest @ ..] = self.array::<9>()?;
        if marker == 0x12 {
            return Ok(u64::from_le_bytes(rest));
        }
        self.at -= 8;
        Err(self.no_marker(marker, "a number"))
    }

    /// An id as the model has it.
    #[inline]
    pub(super) fn gid(&mut self) -> Result<i64> {
        let gid = self.uint()?;
        i64::try_from(gid).map_err(|_| self.damaged(format!("{gid} is no id")))
    }

    /// A number of things of which each has at least `least` bytes.
    #[inline]
    pub(super) fn count(&mut self, least: u64) -> Result<u64> {
        let count = self.uint()?;
        self.fits(count, least)
    }

    /// The same without a marker.
    pub(super) fn raw_count(&mut self, least: u64) -> Result<u64> {
        let count = self.raw()?;
        self.fits(count, least)
    }

    #[inline]
    fn fits(&mut self, count: u64, least: u64) -> Result<u64> {
        if count.checked_mul(least).is_none_or(|size| size > self.left()) {
            self.is_cut = true;
            return Err(self.damaged(format!("{count} things are announced for which the file has no room")));
        }
        Ok(count)
    }

    pub(super) fn boolean(&mut self) -> Result<bool> {
        self.marker(0x11, "a boolean")?;
        match self.byte()? {
            0x00 => Ok(false),
            0xFF => Ok(true),
            found => Err(self.no_marker(found, "true or false")),
        }
    }

    pub(super) fn double(&mut self) -> Result<f64> {
        self.marker(0x13, "a float")?;
        Ok(f64::from_bits(self.raw()?))
    }

    /// A text; it is there until the next call.
    pub(super) fn str(&mut self) -> Result<&str> {
        self.marker(0x14, "a text")?;
        self.str_after_marker()
    }

    pub(super) fn str_after_marker(&mut self) -> Result<&str> {
        let size = self.raw_count(1)?;
        let place = self.position();
        let size = match usize::try_from(size) {
            Ok(size) if size <= LARGEST => size,
            _ => return Err(self.damaged(format!("a text of {size} bytes is too large"))),
        };
        if size > CHUNK {
            return self.long(size);
        }
        let name = Arc::clone(&self.of.name);
        std::str::from_utf8(self.take(size)?).map_err(|cause| not_text(&name, place).caused_by(cause))
    }

    fn long(&mut self, size: usize) -> Result<&str> {
        let place = self.position();
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        while text.len() < size {
            let part = (size - text.len()).min(CHUNK);
            text.extend_from_slice(self.take(part)?);
        }
        self.text = text;
        std::str::from_utf8(&self.text).map_err(|cause| not_text(&self.of.name, place).caused_by(cause))
    }

    pub(super) fn string(&mut self) -> Result<String> {
        self.str().map(str::to_owned)
    }

    pub(super) fn strings(&mut self) -> Result<Vec<String>> {
        let count = self.count(9)?;
        (0..count).map(|_| self.string()).collect()
    }

    /// Passes over so many bytes.
    pub(super) fn skip(&mut self, size: u64) -> Result<()> {
        self.fits(size, 1)?;
        let mut left = size;
        while left > 0 {
            let part = left.min(CHUNK as u64);
            self.take(part as usize)?;
            left -= part;
        }
        Ok(())
    }
}

fn not_text(name: &str, place: u64) -> Error {
    let position = Position { file: name.to_owned(), line: 0, byte: Some(place) };
    Error::corrupt("a text is not valid UTF-8").at(position)
}
