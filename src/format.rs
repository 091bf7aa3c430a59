//! Dumps as files: what every format can do.
//!
//! A format is one file (or folder) below this one and one line in each table here. It turns [`Piece`]s into bytes and back, and knows no
//! database, no file and no compression. Encoders are pure: the same input gives the same bytes, and blocks may be encoded on
//! several threads at once, since each call stands alone.

pub mod apoc;
pub mod archive;
pub mod csv;
pub mod cypherl;
mod gather;
pub mod graphml;
pub mod hugegraph;
pub mod jsonl;
mod mapping;
mod member;

use crate::cypher::{Dialect, Version};
use crate::error::{Error, Result};
use crate::hugegraph::Zone;
use crate::model::{Block, Capability, Class, Cursor, Header, Loss, Schema, SchemaObject, Trailer};
use std::collections::BTreeSet;
use std::io::{Read, Seek};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

pub use mapping::{Inference, Mapping};

/// A statement outside the shapes that we know, as it stands in a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its text, without the semicolon.
    pub text: String,
    /// The line that it begins on, from 1.
    pub line: u64,
}

/// What a dump consists of, in its order.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Piece {
    /// An index, a constraint, a trigger.
    Object(SchemaObject),
    /// Nodes, or relationships.
    Block(Block),
    /// Something that only the system itself understands.
    Statement(Statement),
    /// A node that relationships of this dump lead to and that is in the target already: a quarantine refers to it.
    Existing {
        /// Its id in the dump.
        old: i64,
        /// Its id in the target.
        new: i64,
    },
}

/// The refusal of a quarantine where there is no target.
#[must_use]
pub fn only_for_its_target() -> Error {
    Error::refused("this dump is a quarantine: it refers to nodes of the database that it was meant for")
        .hint("merge it into that database")
}

/// The refusal of a statement where there is no place for one.
fn no_statements(system: &str, statement: &Statement) -> Error {
    let text: String = statement.text.chars().take(100).collect();
    let error = Error::refused(format!("{system} has no place for a statement: {text}"));
    if statement.line > 0 { error.at(crate::Position::line(statement.line)) } else { error }
}

/// The refusal of a schema that came with the data, where there is no place for one: nothing could be asked beforehand.
fn no_late_schema(system: &str, late: &Schema) -> Result<()> {
    match late.objects.first() {
        Some(object) => Err(Error::refused(format!("{system} cannot hold the {}", object.describe()))
            .hint("read the dump from a file: what is lost is then known beforehand, and can be allowed")),
        None => Ok(()),
    }
}

/// Reads a dump. It is made by a format's `decoder` function, which reads the header.
pub trait Decoder: Send {
    /// The head of the dump. A foreign format that has none gives what can be told: its product, and nothing promised.
    fn header(&self) -> &Header;

    /// The next piece; `None` only after a trailer that agrees with what was read, or at the clean end of a foreign format that has
    /// no trailer. After `None` or an error it must not be called again.
    ///
    /// # Errors
    /// The dump is damaged; the error has the line.
    fn next(&mut self) -> Result<Option<Piece>>;

    /// The trailer; `None` before the end, and for a format that has none.
    fn trailer(&self) -> Option<&Trailer>;

    /// What was repaired or is missing, in words: known defects of old dumps, no trailer. Complete after the end.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// Relationships that were left out since an end of theirs is not in the dump, as [`DecoderOptions::skip_dangling`] says.
    fn dangling(&self) -> u64 {
        0
    }
}

/// Writes a dump. The calls come in this order: [`begin`](Encoder::begin); for each class that has items
/// [`open`](Encoder::open) and its blocks; statements anywhere after `begin`; [`finish`](Encoder::finish);
/// [`trailer`](Encoder::trailer). Each appends to `out`; what it appends may be cut off and compressed apart.
pub trait Encoder: Send + Sync {
    /// What the format can hold.
    fn capability(&self) -> Capability;

