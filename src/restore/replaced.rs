//! Relationships that would take the place of another one: HugeGraph keeps one of each type, start, end and sort keys, and puts the later one there without a word.
//!
//! Found before the first write, in 16 bytes a relationship of the dump and no more than [`PART`] of them at once: of a larger dump in several readings.

use super::identity::{Entity, Identity};
use crate::backend::Target;
use crate::error::Result;
use crate::hugegraph::Definitions;
use crate::hugegraph::plain::normalized;
use crate::model::content::Content;
use crate::model::{Block, Class, Cursor, Item, Schema, change};
use rustc_hash::FxHashSet;

/// Relationships that are looked at in one reading.
const PART: u64 = 1 << 22;

/// Bits that say what a relationship is, below those that say which.
const WHAT: u32 = 48;

/// Reads the dump once more.
pub(super) type Read<'a> = dyn FnMut(&mut dyn FnMut(&Block) -> Result<()>) -> Result<()> + 'a;

/// Takes the number of a relationship, its ends and itself.
type Take<'a> = dyn FnMut(u128, [Entity; 2], &Block, &Item) + 'a;

/// Takes a relationship, whether the other one is the target's, and what is to be said.
type Tell<'a> = dyn FnMut(&Block, &Item, bool, String) + 'a;

/// Tells those relationships of a dump with so many that have the type, start, end and sort keys of another one, in the target or the dump, and other properties. One to
/// which both happens is told as of the dump.
pub(super) fn replaced(
    read: &mut Read<'_>,
    target: &mut dyn Target,
    (schema, total): (&Schema, u64),
    identity: &Identity,
    tell: &mut Tell<'_>,
) -> Result<()> {
    let mut definitions = Definitions::default();
    for object in &schema.objects {
        definitions.add(object)?;
    }
    let mut marks = Marks { definitions, content: Content::default(), bytes: Vec::new() };
    let parts = total / PART + 1;
    for part in 0..parts {
        marks.part(read, target, identity, &|mark| (mark >> 64) as u64 % parts == part, tell)?;
    }
    Ok(())
}

/// Makes numbers of relationships: which it is in the upper bits, what it is in the lower ones.
struct Marks {
    definitions: Definitions,
    content: Content,
    bytes: Vec<u8>,
}

impl Marks {
    fn part(
        &mut self,
        read: &mut Read<'_>,
        target: &mut dyn Target,
        identity: &Identity,
        is_ours: &dyn Fn(u128) -> bool,
        tell: &mut Tell<'_>,
    ) -> Result<()> {
        let mut all: Vec<u128> = Vec::new();
        let mut may_be_there = false;
        self.each(read, identity, &mut |mark, ends, _, _| {
            if is_ours(mark) {
                all.push(mark);
                may_be_there |= ends.iter().all(|end| matches!(end, Entity::Present(_)));
            }
        })?;
        all.sort_unstable();
        let (mut twice, mut there) = (FxHashSet::default(), FxHashSet::default());
        for pair in all.windows(2) {
            if let [one, other] = pair
                && one >> WHAT == other >> WHAT
                && one != other
            {
                twice.insert(one >> WHAT);
            }
        }
        if may_be_there {
            target.look_at_edges(&mut |seen| {
                let mut cursor = Cursor::new(seen.values);
                let name = cursor.string()?;
                let ends = [Entity::Present(seen.start), Entity::Present(seen.end)];
                let Some(mark) = self.of(name, ends, cursor.raw()?)? else { return Ok(()) };
                let from = all.partition_point(|known| known >> WHAT < mark >> WHAT);
                let same = all.iter().skip(from).take_while(|known| **known >> WHAT == mark >> WHAT);
                if same.into_iter().any(|known| *known != mark) {
                    there.insert(mark >> WHAT);
                }
                Ok(())
            })?;
        }
        if twice.is_empty() && there.is_empty() {
            return Ok(());
        }
        self.each(read, identity, &mut |mark, _, block, item| {
            let which = mark >> WHAT;
            if !is_ours(mark) || !(twice.contains(&which) || there.contains(&which)) {
                return;
            }
            let is_there = !twice.contains(&which);
            let other = if is_there { "a relationship of the target" } else { "another one of the dump" };
            let (id, kind) = (item.id, block.kind(item).relationship_type());
            let (start, end) = (item.start, item.end);
            tell(
                block,
                item,
                is_there,
                format!(
                    "relationship {id} ({kind:?} from node {start} to {end}) has the same type, start, sort keys and end as {other}, and other properties"
                ),
            );
        })
    }

    fn each(&mut self, read: &mut Read<'_>, identity: &Identity, take: &mut Take<'_>) -> Result<()> {
        read(&mut |block| {
            if block.class() != Class::Relationships {
                return Ok(());
            }
            let plain = normalized(&self.definitions, block)?;
            for (item, plain_item) in block.items().iter().zip(plain.items()) {
                let end = |old| identity.of(old).unwrap_or(Entity::Fresh(old));
                let ends = [end(item.start), end(item.end)];
                let name = block.kind(item).relationship_type();
                if let Some(mark) = self.of(name, ends, plain.properties(plain_item))? {
                    take(mark, ends, block, item);
                }
            }
            Ok(())
        })
    }

    /// `None` where the type is no edge label.
    fn of(&mut self, name: &str, ends: [Entity; 2], properties: &[u8]) -> Result<Option<u128>> {
        let Some(label) = self.definitions.edge_labels.get(name) else { return Ok(None) };
        let bytes = &mut self.bytes;
        bytes.clear();
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
        for end in ends {
            let (kind, id) = match end {
                Entity::Present(id) => (0, id),
                Entity::Fresh(old) => (1, old),
            };
            bytes.push(kind);
            bytes.extend_from_slice(&id.to_le_bytes());
        }
        for key in &label.sort_keys {
            bytes.extend_from_slice(change::property(properties, key)?.unwrap_or_default());
        }
        let mut which = [0; 16];
        blake3::Hasher::new().update(bytes).finalize_xof().fill(&mut which);
        let what = self.content.hash(&[], properties, &[])? & ((1 << WHAT) - 1);
        Ok(Some((u128::from_le_bytes(which) >> WHAT << WHAT) | what))
    }
}
