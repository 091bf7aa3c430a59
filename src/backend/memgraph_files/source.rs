//! The files as a source: the snapshot as a stream, with what the logs change of it.

use super::bytes::Bytes;
use super::folder::Loaded;
use super::overlay::{Changes, NodeChange, apply_label};
use super::records::{Extent, Link, Lookup, Node};
use super::snapshot::Snapshot;
use super::sort::Sorter;
use super::value::Meaning;
use super::version;
use crate::backend::{self, Names, Source};
use crate::error::{Error, Result};
use crate::model::block::KindMemo;
use crate::model::change;
use crate::model::header::Origin;
use crate::model::packstream::{Cursor, put_map, put_string};
use crate::model::{Block, Class, Consistency, Kind, Schema};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::path::Path;

/// Files that were understood.
#[derive(Debug)]
pub(super) struct Files {
    loaded: Loaded,
    meaning: Meaning,
    origin: Origin,
}

impl Files {
    pub(super) fn new(path: &Path, loaded: Loaded, meaning: &Meaning) -> Self {
        let enums = Some(loaded.catalog.enums.clone());
        let formats = loaded.formats.iter().map(|format| format!("{format} (Memgraph {})", version::releases(*format)));
        let origin = Origin {
            product: "memgraph".to_owned(),
            version: format!("format {}", formats.collect::<Vec<_>>().join(", ")),
            edition: String::new(),
            database: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        };
        Self { loaded, meaning: Meaning { enums, ..meaning.clone() }, origin }
    }
}

impl Source for Files {
    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn snapshot(&mut self, _want: Option<Consistency>) -> Result<Box<dyn backend::Snapshot + '_>> {
        Ok(Box::new(View { files: self }))
    }
}

struct View<'a> {
    files: &'a Files,
}

impl backend::Snapshot for View<'_> {
    fn consistency(&self) -> Consistency {
        Consistency::Snapshot
    }

    fn schema(&mut self) -> Result<Schema> {
        Ok(self.files.loaded.catalog.schema(&self.files.meaning.zone))
    }

    fn names(&mut self) -> Result<Names> {
        let mut names = Names::default();
        let Loaded { snapshot, overlay, .. } = &self.files.loaded;
        // A snapshot has one table for all names.
        for name in snapshot.iter().flat_map(|snapshot| snapshot.names.values()) {
            names.labels.insert(name.to_string());
            names.properties.insert(name.to_string());
        }
        for node in overlay.nodes.values() {
            names.labels.extend(node.labels.iter().map(|(name, _)| name.clone()));
            names.properties.extend(node.properties.keys().cloned());
        }
        for relationship in overlay.relationships.values() {
            names.labels.extend(relationship.ends.iter().map(|(name, ..)| name.clone()));
            names.properties.extend(relationship.properties.keys().cloned());
        }
        Ok(names)
    }

    fn estimate(&mut self) -> Result<Option<(u64, u64)>> {
        let Loaded { snapshot, overlay, .. } = &self.files.loaded;
        let Extent { nodes, out, .. } = snapshot.as_ref().map(|snapshot| snapshot.extent).unwrap_or_default();
        let count = |is_new: usize, is_gone: usize, base: u64| (base + is_new as u64).saturating_sub(is_gone as u64);
        let of_nodes = |test: fn(&NodeChange) -> bool| overlay.nodes.values().filter(|node| test(node)).count();
        let new = overlay.relationships.values().filter(|relationship| relationship.is_new).count();
        let gone = overlay.relationships.values().filter(|relationship| relationship.is_gone).count();
        let nodes = count(of_nodes(|node| node.is_new), of_nodes(|node| node.is_gone), nodes);
        Ok(Some((nodes, count(new, gone, out))))
    }

    fn scan(&mut self, class: Class, sink: &mut dyn FnMut(Block) -> Result<()>) -> Result<()> {
        match class {
            Class::Nodes => self.files.nodes(sink),
            Class::Relationships => self.files.relationships(sink),
        }
    }

    fn missing(&self) -> Vec<String> {
        self.files.loaded.missing.clone()
    }

    fn absent(&self) -> Vec<String> {
        vec![super::ABSENT.to_owned()]
    }

    fn warnings(&self) -> Vec<String> {
        let absent = std::iter::once(super::ABSENT.to_owned());
        absent.chain(self.files.loaded.notes.iter().cloned()).collect()
    }

    fn finish(&mut self) -> Result<Option<bool>> {
        Ok(Some(false))
    }
}

