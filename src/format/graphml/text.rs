//! Text in XML, and what XML cannot hold.

/// Whether XML 1.0 can hold the text: no control characters but tab and line ends, neither U+FFFE nor U+FFFF.
pub(super) fn fits(text: &str) -> bool {
    let odd = |char| matches!(char, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}');
    // Most texts have neither control characters nor the first byte of the last two.
    let suspect = |byte: u8| byte < 0x20 || byte == 0xEF;
    !text.bytes().any(suspect) || !text.chars().any(odd)
}

/// Writes text between tags.
pub(super) fn put(text: &str, out: &mut Vec<u8>) {
    escape(text, out, |byte| matches!(byte, b'&' | b'<' | b'>' | b'\r'));
}

/// Writes text between quotes.
pub(super) fn put_attribute(text: &str, out: &mut Vec<u8>) {
    escape(text, out, |byte| matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\r' | b'\n' | b'\t'));
}

#[inline]
fn escape(text: &str, out: &mut Vec<u8>, special: impl Fn(u8) -> bool) {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| special(*byte)) {
        let (clean, dirty) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(clean);
        let Some((byte, after)) = dirty.split_first() else { return };
        out.extend_from_slice(match byte {
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            b'"' => b"&quot;",
            b'\r' => b"&#13;",
            b'\n' => b"&#10;",
            _ => b"&#9;",
        });
        rest = after;
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_seen() {
        for text in ["", "plain", "tab\tline\r\n", "é日😀", "\u{FFFD}\u{FEFF}", "\u{7f}\u{85}\u{2028}"] {
            assert!(fits(text), "{text:?}");
        }
        for text in ["\0", "a\u{1}", "\u{1f}", "x\u{FFFF}", "\u{FFFE}", "\u{b}"] {
            assert!(!fits(text), "{text:?}");
        }
    }
}
