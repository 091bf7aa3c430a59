//! The target: what it can hold, and its schema.

use super::ledger::Ledger;
use super::session::Neo4jSession;
use super::source::text;
use super::{ledger, look, schema, trigger};
use crate::backend::bolt::Link;
use crate::backend::{Entry, Facts, Schedule, Seen, Session, Target};
use crate::cypher::{self, Dialect};
use crate::error::{Error, ErrorKind, Result};
use crate::guard::WipeConsent;
use crate::model::{Capability, Class, Entity, IndexKind, Objection, Schema, SchemaObject, Trigger, Value};
use crate::wire::{Connection, Mode, Query, Scope};
use std::time::Duration;

/// Items that are dropped in one transaction.
const WIPED: u64 = 20_000;

/// Items in a batch: measured, larger ones gain nothing and wait longer for their locks.
const BATCH: usize = 5_000;

/// Sessions: one for each processor of the server, but no fewer and no more than these. Measured on two processors with the client beside them: one session is slower, and
/// four are slower too.
const SESSIONS: std::ops::RangeInclusive<usize> = 2..=8;

/// A Neo4j database that is written.
#[derive(Debug)]
pub(super) struct Neo4jTarget {
    link: Link,
    connection: Connection,
}

impl Neo4jTarget {
    pub(super) fn new(link: Link, connection: Connection) -> Self {
        Self { link, connection }
    }

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

    fn count(&mut self, text: &str) -> Result<u64> {
        self.count_in(Mode::Read, text)
    }

    fn count_in(&mut self, mode: Mode, text: &str) -> Result<u64> {
        let text = self.link.statement(text);
        let rows = self.connection.table(&Query::alone(&text, mode, Some(self.link.database())))?;
        let count = rows.first().and_then(|row| row.get("count")).and_then(Value::as_integer);
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
    }

    /// The server's processors; ours where it does not tell.
    fn processors(&mut self) -> usize {
        let ask = "CALL dbms.queryJmx('java.lang:type=OperatingSystem') YIELD attributes \
                   RETURN attributes.AvailableProcessors.value AS count";
        match self.count(ask) {
            Ok(count) if count > 0 => usize::try_from(count).unwrap_or(1),
            _ => std::thread::available_parallelism().map_or(1, usize::from),
        }
    }

    fn run(&mut self, text: &str) -> Result<()> {
        let text = self.link.statement(text);
        let query = Query::alone(&text, Mode::Write, Some(self.link.database()));
        self.connection.query(&query, |_| Ok(())).map(|_| ())
    }
}

impl Target for Neo4jTarget {
    fn facts(&mut self) -> Result<Facts> {
        let (defaults, objects) = schema::read(&mut self.connection, &self.link, Scope::Own(Mode::Read))?
            .objects
            .into_iter()
            .partition(schema::is_default);
        let mut schema = Schema { objects };
        let triggers = trigger::read(&mut self.connection, &self.link)?;
        let capability = capability(&self.link, triggers.is_some());
        schema.objects.extend(triggers.unwrap_or_default());
        Ok(Facts {
            origin: self.link.origin.clone(),
            capability,
            nodes: self.count("MATCH (n) RETURN count(n) AS count")?.saturating_sub(self.count(ledger::COUNT)?),
            relationships: self.count("MATCH ()-[r]->() RETURN count(r) AS count")?,
            schema,
            defaults: Schema { objects: defaults },
            schedule: Schedule::Sorted,
            sessions: self.processors().clamp(*SESSIONS.start(), *SESSIONS.end()),
            batch: BATCH,
            fires_triggers: true,
            resumes_restores: false,
            identities: None,
            analytical: None,
        })
    }

    fn session(&self) -> Result<Box<dyn Session>> {
        Ok(Box::new(Neo4jSession::new(self.link.clone(), self.link.connect()?)))
    }

    fn apply(&mut self, object: &SchemaObject) -> Result<()> {
        if let SchemaObject::Trigger(trigger) = object {
            return trigger::install(&mut self.connection, &self.link, trigger);
        }
        for statement in cypher::schema::create(Dialect::Neo4j, object)? {
            self.run(&statement)?;
        }
        Ok(())
    }

    fn remove(&mut self, object: &SchemaObject) -> Result<()> {
        let name = object.name().unwrap_or_default();
        let quoted = cypher::name::quoted(Dialect::Neo4j, name)?;
        match object {
            SchemaObject::Trigger(_) => trigger::remove(&mut self.connection, &self.link, name),
            SchemaObject::Index(_) => self.run(&format!("DROP INDEX {quoted}")),
            SchemaObject::Constraint(_) => self.run(&format!("DROP CONSTRAINT {quoted}")),
            SchemaObject::Other(other) if other.kind.ends_with(" index") => self.run(&format!("DROP INDEX {quoted}")),
            SchemaObject::Other(other) if other.kind.ends_with(" constraint") => {
                self.run(&format!("DROP CONSTRAINT {quoted}"))
            }
            SchemaObject::Other(_) => Err(Error::refused(format!("cannot remove {}", object.describe()))),
        }
    }

