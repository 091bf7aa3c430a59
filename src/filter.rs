//! What of a graph is wanted: sections, labels and types.

use crate::error::{Error, Result};
use crate::ids::IdSet;
use crate::model::{Block, Class, Kind, SchemaObject};
use std::collections::BTreeSet;

/// A part of a dump, as `pg_dump` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// What has to exist before the data: enum types.
    PreData,
    /// Nodes and relationships.
    Data,
    /// Indexes, constraints and triggers.
    PostData,
}

/// What to do with a relationship whose end was filtered out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dangling {
    /// Stop.
    #[default]
    Error,
    /// Leave it out, and count it.
    Skip,
}

/// What is wanted. The default wants everything.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Nodes with one of these labels; empty for all nodes.
    pub include_labels: BTreeSet<String>,
    /// But not those with one of these.
    pub exclude_labels: BTreeSet<String>,
    /// Relationships of these types; empty for all.
    pub include_types: BTreeSet<String>,
    /// But not of these.
    pub exclude_types: BTreeSet<String>,
    /// These sections; empty for all.
    pub sections: BTreeSet<Section>,
    /// What to do with a relationship whose end was filtered out.
    pub dangling: Dangling,
}

/// A choice that is being applied to a graph, nodes before their relationships.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    choice: Choice,
    dropped: IdSet,
    skipped: u64,
}

impl From<Choice> for Filter {
    fn from(choice: Choice) -> Self {
        Self { choice, ..Self::default() }
    }
}

impl Filter {
    fn wants(&self, section: Section) -> bool {
        self.choice.sections.is_empty() || self.choice.sections.contains(&section)
    }

    /// Whether nodes and relationships are wanted.
    #[must_use]
    pub fn wants_data(&self) -> bool {
        self.wants(Section::Data)
    }

    /// Whether any schema object can be wanted.
    #[must_use]
    pub fn wants_some_schema(&self) -> bool {
        self.wants(Section::PreData) || self.wants(Section::PostData)
    }

    /// Whether an object is wanted. One that is about labels or types of which none is wanted goes with them.
    #[must_use]
    pub fn wants_object(&self, object: &SchemaObject) -> bool {
        use crate::model::Entity;
        let section = if object.comes_before_data() { Section::PreData } else { Section::PostData };
        let (on, names) = match object {
            SchemaObject::Index(index) => (index.on, &index.labels[..]),
            SchemaObject::Constraint(constraint) => (constraint.on, std::slice::from_ref(&constraint.label)),
            SchemaObject::Trigger(_) | SchemaObject::Other(_) => return self.wants(section),
        };
        let (include, exclude) = match on {
            Entity::Node => (&self.choice.include_labels, &self.choice.exclude_labels),
            Entity::Relationship => (&self.choice.include_types, &self.choice.exclude_types),
        };
        let wanted = |name: &String| (include.is_empty() || include.contains(name)) && !exclude.contains(name);
        self.wants(section) && (names.is_empty() || names.iter().any(wanted))
    }

    fn is_selective(&self) -> bool {
        let lists = [
            &self.choice.include_labels,
            &self.choice.exclude_labels,
            &self.choice.include_types,
            &self.choice.exclude_types,
        ];
        lists.iter().any(|list| !list.is_empty())
    }

    /// Whether relationships without one of their ends are to be left out.
    #[must_use]
    pub fn skips_dangling(&self) -> bool {
        self.choice.dangling == Dangling::Skip
    }

    /// Relationships that were left out since an end of theirs was.
    #[must_use]
    pub fn dangling(&self) -> u64 {
        self.skipped
    }

    /// The filter as the options that make it, for a dump's header.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        for (option, list) in [
            ("include-label", &self.choice.include_labels),
            ("exclude-label", &self.choice.exclude_labels),
            ("include-type", &self.choice.include_types),
            ("exclude-type", &self.choice.exclude_types),
        ] {
            words.extend(list.iter().map(|name| format!("--{option} {name}")));
        }
        let sections = self.choice.sections.iter().map(|section| match section {
            Section::PreData => "--section pre-data",
            Section::Data => "--section data",
            Section::PostData => "--section post-data",
        });
        words.extend(sections.map(str::to_owned));
        if self.is_selective() && self.choice.dangling == Dangling::Skip {
            words.push("--dangling skip".to_owned());
        }
        words
    }

    /// Leaves out of a block what is not wanted. Remembers the nodes that were left out: 1 bit a node, where ids are dense.
    ///
    /// # Errors
    /// A relationship has lost an end, and `dangling` says to stop.
    pub fn apply(&mut self, block: &mut Block) -> Result<()> {
        if !self.is_selective() {
            return Ok(());
        }
        match block.class() {
            Class::Nodes => {
                let Self { choice: Choice { include_labels, exclude_labels, .. }, dropped, .. } = self;
                block.retain(|kind, item| {
                    let keep = wanted(kind, include_labels, exclude_labels);
                    if !keep {
                        dropped.insert(item.id);
                    }
                    keep
                });
                Ok(())
            }
            Class::Relationships => {
                let mut broken = None;
                let Self { choice: Choice { include_types, exclude_types, dangling, .. }, dropped, skipped } = self;
                block.retain(|kind, item| {
                    if !wanted(kind, include_types, exclude_types) {
                        return false;
                    }
                    let dangles = dropped.contains(item.start) || dropped.contains(item.end);
                    if dangles && *dangling == Dangling::Error {
                        broken.get_or_insert_with(|| (item.id, kind.relationship_type().to_owned()));
                        return true;
                    }
                    *skipped += u64::from(dangles);
                    !dangles
                });
                match broken {
                    None => Ok(()),
                    Some((id, kind)) => Err(Error::refused(format!(
                        "relationship {id} of type {kind:?} has an end that was filtered out"
                    ))
                    .hint("add --dangling=skip to leave such relationships out, or exclude their type")),
                }
            }
        }
    }
}

fn wanted(kind: &Kind, include: &BTreeSet<String>, exclude: &BTreeSet<String>) -> bool {
    let among = |set: &BTreeSet<String>| kind.names().iter().any(|name| set.contains(&**name));
    (include.is_empty() || among(include)) && !among(exclude)
}
