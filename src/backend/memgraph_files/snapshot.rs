//! One snapshot: its header, its small sections, and where its nodes and relationships lie. They are read as a stream (`records.rs`).

use super::bytes::{Bytes, Opened};
use super::catalog::{self, Catalog, TimeToLive, Vector};
use super::describe;
use super::records::{self, Extent};
use super::value::Meaning;
use super::version;
use crate::error::{Error, Result};
use crate::model::{ConstraintKind, Entity, Kind, SchemaObject};
use rustc_hash::FxHashMap;

/// Names by the ids that a snapshot has for them.
pub(super) type Names = FxHashMap<u64, Box<str>>;

/// A snapshot whose sections were read.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) file: Opened,
    pub(super) version: u64,
    pub(super) uuid: String,
    /// The last transaction that is in it.
    pub(super) timestamp: u64,
    pub(super) names: Names,
    pub(super) catalog: Catalog,
    pub(super) nodes: Section,
    /// Properties of relationships; `None` in a file that was written without them.
    pub(super) relationships: Option<Section>,
    /// Where the vectors of vector indexes are: index, first entry, entries, dimension.
    pub(super) vectors: Vec<Entries>,
    /// How much of it was proved to be readable; all of it but in a damaged one.
    pub(super) extent: Extent,
    /// What cannot be read.
    pub(super) damage: Vec<String>,
}

/// The entries of one vector index.
#[derive(Clone, Debug)]
pub(super) struct Entries {
    pub(super) index: String,
    pub(super) from: u64,
    pub(super) count: u64,
    pub(super) dimension: u64,
}

/// So many records from an offset on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section {
    pub(super) from: u64,
    pub(super) count: u64,
}

/// What the metadata tells: all that the choice between snapshots needs.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) version: u64,
    pub(super) uuid: String,
    pub(super) timestamp: u64,
    offsets: Vec<u64>,
    relationships: u64,
    nodes: u64,
}

impl About {
    /// Reads header and metadata.
    pub(super) fn read(file: &Opened) -> Result<Self> {
        let mut bytes = file.from(0);
        if bytes.magic()? != *b"MGsn" {
            return Err(Error::corrupt(format!("{} is no snapshot of Memgraph", file.name)));
        }
        let version = bytes.raw()?;
        version::check(version, &file.name)?;
        bytes.marker(0x42, "the offsets")?;
        let count = match version {
            14 => 7,
            15 | 16 => 9,
            17 => 10,
            18..30 => 11,
            30..34 => 12,
            _ => 13,
        };
        let offsets = (0..count).map(|_| bytes.uint()).collect::<Result<Vec<_>>>()?;
        let mut about = Self { version, uuid: String::new(), timestamp: 0, offsets, relationships: 0, nodes: 0 };
        let metadata = about.offset(Part::Metadata);
        if metadata == 0 {
            return Err(bytes.damaged("the snapshot was never finished"));
        }
        bytes = file.from(metadata);
        bytes.marker(0x23, "the metadata")?;
        about.uuid = bytes.string()?;
        bytes.str()?;
        about.timestamp = bytes.uint()?;
        if version >= 23 {
            about.timestamp = bytes.uint()?;
        }
        (about.relationships, about.nodes) = (bytes.uint()?, bytes.uint()?);
        Ok(about)
    }

    fn offset(&self, part: Part) -> u64 {
        let version = self.version;
        let at = match part {
            Part::Relationships => 0,
            Part::Nodes => 1,
            Part::Indexes => 2,
            Part::EdgeIndexes => 3,
            Part::Constraints => 3 + usize::from(version >= 17),
            Part::Mapper => 4 + usize::from(version >= 17),
            Part::Enums => 6,
            Part::Metadata => 6 + usize::from(version >= 17) + usize::from(version >= 18),
            Part::Ttl => 11,
            Part::Descriptions => 12,
        };
        self.offsets.get(at).copied().unwrap_or(0)
    }
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Relationships,
    Nodes,
    Indexes,
    EdgeIndexes,
    Constraints,
    Mapper,
    Enums,
    Metadata,
    Ttl,
    Descriptions,
}

