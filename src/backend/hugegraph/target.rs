//! A graph that is written.

use super::client::Client;
use super::journal::Journal;
use super::mode::{self, Mode};
use super::page::{self, Pages, What};
use super::registry::Registry;
use super::session::Hand;
use super::{catalog, define};
use crate::backend::{Access, Deed, Entry, Facts, Purpose, Schedule, Seen, Session, Target};
use crate::error::{Error, Result};
use crate::guard::WipeConsent;
use crate::hugegraph::plain::normalized;
use crate::hugegraph::schema::{DataType, IdStrategy, KINDS, VARIABLE, VertexLabel};
use crate::hugegraph::{Definitions, ID, Id, Zone, record};
use crate::model::capability::Objection;
use crate::model::packstream::put_value;
use crate::model::{Block, Capability, Class, Schema, SchemaObject, Trigger, ValueRef, change};
use serde_json::value::RawValue;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Rows of a request. A server takes 500 unless it is set up otherwise, but where its heap is small the garbage of 500 outlives a collection, and a row costs twice as
/// much processor time as in 250 (1.5.0). Below 100 the requests themselves begin to cost.
pub(super) const BATCH: usize = 250;

/// What sessions share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) client: Client,
    pub(super) journal: Journal,
    registry: RwLock<Registry>,
    /// How many rows the server takes in a request, as far as it is known.
    most: AtomicUsize,
    /// The time zone of the server, once it was asked for.
    zone: Mutex<Option<Zone>>,
    asked_zone: Option<String>,
    /// The mode that we have put the graph into.
    wanted: Mutex<Option<Mode>>,
}

impl Shared {
    /// The ids that are known, to add to them.
    pub(super) fn registry(&self) -> RwLockWriteGuard<'_, Registry> {
        self.registry.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, to look at: several sessions may at once.
    pub(super) fn ids(&self) -> RwLockReadGuard<'_, Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    pub(super) fn take_at_most(&self, rows: usize) {
        self.most.fetch_min(rows.max(1), Ordering::Relaxed);
    }

    pub(super) fn wanted(&self) -> Option<Mode> {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time zone of the server: it is asked once.
    pub(super) fn zone(&self) -> Result<Zone> {
        let mut zone = self.zone.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(zone) = &*zone {
            return Ok(zone.clone());
        }
        let found = match &self.asked_zone {
            Some(name) => Zone::named(name)?,
            None => catalog::zone(&self.client)?,
        };
        Ok(zone.insert(found).clone())
    }

    fn want(&self, mode: Option<Mode>) {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = mode;
    }

    /// Puts the graph into our mode again if it is in another one: a server that was restarted has forgotten it. Says whether it was.
    pub(super) fn restore_mode(&self) -> Result<bool> {
        let Some(wanted) = self.wanted() else { return Ok(false) };
        if mode::read(&self.client)? == wanted {
            return Ok(false);
        }
        mode::write(&self.client, wanted)?;
        Ok(true)
    }
}

/// An open graph.
pub(super) struct Store {
    shared: Arc<Shared>,
    workers: usize,
    purpose: Purpose,
    is_empty: bool,
    is_recalled: bool,
}

impl Store {
    pub(super) fn open(client: Client, access: &Access) -> Self {
        let journal = Journal::new(access.hugegraph.state.as_deref(), client.peer(), &client.origin().database);
        let workers = access.hugegraph.workers();
        let registry = RwLock::default();
        let most = AtomicUsize::new(usize::MAX);
        let (zone, asked_zone) = (Mutex::default(), access.hugegraph.zone.clone());
        let shared = Shared { client, journal, registry, most, zone, asked_zone, wanted: Mutex::default() };
        Self { shared: Arc::new(shared), workers, purpose: Purpose::Restore, is_empty: false, is_recalled: false }
    }

    /// How many vertices, or edges, there are.
    fn count(&self, what: What) -> Result<u64> {
        let client = &self.shared.client;
        let script = if what == What::Vertices { "g.V().count().next()" } else { "g.E().count().next()" };
        // Gremlin counts without sending anything; it may be switched off, and ends after a time.
        if let Ok(answer) = client.gremlin(script)
            && let Some(count) = answer.as_u64()
        {
            return Ok(count);
        }
        let mut count = 0;
        page::read(client, (what, Pages::Small), self.workers, &|rows| Ok(rows.len() as u64), &mut |rows| {
            count += rows;
            Ok(())
        })?;
        Ok(count)
    }

