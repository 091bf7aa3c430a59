//! The one writer of values: PackStream in, Cypher expressions out, with nothing allocated on the way.
//!
//! | value | Neo4j | Memgraph |
//! |---|---|---|
//! | integer | decimal | decimal; the smallest as `(-9223372036854775807 - 1)` |
//! | float | shortest digits that read back exactly, always with `.` or `e` | the same, never with `e+` |
//! | NaN, infinities | `(0.0/0.0)`, `(1.0/0.0)`, `(-1.0/0.0)`; with the other sign `(-(0.0/0.0))` | the same, the two NaNs swapped |
//! | string | double quotes, ASCII alone, the rest as `\uXXXX` | double quotes, control characters escaped |
//! | bytes | `apoc.util.compress("…", {compression: 'NONE', charset: 'ISO-8859-1'})` | refused |
//! | enum value | refused | `Name::Value` |
//! | vector | `vector([…], n, FLOAT32)`, Cypher 25 | refused |
//!
//! Neo4j itself has no function that makes bytes: replaying them needs APOC core on the server; our own reader needs nothing.
//! Dates, times and durations are written in `literal/temporal.rs`, points in `literal/spatial.rs`.

mod spatial;
mod temporal;
mod text;

use super::{Dialect, name};
use crate::error::{Error, Result};
use crate::model::packstream::{self, MAX_DEPTH, VectorType};
use crate::model::temporal::DateTime;
use crate::model::{Cursor, ValueRef};

pub use text::string;

/// Writes the value at the cursor as an expression.
///
/// # Errors
/// The system cannot hold it; or the bytes are not well formed.
pub fn value(dialect: Dialect, cursor: &mut Cursor<'_>, out: &mut Vec<u8>) -> Result<()> {
    put(dialect, cursor, 0, out)
}

/// Writes the value at the cursor as an expression for a property: Neo4j stores no maps, and only lists of one type without null.
///
/// # Errors
/// The system cannot store it; or the bytes are not well formed.
#[inline]
pub fn property(dialect: Dialect, cursor: &mut Cursor<'_>, out: &mut Vec<u8>) -> Result<()> {
    if dialect == Dialect::Neo4j {
        let mut ahead = *cursor;
        match ahead.value()? {
            ValueRef::Map(_) => return Err(cannot(dialect, "store a map as a property")),
            ValueRef::List(size) => storable(dialect, &mut ahead, size)?,
            _ => {}
        }
    }
    put(dialect, cursor, 0, out)
}

/// Whether Neo4j can store a list of these members without changing one: `[1, 2.5]` would become `[1.0, 2.5]`.
fn storable(dialect: Dialect, members: &mut Cursor<'_>, size: usize) -> Result<()> {
    let mut first = None;
    for _ in 0..size {
        let member = members.value()?;
        // An instant with an offset and one with a named zone are one type to Neo4j.
        let kind = match member {
            ValueRef::ZonedDateTime(_) => {
                std::mem::discriminant(&ValueRef::DateTime(DateTime { seconds: 0, nanoseconds: 0, offset: 0 }))
            }
            _ => std::mem::discriminant(&member),
        };
        if *first.get_or_insert(kind) != kind {
            return Err(cannot(dialect, "store a list whose members differ in type"));
        }
        match member {
            ValueRef::Null | ValueRef::List(_) | ValueRef::Map(_) | ValueRef::Bytes(_) | ValueRef::Vector(..) => {
                return Err(cannot(dialect, &format!("store a list with {} in it", member.name())));
            }
            ValueRef::Structure(tag, _) => return Err(structure(tag)),
            _ => {}
        }
    }
    Ok(())
}

fn put(dialect: Dialect, cursor: &mut Cursor<'_>, depth: usize, out: &mut Vec<u8>) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(packstream::too_deep());
    }
    match cursor.value()? {
        ValueRef::Null => out.extend_from_slice(match dialect {
            Dialect::Memgraph => b"Null",
            Dialect::Neo4j => b"null",
        }),
        ValueRef::Boolean(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        ValueRef::Integer(i64::MIN) if dialect == Dialect::Memgraph => {
            out.extend_from_slice(b"(-9223372036854775807 - 1)");
        }
        ValueRef::Integer(value) => integer(value, out),
        ValueRef::Float(value) => float(dialect, value, out)?,
        ValueRef::String(value) => string(dialect, value, out),
        ValueRef::List(size) => {
            out.push(b'[');
            for at in 0..size {
                if at > 0 {
                    out.extend_from_slice(b", ");
                }
                put(dialect, cursor, depth + 1, out)?;
            }
            out.push(b']');
        }
        ValueRef::Map(size) => {
            out.push(b'{');
            for at in 0..size {
                if at > 0 {
                    out.extend_from_slice(b", ");
                }
                name::put(dialect, cursor.string()?, out)?;
                out.extend_from_slice(b": ");
                put(dialect, cursor, depth + 1, out)?;
            }
            out.push(b'}');
        }
        ValueRef::Bytes(value) => match dialect {
            Dialect::Neo4j => text::bytes(value, out),
            Dialect::Memgraph => return Err(cannot(dialect, "hold bytes")),
        },
        ValueRef::Date(value) => temporal::date(dialect, value, out)?,
        ValueRef::LocalTime(value) => temporal::local_time(dialect, value, out)?,
        ValueRef::Time(value) => temporal::time(dialect, value, out)?,
        ValueRef::LocalDateTime(value) => temporal::local_date_time(dialect, value, out)?,
        ValueRef::DateTime(value) => temporal::date_time(dialect, value, out)?,
        ValueRef::ZonedDateTime(value) => temporal::zoned(dialect, value, out)?,
        ValueRef::Duration(value) => temporal::duration(dialect, value, out)?,
        ValueRef::Point(value) => spatial::point(dialect, value, out)?,
        ValueRef::Vector(kind, data) => match dialect {
            Dialect::Neo4j => vector(kind, data, out)?,
            Dialect::Memgraph => return Err(cannot(dialect, "hold a vector: it keeps them as lists")),
        },
        ValueRef::Enum(value) => enumerated(dialect, value, out)?,
        ValueRef::Structure(tag, _) => return Err(structure(tag)),
    }
    Ok(())
}

