//! The part of Cypher that we send, clause by clause.

use super::store::{Key, Node, Relationship, Store, Transaction};
use super::{CLIENT, Refusal, refuse};
use graphferry::model::temporal::LocalDateTime;
use graphferry::model::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Default)]
pub struct Outcome {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
    pub stats: BTreeMap<&'static str, i64>,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Name(String),
    Parameter(String),
    Number(i64),
    Text(String),
    Sign(&'static str),
}

const SIGNS: [&str; 20] =
    ["]->(", ")-[", "+=", "->", "<-", "(", ")", "[", "]", "{", "}", ",", ":", ".", "=", "-", ">", "<", "*", "|"];

fn tokens(text: &str) -> Result<Vec<Token>, Refusal> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        let size;
        if first == '`' {
            let mut name = String::new();
            let mut at = 1;
            loop {
                let c = rest[at..].chars().next().unwrap();
                at += c.len_utf8();
                if c == '`' {
                    if !rest[at..].starts_with('`') {
                        break;
                    }
                    at += 1;
                }
                name.push(c);
            }
            out.push(Token::Name(name));
            size = at;
        } else if first == '"' {
            let end = rest[1..].find('"').unwrap() + 1;
            out.push(Token::Text(rest[1..end].to_owned()));
            size = end + 1;
        } else if first == '$' {
            let name = word(&rest[1..]);
            size = 1 + name.len();
            out.push(Token::Parameter(name));
        } else if first.is_ascii_digit() {
            let digits = word(rest);
            size = digits.len();
            out.push(Token::Number(digits.parse().unwrap()));
        } else if first.is_alphabetic() {
            let name = word(rest);
            size = name.len();
            out.push(Token::Word(name));
        } else {
            let sign = SIGNS[2..].iter().find(|sign| rest.starts_with(**sign));
            let Some(sign) = sign else { return unparsed(rest) };
            out.push(Token::Sign(sign));
            size = sign.len();
        }
        rest = rest[size..].trim_start();
    }
    Ok(out)
}

fn unparsed<T>(what: &str) -> Result<T, Refusal> {
    refuse(CLIENT, format!("Error on line 1 position 1. The underlying parsing error is mismatched input '{what}'"))
}

#[derive(Clone, Debug)]
enum Cell {
    Value(Value),
    Node(i64),
    Relationship(i64),
}

type Row = BTreeMap<String, Cell>;

struct Run<'a> {
    store: &'a mut Store,
    transaction: &'a mut Transaction,
    parameters: &'a Map,
    tokens: Vec<Token>,
    at: usize,
    no_edge_properties: bool,
    outcome: Outcome,
}

pub fn run(
    store: &mut Store,
    transaction: &mut Transaction,
    text: &str,
    parameters: &Map,
    no_edge_properties: bool,
) -> Result<Outcome, Refusal> {
    let tokens = tokens(text)?;
    let mut run =
        Run { store, transaction, parameters, tokens, at: 0, no_edge_properties, outcome: Outcome::default() };
    let mut rows = vec![Row::new()];
    while run.at < run.tokens.len() {
        rows = run.clause(rows)?;
    }
    Ok(run.outcome)
}

/// What a value becomes as a parameter: the map that stands for an enum value becomes one.
fn taken(value: &Value) -> Value {
    match value {
        Value::Map(map) if map.get("__type").and_then(Value::as_str) == Some("mg_enum") => {
            Value::Enum(map["__value"].as_str().unwrap().to_owned())
        }
        Value::Map(map) => Value::Map(map.iter().map(|(key, value)| (key.clone(), taken(value))).collect()),
        Value::List(list) => Value::List(list.iter().map(taken).collect()),
        // Here a real server closes the connection.
        Value::LocalDateTime(at) if at.seconds < 0 && at.seconds % 86_400 != 0 => {
            panic!("a local date-time before 1970")
        }
        Value::Bytes(_) | Value::Time(_) => panic!("a parameter that makes the server close the connection"),
        other => other.clone(),
    }
}

/// How a value is sent.
fn sent(value: &Value) -> Value {
    match value {
        Value::Enum(text) => Value::Map(
            [("__type", "mg_enum"), ("__value", text)]
                .map(|(key, text)| (key.to_owned(), text.into()))
                .into_iter()
                .collect(),
        ),
        Value::Map(map) => Value::Map(map.iter().map(|(key, value)| (key.clone(), sent(value))).collect()),
        Value::List(list) => Value::List(list.iter().map(sent).collect()),
        // Before 1970 the part below a second is negative.
        Value::LocalDateTime(at) if at.seconds < 0 && at.nanoseconds > 0 => {
            Value::Structure(0x64, vec![(at.seconds + 1).into(), (i64::from(at.nanoseconds) - 1_000_000_000).into()])
        }
        other => other.clone(),
    }
}

