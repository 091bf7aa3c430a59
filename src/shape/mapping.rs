//! What becomes of a graph: decided once, before anything is written.

use super::entry::{EdgeEntry, Entries, PropertyEntry, VertexEntry};
use super::form::Form;
use super::found::Found;
use super::keys::{self, Keys};
use super::labels::{self, LinkRule, SetRule, Uses};
use super::mark::{GRAPH, GraphMark, KeyMark, LinkMark, MARK, SetMark, VERSION, put};
use super::{is_shaped, name};
use crate::error::{Error, Result};
use crate::hugegraph::schema::{Cardinality, DataType, EdgeLabel, PropertyKey, VertexLabel};
use crate::hugegraph::{Definitions, ID};
use crate::model::{Loss, Schema};
use indexmap::IndexMap;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

/// What becomes of a graph in HugeGraph.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    /// The schema that it gets; empty for a graph that has HugeGraph's schema already.
    pub definitions: Definitions,
    /// The graph has HugeGraph's schema already: it goes as it is.
    pub is_identity: bool,
    /// Everything is noted that is needed to get the original back.
    pub is_reversible: bool,
    /// What is lost, beside what HugeGraph cannot hold of the schema.
    pub losses: Vec<Loss>,
    /// What the user should know.
    pub notes: Vec<String>,
    /// Nodes and relationships.
    pub counts: (u64, u64),
    /// The graph's own schema.
    pub(super) schema: Schema,
    pub(super) keys: Keys,
    pub(super) sets: Vec<SetRule>,
    pub(super) links: Vec<LinkRule>,
    /// Property keys that are added.
    pub(super) numbers: Vec<String>,
    /// The property of nodes that becomes their id and no property.
    pub(super) keeps_ids: bool,
}

impl Mapping {
    /// Decides what becomes of a graph.
    pub(super) fn decide(found: &Found, entries: &Entries, is_reversible: bool) -> Result<Self> {
        let mut mapping =
            Self { schema: found.schema.clone(), counts: found.counts(), is_reversible, ..Self::default() };
        if is_shaped(&found.schema) {
            mapping.is_identity = true;
            found.schema.objects.iter().try_for_each(|object| mapping.definitions.add(object).map(drop))?;
            return Ok(mapping);
        }
        mapping.keeps_ids = found.has_ids && !found.sets.is_empty() && found.sets.iter().all(has_one_kind_of_id);
        let id = mapping.keeps_ids.then_some(ID);
        let mut given: BTreeSet<String> = entries.edges.iter().filter_map(|entry| entry.number.clone()).collect();
        let asked = given.clone();
        if let Some(wrong) = asked.iter().find(|name| !name::is_taken(name)) {
            return Err(keys::refused(wrong));
        }
        mapping.keys = keys::decide(found, id, &entries.properties, is_reversible, &mut given)?;
        if let Some(twice) = mapping.keys.rules.iter().find(|rule| asked.contains(&rule.name)) {
            return Err(Error::usage(format!(
                "the mapping numbers relationships with {:?}, which is a property key of the graph's own",
                twice.name
            )));
        }
        mapping.sets = labels::vertices(found, &mapping.keys, mapping.keeps_ids, &entries.vertices)?;
        let number = name::give("number", &mut given);
        let Self { keys, sets, .. } = &mapping;
        mapping.links = labels::edges(found, keys, sets, &entries.edges, Some(&number), is_reversible)?;
        let numbers = mapping.links.iter().filter_map(|link| link.number.clone());
        mapping.numbers = numbers.collect::<BTreeSet<_>>().into_iter().collect();
        keys::losses(&mapping.keys, found, is_reversible, &mut mapping.losses);
        labels::losses(&mapping.sets, &mapping.links, mapping.keeps_ids, is_reversible, &mut mapping.losses);
        mapping.define(&name::give(MARK, &mut given))?;
        mapping.note(entries);
        Ok(mapping)
    }

