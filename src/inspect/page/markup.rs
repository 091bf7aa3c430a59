//! Text that nobody can mistake for markup.

use crate::model::shown::shown;

/// Text as it stands in an element or a quoted attribute. Characters that steer or turn text are shown as their codes.
pub(super) fn text(from: &str) -> String {
    let mut out = String::with_capacity(from.len());
    for char in from.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push(char),
            '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                out.extend(char.escape_unicode());
            }
            char if char.is_control() => out.extend(char.escape_unicode()),
            char => out.push(char),
        }
    }
    out
}

/// More characters of a name are not shown but where the pointer rests.
const LONG: usize = 90;

/// A name of the graph: escaped as everywhere, and kept apart from the direction of the text around it.
pub(super) fn name(from: &str) -> String {
    isolated(&shown(from))
}

/// Words around names that are shown already.
pub(super) fn isolated(from: &str) -> String {
    // A colon before a name from right to left stays before it.
    let direction = if from.starts_with(':') { " dir=\"ltr\"" } else { "" };
    match from.chars().nth(LONG) {
        None => format!("<bdi{direction}>{}</bdi>", text(from)),
        Some(_) => format!("<bdi{direction} title=\"{}\">{}</bdi>", text(from), text(&short(from, LONG))),
    }
}

/// The beginning of a name that is too long for a picture.
pub(super) fn short(from: &str, limit: usize) -> String {
    let mut chars = from.chars();
    let head: String = chars.by_ref().take(limit).collect();
    match chars.next() {
        None => head,
        Some(_) => format!("{}…", head.chars().take(limit.saturating_sub(1)).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_markup() {
        assert_eq!(text("<script>alert('\"&')</script>"), "&lt;script&gt;alert(&#39;&quot;&amp;&#39;)&lt;/script&gt;");
        assert_eq!(text("a\u{202e}b\u{0}\u{1b}[31m"), "a\\u{202e}b\\u{0}\\u{1b}[31m");
        assert_eq!(text("שלום"), "שלום");
        assert_eq!(isolated(":A"), "<bdi dir=\"ltr\">:A</bdi>");
        assert!(isolated(&"<".repeat(91)).ends_with(&format!("\">{}…</bdi>", "&lt;".repeat(89))));
        assert_eq!(name("a\nb"), "<bdi>&quot;a\\nb&quot;</bdi>");
        assert_eq!([short("abc", 3), short("abcd", 3), short("😀😀😀😀", 3)], ["abc", "ab…", "😀😀…"]);
    }
}
