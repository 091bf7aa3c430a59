//! Memgraph's schema statements, as its dumps and its grammar have them. How they lie in the model says
//! `src/cypher/schema/memgraph.rs`, which writes them.

use super::{constant, name, names, separated, string};
use crate::format::cypherl::lex::{Lexed, Lexer, Stop};
use crate::format::cypherl::oddity::Oddity;
use crate::model::schema::{OtherObject, with};
use crate::model::{Constraint, ConstraintKind, Entity, Index, IndexKind, Map, SchemaObject, Trigger, Value};

pub(super) fn object(lexer: &mut Lexer<'_>, lenient: bool) -> Lexed<SchemaObject> {
    if lexer.keyword("ENABLE")? {
        return time_to_live(lexer);
    }
    if lexer.keyword("SET")? {
        return description(lexer);
    }
    lexer.keywords("CREATE")?;
    if lexer.keyword("ENUM")? {
        return enumeration(lexer, lenient);
    }
    if lexer.keyword("TRIGGER")? {
        return trigger(lexer, lenient);
    }
    if lexer.keyword("CONSTRAINT")? {
        return constraint(lexer);
    }
    index(lexer).map(SchemaObject::Index)
}

fn index(lexer: &mut Lexer<'_>) -> Lexed<Index> {
    let kind = [("TEXT", IndexKind::Text), ("POINT", IndexKind::Point), ("VECTOR", IndexKind::Vector)];
    let mut known = None;
    for (keyword, kind) in kind {
        if lexer.keyword(keyword)? {
            known = Some(kind);
            break;
        }
    }
    let global = lexer.keyword("GLOBAL")?;
    let on = if lexer.keyword("EDGE")? { Entity::Relationship } else { Entity::Node };
    lexer.keywords("INDEX")?;
    let named = matches!(known, Some(IndexKind::Text | IndexKind::Vector));
    let index_name = if named { Some(name(lexer)?) } else { None };
    lexer.keywords("ON")?;
    let (labels, all) = if global {
        lexer.expect(b':')?;
        (Vec::new(), false)
    } else {
        labels(lexer)?
    };
    let (mut properties, mut config) = (Vec::new(), Map::new());
    if lexer.rest().first() == Some(&b'(') {
        lexer.expect(b'(')?;
        let paths = separated(lexer, path)?;
        lexer.expect(b')')?;
        properties = paths.iter().map(|path| path.join(".")).collect();
        if paths.iter().any(|path| path.len() > 1) {
            let strings =
                |path: &Vec<String>| Value::List(path.iter().map(|step| Value::from(step.as_str())).collect());
            config.insert("paths".to_owned(), Value::List(paths.iter().map(strings).collect()));
        }
    }
    if lexer.keyword("WITH")? {
        lexer.keywords("CONFIG")?;
        let settings = settings(lexer)?;
        let vector = known == Some(IndexKind::Vector);
        // These two are ours; and other indexes have one setting alone.
        let is_known = |key: &str| if vector { !["labels", "paths"].contains(&key) } else { key == "order" };
        if !settings.keys().all(|key| is_known(key)) {
            return Err(Stop::Unknown);
        }
        config.extend(settings);
    }
    if all {
        config.insert("labels".to_owned(), Value::from("all"));
    }
    let kind = known.unwrap_or(if properties.is_empty() { IndexKind::Label } else { IndexKind::Range });
    Ok(Index { name: index_name, kind, on, labels, properties, provider: None, config })
}

/// `` :`A` ``, `` :`A`|`B` ``, `` :`A`&`B` `` or nothing; whether all of them are meant.
fn labels(lexer: &mut Lexer<'_>) -> Lexed<(Vec<String>, bool)> {
    let mut labels = Vec::new();
    let mut all = false;
    if lexer.rest().first() == Some(&b':') {
        lexer.expect(b':')?;
        labels.push(name(lexer)?);
        while let Some(separator @ (b'|' | b'&')) = lexer.rest().first().copied() {
            lexer.expect(separator)?;
            all = separator == b'&';
            labels.push(name(lexer)?);
        }
    }
    Ok((labels, all))
}