    fn note(&mut self, entries: &Entries) {
        let same = |a: &[String], b: &[String]| a.iter().collect::<BTreeSet<_>>() == b.iter().collect();
        for entry in &entries.properties {
            if !self.keys.rules.iter().any(|rule| rule.of == entry.of) {
                self.notes.push(format!("the mapping speaks of the property {:?}, which does not occur", entry.of));
            }
        }
        for entry in &entries.vertices {
            if !self.sets.iter().any(|rule| same(&rule.of, &entry.of)) {
                self.notes
                    .push(format!("the mapping speaks of the labels {:?}, which do not occur together", entry.of));
            }
        }
        for entry in &entries.edges {
            if !self.links.iter().any(|rule| rule.of == entry.of) {
                self.notes.push(format!("the mapping speaks of the type {:?}, which does not occur", entry.of));
            }
        }
        for link in self.links.iter().filter(|link| link.number.is_some() && !self.is_reversible) {
            let number = link.number.as_deref().unwrap_or_default();
            self.notes
                .push(format!("edges of {:?} get a property {number:?} that tells parallel ones apart", link.name));
        }
    }

    /// Goes on only when nothing is lost but what is allowed: kinds of losses, or `all`.
    ///
    /// # Errors
    /// [`Refused`](crate::ErrorKind::Refused), with what to do about it.
    pub fn check(&self, allowed: &BTreeSet<String>) -> Result<()> {
        let is_allowed = |loss: &&Loss| allowed.contains(loss.kind) || allowed.contains("all");
        let refused: Vec<&Loss> = self.losses.iter().filter(|loss| !is_allowed(loss)).collect();
        let Some(first) = refused.first() else { return Ok(()) };
        let kinds: BTreeSet<_> = refused.iter().map(|loss| loss.kind).collect();
        let options = kinds.iter().map(|kind| format!("--allow-loss={kind}")).collect::<Vec<_>>().join(" ");
        Err(Error::refused(format!("HugeGraph cannot hold the {} ({} of them)", first.what, first.count)).hint(format!(
            "--reversible writes it so that it comes back; --mapping says what else to do; {options} accepts it; --dry-run lists every loss"
        )))
    }

    /// The schema as a target gets it: HugeGraph's, and where nothing is noted of it the graph's own, for the target to say that it cannot hold it.
    #[must_use]
    pub fn objects(&self) -> Schema {
        if self.is_identity {
            return self.schema.clone();
        }
        let mut all = self.definitions.objects();
        if !self.is_reversible {
            all.objects.extend(self.schema.objects.iter().cloned());
        }
        all
    }

    /// The whole of it for a file that a person edits and gives to `--mapping`.
    #[must_use]
    pub fn entries(&self) -> Entries {
        let set = |at: u32| self.sets.get(at as usize).map(|set| set.of.clone());
        Entries {
            properties: self
                .keys
                .rules
                .iter()
                .map(|rule| PropertyEntry {
                    of: rule.of.clone(),
                    values: rule.forms.iter().map(|form| form.name().to_owned()).collect(),
                    key: Some(rule.name.clone()),
                    data_type: Some(rule.data_type),
                    cardinality: Some(rule.cardinality),
                    json: rule.json,
                })
                .collect(),
            vertices: self
                .sets
                .iter()
                .map(|rule| VertexEntry {
                    of: rule.of.clone(),
                    label: Some(rule.name.clone()),
                    id_strategy: Some(rule.strategy),
                    id: rule.id.clone(),
                    primary_keys: rule.primary_keys.clone(),
                    nullable: None,
                })
                .collect(),
            edges: self
                .links
                .iter()
                .map(|rule| EdgeEntry {
                    of: rule.of.clone(),
                    from: set(rule.ends.0),
                    to: set(rule.ends.1),
                    label: Some(rule.name.clone()),
                    sort_keys: rule
                        .sort_keys
                        .iter()
                        .filter(|key| Some(*key) != rule.number.as_ref())
                        .cloned()
                        .collect(),
                    number: rule.number.clone(),
                    nullable: None,
                })
                .collect(),
        }
    }