impl Snapshot {
    /// Reads the sections and proves every record readable. What is damaged is told in `damage`, as long as names and counts can be read.
    pub(super) fn open(file: Opened, meaning: &Meaning) -> Result<Self> {
        let about = About::read(&file)?;
        let version = about.version;
        let mut snapshot = Self {
            names: names(&file, about.offset(Part::Mapper))?,
            nodes: Section { from: about.offset(Part::Nodes), count: about.nodes },
            relationships: match about.offset(Part::Relationships) {
                0 => None,
                from => Some(Section { from, count: about.relationships }),
            },
            version,
            uuid: about.uuid.clone(),
            timestamp: about.timestamp,
            catalog: Catalog::default(),
            vectors: Vec::new(),
            extent: Extent::default(),
            damage: Vec::new(),
            file,
        };
        if version >= 18 {
            snapshot.catalog.enums = enums(&snapshot.file, about.offset(Part::Enums))?;
        }
        let enums = Some(snapshot.catalog.enums.clone());
        let meaning = Meaning { version, enums, ..meaning.clone() };
        type Reading = fn(&mut Snapshot, u64, &Meaning) -> Result<()>;
        let parts: [(Part, u64, &str, Reading); 5] = [
            (Part::Indexes, 14, "indexes on nodes", Self::indexes),
            (Part::EdgeIndexes, 17, "other indexes", Self::edge_indexes),
            (Part::Constraints, 14, "constraints", Self::constraints),
            (Part::Ttl, 30, "time-to-live", Self::ttl),
            (Part::Descriptions, 34, "descriptions", Self::descriptions),
        ];
        for (part, since, what, read) in parts {
            if version >= since
                && let Err(error) = read(&mut snapshot, about.offset(part), &meaning)
            {
                snapshot.damage.push(format!("{what} cannot all be read: {}", error.report()));
            }
        }
        records::prove(&mut snapshot, &meaning);
        Ok(snapshot)
    }

    fn name(&self, bytes: &mut Bytes) -> Result<String> {
        let id = bytes.uint()?;
        self.names.get(&id).map(ToString::to_string).ok_or_else(|| bytes.damaged(format!("there is no name {id}")))
    }

    fn name_list(&self, bytes: &mut Bytes) -> Result<Vec<String>> {
        let count = bytes.count(9)?;
        (0..count).map(|_| self.name(bytes)).collect()
    }

    fn paths(&self, bytes: &mut Bytes) -> Result<Vec<Vec<String>>> {
        match self.version {
            ..24 => Ok(vec![vec![self.name(bytes)?]]),
            24 => Ok(self.name_list(bytes)?.into_iter().map(|property| vec![property]).collect()),
            _ => {
                let count = bytes.count(9)?;
                (0..count).map(|_| self.name_list(bytes)).collect()
            }
        }
    }

    fn push(&mut self, object: SchemaObject) {
        self.catalog.objects.push(object);
    }

    fn indexes(&mut self, from: u64, _: &Meaning) -> Result<()> {
        let bytes = &mut self.file.from(from);
        bytes.marker(0x24, "the indexes")?;
        for _ in 0..bytes.count(9)? {
            let label = self.name(bytes)?;
            self.push(catalog::range(Entity::Node, Some(label), Vec::new(), false));
        }
        if self.version >= 16 {
            for _ in 0..bytes.count(27)? {
                bytes.uint()?;
                bytes.uint()?;
                bytes.double()?;
            }
        }
        for is_descending in [false, true] {
            if is_descending && self.version < 34 {
                continue;
            }
            for _ in 0..bytes.count(18)? {
                let (label, paths) = (self.name(bytes)?, self.paths(bytes)?);
                self.push(catalog::range(Entity::Node, Some(label), paths, is_descending));
            }
        }
        Ok(())
    }

    fn edge_indexes(&mut self, from: u64, _: &Meaning) -> Result<()> {
        let bytes = &mut self.file.from(from);
        let version = self.version;
        bytes.marker(0x28, "the indexes on relationships")?;
        for _ in 0..bytes.count(9)? {
            let name = self.name(bytes)?;
            self.push(catalog::range(Entity::Relationship, Some(name), Vec::new(), false));
        }
        if version >= 18 {
            for _ in 0..bytes.count(18)? {
                let (name, property) = (self.name(bytes)?, self.name(bytes)?);
                self.push(catalog::range(Entity::Relationship, Some(name), vec![vec![property]], false));
            }
        }
        for (since, on) in [(24, Entity::Relationship), (37, Entity::Node)] {
            if version >= since {
                for _ in 0..bytes.count(9)? {
                    let property = self.name(bytes)?;
                    self.push(catalog::range(on, None, vec![vec![property]], false));
                }
            }
        }
        if version >= 20 {
            for _ in 0..bytes.count(18)? {
                let (label, property) = (self.name(bytes)?, self.name(bytes)?);
                self.push(catalog::point(label, property));
            }
        }
        for (since, entries, on) in [(22, 32, Entity::Node), (27, 34, Entity::Relationship)] {
            if version >= since {
                for _ in 0..bytes.count(30)? {
                    let vector = self.vector(bytes, version >= entries)?;
                    self.push(vector.object(on)?);
                }
            }
        }
        // Before format 31 the list is only there where the server had text search switched on.
        if version >= 31 || bytes.peek()? == Some(0x12) {
            for _ in 0..bytes.count(18)? {
                let (name, label) = (bytes.string()?, self.name(bytes)?);
                let properties = if version >= 29 { self.name_list(bytes)? } else { Vec::new() };
                self.push(catalog::text(Entity::Node, name, label, properties));
            }
        }
        if version >= 31 {
            for _ in 0..bytes.count(18)? {
                let (name, label) = (bytes.string()?, self.name(bytes)?);
                let properties = self.name_list(bytes)?;
                self.push(catalog::text(Entity::Relationship, name, label, properties));
            }
        }
        Ok(())
    }

