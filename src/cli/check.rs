//! `graphferry check`.

use super::place::{How, Place, Reading, Side};
use super::{Context, exit::Ending, reading, text};
use crate::backend::{hugegraph, presumed};
use crate::check::{Finding, Kind, Limits, Report, check, offsets};
use crate::error::{Error, ErrorKind, Result};
use crate::feed::Feed as _;
use crate::format::Piece;
use crate::model::{Capability, Loss, Schema};
use crate::observe::{Event, Observer as _};
use crate::shape;
use crate::volume::Input;
use clap::Args;
use serde_json::json;
use std::collections::BTreeSet;

/// Read a dump to its end and tell everything that is wrong with it, without a database
///
/// Structure, checksums, counts, ids that come twice, relationships whose ends do not exist, and with --for what a target cannot hold. Damage
/// stops the reading; of everything else all is told, each with its line, record and byte. Exit code 5 when anything is wrong.
#[derive(Args)]
pub(super) struct Command {
    /// A dump, or a database; - for stdin
    file: String,
    /// A target that has to be able to hold all of it: neo4j, neo4j-enterprise, memgraph, sqlite, hugegraph, with a version as in neo4j:5.26
    ///
    /// May be given several times. Without a version the newest that is known is meant, with APOC's triggers.
    #[arg(long = "for", value_name = "PRODUCT[:VERSION]", value_parser = presumed::capability)]
    targets: Vec<Capability>,
    /// How many findings of each kind are told; all are counted
    #[arg(long, value_name = "N", default_value_t = Limits::default().told)]
    limit: usize,
    #[command(flatten)]
    source: Reading,
    #[command(flatten)]
    reading: reading::Options,
    #[command(flatten)]
    joining: reading::Joining,
}

pub(super) fn run(command: &Command, context: &Context) -> Result<Ending> {
    let place = Place::parse(Some(&command.file))?;
    let limits = Limits { told: command.limit };
    let mut targets = command.targets.clone();
    let mut to_shape: Vec<&str> = Vec::new();
    let mut is_unseen = false;
    if targets.iter().any(is_hugegraph) {
        match early_schema(command, &place, context)? {
            Some(schema) if shape::is_shaped(&schema) => {
                for target in targets.iter_mut().filter(|target| is_hugegraph(target)) {
                    *target = hugegraph::held(target.system.clone(), Some(&schema))?;
                }
            }
            Some(_) => {
                let systems = command.targets.iter().filter(|target| is_hugegraph(target));
                to_shape.extend(systems.map(|target| target.system.as_str()));
            }
            None => is_unseen = true,
        }
    }
    let how = how(command, context)?;
    let read = place.read(Side::Source, how, context, |feed| {
        let total = feed.estimate().map(|(nodes, relationships)| nodes + relationships);
        context.progress.event(&Event::Step { what: "checking", total });
        check(feed, &targets, limits, context.watch())
    });
    let mut report = match read {
        // A head that cannot be read is damage like any other.
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            let mut report = Report::new(limits);
            report.damage(&error);
            report
        }
        read => read?,
    };
    let unsound = [Kind::Damage, Kind::DuplicateId, Kind::DanglingEnd];
    if !to_shape.is_empty() && unsound.iter().any(|kind| report.totals.contains_key(kind)) {
        let unseen = "what labels and types lose in HugeGraph was not looked at: that takes a dump whose ids are sound";
        report.warnings.push(unseen.to_owned());
    } else if is_unseen {
        let unseen = "labels and types were not held against HugeGraph, for that takes a second reading: check a file";
        report.warnings.push(unseen.to_owned());
    } else if !to_shape.is_empty() {
        shape_of(command, &place, context, &to_shape, &mut report)?;
    }
    if let Place::Dump(name) = &place {
        find_bytes(name, &mut report.findings)?;
    }
    context.progress.clear();
    let told = if context.progress.is_json() {
        let systems: Vec<&str> = command.targets.iter().map(|target| target.system.as_str()).collect();
        json!({ "file": command.file, "sound": report.is_sound(), "for": systems, "report": report }).to_string()
    } else {
        text::printable(&lines(&command.file, &report, &command.targets).join("\n"))
    };
    text::print(&format!("{told}\n"))?;
    Ok(if report.is_sound() { Ending::Complete } else { Ending::Unsound })
}

fn is_hugegraph(target: &Capability) -> bool {
    target.system.starts_with("HugeGraph")
}

/// What comes of the schema before the data; `None` of what can be read only once.
fn early_schema(command: &Command, place: &Place, context: &Context) -> Result<Option<Schema>> {
    if matches!(place, Place::Dump(name) if !Input::can_reopen(name)?) {
        return Ok(None);
    }
    let mut schema = Schema::default();
    let read = place.read(Side::Source, how(command, context)?, context, |feed| {
        schema.clone_from(feed.schema());
        if feed.is_repeatable() {
            return Ok(());
        }
        let enough = || Error::failed("the data begin");
        let take = &mut |piece| match piece {
            Piece::Object(object) => {
                schema.objects.push(object);
                Ok(())
            }
            Piece::Block(_) => Err(enough()),
            _ => Ok(()),
        };
        feed.run(take).map(drop)
    });
    match read {
        Err(error) if !matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Failed) => Err(error),
        // What is wrong with it, the reading of all of it tells.
        _ => Ok(Some(schema)),
    }
}

