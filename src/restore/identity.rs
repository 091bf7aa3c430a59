//! Who is who: which nodes of a dump are nodes of the target, or another node of the dump.
//!
//! Keys are compared by the 128-bit hashes of their values. The dump's are gathered and sorted (32 bytes a key), the target's nodes go past them once;
//! then the nodes that share a key with anybody are taken one after the other, in the order of the dump (docs/merging.md has the rules).

use super::policy::Key;
use crate::error::Result;
use crate::ids::IdMap;
use crate::model::packstream::{put_list, put_map, put_string, put_value};
use crate::model::{Block, Cursor, ValueRef, change};
use rustc_hash::{FxHashMap, FxHashSet};

/// The hash of the values of a key.
pub type Hash = [u64; 2];

/// What a node of the dump turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entity {
    /// A node of the target.
    Present(i64),
    /// A node of the dump that came first.
    Fresh(i64),
}

/// Why a node is told to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The key's number.
    pub key: u32,
    /// What it is by this key.
    pub entity: Entity,
    /// What else it is, by this key or another one.
    pub other: Option<Entity>,
}

/// Who is who.
#[derive(Debug, Default)]
pub struct Identity {
    /// Nodes of the dump that are in the target.
    pub matched: IdMap,
    /// Nodes of the dump that come after another one that is the same, with that one.
    pub later: FxHashMap<i64, i64>,
    /// Nodes that are recognised, with the first reason; only where it was asked for.
    pub recognised: FxHashMap<i64, Reason>,
    /// Nodes that would be several at once.
    pub ambiguous: FxHashMap<i64, Reason>,
}

impl Identity {
    /// What a node is, if it is not a new one that comes first.
    #[must_use]
    pub fn of(&self, old: i64) -> Option<Entity> {
        let present = self.matched.find(old).map(Entity::Present);
        present.or_else(|| self.later.get(&old).map(|first| Entity::Fresh(*first)))
    }
}

#[derive(Clone, Copy, Debug)]
struct Claim {
    hash: Hash,
    seq: u64,
    old: i64,
}

/// Gathers the keys of a dump's nodes.
#[derive(Debug)]
pub struct Claims<'a> {
    keys: &'a [Key],
    claims: Vec<Vec<Claim>>,
    seq: u64,
    hasher: Hasher,
    /// Nodes that have a label of a key and not the key itself.
    pub keyless: u64,
}

impl<'a> Claims<'a> {
    /// Of these keys.
    #[must_use]
    pub fn new(keys: &'a [Key]) -> Self {
        let claims = keys.iter().map(|_| Vec::new()).collect();
        Self { keys, claims, seq: 0, hasher: Hasher::default(), keyless: 0 }
    }

    /// Notes the keys of a block of nodes.
    ///
    /// # Errors
    /// The properties are not well formed.
    pub fn add(&mut self, block: &Block) -> Result<()> {
        let concerned: Vec<Vec<usize>> = block
            .kinds()
            .iter()
            .map(|kind| {
                let has = |key: &Key| kind.names().iter().any(|name| **name == *key.label);
                (0..self.keys.len()).filter(|at| self.keys.get(*at).is_some_and(has)).collect()
            })
            .collect();
        for item in block.items() {
            self.seq += 1;
            let Some(concerned) = concerned.get(item.kind as usize).filter(|keys| !keys.is_empty()) else { continue };
            let mut any = false;
            for at in concerned {
                let (Some(key), Some(claims)) = (self.keys.get(*at), self.claims.get_mut(*at)) else { continue };
                if let Some(hash) = self.hasher.of_properties(block.properties(item), &key.properties)? {
                    claims.push(Claim { hash, seq: self.seq, old: item.id });
                    any = true;
                }
            }
            self.keyless += u64::from(!any);
        }
        Ok(())
    }

