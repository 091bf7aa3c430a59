//! APOC's statements about data: which shapes there are, and the nodes and relationships that they say.
//!
//! Everything here is grammar: what a statement says is taken as data, and one of another shape is [`Stop::Unknown`].

use super::names::{ID, Key, LABEL, RELATIONSHIP_ID};
use crate::format::cypherl::{Lexed, Lexer, Stop, Values};
use crate::model::{Cursor, packstream};

/// What a statement says.
#[derive(Debug)]
pub(super) enum Said {
    /// Nodes, one a row: by which label and which of the row's keys they are known, and their other labels.
    Nodes { pattern: Pattern, labels: Vec<String> },
    /// Relationships, one a row: the patterns of both ends, and the type.
    Relationships { start: Pattern, end: Pattern, kind: String },
    /// One node, whose properties are in the buffer.
    Node { labels: Vec<String> },
    /// One relationship, whose properties are in the buffer.
    Relationship { start: Key, end: Key, kind: String },
}

/// `` (n:Person{name: row.name}) ``.
#[derive(Debug, Default)]
pub(super) struct Pattern {
    pub(super) label: String,
    pub(super) keys: Vec<String>,
}

impl Pattern {
    /// Whether it is APOC's own id that tells the node.
    pub(super) fn by_id(&self) -> bool {
        self.label == LABEL && self.keys == [ID]
    }
}

/// Reads the value after `UNWIND` or `:param rows =>`: a list of maps.
pub(super) fn rows(lexer: &mut Lexer<'_>, out: &mut Vec<u8>) -> Lexed<()> {
    if lexer.peek()? != b'[' {
        return Err(Stop::Unknown);
    }
    Values::default().value(lexer, out, 1)
}

/// Reads a statement up to its semicolon, which is taken too. Rows and properties go to `out`; `given` are the rows of a parameter.
pub(super) fn statement(lexer: &mut Lexer<'_>, given: &[u8], out: &mut Vec<u8>) -> Lexed<Said> {
    let said = if lexer.keyword("UNWIND")? {
        if lexer.peek()? == b'$' {
            lexer.exactly("$rows")?;
            out.extend_from_slice(given);
        } else {
            rows(lexer, out)?;
        }
        lexer.space()?;
        lexer.keywords("AS row")?;
        batch(lexer)?
    } else if lexer.keyword("CREATE")? {
        created(lexer, out)?
    } else if lexer.keyword("MERGE")? {
        merged(lexer, out)?
    } else if lexer.keyword("MATCH")? {
        matched(lexer, out)?
    } else {
        return Err(Stop::Unknown);
    };
    lexer.space()?;
    if !lexer.eat(b';')? {
        return Err(Stop::Unknown);
    }
    Ok(said)
}

/// What follows `UNWIND … AS row`.
fn batch(lexer: &mut Lexer<'_>) -> Lexed<Said> {
    if lexer.keyword("MATCH")? {
        let start = pattern(lexer, "start", "row.start.")?;
        lexer.space()?;
        lexer.keywords("MATCH")?;
        let end = pattern(lexer, "end", "row.end.")?;
        lexer.space()?;
        verb(lexer)?;
        lexer.exactly("(start)-[r:")?;
        let kind = lexer.name()?.into_owned();
        lexer.space()?;
        if lexer.peek()? == b'{' {
            // Only tells parallel relationships apart while they are made.
            lexer.expect(b'{')?;
            if lexer.name()? != RELATIONSHIP_ID {
                return Err(Stop::Unknown);
            }
            lexer.expect(b':')?;
            lexer.exactly("row.")?;
            lexer.name()?;
            lexer.expect(b'}')?;
        }
        lexer.exactly("]->(end)")?;
        setting(lexer, "r += row.properties")?;
        return Ok(Said::Relationships { start, end, kind });
    }
    verb(lexer)?;
    let pattern = pattern(lexer, "n", "row.")?;
    setting(lexer, "n += row.properties")?;
    let labels = if lexer.keyword("SET")? { variable_labels(lexer)? } else { Vec::new() };
    Ok(Said::Nodes { pattern, labels })
}

/// `CREATE` or `MERGE`.
fn verb(lexer: &mut Lexer<'_>) -> Lexed<()> {
    if lexer.keyword("CREATE")? { Ok(()) } else { lexer.keywords("MERGE") }
}

/// `SET …` or `ON CREATE SET …`.
fn setting(lexer: &mut Lexer<'_>, what: &str) -> Lexed<()> {
    lexer.space()?;
    on_create(lexer)?;
    lexer.exactly(what)?;
    lexer.space()
}

fn on_create(lexer: &mut Lexer<'_>) -> Lexed<()> {
    if lexer.keyword("ON")? {
        lexer.keywords("CREATE")?;
    }
    lexer.keywords("SET")
}

/// `n:A:B`.
fn variable_labels(lexer: &mut Lexer<'_>) -> Lexed<Vec<String>> {
    lexer.exactly("n")?;
    labels(lexer)
}

/// `:A:B`.
fn labels(lexer: &mut Lexer<'_>) -> Lexed<Vec<String>> {
    let mut labels = Vec::new();
    while lexer.peek()? == b':' {
        lexer.bump();
        labels.push(lexer.name()?.into_owned());
        lexer.space()?;
    }
    Ok(labels)
}

