//! The reader of APOC's JSON.

use super::items::{Object, Scratch, kind};
use super::objects::Objects;
use crate::error::{Error, Result};
use crate::format::cypherl::Input;
use crate::format::gather::Gather;
use crate::format::mapping::{Known, Misses, retype};
use crate::format::{Decoder, Mapping, Piece};
use crate::ids::TextIds;
use crate::model::header::Origin;
use crate::model::{Class, Cursor, Header, Trailer};

/// Reads JSON lines, an array of objects, or lists of them.
pub(super) struct Reader {
    objects: Objects,
    header: Header,
    mapping: Mapping,
    misses: Misses,
    /// What the mapping says of the kinds of the block, by their index.
    types: Known,
    class: Class,
    scratch: Scratch,
    retyped: Vec<u8>,
    gather: Gather,
    nodes: TextIds,
    relationships: TextIds,
    numbered: i64,
    ended: bool,
}

impl Reader {
    pub(super) fn new(reader: Box<dyn std::io::Read + Send>, mapping: Mapping) -> Result<Self> {
        Ok(Self {
            objects: Objects::new(Input::undigested(reader)),
            header: Header { source: Origin { product: "neo4j".into(), ..Origin::default() }, ..Header::default() },
            mapping,
            misses: Misses::default(),
            types: Known::default(),
            class: Class::Nodes,
            scratch: Scratch::default(),
            retyped: Vec::new(),
            gather: Gather::new(),
            nodes: TextIds::default(),
            relationships: TextIds::default(),
            numbered: 0,
            ended: false,
        })
    }

    /// Reads one object; false at the end.
    fn step(&mut self) -> Result<bool> {
        let Some(size) = self.objects.find()? else {
            self.gather.flush();
            return Ok(false);
        };
        let text = self.objects.text(size)?;
        let line = self.objects.line_number();
        let object = self.scratch.read(text).map_err(|(error, byte)| error.at(self.objects.position(byte)))?;
        let here = |error: Error| error.at(self.objects.position(0));
        let class = if object.ends.is_some() { Class::Relationships } else { Class::Nodes };
        if self.class == Class::Relationships && class == Class::Nodes {
            let error = Error::corrupt("a node after the first relationship");
            return Err(here(error).hint("put all nodes before the relationships"));
        }
        self.class = class;
        let ids = match &object {
            Object { ends: None, id, .. } => {
                let id = id.as_deref().unwrap_or_default();
                let known = self.nodes.add(id);
                (known.ok_or_else(|| here(Error::corrupt(format!("node id {id:?} occurs twice"))))?, 0, 0)
            }
            Object { ends: Some((start, end)), id, .. } => {
                let find = |id: &str| {
                    let missing =
                        || here(Error::corrupt(format!("a relationship ends at node {id:?}, which is not there")));
                    self.nodes.find(id).ok_or_else(missing)
                };
                let (start, end) = (find(start)?, find(end)?);
                let id = match id {
                    Some(id) => self
                        .relationships
                        .add(id)
                        .ok_or_else(|| here(Error::corrupt(format!("relationship id {id:?} occurs twice"))))?,
                    None => {
                        self.numbered += 1;
                        self.numbered - 1
                    }
                };
                (id, start, end)
            }
        };
        self.gather.begin(class, line);
        let kinds = self.gather.kind(object.kind.as_bytes(), || kind(object.kind)).map_err(here)?;
        if self.scratch.raw || !self.mapping.is_empty() {
            let types = self.types.of(&self.mapping, &self.gather, class, kinds);
            self.retyped.clear();
            let mut cursor = Cursor::new(&self.scratch.properties);
            retype(&mut cursor, types, &mut self.misses, &mut self.retyped).map_err(|message| {
                let id = object.id.as_deref().unwrap_or_default();
                here(Error::corrupt(format!("{} {id:?}, {message}", class.noun())))
            })?;
            self.gather.buffer().extend_from_slice(&self.retyped);
        } else {
            self.gather.buffer().extend_from_slice(&self.scratch.properties);
        }
        self.gather.push(ids, kinds, line)?;
        self.objects.consume(size);
        self.scratch.shrink();
        Ok(true)
    }
}

impl Decoder for Reader {
    fn header(&self) -> &Header {
        &self.header
    }

    fn next(&mut self) -> Result<Option<Piece>> {
        loop {
            if let Some(piece) = self.gather.pop() {
                return Ok(Some(piece));
            }
            if self.ended {
                return Ok(None);
            }
            self.ended = !self.step()?;
        }
    }

    fn trailer(&self) -> Option<&Trailer> {
        None
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = vec!["APOC's JSON has no schema: indexes and constraints are not in it".to_owned()];
        if self.mapping.is_empty() {
            warnings.push(
                "APOC's JSON has dates, times, durations, bytes and NaN as text: --mapping says which strings were something else"
                    .to_owned(),
            );
        }
        warnings.extend(self.misses.told());
        warnings
    }
}
