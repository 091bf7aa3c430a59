//! What strings of a file were, as told by a graph that has its types: its constraints on types, and its values.
//!
//! Only what is certain counts: wherever the graph has the property under that label or type, it has the one type, and never a string.
//! Nothing else is guessed, and a string that is not the text of the type stays a string.

use super::Type;
use crate::error::Result;
use crate::model::{Block, Class, ConstraintKind, Cursor, Entity, Kind, Schema, SchemaObject, ValueRef};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// The types of a property as far as they were seen, as bits.
type Seen = u16;

/// Types whose values a format without them has as text. Points are recognised by themselves, and numbers are no text but for NaN.
const TEXTUAL: [(Type, &str, Seen); 7] = [
    (Type::Date, "date", 1),
    (Type::LocalTime, "local time", 1 << 1),
    (Type::Time, "time", 1 << 2),
    (Type::LocalDateTime, "local date-time", 1 << 3),
    (Type::DateTime, "date-time", 1 << 4),
    (Type::Duration, "duration", 1 << 5),
    (Type::Bytes, "bytes", 1 << 6),
];

/// Strings, or what is too odd to be told from them.
const STRING: Seen = 1 << 7;

/// What a graph with types says of the properties of others.
#[derive(Clone, Debug, Default)]
pub struct Inference {
    nodes: FxHashMap<Box<str>, FxHashMap<Box<str>, Seen>>,
    relationships: FxHashMap<Box<str>, FxHashMap<Box<str>, Seen>>,
}

fn of_value(cursor: &mut Cursor<'_>) -> Result<Seen> {
    let bit = |wanted: Type| TEXTUAL.iter().find(|(kind, ..)| *kind == wanted).map_or(0, |(.., bit)| *bit);
    Ok(match cursor.value()? {
        ValueRef::String(_) | ValueRef::Map(_) | ValueRef::Enum(_) | ValueRef::Structure(..) => STRING,
        ValueRef::Date(_) => bit(Type::Date),
        ValueRef::LocalTime(_) => bit(Type::LocalTime),
        ValueRef::Time(_) => bit(Type::Time),
        ValueRef::LocalDateTime(_) => bit(Type::LocalDateTime),
        ValueRef::DateTime(_) | ValueRef::ZonedDateTime(_) => bit(Type::DateTime),
        ValueRef::Duration(_) => bit(Type::Duration),
        ValueRef::Bytes(_) => bit(Type::Bytes),
        ValueRef::List(size) => {
            let mut seen = 0;
            for _ in 0..size {
                let mut element = *cursor;
                seen |= match element.value()? {
                    ValueRef::List(_) | ValueRef::Map(_) => STRING,
                    _ => of_value(&mut cursor.clone())?,
                };
                cursor.check()?;
            }
            seen
        }
        _ => 0,
    })
}

/// The type that a constraint names, as Neo4j or Memgraph writes it: `ZONED DATETIME`, `LIST<DATE NOT NULL>`.
fn of_constraint(name: &str) -> Seen {
    let each = |name: &str| {
        let bare = name.trim().trim_start_matches("LIST<").replace(" NOT NULL", "");
        match bare.trim_end_matches('>').replace([' ', '_'], "").to_ascii_uppercase().as_str() {
            "DATE" => 1,
            "LOCALTIME" => 1 << 1,
            "ZONEDTIME" | "TIME" => 1 << 2,
            "LOCALDATETIME" => 1 << 3,
            "ZONEDDATETIME" | "DATETIME" => 1 << 4,
            "DURATION" => 1 << 5,
            "INTEGER" | "FLOAT" | "BOOLEAN" | "POINT" => 0,
            _ => STRING,
        }
    };
    name.split('|').map(each).fold(0, |all, one| all | one)
}

impl Inference {
    fn add(&mut self, class: Class, name: &str, key: &str, seen: Seen) {
        let names = match class {
            Class::Nodes => &mut self.nodes,
            Class::Relationships => &mut self.relationships,
        };
        if !names.contains_key(name) {
            names.insert(name.into(), FxHashMap::default());
        }
        let Some(keys) = names.get_mut(name) else { return };
        match keys.get_mut(key) {
            Some(known) => *known |= seen,
            None => {
                keys.insert(key.into(), seen);
            }
        }
    }

    /// Takes in the values of a block.
    ///
    /// # Errors
    /// The block's bytes are not well formed.
    pub fn see(&mut self, block: &Block) -> Result<()> {
        for item in block.items() {
            let Some(kind) = block.kinds().get(item.kind as usize) else { continue };
            let mut cursor = block.cursor(item);
            for _ in 0..cursor.map()? {
                let key = cursor.string()?;
                let seen = of_value(&mut cursor.clone())?;
                cursor.check()?;
                kind.names().iter().for_each(|name| self.add(block.class(), name, key, seen));
            }
        }
        Ok(())
    }

