//! HugeGraph's schema: property keys, vertex labels, edge labels, index labels, with everything that the server tells of them.
//!
//! What we have no field for (another version's additions) is kept in `more` and given back. `status`, `check_exist` and `rebuild` are about the moment and
//! not the schema: they are left out of [`SchemaObject`]s and written with their usual values where a backup's file wants them.

use crate::error::{Error, Result};
use crate::model::schema::OtherObject;
use crate::model::value::{Map, Value};
use crate::model::{Schema, SchemaObject};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// The kinds of schema objects ([`OtherObject::kind`]), in the order in which they have to be created.
pub const KINDS: [&str; 4] =
    ["hugegraph-property-key", "hugegraph-vertex-label", "hugegraph-edge-label", "hugegraph-index-label"];

/// The kind of the schema objects that hold a graph's variables: values under names that belong to no row.
pub const VARIABLE: &str = "hugegraph-variable";

/// A variable.
#[must_use]
pub fn variable(name: &str, value: Json) -> SchemaObject {
    let details = [("value".to_owned(), from_json(value))].into_iter().collect();
    SchemaObject::Other(OtherObject { kind: VARIABLE.to_owned(), name: name.to_owned(), details })
}

/// The name and the value of a variable; `None` of anything else.
#[must_use]
pub fn as_variable(object: &SchemaObject) -> Option<(&str, Json)> {
    match object {
        SchemaObject::Other(other) if other.kind == VARIABLE => {
            Some((&other.name, other.details.get("value").map_or(Json::Null, to_json)))
        }
        _ => None,
    }
}

/// What HugeGraph can keep under a property key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DataType {
    /// Any Java object; what REST shows of it.
    Object,
    /// true or false.
    Boolean,
    /// 8 bits.
    Byte,
    /// 32 bits.
    Int,
    /// 64 bits.
    Long,
    /// 32 bits.
    Float,
    /// 64 bits.
    Double,
    /// Text.
    #[serde(alias = "STRING")]
    Text,
    /// Bytes.
    Blob,
    /// An instant in milliseconds.
    Date,
    /// A UUID.
    Uuid,
}

/// How many values there are under a property key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Cardinality {
    /// One.
    #[default]
    Single,
    /// Many, in an order.
    List,
    /// Many, each once.
    Set,
}

/// How vertices of a label get their ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IdStrategy {
    /// What the server chooses itself; PRIMARY_KEY where there are primary keys, else AUTOMATIC.
    #[default]
    Default,
    /// Numbers that the server makes.
    Automatic,
    /// Text that follows from properties.
    PrimaryKey,
    /// Text.
    CustomizeString,
    /// Numbers.
    CustomizeNumber,
    /// UUIDs.
    CustomizeUuid,
}

/// A property key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PropertyKey {
    /// Its name.
    pub name: String,
    /// Its number in its graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// The type of its values.
    pub data_type: DataType,
    /// How many there are.
    #[serde(default)]
    pub cardinality: Cardinality,
    /// What the user noted, and the server's `~create_time`.
    #[serde(default)]
    pub user_data: IndexMap<String, Json>,
    /// Everything else.
    #[serde(flatten)]
    pub more: IndexMap<String, Json>,
}

/// A vertex label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VertexLabel {
    /// Its name.
    pub name: String,
    /// Its number in its graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// How ids come about.
    #[serde(default)]
    pub id_strategy: IdStrategy,
    /// The properties that make the id.
    #[serde(default)]
    pub primary_keys: Vec<String>,
    /// The properties that vertices may have.
    #[serde(default)]
    pub properties: Vec<String>,
    /// Those that may be missing.
    #[serde(default)]
    pub nullable_keys: Vec<String>,
    /// What the user noted, and the server's `~create_time`.
    #[serde(default)]
    pub user_data: IndexMap<String, Json>,
    /// Everything else: `ttl` (milliseconds), `ttl_start_time`, `enable_label_index`.
    #[serde(flatten)]
    pub more: IndexMap<String, Json>,
}

