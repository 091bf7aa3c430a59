//! Which labels the label sets and relationship types become. HugeGraph's vertices have one label each, its edge labels one label at each end.

use super::entry::{EdgeEntry, VertexEntry};
use super::form::Form;
use super::found::{Found, Key, Link, Names, Set};
use super::keys::{Keys, refused};
use super::name;
use crate::error::{Error, Result};
use crate::hugegraph::ID;
use crate::hugegraph::schema::{Cardinality, IdStrategy};
use crate::model::Loss;
use crate::model::shown::{shown, shown_all};
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// How often a property key is there, and the order in which they were found.
pub(super) type Uses = IndexMap<String, u64>;

/// A vertex label to be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SetRule {
    /// Its name.
    pub(super) name: String,
    /// The labels that it is of, in the order of the first node.
    pub(super) of: Vec<String>,
    pub(super) strategy: IdStrategy,
    /// The property whose value is the id; else the node's number is.
    pub(super) id: Option<String>,
    pub(super) primary_keys: Vec<String>,
    pub(super) count: u64,
    pub(super) uses: Uses,
    /// The property keys that may be missing, if an entry says which.
    pub(super) nullable: Option<Vec<String>>,
}

/// An edge label to be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LinkRule {
    /// Its name.
    pub(super) name: String,
    /// The type that it is of.
    pub(super) of: String,
    /// Start and end, as indexes of [`Found::sets`].
    pub(super) ends: (u32, u32),
    pub(super) sort_keys: Vec<String>,
    /// The property key that is added to tell parallels apart; it is the last of `sort_keys`.
    pub(super) number: Option<String>,
    pub(super) count: u64,
    /// Those that would have the same id as another.
    pub(super) parallel: u64,
    /// Whether the sort keys are what an entry asks for: nobody has proved that they differ.
    pub(super) is_asked: bool,
    /// Whether another type becomes the same label.
    pub(super) is_shared: bool,
    pub(super) uses: Uses,
    /// The property keys that may be missing, if an entry says which.
    pub(super) nullable: Option<Vec<String>>,
}

fn same_set(of: &[String], labels: &[String]) -> bool {
    let within = |a: &[String], b: &[String]| a.iter().all(|label| b.contains(label));
    of.len() == labels.len() && within(of, labels) && within(labels, of)
}

/// The name that something has by itself, which an entry may have given to others as well: they become one label then.
fn own_name(usual: &str, asked_for: &BTreeSet<String>, given: &mut BTreeSet<String>) -> String {
    if asked_for.contains(usual) { usual.to_owned() } else { name::give(usual, given) }
}

/// How often the property keys are there.
fn uses(found: &Names<Key>, keys: &Keys, id: Option<&str>) -> Uses {
    let mut uses = Uses::new();
    for (property, key) in found.iter().filter(|(property, _)| Some(&***property) != id) {
        for form in Form::ALL {
            let count = key.forms.get(form as usize).copied().unwrap_or_default();
            if let (1.., Some((rule, _))) = (count, keys.way(property, form)) {
                *uses.entry(rule.name.clone()).or_default() += count;
            }
        }
    }
    uses
}

