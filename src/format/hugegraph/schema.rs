//! The files of the schema: one line each, with everything in it.

use super::member::SCHEMA;
use crate::error::{Error, Position, Result};
use crate::hugegraph::Definitions;
use serde_json::{Map, Value as Json, json};
use std::collections::HashMap;

/// Reads the text of a file; `kind` counts in [`SCHEMA`].
pub(super) fn read(kind: usize, text: &str, file: &str, definitions: &mut Definitions) -> Result<()> {
    let name = SCHEMA.get(kind).copied().unwrap_or_default();
    let mut known: HashMap<Option<String>, Json> = HashMap::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = || Position { file: file.to_owned(), ..Position::line(at as u64 + 1) };
        let wrong = |what: String| Error::corrupt(what).at(place());
        crate::hugegraph::are_kept(line).map_err(|error| error.at(place()))?;
        let parsed: Map<String, Json> =
            serde_json::from_str(line).map_err(|cause| wrong("the line is not JSON".to_owned()).caused_by(cause))?;
        let list = match parsed.get(name) {
            Some(Json::Array(list)) if parsed.len() == 1 => list,
            _ => return Err(wrong(format!("the line is not like {{\"{name}\": […]}}"))),
        };
        for (record, json) in list.iter().enumerate() {
            let added = definitions.add_json(kind, json.clone());
            added.map_err(|cause| wrong(format!("record {} is not understood", record + 1)).caused_by(cause))?;
            // What was written twice is not a contradiction.
            let before = known.insert(json["name"].as_str().map(str::to_owned), json.clone());
            if before.is_some_and(|before| before != *json) {
                return Err(wrong(format!("record {}: {} is there twice, and differs", record + 1, json["name"])));
            }
        }
    }
    Ok(())
}

/// The text of a file.
pub(super) fn text(kind: usize, definitions: &Definitions) -> String {
    let mut all = definitions.json(kind);
    all.sort_by_key(|object| object.get("id").and_then(Json::as_i64));
    for object in all.iter_mut().filter_map(Json::as_object_mut) {
        complete(kind, object, definitions);
    }
    let list = Json::Array(all);
    format!("{{\"{}\": {list}}}\n", SCHEMA.get(kind).copied().unwrap_or_default())
}

/// Gives every object the number that it needs when a graph is restored with its ids.
pub(super) fn number(definitions: &mut Definitions) {
    fn put<'a>(all: impl Iterator<Item = &'a mut Option<i64>>) {
        let mut all: Vec<_> = all.collect();
        let mut last = all.iter().filter_map(|id| **id).max().unwrap_or(0).max(0);
        for id in all.iter_mut().filter(|id| id.is_none()) {
            last = last.saturating_add(1);
            **id = Some(last);
        }
    }
    put(definitions.property_keys.values_mut().map(|key| &mut key.id));
    put(definitions.vertex_labels.values_mut().map(|label| &mut label.id));
    put(definitions.edge_labels.values_mut().map(|label| &mut label.id));
    put(definitions.index_labels.values_mut().map(|label| &mut label.id));
}

/// Adds what the official tool writes beside, and what was left out since it has its usual value.
fn complete(kind: usize, object: &mut Map<String, Json>, definitions: &Definitions) {
    let name = object.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
    let indexes = |base: &str| -> Vec<&String> {
        let of = definitions.index_labels.values();
        of.filter(|index| index.base_type == base && index.base_value == name).map(|index| &index.name).collect()
    };
    let usual = match kind {
        0 => json!({"aggregate_type": "NONE", "write_type": "OLTP", "properties": []}),
        1 => json!({"enable_label_index": true, "ttl": 0, "index_labels": indexes("VERTEX_LABEL")}),
        2 => {
            let end = |which: &str| object.get(which).and_then(Json::as_str).unwrap_or_default().to_owned();
            let link = Map::from_iter([(end("source_label"), Json::from(end("target_label")))]);
            let indexes = indexes("EDGE_LABEL");
            json!({"enable_label_index": true, "ttl": 0, "index_labels": indexes, "edgelabel_type": "NORMAL", "links": [link]})
        }
        _ => json!({"rebuild": true}),
    };
    let both = json!({"check_exist": true, "status": "CREATED"});
    for (key, value) in [usual, both].iter().filter_map(Json::as_object).flatten() {
        if !object.contains_key(key) {
            object.insert(key.clone(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_goes_there_and_back() {
        let line = r#"{"vertexlabels": [{"name":"a","id":3,"id_strategy":"AUTOMATIC","ttl":5,"new":1},{"name":"b","id_strategy":"PRIMARY_KEY","primary_keys":["x"]}]}"#;
        let mut definitions = Definitions::default();
        let twice = format!("{line}\n{}", line.replace('5', "6"));
        let error = read(1, &twice, "vertexlabels", &mut Definitions::default()).unwrap_err();
        assert_eq!(error.to_string(), "vertexlabels, line 2: record 1: \"a\" is there twice, and differs");
        read(1, &format!("{line}\n{line}"), "vertexlabels", &mut definitions).unwrap();
        number(&mut definitions);
        let mut again = Definitions::default();
        let written = text(1, &definitions);
        assert!(written.starts_with("{\"vertexlabels\": [{") && written.ends_with("}]}\n"));
        read(1, &written, "vertexlabels", &mut again).unwrap();
        let labels = again.vertex_labels;
        assert_eq!((labels["a"].id, labels["b"].id, labels["a"].more["ttl"].as_i64()), (Some(3), Some(4), Some(5)));
        assert_eq!(labels["a"].more["new"], 1);
        assert!(read(1, "{\"vertexlabels\": {}}", "vertexlabels", &mut Definitions::default()).is_err());
    }
}
