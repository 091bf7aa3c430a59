//! A graph of HugeGraph as blocks.

use super::catalog;
use super::change;
use super::client::Client;
use super::page::{self, Pages, What};
use super::refill::Refill;
use super::{Dangling, Options};
use crate::backend::{Access, Names, Snapshot, Source};
use crate::error::{Error, Result};
use crate::hugegraph::schema::DataType;
use crate::hugegraph::{Definitions, Id, Numbers, Zone, record};
use crate::ids::IdMap;
use crate::model::header::Origin;
use crate::model::{Block, Class, Consistency, Schema};
use serde_json::value::RawValue;
use std::collections::BTreeSet;

/// Ends that are not there are named in an error or warning so often.
const NAMED: usize = 3;

/// A graph that can be read.
pub(super) struct Graph {
    client: Client,
    options: Options,
}

impl Graph {
    pub(super) fn open(client: Client, access: &Access) -> Result<Self> {
        Ok(Self { client, options: access.hugegraph.clone() })
    }
}

impl Source for Graph {
    fn origin(&self) -> &Origin {
        self.client.origin()
    }

    fn snapshot(&mut self, want: Option<Consistency>) -> Result<Box<dyn Snapshot + '_>> {
        if want.is_some_and(|want| want > Consistency::None) {
            return Err(Error::refused(
                "HugeGraph has no snapshots: it promises nothing about what is written meanwhile",
            )
            .hint("stop all writing, and leave --consistency out"));
        }
        let definitions = catalog::carried(&self.client)?;
        let has_dates = definitions.property_keys.values().any(|key| key.data_type == DataType::Date);
        let zone = match (&self.options.zone, has_dates) {
            (Some(name), _) => Zone::named(name)?,
            (None, false) => Zone::utc(),
            (None, true) => catalog::zone(&self.client).map_err(|error| {
                Error::new(
                    error.kind(),
                    "the time zone of the server cannot be found out, and its dates are local to it",
                )
                .hint("say which it is with --timezone")
                .caused_by(error)
            })?,
        };
        Ok(Box::new(View {
            client: &self.client,
            options: &self.options,
            definitions,
            zone,
            has_dates,
            numbers: Numbers::default(),
            seen: Seen::default(),
            dangling: Lost::default(),
            ambiguous: 0,
        }))
    }
}

/// Edges whose ends are not there.
#[derive(Default)]
struct Lost {
    edges: u64,
    examples: BTreeSet<String>,
}

struct View<'a> {
    client: &'a Client,
    options: &'a Options,
    definitions: Definitions,
    zone: Zone,
    has_dates: bool,
    numbers: Numbers,
    /// Vertices that were given.
    seen: Seen,
    dangling: Lost,
    ambiguous: u64,
}

/// What a worker makes of a page.
struct Parsed<I> {
    block: Block,
    ids: Vec<I>,
    ambiguous: u64,
}

impl View<'_> {
    fn nodes(&mut self, sink: &mut dyn FnMut(&Block) -> Result<()>) -> Result<()> {
        // Read anew: the ids of this reading are the ones that edges lead to.
        (self.numbers, self.seen) = Default::default();
        self.seen.are_read = true;
        let Self { client, definitions, zone, numbers, seen, ambiguous, .. } = self;
        *ambiguous = 0;
        let workers = self.options.workers();
        let parse = |rows: &[&RawValue]| {
            let mut reader = record::Reader::new(definitions, zone);
            let mut block = Block::new(Class::Nodes);
            let mut ids = Vec::with_capacity(rows.len());
            for row in rows {
                ids.push(reader.vertex(row.get(), &mut block)?.into_owned());
            }
            Ok(Parsed { block, ids, ambiguous: reader.ambiguous })
        };
        page::read(client, (What::Vertices, Pages::Large), workers, &parse, &mut |page| {
            let Parsed { mut block, ids, ambiguous: more } = page;
            for (item, id) in block.items_mut().iter_mut().zip(&ids) {
                let number = numbers.add(id).filter(|number| seen.insert(*number));
                item.id = number.ok_or_else(|| Error::corrupt(format!("the server gave the vertex {id} twice")))?;
            }
            *ambiguous += more;
            sink(&block)
        })?;
        if self.options.dangling == Dangling::Fetch { self.fetch(sink) } else { Ok(()) }
    }

    /// Looks through the edges for ends that were not among the vertices, and asks for those.
    fn fetch(&mut self, sink: &mut dyn FnMut(&Block) -> Result<()>) -> Result<()> {
        let Self { client, definitions, zone, numbers, seen, ambiguous, .. } = self;
        let mut missing: BTreeSet<Id<'static>> = BTreeSet::new();
        let parse = |rows: &[&RawValue]| {
            let mut reader = record::Reader::new(definitions, zone);
            let mut block = Block::new(Class::Relationships);
            let ends = rows.iter().map(|row| Ok(reader.edge(row.get(), &mut block)?.ends.map(Id::into_owned)));
            ends.collect::<Result<Vec<_>>>()
        };
        page::read(client, (What::Edges, Pages::Small), self.options.workers(), &parse, &mut |ends| {
            missing.extend(ends.into_iter().flatten().filter(|id| !is_known(numbers, seen, id)));
            Ok(())
        })?;
        let missing: Vec<_> = missing.into_iter().collect();
        for some in change::fitting(&missing) {
            let body = client.bytes(&client.path(&super::by_ids("vertices", some)))?;
            let found: Found<'_> = serde_json::from_slice(&body)
                .map_err(|cause| client.not_understood("/traversers/vertices").caused_by(cause))?;
            let mut reader = record::Reader::new(definitions, zone);
            let mut block = Block::new(Class::Nodes);
            for row in found.vertices {
                let id = reader.vertex(row.get(), &mut block)?;
                let number = numbers.add(&id).filter(|number| seen.insert(*number));
                let number = number.ok_or_else(|| Error::corrupt(format!("the server gave the vertex {id} twice")))?;
                if let Some(item) = block.items_mut().last_mut() {
                    item.id = number;
                }
            }
            *ambiguous += reader.ambiguous;
            sink(&block)?;
        }
        Ok(())
    }

    fn relationships(&mut self, sink: &mut dyn FnMut(&Block) -> Result<()>) -> Result<()> {
        self.dangling = Lost::default();
        let Self { client, definitions, zone, numbers, seen, ambiguous, dangling, .. } = self;
        let parse = |rows: &[&RawValue]| {
            let mut reader = record::Reader::new(definitions, zone);
            let mut block = Block::new(Class::Relationships);
            let mut ids = Vec::with_capacity(rows.len());
            for row in rows {
                ids.push(reader.edge(row.get(), &mut block)?.ends.map(Id::into_owned));
            }
            Ok(Parsed { block, ids, ambiguous: reader.ambiguous })
        };
        let mut next = 0_i64;
        let refuses = self.options.dangling == Dangling::Refuse;
        page::read(client, (What::Edges, Pages::Large), self.options.workers(), &parse, &mut |page| {
            let Parsed { mut block, ids, ambiguous: more } = page;
            for (item, [start, end]) in block.items_mut().iter_mut().zip(&ids) {
                let place = |id: &Id<'_>| numbers.find(id).filter(|number| seen.contains(*number));
                // An id of -1 says that the edge is to be left out.
                (item.id, item.start, item.end) = match (place(start), place(end)) {
                    (Some(start), Some(end)) => (next, start, end),
                    (found, _) => {
                        dangling.edges += 1;
                        let lost = if found.is_none() { start } else { end };
                        if dangling.examples.len() < NAMED {
                            dangling.examples.insert(lost.to_string());
                        }
                        (-1, 0, 0)
                    }
                };
                next += i64::from(item.id >= 0);
            }
            if refuses && dangling.edges > 0 {
                return Err(Error::refused(format!("an edge leads to a vertex that was not read: {}", dangling.names()))
                    .hint("somebody wrote while the graph was read, or the edge leads nowhere: --dangling fetch asks for such vertices, --dangling report leaves such edges out"));
            }
            block.retain(|_, item| item.id >= 0);
            *ambiguous += more;
            sink(&block)
        })
    }
}

