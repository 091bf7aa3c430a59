//! Writes Memgraph's snapshots and logs, from the description of the format alone: nothing of the reader's code is in it, so that it is a witness.
//!
//! Snapshots are of format 31 (Memgraph 3.6), logs of any format from 14 to 37.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

pub const UUID: &str = "11111111-2222-3333-4444-555555555555";
const EPOCH: &str = "99999999-8888-7777-6666-555555555555";

/// Bytes that are put one after the other.
#[derive(Clone, Debug, Default)]
pub struct Bytes(pub Vec<u8>);

/// A value.
#[derive(Clone, Debug)]
pub enum V {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(&'static str),
    List(Vec<V>),
    Map(Vec<(&'static str, V)>),
    /// Kind (0 date, 1 local time, 2 local date-time, 3 duration) and microseconds.
    Temporal(u64, i64),
    Zoned(i64, &'static str),
    Shifted(i64, i64),
    Enum(u64, u64),
    Point2(u64, f64, f64),
    Point3(u64, f64, f64, f64),
    Vector(Vec<&'static str>, Vec<f64>),
}

impl Bytes {
    pub fn byte(&mut self, byte: u8) -> &mut Self {
        self.0.push(byte);
        self
    }

    pub fn raw(&mut self, number: u64) -> &mut Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    pub fn uint(&mut self, number: u64) -> &mut Self {
        self.byte(0x12).raw(number)
    }

    pub fn boolean(&mut self, is_true: bool) -> &mut Self {
        self.byte(0x11).byte(if is_true { 0xFF } else { 0 })
    }

    pub fn double(&mut self, number: f64) -> &mut Self {
        self.byte(0x13).raw(number.to_bits())
    }

    pub fn text(&mut self, text: &str) -> &mut Self {
        self.byte(0x14).raw(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    pub fn texts(&mut self, texts: &[&str]) -> &mut Self {
        self.uint(texts.len() as u64);
        for text in texts {
            self.text(text);
        }
        self
    }

    pub fn uints(&mut self, numbers: &[u64]) -> &mut Self {
        self.uint(numbers.len() as u64);
        for number in numbers {
            self.uint(*number);
        }
        self
    }

    pub fn value(&mut self, value: &V) -> &mut Self {
        self.byte(0x17);
        match value {
            V::Null => self.byte(0x10),
            V::Bool(is_true) => self.boolean(*is_true),
            V::Int(number) => self.uint(*number as u64),
            V::Double(number) => self.double(*number),
            V::Text(text) => self.text(text),
            V::List(values) => {
                self.byte(0x15).raw(values.len() as u64);
                for value in values {
                    self.value(value);
                }
                self
            }
            V::Map(members) => {
                self.byte(0x16).raw(members.len() as u64);
                for (key, value) in members {
                    self.text(key).value(value);
                }
                self
            }
            V::Temporal(kind, amount) => self.byte(0x18).uint(*kind).uint(*amount as u64),
            V::Zoned(amount, zone) => self.byte(0x19).uint(0).uint(*amount as u64).text(zone),
            V::Shifted(amount, minutes) => self.byte(0x19).uint(0).uint(*amount as u64).uint(*minutes as u64),
            V::Enum(kind, value) => self.byte(0x1A).raw(*kind).raw(*value),
            V::Point2(srid, x, y) => self.byte(0x1B).uint(*srid).double(*x).double(*y),
            V::Point3(srid, x, y, z) => self.byte(0x1C).uint(*srid).double(*x).double(*y).double(*z),
            V::Vector(names, elements) => {
                self.byte(0x1D).raw(names.len() as u64);
                for name in names {
                    self.text(name);
                }
                self.raw(elements.len() as u64);
                for element in elements {
                    self.double(*element);
                }
                self
            }
        }
    }
}

/// CRC-32 as in zlib, bit by bit.
pub fn crc(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 };
        }
    }
    !sum
}

/// A write-ahead log.
#[derive(Clone)]
pub struct Log {
    version: u64,
    sequence: u64,
    uuid: String,
    deltas: Bytes,
    /// Where each transaction ends in the deltas.
    pub ends: Vec<usize>,
    span: Option<(u64, u64)>,
    count: u64,
    /// Format 37: write a summary, as a finished log has one.
    pub is_finished: bool,
}

/// A transaction under way.
pub struct Transaction<'a> {
    log: &'a mut Log,
    timestamp: u64,
}

impl Log {
    pub fn new(version: u64, sequence: u64) -> Self {
        Self {
            version,
            sequence,
            uuid: UUID.to_owned(),
            deltas: Bytes::default(),
            ends: Vec::new(),
            span: None,
            count: 0,
            is_finished: false,
        }
    }

    pub fn of(mut self, uuid: &str) -> Self {
        uuid.clone_into(&mut self.uuid);
        self
    }

    /// A transaction that was committed.
    pub fn commit(&mut self, timestamp: u64, deltas: impl FnOnce(&mut Transaction<'_>)) -> &mut Self {
        self.transaction(timestamp, true, deltas)
    }

    pub fn transaction(
        &mut self,
        timestamp: u64,
        is_committed: bool,
        deltas: impl FnOnce(&mut Transaction<'_>),
    ) -> &mut Self {
        let start = self.deltas.0.len();
        let version = self.version;
        let mut transaction = Transaction { log: self, timestamp };
        if version >= 28 {
            let bytes = transaction.delta(0x77);
            bytes.boolean(is_committed);
            if version >= 30 {
                bytes.uint(1);
            }
        }
        deltas(&mut transaction);
        let bytes = transaction.delta(0x58);
        if version >= 36 {
            bytes.byte(0x12);
            let sum = crc(&bytes.0[start..]);
            bytes.raw(u64::from(sum));
        }
        self.ends.push(self.deltas.0.len());
        self.span = Some((self.span.map_or(timestamp, |(first, _)| first), timestamp));
        self
    }

    /// The length of the file up to the end of a transaction.
    pub fn length(&self, transactions: usize) -> usize {
        let header = self.bytes().len() - self.deltas.0.len();
        header + if transactions == 0 { 0 } else { self.ends[transactions - 1] }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut metadata = Bytes::default();
        metadata.byte(0x23).text(&self.uuid).text(EPOCH).uint(self.sequence);
        let mut head = Bytes(b"MGwl".to_vec());
        let from = 4 + 8 + 1 + 18;
        let sums = match self.version {
            ..36 => 0,
            36 => 9,
            _ => 9 + 4 * 9,
        };
        head.raw(self.version).byte(0x42).uint(from).uint(from + metadata.0.len() as u64 + sums);
        head.0.extend(metadata.0);
        if self.version >= 36 {
            head.byte(0x12);
            let sum = crc(&head.0);
            head.raw(u64::from(sum));
        }
        if self.version >= 37 {
            let start = head.0.len();
            let (from, to) = self.span.filter(|_| self.is_finished).unwrap_or_default();
            head.uint(from).uint(to).uint(if self.is_finished { self.count } else { 0 }).byte(0x12);
            let sum = crc(&head.0[start..]);
            head.raw(u64::from(sum));
        }
        head.0.extend_from_slice(&self.deltas.0);
        head.0
    }

    pub fn write(&self, folder: &Path, name: &str) -> std::path::PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, self.bytes()).unwrap();
        path
    }
}

impl Transaction<'_> {
    /// Begins a delta; its fields are put by the caller.
    pub fn delta(&mut self, kind: u8) -> &mut Bytes {
        self.log.count += 1;
        let timestamp = self.timestamp;
        self.log.deltas.byte(0x26).uint(timestamp).byte(kind)
    }

    pub fn node(&mut self, id: u64, labels: &[&str], properties: &[(&str, V)]) {
        self.delta(0x50).uint(id);
        for label in labels {
            self.delta(0x52).uint(id).text(label);
        }
        for (name, value) in properties {
            self.set(id, name, value);
        }
    }

    pub fn set(&mut self, id: u64, name: &str, value: &V) {
        self.delta(0x54).uint(id).text(name).value(value);
    }

    pub fn relationship(&mut self, id: u64, kind: &str, from: u64, to: u64) {
        self.delta(0x55).uint(id).text(kind).uint(from).uint(to);
    }

    pub fn set_on_relationship(&mut self, id: u64, name: &str, value: &V, (from, to, kind): (u64, u64, &str)) {
        let version = self.log.version;
        let bytes = self.delta(0x57).uint(id).text(name).value(value);
        if version >= 21 {
            bytes.uint(from);
        }
        if version >= 33 {
            bytes.uint(to).text(kind);
        }
    }
}

/// What a snapshot of format 31 holds beside nodes and relationships; names by the ids that are their positions.
#[derive(Clone, Debug)]
pub struct Sections {
    pub uuid: String,
    pub timestamp: u64,
    pub names: Vec<String>,
    pub enums: Vec<(String, Vec<String>)>,
    /// Labels.
    pub label_indexes: Vec<u64>,
    /// Text indexes on nodes: name, label.
    pub text_indexes: Vec<(String, u64)>,
    /// Existence constraints.
    pub existence: Vec<(u64, u64)>,
}

impl Default for Sections {
    fn default() -> Self {
        let names = ["Person", "City", "KNOWS", "id", "name", "score", "since"].map(str::to_owned).to_vec();
        Self {
            uuid: UUID.to_owned(),
            timestamp: 100,
            names,
            enums: Vec::new(),
            label_indexes: vec![0],
            text_indexes: Vec::new(),
            existence: Vec::new(),
        }
    }
}

/// Writes a snapshot of so many people who know each other, as a stream. The graph: node `n` has the properties `id` (n), `name` (`person n`) and
/// `score` (n / 3), every tenth is a City too; relationship `e` goes from node e mod nodes to node (7919 e + 1) mod nodes and has `since` (e).
pub fn snapshot(path: &Path, nodes: u64, relationships: u64, sections: &Sections) {
    let file = std::fs::File::create(path).unwrap();
    let mut out = Counting { to: BufWriter::with_capacity(1 << 20, file), at: 0 };
    let mut offsets = [0_u64; 12];
    let mut head = Bytes(b"MGsn".to_vec());
    head.raw(31).byte(0x42);
    for _ in offsets {
        head.uint(0);
    }
    out.put(&head);
    let ends = |edge: u64| (edge % nodes, (edge * 7919 + 1) % nodes);
    // Who comes in where, by counting.
    let mut first = vec![0_u32; nodes as usize + 1];
    (0..relationships).for_each(|edge| first[ends(edge).1 as usize + 1] += 1);
    for at in 0..nodes as usize {
        first[at + 1] += first[at];
    }
    let (mut next, mut incoming) = (first.clone(), vec![0_u32; relationships as usize]);
    for edge in 0..relationships {
        let to = ends(edge).1 as usize;
        incoming[next[to] as usize] = edge as u32;
        next[to] += 1;
    }
    let mut bytes = Bytes::default();
    offsets[0] = out.at;
    for edge in 0..relationships {
        bytes.byte(0x21).uint(edge).uint(1).uint(6).value(&V::Int(edge as i64));
        out.put_and_clear(&mut bytes);
    }
    offsets[1] = out.at;
    for node in 0..nodes {
        bytes.byte(0x20).uint(node);
        bytes.uints(if node % 10 == 0 { &[0, 1] } else { &[0] });
        bytes.uint(3).uint(3).value(&V::Int(node as i64));
        bytes.uint(4).byte(0x17).text(&format!("person {node}")).uint(5).value(&V::Double(node as f64 / 3.0));
        let edges = &incoming[first[node as usize] as usize..first[node as usize + 1] as usize];
        bytes.uint(edges.len() as u64);
        for edge in edges {
            bytes.uint(u64::from(*edge)).uint(ends(u64::from(*edge)).0).uint(2);
        }
        let outgoing: Vec<u64> = (node..relationships).step_by(nodes as usize).collect();
        bytes.uint(outgoing.len() as u64);
        for edge in outgoing {
            bytes.uint(edge).uint(ends(edge).1).uint(2);
        }
        out.put_and_clear(&mut bytes);
    }
    offsets[2] = out.at;
    bytes.byte(0x24).uints(&sections.label_indexes);
    // Statistics, indexes on properties, statistics of those.
    bytes.uint(0).uint(0).uint(0);
    out.put_and_clear(&mut bytes);
    offsets[3] = out.at;
    // Types, types with properties, properties, points, vectors on nodes, vectors on relationships.
    bytes.byte(0x28).uint(0).uint(0).uint(0).uint(0).uint(0).uint(0);
    bytes.uint(sections.text_indexes.len() as u64);
    for (name, label) in &sections.text_indexes {
        bytes.text(name).uint(*label).uint(0);
    }
    bytes.uint(0);
    out.put_and_clear(&mut bytes);
    offsets[4] = out.at;
    bytes.byte(0x25).uint(sections.existence.len() as u64);
    for (label, property) in &sections.existence {
        bytes.uint(*label).uint(*property);
    }
    bytes.uint(0).uint(0);
    out.put_and_clear(&mut bytes);
    offsets[5] = out.at;
    bytes.byte(0x22).uint(sections.names.len() as u64);
    for (id, name) in sections.names.iter().enumerate() {
        bytes.uint(id as u64).text(name);
    }
    out.put_and_clear(&mut bytes);
    offsets[6] = out.at;
    bytes.byte(0x29).uint(sections.enums.len() as u64);
    for (name, values) in &sections.enums {
        bytes.text(name).texts(&values.iter().map(String::as_str).collect::<Vec<_>>());
    }
    out.put_and_clear(&mut bytes);
    offsets[7] = out.at;
    bytes.byte(0x27).uint(0);
    out.put_and_clear(&mut bytes);
    offsets[8] = out.at;
    bytes.byte(0x23).text(&sections.uuid).text(EPOCH).uint(sections.timestamp).uint(sections.timestamp);
    bytes.uint(relationships).uint(nodes).uint(1);
    out.put_and_clear(&mut bytes);
    for (at, (from, count)) in [(offsets[0], relationships), (offsets[1], nodes)].into_iter().enumerate() {
        offsets[9 + at] = out.at;
        bytes.uint(1).uint(from).uint(count);
        out.put_and_clear(&mut bytes);
    }
    offsets[11] = out.at;
    bytes.byte(0x2A).boolean(false);
    out.put_and_clear(&mut bytes);
    bytes.raw(31).byte(0x42);
    offsets.iter().for_each(|offset| _ = bytes.uint(*offset));
    out.to.seek(SeekFrom::Start(4)).unwrap();
    out.to.write_all(&bytes.0).unwrap();
    out.to.flush().unwrap();
}

struct Counting {
    to: BufWriter<std::fs::File>,
    at: u64,
}

impl Counting {
    fn put(&mut self, bytes: &Bytes) {
        self.to.write_all(&bytes.0).unwrap();
        self.at += bytes.0.len() as u64;
    }

    fn put_and_clear(&mut self, bytes: &mut Bytes) {
        self.put(bytes);
        bytes.0.clear();
    }
}
