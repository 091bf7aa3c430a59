//! Calls of functions whose values are constants: dates, times, durations, points, vectors and bytes, as either system writes them.

use super::lex::{Lexed, Lexer, Stop};
use super::value::Values;
use crate::cypher::literal::vector_type_name;
use crate::model::packstream::{self, VectorType, put_value};
use crate::model::temporal::{
    Date, DateTime, Duration, LocalDateTime, LocalTime, Time, ZonedDateTime, days_from_civil,
};
use crate::model::{Cursor, Map, Point, Value, ValueRef};

/// Reads a call and writes its value. The cursor stands on the function's name.
pub(super) fn value(values: Values, lexer: &mut Lexer<'_>, out: &mut Vec<u8>) -> Lexed<()> {
    let from = lexer.at();
    lexer.word()?;
    while lexer.peek()? == b'.' {
        lexer.bump();
        lexer.word()?;
    }
    let name = std::str::from_utf8(lexer.since(from)).unwrap_or_default();
    lexer.expect(b'(')?;
    let known = match lexer.peek()? {
        b'"' | b'\'' if !name.contains('.') => {
            let text = lexer.string()?;
            put_text(name, &text, out)
        }
        _ if name.eq_ignore_ascii_case("vector") => return vector(values, lexer, out),
        _ if name.eq_ignore_ascii_case("apoc.util.compress") => return bytes(values, lexer, out),
        b'{' => put_parts(name, &parts(values, lexer)?, out),
        _ => None,
    };
    known.ok_or(Stop::Unknown)?;
    lexer.expect(b')').or_else(|stop| closed(lexer, stop))
}

/// The space behind a closing bracket may be the end of the piece, which only the next token has to care for.
fn closed(lexer: &Lexer<'_>, stop: Stop) -> Lexed<()> {
    if lexer.rest().is_empty() { Err(lexer.short()) } else { Err(stop) }
}

/// `date('…')` and the like. What the text does not say in full is left to the system.
fn put_text(name: &str, text: &str, out: &mut Vec<u8>) -> Option<()> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    let value = if is("date") {
        ValueRef::Date(Date::parse(text)?)
    } else if is("localtime") {
        ValueRef::LocalTime(LocalTime::parse(text)?)
    } else if is("time") {
        ValueRef::Time(Time::parse(text)?)
    } else if is("localdatetime") {
        ValueRef::LocalDateTime(LocalDateTime::parse(text)?)
    } else if is("datetime") {
        match ZonedDateTime::parse(text) {
            Some(value) => ValueRef::ZonedDateTime(value),
            None => ValueRef::DateTime(DateTime::parse(text)?),
        }
    } else if is("duration") {
        ValueRef::Duration(Duration::parse(text)?)
    } else {
        return None;
    };
    put_value(out, &value);
    Some(())
}

/// A map of arguments; `datetime.fromepoch(s, n)` in it becomes the list of both.
fn parts(values: Values, lexer: &mut Lexer<'_>) -> Lexed<Map> {
    const EPOCH: &str = "{datetime: datetime.fromepoch(";
    if lexer.rest().starts_with(EPOCH.as_bytes()) {
        lexer.exactly(EPOCH)?;
        let mut map = Map::new();
        let seconds = argument(values, lexer)?;
        lexer.expect(b',')?;
        let nanoseconds = argument(values, lexer)?;
        map.insert("datetime".to_owned(), Value::List(vec![seconds, nanoseconds]));
        lexer.expect(b')')?;
        lexer.exactly(", timezone: ")?;
        map.insert("timezone".to_owned(), argument(values, lexer)?);
        lexer.exactly("}")?;
        return Ok(map);
    }
    match argument(values, lexer)? {
        Value::Map(map) => Ok(map),
        _ => Err(Stop::Unknown),
    }
}

/// One constant argument.
fn argument(values: Values, lexer: &mut Lexer<'_>) -> Lexed<Value> {
    let mut bytes = Vec::new();
    values.value(lexer, &mut bytes, 1)?;
    Value::read(&mut Cursor::new(&bytes)).map_err(|_| Stop::Unknown)
}

