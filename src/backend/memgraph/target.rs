//! The target: what it can hold, and its schema.
//!
//! A CREATE of what is there and a DROP of what is not are successes to Memgraph, so the lists of SHOW are compared before and after. Schema changes
//! wait for other transactions to end and give up after a second; they are tried again for a minute.

use super::ledger::{self, Ledger};
use super::session::{MemgraphSession, Settings};
use super::storage::Storage;
use super::{look, own_dump, parcel, schema, settle, statement};
use crate::backend::bolt::Link;
use crate::backend::{Entry, Facts, Schedule, Seen, Session, Target};
use crate::cypher::{self, Dialect};
use crate::error::{Error, ErrorKind, Result};
use crate::guard::WipeConsent;
use crate::model::{Capability, Class, Entity, IndexKind, Objection, Schema, SchemaObject, Trigger, Value};
use crate::wire::{Connection, Extra, Mode, Query};

/// Items that are dropped in one transaction.
const WIPED: u64 = 20_000;

/// Items in a batch: measured on 3.6.2, larger ones gain nothing.
const BATCH: usize = 5_000;
/// Items in a batch where the server ends statements after a few seconds, or has little memory.
const SMALL: usize = 1_000;
/// A limit of time or memory that makes batches small: seconds, and MiB.
const TIGHT: (i64, i64) = (10, 512);
/// Sessions: measured, more gain nothing.
const SESSIONS: usize = 4;

/// A Memgraph database that is written.
#[derive(Debug)]
pub(super) struct MemgraphTarget {
    link: Link,
    connection: Connection,
    limits: Limits,
}

/// What the server was started with.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Relationships may have properties.
    edge_properties: bool,
    /// Seconds after which a statement is ended; 0 for none.
    timeout: i64,
    /// MiB; 0 for what the machine has.
    memory: i64,
}

impl Limits {
    /// Asks the server. What it does not tell is taken for unlimited: then the first batch tells.
    fn ask(connection: &mut Connection, link: &Link) -> Result<Self> {
        let rows = match connection.table(&Query::alone("SHOW CONFIG", Mode::Write, Some(link.database()))) {
            Err(error) if connection.is_lost() => return Err(error),
            rows => rows.unwrap_or_default(),
        };
        let value = |name: &str| {
            let row = rows.iter().find(|row| row.get("name").and_then(Value::as_str) == Some(name));
            row.and_then(|row| row.get("current_value")).and_then(Value::as_str)
        };
        let number = |name: &str| value(name).and_then(|text| text.parse().ok()).unwrap_or(0);
        Ok(Self {
            edge_properties: value("storage_properties_on_edges") != Some("false"),
            timeout: number("query_execution_timeout_sec"),
            memory: number("memory_limit"),
        })
    }

    fn batch(self) -> usize {
        let tight = |value: i64, limit: i64| (1..=limit).contains(&value);
        if tight(self.timeout, TIGHT.0) || tight(self.memory, TIGHT.1) { SMALL } else { BATCH }
    }
}

/// Looks at the server as far as every target needs it.
pub(super) fn open(link: Link, mut connection: Connection) -> Result<Box<dyn Target>> {
    let limits = Limits::ask(&mut connection, &link)?;
    Ok(Box::new(MemgraphTarget { link, connection, limits }))
}

impl MemgraphTarget {
    /// Connects anew where the connection was lost: a run is looked after even then.
    fn reconnect(&mut self) -> Result<()> {
        if self.connection.is_lost() {
            self.connection = self.link.connect()?;
        }
        Ok(())
    }

    fn ledger(&mut self) -> Result<Ledger<'_>> {
        self.reconnect()?;
        Ok(Ledger::new(&mut self.connection, &self.link))
    }

    fn storage(&mut self) -> Result<Storage> {
        self.reconnect()?;
        Storage::ask(&mut self.connection, &self.link)
    }

    fn count(&mut self, text: &str) -> Result<u64> {
        self.count_in(Mode::Read, text)
    }

    fn count_in(&mut self, mode: Mode, text: &str) -> Result<u64> {
        let mut count = None;
        let query = Query::alone(text, mode, Some(self.link.database())).unlimited();
        self.connection.query(&query, |row| {
            count = ledger::number(row)?;
            Ok(())
        })?;
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
    }

    /// Runs a statement outside of transactions, again while others keep it from beginning.
    fn run(&mut self, text: &str) -> Result<()> {
        self.reconnect()?;
        ledger::insist(self, |target| {
            let query = Query::alone(text, Mode::Write, Some(target.link.database())).unlimited();
            target.connection.query(&query, |_| Ok(())).map(|_| ())
        })
    }

    fn schema(&mut self) -> Result<Vec<SchemaObject>> {
        let shown = schema::ask(&mut self.connection, &self.link)?;
        let found = shown.objects()?;
        if found.iter().all(|found| found.doubt.is_none()) && !shown.has_doubts_of_its_own() {
            return Ok(found.into_iter().map(|found| found.object).collect());
        }
        let database = Some(self.link.database());
        self.connection.begin_as(Extra { mode: Mode::Read, database, timeout: Some(0) })?;
        let statements = own_dump::schema_statements(&mut self.connection);
        if !self.connection.is_lost() {
            self.connection.rollback()?;
        }
        settle::settle(found, &statements?)
    }

    /// How many objects the server lists.
    fn listed(&mut self) -> Result<usize> {
        self.reconnect()?;
        let shown = schema::ask(&mut self.connection, &self.link)?;
        Ok(shown.indexes.len() + shown.constraints.len() + shown.enums.len() + shown.triggers.len())
    }

    /// Runs the statements for an object; `change` is by how many the lists must differ afterwards.
    fn change(&mut self, object: &SchemaObject, statements: &[String], change: isize) -> Result<()> {
        let is_listed = match object {
            SchemaObject::Other(other) => other.kind == "enum",
            _ => true,
        };
        let before = if is_listed { self.listed()? } else { 0 };
        for statement in statements {
            self.run(statement)?;
        }
        if is_listed && self.listed()? != before.wrapping_add_signed(change) {
            let is = if change > 0 { "is there already" } else { "is not there" };
            return Err(Error::new(ErrorKind::Server, format!("the {} {is}", object.describe())));
        }
        Ok(())
    }
}

