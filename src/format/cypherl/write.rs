//! Writes dumps.

use super::helper::{ARROW, ARROW_HEAD, AWAIT, CYPHER_25, DEFAULT_LOOKUPS, Texts};
use super::read::{is_default_lookup, marked};
use super::{Helper, Options, ddl, lex, meta};
use crate::cypher::{Dialect, literal, name, schema};
use crate::error::{Error, Result};
use crate::format::{Encoder, Statement, Wrote};
use crate::model::packstream::tag;
use crate::model::{
    Block, Capability, Class, ConstraintKind, Entity, Header, Index, IndexKind, Kind, Schema, SchemaObject, Trailer,
};

/// The writer of CYPHERL.
#[derive(Debug)]
pub struct Cypherl {
    dialect: Dialect,
    helper: Helper,
    database: String,
    texts: Texts,
}

impl Cypherl {
    pub(super) fn new(options: Options) -> Result<Self> {
        let Options { dialect, helper, database } = options;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if database.is_empty() || !database.bytes().all(plain) {
            return Err(Error::usage(format!("{database:?} is no database name")));
        }
        let texts = helper.texts(dialect)?;
        Ok(Self { dialect, helper, database, texts })
    }

    fn line(&self, text: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(b";\n");
    }

    fn object(&self, object: &SchemaObject, out: &mut Vec<u8>) -> Result<()> {
        for statement in schema::create_in(self.dialect, &self.database, object)? {
            // What Memgraph's trigger runs is text of the user's that cannot be quoted.
            if matches!(object, SchemaObject::Trigger(_)) && !lex::is_one_statement(self.dialect, &statement) {
                let what = object.describe();
                return Err(Error::refused(format!("what the {what} runs is not one statement, and cannot be quoted")));
            }
            put_statement(&statement, out);
        }
        Ok(())
    }

    /// Every empty database of Neo4j has two lookup indexes, under names that differ by version, and no third can be made: the one
    /// of the dump takes their place.
    fn lookups(&self, schema: &Schema, out: &mut Vec<u8>) -> Result<()> {
        for object in &schema.objects {
            if let SchemaObject::Index(Index { kind: IndexKind::Lookup, on, .. }) = object {
                let [labels, types] = DEFAULT_LOOKUPS;
                for default in if *on == Entity::Node { labels } else { types } {
                    self.line(&format!("DROP INDEX `{default}` IF EXISTS"), out);
                }
                self.object(object, out)?;
            }
        }
        Ok(())
    }

    /// The words before a node's id, or between the ends of a relationship and its properties.
    fn kind(&self, class: Class, kind: &Kind) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        match class {
            Class::Nodes => {
                out.extend_from_slice(self.texts.node.as_bytes());
                for label in kind.names() {
                    if **label == *self.helper.label {
                        return Err(self.collision("label", label));
                    }
                    out.push(b':');
                    name::put(self.dialect, label, &mut out)?;
                }
                out.extend_from_slice(b" {");
                out.extend_from_slice(self.texts.node_id.as_bytes());
            }
            Class::Relationships => {
                out.extend_from_slice(ARROW.as_bytes());
                name::put(self.dialect, kind.relationship_type(), &mut out)?;
            }
        }
        Ok(out)
    }

    fn collision(&self, what: &str, name: &str) -> Error {
        Error::refused(format!("the {what} {name:?} is the one that this dump uses for its own ids"))
            .hint("choose another helper from all names of the graph")
    }

    /// Whether our reader would take the text for more than a statement.
    fn means_something(&self, text: &str) -> bool {
        let Texts { create_index, drop_index, cleanup, .. } = &self.texts;
        marked(text.as_bytes()).is_some()
            || text.starts_with([':', '/'])
            || [create_index, drop_index, cleanup].into_iter().any(|known| known == text)
            || text == AWAIT
            || is_default_lookup(text)
            || text.starts_with(&self.texts.node)
            || text.starts_with(&self.texts.start)
            || !matches!(ddl::read(self.dialect, text, false), Ok(None))
    }

    /// Writes a property map's members; gives their number, and whether one is a vector.
    fn properties(&self, block: &Block, item: &crate::model::Item, out: &mut Vec<u8>) -> Result<bool> {
        let mut cursor = block.cursor(item);
        let size = cursor.map()?;
        let mut vector = false;
        let node = block.class() == Class::Nodes;
        for at in 0..size {
            let key = cursor.string()?;
            if node {
                if key == self.helper.id {
                    return Err(self.collision("property", key));
                }
                out.extend_from_slice(b", ");
            } else {
                out.extend_from_slice(if at == 0 { b" {" } else { b", " });
            }
            let named = |error: Error| match error.kind() {
                crate::ErrorKind::Refused => Error::refused(format!(
                    "{} {}, property {key:?}: {}",
                    block.class().noun(),
                    item.id,
                    error.message()
                )),
                _ => error,
            };
            name::put(self.dialect, key, out).map_err(named)?;
            out.extend_from_slice(b": ");
            let bytes = block.properties(item).get(cursor.position()..).unwrap_or_default();
            vector |= matches!(bytes, [0xB2, tag::VECTOR, ..]);
            literal::property(self.dialect, &mut cursor, out).map_err(named)?;
        }
        if !node && size > 0 {
            out.push(b'}');
        }
        Ok(vector)
    }
}

