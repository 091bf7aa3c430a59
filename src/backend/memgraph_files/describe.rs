//! What a description is on, in the words of the statement that sets it.

use super::bytes::Bytes;
use super::value::{self, Meaning};
use crate::cypher::{Dialect, literal};
use crate::error::Result;
use crate::model::Cursor;

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn labels(names: &[String]) -> String {
    names.iter().map(|name| format!(":{}", quoted(name))).collect::<Vec<_>>().join(" ")
}

/// Labels inside a pattern stand side by side.
fn tight(names: &[String]) -> String {
    names.iter().map(|name| format!(":{}", quoted(name))).collect()
}

pub(super) fn target(bytes: &mut Bytes, meaning: &Meaning) -> Result<String> {
    Ok(match bytes.uint()? {
        // The files do not tell the database's name; this is the default one's.
        0 => "DATABASE `memgraph`".to_owned(),
        1 => format!("LABEL {}", labels(&bytes.strings()?)),
        2 => format!("EDGE TYPE :{}", quoted(bytes.str()?)),
        3 => format!("LABEL PROPERTY {}({})", labels(&bytes.strings()?), quoted(bytes.str()?)),
        4 => format!("EDGE TYPE PROPERTY :{}({})", quoted(&bytes.string()?), quoted(bytes.str()?)),
        5 => format!("PROPERTY {}", quoted(bytes.str()?)),
        6 => format!("EDGE TYPE {}", pattern(bytes)?),
        7 => format!("EDGE TYPE PROPERTY {}({})", pattern(bytes)?, quoted(bytes.str()?)),
        8 => {
            let property = bytes.string()?;
            let mut out = Vec::new();
            value::value(bytes, meaning, &mut |_| Ok(None), &mut out)?;
            let mut text = Vec::new();
            literal::value(Dialect::Memgraph, &mut Cursor::new(&out), &mut text)?;
            format!("PROPERTY {} VALUE {}", quoted(&property), String::from_utf8_lossy(&text))
        }
        other => return Err(bytes.damaged(format!("{other} is no target of descriptions"))),
    })
}

fn pattern(bytes: &mut Bytes) -> Result<String> {
    let (from, name, to) = (bytes.strings()?, bytes.string()?, bytes.strings()?);
    Ok(format!("({})-[:{}]->({})", tight(&from), quoted(&name), tight(&to)))
}
