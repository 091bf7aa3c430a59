//! What a dump can hold.

use crate::cypher::{Dialect, Version, schema, version};
use crate::model::{Capability, ConstraintKind, Entity, IndexKind, Objection, SchemaObject};

fn own(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// What a dump can hold for a dialect and, for Memgraph, a version.
pub(super) fn capability(dialect: Dialect, target: Option<Version>) -> Capability {
    let version = target.map(|target| format!(" {target}")).unwrap_or_default();
    let system = format!("a Cypher dump for {}{version}", dialect.product());
    let objection = Objection::new(move |object: &SchemaObject| {
        if let Some(why) = target.and_then(|target| version::lacks(target, object)) {
            return Some(why);
        }
        schema::objection(dialect, object)
    });
    let kinds = match dialect {
        Dialect::Neo4j => neo4j(),
        Dialect::Memgraph => memgraph(),
    };
    let mut capability = Capability { system, objection: Some(objection), ..kinds };
    capability.refused_values.extend(target.map(version::lacking_values).unwrap_or_default());
    capability
}

fn neo4j() -> Capability {
    Capability {
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
        refused_indexes: vec![(Entity::Node, IndexKind::Label), (Entity::Relationship, IndexKind::Label)],
        triggers: own(&["apoc"]),
        ..Capability::default()
    }
}

fn memgraph() -> Capability {
    let all = ["unique", "existence", "key", "property-type"];
    let on_relationships = all.into_iter().map(|kind| (Entity::Relationship, kind));
    Capability {
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
        refused_constraints: on_relationships.chain([(Entity::Node, ConstraintKind::Key.keyword())]).collect(),
        refused_indexes: vec![
            (Entity::Node, IndexKind::Fulltext),
            (Entity::Relationship, IndexKind::Fulltext),
            (Entity::Node, IndexKind::Lookup),
            (Entity::Relationship, IndexKind::Lookup),
            (Entity::Relationship, IndexKind::Point),
        ],
        triggers: own(&["memgraph"]),
        other_objects: own(&["enum", "ttl", "description"]),
        ..Capability::default()
    }
}
