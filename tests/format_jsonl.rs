//! The JSONL format.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use proptest::prelude::*;
use support::{Graph, Limits, Same, graph};

proptest! {
    #[test]
    fn graphs_survive_blocks(graph in graph::graph(Limits::ALL), size in 1_usize..5) {
        let mut back = Graph::from_blocks(&graph.blocks(size));
        back.schema = graph.schema.clone();
        graph.assert_same(&back, Same::ALL);
    }
}
