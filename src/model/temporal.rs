//! Dates, times, instants and durations, and their ISO 8601 texts.
//!
//! The calendar is the proleptic Gregorian one with a year 0, as in ISO 8601 and in the servers. Years beyond 0..=9999 are written with a
//! sign and at least four digits. Fractions of a second are written with as many of 9 digits as are needed, and not at all when
//! zero. No time zone data is used here: an instant with a named zone is written as its instant in UTC and the name, which no change of
//! the rules of a zone can alter.

/// A date: days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// Days since 1970-01-01, negative before.
    pub days: i64,
}

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// Nanoseconds since midnight.
    pub nanoseconds: i64,
}

/// A time of day with an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// Nanoseconds since midnight, local.
    pub nanoseconds: i64,
    /// Seconds east of UTC.
    pub offset: i32,
}

/// A date and time without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalDateTime {
    /// Seconds since 1970-01-01T00:00:00, local.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanoseconds: u32,
}

/// An instant with an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanoseconds: u32,
    /// Seconds east of UTC.
    pub offset: i32,
}

/// An instant with a named zone. The instant decides; two instants in a daylight-saving overlap differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZonedDateTime<'a> {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanoseconds: u32,
    /// The zone's name, such as `Europe/Stockholm`.
    pub zone: &'a str,
}

/// A duration. The four parts are kept apart: a month has no fixed number of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duration {
    /// Months.
    pub months: i64,
    /// Days.
    pub days: i64,
    /// Seconds.
    pub seconds: i64,
    /// Nanoseconds, of either sign, within one second.
    pub nanoseconds: i32,
}

const DAY: i64 = 86_400;
const NANOS: i64 = 1_000_000_000;

/// Year, month and day of a day number. The years of i64 days do not fit i64 days back; those of the servers do.
#[must_use]
pub fn civil_from_days(days: i64) -> (i64, u8, u8) {
    // Eras of 400 years (146,097 days) from 0000-03-01; months counted from March, so that the leap day comes last.
    let shifted = i128::from(days) + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i128::from(month <= 2);
    (year as i64, month as u8, day as u8)
}

/// The day number of a date, if there is such a date and it fits.
#[must_use]
pub fn days_from_civil(year: i64, month: u8, day: u8) -> Option<i64> {
    if !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
        return None;
    }
    let year = i128::from(year) - i128::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month = i128::from(month);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + i128::from(day) - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    i64::try_from(era * 146_097 + of_era - 719_468).ok()
}

fn days_in_month(year: i64, month: u8) -> u8 {
    match month {
        2 if year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn put_two(out: &mut Vec<u8>, value: u8) {
    out.extend_from_slice(&[b'0' + value / 10, b'0' + value % 10]);
}

fn put_date(out: &mut Vec<u8>, days: i64) {
    let (year, month, day) = civil_from_days(days);
    if (0..=9999).contains(&year) {
        put_two(out, (year / 100) as u8);
        put_two(out, (year % 100) as u8);
    } else {
        out.push(if year < 0 { b'-' } else { b'+' });
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(year.unsigned_abs());
        out.extend(std::iter::repeat_n(b'0', 4_usize.saturating_sub(digits.len())));
        out.extend_from_slice(digits.as_bytes());
    }
    out.push(b'-');
    put_two(out, month);
    out.push(b'-');
    put_two(out, day);
}

fn put_clock(out: &mut Vec<u8>, second_of_day: i64, nanoseconds: u32) {
    put_two(out, (second_of_day / 3600) as u8);
    out.push(b':');
    put_two(out, (second_of_day / 60 % 60) as u8);
    out.push(b':');
    put_two(out, (second_of_day % 60) as u8);
    if nanoseconds > 0 {
        let mut digits = [b'0'; 9];
        let mut rest = nanoseconds;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        let used = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
        out.push(b'.');
        out.extend_from_slice(digits.get(..used).unwrap_or_default());
    }
}

/// Writes an offset: `Z` for zero, else `+hh:mm` or `+hh:mm:ss`.
pub fn put_offset(out: &mut Vec<u8>, offset: i32) {
    if offset == 0 {
        out.push(b'Z');
        return;
    }
    out.push(if offset < 0 { b'-' } else { b'+' });
    let offset = offset.unsigned_abs();
    put_two(out, (offset / 3600) as u8);
    out.push(b':');
    put_two(out, (offset / 60 % 60) as u8);
    if !offset.is_multiple_of(60) {
        out.push(b':');
        put_two(out, (offset % 60) as u8);
    }
}

fn put_local(out: &mut Vec<u8>, seconds: i64, nanoseconds: u32) {
    put_date(out, seconds.div_euclid(DAY));
    out.push(b'T');
    put_clock(out, seconds.rem_euclid(DAY), nanoseconds);
}

impl Date {
    /// Writes `2024-02-29`.
    pub fn put(self, out: &mut Vec<u8>) {
        put_date(out, self.days);
    }

    /// Reads what [`Date::put`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader(text.as_bytes());
        let days = reader.date()?;
        reader.end(Self { days })
    }
}

impl LocalTime {
    /// Writes `23:59:59.999999999`.
    pub fn put(self, out: &mut Vec<u8>) {
        put_clock(out, self.nanoseconds.div_euclid(NANOS), self.nanoseconds.rem_euclid(NANOS) as u32);
    }

    /// Reads what [`LocalTime::put`] writes; seconds may be missing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader(text.as_bytes());
        let nanoseconds = reader.clock()?;
        reader.end(Self { nanoseconds })
    }
}

