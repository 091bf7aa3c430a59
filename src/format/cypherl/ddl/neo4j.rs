//! Neo4j's indexes and constraints, and APOC's triggers.

use super::{Ddl, map, name, separated, string};
use crate::format::cypherl::lex::{Lexed, Lexer, Stop};
use crate::model::{Constraint, ConstraintKind, Entity, Index, IndexKind, Map, SchemaObject, Trigger, Value};

pub(super) fn statement(lexer: &mut Lexer<'_>) -> Lexed<Ddl> {
    if lexer.keyword("CALL")? {
        return trigger(lexer);
    }
    lexer.keywords("CREATE")?;
    if lexer.keyword("CONSTRAINT")? {
        return constraint(lexer).map(|constraint| Ddl::Object(SchemaObject::Constraint(constraint)));
    }
    index(lexer).map(|index| Ddl::Object(SchemaObject::Index(index)))
}

/// A name before `FOR`, if there is one.
fn optional_name(lexer: &mut Lexer<'_>) -> Lexed<Option<String>> {
    if lexer.keyword("FOR")? {
        return Ok(None);
    }
    let name = name(lexer)?;
    lexer.keywords("FOR")?;
    Ok(Some(name))
}

/// `` (n:`A`|`B`) `` or `` ()-[r:`T`]-() ``: what it is on, labels or types, the variable.
fn pattern<'a>(lexer: &mut Lexer<'a>) -> Lexed<(Entity, Vec<String>, &'a str)> {
    lexer.expect(b'(')?;
    let relationship = lexer.peek()? == b')';
    if relationship {
        lexer.expect(b')')?;
        lexer.expect(b'-')?;
        lexer.expect(b'[')?;
    }
    let variable = lexer.word()?;
    lexer.space()?;
    let mut labels = Vec::new();
    if lexer.peek()? == b':' {
        lexer.expect(b':')?;
        labels.push(name(lexer)?);
        while lexer.peek()? == b'|' {
            lexer.expect(b'|')?;
            labels.push(name(lexer)?);
        }
    }
    if !relationship {
        lexer.expect(b')')?;
        return Ok((Entity::Node, labels, variable));
    }
    for byte in *b"]-()" {
        lexer.expect(byte)?;
    }
    Ok((Entity::Relationship, labels, variable))
}

/// `` n.`a`, n.`b` ``.
fn properties(lexer: &mut Lexer<'_>, variable: &str) -> Lexed<Vec<String>> {
    separated(lexer, |lexer| {
        if lexer.word()? != variable {
            return Err(Stop::Unknown);
        }
        lexer.expect(b'.')?;
        Ok(lexer.name()?.into_owned())
    })
}

/// The `indexConfig` of `OPTIONS {…}`, and the provider.
fn options(lexer: &mut Lexer<'_>) -> Lexed<(Map, Option<String>)> {
    if !lexer.keyword("OPTIONS")? {
        return Ok((Map::new(), None));
    }
    let mut options = map(lexer)?;
    let config = match options.shift_remove("indexConfig") {
        Some(Value::Map(config)) => config,
        None => Map::new(),
        Some(_) => return Err(Stop::Unknown),
    };
    let provider = match options.shift_remove("indexProvider") {
        Some(Value::String(provider)) => Some(provider),
        None => None,
        Some(_) => return Err(Stop::Unknown),
    };
    if options.is_empty() { Ok((config, provider)) } else { Err(Stop::Unknown) }
}

