//! Where a dump goes, and in which form: shared by `dump` and `convert`.

use super::backup::Form;
use super::keys;
use crate::cypher::{Dialect, Version};
use crate::dump::Options as DumpOptions;
use crate::error::{Error, Result};
use crate::format::{EncoderOptions, Format, csv};
use crate::model::Header;
use crate::volume::{Compression, Output};
use clap::{Args, ValueEnum};
use std::io::IsTerminal as _;
use std::path::Path;

#[derive(Args, Clone)]
#[group(skip)]
pub(super) struct Options {
    /// The format; told by the file's name where it is not given, else cypherl
    #[arg(long, short, value_enum, value_name = "FORMAT", help_heading = "Output")]
    format: Option<FormatName>,
    /// Whose Cypher a cypherl dump is written for; neo4j for a graph from Neo4j, else memgraph, where it is not given
    #[arg(long, value_enum, value_name = "DIALECT", help_heading = "Output")]
    dialect: Option<DialectName>,
    /// The version of Memgraph that is to read a cypherl dump; the newest where it is not given
    ///
    /// What that version does not have is named and refused, unless --allow-loss accepts it.
    #[arg(long, value_name = "VERSION", help_heading = "Output")]
    target_version: Option<Version>,
    /// Nodes or relationships of one kind that one statement of a cypherl dump for Memgraph makes: faster with mgconsole
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=8192), help_heading = "Output")]
    rows_per_statement: Option<u16>,
    /// What is to load a csv dump
    #[arg(long, value_enum, default_value_t = Loader::Neo4jAdmin, value_name = "LOADER", help_heading = "Output")]
    csv_for: Loader,
    /// What stands before the file names in the LOAD CSV statements of a csv dump: file:/// (Neo4j) or /import/ (Memgraph) where it is not given
    #[arg(long, value_name = "PREFIX", help_heading = "Output")]
    csv_prefix: Option<String>,
    /// Compression: none, zstd, gzip, with a level as in zstd:9; told by the file's name where it is not given
    #[arg(long, value_parser = compression, value_name = "METHOD", help_heading = "Output")]
    compress: Option<Compression>,
    /// The time zone of the server that is to read a hugegraph folder: its dates are local to it; UTC where it is not given
    #[arg(long, value_name = "ZONE", help_heading = "Output")]
    output_timezone: Option<String>,
    #[command(flatten)]
    form: Form,
    /// Replace the file if it exists
    #[arg(long, help_heading = "Output")]
    force: bool,
    /// Accept that a kind of thing which the format or target cannot hold is left out: value, type, name, index, constraint, trigger, schema, all
    #[arg(long, value_name = "KIND", help_heading = "Output")]
    allow_loss: Vec<String>,
    /// Encoding threads; one less than there are cores where it is not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "Output")]
    jobs: Option<u16>,
}

#[derive(Clone, Copy, ValueEnum)]
enum FormatName {
    /// One Cypher statement a line
    Cypherl,
    /// One typed JSON object a line: the lossless reference
    Jsonl,
    /// A folder of CSV files, as neo4j-admin imports them
    Csv,
    /// What apoc.import.json takes: no schema, few types
    Apoc,
    /// For NetworkX, Gephi, yEd and others: no schema
    Graphml,
    /// The folder that hugegraph-tools backs up to and restores
    Hugegraph,
    /// One tar file of compressed JSONL with a manifest: what backup writes
    Archive,
}

