//! Constraints that the store enforces: uniqueness, existence, and both of them as a key.
//!
//! Two values are the same here when type and encoding are the same: 1 and 1.0 are two values, and so are 0.0 and -0.0.
//! NaN equals nothing. An item that lacks one of the properties is outside a uniqueness constraint, and breaks an existence constraint.

use super::fault::{during, fault};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{
    Block, Class, ConstraintKind, Cursor, Entity, Item, Kind, SchemaObject, Value, ValueRef, packstream,
};
use rusqlite::{Connection, ErrorCode, OptionalExtension};

/// Keys longer than this are kept as a hash.
const LONG: usize = 64;

/// Begins a hashed key: no PackStream value begins with it.
const HASHED: u8 = 0xDF;

/// One constraint that is enforced.
#[derive(Debug)]
pub(super) struct Rule {
    id: i64,
    describe: String,
    class: Class,
    label: String,
    properties: Vec<String>,
    unique: bool,
    required: bool,
}

/// What an item has to say to a rule.
enum Said {
    /// Every property is there; the key was built.
    Key,
    /// Every property is there, but a NaN is among them, which equals nothing, itself included.
    Unequal,
    /// This property is not.
    Lacks(usize),
}

impl Rule {
    /// The rule of a schema object; `None` for what is not enforced.
    pub(super) fn of(id: i64, object: &SchemaObject) -> Option<Self> {
        let SchemaObject::Constraint(constraint) = object else { return None };
        let (unique, required) = match constraint.kind {
            ConstraintKind::Unique => (true, false),
            ConstraintKind::Existence => (false, true),
            ConstraintKind::Key => (true, true),
            ConstraintKind::PropertyType(_) => return None,
        };
        Some(Self {
            id,
            describe: object.describe(),
            class: match constraint.on {
                Entity::Node => Class::Nodes,
                Entity::Relationship => Class::Relationships,
            },
            label: constraint.label.clone(),
            properties: constraint.properties.clone(),
            unique,
            required,
        })
    }

    /// Nodes or relationships.
    pub(super) fn class(&self) -> Class {
        self.class
    }

    /// Whether the rule is about items of this kind.
    pub(super) fn concerns(&self, class: Class, kind: &Kind) -> bool {
        self.class == class && kind.names().iter().any(|name| **name == *self.label)
    }

