//! Merging as docs/merging.md says it, over graphs in memory: nested loops, no index, nothing of the tool's own code.
//!
//! It is written to be compared with the document, sentence by sentence. Beyond the document it says:
//!
//! 1. For a uniqueness constraint, values are the same that are equal as keys: 1 and 1.0 in every target, and NaN
//!    never.
//! 2. A node must not lack what has to exist in any of the states that it is brought to, nor may two nodes have a
//!    unique value in any of
//!    theirs, even where that ends well.
//! 3. A uniqueness constraint of the dump is there already where the target has the same as a key.
//! 4. What a node of the dump brings as a key leads to its node, whether the policy writes it or not.
//! 5. Properties of relationships are equal, for `once-with-properties`, by their bits, and after `--rewrite-id`.

use crate::support::Graph;
use graphferry::model::{Constraint, ConstraintKind, Entity, Map, Schema, SchemaObject, Value};
use std::collections::{BTreeMap, BTreeSet};

/// One `--key`.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    /// `Label=property,property`.
    Of(String, Vec<String>),
    /// `constraints`.
    Constraints,
}

/// `--on-conflict`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    Error,
    Skip,
    Overwrite,
    Fill,
    Duplicate,
}

/// `--relationships`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relationships {
    Always,
    Once,
    OnceWithProperties,
}

/// What a merge is asked for.
#[derive(Clone, Debug)]
pub struct Wishes {
    pub keys: Vec<Key>,
    pub on_conflict: OnConflict,
    pub relationships: Relationships,
    /// `--rewrite-id`: label or type, and property.
    pub rewrite: Vec<(String, String)>,
}

/// What a merge gave.
#[derive(Clone, Debug)]
pub struct Merged {
    pub graph: Graph,
    /// Where each node of the dump went.
    pub ids: BTreeMap<i64, i64>,
}

/// Why nothing was written.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// An object of the dump's schema has the name of one of the target's, and means something else.
    Contradiction,
    /// Nodes of the dump of which nobody can say who they are. After the first, it is open which others are told.
    Ambiguous(Vec<i64>),
    /// All nodes of the dump that are recognised, where the policy is `error`.
    Conflicts(BTreeSet<i64>),
    /// A constraint would be broken.
    Breach,
}

/// Merges. `choose` gives the id of a node that is created for this node of the dump.
///
/// # Errors
/// All reasons for which it is refused; which one is told first is open.
pub fn merge(
    target: &Graph,
    dump: &Graph,
    wishes: &Wishes,
    choose: &dyn Fn(i64) -> i64,
) -> Result<Merged, Vec<Refusal>> {
    let mut refusals = Vec::new();
    let schema = reconcile(&target.schema, &dump.schema);
    if schema.is_none() {
        refusals.push(Refusal::Contradiction);
    }
    let fates = who_is_who(target, dump, wishes, choose);
    let ambiguous: Vec<_> = fates.iter().filter(|(_, fate)| *fate == Fate::Ambiguous).map(|(old, _)| *old).collect();
    if !ambiguous.is_empty() {
        refusals.push(Refusal::Ambiguous(ambiguous));
        return Err(refusals);
    }
    let is_recognised = |fate: &Fate| matches!(fate, Fate::Recognised(_));
    let recognised: BTreeSet<_> = fates.iter().filter(|(_, fate)| is_recognised(fate)).map(|(old, _)| *old).collect();
    if wishes.on_conflict == OnConflict::Error && !recognised.is_empty() {
        refusals.push(Refusal::Conflicts(recognised));
    }

    let ids: BTreeMap<i64, i64> = fates
        .iter()
        .map(|(old, fate)| match fate {
            Fate::New(id) | Fate::Recognised(id) => (*old, *id),
            Fate::Ambiguous => unreachable!("refused above"),
        })
        .collect();
    let mut graph = target.clone();
    // Every state that a node is brought to: its id, labels, properties.
    let mut states = Vec::new();
    for ((old, labels, properties), (_, fate)) in dump.nodes.iter().zip(&fates) {
        let properties = rewritten(properties, labels, wishes, &ids);
        match fate {
            Fate::New(id) => graph.nodes.push((*id, labels.clone(), properties)),
            Fate::Recognised(id) => {
                let (_, its_labels, its_properties) = graph.nodes.iter_mut().find(|node| node.0 == *id).unwrap();
                apply(wishes.on_conflict, its_labels, its_properties, labels, &properties);
            }
            Fate::Ambiguous => unreachable!("refused above"),
        }
        let state = graph.nodes.iter().find(|node| node.0 == ids[old]).unwrap().clone();
        states.push(state);
    }

    let mut next = target.relationships.iter().map(|relationship| relationship.0).max().unwrap_or(0);
    for (_, start, end, name, properties) in &dump.relationships {
        let properties = rewritten(properties, std::slice::from_ref(name), wishes, &ids);
        let (start, end) = (ids[start], ids[end]);
        let is_there = graph.relationships.iter().any(|(_, its_start, its_end, its_name, its_properties)| {
            let is_parallel = *its_start == start && *its_end == end && its_name == name;
            match wishes.relationships {
                Relationships::Always => false,
                Relationships::Once => is_parallel,
                Relationships::OnceWithProperties => is_parallel && *its_properties == properties,
            }
        });
        if !is_there {
            next += 1;
            graph.relationships.push((next, start, end, name.clone(), properties));
        }
    }

    if let Some(schema) = schema {
        graph.schema = schema;
    }
    let constraints = || target.schema.objects.iter().chain(&dump.schema.objects).filter_map(constraint);
    if constraints().any(|constraint| is_broken(constraint, target, &states, &graph)) {
        refusals.push(Refusal::Breach);
    }
    if refusals.is_empty() { Ok(Merged { graph, ids }) } else { Err(refusals) }
}

