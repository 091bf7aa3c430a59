//! The time zone of a server, and the text of its dates.

use crate::error::{Error, Result};
use crate::model::temporal::days_from_civil;
use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone};
use std::fmt;

/// How a DATE is written, in strftime's words.
const FORMAT: &str = "%Y-%m-%d %H:%M:%S.%3f";

/// The first day of the Gregorian calendar.
const GREGORIAN: civil::DateTime = civil::datetime(1582, 10, 15, 0, 0, 0, 0);

/// Milliseconds.
const DAY: i64 = 86_400_000;

/// 1900-01-01 in UTC, in milliseconds: what Java's older calendar knows of a zone's history begins here.
const KNOWN: i64 = -2_208_988_800_000;

/// The time zone of a server: its dates are local to it, and say so nowhere.
///
/// Servers write dates with Java's older calendar. To it an instant before 1900 has the standard time of today, whatever clocks said then: `1843-03-31 11:53:20` in New
/// York is 5 hours behind UTC, not 4:56:02.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone {
    rules: TimeZone,
    /// Milliseconds from UTC at all times, where there are no other rules.
    fixed: Option<i64>,
    /// Milliseconds from UTC to the zone's standard time of today.
    standard: i64,
}

impl fmt::Debug for Zone {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.name())
    }
}

impl Zone {
    /// UTC.
    #[must_use]
    pub fn utc() -> Self {
        Self::of(TimeZone::UTC)
    }

    fn of(rules: TimeZone) -> Self {
        // The least of a year: what rules call standard in summer, as Ireland's do, is to Java not the standard.
        let year = (0..37).filter_map(|part| jiff::Timestamp::from_second(2_114_380_800 + part * 864_000).ok());
        let standard = year.map(|at| rules.to_offset(at).seconds()).min().unwrap_or_default();
        let fixed = rules.to_fixed_offset().ok().map(|offset| i64::from(offset.seconds()) * 1000);
        Self { rules, fixed, standard: i64::from(standard) * 1000 }
    }

    /// A zone by its name in the IANA database, or an offset such as `+05:30`.
    ///
    /// # Errors
    /// There is no such zone.
    pub fn named(name: &str) -> Result<Self> {
        if matches!(name, "Z" | "UTC" | "GMT" | "Etc/UTC") {
            return Ok(Self::utc());
        }
        let offset = || jiff::fmt::strtime::parse("%:z", name).ok()?.offset().map(TimeZone::fixed);
        match offset() {
            Some(zone) => Ok(Self::of(zone)),
            None => TimeZone::get(name).map(Self::of).map_err(|cause| {
                Error::usage(format!("{name:?} is no time zone"))
                    .hint("give a name such as Europe/Stockholm, or an offset such as +02:00")
                    .caused_by(cause)
            }),
        }
    }

    /// Its name, or its offset.
    #[must_use]
    pub fn name(&self) -> String {
        match (self.rules.iana_name(), self.rules.to_fixed_offset()) {
            (Some(name), _) => name.to_owned(),
            (None, Ok(offset)) => offset.to_string(),
            (None, Err(_)) => "UTC".to_owned(),
        }
    }

    /// The instant that a DATE's text means, in milliseconds since 1970, and whether it could be another as well: it lies in the hour that comes twice when
    /// clocks are set back. The earlier of the two is given then.
    ///
    /// Servers write days before 1582-10-15 by the Julian calendar, and years above 9999 with more digits. (They read the former by the Gregorian one: text
    /// does not come back as it was, so we write [numbers](Self::text).)
    ///
    /// # Errors
    /// It is no such text, or no instant has it.
    pub fn instant(&self, text: &str) -> Result<(i64, bool)> {
        let wrong = || Error::corrupt(format!("{text:?} is no date such as \"2024-02-29 23:59:59.123\""));
        let (days, milliseconds) = local(text).ok_or_else(wrong)?;
        let naive = days.checked_mul(DAY).and_then(|day| day.checked_add(milliseconds)).ok_or_else(wrong)?;
        let old = naive.checked_sub(self.standard).ok_or_else(wrong)?;
        let new = self.by_rules(naive);
        match (old < KNOWN, new) {
            (true, new) => Ok((old, new.is_some_and(|(new, _)| new >= KNOWN))),
            (false, Some((new, is_twice))) if new >= KNOWN => Ok((new, is_twice)),
            (false, _) => Err(Error::corrupt(format!("there is no {text} in the zone {}", self.name()))
                .hint("the dates are from a server with another time zone: say which it is")),
        }
    }

