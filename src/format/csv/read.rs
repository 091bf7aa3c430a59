//! The reader: groups of files one after the other, rows into blocks.

use super::arguments::{Arguments, Group, divided, matches};
use super::column::{ColumnType, Sort};
use super::head::{Column, column};
use super::key::Keys;
use super::manifest::{ARGUMENTS, MANIFEST, Manifest, Member};
use super::parse;
use super::rows::Rows;
use crate::error::{Error, Result};
use crate::format::{Decoder, Files, Piece};
use crate::model::block::KindMemo;
use crate::model::header::Origin;
use crate::model::tally::Counter;
use crate::model::{Block, Class, Header, Kind, SchemaObject, Trailer, packstream};
use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Mutex};

/// An item may not be larger: a block's offsets have 32 bits.
const MAX_ITEM: usize = 1 << 30;

pub(super) struct Reader {
    files: Box<dyn Files>,
    arguments: Arguments,
    manifest: Option<Manifest>,
    header: Header,
    objects: VecDeque<SchemaObject>,
    groups: VecDeque<Group>,
    current: Option<Current>,
    keys: Keys,
    block: Block,
    kinds: KindMemo,
    raw: Vec<u8>,
    counter: Counter,
    relationships: i64,
    trailer: Option<Trailer>,
    is_done: bool,
}

/// A group that is being read.
struct Current {
    group: Group,
    columns: Vec<Column>,
    /// The names of the columns' properties, as they stand in a block.
    names: Vec<Vec<u8>>,
    waiting: VecDeque<String>,
    rows: Option<(String, Rows, Arc<Mutex<Seen>>)>,
}

/// What was read of a file, to be compared with the manifest.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) bytes: u64,
    pub(super) hash: blake3::Hasher,
}

pub(super) struct Watched(pub(super) Box<dyn Read + Send>, pub(super) Arc<Mutex<Seen>>);

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = self.0.read(buffer)?;
        if let Ok(mut seen) = self.1.lock() {
            seen.bytes += size as u64;
            seen.hash.update(buffer.get(..size).unwrap_or_default());
        }
        Ok(size)
    }
}

pub(super) fn whole(files: &dyn Files, name: &str) -> Result<String> {
    let mut text = String::new();
    let read = files.open(name)?.take(MAX_ITEM as u64).read_to_string(&mut text);
    read.map_err(|cause| Error::io(format!("reading {name}"), cause))?;
    Ok(text)
}

impl Reader {
    /// Reads a folder by its own arguments.
    pub(super) fn new(files: Box<dyn Files>) -> Result<Self> {
        let names = files.names()?;
        let has = |name: &str| names.iter().any(|known| known == name);
        if !has(ARGUMENTS) {
            return Err(Error::usage("the folder is not a dump: it has no import.args").hint(
                "for CSV of your own, give --nodes and --relationships as to neo4j-admin, or put them into a file import.args in it, one a line",
            ));
        }
        let text = whole(&*files, ARGUMENTS)?;
        let arguments = Arguments::parse(&text).map_err(|error| error.in_file(ARGUMENTS))?;
        let manifest = has(MANIFEST).then(|| Manifest::parse(&whole(&*files, MANIFEST)?)).transpose()?;
        if let Some(manifest) = &manifest {
            let hash = blake3::hash(text.as_bytes());
            compare(manifest, ARGUMENTS, &Member::new(ARGUMENTS, text.len() as u64, &hash))?;
        }
        Self::begin(files, arguments, manifest)
    }

    /// Reads a folder of others by arguments that came from elsewhere.
    pub(super) fn with(files: Box<dyn Files>, arguments: Arguments) -> Result<Self> {
        if let Some(own) = files.names()?.iter().find(|name| matches!(&***name, ARGUMENTS | MANIFEST)) {
            return Err(Error::usage(format!("the folder has an {own} that says what its files are"))
                .hint("leave --nodes, --relationships and what belongs to them out, or remove that file"));
        }
        Self::begin(files, arguments, None)
    }