fn index(lexer: &mut Lexer<'_>) -> Lexed<Index> {
    let kinds = [
        ("RANGE", IndexKind::Range),
        ("TEXT", IndexKind::Text),
        ("POINT", IndexKind::Point),
        ("FULLTEXT", IndexKind::Fulltext),
        ("VECTOR", IndexKind::Vector),
        ("LOOKUP", IndexKind::Lookup),
    ];
    let mut kind = IndexKind::Range;
    for (keyword, known) in kinds {
        if lexer.keyword(keyword)? {
            kind = known;
            break;
        }
    }
    lexer.keywords("INDEX")?;
    let name = optional_name(lexer)?;
    let (on, labels, variable) = pattern(lexer)?;
    lexer.keywords("ON")?;
    let properties = match kind {
        IndexKind::Lookup => {
            lexer.keywords("EACH")?;
            lexer.keywords(if on == Entity::Node { "labels" } else { "type" })?;
            lexer.expect(b'(')?;
            if lexer.word()? != variable || !labels.is_empty() {
                return Err(Stop::Unknown);
            }
            lexer.expect(b')')?;
            Vec::new()
        }
        IndexKind::Fulltext => {
            lexer.keywords("EACH")?;
            lexer.expect(b'[')?;
            let properties = properties(lexer, variable)?;
            lexer.expect(b']')?;
            properties
        }
        _ => {
            lexer.expect(b'(')?;
            let properties = properties(lexer, variable)?;
            lexer.expect(b')')?;
            properties
        }
    };
    if labels.is_empty() != (kind == IndexKind::Lookup) {
        return Err(Stop::Unknown);
    }
    let (config, provider) = options(lexer)?;
    Ok(Index { name, kind, on, labels, properties, provider, config })
}

fn constraint(lexer: &mut Lexer<'_>) -> Lexed<Constraint> {
    let name = optional_name(lexer)?;
    let (on, labels, variable) = pattern(lexer)?;
    let [label] = <[String; 1]>::try_from(labels).map_err(|_| Stop::Unknown)?;
    lexer.keywords("REQUIRE")?;
    let bracket = lexer.peek()? == b'(';
    if bracket {
        lexer.expect(b'(')?;
    }
    let properties = properties(lexer, variable)?;
    if bracket {
        lexer.expect(b')')?;
    }
    lexer.keywords("IS")?;
    let kind = if lexer.keyword("UNIQUE")? {
        ConstraintKind::Unique
    } else if lexer.keyword("NOT")? {
        lexer.keywords("NULL")?;
        ConstraintKind::Existence
    } else if lexer.keyword("NODE")? || lexer.keyword("RELATIONSHIP")? || lexer.keyword("REL")? {
        lexer.keywords("KEY")?;
        ConstraintKind::Key
    } else if lexer.keyword("KEY")? {
        ConstraintKind::Key
    } else {
        lexer.exactly("::")?;
        let kind = std::str::from_utf8(lexer.rest()).map_err(|_| Stop::Unknown)?.trim();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b" <>(),|_".contains(&byte);
        if kind.is_empty() || !kind.bytes().all(fits) {
            return Err(Stop::Unknown);
        }
        lexer.seek(lexer.at() + lexer.rest().len());
        ConstraintKind::PropertyType(kind.to_owned())
    };
    let (config, provider) = options(lexer)?;
    Ok(Constraint { name, kind, on, label, properties, provider, config })
}

/// `CALL apoc.trigger.install(database, name, statement, selector, {params: …})` or `CALL apoc.trigger.stop(database, name)`. The
/// database is where the dump is restored: the trigger's is not kept.
fn trigger(lexer: &mut Lexer<'_>) -> Lexed<Ddl> {
    lexer.exactly("apoc.trigger.")?;
    let install = match lexer.word()? {
        "install" => true,
        "stop" => false,
        _ => return Err(Stop::Unknown),
    };
    lexer.expect(b'(')?;
    string(lexer)?;
    lexer.expect(b',')?;
    let name = string(lexer)?;
    if !install {
        lexer.expect(b')')?;
        return Ok(Ddl::Paused(name));
    }
    lexer.expect(b',')?;
    let statement = string(lexer)?;
    lexer.expect(b',')?;
    let selector = map(lexer)?;
    lexer.expect(b',')?;
    let mut settings = map(lexer)?;
    lexer.expect(b')')?;
    let params = match settings.shift_remove("params") {
        Some(Value::Map(params)) => params,
        _ => return Err(Stop::Unknown),
    };
    if !settings.is_empty() {
        return Err(Stop::Unknown);
    }
    let system = "apoc".to_owned();
    Ok(Ddl::Object(SchemaObject::Trigger(Trigger { name, statement, system, selector, params, paused: false })))
}
