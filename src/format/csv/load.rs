//! CSV as the statement `LOAD CSV` of Neo4j and of Memgraph takes it: a folder with a file for each set of labels and each type, plain headers, and
//! `load.cypher`, the statements that load them with their types, and the schema.
//!
//! It is for servers on which nobody can run neo4j-admin. The cells are what [`cell`] says; which letters a column has, the statements know, since
//! they are written last.

mod cell;
mod read;
mod script;
mod table;

use super::manifest::{LOAD, LoadColumn, LoadTable, Loading, MANIFEST, Manifest, Member};
use super::table::{Leave, Row, Scratch};
use super::write::{FLUSH, FLUSH_ALL, MAX_KEPT, MAX_TABLES, note, schema_text, slug};
use crate::cypher::Dialect;
use crate::cypher::name::quoted;
use crate::error::{Error, Result};
use crate::format::cypherl::Helper;
use crate::format::{Encoder as _, FolderEncoder, Members, cypherl};
use crate::model::{Block, Capability, Class, Header, Item, Kind, Loss, Schema, Trailer};
use rustc_hash::FxHashMap;
use script::Script;
use table::Table;

pub(super) use read::Reader;

/// The version of the format in which this form came.
pub(super) const VERSION: u64 = 2;

/// The tables of one set of labels or one type.
struct Group {
    class: Class,
    /// Labels, or the type alone.
    names: Vec<String>,
    slug: String,
    tables: Vec<Table>,
    /// The table that took the last item.
    last: usize,
}

/// Writes a folder for `LOAD CSV`.
pub struct LoadCsv {
    dialect: Dialect,
    prefix: String,
    leave: Leave,
    header: Header,
    schema: Schema,
    groups: Vec<Group>,
    by_kind: FxHashMap<(Class, Kind), usize>,
    scratch: Scratch,
    losses: Vec<Loss>,
    tables: usize,
    waiting: usize,
}

/// What the form can hold for a system.
pub(super) fn capability(dialect: Dialect) -> Result<Capability> {
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let refused = own(&[
        "bytes",
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
    ]);
    // The schema's statements are those of a CYPHERL dump.
    let base = cypherl::encoder(cypherl::Options::new(dialect))?.capability();
    let system = format!("CSV for LOAD CSV of {}", dialect.product());
    Ok(Capability { system, refused_values: refused, ..base })
}

impl LoadCsv {
    /// A writer; `prefix` stands before the names of the files in the statements, `file:///` or `/import/` where it is not given. `allow_loss`
    /// leaves out values that no cell can hold instead of refusing them.
    #[must_use]
    pub fn new(dialect: Dialect, prefix: Option<&str>, allow_loss: bool) -> Self {
        let usual = match dialect {
            Dialect::Neo4j => "file:///",
            Dialect::Memgraph => "/import/",
        };
        Self {
            dialect,
            prefix: prefix.unwrap_or(usual).to_owned(),
            leave: Leave { allowed: allow_loss, out: Vec::new() },
            header: Header::default(),
            schema: Schema::default(),
            groups: Vec::new(),
            by_kind: FxHashMap::default(),
            scratch: Scratch::default(),
            losses: Vec::new(),
            tables: 0,
            waiting: 0,
        }
    }

    fn group(&mut self, class: Class, kind: &Kind) -> Result<usize> {
        if let Some(known) = self.by_kind.get(&(class, kind.clone())) {
            return Ok(*known);
        }
        // A name that cannot be said is found before the data is written.
        kind.names().iter().try_for_each(|name| quoted(self.dialect, name).map(drop))?;
        let count = self.groups.iter().filter(|group| group.class == class).count();
        let noun = if class == Class::Nodes { "nodes" } else { "relationships" };
        let slug = slug(kind);
        let dash = if slug.is_empty() { "" } else { "-" };
        let slug = format!("{noun}-{:04}{dash}{slug}", count + 1);
        self.groups.push(Group {
            class,
            names: kind.names().iter().map(|name| name.to_string()).collect(),
            slug,
            tables: Vec::new(),
            last: 0,
        });
        self.by_kind.insert((class, kind.clone()), self.groups.len() - 1);
        Ok(self.groups.len() - 1)
    }

