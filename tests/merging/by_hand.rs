//! Examples made by hand: what docs/merging.md promises, one sentence after the other, with the whole result. The
//! model is held against
//! them, and the tool against the model on the same graphs.
//!
//! A graph is written as lines: `1 A,B {"k":1}` is a node, `1-R->2 {"w":1}` a relationship, `unique A k` a constraint.
//! New nodes have
//! the id from the dump plus 100.

use crate::drive::{facts, fill_store, last_relationship};
use crate::generate::{of, rule};
use crate::model::{Key, Merged, OnConflict, Refusal, Relationships, Wishes, are_equal, merge};
use crate::support::Graph;
use crate::{assert_same, compare};
use OnConflict::{Duplicate, Error, Fill, Overwrite, Skip};
use graphferry::model::{Constraint, ConstraintKind, Cursor, Entity, Map, SchemaObject, Value, json};

fn value(text: &str) -> Value {
    let mut bytes = Vec::new();
    json::read(text, &mut bytes).unwrap();
    Value::read(&mut Cursor::new(&bytes)).unwrap()
}

fn map(text: &str) -> Map {
    match value(text) {
        Value::Map(map) => map,
        other => panic!("{other:?}"),
    }
}

fn constraint(kind: &str, on: &str, properties: &str) -> Constraint {
    let kind = match kind {
        "unique" => ConstraintKind::Unique,
        "key" => ConstraintKind::Key,
        "exists" => ConstraintKind::Existence,
        other => panic!("{other}"),
    };
    // R and S are types, and everything else is a label.
    let entity = if matches!(on, "R" | "S") { Entity::Relationship } else { Entity::Node };
    rule(entity, kind, on, &properties.split(',').collect::<Vec<_>>())
}

fn graph(text: &str) -> Graph {
    let mut graph = Graph::default();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<_> = line.splitn(3, ' ').collect();
        if let Some((start, rest)) = words[0].split_once("-") {
            let (name, end) = rest.split_once("->").unwrap();
            let id = graph.relationships.len() as i64 + 1;
            let [start, end] = [start, end].map(|id| id.parse().unwrap());
            let properties = words.get(1).map_or_else(Map::new, |_| map(line.split_once(' ').unwrap().1));
            graph.relationships.push((id, start, end, name.to_owned(), properties));
        } else if let Ok(id) = words[0].parse() {
            let labels = words[1].split(',').filter(|label| *label != "-").map(str::to_owned).collect();
            graph.nodes.push((id, labels, map(words[2])));
        } else {
            let name = format!("c{}", graph.schema.objects.len());
            let (properties, name) = words[2].split_once(" as ").map_or((words[2], name), |(a, b)| (a, b.to_owned()));
            let constraint = Constraint { name: Some(name), ..constraint(words[0], words[1], properties) };
            graph.schema.objects.push(SchemaObject::Constraint(constraint));
        }
    }
    graph
}

fn wishes(keys: &[Key], on_conflict: OnConflict) -> Wishes {
    Wishes { keys: keys.to_vec(), on_conflict, relationships: Relationships::Always, rewrite: Vec::new() }
}

/// What the model makes of it; the tool has to do the same, if the store that is asked for is there.
#[track_caller]
fn both(target: &str, dump: &str, wishes: &Wishes) -> Result<Merged, Vec<Refusal>> {
    let [target, dump] = [target, dump].map(graph);
    if tool_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let stored = fill_store(folder.path(), &target);
        compare(folder.path(), &stored, &dump, wishes, &[]);
    }
    merge(&target, &dump, wishes, &|old| old + 100)
}

/// `GRAPHFERRY_MODEL_ONLY` checks the model against the examples, and nothing else.
fn tool_is_asked() -> bool {
    std::env::var_os("GRAPHFERRY_MODEL_ONLY").is_none()
}

#[track_caller]
fn gives(target: &str, dump: &str, wishes: &Wishes, expected: &str) {
    let merged = both(target, dump, wishes).unwrap();
    let kept = last_relationship(&graph(target));
    assert_same(&facts(&graph(expected), kept), &facts(&merged.graph, kept));
}

#[track_caller]
fn refuses(target: &str, dump: &str, wishes: &Wishes, refusal: Refusal) {
    assert_eq!(both(target, dump, wishes).unwrap_err(), [refusal], "{wishes:?}");
}