/// An edge label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EdgeLabel {
    /// Its name.
    pub name: String,
    /// Its number in its graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// The vertex label at the start; empty for one with several `links`.
    #[serde(default)]
    pub source_label: String,
    /// The vertex label at the end.
    #[serde(default)]
    pub target_label: String,
    /// `SINGLE`, or `MULTIPLE`: more than one between two vertices, told apart by the sort keys.
    #[serde(default)]
    pub frequency: String,
    /// The properties that tell edges between two vertices apart.
    #[serde(default)]
    pub sort_keys: Vec<String>,
    /// The properties that edges may have.
    #[serde(default)]
    pub properties: Vec<String>,
    /// Those that may be missing.
    #[serde(default)]
    pub nullable_keys: Vec<String>,
    /// What the user noted, and the server's `~create_time`.
    #[serde(default)]
    pub user_data: IndexMap<String, Json>,
    /// Everything else.
    #[serde(flatten)]
    pub more: IndexMap<String, Json>,
}

/// An index label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndexLabel {
    /// Its name.
    pub name: String,
    /// Its number in its graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// `VERTEX_LABEL` or `EDGE_LABEL`.
    pub base_type: String,
    /// The label's name.
    pub base_value: String,
    /// `SECONDARY`, `RANGE`, `SEARCH`, `SHARD`, `UNIQUE`.
    pub index_type: String,
    /// The properties.
    #[serde(default)]
    pub fields: Vec<String>,
    /// What the user noted, and the server's `~create_time`.
    #[serde(default)]
    pub user_data: IndexMap<String, Json>,
    /// Everything else.
    #[serde(flatten)]
    pub more: IndexMap<String, Json>,
}

impl VertexLabel {
    /// How ids come about, where the server was left to choose.
    #[must_use]
    pub fn strategy(&self) -> IdStrategy {
        match self.id_strategy {
            IdStrategy::Default if self.primary_keys.is_empty() => IdStrategy::Automatic,
            IdStrategy::Default => IdStrategy::PrimaryKey,
            strategy => strategy,
        }
    }
}

/// The schema of a graph, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definitions {
    /// Property keys.
    pub property_keys: IndexMap<String, PropertyKey>,
    /// Vertex labels.
    pub vertex_labels: IndexMap<String, VertexLabel>,
    /// Edge labels.
    pub edge_labels: IndexMap<String, EdgeLabel>,
    /// Index labels.
    pub index_labels: IndexMap<String, IndexLabel>,
}

/// What is about the moment and not the schema.
const PASSING: [&str; 4] = ["status", "check_exist", "rebuild", "index_labels"];

impl Definitions {
    /// Adds an object if it is one of HugeGraph's; says whether it was.
    ///
    /// # Errors
    /// Its details are not what HugeGraph would have said.
    pub fn add(&mut self, object: &SchemaObject) -> Result<bool> {
        let SchemaObject::Other(other) = object else { return Ok(false) };
        let Some(at) = KINDS.iter().position(|kind| *kind == other.kind) else { return Ok(false) };
        let json = Json::Object(other.details.iter().map(|(key, value)| (key.clone(), to_json(value))).collect());
        self.add_json(at, json)
            .map_err(|cause| Error::corrupt(format!("the {} is not understood", object.describe())).caused_by(cause))?;
        Ok(true)
    }

    /// Adds an object as REST and backups write it; `kind` counts in [`KINDS`].
    ///
    /// # Errors
    /// A field is missing or of another type.
    pub fn add_json(&mut self, kind: usize, json: Json) -> serde_json::Result<()> {
        fn put<T>(
            all: &mut IndexMap<String, T>,
            name: impl Fn(&T) -> &String,
            more: impl Fn(&mut T) -> &mut IndexMap<String, Json>,
            mut new: T,
        ) {
            more(&mut new).retain(|key, _| !PASSING.contains(&key.as_str()));
            all.insert(name(&new).clone(), new);
        }
        let mut json = json;
        for set in ["properties", "nullable_keys"] {
            // Servers give them in any order.
            if let Some(set) = json.get_mut(set).and_then(Json::as_array_mut) {
                set.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            }
        }
        match kind {
            0 => put(&mut self.property_keys, |new| &new.name, |new| &mut new.more, serde_json::from_value(json)?),
            1 => put(&mut self.vertex_labels, |new| &new.name, |new| &mut new.more, serde_json::from_value(json)?),
            2 => put(&mut self.edge_labels, |new| &new.name, |new| &mut new.more, serde_json::from_value(json)?),
            _ => put(&mut self.index_labels, |new| &new.name, |new| &mut new.more, serde_json::from_value(json)?),
        }
        Ok(())
    }

