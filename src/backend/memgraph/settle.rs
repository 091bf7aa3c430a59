//! What SHOW leaves open, settled by the statements of the server's own dump.
//!
//! Nothing is parsed that can be compared: of the readings of an index the one counts whose statement stands in the dump, letter by letter.
//! What no statement settles is refused, not guessed.

use super::schema::{Doubt, Found};
use crate::cypher::{self, Dialect, schema};
use crate::error::{Error, Result};
use crate::model::schema::{OtherObject, with};
use crate::model::{Entity, Index, Map, SchemaObject, Value};

/// The objects with their doubts settled by `statements`, and those that only the statements tell of.
pub(super) fn settle(found: Vec<Found>, statements: &[String]) -> Result<Vec<SchemaObject>> {
    let mut objects: Vec<SchemaObject> = Vec::new();
    for Found { object, doubt } in found {
        objects.push(match (doubt, object) {
            (None, object) => object,
            (Some(Doubt::Among(among)), object) => among_these(among, statements).ok_or_else(|| unsettled(&object))?,
            (Some(Doubt::Config), SchemaObject::Index(index)) => configured(index, statements)?,
            (Some(Doubt::Security), SchemaObject::Trigger(mut trigger)) => {
                let head = format!("CREATE TRIGGER {} SECURITY ", trigger.name);
                let word = statements.iter().find_map(|line| line.strip_prefix(&*head));
                let word = word.and_then(|rest| rest.split(' ').next()).map(str::to_owned);
                let word = word.ok_or_else(|| unsettled(&SchemaObject::Trigger(trigger.clone())))?;
                trigger.selector.insert("security".to_owned(), word.as_str().into());
                SchemaObject::Trigger(trigger)
            }
            (Some(_), object) => return Err(unsettled(&object)),
        });
    }
    // Triggers come last: what else the dump tells stands before them.
    let triggers =
        objects.iter().position(|object| matches!(object, SchemaObject::Trigger(_))).unwrap_or(objects.len());
    let mut more = Vec::new();
    for line in statements {
        if let Some(rest) = line.strip_prefix("ENABLE TTL") {
            more.push(time_to_live(rest).ok_or_else(|| strange(line))?);
        } else if let Some(rest) = line.strip_prefix("SET DESCRIPTION ON ") {
            more.push(description(rest).ok_or_else(|| strange(line))?);
        } else if !KNOWN.iter().any(|head| line.starts_with(head)) {
            return Err(strange(line));
        }
    }
    objects.splice(triggers..triggers, more);
    Ok(objects)
}

/// What the other statements of a dump begin with.
const KNOWN: [&str; 4] =
    ["CREATE ", "DROP INDEX ON :__mg_vertex__", "MATCH (u) REMOVE u:__mg_vertex__", "MATCH (u:__mg_vertex__)"];

fn statement(object: &SchemaObject) -> Option<String> {
    schema::create(Dialect::Memgraph, object).ok()?.into_iter().next()
}

fn among_these(among: Vec<SchemaObject>, statements: &[String]) -> Option<SchemaObject> {
    let mut there = among.into_iter().filter(|object| statement(object).is_some_and(|text| statements.contains(&text)));
    match (there.next(), there.next()) {
        (Some(object), None) => Some(object),
        _ => None,
    }
}

/// A vector index with the labels and the configuration of its statement.
fn configured(mut index: Index, statements: &[String]) -> Result<SchemaObject> {
    let (labels, config) = match stated(&index, statements) {
        Some(found) => found,
        None => return Err(unsettled(&SchemaObject::Index(index))),
    };
    let settings = serde_json::from_str::<indexmap::IndexMap<String, serde_json::Value>>(config).ok();
    let labels = label_filter(labels);
    let (Some(settings), Some((labels, all))) = (settings, labels) else {
        return Err(unsettled(&SchemaObject::Index(index)));
    };
    index.labels = labels;
    index.config = Map::new();
    for (key, value) in settings {
        let value = match value {
            serde_json::Value::String(text) => Value::from(text.as_str()),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(number), _) => Value::Integer(number),
                (None, Some(number)) => Value::Float(number),
                (None, None) => return Err(unsettled(&SchemaObject::Index(index))),
            },
            _ => return Err(unsettled(&SchemaObject::Index(index))),
        };
        index.config.insert(key, value);
    }
    if all {
        index.config.insert("labels".to_owned(), "all".into());
    }
    Ok(SchemaObject::Index(index))
}

/// What stands before the property of a vector index's statement, and its configuration.
fn stated<'a>(index: &Index, statements: &'a [String]) -> Option<(&'a str, &'a str)> {
    let quoted = |name: &str| cypher::name::quoted(Dialect::Memgraph, name).ok();
    let edge = if index.on == Entity::Relationship { "EDGE " } else { "" };
    let head = format!("CREATE VECTOR {edge}INDEX {} ON ", quoted(index.name.as_deref()?)?);
    let line = statements.iter().find_map(|line| line.strip_prefix(&*head))?;
    let property = format!("({}) WITH CONFIG ", quoted(index.properties.first()?)?);
    line.split_once(&property)
}

