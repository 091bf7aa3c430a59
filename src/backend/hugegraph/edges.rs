//! The edges of a merge. The graph holds one with the same start, label, sort keys and end, and would put another one in its place without a word: so those that are there are read
//! first, and what becomes of each edge of a batch is decided before it is sent.
//!
//! What was decided is noted before the batch is sent. A batch that was cut off is sent again as it was meant, though the graph may show its own work by then.

use super::change;
use super::merging::plain_of;
use super::session::{Hand, edge_label, no, vertex};
use crate::backend::{Deed, Entry, Mark, Once, Purpose, Update};
use crate::error::{Error, Result};
use crate::hugegraph::plain::normalized;
use crate::hugegraph::schema::EdgeLabel;
use crate::hugegraph::{Id, Zone};
use crate::model::change::{missing, overwritten, property};
use crate::model::content::Content;
use crate::model::packstream::{put_list, put_string};
use crate::model::{Block, Class, Item};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;

/// What is done about an edge in whose place there is one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// It is not needed, or an error.
    Once(Once),
    /// The one that is there is changed, if at all.
    Change(Option<Update>),
}

/// What becomes of an edge of a batch.
enum Fate {
    New,
    Kept,
    /// The properties that the one that is there has, and is to have.
    Changed(Vec<u8>, Vec<u8>),
}

/// Edges by the number of their kind in the batch, their start and their end.
type Known = FxHashMap<(u32, i64, i64), Vec<Twin>>;

/// Lines about edges that are new, and about those that are changed. Where they only say what is meant, their ids are places in the batch.
struct Lines {
    new: Entry,
    changed: Entry,
}

impl Hand {
    /// Writes the edges of a batch as the rule says. Gives how many were created, and how many changed.
    pub(super) fn put_edges(&mut self, batch: &Block, rule: Rule, mark: Option<&Mark>) -> Result<[u64; 2]> {
        let mut known = Known::default();
        let has_looked = self.purpose == Purpose::Merge && self.twins(batch, &mut known)?;
        let (fates, lines) = match self.intended(batch, mark.filter(|_| has_looked))? {
            Some(lines) => (self.meant(batch, rule, &lines, &known)?, Some(lines)),
            None => {
                let fates = self.fates(batch, rule, &mut known)?;
                let lines = mark.map(|mark| self.lines(batch, &fates, mark)).transpose()?;
                if let (Some(lines), true) = (&lines, has_looked) {
                    self.shared.journal.intend(&self.place()?.run, &[&lines.new, &lines.changed])?;
                }
                (fates, lines)
            }
        };
        let mut block = Block::new(Class::Relationships);
        let mut is_new = Vec::with_capacity(batch.len());
        for (item, fate) in batch.items().iter().zip(&fates) {
            let kind = block.intern(batch.kind(item));
            match fate {
                Fate::Kept => continue,
                Fate::New => block.copy(batch, item, kind, item.start, item.end),
                Fate::Changed(_, after) => {
                    block.buffer().extend_from_slice(after);
                    block.push(item.id, item.start, item.end, kind, 0);
                }
            }
            is_new.push(matches!(fate, Fate::New));
        }
        let (mut new, mut changed) = (Vec::new(), Vec::new());
        for (id, is_new) in self.in_places(&block)?.into_iter().zip(&is_new) {
            if *is_new { new.push(id) } else { changed.push(id) }
        }
        let counts = [new.len() as u64, changed.len() as u64];
        if let Some(mut lines) = lines {
            let plain = normalized(&self.definitions, &block)?;
            let made = plain.items().iter().zip(&is_new).filter(|(_, is_new)| **is_new);
            lines.new.prints = made.map(|(item, _)| self.printer.print(&plain, item)).collect::<Result<_>>()?;
            lines.changed.items = counts[1];
            let mut entries = vec![(lines.new, new)];
            if !changed.is_empty() {
                entries.push((lines.changed, changed));
            }
            self.shared.journal.enter_edges(&self.place()?.run, entries)?;
        }
        Ok(counts)
    }

