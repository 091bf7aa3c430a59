//! Keys: which property of which label tells a node.

use crate::error::{Error, Result};
use crate::model::content::Content;
use crate::model::{Cursor, packstream};
use std::fmt;
use std::str::FromStr;

/// `Label=property`: nodes with the label are told by the property. With several properties, `Label=a,b`, by all of them together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The label.
    pub label: String,
    /// The properties, at least one.
    pub properties: Vec<String>,
}

impl FromStr for Key {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (label, properties) = text.split_once('=').unwrap_or((text, ""));
        let properties: Vec<String> = properties.split(',').map(|name| name.trim().to_owned()).collect();
        if label.is_empty() || properties.iter().any(String::is_empty) {
            return Err(Error::usage(format!("{text:?} is no key")).hint("a key is Label=property, as in Person=email"));
        }
        Ok(Self { label: label.to_owned(), properties })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}={}", self.label, self.properties.join(","))
    }
}

/// The hash of what tells a node: that of the first key that it has, with the key's own name, so that two keys never meet.
pub(super) fn of_node(
    keys: &[Key],
    labels: &[String],
    properties: &[u8],
    content: &mut Content,
) -> Result<Option<u128>> {
    for key in keys.iter().filter(|key| labels.contains(&key.label)) {
        let mut members = Vec::new();
        packstream::put_map(&mut members, key.properties.len());
        let mut found = 0;
        for name in &key.properties {
            if let Some(value) = member(properties, name)? {
                packstream::put_string(&mut members, name);
                members.extend_from_slice(value);
                found += 1;
            }
        }
        if found == key.properties.len() {
            return content.hash(&["key".to_owned(), key.label.clone()], &members, &[1]).map(Some);
        }
    }
    Ok(None)
}

/// The value of a property.
fn member<'a>(properties: &'a [u8], name: &str) -> Result<Option<&'a [u8]>> {
    let mut cursor = Cursor::new(properties);
    for _ in 0..cursor.map()? {
        let key = cursor.string()?;
        let value = cursor.raw()?;
        if key == name {
            return Ok(Some(value));
        }
    }
    Ok(None)
}
