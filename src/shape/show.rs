//! A mapping in words, for `--dry-run`.

use super::mapping::Mapping;
use crate::model::shown::{shown, shown_all};
use std::fmt;

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_identity {
            return writeln!(f, "shape       HugeGraph's already");
        }
        let keys = &self.definitions;
        for rule in &self.keys.rules {
            let forms = rule.forms.iter().map(|form| form.name()).collect::<Vec<_>>().join(", ");
            let Some(key) = keys.property_keys.get(&rule.name) else { continue };
            let json = if rule.json { " as JSON" } else { "" };
            let (data_type, cardinality) = (word(&key.data_type), word(&key.cardinality));
            write!(f, "property    {} {data_type} {cardinality}{json}", shown(&rule.name))?;
            writeln!(f, ", from {} {} that are {forms}", rule.count, shown(&rule.of))?;
        }
        for number in &self.numbers {
            writeln!(f, "property    {} LONG SINGLE, added: the number of the relationship", shown(number))?;
        }
        for rule in &self.sets {
            let Some(label) = keys.vertex_labels.get(&rule.name) else { continue };
            let id = match (&rule.id, label.primary_keys.as_slice()) {
                (_, keys @ [_, ..]) => format!("from {}", shown_all(keys, ", ")),
                (Some(property), _) => format!("the property {}", shown(property)),
                (None, _) => "the node's number".to_owned(),
            };
            let of =
                if rule.of.is_empty() { "without label".to_owned() } else { format!(":{}", shown_all(&rule.of, ":")) };
            write!(f, "vertex      {}, from {} nodes {of}", shown(&rule.name), rule.count)?;
            writeln!(f, "; id: {id}; {}", properties(&label.properties, &label.nullable_keys))?;
        }
        for rule in &self.links {
            let Some(label) = keys.edge_labels.get(&rule.name) else { continue };
            let ends = format!("({})->({})", shown(&label.source_label), shown(&label.target_label));
            write!(f, "edge        {} {ends}, from {} of type {}", shown(&rule.name), rule.count, shown(&rule.of))?;
            if !label.sort_keys.is_empty() {
                write!(f, "; several, sorted by {}", shown_all(&label.sort_keys, ", "))?;
            }
            writeln!(f, "; {}", properties(&label.properties, &label.nullable_keys))?;
        }
        self.losses
            .iter()
            .try_for_each(|loss| writeln!(f, "loss        {} {} ({})", loss.count, loss.what, loss.kind))?;
        self.notes.iter().try_for_each(|note| writeln!(f, "note        {note}"))
    }
}

fn word(kind: &impl fmt::Debug) -> String {
    format!("{kind:?}").to_uppercase()
}

fn properties(all: &[String], nullable: &[String]) -> String {
    if all.is_empty() {
        return "no properties".to_owned();
    }
    let each = all.iter().map(|key| format!("{}{}", shown(key), if nullable.contains(key) { "?" } else { "" }));
    each.collect::<Vec<_>>().join(", ")
}