/// `` (n:Person{name: row.name, `b c`: row.`b c`}) ``.
fn pattern(lexer: &mut Lexer<'_>, variable: &str, row: &str) -> Lexed<Pattern> {
    lexer.exactly("(")?;
    lexer.exactly(variable)?;
    lexer.exactly(":")?;
    let label = lexer.name()?.into_owned();
    lexer.expect(b'{')?;
    let mut keys = Vec::new();
    loop {
        let key = lexer.name()?.into_owned();
        lexer.expect(b':')?;
        lexer.exactly(row)?;
        let named = lexer.name()?;
        if named != key && !(key == ID && named == "_id") {
            return Err(Stop::Unknown);
        }
        keys.push(key);
        lexer.space()?;
        if !lexer.eat(b',')? {
            break;
        }
        lexer.space()?;
    }
    lexer.exactly("})")?;
    Ok(Pattern { label, keys })
}

/// `(:A:B {…})`.
fn created(lexer: &mut Lexer<'_>, out: &mut Vec<u8>) -> Lexed<Said> {
    lexer.exactly("(")?;
    let labels = labels(lexer)?;
    lexer.space()?;
    properties(lexer, out)?;
    lexer.exactly(")")?;
    Ok(Said::Node { labels })
}

/// Properties in braces, or none.
fn properties(lexer: &mut Lexer<'_>, out: &mut Vec<u8>) -> Lexed<()> {
    if lexer.peek()? == b'{' {
        Values::default().value(lexer, out, 1)?;
        lexer.space()
    } else {
        packstream::put_map(out, 0);
        Ok(())
    }
}

/// `` (n:A{k: 1}) SET n.x=1, n:B:C ``.
fn merged(lexer: &mut Lexer<'_>, out: &mut Vec<u8>) -> Lexed<Said> {
    let key = key(lexer, "n")?;
    let open = packstream::open_map(out);
    for (name, value) in &key.parts {
        packstream::put_string(out, name);
        out.extend_from_slice(value);
    }
    let mut size = key.parts.len();
    let mut labels = vec![key.label];
    lexer.space()?;
    if lexer.peek()? != b';' {
        on_create(lexer)?;
        size += assignments(lexer, "n", &mut labels, out)?;
    }
    open.close(out, size);
    Ok(Said::Node { labels })
}

/// `n.a=1, n.b=2, n:A:B`: tells how many properties there are.
fn assignments(lexer: &mut Lexer<'_>, variable: &str, all: &mut Vec<String>, out: &mut Vec<u8>) -> Lexed<usize> {
    let mut size = 0;
    loop {
        lexer.exactly(variable)?;
        if lexer.peek()? == b':' {
            all.append(&mut labels(lexer)?);
        } else {
            lexer.exactly(".")?;
            packstream::put_string(out, &lexer.name()?);
            lexer.expect(b'=')?;
            Values::default().value(lexer, out, 1)?;
            size += 1;
        }
        lexer.space()?;
        if !lexer.eat(b',')? {
            return Ok(size);
        }
        lexer.space()?;
    }
}

/// `` (n1:A{k: 1}) `` with constants.
fn key(lexer: &mut Lexer<'_>, variable: &str) -> Lexed<Key> {
    lexer.exactly("(")?;
    lexer.exactly(variable)?;
    lexer.exactly(":")?;
    let label = lexer.name()?.into_owned();
    lexer.expect(b'{')?;
    let mut parts = Vec::new();
    loop {
        let name = lexer.name()?.into_owned();
        lexer.expect(b':')?;
        let mut value = Vec::new();
        Values::default().value(lexer, &mut value, 1)?;
        parts.push((name, value));
        lexer.space()?;
        if !lexer.eat(b',')? {
            break;
        }
        lexer.space()?;
    }
    lexer.exactly("})")?;
    Ok(Key { label, parts })
}

/// `(n1:A{…}), (n2:B{…}) CREATE (n1)-[r:T {…}]->(n2)`.
fn matched(lexer: &mut Lexer<'_>, out: &mut Vec<u8>) -> Lexed<Said> {
    let start = key(lexer, "n1")?;
    lexer.expect(b',')?;
    let end = key(lexer, "n2")?;
    lexer.space()?;
    verb(lexer)?;
    lexer.exactly("(n1)-[r:")?;
    let kind = lexer.name()?.into_owned();
    lexer.space()?;
    let from = out.len();
    properties(lexer, out)?;
    lexer.exactly("]->(n2)")?;
    lexer.space()?;
    if lexer.peek()? != b';' {
        // Beside what is set there is at most APOC's own id.
        let mut cursor = Cursor::new(out.get(from..).unwrap_or_default());
        let own = match cursor.map() {
            Ok(0) => true,
            Ok(1) => cursor.string().is_ok_and(|key| key == RELATIONSHIP_ID),
            _ => false,
        };
        if !own {
            return Err(Stop::Unknown);
        }
        on_create(lexer)?;
        out.truncate(from);
        let open = packstream::open_map(out);
        let mut none = Vec::new();
        let size = assignments(lexer, "r", &mut none, out)?;
        if !none.is_empty() {
            return Err(Stop::Unknown);
        }
        open.close(out, size);
    }
    Ok(Said::Relationship { start, end, kind })
}
