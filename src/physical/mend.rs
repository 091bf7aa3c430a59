//! What a server's schema lacks after it came up from files: decided here, from the schema that the archive carries.
//!
//! Memgraph keeps triggers apart from its snapshots, and its text indexes come back empty (recorded of 3.6.2). So triggers are created and text
//! indexes made anew; whatever else is missing is created too.

use crate::model::{IndexKind, Schema, SchemaObject};

/// What is to be done, in order: removed, then created.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mending {
    /// Triggers that are to go, and text indexes that are to be made anew.
    pub remove: Vec<SchemaObject>,
    /// What is to be created.
    pub create: Vec<SchemaObject>,
    /// What the server has and the archive does not: left as it is.
    pub extra: Vec<SchemaObject>,
}

/// Compares. With `replaced` the server's triggers are those of a graph that was dropped: they go. Without, only those go that are in the way.
#[must_use]
pub fn mend(archived: &Schema, found: &Schema, replaced: bool) -> Mending {
    let mut mending = Mending::default();
    let has = |schema: &Schema, object: &SchemaObject| schema.objects.iter().any(|known| known.is_same_as(object));
    for object in &found.objects {
        if has(archived, object) {
            continue;
        }
        match object {
            SchemaObject::Trigger(trigger) if replaced || names_trigger(archived, &trigger.name) => {
                mending.remove.push(object.clone());
            }
            _ => mending.extra.push(object.clone()),
        }
    }
    for object in &archived.objects {
        match object {
            SchemaObject::Index(index) if index.kind == IndexKind::Text && has(found, object) => {
                mending.remove.push(object.clone());
                mending.create.push(object.clone());
            }
            _ if has(found, object) => {}
            _ => mending.create.push(object.clone()),
        }
    }
    // A trigger could fire on what is still to be created; it comes last.
    mending.create.sort_by_key(|object| matches!(object, SchemaObject::Trigger(_)));
    mending
}

fn names_trigger(schema: &Schema, name: &str) -> bool {
    schema.objects.iter().any(|object| matches!(object, SchemaObject::Trigger(trigger) if trigger.name == name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Entity, Index, Map, Trigger};

    fn index(kind: IndexKind, label: &str) -> SchemaObject {
        SchemaObject::Index(Index {
            name: (kind == IndexKind::Text).then(|| label.to_lowercase()),
            kind,
            on: Entity::Node,
            labels: vec![label.to_owned()],
            properties: Vec::new(),
            provider: None,
            config: Map::new(),
        })
    }

    fn trigger(name: &str, statement: &str) -> SchemaObject {
        SchemaObject::Trigger(Trigger {
            name: name.to_owned(),
            statement: statement.to_owned(),
            system: "memgraph".to_owned(),
            selector: Map::new(),
            params: Map::new(),
            paused: false,
        })
    }

    fn schema(objects: &[&SchemaObject]) -> Schema {
        Schema { objects: objects.iter().map(|object| (*object).clone()).collect() }
    }

    #[test]
    fn what_is_lost_is_put_back_and_what_is_there_stays() {
        let (label, text, other) =
            (index(IndexKind::Label, "A"), index(IndexKind::Text, "T"), index(IndexKind::Label, "B"));
        let (one, changed, foreign) = (trigger("t", "RETURN 1"), trigger("t", "RETURN 2"), trigger("u", "RETURN 3"));
        let archived = schema(&[&one, &label, &text]);
        let mending = mend(&archived, &schema(&[&label, &text]), true);
        assert_eq!(mending.remove, std::slice::from_ref(&text));
        assert_eq!(mending.create, [text.clone(), one.clone()]);
        assert_eq!(mending.extra, []);
        assert_eq!(
            mend(&archived, &schema(&[&label, &text, &one]), true).create,
            std::slice::from_ref(&text),
            "a trigger that is there"
        );
        // Triggers of the graph that was dropped go, in a fresh server only those that are in the way.
        let found = schema(&[&label, &text, &changed, &foreign, &other]);
        assert_eq!(mend(&archived, &found, true).remove, [changed.clone(), foreign.clone(), text.clone()]);
        let mending = mend(&archived, &found, false);
        assert_eq!(mending.remove, [changed, text]);
        assert_eq!(mending.extra, [foreign, other]);
    }
}