    /// Gives every vertex as a block of one, with its number; from now on they count as having been there before.
    fn each(&self, label: Option<&str>, sink: &mut dyn FnMut(i64, &Block) -> Result<()>) -> Result<()> {
        let shared = &self.shared;
        let definitions = catalog::definitions(&shared.client)?;
        let zone = shared.zone()?;
        let parse = |rows: &[&RawValue]| {
            let mut reader = record::Reader::new(&definitions, &zone);
            let read = |row: &&RawValue| {
                let mut block = Block::new(Class::Nodes);
                let id = reader.vertex(row.get(), &mut block)?;
                Ok((id.into_owned(), block))
            };
            rows.iter().map(read).collect::<Result<Vec<_>>>()
        };
        let mut take = |page: Vec<(Id<'static>, Block)>| {
            page.iter().try_for_each(|(id, block)| {
                let number = shared.registry().present(id);
                sink(number, block)
            })
        };
        // The label's own index spares the rows of the others, where it has one.
        let indexed = label.and_then(|label| definitions.vertex_labels.get(label));
        let indexed = indexed.filter(|label| label.more.get("enable_label_index").is_some_and(|is| *is == true));
        match indexed {
            Some(label) => page::of_label(&shared.client, &label.name, &parse, &mut take),
            None => page::read(&shared.client, (What::Vertices, Pages::Small), self.workers, &parse, &mut take),
        }
    }

    /// Puts the mode back that was found.
    fn put_back_mode(&mut self) -> Result<()> {
        let shared = &self.shared;
        let Some(found) = shared.journal.found_mode()? else { return Ok(()) };
        let found = Mode::named(&found)?;
        let client = shared.client.in_a_hurry();
        let put_back = || {
            // Whoever has set another one meanwhile knows why.
            let ours = [Some(Mode::None), Some(Mode::Restoring), Some(Mode::Merging)];
            if ours.contains(&Some(mode::read(&client)?)) {
                mode::write(&client, found)?;
            }
            shared.journal.note_mode(None)
        };
        put_back().map_err(|error| {
            let name = found.name();
            Error::failed(format!("the graph could not be put back into the mode {name}: {}", error.message()))
                .hint(format!("when the server is there again, graphferry mode set URL {name} does it"))
                .caused_by(error)
        })
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if self.shared.wanted().is_some() {
            // Nobody is left to be told; the journal knows, and the next run says so.
            let _ = self.conclude();
        }
    }
}

/// What a server can hold, as far as types and kinds say it.
pub(super) fn capability(system: String) -> Capability {
    let kinds = ["date", "local-time", "time", "local-date-time", "duration", "point", "vector", "enum", "structure"];
    let alone = ["map", "list of map", "list of list", "list of mixed"];
    let lists = kinds.iter().map(|kind| format!("list of {kind}"));
    Capability {
        refused_values: kinds.iter().chain(&alone).map(|kind| (*kind).to_owned()).chain(lists).collect(),
        other_objects: KINDS.into_iter().chain([VARIABLE]).map(str::to_owned).collect(),
        objection: Some(Objection::new(objection)),
        ..Capability::no_schema(system)
    }
}

/// Which vertices are the same whatever anybody says: those with the same id.
fn identities(definitions: &Definitions) -> Vec<(String, Vec<String>)> {
    let key = |label: &VertexLabel| match label.strategy() {
        IdStrategy::Automatic | IdStrategy::Default => None,
        IdStrategy::PrimaryKey => Some((label.name.clone(), label.primary_keys.clone())),
        _ => Some((label.name.clone(), vec![ID.to_owned()])),
    };
    definitions.vertex_labels.values().filter_map(key).collect()
}

/// What stands against an element that HugeGraph has a word for.
fn objection(object: &SchemaObject) -> Option<String> {
    let mut definitions = Definitions::default();
    match definitions.add(object) {
        Ok(true) => {}
        Ok(false) => return None,
        Err(error) => return Some(error.report()),
    }
    let is_object = definitions.property_keys.values().any(|key| key.data_type == DataType::Object);
    is_object.then(|| "its values are Java objects, which REST cannot take".to_owned())
}

