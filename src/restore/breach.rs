//! Constraints that the merged data would break: found before anything is written.
//!
//! Each node and relationship is looked at in every state that the merge gives it. Two items in the same state of a unique key are a breach, also where one of them would
//! lose it later: the order of writing is not promised. Numbers are compared as numbers.

use super::identity::{Entity, Hash, Hasher};
use crate::error::Result;
use crate::model::{Class, ConstraintKind, Entity as On, Kind, SchemaObject};
use rustc_hash::FxHashSet;

/// A constraint to be kept.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What it is called in messages.
    pub describe: String,
    /// What it is about.
    pub class: Class,
    /// The label, or the type.
    pub name: String,
    /// The properties.
    pub properties: Vec<String>,
    unique: bool,
    required: bool,
    /// Whether it comes with the dump, so that the target's own data have not been held to it yet.
    is_new: bool,
}

impl Rule {
    /// The rule of a schema object; `None` for one that is not looked at.
    #[must_use]
    pub fn of(object: &SchemaObject, is_new: bool) -> Option<Self> {
        let SchemaObject::Constraint(constraint) = object else { return None };
        let (unique, required) = match constraint.kind {
            ConstraintKind::Unique => (true, false),
            ConstraintKind::Existence => (false, true),
            ConstraintKind::Key => (true, true),
            ConstraintKind::PropertyType(_) => return None,
        };
        let class = match constraint.on {
            On::Node => Class::Nodes,
            On::Relationship => Class::Relationships,
        };
        let (name, properties) = (constraint.label.clone(), constraint.properties.clone());
        Some(Self { describe: object.describe(), class, name, properties, unique, required, is_new })
    }
}

/// An item in a state that the merge gives it.
#[derive(Clone, Copy, Debug)]
pub struct State<'a> {
    /// Its labels or type.
    pub kind: &'a Kind,
    /// Its properties.
    pub properties: &'a [u8],
    /// Which item it is.
    pub entity: Entity,
    /// Its id in the dump.
    pub old: i64,
}

/// A rule that would be broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The item of the dump; `None` where the target's own data break a constraint of the dump.
    pub old: Option<i64>,
    /// Nodes or relationships.
    pub class: Class,
    /// What is wrong, in words.
    pub message: String,
}

#[derive(Clone, Copy, Debug)]
struct Tuple {
    hash: Hash,
    entity: Entity,
    old: i64,
}

/// What the rules have seen.
#[derive(Debug)]
pub struct Examination {
    rules: Vec<Rule>,
    tuples: Vec<Vec<Tuple>>,
    /// Nodes of the target that a new existence constraint finds satisfied by the merge.
    satisfied: Vec<FxHashSet<i64>>,
    hasher: Hasher,
}

