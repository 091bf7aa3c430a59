//! The reader: files one after the other, schema first, then vertices, then edges; rows into blocks.

use super::age::{self, Age};
use super::elements::{Elements, Place};
use super::manifest::{MANIFEST, Manifest};
use super::member::{Holds, Member, members, noun};
use super::seen::Seen;
use super::{schema, zipped};
use crate::error::{Error, Result};
use crate::format::member::Member as Listed;
use crate::format::{Decoder, DecoderOptions, Files, Piece};
use crate::hugegraph::schema::DataType;
use crate::hugegraph::{Definitions, Id, Numbers, Zone, record};
use crate::model::header::Origin;
use crate::model::tally::Counter;
use crate::model::{Block, Class, Header, SchemaObject, Trailer};
use std::collections::VecDeque;
use std::io::{Read, Seek as _, SeekFrom};

/// A file of the schema may not be larger: all of it is kept.
const MAX_SCHEMA: u64 = 1 << 28;

/// So many edges without an end are named.
const NAMED: u64 = 3;

pub(super) struct Reader {
    files: Box<dyn Files>,
    manifest: Option<Manifest>,
    header: Header,
    definitions: Definitions,
    zone: Zone,
    objects: VecDeque<SchemaObject>,
    waiting: VecDeque<Member>,
    current: Option<Current>,
    numbers: Numbers,
    seen: Seen,
    scratch: record::Scratch,
    skip_dangling: bool,
    counter: Counter,
    warnings: Vec<String>,
    ambiguous: u64,
    twice: u64,
    dangling: u64,
    named: Vec<String>,
    edges: i64,
    trailer: Option<Trailer>,
    is_done: bool,
}

/// A file that is being read.
struct Current {
    name: String,
    class: Class,
    elements: Elements,
}

impl Reader {
    pub(super) fn new(files: Box<dyn Files>, options: &DecoderOptions) -> Result<Self> {
        let names = files.names()?;
        let manifest = names.iter().any(|name| name == MANIFEST).then(|| manifest(&*files)).transpose()?;
        let (members, strange) = members(&names)?;
        let mut warnings = Vec::new();
        match &manifest {
            Some(manifest) => {
                let ours: Vec<_> = members.iter().map(Member::name).chain(strange).collect();
                manifest.check_names(ours.iter().map(String::as_str))?;
            }
            None => warnings.extend(without_manifest(&*files, &members, &strange, options)?),
        }
        let mut definitions = Definitions::default();
        for file in &members {
            if let Holds::Schema(kind) = file.holds {
                let text = text(&*files, manifest.as_ref(), file).map_err(|error| error.in_file(&file.name()))?;
                schema::read(kind, &text, &file.name(), &mut definitions)?;
            }
        }
        let (zone, warning) = zone(manifest.as_ref(), options, &definitions)?;
        warnings.extend(warning);
        let header = match &manifest {
            Some(manifest) => manifest.header.clone(),
            None => Header { source: Origin { product: "hugegraph".into(), ..Origin::default() }, ..Header::default() },
        };
        let mut objects: VecDeque<_> = definitions.objects().objects.into();
        objects.extend(manifest.iter().flat_map(|manifest| manifest.more.clone()));
        Ok(Self {
            files,
            header,
            definitions,
            zone,
            objects,
            waiting: members.into_iter().filter(|file| matches!(file.holds, Holds::Data(..))).collect(),
            current: None,
            numbers: Numbers::default(),
            seen: Seen::new(manifest.is_some()),
            scratch: record::Scratch::default(),
            manifest,
            skip_dangling: options.skip_dangling,
            counter: Counter::default(),
            warnings,
            ambiguous: 0,
            twice: 0,
            dangling: 0,
            named: Vec::new(),
            edges: 0,
            trailer: None,
            is_done: false,
        })
    }

    /// The next block; `None` at the end.
    fn block(&mut self) -> Result<Option<Block>> {
        loop {
            if self.current.is_none() {
                let Some(file) = self.waiting.pop_front() else { return Ok(None) };
                self.current = Some(self.open(&file).map_err(|error| error.in_file(&file.name()))?);
            }
            let Some(mut current) = self.current.take() else { return Ok(None) };
            let mut block = Block::new(current.class);
            if self.fill(&mut current, &mut block)? {
                self.current = Some(current);
            }
            // Blocks end with their file, so that lines are those of one file.
            if !block.is_empty() {
                return Ok(Some(block));
            }
        }
    }

    fn open(&self, file: &Member) -> Result<Current> {
        let Holds::Data(class, _) = file.holds else { return Err(Error::failed("a file of the schema is no data")) };
        let (reader, _) = open(&*self.files, self.manifest.as_ref(), file)?;
        Ok(Current { name: file.name(), class, elements: Elements::new(reader, noun(class)) })
    }

