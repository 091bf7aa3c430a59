//! Indexes, constraints, triggers.

use crate::backend::{Backend, nodes, one, put, read};
use crate::writing::{numbers, unique};
use graphferry::model::schema::{OtherObject, with};
use graphferry::model::{Constraint, ConstraintKind, Entity, Index, IndexKind, Map, SchemaObject, Trigger, Value};

fn index(name: &str, kind: IndexKind, on: Entity, labels: &[&str], properties: &[&str], config: Map) -> SchemaObject {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let name = Some(name.to_owned());
    SchemaObject::Index(Index {
        name,
        kind,
        on,
        labels: texts(labels),
        properties: texts(properties),
        provider: None,
        config,
    })
}

fn constraint(name: &str, kind: ConstraintKind, on: Entity, label: &str, properties: &[&str]) -> SchemaObject {
    let properties = properties.iter().map(|text| (*text).to_owned()).collect();
    let (name, label) = (Some(name.to_owned()), label.to_owned());
    SchemaObject::Constraint(Constraint { name, kind, on, label, properties, provider: None, config: Map::new() })
}

/// One object of every sort, some with names that need quoting.
fn objects() -> Vec<SchemaObject> {
    use Entity::{Node, Relationship};
    let none = Map::new;
    let analyzer = with(with(none(), "fulltext.analyzer", "english"), "fulltext.eventually_consistent", true);
    let low = Value::List(vec![Value::Float(-10.5), Value::Float(-20.0)]);
    let dimensions = with(with(none(), "vector.dimensions", 3_i64), "vector.similarity_function", "COSINE");
    vec![
        index("i range", IndexKind::Range, Node, &["A b"], &["x", "a`b"], none()),
        index("i_rel", IndexKind::Range, Relationship, &["R"], &["since"], none()),
        index("i_text", IndexKind::Text, Node, &["A"], &["t"], none()),
        index("i_point", IndexKind::Point, Node, &["A"], &["p"], with(none(), "spatial.cartesian.min", low)),
        index("i_full", IndexKind::Fulltext, Node, &["A", "B"], &["t", "u"], analyzer),
        index("i_vector", IndexKind::Vector, Node, &["A"], &["v"], dimensions),
        index("i_label", IndexKind::Label, Node, &["A"], &[], none()),
        constraint("c \"unique\"", ConstraintKind::Unique, Node, "U", &["k"]),
        constraint("c_two", ConstraintKind::Unique, Node, "U", &["k", "l"]),
        constraint("c_rel", ConstraintKind::Unique, Relationship, "R", &["k"]),
        constraint("c_there", ConstraintKind::Existence, Node, "E", &["k"]),
        constraint("c_key", ConstraintKind::Key, Node, "K", &["k", "l"]),
        constraint("c_type", ConstraintKind::PropertyType("LIST<INTEGER NOT NULL>".into()), Relationship, "R", &["p"]),
        SchemaObject::Trigger(Trigger {
            name: "t".into(),
            statement: "UNWIND $createdNodes AS n // counts\nSET n.seen = 'yes'".into(),
            system: "apoc".into(),
            selector: with(none(), "phase", "before"),
            params: with(none(), "limit", 5_i64),
            paused: true,
        }),
        SchemaObject::Other(OtherObject {
            kind: "enum".into(),
            name: "Status".into(),
            details: with(none(), "values", Value::List(vec![Value::from("Good"), Value::from("Bad")])),
        }),
    ]
}