    /// Writes the head, and what of the schema has to stand before the data. `schema` is what is known before the data comes:
    /// all of it from a database, maybe none from a stream.
    ///
    /// # Errors
    /// The schema cannot be written in this format.
    fn begin(&self, header: &Header, schema: &Schema, out: &mut Vec<u8>) -> Result<()>;

    /// Writes what has to stand before the first block of a class; called once for a class that has items, nodes first.
    ///
    /// # Errors
    /// None today.
    fn open(&self, class: Class, out: &mut Vec<u8>) -> Result<()>;

    /// Is shown each block, in order and on one thread, before any block after it is encoded.
    ///
    /// # Errors
    /// The block's bytes are not well formed.
    fn see(&self, _: &Block) -> Result<()> {
        Ok(())
    }

    /// For a format whose head depends on all of the data: writes what stands before everything else, and says that it did. It is called after
    /// [`finish`](Encoder::finish) then, and before everything without effect; such a dump is kept in a temporary file until it is whole.
    fn head(&self, _: &mut Vec<u8>) -> bool {
        false
    }

    /// Writes a block's items. Called on several threads at once.
    ///
    /// # Errors
    /// A value cannot be written in this format; the message names the item and the property.
    fn block(&self, block: &Block, out: &mut Vec<u8>) -> Result<()>;

    /// For a format of numbered parts: is given what each call has made, in the order in which it is written and on one thread, to fill in what could
    /// not be known before. What [`Encoder::trailer`] makes does not come here.
    ///
    /// # Errors
    /// None today.
    fn place(&self, _: &mut [u8]) -> Result<()> {
        Ok(())
    }

    /// Why a property cannot have this value, where its type alone does not say so; `None` where it can.
    fn refusal(&self, value: &Cursor<'_>) -> Option<String> {
        let _ = value;
        None
    }

    /// Writes a statement as it is.
    ///
    /// # Errors
    /// The format has no place for statements.
    fn statement(&self, statement: &Statement, out: &mut Vec<u8>) -> Result<()>;

    /// Writes what has to stand after the data. `early` is the schema that [`Encoder::begin`] was given, `late` the objects that
    /// came since; `nodes` and `relationships` say whether any were written.
    ///
    /// # Errors
    /// The schema cannot be written in this format.
    fn finish(&self, early: &Schema, late: &Schema, wrote: Wrote, out: &mut Vec<u8>) -> Result<()>;

    /// Writes the trailer: nothing may follow it.
    ///
    /// # Errors
    /// None today.
    fn trailer(&self, trailer: &Trailer, out: &mut Vec<u8>) -> Result<()>;
}

/// Where the members of a dump go that is a folder.
pub trait Members {
    /// Appends bytes to a member, which comes into being with its first ones.
    ///
    /// # Errors
    /// The output fails.
    fn append(&mut self, member: &str, bytes: &[u8]) -> Result<()>;
}

/// Where the members of a dump lie that is a folder.
pub trait Files: Send {
    /// Opens a file by its name in the folder, or by a path.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    fn open(&self, name: &str) -> Result<Box<dyn Read + Send>>;

    /// The names of the files in the folder, sorted.
    ///
    /// # Errors
    /// The folder cannot be read.
    fn names(&self) -> Result<Vec<String>>;

    /// Opens a file in which one can go back and forth, as its bytes lie there.
    ///
    /// # Errors
    /// There is none, or it cannot be read; or that is not possible here.
    fn seek(&self, name: &str) -> Result<Box<dyn Seekable>> {
        Err(Error::usage(format!("{name} can only be read from its beginning on")))
    }

    /// When a file was last changed; `None` where nobody knows.
    fn modified(&self, _: &str) -> Option<SystemTime> {
        None
    }

    /// The names of the files in another folder, sorted; its path is taken as [`Files::open`] takes paths.
    ///
    /// # Errors
    /// There is no such folder, it cannot be read, or these files are not where folders are.
    fn names_in(&self, folder: &str) -> Result<Vec<String>> {
        Err(Error::usage(format!("no other folder can be read here: {folder}")))
    }
}