fn how(command: &Command, context: &Context) -> Result<How> {
    let whom = reading::For { context, target: None, dry_run: false };
    let reading = command.reading.decoder(&command.joining.relationships, &whom)?;
    Ok(How { via: command.source.via, reading, ..How::default() })
}

/// Reads the graph again and tells what it loses when it gets HugeGraph's shape, beside the names, which are told with their places.
fn shape_of(command: &Command, place: &Place, context: &Context, systems: &[&str], report: &mut Report) -> Result<()> {
    if matches!(place, Place::Dump(name) if !Input::can_reopen(name)?) {
        let unseen =
            "what labels and types lose in HugeGraph was not looked at, for it takes a second reading: check a file";
        report.warnings.push(unseen.to_owned());
        return Ok(());
    }
    let how = how(command, context)?;
    let mapping = place.read(Side::Source, how, context, |feed| {
        context.progress.event(&Event::Step { what: "inferring a schema", total: None });
        shape::infer(feed, &shape::Entries::default(), false, context.watch())
    });
    let mapping = match mapping {
        Err(error) if matches!(error.kind(), ErrorKind::Refused | ErrorKind::Corrupt) => {
            let loss = Loss { kind: "type", what: format!("graph: {}", error.message()), count: 1 };
            systems.iter().for_each(|system| report.unheld(system, &loss));
            return Ok(());
        }
        mapping => mapping?,
    };
    for system in systems {
        mapping.losses.iter().filter(|loss| loss.kind != "name").for_each(|loss| report.unheld(system, loss));
    }
    if !mapping.losses.is_empty() {
        report.warnings.push("with --reversible HugeGraph holds it so that it comes back".to_owned());
    }
    Ok(())
}

/// Reads a file of lines again as far as the last finding, to tell at which byte its line begins.
fn find_bytes(name: &str, findings: &mut [Finding]) -> Result<()> {
    let lacking = |finding: &&mut Finding| finding.byte.is_none() && finding.file.is_empty();
    let lines: BTreeSet<u64> = findings.iter_mut().filter(lacking).filter_map(|finding| finding.line).collect();
    if lines.is_empty() || !Input::can_reopen(name)? || std::path::Path::new(name).is_dir() {
        return Ok(());
    }
    let places = offsets(Input::open(name)?, &lines)?;
    for finding in findings.iter_mut().filter(|finding| finding.byte.is_none()) {
        finding.byte = finding.line.and_then(|line| places.get(&line).copied());
    }
    Ok(())
}

fn lines(file: &str, report: &Report, targets: &[Capability]) -> Vec<String> {
    let mut lines: Vec<String> = report.findings.iter().map(line).collect();
    for (kind, total) in &report.totals {
        let told = report.findings.iter().filter(|finding| finding.kind == *kind).count() as u64;
        if told < *total {
            lines.push(format!("{}: {} more are not told here; --limit {total} tells all", kind.word(), total - told));
        }
    }
    lines.extend(report.warnings.iter().map(|warning| format!("warning: {warning}")));
    let tally = &report.tally;
    let schema: u64 = tally.schema.values().sum();
    let mut counts =
        format!("{file}: {} nodes, {} relationships, {schema} schema objects", tally.nodes, tally.relationships);
    if tally.statements > 0 {
        counts.push_str(&format!(", {} statements that only their system understands", tally.statements));
    }
    lines.push(counts);
    let targets = targets.iter().map(|target| target.system.as_str()).collect::<Vec<_>>().join(", ");
    let held = if targets.is_empty() { String::new() } else { format!(", and {targets} can hold all of it") };
    lines.push(if report.is_sound() {
        let proof = if report.is_proved { "its trailer agrees" } else { "it has no trailer that could prove it whole" };
        format!("sound: {proof}{held}")
    } else {
        let totals = report.totals.iter().map(|(kind, total)| format!("{total} {}", kind.word()));
        format!("not sound: {}", totals.collect::<Vec<_>>().join(", "))
    });
    lines
}

/// `dangling-end: line 7, record 6, byte 512: relationship …`.
fn line(finding: &Finding) -> String {
    let mut place = Vec::new();
    if !finding.file.is_empty() {
        place.push(finding.file.clone());
    }
    let numbers = [("line", finding.line), ("record", finding.record), ("byte", finding.byte)];
    place.extend(numbers.iter().filter_map(|(name, number)| number.map(|number| format!("{name} {number}"))));
    let place = if place.is_empty() { String::new() } else { format!("{}: ", place.join(", ")) };
    format!("{}: {place}{}", finding.kind.word(), finding.message)
}
