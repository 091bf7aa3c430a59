//! The file as others see it.

use crate::{fresh, map, nodes, put, relationships, sqlite3};
use graphferry::backend::Once;
use graphferry::backend::sqlite::{open_source, open_target};
use graphferry::model::temporal::{Date, DateTime, Duration};
use graphferry::model::{Class, Map, Point, Value};

/// The date of this year, month and day.
fn date(text: &str) -> Value {
    Value::Date(Date::parse(text).unwrap())
}

/// Every example of docs/embedded-store.md, run on the graph that it describes.
#[test]
fn the_documented_queries_work() {
    let (_folder, path) = fresh();
    let mut target = open_target(&path).unwrap();
    let ada = map([("name", "Ada".into()), ("born", date("1815-12-10")), ("score", 1.0.into())]);
    let languages = Value::List(vec!["COBOL".into()]);
    let grace = map([("name", "Grace".into()), ("born", date("1906-12-09")), ("langs", languages)]);
    assert_eq!(put(&*target, &nodes(&["Person", "Engineer"], [ada])).unwrap(), [1]);
    assert_eq!(put(&*target, &nodes(&["Person"], [grace])).unwrap(), [2]);
    assert_eq!(put(&*target, &nodes(&[], [map([("note", "no labels".into())])])).unwrap(), [3]);
    let links = relationships("INSPIRED", [(1, 2, map([("since", 1843.into())])), (2, 2, map([]))]);
    target.session().unwrap().relationships(&links, Once::Always, None).unwrap();
    let constraint =
        r#"{"constraint":{"name":"person_name","kind":"unique","on":"node","label":"Person","properties":["name"]}}"#;
    target.apply(&serde_json::from_str(constraint).unwrap()).unwrap();
    target.settle().unwrap();

    let page = include_str!("../../docs/embedded-store.md");
    let mut tried = 0;
    for (at, _) in page.match_indices("```sql\n") {
        let rest = &page[at + 7..];
        let (sql, rest) = rest.split_once("\n```\n").unwrap();
        let expected = match rest.trim_start().strip_prefix("```text\n") {
            Some(expected) => expected.split_once("\n```\n").unwrap().0,
            None => "",
        };
        assert_eq!(sqlite3(&path, sql), expected, "{sql}");
        tried += 1;
    }
    assert!(tried >= 9, "{tried} examples");
    // The index that the page has made is in nobody's way.
    let more = relationships("INSPIRED", [(1, 1, map([]))]);
    assert_eq!(target.session().unwrap().relationships(&more, Once::Always, None).unwrap(), 1);
}

