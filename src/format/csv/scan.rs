//! The two things that are done with nearly every byte of a file: looking for the end of a field, and reading a number. Both take eight bytes
//! at a time, since most fields are no longer than that.

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Beyond so many bytes a field is long, and one call of `memchr` pays.
const LONG: usize = 32;

/// What ends a field that is not in quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    delimiter: u8,
    pattern: u64,
}

/// The high bit of each byte that is zero. Bytes above one that is may have it too, so only the lowest counts.
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(LOW) & !word & HIGH
}

const fn repeat(byte: u8) -> u64 {
    LOW * byte as u64
}

impl Ends {
    pub(super) fn new(delimiter: u8) -> Self {
        Self { delimiter, pattern: repeat(delimiter) }
    }

    /// Where the first delimiter or line break at or behind `from` is.
    #[inline]
    pub(super) fn find(self, text: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        while let Some(chunk) = text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
            let word = u64::from_le_bytes(*chunk);
            let found = zeros(word ^ self.pattern) | zeros(word ^ repeat(b'\n')) | zeros(word ^ repeat(b'\r'));
            if found != 0 {
                return Some(at + found.trailing_zeros() as usize / 8);
            }
            at += 8;
            if at - from >= LONG {
                break;
            }
        }
        let rest = text.get(at..).unwrap_or_default();
        memchr::memchr3(self.delimiter, b'\n', b'\r', rest).map(|size| at + size)
    }
}

/// Whether text has something for which a field must stand in quotes.
#[inline]
pub(super) fn has_special(text: &[u8]) -> bool {
    let (words, rest) = text.as_chunks::<8>();
    let in_words = words.iter().any(|chunk| {
        let word = u64::from_le_bytes(*chunk);
        let found = zeros(word ^ repeat(b'"')) | zeros(word ^ repeat(b',')) | zeros(word ^ repeat(b'\n'));
        found | zeros(word ^ repeat(b'\r')) != 0
    });
    in_words || rest.iter().any(|byte| matches!(byte, b'"' | b',' | b'\n' | b'\r'))
}

/// Whether text stands in a cell for LOAD CSV as it is, and surely so: no control character, quote, comma or backslash, no blank at an end, not empty.
#[inline]
pub(super) fn is_bare(text: &[u8]) -> bool {
    let ([first, ..], [.., last]) = (text, text) else { return false };
    let odd = |word: u64| {
        let controls = word.wrapping_sub(repeat(0x20)) & !word & HIGH;
        controls | zeros(word ^ repeat(b'"')) | zeros(word ^ repeat(b',')) | zeros(word ^ repeat(b'\\'))
    };
    let (words, rest) = text.as_chunks::<8>();
    *first != b' '
        && *last != b' '
        && words.iter().all(|chunk| odd(u64::from_le_bytes(*chunk)) == 0)
        && rest.iter().all(|byte| !matches!(byte, 0..=0x1F | b'"' | b',' | b'\\'))
}

