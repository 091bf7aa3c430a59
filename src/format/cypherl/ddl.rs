//! Schema statements of both dialects: from text to objects.

mod memgraph;
mod neo4j;

use super::lex::{Lexed, Lexer, Stop};
use super::oddity::Oddities;
use super::value::Values;
use crate::cypher::Dialect;
use crate::error::Error;
use crate::model::{Cursor, Map, SchemaObject, Value};

/// What a schema statement says.
#[derive(Debug)]
pub(in crate::format) enum Ddl {
    /// An object.
    Object(SchemaObject),
    /// The trigger of this name is installed and stopped.
    Paused(String),
}

/// Reads a statement without its semicolon; `None` where it is none that we know. `lenient` takes bare names where Memgraph's own
/// dumps have them.
///
/// # Errors
/// A name or string in it is damaged: its offset, and what is wrong.
pub(in crate::format) fn read(dialect: Dialect, text: &str, lenient: bool) -> Result<Option<Ddl>, (usize, Error)> {
    read_with(Lexer::new(dialect, text.as_bytes(), true), lenient)
}

/// The same, of what stands at the lexer.
///
/// # Errors
/// As [`read`].
pub(in crate::format) fn read_with(lexer: Lexer<'_>, lenient: bool) -> Result<Option<Ddl>, (usize, Error)> {
    Ok(noting(lexer, lenient)?.map(|(ddl, _)| ddl))
}

/// Does the same as [`read`] and tells what in it Memgraph wrote and cannot read.
///
/// # Errors
/// As [`read`].
pub(super) fn read_noting(
    dialect: Dialect,
    text: &str,
    lenient: bool,
) -> Result<Option<(Ddl, Oddities)>, (usize, Error)> {
    noting(Lexer::new(dialect, text.as_bytes(), true), lenient)
}

fn noting(mut lexer: Lexer<'_>, lenient: bool) -> Result<Option<(Ddl, Oddities)>, (usize, Error)> {
    match statement(&mut lexer, lenient) {
        Ok(ddl) if lexer.rest().is_empty() => Ok(Some((ddl, *lexer.oddities()))),
        Ok(_) | Err(Stop::Unknown | Stop::More) => Ok(None),
        Err(Stop::Corrupt(at, error)) => Err((at, error)),
    }
}

fn statement(lexer: &mut Lexer<'_>, lenient: bool) -> Lexed<Ddl> {
    let ddl = match lexer.dialect() {
        Dialect::Memgraph => memgraph::object(lexer, lenient).map(Ddl::Object),
        Dialect::Neo4j => neo4j::statement(lexer),
    }?;
    lexer.space()?;
    Ok(ddl)
}

/// Names with a comma between them.
fn names(lexer: &mut Lexer<'_>) -> Lexed<Vec<String>> {
    separated(lexer, |lexer| Ok(lexer.name()?.into_owned()))
}

/// Things with a comma between them.
fn separated<T>(lexer: &mut Lexer<'_>, mut one: impl FnMut(&mut Lexer<'_>) -> Lexed<T>) -> Lexed<Vec<T>> {
    let mut all = vec![one(lexer)?];
    lexer.space()?;
    while lexer.rest().first() == Some(&b',') {
        lexer.expect(b',')?;
        all.push(one(lexer)?);
        lexer.space()?;
    }
    Ok(all)
}

/// A name and the space after it.
fn name(lexer: &mut Lexer<'_>) -> Lexed<String> {
    let name = lexer.name()?.into_owned();
    lexer.space()?;
    Ok(name)
}

/// A string and the space after it.
fn string(lexer: &mut Lexer<'_>) -> Lexed<String> {
    if !matches!(lexer.peek()?, b'"' | b'\'') {
        return Err(Stop::Unknown);
    }
    let text = lexer.string()?.into_owned();
    lexer.space()?;
    Ok(text)
}

/// A constant.
fn constant(lexer: &mut Lexer<'_>) -> Lexed<Value> {
    let mut bytes = Vec::new();
    // A constant ends where a comma or bracket follows, which the end of the statement is not.
    Values::default().value(lexer, &mut bytes, 1)?;
    Value::read(&mut Cursor::new(&bytes)).map_err(|_| Stop::Unknown)
}

/// A constant map.
fn map(lexer: &mut Lexer<'_>) -> Lexed<Map> {
    match constant(lexer)? {
        Value::Map(map) => Ok(map),
        _ => Err(Stop::Unknown),
    }
}

#[cfg(test)]
mod tests;
