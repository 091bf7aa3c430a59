#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::format::Piece;

/// Text that repeats its middle, made while it is read.
fn long(head: &'static str, middle: u64, tail: &'static str) -> impl Read + Send + 'static {
    head.as_bytes().chain(std::io::repeat(b'x').take(middle)).chain(tail.as_bytes())
}

#[test]
fn a_statement_beyond_the_limit_is_refused() {
    let input = input::Input::limited(Box::new(long("RETURN 1;\nRETURN \"", 1 << 22, "\";")), 1 << 20);
    let mut reader = read::Reader::new(input, Earlier::default()).unwrap();
    assert!(matches!(reader.next(), Ok(Some(Piece::Statement(_)))));
    let error = reader.next().unwrap_err();
    assert_eq!(error.report(), "line 2, byte 10: a statement is larger than 1048576 bytes");
}

#[test]
fn a_value_larger_than_the_window_is_read() {
    let text = long("CREATE (:__mg_vertex__ {__mg_id__: 1, `p`: \"", 3 << 20, "\"});\nRETURN 1;");
    let mut decoder = decoder(Box::new(text)).unwrap();
    let Some(Piece::Block(block)) = decoder.next().unwrap() else { panic!("no block") };
    assert!(block.byte_len() > 3 << 20);
    assert!(matches!(decoder.next(), Ok(Some(Piece::Statement(_)))));
    assert!(decoder.next().unwrap().is_none());
}