    /// Checks an item that was just given `id`, and remembers its key.
    pub(super) fn admit(&self, connection: &Connection, block: &Block, item: &Item, id: i64) -> Result<()> {
        let mut key = Vec::new();
        if !self.key(block.properties(item), &mut key)? {
            return Ok(());
        }
        let mut insert = connection
            .prepare_cached("INSERT INTO unique_keys (constraint_id, key, item) VALUES (?1, ?2, ?3)")
            .map_err(during("checking a constraint"))?;
        match insert.execute((self.id, shorten(&key), id)) {
            Ok(_) => Ok(()),
            Err(cause) if cause.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                let holder = connection
                    .query_row(
                        "SELECT item FROM unique_keys WHERE constraint_id = ?1 AND key = ?2",
                        (self.id, shorten(&key)),
                        |row| row.get::<_, i64>(0),
                    )
                    .optional()
                    .map_err(during("checking a constraint"))?;
                Err(self.taken(block.properties(item), holder.unwrap_or_default()))
            }
            Err(cause) => Err(fault("checking a constraint", cause)),
        }
    }

    /// Forgets the key of an item that is about to change or to go.
    pub(super) fn release(&self, connection: &Connection, block: &Block, item: &Item) -> Result<()> {
        let mut key = Vec::new();
        // One that breaks the rule already has no key.
        if !self.unique || !matches!(self.say(block.properties(item), &mut key)?, Said::Key) {
            return Ok(());
        }
        connection
            .prepare_cached("DELETE FROM unique_keys WHERE constraint_id = ?1 AND key = ?2 AND item = ?3")
            .and_then(|mut delete| delete.execute((self.id, shorten(&key), item.id)))
            .map(drop)
            .map_err(during("checking a constraint"))
    }

    /// Checks an item that is in the store already; pushes its key for [`Rule::settle`].
    pub(super) fn gather(&self, insert: &mut rusqlite::Statement<'_>, block: &Block, item: &Item) -> Result<()> {
        let mut key = Vec::new();
        if self.key(block.properties(item), &mut key)? {
            insert.execute((shorten(&key), item.id)).map_err(during("checking a constraint"))?;
        }
        Ok(())
    }

    /// Takes over the keys that were gathered in the temporary table `gathered`; they must be distinct.
    pub(super) fn settle(&self, connection: &Connection) -> Result<()> {
        let checking = || during("checking a constraint");
        let take = "INSERT INTO unique_keys SELECT ?1, key, item FROM temp.gathered ORDER BY key";
        match connection.execute(take, [self.id]) {
            Ok(_) => return Ok(()),
            Err(cause) if cause.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {}
            Err(cause) => return Err(fault("checking a constraint", cause)),
        }
        let (first, last): (i64, i64) = connection
            .query_row(
                "SELECT min(item), max(item) FROM temp.gathered GROUP BY key HAVING count(*) > 1 ORDER BY 1 LIMIT 1",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .map_err(checking())?;
        let sql = match self.class {
            Class::Nodes => "SELECT properties FROM nodes WHERE id = ?1",
            Class::Relationships => "SELECT properties FROM relationships WHERE id = ?1",
        };
        let mut properties = Vec::new();
        let mut statement = connection.prepare(sql).map_err(checking())?;
        let mut rows = statement.query([last]).map_err(checking())?;
        if let Some(row) = rows.next().map_err(checking())? {
            super::stored::Stored::default().read(row, 0, &mut properties)?;
        }
        Err(self.taken(&properties, first))
    }

    /// Builds the key of a property map; false when the item is outside the rule.
    fn key(&self, properties: &[u8], key: &mut Vec<u8>) -> Result<bool> {
        match self.say(properties, key)? {
            Said::Key => Ok(self.unique),
            Said::Unequal => Ok(false),
            Said::Lacks(_) if !self.required => Ok(false),
            Said::Lacks(which) => {
                let name = self.properties.get(which).map_or("", String::as_str);
                let message =
                    format!("the {} is violated: a {} has no property {name:?}", self.describe, self.class.noun());
                Err(Error::new(ErrorKind::Server, message))
            }
        }
    }

    fn say(&self, properties: &[u8], key: &mut Vec<u8>) -> Result<Said> {
        let mut unequal = false;
        for (which, wanted) in self.properties.iter().enumerate() {
            let mut cursor = Cursor::new(properties);
            let mut found = false;
            for _ in 0..cursor.map()? {
                let name = cursor.string()?;
                if name != wanted {
                    cursor.check()?;
                    continue;
                }
                found = true;
                let mut value = Cursor::new(cursor.raw()?);
                while !value.is_at_end() {
                    let value = value.value()?;
                    unequal |= matches!(value, ValueRef::Float(float) if float.is_nan());
                    packstream::put_value(key, &value);
                }
                break;
            }
            if !found {
                return Ok(Said::Lacks(which));
            }
        }
        Ok(if unequal { Said::Unequal } else { Said::Key })
    }

    fn taken(&self, properties: &[u8], holder: i64) -> Error {
        let map = Value::read(&mut Cursor::new(properties)).unwrap_or(Value::Null);
        let shown = |name: &String| {
            let value = map.as_map().and_then(|map| map.get(name)).unwrap_or(&Value::Null);
            super::stored::show(value)
        };
        let values: Vec<String> = self.properties.iter().map(shown).collect();
        let noun = self.class.noun();
        let message = format!("the {} is violated: {noun} {holder} has {} already", self.describe, values.join(", "));
        Error::new(ErrorKind::Server, message)
    }
}

fn shorten(key: &[u8]) -> Vec<u8> {
    if key.len() <= LONG {
        return key.to_vec();
    }
    let mut short = vec![HASHED];
    short.extend_from_slice(blake3::hash(key).as_bytes());
    short
}
