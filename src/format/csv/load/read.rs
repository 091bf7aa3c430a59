//! Reads the folder back: what its columns are says `graphferry.json`.

use super::cell::{EMPTY_LIST, ESCAPE, plain};
use crate::error::{Error, Result};
use crate::format::csv::cell::ARRAY_DELIMITER;
use crate::format::csv::column::Sort;
use crate::format::csv::manifest::{LoadColumn, LoadTable, Manifest, Member};
use crate::format::csv::parse;
use crate::format::csv::read::{Seen, Watched, compare};
use crate::format::csv::rows::Rows;
use crate::format::{Decoder, Files, Piece};
use crate::model::block::MAX_BYTES;
use crate::model::tally::Counter;
use crate::model::{Block, Class, Header, Kind, Point, SchemaObject, Trailer, ValueRef, packstream};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

pub(in crate::format::csv) struct Reader {
    files: Box<dyn Files>,
    manifest: Manifest,
    objects: VecDeque<SchemaObject>,
    tables: VecDeque<LoadTable>,
    current: Option<Current>,
    counter: Counter,
    relationships: i64,
    trailer: Option<Trailer>,
}

struct Current {
    table: LoadTable,
    class: Class,
    columns: Vec<(LoadColumn, Sort)>,
    rows: Rows,
    seen: Arc<Mutex<Seen>>,
}

impl Reader {
    pub(in crate::format::csv) fn new(files: Box<dyn Files>, manifest: Manifest) -> Self {
        let mut tables: Vec<_> = manifest.load.iter().flat_map(|loading| loading.tables.clone()).collect();
        // Nodes have to be known before what joins them.
        tables.sort_by_key(|table| table.class != Class::Nodes.noun());
        Self {
            files,
            objects: manifest.schema.clone().into(),
            tables: tables.into(),
            manifest,
            current: None,
            counter: Counter::default(),
            relationships: 0,
            trailer: None,
        }
    }