/// Labels as `` :`A` ``, `` :`A`|`B` ``, `` :`A`&`B` `` or nothing for all, and whether a node must have all of them.
fn label_filter(text: &str) -> Option<(Vec<String>, bool)> {
    let (mut labels, mut all) = (Vec::new(), false);
    let mut rest = text;
    while let Some(separator) = rest.chars().next() {
        match (separator, labels.is_empty()) {
            (':', true) | ('|', false) => {}
            ('&', false) => all = true,
            _ => return None,
        }
        let mut name = String::new();
        let mut tail = rest.get(1..)?.strip_prefix('`')?;
        loop {
            let (part, behind) = tail.split_once('`')?;
            name.push_str(part);
            match behind.strip_prefix('`') {
                Some(more) => {
                    name.push('`');
                    tail = more;
                }
                None => {
                    rest = behind;
                    break;
                }
            }
        }
        labels.push(name);
    }
    Some((labels, all))
}

/// ` EVERY "86400s" AT "10:00:00"`: each may be missing.
fn time_to_live(mut rest: &str) -> Option<SchemaObject> {
    let mut details = Map::new();
    for (key, keyword) in [("every", " EVERY "), ("at", " AT ")] {
        if let Some(behind) = rest.strip_prefix(keyword) {
            let (text, end) = string(behind)?;
            details.insert(key.to_owned(), Value::from(text.as_str()));
            rest = end;
        }
    }
    let name = "ttl".to_owned();
    rest.is_empty().then(|| SchemaObject::Other(OtherObject { kind: name.clone(), name, details }))
}

/// What it is on, a space, and the text as a string.
fn description(rest: &str) -> Option<SchemaObject> {
    let mut quoted = false;
    let at = rest.char_indices().find_map(|(at, c)| match c {
        '`' => {
            quoted = !quoted;
            None
        }
        '"' if !quoted => Some(at),
        _ => None,
    })?;
    let (target, behind) = rest.split_at_checked(at)?;
    let (text, end) = string(behind)?;
    let details = with(Map::new(), "text", text.as_str());
    let (kind, name) = ("description".to_owned(), target.trim_end().to_owned());
    end.is_empty().then_some(SchemaObject::Other(OtherObject { kind, name, details }))
}

/// A string as Memgraph's dumps write it, and what follows it.
fn string(text: &str) -> Option<(String, &str)> {
    let mut chars = text.strip_prefix('"')?.chars();
    let mut out = String::new();
    loop {
        match chars.next()? {
            '"' => return Some((out, chars.as_str())),
            '\\' => out.push(match chars.next()? {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                same @ ('\\' | '\'' | '"') => same,
                _ => return None,
            }),
            c => out.push(c),
        }
    }
}

fn unsettled(object: &SchemaObject) -> Error {
    Error::refused(format!(
        "the server's lists do not settle what the {} is, and no statement of its dump does",
        object.describe()
    ))
    .hint("dump it with --via dump, which takes the server's own statements, or without the schema")
}

fn strange(statement: &str) -> Error {
    let start: String = statement.chars().take(80).collect();
    Error::refused(format!("the server's own dump has a statement that is not known here: {start:?}"))
        .hint("dump it with --via dump, which keeps such statements as they are, or without the schema")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn other(kind: &str, name: &str, details: &[(&str, &str)]) -> SchemaObject {
        let details = details.iter().map(|(key, text)| ((*key).to_owned(), Value::from(*text))).collect();
        SchemaObject::Other(OtherObject { kind: kind.to_owned(), name: name.to_owned(), details })
    }

    #[test]
    fn what_only_the_dump_tells() {
        let lines = [
            "ENABLE TTL EVERY \"86400s\" AT \"10:00:00\"",
            "SET DESCRIPTION ON LABEL PROPERTY :`A\"`(`b``c`) \"it\\'s \\\"a\\\"\\n\"",
        ];
        let settled = settle(Vec::new(), &lines.map(str::to_owned)).unwrap();
        let expected = [
            other("ttl", "ttl", &[("every", "86400s"), ("at", "10:00:00")]),
            other("description", "LABEL PROPERTY :`A\"`(`b``c`)", &[("text", "it's \"a\"\n")]),
        ];
        assert_eq!(settled, expected);
        for line in ["ENABLE TTL SOON", "SET DESCRIPTION ON DATABASE `x` \"a", "GRANT ALL TO x"] {
            let error = settle(Vec::new(), &[line.to_owned()]).unwrap_err().to_string();
            assert_eq!(error, format!("the server's own dump has a statement that is not known here: {line:?}"));
        }
    }
}