    fn define(&mut self, graph_key: &str) -> Result<()> {
        let mut all = Definitions::default();
        for rule in &self.keys.rules {
            let mut key = property_key(&rule.name, rule.data_type, rule.cardinality);
            if self.is_reversible {
                put(MARK, &KeyMark { of: rule.of.clone(), json: rule.json }, &mut key.user_data)?;
            }
            add(&mut all.property_keys, rule.name.clone(), key, |key| &mut key.id);
        }
        for number in &self.numbers {
            let key = property_key(number, DataType::Long, Cardinality::Single);
            add(&mut all.property_keys, number.clone(), key, |key| &mut key.id);
        }
        if self.is_reversible {
            let mut key = property_key(graph_key, DataType::Text, Cardinality::Single);
            put(GRAPH, &GraphMark { version: VERSION, schema: self.schema.clone() }, &mut key.user_data)?;
            add(&mut all.property_keys, graph_key.to_owned(), key, |key| &mut key.id);
        }
        self.define_vertices(&mut all)?;
        self.define_edges(&mut all)?;
        self.definitions = all;
        Ok(())
    }

    fn define_vertices(&self, all: &mut Definitions) -> Result<()> {
        for others in together(&self.sets, |rule| &rule.name) {
            let Some(rule) = others.first() else { continue };
            if self.is_reversible && others.len() > 1 {
                return Err(shared(&rule.name));
            }
            let told = |rule: &SetRule| (rule.strategy, rule.primary_keys.clone());
            if others.iter().any(|other| told(other) != told(rule)) {
                return Err(Error::usage(format!(
                    "the mapping gives the vertex label {:?} two id strategies",
                    rule.name
                )));
            }
            let count = others.iter().map(|other| other.count).sum();
            let uses = sum(others.iter().map(|other| &other.uses));
            let asked = others.iter().find_map(|other| other.nullable.as_ref());
            let mut label = VertexLabel {
                name: rule.name.clone(),
                id: None,
                id_strategy: rule.strategy,
                primary_keys: rule.primary_keys.clone(),
                nullable_keys: nullable(&rule.name, &uses, count, asked, &rule.primary_keys)?,
                properties: uses.keys().cloned().collect(),
                user_data: IndexMap::new(),
                more: more(&[("ttl", json!(0)), ("enable_label_index", json!(true))]),
            };
            if self.is_reversible {
                let mark = SetMark {
                    labels: rule.of.clone(),
                    keeps_id: self.keeps_ids && rule.id.as_deref() == Some(ID),
                    order: label.properties.clone(),
                };
                put(MARK, &mark, &mut label.user_data)?;
            }
            add(&mut all.vertex_labels, rule.name.clone(), label, |label| &mut label.id);
        }
        Ok(())
    }

    fn define_edges(&self, all: &mut Definitions) -> Result<()> {
        let end = |at: u32| self.sets.get(at as usize).map_or("", |set| set.name.as_str()).to_owned();
        for others in together(&self.links, |rule| &rule.name) {
            let Some(rule) = others.first() else { continue };
            let (source_label, target_label) = (end(rule.ends.0), end(rule.ends.1));
            if self.is_reversible && others.len() > 1 {
                return Err(shared(&rule.name));
            }
            if others
                .iter()
                .any(|other| (end(other.ends.0), end(other.ends.1)) != (source_label.clone(), target_label.clone()))
            {
                return Err(Error::usage(format!(
                    "the mapping gives the edge label {:?} to relationships between different vertex labels, and it can have one at each end",
                    rule.name
                )));
            }
            if others.iter().any(|other| other.sort_keys != rule.sort_keys) {
                return Err(Error::usage(format!(
                    "the mapping gives the edge label {:?} different sort keys",
                    rule.name
                )));
            }
            let count = others.iter().map(|other| other.count).sum();
            let uses = sum(others.iter().map(|other| &other.uses));
            let asked = others.iter().find_map(|other| other.nullable.as_ref());
            let links = json!([{ source_label.clone(): target_label }]);
            let mut label = EdgeLabel {
                name: rule.name.clone(),
                id: None,
                source_label,
                target_label,
                frequency: if rule.sort_keys.is_empty() { "SINGLE" } else { "MULTIPLE" }.to_owned(),
                sort_keys: rule.sort_keys.clone(),
                nullable_keys: nullable(&rule.name, &uses, count, asked, &rule.sort_keys)?,
                properties: uses.keys().chain(&rule.number).cloned().collect(),
                user_data: IndexMap::new(),
                more: more(&[
                    ("edgelabel_type", json!("NORMAL")),
                    ("links", links),
                    ("ttl", json!(0)),
                    ("enable_label_index", json!(true)),
                ]),
            };
            if self.is_reversible {
                let mark =
                    LinkMark { of: rule.of.clone(), number: rule.number.clone(), order: label.properties.clone() };
                put(MARK, &mark, &mut label.user_data)?;
            }
            add(&mut all.edge_labels, rule.name.clone(), label, |label| &mut label.id);
        }
        Ok(())
    }
}