impl Run<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn is(&mut self, wanted: &str) -> bool {
        let found = match self.peek() {
            Some(Token::Word(word)) => word == wanted,
            Some(Token::Sign(sign)) => *sign == wanted,
            _ => false,
        };
        self.at += usize::from(found);
        found
    }

    fn want(&mut self, wanted: &str) -> Result<(), Refusal> {
        if self.is(wanted) { Ok(()) } else { unparsed(&format!("{:?} instead of {wanted}", self.peek())) }
    }

    fn name(&mut self) -> Result<String, Refusal> {
        let name = match self.peek() {
            Some(Token::Word(name) | Token::Name(name)) => name.clone(),
            other => return unparsed(&format!("{other:?}")),
        };
        self.at += 1;
        Ok(name)
    }

    fn labels(&mut self) -> Result<Vec<String>, Refusal> {
        let mut labels = Vec::new();
        while self.is(":") {
            labels.push(self.name()?);
        }
        Ok(labels)
    }

    fn count(&mut self, what: &'static str) {
        *self.outcome.stats.entry(what).or_default() += 1;
    }

    fn clause(&mut self, rows: Vec<Row>) -> Result<Vec<Row>, Refusal> {
        let word = self.name()?;
        match word.as_str() {
            "UNWIND" => {
                let from = self.at;
                let mut out = Vec::new();
                let mut end = from;
                let mut variable = String::new();
                for row in rows {
                    self.at = from;
                    let list = self.value(&row)?;
                    self.want("AS")?;
                    variable = self.name()?;
                    end = self.at;
                    for value in list.as_list().unwrap_or_default() {
                        let mut row = row.clone();
                        row.insert(variable.clone(), Cell::Value(value.clone()));
                        out.push(row);
                    }
                }
                assert!(!variable.is_empty());
                self.at = end;
                Ok(out)
            }
            "MATCH" => self.matches(rows, false),
            "OPTIONAL" => {
                self.want("MATCH")?;
                self.matches(rows, true)
            }
            "CREATE" => self.each(rows, Self::create),
            "SET" => self.each(rows, Self::set),
            "REMOVE" => self.each(rows, |run, row| {
                let variable = run.name()?;
                let labels = run.labels()?;
                let Some(Cell::Node(id)) = row.get(&variable) else { return unparsed(&variable) };
                run.node(*id, |node| node.labels.retain(|label| !labels.contains(label)))
            }),
            "DETACH" => {
                self.want("DELETE")?;
                self.each(rows, |run, row| run.delete(row, true))
            }
            "DELETE" => self.each(rows, |run, row| run.delete(row, false)),
            "WITH" => {
                let (columns, values) = self.project(rows)?;
                let mut out: Vec<Row> =
                    values.into_iter().map(|row| columns.iter().cloned().zip(row).collect()).collect();
                if self.is("WHERE") {
                    out = self.filter(out)?;
                }
                Ok(out)
            }
            "RETURN" => {
                let (columns, values) = self.project(rows)?;
                self.outcome.columns = columns;
                let told = values.into_iter().map(|row| row.iter().map(|cell| self.told(cell)).collect());
                let told: Vec<Vec<Value>> = told.collect();
                self.outcome.rows = told;
                Ok(Vec::new())
            }
            other => unparsed(other),
        }
    }

    /// Does a clause for each row; without rows it is passed over.
    fn each(
        &mut self,
        mut rows: Vec<Row>,
        work: impl Fn(&mut Self, &mut Row) -> Result<(), Refusal>,
    ) -> Result<Vec<Row>, Refusal> {
        let from = self.at;
        if rows.is_empty() {
            const NEXT: [&str; 10] =
                ["UNWIND", "MATCH", "OPTIONAL", "CREATE", "SET", "REMOVE", "DELETE", "DETACH", "WITH", "RETURN"];
            while self.peek().is_some_and(|token| !matches!(token, Token::Word(word) if NEXT.contains(&word.as_str())))
            {
                self.at += 1;
            }
            return Ok(rows);
        }
        for row in &mut rows {
            self.at = from;
            work(self, row)?;
        }
        Ok(rows)
    }

    /// Node pattern: variable, labels.
    fn end(&mut self) -> Result<(String, Vec<String>), Refusal> {
        self.want("(")?;
        let variable = if matches!(self.peek(), Some(Token::Word(_))) { self.name()? } else { String::new() };
        let labels = self.labels()?;
        self.want(")")?;
        Ok((variable, labels))
    }

    fn matches(&mut self, rows: Vec<Row>, optional: bool) -> Result<Vec<Row>, Refusal> {
        let (start, labels) = self.end()?;
        let mut edge = None;
        if self.is("-") {
            self.want("[")?;
            let variable = self.name()?;
            let kind = self.labels()?;
            self.want("]")?;
            let directed = if self.is("->") { true } else { self.want("-").map(|()| false)? };
            let (end, _) = self.end()?;
            edge = Some((variable, kind, directed, end));
        }
        let from = self.at;
        let filtered = matches!(self.peek(), Some(Token::Word(word)) if word == "WHERE");
        // By id: WHERE id(x) = …
        let by_id = filtered
            && matches!(self.tokens.get(self.at + 1), Some(Token::Word(word)) if word == "id")
            && matches!(self.tokens.get(self.at + 5), Some(Token::Sign("=")));
        let mut out = Vec::new();
        for row in rows {
            let mut found = Vec::new();
            let wanted = match by_id {
                true => {
                    self.at = from + 6;
                    self.value(&row)?.as_integer()
                }
                false => None,
            };
            let graph = self.store.seen(self.transaction);
            let fits = |id: &i64| {
                graph.nodes.get(id).is_some_and(|node| labels.iter().all(|label| node.labels.contains(label)))
            };
            match &edge {
                None => {
                    let ids: Vec<i64> = match by_id {
                        true => wanted.filter(fits).into_iter().collect(),
                        false => graph.nodes.keys().filter(|id| fits(id)).copied().collect(),
                    };
                    for id in ids {
                        let mut row = row.clone();
                        row.insert(start.clone(), Cell::Node(id));
                        found.push(row);
                    }
                }
                Some((variable, kind, directed, end)) => {
                    let bound = |name: &str| match row.get(name) {
                        Some(Cell::Node(id)) => Some(*id),
                        _ => None,
                    };
                    let (a, b) = (bound(&start), bound(end));
                    let ids: Vec<i64> = match (by_id, a) {
                        (true, _) => wanted.into_iter().collect(),
                        (_, Some(a)) => {
                            graph.nodes.get(&a).map_or(Vec::new(), |node| node.relationships.iter().copied().collect())
                        }
                        _ => graph.relationships.keys().copied().collect(),
                    };
                    for id in ids {
                        let Some(found_one) = graph.relationships.get(&id) else { continue };
                        let fits = |x: i64, y: i64| a.is_none_or(|a| a == x) && b.is_none_or(|b| b == y);
                        let right =
                            fits(found_one.start, found_one.end) || !directed && fits(found_one.end, found_one.start);
                        if !right || !(kind.is_empty() || kind[0] == found_one.kind) {
                            continue;
                        }
                        let mut row = row.clone();
                        row.insert(variable.clone(), Cell::Relationship(id));
                        if !start.is_empty() {
                            row.insert(start.clone(), Cell::Node(found_one.start));
                        }
                        if !end.is_empty() {
                            row.insert(end.clone(), Cell::Node(found_one.end));
                        }
                        found.push(row);
                    }
                }
            }
            self.at = from;
            if self.is("WHERE") {
                found = self.filter(found)?;
            }
            if found.is_empty() && optional {
                let mut row = row;
                if let Some((variable, ..)) = &edge {
                    row.insert(variable.clone(), Cell::Value(Value::Null));
                }
                found.push(row);
            }
            out.extend(found);
        }
        self.at = from;
        if self.is("WHERE") {
            self.filter(vec![])?;
        }
        Ok(out)
    }

    /// Conditions joined by AND.
    fn filter(&mut self, rows: Vec<Row>) -> Result<Vec<Row>, Refusal> {
        let from = self.at;
        let mut out = Vec::new();
        // A first time for the position behind it, with nothing bound.
        let mut end = from;
        let nothing = Row::new();
        for (dry, row) in std::iter::once((true, &nothing)).chain(rows.iter().map(|row| (false, row))) {
            self.at = from;
            let mut holds = true;
            loop {
                let left = self.cell(row, dry)?;
                if self.is("IS") {
                    self.want("NOT")?;
                    self.want("NULL")?;
                    holds &= !matches!(left, Cell::Value(Value::Null));
                } else {
                    self.want("=")?;
                    let right = self.cell(row, dry)?;
                    holds &= matches!((&left, &right), (Cell::Value(a), Cell::Value(b)) if a == b && *a != Value::Null);
                }
                if !self.is("AND") {
                    break;
                }
            }
            end = self.at;
            if holds && !dry {
                out.push(row.clone());
            }
        }
        self.at = end;
        Ok(out)
    }

    fn value(&mut self, row: &Row) -> Result<Value, Refusal> {
        match self.cell(row, false)? {
            Cell::Value(value) => Ok(value),
            Cell::Node(_) | Cell::Relationship(_) => refuse(CLIENT, "'vertex' cannot be used as a property value."),
        }
    }

    /// An expression; a dry one is only passed over.
    fn cell(&mut self, row: &Row, dry: bool) -> Result<Cell, Refusal> {
        let token = self.peek().cloned();
        self.at += 1;
        match token {
            Some(Token::Number(number)) => Ok(Cell::Value(number.into())),
            Some(Token::Text(text)) => Ok(Cell::Value(text.as_str().into())),
            Some(Token::Parameter(name)) => match self.parameters.get(&name) {
                Some(value) => Ok(Cell::Value(value.clone())),
                None if dry => Ok(Cell::Value(Value::Null)),
                None => refuse(CLIENT, format!("Parameter ${name} not provided.")),
            },
            Some(Token::Sign("[")) => {
                let mut list = Vec::new();
                while !self.is("]") {
                    list.push(self.value(row)?);
                    self.is(",");
                }
                Ok(Cell::Value(Value::List(list)))
            }
            Some(Token::Word(word)) if self.is("(") => {
                let inner = self.cell(row, dry)?;
                self.want(")")?;
                match (word.as_str(), inner) {
                    ("id", Cell::Node(id) | Cell::Relationship(id)) => Ok(Cell::Value(id.into())),
                    ("localDateTime", Cell::Value(Value::String(text))) => {
                        let at: jiff::civil::DateTime = text.parse().unwrap();
                        let stamp = at.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_nanosecond();
                        let seconds = stamp.div_euclid(1_000_000_000) as i64;
                        let nanoseconds = stamp.rem_euclid(1_000_000_000) as u32;
                        Ok(Cell::Value(Value::LocalDateTime(LocalDateTime { seconds, nanoseconds })))
                    }
                    (_, _) if dry => Ok(Cell::Value(Value::Null)),
                    (name, _) => refuse(CLIENT, format!("Function '{name}' doesn't exist.")),
                }
            }
            Some(Token::Word(word)) => {
                if self.is(".") {
                    let key = self.name()?;
                    let graph = self.store.seen(self.transaction);
                    let properties = match row.get(&word) {
                        Some(Cell::Node(id)) => graph.nodes.get(id).map(|node| &node.properties),
                        Some(Cell::Relationship(id)) => graph.relationships.get(id).map(|edge| &edge.properties),
                        _ => None,
                    };
                    let value = properties.and_then(|map| map.get(&key)).cloned().unwrap_or(Value::Null);
                    return Ok(Cell::Value(value));
                }
                let cell = row.get(&word).cloned();
                if self.is("[") {
                    let place = self.value(row)?.as_integer().unwrap();
                    self.want("]")?;
                    let Some(Cell::Value(Value::List(list))) = cell else { return Ok(Cell::Value(Value::Null)) };
                    return Ok(Cell::Value(list.get(place as usize).cloned().unwrap_or(Value::Null)));
                }
                match cell {
                    Some(cell) => Ok(cell),
                    None if dry => Ok(Cell::Value(Value::Null)),
                    None => refuse(CLIENT, format!("Unbound variable: {word}.")),
                }
            }
            other => unparsed(&format!("{other:?}")),
        }
    }

    /// Columns and rows of WITH or RETURN; with count(…) the other columns are what is grouped by.
    fn project(&mut self, rows: Vec<Row>) -> Result<(Vec<String>, Vec<Vec<Cell>>), Refusal> {
        let from = self.at;
        let mut columns: Vec<(String, bool, (usize, usize))> = Vec::new();
        loop {
            let start = self.at;
            let counts = matches!(self.peek(), Some(Token::Word(word)) if word == "count");
            self.cell(&Row::new(), true)?;
            let end = self.at;
            let alias = if self.is("AS") { Some(self.name()?) } else { None };
            let name = alias.unwrap_or_else(|| match &self.tokens[start..end] {
                [Token::Word(word)] => word.clone(),
                tokens => format!("{tokens:?}"),
            });
            columns.push((name, counts, (start, end)));
            if !self.is(",") {
                break;
            }
        }
        let end = self.at;
        let mut out: Vec<Vec<Cell>> = Vec::new();
        let mut groups: BTreeMap<String, usize> = BTreeMap::new();
        let aggregates = columns.iter().any(|(_, counts, _)| *counts);
        for row in &rows {
            let mut cells = Vec::new();
            for (_, counts, (start, _)) in &columns {
                self.at = if *counts { start + 2 } else { *start };
                let cell = self.cell(row, false)?;
                cells.push(match counts {
                    true => Cell::Value(i64::from(!matches!(cell, Cell::Value(Value::Null))).into()),
                    false => cell,
                });
            }
            if !aggregates {
                out.push(cells);
                continue;
            }
            let by: Vec<&Cell> =
                cells.iter().zip(&columns).filter(|(_, column)| !column.1).map(|(cell, _)| cell).collect();
            let key = format!("{by:?}");
            let place = *groups.entry(key).or_insert(out.len());
            if place == out.len() {
                out.push(cells);
                continue;
            }
            for ((sum, cell), (_, counts, _)) in out[place].iter_mut().zip(cells).zip(&columns) {
                if let (true, Cell::Value(Value::Integer(sum)), Cell::Value(Value::Integer(one))) = (counts, sum, cell)
                {
                    *sum += one;
                }
            }
        }
        if aggregates && out.is_empty() && columns.iter().all(|(_, counts, _)| *counts) {
            out.push(columns.iter().map(|_| Cell::Value(0.into())).collect());
        }
        self.at = end;
        let _ = from;
        Ok((columns.into_iter().map(|(name, ..)| name).collect(), out))
    }

    fn told(&self, cell: &Cell) -> Value {
        let graph = self.store.seen(self.transaction);
        let map = |map: &Map| sent(&Value::Map(map.clone()));
        match cell {
            Cell::Value(value) => sent(value),
            Cell::Node(id) => {
                let node = &graph.nodes[id];
                let labels = node.labels.iter().map(|label| Value::from(label.as_str())).collect();
                let id_text = id.to_string();
                Value::Structure(
                    0x4E,
                    vec![(*id).into(), Value::List(labels), map(&node.properties), id_text.as_str().into()],
                )
            }
            Cell::Relationship(id) => {
                let edge = &graph.relationships[id];
                let texts = [*id, edge.start, edge.end].map(|id| Value::from(id.to_string().as_str()));
                let mut fields = vec![
                    (*id).into(),
                    edge.start.into(),
                    edge.end.into(),
                    edge.kind.as_str().into(),
                    map(&edge.properties),
                ];
                fields.extend(texts);
                Value::Structure(0x52, fields)
            }
        }
    }

    fn node(&mut self, id: i64, change: impl FnOnce(&mut Node)) -> Result<(), Refusal> {
        self.store.write(self.transaction, Key::Node(id))?;
        if let Some(node) = self.store.graph(self.transaction).nodes.get_mut(&id) {
            change(Arc::make_mut(node));
        }
        Ok(())
    }

    /// `(n:A {k: v})`, or `(a)-[r:T]->(b)` between nodes that are bound.
    fn create(&mut self, row: &mut Row) -> Result<(), Refusal> {
        self.want("(")?;
        let start = self.name()?;
        let labels = self.labels()?;
        let mut properties = Map::new();
        if self.is("{") {
            while !self.is("}") {
                let key = self.name()?;
                self.want(":")?;
                let value = self.value(row)?;
                properties.insert(key, value);
                self.is(",");
            }
        }
        self.want(")")?;
        if !self.is("-") {
            let id = self.store.new_id();
            self.store.write(self.transaction, Key::Node(id))?;
            let mut seen = BTreeSet::new();
            let labels = labels.into_iter().filter(|label| seen.insert(label.clone())).collect();
            let node = Node { labels, properties, relationships: BTreeSet::new() };
            self.store.graph(self.transaction).nodes.insert(id, Arc::new(node));
            row.insert(start, Cell::Node(id));
            self.count("nodes-created");
            return Ok(());
        }
        self.want("[")?;
        let variable = self.name()?;
        let kind = self.labels()?.remove(0);
        self.want("]")?;
        self.want("->")?;
        let (end, _) = self.end()?;
        let (Some(Cell::Node(a)), Some(Cell::Node(b))) = (row.get(&start).cloned(), row.get(&end).cloned()) else {
            return unparsed("ends");
        };
        let id = self.store.new_id();
        self.store.write(self.transaction, Key::Relationship(id))?;
        for end in [a, b] {
            self.node(end, |node| _ = node.relationships.insert(id))?;
        }
        let edge = Relationship { start: a, end: b, kind, properties: Map::new() };
        self.store.graph(self.transaction).relationships.insert(id, Arc::new(edge));
        row.insert(variable, Cell::Relationship(id));
        self.count("relationships-created");
        Ok(())
    }

    fn set(&mut self, row: &mut Row) -> Result<(), Refusal> {
        loop {
            let variable = self.name()?;
            let Some(cell) = row.get(&variable).cloned() else { return unparsed(&variable) };
            if matches!(self.peek(), Some(Token::Sign(":"))) {
                let labels = self.labels()?;
                let Cell::Node(id) = cell else { return unparsed(&variable) };
                self.node(id, |node| {
                    for label in labels {
                        if !node.labels.contains(&label) {
                            node.labels.push(label);
                        }
                    }
                })?;
            } else {
                let key = if self.is(".") { Some(self.name()?) } else { None };
                let adds = self.is("+=");
                if !adds {
                    self.want("=")?;
                }
                // What a function makes is no parameter.
                let made = matches!(self.peek(), Some(Token::Word(word)) if word == "localDateTime");
                let value = self.value(row)?;
                let value = if made { value } else { taken(&value) };
                self.check_enums(&value)?;
                let change = |properties: &mut Map| {
                    let new = match (key, value) {
                        (Some(key), value) => Map::from_iter([(key, value)]),
                        (None, Value::Map(map)) => {
                            if !adds {
                                properties.clear();
                            }
                            map
                        }
                        (None, other) => panic!("SET x = {other:?}"),
                    };
                    for (key, value) in new {
                        match value {
                            Value::Null => _ = properties.shift_remove(&key),
                            value => _ = properties.insert(key, value),
                        }
                    }
                };
                match cell {
                    Cell::Node(id) => self.node(id, |node| change(&mut node.properties))?,
                    Cell::Relationship(_) if self.no_edge_properties => {
                        return refuse(CLIENT, "Can't set property because properties on edges are disabled.");
                    }
                    Cell::Relationship(id) => {
                        self.store.write(self.transaction, Key::Relationship(id))?;
                        let edges = &mut self.store.graph(self.transaction).relationships;
                        change(&mut Arc::make_mut(edges.get_mut(&id).unwrap()).properties);
                    }
                    Cell::Value(_) => return unparsed(&variable),
                }
            }
            if !self.is(",") {
                return Ok(());
            }
        }
    }

    fn check_enums(&self, value: &Value) -> Result<(), Refusal> {
        match value {
            Value::Enum(text) if !self.store.schema.knows_enum(text) => {
                refuse(CLIENT, format!("Invalid enum '{text}'"))
            }
            Value::List(list) => list.iter().try_for_each(|value| self.check_enums(value)),
            Value::Map(map) => map.values().try_for_each(|value| self.check_enums(value)),
            _ => Ok(()),
        }
    }

    fn delete(&mut self, row: &mut Row, detach: bool) -> Result<(), Refusal> {
        let variable = self.name()?;
        match row.get(&variable) {
            Some(Cell::Relationship(id)) => self.delete_relationship(*id),
            Some(Cell::Node(id)) => {
                let id = *id;
                let Some(node) = self.store.seen(self.transaction).nodes.get(&id).cloned() else { return Ok(()) };
                if !detach && !node.relationships.is_empty() {
                    return refuse(CLIENT, "Failed to remove node because of it's existing connections.");
                }
                for edge in &node.relationships {
                    self.delete_relationship(*edge)?;
                }
                self.store.write(self.transaction, Key::Node(id))?;
                self.store.graph(self.transaction).nodes.remove(&id);
                self.count("nodes-deleted");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn delete_relationship(&mut self, id: i64) -> Result<(), Refusal> {
        let Some(edge) = self.store.seen(self.transaction).relationships.get(&id).cloned() else { return Ok(()) };
        self.store.write(self.transaction, Key::Relationship(id))?;
        for end in [edge.start, edge.end] {
            self.node(end, |node| _ = node.relationships.remove(&id))?;
        }
        self.store.graph(self.transaction).relationships.remove(&id);
        self.count("relationships-deleted");
        Ok(())
    }
}