fn put_parts(name: &str, parts: &Map, out: &mut Vec<u8>) -> Option<()> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    if is("datetime") {
        date_time(parts, out)
    } else if is("duration") {
        let [months, days, seconds, nanoseconds] = whole(parts, ["months", "days", "seconds", "nanoseconds"])?;
        let nanoseconds = i32::try_from(nanoseconds).ok().filter(|part| part.unsigned_abs() < 1_000_000_000)?;
        put_value(out, &ValueRef::Duration(Duration { months, days, seconds, nanoseconds }));
        Some(())
    } else if is("time") {
        let (clock, zone) = (clock(parts)?, parts.get("timezone")?.as_str()?);
        (parts.len() == 5).then_some(())?;
        put_value(out, &ValueRef::Time(Time { nanoseconds: clock, offset: offset(zone)? }));
        Some(())
    } else if is("point") {
        point(parts, out)
    } else {
        None
    }
}

/// These integers, and nothing else than them.
fn whole<const N: usize>(parts: &Map, names: [&str; N]) -> Option<[i64; N]> {
    let mut numbers = [0; N];
    for (number, name) in numbers.iter_mut().zip(names) {
        *number = parts.get(name)?.as_integer()?;
    }
    (parts.len() == N).then_some(numbers)
}

/// Nanoseconds of the day from `hour`, `minute`, `second`, `nanosecond`.
fn clock(parts: &Map) -> Option<i64> {
    let part = |name: &str, limit: i64| parts.get(name)?.as_integer().filter(|value| (0..limit).contains(value));
    let seconds = (part("hour", 24)? * 60 + part("minute", 60)?) * 60 + part("second", 60)?;
    Some(seconds * 1_000_000_000 + part("nanosecond", 1_000_000_000)?)
}

/// The seconds of `Z`, `+hh:mm` or `+hh:mm:ss`; `None` for a named zone.
fn offset(zone: &str) -> Option<i32> {
    Time::parse(&format!("00:00{zone}")).map(|time| time.offset)
}

fn date_time(parts: &Map, out: &mut Vec<u8>) -> Option<()> {
    let zone = parts.get("timezone")?.as_str()?;
    let known_offset = offset(zone);
    let (seconds, nanoseconds) = if let Some(epoch) = parts.get("epochSeconds") {
        (parts.len() == 3).then_some(())?;
        (epoch.as_integer()?, parts.get("nanosecond")?.as_integer()?)
    } else if let Some(instant) = parts.get("datetime") {
        match instant.as_list()? {
            [seconds, nanoseconds] => (seconds.as_integer()?, nanoseconds.as_integer()?),
            _ => return None,
        }
    } else {
        (parts.len() == 8).then_some(())?;
        let part = |name: &str| parts.get(name)?.as_integer();
        let days = days_from_civil(part("year")?, part("month")?.try_into().ok()?, part("day")?.try_into().ok()?)?;
        let clock = clock(parts)?;
        let local = days.checked_mul(86_400)?.checked_add(clock / 1_000_000_000)?;
        // A named zone would need the rules of that zone: left to the system.
        (local.checked_sub(known_offset?.into())?, clock % 1_000_000_000)
    };
    let nanoseconds = u32::try_from(nanoseconds).ok().filter(|part| *part < 1_000_000_000)?;
    put_value(
        out,
        &match known_offset {
            Some(offset) => ValueRef::DateTime(DateTime { seconds, nanoseconds, offset }),
            None => ValueRef::ZonedDateTime(ZonedDateTime { seconds, nanoseconds, zone }),
        },
    );
    Some(())
}