fn cannot(dialect: Dialect, what: &str) -> Error {
    Error::refused(format!("{} cannot {what}", dialect.product()))
}

fn structure(tag: u8) -> Error {
    Error::refused(format!("a structure with tag {tag:#04X} has no form in Cypher"))
}

/// Writes an integer as Neo4j reads every one; Memgraph has no literal for the smallest.
pub fn integer(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// The bits of the NaN that `0.0/0.0` is: on Neo4j the one without a sign, on Memgraph the one that x86 processors make, which has it set.
#[must_use]
pub fn computed_nan(dialect: Dialect) -> f64 {
    f64::from_bits(match dialect {
        Dialect::Neo4j => 0x7FF8_0000_0000_0000,
        Dialect::Memgraph => 0xFFF8_0000_0000_0000,
    })
}

/// Writes a float so that it reads back with the same bits.
fn float(dialect: Dialect, value: f64, out: &mut Vec<u8>) -> Result<()> {
    if value.is_finite() {
        out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
        return Ok(());
    }
    out.extend_from_slice(match value.to_bits() {
        0x7FF0_0000_0000_0000 => b"(1.0/0.0)",
        0xFFF0_0000_0000_0000 => b"(-1.0/0.0)",
        bits if bits == computed_nan(dialect).to_bits() => b"(0.0/0.0)",
        0x7FF8_0000_0000_0000 | 0xFFF8_0000_0000_0000 => b"(-(0.0/0.0))",
        bits => {
            return Err(Error::refused(format!("a NaN with the bits {bits:016X} has no form in Cypher")));
        }
    });
    Ok(())
}

fn enumerated(dialect: Dialect, value: &str, out: &mut Vec<u8>) -> Result<()> {
    let (Dialect::Memgraph, Some((kind, member))) = (dialect, value.split_once("::")) else {
        return Err(cannot(dialect, &format!("hold the enum value {value:?}")));
    };
    name::put_bare(dialect, kind, out)?;
    out.extend_from_slice(b"::");
    name::put_bare(dialect, member, out)
}

fn vector(kind: VectorType, data: &[u8], out: &mut Vec<u8>) -> Result<()> {
    out.extend_from_slice(b"vector([");
    let width = kind.width();
    for (at, element) in data.chunks_exact(width).enumerate() {
        if at > 0 {
            out.extend_from_slice(b", ");
        }
        let bits = element.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let number = match kind {
            VectorType::I8 => Ok(i64::from(bits as i8)),
            VectorType::I16 => Ok(i64::from(bits as i16)),
            VectorType::I32 => Ok(i64::from(bits as i32)),
            VectorType::I64 => Ok(bits as i64),
            // Written as the 64-bit float that it equals: shorter digits would be rounded twice by the server.
            VectorType::F32 => Err(f64::from(f32::from_bits(bits as u32))),
            VectorType::F64 => Err(f64::from_bits(bits)),
        };
        match number {
            Ok(number) => integer(number, out),
            Err(number) if number.is_finite() => float(Dialect::Neo4j, number, out)?,
            Err(number) => return Err(Error::refused(format!("Neo4j cannot hold {number} in a vector"))),
        }
    }
    out.extend_from_slice(b"], ");
    integer((data.len() / width) as i64, out);
    out.extend_from_slice(b", ");
    out.extend_from_slice(vector_type_name(kind).as_bytes());
    out.push(b')');
    Ok(())
}

/// The name of an element type in `vector(…)`.
#[must_use]
pub fn vector_type_name(kind: VectorType) -> &'static str {
    match kind {
        VectorType::I8 => "INTEGER8",
        VectorType::I16 => "INTEGER16",
        VectorType::I32 => "INTEGER32",
        VectorType::I64 => "INTEGER64",
        VectorType::F32 => "FLOAT32",
        VectorType::F64 => "FLOAT64",
    }
}

#[cfg(test)]
mod tests;
