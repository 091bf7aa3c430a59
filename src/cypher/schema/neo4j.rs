//! Neo4j's indexes and constraints, and APOC's triggers.

use super::{Text, refuse};
use crate::cypher::Dialect;
use crate::error::Result;
use crate::model::{Constraint, ConstraintKind, Entity, Index, IndexKind, Map, SchemaObject, Trigger, Value};

const NEO4J: Dialect = Dialect::Neo4j;

pub(super) fn create(database: &str, object: &SchemaObject) -> Result<Vec<String>> {
    match object {
        SchemaObject::Index(index) => create_index(object, index),
        SchemaObject::Constraint(constraint) => create_constraint(object, constraint),
        SchemaObject::Trigger(trigger) if trigger.system == "apoc" => create_trigger(database, trigger),
        SchemaObject::Trigger(_) | SchemaObject::Other(_) => Err(refuse(NEO4J, object, "")),
    }
}

pub(super) fn drop(database: &str, object: &SchemaObject) -> Result<Vec<String>> {
    let what = match object {
        SchemaObject::Index(_) => "DROP INDEX ",
        SchemaObject::Constraint(_) => "DROP CONSTRAINT ",
        SchemaObject::Trigger(trigger) if trigger.system == "apoc" => {
            let mut text = Text::new(NEO4J, "CALL apoc.trigger.drop(");
            return Ok(text.string(database).word(", ").string(&trigger.name).word(")").done());
        }
        SchemaObject::Trigger(_) | SchemaObject::Other(_) => return Err(refuse(NEO4J, object, "")),
    };
    match object.name() {
        Some(name) => Ok(Text::new(NEO4J, what).name(name)?.done()),
        None => Err(refuse(NEO4J, object, "it is dropped by its name, and this one has none")),
    }
}

fn create_index(object: &SchemaObject, index: &Index) -> Result<Vec<String>> {
    let (keyword, configurable) = match index.kind {
        IndexKind::Range => ("RANGE", false),
        IndexKind::Text => ("TEXT", false),
        IndexKind::Point => ("POINT", true),
        IndexKind::Fulltext => ("FULLTEXT", true),
        IndexKind::Vector => ("VECTOR", true),
        IndexKind::Lookup => ("LOOKUP", false),
        IndexKind::Label => return Err(refuse(NEO4J, object, "")),
    };
    let lookup = index.kind == IndexKind::Lookup;
    if !lookup && (index.labels.is_empty() || index.properties.is_empty()) {
        return Err(refuse(NEO4J, object, "it needs a label or type and a property"));
    }
    if index.kind != IndexKind::Fulltext && index.labels.len() > 1 {
        return Err(refuse(NEO4J, object, "only fulltext indexes have several labels or types"));
    }
    if matches!(index.kind, IndexKind::Text | IndexKind::Point | IndexKind::Vector) && index.properties.len() > 1 {
        return Err(refuse(NEO4J, object, "such an index has one property"));
    }
    // Neo4j's own settings have names such as vector.dimensions.
    if let Some(setting) = index.config.keys().find(|key| configurable && !key.contains('.')) {
        return Err(refuse(NEO4J, object, &format!("{setting:?} is no setting of it")));
    }
    if !configurable && !index.config.is_empty() {
        return Err(refuse(NEO4J, object, "such an index has no configuration"));
    }
    let mut text = Text::new(NEO4J, "CREATE ");
    text.word(keyword).word(" INDEX ");
    if let Some(name) = &index.name {
        text.name(name)?.word(" ");
    }
    let variable = pattern(&mut text, index.on, &index.labels)?;
    match index.kind {
        IndexKind::Lookup => {
            text.word(if index.on == Entity::Node { " ON EACH labels(n)" } else { " ON EACH type(r)" });
        }
        IndexKind::Fulltext => {
            text.word(" ON EACH [").names(&index.properties, variable, ", ")?.word("]");
        }
        _ => {
            text.word(" ON (").names(&index.properties, variable, ", ")?.word(")");
        }
    }
    options(&mut text, &index.config)?;
    Ok(text.done())
}

