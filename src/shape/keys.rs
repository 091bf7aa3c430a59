//! Which property keys the properties become. HugeGraph's are global: one type for one name, whatever the label.

use super::entry::PropertyEntry;
use super::form::{FORMS, Form};
use super::found::{Found, Key, Names};
use super::name;
use super::value::Way;
use crate::error::{Error, Result};
use crate::hugegraph::schema::{Cardinality, DataType};
use crate::model::Loss;
use crate::model::shown::shown;
use std::collections::BTreeSet;

/// A property key to be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct KeyRule {
    /// Its name.
    pub(super) name: String,
    /// The property that it is of.
    pub(super) of: String,
    pub(super) data_type: DataType,
    pub(super) cardinality: Cardinality,
    pub(super) json: bool,
    /// The forms that go there.
    pub(super) forms: Vec<Form>,
    /// How many values.
    pub(super) count: u64,
}

/// Where the values of a property go: which property key, and how.
pub(super) type Ways = [Option<(u32, Way)>; FORMS];

/// The property keys, and where properties go.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    pub(super) rules: Vec<KeyRule>,
    pub(super) ways: Names<Ways>,
}

impl Keys {
    /// Where values of a property go.
    pub(super) fn way(&self, property: &str, form: Form) -> Option<(&KeyRule, Way)> {
        let (at, way) = (*self.ways.get(property)?.get(form as usize)?)?;
        Some((self.rules.get(at as usize)?, way))
    }
}

/// All properties with what was found of them in the whole graph; those of nodes without `id`.
fn totals(found: &Found, id: Option<&str>) -> Names<Key> {
    let mut totals: Names<Key> = Names::default();
    let nodes = found.sets.iter().flat_map(|set| &set.keys).filter(|(name, _)| Some(&***name) != id);
    for (name, key) in nodes.chain(found.links.iter().flat_map(|link| &link.keys)) {
        let total = totals.entry(name.clone()).or_default();
        total.forms.iter_mut().zip(key.forms).for_each(|(total, count)| *total += count);
        total.is_wide |= key.is_wide;
    }
    totals
}

/// Decides on the property keys. `given` has the names that are taken.
///
/// # Errors
/// An entry asks for what cannot be.
pub(super) fn decide(
    found: &Found,
    id: Option<&str>,
    entries: &[PropertyEntry],
    reversible: bool,
    given: &mut BTreeSet<String>,
) -> Result<Keys> {
    let totals = totals(found, id);
    let mut drafts = Vec::new();
    for (of, total) in &totals {
        draft(of, total, entries, reversible, &mut drafts)?;
    }
    name_all(&mut drafts, given)?;
    let mut keys = Keys::default();
    for Draft { rule, .. } in drafts {
        let at = match keys.rules.iter().position(|known| known.name == rule.name) {
            Some(at) => at,
            None => {
                keys.rules.push(KeyRule { forms: Vec::new(), count: 0, ..rule.clone() });
                keys.rules.len() - 1
            }
        };
        let Some(known) = keys.rules.get_mut(at) else { continue };
        let same = (known.data_type, known.cardinality, known.json) == (rule.data_type, rule.cardinality, rule.json);
        if !same || known.of != rule.of {
            return Err(Error::usage(format!(
                "the mapping gives the property key {:?} to {:?} and to {:?}{}",
                rule.name,
                known.of,
                rule.of,
                if same { ": a node may have both" } else { " with different types" }
            )));
        }
        known.count += rule.count;
        for form in rule.forms.iter().copied() {
            let way = Way::of(form, rule.data_type, rule.cardinality, rule.json).ok_or_else(|| {
                Error::usage(format!(
                    "the mapping gives {:?} the type {:?} with the cardinality {:?}, which cannot hold its values that are {}",
                    rule.of,
                    rule.data_type,
                    rule.cardinality,
                    form.name()
                ))
            })?;
            if reversible && !is_exact(&rule, form) {
                return Err(Error::usage(format!(
                    "values of {:?} that are {} would not come back from the type that the mapping gives them",
                    rule.of,
                    form.name()
                ))
                .hint("leave the type out, or --reversible"));
            }
            known.forms.push(form);
            let ways = keys.ways.entry(rule.of.as_str().into()).or_insert([None; FORMS]);
            if let Some(place) = ways.get_mut(form as usize) {
                *place = Some((at as u32, way));
            }
        }
    }
    Ok(keys)
}