#[derive(Clone, Copy, ValueEnum)]
enum DialectName {
    /// For mgconsole and Memgraph
    Memgraph,
    /// For cypher-shell and Neo4j
    Neo4j,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Loader {
    /// neo4j-admin database import full
    #[value(name = "neo4j-admin")]
    Neo4jAdmin,
    /// The statement LOAD CSV of Neo4j, in load.cypher
    #[value(name = "neo4j")]
    Neo4j,
    /// The statement LOAD CSV of Memgraph, in load.cypher
    Memgraph,
}

impl Options {
    pub(super) fn resolve(&self, file: Option<&str>, header: &Header) -> DumpOptions {
        let named = file.and_then(Format::from_file_name);
        let format = match self.format {
            Some(FormatName::Cypherl) => Format::Cypherl,
            Some(FormatName::Jsonl) => Format::Jsonl,
            Some(FormatName::Csv) => Format::Csv,
            Some(FormatName::Apoc) => Format::Apoc,
            Some(FormatName::Graphml) => Format::GraphMl,
            Some(FormatName::Hugegraph) => Format::HugeGraph,
            Some(FormatName::Archive) => Format::Archive,
            None => named.unwrap_or_default(),
        };
        let dialect = match self.dialect {
            Some(DialectName::Memgraph) => Dialect::Memgraph,
            Some(DialectName::Neo4j) => Dialect::Neo4j,
            None if header.source.product == "neo4j" => Dialect::Neo4j,
            None => Dialect::Memgraph,
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        DumpOptions {
            format,
            encoder: EncoderOptions {
                dialect,
                target_version: self.target_version,
                csv_for: match self.csv_for {
                    Loader::Neo4jAdmin => csv::Loader::Admin,
                    Loader::Neo4j => csv::Loader::Statements(Dialect::Neo4j, self.csv_prefix.clone()),
                    Loader::Memgraph => csv::Loader::Statements(Dialect::Memgraph, self.csv_prefix.clone()),
                },
                rows_per_statement: self.rows_per_statement.map_or(1, usize::from),
                plain: self.compress == Some(Compression::None),
                timezone: self.output_timezone.clone(),
                ..EncoderOptions::default()
            },
            compression: self.compression(file, format),
            jobs: self.jobs.map_or_else(|| cores.saturating_sub(1).max(1), usize::from),
            allow_loss: self.allow_loss.iter().cloned().collect(),
        }
    }

    fn compression(&self, file: Option<&str>, format: Format) -> Compression {
        let bare = |name: &str| name.strip_suffix(".age").unwrap_or(name).to_owned();
        let named = || file.map_or(Compression::None, |name| Compression::from_name(&bare(name)));
        let chosen = self.compress.unwrap_or_else(named);
        match (self.form.compression_level, chosen) {
            (Some(level), Compression::Gzip(_)) => Compression::Gzip(level.clamp(1, 9) as u32),
            (Some(level), Compression::Zstd(_)) => Compression::Zstd(level),
            (Some(level), Compression::None) if format == Format::Archive => Compression::Zstd(level),
            (_, chosen) => chosen,
        }
    }

    /// Opens the file, or stdout for `-` and for no name.
    pub(super) fn open(&self, file: Option<&str>, options: &DumpOptions) -> Result<Output> {
        if self.csv_for != Loader::Neo4jAdmin && options.format != Format::Csv {
            return Err(Error::usage("--csv-for is for --format csv"));
        }
        if self.csv_prefix.is_some() && self.csv_for == Loader::Neo4jAdmin {
            return Err(Error::usage(
                "--csv-prefix is for LOAD CSV: give --csv-for neo4j or --csv-for memgraph as well",
            ));
        }
        let (seal, _) = keys::seal(&self.form.encrypt_to)?;
        let output = self.open_plain(file, options, seal.is_some())?;
        match &seal {
            Some(seal) => output.sealed(seal),
            None => Ok(output),
        }
    }

    fn open_plain(&self, file: Option<&str>, options: &DumpOptions, is_sealed: bool) -> Result<Output> {
        if self.form.split.is_some() && (options.format.marker().is_some() || matches!(file, None | Some("-"))) {
            return Err(Error::usage("only a file can be split into parts").hint("name it with -o"));
        }
        match (file, options.format.marker()) {
            (Some(name), Some(marker)) if name != "-" => {
                if options.compression != Compression::None {
                    let error = Error::usage("a folder of files is not compressed as a whole");
                    return Err(error.hint(
                        "leave --compress out; for hugegraph, --compress none means plain files instead of zipped ones",
                    ));
                }
                Output::folder(Path::new(name), self.force, marker)
            }
            (_, Some(_)) => Err(Error::usage("a dump of this format is a folder").hint("name it with -o DIR")),
            (Some(name), None) if name != "-" => Output::create_split(Path::new(name), self.force, self.form.split),
            _ => {
                let stdout = std::io::stdout();
                let is_binary =
                    options.compression != Compression::None || options.format == Format::Archive || is_sealed;
                if stdout.is_terminal() && is_binary {
                    return Err(Error::usage("compressed data does not belong on a terminal")
                        .hint("name a file with -o, or redirect stdout"));
                }
                Ok(Output::stream(stdout))
            }
        }
    }
}

fn compression(word: &str) -> std::result::Result<Compression, String> {
    let (method, level) = match word.split_once(':') {
        Some((method, level)) => (method, Some(level.parse().map_err(|_| format!("{level:?} is not a level"))?)),
        None => (word, None),
    };
    match (method, level) {
        ("none", None) => Ok(Compression::None),
        ("zstd", None) => Ok(Compression::ZSTD),
        ("zstd", Some(level @ 1..=19)) => Ok(Compression::Zstd(level)),
        ("gzip", None) => Ok(Compression::GZIP),
        ("gzip", Some(level @ 1..=9)) => Ok(Compression::Gzip(level as u32)),
        ("zstd", Some(_)) => Err("zstd takes levels 1 to 19".to_owned()),
        ("gzip", Some(_)) => Err("gzip takes levels 1 to 9".to_owned()),
        _ => Err("none, zstd or gzip".to_owned()),
    }
}
