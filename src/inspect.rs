//! `inspect`: what a graph looks like, read once: counts, schema, properties with their types and ranges, degrees, sizes, and what named
//! targets could not hold.
//!
//! Memory does not grow with the values: 20 bytes a node, and for each property of each label set about 1 KiB, with limits on how many of
//! those are told apart ([`SETS`], [`COLUMNS`]). How many values differ is counted exactly up to 64 and about beyond. Everything else is exact.
//! It draws no conclusions and proves nothing: [`check`](crate::check) does.

mod column;
mod degree;
pub mod page;
mod sketch;
pub mod words;

use crate::error::Result;
use crate::feed::{Feed, pump};
use crate::format::Piece;
use crate::model::tally::Counter;
use crate::model::{Block, Capability, Class, Header, Loss, Schema, Tally};
use crate::observe::Watch;
use column::Column;
pub use column::{Property, TypeOf};
use degree::Joints;
pub use degree::{Busy, Degrees, Histogram};
use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// So many label sets and types are told apart; what comes after them is counted, and not looked at by property.
pub const SETS: usize = 10_000;

/// So many properties of label sets and types are told apart.
pub const COLUMNS: usize = 50_000;

/// The nodes with a label, or the relationships of a type.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Group {
    /// The label or the type; empty for nodes without a label.
    pub name: String,
    /// How many items.
    pub count: u64,
    /// Bytes of their properties in PackStream.
    pub bytes: u64,
    /// Their properties, by name.
    pub properties: Vec<Property>,
}

/// Nodes with exactly these labels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LabelSet {
    /// The labels, sorted; empty for nodes without one.
    pub labels: Vec<String>,
    /// How many nodes.
    pub count: u64,
}

/// Relationships of one type between nodes of two label sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Way {
    /// The labels at the start, as a place in [`Inspection::label_sets`].
    pub from: usize,
    /// The type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The labels at the end, likewise.
    pub to: usize,
    /// How many relationships.
    pub count: u64,
}

/// What a target could not hold.
#[derive(Clone, Debug, Serialize)]
pub struct Losses {
    /// The target.
    pub target: String,
    /// What would be lost; empty where it can hold everything.
    pub losses: Vec<Loss>,
}

/// How large things are, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// The properties of all nodes, in PackStream.
    pub nodes: u64,
    /// The properties of all relationships.
    pub relationships: u64,
    /// The properties of the largest node.
    pub largest_node: u64,
    /// The properties of the largest relationship.
    pub largest_relationship: u64,
    /// The dump as it lies on disk; `None` where it is no file.
    pub stored: Option<u64>,
}

/// What a graph looks like.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Inspection {
    /// What it is called: the file, or the database.
    pub name: String,
    /// The head of the dump.
    pub header: Header,
    /// Whether a trailer agreed with what was read.
    pub is_proved: bool,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// The counts.
    pub tally: Tally,
    /// Sizes.
    pub sizes: Sizes,
    /// Indexes, constraints, triggers.
    pub schema: Schema,
    /// Nodes by their labels together, those of most nodes first.
    pub label_sets: Vec<LabelSet>,
    /// Nodes by single label, those of most nodes first; a node with two labels is in both. Those without a label have an empty name.
    pub labels: Vec<Group>,
    /// Relationships by type.
    pub types: Vec<Group>,
    /// What is joined how.
    pub ways: Vec<Way>,
    /// Relationships that go other ways: there are too many to tell them apart.
    pub other_ways: u64,
    /// Items whose properties were not looked at: there are too many label sets or types, or properties.
    pub unseen: u64,
    /// How many relationships nodes have.
    pub degrees: Degrees,
    /// What each target that was asked for could not hold.
    pub losses: Vec<Losses>,
}

/// Reads a feed to its end and tells what it looks like, and what `targets` could not hold of it.
///
/// # Errors
/// The feed fails or is damaged.
pub fn inspect(feed: &mut dyn Feed, targets: &[Capability], watch: Watch<'_>) -> Result<Inspection> {
    let mut look =
        Look { schema: feed.schema().clone(), misfits: vec![BTreeMap::new(); targets.len()], ..Look::default() };
    let header = feed.header().clone();
    let ((), end) = pump(feed, watch, |pieces| {
        for piece in pieces {
            match piece {
                Piece::Block(block) => look.block(&block, targets)?,
                Piece::Object(object) => look.schema.objects.push(object),
                Piece::Statement(_) => look.counter.statement(),
                Piece::Existing { old, .. } => look.existing(old),
            }
        }
        Ok(())
    })?;
    let mut warnings = end.warnings;
    if end.changed == Some(true) {
        warnings
            .push("the database changed while it was read: what is told is a mixture of before and after".to_owned());
    }
    Ok(Inspection { header, is_proved: end.trailer.is_some(), warnings, ..look.finish(targets) })
}

