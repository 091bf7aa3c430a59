//! The schema: what SHOW INDEXES and SHOW CONSTRAINTS tell, as objects.
//!
//! Names and options are taken from their columns and never from `createStatement`, which does not escape backslashes. A kind that is
//! not known here is kept as an [`OtherObject`] with that statement, so that nothing is dropped.

use super::source::text;
use crate::backend::bolt::Link;
use crate::error::{Error, Result};
use crate::model::schema::OtherObject;
use crate::model::{Constraint, ConstraintKind, Entity, Index, IndexKind, Map, Schema, SchemaObject, Value};
use crate::wire::{Connection, Query, Row, Scope};

/// Reads the schema.
pub(super) fn read(connection: &mut Connection, link: &Link, scope: Scope) -> Result<Schema> {
    let mut table = |text: &str| {
        let text = link.statement(text);
        connection.table(&Query { scope, database: Some(link.database()), ..Query::inside(&text) })
    };
    let indexes = table("SHOW INDEXES YIELD * ORDER BY name")?;
    let constraints = table("SHOW CONSTRAINTS YIELD * ORDER BY name")?;
    objects(&indexes, &constraints)
}

/// The objects of these rows: indexes, then constraints, in the rows' order.
fn objects(indexes: &[Row], constraints: &[Row]) -> Result<Schema> {
    let mut objects = Vec::new();
    // An index that a constraint owns is part of the constraint.
    for row in indexes.iter().filter(|row| text(row, "owningConstraint").is_none()) {
        objects.push(index(row)?);
    }
    for row in constraints {
        objects.push(constraint(row)?);
    }
    Ok(Schema { objects })
}

fn index(row: &Row) -> Result<SchemaObject> {
    let kind = match text(row, "type").unwrap_or_default() {
        "RANGE" => IndexKind::Range,
        "TEXT" => IndexKind::Text,
        "POINT" => IndexKind::Point,
        "FULLTEXT" => IndexKind::Fulltext,
        "VECTOR" => IndexKind::Vector,
        "LOOKUP" => IndexKind::Lookup,
        other => return other_object("index", other, row),
    };
    let Some(on) = entity(row) else { return other_object("index", kind.keyword(), row) };
    let provider = text(row, "indexProvider").map(str::to_owned);
    Ok(SchemaObject::Index(Index {
        name: text(row, "name").map(str::to_owned),
        kind,
        on,
        labels: names(row, "labelsOrTypes"),
        properties: names(row, "properties"),
        provider,
        config: config(row),
    }))
}

fn constraint(row: &Row) -> Result<SchemaObject> {
    let kind = match text(row, "type").unwrap_or_default() {
        "UNIQUENESS" | "NODE_PROPERTY_UNIQUENESS" => ConstraintKind::Unique,
        "RELATIONSHIP_UNIQUENESS" | "RELATIONSHIP_PROPERTY_UNIQUENESS" => ConstraintKind::Unique,
        "NODE_KEY" | "RELATIONSHIP_KEY" => ConstraintKind::Key,
        "NODE_PROPERTY_EXISTENCE" | "RELATIONSHIP_PROPERTY_EXISTENCE" => ConstraintKind::Existence,
        "NODE_PROPERTY_TYPE" | "RELATIONSHIP_PROPERTY_TYPE" => match text(row, "propertyType") {
            Some(kind) => ConstraintKind::PropertyType(kind.to_owned()),
            None => return other_object("constraint", "property type", row),
        },
        other => return other_object("constraint", other, row),
    };
    let labels = names(row, "labelsOrTypes");
    let (Some(on), [label]) = (entity(row), labels.as_slice()) else {
        return other_object("constraint", kind.keyword(), row);
    };
    let provider = row.get("options").and_then(Value::as_map).and_then(|options| options.get("indexProvider"));
    Ok(SchemaObject::Constraint(Constraint {
        name: text(row, "name").map(str::to_owned),
        kind,
        on,
        label: label.clone(),
        properties: names(row, "properties"),
        provider: provider.and_then(Value::as_str).map(str::to_owned),
        config: config(row),
    }))
}

fn entity(row: &Row) -> Option<Entity> {
    match text(row, "entityType")? {
        "NODE" => Some(Entity::Node),
        "RELATIONSHIP" => Some(Entity::Relationship),
        _ => None,
    }
}

