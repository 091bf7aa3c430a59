//! Keys and items as they were declared and begun, and what says the labels or the type of an item.

use super::value::Plain;
use crate::error::{Error, Result};
use crate::model::{Class, Kind};

/// The type of a relationship of which the file says none: the one that APOC takes.
pub(super) const RELATED: &str = "RELATED";

/// A declaration.
pub(super) struct Key {
    pub(super) name: String,
    pub(super) place: usize,
    pub(super) said: Plain,
    pub(super) list: Option<Plain>,
    pub(super) default: Option<Vec<u8>>,
    pub(super) for_class: Option<Class>,
    /// It holds the labels or the type.
    pub(super) kind: bool,
    /// It holds a drawing of yEd's.
    pub(super) drawing: bool,
}

/// A node or an edge that began.
pub(super) struct Item {
    pub(super) class: Class,
    pub(super) line: u64,
    pub(super) id: String,
    pub(super) ends: Option<(i64, i64)>,
    /// Labels or the type as told by our own attribute, APOC's, or a `<data>`.
    pub(super) own: Option<String>,
    pub(super) attribute: Option<String>,
    pub(super) data: Option<String>,
    pub(super) size: usize,
}

/// Whether a `<data>` is where a writer puts labels or types: TinkerPop's, APOC's beside its attribute, or ours.
pub(super) fn is_kind(key: &Key, item: &Item, text: &str) -> bool {
    if key.kind {
        return true;
    }
    let repeats = item.attribute.as_deref().is_some_and(|told| told == text);
    if repeats && matches!(key.name.as_str(), "labels" | "label" | "TYPE") {
        return true;
    }
    if item.data.is_some() {
        return false;
    }
    match (item.class, key.name.as_str()) {
        (Class::Nodes, "labelV") | (Class::Relationships, "labelE") => item.attribute.is_none(),
        (Class::Nodes, "labels") => item.attribute.is_none() && text.starts_with(':'),
        (Class::Relationships, "label") => item.attribute.is_none(),
        _ => false,
    }
}

/// The labels or the type of an item.
pub(super) fn kind(item: &Item, untyped: &mut u64) -> Result<Kind> {
    let told = item.attribute.as_deref().or(item.data.as_deref());
    if item.class == Class::Relationships {
        let own = match &item.own {
            Some(own) => Some(json_string(own).ok_or_else(|| Error::corrupt("gf:label is no JSON string"))?),
            None => None,
        };
        let name = own.as_deref().or(told);
        *untyped += u64::from(name.is_none());
        return Ok(Kind::relationship(name.unwrap_or(RELATED)));
    }
    let labels: Vec<String> = match (&item.own, told) {
        (Some(own), _) => {
            serde_json::from_str(own).map_err(|_| Error::corrupt("gf:labels is no JSON list of strings"))?
        }
        (None, Some(told)) => match told.strip_prefix(':') {
            Some(told) => told.split(':').map(str::to_owned).collect(),
            // TinkerPop's label; several stand with two colons between them.
            None => told.split("::").filter(|label| !label.is_empty()).map(str::to_owned).collect(),
        },
        (None, None) => Vec::new(),
    };
    let mut seen = std::collections::HashSet::new();
    match labels.iter().find(|label| !seen.insert(label.as_str())) {
        Some(twice) => Err(Error::corrupt(format!("the label {twice:?} comes twice"))),
        None => Ok(Kind::labels(&labels)),
    }
}

/// The id in a file of ours.
pub(super) fn own_id(letter: char, text: &str) -> Option<i64> {
    let digits = text.strip_prefix(letter)?;
    digits.parse().ok().filter(|_| !digits.starts_with('+'))
}

pub(super) fn json_string(text: &str) -> Option<String> {
    serde_json::from_str(text).ok()
}
