//! The writer: items into tables, tables into files, and in the end the headers, the arguments of neo4j-admin and what we keep for ourselves.

use super::cell;
use super::manifest::{ARGUMENTS, MANIFEST, Manifest, Member, SCHEMA, SCRIPT};
use super::table::{Leave, Row, Scratch, Table};
use crate::cypher::name::quoted;
use crate::cypher::{Dialect, schema};
use crate::error::{Error, Result};
use crate::format::{FolderEncoder, Members};
use crate::model::{
    Block, Capability, Class, Entity, Header, IndexKind, Item, Kind, Loss, Schema, SchemaObject, Trailer,
};
use rustc_hash::FxHashMap;
use std::fmt::Write as _;

/// So many sets of labels, and as many types, have files of their own; the rest share some, with their labels in the rows.
const MAX_GROUPS: usize = 1000;

/// Rows of a table are written at this size, and all of them at the other.
pub(super) const FLUSH: usize = 256 << 10;
pub(super) const FLUSH_ALL: usize = 16 << 20;

/// More tables than this are refused.
pub(super) const MAX_TABLES: usize = 10_000;

/// While there are no more tables than this, each keeps its buffer.
pub(super) const MAX_KEPT: usize = 64;

/// Above this, ids may be more than the importer keeps as integers.
const MAX_INTEGER_ID: i64 = 1 << 53;

/// The tables of one set of labels or one type; or of all for which there were too many.
struct Group {
    class: Class,
    /// Labels joined with colons, or the type, for the command line; `None` where they stand in the rows.
    argument: Option<String>,
    slug: String,
    tables: Vec<Table>,
    /// The table that took the last item.
    last: usize,
}

/// The group of a kind, and the cell of its labels or type where they stand in the rows.
type Plan = (usize, Option<Vec<u8>>);

/// Writes a folder of CSV files.
pub struct Csv {
    leave: Leave,
    header: Header,
    schema: Schema,
    groups: Vec<Group>,
    by_kind: FxHashMap<(Class, Kind), Plan>,
    counts: [usize; 2],
    shared: [Option<usize>; 2],
    scratch: Scratch,
    losses: Vec<Loss>,
    tables: usize,
    waiting: usize,
    plain_ids: bool,
    has_line_breaks: bool,
}

/// What can stand in an argument of neo4j-admin without doubt.
fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.len() <= 100
}

/// A part of a file name: ASCII letters and digits, not long.
pub(super) fn slug(kind: &Kind) -> String {
    let all = kind.names().join("_");
    let safe = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    all.chars().map(safe).take(40).collect()
}

pub(super) fn capability() -> Capability {
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    Capability {
        system: "CSV".to_owned(),
        refused_values: own(&[
            "list",
            "map",
            "vector",
            "enum",
            "structure",
            "list of mixed",
            "list of null",
            "list of bytes",
            "list of list",
            "list of map",
            "list of vector",
            "list of enum",
            "list of structure",
        ]),
        refused_indexes: vec![(Entity::Node, IndexKind::Label), (Entity::Relationship, IndexKind::Label)],
        triggers: own(&["apoc"]),
        ..Capability::default()
    }
}

fn index(class: Class) -> usize {
    usize::from(class == Class::Relationships)
}

impl Csv {
    /// A writer; `allow_loss` leaves out values that a column cannot hold instead of refusing them.
    #[must_use]
    pub fn new(allow_loss: bool) -> Self {
        Self {
            leave: Leave { allowed: allow_loss, out: Vec::new() },
            header: Header::default(),
            schema: Schema::default(),
            groups: Vec::new(),
            by_kind: FxHashMap::default(),
            counts: [0; 2],
            shared: [None; 2],
            scratch: Scratch::default(),
            losses: Vec::new(),
            tables: 0,
            waiting: 0,
            plain_ids: true,
            has_line_breaks: false,
        }
    }

    /// The group of a kind, and the cell of its labels or type where the group needs one.
    fn group(&mut self, class: Class, kind: &Kind) -> Result<Plan> {
        if let Some(known) = self.by_kind.get(&(class, kind.clone())) {
            return Ok(known.clone());
        }
        let count = self.counts.get(index(class)).copied().unwrap_or(0);
        let is_plain = kind.names().iter().all(|name| is_plain(name));
        let is_shared = count >= MAX_GROUPS;
        let cell = (is_shared || !is_plain).then(|| kind_cell(kind)).transpose()?;
        self.has_line_breaks |= cell.as_ref().is_some_and(|cell| memchr::memchr2(b'\n', b'\r', cell).is_some());
        let shared = self.shared.get(index(class)).copied().flatten();
        let at = match shared {
            Some(at) if is_shared => at,
            _ => {
                let noun = if class == Class::Nodes { "nodes" } else { "relationships" };
                let slug = if is_shared { "others".to_owned() } else { slug(kind) };
                let dash = if slug.is_empty() { "" } else { "-" };
                let slug = format!("{noun}-{:04}{dash}{slug}", count + 1);
                let argument = cell.is_none().then(|| kind.names().join(":"));
                self.groups.push(Group { class, argument, slug, tables: Vec::new(), last: 0 });
                if let Some(count) = self.counts.get_mut(index(class)) {
                    *count += 1;
                }
                self.groups.len() - 1
            }
        };
        if is_shared && let Some(shared) = self.shared.get_mut(index(class)) {
            *shared = Some(at);
        } else {
            // What a shared group holds may have any number of kinds, so it is not remembered beyond its block.
            self.by_kind.insert((class, kind.clone()), (at, cell.clone()));
        }
        Ok((at, cell))
    }

