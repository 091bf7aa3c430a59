//! A real HugeGraph server, whose graph t4 is emptied and given a schema by tests/witness/hugegraph.py, which shares no code with us.
//!
//! What cannot apply, and why:
//! - **Cases with several labels or none, with one property of several types, with parallel relationships, with names or types of their own**: a graph of HugeGraph has a schema, and that has none
//!   of them. [`graphs_of_its_own_model`] draws graphs that it has.
//! - **Uniqueness constraints, `schema` as a whole**: its kinds of schema elements are its own; tests/hugegraph.rs has them.
//! - **Batches that bring the same ids again as new nodes**: here an id of the dump is one vertex, whichever batch brings it, so that a batch can be sent twice.
//! - **A fence against another session, a record that another process reads while the first one writes**: the journal has a lock, and whoever comes second is refused at once.
//! - **Exactly what a node consists of**: it has its id among its properties, as `~id`.
//! - **Missing ends**: REST would write such edges; whoever restores looks at the ends first.

use crate::backend::{Backend, load, normalise, read};
use crate::support::tool::hugegraph_alone;
use crate::support::{Graph, Limits, Same};
use graphferry::backend::{self, Access, Location, Source, Target};
use graphferry::model::{Consistency, Map, Value};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

/// What the cases write; and two labels with a key of each type. The mode is that of a merge, in which vertices have the ids that they are sent with.
const SCHEMA: &str = "
import sys
sys.path.insert(0, sys.argv[1])
from hugegraph import *
g = Graph(sys.argv[2], 't4')
g('DELETE', '/clear?confirm_message=I%27m+sure+to+delete+all+data')
types = {'n': 'LONG', 'flag': 'BOOLEAN', 'ratio': 'DOUBLE', 'text': 'TEXT', 'bytes': 'BLOB', 'words': 'TEXT', 'numbers': 'LONG'}
for name, kind in types.items():
    g('POST', '/schema/propertykeys', {'name': name, 'data_type': kind, 'cardinality': 'LIST' if name in ('words', 'numbers') else 'SINGLE'})
for name, strategy in [('N', 'AUTOMATIC'), ('Number', 'CUSTOMIZE_NUMBER'), ('Text', 'CUSTOMIZE_STRING')]:
    g('POST', '/schema/vertexlabels', {'name': name, 'id_strategy': strategy, 'properties': list(types), 'nullable_keys': list(types), 'enable_label_index': True})
for name, a, b in [('R', 'N', 'N'), ('JOINS', 'Number', 'Text'), ('NEXT', 'Number', 'Number')]:
    g('POST', '/schema/edgelabels', {'name': name, 'source_label': a, 'target_label': b, 'properties': list(types), 'nullable_keys': list(types),
        'frequency': 'SINGLE', 'enable_label_index': True})
g('PUT', '/mode', 'MERGING')";

pub struct HugeGraph {
    url: String,
    state: tempfile::TempDir,
    _alone: std::fs::File,
}

impl HugeGraph {
    pub fn new() -> Self {
        let alone = hugegraph_alone();
        let url = std::env::var("GRAPHFERRY_TEST_HUGEGRAPH");
        let url = url.expect("GRAPHFERRY_TEST_HUGEGRAPH is not set: run scripts/test, which starts servers");
        let hugegraph = Self { url, state: tempfile::tempdir().unwrap(), _alone: alone };
        hugegraph.wipe();
        hugegraph
    }

    fn place(&self) -> (Location, Access) {
        let location = Location::parse(&format!("{}/t4", self.url)).unwrap().expect("the URL of a graph");
        let mut access = Access::default();
        access.hugegraph.state = Some(self.state.path().to_owned());
        (location, access)
    }
}

impl Drop for HugeGraph {
    fn drop(&mut self) {
        run(
            &self.url,
            "import sys\nsys.path.insert(0, sys.argv[1])\nfrom hugegraph import *\ng = Graph(sys.argv[2], 't4')\ng('DELETE', '/clear?confirm_message=I%27m+sure+to+delete+all+data'); g('PUT', '/mode', 'NONE')",
        );
    }
}

