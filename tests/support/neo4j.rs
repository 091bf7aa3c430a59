//! A real Neo4j as the tests see it: built and read back with neo4rs, so that our own client is never its own witness.
//!
//! What neo4rs would blur (offsets in an overlap, -0.0, zones) is read as text and type that the server itself computes.

use neo4rs::{BoltList, BoltMap, BoltType, ConfigBuilder, Graph, Query, query};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;

/// A server, its password and a neo4rs connection.
pub struct Neo4j {
    /// `bolt://127.0.0.1:17687`.
    pub url: String,
    /// The password of `neo4j`.
    pub password: String,
    runtime: tokio::runtime::Runtime,
    graph: Graph,
}

/// Tests in one process take turns: the servers have one database each.
pub static TURN: Mutex<()> = Mutex::new(());

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/test, which starts the servers"))
}

impl Neo4j {
    /// The server that holds what is dumped.
    pub fn source() -> Self {
        Self::at(&variable("GRAPHFERRY_TEST_NEO4J"))
    }

    /// The server that is restored into.
    pub fn target() -> Self {
        Self::at(&variable("GRAPHFERRY_TEST_NEO4J_TARGET"))
    }

    /// A server of a calendar version, where a JDK for it is installed.
    pub fn calendar() -> Option<Self> {
        std::env::var("GRAPHFERRY_TEST_NEO4J_CALENDAR").ok().map(|url| Self::at(&url))
    }

    /// The server at this URL.
    pub fn at(url: &str) -> Self {
        let password = variable("GRAPHFERRY_TEST_PASSWORD");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let config = ConfigBuilder::default().uri(url).user("neo4j").password(&*password).build().unwrap();
        let graph = runtime.block_on(async { Graph::connect(config).unwrap() });
        Self { url: url.to_owned(), password, runtime, graph }
    }

    /// Runs a statement and gives its rows.
    pub fn rows(&self, statement: impl Into<Query>) -> Vec<neo4rs::Row> {
        let statement = statement.into();
        let text = statement.query().to_owned();
        self.runtime.block_on(async {
            let mut stream = self.graph.execute(statement).await.unwrap_or_else(|error| panic!("{text}: {error}"));
            let mut rows = Vec::new();
            while let Some(row) = stream.next().await.unwrap_or_else(|error| panic!("{text}: {error}")) {
                rows.push(row);
            }
            rows
        })
    }

    /// Runs a statement whose rows do not matter.
    pub fn run(&self, statement: &str) {
        self.rows(query(statement));
    }

    /// Runs a statement that may fail.
    pub fn try_run(&self, statement: &str) {
        let _ = self.runtime.block_on(self.graph.run(query(statement)));
    }

    /// One number.
    pub fn number(&self, statement: &str) -> i64 {
        let rows = self.rows(query(statement));
        rows.first().unwrap().to::<i64>().unwrap()
    }

    /// Empties the database: data, constraints, indexes; the lookup indexes of a new database are there afterwards.
    pub fn wipe(&self) {
        self.await_dropped_triggers();
        self.run("MATCH (n) CALL { WITH n DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS");
        let name = |row: &neo4rs::Row| row.get::<String>("name").unwrap().replace('\\', "\\u005C").replace('`', "``");
        for row in self.rows(query("SHOW CONSTRAINTS YIELD name")) {
            self.run(&format!("DROP CONSTRAINT `{}`", name(&row)));
        }
        for row in self.rows(query("SHOW INDEXES YIELD name")) {
            self.run(&format!("DROP INDEX `{}`", name(&row)));
        }
        self.run("CREATE LOOKUP INDEX FOR (n) ON EACH labels(n)");
        self.run("CREATE LOOKUP INDEX FOR ()-[r]-() ON EACH type(r)");
    }

