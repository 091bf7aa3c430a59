//! `graphferry diff`.

use super::place::{How, Place, Reading, Side};
use super::{Context, exit::Ending, filter, reading, text};
use crate::diff::{By, Change, Counts, Difference, Graph, Item, Key, Sort, Teller, compare, ids_agree, read};
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::model::shown::{shown, shown_all};
use crate::model::{Map, Value};
use crate::observe::{Event, Observer as _};
use clap::{Args, ValueEnum};
use serde_json::json;

/// Tell which nodes and relationships were added, removed and changed between two graphs
///
/// Exit code 7 means that they differ. With --json each difference is one JSON object on a line, and the last line holds the counts.
#[derive(Args)]
pub(super) struct Command {
    /// A database or a dump: what was before
    a: String,
    /// A database or a dump: what is now
    b: String,
    /// How it is told which node of B is one of A; key where --key is given, else id if ids mean the same in both, else content
    ///
    /// Ids mean the same when at least half of the nodes of the smaller graph say what the node with the same id of the other one says.
    #[arg(long, value_enum, value_name = "HOW")]
    by: Option<Who>,
    /// Nodes with the label are told by the property, as in Person=email; may be given several times
    #[arg(long, value_name = "LABEL=PROPERTY")]
    key: Vec<Key>,
    /// How many differences of nodes, and how many of relationships, are told with their values; all are counted
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
    #[command(flatten)]
    source: Reading,
    #[command(flatten)]
    filter: filter::Options,
    #[command(flatten)]
    reading: reading::Options,
    #[command(flatten)]
    joining: reading::Joining,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Who {
    /// What has the same id is the same
    Id,
    /// Nodes with the same value of a --key are the same
    Key,
    /// What says the same is the same: nothing is changed, only there or not
    Content,
}

pub(super) fn run(command: &Command, context: &Context) -> Result<Ending> {
    if command.by == Some(Who::Key) && command.key.is_empty() {
        return Err(Error::usage("--by key needs a key").hint("add --key Label=property"));
    }
    if matches!(command.by, Some(Who::Id | Who::Content)) && !command.key.is_empty() {
        return Err(Error::usage("a --key is for --by key"));
    }
    let (a, b) = (side(command, Side::Source, context)?, side(command, Side::Target, context)?);
    let by = match command.by {
        _ if !command.key.is_empty() => By::Key(command.key.clone()),
        Some(Who::Id) => By::Id,
        Some(_) => By::Content,
        None if ids_agree(&a, &b) => By::Id,
        None => By::Content,
    };
    let difference = compare(a, b, &by, command.limit)?;
    let mut lines = Lines { is_json: context.progress.is_json() };
    schema(&difference, &mut lines)?;
    let mut teller = Teller::new(&difference);
    let again = [&command.a, &command.b].iter().all(|word| *word != "-");
    if !teller.is_idle() && again {
        let mut told = |change: Change| lines.change(&change);
        open(command, Side::Source, context, |feed| teller.first(feed, context.watch(), &mut told))?;
        open(command, Side::Target, context, |feed| teller.second(feed, context.watch(), &mut told))?;
    } else if !teller.is_idle() {
        context.progress.event(&Event::Warning("stdin can be read only once: what differs is counted, and not told"));
    }
    context.progress.clear();
    lines.end(&difference, again)?;
    Ok(if difference.is_equal() { Ending::Complete } else { Ending::Different })
}

fn open<T>(
    command: &Command,
    side: Side,
    context: &Context,
    then: impl FnOnce(&mut dyn Feed) -> Result<T>,
) -> Result<T> {
    let word = if side == Side::Source { &command.a } else { &command.b };
    let how = How {
        filter: command.filter.filter(),
        via: command.source.via,
        reading: command
            .reading
            .decoder(&command.joining.relationships, &reading::For { context, target: None, dry_run: false })?,
        ..How::default()
    };
    Place::parse(Some(word))?.read(side, how, context, |feed| {
        let total = feed.estimate().map(|(nodes, relationships)| nodes + relationships);
        context.progress.event(&Event::Step { what: "reading", total });
        then(feed)
    })
}

fn side(command: &Command, side: Side, context: &Context) -> Result<Graph> {
    open(command, side, context, |feed| read(feed, &command.key, context.watch()))
}

fn schema(difference: &Difference, lines: &mut Lines) -> Result<()> {
    for (sign, change, objects) in
        [('-', "removed", &difference.schema_removed), ('+', "added", &difference.schema_added)]
    {
        for object in objects {
            match lines.is_json {
                true => lines.print(&json!({ "change": change, "class": "schema", "object": object }).to_string())?,
                false => {
                    let details = serde_json::to_string(object).unwrap_or_default();
                    lines.print(&format!("{sign} {}  {}", object.describe(), clipped(&details)))?;
                }
            }
        }
    }
    Ok(())
}

/// What is printed, line by line.
struct Lines {
    is_json: bool,
}

impl Lines {
    fn print(&mut self, line: &str) -> Result<()> {
        match self.is_json {
            true => text::print(&format!("{line}\n")),
            false => text::print(&text::printable(&format!("{line}\n"))),
        }
    }

