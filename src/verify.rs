//! `verify`: whether two graphs are equal, whatever their ids and their order.

pub mod digest;

use crate::error::{Error, Result};
use crate::feed::{Feed, pump};
use crate::format::{Piece, only_for_its_target};
use crate::model::shown::{shown, shown_all};
use crate::model::{Schema, SchemaObject};
use crate::observe::{Event, Watch};
pub use digest::{Digest, Digester, Sum};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;

/// What is compared of a graph.
#[derive(Clone, Debug, Default)]
pub struct Fingerprint {
    /// Its nodes and relationships.
    pub digest: Digest,
    /// Its schema.
    pub schema: Schema,
    /// Statements outside the known shapes: what they would do nobody can compare.
    pub statements: u64,
}

/// A difference between two graphs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What differs: `nodes :Person:Admin`, `relationships of type KNOWS`, `schema`, `wiring`.
    pub what: String,
    /// What A has.
    pub a: String,
    /// What B has.
    pub b: String,
}

/// What a comparison found.
#[must_use = "it says whether the graphs are equal"]
#[derive(Clone, Debug, Default, Serialize)]
pub struct Comparison {
    /// Nodes of A and of B.
    pub nodes: (u64, u64),
    /// Relationships of A and of B.
    pub relationships: (u64, u64),
    /// The digests of A and of B, in hexadecimal.
    pub digests: (String, String),
    /// Schema objects of A and of B.
    pub schema: (usize, usize),
    /// What differs; empty for equal graphs.
    pub differences: Vec<Difference>,
}

/// Reads a feed to its end and takes its fingerprint.
///
/// # Errors
/// The feed fails or is damaged.
pub fn fingerprint(feed: &mut dyn Feed, watch: Watch<'_>) -> Result<Fingerprint> {
    let mut schema = feed.schema().clone();
    let (mut fingerprint, end) = pump(feed, watch, |pieces| {
        let mut digester = Digester::default();
        let mut statements = 0;
        for piece in pieces {
            match piece {
                Piece::Block(block) => digester.block(&block)?,
                Piece::Object(object) => schema.objects.push(object),
                Piece::Statement(_) => statements += 1,
                Piece::Existing { .. } => return Err(only_for_its_target()),
            }
        }
        Ok(Fingerprint { digest: digester.finish(), schema: Schema::default(), statements })
    })?;
    if end.changed == Some(true) {
        watch.tell(&Event::Warning("the database changed while it was read: what was compared is a mixture"));
    }
    fingerprint.schema = schema;
    Ok(fingerprint)
}

/// Compares two fingerprints.
///
/// # Errors
/// One holds statements outside the known shapes, so that nobody can say what graph it makes.
pub fn compare(a: &Fingerprint, b: &Fingerprint) -> Result<Comparison> {
    for (name, side) in [("first", a), ("second", b)] {
        if side.statements > 0 {
            return Err(Error::refused(format!(
                "the {name} dump has {} statements of unknown shape: what graph they make cannot be told without running them",
                side.statements
            )));
        }
    }
    let count = |sums: &mut dyn Iterator<Item = &Sum>| sums.map(|sum| sum.count).sum();
    let mut comparison = Comparison {
        nodes: (count(&mut a.digest.nodes.values()), count(&mut b.digest.nodes.values())),
        relationships: (count(&mut a.digest.relationships.values()), count(&mut b.digest.relationships.values())),
        digests: (format!("{:032x}", a.digest.total()), format!("{:032x}", b.digest.total())),
        schema: (a.schema.objects.len(), b.schema.objects.len()),
        differences: Vec::new(),
    };
    let differences = &mut comparison.differences;
    for labels in a.digest.nodes.keys().chain(b.digest.nodes.keys()).collect::<BTreeSet<_>>() {
        let name = if labels.is_empty() { "without label".to_owned() } else { format!(":{}", shown_all(labels, ":")) };
        kind(format!("nodes {name}"), a.digest.nodes.get(labels), b.digest.nodes.get(labels), differences);
    }
    for name in a.digest.relationships.keys().chain(b.digest.relationships.keys()).collect::<BTreeSet<_>>() {
        let (a, b) = (a.digest.relationships.get(name), b.digest.relationships.get(name));
        kind(format!("relationships of type {}", shown(name)), a, b, differences);
    }
    if differences.is_empty() && a.digest.wiring != b.digest.wiring {
        differences.push(Difference {
            what: "wiring".to_owned(),
            a: format!("{:032x}", a.digest.wiring),
            b: "the same nodes and relationships, joined otherwise".to_owned(),
        });
    }
    // Every Neo4j makes lookup indexes by itself, and no other system knows them: they count when both sides speak of some.
    let lookups_count = [a, b].iter().all(|side| side.schema.objects.iter().any(SchemaObject::is_lookup));
    for (from, to, is_a) in [(&a.schema, &b.schema, true), (&b.schema, &a.schema, false)] {
        for object in from.objects.iter().filter(|object| lookups_count || !object.is_lookup()) {
            if !to.objects.iter().any(|other| equal(object, other)) {
                let (here, there) = (details(object), "has no such object".to_owned());
                let (a, b) = if is_a { (here, there) } else { (there, here) };
                differences.push(Difference { what: object.describe(), a, b });
            }
        }
    }
    Ok(comparison)
}

