//! Exit codes: what scripts rely on.

use super::progress::Progress;
use crate::error::{Error, ErrorKind, Result};
use std::process::ExitCode;

/// Exit code after Ctrl-C.
pub(super) const INTERRUPTED: u8 = 130;

/// The table that every help shows.
pub(super) const HELP: &str = "\
Exit codes: 0 complete, 1 failed, 2 usage, 3 finished but incomplete, 4 refused (nothing was changed),
5 the dump is unreadable, truncated or corrupt, 6 unreachable or denied, 7 a difference was found,
130 interrupted.";

/// How a verb ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Everything was done.
    Complete,
    /// It came to its end, but not all was done; the report said what.
    Incomplete,
    /// `verify` or `diff` found a difference.
    Different,
    /// `check` found something wrong with a dump.
    Unsound,
}

/// The code of an error.
pub(super) fn code(error: &Error) -> u8 {
    match error.kind() {
        ErrorKind::Usage => 2,
        ErrorKind::Incomplete => 3,
        ErrorKind::Refused => 4,
        ErrorKind::Corrupt => 5,
        ErrorKind::Unreachable => 6,
        ErrorKind::Interrupted => INTERRUPTED,
        ErrorKind::BrokenPipe => 0,
        ErrorKind::Failed | ErrorKind::Server => 1,
    }
}

/// Prints the error, once and with all its causes, and gives the exit code.
pub(super) fn finish(result: Result<Ending>, progress: &Progress) -> ExitCode {
    progress.clear();
    ExitCode::from(match result {
        Ok(Ending::Complete) => 0,
        Ok(Ending::Incomplete) => 3,
        Ok(Ending::Different) => 7,
        Ok(Ending::Unsound) => 5,
        Err(error) => {
            let code = code(&error);
            if error.kind() != ErrorKind::BrokenPipe {
                progress.error(&error, code);
            }
            code
        }
    })
}
