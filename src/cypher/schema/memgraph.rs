//! Memgraph's indexes, constraints, triggers, enums, time-to-live and descriptions.
//!
//! How they lie in the model:
//!
//! | object | model |
//! |---|---|
//! | label or edge type index | [`IndexKind::Label`] |
//! | label+property, edge-type+property index | [`IndexKind::Range`]; `config.order` = `DESC`; `config.paths` = the path of each property, where one is nested (its name then joins them with dots) |
//! | global edge index | [`IndexKind::Range`] on relationships, no type |
//! | vector index | `config` as in the statement; `config.labels` = `all` for `` :`A`&`B` `` |
//! | trigger | `selector`: `event` (absent for any), `phase` (`BEFORE COMMIT`), `security` (`INVOKER`, absent before 3.8) |
//! | enum | kind `enum`, `details.values` |
//! | time-to-live | kind `ttl`, `details.every`, `details.at` |
//! | description | kind `description`, name = what it is on, as in the statement, `details.text` |

use super::{Text, refuse};
use crate::cypher::Dialect;
use crate::error::Result;
use crate::model::schema::OtherObject;
use crate::model::{Constraint, ConstraintKind, Entity, Index, IndexKind, SchemaObject, Trigger, Value};

const MEMGRAPH: Dialect = Dialect::Memgraph;

/// What a trigger can react to.
const EVENTS: [&str; 9] =
    ["CREATE", "() CREATE", "--> CREATE", "DELETE", "() DELETE", "--> DELETE", "UPDATE", "() UPDATE", "--> UPDATE"];

pub(super) fn create(object: &SchemaObject) -> Result<Vec<String>> {
    match object {
        SchemaObject::Index(index) => create_index(object, index),
        SchemaObject::Constraint(constraint) => constraint_statement("CREATE", object, constraint),
        SchemaObject::Trigger(trigger) if trigger.system == "memgraph" => create_trigger(object, trigger),
        SchemaObject::Other(other) => create_other(object, other),
        SchemaObject::Trigger(_) => Err(refuse(MEMGRAPH, object, "")),
    }
}

pub(super) fn drop(object: &SchemaObject) -> Result<Vec<String>> {
    match object {
        SchemaObject::Index(index) => match (index.kind, &index.name) {
            (IndexKind::Text | IndexKind::Vector, Some(name)) => {
                let keyword = if index.kind == IndexKind::Text { "DROP TEXT INDEX " } else { "DROP VECTOR INDEX " };
                Ok(Text::new(MEMGRAPH, keyword).name(name)?.done())
            }
            (IndexKind::Text | IndexKind::Vector, None) => Err(refuse(MEMGRAPH, object, "it is dropped by its name")),
            _ => plain_index("DROP", object, index),
        },
        SchemaObject::Constraint(constraint) => constraint_statement("DROP", object, constraint),
        SchemaObject::Trigger(trigger) if trigger.system == "memgraph" => {
            Ok(Text::new(MEMGRAPH, "DROP TRIGGER ").bare(&trigger.name)?.done())
        }
        SchemaObject::Other(other) if other.kind == "ttl" => Ok(vec!["DISABLE TTL".to_owned()]),
        SchemaObject::Trigger(_) => Err(refuse(MEMGRAPH, object, "")),
        SchemaObject::Other(_) => Err(refuse(MEMGRAPH, object, "there is no statement that drops it")),
    }
}

