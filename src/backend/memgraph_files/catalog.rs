//! The schema that the files tell, and what changes of it do. The objects are those that a dump's statements are read as.

use super::value::Enum;
use crate::error::{Error, Result};
use crate::model::schema::{OtherObject, with};
use crate::model::{Constraint, ConstraintKind, Entity, Index, IndexKind, Map, Schema, SchemaObject, Value};
use jiff::tz::TimeZone;

/// The indexes, constraints, enums, descriptions and the time-to-live at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Catalog {
    pub(super) enums: Vec<Enum>,
    pub(super) objects: Vec<SchemaObject>,
    pub(super) ttl: Option<TimeToLive>,
    /// What a description is on, as a statement says it, and its text.
    pub(super) descriptions: Vec<(String, String)>,
}

/// When items with a time-to-live are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TimeToLive {
    /// Microseconds.
    pub(super) period: Option<u64>,
    /// Microseconds since the epoch.
    pub(super) start: Option<u64>,
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    Create(SchemaObject),
    Drop(SchemaObject),
    /// Text and vector indexes are dropped by name, on nodes or on relationships.
    DropNamed(IndexKind, String),
    CreateEnum(Enum),
    AddValue(String, String),
    RenameValue(String, String, String),
    /// 0 enable, 1 disable, 2 configure, 3 stop.
    TimeToLive(u64, TimeToLive),
    Describe(String, Option<String>),
    /// Statistics, which are no part of the schema.
    Nothing,
}

impl Catalog {
    pub(super) fn apply(&mut self, change: Change) -> Result<()> {
        match change {
            Change::Nothing => {}
            Change::Create(object) => {
                if self.objects.contains(&object) {
                    return Err(wrong(format!("the {} is created twice", object.describe())));
                }
                self.objects.push(object);
            }
            Change::Drop(object) => {
                let at = self.objects.iter().position(|known| is_same(known, &object));
                let at = at.ok_or_else(|| wrong(format!("the {} is dropped and unknown", object.describe())))?;
                self.objects.remove(at);
            }
            Change::DropNamed(kind, name) => {
                let is_it = |object: &SchemaObject| matches!(object, SchemaObject::Index(index) if index.kind == kind && index.name.as_deref() == Some(&name));
                let at = self.objects.iter().position(is_it);
                let at =
                    at.ok_or_else(|| wrong(format!("the {} index {name:?} is dropped and unknown", kind.keyword())))?;
                self.objects.remove(at);
            }
            Change::CreateEnum(new) => {
                if self.enums.iter().any(|(name, _)| *name == new.0) {
                    return Err(wrong(format!("the enum {:?} is created twice", new.0)));
                }
                self.enums.push(new);
            }
            Change::AddValue(name, value) => self.values(&name)?.push(value),
            Change::RenameValue(name, old, new) => {
                let known = self.values(&name)?.iter_mut().find(|value| **value == old);
                *known.ok_or_else(|| wrong(format!("the enum {name:?} has no value {old:?} to rename")))? = new;
            }
            Change::TimeToLive(operation, settings) => match operation {
                0 => _ = self.ttl.get_or_insert(settings),
                1 => self.ttl = None,
                2 => self.ttl = Some(settings),
                _ => {}
            },
            Change::Describe(target, text) => {
                self.descriptions.retain(|(known, _)| *known != target);
                self.descriptions.extend(text.map(|text| (target, text)));
            }
        }
        Ok(())
    }

    fn values(&mut self, name: &str) -> Result<&mut Vec<String>> {
        let found = self.enums.iter_mut().find(|(known, _)| known == name);
        found.map(|(_, values)| values).ok_or_else(|| wrong(format!("there is no enum {name:?} to change")))
    }

    /// The whole of it: enums first, since values need them.
    pub(super) fn schema(&self, zone: &TimeZone) -> Schema {
        let other = |kind: &str, name: &str, details: Map| {
            SchemaObject::Other(OtherObject { kind: kind.to_owned(), name: name.to_owned(), details })
        };
        let enums =
            self.enums.iter().map(|(name, values)| other("enum", name, with(Map::new(), "values", list(values))));
        let mut objects: Vec<SchemaObject> = enums.collect();
        objects.extend(self.objects.iter().cloned());
        if let Some(TimeToLive { period, start }) = self.ttl {
            let mut details = Map::new();
            if let Some(period) = period {
                details = with(details, "every", &*format!("{}s", period / 1_000_000));
            }
            if let Some(start) = start {
                details = with(details, "at", &*time_of_day(start, zone));
            }
            objects.push(other("ttl", "ttl", details));
        }
        objects.extend(
            self.descriptions
                .iter()
                .map(|(target, text)| other("description", target, with(Map::new(), "text", &**text))),
        );
        Schema { objects }
    }
}

fn wrong(what: String) -> Error {
    Error::corrupt(what)
}

fn list(texts: &[String]) -> Value {
    Value::List(texts.iter().map(|text| Value::from(text.as_str())).collect())
}

