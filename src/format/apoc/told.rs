//! Telling APOC's exports by their first bytes.

/// What was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::format) enum Told {
    /// JSON, in one of its forms.
    Json,
    /// Cypher.
    Cypher,
}

/// Whether a file that begins so is APOC's. Our own dumps and Memgraph's are not: none of their lines begins as APOC's do.
pub(in crate::format) fn tell(head: &[u8]) -> Option<Told> {
    let head = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head).trim_ascii_start();
    match head.first()? {
        b'[' => Some(Told::Json),
        b'{' => {
            let rest = head.get(1..)?.trim_ascii_start();
            let keys: [&[u8]; 5] = [b"\"type\"", b"\"id\"", b"\"label\"", b"\"nodes\"", b"\"rels\""];
            keys.iter().any(|key| rest.starts_with(key)).then_some(Told::Json)
        }
        _ if crate::format::cypherl::is_ours(head) => None,
        _ => head.split(|byte| *byte == b'\n').any(is_apoc).then_some(Told::Cypher),
    }
}

/// Whether only APOC begins a line so.
fn is_apoc(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let whole: [&[u8]; 5] = [b":begin", b":commit", b"BEGIN", b"COMMIT", b"SCHEMA AWAIT"];
    let begun: [&[u8]; 5] =
        [b"UNWIND [{", b"UNWIND $rows AS row", b":param rows", b"CREATE CONSTRAINT UNIQUE_IMPORT_NAME ", b"MATCH (n1:"];
    whole.contains(&line)
        || begun.iter().any(|begin| line.starts_with(begin))
        || memchr::memmem::find(line, b":`UNIQUE IMPORT LABEL`").is_some()
            && (line.starts_with(b"CREATE (:") || line.starts_with(b"MERGE (n:"))
}
