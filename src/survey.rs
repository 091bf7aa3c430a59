//! Reading a feed to its end without writing anything: what it holds, and whether it is sound.

use crate::backend::Names;
use crate::error::{Error, Result};
use crate::feed::{Feed, pump};
use crate::format::Piece;
use crate::ids::IdSet;
use crate::model::tally::Counter;
use crate::model::{Block, Capability, Class, Header, Item, Schema, Tally};
use crate::observe::Watch;
use std::collections::BTreeMap;

/// What is known of the dump before it is read for good.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Its head.
    pub header: Header,
    /// Its schema, as far as it is known.
    pub schema: Schema,
    /// Its counts; `None` where it can be read only once.
    pub tally: Option<Tally>,
    /// Values that a target cannot hold although it holds their types, by what is wrong with them.
    pub misfits: BTreeMap<&'static str, u64>,
    /// Whether it refers to nodes of the database that it was meant for.
    pub is_quarantine: bool,
}

/// Counts a feed and proves that ids occur once and ends exist. Needs a bit a node and a bit a relationship.
///
/// # Errors
/// The feed is damaged; the error has its place.
pub fn survey(feed: &mut dyn Feed, watch: Watch<'_>) -> Result<Known> {
    look(feed, watch, Counter::default(), None).map(|(known, _)| known)
}

/// Does the same for a target, and counts the values that it cannot hold although it holds their types.
///
/// # Errors
/// The feed is damaged; the error has its place.
pub fn survey_for(feed: &mut dyn Feed, capability: &Capability, watch: Watch<'_>) -> Result<Known> {
    look(feed, watch, Counter::default(), Some(capability)).map(|(known, _)| known)
}

/// Does the same and gives the names that occur too.
///
/// # Errors
/// The feed is damaged; the error has its place.
pub fn survey_names(feed: &mut dyn Feed, watch: Watch<'_>) -> Result<(Known, Names)> {
    let (known, counter) = look(feed, watch, Counter::of_names(), None)?;
    let tally = known.tally.iter();
    let labels = tally.flat_map(|tally| tally.labels.keys().chain(tally.types.keys()).cloned()).collect();
    Ok((known, Names { labels, properties: counter.into_names().into_iter().map(String::from).collect() }))
}

fn look(
    feed: &mut dyn Feed,
    watch: Watch<'_>,
    mut counter: Counter,
    capability: Option<&Capability>,
) -> Result<(Known, Counter)> {
    let capability = capability.filter(|capability| capability.misfits.is_some());
    let mut misfits = BTreeMap::new();
    let header = feed.header().clone();
    let mut schema = feed.schema().clone();
    let mut is_quarantine = false;
    let ((), _) = pump(feed, watch, |pieces| {
        let (mut nodes, mut relationships) = (IdSet::default(), IdSet::default());
        for piece in pieces {
            match piece {
                Piece::Block(block) => {
                    counter.block(&block)?;
                    if let Some(capability) = capability {
                        add_misfits(&block, capability, &mut misfits)?;
                    }
                    check_ids(&block, &mut nodes, &mut relationships)?;
                }
                Piece::Object(object) => schema.objects.push(object),
                Piece::Statement(_) => counter.statement(),
                Piece::Existing { old, .. } => {
                    is_quarantine = true;
                    nodes.insert(old);
                }
            }
        }
        schema.objects.iter().for_each(|object| counter.object(object));
        Ok(())
    })?;
    let (schema, tally) = (Schema { objects: schema.objects }, Some(counter.tally()));
    Ok((Known { header, schema, tally, misfits, is_quarantine }, counter))
}

fn add_misfits(block: &Block, capability: &Capability, misfits: &mut BTreeMap<&'static str, u64>) -> Result<()> {
    for item in block.items() {
        let mut cursor = block.cursor(item);
        for _ in 0..cursor.map()? {
            cursor.string()?;
            if let Some(why) = capability.misfit(block.class(), cursor)? {
                *misfits.entry(why).or_default() += 1;
            }
            cursor.check()?;
        }
    }
    Ok(())
}

fn check_ids(block: &Block, nodes: &mut IdSet, relationships: &mut IdSet) -> Result<()> {
    for item in block.items() {
        let problem = match block.class() {
            Class::Nodes => (!nodes.insert(item.id)).then(|| format!("node id {} occurs twice", item.id)),
            Class::Relationships => check_relationship(block, item, nodes, relationships),
        };
        if let Some(problem) = problem {
            let error = Error::corrupt(problem);
            return Err(match block.position(item) {
                Some(position) => error.at(position),
                None => error,
            });
        }
    }
    Ok(())
}

fn check_relationship(block: &Block, item: &Item, nodes: &IdSet, relationships: &mut IdSet) -> Option<String> {
    if !relationships.insert(item.id) {
        return Some(format!("relationship id {} occurs twice", item.id));
    }
    let (verb, node) = match (nodes.contains(item.start), nodes.contains(item.end)) {
        (true, true) => return None,
        (false, _) => ("starts", item.start),
        (true, false) => ("ends", item.end),
    };
    let kind = block.kind(item).relationship_type();
    Some(format!("a relationship of type {kind:?} {verb} at node {node}, which the dump does not have"))
}
