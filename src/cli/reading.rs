//! What is said of a dump that does not say it itself, for every verb that reads one: `--mapping`, and the options of neo4j-admin for CSV.

use super::place::{How, Place, Side};
use super::{Context, text};
use crate::backend::url::Location;
use crate::error::{Error, Result};
use crate::format::{DecoderOptions, Inference, Mapping, Piece, csv};
use crate::model::Schema;
use crate::observe::{Event, Observer as _};
use crate::shape::Entries;
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Args, Clone, Default)]
#[group(skip)]
pub(super) struct Options {
    /// A file that says what strings of a dump without types were ([nodePropertyMappings.Person] with born = "Localdate"; TOML, or the same as JSON), and under
    /// [hugegraph] what becomes of a graph in HugeGraph (graphferry map writes that)
    #[arg(long, value_name = "FILE", help_heading = "What to carry")]
    mapping: Option<PathBuf>,
    /// Take what strings of a dump without types were from a graph that has its types, a database or a dump; in a restore or merge the word target means the target
    ///
    /// A property counts whose values there, under the same label or type, are all of one type, or for which a constraint says so. It is read to its end.
    /// --dry-run lists what is inferred. A string that is not the text of that type stays a string, and is counted.
    #[arg(long, value_name = "PLACE", help_heading = "What to carry")]
    types_from: Option<String>,
    /// Read files of a HugeGraph backup that look as if an older backup had left them
    #[arg(long, help_heading = "What to carry")]
    allow_stale_files: bool,
    #[command(flatten)]
    csv: Csv,
}

/// Whom the reading serves.
pub(super) struct For<'a> {
    pub(super) context: &'a Context,
    /// The database that is written.
    pub(super) target: Option<&'a Location>,
    /// Nothing is to be written: what is inferred is printed, with the plan.
    pub(super) dry_run: bool,
}

/// neo4j-admin's `--relationships`, for the verbs that have none of their own.
#[derive(Args, Clone, Default)]
#[group(skip)]
pub(super) struct Joining {
    /// CSV files of relationships, likewise
    #[arg(long, value_name = "[TYPE=]FILE,…", help_heading = HEADING, requires = "nodes")]
    pub(super) relationships: Vec<String>,
}

/// Of neo4j-admin, with its names.
#[derive(Args, Clone, Default)]
#[group(skip)]
struct Csv {
    /// CSV files of nodes, as neo4j-admin takes them: header first, names relative to the folder that is read; can be given more than once
    #[arg(long, value_name = "[LABEL[:LABEL]…=]FILE,…", help_heading = HEADING)]
    nodes: Vec<String>,
    /// Between fields: a character, TAB, or U+ and its number; a comma where it is not given
    #[arg(long, value_name = "CHAR", help_heading = HEADING, requires = "nodes")]
    delimiter: Option<String>,
    /// Between the elements of an array; a semicolon where it is not given
    #[arg(long, value_name = "CHAR", help_heading = HEADING, requires = "nodes")]
    array_delimiter: Option<String>,
    /// Around fields; a double quote where it is not given
    #[arg(long, value_name = "CHAR", help_heading = HEADING, requires = "nodes")]
    quote: Option<String>,
    /// What ids are: string, integer or actual; string where it is not given
    #[arg(long, value_name = "TYPE", help_heading = HEADING, requires = "nodes")]
    id_type: Option<String>,
    /// Take empty strings in quotes for properties that are not there
    #[arg(long, value_name = "BOOL", help_heading = HEADING, requires = "nodes", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    ignore_empty_strings: Option<bool>,
    /// Pass over fields beyond the header
    #[arg(long, value_name = "BOOL", help_heading = HEADING, requires = "nodes", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    ignore_extra_columns: Option<bool>,
    /// Take white space off both ends of strings
    #[arg(long, value_name = "BOOL", help_heading = HEADING, requires = "nodes", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    trim_strings: Option<bool>,
}

const HEADING: &str = "CSV of others";

impl Csv {
    fn arguments(&self, relationships: &[String]) -> Result<Option<csv::Arguments>> {
        if self.nodes.is_empty() {
            if let Some(group) = relationships.first() {
                return Err(Error::usage(format!("--relationships={group} needs --nodes as well")));
            }
            return Ok(None);
        }
        let word = |flag: bool| if flag { "true" } else { "false" };
        let flag = |name: &'static str, given: Option<bool>| given.map(|given| (name, word(given)));
        let text = |name: &'static str, given: &'_ Option<String>| given.clone().map(|given| (name, given));
        let mut options: Vec<(&str, String)> = Vec::new();
        options.extend(self.nodes.iter().map(|group| ("nodes", group.clone())));
        options.extend(relationships.iter().map(|group| ("relationships", group.clone())));
        options.extend(text("delimiter", &self.delimiter));
        options.extend(text("array-delimiter", &self.array_delimiter));
        options.extend(text("quote", &self.quote));
        options.extend(text("id-type", &self.id_type));
        let flags = [
            flag("ignore-empty-strings", self.ignore_empty_strings),
            flag("ignore-extra-columns", self.ignore_extra_columns),
            flag("trim-strings", self.trim_strings),
        ];
        options.extend(flags.into_iter().flatten().map(|(name, value)| (name, value.to_owned())));
        csv::Arguments::new(options.iter().map(|(name, value)| (*name, &**value))).map(Some)
    }
}