    /// Sends edges, and sees to it that each has a place of its own.
    pub(super) fn in_places(&mut self, block: &Block) -> Result<Vec<Id<'static>>> {
        let mut ids = Vec::with_capacity(block.len());
        self.in_parts(block, &mut |hand, part| {
            ids.extend(hand.edges(part)?);
            Ok(())
        })?;
        let mut different: Vec<&Id<'_>> = ids.iter().collect();
        different.sort_unstable();
        different.dedup();
        if different.len() != ids.len() {
            return Err(Error::refused(format!(
                "{} edges have the same start, label, sort keys and end as another one: HugeGraph keeps one of each",
                ids.len() - different.len()
            )));
        }
        Ok(ids)
    }

    /// What becomes of each edge.
    fn fates(&mut self, batch: &Block, rule: Rule, known: &mut Known) -> Result<Vec<Fate>> {
        let plain = normalized(&self.definitions, batch)?;
        let mut fates = Vec::with_capacity(batch.len());
        for item in plain.items() {
            let label = edge_label(&self.definitions, batch, item)?;
            let twin = Twin::of(label, &mut self.content, plain.properties(item))?;
            let others = known.entry((item.kind, item.start, item.end)).or_default();
            let are_joined = !others.is_empty();
            let other = others.iter_mut().find(|other| other.sort == twin.sort);
            fates.push(match (rule, other) {
                (Rule::Once(Once::Ends), _) if are_joined => Fate::Kept,
                (_, None) => {
                    others.push(twin);
                    Fate::New
                }
                (Rule::Once(Once::Properties) | Rule::Change(_), Some(other)) if other.all == twin.all => Fate::Kept,
                (Rule::Change(None), Some(Twin { there: Some(_), .. })) => Fate::Kept,
                (Rule::Change(Some(how)), Some(Twin { there: Some(there), all, .. })) => {
                    let after = changed(how, &there.properties, plain.properties(item))?;
                    let will = self.content.hash(&[], &plain_of(&self.definitions, &after)?, &[])?;
                    if will == *all {
                        Fate::Kept
                    } else if there.is_certain {
                        let before = std::mem::take(&mut there.properties);
                        // From now on it is one of the batch.
                        others.retain(|other| other.sort != twin.sort);
                        others.push(Twin { all: will, ..twin });
                        Fate::Changed(before, after)
                    } else {
                        return Err(uncertain(label));
                    }
                }
                _ => {
                    return Err(no(format!(
                        "there is an edge {:?} with the same start, sort keys and end already, and HugeGraph keeps one of each",
                        label.name
                    )));
                }
            });
        }
        Ok(fates)
    }

    /// What is to be noted of a batch before it is sent.
    fn lines(&mut self, batch: &Block, fates: &[Fate], mark: &Mark) -> Result<Lines> {
        let mut new = Entry::new(mark, Deed::Relationships, batch);
        let mut all = Entry::new(&mark.of_changes(), Deed::Changes, batch);
        for ((at, item), fate) in (0..).zip(batch.items()).zip(fates) {
            match fate {
                Fate::Kept => {}
                Fate::New => new.ids.push(at),
                Fate::Changed(before, after) => {
                    all.ids.push(at);
                    if mark.before {
                        let names = batch.kind(item).names().iter().map(|name| &**name);
                        let ends = [item.start as u64, item.end as u64];
                        all.prints.push(self.printer.print_of(names, &plain_of(&self.definitions, after)?, &ends)?);
                        put_list(&mut all.before, 1);
                        put_string(&mut all.before, batch.kind(item).relationship_type());
                        all.before.extend_from_slice(before);
                    }
                }
            }
        }
        Ok(Lines { new, changed: all })
    }

    /// What was noted of a batch that is sent again.
    fn intended(&self, batch: &Block, mark: Option<&Mark>) -> Result<Option<Lines>> {
        let Some(mark) = mark else { return Ok(None) };
        let new = self.intent(mark, batch)?;
        let changed = self.intent(&mark.of_changes(), batch)?;
        Ok(new.zip(changed).map(|(new, changed)| Lines { new, changed }))
    }

    /// What becomes of each edge of a batch that is sent again. What others have written into one since is kept, as far as the rule allows.
    fn meant(&mut self, batch: &Block, rule: Rule, lines: &Lines, known: &Known) -> Result<Vec<Fate>> {
        let plain = normalized(&self.definitions, batch)?;
        let new: FxHashSet<i64> = lines.new.ids.iter().copied().collect();
        let to_change: FxHashSet<i64> = lines.changed.ids.iter().copied().collect();
        let mut fates = Vec::with_capacity(batch.len());
        for (at, item) in (0..).zip(plain.items()) {
            fates.push(match rule {
                _ if new.contains(&at) => Fate::New,
                Rule::Change(Some(how)) if to_change.contains(&at) => {
                    let label = edge_label(&self.definitions, batch, item)?;
                    let twin = Twin::of(label, &mut self.content, plain.properties(item))?;
                    let others = known.get(&(item.kind, item.start, item.end)).into_iter().flatten();
                    let there =
                        others.into_iter().find(|other| other.sort == twin.sort).and_then(|other| other.there.as_ref());
                    match there {
                        Some(There { is_certain: false, .. }) => return Err(uncertain(label)),
                        Some(there) => {
                            let after = changed(how, &there.properties, plain.properties(item))?;
                            Fate::Changed(there.properties.clone(), after)
                        }
                        // Somebody has deleted it since.
                        None => Fate::Changed(Vec::new(), plain.properties(item).to_vec()),
                    }
                }
                _ => Fate::Kept,
            });
        }
        Ok(fates)
    }

    /// The edges of the graph in the way of those of a batch whose ends were both there before. Says whether there are such.
    fn twins(&mut self, batch: &Block, known: &mut Known) -> Result<bool> {
        let mut starts = BTreeSet::new();
        let mut wanted = FxHashSet::default();
        {
            let registry = self.shared.ids();
            let was_there = |number| registry.is_present(number);
            for item in batch.items().iter().filter(|item| was_there(item.start) && was_there(item.end)) {
                starts.insert((item.kind, item.start));
                wanted.insert((item.kind, item.start, item.end));
            }
        }
        let has_looked = !starts.is_empty();
        let zone = if has_looked { self.shared.zone()? } else { Zone::utc() };
        for (kind, number) in starts {
            let start = vertex(&self.shared.ids(), number)?.into_owned();
            let Some(name) = batch.kinds().get(kind as usize).map(|kind| kind.relationship_type().to_owned()) else {
                continue;
            };
            let Some(label) = self.definitions.edge_labels.get(&name) else { continue };
            let reading = change::Reading { client: &self.shared.client, definitions: &self.definitions, zone: &zone };
            let content = &mut self.content;
            let (shared, definitions) = (&self.shared, &self.definitions);
            reading.edges_from(&start, &name, &mut |edge| {
                let end = shared.ids().number_of(&edge.ends[1]);
                let Some(key) = end.map(|end| (kind, number, end)).filter(|key| wanted.contains(key)) else {
                    return Ok(());
                };
                let plain = normalized(definitions, &edge.block)?;
                if let (Some(item), Some(plain_item)) = (edge.block.items().first(), plain.items().first()) {
                    let mut twin = Twin::of(label, content, plain.properties(plain_item))?;
                    let properties = edge.block.properties(item).to_vec();
                    twin.there = Some(There { properties, is_certain: edge.is_certain });
                    known.entry(key).or_default().push(twin);
                }
                Ok(())
            })?;
        }
        Ok(has_looked)
    }

    /// Gives edges the properties of a block whose items have their numbers as `start`, those apart that are gone.
    pub(super) fn put_edges_back(&mut self, block: &Block) -> Result<()> {
        let numbers: Vec<i64> = block.items().iter().map(|item| item.start).collect();
        let named = self.shared.journal.edges(&numbers)?;
        let ids: Vec<Id<'_>> = named.iter().map(|(_, id)| id.clone()).collect();
        let zone = self.shared.zone()?;
        let reading = change::Reading { client: &self.shared.client, definitions: &self.definitions, zone: &zone };
        let mut there: FxHashMap<Id<'static>, [Id<'static>; 2]> = FxHashMap::default();
        reading.edges(&ids, &mut |edge| {
            there.insert(edge.id.into_owned(), edge.ends.map(Id::into_owned));
            Ok(())
        })?;
        let at = |item: &Item| named.iter().find(|(number, _)| *number == item.start);
        let rows = block.items().iter().filter_map(|item| Some((item, there.get(&at(item)?.1)?)));
        let rows: Vec<(&Item, &[Id<'static>; 2])> = rows.collect();
        for rows in rows.chunks(self.shared.most().min(super::target::BATCH)) {
            self.edges_between(block, rows)?;
        }
        Ok(())
    }
}

/// What an edge has when another one comes to it.
fn changed(how: Update, was: &[u8], incoming: &[u8]) -> Result<Vec<u8>> {
    match how {
        Update::Overwrite => overwritten(was, incoming),
        Update::Fill => overwritten(was, &missing(was, incoming)?),
    }
}

fn uncertain(label: &EdgeLabel) -> Error {
    Error::refused(format!(
        "an edge {:?} has a date in an hour that comes twice in the zone of the server: which instant it is cannot be read, and must not be changed",
        label.name
    ))
}

/// What tells edges with the same start, label and end apart.
struct Twin {
    sort: Vec<u8>,
    all: u128,
    /// What the graph has; `None` of an edge of the batch.
    there: Option<There>,
}

struct There {
    properties: Vec<u8>,
    /// Whether every date could be read.
    is_certain: bool,
}

impl Twin {
    fn of(label: &EdgeLabel, content: &mut Content, properties: &[u8]) -> Result<Self> {
        let mut sort = Vec::new();
        for key in &label.sort_keys {
            sort.extend_from_slice(property(properties, key)?.unwrap_or_default());
        }
        Ok(Self { sort, all: content.hash(&[], properties, &[])?, there: None })
    }
}
