//! What single rows of the lists become. Whole answers of a server are in `tests/memgraph/memgraph_source.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

fn row(pairs: &[(&str, Value)]) -> Row {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn list(names: &[&str]) -> Value {
    Value::List(names.iter().map(|name| (*name).into()).collect())
}

fn index(kind: &str, label: Value, property: Value) -> Row {
    row(&[("index type", kind.into()), ("label", label), ("property", property)])
}

fn shown(version: (u32, u32), indexes: Vec<Row>) -> Shown {
    let none = Vec::new;
    let (vectors, constraints, enums, triggers, descriptions) = (none(), none(), none(), none(), none());
    Shown { version, indexes, vectors, constraints, enums, triggers, descriptions }
}

fn only(shown: &Shown) -> Found {
    let mut found = shown.objects().unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

#[test]
fn old_servers_have_one_property_as_a_text() {
    let shown = shown((2, 12), vec![index("label+property", "A".into(), "a.b".into())]);
    let found = only(&shown);
    let SchemaObject::Index(index) = found.object else { panic!("no index") };
    assert_eq!(
        (index.kind, index.labels, index.properties),
        (IndexKind::Range, vec!["A".to_owned()], vec!["a.b".to_owned()])
    );
    // Paths came with 3.3: before, a dot is a dot.
    assert_eq!(found.doubt, None);
}

#[test]
fn a_dot_can_be_read_in_several_ways() {
    let paths = |properties: &[&str]| {
        let properties: Vec<String> = properties.iter().map(|name| (*name).to_owned()).collect();
        readings(&properties).iter().map(|config| config.get("paths").cloned()).collect::<Vec<_>>()
    };
    let path = |paths: &[&[&str]]| Some(Value::List(paths.iter().map(|steps| list(steps)).collect()));
    assert_eq!(paths(&["a"]), [None]);
    assert_eq!(paths(&["a.b"]), [None, path(&[&["a", "b"]])]);
    assert_eq!(
        paths(&["x", "a.b.c"]),
        [None, path(&[&["x"], &["a", "b.c"]]), path(&[&["x"], &["a.b", "c"]]), path(&[&["x"], &["a", "b", "c"]]),]
    );
    assert!(paths(&["a.b.c.d.e.f.g.h.i", "j.k.l"]).len() <= 64);
    for (version, doubts) in [((3, 2), 0), ((3, 6), 2), ((3, 10), 2)] {
        let found = only(&shown(version, vec![index("label+property", "A".into(), list(&["a.b"]))]));
        let among = match found.doubt {
            Some(Doubt::Among(among)) => among.len(),
            _ => 0,
        };
        assert_eq!(among, doubts, "{version:?}");
    }
}

#[test]
fn what_is_not_known_is_never_left_out() {
    for (wrong, expected) in [
        (
            index("label+property+more", "A".into(), "a".into()),
            "the server has an index of the kind \"label+property+more\", which is not known here",
        ),
        (
            index("label", Value::Null, Value::Null),
            "the server's list of its schema has no \"label\" of the form that is known",
        ),
        (
            index("point", "A".into(), 1.into()),
            "the server's list of its schema has no \"property\" of the form that is known",
        ),
        (row(&[]), "the server's list of its schema has no \"index type\" of the form that is known"),
        (
            index("label+property_vector", "A".into(), "v".into()),
            "SHOW INDEX INFO tells of a vector index on A(v), and SHOW VECTOR INDEX INFO of no vector index there",
        ),
    ] {
        assert_eq!(shown((3, 6), vec![wrong]).objects().unwrap_err().to_string(), expected);
    }
    let mut other = shown((3, 6), Vec::new());
    other.constraints = vec![row(&[("constraint type", "key".into())])];
    let error = other.objects().unwrap_err().to_string();
    assert_eq!(error, "the server has a constraint of the kind \"key\", which is not known here");
}

#[test]
fn a_time_to_live_is_suspected_by_its_index() {
    let indexes = vec![index("label+property", "TTL".into(), list(&["ttl"]))];
    for (version, asks, hides) in [((2, 20), false, true), ((3, 6), true, false), ((3, 12), true, false)] {
        let shown = shown(version, indexes.clone());
        assert_eq!((shown.has_doubts_of_its_own(), shown.may_hide_ttl()), (asks, hides), "{version:?}");
    }
    assert!(!shown((3, 6), Vec::new()).has_doubts_of_its_own());
}

#[test]
fn triggers_from_3_8_on_say_with_whose_rights_they_run() {
    let plain = [
        ("trigger name", Value::from("t")),
        ("statement", "RETURN 1".into()),
        ("event type", "ANY".into()),
        ("phase", "AFTER COMMIT".into()),
    ];
    let found = |version, security: Option<&str>| {
        let mut row = row(&plain);
        if let Some(security) = security {
            row.insert("privilege context".to_owned(), security.into());
        }
        trigger::found(&row, version).unwrap()
    };
    assert_eq!(found((3, 6), None).doubt, None);
    assert_eq!(found((3, 8), None).doubt, Some(Doubt::Security));
    let told = found((3, 8), Some("definer"));
    let SchemaObject::Trigger(trigger) = told.object else { panic!("no trigger") };
    assert_eq!((told.doubt, trigger.selector.get("security")), (None, Some(&Value::from("DEFINER"))));
    assert_eq!(trigger.selector.get("event"), None);
}
