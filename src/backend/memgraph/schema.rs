//! Indexes, constraints, enums and triggers, as SHOW tells them.
//!
//! They become the objects that the reader of Memgraph's own dumps makes of the statements (`src/cypher/schema/memgraph.rs` says how they lie
//! in the model). What SHOW leaves open is a [`Found`] with a doubt, which [`settle`](super::settle) takes to the server's own dump. What is not
//! known here at all is an error and never left out.

use super::trigger;
use crate::backend::bolt::Link;
use crate::error::{Error, ErrorKind, Result};
use crate::model::schema::{OtherObject, with};
use crate::model::{Constraint, ConstraintKind, Entity, Index, IndexKind, Map, SchemaObject, Value};
use crate::wire::{Connection, Mode, Query, Row};

/// The answers to SHOW, without what changes as data do.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    pub(super) version: (u32, u32),
    pub(super) indexes: Vec<Row>,
    pub(super) vectors: Vec<Row>,
    pub(super) constraints: Vec<Row>,
    pub(super) enums: Vec<Row>,
    pub(super) triggers: Vec<Row>,
    pub(super) descriptions: Vec<Row>,
}

/// What SHOW does not tell of an object.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Doubt {
    /// Which of these it is: a dot in a property's name may lead into a map.
    Among(Vec<SchemaObject>),
    /// The configuration that a vector index was made with.
    Config,
    /// With whose rights a trigger runs.
    Security,
}

/// An object, and what is not known of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) object: SchemaObject,
    pub(super) doubt: Option<Doubt>,
}

impl From<SchemaObject> for Found {
    fn from(object: SchemaObject) -> Self {
        Self { object, doubt: None }
    }
}

/// Asks the server, outside a transaction: it refuses SHOW inside one.
pub(super) fn ask(connection: &mut Connection, link: &Link) -> Result<Shown> {
    let mut show = |text: &str, volatile: &[&str]| -> Result<Vec<Row>> {
        let mut rows = connection.table(&Query::alone(text, Mode::Write, Some(link.database())))?;
        for row in &mut rows {
            row.retain(|name, _| !volatile.contains(&name.as_str()));
        }
        Ok(rows)
    };
    let version = link.version();
    let indexes = show("SHOW INDEX INFO", &["count"])?;
    let any_vector = indexes.iter().any(|row| text(row, "index type").is_some_and(|kind| kind.contains("vector")));
    let vectors = if any_vector { show("SHOW VECTOR INDEX INFO", &["size", "capacity"])? } else { Vec::new() };
    let constraints = show("SHOW CONSTRAINT INFO", &[])?;
    let enums = match show("SHOW ENUMS", &[]) {
        Ok(enums) => enums,
        // Enums came with 2.18; older servers do not know the statement.
        Err(error) if version < (2, 18) && is_unknown(&error) => Vec::new(),
        Err(error) => return Err(error),
    };
    let triggers = show("SHOW TRIGGERS", &[])?;
    let descriptions = if version >= DESCRIPTIONS { show("SHOW DESCRIPTIONS", &[])? } else { Vec::new() };
    Ok(Shown { version, indexes, vectors, constraints, enums, triggers, descriptions })
}

/// The version that brought descriptions.
const DESCRIPTIONS: (u32, u32) = (3, 10);

/// Whether a server said that it does not know a statement.
fn is_unknown(error: &Error) -> bool {
    let (kind, text) = (error.kind(), error.message());
    kind == ErrorKind::Server
        && (text.contains("parsing error") || text.starts_with("line ") || text.contains("no viable alternative"))
}

impl Shown {
    /// The objects: enums first, since values and constraints speak of them; triggers last.
    pub(super) fn objects(&self) -> Result<Vec<Found>> {
        let mut found: Vec<Found> = Vec::new();
        for row in &self.enums {
            found.push(enumeration(row)?.into());
        }
        for row in &self.indexes {
            found.push(self.index(row)?);
        }
        for row in &self.constraints {
            found.push(constraint(row)?.into());
        }
        for row in &self.triggers {
            found.push(trigger::found(row, self.version)?);
        }
        Ok(found)
    }

    /// What SHOW does not tell as a statement needs it: descriptions, and the time-to-live, which has an index on `:TTL(ttl)`.
    pub(super) fn has_doubts_of_its_own(&self) -> bool {
        !self.descriptions.is_empty() || self.version >= (3, 5) && self.may_have_ttl()
    }

