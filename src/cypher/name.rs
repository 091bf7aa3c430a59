//! The one writer of names: labels, types, property keys, names of indexes.
//!
//! Every name stands in backticks with its own backticks doubled. Neo4j decodes `\uXXXX` everywhere in a query before it reads the first
//! token, even inside of backticks, so that an innocent name with a backslash could end its own quotation; there, the backslash and
//! everything outside of printable ASCII is written as `\uXXXX`. Such a statement is one line of ASCII, which no client
//! with another character set can damage. Memgraph takes everything between backticks as it is and knows no escape, so its names
//! are raw: one with a newline in it spans two lines.

use super::Dialect;
use crate::error::{Error, Result};

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Writes a name in backticks.
///
/// # Errors
/// Neo4j has no such names: empty ones, and those with a NUL character.
#[inline]
pub fn put(dialect: Dialect, name: &str, out: &mut Vec<u8>) -> Result<()> {
    let special = |byte: &u8| match dialect {
        Dialect::Memgraph => *byte == b'`',
        Dialect::Neo4j => !(b' '..=b'~').contains(byte) || matches!(byte, b'`' | b'\\'),
    };
    out.push(b'`');
    if !name.is_empty() && !name.as_bytes().iter().any(special) {
        out.extend_from_slice(name.as_bytes());
    } else {
        put_special(dialect, name, out)?;
    }
    out.push(b'`');
    Ok(())
}

fn put_special(dialect: Dialect, name: &str, out: &mut Vec<u8>) -> Result<()> {
    if dialect == Dialect::Neo4j && (name.is_empty() || name.contains('\0')) {
        return Err(Error::refused(format!("Neo4j has no names such as {name:?}: empty, or with a NUL character")));
    }
    for char in name.chars() {
        match (char, dialect) {
            ('`', _) => out.extend_from_slice(b"``"),
            ('\\', Dialect::Neo4j) => put_unicode(char, out),
            (' '..='~', _) | (_, Dialect::Memgraph) => {
                out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            }
            (_, Dialect::Neo4j) => put_unicode(char, out),
        }
    }
    Ok(())
}

/// Writes a character as one `\uXXXX`, or two for one outside of the basic plane.
pub fn put_unicode(char: char, out: &mut Vec<u8>) {
    for unit in char.encode_utf16(&mut [0; 2]) {
        let digit = |shift: u32| HEX[usize::from(*unit >> shift & 0xF)];
        out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
    }
}

/// Writes a name bare where it is a plain identifier, else in backticks: for the places where Memgraph's own dumps never quote.
///
/// # Errors
/// As [`put`].
pub fn put_bare(dialect: Dialect, name: &str, out: &mut Vec<u8>) -> Result<()> {
    if !is_plain(name) {
        return put(dialect, name, out);
    }
    out.extend_from_slice(name.as_bytes());
    Ok(())
}

/// Whether a name is made of ASCII letters, digits and `_`, and begins with no digit.
#[must_use]
pub fn is_plain(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.first().is_some_and(|first| !first.is_ascii_digit())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// The name as [`put`] writes it.
///
/// # Errors
/// As [`put`].
pub fn quoted(dialect: Dialect, name: &str) -> Result<String> {
    let mut out = Vec::with_capacity(name.len() + 2);
    put(dialect, name, &mut out)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_of_every_danger() {
        for (name, memgraph, neo4j) in [
            ("Person", "`Person`", "`Person`"),
            ("a`b", "`a``b`", "`a``b`"),
            ("`", "````", "````"),
            ("\\u0060) DETACH DELETE n //", "`\\u0060) DETACH DELETE n //`", "`\\u005Cu0060) DETACH DELETE n //`"),
            ("\\\\", "`\\\\`", "`\\u005C\\u005C`"),
            ("a\nb", "`a\nb`", "`a\\u000Ab`"),
            ("žluť 🧊", "`žluť 🧊`", "`\\u017Elu\\u0165 \\uD83E\\uDDCA`"),
            ("quote\"s';", "`quote\"s';`", "`quote\"s';`"),
        ] {
            assert_eq!(quoted(Dialect::Memgraph, name).unwrap(), memgraph);
            assert_eq!(quoted(Dialect::Neo4j, name).unwrap(), neo4j);
        }
        for name in ["", "a\0b"] {
            assert!(quoted(Dialect::Memgraph, name).is_ok());
            let error = quoted(Dialect::Neo4j, name).unwrap_err();
            assert_eq!(error.report(), format!("Neo4j has no names such as {name:?}: empty, or with a NUL character"));
        }
    }

    #[test]
    fn bare_names() {
        let bare = |name| {
            let mut out = Vec::new();
            put_bare(Dialect::Memgraph, name, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(["Good", "_a1", "1a", "a b", ""].map(bare), ["Good", "_a1", "`1a`", "`a b`", "``"]);
    }
}