/// Collects items and hands on full blocks.
struct Blocks<'a> {
    block: Block,
    memo: KindMemo,
    sink: &'a mut dyn FnMut(Block) -> Result<()>,
}

impl<'a> Blocks<'a> {
    fn new(class: Class, sink: &'a mut dyn FnMut(Block) -> Result<()>) -> Self {
        Self { block: Block::new(class), memo: KindMemo::new(), sink }
    }

    /// Has room for another item.
    fn next(&mut self) -> Result<()> {
        if self.block.is_full() {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let class = self.block.class();
        let block = std::mem::replace(&mut self.block, Block::new(class));
        self.memo.clear();
        if block.is_empty() { Ok(()) } else { (self.sink)(block) }
    }
}

/// The vectors that lie with an index instead of with the item; where they are is looked up once an index.
struct Vectors<'a> {
    snapshot: &'a Snapshot,
    places: FxHashMap<String, FxHashMap<i64, (u64, u64)>>,
}

impl Vectors<'_> {
    fn find(&mut self, id: i64, indexes: &[String]) -> Result<Option<Vec<f64>>> {
        for name in indexes {
            if !self.places.contains_key(name) {
                self.places.insert(name.clone(), self.places_of(name)?);
            }
            let Some((from, dimension)) = self.places.get(name).and_then(|places| places.get(&id)) else { continue };
            let mut bytes = self.snapshot.file.from(*from);
            return (0..*dimension).map(|_| bytes.double()).collect::<Result<_>>().map(Some);
        }
        Ok(None)
    }

    fn places_of(&self, name: &str) -> Result<FxHashMap<i64, (u64, u64)>> {
        let mut places = FxHashMap::default();
        for entries in self.snapshot.vectors.iter().filter(|entries| entries.index == *name) {
            let mut bytes = self.snapshot.file.from(entries.from);
            for _ in 0..entries.count {
                let id = bytes.gid()?;
                places.insert(id, (bytes.position(), entries.dimension));
                bytes.skip(entries.dimension.saturating_mul(9))?;
            }
        }
        Ok(places)
    }
}

/// Writes what is left of `base` under `changes` to `out`.
fn put_changed(base: Option<&[u8]>, changes: &Changes, out: &mut Vec<u8>) -> Result<()> {
    let set: Vec<_> = changes.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))).collect();
    let mut written = Vec::new();
    put_map(&mut written, set.len());
    for (name, value) in set {
        put_string(&mut written, name);
        written.extend_from_slice(value);
    }
    let Some(base) = base else {
        out.extend_from_slice(&written);
        return Ok(());
    };
    let mut kept = Vec::new();
    let mut cursor = Cursor::new(base);
    for _ in 0..cursor.map()? {
        let name = cursor.string()?;
        let value = cursor.raw()?;
        if !matches!(changes.get(name), Some(None)) {
            kept.push((name, value));
        }
    }
    let mut left = Vec::new();
    put_map(&mut left, kept.len());
    for (name, value) in kept {
        put_string(&mut left, name);
        left.extend_from_slice(value);
    }
    out.extend_from_slice(&change::overwritten(&left, &written)?);
    Ok(())
}

fn of(what: &str, id: i64, problem: &str) -> Error {
    Error::corrupt(format!("{what} {id} {problem}")).hint("a log is missing or the logs do not belong to this snapshot")
}