    /// Whether there may be a time-to-live that neither the lists nor the dump tell of.
    pub(super) fn may_hide_ttl(&self) -> bool {
        self.version < (3, 5) && self.may_have_ttl()
    }

    fn may_have_ttl(&self) -> bool {
        let ttl =
            |row: &Row| text(row, "label") == Some("TTL") && names(row, "property").is_ok_and(|names| names == ["ttl"]);
        self.indexes.iter().any(ttl)
    }

    fn index(&self, row: &Row) -> Result<Found> {
        let kind = required(row, "index type")?;
        let label = || required(row, "label").map(|label| vec![label.to_owned()]);
        let plain = |kind, on, labels, properties| {
            let (name, provider, config) = (None, None, Map::new());
            Index { name, kind, on, labels, properties, provider, config }
        };
        let index = match kind {
            "label" => plain(IndexKind::Label, Entity::Node, label()?, Vec::new()),
            "edge-type" => plain(IndexKind::Label, Entity::Relationship, label()?, Vec::new()),
            // Only a descending index says its order.
            "label+property" | "label+property (DESC)" => {
                let mut index = plain(IndexKind::Range, Entity::Node, label()?, names(row, "property")?);
                if kind.ends_with("(DESC)") {
                    index.config = with(index.config, "order", "DESC");
                }
                return Ok(self.composite(index));
            }
            "vertex-property" => plain(IndexKind::Range, Entity::Node, Vec::new(), names(row, "property")?),
            "edge-type+property" => plain(IndexKind::Range, Entity::Relationship, label()?, names(row, "property")?),
            "edge-property" => plain(IndexKind::Range, Entity::Relationship, Vec::new(), names(row, "property")?),
            "point" => plain(IndexKind::Point, Entity::Node, label()?, names(row, "property")?),
            "label+property_vector" => return self.vector(Entity::Node, row),
            "edge-type+property_vector" => return self.vector(Entity::Relationship, row),
            other => {
                let named = |head: &str| other.strip_prefix(head).and_then(|rest| rest.strip_suffix(')'));
                let (on, name) = match (named("label_text (name: "), named("edge-type_text (name: ")) {
                    (Some(name), _) => (Entity::Node, name),
                    (_, Some(name)) => (Entity::Relationship, name),
                    _ => return Err(strange("an index", other)),
                };
                let index = plain(IndexKind::Text, on, label()?, names(row, "property")?);
                Index { name: Some(name.to_owned()), ..index }
            }
        };
        Ok(SchemaObject::Index(index).into())
    }

    /// Nested properties came with 3.3 and are joined with dots here, as a name with a dot in it is.
    fn composite(&self, index: Index) -> Found {
        let readings = match self.version >= (3, 3) {
            true => readings(&index.properties),
            false => vec![Map::new()],
        };
        let mut among: Vec<SchemaObject> = Vec::new();
        for config in readings {
            let config = config.into_iter().chain(index.config.clone()).collect();
            among.push(SchemaObject::Index(Index { config, ..index.clone() }));
        }
        let object = SchemaObject::Index(index);
        Found { object, doubt: (among.len() > 1).then_some(Doubt::Among(among)) }
    }

    /// A label as it is until 3.10, afterwards as `:A`, `:A|B`, `:A&B` or `*`: which of these a name with such a sign is, only the statement tells.
    fn vector_labels(&self, row: &Row) -> Vec<String> {
        match text(row, "label") {
            Some(label) if self.version < (3, 11) => vec![label.to_owned()],
            _ => Vec::new(),
        }
    }

    /// The name is only in the list of vector indexes; the capacity there is the one that is in use, not the one that was asked for.
    fn vector(&self, on: Entity, row: &Row) -> Result<Found> {
        let kind = required(row, "index type")?;
        let same = |vector: &&Row| {
            ["label", "property"].iter().all(|column| vector.get(*column) == row.get(*column))
                && text(vector, "index_type").is_none_or(|other| other == kind)
        };
        let mut all = self.vectors.iter().filter(same);
        let vector = match (all.next(), all.next()) {
            (Some(vector), None) => vector,
            (found, _) => {
                let place = format!("{}({})", text(row, "label").unwrap_or("*"), names(row, "property")?.join(", "));
                let what = if found.is_some() { "several vector indexes" } else { "no vector index" };
                return Err(Error::refused(format!(
                    "SHOW INDEX INFO tells of a vector index on {place}, and SHOW VECTOR INDEX INFO of {what} there"
                ))
                .hint("dump it with --via dump, which takes the server's own statements"));
            }
        };
        let mut config = Map::new();
        for key in ["dimension", "metric", "scalar_kind"] {
            if let Some(value) = vector.get(key) {
                config.insert(key.to_owned(), value.clone());
            }
        }
        let index = Index {
            name: Some(required(vector, "index_name")?.to_owned()),
            kind: IndexKind::Vector,
            on,
            labels: self.vector_labels(row),
            properties: names(row, "property")?,
            provider: None,
            config,
        };
        Ok(Found { object: SchemaObject::Index(index), doubt: Some(Doubt::Config) })
    }
}