impl Lost {
    fn names(&self) -> String {
        self.examples.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// Which vertices were given. Ids that a server makes lie far apart, so that a bit for each would cost more than a map.
#[derive(Default)]
struct Seen {
    map: IdMap,
    are_read: bool,
}

impl Seen {
    /// Adds one; says whether it is new.
    fn insert(&mut self, number: i64) -> bool {
        let is_new = self.map.reserve(number);
        if is_new {
            self.map.bind(number, 0);
        }
        is_new
    }

    fn contains(&self, number: i64) -> bool {
        self.map.find(number).is_some()
    }
}

#[derive(serde::Deserialize)]
struct Found<'a> {
    #[serde(borrow)]
    vertices: Vec<&'a RawValue>,
}

fn is_known(numbers: &Numbers, seen: &Seen, id: &Id<'_>) -> bool {
    numbers.find(id).is_some_and(|number| seen.contains(number))
}

impl Snapshot for View<'_> {
    fn consistency(&self) -> Consistency {
        Consistency::None
    }

    fn schema(&mut self) -> Result<Schema> {
        let mut schema = self.definitions.objects();
        schema.objects.extend(catalog::variables(self.client)?);
        Ok(schema)
    }

    fn names(&mut self) -> Result<Names> {
        let labels = self.definitions.vertex_labels.keys().chain(self.definitions.edge_labels.keys());
        let properties = self.definitions.property_keys.keys().cloned().chain([crate::hugegraph::ID.to_owned()]);
        Ok(Names { labels: labels.cloned().collect(), properties: properties.collect() })
    }

    fn estimate(&mut self) -> Result<Option<(u64, u64)>> {
        Ok(None)
    }

    fn scan(&mut self, class: Class, sink: &mut dyn FnMut(Block) -> Result<()>) -> Result<()> {
        let mut refill = Refill::new(class, sink);
        let mut sink = |block: &Block| refill.add(block);
        match class {
            Class::Nodes => self.nodes(&mut sink)?,
            Class::Relationships => {
                if !self.seen.are_read {
                    // Whoever wants relationships alone still needs to know who is there.
                    self.nodes(&mut |_| Ok(()))?;
                }
                self.relationships(&mut sink)?;
            }
        }
        refill.end()
    }

    fn missing(&self) -> Vec<String> {
        let mut all = Vec::new();
        let Lost { edges, .. } = self.dangling;
        if edges > 0 {
            all.push(format!(
                "{edges} edges that lead to vertices which were not read, such as {}: somebody wrote meanwhile, or they lead nowhere (--dangling fetch asks for such vertices)",
                self.dangling.names()
            ));
        }
        if self.ambiguous > 0 {
            all.push(format!(
                "which instant {} dates mean: they lie in an hour that comes twice in the server's zone {}, and the first was taken",
                self.ambiguous,
                self.zone.name()
            ));
        }
        all
    }

    fn warnings(&self) -> Vec<String> {
        let mut all = vec![
            "HugeGraph has no snapshots: what others write while the graph is read may be in the dump or not"
                .to_owned(),
        ];
        if self.has_dates {
            all.push(format!("dates are read as local to {}", self.zone.name()));
        }
        all
    }

    fn finish(&mut self) -> Result<Option<bool>> {
        Ok(None)
    }
}