    fn item(&mut self, block: &Block, item: &Item, plan: &Plan, out: &mut dyn Members) -> Result<()> {
        let (at, kind) = (plan.0, plan.1.as_deref());
        let Some(group) = self.groups.get_mut(at) else { return Ok(()) };
        if block.class() == Class::Nodes {
            self.plain_ids &= (0..MAX_INTEGER_ID).contains(&item.id);
        }
        let last = group.last;
        let mut attempt = last;
        let mut others = 0;
        loop {
            if attempt >= group.tables.len() {
                self.tables += 1;
                if self.tables > MAX_TABLES {
                    return Err(Error::refused(
                        "the properties have so many combinations of types that CSV would need more than 10000 files",
                    )
                    .hint("write the graph as jsonl, which holds everything"));
                }
                let more = if attempt == 0 { String::new() } else { format!("-{}", attempt + 1) };
                group.tables.push(Table::new(format!("{}{more}", group.slug)));
            }
            let Some(table) = group.tables.get_mut(attempt) else { return Ok(()) };
            let before = table.rows.len();
            if let Row::Written = table.push(block, item, kind, &mut self.scratch, &mut self.leave)? {
                group.last = attempt;
                self.waiting += table.rows.len() - before;
                if table.rows.len() >= FLUSH {
                    self.waiting -= table.rows.len();
                    flush(table, self.tables > MAX_KEPT, out)?;
                }
                break;
            }
            // The table of the last item first, then all from the first one on, then a new one.
            if others == last {
                others += 1;
            }
            attempt = others;
            others += 1;
        }
        for why in &self.leave.out {
            note(&mut self.losses, why);
        }
        Ok(())
    }

    fn flush_all(&mut self, out: &mut dyn Members) -> Result<()> {
        self.waiting = 0;
        self.groups.iter_mut().flat_map(|group| &mut group.tables).try_for_each(|table| flush(table, true, out))
    }

    /// Writes the header of each table, and gives the arguments of the import.
    fn headers(&mut self, members: &mut Vec<Member>, out: &mut dyn Members) -> Result<String> {
        let mut arguments = String::new();
        let mut largest = 0;
        for group in &mut self.groups {
            let option = if group.class == Class::Nodes { "nodes" } else { "relationships" };
            for table in &mut group.tables {
                let header = table.header(group.class, group.argument.is_none());
                let name = format!("{}.header.csv", table.name);
                out.append(&name, &header)?;
                members.push(Member::new(&name, header.len() as u64, &blake3::hash(&header)));
                let data = format!("{}.csv", table.name);
                members.push(Member::new(&data, table.bytes, &table.hash.finalize()));
                let kind = group.argument.as_ref().filter(|kind| !kind.is_empty());
                let kind = kind.map(|kind| format!("{kind}=")).unwrap_or_default();
                let _ = writeln!(arguments, "--{option}={kind}{name},{data}");
                self.has_line_breaks |= table.has_line_breaks;
                largest = largest.max(table.largest);
            }
        }
        let id_type = if self.plain_ids { "integer" } else { "string" };
        let mut head = format!("--id-type={id_type}\n--array-delimiter=U+001F\n");
        if self.has_line_breaks {
            head.push_str("--multiline-fields=true\n");
        }
        if largest > 1 << 20 {
            let _ = writeln!(head, "--read-buffer-size={}", largest.saturating_mul(2));
        }
        Ok(head + &arguments)
    }
}

/// The statements of a schema, as cypher-shell or mgconsole takes them.
pub(super) fn schema_text(dialect: Dialect, wanted: &Schema) -> Result<String> {
    let mut text = String::new();
    let system = |object| schema::runs_on_system(dialect, object);
    for on_system in [false, true] {
        let mut first = true;
        for object in wanted.objects.iter().filter(|object| system(object) == on_system) {
            if std::mem::take(&mut first) && on_system {
                text.push_str(":use system;\n");
            }
            for statement in schema::create(dialect, object)? {
                let statement = match dialect {
                    Dialect::Neo4j => unless_there(object, statement)?,
                    Dialect::Memgraph => statement,
                };
                let _ = writeln!(text, "{statement};");
            }
        }
    }
    Ok(text)
}