    fn begin(files: Box<dyn Files>, arguments: Arguments, manifest: Option<Manifest>) -> Result<Self> {
        let header = match &manifest {
            Some(manifest) => manifest.header.clone(),
            None => Header { source: Origin { product: "csv".into(), ..Origin::default() }, ..Header::default() },
        };
        let objects = manifest.iter().flat_map(|manifest| manifest.schema.clone()).collect();
        let mut this = Self {
            groups: arguments.groups.iter().cloned().collect(),
            keys: Keys::Plain,
            files,
            arguments,
            manifest,
            header,
            objects,
            current: None,
            block: Block::new(Class::Nodes),
            kinds: KindMemo::new(),
            raw: Vec::new(),
            counter: Counter::default(),
            relationships: 0,
            trailer: None,
            is_done: false,
        };
        if !this.ids_are_plain()? {
            this.keys = Keys::named();
        }
        Ok(this)
    }

    /// Whether ids can stay what they are: in our own dumps, and where all of them are integers of one space.
    fn ids_are_plain(&self) -> Result<bool> {
        if self.manifest.is_some() {
            return Ok(true);
        }
        let mut spaces = Vec::new();
        for group in self.groups.iter().filter(|group| group.class == Class::Nodes) {
            for column in self.open(group.clone())?.columns {
                if let Column::Id { space, is_integer, .. } = column {
                    if !is_integer {
                        return Ok(false);
                    }
                    spaces.push(space);
                }
            }
        }
        spaces.sort();
        spaces.dedup();
        Ok(spaces.len() <= 1)
    }

    /// Opens a group: resolves its files and reads its header.
    fn open(&self, group: Group) -> Result<Current> {
        let mut waiting = VecDeque::new();
        for file in &group.files {
            if !file.contains('*') {
                waiting.push_back(file.clone());
                continue;
            }
            let (folder, pattern) = divided(file);
            let names = if folder.is_empty() { self.files.names()? } else { self.files.names_in(folder)? };
            let is_file = names.iter().any(|name| name == pattern);
            let is_meant = |name: &&String| if is_file { *name == pattern } else { matches(pattern, name) };
            let found = waiting.len();
            waiting.extend(names.iter().filter(is_meant).map(|name| format!("{folder}{name}")));
            if waiting.len() == found {
                return Err(Error::usage(format!("no file is meant by {file:?}")));
            }
        }
        let mut current = Current { group, columns: Vec::new(), names: Vec::new(), waiting, rows: None };
        self.next_file(&mut current)?;
        let Some((name, rows, _)) = &mut current.rows else { return Err(Error::usage("--nodes needs files")) };
        let class = current.group.class;
        if !rows.advance().map_err(|error| error.in_file(name))? {
            return Err(Error::corrupt(format!("{name} has no header")));
        }
        for at in 0..rows.fields().len() {
            let text = rows.text(at);
            // Spreadsheets put a mark before the first byte.
            let text = if at == 0 { text.trim_start_matches('\u{feff}') } else { text };
            let read = column(text, class, self.arguments.has_integer_ids);
            let read = read.map_err(|error| error.at(rows.position()).in_file(name))?;
            let is_twice =
                key_of(&read).is_some_and(|key| current.columns.iter().any(|known| key_of(known) == Some(key)));
            if is_twice {
                return Err(Error::corrupt("a property comes twice in the header").at(rows.position()).in_file(name));
            }
            let mut name = Vec::new();
            if let Column::Property { key, .. } = &read {
                packstream::put_string(&mut name, key);
            }
            current.names.push(name);
            current.columns.push(read);
        }
        let has = |wanted: fn(&Column) -> bool| current.columns.iter().any(wanted);
        let missing = match class {
            Class::Nodes => false,
            Class::Relationships => {
                !has(|column| matches!(column, Column::Start(_)))
                    || !has(|column| matches!(column, Column::End(_)))
                    || (current.group.names.is_empty() && !has(|column| matches!(column, Column::Type)))
            }
        };
        if missing {
            let error = Error::corrupt("a header of relationships needs :START_ID, :END_ID and a type");
            return Err(error.in_file(name));
        }
        Ok(current)
    }