/// A file in which one can go back and forth.
pub trait Seekable: Read + Seek + Send {}

impl<T: Read + Seek + Send> Seekable for T {}

/// Writes a dump that is a folder of files. The calls come in this order: [`begin`](FolderEncoder::begin), blocks with those of nodes
/// first, [`finish`](FolderEncoder::finish).
pub trait FolderEncoder: Send {
    /// Takes what is known before the data.
    ///
    /// # Errors
    /// The output fails.
    fn begin(&mut self, header: &Header, schema: &Schema, out: &mut dyn Members) -> Result<()>;

    /// Writes a block's items.
    ///
    /// # Errors
    /// A value cannot be written in this format, and nobody allowed to leave it out; or the output fails.
    fn block(&mut self, block: &Block, out: &mut dyn Members) -> Result<()>;

    /// Writes what is left, and that the dump is whole. `late` is what came of the schema since the beginning; the trailer has no hash.
    ///
    /// # Errors
    /// The schema cannot be written in this format, or the output fails.
    fn finish(&mut self, late: &Schema, trailer: &Trailer, out: &mut dyn Members) -> Result<()>;

    /// Values that were left out, as allowed.
    fn losses(&self) -> Vec<Loss>;
}

/// Which classes had items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wrote {
    /// Nodes were written.
    pub nodes: bool,
    /// Relationships were written.
    pub relationships: bool,
}

/// The formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// One Cypher statement a line.
    #[default]
    Cypherl,
    /// One typed JSON object a line.
    Jsonl,
    /// A folder of CSV files for neo4j-admin.
    Csv,
    /// APOC's JSON lines. Read are all of APOC's exports.
    Apoc,
    /// XML that many tools for graphs open.
    GraphMl,
    /// The directory that hugegraph-tools backs up to.
    HugeGraph,
    /// A tar file of compressed JSONL with a manifest.
    Archive,
}