impl Files {
    fn lookup<'a>(&'a self, snapshot: &'a Snapshot, meaning: &'a Meaning) -> Lookup<'a> {
        debug_assert_eq!(meaning.version, snapshot.version);
        Lookup { names: &snapshot.names, meaning }
    }

    fn meaning_of(&self, snapshot: &Snapshot) -> Meaning {
        Meaning { version: snapshot.version, ..self.meaning.clone() }
    }

    fn nodes(&self, sink: &mut dyn FnMut(Block) -> Result<()>) -> Result<()> {
        let changes = &self.loaded.overlay.nodes;
        let mut blocks = Blocks::new(Class::Nodes, sink);
        let mut changed = 0;
        if let Some(snapshot) = &self.loaded.snapshot {
            let meaning = self.meaning_of(snapshot);
            let lookup = self.lookup(snapshot, &meaning);
            let mut vectors = Vectors { snapshot, places: FxHashMap::default() };
            let (mut node, mut apart) = (Node::default(), Vec::new());
            let mut bytes = snapshot.file.from(snapshot.nodes.from);
            for _ in 0..snapshot.extent.nodes {
                blocks.next()?;
                let block = &mut blocks.block;
                apart.clear();
                let out = if changes.is_empty() { block.buffer() } else { &mut apart };
                lookup.node(&mut bytes, &mut node, &mut |id, names| vectors.find(id, names), out)?;
                let id = node.id;
                let Some(change) = changes.get(&id) else {
                    block.buffer().extend_from_slice(&apart);
                    let kind = blocks.memo.index(block, &node.labels, || snapshot.labels(&node.labels))?;
                    block.push(id, 0, 0, kind, 0);
                    continue;
                };
                if change.is_new {
                    return Err(of("node", id, "is created by a log and is in the snapshot"));
                }
                changed += 1;
                if change.is_gone {
                    continue;
                }
                let kind = snapshot.labels(&node.labels)?;
                let mut labels: Vec<&str> = kind.names().iter().map(AsRef::as_ref).collect();
                for (name, is_there) in &change.labels {
                    apply_label(&mut labels, name, *is_there).map_err(|error| of("node", id, error.message()))?;
                }
                put_changed(Some(&apart), &change.properties, block.buffer())?;
                let kind = block.intern(&Kind::labels(labels));
                block.push(id, 0, 0, kind, 0);
            }
        }
        let new = changes.values().filter(|change| change.is_new).count();
        self.check_found(changes.len() - new, changed, "nodes")?;
        for (id, change) in changes.iter().filter(|(_, change)| change.is_new) {
            blocks.next()?;
            put_changed(None, &change.properties, blocks.block.buffer())?;
            let kind = blocks.block.intern(&Kind::labels(change.labels.iter().map(|(name, _)| name)));
            blocks.block.push(*id, 0, 0, kind, 0);
        }
        blocks.flush()
    }

    /// What the logs change has to be there; a damaged snapshot may lack it.
    fn check_found(&self, wanted: usize, found: usize, what: &str) -> Result<()> {
        let is_whole = self.loaded.snapshot.as_ref().is_none_or(|snapshot| snapshot.extent.is_whole);
        if wanted == found || !is_whole {
            return Ok(());
        }
        Err(Error::corrupt(format!("the logs change {} {what} that the snapshot does not have", wanted - found))
            .hint("a log is missing or the logs do not belong to this snapshot"))
    }

    fn relationships(&self, sink: &mut dyn FnMut(Block) -> Result<()>) -> Result<()> {
        let changes = &self.loaded.overlay.relationships;
        let mut blocks = Blocks::new(Class::Relationships, sink);
        let mut changed = 0;
        if let Some(snapshot) = &self.loaded.snapshot {
            changed = self.stored_relationships(snapshot, &mut blocks)?;
        }
        let new = changes.values().filter(|change| change.is_new).count();
        self.check_found(changes.len() - new, changed, "relationships")?;
        let mut known: BTreeMap<&str, u32> = BTreeMap::new();
        for (id, change) in changes.iter().filter(|(_, change)| change.is_new) {
            let Some((name, start, end)) = &change.ends else { continue };
            if blocks.block.is_full() {
                known.clear();
            }
            blocks.next()?;
            put_changed(None, &change.properties, blocks.block.buffer())?;
            let kind = *known.entry(name).or_insert_with(|| blocks.block.intern(&Kind::relationship(name)));
            blocks.block.push(*id, *start, *end, kind, 0);
        }
        blocks.flush()
    }

    /// The relationships of the snapshot in the order of their ids; gives how many of them the logs change.
    fn stored_relationships(&self, snapshot: &Snapshot, blocks: &mut Blocks<'_>) -> Result<usize> {
        let (changes, nodes) = (&self.loaded.overlay.relationships, &self.loaded.overlay.nodes);
        let meaning = self.meaning_of(snapshot);
        let lookup = self.lookup(snapshot, &meaning);
        let extent = snapshot.extent;
        let mut sorted = self.links(snapshot, &lookup)?.sorted()?;
        let mut vectors = Vectors { snapshot, places: FxHashMap::default() };
        let mut records = snapshot.relationships.map(|section| snapshot.file.from(section.from));
        let (mut apart, mut changed, mut last) = (Vec::new(), 0, -1);
        while let Some(link) = sorted.next()? {
            let Link { id, start, end, kind } = link;
            if id == last {
                return Err(Error::corrupt(format!("{}: relationship {id} is there twice", snapshot.file.name)));
            }
            last = id;
            if !extent.is_whole && (end > extent.last_node || records.is_some() && id > extent.last_relationship) {
                continue;
            }
            blocks.next()?;
            let change = if changes.is_empty() { None } else { changes.get(&id) };
            let out = if change.is_some() { &mut apart } else { blocks.block.buffer() };
            match &mut records {
                None => put_map(out, 0),
                Some(bytes) => find_record(bytes, &lookup, &mut vectors, id, extent.is_whole, out)?,
            }
            let name = snapshot.names.get(&kind).map_or("", |name| name);
            if let Some(change) = change {
                changed += 1;
                if change.is_new {
                    return Err(of("relationship", id, "is created by a log and is in the snapshot"));
                }
                if change
                    .ends
                    .as_ref()
                    .is_some_and(|(kind, from, to)| (kind.as_str(), *from, *to) != (name, start, end))
                {
                    return Err(of("relationship", id, "is deleted with other ends than it has"));
                }
                if change.is_gone {
                    apart.clear();
                    continue;
                }
                put_changed(Some(&apart), &change.properties, blocks.block.buffer())?;
                apart.clear();
            }
            if !nodes.is_empty() && [start, end].iter().any(|node| nodes.get(node).is_some_and(|node| node.is_gone)) {
                return Err(of("relationship", id, "is there and one of its ends was deleted"));
            }
            let kind = blocks
                .memo
                .index(&mut blocks.block, &kind.to_le_bytes(), || Ok::<_, Error>(Kind::relationship(name)))?;
            blocks.block.push(id, start, end, kind, 0);
        }
        Ok(changed)
    }

    fn links(&self, snapshot: &Snapshot, lookup: &Lookup<'_>) -> Result<Sorter> {
        let mut sorter = Sorter::default();
        let (mut node, mut unused) = (Node::default(), Vec::new());
        let mut bytes = snapshot.file.from(snapshot.nodes.from);
        for _ in 0..snapshot.extent.nodes {
            unused.clear();
            lookup.node(&mut bytes, &mut node, &mut |_, _| Ok(Some(Vec::new())), &mut unused)?;
            for link in &node.out {
                sorter.push(*link)?;
            }
        }
        Ok(sorter)
    }
}

/// Reads on until the record of a relationship.
fn find_record(
    bytes: &mut Bytes,
    lookup: &Lookup<'_>,
    vectors: &mut Vectors<'_>,
    wanted: i64,
    is_whole: bool,
    out: &mut Vec<u8>,
) -> Result<()> {
    let from = out.len();
    loop {
        let id = lookup.relationship(bytes, &mut |id, names| vectors.find(id, names), out)?;
        if id == wanted {
            return Ok(());
        }
        // In a whole snapshot there is one record for each relationship.
        if is_whole || id > wanted {
            return Err(bytes.damaged(format!("there is no record of relationship {wanted}")));
        }
        out.truncate(from);
    }
}
