//! What opens encrypted dumps: identities and passphrases out of files, or asked for.
//!
//! A process has one command line, so that what it says of keys is kept here once, instead of being handed through everything that opens a file.

use super::access;
use crate::error::{Error, Result};
use crate::volume::encryption::{Identity, Wanted};
use crate::volume::{Input, Seal};
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

#[derive(Debug, Default)]
struct Keys {
    identities: Vec<PathBuf>,
    passphrase: Option<PathBuf>,
    /// What was typed: a dump is opened several times.
    typed: Mutex<Option<String>>,
}

static KEYS: OnceLock<Keys> = OnceLock::new();

/// Keeps what the command line says.
pub(super) fn remember(access: &access::Options) {
    let (identities, passphrase) = (access.identity.clone(), access.passphrase_file.clone());
    let _ = KEYS.set(Keys { identities, passphrase, typed: Mutex::default() });
}

fn keys() -> &'static Keys {
    KEYS.get_or_init(Keys::default)
}

fn passphrase_in(path: &PathBuf) -> Result<String> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|cause| Error::io(format!("reading {}", path.display()), cause))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(Error::usage(format!("the first line of {} is empty: it should be a passphrase", path.display()))),
    }
}

/// What opens a dump, asked for where there is somebody to ask.
pub(super) fn unlock(wanted: Wanted) -> Result<Vec<Identity>> {
    let keys = keys();
    match wanted {
        Wanted::Identities if keys.identities.is_empty() => {
            Err(Error::refused("the dump is encrypted").hint("name the file with your identity: --identity FILE"))
        }
        Wanted::Identities => {
            let mut all = Vec::new();
            for path in &keys.identities {
                let name = path.display().to_string();
                let text =
                    std::fs::read_to_string(path).map_err(|cause| Error::io(format!("reading {name}"), cause))?;
                all.extend(Identity::read(&text, &name)?);
            }
            Ok(all)
        }
        Wanted::Passphrase => passphrase().map(|passphrase| vec![Identity::passphrase(passphrase)]),
    }
}

fn passphrase() -> Result<String> {
    let keys = keys();
    if let Some(path) = &keys.passphrase {
        return passphrase_in(path);
    }
    let mut typed = keys.typed.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(typed) = &*typed {
        return Ok(typed.clone());
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(Error::refused("the dump is encrypted with a passphrase")
            .hint("name a file with it: --passphrase-file FILE"));
    }
    let asked = rpassword::prompt_password("passphrase of the dump: ");
    let asked = asked.map_err(|cause| Error::io("asking for the passphrase", cause))?;
    *typed = Some(asked.clone());
    Ok(asked)
}

/// Opens a dump, encrypted or not.
pub(super) fn open(name: &str) -> Result<Input> {
    Input::open_with(name, &unlock)
}

/// To whom what is written is encrypted, if to anybody, and whether we could open it ourselves.
pub(super) fn seal(recipients: &[String]) -> Result<(Option<Seal>, bool)> {
    let keys = keys();
    match (&keys.passphrase, recipients) {
        (None, []) => Ok((None, true)),
        (Some(path), []) => Ok((Some(Seal::with(passphrase_in(path)?)?), true)),
        (Some(_), _) => Err(Error::usage("a dump is encrypted to recipients or with a passphrase, not both")),
        (None, recipients) => Ok((Some(Seal::to(recipients)?), !keys.identities.is_empty())),
    }
}
