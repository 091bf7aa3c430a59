//! The embedded store in a temporary folder.

use crate::backend::Backend;
use crate::support::Limits;
use graphferry::backend::{Source, Target, sqlite};
use graphferry::model::Consistency;
use std::path::PathBuf;

pub struct Sqlite {
    folder: tempfile::TempDir,
}

impl Sqlite {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("graph.db")
    }
}

impl Backend for Sqlite {
    fn limits(&self) -> Limits {
        Limits::ALL
    }

    fn keeps_order(&self) -> bool {
        true
    }

    fn promises(&self) -> Consistency {
        Consistency::Snapshot
    }

    fn cases(&self) -> u32 {
        100
    }

    fn target(&self) -> Box<dyn Target> {
        sqlite::open_target(&self.path()).unwrap()
    }

    fn source(&self) -> Box<dyn Source> {
        drop(self.target());
        sqlite::open_source(&self.path()).unwrap()
    }

    fn wipe(&self) {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(self.folder.path().join(format!("graph.db{suffix}")));
        }
    }
}