/// What encoders are told. Each format takes what it understands.
#[derive(Clone, Debug, Default)]
pub struct EncoderOptions {
    /// CYPHERL: whose dialect.
    pub dialect: Dialect,
    /// Labels that occur, so that a helper label collides with none.
    pub taken_labels: BTreeSet<String>,
    /// Property keys that occur, likewise.
    pub taken_properties: BTreeSet<String>,
    /// CYPHERL: the database that triggers are for; the system's usual one where it is empty.
    pub database: String,
    /// CYPHERL for Memgraph: the version that is to read it; the newest where it is not given.
    pub target_version: Option<Version>,
    /// CYPHERL for Memgraph: how many items a statement makes, at most; one where it is 0.
    pub rows_per_statement: usize,
    /// Archive: the level of zstd; [`archive::LEVEL`] where it is not given.
    pub level: Option<i32>,
    /// Formats with few types: what they can only hold as text is written as text, instead of refused.
    pub as_text: bool,
    /// CSV: who is to load the folder.
    pub csv_for: csv::Loader,
    /// Names are written that the format holds and its own reader fails on, instead of refused.
    pub any_name: bool,
    /// Folders whose files are zipped: plain files.
    pub plain: bool,
    /// The zone that dates are written in which have none: UTC where it is not given.
    pub timezone: Option<String>,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 7] =
        [Self::Cypherl, Self::Jsonl, Self::Csv, Self::Apoc, Self::GraphMl, Self::HugeGraph, Self::Archive];

    /// The name that `--format` takes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cypherl => "cypherl",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Apoc => "apoc",
            Self::GraphMl => "graphml",
            Self::HugeGraph => "hugegraph",
            Self::Archive => "archive",
        }
    }

    /// What a file of this name is expected to hold; compression suffixes are looked through.
    #[must_use]
    pub fn from_file_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix(".age").unwrap_or(&name);
        let suffixes = [".zst", ".zstd", ".gz", ".gzip"];
        let bare = suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
        match bare.rsplit_once('.')?.1 {
            "cypherl" | "cypher" | "cql" => Some(Self::Cypherl),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "json" => Some(Self::Apoc),
            "graphml" => Some(Self::GraphMl),
            "tar" => Some(Self::Archive),
            _ => None,
        }
    }

    /// The member by which a dump of the format is known, if such a dump is a folder.
    #[must_use]
    pub fn marker(self) -> Option<&'static str> {
        match self {
            Self::Csv => Some(csv::MANIFEST),
            Self::HugeGraph => Some(hugegraph::MANIFEST),
            _ => None,
        }
    }

    /// What the format can hold.
    ///
    /// # Errors
    /// What its encoder is told cannot be meant.
    pub fn capability(self, options: &EncoderOptions) -> Result<Capability> {
        match self {
            Self::Csv => match options.csv_for {
                csv::Loader::Admin => Ok(csv::capability()),
                csv::Loader::Statements(dialect, _) => csv::load_capability(dialect),
            },
            Self::HugeGraph => Ok(hugegraph::capability()),
            _ => Ok(self.encoder(options)?.capability()),
        }
    }

    /// Whether the format can hold the graph at all, whatever is allowed to be lost. `nodes` says how many there are, where that is known.
    ///
    /// # Errors
    /// It holds graphs with a schema of its own, and this one has none.
    pub fn check(self, schema: &Schema, nodes: Option<u64>) -> Result<()> {
        if self == Self::HugeGraph { hugegraph::check(schema, nodes) } else { Ok(()) }
    }

    /// The encoder of a format whose dumps are folders; `allow_loss` leaves out values that it cannot hold.
    ///
    /// # Errors
    /// What it is told cannot be meant.
    pub fn folder_encoder(self, options: &EncoderOptions, allow_loss: bool) -> Result<Option<Box<dyn FolderEncoder>>> {
        Ok(match self {
            Self::Csv => Some(match &options.csv_for {
                csv::Loader::Admin => Box::new(csv::encoder(allow_loss)),
                csv::Loader::Statements(dialect, prefix) => {
                    Box::new(csv::LoadCsv::new(*dialect, prefix.as_deref(), allow_loss))
                }
            }),
            Self::HugeGraph => {
                let zone = Zone::named(options.timezone.as_deref().unwrap_or("UTC"))?;
                Some(Box::new(hugegraph::encoder(hugegraph::Options { plain: options.plain, zone, allow_loss })))
            }
            _ => None,
        })
    }

    /// The format's encoder.
    ///
    /// # Errors
    /// What it is told cannot be meant, or dumps of the format are folders.
    pub fn encoder(self, options: &EncoderOptions) -> Result<Box<dyn Encoder>> {
        Ok(match self {
            Self::Cypherl => {
                let EncoderOptions { dialect, taken_labels, taken_properties, database, .. } = options;
                let mut chosen = cypherl::Options::new(*dialect);
                chosen.target = options.target_version;
                chosen.rows = options.rows_per_statement;
                chosen.helper = cypherl::Helper::choose(*dialect, taken_labels, taken_properties);
                if !database.is_empty() {
                    chosen.database.clone_from(database);
                }
                Box::new(cypherl::encoder(chosen)?)
            }
            Self::Jsonl | Self::Archive if options.target_version.is_some() || options.rows_per_statement > 1 => {
                return Err(Error::usage("--target-version and --rows-per-statement are for the format cypherl"));
            }
            Self::Jsonl => Box::new(jsonl::encoder()),
            Self::Csv => return Err(Error::usage("a CSV dump is a folder").hint("name it with -o DIR --format csv")),
            Self::HugeGraph => {
                return Err(
                    Error::usage("a HugeGraph backup is a folder").hint("name it with -o DIR --format hugegraph")
                );
            }
            Self::Apoc => Box::new(apoc::encoder(options.as_text, options.any_name)),
            Self::GraphMl => Box::new(graphml::encoder()),
            Self::Archive => Box::new(archive::encoder(options.level)),
        })
    }
}