    fn open(&self, table: LoadTable) -> Result<Current> {
        let class = match &*table.class {
            noun if noun == Class::Nodes.noun() => Class::Nodes,
            noun if noun == Class::Relationships.noun() => Class::Relationships,
            other => return Err(Error::corrupt(format!("graphferry.json names a class {other:?}"))),
        };
        let columns = table.columns.iter().map(|column| {
            let sort = Sort::from_name(&column.kind);
            let sort = sort.ok_or_else(|| Error::corrupt(format!("graphferry.json names a type {:?}", column.kind)))?;
            Ok((column.clone(), sort))
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let watched = Watched(self.files.open(&table.file)?, Arc::clone(&seen));
        let mut rows = Rows::new(Box::new(watched), b',', b'"');
        if !rows.advance().map_err(|error| error.in_file(&table.file))? {
            return Err(Error::corrupt(format!("{} has no header", table.file)));
        }
        Ok(Current { table, class, columns, rows, seen })
    }

    /// The next block of the table that is being read; `None` at its end.
    fn fill(&mut self, current: &mut Current) -> Result<Option<Block>> {
        let mut block = Block::new(current.class);
        let kind = match current.class {
            Class::Nodes => Kind::labels(current.table.names.clone()),
            Class::Relationships => {
                Kind::relationship(current.table.names.first().map(String::as_str).unwrap_or_default())
            }
        };
        let kind = block.add_kind(kind);
        let name = &current.table.file;
        while !block.is_full()
            && block.byte_len() <= MAX_BYTES
            && current.rows.advance().map_err(|error| error.in_file(name))?
        {
            let place = current.rows.position();
            let read = row(&mut current.rows, &current.columns, kind, &mut self.relationships, &mut block);
            read.map_err(|error| error.at(place).in_file(name))?;
        }
        if !block.is_empty() {
            return Ok(Some(block));
        }
        let seen = current.seen.lock().map_err(|_| Error::failed("a reading thread panicked"))?;
        compare(&self.manifest, name, &Member::new(name, seen.bytes, &seen.hash.finalize()))?;
        Ok(None)
    }
}

fn row(
    rows: &mut Rows,
    columns: &[(LoadColumn, Sort)],
    kind: u32,
    relationships: &mut i64,
    block: &mut Block,
) -> Result<()> {
    let ends = if block.class() == Class::Nodes { 1 } else { 2 };
    if rows.fields().len() != columns.len() + ends {
        let found = rows.fields().len();
        return Err(Error::corrupt(format!("a row of {found} fields instead of {}", columns.len() + ends)));
    }
    let mut ids = [0; 2];
    for (at, id) in ids.iter_mut().enumerate().take(ends) {
        if let Some(number) = rows.integer(at) {
            *id = number;
            continue;
        }
        let text = rows.text(at);
        *id = text.parse().map_err(|_| Error::corrupt(format!("{text:?} is not the id of a node")))?;
    }
    let map = packstream::open_map(block.buffer());
    let mut members = 0;
    for (at, (column, sort)) in columns.iter().enumerate() {
        if *sort == Sort::Integer
            && !column.list
            && let Some(number) = rows.integer(at + ends)
        {
            members += 1;
            packstream::put_string(block.buffer(), &column.key);
            packstream::put_integer(block.buffer(), number);
            continue;
        }
        let text = rows.text(at + ends);
        if text.is_empty() {
            continue;
        }
        members += 1;
        packstream::put_string(block.buffer(), &column.key);
        let out = block.buffer();
        let named = |error: Error| Error::new(error.kind(), format!("column {:?}: {}", column.key, error.message()));
        match column.list {
            false => single(text, *sort, out).map_err(named)?,
            true if is_empty_list(text) => packstream::put_list(out, 0),
            true => {
                let elements = text.split(char::from(ARRAY_DELIMITER));
                packstream::put_list(out, elements.clone().count());
                elements.into_iter().try_for_each(|element| single(element, *sort, out)).map_err(named)?;
            }
        }
    }
    map.close(block.buffer(), members);
    let [first, second] = ids;
    let line = u32::try_from(rows.line()).unwrap_or(0);
    match block.class() {
        Class::Nodes => block.push(first, 0, 0, kind, line),
        Class::Relationships => {
            block.push(*relationships, first, second, kind, line);
            *relationships += 1;
        }
    }
    Ok(())
}

fn is_empty_list(text: &str) -> bool {
    let mut chars = text.chars();
    (chars.next(), chars.next(), chars.next()) == (Some(ESCAPE), Some(EMPTY_LIST), None)
}

fn single(text: &str, sort: Sort, out: &mut Vec<u8>) -> Result<()> {
    let wrong = || Error::corrupt(format!("{:?} is not a {}", text.chars().take(80).collect::<String>(), sort.name()));
    match sort {
        Sort::String if text.contains(ESCAPE) => {
            packstream::put_string(out, &plain(text).ok_or_else(wrong)?);
            Ok(())
        }
        Sort::Integer if text.contains(' ') => {
            let (high, low) = text.split_once(' ').ok_or_else(wrong)?;
            let (high, low) = (high.parse::<i32>(), low.parse::<u32>());
            let (Ok(high), Ok(low)) = (high, low) else { return Err(wrong()) };
            packstream::put_integer(out, i64::from(high) << 32 | i64::from(low));
            Ok(())
        }
        Sort::Point => {
            let mut parts = text.split(' ');
            let srid = parts.next().and_then(|part| part.parse().ok()).ok_or_else(wrong)?;
            let numbers = parts.map(str::parse).collect::<std::result::Result<Vec<f64>, _>>().map_err(|_| wrong())?;
            let point = match *numbers {
                [x, y] => Point { srid, x, y, z: None },
                [x, y, z] => Point { srid, x, y, z: Some(z) },
                _ => return Err(wrong()),
            };
            packstream::put_value(out, &ValueRef::Point(point));
            Ok(())
        }
        _ => parse::value(text, sort, &[], out),
    }
}

impl Decoder for Reader {
    fn header(&self) -> &Header {
        &self.manifest.header
    }

    fn next(&mut self) -> Result<Option<Piece>> {
        if let Some(object) = self.objects.pop_front() {
            return Ok(Some(Piece::Object(object)));
        }
        loop {
            let mut current = match self.current.take() {
                Some(current) => current,
                None => match self.tables.pop_front() {
                    Some(table) => self.open(table)?,
                    None => break,
                },
            };
            if let Some(block) = self.fill(&mut current)? {
                self.current = Some(current);
                self.counter.block(&block)?;
                return Ok(Some(Piece::Block(block)));
            }
        }
        let manifest = &self.manifest;
        manifest.schema.iter().for_each(|object| self.counter.object(object));
        manifest.tally.check(&self.counter.tally())?;
        self.trailer = Some(Trailer {
            tally: manifest.tally.clone(),
            source_changed: manifest.source_changed,
            blake3: blake3::hash(manifest.text()?.as_bytes()).to_hex().to_string(),
        });
        Ok(None)
    }

    fn trailer(&self) -> Option<&Trailer> {
        self.trailer.as_ref()
    }
}
