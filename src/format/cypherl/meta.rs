//! The first and the last line of our dumps.
//!
//! Both carry JSON in pure ASCII. For Neo4j they are comments, which cypher-shell takes anywhere. For Memgraph they are statements that
//! return a constant: mgconsole knows no comments, so that a line with one would be joined to the next statement and an apostrophe in
//! it would swallow the file; and scripts that send a dump line by line would send the comment alone, which is an error.

use super::Helper;
use crate::cypher::Dialect;
use crate::error::{Error, Result};
use crate::model::{Header, Trailer};
use serde::{Deserialize, Serialize};

/// The version of this format that is written; older ones are read.
const VERSION: u32 = 1;

/// How such a line begins, up to the JSON's brace.
pub(super) const MEMGRAPH_MARK: &str = "RETURN 'graphferry ";
/// The same, for Neo4j.
pub(super) const NEO4J_MARK: &str = "// graphferry ";

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    format: String,
    version: u32,
    dialect: String,
    helper: (String, String),
    header: Header,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
struct Tail {
    trailer: Trailer,
}

impl Head {
    pub(super) fn new(dialect: Dialect, helper: &Helper, header: &Header) -> Self {
        Self {
            format: "cypherl".to_owned(),
            version: VERSION,
            dialect: dialect.name().to_owned(),
            helper: (helper.label.clone(), helper.id.clone()),
            header: header.clone(),
        }
    }

    pub(super) fn put(&self, dialect: Dialect, out: &mut Vec<u8>) -> Result<()> {
        put(dialect, self, out)
    }

    /// Reads the JSON of a first line.
    pub(super) fn read(json: &str) -> Result<(Dialect, Helper, Header)> {
        let Self { format, version, dialect, helper: (label, id), header } = parse("header", json)?;
        if format != "cypherl" || version > VERSION {
            return Err(Error::corrupt(format!(
                "the dump is of format {format:?}, version {version}; this program reads cypherl up to version {VERSION}"
            )));
        }
        let dialect = Dialect::from_name(&dialect)
            .ok_or_else(|| Error::corrupt(format!("the header names an unknown dialect {dialect:?}")))?;
        Ok((dialect, Helper { label, id }, header))
    }
}

pub(super) fn put_trailer(dialect: Dialect, trailer: &Trailer, out: &mut Vec<u8>) -> Result<()> {
    put(dialect, &Tail { trailer: trailer.clone() }, out)
}

/// The text of the statement that follows, which stands there on one line and without its comments.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Verbatim {
    verbatim: String,
}

pub(super) fn put_verbatim(text: &str, out: &mut Vec<u8>) -> Result<()> {
    put(Dialect::Memgraph, &Verbatim { verbatim: text.to_owned() }, out)
}

/// Whether the JSON of a line of ours is the text of the next statement.
pub(super) fn is_verbatim(json: &str) -> bool {
    json.starts_with("{\"verbatim\":")
}

pub(super) fn read_verbatim(json: &str) -> Result<String> {
    parse("line", json).map(|Verbatim { verbatim }| verbatim)
}

pub(super) fn read_trailer(json: &str) -> Result<Trailer> {
    parse("trailer", json).map(|Tail { trailer }| trailer)
}

fn parse<'a, T: Deserialize<'a>>(what: &str, json: &'a str) -> Result<T> {
    serde_json::from_str(json).map_err(|cause| Error::corrupt(format!("the {what} is damaged")).caused_by(cause))
}

fn put(dialect: Dialect, line: &impl Serialize, out: &mut Vec<u8>) -> Result<()> {
    let json = serde_json::to_string(line).map_err(|cause| Error::failed("writing JSON failed").caused_by(cause))?;
    out.extend_from_slice(match dialect {
        Dialect::Memgraph => MEMGRAPH_MARK.as_bytes(),
        Dialect::Neo4j => NEO4J_MARK.as_bytes(),
    });
    for char in json.chars() {
        match char {
            // As JSON escapes. In Memgraph's string the backslash is doubled, so that the string's text is the JSON; in Neo4j's
            // comment JSON's own backslashes are harmless, for those that begin \uXXXX name no line end.
            '\'' | '\u{7F}'.. => {
                let from = out.len();
                crate::cypher::name::put_unicode(char, out);
                if dialect == Dialect::Memgraph {
                    let escapes = String::from_utf8_lossy(out.get(from..).unwrap_or_default()).replace('\\', "\\\\");
                    out.truncate(from);
                    out.extend_from_slice(escapes.as_bytes());
                }
            }
            '\\' if dialect == Dialect::Memgraph => out.extend_from_slice(b"\\\\"),
            _ => out.push(char as u8),
        }
    }
    out.extend_from_slice(match dialect {
        Dialect::Memgraph => b"';\n",
        Dialect::Neo4j => b"\n",
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn both_dialects_carry_any_text_on_one_line_of_ascii() {
        let header =
            Header { tool: "it's \\u000A\r\n\u{0}\u{85}é🧊 \"quoted\"; // C:\\users".into(), ..Header::default() };
        for dialect in [Dialect::Memgraph, Dialect::Neo4j] {
            let helper = Helper::standard(dialect);
            let mut out = Vec::new();
            Head::new(dialect, &helper, &header).put(dialect, &mut out).unwrap();
            let line = String::from_utf8(out).unwrap();
            let body = line.strip_suffix('\n').unwrap();
            assert!(body.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
            let json = match dialect {
                Dialect::Neo4j => body.strip_prefix(NEO4J_MARK).unwrap().to_owned(),
                Dialect::Memgraph => {
                    let text = body.strip_prefix(MEMGRAPH_MARK).unwrap().strip_suffix("';").unwrap();
                    assert!(!text.contains('\''));
                    text.replace("\\\\", "\\")
                }
            };
            assert_eq!(Head::read(&json).unwrap(), (dialect, helper, header.clone()));
        }
    }
}