/// Items of one kind: a label set, or a type.
#[derive(Default)]
struct Set {
    names: Vec<String>,
    count: u64,
    bytes: u64,
    columns: IndexMap<Box<str>, Column, FxBuildHasher>,
}

/// What is kept in mind while blocks come.
#[derive(Default)]
struct Look {
    counter: Counter,
    schema: Schema,
    sets: [Vec<Set>; 2],
    numbers: [FxHashMap<Vec<String>, u32>; 2],
    columns: usize,
    unseen: u64,
    sizes: Sizes,
    joints: Joints,
    /// For each target: what is wrong with values or names, and how often.
    misfits: Vec<BTreeMap<(&'static str, &'static str), u64>>,
}

impl Look {
    /// The number of a kind; all that are too many have the last one.
    fn number(&mut self, class: Class, mut names: Vec<String>) -> u32 {
        names.sort_unstable();
        let at = class as usize;
        let (Some(numbers), Some(sets)) = (self.numbers.get_mut(at), self.sets.get_mut(at)) else { return 0 };
        if let Some(number) = numbers.get(&names) {
            return *number;
        }
        if sets.len() > SETS {
            return SETS as u32;
        }
        let number = sets.len() as u32;
        if sets.len() == SETS {
            // Shown as what it is: no label of this name is in the graph's own list of them.
            names = vec!["(others)".to_owned()];
        }
        numbers.insert(names.clone(), number);
        sets.push(Set { names, ..Set::default() });
        number
    }

    /// A node that the dump refers to and does not have.
    fn existing(&mut self, id: i64) {
        let number = self.number(Class::Nodes, Vec::new());
        self.joints.node(id, number);
    }

    fn block(&mut self, block: &Block, targets: &[Capability]) -> Result<()> {
        self.counter.block(block)?;
        let class = block.class();
        let names = |kind: &crate::model::Kind| kind.names().iter().map(|name| name.to_string()).collect();
        let numbers: Vec<u32> = block.kinds().iter().map(|kind| self.number(class, names(kind))).collect();
        let largest = block.items().iter().map(|item| block.properties(item).len() as u64).max().unwrap_or(0);
        let (total, most) = match class {
            Class::Nodes => (&mut self.sizes.nodes, &mut self.sizes.largest_node),
            Class::Relationships => (&mut self.sizes.relationships, &mut self.sizes.largest_relationship),
        };
        *total += block.items().iter().map(|item| block.properties(item).len() as u64).sum::<u64>();
        *most = (*most).max(largest);
        for item in block.items() {
            let number = numbers.get(item.kind as usize).copied().unwrap_or(0);
            match class {
                Class::Nodes => self.joints.node(item.id, number),
                Class::Relationships => self.joints.relationship(item.start, item.end, number),
            }
            let Some(set) = self.sets.get_mut(class as usize).and_then(|sets| sets.get_mut(number as usize)) else {
                continue;
            };
            set.count += 1;
            set.bytes += block.properties(item).len() as u64;
            if number as usize >= SETS {
                self.unseen += 1;
                continue;
            }
            let mut cursor = block.cursor(item);
            for at in 0..cursor.map()? {
                let key = cursor.string()?;
                // Items of one kind mostly have the same keys in the same order.
                let known = match set.columns.get_index(at) {
                    Some((name, _)) if **name == *key => Some(at),
                    _ => set.columns.get_index_of(key),
                };
                let at = match known {
                    Some(at) => at,
                    None if self.columns < COLUMNS => {
                        self.columns += 1;
                        set.columns.insert_full(key.into(), Column::default()).0
                    }
                    None => {
                        self.unseen += 1;
                        cursor.check()?;
                        continue;
                    }
                };
                match set.columns.get_index_mut(at) {
                    Some((_, column)) => column.add(&mut cursor)?,
                    None => cursor.check()?,
                }
            }
        }
        for (target, found) in targets.iter().zip(&mut self.misfits) {
            misfits(block, target, found)?;
        }
        Ok(())
    }

