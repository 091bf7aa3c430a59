//! Dropping what a target holds, before a restore.

use crate::backend::{Facts, Target};
use crate::error::Result;
use crate::guard::{Victim, WipeConsent};
use crate::model::{Class, Schema, SchemaObject};
use crate::observe::{Event, Watch};

/// What of a target would be dropped.
#[must_use]
pub fn victim(facts: &Facts) -> Victim {
    let origin = &facts.origin;
    Victim {
        database: origin.database.clone(),
        system: format!("{} {}", origin.product, origin.version),
        nodes: facts.nodes,
        relationships: facts.relationships,
        objects: facts.schema.objects.len() as u64,
    }
}

/// The facts of the same target when it is empty: what a plan for the time after is made with.
#[must_use]
pub fn emptied(facts: &Facts) -> Facts {
    // Memgraph's enums cannot be dropped.
    let lasts = |object: &&SchemaObject| matches!(object, SchemaObject::Other(other) if other.kind == "enum");
    let mut objects: Vec<_> = facts.schema.objects.iter().filter(lasts).cloned().collect();
    if facts.origin.product != "memgraph" {
        objects.clear();
    }
    Facts { nodes: 0, relationships: 0, schema: Schema { objects }, ..facts.clone() }
}

/// Drops nodes, relationships, schema, triggers and ledgers. What was cut off goes on when it is called again.
///
/// # Errors
/// The target refuses or fails; or the consent is for another database.
pub fn wipe(target: &mut dyn Target, consent: &WipeConsent, watch: Watch<'_>) -> Result<()> {
    let facts = target.facts()?;
    consent.check(&facts.origin.database)?;
    watch.tell(&Event::Step { what: "dropping the database", total: Some(facts.nodes + facts.relationships) });
    for (run, _) in target.runs()? {
        target.forget(&run)?;
    }
    target.wipe(consent, &mut |count| {
        watch.tell(&Event::Items { class: Class::Nodes, count });
        watch.stop.check()
    })
}
