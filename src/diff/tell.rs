//! The second reading: the values of what differs.

use super::Difference;
use super::pair::Pair;
use crate::error::Result;
use crate::feed::{Feed, pump};
use crate::format::Piece;
use crate::model::{Block, Class, Map, Value};
use crate::observe::Watch;
use rustc_hash::FxHashMap;
use serde::Serialize;

/// What became of an item on the way from A to B.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    /// It is in B alone.
    Added,
    /// It is in A alone.
    Removed,
    /// It is in both, and says something else.
    Changed,
}

/// A node or a relationship with its values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Item {
    /// Its id.
    pub id: i64,
    /// A node's labels, sorted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// A relationship's type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// A relationship's start node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<i64>,
    /// A relationship's end node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<i64>,
    /// Its properties; `None` where all values together would need more memory than is granted.
    pub properties: Option<Map>,
}

/// A difference.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// What became of it.
    pub change: Sort,
    /// `node` or `relationship`.
    pub class: &'static str,
    /// As it is in A.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub a: Option<Item>,
    /// As it is in B.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b: Option<Item>,
}

/// Takes differences with their values.
pub type Told<'a> = dyn FnMut(Change) -> Result<()> + 'a;

/// An id on one side, and who it is on the other.
type Partner = (i64, Option<i64>);

/// Bytes of values in A that wait for what B says.
const KEPT: usize = 64 << 20;

/// Seeks what differs in both graphs again.
pub struct Teller {
    /// For each class the ids in A, and which of them were changed to what in B.
    from: [FxHashMap<i64, Option<i64>>; 2],
    /// For each class the ids in B, and which of them come from what in A.
    to: [FxHashMap<i64, Option<i64>>; 2],
    kept: [FxHashMap<i64, Item>; 2],
    bytes: usize,
}

impl Teller {
    /// Tells of these differences.
    #[must_use]
    pub fn new(difference: &Difference) -> Self {
        let side = |of: &dyn Fn(&Pair) -> Option<Partner>| {
            [0, 1].map(|class: usize| difference.pairs.get(class).into_iter().flatten().filter_map(of).collect())
        };
        Self {
            from: side(&|(from, to)| Some(((*from)?, *to))),
            to: side(&|(from, to)| Some(((*to)?, *from))),
            kept: Default::default(),
            bytes: 0,
        }
    }

    /// Whether there is anything to seek.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.from.iter().chain(&self.to).all(FxHashMap::is_empty)
    }

    /// Reads A: tells what was removed, and keeps what was changed.
    ///
    /// # Errors
    /// The feed fails, or what `told` says.
    pub fn first(&mut self, feed: &mut dyn Feed, watch: Watch<'_>, told: &mut Told<'_>) -> Result<()> {
        seek(feed, watch, &mut |block, at| {
            let Some(Some(to)) = self.from.get(block.class() as usize).map(|ids| ids.get(&at.id)) else {
                return Ok(());
            };
            let size = block.properties(at).len();
            let fits = to.is_none() || self.bytes + size <= KEPT;
            let item = item(block, at, fits)?;
            match to {
                None => told(Change { change: Sort::Removed, class: block.class().noun(), a: Some(item), b: None }),
                Some(_) => {
                    self.bytes += if fits { size } else { 0 };
                    if let Some(kept) = self.kept.get_mut(block.class() as usize) {
                        kept.insert(at.id, item);
                    }
                    Ok(())
                }
            }
        })
    }

    /// Reads B: tells what was added and changed.
    ///
    /// # Errors
    /// The feed fails, or what `told` says.
    pub fn second(&mut self, feed: &mut dyn Feed, watch: Watch<'_>, told: &mut Told<'_>) -> Result<()> {
        seek(feed, watch, &mut |block, at| {
            let class = block.class();
            let Some(Some(from)) = self.to.get(class as usize).map(|ids| ids.get(&at.id)) else { return Ok(()) };
            let b = Some(item(block, at, true)?);
            let kept = self.kept.get_mut(class as usize);
            let a = from.and_then(|from| kept?.remove(&from));
            let change = if from.is_some() { Sort::Changed } else { Sort::Added };
            told(Change { change, class: class.noun(), a, b })
        })
    }
}

fn seek(
    feed: &mut dyn Feed,
    watch: Watch<'_>,
    each: &mut dyn FnMut(&Block, &crate::model::Item) -> Result<()>,
) -> Result<()> {
    pump(feed, watch, |pieces| {
        for piece in pieces {
            if let Piece::Block(block) = piece {
                block.items().iter().try_for_each(|item| each(&block, item))?;
            }
        }
        Ok(())
    })
    .map(|_| ())
}

fn item(block: &Block, at: &crate::model::Item, with_values: bool) -> Result<Item> {
    let properties = match with_values {
        true => match Value::read(&mut block.cursor(at))? {
            Value::Map(map) => Some(map),
            _ => None,
        },
        false => None,
    };
    let kind = block.kind(at);
    Ok(match block.class() {
        Class::Nodes => {
            let mut labels: Vec<String> = kind.names().iter().map(|name| name.to_string()).collect();
            labels.sort_unstable();
            Item { id: at.id, labels: Some(labels), kind: None, start: None, end: None, properties }
        }
        Class::Relationships => Item {
            id: at.id,
            labels: None,
            kind: Some(kind.relationship_type().to_owned()),
            start: Some(at.start),
            end: Some(at.end),
            properties,
        },
    })
}
