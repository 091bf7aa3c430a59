//! What a store's failure means to us, told without a secret.

use super::Address;
use super::address::Scheme;
use crate::error::{Error, ErrorKind};
use object_store::client::HttpError;
use std::error::Error as StdError;

/// What came back.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answer {
    status: u16,
    /// `NoSuchBucket`.
    code: String,
    /// In the store's words.
    message: String,
}

/// The text between the tags of an XML element.
fn element(body: &str, name: &str) -> Option<String> {
    let from = body.find(&format!("<{name}>"))? + name.len() + 2;
    let text = body.get(from..)?;
    let text = text.get(..text.find(&format!("</{name}>"))?)?;
    Some(text.trim().replace(['\n', '\r'], " ").chars().take(300).collect())
}

/// Understands how `object_store` words an answer that is no success.
fn answer(text: &str) -> Option<Answer> {
    let said = text.split_once("Server returned non-2xx status code: ").or_else(|| text.split_once("error response: "));
    let (_, said) = said?;
    let status = said.get(..3).and_then(|digits| digits.parse().ok()).unwrap_or(0);
    let code = element(said, "Code").unwrap_or_default();
    Some(Answer { status, code, message: element(said, "Message").unwrap_or_default() })
}

fn chain<'a>(first: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(first), |error: &&'a (dyn StdError + 'static)| {
        let error: &'a (dyn StdError + 'static) = *error;
        error.source()
    })
}

/// A text without what is secret: queries of URLs, which may hold signatures, and the values of variables that hold keys.
fn without_secrets(text: &str) -> String {
    let word = |word: &str| match word.split_once('?') {
        Some((url, _)) if url.contains("://") || url.starts_with('/') => format!("{url}?…"),
        _ => word.to_owned(),
    };
    let mut text = text.split(' ').map(word).collect::<Vec<_>>().join(" ").replace(['\n', '\r'], " ");
    let is_secret = |name: &str| {
        ["AWS_", "AZURE_", "GOOGLE_"].iter().any(|cloud| name.starts_with(cloud))
            && ["KEY", "SECRET", "TOKEN", "SAS", "CONNECTION"].iter().any(|word| name.contains(word))
            && !name.ends_with("_FILE")
    };
    for (name, value) in std::env::vars_os() {
        if is_secret(&name.to_string_lossy())
            && let Some(value) = value.to_str()
            && value.len() >= 4
        {
            text = text.replace(value, "…");
        }
    }
    text.chars().take(600).collect()
}

fn credentials(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::S3 => {
            "credentials come from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, AWS_PROFILE, or the role of the machine"
        }
        Scheme::Gs => {
            "credentials come from the environment: GOOGLE_APPLICATION_CREDENTIALS names a file, or the role of the machine is taken"
        }
        Scheme::Az => {
            "credentials come from the environment: AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN or AZURE_STORAGE_CONNECTION_STRING, or the role of the machine"
        }
    }
}

/// Whether the store does not know what was asked: an object, an upload or a bucket.
pub(super) fn is_absent(cause: &object_store::Error) -> bool {
    matches!(cause, object_store::Error::NotFound { .. })
}

/// Whether somebody was faster: a condition on what is there does not hold.
pub(super) fn is_conflict(cause: &object_store::Error) -> bool {
    matches!(cause, object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. })
}

/// Whether the store does not know conditions.
pub(super) fn is_unsupported(cause: &object_store::Error) -> bool {
    let said = chain(cause).find_map(|error| answer(&error.to_string()));
    matches!(cause, object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. })
        || said.is_some_and(|said| said.status == 501 || said.code == "NotImplemented")
}