/// How much of a dump is looked at to tell its format.
const SNIFF: u64 = 64 << 10;

/// What decoders are told. Each format takes what it understands.
#[derive(Clone, Debug, Default)]
pub struct DecoderOptions {
    /// What strings were something else, in formats without types.
    pub mapping: Mapping,
    /// What earlier readings of the same dump found out.
    pub earlier: Earlier,
    /// What the files are in a folder of CSV that does not say so itself.
    pub csv: Option<csv::Arguments>,
    /// The zone of dates that a dump does not tell.
    pub timezone: Option<String>,
    /// Files that look as if they were of an older dump are read, instead of refused.
    pub stale_files: bool,
    /// Relationships whose ends are not in the dump are left out and counted, in formats where that happens; else they are an error.
    pub skip_dangling: bool,
}

/// Reads a dump that is a folder, in whatever format it is, told by the names of its files.
///
/// # Errors
/// It is no dump, or its head is damaged; or a mapping is given.
pub fn folder_decoder(files: Box<dyn Files>, options: &DecoderOptions) -> Result<Box<dyn Decoder>> {
    if !options.mapping.is_empty() {
        return Err(Error::usage("a mapping is for formats without types: this dump has them"));
    }
    if let Some(arguments) = &options.csv {
        return csv::decoder_with(files, arguments.clone());
    }
    let names = files.names()?;
    let has_arguments = names.iter().any(|name| name == csv::ARGUMENTS);
    if !has_arguments && hugegraph::is_backup(&names) {
        hugegraph::decoder(files, options)
    } else {
        csv::decoder(files)
    }
}

/// Reads a dump in whatever format it is, told by its first bytes.
///
/// # Errors
/// It is empty, or its head is damaged.
pub fn decoder(reader: Box<dyn Read + Send>) -> Result<Box<dyn Decoder>> {
    decoder_with(reader, &DecoderOptions::default())
}

/// What earlier readings of a dump found out that a later one of the same dump needs: Memgraph's own dumps say after the data which
/// properties are floats, and write whole ones like integers. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Earlier(Arc<Mutex<BTreeSet<(String, String)>>>);

impl Earlier {
    /// Labels, and properties that are floats on nodes with them.
    fn floats(&self) -> BTreeSet<(String, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add_float(&self, label: &str, property: &str) {
        let mut floats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        floats.insert((label.to_owned(), property.to_owned()));
    }
}

/// Does the same as [`decoder`], with what the user says of it and what was found out in earlier readings.
///
/// # Errors
/// It is empty, or its head is damaged; or it is of a format that has types, and a mapping is given.
pub fn decoder_with(mut reader: Box<dyn Read + Send>, options: &DecoderOptions) -> Result<Box<dyn Decoder>> {
    let mut first = Vec::new();
    reader.by_ref().take(SNIFF).read_to_end(&mut first).map_err(Error::reading)?;
    let told = apoc::tell(&first);
    let is_tar = archive::is_tar(&first);
    let head = first.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&first);
    let sniffed = head.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    let whole = Box::new(std::io::Cursor::new(first).chain(reader));
    let Some(sniffed) = sniffed else {
        return Err(Error::corrupt("the dump is empty").hint("a dump of an empty graph has a header and a trailer"));
    };
    if let Some(apoc::Told::Json) = told {
        return apoc::json(whole, options.mapping.clone());
    }
    if sniffed == b'<' && !is_tar {
        return graphml::decoder(whole, options.mapping.clone());
    }
    if !options.mapping.is_empty() {
        return Err(Error::usage("a mapping is for formats without types: this dump has them"));
    }
    if is_tar {
        return archive::decoder(whole);
    }
    match (told, sniffed) {
        (Some(apoc::Told::Cypher), _) => apoc::cypher(whole),
        (_, b'{') => jsonl::decoder(whole),
        _ => cypherl::decoder_after(whole, &options.earlier),
    }
}