struct Draft {
    rule: KeyRule,
    /// The name that an entry asks for.
    asked: Option<String>,
}

fn draft(of: &str, total: &Key, entries: &[PropertyEntry], reversible: bool, drafts: &mut Vec<Draft>) -> Result<()> {
    let count = |form: Form| total.forms.get(form as usize).copied().unwrap_or_default();
    let mut left: Vec<Form> = Form::ALL.into_iter().filter(|form| count(*form) > 0).collect();
    for entry in entries.iter().filter(|entry| entry.of == of) {
        let mut wanted = Vec::new();
        for word in &entry.values {
            wanted.push(Form::from_name(word).ok_or_else(|| unknown(word))?);
        }
        let (forms, rest): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|form| wanted.is_empty() || wanted.contains(form));
        left = rest;
        if forms.is_empty() {
            continue;
        }
        let (data_type, cardinality) = common(&forms, total.is_wide);
        let text = entry.json.then_some((DataType::Text, Cardinality::Single));
        drafts.push(Draft {
            rule: KeyRule {
                name: String::new(),
                of: of.to_owned(),
                data_type: entry.data_type.or(text.map(|text| text.0)).unwrap_or(data_type),
                cardinality: entry.cardinality.or(text.map(|text| text.1)).unwrap_or(cardinality),
                json: entry.json,
                count: forms.iter().map(|form| count(*form)).sum(),
                forms,
            },
            asked: entry.key.clone(),
        });
    }
    let groups: Vec<Vec<Form>> = match reversible {
        _ if left.is_empty() => Vec::new(),
        false => vec![left],
        true => apart(&left, count),
    };
    for forms in groups {
        let json = reversible && forms.contains(&Form::Other);
        let (data_type, cardinality) = common(&forms, total.is_wide);
        let count = forms.iter().map(|form| count(*form)).sum();
        let rule = KeyRule { name: String::new(), of: of.to_owned(), data_type, cardinality, json, forms, count };
        drafts.push(Draft { rule, asked: None });
    }
    Ok(())
}

fn unknown(word: &str) -> Error {
    let names: Vec<_> = Form::ALL.iter().map(|form| form.name()).collect();
    Error::usage(format!("the mapping speaks of values that are {word:?}"))
        .hint(format!("there are: {}", names.join(", ")))
}

/// Each form with a key of its own; empty lists go with the most frequent lists.
fn apart(left: &[Form], count: impl Fn(Form) -> u64) -> Vec<Vec<Form>> {
    let mut groups: Vec<Vec<Form>> = left.iter().filter(|form| **form != Form::Empty).map(|form| vec![*form]).collect();
    if left.contains(&Form::Empty) {
        let lists = groups.iter_mut().filter(|group| group.first().is_some_and(|form| form.is_list()));
        match lists.max_by_key(|group| group.first().map(|form| count(*form))) {
            Some(group) => group.push(Form::Empty),
            None => groups.push(vec![Form::Empty]),
        }
    }
    groups
}

/// The type that can hold all of these forms: their own, or floats for integers that fit, or text.
fn common(forms: &[Form], is_wide: bool) -> (DataType, Cardinality) {
    let lists = forms.iter().all(|form| form.is_list());
    let plain: Vec<Form> = forms.iter().copied().filter(|form| !(lists && *form == Form::Empty)).collect();
    let text = (DataType::Text, Cardinality::Single);
    match *plain {
        [] => (DataType::Text, Cardinality::List),
        [only] => only.natural().unwrap_or(text),
        [Form::Integer, Form::Float] if !is_wide => (DataType::Double, Cardinality::Single),
        [Form::Integers, Form::Floats] if !is_wide => (DataType::Double, Cardinality::List),
        _ => text,
    }
}