/// Whether a graph keeps its own constraints.
pub fn is_lawful(graph: &Graph) -> bool {
    !graph.schema.objects.iter().filter_map(constraint).any(|constraint| is_broken(constraint, graph, &[], graph))
}

/// What a policy does to a node that was recognised.
fn apply(policy: OnConflict, labels: &mut Vec<String>, properties: &mut Map, more: &[String], news: &Map) {
    match policy {
        // With `error` nothing is written, with `duplicate` nothing is recognised.
        OnConflict::Error | OnConflict::Skip | OnConflict::Duplicate => return,
        OnConflict::Overwrite => {
            for (name, value) in news {
                properties.insert(name.clone(), value.clone());
            }
        }
        OnConflict::Fill => {
            for (name, value) in news {
                if !properties.contains_key(name) {
                    properties.insert(name.clone(), value.clone());
                }
            }
        }
    }
    for label in more {
        if !labels.contains(label) {
            labels.push(label.clone());
        }
    }
}

/// What a node of the dump is.
#[derive(Clone, Debug, PartialEq)]
enum Fate {
    New(i64),
    Recognised(i64),
    Ambiguous,
}

/// A key that a node has, or that a node of the dump has brought.
struct Known {
    label: String,
    names: Vec<String>,
    values: Vec<Value>,
    node: i64,
}

/// The fate of each node of the dump, in its order.
fn who_is_who(target: &Graph, dump: &Graph, wishes: &Wishes, choose: &dyn Fn(i64) -> i64) -> Vec<(i64, Fate)> {
    let keys = keys(target, wishes);
    let mut known = Vec::new();
    for (id, labels, properties) in &target.nodes {
        known.extend(keys_of(labels, properties, &keys, *id));
    }
    let mut fates = Vec::new();
    for (old, labels, properties) in &dump.nodes {
        if wishes.on_conflict == OnConflict::Duplicate {
            fates.push((*old, Fate::New(choose(*old))));
            continue;
        }
        let mut found = BTreeSet::new();
        for mine in keys_of(labels, properties, &keys, *old) {
            for other in &known {
                let is_same_key = other.label == mine.label && other.names == mine.names;
                if is_same_key && mine.values.iter().zip(&other.values).all(|(a, b)| are_equal(a, b)) {
                    found.insert(other.node);
                }
            }
        }
        let fate = match found.len() {
            0 => Fate::New(choose(*old)),
            1 => Fate::Recognised(*found.first().unwrap()),
            _ => Fate::Ambiguous,
        };
        if let Fate::New(id) | Fate::Recognised(id) = fate {
            known.extend(keys_of(labels, properties, &keys, id));
        }
        fates.push((*old, fate));
    }
    fates
}

/// The labels and properties of all keys.
fn keys(target: &Graph, wishes: &Wishes) -> Vec<(String, Vec<String>)> {
    let mut keys = Vec::new();
    for key in &wishes.keys {
        match key {
            Key::Of(label, names) => keys.push((label.clone(), names.clone())),
            Key::Constraints => {
                for constraint in target.schema.objects.iter().filter_map(constraint) {
                    let is_key = matches!(constraint.kind, ConstraintKind::Unique | ConstraintKind::Key);
                    if is_key && constraint.on == Entity::Node {
                        keys.push((constraint.label.clone(), constraint.properties.clone()));
                    }
                }
            }
        }
    }
    keys
}

/// The keys that a node has.
fn keys_of(labels: &[String], properties: &Map, keys: &[(String, Vec<String>)], node: i64) -> Vec<Known> {
    let mut known = Vec::new();
    for (label, names) in keys {
        let values: Vec<Value> = names.iter().filter_map(|name| properties.get(name)).cloned().collect();
        let is_whole = values.len() == names.len() && values.iter().all(is_someone);
        if labels.contains(label) && is_whole {
            known.push(Known { label: label.clone(), names: names.clone(), values, node });
        }
    }
    known
}

/// Neither null nor NaN.
fn is_someone(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Float(float) => !float.is_nan(),
        _ => true,
    }
}

