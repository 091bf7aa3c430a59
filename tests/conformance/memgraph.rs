//! The server that stands in for Memgraph (`tests/support/emulated.rs`): it is not Memgraph.

use crate::backend::Backend;
use crate::support::Limits;
use crate::support::emulated::Emulated;
use graphferry::backend::{self, Access, Location, Source, Target};
use graphferry::model::Consistency;

pub struct Memgraph {
    server: Emulated,
}

impl Memgraph {
    pub fn new() -> Self {
        let memgraph = Self { server: Emulated::start() };
        memgraph.wipe();
        memgraph
    }

    fn location(&self) -> Location {
        Location::parse(&self.server.url()).unwrap().expect("the URL of a database")
    }
}

impl Backend for Memgraph {
    fn limits(&self) -> Limits {
        Limits { enums: false, ..Limits::MEMGRAPH }
    }

    fn keeps_order(&self) -> bool {
        false
    }

    fn promises(&self) -> Consistency {
        Consistency::Snapshot
    }

    fn cases(&self) -> u32 {
        30
    }

    fn target(&self) -> Box<dyn Target> {
        backend::open_target(&self.location(), &Access::default()).unwrap()
    }

    fn source(&self) -> Box<dyn Source> {
        backend::open_source(&self.location(), &Access::default()).unwrap()
    }

    fn wipe(&self) {
        self.server.wipe();
    }
}
