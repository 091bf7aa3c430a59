//! Names that HugeGraph takes, as measured on a server of 1.5.0.

/// Names must be shorter than this, in bytes.
pub const LENGTH: usize = 256;

/// Whether HugeGraph takes a name for a property key or a label.
#[must_use]
pub fn is_taken(name: &str) -> bool {
    !name.is_empty()
        && name.len() < LENGTH
        && !name.starts_with('~')
        && !name.ends_with(|last: char| last.is_ascii_whitespace() || last == '\u{b}')
        && !name.contains(['>', ':', '!', '#', '\0'])
}