/// `` `a`.`b` ``.
fn path(lexer: &mut Lexer<'_>) -> Lexed<Vec<String>> {
    let mut steps = vec![lexer.name()?.into_owned()];
    while lexer.rest().first() == Some(&b'.') {
        lexer.bump();
        steps.push(lexer.name()?.into_owned());
    }
    Ok(steps)
}

/// `{ "key": value, … }`: the keys are strings, unlike a map's.
fn settings(lexer: &mut Lexer<'_>) -> Lexed<Map> {
    lexer.expect(b'{')?;
    let pairs = separated(lexer, |lexer| {
        let key = string(lexer)?;
        lexer.expect(b':')?;
        Ok((key, constant(lexer)?))
    })?;
    lexer.expect(b'}')?;
    Ok(pairs.into_iter().collect())
}

fn constraint(lexer: &mut Lexer<'_>) -> Lexed<SchemaObject> {
    lexer.keywords("ON")?;
    lexer.expect(b'(')?;
    let variable = lexer.word()?;
    lexer.expect(b':')?;
    let label = name(lexer)?;
    lexer.expect(b')')?;
    lexer.keywords("ASSERT")?;
    let exists = lexer.keyword("EXISTS")?;
    if exists {
        lexer.expect(b'(')?;
    }
    let properties = separated(lexer, |lexer| {
        if lexer.word()? != variable {
            return Err(Stop::Unknown);
        }
        lexer.expect(b'.')?;
        Ok(lexer.name()?.into_owned())
    })?;
    let kind = if exists {
        lexer.expect(b')')?;
        ConstraintKind::Existence
    } else {
        lexer.keywords("IS")?;
        if lexer.keyword("UNIQUE")? {
            ConstraintKind::Unique
        } else {
            lexer.keywords("TYPED")?;
            let (mut kind, mut words) = (String::new(), 0);
            // LOCAL DATE TIME and LOCALDATETIME are the same.
            while !lexer.rest().is_empty() {
                kind += &lexer.word()?.to_ascii_uppercase();
                words += 1;
                lexer.space()?;
            }
            if words > 1 || kind == "BOOL" {
                lexer.note(Oddity::TypeSpelling);
            }
            ConstraintKind::PropertyType(if kind == "BOOL" { "BOOLEAN".to_owned() } else { kind })
        }
    };
    let (name, provider, config) = (None, None, Map::new());
    Ok(SchemaObject::Constraint(Constraint { name, kind, on: Entity::Node, label, properties, provider, config }))
}

fn enumeration(lexer: &mut Lexer<'_>, lenient: bool) -> Lexed<SchemaObject> {
    let whole = lexer.at();
    let read = strict_enumeration(lexer);
    let (name, values) = match read {
        Err(Stop::Unknown) if lenient => {
            lexer.seek(whole);
            lexer.note(Oddity::BareName);
            bare_enumeration(lexer)?
        }
        read => read?,
    };
    let values = Value::List(values.iter().map(|value| Value::from(value.as_str())).collect());
    Ok(SchemaObject::Other(OtherObject { kind: "enum".to_owned(), name, details: with(Map::new(), "values", values) }))
}

fn strict_enumeration(lexer: &mut Lexer<'_>) -> Lexed<(String, Vec<String>)> {
    let name = name(lexer)?;
    lexer.keywords("VALUES")?;
    lexer.expect(b'{')?;
    let values = names(lexer)?;
    lexer.expect(b'}')?;
    if lexer.rest().is_empty() { Ok((name, values)) } else { Err(Stop::Unknown) }
}

/// `My Enum VALUES { a b, c }`: Memgraph dumps these names without the backticks that it needs to read them.
fn bare_enumeration(lexer: &mut Lexer<'_>) -> Lexed<(String, Vec<String>)> {
    let text = lexer.utf8(lexer.at(), lexer.rest())?;
    let parts =
        text.rsplit_once(" VALUES { ").and_then(|(name, values)| Some((name, values.trim_end().strip_suffix(" }")?)));
    let (name, values) = parts.ok_or(Stop::Unknown)?;
    lexer.seek(lexer.at() + text.len());
    Ok((name.to_owned(), values.split(", ").map(str::to_owned).collect()))
}

