//! What a system or a format can hold, and what would be lost on the way into it.

use super::block::{Block, Class, Item};
use super::packstream::Cursor;
use super::schema::{ConstraintKind, Entity, Index, IndexKind, Schema, SchemaObject};
use super::tally::{Tally, sort_of_value};
use crate::error::Result;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// What a system can hold. Everything that is not named here is held.
#[derive(Clone, Debug, Default)]
pub struct Capability {
    /// The system, for messages: `Neo4j 5.26.30 community`.
    pub system: String,
    /// Types of values that it cannot hold, as [`Tally::values`] names them; `list of map` and `map` are two.
    pub refused_values: Vec<String>,
    /// Types of values that it can only hold as text.
    pub values_as_text: Vec<String>,
    /// Kinds of constraints that it cannot hold.
    pub refused_constraints: Vec<(Entity, ConstraintKindName)>,
    /// Kinds of indexes that it cannot hold.
    pub refused_indexes: Vec<(Entity, IndexKind)>,
    /// Settings that an index of a kind cannot have.
    pub refused_settings: Vec<(IndexKind, &'static str)>,
    /// Systems of triggers that it can hold: `apoc`, `memgraph`, or `*` for all.
    pub triggers: Vec<String>,
    /// Kinds of other objects that it can hold, or `*` for all.
    pub other_objects: Vec<String>,
    /// What else stands against one object, such as a setting or a version.
    pub objection: Option<Objection>,
    /// What is wrong with a single value whose type it can hold, behind "values": `None` where it looks at types alone.
    pub misfits: Option<Misfits>,
    /// What stands against one item as a whole: `None` where its names and values say all.
    pub items: Option<ItemObjection>,
    /// Why a label, a type or a property key cannot be held: `None` where every name can.
    pub refused_names: Option<NameRefusal>,
}

/// Tells why a name cannot be held, behind "names": `that are empty or hold a NUL character`.
pub type NameRefusal = fn(&str) -> Option<&'static str>;

/// Tells what is wrong with the value at a cursor: `that are finer than a microsecond`.
pub type Misfits = fn(Class, &mut Cursor<'_>) -> Result<Option<&'static str>>;

/// Says why a system cannot hold an object whose kind it has: nothing where it can.
#[derive(Clone)]
pub struct Objection(Arc<Judge>);

type Judge = dyn Fn(&SchemaObject) -> Option<String> + Send + Sync;

impl Objection {
    /// Asks this function.
    #[must_use]
    pub fn new(judge: impl Fn(&SchemaObject) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(judge))
    }

    /// Why the object cannot be held; `None` where it can.
    #[must_use]
    pub fn against(&self, object: &SchemaObject) -> Option<String> {
        (self.0)(object)
    }
}

impl fmt::Debug for Objection {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Objection")
    }
}

/// Says why a system cannot hold an item whose names and values it can: nothing where it can.
#[derive(Clone)]
pub struct ItemObjection(Arc<ItemJudge>);

type ItemJudge = dyn Fn(&Block, &Item) -> Option<String> + Send + Sync;

impl ItemObjection {
    /// Asks this function.
    #[must_use]
    pub fn new(judge: impl Fn(&Block, &Item) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(judge))
    }

    /// Why the item cannot be held; `None` where it can.
    #[must_use]
    pub fn against(&self, block: &Block, item: &Item) -> Option<String> {
        (self.0)(block, item)
    }
}

impl fmt::Debug for ItemObjection {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("ItemObjection")
    }
}

/// A [`ConstraintKind`] without its details: its keyword.
pub type ConstraintKindName = &'static str;

/// Something that a target cannot hold: shown in the plan, refused unless `--allow-loss` names its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// What to say to `--allow-loss`: `constraint`, `index`, `trigger`, `schema`, `value`, `type`.
    pub kind: &'static str,
    /// What is lost, in words.
    pub what: String,
    /// How many there are.
    pub count: u64,
}

impl Capability {
    /// A system that holds everything.
    #[must_use]
    pub fn all(system: impl Into<String>) -> Self {
        Self { system: system.into(), triggers: vec!["*".into()], other_objects: vec!["*".into()], ..Self::default() }
    }