    /// Takes in the constraints on types.
    pub fn see_schema(&mut self, schema: &Schema) {
        for object in &schema.objects {
            if let SchemaObject::Constraint(constraint) = object
                && let ConstraintKind::PropertyType(name) = &constraint.kind
            {
                let class = if constraint.on == Entity::Node { Class::Nodes } else { Class::Relationships };
                let seen = of_constraint(name);
                constraint.properties.iter().for_each(|key| self.add(class, &constraint.label, key, seen));
            }
        }
    }

    /// The types that are certain for items of a kind: those of which no label says otherwise.
    pub(super) fn of(&self, class: Class, kind: &Kind) -> BTreeMap<&str, Type> {
        let mut all: BTreeMap<&str, Seen> = BTreeMap::new();
        let names = match class {
            Class::Nodes => &self.nodes,
            Class::Relationships => &self.relationships,
        };
        for name in kind.names() {
            for (key, seen) in names.get(name).into_iter().flatten() {
                *all.entry(key).or_default() |= seen;
            }
        }
        all.into_iter().filter_map(|(key, seen)| certain(seen).map(|(kind, _)| (key, kind))).collect()
    }

    /// What is inferred, a line each: `strings of Person.born that are a date become one`.
    #[must_use]
    pub fn told(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (noun, names) in [("nodes", &self.nodes), ("relationships", &self.relationships)] {
            for (name, keys) in names {
                for (key, seen) in keys {
                    if let Some((_, kind)) = certain(*seen) {
                        lines.push(format!("{noun} {name}.{key}: strings that are the text of a {kind}"));
                    }
                }
            }
        }
        lines.sort();
        lines
    }
}

fn certain(seen: Seen) -> Option<(Type, &'static str)> {
    TEXTUAL.iter().find(|(.., bit)| *bit == seen).map(|(kind, name, _)| (*kind, *name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::temporal::Date;
    use crate::model::{Constraint, Map, packstream};

    #[test]
    fn only_what_is_certain() {
        let mut block = Block::new(Class::Nodes);
        let date = |out: &mut Vec<u8>| packstream::put_value(out, &ValueRef::Date(Date { days: 1 }));
        for (labels, keys) in [(vec!["A"], ["born", "a"]), (vec!["A", "B"], ["born", "b"]), (vec!["C"], ["x", "born"])]
        {
            let kind = block.add_kind(Kind::labels(labels.clone()));
            let out = block.buffer();
            packstream::put_map(out, 2);
            for key in keys {
                packstream::put_string(out, key);
                match (key, &*labels) {
                    ("born", ["C"]) => packstream::put_string(out, "long ago"),
                    ("x", _) => {
                        packstream::put_list(out, 2);
                        date(out);
                        date(out);
                    }
                    _ => date(out),
                }
            }
            block.push(0, 0, 0, kind, 0);
        }
        let mut found = Inference::default();
        found.see(&block).unwrap();
        let of = |labels: &[&str]| {
            let found = found.of(Class::Nodes, &Kind::labels(labels.to_vec()));
            found.into_keys().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(of(&["A"]), ["a", "b", "born"]);
        // A node that is both may have either.
        assert_eq!(of(&["A", "C"]), ["a", "b", "x"]);
        assert_eq!(of(&["D"]), Vec::<String>::new());
        assert_eq!(found.told().len(), 6);
    }

    #[test]
    fn constraints_on_types() {
        let mut found = Inference::default();
        let constraint = |name: &str| {
            SchemaObject::Constraint(Constraint {
                name: None,
                kind: ConstraintKind::PropertyType(name.to_owned()),
                on: Entity::Relationship,
                label: "KNOWS".to_owned(),
                properties: vec![name.to_owned()],
                provider: None,
                config: Map::new(),
            })
        };
        let names = ["ZONED DATETIME", "LIST<DATE NOT NULL>", "STRING | DATE", "INTEGER", "ZONEDDATETIME"];
        found.see_schema(&Schema { objects: names.map(constraint).to_vec() });
        let certain = found.of(Class::Relationships, &Kind::relationship("KNOWS"));
        let expected = [
            ("LIST<DATE NOT NULL>", Type::Date),
            ("ZONED DATETIME", Type::DateTime),
            ("ZONEDDATETIME", Type::DateTime),
        ];
        assert_eq!(certain.into_iter().collect::<Vec<_>>(), expected);
    }
}
