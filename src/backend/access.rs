//! Access: who we are to a database, and which certificates we believe.
//!
//! Secrets come from the environment, a file or a prompt, never from a URL. They are shown by nothing here: not by `Debug`, not by
//! an error.

use crate::error::{Error, Result};
use std::fmt;
use std::path::PathBuf;

/// Something that must not be shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text out of sight.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// How we identify ourselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Credentials {
    /// Not at all.
    #[default]
    None,
    /// With a user and a password.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// With a token of a single sign-on.
    Bearer {
        /// The token.
        token: Secret,
    },
}

/// What is needed to be let in, apart from the place itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// How we identify ourselves.
    pub credentials: Credentials,
    /// A file (PEM) of certificate authorities to believe instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// How Memgraph's files are read.
    pub files: super::memgraph_files::Options,
    /// How HugeGraph is read and written.
    pub hugegraph: super::hugegraph::Options,
}

impl Access {
    /// A user with a password.
    #[must_use]
    pub fn basic(user: impl Into<String>, password: impl Into<String>) -> Self {
        let credentials = Credentials::Basic { user: user.into(), password: Secret::new(password) };
        Self { credentials, ..Self::default() }
    }

    /// The same access with the user that a URL names, if it names one.
    ///
    /// # Errors
    /// There is a token instead of a user, or another user is given elsewhere.
    pub fn for_user(&self, named: Option<&str>) -> Result<Self> {
        let Some(named) = named else { return Ok(self.clone()) };
        let credentials = match &self.credentials {
            Credentials::Basic { user, password } if user == named || user.is_empty() => {
                Credentials::Basic { user: named.to_owned(), password: password.clone() }
            }
            Credentials::Basic { user, .. } => {
                return Err(Error::usage(format!("the URL names the user {named:?}, the environment {user:?}")));
            }
            Credentials::Bearer { .. } => {
                return Err(Error::usage(format!("the URL names the user {named:?}, but a token is given")));
            }
            Credentials::None => {
                return Err(Error::usage(format!("the URL names the user {named:?}, but no password is given"))
                    .hint("put the password into the environment or a file"));
            }
        };
        Ok(Self { credentials, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn secrets_are_shown_by_nothing() {
        let access = Access::basic("neo4j", "hunter2-hunter2");
        assert!(!format!("{access:?} {access:#?}").contains("hunter2"));
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret");
    }

    #[test]
    fn a_user_in_the_url_takes_the_password_from_elsewhere() {
        assert_eq!(Access::basic("", "pw").for_user(Some("ann")).unwrap(), Access::basic("ann", "pw"));
        assert_eq!(Access::basic("ann", "pw").for_user(None).unwrap(), Access::basic("ann", "pw"));
        let error = Access::basic("bob", "pw").for_user(Some("ann")).unwrap_err();
        assert_eq!(error.to_string(), r#"the URL names the user "ann", the environment "bob""#);
        let error = Access::default().for_user(Some("ann")).unwrap_err();
        assert_eq!(error.to_string(), r#"the URL names the user "ann", but no password is given"#);
    }
}