fn trigger(lexer: &mut Lexer<'_>, lenient: bool) -> Lexed<SchemaObject> {
    let from = lexer.at();
    let mut trigger_name = name(lexer)?;
    let follows = |lexer: &Lexer<'_>| {
        ["SECURITY ", "ON ", "BEFORE ", "AFTER "].iter().any(|word| lexer.rest().starts_with(word.as_bytes()))
    };
    if lenient && !follows(lexer) {
        // A name with spaces, which Memgraph dumps without the backticks that it needs to read it.
        while !(lexer.rest().is_empty() || follows(lexer) && lexer.since(from).ends_with(b" ")) {
            lexer.bump();
        }
        trigger_name = lexer.utf8(from, lexer.since(from))?.trim_end().to_owned();
        lexer.note(Oddity::BareName);
    }
    let mut selector = Map::new();
    let security = if lexer.keyword("SECURITY")? { Some(name(lexer)?) } else { None };
    if lexer.keyword("ON")? {
        let mut event = String::new();
        for (sign, text) in [("()", "() "), ("-->", "--> ")] {
            if lexer.rest().starts_with(sign.as_bytes()) {
                lexer.exactly(sign)?;
                lexer.space()?;
                event.push_str(text);
            }
        }
        event.push_str(&name(lexer)?.to_ascii_uppercase());
        // Old dumps say ON ANY, which is no grammar: an absent event means it.
        if event == "ANY" {
            lexer.note(Oddity::AnyEvent);
        } else {
            selector.insert("event".to_owned(), Value::from(event.as_str()));
        }
    }
    let phase = if lexer.keyword("BEFORE")? { "BEFORE COMMIT" } else { "AFTER COMMIT" };
    if phase.starts_with('A') {
        lexer.keywords("AFTER")?;
    }
    lexer.keywords("COMMIT")?;
    selector.insert("phase".to_owned(), Value::from(phase));
    if let Some(security) = security {
        selector.insert("security".to_owned(), Value::from(security.as_str()));
    }
    // Not with `keyword`: a comment at the start belongs to what it executes.
    lexer.exactly("EXECUTE")?;
    let statement = lexer.utf8(lexer.at(), lexer.rest())?.trim().to_owned();
    if statement.is_empty() {
        return Err(Stop::Unknown);
    }
    lexer.seek(lexer.at() + lexer.rest().len());
    let system = "memgraph".to_owned();
    let (name, params, paused) = (trigger_name, Map::new(), false);
    Ok(SchemaObject::Trigger(Trigger { name, statement, system, selector, params, paused }))
}

fn time_to_live(lexer: &mut Lexer<'_>) -> Lexed<SchemaObject> {
    lexer.keywords("TTL")?;
    let mut details = Map::new();
    for key in ["every", "at"] {
        if lexer.keyword(key)? {
            details.insert(key.to_owned(), Value::from(string(lexer)?.as_str()));
        }
    }
    Ok(SchemaObject::Other(OtherObject { kind: "ttl".to_owned(), name: "ttl".to_owned(), details }))
}

fn description(lexer: &mut Lexer<'_>) -> Lexed<SchemaObject> {
    lexer.keywords("DESCRIPTION ON")?;
    let from = lexer.at();
    loop {
        match lexer.peek()? {
            b'"' | b'\'' => break,
            b'`' => lexer.skip_quoted_name()?,
            _ => lexer.bump(),
        }
    }
    let target = lexer.utf8(from, lexer.since(from))?.trim_end().to_owned();
    let details = with(Map::new(), "text", string(lexer)?.as_str());
    Ok(SchemaObject::Other(OtherObject { kind: "description".to_owned(), name: target, details }))
}