impl Target for Store {
    fn facts(&mut self) -> Result<Facts> {
        let client = &self.shared.client;
        let definitions = catalog::definitions(client)?;
        let mut schema = definitions.objects();
        schema.objects.extend(catalog::variables(client)?);
        let (nodes, relationships) = (self.count(What::Vertices)?, self.count(What::Edges)?);
        if !std::mem::replace(&mut self.is_recalled, true) {
            for (number, id) in self.shared.journal.ids()? {
                self.shared.registry().recall(number, &id);
            }
        }
        self.is_empty = nodes == 0 && relationships == 0;
        Ok(Facts {
            origin: client.origin().clone(),
            capability: capability(format!("HugeGraph {}", client.origin().version)),
            nodes,
            relationships,
            schema,
            defaults: Schema::default(),
            // Every batch stands for itself: the order is nobody's concern.
            schedule: Schedule::Sorted,
            sessions: self.workers,
            batch: BATCH,
            fires_triggers: false,
            resumes_restores: true,
            identities: Some(identities(&definitions)),
            analytical: None,
        })
    }

    fn prepare(&mut self, purpose: Purpose) -> Result<()> {
        let shared = &self.shared;
        shared.journal.lock()?;
        self.purpose = purpose;
        let wanted = match purpose {
            Purpose::Restore => Mode::Restoring,
            Purpose::Merge => Mode::Merging,
        };
        // What a run found that was killed is what has to be put back.
        if shared.journal.found_mode()?.is_none() {
            shared.journal.note_mode(Some(mode::read(&shared.client)?.name()))?;
        }
        shared.want(Some(wanted));
        mode::write(&shared.client, wanted)
    }

    fn conclude(&mut self) -> Result<()> {
        self.shared.want(None);
        let back = self.put_back_mode();
        self.shared.journal.unlock();
        back
    }

    fn session(&self) -> Result<Box<dyn Session>> {
        let definitions = catalog::definitions(&self.shared.client)?;
        Ok(Box::new(Hand::new(Arc::clone(&self.shared), definitions, self.purpose)))
    }

    fn apply(&mut self, object: &SchemaObject) -> Result<()> {
        let shared = &self.shared;
        match define::create(&shared.client, object, self.purpose, self.is_empty) {
            Err(_) if shared.restore_mode()? => define::create(&shared.client, object, self.purpose, self.is_empty),
            result => result,
        }
    }

    fn remove(&mut self, object: &SchemaObject) -> Result<()> {
        define::remove(&self.shared.client, object)
    }

    fn wipe(&mut self, consent: &WipeConsent, told: &mut dyn FnMut(u64) -> Result<()>) -> Result<()> {
        let client = &self.shared.client;
        consent.check(&client.origin().database)?;
        let items = self.count(What::Vertices)? + self.count(What::Edges)?;
        // One request for data, schema and variables: the server takes no smaller steps that it could go on with.
        client.delete(&client.path("/clear?confirm_message=I%27m+sure+to+delete+all+data"))?;
        self.is_empty = true;
        told(items)
    }

    fn settle(&mut self) -> Result<()> {
        Ok(())
    }