/// Those with the same name together, in the order of the first of each.
fn together<T>(all: &[T], name: impl Fn(&T) -> &String) -> Vec<Vec<&T>> {
    let mut groups: IndexMap<&String, Vec<&T>> = IndexMap::new();
    all.iter().for_each(|one| groups.entry(name(one)).or_default().push(one));
    groups.into_values().collect()
}

/// Adds something, with the next number.
fn add<T>(all: &mut IndexMap<String, T>, name: String, mut new: T, id: impl Fn(&mut T) -> &mut Option<i64>) {
    *id(&mut new) = Some(all.len() as i64 + 1);
    all.insert(name, new);
}

fn property_key(name: &str, data_type: DataType, cardinality: Cardinality) -> PropertyKey {
    let more = more(&[("aggregate_type", json!("NONE")), ("write_type", json!("OLTP")), ("properties", json!([]))]);
    PropertyKey { name: name.to_owned(), id: None, data_type, cardinality, user_data: IndexMap::new(), more }
}

fn more(entries: &[(&str, Json)]) -> IndexMap<String, Json> {
    entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

fn sum<'a>(all: impl Iterator<Item = &'a Uses>) -> Uses {
    let mut sum = Uses::new();
    for (key, count) in all.flatten() {
        *sum.entry(key.clone()).or_default() += count;
    }
    sum
}

fn shared(name: &str) -> Error {
    Error::usage(format!("the mapping gives the label {name:?} to several: they would not come back"))
        .hint("give each a label of its own, or leave --reversible out")
}

/// The property keys that may be missing: those that are missing somewhere, or more if asked for.
fn nullable(label: &str, uses: &Uses, count: u64, asked: Option<&Vec<String>>, not: &[String]) -> Result<Vec<String>> {
    let found = uses.iter().filter(|(_, uses)| **uses < count).map(|(key, _)| key.clone());
    let Some(asked) = asked else { return Ok(found.collect()) };
    let wrong = |key: &&String| !uses.contains_key(*key) || not.contains(key);
    if let Some(wrong) = asked.iter().find(wrong) {
        return Err(Error::usage(format!(
            "the mapping says that {wrong:?} of {label:?} may be missing, which cannot be"
        )));
    }
    if let Some(missing) = found.into_iter().find(|key| !asked.contains(key)) {
        return Err(Error::usage(format!(
            "the mapping does not say that {missing:?} of {label:?} may be missing, and some lack it"
        )));
    }
    Ok(asked.clone())
}

/// Whether the nodes of a label set have ids of one kind.
fn has_one_kind_of_id(set: &super::found::Set) -> bool {
    let count = |form: Form| set.keys.get(ID).and_then(|key| key.forms.get(form as usize)).copied();
    [Form::Integer, Form::String].into_iter().any(|form| count(form) == Some(set.count))
}