impl Time {
    /// Writes `12:34:56.000000001+05:30`.
    pub fn put(self, out: &mut Vec<u8>) {
        LocalTime { nanoseconds: self.nanoseconds }.put(out);
        put_offset(out, self.offset);
    }

    /// Reads what [`Time::put`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader(text.as_bytes());
        let nanoseconds = reader.clock()?;
        let offset = reader.offset()?;
        reader.end(Self { nanoseconds, offset })
    }
}

impl LocalDateTime {
    /// Writes `2024-02-29T23:59:59.123456789`.
    pub fn put(self, out: &mut Vec<u8>) {
        put_local(out, self.seconds, self.nanoseconds);
    }

    /// Reads what [`LocalDateTime::put`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader(text.as_bytes());
        let (seconds, nanoseconds) = reader.local()?;
        reader.end(Self { seconds, nanoseconds })
    }
}

impl DateTime {
    /// Writes the local date-time and the offset: `2024-02-29T23:59:59.123456789+01:00`.
    pub fn put(self, out: &mut Vec<u8>) {
        put_local(out, self.seconds.saturating_add(i64::from(self.offset)), self.nanoseconds);
        put_offset(out, self.offset);
    }

    /// Reads what [`DateTime::put`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader(text.as_bytes());
        let (local, nanoseconds) = reader.local()?;
        let offset = reader.offset()?;
        let seconds = local.checked_sub(i64::from(offset))?;
        reader.end(Self { seconds, nanoseconds, offset })
    }
}

impl ZonedDateTime<'_> {
    /// Writes the instant in UTC and the zone: `2024-10-27T01:30:00Z[Europe/Stockholm]`.
    pub fn put(self, out: &mut Vec<u8>) {
        put_local(out, self.seconds, self.nanoseconds);
        out.extend_from_slice(b"Z[");
        out.extend_from_slice(self.zone.as_bytes());
        out.push(b']');
    }
}

impl<'a> ZonedDateTime<'a> {
    /// Reads what [`ZonedDateTime::put`] writes; another offset than `Z` before the zone is taken as the offset of the local time.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (instant, zone) = text.strip_suffix(']')?.split_once('[')?;
        let DateTime { seconds, nanoseconds, .. } = DateTime::parse(instant)?;
        Some(Self { seconds, nanoseconds, zone })
    }
}

impl Duration {
    /// Whether it is what Memgraph makes of a number of microseconds: whole days, and less than a day of the same sign. It keeps that number
    /// alone, so that `PT36H` comes back as `P1DT12H`.
    #[must_use]
    pub fn is_microseconds_cut_into_days(self) -> bool {
        let rest = i128::from(self.seconds) * i128::from(NANOS) + i128::from(self.nanoseconds);
        let whole = i128::from(DAY) * i128::from(NANOS);
        self.months == 0
            && rest % 1000 == 0
            && rest.abs() < whole
            && (rest == 0 || self.days == 0 || (rest < 0) == (self.days < 0))
    }