/// More dots than this are not tried out.
const MAX_DOTS: usize = 6;

/// The ways to read properties whose names have dots: each as one name or as a path, the plain one first. A configuration with `paths`
/// says which properties are paths.
fn readings(properties: &[String]) -> Vec<Map> {
    let mut all: Vec<Vec<Vec<String>>> = vec![Vec::new()];
    for property in properties {
        let pieces: Vec<&str> = property.split('.').collect();
        let dots = (pieces.len() - 1).min(MAX_DOTS);
        let mut longer = Vec::new();
        for paths in &all {
            // Each bit says whether the dot there separates two steps.
            for cut in 0..1_usize << dots {
                let mut steps: Vec<String> = Vec::new();
                for (at, piece) in pieces.iter().enumerate() {
                    match steps.last_mut() {
                        Some(step) if at > dots || cut >> (at - 1) & 1 == 0 => {
                            step.push('.');
                            step.push_str(piece);
                        }
                        _ => steps.push((*piece).to_owned()),
                    }
                }
                let mut paths = paths.clone();
                paths.push(steps);
                longer.push(paths);
            }
        }
        longer.truncate(1 << MAX_DOTS);
        all = longer;
    }
    let list = |path: &Vec<String>| Value::List(path.iter().map(|step| Value::from(step.as_str())).collect());
    let config = |paths: Vec<Vec<String>>| match paths.iter().any(|path| path.len() > 1) {
        true => with(Map::new(), "paths", Value::List(paths.iter().map(list).collect())),
        false => Map::new(),
    };
    all.into_iter().map(config).collect()
}

fn constraint(row: &Row) -> Result<SchemaObject> {
    let kind = match required(row, "constraint type")? {
        "exists" => ConstraintKind::Existence,
        "unique" => ConstraintKind::Unique,
        "data_type" => {
            // LOCAL DATE TIME here, LOCALDATETIME in the grammar.
            let kind = required(row, "data_type")?.replace(' ', "");
            ConstraintKind::PropertyType(if kind == "BOOL" { "BOOLEAN".to_owned() } else { kind })
        }
        other => return Err(strange("a constraint", other)),
    };
    let (label, properties) = (required(row, "label")?.to_owned(), names(row, "properties")?);
    let (name, provider, config) = (None, None, Map::new());
    Ok(SchemaObject::Constraint(Constraint { name, kind, on: Entity::Node, label, properties, provider, config }))
}

fn enumeration(row: &Row) -> Result<SchemaObject> {
    let values: Vec<Value> = names(row, "Enum Values")?.iter().map(|name| Value::from(name.as_str())).collect();
    Ok(SchemaObject::Other(OtherObject {
        kind: "enum".to_owned(),
        name: required(row, "Enum Name")?.to_owned(),
        details: with(Map::new(), "values", Value::List(values)),
    }))
}

/// A text of a row.
pub(super) fn text<'a>(row: &'a Row, column: &str) -> Option<&'a str> {
    row.get(column).and_then(Value::as_str)
}

/// A text that has to be there.
pub(super) fn required<'a>(row: &'a Row, column: &str) -> Result<&'a str> {
    text(row, column).ok_or_else(|| without(column))
}

/// Names: none, one, or a list of them.
fn names(row: &Row, column: &str) -> Result<Vec<String>> {
    match row.get(column) {
        Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(name)) => Ok(vec![name.clone()]),
        Some(Value::List(list)) => {
            let name = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| without(column));
            list.iter().map(name).collect()
        }
        _ => Err(without(column)),
    }
}

fn without(column: &str) -> Error {
    Error::refused(format!("the server's list of its schema has no {column:?} of the form that is known"))
        .hint("dump it with --via dump, which takes the server's own statements")
}

fn strange(what: &str, kind: &str) -> Error {
    Error::refused(format!("the server has {what} of the kind {kind:?}, which is not known here"))
        .hint("dump it with --via dump, which takes the server's own statements, or without the schema")
}

#[cfg(test)]
mod later;
#[cfg(test)]
mod tests;
