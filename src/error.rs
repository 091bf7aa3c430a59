//! The one error of the library: an opaque box with a kind, a place and a retry class.
//!
//! `Display` says in our own words what happened and where; the cause stays in [`source`](std::error::Error::source);
//! [`Error::report`] prints the whole chain once, which is what the command line shows.

use std::error::Error as StdError;
use std::fmt;

/// What the library's functions return.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of failure it was. It decides the exit code (docs/exit-codes.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Something failed that has no better name: an I/O error, a full disk, a defect. Exit 1.
    Failed,
    /// The command asks for something that cannot be meant: an unknown format, a malformed URL. Exit 2.
    Usage,
    /// The work came to its end, but not all of it was done. Exit 3.
    Incomplete,
    /// Nothing was done, on purpose: the target is not empty, a loss was not allowed. Exit 4.
    Refused,
    /// The dump is unreadable, truncated or corrupt. Exit 5.
    Corrupt,
    /// The server cannot be reached, denies access, or went away. Exit 6.
    Unreachable,
    /// The server understood and said no: a statement failed, a constraint was violated. Exit 1.
    Server,
    /// The reader of our output closed it. Exit 0, as Unix expects of a filter.
    BrokenPipe,
    /// The user asked to stop. Exit 130.
    Interrupted,
}

/// Whether doing the same again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// The same call will fail again.
    Never,
    /// A passing state of the server (a deadlock, a conflict): the same batch may succeed.
    Again,
    /// It is unknown whether the server did it: the answer was lost.
    Unknown,
}

/// Where in a dump something was found. Lines and records count from 1, bytes from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The file's name as the user gave it, `-` for stdin; empty where unknown.
    pub file: String,
    /// The line, from 1; 0 where lines mean nothing.
    pub line: u64,
    /// The offset from the start of the uncompressed data, where known.
    pub byte: Option<u64>,
}

impl Position {
    /// A place known by its line alone.
    #[must_use]
    pub fn line(line: u64) -> Self {
        Self { line, ..Self::default() }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if !self.file.is_empty() {
            write!(f, "{}", self.file)?;
            separator = ", ";
        }
        if self.line > 0 {
            write!(f, "{separator}line {}", self.line)?;
            separator = ", ";
        }
        if let Some(byte) = self.byte {
            write!(f, "{separator}byte {byte}")?;
        }
        Ok(())
    }
}

/// The library's error. Its size is one pointer.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    position: Option<Position>,
    hint: Option<String>,
    code: Option<String>,
    retry: Retry,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of this kind with this message: a lower-case sentence without a full stop.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            position: None,
            hint: None,
            code: None,
            retry: Retry::Never,
            cause: None,
        }))
    }

    /// A dump that cannot be read. Give it a place with [`Error::at`].
    #[must_use]
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corrupt, message)
    }

    /// A command that cannot be meant.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// Something that we will not do unless told to.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Refused, message)
    }

    /// A server that does not answer, or denies access.
    #[must_use]
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unreachable, message)
    }

    /// A failure of ours or of the operating system.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, message)
    }

    /// A failed read or write of `what`; a closed pipe becomes [`ErrorKind::BrokenPipe`]. An error of ours that came through a reader or writer
    /// stays what it is.
    #[must_use]
    pub fn io(what: impl fmt::Display, cause: std::io::Error) -> Self {
        let cause = match cause.downcast::<Self>() {
            Ok(error) => return error,
            Err(cause) => cause,
        };
        let kind = match cause.kind() {
            std::io::ErrorKind::BrokenPipe => ErrorKind::BrokenPipe,
            _ => ErrorKind::Failed,
        };
        Self::new(kind, format!("{what} failed")).caused_by(cause)
    }

    /// A failed read of a dump. The operating system's errors have its code; those without are of a decompressor: the dump is damaged.
    #[must_use]
    pub fn reading(cause: std::io::Error) -> Self {
        let cause = match cause.downcast::<Self>() {
            Ok(error) => return error,
            Err(cause) => cause,
        };
        if cause.raw_os_error().is_some() || cause.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::io("reading the dump", cause);
        }
        Self::corrupt("the compressed data is damaged or cut off").caused_by(cause)
    }

    /// The same error, with its place in a dump. A place that is known already stays.
    #[must_use]
    pub fn at(mut self, position: Position) -> Self {
        self.0.position.get_or_insert(position);
        self
    }

    /// The same error, with the file's name added to its place.
    #[must_use]
    pub fn in_file(mut self, file: &str) -> Self {
        let position = self.0.position.get_or_insert_with(Position::default);
        if position.file.is_empty() {
            file.clone_into(&mut position.file);
        }
        self
    }

    /// The same error, with what the user can do about it: one sentence, lower case.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The same error, with the code that the server gave.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// The same error, with its retry class.
    #[must_use]
    pub fn retrying(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// The same error, with its cause.
    #[must_use]
    pub fn caused_by(mut self, cause: impl StdError + Send + Sync + 'static) -> Self {
        self.0.cause = Some(Box::new(cause));
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether doing the same again can help.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// Where in a dump it was found.
    #[must_use]
    pub fn position(&self) -> Option<&Position> {
        self.0.position.as_ref()
    }

    /// The code that the server gave, such as `Neo.ClientError.Statement.SyntaxError`.
    #[must_use]
    pub fn server_code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The message alone, without place, code, hint or cause.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the user can do about it.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The whole story on one line: place, message, code, every cause, and the advice at the end.
    #[must_use]
    pub fn report(&self) -> String {
        use std::fmt::Write as _;
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(next) = cause {
            let _ = write!(text, ": {next}");
            cause = next.source();
        }
        if let Some(hint) = &self.0.hint {
            let _ = write!(text, "; {hint}");
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = &self.0.position {
            write!(f, "{position}: ")?;
        }
        f.write_str(&self.0.message)?;
        if let Some(code) = &self.0.code {
            write!(f, " ({code})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.kind, self.report())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}