/// Decides on the vertex labels, in the order of [`Found::sets`].
///
/// # Errors
/// An entry asks for what cannot be.
pub(super) fn vertices(found: &Found, keys: &Keys, keeps_ids: bool, entries: &[VertexEntry]) -> Result<Vec<SetRule>> {
    let entry = |set: &Set| entries.iter().find(|entry| same_set(&entry.of, &set.labels));
    let mut given: BTreeSet<String> = entries.iter().filter_map(|entry| entry.label.clone()).collect();
    if let Some(wrong) = given.iter().find(|name| !name::is_taken(name)) {
        return Err(refused(wrong));
    }
    let asked_for = given.clone();
    // Labels alone come first: they keep their names.
    let mut order: Vec<&Set> = found.sets.iter().collect();
    order.sort_by_key(|set| set.labels.len() != 1);
    let mut names = std::collections::HashMap::new();
    for set in order {
        let asked = entry(set).and_then(|entry| entry.label.clone());
        let usual = || match set.labels.as_slice() {
            [] => "no label".to_owned(),
            labels => labels.join("&"),
        };
        names.insert(&set.labels, asked.unwrap_or_else(|| own_name(&usual(), &asked_for, &mut given)));
    }
    let mut rules = Vec::new();
    for set in &found.sets {
        let id = keeps_ids.then_some(ID);
        let mut rule = SetRule {
            name: names.get(&set.labels).cloned().unwrap_or_default(),
            of: set.labels.clone(),
            strategy: IdStrategy::CustomizeNumber,
            id: id.map(str::to_owned),
            primary_keys: Vec::new(),
            count: set.count,
            uses: uses(&set.keys, keys, id),
            nullable: None,
        };
        if keeps_ids && !has_numbers(set) {
            rule.strategy = IdStrategy::CustomizeString;
        }
        if let Some(entry) = entry(set) {
            apply(entry, &mut rule)?;
            check_id(set, &rule)?;
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn has_numbers(set: &Set) -> bool {
    set.keys.get(ID).is_some_and(|key| key.forms.get(Form::Integer as usize) == Some(&set.count))
}

fn apply(entry: &VertexEntry, rule: &mut SetRule) -> Result<()> {
    let usage = |what: String| Error::usage(format!("the mapping says of the vertex label {:?} {what}", rule.name));
    rule.nullable.clone_from(&entry.nullable);
    rule.primary_keys.clone_from(&entry.primary_keys);
    let strategy = match entry.id_strategy {
        Some(strategy) => strategy,
        None if !entry.primary_keys.is_empty() => IdStrategy::PrimaryKey,
        None => rule.strategy,
    };
    if strategy != IdStrategy::PrimaryKey && !entry.primary_keys.is_empty() {
        return Err(usage("that it has primary keys and another id strategy".to_owned()));
    }
    match strategy {
        IdStrategy::PrimaryKey => {
            if entry.id.is_some() || entry.primary_keys.is_empty() {
                return Err(usage("PRIMARY_KEY: then it has to say primary_keys and no id".to_owned()));
            }
            if let Some(wrong) = entry.primary_keys.iter().find(|key| rule.uses.get(*key) != Some(&rule.count)) {
                return Err(usage(format!("the primary key {wrong:?}, which not all of its nodes have")));
            }
            rule.id = None;
        }
        IdStrategy::Automatic | IdStrategy::Default => {
            return Err(usage(format!("{strategy:?}: nobody could say which vertex an edge means"))
                .hint("leave id_strategy out: the nodes' own numbers are then their ids"));
        }
        _ if entry.id.is_some() => rule.id.clone_from(&entry.id),
        IdStrategy::CustomizeUuid if rule.id.is_none() => {
            return Err(usage("CUSTOMIZE_UUID: then it has to say which property is the id".to_owned()));
        }
        _ => {}
    }
    rule.strategy = strategy;
    Ok(())
}

/// Whether each node has the property that is to be its id, with a value that can be.
fn check_id(set: &Set, rule: &SetRule) -> Result<()> {
    let Some(id) = &rule.id else { return Ok(()) };
    let form = if takes_numbers(rule.strategy) { Form::Integer } else { Form::String };
    if set.keys.get(id.as_str()).is_some_and(|key| key.forms.get(form as usize) == Some(&set.count)) {
        return Ok(());
    }
    Err(Error::usage(format!(
        "the mapping says of the vertex label {:?} that {id:?} is the id, and not all of its nodes have one that is a {}",
        rule.name,
        form.name()
    )))
}

/// Whether ids of a strategy are numbers.
pub(super) fn takes_numbers(strategy: IdStrategy) -> bool {
    strategy == IdStrategy::CustomizeNumber
}

/// Decides on the edge labels, in the order of [`Found::links`].
///
/// # Errors
/// An entry asks for what cannot be.
pub(super) fn edges(
    found: &Found,
    keys: &Keys,
    sets: &[SetRule],
    entries: &[EdgeEntry],
    number_key: Option<&str>,
    reversible: bool,
) -> Result<Vec<LinkRule>> {
    let set = |at: u32| sets.get(at as usize);
    let meant = |entry: &EdgeEntry, link: &Link| {
        let of = |wanted: &Option<Vec<String>>, at| {
            wanted.as_ref().is_none_or(|wanted| set(at).is_some_and(|set| same_set(wanted, &set.of)))
        };
        entry.of == link.name && of(&entry.from, link.ends.0) && of(&entry.to, link.ends.1)
    };
    let mut given: BTreeSet<String> = entries.iter().filter_map(|entry| entry.label.clone()).collect();
    if let Some(wrong) = given.iter().find(|name| !name::is_taken(name)) {
        return Err(refused(wrong));
    }
    let asked_for = given.clone();
    let mut places: IndexMap<&str, u64> = IndexMap::new();
    found.links.iter().for_each(|link| *places.entry(&link.name).or_default() += 1);
    let mut names: Vec<Option<String>> = vec![None; found.links.len()];
    for alone in [true, false] {
        for (link, name) in found.links.iter().zip(&mut names) {
            if (places.get(&*link.name) == Some(&1)) != alone {
                continue;
            }
            let asked = entries.iter().find(|entry| meant(entry, link)).and_then(|entry| entry.label.clone());
            let usual = || match (alone, set(link.ends.0), set(link.ends.1)) {
                (false, Some(from), Some(to)) => format!("{}~{}~{}", link.name, from.name, to.name),
                _ => link.name.clone(),
            };
            *name = Some(asked.unwrap_or_else(|| own_name(&usual(), &asked_for, &mut given)));
        }
    }
    let mut rules = Vec::new();
    for (link, name) in found.links.iter().zip(names) {
        let mut rule = LinkRule {
            name: name.unwrap_or_default(),
            of: link.name.clone(),
            ends: link.ends,
            sort_keys: Vec::new(),
            number: None,
            count: link.count,
            parallel: link.parallel,
            is_asked: false,
            is_shared: false,
            uses: uses(&link.keys, keys, None),
            nullable: None,
        };
        let entry = entries.iter().find(|entry| meant(entry, link));
        rule.nullable = entry.and_then(|entry| entry.nullable.clone());
        let mut numbered = entry.and_then(|entry| entry.number.clone());
        let asked = entry.filter(|entry| !entry.sort_keys.is_empty() || entry.number.is_some());
        if let Some(entry) = asked {
            rule.sort_keys.clone_from(&entry.sort_keys);
            rule.is_asked = true;
        } else if link.parallel > 0 || !link.is_known {
            let sortable = |name: &str| {
                let all = |form: &Form| {
                    link.keys.get(name).is_some_and(|key| key.forms.get(*form as usize) == Some(&link.count))
                };
                let form = [Form::Integer, Form::Instant].into_iter().find(all)?;
                let (rule, way) = keys.way(name, form)?;
                let is_plain = way.is_exact() && rule.cardinality == Cardinality::Single && !rule.json;
                is_plain.then(|| rule.name.clone())
            };
            match link.candidates.iter().find_map(|name| sortable(name)).filter(|_| link.is_known) {
                Some(key) => rule.sort_keys.push(key),
                None if reversible || !link.is_known => numbered = number_key.map(str::to_owned),
                None => {}
            }
        }
        if let Some(wrong) = rule.sort_keys.iter().find(|key| rule.uses.get(*key) != Some(&rule.count)) {
            return Err(Error::usage(format!(
                "the mapping says of the edge label {:?} the sort key {wrong:?}, which not all of its relationships have",
                rule.name
            )));
        }
        if let Some(key) = numbered {
            rule.sort_keys.push(key.clone());
            rule.number = Some(key);
        }
        if !rule.sort_keys.is_empty() {
            rule.parallel = 0;
        }
        rules.push(rule);
    }
    let mut named: IndexMap<String, u64> = IndexMap::new();
    rules.iter().for_each(|rule| *named.entry(rule.name.clone()).or_default() += 1);
    rules.iter_mut().for_each(|rule| rule.is_shared = named.get(&rule.name).is_some_and(|count| *count > 1));
    Ok(rules)
}

/// What of labels and types is lost.
pub(super) fn losses(sets: &[SetRule], links: &[LinkRule], keeps_ids: bool, reversible: bool, losses: &mut Vec<Loss>) {
    for set in sets.iter().filter(|set| keeps_ids && set.id.as_deref() != Some(ID)) {
        let what = format!("ids that the nodes of {} had in HugeGraph before", shown(&set.name));
        losses.push(Loss { kind: "value", what, count: set.count });
    }
    if reversible {
        return;
    }
    for set in sets {
        let (kind, what) = match set.of.as_slice() {
            [] => ("label", format!("lack of a label: such nodes become vertices of {}", shown(&set.name))),
            [one] if *one == set.name => continue,
            [one] => ("name", format!("name of the label {}: it becomes {}", shown(one), shown(&set.name))),
            several => (
                "label",
                format!("labels :{} together: they become the label {}", shown_all(several, ":"), shown(&set.name)),
            ),
        };
        losses.push(Loss { kind, what, count: set.count });
    }
    let mut places: IndexMap<&str, u64> = IndexMap::new();
    links.iter().for_each(|link| *places.entry(&link.of).or_default() += 1);
    for link in links.iter().filter(|link| link.name != link.of) {
        let kind = if places.get(&*link.of).is_some_and(|count| *count > 1) { "label" } else { "name" };
        let ends = [link.ends.0, link.ends.1].map(|at| sets.get(at as usize).map_or("", |set| set.name.as_str()));
        let what = format!(
            "type {} from {} to {}: it becomes the edge label {}",
            shown(&link.of),
            shown(ends[0]),
            shown(ends[1]),
            shown(&link.name)
        );
        losses.push(Loss { kind, what, count: link.count });
    }
    for link in links.iter().filter(|link| link.parallel > 0) {
        let what = format!(
            "relationships of type {} that have the same ends as another, and no property that tells all such apart",
            shown(&link.of)
        );
        losses.push(Loss { kind: "parallel", what, count: link.parallel });
    }
}
