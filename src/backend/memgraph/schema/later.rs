//! The answers of versions that nothing was recorded of, in the form that the product's public source gives them.

#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::backend::memgraph::settle::settle;
use crate::cypher::{Dialect, schema};

fn row(columns: &[&str], values: &[Value]) -> Row {
    columns.iter().map(|column| (*column).to_owned()).zip(values.iter().cloned()).collect()
}

fn list(names: &[&str]) -> Value {
    Value::List(names.iter().map(|name| Value::from(*name)).collect())
}

fn shown(version: (u32, u32), indexes: &[(&str, Value, Value)]) -> Shown {
    let row = |(kind, label, property): &(&str, Value, Value)| {
        row(&["index type", "label", "property"], &[Value::from(*kind), label.clone(), property.clone()])
    };
    let indexes = indexes.iter().map(row).collect();
    let (vectors, constraints, enums, triggers) = Default::default();
    Shown { version, indexes, vectors, constraints, enums, triggers, descriptions: Vec::new() }
}

fn statements(objects: &[SchemaObject]) -> Vec<String> {
    objects.iter().flat_map(|object| schema::create(Dialect::Memgraph, object).unwrap()).collect()
}

#[test]
fn indexes_of_later_versions() {
    let shown = shown(
        (3, 13),
        &[
            ("label+property", "L".into(), list(&["p", "q"])),
            ("label+property (DESC)", "L".into(), list(&["p"])),
            ("vertex-property", Value::Null, "p".into()),
        ],
    );
    let found = shown.objects().unwrap();
    assert!(found.iter().all(|found| found.doubt.is_none()), "nothing has to be looked up: {found:?}");
    assert!(!shown.has_doubts_of_its_own());
    let objects: Vec<_> = found.into_iter().map(|found| found.object).collect();
    let expected = [
        "CREATE INDEX ON :`L`(`p`, `q`)",
        "CREATE INDEX ON :`L`(`p`) WITH CONFIG {\"order\": \"DESC\"}",
        "CREATE GLOBAL INDEX ON :(`p`)",
    ];
    assert_eq!(statements(&objects), expected);
}

#[test]
fn a_descending_index_with_a_dot_is_settled_by_its_statement() {
    let shown = shown((3, 12), &[("label+property (DESC)", "L".into(), list(&["a.b"]))]);
    let line = "CREATE INDEX ON :`L`(`a`.`b`) WITH CONFIG {\"order\": \"DESC\"}";
    let settled = settle(shown.objects().unwrap(), &[line.to_owned()]).unwrap();
    assert_eq!(statements(&settled), [line]);
}

#[test]
fn vector_indexes_say_their_labels_as_filters() {
    for (version, filter, line) in [
        ((3, 12), ":A", "CREATE VECTOR INDEX `v` ON :`A`(`p`)"),
        ((3, 12), ":A|B`c", "CREATE VECTOR INDEX `v` ON :`A`|`B``c`(`p`)"),
        ((3, 12), ":A&B", "CREATE VECTOR INDEX `v` ON :`A`&`B`(`p`)"),
        ((3, 12), ":A|B", "CREATE VECTOR INDEX `v` ON :`A|B`(`p`)"),
        ((3, 12), "*", "CREATE VECTOR INDEX `v` ON (`p`)"),
        ((3, 9), "A|B", "CREATE VECTOR INDEX `v` ON :`A|B`(`p`)"),
    ] {
        let line = format!(
            "{line} WITH CONFIG {{ \"dimension\": 2, \"metric\": \"l2sq\", \"capacity\": 10, \"resize_coefficient\": 2, \
             \"scalar_kind\": \"f32\" }}"
        );
        let mut shown = shown(version, &[("label+property_vector", filter.into(), "p".into())]);
        let columns = ["index_name", "label", "property", "dimension", "metric", "scalar_kind", "index_type"];
        let values = [
            "v".into(),
            filter.into(),
            "p".into(),
            2.into(),
            "l2sq".into(),
            "f32".into(),
            "label+property_vector".into(),
        ];
        shown.vectors = vec![row(&columns, &values)];
        let settled = settle(shown.objects().unwrap(), std::slice::from_ref(&line)).unwrap();
        assert_eq!(statements(&settled), [line]);
    }
}

#[test]
fn triggers_say_with_whose_rights_they_run() {
    let columns = ["trigger name", "statement", "privilege context", "event type", "phase", "owner"];
    let values = ["t".into(), "RETURN 1".into(), "DEFINER".into(), "ANY".into(), "AFTER COMMIT".into(), Value::Null];
    let mut shown = shown((3, 8), &[]);
    shown.triggers = vec![row(&columns, &values)];
    let found = shown.objects().unwrap();
    assert_eq!(found[0].doubt, None);
    let line = "CREATE TRIGGER `t` SECURITY DEFINER AFTER COMMIT EXECUTE RETURN 1";
    assert_eq!(statements(&[found[0].object.clone()])[0].replace('`', ""), line.replace('`', ""));
}

#[test]
fn descriptions_are_looked_up_only_where_there_are_some() {
    let mut shown = shown((3, 12), &[]);
    assert!(!shown.has_doubts_of_its_own());
    shown.descriptions = vec![row(&["type", "label", "description"], &["label".into(), list(&["A"]), "text".into()])];
    assert!(shown.has_doubts_of_its_own());
}
