//! zstd and gzip.
//!
//! Data is compressed in frames that stand alone (zstd frames, gzip members), so that several threads can do it at once; `zstd -d` and
//! `gunzip` read the result as one file.

use crate::error::{Error, Result};
use std::io::{Read, Write as _};

/// How a dump is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// Zstandard at this level, 1 to 19.
    Zstd(i32),
    /// gzip at this level, 1 to 9.
    Gzip(u32),
}

impl Compression {
    /// The level that is used where none is asked for.
    pub const ZSTD: Self = Self::Zstd(3);
    /// The level that is used where none is asked for.
    pub const GZIP: Self = Self::Gzip(6);

    /// What a file of this name is expected to hold: `.zst` and `.gz` say so.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        if name.ends_with(".zst") || name.ends_with(".zstd") {
            Self::ZSTD
        } else if name.ends_with(".gz") || name.ends_with(".gzip") {
            Self::GZIP
        } else {
            Self::None
        }
    }

    /// What these first bytes of a file say. Four are enough.
    #[must_use]
    pub fn from_magic(first: &[u8]) -> Self {
        match first {
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Self::ZSTD,
            [0x1F, 0x8B, ..] => Self::GZIP,
            _ => Self::None,
        }
    }

    /// Compresses `data` into a frame of its own at the end of `out`. No data, no frame.
    ///
    /// # Errors
    /// The compressor fails.
    pub fn frame(self, data: &[u8], out: &mut Vec<u8>) -> Result<()> {
        if data.is_empty() {
            return Ok(());
        }
        match self {
            Self::None => out.extend_from_slice(data),
            Self::Zstd(level) => {
                let mut encoder =
                    zstd::stream::write::Encoder::new(out, level).map_err(|cause| Error::io("starting zstd", cause))?;
                encoder.include_checksum(true).map_err(|cause| Error::io("starting zstd", cause))?;
                encoder
                    .set_pledged_src_size(Some(data.len() as u64))
                    .and_then(|()| encoder.write_all(data))
                    .and_then(|()| encoder.finish().map(drop))
                    .map_err(|cause| Error::io("zstd compression", cause))?;
            }
            Self::Gzip(level) => {
                let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::new(level));
                encoder
                    .write_all(data)
                    .and_then(|()| encoder.finish().map(drop))
                    .map_err(|cause| Error::io("gzip compression", cause))?;
            }
        }
        Ok(())
    }

    /// A reader of the uncompressed data, over all frames.
    ///
    /// # Errors
    /// The decompressor cannot start.
    pub fn reader(self, from: impl Read + Send + 'static) -> Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::None => Box::new(from),
            Self::Zstd(_) => {
                let decoder = zstd::stream::read::Decoder::new(from);
                Box::new(decoder.map_err(|cause| Error::io("starting zstd", cause))?)
            }
            Self::Gzip(_) => Box::new(flate2::read::MultiGzDecoder::new(from)),
        })
    }
}