    /// Writes an ISO duration with all four parts: `P14M3DT5S`, `P0M0DT-0.000000001S`.
    pub fn put(self, out: &mut Vec<u8>) {
        let mut buffer = itoa::Buffer::new();
        out.push(b'P');
        out.extend_from_slice(buffer.format(self.months).as_bytes());
        out.push(b'M');
        out.extend_from_slice(buffer.format(self.days).as_bytes());
        out.extend_from_slice(b"DT");
        let total = i128::from(self.seconds) * i128::from(NANOS) + i128::from(self.nanoseconds);
        if total < 0 {
            out.push(b'-');
        }
        let (seconds, nanoseconds) = (total.unsigned_abs() / NANOS as u128, total.unsigned_abs() % NANOS as u128);
        out.extend_from_slice(buffer.format(seconds).as_bytes());
        if nanoseconds > 0 {
            out.extend_from_slice(format!(".{nanoseconds:09}").trim_end_matches('0').as_bytes());
        }
        out.push(b'S');
    }

    /// Reads an ISO duration: years to seconds, weeks, signs on any part or before the `P`, a fraction on the seconds. A date-like
    /// `P0001-02-03T04:05:06` is not read.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, text) = match text.as_bytes().first()? {
            b'-' => (-1, text.get(1..)?),
            b'+' => (1, text.get(1..)?),
            _ => (1, text),
        };
        let (date, clock) = match text.strip_prefix('P')?.split_once('T') {
            Some((date, clock)) if !clock.is_empty() => (date, clock),
            Some(_) => return None,
            None => (text.strip_prefix('P')?, ""),
        };
        if date.is_empty() && clock.is_empty() {
            return None;
        }
        let (mut months, mut days, mut nanoseconds) = (0_i128, 0_i128, 0_i128);
        for (amount, fraction, unit) in parts(date)? {
            if fraction != 0 {
                return None;
            }
            match unit {
                'Y' => months += amount * 12,
                'M' => months += amount,
                'W' => days += amount * 7,
                'D' => days += amount,
                _ => return None,
            }
        }
        for (amount, fraction, unit) in parts(clock)? {
            let scale = match unit {
                'H' => 3600,
                'M' => 60,
                'S' => 1,
                _ => return None,
            };
            if fraction != 0 && scale != 1 {
                return None;
            }
            nanoseconds += amount * scale * i128::from(NANOS) + fraction;
        }
        nanoseconds *= sign;
        Some(Self {
            months: i64::try_from(months * sign).ok()?,
            days: i64::try_from(days * sign).ok()?,
            seconds: i64::try_from(nanoseconds.div_euclid(i128::from(NANOS))).ok()?,
            nanoseconds: i32::try_from(nanoseconds.rem_euclid(i128::from(NANOS))).ok()?,
        })
    }
}

