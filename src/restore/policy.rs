//! What a merge is asked to do: which node is which, and what happens to one that is there already.

use crate::backend::Once;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A key: nodes with this label and the same values of these properties are the same node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// The label.
    pub label: String,
    /// The properties, all of which count.
    pub properties: Vec<String>,
}

impl FromStr for Key {
    type Err = Error;

    /// Reads `Person=email` or `Person=first,last`.
    fn from_str(text: &str) -> Result<Self> {
        let wrong =
            || Error::usage(format!("{text:?} is not a key")).hint("write it as Person=email or Person=first,last");
        let (label, properties) = text.split_once('=').ok_or_else(wrong)?;
        let properties: Vec<String> = properties.split(',').map(|name| name.trim().to_owned()).collect();
        if label.is_empty() || properties.iter().any(String::is_empty) {
            return Err(wrong());
        }
        Ok(Self { label: label.trim().to_owned(), properties })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.label, self.properties.join(","))
    }
}

/// A property that holds ids of nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The label or the type.
    pub name: String,
    /// The property.
    pub property: String,
}

impl FromStr for Reference {
    type Err = Error;

    /// Reads `Person.manager_id`: the last dot counts.
    fn from_str(text: &str) -> Result<Self> {
        let parts = text.rsplit_once('.').filter(|(name, property)| !name.is_empty() && !property.is_empty());
        let (name, property) = parts.ok_or_else(|| {
            Error::usage(format!("{text:?} is not a label or type with a property"))
                .hint("write it as Person.manager_id")
        })?;
        Ok(Self { name: name.to_owned(), property: property.to_owned() })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.name, self.property)
    }
}

/// What happens to a node that is recognised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnConflict {
    /// Nothing is written at all.
    #[default]
    Error,
    /// It stays as it is.
    Skip,
    /// The dump's values win, labels are added.
    Overwrite,
    /// Missing properties and labels are added.
    Fill,
    /// It is not recognised: another one is made.
    Duplicate,
}

impl OnConflict {
    /// What then becomes of those that are there.
    #[must_use]
    pub fn outcome(self) -> &'static str {
        match self {
            Self::Error => "an error",
            Self::Skip => "left as they are",
            Self::Overwrite => "overwritten",
            Self::Fill => "filled",
            Self::Duplicate => "made again",
        }
    }
}

/// Which relationships are created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relationships {
    /// All.
    #[default]
    Always,
    /// Not where one of the type leads from the start to the end already.
    Once,
    /// Not where one with the same properties does.
    OnceWithProperties,
}

impl Relationships {
    /// What a session is told.
    #[must_use]
    pub fn once(self) -> Once {
        match self {
            Self::Always => Once::Always,
            Self::Once => Once::Ends,
            Self::OnceWithProperties => Once::Properties,
        }
    }
}

/// What happens to triggers that the target has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Triggers {
    /// They fire.
    #[default]
    Keep,
    /// They are stopped for the run.
    Suspend,
}

/// Everything that a merge is asked to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The keys by which nodes are recognised.
    pub keys: Vec<Key>,
    /// Whether the target's own constraints are keys as well.
    pub key_constraints: bool,
    /// What happens to a node that is recognised.
    pub on_conflict: OnConflict,
    /// Which relationships are created.
    pub relationships: Relationships,
    /// Properties that hold ids of nodes.
    pub rewrite: Vec<Reference>,
    /// Whether what nodes were before is kept, and the ledger after the run.
    pub undoable: bool,
    /// Whether the ledger is kept after the run.
    pub keep_ledger: bool,
    /// What happens to triggers that the target has.
    pub triggers: Triggers,
}

impl Policy {
    /// Whether anything can be recognised.
    #[must_use]
    pub fn recognises(&self) -> bool {
        self.on_conflict != OnConflict::Duplicate && !self.keys.is_empty()
    }

    /// Whether nodes that are recognised are changed.
    #[must_use]
    pub fn changes(&self) -> bool {
        matches!(self.on_conflict, OnConflict::Overwrite | OnConflict::Fill)
    }

    /// Looks for a contradiction.
    ///
    /// # Errors
    /// [`Usage`](crate::ErrorKind::Usage): a property of a key is to be rewritten.
    pub fn check(&self) -> Result<()> {
        let both = self.rewrite.iter().find(|reference| {
            self.keys.iter().any(|key| key.label == reference.name && key.properties.contains(&reference.property))
        });
        match both {
            Some(both) => Err(Error::usage(format!("{both} is part of a key and cannot be rewritten as well"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn keys_and_references_are_read() {
        let key: Key = "Person=first, last".parse().unwrap();
        assert_eq!(
            (key.label.as_str(), key.properties.as_slice()),
            ("Person", &["first".to_owned(), "last".to_owned()][..])
        );
        assert_eq!(key.to_string(), "Person=first,last");
        for wrong in ["Person", "=a", "Person=", "Person=a,"] {
            let error = wrong.parse::<Key>().unwrap_err();
            assert_eq!(error.to_string(), format!("{wrong:?} is not a key"));
        }
        let reference: Reference = "a.b.c".parse().unwrap();
        assert_eq!((reference.name.as_str(), reference.property.as_str()), ("a.b", "c"));
        assert!("a".parse::<Reference>().is_err() && ".a".parse::<Reference>().is_err());
    }
}
