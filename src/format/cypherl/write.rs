//! Writing CYPHERL.

use super::head::{END, HEAD, Head};
use super::{Helper, Options};
use crate::cypher::{Dialect, literal, name, schema};
use crate::error::{Error, Result};
use crate::format::{Encoder, Statement, Wrote};
use crate::model::{Block, Capability, Class, Header, IndexKind, Item, Schema, SchemaObject, Trailer};

/// The names of the lookup indexes that a new database has, 5.26 and 2026.
const DEFAULT_LOOKUPS: [&str; 4] = ["index_343aff4e", "index_f7700477", "index_460996c0", "index_1b9dcc97"];

/// The encoder of CYPHERL.
pub struct Cypherl {
    dialect: Dialect,
    helper: Helper,
    /// ``CREATE (:`helper` ``
    node: Vec<u8>,
    /// `` {`helper id`: ``
    id: Vec<u8>,
    /// ``MATCH (u:`helper`), (v:`helper`) WHERE u.`id` = ``
    relationship: Vec<u8>,
    /// `` AND v.`id` = ``
    end: Vec<u8>,
}

/// An encoder. It refuses nodes that have the helper's label or property: choose one with [`Helper::choose`].
///
/// # Panics
/// Never: helper names are never empty.
#[must_use]
pub fn encoder(options: Options) -> Cypherl {
    let Options { dialect, helper } = options;
    let (label, id) = (&helper.label, &helper.id);
    // Plain identifiers need no quoting in either dialect.
    let (node, id_part) = (format!("CREATE (:{label}"), format!(" {{{id}: "));
    let relationship = format!("MATCH (u:{label}), (v:{label}) WHERE u.{id} = ");
    let end = format!(" AND v.{id} = ");
    Cypherl {
        dialect,
        node: node.into_bytes(),
        id: id_part.into_bytes(),
        relationship: relationship.into_bytes(),
        end: end.into_bytes(),
        helper,
    }
}

fn line(out: &mut Vec<u8>, statement: &str) {
    out.extend_from_slice(statement.as_bytes());
    out.extend_from_slice(b";\n");
}

impl Cypherl {
    fn nodes(&self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        let mut heads = Vec::with_capacity(block.kinds().len());
        for kind in block.kinds() {
            let mut head = self.node.clone();
            for label in kind.names() {
                if **label == *self.helper.label {
                    return Err(taken("label", label));
                }
                head.push(b':');
                name::put(self.dialect, label, &mut head)?;
            }
            head.extend_from_slice(&self.id);
            heads.push(head);
        }
        for item in block.items() {
            let Some(head) = heads.get(item.kind as usize) else { continue };
            out.extend_from_slice(head);
            literal::integer(item.id, out);
            self.properties(block, item, false, out)?;
            out.extend_from_slice(b"});\n");
        }
        Ok(())
    }

    fn relationships(&self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        let mut kinds = Vec::with_capacity(block.kinds().len());
        for kind in block.kinds() {
            let mut head = b" CREATE (u)-[:".to_vec();
            name::put(self.dialect, kind.relationship_type(), &mut head)?;
            kinds.push(head);
        }
        for item in block.items() {
            let Some(kind) = kinds.get(item.kind as usize) else { continue };
            out.extend_from_slice(&self.relationship);
            literal::integer(item.start, out);
            out.extend_from_slice(&self.end);
            literal::integer(item.end, out);
            out.extend_from_slice(kind);
            if block.cursor(item).map()? > 0 {
                out.extend_from_slice(b" {");
                self.properties(block, item, true, out)?;
                out.push(b'}');
            }
            out.extend_from_slice(b"]->(v);\n");
        }
        Ok(())
    }

    /// Writes an item's properties; behind a comma unless they come first.
    fn properties(&self, block: &Block, item: &Item, mut first: bool, out: &mut Vec<u8>) -> Result<()> {
        let mut cursor = block.cursor(item);
        for _ in 0..cursor.map()? {
            if !std::mem::replace(&mut first, false) {
                out.extend_from_slice(b", ");
            }
            let key = cursor.string()?;
            if block.class() == Class::Nodes && key == self.helper.id {
                return Err(taken("property", key));
            }
            name::put(self.dialect, key, out).map_err(|error| place(&error, block, item, key))?;
            out.extend_from_slice(b": ");
            literal::property(self.dialect, &mut cursor, out).map_err(|error| place(&error, block, item, key))?;
        }
        Ok(())
    }

    /// Statements that make relationships find their ends quickly, or take the helper away again.
    fn helper_index(&self, out: &mut Vec<u8>) {
        let Helper { label, id } = &self.helper;
        match self.dialect {
            Dialect::Memgraph => line(out, &format!("CREATE INDEX ON :{label}({id})")),
            Dialect::Neo4j => {
                line(out, &format!("CREATE RANGE INDEX `{id}` FOR (n:`{label}`) ON (n.`{id}`)"));
                line(out, "CALL db.awaitIndexes(300)");
            }
        }
    }

    fn clean_up(&self, wrote: Wrote, out: &mut Vec<u8>) {
        let Helper { label, id } = &self.helper;
        match self.dialect {
            Dialect::Memgraph => {
                if wrote.relationships {
                    line(out, &format!("DROP INDEX ON :{label}({id})"));
                }
                line(out, &format!("MATCH (u) REMOVE u:{label}, u.{id}"));
            }
            Dialect::Neo4j => {
                if wrote.relationships {
                    line(out, &format!("DROP INDEX `{id}`"));
                }
                // In portions: one transaction over all nodes of a large graph does not fit into memory.
                let remove = format!("REMOVE n:`{label}`, n.`{id}`");
                line(out, &format!("MATCH (n:`{label}`) CALL (n) {{ {remove} }} IN TRANSACTIONS OF 10000 ROWS"));
            }
        }
    }