    /// Goes to the next file of the group; `false` after the last.
    fn next_file(&self, current: &mut Current) -> Result<bool> {
        if let Some((name, _, seen)) = current.rows.take()
            && let Some(manifest) = &self.manifest
        {
            let seen = seen.lock().map_err(|_| Error::failed("a reading thread panicked"))?;
            compare(manifest, &name, &Member::new(&name, seen.bytes, &seen.hash.finalize()))?;
        }
        let Some(name) = current.waiting.pop_front() else { return Ok(false) };
        let seen = Arc::new(Mutex::new(Seen::default()));
        let file = self.files.open(&name)?;
        let reader: Box<dyn Read + Send> = match self.manifest {
            Some(_) => Box::new(Watched(file, Arc::clone(&seen))),
            None => file,
        };
        current.rows = Some((name, Rows::new(reader, self.arguments.delimiter, self.arguments.quote), seen));
        Ok(true)
    }

    /// Reads rows until the block is full or the file ends.
    fn fill(&mut self) -> Result<()> {
        loop {
            let Some(mut current) = self.current.take() else {
                let Some(group) = self.groups.pop_front() else {
                    self.is_done = true;
                    return Ok(());
                };
                self.current = Some(self.open(group)?);
                continue;
            };
            let class = current.group.class;
            if self.block.class() != class && self.block.is_empty() {
                self.block = Block::new(class);
                self.kinds.clear();
            }
            if !self.block.is_empty() {
                // Blocks end with their file: the kinds that they remember are those of one group.
                self.current = Some(current);
                return Ok(());
            }
            if let Some((name, rows, _)) = &mut current.rows {
                let mut row = Row {
                    arguments: &self.arguments,
                    group: &current.group,
                    columns: &current.columns,
                    names: &current.names,
                    keys: &mut self.keys,
                    block: &mut self.block,
                    kinds: &mut self.kinds,
                    raw: &mut self.raw,
                    relationships: &mut self.relationships,
                };
                while !row.block.is_full() && rows.advance().map_err(|error| error.in_file(name))? {
                    row.read(rows).map_err(|error| match error.position() {
                        Some(_) => error.in_file(name),
                        None => error.at(rows.position()).in_file(name),
                    })?;
                }
            }
            if self.block.is_empty() && !self.next_file(&mut current)? {
                continue;
            }
            self.current = Some(current);
        }
    }

    fn finish(&mut self) -> Result<()> {
        let Some(manifest) = &self.manifest else { return Ok(()) };
        manifest.schema.iter().for_each(|object| self.counter.object(object));
        manifest.tally.check(&self.counter.tally())?;
        self.trailer = Some(Trailer {
            tally: manifest.tally.clone(),
            source_changed: manifest.source_changed,
            blake3: blake3::hash(manifest.text()?.as_bytes()).to_hex().to_string(),
        });
        Ok(())
    }
}

/// The property that a column is, or is too.
fn key_of(column: &Column) -> Option<&str> {
    match column {
        Column::Property { key, .. } | Column::Id { key: Some(key), .. } => Some(key),
        _ => None,
    }
}

pub(super) fn compare(manifest: &Manifest, name: &str, found: &Member) -> Result<()> {
    let Some(known) = manifest.members.iter().find(|member| member.name == name) else {
        return Err(Error::corrupt(format!("{name} is not a member of the dump"))
            .hint("remove graphferry.json to read the folder as CSV made by others"));
    };
    if known.bytes == found.bytes && known.blake3 == found.blake3 {
        return Ok(());
    }
    Err(Error::corrupt(format!("{name} was changed or damaged since the dump was written"))
        .hint("if the change is meant, remove graphferry.json: the folder is then read as CSV made by others"))
}

