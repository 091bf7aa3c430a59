//! Strings and bytes.

use super::super::Dialect;
use super::super::name::put_unicode;

/// Bytes that cannot stand in a string as they are.
const fn table(dialect: Dialect) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = byte < 0x20 || byte == 0x7F || byte == b'"' as usize || byte == b'\\' as usize;
        match dialect {
            Dialect::Neo4j => table[byte] |= byte >= 0x80,
            // Not needed between double quotes, but its own dumps do so and scripts that split them count on it.
            Dialect::Memgraph => table[byte] |= byte == b'\'' as usize,
        }
        byte += 1;
    }
    table
}

static MEMGRAPH: [bool; 256] = table(Dialect::Memgraph);
static NEO4J: [bool; 256] = table(Dialect::Neo4j);

/// Writes a string in double quotes. It never holds a raw newline, and for Neo4j nothing but ASCII.
#[inline]
pub fn string(dialect: Dialect, text: &str, out: &mut Vec<u8>) {
    let special = match dialect {
        Dialect::Memgraph => &MEMGRAPH,
        Dialect::Neo4j => &NEO4J,
    };
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| special[usize::from(byte)]) {
        // The first special byte begins a character: the bytes inside of one come after it.
        let (run, tail) = rest.split_at(at);
        out.extend_from_slice(run.as_bytes());
        let mut chars = tail.chars();
        if let Some(char) = chars.next() {
            escape(char, out);
        }
        rest = chars.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
}

/// Writes bytes as the text of the same code points, turned back by the one function of APOC that gives bytes.
pub(super) fn bytes(value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"apoc.util.compress(\"");
    for byte in value {
        if NEO4J[usize::from(*byte)] {
            escape(char::from(*byte), out);
        } else {
            out.push(*byte);
        }
    }
    out.extend_from_slice(b"\", {compression: 'NONE', charset: 'ISO-8859-1'})");
}

fn escape(char: char, out: &mut Vec<u8>) {
    let short = match char {
        // Never as \u005C or \u0022: Neo4j would decode those before it looks for the string's end.
        '\\' | '"' | '\'' => char as u8,
        '\u{8}' => b'b',
        '\u{C}' => b'f',
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        _ => return put_unicode(char, out),
    };
    out.extend_from_slice(&[b'\\', short]);
}