    /// A trigger that an earlier test dropped fires until the database looks again, every two seconds.
    fn await_dropped_triggers(&self) {
        let has_apoc = "SHOW PROCEDURES YIELD name WHERE name = 'apoc.trigger.list' RETURN count(*)";
        if self.number(has_apoc) == 0 {
            return;
        }
        let since = std::time::Instant::now();
        // Those that a test has installed for itself stay, and end the wait too.
        while self.number("CALL apoc.trigger.list() YIELD name RETURN count(name)") > 0 && since.elapsed().as_secs() < 5
        {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    }

    /// Builds the torture graph from its statements.
    pub fn build_torture(&self) {
        self.wipe();
        let text = std::fs::read_to_string(fixture("neo4j-torture/statements.json")).unwrap();
        let statements: Vec<Json> = serde_json::from_str(&text).unwrap();
        assert_eq!(statements.len(), 94);
        for statement in statements {
            let mut built = query(statement["cypher"].as_str().unwrap());
            for (key, value) in statement["params"].as_object().unwrap() {
                built = built.param(key, bolt(value));
            }
            self.rows(built);
        }
        self.run("CALL db.awaitIndexes(120)");
    }

    /// The folder from which the server reads files.
    pub fn import_folder(&self) -> PathBuf {
        let setting = |name: &str| {
            let rows = self.rows(query(&format!("SHOW SETTINGS '{name}' YIELD value")));
            rows.first().unwrap().get::<String>("value").unwrap()
        };
        PathBuf::from(setting("server.directories.neo4j_home")).join(setting("server.directories.import"))
    }

    /// Runs a file through the real cypher-shell.
    pub fn cypher_shell(&self, file: &std::path::Path) -> std::process::Output {
        Command::new(root().join("scripts/neo4j"))
            .args(["cypher-shell", &self.url, "--format", "plain", "-f"])
            .arg(file)
            .env("NEO4J_USERNAME", "neo4j")
            .env("NEO4J_PASSWORD", &self.password)
            // A dump must survive any locale.
            .env("LC_ALL", "C")
            .output()
            .unwrap()
    }

    /// The whole graph as the server tells it.
    pub fn witness(&self) -> Witness {
        const VALUE: &str = "CASE WHEN valueType(x[k]) STARTS WITH 'LIST' \
             THEN reduce(s = toString(size(x[k])), v IN x[k] | s + '\u{1}' + toString(v)) ELSE toString(x[k]) END";
        let properties = format!(
            "[k IN keys(x) | [k, valueType(x[k]), {VALUE}]] AS properties, \
             [k IN keys(x) WHERE valueType(x[k]) STARTS WITH 'LIST<INTEGER' | [k, x[k]]] AS integers"
        );
        let mut said = BTreeMap::new();
        let mut nodes = Vec::new();
        for row in self.rows(query(&format!("MATCH (x) RETURN id(x) AS id, labels(x) AS labels, {properties}"))) {
            let mut labels: Vec<String> = row.get("labels").unwrap();
            labels.sort();
            let text = format!("{labels:?} {}", tell(&row));
            said.insert(row.get::<i64>("id").unwrap(), text.clone());
            nodes.push(text);
        }
        let mut relationships = Vec::new();
        let statement = format!("MATCH (a)-[x]->(b) RETURN id(a) AS a, id(b) AS b, type(x) AS type, {properties}");
        for row in self.rows(query(&statement)) {
            let end = |name: &str| said[&row.get::<i64>(name).unwrap()].clone();
            let kind: String = row.get("type").unwrap();
            relationships.push(format!("({}) -[{kind:?} {}]-> ({})", end("a"), tell(&row), end("b")));
        }
        nodes.sort();
        relationships.sort();
        Witness { nodes, relationships, schema: self.schema() }
    }

    fn schema(&self) -> Vec<String> {
        let mut schema = Vec::new();
        for (what, columns) in [
            ("INDEXES", "name, state, type, entityType, labelsOrTypes, properties, owningConstraint, options"),
            ("CONSTRAINTS", "name, type, entityType, labelsOrTypes, properties, ownedIndex, propertyType, options"),
        ] {
            for row in self.rows(query(&format!("SHOW {what} YIELD {columns}"))) {
                let row: BTreeMap<String, Json> = row.to().unwrap();
                schema.push(format!("{what} {row:?}"));
            }
        }
        schema.sort();
        schema
    }
}

/// The values of a row: key, type and text; bytes are told from lists of integers by what came over the wire.
fn tell(row: &neo4rs::Row) -> String {
    let mut properties: Vec<Vec<String>> = row.get("properties").unwrap();
    properties.sort();
    let integers: BoltType = row.get("integers").unwrap();
    let BoltType::List(BoltList { value: integers }) = integers else { panic!("a list was asked for") };
    let mut bytes: Vec<String> = Vec::new();
    for pair in integers {
        let BoltType::List(BoltList { value: pair }) = pair else { panic!("a pair was asked for") };
        if let [BoltType::String(key), BoltType::Bytes(value)] = &pair[..] {
            bytes.push(format!("{} = {:?}", key.value, &value.value[..]));
        }
    }
    bytes.sort();
    format!("{properties:?} bytes {bytes:?}")
}

/// A graph as its server tells it, in an order of its own: two that are equal are the same text.
#[derive(Debug, PartialEq, Eq)]
pub struct Witness {
    pub nodes: Vec<String>,
    pub relationships: Vec<String>,
    pub schema: Vec<String>,
}

impl Witness {
    /// Panics with the first lines that differ.
    #[track_caller]
    pub fn assert_same(&self, other: &Self) {
        for (what, a, b) in [
            ("nodes", &self.nodes, &other.nodes),
            ("relationships", &self.relationships, &other.relationships),
            ("schema", &self.schema, &other.schema),
        ] {
            let missing: Vec<_> = a.iter().filter(|line| !b.contains(line)).take(5).collect();
            let extra: Vec<_> = b.iter().filter(|line| !a.contains(line)).take(5).collect();
            assert!(
                a == b,
                "{what} differ: {} expected, {} found\nmissing: {missing:#?}\nextra: {extra:#?}",
                a.len(),
                b.len()
            );
        }
    }
}

fn bolt(value: &Json) -> BoltType {
    use base64::Engine as _;
    match value {
        Json::String(text) => text.as_str().into(),
        Json::Array(values) => BoltType::List(values.iter().map(bolt).collect::<Vec<_>>().into()),
        Json::Object(map) if map.contains_key("$bytes_base64") => {
            let text = map["$bytes_base64"].as_str().unwrap();
            let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
            BoltType::Bytes(neo4rs::BoltBytes::new(bytes.into()))
        }
        Json::Object(map) => BoltType::Map(BoltMap {
            value: map.iter().map(|(key, value)| (key.as_str().into(), bolt(value))).collect(),
        }),
        Json::Number(number) if number.is_i64() => number.as_i64().unwrap().into(),
        Json::Number(number) => number.as_f64().unwrap().into(),
        Json::Bool(value) => (*value).into(),
        Json::Null => BoltType::Null(neo4rs::BoltNull),
    }
}

/// The folder of the project.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file below fixtures/.
pub fn fixture(name: &str) -> PathBuf {
    root().join("fixtures").join(name)
}