/// Whether a server said that a trigger is there already, or is not.
fn says_of_trigger(error: &Error, what: &str) -> bool {
    error.kind() == ErrorKind::Server && error.message().starts_with("Trigger with ") && error.message().contains(what)
}

impl Target for MemgraphTarget {
    fn facts(&mut self) -> Result<Facts> {
        let storage = self.storage()?;
        let schema = Schema { objects: self.schema()? };
        let nodes = self.count(statement::COUNT_NODES)?.saturating_sub(self.count(statement::COUNT_LEDGER)?);
        Ok(Facts {
            origin: self.link.origin.clone(),
            capability: capability(&self.link, &storage, self.limits),
            nodes,
            relationships: self.count(statement::COUNT_RELATIONSHIPS)?,
            schema,
            defaults: Schema::default(),
            schedule: Schedule::Partitioned,
            sessions: SESSIONS,
            batch: self.limits.batch(),
            fires_triggers: true,
            resumes_restores: false,
            identities: None,
            analytical: (storage.mode != "ON_DISK_TRANSACTIONAL").then_some(storage.mode == ANALYTICAL),
        })
    }

    fn session(&self) -> Result<Box<dyn Session>> {
        let mut connection = self.link.connect()?;
        let storage = Storage::ask(&mut connection, &self.link)?;
        let settings = Settings {
            analytical: storage.mode == ANALYTICAL,
            weak: storage.isolation != "SNAPSHOT_ISOLATION" && !storage.isolation.is_empty(),
        };
        Ok(Box::new(MemgraphSession::new(self.link.clone(), connection, settings)?))
    }

    fn apply(&mut self, object: &SchemaObject) -> Result<()> {
        let statements = cypher::schema::create(Dialect::Memgraph, object)?;
        self.change(object, &statements, 1)
    }

    fn remove(&mut self, object: &SchemaObject) -> Result<()> {
        let statements = cypher::schema::drop(Dialect::Memgraph, object)?;
        self.change(object, &statements, -1)
    }

    fn wipe(&mut self, consent: &WipeConsent, told: &mut dyn FnMut(u64) -> Result<()>) -> Result<()> {
        let Facts { origin, schema, .. } = self.facts()?;
        consent.check(&origin.database)?;
        // Triggers first: they must not fire on what goes.
        let (triggers, others): (Vec<_>, Vec<_>) =
            schema.objects.into_iter().partition(|object| matches!(object, SchemaObject::Trigger(_)));
        // An enum cannot be dropped; one that the new data have too is left as it is.
        let is_lasting = |object: &&SchemaObject| matches!(object, SchemaObject::Other(other) if other.kind == "enum");
        for object in triggers.iter().chain(&others).filter(|object| !is_lasting(object)) {
            self.remove(object)?;
        }
        for item in ["()-[i]->()", "(i)"] {
            loop {
                let gone = self.count_in(
                    Mode::Write,
                    &format!("MATCH {item} WITH i LIMIT {WIPED} DELETE i RETURN count(*) AS count"),
                )?;
                told(gone)?;
                if gone < WIPED {
                    break;
                }
            }
        }
        Ok(())
    }

    /// An index is built when its statement is answered. What sessions that were cut off have left is removed.
    fn settle(&mut self) -> Result<()> {
        self.ledger()?.tidy()
    }