pub fn objects_round_trip(backend: &dyn Backend) {
    let mut target = backend.target();
    let capability = target.facts().unwrap().capability;
    let objects: Vec<_> = objects().into_iter().filter(|object| capability.holds(object)).collect();
    assert!(objects.len() >= 8, "too little is tried: {objects:?}");
    for object in &objects {
        target.apply(object).unwrap_or_else(|error| panic!("{}: {error:?}", object.describe()));
    }
    target.settle().unwrap();
    // A source tells of everything, a target keeps apart what every empty database has.
    let facts = target.facts().unwrap();
    let defaults = facts.defaults.objects;
    let mut of_source = read(&mut *backend.source()).schema;
    of_source.objects.retain(|object| !defaults.contains(object));
    let of_target = facts.schema;
    for (whose, schema) in [("source", &of_source), ("target", &of_target)] {
        for object in &objects {
            let found = schema.objects.iter().find(|known| known.name() == object.name());
            let found = found.unwrap_or_else(|| panic!("the {whose} does not tell of the {}", object.describe()));
            assert!(found.is_same_as(object), "the {whose} tells of {found:?} instead of {object:?}");
        }
        assert_eq!(schema.objects.len(), objects.len(), "the {whose} tells of more than was made: {schema:?}");
    }
    for object in of_target.objects {
        target.remove(&object).unwrap_or_else(|error| panic!("{}: {error:?}", object.describe()));
    }
    assert_eq!(target.facts().unwrap().schema.objects, []);
    let mut left = read(&mut *backend.source()).schema.objects;
    left.retain(|object| !defaults.contains(object));
    assert_eq!(left, []);
}

pub fn a_constraint_that_the_data_breaks(backend: &dyn Backend) {
    let mut target = backend.target();
    put(&*target, &nodes(&["N"], [1, 2, 1].map(|n| one("n", n))));
    put(&*target, &nodes(&["Other"], [1, 1].map(|n| one("n", n))));
    let error = target.apply(&unique("broken", "N", "n")).and_then(|()| target.settle()).unwrap_err();
    assert_eq!(error.kind(), graphferry::ErrorKind::Server, "{error:?}");
    assert_eq!(error.retry(), graphferry::Retry::Never, "{error:?}");
    assert_eq!(target.facts().unwrap().schema.objects, [], "a constraint that failed is not there");
    assert_eq!(numbers(backend).len(), 5, "the data is as it was");
    // The target is as good as before, and values that occur under another label do not count.
    target.apply(&unique("fine", "Third", "n")).unwrap();
    put(&*target, &nodes(&["Third"], [1, 2].map(|n| one("n", n))));
}

pub fn a_constraint_holds_for_later_writes(backend: &dyn Backend) {
    let mut target = backend.target();
    put(&*target, &nodes(&["N"], [1, 2].map(|n| one("n", n))));
    let object = unique("u", "N", "n");
    target.apply(&object).unwrap();
    target.settle().unwrap();
    let mut ids = Vec::new();
    let fails = |number: i64| {
        let mut ids = Vec::new();
        // Opened anew: the constraint is in the database, not in the session.
        backend.target().session().unwrap().nodes(&nodes(&["M", "N"], [one("n", number)]), None, &mut ids).is_err()
    };
    assert!(fails(1) && fails(2) && !fails(3) && fails(3));
    // Nodes without the property, or without the label, are free to repeat.
    let mut session = target.session().unwrap();
    session.nodes(&nodes(&["N"], [one("m", 1), one("m", 1)]), None, &mut ids).unwrap();
    session.nodes(&nodes(&["M"], [one("n", 1), one("n", 1)]), None, &mut ids).unwrap();
    // Gone is gone.
    target.remove(&object).unwrap();
    assert!(!fails(1) && !fails(1));
}

pub fn a_taken_name_is_refused(backend: &dyn Backend) {
    let mut target = backend.target();
    target.apply(&unique("name", "N", "n")).unwrap();
    let other = index("name", IndexKind::Range, Entity::Node, &["M"], &["m"], Map::new());
    let error = target.apply(&other).unwrap_err();
    assert_eq!(error.kind(), graphferry::ErrorKind::Server, "{error:?}");
    assert!(target.apply(&unique("name", "N", "n")).is_err(), "the same object twice");
    assert_eq!(target.facts().unwrap().schema.objects.len(), 1);
}

pub fn removing_what_is_not_there(backend: &dyn Backend) {
    let mut target = backend.target();
    let error = target.remove(&unique("none", "N", "n")).unwrap_err();
    assert_eq!(error.kind(), graphferry::ErrorKind::Server, "{error:?}");
}
