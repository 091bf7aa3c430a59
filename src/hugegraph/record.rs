//! Vertices and edges as JSON, as REST and backups write them.

mod read;
mod write;

pub use read::{Edge, Reader, Scratch};
pub use write::{Writer, wanted_id};

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::hugegraph::{Definitions, ID, Id, Zone};
    use crate::model::packstream::Cursor;
    use crate::model::value::Value;
    use crate::model::{Block, Class};
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
        let mut reader = Reader::new(&definitions, &zone);
        let writer = Writer { definitions: &definitions, zone: Some(&zone) };
        let vertex = r#"{"label":"person","type":"vertex","properties":{"name":"a`b>\"c"},"id":"s:1/é"}"#;
        let mut block = Block::new(Class::Nodes);
        let id = reader.vertex(vertex, &mut block).unwrap();
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
        let read = reader.edge(edge, &mut block).unwrap();
        let [start, end] = read.ends;
        assert!(matches!((&start, &end), (Id::Text(_), Id::Uuid(_))));
        let mut out = Vec::new();
        let label = &definitions.edge_labels["has"];
        writer.edge(label, block.cursor(&block.items()[0]), [&start, &end], &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), edge);
    }

    #[test]
    fn a_property_stands_there_once() {
        let (mut definitions, zone) = (definitions(), Zone::utc());
        for at in 0..140 {
            definitions.add_json(0, json!({"name": format!("k{at}"), "data_type": "INT"})).unwrap();
        }
        let read = |properties: &str| {
            let mut block = Block::new(Class::Nodes);
            let text = format!(r#"{{"label":"person","id":"1","properties":{{{properties}}}}}"#);
            Reader::new(&definitions, &zone)
                .vertex(&text, &mut block)
                .map(|_| block.cursor(&block.items()[0]).map().unwrap())
        };
        let many: Vec<String> = (0..140).map(|at| format!("\"k{at}\":{at}")).collect();
        assert_eq!(read(&many.join(",")).unwrap(), 141);
        for twice in [0, 3, 61, 62, 139] {
            let text = format!("{},\"k{twice}\":0", many.join(","));
            assert!(read(&text).unwrap_err().message().contains("comes twice"), "{text}");
        }
        assert!(read(r#""k1":1,"\u006b1":2"#).is_err());
    }

    #[test]
    fn records_have_their_fields_in_any_order_and_each_once() {
        let (definitions, zone) = (definitions(), Zone::utc());
        let mut block = Block::new(Class::Relationships);
        let mut reader = Reader::new(&definitions, &zone);
        let text = r#" {"id":"S1>1>1>>S2","x":[{"label":-0},1e999,99999999999999999999],"label":"has","outV":"1","outVLabel":"person","inV":"2","inVLabel":"thing","properties": { "weight" : 1E-1 } } "#;
        let edge = reader.edge(text, &mut block).unwrap();
        assert_eq!((edge.property("weight"), edge.property("since")), (Some("1E-1"), None));
        assert_eq!(edge.id, Some(Id::Text("S1>1>1>>S2".into())));
        for wrong in [
            r#"{"label":"has","outV":"1","outVLabel":"person","inV":"2","properties":{}}"#,
            r#"{"label":"has","outVLabel":"person","inV":"2","inVLabel":"thing","properties":{}}"#,
            r#"{"label":"has","label":"has","outV":"1","outVLabel":"person","inV":"2","inVLabel":"thing","properties":{}}"#,
            r#"{"label":"has","outV":"1","outVLabel":"person","inV":"2","inVLabel":"thing","properties":{},"properties":{}}"#,
            r#"{"label":"has","outV":1.5,"outVLabel":"person","inV":"2","inVLabel":"thing","properties":{}}"#,
            r#"{"label":"has","outV":"1","outVLabel":"person","inV":"2","inVLabel":"thing","properties":{"weight":"1"}}"#,
            r#"{"label":"has","outV":"1","outVLabel":"person","inV":"2","inVLabel":"thing","properties":{}}}"#,
            r#"{"label":"has","outV":"1","outVLabel":"person","inV":"2","inVLabel":"thing","properties":{}"#,
        ] {
            assert!(reader.edge(wrong, &mut block).is_err(), "{wrong}");
            assert_eq!(block.len(), 1);
        }
        // Without properties it has none.
        let bare = r#"{"label":"has","outV":"1","outVLabel":"person","inV":"2","inVLabel":"thing"}"#;
        assert_eq!(reader.edge(bare, &mut block).unwrap().property("weight"), None);
        assert_eq!(block.items().iter().map(|item| block.cursor(item).map().unwrap()).collect::<Vec<_>>(), [1, 0]);
    }

    #[test]
    fn what_the_schema_does_not_know_is_refused_and_leaves_nothing() {
        let (definitions, zone) = (definitions(), Zone::utc());
        let mut reader = Reader::new(&definitions, &zone);
        let mut block = Block::new(Class::Nodes);
        for vertex in [
            r#"{"label":"person","properties":{"nome":"x"},"id":"1"}"#,
            r#"{"label":"nobody","properties":{},"id":"1"}"#,
        ] {
            assert!(reader.vertex(vertex, &mut block).is_err());
        }
        assert_eq!((block.len(), block.byte_len()), (0, 0));
        let bytes = Value::Map([(ID.to_owned(), Value::Integer(1))].into_iter().collect()).to_packstream();
        assert!(wanted_id(&definitions, "person", Cursor::new(&bytes)).is_err());
    }
}
