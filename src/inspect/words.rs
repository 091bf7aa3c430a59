//! An inspection as text for a terminal, and the words that text and page share.

use super::{Group, Histogram, Inspection, Property, TypeOf};
use crate::model::shown::{shown, shown_all};
use std::fmt::Write as _;

/// A count with its thousands apart: `1,234,567`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size: `17 bytes`, `1.5 MiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = bytes as f64;
    let mut unit = None;
    for name in units {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = Some(name);
    }
    match unit {
        None if bytes == 1 => "1 byte".to_owned(),
        None => format!("{bytes} bytes"),
        Some(unit) => format!("{value:.1} {unit}"),
    }
}

/// A part as per cent. Never 100 % where something is missing, nor 0 % where something is there.
#[must_use]
pub fn percent(part: f64) -> String {
    match part * 100.0 {
        all if all >= 100.0 => "100%".to_owned(),
        most if most > 99.9 => ">99.9%".to_owned(),
        some if some > 0.0 && some < 0.1 => "<0.1%".to_owned(),
        some if some.fract().abs() < 0.05 || some >= 99.95 => format!("{some:.0}%"),
        some => format!("{some:.1}%"),
    }
}

/// `:Person:Admin`, or `no label`.
#[must_use]
pub fn labels(names: &[String]) -> String {
    if names.is_empty() { "no label".to_owned() } else { format!(":{}", shown_all(names, ":")) }
}

/// The name of a group of nodes or relationships.
#[must_use]
pub fn group(name: &str, is_label: bool) -> String {
    match (name.is_empty(), is_label) {
        (true, true) => "no label".to_owned(),
        (false, true) => format!(":{}", shown(name)),
        _ => shown(name).into_owned(),
    }
}

/// `integer 1 to 99`, `string of length 3 to 17`.
#[must_use]
pub fn type_of(of: &TypeOf) -> String {
    match (of.of, &of.min, &of.max) {
        (Some("length"), Some(min), Some(max)) if min == max => format!("{} of length {min}", of.name),
        (Some("length"), Some(min), Some(max)) => format!("{} of length {min} to {max}", of.name),
        (_, Some(min), Some(max)) if min == max => format!("{} {min}", of.name),
        (_, Some(min), Some(max)) => format!("{} {min} to {max}", of.name),
        _ => of.name.clone(),
    }
}

/// `12 different`, `about 1,900 different`.
#[must_use]
pub fn distinct(property: &Property) -> String {
    let about = if property.is_distinct_exact { "" } else { "about " };
    format!("{about}{} different", count(property.distinct))
}

/// What the pictures of a bucket are called: `0`, `1`, `2`, `4`, `1k`.
#[must_use]
pub fn bucket(at: usize) -> String {
    let low = Histogram::low(at);
    let units = [(1 << 30, "G"), (1 << 20, "M"), (1 << 10, "k")];
    match units.iter().find(|(unit, _)| low >= *unit) {
        Some((unit, name)) => format!("{}{name}", low / unit),
        None => low.to_string(),
    }
}

/// What of it is not exact, and what was left out, in sentences.
#[must_use]
pub fn notes(of: &Inspection) -> Vec<String> {
    let mut notes = Vec::new();
    let approximate = |group: &Group| group.properties.iter().any(|property| !property.is_distinct_exact);
    if of.labels.iter().chain(&of.types).any(approximate) {
        notes.push(
            "Counts of different values are exact up to 64; beyond that they are estimates, mostly within 7 per cent."
                .to_owned(),
        );
    }
    if of.other_ways > 0 {
        notes.push(format!(
            "{} relationships join labels in ways that are too many to be told apart.",
            count(of.other_ways)
        ));
    }
    if of.unseen > 0 {
        let text = "times a property or an item was only counted: there are too many label sets, types or properties.";
        notes.push(format!("{} {text}", count(of.unseen)));
    }
    if of.degrees.dangling > 0 {
        let text = "relationships have an end that does not exist: graphferry check tells which.";
        notes.push(format!("{} {text}", count(of.degrees.dangling)));
    }
    notes
}

/// Where the graph is from: `neo4j 5.26.30 community, database movies`.
#[must_use]
pub fn origin(of: &Inspection) -> String {
    let source = &of.header.source;
    let system = [&source.product, &source.version, &source.edition].map(String::as_str).join(" ");
    let system = system.split_whitespace().collect::<Vec<_>>().join(" ");
    match (system.is_empty(), source.database.is_empty()) {
        (true, _) => "unknown".to_owned(),
        (false, true) => system,
        (false, false) => format!("{system}, database {}", shown(&source.database)),
    }
}