/// Writes a statement that may end in a comment, in which the semicolon must not end up.
fn put_statement(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(text.as_bytes());
    let last = text.rsplit('\n').next().unwrap_or_default();
    out.extend_from_slice(if last.contains("//") { b"\n;\n" } else { b";\n" });
}

/// Where an object stands after the data.
fn rank(object: &SchemaObject) -> u8 {
    match object {
        SchemaObject::Index(_) => 0,
        SchemaObject::Constraint(_) => 1,
        SchemaObject::Other(_) => 2,
        SchemaObject::Trigger(_) => 3,
    }
}

/// Whether an object stands before the data.
fn is_early(dialect: Dialect, object: &SchemaObject) -> bool {
    match (dialect, object) {
        (Dialect::Neo4j, SchemaObject::Index(index)) => index.kind == IndexKind::Lookup,
        (Dialect::Memgraph, SchemaObject::Other(other)) => other.kind == "enum",
        _ => false,
    }
}

impl Encoder for Cypherl {
    fn capability(&self) -> Capability {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let system = format!("a Cypher dump for {}", self.dialect.product());
        match self.dialect {
            Dialect::Neo4j => Capability {
                system,
                refused_values: own(&[
                    "map",
                    "enum",
                    "structure",
                    "list of null",
                    "list of list",
                    "list of map",
                    "list of bytes",
                    "list of vector",
                    "list of enum",
                    "list of structure",
                ]),
                values_as_text: Vec::new(),
                refused_constraints: Vec::new(),
                refused_indexes: vec![(Entity::Node, IndexKind::Label), (Entity::Relationship, IndexKind::Label)],
                refused_settings: Vec::new(),
                triggers: own(&["apoc"]),
                other_objects: Vec::new(),
            },
            Dialect::Memgraph => {
                let all = ["unique", "existence", "key", "property-type"];
                let on_relationships = all.into_iter().map(|kind| (Entity::Relationship, kind));
                Capability {
                    system,
                    refused_values: own(&[
                        "bytes",
                        "time",
                        "vector",
                        "structure",
                        "list of bytes",
                        "list of time",
                        "list of vector",
                        "list of structure",
                    ]),
                    values_as_text: Vec::new(),
                    refused_constraints: on_relationships
                        .chain([(Entity::Node, ConstraintKind::Key.keyword())])
                        .collect(),
                    refused_indexes: vec![
                        (Entity::Node, IndexKind::Fulltext),
                        (Entity::Relationship, IndexKind::Fulltext),
                        (Entity::Node, IndexKind::Lookup),
                        (Entity::Relationship, IndexKind::Lookup),
                        (Entity::Relationship, IndexKind::Point),
                    ],
                    refused_settings: Vec::new(),
                    triggers: own(&["memgraph"]),
                    other_objects: own(&["enum", "ttl", "description"]),
                }
            }
        }
    }

    fn begin(&self, header: &Header, schema: &Schema, out: &mut Vec<u8>) -> Result<()> {
        meta::Head::new(self.dialect, &self.helper, header).put(self.dialect, out)?;
        match self.dialect {
            Dialect::Neo4j => self.lookups(schema, out)?,
            Dialect::Memgraph => {
                for object in schema.objects.iter().filter(|object| is_early(self.dialect, object)) {
                    self.object(object, out)?;
                }
            }
        }
        Ok(())
    }