/// An error of `doing` (such as `reading`) something to an object.
pub(super) fn failed(doing: &str, address: &Address, cause: &object_store::Error) -> Error {
    let said = chain(cause).find_map(|error| answer(&error.to_string()));
    if let Some(said) = said {
        return refused(doing, address, &said);
    }
    let what = format!("{doing} {address} failed");
    if let Some(cause) = chain(cause).find_map(|error| error.downcast_ref::<HttpError>()) {
        let last = chain(cause).last().map(ToString::to_string).unwrap_or_default();
        let error = Error::unreachable(format!("{what}: the store does not answer: {}", without_secrets(&last)));
        return match address.scheme {
            Scheme::S3 if std::env::var_os("AWS_ACCESS_KEY_ID").is_none() => error.hint(credentials(address.scheme)),
            Scheme::S3 => {
                error.hint("AWS_ENDPOINT_URL names the endpoint where it is not Amazon's, AWS_REGION its region")
            }
            scheme => error.hint(credentials(scheme)),
        };
    }
    let text = chain(cause).map(ToString::to_string).find(|text| text.contains("redirect without LOCATION"));
    if text.is_some() {
        return Error::unreachable(format!("{what}: the bucket is in another region"))
            .hint("AWS_REGION names the region of the bucket");
    }
    match cause {
        object_store::Error::NotFound { .. } => Error::failed(format!("{what}: there is no such object")),
        object_store::Error::Unauthenticated { .. } | object_store::Error::PermissionDenied { .. } => {
            Error::unreachable(format!("{what}: access is denied")).hint(credentials(address.scheme))
        }
        _ => Error::failed(format!("{what}: {}", without_secrets(&cause.to_string()))),
    }
}

fn refused(doing: &str, address: &Address, said: &Answer) -> Error {
    let Answer { status, code, message } = said;
    let bucket = &address.bucket;
    let is_bucket = matches!(&**code, "NoSuchBucket" | "ContainerNotFound");
    let words = match (is_bucket, status) {
        (true, _) => format!("there is no bucket {bucket}"),
        (_, 404) if code.is_empty() || code == "NoSuchKey" || code == "BlobNotFound" => {
            format!("there is no such object in the bucket {bucket}")
        }
        (_, 401 | 403) => "access is denied".to_owned(),
        (_, 412) => "it was replaced meanwhile".to_owned(),
        (_, 429 | 500..) => "the store is not able to answer, asked again and again".to_owned(),
        _ => "the store refused it".to_owned(),
    };
    let message = if message.is_empty() { String::new() } else { format!(": {}", without_secrets(message)) };
    let kind = match status {
        _ if is_bucket => ErrorKind::Unreachable,
        401 | 403 | 429 | 500.. => ErrorKind::Unreachable,
        _ => ErrorKind::Failed,
    };
    let told = if code.is_empty() { status.to_string() } else { format!("{status} {code}") };
    let error = Error::new(kind, format!("{doing} {address} failed: {words}{message}")).code(told);
    match status {
        401 | 403 => error.hint(credentials(address.scheme)),
        _ if is_bucket => error.hint("make the bucket first: no bucket is ever made here"),
        301 | 307 | 308 | 400 if address.scheme == Scheme::S3 => {
            error.hint("AWS_REGION names the region of the bucket")
        }
        429 | 500.. => error.hint("try again later"),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let body = "Server returned non-2xx status code: 404 Not Found: <?xml?><Error><Code>NoSuchBucket</Code><Message>The specified\nbucket</Message></Error>";
        let said = answer(body).unwrap();
        assert_eq!((said.status, &*said.code, &*said.message), (404, "NoSuchBucket", "The specified bucket"));
        let address = Address::parse("s3://b/k").unwrap();
        let error = refused("reading", &address, &said);
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        assert!(error.report().contains("s3://b/k") && error.report().contains("no bucket b"), "{}", error.report());
        let kind = |status, code: &str| {
            refused("x", &address, &Answer { status, code: code.into(), message: String::new() }).kind()
        };
        assert_eq!(kind(404, ""), ErrorKind::Failed);
        assert_eq!(kind(403, "SignatureDoesNotMatch"), ErrorKind::Unreachable);
        assert_eq!(kind(503, "SlowDown"), ErrorKind::Unreachable);
        assert_eq!(kind(400, "EntityTooSmall"), ErrorKind::Failed);
        assert_eq!(answer("something else"), None);
    }

    #[test]
    fn signatures_in_urls_are_not_told() {
        let text = without_secrets("error on https://x.example/b/k?sv=1&sig=SECRET and /b?sig=SECRET in 1s");
        assert_eq!(text, "error on https://x.example/b/k?… and /b?… in 1s");
    }
}