/// Reads a graph that has its types.
fn infer(word: &str, whom: &For<'_>) -> Result<Inference> {
    let place = match (word, whom.target) {
        ("target", Some(target)) => Place::Database(target.clone()),
        _ => Place::parse(Some(word))?,
    };
    whom.context.progress.event(&Event::Step { what: "reading types", total: None });
    let mut inferred = Inference::default();
    place.read(Side::Target, How::default(), whom.context, |feed| {
        inferred.see_schema(feed.schema());
        feed.run(&mut |piece| {
            match piece {
                Piece::Block(block) => inferred.see(&block)?,
                Piece::Object(object) => inferred.see_schema(&Schema { objects: vec![object] }),
                _ => {}
            }
            Ok(())
        })
        .map(drop)
    })?;
    Ok(inferred)
}

/// Lists what is inferred, before anything is written.
fn tell(inferred: &Inference, word: &str, whom: &For<'_>) -> Result<()> {
    let lines = inferred.told();
    whom.context.progress.clear();
    if whom.dry_run {
        let all: String = lines.iter().map(|line| format!("infer       {line}\n")).collect();
        return text::print(&text::printable(&all));
    }
    let message = match lines.len() {
        0 => format!("nothing is inferred from {word}: no property there has one type that files have as text"),
        count => format!("{count} properties get their types from {word}, where strings fit: --dry-run lists them"),
    };
    whom.context.progress.event(&Event::Warning(&message));
    Ok(())
}

impl Options {
    /// What is said of HugeGraph.
    pub(super) fn entries(&self) -> Result<Entries> {
        entries(self.mapping.as_deref())
    }

    /// `relationships` are files of relationships, as neo4j-admin's option has them.
    pub(super) fn decoder(&self, relationships: &[String], whom: &For<'_>) -> Result<DecoderOptions> {
        let mut told = DecoderOptions { csv: self.csv.arguments(relationships)?, ..DecoderOptions::default() };
        if let Some((name, text)) = mapping(self.mapping.as_deref())? {
            let text = if is_json(&text) { text } else { strings(&text).map_err(|error| error.in_file(&name))? };
            told.mapping = Mapping::parse(&text).map_err(|error| error.in_file(&name))?;
        }
        told.timezone = whom.context.access.timezone().map(str::to_owned);
        told.stale_files = self.allow_stale_files;
        if let Some(word) = &self.types_from {
            let inferred = infer(word, whom)?;
            tell(&inferred, word, whom)?;
            told.mapping.infer(inferred);
        }
        Ok(told)
    }

    /// What is said of one of two places that are compared: the options for CSV are for folders that do not say what they hold.
    pub(super) fn decoder_of(&self, place: &str, relationships: &[String], whom: &For<'_>) -> Result<DecoderOptions> {
        if let Place::Database(_) = Place::parse(Some(place))? {
            return Ok(DecoderOptions::default());
        }
        let mut told = self.decoder(relationships, whom)?;
        if !Self::is_bare(place) {
            told.csv = None;
        }
        Ok(told)
    }

    /// Refuses options for CSV where none of the places that are compared is a folder that needs them.
    pub(super) fn check(&self, places: [&str; 2]) -> Result<()> {
        if self.csv.nodes.is_empty() || places.into_iter().any(Self::is_bare) {
            return Ok(());
        }
        Err(Error::usage("--nodes and --relationships are for a folder without import.args, and neither side is one"))
    }

    fn is_bare(place: &str) -> bool {
        let has = |name: &str| Path::new(place).join(name).is_file();
        Path::new(place).is_dir() && !has(csv::ARGUMENTS) && !has(csv::MANIFEST)
    }
}

/// The name and text of a mapping.
fn mapping(path: Option<&Path>) -> Result<Option<(String, String)>> {
    let Some(path) = path else { return Ok(None) };
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|cause| Error::io(format!("reading {name}"), cause))?;
    Ok(Some((name, text)))
}

/// What a mapping says of HugeGraph.
pub(super) fn entries(path: Option<&Path>) -> Result<Entries> {
    match mapping(path)? {
        Some((name, text)) if !is_json(&text) => Entries::parse(&text).map_err(|error| error.in_file(&name)),
        _ => Ok(Entries::default()),
    }
}

fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// What a TOML file says of strings, as JSON.
fn strings(text: &str) -> Result<String> {
    let wrong = |cause: &dyn std::fmt::Display| {
        Error::usage(format!("the mapping cannot be read: {}", cause.to_string().trim_end()))
    };
    let mut all: toml::Table = toml::from_str(text).map_err(|cause| wrong(&cause))?;
    all.remove("hugegraph");
    serde_json::to_string(&all).map_err(|cause| wrong(&cause))
}
