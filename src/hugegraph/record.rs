//! Vertices and edges as JSON, as REST and backups write them.

use super::id::Id;
use super::schema::{Definitions, EdgeLabel, IdStrategy, PropertyKey};
use super::value::{self, Zone};
use super::{ID, schema};
use crate::error::{Error, Result};
use crate::model::json::write_string;
use crate::model::packstream::{self, Cursor, ValueRef};
use crate::model::{Block, Kind};
use rustc_hash::FxHashSet;
use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// So many properties are looked through for one by one.
const FEW: usize = 16;

/// A vertex as it stands in JSON.
#[derive(Debug, Deserialize)]
pub struct Vertex<'a> {
    /// Its id.
    #[serde(borrow)]
    pub id: Id<'a>,
    /// Its label.
    #[serde(borrow)]
    pub label: Cow<'a, str>,
    /// Its properties.
    #[serde(borrow, default)]
    pub properties: Properties<'a>,
}

/// An edge as it stands in JSON.
#[derive(Debug, Deserialize)]
pub struct Edge<'a> {
    /// Its label.
    #[serde(borrow)]
    pub label: Cow<'a, str>,
    /// The vertex where it starts.
    #[serde(borrow, rename = "outV")]
    pub start: Id<'a>,
    /// The vertex where it ends.
    #[serde(borrow, rename = "inV")]
    pub end: Id<'a>,
    /// The label of the first.
    #[serde(borrow, rename = "outVLabel")]
    pub start_label: Cow<'a, str>,
    /// The label of the second.
    #[serde(borrow, rename = "inVLabel")]
    pub end_label: Cow<'a, str>,
    /// Its properties.
    #[serde(borrow, default)]
    pub properties: Properties<'a>,
}

/// Properties as they stand in JSON, each name once.
#[derive(Debug, Default)]
pub struct Properties<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Properties<'a> {
    /// The value of a property.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }
}

/// A map with borrowed keys: those of serde's own maps are copied one by one.
impl<'de: 'a, 'a> Deserialize<'de> for Properties<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
        struct Pairs;
        impl<'de> de::Visitor<'de> for Pairs {
            type Value = Properties<'de>;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("properties")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
                let mut all: Vec<(Cow<'de, str>, &RawValue)> = Vec::new();
                let mut names = FxHashSet::default();
                while let Some((Name(name), value)) = map.next_entry()? {
                    // Few are compared one by one, many are hashed.
                    let is_new = match all.len() {
                        0..FEW => all.iter().all(|(known, _)| *known != name),
                        len => {
                            if len == FEW {
                                names.extend(all.iter().map(|(known, _)| known.clone()));
                            }
                            names.insert(name.clone())
                        }
                    };
                    if !is_new {
                        return Err(de::Error::custom(format!("the property {name:?} comes twice")));
                    }
                    all.push((name, value));
                }
                Ok(Properties(all))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// What is needed to read records.
#[derive(Debug)]
pub struct Reader<'a> {
    /// The schema.
    pub definitions: &'a Definitions,
    /// The zone of the server that wrote them.
    pub zone: &'a Zone,
    /// Dates so far that could be another instant as well.
    pub ambiguous: u64,
}

impl Reader<'_> {
    /// Adds a vertex to a block, with the id 0, and gives its own: the caller numbers it.
    ///
    /// # Errors
    /// It is damaged, or not what the schema says.
    pub fn vertex<'v>(&mut self, vertex: Vertex<'v>, block: &mut Block) -> Result<Id<'v>> {
        let id = vertex.id.of_uuid_label(self.definitions.has_uuids(&vertex.label));
        let within = |error: Error| within(&format!("vertex {id}"), &error);
        if !self.definitions.vertex_labels.contains_key(&*vertex.label) {
            return Err(within(Error::corrupt(format!("there is no vertex label {:?}", vertex.label))));
        }
        let out = block.buffer();
        packstream::put_map(out, vertex.properties.0.len() + 1);
        packstream::put_string(out, ID);
        match &id {
            Id::Number(number) => packstream::put_integer(out, *number),
            Id::Text(text) | Id::Uuid(text) => packstream::put_string(out, text),
        }
        let written = self.properties(&vertex.properties, out);
        if let Err(error) = written {
            block.discard();
            return Err(within(error));
        }
        let kind = kind(block, &vertex.label);
        block.push(0, 0, 0, kind, 0);
        Ok(id)
    }

    /// Adds an edge to a block, with ids of 0, and gives its ends: the caller numbers them.
    ///
    /// # Errors
    /// It is damaged, or not what the schema says.
    pub fn edge<'e>(&mut self, edge: Edge<'e>, block: &mut Block) -> Result<(Id<'e>, Id<'e>)> {
        let start = edge.start.of_uuid_label(self.definitions.has_uuids(&edge.start_label));
        let end = edge.end.of_uuid_label(self.definitions.has_uuids(&edge.end_label));
        let out = block.buffer();
        packstream::put_map(out, edge.properties.0.len());
        if let Err(error) = self.properties(&edge.properties, out) {
            block.discard();
            return Err(within(&format!("edge {:?} from {start} to {end}", edge.label), &error));
        }
        let kind = kind(block, &edge.label);
        block.push(0, 0, 0, kind, 0);
        Ok((start, end))
    }

    fn properties(&mut self, properties: &Properties<'_>, out: &mut Vec<u8>) -> Result<()> {
        for (name, json) in &properties.0 {
            let key = self.definitions.property_keys.get(&**name);
            let key = key.ok_or_else(|| Error::corrupt(format!("there is no property key {name:?}")))?;
            packstream::put_string(out, name);
            self.ambiguous += value::read(key, json.get(), self.zone, out)?;
        }
        Ok(())
    }
}