    /// Compares with the target: `look` pushes the id and the values of every node that has a key's label. `explain` keeps a reason for everyone who is recognised.
    ///
    /// # Errors
    /// What `look` says.
    pub fn identify(
        mut self,
        explain: bool,
        mut look: impl FnMut(&Key, &mut dyn FnMut(i64, &[u8]) -> Result<()>) -> Result<()>,
    ) -> Result<Identity> {
        // What each shared key leads to; several ids make everybody who has it ambiguous.
        let mut leads: FxHashMap<(u32, Hash), (Entity, Option<Entity>)> = FxHashMap::default();
        let mut shared: Vec<(u64, i64, u32, Hash)> = Vec::new();
        for (number, (key, claims)) in (0_u32..).zip(self.keys.iter().zip(&mut self.claims)) {
            claims.sort_unstable_by_key(|claim| (claim.hash, claim.seq));
            look(key, &mut |id, values| {
                let Some(hash) = self.hasher.of_values(values)? else { return Ok(()) };
                if claims.binary_search_by_key(&hash, |claim| claim.hash).is_ok() {
                    let present = Entity::Present(id);
                    leads.entry((number, hash)).and_modify(|lead| lead.1 = Some(present)).or_insert((present, None));
                }
                Ok(())
            })?;
            for group in claims.chunk_by(|a, b| a.hash == b.hash) {
                let Some(first) = group.first() else { continue };
                if group.len() > 1 || leads.contains_key(&(number, first.hash)) {
                    shared.extend(group.iter().map(|claim| (claim.seq, claim.old, number, claim.hash)));
                }
            }
            *claims = Vec::new();
        }
        shared.sort_unstable();
        let mut identity = Identity::default();
        let mut seen = FxHashSet::default();
        let mut first_of = FxHashMap::default();
        for node in shared.chunk_by(|a, b| a.0 == b.0) {
            let Some((_, old, ..)) = node.first().copied() else { continue };
            let mut found: Option<Reason> = None;
            for (_, _, key, hash) in node {
                let Some((entity, other)) = leads.get(&(*key, *hash)).copied() else { continue };
                let reason = found.get_or_insert(Reason { key: *key, entity, other });
                if reason.entity != entity {
                    reason.other = Some(entity);
                }
                reason.other = reason.other.or(other);
            }
            let is = match found {
                Some(reason) if reason.other.is_some() => {
                    identity.ambiguous.insert(old, reason);
                    continue;
                }
                Some(reason) => {
                    if explain {
                        identity.recognised.insert(old, reason);
                    }
                    match reason.entity {
                        Entity::Present(id) => {
                            identity.matched.bind(old, id);
                            if seen.insert(id) {
                                first_of.insert(id, old);
                            } else if let Some(first) = first_of.get(&id) {
                                identity.later.insert(old, *first);
                            }
                        }
                        Entity::Fresh(first) => _ = identity.later.insert(old, first),
                    }
                    reason.entity
                }
                None => Entity::Fresh(old),
            };
            for (_, _, key, hash) in node {
                leads.entry((*key, *hash)).or_insert((is, None));
            }
        }
        Ok(identity)
    }
}

/// Hashes values so that equal ones, numbers by their value, have equal hashes.
#[derive(Debug, Default)]
pub struct Hasher {
    bytes: Vec<u8>,
    values: Vec<u8>,
}

impl Hasher {
    /// The hash of some properties; `None` where one is missing, null or NaN.
    ///
    /// # Errors
    /// The properties are not well formed.
    pub fn of_properties(&mut self, properties: &[u8], names: &[String]) -> Result<Option<Hash>> {
        let mut values = std::mem::take(&mut self.values);
        values.clear();
        for name in names {
            match change::property(properties, name)? {
                Some(value) => values.extend_from_slice(value),
                None => {
                    self.values = values;
                    return Ok(None);
                }
            }
        }
        let hash = self.of_values(&values);
        self.values = values;
        hash
    }

    /// The hash of values that lie one after the other; `None` where one is null or NaN.
    ///
    /// # Errors
    /// They are not well formed.
    pub fn of_values(&mut self, values: &[u8]) -> Result<Option<Hash>> {
        self.bytes.clear();
        let mut cursor = Cursor::new(values);
        while !cursor.is_at_end() {
            if !put_comparable(&mut cursor, &mut self.bytes, true)? {
                return Ok(None);
            }
        }
        let hash = blake3::hash(&self.bytes);
        let word = |from: usize| {
            let bytes = hash.as_bytes().get(from..from + 8).and_then(|bytes| bytes.try_into().ok());
            u64::from_le_bytes(bytes.unwrap_or_default())
        };
        Ok(Some([word(0), word(8)]))
    }
}

/// 2^63: the first float beyond the integers.
const EDGE: f64 = 9_223_372_036_854_775_808.0;

/// Appends a value in a form in which equal values have equal bytes; false for what equals nothing.
fn put_comparable(cursor: &mut Cursor<'_>, out: &mut Vec<u8>, top: bool) -> Result<bool> {
    match cursor.value()? {
        ValueRef::Null if top => return Ok(false),
        ValueRef::Float(float) if float.is_nan() => return Ok(false),
        // Exact: a float without a fraction in this range is an integer.
        ValueRef::Float(float) if float.fract() == 0.0 && (-EDGE..EDGE).contains(&float) => {
            put_value(out, &ValueRef::Integer(float as i64));
        }
        ValueRef::List(size) => {
            put_list(out, size);
            for _ in 0..size {
                if !put_comparable(cursor, out, false)? {
                    return Ok(false);
                }
            }
        }
        ValueRef::Map(size) => {
            let mut members = Vec::new();
            for _ in 0..size {
                let key = cursor.string()?;
                let mut bytes = Vec::new();
                if !put_comparable(cursor, &mut bytes, false)? {
                    return Ok(false);
                }
                members.push((key, bytes));
            }
            members.sort_unstable();
            put_map(out, size);
            for (key, bytes) in members {
                put_string(out, key);
                out.extend_from_slice(&bytes);
            }
        }
        value @ ValueRef::Structure(_, size) => {
            put_value(out, &value);
            for _ in 0..size {
                put_comparable(cursor, out, false)?;
            }
        }
        value => put_value(out, &value),
    }
    Ok(true)
}