    fn vector(&mut self, bytes: &mut Bytes, has_entries: bool) -> Result<Vector> {
        let name = bytes.string()?;
        let (mode, labels) = match self.version {
            ..35 => (0, vec![self.name(bytes)?]),
            _ => (bytes.uint()?, self.name_list(bytes)?),
        };
        let vector = Vector {
            name,
            mode,
            labels,
            property: self.name(bytes)?,
            metric: bytes.string()?,
            dimension: bytes.uint()?,
            resize: bytes.uint()?,
            capacity: bytes.uint()?,
            scalar: if self.version >= 26 { Some(bytes.uint()?) } else { None },
        };
        if has_entries {
            let count = bytes.count(9)?;
            let (from, dimension) = (bytes.position(), vector.dimension);
            self.vectors.push(Entries { index: vector.name.clone(), from, count, dimension });
            let size =
                dimension.checked_mul(9).and_then(|size| size.checked_add(9)).and_then(|size| size.checked_mul(count));
            let size = size.ok_or_else(|| bytes.damaged("a vector index is too large"))?;
            bytes.skip(size)?;
        }
        Ok(vector)
    }

    fn constraints(&mut self, from: u64, _: &Meaning) -> Result<()> {
        let bytes = &mut self.file.from(from);
        bytes.marker(0x25, "the constraints")?;
        for _ in 0..bytes.count(18)? {
            let (label, property) = (self.name(bytes)?, self.name(bytes)?);
            self.push(catalog::constraint(ConstraintKind::Existence, label, vec![property]));
        }
        for _ in 0..bytes.count(18)? {
            let (label, properties) = (self.name(bytes)?, self.name_list(bytes)?);
            self.push(catalog::constraint(ConstraintKind::Unique, label, properties));
        }
        if self.version >= 20 {
            for _ in 0..bytes.count(27)? {
                let (label, property) = (self.name(bytes)?, self.name(bytes)?);
                let kind = catalog::property_type(bytes.uint()?)?;
                self.push(catalog::constraint(kind, label, vec![property]));
            }
        }
        Ok(())
    }

    fn ttl(&mut self, from: u64, _: &Meaning) -> Result<()> {
        let bytes = &mut self.file.from(from);
        bytes.marker(0x2A, "the time-to-live")?;
        if bytes.boolean()? {
            bytes.boolean()?;
            let period = if bytes.boolean()? { Some(bytes.uint()?) } else { None };
            let start = if bytes.boolean()? { Some(bytes.uint()? / 1000) } else { None };
            self.catalog.ttl = Some(TimeToLive { period, start });
        }
        Ok(())
    }

    fn descriptions(&mut self, from: u64, meaning: &Meaning) -> Result<()> {
        let bytes = &mut self.file.from(from);
        bytes.marker(0x2B, "the descriptions")?;
        for _ in 0..bytes.count(18)? {
            let target = describe::target(bytes, meaning)?;
            let text = bytes.string()?;
            self.catalog.descriptions.push((target, text));
        }
        Ok(())
    }

    /// The kind of nodes with these labels, by their ids.
    pub(super) fn labels(&self, ids: &[u8]) -> Result<Kind> {
        let names = ids.chunks_exact(8).map(|id| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(id);
            let id = u64::from_le_bytes(bytes);
            self.names.get(&id).ok_or_else(|| Error::corrupt(format!("there is no name {id}")))
        });
        names.collect::<Result<Vec<_>>>().map(Kind::labels)
    }
}

fn names(file: &Opened, from: u64) -> Result<Names> {
    let mut bytes = file.from(from);
    bytes.marker(0x22, "the names")?;
    let mut names = Names::default();
    for _ in 0..bytes.count(18)? {
        let id = bytes.uint()?;
        if names.insert(id, bytes.str()?.into()).is_some() {
            return Err(bytes.damaged(format!("the name {id} is there twice")));
        }
    }
    Ok(names)
}

fn enums(file: &Opened, from: u64) -> Result<Vec<(String, Vec<String>)>> {
    let mut bytes = file.from(from);
    bytes.marker(0x29, "the enums")?;
    let count = bytes.count(18)?;
    (0..count).map(|_| Ok((bytes.string()?, bytes.strings()?))).collect()
}