/// `` FOR (n:`A`|`B`) `` or `` FOR ()-[r:`T`]-() ``; gives how a property of it begins.
fn pattern(text: &mut Text, on: Entity, labels: &[String]) -> Result<&'static str> {
    let (head, tail, variable) = match on {
        Entity::Node => ("FOR (n", ")", "n."),
        Entity::Relationship => ("FOR ()-[r", "]-()", "r."),
    };
    text.word(head).word(if labels.is_empty() { "" } else { ":" }).names(labels, "", "|")?.word(tail);
    Ok(variable)
}

fn options(text: &mut Text, config: &Map) -> Result<()> {
    if !config.is_empty() {
        text.word(" OPTIONS {indexConfig: ").map(config)?.word("}");
    }
    Ok(())
}

/// Memgraph's spellings of types that both have, and Neo4j's.
const SPELLED: [(&str, &str); 3] =
    [("LOCALTIME", "LOCAL TIME"), ("LOCALDATETIME", "LOCAL DATETIME"), ("ZONEDDATETIME", "ZONED DATETIME")];

/// Memgraph's types that Neo4j cannot demand.
const OTHERS: [&str; 3] = ["LIST", "MAP", "ENUM"];

fn create_constraint(object: &SchemaObject, constraint: &Constraint) -> Result<Vec<String>> {
    let Constraint { name, kind, on, label, properties, config, .. } = constraint;
    let single = matches!(kind, ConstraintKind::Existence | ConstraintKind::PropertyType(_));
    if properties.is_empty() || single && properties.len() > 1 {
        return Err(refuse(NEO4J, object, "it has the wrong number of properties"));
    }
    if single && !config.is_empty() {
        return Err(refuse(NEO4J, object, "such a constraint has no configuration"));
    }
    let mut text = Text::new(NEO4J, "CREATE CONSTRAINT ");
    if let Some(name) = name {
        text.name(name)?.word(" ");
    }
    let variable = pattern(&mut text, *on, std::slice::from_ref(label))?;
    text.word(" REQUIRE (").names(properties, variable, ", ")?.word(")");
    match (kind, on) {
        (ConstraintKind::Unique, _) => text.word(" IS UNIQUE"),
        (ConstraintKind::Existence, _) => text.word(" IS NOT NULL"),
        (ConstraintKind::Key, Entity::Node) => text.word(" IS NODE KEY"),
        (ConstraintKind::Key, Entity::Relationship) => text.word(" IS RELATIONSHIP KEY"),
        (ConstraintKind::PropertyType(kind), _) => {
            // A type is no name and cannot be quoted: only what types are made of may stand there.
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b" <>(),|_".contains(&byte);
            if kind.is_empty() || !kind.bytes().all(fits) || OTHERS.contains(&kind.as_str()) {
                return Err(refuse(NEO4J, object, &format!("{kind:?} is no type")));
            }
            let spelled = SPELLED.iter().find(|(memgraph, _)| memgraph == kind).map_or(kind.as_str(), |(_, own)| own);
            text.word(" IS :: ").word(spelled)
        }
    };
    options(&mut text, config)?;
    Ok(text.done())
}

fn create_trigger(database: &str, trigger: &Trigger) -> Result<Vec<String>> {
    let mut text = Text::new(NEO4J, "CALL apoc.trigger.install(");
    text.string(database).word(", ").string(&trigger.name).word(", ").string(&trigger.statement).word(", ");
    text.map(&trigger.selector)?.word(", {params: ").value(&Value::Map(trigger.params.clone()))?.word("})");
    let mut statements = text.done();
    if trigger.paused {
        // Installing starts it, even over one that was paused.
        let mut text = Text::new(NEO4J, "CALL apoc.trigger.stop(");
        statements.extend(text.string(database).word(", ").string(&trigger.name).word(")").done());
    }
    Ok(statements)
}
