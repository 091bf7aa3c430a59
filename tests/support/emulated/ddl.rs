//! Schema changes, SHOW, and what else runs outside of transactions.

use super::store::{Store, broken};
use super::{CLIENT, Refusal, TRANSIENT, refuse};
use graphferry::model::Value;

/// The objects, as SHOW lists them.
#[derive(Default)]
pub struct Schema {
    pub unique: Vec<(String, Vec<String>)>,
    pub exists: Vec<(String, String)>,
    indexes: Vec<(String, Vec<Value>)>,
    enums: Vec<(String, Vec<Value>)>,
    triggers: Vec<(String, Vec<Value>)>,
}

impl Schema {
    pub fn triggers(&self) -> Vec<String> {
        self.triggers.iter().map(|(name, _)| name.clone()).collect()
    }

    pub fn clear_but_triggers(&mut self) {
        *self = Self { triggers: std::mem::take(&mut self.triggers), ..Self::default() };
    }

    pub fn put_label_index(&mut self, label: &str) {
        let key = format!("INDEX ON :`{label}`");
        self.indexes.push((key, vec!["label".into(), label.into(), Value::Null, Value::Integer(0)]));
    }

    pub fn put_text_index(&mut self, name: &str, label: &str, count: i64) {
        let kind = format!("label_text (name: {name})");
        let row = vec![kind.as_str().into(), label.into(), Value::List(Vec::new()), count.into()];
        self.indexes.push((format!("TEXT {name}"), row));
    }

    /// How many nodes a text index knows.
    pub fn text_index(&self, name: &str) -> Option<i64> {
        let key = format!("TEXT {name}");
        self.indexes.iter().find(|(known, _)| *known == key).and_then(|(_, row)| row[3].as_integer())
    }

    pub fn knows_enum(&self, text: &str) -> bool {
        let Some((name, value)) = text.split_once("::") else { return false };
        self.enums
            .iter()
            .any(|(known, row)| known == name && row[1].as_list().unwrap().iter().any(|v| v.as_str() == Some(value)))
    }
}

pub fn is_ddl(text: &str) -> bool {
    [
        "SHOW ",
        "CREATE INDEX",
        "CREATE EDGE",
        "CREATE POINT",
        "CREATE TEXT INDEX",
        "CREATE CONSTRAINT",
        "CREATE ENUM",
        "CREATE TRIGGER",
        "DROP ",
        "STORAGE MODE",
        "SET SESSION",
        "DUMP DATABASE",
    ]
    .iter()
    .any(|head| text.starts_with(head))
}

type Table = (Vec<String>, Vec<Vec<Value>>);

fn names(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((_, tail)) = rest.split_once('`') {
        let mut name = String::new();
        let mut chars = tail.char_indices().peekable();
        let mut end = tail.len();
        while let Some((at, c)) = chars.next() {
            if c == '`' {
                if chars.peek().is_some_and(|(_, c)| *c == '`') {
                    chars.next();
                } else {
                    end = at + 1;
                    break;
                }
            }
            name.push(c);
        }
        out.push(name);
        rest = &tail[end..];
    }
    out
}

fn bare(text: &str) -> String {
    text.trim_matches('`').to_owned()
}

pub fn run(store: &mut Store, text: &str) -> Result<Table, Refusal> {
    let table = |columns: &[&str], rows| Ok((columns.iter().map(|name| (*name).to_owned()).collect(), rows));
    let pairs = |pairs: &[(&str, Value)]| {
        pairs.iter().map(|(key, value)| vec![Value::from(*key), value.clone()]).collect::<Vec<_>>()
    };
    let schema = &mut store.schema;
    let listed = |rows: &[(String, Vec<Value>)]| rows.iter().map(|(_, row)| row.clone()).collect::<Vec<_>>();
    match text {
        "SHOW VERSION" => return table(&["version"], vec![vec!["3.6.2".into()]]),
        "SHOW STORAGE INFO" => {
            let (nodes, edges) = (store.graph.nodes.len() as i64, store.graph.relationships.len() as i64);
            let rows = pairs(&[
                ("vertex_count", nodes.into()),
                ("edge_count", edges.into()),
                ("global_isolation_level", "SNAPSHOT_ISOLATION".into()),
                ("session_isolation_level", "".into()),
                ("storage_mode", store.mode().into()),
            ]);
            return table(&["storage info", "value"], rows);
        }
        "SHOW CONFIG" => {
            let row = |name: &str, value: &str| vec![name.into(), "".into(), value.into(), "".into()];
            let rows = vec![
                row("storage_properties_on_edges", "true"),
                row("query_execution_timeout_sec", "600"),
                row("memory_limit", "0"),
                row("data_directory", super::physical::INSIDE),
            ];
            return table(&["name", "default_value", "current_value", "description"], rows);
        }
        "SHOW INDEX INFO" => return table(&["index type", "label", "property", "count"], listed(&schema.indexes)),
        "SHOW CONSTRAINT INFO" => {
            let mut rows: Vec<Vec<Value>> = schema
                .exists
                .iter()
                .map(|(label, property)| {
                    vec!["exists".into(), label.as_str().into(), property.as_str().into(), "".into()]
                })
                .collect();
            rows.extend(schema.unique.iter().map(|(label, properties)| {
                let properties = properties.iter().map(|name| Value::from(name.as_str())).collect();
                vec!["unique".into(), label.as_str().into(), Value::List(properties), "".into()]
            }));
            return table(&["constraint type", "label", "properties", "data_type"], rows);
        }
        "SHOW ENUMS" => return table(&["Enum Name", "Enum Values"], listed(&schema.enums)),
        "SHOW TRIGGERS" => {
            return table(&["trigger name", "statement", "event type", "phase", "owner"], listed(&schema.triggers));
        }
        "STORAGE MODE IN_MEMORY_ANALYTICAL" => store.analytical = true,
        "STORAGE MODE IN_MEMORY_TRANSACTIONAL" => store.analytical = false,
        "SET SESSION TRANSACTION ISOLATION LEVEL SNAPSHOT ISOLATION" => {}
        _ => return change(store, text).map(|()| (Vec::new(), Vec::new())),
    }
    Ok((Vec::new(), Vec::new()))
}