fn names(row: &Row, column: &str) -> Vec<String> {
    let list = row.get(column).and_then(Value::as_list).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn config(row: &Row) -> Map {
    let options = row.get("options").and_then(Value::as_map);
    let config = options.and_then(|options| options.get("indexConfig")).and_then(Value::as_map).cloned();
    let mut config = config.unwrap_or_default();
    // The server lists them in an order of its own.
    config.sort_unstable_keys();
    config
}

/// Columns that tell of the moment and not of the object.
const PASSING: [&str; 9] = [
    "id",
    "state",
    "populationPercent",
    "lastRead",
    "readCount",
    "trackedSince",
    "failureMessage",
    "ownedIndex",
    "owningConstraint",
];

fn other_object(what: &str, kind: &str, row: &Row) -> Result<SchemaObject> {
    let Some(name) = text(row, "name") else {
        return Err(Error::failed(format!("the server lists a {what} of kind {kind:?} without a name")));
    };
    let told = row.iter().filter(|(key, value)| !PASSING.contains(&key.as_str()) && !matches!(value, Value::Null));
    Ok(SchemaObject::Other(OtherObject {
        kind: format!("{} {what}", kind.to_lowercase().replace('_', "-")),
        name: name.to_owned(),
        details: told.map(|(key, value)| (key.clone(), value.clone())).collect(),
    }))
}

/// Whether an object is one of the two lookup indexes that every database is born with: told by the name that the server gives.
pub(super) fn is_default(object: &SchemaObject) -> bool {
    let SchemaObject::Index(Index { kind: IndexKind::Lookup, name: Some(name), .. }) = object else { return false };
    let digits = name.strip_prefix("index_").unwrap_or_default();
    digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn row(entries: &[(&str, Value)]) -> Row {
        entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
    }

    fn list(names: &[&str]) -> Value {
        Value::List(names.iter().map(|name| (*name).into()).collect())
    }

    fn constraint_row(kind: &str, on: &str) -> Row {
        row(&[
            ("id", 3.into()),
            ("name", "c".into()),
            ("type", kind.into()),
            ("entityType", on.into()),
            ("labelsOrTypes", list(&["L"])),
            ("properties", list(&["p", "q"])),
            ("propertyType", "STRING".into()),
            ("options", Value::Map(Map::from_iter([("indexProvider".to_owned(), "range-1.0".into())]))),
            ("createStatement", "CREATE …".into()),
        ])
    }

    #[test]
    fn constraints_of_both_vocabularies() {
        for (kind, on, expected) in [
            ("UNIQUENESS", "NODE", "node unique constraint"),
            ("NODE_PROPERTY_UNIQUENESS", "NODE", "node unique constraint"),
            ("RELATIONSHIP_UNIQUENESS", "RELATIONSHIP", "relationship unique constraint"),
            ("RELATIONSHIP_PROPERTY_UNIQUENESS", "RELATIONSHIP", "relationship unique constraint"),
            ("NODE_KEY", "NODE", "node key constraint"),
            ("RELATIONSHIP_KEY", "RELATIONSHIP", "relationship key constraint"),
            ("NODE_PROPERTY_EXISTENCE", "NODE", "node existence constraint"),
            ("RELATIONSHIP_PROPERTY_EXISTENCE", "RELATIONSHIP", "relationship existence constraint"),
            ("NODE_PROPERTY_TYPE", "NODE", "node property-type constraint"),
            ("RELATIONSHIP_PROPERTY_TYPE", "RELATIONSHIP", "relationship property-type constraint"),
        ] {
            let schema = objects(&[], &[constraint_row(kind, on)]).unwrap();
            assert_eq!(schema.objects[0].describe(), format!("{expected} \"c\" on L(p, q)"));
            let SchemaObject::Constraint(constraint) = &schema.objects[0] else { panic!("{kind}") };
            assert_eq!(constraint.provider.as_deref(), Some("range-1.0"));
        }
    }

    #[test]
    fn an_unknown_kind_is_kept_with_its_statement() {
        let schema = objects(&[], &[constraint_row("NODE_LABEL_EXISTENCE", "NODE")]).unwrap();
        let SchemaObject::Other(other) = &schema.objects[0] else { panic!() };
        assert_eq!((other.kind.as_str(), other.name.as_str()), ("node-label-existence constraint", "c"));
        assert_eq!(other.details.get("createStatement").and_then(Value::as_str), Some("CREATE …"));
        assert!(!other.details.contains_key("id"));
    }

    #[test]
    fn owned_indexes_are_left_out_and_default_ones_known() {
        let lookup = |name: &str| {
            row(&[
                ("name", name.into()),
                ("type", "LOOKUP".into()),
                ("entityType", "NODE".into()),
                ("labelsOrTypes", Value::Null),
                ("properties", Value::Null),
                ("indexProvider", "token-lookup-1.0".into()),
                ("owningConstraint", Value::Null),
            ])
        };
        let mut owned = lookup("c");
        owned.insert("owningConstraint".to_owned(), "c".into());
        let schema = objects(&[lookup("index_343aff4e"), owned, lookup("mine")], &[]).unwrap();
        let names: Vec<_> = schema.objects.iter().map(|object| (object.name().unwrap(), is_default(object))).collect();
        assert_eq!(names, [("index_343aff4e", true), ("mine", false)]);
    }
}
