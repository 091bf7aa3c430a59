//! A real Neo4j server, emptied with a driver that is not ours.

use crate::backend::Backend;
use crate::support::Limits;
use graphferry::backend::{self, Access, Location, Source, Target};
use graphferry::model::Consistency;
use neo4rs::{ConfigBuilder, Graph, query};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::runtime::Runtime;

/// One server for all tests: one after the other.
static SERVER: Mutex<()> = Mutex::new(());

pub struct Neo4j {
    url: String,
    password: String,
    runtime: Runtime,
    _alone: MutexGuard<'static, ()>,
}

impl Neo4j {
    pub fn new() -> Self {
        let alone = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
        let setting = |name: &str| {
            std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/test, which starts servers"))
        };
        let neo4j = Self {
            url: setting("GRAPHFERRY_TEST_NEO4J_TARGET"),
            password: setting("GRAPHFERRY_TEST_PASSWORD"),
            runtime: tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap(),
            _alone: alone,
        };
        neo4j.wipe();
        neo4j
    }

    fn place(&self) -> (Location, Access) {
        let location = Location::parse(&self.url).unwrap().expect("the URL of a database");
        (location, Access::basic("neo4j", &self.password))
    }

    fn run(&self, database: &str, statements: &[&str]) {
        self.runtime.block_on(async {
            let graph = self.connect(database);
            for statement in statements {
                graph.run(query(statement)).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
            }
        });
    }

    fn connect(&self, database: &str) -> Graph {
        let config = ConfigBuilder::default().uri(&self.url).user("neo4j").password(&self.password).db(database);
        Graph::connect(config.build().unwrap()).unwrap()
    }

    /// The names that a SHOW tells, quoted.
    fn names(&self, show: &str) -> Vec<String> {
        self.runtime.block_on(async {
            let mut rows = self.connect("neo4j").execute(query(show)).await.unwrap();
            let mut names = Vec::new();
            while let Some(row) = rows.next().await.unwrap() {
                let name: String = row.get("name").unwrap();
                names.push(format!("`{}`", name.replace('\\', "\\u005C").replace('`', "``")));
            }
            names
        })
    }
}

impl Backend for Neo4j {
    fn limits(&self) -> Limits {
        Limits::NEO4J
    }

    fn keeps_order(&self) -> bool {
        false
    }

    fn promises(&self) -> Consistency {
        Consistency::ReadCommitted
    }

    fn cases(&self) -> u32 {
        8
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
        self.run("system", &["CALL apoc.trigger.dropAll('neo4j')"]);
        // A trigger that was dropped fires until the database looks again, every two seconds.
        let since = std::time::Instant::now();
        while !self.names("CALL apoc.trigger.list() YIELD name RETURN name").is_empty() {
            assert!(since.elapsed() < std::time::Duration::from_secs(30), "a dropped trigger is still there");
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        self.run("neo4j", &["MATCH (n) CALL { WITH n DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS"]);
        for (show, drop) in [
            ("SHOW CONSTRAINTS YIELD name", "DROP CONSTRAINT"),
            ("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP'", "DROP INDEX"),
        ] {
            let statements: Vec<_> = self.names(show).iter().map(|name| format!("{drop} {name}")).collect();
            self.run("neo4j", &statements.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
}