fn change(store: &mut Store, text: &str) -> Result<(), Refusal> {
    let (create, rest) = match (text.strip_prefix("CREATE "), text.strip_prefix("DROP ")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return refuse(CLIENT, format!("Error on line 1 position 1. The underlying parsing error is {text}")),
    };
    let schema = &mut store.schema;
    let put = |list: &mut Vec<(String, Vec<Value>)>, key: String, row: Vec<Value>| {
        list.retain(|(known, _)| *known != key);
        if create {
            list.push((key, row));
        }
    };
    let all = names(rest);
    let text_of = |at: usize| all.get(at).map_or(Value::Null, |name| Value::from(name.as_str()));
    let list = |names: &[String]| Value::List(names.iter().map(|name| Value::from(name.as_str())).collect());
    if let Some(rest) = rest.strip_prefix("CONSTRAINT ON (u:") {
        let (label, properties) = (all[0].clone(), all[1..].to_vec());
        if rest.ends_with(" IS UNIQUE") {
            if create && let Some(text) = broken(&store.graph, &label, &properties, true) {
                return refuse(
                    CLIENT,
                    format!("Unable to create unique constraint {text}, because an existing node violates it."),
                );
            }
            schema.unique.retain(|known| *known != (label.clone(), properties.clone()));
            if create {
                schema.unique.push((label, properties));
            }
        } else if rest.contains("ASSERT EXISTS") {
            if create && let Some(text) = broken(&store.graph, &label, &properties, false) {
                return refuse(
                    CLIENT,
                    format!("Unable to create existence constraint {text}, because an existing node violates it."),
                );
            }
            let pair = (label, properties[0].clone());
            schema.exists.retain(|known| *known != pair);
            if create {
                schema.exists.push(pair);
            }
        }
        return Ok(());
    }
    if rest.starts_with("TEXT INDEX ") {
        let name = all[0].clone();
        let key = format!("TEXT {name}");
        schema.indexes.retain(|(known, _)| *known != key);
        if create {
            let count = store.graph.nodes.values().filter(|node| node.labels.contains(&all[1])).count();
            schema.put_text_index(&name, &all[1], count as i64);
        }
        return Ok(());
    }
    if let Some(rest) = rest.strip_prefix("ENUM ") {
        let (name, values) = rest.split_once(" VALUES { ").unwrap();
        let values: Vec<String> = values.trim_end_matches(" }").split(", ").map(bare).collect();
        if schema.enums.iter().any(|(known, _)| *known == bare(name)) {
            return refuse(CLIENT, "Enum already exists.");
        }
        schema.enums.push((bare(name), vec![bare(name).as_str().into(), list(&values)]));
        return Ok(());
    }
    if let Some(rest) = rest.strip_prefix("TRIGGER ") {
        let name = bare(rest.split(' ').next().unwrap());
        let known = schema.triggers.iter().any(|(known, _)| *known == name);
        match (create, known) {
            (true, true) => return refuse(TRANSIENT, "Trigger with the same name already exists."),
            (false, false) => return refuse(TRANSIENT, format!("Trigger with name '{name}' doesn't exist")),
            (false, true) => schema.triggers.retain(|(known, _)| *known != name),
            (true, false) => {
                let (head, statement) = rest.split_once(" EXECUTE ").unwrap();
                let phase = if head.ends_with("BEFORE COMMIT") { "BEFORE COMMIT" } else { "AFTER COMMIT" };
                let event = head.split_once(" ON ").map_or("ANY", |(_, rest)| rest.trim_end_matches(phase).trim());
                let row = vec![name.as_str().into(), statement.into(), event.into(), phase.into(), Value::Null];
                schema.triggers.push((name, row));
            }
        }
        return Ok(());
    }
    let zero = Value::Integer(0);
    let row = match (rest.split(" INDEX").next().unwrap_or_default(), all.len()) {
        ("EDGE", 1) => vec!["edge-type".into(), text_of(0), Value::Null, zero],
        ("EDGE", _) => vec!["edge-type+property".into(), text_of(0), text_of(1), zero],
        ("POINT", _) => vec!["point".into(), text_of(0), text_of(1), zero],
        (head, 1) if head.starts_with("INDEX ON") => vec!["label".into(), text_of(0), Value::Null, zero],
        (head, _) if head.starts_with("INDEX ON") => vec!["label+property".into(), text_of(0), list(&all[1..]), zero],
        _ => return refuse(CLIENT, format!("Error on line 1 position 8. The underlying parsing error is {text}")),
    };
    put(&mut schema.indexes, rest.to_owned(), row);
    Ok(())
}
