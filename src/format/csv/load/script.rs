//! The statements that load the files: nodes with a helper label and their ids, relationships by these, the helper's end, the schema.

use super::cell::{EMPTY_LIST, ESCAPE, FLAT, LETTERS, Marks, ODD_FLOAT, SOLID, WIDE};
use super::table::{Column, Table};
use super::{Group, Helper};
use crate::cypher::Dialect;
use crate::cypher::literal::string;
use crate::cypher::name::quoted;
use crate::error::Result;
use crate::format::csv::column::Sort;
use crate::model::Class;
use std::fmt::Write as _;

/// So many rows are one transaction.
const ROWS: usize = 10_000;

/// What the statements are made for.
pub(super) struct Script<'a> {
    pub(super) dialect: Dialect,
    /// What stands before the names of the files.
    pub(super) prefix: &'a str,
    pub(super) helper: &'a Helper,
}

fn text(dialect: Dialect, value: &str) -> String {
    let mut out = Vec::new();
    string(dialect, value, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

impl Script<'_> {
    /// All of it. `schema` is what stands at the end.
    pub(super) fn text(&self, groups: &[Group], schema: &str) -> Result<String> {
        let label = quoted(self.dialect, &self.helper.label)?;
        let id = quoted(self.dialect, &self.helper.id)?;
        let mut out = String::from(match self.dialect {
            Dialect::Neo4j => HEAD_NEO4J,
            Dialect::Memgraph => HEAD_MEMGRAPH,
        });
        let is_neo4j = self.dialect == Dialect::Neo4j;
        let _ = match self.dialect {
            Dialect::Neo4j => writeln!(out, "CREATE CONSTRAINT {label} FOR (n:{label}) REQUIRE n.{id} IS UNIQUE;"),
            Dialect::Memgraph => writeln!(out, "CREATE INDEX ON :{label}({id});"),
        };
        for (group, table) in of(groups, Class::Nodes) {
            let labels = group.names.iter().map(|name| quoted(self.dialect, name).map(|name| format!(":{name}")));
            let labels = labels.collect::<Result<String>>()?;
            let properties = self.properties(table, &format!("{id}: row.`_id`"))?;
            out.push_str(&self.each(table, &format!("CREATE (:{label}{labels}{properties})")));
        }
        let nodes: u64 = of(groups, Class::Nodes).map(|(_, table)| table.count).sum();
        let _ = writeln!(out, "MATCH (n:{label}) WITH count(n) AS found\nRETURN found AS nodes, {};", whole(nodes));
        for (group, table) in of(groups, Class::Relationships) {
            let name = group.names.first().map(String::as_str).unwrap_or_default();
            let name = quoted(self.dialect, name)?;
            let properties = self.properties(table, "")?;
            let work = format!(
                "MATCH (a:{label} {{{id}: row.`_start`}}), (b:{label} {{{id}: row.`_end`}})\n  CREATE (a)-[r:{name}{properties}]->(b)"
            );
            out.push_str(&self.each(table, &work));
        }
        if is_neo4j {
            let _ = writeln!(
                out,
                "MATCH (n:{label})\nCALL {{ WITH n REMOVE n:{label}, n.{id} }} IN TRANSACTIONS OF {ROWS} ROWS;\nDROP CONSTRAINT {label};"
            );
        } else {
            let _ = writeln!(out, "MATCH (n:{label}) REMOVE n:{label}, n.{id};\nDROP INDEX ON :{label}({id});");
        }
        out.push_str(schema);
        Ok(out)
    }

    /// One statement for a file. Relationships are counted: one whose ends are not there would be missing in silence.
    fn each(&self, table: &Table, work: &str) -> String {
        let file = text(self.dialect, &format!("{}{}.csv", self.prefix, table.name));
        let counted = format!("WITH count(*) AS found\nRETURN found AS loaded, {};\n", whole(table.count));
        match self.dialect {
            Dialect::Neo4j => format!(
                "LOAD CSV WITH HEADERS FROM {file} AS row\nCALL {{ WITH row\n  {work}\n  RETURN 1 AS made\n}} IN TRANSACTIONS OF {ROWS} ROWS\n{counted}"
            ),
            Dialect::Memgraph => format!("LOAD CSV FROM {file} WITH HEADER AS row\n  {work}\n{counted}"),
        }
    }

    /// A map of the properties, after `first`.
    fn properties(&self, table: &Table, first: &str) -> Result<String> {
        let mut all: Vec<String> = Some(first.to_owned()).filter(|text| !text.is_empty()).into_iter().collect();
        for (at, column) in table.columns.iter().enumerate() {
            let key = quoted(self.dialect, &column.key)?;
            let field = format!("row.{}", quoted(self.dialect, &column.header(at))?);
            let value = self.value(column, &field);
            // A cell with nothing in it is null to Neo4j, and text to Memgraph.
            all.push(match self.dialect {
                Dialect::Neo4j => format!("{key}: {value}"),
                Dialect::Memgraph => format!("{key}: CASE {field} WHEN \"\" THEN null ELSE {value} END"),
            });
        }
        if all.is_empty() {
            return Ok(String::new());
        }
        Ok(format!(" {{{}}}", all.join(", ")))
    }

    fn value(&self, column: &Column, field: &str) -> String {
        let Column { column, marks, .. } = column;
        if !column.is_array {
            let value = self.single(column.sort, *marks, field);
            return match (column.sort, self.dialect) {
                (Sort::Point, Dialect::Neo4j) => format!("CASE WHEN {field} IS NULL THEN null ELSE {value} END"),
                _ => value,
            };
        }
        let delimiter = text(self.dialect, "\u{1F}");
        let mut list = format!("split({field}, {delimiter})");
        let element = self.single(column.sort, *marks, "v");
        if element != "v" {
            list = match self.dialect {
                Dialect::Neo4j => format!("[v IN {list} | {element}]"),
                Dialect::Memgraph => format!("extract(v IN {list} | {element})"),
            };
        }
        if marks.has(EMPTY_LIST) {
            let empty = text(self.dialect, &format!("{ESCAPE}{EMPTY_LIST}"));
            list = format!("CASE {field} WHEN {empty} THEN [] ELSE {list} END");
        }
        list
    }

    fn single(&self, sort: Sort, marks: Marks, value: &str) -> String {
        match sort {
            Sort::String => LETTERS.iter().filter(|(letter, _)| marks.has(*letter)).fold(
                value.to_owned(),
                |inner, (letter, meant)| {
                    let escaped = text(self.dialect, &format!("{ESCAPE}{letter}"));
                    format!("replace({inner}, {escaped}, {})", text(self.dialect, meant))
                },
            ),
            Sort::Boolean => format!("toBoolean({value})"),
            Sort::Integer | Sort::Byte if marks.has(WIDE) => format!(
                "CASE WHEN {value} CONTAINS \" \" THEN toInteger(split({value}, \" \")[0]) * 4294967296 + toInteger(split({value}, \" \")[1]) ELSE toInteger({value}) END"
            ),
            Sort::Integer | Sort::Byte => format!("toInteger({value})"),
            Sort::Float | Sort::Double if marks.has(ODD_FLOAT) && self.dialect == Dialect::Memgraph => format!(
                "CASE {value} WHEN \"NaN\" THEN 0.0/0.0 WHEN \"Infinity\" THEN 1.0/0.0 WHEN \"-Infinity\" THEN -1.0/0.0 ELSE toFloat({value}) END"
            ),
            Sort::Float | Sort::Double => format!("toFloat({value})"),
            Sort::Point => {
                let part = |at: usize| format!("split({value}, \" \")[{at}]");
                let flat = format!("srid: toInteger({}), x: toFloat({}), y: toFloat({})", part(0), part(1), part(2));
                let solid = format!("point({{{flat}, z: toFloat({})}})", part(3));
                let flat = format!("point({{{flat}}})");
                match (marks.has(FLAT), marks.has(SOLID)) {
                    (true, true) => {
                        format!("CASE size(split({value}, \" \")) WHEN 4 THEN {solid} ELSE {flat} END")
                    }
                    (false, true) => solid,
                    _ => flat,
                }
            }
            Sort::Date => format!("date({value})"),
            Sort::LocalTime => format!("localtime({value})"),
            Sort::Time => format!("time({value})"),
            Sort::LocalDateTime => format!("localdatetime({value})"),
            Sort::DateTime => format!("datetime({value})"),
            Sort::Duration => format!("duration({value})"),
        }
    }
}

/// An error where the number is another one: nothing else in Cypher fails on purpose everywhere. Memgraph 3.6.2 was seen to refuse `1/0`.
fn whole(expected: u64) -> String {
    format!("1 / CASE found WHEN {expected} THEN 1 ELSE 0 END AS complete")
}

fn of(groups: &[Group], class: Class) -> impl Iterator<Item = (&Group, &Table)> {
    let groups = groups.iter().filter(move |group| group.class == class);
    groups.flat_map(|group| group.tables.iter().filter(|table| table.count > 0).map(move |table| (group, table)))
}

const HEAD_NEO4J: &str = "\
// Loads this graph into Neo4j 4.4 or newer.
// 1. Put the CSV files where the statements below name them: file:/// is the folder import of the server.
// 2. cypher-shell -d DATABASE -f load.cypher
// A statement that loads less than it should fails with: / by zero
";

const HEAD_MEMGRAPH: &str = "\
// Loads this graph into Memgraph.
// 1. Put the CSV files where the statements below name them, as the server sees them.
// 2. mgconsole < load.cypher
// A statement that loads less than it should fails: Invalid types: int and int for '/'.
// Nothing of it stays then, but in analytical mode.
";
