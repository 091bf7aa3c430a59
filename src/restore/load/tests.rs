#![allow(clippy::unwrap_used)]
use super::*;
use crate::backend::{Entry, Facts, Once, Place, Schedule};
use crate::feed::{Feed, pump};
use crate::model::header::Origin;
use crate::model::{Header, Schema, packstream};
use crate::observe::{Silent, Stop};
use crate::restore::plan::{Wishes, plan};
use crate::survey::Known;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Relationships of a block of the feed.
const BLOCK: i64 = 1000;
/// Blocks that make a window, and a few.
const WINDOW: u64 = 140;
/// All blocks: less than two windows.
const BLOCKS: u64 = 200;

/// So many nodes that none is a supernode.
const NODES: i64 = 1000;

/// Nodes and many relationships between them; counts the blocks that were taken.
#[derive(Default)]
struct Given {
    header: Header,
    schema: Schema,
    blocks: Arc<AtomicU64>,
}

impl Feed for Given {
    fn header(&self) -> &Header {
        &self.header
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn names(&self) -> Option<&crate::backend::Names> {
        None
    }

    fn estimate(&self) -> Option<(u64, u64)> {
        None
    }

    fn run(&mut self, sink: &mut dyn FnMut(Piece) -> Result<()>) -> Result<End> {
        let mut nodes = Block::new(Class::Nodes);
        let kind = nodes.add_kind(Kind::labels(["A"]));
        for id in 0..NODES {
            packstream::put_map(nodes.buffer(), 0);
            nodes.push(id, 0, 0, kind, 0);
        }
        sink(Piece::Block(nodes))?;
        for at in 0..BLOCKS as i64 {
            let mut block = Block::new(Class::Relationships);
            let kind = block.add_kind(Kind::relationship("R"));
            for id in at * BLOCK..(at + 1) * BLOCK {
                packstream::put_map(block.buffer(), 0);
                block.push(id, id % NODES, id / 10 % NODES, kind, 0);
            }
            sink(Piece::Block(block))?;
            self.blocks.fetch_add(1, Ordering::SeqCst);
        }
        Ok(End::default())
    }
}

/// Writes no relationship before many more were read than make a window.
struct Waiting {
    blocks: Arc<AtomicU64>,
}

fn unused<T>() -> Result<T> {
    Err(Error::failed("nobody asked for this"))
}

impl Session for Waiting {
    fn enlist(&mut self, _: &Place) -> Result<()> {
        unused()
    }

    fn nodes(&mut self, batch: &Block, _: Option<&Mark>, ids: &mut Vec<i64>) -> Result<()> {
        ids.extend(batch.items().iter().map(|item| item.id + NODES));
        Ok(())
    }

    fn relationships(&mut self, batch: &Block, _: Once, _: Option<&Mark>) -> Result<u64> {
        let since = Instant::now();
        while self.blocks.load(Ordering::SeqCst) < WINDOW + 20 {
            if since.elapsed() > Duration::from_secs(30) {
                return Err(Error::failed("nothing is read while sessions are at work"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(batch.items().iter().all(|item| item.start >= NODES && item.end >= NODES));
        Ok(batch.len() as u64)
    }

    fn update(&mut self, _: &Block, _: Update, _: Option<&Mark>) -> Result<u64> {
        unused()
    }

    fn find(&mut self, _: &Mark) -> Result<Option<Entry>> {
        unused()
    }

    fn read(&mut self, _: Class, _: &[i64]) -> Result<Block> {
        unused()
    }

    fn delete(&mut self, _: Class, _: &[i64], _: bool, _: &Entry) -> Result<u64> {
        unused()
    }

    fn put_back(&mut self, _: &Block, _: &Entry) -> Result<()> {
        unused()
    }

    fn statement(&mut self, _: &str) -> Result<()> {
        unused()
    }
}

#[test]
fn a_window_is_gathered_while_the_one_before_is_written() {
    let facts = Facts {
        origin: Origin::default(),
        capability: Capability::default(),
        nodes: 0,
        relationships: 0,
        schema: Schema::default(),
        defaults: Schema::default(),
        schedule: Schedule::Sorted,
        sessions: 2,
        batch: 500,
        fires_triggers: false,
        resumes_restores: false,
        identities: None,
        analytical: None,
    };
    let plan = plan(&Known::default(), &facts, &Wishes::default());
    let blocks = Arc::new(AtomicU64::new(0));
    let stop = Stop::default();
    let watch = Watch { stop: &stop, observer: &Silent };
    let setup = Setup {
        plan: &plan,
        capability: &facts.capability,
        identity: Identity::default(),
        done: None,
        quarantine: None,
        max_errors: 0,
        throttle: None,
        watch,
    };
    let session = || -> Box<dyn Session> { Box::new(Waiting { blocks: Arc::clone(&blocks) }) };
    let mut source = |consume: &mut dyn FnMut(Pieces) -> Result<()>| {
        let mut feed = Given { blocks: Arc::clone(&blocks), ..Given::default() };
        pump(&mut feed, watch, consume).map(|(_, end)| end)
    };
    let mut report = Report::default();
    let sessions = vec![session(), session()];
    load(&mut source, sessions, setup, &mut report).map(|_| ()).unwrap();
    assert_eq!((report.nodes.written, report.relationships.written), (NODES as u64, BLOCKS * BLOCK as u64));
}