/// The integer that `text[from..to]` spells with 1 to 8 digits and nothing else; `None` says nothing about what it is.
#[inline]
fn few_digits(text: &[u8], from: usize, to: usize) -> Option<u64> {
    let size = to.checked_sub(from).filter(|size| (1..=8).contains(size))?;
    let chunk = text.get(to.checked_sub(8)?..to)?.first_chunk::<8>()?;
    // What stands before the digits becomes zeros.
    let mask = u64::MAX << (8 * (8 - size));
    let word = u64::from_le_bytes(*chunk) & mask | repeat(b'0') & !mask;
    let is_digits = (word & repeat(0xF0)) | ((word.wrapping_add(repeat(6)) & repeat(0xF0)) >> 4) == repeat(0x33);
    if !is_digits {
        return None;
    }
    let word = word & repeat(0x0F);
    let pairs = word.wrapping_mul(10).wrapping_add(word >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_FFFF_0000_FFFF;
    Some(fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xFFFF_FFFF)
}

/// The integer that `text[from..to]` spells with 1 to 16 digits, after a minus or not; `None` says nothing about what it is.
#[inline]
pub(super) fn integer(text: &[u8], from: usize, to: usize) -> Option<i64> {
    let is_negative = text.get(from) == Some(&b'-');
    let from = from + usize::from(is_negative);
    let read = match few_digits(text, from, to) {
        Some(read) => read,
        None if to.saturating_sub(from) > 8 => {
            few_digits(text, from, to - 8)? * 100_000_000 + few_digits(text, to - 8, to)?
        }
        None => return None,
    };
    let read = read as i64;
    Some(if is_negative { -read } else { read })
}

/// The number that `text[from..to]` spells with a minus or none, up to 7 digits, a point and 1 to 8 digits; `None` says nothing about what it is.
#[inline]
pub(super) fn decimal(text: &[u8], from: usize, to: usize) -> Option<f64> {
    const TENS: [f64; 9] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];
    let is_negative = text.get(from) == Some(&b'-');
    let from = from + usize::from(is_negative);
    let point = from + text.get(from..to)?.iter().take(8).position(|byte| *byte == b'.')?;
    let whole = few_digits(text, from, point)?;
    let part = few_digits(text, point + 1, to)?;
    let ten = *TENS.get(to - point - 1)?;
    // Both are whole numbers below 2^53, so that the one division rounds as it must.
    let read = (whole as f64 * ten + part as f64) / ten;
    Some(if is_negative { -read } else { read })
}

