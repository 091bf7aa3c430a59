//! What the logs change of a snapshot: kept by id, so that it is as large as what the logs touch and not as the graph.

use super::delta::Delta;
use crate::error::{Error, Result};
use indexmap::IndexMap;
use std::collections::BTreeMap;

/// Properties that are set (PackStream) or removed.
pub(super) type Changes = IndexMap<String, Option<Vec<u8>>>;

/// What became of a node.
#[derive(Clone, Debug, Default)]
pub(super) struct NodeChange {
    /// It is not in the snapshot.
    pub(super) is_new: bool,
    /// It was in the snapshot and is gone.
    pub(super) is_gone: bool,
    /// Labels that came (`true`) and went, in order.
    pub(super) labels: Vec<(String, bool)>,
    pub(super) properties: Changes,
}

/// What became of a relationship.
#[derive(Clone, Debug, Default)]
pub(super) struct RelationshipChange {
    pub(super) is_new: bool,
    pub(super) is_gone: bool,
    /// Type, start and end, where the log tells them.
    pub(super) ends: Option<(String, i64, i64)>,
    pub(super) properties: Changes,
}

/// All changes.
#[derive(Clone, Debug, Default)]
pub(super) struct Overlay {
    /// Whether there is a snapshot below: only then is an id that nobody created one of its.
    pub(super) has_base: bool,
    pub(super) nodes: BTreeMap<i64, NodeChange>,
    pub(super) relationships: BTreeMap<i64, RelationshipChange>,
}

/// Adds or removes a label as Memgraph does: the last one takes the place of one that goes.
pub(super) fn apply_label<'a>(labels: &mut Vec<&'a str>, name: &'a str, is_there: bool) -> Result<()> {
    match (labels.iter().position(|label| *label == name), is_there) {
        (None, true) => labels.push(name),
        (Some(at), false) => _ = labels.swap_remove(at),
        (Some(_), true) => return Err(Error::corrupt(format!("the label {name:?} is added and was there"))),
        (None, false) => return Err(Error::corrupt(format!("the label {name:?} is removed and was not there"))),
    }
    Ok(())
}

fn wrong(what: &str, id: i64, problem: &str) -> Error {
    Error::corrupt(format!("{what} {id} {problem}")).hint("a log is missing or the logs do not belong to this snapshot")
}

impl Overlay {
    fn node(&mut self, id: i64) -> Result<&mut NodeChange> {
        if !self.has_base && !self.nodes.contains_key(&id) {
            return Err(wrong("node", id, "is changed and does not exist"));
        }
        let node = self.nodes.entry(id).or_default();
        if node.is_gone { Err(wrong("node", id, "is changed and was deleted")) } else { Ok(node) }
    }

    fn relationship(&mut self, id: i64) -> Result<&mut RelationshipChange> {
        if !self.has_base && !self.relationships.contains_key(&id) {
            return Err(wrong("relationship", id, "is changed and does not exist"));
        }
        let relationship = self.relationships.entry(id).or_default();
        if relationship.is_gone {
            return Err(wrong("relationship", id, "is changed and was deleted"));
        }
        Ok(relationship)
    }

    pub(super) fn apply(&mut self, delta: Delta) -> Result<()> {
        match delta {
            Delta::Start { .. } | Delta::End { .. } | Delta::Schema(_) => {}
            Delta::Node { id, is_there: true } => {
                let node = NodeChange { is_new: true, ..NodeChange::default() };
                if self.nodes.insert(id, node).is_some() {
                    return Err(wrong("node", id, "is created twice"));
                }
            }
            Delta::Node { id, is_there: false } => {
                let node = self.node(id)?;
                if node.is_new {
                    self.nodes.remove(&id);
                } else {
                    *node = NodeChange { is_gone: true, ..NodeChange::default() };
                }
            }
            Delta::Label { id, name, is_there } => {
                let node = self.node(id)?;
                if node.is_new {
                    let mut labels = node.labels.iter().map(|(name, _)| name.as_str()).collect();
                    apply_label(&mut labels, &name, is_there)?;
                    node.labels = labels.into_iter().map(|name| (name.to_owned(), true)).collect();
                } else {
                    node.labels.push((name, is_there));
                }
            }
            Delta::NodeProperty { id, name, value } => {
                let node = self.node(id)?;
                set(&mut node.properties, node.is_new, name, value);
            }
            Delta::Relationship { id, name, start, end, is_there: true } => {
                self.node(start)?;
                self.node(end)?;
                let ends = Some((name, start, end));
                let new = RelationshipChange { is_new: true, ends, ..RelationshipChange::default() };
                if self.relationships.insert(id, new).is_some() {
                    return Err(wrong("relationship", id, "is created twice"));
                }
            }
            Delta::Relationship { id, name, start, end, is_there: false } => {
                let relationship = self.relationship(id)?;
                let ends = Some((name, start, end));
                if !relationship.is_new {
                    *relationship = RelationshipChange { is_gone: true, ends, ..RelationshipChange::default() };
                } else if relationship.ends == ends {
                    self.relationships.remove(&id);
                } else {
                    return Err(wrong("relationship", id, "is deleted with other ends than it was created with"));
                }
            }
            Delta::RelationshipProperty { id, name, value } => {
                let relationship = self.relationship(id)?;
                set(&mut relationship.properties, relationship.is_new, name, value);
            }
        }
        Ok(())
    }
}

fn set(properties: &mut Changes, is_new: bool, name: String, value: Option<Vec<u8>>) {
    if is_new && value.is_none() {
        properties.shift_remove(&name);
    } else {
        properties.insert(name, value);
    }
}
