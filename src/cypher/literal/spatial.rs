//! Points.

use super::super::Dialect;
use super::float;
use crate::error::{Error, Result};
use crate::model::Point;

/// Writes a point. Both systems know four reference systems; Neo4j would bend longitudes into range and refuse latitudes.
pub(super) fn point(dialect: Dialect, point: Point, out: &mut Vec<u8>) -> Result<()> {
    let Point { srid, x, y, z } = point;
    let known = match srid {
        4326 | 7203 => z.is_none(),
        4979 | 9157 => z.is_some(),
        _ => false,
    };
    if !known {
        let dimensions = if z.is_some() { 3 } else { 2 };
        return Err(refuse(dialect, format_args!("{dimensions} dimensions in the reference system {srid}")));
    }
    if dialect == Dialect::Neo4j {
        if !(x.is_finite() && y.is_finite() && z.is_none_or(f64::is_finite)) {
            return Err(refuse(dialect, format_args!("NaN or infinite coordinates")));
        }
        if matches!(srid, 4326 | 4979) && !((-180.0..=180.0).contains(&x) && (-90.0..=90.0).contains(&y)) {
            return Err(refuse(dialect, format_args!("longitude {x} and latitude {y}")));
        }
    }
    let [head, and_y, and_z, and_srid, tail] = match dialect {
        Dialect::Memgraph => ["POINT({ x:", ", y:", ", z:", ", srid: ", " })"],
        Dialect::Neo4j => ["point({x: ", ", y: ", ", z: ", ", srid: ", "})"],
    };
    out.extend_from_slice(head.as_bytes());
    float(dialect, x, out)?;
    out.extend_from_slice(and_y.as_bytes());
    float(dialect, y, out)?;
    if let Some(z) = z {
        out.extend_from_slice(and_z.as_bytes());
        float(dialect, z, out)?;
    }
    out.extend_from_slice(and_srid.as_bytes());
    super::integer(i64::from(srid), out);
    out.extend_from_slice(tail.as_bytes());
    Ok(())
}

fn refuse(dialect: Dialect, what: std::fmt::Arguments<'_>) -> Error {
    Error::refused(format!("{} cannot hold a point with {what}", dialect.product()))
}
