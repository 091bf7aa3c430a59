//! The quarantine: items that the target refused, kept as a dump that can be mended and merged again.

use crate::error::{Error, Result};
use crate::model::json;
use crate::model::{Block, Class, Cursor, Item};
use crate::volume::Output;
use rustc_hash::FxHashMap;

/// Where refused items go.
pub trait Quarantine: Send {
    /// Keeps an item with the reason. A relationship's ends are ids of this quarantine: of nodes that were refused too, or given by [`Quarantine::refer`].
    ///
    /// # Errors
    /// It cannot be written.
    fn reject(&mut self, block: &Block, item: &Item, reason: &str) -> Result<()>;

    /// The id under which a node of the target is referred to.
    ///
    /// # Errors
    /// It cannot be written.
    fn refer(&mut self, id: i64) -> Result<i64>;
}

/// A quarantine that is a file in JSON Lines (docs/format.md).
pub struct QuarantineFile {
    output: Output,
    references: FxHashMap<i64, i64>,
    line: Vec<u8>,
    count: u64,
}

/// References are numbered from here: no database gives such ids.
const FIRST: i64 = i64::MIN + 1;

impl QuarantineFile {
    /// Writes to a file that appears when it is finished.
    #[must_use]
    pub fn new(output: Output) -> Self {
        Self { output, references: FxHashMap::default(), line: Vec::new(), count: 0 }
    }

    /// Makes the file appear, if anything is in it. Gives how many items there are.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(self) -> Result<u64> {
        if self.count > 0 {
            self.output.commit()?;
        }
        Ok(self.count)
    }

    fn text(&mut self, text: &str) -> Result<()> {
        let quoted = serde_json::to_string(text);
        self.line
            .extend(quoted.map_err(|cause| Error::failed("a text cannot be quoted").caused_by(cause))?.into_bytes());
        Ok(())
    }

    fn put(&mut self, text: &str) {
        self.line.extend_from_slice(text.as_bytes());
    }

    fn end(&mut self) -> Result<()> {
        self.line.push(b'\n');
        let line = std::mem::take(&mut self.line);
        let written = self.output.append(&line);
        self.line = line;
        self.line.clear();
        written
    }
}

impl Quarantine for QuarantineFile {
    fn reject(&mut self, block: &Block, item: &Item, reason: &str) -> Result<()> {
        self.line.clear();
        let names = block.kind(item).names();
        match block.class() {
            Class::Nodes => {
                self.put(&format!("{{\"node\":{},\"labels\":[", item.id));
                for (at, name) in names.iter().enumerate() {
                    self.put(if at > 0 { "," } else { "" });
                    self.text(name)?;
                }
                self.put("]");
            }
            Class::Relationships => {
                self.put(&format!("{{\"relationship\":{},\"type\":", item.id));
                self.text(block.kind(item).relationship_type())?;
                self.put(&format!(",\"start\":{},\"end\":{}", item.start, item.end));
            }
        }
        self.put(",\"properties\":");
        json::write_map(&mut Cursor::new(block.properties(item)), &mut self.line, |_, cause| cause)?;
        self.put(",\"reason\":");
        self.text(reason)?;
        self.put("}");
        self.count += 1;
        self.end()
    }

    fn refer(&mut self, id: i64) -> Result<i64> {
        if let Some(known) = self.references.get(&id) {
            return Ok(*known);
        }
        let reference = FIRST + self.references.len() as i64;
        self.references.insert(id, reference);
        self.line.clear();
        self.put(&format!("{{\"node\":{reference},\"existing\":{id}}}"));
        self.end()?;
        Ok(reference)
    }
}