impl Examination {
    /// Holds items to these rules.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> Self {
        let tuples = rules.iter().map(|_| Vec::new()).collect();
        let satisfied = rules.iter().map(|_| FxHashSet::default()).collect();
        Self { rules, tuples, satisfied, hasher: Hasher::default() }
    }

    /// Whether any rule is about this class.
    #[must_use]
    pub fn concerns(&self, class: Class) -> bool {
        self.rules.iter().any(|rule| rule.class == class)
    }

    /// The types of relationships that rules are about.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().filter(|rule| rule.class == Class::Relationships).map(|rule| &*rule.name)
    }

    /// Looks at an item in a state; tells a breach that is plain already.
    ///
    /// # Errors
    /// The properties are not well formed, or what `tell` says.
    pub fn add(&mut self, class: Class, state: &State<'_>, tell: &mut dyn FnMut(Breach) -> Result<()>) -> Result<()> {
        let Self { rules, tuples, satisfied, hasher } = self;
        for ((rule, tuples), satisfied) in rules.iter().zip(tuples).zip(satisfied) {
            if rule.class != class || !state.kind.names().iter().any(|name| **name == *rule.name) {
                continue;
            }
            if rule.required {
                let mut missing = None;
                for property in &rule.properties {
                    if crate::model::change::property(state.properties, property)?.is_none() {
                        missing = Some(property);
                    }
                }
                match (missing, state.entity) {
                    (Some(property), _) => tell(Breach {
                        old: Some(state.old),
                        class,
                        message: format!(
                            "{} {} has no property {property:?}: {}",
                            class.noun(),
                            state.old,
                            rule.describe
                        ),
                    })?,
                    (None, Entity::Present(id)) => _ = satisfied.insert(id),
                    (None, Entity::Fresh(_)) => {}
                }
            }
            if rule.unique
                && let Some(hash) = hasher.of_properties(state.properties, &rule.properties)?
            {
                tuples.push(Tuple { hash, entity: state.entity, old: state.old });
            }
        }
        Ok(())
    }

    /// Compares what was seen with one another and with the target, which `look` pushes: id and values.
    ///
    /// # Errors
    /// What `look` and `tell` say.
    pub fn finish(
        self,
        mut look: impl FnMut(&Rule, &mut dyn FnMut(i64, &[u8]) -> Result<()>) -> Result<()>,
        tell: &mut dyn FnMut(Breach) -> Result<()>,
    ) -> Result<()> {
        let Self { rules, tuples, satisfied, mut hasher } = self;
        for ((rule, mut tuples), satisfied) in rules.into_iter().zip(tuples).zip(satisfied) {
            tuples.sort_by_key(|tuple| tuple.hash);
            let noun = rule.class.noun();
            for group in tuples.chunk_by(|a, b| a.hash == b.hash) {
                let Some((first, others)) = group.split_first() else { continue };
                let rival = |other: &&Tuple| other.entity != first.entity;
                for other in others.iter().filter(rival) {
                    let message = format!(
                        "{noun} {} has what {noun} {} of the dump has already: {}",
                        other.old, first.old, rule.describe
                    );
                    tell(Breach { old: Some(other.old), class: rule.class, message })?;
                }
            }
            if tuples.is_empty() && !rule.is_new {
                continue;
            }
            let mut own: Vec<Hash> = Vec::new();
            look(&rule, &mut |id, values| {
                let Some(hash) = hasher.of_values(values)? else {
                    if rule.required && rule.is_new && !satisfied.contains(&id) && lacks(values)? {
                        let message = format!("{noun} {id} of the target lacks a property: {}", rule.describe);
                        tell(Breach { old: None, class: rule.class, message })?;
                    }
                    return Ok(());
                };
                if !rule.unique {
                    return Ok(());
                }
                if rule.is_new {
                    own.push(hash);
                }
                let from = tuples.partition_point(|tuple| tuple.hash < hash);
                let same = tuples.iter().skip(from).take_while(|tuple| tuple.hash == hash);
                // Relationships of the target are not changed, so that none of the dump is one of them.
                let is_me = |tuple: &Tuple| rule.class == Class::Nodes && tuple.entity == Entity::Present(id);
                for tuple in same.filter(|tuple| !is_me(tuple)) {
                    let message = format!(
                        "{noun} {} has what {noun} {id} of the target has already: {}",
                        tuple.old, rule.describe
                    );
                    tell(Breach { old: Some(tuple.old), class: rule.class, message })?;
                }
                Ok(())
            })?;
            own.sort_unstable();
            let twice = own.windows(2).filter(|pair| matches!(pair, [a, b] if a == b)).count();
            if twice > 0 {
                let message =
                    format!("{twice} {noun}s of the target have what another one has already: {}", rule.describe);
                tell(Breach { old: None, class: rule.class, message })?;
            }
        }
        Ok(())
    }
}

/// Whether one of the values is missing.
fn lacks(values: &[u8]) -> Result<bool> {
    let mut cursor = crate::model::Cursor::new(values);
    while !cursor.is_at_end() {
        let value = crate::model::Cursor::new(cursor.raw()?).value()?;
        if value == crate::model::ValueRef::Null {
            return Ok(true);
        }
    }
    Ok(false)
}
