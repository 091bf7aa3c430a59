//! Any bytes as a CYPHERL dump: the reader must say what is wrong or give pieces that are sound, and what it gave, our writer writes so that it
//! comes back equal, or refuses.
//!
//! The first byte chooses what stands before the rest: nothing, or the first line of a dump of ours in either dialect.
#![no_main]

use graphferry::cypher::Dialect;
use graphferry::format::cypherl::{self, Helper, Options};
use graphferry::format::{Encoder, Piece, Wrote};
use graphferry::model::tally::Counter;
use graphferry::model::{Block, Class, Header, Schema, SchemaObject, Trailer, Value};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeSet;
use std::io::Cursor;

fuzz_target!(|data: &[u8]| {
    let Some((choice, body)) = data.split_first() else { return };
    let mut dump = Vec::new();
    let head = match choice % 4 {
        2 => Some(Dialect::Memgraph),
        3 => Some(Dialect::Neo4j),
        _ => None,
    };
    if let Some(dialect) = head {
        let encoder = cypherl::encoder(Options::new(dialect)).expect("the standard options are good");
        encoder.begin(&Header::default(), &Schema::default(), &mut dump).expect("a head can be written");
    }
    dump.extend_from_slice(body);
    let Ok(pieces) = read(dump, head.is_none()) else { return };
    for (dialect, rows) in [(Dialect::Memgraph, 1), (Dialect::Neo4j, 1), (Dialect::Memgraph, 3)] {
        come_back(&pieces, dialect, rows);
    }
});

/// A graph as a list of things that can be compared.
#[derive(Default)]
struct Graph {
    blocks: Vec<Block>,
    objects: Vec<SchemaObject>,
    statements: Vec<graphferry::format::Statement>,
}

/// Reads all pieces and proves every property map sound. A dump of ours that lacks its last line is an error at the end: what came before counts.
fn read(dump: Vec<u8>, whole: bool) -> graphferry::Result<Graph> {
    let mut decoder = cypherl::decoder(Box::new(Cursor::new(dump)))?;
    let mut graph = Graph::default();
    loop {
        match decoder.next() {
            Ok(Some(Piece::Block(block))) => {
                for item in block.items() {
                    let mut cursor = block.cursor(item);
                    cursor.check().expect("the reader gave properties that are no map");
                    assert!(cursor.is_at_end(), "something follows the properties");
                }
                Counter::default().block(&block).expect("the reader gave a block that no dump can hold");
                graph.blocks.push(block);
            }
            Ok(Some(Piece::Object(object))) => graph.objects.push(object),
            Ok(Some(Piece::Statement(statement))) => graph.statements.push(statement),
            Ok(_) => return Ok(graph),
            Err(error) if whole => return Err(error),
            Err(_) => return Ok(graph),
        }
    }
}

/// Writes the graph and reads it again.
fn come_back(graph: &Graph, dialect: Dialect, rows: usize) {
    let mut taken = (BTreeSet::new(), BTreeSet::new());
    for block in &graph.blocks {
        taken.0.extend(block.kinds().iter().flat_map(|kind| kind.names()).map(ToString::to_string));
        for item in block.items() {
            if let Ok(Value::Map(map)) = Value::read(&mut block.cursor(item)) {
                taken.1.extend(map.into_iter().map(|(key, _)| key));
            }
        }
    }
    let options = Options { helper: Helper::choose(dialect, &taken.0, &taken.1), rows, ..Options::new(dialect) };
    let Ok(encoder) = cypherl::encoder(options) else { return };
    let Ok(dump) = write(graph, &encoder) else { return };
    let shown = String::from_utf8_lossy(&dump).into_owned();
    let again = read(dump, true).unwrap_or_else(|error| panic!("our own dump is not read: {error}\n{shown}"));
    let (mut before, mut after) = (items(&graph.blocks), items(&again.blocks));
    if rows > 1 {
        // Put together by kind.
        before.sort();
        after.sort();
    }
    assert_eq!(before, after, "{shown}");
    let texts = |graph: &Graph| graph.statements.iter().map(|it| it.text.trim().to_owned()).collect::<Vec<_>>();
    assert_eq!(texts(graph), texts(&again), "{shown}");
    assert_eq!(graph.objects.len(), again.objects.len(), "{shown}");
    for object in &graph.objects {
        let same = |other: &SchemaObject| object.is_same_as(other) || dialect == Dialect::Neo4j;
        assert!(again.objects.iter().any(same), "{object:?} is not in {:?}\n{shown}", again.objects);
    }
}

fn write(graph: &Graph, encoder: &dyn Encoder) -> graphferry::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut counter = Counter::default();
    let schema = Schema { objects: graph.objects.clone() };
    encoder.begin(&Header::default(), &schema, &mut out)?;
    let mut wrote = Wrote::default();
    for class in [Class::Nodes, Class::Relationships] {
        for block in graph.blocks.iter().filter(|block| block.class() == class) {
            let known = if class == Class::Nodes { &mut wrote.nodes } else { &mut wrote.relationships };
            if !std::mem::replace(known, true) {
                encoder.open(class, &mut out)?;
            }
            encoder.block(block, &mut out)?;
            counter.block(block)?;
        }
    }
    for statement in &graph.statements {
        encoder.statement(statement, &mut out)?;
        counter.statement();
    }
    encoder.finish(&schema, &Schema::default(), wrote, &mut out)?;
    schema.objects.iter().for_each(|object| counter.object(object));
    let trailer =
        Trailer { tally: counter.tally(), source_changed: None, blake3: blake3::hash(&out).to_hex().to_string() };
    encoder.trailer(&trailer, &mut out)?;
    Ok(out)
}

/// Nodes, then relationships: labels or type, ids, values. Durations in the one form that their length has.
fn items(blocks: &[Block]) -> Vec<String> {
    let mut all = Vec::new();
    for class in [Class::Nodes, Class::Relationships] {
        for block in blocks.iter().filter(|block| block.class() == class) {
            for item in block.items() {
                let id = if class == Class::Nodes { item.id } else { 0 };
                let map = Value::read(&mut block.cursor(item)).map(normal);
                all.push(format!("{:?} {id} {} {} {map:?}", block.kind(item).names(), item.start, item.end));
            }
        }
    }
    all
}

fn normal(value: Value) -> Value {
    match value {
        Value::Float(value) => Value::from(format!("float {:016X}", value.to_bits()).as_str()),
        Value::Duration(duration) => Value::from(
            format!(
                "duration {} {} {}",
                duration.months,
                duration.days,
                i128::from(duration.seconds) * 1_000_000_000 + i128::from(duration.nanoseconds)
            )
            .as_str(),
        ),
        Value::List(values) => Value::List(values.into_iter().map(normal).collect()),
        Value::Map(map) => Value::Map(map.into_iter().map(|(key, value)| (key, normal(value))).collect()),
        value => value,
    }
}
