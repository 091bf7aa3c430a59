//! Indexes, constraints and triggers, with their names and options.
//!
//! One object is one thing that a database lists by itself. An index that a constraint owns is part of the constraint and not listed.
//! The serialised form (externally tagged, `{"index": {…}}`) is part of our formats: docs/format.md describes it.

use super::shown::{shown, shown_all};
use super::value::{Map, Value};
use serde::{Deserialize, Serialize};

/// Whether an object is about nodes or relationships.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entity {
    /// Nodes, told by their labels.
    Node,
    /// Relationships, told by their types.
    Relationship,
}

/// What an index is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum IndexKind {
    /// Equality, ranges and order: Neo4j's RANGE, Memgraph's label+property and edge-type+property.
    Range,
    /// Text search by substring.
    Text,
    /// Spatial search.
    Point,
    /// Full-text search over several labels and properties.
    Fulltext,
    /// Nearest neighbours.
    Vector,
    /// Neo4j's token lookup: which nodes have a label, which relationships a type.
    Lookup,
    /// Memgraph's index on a label or an edge type without properties.
    Label,
}

/// An index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// Its name; `None` where the system has no names for indexes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for.
    pub kind: IndexKind,
    /// Nodes or relationships.
    pub on: Entity,
    /// Labels or types; empty for a lookup index and for one on all of them.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Properties, in order; empty for a lookup index and one on labels alone.
    #[serde(default)]
    pub properties: Vec<String>,
    /// The index provider, such as `range-1.0`, as the source names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The configuration, as the source names it, such as `vector.dimensions`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub config: Map,
}

/// What a constraint demands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ConstraintKind {
    /// No two have the same values of these properties.
    Unique,
    /// The property is there.
    Existence,
    /// The properties are there, and no two have the same values of them.
    Key,
    /// The property, where it is there, has this type, as the source writes it: `STRING NOT NULL`, `LIST<INTEGER NOT NULL>`.
    PropertyType(String),
}

/// A constraint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constraint {
    /// Its name; `None` where the system has no names for constraints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it demands.
    pub kind: ConstraintKind,
    /// Nodes or relationships.
    pub on: Entity,
    /// The one label or type.
    pub label: String,
    /// Properties, in order.
    pub properties: Vec<String>,
    /// The provider of the index that it owns, if it owns one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The configuration of the index that it owns.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub config: Map,
}

/// A trigger. Its statement is kept as the source gave it, comments and newlines included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// Its name.
    pub name: String,
    /// What it runs.
    pub statement: String,
    /// Whose trigger it is: `apoc` or `memgraph`.
    pub system: String,
    /// When it runs: APOC's selector (`{phase: 'before'}`), or Memgraph's `event`, `phase` and `security`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub selector: Map,
    /// The parameters that APOC keeps with it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub params: Map,
    /// Whether it is installed and stopped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
}

/// An object of the schema that has no kind of its own here: an enum type, a time-to-live, a description.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherObject {
    /// What it is, in the source's words: `enum`, `ttl`, `node-label-existence`.
    pub kind: String,
    /// Its name, or what names it best.
    pub name: String,
    /// What the source tells of it.
    #[serde(default)]
    pub details: Map,
}

/// One object of the schema.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SchemaObject {
    /// An index.
    Index(Index),
    /// A constraint.
    Constraint(Constraint),
    /// A trigger.
    Trigger(Trigger),
    /// Something else.
    Other(OtherObject),
}

/// The schema of a graph, in the order of the source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schema {
    /// The objects.
    pub objects: Vec<SchemaObject>,
}

impl IndexKind {
    /// The keyword: `range`, `text`, `point`, `fulltext`, `vector`, `lookup`, `label`.
    #[must_use]
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::Text => "text",
            Self::Point => "point",
            Self::Fulltext => "fulltext",
            Self::Vector => "vector",
            Self::Lookup => "lookup",
            Self::Label => "label",
        }
    }
}