fn create_index(object: &SchemaObject, index: &Index) -> Result<Vec<String>> {
    let Index { name, kind, on, labels, properties, config, .. } = index;
    let own: &[&str] = if *kind == IndexKind::Range { &["order", "paths"] } else { &[] };
    // The bounds that Neo4j tells of every point index only say how it is laid out.
    let known = |key: &str| own.contains(&key) || *kind == IndexKind::Point && key.starts_with("spatial.");
    if let Some(setting) = config.keys().find(|key| *kind != IndexKind::Vector && !known(key)) {
        return Err(refuse(MEMGRAPH, object, &format!("{setting:?} is no setting of it")));
    }
    let edge = if *on == Entity::Relationship { " EDGE" } else { "" };
    let mut text = Text::new(MEMGRAPH, "CREATE");
    match (kind, name) {
        (IndexKind::Text, Some(name)) => {
            let [label] = labels.as_slice() else {
                return Err(refuse(MEMGRAPH, object, "a text index has one label or type"));
            };
            text.word(" TEXT").word(edge).word(" INDEX ").name(name)?.word(" ON :").name(label)?;
            if !properties.is_empty() {
                text.word("(").names(properties, "", ", ")?.word(")");
            }
            Ok(text.done())
        }
        (IndexKind::Vector, Some(name)) => {
            let [property] = properties.as_slice() else {
                return Err(refuse(MEMGRAPH, object, "a vector index has one property"));
            };
            if !config.contains_key("dimension") || !config.contains_key("capacity") {
                return Err(refuse(MEMGRAPH, object, "it needs a dimension and a capacity"));
            }
            text.word(" VECTOR").word(edge).word(" INDEX ").name(name)?.word(" ON ");
            let all = config.get("labels").and_then(Value::as_str) == Some("all");
            text.word(if labels.is_empty() { "" } else { ":" });
            text.names(labels, "", if all { "&" } else { "|" })?;
            text.word("(").name(property)?.word(") WITH CONFIG { ");
            let settings = config.iter().filter(|(key, _)| *key != "labels");
            for (at, (key, value)) in settings.enumerate() {
                text.word(if at > 0 { ", " } else { "" }).string(key).word(": ").value(value)?;
            }
            Ok(text.word(" }").done())
        }
        (IndexKind::Text | IndexKind::Vector, None) => Err(refuse(MEMGRAPH, object, "it needs a name")),
        _ => plain_index("CREATE", object, index),
    }
}

/// The indexes without names, whose CREATE and DROP differ in one word.
fn plain_index(verb: &str, object: &SchemaObject, index: &Index) -> Result<Vec<String>> {
    let Index { kind, on, labels, properties, config, .. } = index;
    let mut text = Text::new(MEMGRAPH, verb);
    match (kind, on, labels.as_slice(), properties.as_slice()) {
        (IndexKind::Label, Entity::Node, [label], []) => text.word(" INDEX ON :").name(label)?,
        (IndexKind::Label, Entity::Relationship, [label], []) => text.word(" EDGE INDEX ON :").name(label)?,
        (IndexKind::Range, Entity::Relationship, [label], [property]) => {
            text.word(" EDGE INDEX ON :").name(label)?.word("(").name(property)?.word(")")
        }
        (IndexKind::Range, Entity::Relationship, [], [property]) => {
            text.word(" GLOBAL EDGE INDEX ON :(").name(property)?.word(")")
        }
        (IndexKind::Point, Entity::Node, [label], [property]) => {
            text.word(" POINT INDEX ON :").name(label)?.word("(").name(property)?.word(")")
        }
        (IndexKind::Range, Entity::Node, [label], [_, ..]) => {
            text.word(" INDEX ON :").name(label)?.word("(");
            match config.get("paths").and_then(Value::as_list) {
                None => {
                    text.names(properties, "", ", ")?;
                }
                Some(paths) => {
                    for (at, path) in paths.iter().enumerate() {
                        text.word(if at > 0 { ", " } else { "" });
                        let steps = path.as_list().unwrap_or_default().iter().filter_map(Value::as_str);
                        let steps: Vec<String> = steps.map(str::to_owned).collect();
                        text.names(&steps, "", ".")?;
                    }
                }
            }
            text.word(")");
            match config.get("order").and_then(Value::as_str) {
                Some("DESC") => text.word(" WITH CONFIG {\"order\": \"DESC\"}"),
                Some(order) if order != "ASC" => {
                    return Err(refuse(MEMGRAPH, object, &format!("{order:?} is no order")));
                }
                _ => &mut text,
            }
        }
        _ => return Err(refuse(MEMGRAPH, object, "")),
    };
    Ok(text.done())
}

fn constraint_statement(verb: &str, object: &SchemaObject, constraint: &Constraint) -> Result<Vec<String>> {
    let Constraint { kind, on, label, properties, .. } = constraint;
    if *on == Entity::Relationship {
        return Err(refuse(MEMGRAPH, object, "its constraints are on nodes"));
    }
    let mut text = Text::new(MEMGRAPH, verb);
    text.word(" CONSTRAINT ON (u:").name(label)?.word(") ASSERT ");
    match (kind, properties.as_slice()) {
        (ConstraintKind::Existence, [property]) => text.word("EXISTS (u.").name(property)?.word(")"),
        (ConstraintKind::Unique, [_, ..]) => text.names(properties, "u.", ", ")?.word(" IS UNIQUE"),
        (ConstraintKind::PropertyType(kind), [property]) => {
            let Some(kind) = property_type(kind) else {
                return Err(refuse(MEMGRAPH, object, &format!("{kind:?} is no type")));
            };
            text.word("u.").name(property)?.word(" IS TYPED ").word(kind)
        }
        _ => return Err(refuse(MEMGRAPH, object, "")),
    };
    Ok(text.done())
}

