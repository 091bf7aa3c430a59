//! Vertices and edges into JSON.

use crate::error::{Error, Result};
use crate::hugegraph::schema::{Definitions, EdgeLabel, IdStrategy, PropertyKey, VertexLabel};
use crate::hugegraph::{ID, Id, Zone, value};
use crate::model::json::write_string;
use crate::model::packstream::{Cursor, ValueRef};
use std::borrow::Cow;

/// What is needed to write records.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    /// The schema.
    pub definitions: &'a Definitions,
    /// The zone of the server that is to read them, for dates as text; `None` writes milliseconds since 1970.
    pub zone: Option<&'a Zone>,
}

impl Writer<'_> {
    /// Writes a vertex; `properties` stands before its property map, `id` is the id to give it.
    ///
    /// # Errors
    /// A value is not what its property key can hold.
    pub fn vertex(&self, label: &str, properties: Cursor<'_>, id: Option<&Id<'_>>, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(b"{\"label\":");
        write_string(label, out);
        out.extend_from_slice(b",\"type\":\"vertex\",\"properties\":");
        self.properties(properties, out)?;
        if let Some(id) = id {
            out.extend_from_slice(b",\"id\":");
            id.put_json(out);
        }
        out.push(b'}');
        Ok(())
    }

    /// Writes an edge between two vertices.
    ///
    /// # Errors
    /// A value is not what its property key can hold.
    pub fn edge(&self, label: &EdgeLabel, properties: Cursor<'_>, ends: [&Id<'_>; 2], out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(b"{\"label\":");
        write_string(&label.name, out);
        out.extend_from_slice(b",\"type\":\"edge\",\"properties\":");
        self.properties(properties, out)?;
        for (name, id) in [",\"outV\":", ",\"inV\":"].into_iter().zip(ends) {
            out.extend_from_slice(name.as_bytes());
            id.put_json(out);
        }
        out.extend_from_slice(b",\"outVLabel\":");
        write_string(&label.source_label, out);
        out.extend_from_slice(b",\"inVLabel\":");
        write_string(&label.target_label, out);
        out.push(b'}');
        Ok(())
    }

    fn properties(&self, mut cursor: Cursor<'_>, out: &mut Vec<u8>) -> Result<()> {
        out.push(b'{');
        let mut is_first = true;
        for _ in 0..cursor.map()? {
            let name = cursor.string()?;
            if name == ID {
                cursor.raw()?;
                continue;
            }
            if !std::mem::replace(&mut is_first, false) {
                out.push(b',');
            }
            write_string(name, out);
            out.push(b':');
            value::write(self.key(name)?, &mut cursor, self.zone, out)?;
        }
        out.push(b'}');
        Ok(())
    }

    fn key(&self, name: &str) -> Result<&PropertyKey> {
        self.definitions
            .property_keys
            .get(name)
            .ok_or_else(|| Error::refused(format!("there is no property key {name:?}")))
    }
}

/// The id that a node's property [`ID`] asks for; `None` where it has none.
///
/// # Errors
/// It is not what vertices of the label can have.
pub fn wanted_id<'a>(definitions: &Definitions, label: &str, mut cursor: Cursor<'a>) -> Result<Option<Id<'a>>> {
    for _ in 0..cursor.map()? {
        if cursor.string()? != ID {
            cursor.raw()?;
            continue;
        }
        let strategy = definitions.vertex_labels.get(label).map(VertexLabel::strategy).unwrap_or_default();
        return match (strategy, cursor.value()?) {
            (IdStrategy::Automatic | IdStrategy::CustomizeNumber | IdStrategy::Default, ValueRef::Integer(number)) => {
                Ok(Some(Id::Number(number)))
            }
            (IdStrategy::CustomizeString | IdStrategy::PrimaryKey | IdStrategy::Default, ValueRef::String(text)) => {
                Ok(Some(Id::Text(Cow::Borrowed(text))))
            }
            (IdStrategy::CustomizeUuid, ValueRef::String(text)) => Ok(Some(Id::Uuid(Cow::Borrowed(text)))),
            (strategy, value) => Err(Error::refused(format!(
                "a vertex of {label:?} cannot have {} as its id: the label's id strategy is {strategy:?}",
                value.name()
            ))),
        };
    }
    Ok(None)
}