    /// A system without a schema.
    #[must_use]
    pub fn no_schema(system: impl Into<String>) -> Self {
        let both = [Entity::Node, Entity::Relationship];
        let constraints = ["unique", "existence", "key", "property-type"];
        let indexes = [
            IndexKind::Range,
            IndexKind::Text,
            IndexKind::Point,
            IndexKind::Fulltext,
            IndexKind::Vector,
            IndexKind::Lookup,
            IndexKind::Label,
        ];
        Self {
            system: system.into(),
            refused_constraints: both.iter().flat_map(|on| constraints.map(|kind| (*on, kind))).collect(),
            refused_indexes: both.iter().flat_map(|on| indexes.map(|kind| (*on, kind))).collect(),
            ..Self::default()
        }
    }

    /// Whether a schema object can be held.
    #[must_use]
    pub fn holds(&self, object: &SchemaObject) -> bool {
        self.holds_kind(object) && self.objection.as_ref().is_none_or(|objection| objection.against(object).is_none())
    }

    fn holds_kind(&self, object: &SchemaObject) -> bool {
        let named = |list: &[String], name: &str| list.iter().any(|known| known == "*" || known == name);
        match object {
            SchemaObject::Index(index) => {
                !self.refused_indexes.contains(&(index.on, index.kind)) && self.refused_setting(index).is_none()
            }
            SchemaObject::Constraint(constraint) => {
                !self.refused_constraints.contains(&(constraint.on, ConstraintKind::keyword(&constraint.kind)))
            }
            SchemaObject::Trigger(trigger) => named(&self.triggers, &trigger.system),
            SchemaObject::Other(other) => named(&self.other_objects, &other.kind),
        }
    }

    /// A setting of the index that it cannot have.
    fn refused_setting(&self, index: &Index) -> Option<&'static str> {
        let refused =
            self.refused_settings.iter().find(|(kind, key)| index.kind == *kind && index.config.contains_key(*key));
        refused.map(|(_, key)| *key)
    }

    /// The schema objects that would be lost, one loss each.
    #[must_use]
    pub fn schema_losses(&self, schema: &Schema) -> Vec<Loss> {
        let lost = schema.objects.iter().filter(|object| !self.holds(object));
        lost.map(|object| {
            let kind = match object {
                SchemaObject::Index(_) => "index",
                SchemaObject::Constraint(_) => "constraint",
                SchemaObject::Trigger(_) => "trigger",
                SchemaObject::Other(_) => "schema",
            };
            let setting = match object {
                SchemaObject::Index(index) => self.refused_setting(index),
                _ => None,
            };
            let objection = self.objection.as_ref().filter(|_| self.holds_kind(object));
            let why = match (setting, objection.and_then(|objection| objection.against(object))) {
                (Some(setting), _) => format!(", which has the setting {setting}"),
                (None, Some(why)) => format!(" ({why})"),
                (None, None) => String::new(),
            };
            Loss { kind, what: format!("{}{why}", object.describe()), count: 1 }
        })
        .collect()
    }

    /// What is wrong with the value at a cursor: `values that …`. A type that is refused as a whole is not told of here.
    ///
    /// # Errors
    /// The bytes are not well formed.
    pub fn misfit(&self, class: Class, cursor: Cursor<'_>) -> Result<Option<&'static str>> {
        let Some(misfits) = self.misfits else { return Ok(None) };
        let mut at = cursor;
        match misfits(class, &mut at)? {
            Some(why) if !self.refused_values.contains(&sort_of_value(cursor)?) => Ok(Some(why)),
            _ => Ok(None),
        }
    }

    /// The values that would be lost, one loss a type.
    #[must_use]
    pub fn value_losses(&self, tally: &Tally) -> Vec<Loss> {
        let lost = tally.values.iter().filter(|(name, _)| self.refused_values.contains(name));
        let mut losses: Vec<_> = lost
            .map(|(name, count)| Loss { kind: "value", what: format!("values of type {name}"), count: *count })
            .collect();
        let changed = tally.values.iter().filter(|(name, _)| self.values_as_text.contains(name));
        losses.extend(changed.map(|(name, count)| Loss {
            kind: "type",
            what: format!("type of values that are {name}: they become text"),
            count: *count,
        }));
        losses
    }
}