/// A type in the spelling of the grammar; Memgraph's own lists and dumps write some with spaces.
#[must_use]
pub(super) fn property_type(name: &str) -> Option<&'static str> {
    const TYPES: [&str; 13] = [
        "STRING",
        "BOOLEAN",
        "INTEGER",
        "FLOAT",
        "LIST",
        "MAP",
        "DURATION",
        "DATE",
        "LOCALTIME",
        "LOCALDATETIME",
        "ZONEDDATETIME",
        "ENUM",
        "POINT",
    ];
    let name = name.replace(' ', "");
    let name = if name == "BOOL" { "BOOLEAN" } else { &name };
    TYPES.into_iter().find(|known| *known == name)
}

fn create_trigger(object: &SchemaObject, trigger: &Trigger) -> Result<Vec<String>> {
    let word = |key: &str| trigger.selector.get(key).and_then(Value::as_str);
    let mut text = Text::new(MEMGRAPH, "CREATE TRIGGER ");
    text.bare(&trigger.name)?;
    match word("security") {
        None => {}
        Some(security @ ("INVOKER" | "DEFINER")) => _ = text.word(" SECURITY ").word(security),
        Some(other) => return Err(refuse(MEMGRAPH, object, &format!("{other:?} is no security mode"))),
    }
    match word("event") {
        None | Some("ANY") => {}
        Some(event) if EVENTS.contains(&event) => _ = text.word(" ON ").word(event),
        Some(other) => return Err(refuse(MEMGRAPH, object, &format!("{other:?} is no event"))),
    }
    match word("phase") {
        Some(phase @ ("BEFORE COMMIT" | "AFTER COMMIT")) => text.word(" ").word(phase),
        other => return Err(refuse(MEMGRAPH, object, &format!("{:?} is no phase", other.unwrap_or_default()))),
    };
    if trigger.paused || !trigger.params.is_empty() {
        return Err(refuse(MEMGRAPH, object, "its triggers have no parameters and cannot be paused"));
    }
    Ok(text.word(" EXECUTE ").word(&trigger.statement).done())
}

fn create_other(object: &SchemaObject, other: &OtherObject) -> Result<Vec<String>> {
    let detail = |key: &str| other.details.get(key).and_then(Value::as_str);
    let mut text = Text::new(MEMGRAPH, "");
    match other.kind.as_str() {
        "enum" => {
            text.word("CREATE ENUM ").bare(&other.name)?.word(" VALUES { ");
            let values = other.details.get("values").and_then(Value::as_list).unwrap_or_default();
            for (at, value) in values.iter().filter_map(Value::as_str).enumerate() {
                text.word(if at > 0 { ", " } else { "" }).bare(value)?;
            }
            text.word(" }");
        }
        "ttl" => {
            text.word("ENABLE TTL");
            for (key, keyword) in [("every", " EVERY "), ("at", " AT ")] {
                if let Some(value) = detail(key) {
                    text.word(keyword).string(value);
                }
            }
        }
        "description" => {
            if !is_target(&other.name) {
                return Err(refuse(MEMGRAPH, object, "what it is on is not understood"));
            }
            text.word("SET DESCRIPTION ON ").word(&other.name).word(" ").string(detail("text").unwrap_or_default());
        }
        _ => return Err(refuse(MEMGRAPH, object, "")),
    }
    Ok(text.done())
}

/// Whether the text is made of the keywords, quoted names and punctuation that a description's target has.
fn is_target(text: &str) -> bool {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match first {
            // A doubled backtick is read as two names side by side, which changes nothing here.
            '`' => match rest.get(1..).and_then(|tail| tail.split_once('`')) {
                Some((_, tail)) => rest = tail,
                None => return false,
            },
            'A'..='Z' | ' ' | ':' | '(' | ')' | '[' | ']' | '-' | '>' | ',' => rest = rest.get(1..).unwrap_or_default(),
            _ => return false,
        }
    }
    !text.is_empty()
}
