//! Names of a graph in text for people. A name may hold anything: what would steer a terminal or pass for a line of ours is escaped.

use std::borrow::Cow;

/// A name as it is where it is harmless, else quoted and escaped as a Rust string.
#[must_use]
pub fn shown(name: &str) -> Cow<'_, str> {
    let quoted = format!("{name:?}");
    if quoted.len() == name.len() + 2 && !name.is_empty() { Cow::Borrowed(name) } else { Cow::Owned(quoted) }
}

/// Several names, each shown.
#[must_use]
pub fn shown_all<S: AsRef<str>>(names: &[S], between: &str) -> String {
    names.iter().map(|name| shown(name.as_ref())).collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmless_names_stay_and_others_are_escaped() {
        for (name, expected) in [
            ("Person", "Person"),
            ("har mellanrum åäö 😀", "har mellanrum åäö 😀"),
            ("", "\"\""),
            ("a\nb", "\"a\\nb\""),
            ("\u{1b}[31m", "\"\\u{1b}[31m\""),
            ("\u{202e}x", "\"\\u{202e}x\""),
            ("a\"b", "\"a\\\"b\""),
            ("\\", "\"\\\\\""),
        ] {
            assert_eq!(shown(name), expected);
        }
        assert_eq!(shown_all(&["A", "B\n"], ":"), "A:\"B\\n\"");
    }
}