/// The whole inspection as text. Names in it are escaped where they are not harmless.
#[must_use]
pub fn text(of: &Inspection) -> String {
    let mut out = String::new();
    let tally = &of.tally;
    let mut line = |name: &str, text: String| _ = writeln!(out, "{name:<14}{text}");
    line("graph", of.name.clone());
    line("source", origin(of));
    if !of.header.created.is_empty() {
        line("taken", format!("{}, consistency {}", of.header.created, of.header.consistency.name()));
    }
    line("nodes", format!("{}, properties {}", count(tally.nodes), size(of.sizes.nodes)));
    line("relationships", format!("{}, properties {}", count(tally.relationships), size(of.sizes.relationships)));
    line(
        "largest",
        format!("node {}, relationship {}", size(of.sizes.largest_node), size(of.sizes.largest_relationship)),
    );
    if let Some(stored) = of.sizes.stored {
        line("on disk", size(stored));
    }
    if tally.statements > 0 {
        line("statements", count(tally.statements));
    }
    for (title, groups, total, is_label) in
        [("labels", &of.labels, tally.nodes, true), ("types", &of.types, tally.relationships, false)]
    {
        let _ = writeln!(out, "\n{title}");
        for of in groups {
            let part = percent(of.count as f64 / total.max(1) as f64);
            let _ = writeln!(out, "  {}  {} ({part}), {}", group(&of.name, is_label), count(of.count), size(of.bytes));
            for property in &of.properties {
                let types: Vec<_> = property
                    .types
                    .iter()
                    .map(|of| match property.types.len() {
                        1 => type_of(of),
                        _ => format!("{} {}", count(of.count), type_of(of)),
                    })
                    .collect();
                let (name, fill) = (shown(&property.name), percent(property.fill));
                let _ = writeln!(out, "    {name}  {fill}, {}, {}", distinct(property), types.join("; "));
            }
        }
    }
    let set = |at: usize| of.label_sets.get(at).map(|set| labels(&set.labels)).unwrap_or_default();
    out.push_str("\nways\n");
    for way in of.ways.iter().take(50) {
        let (from, kind, to) = (set(way.from), shown(&way.kind), set(way.to));
        let _ = writeln!(out, "  ({from})-[{kind}]->({to})  {}", count(way.count));
    }
    if of.ways.len() > 50 {
        let _ = writeln!(out, "  and {} more; --json tells all", of.ways.len() - 50);
    }
    out.push_str("\ndegrees\n");
    for (name, histogram) in [("outgoing", &of.degrees.out), ("incoming", &of.degrees.incoming)] {
        let buckets = histogram.buckets.iter().enumerate().filter(|(_, nodes)| **nodes > 0);
        let buckets =
            buckets.map(|(at, nodes)| format!("{}{}: {}", bucket(at), if at > 1 { "+" } else { "" }, count(*nodes)));
        let _ = writeln!(out, "  {name}, at most {}  {}", count(histogram.max), buckets.collect::<Vec<_>>().join(", "));
    }
    let _ = writeln!(out, "  isolated nodes {}, loops {}", count(of.degrees.isolated), count(of.degrees.loops));
    for busy in &of.degrees.busiest {
        let (labels, out_, incoming) = (labels(&busy.labels), count(busy.out), count(busy.incoming));
        let _ = writeln!(out, "  node {} ({labels})  {out_} out, {incoming} in", busy.id);
    }
    if !of.schema.objects.is_empty() {
        out.push_str("\nschema\n");
        for object in &of.schema.objects {
            let _ = writeln!(out, "  {}", object.describe());
        }
    }
    if !of.losses.is_empty() {
        out.push_str("\nwhat targets could not hold\n");
        for target in &of.losses {
            let all = if target.losses.is_empty() { "nothing would be lost" } else { "" };
            let _ = writeln!(out, "  {}: {all}", target.target);
            for loss in &target.losses {
                let _ = writeln!(out, "    {} {} ({})", count(loss.count), loss.what, loss.kind);
            }
        }
    }
    let notes = notes(of);
    if !notes.is_empty() {
        let _ = writeln!(out, "\n{}", notes.join("\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([1, 1023, 1536, 5 << 30].map(size), ["1 byte", "1023 bytes", "1.5 KiB", "5.0 GiB"]);
        let parts = [0.0, 0.0001, 0.5, 0.333, 0.99949, 0.99999, 1.0];
        assert_eq!(parts.map(percent), ["0%", "<0.1%", "50%", "33.3%", ">99.9%", ">99.9%", "100%"]);
        assert_eq!([0, 1, 2, 3, 11, 12, 21].map(bucket), ["0", "1", "2", "4", "1k", "2k", "1M"]);
    }
}