    /// Reads until the block is full; `false` at the end of the file.
    fn fill(&mut self, current: &mut Current, block: &mut Block) -> Result<bool> {
        while !block.is_full() {
            let next = current.elements.next();
            let next = next.map_err(|error| error.at(current.elements.place().position(&current.name)))?;
            let Some((range, place)) = next else { return Ok(false) };
            let bytes = current.elements.bytes(range);
            let read = match current.class {
                Class::Nodes => self.vertex(bytes, &place, block),
                Class::Relationships => self.edge(bytes, &place, block),
            };
            read.map_err(|error| within(&place, &error).at(place.position(&current.name)))?;
        }
        Ok(true)
    }

    fn vertex(&mut self, bytes: &[u8], place: &Place, block: &mut Block) -> Result<()> {
        let mut reader = record::Reader::reusing(&self.definitions, &self.zone, std::mem::take(&mut self.scratch));
        let id = reader.vertex(text_of(bytes)?, block)?;
        self.ambiguous += reader.ambiguous;
        self.scratch = reader.into_scratch();
        let number = self.numbers.add(&id);
        let known = || self.numbers.find(&id).unwrap_or_default();
        if !self.seen.vertex(number.unwrap_or_else(known), &id, bytes)? {
            self.twice += 1;
            drop_last(block);
            return Ok(());
        }
        let number = number.ok_or_else(|| Error::corrupt(format!("vertex {id} is there twice")))?;
        place_last(block, place, [number, 0, 0]);
        Ok(())
    }