impl ConstraintKind {
    /// The keyword: `unique`, `existence`, `key`, `property-type`.
    #[must_use]
    pub fn keyword(&self) -> &'static str {
        match self {
            Self::Unique => "unique",
            Self::Existence => "existence",
            Self::Key => "key",
            Self::PropertyType(_) => "property-type",
        }
    }
}

impl Entity {
    /// `node` or `relationship`.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Relationship => "relationship",
        }
    }
}

impl SchemaObject {
    /// Whether it is a lookup index. Every Neo4j makes those by itself, and no other system knows them.
    #[must_use]
    pub fn is_lookup(&self) -> bool {
        matches!(self, Self::Index(index) if index.kind == IndexKind::Lookup)
    }

    /// The object's name, where it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Index(index) => index.name.as_deref(),
            Self::Constraint(constraint) => constraint.name.as_deref(),
            Self::Trigger(trigger) => Some(&trigger.name),
            Self::Other(other) => Some(&other.name),
        }
    }

    /// Whether data speak of it, so that it must be there before them.
    #[must_use]
    pub fn comes_before_data(&self) -> bool {
        matches!(self, Self::Other(other) if other.kind == "enum" || other.kind.starts_with("hugegraph-"))
    }

    /// What it is, for counts: `node range index`, `relationship unique constraint`, `apoc trigger`.
    #[must_use]
    pub fn sort_of(&self) -> String {
        match self {
            Self::Index(index) => format!("{} {} index", index.on.noun(), index.kind.keyword()),
            Self::Constraint(constraint) => {
                format!("{} {} constraint", constraint.on.noun(), constraint.kind.keyword())
            }
            Self::Trigger(trigger) => format!("{} trigger", trigger.system),
            Self::Other(other) => other.kind.clone(),
        }
    }

    /// What it is and what it is called, for messages: `node range index "i_age" on Person(age)`.
    #[must_use]
    pub fn describe(&self) -> String {
        let place = match self {
            Self::Index(index) => {
                format!(" on {}({})", shown_all(&index.labels, "|"), shown_all(&index.properties, ", "))
            }
            Self::Constraint(constraint) => {
                format!(" on {}({})", shown(&constraint.label), shown_all(&constraint.properties, ", "))
            }
            Self::Trigger(_) | Self::Other(_) => String::new(),
        };
        let name = self.name().map(|name| format!(" {name:?}")).unwrap_or_default();
        format!("{}{name}{place}", self.sort_of())
    }

    /// Whether two objects are the same but for what systems choose by themselves: names that are missing on one side, providers, and
    /// configuration entries that are missing on one side.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        fn agree<T: PartialEq>(a: &Option<T>, b: &Option<T>) -> bool {
            a.is_none() || b.is_none() || a == b
        }
        fn configs(a: &Map, b: &Map) -> bool {
            // These say which labels and properties are meant, so that none is a default.
            ["labels", "paths"].into_iter().all(|key| a.get(key) == b.get(key))
                && a.iter().all(|(key, value)| b.get(key).is_none_or(|other| other == value))
        }
        match (self, other) {
            (Self::Index(a), Self::Index(b)) => {
                a.kind == b.kind
                    && a.on == b.on
                    && a.labels == b.labels
                    && a.properties == b.properties
                    && agree(&a.name, &b.name)
                    && configs(&a.config, &b.config)
            }
            (Self::Constraint(a), Self::Constraint(b)) => {
                a.kind == b.kind
                    && a.on == b.on
                    && a.label == b.label
                    && a.properties == b.properties
                    && agree(&a.name, &b.name)
            }
            _ => self == other,
        }
    }
}

/// A map with one entry more: for building options by hand.
#[must_use]
pub fn with(mut map: Map, key: &str, value: impl Into<Value>) -> Map {
    map.insert(key.to_owned(), value.into());
    map
}