    fn finish(mut self, targets: &[Capability]) -> Inspection {
        self.schema.objects.iter().for_each(|object| self.counter.object(object));
        let tally = self.counter.tally();
        let [nodes, relationships] = &self.sets;
        let names = |number: u32| nodes.get(number as usize).map(|set| set.names.clone()).unwrap_or_default();
        let (degrees, ways, other_ways) = std::mem::take(&mut self.joints).finish(&names);
        let mut order: Vec<usize> =
            (0..nodes.len()).filter(|at| nodes.get(*at).is_some_and(|set| set.count > 0)).collect();
        order.sort_by_key(|at| nodes.get(*at).map(|set| (Reverse(set.count), &set.names)));
        let places: FxHashMap<u32, usize> = order.iter().enumerate().map(|(place, at)| (*at as u32, place)).collect();
        let way = |((from, kind, to), count): ((u32, u32, u32), u64)| {
            let kind = relationships.get(kind as usize).map(|set| set.names.concat()).unwrap_or_default();
            Some(Way { from: *places.get(&from)?, kind, to: *places.get(&to)?, count })
        };
        let set = |at: &usize| nodes.get(*at).map(|set| LabelSet { labels: set.names.clone(), count: set.count });
        let losses = targets.iter().zip(self.misfits).map(|(target, misfits)| {
            let mut losses = target.schema_losses(&self.schema);
            losses.extend(target.value_losses(&tally));
            losses.extend(misfits.into_iter().map(|((kind, why), count)| Loss {
                kind,
                what: format!("{kind}s {why}"),
                count,
            }));
            Losses { target: target.system.clone(), losses }
        });
        Inspection {
            sizes: self.sizes,
            label_sets: order.iter().filter_map(set).collect(),
            labels: groups(nodes),
            types: groups(relationships),
            ways: ways.into_iter().filter_map(way).collect(),
            other_ways,
            unseen: self.unseen,
            degrees,
            losses: losses.collect(),
            schema: self.schema,
            tally,
            ..Inspection::default()
        }
    }
}

/// From kinds to single names: each label has what its label sets have together.
fn groups(sets: &[Set]) -> Vec<Group> {
    let mut named: BTreeMap<&str, (u64, u64, BTreeMap<&str, Column>)> = BTreeMap::new();
    for set in sets.iter().filter(|set| set.count > 0) {
        let names: Vec<&str> =
            if set.names.is_empty() { vec![""] } else { set.names.iter().map(|name| &**name).collect() };
        for name in names {
            let (count, bytes, columns) = named.entry(name).or_default();
            *count += set.count;
            *bytes += set.bytes;
            for (key, column) in &set.columns {
                match columns.get_mut(&**key) {
                    Some(known) => known.merge(column),
                    None => _ = columns.insert(key, column.clone()),
                }
            }
        }
    }
    let group = |(name, (count, bytes, columns)): (&str, (u64, u64, BTreeMap<&str, Column>))| {
        let properties = columns.iter().map(|(key, column)| column.property(key, count)).collect();
        Group { name: name.to_owned(), count, bytes, properties }
    };
    let mut groups: Vec<Group> = named.into_iter().map(group).collect();
    groups.sort_by_key(|group| Reverse(group.count));
    groups
}

/// Counts single values and names that a target cannot hold.
fn misfits(block: &Block, target: &Capability, found: &mut BTreeMap<(&'static str, &'static str), u64>) -> Result<()> {
    if target.misfits.is_none() && target.refused_names.is_none() {
        return Ok(());
    }
    let refused = |name: &str| target.refused_names.and_then(|refusal| refusal(name));
    let kinds: Vec<_> = block.kinds().iter().map(|kind| kind.names().iter().find_map(|name| refused(name))).collect();
    for item in block.items() {
        if let Some(why) = kinds.get(item.kind as usize).copied().flatten() {
            *found.entry(("name", why)).or_default() += 1;
        }
        let mut cursor = block.cursor(item);
        for _ in 0..cursor.map()? {
            if let Some(why) = refused(cursor.string()?) {
                *found.entry(("name", why)).or_default() += 1;
            }
            if let Some(why) = target.misfit(block.class(), cursor)? {
                *found.entry(("value", why)).or_default() += 1;
            }
            cursor.check()?;
        }
    }
    Ok(())
}