    /// The instant that has a local time by the zone's rules, and whether another has it as well; `None` where clocks pass over it.
    fn by_rules(&self, naive: i64) -> Option<(i64, bool)> {
        if let Some(offset) = self.fixed {
            return Some((naive.checked_sub(offset)?, false));
        }
        // Beyond the years that the zones' rules know, and where no rule changes any more.
        let Ok(wall) = jiff::Timestamp::from_millisecond(naive) else {
            let offset = self.rules.to_offset(jiff::Timestamp::MAX).seconds();
            return Some((naive.checked_sub(i64::from(offset) * 1000)?, false));
        };
        let ambiguous = self.rules.to_ambiguous_timestamp(TimeZone::UTC.to_datetime(wall));
        match ambiguous.offset() {
            AmbiguousOffset::Gap { .. } => None,
            offset => {
                let is_twice = matches!(offset, AmbiguousOffset::Fold { .. });
                Some((ambiguous.earlier().ok()?.as_millisecond(), is_twice))
            }
        }
    }

    /// The text of an instant, in milliseconds since 1970; `None` if a server in this zone would read another instant from it, or none: before 1582-10-15, after
    /// the year 9999, the second time in an hour that comes twice. A number of milliseconds is taken always.
    #[must_use]
    pub fn text(&self, milliseconds: i64) -> Option<String> {
        let instant = |milliseconds| jiff::Timestamp::from_millisecond(milliseconds).ok();
        let local = if milliseconds < KNOWN {
            TimeZone::UTC.to_datetime(instant(milliseconds.checked_add(self.standard)?)?)
        } else {
            self.rules.to_datetime(instant(milliseconds)?)
        };
        if local < GREGORIAN {
            return None;
        }
        let text = local.strftime(FORMAT).to_string();
        self.instant(&text).is_ok_and(|(again, _)| again == milliseconds).then_some(text)
    }
}

/// Days since 1970 and milliseconds of the day that a text says.
fn local(text: &str) -> Option<(i64, i64)> {
    let (year, month, day, time) = usual(text).or_else(|| unusual(text))?;
    let days = if (year, month, day) < (1582, 10, 15) {
        julian_days(year, month, day)
    } else {
        days_from_civil(year, month as u8, day as u8)?
    };
    Some((days, time))
}

/// Year, month, day and milliseconds of the day of a text that has a digit where [`FORMAT`] has one, for four digits of a year.
fn usual(text: &str) -> Option<(i64, i64, i64, i64)> {
    let bytes: &[u8; 23] = text.as_bytes().try_into().ok()?;
    let is_as_written = std::iter::zip(bytes, b"0000-00-00 00:00:00.000");
    let mut is_as_written =
        is_as_written.map(|(byte, form)| if *form == b'0' { byte.is_ascii_digit() } else { byte == form });
    if !is_as_written.all(|is| is) {
        return None;
    }
    let number =
        |from: usize, to: usize| bytes[from..to].iter().fold(0, |all, digit| all * 10 + i64::from(digit - b'0'));
    from_parts(
        [number(0, 4), number(5, 7), number(8, 10)],
        [number(11, 13), number(14, 16), number(17, 19), number(20, 23)],
    )
}

fn from_parts(
    [year, month, day]: [i64; 3],
    [hour, minute, second, millisecond]: [i64; 4],
) -> Option<(i64, i64, i64, i64)> {
    let is_one = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 60;
    is_one.then_some((year, month, day, ((hour * 60 + minute) * 60 + second) * 1000 + millisecond))
}

/// The same of any text.
fn unusual(text: &str) -> Option<(i64, i64, i64, i64)> {
    let (date, time) = text.trim().split_once(' ')?;
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i64>().ok())?;
    let mut parts = date.split('-').map(number);
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = clock.split(':').map(number);
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if fraction.len() > 3 {
        return None;
    }
    let millisecond = number(&format!("{fraction:0<3}"))?;
    from_parts([year, month, day], [hour, minute, second, millisecond])
}