impl Decoder for Reader {
    fn header(&self) -> &Header {
        &self.header
    }

    fn next(&mut self) -> Result<Option<Piece>> {
        if let Some(object) = self.objects.pop_front() {
            return Ok(Some(Piece::Object(object)));
        }
        if self.is_done {
            return Ok(None);
        }
        self.fill()?;
        if self.block.is_empty() {
            self.finish()?;
            return Ok(None);
        }
        self.kinds.clear();
        let block = std::mem::replace(&mut self.block, Block::new(Class::Nodes));
        // Nothing is held against the counts of others, and their headers name no property twice.
        if self.manifest.is_some() {
            self.counter.block(&block)?;
        }
        Ok(Some(Piece::Block(block)))
    }

    fn trailer(&self) -> Option<&Trailer> {
        self.trailer.as_ref()
    }

    fn warnings(&self) -> Vec<String> {
        match self.manifest {
            Some(_) => Vec::new(),
            None => vec!["the folder has no graphferry.json: nothing tells whether the files are complete".to_owned()],
        }
    }
}

/// A row on its way into the block.
struct Row<'a> {
    arguments: &'a Arguments,
    group: &'a Group,
    columns: &'a [Column],
    names: &'a [Vec<u8>],
    keys: &'a mut Keys,
    block: &'a mut Block,
    kinds: &'a mut KindMemo,
    raw: &'a mut Vec<u8>,
    relationships: &'a mut i64,
}