fn time_of_day(microseconds: u64, zone: &TimeZone) -> String {
    let instant = i64::try_from(microseconds).ok().and_then(|amount| jiff::Timestamp::from_microsecond(amount).ok());
    instant.unwrap_or_default().to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// The properties of a unique constraint are a set.
fn is_same(known: &SchemaObject, dropped: &SchemaObject) -> bool {
    match (known, dropped) {
        (SchemaObject::Constraint(a), SchemaObject::Constraint(b)) if a.kind == ConstraintKind::Unique => {
            let sorted = |constraint: &Constraint| {
                let mut properties = constraint.properties.clone();
                properties.sort();
                properties
            };
            b.kind == ConstraintKind::Unique && a.label == b.label && sorted(a) == sorted(b)
        }
        _ => known == dropped,
    }
}

/// An index without a name. A property is a path: more than one step lead into maps.
pub(super) fn index(on: Entity, kind: IndexKind, labels: Vec<String>, paths: Vec<Vec<String>>) -> Index {
    let mut config = Map::new();
    if paths.iter().any(|path| path.len() > 1) {
        config.insert("paths".to_owned(), Value::List(paths.iter().map(|path| list(path)).collect()));
    }
    let properties = paths.iter().map(|path| path.join(".")).collect();
    Index { name: None, kind, on, labels, properties, provider: None, config }
}

/// A label or type index, or one with properties.
pub(super) fn range(on: Entity, label: Option<String>, paths: Vec<Vec<String>>, is_descending: bool) -> SchemaObject {
    let kind = if paths.is_empty() { IndexKind::Label } else { IndexKind::Range };
    let mut index = index(on, kind, label.into_iter().collect(), paths);
    if is_descending {
        index.config.insert("order".to_owned(), Value::from("DESC"));
    }
    SchemaObject::Index(index)
}

pub(super) fn point(label: String, property: String) -> SchemaObject {
    SchemaObject::Index(index(Entity::Node, IndexKind::Point, vec![label], vec![vec![property]]))
}

pub(super) fn text(on: Entity, name: String, label: String, properties: Vec<String>) -> SchemaObject {
    let paths = properties.into_iter().map(|property| vec![property]).collect();
    SchemaObject::Index(Index { name: Some(name), ..index(on, IndexKind::Text, vec![label], paths) })
}

/// A vector index as the files have it.
#[derive(Clone, Debug)]
pub(super) struct Vector {
    pub(super) name: String,
    /// 0 one, 1 all there are, 2 any of them, 3 all of them.
    pub(super) mode: u64,
    pub(super) labels: Vec<String>,
    pub(super) property: String,
    pub(super) metric: String,
    pub(super) dimension: u64,
    pub(super) resize: u64,
    pub(super) capacity: u64,
    pub(super) scalar: Option<u64>,
}

impl Vector {
    pub(super) fn object(self, on: Entity) -> Result<SchemaObject> {
        let mut index = index(on, IndexKind::Vector, self.labels, vec![vec![self.property]]);
        if self.mode > 3 {
            return Err(wrong(format!("the vector index {:?} has an unknown filter {}", self.name, self.mode)));
        }
        let number = |number: u64| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        let scalar = scalar(self.scalar.unwrap_or(11))
            .ok_or_else(|| wrong(format!("the vector index {:?} has elements of an unknown kind", self.name)))?;
        for (key, value) in [
            ("dimension", number(self.dimension)),
            ("metric", Value::from(self.metric.as_str())),
            ("capacity", number(self.capacity)),
            ("resize_coefficient", number(self.resize)),
            ("scalar_kind", Value::from(scalar)),
        ] {
            index.config.insert(key.to_owned(), value);
        }
        if self.mode == 3 {
            index.config.insert("labels".to_owned(), Value::from("all"));
        }
        index.name = Some(self.name);
        Ok(SchemaObject::Index(index))
    }
}

fn scalar(kind: u64) -> Option<&'static str> {
    Some(match kind {
        1 => "b1x8",
        2 => "u40",
        3 => "uuid",
        4 => "bf16",
        10 => "f64",
        11 => "f32",
        12 => "f16",
        13 => "f8",
        14 => "u64",
        15 => "u32",
        16 => "u16",
        17 => "u8",
        20 => "i64",
        21 => "i32",
        22 => "i16",
        23 => "i8",
        _ => return None,
    })
}

pub(super) fn constraint(kind: ConstraintKind, label: String, properties: Vec<String>) -> SchemaObject {
    let (name, provider, config) = (None, None, Map::new());
    SchemaObject::Constraint(Constraint { name, kind, on: Entity::Node, label, properties, provider, config })
}

/// The type that a constraint demands.
pub(super) fn property_type(kind: u64) -> Result<ConstraintKind> {
    const TYPES: [&str; 13] = [
        "STRING",
        "BOOLEAN",
        "INTEGER",
        "FLOAT",
        "LIST",
        "MAP",
        "DURATION",
        "DATE",
        "LOCALTIME",
        "LOCALDATETIME",
        "ZONEDDATETIME",
        "ENUM",
        "POINT",
    ];
    let name = usize::try_from(kind).ok().and_then(|kind| TYPES.get(kind));
    let name = name.ok_or_else(|| wrong(format!("{kind} is no type of properties")))?;
    Ok(ConstraintKind::PropertyType((*name).to_owned()))
}
