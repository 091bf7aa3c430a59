//! Zip archives with one entry: what hugegraph-tools makes of each file.
//!
//! Reading needs a seekable file, since Java leaves sizes and the checksum for the archive's end; the entry itself is then inflated as a stream. Size and
//! checksum are compared when it ends.

use crate::error::{Error, Result};
use crate::format::Seekable;
use flate2::read::DeflateDecoder;
use jiff::civil;
use std::io::{Read, Seek as _, SeekFrom, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// The one entry of an archive, opened.
pub(super) struct Entry {
    /// Its bytes, inflated.
    pub(super) reader: Box<dyn Read + Send>,
    /// When it was written, in the writer's own zone and to two seconds; `None` where it does not say.
    pub(super) written: Option<civil::DateTime>,
}

/// Opens an archive's one entry, whose name has to be `bare`.
pub(super) fn open(file: Box<dyn Seekable>, bare: &str) -> Result<Entry> {
    let mut archive = ZipArchive::new(file).map_err(damaged)?;
    if archive.len() != 1 {
        return Err(Error::corrupt(format!("the archive has {} entries, and one was expected", archive.len())));
    }
    let entry = archive.by_index_raw(0).map_err(damaged)?;
    if entry.name().ok().as_deref() != Some(bare) || !entry.is_file() {
        return Err(Error::corrupt(format!("the archive does not hold a file {bare:?}")));
    }
    let start = entry.data_start().ok_or_else(|| Error::corrupt("the archive is damaged or cut off"))?;
    let (packed, size, checksum, method) = (entry.compressed_size(), entry.size(), entry.crc32(), entry.compression());
    let (is_encrypted, time) = (entry.encrypted(), entry.last_modified());
    drop(entry);
    if is_encrypted || !matches!(method, CompressionMethod::Stored | CompressionMethod::Deflated) {
        return Err(Error::corrupt(
            "the archive is encrypted, or compressed in a way that hugegraph-tools does not use",
        ));
    }
    let mut file = archive.into_inner();
    file.seek(SeekFrom::Start(start)).map_err(|cause| Error::io("reading the archive", cause))?;
    let packed = file.take(packed);
    let inner: Box<dyn Read + Send> = match method {
        CompressionMethod::Stored => Box::new(packed),
        _ => Box::new(DeflateDecoder::new(std::io::BufReader::with_capacity(64 << 10, packed))),
    };
    let written = time.and_then(|time| {
        let [year, month, day] = [time.year() as i16, time.month().into(), time.day().into()];
        let [hour, minute, second] = [time.hour(), time.minute(), time.second()].map(i16::from);
        let small = |number: i16| i8::try_from(number).ok();
        civil::DateTime::new(year, small(month)?, small(day)?, small(hour)?, small(minute)?, small(second)?, 0).ok()
    });
    // An archive of ours says nothing of time: the first day that one can name.
    let written = written.filter(|at| at.year() > 1980);
    Ok(Entry { reader: Box::new(Checked { inner, size, checksum, crc: flate2::Crc::new(), read: 0 }), written })
}

fn damaged(cause: zip::result::ZipError) -> Error {
    match cause {
        zip::result::ZipError::Io(cause) if cause.raw_os_error().is_some() => Error::io("reading the archive", cause),
        cause => Error::corrupt("the archive is damaged or cut off").caused_by(cause),
    }
}

/// Compares size and checksum when the data end.
struct Checked {
    inner: Box<dyn Read + Send>,
    size: u64,
    checksum: u32,
    crc: flate2::Crc,
    read: u64,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let wrong = |what: String| std::io::Error::new(std::io::ErrorKind::InvalidData, what);
        let read = self.inner.read(buffer)?;
        self.read += read as u64;
        self.crc.update(buffer.get(..read).unwrap_or_default());
        if self.read > self.size || (read == 0 && !buffer.is_empty() && self.read < self.size) {
            return Err(wrong(format!("the entry says that it has {} bytes, and has other than that", self.size)));
        }
        if read == 0 && !buffer.is_empty() && self.crc.sum() != self.checksum {
            return Err(wrong("the entry's checksum does not match its bytes".to_owned()));
        }
        Ok(read)
    }
}

/// Where an archive's bytes gather until they are taken.
#[derive(Clone, Default)]
struct Gathered(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Gathered {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An archive with one entry that is being written. It says nothing of time, so that the same graph gives the same bytes.
pub(super) struct Archive {
    zip: ZipWriter<StreamWriter<Gathered>>,
    gathered: Gathered,
}

impl Archive {
    pub(super) fn new(bare: &str) -> Result<Self> {
        let gathered = Gathered::default();
        let mut zip = ZipWriter::new_stream(gathered.clone());
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        zip.start_file(bare, options).map_err(unwritable)?;
        Ok(Self { zip, gathered })
    }

    /// Adds to the entry; appends what of the archive is ready to `out`.
    pub(super) fn add(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        self.zip.write_all(bytes).map_err(|cause| Error::io("writing an archive", cause))?;
        self.take(out);
        Ok(())
    }

    /// Appends the rest of the archive to `out`.
    pub(super) fn finish(self, out: &mut Vec<u8>) -> Result<()> {
        let Self { zip, gathered } = self;
        zip.finish().map_err(unwritable)?;
        out.append(&mut gathered.0.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }

    fn take(&self, out: &mut Vec<u8>) {
        out.append(&mut self.gathered.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn unwritable(cause: zip::result::ZipError) -> Error {
    Error::failed("the archive cannot be written").caused_by(cause)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Cursor;

    fn archive(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut archive = Archive::new("edges7").unwrap();
        text.chunks(1000).for_each(|part| archive.add(part, &mut out).unwrap());
        archive.finish(&mut out).unwrap();
        out
    }

    fn read(bytes: &[u8]) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        let mut entry = open(Box::new(Cursor::new(bytes.to_vec())), "edges7")?;
        entry.reader.read_to_end(&mut out).map_err(Error::reading)?;
        Ok(out)
    }

    #[test]
    fn an_entry_goes_there_and_back() {
        for size in [0, 1, 100_000] {
            let text: Vec<u8> = (0..size).map(|at: u32| (at.wrapping_mul(at) >> 7) as u8).collect();
            assert_eq!(read(&archive(&text)).unwrap(), text);
        }
        assert!(open(Box::new(Cursor::new(archive(b"x"))), "edges8").is_err());
    }

    #[test]
    fn no_damage_goes_unseen() {
        let text = b"{\"edges\": []}\n".repeat(40);
        let whole = archive(&text);
        for cut in 0..whole.len() {
            assert!(read(&whole[..cut]).is_err(), "cut at {cut}");
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            // Bytes that say nothing of the content may change: versions, times, attributes.
            if let Ok(told) = read(&damaged) {
                assert_eq!(told, text, "byte {at}");
            }
        }
    }
}