    fn item(&mut self, block: &Block, item: &Item, group: usize, out: &mut dyn Members) -> Result<()> {
        let Some(group) = self.groups.get_mut(group) else { return Ok(()) };
        let last = group.last;
        let mut attempt = last;
        let mut others = 0;
        loop {
            if attempt >= group.tables.len() {
                self.tables += 1;
                if self.tables > MAX_TABLES {
                    return Err(Error::refused(
                        "the labels and properties have so many combinations that LOAD CSV would need more than 10000 files",
                    )
                    .hint("write the graph as cypherl, or as CSV for neo4j-admin"));
                }
                let more = if attempt == 0 { String::new() } else { format!("-{}", attempt + 1) };
                group.tables.push(Table::new(format!("{}{more}", group.slug)));
            }
            let Some(table) = group.tables.get_mut(attempt) else { return Ok(()) };
            let before = table.rows.len();
            if let Row::Written = table.push(self.dialect, block, item, &mut self.scratch, &mut self.leave)? {
                group.last = attempt;
                self.waiting += table.rows.len() - before;
                if table.rows.len() >= FLUSH {
                    self.waiting -= table.rows.len();
                    flush(table, group.class, self.tables > MAX_KEPT, out)?;
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
        for group in &mut self.groups {
            group.tables.iter_mut().try_for_each(|table| flush(table, group.class, true, out))?;
        }
        Ok(())
    }

    /// A helper that collides with none of the names that were written.
    fn helper(&self) -> Helper {
        let labels = self.groups.iter().flat_map(|group| group.names.iter().cloned()).collect();
        let columns = self.groups.iter().flat_map(|group| &group.tables).flat_map(|table| &table.columns);
        Helper::choose(self.dialect, &labels, &columns.map(|column| column.key.to_string()).collect())
    }

    fn loading(&self) -> Loading {
        let tables = self.groups.iter().flat_map(|group| {
            group.tables.iter().filter(|table| table.count > 0).map(|table| LoadTable {
                file: format!("{}.csv", table.name),
                class: group.class.noun().to_owned(),
                names: group.names.clone(),
                columns: table.columns.iter().map(LoadColumn::from).collect(),
            })
        });
        Loading { dialect: self.dialect.name().to_owned(), tables: tables.collect() }
    }
}

impl From<&table::Column> for LoadColumn {
    fn from(column: &table::Column) -> Self {
        let kind = column.column;
        Self { key: column.key.to_string(), kind: kind.sort.name().to_owned(), list: kind.is_array }
    }
}

fn flush(table: &mut Table, class: Class, give_back: bool, out: &mut dyn Members) -> Result<()> {
    table.settle(class);
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

impl FolderEncoder for LoadCsv {
    fn begin(&mut self, header: &Header, schema: &Schema, _: &mut dyn Members) -> Result<()> {
        self.header = header.clone();
        self.schema = schema.clone();
        schema_text(self.dialect, &self.schema).map(drop)
    }

    fn block(&mut self, block: &Block, out: &mut dyn Members) -> Result<()> {
        let groups = block.kinds().iter().map(|kind| self.group(block.class(), kind)).collect::<Result<Vec<_>>>()?;
        for item in block.items() {
            if let Some(group) = groups.get(item.kind as usize) {
                self.item(block, item, *group, out)?;
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
        let mut members = Vec::new();
        for table in self.groups.iter().flat_map(|group| &group.tables).filter(|table| table.count > 0) {
            members.push(Member::new(&format!("{}.csv", table.name), table.bytes, &table.hash.finalize()));
        }
        let schema = schema_text(self.dialect, &self.schema)?;
        let helper = self.helper();
        let script = Script { dialect: self.dialect, prefix: &self.prefix, helper: &helper };
        let script = script.text(&self.groups, &schema)?;
        members.push(Member::new(LOAD, script.len() as u64, &blake3::hash(script.as_bytes())));
        out.append(LOAD, script.as_bytes())?;
        let manifest = Manifest {
            format: "csv".to_owned(),
            version: VERSION,
            header: self.header.clone(),
            schema: self.schema.objects.clone(),
            members,
            tally: trailer.tally.clone(),
            source_changed: trailer.source_changed,
            load: Some(self.loading()),
        };
        out.append(MANIFEST, manifest.text()?.as_bytes())
    }

    fn losses(&self) -> Vec<Loss> {
        self.losses.clone()
    }
}