/// The index of the kind of items with this one label or type.
fn kind(block: &mut Block, label: &str) -> u32 {
    let known = block.kinds().iter().position(|kind| matches!(kind.names(), [name] if **name == *label));
    known.map_or_else(|| block.add_kind(Kind::relationship(label)), |at| at as u32)
}

fn within(what: &str, error: &Error) -> Error {
    let told = Error::corrupt(format!("{what}: {}", error.message()));
    match error.advice() {
        Some(advice) => told.hint(advice),
        None => told,
    }
}

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
        let strategy = definitions.vertex_labels.get(label).map(schema::VertexLabel::strategy).unwrap_or_default();
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::Class;
    use crate::model::value::Value;
    use serde_json::json;

    fn definitions() -> Definitions {
        let mut all = Definitions::default();
        all.add_json(0, json!({"name": "name", "data_type": "TEXT"})).unwrap();
        all.add_json(0, json!({"name": "weight", "data_type": "DOUBLE"})).unwrap();
        all.add_json(1, json!({"name": "person", "id_strategy": "CUSTOMIZE_STRING", "properties": ["name"]})).unwrap();
        all.add_json(1, json!({"name": "thing", "id_strategy": "CUSTOMIZE_UUID", "properties": ["name"]})).unwrap();
        all.add_json(
            2,
            json!({"name": "has", "source_label": "person", "target_label": "thing", "properties": ["weight"]}),
        )
        .unwrap();
        all
    }

    #[test]
    fn records_go_there_and_back() {
        let (definitions, zone) = (definitions(), Zone::utc());
        let mut reader = Reader { definitions: &definitions, zone: &zone, ambiguous: 0 };
        let writer = Writer { definitions: &definitions, zone: Some(&zone) };
        let vertex = r#"{"label":"person","type":"vertex","properties":{"name":"a`b>\"c"},"id":"s:1/é"}"#;
        let mut block = Block::new(Class::Nodes);
        let id = reader.vertex(serde_json::from_str(vertex).unwrap(), &mut block).unwrap();
        assert_eq!(id, Id::Text("s:1/é".into()));
        let item = block.items()[0];
        let map = Value::read(&mut block.cursor(&item)).unwrap();
        assert_eq!(map.as_map().unwrap()[ID], Value::String("s:1/é".to_owned()));
        let wanted = wanted_id(&definitions, "person", block.cursor(&item)).unwrap();
        let mut out = Vec::new();
        writer.vertex("person", block.cursor(&item), wanted.as_ref(), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), vertex);

        let edge = r#"{"label":"has","type":"edge","properties":{"weight":0.5},"outV":"s:1/é","inV":"c9a4c6b0-8f6b-4a8f-9b63-1f0f2f6a0a01","outVLabel":"person","inVLabel":"thing"}"#;
        let mut block = Block::new(Class::Relationships);
        let (start, end) = reader.edge(serde_json::from_str(edge).unwrap(), &mut block).unwrap();
        assert!(matches!((&start, &end), (Id::Text(_), Id::Uuid(_))));
        let mut out = Vec::new();
        let label = &definitions.edge_labels["has"];
        writer.edge(label, block.cursor(&block.items()[0]), [&start, &end], &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), edge);
    }

    #[test]
    fn a_property_stands_there_once() {
        let many: Vec<String> = (0..40).map(|at| format!("\"k{at}\":{at}")).collect();
        let read = |text: &str| serde_json::from_str::<Properties<'_>>(text).map(|all| all.0.len());
        assert_eq!(read(&format!("{{{}}}", many.join(","))).unwrap(), 40);
        for twice in [0, 3, 15, 16, 39] {
            let text = format!("{{{},\"k{twice}\":0}}", many.join(","));
            assert!(read(&text).unwrap_err().to_string().contains("comes twice"), "{text}");
        }
        assert!(read(r#"{"a":1,"\u0061":2}"#).is_err());
        let text = r#"{"a":1,"\u0062":[2]}"#;
        let all: Properties<'_> = serde_json::from_str(text).unwrap();
        assert_eq!((all.find("b").unwrap().get(), all.find("c").map(RawValue::get)), ("[2]", None));
    }

    #[test]
    fn what_the_schema_does_not_know_is_refused_and_leaves_nothing() {
        let (definitions, zone) = (definitions(), Zone::utc());
        let mut reader = Reader { definitions: &definitions, zone: &zone, ambiguous: 0 };
        let mut block = Block::new(Class::Nodes);
        for vertex in [
            r#"{"label":"person","properties":{"nome":"x"},"id":"1"}"#,
            r#"{"label":"nobody","properties":{},"id":"1"}"#,
        ] {
            assert!(reader.vertex(serde_json::from_str(vertex).unwrap(), &mut block).is_err());
        }
        assert_eq!((block.len(), block.byte_len()), (0, 0));
        let bytes = Value::Map([(ID.to_owned(), Value::Integer(1))].into_iter().collect()).to_packstream();
        assert!(wanted_id(&definitions, "person", Cursor::new(&bytes)).is_err());
    }
}
