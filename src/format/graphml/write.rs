//! The writer.

use super::keys::{Keys, put_json, put_name};
use super::value::{json_text, plain, put};
use super::{NAMESPACE, text};
use crate::error::{Error, Result};
use crate::format::{Encoder, Statement, Wrote};
use crate::model::{Block, Capability, Class, Header, Item, Kind, Schema, Trailer};
use std::sync::{PoisonError, RwLock};

/// Writes GraphML. The keys are declared before the data, so the head is written last and put first.
#[derive(Debug, Default)]
pub struct GraphMl {
    keys: RwLock<Keys>,
}

/// The attribute and the `<data>` that tell labels or a type, as APOC has them.
#[derive(Default)]
struct Told {
    attribute: Vec<u8>,
    data: Vec<u8>,
}

impl Told {
    fn new(class: Class, kind: &Kind) -> Self {
        let mut told = Self::default();
        if class == Class::Relationships {
            let name = kind.relationship_type();
            told.attribute.extend_from_slice(b" label=\"");
            put_name("gf:label", name, &mut told.attribute);
            if text::fits(name) {
                told.data.extend_from_slice(b"<data key=\"label\">");
                text::put(name, &mut told.data);
                told.data.extend_from_slice(b"</data>");
            }
            return told;
        }
        if kind.names().is_empty() {
            return told;
        }
        let joined: String = kind.names().iter().flat_map(|name| [":", name]).collect();
        let shown: String = joined.chars().filter(|char| text::fits(char.encode_utf8(&mut [0; 4]))).collect();
        told.attribute.extend_from_slice(b" labels=\"");
        text::put_attribute(&shown, &mut told.attribute);
        // Whoever splits at the colons gets these labels, or is told them apart.
        let plain = shown == joined && kind.names().iter().all(|name| !name.is_empty() && !name.contains(':'));
        if plain {
            told.attribute.push(b'"');
        } else {
            let mut json = vec![b'['];
            for (at, name) in kind.names().iter().enumerate() {
                if at > 0 {
                    json.push(b',');
                }
                json_text(name, &mut json);
            }
            json.push(b']');
            put_json("gf:labels", &json, &mut told.attribute);
        }
        told.data.extend_from_slice(b"<data key=\"labels\">");
        text::put(&shown, &mut told.data);
        told.data.extend_from_slice(b"</data>");
        told
    }
}

impl GraphMl {
    fn properties(
        &self,
        keys: &Keys,
        block: &Block,
        item: &Item,
        buffer: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let class = block.class();
        let mut digits = itoa::Buffer::new();
        let mut cursor = block.cursor(item);
        for _ in 0..cursor.map()? {
            let name = cursor.string()?;
            let Some(key) = keys.find(class, name, plain(&cursor)?) else {
                return Err(Error::failed(format!("the key {name:?} was not declared")));
            };
            out.extend_from_slice(b"<data key=\"d");
            out.extend_from_slice(digits.format(key).as_bytes());
            out.push(b'"');
            buffer.clear();
            let own = put(&mut cursor, buffer).map_err(|error| {
                Error::new(
                    error.kind(),
                    format!("{} {}, property {name:?}: {}", class.noun(), item.id, error.message()),
                )
            })?;
            if let Some(own) = own {
                out.extend_from_slice(b" gf:type=\"");
                out.extend_from_slice(own.as_bytes());
                out.push(b'"');
            }
            out.push(b'>');
            // Every writer of values writes UTF-8.
            text::put(std::str::from_utf8(buffer).unwrap_or_default(), out);
            out.extend_from_slice(b"</data>");
        }
        Ok(())
    }
}

impl Encoder for GraphMl {
    fn capability(&self) -> Capability {
        Capability::no_schema("GraphML")
    }

    fn begin(&self, _: &Header, _: &Schema, _: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }

    fn open(&self, _: Class, _: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }

    fn see(&self, block: &Block) -> Result<()> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner).see(block)
    }

    fn block(&self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let class = block.class();
        let told: Vec<Told> = block.kinds().iter().map(|kind| Told::new(class, kind)).collect();
        let (mut digits, mut buffer, none) = (itoa::Buffer::new(), Vec::new(), Told::default());
        out.reserve(block.byte_len() * 3 + block.len() * 128);
        for item in block.items() {
            let told = told.get(item.kind as usize).unwrap_or(&none);
            let end: &[u8] = match class {
                Class::Nodes => {
                    out.extend_from_slice(b"<node id=\"n");
                    out.extend_from_slice(digits.format(item.id).as_bytes());
                    b"</node>\n"
                }
                Class::Relationships => {
                    out.extend_from_slice(b"<edge id=\"e");
                    out.extend_from_slice(digits.format(item.id).as_bytes());
                    out.extend_from_slice(b"\" source=\"n");
                    out.extend_from_slice(digits.format(item.start).as_bytes());
                    out.extend_from_slice(b"\" target=\"n");
                    out.extend_from_slice(digits.format(item.end).as_bytes());
                    b"</edge>\n"
                }
            };
            out.push(b'"');
            out.extend_from_slice(&told.attribute);
            out.push(b'>');
            out.extend_from_slice(&told.data);
            self.properties(&keys, block, item, &mut buffer, out)?;
            out.extend_from_slice(end);
        }
        Ok(())
    }

    fn statement(&self, statement: &Statement, _: &mut Vec<u8>) -> Result<()> {
        Err(crate::format::no_statements("GraphML", statement))
    }

    fn finish(&self, _: &Schema, late: &Schema, _: Wrote, out: &mut Vec<u8>) -> Result<()> {
        crate::format::no_late_schema("GraphML", late)?;
        out.extend_from_slice(b"</graph>\n</graphml>\n");
        Ok(())
    }

    fn head(&self, out: &mut Vec<u8>) -> bool {
        let head = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xsi:schemaLocation=\"http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd\" \
             xmlns:gf=\"{NAMESPACE}\">\n"
        );
        out.extend_from_slice(head.as_bytes());
        self.keys.read().unwrap_or_else(PoisonError::into_inner).put(out);
        out.extend_from_slice(b"<graph id=\"G\" edgedefault=\"directed\">\n");
        true
    }

    fn trailer(&self, _: &Trailer, _: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }
}