/// Every new database has lookup indexes already: one that is equivalent must not stop the rest.
fn unless_there(object: &SchemaObject, statement: String) -> Result<String> {
    if let SchemaObject::Index(index) = object
        && index.kind == IndexKind::Lookup
        && let Some(name) = &index.name
    {
        let head = format!("CREATE LOOKUP INDEX {}", quoted(Dialect::Neo4j, name)?);
        if let Some(rest) = statement.strip_prefix(&head) {
            return Ok(format!("{head} IF NOT EXISTS{rest}"));
        }
    }
    Ok(statement)
}

fn flush(table: &mut Table, give_back: bool, out: &mut dyn Members) -> Result<()> {
    if table.rows.is_empty() {
        return Ok(());
    }
    out.append(&format!("{}.csv", table.name), &table.rows)?;
    table.hash.update(&table.rows);
    table.bytes += table.rows.len() as u64;
    if give_back || table.rows.capacity() > 8 * FLUSH {
        table.rows = Vec::new();
    } else {
        table.rows.clear();
    }
    Ok(())
}

/// The cell of labels or of a type.
fn kind_cell(kind: &Kind) -> Result<Vec<u8>> {
    if let Some(name) = kind.names().iter().find(|name| name.as_bytes().contains(&cell::ARRAY_DELIMITER)) {
        return Err(Error::refused(format!("CSV cannot hold the label {name:?}: U+001F divides labels there"))
            .hint("write the graph as jsonl, which holds everything"));
    }
    if kind.names().iter().any(|name| name.is_empty()) {
        return Err(Error::refused("CSV cannot hold an empty label or type")
            .hint("write the graph as jsonl, which holds everything"));
    }
    let delimiter = char::from(cell::ARRAY_DELIMITER).to_string();
    let mut out = Vec::new();
    if !kind.names().is_empty() {
        cell::text(kind.names().join(&*delimiter).as_bytes(), &mut out);
    }
    Ok(out)
}

pub(super) fn note(losses: &mut Vec<Loss>, why: &str) {
    let what = format!("values: {why}");
    match losses.iter_mut().find(|loss| loss.what == what) {
        Some(loss) => loss.count += 1,
        None => losses.push(Loss { kind: "value", what, count: 1 }),
    }
}

impl FolderEncoder for Csv {
    fn begin(&mut self, header: &Header, schema: &Schema, _: &mut dyn Members) -> Result<()> {
        self.header = header.clone();
        self.schema = schema.clone();
        // What cannot be said is found before the data is written.
        schema_text(Dialect::Neo4j, &self.schema).map(drop)
    }

    fn block(&mut self, block: &Block, out: &mut dyn Members) -> Result<()> {
        let plans = block.kinds().iter().map(|kind| self.group(block.class(), kind)).collect::<Result<Vec<_>>>()?;
        for item in block.items() {
            if let Some(plan) = plans.get(item.kind as usize) {
                self.item(block, item, plan, out)?;
                if self.waiting >= FLUSH_ALL {
                    self.flush_all(out)?;
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self, late: &Schema, trailer: &Trailer, out: &mut dyn Members) -> Result<()> {
        self.schema.objects.extend(late.objects.iter().cloned());
        self.flush_all(out)?;
        // A table whose rows were all taken by others has no file yet.
        for table in self.groups.iter().flat_map(|group| &group.tables) {
            out.append(&format!("{}.csv", table.name), b"")?;
        }
        let mut members = Vec::new();
        let arguments = self.headers(&mut members, out)?;
        let schema = schema_text(Dialect::Neo4j, &self.schema)?;
        for (name, text) in [(ARGUMENTS, &*arguments), (SCHEMA, &*schema), (SCRIPT, SCRIPT_TEXT)] {
            members.push(Member::new(name, text.len() as u64, &blake3::hash(text.as_bytes())));
            out.append(name, text.as_bytes())?;
        }
        let manifest = Manifest {
            format: "csv".to_owned(),
            version: 1,
            header: self.header.clone(),
            schema: self.schema.objects.clone(),
            members,
            tally: trailer.tally.clone(),
            source_changed: trailer.source_changed,
            load: None,
        };
        out.append(MANIFEST, manifest.text()?.as_bytes())
    }

    fn losses(&self) -> Vec<Loss> {
        self.losses.clone()
    }
}

/// What a user runs where neo4j-admin is.
const SCRIPT_TEXT: &str = r#"#!/bin/sh
# Imports this graph into a database of Neo4j 5 that is stopped or does not exist:
#   sh import.sh [DATABASE [OPTION...]]
# Options go to neo4j-admin: --overwrite-destination replaces a database that has data. Afterwards, with the server running:
#   cypher-shell -d DATABASE -f schema.cypher
set -eu
cd "$(dirname "$0")"
database=${1:-neo4j}
[ $# -eq 0 ] || shift
exec "${NEO4J_ADMIN:-neo4j-admin}" database import full @import.args "$@" "$database"
"#;
