//! Points and their coordinate reference systems.

/// A point of two or three dimensions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The reference system: 4326 (WGS 84), 4979 (WGS 84 with height), 7203 (Cartesian), 9157 (Cartesian 3D), or one that
    /// we do not know and carry as it is.
    pub srid: i32,
    /// x, or longitude in degrees.
    pub x: f64,
    /// y, or latitude in degrees.
    pub y: f64,
    /// z, or height in metres.
    pub z: Option<f64>,
}
