//! Text on stdout: plans and comparisons.

use crate::error::{Error, Result};
use std::io::{ErrorKind, Write as _};

/// Writes text to stdout. A reader that closed its pipe has read enough: the exit code still says what came out. A full disk is told.
pub(super) fn print(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    match written {
        Err(cause) if cause.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|cause| Error::io("writing to stdout", cause)),
    }
}

/// Text that may hold names and values of a graph, without what would steer the terminal.
pub(super) fn printable(text: &str) -> String {
    // Marks that turn the direction of text are no control characters, and hide as much.
    let steers =
        |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shown = |c: char| match c {
        '\n' => c.to_string(),
        c if c.is_control() || steers(c) => c.escape_unicode().to_string(),
        c => c.to_string(),
    };
    text.chars().map(shown).collect()
}
