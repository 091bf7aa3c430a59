//! The URLs of objects.
//!
//! | URL | object |
//! |---|---|
//! | `s3://BUCKET/KEY` | Amazon S3, and everything that speaks its language at the endpoint that `AWS_ENDPOINT_URL` names |
//! | `gs://BUCKET/KEY` | Google Cloud Storage |
//! | `az://CONTAINER/KEY` | Azure Blob Storage; the account comes from the environment |
//!
//! A key is taken as it stands: `%20` means these three characters. A URL never carries credentials.

use crate::error::{Error, Result};
use std::fmt;

/// Whose language a store speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// Amazon's: `s3://`.
    S3,
    /// Google's: `gs://`.
    Gs,
    /// Microsoft's: `az://`.
    Az,
}

/// An object, or, where the key is a prefix, those below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Whose language the store speaks.
    pub scheme: Scheme,
    /// The bucket; Azure calls it a container.
    pub bucket: String,
    /// The key, without a slash at its start or end; empty for the bucket itself.
    pub key: String,
}

impl Scheme {
    /// As URLs have it: `s3`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Gs => "gs",
            Self::Az => "az",
        }
    }
}

fn split(text: &str) -> Option<(Scheme, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let schemes = [Scheme::S3, Scheme::Gs, Scheme::Az];
    schemes.into_iter().find(|known| known.name().eq_ignore_ascii_case(scheme)).map(|scheme| (scheme, rest))
}

/// Whether a text is the URL of an object, be it a good one or not.
#[must_use]
pub fn is_url(text: impl AsRef<std::path::Path>) -> bool {
    text.as_ref().to_str().is_some_and(|text| split(text).is_some())
}

impl Address {
    /// Understands a URL.
    ///
    /// # Errors
    /// It is no such URL, carries credentials, names no bucket, or a key that cannot be; or this program was built without object storage.
    pub fn parse(text: impl AsRef<std::path::Path>) -> Result<Self> {
        let text = text.as_ref().to_string_lossy();
        let (scheme, rest) = split(&text).ok_or_else(|| Error::usage(format!("{text:?} is no URL of an object")))?;
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        // Nothing of the URL is repeated before this is known.
        if bucket.contains('@') || bucket.contains(':') {
            return Err(Error::usage(format!("{}:// is followed by the name of a bucket alone", scheme.name()))
                .hint("credentials come from the environment, and so does the endpoint (AWS_ENDPOINT_URL): everybody on this machine can read a URL in the process list"));
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '$');
        if bucket.is_empty() || !bucket.chars().all(is_plain) {
            return Err(Error::usage(format!("{bucket:?} is no name of a bucket"))
                .hint(format!("write {}://BUCKET/KEY", scheme.name())));
        }
        let key = key.strip_suffix('/').unwrap_or(key);
        let is_bad = |part: &str| matches!(part, "" | "." | "..") || part.chars().any(|c| c.is_ascii_control());
        if !key.is_empty() && key.split('/').any(is_bad) {
            return Err(Error::usage(format!("{key:?} is no key that can be read and written")).hint(
                "between its slashes there is at least one character, neither . nor .. alone, none a control character",
            ));
        }
        if !cfg!(feature = "object-storage") {
            return Err(Error::usage(format!(
                "this graphferry was built without object storage, so that {text} is out of reach"
            ))
            .hint("build it with the feature object-storage: cargo install graphferry --features object-storage"));
        }
        Ok(Self { scheme, bucket: bucket.to_owned(), key: key.to_owned() })
    }

    /// The same, for one that has to name an object and not a bucket alone.
    ///
    /// # Errors
    /// As [`Address::parse`], or there is no key.
    pub fn object(text: impl AsRef<std::path::Path>) -> Result<Self> {
        let address = Self::parse(text)?;
        if address.key.is_empty() {
            return Err(Error::usage(format!("{address} names a bucket and no object in it"))
                .hint(format!("write {address}/KEY")));
        }
        Ok(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.name(), self.bucket)?;
        if !self.key.is_empty() {
            write!(f, "/{}", self.key)?;
        }
        Ok(())
    }
}

#[cfg(all(test, feature = "object-storage"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn urls_are_taken_apart_and_put_together() {
        for (url, scheme, bucket, key) in [
            ("s3://b/k", Scheme::S3, "b", "k"),
            ("S3://b-1.x/a/b c#?%20.tar", Scheme::S3, "b-1.x", "a/b c#?%20.tar"),
            ("gs://b/ä/", Scheme::Gs, "b", "ä"),
            ("az://$root", Scheme::Az, "$root", ""),
        ] {
            assert!(is_url(url));
            let address = Address::parse(url).unwrap();
            assert_eq!((address.scheme, &*address.bucket, &*address.key), (scheme, bucket, key), "{url}");
            assert_eq!(Address::parse(address.to_string()).unwrap(), address);
        }
        assert!(Address::object("s3://b").is_err() && Address::object("s3://b/").is_err());
        for not in ["b/k", "https://b/k", "s3:/b/k", "neo4j://b", "C:\\s3"] {
            assert!(!is_url(not) && Address::parse(not).is_err(), "{not}");
        }
        for bad in ["s3://", "s3:///k", "s3://b//k", "s3://b/a/../k", "s3://b/./k", "s3://b/a\nb", "s3://b?x/k"] {
            assert!(is_url(bad));
            assert_eq!(Address::parse(bad).unwrap_err().kind(), crate::ErrorKind::Usage, "{bad}");
        }
    }

    #[test]
    fn credentials_in_a_url_are_refused_and_not_repeated() {
        for url in ["s3://KEY:SECRET@bucket/k", "s3://SECRET@bucket", "az://SECRET:x/k"] {
            let error = Address::parse(url).unwrap_err();
            assert!(!error.report().contains("SECRET"), "{}", error.report());
        }
    }
}
