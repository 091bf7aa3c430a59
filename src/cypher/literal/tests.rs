#![allow(clippy::unwrap_used)]
use super::*;
use crate::model::temporal::{Date, DateTime, Duration, LocalDateTime, LocalTime, Time};
use crate::model::{Point, Value};

fn text(dialect: Dialect, value: &Value) -> String {
    let bytes = value.to_packstream();
    let mut out = Vec::new();
    match property(dialect, &mut Cursor::new(&bytes), &mut out) {
        Ok(()) => String::from_utf8(out).unwrap(),
        Err(error) => {
            assert_eq!(error.kind(), crate::ErrorKind::Refused);
            format!("! {}", error.message())
        }
    }
}

fn zoned(seconds: i64, zone: &str) -> Value {
    Value::ZonedDateTime { seconds, nanoseconds: 0, zone: zone.into() }
}

fn duration(months: i64, days: i64, seconds: i64, nanoseconds: i32) -> Value {
    Value::Duration(Duration { months, days, seconds, nanoseconds })
}

#[test]
fn values_as_both_systems_read_them() {
    let table: Vec<(Value, &str, &str)> = vec![
        (Value::from(i64::MIN), "-9223372036854775808", "(-9223372036854775807 - 1)"),
        (Value::from(i64::MAX), "9223372036854775807", "9223372036854775807"),
        (Value::from(1.0), "1.0", "1.0"),
        (Value::from(-0.0), "-0.0", "-0.0"),
        (Value::from(1e17), "1e17", "1e17"),
        (Value::from(5e-324), "5e-324", "5e-324"),
        // Memgraph 3.6.2 on x86 made the NaN with its sign set of 0.0/0.0.
        (Value::from(f64::from_bits(0x7FF8 << 48)), "(0.0/0.0)", "(-(0.0/0.0))"),
        (Value::from(f64::from_bits(0xFFF8 << 48)), "(-(0.0/0.0))", "(0.0/0.0)"),
        (Value::from(f64::NEG_INFINITY), "(-1.0/0.0)", "(-1.0/0.0)"),
        (
            Value::from(f64::from_bits(0x7FF8_0000_0000_0001)),
            "! a NaN with the bits 7FF8000000000001 has no form in Cypher",
            "! a NaN with the bits 7FF8000000000001 has no form in Cypher",
        ),
        (
            Value::from("it's \"\\u0022\"\n\0é🧊"),
            r#""it's \"\\u0022\"\n\u0000\u00E9\uD83E\uDDCA""#,
            r#""it\'s \"\\u0022\"\n\u0000é🧊""#,
        ),
        (
            Value::Bytes(vec![0, b'a', b'"', b'\\', 255]),
            r#"apoc.util.compress("\u0000a\"\\\u00FF", {compression: 'NONE', charset: 'ISO-8859-1'})"#,
            "! Memgraph cannot hold bytes",
        ),
        (
            Value::List(vec![Value::Null, Value::from(1_i64)]),
            "! Neo4j cannot store a list with null in it",
            "[Null, 1]",
        ),
        (
            Value::List(vec![Value::from(1_i64), Value::from(2.5)]),
            "! Neo4j cannot store a list whose members differ in type",
            "[1, 2.5]",
        ),
        (
            Value::Map(std::iter::once(("a`b".to_owned(), Value::from(true))).collect()),
            "! Neo4j cannot store a map as a property",
            "{`a``b`: true}",
        ),
        (
            Value::Enum("My Enum::Good".into()),
            "! Neo4j cannot hold the enum value \"My Enum::Good\"",
            "`My Enum`::Good",
        ),
        (
            Value::Structure(0x3F, vec![]),
            "! a structure with tag 0x3F has no form in Cypher",
            "! a structure with tag 0x3F has no form in Cypher",
        ),
        (Value::Date(Date { days: 19_782 }), "date('2024-02-29')", "DATE(\"2024-02-29\")"),
        (Value::Date(Date { days: 2_932_897 }), "date('+10000-01-01')", "! Memgraph cannot hold the year 10000"),
        (
            Value::LocalTime(LocalTime { nanoseconds: 1_000 }),
            "localtime('00:00:00.000001')",
            "LOCALTIME(\"00:00:00.000001\")",
        ),
        (
            Value::LocalTime(LocalTime { nanoseconds: 1 }),
            "localtime('00:00:00.000000001')",
            "! Memgraph cannot hold nanoseconds: it counts microseconds",
        ),
        (
            Value::Time(Time { nanoseconds: 43_200_000_000_001, offset: 19_815 }),
            "time({hour: 12, minute: 0, second: 0, nanosecond: 1, timezone: '+05:30:15'})",
            "! Memgraph cannot hold a time of day with an offset",
        ),
        (
            Value::LocalDateTime(LocalDateTime { seconds: -1, nanoseconds: 0 }),
            "localdatetime('1969-12-31T23:59:59')",
            "LOCALDATETIME(\"1969-12-31T23:59:59.000000\")",
        ),
        (
            Value::DateTime(DateTime { seconds: 0, nanoseconds: 5_000, offset: 7200 }),
            "datetime({epochSeconds: 0, nanosecond: 5000, timezone: '+02:00'})",
            "DATETIME(\"1970-01-01T02:00:00.000005+02:00\")",
        ),
        (
            Value::DateTime(DateTime { seconds: 31_556_889_832_845_599, nanoseconds: 999_999_999, offset: -64_800 }),
            "datetime({year: 999999999, month: 12, day: 31, hour: 23, minute: 59, second: 59, nanosecond: 999999999, \
             timezone: '-18:00'})",
            "! Memgraph cannot hold the year 999999999",
        ),
        (
            zoned(1_729_989_000, "Europe/Stockholm"),
            "datetime({epochSeconds: 1729989000, nanosecond: 0, timezone: \"Europe/Stockholm\"})",
            "DATETIME(\"2024-10-27T02:30:00.000000+02:00[Europe/Stockholm]\")",
        ),
        (
            zoned(1_729_992_600, "Europe/Stockholm"),
            "datetime({epochSeconds: 1729992600, nanosecond: 0, timezone: \"Europe/Stockholm\"})",
            "DATETIME(\"2024-10-27T02:30:00.000000+01:00[Europe/Stockholm]\")",
        ),
        (
            zoned(31_556_889_000_000_000, "Asia/Tokyo"),
            "datetime({datetime: datetime.fromepoch(31556889000000000, 0), timezone: \"Asia/Tokyo\"})",
            "! Memgraph cannot hold the year 999999973",
        ),
        (
            zoned(0, "Mars/Olympus\"})"),
            "datetime({epochSeconds: 0, nanosecond: 0, timezone: \"Mars/Olympus\\\"})\"})",
            "! no offset is known for the time zone \"Mars/Olympus\\\"})\" at this instant",
        ),
        (
            zoned(0, "+01:00"),
            "! Neo4j cannot hold a time zone of the name \"+01:00\"",
            "! Memgraph cannot hold a time zone of the name \"+01:00\"",
        ),
        (
            duration(14, 3, -1, 999_999_999),
            "duration({months: 14, days: 3, seconds: -1, nanoseconds: 999999999})",
            "! Memgraph cannot hold months in a duration: it counts days and microseconds",
        ),
        (
            duration(0, -1, -7, 989_989_000),
            "duration({months: 0, days: -1, seconds: -7, nanoseconds: 989989000})",
            "DURATION(\"P-1DT0H0M-6.010011S\")",
        ),
        (
            duration(0, 0, 86_400, 0),
            "duration({months: 0, days: 0, seconds: 86400, nanoseconds: 0})",
            "! Memgraph cannot keep the days of a duration apart from its hours",
        ),
        (
            duration(0, 1, -1, 0),
            "duration({months: 0, days: 1, seconds: -1, nanoseconds: 0})",
            "! Memgraph cannot keep the days of a duration apart from its hours",
        ),
        (
            duration(0, 3, 14_706, 10_011_000),
            "duration({months: 0, days: 3, seconds: 14706, nanoseconds: 10011000})",
            "DURATION(\"P3DT4H5M6.010011S\")",
        ),
        (
            Value::Point(Point { srid: 9157, x: 1.0, y: -2.0, z: Some(0.1) }),
            "point({x: 1.0, y: -2.0, z: 0.1, srid: 9157})",
            "POINT({ x:1.0, y:-2.0, z:0.1, srid: 9157 })",
        ),
        (
            Value::Point(Point { srid: 4326, x: 200.0, y: 0.0, z: None }),
            "! Neo4j cannot hold a point with longitude 200 and latitude 0",
            "POINT({ x:200.0, y:0.0, srid: 4326 })",
        ),
        (
            Value::Vector(VectorType::F32, [1.0_f32, 0.1].iter().flat_map(|x| x.to_be_bytes()).collect()),
            "vector([1.0, 0.10000000149011612], 2, FLOAT32)",
            "! Memgraph cannot hold a vector: it keeps them as lists",
        ),
        (
            Value::Vector(VectorType::I16, vec![0xFF, 0xFE, 0x01, 0x00]),
            "vector([-2, 256], 2, INTEGER16)",
            "! Memgraph cannot hold a vector: it keeps them as lists",
        ),
    ];
    for (value, neo4j, memgraph) in table {
        assert_eq!(text(Dialect::Neo4j, &value), neo4j);
        assert_eq!(text(Dialect::Memgraph, &value), memgraph);
    }
}