    fn edge(&mut self, bytes: &[u8], place: &Place, block: &mut Block) -> Result<()> {
        let mut reader = record::Reader::reusing(&self.definitions, &self.zone, std::mem::take(&mut self.scratch));
        let edge = reader.edge(text_of(bytes)?, block)?;
        self.ambiguous += reader.ambiguous;
        self.scratch = reader.into_scratch();
        if !self.seen.edge(&edge, &self.definitions, bytes)? {
            self.twice += 1;
            drop_last(block);
            return Ok(());
        }
        let [start, end] = &edge.ends;
        let find = |id: &Id<'_>| self.numbers.find(id).filter(|number| self.seen.has(*number));
        match (find(start), find(end)) {
            (Some(start), Some(end)) => {
                let id = self.edges;
                self.edges += 1;
                place_last(block, place, [id, start, end]);
            }
            (from, _) => {
                let missing = if from.is_none() { start } else { end };
                let what = format!("the edge {:?} from {start} to {end}: no file has the vertex {missing}", edge.label);
                if !self.skip_dangling {
                    return Err(Error::corrupt(what).hint(
                        "HugeGraph's backups are no snapshot: --dangling skip leaves such edges out and counts them",
                    ));
                }
                self.dangling += 1;
                if self.dangling <= NAMED {
                    self.named.push(what);
                }
                drop_last(block);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.is_done = true;
        if self.manifest.is_none() && self.ambiguous > 0 {
            self.warnings.push(format!(
                "{} dates lie in an hour that comes twice in the zone {}: the first was taken",
                self.ambiguous,
                self.zone.name()
            ));
        }
        if self.twice > 0 {
            let count = self.twice;
            self.warnings.push(format!("{count} rows that were there twice, equal in everything, were taken once"));
        }
        self.warnings.append(&mut self.named);
        let Some(manifest) = &self.manifest else { return Ok(()) };
        let mut says = manifest.tally.clone();
        if self.dangling > 0 {
            // What was left out cannot be compared by type.
            let read = self.counter.tally();
            says.relationships = says.relationships.saturating_sub(self.dangling);
            says.types = read.types;
        }
        says.check(&self.counter.tally())?;
        self.trailer = Some(Trailer {
            tally: says,
            source_changed: manifest.source_changed,
            blake3: blake3::hash(manifest.text()?.as_bytes()).to_hex().to_string(),
        });
        Ok(())
    }
}

/// Lines hold many records: which one it is.
fn within(place: &Place, error: &Error) -> Error {
    let told = Error::corrupt(format!("record {}: {}", place.record, error.message()));
    match error.advice() {
        Some(advice) => told.hint(advice),
        None => told,
    }
}

fn text_of(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|cause| Error::corrupt("the record is not valid UTF-8").caused_by(cause))
}

fn place_last(block: &mut Block, place: &Place, [id, start, end]: [i64; 3]) {
    if block.len() == 1 {
        block.set_first_line(place.line);
    }
    let line = u32::try_from(place.line.saturating_sub(block.first_line())).unwrap_or(0);
    if let Some(item) = block.items_mut().last_mut() {
        (item.id, item.start, item.end, item.line) = (id, start, end, line);
    }
}

/// Takes the last item out again.
fn drop_last(block: &mut Block) {
    let mut left = block.len();
    block.retain(|_, _| {
        left -= 1;
        left > 0
    });
    block.discard();
}

fn manifest(files: &dyn Files) -> Result<Manifest> {
    let mut text = String::new();
    let read = files.open(MANIFEST)?.take(MAX_SCHEMA).read_to_string(&mut text);
    read.map_err(|cause| Error::io(format!("reading {MANIFEST}"), cause))?;
    Manifest::parse(&text)
}

/// Opens a file, whatever its form; with a manifest only after it was compared with it.
fn open(files: &dyn Files, manifest: Option<&Manifest>, file: &Member) -> Result<(Box<dyn Read + Send>, Age)> {
    let name = file.name();
    let mut opened = files.seek(&name)?;
    if let Some(manifest) = manifest {
        let failed = |cause| Error::io(format!("reading {name}"), cause);
        let mut hasher = blake3::Hasher::new();
        let bytes = std::io::copy(&mut opened, &mut hasher).map_err(failed)?;
        manifest.check(&Listed::new(&name, bytes, &hasher.finalize()))?;
        opened.seek(SeekFrom::Start(0)).map_err(failed)?;
    }
    let changed = files.modified(&name);
    if !file.is_zipped {
        return Ok((Box::new(opened), Age { archived: None, changed }));
    }
    let entry = zipped::open(opened, &file.bare)?;
    Ok((entry.reader, Age { archived: entry.written, changed }))
}

fn text(files: &dyn Files, manifest: Option<&Manifest>, file: &Member) -> Result<String> {
    let (reader, _) = open(files, manifest, file)?;
    let mut bytes = Vec::new();
    reader.take(MAX_SCHEMA + 1).read_to_end(&mut bytes).map_err(Error::reading)?;
    if bytes.len() as u64 > MAX_SCHEMA {
        return Err(Error::corrupt("the schema is larger than 256 MiB"));
    }
    String::from_utf8(bytes).map_err(|cause| Error::corrupt("the file is not valid UTF-8").caused_by(cause))
}

/// What can be told of a backup that has no manifest.
fn without_manifest(
    files: &dyn Files,
    members: &[Member],
    strange: &[String],
    options: &DecoderOptions,
) -> Result<Vec<String>> {
    let mut warnings = vec![format!(
        "the folder has no {MANIFEST}: nothing tells whether the files are complete, or all of one backup"
    )];
    let age = |file: &Member| open(files, None, file).map(|(_, age)| age).map_err(|error| error.in_file(&file.name()));
    if let Some(first) = members.iter().find(|file| file.holds == Holds::Schema(0)) {
        let first = age(first)?;
        let data = members.iter().filter(|file| matches!(file.holds, Holds::Data(..)));
        let judged = data.map(|file| Ok((file.name(), age::judge(first, age(file)?)))).collect::<Result<Vec<_>>>()?;
        warnings.extend(age::tell(&judged, options.stale_files)?);
    }
    warnings.extend(strange.iter().map(|name| format!("{name} is not read: no backup has a file of this name")));
    for (kind, name) in super::member::SCHEMA.iter().enumerate() {
        if !members.iter().any(|file| file.holds == Holds::Schema(kind)) {
            warnings.push(format!("the folder has no {name}: it is a part of a backup"));
        }
    }
    Ok(warnings)
}

/// The zone that dates are local to, and what is to be said about it.
fn zone(manifest: Option<&Manifest>, options: &DecoderOptions, all: &Definitions) -> Result<(Zone, Option<String>)> {
    if let Some(manifest) = manifest {
        let zone = Zone::named(&manifest.timezone)
            .map_err(|cause| Error::corrupt(format!("{MANIFEST} names no time zone")).caused_by(cause))?;
        if options.timezone.as_deref().is_some_and(|said| said != manifest.timezone) {
            let said = format!("{MANIFEST} says that dates are in the zone {}", manifest.timezone);
            return Err(Error::usage(said).hint("leave --timezone out"));
        }
        return Ok((zone, None));
    }
    if let Some(name) = &options.timezone {
        return Ok((Zone::named(name)?, None));
    }
    let has_dates = all.property_keys.values().any(|key| key.data_type == DataType::Date);
    let warning = "dates are taken to be in UTC: if the server had another time zone, name it with --timezone";
    Ok((Zone::utc(), has_dates.then(|| warning.to_owned())))
}

impl Decoder for Reader {
    fn header(&self) -> &Header {
        &self.header
    }

    fn next(&mut self) -> Result<Option<Piece>> {
        if let Some(object) = self.objects.pop_front() {
            self.counter.object(&object);
            return Ok(Some(Piece::Object(object)));
        }
        if self.is_done {
            return Ok(None);
        }
        let Some(block) = self.block()? else {
            self.finish()?;
            return Ok(None);
        };
        self.counter.block(&block)?;
        Ok(Some(Piece::Block(block)))
    }

    fn trailer(&self) -> Option<&Trailer> {
        self.trailer.as_ref()
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }

    fn dangling(&self) -> u64 {
        self.dangling
    }
}