/// Values of every type as SQLite's own JSON functions see them.
#[test]
fn the_witness_reads_every_type() {
    let moment = DateTime { seconds: 1_729_989_000, nanoseconds: 5, offset: 7200 };
    let zoned = Value::ZonedDateTime { seconds: 1_729_992_600, nanoseconds: 0, zone: "Europe/Stockholm".into() };
    let duration = Duration { months: 1, days: -2, seconds: 3, nanoseconds: 4 };
    let point = Point { srid: 4326, x: 12.5, y: -0.0, z: None };
    let nested = Map::from_iter([("$x".to_owned(), Value::from("y"))]);
    let table: [(&str, Value, &str); 18] = [
        ("small", i64::MIN.into(), "integer|-9223372036854775808"),
        ("great", i64::MAX.into(), "integer|9223372036854775807"),
        ("one", 1.into(), "integer|1"),
        ("one.0", 1.0.into(), "float|1.0"),
        // The shell prints both zeros alike; the stored text below does not.
        ("minus", (-0.0).into(), "float|0.0"),
        ("nan", f64::NAN.into(), "float|NaN"),
        ("yes", true.into(), "boolean|1"),
        ("no", false.into(), "boolean|0"),
        ("text", "a\"b'c\\\té".into(), "string|a\"b'c\\\té"),
        (
            "list",
            Value::List(vec![1.into(), Value::Null, date("2024-02-29")]),
            r#"list|[1,null,{"$date":"2024-02-29"}]"#,
        ),
        ("bytes", Value::Bytes(vec![0, 255]), "bytes|AP8="),
        ("date", date("2024-02-29"), "date|2024-02-29"),
        ("moment", Value::DateTime(moment), "dateTime|2024-10-27T02:30:00.000000005+02:00"),
        ("zoned", zoned, "dateTime|2024-10-27T01:30:00Z[Europe/Stockholm]"),
        ("duration", Value::Duration(duration), "duration|[1,-2,3,4]"),
        ("point", Value::Point(point), r#"point|{"srid":4326,"x":12.5,"y":-0.0}"#),
        ("$map", Value::Map(nested), r#"map|{"$x":"y"}"#),
        ("plain", Value::Map(map([("a", 1.into()), ("b", 2.into())])), r#"map|{"a":1,"b":2}"#),
    ];
    let (_folder, path) = fresh();
    let properties: Map = table.iter().map(|(key, value, _)| ((*key).to_owned(), value.clone())).collect();
    let target = open_target(&path).unwrap();
    put(&*target, &nodes(&["A"], [properties.clone()])).unwrap();
    target.session().unwrap().relationships(&relationships("R", [(1, 1, properties)]), Once::Always, None).unwrap();
    assert_eq!(sqlite3(&path, "SELECT json_valid(properties), typeof(properties) FROM nodes"), "1|text");
    assert_eq!(sqlite3(&path, "SELECT count(*) FROM nodes WHERE properties LIKE '%\"minus\":-0.0,%'"), "1");
    for view in ["node_properties", "relationship_properties"] {
        let rows = sqlite3(&path, &format!("SELECT key, type, value FROM {view}"));
        let expected: Vec<_> = table.iter().map(|(key, _, said)| format!("{key}|{said}")).collect();
        assert_eq!(rows.lines().collect::<Vec<_>>(), expected, "{view}");
    }
}

/// Names that break naive readers, NUL among them, are where SQL finds them.
#[test]
fn hostile_names_are_found() {
    let (_folder, path) = fresh();
    let target = open_target(&path).unwrap();
    let hostile = "a'b\"c`d\\\n\u{0}e";
    let ids = put(&*target, &nodes(&[hostile], [map([(hostile, 1.into())])])).unwrap();
    let links = relationships(hostile, [(ids[0], ids[0], map([(hostile, 2.into())]))]);
    target.session().unwrap().relationships(&links, Once::Always, None).unwrap();
    let hex: String = hostile.bytes().map(|byte| format!("{byte:02X}")).collect();
    for sql in [
        "SELECT hex(name) FROM types",
        "SELECT hex(name) FROM property_keys",
        "SELECT hex(label) FROM node_labels",
        "SELECT hex(key) FROM node_properties",
    ] {
        // SQLite's JSON functions end a text at its first NUL.
        let found = sqlite3(&path, sql);
        let wanted = if sql.contains("node_") { hex.split("00").next().unwrap() } else { &hex };
        assert!(found == wanted || found == hex, "{sql}: {found}");
    }
}

/// A graph written with SQL alone is a graph.
#[test]
fn what_the_shell_writes_can_be_dumped() {
    let (_folder, path) = fresh();
    drop(open_target(&path).unwrap());
    sqlite3(
        &path,
        r#"INSERT INTO label_sets VALUES (1, '["Person", "Admin"]'), (2, '[]');
           INSERT INTO types VALUES (1, 'KNOWS');
           INSERT INTO nodes VALUES (10, 1, '{"name": "Ada", "born": {"$date": "1815-12-10"}}'), (20, 2, '{}');
           INSERT INTO relationships VALUES (5, 1, 10, 20, '{ "since" : 1843 }');"#,
    );
    let mut graph = crate::support::Graph::default();
    let mut source = open_source(&path).unwrap();
    let mut snapshot = source.snapshot(None).unwrap();
    for class in [Class::Nodes, Class::Relationships] {
        snapshot
            .scan(class, &mut |block| {
                graph.add(&block);
                Ok(())
            })
            .unwrap();
    }
    let ada = map([("name", "Ada".into()), ("born", date("1815-12-10"))]);
    assert_eq!(graph.nodes, [(10, vec!["Person".into(), "Admin".into()], ada), (20, vec![], map([]))]);
    assert_eq!(graph.relationships, [(5, 10, 20, "KNOWS".into(), map([("since", 1843.into())]))]);
    assert_eq!(snapshot.estimate().unwrap(), Some((11, 1)), "an upper bound where there are gaps");
}