/// Days since 1970 of a day in the Julian calendar: every fourth year is a leap year.
fn julian_days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the leap day is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    // 1970-01-01 by the Gregorian calendar is 719,470 days after the first of March of the year 0 by the Julian.
    year.div_euclid(4) * 1461 + year.rem_euclid(4) * 365 + (153 * month + 2) / 5 + day - 1 - 719_470
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// What Java 17 printed (SimpleDateFormat), with which servers write.
    #[test]
    fn before_1900_a_zone_has_the_standard_time_of_today() {
        for (zone, old, last, first) in [
            ("America/New_York", "1843-03-31 11:53:20.000", "1899-12-31 18:59:59.999", "1899-12-31 19:00:00.000"),
            ("Asia/Kolkata", "1843-03-31 22:23:20.000", "1900-01-01 05:29:59.999", "1900-01-01 05:21:10.000"),
            ("Asia/Shanghai", "1843-04-01 00:53:20.000", "1900-01-01 07:59:59.999", "1900-01-01 08:05:43.000"),
            ("Europe/Dublin", "1843-03-31 16:53:20.000", "1899-12-31 23:59:59.999", "1899-12-31 23:34:39.000"),
            ("Africa/Casablanca", "1843-03-31 16:53:20.000", "1899-12-31 23:59:59.999", "1899-12-31 23:29:40.000"),
            ("Pacific/Apia", "1843-04-01 05:53:20.000", "1900-01-01 12:59:59.999", "1899-12-31 12:33:04.000"),
        ] {
            let zone = Zone::named(zone).unwrap();
            assert_eq!(zone.instant(old).unwrap(), (-4_000_000_000_000, false), "{zone:?}");
            assert_eq!(zone.text(-4_000_000_000_000).as_deref(), Some(old), "{zone:?}");
            assert_eq!(zone.instant(last).unwrap().0, KNOWN - 1, "{zone:?}");
            // Where the clock goes back on that day, a text is two instants, and the first is taken.
            let (found, is_twice) = zone.instant(first).unwrap();
            assert!(found == KNOWN || (is_twice && found < KNOWN), "{zone:?} {found}");
        }
        assert!(Zone::named("Asia/Kolkata").unwrap().instant("1900-01-01 05:25:00.000").unwrap().1);
        assert!(Zone::named("Asia/Shanghai").unwrap().instant("1900-01-01 08:02:00.000").is_err());
        let new_york = Zone::named("America/New_York").unwrap();
        assert_eq!(new_york.instant("1582-10-04 19:00:00.000").unwrap(), (-12_219_292_800_000, false));
    }

    #[test]
    fn zones_are_minded() {
        let zone = Zone::named("America/New_York").unwrap();
        assert_eq!(zone.instant("2024-06-01 04:00:00.000").unwrap(), (1_717_228_800_000, false));
        assert_eq!(zone.text(1_717_228_800_000).as_deref(), Some("2024-06-01 04:00:00.000"));
        let (first, is_twice) = zone.instant("2024-11-03 01:30:00.000").unwrap();
        assert!(is_twice);
        assert_eq!(zone.text(first + 3_600_000), None);
        assert!(zone.instant("2024-03-10 02:30:00.000").is_err());
        assert_eq!(Zone::named("+05:30").unwrap().instant("1970-01-01 05:30:00.001").unwrap(), (1, false));
        assert!(Zone::named("Nowhere/Nothing").is_err());
    }

    #[test]
    fn the_usual_form_is_read_like_any_other() {
        for text in
            ["2024-02-29 23:59:59.999", "0001-01-01 00:00:00.000", "9999-12-31 00:00:00.001", "1582-10-15 07:08:09.010"]
        {
            assert_eq!(usual(text).unwrap(), unusual(text).unwrap(), "{text}");
        }
        for text in
            ["2024-13-01 00:00:00.000", "2024-01-32 00:00:00.000", "2024-01-01 24:00:00.000", "2024-00-01 00:60:00.000"]
        {
            assert_eq!((usual(text), unusual(text)), (None, None), "{text}");
        }
        for text in
            ["2024-01-01 00:00:00.00", "10000-01-01 00:00:00.0", "2024-01-01T00:00:00.000", "２24-01-01 00:00:00.000"]
        {
            assert_eq!(usual(text), None, "{text}");
        }
    }

    /// What a real server answered for dates that it was given as numbers.
    #[test]
    fn old_and_far_dates_are_read_as_servers_write_them() {
        let utc = Zone::utc();
        for (text, milliseconds) in [
            ("1970-01-01 00:00:00.000", 0),
            ("1582-10-15 00:00:00.000", -12_219_292_800_000),
            ("1582-10-04 23:59:59.999", -12_219_292_800_001),
            ("10000-01-01 00:00:00.000", 253_402_300_800_000),
            ("292278994-08-17 07:12:55.807", i64::MAX),
        ] {
            assert_eq!(utc.instant(text).unwrap(), (milliseconds, false), "{text}");
        }
        assert_eq!(utc.text(-12_219_292_800_001), None);
        assert_eq!(utc.text(-12_219_292_800_000).as_deref(), Some("1582-10-15 00:00:00.000"));
        assert_eq!(utc.text(253_402_300_800_000), None);
        for text in [
            "2024-02-29",
            "2024-13-01 00:00:00.000",
            "x",
            "2024-01-01 00:00:00.0000",
            "-1-01-01 00:00:00.000",
            "2023-02-29 00:00:00.000",
        ] {
            assert!(utc.instant(text).is_err(), "{text}");
        }
    }
}
