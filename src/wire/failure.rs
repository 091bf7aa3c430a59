//! Failures: what a server's code means to us.

use crate::error::{Error, ErrorKind, Retry};
use crate::model::{Map, Value};

/// The error of a FAILURE. Bolt 5.7 and newer call the code `neo4j_code`; its GQL status is not kept.
#[must_use]
pub fn error(metadata: &Map) -> Error {
    let text = |key: &str| metadata.get(key).and_then(Value::as_str);
    let code = text("neo4j_code").or_else(|| text("code")).unwrap_or_default();
    let message = text("message").unwrap_or("the server gives no reason").trim_end_matches('.');
    let error = Error::new(kind(code), message).retrying(retry(code));
    let error = if code.is_empty() { error } else { error.code(code) };
    match hint(code) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn kind(code: &str) -> ErrorKind {
    match code {
        "Neo.ClientError.Database.DatabaseNotFound" => ErrorKind::Unreachable,
        "Neo.TransientError.Database.DatabaseUnavailable" => ErrorKind::Unreachable,
        code if code.starts_with("Neo.ClientError.Security.") => ErrorKind::Unreachable,
        "Memgraph.ClientError.Security.Unauthenticated" => ErrorKind::Unreachable,
        _ => ErrorKind::Server,
    }
}

fn retry(code: &str) -> Retry {
    match code.split('.').nth(1) {
        // Ended on purpose by an operator, although the class says transient.
        _ if code.ends_with(".Transaction.Terminated") || code.ends_with(".LockClientStopped") => Retry::Never,
        Some("TransientError") => Retry::Again,
        _ => Retry::Never,
    }
}

fn hint(code: &str) -> Option<&'static str> {
    Some(match code.rsplit('.').next()? {
        "Unauthorized" | "Unauthenticated" => {
            "check the user, and the password in $GRAPHFERRY_PASSWORD or --password-file"
        }
        "AuthenticationRateLimit" => "wait some seconds: the server counts wrong passwords",
        "CredentialsExpired" => "give the user a new password on the server first",
        "EntityNotFound" => "somebody deleted it meanwhile: do it again when the writers rest",
        "Forbidden" => "the user lacks a right that is needed here",
        "DatabaseNotFound" => "the path of the URL names the database",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn codes_and_their_meaning() {
        for (code, kind, retry) in [
            ("Neo.ClientError.Statement.SyntaxError", ErrorKind::Server, Retry::Never),
            ("Neo.ClientError.Schema.ConstraintValidationFailed", ErrorKind::Server, Retry::Never),
            ("Neo.TransientError.Transaction.DeadlockDetected", ErrorKind::Server, Retry::Again),
            ("Neo.TransientError.Transaction.Terminated", ErrorKind::Server, Retry::Never),
            ("Memgraph.TransientError.MemgraphError.MemgraphError", ErrorKind::Server, Retry::Again),
            ("Neo.ClientError.Security.Unauthorized", ErrorKind::Unreachable, Retry::Never),
            ("Neo.ClientError.Database.DatabaseNotFound", ErrorKind::Unreachable, Retry::Never),
            ("", ErrorKind::Server, Retry::Never),
        ] {
            for key in ["code", "neo4j_code"] {
                let map = Map::from_iter([(key.to_owned(), code.into()), ("message".to_owned(), "No.".into())]);
                let error = error(&map);
                assert_eq!((error.kind(), error.retry(), error.message()), (kind, retry, "No"), "{code}");
                assert_eq!(error.server_code().unwrap_or_default(), code);
            }
        }
        assert_eq!(error(&Map::new()).to_string(), "the server gives no reason");
    }
}
