//! The keys that a file has to declare before its data: one for each property and type, in the order in which they come.

use super::text;
use super::value::{Plain, json_text, plain};
use crate::error::Result;
use crate::model::{Block, Class};
use rustc_hash::FxHashMap;

/// The keys of what was seen so far.
#[derive(Debug, Default)]
pub(super) struct Keys {
    nodes: Names,
    relationships: Names,
    all: Vec<(Class, String, Plain)>,
}

type Names = FxHashMap<Box<str>, [Option<u32>; 4]>;

impl Keys {
    /// Declares what a block needs.
    pub(super) fn see(&mut self, block: &Block) -> Result<()> {
        let Self { nodes, relationships, all } = self;
        let names = match block.class() {
            Class::Nodes => nodes,
            Class::Relationships => relationships,
        };
        for item in block.items() {
            let mut cursor = block.cursor(item);
            for _ in 0..cursor.map()? {
                let name = cursor.string()?;
                let kind = plain(&cursor)?;
                if names.get(name).and_then(|known| known[kind as usize]).is_none() {
                    names.entry(Box::from(name)).or_default()[kind as usize] = Some(all.len() as u32);
                    all.push((block.class(), name.to_owned(), kind));
                }
                cursor.check()?;
            }
        }
        Ok(())
    }

    /// The number of a key.
    #[inline]
    pub(super) fn find(&self, class: Class, name: &str, kind: Plain) -> Option<u32> {
        let names = match class {
            Class::Nodes => &self.nodes,
            Class::Relationships => &self.relationships,
        };
        names.get(name)?[kind as usize]
    }

    /// A name that no property has: `labels`, or with underscores behind it.
    fn free(&self, class: Class, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        while self.all.iter().any(|(known, taken, _)| *known == class && *taken == name) {
            name.push('_');
        }
        name
    }

    /// Writes the declarations.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        for (id, class, wanted) in [("labels", Class::Nodes, "labels"), ("label", Class::Relationships, "label")] {
            let name = self.free(class, wanted);
            let line = format!(
                "<key id=\"{id}\" for=\"{}\" attr.name=\"{name}\" attr.type=\"string\" gf:type=\"kind\"/>\n",
                element(class)
            );
            out.extend_from_slice(line.as_bytes());
        }
        for (at, (class, name, kind)) in self.all.iter().enumerate() {
            out.extend_from_slice(format!("<key id=\"d{at}\" for=\"{}\" attr.name=\"", element(*class)).as_bytes());
            put_name("gf:name", name, out);
            out.extend_from_slice(format!(" attr.type=\"{}\"/>\n", kind.name()).as_bytes());
        }
    }
}

/// What nodes and relationships are called here.
pub(super) fn element(class: Class) -> &'static str {
    match class {
        Class::Nodes => "node",
        Class::Relationships => "edge",
    }
}

/// Writes a name and its closing quote. One that XML cannot hold stands as JSON beside what is left of it.
pub(super) fn put_name(own: &str, name: &str, out: &mut Vec<u8>) {
    if text::fits(name) {
        text::put_attribute(name, out);
        out.push(b'"');
        return;
    }
    let left: String = name.chars().filter(|char| text::fits(char.encode_utf8(&mut [0; 4]))).collect();
    text::put_attribute(&left, out);
    let mut json = Vec::new();
    json_text(name, &mut json);
    put_json(own, &json, out);
}

/// Closes an attribute and writes another one, which holds JSON.
pub(super) fn put_json(own: &str, json: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("\" {own}=\"").as_bytes());
    text::put_attribute(&String::from_utf8_lossy(json), out);
    out.push(b'"');
}
