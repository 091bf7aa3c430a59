//! The files that vertices and edges are written to, one after the other: when one is large enough, the next begins.

use super::member::{Holds, Member};
use super::zipped::Archive;
use crate::error::Result;
use crate::format::Members;
use crate::format::member::Member as Listed;
use crate::model::Class;

/// A file ends at this size, before it is zipped: the official tool restores files in parallel.
const FULL: u64 = 64 << 20;

/// Bytes of an archive gather up to this size.
const FLUSH: usize = 256 << 10;

/// A file that is being written.
pub(super) struct File {
    name: String,
    archive: Option<Archive>,
    waiting: Vec<u8>,
    hash: blake3::Hasher,
    stored: u64,
    raw: u64,
}

impl File {
    pub(super) fn new(bare: &str, is_zipped: bool) -> Result<Self> {
        let archive = is_zipped.then(|| Archive::new(bare)).transpose()?;
        let name = if is_zipped { format!("{bare}.zip") } else { bare.to_owned() };
        Ok(Self { name, archive, waiting: Vec::new(), hash: blake3::Hasher::new(), stored: 0, raw: 0 })
    }

    pub(super) fn add(&mut self, bytes: &[u8], out: &mut dyn Members) -> Result<()> {
        self.raw += bytes.len() as u64;
        match &mut self.archive {
            Some(archive) => archive.add(bytes, &mut self.waiting)?,
            None => self.waiting.extend_from_slice(bytes),
        }
        if self.waiting.len() >= FLUSH { self.flush(out) } else { Ok(()) }
    }

    fn flush(&mut self, out: &mut dyn Members) -> Result<()> {
        self.hash.update(&self.waiting);
        self.stored += self.waiting.len() as u64;
        out.append(&self.name, &self.waiting)?;
        self.waiting.clear();
        self.waiting.shrink_to(8 * FLUSH);
        Ok(())
    }

    pub(super) fn finish(mut self, out: &mut dyn Members) -> Result<Listed> {
        if let Some(archive) = self.archive.take() {
            archive.finish(&mut self.waiting)?;
        }
        self.flush(out)?;
        Ok(Listed::new(&self.name, self.stored, &self.hash.finalize()))
    }
}

/// The files of vertices and edges. Their numbers go on from one class to the next, as those of the official tool do.
#[derive(Default)]
pub(super) struct Roll {
    next: u64,
    current: Option<(Class, File)>,
}

impl Roll {
    /// Writes a line; gives the file that ended before it.
    pub(super) fn add(
        &mut self,
        class: Class,
        line: &[u8],
        is_zipped: bool,
        out: &mut dyn Members,
    ) -> Result<Option<Listed>> {
        let mut ended = None;
        if self.current.as_ref().is_some_and(|(of, file)| *of != class || file.raw >= FULL) {
            ended = self.finish(out)?;
        }
        let (_, file) = match &mut self.current {
            Some(current) => current,
            none => {
                let bare = format!("{}{}", super::member::noun(class), self.next);
                debug_assert_eq!(Member::parse(&bare).map(|file| file.holds), Some(Holds::Data(class, self.next)));
                self.next += 1;
                none.insert((class, File::new(&bare, is_zipped)?))
            }
        };
        file.add(line, out)?;
        Ok(ended)
    }

    /// Ends the file that is being written, if there is one.
    pub(super) fn finish(&mut self, out: &mut dyn Members) -> Result<Option<Listed>> {
        self.current.take().map(|(_, file)| file.finish(out)).transpose()
    }
}