fn conflicts(ids: impl IntoIterator<Item = i64>) -> Refusal {
    Refusal::Conflicts(ids.into_iter().collect())
}

fn k() -> Vec<Key> {
    vec![of("A", &["k"])]
}

const TARGET: &str = r#"
    1 A {"k":1,"p":"old","q":"mine"}
    2 B {"k":2}
    1-R->2 {"w":1}"#;
const DUMP: &str = r#"
    1 A,B {"k":1.0,"p":"new","s":true}
    2 A {"k":2}
    1-R->2 {"w":1}"#;

#[test]
fn every_policy() {
    refuses(TARGET, DUMP, &wishes(&k(), Error), conflicts([1]));
    let rest = r#"
        2 B {"k":2}
        102 A {"k":2}
        1-R->2 {"w":1}
        1-R->102 {"w":1}"#;
    let with = |node: &str| format!("{node}{rest}");
    gives(TARGET, DUMP, &wishes(&k(), Skip), &with(r#"1 A {"k":1,"p":"old","q":"mine"}"#));
    // The dump's 1.0 wins over 1 as well.
    gives(TARGET, DUMP, &wishes(&k(), Overwrite), &with(r#"1 A,B {"k":1.0,"p":"new","q":"mine","s":true}"#));
    gives(TARGET, DUMP, &wishes(&k(), Fill), &with(r#"1 A,B {"k":1,"p":"old","q":"mine","s":true}"#));
    let added = r#"
        1 A {"k":1,"p":"old","q":"mine"}
        2 B {"k":2}
        101 A,B {"k":1.0,"p":"new","s":true}
        102 A {"k":2}
        1-R->2 {"w":1}
        101-R->102 {"w":1}"#;
    gives(TARGET, DUMP, &wishes(&k(), Duplicate), added);
    for policy in [Error, Skip, Overwrite, Fill, Duplicate] {
        gives(TARGET, DUMP, &wishes(&[], policy), added);
    }
}

#[test]
fn equal_are_numbers_and_nothing_else() {
    let equal = |a: &str, b: &str| are_equal(&value(a), &value(b)) && are_equal(&value(b), &value(a));
    for (a, b) in [
        ("1", "1.0"),
        ("0.0", "-0.0"),
        ("0", "-0.0"),
        ("[1,[2.0]]", "[1.0,[2]]"),
        ("9007199254740992", "9007199254740992.0"),
        ("-9223372036854775808", "-9223372036854775808.0"),
        (r#"{"$date":"2024-02-29"}"#, r#"{"$date":"2024-02-29"}"#),
    ] {
        assert!(equal(a, b), "{a} {b}");
        let nodes = |value: &str| format!(r#"1 A {{"k":{value}}}"#);
        gives(&nodes(a), &nodes(b), &wishes(&k(), Skip), &nodes(a));
        gives(&nodes(b), &nodes(a), &wishes(&k(), Overwrite), &nodes(a));
    }
    for (a, b) in [
        ("1", r#""1""#),
        ("1", "true"),
        ("9007199254740993", "9007199254740992.0"),
        ("9223372036854775807", "9223372036854775808.0"),
        ("1", "[1]"),
        ("[1,2]", "[2,1]"),
        ("[1]", "[1,1]"),
        ("[]", "[[]]"),
        (r#"{"$float":"NaN"}"#, r#"{"$float":"NaN"}"#),
        (r#"[1,{"$float":"NaN"}]"#, r#"[1,{"$float":"NaN"}]"#),
        (r#"{"$date":"2024-02-29"}"#, r#""2024-02-29""#),
        (r#"{"$date":"2024-02-29"}"#, r#"{"$localDateTime":"2024-02-29T00:00:00"}"#),
        (r#"{"$bytes":"YQ=="}"#, r#""a""#),
    ] {
        assert!(!equal(a, b), "{a} {b}");
        let nodes = |id: &str, value: &str| format!(r#"{id} A {{"k":{value}}}"#);
        let sum = format!("{}\n{}", nodes("1", a), nodes("101", b));
        gives(&nodes("1", a), &nodes("1", b), &wishes(&k(), Overwrite), &sum);
    }
}

#[test]
fn a_node_without_the_key_is_new() {
    let target = r#"
        1 A {"p":1}
        2 A {"k":{"$float":"NaN"}}
        3 B {"k":1}
        4 - {"k":1}"#;
    let dump = r#"
        1 A {"p":2}
        2 A {"k":{"$float":"NaN"},"p":2}
        3 A {"k":1,"p":2}
        4 B {"k":1,"p":2}
        5 - {"k":1,"p":2}"#;
    let sum = dump.replace("        ", "        10");
    for policy in [Error, Skip, Overwrite, Fill, Duplicate] {
        gives(target, dump, &wishes(&k(), policy), &format!("{target}{sum}"));
    }
    // Half of a composite key is none.
    let both = [of("A", &["k", "k2"])];
    let (target, dump) = (r#"1 A {"k":1}"#, r#"1 A {"k":1}"#);
    gives(target, dump, &wishes(&both, Overwrite), "1 A {\"k\":1}\n101 A {\"k\":1}");
}

#[test]
fn a_composite_key_takes_all_together() {
    let target = r#"
        1 A {"k":1,"k2":1}
        2 A {"k":1,"k2":2}"#;
    let dump = r#"
        1 A {"k2":2.0,"k":1,"p":1}
        2 A {"k":2,"k2":1,"p":2}"#;
    let expected = r#"
        1 A {"k":1,"k2":1}
        2 A {"k":1,"k2":2,"p":1}
        102 A {"k":2,"k2":1,"p":2}"#;
    gives(target, dump, &wishes(&[of("A", &["k", "k2"])], Fill), expected);
}

#[test]
fn two_nodes_of_the_dump_with_one_key_are_one() {
    let target = r#"1 B {}"#;
    let dump = r#"
        1 A {"k":1,"p":1}
        2 A,B {"k":1.0,"p":2,"q":2}
        3 A {"k":1,"q":3,"s":3}
        1-R->2
        2-R->3
        3-R->3"#;
    let rest = r#"
        1 B {}
        101-R->101
        101-R->101
        101-R->101"#;
    let with = |node: &str| format!("{node}{rest}");
    refuses(target, dump, &wishes(&k(), Error), conflicts([2, 3]));
    gives(target, dump, &wishes(&k(), Skip), &with(r#"101 A {"k":1,"p":1}"#));
    gives(target, dump, &wishes(&k(), Overwrite), &with(r#"101 A,B {"k":1,"p":2,"q":3,"s":3}"#));
    gives(target, dump, &wishes(&k(), Fill), &with(r#"101 A,B {"k":1,"p":1,"q":2,"s":3}"#));
    let once = Wishes { relationships: Relationships::Once, ..wishes(&k(), Skip) };
    gives(target, dump, &once, "1 B {}\n101 A {\"k\":1,\"p\":1}\n101-R->101");
    // And on a node of the target, one after the other.
    let target = r#"1 A {"k":1,"s":0}"#;
    let with = |node: &str| format!("{node}\n1-R->1\n1-R->1\n1-R->1");
    refuses(target, dump, &wishes(&k(), Error), conflicts([1, 2, 3]));
    gives(target, dump, &wishes(&k(), Skip), &with(target));
    gives(target, dump, &wishes(&k(), Overwrite), &with(r#"1 A,B {"k":1,"p":2,"q":3,"s":3}"#));
    gives(target, dump, &wishes(&k(), Fill), &with(r#"1 A,B {"k":1,"p":1,"q":2,"s":0}"#));
}

#[test]
fn nobody_can_say_which_one_is_meant() {
    let twice = "1 A {\"k\":1}\n2 A {\"k\":1.0}\n3 A {\"k\":3}";
    let two_keys = [of("A", &["k"]), of("A", &["k2"])];
    for policy in [Error, Skip, Overwrite, Fill] {
        // One key on several nodes of the target.
        refuses(twice, "5 A {\"k\":2}\n6 A {\"k\":1}", &wishes(&k(), policy), Refusal::Ambiguous(vec![6]));
        // Which is no matter to a node with another one.
        if policy != Error {
            gives(twice, r#"1 A {"k":3}"#, &wishes(&k(), policy), twice);
        }
        // Two keys that lead to different nodes of the target,
        let target = "1 A {\"k\":1}\n2 A {\"k2\":2}";
        refuses(target, r#"7 A {"k":1,"k2":2}"#, &wishes(&two_keys, policy), Refusal::Ambiguous(vec![7]));
        // to one of the target and one of the dump,
        let dump = "7 A {\"k2\":2}\n8 A {\"k\":1,\"k2\":2}";
        refuses(r#"1 A {"k":1}"#, dump, &wishes(&two_keys, policy), Refusal::Ambiguous(vec![8]));
        // or to two of the dump.
        let dump = "7 A {\"k\":1}\n8 A {\"k2\":2}\n9 A {\"k\":1,\"k2\":2}";
        refuses("1 B {}", dump, &wishes(&two_keys, policy), Refusal::Ambiguous(vec![9]));
        // Labels are keys of their own.
        let target = "1 A {\"k\":1}\n2 B {\"k\":1}";
        let keys = [of("A", &["k"]), of("B", &["k"])];
        refuses(target, r#"7 A,B {"k":1}"#, &wishes(&keys, policy), Refusal::Ambiguous(vec![7]));
    }
    // One key on several nodes, of which one has the other key as well: whichever comes first.
    let keys = [of("A", &["k"]), of("B", &["k"])];
    for target in ["1 B {\"k\":2}\n2 A,B {\"k\":2}", "1 A,B {\"k\":2}\n2 B {\"k\":2}"] {
        refuses(target, r#"7 A,B {"k":2}"#, &wishes(&keys, Fill), Refusal::Ambiguous(vec![7]));
    }
    gives(twice, r#"1 A {"k":1}"#, &wishes(&k(), Duplicate), &format!("{twice}\n101 A {{\"k\":1}}"));
}

#[test]
fn what_a_policy_changes_does_not_change_who_is_who() {
    let keys = [of("A", &["k"]), of("A", &["k2"])];
    // The first one overwrites k: the second one still is the same node by the k from before.
    let dump = "1 A {\"k2\":1,\"k\":5}\n2 A {\"k\":1,\"p\":2}";
    let expected = r#"1 A {"k":1,"k2":1,"p":2}"#;
    gives(r#"1 A {"k":1,"k2":1}"#, dump, &wishes(&keys, Overwrite), expected);
    // A key that a node of the dump brings to a known node leads there, even where the policy does not write it.
    let dump = "1 A {\"k\":1,\"k2\":7}\n2 A {\"k2\":7,\"p\":2}";
    gives(r#"1 A {"k":1}"#, dump, &wishes(&keys, Skip), r#"1 A {"k":1}"#);
    gives(r#"1 A {"k":1,"k2":6}"#, dump, &wishes(&keys, Fill), r#"1 A {"k":1,"k2":6,"p":2}"#);
    gives(r#"1 A {"k":1}"#, dump, &wishes(&keys, Overwrite), r#"1 A {"k":1,"k2":7,"p":2}"#);
    // A label that a policy adds gives no key.
    let keys = [of("A", &["k"]), of("B", &["k2"])];
    let dump = "1 A,B {\"k\":1}\n2 B {\"k2\":2,\"p\":2}";
    let expected = "1 A,B {\"k\":1,\"k2\":2}\n102 B {\"k2\":2,\"p\":2}";
    gives(r#"1 A {"k":1,"k2":2}"#, dump, &wishes(&keys, Fill), expected);
}

#[test]
fn constraints_of_the_target_are_keys() {
    let target = "1 A {\"k\":1}\n2 B {\"k2\":2}\n3 A,B {\"k\":3,\"k2\":3,\"p\":1}\nunique A k\nkey B k2\nunique R w";
    let dump = "1 A {\"k\":1,\"s\":1}\n2 B {\"k2\":2,\"s\":1}\n3 A {\"k\":9,\"k2\":3}\n1-R->2 {\"w\":1}";
    let expected =
        "1 A {\"k\":1,\"s\":1}\n2 B {\"k2\":2,\"s\":1}\n3 A,B {\"k\":3,\"k2\":3,\"p\":1}\n103 A {\"k\":9,\"k2\":3}
        1-R->2 {\"w\":1}\nunique A k\nkey B k2\nunique R w";
    gives(target, dump, &wishes(&[Key::Constraints], Fill), expected);
    // Those of the dump are none, nor is existence.
    let dump = "1 A {\"k\":1,\"p\":2}\nunique A k2 as x";
    let target = "1 A {\"k\":1,\"k2\":1,\"p\":1}\nexists A p";
    let expected = "1 A {\"k\":1,\"k2\":1,\"p\":1}\n101 A {\"k\":1,\"p\":2}\nexists A p\nunique A k2 as x";
    gives(target, dump, &wishes(&[Key::Constraints], Fill), expected);
}

#[test]
fn relationships_always_or_once() {
    let target = r#"
        1 A {"k":1}
        2 A {"k":2}
        1-R->2 {"w":1}"#;
    let dump = r#"
        1 A {"k":2}
        2 A {"k":1}
        2-R->1 {"w":1.0}
        2-R->1 {"w":1}
        2-R->1
        2-R->1 {"w":2}
        2-R->1 {"w":2}
        2-S->1
        1-R->2 {"w":1}
        1-R->1
        1-R->1"#;
    let always = r#"
        1 A {"k":1}
        2 A {"k":2}
        1-R->2 {"w":1}
        1-R->2 {"w":1.0}
        1-R->2 {"w":1}
        1-R->2
        1-R->2 {"w":2}
        1-R->2 {"w":2}
        1-S->2
        2-R->1 {"w":1}
        2-R->2
        2-R->2"#;
    let once = r#"
        1 A {"k":1}
        2 A {"k":2}
        1-R->2 {"w":1}
        1-S->2
        2-R->1 {"w":1}
        2-R->2"#;
    let with_properties = r#"
        1 A {"k":1}
        2 A {"k":2}
        1-R->2 {"w":1}
        1-R->2 {"w":1.0}
        1-R->2
        1-R->2 {"w":2}
        1-S->2
        2-R->1 {"w":1}
        2-R->2"#;
    let with = |relationships| Wishes { relationships, ..wishes(&k(), Skip) };
    gives(target, dump, &with(Relationships::Always), always);
    gives(target, dump, &with(Relationships::Once), once);
    gives(target, dump, &with(Relationships::OnceWithProperties), with_properties);
}

#[test]
fn ids_as_values_are_rewritten() {
    let target = r#"1 A {"k":1}"#;
    let dump = r#"
        7 A {"k":1,"r":8,"s":8}
        8 A {"k":2,"r":[7,8,9,8]}
        1 A {"k":3,"r":[7,8,"x"]}
        2 B {"r":8}
        3 - {"r":8}
        4 A {"r":8.0}
        5 A {"r":12345}
        7-R->8 {"r":7}
        7-A->8 {"r":8}"#;
    let expected = r#"
        1 A {"k":1,"r":108,"s":8}
        108 A {"k":2,"r":[1,108,9,108]}
        101 A {"k":3,"r":[7,8,"x"]}
        102 B {"r":8}
        103 - {"r":8}
        104 A {"r":8.0}
        105 A {"r":12345}
        1-R->108 {"r":7}
        1-A->108 {"r":108}"#;
    let rewrite = |kind: &str| Wishes { rewrite: vec![(kind.to_owned(), "r".to_owned())], ..wishes(&k(), Fill) };
    gives(target, dump, &rewrite("A"), expected);
    gives(
        r#"1 A {"k":1}"#,
        "1 A {\"k\":2}\n1-R->1 {\"r\":1}",
        &rewrite("R"),
        "1 A {\"k\":1}\n101 A {\"k\":2}\n101-R->101 {\"r\":101}",
    );
    // Two labels with the property rewrite it once.
    let twice =
        Wishes { rewrite: ["A", "B"].map(|kind| (kind.to_owned(), "r".to_owned())).to_vec(), ..wishes(&[], Fill) };
    let dump = "101 A,B {\"r\":[1,101]}\n1 - {}";
    gives("1 - {}", dump, &twice, "1 - {}\n201 A,B {\"r\":[101,201]}\n101 - {}");
    // A property that the node has already is no value of the dump.
    gives(r#"1 A {"k":1,"r":7}"#, r#"7 A {"k":1,"r":7}"#, &rewrite("A"), r#"1 A {"k":1,"r":7}"#);
}

#[test]
fn what_is_rewritten_is_there_from_the_beginning() {
    let wishes = Wishes { rewrite: vec![("A".to_owned(), "r".to_owned())], ..wishes(&[], Error) };
    for rule in ["exists A r", "key A r", "unique A r"] {
        let target = format!("1 A {{\"r\":9}}\n{rule}");
        // A reference to a node that comes later.
        let dump = "5 A {\"r\":6}\n6 A {\"r\":[5]}";
        gives(&target, dump, &wishes, &format!("{target}\n105 A {{\"r\":106}}\n106 A {{\"r\":[105]}}"));
    }
}

#[test]
fn schemas_are_reconciled() {
    let target = "1 A {\"k\":1}\nunique A k as x";
    let nothing = wishes(&[], Error);
    // The same under whatever name; the same name with another meaning.
    gives(target, "1 A {\"k\":2}\nunique A k as y", &nothing, "1 A {\"k\":1}\n101 A {\"k\":2}\nunique A k as x");
    refuses(target, "1 A {\"k\":2}\nunique A k2 as x", &nothing, Refusal::Contradiction);
    // A key is unique as well; what is unique is no key.
    let sum = "1 A {\"k\":1}\n101 A {\"k\":2}";
    let with = |rules: &str| format!("{sum}\n{rules}");
    gives(&target.replace("unique", "key"), "1 A {\"k\":2}\nunique A k as y", &nothing, &with("key A k as x"));
    gives(target, "1 A {\"k\":2}\nkey A k as y", &nothing, &with("unique A k as x\nkey A k as y"));
    let expected = "1 A {\"k\":1}\n101 A {\"k\":2}\nunique A k as x\nexists A k as y";
    gives(target, "1 A {\"k\":2}\nexists A k as y", &nothing, expected);
}

#[test]
fn constraints_that_would_be_broken() {
    let breach = |target: &str, dump: &str, keys: &[Key], policy| {
        refuses(target, dump, &wishes(keys, policy), Refusal::Breach);
    };
    // Of the target, by something new.
    breach("1 A {\"k\":1}\nunique A k", r#"1 A {"k":1}"#, &[], Error);
    breach("1 A {\"k\":1}\nkey A k", r#"1 A {"p":1}"#, &[], Error);
    breach("1 A {\"k\":1}\nexists A k", r#"1 A {"p":1}"#, &[], Error);
    breach("1 B {}\nunique A k", "1 A {\"k\":1}\n2 A {\"k\":1}", &[], Error);
    // 1 and 1.0 are one value, as they are in Neo4j.
    breach("1 A {\"k\":1}\nunique A k", r#"1 A {"k":1.0}"#, &[], Error);
    // Of the dump, by the target, by the dump itself, and by both.
    breach("1 A {\"k\":1}\n2 A {\"k\":1}", "1 B {}\nunique A k", &[], Error);
    breach("1 A {}", "1 A {\"k\":1}\nexists A k", &[], Error);
    breach("1 B {}", "1 A {\"k\":1}\n2 A {\"k\":1}\nunique A k", &[], Error);
    breach(r#"1 A {"k":1}"#, "1 A {\"k\":1}\nunique A k", &[], Error);
    // By overwriting, by filling, by a label.
    let two = "1 A {\"k\":1,\"k2\":1}\n2 A {\"k\":2,\"k2\":2}\nunique A k2";
    breach(two, r#"1 A {"k":1,"k2":2}"#, &k(), Overwrite);
    gives(two, r#"1 A {"k":1,"k2":2}"#, &wishes(&k(), Fill), two);
    breach("1 A {\"k\":1}\n2 A {\"k\":2,\"k2\":2}\nunique A k2", r#"1 A {"k":1,"k2":2}"#, &k(), Fill);
    breach("1 A {\"k\":1,\"p\":1}\n2 B {\"p\":1}\nunique B p", r#"1 A,B {"k":1}"#, &k(), Fill);
    breach("1 A {\"k\":1}\n2 B {\"p\":1}\nexists B p", r#"1 A,B {"k":1}"#, &k(), Fill);
    // Two that swap, and one that takes what another one gives away.
    breach(two, "1 A {\"k\":1,\"k2\":2}\n2 A {\"k\":2,\"k2\":1}", &k(), Overwrite);
    breach(two, "1 A {\"k\":2,\"k2\":3}\n2 A {\"k\":1,\"k2\":2}", &k(), Overwrite);
    breach(two, "1 A {\"k\":1,\"k2\":3}\n2 A {\"k\":9,\"k2\":1}", &k(), Overwrite);
    // Relationships.
    let pair = "1 A {}\n2 A {}\n1-R->2 {\"w\":1}";
    breach(&format!("{pair}\nunique R w"), "1 B {}\n1-R->1 {\"w\":1}", &[], Error);
    breach(&format!("{pair}\nexists R w"), "1 B {}\n1-R->1", &[], Error);
    breach(pair, "1 B {}\n1-R->1\nexists R w", &[], Error);
}

#[test]
fn nan_is_never_twice() {
    for nan in [r#"{"$float":"NaN"}"#, r#"[{"$float":"NaN"}]"#] {
        let node = |id: i64| format!(r#"{id} A {{"k":{nan}}}"#);
        for rule in ["unique A k", "key A k"] {
            let expected = format!("{}\n{}\n{rule}", node(1), node(101));
            gives(&format!("{}\n{rule}", node(1)), &node(1), &wishes(&k(), Fill), &expected);
            gives(&node(1), &format!("{}\n{rule}", node(1)), &wishes(&k(), Fill), &expected);
        }
    }
}

#[test]
fn a_relationship_that_is_not_made_breaks_nothing() {
    let once = Wishes { relationships: Relationships::Once, ..wishes(&k(), Skip) };
    for rule in ["unique R w", "exists R w", "key R w"] {
        let target = format!("1 A {{\"k\":1}}\n1-R->1 {{\"w\":1}}\n{rule}");
        for properties in [r#"{"w":1}"#, r#"{"w":2}"#, "{}"] {
            let dump = format!("1 A {{\"k\":1}}\n1-R->1 {properties}");
            gives(&target, &dump, &once, &target);
        }
    }
    let target = "1 A {\"k\":1}\n1-R->1 {\"w\":1}\nunique R w";
    refuses(target, "1 A {\"k\":1}\n1-R->1 {\"w\":1}", &wishes(&k(), Skip), Refusal::Breach);
    // Of two in the dump, the first one is made.
    let dump = "1 A {\"k\":1}\n1-S->1 {\"w\":1}\n1-S->1 {\"w\":2}\n2 B {}\n2-S->2 {\"w\":2}";
    let expected = "1 A {\"k\":1}\n102 B {}\n1-S->1 {\"w\":1}\n102-S->102 {\"w\":2}\nunique S w";
    gives("1 A {\"k\":1}\nunique S w", dump, &once, expected);
}

#[test]
fn what_is_missing_may_come() {
    // What the target lacks at the beginning is asked for in the end.
    let expected = "1 A {\"k\":1,\"p\":2}\nexists A p";
    gives(r#"1 A {"k":1}"#, "1 A {\"k\":1,\"p\":2}\nexists A p", &wishes(&k(), Fill), expected);
    // What is written has to be whole each time.
    let dump = "1 A {\"k\":1}\n2 A {\"k\":1,\"p\":2}";
    refuses("1 B {}\nexists A p", dump, &wishes(&k(), Fill), Refusal::Breach);
    refuses("1 B {}", &format!("{dump}\nexists A p"), &wishes(&k(), Fill), Refusal::Breach);
}

#[test]
fn the_last_one_wins_where_some_are_rewritten() {
    let wishes = Wishes { rewrite: vec![("B".to_owned(), "r".to_owned())], ..wishes(&k(), Overwrite) };
    let dump = "5 A,B {\"k\":1,\"r\":[5]}\n6 A {\"k\":1,\"r\":14}";
    gives("1 A {\"k\":1}", dump, &wishes, "1 A,B {\"k\":1,\"r\":14}");
    gives("1 - {}", dump, &wishes, "1 - {}\n105 A,B {\"k\":1,\"r\":14}");
    let dump = "5 A {\"k\":1,\"r\":14}\n6 A,B {\"k\":1,\"r\":[5]}";
    gives("1 A {\"k\":1}", dump, &wishes, "1 A,B {\"k\":1,\"r\":[1]}");
    let fill = Wishes { on_conflict: Fill, ..wishes };
    gives("1 A {\"k\":1}", dump, &fill, "1 A,B {\"k\":1,\"r\":14}");
}

#[test]
fn relationships_that_differ_are_both_looked_at() {
    let once = Wishes { relationships: Relationships::OnceWithProperties, ..wishes(&[], Error) };
    let dump = "1 A {}\n1-R->1 {\"w\":1,\"q\":1}\n1-R->1 {\"w\":1}";
    refuses("1 - {}", &format!("{dump}\nunique R w"), &once, Refusal::Breach);
    refuses("1 - {}\nunique R w", dump, &once, Refusal::Breach);
    // With `once`, the second one is not made.
    let once = Wishes { relationships: Relationships::Once, ..once };
    let dump = "1 A {}\n1-R->1\n1-R->1 {\"w\":1}";
    let target = "1 - {}\n1-R->1 {\"w\":1}";
    gives(target, &format!("{dump}\nunique R w"), &once, &format!("{target}\n101 A {{}}\n101-R->101\nunique R w"));
}