    /// A head or trailer that every client takes.
    fn remark(&self, mark: &str, value: &impl serde::Serialize, out: &mut Vec<u8>) -> Result<()> {
        let json =
            serde_json::to_string(value).map_err(|cause| Error::failed("writing JSON failed").caused_by(cause))?;
        match self.dialect {
            Dialect::Neo4j => {
                // ASCII alone, for cypher-shell in any locale: what is beyond it in JSON stands inside of strings.
                out.extend_from_slice(b"// ");
                out.extend_from_slice(mark.as_bytes());
                for c in json.chars() {
                    if c.is_ascii() { out.push(c as u8) } else { name::put_unicode(c, out) }
                }
                out.push(b'\n');
            }
            Dialect::Memgraph => {
                out.extend_from_slice(b"RETURN ");
                literal::string(self.dialect, &format!("{mark}{json}"), out);
                out.extend_from_slice(b";\n");
            }
        }
        Ok(())
    }

    fn object(&self, object: &SchemaObject, out: &mut Vec<u8>) -> Result<()> {
        let is_apoc = matches!(object, SchemaObject::Trigger(trigger) if trigger.system == "apoc");
        if is_apoc && self.dialect == Dialect::Neo4j {
            // APOC's triggers are installed from the system database.
            out.extend_from_slice(b":use system\n");
        }
        schema::create(self.dialect, object)?.iter().for_each(|statement| line(out, statement));
        Ok(())
    }
}

fn taken(what: &str, name: &str) -> Error {
    Error::refused(format!("a node has the {what} {name:?}, which the dump needs for itself"))
        .hint("dump it from a database, or from a file instead of a stream: the names are then known before")
}

fn place(error: &Error, block: &Block, item: &Item, key: &str) -> Error {
    let what = format!("property {key:?} of {} {}: {}", block.class().noun(), item.id, error.message());
    Error::new(error.kind(), what)
}

/// What stands before the data, and not behind it.
fn comes_first(object: &SchemaObject) -> bool {
    matches!(object, SchemaObject::Other(other) if other.kind == "enum")
}

impl Encoder for Cypherl {
    fn capability(&self) -> Capability {
        let values: &[&str] = match self.dialect {
            Dialect::Memgraph => {
                &["bytes", "time", "vector", "structure", "list of bytes", "list of time", "list of structure"]
            }
            Dialect::Neo4j => {
                &["map", "enum", "structure", "list of list", "list of map", "list of null", "list of mixed", "list of structure"]
            }
        };
        Capability {
            system: format!("CYPHERL for {}", self.dialect.product()),
            refused_values: values.iter().map(|&name| name.to_owned()).collect(),
            refused_objects: Some(std::sync::Arc::new({
                let dialect = self.dialect;
                move |object: &SchemaObject| schema::create(dialect, object).is_err()
            })),
            triggers: vec!["*".into()],
            other_objects: vec!["*".into()],
            ..Capability::default()
        }
    }

    fn begin(&self, header: &Header, schema: &Schema, out: &mut Vec<u8>) -> Result<()> {
        let head = Head {
            dialect: self.dialect.name().to_owned(),
            label: self.helper.label.clone(),
            id: self.helper.id.clone(),
            header: header.clone(),
        };
        self.remark(HEAD, &head, out)?;
        schema.objects.iter().filter(|object| comes_first(object)).try_for_each(|object| self.object(object, out))
    }

    fn open(&self, class: Class, out: &mut Vec<u8>) -> Result<()> {
        if class == Class::Relationships {
            self.helper_index(out);
        }
        Ok(())
    }

    fn block(&self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        match block.class() {
            Class::Nodes => self.nodes(block, out),
            Class::Relationships => self.relationships(block, out),
        }
    }

    fn statement(&self, statement: &Statement, out: &mut Vec<u8>) -> Result<()> {
        line(out, &statement.text);
        Ok(())
    }

    fn finish(&self, early: &Schema, late: &Schema, wrote: Wrote, out: &mut Vec<u8>) -> Result<()> {
        if wrote.nodes {
            self.clean_up(wrote, out);
        }
        let early = early.objects.iter().filter(|object| !comes_first(object));
        let objects: Vec<_> = early.chain(&late.objects).collect();
        if self.dialect == Dialect::Neo4j {
            drop_default_lookups(&objects, out);
        }
        let is_trigger = |object: &SchemaObject| matches!(object, SchemaObject::Trigger(_));
        for object in objects.iter().filter(|object| !is_trigger(object)) {
            self.object(object, out)?;
        }
        if self.dialect == Dialect::Neo4j && !objects.is_empty() {
            line(out, "CALL db.awaitIndexes(300)");
        }
        objects.iter().filter(|object| is_trigger(object)).try_for_each(|object| self.object(object, out))
    }

    fn trailer(&self, trailer: &Trailer, out: &mut Vec<u8>) -> Result<()> {
        self.remark(END, trailer, out)
    }
}

/// A new database has two lookup indexes of its own names; where the dump has others, or none, these go first.
fn drop_default_lookups(objects: &[&SchemaObject], out: &mut Vec<u8>) {
    let lookups: Vec<_> = objects
        .iter()
        .filter_map(|object| match object {
            SchemaObject::Index(index) if index.kind == IndexKind::Lookup => Some(index),
            _ => None,
        })
        .collect();
    if lookups.is_empty() {
        return;
    }
    for name in DEFAULT_LOOKUPS {
        line(out, &format!("DROP INDEX `{name}` IF EXISTS"));
    }
}
