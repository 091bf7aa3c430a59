//! Any bytes as a snapshot or a log of Memgraph: the reader must say what is wrong or give blocks that are sound.
#![no_main]

use graphferry::backend::memgraph_files::{Options, check, open_source};
use graphferry::model::Class;
use graphferry::model::tally::Counter;
use libfuzzer_sys::fuzz_target;
use std::io::Write as _;

fuzz_target!(|data: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    file.write_all(data).expect("a temporary file can be written");
    let _ = check(file.path());
    let Ok(mut source) = open_source(file.path(), &Options::default()) else { return };
    let Ok(mut snapshot) = source.snapshot(None) else { return };
    let _ = snapshot.schema();
    let _ = snapshot.names();
    let mut counter = Counter::default();
    for class in [Class::Nodes, Class::Relationships] {
        let _ = snapshot.scan(class, &mut |block| {
            counter.block(&block).expect("a block's properties are well formed");
            Ok(())
        });
    }
});