    fn wipe(&mut self, consent: &WipeConsent, told: &mut dyn FnMut(u64) -> Result<()>) -> Result<()> {
        let Facts { origin, schema, .. } = self.facts()?;
        consent.check(&origin.database)?;
        // Triggers first: they must not fire on what goes. One that is gone still does for a while, one that was stopped is waited for.
        let (triggers, others): (Vec<_>, Vec<_>) =
            schema.objects.into_iter().partition(|object| matches!(object, SchemaObject::Trigger(_)));
        for object in &triggers {
            if let SchemaObject::Trigger(trigger) = object {
                self.set_trigger(trigger, false)?;
            }
        }
        for object in triggers.iter().chain(&others) {
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

    fn settle(&mut self) -> Result<()> {
        let show = self.link.statement(
            "SHOW INDEXES YIELD name, state, failureMessage WHERE state <> 'ONLINE' RETURN name, state, failureMessage",
        );
        let mut pause = Duration::from_millis(20);
        loop {
            let query = Query::alone(&show, Mode::Read, Some(self.link.database()));
            let waiting = self.connection.table(&query)?;
            if waiting.is_empty() {
                return Ok(());
            }
            for row in &waiting {
                if text(row, "state") == Some("FAILED") {
                    let name = text(row, "name").unwrap_or_default();
                    let reason = text(row, "failureMessage").unwrap_or_default();
                    let reason = reason.lines().next().unwrap_or_default();
                    return Err(Error::new(ErrorKind::Server, format!("the index {name:?} failed: {reason}")));
                }
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    fn look(
        &mut self,
        class: Class,
        name: &str,
        properties: &[String],
        sink: &mut dyn FnMut(Seen<'_>) -> Result<()>,
    ) -> Result<()> {
        self.reconnect()?;
        if class == Class::Nodes && name == ledger::LABEL {
            return Ok(());
        }
        look::look(&mut self.connection, &self.link, class, name, properties, sink)
    }

    fn set_trigger(&mut self, trigger: &Trigger, active: bool) -> Result<()> {
        self.reconnect()?;
        trigger::set(&mut self.connection, &self.link, &trigger.name, active)
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

fn capability(link: &Link, triggers: bool) -> Capability {
    let origin = &link.origin;
    let system = format!("Neo4j {} {}", origin.version, origin.edition).trim_end().to_owned();
    held(system, link.is_enterprise(), link.version(), triggers)
}

/// What a version and edition can hold.
pub(in crate::backend) fn held(system: String, enterprise: bool, version: (u32, u32), triggers: bool) -> Capability {
    // What a property cannot be in any edition.
    let mut refused: Vec<String> = REFUSED_VALUES.iter().map(|name| (*name).to_owned()).collect();
    let vectors = enterprise && version >= (2025, 10);
    if !vectors {
        refused.push("vector".to_owned());
    }
    let constraints = match enterprise {
        true => Vec::new(),
        false => [Entity::Node, Entity::Relationship]
            .into_iter()
            .flat_map(|on| ["existence", "key", "property-type"].map(|kind| (on, kind)))
            .collect(),
    };
    Capability {
        system,
        refused_values: refused,
        values_as_text: Vec::new(),
        refused_constraints: constraints,
        refused_indexes: vec![(Entity::Node, IndexKind::Label), (Entity::Relationship, IndexKind::Label)],
        refused_settings: if ((1, 0)..(5, 27)).contains(&version) { LATER_SETTINGS.to_vec() } else { Vec::new() },
        triggers: if triggers { vec!["apoc".to_owned()] } else { Vec::new() },
        other_objects: Vec::new(),
        // What came from another system may have settings and types that Neo4j does not know.
        objection: Some(Objection::new(|object| cypher::schema::objection(Dialect::Neo4j, object))),
        items: None,
        misfits: None,
        refused_names: Some(|name| {
            (name.is_empty() || name.contains('\0')).then_some("that are empty or hold a NUL character")
        }),
    }
}

/// What calendar versions tell of every vector index, and version 5 refuses to take.
const LATER_SETTINGS: [(IndexKind, &str); 2] =
    [(IndexKind::Vector, "vector.quantization.type"), (IndexKind::Vector, "vector.default_search_expansion_factor")];

const REFUSED_VALUES: [&str; 12] = [
    "null",
    "map",
    "enum",
    "structure",
    "list of null",
    "list of mixed",
    "list of list",
    "list of map",
    "list of bytes",
    "list of enum",
    "list of vector",
    "list of structure",
];
