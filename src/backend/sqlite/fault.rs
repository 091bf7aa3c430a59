//! What SQLite's errors mean to us.

use crate::error::{Error, ErrorKind, Retry};
use rusqlite::ErrorCode;
use std::fmt::Display;

/// Says what failed in our words, and keeps SQLite's as the cause. `what` is the action, such as `writing nodes`.
pub(super) fn fault(what: impl Display, cause: rusqlite::Error) -> Error {
    let (kind, why, retry) = match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (ErrorKind::Server, "another program is writing to the embedded store", Retry::Again)
        }
        Some(ErrorCode::NotADatabase) => (ErrorKind::Refused, "the file is not an embedded store", Retry::Never),
        Some(ErrorCode::DatabaseCorrupt) => (ErrorKind::Corrupt, "the embedded store is damaged", Retry::Never),
        Some(ErrorCode::DiskFull) => (ErrorKind::Failed, "the disk is full", Retry::Never),
        Some(ErrorCode::CannotOpen) => (ErrorKind::Unreachable, "the file cannot be opened", Retry::Never),
        Some(ErrorCode::ReadOnly) => (ErrorKind::Unreachable, "the file may only be read", Retry::Never),
        Some(ErrorCode::PermissionDenied) => (ErrorKind::Unreachable, "access to the file is denied", Retry::Never),
        Some(ErrorCode::TooBig) => (ErrorKind::Failed, "an item is larger than SQLite's limit of 1 GB", Retry::Never),
        _ => return Error::failed(format!("{what} failed")).caused_by(cause),
    };
    Error::new(kind, format!("{what} failed: {why}")).retrying(retry).caused_by(cause)
}

/// For `map_err`: a fault of this action.
pub(super) fn during<D: Display>(what: D) -> impl FnOnce(rusqlite::Error) -> Error {
    move |cause| fault(what, cause)
}
