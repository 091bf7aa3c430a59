//! The schema objects that the store keeps.

use super::fault::during;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Schema, SchemaObject};
use rusqlite::Connection;

/// Every object with its id, in the order in which they were made.
pub(super) fn read(connection: &Connection) -> Result<Vec<(i64, SchemaObject)>> {
    let reading = || during("reading the schema");
    let mut statement =
        connection.prepare_cached("SELECT id, definition FROM schema_objects ORDER BY id").map_err(reading())?;
    let mut rows = statement.query([]).map_err(reading())?;
    let mut objects = Vec::new();
    while let Some(row) = rows.next().map_err(reading())? {
        let id = row.get(0).map_err(reading())?;
        let text: String = row.get(1).map_err(reading())?;
        let object = serde_json::from_str(&text).map_err(|cause| {
            Error::corrupt(format!("schema object {id} of the embedded store cannot be read")).caused_by(cause)
        })?;
        objects.push((id, object));
    }
    Ok(objects)
}

/// Every object, without the ids.
pub(super) fn schema(connection: &Connection) -> Result<Schema> {
    Ok(Schema { objects: read(connection)?.into_iter().map(|(_, object)| object).collect() })
}

/// Adds an object and gives its id.
pub(super) fn add(connection: &Connection, object: &SchemaObject) -> Result<i64> {
    for (_, known) in read(connection)? {
        if known == *object {
            return Err(no(format!("the {} exists already", object.describe())));
        }
        if share_a_name(&known, object) {
            return Err(no(format!(
                "the {} cannot be made: its name is taken by the {}",
                object.describe(),
                known.describe()
            )));
        }
    }
    let definition = serde_json::to_string(object).map_err(|cause| {
        Error::failed(format!("the {} cannot be written as JSON", object.describe())).caused_by(cause)
    })?;
    connection
        .query_row(
            "INSERT INTO schema_objects (description, definition) VALUES (?1, ?2) RETURNING id",
            (object.describe(), definition),
            |row| row.get(0),
        )
        .map_err(during("writing the schema"))
}

/// Removes an object, and what its constraint remembers.
pub(super) fn remove(connection: &Connection, object: &SchemaObject) -> Result<()> {
    let found = read(connection)?.into_iter().find(|(_, known)| known == object);
    let (id, _) = found.ok_or_else(|| no(format!("there is no {}", object.describe())))?;
    for sql in ["DELETE FROM unique_keys WHERE constraint_id = ?1", "DELETE FROM schema_objects WHERE id = ?1"] {
        connection.execute(sql, [id]).map_err(during("writing the schema"))?;
    }
    Ok(())
}

/// Indexes and constraints share one space of names, triggers of one system another, and each other kind its own.
fn share_a_name(a: &SchemaObject, b: &SchemaObject) -> bool {
    use SchemaObject::{Constraint, Index, Other, Trigger};
    let one_space = match (a, b) {
        (Index(_) | Constraint(_), Index(_) | Constraint(_)) => true,
        (Trigger(a), Trigger(b)) => a.system == b.system,
        (Other(a), Other(b)) => a.kind == b.kind,
        _ => false,
    };
    one_space && a.name().is_some() && a.name() == b.name()
}

fn no(message: String) -> Error {
    Error::new(ErrorKind::Server, message)
}
