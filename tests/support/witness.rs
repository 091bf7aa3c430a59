//! The witness: the driver neo4rs, which shares no code with ours. What it cannot read without a loss, the server turns into text first.

use neo4rs::{Graph, query};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::runtime::Runtime;

/// One test at a time: they share a database.
static TURN: Mutex<()> = Mutex::new(());

/// A connection of the driver.
pub(crate) struct Witness {
    graph: Graph,
    runtime: Runtime,
    _turn: Option<MutexGuard<'static, ()>>,
}

/// A variable that the script `scripts/test` sets.
pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/test"))
}

impl Witness {
    /// Connects to the server that this variable names.
    pub(crate) fn new(name: &str) -> Self {
        Self::with(name, None)
    }

    fn with(name: &str, turn: Option<MutexGuard<'static, ()>>) -> Self {
        let runtime = Runtime::new().unwrap();
        let graph = runtime
            .block_on(async { Graph::new(variable(name), "neo4j", variable("GRAPHFERRY_TEST_PASSWORD")).unwrap() });
        Self { graph, runtime, _turn: turn }
    }

    /// The target, empty, and nobody else's until this goes.
    pub(crate) fn of_empty_target() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let witness = Self::with("GRAPHFERRY_TEST_NEO4J_TARGET", Some(turn));
        witness.wipe();
        witness
    }

    fn wipe(&self) {
        self.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS");
        for (show, drop) in [
            ("SHOW CONSTRAINTS YIELD name", "CONSTRAINT"),
            ("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP'", "INDEX"),
        ] {
            for name in self.strings(&format!("{show} RETURN name AS x")) {
                self.run(&format!("DROP {drop} `{}`", name.replace('`', "``")));
            }
        }
    }

    /// Runs a statement.
    pub(crate) fn run(&self, text: &str) {
        self.runtime.block_on(self.graph.run(query(text))).unwrap_or_else(|error| panic!("{text}: {error}"));
    }

    /// The column `x` as texts.
    pub(crate) fn strings(&self, text: &str) -> Vec<String> {
        self.column(text)
    }

    /// The column `x` as integers.
    pub(crate) fn integers(&self, text: &str) -> Vec<i64> {
        self.column(text)
    }

    fn column<T: serde::de::DeserializeOwned>(&self, text: &str) -> Vec<T> {
        self.runtime.block_on(async {
            let mut rows = self.graph.execute(query(text)).await.unwrap_or_else(|error| panic!("{text}: {error}"));
            let mut found = Vec::new();
            while let Some(row) = rows.next().await.unwrap() {
                found.push(row.get("x").unwrap());
            }
            found
        })
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        if self._turn.is_some() && !std::thread::panicking() {
            self.wipe();
        }
    }
}