/// Runs Python with the witness at hand.
fn run(url: &str, script: &str) {
    let witness = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/witness");
    let mut python = Command::new("python3");
    let output =
        python.args(["-c", script]).arg(witness).arg(url).env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

impl Backend for HugeGraph {
    fn limits(&self) -> Limits {
        // No case that is chosen draws values: see above.
        Limits::ALL
    }

    fn keeps_order(&self) -> bool {
        false
    }

    fn promises(&self) -> Consistency {
        Consistency::None
    }

    fn cases(&self) -> u32 {
        12
    }

    fn target(&self) -> Box<dyn Target> {
        let (location, access) = self.place();
        backend::open_target(&location, &access).unwrap()
    }

    fn source(&self) -> Box<dyn Source> {
        let (location, access) = self.place();
        backend::open_source(&location, &access).unwrap()
    }

    fn wipe(&self) {
        run(&self.url, SCHEMA);
    }
}

/// Some of the properties of the schema, each with a value of its type.
fn properties() -> impl Strategy<Value = Map> {
    let value = |name: &'static str, value: BoxedStrategy<Value>| {
        proptest::option::of(value).prop_map(move |value| value.map(|value| (name.to_owned(), value)))
    };
    let list = |element: BoxedStrategy<Value>| proptest::collection::vec(element, 0..4).prop_map(Value::List).boxed();
    let (text, whole) =
        (|| any::<String>().prop_map(Value::String).boxed(), || any::<i64>().prop_map(Value::from).boxed());
    let all = (
        value("n", whole()),
        value("flag", any::<bool>().prop_map(Value::Boolean).boxed()),
        value("ratio", any::<f64>().prop_map(Value::Float).boxed()),
        value("text", text()),
        value("bytes", any::<Vec<u8>>().prop_map(Value::Bytes).boxed()),
        value("words", list(text())),
        value("numbers", list(whole())),
    );
    all.prop_map(|(n, flag, ratio, text, bytes, words, numbers)| {
        [n, flag, ratio, text, bytes, words, numbers].into_iter().flatten().collect()
    })
}

/// Vertices with numbers and texts as ids, at most one edge of each label between two.
fn graph() -> impl Strategy<Value = Graph> {
    let vertex = (any::<bool>(), any::<i64>(), "\\PC{0,12}", properties());
    let edge = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), properties());
    let parts = (proptest::collection::vec(vertex, 1..20), proptest::collection::vec(edge, 0..30));
    parts.prop_map(|(vertices, edges)| {
        let mut graph = Graph::default();
        let mut seen = std::collections::HashSet::new();
        for (id, (is_number, number, text, mut properties)) in (1..).zip(vertices) {
            let (label, key) = match is_number {
                true => ("Number", Value::Integer(number)),
                // No two are the same, and none is empty.
                false => ("Text", Value::String(format!("{id}{text}"))),
            };
            if seen.insert(format!("{key:?}")) {
                properties.insert("~id".to_owned(), key);
                graph.nodes.push((id, vec![label.to_owned()], properties));
            }
        }
        let numbers: Vec<i64> = graph.nodes.iter().filter(|node| node.1[0] == "Number").map(|node| node.0).collect();
        let mut joined = std::collections::HashSet::new();
        for (id, (start, end, properties)) in (1..).zip(edges) {
            if numbers.is_empty() {
                break;
            }
            let (start, end) = (*start.get(&numbers), end.get(&graph.nodes));
            let name = if end.1[0] == "Number" { "NEXT" } else { "JOINS" };
            if joined.insert((start, end.0)) {
                graph.relationships.push((id, start, end.0, name.to_owned(), properties));
            }
        }
        graph
    })
}

#[test]
fn graphs_of_its_own_model() {
    let hugegraph = HugeGraph::new();
    let config = Config {
        cases: hugegraph.cases(),
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(7),
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&graph(), |graph| {
        hugegraph.wipe();
        load(&*hugegraph.target(), &graph);
        let mut back = read(&mut *hugegraph.source());
        // What a vertex is says its own id: the numbers of texts are those of whoever reads.
        let own = |node: &(i64, Vec<String>, Map)| format!("{:?}", node.2["~id"]);
        let ours: HashMap<String, i64> = graph.nodes.iter().map(|node| (own(node), node.0)).collect();
        let ours: HashMap<i64, i64> = back.nodes.iter().map(|node| (node.0, ours[&own(node)])).collect();
        back.nodes.iter_mut().for_each(|node| node.0 = ours[&node.0]);
        back.relationships.iter_mut().for_each(|edge| (edge.1, edge.2) = (ours[&edge.1], ours[&edge.2]));
        back.schema.objects.clear();
        normalise(graph, false).assert_same(&normalise(back, false), Same::ALL);
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}
