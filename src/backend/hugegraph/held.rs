//! What HugeGraph can hold that is not at hand.
//!
//! A graph that has HugeGraph's schema has to be what that schema says: [`held`] judges every vertex and edge by it. Any other graph gets a shape first
//! ([`crate::shape`] says what is lost then), and here only names and values are judged.

use crate::error::Result;
use crate::hugegraph::schema::{IdStrategy, PropertyKey};
use crate::hugegraph::value::write;
use crate::hugegraph::{Definitions, ID, record};
use crate::model::capability::ItemObjection;
use crate::model::{Block, Capability, Class, Cursor, Item, Schema, ValueRef};
use std::collections::BTreeSet;

/// Bytes of a value, at most: the server says so.
const LARGEST: usize = 10_485_760;

/// Bytes of the id of a vertex, at most.
const LONGEST_ID: usize = 16_384;

/// What a HugeGraph can hold; of a graph with this schema, if it is HugeGraph's.
///
/// # Errors
/// The schema is not what HugeGraph would have said.
pub fn held(system: String, schema: Option<&Schema>) -> Result<Capability> {
    let mut capability = super::target::capability(system);
    capability.refused_names = Some(odd_name);
    capability.misfits = Some(misfit);
    if let Some(schema) = schema {
        let mut definitions = Definitions::default();
        for object in &schema.objects {
            definitions.add(object)?;
        }
        capability.items = Some(ItemObjection::new(move |block, item| {
            let objection = match block.class() {
                Class::Nodes => vertex(&definitions, block, item),
                Class::Relationships => edge(&definitions, block, item),
            };
            objection.unwrap_or_else(|error| Some(error.message().to_owned()))
        }));
    }
    Ok(capability)
}

fn odd_name(name: &str) -> Option<&'static str> {
    let is_fine = name == ID || crate::hugegraph::name::is_taken(name);
    (!is_fine).then_some(
        "that are empty or longer than 255 bytes, begin with ~, end with white space, or hold > : ! # or NUL",
    )
}

fn misfit(_: Class, cursor: &mut Cursor<'_>) -> Result<Option<&'static str>> {
    Ok(match cursor.value()? {
        ValueRef::String(text) if text.len() > LARGEST => Some("that have more than 10485760 bytes"),
        ValueRef::Bytes(bytes) if bytes.len() > LARGEST => Some("that have more than 10485760 bytes"),
        ValueRef::DateTime(at) if at.nanoseconds % 1_000_000 != 0 => Some("that are finer than a millisecond"),
        ValueRef::List(size) => {
            let mut found = None;
            for _ in 0..size {
                found = found.or(misfit(Class::Nodes, cursor)?);
            }
            found
        }
        ValueRef::Map(size) => {
            for _ in 0..size {
                cursor.string()?;
                misfit(Class::Nodes, cursor)?;
            }
            None
        }
        ValueRef::Structure(_, size) => {
            for _ in 0..size {
                misfit(Class::Nodes, cursor)?;
            }
            None
        }
        _ => None,
    })
}

fn vertex(definitions: &Definitions, block: &Block, item: &Item) -> Result<Option<String>> {
    let names = block.kind(item).names();
    let [name] = names else { return Ok(Some(format!("it has {} labels, and a vertex has one", names.len()))) };
    let Some(label) = definitions.vertex_labels.get(&**name) else {
        return Ok(Some(format!("its schema has no vertex label {name:?}")));
    };
    let id = record::wanted_id(definitions, name, block.cursor(item))?;
    let is_given = !matches!(label.strategy(), IdStrategy::Automatic | IdStrategy::Default | IdStrategy::PrimaryKey);
    if is_given && id.is_none() {
        return Ok(Some(format!("vertices of {name:?} need an id, the property {ID:?}")));
    }
    if id.is_some_and(|id| id.to_string().len() > LONGEST_ID) {
        return Ok(Some(format!("its id has more than {LONGEST_ID} bytes")));
    }
    properties(definitions, name, (&label.properties, &label.nullable_keys), block.cursor(item))
}

fn edge(definitions: &Definitions, block: &Block, item: &Item) -> Result<Option<String>> {
    let name = block.kind(item).relationship_type();
    let Some(label) = definitions.edge_labels.get(name) else {
        return Ok(Some(format!("its schema has no edge label {name:?}")));
    };
    properties(definitions, name, (&label.properties, &label.nullable_keys), block.cursor(item))
}

fn properties(
    definitions: &Definitions,
    label: &str,
    (known, nullable): (&[String], &[String]),
    mut cursor: Cursor<'_>,
) -> Result<Option<String>> {
    let mut lacking: BTreeSet<&str> = known.iter().map(String::as_str).collect();
    let mut out = Vec::new();
    for _ in 0..cursor.map()? {
        let (name, value) = (cursor.string()?, cursor.raw()?);
        if name == ID {
            continue;
        }
        let key: Option<&PropertyKey> = definitions.property_keys.get(name).filter(|_| lacking.remove(name));
        let Some(key) = key else { return Ok(Some(format!("its label {label:?} has no property {name:?}"))) };
        out.clear();
        write(key, &mut Cursor::new(value), None, &mut out)?;
    }
    nullable.iter().for_each(|name| _ = lacking.remove(name.as_str()));
    Ok(lacking.first().map(|name| format!("its label {label:?} demands the property {name:?}")))
}