    fn open(&self, class: Class, out: &mut Vec<u8>) -> Result<()> {
        match (self.dialect, class) {
            // Before the nodes, while it is built in no time.
            (Dialect::Neo4j, Class::Nodes) => {
                self.line(&self.texts.create_index, out);
                self.line(AWAIT, out);
            }
            (Dialect::Memgraph, Class::Relationships) => self.line(&self.texts.create_index, out),
            _ => {}
        }
        Ok(())
    }

    fn block(&self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        let class = block.class();
        let kinds = block.kinds().iter().map(|kind| self.kind(class, kind)).collect::<Result<Vec<_>>>()?;
        out.reserve(block.byte_len() * 2 + block.len() * 96);
        let mut digits = itoa::Buffer::new();
        for item in block.items() {
            let from = out.len();
            let kind = kinds.get(item.kind as usize).map(Vec::as_slice).unwrap_or_default();
            let vector = match class {
                Class::Nodes => {
                    out.extend_from_slice(kind);
                    out.extend_from_slice(digits.format(item.id).as_bytes());
                    let vector = self.properties(block, item, out)?;
                    out.extend_from_slice(b"});\n");
                    vector
                }
                Class::Relationships => {
                    out.extend_from_slice(self.texts.start.as_bytes());
                    out.extend_from_slice(digits.format(item.start).as_bytes());
                    out.extend_from_slice(self.texts.end.as_bytes());
                    out.extend_from_slice(digits.format(item.end).as_bytes());
                    out.extend_from_slice(kind);
                    let vector = self.properties(block, item, out)?;
                    out.extend_from_slice(ARROW_HEAD.as_bytes());
                    out.push(b'\n');
                    vector
                }
            };
            if vector {
                out.splice(from..from, CYPHER_25.bytes());
            }
        }
        Ok(())
    }

    fn statement(&self, statement: &Statement, out: &mut Vec<u8>) -> Result<()> {
        let text = statement.text.trim();
        if !lex::is_one_statement(self.dialect, text) || self.means_something(text) {
            let refusal = Error::refused(format!("not a statement that can be carried in a dump: {text:.100}"));
            return Err(if statement.line > 0 { refusal.at(crate::Position::line(statement.line)) } else { refusal });
        }
        put_statement(text, out);
        Ok(())
    }

    fn finish(&self, early: &Schema, late: &Schema, wrote: Wrote, out: &mut Vec<u8>) -> Result<()> {
        if wrote.nodes {
            if self.dialect == Dialect::Memgraph && !wrote.relationships {
                self.line(&self.texts.create_index, out);
            }
            if self.dialect == Dialect::Memgraph {
                self.line(&self.texts.drop_index, out);
            }
            self.line(&self.texts.cleanup, out);
            if self.dialect == Dialect::Neo4j {
                self.line(&self.texts.drop_index, out);
            }
        }
        if self.dialect == Dialect::Neo4j {
            self.lookups(late, out)?;
        } else if let Some(object) = late.objects.iter().find(|object| is_early(self.dialect, object)) {
            return Err(Error::refused(format!("the {} comes after the data, which needs it", object.describe())));
        }
        let mut objects: Vec<_> =
            early.objects.iter().chain(&late.objects).filter(|object| !is_early(self.dialect, object)).collect();
        objects.sort_by_key(|object| rank(object));
        let (triggers, others): (Vec<_>, Vec<_>) =
            objects.into_iter().partition(|object| matches!(object, SchemaObject::Trigger(_)));
        for object in &others {
            self.object(object, out)?;
        }
        let neo4j = self.dialect == Dialect::Neo4j;
        if neo4j && (wrote.nodes || !others.is_empty()) {
            self.line(AWAIT, out);
        }
        if neo4j && !triggers.is_empty() {
            out.extend_from_slice(b":use system\n");
        }
        for object in &triggers {
            self.object(object, out)?;
        }
        if neo4j && !triggers.is_empty() {
            out.extend_from_slice(format!(":use {}\n", self.database).as_bytes());
        }
        Ok(())
    }

    fn trailer(&self, trailer: &Trailer, out: &mut Vec<u8>) -> Result<()> {
        meta::put_trailer(self.dialect, trailer, out)
    }
}
