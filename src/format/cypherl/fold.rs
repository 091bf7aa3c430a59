//! A statement of Memgraph on one line: comments go, line breaks become spaces, and within strings the escapes that mean them.
//!
//! mgconsole knows no comments, and readers that go line by line would cut a statement in two. Whatever does this must know where strings and
//! names begin and end: Memgraph's own dump does not, and turns what follows a `//` into a part of the comment.

use super::lex::Lexer;
use crate::cypher::Dialect;

/// The statement on one line; `None` where it is on one line without comments already, or is not whole. A line break within a name stays: there
/// is no escape for it.
pub(super) fn one_line(text: &str) -> Option<String> {
    memchr::memchr3(b'\n', b'\r', b'/', text.as_bytes())?;
    let mut lexer = Lexer::new(Dialect::Memgraph, text.as_bytes(), true);
    let mut line = String::with_capacity(text.len());
    while let Some(byte) = lexer.rest().first().copied() {
        let from = lexer.at();
        match byte {
            b'`' => lexer.skip_quoted_name().ok()?,
            b'"' | b'\'' => lexer.skip_string(byte).ok()?,
            b'/' if matches!(lexer.peek_second(), Some(b'/' | b'*')) => lexer.comment().ok()?,
            _ => lexer.bump(),
        }
        let part = text.get(from..lexer.at());
        match (byte, part) {
            (b'"' | b'\'', Some(part)) => line.push_str(&part.replace('\n', "\\n").replace('\r', "\\r")),
            (b'\n' | b'\r', _) => line.push(' '),
            (b'/', Some(part)) if part.len() > 1 => line.push(' '),
            (_, Some(part)) => line.push_str(part),
            // The first byte of a character of several: the rest of it follows.
            (_, None) => {
                let size = text.get(from..)?.chars().next()?.len_utf8();
                line.push_str(text.get(from..from + size)?);
                lexer.seek(from + size);
            }
        }
    }
    let line = line.trim().to_owned();
    (line != text).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_line_breaks_go_where_they_are_none() {
        for (text, expected) in [
            ("RETURN 1", None),
            ("RETURN 1 / 2", None),
            ("MATCH (n)\nWHERE n.x = 1 // trailing; 'comment\nRETURN n", Some("MATCH (n) WHERE n.x = 1  RETURN n")),
            ("RETURN 1 // the end", Some("RETURN 1")),
            ("RETURN /* a\nb */ 'ž'", Some("RETURN   'ž'")),
            ("RETURN '// no\ncomment', \"a\r\nb\"", Some("RETURN '// no\\ncomment', \"a\\r\\nb\"")),
            ("RETURN n.`a // b`", None),
            ("RETURN n.`a\nb`", None),
            ("RETURN 'open", None),
            ("RETURN 'open\n", None),
            ("RETURN '\\'' // it's", Some("RETURN '\\''")),
            ("RETURN 1/2/n.x // é", Some("RETURN 1/2/n.x")),
        ] {
            assert_eq!(one_line(text).as_deref(), expected, "{text}");
        }
    }
}