/// Writes a number with up to 6 digits behind the point and 15 in all as `ryu` does; `false` where it is none, and nothing was written.
pub(super) fn put_decimal(value: f64, out: &mut Vec<u8>) -> bool {
    const MILLION: u64 = 1_000_000;
    let size = value.abs();
    if !(1e-3..1e9).contains(&size) {
        return false;
    }
    // Two numbers of 15 digits are never the same float, so what comes back is what is shortest.
    let scaled = (size * MILLION as f64 + 0.5) as u64;
    if scaled as f64 / MILLION as f64 != size {
        return false;
    }
    if value < 0.0 {
        out.push(b'-');
    }
    out.extend_from_slice(itoa::Buffer::new().format(scaled / MILLION).as_bytes());
    let mut digits = *b".000000";
    let (mut rest, mut used) = (scaled % MILLION, 2);
    for (at, digit) in digits.iter_mut().enumerate().skip(1).rev() {
        let last = (rest % 10) as u8;
        *digit += last;
        rest /= 10;
        if last != 0 && used <= at {
            used = at + 1;
        }
    }
    out.extend_from_slice(digits.get(..used).unwrap_or_default());
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ends_are_found_wherever_they_are() {
        // Bytes that differ from an end by a borrow or by the high bit.
        let hay = b"\x0B\x0Cab\x2B\x2D\x8A\x8D\xAC\x00\xFF\x7F\x80\x0E\x09";
        for delimiter in [b',', b'\t', b'a', 0x01, 0x7F] {
            let ends = Ends::new(delimiter);
            for size in 0..80 {
                let mut text: Vec<u8> = hay.iter().cycle().copied().filter(|b| *b != delimiter).take(size).collect();
                assert_eq!(ends.find(&text, 0), None);
                for end in [delimiter, b'\n', b'\r'] {
                    text.truncate(size);
                    text.push(end);
                    text.extend_from_slice(b"\n,\r\t\x01 more of it");
                    for from in 0..=size {
                        assert_eq!(ends.find(&text, from), Some(size), "{text:?} from {from}");
                    }
                }
            }
            assert_eq!(ends.find(b"abc", 7), None);
        }
    }

    #[test]
    fn what_needs_quotes_is_seen_wherever_it_is() {
        for size in 0..40 {
            let plain: Vec<u8> = b"a!#\x0B\x0C-+\xA2\xAC\x8A\x8D\x00 ".iter().cycle().copied().take(size).collect();
            assert!(!has_special(&plain));
            for at in 0..size {
                for byte in *b"\",\n\r" {
                    let mut text = plain.clone();
                    text[at] = byte;
                    assert!(has_special(&text), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_bare_text_is_seen_wherever_it_is() {
        assert!(!is_bare(b""));
        for size in 1..40 {
            let plain: Vec<u8> =
                b"a!#-+\xA2\xAC\x8A\x8D\xDC\x9F\x7F\x80[]".iter().cycle().copied().take(size).collect();
            assert!(is_bare(&plain));
            for at in 0..size {
                for byte in (0..0x20).chain(*b"\",\\") {
                    let mut text = plain.clone();
                    text[at] = byte;
                    assert!(!is_bare(&text), "{text:?}");
                }
                let mut text = plain.clone();
                text[at] = b' ';
                assert_eq!(is_bare(&text), at > 0 && at + 1 < size);
            }
        }
    }

    #[test]
    fn integers_are_those_that_the_language_reads() {
        let mut texts: Vec<String> =
            ["", "-", "+1", "--1", " 1", "1 ", "1.", "1e3", "-0", "00", "/", ":", "1:", "0x1", "é1", "١"]
                .map(str::to_owned)
                .to_vec();
        for size in 1..20 {
            for digits in ["1234567890123456789", "9999999999999999999", "0000000000000000000", "1000000000000000000"] {
                texts.extend(["", "-"].map(|sign| format!("{sign}{}", &digits[..size])));
                for at in 0..size {
                    for other in ["/", ":", "-", "a", "\u{0}", "é"] {
                        let (head, tail) = digits[..size].split_at(at);
                        texts.push(format!("{head}{other}{tail}"));
                    }
                }
            }
        }
        for text in &texts {
            for before in ["", "12345678", "-,"] {
                let whole = format!("{before}{text}0,");
                let found = integer(whole.as_bytes(), before.len(), before.len() + text.len());
                let known = text.parse::<i64>().ok().filter(|_| text != "+1");
                assert!(found.is_none() || found == known, "{whole:?}: {found:?}");
                let digits = text.trim_start_matches('-').len();
                if before.len() == 8 && digits <= 16 {
                    assert_eq!(found, known, "{whole:?}");
                }
            }
        }
    }

    /// Numbers of every size, with every count of digits behind the point, and their neighbours.
    fn numbers() -> impl Iterator<Item = f64> {
        let mut mixed = 1_u64;
        (0..10_000).flat_map(move |at| {
            mixed = mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
            let short = (mixed >> (1 + at % 60)) as f64 / 10_f64.powi(at % 11);
            let near = [short, f64::from_bits(short.to_bits() + 1), f64::from_bits(mixed)];
            near.into_iter().flat_map(|value| [value, -value])
        })
    }

    #[test]
    fn decimals_are_written_as_they_are_everywhere() {
        let ends = [0.0, -0.0, 1e-3, 9.99e-4, 1e9, 999_999_999.999_999, 0.1, 1.0, 100.0, 0.3, f64::NAN, f64::INFINITY];
        let mut written = 0;
        for value in numbers().chain(ends) {
            let mut out = b"x".to_vec();
            if put_decimal(value, &mut out) {
                written += 1;
                assert_eq!(String::from_utf8(out).unwrap(), format!("x{}", ryu::Buffer::new().format_finite(value)));
            } else {
                assert_eq!(out, b"x");
            }
        }
        assert!(written > 5_000, "{written}");
    }

    #[test]
    fn decimals_are_read_as_the_language_reads_them() {
        let mut read = 0;
        let mut holds = |text: &str| {
            for before in ["", "12345678,", "x,"] {
                let whole = format!("{before}{text},9.5");
                let Some(found) = decimal(whole.as_bytes(), before.len(), before.len() + text.len()) else { continue };
                assert_eq!(Some(found.to_bits()), text.parse::<f64>().ok().map(f64::to_bits), "{whole}");
                read += 1;
            }
        };
        for value in numbers() {
            holds(ryu::Buffer::new().format(value));
            holds(&format!("{value:.3}"));
            holds(&format!("{value:.8}"));
        }
        for text in [
            "0.0",
            "-0.0",
            "-.5",
            ".5",
            "5.",
            "1.5e3",
            "1.-5",
            "--1.5",
            "1.2.3",
            "0000000.00000001",
            "9999999.99999999",
        ] {
            holds(text);
        }
        assert!(read > 5_000, "{read}");
    }
}