/// The parts of a duration: amount, fraction in nanoseconds with the amount's sign, unit.
fn parts(text: &str) -> Option<Vec<(i128, i128, char)>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, tail) = rest.split_at_checked(end)?;
        let unit = tail.chars().next()?;
        rest = tail.get(1..)?;
        let (whole, fraction) = number.split_once(['.', ',']).unwrap_or((number, ""));
        let negative = whole.starts_with('-');
        if fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) || number.ends_with('.') {
            return None;
        }
        let nanos: i128 = if fraction.is_empty() { 0 } else { format!("{fraction:0<9}").parse().ok()? };
        let amount = whole.parse::<i64>().ok()?;
        parts.push((i128::from(amount), if negative { -nanos } else { nanos }, unit));
    }
    Some(parts)
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn end<T>(&self, value: T) -> Option<T> {
        self.0.is_empty().then_some(value)
    }

    fn take(&mut self, expected: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        (*first == expected).then_some(())
    }

    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    fn two(&mut self) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(2)?;
        self.0 = rest;
        match digits {
            [a @ b'0'..=b'9', b @ b'0'..=b'9'] => Some(i64::from((a - b'0') * 10 + (b - b'0'))),
            _ => None,
        }
    }

    fn date(&mut self) -> Option<i64> {
        let signed = matches!(self.peek()?, b'+' | b'-');
        let sign_size = usize::from(signed);
        let digits = self.0.get(sign_size..)?.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits < 4 || digits > if signed { 18 } else { 4 } {
            return None;
        }
        let (year, rest) = self.0.split_at_checked(sign_size + digits)?;
        self.0 = rest;
        let year: i64 = std::str::from_utf8(year).ok()?.parse().ok()?;
        self.take(b'-')?;
        let month = self.two()? as u8;
        self.take(b'-')?;
        let day = self.two()? as u8;
        days_from_civil(year, month, day)
    }

    /// Nanoseconds of the day.
    fn clock(&mut self) -> Option<i64> {
        let hour = self.two()?;
        self.take(b':')?;
        let minute = self.two()?;
        let mut second = 0;
        let mut nanoseconds = 0;
        if self.peek() == Some(b':') {
            self.take(b':')?;
            second = self.two()?;
            if matches!(self.peek(), Some(b'.' | b',')) {
                self.0 = self.0.get(1..)?;
                let digits = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
                if !(1..=9).contains(&digits) {
                    return None;
                }
                for at in 0..9 {
                    let digit = if at < digits { i64::from(self.0.get(at)? - b'0') } else { 0 };
                    nanoseconds = nanoseconds * 10 + digit;
                }
                self.0 = self.0.get(digits..)?;
            }
        }
        (hour < 24 && minute < 60 && second < 60).then(|| ((hour * 60 + minute) * 60 + second) * NANOS + nanoseconds)
    }

    fn local(&mut self) -> Option<(i64, u32)> {
        let days = self.date()?;
        self.take(b'T')?;
        let nanoseconds = self.clock()?;
        let seconds = days.checked_mul(DAY)?.checked_add(nanoseconds / NANOS)?;
        Some((seconds, u32::try_from(nanoseconds % NANOS).ok()?))
    }

    fn offset(&mut self) -> Option<i32> {
        let sign = match self.peek()? {
            b'Z' => {
                self.take(b'Z')?;
                return Some(0);
            }
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.0 = self.0.get(1..)?;
        let hours = self.two()?;
        let mut seconds = hours * 3600;
        if self.peek() == Some(b':') {
            self.take(b':')?;
        }
        if self.peek().is_some_and(|b| b.is_ascii_digit()) {
            seconds += self.two()? * 60;
            if self.peek() == Some(b':') {
                self.take(b':')?;
                seconds += self.two()?;
            }
        }
        i32::try_from(sign * seconds).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(put: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        put(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn dates_of_every_era() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (19_782, "2024-02-29"),
            (-735_525, "-0044-03-15"),
            (365_241_780_471, "+999999999-12-31"),
            (-365_243_219_162, "-999999999-01-01"),
            (-719_528, "0000-01-01"),
            (2_932_897, "+10000-01-01"),
        ] {
            assert_eq!(text(|out| Date { days }.put(out)), expected);
            assert_eq!(Date::parse(expected), Some(Date { days }));
        }
        assert_eq!(Date::parse("2023-02-29"), None);
        assert_eq!(Date::parse("2024-13-01"), None);
        assert_eq!(Date::parse("2024-01-01x"), None);
    }

    #[test]
    fn times_and_instants() {
        let time = Time { nanoseconds: 45_296_000_000_001, offset: 19_800 };
        assert_eq!(text(|out| time.put(out)), "12:34:56.000000001+05:30");
        assert_eq!(Time::parse("12:34:56.000000001+05:30"), Some(time));
        let odd = DateTime { seconds: -1, nanoseconds: 500_000_000, offset: -18_030 };
        assert_eq!(text(|out| odd.put(out)), "1969-12-31T18:59:29.5-05:00:30");
        assert_eq!(DateTime::parse("1969-12-31T18:59:29.5-05:00:30"), Some(odd));
        let zoned = ZonedDateTime { seconds: 1_729_992_600, nanoseconds: 0, zone: "Europe/Stockholm" };
        assert_eq!(text(|out| zoned.put(out)), "2024-10-27T01:30:00Z[Europe/Stockholm]");
        assert_eq!(ZonedDateTime::parse("2024-10-27T01:30:00Z[Europe/Stockholm]"), Some(zoned));
        assert_eq!(ZonedDateTime::parse("2024-10-27T02:30:00+01:00[Europe/Stockholm]"), Some(zoned));
    }

    #[test]
    fn durations() {
        let minus = Duration { months: 0, days: 0, seconds: -1, nanoseconds: 999_999_999 };
        assert_eq!(text(|out| minus.put(out)), "P0M0DT-0.000000001S");
        assert_eq!(Duration::parse("P0M0DT-0.000000001S"), Some(minus));
        assert_eq!(
            Duration::parse("P1Y2M3W4DT5H6M7.000000008S"),
            Some(Duration { months: 14, days: 25, seconds: 18_367, nanoseconds: 8 })
        );
        assert_eq!(
            Duration::parse("P-1DT0H0M-6.010011S").map(|d| (d.days, d.seconds, d.nanoseconds)),
            Some((-1, -7, 989_989_000))
        );
        assert_eq!(Duration::parse("P"), None);
        assert_eq!(Duration::parse("P1DT"), None);
    }
}