/// Equal for a key.
pub fn are_equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Integer(integer), Value::Float(float)) | (Value::Float(float), Value::Integer(integer)) => {
            // As numbers, exactly: 2^53 + 1 is an integer and no float. No float beyond 2^63 is an i64, and i128 holds
            // those below.
            float.fract() == 0.0 && float.abs() < 1e19 && *float as i128 == i128::from(*integer)
        }
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| are_equal(a, b)),
        _ => a == b,
    }
}

/// Properties of a node or relationship with new ids in place of old ones; `kinds` are its labels or its type.
fn rewritten(properties: &Map, kinds: &[String], wishes: &Wishes, ids: &BTreeMap<i64, i64>) -> Map {
    let mut properties = properties.clone();
    for (name, value) in &mut properties {
        // Once, even where two wishes concern it.
        if !wishes.rewrite.iter().any(|(kind, its_name)| its_name == name && kinds.contains(kind)) {
            continue;
        }
        let new = |value: &Value| match value {
            Value::Integer(old) => Value::Integer(*ids.get(old).unwrap_or(old)),
            other => panic!("{other:?} is no integer"),
        };
        match value {
            Value::Integer(_) => *value = new(value),
            Value::List(list) if list.iter().all(|member| matches!(member, Value::Integer(_))) => {
                *value = Value::List(list.iter().map(new).collect());
            }
            _ => {}
        }
    }
    properties
}

fn constraint(object: &SchemaObject) -> Option<&Constraint> {
    match object {
        SchemaObject::Constraint(constraint) => Some(constraint),
        _ => None,
    }
}

/// The target's schema and what the dump's adds to it; `None` where they contradict each other. For constraints and
/// indexes.
fn reconcile(target: &Schema, dump: &Schema) -> Option<Schema> {
    let mut schema = target.clone();
    for object in &dump.objects {
        let is_there = target.objects.iter().any(|other| {
            // A key is unique as well.
            let is_part = match (constraint(other), constraint(object)) {
                (Some(key), Some(unique))
                    if key.kind == ConstraintKind::Key && unique.kind == ConstraintKind::Unique =>
                {
                    let place = |of: &Constraint| (of.on, of.label.clone(), of.properties.clone());
                    place(key) == place(unique)
                }
                _ => false,
            };
            is_part || nameless(other) == nameless(object)
        });
        let has_name = |other: &SchemaObject| other.name().is_some() && other.name() == object.name();
        if is_there {
            continue;
        }
        if target.objects.iter().any(has_name) {
            return None;
        }
        schema.objects.push(object.clone());
    }
    Some(schema)
}

/// What an object means.
fn nameless(object: &SchemaObject) -> SchemaObject {
    let mut object = object.clone();
    match &mut object {
        SchemaObject::Index(index) => index.name = None,
        SchemaObject::Constraint(constraint) => constraint.name = None,
        _ => {}
    }
    object
}

/// Whether the merged graph breaks a constraint, in the end or in any of the states that nodes have on the way.
fn is_broken(constraint: &Constraint, before: &Graph, states: &[(i64, Vec<String>, Map)], graph: &Graph) -> bool {
    let required = matches!(constraint.kind, ConstraintKind::Existence | ConstraintKind::Key);
    let unique = matches!(constraint.kind, ConstraintKind::Unique | ConstraintKind::Key);
    // Ids and properties of the items that are concerned.
    let of_nodes = |nodes: &[(i64, Vec<String>, Map)]| -> Vec<(i64, Map)> {
        let concerned = nodes.iter().filter(|(_, labels, _)| labels.contains(&constraint.label));
        concerned.map(|(id, _, properties)| (*id, properties.clone())).collect()
    };
    let of_relationships = |graph: &Graph| -> Vec<(i64, Map)> {
        let concerned = graph.relationships.iter().filter(|(_, _, _, name, _)| *name == constraint.label);
        concerned.map(|(id, _, _, _, properties)| (*id, properties.clone())).collect()
    };
    let values = |properties: &Map| -> Vec<Value> {
        constraint.properties.iter().filter_map(|name| properties.get(name)).cloned().collect()
    };
    let lacks = |properties: &Map| values(properties).len() < constraint.properties.len();

    // What a node of the target lacks at the beginning may come, if the constraint is the dump's.
    let (in_the_end, on_the_way, at_first) = match constraint.on {
        Entity::Node => (of_nodes(&graph.nodes), of_nodes(states), of_nodes(&before.nodes)),
        Entity::Relationship => (of_relationships(graph), Vec::new(), Vec::new()),
    };
    if required && in_the_end.iter().chain(&on_the_way).any(|(_, properties)| lacks(properties)) {
        return true;
    }

    // What another node of the target has at the beginning counts, even if it is overwritten.
    let all: Vec<_> = at_first.iter().chain(&on_the_way).chain(&in_the_end).collect();
    let clash = |(a, mine): &(i64, Map), (b, theirs): &(i64, Map)| {
        a != b
            && !lacks(mine)
            && !lacks(theirs)
            && values(mine).iter().zip(&values(theirs)).all(|(a, b)| are_equal(a, b))
    };
    unique && all.iter().any(|a| all.iter().any(|b| clash(a, b)))
}