/// Whether two schema objects are equal: everything but the order of configuration entries, and what one side does not say.
fn equal(a: &SchemaObject, b: &SchemaObject) -> bool {
    a == b || a.is_same_as(b)
}

fn details(object: &SchemaObject) -> String {
    serde_json::to_string(object).unwrap_or_else(|_| object.describe())
}

fn kind(what: String, a: Option<&Sum>, b: Option<&Sum>, differences: &mut Vec<Difference>) {
    let (a, b) = (a.copied().unwrap_or_default(), b.copied().unwrap_or_default());
    if a == b {
        return;
    }
    let (a, b) = if a.count == b.count {
        (
            format!("{} with digest {:08x}", a.count, a.hash >> 96),
            format!("{} with digest {:08x}: other values", b.count, b.hash >> 96),
        )
    } else {
        (a.count.to_string(), b.count.to_string())
    };
    differences.push(Difference { what, a, b });
}

impl Comparison {
    /// Whether the graphs are equal.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.differences.is_empty()
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_equal() {
            let (nodes, relationships) = (self.nodes.0, self.relationships.0);
            let (schema, digest) = (self.schema.0, &self.digests.0);
            return write!(
                f,
                "equal: {nodes} nodes, {relationships} relationships, {schema} schema objects, digest {digest}"
            );
        }
        write!(
            f,
            "different in {} {}",
            self.differences.len(),
            if self.differences.len() == 1 { "place" } else { "places" }
        )?;
        for Difference { what, a, b } in &self.differences {
            write!(f, "\n  {what}: A {a}, B {b}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::{Entity, Index, IndexKind, Map};

    fn with(objects: &[(IndexKind, &str)]) -> Fingerprint {
        let index = |(kind, name): &(IndexKind, &str)| {
            SchemaObject::Index(Index {
                name: Some((*name).to_owned()),
                kind: *kind,
                on: Entity::Node,
                labels: Vec::new(),
                properties: Vec::new(),
                provider: None,
                config: Map::new(),
            })
        };
        Fingerprint { schema: Schema { objects: objects.iter().map(index).collect() }, ..Fingerprint::default() }
    }

    #[test]
    fn lookup_indexes_count_between_two_that_have_some() {
        let (none, other) = (with(&[]), with(&[(IndexKind::Range, "a")]));
        let (one, another) = (with(&[(IndexKind::Lookup, "a")]), with(&[(IndexKind::Lookup, "b")]));
        assert!(compare(&none, &one).unwrap().is_equal());
        assert!(compare(&one, &one).unwrap().is_equal());
        assert_eq!(compare(&one, &another).unwrap().differences.len(), 2);
        assert_eq!(compare(&none, &other).unwrap().differences.len(), 1);
    }
}