    fn look(
        &mut self,
        class: Class,
        name: &str,
        properties: &[String],
        sink: &mut dyn FnMut(Seen<'_>) -> Result<()>,
    ) -> Result<()> {
        if class == Class::Relationships {
            return Err(Error::failed("edges of HugeGraph are looked up by their ends, not by their label"));
        }
        let mut values = Vec::new();
        self.each(Some(name), &mut |id, block| {
            let Some(item) =
                block.items().first().filter(|item| block.kind(item).names().iter().any(|known| **known == *name))
            else {
                return Ok(());
            };
            values.clear();
            for wanted in properties {
                match change::property(block.properties(item), wanted)? {
                    Some(value) => values.extend_from_slice(value),
                    None => put_value(&mut values, &ValueRef::Null),
                }
            }
            sink(Seen { id, start: 0, end: 0, values: &values })
        })
    }

    fn look_at_ids(&mut self, sink: &mut dyn FnMut(Seen<'_>) -> Result<()>) -> Result<()> {
        let definitions = catalog::definitions(&self.shared.client)?;
        let mut values = Vec::new();
        self.each(None, &mut |id, block| {
            let Some(item) = block.items().first() else { return Ok(()) };
            values.clear();
            if let Some(value) = change::property(block.properties(item), ID)? {
                values.extend_from_slice(value);
            }
            let label = block.kind(item).names().first().map(|name| &**name).unwrap_or_default();
            put_value(&mut values, &ValueRef::Boolean(definitions.has_uuids(label)));
            put_value(&mut values, &ValueRef::String(label));
            sink(Seen { id, start: 0, end: 0, values: &values })
        })
    }

    fn look_at_edges(&mut self, sink: &mut dyn FnMut(Seen<'_>) -> Result<()>) -> Result<()> {
        let shared = &self.shared;
        let definitions = catalog::definitions(&shared.client)?;
        let zone = shared.zone()?;
        let parse = |rows: &[&RawValue]| {
            let mut reader = record::Reader::new(&definitions, &zone);
            let read = |row: &&RawValue| {
                let mut block = Block::new(Class::Relationships);
                let [start, end] = reader.edge(row.get(), &mut block)?.ends.map(Id::into_owned);
                Ok((start, end, normalized(&definitions, &block)?))
            };
            rows.iter().map(read).collect::<Result<Vec<_>>>()
        };
        let mut values = Vec::new();
        page::read(&shared.client, (What::Edges, Pages::Small), self.workers, &parse, &mut |page| {
            for (start, end, block) in &page {
                let ids = shared.ids();
                let ends = ids.number_of(start).zip(ids.number_of(end));
                drop(ids);
                let (Some((start, end)), Some(item)) = (ends, block.items().first()) else { continue };
                values.clear();
                put_value(&mut values, &ValueRef::String(block.kind(item).relationship_type()));
                values.extend_from_slice(block.properties(item));
                sink(Seen { id: 0, start, end, values: &values })?;
            }
            Ok(())
        })
    }

    fn set_trigger(&mut self, _: &Trigger, _: bool) -> Result<()> {
        Ok(())
    }

    fn runs(&mut self) -> Result<Vec<(String, String)>> {
        self.shared.journal.runs()
    }

    fn record(&mut self, run: &str, record: &str) -> Result<()> {
        self.shared.journal.record(run, record)
    }

    fn fence(&mut self, run: &str, _: usize) -> Result<i64> {
        // Who holds the lock is alone, so that nothing of another one is under way.
        self.shared.journal.lock()?;
        self.shared.journal.fence(run)
    }

    fn enter(&mut self, run: &str, entry: &Entry) -> Result<()> {
        let registry = self.shared.ids();
        let others = entry.ids.iter().filter(|number| **number < 0);
        let ids: Vec<_> = others.filter_map(|number| Some((*number, registry.find(*number)?.into_owned()))).collect();
        drop(registry);
        self.shared.journal.enter(run, entry, &ids)
    }

    fn entries(&mut self, run: &str, sink: &mut dyn FnMut(Entry) -> Result<()>) -> Result<()> {
        let shared = &self.shared;
        shared.journal.entries(run, &mut |entry| {
            if entry.deed == Deed::Matches {
                // Pairs of a node of the dump and the vertex that it is.
                entry
                    .ids
                    .chunks_exact(2)
                    .for_each(|pair| pair.last().iter().for_each(|id| shared.registry().mark_present(**id)));
            }
            sink(entry)
        })
    }

    fn unsettled(&mut self, run: &str) -> Result<u64> {
        self.shared.journal.begun(run)
    }

    fn undo_sessions(&self) -> usize {
        // From 1.7 on the answer to a Gremlin request may be that to another one.
        let version = &self.shared.client.origin().version;
        let mut numbers = version.split('.').map_while(|number| number.parse::<u64>().ok());
        let is_sure = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < (1, 7);
        if is_sure { self.workers } else { 1 }
    }

    fn forget(&mut self, run: &str) -> Result<()> {
        self.shared.journal.forget(run)?;
        if self.shared.wanted().is_none() {
            // A run that was killed has left its mode.
            self.put_back_mode()?;
        }
        Ok(())
    }
}
