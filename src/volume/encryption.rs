//! age: dumps that only who has the key can read. `age -d` opens what is written here.
//!
//! A dump is encrypted to recipients (`age1…`), or with a passphrase; <https://age-encryption.org/v1> describes the file. Plugins, ssh keys and
//! armour are not understood.

use crate::error::{Error, Result};
use age::secrecy::SecretString;
use age::stream::StreamWriter;
use std::io::{BufReader, Read, Write};

/// How an encrypted dump begins.
const MAGIC: &[u8] = b"age-encryption.org/v1";

/// To whom a dump is encrypted.
#[derive(Clone)]
pub enum Seal {
    /// To each of these.
    Recipients(Vec<age::x25519::Recipient>),
    /// To whoever knows this.
    Passphrase(SecretString),
}

/// Something that opens encrypted dumps.
pub struct Identity(Box<dyn age::Identity + Send + Sync>);

/// What may be asked for when a dump turns out to be encrypted.
pub enum Wanted {
    /// Identities of recipients.
    Identities,
    /// A passphrase.
    Passphrase,
}

/// Gives what opens a dump, when it is needed.
pub type Unlock<'a> = &'a dyn Fn(Wanted) -> Result<Vec<Identity>>;

impl Seal {
    /// Encrypts to recipients as `age1…`.
    ///
    /// # Errors
    /// One is no recipient.
    pub fn to(recipients: &[String]) -> Result<Self> {
        let parse = |text: &String| {
            text.trim().parse().map_err(|cause: &str| {
                Error::usage(format!("{text:?} is no recipient of age: {cause}"))
                    .hint("age-keygen prints one, as age1…")
            })
        };
        recipients.iter().map(parse).collect::<Result<_>>().map(Self::Recipients)
    }

    /// Encrypts with a passphrase.
    ///
    /// # Errors
    /// It is empty.
    pub fn with(passphrase: String) -> Result<Self> {
        if passphrase.is_empty() {
            return Err(Error::usage("the passphrase is empty"));
        }
        Ok(Self::Passphrase(passphrase.into()))
    }

    /// A writer in front of `writer`; its `finish` must be called.
    pub(super) fn writer<W: Write>(&self, writer: W) -> Result<StreamWriter<W>> {
        let encryptor = match self {
            Self::Recipients(recipients) => {
                let recipients = recipients.iter().map(|recipient| recipient as &dyn age::Recipient);
                age::Encryptor::with_recipients(recipients)
                    .map_err(|cause| Error::usage("encrypting to these recipients failed").caused_by(cause))?
            }
            Self::Passphrase(passphrase) => age::Encryptor::with_user_passphrase(passphrase.clone()),
        };
        encryptor.wrap_output(writer).map_err(|cause| Error::io("writing the encrypted dump", cause))
    }
}

impl Identity {
    /// Reads an identity file, as `age-keygen` makes it.
    ///
    /// # Errors
    /// It holds none.
    pub fn read(text: &str, name: &str) -> Result<Vec<Self>> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let parse = |line: &str| {
            let key: std::result::Result<age::x25519::Identity, _> = line.parse();
            // The line itself is secret.
            key.map(|key| Self(Box::new(key)))
                .map_err(|cause| Error::usage(format!("{name} has a line that is no identity of age: {cause}")))
        };
        let found = lines.map(parse).collect::<Result<Vec<_>>>()?;
        if found.is_empty() {
            return Err(Error::usage(format!("{name} holds no identity")).hint("age-keygen makes one"));
        }
        Ok(found)
    }

    /// What a passphrase opens.
    #[must_use]
    pub fn passphrase(passphrase: String) -> Self {
        Self(Box::new(age::scrypt::Identity::new(passphrase.into())))
    }
}

/// How many first bytes tell whether a dump is encrypted.
pub(super) const SNIFF: u64 = MAGIC.len() as u64;

/// Whether a dump that begins so is encrypted.
pub(super) fn is_sealed(first: &[u8]) -> bool {
    first.starts_with(MAGIC)
}

/// Reads what is encrypted to others to its end, without opening it: the head has to be one of age's, and every byte has to come.
///
/// # Errors
/// It is not encrypted, or cannot be read.
pub fn pass_over(mut reader: impl Read) -> Result<()> {
    let failed = |cause| Error::io("reading what was written", cause);
    age::Decryptor::new_buffered(BufReader::new(&mut reader)).map_err(|cause| match cause {
        age::DecryptError::Io(cause) => failed(cause),
        cause => Error::failed("what was written is not encrypted as it should be").caused_by(cause),
    })?;
    std::io::copy(&mut reader, &mut std::io::sink()).map(drop).map_err(failed)
}

/// A reader of what is encrypted.
pub(super) fn reader(from: impl Read + Send + 'static, name: &str, unlock: Unlock<'_>) -> Result<Box<dyn Read + Send>> {
    let failed = |cause: age::DecryptError| match cause {
        age::DecryptError::Io(cause) => Error::reading(cause).in_file(name),
        age::DecryptError::NoMatchingKeys | age::DecryptError::KeyDecryptionFailed => {
            Error::refused(format!("{name} is encrypted, and none of the identities opens it"))
                .hint("give another --identity or --passphrase-file")
        }
        cause => Error::corrupt(format!("{name} is encrypted and its head is damaged, or the passphrase is wrong"))
            .caused_by(cause),
    };
    let sealed = age::Decryptor::new_buffered(BufReader::with_capacity(256 << 10, from)).map_err(failed)?;
    let wanted = if sealed.is_scrypt() { Wanted::Passphrase } else { Wanted::Identities };
    let identities = unlock(wanted)?;
    let opened = sealed.decrypt(identities.iter().map(|identity| &*identity.0 as &dyn age::Identity));
    Ok(Box::new(opened.map_err(failed)?))
}