    /// The objects of a kind (it counts in [`KINDS`]) as JSON, in order.
    #[must_use]
    pub fn json(&self, kind: usize) -> Vec<Json> {
        fn all<T: Serialize>(all: &IndexMap<String, T>) -> Vec<Json> {
            // Plain structs with string keys: there is nothing that could fail.
            all.values().filter_map(|object| serde_json::to_value(object).ok()).collect()
        }
        match kind {
            0 => all(&self.property_keys),
            1 => all(&self.vertex_labels),
            2 => all(&self.edge_labels),
            _ => all(&self.index_labels),
        }
    }

    /// The same as schema objects, in the order in which they have to be created.
    #[must_use]
    pub fn objects(&self) -> Schema {
        let mut objects = Vec::new();
        for (kind, name) in KINDS.into_iter().enumerate() {
            objects.extend(self.json(kind).into_iter().map(|json| {
                let details = match from_json(json) {
                    Value::Map(map) => map,
                    _ => Map::new(),
                };
                let of = details.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
                SchemaObject::Other(OtherObject { kind: name.to_owned(), name: of, details })
            }));
        }
        Schema { objects }
    }

    /// Whether vertices of a label have UUIDs as ids.
    #[must_use]
    pub fn has_uuids(&self, vertex_label: &str) -> bool {
        self.vertex_labels.get(vertex_label).is_some_and(|label| label.strategy() == IdStrategy::CustomizeUuid)
    }

    /// Whether the id of a label's vertices follows from their properties.
    #[must_use]
    pub fn has_primary_keys(&self, vertex_label: &str) -> bool {
        self.vertex_labels.get(vertex_label).is_some_and(|label| label.strategy() == IdStrategy::PrimaryKey)
    }
}

/// Whether an object is one of HugeGraph's.
#[must_use]
pub fn is_ours(object: &SchemaObject) -> bool {
    matches!(object, SchemaObject::Other(other) if KINDS.contains(&other.kind.as_str()))
}

/// Whether an element of a graph does all that one of a dump would do: they have the same definition, whatever their numbers and notes.
#[must_use]
pub fn serves(known: &SchemaObject, object: &SchemaObject) -> bool {
    let plain = |object: &SchemaObject| match object {
        SchemaObject::Other(other) if is_ours(&SchemaObject::Other(other.clone())) => {
            let mut other = other.clone();
            for key in ["id", "user_data"] {
                other.details.swap_remove(key);
            }
            Some(other)
        }
        _ => None,
    };
    plain(known).is_some_and(|known| plain(object) == Some(known))
}

/// JSON as a value: what user data hold.
#[must_use]
pub fn from_json(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Boolean(value),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Value::Integer(integer),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::String(text),
        Json::Array(list) => Value::List(list.into_iter().map(from_json).collect()),
        Json::Object(map) => Value::Map(map.into_iter().map(|(key, value)| (key, from_json(value))).collect()),
    }
}

/// The other way. What JSON has no word for becomes null; nothing that came from JSON does.
#[must_use]
pub fn to_json(value: &Value) -> Json {
    match value {
        Value::Boolean(value) => Json::Bool(*value),
        Value::Integer(number) => Json::from(*number),
        Value::Float(number) => Json::from(*number),
        Value::String(text) => Json::from(text.as_str()),
        Value::List(list) => Json::Array(list.iter().map(to_json).collect()),
        Value::Map(map) => Json::Object(map.iter().map(|(key, value)| (key.clone(), to_json(value))).collect()),
        _ => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_label_goes_through_a_schema_object() {
        let text = r#"{"name":"v_pk","id":2,"properties":["name","age"],"check_exist":true,"user_data":{"super":1,"icon":"x","deep":{"a":[1,2.5,null]}},"status":"CREATED",
            "nullable_keys":["age"],"enable_label_index":true,"index_labels":["i"],"id_strategy":"PRIMARY_KEY","primary_keys":["name"],"ttl":86400000,"ttl_start_time":"age","future":[1]}"#;
        let mut definitions = Definitions::default();
        definitions.add_json(1, serde_json::from_str(text).unwrap()).unwrap();
        let schema = definitions.objects();
        assert_eq!(schema.objects.len(), 1);
        let mut again = Definitions::default();
        assert!(again.add(&schema.objects[0]).unwrap());
        assert_eq!(again, definitions);
        let json = &again.json(1)[0];
        assert_eq!(json["future"], serde_json::json!([1]));
        assert_eq!((json["ttl"].as_i64(), json.get("status")), (Some(86_400_000), None));
        assert!(again.has_primary_keys("v_pk") && !again.has_uuids("v_pk"));
    }
}
