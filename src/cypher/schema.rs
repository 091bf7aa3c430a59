//! Schema objects as statements: one way to write each, with every name quoted.
//!
//! Neo4j: indexes and constraints by name, with `OPTIONS {indexConfig: …}` where there is a configuration and never with a provider: the
//! servers give each kind its newest one whatever is asked for, and another version's provider is an error. Triggers are APOC's;
//! those statements run on the database `system`. Memgraph: the statements of its own dumps, in the spelling that its grammar takes.

mod memgraph;
mod neo4j;

use super::Dialect;
use crate::error::{Error, Result};
use crate::model::SchemaObject;

/// The database that APOC triggers are installed for where nothing else is said.
pub const DEFAULT_DATABASE: &str = "neo4j";

/// The statements that create an object, without semicolons.
///
/// # Errors
/// [`Refused`](crate::ErrorKind::Refused): the system has no such object.
pub fn create(dialect: Dialect, object: &SchemaObject) -> Result<Vec<String>> {
    create_in(dialect, DEFAULT_DATABASE, object)
}

/// The same, with the database that a trigger of APOC is for.
///
/// # Errors
/// As [`create`].
pub fn create_in(dialect: Dialect, database: &str, object: &SchemaObject) -> Result<Vec<String>> {
    match dialect {
        Dialect::Memgraph => memgraph::create(object),
        Dialect::Neo4j => neo4j::create(database, object),
    }
}

/// The statements that remove an object, without semicolons.
///
/// # Errors
/// [`Refused`](crate::ErrorKind::Refused): the system has no such object, or nothing that says which one is meant.
pub fn drop(dialect: Dialect, object: &SchemaObject) -> Result<Vec<String>> {
    drop_in(dialect, DEFAULT_DATABASE, object)
}

/// The same, with the database that a trigger of APOC is for.
///
/// # Errors
/// As [`drop`].
pub fn drop_in(dialect: Dialect, database: &str, object: &SchemaObject) -> Result<Vec<String>> {
    match dialect {
        Dialect::Memgraph => memgraph::drop(object),
        Dialect::Neo4j => neo4j::drop(database, object),
    }
}

/// Why the system cannot have an object, in words that follow its description; `None` where it can.
#[must_use]
pub fn objection(dialect: Dialect, object: &SchemaObject) -> Option<String> {
    let error = create(dialect, object).err()?;
    let known = format!("{} has no {}: ", dialect.product(), object.describe());
    Some(error.message().strip_prefix(&known).unwrap_or_else(|| error.message()).to_owned())
}

/// Whether the statements of an object run on Neo4j's database `system`.
#[must_use]
pub fn runs_on_system(dialect: Dialect, object: &SchemaObject) -> bool {
    dialect == Dialect::Neo4j && matches!(object, SchemaObject::Trigger(_))
}

fn refuse(dialect: Dialect, object: &SchemaObject, why: &str) -> Error {
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    Error::refused(format!("{} has no {}{why}", dialect.product(), object.describe()))
}

/// Text that is built of fixed words and quoted names.
struct Text {
    dialect: Dialect,
    out: Vec<u8>,
}

impl Text {
    fn new(dialect: Dialect, head: &str) -> Self {
        Self { dialect, out: head.as_bytes().to_vec() }
    }

    fn word(&mut self, word: &str) -> &mut Self {
        self.out.extend_from_slice(word.as_bytes());
        self
    }

    fn name(&mut self, name: &str) -> Result<&mut Self> {
        super::name::put(self.dialect, name, &mut self.out)?;
        Ok(self)
    }

    fn bare(&mut self, name: &str) -> Result<&mut Self> {
        super::name::put_bare(self.dialect, name, &mut self.out)?;
        Ok(self)
    }

    fn string(&mut self, text: &str) -> &mut Self {
        super::literal::string(self.dialect, text, &mut self.out);
        self
    }

    fn value(&mut self, value: &crate::model::Value) -> Result<&mut Self> {
        let bytes = value.to_packstream();
        super::literal::value(self.dialect, &mut crate::model::Cursor::new(&bytes), &mut self.out)?;
        Ok(self)
    }

    fn map(&mut self, map: &crate::model::Map) -> Result<&mut Self> {
        self.value(&crate::model::Value::Map(map.clone()))
    }

    /// `` before`a` between before`b` ``.
    fn names(&mut self, names: &[String], before: &str, between: &str) -> Result<&mut Self> {
        for (at, name) in names.iter().enumerate() {
            self.word(if at > 0 { between } else { "" }).word(before).name(name)?;
        }
        Ok(self)
    }

    fn done(&mut self) -> Vec<String> {
        vec![String::from_utf8_lossy(&self.out).into_owned()]
    }
}

#[cfg(test)]
mod tests;