impl Row<'_> {
    fn read(&mut self, rows: &mut Rows) -> Result<()> {
        let found = rows.fields().len();
        if found > self.columns.len() && !self.arguments.ignores_extra_columns {
            return Err(Error::corrupt(format!("a row of {found} fields under a header of {}", self.columns.len())));
        }
        let (mut id, mut start, mut end) = (None, None, None);
        let mut members = 0;
        self.raw.clear();
        let map = packstream::open_map(self.block.buffer());
        let columns = self.columns;
        for (at, (column, name)) in columns.iter().zip(self.names).enumerate().take(found) {
            let number = match column {
                Column::Id { key: None, .. } | Column::Start(_) | Column::End(_) if self.keys.are_plain() => {
                    rows.integer(at)
                }
                Column::Property { column: ColumnType { sort: Sort::Integer, is_array: false }, .. } => {
                    rows.integer(at)
                }
                Column::Property { column: ColumnType { sort: Sort::Double, is_array: false }, .. } => {
                    if let Some(number) = rows.decimal(at) {
                        let out = self.block.buffer();
                        out.extend_from_slice(name);
                        packstream::put_float(out, number);
                        members += 1;
                        continue;
                    }
                    None
                }
                _ => None,
            };
            // Nearly all ids and most numbers are spelled as usual, and nothing else has to be asked of them.
            if let Some(number) = number {
                match column {
                    Column::Id { .. } => id = Some(number),
                    Column::Start(_) => start = Some(number),
                    Column::End(_) => end = Some(number),
                    Column::Property { .. } => {
                        let out = self.block.buffer();
                        out.extend_from_slice(name);
                        packstream::put_integer(out, number);
                        members += 1;
                    }
                    _ => {}
                }
                continue;
            }
            let is_quoted = rows.fields().get(at).is_some_and(|field| field.quoted);
            let text = rows.text(at);
            match column {
                Column::Ignore => {}
                Column::Id { space, key, is_integer } => {
                    id = Some(self.keys.node(space, text)?);
                    if let (Some(key), false) = (key, text.is_empty()) {
                        let sort = if *is_integer { Sort::Integer } else { Sort::String };
                        packstream::put_string(self.block.buffer(), key);
                        parse::value(text, sort, &[], self.block.buffer())?;
                        members += 1;
                    }
                }
                Column::Start(space) => start = Some(self.keys.end(space, text)?),
                Column::End(space) => end = Some(self.keys.end(space, text)?),
                Column::Label | Column::Type => {
                    self.raw.extend_from_slice(text.as_bytes());
                    // Two columns of labels are told apart from one.
                    self.raw.push(0xFF);
                }
                Column::Property { key, column, options } => {
                    let is_text = column.sort == Sort::String && !column.is_array;
                    let is_missing =
                        text.is_empty() && !(is_text && is_quoted && !self.arguments.ignores_empty_strings);
                    if is_missing {
                        continue;
                    }
                    self.block.buffer().extend_from_slice(name);
                    let named = |error: Error| Error::new(error.kind(), format!("column {key:?}: {}", error.message()));
                    self.property(text, *column, options).map_err(named)?;
                    members += 1;
                }
            }
        }
        map.close(self.block.buffer(), members);
        let kind = self.kind()?;
        if self.block.is_empty() {
            self.block.set_first_line(rows.line());
        }
        let line = u32::try_from(rows.line().saturating_sub(self.block.first_line())).unwrap_or(0);
        match self.block.class() {
            Class::Nodes => {
                let id = match id {
                    Some(id) => id,
                    None => self.keys.node("", "")?,
                };
                self.block.push(id, 0, 0, kind, line);
            }
            Class::Relationships => {
                let missing = || Error::corrupt("a relationship without start or end");
                let (start, end) = (start.ok_or_else(missing)?, end.ok_or_else(missing)?);
                let id = *self.relationships;
                *self.relationships += 1;
                self.block.push(id, start, end, kind, line);
            }
        }
        match self.block.byte_len() > MAX_ITEM * 2 {
            true => Err(Error::corrupt("the properties of one item are larger than 1 GiB")),
            false => Ok(()),
        }
    }

    fn property(&mut self, text: &str, column: ColumnType, options: &[(String, String)]) -> Result<()> {
        let out = self.block.buffer();
        if !column.is_array {
            let text = if self.arguments.trims { text.trim() } else { text };
            return parse::value(text, column.sort, options, out);
        }
        let elements = text.split(self.arguments.array_delimiter);
        if column.sort == Sort::Byte {
            let byte = |text: &str| text.trim().parse::<i8>().map(|byte| byte as u8);
            let bytes: std::result::Result<Vec<u8>, _> = elements.map(byte).collect();
            let bytes = bytes.map_err(|_| Error::corrupt("an element is not a byte of -128 to 127"))?;
            packstream::put_bytes(out, &bytes);
            return Ok(());
        }
        packstream::put_list(out, elements.clone().count());
        for element in elements {
            let element = if self.arguments.trims { element.trim() } else { element };
            parse::value(element, column.sort, options, out)?;
        }
        Ok(())
    }

    /// The kind of the row: what the group has, and what stands in it.
    fn kind(&mut self) -> Result<u32> {
        let Self { arguments, group, kinds, block, raw, .. } = self;
        let class = block.class();
        kinds.index(block, raw, || {
            let mut names = group.names.clone();
            for cell in raw.split(|byte| *byte == 0xFF).filter(|cell| !cell.is_empty()) {
                let cell = std::str::from_utf8(cell).map_err(|_| Error::corrupt("a label is not valid UTF-8"))?;
                match class {
                    Class::Relationships => names = vec![cell.to_owned()],
                    Class::Nodes => {
                        for label in cell.split(arguments.array_delimiter).filter(|label| !label.is_empty()) {
                            if !names.iter().any(|known| known == label) {
                                names.push(label.to_owned());
                            }
                        }
                    }
                }
            }
            if class == Class::Relationships && names.is_empty() {
                return Err(Error::corrupt("a relationship without a type"));
            }
            Ok(Kind::labels(names))
        })
    }
}
