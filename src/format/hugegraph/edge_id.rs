//! The id of an edge as text: `S1:a>3>3>>S1:b`.
//!
//! Its parts are the vertex at the start, the number of its label twice (the second is that of a sub label, which 1.5 has none of), the values of the sort
//! keys, and the vertex at the end, with `>` between them. A `>` within a part has a backtick before it; a backtick has none.
//!
//! How the values of sort keys are written [`crate::hugegraph::key`] says.
//!
//! Neither the server nor the official tool needs the id: it follows from the rest. Where it cannot be told it is left out.

use crate::error::Result;
use crate::hugegraph::schema::EdgeLabel;
use crate::hugegraph::{Definitions, Id, key};
use crate::model::Cursor;

/// Appends the id as a JSON member, behind the last one of an edge that was just written.
///
/// # Errors
/// The bytes of the properties are not well formed.
pub(super) fn put(
    definitions: &Definitions,
    label: &EdgeLabel,
    properties: Cursor<'_>,
    ends: [&Id<'_>; 2],
    out: &mut Vec<u8>,
) -> Result<()> {
    let (Some(number), Some(values)) = (label.id, key::values(definitions, &label.sort_keys, properties)?) else {
        return Ok(());
    };
    let number = number.to_string();
    let [start, end] = ends.map(ToString::to_string);
    let parts = [&*start, &*number, &*number, &*values, &*end].map(|part| part.replace('>', "`>"));
    if out.pop_if(|last| *last == b'}').is_some() {
        out.extend_from_slice(b",\"id\":");
        crate::model::json::write_string(&parts.join(">"), out);
        out.push(b'}');
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::value::Value;
    use serde_json::json;

    #[test]
    fn parts_are_escaped_as_the_server_does() {
        let mut definitions = Definitions::default();
        for (name, data_type) in [("t", "TEXT"), ("i", "INT"), ("l", "LONG")] {
            definitions.add_json(0, json!({"name": name, "data_type": data_type})).unwrap();
        }
        let label =
            json!({"name": "e", "id": 11, "source_label": "v", "target_label": "v", "sort_keys": ["t", "i", "l"]});
        definitions.add_json(2, label).unwrap();
        for (t, i, l, expected) in [
            ("a!b`c>d", -5, 7, "Sa`>b`c!>11>11>a`!b`c`>d!0B7~~~~~~~~~w!17>Sb"),
            ("", 0, 0, "Sa`>b`c!>11>11>10!10>Sb"),
            ("x", 1, -1, "Sa`>b`c!>11>11>x!11!0B7~~~~~~~~~~>Sb"),
        ] {
            let map = [("t", Value::String(t.to_owned())), ("i", Value::Integer(i)), ("l", Value::Integer(l))];
            let map = Value::Map(map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()).to_packstream();
            let ends = [Id::Text("a>b`c!".into()), Id::Text("b".into())];
            let mut out = b"{}".to_vec();
            let label = &definitions.edge_labels["e"];
            put(&definitions, label, Cursor::new(&map), [&ends[0], &ends[1]], &mut out).unwrap();
            let told: serde_json::Value = serde_json::from_slice(&[b"{\"x\":0", &out[1..]].concat()).unwrap();
            assert_eq!(told["id"], expected);
        }
    }
}
