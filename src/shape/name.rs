//! How names that HugeGraph refuses are made to fit.

use crate::hugegraph::name::LENGTH;
pub use crate::hugegraph::name::is_taken;
use std::collections::BTreeSet;

/// A name that is made is cut to this, which leaves room for what tells it apart.
const CUT: usize = 200;

/// The nearest name that HugeGraph takes: what it refuses becomes `_`.
pub(super) fn fit(name: &str) -> String {
    if is_taken(name) {
        return name.to_owned();
    }
    let mut fit: String =
        name.chars().map(|c| if matches!(c, '>' | ':' | '!' | '#' | '\0') { '_' } else { c }).collect();
    if fit.len() >= LENGTH {
        fit.truncate((0..=CUT).rev().find(|at| fit.is_char_boundary(*at)).unwrap_or(0));
    }
    let bare = fit.trim_end_matches(|last: char| last.is_ascii_whitespace() || last == '\u{b}').len();
    if bare < fit.len() {
        fit.truncate(bare);
        fit.push('_');
    }
    if fit.starts_with('~') {
        fit.replace_range(..1, "_");
    }
    if fit.is_empty() { "_".to_owned() } else { fit }
}

/// The nearest name that HugeGraph takes and that is not given yet; it is given then.
pub(super) fn give(name: &str, given: &mut BTreeSet<String>) -> String {
    let base = fit(name);
    let mut own = base.clone();
    let mut number = 1_u64;
    while !given.insert(own.clone()) {
        number += 1;
        let cut = (0..=base.len().min(CUT)).rev().find(|at| base.is_char_boundary(*at)).unwrap_or(0);
        own = format!("{}~{number}", base.get(..cut).unwrap_or_default());
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_asked_for_fits_and_is_given_once() {
        let long = "å".repeat(200);
        let mut given = BTreeSet::new();
        for (name, expected) in [
            ("name", "name"),
            ("name", "name~2"),
            ("name", "name~3"),
            ("~id", "_id"),
            ("", "_"),
            (" ", "_~2"),
            ("a ", "a_"),
            ("a\n", "a_~2"),
            (" a", " a"),
            ("a:b>c!d#e\0", "a_b_c_d_e_"),
            ("é😀\u{1}", "é😀\u{1}"),
            (&long, &"å".repeat(100)),
            (&long, &("å".repeat(100) + "~2")),
        ] {
            let own = give(name, &mut given);
            assert_eq!(own, expected, "{name:?}");
            assert!(is_taken(&own));
        }
    }
}
