//! Files that are older than the backup that they lie in: the official tool leaves them, and a restore brings back what was deleted.
//!
//! It writes the schema first. So a file of vertices or edges that is older than the file of property keys is of another backup. In an archive the
//! tool wrote the time; of a plain file there is only when it was changed last, which a copy of the folder may have set anew, so that
//! a few minutes more or less tell nothing there.

use crate::error::{Error, Result};
use std::time::{Duration, SystemTime};

/// When a file was written, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Age {
    /// As its archive says, in the writer's own zone.
    pub(super) archived: Option<jiff::civil::DateTime>,
    /// As the file system says.
    pub(super) changed: Option<SystemTime>,
}

/// Archives count in steps of two seconds.
const STEP: Duration = Duration::from_secs(2);

/// A copy of a folder takes its time.
const COPIED: Duration = Duration::from_secs(600);

/// How old a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not older.
    Fine,
    /// A bit older: it may have been copied first.
    Doubtful,
    /// Of an older backup.
    Stale,
}

/// Judges a file of vertices or edges by the age of the file that was written first.
pub(super) fn judge(first: Age, file: Age) -> Verdict {
    let (behind, grace) = match (first, file) {
        (Age { archived: Some(first), .. }, Age { archived: Some(file), .. }) => {
            let seconds = first.duration_since(file).as_secs();
            (u64::try_from(seconds).map_or(Duration::ZERO, Duration::from_secs), STEP)
        }
        (Age { changed: Some(first), .. }, Age { changed: Some(file), .. }) => {
            (first.duration_since(file).unwrap_or_default(), COPIED)
        }
        _ => return Verdict::Fine,
    };
    match behind {
        behind if behind > grace => Verdict::Stale,
        behind if behind > STEP => Verdict::Doubtful,
        _ => Verdict::Fine,
    }
}

/// What is said of files that are judged so; `None` for nothing. Stale ones are refused unless `allowed`.
pub(super) fn tell(judged: &[(String, Verdict)], allowed: bool) -> Result<Option<String>> {
    let of = |wanted: &[Verdict]| -> Vec<&str> {
        judged.iter().filter(|(_, verdict)| wanted.contains(verdict)).map(|(name, _)| name.as_str()).collect()
    };
    let stale = of(&[Verdict::Stale]);
    if let (Some(first), false) = (stale.first(), allowed) {
        let others = if stale.len() > 1 { format!(" and {} more", stale.len() - 1) } else { String::new() };
        return Err(Error::refused(format!(
            "{first}{others} is older than the schema beside it: an older backup left it, and what it holds may have been deleted since"
        ))
        .hint("take such files away, or read them with --allow-stale-files"));
    }
    let older = of(&[Verdict::Stale, Verdict::Doubtful]);
    Ok(older.first().map(|first| {
        let others = if older.len() > 1 { format!(" and {} more", older.len() - 1) } else { String::new() };
        format!("{first}{others} is older than the schema beside it, and may be of an older backup")
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn older_files_are_found() {
        let archived =
            |second| Age { archived: Some(jiff::civil::date(2024, 6, 1).at(12, 0, second, 0)), changed: None };
        assert_eq!(judge(archived(10), archived(10)), Verdict::Fine);
        assert_eq!(judge(archived(10), archived(8)), Verdict::Fine);
        assert_eq!(judge(archived(10), archived(7)), Verdict::Stale);
        assert_eq!(judge(archived(10), archived(50)), Verdict::Fine);
        let changed =
            |seconds| Age { archived: None, changed: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)) };
        assert_eq!(judge(changed(1000), changed(2000)), Verdict::Fine);
        assert_eq!(judge(changed(1000), changed(900)), Verdict::Doubtful);
        assert_eq!(judge(changed(1000), changed(399)), Verdict::Stale);
        assert_eq!(judge(changed(1000), archived(0)), Verdict::Fine);
        let judged = [("vertices0".to_owned(), Verdict::Doubtful), ("edges1".to_owned(), Verdict::Stale)];
        assert!(tell(&judged, false).unwrap_err().message().starts_with("edges1 is older"));
        assert!(tell(&judged, true).unwrap().unwrap().starts_with("vertices0 and 1 more"));
        assert_eq!(tell(&[], false).unwrap(), None);
    }
}