/// Gives names: those that are asked for, then to the most frequent values of a property its own name, then to the others what is left.
fn name_all(drafts: &mut [Draft], given: &mut BTreeSet<String>) -> Result<()> {
    for draft in drafts.iter_mut() {
        let Some(asked) = &draft.asked else { continue };
        if !name::is_taken(asked) {
            return Err(refused(asked));
        }
        given.insert(asked.clone());
        draft.rule.name.clone_from(asked);
    }
    let mut order: Vec<usize> = (0..drafts.len()).collect();
    order.sort_by_key(|at| drafts.get(*at).map(|draft| std::cmp::Reverse(draft.rule.count)));
    for at in order {
        let Some(Draft { rule, .. }) = drafts.get_mut(at) else { continue };
        if rule.name.is_empty() && name::is_taken(&rule.of) && given.insert(rule.of.clone()) {
            rule.name.clone_from(&rule.of);
        }
    }
    for Draft { rule, .. } in drafts.iter_mut().filter(|draft| draft.rule.name.is_empty()) {
        let own = if name::is_taken(&rule.of) {
            let form = rule.forms.first().map_or("", |form| if rule.json { "json" } else { form.name() });
            format!("{}~{}", rule.of, form.replace(' ', "_"))
        } else {
            rule.of.clone()
        };
        rule.name = name::give(&own, given);
    }
    Ok(())
}

/// The refusal of a name that HugeGraph does not take.
pub(super) fn refused(name: &str) -> Error {
    Error::usage(format!("HugeGraph does not take the name {name:?} that the mapping gives"))
        .hint("names have 1 to 255 bytes, none of > : ! # and NUL, do not begin with ~ and do not end with white space")
}

/// What of the properties is lost.
pub(super) fn losses(keys: &Keys, found: &Found, reversible: bool, losses: &mut Vec<Loss>) {
    if reversible {
        return;
    }
    let mut some_are_text = false;
    for rule in &keys.rules {
        if rule.name != rule.of {
            let what = format!("name of the property {}: it becomes {}", shown(&rule.of), shown(&rule.name));
            losses.push(Loss { kind: "name", what, count: rule.count });
        }
        some_are_text |= !rule.json && rule.forms.contains(&Form::Other);
        // Those that are something else are told of by their type, with the whole graph's.
        if rule.json || rule.forms.iter().any(|form| *form != Form::Other && !is_exact(rule, *form)) {
            let becomes = match (rule.json, rule.cardinality) {
                (true, _) => "JSON in TEXT".to_owned(),
                (false, Cardinality::Single) => format!("{:?}", rule.data_type).to_uppercase(),
                (false, cardinality) => format!("{cardinality:?} of {:?}", rule.data_type).to_uppercase(),
            };
            let forms = rule.forms.iter().map(|form| form.name()).collect::<Vec<_>>().join(" and ");
            let what = format!("types of the property {}, which are {forms}: it becomes {becomes}", shown(&rule.of));
            losses.push(Loss { kind: "type", what, count: rule.count });
        }
    }
    if some_are_text {
        losses.extend(found.others.iter().map(|(sort, count)| Loss {
            kind: "type",
            what: format!("type of values that are {sort}: they become text"),
            count: *count,
        }));
    }
}

/// Whether values of a form come back from a property key as they were.
fn is_exact(rule: &KeyRule, form: Form) -> bool {
    let way = Way::of(form, rule.data_type, rule.cardinality, rule.json);
    way.is_some_and(Way::is_exact) && rule.cardinality != Cardinality::Set && rule.data_type != DataType::Uuid
}