    fn look(
        &mut self,
        class: Class,
        name: &str,
        properties: &[String],
        sink: &mut dyn FnMut(Seen<'_>) -> Result<()>,
    ) -> Result<()> {
        self.reconnect()?;
        if class == Class::Nodes && name == statement::LEDGER {
            return Ok(());
        }
        look::look(&mut self.connection, &self.link, class, name, properties, sink)
    }

    /// Memgraph cannot stop a trigger: it is dropped, and created again with the statement that it had.
    fn set_trigger(&mut self, trigger: &Trigger, active: bool) -> Result<()> {
        let object = SchemaObject::Trigger(trigger.clone());
        let (statements, fine) = match active {
            true => (cypher::schema::create(Dialect::Memgraph, &object)?, "already exists"),
            false => (cypher::schema::drop(Dialect::Memgraph, &object)?, "doesn't exist"),
        };
        for statement in statements {
            match self.run(&statement) {
                Err(error) if says_of_trigger(&error, fine) => {}
                done => done?,
            }
        }
        Ok(())
    }

    fn set_analytical(&mut self, analytical: bool) -> Result<()> {
        let mode = if analytical { ANALYTICAL } else { "IN_MEMORY_TRANSACTIONAL" };
        self.run(&format!("STORAGE MODE {mode}"))?;
        let now = self.storage()?.mode;
        match now == mode {
            true => Ok(()),
            false => Err(Error::failed(format!("the server was asked for the mode {mode}, and is in {now}"))),
        }
    }

    fn make_durable(&mut self) -> Result<()> {
        self.run("CREATE SNAPSHOT")
    }

    fn runs(&mut self) -> Result<Vec<(String, String)>> {
        self.ledger()?.runs()
    }

    fn record(&mut self, run: &str, record: &str) -> Result<()> {
        self.ledger()?.record(run, record)
    }

    fn fence(&mut self, run: &str, lanes: usize) -> Result<i64> {
        self.ledger()?.fence(run, lanes)
    }

    fn enter(&mut self, run: &str, entry: &Entry) -> Result<()> {
        self.ledger()?.enter(run, entry)
    }

    fn entries(&mut self, run: &str, sink: &mut dyn FnMut(Entry) -> Result<()>) -> Result<()> {
        self.ledger()?.entries(run, sink)
    }

    fn forget(&mut self, run: &str) -> Result<()> {
        self.ledger()?.forget(run)
    }
}

const ANALYTICAL: &str = "IN_MEMORY_ANALYTICAL";

/// Types of values that no version stores.
const REFUSED_VALUES: [&str; 9] = [
    "null",
    "bytes",
    "time",
    "vector",
    "structure",
    "list of bytes",
    "list of time",
    "list of vector",
    "list of structure",
];

/// What came with 2.15.1 is taken to be in 2.15: the server refuses what it does not know.
const PATCH: u32 = u32::MAX;

fn capability(link: &Link, storage: &Storage, limits: Limits) -> Capability {
    let on_disk = storage.mode == "ON_DISK_TRANSACTIONAL";
    let system = format!("Memgraph {}{}", link.origin.version, if on_disk { " on disk" } else { "" });
    held(system, link.version(), on_disk, limits.edge_properties)
}

/// What a version can hold, with its data in memory or on disk, and with properties on relationships or without.
pub(in crate::backend) fn held(
    system: String,
    (major, minor): (u32, u32),
    on_disk: bool,
    edge_properties: bool,
) -> Capability {
    use Entity::{Node, Relationship};
    let version = cypher::Version { major, minor, patch: PATCH };
    let enums = !on_disk && (major, minor) >= (2, 18);
    let mut refused: Vec<String> = REFUSED_VALUES.iter().map(|name| (*name).to_owned()).collect();
    refused.extend(cypher::version::lacking_values(version));
    if on_disk {
        refused.extend(["enum".to_owned(), "list of enum".to_owned()]);
    }
    let mut constraints: Vec<(Entity, &'static str)> = vec![(Node, "key")];
    constraints.extend(["unique", "existence", "key", "property-type"].map(|kind| (Relationship, kind)));
    let mut indexes = vec![
        (Node, IndexKind::Lookup),
        (Relationship, IndexKind::Lookup),
        (Node, IndexKind::Fulltext),
        (Relationship, IndexKind::Fulltext),
        (Relationship, IndexKind::Point),
    ];
    if on_disk {
        constraints.push((Node, "property-type"));
        indexes.extend([
            (Relationship, IndexKind::Label),
            (Relationship, IndexKind::Range),
            (Node, IndexKind::Point),
            (Node, IndexKind::Vector),
            (Relationship, IndexKind::Vector),
        ]);
    }
    let mut other = vec!["ttl".to_owned(), "description".to_owned()];
    other.extend(enums.then(|| "enum".to_owned()));
    Capability {
        system,
        refused_values: refused,
        values_as_text: Vec::new(),
        refused_constraints: constraints,
        refused_indexes: indexes,
        refused_settings: Vec::new(),
        triggers: vec!["memgraph".to_owned()],
        other_objects: other,
        misfits: Some(match edge_properties {
            true => parcel::misfit,
            false => parcel::misfit_without_edge_properties,
        }),
        refused_names: None,
        items: None,
        objection: Some(Objection::new(move |object| {
            cypher::version::lacks(version, object).or_else(|| cypher::schema::objection(Dialect::Memgraph, object))
        })),
    }
}