    fn change(&mut self, change: &Change) -> Result<()> {
        if self.is_json {
            let line = serde_json::to_string(change);
            let line = line.map_err(|cause| Error::failed("writing a difference as JSON failed").caused_by(cause))?;
            return self.print(&line);
        }
        let class = change.class;
        match (change.change, &change.a, &change.b) {
            (Sort::Changed, Some(a), Some(b)) => {
                let id = if a.id == b.id { a.id.to_string() } else { format!("{} -> {}", a.id, b.id) };
                self.print(&format!("~ {class} {id} {}", about(b)))?;
                for line in changes(a, b) {
                    self.print(&format!("    {line}"))?;
                }
                Ok(())
            }
            (sort, a, b) => {
                let sign = match sort {
                    Sort::Added => '+',
                    Sort::Removed => '-',
                    Sort::Changed => '~',
                };
                a.iter().chain(b).try_for_each(|item| {
                    let values = item.properties.as_ref().map(|map| clipped(&value(&Value::Map(map.clone()))));
                    self.print(&format!("{sign} {class} {} {} {}", item.id, about(item), values.unwrap_or_default()))
                })
            }
        }
    }

    fn end(&mut self, difference: &Difference, again: bool) -> Result<()> {
        if self.is_json {
            let summary = serde_json::to_value(difference);
            let summary =
                summary.map_err(|cause| Error::failed("writing the counts as JSON failed").caused_by(cause))?;
            return self.print(&json!({ "equal": difference.is_equal(), "summary": summary }).to_string());
        }
        let differing = |counts: &Counts| counts.added + counts.removed + counts.changed;
        let all = differing(&difference.nodes) + differing(&difference.relationships);
        if again && all > difference.told() {
            self.print(&format!("{} more are not told here; --limit tells more", all - difference.told()))?;
        }
        for (noun, kinds) in [("nodes", &difference.labels), ("relationships", &difference.types)] {
            for (name, counts) in kinds {
                self.print(&format!("{noun} {name}: {}", counted(counts)))?;
            }
        }
        let word = if difference.is_equal() { "equal" } else { "different" };
        let (nodes, relationships) = (counted(&difference.nodes), counted(&difference.relationships));
        let (less, more) = (difference.schema_removed.len(), difference.schema_added.len());
        self.print(&format!(
            "{word}, compared by {}; nodes: {nodes}; relationships: {relationships}; schema: {more} added, {less} removed",
            difference.by
        ))
    }
}

fn counted(counts: &Counts) -> String {
    format!("{} added, {} removed, {} changed, {} the same", counts.added, counts.removed, counts.changed, counts.same)
}

/// `:Person:Admin`, `KNOWS 1->2`.
fn about(item: &Item) -> String {
    match (&item.labels, &item.kind, item.start, item.end) {
        (Some(labels), ..) if labels.is_empty() => "without label".to_owned(),
        (Some(labels), ..) => format!(":{}", shown_all(labels, ":")),
        (_, Some(kind), Some(start), Some(end)) => format!("{} {start}->{end}", shown(kind)),
        _ => String::new(),
    }
}

/// What is another in B.
fn changes(a: &Item, b: &Item) -> Vec<String> {
    let mut lines = Vec::new();
    let none = Vec::new();
    let (old, new) = (a.labels.as_ref().unwrap_or(&none), b.labels.as_ref().unwrap_or(&none));
    lines.extend(old.iter().filter(|label| !new.contains(label)).map(|label| format!("- :{}", shown(label))));
    lines.extend(new.iter().filter(|label| !old.contains(label)).map(|label| format!("+ :{}", shown(label))));
    for (what, old, new) in [("start", a.start, b.start), ("end", a.end, b.end)] {
        if let (Some(old), Some(new)) = (old, new)
            && old != new
        {
            lines.push(format!("~ {what}: {old} -> {new}"));
        }
    }
    if let (Some(old), Some(new)) = (&a.kind, &b.kind)
        && old != new
    {
        lines.push(format!("~ type: {} -> {}", shown(old), shown(new)));
    }
    let (Some(old), Some(new)) = (&a.properties, &b.properties) else {
        lines.push("too large to be told: too many values were changed".to_owned());
        return lines;
    };
    lines.extend(properties(old, new));
    lines
}

fn properties(old: &Map, new: &Map) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, before) in old {
        match new.get(name) {
            None => lines.push(format!("- {}: {}", shown(name), clipped(&value(before)))),
            Some(after) if after != before => {
                lines.push(format!("~ {}: {} -> {}", shown(name), clipped(&value(before)), clipped(&value(after))));
            }
            Some(_) => {}
        }
    }
    let added = new.iter().filter(|(name, _)| !old.contains_key(*name));
    lines.extend(added.map(|(name, after)| format!("+ {}: {}", shown(name), clipped(&value(after)))));
    lines
}

/// A value as typed JSON.
fn value(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "a value that has no text".to_owned())
}

/// The beginning of a long text.
fn clipped(text: &str) -> String {
    const LIMIT: usize = 200;
    let mut chars = text.char_indices();
    match chars.nth(LIMIT) {
        Some((at, _)) => format!("{}… ({} bytes)", text.get(..at).unwrap_or_default(), text.len()),
        None => text.to_owned(),
    }
}
