//! A mapping as a person writes it: the part `[hugegraph]` of a TOML file.
//!
//! Every field but `of` may be left out: what is inferred stands in its place. What the file does not speak of is inferred as without it.

use crate::error::{Error, Result};
use crate::hugegraph::schema::{Cardinality, DataType, IdStrategy};
use serde::{Deserialize, Serialize};

/// What becomes of the properties, label sets and relationship types of a graph.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entries {
    /// Properties.
    #[serde(default, rename = "property", skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<PropertyEntry>,
    /// Label sets.
    #[serde(default, rename = "vertex", skip_serializing_if = "Vec::is_empty")]
    pub vertices: Vec<VertexEntry>,
    /// Relationship types between label sets.
    #[serde(default, rename = "edge", skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<EdgeEntry>,
}

/// What becomes of values of a property.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PropertyEntry {
    /// The property of the graph.
    pub of: String,
    /// Which of its values, by [`Form::name`](super::Form::name); empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// The property key of HugeGraph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its type.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub data_type: Option<DataType>,
    /// Its cardinality.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cardinality: Option<Cardinality>,
    /// Whether values are written as typed JSON.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub json: bool,
}

/// What becomes of the nodes of a label set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VertexEntry {
    /// The labels, in any order; empty for nodes without one.
    pub of: Vec<String>,
    /// The vertex label of HugeGraph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// How vertices get their ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_strategy: Option<IdStrategy>,
    /// The property of the graph whose value becomes the id; else the node's number does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The property keys of HugeGraph that make the id, for the strategy PRIMARY_KEY.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub primary_keys: Vec<String>,
    /// The property keys of HugeGraph that may be missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nullable: Option<Vec<String>>,
}

/// What becomes of the relationships of a type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgeEntry {
    /// The type.
    pub of: String,
    /// Only from nodes with these labels; from all where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Vec<String>>,
    /// Only to nodes with these labels; to all where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Vec<String>>,
    /// The edge label of HugeGraph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The property keys of HugeGraph that tell relationships with the same ends apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sort_keys: Vec<String>,
    /// A property key that is added for that: the relationship's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The property keys of HugeGraph that may be missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nullable: Option<Vec<String>>,
}

#[derive(Serialize, Deserialize)]
struct File {
    #[serde(default)]
    hugegraph: Entries,
}

impl Entries {
    /// Reads the part `[hugegraph]` of a TOML file; other parts are for others.
    ///
    /// # Errors
    /// It is not TOML, or says what a mapping cannot.
    pub fn parse(text: &str) -> Result<Self> {
        let file: File = toml::from_str(text).map_err(|cause| {
            Error::usage(format!("the mapping cannot be read: {}", cause.to_string().trim_end()))
                .hint("graphferry map SOURCE writes one to begin with")
        })?;
        Ok(file.hugegraph)
    }

    /// The TOML of it.
    ///
    /// # Errors
    /// None that could be named: it is made of strings.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(&File { hugegraph: self.clone() })
            .map_err(|cause| Error::failed("the mapping cannot be written as TOML").caused_by(cause))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_comes_back_and_mistakes_are_told() {
        let text = r#"
            [nodePropertyMappings.Person]
            born = "Localdate"

            [[hugegraph.property]]
            of = "age"
            values = ["integer", "empty list"]
            type = "DOUBLE"

            [[hugegraph.vertex]]
            of = ["Person"]
            id_strategy = "PRIMARY_KEY"
            primary_keys = ["name"]

            [[hugegraph.edge]]
            of = "KNOWS\u0000"
            from = []
            sort_keys = ["since"]
        "#;
        let entries = Entries::parse(text).unwrap();
        assert_eq!(entries.edges[0].from, Some(Vec::new()));
        assert_eq!(entries.edges[0].to, None);
        assert_eq!(Entries::parse(&entries.to_toml().unwrap()).unwrap(), entries);
        assert_eq!(Entries::parse("").unwrap(), Entries::default());
        for wrong in
            ["[[hugegraph.vertices]]", "[[hugegraph.property]]\nof = \"a\"\ntype = \"STRINGS\"", "hugegraph = 1", "{"]
        {
            assert!(Entries::parse(wrong).is_err(), "{wrong}");
        }
    }
}