fn point(parts: &Map, out: &mut Vec<u8>) -> Option<()> {
    let coordinate = |name: &str| match parts.get(name)? {
        Value::Float(value) => Some(*value),
        Value::Integer(value) => Some(*value as f64),
        _ => None,
    };
    let (x, y, z) = (coordinate("x")?, coordinate("y")?, coordinate("z"));
    let crs = match parts.get("crs") {
        Some(crs) => Some(crs.as_str().and_then(reference_system)?),
        None => None,
    };
    let srid = match (parts.get("srid"), z) {
        _ if crs.is_some_and(|(_, deep)| deep != z.is_some()) || crs.is_some() && parts.contains_key("srid") => {
            return None;
        }
        _ if crs.is_some() => crs?.0,
        (Some(srid), _) => i32::try_from(srid.as_integer()?).ok()?,
        (None, None) => 7203,
        (None, Some(_)) => 9157,
    };
    let expected = 2 + usize::from(z.is_some()) + usize::from(parts.contains_key("srid") || crs.is_some());
    (parts.len() == expected).then_some(())?;
    put_value(out, &ValueRef::Point(Point { srid, x, y, z }));
    Some(())
}

/// A reference system by the name that Neo4j gives it, and whether it has a third coordinate.
fn reference_system(name: &str) -> Option<(i32, bool)> {
    let known = [("wgs-84", 4326), ("wgs-84-3d", 4979), ("cartesian", 7203), ("cartesian-3d", 9157)];
    known.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)).map(|(name, srid)| (*srid, name.ends_with("3d")))
}

/// `[…], n, TYPE)`.
fn vector(values: Values, lexer: &mut Lexer<'_>, out: &mut Vec<u8>) -> Lexed<()> {
    let Value::List(members) = argument(values, lexer)? else { return Err(Stop::Unknown) };
    lexer.expect(b',')?;
    let size = argument(values, lexer)?;
    lexer.expect(b',')?;
    let name = lexer.word()?;
    let kind = VectorType::ALL.into_iter().find(|kind| vector_type_name(*kind).eq_ignore_ascii_case(name));
    let kind = kind.filter(|_| size.as_integer() == i64::try_from(members.len()).ok()).ok_or(Stop::Unknown)?;
    let mut data = Vec::with_capacity(members.len() * kind.width());
    for member in members {
        element(kind, &member, &mut data).ok_or(Stop::Unknown)?;
    }
    put_value(out, &ValueRef::Vector(kind, &data));
    lexer.expect(b')')
}

fn element(kind: VectorType, member: &Value, data: &mut Vec<u8>) -> Option<()> {
    match (kind, member) {
        (VectorType::I8, Value::Integer(value)) => data.extend(i8::try_from(*value).ok()?.to_be_bytes()),
        (VectorType::I16, Value::Integer(value)) => data.extend(i16::try_from(*value).ok()?.to_be_bytes()),
        (VectorType::I32, Value::Integer(value)) => data.extend(i32::try_from(*value).ok()?.to_be_bytes()),
        (VectorType::I64, Value::Integer(value)) => data.extend(value.to_be_bytes()),
        (VectorType::F32, Value::Float(value)) => data.extend((*value as f32).to_be_bytes()),
        (VectorType::F64, Value::Float(value)) => data.extend(value.to_be_bytes()),
        _ => return None,
    }
    Some(())
}

/// `"…", {compression: 'NONE', charset: 'ISO-8859-1'})`: each character is a byte.
fn bytes(values: Values, lexer: &mut Lexer<'_>, out: &mut Vec<u8>) -> Lexed<()> {
    let text = lexer.string()?;
    lexer.expect(b',')?;
    let Value::Map(options) = argument(values, lexer)? else { return Err(Stop::Unknown) };
    let option = |name: &str| options.get(name).and_then(Value::as_str);
    let plain = option("compression") == Some("NONE") && option("charset") == Some("ISO-8859-1") && options.len() == 2;
    let data: Option<Vec<u8>> = text.chars().map(|char| u8::try_from(char).ok()).collect();
    packstream::put_bytes(out, &data.filter(|_| plain).ok_or(Stop::Unknown)?);
    lexer.expect(b')')
}
