//! Finding the bytes of a string that need care, eight at a time.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The high bit of every byte that is zero. Bytes above the lowest such one may be told wrongly; only the lowest is used.
#[inline]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGH
}

/// The bytes that end a plain run in JSON text: quote, backslash, and control characters, which JSON forbids.
#[inline]
fn ends(word: u64) -> u64 {
    let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
    zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\'))) | control
}

/// The bytes that end a clean run in text to be written: beside those, DEL, and the first byte of U+0080 to U+00BF.
#[inline]
fn escapes(word: u64) -> u64 {
    ends(word) | zeros(word ^ (ONES * 0x7F)) | zeros(word ^ (ONES * 0xC2))
}

#[inline]
fn run(bytes: &[u8], find: impl Fn(u64) -> u64) -> usize {
    let mut at = 0;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let found = find(u64::from_le_bytes(*word));
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let mut last = [b' '; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    let found = find(u64::from_le_bytes(last));
    if found != 0 { at + (found.trailing_zeros() / 8) as usize } else { bytes.len() }
}

/// How many bytes from the start stand for themselves in JSON text.
#[inline]
pub(super) fn plain(bytes: &[u8]) -> usize {
    run(bytes, ends)
}

/// How many bytes from the start can be written into a JSON string as they are.
#[inline]
pub(super) fn clean(bytes: &[u8]) -> usize {
    run(bytes, escapes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place() {
        for byte in 0..=255_u8 {
            for at in 0..20 {
                for filler in [b'a', 0xFF, b'!', b'#', b'[', b']', 0x80, 0x20, 0x7E] {
                    let mut bytes = [filler; 20];
                    bytes[at] = byte;
                    let ends = byte < 0x20 || byte == b'"' || byte == b'\\';
                    assert_eq!(plain(&bytes), if ends { at } else { 20 }, "{byte:#x} at {at}");
                    let escapes = ends || byte == 0x7F || byte == 0xC2;
                    assert_eq!(clean(&bytes), if escapes { at } else { 20 }, "{byte:#x} at {at}");
                }
            }
        }
        assert_eq!((plain(b""), clean(b"")), (0, 0));
    }
}
