//! Failures: what a server's code means to us.
//!
//! Memgraph has one code for what passes and what does not (a conflict, a bad date, a trigger that is there already), so that its text decides.
//! The texts are those of 3.6.2.

use crate::error::{Error, ErrorKind, Retry};
use crate::model::{Map, Value};

/// The error of a FAILURE. Bolt 5.7 and newer call the code `neo4j_code`; its GQL status is not kept.
#[must_use]
pub fn error(metadata: &Map) -> Error {
    let text = |key: &str| metadata.get(key).and_then(Value::as_str);
    let code = text("neo4j_code").or_else(|| text("code")).unwrap_or_default();
    let message = text("message").unwrap_or("the server gives no reason").trim_end_matches('.');
    let error = Error::new(kind(code), message).retrying(retry(code, message));
    let error = if code.is_empty() { error } else { error.code(code) };
    match hint(code, message) {
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

fn retry(code: &str, message: &str) -> Retry {
    if code.starts_with("Memgraph.") {
        return if passes(message) { Retry::Again } else { Retry::Never };
    }
    match code.split('.').nth(1) {
        // Ended on purpose by an operator, although the class says transient.
        _ if code.ends_with(".Transaction.Terminated") || code.ends_with(".LockClientStopped") => Retry::Never,
        Some("TransientError") => Retry::Again,
        _ => Retry::Never,
    }
}

/// Whether a failure of Memgraph is a conflict of two writers, or a statement that waited in vain for others to end: after a second, by default.
fn passes(message: &str) -> bool {
    message.starts_with("Cannot resolve conflicting transactions")
        || message.starts_with("Cannot get ") && message.contains(" access to the storage")
}

fn hint(code: &str, message: &str) -> Option<&'static str> {
    if code.starts_with("Memgraph.") && message.contains("because of transaction timeout") {
        return Some("the server's limit is its setting query.timeout, or --query-execution-timeout-sec");
    }
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
            ("Memgraph.TransientError.MemgraphError.MemgraphError", ErrorKind::Server, Retry::Never),
            ("Memgraph.ClientError.Security.Unauthenticated", ErrorKind::Unreachable, Retry::Never),
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

    /// The texts are those that 3.6.2 gave.
    #[test]
    fn the_text_of_memgraph_says_what_passes() {
        let (transient, client) = ("Memgraph.TransientError", "Memgraph.ClientError");
        let conflict = "Cannot resolve conflicting transactions. Retry this transaction when the conflicting transaction is \
                        finished. For more details, visit https://memgraph.com/docs";
        for (class, message, retry) in [
            (transient, conflict, Retry::Again),
            (
                transient,
                "Cannot get read only access to the storage. Try stopping other queries that are running in parallel.",
                Retry::Again,
            ),
            (
                transient,
                "Cannot get unique access to the storage. Try stopping other queries that are running in parallel.",
                Retry::Again,
            ),
            (transient, "Trigger with the same name already exists.", Retry::Never),
            (transient, "Not yet implemented: Drop enum", Retry::Never),
            (transient, "Transaction was asked to abort because of transaction timeout.", Retry::Never),
            (transient, "Transaction was asked to abort by another user.", Retry::Never),
            (client, "Unable to commit due to unique constraint violation on :P(id)", Retry::Never),
            (client, "Unbound variable: x.", Retry::Never),
        ] {
            let code = format!("{class}.MemgraphError.MemgraphError");
            let map =
                Map::from_iter([("code".to_owned(), code.as_str().into()), ("message".to_owned(), message.into())]);
            let error = error(&map);
            assert_eq!((error.kind(), error.retry()), (ErrorKind::Server, retry), "{message}");
        }
    }
}
