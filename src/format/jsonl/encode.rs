//! The writer.

use super::VERSION;
use crate::error::{Error, Result};
use crate::format::{Encoder, Statement, Wrote};
use crate::model::{Block, Capability, Class, Header, Item, Schema, Trailer, json};
use serde::Serialize;

/// Writes JSONL. It has no state.
#[derive(Clone, Copy, Debug)]
pub struct Jsonl;

#[derive(Serialize)]
struct Head<'a> {
    format: &'static str,
    version: u64,
    #[serde(flatten)]
    header: &'a Header,
}

/// `{"key":…}` and the end of the line.
fn line(out: &mut Vec<u8>, key: &str, value: &impl Serialize) -> Result<()> {
    out.extend_from_slice(b"{\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
    let written = serde_json::to_writer(&mut *out, value);
    written.map_err(|cause| Error::failed(format!("the {key} cannot be written")).caused_by(cause))?;
    out.extend_from_slice(b"}\n");
    Ok(())
}

fn schema_lines(schema: &Schema, out: &mut Vec<u8>) -> Result<()> {
    schema.objects.iter().try_for_each(|object| line(out, "schema", object))
}

/// The JSON text of each kind of a block: its list of labels, or its type.
fn kinds(block: &Block) -> Vec<Vec<u8>> {
    let text = |names: &[Box<str>]| {
        let mut text = Vec::new();
        if block.class() == Class::Relationships {
            json::write_string(names.first().map_or("", |name| name), &mut text);
            return text;
        }
        text.push(b'[');
        for (at, name) in names.iter().enumerate() {
            if at > 0 {
                text.push(b',');
            }
            json::write_string(name, &mut text);
        }
        text.push(b']');
        text
    };
    block.kinds().iter().map(|kind| text(kind.names())).collect()
}

fn put_integer(out: &mut Vec<u8>, before: &[u8], value: i64) {
    out.extend_from_slice(before);
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn properties(block: &Block, item: &Item, out: &mut Vec<u8>) -> Result<()> {
    out.extend_from_slice(b",\"properties\":");
    let place = |error: Error| match block.position(item) {
        Some(position) => error.at(position),
        None => error,
    };
    let noun = block.class().noun();
    let failed =
        |key: &str, error: Error| Error::new(error.kind(), format!("{noun} {}, property {key:?}: {error}", item.id));
    json::write_map(&mut block.cursor(item), out, failed).map_err(place)?;
    out.extend_from_slice(b"}\n");
    Ok(())
}

impl Encoder for Jsonl {
    fn capability(&self) -> Capability {
        Capability::all("JSONL")
    }

    fn begin(&self, header: &Header, schema: &Schema, out: &mut Vec<u8>) -> Result<()> {
        line(out, "graphferry", &Head { format: "jsonl", version: VERSION, header })?;
        schema_lines(schema, out)
    }

    fn open(&self, _: Class, _: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }

    fn block(&self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        let kinds = kinds(block);
        let kind = |item: &Item| kinds.get(item.kind as usize).map_or(b"".as_slice(), Vec::as_slice);
        out.reserve(block.byte_len() * 2 + block.len() * 64);
        for item in block.items() {
            match block.class() {
                Class::Nodes => {
                    put_integer(out, b"{\"node\":", item.id);
                    out.extend_from_slice(b",\"labels\":");
                    out.extend_from_slice(kind(item));
                }
                Class::Relationships => {
                    put_integer(out, b"{\"relationship\":", item.id);
                    out.extend_from_slice(b",\"type\":");
                    out.extend_from_slice(kind(item));
                    put_integer(out, b",\"start\":", item.start);
                    put_integer(out, b",\"end\":", item.end);
                }
            }
            properties(block, item, out)?;
        }
        Ok(())
    }

    fn statement(&self, statement: &Statement, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(b"{\"statement\":");
        json::write_string(&statement.text, out);
        out.extend_from_slice(b"}\n");
        Ok(())
    }

    fn finish(&self, _: &Schema, late: &Schema, _: Wrote, out: &mut Vec<u8>) -> Result<()> {
        schema_lines(late, out)
    }

    fn trailer(&self, trailer: &Trailer, out: &mut Vec<u8>) -> Result<()> {
        line(out, "trailer", trailer)
    }
}
